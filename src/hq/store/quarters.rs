//! Heat maps and flow of a quarter of an hour, added to those of the business day.
//!
//! Quarters of a camera that was found to have been moved are left out: their cells and zones lie elsewhere.

use crate::wire::v1::{Flow, Heat, Space};
use rusqlite::{OptionalExtension as _, Transaction, params};
use std::collections::BTreeMap;

/// What a box did not list, from anywhere to anywhere.
const OTHERS: &str = "*";

/// Tenths of a second by cell.
type Cells = BTreeMap<u32, u64>;

/// Camera, business day, geometry and grid.
type HeatKey = (i64, i64, String, String);

/// Quarters of one store that one transaction brings.
#[derive(Debug, Default)]
pub(super) struct Quarters {
    heat: BTreeMap<HeatKey, [Cells; 2]>,
    flow: BTreeMap<(i64, i64, String, String), i64>,
}

impl Quarters {
    pub(super) fn heat(&mut self, camera_id: i64, day: i64, heat: &Heat) {
        if !heat.valid {
            return;
        }
        let space = match heat.space {
            Space::FloorM => "floor_m",
            Space::ImagePx => "image_px",
        };
        let grid = serde_json::json!({
            "space": space, "cell": heat.cell, "left": heat.left, "top": heat.top,
            "columns": heat.columns, "rows": heat.rows,
        });
        let key = (camera_id, day, heat.geometry.clone(), grid.to_string());
        let [presence, dwell] = self.heat.entry(key).or_default();
        add(presence, &heat.presence);
        add(dwell, &heat.dwell);
    }

    pub(super) fn flow(&mut self, camera_id: i64, day: i64, flow: &Flow) {
        if !flow.valid {
            return;
        }
        let mut add = |from: &str, to: &str, people: u32| {
            let key = (camera_id, day, from.to_owned(), to.to_owned());
            *self.flow.entry(key).or_default() += i64::from(people);
        };
        for step in &flow.moves {
            add(&step.from, &step.to, step.people);
        }
        if flow.other_moves > 0 {
            add(OTHERS, OTHERS, flow.other_moves);
        }
    }

    pub(super) fn write(&self, all: &Transaction<'_>) -> rusqlite::Result<()> {
        for (key, cells) in &self.heat {
            write_heat(all, key, cells)?;
        }
        let sql = "INSERT INTO flow_day VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET people = people + ?5";
        let mut insert = all.prepare_cached(sql)?;
        for ((camera_id, day, from, to), people) in &self.flow {
            insert.execute(params![camera_id, day, from, to, people])?;
        }
        Ok(())
    }
}

fn add(to: &mut Cells, cells: &[(u32, u64)]) {
    for (cell, tenths) in cells {
        let sum = to.entry(*cell).or_default();
        *sum = sum.saturating_add(*tenths);
    }
}

fn write_heat(
    all: &Transaction<'_>,
    (camera_id, day, geometry, grid): &HeatKey,
    cells: &[Cells; 2],
) -> rusqlite::Result<()> {
    let sql = "SELECT presence, dwell FROM heat_day
        WHERE camera_id = ?1 AND business_day = ?2 AND geometry = ?3 AND grid = ?4";
    let before: Option<[String; 2]> = all
        .prepare_cached(sql)?
        .query_row(params![camera_id, day, geometry, grid], |row| Ok([row.get(0)?, row.get(1)?]))
        .optional()?;
    let mut sums = cells.clone();
    for (sums, text) in sums.iter_mut().zip(before.iter().flatten()) {
        let known: Vec<(u32, u64)> = serde_json::from_str(text).unwrap_or_default();
        add(sums, &known);
    }
    let [presence, dwell] = sums.map(|cells| {
        serde_json::to_string(&cells.into_iter().collect::<Vec<_>>()).expect("numbers are JSON")
    });
    let sql = "INSERT OR REPLACE INTO heat_day VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    all.prepare_cached(sql)?.execute(params![camera_id, day, geometry, grid, presence, dwell])?;
    Ok(())
}
