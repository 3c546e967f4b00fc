//! Links to enrol by, certificates, and requests for new ones.

use super::{BoxKey, What, due};
use crate::hq::fleet::authority::{Issued, Revoked};
use crate::time::WallTime;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

/// A certificate that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct CertificateRow {
    pub(in crate::hq) serial: String,
    pub(in crate::hq) key_hash: Vec<u8>,
    pub(in crate::hq) issued: WallTime,
    pub(in crate::hq) until: WallTime,
    pub(in crate::hq) revoked: Option<WallTime>,
    pub(in crate::hq) pem: String,
}

/// Makes a link to enrol by; one that was there before is worth nothing any more.
pub(in crate::hq) fn put_link(
    all: &Transaction<'_>,
    box_id: i64,
    (token_hash, now, until): (&[u8; 32], WallTime, WallTime),
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO enrolment (box_id, token_hash, created_ms, expires_ms) VALUES (?1, ?2, ?3, ?4)";
    all.prepare_cached(sql)?.execute(params![box_id, token_hash, now.unix_ms(), until.unix_ms()])?;
    Ok(())
}

/// Until when the link of a box is good; none where there is none, or it was used.
pub(in crate::hq) fn link_until(ask: &Connection, box_id: i64) -> rusqlite::Result<Option<WallTime>> {
    let sql = "SELECT expires_ms FROM enrolment WHERE box_id = ?1";
    let until = ask.prepare_cached(sql)?.query_row([box_id], |row| row.get(0)).optional()?;
    Ok(until.map(WallTime::from_unix_ms))
}

/// Takes a token away, and gives the box that it was made for; none where it is not one, has run out, or its box has left the register.
pub(in crate::hq) fn take_link(
    all: &Transaction<'_>,
    token_hash: &[u8; 32],
    now: WallTime,
) -> rusqlite::Result<Option<BoxKey>> {
    let sql = "DELETE FROM enrolment WHERE token_hash = ?1 AND expires_ms > ?2 RETURNING box_id";
    let box_id: Option<i64> = all
        .prepare_cached(sql)?
        .query_row(params![token_hash, now.unix_ms()], |row| row.get(0))
        .optional()?;
    let Some(box_id) = box_id else { return Ok(None) };
    let sql = [super::BOX, "AND box_id = ?1"].join(" ");
    Ok(all.prepare_cached(&sql)?.query_row([box_id], super::box_key).optional()?.flatten())
}

/// Notes a certificate that was signed.
pub(in crate::hq) fn put(
    all: &Transaction<'_>,
    box_id: i64,
    issued: &Issued,
    now: WallTime,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO certificate (box_id, serial, key_hash, issued_ms, until_ms, pem) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values =
        params![box_id, issued.serial, issued.key_hash, now.unix_ms(), issued.until.unix_ms(), issued.pem];
    all.prepare_cached(sql)?.execute(values)?;
    due(all, box_id, What::Certificate)
}

/// The certificates of a box, the newest first.
pub(in crate::hq) fn of_box(
    ask: &Connection,
    box_id: i64,
    most: u32,
) -> rusqlite::Result<Vec<CertificateRow>> {
    let sql = "SELECT serial, key_hash, issued_ms, until_ms, revoked_ms, pem FROM certificate
        WHERE box_id = ?1 ORDER BY certificate_id DESC LIMIT ?2";
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map((box_id, most), |row| {
        Ok(CertificateRow {
            serial: row.get(0)?,
            key_hash: row.get(1)?,
            issued: WallTime::from_unix_ms(row.get(2)?),
            until: WallTime::from_unix_ms(row.get(3)?),
            revoked: row.get::<_, Option<i64>>(4)?.map(WallTime::from_unix_ms),
            pem: row.get(5)?,
        })
    })?;
    rows.collect()
}

/// When the newest certificate of each box of the register runs out, without those that are revoked: store, box, end.
pub(in crate::hq) fn ends(ask: &Connection) -> rusqlite::Result<Vec<(i64, String, WallTime)>> {
    let sql = "SELECT box.store_id, box.name, max(until_ms) FROM certificate JOIN box USING (box_id)
        WHERE revoked_ms IS NULL AND box.retired_ms IS NULL GROUP BY box_id";
    let mut select = ask.prepare_cached(sql)?;
    let rows =
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, WallTime::from_unix_ms(row.get(2)?))))?;
    rows.collect()
}

/// When the newest certificate of a box runs out that is not revoked.
pub(in crate::hq) fn end(ask: &Connection, box_id: i64) -> rusqlite::Result<Option<WallTime>> {
    let sql = "SELECT max(until_ms) FROM certificate WHERE box_id = ?1 AND revoked_ms IS NULL";
    let end: Option<i64> = ask.prepare_cached(sql)?.query_row([box_id], |row| row.get(0))?;
    Ok(end.map(WallTime::from_unix_ms))
}

/// Revokes the certificates of a box; how many.
pub(in crate::hq) fn revoke(all: &Transaction<'_>, box_id: i64, now: WallTime) -> rusqlite::Result<usize> {
    all.prepare_cached("DELETE FROM enrolment WHERE box_id = ?1")?.execute([box_id])?;
    all.prepare_cached("DELETE FROM certificate_request WHERE box_id = ?1")?.execute([box_id])?;
    let sql = "UPDATE certificate SET revoked_ms = ?2 WHERE box_id = ?1 AND revoked_ms IS NULL";
    all.prepare_cached(sql)?.execute((box_id, now.unix_ms()))
}

/// What is revoked and would still be valid, by serial number. Certificates of boxes that left the register are among them.
pub(in crate::hq) fn revoked(ask: &Connection, now: WallTime) -> rusqlite::Result<Vec<Revoked>> {
    let sql = "SELECT serial, coalesce(revoked_ms, box.retired_ms, store.retired_ms)
        FROM certificate JOIN box USING (box_id) JOIN store USING (store_id)
        WHERE until_ms > ?1 AND (revoked_ms IS NOT NULL OR box.retired_ms IS NOT NULL OR store.retired_ms IS NOT NULL)
        ORDER BY serial";
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map([now.unix_ms()], |row| {
        Ok(Revoked { serial: row.get(0)?, at: WallTime::from_unix_ms(row.get(1)?) })
    })?;
    rows.collect()
}

/// Keeps a request for another certificate until it is signed; the newest of a box counts.
pub(in crate::hq) fn put_request(
    all: &Transaction<'_>,
    box_id: i64,
    csr: &str,
    now: WallTime,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO certificate_request (box_id, csr, at_ms) VALUES (?1, ?2, ?3)";
    all.prepare_cached(sql)?.execute(params![box_id, csr, now.unix_ms()])?;
    Ok(())
}

/// Requests that wait, the oldest first.
pub(in crate::hq) fn requests(ask: &Connection, most: u32) -> rusqlite::Result<Vec<(BoxKey, String)>> {
    let sql = "SELECT box_id, box.store_id, store.tenant_id, region.name, tenant.name, store.name, box.name, csr
        FROM certificate_request r JOIN box USING (box_id) JOIN store USING (store_id) JOIN tenant USING (tenant_id)
        LEFT JOIN region ON region.region_id = store.region_id
        WHERE box.retired_ms IS NULL AND store.retired_ms IS NULL ORDER BY r.at_ms LIMIT ?1";
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map([most], |row| Ok(super::box_key(row)?.zip(row.get(7)?)))?;
    rows.filter_map(Result::transpose).collect()
}

/// Forgets a request that was answered.
pub(in crate::hq) fn drop_request(all: &Transaction<'_>, box_id: i64) -> rusqlite::Result<()> {
    all.prepare_cached("DELETE FROM certificate_request WHERE box_id = ?1")?.execute([box_id])?;
    Ok(())
}
