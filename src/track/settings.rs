//! What decides when somebody is there, and who is who.
//!
//! All patience is in seconds and all distance in metres, never in frames or px: the same walk at 30 and at 5 frames
//! a second, near the camera and far away, is followed the same way.

use crate::calibration::SizeLimits;
use std::time::Duration;

/// The scores of a detector that mean something to the tracker. Detectors differ in what a score of 0.5 is worth, so
/// these belong to the detector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreLevels {
    /// Boxes below this are not looked at.
    pub low: f32,
    /// Boxes from here on are paired first, and only they continue a track that is not confirmed yet.
    pub high: f32,
    /// Boxes from here on may start a track. Starting on weak boxes is what makes counters count too many.
    pub start: f32,
}

impl ScoreLevels {
    /// For a detector that is sure of most people that it sees: Faster R-CNN, YOLOX and larger networks, and what
    /// `footfall track` reads.
    pub const SURE: Self = Self { low: 0.5, high: 0.6, start: 0.6 };
    /// For the small networks of a box, whose scores of half-hidden people reach down to those of traffic cones.
    pub const MODEST: Self = Self { low: 0.15, high: 0.4, start: 0.45 };
}

/// How people are followed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackSettings {
    /// What the detector's scores mean.
    pub scores: ScoreLevels,
    /// A track is confirmed when it has been seen for this long ...
    pub confirm_after: Duration,
    /// ... and in at least this many frames.
    pub confirm_sightings: u32,
    /// A track that is not confirmed ends when it has not been seen for this long.
    pub tentative_patience: Duration,
    /// A confirmed track ends when it has not been seen for this long.
    pub patience: Duration,
    /// A track that comes back after longer than this has walked straight in between: its velocity is learned anew along
    /// the way (OC-SORT, arXiv 2203.14360, section 3.2).
    pub retrace_after: Duration,
    /// How unsure the foot of a box is across the picture, as a share of the box's height.
    pub foot_noise_across: f32,
    /// The same down the picture, where feet are hidden and boxes cut.
    pub foot_noise_down: f32,
    /// Random change of a walker's velocity over one second, m/s.
    pub push: f64,
    /// How fast somebody may go who is seen for the first time: one standard deviation along each axis, m/s.
    pub first_speed: f64,
    /// A box this much taller or lower than its track, as the logarithm of the ratio, costs as much as being one
    /// standard deviation away.
    pub height_spread: f32,
    /// How much of a newly seen height goes into the one that is remembered.
    pub height_gain: f32,
    /// What full overlap with the predicted box is worth, in the units of the squared distance.
    pub overlap_worth: f32,
    /// Boxes are widened by this share of their size before their overlap is taken.
    pub overlap_margin: f32,
    /// Pairs that overlap less are not looked at.
    pub least_overlap: f32,
    /// What the logarithm of the spread costs: it keeps a track that is unsure of its place from taking every box.
    pub spread_cost: f32,
    /// Most that a pair may cost where the box is strong and the track confirmed.
    pub strong_gate: f32,
    /// The same where the box is weak.
    pub weak_gate: f32,
    /// The same where the track is not confirmed.
    pub tentative_gate: f32,
    /// Overlap from which on a box is the track's where it was seen last, for somebody who stood still, hidden.
    pub rematch_overlap: f32,
    /// How tall a box may be on a floor that is known, for a person who stands there.
    pub sizes: SizeLimits,
    /// A box that comes back to one place for this long is a thing and no person; zero switches that off.
    pub still_after: Duration,
}

impl Default for TrackSettings {
    fn default() -> Self {
        Self {
            scores: ScoreLevels::SURE,
            confirm_after: Duration::from_millis(340),
            confirm_sightings: 3,
            tentative_patience: Duration::from_millis(210),
            patience: Duration::from_millis(2000),
            retrace_after: Duration::from_millis(1200),
            foot_noise_across: 0.08,
            foot_noise_down: 0.085,
            push: 1.6,
            first_speed: 1.4,
            height_spread: 0.25,
            height_gain: 0.4,
            overlap_worth: 15.5,
            overlap_margin: 0.14,
            least_overlap: 0.04,
            spread_cost: 1.2,
            strong_gate: 5.0,
            weak_gate: 0.6,
            tentative_gate: 17.0,
            rematch_overlap: 0.66,
            sizes: SizeLimits::default(),
            still_after: Duration::from_secs(600),
        }
    }
}
