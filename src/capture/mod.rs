//! Where frames come from.
//!
//! A [`FrameSource`] fills a [`Frame`] that its caller owns, so that a camera which
//! runs for a month allocates no picture after the first. [`open()`] picks the adapter for an
//! address; only those adapters (`opencv`, `pictures`) know a foreign library.

pub mod address;
pub mod camera;
pub mod clip_time;
pub mod fault;
pub mod latest;
pub mod live_loop;
#[cfg(feature = "capture-opencv")]
pub mod opencv;
pub mod pictures;
pub mod reconnect;
pub mod sampling;
pub mod still;

pub use address::{AddressError, SourceAddress};
pub use fault::CaptureError;

use crate::geom::PictureSize;
use crate::time::{Clock, FrameTime, WallTime};
use std::sync::Arc;
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

    /// Fills `frame` with the next one for which `wanted(number, at)` says yes, and passes over the others.
    ///
    /// A source that can decode a frame without converting its colours saves that work here:
    /// a camera of 25 frames a second of which 10 are used costs about a third less.
    ///
    /// # Errors
    /// As [`FrameSource::read`].
    fn read_wanted(
        &mut self,
        wanted: &mut dyn FnMut(u64, FrameTime) -> bool,
        frame: &mut Frame,
    ) -> Result<ReadOutcome, CaptureError> {
        loop {
            let outcome = self.read(frame)?;
            if outcome == ReadOutcome::End || wanted(frame.number, frame.at) {
                return Ok(outcome);
            }
        }
    }

    /// What is known beforehand.
    fn facts(&self) -> SourceFacts;
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

/// Opens a source with the adapter that its address needs.
///
/// `run_start` is the wall time of a clip's first frame; `fps_override` replaces the times in a clip's
/// container, and gives those that a folder of pictures has not (10 a second without it). Cameras, and
/// clips played as cameras, take their time from `clock`.
///
/// # Errors
/// [`CaptureError`] names the source, what is wrong with it and what to do.
pub fn open(
    settings: &SourceSettings,
    clock: Arc<dyn Clock>,
    run_start: WallTime,
    fps_override: Option<f64>,
) -> Result<Box<dyn FrameSource>, CaptureError> {
    if let Some(fps) = fps_override.filter(|fps| clip_time::sane_fps(*fps).is_none()) {
        return Err(CaptureError::Rate { address: settings.address.clone(), fps: fps.to_string() });
    }
    if settings.playback == Playback::LiveLoop && !settings.address.is_live() {
        let (settings, inner_clock) = (settings.clone(), Arc::clone(&clock));
        let reopen = move || open_once(&settings, Arc::clone(&inner_clock), run_start, fps_override);
        return Ok(Box::new(live_loop::LiveLoop::start(reopen, clock, std::thread::sleep)?));
    }
    open_once(settings, clock, run_start, fps_override)
}

fn open_once(
    settings: &SourceSettings,
    clock: Arc<dyn Clock>,
    run_start: WallTime,
    fps_override: Option<f64>,
) -> Result<Box<dyn FrameSource>, CaptureError> {
    let folder = match &settings.address {
        SourceAddress::Pictures(folder) => Some(folder),
        // A folder is a folder, with or without a slash at its end.
        SourceAddress::File(path) if path.is_dir() => Some(path),
        _ => None,
    };
    if let Some(folder) = folder {
        let fps = fps_override.unwrap_or(pictures::DEFAULT_FPS);
        return Ok(Box::new(pictures::PictureFolder::open(folder, fps, run_start)?));
    }
    open_video(settings, clock, run_start, fps_override)
}

#[cfg(feature = "capture-opencv")]
fn open_video(
    settings: &SourceSettings,
    clock: Arc<dyn Clock>,
    run_start: WallTime,
    fps_override: Option<f64>,
) -> Result<Box<dyn FrameSource>, CaptureError> {
    Ok(Box::new(opencv::OpenCvSource::open(settings, clock, run_start, fps_override)?))
}

#[cfg(not(feature = "capture-opencv"))]
fn open_video(
    settings: &SourceSettings,
    _clock: Arc<dyn Clock>,
    _run_start: WallTime,
    _fps_override: Option<f64>,
) -> Result<Box<dyn FrameSource>, CaptureError> {
    Err(CaptureError::NotBuilt { address: settings.address.clone() })
}

#[cfg(all(test, not(feature = "capture-opencv")))]
mod tests {
    use super::*;
    use crate::time::SimClock;

    #[test]
    fn without_opencv_a_camera_says_what_the_build_lacks() {
        let settings = SourceSettings {
            address: SourceAddress::parse("rtsp://me:secret@cam/1").unwrap(),
            playback: Playback::default(),
            open_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(1),
            retry_max: Duration::from_secs(1),
        };
        let opened = open(&settings, Arc::new(SimClock::default()), WallTime::default(), None);
        let expected = "rtsp://cam/1: this build has no OpenCV and reads only folders of pictures; \
                        build with capture-opencv";
        assert_eq!(opened.err().unwrap().to_string(), expected);
    }
}
