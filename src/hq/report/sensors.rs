//! Other sensors beside the camera that counts the same: one checks the other.
//!
//! Only hours are compared in which both saw enough, the store was open all the while, and no interval of the sensor reaches over the
//! hour's end: what one of them missed is no difference between them. What is not obvious: a door sensor should count what the
//! camera counts, but devices are no people, so of a beacon it is the ratio that should stay the same.

use super::ReportError;
use super::days::{Range, shown};
use super::stores::Found;
use crate::hq::api::names::StoreName;
use crate::hq::store::Store;
use crate::hq::store::report::sensors::{self, CameraHour, PartHour, SensorRow};
use crate::hq::store::report::sums::{self, HourRow};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Below this of the larger one chance alone makes large shares.
const LEAST_PEOPLE: i64 = 50;
/// A door sensor and a camera that differ by more do not count the same people: a beam loses those who walk side by side, a camera
/// those whom somebody hides, and neither is one in ten of a usual day.
const DOORS_APART: f64 = 0.1;
/// What share of people carry a device that is heard differs from day to day; a quarter off the usual is another receiver, or another camera.
const RATIO_APART: f64 = 0.25;

/// The sensors of a store.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sensors {
    /// Which store.
    pub store: StoreName,
    /// First business day.
    pub from: String,
    /// Last one.
    pub to: String,
    /// Each sensor.
    pub sensors: Vec<Sensor>,
}

/// A sensor beside its camera.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sensor {
    /// Its box.
    #[serde(rename = "box")]
    pub box_name: String,
    /// Its name.
    pub sensor: String,
    /// `door` or `beacon`.
    pub kind: String,
    /// The camera that it is compared with; null where nothing of the kind is known.
    pub camera: Option<String>,
    /// The camera's line, of a door.
    pub line: Option<String>,
    /// The camera's zone, of a beacon.
    pub zone: Option<String>,
    /// What is compared: `entries`, `passages` (both directions, where the sensor does not tell them apart) or `visits` (of a zone).
    pub what: &'static str,
    /// All hours together.
    pub total: SideBySide,
    /// Who went out, by both; null where the sensor does not know them.
    pub exits: Option<SideBySide>,
    /// Whether the two drifted apart: of a door, they differ by more than 10 %; of a beacon, the ratio of the newest day with enough
    /// people is more than a quarter off that of all days. Never where fewer than 50 were counted.
    pub apart: bool,
    /// Each day.
    pub days: Vec<SensorDay>,
    /// Each hour of the day, over all days.
    pub hours: Vec<SensorHour>,
}

/// Both counts, over the hours in which both saw enough.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct SideBySide {
    /// What the sensor counted.
    pub sensor: i64,
    /// What the camera counted.
    pub camera: i64,
    /// (sensor - camera) / camera; null where the camera counted nobody.
    pub difference: Option<f64>,
    /// Hours that were compared.
    pub hours: u32,
    /// Hours in which the store was open all the while, from the sensor's first hour in the days on.
    pub open_hours: u32,
}

/// A day.
#[derive(Debug, Serialize, ToSchema)]
pub struct SensorDay {
    /// `YYYY-MM-DD`.
    pub day: String,
    /// Both counts.
    #[serde(flatten)]
    pub both: SideBySide,
    /// Whether they are apart on this day.
    pub apart: bool,
}

/// An hour of the day.
#[derive(Debug, Serialize, ToSchema)]
pub struct SensorHour {
    /// 0 to 23 on the store's clock.
    pub hour: u8,
    /// Both counts.
    #[serde(flatten)]
    pub both: SideBySide,
}

/// Counts of both in one hour, or in several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sum {
    sensor: i64,
    camera: i64,
    hours: u32,
    open_hours: u32,
}

impl Sum {
    fn add(&mut self, compared: Option<(i64, i64)>) {
        self.open_hours += 1;
        if let Some((sensor, camera)) = compared {
            self.sensor += sensor;
            self.camera += camera;
            self.hours += 1;
        }
    }

    fn ratio(&self) -> Option<f64> {
        (self.camera > 0).then(|| self.sensor as f64 / self.camera as f64)
    }

    fn shown(&self) -> SideBySide {
        SideBySide {
            sensor: self.sensor,
            camera: self.camera,
            difference: self.ratio().map(|ratio| ratio - 1.0),
            hours: self.hours,
            open_hours: self.open_hours,
        }
    }

    /// Whether it is apart; `usual` is the ratio that a beacon has, and 1 of a door.
    fn is_apart(&self, kind: &str, usual: Option<f64>) -> bool {
        if self.sensor.max(self.camera) < LEAST_PEOPLE {
            return false;
        }
        match (kind, self.ratio(), usual) {
            ("door", None, _) => true,
            ("door", Some(ratio), _) => (ratio - 1.0).abs() > DOORS_APART,
            (_, Some(ratio), Some(usual)) if usual > 0.0 => (ratio / usual - 1.0).abs() > RATIO_APART,
            _ => false,
        }
    }
}

/// The sensors of a store beside its cameras.
///
/// # Errors
/// [`ReportError`].
pub fn sensors(store: &Store, of: Found, range: Range) -> Result<Sensors, ReportError> {
    let (id, least) = (of.row.store_id, of.facts.least_coverage);
    let made = store.read(|ask| {
        let open = sums::hours(ask, id, range.pair())?;
        let span = (
            open.first().map_or(0, |hour| hour.start_minute),
            open.last().map_or(-1, |hour| hour.start_minute),
        );
        let mut made = Vec::new();
        for row in sensors::of_store(ask, id)? {
            let told = sensors::hours(ask, row.sensor_id, span)?;
            let camera = sensors::camera_hours(ask, id, &row, span)?;
            made.push(sensor(row, &told, camera.as_deref(), (&open, least)));
        }
        Ok(made)
    })?;
    let [from, to] = [range.from, range.to].map(shown);
    Ok(Sensors { store: of.row.into(), from, to, sensors: made })
}

/// What a sensor told in an hour, all its parts together.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    entries: Option<i64>,
    exits: Option<i64>,
    total: Option<i64>,
}

/// What a sensor told by hour, where it saw enough of it in all of its parts.
fn told_by_hour(told: &[PartHour], least: f64) -> BTreeMap<i64, Told> {
    let parts: BTreeSet<&str> = told.iter().map(|hour| hour.part.as_str()).collect();
    let mut by_hour: BTreeMap<i64, (Told, usize)> = BTreeMap::new();
    for hour in told {
        let is_enough = hour.whole && hour.seen_ms as f64 >= least * HOUR_MS;
        let PartHour { entries, exits, total, .. } = *hour;
        let both = |a: Option<i64>, b: Option<i64>| Some(a? + b?);
        by_hour
            .entry(hour.hour)
            .and_modify(|(sum, enough)| {
                *sum = Told {
                    entries: both(sum.entries, entries),
                    exits: both(sum.exits, exits),
                    total: both(sum.total, total),
                };
                *enough += usize::from(is_enough);
            })
            .or_insert((Told { entries, exits, total }, usize::from(is_enough)));
    }
    let whole =
        |(hour, (told, enough)): (i64, (Told, usize))| (enough == parts.len()).then_some((hour, told));
    by_hour.into_iter().filter_map(whole).collect()
}

const HOUR_MS: f64 = 3_600_000.0;

/// Sums of both over all hours, and by day and by hour of the day.
#[derive(Debug, Default)]
struct Sums {
    total: Sum,
    out: Sum,
    days: BTreeMap<i64, Sum>,
    hours: BTreeMap<u8, Sum>,
}

impl Sums {
    /// Of the hours in `open` that were open all the while; `told` and `seen` hold the hours of which enough was seen.
    fn of<'a>(
        kind: &str,
        told: &BTreeMap<i64, Told>,
        seen: &BTreeMap<i64, &CameraHour>,
        open: impl Iterator<Item = &'a HourRow>,
    ) -> Self {
        let mut sums = Self::default();
        for hour in open {
            let both = told.get(&hour.start_minute).zip(seen.get(&hour.start_minute));
            let compared = both.and_then(|(told, seen)| match (told.entries, told.total, kind) {
                (Some(entries), ..) => Some((entries, seen.entries)),
                (None, Some(total), "door") => Some((total, seen.entries + seen.exits)),
                (None, Some(total), _) => Some((total, seen.entries)),
                (None, None, _) => None,
            });
            sums.total.add(compared);
            sums.out.add(both.and_then(|(told, seen)| Some((told.exits?, seen.exits))));
            sums.days.entry(hour.business_day).or_default().add(compared);
            sums.hours.entry(hour.local_hour).or_default().add(compared);
        }
        sums
    }

    fn is_apart(&self, kind: &str) -> bool {
        if kind == "door" {
            return self.total.is_apart(kind, None);
        }
        let enough = |sum: &&Sum| sum.sensor.max(sum.camera) >= LEAST_PEOPLE;
        let newest = self.days.values().rev().find(enough);
        newest.is_some_and(|sum| sum.is_apart(kind, self.total.ratio()))
    }
}

fn sensor(
    row: SensorRow,
    told: &[PartHour],
    camera: Option<&[CameraHour]>,
    (open, least): (&[HourRow], f64),
) -> Sensor {
    let first = told.first().map_or(i64::MAX, |hour| hour.hour);
    let told = told_by_hour(told, least);
    let is_seen = |hour: &&CameraHour| hour.open_seen_ms as f64 >= least * HOUR_MS;
    let seen = camera.unwrap_or_default().iter().filter(is_seen).map(|hour| (hour.hour, hour)).collect();
    // An hour that is open in part says nothing: what the camera saw of the rest is not known.
    let is_whole = |hour: &&HourRow| hour.sums.open_ms as f64 >= HOUR_MS && hour.start_minute >= first;
    let kind = row.kind.as_str();
    let sums = Sums::of(kind, &told, &seen, open.iter().filter(is_whole));
    let usual = sums.total.ratio();
    let day = |(day, sum): (&i64, &Sum)| SensorDay {
        day: shown(*day),
        both: sum.shown(),
        apart: sum.is_apart(kind, usual),
    };
    let what = match kind {
        "beacon" => "visits",
        _ if told.values().any(|told| told.entries.is_some()) => "entries",
        _ => "passages",
    };
    let is_known = camera.is_some();
    Sensor {
        what,
        total: sums.total.shown(),
        exits: (sums.out.hours > 0).then(|| sums.out.shown()),
        apart: sums.is_apart(kind),
        days: sums.days.iter().map(day).collect(),
        hours: sums.hours.iter().map(|(hour, sum)| SensorHour { hour: *hour, both: sum.shown() }).collect(),
        kind: row.kind.clone(),
        box_name: row.box_name,
        sensor: row.name,
        camera: row.camera.filter(|_| is_known),
        line: row.line.filter(|_| is_known),
        zone: row.zone.filter(|_| is_known),
    }
}

#[cfg(test)]
mod tests;
