//! Scenes that a shop camera sees, on a floor that is known: people behind each other, cut in half, gone for a while.

use super::super::super::{PlaneName, ScoreLevels};
use super::super::*;
use super::at;
use crate::calibration::Method;
use crate::calibration::mounting::{self, Mounting};
use std::collections::{BTreeMap, BTreeSet};

const PICTURE: PictureSize = PictureSize { width: 1024, height: 768 };

/// 3.2 m up, looking along an aisle.
fn aisle() -> Floor {
    let mounting = Mounting { height_m: 3.2, tilt_deg: 17.0, field_of_view_deg: 67.0, roll_deg: 0.0 };
    mounting::fit(PICTURE, None, &mounting).unwrap()
}

/// A box `times` as tall as a usual person's, whose foot is at a place of the floor, metres.
fn person(x_m: f64, y_m: f64, times: f32) -> Detection {
    let foot = aisle().in_image(x_m, y_m).unwrap();
    let height = times * aisle().expected_height_px(foot).unwrap() as f32;
    let bbox = ImageBox::from_left_top_size(foot.x - 0.2 * height, foot.y - height, 0.4 * height, height);
    Detection { bbox, score: 0.9 }
}

/// One door: what is seen in each frame, ten a second, to the tracks that were told of, with how often.
fn follow(mut tracker: Tracker, frames: u64, seen: impl Fn(u64) -> Vec<Detection>) -> BTreeMap<u64, u64> {
    let (mut steps, mut told) = (TrackSteps::default(), BTreeMap::new());
    for frame in 0..frames {
        tracker.step(frame + 1, at(100 * frame), &seen(frame), &mut steps);
        tracker.check_invariants(&steps);
        steps.sightings.iter().for_each(|s| *told.entry(s.track.0).or_default() += 1);
    }
    told
}

fn on_floor() -> Tracker {
    Tracker::on_floor(TrackSettings { scores: ScoreLevels::MODEST, ..TrackSettings::default() }, aisle())
}

fn on_image() -> Tracker {
    Tracker::on_image(TrackSettings { scores: ScoreLevels::MODEST, ..TrackSettings::default() })
}

fn walker(frame: u64) -> (f64, f64) {
    (-2.0 + 0.1 * frame as f64, 7.0)
}

#[test]
fn head_and_shoulders_of_somebody_are_no_second_person() {
    let with_upper_part = |frame: u64| {
        let whole = person(walker(frame).0, 7.0, 1.0);
        let ImageBox { left, top, right, bottom } = whole.bbox;
        let part = ImageBox::new(left + 4.0, top + 3.0, right - 4.0, 0.5 * (top + bottom));
        // In any order, and sure of either.
        vec![Detection { bbox: part, score: 0.95 }, whole]
    };
    assert_eq!(follow(on_image(), 30, with_upper_part), BTreeMap::from([(1, 30)]));
    assert_eq!(follow(on_floor(), 30, with_upper_part), BTreeMap::from([(1, 30)]));
}

#[test]
fn a_child_in_front_of_an_adult_is_a_second_person() {
    let both = |frame: u64| vec![person(walker(frame).0, 7.0, 1.0), person(walker(frame).0, 6.9, 0.6)];
    assert_eq!(follow(on_image(), 30, both), BTreeMap::from([(1, 30), (2, 30)]));
}

#[test]
fn two_people_side_by_side_both_stay() {
    let both = |frame: u64| vec![person(walker(frame).0, 7.0, 1.0), person(walker(frame).0 + 0.5, 7.0, 1.0)];
    assert_eq!(follow(on_image(), 30, both), BTreeMap::from([(1, 30), (2, 30)]));
    assert_eq!(follow(on_floor(), 30, both), BTreeMap::from([(1, 30), (2, 30)]));
}

#[test]
fn boxes_too_small_or_too_tall_for_their_place_are_nobody_on_a_floor() {
    let of_size = |times: f32| move |frame: u64| vec![person(walker(frame).0, 7.0, times)];
    assert_eq!(follow(on_floor(), 20, of_size(0.3)), BTreeMap::new());
    assert_eq!(follow(on_floor(), 20, of_size(2.0)), BTreeMap::new());
    assert_eq!(follow(on_floor(), 20, of_size(0.6)), BTreeMap::from([(1, 20)]));
    assert_eq!(
        follow(on_image(), 20, of_size(0.3)),
        BTreeMap::from([(1, 20)]),
        "the picture says nothing of sizes"
    );
}

#[test]
fn somebody_hidden_behind_another_for_a_second_keeps_the_track() {
    // They walk towards each other, 1.5 m apart in depth; the far one is hidden while the boxes overlap.
    let scene = |frame: u64| {
        let (x, _) = walker(frame);
        let mut seen = vec![person(x, 6.0, 1.0)];
        if !(15..25).contains(&frame) {
            seen.push(person(-x, 7.5, 1.0));
        }
        seen
    };
    assert_eq!(follow(on_floor(), 40, scene), BTreeMap::from([(1, 40), (2, 30)]));
    assert_eq!(follow(on_image(), 40, scene), BTreeMap::from([(1, 40), (2, 30)]));
}

#[test]
fn a_gap_is_walked_again_and_leaves_the_velocity_of_the_way_walked() {
    let mut tracker = on_floor();
    let mut steps = TrackSteps::default();
    // At 1 m/s along x for a second; then, unseen for 1.5 s, to where 0.8 m/s lead.
    let see = |tracker: &mut Tracker, frame: u64, seen: &[Detection], steps: &mut TrackSteps| {
        tracker.step(frame + 1, at(100 * frame), seen, steps);
        tracker.check_invariants(steps);
    };
    for frame in 0..=10 {
        see(&mut tracker, frame, &[person(walker(frame).0, 7.0, 1.0)], &mut steps);
    }
    let before = tracker.tracks[0].foot.velocity[0];
    for frame in 11..25 {
        see(&mut tracker, frame, &[], &mut steps);
    }
    see(&mut tracker, 25, &[person(-1.0 + 0.8 * 1.5, 7.0, 1.0)], &mut steps);
    let after = tracker.tracks[0].foot.velocity[0];
    assert_eq!((tracker.followed(), steps.sightings.len()), (1, 1));
    assert!((before - 1.0).abs() < 0.2, "{before} m/s before");
    assert!((after - 0.8).abs() < 0.1, "{after} m/s after");
}

/// Six people who walk to and fro across the aisle, each in a lane; nobody leaves.
fn crowd(frame: u64) -> Vec<Detection> {
    (0..6)
        .map(|lane| {
            let way = (0.1 * frame as f64 + 0.7 * f64::from(lane)).rem_euclid(8.0);
            let x = if way < 4.0 { way - 2.0 } else { 6.0 - way };
            let lengthwise = 0.4 * (0.02 * frame as f64 + f64::from(lane)).sin();
            person(x, 5.0 + 1.5 * f64::from(lane) + lengthwise, 1.0)
        })
        .collect()
}

#[test]
fn a_camera_that_learns_its_floor_keeps_everybody_and_their_velocity() {
    let mut tracker = Tracker::learning(TrackSettings::default());
    tracker.picture_is(PICTURE);
    let mut steps = TrackSteps::default();
    let (mut ids, mut learned_at) = (BTreeSet::new(), None);
    let mut were = Vec::new();
    for frame in 0..1_200 {
        let before = tracker.plane();
        were.clear();
        were.extend(tracker.tracks.iter().map(|track| (track.id, track.foot.velocity, track.metre)));
        tracker.step(frame + 1, at(100 * frame), &crowd(frame), &mut steps);
        tracker.check_invariants(&steps);
        ids.extend(steps.sightings.iter().map(|s| s.track));
        if tracker.plane() != before {
            learned_at = Some(frame);
            for (track, (id, velocity, metre)) in tracker.tracks.iter().zip(&were) {
                assert_eq!(track.id, *id);
                let (was, is) = (velocity[0] / metre, track.foot.velocity[0]);
                assert!(
                    (was - is).abs() < 0.4 + 0.3 * was.abs(),
                    "{id}: {was} m/s on the picture, {is} on the floor"
                );
            }
        }
    }
    assert_eq!(tracker.plane(), PlaneName::FloorBy(Method::People));
    assert!(learned_at.is_some_and(|frame| frame > 90), "{learned_at:?}");
    assert_eq!(ids, (1..=6).map(TrackId).collect());
}
