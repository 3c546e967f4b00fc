//! Queues, heat and flow of a store.

use rusqlite::{Connection, OptionalExtension as _};

/// An hour of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hq) struct QueueHour {
    pub(in crate::hq) business_day: i64,
    pub(in crate::hq) local_hour: u8,
    pub(in crate::hq) joined: i64,
    pub(in crate::hq) served: i64,
    pub(in crate::hq) abandoned: i64,
    pub(in crate::hq) waits: i64,
    pub(in crate::hq) wait_ms: i64,
    pub(in crate::hq) longest_wait_ms: i64,
    pub(in crate::hq) length_ms: i64,
    pub(in crate::hq) longest: Option<i64>,
    pub(in crate::hq) seen_ms: i64,
}

/// A day's map: JSON of grid, presence and dwell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct HeatDay {
    pub(in crate::hq) grid: String,
    pub(in crate::hq) presence: String,
    pub(in crate::hq) dwell: String,
}

/// `hour` is the key; a day's hours lie within two days of UTC around it.
pub(super) const QUEUE: &str = "SELECT business_day, local_hour, joined, served, abandoned, waits, wait_ms, longest_wait_ms,
    length_ms, longest, seen_ms FROM queue_hour
  WHERE zone_id = ?1 AND hour BETWEEN (?2 - 1) * 1440 AND (?3 + 3) * 1440 AND business_day BETWEEN ?2 AND ?3 ORDER BY hour";

pub(super) const HEAT: &str = "SELECT grid, presence, dwell FROM heat_day
  WHERE camera_id = ?1 AND business_day BETWEEN ?2 AND ?3 ORDER BY business_day DESC";

pub(super) const FLOW: &str = "SELECT from_place, to_place, sum(people) FROM flow_day
  WHERE camera_id = ?1 AND business_day BETWEEN ?2 AND ?3 GROUP BY from_place, to_place ORDER BY sum(people) DESC";

/// The queues of a store: row, name, title.
pub(in crate::hq) fn queues(ask: &Connection, store_id: i64) -> rusqlite::Result<Vec<(i64, String, String)>> {
    let sql =
        "SELECT zone_id, name, title FROM zone WHERE store_id = ?1 AND is_queue = 1 ORDER BY name, zone_id";
    let mut select = ask.prepare_cached(sql)?;
    select.query_map([store_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}

/// A queue's hours of the days from one to another, both included.
pub(in crate::hq) fn queue_hours(
    ask: &Connection,
    zone_id: i64,
    (from, to): (i64, i64),
) -> rusqlite::Result<Vec<QueueHour>> {
    let mut select = ask.prepare_cached(QUEUE)?;
    let rows = select.query_map((zone_id, from, to), |row| {
        Ok(QueueHour {
            business_day: row.get(0)?,
            local_hour: row.get(1)?,
            joined: row.get(2)?,
            served: row.get(3)?,
            abandoned: row.get(4)?,
            waits: row.get(5)?,
            wait_ms: row.get(6)?,
            longest_wait_ms: row.get(7)?,
            length_ms: row.get(8)?,
            longest: row.get(9)?,
            seen_ms: row.get(10)?,
        })
    })?;
    rows.collect()
}

/// A camera of a store by its names.
pub(in crate::hq) fn camera(
    ask: &Connection,
    store_id: i64,
    (box_name, camera): (&str, &str),
) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT camera_id FROM box JOIN camera USING (box_id)
        WHERE box.store_id = ?1 AND box.name = ?2 AND camera.name = ?3";
    ask.prepare_cached(sql)?.query_row((store_id, box_name, camera), |row| row.get(0)).optional()
}

/// A camera's maps, the newest day first.
pub(in crate::hq) fn heat(
    ask: &Connection,
    camera_id: i64,
    (from, to): (i64, i64),
) -> rusqlite::Result<Vec<HeatDay>> {
    let mut select = ask.prepare_cached(HEAT)?;
    let rows = select.query_map((camera_id, from, to), |row| {
        Ok(HeatDay { grid: row.get(0)?, presence: row.get(1)?, dwell: row.get(2)? })
    })?;
    rows.collect()
}

/// Who went from where to where, the most frequent first.
pub(in crate::hq) fn flow(
    ask: &Connection,
    camera_id: i64,
    (from, to): (i64, i64),
) -> rusqlite::Result<Vec<(String, String, i64)>> {
    let mut select = ask.prepare_cached(FLOW)?;
    select.query_map((camera_id, from, to), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}
