//! What a person saw: CSV, a row for each crossing.
//!
//! `frame,direction` without a header or with one; a header may name `at_ms` (UTC milliseconds) in place of
//! `frame`, and further columns are passed over. Lines that begin with `#` are remarks.

use super::events::FrameClock;
use crate::analytics::score::Passage;
use crate::count::Direction;
use crate::time::WallTime;

/// 1970 to 2200, so that sums of times stay in range.
const WALL_MS: std::ops::Range<i64> = 0..7_258_118_400_000;
/// As in MOT text.
const LAST_FRAME: u64 = 10_000_000;

/// One crossing that a person saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TruthRow {
    /// When somebody crossed.
    pub when: When,
    /// Which way.
    pub direction: Direction,
}

/// When it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// In this frame, 1-based.
    Frame(u64),
    /// At this time of the day.
    At(WallTime),
}

/// Why a truth cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TruthError {
    /// A column that a row needs is not named.
    #[error("line {line}: the header has no column {missing}; it needs frame,direction or at_ms,direction")]
    Header {
        /// 1-based.
        line: usize,
        /// Its name.
        missing: &'static str,
    },
    /// A row ends too early.
    #[error("line {line} has too few columns; give frame,direction, such as 57,in")]
    Columns {
        /// 1-based.
        line: usize,
    },
    /// A frame is no frame's number.
    #[error("line {line}: {text:?} is no frame; give a whole number from 1 to {LAST_FRAME}")]
    Frame {
        /// 1-based.
        line: usize,
        /// What is there.
        text: String,
    },
    /// A time is none.
    #[error("line {line}: {text:?} is no at_ms; give milliseconds since 1970")]
    At {
        /// 1-based.
        line: usize,
        /// What is there.
        text: String,
    },
    /// A direction is neither.
    #[error("line {line}: {text:?} is no direction; give in or out")]
    Direction {
        /// 1-based.
        line: usize,
        /// What is there.
        text: String,
    },
}

/// Which column holds what.
#[derive(Debug, Clone, Copy)]
struct Columns {
    frame: Option<usize>,
    at_ms: Option<usize>,
    direction: usize,
}

impl TruthRow {
    pub(super) fn passage(&self, clock: &FrameClock) -> Passage {
        let (at, frame) = match self.when {
            When::Frame(frame) => (clock.at(frame), Some(frame)),
            When::At(at) => (at, None),
        };
        Passage { at, direction: self.direction, frame }
    }
}

/// Reads the rows, in their order.
///
/// # Errors
/// [`TruthError`] names the first line that cannot be read.
pub fn parse(text: &str) -> Result<Vec<TruthRow>, TruthError> {
    let lines = (1..).zip(text.trim_start_matches('\u{feff}').lines());
    let mut lines = lines.filter(|(_, text)| !text.trim().is_empty() && !text.starts_with('#')).peekable();
    let mut columns = Columns { frame: Some(0), at_ms: None, direction: 1 };
    let is_header = |(_, text): &(usize, &str)| text.starts_with(|c: char| c.is_alphabetic());
    if let Some((line, header)) = lines.next_if(is_header) {
        columns = Columns::of(line, header)?;
    }
    lines.map(|(line, text)| columns.row(line, text)).collect()
}

impl Columns {
    fn of(line: usize, header: &str) -> Result<Self, TruthError> {
        let place =
            |name: &str| header.split(',').position(|column| column.trim().eq_ignore_ascii_case(name));
        let (frame, at_ms) = (place("frame"), place("at_ms"));
        if frame.is_none() && at_ms.is_none() {
            return Err(TruthError::Header { line, missing: "frame" });
        }
        let direction = place("direction").ok_or(TruthError::Header { line, missing: "direction" })?;
        Ok(Self { frame, at_ms, direction })
    }

    fn row(self, line: usize, text: &str) -> Result<TruthRow, TruthError> {
        let columns: Vec<&str> = text.split(',').map(str::trim).collect();
        let column = |place: usize| columns.get(place).copied().ok_or(TruthError::Columns { line });
        let shown = |text: &str| text.chars().take(40).collect::<String>();
        let direction = match column(self.direction)?.to_ascii_lowercase().as_str() {
            "in" => Direction::In,
            "out" => Direction::Out,
            other => return Err(TruthError::Direction { line, text: shown(other) }),
        };
        let at = self.at_ms.map(column).transpose()?.filter(|text| !text.is_empty());
        let when = match (at, self.frame) {
            (Some(text), _) => {
                let at = text.parse().ok().filter(|ms| WALL_MS.contains(ms));
                let at = at.ok_or_else(|| TruthError::At { line, text: shown(text) })?;
                When::At(WallTime::from_unix_ms(at))
            }
            (None, place) => {
                let text = place.map_or(Ok(""), column)?;
                let frame = text.parse().ok().filter(|frame| (1..=LAST_FRAME).contains(frame));
                When::Frame(frame.ok_or_else(|| TruthError::Frame { line, text: shown(text) })?)
            }
        };
        Ok(TruthRow { when, direction })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let word = |row: &TruthRow| {
            let sign = if row.direction == Direction::In { '+' } else { '-' };
            match row.when {
                When::Frame(frame) => format!("{sign}{frame}"),
                When::At(at) => format!("{sign}{}ms", at.unix_ms()),
            }
        };
        let told = parse(text).map(|rows| rows.iter().map(word).collect::<Vec<_>>().join(" "));
        assert_eq!(told.unwrap_or_else(|fault| fault.to_string()), expected, "{text}");
    }

    #[test]
    fn a_header_remarks_and_empty_lines_may_be_there_or_not() {
        check("9,out\n18, In\n", "-9 +18");
        check("# by hand\r\nframe,direction\r\n\r\n9,out\r\n", "-9");
        check("\u{feff}frame,direction\n9,out", "-9");
        check("", "");
    }

    #[test]
    fn a_header_may_name_times_and_other_columns() {
        check("direction,who,at_ms\nin,a woman with a dog,1767225600000", "+1767225600000ms");
        check("frame,direction,at_ms\n9,in,\n,out,5", "+9 -5ms");
    }

    #[test]
    fn a_fault_names_its_line() {
        check(
            "frame,way\n9,in",
            "line 1: the header has no column direction; it needs frame,direction or at_ms,direction",
        );
        check(
            "when,direction\n9,in",
            "line 1: the header has no column frame; it needs frame,direction or at_ms,direction",
        );
        check("9", "line 1 has too few columns; give frame,direction, such as 57,in");
        check("9,in\n\n7,left", "line 3: \"left\" is no direction; give in or out");
        for bad in ["0", "-4", "1.5", "10000001", ""] {
            check(
                &format!("1,in\n{bad},in"),
                &format!("line 2: {bad:?} is no frame; give a whole number from 1 to 10000000"),
            );
        }
        check("at_ms,direction\n-1,in", "line 2: \"-1\" is no at_ms; give milliseconds since 1970");
    }

    proptest! {
        #[test]
        fn whatever_text_comes_it_is_read_or_refused(text in "[a-z0-9,.#\n\r _-]{0,80}|\\PC{0,40}") {
            if let Ok(rows) = parse(&text) {
                prop_assert!(rows.len() <= text.lines().count());
            }
        }
    }
}
