//! How an outbox stands, read beside the service that has it open.

use super::commit::stored_position;
use super::{OutboxError, Position, from_sql, to_sql};
use crate::time::WallTime;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::path::Path;

/// How an outbox stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxLook {
    /// How far it has come.
    pub position: Position,
    /// The lowest number that is held, confirmed ones too; none where nothing is.
    pub kept_from: Option<u64>,
    /// When the oldest record was stored that nobody has confirmed; none: all are, or a first version stored it.
    pub oldest_waiting: Option<WallTime>,
}

/// Looks into an outbox without changing anything in it. Another process may have it open.
///
/// # Errors
/// [`OutboxError`] where the file is not there or cannot be read.
pub fn look(path: &Path) -> Result<OutboxLook, OutboxError> {
    let read = || {
        let sqlite = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let position = stored_position(&sqlite)?;
        // Not how many: that would read all of a history of gigabytes.
        let lowest: Option<i64> = sqlite.query_row("SELECT min(seq) FROM record", [], |row| row.get(0))?;
        Ok(OutboxLook {
            position,
            kept_from: lowest.map(from_sql),
            oldest_waiting: oldest_waiting(&sqlite, position.watermark)?,
        })
    };
    read().map_err(|fault: rusqlite::Error| OutboxError::sqlite(path, "look into it", fault))
}

/// When the oldest record above the watermark was stored.
fn oldest_waiting(sqlite: &Connection, watermark: u64) -> rusqlite::Result<Option<WallTime>> {
    let question = "SELECT stored_ms FROM record WHERE seq > ?1 ORDER BY seq LIMIT 1";
    let stored =
        sqlite.query_row(question, params![to_sql(watermark)], |row| row.get::<_, i64>(0)).optional()?;
    Ok(stored.filter(|ms| *ms > 0).map(WallTime::from_unix_ms))
}
