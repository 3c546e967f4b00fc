//! The service's own figures, for Prometheus.

use super::Service;
use super::caller::Caller;
use super::faults::{Fault, Faults};
use crate::hq::metrics::{CONTENT_TYPE, Standing};
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

/// The service's own figures in OpenMetrics text; for who may see a whole chain
#[utoipa::path(get, path = "/api/v1/metrics", tag = "stores",
    responses((status = 200, body = String, content_type = "application/openmetrics-text"), Faults))]
async fn metrics(State(service): State<Arc<Service>>, caller: Caller) -> Result<Response, Fault> {
    if caller.readable().chains().is_empty() {
        return Err(Fault::not_found());
    }
    let now = service.now();
    let standing = service.ask(move |store| Standing::of(store, now)).await?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], service.metrics.text(&standing)).into_response())
}

/// Counts every answer by its status.
pub(super) async fn counted(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    service.metrics.request(answer.status().as_u16());
    answer
}
