//! API tokens: made by an account for its own programs, and shown once.
//!
//! What is not obvious: a token never does more than its account may at the moment when it is used, and always less: it reads, or it
//! sends sales and staffing. None signs in, and none makes another.

use super::accounts::{account_name, accounts};
use super::{AccountError, Actor, Origin, Secret, TOKEN_PREFIX, hash, line};
use crate::hq::store::access as rows;
use crate::hq::store::accounts::{self as table, TokenLine};
use crate::hq::store::{Store, StoreError, WriteError};
use crate::time::WallTime;
use std::time::Duration;

/// Tokens of one account.
const MOST_TOKENS: usize = 50;
/// Longest name of a token.
const MOST_NAME: usize = 100;
/// Longest life of a token: what is forgotten ends.
const MOST_DAYS: u32 = 732;

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenScope {
    /// What the account may read.
    Read,
    /// Sending sales and staffing of the stores that the account may change.
    Feed,
}

impl TokenScope {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Feed => "feed",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Read, Self::Feed].into_iter().find(|scope| scope.as_str() == text)
    }
}

/// Why tokens are left as they are.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// No name, or a long one.
    #[error("a token's name has 1 to {MOST_NAME} characters; say which program it is for")]
    Name,
    /// No end, or a far one.
    #[error("a token lasts 1 to {MOST_DAYS} days")]
    Days,
    /// Enough.
    #[error("an account has at most {MOST_TOKENS} tokens; take one back first")]
    Many,
    /// There is no such token, or not of this account.
    #[error("there is no such token")]
    NoSuch,
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A token that is to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// For which program.
    pub name: String,
    /// What it opens.
    pub scope: TokenScope,
    /// How long.
    pub days: u32,
}

/// A token, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub number: i64,
    /// For which program.
    pub name: String,
    /// What it opens.
    pub scope: TokenScope,
    /// When it was made.
    pub created: WallTime,
    /// When it was last used, to the minute.
    pub last_used: Option<WallTime>,
    /// When it ends.
    pub expires: WallTime,
}

/// Makes a token; gives what opens, which is stored nowhere.
///
/// # Errors
/// [`TokenError`] where the rules are against it.
pub fn make_token(
    store: &Store,
    account_id: i64,
    new: &NewToken,
    from: Origin<'_>,
) -> Result<(Secret, Token), TokenError> {
    let characters = new.name.chars().count();
    if characters == 0 || characters > MOST_NAME || new.name.contains(char::is_control) {
        return Err(TokenError::Name);
    }
    if new.days == 0 || new.days > MOST_DAYS {
        return Err(TokenError::Days);
    }
    let secret = Secret::random(TOKEN_PREFIX);
    let mut token = TokenLine {
        token_id: 0,
        name: new.name.clone(),
        scope: new.scope.as_str().to_owned(),
        created: from.at,
        last_used: None,
        expires: from.at + Duration::from_secs(u64::from(new.days) * 86_400),
    };
    token.token_id = store.write(|all| {
        if table::tokens(all, account_id)?.len() >= MOST_TOKENS {
            return Err(WriteError::Refused(TokenError::Many));
        }
        let detail = format!("{} ({}, {} days)", new.name, new.scope.as_str(), new.days);
        rows::put_audit(all, &line(from, (Some(account_id), "token_made", &detail)))?;
        Ok(table::put_token(all, account_id, &token, &hash(secret.reveal()))?)
    })?;
    Ok((secret, Token::of(token)))
}

/// The tokens of an account, the newest first.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub fn tokens(store: &Store, account_id: i64) -> Result<Vec<Token>, StoreError> {
    let found = store.read(|all| table::tokens(all, account_id))?;
    Ok(found.into_iter().map(Token::of).collect())
}

/// Takes a token back.
///
/// # Errors
/// [`TokenError::NoSuch`] where the account has none of this number.
pub fn remove_token(store: &Store, account_id: i64, number: i64, from: Origin<'_>) -> Result<(), TokenError> {
    store.write(|all| {
        if !table::remove_token(all, account_id, number)? {
            return Err(WriteError::Refused(TokenError::NoSuch));
        }
        let detail = number.to_string();
        Ok(rows::put_audit(all, &line(from, (Some(account_id), "token_removed", &detail)))?)
    })
}

/// Takes back all tokens of an account that the actor administers.
///
/// # Errors
/// [`AccountError::NoSuch`] where there is no such account, or not for this administrator.
pub fn remove_all_tokens(
    store: &Store,
    name: &str,
    actor: Actor<'_>,
    from: Origin<'_>,
) -> Result<(), AccountError> {
    let name = account_name(name).map_err(|_no_name| AccountError::NoSuch)?;
    if !accounts(store, actor)?.iter().any(|account| account.name == name) {
        return Err(AccountError::NoSuch);
    }
    store.write(|all| {
        let account = table::account(all, &name)?.ok_or(WriteError::Refused(AccountError::NoSuch))?;
        table::remove_tokens(all, account.account_id)?;
        Ok(rows::put_audit(all, &line(from, (actor.account_id(), "tokens_removed", &name)))?)
    })
}

impl Token {
    fn of(row: TokenLine) -> Self {
        Self {
            number: row.token_id,
            name: row.name,
            // The schema takes no other scope.
            scope: TokenScope::parse(&row.scope).unwrap_or(TokenScope::Read),
            created: row.created,
            last_used: row.last_used,
            expires: row.expires,
        }
    }
}
