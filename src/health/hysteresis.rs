//! A condition holds when its signs stay for some time, and ends when they stay away.

use super::Turn;
use crate::time::FrameTime;
use std::time::Duration;

/// One condition over time.
#[derive(Debug, Clone)]
pub(super) struct Hysteresis {
    begins_after: Duration,
    ends_after: Duration,
    holds: bool,
    /// Since when the signs have spoken against what holds.
    contradicted_since: Option<FrameTime>,
}

impl Hysteresis {
    pub(super) const fn new(begins_after: Duration, ends_after: Duration) -> Self {
        Self { begins_after, ends_after, holds: false, contradicted_since: None }
    }

    pub(super) const fn holds(&self) -> bool {
        self.holds
    }

    /// Sets what holds, without waiting.
    pub(super) fn set(&mut self, turn: Turn) {
        (self.holds, self.contradicted_since) = (turn == Turn::Began, None);
    }

    /// Takes what is seen now, `Began` where the signs are there; tells a turn and since when the signs had spoken for it.
    pub(super) fn see(&mut self, at: FrameTime, sign: Turn) -> Option<(Turn, FrameTime)> {
        if (sign == Turn::Began) == self.holds {
            self.contradicted_since = None;
            return None;
        }
        let since = *self.contradicted_since.get_or_insert(at);
        let patience = if self.holds { self.ends_after } else { self.begins_after };
        if at.since(since) < patience {
            return None;
        }
        self.set(sign);
        Some((sign, since))
    }

    /// Nothing can be told now: what spoke against the state before does not count on.
    pub(super) fn cannot_tell(&mut self) {
        self.contradicted_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::WallTime;

    /// One letter a second: `x` the signs are there, `.` they are not, `?` nothing can be told. Expected is when it
    /// turned, in s: begun, ended, begun ...
    #[track_caller]
    fn check(signs: &str, expected_s: &[u64]) {
        let mut state = Hysteresis::new(Duration::from_secs(3), Duration::from_secs(2));
        let mut turned = Vec::new();
        for (second, sign) in (0..).zip(signs.chars()) {
            let at = FrameTime::of_run(WallTime::default(), Duration::from_secs(second));
            let turn = match sign {
                'x' => state.see(at, Turn::Began),
                '.' => state.see(at, Turn::Ended),
                _ => {
                    state.cannot_tell();
                    None
                }
            };
            turned.extend(turn.map(|_| second));
        }
        assert_eq!(turned, expected_s, "{signs}");
    }

    #[test]
    fn it_begins_when_the_signs_stay_and_ends_when_they_stay_away() {
        check("..xxxxx....", &[5, 9]);
    }

    #[test]
    fn a_short_sign_and_a_short_relief_change_nothing() {
        check("xxx.xxx.xx.", &[]);
        check("xxxx.xx.x.", &[3]);
    }

    #[test]
    fn while_nothing_can_be_told_patience_starts_over() {
        check("xxx?xxx?xxxx", &[11]);
    }
}
