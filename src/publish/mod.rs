//! Delivers records to the broker.
//!
//! What is not obvious: an MQTT client's own queue is no place for anything that matters. `rumqttc` drops
//! what is pending without a word when the broker comes back without the session, and its `publish`
//! means "queued in memory". So the outbox is the only queue: [`delivery`] knows which packet id stands
//! for which records, [`mqtt`] owns the event loop and tells it what was sent and what was confirmed,
//! and after any fault the client is thrown away and everything unconfirmed goes again.
//!
//! Nor is the broker's PUBACK worth more than it says: a broker that is killed forgets what it confirmed, and one whose rules
//! forbid a topic confirms and discards. So records are confirmed by head office's watermark on `ack`,
//! unless a box that has none [says otherwise](ConfirmedBy::Broker).

use std::path::PathBuf;
use std::time::Duration;

pub mod backoff;
pub mod delivery;
pub mod discovery;
pub mod mqtt;

pub use mqtt::{Link, LiveSender, Publisher, PublisherSettings, PublisherStatus, Report, Stopped};

/// Why a publisher cannot start. A broker that is absent or refuses is no reason: that may change.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A certificate or key file cannot be read.
    #[error("{what} {path} cannot be used ({cause}); give a PEM file that the service may read")]
    Pem {
        /// Which of the files.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// Certificate and key do not fit each other, or the TLS library takes neither.
    #[error("client certificate {path} cannot be used ({cause}); check that the key belongs to it")]
    ClientCertificate {
        /// The certificate's file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The system gives no thread or no event loop.
    #[error("the publisher cannot start: {0}")]
    System(#[from] std::io::Error),
}

/// Whose word ends a record's wait in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConfirmedBy {
    /// Head office's watermark, told on `ack`.
    #[default]
    HeadOffice,
    /// The broker's PUBACK; for a box without a head office.
    Broker,
}

/// How the broker is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct MqttSettings {
    /// Host name or address.
    pub host: String,
    /// Port; 8883 with TLS and 1883 without are usual.
    pub port: u16,
    /// TLS, where it is used.
    pub tls: Option<TlsSettings>,
    /// User and password, where they are used.
    pub login: Option<Login>,
    /// Time between two batches of records.
    pub batch_every: Duration,
    /// Whether events and current values are also sent at once, without a promise (QoS 0).
    pub live: bool,
    /// Longest wait between two attempts to reach the broker.
    pub retry_max: Duration,
    /// Whose word ends a record's wait.
    pub confirmed_by: ConfirmedBy,
    /// A batch is sent again where head office's watermark stands still below it for this long.
    pub ack_patience: Duration,
    /// How the box introduces itself to Home Assistant; none: it does not.
    pub home_assistant: Option<HomeAssistantSettings>,
}

impl MqttSettings {
    /// What is wrong with how the broker is reached, where anybody in the network between can read and change what is sent.
    #[must_use]
    pub fn unencrypted(&self) -> Option<String> {
        let is_open = self.tls.is_none() && !is_this_machine(&self.host);
        is_open.then(|| {
            format!(
                "the connection to the broker {} is not encrypted: whoever is in the network between reads and can change every count; \
                 add [mqtt.tls]",
                self.host
            )
        })
    }
}

/// Whether a host is the machine that this runs on, so that what goes there leaves it not.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Home Assistant on the same broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeAssistantSettings {
    /// The start of the topics that it listens to, without a slash at its end.
    pub prefix: String,
}

/// Certificates in PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// Who signs the broker's certificate.
    pub ca_file: PathBuf,
    /// The box's own certificate and key, where the broker asks for one.
    pub client: Option<ClientCertificate>,
}

/// The box's own certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// PEM certificate chain.
    pub certificate_file: PathBuf,
    /// PEM private key.
    pub key_file: PathBuf,
}

/// User and password. `Debug` hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// User name.
    pub user: String,
    /// Password, read from a file at start.
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for MqttSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MqttSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}
