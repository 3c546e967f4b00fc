//! Sums as whole numbers of the smallest unit, exactly as written: no binary fraction is ever in between.

/// What stands between the whole and its fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DecimalMark {
    /// `12.50`.
    #[default]
    Point,
    /// `12,50`.
    Comma,
}

/// Why a text is no number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecimalFault {
    /// Something else than digits, one sign and one mark.
    #[error("{text} is no number with the decimal mark that was set; nothing may group its digits")]
    NotANumber {
        /// The beginning of what was given.
        text: String,
    },
    /// More digits after the mark than there are units.
    #[error("{text} has more than {scale} digits after the mark")]
    TooFine {
        /// The beginning of what was given.
        text: String,
        /// How many there may be.
        scale: u8,
    },
    /// More than fits.
    #[error("{text} is too large")]
    TooLarge {
        /// The beginning of what was given.
        text: String,
    },
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// Digits after the mark that are kept.
    pub scale: u8,
    /// The mark.
    pub mark: DecimalMark,
}

impl Decimal {
    /// Reads a number as a whole number of its smallest unit: `12.5` with 2 digits is 1250.
    ///
    /// # Errors
    /// [`DecimalFault`].
    pub fn parse(self, text: &str) -> Result<i64, DecimalFault> {
        let shown = || super::cut(text);
        let not_a_number = || DecimalFault::NotANumber { text: shown() };
        let (is_below, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let mark = if self.mark == DecimalMark::Point { '.' } else { ',' };
        let (whole, fraction) = digits.split_once(mark).unwrap_or((digits, "0"));
        let only_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !only_digits(whole) || !only_digits(fraction) {
            return Err(not_a_number());
        }
        let kept = usize::from(self.scale).min(fraction.len());
        if fraction[kept..].bytes().any(|byte| byte != b'0') {
            return Err(DecimalFault::TooFine { text: shown(), scale: self.scale });
        }
        let fill = std::iter::repeat_n(b'0', usize::from(self.scale) - kept);
        let mut minor = 0_i64;
        for digit in whole.bytes().chain(fraction[..kept].bytes()).chain(fill) {
            let added = minor.checked_mul(10).and_then(|tens| tens.checked_add(i64::from(digit - b'0')));
            minor = added.ok_or_else(|| DecimalFault::TooLarge { text: shown() })?;
        }
        Ok(if is_below { -minor } else { minor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(mark: DecimalMark, text: &str, expected: Result<i64, &str>) {
        let got = Decimal { scale: 2, mark }.parse(text).map_err(|fault| fault.to_string());
        match (&got, expected) {
            (Ok(got), Ok(expected)) => assert_eq!(*got, expected, "{text}"),
            (Err(got), Err(expected)) => assert!(got.contains(expected), "{got}"),
            _ => panic!("{text}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_sum_is_taken_exactly_as_written() {
        for (text, minor) in [("0.29", 29), ("12", 1200), ("-12.5", -1250), ("+1.00", 100), ("7.500", 750)] {
            check(DecimalMark::Point, text, Ok(minor));
        }
        check(DecimalMark::Comma, "1234,56", Ok(123_456));
    }

    #[test]
    fn grouped_digits_symbols_and_the_other_mark_are_refused_and_never_guessed() {
        for text in ["1,234.56", "1,234", "12,50", "$12", "12 EUR", "", ".5", "5.", "1e2", "--1", "١٢", "NaN"]
        {
            check(DecimalMark::Point, text, Err("is no number"));
        }
        check(DecimalMark::Comma, "1.234,56", Err("is no number"));
        check(DecimalMark::Point, "0.005", Err("more than 2 digits"));
        check(DecimalMark::Point, "99999999999999999999", Err("too large"));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(minor in -1_000_000_000_000_i64..1_000_000_000_000) {
            let (sign, size) = (if minor < 0 { "-" } else { "" }, minor.unsigned_abs());
            let text = format!("{sign}{}.{:02}", size / 100, size % 100);
            prop_assert_eq!(Decimal { scale: 2, mark: DecimalMark::Point }.parse(&text), Ok(minor));
        }
    }
}
