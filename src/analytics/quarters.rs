//! How much of each quarter of an hour was seen, for what is told by the quarter.

use crate::time::{FrameTime, WallTime};
use std::time::Duration;

/// The interval in which flow and heat maps are told, aligned to UTC: the retail trade's quarter of an hour.
pub const QUARTER: Duration = Duration::from_secs(15 * 60);
const QUARTER_MS: i64 = 15 * 60_000;

/// The start of the quarter in which a time lies.
pub(super) fn quarter_of(wall: WallTime) -> WallTime {
    WallTime::from_unix_ms(wall.unix_ms().div_euclid(QUARTER_MS) * QUARTER_MS)
}

/// What was seen of a quarter, or of a part of one. Records of one quarter add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarter {
    /// Its start, UTC.
    pub start: WallTime,
    /// How much of it was seen.
    pub seen: Duration,
    /// Whether other records of this quarter may exist: the run began or ended within it, or a clock was set back.
    pub part: bool,
    /// Whether lines, zones and cells lay where they were drawn all the time.
    pub valid: bool,
}

/// What was seen of the quarters that are not told yet.
#[derive(Debug, Clone)]
pub(super) struct Coverage {
    longest_gap: Duration,
    run_start: WallTime,
    last: Option<FrameTime>,
    seen: Vec<(WallTime, Duration)>,
    told: WallTime,
    /// From when to when the camera looked elsewhere the last time; no end: it still does.
    moved: Option<(WallTime, Option<WallTime>)>,
}

impl Coverage {
    /// Of a run that begins at `start`; frames further apart than `longest_gap` leave a gap.
    pub(super) fn new(start: FrameTime, longest_gap: Duration) -> Self {
        let told = quarter_of(start.wall);
        Self { longest_gap, run_start: start.wall, last: None, seen: Vec::new(), told, moved: None }
    }

    pub(super) fn frame(&mut self, at: FrameTime) {
        let gap = self.last.replace(at).map_or(Duration::ZERO, |last| at.since(last));
        if gap > self.longest_gap {
            return;
        }
        let (mut from, mut left) = (at.wall - gap, gap);
        while !left.is_zero() {
            let start = quarter_of(from);
            let here = left.min((start + QUARTER).since(from)).max(Duration::from_millis(1)).min(left);
            match self.seen.iter_mut().find(|(known, _)| *known == start) {
                Some((_, seen)) => *seen += here,
                None => self.seen.push((start, here)),
            }
            (from, left) = (from + here, left - here);
        }
    }

    pub(super) fn interrupted(&mut self) {
        self.last = None;
    }

    /// The camera has been looking elsewhere since then.
    pub(super) fn moved(&mut self, since: FrameTime, now: FrameTime) {
        // By the even clock: the wall clock may have been set since.
        self.moved = Some((now.wall - now.since(since), None));
    }

    /// Somebody has seen that it looks where it should.
    pub(super) fn in_place(&mut self, now: FrameTime) {
        if let Some((_, until @ None)) = &mut self.moved {
            *until = Some(now.wall);
        }
    }

    /// Takes what is known of a quarter that is told now.
    pub(super) fn take(&mut self, start: WallTime, now: WallTime) -> Quarter {
        let known = self.seen.iter().position(|(known, _)| *known == start);
        let seen = known.map_or(Duration::ZERO, |place| self.seen.swap_remove(place).1);
        let end = start + QUARTER;
        let is_whole = self.run_start <= start && end <= now && start >= self.told;
        self.told = self.told.max(end);
        let was_moved =
            self.moved.is_some_and(|(since, until)| since < end && until.is_none_or(|until| start < until));
        Quarter { start, seen: seen.min(QUARTER), part: !is_whole, valid: !was_moved }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> FrameTime {
        FrameTime::of_run(WallTime::from_unix_ms(890_000), Duration::from_millis(ms))
    }

    #[test]
    fn what_was_seen_goes_to_the_quarter_in_which_it_was_and_gaps_to_none() {
        let mut coverage = Coverage::new(at(0), Duration::from_secs(2));
        [0, 2_000, 4_000, 9_000, 11_000].into_iter().for_each(|ms| coverage.frame(at(ms)));
        let told = |start, ms| Quarter {
            start: WallTime::from_unix_ms(start),
            seen: Duration::from_millis(ms),
            part: true,
            valid: true,
        };
        assert_eq!(coverage.take(WallTime::from_unix_ms(0), at(10_000).wall), told(0, 5_000));
        assert_eq!(coverage.take(WallTime::from_unix_ms(900_000), at(11_000).wall), told(900_000, 1_000));
    }

    #[test]
    fn a_quarter_in_which_the_camera_looked_elsewhere_is_not_valid() {
        let mut coverage = Coverage::new(at(0), Duration::from_secs(2));
        // From 905 s to 1810 s.
        coverage.moved(at(15_000), at(40_000));
        coverage.in_place(at(920_000));
        let quarters = [0, 900_000, 1_800_000, 2_700_000];
        let valid =
            quarters.map(|start| coverage.take(WallTime::from_unix_ms(start), at(4_000_000).wall).valid);
        assert_eq!(valid, [true, false, false, true]);
    }

    #[test]
    fn a_quarter_is_whole_only_the_first_time_it_is_told() {
        let mut coverage = Coverage::new(at(0), Duration::from_secs(2));
        let (start, now) = (WallTime::from_unix_ms(900_000), WallTime::from_unix_ms(1_900_000));
        assert!(!coverage.take(start, now).part);
        assert!(coverage.take(start, now).part);
    }
}
