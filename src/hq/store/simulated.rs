//! Writes a simulated store: its register, and hours as its boxes would have brought them about.
//!
//! What follows from them (hours and days of the store, days of zones and items) is made by [`rollup`](super::rollup) and
//! [`sales`](super::sales), as it is for what really arrives.

use super::clock::{Hour, StoreClock};
use super::{rollup, sales};
use crate::hq::simulate::{GOODS, PlannedStore, Season, SimulatedHour, Walker, WebOrder, ZONES};
use crate::time::{MINUTE_MS, WallTime};
use rusqlite::{OptionalExtension as _, Transaction, params};
use std::collections::BTreeSet;

const HOUR_MS: i64 = 3_600_000;
const DAY_MINUTES: i64 = 1440;
/// Days for which there are minutes too, and days for which there are maps.
const DAYS_OF_MINUTES: i64 = 2;
const DAYS_OF_MAPS: i64 = 42;
/// Cells of the maps: a floor of 8 m x 6 m in half metres.
const COLUMNS: usize = 16;
const ROWS: usize = 12;

/// The rows of a store that was put into the register.
#[derive(Debug)]
pub(in crate::hq) struct PutStore {
    store_id: i64,
    floor_camera: i64,
    door: i64,
    street: i64,
    zones: [i64; ZONES.len()],
    queue: i64,
}

/// The tenant's row, and whether it has no simulated store yet.
pub(in crate::hq) fn tenant(all: &Transaction<'_>, name: &str) -> rusqlite::Result<(i64, bool)> {
    let sql = "INSERT INTO tenant (name, title) VALUES (?1, ?1 || ' (simulated)') ON CONFLICT DO NOTHING";
    all.execute(sql, [name])?;
    let id: i64 = all.query_row("SELECT tenant_id FROM tenant WHERE name = ?1", [name], |row| row.get(0))?;
    let sql = "SELECT 1 FROM store WHERE tenant_id = ?1 AND simulated = 1 LIMIT 1";
    let had = all.query_row(sql, [id], |_| Ok(())).optional()?;
    Ok((id, had.is_none()))
}

/// Puts a store into the register.
pub(in crate::hq) fn register(
    all: &Transaction<'_>,
    tenant_id: i64,
    of: &PlannedStore,
) -> rusqlite::Result<PutStore> {
    let put = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> rusqlite::Result<i64> {
        all.prepare_cached(sql)?.execute(values)?;
        Ok(all.last_insert_rowid())
    };
    let sql = "INSERT INTO region (tenant_id, name, title) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    put(sql, &[&tenant_id, &of.region.0, &of.region.1])?;
    let hours = serde_json::to_string(&of.hours).expect("hours are texts");
    let sql = "INSERT INTO store (tenant_id, region_id, name, title, currency, decimals, calendar, hours, least_coverage, simulated)
        VALUES (?1, (SELECT region_id FROM region WHERE tenant_id = ?1 AND name = ?2), ?3, ?4, 'EUR', 2, ?5, ?6, 0.9, 1)";
    let store_id = put(sql, &[&tenant_id, &of.region.0, &of.name, &of.title, &of.calendar, &hours])?;
    put("INSERT INTO store_clock VALUES (?1, 0, ?2, ?3)", &[&store_id, &of.time_zone, &of.day_begins])?;
    let name: String =
        all.query_row("SELECT name FROM tenant WHERE tenant_id = ?1", [tenant_id], |r| r.get(0))?;
    let box_name = format!("{name}-{}", of.name);
    let of_box = put("INSERT INTO box (store_id, name) VALUES (?1, ?2)", &[&store_id, &box_name])?;
    let sql = "INSERT INTO camera (box_id, name, title) VALUES (?1, ?2, ?3)";
    let door_camera = put(sql, &[&of_box, &"door", &"Door"])?;
    let floor_camera = put(sql, &[&of_box, &"floor", &"Floor"])?;
    let sql = "INSERT INTO line (camera_id, store_id, name, title, role) VALUES (?1, ?2, ?3, ?4, ?5)";
    let door = put(sql, &[&door_camera, &store_id, &"entrance", &"Entrance", &"door"])?;
    let street = put(sql, &[&door_camera, &store_id, &"street", &"Street", &"passersby"])?;
    let sql = "INSERT INTO zone (camera_id, store_id, name, title, is_queue) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut zones = [0; ZONES.len()];
    for (row, (zone, title, ..)) in zones.iter_mut().zip(ZONES) {
        *row = put(sql, &[&floor_camera, &store_id, &zone, &title, &0])?;
    }
    let queue = put(sql, &[&floor_camera, &store_id, &"till", &"Till", &1])?;
    Ok(PutStore { store_id, floor_camera, door, street, zones, queue })
}

/// Puts the displays on the table: one that stays, or one that is exchanged for another; the row of what stands there now.
pub(in crate::hq) fn put_displays(
    all: &Transaction<'_>,
    put: &PutStore,
    of: &PlannedStore,
    season: &Season,
) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO display (zone_id, store_id, name, title, category, items, from_day, to_day)
        VALUES (?1, ?2, ?3, ?4, ?5, '[]', ?6, ?7)";
    let mut insert = all.prepare_cached(sql)?;
    let (zone, store, goods) = (put.zones[0], put.store_id, GOODS[0].0);
    let ends = of.is_test.then_some(season.changed - 1);
    insert.execute(params![zone, store, "classic-table", "Classic table", goods, season.first_day, ends])?;
    if of.is_test {
        insert.execute(params![zone, store, "island", "Island", goods, season.changed, None::<i64>])?;
    }
    Ok(all.last_insert_rowid())
}

/// Fills a store with its hours, and has what follows from them made.
pub(in crate::hq) fn fill(
    all: &Transaction<'_>,
    put: &PutStore,
    of: &PlannedStore,
    season: &Season,
) -> rusqlite::Result<()> {
    let mut clock = StoreClock::load(all, put.store_id)?;
    let mut walker = Walker::new(of, season);
    let (mut minute, end) = (season.first_day * DAY_MINUTES, season.until.unix_ms() / MINUTE_MS);
    let (mut hours, mut days, mut sold) = (BTreeSet::new(), BTreeSet::new(), 0_u32);
    while minute < end {
        let hour = clock.hour_of(WallTime::from_unix_ms(minute * MINUTE_MS));
        minute = hour.end_minute;
        let open_ms = clock.open_ms_of(hour);
        // The hour that runs is not over, and a box tells of it as it goes.
        if open_ms == 0 || hour.end_minute > end {
            continue;
        }
        hours.insert(hour.start_minute);
        let came = walker.hour(hour, open_ms as f64 / HOUR_MS as f64);
        let is_dark = of.outage.is_some_and(|(from, to)| (from..=to).contains(&hour.business_day));
        if !is_dark {
            put_hour(all, put, (hour, open_ms), &came)?;
            if hour.business_day > end / DAY_MINUTES - DAYS_OF_MINUTES {
                put_minutes(all, put, hour, &came)?;
            }
        }
        put_sales(all, put.store_id, hour, (&came, &mut sold))?;
        if days.insert(hour.business_day) {
            put_shifts(all, put.store_id, &clock, hour)?;
            if hour.business_day > end / DAY_MINUTES - DAYS_OF_MAPS && !is_dark {
                put_maps(all, put, hour.business_day, &came)?;
            }
        }
    }
    seen_lines(all, put, (&hours, season))?;
    for day in &days {
        sales::remake_items(all, put.store_id, *day)?;
    }
    rollup::touch_hours_by(all, &mut clock, put.store_id, &hours)
}

/// From when to when the lines counted.
fn seen_lines(
    all: &Transaction<'_>,
    put: &PutStore,
    (hours, season): (&BTreeSet<i64>, &Season),
) -> rusqlite::Result<()> {
    let sql = "UPDATE line SET first_minute = ?2, last_minute = ?3 WHERE store_id = ?1";
    let (first, last) = (hours.first(), season.until.unix_ms() / MINUTE_MS - 1);
    all.prepare_cached(sql)?.execute(params![put.store_id, first, last])?;
    Ok(())
}

fn put_hour(
    all: &Transaction<'_>,
    put: &PutStore,
    (hour, open_ms): (Hour, i64),
    came: &SimulatedHour,
) -> rusqlite::Result<()> {
    let seen_ms = (open_ms as f64 * came.seen) as i64;
    let (start, day, local) = (hour.start_minute, hour.business_day, hour.local_hour);
    let sql = "INSERT INTO line_hour VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let mut insert = all.prepare_cached(sql)?;
    let (entries, staff, back) = (came.entries, came.staff, came.reentries);
    insert.execute(params![put.door, start, day, local, entries, entries, staff, staff, back, 0, seen_ms])?;
    insert.execute(params![put.street, start, day, local, 0, 0, 0, 0, 0, came.passersby, seen_ms])?;
    let sql = "INSERT INTO zone_hour VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, 0, NULL, ?8)";
    let mut insert = all.prepare_cached(sql)?;
    for (zone, [visits, engaged, person_ms]) in put.zones.iter().zip(came.zones) {
        insert.execute(params![zone, start, day, local, visits, engaged, person_ms, seen_ms])?;
    }
    let [joined, served, abandoned, wait_ms, longest_ms, length_ms, longest] = came.queue;
    let sql = "INSERT INTO queue_hour VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?5, ?8, ?9, ?10, ?11, ?12, ?13)";
    all.prepare_cached(sql)?.execute(params![
        put.queue,
        start,
        day,
        local,
        joined,
        served,
        abandoned,
        wait_ms,
        longest_ms,
        served * 45_000,
        length_ms,
        longest,
        seen_ms
    ])?;
    Ok(())
}

/// The hour's entries spread over its minutes, so that they add up to it.
fn put_minutes(
    all: &Transaction<'_>,
    put: &PutStore,
    hour: Hour,
    came: &SimulatedHour,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO line_minute VALUES (?1, ?2, ?3, ?3, ?4, ?4, ?5, 0, NULL, ?6, 1)";
    let mut insert = all.prepare_cached(sql)?;
    let minutes = hour.end_minute - hour.start_minute;
    let part = |whole: i64, at: i64| whole * (at + 1) / minutes - whole * at / minutes;
    let seen_ms = (MINUTE_MS as f64 * came.seen) as i64;
    for at in 0..minutes {
        insert.execute(params![
            put.door,
            hour.start_minute + at,
            part(came.entries, at),
            part(came.staff, at),
            part(came.reentries, at),
            seen_ms
        ])?;
    }
    Ok(())
}

fn put_sales(
    all: &Transaction<'_>,
    store_id: i64,
    hour: Hour,
    (came, sold): (&SimulatedHour, &mut u32),
) -> rusqlite::Result<()> {
    let mut sale = all.prepare_cached(
        "INSERT INTO sale (store_id, id, at_ms, hour, business_day, what, amount_minor, currency, units, voids, source)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'EUR', ?8, NULL, 'simulate')",
    )?;
    let mut line = all.prepare_cached("INSERT INTO sale_line VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    let length_ms = hour.span().length().as_millis() as i64;
    for basket in &came.baskets {
        *sold += 1;
        let id = format!("S{sold:07}");
        let at_ms = hour.start_minute * MINUTE_MS + basket.after_ms.min(length_ms - 1);
        let what = if basket.is_refund { "refund" } else { "sale" };
        let (units, amount) = basket.lines.iter().fold((0, 0), |sum, line| (sum.0 + line.1, sum.1 + line.2));
        sale.execute(params![
            store_id,
            id,
            at_ms,
            hour.start_minute,
            hour.business_day,
            what,
            amount,
            units
        ])?;
        for (at, (good, quantity, amount)) in basket.lines.iter().enumerate() {
            let category = GOODS[*good].0;
            let item = format!("{}-{}", &category[..2], 1 + amount / 10 % 9);
            line.execute(params![store_id, id, at as i64, item, category, quantity * 1000, amount])?;
        }
    }
    Ok(())
}

/// Two shifts on a day, from its first open hour on.
fn put_shifts(all: &Transaction<'_>, store_id: i64, clock: &StoreClock, first: Hour) -> rusqlite::Result<()> {
    let start = first.span().start;
    let open = clock.calendar_at(start).schedule().open_within(crate::calendar::TimeSpan {
        start,
        end: WallTime::from_unix_ms(start.unix_ms() + 14 * HOUR_MS),
    });
    let Some(open) = open.first() else { return Ok(()) };
    let (from, to) = (open.start.unix_ms(), open.end.unix_ms());
    let middle = from + (to - from) / 2;
    let sql = "INSERT INTO shift (store_id, id, from_ms, to_ms, worked_ms, source) VALUES (?1, ?2, ?3, ?4, ?5, 'simulate')";
    let mut insert = all.prepare_cached(sql)?;
    for (id, from, to, people) in [("early", from, middle, 2), ("late", middle, to, 3)] {
        let id = format!("{id}-{}", first.business_day);
        insert.execute(params![store_id, id, from, to, (to - from) * people])?;
    }
    Ok(())
}

/// A map and moves that look like the day's first hour, many times over: for drawing, not for counting.
fn put_maps(all: &Transaction<'_>, put: &PutStore, day: i64, came: &SimulatedHour) -> rusqlite::Result<()> {
    let spots = [(3.0, 8.0, 1.0), (10.0, 4.0, 1.4), (13.0, 9.0, 0.7), (7.0, 1.0, 0.9)];
    let people = came.entries.max(4) as f64;
    let (mut presence, mut dwell) = (Vec::new(), Vec::new());
    for cell in 0..COLUMNS * ROWS {
        let (x, y) = ((cell % COLUMNS) as f64, (cell / COLUMNS) as f64);
        let near = |(spot_x, spot_y, weight): &(f64, f64, f64)| {
            weight * (-((x - spot_x).powi(2) + (y - spot_y).powi(2)) / 6.0).exp()
        };
        let heat: f64 = spots.iter().map(near).sum();
        presence.push((cell, (people * (4.0 + 240.0 * heat)) as i64));
        dwell.push((cell, (people * 190.0 * heat) as i64));
    }
    let json = |cells: &[(usize, i64)]| serde_json::to_string(cells).expect("numbers");
    let grid = format!(
        r#"{{"space":"floor_m","cell":0.5,"left":-4.0,"top":1.0,"columns":{COLUMNS},"rows":{ROWS}}}"#
    );
    all.prepare_cached("INSERT INTO heat_day VALUES (?1, ?2, 'simulated', ?3, ?4, ?5)")?.execute(params![
        put.floor_camera,
        day,
        grid,
        json(&presence),
        json(&dwell)
    ])?;
    let mut insert = all.prepare_cached("INSERT INTO flow_day VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let moves = [
        ("seen_first", "zone:table", 30),
        ("seen_first", "zone:shelf", 42),
        ("zone:table", "zone:shelf", 14),
        ("zone:shelf", "zone:till", 25),
        ("zone:table", "zone:till", 9),
        ("zone:shelf", "zone:window", 8),
        ("zone:till", "lost", 33),
        ("zone:window", "lost", 7),
        ("*", "*", 3),
    ];
    for (from, to, share) in moves {
        insert.execute(params![put.floor_camera, day, from, to, share * came.entries.max(4) / 10])?;
    }
    Ok(())
}

/// What the web shop sold.
pub(in crate::hq) fn put_web_orders(
    all: &Transaction<'_>,
    tenant_id: i64,
    orders: &[WebOrder],
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO web_order (tenant_id, id, at_ms, what, amount_minor, currency, units, store_id, voids, lines)
        VALUES (?1, ?2, ?3, 'sale', ?4, 'EUR', ?5, NULL, NULL, '[]')";
    let mut insert = all.prepare_cached(sql)?;
    for (at, order) in orders.iter().enumerate() {
        insert.execute(params![
            tenant_id,
            format!("W{at:06}"),
            order.at_ms,
            order.amount_minor,
            order.units
        ])?;
    }
    Ok(())
}
