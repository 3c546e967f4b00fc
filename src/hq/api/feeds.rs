//! Sales, web orders and staffing over HTTP: `POST /api/v1/feeds/{tenant}/sales|orders|staffing`.
//!
//! What comes is the same as in a file or over MQTT, and so is what becomes of it: [`crate::hq::sales::take`]. A row that is not understood
//! does not refuse the others; the answer lists it with its number. Only where nothing at all was understood is it 422.

use super::Service;
use super::caller::Feeder;
use super::faults::{Fault, Faults};
use super::input::Path;
use crate::hq::access::{Role, Scope, StoreRow};
use crate::hq::sales::{Feed, FeedError, Format, MaySend, Receipt, Sent, Way, take};
use crate::site::till::MAX_FEED_BYTES;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Whose stores a feed is about, and what it is about.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct Addressed {
    /// The chain.
    #[param(example = "acme")]
    tenant: String,
    /// `sales`, `orders` or `staffing`.
    #[param(example = "sales")]
    feed: String,
}

/// What became of a feed.
#[derive(Debug, Serialize, ToSchema)]
struct FeedReceipt {
    /// What is new.
    accepted: u64,
    /// What was here before, the same.
    duplicates: u64,
    /// What was here before and differs; what was sent now counts.
    replaced: u64,
    /// How many rows were put aside.
    put_aside: u64,
    /// The first 1,000 of them.
    aside: Vec<AsideRow>,
}

/// A row that was put aside.
#[derive(Debug, Serialize, ToSchema)]
struct AsideRow {
    /// Its place in what was sent, from 1; 0: all of it.
    row: u64,
    /// Why, in one word.
    reason: String,
    /// Why, for people.
    text: String,
}

impl From<Receipt> for FeedReceipt {
    fn from(receipt: Receipt) -> Self {
        let row = |aside: crate::site::till::Rejected| AsideRow {
            row: aside.row,
            reason: aside.fault.reason.name().to_owned(),
            text: aside.fault.words,
        };
        Self {
            accepted: receipt.put.accepted,
            duplicates: receipt.put.duplicates,
            replaced: receipt.put.replaced,
            put_aside: receipt.put_aside,
            aside: receipt.aside.into_iter().map(row).collect(),
        }
    }
}

impl From<FeedError> for Fault {
    fn from(fault: FeedError) -> Self {
        match fault {
            FeedError::Tenant { .. } => Self::not_found(),
            FeedError::TooLarge { .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", fault.to_string())
            }
            FeedError::Store(fault) => fault.into(),
        }
    }
}

/// The stores in which the sender may change something.
struct Within(Scope);

impl MaySend for Within {
    fn whole(&self, tenant_id: i64) -> bool {
        self.0.holds_chain(tenant_id)
    }

    fn store(&self, tenant_id: i64, region_id: Option<i64>, store_id: i64) -> bool {
        // Only the rows are asked for; what a store is called grants nothing.
        self.0.holds(&StoreRow {
            store_id,
            tenant_id,
            region_id,
            tenant: String::new(),
            region: None,
            name: String::new(),
            title: String::new(),
            currency: String::new(),
            decimals: 0,
            time_zone: String::new(),
            simulated: false,
        })
    }
}

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(feed)).layer(DefaultBodyLimit::max(MAX_FEED_BYTES))
}

/// Takes sales, web orders or staffing hours: JSON or CSV
#[utoipa::path(post, path = "/api/v1/feeds/{tenant}/{feed}", tag = "feeds", params(Addressed),
    request_body(content = String, content_type = "application/json"),
    responses((status = 200, body = FeedReceipt, description = "What was understood is stored"), Faults))]
async fn feed(
    State(service): State<Arc<Service>>,
    Feeder(caller): Feeder,
    Path(addressed): Path<Addressed>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fault> {
    let Addressed { tenant, feed } = addressed;
    let feed = Feed::named(&feed).ok_or_else(Fault::not_found)?;
    let format = format_of(&headers)?;
    let scope = caller.within(Role::Manager);
    let now = service.now();
    let taken = service.ask(move |store| {
        let sent = Sent { tenant: &tenant, feed, format, bytes: &body, way: Way::Http };
        if !may_know(&scope, store, &tenant)? {
            return Err(FeedError::Tenant { tenant: tenant.clone() });
        }
        take(&sent, &Within(scope.clone()), store, now)
    });
    let receipt = taken.await?;
    if receipt.is_refused() {
        let first = receipt.aside.first().map(|row| format!("row {}: {}", row.row, row.fault));
        let text = format!("nothing of it was understood; {}", first.unwrap_or_default());
        return Err(Fault::refused("feed", text));
    }
    Ok(axum::Json(FeedReceipt::from(receipt)).into_response())
}

/// Whether the sender has any store of this owner; to others the owner does not exist.
fn may_know(scope: &Scope, store: &crate::hq::store::Store, tenant: &str) -> Result<bool, FeedError> {
    let rows = store.read(|ask| crate::hq::store::access::stores(ask, scope))?;
    let chain = store.read(|ask| crate::hq::store::sales::tenant(ask, tenant))?;
    Ok(rows.iter().any(|row| row.tenant == tenant) || chain.is_some_and(|chain| scope.holds_chain(chain)))
}

fn format_of(headers: &HeaderMap) -> Result<Format, Fault> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim() {
        "application/json" | "application/x-ndjson" => Ok(Format::Json),
        "text/csv" => Ok(Format::Csv),
        _ => Err(Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media_type",
            "send `application/json` or `text/csv`",
        )),
    }
}
