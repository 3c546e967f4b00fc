//! The time of a clip's frames, made sound.
//!
//! Containers state times that stand still, run back, are not numbers or are missing, and
//! trackers divide by the time between two frames. So whatever comes in, what goes out rises with every frame.

use std::time::Duration;

/// Used between two frames where neither the container nor the caller knows a rate. Most clips have 25.
const FALLBACK_FPS: f64 = 25.0;

/// Above this a stated rate is a time base in disguise (90,000 is that of MPEG), not a rate.
const FASTEST_FPS: f64 = 1000.0;

/// One frame in some 17 minutes: slower than any clip made of still pictures.
const SLOWEST_FPS: f64 = 0.001;

/// No clip is longer than a year; a container that says so is broken.
const LONGEST_CLIP: Duration = Duration::from_secs(366 * 24 * 3600);

/// A stated rate, where it can be one: from 0.001 to 1000 frames a second.
#[must_use]
pub fn sane_fps(stated: f64) -> Option<f64> {
    (SLOWEST_FPS..=FASTEST_FPS).contains(&stated).then_some(stated)
}

/// Turns what a container says of each frame into times that rise.
#[derive(Debug, Clone)]
pub struct ClipTime {
    rate: Rate,
    frames: u64,
    last: Duration,
}

#[derive(Debug, Clone, Copy)]
enum Rate {
    /// The container's times are not looked at.
    Given(f64),
    /// Fills in where the container has no usable time.
    Stated(f64),
}

impl ClipTime {
    /// With the rate that the container states; `fps_override` replaces its times altogether.
    #[must_use]
    pub fn new(stated: Option<f64>, fps_override: Option<f64>) -> Self {
        let rate = match fps_override.and_then(sane_fps) {
            Some(fps) => Rate::Given(fps),
            None => Rate::Stated(stated.and_then(sane_fps).unwrap_or(FALLBACK_FPS)),
        };
        Self { rate, frames: 0, last: Duration::ZERO }
    }

    /// The time of the next frame, for which the container says `container_ms`.
    pub fn next(&mut self, container_ms: f64) -> Duration {
        self.frames += 1;
        self.last = match self.rate {
            // Divided anew each time: a sum of periods would drift.
            Rate::Given(fps) => Duration::from_secs_f64((self.frames - 1) as f64 / fps),
            Rate::Stated(fps) => self.risen(container_ms, fps),
        };
        self.last
    }

    fn risen(&self, container_ms: f64, fps: f64) -> Duration {
        // The conversion refuses what is negative, not a number, or too much for a `Duration`.
        let stated = Duration::try_from_secs_f64(container_ms / 1000.0).ok().filter(|at| *at <= LONGEST_CLIP);
        match stated {
            Some(at) if self.frames == 1 || at > self.last => at,
            _ if self.frames == 1 => Duration::ZERO,
            _ => self.last.saturating_add(Duration::from_secs_f64(1.0 / fps)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(stated_fps: Option<f64>, fps_override: Option<f64>, container_ms: &[f64], expected_ms: &[u128]) {
        let mut time = ClipTime::new(stated_fps, fps_override);
        let got: Vec<u128> = container_ms.iter().map(|ms| time.next(*ms).as_millis()).collect();
        assert_eq!(got, expected_ms);
    }

    #[test]
    fn the_container_is_believed_where_its_times_rise() {
        check(Some(10.0), None, &[0.0, 100.0, 250.0, 300.0], &[0, 100, 250, 300]);
    }

    #[test]
    fn times_that_stand_still_or_run_back_are_replaced_by_the_rate() {
        check(Some(10.0), None, &[0.0, 0.0, 0.0, 150.0, 400.0], &[0, 100, 200, 300, 400]);
    }

    #[test]
    fn times_that_are_no_numbers_are_replaced_by_the_rate() {
        check(Some(20.0), None, &[f64::NAN, f64::INFINITY, -5.0, 1e300], &[0, 50, 100, 150]);
    }

    #[test]
    fn without_a_sane_rate_25_a_second_is_taken() {
        check(Some(90_000.0), None, &[0.0, 0.0, 0.0], &[0, 40, 80]);
        check(Some(f64::NAN), None, &[0.0, 0.0, 0.0], &[0, 40, 80]);
        check(None, None, &[0.0, 0.0], &[0, 40]);
    }

    #[test]
    fn rates_that_make_endless_periods_are_none() {
        assert_eq!([1e-245, 0.0, -1.0, f64::INFINITY].map(sane_fps), [None; 4]);
        assert_eq!(sane_fps(0.5), Some(0.5));
    }

    #[test]
    fn a_given_rate_replaces_the_container_and_does_not_drift() {
        check(Some(10.0), Some(30.0), &[0.0, 500.0, 1000.0, 7.0], &[0, 33, 66, 100]);
        let mut time = ClipTime::new(None, Some(30.0));
        let last = (0..=30 * 3600).map(|_| time.next(0.0)).last();
        assert_eq!(last, Some(Duration::from_secs(3600)));
    }

    proptest! {
        #[test]
        fn time_rises_whatever_the_container_says(
            fps in proptest::option::of(proptest::num::f64::ANY),
            says in proptest::collection::vec(proptest::num::f64::ANY, 2..50),
        ) {
            let mut time = ClipTime::new(fps, None);
            let times: Vec<Duration> = says.iter().map(|ms| time.next(*ms)).collect();
            prop_assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
        }
    }
}
