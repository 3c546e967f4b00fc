//! Cameras, lines and zones, as they are met: who sees what, since when and until when.
//!
//! Not obvious: that a line was there in some hour and told nothing makes the hour incomplete. So where the first or last minute of
//! a line moves, hours that were made before may come out different, and are named.

use super::rollup::CAMERA_GONE_MINUTES;
use crate::wire::v1::LineRole;
use rusqlite::{OptionalExtension as _, Transaction};
use std::collections::{BTreeMap, BTreeSet};

/// More cameras has no box, and more lines or zones no camera.
const MOST_CAMERAS: i64 = 200;
const MOST_SHAPES: i64 = 500;

/// When a line told something, and as what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) minute: i64,
    pub(super) role: LineRole,
}

#[derive(Debug)]
struct Seen {
    line_id: i64,
    first: i64,
    last: Span,
}

/// Places of one store that one transaction meets.
#[derive(Debug)]
pub(super) struct Places {
    store_id: i64,
    cameras: BTreeMap<(i64, String), i64>,
    lines: BTreeMap<(i64, String), Seen>,
    zones: BTreeMap<(i64, String), i64>,
    /// Zones that are queues, and the minutes that say so.
    queues: BTreeMap<i64, i64>,
}

impl Places {
    pub(super) const fn new(store_id: i64) -> Self {
        Self {
            store_id,
            cameras: BTreeMap::new(),
            lines: BTreeMap::new(),
            zones: BTreeMap::new(),
            queues: BTreeMap::new(),
        }
    }

    /// A camera of a box; the reason where it is one too many.
    pub(super) fn camera(
        &mut self,
        all: &Transaction<'_>,
        box_id: i64,
        name: &str,
    ) -> rusqlite::Result<Result<i64, String>> {
        let key = (box_id, name.to_owned());
        if let Some(known) = self.cameras.get(&key) {
            return Ok(Ok(*known));
        }
        let sql = "SELECT camera_id FROM camera WHERE box_id = ?1 AND name = ?2";
        let known = all.prepare_cached(sql)?.query_row((box_id, name), |row| row.get(0)).optional()?;
        let camera_id = match known {
            Some(known) => known,
            None => {
                let sql = "SELECT count(*) FROM camera WHERE box_id = ?1";
                let cameras: i64 = all.prepare_cached(sql)?.query_row([box_id], |row| row.get(0))?;
                if cameras >= MOST_CAMERAS {
                    return Ok(Err(format!("the box has {cameras} cameras, camera {name} is one too many")));
                }
                let sql = "INSERT INTO camera (box_id, name, title) VALUES (?1, ?2, ?2)";
                all.prepare_cached(sql)?.execute((box_id, name))?;
                all.last_insert_rowid()
            }
        };
        self.cameras.insert(key, camera_id);
        Ok(Ok(camera_id))
    }

    /// A line of a camera that told something.
    pub(super) fn line(
        &mut self,
        all: &Transaction<'_>,
        camera_id: i64,
        name: &str,
        told: Span,
    ) -> rusqlite::Result<Result<i64, String>> {
        let key = (camera_id, name.to_owned());
        if let Some(seen) = self.lines.get_mut(&key) {
            seen.first = seen.first.min(told.minute);
            if told.minute >= seen.last.minute {
                seen.last = told;
            }
            return Ok(Ok(seen.line_id));
        }
        let sql = "SELECT line_id FROM line WHERE camera_id = ?1 AND name = ?2";
        let known = all.prepare_cached(sql)?.query_row((camera_id, name), |row| row.get(0)).optional()?;
        let line_id = match known {
            Some(known) => known,
            None => {
                let sql = "SELECT count(*) FROM line WHERE camera_id = ?1";
                if let Some(reason) = too_many(all, sql, camera_id, name)? {
                    return Ok(Err(reason));
                }
                let sql = "INSERT INTO line (camera_id, store_id, name, title, role) VALUES (?1, ?2, ?3, ?3, ?4)";
                let role = role_name(told.role);
                all.prepare_cached(sql)?.execute((camera_id, self.store_id, name, role))?;
                all.last_insert_rowid()
            }
        };
        self.lines.insert(key, Seen { line_id, first: told.minute, last: told });
        Ok(Ok(line_id))
    }

    /// A zone of a camera; `queue_at` is the minute in which it told of a queue.
    pub(super) fn zone(
        &mut self,
        all: &Transaction<'_>,
        camera_id: i64,
        name: &str,
        queue_at: Option<i64>,
    ) -> rusqlite::Result<Result<i64, String>> {
        let key = (camera_id, name.to_owned());
        let zone_id = match self.zones.get(&key) {
            Some(known) => *known,
            None => {
                let sql = "SELECT zone_id FROM zone WHERE camera_id = ?1 AND name = ?2";
                let known =
                    all.prepare_cached(sql)?.query_row((camera_id, name), |row| row.get(0)).optional()?;
                let zone_id = match known {
                    Some(known) => known,
                    None => {
                        let sql = "SELECT count(*) FROM zone WHERE camera_id = ?1";
                        if let Some(reason) = too_many(all, sql, camera_id, name)? {
                            return Ok(Err(reason));
                        }
                        let sql = "INSERT INTO zone (camera_id, store_id, name, title, is_queue) VALUES (?1, ?2, ?3, ?3, 0)";
                        all.prepare_cached(sql)?.execute((camera_id, self.store_id, name))?;
                        all.last_insert_rowid()
                    }
                };
                self.zones.insert(key, zone_id);
                zone_id
            }
        };
        if let Some(minute) = queue_at {
            self.queues.entry(zone_id).or_insert(minute);
        }
        Ok(Ok(zone_id))
    }

    /// Writes since when and until when lines told something; gives back hours that may come out different.
    pub(super) fn write(&self, all: &Transaction<'_>) -> rusqlite::Result<BTreeSet<i64>> {
        let mut touched = BTreeSet::new();
        for seen in self.lines.values() {
            self.write_line(all, seen, &mut touched)?;
        }
        for zone_id in self.queues.keys() {
            let sql = "UPDATE zone SET is_queue = 1 WHERE zone_id = ?1 AND is_queue = 0";
            if all.prepare_cached(sql)?.execute([zone_id])? > 0 {
                // What it told as a zone of another kind counts as a queue's from now on, in every hour.
                let sql = "SELECT hour FROM zone_hour WHERE zone_id = ?1";
                let mut select = all.prepare_cached(sql)?;
                for hour in select.query_map([zone_id], |row| row.get(0))? {
                    touched.insert(hour?);
                }
            }
        }
        Ok(touched)
    }

    fn write_line(
        &self,
        all: &Transaction<'_>,
        seen: &Seen,
        touched: &mut BTreeSet<i64>,
    ) -> rusqlite::Result<()> {
        let sql = "SELECT first_minute, last_minute FROM line WHERE line_id = ?1";
        let (first, last): (Option<i64>, Option<i64>) =
            all.prepare_cached(sql)?.query_row([seen.line_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let new_first = first.map_or(seen.first, |first| first.min(seen.first));
        let new_last = last.map_or(seen.last.minute, |last| last.max(seen.last.minute));
        if last.is_none_or(|last| seen.last.minute >= last) {
            let sql = "UPDATE line SET role = ?2 WHERE line_id = ?1 AND role <> ?2";
            all.prepare_cached(sql)?.execute((seen.line_id, role_name(seen.last.role)))?;
        }
        if (first, last) == (Some(new_first), Some(new_last)) {
            return Ok(());
        }
        let sql = "UPDATE line SET first_minute = ?2, last_minute = ?3 WHERE line_id = ?1";
        all.prepare_cached(sql)?.execute((seen.line_id, new_first, new_last))?;
        let gone = |last: i64| last.saturating_add(CAMERA_GONE_MINUTES);
        // Hours in which the line is expected from now on, and was not before.
        let expected = match (first, last) {
            (Some(first), Some(last)) => [(new_first, first), (gone(last), gone(new_last))],
            _ => [(new_first, gone(new_last)), (0, 0)],
        };
        for (from, until) in expected.into_iter().filter(|(from, until)| from < until) {
            // The hour that an edge lies in began up to an hour before it.
            let sql = "SELECT hour FROM store_hour WHERE store_id = ?1 AND hour > ?2 - 60 AND hour <= ?3";
            let mut select = all.prepare_cached(sql)?;
            for hour in select.query_map((self.store_id, from, until), |row| row.get(0))? {
                touched.insert(hour?);
            }
        }
        Ok(())
    }
}

fn too_many(all: &Transaction<'_>, sql: &str, camera_id: i64, name: &str) -> rusqlite::Result<Option<String>> {
    let known: i64 = all.prepare_cached(sql)?.query_row([camera_id], |row| row.get(0))?;
    Ok((known >= MOST_SHAPES).then(|| format!("the camera has {known} of its kind, {name} is one too many")))
}

const fn role_name(role: LineRole) -> &'static str {
    match role {
        LineRole::Door => "door",
        LineRole::Goods => "goods",
        LineRole::Passersby => "passersby",
        LineRole::Inner => "inner",
    }
}
