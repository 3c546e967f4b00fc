//! Whether the next minute is kept as a clip: a draw whose chance goes with the traffic.
//!
//! The error of a count grows with the people in it, so clips go where the people are (allocation in proportion to
//! stratum totals; Cochran, "Sampling Techniques", 3rd ed., section 5.9): each stratum gets clips in proportion to
//! the traffic that its minutes of the last day stood for. A tenth is set aside for empty minutes, because false counts show
//! there. The chance is known before the minute begins and is written down with it, so that whatever
//! the last day was like, [`estimate`](super::estimate) can undo it.

use super::strata::Stratum;
use crate::random::SplitMix64;
use std::collections::VecDeque;

const STRATA: usize = Stratum::ALL.len();

/// Minutes that the shares are taken from.
const DAY: usize = 24 * 60;

/// Part of the clips that go to empty minutes.
const EMPTY_SHARE: f64 = 0.1;

/// No minute is surer than this: what is always kept teaches that minutes are being watched, and would keep every
/// minute of somebody's quiet evening.
const MOST_CHANCE: f64 = 0.5;

/// Minutes by stratum of a day that nobody has seen yet: a shop open for ten hours, with a busy hour. It fades as
/// real minutes come in, and is gone after the first day.
const FIRST_DAY: [f64; STRATA] = [840.0, 240.0, 240.0, 110.0, 10.0];

/// Draws the minutes of one camera.
#[derive(Debug, Clone)]
pub struct MinuteDraw {
    clips_per_day: f64,
    /// Strata of the last day's minutes, the oldest first.
    last_day: VecDeque<Stratum>,
    /// How many of each are in `last_day`.
    minutes: [f64; STRATA],
    random: SplitMix64,
}

impl MinuteDraw {
    /// Aims at `clips_per_day`; the same seed and the same minutes give the same draw.
    #[must_use]
    pub fn new(clips_per_day: u32, seed: u64) -> Self {
        Self {
            clips_per_day: f64::from(clips_per_day),
            last_day: VecDeque::with_capacity(DAY),
            minutes: [0.0; STRATA],
            random: SplitMix64::new(seed),
        }
    }

    /// The chance that a minute of this stratum has now, above 0 and at most one half.
    #[must_use]
    pub fn chance(&self, stratum: Stratum) -> f64 {
        let minutes = self.minutes_of_a_day();
        // This minute is one of the day's, also where it is the first of its kind.
        let own = minutes[stratum.index()].max(1.0);
        let chance = if stratum == Stratum::Empty {
            EMPTY_SHARE * self.clips_per_day / own
        } else {
            let traffic = |one: &Stratum| {
                let minutes = if *one == stratum { own } else { minutes[one.index()] };
                minutes * one.typical_crossings()
            };
            let all: f64 = Stratum::ALL.iter().map(traffic).sum();
            (1.0 - EMPTY_SHARE) * self.clips_per_day * stratum.typical_crossings() / all
        };
        chance.min(MOST_CHANCE)
    }

    /// Draws the minute that begins now; gives its chance, and whether it is kept.
    pub fn draw(&mut self, stratum: Stratum) -> (f64, Verdict) {
        let chance = self.chance(stratum);
        if self.last_day.len() == DAY
            && let Some(oldest) = self.last_day.pop_front()
        {
            self.minutes[oldest.index()] -= 1.0;
        }
        self.last_day.push_back(stratum);
        self.minutes[stratum.index()] += 1.0;
        let verdict = if self.random.next_share() < chance { Verdict::Keep } else { Verdict::Pass };
        (chance, verdict)
    }

    fn minutes_of_a_day(&self) -> [f64; STRATA] {
        let unseen = 1.0 - self.last_day.len() as f64 / DAY as f64;
        std::array::from_fn(|index| unseen * FIRST_DAY[index] + self.minutes[index])
    }
}

/// What is done with a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It becomes a clip.
    Keep,
    /// It does not.
    Pass,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A shop's day: minutes of each stratum, in the order in which they come.
    fn day(minutes: [usize; STRATA]) -> Vec<Stratum> {
        Stratum::ALL
            .into_iter()
            .zip(minutes)
            .flat_map(|(one, times)| std::iter::repeat_n(one, times))
            .collect()
    }

    /// Clips of each stratum after `days` such days, without the first.
    fn clips(draw: &mut MinuteDraw, minutes: [usize; STRATA], days: usize) -> [usize; STRATA] {
        let mut kept = [0; STRATA];
        for number in 0..=days {
            for stratum in day(minutes) {
                let (_, verdict) = draw.draw(stratum);
                kept[stratum.index()] += usize::from(number > 0 && verdict == Verdict::Keep);
            }
        }
        kept
    }

    /// Over a hundred days about as many clips as were asked for, whatever the shop is like.
    #[track_caller]
    fn check(minutes: [usize; STRATA], wanted_a_day: u32) {
        let kept: usize = clips(&mut MinuteDraw::new(wanted_a_day, 7), minutes, 100).iter().sum();
        let wanted = 100.0 * f64::from(wanted_a_day);
        assert!((kept as f64 / wanted - 1.0).abs() < 0.12, "{kept} of {wanted} for {minutes:?}");
    }

    #[test]
    fn a_day_gives_about_as_many_clips_as_were_asked_for() {
        check([840, 240, 240, 110, 10], 8);
        check([840, 300, 300, 0, 0], 8);
        check([700, 100, 200, 300, 140], 30);
    }

    #[test]
    fn most_clips_are_of_the_busiest_hours_and_some_of_empty_ones() {
        let minutes = [840, 240, 240, 120, 0];
        let kept = clips(&mut MinuteDraw::new(8, 1), minutes, 200);
        assert!(kept[3] > kept[2] && kept[2] > kept[1], "{kept:?}");
        assert!(kept[3] * 2 > kept.iter().sum(), "{kept:?}");
        assert!(kept[0] > 80, "{kept:?}");
    }

    #[test]
    fn the_busiest_hour_is_in_within_a_week_in_a_thousand_weeks() {
        let minutes = [840, 240, 240, 60, 60];
        let without = (0..1000).filter(|seed| {
            let mut draw = MinuteDraw::new(8, *seed);
            clips(&mut draw, minutes, 7)[4] == 0
        });
        assert_eq!(without.count(), 0);
    }

    #[test]
    fn the_same_seed_draws_the_same_minutes() {
        let minutes = [100, 100, 100, 100, 100];
        let of_seed = |seed| clips(&mut MinuteDraw::new(50, seed), minutes, 5);
        assert_eq!(of_seed(3), of_seed(3));
        assert_ne!(of_seed(3), of_seed(4));
    }

    proptest! {
        #[test]
        fn every_chance_is_above_zero_and_at_most_one_half(
            clips_per_day in 1_u32..=200,
            seen in prop::collection::vec(0_usize..STRATA, 0..3000),
        ) {
            let mut draw = MinuteDraw::new(clips_per_day, 5);
            for one in seen {
                draw.draw(Stratum::ALL[one]);
            }
            prop_assert!(draw.last_day.len() <= DAY);
            for stratum in Stratum::ALL {
                let chance = draw.chance(stratum);
                prop_assert!(chance > 0.0 && chance <= MOST_CHANCE, "{stratum:?} {chance}");
            }
        }
    }
}
