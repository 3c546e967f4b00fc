//! Presence that is not allowed: at the wrong hour, or by too few people.
//!
//! An alarm is raised once that has lasted for a while, and cleared when it is over. It carries the way of whoever was there first, thinned out
//! so that it stays small however long they stay. No picture goes with it.

use super::presence::Presence;
use super::{RestrictionSettings, Standing, StayId, ZoneStep};
use crate::ids::ZoneId;
use crate::time::FrameTime;
use std::time::Duration;

/// Most points of an alarm's path. When they are full every second one goes, and later ones come half as often.
pub const ALARM_POINTS: usize = 64;

/// Points of a path are so far apart at first.
const FIRST_SPACING: Duration = Duration::from_millis(500);

/// Why presence is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmReason {
    /// It is not the time.
    Hours,
    /// There are too few people.
    TooFew,
}

/// In which space an alarm's path lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmSpace {
    /// Metres on the floor.
    Floor,
    /// Px of the configured picture.
    Image,
}

/// Where somebody was at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlarmPoint {
    /// Since the path's first point.
    pub after: Duration,
    /// To the right, in the alarm's space.
    pub x: f64,
    /// Away from the camera in metres, or down the picture in px.
    pub y: f64,
}

/// Presence that is not allowed has lasted for a while, or is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// Which zone.
    pub zone: ZoneId,
    /// Why.
    pub reason: AlarmReason,
    /// Whether it is raised; otherwise cleared.
    pub raised: bool,
    /// When.
    pub at: FrameTime,
    /// Since when.
    pub since: FrameTime,
    /// How many people are there; where it is cleared, how many there were at most.
    pub people: usize,
    /// In which space the path lies.
    pub space: AlarmSpace,
    /// The way of whoever was there first, oldest first, at most [`ALARM_POINTS`].
    pub path: Vec<AlarmPoint>,
}

/// Watches one zone.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    zone: ZoneId,
    rule: RestrictionSettings,
    paths: Vec<Path>,
    open: Option<Open>,
}

/// Something that is not allowed and goes on.
#[derive(Debug, Clone, Copy)]
struct Open {
    reason: AlarmReason,
    since: FrameTime,
    /// When it was seen last.
    last: FrameTime,
    is_raised: bool,
    most_people: usize,
    /// Who was there first.
    stay: StayId,
}

#[derive(Debug, Clone)]
struct Path {
    stay: StayId,
    began: FrameTime,
    space: AlarmSpace,
    spacing: Duration,
    points: Vec<AlarmPoint>,
}

impl Watch {
    pub(super) fn new(zone: ZoneId, rule: RestrictionSettings) -> Self {
        Self { zone, rule, paths: Vec::new(), open: None }
    }

    /// Says when presence is allowed, where the zone goes by the store's hours.
    pub(super) fn allowed_hours(&mut self, hours: &super::AllowedHours) {
        if let super::Allowed::Hours(own) = &mut self.rule.allowed {
            own.clone_from(hours);
        }
    }

    /// Takes one sighting of somebody whose stay this is.
    pub(super) fn see(&mut self, stay: StayId, standing: &Standing) {
        match self.paths.iter_mut().find(|path| path.stay == stay) {
            Some(path) => path.walk(standing),
            None => self.paths.push(Path::begun(stay, standing)),
        }
    }

    fn reason(&self, now: FrameTime, people: usize) -> Option<AlarmReason> {
        if people == 0 {
            return None;
        }
        if !self.rule.allowed.at(now.wall) {
            return Some(AlarmReason::Hours);
        }
        (people < self.rule.min_people).then_some(AlarmReason::TooFew)
    }

    /// Lets time go by with those who are there now.
    pub(super) fn settle(&mut self, now: FrameTime, presence: &Presence, out: &mut Vec<ZoneStep>) {
        let people = presence.present();
        let reason = self.reason(now, people);
        if self.open.is_some_and(|open| reason != Some(open.reason)) {
            self.clear(now, out);
        }
        if let (Some(reason), Some(stay)) = (reason, presence.first_present()) {
            let begun = Open { reason, since: now, last: now, is_raised: false, most_people: 0, stay };
            let open = self.open.get_or_insert(begun);
            open.last = now;
            open.most_people = open.most_people.max(people);
            if !open.is_raised && now.since(open.since) >= self.rule.after {
                open.is_raised = true;
                let open = *open;
                out.push(self.alarm(&open, now, people));
            }
        }
        // The path of whoever was there first is told once more when it is over.
        let first = self.open.map(|open| open.stay);
        self.paths.retain(|path| Some(path.stay) == first || presence.goes_on(path.stay));
    }

    fn clear(&mut self, now: FrameTime, out: &mut Vec<ZoneStep>) {
        if let Some(open) = self.open.take().filter(|open| open.is_raised) {
            out.push(self.alarm(&open, now, open.most_people));
            if let Some(ZoneStep::Alarm(alarm)) = out.last_mut() {
                alarm.raised = false;
            }
        }
    }

    /// Ends the run: what was raised is cleared, because nobody looks any more.
    pub(super) fn finish(&mut self, now: FrameTime, out: &mut Vec<ZoneStep>) {
        self.clear(now, out);
    }

    fn alarm(&self, open: &Open, at: FrameTime, people: usize) -> ZoneStep {
        let path = self.paths.iter().find(|path| path.stay == open.stay);
        ZoneStep::Alarm(Alarm {
            zone: self.zone.clone(),
            reason: open.reason,
            raised: true,
            at,
            since: open.since,
            people,
            space: path.map_or(AlarmSpace::Image, |path| path.space),
            path: path.map(|path| path.points.clone()).unwrap_or_default(),
        })
    }
}

impl Path {
    fn begun(stay: StayId, standing: &Standing) -> Self {
        let space = if standing.foot_in_floor.is_some() { AlarmSpace::Floor } else { AlarmSpace::Image };
        let mut path = Self {
            stay,
            began: standing.at,
            space,
            spacing: FIRST_SPACING,
            points: Vec::with_capacity(ALARM_POINTS),
        };
        path.walk(standing);
        path
    }

    fn walk(&mut self, standing: &Standing) {
        let after = standing.at.since(self.began);
        if self.points.last().is_some_and(|last| after < last.after + self.spacing) {
            return;
        }
        let foot = standing.foot_in_image;
        let (x, y) = match (self.space, standing.foot_in_floor) {
            (AlarmSpace::Image, _) => (f64::from(foot.x), f64::from(foot.y)),
            (AlarmSpace::Floor, Some(foot)) => (foot.x_m, foot.y_m),
            (AlarmSpace::Floor, None) => return,
        };
        if self.points.len() == ALARM_POINTS {
            let mut number = 0;
            self.points.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.spacing *= 2;
        }
        self.points.push(AlarmPoint { after, x, y });
    }
}
