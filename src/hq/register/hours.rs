//! Opening hours and holidays as the database keeps them: one JSON text for each store.
//!
//! What is written here was checked when the register was read; what does not parse all the same is a fault of the
//! database, and a store without readable hours is no store that is always open.

use crate::calendar::{CalendarError, Day, DayHours, HoursError, Schedule, WeekHours, Zone};
use serde::{Deserialize, Serialize};

/// Hours of a store, without its time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// Openings such as `09:00-18:30` of the seven days, Monday first; none: closed.
    pub week: [Vec<String>; 7],
    /// Days that have other hours, in their order.
    pub holidays: Vec<Holiday>,
}

/// A day that has other hours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Holiday {
    /// `2026-12-25`.
    pub date: String,
    /// What people call it; empty where nobody says.
    pub title: String,
    /// Its openings; none: closed.
    pub hours: Vec<String>,
}

/// Why a text of the database gives no hours.
#[derive(Debug, thiserror::Error)]
pub enum HoursFault {
    /// Not the JSON that is written here.
    #[error("the hours of a store cannot be read: {0}; apply the register again")]
    Shape(#[from] serde_json::Error),
    /// Not hours.
    #[error("the hours of a store cannot be read: {0}; apply the register again")]
    Hours(#[from] HoursError),
    /// Not a date.
    #[error("the hours of a store cannot be read: {0}; apply the register again")]
    Day(#[from] CalendarError),
}

impl Hours {
    /// From what was read out of a register.
    pub(super) fn of(week: &WeekHours, holidays: Vec<Holiday>) -> Self {
        Self { week: std::array::from_fn(|day| written(&week.0[day])), holidays }
    }

    /// As the database keeps it.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("lists of texts are always JSON")
    }

    /// What [`Hours::to_json`] wrote.
    ///
    /// # Errors
    /// [`HoursFault::Shape`].
    pub fn of_json(text: &str) -> Result<Self, HoursFault> {
        Ok(serde_json::from_str(text)?)
    }

    /// The schedule in a time zone.
    ///
    /// # Errors
    /// [`HoursFault`].
    pub fn schedule(&self, zone: Zone) -> Result<Schedule, HoursFault> {
        let mut week = WeekHours::default();
        for (day, openings) in week.0.iter_mut().zip(&self.week) {
            *day = read(openings)?;
        }
        let holiday = |holiday: &Holiday| Ok((Day::parse(&holiday.date)?, read(&holiday.hours)?));
        let other_days = self.holidays.iter().map(holiday).collect::<Result<_, HoursFault>>()?;
        Ok(Schedule::new(zone, week, other_days))
    }

    /// What a day is called, where it is a holiday.
    #[must_use]
    pub fn holiday(&self, day: Day) -> Option<&Holiday> {
        let date = day.to_string();
        self.holidays.iter().find(|holiday| holiday.date == date)
    }
}

/// Openings as texts.
pub(super) fn written(hours: &DayHours) -> Vec<String> {
    hours.openings().iter().map(ToString::to_string).collect()
}

fn read(openings: &[String]) -> Result<DayHours, HoursFault> {
    let texts: Vec<&str> = openings.iter().map(String::as_str).collect();
    Ok(DayHours::parse(&texts)?)
}
