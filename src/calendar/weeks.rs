//! Weeks with numbers: ISO 8601, and the 4-5-4 calendar of American retail.
//!
//! The 4-5-4 calendar (National Retail Federation, "4-5-4 Calendar") cuts each quarter into months of 4, 5 and 4 weeks
//! from Sunday to Saturday, so that the same month of two years has the same number of Saturdays. Its year ends on the
//! Saturday nearest to 31 January, which is to say that it begins on the Sunday nearest to 1 February. About every sixth
//! year has a 53rd week, and that belongs to its last month.

use super::Day;
use std::fmt;

/// Weeks of the months of a quarter.
const MONTHS_OF_QUARTER: [u8; 3] = [4, 5, 4];
const WEEKS_OF_QUARTER: u8 = 13;

/// How weeks are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WeekCalendar {
    /// Monday to Sunday, ISO 8601.
    #[default]
    Iso,
    /// Sunday to Saturday, 4-5-4.
    FourFiveFour,
}

impl WeekCalendar {
    /// Its name in config and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Iso => "iso",
            Self::FourFiveFour => "4-5-4",
        }
    }

    /// The week that a day lies in.
    #[must_use]
    pub fn week_of(self, day: Day) -> Week {
        match self {
            Self::Iso => {
                let (year, week) = day.iso_week();
                Week { calendar: self, year, week }
            }
            Self::FourFiveFour => {
                let RetailWeek { year, week, .. } = RetailWeek::of(day);
                Week { calendar: self, year, week }
            }
        }
    }
}

/// A numbered week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Week {
    /// Who numbers it.
    pub calendar: WeekCalendar,
    /// The year that the week belongs to, which near its ends is not that of the date.
    pub year: i16,
    /// 1 to 53.
    pub week: u8,
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-W{:02}", self.year, self.week)
    }
}

/// A week of the 4-5-4 calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RetailWeek {
    /// The year in which its year began.
    pub year: i16,
    /// 1 to 53.
    pub week: u8,
    /// 1 (February) to 12 (January).
    pub month: u8,
    /// 1 to 5.
    pub week_of_month: u8,
}

impl RetailWeek {
    /// The week that a day lies in.
    #[must_use]
    pub fn of(day: Day) -> Self {
        let mut year = day.0.year();
        let mut first = first_day(year);
        if day < first {
            year -= 1;
            first = first_day(year);
        }
        let week = u8::try_from(day.days_since(first) / 7 + 1).unwrap_or(u8::MAX);
        let (month, week_of_month) = month_of(week);
        Self { year, week, month, week_of_month }
    }
}

fn first_day(year: i16) -> Day {
    Day(jiff::civil::Date::new(year, 2, 1).unwrap_or(jiff::civil::Date::MIN)).nearest_sunday()
}

fn month_of(week: u8) -> (u8, u8) {
    if week > 4 * WEEKS_OF_QUARTER {
        return (12, 5);
    }
    let (quarter, mut left) = ((week - 1) / WEEKS_OF_QUARTER, (week - 1) % WEEKS_OF_QUARTER);
    for (month, weeks) in (1..).zip(MONTHS_OF_QUARTER) {
        if left < weeks {
            return (3 * quarter + month, left + 1);
        }
        left -= weeks;
    }
    unreachable!("a quarter has {WEEKS_OF_QUARTER} weeks")
}
