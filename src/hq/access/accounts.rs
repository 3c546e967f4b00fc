//! Making accounts and changing them.
//!
//! What is not obvious: every change ends the account's sessions, and is in the audit log, in the transaction that makes it. There
//! is no default account and no default password: the first account is made at the command line, by [`Actor::Operator`].

use super::{Grant, Origin, PasswordError, PasswordHashText, Place, Role, Scope, check_password, line};
use crate::hq::store::access as rows;
use crate::hq::store::accounts::{self as table, AccountRow};
use crate::hq::store::{Store, StoreError, WriteError};
use crate::time::WallTime;

/// Longest name of an account.
const MOST_NAME: usize = 64;
/// Longest address: RFC 5321 has room for no more.
const MOST_EMAIL: usize = 254;
/// Grants of one account.
const MOST_GRANTS: usize = 200;

/// Why accounts are left as they are.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// No name.
    #[error("an account's name has 1 to {MOST_NAME} of a-z, 0-9, '.', '_', '-', '+' and '@'")]
    Name,
    /// No address.
    #[error("an e-mail address has a name, an @ and a domain, and at most {MOST_EMAIL} characters")]
    Email,
    /// Somebody else has it.
    #[error("there is an account with this name or e-mail address already")]
    Taken,
    /// Nobody could administer it.
    #[error("an account has 1 to {MOST_GRANTS} grants; disable it to keep somebody out")]
    Grants,
    /// Not in the register, or not this administrator's.
    #[error("there is no {place} in the register, or it is not yours to grant")]
    Place {
        /// What was named.
        place: String,
    },
    /// An administrator of a part would see the accounts of the whole.
    #[error("an administrator is one of a whole chain; grant `manager` over a region or a store")]
    AdminOfPart,
    /// Nobody locks themselves out.
    #[error("another administrator has to change this about your own account")]
    Own,
    /// There is no such account, or not for this administrator.
    #[error("there is no account of this name")]
    NoSuch,
    /// The password that was given as the present one is not.
    #[error("the present password is wrong")]
    WrongPassword,
    /// The new password is not taken.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who makes or changes accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor<'a> {
    /// Whoever may write the database's file.
    Operator,
    /// An administrator.
    Admin {
        /// Their account.
        account_id: i64,
        /// The chains that they administer.
        chains: &'a [i64],
    },
}

/// What an account is to be granted, by names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGrant {
    /// What may be done.
    pub role: Role,
    /// The chain's name.
    pub tenant: String,
    /// Where in the chain.
    pub place: PlaceName,
}

/// Where in a chain, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceName {
    /// In all of it.
    Chain,
    /// In a region.
    Region(String),
    /// In a store.
    Store(String),
}

/// An account that is to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its name; kept in lower case.
    pub name: String,
    /// By which it may sign in elsewhere, where that is set up.
    pub email: Option<String>,
    /// None: it signs in elsewhere only, or gets a password later.
    pub password: Option<String>,
    /// What it may do, and where.
    pub grants: Vec<NewGrant>,
}

/// A change of an account.
#[derive(Debug, Clone)]
pub enum Change {
    /// It may do this, and nothing else any more.
    Grants(Vec<NewGrant>),
    /// It has this password.
    Password(String),
    /// It is out.
    Disabled,
    /// It may sign in again.
    Enabled,
}

/// An account, as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// By which it may sign in elsewhere.
    pub email: Option<String>,
    /// Whether it has a password.
    pub has_password: bool,
    /// Whether it has signed in elsewhere and so is bound to who did.
    pub has_oidc: bool,
    /// Whether it is out.
    pub disabled: bool,
    /// When it was made.
    pub created: WallTime,
    /// What it may do, and where.
    pub grants: Vec<Grant>,
}

impl Actor<'_> {
    pub(super) const fn account_id(&self) -> Option<i64> {
        match self {
            Self::Operator => None,
            Self::Admin { account_id, .. } => Some(*account_id),
        }
    }

    fn administers(&self, tenant_id: i64) -> bool {
        match self {
            Self::Operator => true,
            Self::Admin { chains, .. } => chains.contains(&tenant_id),
        }
    }

    /// An account belongs to whoever administers every chain that it reaches.
    fn may_change(&self, grants: &[Grant]) -> bool {
        let all = grants.iter().all(|grant| self.administers(grant.tenant_id));
        all && (*self == Self::Operator || !grants.is_empty())
    }
}

/// Makes an account.
///
/// # Errors
/// [`AccountError`] where the rules are against it.
pub fn create_account(
    store: &Store,
    new: &NewAccount,
    actor: Actor<'_>,
    from: Origin<'_>,
) -> Result<(), AccountError> {
    let name = account_name(&new.name)?;
    let email = new.email.as_deref().map(email_address).transpose()?;
    // Before the database is locked: it takes long.
    let password = new.password.as_deref().map(|text| PasswordHashText::of(text, &name)).transpose()?;
    store.write(|all| {
        if table::is_taken(all, &name, email.as_deref())? {
            return Err(WriteError::Refused(AccountError::Taken));
        }
        let found = table::places(all, &new.grants)?;
        let grants = granted(&new.grants, found, actor).map_err(WriteError::Refused)?;
        let password = password.as_ref().map(PasswordHashText::as_str);
        let account_id = table::put_account(all, (&name, email.as_deref()), password, from.at)?;
        table::put_grants(all, account_id, &grants)?;
        let detail = format!("{name}: {}", in_words(&new.grants));
        Ok(rows::put_audit(all, &line(from, (actor.account_id(), "account_created", &detail)))?)
    })
}

/// Changes an account, and ends its sessions.
///
/// # Errors
/// [`AccountError`] where the rules are against it.
pub fn change_account(
    store: &Store,
    (name, change): (&str, &Change),
    actor: Actor<'_>,
    from: Origin<'_>,
) -> Result<(), AccountError> {
    let name = account_name(name).map_err(|_no_name| AccountError::NoSuch)?;
    let password = match change {
        Change::Password(text) => Some(PasswordHashText::of(text, &name)?),
        Change::Grants(_) | Change::Disabled | Change::Enabled => None,
    };
    store.write(|all| {
        let account = table::account(all, &name)?.ok_or(WriteError::Refused(AccountError::NoSuch))?;
        let account_id = account.account_id;
        if !actor.may_change(&rows::grants(all, account_id)?) {
            return Err(WriteError::Refused(AccountError::NoSuch));
        }
        if actor.account_id() == Some(account_id) {
            return Err(WriteError::Refused(AccountError::Own));
        }
        let (action, detail) = match change {
            Change::Grants(grants) => {
                let found = table::places(all, grants)?;
                let places = granted(grants, found, actor).map_err(WriteError::Refused)?;
                table::put_grants(all, account_id, &places)?;
                ("account_granted", format!("{name}: {}", in_words(grants)))
            }
            Change::Password(_) => {
                let hash = password.as_ref().expect("it was hashed above for this kind of change");
                table::set_password(all, account_id, hash.as_str())?;
                ("account_password", name.clone())
            }
            Change::Disabled => {
                table::disable(all, account_id)?;
                ("account_disabled", name.clone())
            }
            Change::Enabled => {
                table::enable(all, account_id)?;
                ("account_enabled", name.clone())
            }
        };
        table::end_sessions(all, account_id)?;
        Ok(rows::put_audit(all, &line(from, (actor.account_id(), action, &detail)))?)
    })
}

/// Changes one's own password, and ends one's sessions.
///
/// # Errors
/// [`AccountError`] where the present password is wrong or the new one is not taken.
pub fn change_own_password(
    store: &Store,
    (account_id, name): (i64, &str),
    (present, new): (&str, &str),
    from: Origin<'_>,
) -> Result<(), AccountError> {
    if check_password(store, (name, present), from)? != Some(account_id) {
        return Err(AccountError::WrongPassword);
    }
    let hash = PasswordHashText::of(new, name)?;
    store.write::<_, AccountError>(|all| {
        table::set_password(all, account_id, hash.as_str())?;
        table::end_sessions(all, account_id)?;
        Ok(rows::put_audit(all, &line(from, (Some(account_id), "own_password", "")))?)
    })
}

/// The accounts that somebody administers, by name.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub fn accounts(store: &Store, actor: Actor<'_>) -> Result<Vec<Account>, StoreError> {
    let all = store.read(|all| {
        let accounts = table::accounts(all)?.into_iter();
        accounts.map(|row| Ok((rows::grants(all, row.account_id)?, row))).collect::<Result<Vec<_>, _>>()
    })?;
    let mine = all.into_iter().filter(|(grants, _)| actor.may_change(grants));
    Ok(mine.map(|(grants, row)| Account::of(row, grants)).collect())
}

/// The row of the account of this name.
///
/// # Errors
/// [`AccountError::NoSuch`], or [`StoreError`] where the database fails.
pub fn account_number(store: &Store, name: &str) -> Result<i64, AccountError> {
    let name = account_name(name).map_err(|_no_name| AccountError::NoSuch)?;
    let found = store.read(|all| table::account(all, &name))?;
    found.map(|account| account.account_id).ok_or(AccountError::NoSuch)
}

/// What whoever may write the database's file may read: everything.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub fn everywhere(store: &Store) -> Result<Scope, StoreError> {
    let chains = store.read(table::chains)?;
    let grant =
        |tenant_id| Grant { role: Role::Admin, tenant_id, tenant: String::new(), place: Place::Chain };
    Ok(Scope::new(chains.into_iter().map(grant).collect(), Role::Viewer))
}

/// A line of the audit log, with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Later lines have higher ones.
    pub number: i64,
    /// When.
    pub at: WallTime,
    /// Who; none: nobody that is known, or the operator.
    pub account: Option<String>,
    /// From which address.
    pub address: String,
    /// What was done.
    pub action: String,
    /// With what.
    pub detail: String,
}

/// The audit log before a line, backwards: what the accounts did that somebody administers; and whoever administers all
/// chains sees what nobody in particular did too, such as guessing names.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub fn audit_log(
    store: &Store,
    actor: Actor<'_>,
    (before, most): (i64, u32),
) -> Result<Vec<AuditEntry>, StoreError> {
    let found = store.read(|all| {
        let mut mine = Vec::new();
        for row in table::accounts(all)? {
            if actor.may_change(&rows::grants(all, row.account_id)?) {
                mine.push(row.account_id);
            }
        }
        let chains = table::chains(all)?;
        let strangers = chains.iter().all(|tenant_id| actor.administers(*tenant_id));
        table::audit(all, (&mine, strangers), (before, most))
    })?;
    let entry = |row: table::AuditRow| AuditEntry {
        number: row.audit_id,
        at: row.at,
        account: row.account,
        address: row.address,
        action: row.action,
        detail: row.detail,
    };
    Ok(found.into_iter().map(entry).collect())
}

impl Account {
    fn of(row: AccountRow, grants: Vec<Grant>) -> Self {
        Self {
            name: row.name,
            email: row.email,
            has_password: row.has_password,
            has_oidc: row.has_oidc,
            disabled: row.disabled,
            created: row.created,
            grants,
        }
    }
}

/// What is stored of grants, where all of them are the actor's to give. `found` is each one's chain and place, in order.
fn granted(
    asked: &[NewGrant],
    found: Vec<Option<(i64, Place)>>,
    actor: Actor<'_>,
) -> Result<Vec<(Role, i64, Place)>, AccountError> {
    if asked.is_empty() || asked.len() > MOST_GRANTS {
        return Err(AccountError::Grants);
    }
    let mut grants = Vec::with_capacity(asked.len());
    for (grant, found) in asked.iter().zip(found) {
        let place = || AccountError::Place { place: in_words(std::slice::from_ref(grant)) };
        let (tenant_id, place) =
            found.filter(|(tenant_id, _)| actor.administers(*tenant_id)).ok_or_else(place)?;
        if grant.role == Role::Admin && place != Place::Chain {
            return Err(AccountError::AdminOfPart);
        }
        grants.push((grant.role, tenant_id, place));
    }
    Ok(grants)
}

fn in_words(grants: &[NewGrant]) -> String {
    let word = |grant: &NewGrant| {
        let (role, tenant) = (grant.role.as_str(), &grant.tenant);
        match &grant.place {
            PlaceName::Chain => format!("{role} of {tenant}"),
            PlaceName::Region(name) => format!("{role} of {tenant}, region {name}"),
            PlaceName::Store(name) => format!("{role} of {tenant}/{name}"),
        }
    };
    grants.iter().map(word).collect::<Vec<_>>().join("; ")
}

/// A name as it is kept: in lower case, so that nobody passes for somebody else by a capital.
pub(super) fn account_name(text: &str) -> Result<String, AccountError> {
    let name = text.to_ascii_lowercase();
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+@".contains(&byte);
    if name.is_empty() || name.len() > MOST_NAME || !name.bytes().all(is_fit) {
        return Err(AccountError::Name);
    }
    Ok(name)
}

/// An address as it is kept: in lower case, as providers differ in how they write one.
pub(super) fn email_address(text: &str) -> Result<String, AccountError> {
    let email = text.to_lowercase();
    let parts = email.split_once('@');
    let is_fit =
        |(name, domain): (&str, &str)| !name.is_empty() && !domain.is_empty() && !domain.contains('@');
    if email.len() > MOST_EMAIL || !parts.is_some_and(is_fit) || email.contains(char::is_whitespace) {
        return Err(AccountError::Email);
    }
    Ok(email)
}
