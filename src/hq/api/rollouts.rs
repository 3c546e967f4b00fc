//! Roll-outs of settings and of software: for administrators of a chain.

use super::caller::Caller;
use super::faults::{Fault, Faults};
use super::input::{Json, Path};
use super::{Answer, Service};
use crate::hq::access::Role;
use crate::hq::fleet::rollout::Ring;
use crate::hq::fleet::rollouts::{self, Act, Change, Plan, RolloutError, Seeing, USUAL_SOAK, Whom};
use crate::hq::store::fleet::rollouts::{self as rows, Kind, MemberRow, RolloutRow};
use crate::hq::store::sales::tenant;
use crate::time::WallTime;
use crate::wire::v1::fleet::MAX_CONFIG_BYTES;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Roll-outs that are listed.
const MOST_LISTED: u32 = 100;

/// A chain in an address.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct Chain {
    /// The chain.
    #[param(example = "acme")]
    tenant: String,
}

/// A roll-out in an address.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct NumberedRollout {
    /// The chain.
    #[param(example = "acme")]
    tenant: String,
    /// As the list gives it.
    rollout: i64,
}

/// What is rolled out.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum KindBody {
    Config,
    Software,
}

/// A roll-out that is to be begun. Without boxes, stores and regions it is for the whole chain.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RolloutToMake {
    kind: KindBody,
    /// Of settings: TOML that goes into each box's text, tables key by key, lists as a whole.
    #[schema(max_length = 262144)]
    change: Option<String>,
    /// Of software: sha256 of a package that is here.
    package: Option<String>,
    /// What it is called in lists.
    #[schema(min_length = 1, max_length = 100)]
    title: String,
    /// Why.
    #[schema(min_length = 3, max_length = 300)]
    why: String,
    /// `store/box`.
    #[serde(default)]
    boxes: Vec<String>,
    /// Names of stores.
    #[serde(default)]
    stores: Vec<String>,
    /// Names of regions.
    #[serde(default)]
    regions: Vec<String>,
    /// How many boxes each ring reaches, with those before it: `1`, `10%`. Without it 1, 10%, 100%.
    #[schema(max_items = 10)]
    rings: Option<Vec<String>>,
    /// How long each box is watched after it has answered, s; 900 without it.
    #[schema(maximum = 604800)]
    soak_s: Option<u32>,
}

/// A roll-out that was begun.
#[derive(Debug, Serialize, ToSchema)]
struct BegunRollout {
    /// Its number.
    id: i64,
    /// Boxes, `store/box`, that are not part of it because they have never said what they count with.
    left_out: Vec<String>,
}

/// What is done with a roll-out.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ActBody {
    /// Go on, in spite of the boxes that are worse.
    Resume,
    /// Stop it.
    Stop,
    /// Give every box what it had before.
    TakeBack,
}

/// Something to be done with a roll-out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RolloutAct {
    r#do: ActBody,
    /// Why.
    #[schema(min_length = 3, max_length = 300)]
    why: String,
}

/// The roll-outs of a chain.
#[derive(Debug, Serialize, ToSchema)]
struct Rollouts {
    /// The newest first, without their boxes.
    rollouts: Vec<RolloutBody>,
}

/// A roll-out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rollout)]
struct RolloutBody {
    id: i64,
    /// `config` or `software`.
    kind: &'static str,
    title: String,
    /// TOML, or the sha256 of a package.
    change: String,
    why: String,
    /// Who began it.
    by: Option<String>,
    /// UTC ms.
    created_ms: i64,
    /// How long each box is watched, s.
    soak_s: u64,
    /// `running`, `stopped`, `done` or `taken_back`.
    state: String,
    /// Since when, UTC ms.
    since_ms: i64,
    /// Why it stopped or was taken back.
    reason: Option<String>,
    /// Boxes in all, asked, that have answered, and that are worse.
    counts: RolloutCounts,
    /// Its boxes, by ring; in the list empty.
    boxes: Vec<RolloutBox>,
}

/// How far a roll-out is.
#[derive(Debug, Default, Serialize, ToSchema)]
struct RolloutCounts {
    boxes: usize,
    asked: usize,
    answered: usize,
    worse: usize,
}

/// A box of a roll-out.
#[derive(Debug, Serialize, ToSchema)]
struct RolloutBox {
    store: String,
    #[serde(rename = "box")]
    box_name: String,
    /// From 0.
    ring: usize,
    /// `waiting`, `asked`, `taken`, `refused` or `retired`.
    state: &'static str,
    /// When it was asked, UTC ms.
    asked_ms: Option<i64>,
    /// When it had answered, UTC ms.
    answered_ms: Option<i64>,
    /// The version that it was given; of software null.
    version: Option<i64>,
    /// Why it is worse than before.
    worse: Option<String>,
    /// Whether somebody went on in spite of that.
    forgiven: bool,
    /// For how long it has been away, s; null: it is there, or was not asked yet.
    away_s: Option<u64>,
}

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(list, begin))
        .routes(routes!(one, act))
        .layer(DefaultBodyLimit::max(2 * MAX_CONFIG_BYTES + 256 * 1024))
}

/// The row of a chain that the caller administers; to others it is not there.
async fn administered(service: &Service, caller: &Caller, name: String) -> Result<i64, Fault> {
    let found = service.ask(move |store| store.read(|ask| tenant(ask, &name))).await?;
    found.filter(|tenant_id| caller.within(Role::Admin).holds_chain(*tenant_id)).ok_or_else(Fault::not_found)
}

/// The roll-outs of a chain
#[utoipa::path(get, path = "/api/v1/rollouts/{tenant}", tag = "fleet", params(Chain), responses((status = 200, body = Rollouts), Faults))]
async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<Chain>,
) -> Answer<Rollouts> {
    let tenant_id = administered(&service, &caller, of.tenant).await?;
    let rollouts = service
        .ask(move |store| {
            store.read(|ask| {
                let all = rows::of_tenant(ask, tenant_id, MOST_LISTED)?;
                let with_members = |row: RolloutRow| Ok((rows::members(ask, row.rollout_id)?, row));
                all.into_iter().map(with_members).collect::<Result<Vec<_>, _>>()
            })
        })
        .await?;
    let body = |(members, row): (Vec<MemberRow>, RolloutRow)| body(row, &members, Vec::new());
    Ok(axum::Json(Rollouts { rollouts: rollouts.into_iter().map(body).collect() }))
}

/// Begin a roll-out
#[utoipa::path(post, path = "/api/v1/rollouts/{tenant}", tag = "fleet", params(Chain), request_body = RolloutToMake,
    responses((status = 201, body = BegunRollout), Faults))]
async fn begin(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<Chain>,
    Json(new): Json<RolloutToMake>,
) -> Result<(StatusCode, axum::Json<BegunRollout>), Fault> {
    let tenant_id = administered(&service, &caller, of.tenant).await?;
    let plan = plan(new)?;
    let begun = service.ask(move |store| {
        rollouts::begin(store, tenant_id, &plan, (Some(caller.account_id()), caller.origin()))
    });
    let begun = begun.await?;
    let body = BegunRollout { id: begun.rollout_id, left_out: begun.left_out };
    Ok((StatusCode::CREATED, axum::Json(body)))
}

fn plan(new: RolloutToMake) -> Result<Plan, Fault> {
    let change = match (new.kind, new.change, new.package) {
        (KindBody::Config, Some(change), None) => Change::Config(change),
        (KindBody::Software, None, Some(package)) => Change::Software(package),
        _ => {
            return Err(Fault::refused(
                "change",
                "give `change` with kind config, or `package` with kind software",
            ));
        }
    };
    let rings = match new.rings {
        None => Ring::usual(),
        Some(rings) => {
            let read: Result<Vec<Ring>, _> = rings.iter().map(|text| Ring::parse(text)).collect();
            read.map_err(|fault| Fault::refused("rings", fault.to_string()))?
        }
    };
    let soak = new.soak_s.map_or(USUAL_SOAK, |seconds| Duration::from_secs(seconds.into()));
    let whom = Whom { boxes: new.boxes, stores: new.stores, regions: new.regions };
    Ok(Plan { change, whom, rings, soak, title: new.title, why: new.why })
}

/// A roll-out with its boxes
#[utoipa::path(get, path = "/api/v1/rollouts/{tenant}/{rollout}", tag = "fleet", params(NumberedRollout),
    responses((status = 200, body = RolloutBody), Faults))]
async fn one(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<NumberedRollout>,
) -> Answer<RolloutBody> {
    let tenant_id = administered(&service, &caller, of.tenant).await?;
    shown(&service, (tenant_id, of.rollout), caller.at()).await
}

/// Go on with a roll-out, stop it, or take it back
#[utoipa::path(post, path = "/api/v1/rollouts/{tenant}/{rollout}", tag = "fleet", params(NumberedRollout), request_body = RolloutAct,
    responses((status = 200, body = RolloutBody), Faults))]
async fn act(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<NumberedRollout>,
    Json(body): Json<RolloutAct>,
) -> Answer<RolloutBody> {
    let tenant_id = administered(&service, &caller, of.tenant).await?;
    let (place, at) = ((tenant_id, of.rollout), caller.at());
    let act = match body.r#do {
        ActBody::Resume => Act::Resume,
        ActBody::Stop => Act::Stop,
        ActBody::TakeBack => Act::TakeBack,
    };
    service
        .ask(move |store| {
            rollouts::act(store, place, (act, &body.why), (caller.account_id(), caller.origin()))
        })
        .await?;
    shown(&service, place, at).await
}

async fn shown(service: &Service, place: (i64, i64), now: WallTime) -> Answer<RolloutBody> {
    let seeing = service.ask(move |store| rollouts::seeing(store, place, now)).await?;
    let Seeing { row, members } = seeing.ok_or_else(Fault::not_found)?;
    let boxes = members.iter().map(of_box).collect();
    Ok(axum::Json(body(row, &members, boxes)))
}

fn body(row: RolloutRow, members: &[MemberRow], boxes: Vec<RolloutBox>) -> RolloutBody {
    let count = |is: &dyn Fn(&MemberRow) -> bool| members.iter().filter(|of| is(of)).count();
    RolloutBody {
        id: row.rollout_id,
        kind: match row.kind {
            Kind::Config => "config",
            Kind::Software => "software",
        },
        title: row.title,
        change: row.change,
        why: row.why,
        by: row.by,
        created_ms: row.created.unix_ms(),
        soak_s: row.soak.as_secs(),
        state: row.state,
        since_ms: row.since.unix_ms(),
        reason: row.reason,
        counts: RolloutCounts {
            boxes: members.len(),
            asked: count(&|of| of.member.asked.is_some()),
            answered: count(&|of| of.member.answered.is_some()),
            worse: count(&|of| of.member.worse.is_some()),
        },
        boxes,
    }
}

fn of_box(of: &MemberRow) -> RolloutBox {
    let state = match (of.is_retired, of.member.asked, of.taken) {
        (true, ..) => "retired",
        (_, None, _) => "waiting",
        (_, Some(_), None) => "asked",
        (_, Some(_), Some(true)) => "taken",
        (_, Some(_), Some(false)) => "refused",
    };
    RolloutBox {
        store: of.store.clone(),
        box_name: of.name.clone(),
        ring: of.member.ring,
        state,
        asked_ms: of.member.asked.map(WallTime::unix_ms),
        answered_ms: of.member.answered.map(WallTime::unix_ms),
        version: of.version,
        worse: of.member.worse.clone(),
        forgiven: of.member.is_forgiven,
        away_s: of.member.seen.away.map(|away| away.as_secs()),
    }
}

impl From<RolloutError> for Fault {
    fn from(fault: RolloutError) -> Self {
        match fault {
            RolloutError::Store(fault) => fault.into(),
            RolloutError::NotThere => Self::not_found(),
            RolloutError::Taken { .. } | RolloutError::State { .. } => {
                Self::conflict("rollout", fault.to_string())
            }
            _ => Self::refused("rollout", fault.to_string()),
        }
    }
}
