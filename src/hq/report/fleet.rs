//! The boxes of the stores: who is there, whose data is late, which camera is not right, what is missing; and alerts.

use super::ReportError;
use crate::hq::access::{Scope, StoreRow};
use crate::hq::fleet::boxes::{HealthReport, config_state as config_status, health_report};
use crate::hq::store::Store;
use crate::hq::store::access as names;
use crate::hq::store::fleet::{self as fleet_rows, told::ToldRow};
use crate::hq::store::report::fleet::{self as rows, BoxRow, LostRow};
use crate::time::WallTime;
use crate::wire::v1::fleet::ConfigReported;
use crate::wire::v1::{BoxStatus, CameraStatus, State};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;
use utoipa::ToSchema;

/// Boxes send once a minute. What is older on its arrival, or has not come for so long, is late.
const LATE: Duration = Duration::from_secs(300);

/// Alerts that ended are shown for so long.
const RECENT: Duration = Duration::from_secs(14 * 24 * 3600);

/// The boxes of the stores that may be read.
#[derive(Debug, Serialize, ToSchema)]
pub struct Fleet {
    /// Each box.
    pub boxes: Vec<BoxReport>,
    /// Boxes that send and are not in the register; for those who may read the whole chain.
    pub strangers: Vec<Stranger>,
    /// What could not be read, the newest first.
    pub aside: Vec<Aside>,
}

/// A box.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoxReport {
    /// The chain.
    pub tenant: String,
    /// The store.
    pub store: String,
    /// The box.
    #[serde(rename = "box")]
    pub box_name: String,
    /// `online`, `offline`, `stopped` or `never_seen`.
    pub state: &'static str,
    /// Since when, UTC ms.
    pub since_ms: Option<i64>,
    /// Name and version of its software.
    pub software: Option<String>,
    /// Whether its clock was set; absent where it does not say.
    pub clock_ok: Option<bool>,
    /// The number up to which nothing is missing.
    pub watermark: i64,
    /// The highest number that arrived.
    pub highest: i64,
    /// When its last record was made, UTC ms.
    pub last_record_ms: Option<i64>,
    /// How old that was when it arrived.
    pub lag_s: Option<f64>,
    /// Whether its data is late: online and silent, or old when it arrives.
    pub late: bool,
    /// Ranges of numbers that are missing.
    pub missing: Vec<[i64; 2]>,
    /// Ranges that never come.
    pub lost: Vec<Lost>,
    /// Its cameras.
    pub cameras: Vec<CameraReport>,
    /// What a person should look at.
    pub problems: Vec<ProblemReport>,
    /// How right its lines count.
    pub audit: Vec<AuditReport>,
    /// How it was last; null: it has never said so.
    pub health: Option<HealthReport>,
    /// How it stands to what it is to count with.
    pub config: ConfigState,
    /// When its newest certificate that is not revoked runs out, UTC ms; null: head office signed none.
    pub certificate_until_ms: Option<i64>,
}

/// How a box stands to what it is to count with.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfigState {
    /// The version that is desired; 0: none ever was.
    pub desired: i64,
    /// `local`, `trial`, `applied`, `refused` or `rolled_back`; null: it never said.
    pub status: Option<&'static str>,
    /// The version in force; 0: its own file.
    pub in_force: Option<u64>,
}

/// Numbers that never come.
#[derive(Debug, Serialize, ToSchema)]
pub struct Lost {
    /// First.
    pub first: i64,
    /// Last, included.
    pub last: i64,
    /// Why.
    pub why: String,
}

/// A camera, as its box told.
#[derive(Debug, Serialize, ToSchema)]
pub struct CameraReport {
    /// Its name.
    pub camera: String,
    /// `up`, `down` or `connecting`.
    pub state: &'static str,
    /// `frozen`, `blocked`, `dark`, `moved`; empty is good.
    pub conditions: Vec<String>,
}

/// Something that a person should look at.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemReport {
    /// What it is about.
    pub about: String,
    /// What is wrong and what to do.
    pub text: String,
    /// Since when, UTC ms.
    pub since_ms: i64,
}

/// How right a line counts.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditReport {
    /// The camera.
    pub camera: String,
    /// The line.
    pub line: String,
    /// 1 - errors per person.
    pub accuracy: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Minutes that a person counted again.
    pub minutes: u64,
    /// People in them.
    pub people: u64,
    /// Start of the first, UTC ms.
    pub from_ms: i64,
    /// End of the last, UTC ms.
    pub to_ms: i64,
}

/// A box that is not in the register.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stranger {
    /// Where it sends.
    pub topic: String,
    /// What it calls itself.
    #[serde(rename = "box")]
    pub box_name: String,
    /// First heard, UTC ms.
    pub first_ms: i64,
    /// Last heard, UTC ms.
    pub last_ms: i64,
    /// How often.
    pub messages: i64,
}

/// What could not be read.
#[derive(Debug, Serialize, ToSchema)]
pub struct Aside {
    /// Its number.
    pub id: i64,
    /// When it came, UTC ms.
    pub at_ms: i64,
    /// On which topic.
    pub topic: String,
    /// Why it is not taken.
    pub reason: String,
    /// How large it is.
    pub bytes: i64,
}

/// Alerts that are open, and those that ended in the last 14 days.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alerts {
    /// The newest first.
    pub alerts: Vec<Alert>,
}

/// An alert.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alert {
    /// Its number.
    pub id: i64,
    /// `no_data`, `camera_moved`, `queue`, `traffic`, `alarm`, `certificate`, `rollout_stopped`, `disk_full`, `too_hot` or `clock`.
    pub rule: String,
    /// The chain.
    pub tenant: String,
    /// The store.
    pub store: String,
    /// A box, a camera, a zone.
    pub about: String,
    /// UTC ms.
    pub began_ms: i64,
    /// UTC ms; null while it is open.
    pub ended_ms: Option<i64>,
    /// For the catalogue.
    pub text: AlertText,
}

/// A key of the pages' catalogue, and its values.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertText {
    /// The rule.
    pub key: String,
    /// What belongs into the sentence: texts and numbers.
    #[schema(value_type = Object)]
    pub values: BTreeMap<String, serde_json::Value>,
}

/// What is told of the boxes.
///
/// # Errors
/// [`ReportError`].
pub fn fleet(store: &Store, scope: &Scope, now: WallTime) -> Result<Fleet, ReportError> {
    Ok(store.read(|ask| {
        let stores = names::stores(ask, scope)?;
        let by_id: BTreeMap<i64, &StoreRow> = stores.iter().map(|of| (of.store_id, of)).collect();
        let mut boxes = Vec::new();
        for (store_id, of_box) in rows::boxes(ask)? {
            let Some(of) = by_id.get(&store_id) else { continue };
            let arrived = rows::received_above(ask, &of_box)?;
            let lost = rows::lost(ask, of_box.box_id)?;
            let more = (
                fleet_rows::told::of_box(ask, of_box.box_id)?,
                fleet_rows::twin::version(ask, of_box.box_id)?,
            );
            let until = fleet_rows::certificates::end(ask, of_box.box_id)?;
            boxes.push(BoxReport {
                certificate_until_ms: until.map(WallTime::unix_ms),
                ..report(of, of_box, (&arrived, lost), more, now)
            });
        }
        // Whose a stranger is its topic says, and anybody may write that: only who reads a whole chain sees its strangers.
        let chains: Vec<String> = scope
            .chains()
            .iter()
            .filter_map(|id| stores.iter().find(|of| of.tenant_id == *id))
            .map(|of| format!("footfall/v1/{}/", of.tenant))
            .collect();
        let is_ours = |topic: &str| chains.iter().any(|chain| topic.starts_with(chain.as_str()));
        let strangers = rows::strangers(ask)?.into_iter().filter(|stranger| is_ours(&stranger.topic));
        let aside = rows::aside(ask)?.into_iter().filter(|aside| match aside.store_id {
            Some(store_id) => by_id.contains_key(&store_id),
            None => is_ours(&aside.topic),
        });
        Ok(Fleet {
            boxes,
            strangers: strangers.map(stranger).collect(),
            aside: aside.map(put_aside).collect(),
        })
    })?)
}

/// All that could not be read and every stranger, whoever they belong to: for whoever may read the database's file.
///
/// # Errors
/// [`ReportError`].
pub fn everything_aside(store: &Store) -> Result<(Vec<Aside>, Vec<Stranger>), ReportError> {
    let (aside, strangers) = store.read(|ask| Ok((rows::aside(ask)?, rows::strangers(ask)?)))?;
    Ok((aside.into_iter().map(put_aside).collect(), strangers.into_iter().map(stranger).collect()))
}

fn stranger(row: rows::StrangerRow) -> Stranger {
    Stranger {
        topic: row.topic,
        box_name: row.name,
        first_ms: row.first_ms,
        last_ms: row.last_ms,
        messages: row.messages,
    }
}

fn put_aside(row: rows::AsideRow) -> Aside {
    Aside { id: row.aside_id, at_ms: row.at_ms, topic: row.topic, reason: row.reason, bytes: row.bytes }
}

/// What lies between the watermark and what arrived above it.
fn missing(watermark: i64, arrived: &[(i64, i64)]) -> Vec<[i64; 2]> {
    let mut next = watermark + 1;
    let mut missing = Vec::new();
    for (first, last) in arrived {
        if *first > next {
            missing.push([next, first - 1]);
        }
        next = next.max(last + 1);
    }
    missing
}

fn report(
    of: &StoreRow,
    row: BoxRow,
    (arrived, lost): (&[(i64, i64)], Vec<LostRow>),
    (said, desired): (ToldRow, i64),
    now: WallTime,
) -> BoxReport {
    // What ingest kept it had read; an older one that no longer reads is as good as none.
    let told: Option<State> = row.state.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let state = told.as_ref().map_or("never_seen", |told| match told.state {
        BoxStatus::Online => "online",
        BoxStatus::Offline => "offline",
        BoxStatus::Stopped => "stopped",
    });
    let late_ms = LATE.as_millis() as i64;
    let is_silent =
        state == "online" && row.last_record_ms.is_some_and(|at| now.unix_ms().saturating_sub(at) > late_ms);
    let missing = missing(row.watermark, arrived);
    let (since_ms, software) =
        told.as_ref().map_or((None, None), |told| (Some(told.since_ms), Some(told.software.clone())));
    let clock_ok = told.as_ref().and_then(|told| told.clock_ok);
    let (cameras, problems, audit) = told.map(parts).unwrap_or_default();
    BoxReport {
        tenant: of.tenant.clone(),
        store: of.name.clone(),
        box_name: row.name,
        state,
        since_ms,
        software,
        clock_ok,
        watermark: row.watermark,
        highest: row.highest,
        last_record_ms: row.last_record_ms,
        lag_s: row.lag_ms.map(|ms| ms as f64 / 1000.0),
        late: is_silent || row.lag_ms.is_some_and(|ms| ms > late_ms),
        missing,
        lost: lost.into_iter().map(|row| Lost { first: row.first, last: row.last, why: row.why }).collect(),
        cameras,
        problems,
        audit,
        health: said.health.and_then(|(text, at)| health_report(&text, at)),
        config: config_state(desired, said.config.as_ref().map(|(text, _)| text)),
        certificate_until_ms: None,
    }
}

fn config_state(desired: i64, said: Option<&String>) -> ConfigState {
    let said: Option<ConfigReported> = said.and_then(|text| serde_json::from_str(text).ok());
    ConfigState {
        desired,
        status: said.as_ref().map(|said| config_status(said.status)),
        in_force: said.map(|said| said.in_force),
    }
}

fn parts(told: State) -> (Vec<CameraReport>, Vec<ProblemReport>, Vec<AuditReport>) {
    // A condition of a camera's pictures is told as a problem of `picture`, camera and condition.
    let conditions = |camera: &str| -> Vec<String> {
        let of = |about: &str| {
            let mut words = about.split(' ');
            let is_its = words.next() == Some("picture") && words.next() == Some(camera);
            is_its.then(|| words.next().unwrap_or_default().to_owned())
        };
        told.problems.iter().filter_map(|problem| of(&problem.about)).collect()
    };
    let cameras = told.cameras.iter().map(|of| CameraReport {
        camera: of.camera.clone(),
        state: match of.state {
            CameraStatus::Up => "up",
            CameraStatus::Down => "down",
            CameraStatus::Connecting => "connecting",
        },
        conditions: conditions(&of.camera),
    });
    let cameras = cameras.collect();
    let problem = |of: crate::wire::v1::Problem| ProblemReport {
        about: of.about,
        text: of.text,
        since_ms: of.since_ms,
    };
    let audit = told.audit.into_iter().map(|of| AuditReport {
        camera: of.camera,
        line: of.line,
        accuracy: of.accuracy,
        low: of.low,
        high: of.high,
        minutes: of.minutes,
        people: of.people,
        from_ms: of.from_ms,
        to_ms: of.to_ms,
    });
    (cameras, told.problems.into_iter().map(problem).collect(), audit.collect())
}

/// Alerts of the stores that may be read.
///
/// # Errors
/// [`ReportError`].
pub fn alerts(store: &Store, scope: &Scope, now: WallTime) -> Result<Alerts, ReportError> {
    let (stores, alerts) =
        store.read(|ask| Ok((names::stores(ask, scope)?, rows::alerts(ask, (now - RECENT).unix_ms())?)))?;
    let alert = |row: rows::AlertRow| {
        let of = stores.iter().find(|of| of.store_id == row.store_id)?;
        Some(Alert {
            id: row.alert_id,
            tenant: of.tenant.clone(),
            store: of.name.clone(),
            about: row.about,
            began_ms: row.began_ms,
            ended_ms: row.ended_ms,
            // What the alert rules wrote is a JSON object.
            text: AlertText {
                key: row.rule.clone(),
                values: serde_json::from_str(&row.detail).unwrap_or_default(),
            },
            rule: row.rule,
        })
    };
    Ok(Alerts { alerts: alerts.into_iter().filter_map(alert).collect() })
}
