//! One camera of the service: a thread that captures and a thread that counts.
//!
//! Between them is one slot in which the newest frame wins, so a slow network makes gaps that are
//! told and never a delay that grows. The counting thread never waits for the capturing one
//! to end: a camera that hangs in a read must not hold up a stop.

use super::board::Board;
use crate::capture::camera::{Camera, CameraState, StopSignal};
use crate::capture::latest::{LatestReceiver, LatestSender, Taken, slot};
use crate::capture::reconnect::{Backoff, Jitter};
use crate::capture::sampling::RateGate;
use crate::capture::still::StillWatch;
use crate::capture::{self, Frame, SourceSettings};
use crate::config::CameraSettings;
use crate::detect::{Detection, Detector};
use crate::outbox::RecordSender;
use crate::pipeline::{CameraEvent, Pipeline, SeenFrame};
use crate::publish::LiveSender;
use crate::time::Clock;
use crate::track::{ImagePlaneSettings, ImagePlaneTracker};
use crate::wire::v1::{self, Fact, Live, MadeBy};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a stop or the end of a minute may have to wait for the counting thread to look up.
const LOOK_UP_EVERY: Duration = Duration::from_millis(100);

/// A picture whose lowest part is the same to the last bit for this long comes from a camera that hangs.
const STILL_PATIENCE: Duration = Duration::from_secs(30);

/// What all cameras of the box share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) board: Arc<Board>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) records: RecordSender,
    /// Copies for whoever watches; what does not fit is left out.
    pub(super) live: Option<LiveSender>,
    pub(super) stop: StopSignal,
}

/// Starts both threads of a camera; the one given back ends when everything counted was submitted.
pub(super) fn start(
    settings: CameraSettings,
    detector: Box<dyn Detector>,
    shared: Shared,
    jitter: Jitter,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let (sender, receiver) = slot();
    let name = settings.id.to_string();
    let counter = Counter::new(&settings, detector, shared.clone())?;
    let capture = move || capture_until_stopped(settings, &shared, jitter, &sender);
    // Not joined: it may be in a read that lasts as long as the camera's time-out.
    std::thread::Builder::new().name(format!("capture {name}")).spawn(capture)?;
    let count = move || counter.run(&receiver);
    Ok(std::thread::Builder::new().name(format!("count {name}")).spawn(count)?)
}

fn capture_until_stopped(settings: CameraSettings, shared: &Shared, jitter: Jitter, frames: &LatestSender) {
    let (clock, source) = (Arc::clone(&shared.clock), settings.source.clone());
    let camera = Camera {
        address: source.address.clone(),
        open: move || capture::open(&source, Arc::clone(&clock), clock.now().wall, None),
        report: |state: CameraState| {
            log_change(&settings.id, &state);
            shared.board.camera_is(&settings.id, &state);
        },
        clock: Arc::clone(&shared.clock),
        backoff: Backoff::new(settings.source.retry_max, jitter),
        gate: RateGate::new(settings.pipeline.rate),
        still: StillWatch::new(still_patience(&settings.source)),
    };
    camera.run(&shared.stop, frames);
}

/// A clip that is played as a camera may well stand still.
fn still_patience(source: &SourceSettings) -> Duration {
    if source.address.is_live() { STILL_PATIENCE } else { Duration::MAX }
}

fn log_change(camera: &crate::ids::CameraId, state: &CameraState) {
    match state {
        CameraState::Connecting => tracing::info!("camera {camera}: connecting"),
        CameraState::Up { size, before: Some(before) } if size != before => {
            tracing::warn!("camera {camera}: up, its pictures are {size} px now and were {before} px before");
        }
        CameraState::Up { size, .. } => tracing::info!("camera {camera}: up, {size} px"),
        CameraState::Down { reason, .. } => {
            tracing::warn!("camera {camera}: down: {reason}; it is tried again until it answers");
        }
    }
}

/// The thread that counts.
struct Counter {
    camera: crate::ids::CameraId,
    detector: Box<dyn Detector>,
    pipeline: Pipeline,
    made_by: MadeBy,
    shared: Shared,
    has_tracked: bool,
    detections: Vec<Detection>,
    told: Vec<CameraEvent>,
}

impl Counter {
    fn new(settings: &CameraSettings, detector: Box<dyn Detector>, shared: Shared) -> anyhow::Result<Self> {
        let started = shared.clock.now();
        let tracker = Box::new(ImagePlaneTracker::new(ImagePlaneSettings::default()));
        Ok(Self {
            camera: settings.id.clone(),
            pipeline: Pipeline::new(settings.pipeline.clone(), tracker, started)?,
            made_by: MadeBy {
                camera: settings.id.clone(),
                run: started.wall,
                model: detector.model().to_owned(),
                geometry: settings.geometry.clone(),
            },
            detector,
            shared,
            has_tracked: false,
            detections: Vec::new(),
            told: Vec::new(),
        })
    }

    /// Counts until the stop, and then submits all that was held back.
    fn run(mut self, frames: &LatestReceiver) -> anyhow::Result<()> {
        let mut frame = Frame::default();
        while !self.shared.stop.is_stopped() {
            match frames.take(&mut frame, LOOK_UP_EVERY) {
                Taken::Frame { dropped } => self.look(&frame, dropped),
                Taken::TimedOut => self.pipeline.tick(self.shared.clock.now(), &mut self.told),
                Taken::Closed => break,
            }
            self.tell()?;
        }
        self.pipeline.finish(self.shared.clock.now(), &mut self.told);
        self.tell()
    }

    fn look(&mut self, frame: &Frame, dropped: u64) {
        let about = format!("counting {}", self.camera);
        if let Err(fault) = self.detector.detect(&frame.picture, &mut self.detections) {
            // The frame was not looked at, so its time is not covered; the next may be.
            return self.cannot_count(&about, &fault.to_string(), frame);
        }
        let dropped = u32::try_from(dropped).unwrap_or(u32::MAX);
        let seen = SeenFrame { number: frame.number, at: frame.at, size: frame.picture.size(), dropped };
        if let Err(refused) = self.pipeline.step(seen, &self.detections, &mut self.told) {
            return self.cannot_count(&about, &refused.to_string(), frame);
        }
        if self.shared.board.solved(&about) {
            tracing::info!("camera {}: its pictures are counted again", self.camera);
        }
        self.shared.board.frame(&self.camera, frame.at);
        if !std::mem::replace(&mut self.has_tracked, true) {
            let after = frame.at.elapsed.as_secs_f64();
            tracing::info!("camera {}: counting, {after:.1} s after the start", self.camera);
        }
    }

    fn cannot_count(&mut self, about: &str, why: &str, frame: &Frame) {
        self.pipeline.interrupted();
        self.pipeline.tick(frame.at, &mut self.told);
        if self.shared.board.problem(about, why, frame.at.wall) {
            tracing::warn!("camera {}: its pictures are not counted: {why}", self.camera);
        }
    }

    fn tell(&mut self) -> anyhow::Result<()> {
        for event in self.told.drain(..) {
            match &event {
                CameraEvent::Crossing(crossing) => {
                    self.shared.board.crossing(&self.camera, crossing);
                    if let Some(live) = &self.shared.live {
                        live.send(Live::Crossing(v1::Crossing::of(&self.made_by, crossing)));
                    }
                    self.shared.records.submit(Fact::crossing(&self.made_by, crossing))?;
                }
                CameraEvent::Minute(minute) => {
                    self.shared.records.submit(Fact::minute(&self.made_by, minute))?;
                }
            }
        }
        Ok(())
    }
}
