//! What head office is told by its config file.
//!
//! What is not obvious: nothing secret stands in these settings but what was read from files of their own, and `Debug` shows none of it.

use crate::publish::{Login, TlsSettings};
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
    pub broker: Option<BrokerSettings>,
    /// Where pages and API are.
    pub http: HttpSettings,
    /// Signing in elsewhere; none: with a password only.
    pub oidc: Option<OidcSettings>,
    /// How long what is kept.
    pub keep: KeepSettings,
    /// Hosts of private networks that webhooks may be sent to.
    pub webhook_hosts: Vec<String>,
}

/// How the broker is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerSettings {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS, where it is used.
    pub tls: Option<TlsSettings>,
    /// User and password, where they are used.
    pub login: Option<Login>,
    /// The name of the session that the broker keeps for head office.
    pub client_id: String,
    /// Longest wait between two attempts to reach the broker.
    pub retry_max: Duration,
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

/// Signing in with an account from elsewhere (OpenID Connect).
#[derive(Clone, PartialEq, Eq)]
pub struct OidcSettings {
    /// Who knows the accounts.
    pub issuer: String,
    /// Head office's name there.
    pub client_id: String,
    /// Its secret there.
    pub client_secret: String,
    /// What stands on the button.
    pub title: String,
}

/// `Debug` hides the secret.
impl std::fmt::Debug for OidcSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OidcSettings")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("title", &self.title)
            .finish_non_exhaustive()
    }
}

/// How long what is kept. Hours and days are kept for ever: they are small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepSettings {
    /// Minutes of lines, zones, queues and occupancy.
    pub minutes: Duration,
    /// Single events: crossings, visits, stays in queues.
    pub events: Duration,
    /// Single transactions and shifts.
    pub sales: Duration,
    /// What could not be read.
    pub aside: Duration,
    /// Who did what.
    pub audit: Duration,
}
