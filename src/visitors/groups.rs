//! Who came together: a group buys once, so it is one chance of a sale and not four.
//!
//! Two people belong together when they have walked near each other at nearly the same velocity for long enough. Only walking counts:
//! in a queue everybody is near everybody, and nobody moves. Who is in the group is decided at the door, some
//! time after the first of them has come in, because people who come together are often told apart only inside.

use super::people::{People, Person};
use super::{Finding, Found, GroupSettings};
use crate::count::Crossing;
use crate::ids::TrackId;
use crate::time::FrameTime;
use std::time::Duration;

/// Pairs that are remembered: all of ninety people in one crush. Beyond it new pairs are passed over until others part.
const MOST_PAIRS: usize = 4096;

/// Room that is there from the start, so that a usual day asks for no more.
const USUAL_PAIRS: usize = 128;

/// What one frame may add to a pair's time together: nobody knows what they did while the camera was away.
const LONGEST_STEP: Duration = Duration::from_secs(1);

/// Two people, `a` the lower track.
#[derive(Debug, Clone, Copy)]
struct Pair {
    a: TrackId,
    b: TrackId,
    /// Time near each other and alike, less the time apart; at most twice what is needed.
    together: Duration,
    belong: bool,
    manner: Manner,
}

/// How two people who are both in view move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Apart,
    /// Near each other, and one of them stands: that says nothing.
    Standing,
    Alike,
}

/// Somebody in this frame.
#[derive(Debug, Clone, Copy)]
struct Here {
    /// Place among the people.
    place: usize,
    x: f64,
    metre: f64,
}

/// Groups at the doors of one camera.
#[derive(Debug, Clone)]
pub(super) struct Groups {
    settings: GroupSettings,
    lateness: Duration,
    pairs: Vec<Pair>,
    /// Who came in and is not in a group yet, by time.
    entries: Vec<Crossing>,
    last: Option<FrameTime>,
    // Kept between frames for their memory.
    here: Vec<Here>,
    people: Vec<Person>,
    group: Vec<TrackId>,
}

impl Groups {
    pub(super) fn new(settings: GroupSettings, lateness: Duration) -> Self {
        Self {
            settings,
            lateness,
            pairs: Vec::with_capacity(USUAL_PAIRS),
            entries: Vec::new(),
            last: None,
            here: Vec::new(),
            people: Vec::new(),
            group: Vec::new(),
        }
    }

    /// Looks at how everybody moves who was seen in the frame taken `at`.
    pub(super) fn step(&mut self, at: FrameTime, people: &People) {
        let passed = self.last.replace(at).map_or(Duration::ZERO, |last| at.since(last)).min(LONGEST_STEP);
        if passed.is_zero() {
            return;
        }
        self.people.clear();
        self.people.extend(people.iter().filter(|person| person.last.elapsed == at.elapsed));
        self.line_up();
        self.pairs.iter_mut().for_each(|pair| pair.manner = Manner::Apart);
        self.look_at_neighbours();
        let enough = self.settings.together_for;
        let people = &self.people;
        let is_here = |track: TrackId| people.binary_search_by_key(&track, |person| person.track).is_ok();
        self.pairs.retain_mut(|pair| {
            match pair.manner {
                Manner::Alike => pair.together = (pair.together + passed).min(2 * enough),
                Manner::Standing => {}
                Manner::Apart if is_here(pair.a) && is_here(pair.b) => {
                    pair.together = pair.together.saturating_sub(passed);
                }
                Manner::Apart => {}
            }
            pair.belong |= pair.together >= enough;
            !pair.together.is_zero()
        });
    }

    /// Sorts those who are here by their place across the picture or floor.
    fn line_up(&mut self) {
        self.here.clear();
        let spots = self.people.iter().enumerate().filter_map(|(place, person)| {
            let spot = person.spot?;
            Some(Here { place, x: spot.x, metre: spot.metre_x })
        });
        self.here.extend(spots);
        self.here.sort_unstable_by(|a, b| a.x.total_cmp(&b.x).then(a.place.cmp(&b.place)));
    }

    fn look_at_neighbours(&mut self) {
        let widest = self.here.iter().map(|here| here.metre).fold(0.0, f64::max);
        let reach = self.settings.near_m * widest;
        for first in 0..self.here.len() {
            let from = self.here[first];
            for second in first + 1..self.here.len() {
                let to = self.here[second];
                if to.x - from.x > reach {
                    break;
                }
                self.compare(from.place, to.place);
            }
        }
    }

    fn compare(&mut self, one: usize, other: usize) {
        let (a, b) = (&self.people[one.min(other)], &self.people[one.max(other)]);
        let near = a.spot.zip(b.spot).is_some_and(|(a, b)| a.distance_m(&b) <= self.settings.near_m);
        if !near {
            return;
        }
        let manner = self.manner(a, b);
        let tracks = (a.track, b.track);
        match self.pairs.binary_search_by_key(&tracks, |pair| (pair.a, pair.b)) {
            Ok(known) => self.pairs[known].manner = manner,
            Err(at) if manner == Manner::Alike && self.pairs.len() < MOST_PAIRS => {
                let (a, b) = tracks;
                self.pairs.insert(at, Pair { a, b, together: Duration::ZERO, belong: false, manner });
            }
            Err(_) => {}
        }
    }

    fn manner(&self, a: &Person, b: &Person) -> Manner {
        let (Some(va), Some(vb)) = (a.velocity, b.velocity) else { return Manner::Standing };
        let walks = |[x, y]: [f32; 2]| x.hypot(y) >= self.settings.walking_m_s;
        if !walks(va) || !walks(vb) {
            return Manner::Standing;
        }
        let alike = (va[0] - vb[0]).hypot(va[1] - vb[1]) <= self.settings.alike_m_s;
        if alike { Manner::Alike } else { Manner::Apart }
    }

    /// Notes that somebody came in.
    pub(super) fn enter(&mut self, crossing: &Crossing) {
        let place = self.entries.partition_point(|entry| entry.at.elapsed <= crossing.at.elapsed);
        self.entries.insert(place, crossing.clone());
    }

    /// Closes the groups to which nobody can belong any more.
    pub(super) fn settle(&mut self, now: FrameTime, found: &mut Vec<Finding>) {
        let patience = self.settings.door_within + self.lateness;
        while self.entries.first().is_some_and(|first| now.since(first.at) > patience) {
            self.close_first(found);
        }
    }

    /// Closes every group.
    pub(super) fn finish(&mut self, found: &mut Vec<Finding>) {
        while !self.entries.is_empty() {
            self.close_first(found);
        }
    }

    /// Makes one group of the first who came in and of everybody on the same line who belongs to them, directly or through
    /// others of the group. Each crossing is in one group, so the sizes of all add up to the entries.
    fn close_first(&mut self, found: &mut Vec<Finding>) {
        let first = self.entries.remove(0);
        self.group.clear();
        self.group.push(first.track);
        let (pairs, within) = (&self.pairs, self.settings.door_within);
        let belong = |a: TrackId, b: TrackId| {
            let pair = pairs.binary_search_by_key(&(a.min(b), a.max(b)), |pair| (pair.a, pair.b));
            pair.is_ok_and(|place| pairs[place].belong)
        };
        let group = &mut self.group;
        loop {
            let joins = |entry: &Crossing, group: &[TrackId]| {
                entry.line == first.line
                    && entry.at.since(first.at) <= within
                    && !group.contains(&entry.track)
                    && group.iter().any(|member| belong(*member, entry.track))
            };
            let Some(place) = self.entries.iter().position(|entry| joins(entry, group)) else { break };
            group.push(self.entries.remove(place).track);
        }
        let group = Found::Group { size: group.len() };
        found.push(Finding { line: first.line, at: first.at, found: group });
    }

    /// Forgets a track that can be in no group any more.
    pub(super) fn forget(&mut self, track: TrackId) {
        self.pairs.retain(|pair| pair.a != track && pair.b != track);
    }
}
