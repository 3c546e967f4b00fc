//! The chain at a glance.

use super::caller::Caller;
use super::csv::{Table, Tabular, columns, figures};
use super::faults::{Fault, Faults};
use super::input::Query;
use super::{Answer, Service};
use crate::hq::report::ReportError;
use crate::hq::report::overview::{Overview, overview as report};
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Which day.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Business day, `YYYY-MM-DD`; the newest one unless given.
    #[param(example = "2026-11-22")]
    day: Option<String>,
}

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(overview)).routes(routes!(overview_csv))
}

async fn made(service: &Service, caller: &Caller, asked: Asked) -> Result<Overview, Fault> {
    let (scope, now) = (caller.readable(), caller.at());
    service.ask(move |store| report(store, &scope, asked.day.as_deref(), now)).await
}

/// The chain at a glance, against last week and last year
#[utoipa::path(get, path = "/api/v1/overview", tag = "reports", params(Asked), responses((status = 200, body = Overview), Faults))]
async fn overview(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Overview> {
    Ok(axum::Json(made(&service, &caller, asked).await?))
}

/// The ranking of the stores as a table
#[utoipa::path(get, path = "/api/v1/overview.csv", tag = "reports", params(Asked), responses((status = 200, body = String, content_type = "text/csv"), Faults))]
async fn overview_csv(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Table, Fault> {
    Ok(made(&service, &caller, asked).await?.table())
}

impl Tabular for Overview {
    fn table(&self) -> Table {
        let first = [
            "day",
            "rank",
            "tenant",
            "store",
            "title",
            "region",
            "currency",
            "last_week_visitors",
            "last_year_visitors",
        ];
        let row = |of: &crate::hq::report::overview::RankedStore| {
            let before = |figures: &Option<crate::hq::report::figures::Figures>| {
                figures.as_ref().map(|figures| figures.visitors).into()
            };
            let mut row = vec![
                (&self.day).into(),
                i64::from(of.rank).into(),
                (&of.store.tenant).into(),
                (&of.store.store).into(),
                (&of.store.title).into(),
                of.store.region.as_ref().into(),
                (&of.store.currency).into(),
                before(&of.figures.last_week),
                before(&of.figures.last_year),
            ];
            row.extend(figures(&of.figures.now));
            row
        };
        Table { name: "overview", columns: columns(&first), rows: self.stores.iter().map(row).collect() }
    }
}

impl From<ReportError> for Fault {
    fn from(fault: ReportError) -> Self {
        match fault {
            ReportError::Day(_) | ReportError::Value { .. } => Self::bad("query", fault.to_string()),
            ReportError::NotThere => Self::not_found(),
            ReportError::Store(fault) => fault.into(),
        }
    }
}
