//! How right a count is, event by event, against a tally that a person made.
//!
//! Totals hide a miss behind a false count; events do not. A counted crossing is right if a true one of the same
//! direction lies within a window of time, and each is used once. Which are taken for each other is decided for
//! all of them together: taking the nearest first can leave two events alone that had a partner. Since every window is
//! equally wide, going through both lists in the order of time finds the most pairs there are: if
//! the earliest event of each list fit, some best pairing has them together (whoever they are paired with instead can
//! change over to each other's partner), and if they do not fit, the earlier of them fits no later one either.

use crate::count::Direction;
use crate::time::WallTime;
use std::collections::BTreeMap;
use std::time::Duration;

/// A quarter of an hour of the wall clock. All time zones are whole quarters from UTC, so these are the shop's quarters.
const BIN_MS: i64 = 15 * 60_000;

/// Samples for an interval: its ends then move by less than a hundredth when the seed changes.
const SAMPLES: usize = 2_000;

/// The same events always give the same interval.
const SEED: u64 = 0x5EED;

/// Somebody crossed the line: counted, or noted by a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Passage {
    /// When.
    pub at: WallTime,
    /// Which way.
    pub direction: Direction,
    /// In which frame (1-based decoded frame); none where only the time is known.
    pub frame: Option<u64>,
}

/// What became of the events of one direction, or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// True events that were counted.
    pub right: usize,
    /// True events that were not.
    pub missed: usize,
    /// Counted events that were none.
    pub wrong: usize,
}

impl Tally {
    /// Events that were counted.
    #[must_use]
    pub const fn counted(&self) -> usize {
        self.right + self.wrong
    }

    /// Events that there were.
    #[must_use]
    pub const fn truth(&self) -> usize {
        self.right + self.missed
    }

    /// Share of the counted events that are right; none where nothing was counted.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(self.right, self.counted())
    }

    /// Share of the true events that were counted; none where there were none.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        share(self.right, self.truth())
    }

    /// Harmonic mean of both, `2 right / (counted + truth)`; none where there is no event at all.
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        share(2 * self.right, self.counted() + self.truth())
    }

    /// Counted minus true: what remains when a miss hides behind a false event.
    #[must_use]
    pub fn net_error(&self) -> i64 {
        self.wrong as i64 - self.missed as i64
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// How right a count is.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Both directions together.
    pub all: Tally,
    /// In.
    pub entries: Tally,
    /// Out.
    pub exits: Tally,
    /// True events that were not counted, by time.
    pub missed: Vec<Passage>,
    /// Counted events that were none, by time.
    pub wrong: Vec<Passage>,
    /// Sum of |counted - true| over quarter hours and directions, as a share of the true events; none where there are
    /// none. Directions are kept apart, so that a missed entry does not hide behind a false exit.
    pub wape: Option<f64>,
    /// Within which F1 lies with 95 % confidence, by the bootstrap; none where there is no event.
    ///
    /// What is drawn anew, as often as there are, are the outcomes of events: right, missed, wrong. Minutes would be the
    /// better unit, as errors come together in crowds; but tallies made by hand are mostly shorter than
    /// the half hour from which minutes can be drawn. So take it for the least that the uncertainty can be.
    pub f1_interval: Option<(f64, f64)>,
}

impl Score {
    /// Compares what was counted at a line with what a person saw there; `window` is as far as they may be apart.
    #[must_use]
    pub fn of(counted: &[Passage], truth: &[Passage], window: Duration) -> Self {
        let (mut missed, mut wrong) = (Vec::new(), Vec::new());
        let mut tally = |direction| {
            let of_direction = |events: &[Passage]| {
                let mut events: Vec<Passage> =
                    events.iter().filter(|event| event.direction == direction).copied().collect();
                events.sort();
                events
            };
            matched(&of_direction(counted), &of_direction(truth), window, (&mut missed, &mut wrong))
        };
        let (entries, exits) = (tally(Direction::In), tally(Direction::Out));
        missed.sort();
        wrong.sort();
        let all = Tally {
            right: entries.right + exits.right,
            missed: entries.missed + exits.missed,
            wrong: entries.wrong + exits.wrong,
        };
        Self { all, entries, exits, missed, wrong, wape: wape(counted, truth), f1_interval: bootstrap(all) }
    }

    /// The tally of one direction.
    #[must_use]
    pub const fn of_direction(&self, direction: Direction) -> Tally {
        match direction {
            Direction::In => self.entries,
            Direction::Out => self.exits,
        }
    }
}

/// Pairs events of one direction, both lists by time; what is left of each is added to `(missed, wrong)`.
fn matched(
    counted: &[Passage],
    truth: &[Passage],
    window: Duration,
    (missed, wrong): (&mut Vec<Passage>, &mut Vec<Passage>),
) -> Tally {
    let (mut c, mut t, mut tally) = (0, 0, Tally::default());
    while let (Some(counted), Some(truth)) = (counted.get(c), truth.get(t)) {
        if counted.at.since(truth.at) > window {
            missed.push(*truth);
            t += 1;
        } else if truth.at.since(counted.at) > window {
            wrong.push(*counted);
            c += 1;
        } else {
            tally.right += 1;
            (c, t) = (c + 1, t + 1);
        }
    }
    missed.extend(&truth[t..]);
    wrong.extend(&counted[c..]);
    Tally { missed: truth.len() - tally.right, wrong: counted.len() - tally.right, ..tally }
}

fn wape(counted: &[Passage], truth: &[Passage]) -> Option<f64> {
    let mut bins = BTreeMap::<(i64, Direction), i64>::new();
    let mut add = |events: &[Passage], by: i64| {
        for event in events {
            *bins.entry((event.at.unix_ms().div_euclid(BIN_MS), event.direction)).or_default() += by;
        }
    };
    add(counted, 1);
    add(truth, -1);
    let errors: u64 = bins.values().map(|error| error.unsigned_abs()).sum();
    share(usize::try_from(errors).unwrap_or(usize::MAX), truth.len())
}

/// Percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13).
fn bootstrap(all: Tally) -> Option<(f64, f64)> {
    let events = all.right + all.missed + all.wrong;
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut drawn = || {
        let mut tally = Tally::default();
        for _ in 0..events {
            match random.usize(..events) {
                outcome if outcome < all.right => tally.right += 1,
                outcome if outcome < all.truth() => tally.missed += 1,
                _ => tally.wrong += 1,
            }
        }
        tally.f1()
    };
    let mut scores: Vec<f64> = (0..SAMPLES).map_while(|_| drawn()).collect();
    scores.sort_by(f64::total_cmp);
    let tail = SAMPLES / 40;
    scores.get(tail).copied().zip(scores.get(SAMPLES - 1 - tail).copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn passage(ms: i64, direction: Direction) -> Passage {
        Passage { at: WallTime::from_unix_ms(ms), direction, frame: None }
    }

    /// Events as `+1200 -400`: in at 1.2 s, out at 0.4 s.
    fn events(text: &str) -> Vec<Passage> {
        let event = |word: &str| {
            let direction = if word.starts_with('+') { Direction::In } else { Direction::Out };
            passage(word[1..].parse().unwrap(), direction)
        };
        text.split_whitespace().map(event).collect()
    }

    fn told(events: &[Passage]) -> String {
        let sign = |event: &Passage| if event.direction == Direction::In { '+' } else { '-' };
        let word = |event: &Passage| format!("{}{}", sign(event), event.at.unix_ms());
        events.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    /// How many are right, which are missed and which are wrong.
    #[track_caller]
    fn check(counted: &str, truth: &str, expected: (usize, &str, &str)) -> Score {
        let score = Score::of(&events(counted), &events(truth), SECOND);
        let (missed, wrong) = (told(&score.missed), told(&score.wrong));
        assert_eq!((score.all.right, missed.as_str(), wrong.as_str()), expected);
        score
    }

    #[test]
    fn an_event_is_right_up_to_a_second_early_or_late() {
        check("+2000 -5000", "+3000 -4000", (2, "", ""));
        check("+1999 -5001", "+3000 -4000", (0, "+3000 -4000", "+1999 -5001"));
    }

    #[test]
    fn another_direction_is_a_miss_and_a_false_event() {
        check("-1000", "+1000", (0, "+1000", "-1000"));
    }

    #[test]
    fn one_event_cannot_stand_for_two() {
        check("+1000 +1100", "+1050", (1, "", "+1100"));
        check("+1050", "+1000 +1100", (1, "+1100", ""));
    }

    #[test]
    fn two_pairs_are_found_where_taking_the_nearest_first_finds_one() {
        // 1900 is nearest to 2000, which would leave 1000 and 2900 without a partner.
        check("+1900 +2900", "+1000 +2000", (2, "", ""));
        check("+2900 +1900", "+2000 +1000", (2, "", ""));
    }

    #[test]
    fn shares_and_errors_are_those_that_one_adds_up_by_hand() {
        let score = check("+1000 +5000 -9000", "+1000 +20000 -9500 -30000", (2, "+20000 -30000", "+5000"));
        assert_eq!((score.all.precision(), score.all.recall()), (Some(2.0 / 3.0), Some(0.5)));
        assert_eq!(score.all.f1(), Some(4.0 / 7.0));
        assert_eq!((score.entries.net_error(), score.exits.net_error()), (0, -1));
        assert_eq!(score.of_direction(Direction::Out), Tally { right: 1, missed: 1, wrong: 0 });
        assert_eq!(score.wape, Some(0.25));
    }

    #[test]
    fn errors_of_two_quarters_or_directions_do_not_cancel() {
        // One too many before the quarter, one too few after it.
        assert_eq!(check("+899999", "+900001", (1, "", "")).wape, Some(2.0));
        assert_eq!(check("+890000", "-890000", (0, "-890000", "+890000")).wape, Some(2.0));
        assert_eq!(
            check("+1000 -2000", "-500000 +400000", (0, "+400000 -500000", "+1000 -2000")).wape,
            Some(0.0)
        );
    }

    #[test]
    fn nothing_against_nothing_has_no_score_instead_of_a_perfect_one() {
        let score = check("", "", (0, "", ""));
        assert_eq!((score.all.f1(), score.wape, score.f1_interval), (None, None, None));
        assert_eq!(check("+1", "", (0, "", "+1")).all.precision(), Some(0.0));
        assert_eq!(check("", "+1", (0, "+1", "")).all.precision(), None);
    }

    #[test]
    fn the_interval_is_the_same_every_time_and_narrows_with_more_events() {
        let interval = |times: usize| {
            let all = Tally { right: 9 * times, missed: times / 2, wrong: times - times / 2 };
            assert_eq!(bootstrap(all), bootstrap(all));
            bootstrap(all).unwrap()
        };
        let (few, many) = (interval(4), interval(100));
        let f1 = Tally { right: 9, missed: 1, wrong: 0 }.f1().unwrap();
        assert!(few.0 < many.0 && many.0 < f1 && f1 < few.1 && many.1 <= few.1, "{few:?} {many:?}");
        // With a share r of n outcomes right, F1 is 2r / (1 + r), and its standard error
        // 2 / (1 + r)^2 * sqrt(r (1 - r) / n): 0.00526 for 0.9 of 1,000.
        assert!((many.1 - many.0 - 3.92 * 0.00526).abs() < 0.002, "{many:?}");
        assert_eq!(bootstrap(Tally { right: 8, missed: 0, wrong: 0 }), Some((1.0, 1.0)));
    }

    /// The most pairs there are, by trying every change of partners (Kuhn's algorithm).
    fn most_pairs(counted: &[Passage], truth: &[Passage]) -> usize {
        fn place(
            c: usize,
            fits: &dyn Fn(usize, usize) -> bool,
            of: &mut [Option<usize>],
            tried: &mut [bool],
        ) -> bool {
            for t in 0..of.len() {
                if fits(c, t) && !std::mem::replace(&mut tried[t], true) {
                    let is_free = match of[t] {
                        None => true,
                        Some(other) => place(other, fits, of, tried),
                    };
                    if is_free {
                        of[t] = Some(c);
                        return true;
                    }
                }
            }
            false
        }
        let fits = |c: usize, t: usize| {
            let (counted, truth): (&Passage, &Passage) = (&counted[c], &truth[t]);
            let apart = counted.at.unix_ms().abs_diff(truth.at.unix_ms());
            counted.direction == truth.direction && u128::from(apart) <= SECOND.as_millis()
        };
        let mut of = vec![None; truth.len()];
        (0..counted.len()).filter(|c| place(*c, &fits, &mut of, &mut vec![false; truth.len()])).count()
    }

    fn any_events() -> impl Strategy<Value = Vec<Passage>> {
        let event = (0_i64..60, proptest::bool::ANY).prop_map(|(tenths, is_in)| {
            passage(100 * tenths, if is_in { Direction::In } else { Direction::Out })
        });
        proptest::collection::vec(event, 0..12)
    }

    proptest! {
        #[test]
        fn no_other_pairing_has_more_pairs(counted in any_events(), truth in any_events()) {
            let score = Score::of(&counted, &truth, SECOND);
            prop_assert_eq!(score.all.right, most_pairs(&counted, &truth));
            prop_assert_eq!(score.all.counted(), counted.len());
            prop_assert_eq!(score.all.truth(), truth.len());
            prop_assert_eq!((score.missed.len(), score.wrong.len()), (score.all.missed, score.all.wrong));
        }

        #[test]
        fn counted_and_true_may_change_places(counted in any_events(), truth in any_events()) {
            let (one, other) = (Score::of(&counted, &truth, SECOND), Score::of(&truth, &counted, SECOND));
            prop_assert_eq!(one.all.f1(), other.all.f1());
            prop_assert_eq!(one.all.precision(), other.all.recall());
            prop_assert_eq!(one.entries.net_error(), -other.entries.net_error());
        }
    }
}
