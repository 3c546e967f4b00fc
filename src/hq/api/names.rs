//! The stores that an account may read, by name: what every list and every page begins with.

use super::caller::Caller;
use super::faults::{Fault, Faults};
use super::{Answer, Service};
use crate::hq::access::{Role, StoreRow};
use crate::hq::store::access as rows;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A store as lists name it. Its address is `tenant/store`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StoreName {
    /// The chain.
    pub tenant: String,
    /// Its name in the chain.
    pub store: String,
    /// Its title, for people.
    pub title: String,
    /// The region's title; null without one.
    pub region: Option<String>,
    /// ISO 4217.
    pub currency: String,
    /// How many decimals the currency's smallest unit stands for.
    pub decimals: i64,
    /// Where it stands now: a name of the IANA time zone database.
    pub time_zone: String,
    /// Whether its figures are made up by `footfall-hq simulate`.
    pub simulated: bool,
}

/// The stores that the account may read.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stores {
    stores: Vec<StoreName>,
    /// Whether any of them is simulated.
    simulated: bool,
}

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(stores))
}

/// The stores that the account may read
#[utoipa::path(get, path = "/api/v1/stores", tag = "stores", responses((status = 200, body = Stores), Faults))]
async fn stores(State(service): State<Arc<Service>>, caller: Caller) -> Answer<Stores> {
    let scope = caller.readable();
    let rows = service.ask(move |store| store.read(|all| rows::stores(all, &scope))).await?;
    let simulated = rows.iter().any(|row| row.simulated);
    Ok(axum::Json(Stores { stores: rows.into_iter().map(StoreName::from).collect(), simulated }))
}

/// A store by its chain's name and its own, where the account has at least `role` in it.
///
/// # Errors
/// 404 where there is no such store and where the account may not read it, in the same words; 403 where it may read it and has not the role.
pub(super) async fn store_for(
    service: &Service,
    (caller, role): (&Caller, Role),
    (tenant, store): (String, String),
) -> Result<StoreRow, Fault> {
    let scope = caller.readable();
    let found = service.ask(move |all| all.read(|all| rows::store(all, &scope, (&tenant, &store)))).await?;
    let row = found.ok_or_else(Fault::not_found)?;
    if caller.may(role, &row) {
        return Ok(row);
    }
    Err(Fault::forbidden("role", "your role in this store does not allow that"))
}

/// Names of a store in an address: for `Path<Named>` and for `params(Named)`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Named {
    /// The chain.
    #[param(example = "acme")]
    pub(super) tenant: String,
    /// The store.
    #[param(example = "berlin")]
    pub(super) store: String,
}

impl From<StoreRow> for StoreName {
    fn from(row: StoreRow) -> Self {
        Self {
            tenant: row.tenant,
            store: row.name,
            title: row.title,
            region: row.region,
            currency: row.currency,
            decimals: row.decimals,
            time_zone: row.time_zone,
            simulated: row.simulated,
        }
    }
}
