//! NanoDet: from each cell's point, the distances to the four sides as distributions over bins.
//!
//! The expectation of a distribution, times the stride, is the distance (Generalized Focal Loss,
//! arXiv 2006.04388, section 3.2). The softmax is only worked out for cells that a person may be in.

use super::{Level, People};
use crate::geom::ImageBox;
use ndarray::{ArrayView1, ArrayView2};

/// What is the same on every level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NanoDet {
    /// Bins of each distribution.
    pub bins: usize,
    /// Where in its cell a point lies, in cells.
    pub cell_centre: f32,
    /// Column of the person class.
    pub person: usize,
}

/// Adds the people of one level, in model px. `scores`: `(cells, classes)`, 0 to 1, the sigmoid done;
/// `distances`: `(cells, 4 bins)`, logits of left, top, right, bottom. Both with a row per cell of `level`.
pub fn decode_level(
    head: &NanoDet,
    level: &Level,
    scores: ArrayView2<'_, f32>,
    distances: ArrayView2<'_, f32>,
    people: &mut People<'_>,
) {
    // A stride is at most 256.
    let stride = level.stride as f32;
    for (cell, &score) in scores.column(head.person).iter().enumerate() {
        if !people.wants(score) {
            continue;
        }
        let (column, row) = level.place(cell);
        let (x, y) = ((column + head.cell_centre) * stride, (row + head.cell_centre) * stride);
        let sides = distances.row(cell);
        let side =
            |at: usize| stride * expectation(sides.slice(ndarray::s![at * head.bins..(at + 1) * head.bins]));
        people.add(ImageBox::new(x - side(0), y - side(1), x + side(2), y + side(3)), score);
    }
}

/// Mean bin under the softmax of `logits`; not a number where they are none.
fn expectation(logits: ArrayView1<'_, f32>) -> f32 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (mut sum, mut weighted) = (0.0, 0.0);
    for (bin, logit) in logits.iter().enumerate() {
        let weight = (logit - largest).exp();
        sum += weight;
        weighted += weight * bin as f32;
    }
    weighted / sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Detection;
    use ndarray::Array2;

    const HEAD: NanoDet = NanoDet { bins: 3, cell_centre: 0.5, person: 1 };
    const LEVEL: Level = Level { stride: 8, columns: 2, rows: 2 };

    /// The people where the cell `(1, 1)` alone has this score and these bins for every side.
    fn check(score: f32, bins: [f32; 3]) -> Vec<Detection> {
        let mut scores = Array2::zeros((4, 2));
        scores[(3, 1)] = score;
        // Another class is no person, however sure.
        scores[(0, 0)] = 1.0;
        let distances = Array2::from_shape_fn((4, 12), |(_, at)| bins[at % 3]);
        let mut out = Vec::new();
        let mut people = People { min_score: 0.3, out: &mut out };
        decode_level(&HEAD, &LEVEL, scores.view(), distances.view(), &mut people);
        out
    }

    #[test]
    fn a_cell_reaches_from_its_middle_as_far_as_the_bins_expect() {
        let even = check(0.5, [0.0; 3]);
        assert_eq!(even, [Detection { bbox: ImageBox::new(4.0, 4.0, 20.0, 20.0), score: 0.5 }]);
        let far = check(0.5, [-90.0, -90.0, 90.0]);
        assert_eq!(far[0].bbox, ImageBox::new(-4.0, -4.0, 28.0, 28.0));
    }

    #[test]
    fn cells_without_a_person_give_nothing() {
        assert_eq!(check(0.29, [0.0; 3]), []);
        assert_eq!(check(f32::NAN, [0.0; 3]), []);
    }

    #[test]
    fn distances_that_are_not_numbers_give_no_box() {
        assert_eq!(check(0.9, [f32::NAN; 3]), []);
        assert_eq!(check(0.9, [f32::INFINITY; 3]), []);
        assert_eq!(check(0.9, [f32::NEG_INFINITY; 3]), []);
    }
}
