//! The service's own figures, for Prometheus.

use super::Service;
use super::caller::Caller;
use super::faults::{Fault, Faults};
use crate::hq::metrics::{CONTENT_TYPE, Standing};
use crate::hq::store::{StoreError, accounts as rows};
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// The service's own figures in OpenMetrics text; for who may see every chain
#[utoipa::path(get, path = "/api/v1/metrics", tag = "stores",
    responses((status = 200, body = String, content_type = "application/openmetrics-text"), Faults))]
async fn metrics(State(service): State<Arc<Service>>, caller: Caller) -> Result<Response, Fault> {
    let (now, scope) = (service.now(), caller.readable());
    let standing = service.ask(move |store| -> Result<_, StoreError> {
        // The figures are of everything, so nobody sees them who may not see everything.
        let all = store.read(rows::chains)?;
        if all.is_empty() || !all.into_iter().all(|chain| scope.holds_chain(chain)) {
            return Ok(None);
        }
        Standing::of(store, now).map(Some)
    });
    let standing = standing.await?.ok_or_else(Fault::not_found)?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], service.metrics.text(&standing)).into_response())
}

/// Counts every answer by its status.
pub(super) async fn counted(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    service.metrics.request(answer.status().as_u16());
    answer
}
