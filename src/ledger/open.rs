//! Opens a ledger, makes one, or sets aside one that cannot be trusted.

use super::LedgerError;
use crate::time::WallTime;
use rusqlite::{Connection, ErrorCode, OptionalExtension};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// "FFLG".
const APPLICATION_ID: i64 = 0x4646_4C47;
/// The version that this software writes.
const VERSION: i64 = 1;
/// `footfall till` reads while the service writes.
const BUSY: Duration = Duration::from_secs(5);

/// A ledger that could not be trusted was put away, and an empty one is in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Where the old file is now.
    pub set_aside: PathBuf,
    /// What was wrong with it.
    pub cause: String,
}

impl fmt::Display for Recovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { set_aside, cause } = self;
        let path = set_aside.display();
        write!(
            f,
            "the ledger was corrupt ({cause}) and is kept as {path}; today's figures of the store begin anew"
        )
    }
}

enum Fault {
    Corrupt(String),
    Told(LedgerError),
}

pub(super) fn open(
    path: &Path,
    box_id: &str,
    now: WallTime,
) -> Result<(Connection, Option<Recovered>), LedgerError> {
    let cause = match try_open(path, box_id) {
        Ok(sqlite) => return Ok((sqlite, None)),
        Err(Fault::Told(fault)) => return Err(fault),
        Err(Fault::Corrupt(cause)) => cause,
    };
    let set_aside = beside(path, &format!(".corrupt-{}", now.unix_ms()));
    let file = |source| LedgerError::File { path: path.to_owned(), source };
    std::fs::rename(path, &set_aside).map_err(file)?;
    for end in ["-wal", "-shm"] {
        let left = beside(path, end);
        if left.exists() {
            std::fs::remove_file(&left).map_err(file)?;
        }
    }
    match try_open(path, box_id) {
        Ok(sqlite) => Ok((sqlite, Some(Recovered { set_aside, cause }))),
        Err(Fault::Told(fault)) => Err(fault),
        Err(Fault::Corrupt(cause)) => {
            let source = std::io::Error::other(cause);
            Err(LedgerError::File { path: path.to_owned(), source })
        }
    }
}

fn try_open(path: &Path, box_id: &str) -> Result<Connection, Fault> {
    let told = |source| match speaks_of_garbage(&source) {
        true => Fault::Corrupt(source.to_string()),
        false => Fault::Told(LedgerError::Sqlite { path: path.to_owned(), source }),
    };
    let mut sqlite = Connection::open(path).map_err(told)?;
    sqlite.busy_timeout(BUSY).map_err(told)?;
    let number = |name: &str| sqlite.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(told);
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 =
        sqlite.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(told)?;
    match (application, version) {
        (0, 0) if tables == 0 => make(&mut sqlite, box_id).map_err(told)?,
        (APPLICATION_ID, VERSION) => {}
        (APPLICATION_ID, found) if found > VERSION => {
            return Err(Fault::Told(LedgerError::Newer { path: path.to_owned(), found, known: VERSION }));
        }
        _ => return Err(Fault::Corrupt("it is no ledger".to_owned())),
    }
    sqlite.pragma_update(None, "journal_mode", "wal").map_err(told)?;
    sqlite.pragma_update(None, "synchronous", "full").map_err(told)?;
    let owner: Option<String> =
        sqlite.query_row("SELECT box FROM meta", [], |row| row.get(0)).optional().map_err(told)?;
    match owner {
        Some(owner) if owner == box_id => {}
        Some(found) => return Err(Fault::Told(LedgerError::OtherBox { path: path.to_owned(), found })),
        None => return Err(Fault::Corrupt("it does not say whose it is".to_owned())),
    }
    let sound: String = sqlite.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(told)?;
    if sound == "ok" { Ok(sqlite) } else { Err(Fault::Corrupt(sound)) }
}

fn make(sqlite: &mut Connection, box_id: &str) -> rusqlite::Result<()> {
    let all = sqlite.transaction()?;
    all.execute_batch(include_str!("schema.sql"))?;
    all.execute("INSERT INTO meta VALUES (1, ?1)", [box_id])?;
    all.pragma_update(None, "application_id", APPLICATION_ID)?;
    all.pragma_update(None, "user_version", VERSION)?;
    all.commit()
}

/// Whether an error says that the content is wrong, rather than the disk or the permissions.
fn speaks_of_garbage(fault: &rusqlite::Error) -> bool {
    match fault.sqlite_error_code() {
        Some(code) => matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase),
        None => true,
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
