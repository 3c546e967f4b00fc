//! A store's calendar by time: hours, business days and opening hours, from the register.
//!
//! What is not obvious: a store may move to another time zone, and keeps the hours of its past. So there is a calendar for
//! each piece of time (`store_clock`), and where one piece ends and the next begins an hour is cut, like where a clock is
//! changed. Hours are known again by the minute in which they begin.

use crate::calendar::{
    Calendar, Day, DayHours, HoursError, Opening, Schedule, SpanKind, TimeOfDay, TimeSpan, WeekHours, Zone,
};
use crate::time::{MINUTE_MS, WallTime};
use rusqlite::Connection;
use rusqlite::types::Type;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Hours that are kept in mind; a batch rarely needs more than a few.
const MOST_HOURS: usize = 2048;

/// Names of the days as hours are written, Monday first.
pub const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Opening hours as they stand in `store.hours` (JSON): what the register file says, checked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WrittenHours {
    /// Openings by weekday (`monday`: `["10:00-21:30"]`). None: always open; a day that is left out is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub week: Option<BTreeMap<String, Vec<String>>>,
    /// Dates with other hours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<WrittenHoliday>,
}

/// A date with other hours.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WrittenHoliday {
    /// `2026-12-24`.
    pub date: String,
    /// What it is called; absent where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its openings; none: closed.
    #[serde(default)]
    pub hours: Vec<String>,
}

/// Why a text gives no calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// Not the JSON of hours.
    #[error("opening hours are not understood: {cause}")]
    Shape {
        /// What the parser says.
        cause: String,
    },
    /// No day of the week.
    #[error("{text:?} is no weekday; write monday to sunday")]
    Weekday {
        /// What was given.
        text: String,
    },
    /// Not a full hour.
    #[error("a business day begins at a full hour from 00:00 to 23:00, not at {text:?}")]
    DayBegins {
        /// What was given.
        text: String,
    },
    /// Not a zone or not a date.
    #[error(transparent)]
    Calendar(#[from] crate::calendar::CalendarError),
    /// Not hours.
    #[error(transparent)]
    Hours(#[from] HoursError),
}

/// The calendar of one piece of time, from the texts of `store_clock` and `store`.
///
/// # Errors
/// [`ClockError`] names what is not understood.
pub fn calendar_of(time_zone: &str, day_begins: &str, hours: &WrittenHours) -> Result<Calendar, ClockError> {
    let zone = Zone::parse(time_zone)?;
    let begins = TimeOfDay::parse(day_begins).map(TimeOfDay::minutes);
    let begins = begins.filter(|minutes| minutes % 60 == 0 && *minutes < 24 * 60);
    let begins = begins.and_then(|minutes| u8::try_from(minutes / 60).ok());
    let begins =
        begins.ok_or_else(|| ClockError::DayBegins { text: day_begins.chars().take(20).collect() })?;
    let other_days =
        hours.holidays.iter().map(|holiday| Ok((Day::parse(&holiday.date)?, day_hours(&holiday.hours)?)));
    let other_days = other_days.collect::<Result<BTreeMap<_, _>, ClockError>>()?;
    Ok(Calendar::new(Schedule::new(zone, week_hours(hours.week.as_ref())?, other_days), begins))
}

fn week_hours(week: Option<&BTreeMap<String, Vec<String>>>) -> Result<WeekHours, ClockError> {
    let Some(week) = week else { return Ok(WeekHours::always()) };
    let mut hours = WeekHours::default();
    for (name, openings) in week {
        let day = WEEKDAYS.iter().position(|weekday| weekday == name);
        let day = day.ok_or_else(|| ClockError::Weekday { text: name.chars().take(20).collect() })?;
        hours.0[day] = day_hours(openings)?;
    }
    Ok(hours)
}

fn day_hours(openings: &[String]) -> Result<DayHours, HoursError> {
    DayHours::new(openings.iter().map(|text| Opening::parse(text)).collect::<Result<_, _>>()?)
}

/// An hour of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hour {
    /// The UTC minute since 1970 in which it begins.
    pub start_minute: i64,
    /// The minute after its last; where a clock is changed it has fewer than 60.
    pub end_minute: i64,
    /// The business day that it lies in, days since 1970-01-01.
    pub business_day: i64,
    /// 0 to 23 on the store's clock.
    pub local_hour: u8,
}

impl Hour {
    /// From when to when.
    #[must_use]
    pub const fn span(&self) -> TimeSpan {
        TimeSpan {
            start: WallTime::from_unix_ms(self.start_minute * MINUTE_MS),
            end: WallTime::from_unix_ms(self.end_minute * MINUTE_MS),
        }
    }
}

/// What is known of an hour, so that a batch works it out once.
#[derive(Debug, Clone)]
struct KnownHour {
    hour: Hour,
    /// Minutes in which the store is open: first, and the one after the last.
    open: Vec<(i64, i64)>,
}

/// A store's calendar by time.
#[derive(Debug, Clone)]
pub struct StoreClock {
    /// From which minute on each calendar holds, in order; the first also holds before.
    pieces: Vec<(i64, Calendar)>,
    hours: BTreeMap<i64, KnownHour>,
}

impl StoreClock {
    /// Calendars and the time from which each holds, by rising time; none: UTC, always open.
    #[must_use]
    pub fn new(pieces: Vec<(WallTime, Calendar)>) -> Self {
        let minute = |at: WallTime| at.minute().unix_ms() / MINUTE_MS;
        let mut pieces: Vec<_> =
            pieces.into_iter().map(|(from, calendar)| (minute(from), calendar)).collect();
        if pieces.is_empty() {
            let always = Schedule::new(Zone::utc(), WeekHours::always(), BTreeMap::new());
            pieces.push((0, Calendar::new(always, 0)));
        }
        Self { pieces, hours: BTreeMap::new() }
    }

    /// As the register has it.
    ///
    /// # Errors
    /// What SQLite says; a text that is no calendar is a conversion failure, as the register checks before it writes.
    pub(in crate::hq) fn load(ask: &Connection, store_id: i64) -> rusqlite::Result<Self> {
        let sql = "SELECT hours FROM store WHERE store_id = ?1";
        let text: String = ask.prepare_cached(sql)?.query_row([store_id], |row| row.get(0))?;
        let broken =
            |fault: ClockError| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(fault));
        let hours: WrittenHours = serde_json::from_str(&text)
            .map_err(|fault| broken(ClockError::Shape { cause: fault.to_string() }))?;
        let sql =
            "SELECT from_ms, time_zone, day_begins FROM store_clock WHERE store_id = ?1 ORDER BY from_ms";
        let mut select = ask.prepare_cached(sql)?;
        let pieces = select.query_map([store_id], |row| {
            let zone = row.get_ref(1)?.as_str()?.to_owned();
            let calendar = calendar_of(&zone, row.get_ref(2)?.as_str()?, &hours).map_err(broken)?;
            Ok((WallTime::from_unix_ms(row.get(0)?), calendar))
        })?;
        Ok(Self::new(pieces.collect::<rusqlite::Result<_>>()?))
    }

    /// The hour that a time lies in.
    #[must_use]
    pub fn hour_of(&mut self, at: WallTime) -> Hour {
        self.known(at).hour
    }

    /// Whether the store is open in the minute that begins at `start_minute`.
    #[must_use]
    pub fn is_open(&mut self, start_minute: i64) -> bool {
        let at = WallTime::from_unix_ms(start_minute.saturating_mul(MINUTE_MS));
        let holds = |(from, until): &(i64, i64)| (*from..*until).contains(&start_minute);
        self.known(at).open.iter().any(holds)
    }

    /// How long the store is open within an hour, ms.
    #[must_use]
    pub fn open_ms_of(&mut self, hour: Hour) -> i64 {
        let open = &self.known(hour.span().start).open;
        open.iter().map(|(from, until)| (until - from) * MINUTE_MS).sum()
    }

    /// How long the store is open within a span, ms.
    #[must_use]
    pub fn open_ms(&self, span: TimeSpan) -> i64 {
        let open = |part: TimeSpan, calendar: &Calendar| -> i64 {
            let time = calendar.schedule().open_time(part);
            i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
        };
        self.parts(span).map(|(part, calendar)| open(part, calendar)).sum()
    }

    /// The calendar that holds at a time.
    #[must_use]
    pub fn calendar_at(&self, at: WallTime) -> &Calendar {
        let minute = at.unix_ms().div_euclid(MINUTE_MS);
        let after = self.pieces.partition_point(|(from, _)| *from <= minute);
        &self.pieces[after.saturating_sub(1)].1
    }

    /// The business day that a time lies in, days since 1970-01-01.
    #[must_use]
    pub fn business_day(&self, at: WallTime) -> i64 {
        self.calendar_at(at).business_day(at).unix_days()
    }

    fn known(&mut self, at: WallTime) -> &KnownHour {
        let minute = at.unix_ms().div_euclid(MINUTE_MS);
        let before = self.hours.range(..=minute).next_back();
        let start = before.filter(|(_, known)| minute < known.hour.end_minute).map(|(start, _)| *start);
        let start = start.unwrap_or_else(|| {
            if self.hours.len() >= MOST_HOURS {
                self.hours.clear();
            }
            let known = self.work_out(at);
            let start = known.hour.start_minute;
            self.hours.insert(start, known);
            start
        });
        &self.hours[&start]
    }

    fn work_out(&self, at: WallTime) -> KnownHour {
        let calendar = self.calendar_at(at);
        let whole = calendar.span(SpanKind::Hour, at);
        let (span, _) = self.parts(whole).find(|(part, _)| part.holds(at)).unwrap_or((whole, calendar));
        let minute = |at: WallTime| at.unix_ms().div_euclid(MINUTE_MS);
        let open = calendar.schedule().open_within(span);
        KnownHour {
            hour: Hour {
                start_minute: minute(span.start),
                end_minute: minute(span.end),
                business_day: calendar.business_day(span.start).unix_days(),
                local_hour: calendar.hour_on_clock(span.start),
            },
            open: open.into_iter().map(|part| (minute(part.start), minute(part.end))).collect(),
        }
    }

    /// A span, cut where another calendar begins to hold.
    fn parts(&self, span: TimeSpan) -> impl Iterator<Item = (TimeSpan, &Calendar)> {
        let wall = |minute: i64| WallTime::from_unix_ms(minute.saturating_mul(MINUTE_MS));
        self.pieces.iter().enumerate().filter_map(move |(at, (from, calendar))| {
            let start = if at == 0 { WallTime::from_unix_ms(i64::MIN) } else { wall(*from) };
            let end = self.pieces.get(at + 1).map_or(WallTime::from_unix_ms(i64::MAX), |next| wall(next.0));
            Some((TimeSpan { start, end }.common(span)?, calendar))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> WallTime {
        WallTime::from_unix_ms(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn hours(week: &[(&str, &str)]) -> WrittenHours {
        let day = |(day, hours): &(&str, &str)| ((*day).to_owned(), vec![(*hours).to_owned()]);
        WrittenHours { week: Some(week.iter().map(day).collect()), holidays: Vec::new() }
    }

    /// The hour as begin (UTC), minutes, business day, hour on the clock, open minutes.
    #[track_caller]
    fn check(pieces: &[(&str, &str, &str)], open: &WrittenHours, asked: &str, expected: &str) {
        let piece =
            |(from, zone, begins): &(&str, &str, &str)| (at(from), calendar_of(zone, begins, open).unwrap());
        let mut clock = StoreClock::new(pieces.iter().map(piece).collect());
        let hour = clock.hour_of(at(asked));
        let open_ms = clock.open_ms_of(hour);
        assert_eq!(open_ms, clock.open_ms(hour.span()), "both ways to ask must agree");
        let Hour { start_minute, end_minute, business_day, local_hour } = hour;
        let start = WallTime::from_unix_ms(start_minute * MINUTE_MS);
        let day = Day::of_unix_days(business_day);
        let shown =
            format!("{start} {} {day} {local_hour}h open {}", end_minute - start_minute, open_ms / MINUTE_MS);
        assert_eq!(shown, expected);
    }

    const VIENNA: &[(&str, &str, &str)] = &[("2020-01-01T00:00:00Z", "Europe/Vienna", "00:00")];

    #[test]
    fn an_hour_is_the_stores_own_also_where_its_zone_is_off_by_three_quarters() {
        let nepal = [("2020-01-01T00:00:00Z", "Asia/Kathmandu", "00:00")];
        let always = WrittenHours::default();
        check(&nepal, &always, "2026-11-22T10:20:00Z", "2026-11-22T10:15:00Z 60 2026-11-22 16h open 60");
    }

    #[test]
    fn opening_hours_cut_what_counts_of_an_hour() {
        let open = hours(&[("sunday", "10:30-19:00")]);
        check(VIENNA, &open, "2026-11-22T09:00:00Z", "2026-11-22T09:00:00Z 60 2026-11-22 10h open 30");
        check(VIENNA, &open, "2026-11-23T09:00:00Z", "2026-11-23T09:00:00Z 60 2026-11-23 10h open 0");
    }

    #[test]
    fn the_hour_that_comes_twice_in_autumn_is_two_hours_of_one_name() {
        let always = WrittenHours::default();
        check(VIENNA, &always, "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z 60 2026-10-25 2h open 60");
        check(VIENNA, &always, "2026-10-25T01:30:00Z", "2026-10-25T01:00:00Z 60 2026-10-25 2h open 60");
    }

    #[test]
    fn what_is_sold_after_midnight_belongs_to_the_business_day_before() {
        let late = [("2020-01-01T00:00:00Z", "Europe/Vienna", "04:00")];
        let open = hours(&[("saturday", "10:00-02:00")]);
        check(&late, &open, "2026-11-22T00:10:00Z", "2026-11-22T00:00:00Z 60 2026-11-21 1h open 60");
    }

    #[test]
    fn a_store_that_moves_keeps_its_past_and_its_hour_is_cut_there() {
        let moved = [
            ("2020-01-01T00:00:00Z", "Europe/Vienna", "00:00"),
            ("2026-11-22T10:40:00Z", "Asia/Kathmandu", "00:00"),
        ];
        let always = WrittenHours::default();
        check(&moved, &always, "2026-11-22T10:30:00Z", "2026-11-22T10:00:00Z 40 2026-11-22 11h open 40");
        check(&moved, &always, "2026-11-22T10:50:00Z", "2026-11-22T10:40:00Z 35 2026-11-22 16h open 35");
    }

    #[test]
    fn hours_that_are_not_understood_are_named() {
        let faults = [
            calendar_of("Mars/Base", "00:00", &WrittenHours::default()),
            calendar_of("UTC", "04:30", &WrittenHours::default()),
            calendar_of("UTC", "00:00", &hours(&[("someday", "10:00-12:00")])),
            calendar_of("UTC", "00:00", &hours(&[("monday", "ten")])),
        ];
        let words: Vec<_> = faults.into_iter().map(|fault| fault.unwrap_err().to_string()).collect();
        let begins =
            ["\"Mars/Base\" is no time zone", "a business day begins", "\"someday\" is no", "\"ten\""];
        for (words, begin) in words.iter().zip(begins) {
            assert!(words.starts_with(begin), "{words}");
        }
    }
}
