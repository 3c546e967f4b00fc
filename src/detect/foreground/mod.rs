//! Finds people by what differs from the empty place: for cameras that look down, from where networks see nobody.
//!
//! ```text
//! Picture -> opencv: make it small, flow since the one before -> scene: background, walkers -> Detection
//! ```
//!
//! Not obvious: unlike a network this has a memory. What is ground, how large one person is and who walked where are
//! learned from the frames, in order and with their times, and nothing is looked at twice: a clip gives
//! what the camera gave. Only `opencv` names the library; the rest is pure.

mod background;
mod mask;
pub mod opencv;
mod scene;
mod size;
mod split;
mod walker;

pub use self::opencv::ForegroundDetector;
pub use size::PersonSize;

/// The name in records. A change that counts differently raises the number.
pub const MODEL: &str = "foreground-1";

/// Score of somebody who has walked: enough to start a track.
pub const WALKED_SCORE: f32 = 0.7;
/// Score of what has not walked yet: enough to continue a track, not to start one.
pub const UNMOVED_SCORE: f32 = 0.3;
