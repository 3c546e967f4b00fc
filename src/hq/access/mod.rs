//! Who may do what: accounts, sessions, tokens, roles.
//!
//! What is not obvious: nothing here is a cache. Every request asks the database whose it is and what they may, so that an account that is
//! disabled is out with the next request, whichever process disabled it.

mod accounts;
mod grants;
mod oidc;
mod password;
mod secret;
mod tokens;

pub use accounts::{
    Account, AccountError, Actor, AuditEntry, Change, NewAccount, NewGrant, PlaceName, account_number,
    accounts, audit_log, change_account, change_own_password, create_account, everywhere,
};
pub use grants::{Grant, Place, Role, Scope, StoreRow};
pub use oidc::{Oidc, OidcError, OidcSettings, Pending, Subject, account_of};
pub use password::{PasswordError, PasswordHashText, is_right};
pub use secret::{Secret, SecretHash, TOKEN_PREFIX, csrf_of, hash};
pub use tokens::{
    NewToken, Token, TokenError, TokenScope, make_token, remove_all_tokens, remove_token, tokens,
};

use crate::hq::store::access::{self as rows, AuditLine, SessionRow};
use crate::hq::store::accounts as table;
use crate::hq::store::{Store, StoreError};
use crate::time::WallTime;
use std::sync::Arc;
use std::time::Duration;

/// A session or token that is used is noted so often at most: a write for each request would be in the way of those that arrive.
const NOTED_EVERY: Duration = Duration::from_secs(60);
/// Sessions of one account at a time.
const MOST_SESSIONS: u32 = 20;

/// How long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSpan {
    /// Without a request.
    pub idle: Duration,
    /// In all.
    pub most: Duration,
}

impl Default for SessionSpan {
    /// A working day without a request, a week in all.
    fn default() -> Self {
        Self { idle: Duration::from_secs(12 * 3600), most: Duration::from_secs(7 * 24 * 3600) }
    }
}

/// By what somebody was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A cookie: a person at a page.
    Session,
    /// A token that reads.
    ReadToken,
    /// A token that sends sales and staffing, and does nothing else.
    FeedToken,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The account's row.
    pub account_id: i64,
    /// Its name.
    pub account: Arc<str>,
    /// What it may do, and where.
    pub grants: Arc<[Grant]>,
    /// By what it was recognised.
    pub by: By,
}

/// Whose cookie this is; none where the session has ended or the account is disabled.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub fn by_cookie(
    store: &Store,
    cookie: &str,
    span: SessionSpan,
    now: WallTime,
) -> Result<Option<Identity>, StoreError> {
    let key = hash(cookie);
    let found = store.read(|all| {
        let session = rows::session(all, &key)?;
        session.map(|session| Ok((rows::grants(all, session.account_id)?, session))).transpose()
    })?;
    let Some((grants, session)) = found else { return Ok(None) };
    if now >= session.expires || now.since(session.last_used) >= span.idle {
        return Ok(None);
    }
    note_use(store, &key, Some(session.last_used), now)?;
    let account = session.account.into();
    Ok(Some(Identity { account_id: session.account_id, account, grants: grants.into(), by: By::Session }))
}

/// Whose token this is; none where it has expired, or the account is disabled.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub fn by_token(store: &Store, token: &str, now: WallTime) -> Result<Option<Identity>, StoreError> {
    let key = hash(token);
    let found = store.read(|all| {
        let token = rows::token(all, &key)?;
        token.map(|token| Ok((rows::grants(all, token.account_id)?, token))).transpose()
    })?;
    let Some((grants, token)) = found.filter(|(_, token)| now < token.expires) else { return Ok(None) };
    note_use(store, &key, token.last_used, now)?;
    let by = if token.scope == "feed" { By::FeedToken } else { By::ReadToken };
    Ok(Some(Identity {
        account_id: token.account_id,
        account: token.account.into(),
        grants: grants.into(),
        by,
    }))
}

fn note_use(
    store: &Store,
    key: &SecretHash,
    last_used: Option<WallTime>,
    now: WallTime,
) -> Result<(), StoreError> {
    if last_used.is_some_and(|last| now.since(last) < NOTED_EVERY) {
        return Ok(());
    }
    store.write(|all| Ok(rows::touch(all, key, now)?))
}

/// Where a request comes from and when.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// When.
    pub at: WallTime,
    /// The address, as text.
    pub address: &'a str,
}

/// Checks name and password. None where they are wrong, after the same time whatever is wrong; both are in the audit log.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub fn check_password(
    store: &Store,
    (name, password): (&str, &str),
    from: Origin<'_>,
) -> Result<Option<i64>, StoreError> {
    let known = store.read(|all| rows::password(all, &name.to_ascii_lowercase()))?;
    let stored = known.as_ref().and_then(|(_, hash)| hash.as_deref());
    let right = is_right(password, stored);
    let account_id = known.as_ref().map(|(account_id, _)| *account_id);
    if right {
        return Ok(account_id);
    }
    note(store, from, (account_id, "sign_in_failed", "password"))?;
    Ok(None)
}

/// Begins a session of an account; gives its cookie. A cookie that was sent along ends: what somebody may have planted is worth nothing.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub fn begin_session(
    store: &Store,
    account_id: i64,
    (span, former): (SessionSpan, Option<&str>),
    from: Origin<'_>,
) -> Result<Secret, StoreError> {
    let cookie = Secret::random("");
    let row =
        SessionRow { account_id, account: String::new(), last_used: from.at, expires: from.at + span.most };
    store.write::<_, StoreError>(|all| {
        if let Some(former) = former {
            rows::end_session(all, &hash(former))?;
        }
        rows::put_session(all, &hash(cookie.reveal()), &row, MOST_SESSIONS)?;
        Ok(rows::put_audit(all, &line(from, (Some(account_id), "sign_in", "")))?)
    })?;
    Ok(cookie)
}

/// Ends a session.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub fn end_session(store: &Store, cookie: &str, who: i64, from: Origin<'_>) -> Result<(), StoreError> {
    store.write(|all| {
        rows::end_session(all, &hash(cookie))?;
        Ok(rows::put_audit(all, &line(from, (Some(who), "sign_out", "")))?)
    })
}

/// Adds to the audit log what is no change of the database: a sign-in that failed, an export.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub fn note(store: &Store, from: Origin<'_>, done: (Option<i64>, &str, &str)) -> Result<(), StoreError> {
    store.write(|all| Ok(rows::put_audit(all, &line(from, done))?))
}

/// The same within the transaction of what it tells of.
pub(in crate::hq) fn note_in(
    all: &rows::All<'_>,
    from: Origin<'_>,
    done: (Option<i64>, &str, &str),
) -> Result<(), rows::Failed> {
    rows::put_audit(all, &line(from, done))
}

fn line<'a>(
    from: Origin<'a>,
    (account_id, action, detail): (Option<i64>, &'a str, &'a str),
) -> AuditLine<'a> {
    AuditLine { at: from.at, account_id, address: from.address, action, detail }
}

/// Removes what has ended: sessions and tokens. For once an hour or a day; the audit log goes with `store::retention`.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub fn tidy(store: &Store, now: WallTime) -> Result<(), StoreError> {
    store.write(|all| Ok(table::tidy(all, now)?))
}
