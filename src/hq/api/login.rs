//! How one may sign in, and signing in elsewhere.
//!
//! What is not obvious: what the browser keeps while it is elsewhere is a cookie that comes back on a link from another site (`Lax`), and the
//! session's cookie does not (`Strict`). The pages ask for the session by themselves, so they have it all the same.

use super::caller::Visitor;
use super::faults::{Fault, Faults};
use super::input::Query;
use super::{Answer, PublicAddress, Service};
use crate::hq::access::{self, OidcError, Pending};
use crate::hq::store::StoreError;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Redirect;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const BEGIN: &str = "/api/v1/login/oidc";
const BACK: &str = "/api/v1/login/oidc/back";

/// How one may sign in.
#[derive(Debug, Serialize, ToSchema)]
struct LoginWays {
    /// With a name and a password.
    password: bool,
    /// Elsewhere; null where nobody set that up.
    oidc: Option<OidcWay>,
}

/// Signing in elsewhere.
#[derive(Debug, Serialize, ToSchema)]
struct OidcWay {
    /// What the button says.
    title: String,
    /// Where it leads.
    href: String,
}

/// What the provider sends back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Came {
    /// What is exchanged for who it is.
    code: Option<String>,
    /// What was sent along.
    state: Option<String>,
}

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(ways)).routes(routes!(begin)).routes(routes!(back))
}

/// How one may sign in
#[utoipa::path(get, path = "/api/v1/login", tag = "access", security(()),
    responses((status = 200, body = LoginWays), Faults))]
async fn ways(State(service): State<Arc<Service>>) -> Answer<LoginWays> {
    let way = |oidc: &Arc<access::Oidc>| OidcWay { title: oidc.title().to_owned(), href: BEGIN.to_owned() };
    Ok(axum::Json(LoginWays { password: true, oidc: service.oidc.as_ref().map(way) }))
}

/// Sign in elsewhere: leads there
#[utoipa::path(get, path = "/api/v1/login/oidc", tag = "access", security(()),
    responses((status = 303, description = "To the provider."), Faults))]
async fn begin(
    State(service): State<Arc<Service>>,
    from: Visitor,
    headers: HeaderMap,
) -> Result<(CookieJar, Redirect), Fault> {
    let oidc = service.oidc.as_ref().ok_or_else(Fault::not_found)?;
    service.door.login(&from, None)?;
    let (address, pending) = oidc.begin(&back_address(&service, &headers))?;
    let kept = pending_cookie(&service, pending.to_cookie());
    Ok((CookieJar::new().add(kept), Redirect::to(&address)))
}

/// Back from signing in elsewhere: leads to the pages, with a session or with `?fault=` and a key
#[utoipa::path(get, path = "/api/v1/login/oidc/back", tag = "access", security(()), params(Came),
    responses((status = 303, description = "To the pages."), Faults))]
async fn back(
    State(service): State<Arc<Service>>,
    from: Visitor,
    headers: HeaderMap,
    Query(came): Query<Came>,
) -> Result<(CookieJar, Redirect), Fault> {
    let oidc = service.oidc.as_ref().ok_or_else(Fault::not_found)?;
    service.door.login(&from, None)?;
    let mut taken_back = pending_cookie(&service, String::new());
    let kept = CookieJar::from_headers(&headers);
    let kept = kept.get(taken_back.name()).map(|cookie| cookie.value().to_owned());
    taken_back.make_removal();
    let jar = CookieJar::new().add(taken_back);
    let pending = kept.zip(came.state).and_then(|(kept, state)| Pending::of_cookie(&kept, &state));
    // Refused there, or sent here by somebody else.
    let (Some(pending), Some(code)) = (pending, came.code) else {
        return Ok((jar, Redirect::to("/?fault=oidc_failed")));
    };
    let who = match oidc.finish(&back_address(&service, &headers), code, pending).await {
        Ok(who) => who,
        Err(fault) => {
            tracing::warn!("{fault}");
            return Ok((jar, Redirect::to("/?fault=oidc_failed")));
        }
    };
    let span = service.settings.sessions;
    let begun = service.ask(move |store| {
        let Some(account_id) = access::account_of(store, &who, from.origin())? else {
            return Ok::<_, StoreError>(None);
        };
        access::begin_session(store, account_id, (span, from.cookie()), from.origin()).map(Some)
    });
    match begun.await? {
        Some(cookie) => Ok((jar.add(service.settings.session_cookie(cookie.reveal())), Redirect::to("/"))),
        None => Ok((jar, Redirect::to("/?fault=oidc_unknown"))),
    }
}

/// Where the provider sends the browser back to. Without a public address it is the name of this machine that was asked for, which the
/// guard has looked at.
fn back_address(service: &Service, headers: &HeaderMap) -> String {
    match &service.settings.public {
        PublicAddress::Https(origin) => format!("{origin}{BACK}"),
        PublicAddress::Loopback => {
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
            format!("http://{}{BACK}", host.unwrap_or("localhost"))
        }
    }
}

fn pending_cookie(service: &Service, value: String) -> Cookie<'static> {
    let is_secure = service.settings.public != PublicAddress::Loopback;
    let name = if is_secure { "__Host-footfall-login" } else { "footfall-login" };
    Cookie::build((name, value)).path("/").http_only(true).same_site(SameSite::Lax).secure(is_secure).build()
}

impl From<OidcError> for Fault {
    fn from(fault: OidcError) -> Self {
        tracing::warn!("{fault}");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "oidc_away",
            "the sign-in service cannot be reached now; try again",
        )
    }
}
