//! [`Memory`] in SQL, within one transaction.

use super::{AsideRow, MAX_ASIDE};
use crate::analytics::conversion::TillSums;
use crate::calendar::{Day, SpanKind, TimeSpan};
use crate::count::LineRole;
use crate::ids::{CameraId, LineId};
use crate::site::till::{Rejected, Transaction};
use crate::site::{Door, DoorMinute, DoorSums, DuePeriod, Kept, Memory, Occupancy, Shift, StoreFact};
use crate::time::{MINUTE_MS, WallTime};
use crate::wire::v1::{Fact, span_name};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::time::Duration;

/// The ledger as the store sees it during one step.
#[derive(Debug)]
pub struct LedgerMemory<'a>(&'a Connection);

impl<'a> LedgerMemory<'a> {
    pub(super) const fn of(sqlite: &'a Connection) -> Self {
        Self(sqlite)
    }

    fn run(&self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<usize> {
        self.0.prepare_cached(sql)?.execute(values)
    }

    fn all<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.0.prepare_cached(sql)?.query_map(values, read)?.collect()
    }
}

/// Sums and spans in the file are never below zero but by a fault, and then say nothing.
fn whole(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn small(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

fn span_ms(number: i64) -> Duration {
    Duration::from_millis(whole(number))
}

fn to_ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn wall(row: &Row<'_>, column: usize) -> rusqlite::Result<WallTime> {
    row.get(column).map(WallTime::from_unix_ms)
}

/// A text that was an id or a name when it was written; a fault of the file otherwise.
fn known<T>(column: usize, read: Option<T>) -> rusqlite::Result<T> {
    let fault = || rusqlite::Error::InvalidColumnType(column, "name".to_owned(), rusqlite::types::Type::Text);
    read.ok_or_else(fault)
}

/// Camera, line and role, from `column` on.
fn door(row: &Row<'_>, column: usize) -> rusqlite::Result<Door> {
    let text = |at: usize| row.get_ref(column + at)?.as_str().map_err(rusqlite::Error::from);
    let role = text(2)?;
    Ok(Door {
        camera: known(column, CameraId::parse(text(0)?).ok())?,
        line: known(column + 1, LineId::parse_any_case(text(1)?).ok())?,
        role: known(column + 2, LineRole::ALL.into_iter().find(|known| known.name() == role))?,
    })
}

/// All that a transaction says, in an order that stays.
fn content(transaction: &Transaction) -> String {
    let Transaction { at, what, amount_minor, lines, units, channel, voids, .. } = transaction;
    let lines: Vec<_> =
        lines.iter().map(|l| (&l.item, &l.category, l.quantity_milli, l.amount_minor)).collect();
    serde_json::json!([at.unix_ms(), what.name(), amount_minor, units, channel, voids, lines]).to_string()
}

pub(super) fn aside(sqlite: &Connection, most: usize) -> rusqlite::Result<Vec<AsideRow>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let sql = "SELECT at_ms, feed, row, reason, words, excerpt FROM aside ORDER BY id DESC LIMIT ?1";
    LedgerMemory(sqlite).all(sql, [most], |row| {
        Ok(AsideRow {
            at: wall(row, 0)?,
            feed: row.get(1)?,
            row: whole(row.get(2)?),
            reason: row.get(3)?,
            words: row.get(4)?,
            excerpt: row.get(5)?,
        })
    })
}

const ADD_MINUTE: &str = "
    INSERT INTO door_minute VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
    ON CONFLICT DO UPDATE SET
      role = excluded.role, entries = entries + excluded.entries, exits = exits + excluded.exits,
      staff_in = staff_in + excluded.staff_in, staff_out = staff_out + excluded.staff_out,
      reentries = reentries + excluded.reentries, passersby = passersby + excluded.passersby,
      seen_ms = seen_ms + excluded.seen_ms, valid = min(valid, excluded.valid), part = max(part, excluded.part)";

const TILL_SUMS: &str = "
    SELECT count(*) FILTER (WHERE what = 'sale'),
      coalesce(sum(amount_minor) FILTER (WHERE what = 'sale'), 0),
      coalesce(sum(amount_minor) FILTER (WHERE what = 'refund'), 0),
      coalesce(sum(units) FILTER (WHERE what = 'sale'), 0),
      count(units) FILTER (WHERE what = 'sale')
    FROM till WHERE at_ms >= ?1 AND at_ms < ?2
      AND NOT EXISTS (SELECT 1 FROM till AS void WHERE void.voids = till.id AND void.what = 'void')";

impl Memory for LedgerMemory<'_> {
    type Error = rusqlite::Error;

    fn add_minute(&mut self, minute: &DoorMinute) -> rusqlite::Result<()> {
        // What an invalid line counted counts for nothing, and as not seen.
        let valid = i64::from(minute.valid);
        let values = params![
            minute.start.unix_ms(),
            minute.door.camera.as_str(),
            minute.door.line.as_str(),
            minute.door.role.name(),
            valid * i64::from(minute.entries),
            valid * i64::from(minute.exits),
            valid * i64::from(minute.staff_in),
            valid * i64::from(minute.staff_out),
            valid * i64::from(minute.reentries),
            valid * i64::from(minute.passersby),
            valid * to_ms(minute.seen),
            valid,
            minute.part,
        ];
        self.run(ADD_MINUTE, values).map(drop)
    }

    fn minutes_after(&self, after: WallTime) -> rusqlite::Result<Vec<DoorMinute>> {
        let sql =
            "SELECT start_ms, camera, line, role, entries, exits, staff_in, staff_out, reentries, passersby,
            seen_ms, valid, part FROM door_minute WHERE start_ms > ?1 ORDER BY start_ms, camera, line";
        let signed = |number: i64| i32::try_from(number).unwrap_or(0);
        self.all(sql, [after.unix_ms()], |row| {
            Ok(DoorMinute {
                start: wall(row, 0)?,
                door: door(row, 1)?,
                entries: small(row.get(4)?),
                exits: small(row.get(5)?),
                staff_in: signed(row.get(6)?),
                staff_out: signed(row.get(7)?),
                reentries: small(row.get(8)?),
                passersby: small(row.get(9)?),
                seen: span_ms(row.get(10)?),
                valid: row.get(11)?,
                part: row.get(12)?,
            })
        })
    }

    fn door_sums(&self, span: TimeSpan) -> rusqlite::Result<Vec<DoorSums>> {
        let sql = "SELECT camera, line, role, sum(entries * valid), sum(staff_in * valid),
            sum(reentries * valid), sum(passersby * valid), sum(min(seen_ms, ?3) * valid) FROM door_minute WHERE start_ms >= ?1 AND start_ms < ?2
            GROUP BY camera, line, role ORDER BY camera, line, role";
        self.all(sql, (span.start.unix_ms(), span.end.unix_ms(), MINUTE_MS), |row| {
            Ok(DoorSums {
                door: door(row, 0)?,
                entries: whole(row.get(3)?),
                staff_in: whole(row.get(4)?),
                reentries: whole(row.get(5)?),
                passersby: whole(row.get(6)?),
                seen: span_ms(row.get(7)?),
            })
        })
    }

    fn add_transaction(&mut self, transaction: &Transaction, feed: &str) -> rusqlite::Result<Kept> {
        let content = content(transaction);
        let sql = "SELECT content FROM till WHERE id = ?1";
        let known: Option<String> =
            self.0.prepare_cached(sql)?.query_row([&transaction.id], |row| row.get(0)).optional()?;
        if let Some(known) = known {
            return Ok(if known == content { Kept::Duplicate } else { Kept::Reused });
        }
        let units = transaction.units().map(|units| i64::try_from(units).unwrap_or(i64::MAX));
        let Transaction { id, at, what, amount_minor, voids, .. } = transaction;
        let values = params![id, at.unix_ms(), what.name(), amount_minor, units, voids, content, feed];
        self.run("INSERT INTO till VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", values)?;
        Ok(Kept::New)
    }

    fn transaction_at(&self, id: &str) -> rusqlite::Result<Option<WallTime>> {
        let mut select = self.0.prepare_cached("SELECT at_ms FROM till WHERE id = ?1")?;
        select.query_row([id], |row| wall(row, 0)).optional()
    }

    fn till_sums(&self, span: TimeSpan) -> rusqlite::Result<TillSums> {
        let mut select = self.0.prepare_cached(TILL_SUMS)?;
        select.query_row((span.start.unix_ms(), span.end.unix_ms()), |row| {
            Ok(TillSums {
                transactions: whole(row.get(0)?),
                sales_minor: row.get(1)?,
                refunds_minor: row.get(2)?,
                units: whole(row.get(3)?),
                with_units: whole(row.get(4)?),
            })
        })
    }

    fn add_rejected(&mut self, rejected: &Rejected, feed: &str, at: WallTime) -> rusqlite::Result<()> {
        let Rejected { row, fault, excerpt } = rejected;
        let row = i64::try_from(*row).unwrap_or(i64::MAX);
        let values = params![at.unix_ms(), feed, row, fault.reason.name(), fault.words, excerpt];
        let sql =
            "INSERT INTO aside (at_ms, feed, row, reason, words, excerpt) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.run(sql, values)?;
        let last = self.0.last_insert_rowid();
        self.run("DELETE FROM aside WHERE id <= ?1", [last - MAX_ASIDE]).map(drop)
    }

    fn till_heard_until(&self) -> rusqlite::Result<Option<WallTime>> {
        let heard: Option<i64> = self.0.query_row("SELECT till_heard_ms FROM meta", [], |row| row.get(0))?;
        Ok(heard.map(WallTime::from_unix_ms))
    }

    fn set_till_heard_until(&mut self, at: WallTime) -> rusqlite::Result<()> {
        self.run("UPDATE meta SET till_heard_ms = ?1", [at.unix_ms()]).map(drop)
    }

    fn add_shift(&mut self, shift: &Shift) -> rusqlite::Result<()> {
        let Shift { id, span, worked } = shift;
        let values = params![id, span.start.unix_ms(), span.end.unix_ms(), to_ms(*worked)];
        self.run("INSERT OR REPLACE INTO shift VALUES (?1, ?2, ?3, ?4)", values).map(drop)
    }

    fn shifts(&self, span: TimeSpan) -> rusqlite::Result<Vec<Shift>> {
        let sql = "SELECT id, start_ms, end_ms, worked_ms FROM shift WHERE start_ms < ?2 AND end_ms > ?1 ORDER BY id";
        self.all(sql, (span.start.unix_ms(), span.end.unix_ms()), |row| {
            let span = TimeSpan { start: wall(row, 1)?, end: wall(row, 2)? };
            Ok(Shift { id: row.get(0)?, span, worked: span_ms(row.get(3)?) })
        })
    }

    fn counted_staff(&self, span: TimeSpan) -> rusqlite::Result<Option<Duration>> {
        let sql = "SELECT sum(staff) FROM staff_minute WHERE start_ms >= ?1 AND start_ms < ?2";
        let minutes: Option<i64> =
            self.0.query_row(sql, (span.start.unix_ms(), span.end.unix_ms()), |row| row.get(0))?;
        Ok(minutes.map(|minutes| span_ms(minutes.saturating_mul(MINUTE_MS))))
    }

    fn touch(&mut self, kind: SpanKind, span: TimeSpan) -> rusqlite::Result<()> {
        let sql = "INSERT INTO period VALUES (?1, ?2, ?3, 0, '', 1) ON CONFLICT DO UPDATE SET changed = 1";
        self.run(sql, params![span_name(kind), span.start.unix_ms(), span.end.unix_ms()]).map(drop)
    }

    fn touch_ending_in(&mut self, span: TimeSpan) -> rusqlite::Result<()> {
        let sql = "UPDATE period SET changed = 1 WHERE end_ms >= ?1 AND end_ms <= ?2";
        self.run(sql, (span.start.unix_ms(), span.end.unix_ms())).map(drop)
    }

    fn due_periods(&self, ended_by: WallTime, most: usize) -> rusqlite::Result<Vec<DuePeriod>> {
        let sql = "SELECT kind, start_ms, end_ms, revision, fingerprint FROM period
            WHERE changed = 1 AND end_ms <= ?1 ORDER BY end_ms, start_ms DESC LIMIT ?2";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.all(sql, (ended_by.unix_ms(), most), |row| {
            let name = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            Ok(DuePeriod {
                kind: known(0, SpanKind::ALL.into_iter().find(|kind| span_name(*kind) == name))?,
                span: TimeSpan { start: wall(row, 1)?, end: wall(row, 2)? },
                revision: small(row.get(3)?),
                fingerprint: row.get(4)?,
            })
        })
    }

    fn period_given_out(&mut self, given_out: &DuePeriod) -> rusqlite::Result<()> {
        let DuePeriod { kind, span, revision, fingerprint } = given_out;
        let sql = "UPDATE period SET revision = ?3, fingerprint = ?4, changed = 0 WHERE kind = ?1 AND start_ms = ?2";
        self.run(sql, params![span_name(*kind), span.start.unix_ms(), revision, fingerprint]).map(drop)
    }

    fn occupancy(&self) -> rusqlite::Result<(Occupancy, Option<WallTime>)> {
        let inside = self.all("SELECT came_ms, people FROM inside ORDER BY came_ms", [], |row| {
            Ok((wall(row, 0)?, small(row.get(1)?)))
        })?;
        let sql = "SELECT staff, day, worked_out_ms FROM meta";
        let (staff, day, worked_out): (i64, Option<String>, Option<i64>) =
            self.0.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let day = day.and_then(|day| Day::parse(&day).ok());
        Ok((Occupancy::restored(inside, small(staff), day), worked_out.map(WallTime::from_unix_ms)))
    }

    fn set_occupancy(&mut self, occupancy: &Occupancy, minute: WallTime) -> rusqlite::Result<()> {
        self.run("DELETE FROM inside", [])?;
        for (came, people) in occupancy.inside() {
            // A clock that was set back may bring a minute twice.
            let sql = "INSERT INTO inside VALUES (?1, ?2) ON CONFLICT DO UPDATE SET people = people + excluded.people";
            self.run(sql, (came.unix_ms(), people))?;
        }
        let day = occupancy.day().map(|day| day.to_string());
        let values = params![occupancy.staff(), day, minute.unix_ms()];
        self.run("UPDATE meta SET staff = ?1, day = ?2, worked_out_ms = ?3", values)?;
        let sql = "INSERT OR REPLACE INTO staff_minute VALUES (?1, ?2)";
        self.run(sql, (minute.unix_ms(), occupancy.staff())).map(drop)
    }

    fn give_out(&mut self, fact: &StoreFact) -> rusqlite::Result<()> {
        let body = serde_json::to_string(&Fact::store(fact)).expect("a fact has only keys that are text");
        self.run("INSERT INTO outgoing (body) VALUES (?1)", [body]).map(drop)
    }

    fn forget_before(&mut self, at: WallTime) -> rusqlite::Result<()> {
        for sql in [
            "DELETE FROM door_minute WHERE start_ms < ?1",
            "DELETE FROM till WHERE at_ms < ?1",
            "DELETE FROM aside WHERE at_ms < ?1",
            "DELETE FROM shift WHERE end_ms < ?1",
            "DELETE FROM period WHERE end_ms < ?1",
            "DELETE FROM staff_minute WHERE start_ms < ?1",
        ] {
            self.run(sql, [at.unix_ms()])?;
        }
        Ok(())
    }
}
