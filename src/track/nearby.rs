//! Which boxes touch which place, without looking at all of them.

use crate::detect::Detection;
use crate::geom::ImageBox;

/// The boxes of a frame, widened, by their left side.
#[derive(Debug, Clone, Default)]
pub(super) struct Nearby {
    boxes: Vec<(ImageBox, usize)>,
    widest: f32,
}

impl Nearby {
    /// Takes a frame's boxes, each widened by `margin` of its size. Boxes that are none are left out.
    pub(super) fn index(&mut self, detections: &[Detection], margin: f32) {
        self.boxes.clear();
        let sound = (0..).zip(detections).filter(|(_, detection)| detection.bbox.is_sound());
        self.boxes.extend(sound.map(|(column, detection)| (detection.bbox.grown(margin), column)));
        self.boxes
            .sort_unstable_by(|(a, first), (b, second)| a.left.total_cmp(&b.left).then(first.cmp(second)));
        self.widest = self.boxes.iter().map(|(bbox, _)| bbox.width()).fold(0.0, f32::max);
    }

    /// The widened boxes that may touch `place`, with the index of each detection.
    pub(super) fn touching(&self, place: &ImageBox) -> impl Iterator<Item = (usize, &ImageBox)> {
        let from = place.left - self.widest;
        let first = self.boxes.partition_point(|(bbox, _)| bbox.left < from);
        let (right, top, bottom) = (place.right, place.top, place.bottom);
        self.boxes[first..]
            .iter()
            .take_while(move |(bbox, _)| bbox.left <= right)
            .filter(move |(bbox, _)| bbox.top <= bottom && bbox.bottom >= top)
            .map(|(bbox, column)| (*column, bbox))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_box() -> impl Strategy<Value = ImageBox> {
        (0.0f32..500.0, 0.0f32..500.0, 1.0f32..200.0, 1.0f32..200.0)
            .prop_map(|(x, y, w, h)| ImageBox::from_left_top_size(x, y, w, h))
    }

    proptest! {
        #[test]
        fn no_box_that_overlaps_is_passed_over(
            boxes in prop::collection::vec(any_box(), 0..40), place in any_box()
        ) {
            let detections: Vec<_> = boxes.iter().map(|bbox| Detection { bbox: *bbox, score: 0.9 }).collect();
            let mut nearby = Nearby::default();
            nearby.index(&detections, 0.1);
            let mut found: Vec<_> = nearby.touching(&place).filter(|(_, b)| place.iou(b) > 0.0).map(|(c, _)| c).collect();
            found.sort_unstable();
            let all: Vec<_> = (0..boxes.len()).filter(|c| place.iou(&boxes[*c].grown(0.1)) > 0.0).collect();
            prop_assert_eq!(found, all);
        }
    }
}
