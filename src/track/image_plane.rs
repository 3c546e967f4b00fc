//! Follows people on the picture itself, where no calibration says where the floor is.
//!
//! Boxes that the network is sure of are paired first, with every confirmed track; boxes that it is not sure of
//! may only continue a track, never begin one. Two things differ from the trackers this comes from. All
//! patience is in seconds: the same walk at 30 and at 5 frames a second is followed the same way. And the
//! score that *starts* a track is a setting of its own, higher than the one that continues it: starting
//! on weak boxes is what makes counters count too many.
//!
//! Sources: cascade of strong and weak boxes, ByteTrack (arXiv 2110.06864, section 3); buffered
//! overlap for low rates, C-BIoU (arXiv 2211.14317, section 3.2); second try on the last observed box, OC-SORT (arXiv
//! 2203.14360, section 3.3).

use super::assign::{Assigner, Pair};
use super::kalman::{BoxFilter, BoxNoise};
use super::{Sighting, TrackSteps, Tracker};
use crate::detect::Detection;
use crate::geom::ImageBox;
use crate::ids::TrackId;
use crate::time::FrameTime;
use std::time::Duration;

/// The scores and times that decide when somebody is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImagePlaneSettings {
    /// Boxes below this score are not looked at.
    pub low_score: f32,
    /// Boxes from this score on are paired first.
    pub high_score: f32,
    /// Boxes from this score on may start a track.
    pub start_score: f32,
    /// A track is confirmed when it has been seen for this long ...
    pub confirm_after: Duration,
    /// ... and in at least this many frames.
    pub confirm_sightings: usize,
    /// A track that is not confirmed ends when it has not been seen for this long.
    pub tentative_patience: Duration,
    /// A confirmed track ends when it has not been seen for this long.
    pub patience: Duration,
    /// How the filter believes people move.
    pub noise: BoxNoise,
}

impl Default for ImagePlaneSettings {
    fn default() -> Self {
        Self {
            low_score: 0.15,
            high_score: 0.4,
            start_score: 0.45,
            confirm_after: Duration::from_millis(250),
            confirm_sightings: 2,
            tentative_patience: Duration::from_millis(450),
            patience: Duration::from_millis(1500),
            noise: BoxNoise::default(),
        }
    }
}

/// Sightings kept of a track that is not confirmed yet. At 30 frames a second and the default
/// times a track is confirmed or gone after about 10; a longer wait keeps the newest.
const TENTATIVE_SIGHTINGS: usize = 64;

/// Between two frames further apart than this nobody can be followed: a walker has crossed the picture.
const SLOWEST_STEP: Duration = Duration::from_secs(2);

#[derive(Debug, Clone)]
struct Followed {
    id: TrackId,
    filter: BoxFilter,
    last_box: ImageBox,
    first_at: FrameTime,
    last_at: FrameTime,
    seen: usize,
    confirmed: bool,
    /// Whether it was not seen in the frame before.
    missed: bool,
    /// Until it is confirmed: what has been seen so far. Empty afterwards, its memory kept.
    waiting: Vec<Sighting>,
}

/// The image-plane tracker.
#[derive(Debug, Clone)]
pub struct ImagePlaneTracker {
    settings: ImagePlaneSettings,
    tracks: Vec<Followed>,
    /// Tracks that ended, kept for the memory of their lists.
    spare: Vec<Followed>,
    next_id: u64,
    last_at: Option<FrameTime>,
    assigner: Assigner,
    pairs: Vec<Pair>,
    track_taken: Vec<bool>,
    box_taken: Vec<bool>,
}

/// One round of pairing: which tracks and boxes take part and what makes them alike.
struct Round {
    tracks: fn(&Followed) -> bool,
    scores: (f32, f32),
    likeness: fn(&Followed, &Detection, f32) -> f32,
    /// Pairs below this likeness are not looked at.
    least: f32,
}

impl ImagePlaneTracker {
    /// A tracker that has seen nobody yet.
    #[must_use]
    pub fn new(settings: ImagePlaneSettings) -> Self {
        Self {
            settings,
            tracks: Vec::new(),
            spare: Vec::new(),
            next_id: 1,
            last_at: None,
            assigner: Assigner::default(),
            pairs: Vec::new(),
            track_taken: Vec::new(),
            box_taken: Vec::new(),
        }
    }

    /// How many tracks are followed now, confirmed or not.
    #[must_use]
    pub fn followed(&self) -> usize {
        self.tracks.len()
    }

    fn predict(&mut self, at: FrameTime) -> f32 {
        let seconds = self.last_at.map_or(0.0, |last| at.since(last).as_secs_f32());
        if self.last_at.is_none_or(|last| at.elapsed > last.elapsed) {
            self.last_at = Some(at);
        }
        for track in &mut self.tracks {
            track.filter.predict(seconds);
        }
        seconds
    }

    fn pair_up(&mut self, round: &Round, detections: &[Detection], seconds: f32) {
        self.pairs.clear();
        for (row, track) in self.tracks.iter().enumerate() {
            if self.track_taken[row] || !(round.tracks)(track) {
                continue;
            }
            for (column, detection) in detections.iter().enumerate() {
                let wanted = (round.scores.0..round.scores.1).contains(&detection.score);
                if !wanted || self.box_taken[column] {
                    continue;
                }
                let likeness = (round.likeness)(track, detection, seconds);
                if likeness > round.least {
                    self.pairs.push(Pair { row, column, gain: likeness - round.least });
                }
            }
        }
        self.assigner.solve(self.tracks.len(), detections.len(), &self.pairs);
    }

    fn take_pairs(&mut self, frame: u64, at: FrameTime, detections: &[Detection], steps: &mut TrackSteps) {
        for row in 0..self.tracks.len() {
            let Some(column) = self.assigner.column_of(row) else { continue };
            (self.track_taken[row], self.box_taken[column]) = (true, true);
            let track = &mut self.tracks[row];
            let sighting = Sighting { track: track.id, bbox: detections[column].bbox, frame, at };
            track.see(sighting);
            if track.confirmed {
                steps.sightings.push(sighting);
            } else {
                track.keep_waiting(sighting);
                if track.is_sure(&self.settings) {
                    track.confirmed = true;
                    steps.sightings.append(&mut track.waiting);
                }
            }
        }
    }

    fn start(&mut self, frame: u64, at: FrameTime, detections: &[Detection]) {
        for (column, detection) in detections.iter().enumerate() {
            if self.box_taken[column] || detection.score < self.settings.start_score {
                continue;
            }
            let id = TrackId(self.next_id);
            self.next_id += 1;
            let sighting = Sighting { track: id, bbox: detection.bbox, frame, at };
            let mut waiting = self.spare.pop().map_or_else(Vec::new, |old| old.waiting);
            waiting.clear();
            waiting.push(sighting);
            self.tracks.push(Followed {
                id,
                filter: BoxFilter::new(&detection.bbox, self.settings.noise),
                last_box: detection.bbox,
                first_at: at,
                last_at: at,
                seen: 1,
                confirmed: false,
                missed: false,
                waiting,
            });
        }
    }

    /// Ends the tracks that patience is over for, before anybody in this frame can be taken for one of them:
    /// whoever is seen first after the camera was away is somebody new.
    fn end(&mut self, at: FrameTime, steps: &mut TrackSteps) {
        let settings = self.settings;
        let gone = self.tracks.extract_if(.., |track| {
            let patience = if track.confirmed { settings.patience } else { settings.tentative_patience };
            // Seen in the frame before this one: that frame may lie further back than patience reaches.
            let least = if track.missed { Duration::ZERO } else { SLOWEST_STEP };
            at.since(track.last_at) > patience.max(least)
        });
        for track in gone {
            if track.confirmed {
                steps.ended.push(track.id);
            }
            self.spare.push(track);
        }
    }

    fn rounds(&self) -> [Round; 5] {
        let ImagePlaneSettings { low_score, high_score, .. } = self.settings;
        let (strong, weak) = ((high_score, f32::INFINITY), (low_score, high_score));
        [
            Round { tracks: |t| t.confirmed, scores: strong, likeness: overlap, least: 0.15 },
            Round { tracks: |t| t.confirmed, scores: weak, likeness: overlap, least: 0.25 },
            Round { tracks: |t| t.confirmed, scores: strong, likeness: wide_overlap, least: 0.1 },
            Round { tracks: |t| t.confirmed, scores: strong, likeness: overlap_with_last_seen, least: 0.2 },
            Round { tracks: |t| !t.confirmed, scores: strong, likeness: wide_overlap, least: 0.15 },
        ]
    }
}

impl Tracker for ImagePlaneTracker {
    fn step(&mut self, frame: u64, at: FrameTime, detections: &[Detection], steps: &mut TrackSteps) {
        steps.clear();
        self.end(at, steps);
        let seconds = self.predict(at);
        self.track_taken.clear();
        self.track_taken.resize(self.tracks.len(), false);
        self.box_taken.clear();
        self.box_taken.extend(detections.iter().map(|d| !d.bbox.is_sound() || !d.score.is_finite()));
        for round in self.rounds() {
            self.pair_up(&round, detections, seconds);
            self.take_pairs(frame, at, detections, steps);
        }
        for (track, taken) in self.tracks.iter_mut().zip(&self.track_taken) {
            track.missed = !taken;
        }
        self.start(frame, at, detections);
    }
}

impl Followed {
    fn see(&mut self, sighting: Sighting) {
        self.filter.update(&sighting.bbox);
        self.last_box = sighting.bbox;
        self.last_at = sighting.at;
        self.seen += 1;
    }

    fn keep_waiting(&mut self, sighting: Sighting) {
        if self.waiting.len() >= TENTATIVE_SIGHTINGS {
            self.waiting.remove(0);
        }
        self.waiting.push(sighting);
    }

    fn is_sure(&self, settings: &ImagePlaneSettings) -> bool {
        self.seen >= settings.confirm_sightings && self.last_at.since(self.first_at) >= settings.confirm_after
    }
}

/// How far boxes are widened before their overlap is taken, as a share of their size. People move about half their
/// width between two frames at 10 a second, and two widths at 2.5, where the plain boxes no longer touch.
fn buffer(seconds: f32) -> f32 {
    (1.2 * seconds).clamp(0.05, 0.3)
}

fn overlap(track: &Followed, detection: &Detection, seconds: f32) -> f32 {
    let share = buffer(seconds);
    track.filter.bbox().grown(share).iou(&detection.bbox.grown(share))
}

fn wide_overlap(track: &Followed, detection: &Detection, seconds: f32) -> f32 {
    let share = buffer(seconds) + 0.2;
    track.filter.bbox().grown(share).iou(&detection.bbox.grown(share))
}

fn overlap_with_last_seen(track: &Followed, detection: &Detection, _seconds: f32) -> f32 {
    track.last_box.grown(0.3).iou(&detection.bbox.grown(0.3))
}

#[cfg(test)]
mod tests {
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

    impl ImagePlaneTracker {
        /// Panics where the tracker's state contradicts itself: called after every step of the tests.
        fn check_invariants(&self, steps: &TrackSteps) {
            for track in &self.tracks {
                track.filter.check_invariants();
                assert!(track.id.0 < self.next_id);
                assert!(track.waiting.len() <= TENTATIVE_SIGHTINGS);
                assert!(!track.confirmed || track.waiting.is_empty());
            }
            for pair in self.tracks.windows(2) {
                assert!(pair[0].id < pair[1].id, "tracks stand in the order of their ids");
            }
            for sighting in &steps.sightings {
                assert!(self.tracks.iter().any(|t| t.id == sighting.track && t.confirmed));
            }
        }
    }

    /// One door for the tests: frames of detections in, `frame:track` of every sighting out.
    fn follow(frames: &[(u64, Vec<Detection>)]) -> String {
        let mut tracker = ImagePlaneTracker::new(ImagePlaneSettings::default());
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
        let mut frames = walk(&[0, 100, 200, 300], 0.9);
        frames.extend(walk(&[400, 500], 0.3));
        frames[4].1[0] = walker(0.0, 400, 0.3);
        assert_eq!(follow(&frames), "1:1 2:1 3:1 4:1 5:1 6:1");
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
        let mut frames = walk(&[0, 100, 200, 300], 0.9);
        frames.extend(walk(&[5_100, 5_200, 5_300, 5_400], 0.9));
        assert!(follow(&frames).ends_with("5:2 6:2 7:2 8:2"), "{}", follow(&frames));
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
        let mut tracker = ImagePlaneTracker::new(ImagePlaneSettings::default());
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
        let mut tracker = ImagePlaneTracker::new(ImagePlaneSettings::default());
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
}
