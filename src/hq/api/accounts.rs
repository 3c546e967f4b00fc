//! Accounts, for administrators; one's own password and tokens, for everybody; and the audit log.

use super::caller::Caller;
use super::faults::{Fault, Faults};
use super::input::{Json, Path, Query};
use super::session::{PlaceKind, RoleName};
use super::{Answer, Service};
use crate::hq::access::{
    self, Account, AccountError, Actor, AuditEntry, By, Change, Grant, NewAccount, NewGrant, NewToken, Place,
    PlaceName, Role, Token, TokenError, TokenScope,
};
use crate::hq::store::Store;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Lines of the audit log in one answer.
const MOST_LINES: u32 = 500;

/// A role, and where it holds: what is granted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantBody {
    /// What may be done.
    role: RoleName,
    /// What it is over.
    scope: PlaceKind,
    /// The chain's name.
    #[schema(max_length = 64)]
    tenant: String,
    /// The region's or store's name; null for a chain.
    #[schema(max_length = 64)]
    name: Option<String>,
}

/// An account, as an administrator sees it.
#[derive(Debug, Serialize, ToSchema)]
struct AccountBody {
    name: String,
    /// By which it may sign in elsewhere.
    email: Option<String>,
    has_password: bool,
    /// Whether it has signed in elsewhere, and so is bound to who did.
    has_oidc: bool,
    disabled: bool,
    created_ms: i64,
    grants: Vec<GrantBody>,
}

/// The accounts of the chains that the caller administers.
#[derive(Debug, Serialize, ToSchema)]
struct Accounts {
    accounts: Vec<AccountBody>,
}

/// An account that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccountToMake {
    /// 1 to 64 of a-z, 0-9, `.`, `_`, `-`, `+` and `@`.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-zA-Z0-9._@+-]+$")]
    name: String,
    /// By which it may sign in elsewhere, where that is set up.
    #[schema(max_length = 254)]
    email: Option<String>,
    /// At least 12 characters. Without one it signs in elsewhere only.
    #[schema(min_length = 12, max_length = 256)]
    password: Option<String>,
    #[schema(min_items = 1, max_items = 200)]
    grants: Vec<GrantBody>,
}

/// What an account may do from now on, and nothing else.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Grants {
    #[schema(min_items = 1, max_items = 200)]
    grants: Vec<GrantBody>,
}

/// A password for another account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    #[schema(min_length = 12, max_length = 256)]
    password: String,
}

/// A password for one's own account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OwnPassword {
    #[schema(max_length = 256)]
    present: String,
    #[schema(min_length = 12, max_length = 256)]
    password: String,
}

/// Whether an account is out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Disabled {
    disabled: bool,
}

/// An account's name in an address.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct AccountName {
    account: String,
}

/// A token's number in an address.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct TokenNumber {
    token: i64,
}

/// What a token opens.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ScopeName {
    Read,
    Feed,
}

/// A token, without what opens.
#[derive(Debug, Serialize, ToSchema)]
struct TokenBody {
    id: i64,
    name: String,
    scope: ScopeName,
    created_ms: i64,
    /// To the minute; null before the first time.
    last_used_ms: Option<i64>,
    expires_ms: i64,
}

/// One's own tokens.
#[derive(Debug, Serialize, ToSchema)]
struct Tokens {
    tokens: Vec<TokenBody>,
}

/// A token that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TokenToMake {
    /// For which program.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    scope: ScopeName,
    /// How long it lasts.
    #[schema(minimum = 1, maximum = 732)]
    days: u32,
}

/// A token that was made. What opens is shown this once.
#[derive(Debug, Serialize, ToSchema)]
struct MadeToken {
    /// Goes as `Authorization: Bearer TOKEN`.
    secret: String,
    token: TokenBody,
}

/// Which part of the audit log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AuditPart {
    /// Lines before the one of this number; the newest without it.
    before: Option<i64>,
    /// So many at most.
    #[param(minimum = 1, maximum = 500)]
    most: Option<u32>,
}

/// A part of the audit log, the newest line first.
#[derive(Debug, Serialize, ToSchema)]
struct Audit {
    lines: Vec<AuditLine>,
}

/// A line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
struct AuditLine {
    id: i64,
    at_ms: i64,
    /// Null: nobody that is known, or the operator.
    account: Option<String>,
    address: String,
    action: String,
    detail: String,
}

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(accounts, create))
        .routes(routes!(set_grants))
        .routes(routes!(set_password))
        .routes(routes!(set_disabled))
        .routes(routes!(remove_tokens))
        .routes(routes!(set_own_password))
        .routes(routes!(tokens, make_token))
        .routes(routes!(remove_token))
        .routes(routes!(audit))
}

/// The accounts of the chains that one administers
#[utoipa::path(get, path = "/api/v1/accounts", tag = "access", responses((status = 200, body = Accounts), Faults))]
async fn accounts(State(service): State<Arc<Service>>, caller: Caller) -> Answer<Accounts> {
    let found = as_admin(&service, caller, |store, admin, _| {
        access::accounts(store, admin).map_err(AccountError::Store)
    });
    let accounts = found.await?.into_iter().map(AccountBody::from).collect();
    Ok(axum::Json(Accounts { accounts }))
}

/// Make an account
#[utoipa::path(post, path = "/api/v1/accounts", tag = "access", request_body = AccountToMake,
    responses((status = 201, description = "It is there."), Faults))]
async fn create(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Json(new): Json<AccountToMake>,
) -> Result<StatusCode, Fault> {
    let grants = new_grants(new.grants)?;
    let new = NewAccount { name: new.name, email: new.email, password: new.password, grants };
    as_admin(&service, caller, move |store, admin, from| access::create_account(store, &new, admin, from))
        .await?;
    Ok(StatusCode::CREATED)
}

/// Say what an account may do
#[utoipa::path(put, path = "/api/v1/accounts/{account}/grants", tag = "access", params(AccountName), request_body = Grants,
    responses((status = 204, description = "Done; its sessions have ended."), Faults))]
async fn set_grants(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<AccountName>,
    Json(body): Json<Grants>,
) -> Result<StatusCode, Fault> {
    let change = Change::Grants(new_grants(body.grants)?);
    change_account(&service, caller, (of, change)).await
}

/// Give an account a password
#[utoipa::path(put, path = "/api/v1/accounts/{account}/password", tag = "access", params(AccountName), request_body = NewPassword,
    responses((status = 204, description = "Done; its sessions have ended."), Faults))]
async fn set_password(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<AccountName>,
    Json(body): Json<NewPassword>,
) -> Result<StatusCode, Fault> {
    change_account(&service, caller, (of, Change::Password(body.password))).await
}

/// Keep an account out, or let it in again
#[utoipa::path(put, path = "/api/v1/accounts/{account}/disabled", tag = "access", params(AccountName), request_body = Disabled,
    responses((status = 204, description = "Done; its sessions have ended."), Faults))]
async fn set_disabled(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<AccountName>,
    Json(body): Json<Disabled>,
) -> Result<StatusCode, Fault> {
    let change = if body.disabled { Change::Disabled } else { Change::Enabled };
    change_account(&service, caller, (of, change)).await
}

/// Take back all tokens of an account
#[utoipa::path(delete, path = "/api/v1/accounts/{account}/tokens", tag = "access", params(AccountName),
    responses((status = 204, description = "Done."), Faults))]
async fn remove_tokens(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<AccountName>,
) -> Result<StatusCode, Fault> {
    as_admin(&service, caller, move |store, admin, from| {
        access::remove_all_tokens(store, &of.account, admin, from)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change one's own password
#[utoipa::path(put, path = "/api/v1/me/password", tag = "access", request_body = OwnPassword,
    responses((status = 204, description = "Done; sign in again."), Faults))]
async fn set_own_password(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Json(body): Json<OwnPassword>,
) -> Result<StatusCode, Fault> {
    service.door.login(caller.visitor(), Some(caller.account()))?;
    service
        .hash(move |store| {
            let who = (caller.account_id(), caller.account());
            access::change_own_password(store, who, (&body.present, &body.password), caller.origin())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's own tokens
#[utoipa::path(get, path = "/api/v1/tokens", tag = "access", responses((status = 200, body = Tokens), Faults))]
async fn tokens(State(service): State<Arc<Service>>, caller: Caller) -> Answer<Tokens> {
    let found = service.ask(move |store| access::tokens(store, caller.account_id())).await?;
    Ok(axum::Json(Tokens { tokens: found.into_iter().map(TokenBody::from).collect() }))
}

/// Make a token
#[utoipa::path(post, path = "/api/v1/tokens", tag = "access", request_body = TokenToMake,
    responses((status = 201, body = MadeToken), Faults))]
async fn make_token(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Json(new): Json<TokenToMake>,
) -> Result<(StatusCode, axum::Json<MadeToken>), Fault> {
    let scope = match new.scope {
        ScopeName::Read => TokenScope::Read,
        ScopeName::Feed => TokenScope::Feed,
    };
    let new = NewToken { name: new.name, scope, days: new.days };
    let made = service
        .ask(move |store| access::make_token(store, caller.account_id(), &new, caller.origin()))
        .await?;
    let (secret, token) = made;
    let body = MadeToken { secret: secret.reveal().to_owned(), token: token.into() };
    Ok((StatusCode::CREATED, axum::Json(body)))
}

/// Take a token back
#[utoipa::path(delete, path = "/api/v1/tokens/{token}", tag = "access", params(TokenNumber),
    responses((status = 204, description = "It opens nothing any more."), Faults))]
async fn remove_token(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(which): Path<TokenNumber>,
) -> Result<StatusCode, Fault> {
    service
        .ask(move |store| access::remove_token(store, caller.account_id(), which.token, caller.origin()))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who did what
#[utoipa::path(get, path = "/api/v1/audit", tag = "access", params(AuditPart),
    responses((status = 200, body = Audit), Faults))]
async fn audit(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(part): Query<AuditPart>,
) -> Answer<Audit> {
    let most = part.most.unwrap_or(100);
    if most == 0 || most > MOST_LINES {
        return Err(Fault::bad("query", format!("`most` is 1 to {MOST_LINES}")));
    }
    let part = (part.before.unwrap_or(i64::MAX), most);
    let found = as_admin(&service, caller, move |store, admin, _| {
        access::audit_log(store, admin, part).map_err(AccountError::Store)
    });
    let lines = found.await?.into_iter().map(AuditLine::from).collect();
    Ok(axum::Json(Audit { lines }))
}

async fn change_account(
    service: &Service,
    caller: Caller,
    (of, change): (AccountName, Change),
) -> Result<StatusCode, Fault> {
    as_admin(service, caller, move |store, admin, from| {
        access::change_account(store, (&of.account, &change), admin, from)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Does what only somebody may who administers a chain, signed in as a person: no token sees or changes accounts.
async fn as_admin<T: Send + 'static>(
    service: &Service,
    caller: Caller,
    work: impl FnOnce(&Store, Actor<'_>, access::Origin<'_>) -> Result<T, AccountError> + Send + 'static,
) -> Result<T, Fault> {
    let chains = caller.within(Role::Admin).chains();
    if chains.is_empty() || caller.by() != By::Session {
        return Err(Fault::forbidden("admin", "only an administrator who is signed in may do this"));
    }
    service
        .hash(move |store| {
            let admin = Actor::Admin { account_id: caller.account_id(), chains: &chains };
            work(store, admin, caller.origin())
        })
        .await
}

fn new_grants(bodies: Vec<GrantBody>) -> Result<Vec<NewGrant>, Fault> {
    bodies.into_iter().map(GrantBody::into_grant).collect()
}

impl GrantBody {
    fn into_grant(self) -> Result<NewGrant, Fault> {
        let role = match self.role {
            RoleName::Admin => Role::Admin,
            RoleName::Manager => Role::Manager,
            RoleName::Viewer => Role::Viewer,
        };
        let place = match (self.scope, self.name) {
            (PlaceKind::Chain, None) => PlaceName::Chain,
            (PlaceKind::Region, Some(name)) => PlaceName::Region(name),
            (PlaceKind::Store, Some(name)) => PlaceName::Store(name),
            _ => {
                return Err(Fault::refused("body", "a region or a store has a `name`, and a chain has none"));
            }
        };
        Ok(NewGrant { role, tenant: self.tenant, place })
    }
}

impl From<Grant> for GrantBody {
    fn from(grant: Grant) -> Self {
        let role = match grant.role {
            Role::Admin => RoleName::Admin,
            Role::Manager => RoleName::Manager,
            Role::Viewer => RoleName::Viewer,
        };
        let (scope, name) = match grant.place {
            Place::Chain => (PlaceKind::Chain, None),
            Place::Region { name, .. } => (PlaceKind::Region, Some(name)),
            Place::Store { name, .. } => (PlaceKind::Store, Some(name)),
        };
        Self { role, scope, tenant: grant.tenant, name }
    }
}

impl From<Account> for AccountBody {
    fn from(account: Account) -> Self {
        Self {
            name: account.name,
            email: account.email,
            has_password: account.has_password,
            has_oidc: account.has_oidc,
            disabled: account.disabled,
            created_ms: account.created.unix_ms(),
            grants: account.grants.into_iter().map(GrantBody::from).collect(),
        }
    }
}

impl From<Token> for TokenBody {
    fn from(token: Token) -> Self {
        let scope = match token.scope {
            TokenScope::Read => ScopeName::Read,
            TokenScope::Feed => ScopeName::Feed,
        };
        Self {
            id: token.number,
            name: token.name,
            scope,
            created_ms: token.created.unix_ms(),
            last_used_ms: token.last_used.map(|at| at.unix_ms()),
            expires_ms: token.expires.unix_ms(),
        }
    }
}

impl From<AuditEntry> for AuditLine {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.number,
            at_ms: entry.at.unix_ms(),
            account: entry.account,
            address: entry.address,
            action: entry.action,
            detail: entry.detail,
        }
    }
}

impl From<AccountError> for Fault {
    fn from(fault: AccountError) -> Self {
        let text = fault.to_string();
        match fault {
            AccountError::Store(fault) => fault.into(),
            AccountError::NoSuch => Self::not_found(),
            AccountError::Taken => Self::conflict("account_taken", text),
            AccountError::Own => Self::conflict("own_account", text),
            AccountError::WrongPassword => Self::forbidden("wrong_password", text),
            AccountError::Password(_) => Self::refused("password", text),
            AccountError::Name | AccountError::Email => Self::refused("account_name", text),
            AccountError::Grants | AccountError::Place { .. } | AccountError::AdminOfPart => {
                Self::refused("grants", text)
            }
        }
    }
}

impl From<TokenError> for Fault {
    fn from(fault: TokenError) -> Self {
        let text = fault.to_string();
        match fault {
            TokenError::Store(fault) => fault.into(),
            TokenError::NoSuch => Self::not_found(),
            TokenError::Many => Self::conflict("tokens", text),
            TokenError::Name | TokenError::Days => Self::refused("token", text),
        }
    }
}
