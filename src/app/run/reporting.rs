//! How the box is: gathered from what its parts say, told to head office every minute and to whoever asks on this machine.

use super::agent::{Part, PartSetup};
use super::board::CameraPulse;
use super::control::{Control, Present};
use crate::config::EdgeSettings;
use crate::fleet::certificate;
use crate::fleet::commands::ClockTrust;
use crate::fleet::metrics::{self, Beside};
use crate::fleet::mqtt::{FleetSender, Heard, Inbound, Outbound};
use crate::fleet::scrape;
use crate::fleet::store;
use crate::fleet::vitals::{Machine, Vitals};
use crate::outbox;
use crate::time::{Clock, Dating, FrameTime};
use crate::wire::v1::V1;
use crate::wire::v1::fleet::{CameraHealth, Health};
use anyhow::Context;
use std::path::Path;
use std::time::Duration;

/// Head office is told this often.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// The first time after the start: by then cameras were opened, and a box that starts over and over is still heard of.
const FIRST_AFTER: Duration = Duration::from_secs(10);

/// Whether the clock is known to be right.
pub(super) fn clock_trust(clock: &dyn Clock) -> ClockTrust {
    if clock.stand().dating == Dating::Known { ClockTrust::Right } else { ClockTrust::Unknown }
}

/// How the box is now, and what only the machine itself is told.
fn gathered(present: &Present) -> (Health, Beside) {
    let now = present.clock.now();
    let settings: &EdgeSettings = &present.settings;
    let vitals = Machine::this(folder_of(&settings.outbox.path)).vitals();
    let (pulses, delivery) = (present.board.pulses(now), present.board.delivery());
    // From the file itself: whoever asks never holds up those who store.
    let stands = outbox::look(&settings.outbox.path).unwrap_or_default();
    let beside = Beside {
        is_connected: settings.mqtt.is_some().then_some(delivery.is_connected),
        delivered: delivery.delivered,
        problems: present.board.problems().len() as u64,
        open_files: vitals.open_files,
        frames: pulses.iter().map(|pulse| pulse.reading.frames).collect(),
    };
    let Vitals {
        os, temperature_c, disk_free, disk_size, memory_free, memory_size, memory_used, load, ..
    } = vitals;
    let health = Health {
        v: V1,
        at_ms: now.wall.unix_ms(),
        since_ms: present.since.unix_ms(),
        software: super::SOFTWARE.to_owned(),
        os,
        arch: std::env::consts::ARCH.to_owned(),
        clock_ok: clock_trust(present.clock.as_ref()) == ClockTrust::Right,
        temperature_c,
        disk_free,
        disk_size,
        memory_free,
        memory_size,
        memory_used,
        load,
        cameras: pulses.iter().map(camera_health).collect(),
        waiting: stands.position.waiting,
        behind_s: stands.oldest_waiting.map(|stored| now.wall.since(stored).as_secs_f64()),
        discarded: delivery.discarded,
        config: config_version(settings),
        certificate_until_ms: certificate_until(settings),
    };
    (health, beside)
}

/// The version of head office's settings that is in force; 0: the box's own file.
fn config_version(settings: &EdgeSettings) -> u64 {
    let Some(fleet) = settings.fleet.as_ref().filter(|fleet| fleet.twin) else { return 0 };
    let memory = store::twin(&fleet.state).unwrap_or_default();
    memory.in_force().map_or(0, |desired| desired.version)
}

fn camera_health(pulse: &CameraPulse) -> CameraHealth {
    let ms = |span: Duration| rounded(span.as_secs_f64() * 1000.0);
    CameraHealth {
        camera: pulse.id.to_string(),
        state: pulse.status,
        fps: rounded(pulse.reading.fps),
        inference_ms: pulse.reading.median.map(ms),
        inference_p95_ms: pulse.reading.p95.map(ms),
        dropped: pulse.reading.dropped,
        conditions: pulse.conditions.iter().map(|condition| condition.name().to_owned()).collect(),
    }
}

/// To hundredths: what is told is not known any better.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().unwrap_or(Path::new("."));
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// When the certificate runs out with which the box shows who it is.
pub(in crate::app) fn certificate_until(settings: &EdgeSettings) -> Option<i64> {
    let client = settings.mqtt.as_ref()?.tls.as_ref()?.client.as_ref()?;
    let pem = std::fs::read(&client.certificate_file).ok()?;
    Some(certificate::validity(&pem)?.until.unix_ms())
}

/// The part of the fleet that says how the box is.
pub(super) struct Reporting {
    control: Control,
    sender: FleetSender,
    due_at: Duration,
}

impl Reporting {
    /// Tells for the first time soon after now.
    pub(super) fn new(setup: &PartSetup<'_>) -> Self {
        let due_at = setup.clock.now().elapsed + FIRST_AFTER;
        Self { control: setup.control.clone(), sender: setup.sender.clone(), due_at }
    }
}

impl Part for Reporting {
    fn takes(&self, _about: Inbound) -> bool {
        false
    }

    fn heard(&mut self, heard: Heard, _now: FrameTime) {
        heard.confirm();
    }

    fn tick(&mut self, now: FrameTime) {
        if now.elapsed < self.due_at {
            return;
        }
        let Some(present) = self.control.present() else { return };
        self.due_at = now.elapsed + TELL_EVERY;
        match serde_json::to_vec(&gathered(&present).0) {
            Ok(payload) => self.sender.say(Outbound::Health, payload),
            Err(fault) => tracing::error!("how the box is cannot be written: {fault}"),
        }
    }
}

/// Starts to answer `GET /metrics`, where the config file asks for it.
///
/// # Errors
/// Where the address is taken, or the system gives no thread.
pub(super) fn serve_metrics(settings: &EdgeSettings, control: &Control) -> anyhow::Result<()> {
    let Some(metrics) = &settings.metrics else { return Ok(()) };
    let control = control.clone();
    let figures = move || {
        let (health, beside) = gathered(&control.present()?);
        Some(metrics::text(&health, &beside))
    };
    let address = scrape::start(metrics.listen, Box::new(figures))
        .with_context(|| format!("cannot listen on {} for metrics; give another port", metrics.listen))?;
    tracing::info!("metrics are at http://{address}/metrics");
    Ok(())
}
