//! `footfall run`: the service.
//!
//! Threads and the queues between them are made here and nowhere else. Two threads for each camera, one for the outbox, one
//! for the broker; the main thread waits for a signal and, while it waits, keeps live values and the
//! box's state up to date. Everything is stopped in the order in which data flows, so that what is counted
//! last still reaches the disk.
//!
//! Settings that change while it runs start anew what they touch: some cameras, or the whole service within the same process.

mod agent;
mod auditing;
mod commanding;
mod control;
mod crew;
mod feeding;
mod keeper;
mod liveness;
pub mod board;
pub(super) mod camera;
mod difference;
mod renewal;
mod sensing;
pub(super) mod sign;
mod patrol;
pub mod pulse;
mod reporting;
mod software;
pub(super) mod source;
mod stopping;
mod twin;
mod watchdog;

use super::cli::RunArgs;
use super::exit::Failure;
use super::eye;
use crate::calendar::Schedule;
use crate::capture::camera::StopSignal;
use crate::config::{self, CameraSettings, EdgeSettings, SiteSettings};
use crate::detect::Detector;
use crate::feeds::{self, Close, FeedSender};
use crate::ids::CameraId;
use crate::outbox::{Opening, Outbox, OutboxNews, OutboxReader, OutboxWriter};
use crate::publish::discovery::{self, CameraThings, Things, ZoneThings};
use crate::publish::{Link, MqttSettings, Publisher, PublisherSettings, Stopped};
use crate::time::{BoxClock, Clock, Dating, FrameTime, SystemClock, WallTime};
use crate::visitors::BadgeReading;
use crate::wire::topics::BoxNames;
use crate::wire::v1::{self, Live};
use agent::{Agent, Part, PartSetup};
use anyhow::{Context, anyhow};
use auditing::{Auditing, TallyWatch};
use board::Board;
use commanding::Commands;
use control::{Control, Done, Order, Present, answer, control};
use crew::Crew;
use difference::{Difference, difference};
use keeper::{Keeper, KeeperParts};
use patrol::Patrol;
use renewal::RenewalPart;
use reporting::Reporting;
use sensing::{Sensing, SensingParts};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use software::SoftwarePart;
use source::Source;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use stopping::{Failures, StopBudget};
use twin::TwinPart;
use watchdog::Watchdog;

/// Name and version of what runs.
const SOFTWARE: &str = concat!("footfall ", env!("CARGO_PKG_VERSION"));
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
    let reread = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGHUP, Arc::clone(&reread)).context("cannot listen for signals")?;
    let source = Source::of(&args.config);
    let load = || source.load();
    let (control, orders) = control();
    let Begun { mut settings, mut service, mut watchdog, clock } = begin(&source)?;
    if let Err(fault) = reporting::serve_metrics(&settings, &control) {
        return service.stop(Some(fault));
    }
    let agent = match Agent::start(&settings, &control, &clock, |setup| parts(setup, &source)) {
        Ok(agent) => agent,
        Err(fault) => return service.stop(Some(fault)),
    };
    let around = Around {
        stop: &stop,
        reread: &reread,
        control: &control,
        orders: &orders,
        agent: agent.as_ref(),
        load: &load,
    };
    let ended = loop {
        control.is_now(Some(service.present()));
        let over = service.serve(&around, &mut watchdog);
        settings = Arc::clone(&service.settings);
        control.is_now(None);
        let (next, done) = match over {
            Over::Stopped => {
                Watchdog::stopping();
                break service.stop(None);
            }
            Over::Failed(fault) => {
                Watchdog::stopping();
                break service.stop(Some(fault));
            }
            Over::Anew(next, done) => (next, done),
        };
        if let Err(fault) = service.stop(None) {
            break Err(fault);
        }
        service = match begin_anew(next, &settings, &clock, done.as_ref()) {
            Ok(service) => service,
            Err(fault) => break Err(fault),
        };
    };
    if let Some(agent) = agent {
        agent.stop();
    }
    ended
}

/// What looks after the box for head office.
fn parts(setup: &PartSetup<'_>, source: &Source) -> anyhow::Result<Vec<Box<dyn Part>>> {
    let mut parts: Vec<Box<dyn Part>> = vec![Box::new(Reporting::new(setup))];
    let Some(fleet) = &setup.settings.fleet else { return Ok(parts) };
    parts.push(Box::new(Commands::start(setup, &fleet.state)?));
    if fleet.twin {
        parts.push(Box::new(TwinPart::start(setup, fleet, source.clone())?));
    }
    if let Some((folder, identity)) = &fleet.identity {
        parts.push(Box::new(RenewalPart::start(setup, folder, identity)));
        if let Some(update) = &fleet.update {
            parts.push(Box::new(SoftwarePart::start(setup, (&fleet.state, identity), update)?));
        }
    }
    Ok(parts)
}

/// A service that has started, and what it goes by.
struct Begun {
    settings: Arc<EdgeSettings>,
    service: Service,
    watchdog: Watchdog,
    clock: Arc<dyn Clock>,
}

/// Starts the service with the settings that are in force; those of head office that it does not start with are given up.
fn begin(source: &Source) -> anyhow::Result<Begun> {
    // What is given up is given up at some time, known to be right or not.
    let mut start = source.start(SystemClock::start().now().wall)?;
    loop {
        let settings = Arc::new(start.settings()?);
        let clock: Arc<dyn Clock> = Arc::new(BoxClock::start(settings.clock.clone()));
        let watchdog = Watchdog::start(settings.hangs_after);
        match Service::begin(&settings, &clock) {
            Ok(service) => return Ok(Begun { settings, service, watchdog, clock }),
            Err(fault) => {
                if !start.give_up(&format!("{fault:#}")) {
                    return Err(fault);
                }
            }
        }
    }
}

/// Starts the service with other settings, or with those of before where it does not start with them.
fn begin_anew(
    next: Arc<EdgeSettings>,
    before: &Arc<EdgeSettings>,
    clock: &Arc<dyn Clock>,
    done: Option<&Done>,
) -> anyhow::Result<Service> {
    let told = |result: Result<(), String>| {
        if let Some(done) = done {
            answer(done, result);
        }
    };
    let fault = match Service::begin(&next, clock) {
        Ok(service) => {
            told(Ok(()));
            return Ok(service);
        }
        Err(fault) => fault,
    };
    tracing::error!(
        "the service does not start with its new settings and goes on with those of before: {fault:#}"
    );
    let service = Service::begin(before, clock);
    told(Err(format!("{fault:#}")));
    service
}

/// What the main thread looks at while the service runs.
struct Around<'a> {
    stop: &'a AtomicBool,
    /// Whether somebody sent a SIGHUP.
    reread: &'a AtomicBool,
    /// Where others see what the service is.
    control: &'a Control,
    orders: &'a Receiver<Order>,
    agent: Option<&'a Agent>,
    load: &'a dyn Fn() -> anyhow::Result<EdgeSettings>,
}

/// How a service ends.
enum Over {
    /// As it was told to.
    Stopped,
    /// Something is wrong.
    Failed(anyhow::Error),
    /// To start with these settings, and to tell whoever wanted it.
    Anew(Arc<EdgeSettings>, Option<Done>),
}

/// Everything that runs.
struct Service {
    board: Arc<Board>,
    clock: Arc<dyn Clock>,
    settings: Arc<EdgeSettings>,
    since: WallTime,
    stop: StopSignal,
    crew: Crew,
    audit: Option<Auditing>,
    keeper: Option<Keeper>,
    sensing: Option<Sensing>,
    /// Badge readings of each camera, until it is started.
    badges: Vec<Receiver<BadgeReading>>,
    /// Ends the ways in of feeds.
    ways: Vec<Close>,
    /// When the store is open.
    hours: Option<Arc<Schedule>>,
    outbox_path: PathBuf,
    outbox: OutboxWriter,
    publisher: Option<Publisher>,
    /// Where pictures are asked for.
    patrol: Patrol,
}

impl Service {
    /// Starts everything, or nothing.
    fn begin(settings: &Arc<EdgeSettings>, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        // Whatever of this is missing is noticed before the first camera counts.
        let detectors = open_detectors(settings)?;
        let mut service = Self::start(settings, clock)?;
        match service.start_cameras(detectors) {
            Ok(()) => Ok(service),
            Err(fault) => Err(service.stop(Some(fault)).expect_err("a stop tells what was noticed")),
        }
    }

    /// Starts all but the cameras.
    fn start(settings: &Arc<EdgeSettings>, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let clock = Arc::clone(clock);
        let started = clock.now();
        tracing::info!(
            "{SOFTWARE}: box {} starts with {} camera(s)",
            settings.box_id,
            settings.cameras.len()
        );
        let lines = |camera: &config::CameraSettings| {
            let ids = camera.pipeline.lines.iter().map(|line| line.id.clone()).collect();
            (camera.id.clone(), ids)
        };
        let table: Vec<_> = settings.cameras.iter().map(lines).collect();
        let board = Arc::new(Board::new(started.wall, &table));
        if let Some(problem) = settings.mqtt.as_ref().and_then(MqttSettings::unencrypted) {
            tracing::warn!("{problem}");
            board.problem("broker unencrypted", &problem, started.wall);
        }
        let outbox = open_outbox(settings, &board, &clock)?;
        let publisher = start_publisher(settings, SOFTWARE, outbox.reader(), &clock)?;
        let audit = settings.audit.as_ref().and_then(|audit| Auditing::start(audit, &board, &clock));
        let stop = StopSignal::default();
        let outbox_path = settings.outbox.path.clone();
        let hours = settings.site.as_ref().map(|site| Arc::new(site.store.calendar.schedule().clone()));
        let mut service = Self {
            board,
            clock,
            settings: Arc::clone(settings),
            since: started.wall,
            stop,
            crew: Crew::default(),
            audit,
            keeper: None,
            sensing: None,
            badges: Vec::new(),
            ways: Vec::new(),
            hours,
            outbox_path,
            outbox,
            publisher,
            patrol: Patrol::default(),
        };
        let parts = SensingParts {
            board: Arc::clone(&service.board),
            clock: Arc::clone(&service.clock),
            records: service.outbox.records(),
            outbox: service.outbox.reader(),
        };
        service.sensing = Sensing::start(settings, parts)?;
        let store = match &settings.site {
            Some(site) => Some((site, service.start_store(settings, site)?)),
            None => None,
        };
        let sensors = service.sensing.as_ref().map(Sensing::way_in);
        service.ways = feeding::start(settings, store, sensors, &service.board, &service.clock)?;
        service.watch_clock(started);
        // Before the broker has answered, so that the first state already names every camera.
        service.report();
        Ok(service)
    }

    /// Starts what keeps the store; gives the door for the feeds that tell it something.
    fn start_store(&mut self, settings: &EdgeSettings, site: &SiteSettings) -> anyhow::Result<FeedSender> {
        let (sender, feeds) = feeds::door();
        let mut queues = Vec::new();
        for camera in &settings.cameras {
            let (to, taken) = keeper::badge_queue();
            queues.push((camera.id.clone(), to));
            self.badges.push(taken);
        }
        let parts = KeeperParts {
            board: Arc::clone(&self.board),
            clock: Arc::clone(&self.clock),
            records: self.outbox.records(),
            outbox: self.outbox.reader(),
            feeds,
        };
        self.keeper = Some(Keeper::start(site, &settings.box_id, settings.doors(), queues, parts)?);
        Ok(sender)
    }

    /// What other threads may see of it.
    fn present(&self) -> Present {
        Present {
            board: Arc::clone(&self.board),
            clock: Arc::clone(&self.clock),
            settings: Arc::clone(&self.settings),
            since: self.since,
            patrol: self.patrol.clone(),
        }
    }

    /// Starts the cameras; after an error those that count already are to be stopped.
    fn start_cameras(&mut self, detectors: Vec<Box<dyn Detector>>) -> anyhow::Result<()> {
        let shared = self.shared();
        let mut badges = std::mem::take(&mut self.badges).into_iter();
        for (camera, detector) in self.settings.cameras.iter().zip(detectors) {
            let badges = badges.next().map(|queue| Arc::new(Mutex::new(queue)));
            self.crew.start(camera.clone(), detector, badges, &shared)?;
        }
        Ok(())
    }

    fn shared(&self) -> camera::Shared {
        camera::Shared {
            board: Arc::clone(&self.board),
            clock: Arc::clone(&self.clock),
            records: self.outbox.records(),
            outbox: self.outbox_path.clone(),
            live: self.publisher.as_ref().map(Publisher::live),
            stop: self.stop.clone(),
            audit: self.audit.as_ref().map(Auditing::tap),
            store: self.keeper.as_ref().map(Keeper::tap),
            hours: self.hours.clone(),
            patrol: patrol::pictures_allowed(&self.settings).then(|| self.patrol.clone()),
        }
    }

    /// Does what somebody asked for; gives how the service ends where it has to.
    fn heed(&mut self, order: Order, around: &Around<'_>) -> Option<Over> {
        match order {
            Order::RestartCamera(id, done) => match self.restart_camera(&id, None) {
                Ok(result) => {
                    answer(&done, result);
                    None
                }
                Err(fault) => Some(Over::Failed(fault)),
            },
            Order::Reread(done) => self.reread(around, Some(done)),
        }
    }

    /// Reads the settings again and starts anew what they touch. Where they have faults nothing changes.
    fn reread(&mut self, around: &Around<'_>, done: Option<Done>) -> Option<Over> {
        let result = match (around.load)() {
            Err(fault) => Err(format!("{fault:#}")),
            Ok(next) => match difference(&self.settings, &next) {
                Difference::Everything => return Some(Over::Anew(Arc::new(next), done)),
                Difference::Cameras(cameras) => match self.change_cameras(next, &cameras) {
                    Ok(result) => result,
                    Err(fault) => return Some(Over::Failed(fault)),
                },
            },
        };
        // Before anybody hears that it is done: who asks then sees the settings that hold.
        around.control.is_now(Some(self.present()));
        match (&result, &done) {
            (_, Some(done)) => answer(done, result),
            (Ok(()), None) => tracing::info!("the settings were read again"),
            (Err(fault), None) => tracing::error!("the settings stay as they were: {fault}"),
        }
        None
    }

    /// Starts these cameras anew with other settings; all of them, or none.
    fn change_cameras(&mut self, next: EdgeSettings, ids: &[CameraId]) -> anyhow::Result<Result<(), String>> {
        let before = Arc::clone(&self.settings);
        let of = |settings: &EdgeSettings, id: &CameraId| {
            settings.cameras.iter().find(|camera| camera.id == *id).cloned()
        };
        for (at, id) in ids.iter().enumerate() {
            if let Err(fault) = self.restart_camera(id, of(&next, id))? {
                for done in &ids[..at] {
                    if let Err(worse) = self.restart_camera(done, of(&before, done))? {
                        return Err(anyhow!(
                            "camera {done} does not start with its settings of before: {worse}"
                        ));
                    }
                }
                return Ok(Err(format!("camera {id}: {fault}")));
            }
        }
        self.settings = Arc::new(next);
        Ok(Ok(()))
    }

    fn restart_camera(
        &mut self,
        id: &CameraId,
        settings: Option<CameraSettings>,
    ) -> anyhow::Result<Result<(), String>> {
        let shared = self.shared();
        let network = self.settings.detector.clone();
        let restarted = self.crew.restart(id, settings, &network, &shared)?;
        Ok(restarted.map_err(|fault| format!("{fault:#}")))
    }

    /// Serves until a signal, or until the service has to end or to begin anew.
    fn serve(&mut self, around: &Around<'_>, watchdog: &mut Watchdog) -> Over {
        let begun = self.clock.now().elapsed;
        let (mut live_at, mut summary_at) = (begun, begun + SUMMARY_EVERY);
        let (mut reported, mut tallies) = (None, TallyWatch::default());
        while !around.stop.load(Ordering::Relaxed) {
            let agent_ended = around.agent.is_some_and(Agent::is_finished).then_some("the fleet");
            if let Some(who) = self.ended().or(agent_ended) {
                return Over::Failed(anyhow!(
                    "the thread of {who} ended; the service stops, to be started anew"
                ));
            }
            let now = self.clock.now();
            self.watch_link(now);
            self.watch_threads(watchdog, now);
            tallies.look(self.audit.as_ref(), &self.board, now);
            let version = self.board.version();
            if reported.replace(version) != Some(version) {
                self.report();
            }
            if now.elapsed >= live_at {
                self.watch_clock(now);
                live_at = now.elapsed + LIVE_EVERY;
                self.tell_live(now);
            }
            if now.elapsed >= summary_at {
                summary_at += SUMMARY_EVERY;
                self.log_summary(now);
            }
            let asked = around.orders.try_recv().ok().and_then(|order| self.heed(order, around));
            if let Some(over) = asked {
                return over;
            }
            if around.reread.swap(false, Ordering::Relaxed)
                && let Some(over) = self.reread(around, None)
            {
                return over;
            }
            // Through the signal's own wait, so that this is the same everywhere; a flag needs no more.
            if self.stop.wait(LOOK_UP_EVERY) {
                break;
            }
        }
        Over::Stopped
    }

    /// Whose thread is gone though nobody stopped it. Without any of them the box would only seem to count.
    fn ended(&self) -> Option<&'static str> {
        let publisher_ended = self.publisher.as_ref().is_some_and(Publisher::is_finished);
        let threads = [
            (self.outbox.is_finished(), "the outbox"),
            (self.crew.has_ended(), "a camera"),
            (publisher_ended, "the publisher"),
            (self.keeper.as_ref().is_some_and(Keeper::is_finished), "the store"),
            (self.sensing.as_ref().is_some_and(Sensing::is_finished), "the sensors"),
        ];
        threads.iter().find(|(is_finished, _)| *is_finished).map(|(_, who)| *who)
    }

    /// Looks whether the time is known, and says so where it is not.
    fn watch_clock(&self, now: FrameTime) {
        let news = self.clock.look();
        let stand = self.clock.stand();
        if news.became.is_some() && stand.by_ms != 0 {
            tracing::info!("the clock was set: records of this run are moved by {} s", stand.by_ms / 1000);
        } else if let Some(by_ms) = news.set_by_ms {
            tracing::warn!("the clock was set by {} s; records go by it from now on", by_ms / 1000);
        }
        self.board.clock_is(stand.dating == Dating::Known);
        let text = match stand.dating {
            Dating::Known => {
                self.board.solved("clock");
                return;
            }
            Dating::Undated => {
                "nobody has set this box's clock yet: it counts, and its records wait on the disk; see that it reaches a time server \
                 (timedatectl says which)"
            }
            Dating::Doubtful => {
                "nobody has set this box's clock, and records go out with times that may be wrong; see that it reaches a time server \
                 (timedatectl says which)"
            }
        };
        if self.board.problem("clock", text, now.wall) {
            tracing::warn!("{text}");
        }
    }

    /// Looks whether a thread hangs, and tells systemd how the service is.
    fn watch_threads(&self, watchdog: &mut Watchdog, now: FrameTime) {
        if !watchdog.is_due(now.elapsed) {
            return;
        }
        let mut parts = self.board.turns();
        let is_counted = |camera: &v1::CameraState| {
            parts.iter().any(|(part, _)| *part == camera::part_name(&camera.camera))
        };
        let counts = self.board.cameras().iter().all(is_counted);
        parts.push(("the outbox".to_owned(), self.outbox.turns()));
        parts
            .extend(self.publisher.as_ref().map(|publisher| ("the publisher".to_owned(), publisher.turns())));
        match watchdog.look(parts, counts, &self.board.in_words(), now.elapsed) {
            Some(hung) => drop(self.board.problem(
                "hang",
                &format!("{}: the box hangs and should be started anew", hung.part),
                now.wall,
            )),
            None => drop(self.board.solved("hang")),
        }
    }

    /// A broker that cannot be reached is something that a person should look at.
    fn watch_link(&self, now: FrameTime) {
        let Some(publisher) = &self.publisher else { return };
        let status = publisher.status();
        self.board.delivery_is(&status);
        match status.unconfirmed {
            Some(problem) => drop(self.board.problem("head office", &problem, now.wall)),
            None => drop(self.board.solved("head office")),
        }
        match status.link {
            Link::Down { problem } => drop(self.board.problem("broker", &problem, now.wall)),
            Link::Up => drop(self.board.solved("broker")),
            Link::Connecting => {}
        }
    }

    fn report(&self) {
        sign::hang_out(&self.board.cameras());
        if let Some(publisher) = &self.publisher {
            publisher.report(self.board.report());
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
        let Self { board, clock, stop, crew, audit, keeper, sensing, ways, outbox, publisher, .. } = self;
        tracing::info!("stopping");
        stop.stop();
        let cameras = crew.stop();
        let now = || clock.now().elapsed;
        let budget = StopBudget::from(now());
        while cameras.iter().any(|camera| !camera.is_finished()) && !budget.for_frames(now()).is_zero() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut failures = Failures { noticed: failed, ..Failures::default() };
        // A thread that does not end keeps its end of the audit's queue.
        if let Some(audit) = audit.filter(|_| cameras.iter().all(JoinHandle::is_finished)) {
            audit.stop();
        }
        for camera in cameras {
            if !camera.is_finished() {
                tracing::error!("a counting thread does not end; what it held back is lost");
                continue;
            }
            let ended = camera
                .join()
                .unwrap_or_else(|_| Err(anyhow!("a counting thread panicked; please report this")));
            failures.counting.extend(ended.err());
        }
        // Nothing more is taken, as the store ends; what was handed over and not answered comes again.
        ways.into_iter().for_each(|close| close());
        // What cameras told last is still to become facts.
        if let Some(keeper) = keeper {
            keeper.stop();
        }
        if let Some(sensing) = sensing {
            sensing.stop();
        }
        if let Some(publisher) = publisher {
            publisher.report(board.report());
            match publisher.stop(budget.for_delivery(now())) {
                Stopped::Delivered => tracing::info!("stopped; every record is delivered"),
                Stopped::WithBroker => {
                    tracing::info!(
                        "stopped; the broker has every record, and head office is yet to confirm the last"
                    )
                }
                Stopped::Unconfirmed => {
                    tracing::info!("stopped; records wait in the outbox for the next start")
                }
            }
        }
        if clock.stand().dating == Dating::Undated {
            tracing::info!("what was counted before the time is known waits on the disk for the next start");
        }
        failures.outbox = outbox.stop(budget.for_commit(now())).err();
        let mut told = failures.by_cause(|fault| Failure::Storage(fault.to_string()).into()).into_iter();
        let Some(cause) = told.next() else { return Ok(()) };
        told.for_each(|other| tracing::error!("{other:#}"));
        Err(cause)
    }
}

/// A detector for each camera, because each has its own memory.
fn open_detectors(settings: &EdgeSettings) -> anyhow::Result<Vec<Box<dyn Detector>>> {
    settings.cameras.iter().map(|camera| eye::open(&settings.detector, camera.detector)).collect()
}

fn open_outbox(
    settings: &EdgeSettings,
    board: &Arc<Board>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<OutboxWriter> {
    let path = &settings.outbox.path;
    let (mut outbox, opening) = match Outbox::open(path, &settings.box_id, clock.now().wall) {
        // A box counts in memory until its disk can be written, and says so.
        Err(fault) if fault.is_of_the_disk() => {
            (Outbox::not_open_yet(path, &settings.box_id), Opening::Found)
        }
        opened => opened.map_err(|fault| Failure::Storage(fault.to_string()))?,
    };
    outbox.keep(settings.outbox.retention);
    if let Opening::Recovered(recovery) = &opening {
        tracing::error!("{recovery}");
        board.outbox_replaced(recovery, clock.now().wall);
    }
    let (board, told_at) = (Arc::clone(board), Arc::clone(clock));
    let tell = move |news: OutboxNews| board.outbox_news(&news, told_at.now().wall);
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
    let introduction = mqtt.home_assistant.as_ref().map(|home_assistant| {
        discovery::introduction(&home_assistant.prefix, &names, software, &things(settings))
    });
    let publisher = PublisherSettings { names, mqtt, software: software.to_owned(), introduction };
    Ok(Some(Publisher::start(publisher, outbox, Arc::clone(clock))?))
}

/// What Home Assistant is told of.
fn things(settings: &EdgeSettings) -> Things {
    let cameras = settings.cameras.iter().map(|camera| CameraThings {
        camera: camera.id.clone(),
        lines: camera.pipeline.lines.iter().map(|line| line.id.clone()).collect(),
        zones: camera
            .pipeline
            .zones
            .iter()
            .map(|zone| ZoneThings { zone: zone.id.clone(), is_queue: zone.queue.is_some() })
            .collect(),
    });
    Things { cameras: cameras.collect(), has_store: settings.site.is_some() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::exit::Ending;
    use crate::ids::{BoxId, StoreId, TenantId};
    use crate::publish::ConfirmedBy;
    use crate::wire::v1::{Fact, Gap, GapReason};

    /// Ends every thread that asks it for the time.
    struct BrokenClock;

    impl Clock for BrokenClock {
        fn now(&self) -> FrameTime {
            panic!("the clock is broken")
        }
    }

    /// Settings of a box whose camera never is.
    fn settings() -> Arc<EdgeSettings> {
        let text = "tenant = \"acme\"\nstore = \"berlin-1\"\nbox = \"box-1\"\n[[camera]]\nid = \"door\"\n\
                    source = \"rtsp://127.0.0.1:1/x\"\npicture = \"768x576\"\n\
                    line = [{ id = \"entrance\", from = [0, 0], to = [9, 9] }]\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("footfall.toml");
        std::fs::write(&path, text).unwrap();
        Arc::new(config::load(&path, std::path::Path::new("")).unwrap())
    }

    fn service(folder: &std::path::Path, outbox_clock: Arc<dyn Clock>) -> Service {
        let box_id = BoxId::parse("box-1").unwrap();
        let (outbox, _) = Outbox::open(&folder.join("o.sqlite"), &box_id, WallTime::default()).unwrap();
        Service {
            board: Arc::new(Board::new(WallTime::default(), &[])),
            clock: Arc::new(SystemClock::start()),
            settings: settings(),
            since: WallTime::default(),
            stop: StopSignal::default(),
            crew: Crew::default(),
            audit: None,
            keeper: None,
            sensing: None,
            badges: Vec::new(),
            ways: Vec::new(),
            hours: None,
            outbox_path: folder.join("o.sqlite"),
            outbox: OutboxWriter::start(outbox, Duration::ZERO, outbox_clock, |_| {}).unwrap(),
            publisher: None,
            patrol: Patrol::default(),
        }
    }

    /// A service that nobody stops ends, noticing this, and tells that as the cause.
    #[track_caller]
    fn check(mut service: Service, noticed: &str, cause: &str, ending: Ending) {
        let (never, (control, orders)) = (AtomicBool::new(false), control());
        let load = || Err(anyhow!("nobody asks for settings"));
        let around = Around {
            stop: &never,
            reread: &never,
            control: &control,
            orders: &orders,
            agent: None,
            load: &load,
        };
        let mut watchdog = Watchdog::start(Duration::from_secs(60));
        let Over::Failed(failed) = service.serve(&around, &mut watchdog) else {
            panic!("it ended as if it were told to")
        };
        assert!(failed.to_string().contains(noticed), "{failed}");
        let told = service.stop(Some(failed)).unwrap_err();
        assert!(told.to_string().contains(cause), "{told}");
        assert_eq!(Ending::of(&told), ending);
    }

    #[test]
    fn a_dead_outbox_thread_ends_the_service_and_is_its_cause() {
        let folder = tempfile::tempdir().unwrap();
        let service = service(folder.path(), Arc::new(BrokenClock));
        let gap = Gap { from_seq: 1, to_seq: 1, reason: GapReason::OutboxMissing };
        service.outbox.records().submit(Fact::Gap(gap)).unwrap();
        check(service, "the outbox ended", "ended on its own", Ending::Storage);
    }

    #[test]
    fn a_dead_publisher_thread_ends_the_service() {
        let folder = tempfile::tempdir().unwrap();
        let mut service = service(folder.path(), Arc::new(SystemClock::start()));
        let names = BoxNames {
            tenant: TenantId::parse("acme").unwrap(),
            store: StoreId::parse("berlin-1").unwrap(),
            box_id: BoxId::parse("box-1").unwrap(),
        };
        let mqtt = MqttSettings {
            host: "127.0.0.1".to_owned(),
            port: 1,
            tls: None,
            login: None,
            batch_every: Duration::from_secs(1),
            live: false,
            retry_max: Duration::from_secs(1),
            confirmed_by: ConfirmedBy::HeadOffice,
            ack_patience: Duration::from_secs(120),
            home_assistant: None,
        };
        let settings = PublisherSettings { names, mqtt, software: "footfall".to_owned(), introduction: None };
        let publisher = Publisher::start(settings, service.outbox.reader(), Arc::new(BrokenClock));
        service.publisher = Some(publisher.unwrap());
        check(service, "the publisher ended", "the publisher ended", Ending::Unexpected);
    }

    #[test]
    fn what_a_counting_thread_ended_with_is_told_and_not_only_that_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mut service = service(folder.path(), Arc::new(SystemClock::start()));
        let thread = std::thread::Builder::new().name("count door".to_owned());
        let thread = thread.spawn(|| Err(anyhow!("the lens fell off"))).unwrap();
        service.crew = Crew::of_thread(settings().cameras[0].clone(), thread);
        check(service, "a camera ended", "the lens fell off", Ending::Unexpected);
    }
}
