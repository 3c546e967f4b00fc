//! Where people were on the floor of a camera, and from where to where they went.
//!
//! Maps are added up while the grid stays the same. Where a camera was drawn anew meanwhile, the newest grid is the one that is shown, as older
//! cells lie elsewhere.

use super::ReportError;
use super::days::Range;
use super::stores::Found;
use crate::hq::store::Store;
use crate::hq::store::report::zones::{self, HeatDay};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Cells of a map at most, as the wire has it.
const MOST_CELLS: usize = crate::analytics::MOST_CELLS;

/// Where people were.
#[derive(Debug, Serialize, ToSchema)]
pub struct Heat {
    /// `floor_m`: metres; `image_px`: px of the picture.
    pub space: String,
    /// Side of a cell, in that unit.
    pub cell: f64,
    /// Least x.
    pub left: f64,
    /// Least y.
    pub top: f64,
    /// Cells across.
    pub columns: u32,
    /// Rows of cells.
    pub rows: u32,
    /// Seconds of presence by cell, row by row.
    pub presence_s: Vec<f64>,
    /// Seconds of standing.
    pub dwell_s: Vec<f64>,
    /// Zones and lines in the same space; none while boxes do not send them.
    pub shapes: Vec<Shape>,
}

/// A zone or a line of a camera.
#[derive(Debug, Serialize, ToSchema)]
pub struct Shape {
    /// `zone` or `line`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its points.
    pub points: Vec<[f64; 2]>,
}

/// From where to where people went.
#[derive(Debug, Serialize, ToSchema)]
pub struct Flow {
    /// The most frequent first.
    pub moves: Vec<Move>,
    /// Moves that are not listed.
    pub other_moves: i64,
}

/// A move.
#[derive(Debug, Serialize, ToSchema)]
pub struct Move {
    /// A place: `in:LINE`, `zone:ZONE`, `seen_first`.
    pub from: String,
    /// A place: `out:LINE`, `zone:ZONE`, `lost`, `staff`.
    pub to: String,
    /// How many.
    pub people: i64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Grid {
    space: String,
    cell: f64,
    left: f64,
    top: f64,
    columns: u32,
    rows: u32,
}

fn camera(store: &Store, of: &Found, names: (&str, &str)) -> Result<i64, ReportError> {
    let found = store.read(|ask| zones::camera(ask, of.row.store_id, names))?;
    found.ok_or(ReportError::NotThere)
}

/// Where people were on a camera's floor.
///
/// # Errors
/// [`ReportError::NotThere`] also where there is no map of those days.
pub fn heat(store: &Store, of: &Found, names: (&str, &str), range: Range) -> Result<Heat, ReportError> {
    let camera = camera(store, of, names)?;
    let days = store.read(|ask| zones::heat(ask, camera, range.pair()))?;
    let grid = |day: &HeatDay| serde_json::from_str::<Grid>(&day.grid).ok();
    let is_sound = |grid: &Grid| grid.columns as usize * grid.rows as usize <= MOST_CELLS;
    let newest = days.iter().find_map(grid).filter(is_sound).ok_or(ReportError::NotThere)?;
    let alike: Vec<&HeatDay> = days.iter().filter(|day| grid(day).as_ref() == Some(&newest)).collect();
    let cells = newest.columns as usize * newest.rows as usize;
    let sum = |cells_of: fn(&HeatDay) -> &str| {
        let mut seconds = vec![0.0; cells];
        for day in &alike {
            let told: Vec<(usize, f64)> = serde_json::from_str(cells_of(day)).unwrap_or_default();
            for (cell, tenths) in told {
                if let Some(of_cell) = seconds.get_mut(cell) {
                    *of_cell += tenths / 10.0;
                }
            }
        }
        seconds
    };
    let (presence_s, dwell_s) = (sum(|day| &day.presence), sum(|day| &day.dwell));
    let Grid { space, cell, left, top, columns, rows } = newest;
    Ok(Heat { space, cell, left, top, columns, rows, presence_s, dwell_s, shapes: Vec::new() })
}

/// From where to where people went before a camera.
///
/// # Errors
/// [`ReportError`].
pub fn flow(store: &Store, of: &Found, names: (&str, &str), range: Range) -> Result<Flow, ReportError> {
    let camera = camera(store, of, names)?;
    let all = store.read(|ask| zones::flow(ask, camera, range.pair()))?;
    let (others, listed): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(from, to, _)| from == "*" && to == "*");
    Ok(Flow {
        moves: listed.into_iter().map(|(from, to, people)| Move { from, to, people }).collect(),
        other_moves: others.iter().map(|(.., people)| people).sum(),
    })
}
