//! YOLOX: each row a box relative to its grid cell, objectness and class scores.
//!
//! The export leaves the grid to us: centre = (cell + offset) x stride, side = exp(value) x stride.
//! Scores come with their sigmoid done, and a person's score is objectness times class.

use super::{Level, People, from_centre};
use ndarray::ArrayView2;

/// Adds people in model px. `table`: `(cells of all levels, 5 + classes)` f32: centre x, centre y, log width,
/// log height, objectness, classes.
pub fn decode(levels: &[Level], table: ArrayView2<'_, f32>, person: usize, people: &mut People<'_>) {
    let cells = levels.iter().flat_map(|level| (0..level.cells()).map(move |cell| (level, cell)));
    for (row, (level, cell)) in table.rows().into_iter().zip(cells) {
        let score = row[4] * row[5 + person];
        if !people.wants(score) {
            continue;
        }
        // A stride is at most 256.
        let stride = level.stride as f32;
        let (column, line) = level.place(cell);
        let (x, y) = ((row[0] + column) * stride, (row[1] + line) * stride);
        people.add(from_centre(x, y, row[2].exp() * stride, row[3].exp() * stride), score);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Detection;
    use crate::geom::ImageBox;
    use ndarray::Array2;

    const LEVELS: [Level; 2] =
        [Level { stride: 8, columns: 2, rows: 2 }, Level { stride: 16, columns: 1, rows: 1 }];

    fn check(row: usize, values: [f32; 7]) -> Vec<Detection> {
        let mut table = Array2::zeros((5, 7));
        table.row_mut(row).assign(&ndarray::arr1(&values));
        let mut out = Vec::new();
        decode(&LEVELS, table.view(), 1, &mut People { min_score: 0.25, out: &mut out });
        out
    }

    #[test]
    fn a_box_lies_on_its_cell_of_its_level() {
        let on_small = check(3, [0.5, 0.5, 0.0, 0.0, 0.5, 0.0, 1.0]);
        assert_eq!(on_small, [Detection { bbox: ImageBox::new(8.0, 8.0, 16.0, 16.0), score: 0.5 }]);
        let on_large = check(4, [0.5, 0.5, 0.0, 0.0, 1.0, 0.0, 0.5]);
        assert_eq!(on_large[0].bbox, ImageBox::new(0.0, 0.0, 16.0, 16.0));
    }

    #[test]
    fn both_objectness_and_class_must_be_sure() {
        assert_eq!(check(0, [0.5, 0.5, 0.0, 0.0, 0.4, 1.0, 0.6]), []);
        assert_eq!(check(0, [0.5, 0.5, 0.0, 0.0, 1.0, 1.0, 0.2]), []);
    }

    #[test]
    fn an_exponent_that_overflows_gives_no_box() {
        assert_eq!(check(0, [0.5, 0.5, 200.0, 0.0, 1.0, 0.0, 1.0]), []);
    }
}
