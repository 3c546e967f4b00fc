//! What a place looks like when nothing is wrong, and its text.
//!
//! Kept over a restart, so that a camera that is turned while the box is off is noticed. The text holds no picture:
//! for each of 96 by 54 cells only whether the brightness rises or falls, to the right and below, for what stood still
//! for seconds. Nobody can be recognised from it, and who walked by is not in it at all.
//!
//! ```text
//! footfall background 1
//! geometry ab12cd34ef56       lines and zones were drawn so; another one means that somebody drew anew
//! learned_ms 1760000000000    UTC ms
//! moved_ms -                  since when the camera is moved and nobody has confirmed, or -
//! steps 1354                  cells' signs in one look, mean
//! detail 0.0312               share of fine steps, mean
//! 444444...                   54 rows of 96 digits: 3 (across + 1) + (down + 1)
//! ```
//!
//! At most [`Background::MAX_TEXT_BYTES`] long.

use super::edges::SIGNS;
use super::thumbnail::{CELLS, COLUMNS, ROWS};
use crate::time::WallTime;
use std::fmt::Write;

const HEAD: &str = "footfall background 1";
/// What stands in place of a time that is none.
const NEVER: &str = "-";

/// What a place looks like when nothing is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Background {
    /// `(2, 54, 96)` signs, -1, 0 or 1: across, then down.
    pub(super) signs: Vec<i8>,
    /// Signs that are not 0 in one look.
    pub(super) steps: f32,
    /// Share of the pixels looked at beside which the brightness steps.
    pub(super) detail: f32,
    /// When it was learned.
    pub(super) learned: WallTime,
    /// Since when the camera has looked elsewhere, unconfirmed.
    pub(super) moved_since: Option<WallTime>,
}

/// Why a text is no background.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackgroundError {
    /// It does not begin as one.
    #[error("it does not begin with \"{HEAD}\"")]
    Head,
    /// Something is missing or no value of its kind.
    #[error("{field} is missing or has no value that can be")]
    Field {
        /// Which.
        field: &'static str,
    },
    /// The cells are not 54 rows of 96 digits 0-8.
    #[error("its cells are not {ROWS} rows of {COLUMNS} digits from 0 to 8")]
    Cells,
}

impl Background {
    /// No text is longer: whoever reads one from a disk need not read on.
    pub const MAX_TEXT_BYTES: u64 = 8192;

    /// The text, for a camera with this geometry.
    #[must_use]
    pub fn to_text(&self, geometry: &str) -> String {
        let moved = self.moved_since.map_or_else(|| NEVER.to_owned(), |at| at.unix_ms().to_string());
        let mut text = format!(
            "{HEAD}\ngeometry {geometry}\nlearned_ms {}\nmoved_ms {moved}\nsteps {}\ndetail {}\n",
            self.learned.unix_ms(),
            self.steps,
            self.detail,
        );
        let (across, down) = self.signs.split_at(CELLS);
        for (across, down) in across.chunks(COLUMNS).zip(down.chunks(COLUMNS)) {
            for (across, down) in across.iter().zip(down) {
                write!(text, "{}", 3 * (across + 1) + down + 1).expect("a String takes every byte");
            }
            text.push('\n');
        }
        text
    }

    /// Reads a text back, with the geometry that it is for.
    ///
    /// # Errors
    /// [`BackgroundError`] names what is wrong with it.
    pub fn parse(text: &str) -> Result<(String, Self), BackgroundError> {
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Err(BackgroundError::Head);
        }
        let mut field = |field: &'static str| {
            let value = lines.next().and_then(|line| line.strip_prefix(field)?.strip_prefix(' '));
            value.ok_or(BackgroundError::Field { field })
        };
        let geometry = field("geometry")?.to_owned();
        let learned = time(field("learned_ms")?, "learned_ms")?;
        let moved_since = match field("moved_ms")? {
            NEVER => None,
            ms => Some(time(ms, "moved_ms")?),
        };
        let steps = number(field("steps")?, "steps", SIGNS as f32)?;
        let detail = number(field("detail")?, "detail", 1.0)?;
        let signs = signs(lines)?;
        Ok((geometry, Self { signs, steps, detail, learned, moved_since }))
    }
}

fn time(text: &str, field: &'static str) -> Result<WallTime, BackgroundError> {
    text.parse().map(WallTime::from_unix_ms).map_err(|_number| BackgroundError::Field { field })
}

fn number(text: &str, field: &'static str, most: f32) -> Result<f32, BackgroundError> {
    let number = text.parse::<f32>().ok().filter(|number| (0.0..=most).contains(number));
    number.ok_or(BackgroundError::Field { field })
}

fn signs<'a>(rows: impl Iterator<Item = &'a str>) -> Result<Vec<i8>, BackgroundError> {
    let mut signs = vec![0; SIGNS];
    let mut at = 0;
    for (row, digits) in rows.enumerate() {
        if row >= ROWS || digits.len() != COLUMNS {
            return Err(BackgroundError::Cells);
        }
        for digit in digits.bytes() {
            if !(b'0'..=b'8').contains(&digit) {
                return Err(BackgroundError::Cells);
            }
            let digit = (digit - b'0').cast_signed();
            (signs[at], signs[CELLS + at]) = (digit / 3 - 1, digit % 3 - 1);
            at += 1;
        }
    }
    if at == CELLS { Ok(signs) } else { Err(BackgroundError::Cells) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_background() -> impl Strategy<Value = Background> {
        let signs = prop::collection::vec(-1_i8..=1, SIGNS);
        let moved = prop::option::of(any::<i64>().prop_map(WallTime::from_unix_ms));
        (signs, 0.0..1e4_f32, 0.0..=1.0_f32, any::<i64>(), moved).prop_map(
            |(signs, steps, detail, learned, moved_since)| Background {
                signs,
                steps,
                detail,
                learned: WallTime::from_unix_ms(learned),
                moved_since,
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_was_written_is_read_back_and_is_short(background in any_background()) {
            let text = background.to_text("ab12cd34ef56");
            prop_assert!(text.len() as u64 <= Background::MAX_TEXT_BYTES);
            prop_assert_eq!(Background::parse(&text), Ok(("ab12cd34ef56".to_owned(), background)));
        }

        #[test]
        fn no_text_does_harm(text in ".{0,300}", cut in 0_usize..6000, background in any_background()) {
            let whole = background.to_text("g");
            let cut = &whole[..cut.min(whole.len() - 1)];
            prop_assert!(Background::parse(cut).is_err() || cut.len() + 1 == whole.len());
            prop_assert!(Background::parse(&text).is_err());
        }
    }

    #[track_caller]
    fn check(from: &str, to: &str, why: &str) {
        let background = Background {
            signs: vec![0; SIGNS],
            steps: 9.0,
            detail: 0.5,
            learned: WallTime::default(),
            moved_since: None,
        };
        let text = background.to_text("g").replacen(from, to, 1);
        assert_eq!(Background::parse(&text).unwrap_err().to_string(), why);
    }

    #[test]
    fn what_is_wrong_with_a_text_is_named() {
        check("background 1", "background 2", "it does not begin with \"footfall background 1\"");
        check("geometry", "gravity", "geometry is missing or has no value that can be");
        check("steps 9", "steps NaN", "steps is missing or has no value that can be");
        check("moved_ms -", "moved_ms soon", "moved_ms is missing or has no value that can be");
        check("\n4", "\n9", "its cells are not 54 rows of 96 digits from 0 to 8");
        check("\n4", "\n44", "its cells are not 54 rows of 96 digits from 0 to 8");
    }
}
