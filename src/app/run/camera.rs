//! One camera of the service: a thread that captures and a thread that counts.
//!
//! Between them is one slot in which the newest frame wins, so a slow network makes gaps that are
//! told and never a delay that grows. The counting thread never waits for the capturing one
//! to end: a camera that hangs in a read must not hold up a stop.

use super::auditing::Tap;
use super::board::Board;
use super::keeper::StoreTap;
use super::patrol::{Patrol, Watchman};
use crate::app::audit::recorder::Recorder;
use crate::app::health::{Health, background_path};
use crate::calendar::Schedule;
use crate::capture::camera::{Camera, CameraState, StopSignal};
use crate::capture::latest::{LatestReceiver, LatestSender, Taken, slot};
use crate::capture::reconnect::Backoff;
use crate::capture::sampling::RateGate;
use crate::capture::still::StillWatch;
use crate::capture::{self, Frame, Playback, SourceSettings};
use crate::config::CameraSettings;
use crate::detect::{Detection, Detector};
use crate::health::{ConditionChange, Turn};
use crate::outbox::{Drafts, RecordSender};
use crate::pipeline::{CameraEvent, Draft, Pipeline, SeenFrame};
use crate::publish::LiveSender;
use crate::random::SplitMix64;
use crate::time::{Clock, Dating, FrameTime, Stand, WallTime};
use crate::track::PlaneName;
use crate::visitors::BadgeReading;
use crate::wire::v1::{self, Fact, Live, MadeBy};
use crate::zones::AllowedHours;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a stop or the end of a minute may have to wait for the counting thread to look up.
const LOOK_UP_EVERY: Duration = Duration::from_millis(100);

/// A picture whose lowest part is the same to the last bit for this long comes from a camera that hangs or has changed
/// its size. Longer than the usual seconds between two whole pictures of a stream, which differ even in an empty shop.
const STILL_PATIENCE: Duration = Duration::from_secs(10);

/// What has not come to a record yet is kept as drafts at least this often: a box that dies loses no more of it than this and
/// the time to the next commit.
const DRAFT_EVERY: Duration = Duration::from_secs(1);

/// The same for quarters of an hour, whose grids are large: 15 s of 900 are as much as a frame of a minute.
const DRAFT_QUARTERS_EVERY: Duration = Duration::from_secs(15);

/// How far ahead a camera knows when the store is open.
const HOURS_AHEAD: Duration = Duration::from_secs(2 * 86_400);

/// What badge receivers heard near a camera; a camera that is started anew goes on where it was.
pub(super) type Badges = Arc<Mutex<Receiver<BadgeReading>>>;

/// What all cameras of the box share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) board: Arc<Board>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) records: RecordSender,
    /// Where the outbox lies; what is remembered of a camera's place lies beside it.
    pub(super) outbox: PathBuf,
    /// Copies for whoever watches; what does not fit is left out.
    pub(super) live: Option<LiveSender>,
    /// Each camera has its own.
    pub(super) stop: StopSignal,
    /// Keeps clips of random minutes, where that is wanted.
    pub(super) audit: Option<Tap>,
    /// Keeps the sums of the whole store, where that is wanted.
    pub(super) store: Option<StoreTap>,
    /// When the store is open; none: nobody says.
    pub(super) hours: Option<Arc<Schedule>>,
    /// Where pictures are asked for; none: this box gives none.
    pub(super) patrol: Option<Patrol>,
}

/// Starts both threads of a camera; the one given back ends when everything counted was submitted.
pub(super) fn start(
    settings: CameraSettings,
    detector: Box<dyn Detector>,
    badges: Option<Badges>,
    shared: Shared,
    jitter: SplitMix64,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let (sender, receiver) = slot();
    let name = settings.id.to_string();
    let counter = Counter { badges, ..Counter::new(&settings, detector, shared.clone())? };
    let board = Arc::clone(&shared.board);
    let camera = settings.id.clone();
    let capturing = Capturing { settings, clock: shared.clock, stop: shared.stop };
    let capture = move || capturing.run(&sender, jitter, |state| board.camera_is(&camera, state));
    // Not joined: it may be in a read that lasts as long as the camera's time-out.
    std::thread::Builder::new().name(format!("capture {name}")).spawn(capture)?;
    let count = move || counter.run(&receiver);
    Ok(std::thread::Builder::new().name(format!("count {name}")).spawn(count)?)
}

/// What a thread needs that captures a camera.
pub(in crate::app) struct Capturing {
    pub(in crate::app) settings: CameraSettings,
    pub(in crate::app) clock: Arc<dyn Clock>,
    pub(in crate::app) stop: StopSignal,
}

impl Capturing {
    /// Captures until it is stopped; changes of the camera's state are logged and go to `report`.
    pub(in crate::app) fn run(
        self,
        frames: &LatestSender,
        jitter: SplitMix64,
        report: impl Fn(&CameraState),
    ) {
        let Self { settings, clock, stop } = self;
        let source = as_camera(settings.source.clone());
        let opened_by = Arc::clone(&clock);
        let camera = Camera {
            address: source.address.clone(),
            open: move || capture::open(&source, Arc::clone(&opened_by), opened_by.now().wall, None),
            report: |state: CameraState| {
                log_change(&settings.id, &state);
                report(&state);
            },
            clock,
            backoff: Backoff::new(settings.source.retry_max, jitter),
            gate: RateGate::new(settings.pipeline.rate),
            still: StillWatch::new(still_patience(&settings.source)),
        };
        camera.run(&stop, frames);
    }
}

/// A clip in place of a camera goes by the clock and has no end: played once and as fast as it goes, its
/// times would be those of its file, and its end that of a camera that is lost and found for ever.
fn as_camera(source: SourceSettings) -> SourceSettings {
    SourceSettings { playback: Playback::LiveLoop, ..source }
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

fn log_condition(camera: &crate::ids::CameraId, change: &ConditionChange) {
    let (condition, detail) = (change.condition, &change.detail);
    match change.turn {
        Turn::Began => {
            let advice = condition.advice();
            tracing::warn!("camera {camera}: {condition} since {}: {advice} ({detail})", change.since.wall);
        }
        Turn::Ended => tracing::info!("camera {camera}: {condition} no longer ({detail})"),
    }
}

fn health_of(settings: &CameraSettings, shared: &Shared, at: FrameTime) -> Option<Health> {
    let path = background_path(&shared.outbox, &settings.id);
    settings.health.map(|health| Health::of_camera(health, path, &settings.geometry, at))
}

/// What the board calls the thread that counts a camera.
pub(super) fn part_name(camera: &str) -> String {
    format!("counting {camera}")
}

/// The thread that counts.
struct Counter {
    camera: crate::ids::CameraId,
    settings: CameraSettings,
    /// When this run of the pipeline began.
    began: FrameTime,
    /// What its times are worth.
    dating: Dating,
    detector: Box<dyn Detector>,
    pipeline: Pipeline,
    health: Option<Health>,
    made_by: MadeBy,
    shared: Shared,
    recorder: Option<Recorder>,
    /// Makes a picture when somebody asks for one.
    watchman: Option<Watchman>,
    /// Makes the recorder once the time is known: of which minute a clip is cannot be said before.
    tap: Option<Tap>,
    /// What badge receivers heard near this camera.
    badges: Option<Badges>,
    /// Until when it is known when the store is open.
    hours_until: Option<WallTime>,
    has_tracked: bool,
    /// What the board calls it when frames cannot be counted.
    about: String,
    /// Whether that is what the board says now.
    is_troubled: bool,
    /// Frames that were dropped before frames that could not be counted: told with the next that can.
    untold: u64,
    detections: Vec<Detection>,
    told: Vec<CameraEvent>,
    /// By the clock's `elapsed`: when drafts are due.
    draft_at: Duration,
    quarters_at: Duration,
    drafted: Vec<CameraEvent>,
}

impl Counter {
    fn new(
        settings: &CameraSettings,
        detector: Box<dyn Detector>,
        mut shared: Shared,
    ) -> anyhow::Result<Self> {
        let (started, stand) = shared.clock.read();
        let made_by = MadeBy {
            camera: settings.id.clone(),
            run: started.wall,
            model: detector.model().to_owned(),
            geometry: settings.geometry.clone(),
            plane: PlaneName::Image,
        };
        let tap = shared.audit.take();
        let mut counter = Self {
            camera: settings.id.clone(),
            settings: settings.clone(),
            began: started,
            dating: stand.dating,
            pipeline: Pipeline::new(settings.pipeline.clone(), started)?,
            health: health_of(settings, &shared, started),
            recorder: None,
            tap,
            watchman: shared.patrol.take().map(|patrol| Watchman::new(patrol, settings.id.clone())),
            made_by,
            detector,
            shared,
            badges: None,
            hours_until: None,
            has_tracked: false,
            about: part_name(settings.id.as_str()),
            is_troubled: false,
            untold: 0,
            detections: Vec::new(),
            told: Vec::new(),
            draft_at: started.elapsed,
            quarters_at: started.elapsed,
            drafted: Vec::new(),
        };
        counter.start_recorder();
        Ok(counter)
    }

    /// Counts until the stop, and then submits all that was held back.
    fn run(mut self, frames: &LatestReceiver) -> anyhow::Result<()> {
        let mut frame = Frame::default();
        while !self.shared.stop.is_stopped() {
            self.shared.board.looks_up(&self.about);
            self.hear_others();
            let taken = frames.take(&mut frame, LOOK_UP_EVERY);
            self.heed_clock()?;
            match taken {
                // One that was taken before the time became known has a time of the run before.
                Taken::Frame { dropped } if frame.at.elapsed < self.began.elapsed => {
                    self.untold = self.untold.saturating_add(dropped.saturating_add(1));
                }
                Taken::Frame { dropped } => self.look(&frame, dropped),
                Taken::TimedOut => self.pipeline.tick(self.now(), &mut self.told),
                Taken::Closed => break,
            }
            let drafts = self.drafts();
            self.tell(drafts)?;
        }
        self.shared.board.is_gone(&self.about);
        self.finish()
    }

    /// Ends the run of the pipeline: all that was held back is told.
    fn finish(&mut self) -> anyhow::Result<()> {
        self.pipeline.finish(self.now(), &mut self.told);
        // All of it is told now, so nothing is left for a draft.
        let none_left = [self.draft_name(Draft::Open), self.draft_name(Draft::Quarters)];
        self.tell(none_left.into_iter().map(|name| (name, Vec::new())).collect())
    }

    /// Now, as this run labels it: a run that began before the time was known goes on so to its end.
    fn now(&self) -> FrameTime {
        let now = self.shared.clock.now();
        match self.dating {
            Dating::Undated => FrameTime { wall: self.began.wall + now.since(self.began), ..now },
            Dating::Known | Dating::Doubtful => now,
        }
    }

    /// Looks whether the time has become known. Where it is another than this run thought, the run ends and the next begins:
    /// so all that one run says is off by one span, and nothing is said with one foot in either time.
    fn heed_clock(&mut self) -> anyhow::Result<()> {
        let stand = self.shared.clock.stand();
        if self.dating == Dating::Undated && stand.dating != Dating::Undated && stand.by_ms != 0 {
            self.finish()?;
            self.begin_anew(stand)?;
        }
        self.dating = stand.dating;
        self.start_recorder();
        Ok(())
    }

    fn begin_anew(&mut self, stand: Stand) -> anyhow::Result<()> {
        let began = self.shared.clock.now();
        tracing::info!("camera {}: the time is known now; a new run begins", self.camera);
        self.pipeline = Pipeline::new(self.settings.pipeline.clone(), began)?;
        self.shared.board.conditions_begin_anew(&self.camera);
        self.health = health_of(&self.settings, &self.shared, began);
        self.made_by.run = began.wall;
        (self.began, self.dating, self.hours_until) = (began, stand.dating, None);
        (self.draft_at, self.quarters_at) = (began.elapsed, began.elapsed);
        Ok(())
    }

    fn start_recorder(&mut self) {
        if self.dating != Dating::Undated
            && let Some(tap) = self.tap.take()
        {
            self.recorder = Some(tap.recorder(&self.settings, self.made_by.clone()));
        }
    }

    fn look(&mut self, frame: &Frame, dropped: u64) {
        self.untold = self.untold.saturating_add(dropped);
        let before = self.shared.clock.now();
        let detected = self.detector.detect(&frame.picture, frame.at, &mut self.detections);
        let now = self.shared.clock.now();
        self.shared.board.looked(&self.camera, now, now.since(before), dropped);
        if let Err(fault) = detected {
            // The frame was not looked at, so its time is not covered; the next may be.
            return self.cannot_count(&fault.to_string(), frame);
        }
        if let Some(health) = &mut self.health {
            health.look(frame, &mut self.pipeline, &mut self.told);
        }
        let dropped = u32::try_from(self.untold).unwrap_or(u32::MAX);
        let seen = SeenFrame { number: frame.number, at: frame.at, size: frame.picture.size(), dropped };
        if let Err(refused) = self.pipeline.step(seen, &self.detections, &mut self.told) {
            return self.cannot_count(&refused.to_string(), frame);
        }
        self.untold = 0;
        if let Some(recorder) = &mut self.recorder {
            recorder.frame(frame, &self.detections);
        }
        if let Some(watchman) = &mut self.watchman {
            watchman.frame(frame, &self.detections);
        }
        if std::mem::take(&mut self.is_troubled) && self.shared.board.solved(&self.about) {
            tracing::info!("camera {}: its pictures are counted again", self.camera);
        }
        self.shared.board.frame(&self.camera, frame.at);
        if !std::mem::replace(&mut self.has_tracked, true) {
            let after = frame.at.elapsed.as_secs_f64();
            tracing::info!("camera {}: counting, {after:.1} s after the start", self.camera);
        }
    }

    /// Takes what badge receivers heard, and looks now and then when the store is open.
    fn hear_others(&mut self) {
        if let Some(badges) = &self.badges {
            let badges = badges.lock().unwrap_or_else(PoisonError::into_inner);
            badges.try_iter().for_each(|reading| self.pipeline.badge(&reading));
        }
        let Some(hours) = &self.shared.hours else { return };
        // Whether the store is open is not known before the time is.
        if self.dating == Dating::Undated {
            return;
        }
        let now = self.shared.clock.now().wall;
        let is_known = |until: WallTime| (HOURS_AHEAD / 2..=HOURS_AHEAD).contains(&until.since(now));
        if !self.hours_until.is_some_and(is_known) {
            self.pipeline.allowed_hours(&AllowedHours::open_around(hours, now, HOURS_AHEAD));
            self.hours_until = Some(now + HOURS_AHEAD);
        }
    }

    fn cannot_count(&mut self, why: &str, frame: &Frame) {
        self.pipeline.interrupted();
        self.pipeline.tick(frame.at, &mut self.told);
        if let Some(recorder) = &mut self.recorder {
            recorder.not_seen();
        }
        if let Some(watchman) = &mut self.watchman {
            watchman.not_seen(why);
        }
        self.is_troubled = true;
        if self.shared.board.problem(&self.about, why, frame.at.wall) {
            tracing::warn!("camera {}: its pictures are not counted: {why}", self.camera);
        }
    }

    /// What would still have to be said after what is told now, where it is time to keep that.
    ///
    /// Whatever is told changes what is left to say, so then it is always time.
    fn drafts(&mut self) -> Drafts {
        let now = self.now();
        let mut drafts = Drafts::new();
        let has_quarter =
            self.told.iter().any(|event| matches!(event, CameraEvent::Flow(_) | CameraEvent::Heat(_)));
        if !self.told.is_empty() || now.elapsed >= self.draft_at {
            self.draft_at = now.elapsed + DRAFT_EVERY;
            self.draft(Draft::Open, now, &mut drafts);
        }
        if has_quarter || now.elapsed >= self.quarters_at {
            self.quarters_at = now.elapsed + DRAFT_QUARTERS_EVERY;
            self.draft(Draft::Quarters, now, &mut drafts);
        }
        drafts
    }

    fn draft(&mut self, what: Draft, now: FrameTime, drafts: &mut Drafts) {
        self.pipeline.draft(what, now, &mut self.drafted);
        let made_by = MadeBy { plane: self.pipeline.plane(), ..self.made_by.clone() };
        let facts = self.drafted.drain(..).map(|event| Fact::of(&made_by, &event)).collect();
        drafts.insert(self.draft_name(what), facts);
    }

    fn draft_name(&self, what: Draft) -> String {
        match what {
            Draft::Open => self.camera.to_string(),
            // No camera is called that.
            Draft::Quarters => format!("{}/quarters", self.camera),
        }
    }

    fn tell(&mut self, drafts: Drafts) -> anyhow::Result<()> {
        self.made_by.plane = self.pipeline.plane();
        self.shared.board.zones(&self.camera, self.pipeline.zones_now());
        let mut facts = Vec::with_capacity(self.told.len());
        for event in self.told.drain(..) {
            if let Some(recorder) = &mut self.recorder {
                recorder.event(&event);
            }
            if let CameraEvent::Crossing(crossing) = &event {
                self.shared.board.crossing(&self.camera, crossing);
                if let Some(live) = self.shared.live.as_ref().filter(|_| self.dating != Dating::Undated) {
                    live.send(Live::Crossing(v1::Crossing::of(&self.made_by, crossing)));
                }
            }
            if let Some(store) = &self.shared.store {
                store.event(&self.camera, &event, self.dating);
            }
            if let CameraEvent::Condition(change) = &event {
                log_condition(&self.camera, change);
                self.shared.board.condition(&self.camera, change);
            }
            facts.push(Fact::of(&self.made_by, &event));
        }
        if !facts.is_empty() || !drafts.is_empty() {
            self.shared.records.submit_dated(facts, drafts, self.dating)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Picture, SourceAddress};
    use crate::count::{Anchor, Band, LineRole, LineSettings};
    use crate::detect::{DetectError, DetectorKind};
    use crate::geom::{ImagePoint, PictureSize, Segment};
    use crate::ids::{BoxId, CameraId, LineId};
    use crate::outbox::{Outbox, OutboxWriter};
    use crate::pipeline::PipelineSettings;
    use crate::time::{BoxClock, ClockSettings, SimClock};
    use crate::track::TrackSettings;
    use crate::visitors::VisitorSettings;
    use std::collections::VecDeque;

    const SIZE: PictureSize = PictureSize { width: 64, height: 48 };

    /// A network that fails where the script says so, and sees nobody.
    struct Scripted(VecDeque<Result<(), DetectError>>);

    impl Detector for Scripted {
        fn detect(&mut self, _: &Picture, _: FrameTime, out: &mut Vec<Detection>) -> Result<(), DetectError> {
            out.clear();
            self.0.pop_front().unwrap()
        }

        fn model(&self) -> &str {
            "scripted"
        }

        fn inference_cpu(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn camera() -> CameraSettings {
        let line = LineSettings {
            id: LineId::parse("entrance").unwrap(),
            segment: Segment::new(ImagePoint::new(32.0, 0.0), ImagePoint::new(32.0, 48.0)),
            band: Band::default(),
            anchor: Anchor::default(),
            u_turn: Duration::ZERO,
            activation: Vec::new(),
            role: LineRole::default(),
        };
        CameraSettings {
            id: CameraId::parse("door").unwrap(),
            source: SourceSettings {
                address: SourceAddress::parse("clips/door.avi").unwrap(),
                playback: Playback::default(),
                open_timeout: Duration::from_secs(1),
                read_timeout: Duration::from_secs(1),
                retry_max: Duration::from_secs(1),
            },
            detector: DetectorKind::Network,
            health: None,
            pipeline: PipelineSettings {
                picture: Some(SIZE),
                rate: None,
                lines: vec![line],
                exclusion: Vec::new(),
                zones: Vec::new(),
                visitors: VisitorSettings::default(),
                quarters: crate::analytics::QuarterSettings::default(),
                longest_gap: Duration::from_secs(2),
                tracking: TrackSettings::default(),
                floor: None,
                learns_floor: true,
            },
            geometry: "g".to_owned(),
        }
    }

    fn failed() -> Result<(), DetectError> {
        Err(DetectError::Run { model: "scripted".to_owned(), reason: "out of memory".to_owned() })
    }

    /// What a camera shares with others, and the outbox that its records go to.
    fn shared<C: Clock + 'static>(dir: &tempfile::TempDir, clock: &Arc<C>) -> (Shared, OutboxWriter) {
        let (box_id, path) = (BoxId::parse("box-1").unwrap(), dir.path().join("outbox.sqlite"));
        let (outbox, _) = Outbox::open(&path, &box_id, WallTime::default()).unwrap();
        let outbox = OutboxWriter::start(outbox, Duration::ZERO, clock.clone(), |_| {}).unwrap();
        let settings = camera();
        let table = [(settings.id.clone(), vec![settings.pipeline.lines[0].id.clone()])];
        let shared = Shared {
            board: Arc::new(Board::new(WallTime::default(), &table)),
            clock: clock.clone(),
            records: outbox.records(),
            outbox: path,
            live: None,
            stop: StopSignal::default(),
            audit: None,
            store: None,
            hours: None,
            patrol: None,
        };
        (shared, outbox)
    }

    #[test]
    fn when_the_time_becomes_known_the_run_ends_and_all_that_it_said_gets_the_right_time() {
        const WRONG_MS: i64 = 1_000_000;
        const BY_MS: i64 = 7_200_000;
        let dir = tempfile::tempdir().unwrap();
        let wrong = FrameTime { elapsed: Duration::ZERO, wall: WallTime::from_unix_ms(WRONG_MS) };
        let (system, file) = (Arc::new(SimClock::at(wrong)), dir.path().join("synchronized"));
        let trust = ClockSettings { set_file: Some(file.clone()), patience: Duration::from_secs(600) };
        let clock = Arc::new(BoxClock::on(system.clone(), trust));
        let (shared, outbox) = shared(&dir, &clock);
        let script = std::iter::repeat_n(Ok(()), 10).collect();
        let mut counter = Counter::new(&camera(), Box::new(Scripted(script)), shared).unwrap();
        for number in 1..=10 {
            system.advance(Duration::from_secs(1));
            if number == 6 {
                system.set_by_ms(BY_MS);
                std::fs::write(&file, "").unwrap();
                assert!(clock.look().became.is_some());
            }
            counter.heed_clock().unwrap();
            let picture = Picture { width: SIZE.width, height: SIZE.height, bgr: Vec::new() };
            counter.look(&Frame { number, at: clock.now(), picture }, 0);
        }
        counter.finish().unwrap();
        let rows = outbox.reader().records(0, 100).unwrap().rows;
        let minutes: Vec<v1::Minute> = rows
            .iter()
            .filter_map(|row| match serde_json::from_str::<v1::Record>(row.body.get()).unwrap().fact {
                Fact::Minute(minute) => Some(minute),
                _ => None,
            })
            .collect();
        let told: Vec<_> = minutes.iter().map(|of| (of.run, of.start_ms, of.frames, of.part)).collect();
        let (first, second) = (WRONG_MS + BY_MS, WRONG_MS + BY_MS + 6000);
        let minute = WallTime::from_unix_ms(first).minute().unix_ms();
        assert_eq!(told, [(first, minute, 5, true), (second, minute, 5, true)]);
        let seen: Duration = minutes.iter().map(|minute| minute.seen).sum();
        assert_eq!(seen, Duration::from_secs(8), "the second between the two runs is not claimed");
        outbox.stop(Duration::from_secs(60)).unwrap();
    }

    /// Frames a second apart from zero, each with how many were dropped before it and what the network
    /// makes of it: what the minute then says is (counted, dropped), and whether the box has a problem at the end.
    #[track_caller]
    fn check(frames: &[(u64, Result<(), DetectError>)], expected: (u32, u32), is_troubled: bool) {
        let dir = tempfile::tempdir().unwrap();
        let clock: Arc<SimClock> = Arc::new(SimClock::at(FrameTime::default()));
        let (settings, (shared, _outbox)) = (camera(), shared(&dir, &clock));
        let script = frames.iter().map(|(_, outcome)| outcome.clone()).collect();
        let mut counter = Counter::new(&settings, Box::new(Scripted(script)), shared).unwrap();
        for (number, (dropped, _)) in (1..).zip(frames) {
            clock.advance(Duration::from_secs(1));
            let picture = Picture { width: SIZE.width, height: SIZE.height, bgr: Vec::new() };
            counter.look(&Frame { number, at: clock.now(), picture }, *dropped);
        }
        counter.pipeline.finish(clock.now(), &mut counter.told);
        let told = counter.told.iter().find_map(|event| match event {
            CameraEvent::Minute(minute) => Some((minute.frames, minute.dropped)),
            _ => None,
        });
        assert_eq!(told, Some(expected));
        assert_eq!(!counter.shared.board.problems().is_empty(), is_troubled);
    }

    #[test]
    fn what_was_dropped_before_frames_that_cannot_be_counted_is_told_with_the_next_that_can() {
        check(&[(0, Ok(())), (3, failed()), (4, failed()), (5, Ok(())), (1, Ok(()))], (3, 13), false);
    }

    #[test]
    fn frames_that_cannot_be_counted_are_a_problem_until_one_can() {
        check(&[(0, Ok(())), (0, failed())], (1, 0), true);
        check(&[(0, failed()), (0, Ok(()))], (1, 0), false);
    }

    #[test]
    fn more_dropped_frames_than_a_record_can_say_are_said_as_the_most_that_it_can() {
        check(&[(u64::MAX, failed()), (5, Ok(()))], (1, u32::MAX), false);
    }

    #[test]
    fn a_clip_in_place_of_a_camera_is_played_by_the_clock_and_without_an_end() {
        assert_eq!(as_camera(camera().source).playback, Playback::LiveLoop);
    }
}
