//! Puts a display into a store, and ends one: for managers of the store.

use super::Service;
use super::caller::Caller;
use super::faults::{Fault, Faults};
use super::input::{Json, Path};
use super::names::{Named, store_for};
use crate::calendar::Day;
use crate::hq::access::{self, Role};
use crate::hq::register::{DisplayError, NewDisplay, end_display, put_display};
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A display of a store, by its number.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct NumberedDisplay {
    /// The chain.
    #[param(example = "acme")]
    tenant: String,
    /// The store.
    #[param(example = "berlin")]
    store: String,
    /// As lists of displays give it.
    display: i64,
}

/// When a display ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LastDay {
    /// Its last business day, `YYYY-MM-DD`.
    #[schema(example = "2026-11-30")]
    last_day: String,
}

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(put)).routes(routes!(end))
}

/// Put a display into a zone; one of the same name and first day is changed
#[utoipa::path(put, path = "/api/v1/stores/{tenant}/{store}/displays", tag = "displays", params(Named), request_body = NewDisplay,
    responses((status = 204, description = "It stands."), Faults))]
async fn put(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(named): Path<Named>,
    Json(new): Json<NewDisplay>,
) -> Result<StatusCode, Fault> {
    let row = store_for(&service, (&caller, Role::Manager), (named.tenant, named.store)).await?;
    let detail = format!("{}/{}: {} in zone {} from {}", row.tenant, row.name, new.name, new.zone, new.from);
    service
        .ask(move |store| {
            put_display(store, row.store_id, &new)?;
            noted(store, &caller, "display_put", &detail)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End a display
#[utoipa::path(put, path = "/api/v1/stores/{tenant}/{store}/displays/{display}/end", tag = "displays", params(NumberedDisplay),
    request_body = LastDay, responses((status = 204, description = "It ends on that day."), Faults))]
async fn end(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<NumberedDisplay>,
    Json(body): Json<LastDay>,
) -> Result<StatusCode, Fault> {
    let row = store_for(&service, (&caller, Role::Manager), (of.tenant, of.store)).await?;
    let last_day = Day::parse(&body.last_day).map_err(|fault| Fault::refused("day", fault.to_string()))?;
    let detail = format!("{}/{}: display {} ends on {last_day}", row.tenant, row.name, of.display);
    service
        .ask(move |store| {
            end_display(store, row.store_id, of.display, last_day)?;
            noted(store, &caller, "display_ended", &detail)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn noted(
    store: &crate::hq::store::Store,
    caller: &Caller,
    action: &str,
    detail: &str,
) -> Result<(), DisplayError> {
    Ok(access::note(store, caller.origin(), (Some(caller.account_id()), action, detail))?)
}

impl From<DisplayError> for Fault {
    fn from(fault: DisplayError) -> Self {
        match fault {
            DisplayError::Store(fault) => fault.into(),
            DisplayError::Stands { .. } => Self::conflict("display", fault.to_string()),
            DisplayError::NotThere { .. } => Self::not_found(),
            _ => Self::refused("display", fault.to_string()),
        }
    }
}
