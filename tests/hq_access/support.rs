//! A head office for tests: the real router on a port of its own, over a real database, and people who ask it things.

use footfall::hq::access::{
    self, Actor, NewAccount, NewGrant, Origin, PlaceName, Role, SessionSpan, csrf_of,
};
use footfall::hq::api::limits::{Limits, Rate};
use footfall::hq::api::{PublicAddress, Service, Settings, serve::serve};
use footfall::hq::fleet::Fleet;
use footfall::hq::fleet::authority::Authority;
use footfall::hq::fleet::packages::PackageFolder;
use footfall::hq::store::Store;
use footfall::time::{FrameTime, SimClock, WallTime};
use footfall::wire::v1::fleet::BrokerAddress;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// When every test begins: Monday 5 October 2026, 08:00 UTC.
pub(crate) const BEGIN: WallTime = WallTime::from_unix_ms(1_791_187_200_000);
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A head office that runs until it is dropped.
pub(crate) struct Hq {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) address: SocketAddr,
    http: reqwest::Client,
    serving: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

/// An answer, read to its end; of a stream, its head.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) headers: reqwest::header::HeaderMap,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|fault| panic!("{fault}: {}", self.text))
    }

    pub(crate) fn key(&self) -> String {
        self.json()["key"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

/// How somebody is recognised.
#[derive(Debug, Clone)]
pub(crate) enum As {
    Nobody,
    Cookie(String),
    Token(String),
}

/// Boxes enrol here, and are told of a broker that is nowhere.
fn fleet(folder: &Path) -> Fleet {
    let day = Duration::from_secs(86_400);
    Fleet {
        authority: Authority::of(folder.join("authority"), day * 90),
        broker: Some(BrokerAddress { host: "mqtt.example.com".to_owned(), port: 8883 }),
        broker_ca: None,
        public_url: "http://127.0.0.1:1".to_owned(),
        link_life: day,
        packages: PackageFolder(folder.join("packages")),
    }
}

/// Nobody is held back, so that tests of other things are not.
pub(crate) fn free() -> Limits {
    let rate = Rate { burst: NonZeroU32::new(1_000_000).expect("not 0"), each: Duration::from_nanos(1_000) };
    Limits { address: rate, account: rate, login: rate, enrol: rate, packages: rate, proxies: Vec::new() }
}

impl Hq {
    pub(crate) async fn start(limits: Limits) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port");
        Self::on(port, limits, |service| service).await
    }

    pub(crate) async fn on(
        port: TcpListener,
        limits: Limits,
        change: impl FnOnce(Service) -> Service,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Store::open(&folder.path().join("hq.sqlite")).expect("a database"));
        register(&store);
        let clock = Arc::new(SimClock::at(FrameTime::of_run(BEGIN, Duration::ZERO)));
        let settings = Settings {
            public: PublicAddress::Loopback,
            sessions: SessionSpan::default(),
            limits,
            webhooks: footfall::hq::webhooks::Private::default(),
        };
        let fleet = Arc::new(fleet(folder.path()));
        let service = change(
            Service::new(Arc::clone(&store), Arc::<SimClock>::clone(&clock), settings).with_fleet(fleet),
        );
        port.set_nonblocking(true).expect("a port that does not wait");
        let listener = tokio::net::TcpListener::from_std(port).expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(serve(Arc::new(service), listener, std::future::pending()));
        let redirects = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().redirect(redirects).build().expect("a client");
        Self { store, clock, address, http, serving, _folder: folder }
    }

    /// Makes an account without a password, with one grant.
    pub(crate) fn account(&self, name: &str, role: Role, (tenant, place): (&str, PlaceName)) {
        self.make(name, None, NewGrant { role, tenant: tenant.to_owned(), place });
    }

    pub(crate) fn make(&self, name: &str, password: Option<&str>, grant: NewGrant) {
        let email = Some(format!("{name}@example.com"));
        let password = password.map(str::to_owned);
        let new = NewAccount { name: name.to_owned(), email, password, grants: vec![grant] };
        access::create_account(&self.store, &new, Actor::Operator, here()).expect("an account");
    }

    /// Begins a session without the password, which takes long to check.
    pub(crate) fn cookie(&self, name: &str) -> As {
        let span = (SessionSpan::default(), None);
        let from = Origin { at: self.now(), address: "test" };
        let cookie =
            access::begin_session(&self.store, self.account_id(name), span, from).expect("a session");
        As::Cookie(cookie.reveal().to_owned())
    }

    pub(crate) fn token(&self, name: &str, scope: access::TokenScope) -> As {
        let new = access::NewToken { name: "a program".to_owned(), scope, days: 30 };
        let from = Origin { at: self.now(), address: "test" };
        let (secret, _) =
            access::make_token(&self.store, self.account_id(name), &new, from).expect("a token");
        As::Token(secret.reveal().to_owned())
    }

    pub(crate) fn account_id(&self, name: &str) -> i64 {
        let ask = "SELECT account_id FROM account WHERE name = ?";
        self.sqlite().query_row(ask, [name], |row| row.get(0)).expect("an account")
    }

    pub(crate) fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.store.path()).expect("the database")
    }

    pub(crate) fn now(&self) -> WallTime {
        footfall::time::Clock::now(&*self.clock).wall
    }

    /// A request as a browser on our pages, or a program, sends it.
    pub(crate) fn ask(&self, who: &As, method: Method, path: &str) -> RequestBuilder {
        let is_safe = method == Method::GET || method == Method::HEAD;
        let request = self.http.request(method, format!("http://{}{path}", self.address));
        let request = request.timeout(Duration::from_secs(60));
        match who {
            As::Nobody => request,
            As::Token(token) => request.bearer_auth(token),
            As::Cookie(cookie) if is_safe => request.header("cookie", format!("footfall={cookie}")),
            As::Cookie(cookie) => request
                .header("cookie", format!("footfall={cookie}"))
                .header("x-csrf-token", csrf_of(cookie))
                .header("origin", format!("http://{}", self.address)),
        }
    }

    pub(crate) async fn get(&self, who: &As, path: &str) -> Answer {
        answer(self.ask(who, Method::GET, path)).await
    }

    pub(crate) async fn send(&self, who: &As, method: Method, (path, body): (&str, Value)) -> Answer {
        answer(self.ask(who, method, path).json(&body)).await
    }
}

impl Drop for Hq {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let is_stream = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
    let text = if is_stream { String::new() } else { response.text().await.expect("a body") };
    Answer { status, text, headers }
}

pub(crate) fn here() -> Origin<'static> {
    Origin { at: BEGIN, address: "test" }
}

/// Two chains. Whatever belongs to a store that the people of `acme/berlin` may not read is called `geheim`.
fn register(store: &Store) {
    let sqlite = rusqlite::Connection::open(store.path()).expect("the database");
    sqlite.execute_batch(include_str!("register.sql")).expect("the register");
}
