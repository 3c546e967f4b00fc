//! Follows people from frame to frame.
//!
//! A tracker says nothing of a person until it is sure that there is one; then it gives the
//! earlier sightings of that track too, oldest first, so that somebody who walks in
//! quickly is not lost to the wait.

mod assign;
mod kalman;
pub mod image_plane;

pub use image_plane::{ImagePlaneSettings, ImagePlaneTracker};
pub use kalman::BoxNoise;

use crate::calibration::Floor;
use crate::detect::Detection;
use crate::geom::ImageBox;
use crate::ids::TrackId;
use crate::time::FrameTime;

/// A confirmed track, seen in one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sighting {
    /// Whose.
    pub track: TrackId,
    /// The box as it was detected, px.
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

/// Something that follows people. The image-plane tracker is one; a tracker on the floor fits here too.
pub trait Tracker: Send {
    /// Takes the detections of one frame; `steps` is cleared first.
    ///
    /// Time that stands still or runs back is taken as no time at all.
    fn step(&mut self, frame: u64, at: FrameTime, detections: &[Detection], steps: &mut TrackSteps);
}

/// The tracker for a camera: on the floor where there is one, else on the picture.
#[must_use]
pub fn tracker(_floor: Option<&Floor>) -> Box<dyn Tracker> {
    Box::new(ImagePlaneTracker::new(ImagePlaneSettings::default()))
}
