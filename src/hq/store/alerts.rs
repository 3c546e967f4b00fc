//! Alerts, and what the rules for them read.

use crate::hq::alerts::{BoxSeen, HourSeen, OpenAlert, Rule, SeenEvent, Subject};
use crate::time::{MINUTE_MS, WallTime};
use rusqlite::{Connection, Transaction, params};

/// The connection that a look reads from.
pub(in crate::hq) type Asking = Connection;
/// Why it fails.
pub(in crate::hq) type Failed = rusqlite::Error;

/// Most events that one look reads; more are of boxes that went mad, and the newest count.
const MOST_EVENTS: i64 = 100_000;
/// So many days hold the newest hour and those of the eight weeks before it.
const DAYS_BACK: i64 = 8 * 7 + 2;

/// An alert to be raised.
#[derive(Debug, Clone)]
pub(in crate::hq) struct NewAlert<'a> {
    pub(in crate::hq) subject: &'a Subject,
    pub(in crate::hq) began: WallTime,
    /// JSON: key and values of its sentence.
    pub(in crate::hq) detail: String,
}

/// An alert as it is told: to pages and to webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct AlertRow {
    pub(in crate::hq) alert_id: i64,
    pub(in crate::hq) rule: String,
    pub(in crate::hq) tenant_id: i64,
    pub(in crate::hq) tenant: String,
    pub(in crate::hq) store: String,
    pub(in crate::hq) about: String,
    pub(in crate::hq) began_ms: i64,
    pub(in crate::hq) ended_ms: Option<i64>,
    /// JSON: key and values of its sentence.
    pub(in crate::hq) detail: String,
}

const ALERT: &str =
    "SELECT alert_id, rule, tenant_id, tenant.name, store.name, about, began_ms, ended_ms, detail, store_id
    FROM alert JOIN store USING (store_id) JOIN tenant USING (tenant_id)";

fn alert_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<AlertRow> {
    Ok(AlertRow {
        alert_id: row.get(0)?,
        rule: row.get(1)?,
        tenant_id: row.get(2)?,
        tenant: row.get(3)?,
        store: row.get(4)?,
        about: row.get(5)?,
        began_ms: row.get(6)?,
        ended_ms: row.get(7)?,
        detail: row.get(8)?,
    })
}

fn alert(ask: &Connection, alert_id: i64) -> rusqlite::Result<AlertRow> {
    let sql = [ALERT, "WHERE alert_id = ?1"].join(" ");
    ask.prepare_cached(&sql)?.query_row([alert_id], alert_row)
}

/// Raises an alert.
pub(in crate::hq) fn raise(all: &Transaction<'_>, new: &NewAlert<'_>) -> rusqlite::Result<AlertRow> {
    let sql = "INSERT INTO alert (rule, store_id, about, began_ms, detail) VALUES (?1, ?2, ?3, ?4, ?5)";
    let Subject { rule, store_id, about } = new.subject;
    let values = params![rule.name(), store_id, about, new.began.unix_ms(), new.detail];
    all.prepare_cached(sql)?.execute(values)?;
    alert(all, all.last_insert_rowid())
}

/// Ends an alert.
pub(in crate::hq) fn end(all: &Transaction<'_>, alert_id: i64, at: WallTime) -> rusqlite::Result<AlertRow> {
    let sql = "UPDATE alert SET ended_ms = ?2 WHERE alert_id = ?1 AND ended_ms IS NULL";
    all.prepare_cached(sql)?.execute(params![alert_id, at.unix_ms()])?;
    alert(all, alert_id)
}

/// Forgets alerts that ended before a time.
pub(in crate::hq) fn forget(all: &Transaction<'_>, before: WallTime) -> rusqlite::Result<()> {
    all.prepare_cached("DELETE FROM alert WHERE ended_ms < ?1")?.execute([before.unix_ms()])?;
    Ok(())
}

/// Alerts that are open.
pub(in crate::hq) fn open(ask: &Connection) -> rusqlite::Result<Vec<OpenAlert>> {
    let sql = "SELECT alert_id, rule, store_id, about, began_ms,
                 store.retired_ms IS NOT NULL OR EXISTS (
                   SELECT 1 FROM box WHERE box.retired_ms IS NOT NULL AND box.store_id = alert.store_id
                     AND (about = box.name OR substr(about, 1, length(box.name) + 1) = box.name || '/'))
               FROM alert JOIN store USING (store_id) WHERE ended_ms IS NULL";
    let mut select = ask.prepare_cached(sql)?;
    let read = |row: &rusqlite::Row<'_>| {
        // Only the names of rules are ever written.
        let rule = Rule::named(row.get_ref(1)?.as_str()?).unwrap_or(Rule::NoData);
        let subject = Subject { rule, store_id: row.get(2)?, about: row.get(3)? };
        let began = WallTime::from_unix_ms(row.get(4)?);
        Ok(OpenAlert { alert_id: row.get(0)?, subject, began, is_retired: row.get(5)? })
    };
    select.query_map([], read)?.collect()
}

/// Since when the oldest alert is open that boxes themselves end.
pub(in crate::hq) fn oldest_open(ask: &Connection) -> rusqlite::Result<Option<WallTime>> {
    let sql = "SELECT min(began_ms) FROM alert WHERE ended_ms IS NULL AND rule IN ('camera_moved', 'queue', 'alarm')";
    let began: Option<i64> = ask.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(began.map(WallTime::from_unix_ms))
}

/// Alerts of the stores that are held, open ones first, then the newest, at most `most`: what the tests look at.
#[cfg(test)]
pub(in crate::hq) fn list(
    ask: &Connection,
    holds: impl Fn(i64) -> bool,
    most: usize,
) -> rusqlite::Result<Vec<AlertRow>> {
    let sql = [ALERT, "ORDER BY ended_ms IS NOT NULL, began_ms DESC, alert_id DESC"].join(" ");
    let mut select = ask.prepare_cached(&sql)?;
    let rows = select.query_map([], |row| Ok((row.get::<_, i64>(9)?, alert_row(row)?)))?;
    let held = rows.filter_map(|row| match row {
        Ok((store_id, row)) if holds(store_id) => Some(Ok(row)),
        Ok(_) => None,
        Err(fault) => Some(Err(fault)),
    });
    held.take(most).collect()
}

/// Stores in the register. Simulated ones tell of nothing new.
pub(in crate::hq) fn stores(ask: &Connection) -> rusqlite::Result<Vec<i64>> {
    let sql = "SELECT store_id FROM store WHERE retired_ms IS NULL AND simulated = 0";
    ask.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// Boxes in the register.
pub(in crate::hq) fn boxes(ask: &Connection) -> rusqlite::Result<Vec<BoxSeen>> {
    let sql = "SELECT store_id, name, last_record_ms, state, state_ms FROM box WHERE retired_ms IS NULL";
    let mut select = ask.prepare_cached(sql)?;
    let read = |row: &rusqlite::Row<'_>| {
        let (state, state_ms): (Option<String>, Option<i64>) = (row.get(3)?, row.get(4)?);
        // A state that a newer box writes and that is not understood says nothing.
        let state = state.and_then(|text| serde_json::from_str(&text).ok());
        let last_record = row.get::<_, Option<i64>>(2)?.map(WallTime::from_unix_ms);
        let state = state.zip(state_ms.map(WallTime::from_unix_ms));
        Ok(BoxSeen { store_id: row.get(0)?, name: row.get(1)?, last_record, state })
    };
    select.query_map([], read)?.collect()
}

/// Conditions, queue alerts and alarms since a time, by rising time.
pub(in crate::hq) fn events(ask: &Connection, since: WallTime) -> rusqlite::Result<Vec<SeenEvent>> {
    let sql = "SELECT box.store_id, box.name, body FROM event JOIN box USING (box_id)
               WHERE kind = ?1 AND at_ms >= ?2 AND box.retired_ms IS NULL ORDER BY at_ms DESC, seq DESC LIMIT ?3";
    let mut found = Vec::new();
    for kind in ["camera_condition", "alert", "alarm"] {
        let mut select = ask.prepare_cached(sql)?;
        let rows = select.query_map(params![kind, since.unix_ms(), MOST_EVENTS], |row| {
            let fact = serde_json::from_str(row.get_ref(2)?.as_str()?).ok();
            Ok((row.get(0)?, row.get(1)?, fact))
        })?;
        let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
        // What a newer box writes and nobody here understands is no alert.
        let understood = rows
            .into_iter()
            .rev()
            .filter_map(|(store_id, box_name, fact)| Some(SeenEvent { store_id, box_name, fact: fact? }));
        found.extend(understood);
    }
    Ok(found)
}

/// Complete open hours of a store that are needed to judge its newest one.
pub(in crate::hq) fn hours_like_the_last(
    ask: &Connection,
    store_id: i64,
    now: WallTime,
) -> rusqlite::Result<Vec<HourSeen>> {
    let sql = "SELECT hour, business_day, local_hour, entries - staff_entries - reentries FROM store_hour
               WHERE store_id = ?1 AND complete = 1 AND open_ms >= 3600000 AND hour >= ?2 AND hour <= ?3
                 AND (?4 - business_day) % 7 IN (-1, 0, 1, 6)";
    let minute = now.unix_ms().div_euclid(MINUTE_MS);
    let today = minute.div_euclid(24 * 60);
    let mut select = ask.prepare_cached(sql)?;
    let values = params![store_id, minute - DAYS_BACK * 24 * 60, minute, today];
    let read = |row: &rusqlite::Row<'_>| {
        Ok(HourSeen {
            start_minute: row.get(0)?,
            business_day: row.get(1)?,
            local_hour: row.get(2)?,
            visitors: row.get::<_, i64>(3)?.max(0),
        })
    };
    select.query_map(values, read)?.collect()
}
