//! A small chain that never was, for trying things out and for tests whose truth is known.
//!
//! Every store is marked as simulated, and its title says so. Seasons of the week and the year, holidays, weather that a region shares,
//! days that hang together, two dark days and an outage are there, so that the pages have something to show and to leave out. Equal
//! settings make equal chains.
//!
//! Not obvious: it writes what a chain's boxes would have brought about (hours of lines, zones and queues, sales, shifts) and has the
//! rollups made anew by the code that every real record goes through, so the pages show nothing that a real chain could not.
//! Four weeks before the end some stores exchange a display for another one, which stops more people by a factor that
//! [`Truth`] tells; the page that compares displays must find it.

mod chain;
pub mod dice;
mod hours;

pub(in crate::hq) use chain::{PlannedStore, Season, WebOrder};
pub(in crate::hq) use hours::{GOODS, SimulatedHour, Walker, ZONES};

use crate::hq::store::simulated as rows;
use crate::hq::store::{Store, StoreError, WriteError};
use crate::ids::TenantId;
use crate::time::WallTime;
use chain::Chain;

/// What is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whose stores they are; made where there is none of that name.
    pub tenant: TenantId,
    /// Another number, another chain.
    pub seed: u64,
    /// How many stores; about a third of them exchange a display.
    pub stores: u32,
    /// How many weeks before `until`.
    pub weeks: u32,
    /// Up to when there is something.
    pub until: WallTime,
}

/// What was made, and what is true of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// First business day of the new displays, days since 1970-01-01.
    pub changed: i64,
    /// The new displays.
    pub displays: Vec<i64>,
    /// Displays of the same kind that were left alone.
    pub controls: Vec<i64>,
    /// How many times as many people the new displays stop.
    pub stop_rate: f64,
    /// How many times as long people stay at them.
    pub dwell: f64,
}

/// Why there is no chain.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// There is one already.
    #[error(
        "tenant {tenant} has simulated stores already; name another tenant, or begin with an empty database"
    )]
    Already {
        /// The tenant.
        tenant: String,
    },
    /// The weeks do not hold the change of displays.
    #[error("{weeks} weeks of {stores} stores are not enough; give at least 8 weeks and 2 stores")]
    TooLittle {
        /// Weeks that were asked for.
        weeks: u32,
        /// Stores that were.
        stores: u32,
    },
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How many times as many people the new displays stop.
const STOPS: f64 = 1.25;

/// Makes the chain; `progress` hears how many stores are done, of how many.
///
/// # Errors
/// [`SimulateError`]. Stores that were done by then stay.
pub fn simulate(
    store: &Store,
    settings: &Settings,
    mut progress: impl FnMut(u32, u32),
) -> Result<Truth, SimulateError> {
    let Settings { weeks, stores, .. } = *settings;
    if weeks < 8 || stores < 2 {
        return Err(SimulateError::TooLittle { weeks, stores });
    }
    let chain = Chain::of(settings, STOPS);
    let tenant_id = store.write(|all| {
        let (tenant_id, is_new) = rows::tenant(all, settings.tenant.as_str())?;
        if is_new {
            return Ok(tenant_id);
        }
        let tenant = settings.tenant.to_string();
        Err(WriteError::Refused(SimulateError::Already { tenant }))
    })?;
    let mut truth = Truth {
        changed: chain.changed,
        displays: Vec::new(),
        controls: Vec::new(),
        stop_rate: STOPS,
        dwell: 1.0,
    };
    for (at, planned) in (1..).zip(&chain.stores) {
        let display = store.write::<_, SimulateError>(|all| {
            let put = rows::register(all, tenant_id, planned)?;
            let display = rows::put_displays(all, &put, planned, &chain.season)?;
            rows::fill(all, &put, planned, &chain.season)?;
            Ok(display)
        })?;
        if planned.is_test { &mut truth.displays } else { &mut truth.controls }.push(display);
        progress(at, stores);
    }
    let orders = chain.web_orders();
    store.write::<_, SimulateError>(|all| Ok(rows::put_web_orders(all, tenant_id, &orders)?))?;
    Ok(truth)
}
