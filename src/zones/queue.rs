//! People who wait in a zone to be served.
//!
//! Whoever visits the zone waits, from entering it, until they have stood at the service point for a while; that moment
//! is then put where they stepped up. Passing the service point on the way out is not being served. Somebody who leaves without that has given up.

use super::presence::Presence;
use super::presence::SETTLED_AFTER;
use super::{AlertSettings, QueueSettings, Standing, StayId, Visit, VisitEnd, ZoneStep};
use crate::ids::{TrackId, ZoneId};
use crate::time::FrameTime;
use std::time::Duration;

/// Somebody waited, and was served or not.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueVisit {
    /// Which zone.
    pub zone: ZoneId,
    /// Whose: the track that joined.
    pub track: TrackId,
    /// When they joined.
    pub joined: FrameTime,
    /// When they stepped up to the service point; none where they never did.
    pub served: Option<FrameTime>,
    /// When they left.
    pub left: FrameTime,
    /// Whether they were seen to leave without being served. Somebody who was lost from view has not given up.
    pub abandoned: bool,
    /// Whether this was staff, as far as was known.
    pub staff: bool,
}

impl QueueVisit {
    /// How long they waited, by the even clock.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.served.unwrap_or(self.left).since(self.joined)
    }

    /// How long they were served; none where they were not.
    #[must_use]
    pub fn service(&self) -> Option<Duration> {
        self.served.map(|served| self.left.since(served))
    }
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum QueueAlertKind {
    /// So many people wait.
    Length {
        /// How many, at the moment.
        people: usize,
        /// Above how many it is raised, or at how many it is cleared.
        limit: usize,
    },
    /// Somebody waits for so long.
    Wait {
        /// The longest of those who wait.
        longest: Duration,
        /// Above what it is raised, or at what it is cleared.
        limit: Duration,
    },
}

/// A queue has been too long for a while, or no more.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueAlert {
    /// Which zone.
    pub zone: ZoneId,
    /// What about.
    pub what: QueueAlertKind,
    /// Whether it is raised; otherwise cleared.
    pub raised: bool,
    /// When.
    pub at: FrameTime,
    /// Since when it has been so.
    pub since: FrameTime,
}

/// What happened in a queue.
#[derive(Debug, Clone, PartialEq)]
pub enum QueueStep {
    /// Somebody has joined, who did so then.
    Joined {
        /// When.
        at: FrameTime,
    },
    /// Somebody waited from one time to another.
    Waited {
        /// Which stay.
        stay: StayId,
        /// From then ...
        from: FrameTime,
        /// ... until then.
        until: FrameTime,
    },
    /// Somebody was served, beginning then.
    Served {
        /// When they stepped up.
        at: FrameTime,
        /// How long they had waited.
        wait: Duration,
    },
    /// Somebody who waited has left.
    Left(QueueVisit),
    /// The queue is too long, or no more.
    Alert(QueueAlert),
}

/// The queue of one zone.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    zone: ZoneId,
    settings: QueueSettings,
    people: Vec<Waiting>,
    length: Option<Alarmist<usize>>,
    wait: Option<Alarmist<Duration>>,
}

#[derive(Debug, Clone)]
struct Waiting {
    stay: StayId,
    /// When it joined, once its stay is a visit.
    joined: Option<FrameTime>,
    /// Since when it has stood at the service point without a break.
    at_service: Option<FrameTime>,
    /// When it was seen there last.
    seen_at_service: FrameTime,
    served: Option<FrameTime>,
    is_served_told: bool,
    /// Up to when its waiting has been told.
    told: FrameTime,
}

impl Queue {
    pub(super) fn new(zone: ZoneId, settings: QueueSettings) -> Self {
        Self {
            zone,
            length: settings.length.map(Alarmist::new),
            wait: settings.wait.map(Alarmist::new),
            settings,
            people: Vec::new(),
        }
    }

    /// Whether somebody stands where people are served.
    pub(super) fn serves(&self, standing: &Standing) -> bool {
        self.settings.service.contains(standing)
    }

    /// Takes one sighting of somebody in the zone.
    pub(super) fn see(&mut self, stay: StayId, in_service: bool, at: FrameTime) {
        let at = super::presence::in_whole_ms(at);
        let place = self.people.iter().position(|waiting| waiting.stay == stay);
        let place = place.unwrap_or_else(|| {
            self.people.push(Waiting::new(stay, at));
            self.people.len() - 1
        });
        self.people[place].see(in_service, at, self.settings.served_after);
    }

    /// Takes what presence said of a stay.
    pub(super) fn take(&mut self, step: &ZoneStep, out: &mut Vec<ZoneStep>) {
        match step {
            ZoneStep::Began { stay, at, .. } => {
                if let Some(waiting) = self.people.iter_mut().find(|waiting| waiting.stay == *stay) {
                    (waiting.joined, waiting.told) = (Some(*at), *at);
                    out.push(ZoneStep::Queue(QueueStep::Joined { at: *at }));
                }
            }
            ZoneStep::Stayed { stay, until, .. } => {
                if let Some(waiting) = self.people.iter_mut().find(|waiting| waiting.stay == *stay) {
                    waiting.tell(*until, out);
                }
            }
            ZoneStep::Ended { stay, visit } => self.leave(*stay, visit, out),
            _ => {}
        }
    }

    fn leave(&mut self, stay: StayId, visit: &Visit, out: &mut Vec<ZoneStep>) {
        let Some(place) = self.people.iter().position(|waiting| waiting.stay == stay) else { return };
        let mut waiting = self.people.swap_remove(place);
        if waiting.served.is_none() {
            // Whoever stepped up for a moment and went has waited to the end.
            waiting.at_service = None;
            waiting.tell(visit.leave, out);
        }
        out.push(ZoneStep::Queue(QueueStep::Left(QueueVisit {
            zone: self.zone.clone(),
            track: visit.track,
            joined: visit.enter,
            served: waiting.served,
            left: visit.leave,
            abandoned: waiting.served.is_none() && visit.end == VisitEnd::Left,
            staff: visit.staff,
        })));
    }

    /// How many wait.
    pub(super) fn length(&self) -> usize {
        self.waiting().count()
    }

    fn waiting(&self) -> impl Iterator<Item = FrameTime> + '_ {
        let unserved =
            self.people.iter().filter(|person| person.served.is_none() && person.at_service.is_none());
        unserved.filter_map(|person| person.joined)
    }

    /// Lets time go by: alerts, and forgetting whose stay came to nothing.
    pub(super) fn settle(&mut self, now: FrameTime, presence: &Presence, out: &mut Vec<ZoneStep>) {
        self.people.retain(|waiting| presence.goes_on(waiting.stay));
        let people = self.length();
        let longest = self.waiting().map(|joined| now.since(joined)).max().unwrap_or_default();
        let alert = |what, (raised, since): (bool, FrameTime)| {
            let zone = self.zone.clone();
            ZoneStep::Queue(QueueStep::Alert(QueueAlert { zone, what, raised, at: now, since }))
        };
        if let Some((limit, news)) = self.length.as_mut().and_then(|length| length.look(people, now)) {
            out.push(alert(QueueAlertKind::Length { people, limit }, news));
        }
        if let Some((limit, news)) = self.wait.as_mut().and_then(|wait| wait.look(longest, now)) {
            out.push(alert(QueueAlertKind::Wait { longest, limit }, news));
        }
    }
}

impl Waiting {
    fn new(stay: StayId, at: FrameTime) -> Self {
        Self {
            stay,
            joined: None,
            at_service: None,
            seen_at_service: at,
            served: None,
            is_served_told: false,
            told: at,
        }
    }

    fn see(&mut self, in_service: bool, at: FrameTime, served_after: Duration) {
        if self.served.is_some() {
            return;
        }
        if !in_service {
            // A foot that flickers over the edge has not left.
            if at.since(self.seen_at_service) > SETTLED_AFTER {
                self.at_service = None;
            }
            return;
        }
        self.seen_at_service = at;
        let since = *self.at_service.get_or_insert(at);
        if at.since(since) >= served_after {
            self.served = Some(since);
        }
    }

    /// Tells how long it has waited, as far as that is decided.
    fn tell(&mut self, until: FrameTime, out: &mut Vec<ZoneStep>) {
        let Some(joined) = self.joined else { return };
        let end = self.served.or(self.at_service).filter(|end| end.elapsed < until.elapsed).unwrap_or(until);
        if end.elapsed > self.told.elapsed {
            out.push(ZoneStep::Queue(QueueStep::Waited { stay: self.stay, from: self.told, until: end }));
            self.told = end;
        }
        if let Some(at) = self.served.filter(|_| !self.is_served_told) {
            self.is_served_told = true;
            out.push(ZoneStep::Queue(QueueStep::Served { at, wait: at.since(joined) }));
        }
    }
}

/// Raises where a value stays above a limit for a while, and clears where it stays at a lower one for as long.
#[derive(Debug, Clone)]
struct Alarmist<T> {
    settings: AlertSettings<T>,
    is_raised: bool,
    /// Since when the value says otherwise than the alert.
    differs_since: Option<FrameTime>,
}

impl<T: PartialOrd + Copy> Alarmist<T> {
    fn new(settings: AlertSettings<T>) -> Self {
        Self { settings, is_raised: false, differs_since: None }
    }

    /// Gives the limit that counted, and what is news: whether it is raised, and since when it has been so.
    fn look(&mut self, value: T, now: FrameTime) -> Option<(T, (bool, FrameTime))> {
        let AlertSettings { above, clear_at, during } = self.settings;
        let differs = if self.is_raised { value <= clear_at } else { value > above };
        if !differs {
            self.differs_since = None;
            return None;
        }
        let since = *self.differs_since.get_or_insert(now);
        if now.since(since) < during {
            return None;
        }
        self.differs_since = None;
        self.is_raised = !self.is_raised;
        Some((if self.is_raised { above } else { clear_at }, (self.is_raised, since)))
    }
}
