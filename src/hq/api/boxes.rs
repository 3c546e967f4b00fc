//! One box: its health, configuration, commands and certificates.

use super::caller::Caller;
use super::faults::{Fault, Faults};
use super::input::{Json, Path, Query};
use super::names::store_for;
use super::{Answer, Service};
use crate::hq::access::{self, By, Role, StoreRow};
use crate::hq::fleet::boxes::{self, BoxDetail, Commands, ConfigHistory, GiveError, HealthHistory};
use crate::hq::fleet::commands::{self, Asked, CommandError, USUAL_LIFE};
use crate::hq::fleet::enrol::{self, EnrolError};
use crate::hq::store::StoreError;
use crate::hq::store::fleet::{self as rows, BoxKey};
use crate::wire::v1::fleet::MAX_CONFIG_BYTES;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Longest life of a link, days.
const MOST_LINK_DAYS: u32 = 14;
/// How far back health is told, hours: a month, or what was asked.
const USUAL_HOURS: u32 = 48;
const MOST_HOURS: u32 = 24 * 400;

/// A box in an address.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct NamedBox {
    /// The chain.
    #[param(example = "acme")]
    pub(super) tenant: String,
    /// The store.
    #[param(example = "berlin")]
    pub(super) store: String,
    /// The box.
    #[param(example = "acme-b1-door")]
    #[serde(rename = "box")]
    pub(super) box_name: String,
}

/// A command of a box in an address.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct NumberedCommand {
    /// The chain.
    #[param(example = "acme")]
    tenant: String,
    /// The store.
    #[param(example = "berlin")]
    store: String,
    /// The box.
    #[param(example = "acme-b1-door")]
    #[serde(rename = "box")]
    box_name: String,
    /// As the list gives it.
    command: i64,
}

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Back {
    /// Hours, 1 to 9600; 48 without it.
    #[param(minimum = 1, maximum = 9600)]
    hours: Option<u32>,
}

/// A link that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkToMake {
    /// For how many days it is good, 1 to 14; without it as head office's config file says.
    #[schema(minimum = 1, maximum = 14)]
    days: Option<u32>,
}

/// A link by which one box may enrol itself, once. It is shown this once.
#[derive(Debug, Serialize, ToSchema)]
struct EnrolmentLink {
    /// For `footfall enrol LINK` on the box.
    link: String,
    /// The same as a QR code, SVG.
    qr_svg: String,
    /// When it runs out, UTC ms.
    until_ms: i64,
}

/// A reason.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reason {
    /// Why; kept in the audit log.
    #[schema(min_length = 3, max_length = 300)]
    why: String,
}

/// Certificates that were revoked.
#[derive(Debug, Serialize, ToSchema)]
struct RevokedReport {
    /// How many. The broker has to be given `/api/v1/authority/revoked`.
    revoked: usize,
}

/// A whole text for a box.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TextToGive {
    /// TOML with `[detector]`, `[site]`, `[audit]`, `[[camera]]`, `[[sensor]]`: all of them, as they take the place of those in the box's own file.
    #[schema(max_length = 262144)]
    text: String,
    /// Why.
    #[schema(min_length = 3, max_length = 300)]
    why: String,
}

/// A version that was made.
#[derive(Debug, Serialize, ToSchema)]
struct GivenText {
    /// Its number.
    version: i64,
}

/// Something to be done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CommandToAsk {
    /// `snapshot`, `restart_camera` or `reread`.
    what: String,
    /// Of which camera; not with `reread`.
    camera: Option<String>,
    /// Why.
    #[schema(min_length = 3, max_length = 300)]
    why: String,
    /// For how long it is good, 5 to 3600 s; 60 without it.
    #[schema(minimum = 5, maximum = 3600)]
    expires_s: Option<u32>,
}

/// A command that was asked.
#[derive(Debug, Serialize, ToSchema)]
struct AskedCommand {
    /// Its number in the list.
    id: i64,
}

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(detail))
        .routes(routes!(health))
        .routes(routes!(make_link))
        .routes(routes!(revoke))
        .routes(routes!(config, give))
        .routes(routes!(asked, ask))
        .routes(routes!(picture))
        // A text in JSON has at most two bytes for each of its own.
        .layer(DefaultBodyLimit::max(2 * MAX_CONFIG_BYTES + 4096))
}

/// A box of a store in which the caller has this role, and the store; to those who may not read the store it is not there.
async fn box_in_store(
    service: &Service,
    (caller, role): (&Caller, Role),
    of: NamedBox,
) -> Result<(BoxKey, StoreRow), Fault> {
    let (tenant, store, name) = (of.tenant, of.store, of.box_name);
    let row = store_for(service, (caller, role), (tenant.clone(), store.clone())).await?;
    let found = service.ask(move |all| all.read(|ask| rows::find(ask, (&tenant, &store, &name)))).await?;
    Ok((found.ok_or_else(Fault::not_found)?, row))
}

async fn box_for(service: &Service, who: (&Caller, Role), of: NamedBox) -> Result<BoxKey, Fault> {
    Ok(box_in_store(service, who, of).await?.0)
}

/// A box: how it is, what it counts with, what it runs
#[utoipa::path(get, path = "/api/v1/fleet/{tenant}/{store}/{box}", tag = "fleet", params(NamedBox),
    responses((status = 200, body = BoxDetail), Faults))]
async fn detail(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<NamedBox>,
) -> Answer<BoxDetail> {
    let (key, row) = box_in_store(&service, (&caller, Role::Viewer), of).await?;
    let may_see_text = caller.may(Role::Manager, &row);
    Ok(axum::Json(service.ask(move |store| boxes::detail(store, &key, may_see_text)).await?))
}

/// How a box was, by hour
#[utoipa::path(get, path = "/api/v1/fleet/{tenant}/{store}/{box}/health", tag = "fleet", params(NamedBox, Back),
    responses((status = 200, body = HealthHistory), Faults))]
async fn health(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<NamedBox>,
    Query(asked): Query<Back>,
) -> Answer<HealthHistory> {
    let key = box_for(&service, (&caller, Role::Viewer), of).await?;
    let hours = asked.hours.unwrap_or(USUAL_HOURS);
    if !(1..=MOST_HOURS).contains(&hours) {
        return Err(Fault::refused("hours", "ask for 1 to 9600 hours"));
    }
    let back = Duration::from_secs(u64::from(hours) * 3600);
    Ok(axum::Json(service.ask(move |store| boxes::history(store, &key, (back, caller.at()))).await?))
}

/// Make a link by which the box enrols itself; one that was made before is worth nothing any more
#[utoipa::path(post, path = "/api/v1/fleet/{tenant}/{store}/{box}/enrolment", tag = "fleet", params(NamedBox), request_body = LinkToMake,
    responses((status = 201, body = EnrolmentLink), Faults))]
async fn make_link(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<NamedBox>,
    Json(body): Json<LinkToMake>,
) -> Result<(StatusCode, axum::Json<EnrolmentLink>), Fault> {
    let key = box_for(&service, (&caller, Role::Admin), of).await?;
    if body.days.is_some_and(|days| days == 0 || days > MOST_LINK_DAYS) {
        return Err(Fault::refused("days", "a link is good for 1 to 14 days"));
    }
    let life = body.days.map(|days| Duration::from_secs(u64::from(days) * 86_400));
    let fleet = service.fleet()?;
    let made = service
        .ask(move |store| {
            let made = enrol::make_link(&fleet, store, (key.box_id, life), caller.at())?;
            let who = (Some(caller.account_id()), "enrolment_link_made", &*boxes::about(&key));
            access::note(store, caller.origin(), who)?;
            Ok::<_, EnrolError>(made)
        })
        .await?;
    let qr_svg = enrol::qr_svg(made.link.reveal())
        .ok_or_else(|| Fault::inside(&"the link is too long for a QR code"))?;
    let link = EnrolmentLink { link: made.link.reveal().to_owned(), qr_svg, until_ms: made.until.unix_ms() };
    Ok((StatusCode::CREATED, axum::Json(link)))
}

/// Revoke the certificates of a box
#[utoipa::path(post, path = "/api/v1/fleet/{tenant}/{store}/{box}/revocation", tag = "fleet", params(NamedBox), request_body = Reason,
    responses((status = 200, body = RevokedReport), Faults))]
async fn revoke(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<NamedBox>,
    Json(body): Json<Reason>,
) -> Answer<RevokedReport> {
    let key = box_for(&service, (&caller, Role::Admin), of).await?;
    if !commands::is_reason(&body.why) {
        return Err(CommandError::Reason.into());
    }
    let revoked = service
        .ask(move |store| {
            let revoked = enrol::revoke(store, key.box_id, caller.at())?;
            let detail =
                format!("{}: {revoked} certificates, because: {}", boxes::about(&key), body.why.trim());
            access::note(
                store,
                caller.origin(),
                (Some(caller.account_id()), "certificates_revoked", &detail),
            )?;
            Ok::<_, StoreError>(revoked)
        })
        .await?;
    Ok(axum::Json(RevokedReport { revoked }))
}

/// The versions of a box's configuration
#[utoipa::path(get, path = "/api/v1/fleet/{tenant}/{store}/{box}/config", tag = "fleet", params(NamedBox),
    responses((status = 200, body = ConfigHistory), Faults))]
async fn config(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<NamedBox>,
) -> Answer<ConfigHistory> {
    let key = box_for(&service, (&caller, Role::Manager), of).await?;
    Ok(axum::Json(service.ask(move |store| boxes::versions(store, &key)).await?))
}

/// Give one box another configuration
#[utoipa::path(put, path = "/api/v1/fleet/{tenant}/{store}/{box}/config", tag = "fleet", params(NamedBox), request_body = TextToGive,
    responses((status = 200, body = GivenText), Faults))]
async fn give(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<NamedBox>,
    Json(body): Json<TextToGive>,
) -> Answer<GivenText> {
    let key = box_for(&service, (&caller, Role::Admin), of).await?;
    let given = service.ask(move |store| {
        boxes::give(store, &key, (&body.text, &body.why), (caller.account_id(), caller.origin()))
    });
    Ok(axum::Json(GivenText { version: given.await? }))
}

/// What a box was asked to do
#[utoipa::path(get, path = "/api/v1/fleet/{tenant}/{store}/{box}/commands", tag = "fleet", params(NamedBox),
    responses((status = 200, body = Commands), Faults))]
async fn asked(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<NamedBox>,
) -> Answer<Commands> {
    let key = box_for(&service, (&caller, Role::Manager), of).await?;
    Ok(axum::Json(service.ask(move |store| boxes::asked(store, &key, caller.at())).await?))
}

/// Ask a box to do something now
#[utoipa::path(post, path = "/api/v1/fleet/{tenant}/{store}/{box}/commands", tag = "fleet", params(NamedBox), request_body = CommandToAsk,
    responses((status = 202, body = AskedCommand), Faults))]
async fn ask(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<NamedBox>,
    Json(body): Json<CommandToAsk>,
) -> Result<(StatusCode, axum::Json<AskedCommand>), Fault> {
    let key = box_for(&service, (&caller, Role::Manager), of).await?;
    let life = body.expires_s.map_or(USUAL_LIFE, |seconds| Duration::from_secs(seconds.into()));
    let asked = Asked { what: body.what, camera: body.camera, why: body.why, life };
    let id = service
        .ask(move |store| {
            let about = boxes::about(&key);
            commands::ask(store, (key.box_id, &about), &asked, (caller.account_id(), caller.origin()))
        })
        .await?;
    Ok((StatusCode::ACCEPTED, axum::Json(AskedCommand { id })))
}

/// The picture of a command; each look is in the audit log
#[utoipa::path(get, path = "/api/v1/fleet/{tenant}/{store}/{box}/commands/{command}/picture", tag = "fleet", params(NumberedCommand),
    responses((status = 200, body = Vec<u8>, content_type = "image/jpeg"), Faults))]
async fn picture(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<NumberedCommand>,
) -> Result<Response, Fault> {
    let named = NamedBox { tenant: of.tenant, store: of.store, box_name: of.box_name };
    let key = box_for(&service, (&caller, Role::Manager), named).await?;
    if caller.by() != By::Session {
        return Err(Fault::forbidden(
            "token_reads",
            "a picture is for the eyes of a person; sign in to look at it",
        ));
    }
    let found = service.ask(move |store| {
        let about = boxes::about(&key);
        commands::look_at_picture(
            store,
            (key.box_id, &about),
            of.command,
            (caller.account_id(), caller.origin()),
        )
    });
    let jpeg = found.await?.ok_or_else(Fault::not_found)?;
    let headers = [(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, jpeg).into_response())
}

impl From<EnrolError> for Fault {
    fn from(fault: EnrolError) -> Self {
        match fault {
            EnrolError::Store(fault) => fault.into(),
            EnrolError::NotSetUp => Self::conflict("fleet", fault.to_string()),
            EnrolError::Token => Self::forbidden("enrol", fault.to_string()),
            EnrolError::Authority(crate::hq::fleet::authority::AuthorityError::Request) => {
                Self::refused("csr", fault.to_string())
            }
            EnrolError::Authority(fault) => Self::inside(&fault),
        }
    }
}

impl From<GiveError> for Fault {
    fn from(fault: GiveError) -> Self {
        match fault {
            GiveError::Store(fault) => fault.into(),
            GiveError::Reason => Self::refused("why", fault.to_string()),
            GiveError::Twin(fault) => Self::refused("config", fault.to_string()),
        }
    }
}

impl From<CommandError> for Fault {
    fn from(fault: CommandError) -> Self {
        match fault {
            CommandError::Store(fault) => fault.into(),
            CommandError::TooOften => Self::conflict("commands", fault.to_string()),
            CommandError::Reason => Self::refused("why", fault.to_string()),
            CommandError::Kind { .. } | CommandError::Life => Self::refused("command", fault.to_string()),
        }
    }
}
