//! Sums of zones by the minute: visits, and how many visitors were there.
//!
//! All of it is cut out of the visits' own stays, in whole milliseconds: over all minutes the presence of visitors adds up
//! to the sum of their dwell exactly. What was there on the average, at least and at most is over the time that the
//! camera saw, and is not there at all where it saw nothing.

use super::book::{Closed, MinuteBook, pieces};
use crate::ids::ZoneId;
use crate::time::{FrameTime, WallTime};
use crate::zones::{QueueStep, QueueVisit, StayId, Visit, VisitRule, ZoneSettings, ZoneStep};
use std::time::Duration;

/// How many people were there at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Present {
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
    /// On the average over the time.
    pub mean: f64,
}

/// What one zone counted in one minute, or in a part of one. Parts of a minute add up, but for `present`.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneMinute {
    /// Which zone.
    pub zone: ZoneId,
    /// Start of the minute.
    pub start: WallTime,
    /// How much of the minute the camera really saw.
    pub seen: Duration,
    /// Frames that were looked at.
    pub frames: u32,
    /// Whether this is only a part: the run began or ended within the minute, or something came late.
    pub part: bool,
    /// Whether the zone lay where it was drawn.
    pub valid: bool,
    /// Visits that began in it.
    pub visits: u32,
    /// Those of them that were, or became, engaged ones.
    pub engaged: u32,
    /// Those of them that were staff's.
    pub staff_visits: u32,
    /// Visitors in the zone; none where nothing was seen.
    pub present: Option<Present>,
    /// Time that visitors were in the zone, all added up.
    pub person: Duration,
    /// That of staff.
    pub staff_person: Duration,
    /// What a stay had to be to count.
    pub rule: VisitRule,
}

/// What the queue of one zone came to in one minute, or in a part of one. Parts of a minute add up, but for `length` and
/// `longest_wait`.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueMinute {
    /// Which zone.
    pub zone: ZoneId,
    /// Start of the minute.
    pub start: WallTime,
    /// How much of the minute the camera really saw.
    pub seen: Duration,
    /// Whether this is only a part.
    pub part: bool,
    /// Whether the zone lay where it was drawn.
    pub valid: bool,
    /// People who waited; none where nothing was seen.
    pub length: Option<Present>,
    /// People who joined in it.
    pub joined: u32,
    /// People whose service began in it.
    pub served: u32,
    /// People who left in it without being served.
    pub abandoned: u32,
    /// Waits that ended in it, one way or the other.
    pub waits: u32,
    /// How long those were, all added up.
    pub wait: Duration,
    /// The longest of them.
    pub longest_wait: Duration,
    /// How long those were served who left in it, all added up.
    pub service: Duration,
}

/// What one zone has counted since a run or a box began.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneTotal {
    /// Which zone.
    pub zone: ZoneId,
    /// How long each visit lasted, in the order in which they ended.
    pub dwells: Vec<Duration>,
    /// Those of them that were engaged ones.
    pub engaged: u64,
    /// Most visitors at a time.
    pub most_present: u32,
    /// Those who waited there.
    pub queued: u64,
    /// Those of them who gave up.
    pub abandoned: u64,
    /// How long they waited, all added up.
    pub wait: Duration,
}

impl ZoneTotal {
    /// A zone that nobody has visited.
    #[must_use]
    pub fn none_yet(zone: ZoneId) -> Self {
        Self {
            zone,
            dwells: Vec::new(),
            engaged: 0,
            most_present: 0,
            queued: 0,
            abandoned: 0,
            wait: Duration::ZERO,
        }
    }

    /// Adds a visit, where it is one of this zone.
    pub fn visit(&mut self, visit: &Visit) {
        if visit.zone == self.zone {
            self.dwells.push(visit.dwell());
            self.engaged += u64::from(visit.engaged);
        }
    }

    /// Adds a minute, where it is one of this zone.
    pub fn minute(&mut self, minute: &ZoneMinute) {
        if let Some(present) = minute.present.filter(|_| minute.zone == self.zone) {
            self.most_present = self.most_present.max(present.max);
        }
    }

    /// Adds somebody who waited, where it was in this zone.
    pub fn queued(&mut self, queued: &QueueVisit) {
        if queued.zone == self.zone {
            self.queued += 1;
            self.abandoned += u64::from(queued.abandoned);
            self.wait += queued.wait();
        }
    }

    /// How long a visit lasted on the average; none where there was none.
    #[must_use]
    pub fn mean_dwell(&self) -> Option<Duration> {
        let visits = u32::try_from(self.dwells.len()).ok().filter(|visits| *visits > 0)?;
        Some(self.dwells.iter().sum::<Duration>() / visits)
    }

    /// How long the middle one of all visits lasted; none where there was none.
    #[must_use]
    pub fn median_dwell(&self) -> Option<Duration> {
        let mut sorted = self.dwells.clone();
        sorted.sort_unstable();
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = sorted[(sorted.len() - 1) / 2];
        Some((lower + upper) / 2)
    }
}

/// The minutes of one camera's zones that are not given out yet.
#[derive(Debug, Clone)]
pub struct ZoneLedger {
    zones: Vec<(ZoneId, VisitRule, bool)>,
    book: MinuteBook<Counts>,
}

/// Of one zone in one minute.
#[derive(Debug, Clone, Default)]
struct Counts {
    visits: u32,
    engaged: u32,
    staff_visits: u32,
    present: Spans,
    staff_person: Duration,
    waiting: Spans,
    joined: u32,
    served: u32,
    abandoned: u32,
    waits: u32,
    wait: Duration,
    longest_wait: Duration,
    service: Duration,
}

/// When each stay was there within one minute, since its start.
#[derive(Debug, Clone)]
struct Spans(Vec<(StayId, Duration, Duration)>);

/// Room for so many stays is made when a minute is opened, so that a visit asks for no memory while frames come.
const USUAL_STAYS: usize = 64;

impl Default for Spans {
    fn default() -> Self {
        Self(Vec::with_capacity(USUAL_STAYS))
    }
}

impl ZoneLedger {
    /// A ledger of a run that begins at `start`.
    ///
    /// Two frames further apart than `longest_gap` leave a gap in what was seen; a minute is given out `hold` after its
    /// end, or later where something in a zone may still be decided then.
    #[must_use]
    pub fn new(zones: &[ZoneSettings], start: FrameTime, longest_gap: Duration, hold: Duration) -> Self {
        let lateness = zones.iter().map(ZoneSettings::lateness).max().unwrap_or_default();
        Self {
            zones: zones.iter().map(|zone| (zone.id.clone(), zone.rule, zone.queue.is_some())).collect(),
            book: MinuteBook::new(zones.len(), start, longest_gap, hold + lateness),
        }
    }

    /// Notes a frame that was looked at, and how many were dropped since the one before.
    pub fn frame(&mut self, at: FrameTime, dropped: u32) {
        self.book.frame(at, dropped);
    }

    /// What follows does not join on to the last frame.
    pub fn interrupted(&mut self) {
        self.book.interrupted();
    }

    /// The camera has been looking elsewhere since `since`: every minute from then on is not valid.
    pub fn moved(&mut self, since: FrameTime, now: FrameTime) {
        self.book.moved(since, now);
    }

    /// Somebody has seen that the zones lie right: minutes that begin from now on are valid.
    pub fn in_place(&mut self, now: FrameTime) {
        self.book.in_place(now);
    }

    /// Notes what happened in the zone at a place of the list, in the minutes that it happened in.
    pub fn step(&mut self, zone: usize, step: &ZoneStep) {
        match step {
            ZoneStep::Began { at, staff, .. } => self.count(zone, *at, |counts| {
                counts.visits += 1;
                counts.staff_visits += u32::from(*staff);
            }),
            ZoneStep::Engaged { at } => self.count(zone, *at, |counts| counts.engaged += 1),
            ZoneStep::Stayed { stay, from, until, staff } => {
                self.span(zone, *from, *until, |counts, begun, ended| {
                    counts.present.add(*stay, begun, ended);
                    if *staff {
                        counts.staff_person += ended - begun;
                    }
                })
            }
            ZoneStep::FoundToBeStaff { at, until } => {
                self.count(zone, *at, |counts| counts.staff_visits += 1);
                self.span(zone, *at, *until, |counts, begun, ended| counts.staff_person += ended - begun);
            }
            ZoneStep::Queue(step) => self.queue_step(zone, step),
            ZoneStep::Ended { .. } | ZoneStep::Alarm(_) => {}
        }
    }

    fn queue_step(&mut self, zone: usize, step: &QueueStep) {
        match step {
            QueueStep::Joined { at } => self.count(zone, *at, |counts| counts.joined += 1),
            QueueStep::Waited { stay, from, until } => {
                self.span(zone, *from, *until, |counts, begun, ended| {
                    counts.waiting.add(*stay, begun, ended)
                });
            }
            QueueStep::Served { at, wait } => self.count(zone, *at, |counts| {
                counts.served += 1;
                counts.waited(*wait);
            }),
            QueueStep::Left(left) => self.count(zone, left.left, |counts| {
                counts.service += left.service().unwrap_or_default();
                counts.abandoned += u32::from(left.abandoned);
                if left.abandoned {
                    counts.waited(left.wait());
                }
            }),
            QueueStep::Alert(_) => {}
        }
    }

    fn count(&mut self, zone: usize, at: FrameTime, add: impl FnOnce(&mut Counts)) {
        if let Some(counts) = self.book.counts(zone, at.wall) {
            add(counts);
        }
    }

    /// Cuts a span at the minutes. Its length is by the even clock; its end says which minutes those were.
    fn span(
        &mut self,
        zone: usize,
        from: FrameTime,
        until: FrameTime,
        mut add: impl FnMut(&mut Counts, Duration, Duration),
    ) {
        let length = until.since(from);
        for (minute, begun, ended) in pieces(until.wall - length, length) {
            if let Some(counts) = self.book.counts(zone, minute) {
                add(counts, begun, ended);
            }
        }
    }

    /// Gives out the minutes that nothing changes any more, also those in which nothing was seen.
    pub fn close(&mut self, now: FrameTime, zones: &mut Vec<ZoneMinute>, queues: &mut Vec<QueueMinute>) {
        let of = &self.zones;
        self.book.close(now, |closed| of_zones(of, closed, zones, queues));
    }

    /// Gives out everything, the open minute as a part of one.
    pub fn finish(&mut self, now: FrameTime, zones: &mut Vec<ZoneMinute>, queues: &mut Vec<QueueMinute>) {
        let of = &self.zones;
        self.book.finish(now, |closed| of_zones(of, closed, zones, queues));
    }
}

fn of_zones(
    zones: &[(ZoneId, VisitRule, bool)],
    closed: Closed<Counts>,
    minutes: &mut Vec<ZoneMinute>,
    queues: &mut Vec<QueueMinute>,
) {
    let Closed { start, seen, window, frames, part, valid, counts, .. } = closed;
    for ((zone, rule, is_queue), counts) in zones.iter().zip(counts) {
        minutes.push(ZoneMinute {
            zone: zone.clone(),
            start,
            seen,
            frames,
            part,
            valid,
            visits: counts.visits,
            engaged: counts.engaged,
            staff_visits: counts.staff_visits,
            present: window.map(|window| counts.present.within(window)),
            person: counts.present.sum(),
            staff_person: counts.staff_person,
            rule: *rule,
        });
        if *is_queue {
            queues.push(QueueMinute {
                zone: zone.clone(),
                start,
                seen,
                part,
                valid,
                length: window.map(|window| counts.waiting.within(window)),
                joined: counts.joined,
                served: counts.served,
                abandoned: counts.abandoned,
                waits: counts.waits,
                wait: counts.wait,
                longest_wait: counts.longest_wait,
                service: counts.service,
            });
        }
    }
}

impl Counts {
    fn waited(&mut self, wait: Duration) {
        self.waits += 1;
        self.wait += wait;
        self.longest_wait = self.longest_wait.max(wait);
    }
}

impl Spans {
    /// Adds a span; one that joins on to the last of its stay makes that one longer.
    fn add(&mut self, stay: StayId, begun: Duration, ended: Duration) {
        match self.0.iter_mut().rev().find(|(known, _, _)| *known == stay) {
            Some((_, _, until)) if *until == begun => *until = ended,
            _ => self.0.push((stay, begun, ended)),
        }
    }

    fn sum(&self) -> Duration {
        self.0.iter().map(|(_, begun, ended)| *ended - *begun).sum()
    }

    /// How many were there within a time of the minute.
    fn within(&self, (from, to): (Duration, Duration)) -> Present {
        let cut = |(_, begun, ended): &(StayId, Duration, Duration)| ((*begun).max(from), (*ended).min(to));
        let inside: Vec<_> = self.0.iter().map(cut).filter(|(begun, ended)| begun < ended).collect();
        let mut edges: Vec<(Duration, i64)> = inside.iter().map(|(begun, _)| (*begun, 1)).collect();
        edges.extend(inside.iter().map(|(_, ended)| (*ended, -1)));
        edges.sort_unstable();
        let (mut now, mut min, mut max, mut at) = (0_i64, i64::MAX, 0_i64, from);
        for (time, change) in edges {
            if time > at {
                (min, max, at) = (min.min(now), max.max(now), time);
            }
            now += change;
        }
        if to > at || min == i64::MAX {
            (min, max) = (min.min(now), max.max(now));
        }
        let length = to.saturating_sub(from).as_secs_f64();
        let sum: Duration = inside.iter().map(|(begun, ended)| *ended - *begun).sum();
        let mean = if length > 0.0 { sum.as_secs_f64() / length } else { 0.0 };
        let whole = |people: i64| u32::try_from(people).unwrap_or(0);
        Present { min: whole(min), max: whole(max), mean }
    }
}

#[cfg(test)]
mod tests;
