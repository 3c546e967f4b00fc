//! Webhooks of a chain: for its administrators.

use super::caller::Caller;
use super::faults::{Fault, Faults};
use super::input::{Json, Path};
use super::{Answer, Service};
use crate::hq::access::{self, Role};
use crate::hq::store::{StoreError, sales as rows};
use crate::hq::webhooks::{self, Hook, HookError};
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A chain in an address.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct Chain {
    /// The chain.
    #[param(example = "acme")]
    tenant: String,
}

/// A webhook in an address.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct NumberedHook {
    /// The chain.
    #[param(example = "acme")]
    tenant: String,
    /// As the list gives it.
    webhook: i64,
}

/// The webhooks of a chain.
#[derive(Debug, Serialize, ToSchema)]
struct Hooks {
    webhooks: Vec<HookBody>,
}

/// A webhook, without its secret.
#[derive(Debug, Serialize, ToSchema)]
struct HookBody {
    id: i64,
    url: String,
    /// Which alerts it hears of; empty: all.
    rules: Vec<String>,
    created_ms: i64,
    /// Messages that were taken.
    delivered: i64,
    /// Messages that were given up.
    given_up: i64,
    /// What the last try gave; null before the first.
    last_answer: Option<String>,
    last_ms: Option<i64>,
}

/// A webhook that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HookToMake {
    /// Where it is told; https.
    #[schema(example = "https://hooks.example.com/footfall")]
    url: String,
    /// `no_data`, `camera_moved`, `queue`, `traffic`, `alarm`, `certificate`, `rollout_stopped`, `disk_full`, `too_hot` or `clock`; empty: all.
    #[serde(default)]
    #[schema(max_items = 10)]
    rules: Vec<String>,
}

/// A webhook that was made. Its secret is shown this once.
#[derive(Debug, Serialize, ToSchema)]
struct MadeHook {
    id: i64,
    /// Key of the signature.
    secret: String,
}

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(hooks, add)).routes(routes!(remove))
}

/// The row of a chain that the caller administers; to others it is not there.
async fn administered(service: &Service, caller: &Caller, tenant: String) -> Result<i64, Fault> {
    let found = service.ask(move |store| store.read(|ask| rows::tenant(ask, &tenant))).await?;
    found.filter(|tenant_id| caller.within(Role::Admin).holds_chain(*tenant_id)).ok_or_else(Fault::not_found)
}

/// The webhooks of a chain
#[utoipa::path(get, path = "/api/v1/webhooks/{tenant}", tag = "alerts", params(Chain), responses((status = 200, body = Hooks), Faults))]
async fn hooks(State(service): State<Arc<Service>>, caller: Caller, Path(of): Path<Chain>) -> Answer<Hooks> {
    let tenant_id = administered(&service, &caller, of.tenant).await?;
    let hooks = service.ask(move |store| webhooks::list(store, tenant_id)).await?;
    Ok(axum::Json(Hooks { webhooks: hooks.into_iter().map(HookBody::from).collect() }))
}

/// Make a webhook
#[utoipa::path(post, path = "/api/v1/webhooks/{tenant}", tag = "alerts", params(Chain), request_body = HookToMake,
    responses((status = 201, body = MadeHook), Faults))]
async fn add(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<Chain>,
    Json(new): Json<HookToMake>,
) -> Result<(StatusCode, axum::Json<MadeHook>), Fault> {
    let detail = format!("a webhook of {}", of.tenant);
    let tenant_id = administered(&service, &caller, of.tenant).await?;
    let private = service.settings.webhooks;
    let (id, secret) = service
        .ask(move |store| {
            let made = webhooks::add(store, tenant_id, (&new.url, &new.rules, private), caller.at())?;
            access::note(store, caller.origin(), (Some(caller.account_id()), "webhook_made", &detail))?;
            Ok::<_, HookError>(made)
        })
        .await?;
    Ok((StatusCode::CREATED, axum::Json(MadeHook { id, secret: secret.reveal().to_owned() })))
}

/// Take a webhook away
#[utoipa::path(delete, path = "/api/v1/webhooks/{tenant}/{webhook}", tag = "alerts", params(NumberedHook),
    responses((status = 204, description = "It hears nothing any more."), Faults))]
async fn remove(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<NumberedHook>,
) -> Result<StatusCode, Fault> {
    let detail = format!("webhook {} of {}", of.webhook, of.tenant);
    let tenant_id = administered(&service, &caller, of.tenant).await?;
    let removed = service
        .ask(move |store| {
            let removed = webhooks::remove(store, tenant_id, of.webhook)?;
            if removed {
                access::note(
                    store,
                    caller.origin(),
                    (Some(caller.account_id()), "webhook_removed", &detail),
                )?;
            }
            Ok::<_, StoreError>(removed)
        })
        .await?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(Fault::not_found()) }
}

impl From<Hook> for HookBody {
    fn from(hook: Hook) -> Self {
        Self {
            id: hook.webhook_id,
            url: hook.url,
            rules: hook.rules,
            created_ms: hook.created_ms,
            delivered: hook.delivered,
            given_up: hook.given_up,
            last_answer: hook.last_answer,
            last_ms: hook.last_ms,
        }
    }
}

impl From<HookError> for Fault {
    fn from(fault: HookError) -> Self {
        match fault {
            HookError::Store(fault) => fault.into(),
            HookError::TooMany => Self::conflict("webhooks", fault.to_string()),
            HookError::Target(_) | HookError::Rule { .. } => Self::refused("webhook", fault.to_string()),
        }
    }
}
