//! The config file: as written, checked, and turned into what the stages take.
//!
//! The stages know nothing of it: it knows them and builds their settings. All faults are shown at once,
//! each with its key and place, and none of them shows a credential.
//!
//! `file` reads the disk, `afar` is what head office may change, `document` walks the TOML, `check` and its parts `audit`, `broker`,
//! `camera`, `clock`, `fleet`, `health`, `identity`, `metrics`, `sensor`, `store`, `till`, `visitors`, `watchdog` and `zone` build the settings, `geometry` names what a
//! camera's lines and zones are, `span` reads
//! lengths of time.

mod afar;
mod audit;
pub(crate) mod broker;
mod camera;
pub mod check;
mod clock;
pub(crate) mod document;
pub mod fault;
pub mod file;
mod fleet;
pub mod geometry;
mod health;
pub mod identity;
mod metrics;
mod outbox;
mod sensor;
pub mod span;
pub(crate) mod store;
mod till;
mod visitors;
mod watchdog;
mod zone;

pub use afar::{AfarFault, check_managed};
pub use check::check;
pub use fault::{ConfigError, Fault, FaultKind, Place};
pub use file::{LocalFile, default_model, load};
pub use fleet::{FleetSettings, Pictures, UpdateSettings};
pub use geometry::geometry_name;
pub use identity::Identity;
pub use metrics::MetricsSettings;
pub use span::{Span, SpanError, parse_span};
pub use store::SiteSettings;

use crate::audit::AuditSettings;
use crate::capture::SourceSettings;
use crate::detect::{DetectorKind, DetectorSettings};
use crate::health::HealthSettings;
use crate::ids::{BoxId, CameraId, StoreId, TenantId};
use crate::outbox::OutboxSettings;
use crate::pipeline::PipelineSettings;
use crate::publish::MqttSettings;
use crate::site::Door;
use crate::site::sensors::SensorSettings;
use crate::time::ClockSettings;
use std::time::Duration;

/// The commented file that `footfall config default` prints: template and reference in one.
///
/// What it sets that may be left out, it sets to the default; the tests check that.
pub const DEFAULT_FILE: &str = include_str!("default.toml");

/// Shortest line, px. A shorter one has a direction only by chance: boxes are good to a few px.
pub const MIN_LINE_PX: f32 = 2.0;
/// Most frames a second. Above this no camera that is sold for shops delivers.
pub const MAX_FPS: f64 = 240.0;
/// Longest U-turn. A minute is closed only after this time, so it stays short of what a dashboard can wait for.
pub const MAX_U_TURN: Duration = Duration::from_secs(600);
/// Longest time that a zone waits for something. A minute is closed only after it, as with the U-turn.
pub const MAX_ZONE_SPAN: Duration = Duration::from_secs(600);
/// Pictures further apart than this leave a gap in coverage, where nothing else is said.
pub const LONGEST_GAP: Duration = Duration::from_secs(2);
/// Threads inside one `run` of the network; more help no network of this size.
pub const MAX_THREADS: u8 = 64;
/// The manifest of the network that `make` builds, from the folder where the program's own files lie.
pub const DEFAULT_MODEL: &str = "models/nanodet-g-416-int8.toml";

/// A whole, checked configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeSettings {
    /// Who owns the store.
    pub tenant: TenantId,
    /// The store.
    pub store: StoreId,
    /// This box.
    pub box_id: BoxId,
    /// Delivery; none: records stay in the outbox.
    pub mqtt: Option<MqttSettings>,
    /// What head office may do with this box; none: nothing.
    pub fleet: Option<FleetSettings>,
    /// Where records wait.
    pub outbox: OutboxSettings,
    /// When the time is known.
    pub clock: ClockSettings,
    /// A part of the box that has not looked up for this long hangs.
    pub hangs_after: Duration,
    /// Where figures for a Prometheus can be had; none: nowhere.
    pub metrics: Option<MetricsSettings>,
    /// Clips for a person's tally; none: nothing is kept.
    pub audit: Option<AuditSettings>,
    /// The store as a whole; none: only lines are counted.
    pub site: Option<SiteSettings>,
    /// Other sensors of the store.
    pub sensors: Vec<SensorSettings>,
    /// The network.
    pub detector: DetectorSettings,
    /// The cameras, at least one.
    pub cameras: Vec<CameraSettings>,
}

/// One camera of the box.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraSettings {
    /// Its name.
    pub id: CameraId,
    /// How it is reached.
    pub source: SourceSettings,
    /// What finds people in its pictures.
    pub detector: DetectorKind,
    /// How its pictures are watched; none: not at all.
    pub health: Option<HealthSettings>,
    /// How it counts.
    pub pipeline: PipelineSettings,
    /// Names the geometry (lines, zones, picture size, calibration) that a count was made with:
    /// the first 12 hex digits of a SHA-256 over it.
    pub geometry: String,
}

impl EdgeSettings {
    /// The lines of all cameras, as the store as a whole knows them.
    #[must_use]
    pub fn doors(&self) -> Vec<Door> {
        let of_camera = |camera: &CameraSettings| {
            let id = camera.id.clone();
            let lines = camera.pipeline.lines.iter();
            let doors = lines.map(|line| Door { camera: id.clone(), line: line.id.clone(), role: line.role });
            doors.collect::<Vec<_>>()
        };
        self.cameras.iter().flat_map(of_camera).collect()
    }

    /// The camera of this name, or the only one where no name is given.
    ///
    /// # Errors
    /// [`ConfigError`] names the cameras that are there.
    pub fn camera(&self, wanted: Option<&CameraId>) -> Result<&CameraSettings, ConfigError> {
        let there = || self.cameras.iter().map(|camera| camera.id.as_str()).collect::<Vec<_>>().join(", ");
        match (wanted, self.cameras.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(ConfigError::WhichCamera { there: there() }),
            (Some(wanted), cameras) => cameras
                .iter()
                .find(|camera| camera.id == *wanted)
                .ok_or_else(|| ConfigError::NoSuchCamera { wanted: wanted.to_string(), there: there() }),
        }
    }
}
