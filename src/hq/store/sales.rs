//! Sales, web orders and shifts: each kept once under its id, with the hours and days that follow from them.
//!
//! A transaction that comes again is the same or a correction: what differs replaces what was there, and every hour that
//! either of the two touches is made anew, also that of a sale which is voided now or no longer is.

use super::clock::StoreClock;
use super::{aside, rollup};
use crate::hq::sales::{Put, Sale, WebOrder};
use crate::site::Shift;
use crate::site::till::{Rejected, Transaction as Basket, TransactionLine};
use crate::time::{MINUTE_MS, WallTime};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::BTreeSet;

/// What sums follow from a change: hours by any minute of them, and business days.
#[derive(Debug, Default)]
struct Touched {
    hours: BTreeSet<i64>,
    days: BTreeSet<i64>,
}

impl Touched {
    fn sale(&mut self, at_ms: i64, business_day: i64) {
        self.hours.insert(at_ms.div_euclid(MINUTE_MS));
        self.days.insert(business_day);
    }
}

/// Keeps transactions of a store, and makes anew what is summed from them.
///
/// # Errors
/// What SQLite says.
pub(in crate::hq) fn put_sales(
    all: &Transaction<'_>,
    clock: &mut StoreClock,
    store_id: i64,
    sales: &[Sale],
) -> rusqlite::Result<Put> {
    let (mut done, mut touched) = (Put::default(), Touched::default());
    for sale in sales {
        let basket = &sale.transaction;
        let known = known_sale(all, store_id, &basket.id)?;
        if known.as_ref().is_some_and(|known| known.is(sale)) {
            done.duplicates += 1;
            continue;
        }
        match &known {
            Some(_) => done.replaced += 1,
            None => done.accepted += 1,
        }
        let before = known.as_ref().map(|known| (known.at_ms, known.business_day));
        let voided_before = known.and_then(|known| known.voids);
        for voided in voided_before.iter().chain(&basket.voids) {
            if let Some((at_ms, day)) = time_of(all, store_id, voided)? {
                touched.sale(at_ms, day);
            }
        }
        let hour = clock.hour_of(basket.at);
        if let Some((at_ms, day)) = before {
            touched.sale(at_ms, day);
        }
        touched.sale(basket.at.unix_ms(), hour.business_day);
        insert_sale(all, store_id, sale, (hour.start_minute, hour.business_day))?;
    }
    rollup::touch_hours_by(all, clock, store_id, &touched.hours)?;
    for day in &touched.days {
        remake_items(all, store_id, *day)?;
    }
    Ok(done)
}

/// A sale as it is stored.
struct KnownSale {
    at_ms: i64,
    business_day: i64,
    what: String,
    amount_minor: i64,
    currency: String,
    units: Option<i64>,
    voids: Option<String>,
    lines: Vec<TransactionLine>,
}

impl KnownSale {
    fn is(&self, sale: &Sale) -> bool {
        let Basket { at, what, amount_minor, lines, voids, .. } = &sale.transaction;
        self.at_ms == at.unix_ms()
            && self.what == what.name()
            && self.amount_minor == *amount_minor
            && self.currency == sale.currency
            && self.units == units_of(&sale.transaction)
            && self.voids == *voids
            && self.lines == *lines
    }
}

fn units_of(basket: &Basket) -> Option<i64> {
    basket.units().map(|units| i64::try_from(units).unwrap_or(i64::MAX))
}

fn known_sale(all: &Connection, store_id: i64, id: &str) -> rusqlite::Result<Option<KnownSale>> {
    let sql = "SELECT at_ms, business_day, what, amount_minor, currency, units, voids FROM sale
               WHERE store_id = ?1 AND id = ?2";
    let known = all.prepare_cached(sql)?.query_row(params![store_id, id], |row| {
        Ok(KnownSale {
            at_ms: row.get(0)?,
            business_day: row.get(1)?,
            what: row.get(2)?,
            amount_minor: row.get(3)?,
            currency: row.get(4)?,
            units: row.get(5)?,
            voids: row.get(6)?,
            lines: Vec::new(),
        })
    });
    let Some(mut known) = known.optional()? else { return Ok(None) };
    let sql = "SELECT item, category, quantity_milli, amount_minor FROM sale_line
               WHERE store_id = ?1 AND id = ?2 ORDER BY line";
    let line = |row: &rusqlite::Row<'_>| {
        Ok(TransactionLine {
            item: row.get(0)?,
            category: row.get(1)?,
            quantity_milli: row.get(2)?,
            amount_minor: row.get(3)?,
        })
    };
    known.lines =
        all.prepare_cached(sql)?.query_map(params![store_id, id], line)?.collect::<rusqlite::Result<_>>()?;
    Ok(Some(known))
}

fn time_of(all: &Connection, store_id: i64, id: &str) -> rusqlite::Result<Option<(i64, i64)>> {
    let sql = "SELECT at_ms, business_day FROM sale WHERE store_id = ?1 AND id = ?2";
    all.prepare_cached(sql)?.query_row(params![store_id, id], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

fn insert_sale(
    all: &Transaction<'_>,
    store_id: i64,
    sale: &Sale,
    (hour, business_day): (i64, i64),
) -> rusqlite::Result<()> {
    let Basket { id, at, what, amount_minor, lines, voids, .. } = &sale.transaction;
    let sql = "INSERT OR REPLACE INTO sale
                 (store_id, id, at_ms, hour, business_day, what, amount_minor, currency, units, voids, source)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    all.prepare_cached(sql)?.execute(params![
        store_id,
        id,
        at.unix_ms(),
        hour,
        business_day,
        what.name(),
        amount_minor,
        sale.currency,
        units_of(&sale.transaction),
        voids,
        sale.source
    ])?;
    let sql = "DELETE FROM sale_line WHERE store_id = ?1 AND id = ?2";
    all.prepare_cached(sql)?.execute(params![store_id, id])?;
    let mut insert = all.prepare_cached("INSERT INTO sale_line VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for (number, line) in (1_i64..).zip(lines) {
        let TransactionLine { item, category, quantity_milli, amount_minor } = line;
        insert.execute(params![store_id, id, number, item, category, quantity_milli, amount_minor])?;
    }
    Ok(())
}

const ITEM_DAY: &str = "INSERT INTO item_day
  SELECT ?1, ?2, coalesce(category, ''), coalesce(item, ''),
         count(DISTINCT sale.id) FILTER (WHERE what = 'sale'),
         sum(CASE what WHEN 'sale' THEN quantity_milli ELSE -abs(quantity_milli) END),
         sum(CASE what WHEN 'sale' THEN sale_line.amount_minor ELSE -abs(sale_line.amount_minor) END)
  FROM sale INDEXED BY sale_by_day CROSS JOIN sale_line USING (store_id, id)
  WHERE sale.store_id = ?1 AND business_day = ?2 AND what IN ('sale', 'refund')
    AND NOT EXISTS (SELECT 1 FROM sale AS void INDEXED BY sale_voided
                    WHERE void.store_id = ?1 AND void.voids = sale.id AND void.what = 'void')
  GROUP BY 3, 4";

/// What was sold by item on a day, made anew.
pub(super) fn remake_items(all: &Transaction<'_>, store_id: i64, day: i64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM item_day WHERE store_id = ?1 AND business_day = ?2";
    all.prepare_cached(sql)?.execute(params![store_id, day])?;
    all.prepare_cached(ITEM_DAY)?.execute(params![store_id, day])?;
    Ok(())
}

/// Puts sales into the hours and days that they belong to by a clock which changed at `since_ms`.
///
/// # Errors
/// What SQLite says.
pub(in crate::hq) fn sort_anew(
    all: &Transaction<'_>,
    clock: &mut StoreClock,
    store_id: i64,
    since_ms: i64,
) -> rusqlite::Result<()> {
    let sql = "SELECT id, at_ms, hour, business_day FROM sale WHERE store_id = ?1 AND at_ms >= ?2";
    let sales: Vec<(String, i64, i64, i64)> = all
        .prepare_cached(sql)?
        .query_map((store_id, since_ms), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut days = BTreeSet::new();
    let mut update =
        all.prepare_cached("UPDATE sale SET hour = ?3, business_day = ?4 WHERE store_id = ?1 AND id = ?2")?;
    for (id, at_ms, hour, day) in sales {
        let now = clock.hour_of(WallTime::from_unix_ms(at_ms));
        if (now.start_minute, now.business_day) != (hour, day) {
            update.execute(params![store_id, id, now.start_minute, now.business_day])?;
            days.extend([day, now.business_day]);
        }
    }
    days.into_iter().try_for_each(|day| remake_items(all, store_id, day))
}

/// Keeps orders of the web shop.
///
/// # Errors
/// What SQLite says.
pub(in crate::hq) fn put_web_orders(
    all: &Transaction<'_>,
    tenant_id: i64,
    orders: &[WebOrder],
) -> rusqlite::Result<Put> {
    let mut done = Put::default();
    for order in orders {
        let Basket { id, at, what, amount_minor, lines, voids, .. } = &order.transaction;
        let lines = lines_json(lines);
        let values = params![
            tenant_id,
            id,
            at.unix_ms(),
            what.name(),
            amount_minor,
            order.currency,
            units_of(&order.transaction),
            order.store_id,
            voids,
            lines
        ];
        let same = "SELECT at_ms = ?3 AND what = ?4 AND amount_minor = ?5 AND currency = ?6 AND units IS ?7
                           AND store_id IS ?8 AND voids IS ?9 AND lines = ?10
                    FROM web_order WHERE tenant_id = ?1 AND id = ?2";
        let same: Option<bool> = all.prepare_cached(same)?.query_row(values, |row| row.get(0)).optional()?;
        match same {
            Some(true) => {
                done.duplicates += 1;
                continue;
            }
            Some(false) => done.replaced += 1,
            None => done.accepted += 1,
        }
        let sql = "INSERT OR REPLACE INTO web_order
                     (tenant_id, id, at_ms, what, amount_minor, currency, units, store_id, voids, lines)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        all.prepare_cached(sql)?.execute(values)?;
    }
    Ok(done)
}

fn lines_json(lines: &[TransactionLine]) -> String {
    let line = |line: &TransactionLine| {
        serde_json::json!({
            "item": line.item, "category": line.category,
            "quantity_milli": line.quantity_milli, "amount_minor": line.amount_minor,
        })
    };
    serde_json::Value::Array(lines.iter().map(line).collect()).to_string()
}

/// Keeps shifts of a store, and makes anew the hours that they reach into.
///
/// # Errors
/// What SQLite says.
pub(in crate::hq) fn put_shifts(
    all: &Transaction<'_>,
    clock: &mut StoreClock,
    store_id: i64,
    (shifts, source): (&[Shift], &str),
) -> rusqlite::Result<Put> {
    let (mut done, mut hours) = (Put::default(), BTreeSet::new());
    for shift in shifts {
        let known: Option<(i64, i64, i64)> = all
            .prepare_cached("SELECT from_ms, to_ms, worked_ms FROM shift WHERE store_id = ?1 AND id = ?2")?
            .query_row(params![store_id, shift.id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let worked_ms = i64::try_from(shift.worked.as_millis()).unwrap_or(i64::MAX);
        let row = (shift.span.start.unix_ms(), shift.span.end.unix_ms(), worked_ms);
        match known {
            Some(known) if known == row => {
                done.duplicates += 1;
                continue;
            }
            Some((from_ms, to_ms, _)) => {
                done.replaced += 1;
                hours.extend(hours_within(clock, from_ms, to_ms));
            }
            None => done.accepted += 1,
        }
        hours.extend(hours_within(clock, row.0, row.1));
        let sql = "INSERT OR REPLACE INTO shift (store_id, id, from_ms, to_ms, worked_ms, source)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        all.prepare_cached(sql)?.execute(params![store_id, shift.id, row.0, row.1, row.2, source])?;
    }
    rollup::touch_hours_by(all, clock, store_id, &hours)?;
    Ok(done)
}

/// A shift has at most 48 hours, so this is short.
fn hours_within(clock: &mut StoreClock, from_ms: i64, to_ms: i64) -> Vec<i64> {
    let (mut minute, last) = (from_ms.div_euclid(MINUTE_MS), (to_ms - 1).div_euclid(MINUTE_MS));
    let mut hours = Vec::new();
    while minute <= last {
        let hour = clock.hour_of(WallTime::from_unix_ms(minute * MINUTE_MS));
        hours.push(hour.start_minute);
        minute = hour.end_minute;
    }
    hours
}

/// A store, as far as a feed of it must be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct FeedStore {
    pub(in crate::hq) store_id: i64,
    pub(in crate::hq) region_id: Option<i64>,
    pub(in crate::hq) currency: String,
    pub(in crate::hq) decimals: u8,
    pub(in crate::hq) time_zone: String,
}

/// The row of an owner.
pub(in crate::hq) fn tenant(ask: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    ask.prepare_cached("SELECT tenant_id FROM tenant WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// A store of an owner that is not retired.
pub(in crate::hq) fn feed_store(
    ask: &Connection,
    tenant_id: i64,
    name: &str,
) -> rusqlite::Result<Option<FeedStore>> {
    let sql = "SELECT store_id, region_id, currency, decimals,
                 (SELECT time_zone FROM store_clock c WHERE c.store_id = store.store_id ORDER BY from_ms DESC LIMIT 1)
               FROM store WHERE tenant_id = ?1 AND name = ?2 AND retired_ms IS NULL";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(FeedStore {
            store_id: row.get(0)?,
            region_id: row.get(1)?,
            currency: row.get(2)?,
            decimals: row.get(3)?,
            time_zone: row.get::<_, Option<String>>(4)?.unwrap_or_else(|| "UTC".to_owned()),
        })
    };
    ask.prepare_cached(sql)?.query_row(params![tenant_id, name], read).optional()
}

/// Shows a row of a feed that was put aside among all that could not be read.
///
/// # Errors
/// What SQLite says.
pub(in crate::hq) fn put_row_aside(
    all: &Transaction<'_>,
    feed: &str,
    rejected: &Rejected,
    at: WallTime,
) -> rusqlite::Result<()> {
    let reason = format!("row {}: {}", rejected.row, rejected.fault);
    let payload = rejected.excerpt.as_bytes();
    aside::put(all, aside::Aside { at, topic: feed, box_id: None, reason: &reason, payload })
}
