//! Opens an outbox file, and rebuilds it where it cannot be trusted.
//!
//! A rebuild must survive a power cut at any point. So the new file is made beside the old one in a single
//! transaction, and only a new file that is complete takes the old one's place; one that is found
//! complete at the next start, with the old one still there, is put in place then.

use super::commit::{insert, reserve};
use super::undated::Mark;
use super::{
    Gap, GapReason, Opening, OutboxError, Recovery, SeqRange, checked_body, from_sql, numbers, numbers_path,
    to_sql, upgrade,
};
use crate::ids::BoxId;
use crate::secrets;
use crate::time::WallTime;
use crate::wire::v1::Fact;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, params};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// "FFOB".
const APPLICATION_ID: i64 = 0x4646_4F42;

/// Readers such as the `sqlite3` shell may hold the file for a moment.
const BUSY: Duration = Duration::from_secs(2);

/// The WAL is cut back to this many bytes after a checkpoint, so that one long backlog does not
/// leave a large file for ever.
const WAL_LIMIT: i64 = 4 * 1024 * 1024;

/// Makes the directory, and takes the lock.
pub(super) fn lock(path: &Path) -> Result<File, OutboxError> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(|fault| OutboxError::file(parent, "make the directory", fault))?;
    }
    let beside = numbers::beside(path, ".lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&beside)
        .map_err(|fault| OutboxError::file(&beside, "make the lock file", fault))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(OutboxError::InUse { path: path.to_owned() }),
        Err(fs::TryLockError::Error(fault)) => Err(OutboxError::file(&beside, "lock it", fault)),
    }
}

/// What lies at the path.
enum Found {
    Nothing,
    Good { sqlite: Connection, next_seq: u64, reserved: u64 },
    Corrupt { cause: String },
}

/// Opens the file under the lock; recovers what can be.
pub(super) fn open(path: &Path, box_id: &BoxId, now: WallTime) -> Result<(Connection, Opening), OutboxError> {
    finish_rebuild(path, box_id, now)?;
    let on_disk = reserved_on_disk(path, box_id)?;
    match inspect(path, box_id)? {
        Found::Good { sqlite, next_seq, reserved } => {
            secrets::close_to_others(path)
                .map_err(|fault| OutboxError::file(path, "close it to others", fault))?;
            match on_disk {
                Some(up_to) if up_to > reserved => {
                    outdated(sqlite, path, box_id, SeqRange { first: next_seq, last: up_to }, now)
                }
                _ => {
                    // Also brings a missing file of numbers back.
                    if on_disk != Some(reserved) && reserved > 0 {
                        reserve(path, box_id.as_str(), reserved)?;
                    }
                    Ok((sqlite, Opening::Found))
                }
            }
        }
        Found::Nothing => rebuild(path, box_id, now, on_disk, Old::Missing),
        Found::Corrupt { cause } => {
            tracing::warn!(outbox = %path.display(), %cause, "the outbox is corrupt and is set aside");
            rebuild(path, box_id, now, on_disk, Old::Corrupt)
        }
    }
}

fn reserved_on_disk(path: &Path, box_id: &BoxId) -> Result<Option<u64>, OutboxError> {
    let beside = numbers_path(path);
    let found = numbers::read(&beside).map_err(|fault| OutboxError::file(&beside, "read it", fault))?;
    match found {
        Some(reserved) if reserved.box_id != box_id.as_str() => Err(OutboxError::OtherBox {
            path: path.to_owned(),
            found: reserved.box_id,
            expected: box_id.clone(),
        }),
        found => Ok(found.map(|reserved| reserved.up_to)),
    }
}

/// Looks whether the file is a good outbox of this box.
fn inspect(path: &Path, box_id: &BoxId) -> Result<Found, OutboxError> {
    match fs::metadata(path) {
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(fault) => return Err(OutboxError::file(path, "look at it", fault)),
        Ok(about) if about.is_file() && about.len() == 0 => return Ok(Found::Nothing),
        Ok(_) => {}
    }
    let looked = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .and_then(|mut sqlite| look_inside(&mut sqlite).map(|inside| (sqlite, inside)));
    match looked {
        Ok((_, Inside::Strange(cause))) => Ok(Found::Corrupt { cause }),
        Ok((_, Inside::Newer(found))) => {
            Err(OutboxError::Newer { path: path.to_owned(), found, known: upgrade::VERSION })
        }
        Ok((_, Inside::Outbox { owner, .. })) if owner != box_id.as_str() => {
            Err(OutboxError::OtherBox { path: path.to_owned(), found: owner, expected: box_id.clone() })
        }
        Ok((sqlite, Inside::Outbox { next_seq, reserved, .. })) => {
            Ok(Found::Good { sqlite, next_seq, reserved })
        }
        Err(fault) if speaks_of_garbage(&fault) => Ok(Found::Corrupt { cause: fault.to_string() }),
        Err(fault) => Err(OutboxError::sqlite(path, "open it", fault)),
    }
}

/// Whether an error says that the content is wrong, rather than the disk or the permissions.
fn speaks_of_garbage(fault: &rusqlite::Error) -> bool {
    match fault.sqlite_error_code() {
        // SQLITE_ERROR is what a missing table gives.
        Some(code) => {
            matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown)
        }
        // No code: a row that is missing or has another type.
        None => true,
    }
}

enum Inside {
    Strange(String),
    Newer(i64),
    Outbox { owner: String, next_seq: u64, reserved: u64 },
}

fn look_inside(sqlite: &mut Connection) -> rusqlite::Result<Inside> {
    sqlite.busy_timeout(BUSY)?;
    let verdict: String = sqlite.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Ok(Inside::Strange(verdict));
    }
    let application: i64 = sqlite.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application != APPLICATION_ID {
        return Ok(Inside::Strange(format!("application id {application:#x} is not an outbox's")));
    }
    let version: i64 = sqlite.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > upgrade::VERSION {
        return Ok(Inside::Newer(version));
    }
    // A file system that cannot do WAL keeps its rollback journal, which is as durable and only slower.
    sqlite.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    sqlite.pragma_update(None, "synchronous", "FULL")?;
    sqlite.pragma_update_and_check(None, "journal_size_limit", WAL_LIMIT, |_| Ok(()))?;
    upgrade::upgrade(sqlite, version, upgrade::STEPS)?;
    sqlite.prepare("SELECT seq, body, stored_ms FROM record")?;
    sqlite.query_row("SELECT box, next_seq, reserved FROM meta", [], |row| {
        Ok(Inside::Outbox {
            owner: row.get(0)?,
            next_seq: from_sql(row.get(1)?),
            reserved: from_sql(row.get(2)?),
        })
    })
}

/// A good file that is older than the numbers already used: numbering jumps ahead in place.
fn outdated(
    mut sqlite: Connection,
    path: &Path,
    box_id: &BoxId,
    gap: SeqRange,
    now: WallTime,
) -> Result<(Connection, Opening), OutboxError> {
    let failed = |fault| OutboxError::sqlite(path, "move its numbers ahead", fault);
    let all = sqlite.transaction().map_err(failed)?;
    let salvaged = all.query_row("SELECT count(*) FROM record", [], |row| row.get(0)).map_err(failed)?;
    go_on_after(&all, path, box_id, (gap, GapReason::OutboxOutdated), now)?;
    all.commit().map_err(failed)?;
    let reason = GapReason::OutboxOutdated;
    let recovery = Recovery { reason, gap, salvaged: from_sql(salvaged), set_aside: None };
    Ok((sqlite, Opening::Recovered(recovery)))
}

/// Sets the numbers to go on above `gap`, with a gap record as the first.
fn go_on_after(
    all: &Transaction<'_>,
    path: &Path,
    box_id: &BoxId,
    (gap, reason): (SeqRange, GapReason),
    now: WallTime,
) -> Result<(), OutboxError> {
    let failed = |fault| OutboxError::sqlite(path, "move its numbers ahead", fault);
    let seq = gap.last + 1;
    let up_to = seq + numbers::BLOCK;
    reserve(path, box_id.as_str(), up_to)?;
    let fact = Fact::Gap(Gap { from_seq: gap.first, to_seq: gap.last, reason });
    insert(all, (seq, Mark::Known), fact, now).map_err(failed)?;
    all.execute("UPDATE meta SET next_seq = ?1, reserved = ?2", params![to_sql(seq + 1), to_sql(up_to)])
        .map_err(failed)?;
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Old {
    Missing,
    Corrupt,
}

/// Makes a new file with what can be read from the old one, and puts it in its place.
fn rebuild(
    path: &Path,
    box_id: &BoxId,
    now: WallTime,
    on_disk: Option<u64>,
    old: Old,
) -> Result<(Connection, Opening), OutboxError> {
    let failed = |fault| OutboxError::sqlite(path, "make a new file", fault);
    let new = numbers::beside(path, ".new");
    remove_sqlite(&new)?;
    secrets::make_private(&new).map_err(|fault| OutboxError::file(&new, "make it", fault))?;
    let mut sqlite = Connection::open(&new).map_err(failed)?;
    let all = sqlite.transaction().map_err(failed)?;
    all.execute_batch(include_str!("schema.sql")).map_err(failed)?;
    all.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    all.pragma_update(None, "user_version", upgrade::VERSION).map_err(failed)?;
    all.execute("INSERT INTO meta VALUES (1, ?1, 1, 0, 0)", [box_id.as_str()]).map_err(failed)?;
    let salvaged = match old {
        Old::Corrupt => salvage(path, box_id, &all)?,
        Old::Missing => Salvaged::default(),
    };
    let used = match (on_disk, old) {
        (Some(up_to), _) => up_to.max(salvaged.highest),
        (None, Old::Missing) => 0,
        (None, Old::Corrupt) => {
            // Nothing says how far numbers had come; the clock in ms is above any count of records.
            salvaged.highest.max(u64::try_from(now.unix_ms()).unwrap_or(0))
        }
    };
    let reason = if old == Old::Corrupt { GapReason::OutboxCorrupt } else { GapReason::OutboxMissing };
    let gap = SeqRange { first: 1, last: used };
    if used > 0 {
        go_on_after(&all, path, box_id, (gap, reason), now)?;
    }
    all.commit().map_err(failed)?;
    sqlite.close().map_err(|(_, fault)| failed(fault))?;
    let set_aside = install(path, &new, now)?;
    match inspect(path, box_id)? {
        Found::Good { sqlite, .. } if used == 0 => Ok((sqlite, Opening::New)),
        Found::Good { sqlite, .. } => {
            let recovery = Recovery { reason, gap, salvaged: salvaged.rows, set_aside };
            Ok((sqlite, Opening::Recovered(recovery)))
        }
        Found::Nothing | Found::Corrupt { .. } => {
            let cause = "a file just made cannot be read; is the disk failing?".to_owned();
            Err(OutboxError::Corrupt { path: path.to_owned(), cause })
        }
    }
}

#[derive(Default)]
struct Salvaged {
    rows: u64,
    /// Highest number that the old file is known to have used or reserved.
    highest: u64,
}

/// Copies what can still be read from a corrupt file.
///
/// Reading goes from both ends, so that one bad page in the middle costs only its own rows.
fn salvage(path: &Path, box_id: &BoxId, into: &Transaction<'_>) -> Result<Salvaged, OutboxError> {
    let mut salvaged = Salvaged::default();
    let Ok(old) = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE) else {
        return Ok(salvaged);
    };
    // The old file is evidence: closing it must not write to it.
    let kept = old.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    // With this SQLite reads what is left of a file that was cut short; without, it reads nothing of it.
    let kept = kept.and_then(|_| old.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true));
    let application: rusqlite::Result<i64> = old.pragma_query_value(None, "application_id", |row| row.get(0));
    if kept.is_err() || application != Ok(APPLICATION_ID) {
        return Ok(salvaged);
    }
    let meta: rusqlite::Result<(String, i64, i64)> =
        old.query_row("SELECT box, next_seq, reserved FROM meta", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        });
    if let Ok((owner, next_seq, reserved)) = meta {
        if owner != box_id.as_str() {
            let (path, expected) = (path.to_owned(), box_id.clone());
            return Err(OutboxError::OtherBox { path, found: owner, expected });
        }
        salvaged.highest = from_sql(reserved).max(from_sql(next_seq).saturating_sub(1));
    }
    // What was confirmed may be history now; where that cannot be read, all of it goes again.
    let watermark: rusqlite::Result<i64> = old.query_row("SELECT watermark FROM meta", [], |row| row.get(0));
    all_up_to(into, watermark.unwrap_or(0))
        .map_err(|fault| OutboxError::sqlite(path, "save its records", fault))?;
    copy_undated_runs(&old, into).map_err(|fault| OutboxError::sqlite(path, "save its records", fault))?;
    for order in ["ASC", "DESC"] {
        copy_rows(&old, order, into, &mut salvaged)
            .map_err(|fault| OutboxError::sqlite(path, "save its records", fault))?;
    }
    Ok(salvaged)
}

fn all_up_to(into: &Transaction<'_>, watermark: i64) -> rusqlite::Result<()> {
    into.execute("UPDATE meta SET watermark = ?1", [watermark.max(0)]).map(drop)
}

/// Where they cannot be read, nobody can date what they left, and it says so.
fn copy_undated_runs(old: &Connection, into: &Transaction<'_>) -> rusqlite::Result<()> {
    let Ok(mut select) = old.prepare("SELECT run, boot, offset_ms FROM undated_run") else { return Ok(()) };
    let Ok(mut rows) = select.query([]) else { return Ok(()) };
    while let Ok(Some(row)) = rows.next() {
        let (Ok(run), Ok(boot), Ok(offset_ms)) =
            (row.get::<_, i64>(0), row.get::<_, String>(1), row.get::<_, i64>(2))
        else {
            continue;
        };
        into.execute("INSERT OR IGNORE INTO undated_run VALUES (?1, ?2, ?3)", params![run, boot, offset_ms])?;
    }
    Ok(())
}

fn copy_rows(
    old: &Connection,
    order: &str,
    into: &Transaction<'_>,
    salvaged: &mut Salvaged,
) -> rusqlite::Result<()> {
    let select = |more| format!("SELECT seq, body, {more} FROM record ORDER BY seq {order}");
    // What versions 3, 2 and 1 have.
    let of_versions = ["stored_ms, undated", "stored_ms, NULL", "0, NULL"];
    let Some(mut select) = of_versions.iter().find_map(|more| old.prepare(&select(more)).ok()) else {
        return Ok(());
    };
    let Ok(mut rows) = select.query([]) else {
        return Ok(());
    };
    let mut insert =
        into.prepare("INSERT OR IGNORE INTO record (seq, body, stored_ms, undated) VALUES (?1, ?2, ?3, ?4)")?;
    // The first error is the bad page: what lies behind it is read from the other end.
    while let Ok(Some(row)) = rows.next() {
        let (Ok(seq), Ok(text)) = (row.get::<_, i64>(0), row.get::<_, String>(1)) else {
            continue;
        };
        let (stored_ms, undated): (i64, Option<i64>) = (row.get(2).unwrap_or(0), row.get(3).unwrap_or(None));
        let number = from_sql(seq);
        if number > 0 && checked_body(number, Some(&text)).get() == text {
            salvaged.rows += insert.execute(params![seq, text, stored_ms, undated])? as u64;
            salvaged.highest = salvaged.highest.max(number);
        }
    }
    Ok(())
}

/// Puts a complete new file in the old one's place, which is set aside where there is one.
fn install(path: &Path, new: &Path, now: WallTime) -> Result<Option<PathBuf>, OutboxError> {
    let failed = |fault| OutboxError::file(path, "put the new file in place", fault);
    let aside = free_name(path, now);
    let had_old = fs::metadata(path).is_ok_and(|about| about.len() > 0);
    if had_old {
        fs::rename(path, &aside).map_err(failed)?;
    }
    // A log left behind would be taken for the new file's.
    let log = numbers::beside(path, "-wal");
    if log.exists() {
        fs::rename(&log, numbers::beside(&aside, "-wal")).map_err(failed)?;
    }
    remove(&numbers::beside(path, "-shm"))?;
    fs::rename(new, path).map_err(failed)?;
    numbers::sync_directory(path).map_err(failed)?;
    Ok(had_old.then_some(aside))
}

fn free_name(path: &Path, now: WallTime) -> PathBuf {
    let mut ms = now.unix_ms();
    loop {
        let name = numbers::beside(path, &format!(".corrupt-{ms}"));
        if !name.exists() {
            return name;
        }
        ms += 1;
    }
}

/// Ends a rebuild that a power cut interrupted.
fn finish_rebuild(path: &Path, box_id: &BoxId, now: WallTime) -> Result<(), OutboxError> {
    let new = numbers::beside(path, ".new");
    if !new.exists() {
        return Ok(());
    }
    if let Found::Good { sqlite, .. } = inspect(&new, box_id)? {
        // Closing writes the log back, so that the file is whole by itself.
        sqlite.close().map_err(|(_, fault)| OutboxError::sqlite(path, "finish the new file", fault))?;
        install(path, &new, now)?;
        return Ok(());
    }
    remove_sqlite(&new)
}

fn remove_sqlite(path: &Path) -> Result<(), OutboxError> {
    for ending in ["", "-wal", "-shm", "-journal"] {
        remove(&numbers::beside(path, ending))?;
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), OutboxError> {
    match fs::remove_file(path) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
            Err(OutboxError::file(path, "remove it", fault))
        }
        _ => Ok(()),
    }
}
