//! Intervals of other sensors, and their sums by hour.
//!
//! What is not obvious: the same interval may arrive under two numbers, as a box knows a repeat of its own run only. So it is told
//! by its begin and part here, and one that overlaps another is put aside: nobody is counted twice.

use super::clock::StoreClock;
use crate::time::{MINUTE_MS, WallTime};
use crate::wire::v1::{SensorCount, SensorKind};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

/// More sensors has no box.
const MOST_SENSORS: i64 = 100;
/// No interval is longer (`site::sensors`), so an older one does not reach into another.
const LONGEST_MS: i64 = 3_600_000;

/// An interval as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Interval {
    start_ms: i64,
    end_ms: i64,
    entries: Option<i64>,
    exits: Option<i64>,
    total: Option<i64>,
    seen_ms: i64,
}

impl Interval {
    fn of(told: &SensorCount) -> Self {
        let ms = |span: std::time::Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self {
            start_ms: told.start_ms,
            end_ms: told.start_ms.saturating_add(ms(told.length)),
            entries: told.entries.map(i64::from),
            exits: told.exits.map(i64::from),
            total: told.count.map(i64::from),
            seen_ms: ms(told.seen),
        }
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            start_ms: row.get(0)?,
            end_ms: row.get(1)?,
            entries: row.get(2)?,
            exits: row.get(3)?,
            total: row.get(4)?,
            seen_ms: row.get(5)?,
        })
    }
}

/// Takes an interval; the reason where it is put aside.
pub(super) fn take(
    all: &Transaction<'_>,
    clock: &mut StoreClock,
    (box_id, store_id): (i64, i64),
    told: &SensorCount,
) -> rusqlite::Result<Result<(), String>> {
    let sensor_id = match sensor(all, (box_id, store_id), told)? {
        Ok(sensor_id) => sensor_id,
        Err(reason) => return Ok(Err(reason)),
    };
    let (part, interval) = (told.id.as_deref().unwrap_or_default(), Interval::of(told));
    let sql = "SELECT start_ms, end_ms, entries, exits, total, seen_ms FROM sensor_count
        WHERE sensor_id = ?1 AND part = ?2 AND start_ms > ?3 - ?5 AND start_ms < ?4 AND end_ms > ?3 LIMIT 1";
    let values = params![sensor_id, part, interval.start_ms, interval.end_ms, LONGEST_MS];
    match all.prepare_cached(sql)?.query_row(values, Interval::read).optional()? {
        None => {}
        Some(known) if known == interval => return Ok(Ok(())),
        Some(known) => {
            let at = WallTime::from_unix_ms(known.start_ms);
            return Ok(Err(format!(
                "sensor {} told of an interval from {at} before that overlaps this one",
                told.sensor
            )));
        }
    }
    let Interval { start_ms, end_ms, entries, exits, total, seen_ms } = interval;
    let sql = "INSERT INTO sensor_count VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    all.prepare_cached(sql)?
        .execute(params![sensor_id, part, start_ms, end_ms, entries, exits, total, seen_ms])?;
    add_to_hour(all, clock, (sensor_id, part), &interval)?;
    Ok(Ok(()))
}

fn sensor(
    all: &Transaction<'_>,
    (box_id, store_id): (i64, i64),
    told: &SensorCount,
) -> rusqlite::Result<Result<i64, String>> {
    let kind = match told.sensor_kind {
        SensorKind::Door => "door",
        SensorKind::Beacon => "beacon",
    };
    let sql = "SELECT sensor_id FROM sensor WHERE box_id = ?1 AND name = ?2";
    let known = all.prepare_cached(sql)?.query_row((box_id, &told.sensor), |row| row.get(0)).optional()?;
    let Some(sensor_id) = known else {
        let sql = "SELECT count(*) FROM sensor WHERE box_id = ?1";
        let sensors: i64 = all.prepare_cached(sql)?.query_row([box_id], |row| row.get(0))?;
        if sensors >= MOST_SENSORS {
            return Ok(Err(format!("the box has {sensors} sensors, sensor {} is one too many", told.sensor)));
        }
        let sql = "INSERT INTO sensor (box_id, store_id, name, kind, camera, line, zone, newest_ms)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let SensorCount { sensor, camera, line, zone, start_ms, .. } = told;
        all.prepare_cached(sql)?
            .execute(params![box_id, store_id, sensor, kind, camera, line, zone, start_ms])?;
        return Ok(Ok(all.last_insert_rowid()));
    };
    let sql = "UPDATE sensor SET kind = ?2, camera = ?3, line = ?4, zone = ?5, newest_ms = ?6
        WHERE sensor_id = ?1 AND newest_ms < ?6";
    let values = params![sensor_id, kind, told.camera, told.line, told.zone, told.start_ms];
    all.prepare_cached(sql)?.execute(values)?;
    Ok(Ok(sensor_id))
}

fn add_to_hour(
    all: &Transaction<'_>,
    clock: &mut StoreClock,
    (sensor_id, part): (i64, &str),
    interval: &Interval,
) -> rusqlite::Result<()> {
    let hour = clock.hour_of(WallTime::from_unix_ms(interval.start_ms));
    let is_whole = interval.end_ms <= hour.end_minute * MINUTE_MS;
    // What one interval does not know, the hour does not: NULL and a number make NULL.
    let sql = "INSERT INTO sensor_hour VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT DO UPDATE SET entries = entries + ?6, exits = exits + ?7, total = total + ?8,
        seen_ms = seen_ms + ?9, whole = min(whole, ?10)";
    all.prepare_cached(sql)?.execute(params![
        sensor_id,
        part,
        hour.start_minute,
        hour.business_day,
        hour.local_hour,
        interval.entries,
        interval.exits,
        interval.total,
        interval.seen_ms,
        is_whole
    ])?;
    Ok(())
}

/// Hours of a store's sensors made anew from their intervals: where the store's calendar was changed.
pub(super) fn hours_anew(
    all: &Transaction<'_>,
    clock: &mut StoreClock,
    store_id: i64,
    from_minute: i64,
) -> rusqlite::Result<()> {
    let sql = "DELETE FROM sensor_hour WHERE hour >= ?2 AND sensor_id IN (SELECT sensor_id FROM sensor WHERE store_id = ?1)";
    all.prepare_cached(sql)?.execute((store_id, from_minute))?;
    let sql = "SELECT start_ms, end_ms, entries, exits, total, seen_ms, sensor_id, part FROM sensor JOIN sensor_count
        USING (sensor_id) WHERE store_id = ?1 AND start_ms >= ?2";
    let mut select = all.prepare_cached(sql)?;
    let mut rows = select.query((store_id, from_minute.saturating_mul(MINUTE_MS)))?;
    while let Some(row) = rows.next()? {
        let part: String = row.get(7)?;
        add_to_hour(all, clock, (row.get(6)?, &part), &Interval::read(row)?)?;
    }
    Ok(())
}
