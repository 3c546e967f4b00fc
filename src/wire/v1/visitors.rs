//! Who the people were that were counted: what a minute says of them, and tracks of staff.

use super::MadeBy;
use crate::analytics::LineMinute;
use crate::{count, visitors};
use serde::{Deserialize, Serialize};

/// What the crossings of a line stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineRole {
    /// Customers come in and go out here.
    #[default]
    Door,
    /// A door for goods.
    Goods,
    /// Along the front, outside.
    Passersby,
    /// Between two parts of the store.
    Inner,
}

impl From<count::LineRole> for LineRole {
    fn from(role: count::LineRole) -> Self {
        match role {
            count::LineRole::Door => Self::Door,
            count::LineRole::Goods => Self::Goods,
            count::LineRole::Passersby => Self::Passersby,
            count::LineRole::Inner => Self::Inner,
        }
    }
}

/// What a minute says of those who crossed. It counts all: without staff it is `in` - `staff_in`, and people
/// instead of entries are `in` - `reentries`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MinuteVisitors {
    /// What the line's crossings stand for.
    #[serde(default)]
    pub role: LineRole,
    /// Of the crossings into the store, those by staff.
    #[serde(default)]
    pub staff_in: u32,
    /// Of the crossings out of it, those by staff.
    #[serde(default)]
    pub staff_out: u32,
    /// Of the crossings into the store, those by people who had gone out a short while before.
    #[serde(default)]
    pub reentries: u32,
    /// Groups by size: 1, 2, 3, 4, and 5 or more.
    #[serde(default)]
    pub groups: [u32; 5],
    /// People who crossed the line and used no door.
    #[serde(default)]
    pub passersby: u32,
}

impl MinuteVisitors {
    pub(super) fn of(minute: &LineMinute) -> Self {
        let counts = minute.visitors;
        Self {
            role: minute.role.into(),
            staff_in: counts.staff_in,
            staff_out: counts.staff_out,
            reentries: counts.reentries,
            groups: counts.groups,
            passersby: counts.passersby,
        }
    }
}

/// Why a track is taken for one of staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaffWhy {
    /// Was where only staff go.
    Zone,
    /// Came into view behind the counter.
    Counter,
    /// Stayed longer than customers do.
    Stay,
    /// Came and went with a badge.
    Badge,
}

impl From<visitors::StaffWhy> for StaffWhy {
    fn from(why: visitors::StaffWhy) -> Self {
        match why {
            visitors::StaffWhy::Zone => Self::Zone,
            visitors::StaffWhy::Counter => Self::Counter,
            visitors::StaffWhy::Stay => Self::Stay,
            visitors::StaffWhy::Badge => Self::Badge,
        }
    }
}

/// A track that is one of staff. It says nothing of who that is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    /// Camera id.
    pub camera: String,
    /// Track id, unique within `run`.
    pub track: u64,
    /// When the track was seen first, UTC ms.
    pub since_ms: i64,
    /// Why.
    pub why: StaffWhy,
    /// Name of the network.
    pub model: String,
    /// Version of the geometry.
    pub geometry: String,
    /// On which plane people were followed.
    pub plane: String,
    /// When the camera's run began, UTC ms.
    pub run: i64,
}

impl Staff {
    pub(super) fn of(made_by: &MadeBy, staff: &visitors::StaffTrack) -> Self {
        Self {
            camera: made_by.camera.to_string(),
            track: staff.track.0,
            since_ms: staff.since.wall.unix_ms(),
            why: staff.why.into(),
            model: made_by.model.clone(),
            geometry: made_by.geometry.clone(),
            plane: made_by.plane.to_string(),
            run: made_by.run.unix_ms(),
        }
    }
}
