//! Sums by the minute, and how much of each minute was really seen.
//!
//! A minute in which the camera gave nothing is a record too, with nothing seen: missing is never
//! zero. A minute is given out once, a while after its end, so that a crossing which is still being
//! decided finds it open. What comes later still becomes a further part of that minute: parts add up. So a
//! camera that is found to have been moved a minute ago gives a further part without counts that says so.

use super::LineMinute;
use crate::count::{Crossing, Direction};
use crate::ids::LineId;
use crate::time::{FrameTime, MINUTE_MS, WallTime};
use std::collections::BTreeMap;
use std::time::Duration;

/// How far back minutes can still be called not valid: far longer than it takes to notice that a camera was moved.
const LONGEST_TAKEN_BACK: Duration = Duration::from_secs(600);

const MINUTE: Duration = Duration::from_millis(MINUTE_MS.unsigned_abs());

/// The minutes of one camera that are not given out yet.
#[derive(Debug, Clone)]
pub struct MinuteLedger {
    lines: Vec<LineId>,
    open: BTreeMap<WallTime, OpenMinute>,
    start: WallTime,
    /// Minutes before this one have been opened.
    next: WallTime,
    /// Minutes before this one have been given out.
    given_out: WallTime,
    last_frame: Option<FrameTime>,
    last_close: FrameTime,
    /// Since when the camera does not look at what its lines were drawn on.
    moved_since: Option<FrameTime>,
    longest_gap: Duration,
    hold: Duration,
}

#[derive(Debug, Clone)]
struct OpenMinute {
    seen: Duration,
    frames: u32,
    dropped: u32,
    valid: bool,
    /// Entries and exits of each line.
    counts: Vec<(u32, u32)>,
}

impl MinuteLedger {
    /// A ledger of a run that begins at `start`.
    ///
    /// Two frames further apart than `longest_gap` leave a gap in what was seen; a minute is given out `hold`
    /// after its end.
    #[must_use]
    pub fn new(lines: Vec<LineId>, start: FrameTime, longest_gap: Duration, hold: Duration) -> Self {
        let mut ledger = Self {
            lines,
            open: BTreeMap::new(),
            start: start.wall,
            next: start.wall.minute(),
            given_out: start.wall.minute(),
            last_frame: None,
            last_close: start,
            moved_since: None,
            longest_gap,
            hold,
        };
        ledger.minute_of(start.wall);
        ledger
    }

    /// Notes a frame that was looked at, and how many were dropped since the one before.
    pub fn frame(&mut self, at: FrameTime, dropped: u32) {
        let gap = self.last_frame.map_or(Duration::ZERO, |last| at.since(last));
        if gap <= self.longest_gap {
            self.saw(at.wall - gap, gap);
        }
        let minute = self.minute_of(at.wall);
        minute.frames = minute.frames.saturating_add(1);
        minute.dropped = minute.dropped.saturating_add(dropped);
        self.last_frame = Some(at);
    }

    /// What follows does not join on to the last frame: the camera was away, or its picture could not be used.
    pub fn interrupted(&mut self) {
        self.last_frame = None;
    }

    /// The camera has been looking elsewhere since `since`: every minute from then on is not valid. Minutes that were
    /// given out already get a further part that says so.
    pub fn moved(&mut self, since: FrameTime, now: FrameTime) {
        self.moved_since = Some(since);
        // By the even clock, so that a wall clock that was set does not open years of minutes.
        let ago = now.since(since).min(LONGEST_TAKEN_BACK);
        let mut start = (now.wall - ago).minute();
        while start <= now.wall {
            self.minute_of(start).valid = false;
            start = start + MINUTE;
        }
    }

    /// Somebody has seen that the lines lie right: minutes that begin from now on are valid.
    pub fn in_place(&mut self, now: FrameTime) {
        if self.moved_since.take().is_some() {
            self.minute_of(now.wall).valid = false;
        }
    }

    fn saw(&mut self, mut from: WallTime, mut span: Duration) {
        while !span.is_zero() {
            let here = span.min((from.minute() + MINUTE).since(from));
            self.minute_of(from).seen += here;
            (from, span) = (from + here, span - here);
        }
    }

    /// Notes a crossing in the minute that it happened in.
    pub fn crossing(&mut self, crossing: &Crossing) {
        let Some(line) = self.lines.iter().position(|id| *id == crossing.line) else { return };
        let (entries, exits) = &mut self.minute_of(crossing.at.wall).counts[line];
        match crossing.direction {
            Direction::In => *entries += 1,
            Direction::Out => *exits += 1,
        }
    }

    fn minute_of(&mut self, wall: WallTime) -> &mut OpenMinute {
        let (lines, valid) = (self.lines.len(), self.moved_since.is_none());
        self.open.entry(wall.minute()).or_insert_with(|| OpenMinute {
            seen: Duration::ZERO,
            frames: 0,
            dropped: 0,
            valid,
            counts: vec![(0, 0); lines],
        })
    }

    /// Gives out the minutes that ended at least `hold` ago, also those in which nothing was seen.
    pub fn close(&mut self, now: FrameTime, out: &mut Vec<LineMinute>) {
        self.open_unseen(now, (now.wall - self.hold).minute());
        self.give_out_before((now.wall - self.hold).minute(), now.wall, out);
    }

    /// Gives out everything, the open minute as a part of one.
    pub fn finish(&mut self, now: FrameTime, out: &mut Vec<LineMinute>) {
        self.open_unseen(now, now.wall.minute());
        self.give_out_before(WallTime::from_unix_ms(i64::MAX), now.wall, out);
    }

    /// Opens the minutes before `end` that went by without a frame.
    ///
    /// A wall clock that moved much further than time did was set: what it skipped never was.
    fn open_unseen(&mut self, now: FrameTime, end: WallTime) {
        let passed = now.since(self.last_close);
        let clock_was_set = now.wall.since(self.last_close.wall) > passed + MINUTE;
        if self.last_close.wall.since(now.wall) > MINUTE {
            // Set back: minutes that were given out come again, as parts, and go on from here.
            (self.start, self.next) = (now.wall, now.wall.minute());
        }
        self.last_close = now;
        while !clock_was_set && self.next < end {
            self.minute_of(self.next);
            self.next = self.next + MINUTE;
        }
        self.next = self.next.max(end);
    }

    fn give_out_before(&mut self, end: WallTime, now: WallTime, out: &mut Vec<LineMinute>) {
        while let Some(first) = self.open.first_entry().filter(|first| *first.key() < end) {
            let (start, minute) = first.remove_entry();
            let whole = self.start <= start && start + MINUTE <= now && start >= self.given_out;
            self.given_out = self.given_out.max(start + MINUTE);
            for (line, (entries, exits)) in self.lines.iter().zip(minute.counts) {
                out.push(LineMinute {
                    line: line.clone(),
                    start,
                    entries,
                    exits,
                    seen: minute.seen.min(MINUTE),
                    frames: minute.frames,
                    dropped: minute.dropped,
                    part: !whole,
                    valid: minute.valid,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TrackId;
    use proptest::prelude::*;

    fn at(ms: u64) -> FrameTime {
        FrameTime::of_run(WallTime::from_unix_ms(30_000), Duration::from_millis(ms))
    }

    fn door() -> LineId {
        LineId::parse("door").unwrap()
    }

    fn ledger() -> MinuteLedger {
        MinuteLedger::new(vec![door()], at(0), Duration::from_secs(2), Duration::from_secs(5))
    }

    fn crossing(ms: u64, direction: Direction) -> Crossing {
        Crossing { line: door(), direction, track: TrackId(1), frame: 1, at: at(ms) }
    }

    fn shown(minutes: &[LineMinute]) -> String {
        let one = |m: &LineMinute| {
            let (minute, seen) = (m.start.unix_ms() / MINUTE_MS, m.seen.as_secs_f64());
            let part = if m.part { " (part)" } else { "" };
            format!("{minute}: in {} out {} seen {seen} of {} frames{part}", m.entries, m.exits, m.frames)
        };
        minutes.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_minute_is_given_out_only_when_nothing_can_change_it_any_more() {
        let (mut ledger, mut out) = (ledger(), Vec::new());
        (0..=34).for_each(|second| ledger.frame(at(1000 * second), 0));
        ledger.crossing(&crossing(1000, Direction::In));
        ledger.close(at(34_000), &mut out);
        assert_eq!(shown(&out), "");
        ledger.close(at(35_000), &mut out);
        assert_eq!(shown(&out), "0: in 1 out 0 seen 30 of 30 frames (part)");
    }

    #[test]
    fn minutes_of_a_camera_that_is_away_are_given_out_as_unseen() {
        let (mut ledger, mut out) = (ledger(), Vec::new());
        ledger.frame(at(0), 0);
        ledger.frame(at(1000), 0);
        ledger.close(at(160_000), &mut out);
        let expected = "0: in 0 out 0 seen 1 of 2 frames (part); 1: in 0 out 0 seen 0 of 0 frames; \
                        2: in 0 out 0 seen 0 of 0 frames";
        assert_eq!(shown(&out), expected);
    }

    #[test]
    fn a_gap_between_frames_is_not_seen() {
        let (mut ledger, mut out) = (ledger(), Vec::new());
        [0, 1000, 2000, 9000, 10_000].into_iter().for_each(|ms| ledger.frame(at(ms), 0));
        ledger.finish(at(10_000), &mut out);
        assert_eq!(shown(&out), "0: in 0 out 0 seen 3 of 5 frames (part)");
    }

    #[test]
    fn a_crossing_that_comes_late_becomes_a_further_part_of_its_minute() {
        let (mut ledger, mut out) = (ledger(), Vec::new());
        ledger.close(at(40_000), &mut out);
        ledger.crossing(&crossing(29_000, Direction::Out));
        ledger.close(at(40_100), &mut out);
        assert_eq!(
            shown(&out),
            "0: in 0 out 0 seen 0 of 0 frames (part); 0: in 0 out 1 seen 0 of 0 frames (part)"
        );
    }

    #[test]
    fn a_clock_set_forward_by_years_does_not_give_out_years_of_minutes() {
        let (mut ledger, mut out) = (ledger(), Vec::new());
        ledger.frame(at(0), 0);
        let set =
            FrameTime { elapsed: Duration::from_secs(1), wall: WallTime::from_unix_ms(1_800_000_000_000) };
        ledger.close(set, &mut out);
        assert_eq!(shown(&out), "0: in 0 out 0 seen 0 of 1 frames (part)");
    }

    #[test]
    fn minutes_of_a_camera_that_is_away_are_given_out_also_after_the_clock_was_set_back() {
        let (mut ledger, mut out) = (ledger(), Vec::new());
        let hours = |elapsed_s: u64| FrameTime {
            elapsed: Duration::from_secs(elapsed_s),
            wall: WallTime::from_unix_ms(-8 * 3_600_000 + 1000 * i64::try_from(elapsed_s).unwrap()),
        };
        ledger.close(at(40_000), &mut out);
        out.clear();
        (41..400).for_each(|second| ledger.close(hours(second), &mut out));
        let starts: Vec<_> = out.iter().map(|m| m.start.unix_ms() / MINUTE_MS + 480).collect();
        assert_eq!(starts, [0, 1, 2, 3, 4, 5]);
        assert!(out.iter().all(|m| m.seen.is_zero()));
        assert!(out.iter().all(|m| m.part), "these times may have been given out before the clock was set");
    }

    #[test]
    fn a_clock_set_back_makes_further_parts_of_minutes_that_were_given_out() {
        let (mut ledger, mut out) = (ledger(), Vec::new());
        ledger.close(at(40_000), &mut out);
        let set_back = FrameTime { elapsed: Duration::from_secs(41), wall: WallTime::from_unix_ms(31_000) };
        ledger.frame(set_back, 0);
        ledger.finish(set_back, &mut out);
        assert_eq!(
            shown(&out),
            "0: in 0 out 0 seen 0 of 0 frames (part); 0: in 0 out 0 seen 0 of 1 frames (part)"
        );
    }

    /// What is said of each minute when a camera that was moved after `since_s` is found out after `now_s`, and
    /// confirmed to be in its place after `confirmed_s`.
    #[track_caller]
    fn check_valid(since_s: u64, now_s: u64, confirmed_s: u64, expected: &[(i64, bool)]) {
        let (mut ledger, mut out) = (ledger(), Vec::new());
        for second in 0..=280 {
            if second == now_s {
                ledger.moved(at(1000 * since_s), at(1000 * now_s));
            }
            if second == confirmed_s {
                ledger.in_place(at(1000 * second));
            }
            ledger.close(at(1000 * second), &mut out);
        }
        let told: Vec<_> = out.iter().map(|m| (m.start.unix_ms() / MINUTE_MS, m.valid)).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn minutes_of_a_moved_camera_are_not_valid_until_it_is_confirmed() {
        check_valid(40, 60, 160, &[(0, true), (1, false), (2, false), (3, false), (4, true)]);
    }

    #[test]
    fn a_minute_that_was_given_out_gets_a_further_part_that_takes_it_back() {
        check_valid(50, 110, 400, &[(0, true), (1, true), (1, false), (2, false), (3, false), (4, false)]);
    }

    #[test]
    fn a_camera_moved_long_ago_takes_back_ten_minutes_at_most() {
        let (mut ledger, mut out) = (ledger(), Vec::new());
        ledger.moved(at(0), at(7_200_000));
        ledger.finish(at(7_200_000), &mut out);
        assert_eq!(out.iter().filter(|minute| !minute.valid).count(), 120);
        let zeroes = |m: &LineMinute| m.frames == 0 && m.seen.is_zero();
        assert!(out.iter().all(zeroes));
    }

    proptest! {
        #[test]
        fn parts_add_up_to_what_happened(
            events in prop::collection::vec((0u64..400_000, any::<bool>()), 0..50),
            closes in prop::collection::vec(0u64..500_000, 0..20),
        ) {
            let (mut ledger, mut out) = (ledger(), Vec::new());
            let mut closes = closes.into_iter();
            for (ms, inward) in &events {
                ledger.crossing(&crossing(*ms, if *inward { Direction::In } else { Direction::Out }));
                if let Some(now) = closes.next() {
                    ledger.close(at(now), &mut out);
                }
            }
            ledger.finish(at(500_000), &mut out);
            let counted: u32 = out.iter().map(|m| m.entries + m.exits).sum();
            prop_assert_eq!(counted as usize, events.len());
        }

        #[test]
        fn what_was_seen_is_never_more_than_the_time_that_passed(gaps in prop::collection::vec(0u64..5_000, 1..100)) {
            let (mut ledger, mut out) = (ledger(), Vec::new());
            let mut now = 0;
            for gap in &gaps {
                ledger.frame(at(now), 0);
                now += gap;
            }
            ledger.finish(at(now), &mut out);
            let seen: Duration = out.iter().map(|m| m.seen).sum();
            prop_assert!(seen <= Duration::from_millis(now));
            prop_assert!(out.iter().all(|m| m.seen <= MINUTE));
        }
    }
}
