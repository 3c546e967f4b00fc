//! How long to wait before the broker is tried again.
//!
//! The length is random, because a fleet loses its broker in one moment: ten thousand boxes that
//! come back together are more TLS handshakes than a broker does in a minute (115 a second
//! were measured). So after a connection that had worked, the wait is anything up to the
//! longest at once. Attempts that fail one after another begin with short waits, for the
//! installer who stands beside the box.

use std::time::Duration;

/// First window for attempts that fail.
const SHORTEST: Duration = Duration::from_secs(1);

/// Why a wait is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A connection that had worked was lost.
    Lost,
    /// No connection came about.
    Failed,
    /// The broker answered, and refused this box: only a person can change that.
    Refused,
}

/// Waits between attempts.
#[derive(Debug, Clone)]
pub struct Backoff {
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// Waits of at most `longest`.
    #[must_use]
    pub const fn new(longest: Duration) -> Self {
        Self { longest, failures: 0 }
    }

    /// A connection works: the next failures begin anew.
    pub const fn connected(&mut self) {
        self.failures = 0;
    }

    /// The next wait, at most the longest; `random` may be any number.
    pub fn wait(&mut self, why: Why, random: u64) -> Duration {
        match why {
            Why::Lost => within(self.longest, random),
            Why::Refused => self.longest / 2 + within(self.longest / 2, random),
            Why::Failed => {
                let doubled = SHORTEST.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
                self.failures = self.failures.saturating_add(1);
                within(doubled.min(self.longest), random)
            }
        }
    }
}

fn within(window: Duration, random: u64) -> Duration {
    let ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random % ms.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn waits(why: Why, randoms: &[u64]) -> Vec<u64> {
        let mut backoff = Backoff::new(Duration::from_secs(20));
        let wait = |random: &u64| backoff.wait(why, *random).as_millis().try_into().unwrap();
        randoms.iter().map(wait).collect()
    }

    #[test]
    fn failures_wait_longer_and_longer_until_the_longest() {
        let most = [1000, 2000, 4000, 8000, 16_000, 20_000, 20_000];
        assert_eq!(waits(Why::Failed, &most), most);
        let one_more: Vec<u64> = most.iter().map(|ms| ms + 1).collect();
        assert_eq!(waits(Why::Failed, &one_more), [0; 7]);
    }

    #[test]
    fn a_lost_connection_is_spread_over_the_whole_window_at_once() {
        assert_eq!(waits(Why::Lost, &[0, 7000, 20_000, 20_001]), [0, 7000, 20_000, 0]);
    }

    #[test]
    fn a_refusal_is_tried_again_slowly() {
        assert_eq!(waits(Why::Refused, &[0, 3000, 10_000]), [10_000, 13_000, 20_000]);
    }

    #[test]
    fn a_connection_that_works_ends_the_series() {
        let mut backoff = Backoff::new(Duration::from_secs(20));
        let _first = (backoff.wait(Why::Failed, 1), backoff.wait(Why::Failed, 1));
        backoff.connected();
        assert_eq!(backoff.wait(Why::Failed, 1001), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_the_longest(
            longest in 0..200_000_u64, tries in 1..80_usize, random: u64, kind in 0..3_usize,
        ) {
            let longest = Duration::from_millis(longest);
            let mut backoff = Backoff::new(longest);
            for _ in 0..tries {
                let why = [Why::Lost, Why::Failed, Why::Refused][kind];
                prop_assert!(backoff.wait(why, random) <= longest);
            }
        }
    }
}
