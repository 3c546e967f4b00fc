//! Records of zones: visits, queues, alerts and alarms.

use super::{Fact, MadeBy, seconds, whole_ms};
use crate::analytics::{self, Present};
use crate::zones::{self, AlarmSpace, QueueAlertKind, VisitEnd, VisitRule};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::time::Duration;

/// What a record of a zone was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maker {
    /// Camera id.
    pub camera: String,
    /// Name of the network.
    pub model: String,
    /// Version of the geometry.
    pub geometry: String,
    /// On which plane people were followed when the record was made out.
    pub plane: String,
    /// When the camera's run began, UTC ms.
    pub run: i64,
}

impl Maker {
    fn of(made_by: &MadeBy) -> Self {
        Self {
            camera: made_by.camera.to_string(),
            model: made_by.model.clone(),
            geometry: made_by.geometry.clone(),
            plane: made_by.plane.to_string(),
            run: made_by.run.unix_ms(),
        }
    }
}

/// What a stay has to be to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// A stay that lasted this long is a visit, ms.
    pub visit_after_ms: u64,
    /// It is over when the person was not seen inside for this long, ms.
    pub leave_after_ms: u64,
    /// A visit that lasted this long is an engaged one, ms.
    pub engaged_after_ms: u64,
}

impl From<VisitRule> for Rule {
    fn from(rule: VisitRule) -> Self {
        Self {
            visit_after_ms: whole_ms(rule.visit_after),
            leave_after_ms: whole_ms(rule.leave_after),
            engaged_after_ms: whole_ms(rule.engaged_after),
        }
    }
}

/// Why a visit is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The person was seen outside.
    Left,
    /// The person was lost from view.
    Lost,
    /// The run ended.
    Stopped,
}

/// Somebody was in a zone for long enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Zone id.
    pub zone: String,
    /// Track id of whoever entered, unique within `run`, never an identity.
    pub track: u64,
    /// First moment inside, UTC ms.
    pub enter_ms: i64,
    /// Last moment inside, UTC ms.
    pub leave_ms: i64,
    /// Between the two by a clock that nobody sets, ms.
    pub dwell_ms: u64,
    /// Whether it was an engaged visit.
    pub engaged: bool,
    /// Whether this was staff, as far as was known.
    pub staff: bool,
    /// Why it is over.
    pub end: End,
    /// What it had to be to count.
    pub rule: Rule,
    /// What it was made with.
    #[serde(flatten)]
    pub maker: Maker,
}

/// How many there were at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
    /// On the average.
    pub mean: Decimal<1000>,
}

impl From<Present> for Range {
    fn from(present: Present) -> Self {
        Self { min: present.min, max: present.max, mean: Decimal::of(present.mean) }
    }
}

/// A number that is written with as many decimals as `PER_ONE` has zeros, and is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal<const PER_ONE: u32>(pub i64);

impl<const PER_ONE: u32> Decimal<PER_ONE> {
    /// The nearest to a number; 0 for one that is none.
    #[must_use]
    pub fn of(value: f64) -> Self {
        // A cast saturates, and makes 0 of what is no number.
        Self((value * f64::from(PER_ONE)).round() as i64)
    }

    /// The number.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0 as f64 / f64::from(PER_ONE)
    }
}

impl<const PER_ONE: u32> Serialize for Decimal<PER_ONE> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.value())
    }
}

impl<'de, const PER_ONE: u32> Deserialize<'de> for Decimal<PER_ONE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::of)
    }
}

/// What one zone counted in one minute, or in a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneMinute {
    /// Zone id.
    pub zone: String,
    /// Start of the minute, UTC ms, a multiple of 60,000.
    pub start_ms: i64,
    /// How much was really seen; on the wire seconds with up to three decimals.
    #[serde(rename = "seen_s", with = "seconds")]
    pub seen: Duration,
    /// Frames that were looked at.
    pub frames: u32,
    /// Whether other parts of this minute may exist. Parts add up, but for `present`.
    pub part: bool,
    /// Whether the zone lay where it was drawn.
    pub valid: bool,
    /// Visits that began in it.
    pub visits: u32,
    /// Those that were, or became, engaged ones.
    pub engaged: u32,
    /// Those that were staff's.
    pub staff_visits: u32,
    /// Visitors at a time; absent where nothing was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<Range>,
    /// Time that visitors were there, all added up, ms.
    pub person_ms: u64,
    /// That of staff, ms.
    pub staff_person_ms: u64,
    /// What a stay had to be to count.
    pub rule: Rule,
    /// What it was made with.
    #[serde(flatten)]
    pub maker: Maker,
}

/// Somebody waited in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Zone id.
    pub zone: String,
    /// Track id of whoever joined.
    pub track: u64,
    /// When they joined, UTC ms.
    pub joined_ms: i64,
    /// When they stepped up to be served, UTC ms; absent where they never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served_ms: Option<i64>,
    /// When they left, UTC ms.
    pub left_ms: i64,
    /// How long they waited, ms.
    pub wait_ms: u64,
    /// How long they were served, ms; absent where they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_ms: Option<u64>,
    /// Whether they were seen to leave without being served.
    pub abandoned: bool,
    /// Whether this was staff, as far as was known.
    pub staff: bool,
    /// What it was made with.
    #[serde(flatten)]
    pub maker: Maker,
}

/// What one queue came to in one minute, or in a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueMinute {
    /// Zone id.
    pub zone: String,
    /// Start of the minute, UTC ms, a multiple of 60,000.
    pub start_ms: i64,
    /// How much was really seen; on the wire seconds with up to three decimals.
    #[serde(rename = "seen_s", with = "seconds")]
    pub seen: Duration,
    /// Whether other parts of this minute may exist. Parts add up, but for `length` and `longest_wait_ms`.
    pub part: bool,
    /// Whether the zone lay where it was drawn.
    pub valid: bool,
    /// People who waited at a time; absent where nothing was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<Range>,
    /// People who joined.
    pub joined: u32,
    /// People whose service began.
    pub served: u32,
    /// People who left without being served.
    pub abandoned: u32,
    /// Waits that ended, one way or the other.
    pub waits: u32,
    /// How long those were, all added up, ms.
    pub wait_ms: u64,
    /// The longest of them, ms.
    pub longest_wait_ms: u64,
    /// How long those were served who left, all added up, ms.
    pub service_ms: u64,
    /// What it was made with.
    #[serde(flatten)]
    pub maker: Maker,
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertAbout {
    /// How many people wait.
    QueueLength,
    /// How long somebody waits, ms.
    QueueWait,
}

/// A queue has been too long for a while, or no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Zone id.
    pub zone: String,
    /// What about.
    pub what: AlertAbout,
    /// Whether it is raised; otherwise cleared.
    pub raised: bool,
    /// When, UTC ms.
    pub at_ms: i64,
    /// Since when it has been so, UTC ms.
    pub since_ms: i64,
    /// People, or ms.
    pub value: u64,
    /// The limit that was passed, people or ms.
    pub limit: u64,
    /// What it was made with.
    #[serde(flatten)]
    pub maker: Maker,
}

/// Why presence is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is not the time.
    Hours,
    /// There are too few people.
    TooFew,
}

/// In which space places are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathSpace {
    /// Metres on the floor.
    FloorM,
    /// Px of the configured picture.
    ImagePx,
}

/// Presence that is not allowed has lasted for a while, or is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Zone id.
    pub zone: String,
    /// Why.
    pub reason: Reason,
    /// Whether it is raised; otherwise cleared.
    pub raised: bool,
    /// When, UTC ms.
    pub at_ms: i64,
    /// Since when, UTC ms.
    pub since_ms: i64,
    /// How many people there are; where it is cleared, how many there were at most.
    pub people: u32,
    /// In which space the path lies.
    pub space: PathSpace,
    /// Where whoever was there first has been: ms since the first point, x and y; oldest first.
    pub path: Vec<(u64, Decimal<100>, Decimal<100>)>,
    /// What it was made with.
    #[serde(flatten)]
    pub maker: Maker,
}

impl Fact {
    /// A visit, as its camera made it.
    #[must_use]
    pub fn visit(made_by: &MadeBy, visit: &zones::Visit) -> Self {
        Self::Visit(Visit {
            zone: visit.zone.to_string(),
            track: visit.track.0,
            enter_ms: visit.enter.wall.unix_ms(),
            leave_ms: visit.leave.wall.unix_ms(),
            dwell_ms: whole_ms(visit.dwell()),
            engaged: visit.engaged,
            staff: visit.staff,
            end: match visit.end {
                VisitEnd::Left => End::Left,
                VisitEnd::Lost => End::Lost,
                VisitEnd::Stopped => End::Stopped,
            },
            rule: visit.rule.into(),
            maker: Maker::of(made_by),
        })
    }

    /// A zone's minute, as its camera made it.
    #[must_use]
    pub fn zone_minute(made_by: &MadeBy, minute: &analytics::ZoneMinute) -> Self {
        Self::ZoneMinute(ZoneMinute {
            zone: minute.zone.to_string(),
            start_ms: minute.start.unix_ms(),
            seen: Duration::from_millis(whole_ms(minute.seen)),
            frames: minute.frames,
            part: minute.part,
            valid: minute.valid,
            visits: minute.visits,
            engaged: minute.engaged,
            staff_visits: minute.staff_visits,
            present: minute.present.map(Range::from),
            person_ms: whole_ms(minute.person),
            staff_person_ms: whole_ms(minute.staff_person),
            rule: minute.rule.into(),
            maker: Maker::of(made_by),
        })
    }

    /// Somebody who waited, as their camera saw it.
    #[must_use]
    pub fn queue(made_by: &MadeBy, queued: &zones::QueueVisit) -> Self {
        Self::Queue(Queue {
            zone: queued.zone.to_string(),
            track: queued.track.0,
            joined_ms: queued.joined.wall.unix_ms(),
            served_ms: queued.served.map(|served| served.wall.unix_ms()),
            left_ms: queued.left.wall.unix_ms(),
            wait_ms: whole_ms(queued.wait()),
            service_ms: queued.service().map(whole_ms),
            abandoned: queued.abandoned,
            staff: queued.staff,
            maker: Maker::of(made_by),
        })
    }

    /// A queue's minute, as its camera made it.
    #[must_use]
    pub fn queue_minute(made_by: &MadeBy, minute: &analytics::QueueMinute) -> Self {
        Self::QueueMinute(QueueMinute {
            zone: minute.zone.to_string(),
            start_ms: minute.start.unix_ms(),
            seen: Duration::from_millis(whole_ms(minute.seen)),
            part: minute.part,
            valid: minute.valid,
            length: minute.length.map(Range::from),
            joined: minute.joined,
            served: minute.served,
            abandoned: minute.abandoned,
            waits: minute.waits,
            wait_ms: whole_ms(minute.wait),
            longest_wait_ms: whole_ms(minute.longest_wait),
            service_ms: whole_ms(minute.service),
            maker: Maker::of(made_by),
        })
    }

    /// An alert of a queue, as its camera made it.
    #[must_use]
    pub fn alert(made_by: &MadeBy, alert: &zones::QueueAlert) -> Self {
        let (what, value, limit) = match alert.what {
            QueueAlertKind::Length { people, limit } => {
                (AlertAbout::QueueLength, people as u64, limit as u64)
            }
            QueueAlertKind::Wait { longest, limit } => {
                (AlertAbout::QueueWait, whole_ms(longest), whole_ms(limit))
            }
        };
        Self::Alert(Alert {
            zone: alert.zone.to_string(),
            what,
            raised: alert.raised,
            at_ms: alert.at.wall.unix_ms(),
            since_ms: alert.since.wall.unix_ms(),
            value,
            limit,
            maker: Maker::of(made_by),
        })
    }

    /// An alarm, as its camera made it.
    #[must_use]
    pub fn alarm(made_by: &MadeBy, alarm: &zones::Alarm) -> Self {
        let point = |p: &zones::AlarmPoint| (whole_ms(p.after), Decimal::of(p.x), Decimal::of(p.y));
        Self::Alarm(Alarm {
            zone: alarm.zone.to_string(),
            reason: match alarm.reason {
                zones::AlarmReason::Hours => Reason::Hours,
                zones::AlarmReason::TooFew => Reason::TooFew,
            },
            raised: alarm.raised,
            at_ms: alarm.at.wall.unix_ms(),
            since_ms: alarm.since.wall.unix_ms(),
            people: u32::try_from(alarm.people).unwrap_or(u32::MAX),
            space: match alarm.space {
                AlarmSpace::Floor => PathSpace::FloorM,
                AlarmSpace::Image => PathSpace::ImagePx,
            },
            path: alarm.path.iter().map(point).collect(),
            maker: Maker::of(made_by),
        })
    }
}

/// One zone as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneNow {
    /// Zone id.
    pub zone: String,
    /// People in it, also those whose stay is no visit yet.
    pub present: u64,
    /// Visits begun since the camera's run did.
    pub visits: u64,
    /// People who wait; absent where the zone is no queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<u64>,
}

impl From<&zones::ZoneNow> for ZoneNow {
    fn from(now: &zones::ZoneNow) -> Self {
        Self {
            zone: now.zone.to_string(),
            present: now.present as u64,
            visits: now.visits,
            queue: now.queue.map(|people| people as u64),
        }
    }
}
