//! Lengths of time as people write them: `"500ms"`, `"20s"`, `"2m"`, `"1h"`, `"14d"`.
//!
//! One whole number and one unit. A bare number is refused: nobody who reads `20` a year later
//! knows whether it was seconds, and a count must not depend on that guess.

use std::fmt;
use std::time::Duration;

/// Units from the longest to the shortest, with their length in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Why a text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// There is no unit.
    #[error("{0:?} has no unit; write for example \"{0}s\" for seconds or \"{0}ms\" for milliseconds")]
    NoUnit(String),
    /// It is not a whole number with a unit.
    #[error(
        "{0:?} is not a length of time; write a whole number and ms, s, m, h or d, such as \"20s\" or \"500ms\""
    )]
    NotUnderstood(String),
    /// The number does not fit.
    #[error("{0:?} is longer than anything here can be")]
    TooLong(String),
}

/// Reads a length of time.
///
/// # Errors
/// [`SpanError`] says what is not understood; it repeats at most 40 characters.
pub fn parse_span(text: &str) -> Result<Duration, SpanError> {
    let shown = || text.chars().take(40).collect::<String>();
    let digits_end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_end);
    if digits.is_empty() {
        return Err(SpanError::NotUnderstood(shown()));
    }
    if unit.is_empty() {
        return Err(SpanError::NoUnit(shown()));
    }
    let Some((_, unit_ms)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(SpanError::NotUnderstood(shown()));
    };
    let ms = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(*unit_ms));
    ms.map(Duration::from_millis).ok_or_else(|| SpanError::TooLong(shown()))
}

/// A length of time the way [`parse_span`] reads it, in the longest unit that keeps it whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let whole = |unit_ms: u64| ms > 0 && ms.is_multiple_of(u128::from(unit_ms));
        match UNITS.iter().find(|(_, unit_ms)| whole(*unit_ms)) {
            Some((unit, unit_ms)) => write!(f, "{}{unit}", ms / u128::from(*unit_ms)),
            None => f.write_str("0s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &str) {
        let got = match parse_span(text) {
            Ok(span) => Span(span).to_string(),
            Err(fault) => fault.to_string(),
        };
        assert!(got.starts_with(expected), "{text:?} gave {got:?}");
    }

    #[test]
    fn a_whole_number_with_a_unit_is_a_length_of_time() {
        check("500ms", "500ms");
        check("20s", "20s");
        check("60s", "1m");
        check("24h", "1d");
        check("14d", "14d");
        check("25h", "25h");
        check("0s", "0s");
    }

    #[test]
    fn a_number_without_a_unit_is_refused_with_both_ways_to_write_it() {
        check("20", "\"20\" has no unit; write for example \"20s\" for seconds or \"20ms\"");
    }

    #[test]
    fn signs_fractions_spaces_and_other_units_are_refused() {
        for text in ["", "s", "-1s", "+1s", "1.5s", "1 s", "1S", "1min", "1m30s", "١s"] {
            check(text, &format!("{text:?} is not a length of time"));
        }
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused() {
        check("99999999999999999999s", "\"99999999999999999999s\" is longer");
        check("18446744073709551615h", "\"18446744073709551615h\" is longer");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back_as_the_same_length(ms in 0_u64..1_000_000_000) {
            let span = Duration::from_millis(ms);
            prop_assert_eq!(parse_span(&Span(span).to_string()), Ok(span));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            if let Ok(span) = parse_span(&text) {
                prop_assert_eq!(parse_span(&Span(span).to_string()), Ok(span));
            }
        }
    }
}
