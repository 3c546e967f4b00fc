//! What head office and a box tell each other of the box itself: configuration, commands, health, software, certificates.
//!
//! What is not obvious: none of these messages is a record. They have no number and no promise; what must hold is said again
//! (retained), and what must not be done twice carries an id.

use super::{CameraStatus, V1};
use serde::{Deserialize, Serialize};

/// Most bytes of a configuration's text.
pub const MAX_CONFIG_BYTES: usize = 256 * 1024;

/// Most bytes of a packed picture in a [`CommandResult`], before base64.
pub const MAX_PICTURE_BYTES: usize = 384 * 1024;

/// Most bytes of any message of the fleet, either way.
pub const MAX_FLEET_MESSAGE_BYTES: usize = 640 * 1024;

/// What a box is to count with: `config/desired`, retained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigDesired {
    /// Version of the message.
    pub v: V1,
    /// Goes up with every change for this box, from 1.
    pub version: u64,
    /// SHA-256 of `text`, hex in small letters.
    pub hash: String,
    /// TOML with the tables that may be changed from afar.
    pub text: String,
}

/// How a box stands to what was desired of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfigStatus {
    /// Its own file is in force; nothing was desired.
    Local,
    /// What was desired is in force and has not been counted with for long enough yet.
    Trial,
    /// What was desired is in force.
    Applied,
    /// What was desired has faults, and nothing has changed.
    Refused,
    /// What was desired was in force, did not do, and was given up for the last good one.
    RolledBack,
}

/// What a box counts with: `config/reported`, retained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigReported {
    /// Version of the message.
    pub v: V1,
    /// Of which desired version it speaks; 0 where there was none.
    pub version: u64,
    /// How it stands to that.
    pub status: ConfigStatus,
    /// The desired version that is in force; 0: the box's own file.
    pub in_force: u64,
    /// SHA-256 of the text that is in force, hex.
    pub hash: String,
    /// What is wrong with what was refused or given up, each with its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// The text in force of what may be changed from afar. Absent where it holds something that should not travel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Since when, UTC ms.
    pub at_ms: i64,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum CommandKind {
    /// A picture of a camera now, everybody in it pixelated.
    Snapshot {
        /// Camera id.
        camera: String,
    },
    /// Closes and opens a camera.
    RestartCamera {
        /// Camera id.
        camera: String,
    },
    /// Reads the config again.
    Reread,
}

/// One thing to do: `command`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Version of the message.
    pub v: V1,
    /// Names it; done once.
    pub id: String,
    /// What.
    #[serde(flatten)]
    pub kind: CommandKind,
    /// Not to be done after this, UTC ms.
    pub expires_ms: i64,
    /// Who asks, as head office's audit log has it.
    pub asked_by: String,
    /// Why.
    #[serde(default)]
    pub why: String,
}

/// What came of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandOutcome {
    /// It was done.
    Done,
    /// It is not allowed here, or is not understood.
    Refused,
    /// It came too late.
    Expired,
    /// It was tried and did not work.
    Failed,
}

/// A picture without anybody who could be recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Camera id.
    pub camera: String,
    /// When it was taken, UTC ms.
    pub taken_ms: i64,
    /// How many people were veiled.
    pub people: u32,
    /// JPEG, base64.
    pub jpeg: String,
}

/// What came of a command: `command/result`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandResult {
    /// Version of the message.
    pub v: V1,
    /// Which command.
    pub id: String,
    /// What came of it.
    pub outcome: CommandOutcome,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// When, UTC ms.
    pub at_ms: i64,
    /// The picture that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<Picture>,
}

/// A camera's part of [`Health`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CameraHealth {
    /// Camera id.
    pub camera: String,
    /// Whether it delivers frames.
    pub state: CameraStatus,
    /// Frames looked at a second, over the last minute.
    pub fps: f64,
    /// Time to find people in a frame, median of the last minute, ms; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inference_ms: Option<f64>,
    /// The slowest of 20, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inference_p95_ms: Option<f64>,
    /// Frames that arrived and were passed over, since the start.
    pub dropped: u64,
    /// What is wrong with its pictures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
}

/// How a box is: `health`, every minute. What the machine does not say is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Version of the message.
    pub v: V1,
    /// When, UTC ms.
    pub at_ms: i64,
    /// Since when the service runs, UTC ms.
    pub since_ms: i64,
    /// Name and version of the software.
    pub software: String,
    /// Operating system, as it calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// Processor architecture.
    pub arch: String,
    /// Whether the clock is known to be right.
    pub clock_ok: bool,
    /// The hottest sensor, °C.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature_c: Option<f64>,
    /// Free on the disk of the outbox, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_free: Option<u64>,
    /// Size of that disk, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_size: Option<u64>,
    /// Memory of the machine that is available, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_free: Option<u64>,
    /// Memory of the machine, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_size: Option<u64>,
    /// Memory of the service, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used: Option<u64>,
    /// Load of the machine over one minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
    /// Every camera.
    pub cameras: Vec<CameraHealth>,
    /// Records that nobody has confirmed.
    pub waiting: u64,
    /// How old the oldest of them is, s; absent where none waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind_s: Option<f64>,
    /// Live messages that were discarded, since the start.
    pub discarded: u64,
    /// The desired version of the configuration that is in force; 0: the box's own file.
    pub config: u64,
    /// When the certificate runs out, UTC ms; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_until_ms: Option<i64>,
}

/// A package to install: `software/desired`, retained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftwareDesired {
    /// Version of the message.
    pub v: V1,
    /// A [`PackageManifest`] as JSON: the text that was signed.
    pub manifest: String,
    /// Ed25519 signature of `manifest`, base64.
    pub signature: String,
    /// Where the package is: an address on head office, https.
    pub url: String,
}

/// What a package is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageManifest {
    /// Its name: `footfall`.
    pub package: String,
    /// Its version, as dpkg has it.
    pub version: String,
    /// For which machines: `amd64`, `arm64`.
    pub architecture: String,
    /// SHA-256 of the file, hex in small letters.
    pub sha256: String,
    /// Bytes of the file.
    pub size: u64,
    /// A newer version that it may take the place of. Without it only what is older is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
}

/// How far an update has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoftwareStatus {
    /// What runs is what is desired, or nothing was.
    Current,
    /// It is being fetched.
    Fetching,
    /// It lies there, checked, and is about to be installed.
    Ready,
    /// It did not do, and what was there before runs again.
    RolledBack,
    /// It is not signed by the release key, is not what the manifest says, or is for another machine.
    Refused,
}

/// What software a box runs: `software/reported`, retained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftwareReported {
    /// Version of the message.
    pub v: V1,
    /// The version that runs.
    pub running: String,
    /// Processor architecture, as packages have it.
    pub architecture: String,
    /// The version that was desired last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<String>,
    /// How far it has come.
    pub status: SoftwareStatus,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Since when, UTC ms.
    pub at_ms: i64,
}

/// Asks for a new certificate: `certificate/request`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRequest {
    /// Version of the message.
    pub v: V1,
    /// Signing request, PEM.
    pub csr: String,
}

/// A new certificate: `certificate/issued`, retained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateIssued {
    /// Version of the message.
    pub v: V1,
    /// The box's certificate and what leads from it to the authority, PEM.
    pub certificate: String,
    /// The authorities that the broker's certificate may be of, PEM.
    pub ca: String,
    /// When it runs out, UTC ms.
    pub until_ms: i64,
}

/// Asks to be enrolled: the body of `POST /api/v1/enrol`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// The token, used once.
    pub token: String,
    /// Signing request, PEM.
    pub csr: String,
    /// Name and version of the software.
    pub software: String,
    /// Processor architecture, as packages have it.
    pub arch: String,
}

impl std::fmt::Debug for EnrolRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnrolRequest").field("software", &self.software).finish_non_exhaustive()
    }
}

/// Where the broker is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerAddress {
    /// Host name or address.
    pub host: String,
    /// Port; the connection is TLS.
    pub port: u16,
}

/// The answer to [`EnrolRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Who owns the store.
    pub tenant: String,
    /// The store.
    pub store: String,
    /// The box.
    #[serde(rename = "box")]
    pub box_id: String,
    /// Where it delivers.
    pub broker: BrokerAddress,
    /// The box's certificate and what leads from it to the authority, PEM.
    pub certificate: String,
    /// The authorities that the broker's certificate may be of, PEM.
    pub ca: String,
    /// When the certificate runs out, UTC ms.
    pub until_ms: i64,
}
