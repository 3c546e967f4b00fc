//! `footfall run`: the service.
//!
//! Threads and the queues between them are made here and nowhere else. Two threads for each camera, one for the outbox, one
//! for the broker; the main thread waits for a signal and, while it waits, keeps live values and the
//! box's state up to date. Everything is stopped in the order in which data flows, so that what is counted
//! last still reaches the disk.

pub mod board;
mod camera;

use super::cli::RunArgs;
use super::exit::Failure;
use super::eye;
use crate::capture::camera::StopSignal;
use crate::capture::reconnect::Jitter;
use crate::config::{self, EdgeSettings};
use crate::outbox::{Opening, Outbox, OutboxNews, OutboxReader, OutboxWriter};
use crate::publish::{Link, Publisher, PublisherSettings, Report, Stopped};
use crate::time::{Clock, FrameTime, SystemClock};
use crate::wire::topics::BoxNames;
use crate::wire::v1::Live;
use anyhow::{Context, anyhow};
use board::Board;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A stop has to be over within 5 s: counting threads look up ten times a second, and these come after them.
const LAST_DELIVERY: Duration = Duration::from_secs(2);
/// As [`LAST_DELIVERY`], for the disk.
const LAST_COMMIT: Duration = Duration::from_secs(2);
/// How long the counting threads may take to look up and end.
const LAST_FRAMES: Duration = Duration::from_millis(900);
/// How often the main thread looks whether there is something to do.
const LOOK_UP_EVERY: Duration = Duration::from_millis(50);
/// Current values go out this often: people watch a number, and do not want to wait for it.
const LIVE_EVERY: Duration = Duration::from_secs(1);
/// A line in the log every hour says that all is well, and how much was counted.
const SUMMARY_EVERY: Duration = Duration::from_secs(3600);

/// Counts with the cameras of a config file until told to stop.
///
/// # Errors
/// What is missing at the start, or could not be stored at the end.
pub fn run(args: &RunArgs) -> anyhow::Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("cannot listen for signals")?;
    }
    let settings = config::load(&args.config, &eye::program())?;
    let service = Service::start(settings)?;
    let failed = service.serve(&stop);
    service.stop(failed)
}

/// Everything that runs.
struct Service {
    board: Arc<Board>,
    clock: Arc<dyn Clock>,
    stop: StopSignal,
    cameras: Vec<JoinHandle<anyhow::Result<()>>>,
    outbox: OutboxWriter,
    publisher: Option<Publisher>,
}

impl Service {
    fn start(settings: EdgeSettings) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let started = clock.now();
        let software = concat!("footfall ", env!("CARGO_PKG_VERSION"));
        tracing::info!(
            "{software}: box {} starts with {} camera(s)",
            settings.box_id,
            settings.cameras.len()
        );
        let lines = |camera: &config::CameraSettings| {
            let ids = camera.pipeline.lines.iter().map(|line| line.id.clone()).collect();
            (camera.id.clone(), ids)
        };
        let table: Vec<_> = settings.cameras.iter().map(lines).collect();
        let board = Arc::new(Board::new(started.wall, &table));
        let outbox = open_outbox(&settings, &board, &clock)?;
        let publisher = start_publisher(&settings, software, outbox.reader(), &clock)?;
        let stop = StopSignal::default();
        let shared = camera::Shared {
            board: Arc::clone(&board),
            clock: Arc::clone(&clock),
            records: outbox.records(),
            live: publisher.as_ref().map(Publisher::live),
            stop: stop.clone(),
        };
        let mut cameras = Vec::new();
        for camera in settings.cameras {
            let detector = eye::open(&settings.detector)?;
            // Boxes that lose power together must not all knock at their cameras in step.
            let jitter = Jitter::new(RandomState::new().hash_one(camera.id.as_str()));
            cameras.push(camera::start(camera, detector, shared.clone(), jitter)?);
        }
        Ok(Self { board, clock, stop, cameras, outbox, publisher })
    }

    /// Waits for a signal; gives what ended the service where that was something else.
    fn serve(&self, stop: &AtomicBool) -> Option<anyhow::Error> {
        let (mut live_at, mut summary_at) = (Duration::ZERO, SUMMARY_EVERY);
        let mut reported = None;
        while !stop.load(Ordering::Relaxed) {
            if self.cameras.iter().any(JoinHandle::is_finished) {
                return Some(anyhow!("a counting thread ended; the service stops, to be started anew"));
            }
            let now = self.clock.now();
            self.watch_link(now);
            let version = self.board.version();
            if reported.replace(version) != Some(version) {
                self.report();
            }
            if now.elapsed >= live_at {
                live_at = now.elapsed + LIVE_EVERY;
                self.tell_live(now);
            }
            if now.elapsed >= summary_at {
                summary_at += SUMMARY_EVERY;
                self.log_summary(now);
            }
            // Through the signal's own wait, so that this is the same everywhere; a flag needs no more.
            if self.stop.wait(LOOK_UP_EVERY) {
                break;
            }
        }
        None
    }

    /// A broker that cannot be reached is something that a person should look at.
    fn watch_link(&self, now: FrameTime) {
        let Some(publisher) = &self.publisher else { return };
        match publisher.status().link {
            Link::Down { problem } => drop(self.board.problem("broker", &problem, now.wall)),
            Link::Up => drop(self.board.solved("broker")),
            Link::Connecting => {}
        }
    }

    fn report(&self) {
        if let Some(publisher) = &self.publisher {
            publisher.report(Report { cameras: self.board.cameras(), problems: self.board.problems() });
        }
    }

    fn tell_live(&self, now: FrameTime) {
        if let Some(publisher) = &self.publisher {
            publisher.live().send(Live::Now(self.board.now(now)));
        }
    }

    fn log_summary(&self, now: FrameTime) {
        for camera in self.board.now(now).cameras {
            let lines = camera.lines.iter().map(|l| format!("{}: in {}, out {}", l.line, l.entries, l.exits));
            let lines = lines.collect::<Vec<_>>().join("; ");
            tracing::info!(
                "camera {}: {:.1} frames a second; since the start {lines}",
                camera.camera,
                camera.fps
            );
        }
    }

    /// Stops in the order in which data flows: cameras, delivery, disk.
    fn stop(self, failed: Option<anyhow::Error>) -> anyhow::Result<()> {
        let Self { board, clock, stop, cameras, outbox, publisher } = self;
        tracing::info!("stopping");
        stop.stop();
        let deadline = clock.now().elapsed + LAST_FRAMES;
        while cameras.iter().any(|camera| !camera.is_finished()) && clock.now().elapsed < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut failed = failed;
        for camera in cameras {
            if !camera.is_finished() {
                tracing::error!("a counting thread does not end; what it held back is lost");
                continue;
            }
            let ended = camera
                .join()
                .unwrap_or_else(|_| Err(anyhow!("a counting thread panicked; please report this")));
            failed = failed.or(ended.err());
        }
        if let Some(publisher) = publisher {
            publisher.report(Report { cameras: board.cameras(), problems: board.problems() });
            match publisher.stop(LAST_DELIVERY) {
                Stopped::Delivered => tracing::info!("stopped; every record is delivered"),
                Stopped::Unconfirmed => {
                    tracing::info!("stopped; records wait in the outbox for the next start")
                }
            }
        }
        outbox.stop(LAST_COMMIT).map_err(|fault| Failure::Storage(fault.to_string()))?;
        failed.map_or(Ok(()), Err)
    }
}

fn open_outbox(
    settings: &EdgeSettings,
    board: &Arc<Board>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<OutboxWriter> {
    let path = &settings.outbox.path;
    let opened = Outbox::open(path, &settings.box_id, clock.now().wall);
    let (outbox, opening) = opened.map_err(|fault| Failure::Storage(fault.to_string()))?;
    if let Opening::Recovered(recovery) = &opening {
        tracing::error!("{recovery}");
        board.problem("outbox", &recovery.to_string(), clock.now().wall);
    }
    let (board, told_at) = (Arc::clone(board), Arc::clone(clock));
    let tell = move |news: OutboxNews| {
        let now = told_at.now().wall;
        match news {
            OutboxNews::Failing { cause } => drop(board.problem("outbox", &cause, now)),
            OutboxNews::Losing => {
                board.problem(
                    "outbox",
                    "memory is full as well: records are being lost; free some space",
                    now,
                );
            }
            OutboxNews::Stored => drop(board.solved("outbox")),
            OutboxNews::Replaced(recovery) => drop(board.problem("outbox", &recovery.to_string(), now)),
        }
    };
    Ok(OutboxWriter::start(outbox, settings.outbox.commit_every, Arc::clone(clock), tell)?)
}

fn start_publisher(
    settings: &EdgeSettings,
    software: &str,
    outbox: OutboxReader,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Option<Publisher>> {
    let Some(mqtt) = settings.mqtt.clone() else {
        tracing::info!("no [mqtt] in the config file: records stay in the outbox");
        return Ok(None);
    };
    let names = BoxNames {
        tenant: settings.tenant.clone(),
        store: settings.store.clone(),
        box_id: settings.box_id.clone(),
    };
    let publisher = PublisherSettings { names, mqtt, software: software.to_owned() };
    Ok(Some(Publisher::start(publisher, outbox, Arc::clone(clock))?))
}
