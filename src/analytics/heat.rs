//! Where people are, and where they stand: seconds by cell and quarter of an hour.
//!
//! On a floor that was measured a cell is a square of so many metres, else one of px. The grid is fixed when the picture's size is
//! known and never has more than [`MOST_CELLS`] cells: where half metres do not fit, cells grow until they do. So
//! memory and a record's size have a limit that does not depend on what happens in the store.

use super::quarters::{Coverage, quarter_of};
use super::{QUARTER, Quarter};
use crate::calibration::Floor;
use crate::geom::{ImagePoint, PictureSize};
use crate::time::{FrameTime, WallTime};
use crate::visitors::Space;
use crate::zones::Standing;
use std::time::Duration;

/// Cells of one map. Each is at most 14 characters of a record, twice (`[2047,900000],`): 57 kB where somebody stood in
/// every cell, some 10 kB when packed. A shop floor of 16 m x 32 m in half metres.
pub const MOST_CELLS: usize = 2048;
/// Places of the picture that are laid on the floor to see how far it reaches, each way.
const PROBES: u32 = 32;
/// A px that is more metres than this is too near to the horizon for anybody's place to be known to a cell.
const COARSEST_PX_M: f64 = 0.2;

/// How finely a heat map is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeatSettings {
    /// Side of a cell on a measured floor, metres.
    pub cell_m: f64,
    /// Side of a cell on the picture, px.
    pub cell_px: f64,
}

impl Default for HeatSettings {
    /// Half a metre is what one person takes up.
    fn default() -> Self {
        Self { cell_m: 0.5, cell_px: 32.0 }
    }
}

/// What somebody is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Walks through.
    Passing,
    /// Stands. A visit is more than that: whoever strolls through a zone for long enough is on one too.
    Dwelling,
}

/// Where the cells lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// In which space.
    pub space: Space,
    /// Side of a cell, metres or px.
    pub cell: f64,
    /// Least x.
    pub left: f64,
    /// Least y: on the picture its top, on the floor what is nearest to the camera.
    pub top: f64,
    /// Cells across.
    pub columns: u32,
    /// Cells down the picture, or away from the camera.
    pub rows: u32,
}

impl Grid {
    /// The grid of what a camera sees; on the picture where no floor is known.
    #[must_use]
    pub fn of(picture: PictureSize, floor: Option<&Floor>, settings: HeatSettings) -> Self {
        let on_floor = floor.and_then(|floor| Self::on_floor(picture, floor, settings.cell_m));
        on_floor.unwrap_or_else(|| {
            let (width, height) = (f64::from(picture.width), f64::from(picture.height));
            Self::fitted(Space::ImagePx, [0.0, 0.0], [width, height], settings.cell_px)
        })
    }

    fn on_floor(picture: PictureSize, floor: &Floor, cell_m: f64) -> Option<Self> {
        let (mut least, mut most) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for step in 0..=PROBES * PROBES {
            let probe = |place: u32, side: u32| place as f32 / (PROBES - 1) as f32 * side as f32;
            let (x, y) = (probe(step % PROBES, picture.width), probe(step / PROBES, picture.height));
            let Some(placed) = floor.place(ImagePoint::new(x, y)) else { continue };
            if placed.jacobian.iter().flatten().any(|step_m| step_m.is_nan() || step_m.abs() > COARSEST_PX_M)
            {
                continue;
            }
            for (axis, at) in [placed.at.x_m, placed.at.y_m].into_iter().enumerate() {
                (least[axis], most[axis]) = (least[axis].min(at), most[axis].max(at));
            }
        }
        let reaches = (0..2).all(|axis| (most[axis] - least[axis]).is_finite() && most[axis] > least[axis]);
        reaches.then(|| Self::fitted(Space::FloorM, least, most, cell_m))
    }

    /// The grid over an area, of the finest cells from `cell` on, in halves of it, that are not too many.
    fn fitted(space: Space, least: [f64; 2], most: [f64; 2], cell: f64) -> Self {
        let mut side = cell;
        loop {
            // So that the same floor seen a little differently has the same cells.
            let corner = least.map(|at| (at / side).floor() * side);
            let [columns, rows] = [0, 1].map(|axis| ((most[axis] - corner[axis]) / side).floor() + 1.0);
            if columns * rows <= MOST_CELLS as f64 {
                let [left, top] = corner;
                return Self { space, cell: side, left, top, columns: columns as u32, rows: rows as u32 };
            }
            side += 0.5 * cell.max(side * 0.01);
        }
    }

    /// Number of cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.columns as usize * self.rows as usize
    }

    /// The cell in which somebody stands: `row * columns + column`.
    #[must_use]
    pub fn cell_of(&self, standing: &Standing) -> Option<usize> {
        let (x, y) = match self.space {
            Space::FloorM => standing.foot_in_floor.map(|at| (at.x_m, at.y_m))?,
            Space::ImagePx => (f64::from(standing.foot_in_image.x), f64::from(standing.foot_in_image.y)),
        };
        let (column, row) = (((x - self.left) / self.cell).floor(), ((y - self.top) / self.cell).floor());
        let inside =
            (0.0..f64::from(self.columns)).contains(&column) && (0.0..f64::from(self.rows)).contains(&row);
        inside.then(|| row as usize * self.columns as usize + column as usize)
    }
}

/// Where people were in a quarter of an hour.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatQuarter {
    /// Which, and how much of it was seen.
    pub quarter: Quarter,
    /// Where the cells lie.
    pub grid: Grid,
    /// Cells in which somebody was, by rising number, and for how long: time of all people together.
    pub presence: Vec<(usize, Duration)>,
    /// The same of those who dwelt there.
    pub dwell: Vec<(usize, Duration)>,
}

/// The heat map of one camera.
#[derive(Debug, Clone)]
pub struct Heat {
    coverage: Coverage,
    settings: HeatSettings,
    grid: Option<Grid>,
    open: WallTime,
    /// Of each cell: presence and dwell.
    cells: Vec<[Duration; 2]>,
}

impl Heat {
    /// Of a run that begins at `start`.
    #[must_use]
    pub fn new(settings: HeatSettings, start: FrameTime, longest_gap: Duration) -> Self {
        let open = quarter_of(start.wall);
        Self { coverage: Coverage::new(start, longest_gap), settings, grid: None, open, cells: Vec::new() }
    }

    /// Notes a frame; the first lays the grid. Tells the quarter that is over.
    pub fn frame(
        &mut self,
        at: FrameTime,
        picture: PictureSize,
        floor: Option<&Floor>,
        out: &mut Vec<HeatQuarter>,
    ) {
        if self.grid.is_none() {
            let grid = Grid::of(picture, floor, self.settings);
            self.cells.resize(grid.cells(), [Duration::ZERO; 2]);
            self.grid = Some(grid);
        }
        self.coverage.frame(at);
        self.close(at, out);
    }

    /// What follows does not join on to the last frame.
    pub fn interrupted(&mut self) {
        self.coverage.interrupted();
    }

    /// The camera has been looking elsewhere since `since`: quarters from then on are not valid.
    pub fn moved(&mut self, since: FrameTime, now: FrameTime) {
        self.coverage.moved(since, now);
    }

    /// Somebody has seen that it looks where it should.
    pub fn in_place(&mut self, now: FrameTime) {
        self.coverage.in_place(now);
    }

    /// Notes that somebody has been where they stand now for `passed`.
    pub fn see(&mut self, standing: &Standing, passed: Duration, manner: Manner) {
        let Some(cell) = self.grid.and_then(|grid| grid.cell_of(standing)) else { return };
        let [presence, dwell] = &mut self.cells[cell];
        *presence += passed;
        if manner == Manner::Dwelling {
            *dwell += passed;
        }
    }

    /// Tells the quarter that is over, if one is.
    pub fn close(&mut self, now: FrameTime, out: &mut Vec<HeatQuarter>) {
        let target = quarter_of(now.wall);
        if target == self.open {
            return;
        }
        self.tell(now.wall, out);
        let next = self.open + QUARTER;
        // Quarters in which the camera gave nothing are told too, up to a day of them: missing is never zero.
        if self.open < target && target.since(next) <= Duration::from_secs(86_400) {
            self.open = next;
            while self.open < target {
                self.tell(now.wall, out);
                self.open = self.open + QUARTER;
            }
        }
        self.open = target;
    }

    /// Ends the run: the open quarter is told as a part of one.
    pub fn finish(&mut self, now: FrameTime, out: &mut Vec<HeatQuarter>) {
        self.close(now, out);
        self.tell(now.wall, out);
    }

    /// Nothing is told before the first frame: where the cells would lie is not known.
    fn tell(&mut self, now: WallTime, out: &mut Vec<HeatQuarter>) {
        let quarter = self.coverage.take(self.open, now);
        let Some(grid) = self.grid else { return };
        let of = |kind: usize| {
            let times = self.cells.iter().map(|cell| cell[kind]).enumerate();
            times.filter(|(_, time)| !time.is_zero()).collect()
        };
        let (presence, dwell) = (of(0), of(1));
        self.cells.fill([Duration::ZERO; 2]);
        out.push(HeatQuarter { quarter, grid, presence, dwell });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::mounting::{self, Mounting};
    use crate::ids::TrackId;
    use proptest::prelude::*;

    const PICTURE: PictureSize = PictureSize { width: 640, height: 480 };

    fn at(ms: u64) -> FrameTime {
        FrameTime::of_run(WallTime::from_unix_ms(0), Duration::from_millis(ms))
    }

    fn standing(x: f32, y: f32) -> Standing {
        let foot_in_image = ImagePoint::new(x, y);
        Standing {
            track: TrackId(1),
            frame: 1,
            at: at(0),
            foot_in_image,
            foot_in_floor: None,
            metre_px: 100.0,
        }
    }

    fn floor(height_m: f64, tilt_deg: f64) -> Floor {
        let mounting = Mounting { height_m, tilt_deg, field_of_view_deg: 70.0, roll_deg: 0.0 };
        mounting::fit(PICTURE, None, &mounting).unwrap()
    }

    #[test]
    fn seconds_fall_into_the_cell_in_which_somebody_is() {
        let (mut heat, mut out) =
            (Heat::new(HeatSettings::default(), at(0), Duration::from_secs(2)), Vec::new());
        heat.frame(at(0), PICTURE, None, &mut out);
        heat.frame(at(500), PICTURE, None, &mut out);
        heat.see(&standing(40.0, 10.0), Duration::from_millis(500), Manner::Passing);
        heat.see(&standing(40.0, 70.0), Duration::from_millis(700), Manner::Dwelling);
        heat.finish(at(500), &mut out);
        // 20 cells across and one for the edge: the second column, in the first and in the third row.
        let ms = Duration::from_millis;
        assert_eq!(
            (out[0].presence.clone(), out[0].dwell.clone()),
            (vec![(1, ms(500)), (43, ms(700))], vec![(43, ms(700))])
        );
        assert_eq!((out[0].quarter.seen, out[0].quarter.part), (ms(500), true));
    }

    #[test]
    fn a_new_quarter_begins_with_an_empty_map_also_while_the_camera_is_away() {
        let (mut heat, mut out) =
            (Heat::new(HeatSettings::default(), at(0), Duration::from_secs(2)), Vec::new());
        heat.frame(at(0), PICTURE, None, &mut out);
        heat.see(&standing(40.0, 10.0), Duration::from_secs(1), Manner::Passing);
        heat.close(at(2_000_000), &mut out);
        let shown: Vec<_> = out.iter().map(|map| (map.quarter.start.unix_ms(), map.presence.len())).collect();
        assert_eq!(shown, [(0, 1), (900_000, 0)]);
    }

    #[test]
    fn on_a_measured_floor_cells_are_half_metres_of_what_the_camera_sees() {
        let grid = Grid::of(PICTURE, Some(&floor(3.0, 50.0)), HeatSettings::default());
        assert_eq!((grid.space, grid.cell), (Space::FloorM, 0.5));
        assert!(grid.cells() <= MOST_CELLS && grid.columns > 4 && grid.rows > 4, "{grid:?}");
    }

    #[test]
    fn a_floor_that_reaches_far_gets_coarser_cells_and_not_more() {
        let grid = Grid::of(PICTURE, Some(&floor(12.0, 25.0)), HeatSettings::default());
        assert!(grid.cell > 0.5 && grid.cells() <= MOST_CELLS && grid.cells() > MOST_CELLS / 8, "{grid:?}");
    }

    proptest! {
        #[test]
        fn everybody_in_the_picture_has_a_cell(x in 0.0f32..=4096.0, y in 0.0f32..=2160.0, cell_px in 1.0f64..500.0) {
            let picture = PictureSize { width: 4096, height: 2160 };
            let grid = Grid::of(picture, None, HeatSettings { cell_px, ..HeatSettings::default() });
            prop_assert!(grid.cells() <= MOST_CELLS);
            prop_assert!(grid.cell_of(&standing(x, y)).is_some_and(|cell| cell < grid.cells()));
        }
    }
}
