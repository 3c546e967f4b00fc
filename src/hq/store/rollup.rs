//! Sums of hours and days, made anew in the transaction that changes what they are made of.
//!
//! Hours of lines, zones and queues are kept by intake, which adds to them. A store's hour is made anew from those and from sales
//! and shifts, and a day from its hours; so whoever changes any of them calls [`touch_hours`], and no figure is kept twice.
//!
//! Not obvious: an hour in which nothing arrived has a row too. Without it a day of which only the morning arrived would
//! look whole. So every open hour between the first and the last that is known of a store is there, and the order in which things
//! arrive does not matter.

use super::clock::{Hour, StoreClock};
use super::{Store, StoreError, minutes, sensors};
use crate::time::{MINUTE_MS, WallTime};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use std::collections::BTreeSet;

/// A camera that told nothing for longer is taken for taken away, and its lines for no doors any more.
pub(super) const CAMERA_GONE_MINUTES: i64 = 14 * 24 * 60;

/// A till that sold nothing for longer is not known to be there.
const TILL_GONE_MINUTES: i64 = 7 * 24 * 60;

/// Longer gaps than this are not filled with hours that saw nothing.
const MOST_FILLED_MINUTES: i64 = 400 * 24 * 60;

/// No shift is longer (`site::staffing`), so an older one does not reach into an hour.
const LONGEST_SHIFT_MS: i64 = 48 * 3_600_000;

/// Makes a store's hours and their days anew. Each hour is named by any minute of it.
///
/// # Errors
/// What SQLite says.
pub(in crate::hq) fn touch_hours(
    all: &Transaction<'_>,
    store_id: i64,
    hours: &BTreeSet<i64>,
) -> rusqlite::Result<()> {
    let mut clock = StoreClock::load(all, store_id)?;
    touch_hours_by(all, &mut clock, store_id, hours)
}

/// The same with a clock that is there already.
///
/// # Errors
/// What SQLite says.
pub(in crate::hq) fn touch_hours_by(
    all: &Transaction<'_>,
    clock: &mut StoreClock,
    store_id: i64,
    hours: &BTreeSet<i64>,
) -> rusqlite::Result<()> {
    let mut waiting: BTreeSet<Hour> = hours.iter().map(|minute| hour_at(clock, *minute)).collect();
    waiting.extend(between(all, clock, store_id, &waiting)?);
    let mut days = BTreeSet::new();
    while let Some(hour) = waiting.pop_first() {
        days.insert(hour.business_day);
        if remake_hour(all, clock, store_id, hour)? {
            let now_known = hours_without_till(all, store_id, hour.start_minute)?;
            waiting.extend(now_known.into_iter().map(|minute| hour_at(clock, minute)));
        }
    }
    touch_days(all, store_id, &days)
}

fn hour_at(clock: &mut StoreClock, minute: i64) -> Hour {
    clock.hour_of(WallTime::from_unix_ms(minute.saturating_mul(MINUTE_MS)))
}

/// Open hours between those that have a row and those that get one.
fn between(
    ask: &Connection,
    clock: &mut StoreClock,
    store_id: i64,
    touched: &BTreeSet<Hour>,
) -> rusqlite::Result<Vec<Hour>> {
    let (Some(first), Some(last)) = (touched.first(), touched.last()) else { return Ok(Vec::new()) };
    let (first, last) = (first.start_minute, last.start_minute);
    let edge = |sql: &str| -> rusqlite::Result<Option<i64>> {
        ask.prepare_cached(sql)?.query_row([store_id], |row| row.get(0)).optional()
    };
    let lowest = edge("SELECT hour FROM store_hour WHERE store_id = ?1 ORDER BY hour LIMIT 1")?;
    let highest = edge("SELECT hour FROM store_hour WHERE store_id = ?1 ORDER BY hour DESC LIMIT 1")?;
    // What lies between rows that are there has its rows already.
    let open = match (lowest, highest) {
        (Some(lowest), Some(highest)) => {
            let mut open = open_hours(clock, first, lowest);
            open.append(&mut open_hours(clock, highest, last));
            open
        }
        _ => open_hours(clock, first, last),
    };
    Ok(open)
}

fn open_hours(clock: &mut StoreClock, from_minute: i64, until_minute: i64) -> Vec<Hour> {
    let mut open = Vec::new();
    let mut minute = from_minute;
    // A box whose clock was years behind must not fill years.
    while minute < until_minute && until_minute - from_minute <= MOST_FILLED_MINUTES {
        let hour = hour_at(clock, minute);
        if clock.open_ms_of(hour) > 0 {
            open.push(hour);
        }
        minute = hour.end_minute;
    }
    open
}

/// What the lines of a store come to in an hour.
#[derive(Debug, Default)]
struct LineSums {
    entries: i64,
    exits: i64,
    staff_entries: i64,
    reentries: i64,
    passersby: Option<i64>,
    seen_ms: Option<i64>,
    passersby_seen_ms: Option<i64>,
}

struct LineRow {
    role: String,
    camera_id: i64,
    first_minute: Option<i64>,
    last_minute: Option<i64>,
    /// Entries, exits, staff, those who came back, passers-by, seen ms; none: nothing arrived of this hour.
    counts: Option<[i64; 6]>,
    /// When its box was taken out of the register: from then on nothing is expected of it.
    retired_minute: Option<i64>,
}

const LINES: &str = "SELECT line.role, line.camera_id, line.first_minute, line.last_minute, line_hour.entries,
    line_hour.exits, line_hour.staff_in, line_hour.reentries, line_hour.passersby, line_hour.open_seen_ms,
    (SELECT retired_ms FROM camera JOIN box USING (box_id) WHERE camera.camera_id = line.camera_id)
  FROM line LEFT JOIN line_hour ON line_hour.line_id = line.line_id AND line_hour.hour = ?2 WHERE line.store_id = ?1";

fn line_sums(all: &Connection, store_id: i64, hour: Hour) -> rusqlite::Result<LineSums> {
    let mut select = all.prepare_cached(LINES)?;
    let rows = select.query_map((store_id, hour.start_minute), |row| {
        let counts = match row.get::<_, Option<i64>>(4)? {
            Some(entries) => Some([entries, row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?, row.get(9)?]),
            None => None,
        };
        let (first_minute, last_minute) = (row.get(2)?, row.get(3)?);
        let retired_minute = row.get::<_, Option<i64>>(10)?.map(|ms| ms.div_euclid(MINUTE_MS));
        Ok(LineRow {
            role: row.get(0)?,
            camera_id: row.get(1)?,
            first_minute,
            last_minute,
            counts,
            retired_minute,
        })
    })?;
    let rows: Vec<LineRow> = rows.collect::<rusqlite::Result<_>>()?;
    let told: BTreeSet<i64> =
        rows.iter().filter(|row| row.counts.is_some()).map(|row| row.camera_id).collect();
    let mut sums = LineSums::default();
    for row in &rows {
        sums.add(row, hour, told.contains(&row.camera_id));
    }
    Ok(sums)
}

impl LineSums {
    fn add(&mut self, row: &LineRow, hour: Hour, camera_told: bool) {
        let (Some(first), Some(last)) = (row.first_minute, row.last_minute) else { return };
        let is_expected = first < hour.end_minute
            && !camera_told
            && hour.start_minute <= last.saturating_add(CAMERA_GONE_MINUTES)
            && row.retired_minute.is_none_or(|retired| hour.start_minute < retired);
        let [entries, exits, staff, reentries, passersby, seen_ms] = match row.counts {
            Some(counts) => counts,
            None if is_expected => [0; 6],
            None => return,
        };
        let worst = |so_far: &mut Option<i64>| {
            *so_far = Some(so_far.map_or(seen_ms, |least| least.min(seen_ms)));
        };
        match row.role.as_str() {
            "door" => {
                self.entries += entries;
                self.exits += exits;
                self.staff_entries += staff;
                self.reentries += reentries;
                worst(&mut self.seen_ms);
            }
            "passersby" => {
                self.passersby = Some(self.passersby.unwrap_or(0) + passersby);
                worst(&mut self.passersby_seen_ms);
            }
            _ => {}
        }
    }
}

const ZONES: &str = "SELECT
    (SELECT sum(visits - staff_visits) FROM zone JOIN zone_hour USING (zone_id)
      WHERE store_id = ?1 AND is_queue = 0 AND hour = ?2),
    (SELECT sum(min(engaged, visits - staff_visits)) FROM zone JOIN zone_hour USING (zone_id)
      WHERE store_id = ?1 AND is_queue = 0 AND hour = ?2),
    (SELECT sum(joined) FROM zone JOIN queue_hour USING (zone_id)
      WHERE store_id = ?1 AND is_queue = 1 AND hour = ?2)";

/// Visits, engaged and queued; none where no such zone told anything in the hour.
fn zone_sums(all: &Connection, store_id: i64, hour: Hour) -> rusqlite::Result<[Option<i64>; 3]> {
    all.prepare_cached(ZONES)?
        .query_row((store_id, hour.start_minute), |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))
}

/// The index is named because SQLite, which knows nothing of how rows are spread, would rather read all sales of the store.
const TILL: &str = "SELECT count(*),
    count(*) FILTER (WHERE what = 'sale'),
    coalesce(sum(amount_minor) FILTER (WHERE what = 'sale'), 0),
    coalesce(sum(amount_minor) FILTER (WHERE what = 'refund'), 0),
    coalesce(sum(units) FILTER (WHERE what = 'sale'), 0),
    count(units) FILTER (WHERE what = 'sale')
  FROM sale INDEXED BY sale_by_hour WHERE store_id = ?1 AND hour = ?2
    AND NOT EXISTS (SELECT 1 FROM sale AS void INDEXED BY sale_voided WHERE void.store_id = ?1 AND void.voids = sale.id AND void.what = 'void')";

const TILL_AROUND: &str = "SELECT
    EXISTS (SELECT 1 FROM sale WHERE store_id = ?1 AND hour = ?2),
    EXISTS (SELECT 1 FROM sale WHERE store_id = ?1 AND hour < ?2 AND hour >= ?2 - ?3)
      AND EXISTS (SELECT 1 FROM sale WHERE store_id = ?1 AND hour > ?2 AND hour <= ?2 + ?3)";

/// What the till sold: transactions, sales, refunds, units, transactions with units; and whether there was a row at all.
struct TillHour {
    has_rows: bool,
    sums: Option<[i64; 5]>,
}

fn till_hour(all: &Connection, store_id: i64, hour: i64) -> rusqlite::Result<TillHour> {
    let (has_rows, is_between): (bool, bool) = all
        .prepare_cached(TILL_AROUND)?
        .query_row((store_id, hour, TILL_GONE_MINUTES), |row| Ok((row.get(0)?, row.get(1)?)))?;
    if !has_rows {
        return Ok(TillHour { has_rows, sums: is_between.then_some([0; 5]) });
    }
    let sums = all.prepare_cached(TILL)?.query_row((store_id, hour), |row| {
        Ok([row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?])
    })?;
    Ok(TillHour { has_rows, sums: Some(sums) })
}

/// Hours around one that just got its first sale, of which it may be known now that the till was there.
fn hours_without_till(ask: &Connection, store_id: i64, hour: i64) -> rusqlite::Result<Vec<i64>> {
    let sql = "SELECT hour FROM store_hour WHERE store_id = ?1 AND hour BETWEEN ?2 - ?3 AND ?2 + ?3
        AND hour <> ?2 AND transactions IS NULL
        AND EXISTS (SELECT 1 FROM sale WHERE sale.store_id = ?1 AND sale.hour < store_hour.hour
          AND sale.hour >= store_hour.hour - ?3)
        AND EXISTS (SELECT 1 FROM sale WHERE sale.store_id = ?1 AND sale.hour > store_hour.hour
          AND sale.hour <= store_hour.hour + ?3)";
    let mut select = ask.prepare_cached(sql)?;
    select.query_map((store_id, hour, TILL_GONE_MINUTES), |row| row.get(0))?.collect()
}

/// Time of staff within an hour, ms; none where no shift reaches into it.
fn on_duty_ms(ask: &Connection, store_id: i64, hour: Hour) -> rusqlite::Result<Option<i64>> {
    let span = hour.span();
    let sql = "SELECT sum(CAST(worked_ms * (1.0 * (min(to_ms, ?3) - max(from_ms, ?2)) / (to_ms - from_ms)) AS INTEGER)) FROM shift
        WHERE store_id = ?1 AND from_ms < ?3 AND from_ms > ?2 - ?4 AND to_ms > ?2";
    let values = (store_id, span.start.unix_ms(), span.end.unix_ms(), LONGEST_SHIFT_MS);
    ask.prepare_cached(sql)?.query_row(values, |row| row.get(0))
}

/// Whether it is the hour's first sale that was found.
fn remake_hour(
    all: &Transaction<'_>,
    clock: &mut StoreClock,
    store_id: i64,
    hour: Hour,
) -> rusqlite::Result<bool> {
    let open_ms = clock.open_ms_of(hour);
    let lines = line_sums(all, store_id, hour)?;
    let [visits, engaged, queued] = zone_sums(all, store_id, hour)?;
    let till = till_hour(all, store_id, hour.start_minute)?;
    let sold = |at: usize| till.sums.map(|sums| sums[at]);
    let on_duty_ms = on_duty_ms(all, store_id, hour)?;
    let sql = "SELECT transactions IS NOT NULL FROM store_hour WHERE store_id = ?1 AND hour = ?2";
    let before: Option<bool> =
        all.prepare_cached(sql)?.query_row((store_id, hour.start_minute), |row| row.get(0)).optional()?;
    let seen_ms = lines.seen_ms.unwrap_or(0).min(open_ms);
    let sql = "INSERT OR REPLACE INTO store_hour VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
        ?16, ?17, ?18, ?19, ?20, ?21, ?5 > 0 AND ?20 >= ?5 * (SELECT least_coverage FROM store WHERE store_id = ?1))";
    all.prepare_cached(sql)?.execute(params![
        store_id,
        hour.start_minute,
        hour.business_day,
        hour.local_hour,
        open_ms,
        lines.entries,
        lines.exits,
        lines.staff_entries,
        lines.reentries,
        lines.passersby,
        visits,
        engaged,
        queued,
        sold(0),
        sold(1),
        sold(2),
        sold(3),
        sold(4),
        on_duty_ms,
        seen_ms,
        lines.passersby_seen_ms.unwrap_or(0).min(open_ms),
    ])?;
    Ok(till.has_rows && before != Some(true))
}

impl Store {
    /// Makes hours and days of a store anew from `from` on; see [`remake_from`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remake_hours(&self, store_id: i64, from: WallTime) -> Result<(), StoreError> {
        let from_minute = from.unix_ms().div_euclid(MINUTE_MS);
        self.write::<_, StoreError>(|all| Ok(remake_from(all, store_id, from_minute)?))
    }
}

/// Makes hours and days of a store anew from `from_minute` on, where its time zone or opening hours were changed for a time that
/// is told of already. What was deleted cannot be made anew: hours before the first minute that is kept stay as they are.
/// Heat maps and flow stay with the business day that they were counted to.
///
/// # Errors
/// What SQLite says.
pub(in crate::hq) fn remake_from(
    all: &Transaction<'_>,
    store_id: i64,
    from_minute: i64,
) -> rusqlite::Result<()> {
    let kept = "SELECT min(minute) FROM line JOIN line_minute USING (line_id) WHERE store_id = ?1";
    let kept: Option<i64> = all.prepare_cached(kept)?.query_row([store_id], |row| row.get(0))?;
    let sql = "SELECT min(hour), max(hour) FROM store_hour WHERE store_id = ?1";
    let (first, last): (Option<i64>, Option<i64>) =
        all.prepare_cached(sql)?.query_row([store_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(kept), Some(first), Some(last)) = (kept, first, last) else { return Ok(()) };
    let mut clock = StoreClock::load(all, store_id)?;
    let oldest = hour_at(&mut clock, kept);
    // Of an hour that has older ones before it, some minutes may be gone already.
    let oldest = if first < oldest.start_minute { oldest.end_minute } else { first.min(oldest.start_minute) };
    // The hour that the change lies in had minutes of both sides.
    let from = hour_at(&mut clock, from_minute - 1).start_minute.max(oldest);
    let days = "SELECT DISTINCT business_day FROM store_hour WHERE store_id = ?1 AND hour >= ?2";
    let days: BTreeSet<i64> = all
        .prepare_cached(days)?
        .query_map((store_id, from), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    minutes::hours_anew(all, &mut clock, store_id, from)?;
    sensors::hours_anew(all, &mut clock, store_id, from)?;
    sales_anew(all, &mut clock, store_id, from)?;
    all.prepare_cached("DELETE FROM store_hour WHERE store_id = ?1 AND hour >= ?2")?
        .execute((store_id, from))?;
    let mut hours: BTreeSet<i64> =
        open_hours(&mut clock, from, last + 1).into_iter().map(|hour| hour.start_minute).collect();
    let told = "SELECT hour FROM line JOIN line_hour USING (line_id) WHERE store_id = ?1 AND hour >= ?2
        UNION SELECT hour FROM zone JOIN zone_hour USING (zone_id) WHERE store_id = ?1 AND hour >= ?2
        UNION SELECT hour FROM sale WHERE store_id = ?1 AND hour >= ?2";
    let mut told = all.prepare_cached(told)?;
    for hour in told.query_map((store_id, from), |row| row.get(0))? {
        hours.insert(hour?);
    }
    touch_hours(all, store_id, &hours)?;
    // Also days that have no hour any more.
    touch_days(all, store_id, &days)
}

/// Sales keep their time, and get the hour and day that it lies in now.
fn sales_anew(
    all: &Transaction<'_>,
    clock: &mut StoreClock,
    store_id: i64,
    from_minute: i64,
) -> rusqlite::Result<()> {
    let sql = "SELECT id, at_ms FROM sale WHERE store_id = ?1 AND at_ms >= ?2";
    let sales: Vec<(String, i64)> = all
        .prepare_cached(sql)?
        .query_map((store_id, from_minute * MINUTE_MS), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let sql = "UPDATE sale SET hour = ?3, business_day = ?4 WHERE store_id = ?1 AND id = ?2";
    let mut update = all.prepare_cached(sql)?;
    for (id, at_ms) in sales {
        let hour = clock.hour_of(WallTime::from_unix_ms(at_ms));
        update.execute((store_id, id, hour.start_minute, hour.business_day))?;
    }
    Ok(())
}

const STORE_DAY: &str = "INSERT INTO store_day SELECT store_id, business_day, sum(open_ms), sum(entries), sum(exits),
    sum(staff_entries), sum(reentries), sum(passersby), sum(zone_visits), sum(engaged), sum(queued), sum(transactions),
    sum(sales_minor), sum(refunds_minor), sum(units), sum(with_units), sum(on_duty_ms), sum(seen_ms), sum(passersby_seen_ms),
    sum(open_ms) > 0 AND sum(seen_ms) >= sum(open_ms) * (SELECT least_coverage FROM store WHERE store_id = ?1),
    count(*) FILTER (WHERE open_ms > 0), count(*) FILTER (WHERE open_ms > 0 AND NOT complete),
    sum(entries - staff_entries - reentries) FILTER (WHERE complete AND transactions IS NOT NULL),
    sum(transactions) FILTER (WHERE complete), sum(sales_minor) FILTER (WHERE complete),
    sum(refunds_minor) FILTER (WHERE complete),
    sum(entries) FILTER (WHERE complete AND passersby IS NOT NULL AND 1.0 * passersby_seen_ms / open_ms
      >= (SELECT least_coverage FROM store WHERE store_id = ?1)),
    sum(passersby) FILTER (WHERE complete AND 1.0 * passersby_seen_ms / open_ms
      >= (SELECT least_coverage FROM store WHERE store_id = ?1)),
    sum(entries - staff_entries - reentries) FILTER (WHERE complete AND on_duty_ms IS NOT NULL),
    sum(on_duty_ms) FILTER (WHERE complete)
  FROM store_hour INDEXED BY store_hour_by_day WHERE store_id = ?1 AND business_day = ?2 GROUP BY store_id, business_day";

const ZONE_DAY: &str =
    "INSERT INTO zone_day SELECT zone_id, ?2, sum(visits), sum(engaged), sum(staff_visits),
    sum(person_ms), sum(staff_person_ms), sum(open_seen_ms), ?5
  FROM zone JOIN zone_hour USING (zone_id)
  WHERE store_id = ?1 AND hour BETWEEN ?3 AND ?4 AND business_day = ?2 GROUP BY zone_id";

/// Makes a store's business days (days since 1970-01-01) anew from their hours.
///
/// # Errors
/// What SQLite says.
pub(in crate::hq) fn touch_days(
    all: &Transaction<'_>,
    store_id: i64,
    days: &BTreeSet<i64>,
) -> rusqlite::Result<()> {
    for day in days {
        let of_day = (store_id, *day);
        all.prepare_cached("DELETE FROM store_day WHERE store_id = ?1 AND business_day = ?2")?
            .execute(of_day)?;
        all.prepare_cached(STORE_DAY)?.execute(of_day)?;
        let sql = "DELETE FROM zone_day WHERE business_day = ?2 AND zone_id IN (SELECT zone_id FROM zone WHERE store_id = ?1)";
        all.prepare_cached(sql)?.execute(of_day)?;
        let sql = "SELECT min(hour), max(hour), coalesce(sum(open_ms), 0)
            FROM store_hour INDEXED BY store_hour_by_day WHERE store_id = ?1 AND business_day = ?2";
        let (first, last, open_ms): (Option<i64>, Option<i64>, i64) =
            all.prepare_cached(sql)?.query_row(of_day, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        if let (Some(first), Some(last)) = (first, last) {
            all.prepare_cached(ZONE_DAY)?.execute((store_id, *day, first, last, open_ms))?;
        }
    }
    Ok(())
}
