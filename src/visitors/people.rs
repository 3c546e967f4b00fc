//! Who is in view, or was a moment ago: where, since when, how fast.
//!
//! A track that appears where another was lost is taken to be the same person. That is believed only once the other has ended: until then
//! it may come back.

use super::{ReentrySettings, Space, StaffWhy};
use crate::ids::TrackId;
use crate::time::FrameTime;
use crate::zones::Standing;
use std::time::Duration;

/// A velocity follows what is seen within this time: shorter and the wobble of a box is a walk, longer and a turn is missed.
const VELOCITY_MEMORY_S: f32 = 0.5;

/// On the picture of a camera that looks down at some 30 degrees a metre away from it is half as many px as one across.
const FORESHORTENED: f64 = 0.5;

/// A place, and how many of its units are a metre there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spot {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) metre_x: f64,
    pub(super) metre_y: f64,
}

impl Spot {
    fn of(standing: &Standing, space: Space) -> Option<Self> {
        match space {
            Space::FloorM => {
                let at = standing.foot_in_floor?;
                Some(Self { x: at.x_m, y: at.y_m, metre_x: 1.0, metre_y: 1.0 })
            }
            Space::ImagePx => {
                let (at, metre) = (standing.foot_in_image, f64::from(standing.metre_px));
                let spot = Self {
                    x: f64::from(at.x),
                    y: f64::from(at.y),
                    metre_x: metre,
                    metre_y: metre * FORESHORTENED,
                };
                (metre > 0.0 && metre.is_finite()).then_some(spot)
            }
        }
    }

    /// From here to there, metres, by the mean scale of both.
    fn metres_to(&self, other: &Self) -> [f64; 2] {
        let x = (other.x - self.x) / (0.5 * (self.metre_x + other.metre_x));
        let y = (other.y - self.y) / (0.5 * (self.metre_y + other.metre_y));
        [x, y]
    }

    pub(super) fn distance_m(&self, other: &Self) -> f64 {
        let [x, y] = self.metres_to(other);
        x.hypot(y)
    }
}

/// What is remembered of one track.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person {
    pub(super) track: TrackId,
    pub(super) first: FrameTime,
    pub(super) last: FrameTime,
    /// Where it was seen first and last; none where that has no place on the floor.
    first_spot: Option<Spot>,
    pub(super) spot: Option<Spot>,
    /// Metres a second; none before the second sighting.
    pub(super) velocity: Option<[f32; 2]>,
    /// Between the last sighting and the one before.
    pub(super) passed: Duration,
    /// In view before, as another track.
    before: Duration,
    /// How long it was where only staff go.
    pub(super) in_staff_only: Duration,
    pub(super) staff: Option<StaffWhy>,
    /// When it went out and has not come in since.
    out: Option<FrameTime>,
    pub(super) ended: bool,
    /// Who appeared where this one was lost.
    pub(super) next: Option<TrackId>,
}

impl Person {
    fn first_seen(standing: &Standing, space: Space) -> Self {
        let spot = Spot::of(standing, space);
        Self {
            track: standing.track,
            first: standing.at,
            last: standing.at,
            first_spot: spot,
            spot,
            velocity: None,
            passed: Duration::ZERO,
            before: Duration::ZERO,
            in_staff_only: Duration::ZERO,
            staff: None,
            out: None,
            ended: false,
            next: None,
        }
    }

    fn seen_again(&mut self, standing: &Standing, space: Space) {
        self.passed = standing.at.since(self.last);
        let (spot, passed) = (Spot::of(standing, space), self.passed.as_secs_f32());
        if let (Some(from), Some(to)) = (&self.spot, &spot)
            && passed > 0.0
        {
            let now = from.metres_to(to).map(|metres| metres as f32 / passed);
            let gain = (passed / VELOCITY_MEMORY_S).min(1.0);
            let mixed =
                |before: [f32; 2]| [0, 1].map(|axis| before[axis] + gain * (now[axis] - before[axis]));
            self.velocity = Some(self.velocity.map_or(now, mixed));
        }
        self.spot = spot.or(self.spot);
        self.last = standing.at;
        // Whoever appeared nearby meanwhile is somebody else.
        self.next = None;
    }

    /// How far a place is from where this one would be `gap` after being seen last, metres: whoever walked walks on, whoever stood
    /// is still there. Where somebody walked out of the picture, strangers walk in.
    fn away_m(&self, place: &Spot, gap: Duration, walking_m_s: f32) -> Option<f64> {
        let walks = self.velocity.filter(|[x, y]| x.hypot(*y) >= walking_m_s);
        let walked = walks.unwrap_or_default().map(|speed| f64::from(speed) * gap.as_secs_f64());
        let [x, y] = self.spot?.metres_to(place);
        Some((x - walked[0]).hypot(y - walked[1]))
    }

    /// In view for so long, also as another track before.
    pub(super) fn stay(&self) -> Duration {
        self.before + self.last.since(self.first)
    }

    pub(super) fn speed_m_s(&self) -> Option<f32> {
        self.velocity.map(|[x, y]| x.hypot(y))
    }
}

/// Everybody who is remembered, by track.
#[derive(Debug, Clone)]
pub(super) struct People {
    space: Space,
    list: Vec<Person>,
}

impl People {
    pub(super) fn new(space: Space) -> Self {
        Self { space, list: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Person> {
        self.list.iter()
    }

    fn place(&self, track: TrackId) -> Result<usize, usize> {
        self.list.binary_search_by_key(&track, |person| person.track)
    }

    pub(super) fn get(&self, track: TrackId) -> Option<&Person> {
        self.place(track).ok().map(|place| &self.list[place])
    }

    pub(super) fn get_mut(&mut self, track: TrackId) -> Option<&mut Person> {
        self.place(track).ok().map(|place| &mut self.list[place])
    }

    /// Takes a sighting; says whether it is the track's first.
    pub(super) fn see(&mut self, standing: &Standing) -> bool {
        match self.place(standing.track) {
            Ok(place) => {
                self.list[place].seen_again(standing, self.space);
                false
            }
            Err(place) => {
                self.list.insert(place, Person::first_seen(standing, self.space));
                true
            }
        }
    }

    /// Who was lost a moment ago and would be where a track has just appeared: the nearest of them.
    pub(super) fn earlier_of(&self, track: TrackId, settings: &ReentrySettings) -> Option<TrackId> {
        let new = self.get(track)?;
        let appeared = new.first_spot?;
        let lost = self
            .list
            .iter()
            .filter(|old| old.track != track && old.next.is_none() && old.last.elapsed < new.first.elapsed);
        let within_reach = lost.filter_map(|old| {
            let gap = new.first.since(old.last);
            let away = old.away_m(&appeared, gap, settings.walking_m_s)?;
            let reach = settings.reach_m + settings.reach_m_s * gap.as_secs_f64();
            (gap <= settings.unseen && away <= reach).then_some((old.track, away))
        });
        within_reach.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(track, _)| track)
    }

    /// Gives `new` what is known of `old`; none where one of them is not remembered. Says whether `old` is staff.
    pub(super) fn hand_over(&mut self, old: TrackId, new: TrackId) -> Option<Option<StaffWhy>> {
        let Person { out, staff, .. } = *self.get(old)?;
        let stay = self.get(old)?.stay();
        let heir = self.get_mut(new)?;
        heir.before += stay;
        heir.out = heir.out.or(out);
        Some(staff)
    }

    /// Notes that somebody went out, also of a track that has ended and goes on as another.
    pub(super) fn went_out(&mut self, track: TrackId, at: FrameTime) {
        let Some(person) = self.get_mut(track) else { return };
        person.out = Some(at);
        if let Some(next) = person.next.filter(|_| person.ended)
            && let Some(heir) = self.get_mut(next)
        {
            heir.out.get_or_insert(at);
        }
    }

    /// When somebody who now comes in went out, also as another track that was lost; asked once.
    pub(super) fn take_way_out(&mut self, track: TrackId) -> Option<FrameTime> {
        let own = self.get_mut(track)?.out.take();
        own.or_else(|| self.list.iter_mut().find(|old| old.next == Some(track))?.out.take())
    }

    /// Adds the tracks that have not ended.
    pub(super) fn tracks_in_view(&self, out: &mut Vec<TrackId>) {
        out.extend(self.list.iter().filter(|person| !person.ended).map(|person| person.track));
    }

    /// Forgets whoever ended and was seen last more than `keep` ago, and adds them to `forgotten`.
    pub(super) fn forget(&mut self, now: FrameTime, keep: Duration, forgotten: &mut Vec<TrackId>) {
        let gone = self.list.extract_if(.., |person| person.ended && now.since(person.last) > keep);
        forgotten.extend(gone.map(|person| person.track));
    }
}
