//! Opens a ledger, and begins a new one where the old one cannot be trusted.

use super::{LedgerError, LedgerOpening};
use crate::ids::BoxId;
use crate::secrets;
use crate::time::WallTime;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// "FFLG".
const APPLICATION_ID: i64 = 0x4646_4C47;
/// The version that this software writes. A change of `schema.sql` makes it 2 and adds the step that leads there.
const VERSION: i64 = 1;
/// Somebody who looks at what was put aside may hold the file for a moment.
const BUSY: Duration = Duration::from_secs(2);

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn file_fault(path: &Path, doing: &'static str, source: io::Error) -> LedgerError {
    LedgerError::File { path: path.to_owned(), doing, source }
}

/// Makes the directory, and takes the lock.
pub(super) fn lock(path: &Path) -> Result<File, LedgerError> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(|fault| file_fault(parent, "make the directory", fault))?;
    }
    let lock = beside(path, ".lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock)
        .map_err(|fault| file_fault(&lock, "make the lock file", fault))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(LedgerError::InUse { path: path.to_owned() }),
        Err(fs::TryLockError::Error(fault)) => Err(file_fault(&lock, "lock it", fault)),
    }
}

enum Found {
    Nothing,
    Ledger {
        owner: String,
    },
    Newer(i64),
    Strange(String),
    /// Somebody else's file.
    Foreign,
}

/// Opens the file under the lock.
pub(super) fn open(
    path: &Path,
    box_id: &BoxId,
    now: WallTime,
) -> Result<(Connection, LedgerOpening), LedgerError> {
    let failed = |source| LedgerError::Sqlite { path: path.to_owned(), doing: "open it", source };
    let found = match look(path) {
        Ok(found) => found,
        Err(fault) if speaks_of_garbage(&fault) => Found::Strange(fault.to_string()),
        Err(fault) => return Err(failed(fault)),
    };
    let opening = match found {
        Found::Ledger { owner } if owner != box_id.as_str() => {
            let (path, expected) = (path.to_owned(), box_id.clone());
            return Err(LedgerError::OtherBox { path, found: owner, expected });
        }
        Found::Foreign => return Err(LedgerError::Foreign { path: path.to_owned() }),
        Found::Newer(found) => {
            return Err(LedgerError::Newer { path: path.to_owned(), found, known: VERSION });
        }
        Found::Ledger { .. } => LedgerOpening::Found,
        Found::Nothing => LedgerOpening::New,
        Found::Strange(cause) => LedgerOpening::SetAside { to: set_aside(path, now)?, cause },
    };
    secrets::make_private(path).map_err(|fault| file_fault(path, "make it", fault))?;
    secrets::close_to_others(path).map_err(|fault| file_fault(path, "close it to others", fault))?;
    let mut sqlite = Connection::open(path).map_err(failed)?;
    prepare(&mut sqlite, box_id, opening != LedgerOpening::Found).map_err(failed)?;
    Ok((sqlite, opening))
}

/// Looks what the file is, without changing it.
fn look(path: &Path) -> rusqlite::Result<Found> {
    if fs::metadata(path).map_or(true, |about| about.is_file() && about.len() == 0) {
        return Ok(Found::Nothing);
    }
    let sqlite = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let number = |name: &str| sqlite.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if number("application_id")? != APPLICATION_ID {
        return Ok(Found::Foreign);
    }
    let version = number("user_version")?;
    if version > VERSION {
        return Ok(Found::Newer(version));
    }
    let verdict: String = sqlite.pragma_query_value(None, "quick_check", |row| row.get(0))?;
    if verdict != "ok" {
        return Ok(Found::Strange(verdict));
    }
    let owner = sqlite.query_row("SELECT box FROM meta", [], |row| row.get(0))?;
    Ok(Found::Ledger { owner })
}

/// Whether an error says that the content is wrong, rather than the disk or the permissions.
fn speaks_of_garbage(fault: &rusqlite::Error) -> bool {
    match fault.sqlite_error_code() {
        Some(code) => matches!(
            code,
            ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::Unknown
                | ErrorCode::TypeMismatch
        ),
        // A row or a column that should be there is not.
        None => true,
    }
}

fn prepare(sqlite: &mut Connection, box_id: &BoxId, is_new: bool) -> rusqlite::Result<()> {
    sqlite.busy_timeout(BUSY)?;
    sqlite.pragma_update(None, "journal_mode", "WAL")?;
    sqlite.pragma_update(None, "synchronous", "FULL")?;
    if is_new {
        let all = sqlite.transaction()?;
        all.execute_batch(include_str!("schema.sql"))?;
        all.pragma_update(None, "application_id", APPLICATION_ID)?;
        all.pragma_update(None, "user_version", VERSION)?;
        all.execute("INSERT INTO meta (only_row, box) VALUES (1, ?1)", [box_id.as_str()])?;
        all.commit()?;
    }
    Ok(())
}

/// An empty one that is on no disk.
pub(super) fn in_memory(path: &Path, box_id: &BoxId) -> Result<Connection, LedgerError> {
    let made = Connection::open_in_memory().and_then(|mut sqlite| {
        prepare(&mut sqlite, box_id, true)?;
        Ok(sqlite)
    });
    made.map_err(|source| LedgerError::Sqlite { path: path.to_owned(), doing: "do without it", source })
}

fn set_aside(path: &Path, now: WallTime) -> Result<PathBuf, LedgerError> {
    let mut ms = now.unix_ms();
    let free = loop {
        let name = beside(path, &format!(".corrupt-{ms}"));
        if !name.exists() {
            break name;
        }
        ms += 1;
    };
    // A log left behind would be taken for the new file's.
    for ending in ["-wal", "-shm", ""] {
        match fs::rename(beside(path, ending), beside(&free, ending)) {
            Err(fault) if fault.kind() != io::ErrorKind::NotFound => {
                return Err(file_fault(path, "set the old file aside", fault));
            }
            _ => {}
        }
    }
    Ok(free)
}
