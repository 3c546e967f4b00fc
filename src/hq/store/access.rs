//! Who may do what: sessions and tokens, the grants of an account, the stores that they reach, and the audit log.
//!
//! What is not obvious: one statement finds a session only where its account may still sign in, so that there is no moment
//! between disabling somebody and their being out.

use crate::hq::access::{Grant, Place, Role, Scope, SecretHash, StoreRow};
use crate::time::WallTime;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

/// A transaction, for those who pass it on.
pub(in crate::hq) type All<'a> = Transaction<'a>;
/// Why a statement fails.
pub(in crate::hq) type Failed = rusqlite::Error;

/// A session as it is stored, with whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct SessionRow {
    pub(in crate::hq) account_id: i64,
    pub(in crate::hq) account: String,
    pub(in crate::hq) last_used: WallTime,
    pub(in crate::hq) expires: WallTime,
}

/// A token as it is stored, with whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct TokenRow {
    pub(in crate::hq) account_id: i64,
    pub(in crate::hq) account: String,
    pub(in crate::hq) scope: String,
    pub(in crate::hq) last_used: Option<WallTime>,
    pub(in crate::hq) expires: WallTime,
}

/// A line of the audit log.
#[derive(Debug, Clone, Copy)]
pub(in crate::hq) struct AuditLine<'a> {
    pub(in crate::hq) at: WallTime,
    /// None: nobody that is known.
    pub(in crate::hq) account_id: Option<i64>,
    pub(in crate::hq) address: &'a str,
    /// What was done: `sign_in`, `account_created`, `export`.
    pub(in crate::hq) action: &'a str,
    /// With what. Never a secret.
    pub(in crate::hq) detail: &'a str,
}

/// The session of this cookie, where its account may sign in.
pub(in crate::hq) fn session(all: &Connection, of: &SecretHash) -> rusqlite::Result<Option<SessionRow>> {
    all.prepare_cached(
        "SELECT account_id, name, last_used_ms, expires_ms FROM session JOIN account USING (account_id)
         WHERE token_hash = ? AND disabled = 0",
    )?
    .query_row([of], |row| {
        Ok(SessionRow {
            account_id: row.get(0)?,
            account: row.get(1)?,
            last_used: time(row, 2)?,
            expires: time(row, 3)?,
        })
    })
    .optional()
}

/// Begins a session; of more than `most` of this account the oldest end.
pub(in crate::hq) fn put_session(
    all: &Transaction<'_>,
    of: &SecretHash,
    row: &SessionRow,
    most: u32,
) -> rusqlite::Result<()> {
    let now_ms = row.last_used.unix_ms();
    all.prepare_cached("DELETE FROM session WHERE expires_ms <= ?")?.execute([now_ms])?;
    all.prepare_cached(
        "INSERT INTO session (token_hash, account_id, created_ms, last_used_ms, expires_ms) VALUES (?, ?, ?, ?, ?)",
    )?
    .execute(params![of, row.account_id, now_ms, now_ms, row.expires.unix_ms()])?;
    all.prepare_cached(
        "DELETE FROM session WHERE account_id = ?1 AND token_hash NOT IN
         (SELECT token_hash FROM session WHERE account_id = ?1 ORDER BY created_ms DESC, token_hash = ?2 DESC LIMIT ?3)",
    )?
    .execute(params![row.account_id, of, most])?;
    Ok(())
}

/// Notes that a session or token was used.
pub(in crate::hq) fn touch(all: &Transaction<'_>, of: &SecretHash, at: WallTime) -> rusqlite::Result<()> {
    for statement in [
        "UPDATE session SET last_used_ms = ? WHERE token_hash = ?",
        "UPDATE api_token SET last_used_ms = ? WHERE token_hash = ?",
    ] {
        all.prepare_cached(statement)?.execute(params![at.unix_ms(), of])?;
    }
    Ok(())
}

/// Ends a session.
pub(in crate::hq) fn end_session(all: &Transaction<'_>, of: &SecretHash) -> rusqlite::Result<()> {
    all.prepare_cached("DELETE FROM session WHERE token_hash = ?")?.execute([of])?;
    Ok(())
}

/// The token, where its account may sign in.
pub(in crate::hq) fn token(all: &Connection, of: &SecretHash) -> rusqlite::Result<Option<TokenRow>> {
    all.prepare_cached(
        "SELECT account_id, account.name, scope, last_used_ms, expires_ms
         FROM api_token JOIN account USING (account_id) WHERE token_hash = ? AND disabled = 0",
    )?
    .query_row([of], |row| {
        Ok(TokenRow {
            account_id: row.get(0)?,
            account: row.get(1)?,
            scope: row.get(2)?,
            last_used: row.get::<_, Option<i64>>(3)?.map(WallTime::from_unix_ms),
            expires: time(row, 4)?,
        })
    })
    .optional()
}

/// The row, the password's hash of an account that may sign in.
pub(in crate::hq) fn password(
    all: &Connection,
    name: &str,
) -> rusqlite::Result<Option<(i64, Option<String>)>> {
    all.prepare_cached("SELECT account_id, password_hash FROM account WHERE name = ? AND disabled = 0")?
        .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// What an account may do, and where.
pub(in crate::hq) fn grants(all: &Connection, account_id: i64) -> rusqlite::Result<Vec<Grant>> {
    all.prepare_cached(
        "SELECT role, g.tenant_id, tenant.name, g.region_id, region.name, g.store_id, store.name
         FROM access_grant g JOIN tenant USING (tenant_id)
         LEFT JOIN region ON region.region_id = g.region_id
         LEFT JOIN store ON store.store_id = g.store_id
         WHERE account_id = ? ORDER BY grant_id",
    )?
    .query_map([account_id], |row| {
        let role: String = row.get(0)?;
        let place = match (row.get::<_, Option<i64>>(3)?, row.get::<_, Option<i64>>(5)?) {
            (Some(region_id), _) => Place::Region { region_id, name: row.get(4)? },
            (None, Some(store_id)) => Place::Store { store_id, name: row.get(6)? },
            (None, None) => Place::Chain,
        };
        // The schema takes no other role.
        let role = Role::parse(&role).unwrap_or(Role::Viewer);
        Ok(Grant { role, tenant_id: row.get(1)?, tenant: row.get(2)?, place })
    })?
    .collect()
}

const STORE: &str = "SELECT s.store_id, s.tenant_id, tenant.name, s.region_id, region.title, s.name, s.title, s.currency, s.decimals,
       (SELECT time_zone FROM store_clock c WHERE c.store_id = s.store_id ORDER BY from_ms DESC LIMIT 1), s.simulated
     FROM store s JOIN tenant USING (tenant_id) LEFT JOIN region ON region.region_id = s.region_id WHERE s.retired_ms IS NULL";

/// The stores of a scope, by chain and name.
pub(in crate::hq) fn stores(all: &Connection, scope: &Scope) -> rusqlite::Result<Vec<StoreRow>> {
    let mut statement = all.prepare_cached(&[STORE, "ORDER BY tenant.name, s.name"].join(" "))?;
    let rows = statement.query_map([], store_row)?;
    rows.filter(|row| row.as_ref().map_or(true, |row| scope.holds(row))).collect()
}

/// The row of every store, by the names of its chain and its own.
pub(in crate::hq) fn store_numbers(all: &Connection) -> rusqlite::Result<Vec<((String, String), i64)>> {
    all.prepare_cached(
        "SELECT tenant.name, store.name, store_id FROM store JOIN tenant USING (tenant_id)
         WHERE store.retired_ms IS NULL",
    )?
    .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?
    .collect()
}

/// A store by name. None where there is no such store, and where it is not in the scope.
pub(in crate::hq) fn store(
    all: &Connection,
    scope: &Scope,
    (tenant, store): (&str, &str),
) -> rusqlite::Result<Option<StoreRow>> {
    let mut statement = all.prepare_cached(&[STORE, "AND tenant.name = ? AND s.name = ?"].join(" "))?;
    let row = statement.query_row([tenant, store], store_row).optional()?;
    Ok(row.filter(|row| scope.holds(row)))
}

fn store_row(row: &Row<'_>) -> rusqlite::Result<StoreRow> {
    Ok(StoreRow {
        store_id: row.get(0)?,
        tenant_id: row.get(1)?,
        tenant: row.get(2)?,
        region_id: row.get(3)?,
        region: row.get(4)?,
        name: row.get(5)?,
        title: row.get(6)?,
        currency: row.get(7)?,
        decimals: row.get(8)?,
        time_zone: row.get::<_, Option<String>>(9)?.unwrap_or_else(|| "UTC".to_owned()),
        simulated: row.get(10)?,
    })
}

/// Adds to the audit log, in the transaction of what it tells of.
pub(in crate::hq) fn put_audit(all: &Transaction<'_>, line: &AuditLine<'_>) -> rusqlite::Result<()> {
    all.prepare_cached(
        "INSERT INTO audit (at_ms, account_id, address, action, detail) VALUES (?, ?, ?, ?, ?)",
    )?
    .execute(params![line.at.unix_ms(), line.account_id, line.address, line.action, line.detail])?;
    Ok(())
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<WallTime> {
    row.get(column).map(WallTime::from_unix_ms)
}
