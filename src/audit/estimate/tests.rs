//! Simulated shops of which every minute is known, audited many times: the truth must lie in the interval about 95 times in 100.

use super::*;
use crate::audit::draw::{MinuteDraw, Verdict};
use proptest::prelude::*;

/// Numbers for a simulation; the same seed gives the same shop.
struct Chance(u64);

impl Chance {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A Poisson number by counting how often shares can be multiplied; for small means.
    fn poisson(&mut self, mean: f64) -> u32 {
        let (limit, mut product, mut number) = ((-mean).exp(), self.share(), 0);
        while product > limit {
            (product, number) = (product * self.share(), number + 1);
        }
        number
    }

    fn of(&mut self, number: u32, chance: f64) -> u32 {
        (0..number).map(|_| u32::from(self.share() < chance)).sum()
    }
}

/// How a simulated box counts.
#[derive(Clone, Copy)]
struct Counter {
    /// Part of the people it misses in a busy minute; in a crowd half as much again, in a quiet one half.
    misses: f64,
    /// False counts for each person there.
    doubles: f64,
    /// False counts in each minute, whoever is there.
    ghosts: f64,
}

/// Minutes of a day in each stratum, and people in each of those minutes and directions.
const DAY: [(usize, f64); STRATA] = [(840, 0.002), (240, 0.08), (240, 0.35), (90, 1.3), (30, 4.0)];

/// Two weeks of minutes, each with its true numbers and those of the box.
fn shop(of: Counter, seed: u64) -> Vec<TalliedMinute> {
    let mut chance = Chance(seed);
    let mut minutes = Vec::new();
    for (stratum, (number, people)) in days(14) {
        let misses = of.misses * (0.5 + 0.25 * stratum.index() as f64);
        for _ in 0..number {
            // Minutes of one stratum are not alike: from nobody to twice as many.
            let mean = 2.0 * chance.share() * people;
            let mut one = |mean: f64| {
                let there = chance.poisson(mean);
                let seen = there - chance.of(there, misses);
                let false_ones = chance.poisson(f64::from(there) * of.doubles + of.ghosts);
                (there, seen + false_ones)
            };
            let (entries, exits) = (one(mean), one(mean));
            minutes.push(TalliedMinute {
                stratum,
                chance: 1.0,
                counted: Passages { entries: entries.1, exits: exits.1 },
                tallied: Passages { entries: entries.0, exits: exits.0 },
            });
        }
    }
    minutes
}

/// The strata of several days, one day after another.
fn days(number: usize) -> impl Iterator<Item = (Stratum, (usize, f64))> {
    std::iter::repeat_n(Stratum::ALL.into_iter().zip(DAY), number).flatten()
}

fn population(shop: &[TalliedMinute]) -> [Population; STRATA] {
    let mut population = [Population::default(); STRATA];
    for minute in shop {
        let of = &mut population[minute.stratum.index()];
        of.minutes += 1;
        of.crossings += u64::from(minute.counted.entries + minute.counted.exits);
    }
    population
}

fn both(minute: &TalliedMinute) -> Errors {
    Errors::of_entries(minute) + Errors::of_exits(minute)
}

/// Accuracy without any weight: of all minutes the truth, of a sample the naive figure.
fn plain_accuracy(minutes: &[TalliedMinute]) -> f64 {
    let sum = |of: fn(&Errors) -> f64| minutes.iter().map(|minute| of(&both(minute))).sum::<f64>();
    1.0 - sum(|one| one.wrong) / sum(|one| one.people)
}

/// Draws the minutes of a shop in proportion to traffic and gives those that were drawn, with their chances.
fn drawn(shop: &[TalliedMinute], clips: f64, chance: &mut Chance) -> Vec<TalliedMinute> {
    // As in the real draw about a tenth are empty ones.
    let weight = |minute: &TalliedMinute| minute.stratum.typical_crossings().max(1.5);
    let all: f64 = shop.iter().map(weight).sum();
    let with_chance =
        |minute: &TalliedMinute| TalliedMinute { chance: clips * weight(minute) / all, ..*minute };
    shop.iter().map(with_chance).filter(|minute| chance.share() < minute.chance).collect()
}

const AUDITS: usize = 300;

/// Audits a shop many times with about this many clips: how often the truth lies in the interval, in percent, and the mean
/// accuracy that was estimated, beside the true one, in percent as well.
#[track_caller]
fn check(of: Counter, clips: f64, covered: std::ops::RangeInclusive<f64>, off_at_most: f64) {
    let shop = shop(of, 11);
    let (population, truth) = (population(&shop), plain_accuracy(&shop));
    let mut chance = Chance(42);
    let found: Vec<Accuracy> = (0..AUDITS)
        .filter_map(|_| estimate(&population, &drawn(&shop, clips, &mut chance)).both.ok())
        .collect();
    assert!(found.len() * 10 >= AUDITS * 8, "only {} audits had enough", found.len());
    let hits = found.iter().filter(|one| (one.low..=one.high).contains(&truth)).count();
    let hits = 100.0 * hits as f64 / found.len() as f64;
    let mean = found.iter().map(|one| one.accuracy).sum::<f64>() / found.len() as f64;
    assert!(covered.contains(&hits), "{hits} % covered; the truth is {truth}, the mean {mean}");
    assert!(100.0 * (mean - truth).abs() <= off_at_most, "the mean is {mean}, the truth {truth}");
}

const GOOD: Counter = Counter { misses: 0.03, doubles: 0.005, ghosts: 0.000_1 };
const FAIR: Counter = Counter { misses: 0.08, doubles: 0.03, ghosts: 0.001 };
const POOR: Counter = Counter { misses: 0.25, doubles: 0.1, ghosts: 0.01 };

#[test]
fn the_interval_holds_the_truth_about_95_times_in_100_for_a_good_a_fair_and_a_poor_box() {
    check(GOOD, 100.0, 93.0..=99.5, 0.5);
    check(FAIR, 100.0, 93.0..=99.5, 0.8);
    check(POOR, 100.0, 93.0..=99.5, 1.5);
}

#[test]
fn and_with_few_clips_too() {
    check(GOOD, 35.0, 93.0..=100.0, 0.8);
    check(FAIR, 35.0, 93.0..=100.0, 1.2);
    check(POOR, 35.0, 93.0..=99.5, 2.5);
}

#[test]
fn a_plain_mean_over_the_clips_would_be_wrong_and_the_weighted_one_is_not() {
    // Wrong where it is empty: ghosts that a sample of busy minutes hardly shows.
    let shop = shop(Counter { misses: 0.02, doubles: 0.0, ghosts: 0.03 }, 3);
    let (population, truth) = (population(&shop), plain_accuracy(&shop));
    let mut chance = Chance(9);
    let (mut naive, mut weighted) = (0.0, 0.0);
    for _ in 0..AUDITS {
        let sample = drawn(&shop, 250.0, &mut chance);
        naive += plain_accuracy(&sample) / AUDITS as f64;
        weighted += estimate(&population, &sample).both.unwrap().accuracy / AUDITS as f64;
    }
    assert!(naive - truth > 0.1, "naive {naive}, true {truth}");
    assert!((weighted - truth).abs() < 0.02, "weighted {weighted}, true {truth}");
}

#[test]
fn the_real_draw_and_clips_that_nobody_tallied_leave_the_figure_unbiased() {
    let shop = shop(FAIR, 5);
    let (population, truth) = (population(&shop), plain_accuracy(&shop));
    let mut mean = 0.0;
    for seed in 0..100 {
        let (mut draw, mut chance) = (MinuteDraw::new(16, seed), Chance(seed));
        let mut sample = Vec::new();
        for minute in &shop {
            let (of_draw, verdict) = draw.draw(minute.stratum);
            // Half of all clips are looked at, of quiet ones only a quarter.
            let looked_at = if minute.stratum == Stratum::Quiet { 0.25 } else { 0.5 };
            if verdict == Verdict::Keep && chance.share() < looked_at {
                sample.push(TalliedMinute { chance: of_draw, ..*minute });
            }
        }
        mean += estimate(&population, &sample).both.unwrap().accuracy / 100.0;
    }
    assert!((mean - truth).abs() < 0.012, "mean {mean}, true {truth}");
}

/// Minutes of one stratum: how often, counted in, tallied in.
fn minutes(stratum: Stratum, times: usize, counted: u32, tallied: u32) -> Vec<TalliedMinute> {
    let of = |entries| Passages { entries, exits: 0 };
    let one = TalliedMinute { stratum, chance: 0.1, counted: of(counted), tallied: of(tallied) };
    vec![one; times]
}

fn of_strata(numbers: [(u64, u64); STRATA]) -> [Population; STRATA] {
    numbers.map(|(minutes, crossings)| Population { minutes, crossings })
}

#[test]
fn a_minute_stands_for_those_of_its_stratum() {
    // 100 busy minutes of 10 people, all right; 1,000 quiet ones of 1 person, all missed: 1,000 of 2,000.
    let population = of_strata([(0, 0), (1000, 0), (0, 0), (100, 1000), (0, 0)]);
    let tallied = [minutes(Stratum::Busy, 20, 10, 10), minutes(Stratum::Quiet, 10, 0, 1)].concat();
    let found = estimate(&population, &tallied).both.unwrap();
    assert!((found.accuracy - 0.5).abs() < 1e-9, "{found:?}");
    assert!((found.counted_over_true - 0.5).abs() < 1e-9, "{found:?}");
    assert_eq!((found.minutes, found.people), (30, 210));
}

#[test]
fn errors_that_cancel_out_over_minutes_are_errors_all_the_same() {
    let population = of_strata([(0, 0), (0, 0), (0, 0), (100, 1000), (0, 0)]);
    let tallied = [minutes(Stratum::Busy, 20, 12, 10), minutes(Stratum::Busy, 20, 8, 10)].concat();
    let found = estimate(&population, &tallied).both.unwrap();
    assert!((found.accuracy - 0.8).abs() < 1e-9 && (found.counted_over_true - 1.0).abs() < 1e-9, "{found:?}");
}

#[test]
fn directions_are_told_apart() {
    let population = of_strata([(0, 0), (0, 0), (0, 0), (100, 1000), (0, 0)]);
    let one = TalliedMinute {
        stratum: Stratum::Busy,
        chance: 0.1,
        counted: Passages { entries: 4, exits: 6 },
        tallied: Passages { entries: 5, exits: 5 },
    };
    let found = estimate(&population, &vec![one; 30]);
    let accuracy = |of: Result<Accuracy, Shortage>| of.unwrap().accuracy;
    for of in [found.both, found.entries, found.exits] {
        assert!((accuracy(of) - 0.8).abs() < 1e-9, "{found:?}");
    }
    assert!((found.exits.unwrap().counted_over_true - 1.2).abs() < 1e-9);
}

#[test]
fn too_small_a_sample_gives_no_figure_and_says_what_is_missing() {
    let population = of_strata([(100, 0), (0, 0), (0, 0), (100, 900), (10, 100)]);
    let said = |tallied: &[TalliedMinute]| estimate(&population, tallied).both.unwrap_err().to_string();
    assert_eq!(said(&[]), "not enough yet: 0 of at least 20 minutes are tallied");
    let empty = minutes(Stratum::Empty, 30, 0, 0);
    assert_eq!(said(&empty), "not enough yet: 0 of at least 30 people were seen in the tallied minutes");
    let crowd_only = minutes(Stratum::Crowded, 30, 5, 5);
    assert!(said(&crowd_only).contains("in which 90 % of all were counted are not tallied"));
}

#[test]
fn false_counts_of_minutes_in_which_nobody_passed_are_told() {
    let tallied = [minutes(Stratum::Empty, 5, 2, 0), minutes(Stratum::Busy, 3, 4, 4)].concat();
    let found = estimate(&[Population::default(); STRATA], &tallied);
    assert_eq!((found.empty_minutes, found.false_counts), (5, 10));
}

#[test]
fn a_stratum_with_one_tallied_minute_is_weighed_with_its_neighbour() {
    let one = |stratum| minutes(stratum, 1, 1, 1).remove(0);
    let strata = |tallied: &[TalliedMinute]| groups(tallied);
    assert_eq!(strata(&[]), [Stratum::ALL.into_iter().rev().collect::<Vec<_>>()]);
    let mixed = [one(Stratum::Busy), one(Stratum::Normal), one(Stratum::Quiet)];
    assert_eq!(strata(&mixed).len(), 1);
    let two = [one(Stratum::Busy), one(Stratum::Busy), one(Stratum::Quiet)];
    assert_eq!(strata(&two).len(), 1);
    let four = [one(Stratum::Busy), one(Stratum::Busy), one(Stratum::Empty), one(Stratum::Empty)];
    assert_eq!(strata(&four).len(), 2);
}

fn any_minute() -> impl Strategy<Value = TalliedMinute> {
    let numbers = (0_u32..50, 0_u32..50, 0_u32..50, 0_u32..50);
    (0..STRATA, 1e-6_f64..=1.0, numbers).prop_map(|(stratum, chance, (a, b, c, d))| TalliedMinute {
        stratum: Stratum::ALL[stratum],
        chance,
        counted: Passages { entries: a, exits: b },
        tallied: Passages { entries: c, exits: d },
    })
}

proptest! {
    #[test]
    fn whatever_was_tallied_the_figure_is_a_number_within_its_interval(
        minutes in prop::collection::vec(any_minute(), 0..80),
        numbers in prop::array::uniform5((0_u64..100_000, 0_u64..100_000)),
    ) {
        let found = estimate(&of_strata(numbers), &minutes);
        for one in [found.both, found.entries, found.exits].into_iter().flatten() {
            prop_assert!(one.low <= one.accuracy + 1e-9 && one.accuracy <= one.high + 1e-9, "{one:?}");
            prop_assert!(one.low.is_finite() && one.high <= 1.0 && one.counted_over_true >= 0.0, "{one:?}");
        }
    }

    #[test]
    fn the_order_in_which_minutes_are_tallied_does_not_matter(
        minutes in prop::collection::vec(any_minute(), 20..60),
    ) {
        let population = of_strata([(500, 10); STRATA]);
        let reversed: Vec<_> = minutes.iter().rev().copied().collect();
        let of = |minutes: &[TalliedMinute]| estimate(&population, minutes).both;
        if let (Ok(one), Ok(other)) = (of(&minutes), of(&reversed)) {
            prop_assert!((one.accuracy - other.accuracy).abs() < 1e-9);
            prop_assert!((one.low - other.low).abs() < 1e-9 && (one.high - other.high).abs() < 1e-9);
        }
    }
}
