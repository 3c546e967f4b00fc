//! What the box remembers of its store over a restart: an SQLite file beside the outbox.
//!
//! The outbox holds what has to be delivered; the ledger holds what has to be known to say anything of a whole day: the
//! sums of each minute at each door, every transaction once, who works, what was put aside, and which periods have
//! been told. So a box that is started anew at noon knows its morning, and a transaction that comes twice counts once.
//!
//! A transaction is stored with `sent = 0`, handed to the outbox, and then marked. After a crash between the two it is
//! handed over again: head office removes what comes twice by its id. The format is in `schema.sql`. A file that
//! cannot be trusted is set aside and an empty one is begun, because the box must count; what it had delivered is not lost.

mod open;

pub use open::Recovered;

use crate::analytics::conversion::Sales;
use crate::calendar::{SpanKind, TimeSpan};
use crate::site::occupancy::Inside;
use crate::site::till::{Intake, Reason, Transaction};
use crate::time::{MINUTE_MS, WallTime};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long anything is kept: a refund or a late sale belongs to the last weeks.
pub const KEEP: Duration = Duration::from_secs(40 * 86_400);
/// Rows put aside that are kept.
const MOST_ASIDE: i64 = 10_000;

/// Why the ledger cannot do something.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// SQLite or the disk says no.
    #[error("ledger {path}: {source}; see that the disk has room and that the service may write there")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: rusqlite::Error,
    },
    /// The file cannot be set aside.
    #[error("ledger {path} cannot be set aside ({source}); let the service write in its folder")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A newer version of the software wrote it.
    #[error("ledger {path} is of version {found}, and this software knows {known}; update it")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// It is another box's.
    #[error("ledger {path} belongs to box {found:?}; give this box a file of its own")]
    OtherBox {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: String,
    },
}

/// What one line counted in a minute, or in a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoorMinute {
    /// Camera id.
    pub camera: String,
    /// Line id.
    pub line: String,
    /// What it counts: `door`, `goods`, `passersby` or `inner`.
    pub role: &'static str,
    /// Start of the minute.
    pub start: WallTime,
    /// Into the store.
    pub entries: u32,
    /// Out of it.
    pub exits: u32,
    /// Staff among the entries.
    pub staff_in: u32,
    /// Staff among the exits.
    pub staff_out: u32,
    /// Of the entries, who was here a moment ago.
    pub reentries: u32,
    /// Who walked by.
    pub passersby: u32,
    /// How much was really seen.
    pub seen: Duration,
    /// Whether the line lay where it was drawn.
    pub valid: bool,
}

/// What all lines of some kinds counted in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DoorSums {
    /// Into the store by a door.
    pub entries: u64,
    /// Out of it by a door.
    pub exits: u64,
    /// Staff among the entries.
    pub staff_entries: u64,
    /// Of the entries, who was here a moment ago.
    pub reentries: u64,
    /// Who walked by.
    pub passersby: u64,
    /// Time really seen and valid, added up over the door lines, within the spans that were asked for.
    pub seen: Duration,
}

/// What the till told of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TillSums {
    /// Purchases: sales that no void takes back.
    pub sales: Sales,
    /// Refunds.
    pub refunds: u64,
    /// What was given back.
    pub refunded_minor: i64,
}

/// What became of one feed's transactions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// Rows of those that are new.
    pub accepted: Vec<u64>,
    /// How many were there already.
    pub duplicates: u32,
    /// Rows whose id stands for something else already.
    pub reused: Vec<(u64, String)>,
    /// Times that what is new belongs to, also that of a sale that is taken back.
    pub touched: Vec<WallTime>,
}

/// A period that something is to be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuePeriod {
    /// Its kind.
    pub kind: SpanKind,
    /// From when to when.
    pub span: TimeSpan,
    /// How often it has been told.
    pub revision: u32,
    /// What was told last.
    pub told: Option<String>,
}

/// Something that was put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// When.
    pub at: WallTime,
    /// Which feed.
    pub feed: String,
    /// Its row, from 1; 0 is all of it.
    pub row: u64,
    /// The kind of fault.
    pub reason: String,
    /// What is wrong with it.
    pub words: String,
    /// Its beginning.
    pub excerpt: String,
}

/// The open file.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    sqlite: Connection,
}

impl Ledger {
    /// Opens or makes the file of this box; says where one that could not be trusted was put.
    ///
    /// # Errors
    /// [`LedgerError`] where there is neither.
    pub fn open(path: &Path, box_id: &str, now: WallTime) -> Result<(Self, Option<Recovered>), LedgerError> {
        let (sqlite, recovered) = open::open(path, box_id, now)?;
        Ok((Self { path: path.to_owned(), sqlite }, recovered))
    }

    fn fault(&self, source: rusqlite::Error) -> LedgerError {
        LedgerError::Sqlite { path: self.path.clone(), source }
    }

    /// Runs all of it or nothing.
    fn all<T>(
        &mut self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let path = &self.path;
        let fault = |source| LedgerError::Sqlite { path: path.clone(), source };
        let all = self.sqlite.transaction().map_err(fault)?;
        let done = work(&all).map_err(fault)?;
        all.commit().map_err(fault)?;
        Ok(done)
    }

    /// Adds minutes, or parts of them; each marks its periods (kind, span) as changed.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing of it is stored then.
    pub fn add_minutes(
        &mut self,
        minutes: &[DoorMinute],
        periods: &[(SpanKind, TimeSpan)],
    ) -> Result<(), LedgerError> {
        self.all(|all| {
            let mut add = all.prepare_cached(
                "INSERT INTO door_minute VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
                 ON CONFLICT (camera, line, start_ms) DO UPDATE SET role = excluded.role, \
                 entries = entries + excluded.entries, exits = exits + excluded.exits, \
                 staff_in = staff_in + excluded.staff_in, staff_out = staff_out + excluded.staff_out, \
                 reentries = reentries + excluded.reentries, passersby = passersby + excluded.passersby, \
                 seen_ms = min(seen_ms + excluded.seen_ms, 60000), valid = min(valid, excluded.valid)",
            )?;
            for minute in minutes {
                let DoorMinute { entries, exits, staff_in, staff_out, reentries, passersby, .. } = minute;
                let (start, seen) = (minute.start.unix_ms(), whole_ms(minute.seen));
                let names = (&minute.camera, &minute.line, minute.role);
                add.execute(params![
                    names.0,
                    names.1,
                    start,
                    names.2,
                    entries,
                    exits,
                    staff_in,
                    staff_out,
                    reentries,
                    passersby,
                    seen,
                    minute.valid
                ])?;
            }
            mark(all, periods)
        })
    }

    /// Takes what came out of a feed: what is new is stored, what was put aside is listed. `body` is the record that goes out.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing of it is stored then.
    pub fn take(
        &mut self,
        intake: &Intake,
        now: WallTime,
        body: impl Fn(&Transaction) -> String,
    ) -> Result<Taken, LedgerError> {
        self.all(|all| {
            let mut taken = Taken::default();
            for (row, transaction) in &intake.transactions {
                take_one(all, *row, transaction, &body(transaction), &mut taken)?;
            }
            for (row, words) in &taken.reused {
                put_aside(all, now, &intake.feed, *row, Reason::IdReused.name(), words, "")?;
            }
            for rejected in &intake.rejected {
                let (reason, words) = (rejected.fault.reason.name(), &rejected.fault.words);
                put_aside(all, now, &intake.feed, rejected.row, reason, words, &rejected.excerpt)?;
            }
            all.execute(
                "DELETE FROM aside WHERE number <= (SELECT max(number) FROM aside) - ?1",
                [MOST_ASIDE],
            )?;
            Ok(taken)
        })
    }

    /// Marks periods as changed.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn touch(&mut self, periods: &[(SpanKind, TimeSpan)]) -> Result<(), LedgerError> {
        self.all(|all| mark(all, periods))
    }

    /// Takes what another feed could not read, to be looked at.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn put_aside(&mut self, aside: &Aside) -> Result<(), LedgerError> {
        let Aside { at, feed, row, reason, words, excerpt } = aside;
        self.all(|all| put_aside(all, *at, feed, *row, reason, words, excerpt))
    }

    /// Who works: a shift (id, span, people in thousandths) that is new or changed.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn set_shifts(&mut self, shifts: &[(String, TimeSpan, u32)]) -> Result<(), LedgerError> {
        self.all(|all| {
            let mut set = all.prepare_cached("INSERT OR REPLACE INTO shift VALUES (?1, ?2, ?3, ?4)")?;
            for (id, span, heads_milli) in shifts {
                set.execute(params![id, span.start.unix_ms(), span.end.unix_ms(), heads_milli])?;
            }
            Ok(())
        })
    }

    /// Hours that staff worked within a span, added up over people; none where nothing was ever told of it.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn associate_hours(&self, span: TimeSpan) -> Result<Option<f64>, LedgerError> {
        let (start, end) = bounds(span);
        let sql = "SELECT sum((min(to_ms, ?2) - max(from_ms, ?1)) * heads_milli / 3.6e9) FROM shift \
                   WHERE to_ms > ?1 AND from_ms < ?2";
        self.sqlite.query_row(sql, [start, end], |row| row.get(0)).map_err(|fault| self.fault(fault))
    }

    /// What the doors counted in a span, and how much of the `open` spans within it they saw.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn door_sums(&self, span: TimeSpan, open: &[TimeSpan]) -> Result<DoorSums, LedgerError> {
        let (start, end) = bounds(span);
        let sql = "SELECT total(iif(role = 'door', entries, 0)), total(iif(role = 'door', exits, 0)), \
                   total(iif(role = 'door', staff_in, 0)), total(iif(role = 'door', reentries, 0)), \
                   total(iif(role = 'passersby', passersby, 0)) FROM door_minute WHERE start_ms >= ?1 AND start_ms < ?2";
        let read = |row: &rusqlite::Row<'_>| {
            let number = |at: usize| row.get::<_, f64>(at).map(|sum| sum as u64);
            Ok(DoorSums {
                entries: number(0)?,
                exits: number(1)?,
                staff_entries: number(2)?,
                reentries: number(3)?,
                passersby: number(4)?,
                seen: Duration::ZERO,
            })
        };
        let mut sums = self.sqlite.query_row(sql, [start, end], read).map_err(|fault| self.fault(fault))?;
        for open in open {
            let (from, to) = bounds(*open);
            // A minute that the store opens or closes in counts for as much of it as it was open.
            let sql = "SELECT total(min(seen_ms, min(start_ms + ?3, ?2) - max(start_ms, ?1))) FROM door_minute \
                       WHERE role = 'door' AND valid = 1 AND start_ms > ?1 - ?3 AND start_ms < ?2";
            let seen_ms: f64 = self
                .sqlite
                .query_row(sql, [from, to, MINUTE_MS], |row| row.get(0))
                .map_err(|fault| self.fault(fault))?;
            sums.seen += Duration::from_millis(seen_ms as u64);
        }
        Ok(sums)
    }

    /// What the till told of a span.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn till_sums(&self, span: TimeSpan) -> Result<TillSums, LedgerError> {
        let (start, end) = bounds(span);
        let sql = "SELECT count(iif(what = 'sale', 1, NULL)), coalesce(sum(iif(what = 'sale', amount_minor, 0)), 0), \
                   sum(iif(what = 'sale', units, NULL)), count(iif(what = 'sale' AND units IS NULL, 1, NULL)), \
                   count(iif(what = 'refund', 1, NULL)), coalesce(sum(iif(what = 'refund', amount_minor, 0)), 0) \
                   FROM sale WHERE at_ms >= ?1 AND at_ms < ?2 \
                   AND NOT EXISTS (SELECT 1 FROM sale AS void WHERE void.what = 'void' AND void.voids = sale.id)";
        let read = |row: &rusqlite::Row<'_>| {
            let number = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
            let units = row.get::<_, Option<i64>>(2)?.map(i64::unsigned_abs);
            let units = units.filter(|_| row.get(3) == Ok(0_i64));
            let sales = Sales { transactions: number(0)?, amount_minor: row.get(1)?, units };
            Ok(TillSums { sales, refunds: number(4)?, refunded_minor: row.get(5)? })
        };
        self.sqlite.query_row(sql, [start, end], read).map_err(|fault| self.fault(fault))
    }

    /// Whether the till has ever told anything that is kept.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn has_sales(&self) -> Result<bool, LedgerError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM sale)";
        self.sqlite.query_row(sql, [], |row| row.get(0)).map_err(|fault| self.fault(fault))
    }

    /// Records (id, body) that were not handed to the outbox, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn unsent(&self, limit: u32) -> Result<Vec<(String, String)>, LedgerError> {
        let sql = "SELECT id, body FROM sale WHERE sent = 0 ORDER BY at_ms, id LIMIT ?1";
        let rows = || -> rusqlite::Result<Vec<_>> {
            let mut unsent = self.sqlite.prepare_cached(sql)?;
            unsent.query_map([limit], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        rows().map_err(|fault| self.fault(fault))
    }

    /// Notes that records were handed to the outbox.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn mark_sent<'a>(&mut self, ids: impl Iterator<Item = &'a str>) -> Result<(), LedgerError> {
        self.all(|all| {
            let mut mark = all.prepare_cached("UPDATE sale SET sent = 1 WHERE id = ?1")?;
            for id in ids {
                mark.execute([id])?;
            }
            Ok(())
        })
    }

    /// Periods that ended before `before` and of which something new is known, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn due(&self, before: WallTime, limit: u32) -> Result<Vec<DuePeriod>, LedgerError> {
        let sql = "SELECT kind, start_ms, end_ms, revision, told FROM period WHERE dirty = 1 AND end_ms <= ?1 \
                   ORDER BY end_ms, start_ms DESC LIMIT ?2";
        let read = |row: &rusqlite::Row<'_>| {
            let kind: String = row.get(0)?;
            let span = TimeSpan {
                start: WallTime::from_unix_ms(row.get(1)?),
                end: WallTime::from_unix_ms(row.get(2)?),
            };
            let (revision, told) = (row.get(3)?, row.get(4)?);
            Ok(kind_named(&kind).map(|kind| DuePeriod { kind, span, revision, told }))
        };
        let rows = || -> rusqlite::Result<Vec<_>> {
            let mut due = self.sqlite.prepare_cached(sql)?;
            let rows = due.query_map(params![before.unix_ms(), limit], read)?;
            rows.filter_map(Result::transpose).collect()
        };
        rows().map_err(|fault| self.fault(fault))
    }

    /// Notes that a period was looked at: what was told of it, where that was anything new.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn told(&mut self, period: &DuePeriod, told: Option<&str>) -> Result<(), LedgerError> {
        let (kind, start) = (kind_name(period.kind), period.span.start.unix_ms());
        self.all(|all| {
            all.execute(
                "UPDATE period SET dirty = 0 WHERE kind = ?1 AND start_ms = ?2",
                params![kind, start],
            )?;
            if let Some(told) = told {
                let sql = "UPDATE period SET revision = ?3, told = ?4 WHERE kind = ?1 AND start_ms = ?2";
                all.execute(sql, params![kind, start, period.revision + 1, told])?;
            }
            Ok(())
        })
    }

    /// Keeps who is inside.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn keep_inside(&mut self, at: WallTime, inside: &Inside) -> Result<(), LedgerError> {
        let since: Vec<String> = inside.since.iter().map(|since| since.unix_ms().to_string()).collect();
        let since = format!("[{}]", since.join(","));
        let row = params![at.unix_ms(), since, inside.staff];
        let kept = self.sqlite.execute("INSERT OR REPLACE INTO inside VALUES (1, ?1, ?2, ?3)", row);
        kept.map(|_| ()).map_err(|fault| self.fault(fault))
    }

    /// Who was inside when that was last kept.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn inside(&self) -> Result<Option<(WallTime, Inside)>, LedgerError> {
        let read = |row: &rusqlite::Row<'_>| {
            let since: String = row.get(1)?;
            let times = since.trim_matches(['[', ']']).split(',').filter_map(|ms| ms.parse().ok());
            let since = times.map(WallTime::from_unix_ms).collect();
            Ok((WallTime::from_unix_ms(row.get(0)?), Inside { since, staff: row.get(2)? }))
        };
        let kept = self.sqlite.query_row("SELECT at_ms, since, staff FROM inside", [], read).optional();
        kept.map_err(|fault| self.fault(fault))
    }

    /// How much was put aside since a time.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn aside_since(&self, at: WallTime) -> Result<u64, LedgerError> {
        let sql = "SELECT count(*) FROM aside WHERE at_ms >= ?1";
        let count = self.sqlite.query_row(sql, [at.unix_ms()], |row| row.get(0).map(i64::unsigned_abs));
        count.map_err(|fault| self.fault(fault))
    }

    /// What was put aside, the newest first, at most `limit`.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn aside(&self, limit: u32) -> Result<Vec<Aside>, LedgerError> {
        let sql = "SELECT at_ms, feed, row, reason, words, excerpt FROM aside ORDER BY number DESC LIMIT ?1";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Aside {
                at: WallTime::from_unix_ms(row.get(0)?),
                feed: row.get(1)?,
                row: row.get(2).map(i64::unsigned_abs)?,
                reason: row.get(3)?,
                words: row.get(4)?,
                excerpt: row.get(5)?,
            })
        };
        let rows = || -> rusqlite::Result<Vec<_>> {
            let mut aside = self.sqlite.prepare_cached(sql)?;
            aside.query_map([limit], read)?.collect()
        };
        rows().map_err(|fault| self.fault(fault))
    }

    /// Forgets what is older than [`KEEP`]. A sale that was not handed over stays.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn forget_old(&mut self, now: WallTime) -> Result<(), LedgerError> {
        let before = (now - KEEP).unix_ms();
        self.all(|all| {
            all.execute("DELETE FROM door_minute WHERE start_ms < ?1", [before])?;
            all.execute("DELETE FROM sale WHERE at_ms < ?1 AND sent = 1", [before])?;
            all.execute("DELETE FROM shift WHERE to_ms < ?1", [before])?;
            all.execute("DELETE FROM aside WHERE at_ms < ?1", [before])?;
            all.execute("DELETE FROM period WHERE end_ms < ?1", [before])?;
            Ok(())
        })
    }
}

fn take_one(
    all: &rusqlite::Transaction<'_>,
    row: u64,
    transaction: &Transaction,
    body: &str,
    taken: &mut Taken,
) -> rusqlite::Result<()> {
    let Transaction { id, at, what, amount_minor, voids, .. } = transaction;
    let mut known = all.prepare_cached("SELECT body FROM sale WHERE id = ?1")?;
    let known: Option<String> = known.query_row([id], |row| row.get(0)).optional()?;
    match known {
        Some(known) if known == body => taken.duplicates += 1,
        Some(_) => {
            let words =
                format!("the id {id:?} came before with other content; a till never uses an id twice");
            taken.reused.push((row, words));
        }
        None => {
            let mut add = all.prepare_cached(
                "INSERT INTO sale (id, at_ms, what, amount_minor, units, voids, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            let units = transaction.units().map(|units| i64::try_from(units).unwrap_or(i64::MAX));
            add.execute(params![id, at.unix_ms(), what.name(), amount_minor, units, voids, body])?;
            taken.accepted.push(row);
            taken.touched.push(*at);
            if let Some(voided) = voids {
                let sale = "SELECT at_ms FROM sale WHERE id = ?1";
                let at = all.query_row(sale, [voided], |row| row.get(0)).optional()?;
                taken.touched.extend(at.map(WallTime::from_unix_ms));
            }
        }
    }
    Ok(())
}

fn put_aside(
    all: &rusqlite::Transaction<'_>,
    at: WallTime,
    feed: &str,
    row: u64,
    reason: &str,
    words: &str,
    excerpt: &str,
) -> rusqlite::Result<()> {
    let mut put = all.prepare_cached(
        "INSERT INTO aside (at_ms, feed, row, reason, words, excerpt) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let row = i64::try_from(row).unwrap_or(i64::MAX);
    put.execute(params![at.unix_ms(), feed, row, reason, words, excerpt]).map(|_| ())
}

fn mark(all: &rusqlite::Transaction<'_>, periods: &[(SpanKind, TimeSpan)]) -> rusqlite::Result<()> {
    let mut mark = all.prepare_cached(
        "INSERT INTO period (kind, start_ms, end_ms) VALUES (?1, ?2, ?3) \
         ON CONFLICT (kind, start_ms) DO UPDATE SET dirty = 1, end_ms = excluded.end_ms",
    )?;
    for (kind, span) in periods {
        mark.execute(params![kind_name(*kind), span.start.unix_ms(), span.end.unix_ms()])?;
    }
    Ok(())
}

/// A period's kind, as stored and sent.
#[must_use]
pub const fn kind_name(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Quarter => "quarter",
        SpanKind::Hour => "hour",
        SpanKind::Day => "day",
    }
}

fn kind_named(name: &str) -> Option<SpanKind> {
    SpanKind::ALL.into_iter().find(|kind| kind_name(*kind) == name)
}

const fn bounds(span: TimeSpan) -> (i64, i64) {
    (span.start.unix_ms(), span.end.unix_ms())
}

fn whole_ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
