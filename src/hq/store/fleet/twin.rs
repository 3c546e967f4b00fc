//! What boxes are to count with, and which package they are to run.

use super::{What, due};
use crate::time::WallTime;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

/// A version of a box's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct ConfigRow {
    pub(in crate::hq) version: i64,
    pub(in crate::hq) hash: String,
    pub(in crate::hq) text: String,
    pub(in crate::hq) at: WallTime,
    /// None: somebody at the machine.
    pub(in crate::hq) by: Option<String>,
    pub(in crate::hq) why: String,
    pub(in crate::hq) rollout_id: Option<i64>,
}

/// A version that is to be made.
#[derive(Debug, Clone, Copy)]
pub(in crate::hq) struct NewConfig<'a> {
    pub(in crate::hq) hash: &'a str,
    pub(in crate::hq) text: &'a str,
    pub(in crate::hq) at: WallTime,
    pub(in crate::hq) account_id: Option<i64>,
    pub(in crate::hq) why: &'a str,
    pub(in crate::hq) rollout_id: Option<i64>,
}

/// The versions of a box, the newest first.
pub(in crate::hq) fn versions(ask: &Connection, box_id: i64, most: u32) -> rusqlite::Result<Vec<ConfigRow>> {
    let sql = "SELECT version, hash, text, at_ms, account.name, why, rollout_id
        FROM config_version LEFT JOIN account USING (account_id) WHERE box_id = ?1 ORDER BY version DESC LIMIT ?2";
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map((box_id, most), |row| {
        Ok(ConfigRow {
            version: row.get(0)?,
            hash: row.get(1)?,
            text: row.get(2)?,
            at: WallTime::from_unix_ms(row.get(3)?),
            by: row.get(4)?,
            why: row.get(5)?,
            rollout_id: row.get(6)?,
        })
    })?;
    rows.collect()
}

/// Version and text that are desired of a box.
pub(in crate::hq) fn desired(
    ask: &Connection,
    box_id: i64,
) -> rusqlite::Result<Option<(i64, String, String)>> {
    let sql =
        "SELECT version, hash, text FROM config_version WHERE box_id = ?1 ORDER BY version DESC LIMIT 1";
    ask.prepare_cached(sql)?.query_row([box_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()
}

/// The version that is desired of a box; 0: none ever was.
pub(in crate::hq) fn version(ask: &Connection, box_id: i64) -> rusqlite::Result<i64> {
    let sql = "SELECT coalesce(max(version), 0) FROM config_version WHERE box_id = ?1";
    ask.prepare_cached(sql)?.query_row([box_id], |row| row.get(0))
}

/// Makes a version, and has it published; its number.
pub(in crate::hq) fn put(all: &Transaction<'_>, box_id: i64, new: NewConfig<'_>) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO config_version (box_id, version, hash, text, at_ms, account_id, why, rollout_id)
        VALUES (?1, (SELECT coalesce(max(version), 0) + 1 FROM config_version WHERE box_id = ?1), ?2, ?3, ?4, ?5, ?6, ?7)
        RETURNING version";
    let NewConfig { hash, text, at, account_id, why, rollout_id } = new;
    let values = params![box_id, hash, text, at.unix_ms(), account_id, why, rollout_id];
    let version = all.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
    due(all, box_id, What::Config)?;
    Ok(version)
}

/// The package that a box is to run: none where nothing was ever desired, or not any more.
pub(in crate::hq) fn software(ask: &Connection, box_id: i64) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT sha256 FROM software_desired WHERE box_id = ?1";
    Ok(ask.prepare_cached(sql)?.query_row([box_id], |row| row.get(0)).optional()?.flatten())
}

/// Says which package a box is to run, and has it published.
pub(in crate::hq) fn put_software(
    all: &Transaction<'_>,
    box_id: i64,
    (sha256, at): (Option<&str>, WallTime),
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO software_desired (box_id, sha256, at_ms) VALUES (?1, ?2, ?3)";
    all.prepare_cached(sql)?.execute(params![box_id, sha256, at.unix_ms()])?;
    due(all, box_id, What::Software)
}
