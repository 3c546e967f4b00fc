//! Version 1 of every message, and of the lines that `footfall count --events` writes.
//!
//! Writers build [`Fact`]s from domain types; a fact becomes a [`Record`] when the outbox (or
//! [`JsonLines`]) gives it a sequence number. Whoever reads must take what a newer writer adds:
//! unknown fields are passed over, and a record of a kind not known here still carries its number
//! ([`AnyRecord::Unknown`]), so that counting without holes goes on. Both are why no type here
//! denies unknown fields, although the JSON Schema of what *we* write does.
//!
//! | change | old reader, new data | new reader, old data |
//! |---|---|---|
//! | a field is added | passes over it | takes a default: new fields are optional for readers |
//! | a kind is added | keeps the number, counts it as unknown | nothing to do |
//! | a field changes its meaning | not allowed: new name, or `v: 2` | |

use crate::analytics::{FlowQuarter, HeatQuarter, LineMinute};
use crate::count;
use crate::health::ConditionChange;
use crate::ids::CameraId;
use crate::pipeline::CameraEvent;
use crate::time::WallTime;
use crate::track::PlaneName;
use crate::visitors::StaffTrack;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::io::Write;
use std::time::Duration;

mod condition;
mod delivery;
pub mod fleet;
mod quarters;
mod sensors;
mod shifted;
mod store;
mod store_now;
mod visitors;
mod zones;

pub use condition::CameraCondition;
pub use delivery::{Ack, Backfill, Batch, unpack};
pub use quarters::{Flow, Heat, Move, PathTaken, PeopleAt, Space};
pub use sensors::{SensorCount, SensorKind};
pub use store::{
    AbsentFigure, Occupancy, OccupancyCorrections, Period, Rounded, TillRejected, Transaction,
    TransactionLine, WeekOf, span_name,
};
pub use store_now::StoreNow;
pub use visitors::{LineRole, MinuteVisitors, Staff, StaffWhy};
pub use zones::{
    Alarm, Alert, AlertAbout, Decimal, End, Maker, PathSpace, Queue, QueueMinute, Range, Reason, Rule, Visit,
    ZoneMinute, ZoneNow,
};

/// The number that stands in `v` of every message.
pub const VERSION: u32 = 1;

/// Most bytes that a batch may unpack to, for whoever reads.
///
/// The box sends at most 256 KiB of records in a batch; 16 MiB leaves room for larger writers
/// and stops a gzip bomb.
pub const MAX_BATCH_BYTES: u64 = 16 * 1024 * 1024;

/// Why a message cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The payload is not gzip, or is cut short.
    #[error("batch of {len} bytes cannot be unpacked: {source}")]
    Unpack {
        /// Bytes of the payload.
        len: usize,
        /// What gzip says.
        source: std::io::Error,
    },
    /// The payload unpacks to more than a batch can hold.
    #[error("batch of {len} bytes unpacks to more than {MAX_BATCH_BYTES} bytes")]
    TooLarge {
        /// Bytes of the payload.
        len: usize,
    },
    /// The text is not a message of this version.
    #[error("message is not of version {VERSION}: {source}")]
    Shape {
        /// What the parser says, with line and column.
        #[from]
        source: serde_json::Error,
    },
}

/// The `v` of a message: writes 1, and reads nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct V1;

impl Serialize for V1 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(VERSION)
    }
}

impl<'de> Deserialize<'de> for V1 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            VERSION => Ok(Self),
            found => Err(D::Error::custom(format!("version {found} is not known, only {VERSION}"))),
        }
    }
}

/// What a count was made with; goes with every crossing and every minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeBy {
    /// The camera.
    pub camera: CameraId,
    /// When the camera's run began. Track ids are unique within one run.
    pub run: WallTime,
    /// Name of the network.
    pub model: String,
    /// Version of the geometry.
    pub geometry: String,
    /// On which plane people are followed.
    pub plane: PlaneName,
}

/// Which way a line was crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Into the store.
    In,
    /// Out of it.
    Out,
}

impl From<count::Direction> for Direction {
    fn from(direction: count::Direction) -> Self {
        match direction {
            count::Direction::In => Self::In,
            count::Direction::Out => Self::Out,
        }
    }
}

/// One track passed a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossing {
    /// Camera id.
    pub camera: String,
    /// Line id.
    pub line: String,
    /// Which way.
    pub direction: Direction,
    /// 1-based decoded frame of the first sighting beyond the line's band.
    pub frame: u64,
    /// When that frame was taken, UTC ms.
    pub at_ms: i64,
    /// Track id, unique within `run`, never an identity.
    pub track: u64,
    /// When the camera's run began, UTC ms.
    pub run: i64,
    /// Version of the geometry.
    pub geometry: String,
    /// On which plane people were followed: `image`, `floor`, or `floor-` and how the calibration was made.
    #[serde(default = "plane_of_old")]
    pub plane: String,
    /// Name of the network.
    pub model: String,
}

/// What one line counted in one minute, or in a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minute {
    /// Camera id.
    pub camera: String,
    /// Line id.
    pub line: String,
    /// Start of the minute, UTC ms, a multiple of 60,000.
    pub start_ms: i64,
    /// Crossings into the store.
    #[serde(rename = "in")]
    pub entries: u32,
    /// Crossings out of it.
    #[serde(rename = "out")]
    pub exits: u32,
    /// What the line's crossings stand for, and who they were; all of it is missing in records from before 0.2.
    #[serde(flatten)]
    pub visitors: MinuteVisitors,
    /// How much was really seen; on the wire seconds with up to three decimals.
    #[serde(rename = "seen_s", with = "seconds")]
    pub seen: Duration,
    /// Frames that were looked at.
    pub frames: u32,
    /// Frames that arrived and were passed over because newer ones were there.
    pub dropped: u32,
    /// Whether other parts of this minute may exist: the run began or ended within it, or this came after the
    /// minute was sent (a crossing decided late, or a clock that was set back). Parts add up.
    pub part: bool,
    /// Whether the line lay where it was drawn all the while: false where the camera was found to have been moved.
    /// A minute is valid where all its parts are; older records, which do not say, are.
    #[serde(default = "valid_of_old")]
    pub valid: bool,
    /// Name of the network.
    pub model: String,
    /// Version of the geometry.
    pub geometry: String,
    /// On which plane people were followed when the record was made out.
    #[serde(default = "plane_of_old")]
    pub plane: String,
    /// When the camera's run began, UTC ms.
    pub run: i64,
}

/// Why sequence numbers never come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The outbox file was corrupt; what could be read was kept.
    OutboxCorrupt,
    /// The outbox file was gone.
    OutboxMissing,
    /// The outbox file was older than the numbers already used, as after restoring a copy.
    OutboxOutdated,
    /// A single stored record could not be read.
    Unreadable,
    /// The disk budget was used up by records that nobody had confirmed, and the oldest had to go.
    GivenUp,
}

/// Sequence numbers that never come: whatever of them has not arrived before this record is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// First number.
    pub from_seq: u64,
    /// Last number, included.
    pub to_seq: u64,
    /// Why.
    pub reason: GapReason,
}

/// What a durable record says, before it has a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fact {
    /// One track passed a line.
    Crossing(Crossing),
    /// A line's minute, or a part of one.
    Minute(Minute),
    /// A track that is one of staff.
    Staff(Staff),
    /// How people moved in a quarter of an hour.
    Flow(Flow),
    /// Where people were in a quarter of an hour.
    Heat(Heat),
    /// A camera's pictures cannot be counted on any more, or can again.
    CameraCondition(CameraCondition),
    /// Numbers that never come.
    Gap(Gap),
    /// Somebody was in a zone for long enough.
    Visit(Visit),
    /// A zone's minute, or a part of one.
    ZoneMinute(ZoneMinute),
    /// Somebody waited in a queue.
    Queue(Queue),
    /// A queue's minute, or a part of one.
    QueueMinute(QueueMinute),
    /// A queue is too long, or no more.
    Alert(Alert),
    /// Presence that is not allowed, or no more.
    Alarm(Alarm),
    /// How many people were in the store.
    Occupancy(Occupancy),
    /// A period of the store, or a new revision of one.
    Period(Box<Period>),
    /// A transaction of the till.
    Transaction(Transaction),
    /// Rows of a till's feed that were put aside.
    TillRejected(TillRejected),
    /// What another sensor of the store counted in an interval.
    SensorCount(SensorCount),
}

impl Fact {
    /// What a camera told.
    #[must_use]
    pub fn of(made_by: &MadeBy, event: &CameraEvent) -> Self {
        match event {
            CameraEvent::Crossing(crossing) => Self::crossing(made_by, crossing),
            CameraEvent::Minute(minute) => Self::minute(made_by, minute),
            CameraEvent::Visit(visit) => Self::visit(made_by, visit),
            CameraEvent::ZoneMinute(minute) => Self::zone_minute(made_by, minute),
            CameraEvent::Queue(queued) => Self::queue(made_by, queued),
            CameraEvent::QueueMinute(minute) => Self::queue_minute(made_by, minute),
            CameraEvent::Alert(alert) => Self::alert(made_by, alert),
            CameraEvent::Alarm(alarm) => Self::alarm(made_by, alarm),
            CameraEvent::Staff(staff) => Self::staff(made_by, staff),
            CameraEvent::Flow(flow) => Self::flow(made_by, flow),
            CameraEvent::Heat(heat) => Self::heat(made_by, heat),
            CameraEvent::Condition(change) => Self::condition(made_by, change),
        }
    }

    /// The same as one part of what it tells of, where it is something that can come in parts.
    #[must_use]
    pub fn into_part(mut self) -> Self {
        match &mut self {
            Self::Minute(minute) => minute.part = true,
            Self::ZoneMinute(minute) => minute.part = true,
            Self::QueueMinute(minute) => minute.part = true,
            Self::Flow(flow) => flow.part = true,
            Self::Heat(heat) => heat.part = true,
            _ => {}
        }
        self
    }

    /// A crossing, as its camera made it.
    #[must_use]
    pub fn crossing(made_by: &MadeBy, crossing: &count::Crossing) -> Self {
        Self::Crossing(Crossing::of(made_by, crossing))
    }

    /// A track of staff, as its camera found it.
    #[must_use]
    pub fn staff(made_by: &MadeBy, staff: &StaffTrack) -> Self {
        Self::Staff(Staff::of(made_by, staff))
    }

    /// How people moved, as their camera saw it.
    #[must_use]
    pub fn flow(made_by: &MadeBy, flow: &FlowQuarter) -> Self {
        Self::Flow(Flow::of(made_by, flow))
    }

    /// Where people were, as their camera saw it.
    #[must_use]
    pub fn heat(made_by: &MadeBy, heat: &HeatQuarter) -> Self {
        Self::Heat(Heat::of(made_by, heat))
    }

    /// A condition that began or ended, as its camera told it.
    #[must_use]
    pub fn condition(made_by: &MadeBy, change: &ConditionChange) -> Self {
        Self::CameraCondition(CameraCondition::of(made_by, change))
    }

    /// A line's minute, as its camera made it.
    #[must_use]
    pub fn minute(made_by: &MadeBy, minute: &LineMinute) -> Self {
        Self::Minute(Minute {
            camera: made_by.camera.to_string(),
            line: minute.line.to_string(),
            start_ms: minute.start.unix_ms(),
            entries: minute.entries,
            exits: minute.exits,
            visitors: MinuteVisitors::of(minute),
            seen: Duration::from_millis(whole_ms(minute.seen)),
            frames: minute.frames,
            dropped: minute.dropped,
            part: minute.part,
            valid: minute.valid,
            model: made_by.model.clone(),
            geometry: made_by.geometry.clone(),
            plane: made_by.plane.to_string(),
            run: made_by.run.unix_ms(),
        })
    }
}

impl Crossing {
    /// A crossing, as its camera made it.
    #[must_use]
    pub fn of(made_by: &MadeBy, crossing: &count::Crossing) -> Self {
        Self {
            camera: made_by.camera.to_string(),
            line: crossing.line.to_string(),
            direction: crossing.direction.into(),
            frame: crossing.frame,
            at_ms: crossing.at.wall.unix_ms(),
            track: crossing.track.0,
            run: made_by.run.unix_ms(),
            geometry: made_by.geometry.clone(),
            plane: made_by.plane.to_string(),
            model: made_by.model.clone(),
        }
    }
}

/// A durable record: a fact and its number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Counts up by one per record of a box, from 1, across restarts.
    pub seq: u64,
    /// What it says.
    #[serde(flatten)]
    pub fact: Fact,
}

/// A record of a clock that nobody vouches for. For a reader it is a record like any other, with one field more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UndatedRecord {
    /// The record.
    #[serde(flatten)]
    pub record: Record,
    /// True: its times may be wrong.
    pub undated: bool,
}

/// A record as a reader takes it: also one whose kind a newer writer has added.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "a reader holds one batch, and nearly every record is known")]
pub enum AnyRecord {
    /// A record that is known here.
    Known(Record),
    /// A record that cannot be read here. Its number counts all the same.
    Unknown {
        /// Its number.
        seq: u64,
        /// What it calls itself.
        kind: String,
    },
}

impl AnyRecord {
    /// The record's number.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        match self {
            Self::Known(record) => record.seq,
            Self::Unknown { seq, .. } => *seq,
        }
    }
}

/// Whether a camera delivers frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CameraStatus {
    /// Frames arrive.
    Up,
    /// None arrive; it is tried again.
    Down,
    /// It is being opened.
    Connecting,
}

/// Totals of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineTotals {
    /// Line id.
    pub line: String,
    /// Crossings into the store since `since_ms` of the message.
    #[serde(rename = "in")]
    pub entries: u64,
    /// Crossings out of it since then.
    #[serde(rename = "out")]
    pub exits: u64,
}

/// One camera as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CameraNow {
    /// Camera id.
    pub camera: String,
    /// Whether it delivers frames.
    pub state: CameraStatus,
    /// Frames looked at a second, of late; on the wire with up to two decimals.
    #[serde(serialize_with = "hundredths")]
    pub fps: f64,
    /// Its lines.
    pub lines: Vec<LineTotals>,
    /// Its zones; absent where it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<ZoneNow>,
    /// What is wrong with its pictures: `frozen`, `blocked`, `moved`, `dark`; absent where nothing is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
}

/// Current values of the whole box.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Now {
    /// When this was so, UTC ms.
    pub at_ms: i64,
    /// From when on the totals count, UTC ms.
    pub since_ms: i64,
    /// Every camera.
    pub cameras: Vec<CameraNow>,
    /// The store today; absent where the box has no `[store]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreNow>,
}

/// What goes out at once, without a promise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Live {
    /// A copy of a crossing; its durable record follows on `records`.
    Crossing(Crossing),
    /// Current values.
    Now(Now),
}

/// The message on `live`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveMessage {
    /// Version.
    pub v: V1,
    /// What it says.
    #[serde(flatten)]
    pub live: Live,
}

/// What a box is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoxStatus {
    /// Running and connected.
    Online,
    /// The connection was lost (the last will): it may be counting all the same.
    Offline,
    /// It was stopped on purpose, and does not count.
    Stopped,
}

/// One camera in the box's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameraState {
    /// Camera id.
    pub camera: String,
    /// Whether it delivers frames.
    pub state: CameraStatus,
}

/// The outbox in the box's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutboxState {
    /// Records on disk that the broker has not confirmed.
    pub waiting: u64,
    /// Records that could not be stored yet and are kept in memory.
    pub in_memory: u64,
}

/// Something that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What it is about: `outbox`, `broker`, `camera door`.
    pub about: String,
    /// What is wrong and what to do.
    pub text: String,
    /// Since when, UTC ms.
    pub since_ms: i64,
}

/// How right the counts of a line are, as a person's tally of random minutes showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditFigure {
    /// Camera id.
    pub camera: String,
    /// Line id.
    pub line: String,
    /// 1 - errors per person, weighted to all minutes; at most 1, below 0 where more was wrong than people came.
    #[serde(serialize_with = "thousandths")]
    pub accuracy: f64,
    /// Lower end of the 95 % interval.
    #[serde(serialize_with = "thousandths")]
    pub low: f64,
    /// Upper end of it.
    #[serde(serialize_with = "thousandths")]
    pub high: f64,
    /// Tallied minutes.
    pub minutes: u64,
    /// People tallied in them.
    pub people: u64,
    /// Start of the first tallied minute, UTC ms.
    pub from_ms: i64,
    /// End of the last one, UTC ms.
    pub to_ms: i64,
    /// Version of the geometry that was audited.
    pub geometry: String,
    /// Name of the network that was.
    pub model: String,
}

/// The message on `state`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Version.
    pub v: V1,
    /// What the box is doing.
    pub state: BoxStatus,
    /// Since when, UTC ms. In the last will nobody can know it: there it is when the lost
    /// connection was made, and the box went offline at some time after that.
    pub since_ms: i64,
    /// Name and version of the software.
    pub software: String,
    /// Whether the box's clock was set: false: its times may be wrong; absent in the last will and from older boxes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ok: Option<bool>,
    /// Every camera; empty in the last will.
    pub cameras: Vec<CameraState>,
    /// The outbox; absent in the last will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbox: Option<OutboxState>,
    /// What a person should look at; empty is good, except in the last will.
    pub problems: Vec<Problem>,
    /// Accuracy of the lines that were audited; absent where none was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audit: Vec<AuditFigure>,
}

/// Writes facts as numbered records, one JSON object a line, from `seq` 1.
#[derive(Debug)]
pub struct JsonLines<W: Write> {
    to: W,
    next_seq: u64,
}

impl<W: Write> JsonLines<W> {
    /// Starts at 1.
    pub const fn new(to: W) -> Self {
        Self { to, next_seq: 1 }
    }

    /// Writes one record, and says its number.
    ///
    /// # Errors
    /// What the writer says; the number is then not used up.
    pub fn write(&mut self, fact: Fact) -> std::io::Result<u64> {
        let record = Record { seq: self.next_seq, fact };
        let mut line = serde_json::to_vec(&record)?;
        line.push(b'\n');
        self.to.write_all(&line)?;
        self.next_seq += 1;
        Ok(record.seq)
    }

    /// Flushes, and hands the writer back.
    ///
    /// # Errors
    /// What the writer says.
    pub fn finish(mut self) -> std::io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }
}

/// Records from before there were planes were made on the picture.
fn plane_of_old() -> String {
    PlaneName::Image.to_string()
}

/// Before there was a watch for moved cameras, nothing was called not valid.
const fn valid_of_old() -> bool {
    true
}

fn whole_ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A number that is finite, with two decimals: JSON has no other.
fn hundredths<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(rounded(*value, 100.0))
}

/// The same with three decimals.
fn thousandths<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(rounded(*value, 1000.0))
}

fn rounded(value: f64, to: f64) -> f64 {
    let finite = if value.is_finite() { value } else { 0.0 };
    (finite * to).round() / to
}

/// A span as seconds with three decimals; exact for whole milliseconds.
mod seconds {
    use super::{Deserialize, Deserializer, Duration, Serializer, whole_ms};
    use serde::de::Error as _;

    pub(super) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(whole_ms(*span) as f64 / 1000.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        let span = Duration::try_from_secs_f64(seconds).map_err(D::Error::custom)?;
        // 0.059 s in binary is a hair under 59 ms; the writer meant 59.
        Ok(Duration::from_millis(whole_ms(span + Duration::from_micros(500))))
    }
}

#[cfg(test)]
mod tests;
