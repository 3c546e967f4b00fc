//! Minutes of lines, zones and queues: parts are added up, and hours by as much as a minute changed.
//!
//! What is not obvious: an hour is never summed again from its minutes, which may have been deleted long ago. A minute's row is
//! compared with what it was, and the hour gets the difference. Sums, least and most do not mind in which order parts come;
//! only a minute that turns out not valid takes a highest value with it, which is then looked for among the others.

use super::clock::{Hour, StoreClock};
use crate::time::{MINUTE_MS, WallTime};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use std::collections::{BTreeMap, BTreeSet};

/// A row of minutes of one kind, in memory: what adds up, what is the most, and whether all of it is valid.
///
/// `N` values add up; the last of them is the time seen, ms. `M` values are the most of their parts, -1 where nothing was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<const N: usize, const M: usize> {
    pub(super) sums: [i64; N],
    pub(super) most: [i64; M],
    pub(super) valid: bool,
}

impl<const N: usize, const M: usize> Part<N, M> {
    /// Both together.
    fn with(self, other: Self) -> Self {
        let mut sums: [i64; N] = std::array::from_fn(|at| self.sums[at].saturating_add(other.sums[at]));
        // Two parts of a minute may overlap by a rounding; nothing sees more than all of it.
        sums[N - 1] = sums[N - 1].min(MINUTE_MS);
        let most = std::array::from_fn(|at| self.most[at].max(other.most[at]));
        Self { sums, most, valid: self.valid && other.valid }
    }
}

/// What differs between lines, zones and queues: their statements.
struct Kind {
    select: &'static str,
    write: &'static str,
    /// Adds to the hour.
    add: &'static str,
    /// Looks for the highest values anew.
    renew: &'static str,
    /// Whether the time seen counts only while the store is open.
    only_open: bool,
}

const LINES: Kind = Kind {
    select: "SELECT entries, exits, staff_in, staff_out, reentries, passersby, seen_ms, valid
        FROM line_minute WHERE line_id = ?1 AND minute = ?2",
    write: "INSERT INTO line_minute (line_id, minute, entries, exits, staff_in, staff_out, reentries, passersby, seen_ms, valid)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT DO UPDATE SET entries = ?3, exits = ?4, staff_in = ?5, staff_out = ?6, reentries = ?7, passersby = ?8,
        seen_ms = ?9, valid = ?10",
    add: "INSERT INTO line_hour VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        ON CONFLICT DO UPDATE SET entries = entries + ?5, exits = exits + ?6, staff_in = staff_in + ?7,
        staff_out = staff_out + ?8, reentries = reentries + ?9, passersby = passersby + ?10, open_seen_ms = open_seen_ms + ?11",
    renew: "",
    only_open: true,
};

const ZONES: Kind = Kind {
    select: "SELECT visits, engaged, staff_visits, person_ms, staff_person_ms, seen_ms, coalesce(most_present, -1), valid
        FROM zone_minute WHERE zone_id = ?1 AND minute = ?2",
    write: "INSERT INTO zone_minute (zone_id, minute, visits, engaged, staff_visits, person_ms, staff_person_ms, seen_ms,
        most_present, valid) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, nullif(?9, -1), ?10)
        ON CONFLICT DO UPDATE SET visits = ?3, engaged = ?4, staff_visits = ?5, person_ms = ?6, staff_person_ms = ?7,
        seen_ms = ?8, most_present = nullif(?9, -1), valid = ?10",
    add: "INSERT INTO zone_hour (zone_id, hour, business_day, local_hour, visits, engaged, staff_visits, person_ms,
        staff_person_ms, open_seen_ms, most_present) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, nullif(?11, -1))
        ON CONFLICT DO UPDATE SET visits = visits + ?5, engaged = engaged + ?6, staff_visits = staff_visits + ?7,
        person_ms = person_ms + ?8, staff_person_ms = staff_person_ms + ?9, open_seen_ms = open_seen_ms + ?10,
        most_present = nullif(max(coalesce(most_present, -1), ?11), -1)",
    renew: "UPDATE zone_hour SET most_present = (SELECT max(most_present) FROM zone_minute
        WHERE zone_id = ?1 AND minute >= ?2 AND minute < ?3 AND valid = 1) WHERE zone_id = ?1 AND hour = ?2",
    only_open: true,
};

const QUEUES: Kind = Kind {
    select: "SELECT joined, served, abandoned, waits, wait_ms, service_ms, length_ms, seen_ms, longest_wait_ms,
        coalesce(longest, -1), valid FROM queue_minute WHERE zone_id = ?1 AND minute = ?2",
    write: "INSERT INTO queue_minute (zone_id, minute, joined, served, abandoned, waits, wait_ms, service_ms, length_ms, seen_ms,
        longest_wait_ms, longest, valid)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, nullif(?12, -1), ?13)
        ON CONFLICT DO UPDATE SET joined = ?3, served = ?4, abandoned = ?5, waits = ?6, wait_ms = ?7, service_ms = ?8,
        length_ms = ?9, seen_ms = ?10, longest_wait_ms = ?11, longest = nullif(?12, -1), valid = ?13",
    add: "INSERT INTO queue_hour (zone_id, hour, business_day, local_hour, joined, served, abandoned, waits, wait_ms, service_ms,
        length_ms, seen_ms, longest_wait_ms, longest)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, max(?13, 0), nullif(?14, -1))
        ON CONFLICT DO UPDATE SET joined = joined + ?5, served = served + ?6, abandoned = abandoned + ?7, waits = waits + ?8,
        wait_ms = wait_ms + ?9, service_ms = service_ms + ?10, length_ms = length_ms + ?11, seen_ms = seen_ms + ?12,
        longest_wait_ms = max(longest_wait_ms, ?13, 0), longest = nullif(max(coalesce(longest, -1), ?14), -1)",
    renew: "UPDATE queue_hour SET (longest_wait_ms, longest) = (SELECT coalesce(max(longest_wait_ms), 0), max(longest)
        FROM queue_minute WHERE zone_id = ?1 AND minute >= ?2 AND minute < ?3 AND valid = 1) WHERE zone_id = ?1 AND hour = ?2",
    only_open: false,
};

/// A line's part: entries, exits, staff in, staff out, those who came back, passers-by, seen ms.
pub(super) type LinePart = Part<7, 0>;
/// A zone's: visits, engaged, staff's visits, time of visitors, time of staff, seen ms; most at a time.
pub(super) type ZonePart = Part<6, 1>;
/// A queue's: joined, served, abandoned, waits, waited ms, served ms, people x ms, seen ms; longest wait, most at a time.
pub(super) type QueuePart = Part<8, 2>;

/// Parts of one kind that one transaction brings, by what they are of and by minute.
#[derive(Debug)]
pub(super) struct Parts<const N: usize, const M: usize>(BTreeMap<(i64, i64), Part<N, M>>);

impl<const N: usize, const M: usize> Default for Parts<N, M> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<const N: usize, const M: usize> Parts<N, M> {
    pub(super) fn add(&mut self, id: i64, minute: i64, part: Part<N, M>) {
        self.0.entry((id, minute)).and_modify(|known| *known = known.with(part)).or_insert(part);
    }
}

/// Minutes of one store that one transaction brings.
#[derive(Debug, Default)]
pub(super) struct StoreMinutes {
    pub(super) lines: Parts<7, 0>,
    pub(super) zones: Parts<6, 1>,
    pub(super) queues: Parts<8, 2>,
    /// Groups by size, by line and minute.
    pub(super) groups: BTreeMap<(i64, i64), [i64; 5]>,
}

impl StoreMinutes {
    /// Writes minutes and hours; gives back the hours that changed.
    pub(super) fn write(
        &self,
        all: &Transaction<'_>,
        clock: &mut StoreClock,
    ) -> rusqlite::Result<BTreeSet<i64>> {
        let mut touched = BTreeSet::new();
        write(all, clock, (&LINES, &self.lines), &mut touched)?;
        write(all, clock, (&ZONES, &self.zones), &mut touched)?;
        write(all, clock, (&QUEUES, &self.queues), &mut touched)?;
        for ((line, minute), groups) in &self.groups {
            write_groups(all, (*line, *minute), groups)?;
        }
        Ok(touched)
    }
}

/// Changes of one hour of one line, zone or queue.
#[derive(Debug)]
struct HourChange<const N: usize, const M: usize> {
    hour: Hour,
    sums: [i64; N],
    most: [i64; M],
    /// A minute that counted turned out not valid.
    renew: bool,
}

fn write<const N: usize, const M: usize>(
    all: &Transaction<'_>,
    clock: &mut StoreClock,
    (kind, parts): (&Kind, &Parts<N, M>),
    touched: &mut BTreeSet<i64>,
) -> rusqlite::Result<()> {
    if parts.0.is_empty() {
        return Ok(());
    }
    let mut hours: BTreeMap<(i64, i64), HourChange<N, M>> = BTreeMap::new();
    let (mut select, mut insert) = (all.prepare_cached(kind.select)?, all.prepare_cached(kind.write)?);
    for ((id, minute), part) in &parts.0 {
        let before = select.query_row((id, minute), read_part).optional()?;
        let after = before.map_or(*part, |before: Part<N, M>| before.with(*part));
        let values = [*id, *minute].into_iter().chain(after.sums).chain(after.most).chain([i64::from(after.valid)]);
        insert.execute(rusqlite::params_from_iter(values))?;
        let hour = clock.hour_of(WallTime::from_unix_ms(minute * MINUTE_MS));
        let is_open = !kind.only_open || clock.is_open(*minute);
        let change = hours.entry((*id, hour.start_minute)).or_insert(HourChange {
            hour,
            sums: [0; N],
            most: [-1; M],
            renew: false,
        });
        change.add(before.as_ref(), &after, is_open);
    }
    for ((id, _), change) in &hours {
        touched.insert(change.hour.start_minute);
        change.write(all, kind, *id)?;
    }
    Ok(())
}

impl<const N: usize, const M: usize> HourChange<N, M> {
    fn add(&mut self, before: Option<&Part<N, M>>, after: &Part<N, M>, is_open: bool) {
        let counted = |part: &Part<N, M>, at: usize| {
            if part.valid && (is_open || at < N - 1) { part.sums[at] } else { 0 }
        };
        for at in 0..N {
            self.sums[at] += counted(after, at) - before.map_or(0, |before| counted(before, at));
        }
        if after.valid {
            for at in 0..M {
                self.most[at] = self.most[at].max(after.most[at]);
            }
        }
        self.renew |= M > 0 && !after.valid && before.is_some_and(|before| before.valid);
    }

    fn write(&self, all: &Transaction<'_>, kind: &Kind, id: i64) -> rusqlite::Result<()> {
        let Hour { start_minute, end_minute, business_day, local_hour } = self.hour;
        let head = [id, start_minute, business_day, i64::from(local_hour)];
        let values = head.into_iter().chain(self.sums).chain(self.most);
        all.prepare_cached(kind.add)?.execute(rusqlite::params_from_iter(values))?;
        if self.renew {
            all.prepare_cached(kind.renew)?.execute((id, start_minute, end_minute))?;
        }
        Ok(())
    }
}

fn read_part<const N: usize, const M: usize>(row: &Row<'_>) -> rusqlite::Result<Part<N, M>> {
    let mut part = Part { sums: [0; N], most: [-1; M], valid: row.get(N + M)? };
    for at in 0..N {
        part.sums[at] = row.get(at)?;
    }
    for at in 0..M {
        part.most[at] = row.get(N + at)?;
    }
    Ok(part)
}

/// Hours of a line, zone or queue made anew from minutes that are all there: where the store's calendar was changed.
pub(super) fn hours_anew(
    all: &Transaction<'_>,
    clock: &mut StoreClock,
    store_id: i64,
    from_minute: i64,
) -> rusqlite::Result<()> {
    anew::<7, 0>(all, clock, &LINES, (store_id, from_minute), ["line_minute", "line_hour", "line", "line_id"])?;
    anew::<6, 1>(all, clock, &ZONES, (store_id, from_minute), ["zone_minute", "zone_hour", "zone", "zone_id"])?;
    anew::<8, 2>(all, clock, &QUEUES, (store_id, from_minute), ["queue_minute", "queue_hour", "zone", "zone_id"])
}

fn anew<const N: usize, const M: usize>(
    all: &Transaction<'_>,
    clock: &mut StoreClock,
    kind: &Kind,
    (store_id, from_minute): (i64, i64),
    [minutes, hours, owner, id]: [&'static str; 4],
) -> rusqlite::Result<()> {
    let of_store = format!("{id} IN (SELECT {id} FROM {owner} WHERE store_id = ?1)");
    all.execute(&format!("DELETE FROM {hours} WHERE hour >= ?2 AND {of_store}"), (store_id, from_minute))?;
    let sql = format!("SELECT {id}, minute FROM {minutes} WHERE minute >= ?2 AND {of_store}");
    let mut list = all.prepare(&sql)?;
    let mut rows = list.query((store_id, from_minute))?;
    let mut select = all.prepare_cached(kind.select)?;
    let mut changed: BTreeMap<(i64, i64), HourChange<N, M>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (id, minute): (i64, i64) = (row.get(0)?, row.get(1)?);
        let part = select.query_row((id, minute), read_part::<N, M>)?;
        let hour = clock.hour_of(WallTime::from_unix_ms(minute * MINUTE_MS));
        let is_open = !kind.only_open || clock.is_open(minute);
        let fresh = HourChange { hour, sums: [0; N], most: [-1; M], renew: false };
        changed.entry((id, hour.start_minute)).or_insert(fresh).add(None, &part, is_open);
    }
    changed.iter().try_for_each(|((id, _), change)| change.write(all, kind, *id))
}

/// Groups are kept as JSON, as nobody asks for more than their sums; NULL where nobody came.
fn write_groups(all: &Transaction<'_>, minute: (i64, i64), groups: &[i64; 5]) -> rusqlite::Result<()> {
    let sql = "SELECT groups FROM line_minute WHERE line_id = ?1 AND minute = ?2";
    let before: Option<String> = all.prepare_cached(sql)?.query_row(minute, |row| row.get(0))?;
    let before: [i64; 5] = before.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let sums: [i64; 5] = std::array::from_fn(|at| before[at].saturating_add(groups[at]));
    let text = serde_json::to_string(&sums).expect("numbers are JSON");
    let sql = "UPDATE line_minute SET groups = ?3 WHERE line_id = ?1 AND minute = ?2";
    all.prepare_cached(sql)?.execute(params![minute.0, minute.1, text])?;
    Ok(())
}
