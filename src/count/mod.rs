//! Counts tracks that cross a line.

mod tripwire;

pub use tripwire::{Tripwire, TripwireError};

use crate::geom::{Polygon, Segment};
use crate::ids::{LineId, TrackId};
use crate::time::FrameTime;
use std::time::Duration;

/// Which way a line was crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Into the store, which lies on the line's left.
    In,
    /// Out of the store.
    Out,
}

/// Which point of a box counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Anchor {
    /// Bottom centre: where the person stands.
    #[default]
    Foot,
    /// The middle, for a camera that looks down.
    Centre,
    /// Top centre, for a camera that looks down at an angle.
    Head,
}

/// One track passing clear of a line's band from one side to the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Crossing {
    /// Which line.
    pub line: LineId,
    /// Which way.
    pub direction: Direction,
    /// By whom.
    pub track: TrackId,
    /// First frame beyond the band (1-based decoded frame).
    pub frame: u64,
    /// When that frame was taken.
    pub at: FrameTime,
}

/// One line as configured, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct LineSettings {
    /// Its name.
    pub id: LineId,
    /// Where it lies, in px of the configured picture.
    pub segment: Segment,
    /// Full width of the band around it in which nothing is decided, px.
    pub band_px: f32,
    /// Which point of a box counts.
    pub anchor: Anchor,
    /// A return within this time cancels both crossings; zero switches that off.
    pub u_turn: Duration,
    /// A track counts here only if it was seen in one of these; none: anywhere.
    pub activation: Vec<Polygon>,
}
