//! What the box knows of itself right now, for the live messages, its state and the log.
//!
//! One small table under one lock: cameras write their line of it, whoever reports copies it out. Nothing waits
//! for anything while it holds the lock.

use super::pulse::{Pulse, PulseReading};
use crate::analytics::LineTotal;
use crate::capture::camera::CameraState;
use crate::count::Crossing;
use crate::health::{Condition, ConditionChange, Turn};
use crate::ids::{CameraId, LineId};
use crate::outbox::{Lot, OutboxNews, Recovery};
use crate::publish::{Link, PublisherStatus, Report};
use crate::time::{FrameTime, WallTime};
use crate::wire::v1;
use crate::zones::ZoneNow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The span over which frames a second are told: long enough to be steady, short enough to see a stall.
const RATE_WINDOW: Duration = Duration::from_secs(3);

/// The table.
#[derive(Debug)]
pub struct Board {
    since: WallTime,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    cameras: Vec<CameraLine>,
    /// What a person should look at, by what it is about.
    problems: BTreeMap<String, Problem>,
    /// How right the counts are, where that was looked into.
    audit: Vec<v1::AuditFigure>,
    /// The store today, where the box knows of one.
    store: Option<v1::StoreNow>,
    /// How often each part of the box has looked up, by its name.
    turns: BTreeMap<String, u64>,
    delivery: DeliveryNow,
    /// Whether the clock was set; none: nobody has looked yet.
    clock_ok: Option<bool>,
    /// Goes up whenever something changes that belongs into the box's state.
    version: u64,
}

#[derive(Debug)]
struct CameraLine {
    id: CameraId,
    status: v1::CameraStatus,
    rate: FrameRate,
    pulse: Pulse,
    lines: Vec<LineTotal>,
    zones: Vec<ZoneNow>,
    conditions: BTreeSet<Condition>,
}

/// One camera of late, for whoever looks after the box.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraPulse {
    /// Which.
    pub id: CameraId,
    /// Whether it delivers frames.
    pub status: v1::CameraStatus,
    /// Its last minute.
    pub reading: PulseReading,
    /// What is wrong with its pictures.
    pub conditions: Vec<Condition>,
}

/// How delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeliveryNow {
    /// Whether the broker is reached.
    pub is_connected: bool,
    /// Live messages that were discarded, since the start.
    pub discarded: u64,
    /// Records that were confirmed, since the start.
    pub delivered: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    text: String,
    since: WallTime,
}

/// Frames a second over a short window.
#[derive(Debug, Default)]
pub struct FrameRate {
    window: Option<(FrameTime, u32)>,
    told: f64,
    last: Option<FrameTime>,
}

impl FrameRate {
    /// Notes a frame.
    pub fn frame(&mut self, at: FrameTime) {
        self.last = Some(at);
        let (from, frames) = self.window.get_or_insert((at, 0));
        let span = at.since(*from);
        if span < RATE_WINDOW {
            *frames += 1;
            return;
        }
        self.told = f64::from(*frames) / span.as_secs_f64();
        self.window = Some((at, 1));
    }

    /// Frames a second of late; zero where none came for a whole window.
    #[must_use]
    pub fn at(&self, now: FrameTime) -> f64 {
        match (self.last, self.window) {
            (Some(last), _) if now.since(last) > RATE_WINDOW => 0.0,
            // Nothing told yet: what the first frames say is better than nothing.
            (Some(last), Some((from, frames))) if self.told <= 0.0 && last.since(from) > Duration::ZERO => {
                f64::from(frames.saturating_sub(1)) / last.since(from).as_secs_f64()
            }
            _ => self.told,
        }
    }
}

impl Board {
    /// A table of cameras that are not connected yet.
    #[must_use]
    pub fn new(since: WallTime, cameras: &[(CameraId, Vec<LineId>)]) -> Self {
        let line = |(id, lines): &(CameraId, Vec<LineId>)| CameraLine {
            id: id.clone(),
            status: v1::CameraStatus::Connecting,
            rate: FrameRate::default(),
            pulse: Pulse::default(),
            lines: lines.iter().cloned().map(LineTotal::none_yet).collect(),
            zones: Vec::new(),
            conditions: BTreeSet::new(),
        };
        let cameras = cameras.iter().map(line).collect();
        Self { since, table: Mutex::new(Table { cameras, ..Table::default() }) }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Every change is a single assignment, so a poisoned table is still whole.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn camera(&self, id: &CameraId, change: impl FnOnce(&mut CameraLine)) {
        if let Some(line) = self.lock().cameras.iter_mut().find(|line| line.id == *id) {
            change(line);
        }
    }

    /// Notes how a camera is.
    pub fn camera_is(&self, id: &CameraId, state: &CameraState) {
        let status = match state {
            CameraState::Connecting => v1::CameraStatus::Connecting,
            CameraState::Up { .. } => v1::CameraStatus::Up,
            CameraState::Down { .. } => v1::CameraStatus::Down,
        };
        self.camera(id, |line| line.status = status);
        self.lock().version += 1;
        match state {
            CameraState::Down { since, reason } => {
                self.problem(&format!("camera {id}"), &reason.to_string(), since.wall);
            }
            CameraState::Connecting | CameraState::Up { .. } => {
                self.solved(&format!("camera {id}"));
            }
        }
    }

    /// Notes a look at a frame, however it went, that ended now, and how many frames were passed over before it.
    pub fn looked(&self, id: &CameraId, now: FrameTime, took: Duration, dropped: u64) {
        self.camera(id, |line| line.pulse.looked(now, took, dropped));
    }

    /// Notes a frame that was counted with.
    pub fn frame(&self, id: &CameraId, at: FrameTime) {
        self.camera(id, |line| {
            line.rate.frame(at);
            line.pulse.frame(at);
        });
    }

    /// The last minute of every camera.
    #[must_use]
    pub fn pulses(&self, now: FrameTime) -> Vec<CameraPulse> {
        let pulse = |line: &CameraLine| CameraPulse {
            id: line.id.clone(),
            status: line.status,
            reading: line.pulse.reading(now),
            conditions: line.conditions.iter().copied().collect(),
        };
        self.lock().cameras.iter().map(pulse).collect()
    }

    /// Notes how delivery goes.
    pub fn delivery_is(&self, status: &PublisherStatus) {
        let is_connected = status.link == Link::Up;
        self.lock().delivery =
            DeliveryNow { is_connected, discarded: status.discarded, delivered: status.delivered };
    }

    /// How delivery stands.
    #[must_use]
    pub fn delivery(&self) -> DeliveryNow {
        self.lock().delivery
    }

    /// Since when the service runs.
    #[must_use]
    pub const fn since(&self) -> WallTime {
        self.since
    }

    /// Notes how the zones of a camera are.
    pub fn zones(&self, id: &CameraId, now: impl Iterator<Item = ZoneNow>) {
        self.camera(id, |line| {
            line.zones.clear();
            line.zones.extend(now);
        });
    }

    /// Adds a crossing to the totals.
    pub fn crossing(&self, id: &CameraId, crossing: &Crossing) {
        self.camera(id, |camera| camera.lines.iter_mut().for_each(|total| total.add(crossing)));
    }

    /// Notes that a camera's pictures cannot be counted on any more, or can again.
    pub fn condition(&self, id: &CameraId, change: &ConditionChange) {
        let condition = change.condition;
        let about = format!("picture {id} {condition}");
        match change.turn {
            Turn::Began => {
                self.camera(id, |line| line.conditions.extend([condition]));
                let text = format!("camera {id}: {}", condition.advice());
                self.problem(&about, &text, change.since.wall);
            }
            Turn::Ended => {
                self.camera(id, |line| line.conditions.retain(|held| *held != condition));
                self.solved(&about);
            }
        }
    }

    /// Notes that a part of the box has looked up: it does not hang.
    pub fn looks_up(&self, part: &str) {
        let mut table = self.lock();
        match table.turns.get_mut(part) {
            Some(turns) => *turns += 1,
            None => drop(table.turns.insert(part.to_owned(), 1)),
        }
    }

    /// Notes that a part ended: nobody waits for it to look up.
    pub fn is_gone(&self, part: &str) {
        self.lock().turns.remove(part);
    }

    /// How often each part has looked up.
    #[must_use]
    pub fn turns(&self) -> Vec<(String, u64)> {
        self.lock().turns.iter().map(|(part, turns)| (part.clone(), *turns)).collect()
    }

    /// How the box is, in one line for a person.
    #[must_use]
    pub fn in_words(&self) -> String {
        let table = self.lock();
        let up = table.cameras.iter().filter(|camera| camera.status == v1::CameraStatus::Up).count();
        let cameras = format!("{up} of {} cameras up", table.cameras.len());
        let mut problems = table.problems.values();
        match problems.next() {
            None => cameras,
            Some(first) if problems.len() == 0 => format!("{cameras}; {}", first.text),
            Some(first) => format!("{cameras}; {} problems, the first: {}", problems.len() + 1, first.text),
        }
    }

    /// Forgets what was wrong with a camera's pictures: whoever watches them begins anew.
    pub fn conditions_begin_anew(&self, id: &CameraId) {
        let mut held = BTreeSet::new();
        self.camera(id, |line| held = std::mem::take(&mut line.conditions));
        for condition in held {
            self.solved(&format!("picture {id} {condition}"));
        }
    }

    /// Notes whether the box's clock was set.
    pub fn clock_is(&self, ok: bool) {
        let mut table = self.lock();
        if table.clock_ok.replace(ok) != Some(ok) {
            table.version += 1;
        }
    }

    /// Notes something that a person should look at; tells whether it is news.
    pub fn problem(&self, about: &str, text: &str, since: WallTime) -> bool {
        let mut table = self.lock();
        if table.problems.get(about).is_some_and(|known| known.text == text) {
            return false;
        }
        table.problems.insert(about.to_owned(), Problem { text: text.to_owned(), since });
        table.version += 1;
        true
    }

    /// Whether something is noted about it.
    #[must_use]
    pub fn has_problem(&self, about: &str) -> bool {
        self.lock().problems.contains_key(about)
    }

    /// Notes that it is all right again; tells whether it was not.
    pub fn solved(&self, about: &str) -> bool {
        let mut table = self.lock();
        let was_there = table.problems.remove(about).is_some();
        table.version += u64::from(was_there);
        was_there
    }

    /// Notes how storing goes. What was lost for good stays, also when records are stored again.
    pub fn outbox_news(&self, news: &OutboxNews, now: WallTime) {
        match news {
            OutboxNews::Failing { cause } => drop(self.problem("outbox", cause, now)),
            OutboxNews::Stored => drop(self.solved("outbox")),
            OutboxNews::GaveUp(given_up) => {
                let about = match given_up.lot {
                    Lot::History => "outbox history",
                    Lot::Unconfirmed => "outbox loss of records",
                };
                self.problem(about, &given_up.to_string(), now);
            }
            OutboxNews::Dated(dated) if dated.doubtful > 0 => {
                let text = format!(
                    "{} records were made while nobody had set the box's clock, and their times may be wrong; they say so \
                     (undated). See that the box reaches a time server",
                    dated.doubtful
                );
                self.problem("clock doubt", &text, now);
            }
            OutboxNews::Dated(_) => {}
            OutboxNews::Replaced(recovery) => self.outbox_replaced(recovery, now),
            OutboxNews::Losing => {
                let text = "memory was full as well, and records were lost; see that the disk has room";
                self.problem("outbox loss", text, now);
            }
        }
    }

    /// Notes that another outbox stands in place of a corrupt one.
    pub fn outbox_replaced(&self, recovery: &Recovery, now: WallTime) {
        self.problem("outbox recovery", &recovery.to_string(), now);
    }

    /// Notes how right the counts are.
    pub fn audited(&self, figures: Vec<v1::AuditFigure>) {
        let mut table = self.lock();
        if table.audit != figures {
            table.audit = figures;
            table.version += 1;
        }
    }

    /// All of it that belongs into the box's state.
    #[must_use]
    pub fn report(&self) -> Report {
        let (audit, clock_ok) = {
            let table = self.lock();
            (table.audit.clone(), table.clock_ok)
        };
        Report { clock_ok, cameras: self.cameras(), problems: self.problems(), audit }
    }

    /// Goes up with every change of what [`Board::report`] says.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.lock().version
    }

    /// Current values, for `live`.
    #[must_use]
    pub fn now(&self, now: FrameTime) -> v1::Now {
        let table = self.lock();
        let total = |total: &LineTotal| v1::LineTotals {
            line: total.line.to_string(),
            entries: total.entries,
            exits: total.exits,
        };
        let camera = |line: &CameraLine| v1::CameraNow {
            camera: line.id.to_string(),
            state: line.status,
            fps: line.rate.at(now),
            lines: line.lines.iter().map(total).collect(),
            zones: line.zones.iter().map(v1::ZoneNow::from).collect(),
            conditions: line.conditions.iter().map(|condition| condition.name().to_owned()).collect(),
        };
        v1::Now {
            at_ms: now.wall.unix_ms(),
            since_ms: self.since.unix_ms(),
            cameras: table.cameras.iter().map(camera).collect(),
            store: table.store.clone(),
        }
    }

    /// Notes how the store's day goes.
    pub fn store_is(&self, store: v1::StoreNow) {
        self.lock().store = Some(store);
    }

    /// Every camera, for `state`.
    #[must_use]
    pub fn cameras(&self) -> Vec<v1::CameraState> {
        let state = |line: &CameraLine| v1::CameraState { camera: line.id.to_string(), state: line.status };
        self.lock().cameras.iter().map(state).collect()
    }

    /// What a person should look at, for `state`.
    #[must_use]
    pub fn problems(&self) -> Vec<v1::Problem> {
        let one = |(about, problem): (&String, &Problem)| v1::Problem {
            about: about.clone(),
            text: problem.text.clone(),
            since_ms: problem.since.unix_ms(),
        };
        self.lock().problems.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> FrameTime {
        FrameTime::of_run(WallTime::default(), Duration::from_millis(ms))
    }

    fn board() -> (Board, CameraId) {
        let door = CameraId::parse("door").unwrap();
        (Board::new(WallTime::default(), &[(door.clone(), vec![LineId::parse("in").unwrap()])]), door)
    }

    #[test]
    fn the_frame_rate_is_that_of_the_last_seconds_and_zero_after_a_stall() {
        let mut rate = FrameRate::default();
        (0..100).for_each(|frame| rate.frame(at(100 * frame)));
        assert!((rate.at(at(9_900)) - 10.0).abs() < 0.5, "{}", rate.at(at(9_900)));
        assert!(rate.at(at(20_000)) <= 0.0);
    }

    #[test]
    fn the_first_frames_already_say_something() {
        let mut rate = FrameRate::default();
        (0..5).for_each(|frame| rate.frame(at(100 * frame)));
        assert!((rate.at(at(400)) - 10.0).abs() < 0.5, "{}", rate.at(at(400)));
    }

    #[test]
    fn a_problem_is_news_once_and_gone_when_it_is_solved() {
        let (board, _) = board();
        assert!(board.problem("outbox", "disk full", WallTime::default()));
        assert!(!board.problem("outbox", "disk full", WallTime::default()));
        assert!(board.solved("outbox"));
        assert!(!board.solved("outbox"));
        assert!(board.problems().is_empty());
    }

    #[test]
    fn how_the_box_is_stands_in_one_line() {
        let (board, door) = board();
        assert_eq!(board.in_words(), "0 of 1 cameras up");
        let size = crate::geom::PictureSize { width: 4, height: 2 };
        board.camera_is(&door, &CameraState::Up { size, before: None });
        board.problem("outbox", "disk full", WallTime::default());
        assert_eq!(board.in_words(), "1 of 1 cameras up; disk full");
        board.problem("broker", "no answer", WallTime::default());
        assert_eq!(board.in_words(), "1 of 1 cameras up; 2 problems, the first: no answer");
    }

    #[test]
    fn a_part_that_ended_is_not_waited_for() {
        let (board, _) = board();
        board.looks_up("counting door");
        board.looks_up("counting door");
        board.looks_up("the store");
        assert_eq!(board.turns(), [("counting door".to_owned(), 2), ("the store".to_owned(), 1)]);
        board.is_gone("counting door");
        assert_eq!(board.turns(), [("the store".to_owned(), 1)]);
    }

    #[test]
    fn a_replaced_outbox_and_lost_records_are_still_told_when_records_are_stored_again() {
        let (board, _) = board();
        let recovery = Recovery {
            reason: crate::wire::v1::GapReason::OutboxCorrupt,
            gap: crate::outbox::SeqRange { first: 3, last: 4 },
            salvaged: 2,
            set_aside: None,
        };
        let cause = "disk full".to_owned();
        for news in [OutboxNews::Failing { cause }, OutboxNews::Losing, OutboxNews::Replaced(recovery)] {
            board.outbox_news(&news, WallTime::default());
        }
        let about = || board.problems().into_iter().map(|problem| problem.about).collect::<Vec<_>>();
        assert_eq!(about(), ["outbox", "outbox loss", "outbox recovery"]);
        board.outbox_news(&OutboxNews::Stored, WallTime::default());
        assert_eq!(about(), ["outbox loss", "outbox recovery"]);
    }

    #[test]
    fn a_picture_that_cannot_be_counted_on_is_a_problem_and_shows_in_the_current_values() {
        let (board, door) = board();
        let turned = |turn| {
            let (condition, detail) = (Condition::Moved, String::new());
            board.condition(&door, &ConditionChange { condition, turn, at: at(30), since: at(5), detail });
            (board.now(at(31)).cameras[0].conditions.clone(), board.problems())
        };
        let (conditions, problems) = turned(Turn::Began);
        assert_eq!(conditions, ["moved"]);
        assert_eq!((problems[0].about.as_str(), problems[0].since_ms), ("picture door moved", 5));
        assert!(problems[0].text.contains("footfall confirm"), "{}", problems[0].text);
        assert_eq!(turned(Turn::Ended), (vec![], vec![]));
    }

    #[test]
    fn a_camera_that_is_down_is_a_problem_until_it_is_up() {
        let (board, door) = board();
        let before = board.version();
        let reason = crate::capture::CaptureError::Ended {
            address: crate::capture::SourceAddress::parse("rtsp://me:secret@cam/1").unwrap(),
        };
        board.camera_is(&door, &CameraState::Down { since: at(5), reason });
        assert!(board.problems()[0].text.contains("cam"));
        assert!(!board.problems()[0].text.contains("secret"));
        assert_eq!(board.cameras()[0].state, v1::CameraStatus::Down);
        let size = crate::geom::PictureSize { width: 4, height: 2 };
        board.camera_is(&door, &CameraState::Up { size, before: None });
        assert!(board.problems().is_empty() && board.version() > before);
    }
}
