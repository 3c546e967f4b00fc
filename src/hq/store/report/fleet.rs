//! Boxes and what they told of themselves; alerts.

use rusqlite::Connection;

/// Ranges of a box that are told at most; a box with more is in a trouble that the first ones show.
const MOST_RANGES: i64 = 100;
/// Strangers and things put aside that are told at most.
const MOST_TOLD: i64 = 200;

/// A box, as its last messages left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct BoxRow {
    pub(in crate::hq) box_id: i64,
    pub(in crate::hq) name: String,
    pub(in crate::hq) watermark: i64,
    pub(in crate::hq) highest: i64,
    pub(in crate::hq) last_record_ms: Option<i64>,
    pub(in crate::hq) lag_ms: Option<i64>,
    /// The message on `state`, as it came.
    pub(in crate::hq) state: Option<String>,
}

/// Numbers that never come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct LostRow {
    pub(in crate::hq) first: i64,
    pub(in crate::hq) last: i64,
    pub(in crate::hq) why: String,
}

/// A box that is not in the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct StrangerRow {
    pub(in crate::hq) topic: String,
    pub(in crate::hq) name: String,
    pub(in crate::hq) first_ms: i64,
    pub(in crate::hq) last_ms: i64,
    pub(in crate::hq) messages: i64,
}

/// What could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct AsideRow {
    pub(in crate::hq) aside_id: i64,
    pub(in crate::hq) at_ms: i64,
    pub(in crate::hq) topic: String,
    /// The store of the box, where that is known.
    pub(in crate::hq) store_id: Option<i64>,
    pub(in crate::hq) reason: String,
    pub(in crate::hq) bytes: i64,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct AlertRow {
    pub(in crate::hq) alert_id: i64,
    pub(in crate::hq) rule: String,
    pub(in crate::hq) store_id: i64,
    pub(in crate::hq) about: String,
    pub(in crate::hq) began_ms: i64,
    pub(in crate::hq) ended_ms: Option<i64>,
    /// JSON.
    pub(in crate::hq) detail: String,
}

/// The boxes of all stores by store: a few for each.
pub(in crate::hq) fn boxes(ask: &Connection) -> rusqlite::Result<Vec<(i64, BoxRow)>> {
    let sql = "SELECT box_id, name, watermark, highest, last_record_ms, lag_ms, state, store_id FROM box
        WHERE retired_ms IS NULL ORDER BY name";
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map([], |row| {
        let of_box = BoxRow {
            box_id: row.get(0)?,
            name: row.get(1)?,
            watermark: row.get(2)?,
            highest: row.get(3)?,
            last_record_ms: row.get(4)?,
            lag_ms: row.get(5)?,
            state: row.get(6)?,
        };
        Ok((row.get(7)?, of_box))
    })?;
    rows.collect()
}

/// What arrived above the watermark, as ranges: what lies between them is missing.
pub(in crate::hq) fn received_above(ask: &Connection, of: &BoxRow) -> rusqlite::Result<Vec<(i64, i64)>> {
    let sql = "SELECT first_seq, last_seq FROM received WHERE box_id = ?1 AND first_seq > ?2
        UNION ALL SELECT first_seq, last_seq FROM lost WHERE box_id = ?1 AND first_seq > ?2
        ORDER BY 1 LIMIT ?3";
    let mut select = ask.prepare_cached(sql)?;
    let rows =
        select.query_map((of.box_id, of.watermark, MOST_RANGES), |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// The newest ranges of a box that never come.
pub(in crate::hq) fn lost(ask: &Connection, box_id: i64) -> rusqlite::Result<Vec<LostRow>> {
    let sql = "SELECT first_seq, last_seq, why FROM lost WHERE box_id = ?1 ORDER BY first_seq DESC LIMIT ?2";
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map((box_id, MOST_RANGES), |row| {
        Ok(LostRow { first: row.get(0)?, last: row.get(1)?, why: row.get(2)? })
    })?;
    rows.collect()
}

/// Boxes that send and are not in the register.
pub(in crate::hq) fn strangers(ask: &Connection) -> rusqlite::Result<Vec<StrangerRow>> {
    let sql = "SELECT topic, box, first_ms, last_ms, messages FROM stranger ORDER BY last_ms DESC LIMIT ?1";
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map([MOST_TOLD], |row| {
        Ok(StrangerRow {
            topic: row.get(0)?,
            name: row.get(1)?,
            first_ms: row.get(2)?,
            last_ms: row.get(3)?,
            messages: row.get(4)?,
        })
    })?;
    rows.collect()
}

/// What could not be read, the newest first.
pub(in crate::hq) fn aside(ask: &Connection) -> rusqlite::Result<Vec<AsideRow>> {
    let sql = "SELECT aside_id, at_ms, topic, store_id, reason, bytes FROM aside LEFT JOIN box USING (box_id)
        ORDER BY aside_id DESC LIMIT ?1";
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map([MOST_TOLD], |row| {
        Ok(AsideRow {
            aside_id: row.get(0)?,
            at_ms: row.get(1)?,
            topic: row.get(2)?,
            store_id: row.get(3)?,
            reason: row.get(4)?,
            bytes: row.get(5)?,
        })
    })?;
    rows.collect()
}

/// The alerts that are open, and those that ended after a time; the newest first.
pub(in crate::hq) fn alerts(ask: &Connection, ended_after_ms: i64) -> rusqlite::Result<Vec<AlertRow>> {
    let sql = "SELECT alert_id, rule, store_id, about, began_ms, ended_ms, detail FROM alert
        WHERE ended_ms IS NULL OR ended_ms > ?1 ORDER BY alert_id DESC LIMIT 1000";
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map([ended_after_ms], |row| {
        Ok(AlertRow {
            alert_id: row.get(0)?,
            rule: row.get(1)?,
            store_id: row.get(2)?,
            about: row.get(3)?,
            began_ms: row.get(4)?,
            ended_ms: row.get(5)?,
            detail: row.get(6)?,
        })
    })?;
    rows.collect()
}
