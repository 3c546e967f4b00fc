//! What other sensors of the store counted: `sensor_count`.
//!
//! What is not obvious: an interval has the length that the sensor gave it, and is no minute. Its sender may send it again, so a
//! reader keeps one for each `sensor`, `start_ms` and `id`; parts with other ids add up.

use crate::site::sensors::{self, Compared, Counted, Counts, SensorSettings};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a sensor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SensorKind {
    /// Counts who goes through a door.
    Door,
    /// Counts devices that are near.
    Beacon,
}

/// What a sensor counted in an interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SensorCount {
    /// Sensor id.
    pub sensor: String,
    /// What it is.
    pub sensor_kind: SensorKind,
    /// The camera that it is compared with; this and the next two are absent where it is compared with nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<String>,
    /// The camera's line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The camera's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Which part of the interval's counts; absent where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Start of the interval, UTC ms.
    pub start_ms: i64,
    /// How long it is; on the wire seconds with up to three decimals.
    #[serde(rename = "length_s", with = "super::seconds")]
    pub length: Duration,
    /// How much of it the sensor was at work.
    #[serde(rename = "seen_s", with = "super::seconds")]
    pub seen: Duration,
    /// People into the store; absent where directions are not told apart.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub entries: Option<u32>,
    /// People out of it; absent where the sensor does not know them.
    #[serde(default, rename = "out", skip_serializing_if = "Option::is_none")]
    pub exits: Option<u32>,
    /// People in either direction, or devices; absent where `in` is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

impl super::Fact {
    /// What a sensor counted.
    #[must_use]
    pub fn sensor(settings: &SensorSettings, counted: &Counted) -> Self {
        let (camera, line, zone) = match &settings.compares {
            None => (None, None, None),
            Some(Compared::Line(camera, line)) => (Some(camera.to_string()), Some(line.to_string()), None),
            Some(Compared::Zone(camera, zone)) => (Some(camera.to_string()), None, Some(zone.to_string())),
        };
        let (entries, exits, count) = match counted.counts {
            Counts::Ways { entries, exits } => (Some(entries), exits, None),
            Counts::Total(count) => (None, None, Some(count)),
        };
        Self::SensorCount(SensorCount {
            sensor: counted.sensor.to_string(),
            sensor_kind: settings.kind.into(),
            camera,
            line,
            zone,
            id: (!counted.part.is_empty()).then(|| counted.part.clone()),
            start_ms: counted.span.start.unix_ms(),
            length: counted.span.length(),
            seen: counted.seen,
            entries,
            exits,
            count,
        })
    }
}

impl From<sensors::SensorKind> for SensorKind {
    fn from(kind: sensors::SensorKind) -> Self {
        match kind {
            sensors::SensorKind::Door => Self::Door,
            sensors::SensorKind::Beacon => Self::Beacon,
        }
    }
}
