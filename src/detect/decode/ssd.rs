//! TensorFlow's SSD: boxes are decoded already, scores are per class.
//!
//! A box is `ymin, xmin, ymax, xmax`, y first, in parts of the picture.

use super::People;
use crate::geom::ImageBox;
use ndarray::ArrayView2;

/// Adds people in model px of a picture of `(width, height)` model px. `boxes`: `(N, 4)` f32, 0 to 1;
/// `scores`: `(N, classes)` f32, 0 to 1.
pub fn decode(
    boxes: ArrayView2<'_, f32>,
    scores: ArrayView2<'_, f32>,
    person: usize,
    (width, height): (f32, f32),
    people: &mut People<'_>,
) {
    for (at, &score) in scores.column(person).iter().enumerate() {
        if people.wants(score) {
            let row = boxes.row(at);
            people.add(ImageBox::new(row[1], row[0], row[3], row[2]).scaled(width, height), score);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Detection;
    use ndarray::arr2;

    #[test]
    fn y_comes_first_and_sides_are_parts_of_the_picture() {
        let boxes = arr2(&[[0.0, 0.0, 1.0, 1.0], [0.25, 0.5, 0.75, 1.0], [0.5, 0.5, 0.5, 0.5]]);
        let scores = arr2(&[[0.9, 0.1], [0.2, 0.8], [0.0, 0.8]]);
        let mut out = Vec::new();
        decode(boxes.view(), scores.view(), 1, (200.0, 100.0), &mut People { min_score: 0.3, out: &mut out });
        assert_eq!(out, [Detection { bbox: ImageBox::new(100.0, 25.0, 200.0, 75.0), score: 0.8 }]);
    }
}
