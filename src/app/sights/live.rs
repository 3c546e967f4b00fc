//! A live camera that a network looks at, for a while.
//!
//! As in the service: one thread captures, the newest frame wins, and what was passed over is told.

use super::Sights;
use crate::app::exit::Failure;
use crate::app::run::camera::Capturing;
use crate::capture::Frame;
use crate::capture::camera::StopSignal;
use crate::capture::latest::{LatestReceiver, Taken, slot};
use crate::config::CameraSettings;
use crate::detect::{Detection, Detector};
use crate::pipeline::SeenFrame;
use crate::random::SplitMix64;
use crate::recording::Moment;
use crate::time::{Clock, FrameTime};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long the end may have to wait for this thread to look up.
const LOOK_UP_EVERY: Duration = Duration::from_millis(100);

/// When a look at a camera ends.
#[derive(Debug, Clone)]
pub struct Until {
    /// So long after its start; none: when it is stopped.
    pub length: Option<Duration>,
    /// Goes up with Ctrl-C.
    pub stopped: Arc<AtomicBool>,
}

/// A camera that a network looks at.
pub struct LiveSights {
    name: String,
    detector: Box<dyn Detector>,
    clock: Arc<dyn Clock>,
    until: Until,
    frames: LatestReceiver,
    /// Ends the capturing thread with this.
    stop: StopSignal,
    start: FrameTime,
    frame: Frame,
    decoded: u64,
    /// Dropped before frames that could not be looked at.
    untold: u64,
}

impl LiveSights {
    /// Starts the thread that captures.
    ///
    /// # Errors
    /// Where there is no thread to be had.
    pub fn start(
        settings: CameraSettings,
        detector: Box<dyn Detector>,
        clock: Arc<dyn Clock>,
        until: Until,
    ) -> anyhow::Result<Self> {
        let (sender, frames) = slot();
        let (stop, start, name) = (StopSignal::default(), clock.now(), settings.id.to_string());
        // One camera has nobody to keep out of step with.
        let jitter = SplitMix64::new(0);
        let capturing = Capturing { settings, clock: Arc::clone(&clock), stop: stop.clone() };
        // Not joined: it may be in a read that lasts as long as the camera's time-out.
        std::thread::Builder::new()
            .name(format!("capture {name}"))
            .spawn(move || capturing.run(&sender, jitter, |_| {}))?;
        let frame = Frame::default();
        Ok(Self { name, detector, clock, until, frames, stop, start, frame, decoded: 0, untold: 0 })
    }

    fn is_over(&self) -> bool {
        let elapsed = self.clock.now().since(self.start);
        self.until.length.is_some_and(|length| elapsed >= length)
            || self.until.stopped.load(Ordering::Relaxed)
    }

    fn look(&mut self, people: &mut Vec<Detection>) -> Moment {
        let Frame { number, at, picture } = &self.frame;
        self.decoded = *number;
        if let Err(fault) = self.detector.detect(picture, *at, people) {
            tracing::warn!("camera {}: frame {number} cannot be looked at: {fault}", self.name);
            people.clear();
            return Moment::Interrupted(*at);
        }
        let dropped = u32::try_from(std::mem::take(&mut self.untold)).unwrap_or(u32::MAX);
        Moment::Frame(SeenFrame { number: *number, at: *at, size: picture.size(), dropped })
    }
}

impl Sights for LiveSights {
    fn next(&mut self, people: &mut Vec<Detection>) -> anyhow::Result<Moment> {
        while !self.is_over() {
            match self.frames.take(&mut self.frame, LOOK_UP_EVERY) {
                Taken::Frame { dropped } => {
                    self.untold = self.untold.saturating_add(dropped);
                    return Ok(self.look(people));
                }
                Taken::TimedOut => {}
                Taken::Closed => break,
            }
        }
        self.stop.stop();
        if self.decoded == 0 {
            return Err(Failure::Input(format!("camera {} gave no frame", self.name)).into());
        }
        Ok(Moment::End { frames: self.decoded, at: self.clock.now() })
    }

    fn start(&self) -> FrameTime {
        self.start
    }

    fn model(&self) -> &str {
        self.detector.model()
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn frame(&self) -> Option<&Frame> {
        Some(&self.frame)
    }

    fn inference_cpu(&self) -> Duration {
        self.detector.inference_cpu()
    }
}
