//! When to ask a box again for what is missing: not at once, then ever more rarely. Pure.
//!
//! Not obvious: a number that is missing now may be on its way, as messages overtake each other where a box sends several. So the
//! first request waits. And a box that does not answer is asked for the same again only after twice the time: the gap
//! stays to be seen meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

/// How long a number may be on its way.
const PATIENCE: Duration = Duration::from_secs(10);
/// The first wait after a request, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// Numbers that are asked for at a time.
const MOST_NUMBERS: i64 = 10_000;

#[derive(Debug, Clone, Copy)]
struct Ask {
    /// The first number that is missing.
    first: i64,
    wait: Duration,
    next: Duration,
}

/// What was asked for, by box.
#[derive(Debug, Default)]
pub struct Gaps(BTreeMap<String, Ask>);

impl Gaps {
    /// A connection works: whatever was asked for may have been lost with the one before.
    pub fn connected(&mut self) {
        self.0.clear();
    }

    /// Boxes and the first range that each misses go in; what is to be asked for at `elapsed` (a clock that nobody sets) comes
    /// out. A box that misses nothing any more is forgotten.
    pub fn due(&mut self, missing: &[(String, (i64, i64))], elapsed: Duration) -> Vec<(String, (i64, i64))> {
        self.0.retain(|name, _| missing.iter().any(|(missing, _)| missing == name));
        let mut due = Vec::new();
        for (name, (first, last)) in missing {
            let fresh = Ask { first: *first, wait: FIRST_WAIT, next: elapsed + PATIENCE };
            let ask = self.0.entry(name.clone()).or_insert(fresh);
            if ask.first != *first {
                // It answers: what is still missing is asked for soon.
                *ask = fresh;
            }
            if ask.next <= elapsed {
                ask.next = elapsed + ask.wait;
                ask.wait = (ask.wait * 2).min(LONGEST_WAIT);
                due.push((name.clone(), (*first, (*last).min(first + MOST_NUMBERS - 1))));
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds at which box `a` is asked while it misses what `missing` says of each second.
    #[track_caller]
    fn check(seconds: u64, missing: impl Fn(u64) -> Option<(i64, i64)>, expected: &[(u64, (i64, i64))]) {
        let mut gaps = Gaps::default();
        let mut asked = Vec::new();
        for second in 0..seconds {
            let missing: Vec<_> = missing(second).map(|range| ("a".to_owned(), range)).into_iter().collect();
            let due = gaps.due(&missing, Duration::from_secs(second));
            asked.extend(due.into_iter().map(|(_, range)| (second, range)));
        }
        assert_eq!(asked, expected);
    }

    #[test]
    fn what_stays_missing_is_asked_for_ever_more_rarely() {
        let stays = (5, 9);
        check(300, |_| Some(stays), &[(10, stays), (40, stays), (100, stays), (220, stays)]);
    }

    #[test]
    fn what_was_only_on_its_way_is_not_asked_for() {
        check(60, |second| (second % 9 != 0).then_some((second.cast_signed(), 100)), &[]);
    }

    #[test]
    fn who_answers_in_part_is_asked_for_the_rest() {
        let missing = |second| Some(if second < 12 { (5, 9) } else { (7, 9) });
        check(30, missing, &[(10, (5, 9)), (22, (7, 9))]);
    }

    #[test]
    fn a_large_gap_is_asked_for_in_pieces() {
        check(11, |_| Some((1, 1_000_000)), &[(10, (1, 10_000))]);
    }
}
