//! What somebody should look at now: rules over what is stored, each fault raised once and ended.
//!
//! Every look gives a verdict for each thing that it can judge: wrong, or fine. What is not obvious: there is a third one. A box
//! that is silent while its store is closed is neither, and a queue that no record of the last days speaks of is neither; then the
//! alert stays as it is. So nothing ends at closing time to be raised again in the morning.
//!
//! The rules are pure. [`Watch::step`] reads what they need, and writes what changed together with what webhooks are told.

mod boxes;
mod events;
mod silence;
mod traffic;

pub use boxes::{BoxHealth, RolloutSeen, about_certificate, about_health, about_rollout};
pub use events::{SeenEvent, about_events};
pub use silence::{BoxSeen, StoreTime, about_box};
pub use traffic::{FAR, HourSeen, LEAST_DIFFERENCE, Usual, about_traffic, usual};

use crate::hq::store::alerts::{self as rows, NewAlert};
use crate::hq::store::clock::StoreClock;
use crate::hq::store::{Store, StoreError, fleet, webhooks};
use crate::time::WallTime;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Records of events are looked for at least so far back; what came later than that is no news.
const EVENTS_BACK: Duration = Duration::from_secs(48 * 3600);
/// Alerts that are over are kept so long.
const KEEP: Duration = Duration::from_secs(400 * 86_400);

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// Nothing comes from a box, or from one of its cameras, while its store is open.
    NoData,
    /// A camera was moved, is blocked, frozen or dark.
    CameraMoved,
    /// A queue is too long.
    Queue,
    /// Many more or fewer people than is usual for this hour and weekday.
    Traffic,
    /// Somebody is where nobody may be.
    Alarm,
    /// A box's certificate runs out soon.
    Certificate,
    /// A roll-out stopped, as boxes got worse or somebody said so.
    RolloutStopped,
    /// The disk of a box is nearly full.
    DiskFull,
    /// A box is too hot.
    TooHot,
    /// The clock of a box is not known to be right.
    Clock,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 10] = [
        Self::NoData,
        Self::CameraMoved,
        Self::Queue,
        Self::Traffic,
        Self::Alarm,
        Self::Certificate,
        Self::RolloutStopped,
        Self::DiskFull,
        Self::TooHot,
        Self::Clock,
    ];

    /// Its name in the API and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoData => "no_data",
            Self::CameraMoved => "camera_moved",
            Self::Queue => "queue",
            Self::Traffic => "traffic",
            Self::Alarm => "alarm",
            Self::Certificate => "certificate",
            Self::RolloutStopped => "rollout_stopped",
            Self::DiskFull => "disk_full",
            Self::TooHot => "too_hot",
            Self::Clock => "clock",
        }
    }

    /// The rule of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

/// What an alert is about: one is open for each of these at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The rule.
    pub rule: Rule,
    /// The store.
    pub store_id: i64,
    /// What in it, from the box down: `box`, `box/camera`, `box/camera/moved`, `box/camera/zone/queue_wait`; `store` for all of it;
    /// `rollout-7` for a roll-out.
    pub about: String,
}

/// What a look says of a subject. Where it says nothing, an alert stays as it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Wrong, since then, with values for the sentence of the pages' catalogue.
    Wrong {
        /// Since when.
        since: WallTime,
        /// Names and numbers.
        values: Map<String, Value>,
    },
    /// Fine, since then.
    Fine {
        /// Since when.
        since: WallTime,
    },
}

impl Verdict {
    /// Wrong since then; `values` is a JSON object.
    fn wrong(since: WallTime, values: Value) -> Self {
        let Value::Object(values) = values else { unreachable!("the rules give objects only") };
        Self::Wrong { since, values }
    }
}

/// What a look found.
pub type Verdicts = BTreeMap<Subject, Verdict>;

/// An alert that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAlert {
    /// Its row.
    pub alert_id: i64,
    /// What it is about.
    pub subject: Subject,
    /// Since when.
    pub began: WallTime,
    /// Whether its store or its box is no longer in the register.
    pub is_retired: bool,
}

/// What is to be raised and ended, so that what is open is what is wrong.
#[must_use]
pub fn changes(
    open: &[OpenAlert],
    verdicts: &Verdicts,
    now: WallTime,
) -> (Vec<Subject>, Vec<(i64, WallTime)>) {
    let is_wrong = |verdict: &Verdict| matches!(verdict, Verdict::Wrong { .. });
    let is_open = |subject: &Subject| open.iter().any(|alert| alert.subject == *subject);
    let wrong = verdicts.iter().filter(|(_, verdict)| is_wrong(verdict));
    let raise = wrong.map(|(subject, _)| subject).filter(|subject| !is_open(subject)).cloned().collect();
    let end = open.iter().filter_map(|alert| match verdicts.get(&alert.subject) {
        _ if alert.is_retired => Some((alert.alert_id, now)),
        // An end before the begin is a clock that was set; the alert is over all the same.
        Some(Verdict::Fine { since }) => Some((alert.alert_id, (*since).max(alert.began))),
        _ => None,
    });
    (raise, end.collect())
}

/// How patient the watch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// How long a box, or a camera, may be silent while its store is open.
    pub silence: Duration,
}

impl Default for Watch {
    /// 15 minutes: a box sends once a minute, and a router needs five to start again.
    fn default() -> Self {
        Self { silence: Duration::from_secs(15 * 60) }
    }
}

/// What a look changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Looked {
    /// Alerts that were raised.
    pub raised: usize,
    /// Alerts that ended.
    pub ended: usize,
}

impl Watch {
    /// Looks once. Meant to be called every minute or so.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing has changed, and the next look finds the same.
    pub fn step(&self, store: &Store, now: WallTime) -> Result<Looked, StoreError> {
        let (open, verdicts) = store.read(|ask| {
            let open = rows::open(ask)?;
            let mut verdicts = Verdicts::new();
            self.look_at_stores(ask, now, &mut verdicts)?;
            Ok((open, verdicts))
        })?;
        let (raise, end) = changes(&open, &verdicts, now);
        let looked = Looked { raised: raise.len(), ended: end.len() };
        if looked == Looked::default() {
            return Ok(looked);
        }
        store.write::<_, StoreError>(|all| {
            for (alert_id, at) in end {
                let ended = rows::end(all, alert_id, at)?;
                webhooks::queue(all, &ended, "alert_ended", now)?;
            }
            for subject in &raise {
                let Some(Verdict::Wrong { since, values }) = verdicts.get(subject) else { continue };
                let detail = json!({ "key": key_of(subject, values), "values": values });
                let new = NewAlert { subject, began: *since, detail: detail.to_string() };
                let raised = rows::raise(all, &new)?;
                webhooks::queue(all, &raised, "alert_began", now)?;
            }
            rows::forget(all, now - KEEP)?;
            Ok(())
        })?;
        Ok(looked)
    }

    fn look_at_stores(
        &self,
        ask: &rows::Asking,
        now: WallTime,
        verdicts: &mut Verdicts,
    ) -> Result<(), rows::Failed> {
        let mut open_stores = BTreeMap::new();
        for store_id in rows::stores(ask)? {
            let mut clock = StoreClock::load(ask, store_id)?;
            let time = store_time(&mut clock, now);
            let hours = rows::hours_like_the_last(ask, store_id, now)?;
            verdicts.extend(about_traffic(store_id, &hours, now));
            open_stores.insert(store_id, time);
        }
        for seen in rows::boxes(ask)? {
            if let Some(time) = open_stores.get(&seen.store_id) {
                verdicts.extend(about_box(&seen, *time, self.silence, now));
            }
        }
        let since = rows::oldest_open(ask)?.map_or(now - EVENTS_BACK, |began| began.min(now - EVENTS_BACK));
        let is_open =
            |store_id: i64| open_stores.get(&store_id).is_some_and(|time| time.open_since.is_some());
        verdicts.extend(about_events(&rows::events(ask, since)?, is_open));
        for seen in fleet::told::every_health(ask)? {
            if open_stores.contains_key(&seen.store_id) {
                verdicts.extend(about_health(&seen, now));
            }
        }
        for (store_id, name, until) in fleet::certificates::ends(ask)? {
            if open_stores.contains_key(&store_id) {
                verdicts.extend([about_certificate((store_id, &name), until, now)]);
            }
        }
        let rollouts = fleet::rollouts::for_alerts(ask)?;
        verdicts.extend(rollouts.iter().map(|seen| about_rollout(seen, now)));
        Ok(())
    }
}

/// Whether the store is open, and since when. A look back of a day is enough for any silence that is asked for.
fn store_time(clock: &mut StoreClock, now: WallTime) -> StoreTime {
    let calendar = clock.calendar_at(now);
    let day = crate::calendar::TimeSpan {
        start: now - Duration::from_secs(86_400),
        end: now + Duration::from_millis(1),
    };
    let open = calendar.schedule().open_within(day);
    StoreTime { open_since: open.into_iter().find(|span| span.holds(now)).map(|span| span.start) }
}

/// The sentence in the pages' catalogue.
fn key_of(subject: &Subject, values: &Map<String, Value>) -> String {
    let kind = values.get("kind").and_then(Value::as_str);
    kind.map_or_else(|| subject.rule.name().to_owned(), |kind| format!("{}_{kind}", subject.rule.name()))
}

#[cfg(test)]
mod tests;
