//! Stores beside each other.

use super::caller::Caller;
use super::csv::{Cell, Table, Tabular, columns, figures};
use super::faults::{Fault, Faults};
use super::input::Query;
use super::{Answer, Service};
use crate::hq::report::compare::{self, Compare, MOST_STORES, Step};
use crate::hq::report::days::Range;
use crate::hq::report::stores::find;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Which stores, and when.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// `tenant/store`, with commas between them; at most 20.
    #[param(example = "acme/berlin,acme/graz")]
    stores: String,
    /// First business day, `YYYY-MM-DD`; 27 days before the last one unless given.
    from: Option<String>,
    /// Last one; the newest of the first store unless given.
    to: Option<String>,
    /// How days are put together; `day` unless given.
    by: Option<By>,
}

/// How days are put together.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum By {
    Day,
    Week,
}

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(stores)).routes(routes!(stores_csv))
}

async fn made(service: &Service, caller: &Caller, asked: Asked) -> Result<Compare, Fault> {
    let (scope, now) = (caller.readable(), caller.at());
    let names = asked.stores.split(',').map(|name| {
        let pair = name.trim().split_once('/');
        pair.map(|(tenant, store)| (tenant.to_owned(), store.to_owned()))
    });
    let names: Option<Vec<_>> = names.take(MOST_STORES + 1).collect();
    let names = names.filter(|names| names.len() <= MOST_STORES).ok_or_else(|| {
        Fault::bad(
            "query",
            format!("stores: give 1 to {MOST_STORES} as tenant/store, with commas between them"),
        )
    })?;
    let work = move |store: &crate::hq::store::Store| {
        let found = names.iter().map(|(tenant, name)| find(store, &scope, (tenant, name), now));
        let found = found.collect::<Result<Vec<_>, _>>()?;
        let newest = found.iter().map(|of| of.newest).max().unwrap_or(0);
        let range = Range::parse(asked.from.as_deref(), asked.to.as_deref(), newest)?;
        let by = match asked.by {
            Some(By::Week) => Step::Week,
            _ => Step::Day,
        };
        compare::compare(store, found, range, by)
    };
    service.ask(work).await
}

/// Stores beside each other, by day or by week
#[utoipa::path(get, path = "/api/v1/compare", tag = "reports", params(Asked), responses((status = 200, body = Compare), Faults))]
async fn stores(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Compare> {
    Ok(axum::Json(made(&service, &caller, asked).await?))
}

/// The same as a table
#[utoipa::path(get, path = "/api/v1/compare.csv", tag = "reports", params(Asked), responses((status = 200, body = String, content_type = "text/csv"), Faults))]
async fn stores_csv(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Table, Fault> {
    Ok(made(&service, &caller, asked).await?.table())
}

impl Tabular for Compare {
    fn table(&self) -> Table {
        let rows = self.stores.iter().flat_map(|of| {
            of.points.iter().map(|point| {
                let mut row: Vec<Cell> =
                    vec![(&of.store.tenant).into(), (&of.store.store).into(), (&point.start).into()];
                row.extend(figures(&point.figures));
                row
            })
        });
        Table { name: "compare", columns: columns(&["tenant", "store", "start"]), rows: rows.collect() }
    }
}
