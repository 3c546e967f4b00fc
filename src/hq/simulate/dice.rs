//! Random numbers of the shapes that a shop makes: counts, weather, baskets.

use crate::random::SplitMix64;
use std::f64::consts::TAU;

/// Above this mean a count is drawn from the normal curve: 2 % off at the most, and no slower for a busy store.
const MANY: f64 = 40.0;

/// Draws; equal seeds draw the same.
#[derive(Debug, Clone)]
pub struct Dice(SplitMix64);

impl Dice {
    /// Starts from a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    /// 0 up to and without 1.
    pub fn share(&mut self) -> f64 {
        self.0.next_share()
    }

    /// From `least` up to and without `most`.
    pub fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.share()
    }

    /// A standard normal (G. Box and M. Muller, Annals of Mathematical Statistics 29, 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        radius * (TAU * self.share()).cos()
    }

    /// A count with this mean (Poisson).
    pub fn count(&mut self, mean: f64) -> u32 {
        if mean > MANY {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u32;
        }
        // Products of shares until they fall below e^-mean (D. Knuth, "The Art of Computer Programming" 2, 3.4.1).
        let (least, mut product, mut count) = ((-mean).exp(), self.share(), 0);
        while product > least {
            product *= self.share();
            count += 1;
        }
        count
    }

    /// How many of `people` do what each does with this chance.
    pub fn of(&mut self, people: u32, chance: f64) -> u32 {
        let mean = f64::from(people) * chance;
        if people > 60 {
            let spread = (mean * (1.0 - chance)).max(0.0).sqrt();
            return ((mean + spread * self.normal()).round().max(0.0) as u32).min(people);
        }
        (0..people).filter(|_| self.share() < chance).count() as u32
    }

    /// One of `count` things.
    pub fn index(&mut self, count: usize) -> usize {
        ((self.share() * count as f64) as usize).min(count.saturating_sub(1))
    }
}

/// What goes on from day to day: today is a part of yesterday.
#[derive(Debug, Clone, Copy)]
pub struct Drift {
    memory: f64,
    spread: f64,
    now: f64,
}

impl Drift {
    /// Correlation of neighbouring days, and the standard deviation of each.
    pub fn new(memory: f64, spread: f64, dice: &mut Dice) -> Self {
        Self { memory, spread, now: spread * dice.normal() }
    }

    /// The next day's.
    pub fn next(&mut self, dice: &mut Dice) -> f64 {
        let fresh = (1.0 - self.memory * self.memory).sqrt() * self.spread;
        self.now = self.memory * self.now + fresh * dice.normal();
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance of many draws.
    #[track_caller]
    fn check(mut draw: impl FnMut(&mut Dice) -> f64, mean: f64, variance: f64) {
        let mut dice = Dice::new(11);
        let drawn: Vec<f64> = (0..20_000).map(|_| draw(&mut dice)).collect();
        let found = drawn.iter().sum::<f64>() / drawn.len() as f64;
        let spread = drawn.iter().map(|value| (value - found).powi(2)).sum::<f64>() / drawn.len() as f64;
        assert!((found - mean).abs() < 0.05 * mean.abs().max(1.0), "mean {found}, expected {mean}");
        assert!((spread / variance - 1.0).abs() < 0.06, "variance {spread}, expected {variance}");
    }

    #[test]
    fn what_is_drawn_has_the_mean_and_the_spread_of_its_kind() {
        check(|dice| f64::from(dice.count(3.0)), 3.0, 3.0);
        check(|dice| f64::from(dice.count(120.0)), 120.0, 120.0);
        check(|dice| f64::from(dice.of(20, 0.25)), 5.0, 3.75);
        check(|dice| f64::from(dice.of(400, 0.25)), 100.0, 75.0);
        check(Dice::normal, 0.0, 1.0);
        let mut drift = Drift::new(0.5, 2.0, &mut Dice::new(3));
        check(move |dice| drift.next(dice), 0.0, 4.0);
    }
}
