//! The 95 % interval of a weighted rate of rare errors.

/// Both ends of the standard normal distribution that leave 2.5 % outside.
const Z: f64 = 1.959_964;

/// An error rate as it was sampled.
#[derive(Debug, Clone, Copy)]
pub(super) struct WeightedRate {
    /// Errors per person.
    pub(super) rate: f64,
    /// Of the rate.
    pub(super) variance: f64,
    /// What one more error would add to the rate.
    pub(super) weight: f64,
}

/// Lower and upper end. The rate is taken as a gamma distribution with its mean and variance, for the upper end with half an
/// error more: a whole one is the exact and too wide interval, none covers too little.
pub(super) fn gamma(of: &WeightedRate) -> (f64, f64) {
    let low = if of.rate > 0.0 { quantile(of.rate, of.variance, -Z) } else { 0.0 };
    let extra = 0.5 * of.weight;
    // An error of this weight, once: its variance is its square, taken with the same half.
    let high = quantile(of.rate + extra, of.variance + extra * of.weight, Z);
    (low, high)
}

/// A quantile of the gamma distribution of this mean and variance, after Wilson and Hilferty 1931 ("The distribution of
/// chi-square"), good to about 1 % of the value for what is asked here.
fn quantile(mean: f64, variance: f64, z: f64) -> f64 {
    let degrees = 2.0 * mean * mean / variance;
    let spread = 2.0 / (9.0 * degrees);
    mean * (1.0 - spread + z * spread.sqrt()).max(0.0).powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `errors` among 1,000 people of the same weight, and the ends in errors.
    #[track_caller]
    fn check(errors: f64, expected: (f64, f64)) {
        let weight = 1e-3;
        let rate = WeightedRate { rate: errors * weight, variance: errors * weight * weight, weight };
        let (low, high) = gamma(&rate);
        let near = |got: f64, wanted: f64| (got / weight - wanted).abs() <= 0.03 * wanted + 0.1;
        assert!(near(low, expected.0) && near(high, expected.1), "{errors}: {low} to {high}");
    }

    #[test]
    fn for_equal_weights_it_is_near_the_exact_interval_of_a_poisson_count() {
        // The exact ends by Garwood 1936 with the upper one of errors + 1/2: chi-square quantiles from tables.
        check(1.0, (0.025, 4.67));
        check(5.0, (1.62, 10.96));
        check(20.0, (12.22, 30.18));
        check(100.0, (81.36, 121.0));
    }

    #[test]
    fn no_error_at_all_is_no_proof_that_there_are_none() {
        let (low, high) = gamma(&WeightedRate { rate: 0.0, variance: 0.0, weight: 0.01 });
        assert!(low <= 0.0 && (0.02..0.05).contains(&high), "{high}");
    }

    #[test]
    fn more_variance_makes_it_wider_at_both_ends() {
        let of = |variance| gamma(&WeightedRate { rate: 0.1, variance, weight: 0.001 });
        let (narrow, wide) = (of(1e-4), of(1e-3));
        assert!(wide.0 < narrow.0 && wide.1 > narrow.1);
    }
}
