//! What is told by the quarter of an hour: how people moved, and where they were.

use super::{MadeBy, seconds, whole_ms};
use crate::analytics::{FlowQuarter, HeatQuarter, Place, QUARTER};
use crate::visitors;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many went from one place straight to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// From where.
    pub from: String,
    /// To where.
    pub to: String,
    /// How many people.
    pub people: u32,
}

/// How many took one whole way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathTaken {
    /// The places, in order.
    pub zones: Vec<String>,
    /// How many people.
    pub people: u32,
}

/// How many were last seen in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleAt {
    /// Where.
    pub zone: String,
    /// How many people.
    pub people: u32,
}

/// How people moved in a quarter of an hour, staff left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Camera id.
    pub camera: String,
    /// Start of the quarter, UTC ms, a multiple of 900,000.
    pub start_ms: i64,
    /// Its end.
    pub end_ms: i64,
    /// How much was really seen; on the wire seconds with up to three decimals.
    #[serde(rename = "seen_s", with = "seconds")]
    pub seen: Duration,
    /// Whether other records of this quarter may exist.
    pub part: bool,
    /// Whether lines, zones and cells lay where they were drawn all the time.
    pub valid: bool,
    /// The most frequent moves.
    pub moves: Vec<Move>,
    /// Moves that are not in the list.
    pub other_moves: u32,
    /// The most frequent whole ways of those who left in this quarter.
    pub paths: Vec<PathTaken>,
    /// People who took another way.
    pub other_paths: u32,
    /// Who was where at the end.
    pub still_inside: Vec<PeopleAt>,
    /// Name of the network.
    pub model: String,
    /// Version of the geometry.
    pub geometry: String,
    /// On which plane people were followed.
    pub plane: String,
    /// When the camera's run began, UTC ms.
    pub run: i64,
}

impl Flow {
    pub(super) fn of(made_by: &MadeBy, flow: &FlowQuarter) -> Self {
        let name = |place: Place| flow.names.name(place);
        let step = |(from, to, people): &(Place, Place, u32)| Move {
            from: name(*from),
            to: name(*to),
            people: *people,
        };
        let path = |(places, people): &(Vec<Place>, u32)| PathTaken {
            zones: places.iter().map(|place| name(*place)).collect(),
            people: *people,
        };
        let at = |(place, people): &(Place, u32)| PeopleAt { zone: name(*place), people: *people };
        Self {
            camera: made_by.camera.to_string(),
            start_ms: flow.quarter.start.unix_ms(),
            end_ms: (flow.quarter.start + QUARTER).unix_ms(),
            seen: Duration::from_millis(whole_ms(flow.quarter.seen)),
            part: flow.quarter.part,
            valid: flow.quarter.valid,
            moves: flow.moves.iter().map(step).collect(),
            other_moves: flow.other_moves,
            paths: flow.paths.iter().map(path).collect(),
            other_paths: flow.other_paths,
            still_inside: flow.still_inside.iter().map(at).collect(),
            model: made_by.model.clone(),
            geometry: made_by.geometry.clone(),
            plane: made_by.plane.to_string(),
            run: made_by.run.unix_ms(),
        }
    }
}

/// In which space a heat map's cells lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Space {
    /// Metres on the floor.
    FloorM,
    /// Px of the configured picture.
    ImagePx,
}

impl From<visitors::Space> for Space {
    fn from(space: visitors::Space) -> Self {
        match space {
            visitors::Space::FloorM => Self::FloorM,
            visitors::Space::ImagePx => Self::ImagePx,
        }
    }
}

/// Where people were in a quarter of an hour, staff left out. Cell `n` is column `n % columns` of row `n / columns`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Heat {
    /// Camera id.
    pub camera: String,
    /// Start of the quarter, UTC ms, a multiple of 900,000.
    pub start_ms: i64,
    /// Its end.
    pub end_ms: i64,
    /// How much was really seen; on the wire seconds with up to three decimals.
    #[serde(rename = "seen_s", with = "seconds")]
    pub seen: Duration,
    /// Whether other records of this quarter may exist.
    pub part: bool,
    /// Whether lines, zones and cells lay where they were drawn all the time.
    pub valid: bool,
    /// In which space.
    pub space: Space,
    /// Side of a cell, metres or px.
    pub cell: f64,
    /// Least x of the grid.
    pub left: f64,
    /// Least y of the grid.
    pub top: f64,
    /// Cells across.
    pub columns: u32,
    /// Rows of them.
    pub rows: u32,
    /// Cells in which somebody was, and for how many tenths of a second, all people together.
    pub presence: Vec<(u32, u64)>,
    /// The same of those who stood.
    pub dwell: Vec<(u32, u64)>,
    /// Name of the network.
    pub model: String,
    /// Version of the geometry.
    pub geometry: String,
    /// On which plane people were followed.
    pub plane: String,
    /// When the camera's run began, UTC ms.
    pub run: i64,
}

impl Heat {
    pub(super) fn of(made_by: &MadeBy, heat: &HeatQuarter) -> Self {
        let (quarter, grid) = (heat.quarter, heat.grid);
        Self {
            camera: made_by.camera.to_string(),
            start_ms: quarter.start.unix_ms(),
            end_ms: (quarter.start + QUARTER).unix_ms(),
            seen: Duration::from_millis(whole_ms(quarter.seen)),
            part: quarter.part,
            valid: quarter.valid,
            space: grid.space.into(),
            cell: grid.cell,
            left: grid.left,
            top: grid.top,
            columns: grid.columns,
            rows: grid.rows,
            presence: deciseconds(&heat.presence),
            dwell: deciseconds(&heat.dwell),
            model: made_by.model.clone(),
            geometry: made_by.geometry.clone(),
            plane: made_by.plane.to_string(),
            run: made_by.run.unix_ms(),
        }
    }
}

/// Times rounded to tenths of a second; less than half of one is left out.
fn deciseconds(cells: &[(usize, Duration)]) -> Vec<(u32, u64)> {
    let rounded = |(cell, time): &(usize, Duration)| {
        let tenths = (whole_ms(*time) + 50) / 100;
        Some((u32::try_from(*cell).ok()?, tenths)).filter(|(_, tenths)| *tenths > 0)
    };
    cells.iter().filter_map(rounded).collect()
}
