//! What head office answers over HTTP: the API, the document that describes it, and the pages.
//!
//! A file for each area gives its `routes()`, and [`documented`] puts them together. What is not obvious: a route is only reached
//! through the document, so the document cannot lack one; and [`caller::guard`] stands before all of them, so a route that forgets
//! to ask who is there is closed to strangers all the same.
//!
//! Whatever reads or writes the database does so in [`Service::ask`], off the threads that serve.

mod accounts;
mod boxes;
pub mod caller;
mod compare;
mod csv;
mod display_changes;
mod displays;
mod enrol;
pub mod faults;
mod feeds;
mod fleet;
mod hooks;
pub mod input;
pub mod limits;
mod live;
mod login;
mod metrics;
pub mod names;
mod overview;
mod packages;
mod pages;
pub mod passing;
mod queues;
mod rollouts;
mod sensors;
pub mod serve;
mod session;
mod stores;

use crate::hq::access::{Oidc, SessionSpan};
use crate::hq::fleet::Fleet;
use crate::hq::fleet::enrol::EnrolError;
use crate::hq::metrics::Metrics;
use crate::hq::store::Store;
use crate::hq::webhooks::Private;
use crate::time::{Clock, WallTime};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::any;
use axum_extra::extract::cookie::{Cookie, SameSite};
use faults::Fault;
use std::sync::Arc;
use tokio::sync::{Semaphore, broadcast};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, openapi};
use utoipa_axum::router::OpenApiRouter;

/// What a handler gives that answers with JSON.
pub type Answer<T> = Result<axum::Json<T>, Fault>;

/// Requests that are at the database at once: as many as it keeps connections for; more would only wait for the disk.
const AT_DATABASE: usize = 8;
/// Passwords that are hashed at once: each takes 19 MiB and a core.
const AT_HASHING: usize = 2;
/// Events that a slow reader of `live` may be behind before it misses some.
const LIVE_BEHIND: usize = 256;

/// Readers of `live` at once: each holds a connection for minutes.
const LIVE_READERS: usize = 256;

/// How the API is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Under which address people open the pages.
    pub public: PublicAddress,
    /// How long a session lasts.
    pub sessions: SessionSpan,
    /// How much anybody gets.
    pub limits: limits::Limits,
    /// Whether webhooks may lead into a private network.
    pub webhooks: Private,
}

/// Under which address people open the pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicAddress {
    /// `http://` on this machine only, under any of its names: for trying it.
    Loopback,
    /// `https://NAME[:PORT]`, without a path: what a browser sends as `origin`.
    Https(String),
}

/// A store as it is now, from `live`; see the pages' `LiveStore`.
#[derive(Debug, Clone)]
pub struct LiveNow {
    /// Whose it is.
    pub store_id: i64,
    /// As it is sent.
    pub json: Arc<str>,
}

/// What the routes share.
pub struct Service {
    /// The database.
    pub store: Arc<Store>,
    /// Where times come from.
    pub clock: Arc<dyn Clock>,
    /// What is sent on as it comes.
    pub live: broadcast::Sender<LiveNow>,
    /// What is counted of the service itself.
    pub metrics: Metrics,
    /// How it is set up.
    pub settings: Settings,
    /// Where else one signs in.
    oidc: Option<Arc<Oidc>>,
    /// What looks after the boxes.
    fleet: Option<Arc<Fleet>>,
    door: limits::Door,
    at_database: Arc<Semaphore>,
    at_hashing: Arc<Semaphore>,
    live_readers: Arc<Semaphore>,
}

impl Service {
    /// The parts, put together.
    #[must_use]
    pub fn new(store: Arc<Store>, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        Self {
            door: limits::Door::new(&settings.limits, &clock),
            store,
            clock,
            live: broadcast::Sender::new(LIVE_BEHIND),
            metrics: Metrics::default(),
            oidc: None,
            fleet: None,
            settings,
            at_database: Arc::new(Semaphore::new(AT_DATABASE)),
            at_hashing: Arc::new(Semaphore::new(AT_HASHING)),
            live_readers: Arc::new(Semaphore::new(LIVE_READERS)),
        }
    }

    /// With somewhere else to sign in; [`serve`](serve::serve) keeps it known.
    #[must_use]
    pub fn with_oidc(mut self, oidc: Arc<Oidc>) -> Self {
        self.oidc = Some(oidc);
        self
    }

    /// With what looks after the boxes.
    #[must_use]
    pub fn with_fleet(mut self, fleet: Arc<Fleet>) -> Self {
        self.fleet = Some(fleet);
        self
    }

    /// What looks after the boxes.
    ///
    /// # Errors
    /// 409 where this head office looks after none.
    pub(super) fn fleet(&self) -> Result<Arc<Fleet>, Fault> {
        self.fleet.clone().ok_or_else(|| Fault::from(EnrolError::NotSetUp))
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> WallTime {
        self.clock.now().wall
    }

    /// Works with the database on a thread that may wait, when one of a few is free.
    ///
    /// # Errors
    /// What `work` says; 503 while the service stops.
    pub async fn ask<T: Send + 'static, E: Into<Fault> + Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Fault> {
        self.aside(&self.at_database, work).await
    }

    /// The same for work with passwords, which is heavier, so that fewer are at it at once.
    ///
    /// # Errors
    /// What `work` says; 503 while the service stops.
    pub(super) async fn hash<T: Send + 'static, E: Into<Fault> + Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Fault> {
        self.aside(&self.at_hashing, work).await
    }

    async fn aside<T: Send + 'static, E: Into<Fault> + Send + 'static>(
        &self,
        few: &Arc<Semaphore>,
        work: impl FnOnce(&Store) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Fault> {
        let permit = Arc::clone(few).acquire_owned().await.map_err(|closed| Fault::inside(&closed))?;
        let store = Arc::clone(&self.store);
        let worked = tokio::task::spawn_blocking(move || {
            // Held to the work's end, also where whoever asked has gone.
            let _permit = permit;
            work(&store)
        });
        worked.await.map_err(|fault| Fault::inside(&fault))?.map_err(Into::into)
    }
}

impl Settings {
    /// The name of the session's cookie. A browser takes one that begins with `__Host-` only over TLS, and for this host alone.
    #[must_use]
    pub(super) const fn cookie(&self) -> &'static str {
        match self.public {
            PublicAddress::Loopback => "footfall",
            PublicAddress::Https(_) => "__Host-footfall",
        }
    }

    /// The session's cookie: no script reads it, and no other site's link brings it along.
    pub(super) fn session_cookie(&self, value: &str) -> Cookie<'static> {
        Cookie::build((self.cookie(), value.to_owned()))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(self.public != PublicAddress::Loopback)
            .build()
    }
}

/// All that is answered.
pub fn router(service: Arc<Service>) -> Router {
    let (api, _) = documented().split_for_parts();
    let with = || Arc::clone(&service);
    api.route("/api/{*rest}", any(nothing_there))
        .method_not_allowed_fallback(other_method)
        .layer(from_fn_with_state(with(), caller::guard))
        // Below the guard: the pages are for anybody, what they show is not.
        .fallback(pages::page)
        .layer(DefaultBodyLimit::max(limits::MOST_BODY_BYTES))
        .layer(CatchPanicLayer::custom(limits::panicked))
        .layer(from_fn_with_state(with(), limits::door))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(with(), metrics::counted))
        .layer(from_fn_with_state(with(), limits::headers))
        .with_state(service)
}

/// The document that describes the API.
#[must_use]
pub fn document() -> openapi::OpenApi {
    documented().into_openapi()
}

/// What the document says beside the routes.
#[derive(OpenApi)]
#[openapi(
    info(title = "Footfall head office", description = "What the boxes of a chain of stores counted, and what was made of it.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")),
    components(schemas(faults::FaultBody)),
    modifiers(&WaysIn),
    security(("cookie" = []), ("token" = [])),
    tags((name = "access", description = "Who may do what"), (name = "stores", description = "What happened in the stores"))
)]
struct Description;

/// By what somebody is recognised.
struct WaysIn;

impl Modify for WaysIn {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let cookie =
            "Of a session. What changes something brings `csrf` of `/api/v1/me` as header `x-csrf-token`.";
        let cookie = ApiKey::Cookie(ApiKeyValue::with_description("__Host-footfall", cookie));
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token, `ffhq_...`."))
            .build();
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
        components.add_security_scheme("token", SecurityScheme::Http(token));
    }
}

/// The routes, each with its description. A new area has one line here.
fn documented() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(session::routes())
        .merge(login::routes())
        .merge(accounts::routes())
        .merge(names::routes())
        .merge(overview::routes())
        .merge(stores::routes())
        .merge(compare::routes())
        .merge(displays::routes())
        .merge(display_changes::routes())
        .merge(hooks::routes())
        .merge(queues::routes())
        .merge(sensors::routes())
        .merge(fleet::routes())
        .merge(boxes::routes())
        .merge(enrol::routes())
        .merge(packages::routes())
        .merge(rollouts::routes())
        .merge(feeds::routes())
        .merge(live::routes())
        .merge(metrics::routes())
}

async fn nothing_there() -> Fault {
    Fault::not_found()
}

async fn other_method() -> Fault {
    Fault::new(axum::http::StatusCode::METHOD_NOT_ALLOWED, "method", "this address does not take this method")
}
