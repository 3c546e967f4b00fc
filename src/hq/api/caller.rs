//! Who asks: a person by the cookie of a session, or a program by a token.
//!
//! What is not obvious: this is decided before a route is chosen, for every address of the API except the few in [`OPEN`]. A route that forgets
//! to ask is closed to strangers all the same; it asks, by taking a [`Caller`], for what else the account may do.

use super::Service;
use super::faults::Fault;
use super::limits::Address;
use crate::hq::access::{self, By, Identity, Origin, Role, Scope, StoreRow, csrf_of};
use crate::time::WallTime;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// What is answered to anybody: how one signs in, and signing in.
const OPEN: &[(Method, &str)] = &[
    (Method::GET, "/api/v1/login"),
    (Method::POST, "/api/v1/session"),
    (Method::GET, "/api/v1/login/oidc"),
    (Method::GET, "/api/v1/login/oidc/back"),
];

/// Goes with everything that changes something with a cookie.
const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");

/// Who asks, and from where. Refuses tokens that only send; see [`Feeder`].
#[derive(Debug, Clone)]
pub struct Caller {
    identity: Identity,
    from: Visitor,
}

/// A request of whoever it is: when, from where, and with which cookie.
#[derive(Debug, Clone)]
pub struct Visitor {
    at: WallTime,
    address: Arc<str>,
    cookie: Option<Arc<str>>,
}

/// Who sends sales or staffing: a token made for that, or a person who may change a store.
#[derive(Debug, Clone)]
pub struct Feeder(pub Caller);

impl Caller {
    /// The account's row.
    #[must_use]
    pub const fn account_id(&self) -> i64 {
        self.identity.account_id
    }

    /// The account's name.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.identity.account
    }

    /// What the account may do, and where.
    #[must_use]
    pub fn grants(&self) -> &[access::Grant] {
        &self.identity.grants
    }

    /// By what it was recognised.
    #[must_use]
    pub const fn by(&self) -> By {
        self.identity.by
    }

    /// Whether the account has at least this role in the store.
    #[must_use]
    pub fn may(&self, role: Role, store: &StoreRow) -> bool {
        self.within(role).holds(store)
    }

    /// The stores that the account may read.
    #[must_use]
    pub fn readable(&self) -> Scope {
        self.within(Role::Viewer)
    }

    /// The stores in which the account has at least this role.
    #[must_use]
    pub fn within(&self, least: Role) -> Scope {
        Scope::new(Arc::clone(&self.identity.grants), least)
    }

    /// When it was asked, and from which address: for the audit log.
    #[must_use]
    pub fn origin(&self) -> Origin<'_> {
        self.from.origin()
    }

    /// When it was asked.
    #[must_use]
    pub const fn at(&self) -> WallTime {
        self.from.at
    }

    /// The same caller as a visitor: for what is to be done later, in another thread.
    #[must_use]
    pub const fn visitor(&self) -> &Visitor {
        &self.from
    }
}

impl Visitor {
    /// When it was asked, and from which address: for the audit log.
    #[must_use]
    pub fn origin(&self) -> Origin<'_> {
        Origin { at: self.at, address: &self.address }
    }

    /// When it was asked.
    #[must_use]
    pub const fn at(&self) -> WallTime {
        self.at
    }

    /// The address, as text.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What the browser sent as the session's cookie; it may be anything.
    pub(super) fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    fn of(service: &Service, parts: &Parts) -> Self {
        let address =
            parts.extensions.get::<Address>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |from| from.0);
        let jar = CookieJar::from_headers(&parts.headers);
        let cookie = jar.get(service.settings.cookie()).map(|found| found.value().into());
        Self { at: service.now(), address: address.to_string().into(), cookie }
    }
}

impl FromRequestParts<Arc<Service>> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Infallible> {
        Ok(Self::of(service, parts))
    }
}

impl FromRequestParts<Arc<Service>> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Service>) -> Result<Self, Fault> {
        let caller = known(parts)?;
        match caller.by() {
            By::Session => Ok(caller),
            By::ReadToken if parts.method.is_safe() => Ok(caller),
            By::ReadToken => {
                Err(Fault::forbidden("token_reads", "this token only reads; sign in to change something"))
            }
            By::FeedToken => {
                Err(Fault::forbidden("token_feeds", "this token only sends; make one that reads"))
            }
        }
    }
}

impl FromRequestParts<Arc<Service>> for Feeder {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Service>) -> Result<Self, Fault> {
        let caller = known(parts)?;
        match caller.by() {
            By::Session | By::FeedToken => Ok(Self(caller)),
            By::ReadToken => {
                Err(Fault::forbidden("token_reads", "this token only reads; make one that sends"))
            }
        }
    }
}

fn known(parts: &Parts) -> Result<Caller, Fault> {
    parts.extensions.get::<Caller>().cloned().ok_or_else(Fault::unknown_caller)
}

/// Lets nobody past who is not known, and nothing that another site's page may have sent.
pub(super) async fn guard(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Result<Response, Fault> {
    let (mut parts, body) = request.into_parts();
    let is_open = OPEN.iter().any(|(method, path)| method == parts.method && *path == parts.uri.path());
    if !is_open {
        let caller = recognise(&service, &parts).await?;
        parts.extensions.insert(caller);
    }
    Ok(next.run(Request::from_parts(parts, body)).await)
}

async fn recognise(service: &Service, parts: &Parts) -> Result<Caller, Fault> {
    let headers = &parts.headers;
    let from = Visitor::of(service, parts);
    let at = from.at;
    let found = if let Some(token) = bearer(headers) {
        let token = token.to_owned();
        service.ask(move |store| access::by_token(store, &token, at)).await?
    } else {
        let cookie = from.cookie.clone().ok_or_else(Fault::unknown_caller)?;
        let (asked, span) = (Arc::clone(&cookie), service.settings.sessions);
        let found = service.ask(move |store| access::by_cookie(store, &asked, span, at)).await?;
        if found.is_some() && !parts.method.is_safe() {
            is_meant(headers, &cookie)?;
        }
        found
    };
    let identity = found.ok_or_else(Fault::unknown_caller)?;
    Ok(Caller { identity, from })
}

/// Whether a page of ours sent this: another site's page can have the browser send the cookie, but cannot read what goes with it.
fn is_meant(headers: &HeaderMap, cookie: &str) -> Result<(), Fault> {
    let given = headers.get(CSRF).map(|value| value.as_bytes()).unwrap_or_default();
    if crate::site::till::same_secret(given, csrf_of(cookie).as_bytes()) {
        return Ok(());
    }
    Err(Fault::forbidden("csrf", "send back `csrf` of /api/v1/me as header `x-csrf-token`"))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}
