//! Delivers records to the broker.

use std::path::PathBuf;
use std::time::Duration;

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
