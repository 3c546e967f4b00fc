//! The store's calendar: its zone, its opening hours, its business day and its weeks.
//!
//! A day is not 24 hours: where clocks are put forward or back it has 23 or 25, and a business day may end after
//! midnight. So nothing here adds hours to get from one day to the next. A day begins where its first local time
//! falls, and ends where the next one begins; all spans come out as UTC bounds that join without a gap or an overlap.
//!
//! A local time that the clock shows twice (an hour in autumn) is taken as the first of the two; one that it
//! never shows (an hour in spring) is moved on by as much as the clock was, as RFC 5545 has it. Only a time that somebody
//! wrote down and that never was is refused, in [`Zone::parse_time`].

mod day;
mod hours;
mod weeks;
mod written;

pub use day::{Day, Zone};
pub use hours::{DayHours, HoursError, Opening, Schedule, TimeOfDay, WeekHours};
pub use weeks::{RetailWeek, Week, WeekCalendar};
pub use written::{TimeFault, WrittenTime};

use crate::time::WallTime;
use std::time::Duration;

/// A quarter of an hour, ms. Every zone in use differs from UTC by a multiple of it, so quarters are the same everywhere.
const QUARTER_MS: i64 = 15 * 60_000;
const HOUR_MS: i64 = 60 * 60_000;

/// Why something is no part of a calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// No such zone.
    #[error("{text:?} is no time zone; give a name of the IANA list, such as \"Europe/Vienna\" or \"UTC\"")]
    Zone {
        /// What was given.
        text: String,
    },
    /// Not a date.
    #[error("{text:?} is no date; write it as \"2026-12-24\"")]
    Day {
        /// What was given.
        text: String,
    },
}

/// From one point of time to another; the end is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimeSpan {
    /// First ms.
    pub start: WallTime,
    /// The ms after the last.
    pub end: WallTime,
}

impl TimeSpan {
    /// How long it is; zero where the end is not after the start.
    #[must_use]
    pub fn length(self) -> Duration {
        self.end.since(self.start)
    }

    /// Whether `at` lies in it.
    #[must_use]
    pub fn holds(self, at: WallTime) -> bool {
        self.start <= at && at < self.end
    }

    /// What both have in common; none where that is nothing.
    #[must_use]
    pub fn common(self, other: Self) -> Option<Self> {
        let both = Self { start: self.start.max(other.start), end: self.end.min(other.end) };
        (both.start < both.end).then_some(both)
    }
}

/// Lengths of the periods that are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpanKind {
    /// 15 minutes, on the quarters of the hour.
    Quarter,
    /// An hour of the store's clock.
    Hour,
    /// A business day.
    Day,
}

impl SpanKind {
    /// From the shortest to the longest.
    pub const ALL: [Self; 3] = [Self::Quarter, Self::Hour, Self::Day];
}

/// A store's calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    schedule: Schedule,
    day_starts_hour: u8,
}

impl Calendar {
    /// Opening hours (with their zone), and the full hour at which a business day begins.
    ///
    /// # Panics
    /// Where the hour is above 23.
    #[must_use]
    pub fn new(schedule: Schedule, day_starts_hour: u8) -> Self {
        assert!(day_starts_hour < 24, "a day has no hour {day_starts_hour}");
        Self { schedule, day_starts_hour }
    }

    /// The zone.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        self.schedule.zone()
    }

    /// When the store is open.
    #[must_use]
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The business day that `at` lies in.
    #[must_use]
    pub fn business_day(&self, at: WallTime) -> Day {
        let day = self.zone().day_of(at);
        if at < self.starts(day) {
            return day.before();
        }
        // Where clocks go back over midnight, the next day's first hour may have begun on this date.
        if at >= self.starts(day.after()) { day.after() } else { day }
    }

    /// From when to when a business day lasts: 23, 24 or 25 hours as a rule.
    #[must_use]
    pub fn span_of_day(&self, day: Day) -> TimeSpan {
        TimeSpan { start: self.starts(day), end: self.starts(day.after()) }
    }

    /// The period of a kind that `at` lies in.
    #[must_use]
    pub fn span(&self, kind: SpanKind, at: WallTime) -> TimeSpan {
        match kind {
            SpanKind::Quarter => aligned(at.unix_ms(), QUARTER_MS, 0),
            SpanKind::Hour => self.hour(at),
            SpanKind::Day => self.span_of_day(self.business_day(at)),
        }
    }

    /// An hour of the store's clock, cut where the clock is changed within it (Lord Howe Island changes by half an hour).
    fn hour(&self, at: WallTime) -> TimeSpan {
        let offset_ms = self.zone().offset_ms(at);
        let whole = aligned(at.unix_ms(), HOUR_MS, offset_ms);
        let (change_before, change_after) = self.zone().changes_around(at);
        TimeSpan {
            start: change_before.map_or(whole.start, |change| whole.start.max(change)),
            end: change_after.map_or(whole.end, |change| whole.end.min(change)),
        }
    }

    /// The hour that the store's clock shows, 0 to 23.
    #[must_use]
    pub fn hour_on_clock(&self, at: WallTime) -> u8 {
        let local_ms = at.unix_ms().saturating_add(self.zone().offset_ms(at));
        u8::try_from(local_ms.rem_euclid(24 * HOUR_MS) / HOUR_MS).expect("a day has 24 hours")
    }

    fn starts(&self, day: Day) -> WallTime {
        self.zone().at(day, TimeOfDay::of_hour(self.day_starts_hour))
    }
}

fn aligned(at_ms: i64, length_ms: i64, offset_ms: i64) -> TimeSpan {
    let start = at_ms.saturating_sub(at_ms.saturating_add(offset_ms).rem_euclid(length_ms));
    TimeSpan {
        start: WallTime::from_unix_ms(start),
        end: WallTime::from_unix_ms(start.saturating_add(length_ms)),
    }
}

#[cfg(test)]
mod tests;
