//! What a clock's labels are worth: before anybody has set it, and after. Pure.
//!
//! A box that was without power may start with any date. Until its clock was set by the network, its labels are *undated*: they
//! run evenly from whatever the clock said at the start, whatever is done to it meanwhile. So when the time becomes known all
//! that was labelled so is off by one and the same span, and is put right by adding it. A clock that is set while the time is known
//! is followed at once: what was told before stays as it was told.

use super::{FrameTime, MINUTE_MS, WallTime};
use std::time::Duration;

/// A clock that moved by less than this against the even one was steered, not set: time services steer what is below.
pub const STEP: Duration = Duration::from_secs(1);

/// What the labels of a clock are worth. The order is from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Dating {
    /// The time is known.
    #[default]
    Known,
    /// Nobody has set the clock, and it was waited for long enough: labels may be wrong.
    Doubtful,
    /// Nobody has set the clock yet: labels are even, and off by a span that is found out later.
    Undated,
}

/// How a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stand {
    /// What labels are worth that are made now.
    pub dating: Dating,
    /// What is to be added to undated labels of this run, ms. 0 while that is not known, and where they were right to less than [`STEP`].
    pub by_ms: i64,
}

/// What the undated labels of a run go by: the machine's start, and what its wall clock would have said then.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// Names this start of the machine; empty where nothing does.
    pub boot: String,
    /// The run's wall clock minus the time since the machine's start, ms.
    pub offset_ms: i64,
}

/// What a look at the clock found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockNews {
    /// How it stands, where that has changed.
    pub became: Option<Stand>,
    /// By how much it was set, ms, where it was.
    pub set_by_ms: Option<i64>,
}

/// Decides what labels are worth, and makes them.
#[derive(Debug, Clone)]
pub struct ClockWatch {
    stand: Stand,
    /// The wall clock minus the even one, ms: what undated labels go by ...
    base_ms: i64,
    /// ... and what it was at the last look.
    offset_ms: i64,
    /// When undated labels are sent all the same, by the even clock.
    give_up_at: Duration,
}

impl ClockWatch {
    /// The watch of a run that begins at `system`, by the machine's clocks. `is_set` says that the time is known; `patience` is how
    /// long that is waited for.
    #[must_use]
    pub fn start(system: FrameTime, is_set: bool, patience: Duration) -> Self {
        let offset_ms = offset_ms(system);
        let dating = if is_set { Dating::Known } else { Dating::Undated };
        let give_up_at = system.elapsed.saturating_add(patience);
        Self { stand: Stand { dating, by_ms: 0 }, base_ms: offset_ms, offset_ms, give_up_at }
    }

    /// Looks at the machine's clocks; to be called more often than anybody sets a clock twice.
    pub fn look(&mut self, system: FrameTime, is_set: bool) -> ClockNews {
        let before = self.stand;
        let offset_ms = offset_ms(system);
        let moved_ms = offset_ms.saturating_sub(std::mem::replace(&mut self.offset_ms, offset_ms));
        match self.stand.dating {
            Dating::Undated if is_set => self.date(Dating::Known),
            Dating::Undated if system.elapsed >= self.give_up_at => self.date(Dating::Doubtful),
            Dating::Doubtful if is_set => self.stand.dating = Dating::Known,
            // What is known once stays known: a clock that nobody steers for a day is off by some seconds.
            _ => {}
        }
        ClockNews {
            became: Some(self.stand).filter(|stand| *stand != before),
            set_by_ms: Some(moved_ms).filter(|moved_ms| is_step(*moved_ms)),
        }
    }

    fn date(&mut self, dating: Dating) {
        let by_ms = self.offset_ms.saturating_sub(self.base_ms);
        self.stand = Stand { dating, by_ms: if is_step(by_ms) { by_ms } else { 0 } };
    }

    /// The label of a time by the machine's clocks.
    #[must_use]
    pub fn label(&self, system: FrameTime) -> FrameTime {
        match self.stand.dating {
            Dating::Undated => {
                FrameTime { wall: WallTime::from_unix_ms(self.base_ms) + system.elapsed, ..system }
            }
            Dating::Known | Dating::Doubtful => system,
        }
    }

    /// How the clock stands.
    #[must_use]
    pub const fn stand(&self) -> Stand {
        self.stand
    }
}

/// Whether a clock that moved so far was set.
#[must_use]
pub fn is_step(by_ms: i64) -> bool {
    Duration::from_millis(by_ms.unsigned_abs()) >= STEP
}

/// The whole minutes that are nearest to a span, in ms: what a minute's label is moved by.
#[must_use]
pub const fn nearest_minutes(by_ms: i64) -> i64 {
    nearest(by_ms, MINUTE_MS)
}

/// The multiple of `unit_ms` that is nearest to a span.
#[must_use]
pub const fn nearest(by_ms: i64, unit_ms: i64) -> i64 {
    by_ms.saturating_add(unit_ms / 2).div_euclid(unit_ms) * unit_ms
}

fn offset_ms(system: FrameTime) -> i64 {
    system.wall.unix_ms().saturating_sub(super::whole_ms(system.elapsed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATIENCE: Duration = Duration::from_secs(600);
    /// What a box without a battery says: the day its image was made.
    const WRONG: i64 = 1_700_000_000_000;
    const RIGHT: i64 = 1_800_000_000_000;

    /// The machine's clocks so many seconds after the start, where the wall clock was `zero_ms` then.
    fn system(second: u64, zero_ms: i64) -> FrameTime {
        FrameTime::of_run(WallTime::from_unix_ms(zero_ms), Duration::from_secs(second))
    }

    fn unset() -> ClockWatch {
        ClockWatch::start(system(0, WRONG), false, PATIENCE)
    }

    fn stand(dating: Dating, by_ms: i64) -> ClockNews {
        ClockNews { became: Some(Stand { dating, by_ms }), set_by_ms: None }
    }

    #[test]
    fn a_clock_that_is_known_from_the_start_is_followed() {
        let mut watch = ClockWatch::start(system(0, RIGHT), true, PATIENCE);
        assert_eq!(watch.look(system(1, RIGHT), false), ClockNews::default());
        assert_eq!(watch.label(system(2, RIGHT + 400)), system(2, RIGHT + 400));
        assert_eq!(watch.stand(), Stand::default());
    }

    #[test]
    fn undated_labels_run_evenly_whatever_is_done_to_the_clock() {
        let mut watch = unset();
        for (second, zero_ms) in [(1, WRONG), (2, WRONG + 7_200_000), (3, 0), (4, RIGHT)] {
            watch.look(system(second, zero_ms), false);
            assert_eq!(watch.label(system(second, zero_ms)), system(second, WRONG));
        }
    }

    #[test]
    fn when_the_time_becomes_known_it_is_said_how_far_off_labels_were() {
        let mut watch = unset();
        let by_ms = RIGHT - WRONG;
        let expected = ClockNews { set_by_ms: Some(by_ms), ..stand(Dating::Known, by_ms) };
        assert_eq!(watch.look(system(5, RIGHT), true), expected);
        assert_eq!(watch.label(system(6, RIGHT)), system(6, RIGHT));
        assert_eq!(watch.look(system(7, RIGHT), true), ClockNews::default());
    }

    #[test]
    fn a_clock_that_was_right_all_along_changes_no_label() {
        let mut watch = unset();
        assert_eq!(watch.look(system(5, WRONG + 999), true), stand(Dating::Known, 0));
    }

    #[test]
    fn patience_ends_and_then_labels_are_doubtful_until_the_time_is_known() {
        let mut watch = unset();
        assert_eq!(watch.look(system(599, WRONG), false), ClockNews::default());
        assert_eq!(watch.look(system(600, WRONG), false), stand(Dating::Doubtful, 0));
        let known = ClockNews { set_by_ms: Some(5000), ..stand(Dating::Known, 0) };
        assert_eq!(watch.look(system(700, WRONG + 5000), true), known);
    }

    #[test]
    fn what_is_known_once_stays_known_and_a_clock_that_is_set_is_told() {
        let mut watch = ClockWatch::start(system(0, RIGHT), true, PATIENCE);
        for (second, zero_ms, step) in [(900, RIGHT, None), (901, RIGHT - 3_600_000, Some(-3_600_000))] {
            let expected = ClockNews { became: None, set_by_ms: step };
            assert_eq!(watch.look(system(second, zero_ms), false), expected);
        }
        assert_eq!(watch.label(system(902, RIGHT)), system(902, RIGHT));
    }

    #[test]
    fn minutes_move_by_the_nearest_whole_minutes() {
        for (by_ms, expected) in
            [(0, 0), (29_999, 0), (30_000, 60_000), (-29_999, 0), (-30_001, -60_000), (90_000, 120_000)]
        {
            assert_eq!(nearest_minutes(by_ms), expected, "{by_ms}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_done_to_the_clock_undated_labels_become_right_by_adding_one_span(
            steps in prop::collection::vec((1_u64..400, -10_000_000_i64..10_000_000), 1..20),
            known_after in 0_usize..20,
        ) {
            let mut watch = ClockWatch::start(system(0, WRONG), false, Duration::from_secs(100_000));
            let (mut second, mut zero_ms, mut undated) = (0, WRONG, Vec::new());
            for (place, (pause, step_ms)) in steps.iter().enumerate() {
                second += pause;
                zero_ms += step_ms;
                watch.look(system(second, zero_ms), place >= known_after);
                let label = watch.label(system(second, zero_ms));
                prop_assert_eq!(label.elapsed, Duration::from_secs(second));
                if watch.stand().dating == Dating::Undated {
                    undated.push((second, label.wall));
                } else {
                    // By the clock that was known then; later steps are another story.
                    let by_ms = watch.stand().by_ms;
                    for (second, wall) in &undated {
                        let right = system(*second, zero_ms).wall.unix_ms();
                        prop_assert!(right.abs_diff(wall.unix_ms() + by_ms) < 1000);
                    }
                    break;
                }
            }
        }
    }
}
