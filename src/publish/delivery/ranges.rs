//! A set of numbers as the ranges that it consists of: confirmations come nearly in order, so there are few.

use crate::outbox::SeqRange;
use std::collections::BTreeMap;

/// Ranges that neither overlap nor touch, first number to last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    /// Adds all numbers of a range.
    pub(super) fn add(&mut self, SeqRange { mut first, mut last }: SeqRange) {
        while let Some((&begin, &end)) = self.0.range(..=last.saturating_add(1)).next_back() {
            if end.saturating_add(1) < first {
                break;
            }
            self.0.remove(&begin);
            (first, last) = (first.min(begin), last.max(end));
        }
        self.0.insert(first, last);
    }

    /// Takes all numbers up to this one away.
    pub(super) fn forget_up_to(&mut self, number: u64) {
        while let Some(range) = self.0.first_entry().filter(|range| *range.key() <= number) {
            let (_, end) = range.remove_entry();
            if end > number {
                self.0.insert(number + 1, end);
            }
        }
    }

    /// The last of the numbers that follow `number` without a hole; itself where the next is not there.
    pub(super) fn end_of_run_after(&self, number: u64) -> u64 {
        let next = number.saturating_add(1);
        self.0.range(..=next).next_back().map_or(number, |(_, end)| (*end).max(number))
    }

    /// The highest number; none where it is empty.
    pub(super) fn last(&self) -> Option<u64> {
        self.0.last_key_value().map(|(_, end)| *end)
    }

    /// Whether no number is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn ranges_hold_what_a_set_of_the_numbers_holds(
            adds in prop::collection::vec((1..60_u64, 0..9_u64), 0..20),
            forget in 0..70_u64,
            from in 0..70_u64,
        ) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (first, more) in adds {
                ranges.add(SeqRange { first, last: first + more });
                set.extend(first..=first + more);
            }
            ranges.forget_up_to(forget);
            set.retain(|number| *number > forget);
            let all: Vec<u64> = ranges.0.iter().flat_map(|(first, last)| *first..=*last).collect();
            prop_assert_eq!(&all, &set.iter().copied().collect::<Vec<_>>());
            let touching = ranges.0.iter().zip(ranges.0.iter().skip(1)).any(|(one, next)| *one.1 + 1 >= *next.0);
            prop_assert!(!touching, "{:?}", ranges);
            let run = (from + 1..).take_while(|number| set.contains(number)).last().unwrap_or(from);
            prop_assert_eq!(ranges.end_of_run_after(from), run);
            prop_assert_eq!((ranges.last(), ranges.is_empty()), (set.last().copied(), set.is_empty()));
        }
    }
}
