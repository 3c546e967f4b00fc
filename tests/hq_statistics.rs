//! How often the intervals of `hq::stats` hold the truth, on simulated stores whose truth is known.
//!
//! Store-days have weekly seasons, more spread than chance alone gives, days that hang together with the days before, weather that all
//! stores share and, where stores are compared, months in which one street has its own course. The intervals know nothing of how the days were
//! made: their model of what days remember is another one than what is simulated.
//!
//! The short form runs 100 comparisons of each kind (at 95 % that gives 89 to 99 in 99 of 100 seeds). The project's numbers, where
//! 93 to 97 % are asked for, are of 2,000: of 500 the share itself is uncertain by 1 %, so that one of sixteen cells lies outside now and
//! then. They run with
//! `cargo test --release --no-default-features --features hq --test hq_statistics -- --ignored --nocapture`.

#![cfg(feature = "hq")]

use footfall::hq::simulate::dice::{Dice, Drift};
use footfall::hq::stats::{Change, Difference, StoreDay, Unknown, against, before_after, test_control};
use std::ops::RangeInclusive;

const VISITORS: [f64; 7] = [0.8, 0.8, 0.85, 0.95, 1.2, 1.6, 0.8];
const RATES: [f64; 7] = [1.0, 1.0, 0.97, 1.0, 1.05, 1.15, 1.1];
const EFFECT: f64 = 0.12;

/// How a simulated store behaves.
#[derive(Clone)]
struct Habits {
    weeks: usize,
    /// Correlation of neighbouring days.
    memory: f64,
    /// Weather by day, of all stores.
    weather: Vec<f64>,
    /// Spread of what happens in one street.
    street: f64,
    /// Whether what is counted is money in baskets.
    baskets: bool,
}

impl Habits {
    fn of_one(weeks: usize, memory: f64) -> Self {
        Self { weeks, memory, weather: vec![0.0; 14 * weeks], street: 0.0, baskets: false }
    }

    fn of_several(weeks: usize, street: f64, dice: &mut Dice) -> Self {
        let mut weather = Drift::new(0.4, 0.08, dice);
        let weather = (0..14 * weeks).map(|_| weather.next(dice)).collect();
        Self { weather, street, ..Self::of_one(weeks, 0.3) }
    }

    fn store(&self, effect: f64, dice: &mut Dice) -> Change {
        let (people, rate) = (dice.between(150.0, 800.0), dice.between(0.08, 0.25));
        let (mut traffic, mut mood) = (Drift::new(0.5, 0.15, dice), Drift::new(self.memory, 0.12, dice));
        let street = self.street * dice.normal();
        let mut change = Change::default();
        for (at, weather) in self.weather.iter().enumerate() {
            let is_after = at >= 7 * self.weeks;
            let usual = people * VISITORS[at % 7];
            let mean = usual * traffic.next(dice).exp();
            let visitors = dice.count(mean);
            let course = if is_after { street + (1.0 + effect).ln() } else { 0.0 };
            let mean =
                f64::from(visitors) * rate * RATES[at % 7] * (mood.next(dice) + weather + course).exp();
            let stopped = dice.count(mean);
            let numerator = match self.baskets {
                false => f64::from(stopped),
                true => (0..stopped).map(|_| (3.0 + dice.normal()).exp()).sum(),
            };
            // Day 4 of 1970 was a Monday.
            let day = StoreDay { day: at as i64 + 4, numerator, denominator: f64::from(visitors) };
            if is_after { change.after.push(day) } else { change.before.push(day) }
        }
        change
    }
}

type Comparison = fn(f64, u64, &mut Dice) -> Result<Difference, Unknown>;

fn one_store<const WEEKS: usize>(effect: f64, seed: u64, dice: &mut Dice) -> Result<Difference, Unknown> {
    let memory = dice.between(0.0, 0.5);
    before_after(&Habits::of_one(WEEKS, memory).store(effect, dice), seed)
}

fn money_of_one_store(effect: f64, seed: u64, dice: &mut Dice) -> Result<Difference, Unknown> {
    let habits = Habits { baskets: true, ..Habits::of_one(3, 0.3) };
    before_after(&habits.store(effect, dice), seed)
}

fn two_displays(effect: f64, seed: u64, dice: &mut Dice) -> Result<Difference, Unknown> {
    let habits = Habits::of_several(2, 0.0, dice);
    // The same store twice, so that both have one rate: the one with the effect on all of its days.
    let mut fork = dice.clone();
    let one = habits.store(0.0, dice);
    let days = |change: Change| [change.before, change.after].concat();
    let (people, rate) = (fork.between(150.0, 800.0), fork.between(0.08, 0.25));
    let mut mood = Drift::new(0.3, 0.12, dice);
    let other = days(one.clone()).into_iter().enumerate().map(|(at, day)| {
        let visitors = dice.count(people * VISITORS[at % 7]);
        let mean = f64::from(visitors) * rate * RATES[at % 7] * (mood.next(dice) + habits.weather[at]).exp();
        StoreDay {
            day: day.day,
            numerator: f64::from(dice.count(mean * (1.0 + effect))),
            denominator: f64::from(visitors),
        }
    });
    let other: Vec<StoreDay> = other.collect();
    against(&other, &days(one), seed)
}

fn stores<const EACH: usize>(effect: f64, seed: u64, dice: &mut Dice) -> Result<Difference, Unknown> {
    // Days of one or two stores cannot show what a street does for weeks, and the page says so.
    let habits = Habits::of_several(3, if EACH < 3 { 0.0 } else { 0.05 }, dice);
    let mut side = |effect: f64| (0..EACH).map(|_| habits.store(effect, dice)).collect::<Vec<_>>();
    let (tests, controls) = (side(effect), side(0.0));
    test_control(&tests, &controls, seed)
}

const KINDS: [(&str, Comparison); 8] = [
    ("one store, 2 weeks and 2", one_store::<2>),
    ("one store, 3 weeks and 3", one_store::<3>),
    ("one store, 6 weeks and 6", one_store::<6>),
    ("one store, money, 3 weeks and 3", money_of_one_store),
    ("two displays, 4 weeks", two_displays),
    ("1 store against 1", stores::<1>),
    ("3 stores against 3", stores::<3>),
    ("8 stores against 8", stores::<8>),
];

/// Compares `runs` times and counts how often the interval holds the truth.
#[track_caller]
fn check(effect: f64, runs: u32, expected: &RangeInclusive<f64>) {
    let mut missed = Vec::new();
    for (at, (kind, compare)) in KINDS.into_iter().enumerate() {
        let mut dice = Dice::new(20_261_122 + at as u64);
        let (mut held, mut width) = (0, 0.0);
        for run in 0..runs {
            let found = compare(effect, u64::from(run), &mut dice).expect("enough days");
            held += u32::from(found.low <= effect && effect <= found.high);
            width += (found.high - found.low) / f64::from(runs);
        }
        let share = f64::from(held) / f64::from(runs);
        println!(
            "{kind}: truth {effect:+.2} held in {:.1} % of {runs}, mean width {width:.3}",
            100.0 * share
        );
        if !expected.contains(&share) {
            missed.push(format!("{kind}: {share}"));
        }
    }
    assert!(missed.is_empty(), "outside of {expected:?}: {missed:?}");
}

#[test]
fn where_nothing_changed_the_interval_holds_zero_nineteen_times_in_twenty() {
    check(0.0, 100, &(0.89..=0.99));
}

#[test]
fn where_something_changed_the_interval_holds_it_as_often() {
    check(EFFECT, 100, &(0.89..=0.99));
}

#[test]
#[ignore = "takes a minute; the project's numbers are stated from it"]
fn of_2000_comparisons_93_to_97_in_100_hold_the_truth() {
    check(0.0, 2000, &(0.93..=0.97));
    check(EFFECT, 2000, &(0.93..=0.97));
}
