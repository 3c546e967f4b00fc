//! Who is in one zone, and since when.
//!
//! A foot on the edge flickers in and out. So a stay begins when somebody was inside for [`SETTLED_AFTER`] without a
//! break, and goes on until nobody saw them inside for `leave_after`; both times are then put where it really began and
//! ended. Whoever is lost from view inside is not gone yet: a new track that appears near the place is the same person.

use super::{Standing, StayId, Visit, VisitEnd, VisitRule, ZoneSettings, ZoneStep};
use crate::geom::{FloorPoint, ImagePoint};
use crate::ids::{TrackId, ZoneId};
use crate::time::FrameTime;
use std::time::Duration;

/// Somebody who was inside for this long without a break is in the zone; the same holds for coming back. Two frames at
/// the lowest rate that is of use, and shorter than a step across a corner.
pub(super) const SETTLED_AFTER: Duration = Duration::from_millis(500);
/// Whoever was not seen for this long has been lost from view; a tracker carries a track about as long.
pub(super) const LOST_AFTER: Duration = Duration::from_secs(2);
/// How near to where somebody was lost a new track has to appear, metres ...
const NEAR_M: f64 = 1.0;
/// ... and how much farther for every second since, m/s: people in a zone shuffle, they do not walk.
const SHUFFLE_M_S: f64 = 0.5;

/// Who is in one zone.
#[derive(Debug, Clone)]
pub(super) struct Presence {
    zone: ZoneId,
    rule: VisitRule,
    stays: Vec<Stay>,
    next: u64,
}

#[derive(Debug, Clone)]
struct Stay {
    id: StayId,
    /// The track that entered.
    first_track: TrackId,
    /// The track that is followed now.
    track: TrackId,
    entered: FrameTime,
    last_inside: FrameTime,
    /// Since when the sightings have been inside without a break.
    inside_since: FrameTime,
    /// Whether the last sighting was inside.
    is_inside: bool,
    seen: FrameTime,
    place: Place,
    is_settled: bool,
    is_visit: bool,
    is_engaged: bool,
    is_staff: bool,
    /// Up to when the visit has been told.
    told: FrameTime,
}

/// Where somebody was seen last.
#[derive(Debug, Clone, Copy)]
struct Place {
    in_image: ImagePoint,
    in_floor: Option<FloorPoint>,
    metre_px: f32,
}

impl Presence {
    pub(super) fn new(settings: &ZoneSettings) -> Self {
        Self { zone: settings.id.clone(), rule: settings.rule, stays: Vec::new(), next: 1 }
    }

    /// Takes one sighting; gives the stay that it belongs to.
    pub(super) fn see(&mut self, standing: &Standing, is_inside: bool, is_new: bool) -> Option<StayId> {
        let at = in_whole_ms(standing.at);
        let place = Place::of(standing);
        let own = self.stays.iter().position(|stay| stay.track == standing.track);
        let found = own.or_else(|| if is_new { self.lost_near(&place, at) } else { None });
        let Some(found) = found else {
            if !is_inside {
                return None;
            }
            let id = StayId(self.next);
            self.next += 1;
            self.stays.push(Stay::begun(id, standing.track, at, place));
            return Some(id);
        };
        let stay = &mut self.stays[found];
        (stay.track, stay.place) = (standing.track, place);
        stay.see(at, is_inside);
        Some(stay.id)
    }

    /// The stay of somebody who was lost from view inside, near enough to be the one who is seen now for the first time.
    fn lost_near(&self, place: &Place, at: FrameTime) -> Option<usize> {
        let patience = self.patience_of_lost();
        let candidates = self.stays.iter().enumerate().filter_map(|(index, stay)| {
            let gap = at.since(stay.seen);
            let is_lost = stay.is_inside && !gap.is_zero() && gap <= patience;
            let metres = if is_lost { stay.place.metres_to(place) } else { f64::INFINITY };
            (metres <= NEAR_M + SHUFFLE_M_S * gap.as_secs_f64()).then_some((index, metres))
        });
        candidates.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index)
    }

    fn patience_of_lost(&self) -> Duration {
        LOST_AFTER + self.rule.leave_after
    }

    /// Says that whoever is followed as this track is staff.
    pub(super) fn is_staff(&mut self, track: TrackId, out: &mut Vec<ZoneStep>) {
        for stay in self.stays.iter_mut().filter(|stay| stay.track == track && !stay.is_staff) {
            stay.is_staff = true;
            if stay.is_visit {
                out.push(ZoneStep::FoundToBeStaff { at: stay.entered, until: stay.told });
            }
        }
    }

    /// Tells what is decided by now.
    pub(super) fn settle(&mut self, now: FrameTime, out: &mut Vec<ZoneStep>) {
        let (leave_after, patience_of_lost) = (self.rule.leave_after, self.patience_of_lost());
        let mut index = 0;
        while index < self.stays.len() {
            self.stays[index].tell(&self.rule, out);
            let stay = &self.stays[index];
            let end = if !stay.is_inside && (!stay.is_settled || now.since(stay.last_inside) > leave_after) {
                Some(VisitEnd::Left)
            } else if stay.is_inside && now.since(stay.seen) > patience_of_lost {
                Some(VisitEnd::Lost)
            } else {
                None
            };
            match end {
                Some(end) => self.end(index, end, out),
                None => index += 1,
            }
        }
    }

    /// Ends every stay.
    pub(super) fn finish(&mut self, out: &mut Vec<ZoneStep>) {
        while let Some(last) = self.stays.last_mut() {
            last.tell(&self.rule, out);
            let end = if last.is_inside { VisitEnd::Stopped } else { VisitEnd::Left };
            self.end(self.stays.len() - 1, end, out);
        }
    }

    fn end(&mut self, index: usize, end: VisitEnd, out: &mut Vec<ZoneStep>) {
        let stay = self.stays.swap_remove(index);
        if stay.is_visit {
            let visit = Visit {
                zone: self.zone.clone(),
                track: stay.first_track,
                enter: stay.entered,
                leave: stay.last_inside,
                engaged: stay.is_engaged,
                staff: stay.is_staff,
                end,
                rule: self.rule,
            };
            out.push(ZoneStep::Ended { stay: stay.id, visit });
        }
    }

    /// How many people are in the zone.
    pub(super) fn present(&self) -> usize {
        self.settled().count()
    }

    /// The stay of whoever has been there longest.
    pub(super) fn first_present(&self) -> Option<StayId> {
        self.settled().map(|stay| stay.id).min()
    }

    fn settled(&self) -> impl Iterator<Item = &Stay> {
        self.stays.iter().filter(|stay| stay.is_settled)
    }

    /// Whether a stay goes on.
    pub(super) fn goes_on(&self, id: StayId) -> bool {
        self.stays.iter().any(|stay| stay.id == id)
    }

    pub(super) fn remembered(&self) -> usize {
        self.stays.len()
    }
}

impl Stay {
    fn begun(id: StayId, track: TrackId, at: FrameTime, place: Place) -> Self {
        Self {
            id,
            first_track: track,
            track,
            entered: at,
            last_inside: at,
            inside_since: at,
            is_inside: true,
            seen: at,
            place,
            is_settled: false,
            is_visit: false,
            is_engaged: false,
            is_staff: false,
            told: at,
        }
    }

    fn see(&mut self, at: FrameTime, is_inside: bool) {
        let was_inside = std::mem::replace(&mut self.is_inside, is_inside);
        self.seen = at;
        if !is_inside {
            return;
        }
        if !was_inside {
            self.inside_since = at;
            if !self.is_settled {
                (self.entered, self.last_inside, self.told) = (at, at, at);
            }
        }
        // Out for a moment only, or back for good: otherwise a foot that flickers outside would never have left.
        let was_a_flicker = self.inside_since.since(self.last_inside) <= SETTLED_AFTER;
        let is_back = at.since(self.inside_since) >= SETTLED_AFTER;
        let was_counted_on = self.inside_since.elapsed <= self.last_inside.elapsed;
        if was_counted_on || was_a_flicker || is_back {
            self.last_inside = at;
        }
        self.is_settled |= at.since(self.entered) >= SETTLED_AFTER;
    }

    /// Tells how far the stay has come.
    fn tell(&mut self, rule: &VisitRule, out: &mut Vec<ZoneStep>) {
        let dwell = self.last_inside.since(self.entered);
        if !self.is_visit && self.is_settled && dwell >= rule.visit_after {
            self.is_visit = true;
            out.push(ZoneStep::Began {
                stay: self.id,
                track: self.first_track,
                at: self.entered,
                staff: self.is_staff,
            });
        }
        if !self.is_visit {
            return;
        }
        if !self.is_engaged && dwell >= rule.engaged_after {
            self.is_engaged = true;
            out.push(ZoneStep::Engaged { at: self.entered });
        }
        if self.last_inside.elapsed > self.told.elapsed {
            let (from, until) = (self.told, self.last_inside);
            out.push(ZoneStep::Stayed { stay: self.id, from, until, staff: self.is_staff });
            self.told = self.last_inside;
        }
    }
}

impl Place {
    fn of(standing: &Standing) -> Self {
        Self {
            in_image: standing.foot_in_image,
            in_floor: standing.foot_in_floor,
            metre_px: standing.metre_px,
        }
    }

    /// How far apart two places are, metres: on the floor where it is known, else by the size of the people.
    fn metres_to(&self, other: &Self) -> f64 {
        if let (Some(a), Some(b)) = (self.in_floor, other.in_floor) {
            return (a.x_m - b.x_m).hypot(a.y_m - b.y_m);
        }
        let px = (self.in_image.x - other.in_image.x).hypot(self.in_image.y - other.in_image.y);
        f64::from(px / self.metre_px.max(other.metre_px).max(1.0))
    }
}

/// Times of records are whole milliseconds; cut here once, sums of them are exact.
pub(super) fn in_whole_ms(at: FrameTime) -> FrameTime {
    let whole = u64::try_from(at.elapsed.as_millis()).unwrap_or(u64::MAX);
    FrameTime { elapsed: Duration::from_millis(whole), wall: at.wall }
}
