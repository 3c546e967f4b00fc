//! Which sequence numbers have arrived, and which between them have not.
//!
//! Kept as ranges, so a watch that runs for a week on a healthy box holds one. A sender of nonsense cannot make it
//! grow without end: beyond [`MAX_RANGES`] the oldest hole is forgotten, and that is told.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// More holes than this are more than a person reads.
const MAX_RANGES: usize = 256;

/// The numbers that have arrived, as ranges that neither touch nor overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// First to last number of a range, both included.
    ranges: BTreeMap<u64, u64>,
    forgotten_holes: u64,
}

impl Numbers {
    /// Notes one number; tells whether it is new.
    pub fn insert(&mut self, seq: u64) -> bool {
        self.cover(seq..=seq) > 0
    }

    /// Notes a range, and tells how many of its numbers are new. An empty range is none.
    pub fn cover(&mut self, numbers: RangeInclusive<u64>) -> u64 {
        if numbers.is_empty() {
            return 0;
        }
        let (mut from, mut to) = numbers.into_inner();
        let mut fresh = (to - from).saturating_add(1);
        // The ranges that it overlaps or touches are joined into one.
        while let Some((&first, &last)) = self.ranges.range(..=to.saturating_add(1)).next_back() {
            if last.saturating_add(1) < from {
                break;
            }
            let (shared_from, shared_to) = (first.max(from), last.min(to));
            if shared_from <= shared_to {
                fresh = fresh.saturating_sub((shared_to - shared_from).saturating_add(1));
            }
            self.ranges.remove(&first);
            (from, to) = (from.min(first), to.max(last));
        }
        self.ranges.insert(from, to);
        self.forget_the_oldest_hole();
        fresh
    }

    fn forget_the_oldest_hole(&mut self) {
        if self.ranges.len() <= MAX_RANGES {
            return;
        }
        if let Some((first, _)) = self.ranges.pop_first()
            && let Some((_, last)) = self.ranges.pop_first()
        {
            self.ranges.insert(first, last);
            self.forgotten_holes += 1;
        }
    }

    /// The lowest and the highest number; none before the first.
    #[must_use]
    pub fn ends(&self) -> Option<(u64, u64)> {
        let (first, _) = self.ranges.first_key_value()?;
        let (_, last) = self.ranges.last_key_value()?;
        Some((*first, *last))
    }

    /// The holes between them, from the lowest on.
    pub fn holes(&self) -> impl Iterator<Item = RangeInclusive<u64>> {
        let before = self.ranges.values();
        let after = self.ranges.keys().skip(1);
        before.zip(after).map(|(last, first)| last + 1..=first - 1)
    }

    /// In words: `numbers 41-52 without holes`, `numbers 41-52; missing 44, 47-48`.
    #[must_use]
    pub fn words(&self) -> String {
        /// Enough to see a pattern, and it fits one line.
        const SHOWN: usize = 4;
        let Some((first, last)) = self.ends() else {
            return "no numbers".to_owned();
        };
        let holes = self.holes().count() as u64 + self.forgotten_holes;
        if holes == 0 {
            return format!("numbers {} without holes", range_words(&(first..=last)));
        }
        let shown: Vec<String> = self.holes().take(SHOWN).map(|hole| range_words(&hole)).collect();
        let more = match holes - shown.len() as u64 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("numbers {}; missing {}{more}", range_words(&(first..=last)), shown.join(", "))
    }
}

/// `41-52`, or `41` where that is all.
pub(super) fn range_words(range: &RangeInclusive<u64>) -> String {
    if range.start() == range.end() {
        range.start().to_string()
    } else {
        format!("{}-{}", range.start(), range.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[track_caller]
    fn check(arrived: &[u64], words: &str) {
        let mut numbers = Numbers::default();
        for seq in arrived {
            numbers.insert(*seq);
        }
        assert_eq!(numbers.words(), words);
    }

    #[test]
    fn numbers_in_any_order_have_no_holes_once_all_are_there() {
        check(&[], "no numbers");
        check(&[7], "numbers 7 without holes");
        check(&[5, 3, 4, 4], "numbers 3-5 without holes");
    }

    #[test]
    fn holes_are_named_and_many_are_counted() {
        check(&[1, 2, 4, 8], "numbers 1-8; missing 3, 5-7");
        check(&[1, 3, 5, 7, 9, 11, 13], "numbers 1-13; missing 2, 4, 6, 8 and 2 more");
    }

    #[test]
    fn the_highest_numbers_there_are_fit() {
        check(&[u64::MAX, 0, u64::MAX - 1], &format!("numbers 0-{0}; missing 1-{1}", u64::MAX, u64::MAX - 2));
        let mut numbers = Numbers::default();
        assert_eq!(numbers.cover(0..=u64::MAX), u64::MAX, "one less than there are, which no u64 can hold");
        assert_eq!(numbers.cover(3..=9), 0);
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "that is what a sender of nonsense sends")]
    fn a_range_that_ends_before_it_begins_is_none() {
        let mut numbers = Numbers::default();
        assert_eq!((numbers.cover(9..=3), numbers.ends()), (0, None));
    }

    #[test]
    fn a_sender_of_nonsense_cannot_make_it_grow() {
        let mut numbers = Numbers::default();
        (0..10_000).for_each(|seq| assert!(numbers.insert(seq * 2)));
        assert_eq!(numbers.ranges.len(), MAX_RANGES);
        assert!(numbers.words().ends_with("and 9995 more"), "{}", numbers.words());
    }

    proptest! {
        #[test]
        fn it_knows_what_a_set_of_all_numbers_knows(ranges in prop::collection::vec((0_u64..200, 0_u64..8), 0..60)) {
            let mut numbers = Numbers::default();
            let mut all = BTreeSet::new();
            for (from, more) in ranges {
                let fresh = (from..=from + more).filter(|seq| all.insert(*seq)).count() as u64;
                prop_assert_eq!(numbers.cover(from..=from + more), fresh);
            }
            let ends = all.first().copied().zip(all.last().copied());
            prop_assert_eq!(numbers.ends(), ends);
            let missing: BTreeSet<u64> = numbers.holes().flatten().collect();
            let expected: BTreeSet<u64> = ends.map(|(from, to)| (from..=to).filter(|seq| !all.contains(seq)).collect())
                .unwrap_or_default();
            prop_assert_eq!(missing, expected);
        }
    }
}
