//! The config file: as written, checked, and turned into what the stages take.

use crate::capture::SourceSettings;
use crate::detect::DetectorSettings;
use crate::ids::{BoxId, CameraId, StoreId, TenantId};
use crate::outbox::OutboxSettings;
use crate::pipeline::PipelineSettings;
use crate::publish::MqttSettings;

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
    /// Where records wait.
    pub outbox: OutboxSettings,
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
    /// How it counts.
    pub pipeline: PipelineSettings,
    /// Names the geometry (lines, zones, picture size, calibration) that a count was made with:
    /// the first 12 hex digits of a SHA-256 over it.
    pub geometry: String,
}
