//! Hours by weekday, with dates that have other ones.
//!
//! An opening belongs to the day on which it begins, also where it ends after midnight: a bar that is open on Friday
//! from 20:00 to 02:00 is open on Saturday at 01:00 because of Friday's hours. A holiday replaces the hours of its own date
//! and does not cut short what began the evening before.

use super::{Day, TimeSpan, Zone};
use crate::time::WallTime;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How far ahead an opening is looked for; a store that does not open for longer has no next opening.
const LOOK_AHEAD_DAYS: u32 = 400;
const DAY_MINUTES: u16 = 24 * 60;

/// Why a text gives no hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// Not written like hours.
    #[error(
        "{text:?} is not understood; write hours as \"09:00-18:30\", and after midnight as \"20:00-02:00\""
    )]
    NotHours {
        /// What was given.
        text: String,
    },
    /// Begin and end are the same.
    #[error("{text:?} has no length; for the whole day write \"00:00-24:00\"")]
    Empty {
        /// What was given.
        text: String,
    },
    /// Two openings of one day share some time.
    #[error("{first} and {second} of one day overlap; give each hour once")]
    Overlap {
        /// The one that begins first.
        first: Opening,
        /// The other.
        second: Opening,
    },
}

/// A time of day as a clock shows it, in whole minutes; 24:00 is the end of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    pub(super) const fn of_hour(hour: u8) -> Self {
        Self(hour as u16 * 60)
    }

    /// Reads `09:00`; from `00:00` to `24:00`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = text.split_once(':')?;
        let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(hour) || !digits(minute) {
            return None;
        }
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        let minutes = hour * 60 + minute;
        (minute < 60 && minutes <= DAY_MINUTES).then_some(Self(minutes))
    }

    /// Since midnight.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// From one time of day to another, perhaps of the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Opening {
    from: TimeOfDay,
    until: TimeOfDay,
}

impl Opening {
    /// Reads `09:00-18:30`. An end that is not after the begin is on the next day.
    ///
    /// # Errors
    /// [`HoursError`].
    pub fn parse(text: &str) -> Result<Self, HoursError> {
        let shown = || text.chars().take(40).collect::<String>();
        let times = text.split_once('-').map(|(from, until)| (from.trim(), until.trim()));
        let times = times.and_then(|(from, until)| Some((TimeOfDay::parse(from)?, TimeOfDay::parse(until)?)));
        match times {
            Some((from, until)) if from == until => Err(HoursError::Empty { text: shown() }),
            Some((from, until)) if from.0 < DAY_MINUTES => Ok(Self { from, until }),
            _ => Err(HoursError::NotHours { text: shown() }),
        }
    }

    fn ends_next_day(self) -> bool {
        self.until <= self.from
    }

    /// Minutes from midnight of its day to its end.
    fn end_minutes(self) -> u16 {
        if self.ends_next_day() { self.until.0 + DAY_MINUTES } else { self.until.0 }
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from, self.until)
    }
}

/// The openings of one day in their order; none: closed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DayHours(Vec<Opening>);

impl DayHours {
    /// A day on which nothing is open.
    #[must_use]
    pub const fn closed() -> Self {
        Self(Vec::new())
    }

    /// Puts openings in order.
    ///
    /// # Errors
    /// [`HoursError::Overlap`].
    pub fn new(mut openings: Vec<Opening>) -> Result<Self, HoursError> {
        openings.sort_unstable();
        for pair in openings.windows(2) {
            if pair[1].from.0 < pair[0].end_minutes() {
                return Err(HoursError::Overlap { first: pair[0], second: pair[1] });
            }
        }
        Ok(Self(openings))
    }

    /// The openings in their order.
    #[must_use]
    pub fn openings(&self) -> &[Opening] {
        &self.0
    }

    /// Reads several openings of a day.
    ///
    /// # Errors
    /// [`HoursError`].
    pub fn parse(texts: &[&str]) -> Result<Self, HoursError> {
        Self::new(texts.iter().map(|text| Opening::parse(text)).collect::<Result<_, _>>()?)
    }
}

/// Hours of the seven days, Monday first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WeekHours(pub [DayHours; 7]);

impl WeekHours {
    /// Every day from midnight to midnight.
    #[must_use]
    pub fn always() -> Self {
        let whole = Opening { from: TimeOfDay(0), until: TimeOfDay(DAY_MINUTES) };
        Self(std::array::from_fn(|_| DayHours(vec![whole])))
    }
}

/// Hours in a zone, by weekday, and dates that have other ones: when a store is open, or when a zone may be entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    zone: Zone,
    week: WeekHours,
    other_days: BTreeMap<Day, DayHours>,
}

impl Schedule {
    /// A week's hours, and the dates on which others hold.
    #[must_use]
    pub const fn new(zone: Zone, week: WeekHours, other_days: BTreeMap<Day, DayHours>) -> Self {
        Self { zone, week, other_days }
    }

    /// The zone of its clock.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    fn hours_of(&self, day: Day) -> &DayHours {
        self.other_days.get(&day).unwrap_or_else(|| &self.week.0[day.weekday()])
    }

    /// The openings that begin on a day, in UTC; one that the clock never showed is left out.
    fn openings(&self, day: Day) -> impl Iterator<Item = TimeSpan> + '_ {
        let in_utc = move |opening: &Opening| {
            let last_day = if opening.ends_next_day() { day.after() } else { day };
            TimeSpan { start: self.zone.at(day, opening.from), end: self.zone.at(last_day, opening.until) }
        };
        self.hours_of(day).0.iter().map(in_utc).filter(|span| span.start < span.end)
    }

    /// Whether it is open at that time. Allocates nothing, so it may be asked for every picture.
    #[must_use]
    pub fn is_open(&self, at: WallTime) -> bool {
        let day = self.zone.day_of(at);
        // What began the evening before may still be open.
        [day.before(), day].iter().any(|day| self.openings(*day).any(|span| span.holds(at)))
    }

    /// When it opens next, after `at`; none where it does not within 400 days.
    #[must_use]
    pub fn next_opening(&self, at: WallTime) -> Option<WallTime> {
        let mut day = self.zone.day_of(at);
        for _ in 0..LOOK_AHEAD_DAYS {
            if let Some(next) = self.openings(day).map(|span| span.start).find(|start| *start > at) {
                return Some(next);
            }
            day = day.after();
        }
        None
    }

    /// The parts of a span in which it is open, in their order.
    #[must_use]
    pub fn open_within(&self, span: TimeSpan) -> Vec<TimeSpan> {
        let (mut day, last) = (self.zone.day_of(span.start).before(), self.zone.day_of(span.end));
        let mut open: Vec<TimeSpan> = Vec::new();
        while day <= last {
            for part in self.openings(day).filter_map(|opening| opening.common(span)) {
                match open.last_mut() {
                    // The night before may reach into this day's first opening.
                    Some(before) if part.start <= before.end => before.end = before.end.max(part.end),
                    _ => open.push(part),
                }
            }
            if day.after() == day {
                break;
            }
            day = day.after();
        }
        open
    }

    /// How long it is open within a span.
    #[must_use]
    pub fn open_time(&self, span: TimeSpan) -> Duration {
        self.open_within(span).iter().map(|part| part.length()).sum()
    }
}
