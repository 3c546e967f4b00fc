//! What looks like a person and never moves: mannequins, posters, traffic cones.
//!
//! Somebody who waits shifts their weight; over minutes their box strays by more than it is wide in doubt. A thing's box
//! comes back to the same place whenever the detector sees it, if only now and then. So places are remembered where
//! boxes came back to for minutes, and boxes there are not people until the thing is gone.

use crate::detect::Detection;
use crate::geom::ImageBox;
use crate::time::FrameTime;
use std::time::Duration;

/// Overlap from which on a box is back at a place. A person half a metre wide leaves it with a step of 7 cm.
const SAME_PLACE: f32 = 0.75;
/// A thing is seen for at least this share of the time; people at a busy spot stand a little differently each time.
const LEAST_SHARE: f64 = 0.25;
/// Looking once a second is enough for what stays for minutes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Places remembered; a shop window full of mannequins is half of that.
const MOST_PLACES: usize = 64;
/// How much of a newly seen box goes into the place that is remembered.
const GAIN: f32 = 0.05;

/// A place where boxes come back to.
#[derive(Debug, Clone, Copy)]
struct Place {
    bbox: ImageBox,
    first_at: FrameTime,
    last_at: FrameTime,
    looks: u32,
    is_thing: bool,
}

/// Remembers the things in a picture.
#[derive(Debug, Clone)]
pub(super) struct Things {
    still_after: Duration,
    places: Vec<Place>,
    looked_at: Option<FrameTime>,
}

impl Things {
    /// Boxes that came back to one place for `still_after` are things; zero switches that off.
    pub(super) fn new(still_after: Duration) -> Self {
        Self { still_after, places: Vec::with_capacity(MOST_PLACES), looked_at: None }
    }

    /// Takes note of a frame's boxes.
    pub(super) fn look(&mut self, detections: &[Detection], at: FrameTime) {
        let waited = self.looked_at.is_none_or(|last| at.since(last) >= LOOK_EVERY);
        if self.still_after.is_zero() || !waited {
            return;
        }
        self.looked_at = Some(at);
        for detection in detections.iter().filter(|d| d.bbox.is_sound() && d.score.is_finite()) {
            self.note(&detection.bbox, at);
        }
        let patience = self.still_after;
        self.places.retain(|place| at.since(place.last_at) < patience);
        for place in &mut self.places {
            let age = place.last_at.since(place.first_at);
            place.is_thing = age >= patience && f64::from(place.looks) >= LEAST_SHARE * age.as_secs_f64();
        }
    }

    fn note(&mut self, bbox: &ImageBox, at: FrameTime) {
        let overlap = |place: &Place| place.bbox.iou(bbox);
        let nearest = self.places.iter_mut().max_by(|a, b| overlap(a).total_cmp(&overlap(b)));
        if let Some(place) = nearest.filter(|place| overlap(place) >= SAME_PLACE) {
            if place.last_at != at {
                place.looks = place.looks.saturating_add(1);
            }
            place.last_at = at;
            place.bbox = place.bbox.drawn_to(bbox, GAIN);
            return;
        }
        if self.places.len() == MOST_PLACES {
            let shortest = (0..MOST_PLACES).min_by_key(|index| self.places[*index].looks).unwrap_or_default();
            self.places.swap_remove(shortest);
        }
        self.places.push(Place { bbox: *bbox, first_at: at, last_at: at, looks: 1, is_thing: false });
    }

    /// Whether a box is one of them.
    pub(super) fn hold(&self, bbox: &ImageBox) -> bool {
        self.places.iter().any(|place| place.is_thing && place.bbox.iou(bbox) >= SAME_PLACE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::WallTime;

    /// A box of a person's size whose left side wobbles by `wobble_px`, seen in every `every`-th second of `minutes`:
    /// whether it is a thing then.
    fn check(minutes: u64, every: u64, wobble_px: f32, expected: bool) {
        let mut things = Things::new(Duration::from_secs(600));
        let box_at = |left: f32| ImageBox::from_left_top_size(left, 100.0, 40.0, 110.0);
        for second in (0..60 * minutes).step_by(every as usize) {
            let left = 200.0 + wobble_px * ((second as f32) * 1.7).sin();
            let at = FrameTime::of_run(WallTime::default(), Duration::from_secs(second));
            things.look(&[Detection { bbox: box_at(left), score: 0.5 }], at);
        }
        assert_eq!(things.hold(&box_at(200.0)), expected, "{minutes} min, every {every} s, {wobble_px} px");
    }

    #[test]
    fn what_stays_in_its_place_for_ten_minutes_is_a_thing() {
        check(11, 1, 1.0, true);
        check(9, 1, 1.0, false);
    }

    #[test]
    fn a_thing_that_is_seen_only_now_and_then_is_one_too() {
        check(11, 3, 1.0, true);
        check(11, 9, 1.0, false);
    }

    #[test]
    fn somebody_who_shifts_their_weight_is_none() {
        check(30, 1, 25.0, false);
    }

    #[test]
    fn a_thing_that_is_taken_away_is_forgotten() {
        let mut things = Things::new(Duration::from_secs(60));
        let there = [Detection { bbox: ImageBox::from_left_top_size(0.0, 0.0, 40.0, 110.0), score: 0.5 }];
        let at = |second| FrameTime::of_run(WallTime::default(), Duration::from_secs(second));
        (0..70).for_each(|second| things.look(&there, at(second)));
        assert!(things.hold(&there[0].bbox));
        (70..140).for_each(|second| things.look(&[], at(second)));
        assert!(!things.hold(&there[0].bbox));
    }

    #[test]
    fn crowds_never_make_it_remember_more_than_it_may() {
        let mut things = Things::new(Duration::from_secs(600));
        for second in 0..500_u64 {
            let left = 60.0 * (second % 400) as f32;
            let bbox = ImageBox::from_left_top_size(left, 0.0, 40.0, 110.0);
            let at = FrameTime::of_run(WallTime::default(), Duration::from_secs(second));
            things.look(&[Detection { bbox, score: 0.5 }], at);
            assert!(things.places.len() <= MOST_PLACES);
        }
    }
}
