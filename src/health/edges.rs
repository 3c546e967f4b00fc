//! Where the brightness of a place steps, and which way: what stays of a picture when lamps and people change.
//!
//! Each cell has two signs, across and down: brighter to the right or below (1), darker (-1), or no step (0). They are
//! followed over seconds, so that who walks by leaves no trace, and two sets of them are compared cell by cell:
//! agreement is 1 where all signs are the same, 0 where there is no relation. A lamp changes how strong steps are
//! and seldom which way they go; a camera that turns moves all of them.

use super::thumbnail::{CELLS, COLUMNS, ROWS, Thumbnail};

/// Signs of both directions: first all across, then all down.
pub(super) const SIGNS: usize = 2 * CELLS;

/// A step is at least this many levels of 255, and this share of the mean brightness.
const STEP_LEAST: f32 = 3.0;
const STEP_SHARE: f32 = 0.04;
/// A sign counts as there when it is for more than three quarters of the time.
const STEADY: f32 = 0.5;
/// A place that has to be compared must keep this share of the steps in sight, or the fit means nothing.
const LEAST_IN_SIGHT: f32 = 0.4;

/// Signs of one picture.
pub(super) fn signs_of(thumbnail: &Thumbnail, signs: &mut [i8]) {
    let least = STEP_LEAST.max(STEP_SHARE * thumbnail.mean);
    let sign = |step: f32| i8::from(step > least) - i8::from(step < -least);
    let luma = &thumbnail.luma;
    let (across, down) = signs.split_at_mut(CELLS);
    for row in 0..ROWS {
        for column in 0..COLUMNS {
            let at = row * COLUMNS + column;
            let inner = |index: usize, count: usize| index > 0 && index + 1 < count;
            across[at] = if inner(column, COLUMNS) { sign(luma[at + 1] - luma[at - 1]) } else { 0 };
            down[at] = if inner(row, ROWS) { sign(luma[at + COLUMNS] - luma[at - COLUMNS]) } else { 0 };
        }
    }
}

/// How many steps there are.
pub(super) fn count(signs: &[i8]) -> usize {
    signs.iter().filter(|sign| **sign != 0).count()
}

/// Signs followed over seconds.
#[derive(Debug, Clone)]
pub(super) struct SlowSigns {
    mean: Vec<f32>,
    looks: u32,
    /// What was there for most of the last seconds.
    pub(super) steady: Vec<i8>,
}

/// The last looks weigh together as much as all before them: 6 s at two looks a second.
const MEMORY_LOOKS: u32 = 12;

impl SlowSigns {
    pub(super) fn new() -> Self {
        Self { mean: vec![0.0; SIGNS], looks: 0, steady: vec![0; SIGNS] }
    }

    /// Begins anew.
    pub(super) fn forget(&mut self) {
        self.mean.fill(0.0);
        self.looks = 0;
    }

    /// Whether it has followed for long enough to be compared.
    pub(super) const fn is_steady(&self) -> bool {
        self.looks >= MEMORY_LOOKS
    }

    pub(super) fn take(&mut self, signs: &[i8]) {
        self.looks = (self.looks + 1).min(MEMORY_LOOKS);
        let weight = 1.0 / self.looks as f32;
        for ((mean, steady), sign) in self.mean.iter_mut().zip(&mut self.steady).zip(signs) {
            *mean += weight * (f32::from(*sign) - *mean);
            *steady = i8::from(*mean > STEADY) - i8::from(*mean < -STEADY);
        }
    }
}

/// How the picture lies now against how it lay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Motion {
    /// To the right, cells.
    pub(super) right: i32,
    /// Down, cells.
    pub(super) down: i32,
    /// Counter-clockwise about the middle, degrees.
    pub(super) turned_deg: f32,
    /// Larger about the middle.
    pub(super) zoom: f32,
}

impl Motion {
    pub(super) const NONE: Self = Self { right: 0, down: 0, turned_deg: 0.0, zoom: 1.0 };
}

/// Agreement of what was with what is, if the picture had moved so: -1 to 1, or none where too little of it is in sight.
pub(super) fn agreement(was: &[i8], is: &[i8], motion: Motion, cell_shape: f32) -> Option<f32> {
    let (sin, cos) = motion.turned_deg.to_radians().sin_cos();
    let (mid_x, mid_y) = ((COLUMNS - 1) as f32 / 2.0, (ROWS - 1) as f32 / 2.0);
    let (mut steps, mut in_sight, mut sum) = (0_u32, 0_u32, 0_i32);
    for row in 0..ROWS {
        for column in 0..COLUMNS {
            let at = row * COLUMNS + column;
            let (across, down) = (i32::from(was[at]), i32::from(was[CELLS + at]));
            let here = across.unsigned_abs() + down.unsigned_abs();
            if here == 0 {
                continue;
            }
            steps += here;
            // In units of a cell's height, so that a turn is one also where cells are not square.
            let (x, y) = ((column as f32 - mid_x) * cell_shape, row as f32 - mid_y);
            let new_x = (cos * x + sin * y) * motion.zoom / cell_shape + mid_x + motion.right as f32;
            let new_y = (cos * y - sin * x) * motion.zoom + mid_y + motion.down as f32;
            let (new_x, new_y) = (new_x.round(), new_y.round());
            if (0.0..COLUMNS as f32).contains(&new_x) && (0.0..ROWS as f32).contains(&new_y) {
                let now = new_y as usize * COLUMNS + new_x as usize;
                in_sight += here;
                sum += across * i32::from(is[now]) + down * i32::from(is[CELLS + now]);
            }
        }
    }
    (in_sight as f32 >= LEAST_IN_SIGHT * steps as f32 && in_sight > 0).then(|| sum as f32 / in_sight as f32)
}

/// Farthest shifts tried: an eighth of the width and a seventh of the height. Beyond that nothing fits, which is noticed otherwise.
const FARTHEST: (i32, i32) = (12, 8);
/// Shifts tried together with a turn or a zoom, for a camera seldom turns about the middle of its picture.
const NEAR: i32 = 2;
const TURNS_DEG: [f32; 8] = [-5.0, -3.5, -2.0, -1.0, 1.0, 2.0, 3.5, 5.0];
const ZOOMS: [f32; 4] = [0.9, 0.95, 1.05, 1.1];

/// The motion after which the picture agrees best, and how well.
pub(super) fn best_motion(was: &[i8], is: &[i8], cell_shape: f32) -> (f32, Motion) {
    let shifts = |x: i32, y: i32| (-x..=x).flat_map(move |right| (-y..=y).map(move |down| (right, down)));
    let shifted = shifts(FARTHEST.0, FARTHEST.1).map(|(right, down)| Motion { right, down, ..Motion::NONE });
    let turned = TURNS_DEG.map(|turned_deg| Motion { turned_deg, ..Motion::NONE });
    let zoomed = ZOOMS.map(|zoom| Motion { zoom, ..Motion::NONE });
    let others = turned.into_iter().chain(zoomed);
    let others = others
        .flat_map(|motion| shifts(NEAR, NEAR).map(move |(right, down)| Motion { right, down, ..motion }));
    let scored = shifted.chain(others).filter_map(|m| Some((agreement(was, is, m, cell_shape)?, m)));
    let nothing = (-1.0, Motion::NONE);
    scored.fold(nothing, |best, next| if next.0 > best.0 { next } else { best })
}
