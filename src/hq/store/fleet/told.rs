//! What boxes say of themselves: configuration, software, health.

use super::certificates;
use super::commands::{self, Answer};
use crate::hq::alerts::BoxHealth;
use crate::hq::fleet::read::Told;
use crate::time::{MINUTE_MS, WallTime};
use crate::wire::v1::CameraStatus;
use crate::wire::v1::fleet::Health;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

/// What a box said last: messages as they came, and when they were new.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::hq) struct ToldRow {
    pub(in crate::hq) config: Option<(String, WallTime)>,
    pub(in crate::hq) software: Option<(String, WallTime)>,
    pub(in crate::hq) health: Option<(String, WallTime)>,
}

/// An hour of a box.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::hq) struct HourRow {
    /// UTC minute.
    pub(in crate::hq) hour: i64,
    pub(in crate::hq) messages: i64,
    pub(in crate::hq) temperature_max: Option<f64>,
    pub(in crate::hq) disk_free_min: Option<i64>,
    pub(in crate::hq) memory_free_min: Option<i64>,
    pub(in crate::hq) load_max: Option<f64>,
    pub(in crate::hq) fps_min: Option<f64>,
    pub(in crate::hq) inference_max: Option<f64>,
    pub(in crate::hq) waiting_max: i64,
    pub(in crate::hq) behind_max_s: Option<f64>,
    pub(in crate::hq) cameras_down: i64,
    pub(in crate::hq) clock_wrong: i64,
}

/// What a box said last.
pub(in crate::hq) fn of_box(ask: &Connection, box_id: i64) -> rusqlite::Result<ToldRow> {
    let sql =
        "SELECT config, config_ms, software, software_ms, health, health_ms FROM box_told WHERE box_id = ?1";
    let pair = |row: &rusqlite::Row<'_>, at: usize| -> rusqlite::Result<Option<(String, WallTime)>> {
        let (text, ms): (Option<String>, Option<i64>) = (row.get(at)?, row.get(at + 1)?);
        Ok(text.zip(ms.map(WallTime::from_unix_ms)))
    };
    let found = ask.prepare_cached(sql)?.query_row([box_id], |row| {
        Ok(ToldRow { config: pair(row, 0)?, software: pair(row, 2)?, health: pair(row, 4)? })
    });
    Ok(found.optional()?.unwrap_or_default())
}

/// Writes what a box of the register said; the reason where it is put aside.
pub(in crate::hq) fn take(
    all: &Transaction<'_>,
    box_id: i64,
    (told, text, at): (&Told, &str, WallTime),
) -> rusqlite::Result<Result<(), String>> {
    match told {
        // The broker hands its retained copy out at every connect: that is no news.
        Told::Config(_) => put(all, "config", (box_id, text, at))?,
        Told::Software(_) => put(all, "software", (box_id, text, at))?,
        Told::Health(health) => {
            put(all, "health", (box_id, text, at))?;
            add_hour(all, box_id, health, at)?;
        }
        Told::Certificate(request) => certificates::put_request(all, box_id, &request.csr, at)?,
        Told::Command(result, picture) => {
            let picture = picture.as_ref().zip(result.picture.as_ref());
            let picture =
                picture.map(|(jpeg, of)| (jpeg.as_slice(), WallTime::from_unix_ms(of.taken_ms), of.people));
            let (name, outcome, detail) = (&result.id, result.outcome, &result.detail);
            if !commands::answered(all, box_id, Answer { name, outcome, detail, picture, at })? {
                return Ok(Err(
                    "it answers a command that this box was not given, or has answered".to_owned()
                ));
            }
        }
    }
    Ok(Ok(()))
}

fn put(
    all: &Transaction<'_>,
    what: &'static str,
    (box_id, text, at): (i64, &str, WallTime),
) -> rusqlite::Result<()> {
    let sql = format!(
        "INSERT INTO box_told (box_id, {what}, {what}_ms) VALUES (?1, ?2, ?3)
        ON CONFLICT (box_id) DO UPDATE SET {what} = ?2, {what}_ms = ?3 WHERE {what} IS NOT ?2"
    );
    all.prepare_cached(&sql)?.execute(params![box_id, text, at.unix_ms()])?;
    Ok(())
}

/// Adds a message to its hour, by when it arrived: a box's own clock may be wrong.
fn add_hour(all: &Transaction<'_>, box_id: i64, health: &Health, at: WallTime) -> rusqlite::Result<()> {
    let hour = at.unix_ms().div_euclid(60 * MINUTE_MS) * 60;
    let whole = |number: Option<u64>| number.map(|number| i64::try_from(number).unwrap_or(i64::MAX));
    let fps = health.cameras.iter().map(|camera| camera.fps).min_by(f64::total_cmp);
    let inference = health
        .cameras
        .iter()
        .filter_map(|camera| camera.inference_p95_ms.or(camera.inference_ms))
        .max_by(f64::total_cmp);
    let is_down = health.cameras.iter().any(|camera| camera.state != CameraStatus::Up);
    // Of NULL and a number the number counts: min and max of two values give NULL where one is.
    let sql = "INSERT INTO health_hour VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        ON CONFLICT (box_id, hour) DO UPDATE SET
          messages = messages + 1,
          temperature_max = coalesce(max(temperature_max, ?3), temperature_max, ?3),
          disk_free_min = coalesce(min(disk_free_min, ?4), disk_free_min, ?4),
          memory_free_min = coalesce(min(memory_free_min, ?5), memory_free_min, ?5),
          load_max = coalesce(max(load_max, ?6), load_max, ?6),
          fps_min = coalesce(min(fps_min, ?7), fps_min, ?7),
          inference_max = coalesce(max(inference_max, ?8), inference_max, ?8),
          waiting_max = max(waiting_max, ?9),
          behind_max_s = coalesce(max(behind_max_s, ?10), behind_max_s, ?10),
          cameras_down = cameras_down + ?11,
          clock_wrong = clock_wrong + ?12";
    all.prepare_cached(sql)?.execute(params![
        box_id,
        hour,
        health.temperature_c,
        whole(health.disk_free),
        whole(health.memory_free),
        health.load,
        fps,
        inference,
        whole(Some(health.waiting)),
        health.behind_s,
        i64::from(is_down),
        i64::from(!health.clock_ok),
    ])?;
    Ok(())
}

/// The hours of a box from then on, the oldest first.
pub(in crate::hq) fn hours(ask: &Connection, box_id: i64, from: WallTime) -> rusqlite::Result<Vec<HourRow>> {
    let sql = "SELECT hour, messages, temperature_max, disk_free_min, memory_free_min, load_max, fps_min, inference_max,
          waiting_max, behind_max_s, cameras_down, clock_wrong
        FROM health_hour WHERE box_id = ?1 AND hour >= ?2 ORDER BY hour";
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map((box_id, from.unix_ms().div_euclid(MINUTE_MS)), |row| {
        Ok(HourRow {
            hour: row.get(0)?,
            messages: row.get(1)?,
            temperature_max: row.get(2)?,
            disk_free_min: row.get(3)?,
            memory_free_min: row.get(4)?,
            load_max: row.get(5)?,
            fps_min: row.get(6)?,
            inference_max: row.get(7)?,
            waiting_max: row.get(8)?,
            behind_max_s: row.get(9)?,
            cameras_down: row.get(10)?,
            clock_wrong: row.get(11)?,
        })
    })?;
    rows.collect()
}

/// The last health of every box of the register.
pub(in crate::hq) fn every_health(ask: &Connection) -> rusqlite::Result<Vec<BoxHealth>> {
    let sql = "SELECT store_id, name, health, health_ms FROM box_told JOIN box USING (box_id)
        WHERE health IS NOT NULL AND retired_ms IS NULL";
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map([], |row| {
        // What was stored had been read; an older one that no longer reads is as good as none.
        let health = serde_json::from_str(row.get_ref(2)?.as_str()?).ok();
        let (store_id, name, at) = (row.get(0)?, row.get(1)?, WallTime::from_unix_ms(row.get(3)?));
        Ok(health.map(|health| BoxHealth { store_id, name, health, at }))
    })?;
    rows.filter_map(Result::transpose).collect()
}
