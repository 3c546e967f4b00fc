//! What the boxes themselves raise and end: conditions of cameras, queues, alarms. The newest record of each counts.

use super::{Rule, Subject, Verdict, Verdicts};
use crate::time::WallTime;
use crate::wire::v1::{Alarm, Alert, AlertAbout, CameraCondition, Fact};
use serde_json::json;
use std::collections::BTreeMap;

/// A record of a box.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenEvent {
    /// The box's store.
    pub store_id: i64,
    /// The box.
    pub box_name: String,
    /// What it says.
    pub fact: Fact,
}

/// What one record says: the subject, when it was decided, since when it is so if it is wrong, and with which values.
struct Said {
    subject: Subject,
    at: WallTime,
    wrong: Option<(WallTime, serde_json::Value)>,
    /// A dark picture is a fault only while the store is open.
    only_open: bool,
}

/// Judges what the boxes told of; `is_open` says whether a store is open now.
#[must_use]
pub fn about_events(events: &[SeenEvent], is_open: impl Fn(i64) -> bool) -> Verdicts {
    let mut newest: BTreeMap<Subject, Said> = BTreeMap::new();
    for said in events.iter().filter_map(said) {
        // Records may arrive out of their order, as after an outage.
        let is_newer = newest.get(&said.subject).is_none_or(|known| known.at <= said.at);
        if is_newer {
            newest.insert(said.subject.clone(), said);
        }
    }
    let verdict = |said: Said| {
        let verdict = match said.wrong {
            Some(_) if said.only_open && !is_open(said.subject.store_id) => return None,
            Some((since, values)) => Verdict::wrong(since, values),
            None => Verdict::Fine { since: said.at },
        };
        Some((said.subject, verdict))
    };
    newest.into_values().filter_map(verdict).collect()
}

fn said(event: &SeenEvent) -> Option<Said> {
    match &event.fact {
        Fact::CameraCondition(condition) => Some(of_condition(event, condition)),
        Fact::Alert(alert) => Some(of_queue(event, alert)),
        Fact::Alarm(alarm) => Some(of_alarm(event, alarm)),
        _ => None,
    }
}

fn subject(event: &SeenEvent, rule: Rule, parts: &[&str]) -> Subject {
    let about = std::iter::once(event.box_name.as_str()).chain(parts.iter().copied());
    Subject { rule, store_id: event.store_id, about: about.collect::<Vec<_>>().join("/") }
}

fn of_condition(event: &SeenEvent, condition: &CameraCondition) -> Said {
    let values = json!({
        "kind": condition.condition, "box": event.box_name, "camera": condition.camera, "detail": condition.detail,
    });
    Said {
        subject: subject(event, Rule::CameraMoved, &[&condition.camera, &condition.condition]),
        at: WallTime::from_unix_ms(condition.at_ms),
        wrong: condition.began.then(|| (WallTime::from_unix_ms(condition.since_ms), values)),
        only_open: condition.condition == "dark",
    }
}

fn of_queue(event: &SeenEvent, alert: &Alert) -> Said {
    let (kind, value, limit) = match alert.what {
        AlertAbout::QueueLength => ("length", alert.value, alert.limit),
        AlertAbout::QueueWait => ("wait", alert.value / 1000, alert.limit / 1000),
    };
    let values = json!({
        "kind": kind, "box": event.box_name, "zone": alert.zone, "value": value, "limit": limit,
    });
    Said {
        subject: subject(event, Rule::Queue, &[&alert.maker.camera, &alert.zone, kind]),
        at: WallTime::from_unix_ms(alert.at_ms),
        wrong: alert.raised.then(|| (WallTime::from_unix_ms(alert.since_ms), values)),
        only_open: false,
    }
}

fn of_alarm(event: &SeenEvent, alarm: &Alarm) -> Said {
    let kind = match alarm.reason {
        crate::wire::v1::Reason::Hours => "hours",
        crate::wire::v1::Reason::TooFew => "too_few",
    };
    let values = json!({ "kind": kind, "box": event.box_name, "zone": alarm.zone, "people": alarm.people });
    Said {
        subject: subject(event, Rule::Alarm, &[&alarm.maker.camera, &alarm.zone, kind]),
        at: WallTime::from_unix_ms(alarm.at_ms),
        wrong: alarm.raised.then(|| (WallTime::from_unix_ms(alarm.since_ms), values)),
        only_open: false,
    }
}
