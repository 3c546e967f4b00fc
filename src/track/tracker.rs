//! Follows people on the floor, or on the picture where no calibration says where the floor is.
//!
//! Who is who is decided by where people stand: foot points with their ellipses of doubt, on one plane, in real time. The
//! overlap of the boxes helps where feet say little, for somebody half hidden. Boxes that the detector is sure of are paired first, with
//! every confirmed track; boxes that it is not sure of may only continue a confirmed track, never begin one.
//! What leaves the tracker is the *filtered* box: the raw one wobbles, and a wobble at a line is a false crossing.
//!
//! Sources: ground plane, its noise and its cost, UCMCTrack (arXiv 2312.08952); cascade of strong and weak boxes, ByteTrack (arXiv
//! 2110.06864, section 3); widened overlap for low rates, C-BIoU (arXiv 2211.14317, section 3.2); second try on the last observed
//! box and re-update along a gap, OC-SORT (arXiv 2203.14360, sections 3.2 and 3.3). What was tried and left out is in
//! `docs/design/tracking.md`.

use super::assign::{Assigner, Pair};
use super::filter::{FootFilter, Vector, inverted, product};
use super::learning::{Learning, Verdict};
use super::nearby::Nearby;
use super::plane::{FootNoise, Laid, Plane, PlaneName};
use super::things::Things;
use super::{Sighting, TrackSettings, TrackSteps};
use crate::calibration::Floor;
use crate::detect::Detection;
use crate::geom::{ImageBox, ImagePoint, PictureSize};
use crate::ids::TrackId;
use crate::time::FrameTime;
use std::time::Duration;

/// Sightings kept of a track that is not confirmed yet. At 30 frames a second and the default
/// times a track is confirmed or gone after about 10; a longer wait keeps the newest.
const TENTATIVE_SIGHTINGS: usize = 64;

/// Between two frames further apart than this nobody can be followed: a walker has crossed the picture.
const SLOWEST_STEP: Duration = Duration::from_secs(2);

/// Spread of place and measurement together of somebody who is followed closely, m²: it costs nothing.
const USUAL_SPREAD_M2: f64 = 0.135;

/// A box is the upper part of another if this share of it lies inside ...
const INSIDE: f32 = 0.85;
/// ... it starts at the same height, up to this share of the other's height ...
const SAME_HEAD: f32 = 0.08;
/// ... and in the same middle, up to this share of the other's width. Of 216 such pairs in six public sequences (MOT15), both
/// boxes were people in 5, and the lower one was nobody in 209.
const SAME_AXIS: f32 = 0.2;

/// Steps in which a gap is walked again.
const RETRACE_STEP_S: f64 = 0.1;

#[derive(Debug, Clone)]
struct Followed {
    id: TrackId,
    foot: FootFilter,
    /// As it was after the last sighting, and where that was: a gap is walked again from here.
    foot_then: FootFilter,
    seen_at: Vector,
    /// Units of the plane in a metre.
    metre: f64,
    /// Logarithm of the height, px.
    ln_height: f32,
    /// Width over height.
    shape: f32,
    /// The box as seen last, px.
    last_box: ImageBox,
    /// The box as believed now, px.
    believed: ImageBox,
    first_at: FrameTime,
    last_at: FrameTime,
    seen: u32,
    confirmed: bool,
    /// Whether it was not seen in the frame before.
    missed: bool,
    /// Until it is confirmed: what has been seen so far. Empty afterwards, its memory kept.
    waiting: Vec<Sighting>,
}

/// Follows the people of one camera.
#[derive(Debug, Clone)]
pub struct Tracker {
    settings: TrackSettings,
    plane: Plane,
    /// Where no calibration was given: what is learned of the floor from the people seen.
    learning: Option<Learning>,
    things: Things,
    tracks: Vec<Followed>,
    /// Tracks that ended, kept for the memory of their lists.
    spare: Vec<Followed>,
    next_id: u64,
    last_at: Option<FrameTime>,
    // Kept between frames for their memory.
    assigner: Assigner,
    nearby: Nearby,
    laid: Vec<Option<Laid>>,
    ln_heights: Vec<f32>,
    costs: Vec<Cost>,
    pairs: Vec<Pair>,
    track_taken: Vec<bool>,
    box_taken: Vec<bool>,
}

/// What it costs to take a box for a track; below the round's gate it can be.
#[derive(Debug, Clone, Copy)]
struct Cost {
    row: usize,
    column: usize,
    cost: f32,
}

/// One round of pairing: which tracks and boxes take part, and how much a pair may cost.
struct Round {
    tracks: fn(&Followed) -> bool,
    scores: (f32, f32),
    gate: f32,
}

impl Tracker {
    /// Follows people on the floor where it is known, else on the picture until it has been learned.
    #[must_use]
    pub fn new(settings: TrackSettings, floor: Option<Floor>) -> Self {
        match floor {
            Some(floor) => Self::on_floor(settings, floor),
            None => Self::learning(settings),
        }
    }

    /// Follows people on a floor that is known.
    #[must_use]
    pub fn on_floor(settings: TrackSettings, floor: Floor) -> Self {
        Self::on(settings, Plane::Floor(Box::new(floor)), None)
    }

    /// Follows people on the picture.
    #[must_use]
    pub fn on_image(settings: TrackSettings) -> Self {
        Self::on(settings, Plane::Image, None)
    }

    /// Follows people on the picture until it has seen enough of them to tell where the floor is, and then there.
    #[must_use]
    pub fn learning(settings: TrackSettings) -> Self {
        Self::on(settings, Plane::Image, Some(Learning::default()))
    }

    fn on(settings: TrackSettings, plane: Plane, learning: Option<Learning>) -> Self {
        Self {
            settings,
            plane,
            learning,
            things: Things::new(settings.still_after),
            tracks: Vec::new(),
            spare: Vec::new(),
            next_id: 1,
            last_at: None,
            assigner: Assigner::default(),
            nearby: Nearby::default(),
            laid: Vec::new(),
            ln_heights: Vec::new(),
            costs: Vec::new(),
            pairs: Vec::new(),
            track_taken: Vec::new(),
            box_taken: Vec::new(),
        }
    }

    /// Takes the detections of one frame; `steps` is cleared first.
    ///
    /// Time that stands still or runs back is taken as no time at all.
    pub fn step(&mut self, frame: u64, at: FrameTime, detections: &[Detection], steps: &mut TrackSteps) {
        steps.clear();
        self.learn(at, steps);
        self.end(at, steps);
        self.predict(at);
        self.things.look(detections, at);
        self.lay(detections);
        self.weigh();
        let [strong, weak, tentative] = self.rounds();
        for round in [strong, weak] {
            self.pair_up(&round, detections);
            self.take_pairs(frame, at, detections, steps);
        }
        self.pair_with_last_seen(detections);
        self.take_pairs(frame, at, detections, steps);
        self.pair_up(&tentative, detections);
        self.take_pairs(frame, at, detections, steps);
        for (track, taken) in self.tracks.iter_mut().zip(&self.track_taken) {
            track.missed = !taken;
        }
        self.start(frame, at, detections);
    }

    /// Says how large the picture is whose px the detections are in, as soon as that is known.
    pub fn picture_is(&mut self, picture: PictureSize) {
        if let Some(learning) = &mut self.learning {
            learning.picture_is(picture);
        }
        self.plane.picture_is(picture);
    }

    /// On which plane people are followed now.
    #[must_use]
    pub fn plane(&self) -> PlaneName {
        self.plane.name()
    }

    /// How many tracks are followed now, confirmed or not.
    #[must_use]
    pub fn followed(&self) -> usize {
        self.tracks.len()
    }

    /// Moves every track on to `at`.
    fn predict(&mut self, at: FrameTime) {
        let seconds = self.last_at.map_or(0.0, |last| at.since(last).as_secs_f64());
        if self.last_at.is_none_or(|last| at.elapsed > last.elapsed) {
            self.last_at = Some(at);
        }
        for track in &mut self.tracks {
            track.foot.predict(seconds, self.settings.push * track.metre);
            track.believe(&self.plane);
        }
    }

    /// Lays this frame's boxes on the plane. One that cannot be a person of its own counts as taken.
    fn lay(&mut self, detections: &[Detection]) {
        let noise =
            FootNoise { across: self.settings.foot_noise_across, down: self.settings.foot_noise_down };
        self.nearby.index(detections, self.settings.overlap_margin);
        self.laid.clear();
        for detection in detections {
            let bbox = &detection.bbox;
            let can_be = bbox.is_sound()
                && detection.score.is_finite()
                && self.plane.allows(bbox, self.settings.sizes)
                && !self.things.hold(bbox);
            self.laid.push(can_be.then(|| self.plane.lay(bbox, noise)).flatten());
        }
        self.ln_heights.clear();
        self.ln_heights.extend(detections.iter().map(|d| d.bbox.height().max(1.0).ln()));
        self.box_taken.clear();
        self.box_taken.extend(self.laid.iter().map(Option::is_none));
        // Only whom nothing speaks against can have an upper part.
        for column in 0..detections.len() {
            self.box_taken[column] |= self.is_upper_part(column, detections);
        }
        self.track_taken.clear();
        self.track_taken.resize(self.tracks.len(), false);
    }

    /// Whether a box is head and shoulders of somebody who has a whole box too. Detectors find both, and their overlap is
    /// too small for the suppression of doubles. Of two people close together both stay: their heads differ.
    fn is_upper_part(&self, column: usize, detections: &[Detection]) -> bool {
        let part = &detections[column].bbox;
        self.nearby.touching(part).any(|(other, _)| {
            let whole = &detections[other].bbox;
            let sideways = (part.foot().x - whole.foot().x).abs();
            self.laid[other].is_some()
                && whole.height() > part.height()
                && detections[other].score >= self.settings.scores.high
                && (part.top - whole.top).abs() <= SAME_HEAD * whole.height()
                && sideways <= SAME_AXIS * whole.width()
                && part.intersection(whole) >= INSIDE * part.area()
        })
    }

    /// Costs of every track with every box that it overlaps.
    fn weigh(&mut self) {
        let settings = &self.settings;
        self.costs.clear();
        for (row, track) in self.tracks.iter().enumerate() {
            let widened = track.believed.grown(settings.overlap_margin);
            for (column, bbox) in self.nearby.touching(&widened) {
                let Some(laid) = self.laid[column].as_ref().filter(|_| !self.box_taken[column]) else {
                    continue;
                };
                let overlap = widened.iou(bbox);
                if overlap <= settings.least_overlap {
                    continue;
                }
                let height = (self.ln_heights[column] - track.ln_height) / settings.height_spread;
                let cost = track.distance(laid, settings.spread_cost) + height * height
                    - settings.overlap_worth * overlap;
                self.costs.push(Cost { row, column, cost });
            }
        }
    }

    fn rounds(&self) -> [Round; 3] {
        let TrackSettings { strong_gate, weak_gate, tentative_gate, .. } = self.settings;
        let (low, high) = (self.settings.scores.low, self.settings.scores.high);
        [
            Round { tracks: |t| t.confirmed, scores: (high, f32::INFINITY), gate: strong_gate },
            Round { tracks: |t| t.confirmed, scores: (low, high), gate: weak_gate },
            Round { tracks: |t| !t.confirmed, scores: (high, f32::INFINITY), gate: tentative_gate },
        ]
    }

    fn pair_up(&mut self, round: &Round, detections: &[Detection]) {
        self.pairs.clear();
        for Cost { row, column, cost } in &self.costs {
            let wanted = (round.scores.0..round.scores.1).contains(&detections[*column].score)
                && (round.tracks)(&self.tracks[*row]);
            if wanted && !self.track_taken[*row] && !self.box_taken[*column] {
                self.pairs.push(Pair { row: *row, column: *column, gain: round.gate - cost });
            }
        }
        self.solve(detections);
    }

    /// A second try for tracks that were hidden, on the box that was seen last: whoever stood still is still there.
    fn pair_with_last_seen(&mut self, detections: &[Detection]) {
        self.pairs.clear();
        for (row, track) in self.tracks.iter().enumerate() {
            if self.track_taken[row] || !track.confirmed || !track.missed {
                continue;
            }
            let last = track.last_box.grown(self.settings.overlap_margin);
            for (column, bbox) in self.nearby.touching(&last) {
                let strong = detections[column].score >= self.settings.scores.high;
                let overlap = last.iou(bbox);
                if strong && !self.box_taken[column] && overlap > self.settings.rematch_overlap {
                    self.pairs.push(Pair { row, column, gain: overlap });
                }
            }
        }
        self.solve(detections);
    }

    fn solve(&mut self, detections: &[Detection]) {
        if !self.pairs.is_empty() {
            self.assigner.solve(self.tracks.len(), detections.len(), &self.pairs);
        }
    }

    fn take_pairs(&mut self, frame: u64, at: FrameTime, detections: &[Detection], steps: &mut TrackSteps) {
        if self.pairs.is_empty() {
            return;
        }
        for row in 0..self.tracks.len() {
            let Some(column) = self.assigner.column_of(row) else { continue };
            let Some(laid) = &self.laid[column] else { continue };
            (self.track_taken[row], self.box_taken[column]) = (true, true);
            let track = &mut self.tracks[row];
            track.see(&detections[column].bbox, laid, at, &self.settings);
            track.believe(&self.plane);
            let sighting = Sighting { track: track.id, bbox: track.believed, frame, at };
            if track.confirmed {
                steps.sightings.push(sighting);
                if let Some(learning) = &mut self.learning {
                    learning.see(&detections[column].bbox, track.foot.velocity, track.metre);
                }
                continue;
            }
            track.keep_waiting(sighting);
            if track.is_sure(&self.settings) {
                track.confirmed = true;
                steps.sightings.append(&mut track.waiting);
            }
        }
    }

    fn start(&mut self, frame: u64, at: FrameTime, detections: &[Detection]) {
        for (column, detection) in detections.iter().enumerate() {
            let Some(laid) = &self.laid[column] else { continue };
            if self.box_taken[column] || detection.score < self.settings.scores.start {
                continue;
            }
            let id = TrackId(self.next_id);
            self.next_id += 1;
            let bbox = detection.bbox;
            let mut waiting = self.spare.pop().map_or_else(Vec::new, |old| old.waiting);
            waiting.clear();
            waiting.push(Sighting { track: id, bbox, frame, at });
            let foot = FootFilter::new(&laid.foot, self.settings.first_speed * laid.metre);
            self.tracks.push(Followed {
                id,
                foot,
                foot_then: foot,
                seen_at: laid.foot.at,
                metre: laid.metre,
                ln_height: self.ln_heights[column],
                shape: bbox.width() / bbox.height(),
                last_box: bbox,
                believed: bbox,
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

    /// Goes over to the floor once enough was seen to tell where it is, and back where people no longer fit it: somebody
    /// has moved the camera. Everybody keeps track and velocity, but for whoever has no place on the new plane.
    fn learn(&mut self, at: FrameTime, steps: &mut TrackSteps) {
        let Some(verdict) = self.learning.as_mut().and_then(|learning| learning.verdict(at)) else { return };
        let plane = match verdict {
            Verdict::Floor(floor) => Plane::Floor(floor),
            Verdict::NoFloor => Plane::Image,
        };
        if plane == self.plane {
            return;
        }
        let from = &self.plane;
        for track in self.tracks.extract_if(.., |track| !track.move_to(from, &plane)) {
            if track.confirmed {
                steps.ended.push(track.id);
            }
        }
        self.plane = plane;
    }

    /// Panics where the tracker's state contradicts itself; for tests and fuzzing, after every step.
    ///
    /// # Panics
    /// Names what is wrong.
    pub fn check_invariants(&self, steps: &TrackSteps) {
        for track in &self.tracks {
            track.foot.check_invariants();
            assert!(track.believed.is_sound() || !track.last_box.is_sound(), "{track:?}");
            assert!(track.id.0 < self.next_id, "ids are given once");
            assert!(track.waiting.len() <= TENTATIVE_SIGHTINGS, "waiting sightings are bounded");
            assert!(!track.confirmed || track.waiting.is_empty(), "a confirmed track holds nothing back");
            assert!(track.metre > 0.0 && track.metre.is_finite(), "{track:?}");
        }
        for pair in self.tracks.windows(2) {
            assert!(pair[0].id < pair[1].id, "tracks stand in the order of their ids");
        }
        for sighting in &steps.sightings {
            let is_followed = |t: &Followed| t.id == sighting.track && t.confirmed;
            assert!(self.tracks.iter().any(is_followed), "{sighting:?} is of no confirmed track");
        }
    }
}

impl Followed {
    /// How far a foot is from where this one is believed to be: squared, in units of the spread of both, with what
    /// the spread itself costs.
    fn distance(&self, laid: &Laid, spread_cost: f32) -> f32 {
        let away = [laid.foot.at[0] - self.foot.at[0], laid.foot.at[1] - self.foot.at[1]];
        let spread = self.foot.spread.plus(&laid.foot.spread);
        let metre2 = self.metre * self.metre;
        let usual = USUAL_SPREAD_M2 * USUAL_SPREAD_M2 * metre2 * metre2;
        let wider = (spread.determinant() / usual).max(f64::MIN_POSITIVE);
        spread.distance2(away) as f32 + spread_cost * wider.ln() as f32
    }

    fn see(&mut self, bbox: &ImageBox, laid: &Laid, at: FrameTime, settings: &TrackSettings) {
        let gap = at.since(self.last_at);
        if gap > settings.retrace_after {
            self.retrace(laid, gap.as_secs_f64(), settings.push);
        }
        self.foot.update(&laid.foot);
        (self.foot_then, self.seen_at) = (self.foot, laid.foot.at);
        self.ln_height += settings.height_gain * (bbox.height().max(1.0).ln() - self.ln_height);
        self.shape += settings.height_gain * (bbox.width() / bbox.height() - self.shape);
        self.metre += f64::from(settings.height_gain) * (laid.metre - self.metre);
        self.last_box = *bbox;
        self.last_at = at;
        self.seen += 1;
    }

    /// Walks the gap before a sighting again, straight from where the track was seen last: what the filter made up
    /// meanwhile is forgotten.
    fn retrace(&mut self, laid: &Laid, seconds: f64, push: f64) {
        let steps = (seconds / RETRACE_STEP_S).ceil().clamp(1.0, 100.0);
        let step_s = seconds / steps;
        self.foot = self.foot_then;
        for step in 1..steps as u32 {
            let share = f64::from(step) / steps;
            let mut between = laid.foot;
            for axis in 0..2 {
                between.at[axis] = self.seen_at[axis] + share * (laid.foot.at[axis] - self.seen_at[axis]);
            }
            self.foot.predict(step_s, push * self.metre);
            self.foot.update(&between);
        }
        self.foot.predict(step_s, push * self.metre);
    }

    /// Draws the box that is believed now.
    fn believe(&mut self, plane: &Plane) {
        // Where the filter has left the picture's floor, the box stays where it was: nobody can be seen there.
        let foot = plane.in_image(self.foot.at).unwrap_or_else(|| self.believed.foot());
        let height = self.ln_height.exp();
        let half = 0.5 * self.shape * height;
        let believed = ImageBox::new(foot.x - half, foot.y - height, foot.x + half, foot.y);
        if believed.is_sound() {
            self.believed = believed;
        }
    }

    /// Follows on on another plane; false where this foot has no place there.
    fn move_to(&mut self, from: &Plane, to: &Plane) -> bool {
        let moved = |foot: &FootFilter| {
            let point: ImagePoint = from.in_image(foot.at)?;
            let ((_, step_from), (at, step_to)) = (from.place(point)?, to.place(point)?);
            Some(foot.moved_to(at, &product(&step_to, &inverted(&step_from)?)))
        };
        let seen_at = from.in_image(self.seen_at).and_then(|point| to.place(point));
        let (Some(foot), Some(foot_then), Some((seen_at, _))) =
            (moved(&self.foot), moved(&self.foot_then), seen_at)
        else {
            return false;
        };
        (self.foot, self.foot_then, self.seen_at) = (foot, foot_then, seen_at);
        self.metre = to.metre_of(self.ln_height.exp());
        true
    }

    fn keep_waiting(&mut self, sighting: Sighting) {
        if self.waiting.len() >= TENTATIVE_SIGHTINGS {
            self.waiting.remove(0);
        }
        self.waiting.push(sighting);
    }

    fn is_sure(&self, settings: &TrackSettings) -> bool {
        self.seen >= settings.confirm_sightings && self.last_at.since(self.first_at) >= settings.confirm_after
    }
}

#[cfg(test)]
mod tests;
