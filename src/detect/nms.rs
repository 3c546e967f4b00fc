//! Of boxes that show the same person, keeps the best.
//!
//! Greedy and within one class, for there is only one. Equal scores are ordered by their boxes, so
//! that the same boxes give the same answer in whatever order a network lists them.

use super::Detection;
use std::cmp::Ordering;

/// Orders `detections` best first and drops each that overlaps a kept one by more than `max_iou` (0 to 1).
/// Works in place and allocates nothing.
pub fn suppress(detections: &mut Vec<Detection>, max_iou: f32) {
    sort_best_first(detections);
    let mut kept = 0;
    for at in 0..detections.len() {
        let candidate = detections[at];
        if detections[..kept].iter().all(|better| better.bbox.iou(&candidate.bbox) <= max_iou) {
            detections[kept] = candidate;
            kept += 1;
        }
    }
    detections.truncate(kept);
}

/// Orders by falling score, and equal scores by their boxes.
pub fn sort_best_first(detections: &mut [Detection]) {
    detections.sort_unstable_by(best_first);
}

fn best_first(a: &Detection, b: &Detection) -> Ordering {
    let key = |d: &Detection| [d.bbox.left, d.bbox.top, d.bbox.right, d.bbox.bottom];
    let by_box = || key(a).iter().zip(key(b)).map(|(a, b)| a.total_cmp(&b)).find(|order| order.is_ne());
    b.score.total_cmp(&a.score).then_with(|| by_box().unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::ImageBox;
    use proptest::prelude::*;

    fn found(left: f32, top: f32, side: f32, score: f32) -> Detection {
        Detection { bbox: ImageBox::from_left_top_size(left, top, side, side), score }
    }

    fn check(given: &[Detection], max_iou: f32) -> Vec<f32> {
        let mut detections = given.to_vec();
        suppress(&mut detections, max_iou);
        detections.iter().map(|d| d.score).collect()
    }

    #[test]
    fn of_two_boxes_on_one_person_the_better_stays() {
        assert_eq!(check(&[found(0.0, 0.0, 10.0, 0.6), found(1.0, 0.0, 10.0, 0.9)], 0.5), [0.9]);
    }

    #[test]
    fn two_people_side_by_side_both_stay() {
        assert_eq!(check(&[found(0.0, 0.0, 10.0, 0.6), found(8.0, 0.0, 10.0, 0.9)], 0.5), [0.9, 0.6]);
    }

    #[test]
    fn a_dropped_box_drops_nothing_itself() {
        let chain = [found(0.0, 0.0, 10.0, 0.9), found(3.0, 0.0, 10.0, 0.8), found(6.0, 0.0, 10.0, 0.7)];
        assert_eq!(check(&chain, 0.5), [0.9, 0.7]);
    }

    #[test]
    fn an_overlap_of_just_the_limit_is_kept() {
        let halves =
            [found(0.0, 0.0, 3.0, 0.9), Detection { bbox: ImageBox::new(0.0, 0.0, 3.0, 1.5), score: 0.8 }];
        assert_eq!(check(&halves, 0.5), [0.9, 0.8]);
    }

    #[test]
    fn nobody_stays_nobody() {
        assert_eq!(check(&[], 0.5), [0.0_f32; 0]);
    }

    fn some_boxes() -> impl Strategy<Value = Vec<Detection>> {
        // Few places and few scores, so that overlaps and ties are common.
        let one = (0_u8..12, 0_u8..12, 1_u8..8, 1_u8..8, 1_u8..6).prop_map(|(x, y, w, h, score)| Detection {
            bbox: ImageBox::from_left_top_size(f32::from(x), f32::from(y), f32::from(w), f32::from(h)),
            score: f32::from(score) / 6.0,
        });
        prop::collection::vec(one, 0..40)
    }

    proptest! {
        #[test]
        fn what_is_kept_was_given_overlaps_little_and_would_be_kept_again(
            given in some_boxes(), max_iou in 0.0_f32..1.0,
        ) {
            let mut kept = given.clone();
            suppress(&mut kept, max_iou);
            prop_assert!(kept.iter().all(|one| given.contains(one)));
            prop_assert!(kept.windows(2).all(|pair| pair[0].score >= pair[1].score));
            for (at, one) in kept.iter().enumerate() {
                prop_assert!(kept[at + 1..].iter().all(|other| one.bbox.iou(&other.bbox) <= max_iou));
            }
            // Every box that is gone lies under a kept one that is as good or better.
            for gone in given.iter().filter(|one| !kept.contains(one)) {
                prop_assert!(kept.iter().any(|k| k.score >= gone.score && k.bbox.iou(&gone.bbox) > max_iou));
            }
            let once = kept.clone();
            suppress(&mut kept, max_iou);
            prop_assert_eq!(kept, once);
        }

        #[test]
        fn the_order_of_the_network_does_not_matter(
            (given, shuffled) in some_boxes().prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle())),
        ) {
            let (mut one, mut other) = (given, shuffled);
            suppress(&mut one, 0.5);
            suppress(&mut other, 0.5);
            prop_assert_eq!(one, other);
        }
    }
}
