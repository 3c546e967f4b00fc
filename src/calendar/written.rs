//! Times as others write them down: with an offset, as a number, or as the store's clock showed them.

use super::Zone;
use crate::time::WallTime;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;

/// How a time is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum WrittenTime {
    /// `2026-11-22T14:05:00Z`, with any offset; without one it is what the store's clock showed.
    #[default]
    Iso,
    /// Whole seconds since 1970, UTC.
    UnixSeconds,
    /// Whole milliseconds since 1970, UTC.
    UnixMs,
    /// A pattern of strftime, such as `%d.%m.%Y %H:%M:%S`; without an offset it is what the store's clock showed.
    Pattern(String),
}

/// Why a text gives no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeFault {
    /// Not written as was said.
    #[error("is not a time as it was said to be written")]
    NotWrittenSo,
    /// The clock went past it when it was put forward.
    #[error("is a time that the store's clock never showed")]
    NeverWas,
}

impl WrittenTime {
    /// Whether a pattern says enough: a date and a time of day.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let Self::Pattern(pattern) = self else { return true };
        let sample = Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
        let Ok(written) = jiff::fmt::strtime::format(pattern, &sample) else { return false };
        Zone::utc().parse_time(&written, self).is_ok()
    }
}

impl Zone {
    /// Reads a time. What the clock showed twice is taken as the first of the two.
    ///
    /// # Errors
    /// [`TimeFault`].
    pub fn parse_time(&self, text: &str, how: &WrittenTime) -> Result<WallTime, TimeFault> {
        let wall = |at: Timestamp| WallTime::from_unix_ms(at.as_millisecond());
        let number = || text.parse::<i64>().ok().ok_or(TimeFault::NotWrittenSo);
        match how {
            WrittenTime::UnixMs => said(Timestamp::from_millisecond(number()?)).map(wall),
            WrittenTime::UnixSeconds => said(Timestamp::from_second(number()?)).map(wall),
            WrittenTime::Iso => match text.parse::<Timestamp>() {
                Ok(at) => Ok(wall(at)),
                Err(_) => self.on_the_clock(iso_local(text)?),
            },
            WrittenTime::Pattern(pattern) => {
                let parts = said(BrokenDownTime::parse(pattern, text))?;
                match parts.offset() {
                    Some(_) => said(parts.to_timestamp()).map(wall),
                    None => self.on_the_clock(local(&parts)?),
                }
            }
        }
    }

    fn on_the_clock(&self, local: DateTime) -> Result<WallTime, TimeFault> {
        self.when(local).ok_or(TimeFault::NeverWas)
    }
}

fn said<T>(read: Result<T, jiff::Error>) -> Result<T, TimeFault> {
    read.ok().ok_or(TimeFault::NotWrittenSo)
}

/// A date without a time would be read as midnight, which nobody wrote.
fn iso_local(text: &str) -> Result<DateTime, TimeFault> {
    if !text.contains(':') {
        return Err(TimeFault::NotWrittenSo);
    }
    said(text.parse())
}

/// The same for a pattern: hours and minutes must be there.
fn local(parts: &BrokenDownTime) -> Result<DateTime, TimeFault> {
    if parts.hour().is_none() || parts.minute().is_none() {
        return Err(TimeFault::NotWrittenSo);
    }
    said(parts.to_datetime())
}
