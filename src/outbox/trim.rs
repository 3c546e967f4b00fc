//! What goes when records get old, or the disk budget is used up.
//!
//! The lowest numbers go first, whatever is wrong with the clock, so that what is held is always everything from one
//! number on. Records go in pieces of some hundred, in transactions that are made anyway: a month that
//! expires at once must not hold up the records of now.

use super::{OutboxError, SeqRange, from_sql, to_sql};
use crate::time::WallTime;
use rusqlite::{Transaction, params};
use std::path::Path;
use std::time::Duration;

/// How long and how much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Confirmed records stay at least this long, as long as there is room.
    pub history: Duration,
    /// The disk budget: bytes of the file that are in use. The log beside it may take 4 MiB more.
    pub max_bytes: u64,
}

impl Default for Retention {
    /// 30 days and 2 GB: some four million records, which is years of a busy store.
    fn default() -> Self {
        Self { history: Duration::from_secs(30 * 86_400), max_bytes: 2_000_000_000 }
    }
}

/// Which records had to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lot {
    /// Confirmed ones, before they were old enough.
    History,
    /// Ones that nobody had confirmed: they are lost, and a gap record says so.
    Unconfirmed,
}

/// Records that had to go because there was no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenUp {
    /// Which.
    pub lot: Lot,
    /// Their numbers.
    pub range: SeqRange,
    /// How many they were.
    pub records: u64,
}

impl std::fmt::Display for GivenUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { lot, range: SeqRange { first, last }, records } = self;
        match lot {
            Lot::History => write!(
                f,
                "there is no room: {records} confirmed records ({first} to {last}) were given up before their time and \
                 cannot be sent again; give the outbox more room (max_mb) or the disk some"
            ),
            Lot::Unconfirmed => write!(
                f,
                "there is no room: {records} records ({first} to {last}) that nobody has confirmed were given up and are \
                 lost unless they were delivered; see that they are confirmed, and give the outbox more room (max_mb)"
            ),
        }
    }
}

/// Records that go at once: at five records a second a hundred times faster than they come.
const PIECE: i64 = 500;

/// Most pieces in one transaction. Twice what one may store, so that the budget holds however fast records come.
const MOST_PIECES: usize = 4;

/// Drops what is too old, and then the oldest until the budget holds, a few pieces at most.
pub(super) fn trim(
    all: &Transaction<'_>,
    path: &Path,
    (retention, watermark): (Retention, u64),
    now: WallTime,
) -> Result<Vec<GivenUp>, OutboxError> {
    let failed = |fault| OutboxError::sqlite(path, "make room", fault);
    expire(all, now - retention.history, watermark).map_err(failed)?;
    let mut given_up = Vec::new();
    while given_up.len() < MOST_PIECES && bytes(all).map_err(failed)? > retention.max_bytes {
        let history = drop_oldest(all, Lot::History, watermark).map_err(failed)?;
        let piece = match history {
            None => drop_oldest(all, Lot::Unconfirmed, watermark).map_err(failed)?,
            history => history,
        };
        match piece {
            Some(piece) => given_up.push(piece),
            None => break,
        }
    }
    Ok(given_up)
}

/// Bytes of the file that are in use: free pages are used again before the file grows.
fn bytes(all: &Transaction<'_>) -> rusqlite::Result<u64> {
    let number = |pragma| all.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).map(from_sql);
    Ok(number("page_count")?.saturating_sub(number("freelist_count")?) * number("page_size")?)
}

fn expire(all: &Transaction<'_>, before: WallTime, watermark: u64) -> rusqlite::Result<()> {
    let mut oldest =
        all.prepare_cached("SELECT seq, stored_ms FROM record WHERE seq <= ?1 ORDER BY seq LIMIT ?2")?;
    let mut rows = oldest.query(params![to_sql(watermark), PIECE])?;
    let mut last: Option<i64> = None;
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(1)? >= before.unix_ms() {
            break;
        }
        last = Some(row.get(0)?);
    }
    if let Some(last) = last {
        all.prepare_cached("DELETE FROM record WHERE seq <= ?1")?.execute([last])?;
    }
    Ok(())
}

/// Drops one piece of the oldest records; none where there are none of that lot.
pub(super) fn drop_oldest(
    all: &Transaction<'_>,
    lot: Lot,
    watermark: u64,
) -> rusqlite::Result<Option<GivenUp>> {
    let below = match lot {
        Lot::History => watermark,
        Lot::Unconfirmed => u64::MAX,
    };
    let (first, last): (Option<i64>, Option<i64>) = all
        .prepare_cached(
            "SELECT min(seq), max(seq) FROM (SELECT seq FROM record WHERE seq <= ?1 ORDER BY seq LIMIT ?2)",
        )?
        .query_row(params![to_sql(below), PIECE], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
    let records = all.prepare_cached("DELETE FROM record WHERE seq <= ?1")?.execute([last])? as u64;
    let range = SeqRange { first: from_sql(first), last: from_sql(last) };
    Ok(Some(GivenUp { lot, range, records }))
}
