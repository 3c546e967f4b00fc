//! Who is in which zone, for how long, and what follows from it: visits, queues and alarms.
//!
//! A zone counts *stays*: from the first moment inside to the last. A stay that lasted [`ZoneSettings::visit_after`] is a
//! visit, and only visits are told. All sums are of visits' stays: a minute's person-milliseconds are cut out
//! of the same stays that the visits' dwell is made of, so the two always add up to the same.

mod presence;
mod queue;
mod restricted;
mod settings;
mod standing;

pub use queue::{QueueAlert, QueueAlertKind, QueueStep, QueueVisit};
pub use restricted::{ALARM_POINTS, Alarm, AlarmPoint, AlarmReason, AlarmSpace};
pub use settings::{
    AlertSettings, Allowed, AllowedHours, Area, DEFAULT_ENGAGED_AFTER, DEFAULT_LEAVE_AFTER,
    DEFAULT_VISIT_AFTER, QueueSettings, RestrictionSettings, VisitRule, ZoneSettings,
};
pub use standing::{Ground, Standing};

use crate::ids::{TrackId, ZoneId};
use crate::time::FrameTime;
use presence::Presence;
use queue::Queue;
use restricted::Watch;
use std::time::Duration;

/// One stay of one person in one zone, within a run; a person whose track was lost and found again keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StayId(pub u64);

/// Why a visit is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitEnd {
    /// The person was seen outside the zone.
    Left,
    /// The person was lost from view inside it, and nobody appeared there in time.
    Lost,
    /// The run ended while the person was there.
    Stopped,
}

/// Somebody was in a zone for long enough.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    /// Which zone.
    pub zone: ZoneId,
    /// Whose: the track that entered. It may have gone on as another one.
    pub track: TrackId,
    /// First moment inside.
    pub enter: FrameTime,
    /// Last moment inside.
    pub leave: FrameTime,
    /// Whether it lasted as long as an engaged visit has to.
    pub engaged: bool,
    /// Whether this was staff, as far as was known when it ended.
    pub staff: bool,
    /// Why it is over.
    pub end: VisitEnd,
    /// What it had to be to count.
    pub rule: VisitRule,
}

impl Visit {
    /// How long it lasted, by the even clock, in whole milliseconds.
    #[must_use]
    pub fn dwell(&self) -> Duration {
        self.leave.since(self.enter)
    }
}

/// What happened in a zone. Spans of one stay never overlap and leave nothing out.
#[derive(Debug, Clone, PartialEq)]
pub enum ZoneStep {
    /// A stay has become a visit, which began then.
    Began {
        /// Which stay.
        stay: StayId,
        /// Whose: the track that entered.
        track: TrackId,
        /// When it began.
        at: FrameTime,
        /// Whether it is staff's.
        staff: bool,
    },
    /// A visit, which began then, has become an engaged one.
    Engaged {
        /// When it began.
        at: FrameTime,
    },
    /// A visitor was inside from one time to another.
    Stayed {
        /// Which stay.
        stay: StayId,
        /// From then ...
        from: FrameTime,
        /// ... until then.
        until: FrameTime,
        /// Whether it is staff's.
        staff: bool,
    },
    /// A visit that began at `at` and was told up to `until` turns out to be staff's.
    FoundToBeStaff {
        /// When it began.
        at: FrameTime,
        /// Up to where it was told.
        until: FrameTime,
    },
    /// A visit is over.
    Ended {
        /// Which stay.
        stay: StayId,
        /// What it came to.
        visit: Visit,
    },
    /// What happened in its queue.
    Queue(QueueStep),
    /// Presence that is not allowed began or ended.
    Alarm(Alarm),
}

/// How a zone is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneNow {
    /// Which zone.
    pub zone: ZoneId,
    /// People in it, also those whose stay is no visit yet.
    pub present: usize,
    /// Visits begun since the run did.
    pub visits: u64,
    /// People who wait; none where the zone is no queue.
    pub queue: Option<usize>,
}

/// The zones of one camera.
#[derive(Debug, Clone)]
pub struct Zones {
    zones: Vec<Zone>,
    /// Tracks that were seen before, in order: whoever is not among them may be somebody who was lost from view.
    known: Vec<TrackId>,
    /// Those of them that are staff.
    staff: Vec<TrackId>,
}

#[derive(Debug, Clone)]
struct Zone {
    settings: ZoneSettings,
    presence: Presence,
    queue: Option<Queue>,
    watch: Option<Watch>,
    visits: u64,
    /// Kept for its memory.
    steps: Vec<ZoneStep>,
}

impl Zones {
    /// Zones in which nobody has been yet.
    #[must_use]
    pub fn new(settings: Vec<ZoneSettings>) -> Self {
        Self { zones: settings.into_iter().map(Zone::new).collect(), known: Vec::new(), staff: Vec::new() }
    }

    /// Takes where somebody stands; those of one track come in the order of their times.
    pub fn see(&mut self, standing: &Standing) {
        let is_new = match self.known.binary_search(&standing.track) {
            Ok(_) => false,
            Err(at) => {
                self.known.insert(at, standing.track);
                true
            }
        };
        let is_staff = self.staff.contains(&standing.track);
        for zone in &mut self.zones {
            zone.see(standing, is_new);
            if is_staff {
                zone.presence.is_staff(standing.track, &mut zone.steps);
            }
        }
    }

    /// Forgets a track that has ended. Its stay lasts on for a while: somebody else may turn out to be it. Without this a
    /// camera that runs for a month remembers every shopper.
    pub fn forget(&mut self, track: TrackId) {
        if let Ok(at) = self.known.binary_search(&track) {
            self.known.remove(at);
            self.staff.retain(|staff| *staff != track);
        }
    }

    /// Says that a track is staff's: all its stays that are not over, from their beginning.
    pub fn is_staff(&mut self, track: TrackId) {
        if self.known.binary_search(&track).is_ok() && !self.staff.contains(&track) {
            self.staff.push(track);
        }
        self.zones.iter_mut().for_each(|zone| zone.presence.is_staff(track, &mut zone.steps));
    }

    /// Says when presence is allowed in zones that go by the store's hours.
    pub fn allowed_hours(&mut self, hours: &AllowedHours) {
        let watches = self.zones.iter_mut().filter_map(|zone| zone.watch.as_mut());
        watches.for_each(|watch| watch.allowed_hours(hours));
    }

    /// Lets time go by, after everybody of a frame was seen; what is decided now is added to `out` with the zone's place
    /// in the list.
    pub fn settle(&mut self, now: FrameTime, out: &mut Vec<(usize, ZoneStep)>) {
        for (place, zone) in self.zones.iter_mut().enumerate() {
            zone.settle(now);
            out.extend(zone.steps.drain(..).map(|step| (place, step)));
        }
    }

    /// Ends the run: whoever is still there is told as a visit that was stopped.
    pub fn finish(&mut self, now: FrameTime, out: &mut Vec<(usize, ZoneStep)>) {
        for (place, zone) in self.zones.iter_mut().enumerate() {
            zone.finish(now);
            out.extend(zone.steps.drain(..).map(|step| (place, step)));
        }
    }

    /// How every zone is now.
    pub fn now(&self) -> impl Iterator<Item = ZoneNow> + '_ {
        self.zones.iter().map(|zone| ZoneNow {
            zone: zone.settings.id.clone(),
            present: zone.presence.present(),
            visits: zone.visits,
            queue: zone.queue.as_ref().map(Queue::length),
        })
    }

    /// How many tracks and stays are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.known.len() + self.zones.iter().map(|zone| zone.presence.remembered()).sum::<usize>()
    }
}

impl Zone {
    fn new(settings: ZoneSettings) -> Self {
        Self {
            presence: Presence::new(&settings),
            queue: settings.queue.clone().map(|queue| Queue::new(settings.id.clone(), queue)),
            watch: settings.restriction.clone().map(|rule| Watch::new(settings.id.clone(), rule)),
            settings,
            visits: 0,
            steps: Vec::new(),
        }
    }

    fn see(&mut self, standing: &Standing, is_new: bool) {
        let in_service = self.queue.as_ref().is_some_and(|queue| queue.serves(standing));
        let inside = in_service || self.settings.area.contains(standing);
        let stay = self.presence.see(standing, inside, is_new);
        if let (Some(queue), Some(stay)) = (&mut self.queue, stay) {
            queue.see(stay, in_service, standing.at);
        }
        if let (Some(watch), Some(stay)) = (&mut self.watch, stay) {
            watch.see(stay, standing);
        }
    }

    fn settle(&mut self, now: FrameTime) {
        self.presence.settle(now, &mut self.steps);
        self.follow(now);
        if let Some(watch) = &mut self.watch {
            watch.settle(now, &self.presence, &mut self.steps);
        }
    }

    fn finish(&mut self, now: FrameTime) {
        self.presence.finish(&mut self.steps);
        self.follow(now);
        if let Some(watch) = &mut self.watch {
            watch.finish(now, &mut self.steps);
        }
    }

    /// Counts the visits, and lets the queue take what presence said.
    fn follow(&mut self, now: FrameTime) {
        let told = self.steps.len();
        for place in 0..told {
            if matches!(self.steps[place], ZoneStep::Began { .. }) {
                self.visits += 1;
            }
            if let Some(queue) = &mut self.queue {
                // A step is small, and cloning it copies an id by its counter only.
                let step = self.steps[place].clone();
                queue.take(&step, &mut self.steps);
            }
        }
        if let Some(queue) = &mut self.queue {
            queue.settle(now, &self.presence, &mut self.steps);
        }
    }
}

#[cfg(test)]
mod tests;
