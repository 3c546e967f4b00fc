//! What was sold, whichever way it came: one row a transaction, by the till's own id.

use super::clock::StoreClock;
use super::rollup;
use crate::time::WallTime;
use rusqlite::{OptionalExtension as _, Transaction, params};
use std::collections::BTreeSet;

/// A transaction of a till.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sale {
    /// The till's own id.
    pub id: String,
    /// When it was rung up.
    pub at: WallTime,
    /// `sale`, `refund`, `void`, `training` or `pickup`.
    pub what: String,
    /// In the currency's smallest unit; never below zero.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Units, where the till says.
    pub units: Option<i64>,
    /// The transaction that a void takes back.
    pub voids: Option<String>,
    /// `box:NAME`, `csv`, `http` or `mqtt`.
    pub source: String,
    /// Its lines, where the till gives them.
    pub lines: Vec<SaleLine>,
}

/// A line of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaleLine {
    /// What the till calls the item.
    pub item: Option<String>,
    /// What it calls the item's kind.
    pub category: Option<String>,
    /// Thousandths.
    pub quantity_milli: i64,
    /// In the currency's smallest unit.
    pub amount_minor: i64,
}

/// Keeps what is new, and makes the hours anew that it belongs to. The first of an id is kept.
///
/// # Errors
/// What SQLite says.
pub(in crate::hq) fn put_sales(
    all: &Transaction<'_>,
    store_id: i64,
    sales: Vec<Sale>,
) -> rusqlite::Result<()> {
    let mut clock = StoreClock::load(all, store_id)?;
    let mut hours = BTreeSet::new();
    let insert = "INSERT OR IGNORE INTO sale VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let insert_line = "INSERT OR IGNORE INTO sale_line VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    for sale in sales {
        let hour = clock.hour_of(sale.at);
        let Sale { id, at, what, amount_minor, currency, units, voids, source, lines } = &sale;
        let (start, day) = (hour.start_minute, hour.business_day);
        let row = params![
            store_id,
            id,
            at.unix_ms(),
            start,
            day,
            what,
            amount_minor,
            currency,
            units,
            voids,
            source
        ];
        if all.prepare_cached(insert)?.execute(row)? == 0 {
            continue;
        }
        hours.insert(start);
        for (number, line) in (0_i64..).zip(lines) {
            let SaleLine { item, category, quantity_milli, amount_minor } = line;
            let row = params![store_id, id, number, item, category, quantity_milli, amount_minor];
            all.prepare_cached(insert_line)?.execute(row)?;
        }
        if let Some(voided) = voids {
            let sql = "SELECT hour FROM sale WHERE store_id = ?1 AND id = ?2";
            let hour: Option<i64> =
                all.prepare_cached(sql)?.query_row((store_id, voided), |row| row.get(0)).optional()?;
            hours.extend(hour);
        }
    }
    rollup::touch_hours_by(all, &mut clock, store_id, &hours)
}
