//! From tallied minutes to the accuracy of all minutes, with an interval that says how sure that is.
//!
//! ```text
//! error rate = sum w |counted - true| / sum w true          accuracy = 1 - error rate
//! ```
//!
//! over the tallied minutes, where `w` says for how many minutes a tallied one stands: the minutes seen of its stratum,
//! shared out among its tallied ones in proportion to 1 / chance. With equal chances that is N / n, the
//! stratified ratio estimate (Cochran, "Sampling Techniques", 3rd ed., section 6.11, the combined one); the chances
//! make it right also where they changed from day to day, and sharing out by stratum where not every clip was tallied.
//!
//! **The interval** is a gamma interval (Fay and Feuer 1997, "Confidence intervals for directly standardized
//! rates") in its middle form (Fay and Kim 2017, mid-p), with the sampling variance of the
//! stratified ratio where that is larger than what independent errors would give. What is not obvious is why
//! not the usual plus-minus two standard errors, or a bootstrap: errors are few, and a sample without any would
//! give an interval of no width. In simulated shops of 20 to 100 tallied minutes plus-minus covers the truth in 55 to 94 % of
//! audits, this one in 94 to 99 %; the tests hold it to 93 % or more.

mod interval;

use super::strata::Stratum;

const STRATA: usize = Stratum::ALL.len();

/// Fewer tallied minutes say nothing: at 20 the interval is some 14 points wide where 9 of 100 people are miscounted.
pub const LEAST_MINUTES: u64 = 20;

/// Fewer people say nothing, however many minutes were empty.
pub const LEAST_PEOPLE: u64 = 30;

/// Strata without a tallied minute may hold at most this part of what the box counted.
pub const MOST_UNTALLIED: f64 = 0.1;

/// People who passed a line in one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passages {
    /// Into the store.
    pub entries: u32,
    /// Out of it.
    pub exits: u32,
}

/// One minute that a person counted again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TalliedMinute {
    /// How busy the time before it was.
    pub stratum: Stratum,
    /// The chance with which it was drawn, above 0.
    pub chance: f64,
    /// What the box counted.
    pub counted: Passages,
    /// What the person counted.
    pub tallied: Passages,
}

/// All minutes of one stratum, tallied or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Population {
    /// Minutes that could have been drawn.
    pub minutes: u64,
    /// What the box counted in them, in and out.
    pub crossings: u64,
}

/// How right the counts of a line are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// In and out together; an error in each direction is one of its own.
    pub both: Result<Accuracy, Shortage>,
    /// Into the store only.
    pub entries: Result<Accuracy, Shortage>,
    /// Out of it only.
    pub exits: Result<Accuracy, Shortage>,
    /// Tallied minutes in which nobody passed.
    pub empty_minutes: u64,
    /// What the box counted in those.
    pub false_counts: u64,
}

/// A weighted accuracy. It is at most 1, and below 0 where more was wrong than people came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accuracy {
    /// 1 - error rate.
    pub accuracy: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
    /// Counted over true, both weighted: above 1 too many were counted. Errors that cancel out do not show here.
    pub counted_over_true: f64,
    /// Tallied minutes.
    pub minutes: u64,
    /// People tallied in them.
    pub people: u64,
}

/// Why there is no accuracy yet.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Shortage {
    /// Too few minutes were tallied.
    #[error("not enough yet: {got} of at least {LEAST_MINUTES} minutes are tallied")]
    Minutes {
        /// How many were.
        got: u64,
    },
    /// Too few people were seen in them.
    #[error("not enough yet: {got} of at least {LEAST_PEOPLE} people were seen in the tallied minutes")]
    People {
        /// How many were.
        got: u64,
    },
    /// The minutes with much of the traffic are not among them.
    #[error(
        "not enough yet: minutes like those in which {:.0} % of all were counted are not tallied; tally more",
        100.0 * .share
    )]
    Untallied {
        /// Part of the box's own counts in strata without a tallied minute.
        share: f64,
    },
}

/// Weighs the tallied minutes of a line; `population` has the order of [`Stratum::ALL`].
#[must_use]
pub fn estimate(population: &[Population; STRATA], tallied: &[TalliedMinute]) -> Estimate {
    let weights = weights(population, tallied);
    let of = |errors: fn(&TalliedMinute) -> Errors| {
        let errors: Vec<Errors> = tallied.iter().map(errors).collect();
        accuracy(population, tallied, &weights, &errors)
    };
    let is_empty = |minute: &&TalliedMinute| minute.tallied == Passages::default();
    let empty = || tallied.iter().filter(is_empty);
    let counted =
        |minute: &TalliedMinute| u64::from(minute.counted.entries) + u64::from(minute.counted.exits);
    Estimate {
        both: of(|minute| Errors::of_entries(minute) + Errors::of_exits(minute)),
        entries: of(Errors::of_entries),
        exits: of(Errors::of_exits),
        empty_minutes: empty().count() as u64,
        false_counts: empty().map(counted).sum(),
    }
}

/// What one minute adds up to, unweighted.
#[derive(Debug, Clone, Copy)]
struct Errors {
    wrong: f64,
    people: f64,
    counted: f64,
}

impl Errors {
    fn of(counted: u32, tallied: u32) -> Self {
        let (counted, people) = (f64::from(counted), f64::from(tallied));
        Self { wrong: (counted - people).abs(), people, counted }
    }

    fn of_entries(minute: &TalliedMinute) -> Self {
        Self::of(minute.counted.entries, minute.tallied.entries)
    }

    fn of_exits(minute: &TalliedMinute) -> Self {
        Self::of(minute.counted.exits, minute.tallied.exits)
    }
}

impl std::ops::Add for Errors {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            wrong: self.wrong + other.wrong,
            people: self.people + other.people,
            counted: self.counted + other.counted,
        }
    }
}

/// For how many minutes each tallied one stands, and with which others it was drawn.
struct Weights {
    of_minute: Vec<f64>,
    /// Strata that are weighed as one, as indices into the tallied minutes; each of at least two but where there are not two.
    groups: Vec<Vec<usize>>,
}

fn weights(population: &[Population; STRATA], tallied: &[TalliedMinute]) -> Weights {
    let mut weights = Weights { of_minute: vec![0.0; tallied.len()], groups: Vec::new() };
    for strata in groups(tallied) {
        let members: Vec<usize> =
            (0..tallied.len()).filter(|i| strata.contains(&tallied[*i].stratum)).collect();
        let minutes: u64 = strata.iter().map(|stratum| population[stratum.index()].minutes).sum();
        // Sums that were lost must not make a tallied minute stand for less than itself.
        let minutes = minutes.max(members.len() as u64) as f64;
        let all: f64 = members.iter().map(|i| 1.0 / tallied[*i].chance).sum();
        for i in &members {
            weights.of_minute[*i] = minutes / tallied[*i].chance / all;
        }
        weights.groups.push(members);
    }
    weights
}

/// Strata that are weighed together: one with fewer than two tallied minutes has no variance to be seen and goes
/// with its quieter neighbour; what is left over at the end goes with the busier one (collapsed strata, Cochran, section 5A.12).
fn groups(tallied: &[TalliedMinute]) -> Vec<Vec<Stratum>> {
    let (mut groups, mut open) = (Vec::new(), Vec::new());
    for stratum in Stratum::ALL.into_iter().rev() {
        open.push(stratum);
        if tallied.iter().filter(|minute| open.contains(&minute.stratum)).count() >= 2 {
            groups.push(std::mem::take(&mut open));
        }
    }
    match groups.last_mut() {
        Some(last) => last.extend(open),
        None => groups.push(open),
    }
    groups
}

fn accuracy(
    population: &[Population; STRATA],
    tallied: &[TalliedMinute],
    weights: &Weights,
    errors: &[Errors],
) -> Result<Accuracy, Shortage> {
    let (minutes, people) =
        (tallied.len() as u64, errors.iter().map(|one| one.people).sum::<f64>().round() as u64);
    if minutes < LEAST_MINUTES {
        return Err(Shortage::Minutes { got: minutes });
    }
    if people < LEAST_PEOPLE {
        return Err(Shortage::People { got: people });
    }
    let share = untallied(population, tallied);
    if share > MOST_UNTALLIED {
        return Err(Shortage::Untallied { share });
    }
    let total = |of: fn(&Errors) -> f64| -> f64 {
        weights.of_minute.iter().zip(errors).map(|(weight, one)| weight * of(one)).sum()
    };
    let true_total = total(|one| one.people);
    let rate = total(|one| one.wrong) / true_total;
    let (low_rate, high_rate) = interval::gamma(&weighted(weights, errors, rate, true_total));
    Ok(Accuracy {
        accuracy: 1.0 - rate,
        low: 1.0 - high_rate,
        high: 1.0 - low_rate,
        counted_over_true: total(|one| one.counted) / true_total,
        minutes,
        people,
    })
}

/// What the interval is made of.
fn weighted(weights: &Weights, errors: &[Errors], rate: f64, true_total: f64) -> interval::WeightedRate {
    let sum_of_squares = |of: fn(&Errors) -> f64| -> f64 {
        let share = |(weight, one): (&f64, &Errors)| (weight / true_total).powi(2) * of(one);
        weights.of_minute.iter().zip(errors).map(share).sum()
    };
    let independent = sum_of_squares(|one| one.wrong);
    let residual =
        |i: &usize| weights.of_minute[*i] * (errors[*i].wrong - rate * errors[*i].people) / true_total;
    let sampling = weights.groups.iter().map(|group| variance_of_sum(group.iter().map(residual))).sum();
    // The weight of an average person and that of an average error, as parts of all people: errors of a kind that was not
    // seen weigh like people, and where those that were seen weigh more, like them.
    let of_error = if rate > 0.0 { independent / rate } else { 0.0 };
    let weight = sum_of_squares(|one| one.people).max(of_error);
    interval::WeightedRate { rate, variance: independent.max(sampling), weight }
}

/// Of a sum of independent draws: n / (n - 1) times the squares about their mean.
fn variance_of_sum(draws: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let n = draws.len() as f64;
    if n < 2.0 {
        return 0.0;
    }
    let mean = draws.clone().sum::<f64>() / n;
    n / (n - 1.0) * draws.map(|draw| (draw - mean).powi(2)).sum::<f64>()
}

/// Part of the box's own counts that lies in strata of which no minute is tallied.
fn untallied(population: &[Population; STRATA], tallied: &[TalliedMinute]) -> f64 {
    let all: u64 = population.iter().map(|stratum| stratum.crossings).sum();
    let is_tallied = |stratum: &Stratum| tallied.iter().any(|minute| minute.stratum == *stratum);
    let without = Stratum::ALL.into_iter().filter(|stratum| !is_tallied(stratum));
    let missing: u64 = without.map(|stratum| population[stratum.index()].crossings).sum();
    if all == 0 { 0.0 } else { missing as f64 / all as f64 }
}

#[cfg(test)]
mod tests;
