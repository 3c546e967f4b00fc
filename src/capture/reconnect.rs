//! How long to wait before the next attempt to reach a lost camera.
//!
//! Exponential with full jitter: after a power cut a switch brings back all cameras of a store at the
//! same moment, and waits that are random from zero up spread the attempts best. There is
//! no last attempt: a camera that comes back after a week counts again.

use crate::random::SplitMix64;
use std::time::Duration;

/// The first wait is at most this long: what a camera needs to close a broken session.
const FIRST: Duration = Duration::from_millis(500);

/// A camera that streamed this long before it was lost is not flapping, and is tried again quickly.
pub const STABLE_AFTER: Duration = Duration::from_secs(60);

/// The waits between attempts.
#[derive(Debug, Clone)]
pub struct Backoff {
    longest: Duration,
    ceiling: Duration,
    jitter: SplitMix64,
}

impl Backoff {
    /// Waits of at most 0.5 s, 1 s, 2 s and so on up to `longest`, spread by `jitter`.
    #[must_use]
    pub fn new(longest: Duration, jitter: SplitMix64) -> Self {
        Self { longest, ceiling: FIRST.min(longest), jitter }
    }

    /// How long to wait now that another attempt failed.
    pub fn next_wait(&mut self) -> Duration {
        let wait = self.ceiling.mul_f64(self.jitter.next_share());
        self.ceiling = self.ceiling.saturating_mul(2).min(self.longest);
        wait
    }

    /// The longest wait, for what does not mend by itself.
    #[must_use]
    pub const fn longest(&self) -> Duration {
        self.longest
    }

    /// Tells how long the camera streamed before it was lost; after [`STABLE_AFTER`] the waits start small again.
    pub fn streamed_for(&mut self, span: Duration) {
        if span >= STABLE_AFTER {
            self.ceiling = FIRST.min(self.longest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn largest_of(backoff: &Backoff, attempts: usize) -> Vec<Duration> {
        // Over many seeds the largest wait comes near its ceiling.
        let per_seed = (0..500).map(|seed| {
            let mut one = Backoff { jitter: SplitMix64::new(seed), ..backoff.clone() };
            (0..attempts).map(|_| one.next_wait()).collect::<Vec<_>>()
        });
        per_seed.fold(vec![Duration::ZERO; attempts], |max, waits| {
            max.into_iter().zip(waits).map(|(a, b)| a.max(b)).collect()
        })
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let largest = largest_of(&Backoff::new(Duration::from_secs(5), SplitMix64::new(0)), 6);
        for (got, ceiling_s) in largest.iter().zip([0.5, 1.0, 2.0, 4.0, 5.0, 5.0]) {
            let got_s = got.as_secs_f64();
            assert!(got_s <= ceiling_s && got_s > 0.95 * ceiling_s, "{got_s} for {ceiling_s}");
        }
    }

    #[test]
    fn only_a_camera_that_streamed_for_a_while_starts_small_again() {
        let mut backoff = Backoff::new(Duration::from_secs(30), SplitMix64::new(7));
        for _ in 0..20 {
            backoff.next_wait();
        }
        backoff.streamed_for(STABLE_AFTER - Duration::from_millis(1));
        assert_eq!(backoff.ceiling, Duration::from_secs(30));
        backoff.streamed_for(STABLE_AFTER);
        assert_eq!(backoff.ceiling, FIRST);
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_the_longest_however_often_it_fails(
            seed: u64, longest_ms in 0_u64..10_000_000, attempts in 1_usize..2000,
        ) {
            let longest = Duration::from_millis(longest_ms);
            let mut backoff = Backoff::new(longest, SplitMix64::new(seed));
            for _ in 0..attempts {
                prop_assert!(backoff.next_wait() <= longest);
            }
        }

        #[test]
        fn cameras_with_other_seeds_do_not_try_together(seed: u64, other: u64) {
            prop_assume!(seed != other);
            let waits = |seed| {
                let mut backoff = Backoff::new(Duration::from_secs(60), SplitMix64::new(seed));
                (0..4).map(|_| backoff.next_wait()).collect::<Vec<_>>()
            };
            prop_assert_ne!(waits(seed), waits(other));
        }

        #[test]
        fn shares_lie_between_zero_and_one(seed: u64) {
            let mut jitter = SplitMix64::new(seed);
            prop_assert!((0..100).all(|_| (0.0..1.0).contains(&jitter.next_share())));
        }
    }
}
