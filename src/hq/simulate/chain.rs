//! What the simulated chain is: its stores, their hours, its year and its weather.

use super::Settings;
use super::dice::{Dice, Drift};
use crate::calendar::Day;
use crate::hq::store::clock::{WEEKDAYS, WrittenHoliday, WrittenHours};
use crate::random::scattered;
use crate::time::WallTime;

const DAY_MS: i64 = 86_400_000;
/// The displays are changed so many days before the end: four whole weeks, of which the page asks three.
const CHANGED_BEFORE: i64 = 28;
const REGIONS: [(&str, &str); 3] = [("north", "North"), ("east", "East"), ("south", "South")];
/// Visitors of a usual weekday, by size.
const SIZES: [f64; 3] = [90.0, 180.0, 320.0];
/// Traffic by weekday, Monday first.
const WEEK: [f64; 7] = [0.80, 0.80, 0.85, 0.95, 1.20, 1.60, 0.80];
/// Traffic by month, January first: sales, a quiet summer, Christmas.
const YEAR: [f64; 12] = [0.95, 0.85, 0.95, 1.0, 1.02, 1.0, 0.9, 0.88, 1.0, 1.05, 1.15, 1.4];
/// Days on which all stores are closed, and those with short hours: month, day, name.
const CLOSED: [(u32, u32, &str); 3] =
    [(1, 1, "New Year's Day"), (12, 25, "Christmas Day"), (12, 26, "Second day of Christmas")];
const SHORT: [(u32, u32, &str); 2] = [(12, 24, "Christmas Eve"), (12, 31, "New Year's Eve")];

/// A store that is to be made.
#[derive(Debug, Clone)]
pub(in crate::hq) struct PlannedStore {
    pub(in crate::hq) name: String,
    pub(in crate::hq) title: String,
    pub(in crate::hq) region: (&'static str, &'static str),
    pub(in crate::hq) time_zone: &'static str,
    pub(in crate::hq) day_begins: &'static str,
    pub(in crate::hq) calendar: &'static str,
    pub(in crate::hq) hours: WrittenHours,
    /// Visitors of a usual weekday.
    pub(in crate::hq) size: f64,
    /// Which draws are its own.
    pub(in crate::hq) seed: u64,
    /// Whether its display was exchanged.
    pub(in crate::hq) is_test: bool,
    /// Days on which the door's camera saw little, and on which nothing arrived.
    pub(in crate::hq) dark_days: Vec<i64>,
    pub(in crate::hq) outage: Option<(i64, i64)>,
}

/// What all stores share.
#[derive(Debug, Clone)]
pub(in crate::hq) struct Season {
    pub(in crate::hq) first_day: i64,
    pub(in crate::hq) until: WallTime,
    pub(in crate::hq) changed: i64,
    pub(in crate::hq) stops: f64,
    /// Logarithm of what the weather does to traffic, by region and day.
    weather: [Vec<f64>; 3],
}

impl Season {
    /// Of a usual weekday's traffic, what comes on a day.
    pub(in crate::hq) fn traffic(&self, region: &str, day: i64) -> f64 {
        let date = Day::of_unix_days(day).to_string();
        let month: usize = date.get(5..7).and_then(|month| month.parse().ok()).unwrap_or(1);
        let at = REGIONS.iter().position(|(name, _)| *name == region).unwrap_or(0);
        let since = usize::try_from(day - self.first_day).unwrap_or(0);
        let weather = self.weather[at].get(since).copied().unwrap_or(0.0);
        WEEK[Day::of_unix_days(day).weekday()] * YEAR[(month - 1) % 12] * weather.exp()
    }
}

/// An order of the web shop.
#[derive(Debug, Clone)]
pub(in crate::hq) struct WebOrder {
    pub(in crate::hq) at_ms: i64,
    pub(in crate::hq) amount_minor: i64,
    pub(in crate::hq) units: i64,
}

/// The chain.
pub(super) struct Chain {
    pub(super) stores: Vec<PlannedStore>,
    pub(super) season: Season,
    pub(super) changed: i64,
    seed: u64,
}

impl Chain {
    pub(super) fn of(settings: &Settings, stops: f64) -> Self {
        let today = settings.until.unix_ms().div_euclid(DAY_MS);
        let first_day = today - 7 * i64::from(settings.weeks);
        let changed = today - CHANGED_BEFORE;
        let days = usize::try_from(today - first_day + 2).unwrap_or(0);
        let mut dice = Dice::new(scattered(settings.seed));
        let weather = [(); 3].map(|()| {
            let mut drift = Drift::new(0.5, 0.08, &mut dice);
            (0..days).map(|_| drift.next(&mut dice)).collect()
        });
        let season = Season { first_day, until: settings.until, changed, stops, weather };
        let hours = |late: bool| hours(first_day, today, late);
        let tests = (settings.stores / 3).max(1) as usize;
        let planned = |at: usize| {
            let late = at == 3;
            let city = format!("Store {:02} (simulated)", at + 1);
            PlannedStore {
                name: format!("sim-{:02}", at + 1),
                title: city,
                region: REGIONS[at % 3],
                time_zone: if at % 3 == 1 { "Europe/Athens" } else { "Europe/Vienna" },
                day_begins: if late { "04:00" } else { "00:00" },
                calendar: if at == 4 { "4-5-4" } else { "iso" },
                hours: hours(late),
                size: SIZES[at / 3 % 3] * dice.between(0.85, 1.15),
                seed: scattered(settings.seed.wrapping_mul(1_000_003).wrapping_add(at as u64 + 1)),
                is_test: at < tests,
                dark_days: if at == 1 { vec![today - 12, today - 40] } else { Vec::new() },
                outage: (at + 1 == settings.stores as usize).then_some((today - 47, today - 45)),
            }
        };
        let stores = (0..settings.stores as usize).map(planned).collect();
        Self { stores, season, changed, seed: settings.seed }
    }

    /// What the web shop sold.
    pub(super) fn web_orders(&self) -> Vec<WebOrder> {
        let mut dice = Dice::new(scattered(self.seed ^ 0xEB));
        let mut orders = Vec::new();
        for day in self.season.first_day..=self.season.until.unix_ms().div_euclid(DAY_MS) {
            for _ in 0..dice.count(12.0 * self.season.traffic("north", day)) {
                let at_ms = day * DAY_MS + (dice.between(0.3, 0.98) * DAY_MS as f64) as i64;
                let amount = (7.8 + 0.6 * dice.normal()).exp();
                let units = 1 + i64::from(dice.count(0.6));
                orders.push(WebOrder { at_ms, amount_minor: amount as i64, units });
            }
        }
        orders.retain(|order| order.at_ms < self.season.until.unix_ms());
        orders
    }
}

fn hours(first_day: i64, today: i64, late: bool) -> WrittenHours {
    let usual = |day: usize| match day {
        6 => "11:00-18:00",
        4 | 5 if late => "12:00-01:00",
        _ => "10:00-20:00",
    };
    let week = WEEKDAYS.iter().enumerate().map(|(at, day)| ((*day).to_owned(), vec![usual(at).to_owned()]));
    let mut holidays = Vec::new();
    for day in first_day..=today + 60 {
        let date = Day::of_unix_days(day).to_string();
        let of = |list: &[(u32, u32, &'static str)]| {
            list.iter()
                .find(|(month, day, _)| date.ends_with(&format!("-{month:02}-{day:02}")))
                .map(|of| of.2)
        };
        let hours = |title: &str, hours: &[&str]| WrittenHoliday {
            date: date.clone(),
            title: Some(title.to_owned()),
            hours: hours.iter().map(|text| (*text).to_owned()).collect(),
        };
        holidays.extend(of(&CLOSED).map(|title| hours(title, &[])));
        holidays.extend(of(&SHORT).map(|title| hours(title, &["10:00-14:00"])));
    }
    WrittenHours { week: Some(week.collect()), holidays }
}
