//! Stores against stores: each store is one observation, however its days hang together.
//!
//! A wild cluster bootstrap-t: the deviations of the stores from the mean of their side get random signs, and the difference of the
//! means over its own standard error (Welch's, the sides may be spread differently) is worked out anew for each draw. It needs no
//! assumption on the days, and sees what happens in one street for weeks, which days of one store cannot show. Signs instead of
//! draws with replacement, because three or four stores drawn with replacement are too often the same one.

use super::RESAMPLES;
use crate::random::SplitMix64;
use std::iter;

/// The stores of one side.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    mean: f64,
    /// From the mean, stretched so that what is drawn is spread like what was seen.
    deviations: Vec<f64>,
}

impl Cluster {
    /// From what each store gives; at least two stores.
    #[must_use]
    pub fn of(steps: &[f64]) -> Self {
        let count = steps.len() as f64;
        let mean = steps.iter().sum::<f64>() / count;
        let stretch = (count / (count - 1.0)).sqrt();
        Self { mean, deviations: steps.iter().map(|step| (step - mean) * stretch).collect() }
    }

    fn spread(&self) -> f64 {
        variance_of_mean(self.deviations.iter().map(|deviation| deviation * deviation).sum(), 0.0, self.size())
            // The stretch has made up for the mean already.
            * (self.size() - 1.0)
            / self.size()
    }

    fn size(&self) -> f64 {
        self.deviations.len() as f64
    }

    /// Mean, and the variance of the mean, of one draw.
    fn drawn(&self, random: &mut SplitMix64) -> (f64, f64) {
        let (mut sum, mut squares) = (0.0, 0.0);
        for deviation in &self.deviations {
            sum += if random.next_share() < 0.5 { *deviation } else { -deviation };
            squares += deviation * deviation;
        }
        (sum / self.size(), variance_of_mean(squares, sum, self.size()))
    }
}

fn variance_of_mean(squares: f64, sum: f64, size: f64) -> f64 {
    ((squares - sum * sum / size) / (size - 1.0) / size).max(0.0)
}

/// The difference of the sides, and half the width of its 95 % interval.
#[must_use]
pub fn difference(tests: &Cluster, controls: &Cluster, seed: u64) -> (f64, f64) {
    let error = (tests.spread() + controls.spread()).sqrt();
    let mut random = SplitMix64::new(seed);
    let draws = iter::repeat_with(|| {
        let ((test, test_spread), (control, control_spread)) =
            (tests.drawn(&mut random), controls.drawn(&mut random));
        let spread = test_spread + control_spread;
        // Without any spread a draw lies as far out as one can.
        if spread > 0.0 { ((test - control) / spread.sqrt()).abs() } else { f64::INFINITY }
    });
    let reach = reach(draws.take(RESAMPLES).collect());
    (tests.mean - controls.mean, if error > 0.0 { reach * error } else { 0.0 })
}

/// The distance that 95 % of the draws do not exceed.
pub(super) fn reach(mut draws: Vec<f64>) -> f64 {
    draws.sort_by(f64::total_cmp);
    let place = (draws.len() + 1) * 95 / 100;
    draws.get(place.saturating_sub(1)).copied().unwrap_or(f64::INFINITY)
}
