//! One store: its page, its days by hour, its maps.
//!
//! Ids hold no dot, so `.csv` at the end of an address whose last part is a name cannot be a part of that name.

use super::caller::Caller;
use super::csv::{Cell, Table, Tabular, columns, figures};
use super::faults::{Fault, Faults};
use super::input::{Path, Query};
use super::names::Named;
use super::{Answer, Service};
use crate::hq::report::ReportError;
use crate::hq::report::days::Range;
use crate::hq::report::maps::{self, Flow, Heat};
use crate::hq::report::stores::{self, Found, StoreDay, StorePage};
use crate::hq::store::Store;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Days {
    /// First business day, `YYYY-MM-DD`; 27 days before the last one unless given.
    #[param(example = "2026-10-26")]
    from: Option<String>,
    /// Last one; the newest unless given.
    #[param(example = "2026-11-22")]
    to: Option<String>,
}

/// Which camera, on which days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct OfCamera {
    /// The box.
    #[serde(rename = "box")]
    #[param(rename = "box", example = "acme-b1-door")]
    box_name: String,
    /// The camera.
    #[param(example = "door")]
    camera: String,
    /// First business day, `YYYY-MM-DD`; 27 days before the last one unless given.
    from: Option<String>,
    /// Last one; the newest unless given.
    to: Option<String>,
}

/// A store's day.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfDay {
    /// The chain.
    #[param(example = "acme")]
    tenant: String,
    /// The store.
    #[param(example = "berlin")]
    store: String,
    /// Business day, `YYYY-MM-DD`; with `.csv` after it a table.
    #[param(example = "2026-11-22")]
    day: String,
}

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(page))
        .routes(routes!(day))
        .routes(routes!(heat))
        .routes(routes!(heat_csv))
        .routes(routes!(flow))
        .routes(routes!(flow_csv))
}

/// Finds the store and works out what is wanted of it, at the database's side.
pub(super) async fn of_store<T: Send + 'static>(
    service: &Service,
    caller: &Caller,
    (tenant, name): (String, String),
    work: impl FnOnce(&Store, Found) -> Result<T, ReportError> + Send + 'static,
) -> Result<T, Fault> {
    let (scope, now) = (caller.readable(), caller.at());
    let asked = move |store: &Store| {
        let found = stores::find(store, &scope, (&tenant, &name), now)?;
        work(store, found)
    };
    service.ask(asked).await
}

impl Days {
    /// The days that are meant, of a store.
    pub(super) fn of(&self, found: &Found) -> Result<Range, ReportError> {
        Range::parse(self.from.as_deref(), self.to.as_deref(), found.newest)
    }
}

impl OfCamera {
    fn of(&self, found: &Found) -> Result<Range, ReportError> {
        Range::parse(self.from.as_deref(), self.to.as_deref(), found.newest)
    }
}

/// As JSON, or as a table.
fn shown<T: Tabular + serde::Serialize>(made: &T, as_table: bool) -> Response {
    if as_table { made.table().into_response() } else { axum::Json(made).into_response() }
}

fn without_csv(name: String) -> (String, bool) {
    match name.strip_suffix(".csv") {
        Some(name) => (name.to_owned(), true),
        None => (name, false),
    }
}

/// A store over some days; its days as a table where `.csv` stands after its name
#[utoipa::path(get, path = "/api/v1/stores/{tenant}/{store}", tag = "reports", params(Named, Days), responses(
    (status = 200, content((StorePage = "application/json"), (String = "text/csv"))), Faults))]
async fn page(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(Named { tenant, store }): Path<Named>,
    Query(days): Query<Days>,
) -> Result<Response, Fault> {
    let (name, as_table) = without_csv(store);
    let made = of_store(&service, &caller, (tenant, name), move |store, found| {
        let range = days.of(&found)?;
        stores::page(store, found, range)
    });
    Ok(shown(&made.await?, as_table))
}

/// A store's day by hour; as a table where `.csv` stands after the day
#[utoipa::path(get, path = "/api/v1/stores/{tenant}/{store}/day/{day}", tag = "reports", params(OfDay), responses(
    (status = 200, content((StoreDay = "application/json"), (String = "text/csv"))), Faults))]
async fn day(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfDay { tenant, store, day }): Path<OfDay>,
) -> Result<Response, Fault> {
    let (day, as_table) = without_csv(day);
    let made =
        of_store(&service, &caller, (tenant, store), move |store, found| stores::day(store, found, &day));
    Ok(shown(&made.await?, as_table))
}

async fn heat_made(
    service: &Service,
    caller: &Caller,
    Named { tenant, store }: Named,
    of: OfCamera,
) -> Result<Heat, Fault> {
    let work = move |store: &Store, found: Found| {
        let range = of.of(&found)?;
        maps::heat(store, &found, (&of.box_name, &of.camera), range)
    };
    of_store(service, caller, (tenant, store), work).await
}

/// Where people were on the floor of a camera
#[utoipa::path(get, path = "/api/v1/stores/{tenant}/{store}/heat", tag = "reports", params(Named, OfCamera), responses((status = 200, body = Heat), Faults))]
async fn heat(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(named): Path<Named>,
    Query(of): Query<OfCamera>,
) -> Answer<Heat> {
    Ok(axum::Json(heat_made(&service, &caller, named, of).await?))
}

/// The cells of the map as a table
#[utoipa::path(get, path = "/api/v1/stores/{tenant}/{store}/heat.csv", tag = "reports", params(Named, OfCamera), responses((status = 200, body = String, content_type = "text/csv"), Faults))]
async fn heat_csv(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(named): Path<Named>,
    Query(of): Query<OfCamera>,
) -> Result<Table, Fault> {
    Ok(heat_made(&service, &caller, named, of).await?.table())
}

async fn flow_made(
    service: &Service,
    caller: &Caller,
    Named { tenant, store }: Named,
    of: OfCamera,
) -> Result<Flow, Fault> {
    let work = move |store: &Store, found: Found| {
        let range = of.of(&found)?;
        maps::flow(store, &found, (&of.box_name, &of.camera), range)
    };
    of_store(service, caller, (tenant, store), work).await
}

/// From where to where people went before a camera
#[utoipa::path(get, path = "/api/v1/stores/{tenant}/{store}/flow", tag = "reports", params(Named, OfCamera), responses((status = 200, body = Flow), Faults))]
async fn flow(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(named): Path<Named>,
    Query(of): Query<OfCamera>,
) -> Answer<Flow> {
    Ok(axum::Json(flow_made(&service, &caller, named, of).await?))
}

/// The moves as a table
#[utoipa::path(get, path = "/api/v1/stores/{tenant}/{store}/flow.csv", tag = "reports", params(Named, OfCamera), responses((status = 200, body = String, content_type = "text/csv"), Faults))]
async fn flow_csv(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(named): Path<Named>,
    Query(of): Query<OfCamera>,
) -> Result<Table, Fault> {
    Ok(flow_made(&service, &caller, named, of).await?.table())
}

impl Tabular for StorePage {
    fn table(&self) -> Table {
        let row = |of: &stores::DayFigures| {
            let mut row: Vec<Cell> = vec![(&of.day).into(), of.holiday.as_ref().into()];
            row.extend(figures(&of.figures));
            row
        };
        let rows = self.days.iter().map(row).collect();
        Table { name: "store", columns: columns(&["day", "holiday"]), rows }
    }
}

impl Tabular for StoreDay {
    fn table(&self) -> Table {
        let row = |of: &stores::HourFigures| {
            let mut row: Vec<Cell> =
                vec![(&self.day).into(), of.start_ms.into(), i64::from(of.hour).into(), of.open.into()];
            row.extend(figures(&of.figures));
            row
        };
        let rows = self.hours.iter().map(row).collect();
        Table { name: "day", columns: columns(&["day", "start_ms", "hour", "open"]), rows }
    }
}

impl Tabular for Heat {
    fn table(&self) -> Table {
        let columns = vec!["x", "y", "cell", "space", "presence_s", "dwell_s"];
        let cells = self.presence_s.iter().zip(&self.dwell_s).enumerate();
        let row = |(at, (presence, dwell)): (usize, (&f64, &f64))| {
            let (column, row) = (at % self.columns.max(1) as usize, at / self.columns.max(1) as usize);
            vec![
                (self.left + column as f64 * self.cell).into(),
                (self.top + row as f64 * self.cell).into(),
                self.cell.into(),
                (&self.space).into(),
                (*presence).into(),
                (*dwell).into(),
            ]
        };
        Table { name: "heat", columns, rows: cells.map(row).collect() }
    }
}

impl Tabular for Flow {
    fn table(&self) -> Table {
        let row = |of: &maps::Move| vec![(&of.from).into(), (&of.to).into(), of.people.into()];
        Table {
            name: "flow",
            columns: vec!["from", "to", "people"],
            rows: self.moves.iter().map(row).collect(),
        }
    }
}
