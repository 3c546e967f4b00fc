//! How a box enrols itself, and what is no secret of the boxes' certificates: open to anybody.

use super::caller::Visitor;
use super::faults::{Fault, Faults};
use super::input::Json;
use super::{Answer, Service};
use crate::hq::access;
use crate::hq::fleet::authority::MAX_CSR_BYTES;
use crate::hq::fleet::enrol::{self, EnrolError};
use crate::wire::v1::fleet::{EnrolRequest, Enrolled};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A token with which a box may enrol, and the key that it made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BoxToEnrol {
    /// What follows the `#` of the link; used once.
    #[schema(example = "ffen_0")]
    token: String,
    /// Signing request, PEM.
    csr: String,
    /// Name and version of the software.
    software: String,
    /// Processor architecture, as packages have it.
    #[schema(example = "arm64")]
    arch: String,
}

/// Who a box is, where it delivers, and its certificate.
#[derive(Debug, Serialize, ToSchema)]
struct EnrolledBox {
    /// The chain.
    tenant: String,
    /// The store.
    store: String,
    /// The box.
    #[serde(rename = "box")]
    box_id: String,
    /// Where it delivers.
    broker: BrokerPlace,
    /// The box's certificate, PEM.
    certificate: String,
    /// The authorities that the broker's certificate may be of, PEM.
    ca: String,
    /// When the certificate runs out, UTC ms.
    until_ms: i64,
}

/// Where the broker is.
#[derive(Debug, Serialize, ToSchema)]
struct BrokerPlace {
    /// Host name or address.
    host: String,
    /// Port; the connection is TLS.
    port: u16,
}

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(enrol_box))
        .routes(routes!(ca))
        .routes(routes!(revoked))
        .layer(DefaultBodyLimit::max(2 * MAX_CSR_BYTES))
}

/// Enrol a box: for the box itself
#[utoipa::path(post, path = "/api/v1/enrol", tag = "fleet", security(()), request_body = BoxToEnrol,
    responses((status = 200, body = EnrolledBox), Faults))]
async fn enrol_box(
    State(service): State<Arc<Service>>,
    visitor: Visitor,
    Json(body): Json<BoxToEnrol>,
) -> Answer<EnrolledBox> {
    service.door.enrol(&visitor)?;
    let fleet = service.fleet()?;
    let asked = EnrolRequest { token: body.token, csr: body.csr, software: body.software, arch: body.arch };
    let enrolled: Enrolled = service
        .ask(move |store| match enrol::enrol(&fleet, store, &asked, visitor.at()) {
            Ok((enrolled, _)) => {
                let about = format!("{}/{}/{}", enrolled.tenant, enrolled.store, enrolled.box_id);
                access::note(store, visitor.origin(), (None, "box_enrolled", &about))?;
                Ok(enrolled)
            }
            Err(EnrolError::Token) => {
                // Anybody may try: what strangers send fills no database. The door lets few through.
                tracing::warn!(
                    "somebody at {} tried to enrol with a link that is not good",
                    visitor.address()
                );
                Err(EnrolError::Token)
            }
            Err(fault) => Err(fault),
        })
        .await?;
    Ok(axum::Json(EnrolledBox {
        tenant: enrolled.tenant,
        store: enrolled.store,
        box_id: enrolled.box_id,
        broker: BrokerPlace { host: enrolled.broker.host, port: enrolled.broker.port },
        certificate: enrolled.certificate,
        ca: enrolled.ca,
        until_ms: enrolled.until_ms,
    }))
}

/// The certificate of the authority that signs the boxes' certificates, PEM: for the broker
#[utoipa::path(get, path = "/api/v1/authority/ca", tag = "fleet", security(()),
    responses((status = 200, body = String, content_type = "application/x-pem-file"), Faults))]
async fn ca(State(service): State<Arc<Service>>, visitor: Visitor) -> Result<Response, Fault> {
    let fleet = service.fleet()?;
    let pem =
        service.ask(move |_| Ok::<_, EnrolError>(fleet.authority.certificate(visitor.at())?.to_owned()));
    Ok(pem_answer(pem.await?))
}

/// What the authority has revoked, a list in PEM: for the broker; good for a week
#[utoipa::path(get, path = "/api/v1/authority/revoked", tag = "fleet", security(()),
    responses((status = 200, body = String, content_type = "application/x-pem-file"), Faults))]
async fn revoked(State(service): State<Arc<Service>>, visitor: Visitor) -> Result<Response, Fault> {
    // Signed anew each time: as much work as an enrolment.
    service.door.enrol(&visitor)?;
    let fleet = service.fleet()?;
    Ok(pem_answer(service.ask(move |store| enrol::revoked_list(&fleet, store, visitor.at())).await?))
}

fn pem_answer(pem: String) -> Response {
    ([(header::CONTENT_TYPE, "application/x-pem-file")], pem).into_response()
}
