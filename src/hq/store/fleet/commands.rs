//! Things that boxes were asked to do, and what came of them.

use super::BoxKey;
use crate::time::WallTime;
use crate::wire::v1::fleet::{CommandKind, CommandOutcome};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct CommandRow {
    pub(in crate::hq) command_id: i64,
    /// As the wire has it.
    pub(in crate::hq) name: String,
    pub(in crate::hq) what: String,
    pub(in crate::hq) camera: Option<String>,
    /// Who asked.
    pub(in crate::hq) by: String,
    pub(in crate::hq) why: String,
    pub(in crate::hq) asked: WallTime,
    pub(in crate::hq) expires: WallTime,
    pub(in crate::hq) outcome: Option<String>,
    pub(in crate::hq) detail: Option<String>,
    pub(in crate::hq) answered: Option<WallTime>,
    pub(in crate::hq) has_picture: bool,
    pub(in crate::hq) people: Option<i64>,
}

/// What came of a command, as it is written.
#[derive(Debug, Clone, Copy)]
pub(in crate::hq) struct Answer<'a> {
    pub(in crate::hq) name: &'a str,
    pub(in crate::hq) outcome: CommandOutcome,
    pub(in crate::hq) detail: &'a str,
    /// JPEG, when it was taken, and how many people in it were veiled.
    pub(in crate::hq) picture: Option<(&'a [u8], WallTime, u32)>,
    pub(in crate::hq) at: WallTime,
}

const COMMAND: &str =
    "SELECT command_id, command.name, what, camera, account.name, why, asked_ms, expires_ms, outcome, detail,
    answered_ms, picture IS NOT NULL, people FROM command JOIN account USING (account_id)";

fn command_row(row: &Row<'_>) -> rusqlite::Result<CommandRow> {
    Ok(CommandRow {
        command_id: row.get(0)?,
        name: row.get(1)?,
        what: row.get(2)?,
        camera: row.get(3)?,
        by: row.get(4)?,
        why: row.get(5)?,
        asked: WallTime::from_unix_ms(row.get(6)?),
        expires: WallTime::from_unix_ms(row.get(7)?),
        outcome: row.get(8)?,
        detail: row.get(9)?,
        answered: row.get::<_, Option<i64>>(10)?.map(WallTime::from_unix_ms),
        has_picture: row.get(11)?,
        people: row.get(12)?,
    })
}

/// Kind and camera, as they are stored.
pub(in crate::hq) fn parts(kind: &CommandKind) -> (&'static str, Option<&str>) {
    match kind {
        CommandKind::Snapshot { camera } => ("snapshot", Some(camera)),
        CommandKind::RestartCamera { camera } => ("restart_camera", Some(camera)),
        CommandKind::Reread => ("reread", None),
    }
}

/// The kind of those parts; none where they are not a command.
pub(in crate::hq) fn kind(what: &str, camera: Option<&str>) -> Option<CommandKind> {
    match (what, camera.map(str::to_owned)) {
        ("snapshot", Some(camera)) => Some(CommandKind::Snapshot { camera }),
        ("restart_camera", Some(camera)) => Some(CommandKind::RestartCamera { camera }),
        ("reread", None) => Some(CommandKind::Reread),
        _ => None,
    }
}

/// Asks a box to do something; its row.
pub(in crate::hq) fn put(
    all: &Transaction<'_>,
    (box_id, name, kind): (i64, &str, &CommandKind),
    (account_id, why): (i64, &str),
    (asked, expires): (WallTime, WallTime),
) -> rusqlite::Result<i64> {
    let sql =
        "INSERT INTO command (name, box_id, what, camera, account_id, why, asked_ms, expires_ms, is_said)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)";
    let (what, camera) = parts(kind);
    let values = params![name, box_id, what, camera, account_id, why, asked.unix_ms(), expires.unix_ms()];
    all.prepare_cached(sql)?.execute(values)?;
    Ok(all.last_insert_rowid())
}

/// The commands of a box, the newest first.
pub(in crate::hq) fn of_box(ask: &Connection, box_id: i64, most: u32) -> rusqlite::Result<Vec<CommandRow>> {
    let sql = [COMMAND, "WHERE box_id = ?1 ORDER BY command_id DESC LIMIT ?2"].join(" ");
    ask.prepare_cached(&sql)?.query_map((box_id, most), command_row)?.collect()
}

/// How many commands of a box were asked for since then.
pub(in crate::hq) fn count_since(ask: &Connection, box_id: i64, since: WallTime) -> rusqlite::Result<u32> {
    let sql = "SELECT count(*) FROM command WHERE box_id = ?1 AND asked_ms >= ?2";
    ask.prepare_cached(sql)?.query_row((box_id, since.unix_ms()), |row| row.get(0))
}

/// The picture of a box's command; none where there is none, or not any more.
pub(in crate::hq) fn picture(
    ask: &Connection,
    box_id: i64,
    command_id: i64,
) -> rusqlite::Result<Option<Vec<u8>>> {
    let sql = "SELECT picture FROM command WHERE box_id = ?1 AND command_id = ?2";
    let found = ask.prepare_cached(sql)?.query_row((box_id, command_id), |row| row.get(0)).optional()?;
    Ok(found.flatten())
}

/// Commands that nobody was told yet and that have not run out: the row, the box, and the command.
pub(in crate::hq) fn to_say(
    ask: &Connection,
    (now, most): (WallTime, usize),
) -> rusqlite::Result<Vec<(i64, BoxKey, CommandRow)>> {
    let sql = "SELECT box_id, box.store_id, store.tenant_id, region.name, tenant.name, store.name, box.name, command_id
        FROM command JOIN box USING (box_id) JOIN store USING (store_id) JOIN tenant USING (tenant_id)
        LEFT JOIN region ON region.region_id = store.region_id
        WHERE is_said = 0 AND expires_ms > ?1 AND box.retired_ms IS NULL AND store.retired_ms IS NULL
        ORDER BY command_id LIMIT ?2";
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map((now.unix_ms(), most as i64), |row| {
        Ok(super::box_key(row)?.zip(row.get::<_, Option<i64>>(7)?))
    })?;
    let keys: Vec<(BoxKey, i64)> = rows.filter_map(Result::transpose).collect::<rusqlite::Result<_>>()?;
    let sql = [COMMAND, "WHERE command_id = ?1"].join(" ");
    let mut one = ask.prepare_cached(&sql)?;
    let command =
        |(key, command_id): (BoxKey, i64)| Ok((command_id, key, one.query_row([command_id], command_row)?));
    keys.into_iter().map(command).collect()
}

/// Commands that were handed to the broker.
pub(in crate::hq) fn said(all: &Transaction<'_>, commands: &[i64]) -> rusqlite::Result<()> {
    let mut update = all.prepare_cached("UPDATE command SET is_said = 1 WHERE command_id = ?1")?;
    for command_id in commands {
        update.execute([command_id])?;
    }
    Ok(())
}

/// Has those said again that have neither run out nor been answered: a box does each once, however often it hears of it.
pub(in crate::hq) fn say_again(all: &Transaction<'_>, now: WallTime) -> rusqlite::Result<()> {
    let sql = "UPDATE command SET is_said = 0 WHERE expires_ms > ?1 AND outcome IS NULL";
    all.prepare_cached(sql)?.execute([now.unix_ms()])?;
    Ok(())
}

/// Notes what came of a command of a box; false where the box was asked no such thing, or has answered otherwise. The same answer again is no news.
pub(in crate::hq) fn answered(
    all: &Transaction<'_>,
    box_id: i64,
    answer: Answer<'_>,
) -> rusqlite::Result<bool> {
    let outcome = match answer.outcome {
        CommandOutcome::Done => "done",
        CommandOutcome::Refused => "refused",
        CommandOutcome::Expired => "expired",
        CommandOutcome::Failed => "failed",
    };
    // A picture that nobody asked for is not kept.
    let sql = "UPDATE command SET outcome = ?3, detail = ?4, answered_ms = ?5,
          picture = iif(what = 'snapshot', ?6, NULL), picture_ms = iif(what = 'snapshot', ?7, NULL),
          people = iif(what = 'snapshot', ?8, NULL)
        WHERE box_id = ?1 AND name = ?2 AND outcome IS NULL";
    let (jpeg, taken, people) = match answer.picture {
        Some((jpeg, taken, people)) => (Some(jpeg), Some(taken.unix_ms()), Some(people)),
        None => (None, None, None),
    };
    let values =
        params![box_id, answer.name, outcome, answer.detail, answer.at.unix_ms(), jpeg, taken, people];
    if all.prepare_cached(sql)?.execute(values)? > 0 {
        return Ok(true);
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM command WHERE box_id = ?1 AND name = ?2 AND outcome = ?3 AND detail IS ?4)";
    all.prepare_cached(sql)?.query_row(params![box_id, answer.name, outcome, answer.detail], |row| row.get(0))
}
