//! One box, as its page shows it; and the text that somebody gives it.

use super::Fleet;
use super::commands::is_reason;
use super::enrol::{self, EnrolError, Link};
use super::twin::{CheckedText, TwinError};
use crate::hq::access::{Origin, note_in};
use crate::hq::store::fleet::commands::CommandRow;
use crate::hq::store::fleet::told::HourRow;
use crate::hq::store::fleet::twin::{ConfigRow, NewConfig};
use crate::hq::store::fleet::{self as rows, BoxKey, certificates, commands, packages, told, twin};
use crate::hq::store::{Store, StoreError, WriteError};
use crate::time::{MINUTE_MS, WallTime};
use crate::wire::v1::CameraStatus;
use crate::wire::v1::fleet::{ConfigReported, ConfigStatus, Health, SoftwareReported, SoftwareStatus};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// Versions, certificates and commands that are shown.
const MOST_SHOWN: u32 = 50;
/// Versions of a box that are looked at. Its newest 20 are kept, and all that are younger than `keep.audit`.
const MOST_HISTORY: u32 = 100;

/// A box.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoxDetail {
    /// The chain.
    pub tenant: String,
    /// The store.
    pub store: String,
    /// The box.
    #[serde(rename = "box")]
    pub box_name: String,
    /// How it was last; null: it has never said so.
    pub health: Option<HealthReport>,
    /// Its configuration.
    pub config: ConfigReport,
    /// Its software.
    pub software: SoftwareReport,
    /// Its certificates, the newest first.
    pub certificates: Vec<CertificateReport>,
    /// Until when a link to enrol it is good, UTC ms; null: there is none that was not used.
    pub link_until_ms: Option<i64>,
}

/// How a box was.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthReport {
    /// When that arrived, UTC ms.
    pub at_ms: i64,
    /// Since when its service runs, by its own clock, UTC ms.
    pub since_ms: i64,
    /// Name and version of its software.
    pub software: String,
    /// Operating system.
    pub os: Option<String>,
    /// Processor architecture.
    pub arch: String,
    /// Whether its clock is known to be right.
    pub clock_ok: bool,
    /// The hottest sensor, °C.
    pub temperature_c: Option<f64>,
    /// Free on the disk of its records, bytes.
    pub disk_free: Option<u64>,
    /// Size of that disk, bytes.
    pub disk_size: Option<u64>,
    /// Memory that is available, bytes.
    pub memory_free: Option<u64>,
    /// Memory of the machine, bytes.
    pub memory_size: Option<u64>,
    /// Memory of the service, bytes.
    pub memory_used: Option<u64>,
    /// Load over one minute.
    pub load: Option<f64>,
    /// Its cameras.
    pub cameras: Vec<CameraHealthReport>,
    /// Records that nobody has confirmed.
    pub waiting: u64,
    /// How old the oldest of them is, s.
    pub behind_s: Option<f64>,
    /// Live messages that were discarded since the start.
    pub discarded: u64,
    /// When its certificate runs out, as it says itself, UTC ms.
    pub certificate_until_ms: Option<i64>,
}

/// A camera of a box.
#[derive(Debug, Serialize, ToSchema)]
pub struct CameraHealthReport {
    /// Its name.
    pub camera: String,
    /// `up`, `down` or `connecting`.
    pub state: &'static str,
    /// Frames looked at a second.
    pub fps: f64,
    /// Time to find people in a frame, median, ms.
    pub inference_ms: Option<f64>,
    /// The slowest of 20, ms.
    pub inference_p95_ms: Option<f64>,
    /// Frames that were passed over, since the start.
    pub dropped: u64,
    /// What is wrong with its pictures.
    pub conditions: Vec<String>,
}

/// What a box is to count with, and what it counts with.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfigReport {
    /// The version that is desired; 0: none ever was.
    pub desired: i64,
    /// `local`, `trial`, `applied`, `refused` or `rolled_back`, as it said last; null: it never said.
    pub status: Option<&'static str>,
    /// Of which version it speaks.
    pub version: Option<u64>,
    /// The version that is in force; 0: its own file.
    pub in_force: Option<u64>,
    /// Whether what is desired is in force.
    pub is_current: bool,
    /// What is wrong with what it refused or gave up.
    pub faults: Vec<String>,
    /// The text that is desired; only for those who may change it.
    pub desired_text: Option<String>,
    /// The text in force, as it said; only for those who may change it.
    pub in_force_text: Option<String>,
    /// When it said so, UTC ms.
    pub at_ms: Option<i64>,
}

/// What a box is to run, and what it runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct SoftwareReport {
    /// The version that is desired; null: none.
    pub desired: Option<String>,
    /// The version that runs, as it said.
    pub running: Option<String>,
    /// Its architecture, as packages have it.
    pub architecture: Option<String>,
    /// `current`, `fetching`, `ready`, `rolled_back` or `refused`, as it said last.
    pub status: Option<&'static str>,
    /// In words.
    pub detail: Option<String>,
    /// When it said so, UTC ms.
    pub at_ms: Option<i64>,
}

/// A certificate of a box.
#[derive(Debug, Serialize, ToSchema)]
pub struct CertificateReport {
    /// Serial number, hex.
    pub serial: String,
    /// When it was signed, UTC ms.
    pub issued_ms: i64,
    /// When it runs out, UTC ms.
    pub until_ms: i64,
    /// When it was revoked, UTC ms.
    pub revoked_ms: Option<i64>,
}

/// How a box was, by UTC hour.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthHistory {
    /// The oldest first.
    pub hours: Vec<HealthHour>,
}

/// An hour.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthHour {
    /// Its begin, UTC ms.
    pub at_ms: i64,
    /// Messages; 60 are all.
    pub messages: i64,
    /// The hottest, °C.
    pub temperature_max: Option<f64>,
    /// Least free on the disk, bytes.
    pub disk_free_min: Option<i64>,
    /// Least memory available, bytes.
    pub memory_free_min: Option<i64>,
    /// Highest load.
    pub load_max: Option<f64>,
    /// Fewest frames a second, of the slowest camera.
    pub fps_min: Option<f64>,
    /// Longest time for a frame, ms.
    pub inference_max: Option<f64>,
    /// Most records that nobody had confirmed.
    pub waiting_max: i64,
    /// Oldest of them, s.
    pub behind_max_s: Option<f64>,
    /// Messages in which a camera was not up.
    pub cameras_down: i64,
    /// Messages in which the clock was not known to be right.
    pub clock_wrong: i64,
}

/// The versions of a box's configuration.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfigHistory {
    /// The newest first.
    pub versions: Vec<ConfigVersion>,
}

/// A version.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfigVersion {
    /// Its number.
    pub version: i64,
    /// SHA-256 of the text, hex.
    pub hash: String,
    /// TOML.
    pub text: String,
    /// When it was made, UTC ms.
    pub at_ms: i64,
    /// By whom; null: at the machine.
    pub by: Option<String>,
    /// Why.
    pub why: String,
    /// The roll-out that it belongs to.
    pub rollout: Option<i64>,
}

/// The commands of a box.
#[derive(Debug, Serialize, ToSchema)]
pub struct Commands {
    /// The newest first.
    pub commands: Vec<CommandReport>,
}

/// A command.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommandReport {
    /// Its number.
    pub id: i64,
    /// `snapshot`, `restart_camera` or `reread`.
    pub what: String,
    /// Of which camera.
    pub camera: Option<String>,
    /// Who asked.
    pub by: String,
    /// Why.
    pub why: String,
    /// When, UTC ms.
    pub asked_ms: i64,
    /// Until when it is good, UTC ms.
    pub expires_ms: i64,
    /// `waiting`, `done`, `refused`, `expired`, `failed`, or `no_answer`.
    pub outcome: String,
    /// In words.
    pub detail: Option<String>,
    /// When the answer came, UTC ms.
    pub answered_ms: Option<i64>,
    /// Whether its picture can be looked at.
    pub has_picture: bool,
    /// How many people in it were veiled.
    pub people: Option<i64>,
}

/// Why a text is not given to a box.
#[derive(Debug, thiserror::Error)]
pub enum GiveError {
    /// The text.
    #[error(transparent)]
    Twin(#[from] TwinError),
    /// Without a reason.
    #[error("say why, in 3 to 300 letters: it is kept in the audit log")]
    Reason,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a camera's state is called.
pub(in crate::hq) const fn camera_state(state: CameraStatus) -> &'static str {
    match state {
        CameraStatus::Up => "up",
        CameraStatus::Down => "down",
        CameraStatus::Connecting => "connecting",
    }
}

/// How the state of a configuration is called.
pub(in crate::hq) const fn config_state(status: ConfigStatus) -> &'static str {
    match status {
        ConfigStatus::Local => "local",
        ConfigStatus::Trial => "trial",
        ConfigStatus::Applied => "applied",
        ConfigStatus::Refused => "refused",
        ConfigStatus::RolledBack => "rolled_back",
    }
}

const fn software_state(status: SoftwareStatus) -> &'static str {
    match status {
        SoftwareStatus::Current => "current",
        SoftwareStatus::Fetching => "fetching",
        SoftwareStatus::Ready => "ready",
        SoftwareStatus::RolledBack => "rolled_back",
        SoftwareStatus::Refused => "refused",
    }
}

/// A box, with the texts of its configuration where somebody may see them.
///
/// # Errors
/// [`StoreError`].
pub(in crate::hq) fn detail(store: &Store, key: &BoxKey, with_text: bool) -> Result<BoxDetail, StoreError> {
    store.read(|ask| {
        let told = told::of_box(ask, key.box_id)?;
        let desired = twin::desired(ask, key.box_id)?;
        let wanted = twin::software(ask, key.box_id)?;
        let wanted = wanted.map(|sha256| packages::find(ask, &sha256)).transpose()?.flatten();
        let certificates = certificates::of_box(ask, key.box_id, MOST_SHOWN)?;
        Ok(BoxDetail {
            tenant: key.names.tenant.to_string(),
            store: key.names.store.to_string(),
            box_name: key.names.box_id.to_string(),
            health: told.health.and_then(|(text, at)| health_report(&text, at)),
            config: config_report(desired, told.config, with_text),
            software: software_report(wanted.map(|row| row.of.version), told.software),
            certificates: certificates.into_iter().map(certificate_report).collect(),
            link_until_ms: certificates::link_until(ask, key.box_id)?.map(WallTime::unix_ms),
        })
    })
}

/// A message on `health` for pages; none where it no longer reads.
pub(in crate::hq) fn health_report(text: &str, at: WallTime) -> Option<HealthReport> {
    let health: Health = serde_json::from_str(text).ok()?;
    let camera = |of: crate::wire::v1::fleet::CameraHealth| CameraHealthReport {
        state: camera_state(of.state),
        camera: of.camera,
        fps: of.fps,
        inference_ms: of.inference_ms,
        inference_p95_ms: of.inference_p95_ms,
        dropped: of.dropped,
        conditions: of.conditions,
    };
    Some(HealthReport {
        at_ms: at.unix_ms(),
        since_ms: health.since_ms,
        software: health.software,
        os: health.os,
        arch: health.arch,
        clock_ok: health.clock_ok,
        temperature_c: health.temperature_c,
        disk_free: health.disk_free,
        disk_size: health.disk_size,
        memory_free: health.memory_free,
        memory_size: health.memory_size,
        memory_used: health.memory_used,
        load: health.load,
        cameras: health.cameras.into_iter().map(camera).collect(),
        waiting: health.waiting,
        behind_s: health.behind_s,
        discarded: health.discarded,
        certificate_until_ms: health.certificate_until_ms,
    })
}

fn config_report(
    desired: Option<(i64, String, String)>,
    told: Option<(String, WallTime)>,
    with_text: bool,
) -> ConfigReport {
    let (version, desired_text) = desired.map_or((0, None), |(version, _, text)| (version, Some(text)));
    let told = told.and_then(|(text, at)| {
        let reported: ConfigReported = serde_json::from_str(&text).ok()?;
        Some((reported, at))
    });
    let at_ms = told.as_ref().map(|(_, at)| at.unix_ms());
    let reported = told.map(|(reported, _)| reported);
    let in_force = reported.as_ref().map(|of| of.in_force);
    ConfigReport {
        desired: version,
        status: reported.as_ref().map(|of| config_state(of.status)),
        version: reported.as_ref().map(|of| of.version),
        in_force,
        is_current: version == 0 || in_force == Some(version.unsigned_abs()),
        faults: reported.as_ref().map(|of| of.faults.clone()).unwrap_or_default(),
        desired_text: desired_text.filter(|_| with_text),
        in_force_text: reported.and_then(|of| of.text).filter(|_| with_text),
        at_ms,
    }
}

fn software_report(desired: Option<String>, told: Option<(String, WallTime)>) -> SoftwareReport {
    let told = told.and_then(|(text, at)| {
        let reported: SoftwareReported = serde_json::from_str(&text).ok()?;
        Some((reported, at))
    });
    let at_ms = told.as_ref().map(|(_, at)| at.unix_ms());
    let reported = told.map(|(reported, _)| reported);
    SoftwareReport {
        desired,
        status: reported.as_ref().map(|of| software_state(of.status)),
        detail: reported.as_ref().map(|of| of.detail.clone()).filter(|detail| !detail.is_empty()),
        architecture: reported.as_ref().map(|of| of.architecture.clone()),
        running: reported.map(|of| of.running),
        at_ms,
    }
}

fn certificate_report(row: certificates::CertificateRow) -> CertificateReport {
    CertificateReport {
        serial: row.serial,
        issued_ms: row.issued.unix_ms(),
        until_ms: row.until.unix_ms(),
        revoked_ms: row.revoked.map(WallTime::unix_ms),
    }
}

/// How a box was in the last hours.
///
/// # Errors
/// [`StoreError`].
pub(in crate::hq) fn history(
    store: &Store,
    key: &BoxKey,
    (back, now): (Duration, WallTime),
) -> Result<HealthHistory, StoreError> {
    let rows = store.read(|ask| told::hours(ask, key.box_id, now - back))?;
    let hour = |row: HourRow| HealthHour {
        at_ms: row.hour * MINUTE_MS,
        messages: row.messages,
        temperature_max: row.temperature_max,
        disk_free_min: row.disk_free_min,
        memory_free_min: row.memory_free_min,
        load_max: row.load_max,
        fps_min: row.fps_min,
        inference_max: row.inference_max,
        waiting_max: row.waiting_max,
        behind_max_s: row.behind_max_s,
        cameras_down: row.cameras_down,
        clock_wrong: row.clock_wrong,
    };
    Ok(HealthHistory { hours: rows.into_iter().map(hour).collect() })
}

/// The versions of a box.
///
/// # Errors
/// [`StoreError`].
pub(in crate::hq) fn versions(store: &Store, key: &BoxKey) -> Result<ConfigHistory, StoreError> {
    let rows = store.read(|ask| twin::versions(ask, key.box_id, MOST_HISTORY))?;
    let version = |row: ConfigRow| ConfigVersion {
        version: row.version,
        hash: row.hash,
        text: row.text,
        at_ms: row.at.unix_ms(),
        by: row.by,
        why: row.why,
        rollout: row.rollout_id,
    };
    Ok(ConfigHistory { versions: rows.into_iter().map(version).collect() })
}

/// Gives one box a whole text, which takes the place of all that may be changed from afar in its own file; the version.
///
/// # Errors
/// [`GiveError`].
pub(in crate::hq) fn give(
    store: &Store,
    key: &BoxKey,
    (text, why): (&str, &str),
    (account_id, from): (i64, Origin<'_>),
) -> Result<i64, GiveError> {
    if !is_reason(why) {
        return Err(GiveError::Reason);
    }
    let (checked, why) = (CheckedText::new(text)?, why.trim());
    store.write(|all| {
        let new = NewConfig {
            hash: &checked.hash,
            text: &checked.text,
            at: from.at,
            account_id: Some(account_id),
            why,
            rollout_id: None,
        };
        let version = twin::put(all, key.box_id, new)?;
        let detail = format!("{}: version {version}, because: {why}", about(key));
        note_in(all, from, (Some(account_id), "config_given", &detail))?;
        Ok::<_, WriteError<GiveError>>(version)
    })
}

/// The commands of a box.
///
/// # Errors
/// [`StoreError`].
pub(in crate::hq) fn asked(store: &Store, key: &BoxKey, now: WallTime) -> Result<Commands, StoreError> {
    let rows = store.read(|ask| commands::of_box(ask, key.box_id, MOST_SHOWN))?;
    Ok(Commands { commands: rows.into_iter().map(|row| command_report(row, now)).collect() })
}

fn command_report(row: CommandRow, now: WallTime) -> CommandReport {
    let open = if now < row.expires { "waiting" } else { "no_answer" };
    CommandReport {
        id: row.command_id,
        what: row.what,
        camera: row.camera,
        by: row.by,
        why: row.why,
        asked_ms: row.asked.unix_ms(),
        expires_ms: row.expires.unix_ms(),
        outcome: row.outcome.unwrap_or_else(|| open.to_owned()),
        detail: row.detail.filter(|detail| !detail.is_empty()),
        answered_ms: row.answered.map(WallTime::unix_ms),
        has_picture: row.has_picture,
        people: row.people,
    }
}

/// A box as the audit log names it.
pub(in crate::hq) fn about(key: &BoxKey) -> String {
    format!("{}/{}/{}", key.names.tenant, key.names.store, key.names.box_id)
}

/// Makes a link for a box of the register, whoever asks: for the machine's own commands. None where there is no such box.
///
/// # Errors
/// [`EnrolError`].
pub fn link(
    (fleet, store): (&Fleet, &Store),
    names: (&str, &str, &str),
    life: Option<Duration>,
    now: WallTime,
) -> Result<Option<Link>, EnrolError> {
    let Some(key) = store.read(|ask| rows::find(ask, names))? else { return Ok(None) };
    enrol::make_link(fleet, store, (key.box_id, life), now).map(Some)
}
