//! Who asks: a person by the cookie of a session, or a program by a token.
//!
//! What is not obvious: this is decided before a route is chosen, for every address of the API except the few in [`OPEN`]. A route that forgets
//! to ask is closed to strangers all the same; it asks, by taking a [`Caller`], for what else the account may do.

use super::faults::Fault;
use super::limits::Address;
use super::{PublicAddress, Service};
use crate::hq::access::{self, By, Identity, Origin, Role, Scope, StoreRow, csrf_of};
use crate::site::till::same_secret;
use crate::time::WallTime;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// What is answered to anybody: how one signs in, and signing in; how a box enrols itself (its token says whether it may), and what is no
/// secret of the boxes' certificates.
const OPEN: &[(Method, &str)] = &[
    (Method::POST, "/api/v1/enrol"),
    (Method::GET, "/api/v1/authority/ca"),
    (Method::GET, "/api/v1/authority/revoked"),
    (Method::GET, "/api/v1/login"),
    (Method::POST, "/api/v1/session"),
    (Method::GET, "/api/v1/login/oidc"),
    (Method::GET, "/api/v1/login/oidc/back"),
];

/// Where packages lie, each under its hash. They are no secret; what a box installs it checks by its signature.
const PACKAGES: &str = "/api/v1/packages/";

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
    ip: IpAddr,
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

    /// From where, behind the proxy where there is one.
    #[must_use]
    pub const fn ip(&self) -> IpAddr {
        self.ip
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
        let ip = parts.extensions.get::<Address>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |from| from.0);
        let jar = CookieJar::from_headers(&parts.headers);
        let cookie = jar.get(service.settings.cookie()).map(|found| found.value().into());
        Self { at: service.now(), ip, address: ip.to_string().into(), cookie }
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
    service.settings.public.is_ours(&parts)?;
    let is_open = is_open(&parts.method, parts.uri.path());
    if !is_open {
        let caller = recognise(&service, &parts).await?;
        service.door.account(caller.account_id())?;
        parts.extensions.insert(caller);
    }
    Ok(next.run(Request::from_parts(parts, body)).await)
}

fn is_open(method: &Method, path: &str) -> bool {
    let is_package =
        *method == Method::GET && path.strip_prefix(PACKAGES).is_some_and(|hash| !hash.is_empty());
    is_package || OPEN.iter().any(|(open, at)| open == method && *at == path)
}

async fn recognise(service: &Service, parts: &Parts) -> Result<Caller, Fault> {
    let from = Visitor::of(service, parts);
    let at = from.at;
    let found = if let Some(token) = bearer(&parts.headers) {
        let token = token.to_owned();
        service.ask(move |store| access::by_token(store, &token, at)).await?
    } else {
        let cookie = from.cookie.clone().ok_or_else(Fault::unknown_caller)?;
        let (asked, span) = (Arc::clone(&cookie), service.settings.sessions);
        let found = service.ask(move |store| access::by_cookie(store, &asked, span, at)).await?;
        if found.is_some() && !parts.method.is_safe() {
            is_meant(&parts.headers, &cookie)?;
        }
        found
    };
    let identity = found.ok_or_else(Fault::unknown_caller)?;
    Ok(Caller { identity, from })
}

/// Whether a page of ours sent this: another site's page can have the browser send the cookie, but cannot read what goes with it, and
/// cannot choose what the browser says of where it comes from.
fn is_meant(headers: &HeaderMap, cookie: &str) -> Result<(), Fault> {
    let given = headers.get(CSRF).map(|value| value.as_bytes()).unwrap_or_default();
    if !same_secret(given, csrf_of(cookie).as_bytes()) {
        return Err(Fault::forbidden("csrf", "send back `csrf` of /api/v1/me as header `x-csrf-token`"));
    }
    if !headers.contains_key(header::ORIGIN) {
        return Err(Fault::forbidden("origin", "a browser sends `origin` with this; a program uses a token"));
    }
    Ok(())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}

impl PublicAddress {
    /// Whether what changes something comes from a page of this address, where the browser says from where; and whether pages that are for this
    /// machine only were asked for by a name of this machine. A stranger's name that leads here would make their page one of ours.
    fn is_ours(&self, parts: &Parts) -> Result<(), Fault> {
        let text = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let host =
            text(header::HOST).or_else(|| parts.uri.authority().map(Authority::as_str)).unwrap_or_default();
        if *self == Self::Loopback && !names_this_machine(host) {
            let text =
                "set `public_url` in the config file to open the pages under another name than localhost";
            return Err(Fault::forbidden("host", text));
        }
        let Some(origin) = parts.headers.get(header::ORIGIN) else { return Ok(()) };
        let is_same = match self {
            Self::Loopback => origin.as_bytes().strip_prefix(b"http://") == Some(host.as_bytes()),
            Self::Https(public) => origin.as_bytes() == public.as_bytes(),
        };
        if is_same || parts.method.is_safe() {
            return Ok(());
        }
        Err(Fault::forbidden("origin", "this was sent from a page of another site"))
    }
}

fn names_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_its_own_names_and_no_other() {
        for name in
            ["localhost", "localhost:8480", "127.0.0.1", "127.0.0.1:80", "[::1]:8480", "[::1]", "127.9.9.9"]
        {
            assert!(names_this_machine(name), "{name}");
        }
        for name in [
            "",
            "hq.example.com",
            "localhost.example.com:80",
            "10.0.0.1:8480",
            "127.0.0.1.example.com",
            ":80",
        ] {
            assert!(!names_this_machine(name), "{name}");
        }
    }
}
