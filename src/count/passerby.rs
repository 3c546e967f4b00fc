//! Tells who passes by from who uses a door.
//!
//! Whoever crosses a line along the front comes in a moment later, came out a moment before, or passes by. Which of these is
//! known only later, so a crossing waits here until the time for it is over or its track is forgotten. A track counts once per
//! line, however often it turns round: somebody who looks into the window is one passer-by.

use super::Crossing;
use crate::ids::TrackId;
use crate::time::FrameTime;
use std::time::Duration;

/// Those who crossed a line along the front, until it is known what they did.
#[derive(Debug, Clone)]
pub struct Passersby {
    within: Duration,
    lateness: Duration,
    passes: Vec<Pass>,
    /// When each track used a door last.
    doors: Vec<(TrackId, FrameTime)>,
}

#[derive(Debug, Clone)]
struct Pass {
    /// The track's first crossing of that line.
    crossing: Crossing,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    UsedDoor,
    PassedBy,
}

impl Passersby {
    /// Whoever uses a door at most `within` before or after crossing the line does not pass by; a crossing may be told up to
    /// `lateness` after it happened.
    #[must_use]
    pub fn new(within: Duration, lateness: Duration) -> Self {
        Self { within, lateness, passes: Vec::new(), doors: Vec::new() }
    }

    /// Notes a crossing of a line along the front.
    pub fn along(&mut self, crossing: &Crossing) {
        let same = |pass: &Pass| pass.crossing.track == crossing.track && pass.crossing.line == crossing.line;
        if self.passes.iter().any(same) {
            return;
        }
        let door = self.doors.iter().find(|(track, _)| *track == crossing.track).map(|(_, at)| *at);
        let used = door.is_some_and(|door| apart(door, crossing.at) <= self.within);
        let fate = if used { Fate::UsedDoor } else { Fate::Open };
        self.passes.push(Pass { crossing: crossing.clone(), fate });
    }

    /// Notes that a track went through a door, in or out.
    pub fn door(&mut self, track: TrackId, at: FrameTime) {
        match self.doors.iter_mut().find(|(known, _)| *known == track) {
            Some((_, last)) => *last = at,
            None => self.doors.push((track, at)),
        }
        for pass in self.passes.iter_mut().filter(|pass| pass.crossing.track == track) {
            if pass.fate == Fate::Open && apart(at, pass.crossing.at) <= self.within {
                pass.fate = Fate::UsedDoor;
            }
        }
    }

    /// Notes that `new` is taken to be the one who was followed as `old`: what is open goes on.
    pub fn follows(&mut self, old: TrackId, new: TrackId) {
        let known = |line: &crate::ids::LineId, passes: &[Pass]| {
            passes.iter().any(|pass| pass.crossing.track == new && pass.crossing.line == *line)
        };
        for place in 0..self.passes.len() {
            let crossing = &self.passes[place].crossing;
            if crossing.track == old && !known(&crossing.line, &self.passes) {
                self.passes[place].crossing.track = new;
            }
        }
        if let Some((_, at)) = self.doors.iter().find(|(track, _)| *track == old).copied() {
            self.door(new, at);
        }
    }

    /// Adds to `out` the crossings of those who have passed by: the time in which they could have come in is over.
    pub fn settle(&mut self, now: FrameTime, out: &mut Vec<Crossing>) {
        let patience = self.within + self.lateness;
        for pass in &mut self.passes {
            if pass.fate == Fate::Open && now.since(pass.crossing.at) > patience {
                pass.fate = Fate::PassedBy;
                out.push(pass.crossing.clone());
            }
        }
    }

    /// Forgets a track that ended some time ago: whatever is open of it has passed by.
    pub fn forget(&mut self, track: TrackId, out: &mut Vec<Crossing>) {
        self.doors.retain(|(known, _)| *known != track);
        for pass in self.passes.extract_if(.., |pass| pass.crossing.track == track) {
            if pass.fate == Fate::Open {
                out.push(pass.crossing);
            }
        }
    }

    /// Ends the run: whoever has used no door until now has passed by.
    pub fn finish(&mut self, out: &mut Vec<Crossing>) {
        self.doors.clear();
        out.extend(self.passes.drain(..).filter(|pass| pass.fate == Fate::Open).map(|pass| pass.crossing));
    }
}

/// Time between two moments, whichever came first.
fn apart(a: FrameTime, b: FrameTime) -> Duration {
    a.elapsed.abs_diff(b.elapsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::Direction;
    use crate::ids::LineId;
    use crate::time::WallTime;
    use proptest::prelude::*;

    #[derive(Debug, Clone, Copy)]
    enum Did {
        /// Crossed the line along the front.
        Along,
        /// Went through a door.
        Door,
        /// Was forgotten.
        Gone,
    }
    use Did::{Along, Door, Gone};

    fn at(second: u64) -> FrameTime {
        FrameTime::of_run(WallTime::default(), Duration::from_secs(second))
    }

    /// What tracks did, with the second in which they did it; gives who passed by, and in which second.
    fn passed(did: &[(u64, u64, Did)]) -> Vec<(u64, u64)> {
        let (mut passersby, mut out) =
            (Passersby::new(Duration::from_secs(30), Duration::from_secs(2)), Vec::new());
        for (second, track, did) in did {
            let track = TrackId(*track);
            match did {
                Along => passersby.along(&Crossing {
                    line: LineId::parse("front").unwrap(),
                    direction: Direction::In,
                    track,
                    frame: 1,
                    at: at(*second),
                }),
                Door => passersby.door(track, at(*second)),
                Gone => passersby.forget(track, &mut out),
            }
            passersby.settle(at(*second), &mut out);
        }
        passersby.finish(&mut out);
        out.iter().map(|c| (c.track.0, c.at.elapsed.as_secs())).collect()
    }

    #[track_caller]
    fn check(did: &[(u64, u64, Did)], expected: &[(u64, u64)]) {
        assert_eq!(passed(did), expected);
    }

    #[test]
    fn who_crosses_the_front_and_goes_on_passes_by() {
        check(&[(5, 1, Along), (9, 1, Gone)], &[(1, 5)]);
    }

    #[test]
    fn who_comes_in_a_moment_later_does_not_pass_by() {
        check(&[(5, 1, Along), (20, 1, Door), (90, 1, Gone)], &[]);
    }

    #[test]
    fn who_came_out_a_moment_before_does_not_pass_by() {
        check(&[(5, 1, Door), (9, 1, Along), (11, 1, Gone)], &[]);
    }

    #[test]
    fn who_comes_in_after_the_time_for_it_has_passed_by_all_the_same() {
        check(&[(5, 1, Along), (50, 2, Along), (51, 1, Door), (52, 2, Door)], &[(1, 5)]);
    }

    #[test]
    fn who_turns_round_in_front_of_the_window_is_one_passer_by() {
        check(&[(5, 1, Along), (8, 1, Along), (11, 1, Along), (12, 1, Gone)], &[(1, 5)]);
    }

    #[test]
    fn somebody_followed_anew_is_still_the_one_who_crossed() {
        let (mut passersby, mut out) =
            (Passersby::new(Duration::from_secs(30), Duration::from_secs(2)), Vec::new());
        let line = LineId::parse("front").unwrap();
        let crossing = Crossing { line, direction: Direction::In, track: TrackId(1), frame: 1, at: at(5) };
        passersby.along(&crossing);
        passersby.follows(TrackId(1), TrackId(2));
        passersby.forget(TrackId(1), &mut out);
        passersby.along(&Crossing { track: TrackId(2), ..crossing });
        passersby.door(TrackId(2), at(12));
        passersby.finish(&mut out);
        assert_eq!(out, []);
    }

    proptest! {
        #[test]
        fn passers_by_and_those_who_used_a_door_are_all_who_crossed(
            did in prop::collection::vec((0u64..200, 0u64..6, prop::sample::select(vec![Along, Door])), 0..60)
        ) {
            let mut did = did;
            did.sort_by_key(|(second, ..)| *second);
            let mut tracks: Vec<u64> = did.iter().filter(|d| matches!(d.2, Along)).map(|d| d.1).collect();
            tracks.sort_unstable();
            tracks.dedup();
            let first = |track: u64| did.iter().find(|d| d.1 == track && matches!(d.2, Along)).map(|d| d.0);
            let used = |track: &&u64| {
                let first = first(**track).unwrap();
                // The door used last before the crossing counts, and every one after it.
                let before = did.iter().filter(|d| d.1 == **track && matches!(d.2, Door) && d.0 <= first).map(|d| d.0).max();
                let after = did.iter().find(|d| d.1 == **track && matches!(d.2, Door) && d.0 >= first).map(|d| d.0);
                before.is_some_and(|b| first - b <= 30) || after.is_some_and(|a| a - first <= 30)
            };
            let entered = tracks.iter().filter(used).count();
            prop_assert_eq!(passed(&did).len() + entered, tracks.len());
        }
    }
}
