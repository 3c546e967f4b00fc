//! Roll-outs as people ask for them and as time drives them: what [`rollout`](super::rollout) decides is done here, one transaction for each.
//!
//! What is not obvious: what is sent takes the place of all that may be changed from afar in the box's own file, so a change is made to what the box counts
//! with: what it was given last, or what it said of its own file. Nothing of a roll-out is held in memory. Each look reads it anew, so a head office that was away goes on where it was.

use super::commands::is_reason;
use super::rollout::{self, Cameras, End, Member, Ring, Seen, Step};
use super::twin::{CheckedText, TwinError, merged};
use crate::hq::access::{Origin, note_in};
use crate::hq::store::fleet::rollouts::{self as rows, Kind, MemberRow, NewRollout, RolloutRow};
use crate::hq::store::fleet::twin::NewConfig;
use crate::hq::store::fleet::{BoxKey, of_tenant, packages, told, twin};
use crate::hq::store::{Store, StoreError, WriteError, fleet as db};
use crate::time::WallTime;
use crate::wire::v1::fleet::{ConfigReported, ConfigStatus, Health, SoftwareReported, SoftwareStatus};
use crate::wire::v1::{BoxStatus, CameraStatus, State};
use std::time::Duration;

/// Where head office's own steps come from, in the audit log.
const ADDRESS: &str = "head office";
/// How long each box is watched after it has answered, where nobody says otherwise, and at most.
pub const USUAL_SOAK: Duration = Duration::from_secs(15 * 60);
const LONGEST_SOAK: Duration = Duration::from_secs(7 * 86_400);
/// Health is a minute old at most; one that is older than this says that the box is away.
const HEALTH_PATIENCE: Duration = Duration::from_secs(5 * 60);
/// Head office has to have heard boxes for so long before their silence says anything: longer than [`HEALTH_PATIENCE`].
const HEARING_PATIENCE: Duration = Duration::from_secs(6 * 60);
/// Longest title.
const MAX_TITLE: usize = 100;
/// Rings of a roll-out.
const MOST_RINGS: usize = 10;

/// Why a roll-out is not begun, or not changed.
#[derive(Debug, thiserror::Error)]
pub enum RolloutError {
    /// The change cannot be sent.
    #[error(transparent)]
    Twin(#[from] TwinError),
    /// The change cannot be made to what a box has.
    #[error("box {name}: {fault}")]
    OfBox {
        /// The box.
        name: String,
        /// Why.
        fault: TwinError,
    },
    /// Nobody knows what the box counts with.
    #[error(
        "box {name} has never said what it counts with, so nothing can be changed in it; give it a whole text on its page"
    )]
    NeverSaid {
        /// The box.
        name: String,
    },
    /// No such package here.
    #[error("no package with that sha256 lies here; add it first")]
    Package,
    /// Nobody to give it to.
    #[error("no box of this chain is meant; look at the names of boxes, stores and regions")]
    Nobody,
    /// One of them is not there.
    #[error("{name} is no box, store or region of this chain")]
    Unknown {
        /// What was named.
        name: String,
    },
    /// Another roll-out is not over.
    #[error("box {name} is in roll-out {rollout}, which is not over; end it or take it back first")]
    Taken {
        /// The box.
        name: String,
        /// The other roll-out.
        rollout: i64,
    },
    /// Title, reason, rings or soak time.
    #[error("{0}")]
    Asked(String),
    /// It is not in a state in which that can be done.
    #[error("this roll-out is {state}; {why}")]
    State {
        /// In which it is.
        state: String,
        /// What can be done.
        why: &'static str,
    },
    /// It is not there.
    #[error("there is no such roll-out")]
    NotThere,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is rolled out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// TOML that goes into each box's text.
    Config(String),
    /// A package, by its sha256.
    Software(String),
}

/// For whom: everything empty is the whole chain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Whom {
    /// `store/box`.
    pub boxes: Vec<String>,
    /// Names of stores.
    pub stores: Vec<String>,
    /// Names of regions.
    pub regions: Vec<String>,
}

/// A roll-out that somebody asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What.
    pub change: Change,
    /// For whom.
    pub whom: Whom,
    /// In which steps.
    pub rings: Vec<Ring>,
    /// How long each box is watched.
    pub soak: Duration,
    /// What it is called in lists.
    pub title: String,
    /// Why.
    pub why: String,
}

/// What somebody does with a roll-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Goes on, in spite of the boxes that are worse by now.
    Resume,
    /// Stops it.
    Stop,
    /// Gives every box what it had before.
    TakeBack,
}

/// A roll-out with its boxes as they are now.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::hq) struct Seeing {
    pub(in crate::hq) row: RolloutRow,
    pub(in crate::hq) members: Vec<MemberRow>,
}

/// A roll-out that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Its number.
    pub rollout_id: i64,
    /// Boxes, `store/box`, that are not part of it because they have never said what they count with.
    pub left_out: Vec<String>,
}

/// Begins a roll-out. The first ring is asked by the next look.
///
/// # Errors
/// [`RolloutError`]; then nothing has changed.
pub fn begin(
    store: &Store,
    tenant_id: i64,
    plan: &Plan,
    (account_id, from): (Option<i64>, Origin<'_>),
) -> Result<Begun, RolloutError> {
    let (kind, change) = checked(plan)?;
    store.write(|all| {
        let mut boxes = chosen(&of_tenant(all, tenant_id)?, &plan.whom).map_err(WriteError::Refused)?;
        let mut left_out = Vec::new();
        if kind == Kind::Config {
            left_out = fitting(all, &mut boxes, change)?;
            let is_named = |key: &BoxKey| plan.whom.boxes.contains(&named(key));
            let unknown = left_out.iter().find(|key| boxes.is_empty() || is_named(key));
            if let Some(key) = unknown {
                return Err(WriteError::Refused(RolloutError::NeverSaid {
                    name: key.names.box_id.to_string(),
                }));
            }
        }
        if kind == Kind::Software && !packages::find(all, change)?.is_some_and(|row| row.is_here) {
            return Err(WriteError::Refused(RolloutError::Package));
        }
        let ids: Vec<i64> = boxes.iter().map(|key| key.box_id).collect();
        if let Some((rollout, name)) = rows::taken_box(all, kind, &ids)? {
            return Err(WriteError::Refused(RolloutError::Taken { name, rollout }));
        }
        // Boxes that are there come first: who is offline says nothing of a change.
        let mut order: Vec<(bool, i64)> = Vec::new();
        for box_id in ids {
            let is_away = away(all, box_id, from.at)?.is_some();
            order.push((is_away, box_id));
        }
        order.sort_by_key(|(is_away, _)| *is_away);
        let rings = rollout::rings_of(order.len(), &plan.rings);
        let members: Vec<(i64, usize)> = order.iter().map(|(_, box_id)| *box_id).zip(rings).collect();
        let (title, why) = (plan.title.trim(), plan.why.trim());
        let new =
            NewRollout { tenant_id, kind, title, change, why, account_id, now: from.at, soak: plan.soak };
        let rollout_id = rows::put(all, new, &members)?;
        let detail = format!(
            "roll-out {rollout_id} of {} to {} boxes: {title}, because: {why}",
            kind.name(),
            members.len()
        );
        note_in(all, from, (account_id, "rollout_begun", &detail))?;
        Ok(Begun { rollout_id, left_out: left_out.iter().map(named).collect() })
    })
}

/// Leaves those boxes to which the change can be made; gives those of which nobody knows what they count with.
fn fitting(
    all: &db::Asking,
    boxes: &mut Vec<BoxKey>,
    change: &str,
) -> Result<Vec<BoxKey>, WriteError<RolloutError>> {
    let mut left_out = Vec::new();
    let mut fit = Vec::new();
    for key in boxes.drain(..) {
        match text_of(all, key.box_id)? {
            None => left_out.push(key),
            Some(before) => {
                let name = key.names.box_id.to_string();
                merged(&before, change)
                    .map_err(|fault| WriteError::Refused(RolloutError::OfBox { name, fault }))?;
                fit.push(key);
            }
        }
    }
    *boxes = fit;
    Ok(left_out)
}

/// What a box counts with, or is to: what it was given last, or what it said of its own file.
fn text_of(all: &db::Asking, box_id: i64) -> Result<Option<String>, db::Failed> {
    if let Some((_, _, text)) = twin::desired(all, box_id)? {
        return Ok(Some(text));
    }
    let told = told::of_box(all, box_id)?.config;
    let reported = told.and_then(|(text, _)| serde_json::from_str::<ConfigReported>(&text).ok());
    Ok(reported.and_then(|reported| reported.text))
}

/// A box as people write it within a chain.
fn named(key: &BoxKey) -> String {
    format!("{}/{}", key.names.store, key.names.box_id)
}

fn checked(plan: &Plan) -> Result<(Kind, &str), RolloutError> {
    let title = plan.title.trim();
    if title.is_empty() || title.chars().count() > MAX_TITLE || title.chars().any(char::is_control) {
        return Err(RolloutError::Asked(format!("give it a title of 1 to {MAX_TITLE} letters")));
    }
    if !is_reason(&plan.why) {
        return Err(RolloutError::Asked("say why, in 3 to 300 letters".to_owned()));
    }
    if plan.soak > LONGEST_SOAK {
        return Err(RolloutError::Asked("boxes are watched for at most 7 days".to_owned()));
    }
    if plan.rings.is_empty() || plan.rings.len() > MOST_RINGS {
        return Err(RolloutError::Asked(format!("give 1 to {MOST_RINGS} rings")));
    }
    match &plan.change {
        Change::Config(text) => {
            CheckedText::new(text)?;
            Ok((Kind::Config, text))
        }
        Change::Software(sha256) => Ok((Kind::Software, sha256)),
    }
}

/// The boxes that are meant; the register's simulated stores have none.
fn chosen(all: &[BoxKey], whom: &Whom) -> Result<Vec<BoxKey>, RolloutError> {
    let unknown = |names: &[String], is_there: &dyn Fn(&str) -> bool| {
        let name = names.iter().find(|name| !is_there(name))?;
        Some(RolloutError::Unknown { name: name.chars().take(120).collect() })
    };
    let no_box = unknown(&whom.boxes, &|name| all.iter().any(|key| named(key) == name));
    let no_store = unknown(&whom.stores, &|name| all.iter().any(|key| key.names.store.as_str() == name));
    let no_region = unknown(&whom.regions, &|name| all.iter().any(|key| key.region.as_deref() == Some(name)));
    if let Some(fault) = no_box.or(no_store).or(no_region) {
        return Err(fault);
    }
    let is_whole = whom.boxes.is_empty() && whom.stores.is_empty() && whom.regions.is_empty();
    let is_meant = |key: &&BoxKey| {
        is_whole
            || whom.boxes.contains(&named(key))
            || whom.stores.iter().any(|store| store == key.names.store.as_str())
            || key.region.as_ref().is_some_and(|region| whom.regions.contains(region))
    };
    let chosen: Vec<BoxKey> = all.iter().filter(is_meant).cloned().collect();
    if chosen.is_empty() { Err(RolloutError::Nobody) } else { Ok(chosen) }
}

/// Looks at every roll-out that runs, and does what is to be done; how many changed.
///
/// `hears_since`: since when the broker brings what boxes say; none: it does not. The time before that is not held against a box, and nobody was watched in it.
///
/// # Errors
/// [`StoreError`]; what one look did not do the next one does.
pub fn look(store: &Store, now: WallTime, hears_since: Option<WallTime>) -> Result<usize, StoreError> {
    let running = store.read(|ask| rows::in_state(ask, "running"))?;
    let mut changed = 0;
    for row in running {
        changed +=
            usize::from(store.write::<_, StoreError>(|all| Ok(look_at(all, &row, (now, hears_since))?))?);
    }
    Ok(changed)
}

fn look_at(
    all: &db::All<'_>,
    row: &RolloutRow,
    (now, hears_since): (WallTime, Option<WallTime>),
) -> Result<bool, db::Failed> {
    // Somebody may have stopped it, or taken it back, since it was listed.
    if rows::find(all, row.tenant_id, row.rollout_id)?.is_none_or(|row| row.state != "running") {
        return Ok(false);
    }
    let heard = hears_since.map_or(Duration::ZERO, |since| now.since(since));
    let mut members = rows::members(all, row.rollout_id)?;
    // Who has left the register is not waited for, and cannot get worse.
    members.retain(|of| !of.is_retired);
    for of in &mut members {
        of.member.seen = seen(all, row, of, now)?;
        if heard < HEARING_PATIENCE {
            of.member.seen.away = None;
        }
        // A box could not be heard before, so that it is waited for from then on.
        of.member.asked = of.member.asked.map(|asked| asked.max(hears_since.unwrap_or(now)));
    }
    let judged: Vec<Member> = members.iter().map(|of| of.member.clone()).collect();
    let mut step = rollout::step(&judged, row.soak, now);
    if hears_since.is_none() || heard < row.soak.min(HEARING_PATIENCE) {
        // What was not watched does not open the next ring.
        step.ask.clear();
        step.ends = step.ends.filter(|end| *end != End::Done);
    }
    if step == Step::default() {
        return Ok(false);
    }
    for box_id in &step.answered {
        let answer = judged.iter().find(|of| of.box_id == *box_id).and_then(|of| of.seen.answer.clone());
        rows::answered(all, (row.rollout_id, *box_id, now), matches!(answer, Some(Ok(()))))?;
    }
    for (box_id, why) in &step.worse {
        rows::worse(all, row.rollout_id, *box_id, why)?;
    }
    for box_id in &step.ask {
        ask_box(all, row, *box_id, now)?;
    }
    let from = Origin { at: now, address: ADDRESS };
    match &step.ends {
        Some(End::Done) => {
            rows::set_state(all, row.rollout_id, ("done", None), now)?;
            note_in(all, from, (None, "rollout_done", &format!("roll-out {}", row.rollout_id)))?;
        }
        Some(End::Stopped(why)) => {
            rows::set_state(all, row.rollout_id, ("stopped", Some(why)), now)?;
            note_in(all, from, (None, "rollout_stopped", &format!("roll-out {}: {why}", row.rollout_id)))?;
        }
        None => {}
    }
    Ok(true)
}

/// Gives a box what is rolled out.
fn ask_box(all: &db::All<'_>, row: &RolloutRow, box_id: i64, now: WallTime) -> Result<(), db::Failed> {
    let baseline = match away(all, box_id, now)? {
        Some(_) => None,
        None => Some(cameras_of(all, box_id, WallTime::from_unix_ms(0))?.unwrap_or_default()),
    };
    let place = (row.rollout_id, box_id, now);
    match row.kind {
        Kind::Config => {
            let before = text_of(all, box_id)?;
            match merged(before.as_deref().unwrap_or_default(), &row.change) {
                Ok(text) => {
                    let version = put_text(all, (box_id, &text), row, now)?;
                    rows::asked(all, place, (Some(version), before.as_deref(), baseline.as_ref()))
                }
                Err(fault) => {
                    // Somebody gave it another text since the roll-out began.
                    rows::asked(all, place, (None, before.as_deref(), baseline.as_ref()))?;
                    rows::worse(
                        all,
                        row.rollout_id,
                        box_id,
                        &format!("the change does not fit it any more: {fault}"),
                    )
                }
            }
        }
        Kind::Software => {
            let before = twin::software(all, box_id)?;
            twin::put_software(all, box_id, (Some(&row.change), now))?;
            rows::asked(all, place, (None, before.as_deref(), baseline.as_ref()))
        }
    }
}

fn put_text(
    all: &db::All<'_>,
    (box_id, text): (i64, &CheckedText),
    row: &RolloutRow,
    at: WallTime,
) -> Result<i64, db::Failed> {
    let new = NewConfig {
        hash: &text.hash,
        text: &text.text,
        at,
        account_id: row.account_id,
        why: &row.why,
        rollout_id: Some(row.rollout_id),
    };
    twin::put(all, box_id, new)
}

/// How a box is now, and what it said of this roll-out.
fn seen(all: &db::Asking, row: &RolloutRow, of: &MemberRow, now: WallTime) -> Result<Seen, db::Failed> {
    let box_id = of.member.box_id;
    let Some(asked) = of.member.asked else { return Ok(Seen::default()) };
    let told = told::of_box(all, box_id)?;
    let answer = match row.kind {
        Kind::Config => {
            let reported =
                told.config.and_then(|(text, _)| serde_json::from_str::<ConfigReported>(&text).ok());
            reported.and_then(|reported| config_answer(&reported, of.version))
        }
        Kind::Software => {
            let wanted = packages::find(all, &row.change)?.map(|package| package.of.version);
            let reported = told.software.and_then(|(text, at)| {
                serde_json::from_str::<SoftwareReported>(&text).ok().map(|reported| (reported, at))
            });
            reported
                .zip(wanted)
                .and_then(|((reported, at), wanted)| software_answer(&reported, &wanted, at >= asked))
        }
    };
    let cameras = match of.member.answered {
        Some(answered) => cameras_of(all, box_id, answered)?,
        None => None,
    };
    Ok(Seen { away: away(all, box_id, now)?, answer, cameras })
}

fn config_answer(reported: &ConfigReported, version: Option<i64>) -> Option<Result<(), String>> {
    let version = version?.unsigned_abs();
    if reported.version < version {
        return None;
    }
    let faults = || reported.faults.first().cloned().unwrap_or_else(|| "it does not say why".to_owned());
    match reported.status {
        ConfigStatus::Applied if reported.in_force >= version => Some(Ok(())),
        ConfigStatus::Refused if reported.version == version => {
            Some(Err(format!("it refused: {}", faults())))
        }
        ConfigStatus::RolledBack if reported.version == version => {
            Some(Err(format!("it went back: {}", faults())))
        }
        _ => None,
    }
}

/// `is_new`: it said so after it was asked. What it said before is of another package.
fn software_answer(reported: &SoftwareReported, wanted: &str, is_new: bool) -> Option<Result<(), String>> {
    if reported.status == SoftwareStatus::Current && reported.running == wanted {
        return Some(Ok(()));
    }
    let is_of_it = is_new && reported.desired.as_deref().is_none_or(|desired| desired == wanted);
    match reported.status {
        SoftwareStatus::Refused if is_of_it => Some(Err(format!("it refused: {}", reported.detail))),
        SoftwareStatus::RolledBack if is_of_it => Some(Err(format!("it went back: {}", reported.detail))),
        _ => None,
    }
}

/// For how long a box has been away; none: it is there. One that never said anything is away for ever.
pub(in crate::hq) fn away(
    all: &db::Asking,
    box_id: i64,
    now: WallTime,
) -> Result<Option<Duration>, db::Failed> {
    let Some((state, since)) = rows::state(all, box_id)? else { return Ok(Some(Duration::MAX)) };
    let is_online = serde_json::from_str::<State>(&state).is_ok_and(|state| state.state == BoxStatus::Online);
    if !is_online {
        return Ok(Some(now.since(since)));
    }
    let health = told::of_box(all, box_id)?.health;
    Ok(health.map(|(_, at)| now.since(at)).filter(|silent| *silent > HEALTH_PATIENCE))
}

/// The cameras of a box that are up, as it said after a time.
fn cameras_of(all: &db::Asking, box_id: i64, after: WallTime) -> Result<Option<Cameras>, db::Failed> {
    let health = told::of_box(all, box_id)?.health.filter(|(_, at)| *at > after);
    let health = health.and_then(|(text, _)| serde_json::from_str::<Health>(&text).ok());
    Ok(health.map(|health| {
        let up = health.cameras.into_iter().filter(|camera| camera.state == CameraStatus::Up);
        up.map(|camera| (camera.camera, camera.fps)).collect()
    }))
}

/// Goes on, stops, or takes back.
///
/// # Errors
/// [`RolloutError`].
pub fn act(
    store: &Store,
    (tenant_id, rollout_id): (i64, i64),
    (act, why): (Act, &str),
    (account_id, from): (i64, Origin<'_>),
) -> Result<(), RolloutError> {
    if !is_reason(why) {
        return Err(RolloutError::Asked("say why, in 3 to 300 letters".to_owned()));
    }
    let why = why.trim();
    store.write(|all| {
        let row =
            rows::find(all, tenant_id, rollout_id)?.ok_or(WriteError::Refused(RolloutError::NotThere))?;
        let fits = match act {
            Act::Resume => row.state == "stopped",
            Act::Stop => row.state == "running",
            Act::TakeBack => row.state != "taken_back",
        };
        if !fits {
            let why = "only one that is stopped goes on, and only one that runs is stopped";
            return Err(WriteError::Refused(RolloutError::State { state: row.state, why }));
        }
        let action = match act {
            Act::Resume => {
                rows::forgive(all, rollout_id)?;
                rows::set_state(all, rollout_id, ("running", None), from.at)?;
                "rollout_resumed"
            }
            Act::Stop => {
                rows::set_state(all, rollout_id, ("stopped", Some(why)), from.at)?;
                "rollout_stopped"
            }
            Act::TakeBack => {
                take_back(all, &row, from.at)?;
                rows::set_state(all, rollout_id, ("taken_back", Some(why)), from.at)?;
                "rollout_taken_back"
            }
        };
        let detail = format!("roll-out {rollout_id}, because: {why}");
        note_in(all, from, (Some(account_id), action, &detail))?;
        Ok(())
    })
}

/// Gives every box that was asked what it had before; one that somebody gave something else since keeps that.
fn take_back(all: &db::All<'_>, row: &RolloutRow, now: WallTime) -> Result<(), db::Failed> {
    for of in rows::members(all, row.rollout_id)?.iter().filter(|of| of.member.asked.is_some()) {
        let box_id = of.member.box_id;
        match row.kind {
            Kind::Config => {
                let newest = twin::desired(all, box_id)?.map(|(version, _, _)| version);
                if of.version.is_none() || newest != of.version {
                    continue;
                }
                // It was asked with a change of this, so there is one; what a box said of its own file may hold what is not sent.
                let before = of.before.as_deref().map(CheckedText::new);
                match before {
                    Some(Ok(text)) => {
                        put_text(all, (box_id, &text), row, now)?;
                    }
                    Some(Err(fault)) => {
                        rows::worse(
                            all,
                            row.rollout_id,
                            box_id,
                            &format!("it cannot be taken back: {fault}"),
                        )?;
                    }
                    None => {}
                }
            }
            Kind::Software if twin::software(all, box_id)?.as_deref() == Some(row.change.as_str()) => {
                twin::put_software(all, box_id, (of.before.as_deref(), now))?;
            }
            Kind::Software => {}
        }
    }
    Ok(())
}

/// A roll-out of a chain, with its boxes as they are now.
///
/// # Errors
/// [`StoreError`].
pub(in crate::hq) fn seeing(
    store: &Store,
    (tenant_id, rollout_id): (i64, i64),
    now: WallTime,
) -> Result<Option<Seeing>, StoreError> {
    store.read(|ask| {
        let Some(row) = rows::find(ask, tenant_id, rollout_id)? else { return Ok(None) };
        let mut members = rows::members(ask, rollout_id)?;
        for of in &mut members {
            of.member.seen = seen(ask, &row, of, now)?;
        }
        Ok(Some(Seeing { row, members }))
    })
}
