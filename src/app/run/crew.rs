//! The cameras that run, each with a stop of its own, so that one can be started anew while the others count.

use super::camera::{self, Badges, Shared};
use crate::app::eye;
use crate::capture::camera::StopSignal;
use crate::config::CameraSettings;
use crate::detect::{Detector, DetectorSettings};
use crate::ids::CameraId;
use crate::random::SplitMix64;
use anyhow::{Context, anyhow};
use std::hash::{BuildHasher, RandomState};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a camera that is started anew may take to hand over what it held back: a slow network looks at one more picture.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// One camera.
struct Running {
    settings: CameraSettings,
    badges: Option<Badges>,
    stop: StopSignal,
    thread: JoinHandle<anyhow::Result<()>>,
}

/// All cameras of a service.
#[derive(Default)]
pub(super) struct Crew {
    running: Vec<Running>,
}

impl Crew {
    /// Starts one more.
    ///
    /// # Errors
    /// Where a thread cannot be had, or the settings do not fit each other.
    pub(super) fn start(
        &mut self,
        settings: CameraSettings,
        detector: Box<dyn Detector>,
        badges: Option<Badges>,
        shared: &Shared,
    ) -> anyhow::Result<()> {
        let running = start(settings, detector, badges, shared)?;
        self.running.push(running);
        Ok(())
    }

    /// Starts a camera anew, with other settings where some are given.
    ///
    /// # Errors
    /// Outside: what it counted last could not be handed over, and the service has to end. Inside: nothing was done.
    pub(super) fn restart(
        &mut self,
        id: &CameraId,
        settings: Option<CameraSettings>,
        network: &DetectorSettings,
        shared: &Shared,
    ) -> anyhow::Result<anyhow::Result<()>> {
        let Some(at) = self.running.iter().position(|one| one.settings.id == *id) else {
            return Ok(Err(anyhow!("there is no camera {id}")));
        };
        let settings = settings.unwrap_or_else(|| self.running[at].settings.clone());
        // What cannot be opened is noticed while the old one still counts.
        let detector = match eye::open(network, settings.detector) {
            Ok(detector) => detector,
            Err(fault) => return Ok(Err(fault)),
        };
        tracing::info!("camera {id}: started anew");
        let old = self.running.remove(at);
        old.stop.stop();
        let badges = old.badges.clone();
        ended(id, old.thread)?;
        self.running.insert(at, start(settings, detector, badges, shared)?);
        Ok(Ok(()))
    }

    /// Whether a thread is gone though nobody stopped it.
    pub(super) fn has_ended(&self) -> bool {
        self.running.iter().any(|camera| camera.thread.is_finished())
    }

    /// Asks all to hand over what they hold back.
    pub(super) fn stop(self) -> Vec<JoinHandle<anyhow::Result<()>>> {
        self.running.iter().for_each(|camera| camera.stop.stop());
        self.running.into_iter().map(|camera| camera.thread).collect()
    }

    /// A thread that counts as a camera's.
    #[cfg(test)]
    pub(super) fn of_thread(settings: CameraSettings, thread: JoinHandle<anyhow::Result<()>>) -> Self {
        Self { running: vec![Running { settings, badges: None, stop: StopSignal::default(), thread }] }
    }
}

fn start(
    settings: CameraSettings,
    detector: Box<dyn Detector>,
    badges: Option<Badges>,
    shared: &Shared,
) -> anyhow::Result<Running> {
    let stop = StopSignal::default();
    let shared = Shared { stop: stop.clone(), ..shared.clone() };
    // Boxes that lose power together must not all knock at their cameras in step.
    let jitter = SplitMix64::new(RandomState::new().hash_one(settings.id.as_str()));
    let thread = camera::start(settings.clone(), detector, badges.clone(), shared, jitter)?;
    Ok(Running { settings, badges, stop, thread })
}

/// Waits until a stopped camera has handed over all that it counted.
fn ended(id: &CameraId, thread: JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut waited = Duration::ZERO;
    while !thread.is_finished() {
        if waited >= PATIENCE {
            return Err(anyhow!(
                "camera {id}: its counting thread does not end; the service stops, to be started anew"
            ));
        }
        std::thread::sleep(LOOK_EVERY);
        waited += LOOK_EVERY;
    }
    let ended = thread.join().unwrap_or_else(|_| Err(anyhow!("it panicked; please report this")));
    ended.with_context(|| format!("camera {id}: its counting thread failed"))
}
