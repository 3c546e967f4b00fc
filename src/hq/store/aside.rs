//! What could not be read, kept for a person to look at: bounded, so that a box gone mad cannot fill the disk.

use crate::time::WallTime;
use rusqlite::{Transaction, params};

/// The newest that are kept. With [`MOST_BYTES`] of each that is 128 MiB at the very most.
const MOST_ROWS: i64 = 2000;

/// Of one message; the rest is cut off.
const MOST_BYTES: usize = 64 * 1024;

/// How topics end whose messages are not kept: a picture of a shop may be in them, and those go after a day.
const WITH_PICTURES: &str = "/command/result";

/// Boxes that are not in the register and are shown; the ones heard of longest ago go first.
const MOST_STRANGERS: i64 = 1000;

/// Something that is put aside.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aside<'a> {
    pub(super) at: WallTime,
    pub(super) topic: &'a str,
    pub(super) box_id: Option<i64>,
    pub(super) reason: &'a str,
    pub(super) payload: &'a [u8],
}

/// Keeps it, and lets go of the oldest.
pub(super) fn put(all: &Transaction<'_>, aside: Aside<'_>) -> rusqlite::Result<()> {
    let Aside { at, topic, box_id, reason, payload } = aside;
    let most = if topic.ends_with(WITH_PICTURES) { 0 } else { MOST_BYTES };
    let kept = &payload[..payload.len().min(most)];
    let bytes = i64::try_from(payload.len()).unwrap_or(i64::MAX);
    let topic: String = topic.chars().take(300).collect();
    let sql =
        "INSERT INTO aside (at_ms, topic, box_id, reason, bytes, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    all.prepare_cached(sql)?.execute(params![at.unix_ms(), topic, box_id, reason, bytes, kept])?;
    let newest = all.last_insert_rowid();
    all.prepare_cached("DELETE FROM aside WHERE aside_id <= ?1")?.execute([newest - MOST_ROWS])?;
    Ok(())
}

/// Notes a box that the register does not know under that topic.
pub(super) fn stranger(all: &Transaction<'_>, topic: &str, name: &str, at: WallTime) -> rusqlite::Result<()> {
    let sql = "INSERT INTO stranger VALUES (?1, ?2, ?3, ?3, 1)
        ON CONFLICT DO UPDATE SET last_ms = max(last_ms, excluded.last_ms), messages = messages + 1";
    all.prepare_cached(sql)?.execute((topic, name, at.unix_ms()))?;
    let sql = "DELETE FROM stranger WHERE topic IN (SELECT topic FROM stranger ORDER BY last_ms DESC, topic LIMIT -1 OFFSET ?1)";
    all.prepare_cached(sql)?.execute([MOST_STRANGERS])?;
    Ok(())
}
