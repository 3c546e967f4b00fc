//! The queues of a store.

use super::caller::Caller;
use super::csv::{Cell, Table, Tabular};
use super::faults::{Fault, Faults};
use super::input::{Path, Query};
use super::names::Named;
use super::stores::{Days, of_store};
use super::{Answer, Service};
use crate::hq::report::queues::{self as report, Queues};
use axum::extract::State;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(queues)).routes(routes!(queues_csv))
}

async fn made(service: &Service, caller: &Caller, named: Named, days: Days) -> Result<Queues, Fault> {
    let work = move |store: &crate::hq::store::Store, found: crate::hq::report::stores::Found| {
        let range = days.of(&found)?;
        report::queues(store, found, range)
    };
    of_store(service, caller, (named.tenant, named.store), work).await
}

/// The queues of a store by hour of the week and by day
#[utoipa::path(get, path = "/api/v1/stores/{tenant}/{store}/queues", tag = "reports", params(Named, Days), responses((status = 200, body = Queues), Faults))]
async fn queues(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(named): Path<Named>,
    Query(days): Query<Days>,
) -> Answer<Queues> {
    Ok(axum::Json(made(&service, &caller, named, days).await?))
}

/// The days of the queues as a table
#[utoipa::path(get, path = "/api/v1/stores/{tenant}/{store}/queues.csv", tag = "reports", params(Named, Days), responses((status = 200, body = String, content_type = "text/csv"), Faults))]
async fn queues_csv(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(named): Path<Named>,
    Query(days): Query<Days>,
) -> Result<Table, Fault> {
    Ok(made(&service, &caller, named, days).await?.table())
}

impl Tabular for Queues {
    fn table(&self) -> Table {
        let columns = vec!["zone", "title", "day", "joined", "abandoned", "mean_wait_s", "longest_wait_s"];
        let rows = self.zones.iter().flat_map(|zone| {
            zone.days.iter().map(|day| -> Vec<Cell> {
                vec![
                    (&zone.zone).into(),
                    (&zone.title).into(),
                    (&day.day).into(),
                    day.joined.into(),
                    day.abandoned.into(),
                    day.mean_wait_s.into(),
                    day.longest_wait_s.into(),
                ]
            })
        });
        Table { name: "queues", columns, rows: rows.collect() }
    }
}
