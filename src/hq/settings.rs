//! What head office is told by its config file.
//!
//! What is not obvious: nothing secret stands in these settings but what was read from files of their own, and `Debug` shows none of it.

use super::access::OidcSettings;
use super::mqtt::HqMqtt;
use super::webhooks::Private;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// A whole, checked configuration of head office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HqSettings {
    /// The SQLite file.
    pub database: PathBuf,
    /// The register: applied at the start, and again when it changes; none: the register is changed in other ways only.
    pub register: Option<PathBuf>,
    /// Where boxes deliver; none: only what others send over HTTP arrives.
    pub broker: Option<HqMqtt>,
    /// Where pages and API are.
    pub http: HttpSettings,
    /// Signing in elsewhere; none: with a password only.
    pub oidc: Option<OidcSettings>,
    /// How long what is kept.
    pub keep: KeepSettings,
    /// Whether webhooks may lead into a private network.
    pub webhooks: Private,
}

/// Where pages and API are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Address that is listened on.
    pub listen: SocketAddr,
    /// How people reach it, without a slash at its end: `https://footfall.example.com`. Where it is https, cookies are for https only.
    pub public_url: String,
    /// Proxies whose word on who asks is taken (`X-Forwarded-For`).
    pub trusted_proxies: Vec<IpAddr>,
}

/// How long what is kept. Hours and days are kept for ever: they are small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepSettings {
    /// Minutes of lines, zones, queues and occupancy.
    pub minutes: Duration,
    /// Single events: crossings, visits, stays in queues.
    pub events: Duration,
    /// What could not be read.
    pub aside: Duration,
    /// Who did what.
    pub audit: Duration,
}
