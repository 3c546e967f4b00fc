//! Days as pages name them: of one store, by its clock and its calendar.

use super::ReportError;
use crate::calendar::{Calendar, Day, Schedule, TimeOfDay, WeekCalendar, WeekHours, Zone};
use crate::hq::store::report::sums::Facts;
use crate::time::WallTime;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// Longest range of days of one answer: a year of days, and the week around it.
pub const MOST_DAYS: i64 = 372;

/// Days that a page shows unless it is told.
const USUAL_DAYS: i64 = 28;

/// From one business day to another, both included: days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First.
    pub from: i64,
    /// Last.
    pub to: i64,
}

impl Range {
    /// Reads `from` and `to`; what is missing is found so that it is the 28 days up to `newest`.
    ///
    /// # Errors
    /// [`ReportError`] where one is no day, they are the wrong way round, or too far apart.
    pub fn parse(from: Option<&str>, to: Option<&str>, newest: i64) -> Result<Self, ReportError> {
        let day = |text: Option<&str>| text.map(parse_day).transpose();
        let (from, to) = (day(from)?, day(to)?);
        let to = to.unwrap_or_else(|| from.map_or(newest, |from| newest.max(from).min(from + MOST_DAYS - 1)));
        let from = from.unwrap_or(to - USUAL_DAYS + 1);
        if from > to {
            return Err(ReportError::value("from", "lies after `to`; give the earlier day first"));
        }
        if to - from >= MOST_DAYS {
            return Err(ReportError::value("from", format!("lies more than {MOST_DAYS} days before `to`")));
        }
        Ok(Self { from, to })
    }

    /// As a query has it.
    #[must_use]
    pub const fn pair(self) -> (i64, i64) {
        (self.from, self.to)
    }

    /// Every day.
    pub fn days(self) -> impl Iterator<Item = i64> {
        self.from..=self.to
    }
}

/// Reads `2026-12-24`.
///
/// # Errors
/// [`ReportError::Day`].
pub fn parse_day(text: &str) -> Result<i64, ReportError> {
    Ok(Day::parse(text)?.unix_days())
}

/// `2026-12-24`.
#[must_use]
pub fn shown(day: i64) -> String {
    Day::of_unix_days(day).to_string()
}

/// 0 is Monday.
#[must_use]
pub fn weekday(day: i64) -> usize {
    Day::of_unix_days(day).weekday()
}

/// Where a store's clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreNow {
    /// The business day.
    pub today: i64,
    /// The hour that its clock shows.
    pub local_hour: u8,
    /// The hour at which its business day begins.
    pub day_begins: u8,
}

impl StoreNow {
    /// Whether an hour of the business day is over, by the hour that the clock shows in it.
    #[must_use]
    pub fn is_over(&self, local_hour: u8) -> bool {
        let place = |hour: u8| (i16::from(hour) - i16::from(self.day_begins)).rem_euclid(24);
        place(local_hour) < place(self.local_hour)
    }
}

/// Clocks of stores; those of one zone are asked once.
#[derive(Debug)]
pub struct Clocks {
    now: WallTime,
    known: HashMap<(String, String), StoreNow>,
}

impl Clocks {
    /// At a time.
    #[must_use]
    pub fn at(now: WallTime) -> Self {
        Self { now, known: HashMap::new() }
    }

    /// Where a store's clock stands. A zone that is none is taken for UTC: the register checks them.
    pub(in crate::hq) fn of(&mut self, facts: &Facts) -> StoreNow {
        let key = (facts.time_zone.clone(), facts.day_begins.clone());
        let now = self.now;
        *self.known.entry(key).or_insert_with_key(|(zone, begins)| {
            let zone = Zone::parse(zone).unwrap_or_else(|_| Zone::utc());
            let begins = TimeOfDay::parse(begins).map_or(0, |time| time.minutes() / 60 % 24);
            let day_begins = u8::try_from(begins).unwrap_or(0);
            let schedule = Schedule::new(zone, WeekHours::always(), BTreeMap::new());
            let calendar = Calendar::new(schedule, day_begins);
            let today = calendar.business_day(now).unix_days();
            StoreNow { today, local_hour: calendar.hour_on_clock(now), day_begins }
        })
    }
}

/// The calendar that a store's weeks are numbered by.
pub(in crate::hq) fn weeks_of(facts: &Facts) -> WeekCalendar {
    if facts.calendar.contains(WeekCalendar::FourFiveFour.name()) {
        WeekCalendar::FourFiveFour
    } else {
        WeekCalendar::Iso
    }
}

/// The same day of last year: the same weekday of the week with the same number, and of the week 52 weeks before where last year had no
/// such week (a 53rd).
#[must_use]
pub fn a_year_before(day: i64, weeks: WeekCalendar) -> i64 {
    let number = |day: i64| weeks.week_of(Day::of_unix_days(day)).week;
    let wanted = number(day);
    [day - 52 * 7, day - 53 * 7].into_iter().find(|day| number(*day) == wanted).unwrap_or(day - 52 * 7)
}

/// The first day of the week that a day lies in.
#[must_use]
pub fn week_begins(day: i64, weeks: WeekCalendar) -> i64 {
    let days_in = match weeks {
        WeekCalendar::Iso => weekday(day),
        WeekCalendar::FourFiveFour => (weekday(day) + 1) % 7,
    };
    day - days_in as i64
}

/// Days with other hours than usual, of `store.hours`, by day; titles may be empty.
#[must_use]
pub fn holidays(written: &str) -> BTreeMap<i64, String> {
    #[derive(Deserialize)]
    struct Written {
        #[serde(default)]
        holidays: Vec<Holiday>,
    }
    #[derive(Deserialize)]
    struct Holiday {
        date: String,
        #[serde(default)]
        title: Option<String>,
    }
    // What the register wrote it wrote as JSON; a page without its holidays is better than none.
    let written = serde_json::from_str(written).unwrap_or(Written { holidays: Vec::new() });
    let named = |holiday: Holiday| Some((parse_day(&holiday.date).ok()?, holiday.title.unwrap_or_default()));
    written.holidays.into_iter().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(day: &str, weeks: WeekCalendar, expected: &str) {
        assert_eq!(shown(a_year_before(parse_day(day).unwrap(), weeks)), expected);
    }

    #[test]
    fn last_years_day_has_the_same_weekday_and_the_same_number_of_its_week() {
        check("2026-11-22", WeekCalendar::Iso, "2025-11-23");
        // 2026 has 53 weeks, so the first ones of 2027 lie 53 weeks after those of 2026.
        check("2027-01-04", WeekCalendar::Iso, "2025-12-29");
        check("2026-12-31", WeekCalendar::Iso, "2026-01-01");
        // The year 2023 of the 4-5-4 calendar had 53 weeks.
        check("2024-02-04", WeekCalendar::FourFiveFour, "2023-01-29");
        check("2024-11-29", WeekCalendar::FourFiveFour, "2023-11-24");
    }

    #[test]
    fn a_range_is_28_days_unless_it_is_told_and_is_refused_the_wrong_way_round() {
        let newest = parse_day("2026-11-22").unwrap();
        let range = |from, to| {
            Range::parse(from, to, newest).map(|range| [range.from, range.to].map(shown).join(" "))
        };
        assert_eq!(range(None, None).unwrap(), "2026-10-26 2026-11-22");
        assert_eq!(range(Some("2026-11-20"), None).unwrap(), "2026-11-20 2026-11-22");
        assert_eq!(range(None, Some("2026-03-01")).unwrap(), "2026-02-02 2026-03-01");
        range(Some("2026-11-20"), Some("2026-11-19")).unwrap_err();
        range(Some("2020-11-20"), Some("2026-11-19")).unwrap_err();
        range(Some("yesterday"), None).unwrap_err();
    }

    #[test]
    fn an_hour_after_midnight_is_a_late_one_of_its_business_day() {
        let now = StoreNow { today: 0, local_hour: 1, day_begins: 4 };
        assert_eq!([23, 0, 1, 2, 4].map(|hour| now.is_over(hour)), [true, true, false, false, true]);
    }
}
