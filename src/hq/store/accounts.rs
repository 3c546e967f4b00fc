//! Accounts, as administrators see and change them; tokens; and reading the audit log.
//!
//! What is not obvious: an account is administered from the chains of its grants. Whoever administers every one of them may see and
//! change it, and nobody else: so that an account which two chains share is not taken over from one of them.

use crate::hq::access::{NewGrant, Place, PlaceName, Role, SecretHash};
use crate::time::WallTime;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, Transaction, params};

/// An account, without what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct AccountRow {
    pub(in crate::hq) account_id: i64,
    pub(in crate::hq) name: String,
    pub(in crate::hq) email: Option<String>,
    pub(in crate::hq) has_password: bool,
    pub(in crate::hq) has_oidc: bool,
    pub(in crate::hq) disabled: bool,
    pub(in crate::hq) created: WallTime,
}

/// A token, without what it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct TokenLine {
    pub(in crate::hq) token_id: i64,
    pub(in crate::hq) name: String,
    pub(in crate::hq) scope: String,
    pub(in crate::hq) created: WallTime,
    pub(in crate::hq) last_used: Option<WallTime>,
    pub(in crate::hq) expires: WallTime,
}

/// A line of the audit log, as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct AuditRow {
    pub(in crate::hq) audit_id: i64,
    pub(in crate::hq) at: WallTime,
    pub(in crate::hq) account: Option<String>,
    pub(in crate::hq) address: String,
    pub(in crate::hq) action: String,
    pub(in crate::hq) detail: String,
}

const ACCOUNT: &str = "SELECT account_id, name, email, password_hash IS NOT NULL, oidc_subject IS NOT NULL, disabled, created_ms
     FROM account";

/// All accounts, by name.
pub(in crate::hq) fn accounts(all: &Connection) -> rusqlite::Result<Vec<AccountRow>> {
    all.prepare_cached(&[ACCOUNT, "ORDER BY name"].join(" "))?.query_map([], account_row)?.collect()
}

/// The account of this name.
pub(in crate::hq) fn account(all: &Connection, name: &str) -> rusqlite::Result<Option<AccountRow>> {
    all.prepare_cached(&[ACCOUNT, "WHERE name = ?"].join(" "))?.query_row([name], account_row).optional()
}

fn account_row(row: &Row<'_>) -> rusqlite::Result<AccountRow> {
    Ok(AccountRow {
        account_id: row.get(0)?,
        name: row.get(1)?,
        email: row.get(2)?,
        has_password: row.get(3)?,
        has_oidc: row.get(4)?,
        disabled: row.get(5)?,
        created: row.get(6).map(WallTime::from_unix_ms)?,
    })
}

/// Whether another account has this name or this address.
pub(in crate::hq) fn is_taken(all: &Connection, name: &str, email: Option<&str>) -> rusqlite::Result<bool> {
    all.prepare_cached("SELECT count(*) > 0 FROM account WHERE name = ? OR email = ?")?
        .query_row(params![name, email], |row| row.get(0))
}

/// Adds an account; gives its row.
pub(in crate::hq) fn put_account(
    all: &Transaction<'_>,
    (name, email): (&str, Option<&str>),
    password_hash: Option<&str>,
    at: WallTime,
) -> rusqlite::Result<i64> {
    all.prepare_cached(
        "INSERT INTO account (name, email, password_hash, disabled, created_ms) VALUES (?, ?, ?, 0, ?)",
    )?
    .execute(params![name, email, password_hash, at.unix_ms()])?;
    Ok(all.last_insert_rowid())
}

/// The chains of the register.
pub(in crate::hq) fn chains(all: &Connection) -> rusqlite::Result<Vec<i64>> {
    all.prepare_cached("SELECT tenant_id FROM tenant")?.query_map([], |row| row.get(0))?.collect()
}

/// Chain and place of each grant, in order; none where the register has no such.
pub(in crate::hq) fn places(
    all: &Connection,
    grants: &[NewGrant],
) -> rusqlite::Result<Vec<Option<(i64, Place)>>> {
    grants.iter().map(|grant| place(all, grant)).collect()
}

fn place(all: &Connection, grant: &NewGrant) -> rusqlite::Result<Option<(i64, Place)>> {
    let number = |statement: &str, of: &[&dyn ToSql]| {
        all.prepare_cached(statement)?.query_row(of, |row| row.get::<_, i64>(0)).optional()
    };
    let Some(chain) = number("SELECT tenant_id FROM tenant WHERE name = ?", &[&grant.tenant])? else {
        return Ok(None);
    };
    let found = match &grant.place {
        PlaceName::Chain => Some(Place::Chain),
        PlaceName::Region(name) => {
            number("SELECT region_id FROM region WHERE tenant_id = ? AND name = ?", &[&chain, name])?
                .map(|region_id| Place::Region { region_id, name: name.clone() })
        }
        PlaceName::Store(name) => {
            number("SELECT store_id FROM store WHERE tenant_id = ? AND name = ?", &[&chain, name])?
                .map(|store_id| Place::Store { store_id, name: name.clone() })
        }
    };
    Ok(found.map(|place| (chain, place)))
}

/// Replaces what an account may do.
pub(in crate::hq) fn put_grants(
    all: &Transaction<'_>,
    account_id: i64,
    grants: &[(Role, i64, Place)],
) -> rusqlite::Result<()> {
    all.prepare_cached("DELETE FROM access_grant WHERE account_id = ?")?.execute([account_id])?;
    let mut insert = all.prepare_cached(
        "INSERT INTO access_grant (account_id, role, tenant_id, region_id, store_id) VALUES (?, ?, ?, ?, ?)",
    )?;
    for (role, tenant_id, place) in grants {
        let (region_id, store_id) = match place {
            Place::Chain => (None, None),
            Place::Region { region_id, .. } => (Some(region_id), None),
            Place::Store { store_id, .. } => (None, Some(store_id)),
        };
        insert.execute(params![account_id, role.as_str(), tenant_id, region_id, store_id])?;
    }
    Ok(())
}

/// Sets a password.
pub(in crate::hq) fn set_password(
    all: &Transaction<'_>,
    account_id: i64,
    hash: &str,
) -> rusqlite::Result<()> {
    all.prepare_cached("UPDATE account SET password_hash = ? WHERE account_id = ?")?
        .execute(params![hash, account_id])?;
    Ok(())
}

/// Keeps an account out.
pub(in crate::hq) fn disable(all: &Transaction<'_>, account_id: i64) -> rusqlite::Result<()> {
    all.prepare_cached("UPDATE account SET disabled = 1 WHERE account_id = ?")?.execute([account_id])?;
    Ok(())
}

/// Lets an account in again.
pub(in crate::hq) fn enable(all: &Transaction<'_>, account_id: i64) -> rusqlite::Result<()> {
    all.prepare_cached("UPDATE account SET disabled = 0 WHERE account_id = ?")?.execute([account_id])?;
    Ok(())
}

/// Ends all sessions of an account.
pub(in crate::hq) fn end_sessions(all: &Transaction<'_>, account_id: i64) -> rusqlite::Result<()> {
    all.prepare_cached("DELETE FROM session WHERE account_id = ?")?.execute([account_id])?;
    Ok(())
}

/// The account that is bound to this issuer and subject; with whether it is disabled.
pub(in crate::hq) fn by_subject(
    all: &Connection,
    issuer: &str,
    subject: &str,
) -> rusqlite::Result<Option<(i64, bool)>> {
    all.prepare_cached("SELECT account_id, disabled FROM account WHERE oidc_issuer = ? AND oidc_subject = ?")?
        .query_row([issuer, subject], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// Binds the account that was invited by this address, where it is bound to nobody yet and not disabled; gives it.
pub(in crate::hq) fn bind(
    all: &Transaction<'_>,
    email: &str,
    (issuer, subject): (&str, &str),
) -> rusqlite::Result<Option<i64>> {
    all.prepare_cached(
        "UPDATE account SET oidc_issuer = ?, oidc_subject = ?
         WHERE email = ? AND oidc_subject IS NULL AND disabled = 0 RETURNING account_id",
    )?
    .query_row([issuer, subject, email], |row| row.get(0))
    .optional()
}

/// The tokens of an account, the newest first.
pub(in crate::hq) fn tokens(all: &Connection, account_id: i64) -> rusqlite::Result<Vec<TokenLine>> {
    all.prepare_cached(
        "SELECT token_id, name, scope, created_ms, last_used_ms, expires_ms FROM api_token
         WHERE account_id = ? ORDER BY token_id DESC",
    )?
    .query_map([account_id], |row| {
        Ok(TokenLine {
            token_id: row.get(0)?,
            name: row.get(1)?,
            scope: row.get(2)?,
            created: row.get(3).map(WallTime::from_unix_ms)?,
            last_used: row.get::<_, Option<i64>>(4)?.map(WallTime::from_unix_ms),
            expires: row.get(5).map(WallTime::from_unix_ms)?,
        })
    })?
    .collect()
}

/// Adds a token; gives its row.
pub(in crate::hq) fn put_token(
    all: &Transaction<'_>,
    account_id: i64,
    token: &TokenLine,
    of: &SecretHash,
) -> rusqlite::Result<i64> {
    all.prepare_cached(
        "INSERT INTO api_token (account_id, name, token_hash, scope, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        account_id,
        token.name,
        of,
        token.scope,
        token.created.unix_ms(),
        token.expires.unix_ms()
    ])?;
    Ok(all.last_insert_rowid())
}

/// Removes a token of an account; whether there was one.
pub(in crate::hq) fn remove_token(
    all: &Transaction<'_>,
    account_id: i64,
    token_id: i64,
) -> rusqlite::Result<bool> {
    let removed = all
        .prepare_cached("DELETE FROM api_token WHERE token_id = ? AND account_id = ?")?
        .execute([token_id, account_id])?;
    Ok(removed > 0)
}

/// Removes all tokens of an account.
pub(in crate::hq) fn remove_tokens(all: &Transaction<'_>, account_id: i64) -> rusqlite::Result<()> {
    all.prepare_cached("DELETE FROM api_token WHERE account_id = ?")?.execute([account_id])?;
    Ok(())
}

/// The audit log from `before` on backwards: of these accounts, and of nobody in particular where `strangers` are asked for too.
pub(in crate::hq) fn audit(
    all: &Connection,
    (accounts, strangers): (&[i64], bool),
    (before, most): (i64, u32),
) -> rusqlite::Result<Vec<AuditRow>> {
    let accounts = serde_json::json!(accounts).to_string();
    all.prepare_cached(
        "SELECT audit_id, at_ms, account.name, address, action, detail
         FROM audit LEFT JOIN account USING (account_id)
         WHERE audit_id < ?1 AND (account_id IN (SELECT value FROM json_each(?2)) OR (account_id IS NULL AND ?3))
         ORDER BY audit_id DESC LIMIT ?4",
    )?
    .query_map(params![before, accounts, strangers, most], |row| {
        Ok(AuditRow {
            audit_id: row.get(0)?,
            at: row.get(1).map(WallTime::from_unix_ms)?,
            account: row.get(2)?,
            address: row.get(3)?,
            action: row.get(4)?,
            detail: row.get(5)?,
        })
    })?
    .collect()
}

/// Removes sessions and tokens that have ended.
pub(in crate::hq) fn tidy(all: &Transaction<'_>, now: WallTime) -> rusqlite::Result<()> {
    all.prepare_cached("DELETE FROM session WHERE expires_ms <= ?")?.execute([now.unix_ms()])?;
    all.prepare_cached("DELETE FROM api_token WHERE expires_ms <= ?")?.execute([now.unix_ms()])?;
    Ok(())
}
