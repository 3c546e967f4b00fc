//! Hours of other sensors, and of the lines and zones that they are compared with.

use rusqlite::{Connection, OptionalExtension as _};

/// A sensor of a store, and whom it is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct SensorRow {
    pub(in crate::hq) sensor_id: i64,
    pub(in crate::hq) box_name: String,
    pub(in crate::hq) name: String,
    /// `door` or `beacon`.
    pub(in crate::hq) kind: String,
    pub(in crate::hq) camera: Option<String>,
    pub(in crate::hq) line: Option<String>,
    pub(in crate::hq) zone: Option<String>,
}

/// An hour of one part of a sensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct PartHour {
    pub(in crate::hq) hour: i64,
    pub(in crate::hq) part: String,
    pub(in crate::hq) entries: Option<i64>,
    pub(in crate::hq) exits: Option<i64>,
    pub(in crate::hq) total: Option<i64>,
    pub(in crate::hq) seen_ms: i64,
    pub(in crate::hq) whole: bool,
}

/// An hour of a line or a zone of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hq) struct CameraHour {
    pub(in crate::hq) hour: i64,
    /// Who came in, or visits.
    pub(in crate::hq) entries: i64,
    /// Who went out; 0 of a zone.
    pub(in crate::hq) exits: i64,
    pub(in crate::hq) open_seen_ms: i64,
}

pub(super) const OF_STORE: &str = "SELECT sensor_id, box.name, sensor.name, kind, camera, line, zone
  FROM sensor JOIN box USING (box_id) WHERE sensor.store_id = ?1 ORDER BY box.name, sensor.name";

pub(super) const HOURS: &str = "SELECT hour, part, entries, exits, total, seen_ms, whole FROM sensor_hour
  WHERE sensor_id = ?1 AND hour BETWEEN ?2 AND ?3 ORDER BY hour";

pub(super) const LINE: &str =
    "SELECT hour, entries, exits, open_seen_ms FROM line_hour WHERE line_id = ?1 AND hour BETWEEN ?2 AND ?3";

pub(super) const ZONE: &str =
    "SELECT hour, visits, 0, open_seen_ms FROM zone_hour WHERE zone_id = ?1 AND hour BETWEEN ?2 AND ?3";

/// The sensors of a store.
pub(in crate::hq) fn of_store(ask: &Connection, store_id: i64) -> rusqlite::Result<Vec<SensorRow>> {
    let mut select = ask.prepare_cached(OF_STORE)?;
    let rows = select.query_map([store_id], |row| {
        Ok(SensorRow {
            sensor_id: row.get(0)?,
            box_name: row.get(1)?,
            name: row.get(2)?,
            kind: row.get(3)?,
            camera: row.get(4)?,
            line: row.get(5)?,
            zone: row.get(6)?,
        })
    })?;
    rows.collect()
}

/// A sensor's hours from one minute to another, part by part.
pub(in crate::hq) fn hours(
    ask: &Connection,
    sensor_id: i64,
    (from, to): (i64, i64),
) -> rusqlite::Result<Vec<PartHour>> {
    let mut select = ask.prepare_cached(HOURS)?;
    let rows = select.query_map((sensor_id, from, to), |row| {
        Ok(PartHour {
            hour: row.get(0)?,
            part: row.get(1)?,
            entries: row.get(2)?,
            exits: row.get(3)?,
            total: row.get(4)?,
            seen_ms: row.get(5)?,
            whole: row.get(6)?,
        })
    })?;
    rows.collect()
}

/// Hours of the line or the zone that a sensor is compared with, from one minute to another; none where there is no such thing.
pub(in crate::hq) fn camera_hours(
    ask: &Connection,
    store_id: i64,
    of: &SensorRow,
    (from, to): (i64, i64),
) -> rusqlite::Result<Option<Vec<CameraHour>>> {
    let (Some(camera), Some(shape)) = (&of.camera, of.line.as_ref().or(of.zone.as_ref())) else {
        return Ok(None);
    };
    let (find, sql) = if of.line.is_some() {
        (
            "SELECT line_id FROM line JOIN camera USING (camera_id) JOIN box USING (box_id)
          WHERE line.store_id = ?1 AND box.name = ?2 AND camera.name = ?3 AND line.name = ?4",
            LINE,
        )
    } else {
        (
            "SELECT zone_id FROM zone JOIN camera USING (camera_id) JOIN box USING (box_id)
          WHERE zone.store_id = ?1 AND box.name = ?2 AND camera.name = ?3 AND zone.name = ?4",
            ZONE,
        )
    };
    let found: Option<i64> = ask
        .prepare_cached(find)?
        .query_row((store_id, &of.box_name, camera, shape), |row| row.get(0))
        .optional()?;
    let Some(id) = found else { return Ok(None) };
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map((id, from, to), |row| {
        Ok(CameraHour {
            hour: row.get(0)?,
            entries: row.get(1)?,
            exits: row.get(2)?,
            open_seen_ms: row.get(3)?,
        })
    })?;
    rows.collect::<rusqlite::Result<_>>().map(Some)
}
