//! Follows people from frame to frame.
//!
//! A tracker says nothing of a person until it is sure that there is one; then it gives the
//! earlier sightings of that track too, oldest first, so that somebody who walks in
//! quickly is not lost to the wait.

mod assign;
mod filter;
mod learning;
mod nearby;
mod plane;
mod settings;
mod things;
mod tracker;

pub use plane::PlaneName;
pub use settings::{ScoreLevels, TrackSettings};
pub use tracker::Tracker;

use crate::geom::ImageBox;
use crate::ids::TrackId;
use crate::time::FrameTime;

/// A confirmed track, seen in one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sighting {
    /// Whose.
    pub track: TrackId,
    /// The box as the tracker believes it after this frame, px: steadier than the one that was detected.
    pub bbox: ImageBox,
    /// The frame it was seen in (1-based decoded frame).
    pub frame: u64,
    /// When.
    pub at: FrameTime,
}

/// What one step brought. Owned by the caller and reused.
#[derive(Debug, Clone, Default)]
pub struct TrackSteps {
    /// Sightings of confirmed tracks; one confirmed just now brings its earlier ones, oldest first.
    pub sightings: Vec<Sighting>,
    /// Tracks that have ended: whoever keeps state about them forgets it now.
    pub ended: Vec<TrackId>,
}

impl TrackSteps {
    /// Empties both lists and keeps their memory.
    pub fn clear(&mut self) {
        self.sightings.clear();
        self.ended.clear();
    }
}
