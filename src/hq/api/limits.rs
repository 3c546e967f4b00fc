//! How much of the service anybody gets: by address, by account, in size, in time and at once; and the headers that tell a browser
//! what these pages never do.
//!
//! What is not obvious: an address, or an account's name, is not remembered as such. It falls into one of [`SLOTS`] slots by a
//! hash that nobody outside can foresee. So whoever sends from a million addresses fills no memory, and the price is that one in so many strangers
//! shares a slot with them.

use super::caller::Visitor;
use super::faults::Fault;
use super::{PublicAddress, Service, Settings};
use crate::time::Clock;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use std::any::Any;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Slots of a limit. Each takes some tens of bytes.
const SLOTS: u64 = 1 << 16;
/// Requests at once; more are told to come again.
const AT_ONCE: usize = 256;
/// From the first byte of a request's body to the first byte of its answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Largest body that is read, where a route does not say otherwise.
pub(super) const MOST_BODY_BYTES: usize = 64 * 1024;
/// Addresses in `x-forwarded-for` that are looked at.
const MOST_HOPS: usize = 16;

/// How often something may happen: so many at once, and then so many in each span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// At once.
    pub burst: NonZeroU32,
    /// Until one more may.
    pub each: Duration,
}

/// The limits that depend on how large a chain is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Requests from one address (of IPv6: one network of 64 bits).
    pub address: Rate,
    /// Requests of one account, wherever from.
    pub account: Rate,
    /// Attempts to sign in: from one address, and for one name.
    pub login: Rate,
    /// Attempts to enrol a box, from one address.
    pub enrol: Rate,
    /// Packages that are fetched, from one address.
    pub packages: Rate,
    /// Proxies whose `x-forwarded-for` is believed.
    pub proxies: Vec<IpAddr>,
}

impl Default for Limits {
    /// An office behind one address opens pages freely; a password is guessed at ten times, and then ten times a minute. The boxes of a chain may
    /// all come from one address, as through its own network: ten a second enrol, and one a second fetches a package.
    fn default() -> Self {
        let rate = |burst, each_ms| Rate {
            burst: NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN),
            each: Duration::from_millis(each_ms),
        };
        Self {
            address: rate(400, 10),
            account: rate(200, 20),
            login: rate(10, 6_000),
            enrol: rate(50, 100),
            packages: rate(30, 1_000),
            proxies: Vec::new(),
        }
    }
}

/// The clock of the limits is that of the service.
struct Ticks(Arc<dyn Clock>);

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.now().elapsed
    }
}

/// One limit, by whatever key.
struct Bucket {
    limiter: RateLimiter<u64, DefaultKeyedStateStore<u64>, Ticks, NoOpMiddleware<Duration>>,
    seed: RandomState,
}

impl Bucket {
    fn new(rate: Rate, clock: &Arc<dyn Clock>) -> Self {
        let each = rate.each.max(Duration::from_nanos(1));
        let quota = Quota::with_period(each).expect("the period is not zero").allow_burst(rate.burst);
        let limiter = RateLimiter::new(quota, DefaultKeyedStateStore::default(), Ticks(Arc::clone(clock)));
        Self { limiter, seed: RandomState::new() }
    }

    fn take(&self, key: impl Hash) -> Result<(), Fault> {
        let taken = self.limiter.check_key(&(self.seed.hash_one(key) % SLOTS));
        taken.map_err(|until| {
            let now = governor::clock::Clock::now(self.limiter.clock());
            Fault::too_often(until.wait_time_from(now).as_secs() + 1)
        })
    }
}

/// What of the limits is used up.
pub(super) struct Door {
    address: Bucket,
    account: Bucket,
    login_address: Bucket,
    login_name: Bucket,
    enrol: Bucket,
    packages: Bucket,
    at_once: Semaphore,
}

impl Door {
    pub(super) fn new(limits: &Limits, clock: &Arc<dyn Clock>) -> Self {
        Self {
            address: Bucket::new(limits.address, clock),
            account: Bucket::new(limits.account, clock),
            login_address: Bucket::new(limits.login, clock),
            login_name: Bucket::new(limits.login, clock),
            enrol: Bucket::new(limits.enrol, clock),
            packages: Bucket::new(limits.packages, clock),
            at_once: Semaphore::new(AT_ONCE),
        }
    }

    /// One more request of an account.
    pub(super) fn account(&self, account_id: i64) -> Result<(), Fault> {
        self.account.take(account_id)
    }

    /// One more attempt to enrol.
    pub(super) fn enrol(&self, from: &Visitor) -> Result<(), Fault> {
        self.enrol.take(network(from.ip()))
    }

    /// One more package that is fetched.
    pub(super) fn package(&self, from: &Visitor) -> Result<(), Fault> {
        self.packages.take(network(from.ip()))
    }

    /// One more attempt to sign in.
    pub(super) fn login(&self, from: &Visitor, name: Option<&str>) -> Result<(), Fault> {
        self.login_address.take(network(from.ip()))?;
        name.map_or(Ok(()), |name| self.login_name.take(name))
    }
}

/// Where a request comes from, behind the proxy where there is one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address(pub(super) IpAddr);

/// Lets so much in and no more, and notes where it comes from.
pub(super) async fn door(
    State(service): State<Arc<Service>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Fault> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip().to_canonical());
    let address = behind(peer, request.headers(), &service.settings.limits.proxies);
    service.door.address.take(network(address))?;
    request.extensions_mut().insert(Address(address));
    let _place = service.door.at_once.try_acquire().map_err(|_full| Fault::busy())?;
    let answered = tokio::time::timeout(PATIENCE, next.run(request)).await;
    answered.map_err(|_late| {
        let text = "the request took too long to arrive or to be answered; ask for less, or again";
        Fault::new(axum::http::StatusCode::REQUEST_TIMEOUT, "too_slow", text)
    })
}

/// Whom a proxy speaks for: the last address in `x-forwarded-for` that is none of our proxies. What stands before it, anybody may
/// have written.
fn behind(peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> IpAddr {
    if !proxies.contains(&peer) {
        return peer;
    }
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let hops = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')).take(MOST_HOPS);
    let mut known = peer;
    for hop in hops {
        let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
        known = hop.to_canonical();
        if !proxies.contains(&known) {
            break;
        }
    }
    known
}

/// Whoever has an IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & (u128::MAX << 64))),
    }
}

/// A panic is our fault, and its text is for our log.
pub(super) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Fault::inside(&format!("panic: {text}")).into_response()
}

/// Scripts, styles and pictures of these pages alone; nobody frames them, and no address that somebody looked at leaves them.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Headers of every answer.
pub(super) async fn headers(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let is_page = !request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    add_headers(response.headers_mut(), &service.settings, is_page);
    response
}

fn add_headers(headers: &mut HeaderMap, settings: &Settings, is_page: bool) {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if matches!(settings.public, PublicAddress::Https(_)) {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if !is_page {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{FrameTime, SimClock};

    #[track_caller]
    fn check(peer: &str, forwarded: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_str(line).unwrap());
        }
        let proxies = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        assert_eq!(behind(peer.parse().unwrap(), &headers, &proxies).to_string(), expected);
    }

    #[test]
    fn only_a_proxy_is_believed_whom_it_speaks_for_and_only_its_own_word() {
        check("192.0.2.7", &["198.51.100.1"], "192.0.2.7");
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["203.0.113.9, 198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["203.0.113.9", "198.51.100.1, 10.0.0.2"], "198.51.100.1");
        check("10.0.0.1", &["198.51.100.1, nonsense"], "10.0.0.1");
        check("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1");
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn what_is_used_up_comes_back_with_time_and_is_nobody_elses() {
        let clock = Arc::new(SimClock::at(FrameTime::default()));
        let as_clock: Arc<dyn Clock> = Arc::<SimClock>::clone(&clock);
        let rate = Rate { burst: NonZeroU32::new(2).unwrap(), each: Duration::from_secs(6) };
        let bucket = Bucket::new(rate, &as_clock);
        assert!(bucket.take("ann").is_ok() && bucket.take("ann").is_ok());
        assert_eq!(bucket.take("ann").unwrap_err().status(), 429);
        clock.advance(Duration::from_secs(6));
        bucket.take("ann").unwrap();
        bucket.take("ann").unwrap_err();
    }

    #[test]
    fn any_number_of_keys_takes_the_memory_of_the_slots() {
        let clock: Arc<dyn Clock> = Arc::new(SimClock::at(FrameTime::default()));
        let bucket = Bucket::new(Limits::default().address, &clock);
        for key in 0..200_000_u32 {
            drop(bucket.take(key));
        }
        assert!(bucket.limiter.len() <= usize::try_from(SLOTS).unwrap());
    }

    #[test]
    fn a_panic_is_told_to_the_log_alone() {
        let response = panicked(Box::new("the password of the database is hunter2"));
        assert_eq!(response.status(), 500);
        let length = response.headers().get(header::CONTENT_LENGTH);
        assert!(length.is_none(), "the body is that of every fault: {length:?}");
    }
}
