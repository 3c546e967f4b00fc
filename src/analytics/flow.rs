//! How people move through the store: from which place to which, and the whole ways that most of them take.
//!
//! Places are zones and ways through doors. A move is counted when somebody arrives, in the quarter of an hour in which that was; a person
//! stays with the last place until the next one, so nobody is lost between two zones. What happened is known late and out of order
//! (a U-turn is waited for, a visit begins after a while), so steps wait here and are taken in the order of their times.
//! For every zone, whoever was in it before and arrived has left or is still in it.

use super::quarters::{Coverage, quarter_of};
use super::{QUARTER, Quarter};
use crate::ids::{LineId, TrackId, ZoneId};
use crate::time::{FrameTime, WallTime};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Different ways that are kept of a quarter; whoever takes another one when the table is full is one of the others.
const MOST_WAYS: usize = 256;
/// Ways that are told, the most frequent first.
const TOLD_WAYS: usize = 20;
/// Places on a way that is kept. Whoever goes to more places is one of the others.
const LONGEST_WAY: usize = 12;
/// Moves from one place to another that are told of a quarter: a store of a dozen zones has 200.
const TOLD_MOVES: usize = 512;
/// Steps that wait for their turn. Beyond it the oldest is taken early.
const MOST_WAITING: usize = 4096;

/// Room that is there from the start, so that a usual day asks for no more.
const USUAL: usize = 64;

/// A place on somebody's way; zones and lines by their place in the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Came into view without passing a door.
    SeenFirst,
    /// Came in through this door.
    In(usize),
    /// A zone.
    Zone(usize),
    /// Went out through this door.
    Out(usize),
    /// Went out of view without passing a door.
    Lost,
    /// Turned out to be staff, and is left out from then on.
    Staff,
}

/// What places are called, by their place in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlaceNames {
    /// The lines.
    pub lines: Vec<LineId>,
    /// The zones.
    pub zones: Vec<ZoneId>,
}

impl PlaceNames {
    /// As records have it: `in:` and `out:` a door, `zone:` a zone, or a word without a colon, which no id can be taken for.
    #[must_use]
    pub fn name(&self, place: Place) -> String {
        let line = |at: usize| self.lines.get(at).map_or("unnamed", LineId::as_str);
        match place {
            Place::In(at) => format!("in:{}", line(at)),
            Place::Out(at) => format!("out:{}", line(at)),
            Place::Zone(at) => format!("zone:{}", self.zones.get(at).map_or("unnamed", ZoneId::as_str)),
            Place::SeenFirst => "seen_first".to_owned(),
            Place::Lost => "lost".to_owned(),
            Place::Staff => "staff".to_owned(),
        }
    }
}

/// One step on somebody's way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlowStep {
    /// Who.
    pub track: TrackId,
    /// Where to. [`Place::Lost`] where the track ended.
    pub place: Place,
    /// When.
    pub at: FrameTime,
}

/// How people moved in a quarter of an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowQuarter {
    /// Which, and how much of it was seen.
    pub quarter: Quarter,
    /// What the places are called.
    pub names: Arc<PlaceNames>,
    /// How many went from one place straight to another, the most frequent first; at most 512.
    pub moves: Vec<(Place, Place, u32)>,
    /// Moves that are not in the list.
    pub other_moves: u32,
    /// Whole ways that ended in this quarter, and how many people took each, the most frequent first; at most 20.
    pub paths: Vec<(Vec<Place>, u32)>,
    /// People who took another way.
    pub other_paths: u32,
    /// Of each place, how many were there last when the quarter ended.
    pub still_inside: Vec<(Place, u32)>,
}

#[derive(Debug, Clone)]
struct Walker {
    track: TrackId,
    last: Place,
    way: Way,
}

/// A way of at most [`LONGEST_WAY`] places; `len` goes on counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    places: [Place; LONGEST_WAY],
    len: usize,
}

impl Way {
    fn from(place: Place) -> Self {
        Self { places: [place; LONGEST_WAY], len: 1 }
    }

    fn go_on(&mut self, place: Place) {
        if let Some(next) = self.places.get_mut(self.len) {
            *next = place;
        }
        self.len += 1;
    }

    fn known(&self) -> Option<&[Place]> {
        self.places.get(..self.len)
    }
}

/// How the visitors of one camera move.
#[derive(Debug, Clone)]
pub struct Flow {
    names: Arc<PlaceNames>,
    coverage: Coverage,
    hold: Duration,
    waiting: Vec<FlowStep>,
    walkers: Vec<Walker>,
    open: WallTime,
    moves: BTreeMap<(Place, Place), u32>,
    ways: Vec<(Way, u32)>,
    other_paths: u32,
}

impl Flow {
    /// Of a run that begins at `start`. A step may be told up to `hold` after it happened.
    #[must_use]
    pub fn new(names: PlaceNames, start: FrameTime, longest_gap: Duration, hold: Duration) -> Self {
        Self {
            names: Arc::new(names),
            coverage: Coverage::new(start, longest_gap),
            hold,
            waiting: Vec::with_capacity(USUAL),
            walkers: Vec::with_capacity(USUAL),
            open: quarter_of(start.wall),
            moves: BTreeMap::new(),
            ways: Vec::with_capacity(USUAL),
            other_paths: 0,
        }
    }

    /// Notes a frame that was looked at.
    pub fn frame(&mut self, at: FrameTime) {
        self.coverage.frame(at);
    }

    /// What follows does not join on to the last frame.
    pub fn interrupted(&mut self) {
        self.coverage.interrupted();
    }

    /// The camera has been looking elsewhere since `since`: quarters from then on are not valid.
    pub fn moved(&mut self, since: FrameTime, now: FrameTime) {
        self.coverage.moved(since, now);
    }

    /// Somebody has seen that it looks where it should.
    pub fn in_place(&mut self, now: FrameTime) {
        self.coverage.in_place(now);
    }

    /// Takes a step, in any order of times within the hold. Whoever is staff makes none.
    pub fn step(&mut self, step: FlowStep) {
        let place = self.waiting.partition_point(|known| key(known) <= key(&step));
        self.waiting.insert(place, step);
    }

    /// Takes the steps whose time has come, and tells the quarters that are over.
    pub fn close(&mut self, now: FrameTime, out: &mut Vec<FlowQuarter>) {
        let overfull = self.waiting.len().saturating_sub(MOST_WAITING);
        let due = self.waiting.iter().take_while(|step| now.since(step.at) > self.hold).count();
        for place in 0..due.max(overfull) {
            self.take(self.waiting[place], out);
        }
        self.waiting.drain(..due.max(overfull));
        let settled = now.wall - self.hold;
        if quarter_of(settled) > self.open {
            self.turn_to(settled, now.wall, out);
        } else if quarter_of(now.wall) < self.open {
            // The clock was set back: what was told comes again, as a part.
            self.turn_to(now.wall, now.wall, out);
        }
    }

    /// Ends the run: every step is taken, and the open quarter is told as a part of one.
    pub fn finish(&mut self, now: FrameTime, out: &mut Vec<FlowQuarter>) {
        for step in std::mem::take(&mut self.waiting) {
            self.take(step, out);
        }
        self.turn_to(now.wall, now.wall, out);
        self.tell(now.wall, out);
    }

    fn take(&mut self, step: FlowStep, out: &mut Vec<FlowQuarter>) {
        if quarter_of(step.at.wall) > self.open {
            self.turn_to(step.at.wall, step.at.wall, out);
        }
        let known = self.walkers.binary_search_by_key(&step.track, |walker| walker.track);
        match (known, step.place) {
            (Err(_), Place::Lost | Place::Staff) => {}
            (Err(at), place) => self.begin(at, step.track, place),
            (Ok(at), place) => self.go_on(at, place),
        }
    }

    /// Somebody's first place: a door in, or where they were when they were first noticed.
    fn begin(&mut self, at: usize, track: TrackId, place: Place) {
        let start = if matches!(place, Place::In(_)) { place } else { Place::SeenFirst };
        self.walkers.insert(at, Walker { track, last: start, way: Way::from(start) });
        if place != start {
            self.go_on(at, place);
        }
    }

    fn go_on(&mut self, at: usize, place: Place) {
        let walker = &mut self.walkers[at];
        if walker.last == place {
            return;
        }
        *self.moves.entry((walker.last, place)).or_insert(0) += 1;
        walker.last = place;
        walker.way.go_on(place);
        match place {
            Place::Staff => drop(self.walkers.remove(at)),
            Place::Out(_) | Place::Lost => {
                let way = self.walkers.remove(at).way;
                self.count(way);
            }
            Place::SeenFirst | Place::In(_) | Place::Zone(_) => {}
        }
    }

    fn count(&mut self, way: Way) {
        let known =
            self.ways.iter().position(|(known, _)| way.known().is_some() && known.known() == way.known());
        match known {
            Some(place) => self.ways[place].1 += 1,
            None if way.known().is_some() && self.ways.len() < MOST_WAYS => self.ways.push((way, 1)),
            None => self.other_paths += 1,
        }
    }

    /// Tells the quarters before the one in which `wall` lies. A clock that was set far is followed in one step.
    fn turn_to(&mut self, wall: WallTime, now: WallTime, out: &mut Vec<FlowQuarter>) {
        let target = quarter_of(wall);
        if target != self.open {
            self.tell(now, out);
            let next = self.open + QUARTER;
            let passed_by = target.since(next);
            // Quarters in which the camera gave nothing are told too, up to a day of them: missing is never zero.
            if self.open < target && passed_by <= Duration::from_secs(86_400) {
                self.open = next;
                while self.open < target {
                    self.tell(now, out);
                    self.open = self.open + QUARTER;
                }
            }
            self.open = target;
        }
    }

    fn tell(&mut self, now: WallTime, out: &mut Vec<FlowQuarter>) {
        let mut moves: Vec<_> =
            std::mem::take(&mut self.moves).into_iter().map(|((a, b), n)| (a, b, n)).collect();
        moves.sort_by(|a, b| b.2.cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
        let other_moves = moves.iter().skip(TOLD_MOVES).map(|(_, _, people)| people).sum();
        moves.truncate(TOLD_MOVES);
        let mut paths: Vec<_> =
            self.ways.drain(..).filter_map(|(way, n)| Some((way.known()?.to_vec(), n))).collect();
        paths.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let rare: u32 = paths.iter().skip(TOLD_WAYS).map(|(_, people)| people).sum();
        paths.truncate(TOLD_WAYS);
        let mut still = BTreeMap::new();
        self.walkers.iter().for_each(|walker| *still.entry(walker.last).or_insert(0) += 1);
        out.push(FlowQuarter {
            quarter: self.coverage.take(self.open, now),
            names: self.names.clone(),
            moves,
            other_moves,
            paths,
            other_paths: std::mem::take(&mut self.other_paths) + rare,
            still_inside: still.into_iter().collect(),
        });
    }
}

/// Order of steps: by time; of one moment, the end of a track last.
fn key(step: &FlowStep) -> (Duration, TrackId, bool) {
    (step.at.elapsed, step.track, matches!(step.place, Place::Lost | Place::Staff))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Place::{In, Lost, Out, SeenFirst, Staff, Zone};
    use proptest::prelude::*;

    fn at(second: u64) -> FrameTime {
        FrameTime::of_run(WallTime::from_unix_ms(0), Duration::from_secs(second))
    }

    /// What tracks did and in which second, in the order in which it is told, and everything that is told until `end`.
    fn told(steps: &[(u64, u64, Place)], end: u64) -> Vec<FlowQuarter> {
        let (mut flow, mut out) = (
            Flow::new(PlaceNames::default(), at(0), Duration::from_secs(2), Duration::from_secs(10)),
            Vec::new(),
        );
        for (second, track, place) in steps {
            flow.step(FlowStep { track: TrackId(*track), place: *place, at: at(*second) });
        }
        (0..=end).for_each(|second| {
            flow.frame(at(second));
            flow.close(at(second), &mut out);
        });
        flow.finish(at(end), &mut out);
        out
    }

    #[track_caller]
    fn check(steps: &[(u64, u64, Place)], moves: &[(Place, Place, u32)], paths: &[(&[Place], u32)]) {
        let told = told(steps, 600);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].moves, moves);
        let shown: Vec<_> = told[0].paths.iter().map(|(way, people)| (way.as_slice(), *people)).collect();
        assert_eq!(shown, paths);
    }

    #[test]
    fn who_comes_in_looks_at_shoes_and_pays_makes_three_moves_and_one_way() {
        check(
            &[(5, 1, In(0)), (20, 1, Zone(0)), (60, 1, Zone(1)), (90, 1, Out(0)), (92, 1, Lost)],
            &[(In(0), Zone(0), 1), (Zone(0), Zone(1), 1), (Zone(1), Out(0), 1)],
            &[(&[In(0), Zone(0), Zone(1), Out(0)], 1)],
        );
    }

    #[test]
    fn what_is_told_late_is_taken_in_the_order_in_which_it_happened() {
        check(
            &[(20, 1, Zone(0)), (5, 1, In(0)), (30, 1, Lost)],
            &[(In(0), Zone(0), 1), (Zone(0), Lost, 1)],
            &[(&[In(0), Zone(0), Lost], 1)],
        );
    }

    #[test]
    fn who_begins_or_ends_within_the_store_was_seen_first_or_lost_there() {
        check(
            &[(5, 1, Zone(0)), (9, 1, Lost)],
            &[(SeenFirst, Zone(0), 1), (Zone(0), Lost, 1)],
            &[(&[SeenFirst, Zone(0), Lost], 1)],
        );
        check(&[(9, 1, Lost)], &[], &[]);
    }

    #[test]
    fn who_leaves_a_zone_and_comes_back_to_it_has_not_moved() {
        check(&[(5, 1, In(0)), (6, 1, Zone(0)), (9, 1, Zone(0))], &[(In(0), Zone(0), 1)], &[]);
    }

    #[test]
    fn who_turns_out_to_be_staff_is_left_out_from_then_on_and_has_no_way() {
        check(
            &[(5, 1, In(0)), (6, 1, Zone(0)), (9, 1, Staff)],
            &[(In(0), Zone(0), 1), (Zone(0), Staff, 1)],
            &[],
        );
    }

    #[test]
    fn a_quarter_in_which_nobody_moved_is_told_with_what_was_seen_of_it() {
        let told = told(&[(5, 1, In(0)), (6, 1, Zone(3))], 1_900);
        let shown: Vec<_> = told
            .iter()
            .map(|t| {
                (
                    t.quarter.start.unix_ms(),
                    t.quarter.seen.as_secs(),
                    t.quarter.part,
                    t.moves.len(),
                    t.still_inside.clone(),
                )
            })
            .collect();
        let inside = vec![(Zone(3), 1)];
        assert_eq!(
            shown,
            [
                (0, 900, false, 1, inside.clone()),
                (900_000, 900, false, 0, inside.clone()),
                (1_800_000, 100, true, 0, inside)
            ]
        );
    }

    #[test]
    fn ways_that_do_not_fit_the_table_are_counted_with_the_others() {
        let ways = (0..2 * MOST_WAYS as u64).flat_map(|n| {
            let zone = usize::try_from(n).unwrap();
            [(n, n, Zone(zone)), (n + 1, n, Lost)]
        });
        let told = told(&ways.collect::<Vec<_>>(), 600);
        assert_eq!(told[0].paths.len(), TOLD_WAYS);
        let listed: u32 = told[0].paths.iter().map(|(_, people)| people).sum();
        assert_eq!(listed + told[0].other_paths, 2 * MOST_WAYS as u32);
    }

    fn any_place() -> impl Strategy<Value = Place> {
        prop_oneof![
            (0usize..2).prop_map(In),
            (0usize..4).prop_map(Zone),
            (0usize..2).prop_map(Out),
            Just(Lost),
            Just(Staff)
        ]
    }

    proptest! {
        #[test]
        fn whoever_arrives_in_a_zone_leaves_it_or_is_still_there(
            steps in prop::collection::vec((0u64..3_000, 0u64..9, any_place()), 0..80)
        ) {
            let told = told(&steps, 3_100);
            for zone in (0..4).map(Zone) {
                let mut before = 0;
                for quarter in &told {
                    let arrived: u32 = quarter.moves.iter().filter(|m| m.1 == zone).map(|m| m.2).sum();
                    let left: u32 = quarter.moves.iter().filter(|m| m.0 == zone).map(|m| m.2).sum();
                    let still = quarter.still_inside.iter().find(|s| s.0 == zone).map_or(0, |s| s.1);
                    prop_assert_eq!(before + arrived, left + still);
                    before = still;
                }
            }
        }
    }
}
