//! The store's memory on disk: what must be known after a restart to count nothing twice and forget nothing.
//!
//! What is not obvious: a fact that comes of a step is stored in the same transaction as the step, in the table `outgoing`, and
//! deleted only when the caller says that the outbox has it on disk. After a crash in between it is submitted
//! again; whoever reads removes copies by the transaction's id, the period's revision or the minute. So nothing is lost
//! between the two files, without a transaction over both.
//!
//! # On disk
//!
//! | file | what |
//! |---|---|
//! | `NAME` | SQLite, WAL, `synchronous=FULL`; tables and their meaning in `schema.sql` |
//! | `NAME-wal`, `NAME-shm` | SQLite's own, while it is open and after a crash |
//! | `NAME.lock` | empty; locked by the process that has the ledger open |
//! | `NAME.corrupt-MS` | a file that could not be trusted, set aside at that time, for a person to look at |
//!
//! A file that cannot be trusted is set aside and a new one begun. That loses who is inside, the revisions, and the ids of
//! transactions: head office holds all three, and removes copies by id.

mod memory;
mod open;

use crate::ids::BoxId;
use crate::outbox::{is_file_fault_of_the_disk, is_sqlite_fault_of_the_disk};
use crate::site::{Receipt, Store, StoreInput};
use crate::time::WallTime;
use crate::wire::v1::Fact;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::fs::File;
use std::path::{Path, PathBuf};

pub use memory::LedgerMemory;

/// Most rows put aside that are kept; the oldest go.
pub const MAX_ASIDE: i64 = 10_000;

/// What is wrong with a ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Its directory cannot be made, or a file beside it cannot be used.
    #[error("ledger {path}: cannot {doing} ({source}); give the service a directory that it may write")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("ledger {path} is in use by another footfall; stop that one or give this one its own file")]
    InUse {
        /// The ledger.
        path: PathBuf,
    },
    /// It is another box's.
    #[error("ledger {path} belongs to box {found:?}, this is box {expected}; correct the box id or the path")]
    OtherBox {
        /// The ledger.
        path: PathBuf,
        /// The box that it names.
        found: String,
        /// The box that opens it.
        expected: BoxId,
    },
    /// It is an SQLite file of something else.
    #[error("{path} is no ledger but another program's file; give [site] ledger another name")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer footfall wrote it.
    #[error("ledger {path} has version {found}, this footfall knows {known}; update footfall")]
    Newer {
        /// The ledger.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// It is not open, because the disk did not let it be opened, or the file was found corrupt.
    #[error("ledger {path} is not open yet")]
    NotOpen {
        /// The ledger.
        path: PathBuf,
    },
    /// SQLite fails.
    #[error("ledger {path}: cannot {doing} ({source})")]
    Sqlite {
        /// The ledger.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

impl LedgerError {
    /// Whether the disk is to blame, full, read-only or failing, and not what lies on it or who asks: a box counts on without it.
    #[must_use]
    pub fn is_of_the_disk(&self) -> bool {
        match self {
            Self::NotOpen { .. } => true,
            Self::File { source, .. } => is_file_fault_of_the_disk(source),
            Self::Sqlite { source, .. } => is_sqlite_fault_of_the_disk(source),
            _ => false,
        }
    }

    /// Whether the file has to be [opened anew](Ledger::reopen): it gives back garbage, or is not open.
    #[must_use]
    pub fn needs_reopening(&self) -> bool {
        match self {
            Self::NotOpen { .. } => true,
            Self::Sqlite { source, .. } => {
                let garbage = [ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase];
                source.sqlite_error_code().is_some_and(|code| garbage.contains(&code))
            }
            _ => false,
        }
    }
}

/// What was found at opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerOpening {
    /// Nothing was there.
    New,
    /// The file was good.
    Found,
    /// The file could not be trusted; a new one was begun.
    SetAside {
        /// Where the old file lies now.
        to: PathBuf,
        /// What was wrong with it.
        cause: String,
    },
}

/// A row that was put aside, to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsideRow {
    /// When.
    pub at: WallTime,
    /// Where it came from.
    pub feed: String,
    /// Its place in the feed; 0 is the feed as a whole.
    pub row: u64,
    /// The name of the reason.
    pub reason: String,
    /// What was found and what was expected.
    pub words: String,
    /// The beginning of its text.
    pub excerpt: String,
}

/// The memory of one box's store. One per file: a second one is refused.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    box_id: BoxId,
    /// Where the file is not open, one in memory with nothing in it, which nothing is written to.
    sqlite: Connection,
    is_open: bool,
    /// Held from when the ledger was opened first.
    lock: Option<File>,
}

impl Ledger {
    /// Opens the file, or makes it with its directory; sets aside what cannot be trusted.
    ///
    /// # Errors
    /// [`LedgerError`]: not writable, in use, of another box, or of a newer version.
    pub fn open(path: &Path, box_id: &BoxId, now: WallTime) -> Result<(Self, LedgerOpening), LedgerError> {
        let lock = open::lock(path)?;
        let (sqlite, opening) = open::open(path, box_id, now)?;
        let (path, box_id) = (path.to_owned(), box_id.clone());
        Ok((Self { path, box_id, sqlite, is_open: true, lock: Some(lock) }, opening))
    }

    /// One that could not be opened because of the [disk](LedgerError::is_of_the_disk), to be [opened](Ledger::reopen) when it can.
    /// It remembers nothing and takes nothing until then.
    ///
    /// # Errors
    /// [`LedgerError`] where there is no memory for it either.
    pub fn not_open_yet(path: &Path, box_id: &BoxId) -> Result<Self, LedgerError> {
        let (path, box_id) = (path.to_owned(), box_id.clone());
        let sqlite = open::in_memory(&path, &box_id)?;
        Ok(Self { path, box_id, sqlite, is_open: false, lock: None })
    }

    /// Opens the file again, after an error that [asks for it](LedgerError::needs_reopening). The store has to be read anew then.
    ///
    /// # Errors
    /// As [`Ledger::open`]; it is not open then.
    pub fn reopen(&mut self, now: WallTime) -> Result<LedgerOpening, LedgerError> {
        if self.is_open {
            // The old connection lets go of the file before it is looked at.
            self.sqlite = open::in_memory(&self.path, &self.box_id)?;
            self.is_open = false;
        }
        if self.lock.is_none() {
            self.lock = Some(open::lock(&self.path)?);
        }
        let (sqlite, opening) = open::open(&self.path, &self.box_id, now)?;
        (self.sqlite, self.is_open) = (sqlite, true);
        Ok(opening)
    }

    fn opened(&self) -> Result<(), LedgerError> {
        if self.is_open { Ok(()) } else { Err(LedgerError::NotOpen { path: self.path.clone() }) }
    }

    fn failed(&self, doing: &'static str) -> impl Fn(rusqlite::Error) -> LedgerError + use<> {
        let path = self.path.clone();
        move |source| LedgerError::Sqlite { path: path.clone(), doing, source }
    }

    /// A store as it was when this was written last.
    ///
    /// # Errors
    /// [`LedgerError`] where the file cannot be read.
    pub fn store(&mut self, settings: crate::site::StoreSettings) -> Result<Store, LedgerError> {
        let all = self.begin("read")?;
        let read = Store::new(settings, &LedgerMemory::of(&all));
        drop(all);
        read.map_err(self.failed("read what was remembered"))
    }

    fn begin(&mut self, doing: &'static str) -> Result<Transaction<'_>, LedgerError> {
        let failed = self.failed(doing);
        self.sqlite.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)
    }

    /// One step of the store in one transaction: where it fails, both are as before.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing has changed then, and the same inputs may be given again.
    pub fn step(
        &mut self,
        store: &mut Store,
        inputs: &[StoreInput],
        now: WallTime,
    ) -> Result<Vec<Receipt>, LedgerError> {
        self.opened()?;
        let failed = self.failed("store a step");
        let all = self.begin("store a step")?;
        let mut next = store.clone();
        let receipts = next.step(&mut LedgerMemory::of(&all), inputs, now).map_err(&failed)?;
        all.commit().map_err(failed)?;
        *store = next;
        Ok(receipts)
    }

    /// The business day up to now, as far as it is known.
    ///
    /// # Errors
    /// [`LedgerError`] where the file cannot be read.
    pub fn day_so_far(&mut self, store: &Store, now: WallTime) -> Result<crate::site::Period, LedgerError> {
        let all = self.begin("read the day")?;
        let read = store.day_so_far(&LedgerMemory::of(&all), now);
        drop(all);
        read.map_err(self.failed("read the day"))
    }

    /// How many rows were put aside since a time.
    ///
    /// # Errors
    /// [`LedgerError`] where the file cannot be read.
    pub fn aside_since(&self, at: WallTime) -> Result<u64, LedgerError> {
        let sql = "SELECT count(*) FROM aside WHERE at_ms >= ?1";
        let count = self.sqlite.query_row(sql, [at.unix_ms()], |row| row.get::<_, i64>(0));
        count.map(i64::unsigned_abs).map_err(self.failed("count what was put aside"))
    }

    /// Facts with ids above `after` that the outbox may not have yet, by rising id, at most `most`; none in place of one that
    /// cannot be read.
    ///
    /// # Errors
    /// [`LedgerError`] where the file cannot be read.
    pub fn outgoing(&self, after: i64, most: usize) -> Result<Vec<(i64, Option<Fact>)>, LedgerError> {
        let read = || {
            let mut select = self
                .sqlite
                .prepare_cached("SELECT id, body FROM outgoing WHERE id > ?1 ORDER BY id LIMIT ?2")?;
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let rows = select.query_map((after, most), |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<(i64, String)>>>()
        };
        let rows = read().map_err(self.failed("read what is to be sent"))?;
        // What an older version wrote and this one cannot read any more does not hold up the rest.
        Ok(rows.into_iter().map(|(id, body)| (id, serde_json::from_str(&body).ok())).collect())
    }

    /// Deletes facts up to an id, which the outbox has on disk now.
    ///
    /// # Errors
    /// [`LedgerError`]; they are submitted again then.
    pub fn sent(&mut self, up_to: i64) -> Result<(), LedgerError> {
        let deleted = self.sqlite.execute("DELETE FROM outgoing WHERE id <= ?1", [up_to]);
        deleted.map(drop).map_err(self.failed("forget what was sent"))
    }

    /// The rows put aside last, the newest first, at most `most`.
    ///
    /// # Errors
    /// [`LedgerError`] where the file cannot be read.
    pub fn aside(&self, most: usize) -> Result<Vec<AsideRow>, LedgerError> {
        memory::aside(&self.sqlite, most).map_err(self.failed("read what was put aside"))
    }
}

/// The same from a ledger that another process may have open.
///
/// # Errors
/// [`LedgerError`] where the file is not there or cannot be read.
pub fn look_aside(path: &Path, most: usize) -> Result<Vec<AsideRow>, LedgerError> {
    let read = || {
        let sqlite = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        memory::aside(&sqlite, most)
    };
    let doing = "read what was put aside";
    read().map_err(|source| LedgerError::Sqlite { path: path.to_owned(), doing, source })
}

/// How many rows each table of a ledger has that another process may have open.
///
/// # Errors
/// [`LedgerError`] where the file is not there or cannot be read.
pub fn look_counts(path: &Path) -> Result<Vec<(String, u64)>, LedgerError> {
    let read = || -> rusqlite::Result<Vec<(String, u64)>> {
        let sqlite = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let tables =
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
        let names: Vec<String> =
            sqlite.prepare(tables)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let count = |name: String| {
            let question = format!("SELECT count(*) FROM \"{}\"", name.replace('"', "\"\""));
            let rows: i64 = sqlite.query_row(&question, [], |row| row.get(0))?;
            Ok((name, u64::try_from(rows).unwrap_or(0)))
        };
        names.into_iter().map(count).collect()
    };
    let doing = "count what it holds";
    read().map_err(|source| LedgerError::Sqlite { path: path.to_owned(), doing, source })
}

#[cfg(test)]
mod tests;
