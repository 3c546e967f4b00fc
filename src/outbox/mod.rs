//! Durable records on disk until somebody has them, and for a while after.
//!
//! What is not obvious: a record gets its number in the transaction that stores it, so a number
//! exists only together with its record, and there are no holes to explain after a power cut. What can
//! go wrong with numbers is the opposite, that one is used twice, because the file was lost or replaced;
//! a receiver would then take a new record for an old copy. The second file prevents that.
//!
//! # On disk
//!
//! | file | what |
//! |---|---|
//! | `NAME` | SQLite, WAL, `synchronous=FULL`; tables and their meaning in `schema.sql` |
//! | `NAME-wal`, `NAME-shm` | SQLite's own, while it is open and after a crash |
//! | `NAME.seq` | end of the block of numbers that may have been used, in text (module `numbers`) |
//! | `NAME.lock` | empty; locked by the process that has the outbox open |
//! | `NAME.new` | a file being rebuilt; complete once its one transaction is, else thrown away |
//! | `NAME.corrupt-MS` | a file that could not be trusted, set aside at that time, for a person to look at |
//!
//! # What is in it
//!
//! Records above `meta.watermark` *wait*: whoever is to have them has not confirmed them. Those up to it are *history*, kept
//! for [`Retention::history`] so that they can be sent again to a receiver that was put back to an earlier copy of itself.
//! The watermark goes up as records are confirmed, and down where the receiver says so; it says nothing about single
//! records, so confirming costs one number and no row.
//!
//! Records go from the lowest number up, and only so: by age when they are history, and when [`Retention::max_bytes`]
//! is used up, history first. Only when there is none left do records go that nobody has confirmed; then a `gap` record
//! stored with it says which, and [`Committed::given_up`] says so aloud. Room is measured in pages that are in use: SQLite
//! uses free pages again, the file itself does not get smaller.
//!
//! A [draft](Drafts) stands for what a source would still have to say if it ended now. Opening turns drafts that it finds into
//! records, each as a part, before any new one: whoever wrote them died.
//!
//! A record that was made before anybody had set the box's clock is marked with its run, and nothing from the first such one on is
//! handed out ([`Outbox::sendable`]) until [`Outbox::date`] has put its times right, or says that nobody can (module `undated`). Its number and its
//! place stay what they are.
//!
//! # Invariants ([`Outbox::check_invariants`] checks the first five)
//!
//! 1. *Numbered*: every stored record holds its own row's number.
//! 2. *Below next*: every stored number, and the watermark, is below `next_seq`.
//! 3. *Reserved on disk*: `next_seq - 1` is not above the number in `NAME.seq`.
//! 4. *One owner*: `meta` has one row, and names the box that opened the file.
//! 5. *Counted*: what is remembered of the file (next number, watermark, how many wait) is what it holds.
//! 6. *Contiguous*: the numbers of all records ever stored are 1, 2, 3, ... but for those that a `gap`
//!    record names.
//! 7. *Once*: records and drafts together say everything that was handed over exactly once.
//!
//! # When the file cannot be trusted
//!
//! Opening runs `quick_check`. A file that is garbage, cut short, or not an outbox is set aside; rows
//! that can still be read go into a new file; numbering goes on above everything reserved, and a
//! durable `gap` record (the first in the new numbers) says which may never come. The same happens to
//! numbers when the file is missing, or older than `NAME.seq`, as after restoring a copy. If `NAME.seq` is gone
//! too, numbering goes on from the clock in milliseconds, which is above any count of records. Drafts are not taken
//! over from such a file.

use crate::ids::BoxId;
use crate::time::{Dating, Origin, WallTime};
use crate::wire::v1::{AnyRecord, Fact, Gap, GapReason, Record, UndatedRecord};
use commit::{Before, give_back_numbers, stored_position, try_commit};
use rusqlite::{Connection, TransactionBehavior, params};
use serde_json::value::RawValue;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;
use undated::Mark;

mod commit;
mod drafts;
mod fault;
mod look;
mod numbers;
mod open;
mod trim;
mod undated;
mod upgrade;
mod writer;

pub use drafts::{DraftChange, Drafts};
pub use fault::OutboxError;
pub(crate) use fault::{is_file_fault_of_the_disk, is_sqlite_fault_of_the_disk};
pub use look::{OutboxLook, look};
pub use trim::{GivenUp, Lot, Retention};
pub use undated::Dated;
pub use writer::{
    Counts, MOST_IN_MEMORY, OutboxNews, OutboxReader, OutboxWriter, ReadError, RecordSender, Rows, StopError,
    WriterGone,
};

/// Where records are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxSettings {
    /// The SQLite file.
    pub path: PathBuf,
    /// Records are committed together at least this often.
    pub commit_every: Duration,
    /// How long and how much is kept.
    pub retention: Retention,
}

/// Numbers from `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SeqRange {
    /// First number.
    pub first: u64,
    /// Last number.
    pub last: u64,
}

/// A stored record.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its number.
    pub seq: u64,
    /// The record as JSON, as it goes over the wire, its number included.
    pub body: Box<RawValue>,
}

/// What was found at opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// Nothing was there; numbers start at 1.
    New,
    /// The file was good; numbers go on.
    Found,
    /// Numbers may be lost; a gap record says which.
    Recovered(Recovery),
}

/// What was saved and what was not, where the outbox could not be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Why.
    pub reason: GapReason,
    /// Numbers that never come unless they have come already.
    pub gap: SeqRange,
    /// Records that could be read from the old file, and go on waiting.
    pub salvaged: u64,
    /// Where the old file lies now.
    pub set_aside: Option<PathBuf>,
}

impl std::fmt::Display for Recovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self.reason {
            GapReason::OutboxMissing => "was missing",
            GapReason::OutboxOutdated => "was older than the numbers already used",
            GapReason::OutboxCorrupt | GapReason::Unreadable | GapReason::GivenUp => "was corrupt",
        };
        let SeqRange { first, last } = self.gap;
        write!(f, "the outbox {what}; {} records were saved, ", self.salvaged)?;
        write!(f, "records {first} to {last} are lost unless they were delivered")?;
        match &self.set_aside {
            Some(path) => write!(f, "; the old file is now {}", path.display()),
            None => Ok(()),
        }
    }
}

/// What one transaction changes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Change<'a> {
    /// Records up to this number are confirmed from now on, and none above it; none: as before.
    pub watermark: Option<u64>,
    /// What is new, to be numbered in this order.
    pub facts: &'a [Fact],
    /// What becomes of the drafts.
    pub drafts: DraftChange<'a>,
    /// What the times of both are worth.
    pub dating: Dating,
}

/// What a transaction did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Committed {
    /// Numbers of the facts; none for none.
    pub stored: Option<SeqRange>,
    /// Records that had to go, because the disk budget is used up.
    pub given_up: Vec<GivenUp>,
}

/// How far an outbox has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// The number stored last; 0 where there was none yet.
    pub newest: u64,
    /// Records up to this number are confirmed.
    pub watermark: u64,
    /// How many stored records are above it.
    pub waiting: u64,
}

/// The outbox of one box. One per file: a second one is refused.
#[derive(Debug)]
pub struct Outbox {
    path: PathBuf,
    box_id: BoxId,
    retention: Retention,
    /// What this run's undated times go by.
    origin: Origin,
    /// None after the file was found corrupt or could not be opened, until [`Outbox::reopen`].
    sqlite: Option<Connection>,
    /// What the file says, so that asking costs nothing.
    position: Position,
    /// Whether drafts of a run that died may still lie there.
    has_old_drafts: bool,
    /// Held from when the outbox was opened first.
    lock: Option<File>,
}

impl Outbox {
    /// Opens the file, or makes it with its directory; recovers what can be where it is corrupt, and turns
    /// drafts of a run that died into records.
    ///
    /// # Errors
    /// [`OutboxError`]: not writable, in use, of another box, or of a newer version. A corrupt file is
    /// no error.
    pub fn open(path: &Path, box_id: &BoxId, now: WallTime) -> Result<(Self, Opening), OutboxError> {
        let lock = open::lock(path)?;
        let (sqlite, opening) = open::open(path, box_id, now)?;
        let mut outbox = Self {
            path: path.to_owned(),
            box_id: box_id.clone(),
            retention: Retention::default(),
            origin: Origin::default(),
            sqlite: Some(sqlite),
            position: Position::default(),
            has_old_drafts: true,
            lock: Some(lock),
        };
        outbox.look_where_it_stands()?;
        // On a full disk they stay what they are until the first commit that finds room.
        // Nothing gets too old here: whether the clock is right is not known yet.
        let kept = std::mem::replace(&mut outbox.retention.history, Duration::MAX);
        if let Err(fault) = outbox.commit(&Change::default(), now) {
            tracing::warn!(%fault, "drafts of the last run cannot become records yet");
        }
        outbox.retention.history = kept;
        Ok((outbox, opening))
    }

    /// One that could not be opened because of the [disk](OutboxError::is_of_the_disk), to be [opened](Outbox::reopen) when it can.
    /// Nothing is known of what it holds until then.
    #[must_use]
    pub fn not_open_yet(path: &Path, box_id: &BoxId) -> Self {
        Self {
            path: path.to_owned(),
            box_id: box_id.clone(),
            retention: Retention::default(),
            origin: Origin::default(),
            sqlite: None,
            position: Position::default(),
            has_old_drafts: true,
            lock: None,
        }
    }

    /// Whether the file is open; where it is not, only [`Outbox::reopen`] helps.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.sqlite.is_some()
    }

    /// Opens the file again, after an error that [is corrupt](OutboxError::is_corrupt), or at last.
    ///
    /// # Errors
    /// As [`Outbox::open`].
    pub fn reopen(&mut self, now: WallTime) -> Result<Opening, OutboxError> {
        self.sqlite = None;
        if self.lock.is_none() {
            self.lock = Some(open::lock(&self.path)?);
        }
        let (sqlite, opening) = open::open(&self.path, &self.box_id, now)?;
        self.sqlite = Some(sqlite);
        self.look_where_it_stands()?;
        Ok(opening)
    }

    /// Says how long and how much is kept from now on; 30 days and 2 GB where nobody says.
    pub const fn keep(&mut self, retention: Retention) {
        self.retention = retention;
    }

    /// Says what undated times go by that are stored from now on.
    pub fn runs_since(&mut self, origin: Origin) {
        self.origin = origin;
    }

    fn look_where_it_stands(&mut self) -> Result<(), OutboxError> {
        let sqlite = opened(&self.path, self.sqlite.as_ref())?;
        self.position = stored_position(sqlite)
            .map_err(|fault| OutboxError::sqlite(&self.path, "read its numbers", fault))?;
        Ok(())
    }

    /// Stores facts in one transaction and numbers them in their order; none for none.
    ///
    /// # Errors
    /// [`OutboxError`]; nothing is stored then, and no number is used.
    pub fn append(&mut self, facts: &[Fact], now: WallTime) -> Result<Option<SeqRange>, OutboxError> {
        self.commit(&Change { facts, ..Change::default() }, now).map(|committed| committed.stored)
    }

    /// Says up to which number records are confirmed; at most all that are there. A lower one than before makes
    /// records wait again.
    ///
    /// # Errors
    /// [`OutboxError`]; nothing has changed then.
    pub fn confirm(&mut self, watermark: u64, now: WallTime) -> Result<Committed, OutboxError> {
        self.commit(&Change { watermark: Some(watermark), ..Change::default() }, now)
    }

    /// Moves the watermark, drops what is too old or too much, and stores what is new, in one transaction and one fsync.
    ///
    /// Dropping comes before storing: on a full disk it makes the room.
    ///
    /// # Errors
    /// [`OutboxError`]; nothing has changed then.
    pub fn commit(&mut self, change: &Change<'_>, now: WallTime) -> Result<Committed, OutboxError> {
        let Self { path, sqlite, position, retention, has_old_drafts, origin, .. } = self;
        let sqlite = opened(path, sqlite.as_mut())?;
        let (position_before, old) = (*position, *has_old_drafts);
        let before = Before { position: position_before, retention: *retention, has_old_drafts: old, origin };
        match try_commit(path, sqlite, (before, change), now) {
            Ok((after, committed)) => {
                (*position, *has_old_drafts) = (after, false);
                Ok(committed)
            }
            Err(fault) => {
                give_back_numbers(path, sqlite);
                Err(fault)
            }
        }
    }

    /// Drops a piece of the oldest history, to make room on a disk that is full; none where there is no history.
    ///
    /// # Errors
    /// [`OutboxError`]; nothing has changed then.
    pub fn give_up_history(&mut self) -> Result<Option<GivenUp>, OutboxError> {
        let failed = |fault| OutboxError::sqlite(&self.path, "make room", fault);
        let sqlite = opened(&self.path, self.sqlite.as_mut())?;
        let all = sqlite.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let given_up = trim::drop_oldest(&all, Lot::History, self.position.watermark).map_err(failed)?;
        all.commit().map_err(failed)?;
        Ok(given_up)
    }

    /// Records with numbers above `after`, by rising number, at most `limit`; history too.
    ///
    /// A row that cannot be read is handed out as a gap of its own number, so that it
    /// can never hold up those behind it.
    ///
    /// # Errors
    /// [`OutboxError`] where the file cannot be read.
    pub fn records(&self, after: u64, limit: usize) -> Result<Vec<Row>, OutboxError> {
        let failed = |fault| OutboxError::sqlite(&self.path, "read records", fault);
        let sqlite = opened(&self.path, self.sqlite.as_ref())?;
        let mut select = sqlite
            .prepare_cached("SELECT seq, body FROM record WHERE seq > ?1 ORDER BY seq LIMIT ?2")
            .map_err(failed)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select
            .query_map(params![to_sql(after), limit], |row| {
                let seq = from_sql(row.get(0)?);
                Ok(Row { seq, body: checked_body(seq, row.get_ref(1)?.as_str().ok()) })
            })
            .map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// Those of [`Outbox::records`] that may be sent: none from the first on that waits for the time to be known.
    ///
    /// # Errors
    /// [`OutboxError`] where the file cannot be read.
    pub fn sendable(&self, after: u64, limit: usize) -> Result<Vec<Row>, OutboxError> {
        let held_from = self.held_from()?.unwrap_or(u64::MAX);
        let mut rows = self.records(after, limit)?;
        rows.retain(|row| row.seq < held_from);
        Ok(rows)
    }

    /// How far it has come with what may be sent: as if what waits for the time to be known were not there yet.
    ///
    /// # Errors
    /// [`OutboxError`] where the file cannot be read.
    pub fn sendable_position(&self) -> Result<Position, OutboxError> {
        let newest = self.held_from()?.map_or(u64::MAX, |first| first.saturating_sub(1));
        let Position { watermark, .. } = self.position;
        Ok(Position { newest: self.position.newest.min(newest).max(watermark), ..self.position })
    }

    fn held_from(&self) -> Result<Option<u64>, OutboxError> {
        let sqlite = opened(&self.path, self.sqlite.as_ref())?;
        let held = undated::held_from(sqlite)
            .map_err(|fault| OutboxError::sqlite(&self.path, "read records", fault))?;
        Ok(held.map(from_sql))
    }

    /// The lowest number that is held; nothing below it can be had any more. None where nothing is.
    ///
    /// # Errors
    /// [`OutboxError`] where the file cannot be read.
    pub fn kept_from(&self) -> Result<Option<u64>, OutboxError> {
        opened(&self.path, self.sqlite.as_ref())?
            .query_row("SELECT min(seq) FROM record", [], |row| row.get::<_, Option<i64>>(0))
            .map(|lowest| lowest.map(from_sql))
            .map_err(|fault| OutboxError::sqlite(&self.path, "read records", fault))
    }

    /// How far it has come, as of the last transaction.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Checks what the module promises of the file; for tests and fuzzing.
    ///
    /// # Errors
    /// The name of the invariant that does not hold, and the numbers.
    pub fn check_invariants(&self) -> Result<(), String> {
        let sqlite = opened(&self.path, self.sqlite.as_ref()).map_err(|fault| fault.to_string())?;
        let (owners, owner, next): (i64, String, i64) = sqlite
            .query_row("SELECT count(*), min(box), min(next_seq) FROM meta", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .map_err(|fault| fault.to_string())?;
        if owners != 1 || owner != self.box_id.as_str() {
            return Err(format!("one owner: {owners} rows, {owner:?} for {}", self.box_id));
        }
        let stored = stored_position(sqlite).map_err(|fault| fault.to_string())?;
        if stored != self.position {
            return Err(format!("counted: {stored:?} is remembered as {:?}", self.position));
        }
        let highest: Option<i64> = sqlite
            .query_row("SELECT max(seq) FROM record", [], |row| row.get(0))
            .map_err(|fault| fault.to_string())?;
        if highest.unwrap_or(0) >= next || stored.watermark > stored.newest {
            return Err(format!("below next: {highest:?} and {stored:?} with next {next}"));
        }
        let on_disk = numbers::read(&numbers_path(&self.path)).map_err(|fault| fault.to_string())?;
        let up_to = on_disk.map_or(0, |reserved| reserved.up_to);
        if from_sql(next) > up_to + 1 {
            return Err(format!("reserved on disk: next {next} with {up_to}"));
        }
        for row in self.records(0, usize::MAX).map_err(|fault| fault.to_string())? {
            match serde_json::from_str::<AnyRecord>(row.body.get()) {
                Ok(record) if record.seq() == row.seq => {}
                _ => return Err(format!("numbered: row {} holds {}", row.seq, row.body)),
            }
        }
        Ok(())
    }
}

fn opened<T>(path: &Path, sqlite: Option<T>) -> Result<T, OutboxError> {
    sqlite.ok_or_else(|| OutboxError::NotOpen { path: path.to_owned() })
}

fn numbers_path(path: &Path) -> PathBuf {
    numbers::beside(path, ".seq")
}

fn body_of(seq: u64, fact: Fact, mark: Mark) -> String {
    let record = Record { seq, fact };
    let text = match mark {
        Mark::Doubtful => serde_json::to_string(&UndatedRecord { record, undated: true }),
        Mark::Known | Mark::Run(_) => serde_json::to_string(&record),
    };
    text.expect("a record holds only texts and whole numbers")
}

/// The row's text where it is a record of that number, else a gap record in its place.
fn checked_body(seq: u64, text: Option<&str>) -> Box<RawValue> {
    let readable =
        text.filter(|text| serde_json::from_str::<AnyRecord>(text).is_ok_and(|record| record.seq() == seq));
    let text = match readable {
        Some(text) => text.to_owned(),
        None => {
            let gap = Fact::Gap(Gap { from_seq: seq, to_seq: seq, reason: GapReason::Unreadable });
            body_of(seq, gap, Mark::Known)
        }
    };
    RawValue::from_string(text).expect("what was parsed or written as JSON is JSON")
}

/// SQLite counts to 2^63; a box would take 292 million years at a thousand records a millisecond.
fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests;
