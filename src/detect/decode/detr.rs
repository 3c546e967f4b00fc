//! Heads that give a set: one query, one box (D-FINE, RT-DETR, RF-DETR).
//!
//! These train with a sigmoid per class, so a person's score needs its own column only, never a
//! softmax over all. Exports with the post-processing inside give the best class of each query
//! as a label instead.

use super::{DecodeError, Output, People, Values, from_centre};
use crate::detect::manifest::{BoxKind, ScoreKind};
use crate::geom::ImageBox;
use ndarray::{ArrayView1, ArrayView2};

/// What a network's numbers mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detr {
    /// Whether scores want their sigmoid.
    pub scores_are: ScoreKind,
    /// How a box is written.
    pub boxes_are: BoxKind,
    /// Column, or label, of the person class.
    pub person: usize,
    /// Width of the network's picture, px.
    pub width: f32,
    /// Height of the network's picture, px.
    pub height: f32,
}

impl Detr {
    fn score(&self, written: f32) -> f32 {
        match self.scores_are {
            ScoreKind::Probabilities => written,
            ScoreKind::Logits => 1.0 / (1.0 + (-written).exp()),
        }
    }

    fn bbox(&self, row: ArrayView1<'_, f32>) -> ImageBox {
        match self.boxes_are {
            BoxKind::CxcywhNormalised => {
                from_centre(row[0], row[1], row[2], row[3]).scaled(self.width, self.height)
            }
            BoxKind::XyxyPx => ImageBox::new(row[0], row[1], row[2], row[3]),
        }
    }
}

/// Adds people in model px. `boxes`: `(N, 4)` f32; `scores`: `(N, classes)` f32.
pub fn decode(head: &Detr, boxes: ArrayView2<'_, f32>, scores: ArrayView2<'_, f32>, people: &mut People<'_>) {
    for (at, written) in scores.column(head.person).iter().enumerate() {
        let score = head.score(*written);
        if people.wants(score) {
            people.add(head.bbox(boxes.row(at)), score);
        }
    }
}

/// Adds people in model px. `boxes`: `(N, 4)` f32; `scores`: `(N)` f32; `labels`: `(1, N)` i64 or i32.
///
/// # Errors
/// [`DecodeError`] where there is not one whole label to a score.
pub fn decode_labelled(
    head: &Detr,
    boxes: ArrayView2<'_, f32>,
    scores: &[f32],
    labels: &Output<'_>,
    people: &mut People<'_>,
) -> Result<(), DecodeError> {
    let (count, label): (usize, &dyn Fn(usize) -> i64) = match labels.values {
        Values::I64(values) => (values.len(), &|at| values[at]),
        Values::I32(values) => (values.len(), &|at| i64::from(values[at])),
        Values::F32(_) => return Err(labels.wrong_type("i64 or i32")),
    };
    if count != scores.len() {
        return Err(labels.wrong_shape(Some(1), scores.len()));
    }
    for (at, written) in scores.iter().enumerate() {
        let score = head.score(*written);
        if people.wants(score) && usize::try_from(label(at)) == Ok(head.person) {
            people.add(head.bbox(boxes.row(at)), score);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Detection;
    use ndarray::arr2;

    const HEAD: Detr = Detr {
        scores_are: ScoreKind::Logits,
        boxes_are: BoxKind::CxcywhNormalised,
        person: 1,
        width: 200.0,
        height: 100.0,
    };

    #[test]
    fn logits_get_their_sigmoid_and_boxes_their_px() {
        let boxes = arr2(&[[0.5, 0.5, 0.5, 1.0], [0.5, 0.5, 0.1, 0.1]]);
        let scores = arr2(&[[-9.0, 0.0], [9.0, -9.0]]);
        let mut out = Vec::new();
        decode(&HEAD, boxes.view(), scores.view(), &mut People { min_score: 0.3, out: &mut out });
        assert_eq!(out, [Detection { bbox: ImageBox::new(50.0, 0.0, 150.0, 100.0), score: 0.5 }]);
    }

    fn labelled(labels: Values<'_>) -> Result<Vec<Detection>, DecodeError> {
        let head = Detr { scores_are: ScoreKind::Probabilities, boxes_are: BoxKind::XyxyPx, ..HEAD };
        let boxes = arr2(&[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]);
        let labels = Output { name: "labels", shape: &[1, 2], values: labels };
        let mut out = Vec::new();
        let mut people = People { min_score: 0.3, out: &mut out };
        decode_labelled(&head, boxes.view(), &[0.9, 0.8], &labels, &mut people).map(|()| out)
    }

    #[test]
    fn only_queries_labelled_as_people_count() {
        let person = [Detection { bbox: ImageBox::new(5.0, 6.0, 7.0, 8.0), score: 0.8 }];
        assert_eq!(labelled(Values::I64(&[0, 1])).unwrap(), person);
        assert_eq!(labelled(Values::I32(&[-1, 1])).unwrap(), person);
    }

    #[test]
    fn labels_that_do_not_fit_the_scores_are_an_error() {
        assert!(labelled(Values::I64(&[1])).is_err());
        let said = labelled(Values::F32(&[0.0, 1.0])).unwrap_err().to_string();
        assert_eq!(said, "output `labels` holds f32, the head needs i64 or i32");
    }
}
