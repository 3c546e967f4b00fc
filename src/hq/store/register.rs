//! The register's rows: tenants, regions, stores with their clocks, boxes, what their cameras look at, and displays.
//!
//! Every `put_` compares first and writes only what differs, so that a register applied twice writes nothing the second time.

use super::clock::{StoreClock, WrittenHoliday, WrittenHours};
use super::rollup;
use crate::calendar::{Day, TimeOfDay, Zone};
use crate::hq::register::{Clock, Display, Region, RegisteredCamera, RegisteredStore, Tenant, ZonePlace};
use crate::ids::{BoxId, DisplayId, LineId, ZoneId};
use crate::time::{MINUTE_MS, WallTime};
use rusqlite::{OptionalExtension, Transaction, params};
use std::collections::BTreeSet;

/// The transaction in which a register is applied.
pub(in crate::hq) type Changing<'a> = Transaction<'a>;

/// What putting a row did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) enum Put {
    /// It was not there, or was retired.
    Added,
    /// These fields differed.
    Changed(Vec<&'static str>),
    /// It was there, and the same.
    Same,
}

/// Statements for a thing that has an owner, a name and a title. `?1` owner, `?2` name or row, `?3` title.
struct Titled {
    find: &'static str,
    insert: &'static str,
    update: &'static str,
}

const TENANT: Titled = Titled {
    find: "SELECT tenant_id, title FROM tenant WHERE name = ?2 AND ?1 = 0",
    insert: "INSERT INTO tenant (name, title) SELECT ?2, ?3 WHERE ?1 = 0",
    update: "UPDATE tenant SET title = ?2 WHERE tenant_id = ?1",
};
const REGION: Titled = Titled {
    find: "SELECT region_id, title FROM region WHERE tenant_id = ?1 AND name = ?2",
    insert: "INSERT INTO region (tenant_id, name, title) VALUES (?1, ?2, ?3)",
    update: "UPDATE region SET title = ?2 WHERE region_id = ?1",
};
const CAMERA: Titled = Titled {
    find: "SELECT camera_id, title FROM camera WHERE box_id = ?1 AND name = ?2",
    insert: "INSERT INTO camera (box_id, name, title) VALUES (?1, ?2, ?3)",
    update: "UPDATE camera SET title = ?2 WHERE camera_id = ?1",
};
/// What a line is for its box says, with the line's first minute; until then it has counted nothing.
const LINE: Titled = Titled {
    find: "SELECT line_id, title FROM line WHERE camera_id = ?1 AND name = ?2",
    insert: "INSERT INTO line (camera_id, store_id, name, title, role)
             SELECT ?1, store_id, ?2, ?3, 'door' FROM camera JOIN box USING (box_id) WHERE camera_id = ?1",
    update: "UPDATE line SET title = ?2 WHERE line_id = ?1",
};
/// Whether people queue in a zone its box says, likewise.
const ZONE: Titled = Titled {
    find: "SELECT zone_id, title FROM zone WHERE camera_id = ?1 AND name = ?2",
    insert: "INSERT INTO zone (camera_id, store_id, name, title, is_queue)
             SELECT ?1, store_id, ?2, ?3, 0 FROM camera JOIN box USING (box_id) WHERE camera_id = ?1",
    update: "UPDATE zone SET title = ?2 WHERE zone_id = ?1",
};

impl Titled {
    fn put(
        &self,
        all: &Transaction<'_>,
        owner: i64,
        name: &str,
        title: &str,
    ) -> rusqlite::Result<(i64, Put)> {
        let found: Option<(i64, String)> = all
            .prepare_cached(self.find)?
            .query_row(params![owner, name], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((id, had)) = found else {
            all.prepare_cached(self.insert)?.execute(params![owner, name, title])?;
            return Ok((all.last_insert_rowid(), Put::Added));
        };
        if had == title {
            return Ok((id, Put::Same));
        }
        all.prepare_cached(self.update)?.execute(params![id, title])?;
        Ok((id, Put::Changed(vec!["title"])))
    }
}

/// Puts an owner of stores.
pub(in crate::hq) fn put_tenant(all: &Transaction<'_>, tenant: &Tenant) -> rusqlite::Result<(i64, Put)> {
    TENANT.put(all, 0, tenant.id.as_str(), &tenant.title)
}

/// Puts a region.
pub(in crate::hq) fn put_region(
    all: &Transaction<'_>,
    tenant: i64,
    region: &Region,
) -> rusqlite::Result<(i64, Put)> {
    REGION.put(all, tenant, region.id.as_str(), &region.title)
}

/// Puts a camera.
pub(in crate::hq) fn put_camera(
    all: &Transaction<'_>,
    of_box: i64,
    camera: &RegisteredCamera,
) -> rusqlite::Result<(i64, Put)> {
    CAMERA.put(all, of_box, camera.id.as_str(), &camera.title)
}

/// Puts a line.
pub(in crate::hq) fn put_line(
    all: &Transaction<'_>,
    camera: i64,
    line: &LineId,
    title: &str,
) -> rusqlite::Result<Put> {
    Ok(LINE.put(all, camera, line.as_str(), title)?.1)
}

/// Puts a zone.
pub(in crate::hq) fn put_zone(
    all: &Transaction<'_>,
    camera: i64,
    zone: &ZoneId,
    title: &str,
) -> rusqlite::Result<Put> {
    Ok(ZONE.put(all, camera, zone.as_str(), title)?.1)
}

/// A store's fields as the database has them, in the order of [`FIELDS`].
#[derive(Debug, PartialEq)]
struct StoreFields {
    region: Option<i64>,
    title: String,
    currency: String,
    decimals: u8,
    calendar: String,
    hours: String,
    least_coverage: f64,
    simulated: bool,
}

impl StoreFields {
    fn of(store: &RegisteredStore, region: Option<i64>) -> Self {
        Self {
            region,
            title: store.title.clone(),
            currency: store.currency.clone(),
            decimals: store.decimals,
            calendar: store.weeks.name().to_owned(),
            hours: serde_json::to_string(&store.hours).expect("lists of texts are always JSON"),
            least_coverage: store.least_coverage,
            simulated: store.simulated,
        }
    }

    fn differences(&self, had: &Self) -> Vec<&'static str> {
        let least = self.least_coverage.to_bits() == had.least_coverage.to_bits();
        let same = [
            ("region", self.region == had.region),
            ("title", self.title == had.title),
            ("currency", self.currency == had.currency && self.decimals == had.decimals),
            ("calendar", self.calendar == had.calendar),
            ("hours", self.hours == had.hours),
            ("least_coverage", least),
            ("simulated", self.simulated == had.simulated),
        ];
        same.into_iter().filter(|(_, same)| !same).map(|(field, _)| field).collect()
    }
}

/// Puts a store with its clocks.
pub(in crate::hq) fn put_store(
    all: &Transaction<'_>,
    tenant: i64,
    region: Option<i64>,
    store: &RegisteredStore,
) -> rusqlite::Result<(i64, Put)> {
    let wanted = StoreFields::of(store, region);
    let found = find_store(all, tenant, store.id.as_str())?;
    let Some((id, had, is_retired)) = found else {
        let id = insert_store(all, tenant, store.id.as_str(), &wanted)?;
        put_clocks(all, id, &store.clocks)?;
        return Ok((id, Put::Added));
    };
    let mut fields = wanted.differences(&had);
    if !fields.is_empty() || is_retired {
        update_store(all, id, &wanted)?;
    }
    let since = put_clocks(all, id, &store.clocks)?;
    let touched = since.into_iter().chain(touched_since(&wanted, &had)).min();
    fields.extend(since.map(|_| "clock"));
    if let Some(from_ms) = touched {
        let mut clock = StoreClock::load(all, id)?;
        super::sales::sort_anew(all, &mut clock, id, from_ms)?;
        rollup::remake_from(all, id, from_ms.div_euclid(MINUTE_MS))?;
    }
    let put = match (is_retired, fields.is_empty()) {
        (true, _) => Put::Added,
        (false, true) => Put::Same,
        (false, false) => Put::Changed(fields),
    };
    Ok((id, put))
}

/// Whether they are not the same hours of the same date; what a day is called changes no hour.
fn is_other_day(one: &WrittenHoliday, other: &WrittenHoliday) -> bool {
    one.date != other.date || one.hours != other.hours
}

/// From when on hours are different because of what is written of them; none: they are not. A holiday of next year touches nothing
/// of this one, while a week's hours and the least coverage hold for all times.
fn touched_since(wanted: &StoreFields, had: &StoreFields) -> Option<i64> {
    let read = |text: &str| serde_json::from_str::<WrittenHours>(text).unwrap_or_default();
    let (new, old) = (read(&wanted.hours), read(&had.hours));
    if new.week != old.week || wanted.least_coverage.to_bits() != had.least_coverage.to_bits() {
        return Some(0);
    }
    let differ = |one: &WrittenHours, other: &WrittenHours| {
        let alone =
            one.holidays.iter().filter(|day| other.holidays.iter().all(|known| is_other_day(known, day)));
        alone.filter_map(|day| Day::parse(&day.date).ok()).min()
    };
    let first = differ(&new, &old).into_iter().chain(differ(&old, &new)).min()?;
    // Somewhere in the world the day before is still that day.
    Some(Zone::utc().at(first.before(), TimeOfDay::parse("00:00")?).unix_ms())
}

fn find_store(
    all: &Transaction<'_>,
    tenant: i64,
    name: &str,
) -> rusqlite::Result<Option<(i64, StoreFields, bool)>> {
    let sql =
        "SELECT store_id, region_id, title, currency, decimals, calendar, hours, least_coverage, simulated,
                      retired_ms IS NOT NULL
               FROM store WHERE tenant_id = ?1 AND name = ?2";
    let read = |row: &rusqlite::Row<'_>| {
        let fields = StoreFields {
            region: row.get(1)?,
            title: row.get(2)?,
            currency: row.get(3)?,
            decimals: row.get(4)?,
            calendar: row.get(5)?,
            hours: row.get(6)?,
            least_coverage: row.get(7)?,
            simulated: row.get(8)?,
        };
        Ok((row.get(0)?, fields, row.get(9)?))
    };
    all.prepare_cached(sql)?.query_row(params![tenant, name], read).optional()
}

fn insert_store(
    all: &Transaction<'_>,
    tenant: i64,
    name: &str,
    fields: &StoreFields,
) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO store (tenant_id, name, region_id, title, currency, decimals, calendar, hours,
                                  least_coverage, simulated)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let StoreFields { region, title, currency, decimals, calendar, hours, least_coverage, simulated } =
        fields;
    all.prepare_cached(sql)?.execute(params![
        tenant,
        name,
        region,
        title,
        currency,
        decimals,
        calendar,
        hours,
        least_coverage,
        simulated
    ])?;
    Ok(all.last_insert_rowid())
}

fn update_store(all: &Transaction<'_>, id: i64, fields: &StoreFields) -> rusqlite::Result<()> {
    let sql = "UPDATE store SET region_id = ?2, title = ?3, currency = ?4, decimals = ?5, calendar = ?6, hours = ?7,
                                least_coverage = ?8, simulated = ?9, retired_ms = NULL
               WHERE store_id = ?1";
    let StoreFields { region, title, currency, decimals, calendar, hours, least_coverage, simulated } =
        fields;
    all.prepare_cached(sql)?.execute(params![
        id,
        region,
        title,
        currency,
        decimals,
        calendar,
        hours,
        least_coverage,
        simulated
    ])?;
    Ok(())
}

/// A clock as its row: from when, the zone, and when its day begins.
type ClockRow = (i64, String, String);

/// Puts a store's clocks; the time from which on they differ from those that were there, if they do.
fn put_clocks(all: &Transaction<'_>, store: i64, clocks: &[Clock]) -> rusqlite::Result<Option<i64>> {
    let row = |clock: &Clock| {
        let begins = format!("{:02}:00", clock.day_begins_hour);
        (clock.from.unix_ms(), clock.zone.name().to_owned(), begins)
    };
    let wanted: Vec<ClockRow> = clocks.iter().map(row).collect();
    let sql = "SELECT from_ms, time_zone, day_begins FROM store_clock WHERE store_id = ?1 ORDER BY from_ms";
    let had: Vec<ClockRow> = all
        .prepare_cached(sql)?
        .query_map([store], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let alike = wanted.iter().zip(&had).take_while(|(wanted, had)| wanted == had).count();
    let first = wanted.get(alike).into_iter().chain(had.get(alike)).map(|row| row.0).min();
    if first.is_some() {
        all.prepare_cached("DELETE FROM store_clock WHERE store_id = ?1")?.execute([store])?;
        let mut insert = all.prepare_cached("INSERT INTO store_clock VALUES (?1, ?2, ?3, ?4)")?;
        for (from_ms, zone, begins) in &wanted {
            insert.execute(params![store, from_ms, zone, begins])?;
        }
    }
    Ok(first)
}

/// Currency and decimals of a store that has sales, where the register says others.
pub(in crate::hq) fn other_currency(
    all: &Transaction<'_>,
    tenant: i64,
    store: &RegisteredStore,
) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT currency, decimals FROM store
               WHERE tenant_id = ?1 AND name = ?2 AND (currency <> ?3 OR decimals <> ?4)
                 AND EXISTS (SELECT 1 FROM sale WHERE sale.store_id = store.store_id)";
    let had = |row: &rusqlite::Row<'_>| {
        Ok(format!("{} with {} decimals", row.get::<_, String>(0)?, row.get::<_, u8>(1)?))
    };
    all.prepare_cached(sql)?
        .query_row(params![tenant, store.id.as_str(), store.currency, store.decimals], had)
        .optional()
}

/// The store, as `tenant/store`, in which a box has sent records, where that is another one.
pub(in crate::hq) fn settled_elsewhere(
    all: &Transaction<'_>,
    store: i64,
    of: &BoxId,
) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT tenant.name || '/' || store.name
               FROM box JOIN store USING (store_id) JOIN tenant USING (tenant_id)
               WHERE box.name = ?1 AND box.store_id <> ?2 AND (box.highest > 0 OR box.first_seen_ms IS NOT NULL)";
    all.prepare_cached(sql)?.query_row(params![of.as_str(), store], |row| row.get(0)).optional()
}

/// Puts a box; one that has sent nothing may come from another store.
pub(in crate::hq) fn put_box(all: &Transaction<'_>, store: i64, of: &BoxId) -> rusqlite::Result<(i64, Put)> {
    let sql = "SELECT box_id, store_id, retired_ms IS NOT NULL FROM box WHERE name = ?1";
    let found: Option<(i64, i64, bool)> = all
        .prepare_cached(sql)?
        .query_row([of.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((id, had, is_retired)) = found else {
        let insert = "INSERT INTO box (store_id, name) VALUES (?1, ?2)";
        all.prepare_cached(insert)?.execute(params![store, of.as_str()])?;
        return Ok((all.last_insert_rowid(), Put::Added));
    };
    if had == store && !is_retired {
        return Ok((id, Put::Same));
    }
    let update = "UPDATE box SET store_id = ?2, retired_ms = NULL WHERE box_id = ?1";
    all.prepare_cached(update)?.execute(params![id, store])?;
    for shape in ["line", "zone"] {
        move_shapes(all, shape, id, store)?;
    }
    all.prepare_cached("UPDATE sensor SET store_id = ?2 WHERE box_id = ?1")?.execute(params![id, store])?;
    Ok((id, if is_retired { Put::Added } else { Put::Changed(vec!["store"]) }))
}

/// What its cameras look at goes with a box.
fn move_shapes(all: &Transaction<'_>, shape: &str, of_box: i64, store: i64) -> rusqlite::Result<()> {
    let of_cameras = "camera_id IN (SELECT camera_id FROM camera WHERE box_id = ?1)";
    let sql = match shape {
        "line" => format!("UPDATE line SET store_id = ?2 WHERE {of_cameras}"),
        _ => format!("UPDATE zone SET store_id = ?2 WHERE {of_cameras}"),
    };
    all.prepare_cached(&sql)?.execute(params![of_box, store])?;
    Ok(())
}

/// The row of a zone of this store.
pub(in crate::hq) fn zone_at(
    all: &Transaction<'_>,
    store: i64,
    place: &ZonePlace,
) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT zone_id FROM zone JOIN camera USING (camera_id) JOIN box USING (box_id)
               WHERE zone.store_id = ?1 AND box.name = ?2 AND camera.name = ?3 AND zone.name = ?4";
    let names = params![store, place.box_id.as_str(), place.camera.as_str(), place.zone.as_str()];
    all.prepare_cached(sql)?.query_row(names, |row| row.get(0)).optional()
}

/// Puts a display, known by its store, its name and its first day.
pub(in crate::hq) fn put_display(
    all: &Transaction<'_>,
    store: i64,
    zone: i64,
    display: &Display,
) -> rusqlite::Result<Put> {
    let items = serde_json::to_string(&display.items).expect("a list of texts is always JSON");
    let (from, to) = (display.from.unix_days(), display.to.map(|day| day.unix_days()));
    let sql = "SELECT display_id, zone_id, title, category, items, to_day FROM display
               WHERE store_id = ?1 AND name = ?2 AND from_day = ?3";
    type Had = (i64, i64, String, Option<String>, String, Option<i64>);
    let found: Option<Had> = all
        .prepare_cached(sql)?
        .query_row(params![store, display.id.as_str(), from], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
        })
        .optional()?;
    let Some((id, had_zone, title, category, had_items, had_to)) = found else {
        let sql = "INSERT INTO display (zone_id, store_id, name, title, category, items, from_day, to_day)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let Display { id, title, category, .. } = display;
        all.prepare_cached(sql)?.execute(params![
            zone,
            store,
            id.as_str(),
            title,
            category,
            items,
            from,
            to
        ])?;
        return Ok(Put::Added);
    };
    let same = [
        ("zone", had_zone == zone),
        ("title", title == display.title),
        ("category", category == display.category),
        ("items", had_items == items),
        ("to", had_to == to),
    ];
    let fields: Vec<_> = same.into_iter().filter(|(_, same)| !same).map(|(field, _)| field).collect();
    if fields.is_empty() {
        return Ok(Put::Same);
    }
    let sql = "UPDATE display SET zone_id = ?2, title = ?3, category = ?4, items = ?5, to_day = ?6 WHERE display_id = ?1";
    all.prepare_cached(sql)?.execute(params![id, zone, display.title, display.category, items, to])?;
    Ok(Put::Changed(fields))
}

/// Whether a display of this name stands at some time from `from` to `to` (none: it stays), other than the one that begins then.
pub(in crate::hq) fn stands_meanwhile(
    all: &Transaction<'_>,
    store: i64,
    display: &DisplayId,
    days: (i64, Option<i64>),
) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM display WHERE store_id = ?1 AND name = ?2 AND from_day <> ?3
                 AND (to_day IS NULL OR to_day >= ?3) AND (?4 IS NULL OR from_day <= ?4))";
    all.prepare_cached(sql)?.query_row(params![store, display.as_str(), days.0, days.1], |row| row.get(0))
}

/// Ends a display on a day; false where there is none of this row in this store that began by then.
pub(in crate::hq) fn end_display(
    all: &Transaction<'_>,
    store: i64,
    display: i64,
    last_day: i64,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE display SET to_day = ?3 WHERE display_id = ?2 AND store_id = ?1 AND from_day <= ?3";
    Ok(all.prepare_cached(sql)?.execute(params![store, display, last_day])? == 1)
}

/// Retires every box that is not kept; the names of those that were there until now. Boxes of simulated stores stay.
pub(in crate::hq) fn retire_boxes(
    all: &Transaction<'_>,
    keep: &BTreeSet<i64>,
    now: WallTime,
) -> rusqlite::Result<Vec<String>> {
    let find = "SELECT box_id, tenant.name || '/' || store.name || '/' || box.name
                FROM box JOIN store USING (store_id) JOIN tenant USING (tenant_id)
                WHERE box.retired_ms IS NULL AND simulated = 0 ORDER BY 2";
    retire(all, keep, find, "UPDATE box SET retired_ms = ?2 WHERE box_id = ?1", now)
}

/// Retires every store that is not kept, likewise.
pub(in crate::hq) fn retire_stores(
    all: &Transaction<'_>,
    keep: &BTreeSet<i64>,
    now: WallTime,
) -> rusqlite::Result<Vec<String>> {
    let find = "SELECT store_id, tenant.name || '/' || store.name FROM store JOIN tenant USING (tenant_id)
                WHERE retired_ms IS NULL AND simulated = 0 ORDER BY 2";
    retire(all, keep, find, "UPDATE store SET retired_ms = ?2 WHERE store_id = ?1", now)
}

/// Takes out the regions that are not kept and that no store and no grant names any more.
pub(in crate::hq) fn retire_regions(
    all: &Transaction<'_>,
    keep: &BTreeSet<i64>,
) -> rusqlite::Result<Vec<String>> {
    let find = "SELECT region_id, tenant.name || '/' || region.name FROM region JOIN tenant USING (tenant_id)
                WHERE NOT EXISTS (SELECT 1 FROM store WHERE store.region_id = region.region_id)
                  AND NOT EXISTS (SELECT 1 FROM access_grant g WHERE g.region_id = region.region_id)
                ORDER BY 2";
    let never = WallTime::from_unix_ms(0);
    retire(all, keep, find, "DELETE FROM region WHERE region_id = ?1 AND ?2 = 0", never)
}

fn retire(
    all: &Transaction<'_>,
    keep: &BTreeSet<i64>,
    find: &str,
    update: &str,
    now: WallTime,
) -> rusqlite::Result<Vec<String>> {
    let found: Vec<(i64, String)> = all
        .prepare_cached(find)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut names = Vec::new();
    for (id, name) in found.into_iter().filter(|(id, _)| !keep.contains(id)) {
        all.prepare_cached(update)?.execute(params![id, now.unix_ms()])?;
        names.push(name);
    }
    Ok(names)
}
