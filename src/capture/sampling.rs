//! Takes some frames a second, by their times.
//!
//! Time is cut into slots of one period each, counted from the first frame, and the first frame of a
//! slot is taken. The slots do not move with the frames that are taken, so nothing drifts, and a
//! gap is not made up for by a burst.

use crate::time::FrameTime;
use std::time::Duration;

/// How early a frame may come for its slot, in periods. A camera's clock and ours shake against each other; without this,
/// a camera of exactly the wanted rate would lose every frame that comes a hair early.
const EARLY: f64 = 0.25;

/// Lets through `rate` frames a second.
#[derive(Debug, Clone)]
pub struct RateGate {
    rate: Option<f64>,
    first: Duration,
    last_slot: Option<f64>,
}

impl RateGate {
    /// A gate for `rate` frames a second; none, or a rate that is no number above 0, lets every frame through.
    #[must_use]
    pub fn new(rate: Option<f64>) -> Self {
        Self { rate: rate.filter(|r| r.is_finite() && *r > 0.0), first: Duration::ZERO, last_slot: None }
    }

    /// Whether the frame of this time is to be used. Times that run back start the slots anew.
    pub fn admits(&mut self, at: FrameTime) -> bool {
        let Some(rate) = self.rate else { return true };
        let Some(last_slot) = self.last_slot.filter(|_| at.elapsed >= self.first) else {
            self.first = at.elapsed;
            self.last_slot = Some(0.0);
            return true;
        };
        let slot = ((at.elapsed - self.first).as_secs_f64() * rate + EARLY).floor();
        let fresh = slot > last_slot;
        if fresh {
            self.last_slot = Some(slot);
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::WallTime;
    use proptest::prelude::*;

    fn at_ms(ms: u64) -> FrameTime {
        FrameTime::of_run(WallTime::default(), Duration::from_millis(ms))
    }

    fn check(rate: Option<f64>, given_ms: &[u64], taken_ms: &[u64]) {
        let mut gate = RateGate::new(rate);
        let taken: Vec<u64> = given_ms.iter().copied().filter(|ms| gate.admits(at_ms(*ms))).collect();
        assert_eq!(taken, taken_ms);
    }

    #[test]
    fn ten_of_twenty_five_are_taken_evenly() {
        let given: Vec<u64> = (0..25).map(|n| 40 * n).collect();
        check(Some(10.0), &given, &[0, 80, 200, 280, 400, 480, 600, 680, 800, 880]);
    }

    #[test]
    fn a_camera_of_the_wanted_rate_loses_nothing_to_its_shaking() {
        let given = [5, 104, 207, 299, 411, 488, 605, 726];
        check(Some(10.0), &given, &given);
    }

    #[test]
    fn a_gap_is_not_made_up_for() {
        check(Some(2.0), &[0, 100, 500, 5000, 5100, 5200, 5500], &[0, 500, 5000, 5500]);
    }

    #[test]
    fn no_rate_takes_every_frame() {
        check(None, &[0, 1, 2], &[0, 1, 2]);
        check(Some(f64::NAN), &[0, 1, 2], &[0, 1, 2]);
        check(Some(0.0), &[0, 1, 2], &[0, 1, 2]);
    }

    #[test]
    fn time_that_starts_again_is_taken_again() {
        check(Some(1.0), &[5000, 5500, 6000, 0, 500, 1000], &[5000, 6000, 0, 1000]);
    }

    proptest! {
        #[test]
        fn never_more_than_the_rate_and_one(
            rate in 0.1_f64..60.0,
            steps_ms in proptest::collection::vec(0_u64..400, 1..300),
        ) {
            let mut gate = RateGate::new(Some(rate));
            let mut now_ms = 1234;
            let mut taken = 0_u32;
            for step in &steps_ms {
                now_ms += step;
                taken += u32::from(gate.admits(at_ms(now_ms)));
            }
            let span_s = steps_ms[1..].iter().sum::<u64>() as f64 / 1000.0;
            prop_assert!(f64::from(taken) <= span_s * rate + 2.0, "{taken} in {span_s} s at {rate}");
        }

        #[test]
        fn a_faster_camera_fills_every_slot(
            rate in 1.0_f64..15.0,
            steps_ms in proptest::collection::vec(1_u64..40, 100..400),
        ) {
            // Each step is shorter than half a period, so each slot sees a frame.
            let mut gate = RateGate::new(Some(rate));
            let mut now_ms = 0;
            let mut taken = u32::from(gate.admits(at_ms(0)));
            for step in &steps_ms {
                now_ms += step;
                taken += u32::from(gate.admits(at_ms(now_ms)));
            }
            let slots = (now_ms as f64 / 1000.0 * rate).floor();
            prop_assert!(f64::from(taken) >= slots, "{taken} of {slots} slots");
        }

        #[test]
        fn two_taken_frames_are_never_closer_than_the_early_part_allows(
            rate in 1.0_f64..15.0,
            jitter_ms in proptest::collection::vec(0_u64..15, 2..200),
        ) {
            let mut gate = RateGate::new(Some(rate));
            let times = jitter_ms.iter().enumerate().map(|(n, jitter)| 40 * n as u64 + jitter);
            let taken: Vec<u64> = times.filter(|ms| gate.admits(at_ms(*ms))).collect();
            let period_ms = 1000.0 / rate;
            // At worst one comes as late as a frame of 25 a second can, and the next as early as it may;
            // the first frame of all is not early.
            let least_ms = (period_ms - 56.0).min(0.75 * period_ms - 1.0);
            prop_assert!(taken.windows(2).all(|pair| (pair[1] - pair[0]) as f64 >= least_ms), "{taken:?}");
        }
    }
}
