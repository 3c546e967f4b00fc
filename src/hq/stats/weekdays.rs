//! A store before and after, weekday by weekday: each weekday has its own rate, and the change multiplies all of them.
//!
//! What is expected on a day is `denominator x rate of its weekday x (step, where it lies after)`. The rates and the step are those with
//! which the sums over each weekday and over each side come out as counted: the equations of a Poisson regression, which give
//! sound estimates for whatever is spread more widely than Poisson too (P. McCullagh and J. Nelder, "Generalized Linear Models",
//! 1989, chapter 9), so they serve for seconds and money as well. They are solved by fitting the two sums in turn.

use super::days::Series;
use super::{Change, LEAST_DAYS, StoreDay, Unknown, weekday_of};

/// Rounds of fitting; a dozen are enough for weekdays that both sides have alike, and holes ask for more.
const ROUNDS: usize = 200;

/// Below this step of the logarithm the fit has settled.
const SETTLED: f64 = 1e-12;

/// What is expected of a day, and what came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fitted {
    pub(super) day: i64,
    pub(super) is_after: bool,
    /// What the model says, above zero.
    pub(super) expected: f64,
    /// How much more came, as a share of what is expected.
    pub(super) excess: f64,
}

/// A store's days, explained by weekday and side.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Logarithm of by how much the change multiplied the rates.
    pub step: f64,
    pub(super) days: Vec<Fitted>,
}

impl Fit {
    /// Explains a store's days.
    ///
    /// # Errors
    /// [`Unknown`].
    pub fn of(change: &Change) -> Result<Self, Unknown> {
        let all = comparable(change);
        let count = |after: bool| all.iter().filter(|(_, is_after)| *is_after == after).count();
        if count(false).min(count(true)) < LEAST_DAYS {
            return Err(Unknown::TooFewDays);
        }
        let (rates, step) = solved(&all).ok_or(Unknown::Nothing)?;
        let fitted = all.into_iter().map(|(day, is_after)| {
            let expected = day.denominator * rates[weekday_of(day.day)] * if is_after { step } else { 1.0 };
            Fitted { day: day.day, is_after, expected, excess: day.numerator / expected - 1.0 }
        });
        let mut days: Vec<Fitted> = fitted.collect();
        days.sort_by_key(|day| day.day);
        Ok(Self { step: step.ln(), days })
    }

    /// What the days say of how sure the step is.
    pub(super) fn series(&self) -> Series {
        Series::of_change(self.days.iter().map(|day| (*day, day.expected)))
    }
}

/// Days that can be divided, of weekdays that both sides have and on which there was something to count.
fn comparable(change: &Change) -> Vec<(StoreDay, bool)> {
    let sides = [(&change.before, false), (&change.after, true)];
    let all: Vec<(StoreDay, bool)> =
        sides.iter().flat_map(|(days, after)| days.iter().map(|day| (*day, *after))).collect();
    let divided = all.iter().filter(|(day, _)| day.denominator > 0.0);
    let mut seen = [([false; 2], 0.0); 7];
    for (day, after) in divided {
        let (sides, sum) = &mut seen[weekday_of(day.day)];
        sides[usize::from(*after)] = true;
        *sum += day.numerator;
    }
    let usable = |day: &StoreDay| {
        let (sides, sum) = seen[weekday_of(day.day)];
        day.denominator > 0.0 && sides == [true; 2] && sum > 0.0
    };
    all.into_iter().filter(|(day, _)| usable(day)).collect()
}

/// The rates of the weekdays, and what the change multiplied them by; none where a side has nothing.
fn solved(days: &[(StoreDay, bool)]) -> Option<([f64; 7], f64)> {
    let side = |after: bool| days.iter().filter(move |(_, is_after)| *is_after == after);
    let counted = |after: bool| side(after).map(|(day, _)| day.numerator).sum::<f64>();
    if counted(false) <= 0.0 || counted(true) <= 0.0 {
        return None;
    }
    let mut by_weekday = [0.0; 7];
    for (day, _) in days {
        by_weekday[weekday_of(day.day)] += day.numerator;
    }
    let (mut rates, mut step) = ([0.0; 7], 1.0_f64);
    for _ in 0..ROUNDS {
        let mut base = [0.0; 7];
        for (day, after) in days {
            base[weekday_of(day.day)] += day.denominator * if *after { step } else { 1.0 };
        }
        for ((rate, counted), base) in rates.iter_mut().zip(by_weekday).zip(base) {
            *rate = if base > 0.0 { counted / base } else { 0.0 };
        }
        let expected = |after: bool| -> f64 {
            side(after).map(|(day, _)| day.denominator * rates[weekday_of(day.day)]).sum()
        };
        let next = counted(true) / counted(false) * expected(false) / expected(true);
        let moved = (next / step).ln().abs();
        step = next;
        if moved < SETTLED {
            break;
        }
    }
    Some((rates, step))
}
