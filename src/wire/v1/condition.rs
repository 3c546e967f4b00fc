//! What is wrong with a camera's pictures, on the wire.

use super::MadeBy;
use crate::health::{ConditionChange, Turn};
use serde::{Deserialize, Serialize};

/// A condition of a camera's picture began or ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameraCondition {
    /// Camera id.
    pub camera: String,
    /// `frozen`, `blocked`, `moved` or `dark`; a newer writer may know more.
    pub condition: String,
    /// Whether it began; else it ended.
    pub began: bool,
    /// When that was decided, UTC ms.
    pub at_ms: i64,
    /// Since when the picture had looked so, UTC ms.
    pub since_ms: i64,
    /// What was measured, in words.
    pub detail: String,
    /// Name of the network.
    pub model: String,
    /// Version of the geometry.
    pub geometry: String,
    /// On which plane people are followed.
    pub plane: String,
    /// When the camera's run began, UTC ms.
    pub run: i64,
}

impl CameraCondition {
    /// A change, as its camera told it.
    #[must_use]
    pub fn of(made_by: &MadeBy, change: &ConditionChange) -> Self {
        Self {
            camera: made_by.camera.to_string(),
            condition: change.condition.name().to_owned(),
            began: change.turn == Turn::Began,
            at_ms: change.at.wall.unix_ms(),
            since_ms: change.since.wall.unix_ms(),
            detail: change.detail.clone(),
            model: made_by.model.clone(),
            geometry: made_by.geometry.clone(),
            plane: made_by.plane.to_string(),
            run: made_by.run.unix_ms(),
        }
    }
}
