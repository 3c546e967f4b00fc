//! What kind of visitor a track is: staff, one of a group, somebody who was here a moment ago, somebody who walks by.
//!
//! Nothing here looks at a face or at a picture: it goes by where somebody is, how they move, when they come and go, and (where
//! a store has them) by beacons in badges. Most of it is known only after somebody has crossed a line, so what is found out is
//! a [`Finding`] that names the crossing's minute, and a sum is corrected by adding, never by taking away.

mod badges;
mod groups;
mod people;
mod settings;
mod staff;

pub use badges::{BadgeId, BadgeReading, Stay};
pub use settings::{BadgeSettings, GroupSettings, ReentrySettings, StaffSettings, VisitorSettings};
pub use staff::{StaffTrack, StaffWhy};

use crate::count::{Crossing, Direction, LineRole, Passersby};
use crate::ids::{LineId, TrackId};
use crate::time::FrameTime;
use crate::zones::Standing;
use badges::Badges;
use groups::Groups;
use people::People;
use staff::Passages;
use std::time::Duration;

/// In which space places of people are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// Metres on a floor that was measured.
    FloorM,
    /// Px of the configured picture.
    ImagePx,
}

impl Space {
    /// As records have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FloorM => "floor_m",
            Self::ImagePx => "image_px",
        }
    }
}

/// One thing that was found out of somebody who crossed a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Whoever crossed this way is staff.
    Staff(Direction),
    /// Whoever came in had gone out a short while before.
    Reentry,
    /// So many people came in together; the first of them then.
    Group {
        /// How many, at least 1.
        size: usize,
    },
    /// Whoever crossed this line used no door.
    Passerby,
}

/// What was found out, and of which crossing.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The line that was crossed.
    pub line: LineId,
    /// When.
    pub at: FrameTime,
    /// What is now known.
    pub found: Found,
}

/// What is known of the visitors of one camera.
#[derive(Debug, Clone)]
pub struct Visitors {
    settings: VisitorSettings,
    lines: Vec<(LineId, LineRole)>,
    /// How long after it happened a crossing may be told.
    lateness: Duration,
    people: People,
    groups: Groups,
    passersby: Passersby,
    passages: Passages,
    badges: Badges,
    found: Vec<Finding>,
    staff: Vec<StaffTrack>,
    // Kept between frames for their memory.
    forgotten: Vec<TrackId>,
    passed: Vec<Crossing>,
}

impl Visitors {
    /// A camera that has seen nobody yet. A crossing of one of `lines` may be told up to `lateness` after it happened.
    #[must_use]
    pub fn new(
        settings: VisitorSettings,
        lines: Vec<(LineId, LineRole)>,
        space: Space,
        lateness: Duration,
    ) -> Self {
        Self {
            lines,
            lateness,
            people: People::new(space),
            groups: Groups::new(settings.groups, lateness),
            passersby: Passersby::new(settings.passby_within, lateness),
            passages: Passages::default(),
            badges: Badges::new(settings.staff.badges, lateness),
            found: Vec::new(),
            staff: Vec::new(),
            forgotten: Vec::new(),
            passed: Vec::new(),
            settings,
        }
    }

    /// How long after a crossing the last finding of it may come, staff and passers-by left aside.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.lateness + self.settings.groups.door_within
    }

    /// Takes one sighting; those of one track come in the order of their times.
    pub fn see(&mut self, standing: &Standing) {
        let is_new = self.people.see(standing);
        if is_new {
            self.look_for_earlier_track(standing.track);
        }
        if let Some(person) = self.people.get_mut(standing.track)
            && person.staff.is_none()
            && let Some(why) = staff::reason(person, standing, &self.settings.staff)
        {
            self.is_found_to_be_staff(standing.track, why);
        }
    }

    /// Everybody of the frame taken `at` has been seen.
    pub fn frame_is_over(&mut self, at: FrameTime) {
        self.groups.step(at, &self.people);
    }

    /// Notes a crossing. Whoever crossed has been seen before.
    pub fn crossing(&mut self, crossing: &Crossing) {
        let Some((_, role)) = self.lines.iter().find(|(id, _)| *id == crossing.line) else { return };
        let role = *role;
        if self.is_staff(crossing.track) {
            self.find(crossing, Found::Staff(crossing.direction));
        } else {
            self.passages.remember(crossing);
        }
        match role {
            LineRole::Door | LineRole::Goods => self.passersby.door(crossing.track, crossing.at),
            LineRole::Passersby => self.passersby.along(crossing),
            LineRole::Inner => {}
        }
        match (role, crossing.direction) {
            (LineRole::Door, Direction::In) => {
                self.groups.enter(crossing);
                if !self.is_staff(crossing.track) {
                    self.look_for_reentry(crossing);
                }
            }
            (LineRole::Door, Direction::Out) => self.people.went_out(crossing.track, crossing.at),
            _ => {}
        }
    }

    /// Notes that a track has ended.
    pub fn ended(&mut self, track: TrackId) {
        let Some(person) = self.people.get_mut(track) else { return };
        person.ended = true;
        let (next, from, to) = (person.next, person.first.wall, person.last.wall);
        self.badges.stay(Stay { track, zone: None, from, to });
        if let Some(next) = next {
            self.hand_over(track, next);
        }
    }

    /// Notes a stay in a zone that is over, for badges that are read there.
    pub fn stayed(&mut self, stay: Stay) {
        self.badges.stay(stay);
    }

    /// Takes what a badge beacon's receiver heard.
    pub fn badge(&mut self, reading: &BadgeReading) {
        self.badges.read(reading);
    }

    /// Lets time go by; what is found out by now is added to `out`.
    pub fn settle(&mut self, now: FrameTime, out: &mut Vec<Finding>) {
        self.match_badges(now);
        self.groups.settle(now, &mut self.found);
        self.passersby.settle(now, &mut self.passed);
        self.forget(now);
        self.give_out(out);
    }

    /// Ends the run: what is open is decided as things stand.
    pub fn finish(&mut self, now: FrameTime, out: &mut Vec<Finding>) {
        self.people.tracks_in_view(&mut self.forgotten);
        while let Some(track) = self.forgotten.pop() {
            self.ended(track);
        }
        self.badges.close();
        self.match_badges(now);
        self.groups.finish(&mut self.found);
        self.passersby.finish(&mut self.passed);
        self.give_out(out);
    }

    /// Whether a track is known to be staff.
    #[must_use]
    pub fn is_staff(&self, track: TrackId) -> bool {
        self.people.get(track).is_some_and(|person| person.staff.is_some())
    }

    /// Time between the last two sightings of a visitor, and whether they stand; none of staff.
    #[must_use]
    pub fn last_step(&self, track: TrackId) -> Option<(Duration, bool)> {
        let person = self.people.get(track).filter(|person| person.staff.is_none())?;
        let stands = person.speed_m_s().is_some_and(|speed| speed < self.settings.standing_m_s);
        Some((person.passed, stands))
    }

    /// Moves the tracks that were found to be staff since the last call to `out`.
    pub fn take_staff(&mut self, out: &mut Vec<StaffTrack>) {
        out.append(&mut self.staff);
    }

    /// How many tracks are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.people.len()
    }

    fn find(&mut self, crossing: &Crossing, found: Found) {
        self.found.push(Finding { line: crossing.line.clone(), at: crossing.at, found });
    }

    fn give_out(&mut self, out: &mut Vec<Finding>) {
        let passed =
            |crossing: Crossing| Finding { line: crossing.line, at: crossing.at, found: Found::Passerby };
        out.append(&mut self.found);
        out.extend(self.passed.drain(..).map(passed));
    }

    /// Somebody who appears where somebody else was lost a moment ago is taken to be the same.
    fn look_for_earlier_track(&mut self, track: TrackId) {
        let Some(earlier) = self.people.earlier_of(track, &self.settings.reentry) else { return };
        let Some(person) = self.people.get_mut(earlier) else { return };
        person.next = Some(track);
        if person.ended {
            self.hand_over(earlier, track);
        }
    }

    /// `old` has ended: `new` goes on with what is known of it.
    fn hand_over(&mut self, old: TrackId, new: TrackId) {
        let Some(why) = self.people.hand_over(old, new) else { return };
        self.passersby.follows(old, new);
        if let Some(why) = why {
            self.is_found_to_be_staff(new, why);
        }
    }

    fn look_for_reentry(&mut self, crossing: &Crossing) {
        let left = self.people.take_way_out(crossing.track);
        let window = self.settings.reentry.window;
        let is_back =
            left.is_some_and(|left| left.elapsed <= crossing.at.elapsed && crossing.at.since(left) <= window);
        if is_back && !window.is_zero() {
            self.find(crossing, Found::Reentry);
        }
    }

    /// Notes a track as staff, with whoever it is followed as later, and corrects what was counted of it.
    fn is_found_to_be_staff(&mut self, first: TrackId, why: StaffWhy) {
        let mut next = Some(first);
        while let Some(track) = next {
            let Some(person) = self.people.get_mut(track).filter(|person| person.staff.is_none()) else {
                return;
            };
            person.staff = Some(why);
            next = person.next.filter(|_| person.ended);
            self.staff.push(StaffTrack { track, since: person.first, why });
            self.passages.take(track, &mut self.found);
        }
    }

    fn match_badges(&mut self, now: FrameTime) {
        while let Some(track) = self.badges.matched(now.wall) {
            self.is_found_to_be_staff(track, StaffWhy::Badge);
        }
    }

    /// Forgets those who ended so long ago that nothing more can be found out of them. Without this a camera that runs for a
    /// month remembers every shopper.
    fn forget(&mut self, now: FrameTime) {
        let keep =
            self.patience().max(self.settings.reentry.unseen + self.lateness).max(self.badges.patience());
        self.people.forget(now, keep, &mut self.forgotten);
        while let Some(track) = self.forgotten.pop() {
            self.groups.forget(track);
            self.passages.forget(track);
            self.passersby.forget(track, &mut self.passed);
        }
    }
}

#[cfg(test)]
mod tests;
