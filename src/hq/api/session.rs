//! Signing in and out with a name and a password, and who one is.

use super::accounts::GrantBody;
use super::caller::{Caller, Visitor};
use super::faults::{Fault, Faults};
use super::input::Json;
use super::{Answer, Service};
use crate::hq::access::{self, Grant, csrf_of};
use crate::hq::store::StoreError;
use axum::extract::State;
use axum::http::StatusCode;
use axum_extra::extract::CookieJar;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Who is asking.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    /// The account's name.
    account: String,
    /// Goes back as header `x-csrf-token` with everything that changes something; empty for a token.
    csrf: String,
    /// What it may do, and where.
    grants: Vec<GrantBody>,
}

/// With what somebody signs in.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct SignIn {
    /// The account's name.
    #[schema(max_length = 200)]
    name: String,
    /// Its password.
    #[schema(max_length = 256)]
    password: String,
}

/// What may be done.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RoleName {
    Admin,
    Manager,
    Viewer,
}

/// What a grant is over.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PlaceKind {
    Chain,
    Region,
    Store,
}

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(me)).routes(routes!(sign_in, sign_out))
}

/// Who is asking
#[utoipa::path(get, path = "/api/v1/me", tag = "access", responses((status = 200, body = Me), Faults))]
async fn me(caller: Caller) -> Answer<Me> {
    let csrf = caller.visitor().cookie().map(csrf_of).unwrap_or_default();
    Ok(axum::Json(Me::of(caller.account(), csrf, caller.grants())))
}

/// Sign in with a name and a password
#[utoipa::path(post, path = "/api/v1/session", tag = "access", request_body = SignIn,
    responses((status = 200, body = Me, description = "Signed in; the cookie is in `set-cookie`."), Faults))]
async fn sign_in(
    State(service): State<Arc<Service>>,
    from: Visitor,
    Json(who): Json<SignIn>,
) -> Result<(CookieJar, axum::Json<Me>), Fault> {
    service.door.login(&from, Some(&who.name))?;
    let span = service.settings.sessions;
    let begun = service
        .hash(move |store| {
            let from_here = from.origin();
            let Some(account_id) = access::check_password(store, (&who.name, &who.password), from_here)?
            else {
                return Ok::<_, StoreError>(None);
            };
            let former = from.cookie();
            let cookie = access::begin_session(store, account_id, (span, former), from_here)?;
            let identity = access::by_cookie(store, cookie.reveal(), span, from.at())?;
            Ok(identity.map(|identity| (cookie, identity)))
        })
        .await?;
    let wrong = || Fault::new(StatusCode::UNAUTHORIZED, "wrong_sign_in", "name or password is wrong");
    let (cookie, identity) = begun.ok_or_else(wrong)?;
    let me = Me::of(&identity.account, csrf_of(cookie.reveal()), &identity.grants);
    Ok((CookieJar::new().add(service.settings.session_cookie(cookie.reveal())), axum::Json(me)))
}

/// Sign out
#[utoipa::path(delete, path = "/api/v1/session", tag = "access",
    responses((status = 204, description = "Signed out; the cookie is taken back."), Faults))]
async fn sign_out(
    State(service): State<Arc<Service>>,
    caller: Caller,
) -> Result<(StatusCode, CookieJar), Fault> {
    let mut taken_back = service.settings.session_cookie("");
    taken_back.make_removal();
    service
        .ask(move |store| {
            let Some(cookie) = caller.visitor().cookie() else { return Ok(()) };
            access::end_session(store, cookie, caller.account_id(), caller.origin())
        })
        .await?;
    Ok((StatusCode::NO_CONTENT, CookieJar::new().add(taken_back)))
}

impl Me {
    fn of(account: &str, csrf: String, grants: &[Grant]) -> Self {
        Self {
            account: account.to_owned(),
            csrf,
            grants: grants.iter().cloned().map(GrantBody::from).collect(),
        }
    }
}
