//! Hours and days of stores, and what is known of a store beside its name.

use crate::hq::report::figures::{Bought, Captured, Rated, Served, Sums, Till};
use rusqlite::{Connection, OptionalExtension as _, Row};

/// Columns of [`read`], in its order. A macro, because `concat!` takes no constant.
macro_rules! sums {
    () => {
        "open_ms, entries, staff_entries, reentries, passersby, zone_visits, engaged, queued, transactions, sales_minor,
         refunds_minor, units, with_units, on_duty_ms, seen_ms, passersby_seen_ms, complete"
    };
}

/// Rows of a store's days: from, to.
pub(super) const DAYS: &str = concat!(
    "SELECT ",
    sums!(),
    ", business_day, hours - incomplete_hours, ok_till_visitors, ok_transactions, ok_sales_minor, ok_refunds_minor,
     ok_street_entries, ok_passersby, ok_staff_visitors, ok_on_duty_ms
     FROM store_day WHERE store_id = ?1 AND business_day BETWEEN ?2 AND ?3 ORDER BY business_day"
);

/// Rows of a store's hours: from day, to day.
pub(super) const HOURS: &str = concat!(
    "SELECT ",
    sums!(),
    ", business_day, local_hour, hour FROM store_hour INDEXED BY store_hour_by_day
     WHERE store_id = ?1 AND business_day BETWEEN ?2 AND ?3 ORDER BY hour"
);

pub(super) const NEWEST: &str = "SELECT business_day FROM store_day WHERE store_id = ?1 AND business_day <= ?2 ORDER BY business_day DESC LIMIT 1";

pub(super) const FACTS: &str = "SELECT least_coverage, calendar,
    (SELECT time_zone FROM store_clock WHERE store_clock.store_id = store.store_id ORDER BY from_ms DESC LIMIT 1),
    (SELECT day_begins FROM store_clock WHERE store_clock.store_id = store.store_id ORDER BY from_ms DESC LIMIT 1)
  FROM store WHERE store_id = ?1";

/// An hour of a store.
#[derive(Debug, Clone, Copy)]
pub(in crate::hq) struct HourRow {
    pub(in crate::hq) sums: Sums,
    pub(in crate::hq) business_day: i64,
    pub(in crate::hq) local_hour: u8,
    /// The UTC minute in which it begins.
    pub(in crate::hq) start_minute: i64,
}

/// What the reports need to know of a store beside its name.
#[derive(Debug, Clone)]
pub(in crate::hq) struct Facts {
    pub(in crate::hq) least_coverage: f64,
    /// `iso` or `4-5-4`.
    pub(in crate::hq) calendar: String,
    pub(in crate::hq) time_zone: String,
    pub(in crate::hq) day_begins: String,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Sums> {
    let till = match row.get::<_, Option<i64>>(8)? {
        None => None,
        Some(transactions) => Some(Till {
            transactions,
            sales_minor: row.get::<_, Option<i64>>(9)?.unwrap_or(0),
            refunds_minor: row.get::<_, Option<i64>>(10)?.unwrap_or(0),
            units: row.get::<_, Option<i64>>(11)?.unwrap_or(0),
            with_units: row.get::<_, Option<i64>>(12)?.unwrap_or(0),
        }),
    };
    Ok(Sums {
        open_ms: row.get(0)?,
        entries: row.get(1)?,
        staff_entries: row.get(2)?,
        reentries: row.get(3)?,
        passersby: row.get(4)?,
        zone_visits: row.get(5)?,
        engaged: row.get(6)?,
        queued: row.get(7)?,
        till,
        on_duty_ms: row.get(13)?,
        seen_ms: row.get(14)?,
        passersby_seen_ms: row.get(15)?,
        complete: row.get(16)?,
        rated: None,
    })
}

/// Of a day, what its rates are worked out from.
fn rated(row: &Row<'_>) -> rusqlite::Result<Rated> {
    let known = |at: usize| row.get::<_, Option<i64>>(at);
    let bought = match (known(19)?, known(20)?) {
        (Some(visitors), Some(transactions)) => Some(Bought {
            visitors,
            transactions,
            sales_minor: known(21)?.unwrap_or(0),
            refunds_minor: known(22)?.unwrap_or(0),
        }),
        _ => None,
    };
    let captured = known(23)?.zip(known(24)?);
    let served = known(25)?.zip(known(26)?);
    Ok(Rated {
        complete_hours: row.get(18)?,
        bought,
        captured: captured.map(|(entries, passersby)| Captured { entries, passersby }),
        served: served.map(|(visitors, on_duty_ms)| Served { visitors, on_duty_ms }),
    })
}

/// A store's days from one to another, both included.
pub(in crate::hq) fn days(
    ask: &Connection,
    store_id: i64,
    (from, to): (i64, i64),
) -> rusqlite::Result<Vec<(i64, Sums)>> {
    let mut select = ask.prepare_cached(DAYS)?;
    let day = |row: &Row<'_>| Ok((row.get(17)?, Sums { rated: Some(rated(row)?), ..read(row)? }));
    select.query_map((store_id, from, to), day)?.collect()
}

/// A store's hours of the days from one to another, both included.
pub(in crate::hq) fn hours(
    ask: &Connection,
    store_id: i64,
    (from, to): (i64, i64),
) -> rusqlite::Result<Vec<HourRow>> {
    let mut select = ask.prepare_cached(HOURS)?;
    let rows = select.query_map((store_id, from, to), |row| {
        Ok(HourRow {
            sums: read(row)?,
            business_day: row.get(17)?,
            local_hour: row.get(18)?,
            start_minute: row.get(19)?,
        })
    })?;
    rows.collect()
}

/// The last day that a store has, up to one.
pub(in crate::hq) fn newest_day(
    ask: &Connection,
    store_id: i64,
    up_to: i64,
) -> rusqlite::Result<Option<i64>> {
    ask.prepare_cached(NEWEST)?.query_row((store_id, up_to), |row| row.get(0)).optional()
}

/// What is known of a store.
pub(in crate::hq) fn facts(ask: &Connection, store_id: i64) -> rusqlite::Result<Facts> {
    ask.prepare_cached(FACTS)?.query_row([store_id], |row| {
        Ok(Facts {
            least_coverage: row.get(0)?,
            calendar: row.get(1)?,
            time_zone: row.get::<_, Option<String>>(2)?.unwrap_or_else(|| "UTC".to_owned()),
            day_begins: row.get::<_, Option<String>>(3)?.unwrap_or_else(|| "00:00".to_owned()),
        })
    })
}

/// A store's opening hours and holidays, as the register has them (JSON).
pub(in crate::hq) fn written_hours(ask: &Connection, store_id: i64) -> rusqlite::Result<String> {
    ask.prepare_cached("SELECT hours FROM store WHERE store_id = ?1")?.query_row([store_id], |row| row.get(0))
}

/// A store's cameras: box, camera, title.
pub(in crate::hq) fn cameras(ask: &Connection, store_id: i64) -> rusqlite::Result<Vec<[String; 3]>> {
    let sql = "SELECT box.name, camera.name, camera.title FROM box JOIN camera USING (box_id)
        WHERE box.store_id = ?1 ORDER BY box.name, camera.name";
    let mut select = ask.prepare_cached(sql)?;
    select.query_map([store_id], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?.collect()
}
