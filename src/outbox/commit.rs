//! One transaction: the watermark moves, what is too old or too much goes, what is new is numbered, drafts are replaced.

use super::undated::Mark;
use super::{
    Change, Committed, Fact, Gap, GapReason, Lot, OutboxError, Position, Retention, SeqRange, body_of,
    drafts, from_sql, numbers, numbers_path, to_sql, trim, undated,
};
use crate::time::{Dating, Origin, WallTime};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::path::Path;
use std::time::Duration;

/// What a transaction starts from.
#[derive(Clone, Copy)]
pub(super) struct Before<'a> {
    pub(super) position: Position,
    pub(super) retention: Retention,
    pub(super) has_old_drafts: bool,
    pub(super) origin: &'a Origin,
}

pub(super) fn try_commit(
    path: &Path,
    sqlite: &mut Connection,
    (before, change): (Before<'_>, &Change<'_>),
    now: WallTime,
) -> Result<(Position, Committed), OutboxError> {
    let failed = |fault| OutboxError::sqlite(path, "store records", fault);
    let all = sqlite.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let mut position = before.position;
    if let Some(watermark) = change.watermark {
        move_watermark(&all, &mut position, watermark).map_err(failed)?;
    }
    let mark = undated::mark(&all, change.dating, before.origin).map_err(failed)?;
    let mut retention = before.retention;
    if change.dating == Dating::Undated {
        // A clock that nobody has set must not decide what is old.
        retention.history = Duration::MAX;
    }
    let given_up = trim::trim(&all, path, (retention, position.watermark), now)?;
    let lost = given_up.iter().filter(|piece| piece.lot == Lot::Unconfirmed);
    let lost = lost.fold((0, None), |(records, _), piece| (records + piece.records, Some(piece.range.last)));
    position.waiting -= lost.0;
    if before.has_old_drafts {
        let old = drafts::take(&all, path)?;
        let records: usize = old.iter().map(|(_, facts)| facts.len()).sum();
        if records > 0 {
            tracing::info!(
                records,
                "the last run died; what it had counted of open minutes is kept as parts"
            );
        }
        for (mark, facts) in old {
            store(&all, path, (&facts, mark, &mut position), now)?;
        }
    }
    // From the watermark on, so that it names also what earlier gap records named that are lost with these.
    let gap = lost.1.map(|last| {
        Fact::Gap(Gap { from_seq: position.watermark + 1, to_seq: last, reason: GapReason::GivenUp })
    });
    store(&all, path, (gap.as_slice(), Mark::Known, &mut position), now)?;
    let stored = store(&all, path, (change.facts, mark, &mut position), now)?;
    drafts::change(&all, path, change.drafts, mark)?;
    all.commit().map_err(failed)?;
    Ok((position, Committed { stored, given_up }))
}

fn move_watermark(all: &Transaction<'_>, position: &mut Position, to: u64) -> rusqlite::Result<()> {
    let (from, to) = (position.watermark, to.min(position.newest));
    if from == to {
        return Ok(());
    }
    let between = |low: u64, high: u64| {
        all.prepare_cached("SELECT count(*) FROM record WHERE seq > ?1 AND seq <= ?2")?
            .query_row(params![to_sql(low), to_sql(high)], |row| row.get(0).map(from_sql))
    };
    position.waiting = match from < to {
        true => position.waiting - between(from, to)?,
        false => position.waiting + between(to, from)?,
    };
    position.watermark = to;
    all.prepare_cached("UPDATE meta SET watermark = ?1")?.execute([to_sql(to)]).map(drop)
}

pub(super) fn stored_position(sqlite: &Connection) -> rusqlite::Result<Position> {
    let (next, watermark): (i64, i64) =
        sqlite.query_row("SELECT next_seq, watermark FROM meta", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let waiting = sqlite
        .query_row("SELECT count(*) FROM record WHERE seq > ?1", [watermark], |row| row.get::<_, i64>(0))?;
    let newest = from_sql(next).saturating_sub(1);
    Ok(Position { newest, watermark: from_sql(watermark), waiting: from_sql(waiting) })
}

/// After a transaction failed, takes back the block that it may have reserved.
///
/// Without this a disk that is full when a block ends leaves a gap at the next start, in which
/// nothing was lost. Where this fails too, that gap is the price.
pub(super) fn give_back_numbers(path: &Path, sqlite: &Connection) {
    let stored: rusqlite::Result<(String, i64)> =
        sqlite.query_row("SELECT box, reserved FROM meta", [], |row| Ok((row.get(0)?, row.get(1)?)));
    let (Ok((box_id, reserved)), Ok(Some(on_disk))) = (stored, numbers::read(&numbers_path(path))) else {
        return;
    };
    if on_disk.up_to > from_sql(reserved)
        && let Err(fault) = reserve(path, &box_id, from_sql(reserved))
    {
        tracing::debug!(%fault, "numbers stay reserved");
    }
}

/// Numbers and stores facts within a transaction, reserving numbers first where they run out.
fn store(
    all: &Transaction<'_>,
    path: &Path,
    (facts, mark, position): (&[Fact], Mark, &mut Position),
    now: WallTime,
) -> Result<Option<SeqRange>, OutboxError> {
    if facts.is_empty() {
        return Ok(None);
    }
    let failed = |fault| OutboxError::sqlite(path, "store records", fault);
    let (box_id, first, reserved): (String, i64, i64) = all
        .query_row("SELECT box, next_seq, reserved FROM meta", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .map_err(failed)?;
    let first = from_sql(first);
    let last = first + facts.len() as u64 - 1;
    let mut up_to = from_sql(reserved);
    if last > up_to {
        up_to = last + numbers::BLOCK;
        reserve(path, &box_id, up_to)?;
    }
    for (seq, fact) in (first..).zip(facts) {
        insert(all, (seq, mark), fact.clone(), now).map_err(failed)?;
    }
    all.execute("UPDATE meta SET next_seq = ?1, reserved = ?2", params![to_sql(last + 1), to_sql(up_to)])
        .map_err(failed)?;
    position.newest = last;
    position.waiting += facts.len() as u64;
    Ok(Some(SeqRange { first, last }))
}

pub(super) fn insert(
    all: &Transaction<'_>,
    (seq, mark): (u64, Mark),
    fact: Fact,
    now: WallTime,
) -> rusqlite::Result<()> {
    // Only what waits is marked; what does not says so itself.
    let waits = mark.column().filter(|run| *run > 0);
    all.prepare_cached("INSERT INTO record (seq, body, stored_ms, undated) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![to_sql(seq), body_of(seq, fact, mark), now.unix_ms(), waits])
        .map(drop)
}

pub(super) fn reserve(path: &Path, box_id: &str, up_to: u64) -> Result<(), OutboxError> {
    let reserved = numbers::Reserved { box_id: box_id.to_owned(), up_to };
    numbers::write(&numbers_path(path), &reserved)
        .map_err(|fault| OutboxError::file(&numbers_path(path), "reserve numbers", fault))
}
