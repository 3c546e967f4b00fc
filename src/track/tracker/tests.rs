//! Walks in, tracks out.

use super::super::ScoreLevels;
use super::*;
use crate::time::WallTime;
use proptest::prelude::*;

fn at(ms: u64) -> FrameTime {
    FrameTime::of_run(WallTime::default(), Duration::from_millis(ms))
}

/// A person of 100 px who walks right at 80 px (0.8 heights) a second from `x`.
fn walker(x: f32, ms: u64, score: f32) -> Detection {
    let left = x + 0.08 * ms as f32;
    Detection { bbox: ImageBox::from_left_top_size(left, 50.0, 40.0, 100.0), score }
}

fn settings() -> TrackSettings {
    TrackSettings { scores: ScoreLevels::MODEST, ..TrackSettings::default() }
}

/// One door for the tests: frames of detections in, `frame:track` of every sighting out.
fn follow(frames: &[(u64, Vec<Detection>)]) -> String {
    let mut tracker = Tracker::on_image(settings());
    let (mut steps, mut told) = (TrackSteps::default(), Vec::new());
    for (number, (ms, detections)) in (1..).zip(frames) {
        tracker.step(number, at(*ms), detections, &mut steps);
        tracker.check_invariants(&steps);
        told.extend(steps.sightings.iter().map(|s| format!("{}:{}", s.frame, s.track)));
    }
    told.join(" ")
}

fn walk(times_ms: &[u64], score: f32) -> Vec<(u64, Vec<Detection>)> {
    times_ms.iter().map(|ms| (*ms, vec![walker(0.0, *ms, score)])).collect()
}

#[test]
fn a_track_says_nothing_until_it_is_confirmed_and_then_everything() {
    let frames = walk(&[0, 100, 200, 300, 400], 0.9);
    assert_eq!(follow(&frames[..3]), "");
    assert_eq!(follow(&frames), "1:1 2:1 3:1 4:1 5:1");
}

#[test]
fn a_box_seen_once_never_becomes_a_track() {
    let mut frames = walk(&[0], 0.9);
    frames.extend((1..30).map(|step| (100 * step, Vec::new())));
    assert_eq!(follow(&frames), "");
}

#[test]
fn weak_boxes_start_nothing_but_continue_a_track() {
    assert_eq!(follow(&walk(&[0, 100, 200, 300, 400, 500], 0.3)), "");
    let mut frames = walk(&[0, 100, 200, 300, 400], 0.9);
    frames.extend(walk(&[500, 600], 0.3));
    assert_eq!(follow(&frames), "1:1 2:1 3:1 4:1 5:1 6:1 7:1");
}

#[test]
fn somebody_hidden_for_a_second_keeps_the_track() {
    let mut frames = walk(&[0, 100, 200, 300, 400, 500, 600, 700, 800], 0.9);
    frames.extend((9..18).map(|step| (100 * step, Vec::new())));
    frames.extend(walk(&[1800, 1900], 0.9));
    assert!(follow(&frames).ends_with("19:1 20:1"), "{}", follow(&frames));
}

#[test]
fn somebody_away_for_longer_is_somebody_new() {
    let mut frames = walk(&[0, 100, 200, 300, 400], 0.9);
    frames.extend(walk(&[5_100, 5_200, 5_300, 5_400, 5_500], 0.9));
    assert_eq!(follow(&frames), "1:1 2:1 3:1 4:1 5:1 6:2 7:2 8:2 9:2 10:2");
}

#[test]
fn nobody_is_followed_over_frames_that_lie_minutes_apart() {
    let frames = walk(&[0, 400_000, 800_000, 1_200_000, 1_600_000], 0.9);
    let still = frames.into_iter().map(|(ms, _)| (ms, vec![walker(0.0, 0, 0.9)])).collect::<Vec<_>>();
    assert_eq!(follow(&still), "");
}

#[test]
fn one_frame_a_second_is_enough_for_somebody_who_stands() {
    let frames: Vec<_> = (0..5).map(|second| (1000 * second, vec![walker(0.0, 0, 0.9)])).collect();
    assert_eq!(follow(&frames), "1:1 2:1 3:1 4:1 5:1");
}

#[test]
fn the_same_walk_is_one_track_at_every_frame_rate() {
    for step_ms in [33, 66, 100, 200, 400] {
        let times: Vec<_> = (0..6_000 / step_ms).map(|step| step * step_ms).collect();
        let told = follow(&walk(&times, 0.9));
        assert!(told.split_whitespace().all(|word| word.ends_with(":1")), "{step_ms} ms: {told}");
        assert_eq!(told.split_whitespace().count(), times.len(), "{step_ms} ms");
    }
}

#[test]
fn two_people_who_meet_keep_their_tracks() {
    let both = |ms: u64| {
        let towards = 400.0 - 0.08 * ms as f32;
        let other = ImageBox::from_left_top_size(towards, 50.0, 40.0, 100.0);
        vec![walker(0.0, ms, 0.9), Detection { bbox: other, score: 0.85 }]
    };
    let mut tracker = Tracker::on_image(settings());
    let (mut steps, mut last) = (TrackSteps::default(), Vec::new());
    for frame in 0..50 {
        tracker.step(frame + 1, at(100 * frame), &both(100 * frame), &mut steps);
        last = steps.sightings.iter().map(|s| (s.track.0, s.bbox.left)).collect();
    }
    last.sort_by_key(|(track, _)| *track);
    assert_eq!(last.len(), 2);
    assert!(last[0].1 > last[1].1, "track 1 walked right past track 2: {last:?}");
}

#[test]
fn a_track_that_ends_is_told_once_and_forgotten() {
    let mut tracker = Tracker::on_image(settings());
    let (mut steps, mut ended) = (TrackSteps::default(), Vec::new());
    for frame in 0..40 {
        let people = if frame < 5 { vec![walker(0.0, 100 * frame, 0.9)] } else { Vec::new() };
        tracker.step(frame + 1, at(100 * frame), &people, &mut steps);
        ended.append(&mut steps.ended);
    }
    assert_eq!(ended, [TrackId(1)]);
    assert_eq!(tracker.followed(), 0);
}

fn any_number() -> impl Strategy<Value = f32> {
    prop_oneof![
        8 => -50.0f32..900.0,
        1 => prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, 0.0]),
    ]
}

fn any_detection() -> impl Strategy<Value = Detection> {
    (any_number(), any_number(), any_number(), any_number(), any_number()).prop_map(|(x, y, w, h, s)| {
        Detection { bbox: ImageBox::from_left_top_size(x, y, w, h), score: s / 900.0 }
    })
}

proptest! {
    #[test]
    fn no_stream_of_boxes_and_times_breaks_the_tracker(
        frames in prop::collection::vec((0u64..3_000, prop::collection::vec(any_detection(), 0..12)), 0..40)
    ) {
        // The times are as they come: they stand still, jump and run backwards.
        follow(&frames);
    }
}

mod scenes;
