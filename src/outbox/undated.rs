//! Records that were made before the time was known: they wait, and are put right when it is.
//!
//! A run that begins with a clock that nobody has set marks what it stores. Its labels are off by one span, so all that has to be
//! remembered of it is what they go by: the machine's start, and what the run's clock would have said then. Whoever knows the
//! time later, in that run or in another since the same start of the machine, knows by how much to move them. After another start nobody ever
//! does: then they go out as they are, and say so.

use super::{Outbox, OutboxError, body_of, opened};
use crate::time::{Dating, Origin, Stand, is_step};
use crate::wire::v1::{Fact, Record};
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};
use serde_json::value::RawValue;

/// How a stored record or draft is dated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// By a clock that was right.
    Known,
    /// By one that may not have been: the record says so.
    Doubtful,
    /// By a run's own, whose number this is; it waits.
    Run(i64),
}

impl Mark {
    /// As the column `undated` has it.
    pub(super) const fn column(self) -> Option<i64> {
        match self {
            Self::Known => None,
            Self::Doubtful => Some(0),
            Self::Run(run) => Some(run),
        }
    }

    pub(super) const fn of_column(column: Option<i64>) -> Self {
        match column {
            None => Self::Known,
            Some(0) => Self::Doubtful,
            Some(run) => Self::Run(run),
        }
    }
}

/// The mark of what is stored now.
pub(super) fn mark(all: &Transaction<'_>, dating: Dating, origin: &Origin) -> rusqlite::Result<Mark> {
    match dating {
        Dating::Known => Ok(Mark::Known),
        Dating::Doubtful => Ok(Mark::Doubtful),
        Dating::Undated => {
            all.prepare_cached("INSERT OR IGNORE INTO undated_run (boot, offset_ms) VALUES (?1, ?2)")?
                .execute(params![origin.boot, origin.offset_ms])?;
            all.prepare_cached("SELECT run FROM undated_run WHERE boot = ?1 AND offset_ms = ?2")?
                .query_row(params![origin.boot, origin.offset_ms], |row| row.get(0).map(Mark::Run))
        }
    }
}

/// What became of undated records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dated {
    /// Records that are dated now.
    pub dated: u64,
    /// Records that nobody can date: they go out as they are, and say so.
    pub doubtful: u64,
}

/// By how much what a run labelled is moved, and what it is worth then.
#[derive(Clone, Copy)]
struct Shift {
    by_ms: i64,
    mark: Mark,
}

impl Outbox {
    /// Dates what undated runs left, now that the clock of the run that goes by `origin` stands so; nothing where it is undated itself.
    ///
    /// # Errors
    /// [`OutboxError`]; nothing has changed then.
    pub fn date(&mut self, origin: &Origin, stand: Stand) -> Result<Dated, OutboxError> {
        if stand.dating == Dating::Undated {
            return Ok(Dated::default());
        }
        let failed = |fault| OutboxError::sqlite(&self.path, "date its records", fault);
        let sqlite = opened(&self.path, self.sqlite.as_mut())?;
        let all = sqlite.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let dated = date_all(&all, origin, stand).map_err(failed)?;
        all.commit().map_err(failed)?;
        Ok(dated)
    }
}

fn date_all(all: &Transaction<'_>, origin: &Origin, stand: Stand) -> rusqlite::Result<Dated> {
    let marks =
        "SELECT undated FROM record WHERE undated > 0 UNION SELECT undated FROM draft WHERE undated > 0";
    let runs: Vec<i64> = all.prepare(marks)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut dated = Dated::default();
    for run in runs {
        let shift = shift_of(all, run, origin, stand)?;
        let records = date_records(all, run, shift)?;
        match shift.mark {
            Mark::Known => dated.dated += records,
            Mark::Doubtful | Mark::Run(_) => dated.doubtful += records,
        }
        date_drafts(all, run, shift)?;
    }
    all.execute("DELETE FROM undated_run", [])?;
    Ok(dated)
}

fn shift_of(all: &Transaction<'_>, run: i64, origin: &Origin, stand: Stand) -> rusqlite::Result<Shift> {
    let of_run: Option<(String, i64)> = all
        .query_row("SELECT boot, offset_ms FROM undated_run WHERE run = ?1", [run], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let unknown = Shift { by_ms: 0, mark: Mark::Doubtful };
    let Some((boot, offset_ms)) = of_run else { return Ok(unknown) };
    // A start without a name is only known to be the same in the run itself.
    if boot != origin.boot || (boot.is_empty() && offset_ms != origin.offset_ms) {
        return Ok(unknown);
    }
    let by_ms = origin.offset_ms.saturating_add(stand.by_ms).saturating_sub(offset_ms);
    let mark = if stand.dating == Dating::Known { Mark::Known } else { Mark::Doubtful };
    Ok(Shift { by_ms: if is_step(by_ms) { by_ms } else { 0 }, mark })
}

fn date_records(all: &Transaction<'_>, run: i64, shift: Shift) -> rusqlite::Result<u64> {
    let mut select = all.prepare("SELECT seq, body FROM record WHERE undated = ?1")?;
    let mut update = all
        .prepare("UPDATE record SET body = ?2, stored_ms = stored_ms + ?3, undated = NULL WHERE seq = ?1")?;
    let mut rows = select.query([run])?;
    let mut dated = 0;
    let mut bodies: Vec<(i64, String)> = Vec::new();
    while let Some(row) = rows.next()? {
        bodies.push((row.get(0)?, row.get(1)?));
    }
    for (seq, body) in bodies {
        let body = match serde_json::from_str::<Record>(&body) {
            Ok(record) => body_of(record.seq, record.fact.shifted(shift.by_ms), shift.mark),
            // A newer version made it, and it cannot be moved here.
            Err(_) => said_to_be_undated(body),
        };
        update.execute(params![seq, body, shift.by_ms])?;
        dated += 1;
    }
    Ok(dated)
}

/// The text of a record that is not understood here, with the word that its times may be wrong.
fn said_to_be_undated(body: String) -> String {
    match serde_json::from_str(&body) {
        Ok(serde_json::Value::Object(mut fields)) => {
            fields.insert("undated".to_owned(), true.into());
            serde_json::Value::Object(fields).to_string()
        }
        _ => body,
    }
}

fn date_drafts(all: &Transaction<'_>, run: i64, shift: Shift) -> rusqlite::Result<()> {
    let mut select = all.prepare("SELECT source, body FROM draft WHERE undated = ?1")?;
    let drafts: Vec<(String, String)> =
        select.query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut update = all.prepare("UPDATE draft SET body = ?2, undated = ?3 WHERE source = ?1")?;
    for (source, body) in drafts {
        let facts: Vec<&RawValue> = serde_json::from_str(&body).unwrap_or_default();
        let known = facts.iter().filter_map(|text| serde_json::from_str::<Fact>(text.get()).ok());
        let moved: Vec<Fact> = known.map(|fact| fact.shifted(shift.by_ms)).collect();
        let body = serde_json::to_string(&moved).expect("a fact holds only texts and finite numbers");
        update.execute(params![source, body, shift.mark.column()])?;
    }
    Ok(())
}

/// The lowest number that waits for the time to be known; none where none does.
pub(super) fn held_from(sqlite: &rusqlite::Connection) -> rusqlite::Result<Option<i64>> {
    sqlite
        .prepare_cached("SELECT min(seq) FROM record WHERE undated IS NOT NULL")?
        .query_row([], |row| row.get(0))
}
