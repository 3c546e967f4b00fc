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

#[derive(Debug, Clone)]
struct Followed {
    id: TrackId,
    filter: BoxFilter,
    last_box: ImageBox,
    first_at: FrameTime,
    last_at: FrameTime,
    seen: usize,
    confirmed: bool,
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
    tracks: fn(&Followed, FrameTime) -> bool,
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

    fn pair_up(&mut self, round: &Round, at: FrameTime, detections: &[Detection], seconds: f32) {
        self.pairs.clear();
        for (row, track) in self.tracks.iter().enumerate() {
            if self.track_taken[row] || !(round.tracks)(track, at) {
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
                waiting,
            });
        }
    }

    fn end(&mut self, at: FrameTime, steps: &mut TrackSteps) {
        let settings = self.settings;
        let gone = self.tracks.extract_if(.., |track| {
            let patience = if track.confirmed { settings.patience } else { settings.tentative_patience };
            at.since(track.last_at) > patience
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
            Round { tracks: |t, _| t.confirmed, scores: strong, likeness: overlap, least: 0.15 },
            Round { tracks: |t, _| t.confirmed, scores: weak, likeness: overlap, least: 0.25 },
            Round { tracks: |t, _| t.confirmed, scores: strong, likeness: wide_overlap, least: 0.1 },
            Round {
                tracks: |t, _| t.confirmed,
                scores: strong,
                likeness: overlap_with_last_seen,
                least: 0.2,
            },
            Round { tracks: |t, _| !t.confirmed, scores: strong, likeness: wide_overlap, least: 0.15 },
        ]
    }
}

impl Tracker for ImagePlaneTracker {
    fn step(&mut self, frame: u64, at: FrameTime, detections: &[Detection], steps: &mut TrackSteps) {
        steps.clear();
        let seconds = self.predict(at);
        self.track_taken.clear();
        self.track_taken.resize(self.tracks.len(), false);
        self.box_taken.clear();
        self.box_taken.extend(detections.iter().map(|d| !d.bbox.is_sound() || d.score.is_nan()));
        for round in self.rounds() {
            self.pair_up(&round, at, detections, seconds);
            self.take_pairs(frame, at, detections, steps);
        }
        self.end(at, steps);
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
