//! How one may sign in, and signing in elsewhere.

use super::faults::Faults;
use super::{Answer, Service};
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How one may sign in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LoginWays {
    /// With a name and a password.
    password: bool,
    /// Elsewhere; null where nobody set that up.
    oidc: Option<OidcWay>,
}

/// Signing in elsewhere.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OidcWay {
    /// What the button says.
    title: String,
    /// Where it leads.
    href: String,
}

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(ways))
}

/// How one may sign in
#[utoipa::path(get, path = "/api/v1/login", tag = "access", security(()),
    responses((status = 200, body = LoginWays), Faults))]
async fn ways(State(_service): State<Arc<Service>>) -> Answer<LoginWays> {
    Ok(axum::Json(LoginWays { password: true, oidc: None }))
}
