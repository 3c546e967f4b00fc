//! Roll-outs and their boxes.

use crate::hq::alerts::RolloutSeen;
use crate::hq::fleet::rollout::{Cameras, Member, Seen};
use crate::time::WallTime;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use std::time::Duration;

/// What is rolled out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hq) enum Kind {
    /// Settings.
    Config,
    /// A package.
    Software,
}

impl Kind {
    pub(in crate::hq) const fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Software => "software",
        }
    }
}

/// A roll-out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct RolloutRow {
    pub(in crate::hq) rollout_id: i64,
    pub(in crate::hq) tenant_id: i64,
    pub(in crate::hq) kind: Kind,
    pub(in crate::hq) title: String,
    pub(in crate::hq) change: String,
    pub(in crate::hq) why: String,
    /// None: somebody at the machine.
    pub(in crate::hq) by: Option<String>,
    pub(in crate::hq) account_id: Option<i64>,
    pub(in crate::hq) created: WallTime,
    pub(in crate::hq) soak: Duration,
    /// `running`, `stopped`, `done` or `taken_back`.
    pub(in crate::hq) state: String,
    pub(in crate::hq) reason: Option<String>,
    pub(in crate::hq) since: WallTime,
}

/// A roll-out that is to be made.
#[derive(Debug, Clone, Copy)]
pub(in crate::hq) struct NewRollout<'a> {
    pub(in crate::hq) tenant_id: i64,
    pub(in crate::hq) kind: Kind,
    pub(in crate::hq) title: &'a str,
    pub(in crate::hq) change: &'a str,
    pub(in crate::hq) why: &'a str,
    pub(in crate::hq) account_id: Option<i64>,
    pub(in crate::hq) now: WallTime,
    pub(in crate::hq) soak: Duration,
}

/// A box of a roll-out, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::hq) struct MemberRow {
    /// How it is now is not stored.
    pub(in crate::hq) member: Member,
    pub(in crate::hq) store_id: i64,
    pub(in crate::hq) store: String,
    pub(in crate::hq) name: String,
    /// The version that it was given.
    pub(in crate::hq) version: Option<i64>,
    pub(in crate::hq) before: Option<String>,
    pub(in crate::hq) taken: Option<bool>,
    /// Whether it has left the register.
    pub(in crate::hq) is_retired: bool,
}

const ROLLOUT: &str = "SELECT rollout_id, tenant_id, kind, title, change, why, account.name, account_id, rollout.created_ms, soak_ms,
    state, reason, state_ms FROM rollout LEFT JOIN account USING (account_id)";

fn rollout_row(row: &Row<'_>) -> rusqlite::Result<RolloutRow> {
    Ok(RolloutRow {
        rollout_id: row.get(0)?,
        tenant_id: row.get(1)?,
        kind: if row.get_ref(2)?.as_str()? == "software" { Kind::Software } else { Kind::Config },
        title: row.get(3)?,
        change: row.get(4)?,
        why: row.get(5)?,
        by: row.get(6)?,
        account_id: row.get(7)?,
        created: WallTime::from_unix_ms(row.get(8)?),
        soak: Duration::from_millis(row.get::<_, i64>(9)?.unsigned_abs()),
        state: row.get(10)?,
        reason: row.get(11)?,
        since: WallTime::from_unix_ms(row.get(12)?),
    })
}

/// The newest roll-outs of a chain, at most `most`.
pub(in crate::hq) fn of_tenant(
    ask: &Connection,
    tenant_id: i64,
    most: u32,
) -> rusqlite::Result<Vec<RolloutRow>> {
    let sql = [ROLLOUT, "WHERE tenant_id = ?1 ORDER BY rollout_id DESC LIMIT ?2"].join(" ");
    ask.prepare_cached(&sql)?.query_map((tenant_id, most), rollout_row)?.collect()
}

/// A roll-out of a chain.
pub(in crate::hq) fn find(
    ask: &Connection,
    tenant_id: i64,
    rollout_id: i64,
) -> rusqlite::Result<Option<RolloutRow>> {
    let sql = [ROLLOUT, "WHERE tenant_id = ?1 AND rollout_id = ?2"].join(" ");
    ask.prepare_cached(&sql)?.query_row((tenant_id, rollout_id), rollout_row).optional()
}

/// Roll-outs in a state.
pub(in crate::hq) fn in_state(ask: &Connection, state: &str) -> rusqlite::Result<Vec<RolloutRow>> {
    let sql = [ROLLOUT, "WHERE state = ?1 ORDER BY rollout_id"].join(" ");
    ask.prepare_cached(&sql)?.query_map([state], rollout_row)?.collect()
}

/// Roll-outs that stopped, and those of which an alert says so still.
pub(in crate::hq) fn for_alerts(ask: &Connection) -> rusqlite::Result<Vec<RolloutSeen>> {
    // At the store of a box that is worse, where there is one.
    let sql = "SELECT rollout_id, title, state, reason, state_ms,
          coalesce((SELECT store_id FROM alert WHERE rule = 'rollout_stopped' AND ended_ms IS NULL AND about = 'rollout-' || rollout_id),
            (SELECT store_id FROM rollout_box b JOIN box USING (box_id) WHERE b.rollout_id = rollout.rollout_id
             ORDER BY worse IS NULL, ring, box_id LIMIT 1))
        FROM rollout WHERE state = 'stopped'
          OR 'rollout-' || rollout_id IN (SELECT about FROM alert WHERE rule = 'rollout_stopped' AND ended_ms IS NULL)";
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map([], |row| {
        let reason: Option<String> = row.get(3)?;
        let since = WallTime::from_unix_ms(row.get(4)?);
        let is_stopped = row.get_ref(2)?.as_str()? == "stopped";
        Ok(RolloutSeen {
            rollout_id: row.get(0)?,
            title: row.get(1)?,
            store_id: row.get(5)?,
            stopped: is_stopped.then(|| (reason.unwrap_or_default(), since)),
        })
    })?;
    rows.collect()
}

/// A box of these that is in a roll-out of the same kind that is not over.
pub(in crate::hq) fn taken_box(
    ask: &Connection,
    kind: Kind,
    boxes: &[i64],
) -> rusqlite::Result<Option<(i64, String)>> {
    let sql = "SELECT rollout_id, box.name FROM rollout_box JOIN rollout USING (rollout_id) JOIN box USING (box_id)
        WHERE kind = ?1 AND rollout.state IN ('running', 'stopped') AND box_id IN (SELECT value FROM json_each(?2)) LIMIT 1";
    let boxes = serde_json::json!(boxes).to_string();
    ask.prepare_cached(sql)?
        .query_row(params![kind.name(), boxes], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// Makes a roll-out of boxes, each with its ring; its row.
pub(in crate::hq) fn put(
    all: &Transaction<'_>,
    new: NewRollout<'_>,
    boxes: &[(i64, usize)],
) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO rollout (tenant_id, kind, title, change, why, account_id, created_ms, soak_ms, state, state_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'running', ?7)";
    let NewRollout { tenant_id, kind, title, change, why, account_id, now, soak } = new;
    let soak_ms = i64::try_from(soak.as_millis()).unwrap_or(i64::MAX);
    let values = params![tenant_id, kind.name(), title, change, why, account_id, now.unix_ms(), soak_ms];
    all.prepare_cached(sql)?.execute(values)?;
    let rollout_id = all.last_insert_rowid();
    let mut insert =
        all.prepare_cached("INSERT INTO rollout_box (rollout_id, box_id, ring) VALUES (?1, ?2, ?3)")?;
    for (box_id, ring) in boxes {
        insert.execute((rollout_id, box_id, *ring as i64))?;
    }
    Ok(rollout_id)
}

/// The boxes of a roll-out, by ring and name. How they are now is left open.
pub(in crate::hq) fn members(ask: &Connection, rollout_id: i64) -> rusqlite::Result<Vec<MemberRow>> {
    let sql = "SELECT box_id, ring, asked_ms, baseline, answered_ms, worse, forgiven, box.store_id, store.name, box.name, version,
          before, taken, box.retired_ms IS NOT NULL OR store.retired_ms IS NOT NULL
        FROM rollout_box JOIN box USING (box_id) JOIN store USING (store_id)
        WHERE rollout_id = ?1 ORDER BY ring, box.name";
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map([rollout_id], |row| {
        let time = |at: usize| -> rusqlite::Result<Option<WallTime>> {
            Ok(row.get::<_, Option<i64>>(at)?.map(WallTime::from_unix_ms))
        };
        let baseline: Option<String> = row.get(3)?;
        let member = Member {
            box_id: row.get(0)?,
            ring: usize::try_from(row.get::<_, i64>(1)?).unwrap_or(0),
            asked: time(2)?,
            before: baseline.and_then(|text| serde_json::from_str(&text).ok()),
            answered: time(4)?,
            worse: row.get(5)?,
            is_forgiven: row.get(6)?,
            seen: Seen::default(),
        };
        Ok(MemberRow {
            member,
            store_id: row.get(7)?,
            store: row.get(8)?,
            name: row.get(9)?,
            version: row.get(10)?,
            before: row.get(11)?,
            taken: row.get(12)?,
            is_retired: row.get(13)?,
        })
    })?;
    rows.collect()
}

/// Notes that a box was asked: when, the version that it was given, what it had before, and how its cameras were.
pub(in crate::hq) fn asked(
    all: &Transaction<'_>,
    (rollout_id, box_id, now): (i64, i64, WallTime),
    (version, before, baseline): (Option<i64>, Option<&str>, Option<&Cameras>),
) -> rusqlite::Result<()> {
    let sql = "UPDATE rollout_box SET asked_ms = ?3, version = ?4, before = ?5, baseline = ?6
        WHERE rollout_id = ?1 AND box_id = ?2";
    let baseline = baseline.map(|cameras| serde_json::json!(cameras).to_string());
    all.prepare_cached(sql)?.execute(params![
        rollout_id,
        box_id,
        now.unix_ms(),
        version,
        before,
        baseline
    ])?;
    Ok(())
}

/// Notes that a box has answered.
pub(in crate::hq) fn answered(
    all: &Transaction<'_>,
    (rollout_id, box_id, now): (i64, i64, WallTime),
    is_taken: bool,
) -> rusqlite::Result<()> {
    let sql = "UPDATE rollout_box SET answered_ms = ?3, taken = ?4 WHERE rollout_id = ?1 AND box_id = ?2";
    all.prepare_cached(sql)?.execute(params![rollout_id, box_id, now.unix_ms(), is_taken])?;
    Ok(())
}

/// Notes that a box is worse.
pub(in crate::hq) fn worse(
    all: &Transaction<'_>,
    rollout_id: i64,
    box_id: i64,
    why: &str,
) -> rusqlite::Result<()> {
    let sql = "UPDATE rollout_box SET worse = ?3 WHERE rollout_id = ?1 AND box_id = ?2";
    all.prepare_cached(sql)?.execute(params![rollout_id, box_id, why])?;
    Ok(())
}

/// Goes on in spite of the boxes that are worse by now.
pub(in crate::hq) fn forgive(all: &Transaction<'_>, rollout_id: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE rollout_box SET forgiven = 1 WHERE rollout_id = ?1 AND worse IS NOT NULL";
    all.prepare_cached(sql)?.execute([rollout_id])?;
    Ok(())
}

/// Puts a roll-out into a state.
pub(in crate::hq) fn set_state(
    all: &Transaction<'_>,
    rollout_id: i64,
    (state, reason): (&str, Option<&str>),
    now: WallTime,
) -> rusqlite::Result<()> {
    let sql = "UPDATE rollout SET state = ?2, reason = ?3, state_ms = ?4 WHERE rollout_id = ?1";
    all.prepare_cached(sql)?.execute(params![rollout_id, state, reason, now.unix_ms()])?;
    Ok(())
}

/// State of a box's connection and since when, as it said itself.
pub(in crate::hq) fn state(ask: &Connection, box_id: i64) -> rusqlite::Result<Option<(String, WallTime)>> {
    let sql = "SELECT state, state_ms FROM box WHERE box_id = ?1";
    let (state, at): (Option<String>, Option<i64>) =
        ask.prepare_cached(sql)?.query_row([box_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(state.zip(at.map(WallTime::from_unix_ms)))
}
