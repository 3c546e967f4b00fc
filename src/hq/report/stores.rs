//! One store: its days, its usual week by hour, its funnel; and one of its days by hour.

use super::ReportError;
use super::days::{Clocks, Range, holidays, parse_day, shown, weekday};
use super::figures::{Figures, Tally};
use crate::hq::access::{Scope, StoreRow};
use crate::hq::api::names::StoreName;
use crate::hq::store::Store;
use crate::hq::store::access as names;
use crate::hq::store::report::sums::{self, Facts, HourRow};
use crate::hq::store::report::{Ask, Asked};
use crate::time::{MINUTE_MS, WallTime};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What power hours bring together of all visitors: the trade speaks of the few hours that make most of the day.
const POWER_SHARE: f64 = 0.4;

/// A store, over some days.
#[derive(Debug, Serialize, ToSchema)]
pub struct StorePage {
    /// Which.
    pub store: StoreName,
    /// First business day.
    pub from: String,
    /// Last one.
    pub to: String,
    /// All days together.
    pub total: Figures,
    /// Each day that is known.
    pub days: Vec<DayFigures>,
    /// The usual week.
    pub hours: Vec<WeekHour>,
    /// Hours of the week by falling share of the visitors.
    pub power_hours: Vec<PowerHour>,
    /// From the street to the till.
    pub funnel: Vec<Step>,
    /// Its cameras.
    pub cameras: Vec<CameraName>,
}

/// A day of a store.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayFigures {
    /// `YYYY-MM-DD`.
    pub day: String,
    /// What it is called, where it has other hours than usual; may be empty.
    pub holiday: Option<String>,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// An hour of the usual week.
#[derive(Debug, Serialize, ToSchema)]
pub struct WeekHour {
    /// 0 is Monday.
    pub weekday: usize,
    /// 0 to 23 on the store's clock.
    pub hour: u8,
    /// Mean visitors of an open, complete hour; null where there is none.
    pub visitors: Option<f64>,
    /// Transactions per visitor in those hours.
    pub conversion: Option<f64>,
    /// How many hours that is the mean of.
    pub hours: u32,
    /// How many were left out.
    pub incomplete: u32,
}

/// An hour of the week and what it brings.
#[derive(Debug, Serialize, ToSchema)]
pub struct PowerHour {
    /// 0 is Monday.
    pub weekday: usize,
    /// 0 to 23 on the store's clock.
    pub hour: u8,
    /// Of the visitors of a usual week.
    pub share: f64,
    /// Whether it is one of the hours that make 40 % of them.
    pub power: bool,
}

/// A step of the funnel.
#[derive(Debug, Serialize, ToSchema)]
pub struct Step {
    /// `passersby`, `entries`, `zone_visits`, `engaged`, `queued` or `transactions`.
    pub step: &'static str,
    /// How many; null where that is not known.
    pub people: Option<i64>,
}

/// A camera.
#[derive(Debug, Serialize, ToSchema)]
pub struct CameraName {
    /// Its box.
    #[serde(rename = "box")]
    pub box_name: String,
    /// Its name.
    pub camera: String,
    /// For people.
    pub title: String,
}

/// A day of a store by hour.
#[derive(Debug, Serialize, ToSchema)]
pub struct StoreDay {
    /// Which store.
    pub store: StoreName,
    /// `YYYY-MM-DD`.
    pub day: String,
    /// The whole day.
    pub total: Figures,
    /// Its hours, in their order; one that the clock showed twice is there twice.
    pub hours: Vec<HourFigures>,
}

/// An hour of a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct HourFigures {
    /// When it began, UTC ms.
    pub start_ms: i64,
    /// 0 to 23 on the store's clock.
    pub hour: u8,
    /// Whether the store was open in it, be it for a part.
    pub open: bool,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A store by name, with what the reports need to know of it, and its newest business day.
#[derive(Debug, Clone)]
pub struct Found {
    pub(in crate::hq) row: StoreRow,
    pub(in crate::hq) facts: Facts,
    pub(in crate::hq) newest: i64,
}

/// Finds a store that whoever asks may read.
///
/// # Errors
/// [`ReportError::NotThere`], or what the database says.
pub fn find(store: &Store, scope: &Scope, name: (&str, &str), now: WallTime) -> Result<Found, ReportError> {
    let found = store.read(|ask| {
        let Some(row) = names::store(ask, scope, name)? else { return Ok(None) };
        let facts = sums::facts(ask, row.store_id)?;
        let today = Clocks::at(now).of(&facts).today;
        let newest = sums::newest_day(ask, row.store_id, today)?.unwrap_or(today);
        Ok(Some(Found { row, facts, newest }))
    })?;
    found.ok_or(ReportError::NotThere)
}

/// A store over some days.
///
/// # Errors
/// [`ReportError`].
pub fn page(store: &Store, of: Found, range: Range) -> Result<StorePage, ReportError> {
    let id = of.row.store_id;
    let (days, hours, named, cameras) = store.read(|ask| {
        Ok((
            sums::days(ask, id, range.pair())?,
            sums::hours(ask, id, range.pair())?,
            holidays(&sums::written_hours(ask, id)?),
            sums::cameras(ask, id)?,
        ))
    })?;
    let least = of.facts.least_coverage;
    let mut total = Tally::new();
    days.iter().for_each(|(_, row)| total.add(row, least));
    let total = total.figures();
    let days = days.iter().map(|(day, row)| DayFigures {
        day: shown(*day),
        holiday: named.get(day).cloned(),
        figures: Tally::of(row, least).figures(),
    });
    let hours = week(&hours, least);
    let [from, to] = [range.from, range.to].map(shown);
    let camera = |[box_name, camera, title]: [String; 3]| CameraName { box_name, camera, title };
    Ok(StorePage {
        store: of.row.into(),
        from,
        to,
        days: days.collect(),
        power_hours: power(&hours),
        hours,
        funnel: funnel(&total),
        total,
        cameras: cameras.into_iter().map(camera).collect(),
    })
}

fn week(rows: &[HourRow], least: f64) -> Vec<WeekHour> {
    let mut by_hour: BTreeMap<(usize, u8), (Tally, u32, u32)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.sums.open_ms > 0) {
        let place = (weekday(row.business_day), row.local_hour);
        let (tally, complete, incomplete) = by_hour.entry(place).or_insert((Tally::new(), 0, 0));
        if row.sums.complete {
            tally.add(&row.sums, least);
            *complete += 1;
        } else {
            *incomplete += 1;
        }
    }
    let hour = |((weekday, hour), (tally, hours, incomplete)): ((usize, u8), (Tally, u32, u32))| WeekHour {
        weekday,
        hour,
        visitors: (hours > 0).then(|| tally.visitors() as f64 / f64::from(hours)),
        conversion: tally.conversion(),
        hours,
        incomplete,
    };
    by_hour.into_iter().map(hour).collect()
}

fn power(week: &[WeekHour]) -> Vec<PowerHour> {
    let all: f64 = week.iter().filter_map(|hour| hour.visitors).sum();
    if all <= 0.0 {
        return Vec::new();
    }
    let share = |hour: &WeekHour| Some((hour.weekday, hour.hour, hour.visitors? / all));
    let mut shares: Vec<(usize, u8, f64)> = week.iter().filter_map(share).collect();
    shares.sort_by(|a, b| b.2.total_cmp(&a.2));
    let mut so_far = 0.0;
    let power = shares.into_iter().map(|(weekday, hour, share)| {
        let power = so_far < POWER_SHARE;
        so_far += share;
        PowerHour { weekday, hour, share, power }
    });
    power.collect()
}

fn funnel(of: &Figures) -> Vec<Step> {
    let steps = [
        ("passersby", of.passersby),
        ("entries", Some(of.entries)),
        ("zone_visits", of.zone_visits),
        ("engaged", of.engaged),
        ("queued", of.queued),
        ("transactions", of.transactions),
    ];
    steps.map(|(step, people)| Step { step, people }).into()
}

/// A day of a store by hour.
///
/// # Errors
/// [`ReportError`].
pub fn day(store: &Store, of: Found, day: &str) -> Result<StoreDay, ReportError> {
    let wanted = parse_day(day)?;
    let least = of.facts.least_coverage;
    let hours =
        store.read(|ask: &Ask| -> Asked<_> { sums::hours(ask, of.row.store_id, (wanted, wanted)) })?;
    let mut total = Tally::new();
    hours.iter().for_each(|row| total.add(&row.sums, least));
    let hour = |row: &HourRow| HourFigures {
        start_ms: row.start_minute * MINUTE_MS,
        hour: row.local_hour,
        open: row.sums.open_ms > 0,
        figures: Tally::of(&row.sums, least).figures(),
    };
    Ok(StoreDay {
        store: of.row.into(),
        day: shown(wanted),
        total: total.figures(),
        hours: hours.iter().map(hour).collect(),
    })
}

/// A day of a store by its name; the newest where none is given.
///
/// # Errors
/// [`ReportError`].
pub fn day_of(
    store: &Store,
    scope: &Scope,
    name: (&str, &str),
    day: Option<&str>,
    now: WallTime,
) -> Result<StoreDay, ReportError> {
    let found = find(store, scope, name, now)?;
    let newest = shown(found.newest);
    self::day(store, found, day.unwrap_or(&newest))
}
