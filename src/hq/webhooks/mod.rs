//! Webhooks: whoever wants to hear of alerts gets each one as a signed POST, in order, until it was taken or given up.
//!
//! ```text
//! POST /your/path
//! content-type: application/json
//! footfall-signature: t=1795370400,v1=HEX
//!
//! {"v":1,"event":"alert_began","rule":"no_data","tenant":"acme","store":"vienna", ...}
//! ```
//!
//! `HEX` is HMAC-SHA-256 over `t`, a full stop and the body, with the hook's secret as key (its text, as it was shown). A receiver works
//! it out, compares, and refuses a `t` that is older than five minutes, so that nobody can send an old message again.
//!
//! What is not obvious: head office sends to an address that somebody typed, from inside the chain's own network. So only https is taken
//! (http to this machine where private networks are allowed), no redirect is followed, and an address that leads to a private network is refused
//! at every try unless the config allows it; the connection goes to the very address that was checked.

mod send;
mod target;

pub use send::Sender;
pub use target::{Private, Target, TargetError};

use crate::hq::access::Secret;
use crate::hq::alerts::Rule;
use crate::hq::store::webhooks as rows;
use crate::hq::store::{Store, StoreError, WriteError};
use crate::time::WallTime;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::time::Duration;

/// What every secret of a hook begins with, so that a scanner finds one that lies about in public.
pub const SECRET_PREFIX: &str = "ffhook_";
/// Most hooks of one owner.
pub const MOST_HOOKS: u32 = 20;
/// The header of the signature.
pub const SIGNATURE_HEADER: &str = "footfall-signature";
/// The first pause; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// A message is given up after so long: an alert of yesterday is no news, and the list still has it.
const GIVE_UP: Duration = Duration::from_secs(24 * 3600);

/// A hook as lists show it; its secret is shown once, when it is made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Hook {
    /// Its row.
    pub webhook_id: i64,
    /// Where it is told.
    pub url: String,
    /// Which rules it hears of; none: all.
    pub rules: Vec<String>,
    /// When it was made, UTC ms.
    pub created_ms: i64,
    /// Messages that were taken.
    pub delivered: i64,
    /// Messages that were given up.
    pub given_up: i64,
    /// What the last try gave.
    pub last_answer: Option<String>,
    /// When that was, UTC ms.
    pub last_ms: Option<i64>,
    /// Messages that wait.
    pub waiting: i64,
}

/// A message that is due.
#[derive(Clone, PartialEq, Eq)]
pub struct Due {
    /// Its row.
    pub delivery_id: i64,
    /// Its hook.
    pub webhook_id: i64,
    /// Where to.
    pub url: String,
    /// Key of the signature.
    pub secret: String,
    /// What is sent.
    pub body: String,
    /// How often it was tried.
    pub tries: u32,
    /// Since when it waits.
    pub created: WallTime,
}

impl std::fmt::Debug for Due {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither the secret nor the address, which may hold one.
        f.debug_struct("Due").field("delivery_id", &self.delivery_id).finish_non_exhaustive()
    }
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken (a status of 200 to 299).
    Delivered,
    /// It is tried again then.
    Again(WallTime),
    /// It was tried for long enough.
    GivenUp,
}

/// Why a hook is not made.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// An address that is not taken.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// No such rule.
    #[error(
        "there is no rule {rule:?}; give no_data, camera_moved, queue, traffic, alarm, certificate, rollout_stopped, disk_full, too_hot or clock, or none for all of them"
    )]
    Rule {
        /// What was given.
        rule: String,
    },
    /// Enough hooks.
    #[error("there are {MOST_HOOKS} webhooks already; take one away first")]
    TooMany,
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a hook of an owner; its row, and its secret, which is shown this once.
///
/// # Errors
/// [`HookError`].
pub fn add(
    store: &Store,
    tenant_id: i64,
    (url, rules, private): (&str, &[String], Private),
    now: WallTime,
) -> Result<(i64, Secret), HookError> {
    Target::parse(url, private)?;
    if let Some(rule) = rules.iter().find(|rule| Rule::named(rule).is_none()) {
        return Err(HookError::Rule { rule: rule.chars().take(40).collect() });
    }
    let rules = serde_json::to_string(rules).expect("a list of texts is always JSON");
    let secret = Secret::random(SECRET_PREFIX);
    let webhook_id = store.write(|all| {
        if rows::count(all, tenant_id)? >= MOST_HOOKS {
            return Err(WriteError::Refused(HookError::TooMany));
        }
        Ok(rows::add(all, tenant_id, (url, &rules, secret.reveal()), now)?)
    })?;
    Ok((webhook_id, secret))
}

/// An owner's hooks.
///
/// # Errors
/// [`StoreError`].
pub fn list(store: &Store, tenant_id: i64) -> Result<Vec<Hook>, StoreError> {
    store.read(|ask| rows::list(ask, tenant_id))
}

/// Takes a hook away; false where the owner has none of that row.
///
/// # Errors
/// [`StoreError`].
pub fn remove(store: &Store, tenant_id: i64, webhook_id: i64) -> Result<bool, StoreError> {
    store.write(|all| Ok(rows::remove(all, tenant_id, webhook_id)?))
}

/// What stands in [`SIGNATURE_HEADER`].
#[must_use]
pub fn signature(secret: &str, at: WallTime, body: &str) -> String {
    let seconds = at.unix_ms().div_euclid(1000);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("{seconds}.{body}").as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

/// When a message is tried again that was tried `tries` times before this one; none: it is given up.
#[must_use]
pub fn again(created: WallTime, tries: u32, now: WallTime) -> Option<WallTime> {
    let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(tries.min(16))).min(LONGEST_PAUSE);
    let next = now + pause;
    (next.since(created) <= GIVE_UP).then_some(next)
}

#[cfg(test)]
mod tests;
