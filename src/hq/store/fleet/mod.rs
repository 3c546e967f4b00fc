//! Boxes as the fleet's side of head office knows them, and the rows that say what is to be published.

pub(in crate::hq) mod certificates;
pub(in crate::hq) mod commands;
pub(in crate::hq) mod packages;
pub(in crate::hq) mod rollouts;
pub(in crate::hq) mod told;
pub(in crate::hq) mod twin;

use crate::ids::{BoxId, StoreId, TenantId};
use crate::wire::topics::BoxNames;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};

/// A transaction, for those who pass it on.
pub(in crate::hq) type All<'a> = Transaction<'a>;
/// What is read from.
pub(in crate::hq) type Asking = Connection;
/// Why a statement fails.
pub(in crate::hq) type Failed = rusqlite::Error;

/// A box of the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct BoxKey {
    pub(in crate::hq) box_id: i64,
    pub(in crate::hq) store_id: i64,
    pub(in crate::hq) tenant_id: i64,
    pub(in crate::hq) region: Option<String>,
    pub(in crate::hq) names: BoxNames,
}

/// What is to be published of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hq) enum What {
    /// `config/desired`.
    Config,
    /// `software/desired`.
    Software,
    /// `certificate/issued`.
    Certificate,
}

impl What {
    const ALL: [Self; 3] = [Self::Config, Self::Software, Self::Certificate];

    const fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Software => "software",
            Self::Certificate => "certificate",
        }
    }
}

const BOX: &str = "SELECT box_id, box.store_id, store.tenant_id, region.name, tenant.name, store.name, box.name
    FROM box JOIN store USING (store_id) JOIN tenant USING (tenant_id) LEFT JOIN region ON region.region_id = store.region_id
    WHERE box.retired_ms IS NULL AND store.retired_ms IS NULL";

/// The register checks names before it writes them, so that no row is left out.
fn box_key(row: &Row<'_>) -> rusqlite::Result<Option<BoxKey>> {
    let text = |at: usize| -> rusqlite::Result<String> { row.get(at) };
    let (tenant, store, name) = (text(4)?, text(5)?, text(6)?);
    let (Ok(tenant), Ok(store), Ok(box_id)) =
        (TenantId::parse(&tenant), StoreId::parse(&store), BoxId::parse(&name))
    else {
        return Ok(None);
    };
    let names = BoxNames { tenant, store, box_id };
    Ok(Some(BoxKey {
        box_id: row.get(0)?,
        store_id: row.get(1)?,
        tenant_id: row.get(2)?,
        region: row.get(3)?,
        names,
    }))
}

/// A box by the names of its chain, its store and its own.
pub(in crate::hq) fn find(
    ask: &Connection,
    (tenant, store, name): (&str, &str, &str),
) -> rusqlite::Result<Option<BoxKey>> {
    let sql = format!("{BOX} AND tenant.name = ?1 AND store.name = ?2 AND box.name = ?3");
    let found = ask.prepare_cached(&sql)?.query_row([tenant, store, name], box_key).optional()?;
    Ok(found.flatten())
}

/// The boxes of a chain, by name.
pub(in crate::hq) fn of_tenant(ask: &Connection, tenant_id: i64) -> rusqlite::Result<Vec<BoxKey>> {
    let sql = format!("{BOX} AND store.tenant_id = ?1 ORDER BY box.name");
    let mut select = ask.prepare_cached(&sql)?;
    let rows = select.query_map([tenant_id], box_key)?;
    rows.filter_map(Result::transpose).collect()
}

/// Has something of a box published.
pub(in crate::hq) fn due(all: &Transaction<'_>, box_id: i64, what: What) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO fleet_due (box_id, what) VALUES (?1, ?2)";
    all.prepare_cached(sql)?.execute((box_id, what.name()))?;
    Ok(())
}

/// Has everything published again that a broker is to hold: it may have lost it.
pub(in crate::hq) fn everything_due(all: &Transaction<'_>) -> rusqlite::Result<()> {
    for (what, from) in
        [("config", "config_version"), ("software", "software_desired"), ("certificate", "certificate")]
    {
        let sql = format!(
            "INSERT OR REPLACE INTO fleet_due (box_id, what) SELECT DISTINCT box_id, '{what}' FROM {from}"
        );
        all.execute(&sql, [])?;
    }
    Ok(())
}

/// What is to be published, the oldest first, at most `most`: the row, the box, and what of it.
pub(in crate::hq) fn to_say(
    ask: &Connection,
    most: usize,
) -> rusqlite::Result<Vec<(i64, Option<BoxKey>, What)>> {
    let sql = "SELECT box_id, box.store_id, store.tenant_id, region.name, tenant.name, store.name, box.name,
          due_id, what, box.retired_ms IS NULL AND store.retired_ms IS NULL
        FROM fleet_due JOIN box USING (box_id) JOIN store USING (store_id) JOIN tenant USING (tenant_id)
        LEFT JOIN region ON region.region_id = store.region_id ORDER BY due_id LIMIT ?1";
    let mut select = ask.prepare_cached(sql)?;
    let rows = select.query_map([most as i64], |row| {
        let name = row.get_ref(8)?.as_str()?.to_owned();
        // The schema takes no other.
        let what = What::ALL.into_iter().find(|what| what.name() == name).unwrap_or(What::Config);
        // What was told to a box that left the register stays as it is.
        let key = if row.get(9)? { box_key(row)? } else { None };
        Ok((row.get(7)?, key, what))
    })?;
    rows.collect()
}

/// What was handed to the broker. A row that was made anew meanwhile has another number, and stays.
pub(in crate::hq) fn said(all: &Transaction<'_>, due: &[i64]) -> rusqlite::Result<()> {
    let mut delete = all.prepare_cached("DELETE FROM fleet_due WHERE due_id = ?1")?;
    for due_id in due {
        delete.execute([due_id])?;
    }
    Ok(())
}
