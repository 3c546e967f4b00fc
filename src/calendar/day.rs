//! Dates and zones: the one place that knows when which clock was changed.
//!
//! Rules come from the system's tz database, so that they are as new as its updates; a box without one uses the copy
//! that was built in.

use super::{CalendarError, TimeOfDay};
use crate::time::WallTime;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use std::fmt;

const UNIX_EPOCH: Date = Date::constant(1970, 1, 1);

/// A date of the store's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(pub(super) Date);

impl Day {
    /// Reads `2026-12-24`.
    ///
    /// # Errors
    /// [`CalendarError::Day`].
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let no_day = || CalendarError::Day { text: text.chars().take(40).collect() };
        // Nothing longer is taken: a time after the date would be passed over.
        if text.len() != "2026-12-24".len() {
            return Err(no_day());
        }
        text.parse().ok().map(Self).ok_or_else(no_day)
    }

    /// The next date; itself at the end of what can be said (year 9999).
    #[must_use]
    pub fn after(self) -> Self {
        Self(self.0.tomorrow().unwrap_or(self.0))
    }

    /// The date before; itself at the beginning of what can be said.
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0.yesterday().unwrap_or(self.0))
    }

    /// 0 is Monday, 6 is Sunday.
    #[must_use]
    pub fn weekday(self) -> usize {
        usize::try_from(self.0.weekday().to_monday_zero_offset()).unwrap_or_default()
    }

    /// Days since 1970-01-01, as databases keep dates.
    #[must_use]
    pub fn unix_days(self) -> i64 {
        i64::from(self.days_since(Self(UNIX_EPOCH)))
    }

    /// The date so many days after 1970-01-01; the nearest that can be said where that is none.
    #[must_use]
    pub fn of_unix_days(days: i64) -> Self {
        let most = i64::from(Self(Date::MAX).days_since(Self(UNIX_EPOCH)));
        let least = i64::from(Self(Date::MIN).days_since(Self(UNIX_EPOCH)));
        Self(UNIX_EPOCH.saturating_add(days.clamp(least, most).days()))
    }

    /// Days from `earlier` to this one.
    pub(super) fn days_since(self, earlier: Self) -> i32 {
        (self.0 - earlier.0).get_days()
    }

    /// The Sunday nearest to a date.
    pub(super) fn nearest_sunday(self) -> Self {
        // Sunday is 0: up to Wednesday it lies before, from Thursday on after.
        let behind = i32::from(self.0.weekday().to_sunday_zero_offset());
        let days = if behind <= 3 { -behind } else { 7 - behind };
        Self(self.0.saturating_add(days.days()))
    }

    pub(super) fn iso_week(self) -> (i16, u8) {
        let week = self.0.iso_week_date();
        (week.year(), week.week().unsigned_abs())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A zone of the IANA list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Finds a zone by its name.
    ///
    /// # Errors
    /// [`CalendarError::Zone`].
    pub fn parse(name: &str) -> Result<Self, CalendarError> {
        let zone = TimeZone::get(name);
        zone.ok().map(Self).ok_or_else(|| CalendarError::Zone { text: name.chars().take(80).collect() })
    }

    /// Coordinated universal time.
    #[must_use]
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The date that a clock of the zone shows.
    #[must_use]
    pub fn day_of(&self, at: WallTime) -> Day {
        Day(self.0.to_datetime(timestamp(at)).date())
    }

    /// When it is that time of that day; see the module for times that come twice or never.
    #[must_use]
    pub fn at(&self, day: Day, time: TimeOfDay) -> WallTime {
        let (day, minutes) = match time.minutes() {
            minutes if minutes >= 24 * 60 => (day.after(), minutes - 24 * 60),
            minutes => (day, minutes),
        };
        let (hour, minute) = (minutes / 60, minutes % 60);
        // Both fit, as a time of day has less than 24 hours here.
        let time = Time::new(hour.cast_signed() as i8, minute.cast_signed() as i8, 0, 0);
        let local = DateTime::from_parts(day.0, time.unwrap_or_else(|_| Time::midnight()));
        self.first_of(local)
    }

    fn first_of(&self, local: DateTime) -> WallTime {
        let at = self.0.to_ambiguous_zoned(local).compatible();
        // Only a date at the very end of what can be said has no time.
        at.map_or(WallTime::from_unix_ms(i64::MAX), |at| {
            WallTime::from_unix_ms(at.timestamp().as_millisecond())
        })
    }

    /// When a clock of the zone showed that; none where it never did.
    pub(super) fn when(&self, local: DateTime) -> Option<WallTime> {
        let when = self.0.to_ambiguous_timestamp(local);
        match when.offset() {
            jiff::tz::AmbiguousOffset::Gap { .. } => None,
            _ => Some(self.first_of(local)),
        }
    }

    /// How far the zone's clock is before UTC, ms.
    pub(super) fn offset_ms(&self, at: WallTime) -> i64 {
        i64::from(self.0.to_offset(timestamp(at)).seconds()) * 1000
    }

    /// The last change of the clock at or before `at`, and the first one after it.
    pub(super) fn changes_around(&self, at: WallTime) -> (Option<WallTime>, Option<WallTime>) {
        let here = timestamp(at);
        let next_ms = Timestamp::from_millisecond(at.unix_ms().saturating_add(1)).unwrap_or(Timestamp::MAX);
        let wall = |change: jiff::tz::TimeZoneTransition<'_>| {
            WallTime::from_unix_ms(change.timestamp().as_millisecond())
        };
        (self.0.preceding(next_ms).next().map(wall), self.0.following(here).next().map(wall))
    }
}

/// A time that lies in what can be said (years -9999 to 9999), or the end that is nearer.
fn timestamp(at: WallTime) -> Timestamp {
    let nearest = if at.unix_ms() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(at.unix_ms()).unwrap_or(nearest)
}
