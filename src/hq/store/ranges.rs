//! Which numbers of a box are here, which never come, and how far there is no hole.
//!
//! Ranges instead of numbers: a year of records is one row. Not obvious: only the rows around the numbers in question are
//! read, so a box with many holes costs no more than one without.

use rusqlite::{Connection, OptionalExtension as _, Transaction};
use std::collections::BTreeMap;

/// Numbers as ranges that do not touch each other: first to last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Ranges(BTreeMap<i64, i64>);

impl Ranges {
    /// Whether the number was not there before.
    pub(super) fn insert(&mut self, number: i64) -> bool {
        let before = self.0.range(..=number).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| last >= number) {
            return false;
        }
        let after = self.0.get(&(number + 1)).copied();
        if after.is_some() {
            self.0.remove(&(number + 1));
        }
        let first = before.filter(|(_, last)| last + 1 == number).map_or(number, |(first, _)| first);
        self.0.insert(first, after.unwrap_or(number));
        true
    }

    /// Takes a number out; whether it was there.
    fn remove(&mut self, number: i64) -> bool {
        let Some((first, last)) = self.0.range(..=number).next_back().map(|(first, last)| (*first, *last))
        else {
            return false;
        };
        if last < number {
            return false;
        }
        self.0.remove(&first);
        if first < number {
            self.0.insert(first, number - 1);
        }
        if number < last {
            self.0.insert(number + 1, last);
        }
        true
    }

    /// What of a span is in neither of the two.
    fn holes(from: i64, to: i64, here: &Self, lost: &Self) -> Vec<(i64, i64)> {
        let mut all: Vec<_> = here.0.iter().chain(&lost.0).map(|(first, last)| (*first, *last)).collect();
        all.sort_unstable();
        let (mut holes, mut next) = (Vec::new(), from);
        for (first, last) in all {
            if first > to {
                break;
            }
            if first > next {
                holes.push((next, first - 1));
            }
            next = next.max(last + 1);
        }
        if next <= to {
            holes.push((next, to));
        }
        holes
    }
}

const RECEIVED: &str =
    "SELECT first_seq, last_seq FROM received WHERE box_id = ?1 AND first_seq <= ?3 + 1 AND first_seq >=
    coalesce((SELECT max(first_seq) FROM received WHERE box_id = ?1 AND first_seq <= ?2), ?2)";
const LOST: &str =
    "SELECT first_seq, last_seq FROM lost WHERE box_id = ?1 AND first_seq <= ?3 AND first_seq >=
    coalesce((SELECT max(first_seq) FROM lost WHERE box_id = ?1 AND first_seq <= ?2), ?2)";

fn load(ask: &Connection, sql: &str, box_id: i64, from: i64, to: i64) -> rusqlite::Result<Ranges> {
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map((box_id, from, to), |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect::<rusqlite::Result<_>>().map(Ranges)
}

/// Marks numbers as received; gives back which were not before. A number that was lost is so no more.
pub(super) fn receive(all: &Transaction<'_>, box_id: i64, numbers: &[i64]) -> rusqlite::Result<Vec<i64>> {
    let (Some(lowest), Some(highest)) = (numbers.iter().min(), numbers.iter().max()) else {
        return Ok(Vec::new());
    };
    let before = load(all, RECEIVED, box_id, *lowest, *highest)?;
    let mut after = before.clone();
    let new: Vec<i64> = numbers.iter().copied().filter(|number| after.insert(*number)).collect();
    if new.is_empty() {
        return Ok(new);
    }
    let mut delete = all.prepare_cached("DELETE FROM received WHERE box_id = ?1 AND first_seq = ?2")?;
    for (first, last) in &before.0 {
        if after.0.get(first) != Some(last) {
            delete.execute((box_id, first))?;
        }
    }
    let mut insert = all.prepare_cached("INSERT INTO received VALUES (?1, ?2, ?3)")?;
    for (first, last) in &after.0 {
        if before.0.get(first) != Some(last) {
            insert.execute((box_id, first, last))?;
        }
    }
    find_again(all, box_id, &new)?;
    Ok(new)
}

/// What came all the same is no longer lost.
fn find_again(all: &Transaction<'_>, box_id: i64, new: &[i64]) -> rusqlite::Result<()> {
    let (Some(lowest), Some(highest)) = (new.iter().min(), new.iter().max()) else { return Ok(()) };
    for (first, last) in load(all, LOST, box_id, *lowest, *highest)?.0 {
        let mut left = Ranges(BTreeMap::from([(first, last)]));
        let found = new.iter().filter(|number| left.remove(**number)).count();
        if found == 0 {
            continue;
        }
        let sql = "DELETE FROM lost WHERE box_id = ?1 AND first_seq = ?2 RETURNING why, at_ms";
        let (why, at_ms): (String, i64) =
            all.prepare_cached(sql)?.query_row((box_id, first), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut insert = all.prepare_cached("INSERT INTO lost VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for (first, last) in left.0 {
            insert.execute((box_id, first, last, &why, at_ms))?;
        }
    }
    Ok(())
}

/// Marks as lost what of a range is not here.
pub(super) fn lose(
    all: &Transaction<'_>,
    box_id: i64,
    (from, to): (i64, i64),
    (why, at_ms): (&str, i64),
) -> rusqlite::Result<()> {
    if from > to {
        return Ok(());
    }
    let here = load(all, RECEIVED, box_id, from, to)?;
    let lost = load(all, LOST, box_id, from, to)?;
    let mut insert = all.prepare_cached("INSERT INTO lost VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (first, last) in Ranges::holes(from, to, &here, &lost) {
        insert.execute((box_id, first, last, why, at_ms))?;
    }
    Ok(())
}

/// The last number up to which nothing is missing; `from` is known to be such a number.
pub(super) fn watermark(ask: &Connection, box_id: i64, from: i64) -> rusqlite::Result<i64> {
    let mut mark = from;
    loop {
        let next = end_of(ask, "SELECT last_seq FROM received", box_id, mark + 1)?;
        let next = match next {
            Some(last) => Some(last),
            None => end_of(ask, "SELECT last_seq FROM lost", box_id, mark + 1)?,
        };
        let Some(last) = next else { return Ok(mark) };
        mark = last;
    }
}

/// The end of the range that holds a number.
fn end_of(ask: &Connection, select: &str, box_id: i64, number: i64) -> rusqlite::Result<Option<i64>> {
    let sql = format!("{select} WHERE box_id = ?1 AND first_seq <= ?2 ORDER BY first_seq DESC LIMIT 1");
    let last: Option<i64> =
        ask.prepare_cached(&sql)?.query_row((box_id, number), |row| row.get(0)).optional()?;
    Ok(last.filter(|last| *last >= number))
}

/// The first holes of a box between two numbers, at most so many.
pub(super) fn missing(
    ask: &Connection,
    box_id: i64,
    (after, highest): (i64, i64),
    most: usize,
) -> rusqlite::Result<Vec<(i64, i64)>> {
    let (mut holes, mut next) = (Vec::new(), after + 1);
    let first_from = "SELECT min(first_seq) FROM (
        SELECT first_seq FROM (SELECT first_seq FROM received WHERE box_id = ?1 AND first_seq >= ?2 ORDER BY first_seq LIMIT 1)
        UNION ALL SELECT first_seq FROM (SELECT first_seq FROM lost WHERE box_id = ?1 AND first_seq >= ?2 ORDER BY first_seq LIMIT 1))";
    while next <= highest && holes.len() < most {
        let covered = watermark(ask, box_id, next - 1)?;
        if covered >= next {
            next = covered + 1;
            continue;
        }
        let first: Option<i64> =
            ask.prepare_cached(first_from)?.query_row((box_id, next), |row| row.get(0))?;
        let end = first.map_or(highest, |first| (first - 1).min(highest));
        holes.push((next, end));
        next = end + 1;
    }
    Ok(holes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn numbers(ranges: &Ranges) -> BTreeSet<i64> {
        ranges.0.iter().flat_map(|(first, last)| *first..=*last).collect()
    }

    proptest! {
        #[test]
        fn ranges_are_a_set_of_numbers_that_keeps_itself_short(steps in prop::collection::vec((1..40_i64, any::<bool>()), 0..120)) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (number, comes) in steps {
                if comes {
                    prop_assert_eq!(ranges.insert(number), set.insert(number));
                } else {
                    prop_assert_eq!(ranges.remove(number), set.remove(&number));
                }
                prop_assert_eq!(&numbers(&ranges), &set);
                let rows: Vec<_> = ranges.0.iter().collect();
                prop_assert!(rows.windows(2).all(|pair| *pair[0].1 < *pair[1].0 - i64::from(comes)), "{:?}", rows);
            }
        }

        #[test]
        fn holes_are_what_is_neither_here_nor_lost(
            here in prop::collection::btree_set(1..40_i64, 0..20), lost in prop::collection::btree_set(1..40_i64, 0..20),
            from in 1..20_i64, length in 0..20_i64,
        ) {
            let ranges = |set: &BTreeSet<i64>| {
                let mut ranges = Ranges::default();
                set.iter().for_each(|number| { ranges.insert(*number); });
                ranges
            };
            let holes = Ranges::holes(from, from + length, &ranges(&here), &ranges(&lost));
            let found: BTreeSet<i64> = holes.iter().flat_map(|(first, last)| *first..=*last).collect();
            let wanted: BTreeSet<i64> =
                (from..=from + length).filter(|number| !here.contains(number) && !lost.contains(number)).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
