//! When a certificate is renewed. Pure.

use crate::time::{FrameTime, WallTime};
use std::time::Duration;

/// A request without an answer is repeated after this long.
const ASK_EVERY: Duration = Duration::from_secs(3600);
/// A pair that does not connect in this time will not.
const PATIENCE: Duration = Duration::from_secs(90);

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    Nothing,
    /// Ask for a certificate.
    Ask,
    /// The new pair has connected: it is in force.
    Keep,
    /// The new pair does not connect.
    GiveUp,
}

/// How far the renewal of one certificate has come.
#[derive(Debug, Clone)]
pub struct Renewal {
    due: WallTime,
    /// By the even clock.
    asked_at: Option<Duration>,
    /// Since when a new pair is tried, by the even clock.
    tried_at: Option<Duration>,
}

impl Renewal {
    /// Of a certificate that the box has had since then and that holds until then: due after two thirds of that.
    #[must_use]
    pub fn new(since: WallTime, until: WallTime) -> Self {
        Self { due: since + until.since(since) / 3 * 2, asked_at: None, tried_at: None }
    }

    /// A new pair is tried from now on.
    pub fn trying(&mut self, now: FrameTime) {
        self.tried_at = Some(now.elapsed);
    }

    /// What to do now; `is_up` says whether the connection with the pair that is tried is there.
    pub fn look(&mut self, now: FrameTime, is_up: bool) -> Wish {
        if let Some(tried_at) = self.tried_at {
            let is_over = now.elapsed.saturating_sub(tried_at) >= PATIENCE;
            if is_up || is_over {
                self.tried_at = None;
            }
            return match (is_up, is_over) {
                (true, _) => Wish::Keep,
                (false, true) => Wish::GiveUp,
                (false, false) => Wish::Nothing,
            };
        }
        let is_asked = self.asked_at.is_some_and(|at| now.elapsed.saturating_sub(at) < ASK_EVERY);
        if now.wall < self.due || is_asked || !is_up {
            return Wish::Nothing;
        }
        self.asked_at = Some(now.elapsed);
        Wish::Ask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> FrameTime {
        FrameTime {
            elapsed: Duration::from_secs(s),
            wall: WallTime::from_unix_ms(i64::try_from(s).unwrap() * 1000),
        }
    }

    fn of_90_days() -> Renewal {
        Renewal::new(at(0).wall, at(90 * 86_400).wall)
    }

    #[test]
    fn a_certificate_is_asked_for_from_two_thirds_of_its_life_on_once_an_hour() {
        let mut renewal = of_90_days();
        let due = 60 * 86_400;
        assert_eq!(renewal.look(at(due - 1), true), Wish::Nothing);
        assert_eq!(renewal.look(at(due), false), Wish::Nothing, "nobody would hear it");
        assert_eq!(renewal.look(at(due + 1), true), Wish::Ask);
        assert_eq!(renewal.look(at(due + 3600), true), Wish::Nothing);
        assert_eq!(renewal.look(at(due + 3601), true), Wish::Ask);
    }

    #[test]
    fn a_new_pair_is_kept_when_it_connects_and_given_up_when_it_does_not() {
        for (connects_at, wish) in [(Some(1030), Wish::Keep), (None, Wish::GiveUp)] {
            let mut renewal = of_90_days();
            renewal.trying(at(1000));
            let told = (1000..1200).map(|s| renewal.look(at(s), connects_at.is_some_and(|at| s >= at)));
            let told: Vec<Wish> = told.filter(|wish| *wish != Wish::Nothing).collect();
            assert_eq!(told, [wish]);
        }
    }
}
