//! A picture made small: 96 by 54 mean brightnesses, how much fine detail it has, and whether it is another one.
//!
//! A few pixels stand for each cell, so that a picture of any size costs the same.

use crate::capture::Picture;
use std::hash::{DefaultHasher, Hasher};

/// Cells across: fine enough that 2 % of the width are two of them.
pub(super) const COLUMNS: usize = 96;
/// Cells down.
pub(super) const ROWS: usize = 54;
pub(super) const CELLS: usize = COLUMNS * ROWS;

/// Pixels looked at in a cell, along each side: sixteen average out most of the noise.
const SAMPLES: usize = 4;
/// Two pixels that lie this far apart show detail that a lens out of focus loses.
const DETAIL_PX: usize = 2;
/// A step of detail is at least this, and this share of the mean brightness, so that a dimmed lamp takes none away.
const DETAIL_LEAST: f32 = 5.0;
const DETAIL_SHARE: f32 = 0.1;
/// Below this a picture has no room for 96 by 54 cells and what lies between their pixels.
const LEAST_SIDE_PX: usize = 2 * COLUMNS;

/// What a look at one picture keeps of it.
#[derive(Debug, Clone)]
pub(super) struct Thumbnail {
    /// `(54, 96)` mean brightness, 0-255, row by row.
    pub(super) luma: Vec<f32>,
    /// Share of the pixels looked at beside which the brightness steps, 0-1.
    pub(super) detail: f32,
    /// Mean brightness, 0-255.
    pub(super) mean: f32,
    /// Tells pictures apart.
    pub(super) digest: u64,
    /// Width of a cell over its height, in px of the picture.
    pub(super) cell_shape: f32,
}

impl Thumbnail {
    pub(super) fn new() -> Self {
        Self { luma: vec![0.0; CELLS], detail: 0.0, mean: 128.0, digest: 0, cell_shape: 1.0 }
    }

    /// Takes a picture; false where it is too small or has not the bytes that its size says.
    pub(super) fn take(&mut self, picture: &Picture) -> bool {
        let (width, height) = (picture.width as usize, picture.height as usize);
        if width < LEAST_SIDE_PX || height < LEAST_SIDE_PX / 2 || picture.bgr.len() < 3 * width * height {
            return false;
        }
        self.cell_shape = (width * ROWS) as f32 / (height * COLUMNS) as f32;
        let step_least = DETAIL_LEAST.max(DETAIL_SHARE * self.mean);
        let (mut steps, mut sum) = (0_u32, 0.0);
        let mut hasher = DefaultHasher::new();
        self.luma.fill(0.0);
        for row in 0..ROWS * SAMPLES {
            let y = (2 * row + 1) * height / (2 * ROWS * SAMPLES);
            let line = &picture.bgr[3 * width * y..3 * width * (y + 1)];
            if row.is_multiple_of(SAMPLES) {
                hasher.write(line);
            }
            let cells = &mut self.luma[row / SAMPLES * COLUMNS..][..COLUMNS];
            for column in 0..COLUMNS * SAMPLES {
                let x = (2 * column + 1) * width / (2 * COLUMNS * SAMPLES);
                let beside = if x + DETAIL_PX < width { x + DETAIL_PX } else { x - DETAIL_PX };
                let (here, there) = (luma(line, x), luma(line, beside));
                steps += u32::from((here - there).abs() > step_least);
                cells[column / SAMPLES] += here;
            }
        }
        let samples = (SAMPLES * SAMPLES) as f32;
        for cell in &mut self.luma {
            *cell /= samples;
            sum += *cell;
        }
        self.mean = sum / CELLS as f32;
        self.detail = steps as f32 / (CELLS as f32 * samples);
        self.digest = hasher.finish();
        true
    }

    /// The brightness that a tenth of the cells reach.
    pub(super) fn bright_tenth(&self) -> f32 {
        let mut cells_by_level = [0_usize; 256];
        for cell in &self.luma {
            cells_by_level[cell.clamp(0.0, 255.0) as usize] += 1;
        }
        let mut above = 0;
        for (level, cells) in cells_by_level.iter().enumerate().rev() {
            above += cells;
            if above >= CELLS / 10 {
                return level as f32;
            }
        }
        0.0
    }
}

/// Brightness of a pixel: green counts twice, which is near enough and needs no weights.
fn luma(line: &[u8], x: usize) -> f32 {
    let [blue, green, red] = [line[3 * x], line[3 * x + 1], line[3 * x + 2]];
    (f32::from(blue) + 2.0 * f32::from(green) + f32::from(red)) / 4.0
}
