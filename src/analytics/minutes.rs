//! Sums of lines by the minute, and how much of each minute was really seen.

use super::book::{Closed, MinuteBook};
use super::{LineMinute, VisitorCounts};
use crate::count::{Crossing, Direction, LineRole};
use crate::ids::LineId;
use crate::time::{FrameTime, WallTime};
use crate::visitors::Finding;
use std::time::Duration;

/// The minutes of one camera's lines that are not given out yet.
#[derive(Debug, Clone)]
pub struct MinuteLedger {
    lines: Vec<(LineId, LineRole)>,
    book: MinuteBook<Counts>,
}

/// Of one line in one minute.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    entries: u32,
    exits: u32,
    visitors: VisitorCounts,
}

impl MinuteLedger {
    /// A ledger of a run that begins at `start`.
    ///
    /// Two frames further apart than `longest_gap` leave a gap in what was seen; a minute is given out `hold`
    /// after its end.
    #[must_use]
    pub fn new(
        lines: Vec<(LineId, LineRole)>,
        start: FrameTime,
        longest_gap: Duration,
        hold: Duration,
    ) -> Self {
        Self { book: MinuteBook::new(lines.len(), start, longest_gap, hold), lines }
    }

    /// Notes a frame that was looked at, and how many were dropped since the one before.
    pub fn frame(&mut self, at: FrameTime, dropped: u32) {
        self.book.frame(at, dropped);
    }

    /// What follows does not join on to the last frame: the camera was away, or its picture could not be used.
    pub fn interrupted(&mut self) {
        self.book.interrupted();
    }

    /// The camera has been looking elsewhere since `since`: every minute from then on is not valid. Minutes that were
    /// given out already get a further part that says so.
    pub fn moved(&mut self, since: FrameTime, now: FrameTime) {
        self.book.moved(since, now);
    }

    /// Somebody has seen that the lines lie right: minutes that begin from now on are valid.
    pub fn in_place(&mut self, now: FrameTime) {
        self.book.in_place(now);
    }

    /// Notes a crossing in the minute that it happened in.
    pub fn crossing(&mut self, crossing: &Crossing) {
        let Some(counts) = self.counts_of(&crossing.line, crossing.at.wall) else { return };
        match crossing.direction {
            Direction::In => counts.entries += 1,
            Direction::Out => counts.exits += 1,
        }
    }

    /// Notes what was found out of somebody's crossing, in the minute of that crossing.
    pub fn finding(&mut self, finding: &Finding) {
        let Some(counts) = self.counts_of(&finding.line, finding.at.wall) else { return };
        counts.visitors.add(finding.found);
    }

    fn counts_of(&mut self, line: &LineId, wall: WallTime) -> Option<&mut Counts> {
        let place = self.lines.iter().position(|(id, _)| id == line)?;
        self.book.counts(place, wall)
    }

    /// Gives out the minutes that ended at least `hold` ago, also those in which nothing was seen.
    pub fn close(&mut self, now: FrameTime, out: &mut Vec<LineMinute>) {
        let lines = &self.lines;
        self.book.close(now, |closed| out.extend(of_lines(lines, closed)));
    }

    /// Gives out everything, the open minute as a part of one.
    pub fn finish(&mut self, now: FrameTime, out: &mut Vec<LineMinute>) {
        let lines = &self.lines;
        self.book.finish(now, |closed| out.extend(of_lines(lines, closed)));
    }
}

fn of_lines(lines: &[(LineId, LineRole)], closed: Closed<Counts>) -> impl Iterator<Item = LineMinute> + '_ {
    let Closed { start, seen, frames, dropped, part, valid, counts, .. } = closed;
    lines.iter().zip(counts).map(move |((line, role), counts)| LineMinute {
        line: line.clone(),
        start,
        entries: counts.entries,
        exits: counts.exits,
        role: *role,
        visitors: counts.visitors,
        seen,
        frames,
        dropped,
        part,
        valid,
    })
}

#[cfg(test)]
mod tests {
    use super::super::book::MINUTE;
    use super::*;
    use crate::ids::TrackId;
    use crate::time::{MINUTE_MS, WallTime};
    use proptest::prelude::*;

    fn at(ms: u64) -> FrameTime {
        FrameTime::of_run(WallTime::from_unix_ms(30_000), Duration::from_millis(ms))
    }

    fn door() -> LineId {
        LineId::parse("door").unwrap()
    }

    fn ledger() -> MinuteLedger {
        MinuteLedger::new(
            vec![(door(), LineRole::Door)],
            at(0),
            Duration::from_secs(2),
            Duration::from_secs(5),
        )
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
    fn staff_who_are_found_out_late_correct_the_minute_in_which_they_came_in() {
        use crate::visitors::Found;
        let (mut ledger, mut out) = (ledger(), Vec::new());
        ledger.crossing(&crossing(29_000, Direction::In));
        ledger.close(at(40_000), &mut out);
        let found = Found::Staff(Direction::In);
        ledger.finding(&Finding { line: door(), at: at(29_000), found });
        ledger.close(at(90_000), &mut out);
        let told: Vec<_> = out.iter().filter(|m| m.start == at(29_000).wall.minute()).collect();
        let shown: Vec<_> = told.iter().map(|m| (m.entries, m.visitors.staff_in, m.part)).collect();
        assert_eq!(shown, [(1, 0, true), (0, 1, true)]);
    }

    #[test]
    fn a_group_is_counted_by_its_size_and_five_stands_for_more() {
        use crate::visitors::Found;
        let mut counts = VisitorCounts::default();
        [1, 2, 2, 5, 9].into_iter().for_each(|size| counts.add(Found::Group { size }));
        assert_eq!(counts.groups, [1, 2, 0, 0, 2]);
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
        fn whenever_the_clock_is_set_every_crossing_is_in_one_minute_and_no_second_is_seen_twice(
            steps in prop::collection::vec((1_u64..2_000, -100_000_000_i64..100_000_000, 0_u8..20), 1..200),
        ) {
            let (mut ledger, mut out) = (ledger(), Vec::new());
            let (mut elapsed_ms, mut set_ms, mut crossed) = (0, 0, 0);
            let mut now = at(0);
            for (pause_ms, step_ms, dice) in steps {
                elapsed_ms += pause_ms;
                // Now and then somebody sets the clock.
                set_ms += if dice == 0 { step_ms } else { 0 };
                now = FrameTime { wall: at(elapsed_ms).wall.moved_by_ms(set_ms), ..at(elapsed_ms) };
                ledger.frame(now, 0);
                if dice > 10 {
                    crossed += 1;
                    ledger.crossing(&Crossing { at: now, ..crossing(0, Direction::In) });
                }
                ledger.close(now, &mut out);
            }
            ledger.finish(now, &mut out);
            prop_assert_eq!(out.iter().map(|m| m.entries).sum::<u32>(), crossed);
            let seen: Duration = out.iter().map(|m| m.seen).sum();
            prop_assert!(seen <= Duration::from_millis(elapsed_ms));
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
