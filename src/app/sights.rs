//! What there is to count: frames with the people in them, whoever found those.
//!
//! A clip that a network looks at and a recording of an earlier look are one to whoever counts. That is what makes a
//! replay worth anything: it takes the same way through the same code.

pub mod live;
pub mod replay;

use crate::capture::{self, CaptureError, Frame, FrameSource, ReadOutcome, SourceSettings};
use crate::detect::{Detection, Detector};
use crate::pipeline::SeenFrame;
use crate::recording::Moment;
use crate::time::{Clock, FrameTime, WallTime};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// Something that sees people in frames, one frame after another.
pub trait Sights {
    /// What happened next; clears `people` and fills it with those of a frame. Nothing follows its end.
    ///
    /// # Errors
    /// What cannot be read or looked at; also where there was no frame at all.
    fn next(&mut self, people: &mut Vec<Detection>) -> anyhow::Result<Moment>;

    /// When the run began.
    fn start(&self) -> FrameTime;

    /// What finds the people; goes into every record.
    fn model(&self) -> &str;

    /// For messages: the clip, the camera or the file.
    fn name(&self) -> String;

    /// The picture of the frame that came last, where there are pictures.
    fn frame(&self) -> Option<&Frame> {
        None
    }

    /// How many frames there will be, where known; for a progress bar.
    fn frames(&self) -> Option<u64> {
        None
    }

    /// CPU time spent inside the network so far.
    fn inference_cpu(&self) -> Duration {
        Duration::ZERO
    }
}

/// Which clip, and what of it.
#[derive(Debug, Clone)]
pub struct ClipSettings {
    /// The clip or the folder of pictures.
    pub source: SourceSettings,
    /// Frames a second, where the container's own times are not to be used.
    pub fps: Option<f64>,
    /// Use every so manieth frame.
    pub every: NonZeroU32,
    /// Wall time of the first frame.
    pub start: WallTime,
}

/// A clip that a network looks at.
pub struct ClipSights {
    settings: ClipSettings,
    detector: Box<dyn Detector>,
    source: Box<dyn FrameSource>,
    frame: Frame,
    decoded: u64,
    last: FrameTime,
    has_any: bool,
}

impl ClipSights {
    /// Opens a clip.
    ///
    /// # Errors
    /// [`CaptureError`] where it cannot be read.
    pub fn open(
        settings: ClipSettings,
        detector: Box<dyn Detector>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CaptureError> {
        let source = capture::open(&settings.source, clock, settings.start, settings.fps)?;
        let last = FrameTime::of_run(settings.start, Duration::ZERO);
        Ok(Self { settings, detector, source, frame: Frame::default(), decoded: 0, last, has_any: false })
    }
}

impl Sights for ClipSights {
    fn next(&mut self, people: &mut Vec<Detection>) -> anyhow::Result<Moment> {
        let every = u64::from(self.settings.every.get());
        let (decoded, last) = (&mut self.decoded, &mut self.last);
        let mut wanted = |number: u64, at: FrameTime| {
            (*decoded, *last) = (number, at);
            (number - 1).is_multiple_of(every)
        };
        match self.source.read_wanted(&mut wanted, &mut self.frame)? {
            ReadOutcome::End if !self.has_any => {
                Err(CaptureError::NoFrames { address: self.settings.source.address.clone() }.into())
            }
            ReadOutcome::End => Ok(Moment::End { frames: self.decoded, at: self.last }),
            ReadOutcome::Frame => {
                self.has_any = true;
                self.detector.detect(&self.frame.picture, self.frame.at, people)?;
                let Frame { number, at, picture } = &self.frame;
                Ok(Moment::Frame(SeenFrame { number: *number, at: *at, size: picture.size(), dropped: 0 }))
            }
        }
    }

    fn start(&self) -> FrameTime {
        FrameTime::of_run(self.settings.start, Duration::ZERO)
    }

    fn model(&self) -> &str {
        self.detector.model()
    }

    fn name(&self) -> String {
        self.settings.source.address.to_string()
    }

    fn frame(&self) -> Option<&Frame> {
        Some(&self.frame)
    }

    fn frames(&self) -> Option<u64> {
        self.source.facts().frames
    }

    fn inference_cpu(&self) -> Duration {
        self.detector.inference_cpu()
    }
}
