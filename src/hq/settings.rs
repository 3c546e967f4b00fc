//! What head office is told by its config file.
//!
//! What is not obvious: nothing secret stands in these settings but what was read from files of their own, and `Debug` shows none of it.

use super::access::OidcSettings;
use super::mqtt::HqMqtt;
use super::store::retention::Retention;
use super::webhooks::Private;
use crate::wire::v1::fleet::BrokerAddress;
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
    pub keep: Retention,
    /// Whether webhooks may lead into a private network.
    pub webhooks: Private,
    /// The authority that signs the boxes' certificates.
    pub authority: AuthoritySettings,
    /// How boxes enrol and where their packages lie.
    pub fleet: FleetSettings,
}

/// The authority that signs the boxes' certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthoritySettings {
    /// The folder of its key and certificate.
    pub folder: PathBuf,
    /// How long a box's certificate lives.
    pub certificates: Duration,
}

/// How boxes enrol and where their packages lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetSettings {
    /// Where boxes are told to deliver; none: nobody can enrol.
    pub broker: Option<BrokerAddress>,
    /// The file of the authorities that the broker's certificate may be of; none: the authority here.
    pub broker_ca: Option<PathBuf>,
    /// How long a link to enrol is good.
    pub links: Duration,
    /// The folder of the boxes' packages.
    pub packages: PathBuf,
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
