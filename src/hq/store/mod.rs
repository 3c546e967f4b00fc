//! The database of head office: one SQLite file, and the only place where SQL stands.
//!
//! What is not obvious: there is one connection that writes and several that read. Writers queue behind a lock, readers never wait for
//! them (WAL), and what one transaction wrote is seen whole or not at all. Each kind of thing has its own file here, with the statements that it needs; the
//! tables and their meaning are in `schema.sql`.

pub(in crate::hq) mod access;
pub(in crate::hq) mod accounts;
pub(in crate::hq) mod alerts;
mod aside;
pub mod clock;
pub mod export;
pub(in crate::hq) mod fleet;
pub mod intake;
pub(in crate::hq) mod metrics;
mod minutes;
mod places;
mod quarters;
mod ranges;
mod sensors;
pub(in crate::hq) mod register;
pub(in crate::hq) mod report;
pub mod retention;
pub mod rollup;
pub(in crate::hq) mod sales;
pub(in crate::hq) mod simulated;
mod upgrade;
pub(in crate::hq) mod webhooks;

use crate::secrets;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use upgrade::VERSION;

/// Tells the file from other SQLite files: "FFHQ".
const APPLICATION_ID: i64 = 0x4646_4851;

/// How long a statement waits for another process, such as a person's shell on the same file.
const PATIENCE: Duration = Duration::from_secs(10);

/// Idle connections that are kept for readers.
const MOST_IDLE: usize = 8;

/// What is wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory cannot be made.
    #[error(
        "database {path}: cannot make its directory ({source}); give the service a directory that it may write"
    )]
    Directory {
        /// The database.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It cannot be made so that nobody else may read it.
    #[error(
        "database {path} cannot be made or closed to others ({source}); give the service a file of its own"
    )]
    Mode {
        /// The database.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is some other file.
    #[error("{path} is no database of head office; name another file")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer head office wrote it.
    #[error("database {path} has version {found}, this footfall-hq knows {VERSION}; update footfall-hq")]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// The disk is full.
    #[error("database {path}: the disk is full; free some space")]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// SQLite fails otherwise.
    #[error("database {path}: {source}")]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

/// The database. Shared by every part of the service.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    writer: Mutex<Connection>,
    idle: Mutex<Vec<Connection>>,
}

impl Store {
    /// Opens the file, or makes it with its directory.
    ///
    /// # Errors
    /// [`StoreError`]: not writable, some other file, or of a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .map_err(|source| StoreError::Directory { path: path.to_owned(), source })?;
        }
        let failed = |source| StoreError::of(path, source);
        let unsafe_file = |source| StoreError::Mode { path: path.to_owned(), source };
        secrets::make_private(path).map_err(unsafe_file)?;
        let mut writer = Connection::open(path).map_err(failed)?;
        keep_plans(&writer).map_err(failed)?;
        writer.busy_timeout(PATIENCE).map_err(failed)?;
        prepare(&mut writer, path)?;
        secrets::close_to_others(path).map_err(unsafe_file)?;
        writer.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
        writer.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        writer.pragma_update(None, "foreign_keys", true).map_err(failed)?;
        // What is let go of is not to be read out of the file's free pages. It answers with its value.
        writer.query_row("PRAGMA secure_delete = ON", [], |_| Ok(())).map_err(failed)?;
        // Intake alone has some fifty statements.
        writer.set_prepared_statement_cache_capacity(200);
        Ok(Self { path: path.to_owned(), writer: Mutex::new(writer), idle: Mutex::default() })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads; what is asked within one call is seen at one moment.
    ///
    /// # Errors
    /// [`StoreError`] where SQLite fails.
    pub fn read<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let failed = |source| StoreError::of(&self.path, source);
        let idle = lock(&self.idle).pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => self.reader().map_err(failed)?,
        };
        let answer = {
            let moment = reader.transaction().map_err(failed)?;
            ask(&moment).map_err(failed)?
        };
        let mut idle = lock(&self.idle);
        if idle.len() < MOST_IDLE {
            idle.push(reader);
        }
        Ok(answer)
    }

    /// Writes in one transaction: all of it is on disk when this returns, or nothing has changed.
    ///
    /// # Errors
    /// [`StoreError`], or what `change` says.
    pub fn write<T, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, WriteError<E>>,
    ) -> Result<T, E> {
        let failed = |source| E::from(StoreError::of(&self.path, source));
        let mut writer = lock(&self.writer);
        let all = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let done = change(&all).map_err(|fault| match fault {
            WriteError::Sqlite(source) => failed(source),
            WriteError::Refused(fault) => fault,
        })?;
        all.commit().map_err(failed)?;
        Ok(done)
    }

    fn reader(&self) -> rusqlite::Result<Connection> {
        let reader = Connection::open_with_flags(
            &self.path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        keep_plans(&reader)?;
        reader.busy_timeout(PATIENCE)?;
        reader.set_prepared_statement_cache_capacity(64);
        Ok(reader)
    }
}

impl StoreError {
    /// Whether waiting may help: a full disk can be emptied, another process lets go of the file. What the statements
    /// themselves say stays as it is.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::Sqlite { source, .. } => matches!(
                source.sqlite_error_code(),
                Some(
                    ErrorCode::DatabaseBusy
                        | ErrorCode::DatabaseLocked
                        | ErrorCode::SystemIoFailure
                        | ErrorCode::CannotOpen
                        | ErrorCode::OutOfMemory
                )
            ),
            Self::Directory { .. } | Self::Mode { .. } | Self::Foreign { .. } | Self::Newer { .. } => false,
        }
    }

    fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path },
            _ => Self::Sqlite { path, source },
        }
    }
}

/// Why a transaction is not committed.
#[derive(Debug)]
pub enum WriteError<E> {
    /// SQLite fails.
    Sqlite(rusqlite::Error),
    /// What was asked cannot be done.
    Refused(E),
}

impl<E> From<rusqlite::Error> for WriteError<E> {
    fn from(fault: rusqlite::Error) -> Self {
        Self::Sqlite(fault)
    }
}

/// Has SQLite plan a statement once, whatever values it is given: planning anew was a fifth of the time of intake.
fn keep_plans(sqlite: &Connection) -> rusqlite::Result<()> {
    sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_is_on| ())
}

/// A panic while the lock was held rolled its transaction back, so the connection is as good as before.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the tables of a new file, or checks whose the file is.
fn prepare(sqlite: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::of(path, source);
    let number = |name: &str| sqlite.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let (owner, version) = (number("application_id"), number("user_version"));
    let not_ours = |fault: rusqlite::Error| match fault.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::Foreign { path: path.to_owned() },
        _ => StoreError::of(path, fault),
    };
    let (owner, version) = (owner.map_err(not_ours)?, version.map_err(not_ours)?);
    let tables: i64 =
        sqlite.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    match (owner, version) {
        (0, 0) if tables == 0 => {
            let all = sqlite.transaction_with_behavior(TransactionBehavior::Exclusive).map_err(failed)?;
            all.execute_batch(include_str!("schema.sql")).map_err(failed)?;
            all.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
            all.pragma_update(None, "user_version", VERSION).map_err(failed)?;
            all.commit().map_err(failed)
        }
        (APPLICATION_ID, 1..=VERSION) => upgrade::upgrade(sqlite, version, upgrade::STEPS).map_err(failed),
        (APPLICATION_ID, found) if found > VERSION => Err(StoreError::Newer { path: path.to_owned(), found }),
        _ => Err(StoreError::Foreign { path: path.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_after_the_file_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/hq.sqlite");
        let store = Store::open(&path).unwrap();
        store
            .write::<_, StoreError>(|all| {
                all.execute("INSERT INTO tenant (name, title) VALUES ('acme', 'Acme')", [])?;
                Ok(())
            })
            .unwrap();
        drop(store);
        let store = Store::open(&path).unwrap();
        let name: String =
            store.read(|ask| ask.query_row("SELECT name FROM tenant", [], |row| row.get(0))).unwrap();
        assert_eq!(name, "acme");
    }

    #[test]
    fn a_change_that_is_refused_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("hq.sqlite")).unwrap();
        let refused = store.write::<(), StoreError>(|all| {
            all.execute("INSERT INTO tenant (name, title) VALUES ('acme', 'Acme')", [])?;
            Err(WriteError::Refused(StoreError::Foreign { path: PathBuf::new() }))
        });
        refused.unwrap_err();
        let left: i64 =
            store.read(|ask| ask.query_row("SELECT count(*) FROM tenant", [], |row| row.get(0))).unwrap();
        assert_eq!(left, 0);
    }

    #[test]
    fn some_other_file_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "a text that is long enough to be read as a header").unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::Foreign { .. })));
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("a text"));
    }
}
