//! `[[sensor]]`: other sensors of the store, and which camera's counts they are compared with.

use super::CameraSettings;
use super::camera::Names;
use super::check::Around;
use super::document::{Entry, SpanRule, Table, nearest_of};
use super::fault::FaultKind;
use crate::ids::SensorId;
use crate::site::sensors::{Compared, SensorKind, SensorSettings};

/// A store with more of them has more boxes.
const MAX_SENSORS: usize = 32;

/// An hour without a message: a sensor that tells by the hour is late by then.
const QUIET: SpanRule = SpanRule::of_ms(5_400_000, 60_000, 604_800_000);

/// Every sensor; none where there is none.
pub(super) fn sensors(
    root: &mut Table<'_>,
    cameras: Option<&[CameraSettings]>,
    around: Around<'_>,
) -> Option<Vec<SensorSettings>> {
    let Some(written) = root.get("sensor") else { return Some(Vec::new()) };
    if !around.has_broker {
        written.fault(FaultKind::Alone { other: "[mqtt]" });
    }
    let mut names = Names::of("sensor");
    written.tables(MAX_SENSORS, |table| sensor(table, &mut names, cameras))
}

fn sensor(
    table: &mut Table<'_>,
    names: &mut Names,
    cameras: Option<&[CameraSettings]>,
) -> Option<SensorSettings> {
    let id = table.need("id", "id = \"door-sensor\"").and_then(|e| {
        let id = e.parsed(SensorId::parse)?;
        names.take(&e, id.as_str());
        Some(id)
    });
    let kinds = SensorKind::ALL.map(|kind| (kind.name(), kind));
    let kind = table.need("kind", "kind = \"door\"").and_then(|e| e.choice(&kinds));
    let compares = table.get("compares");
    // Cameras with faults of their own are mended first.
    let compares = compares.zip(kind.zip(cameras)).map(|(e, (kind, cameras))| compared(&e, kind, cameras));
    let quiet = table.span("quiet", QUIET);
    Some(SensorSettings { id: id?, kind: kind?, compares: compares.unwrap_or(None), quiet })
}

/// `CAMERA/LINE` of a sensor at a door, `CAMERA/ZONE` of a receiver of beacons.
fn compared(entry: &Entry<'_>, kind: SensorKind, cameras: &[CameraSettings]) -> Option<Compared> {
    let text = entry.text()?;
    let not_named = |what, got: &str, there: &[&str]| {
        let near = nearest_of(got, there.iter().copied()).map(str::to_owned);
        entry.fault(FaultKind::NotNamed { what, got: got.chars().take(40).collect(), near });
    };
    let (camera_name, name) = text.split_once('/').unwrap_or((text, ""));
    let Some(camera) = cameras.iter().find(|camera| camera.id.as_str() == camera_name) else {
        let there: Vec<&str> = cameras.iter().map(|camera| camera.id.as_str()).collect();
        not_named("camera", camera_name, &there);
        return None;
    };
    let id = camera.id.clone();
    match kind {
        SensorKind::Door => {
            let lines = &camera.pipeline.lines;
            if let Some(line) = lines.iter().find(|line| line.id.as_str() == name) {
                return Some(Compared::Line(id, line.id.clone()));
            }
            not_named("line", name, &lines.iter().map(|line| line.id.as_str()).collect::<Vec<_>>());
        }
        SensorKind::Beacon => {
            let zones = &camera.pipeline.zones;
            if let Some(zone) = zones.iter().find(|zone| zone.id.as_str() == name) {
                return Some(Compared::Zone(id, zone.id.clone()));
            }
            not_named("zone", name, &zones.iter().map(|zone| zone.id.as_str()).collect::<Vec<_>>());
        }
    }
    None
}
