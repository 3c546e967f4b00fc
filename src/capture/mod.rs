//! Where frames come from.
//!
//! A [`FrameSource`] fills a [`Frame`] that its caller owns, so that a camera which
//! runs for a month allocates no picture after the first.

pub mod address;

pub use address::{AddressError, SourceAddress};

use crate::geom::PictureSize;
use crate::time::FrameTime;
use std::time::Duration;

/// One decoded picture with its time.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Counts decoded frames of this run from 1, whether they are used or not.
    pub number: u64,
    /// When it was taken.
    pub at: FrameTime,
    /// What was seen.
    pub picture: Picture,
}

/// Pixels, owned and reused.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `(height, width, 3)` u8, row by row without padding, blue green red, 0-255.
    pub bgr: Vec<u8>,
}

impl Picture {
    /// Size in px.
    #[must_use]
    pub fn size(&self) -> PictureSize {
        PictureSize { width: self.width, height: self.height }
    }
}

/// What a source knows about itself before its first frame.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SourceFacts {
    /// Frames per second that the container or the camera states, where it states a sane one.
    pub fps: Option<f64>,
    /// Frames in the clip, where known; an estimate, good for a progress bar only.
    pub frames: Option<u64>,
}

/// Whether there was another frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadOutcome {
    /// The frame was filled.
    Frame,
    /// The clip or the folder is at its end; a live camera never says so.
    End,
}

/// Something that gives frames one after another.
pub trait FrameSource: Send {
    /// Fills `frame` with the next one, reusing its memory.
    ///
    /// # Errors
    /// [`CaptureError`]; after one the source is dropped and, for a live camera, opened anew.
    fn read(&mut self, frame: &mut Frame) -> Result<ReadOutcome, CaptureError>;

    /// What is known beforehand.
    fn facts(&self) -> SourceFacts;
}

/// Why a source gives no frame. Texts name the source as [`SourceAddress`] shows it, without a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// placeholder, replaced by the capture work
    #[error("{0}")]
    Other(String),
}

/// How one camera is reached and how patient we are with it.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceSettings {
    /// Where the frames come from.
    pub address: SourceAddress,
    /// How a clip or a folder of pictures is played; a camera plays itself.
    pub playback: Playback,
    /// Give up opening after this long.
    pub open_timeout: Duration,
    /// Take a camera that gives no frame for this long as lost.
    pub read_timeout: Duration,
    /// Longest wait between two attempts to reach a lost camera.
    pub retry_max: Duration,
}

/// How a clip is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Playback {
    /// Once, every frame, as fast as it can be counted.
    #[default]
    AsFastAsItGoes,
    /// In its own time, over and over, as if it were a live camera.
    LiveLoop,
}
