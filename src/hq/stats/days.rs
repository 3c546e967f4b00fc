//! The days of one store, or of two sides day by day: how far the difference may be from the truth.
//!
//! The error of the difference is a weighted sum over days of what a day has too much. Those excesses are correlated from one day to the
//! next (weather, a campaign, who works), and a part of each is its own (few people were counted). So they are taken to have
//! the covariance `(1 - s) I + s A`, with `A` falling by [`MEMORY`] a day, and the share `s` that remembers is estimated from what the
//! weekdays and sides leave over. Taking those out makes neighbouring days look less alike than they are; the estimate is the
//! share under which what is seen would be expected, so it is not deceived by that.
//!
//! The share is known badly from a few weeks, and one that is taken too small makes intervals too short. The bootstrap therefore draws with a
//! share that is [`LIFT`] higher, and each draw estimates its own as if it knew nothing. These three numbers were chosen by simulation of
//! stores whose days are correlated by 0 to 0.5 beside the noise of counting (`tests/hq_statistics.rs`). Of 2,000 stores that all have 0.5,
//! 93.9 % of the intervals hold that nothing changed with two weeks and two, 94.8 % with three and three, 95.2 % with six and six; at 0.7 it
//! is 92.4, 92.8 and 94.0 %: what goes on for weeks cannot be told from a change by the days of one store.

use super::clusters::reach;
use super::matrix::{Triangle, dot, orthonormal, remove};
use super::weekdays::{Fit, Fitted};
use super::{RESAMPLES, StoreDay, Unknown, weekday_of};
use crate::random::SplitMix64;
use std::iter;

/// How much of what is remembered is left after a day.
const MEMORY: f64 = 0.7;
/// Neighbours that are looked at, in days.
const NEIGHBOURS: usize = 3;
/// By how much the share that remembers is lifted in the draws.
const LIFT: f64 = 0.1;
/// More cannot be told from a trend.
const MOST_SHARE: f64 = 0.95;
/// Below this sum of squares the days are exactly what the model says, to the last bits.
const NOTHING: f64 = 1e-18;

/// What days have too much, and how they add up to the error of a difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    days: Vec<i64>,
    excesses: Vec<f64>,
    /// The error is the sum over days of weight x excess.
    weights: Vec<f64>,
    /// What was taken out of the excesses: weekdays and sides.
    explained: Vec<Vec<f64>>,
}

impl Series {
    /// Days of a change, each with the information that it carries.
    pub(super) fn of_change(days: impl Iterator<Item = (Fitted, f64)>) -> Self {
        let days: Vec<(Fitted, f64)> = days.collect();
        let scales: Vec<f64> = days.iter().map(|(_, information)| information.sqrt()).collect();
        let weekdays = weekday_columns(days.iter().map(|(day, _)| day.day), &scales);
        let side: Vec<f64> = iter::zip(&days, &scales)
            .map(|((day, _), scale)| if day.is_after { *scale } else { 0.0 })
            .collect();
        // What the side adds beyond the weekdays: the contrast of the regression on both.
        let basis = orthonormal(weekdays.clone());
        let mut beyond = side.clone();
        remove(&basis, &mut beyond);
        let length = dot(&beyond, &beyond);
        Self {
            days: days.iter().map(|(day, _)| day.day).collect(),
            excesses: iter::zip(&days, &scales).map(|((day, _), scale)| day.excess * scale).collect(),
            weights: beyond.iter().map(|value| value / length).collect(),
            explained: orthonormal(iter::chain(weekdays, [side]).collect()),
        }
    }

    /// Two sides on the same days: the difference of their steps, and what their days differ by.
    pub(super) fn of_both(tests: &Fit, controls: &Fit) -> Result<(f64, Self), Unknown> {
        let control_of = |day: &Fitted| controls.days.iter().find(|control| control.day == day.day);
        let pairs = tests.days.iter().filter_map(|day| control_of(day).map(|control| (day, control)));
        let differences = pairs.map(|(day, control)| {
            let excess = day.excess - control.excess;
            (Fitted { excess, ..*day }, 1.0 / (1.0 / day.expected + 1.0 / control.expected))
        });
        let series = Self::of_change(differences);
        if series.days.len() < 2 * super::LEAST_DAYS {
            return Err(Unknown::TooFewDays);
        }
        // The sides were fitted each by its own days' weights; together they are weighed anew.
        let left = dot(&series.weights, &series.excesses);
        Ok((tests.step - controls.step + left, series))
    }

    /// Half the width of the 95 % interval of a logarithm.
    pub(super) fn half_width(&self, seed: u64) -> f64 {
        let memory = Memory::of(self);
        let mut left = self.excesses.clone();
        remove(&self.explained, &mut left);
        if dot(&left, &left) < NOTHING {
            return 0.0;
        }
        let (error, share) = memory.error_and_share(&left);
        let share = (share + LIFT).min(MOST_SHARE);
        let bent = Triangle::of(self.days.len(), |row, column| {
            share * remembered(self.days[row] - self.days[column])
                + if row == column { 1.0 - share } else { 0.0 }
        });
        let mut independent = bent.solve(&left);
        let mean = independent.iter().sum::<f64>() / independent.len() as f64;
        independent.iter_mut().for_each(|value| *value -= mean);
        let mut random = SplitMix64::new(seed);
        let draws = (0..RESAMPLES).map(|_| {
            let drawn: Vec<f64> = independent
                .iter()
                .map(|_| independent[(random.next_share() * independent.len() as f64) as usize])
                .collect();
            let mut drawn = bent.times(&drawn);
            let off = dot(&self.weights, &drawn);
            remove(&self.explained, &mut drawn);
            let (error, _) = memory.error_and_share(&drawn);
            if error > 0.0 { (off / error).abs() } else { f64::INFINITY }
        });
        error * reach(draws.collect())
    }

    fn neighbours(&self, back: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.days.len())
            .flat_map(move |at| (at.saturating_sub(NEIGHBOURS)..at).map(move |earlier| (earlier, at)))
            .filter(move |(earlier, at)| self.days[*at] - self.days[*earlier] == back as i64)
    }
}

/// The difference of two displays on the same days, in their order, and what their days differ by.
pub(super) fn paired(one: &[StoreDay], other: &[StoreDay]) -> Result<(f64, Series), Unknown> {
    let sums = |days: &[StoreDay]| {
        days.iter().fold((0.0, 0.0), |(n, d), day| (n + day.numerator, d + day.denominator))
    };
    let ((counted, base), (other_counted, other_base)) = (sums(one), sums(other));
    if counted <= 0.0 || other_counted <= 0.0 {
        return Err(Unknown::Nothing);
    }
    let (rate, other_rate) = (counted / base, other_counted / other_base);
    let shares = iter::zip(one, other)
        .map(|(one, other)| (one.denominator / base + other.denominator / other_base) / 2.0);
    let scales: Vec<f64> = shares.map(f64::sqrt).collect();
    let excesses = iter::zip(iter::zip(one, other), &scales).map(|((one, other), scale)| {
        let excess = (one.numerator - rate * one.denominator) / counted;
        let other_excess = (other.numerator - other_rate * other.denominator) / other_counted;
        (excess - other_excess) / scale
    });
    let series = Series {
        days: one.iter().map(|day| day.day).collect(),
        excesses: excesses.collect(),
        explained: orthonormal(weekday_columns(one.iter().map(|day| day.day), &scales)),
        weights: scales,
    };
    Ok(((rate / other_rate).ln(), series))
}

/// A column for each weekday that occurs.
fn weekday_columns(days: impl Iterator<Item = i64>, scales: &[f64]) -> Vec<Vec<f64>> {
    let mut columns = vec![vec![0.0; scales.len()]; 7];
    for (at, (day, scale)) in iter::zip(days, scales).enumerate() {
        columns[weekday_of(day)][at] = *scale;
    }
    columns.retain(|column| column.iter().any(|value| *value > 0.0));
    columns
}

fn remembered(days: i64) -> f64 {
    MEMORY.powi(i32::try_from(days.abs()).unwrap_or(i32::MAX))
}

/// A sum over pairs of days that are so many days apart, with a weight; whether the other end is meant.
type OfPairs = fn(&Series, &[(usize, usize, f64)], bool) -> f64;

/// What is expected of sums of squares, and of products of neighbours, for each share that remembers: both are straight lines in it.
struct Memory {
    pairs: Vec<(usize, usize, f64)>,
    squares: [f64; 2],
    products: [f64; 2],
    error: [f64; 2],
}

impl Memory {
    /// With `P` what takes the explained part out, `L` the products of neighbours and `C` either covariance: the traces of `PC` and
    /// `PLPC`, and `w'Cw`.
    fn of(series: &Series) -> Self {
        let pairs: Vec<(usize, usize, f64)> = (1..=NEIGHBOURS)
            .flat_map(|back| {
                let weight = MEMORY.powi(back as i32 - 1);
                series.neighbours(back).map(move |(earlier, at)| (earlier, at, weight))
            })
            .collect();
        let ends = |of: OfPairs| [of(series, &pairs, false), of(series, &pairs, true)];
        let [squares, products, error] = [ends(trace_of_squares), ends(trace_of_products), ends(spread)];
        Self { squares, products, error, pairs }
    }

    /// The standard error of the difference, and the share that remembers, by what is left of the days.
    fn error_and_share(&self, left: &[f64]) -> (f64, f64) {
        let squares = dot(left, left);
        if squares < NOTHING {
            return (0.0, 0.0);
        }
        let alike = products_of(&self.pairs, left, left) / squares;
        // Solved for the share: alike x (squares at it) = products at it.
        let [from, to] = [0, 1].map(|end| self.products[end] - alike * self.squares[end]);
        let share = if from >= 0.0 { 0.0 } else { from / (from - to) };
        // The line crosses zero beyond 1, or not at all, where days are more alike than the model can be.
        let share = if (0.0..=MOST_SHARE).contains(&share) { share } else { MOST_SHARE };
        let at = |line: [f64; 2]| line[0] + share * (line[1] - line[0]);
        ((squares * at(self.error) / at(self.squares)).max(0.0).sqrt(), share)
    }
}

fn products_of(pairs: &[(usize, usize, f64)], one: &[f64], other: &[f64]) -> f64 {
    let both = |(earlier, at, weight): &(usize, usize, f64)| {
        weight * (one[*earlier] * other[*at] + one[*at] * other[*earlier]) / 2.0
    };
    pairs.iter().map(both).sum()
}

/// A covariance times a column: the identity, or what is remembered.
fn covered(series: &Series, column: &[f64], remembers: bool) -> Vec<f64> {
    if !remembers {
        return column.to_vec();
    }
    let row = |day: &i64| {
        iter::zip(&series.days, column).map(|(other, value)| remembered(day - other) * value).sum()
    };
    series.days.iter().map(row).collect()
}

fn trace_of_squares(series: &Series, _: &[(usize, usize, f64)], remembers: bool) -> f64 {
    let explained: f64 =
        series.explained.iter().map(|column| dot(column, &covered(series, column, remembers))).sum();
    series.days.len() as f64 - explained
}

/// With `Q` the explained part: tr(LC) - 2 tr(Q'LCQ) + tr(Q'LQ Q'CQ).
fn trace_of_products(series: &Series, pairs: &[(usize, usize, f64)], remembers: bool) -> f64 {
    let of_pair = |(earlier, at, weight): &(usize, usize, f64)| {
        if remembers { weight * remembered(series.days[*at] - series.days[*earlier]) } else { 0.0 }
    };
    let mut trace: f64 = pairs.iter().map(of_pair).sum();
    let columns: Vec<Vec<f64>> =
        series.explained.iter().map(|column| covered(series, column, remembers)).collect();
    for (column, of_column) in iter::zip(&series.explained, &columns) {
        trace -= 2.0 * products_of(pairs, column, of_column);
        for (other, of_other) in iter::zip(&series.explained, &columns) {
            trace += products_of(pairs, column, other) * dot(of_other, column);
        }
    }
    trace
}

fn spread(series: &Series, _: &[(usize, usize, f64)], remembers: bool) -> f64 {
    dot(&series.weights, &covered(series, &series.weights, remembers))
}
