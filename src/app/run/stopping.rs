//! How the seconds of a stop are shared out, and what is told of several failures.
//!
//! A stop has one budget, not one for each part: what an early part does not need, a later one gets, and
//! an inference that takes long on a slow box uses what is spare before the last crossings are given up.

use crate::outbox::{StopError, WriterGone};
use anyhow::Error;
use std::time::Duration;

/// A stop is promised to be over within 5 s; what is missing here is for seeing the signal and for leaving.
const WHOLE: Duration = Duration::from_millis(4700);
/// What delivery and disk need at least, together. The rest is for the counting threads.
const KEPT_FROM_FRAMES: Duration = Duration::from_millis(2200);
/// What the disk needs at least.
const KEPT_FOR_COMMIT: Duration = Duration::from_secs(1);
/// A broker that has not confirmed by then gets the rest after the next start.
const MOST_FOR_DELIVERY: Duration = Duration::from_secs(2);

/// The time that a stop may take, by a clock's `elapsed`.
#[derive(Debug, Clone, Copy)]
pub(super) struct StopBudget {
    end: Duration,
}

impl StopBudget {
    /// The budget of a stop that begins now.
    pub(super) fn from(now: Duration) -> Self {
        Self { end: now + WHOLE }
    }

    fn left(self, now: Duration) -> Duration {
        self.end.saturating_sub(now)
    }

    /// How long counting threads may still take to submit what they hold.
    pub(super) fn for_frames(self, now: Duration) -> Duration {
        self.left(now).saturating_sub(KEPT_FROM_FRAMES)
    }

    /// How long the last delivery may take.
    pub(super) fn for_delivery(self, now: Duration) -> Duration {
        self.left(now).saturating_sub(KEPT_FOR_COMMIT).min(MOST_FOR_DELIVERY)
    }

    /// How long the disk may take.
    pub(super) fn for_commit(self, now: Duration) -> Duration {
        self.left(now)
    }
}

/// What went wrong in a run, by who says it.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// What made the service stop, as far as it could be seen from outside.
    pub(super) noticed: Option<Error>,
    /// How counting threads ended.
    pub(super) counting: Vec<Error>,
    /// How the outbox ended.
    pub(super) outbox: Option<StopError>,
}

impl Failures {
    /// All of them, the one that explains the others first.
    ///
    /// A counting thread that finds the outbox gone only says what the outbox says better, and what was
    /// noticed from outside is but that a thread ended.
    pub(super) fn by_cause(self, storage: impl FnOnce(StopError) -> Error) -> Vec<Error> {
        let (follow, mut first): (Vec<_>, Vec<_>) =
            self.counting.into_iter().partition(|e| e.is::<WriterGone>());
        first.extend(self.outbox.map(storage));
        first.extend(follow);
        first.extend(self.noticed);
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;
    use proptest::prelude::*;

    #[test]
    fn a_long_inference_gets_what_delivery_and_disk_do_not_need() {
        let budget = StopBudget::from(Duration::ZERO);
        assert_eq!(budget.for_frames(Duration::ZERO), Duration::from_millis(2500));
        let counted = Duration::from_millis(2500);
        assert_eq!(budget.for_delivery(counted), Duration::from_millis(1200));
        assert_eq!(budget.for_commit(Duration::from_millis(3700)), Duration::from_secs(1));
    }

    #[test]
    fn a_quick_part_leaves_its_time_to_the_next() {
        let budget = StopBudget::from(Duration::ZERO);
        assert_eq!(budget.for_delivery(Duration::from_millis(100)), MOST_FOR_DELIVERY);
        assert_eq!(budget.for_commit(Duration::from_millis(200)), Duration::from_millis(4500));
    }

    proptest! {
        #[test]
        fn parts_that_use_all_of_their_time_end_within_the_whole_and_leave_the_disk_its_share(start_ms in 0_u64..1 << 40) {
            let start = Duration::from_millis(start_ms);
            let budget = StopBudget::from(start);
            let counted = start + budget.for_frames(start);
            let delivered = counted + budget.for_delivery(counted);
            prop_assert!(budget.for_commit(delivered) >= KEPT_FOR_COMMIT);
            prop_assert_eq!(delivered + budget.for_commit(delivered), start + WHOLE);
        }
    }

    /// Tells what these failures are told as, in their order.
    #[track_caller]
    fn check(counting: Vec<Error>, outbox: Option<StopError>, expected: &[&str]) {
        let noticed = Some(anyhow!("a thread ended"));
        let told = Failures { noticed, counting, outbox }.by_cause(Error::from);
        let told: Vec<String> = told.iter().map(ToString::to_string).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn what_a_counting_thread_says_is_the_cause_and_not_that_it_ended() {
        check(vec![anyhow!("door panicked")], None, &["door panicked", "a thread ended"]);
    }

    #[test]
    fn an_outbox_that_fails_as_well_does_not_hide_what_came_first() {
        let lost = StopError::NotStored { records: 2, cause: "disk full".to_owned() };
        let told = lost.to_string();
        check(vec![anyhow!("door panicked")], Some(lost), &["door panicked", &told, "a thread ended"]);
    }

    #[test]
    fn counting_threads_without_an_outbox_ended_because_of_it() {
        let (gone, ended) = (WriterGone.to_string(), StopError::Ended.to_string());
        check(vec![WriterGone.into()], Some(StopError::Ended), &[&ended, &gone, "a thread ended"]);
    }
}
