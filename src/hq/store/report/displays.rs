//! Displays, the days of their zones, and what was sold of what they show.

use rusqlite::{Connection, OptionalExtension as _, Row};

/// A display, with the store that it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct DisplayRow {
    pub(in crate::hq) display_id: i64,
    pub(in crate::hq) store_id: i64,
    pub(in crate::hq) zone_id: i64,
    pub(in crate::hq) name: String,
    pub(in crate::hq) title: String,
    pub(in crate::hq) zone: String,
    pub(in crate::hq) category: Option<String>,
    /// JSON list.
    pub(in crate::hq) items: String,
    pub(in crate::hq) from_day: i64,
    pub(in crate::hq) to_day: Option<i64>,
}

/// A zone's business day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hq) struct ZoneDay {
    pub(in crate::hq) business_day: i64,
    /// Without staff's.
    pub(in crate::hq) visits: i64,
    pub(in crate::hq) engaged: i64,
    pub(in crate::hq) person_ms: i64,
    pub(in crate::hq) seen_ms: i64,
    pub(in crate::hq) open_ms: i64,
}

pub(super) const OF_STORE: &str =
    "SELECT display_id, display.store_id, zone_id, display.name, display.title, zone.name,
    category, items, from_day, to_day FROM display JOIN zone USING (zone_id)
  WHERE display.store_id = ?1 ORDER BY display.name, from_day";

pub(super) const ONE: &str =
    "SELECT display_id, display.store_id, zone_id, display.name, display.title, zone.name,
    category, items, from_day, to_day FROM display JOIN zone USING (zone_id) WHERE display_id = ?1";

pub(super) const ZONE_DAYS: &str =
    "SELECT business_day, max(visits - staff_visits, 0), min(engaged, max(visits - staff_visits, 0)),
    person_ms, open_seen_ms, open_ms FROM zone_day WHERE zone_id = ?1 AND business_day BETWEEN ?2 AND ?3";

pub(super) const SOLD: &str = "SELECT business_day, sum(amount_minor) FROM item_day
  WHERE store_id = ?1 AND business_day BETWEEN ?2 AND ?3
    AND (category = ?4 OR item <> '' AND item IN (SELECT value FROM json_each(?5))) GROUP BY business_day";

/// A store's displays, also former ones.
pub(in crate::hq) fn of_store(ask: &Connection, store_id: i64) -> rusqlite::Result<Vec<DisplayRow>> {
    ask.prepare_cached(OF_STORE)?.query_map([store_id], display)?.collect()
}

/// A display by its number.
pub(in crate::hq) fn one(ask: &Connection, display_id: i64) -> rusqlite::Result<Option<DisplayRow>> {
    ask.prepare_cached(ONE)?.query_row([display_id], display).optional()
}

/// The days of a zone, from one to another, both included.
pub(in crate::hq) fn zone_days(
    ask: &Connection,
    zone_id: i64,
    (from, to): (i64, i64),
) -> rusqlite::Result<Vec<ZoneDay>> {
    let mut select = ask.prepare_cached(ZONE_DAYS)?;
    let rows = select.query_map((zone_id, from, to), |row| {
        Ok(ZoneDay {
            business_day: row.get(0)?,
            visits: row.get(1)?,
            engaged: row.get(2)?,
            person_ms: row.get(3)?,
            seen_ms: row.get(4)?,
            open_ms: row.get(5)?,
        })
    })?;
    rows.collect()
}

/// What was sold by day of a display's category and items, in the currency's smallest unit; days without any are not there.
pub(in crate::hq) fn sold(
    ask: &Connection,
    display: &DisplayRow,
    (from, to): (i64, i64),
) -> rusqlite::Result<Vec<(i64, i64)>> {
    let category = display.category.as_deref().unwrap_or("\0");
    let mut select = ask.prepare_cached(SOLD)?;
    let rows = select.query_map((display.store_id, from, to, category, &display.items), |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    rows.collect()
}

fn display(row: &Row<'_>) -> rusqlite::Result<DisplayRow> {
    Ok(DisplayRow {
        display_id: row.get(0)?,
        store_id: row.get(1)?,
        zone_id: row.get(2)?,
        name: row.get(3)?,
        title: row.get(4)?,
        zone: row.get(5)?,
        category: row.get(6)?,
        items: row.get(7)?,
        from_day: row.get(8)?,
        to_day: row.get(9)?,
    })
}
