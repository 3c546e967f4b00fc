//! Whether every part of the box still works: a part that has not looked up for too long hangs.
//!
//! Each part counts how often it has looked up; whoever watches says what time it was. So a part never waits for the one that
//! watches, and a test needs neither threads nor clocks. A camera that is down is no part: its counting thread goes on
//! looking up and tells the minutes in which nothing was seen.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What is known of the parts, by their names.
#[derive(Debug, Clone)]
pub(super) struct Liveness {
    patience: Duration,
    parts: BTreeMap<String, Seen>,
}

/// One part as it was seen last.
#[derive(Debug, Clone, Copy)]
struct Seen {
    turns: u64,
    /// When that number was new.
    since: Duration,
}

/// A part that hangs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hung {
    /// Its name.
    pub(super) part: String,
    /// How long it has not looked up.
    pub(super) silent: Duration,
}

impl fmt::Display for Hung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has not looked up for {:.0?}", self.part, self.silent)
    }
}

impl Liveness {
    /// Nobody is known yet; a part hangs when it has not looked up for longer than `patience`.
    pub(super) const fn new(patience: Duration) -> Self {
        Self { patience, parts: BTreeMap::new() }
    }

    /// Takes how often each part has looked up so far. One that is not named any more was ended, and is forgotten.
    pub(super) fn look(&mut self, parts: impl IntoIterator<Item = (String, u64)>, now: Duration) {
        let mut before = std::mem::take(&mut self.parts);
        for (name, turns) in parts {
            let known = before.remove(&name).filter(|seen| seen.turns == turns);
            self.parts.insert(name, known.unwrap_or(Seen { turns, since: now }));
        }
    }

    /// The part that has been silent for longest, where that is too long.
    pub(super) fn hung(&self, now: Duration) -> Option<Hung> {
        let silent = |(name, seen): (&String, &Seen)| Hung {
            part: name.clone(),
            silent: now.saturating_sub(seen.since),
        };
        self.parts
            .iter()
            .map(silent)
            .filter(|hung| hung.silent > self.patience)
            .max_by_key(|hung| hung.silent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Looks once a second for so long at parts that looked up as often as `turns` says, and tells who hangs at the end.
    #[track_caller]
    fn check(seconds: u64, turns: impl Fn(u64) -> Vec<(&'static str, u64)>, expected: Option<(&str, u64)>) {
        let mut liveness = Liveness::new(PATIENCE);
        for second in 0..=seconds {
            let parts = turns(second).into_iter().map(|(name, turns)| (name.to_owned(), turns));
            liveness.look(parts, Duration::from_secs(second));
        }
        let hung = liveness.hung(Duration::from_secs(seconds));
        let expected =
            expected.map(|(part, s)| Hung { part: part.to_owned(), silent: Duration::from_secs(s) });
        assert_eq!(hung, expected);
    }

    #[test]
    fn parts_that_look_up_now_and_then_do_not_hang() {
        check(1000, |second| vec![("the outbox", second), ("counting door", second / 59)], None);
    }

    #[test]
    fn a_part_that_is_silent_for_longer_than_patience_hangs() {
        check(160, |second| vec![("counting door", second.min(100)), ("the outbox", second)], None);
        let stuck = |second: u64| vec![("counting door", second.min(100)), ("the outbox", second)];
        check(161, stuck, Some(("counting door", 61)));
    }

    #[test]
    fn the_part_that_stopped_first_is_named_because_others_may_wait_for_it() {
        let stuck = |second: u64| vec![("the publisher", second.min(30)), ("the outbox", second.min(20))];
        check(100, stuck, Some(("the outbox", 80)));
    }

    #[test]
    fn a_part_that_looks_up_again_hangs_no_more() {
        check(200, |second| vec![("the outbox", if second < 200 { 1 } else { 2 })], None);
    }

    #[test]
    fn a_part_that_was_ended_is_forgotten() {
        check(200, |second| if second < 50 { vec![("counting door", 1)] } else { Vec::new() }, None);
    }

    #[test]
    fn a_part_that_never_looked_up_hangs_too() {
        check(61, |_| vec![("counting door", 0)], Some(("counting door", 61)));
    }

    proptest! {
        #[test]
        fn whoever_is_silent_for_longer_than_patience_is_found_and_nobody_else(
            gaps in prop::collection::vec(1_u64..130, 1..20),
        ) {
            let mut liveness = Liveness::new(PATIENCE);
            let (mut now, mut turns) = (0, 0);
            for gap in gaps {
                turns += 1;
                liveness.look([("door".to_owned(), turns)], Duration::from_secs(now));
                let looked_up = now;
                for _ in 0..gap {
                    now += 1;
                    liveness.look([("door".to_owned(), turns)], Duration::from_secs(now));
                    let is_hung = liveness.hung(Duration::from_secs(now)).is_some();
                    prop_assert_eq!(is_hung, now - looked_up > 60);
                }
            }
        }
    }
}
