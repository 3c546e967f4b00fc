//! From the text of a config file to checked settings.
//!
//! Pure: what the disk has to say comes through [`FilesBeside`], so that random texts can be thrown at
//! this without touching a file. Every fault is found in one go; settings come out only where there is none.

use super::document::{Entry, FaultSink, Table, read_document};
use super::fault::{Fault, FaultKind, FileProblem};
use super::identity::Identity;
use super::{
    CameraSettings, DEFAULT_MODEL, EdgeSettings, FleetSettings, MAX_THREADS, MetricsSettings, SiteSettings,
    audit, broker, camera, clock, fleet, metrics, outbox, sensor, store, watchdog,
};
use crate::audit::AuditSettings;
use crate::detect::{DetectorSettings, Provider};
use crate::ids::{BoxId, IdError, StoreId, TenantId};
use crate::outbox::OutboxSettings;
use crate::publish::MqttSettings;
use crate::site::sensors::SensorSettings;
use crate::time::ClockSettings;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A box with more cameras than this needs another box first.
const MAX_CAMERAS: usize = 32;

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    /// A file, or something that is read like one.
    File,
    /// A folder.
    Folder,
    /// Nothing that can be seen.
    Nothing,
}

/// What a config file may ask of the disk it lies on.
pub trait FilesBeside {
    /// Where a path leads that is written in the file.
    fn resolve(&self, written: &Path) -> PathBuf;

    /// Where else a file may lie that comes with the program and that the config file does not name, the
    /// likeliest first. Beside the config file goes before them.
    fn elsewhere(&self, _written: &Path) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Why a resolved path may not be named here, though something may lie there; none: it may.
    fn refused(&self, _path: &Path) -> Option<FileProblem> {
        None
    }

    /// What lies at a resolved path.
    fn kind(&self, path: &Path) -> PathKind;

    /// The text of a small file.
    ///
    /// # Errors
    /// [`FileProblem`] says why there is none.
    fn text(&self, path: &Path) -> Result<String, FileProblem>;

    /// Where a secret lies that the file names: a path, or `credential:NAME` for one of systemd's.
    ///
    /// # Errors
    /// [`FileProblem`] where there are no such credentials.
    fn place_of_secret(&self, written: &str) -> Result<PathBuf, FileProblem> {
        Ok(self.resolve(Path::new(written)))
    }

    /// Whether nobody else may read a file.
    ///
    /// # Errors
    /// [`FileProblem`] says who may.
    fn is_private(&self, _path: &Path) -> Result<(), FileProblem> {
        Ok(())
    }

    /// Whether nobody else may read the config file itself.
    ///
    /// # Errors
    /// [`FileProblem`] says who may.
    fn config_is_private(&self) -> Result<(), FileProblem> {
        Ok(())
    }

    /// The first line of a small text file that nobody else may read.
    ///
    /// # Errors
    /// [`FileProblem`] says why there is none.
    fn secret(&self, path: &Path) -> Result<String, FileProblem>;
}

/// What lies around a table: the disk, and the other tables that it may need.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) files: &'a dyn FilesBeside,
    /// Whether there is a broker.
    pub(super) has_broker: bool,
    /// Whether something says when the store is open.
    pub(super) has_site: bool,
    /// Whether it comes from head office, and may hold no credential.
    pub(super) is_from_afar: bool,
}

/// Checks the text of a config file.
///
/// # Errors
/// All faults in the order of the text, at least one, and how many more there were than are kept.
pub fn check(text: &str, files: &dyn FilesBeside) -> Result<EdgeSettings, (Vec<Fault>, usize)> {
    let sink = FaultSink::of(text);
    let settings = read_document(&sink, |root| edge(root, files));
    let (faults, more) = sink.finish();
    if !faults.is_empty() {
        return Err((faults, more));
    }
    Ok(settings.expect("a part is missing only where a fault says why"))
}

fn edge(root: &mut Table<'_>, files: &dyn FilesBeside) -> Option<EdgeSettings> {
    let base = base(root, files);
    // Every fault is to be found, so the rest is read in any case.
    let has_identity = |base: &Base| base.fleet.as_ref().is_some_and(|fleet| fleet.identity.is_some());
    let has_broker = root.has("mqtt") || base.as_ref().is_some_and(has_identity);
    let rest = rest(root, Around { files, has_broker, has_site: root.has("site"), is_from_afar: false });
    Some(joined(base?, rest?))
}

/// What stays in the file on the box.
pub(super) struct Base {
    pub(super) tenant: TenantId,
    pub(super) store: StoreId,
    pub(super) box_id: BoxId,
    pub(super) mqtt: Option<MqttSettings>,
    pub(super) fleet: Option<FleetSettings>,
    pub(super) outbox: OutboxSettings,
    pub(super) clock: ClockSettings,
    pub(super) hangs_after: Duration,
    pub(super) metrics: Option<MetricsSettings>,
}

/// What may come from afar.
struct Rest {
    audit: Option<AuditSettings>,
    site: Option<SiteSettings>,
    sensors: Vec<SensorSettings>,
    detector: DetectorSettings,
    cameras: Vec<CameraSettings>,
}

pub(super) fn base(root: &mut Table<'_>, files: &dyn FilesBeside) -> Option<Base> {
    let outbox = outbox::outbox(root, files);
    let fleet = root.get("fleet");
    let has_fleet = fleet.is_some();
    let fleet = wanted(fleet.map(|e| e.table(|table| fleet::fleet(table, &outbox.path, files))));
    let known = fleet.as_ref().and_then(|fleet| fleet.as_ref()?.identity.as_ref());
    // Where the identity has a fault, that is told, and not also that what it should have said is missing.
    let is_named = known.is_some() || fleet.is_none();
    let names = names(root, known.map(|(_, identity)| identity), is_named);
    let mqtt = root.get("mqtt");
    let has_broker = mqtt.is_some() || known.is_some();
    let mqtt = match mqtt {
        None => known.map(|(folder, identity)| broker::of_identity(folder, identity)),
        Some(e) => e.table(|table| broker::mqtt(table, known, files)),
    };
    if has_fleet && fleet.is_some() && !has_broker {
        root.fault("fleet", FaultKind::Alone { other: "[mqtt]" });
    }
    let clock = clock::clock(root, files);
    let hangs_after = watchdog::hangs_after(root);
    let metrics = root.get("metrics").map(|e| e.table(metrics::metrics));
    let (fleet, (tenant, store, box_id), metrics) = (fleet?, names?, wanted(metrics)?);
    Some(Base { tenant, store, box_id, mqtt, fleet, outbox, clock, hangs_after, metrics })
}

/// The tables that may come from afar, with what the box's own file says.
pub(super) fn managed(
    root: &mut Table<'_>,
    base: Base,
    files: &dyn FilesBeside,
    is_from_afar: bool,
) -> Option<EdgeSettings> {
    let has_broker = base.mqtt.is_some();
    let rest = rest(root, Around { files, has_broker, has_site: root.has("site"), is_from_afar })?;
    Some(joined(base, rest))
}

fn joined(base: Base, rest: Rest) -> EdgeSettings {
    let Base { tenant, store, box_id, mqtt, fleet, outbox, clock, hangs_after, metrics } = base;
    let Rest { audit, site, sensors, detector, cameras } = rest;
    EdgeSettings {
        tenant,
        store,
        box_id,
        mqtt,
        fleet,
        outbox,
        clock,
        hangs_after,
        metrics,
        audit,
        site,
        sensors,
        detector,
        cameras,
    }
}

fn rest(root: &mut Table<'_>, around: Around<'_>) -> Option<Rest> {
    let audit = root.get("audit").and_then(|e| e.table(|table| audit::audit(table, around.files)));
    let site = root.get("site").map(|e| e.table(|table| store::site(table, around)));
    let detector = detector(root, around.files);
    let cameras = cameras(root, around);
    let sensors = sensor::sensors(root, cameras.as_deref(), around);
    Some(Rest { audit, site: wanted(site)?, sensors: sensors?, detector: detector?, cameras: cameras? })
}

/// Names of the box, from its file or from its identity; where both say them they say the same.
fn names(
    root: &mut Table<'_>,
    identity: Option<&Identity>,
    may_be_left_out: bool,
) -> Option<(TenantId, StoreId, BoxId)> {
    let mut asked = |key, example| if may_be_left_out { root.get(key) } else { root.need(key, example) };
    let tenant = asked("tenant", "tenant = \"acme\"");
    let store = asked("store", "store = \"taipei-01\"");
    let box_id = asked("box", "box = \"acme-taipei-01-a\"");
    let tenant = name(tenant, TenantId::parse, identity.map(|known| &known.tenant));
    let store = name(store, StoreId::parse, identity.map(|known| &known.store));
    let box_id = name(box_id, BoxId::parse, identity.map(|known| &known.box_id));
    Some((tenant?, store?, box_id?))
}

fn name<T: Clone + PartialEq + fmt::Display>(
    entry: Option<Entry<'_>>,
    parse: impl FnOnce(&str) -> Result<T, IdError>,
    known: Option<&T>,
) -> Option<T> {
    let Some(entry) = entry else { return known.cloned() };
    let written = entry.parsed(parse)?;
    if let Some(known) = known.filter(|known| **known != written) {
        entry.fault(FaultKind::OtherName { known: known.to_string() });
    }
    Some(written)
}

fn detector(root: &mut Table<'_>, files: &dyn FilesBeside) -> Option<DetectorSettings> {
    let Some(written) = root.get("detector") else {
        let manifest = default_model(root, files);
        return Some(DetectorSettings { manifest, library: None, provider: Provider::Cpu, threads: 1 });
    };
    written.table(|table| {
        let manifest = match table.get("model") {
            Some(model) => existing_file(&model, files),
            None => Some(default_model(table, files)),
        };
        let library = table.get("library").and_then(|e| existing_file(&e, files));
        let providers = Provider::ALL.map(|provider| (provider.name(), provider));
        let provider = table.get("provider").and_then(|e| e.choice(&providers)).unwrap_or_default();
        let threads = table.get("threads").and_then(|e| e.whole(1..=MAX_THREADS.into())).unwrap_or(1);
        Some(DetectorSettings { manifest: manifest?, library, provider, threads: threads as usize })
    })
}

/// The model that is used where none is named: beside the config file, or where the program's own files lie.
fn default_model(table: &Table<'_>, files: &dyn FilesBeside) -> PathBuf {
    let name = Path::new(DEFAULT_MODEL);
    let path = files.resolve(name);
    let mut places = std::iter::once(path.clone()).chain(files.elsewhere(name));
    places.find(|place| files.kind(place) == PathKind::File).unwrap_or_else(|| {
        table.fault("model", FaultKind::File { path: path.clone(), problem: problem_at(&path, files) });
        path
    })
}

/// The file that a setting names, where it is there.
pub(crate) fn existing_file(entry: &Entry<'_>, files: &dyn FilesBeside) -> Option<PathBuf> {
    let path = files.resolve(Path::new(entry.text()?));
    let refused = files.refused(&path);
    if refused.is_none() && files.kind(&path) == PathKind::File {
        return Some(path);
    }
    let problem = refused.unwrap_or_else(|| problem_at(&path, files));
    entry.fault(FaultKind::File { path, problem });
    None
}

/// A file that is there or can be made.
pub(crate) fn file_that_can_be_made(entry: &Entry<'_>, files: &dyn FilesBeside) -> Option<PathBuf> {
    let path = files.resolve(Path::new(entry.text()?));
    if let Some(problem) = files.refused(&path) {
        entry.fault(FaultKind::File { path, problem });
        return None;
    }
    let folder_is_there = path.parent().is_none_or(|folder| files.kind(folder) == PathKind::Folder);
    let problem = match files.kind(&path) {
        PathKind::Folder => FileProblem::NotAFile,
        PathKind::Nothing if !folder_is_there => FileProblem::NoFolder,
        PathKind::File | PathKind::Nothing => return Some(path),
    };
    entry.fault(FaultKind::File { path, problem });
    None
}

/// A folder that is there or can be made.
pub(crate) fn folder_that_can_be_made(entry: &Entry<'_>, files: &dyn FilesBeside) -> Option<PathBuf> {
    let path = files.resolve(Path::new(entry.text()?));
    if let Some(problem) = files.refused(&path) {
        entry.fault(FaultKind::File { path, problem });
        return None;
    }
    let parent_is_there = path.parent().is_none_or(|above| files.kind(above) == PathKind::Folder);
    let problem = match files.kind(&path) {
        PathKind::Folder => return Some(path),
        PathKind::Nothing if parent_is_there => return Some(path),
        PathKind::Nothing => FileProblem::NoFolder,
        PathKind::File => FileProblem::NotAFolder,
    };
    entry.fault(FaultKind::File { path, problem });
    None
}

/// Something that may be left out, and if it is there must be right: none only where it is wrong.
pub(crate) fn wanted<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(read) => read.map(Some),
    }
}

fn problem_at(path: &Path, files: &dyn FilesBeside) -> FileProblem {
    if files.kind(path) == PathKind::Nothing { FileProblem::NotThere } else { FileProblem::NotAFile }
}

/// The certificate or key in the file, or the credential of systemd's, that a setting names.
pub(crate) fn pem_file(entry: &Entry<'_>, files: &dyn FilesBeside) -> Option<PathBuf> {
    let written = entry.text()?;
    let fault = |path: PathBuf, problem| {
        entry.fault(FaultKind::File { path, problem });
        None
    };
    match files.place_of_secret(written) {
        Ok(path) if files.kind(&path) == PathKind::File => Some(path),
        Ok(path) => fault(path.clone(), problem_at(&path, files)),
        Err(problem) => fault(PathBuf::from(written), problem),
    }
}

/// The same for a private key, which nobody else may read.
pub(crate) fn key_file(entry: &Entry<'_>, files: &dyn FilesBeside) -> Option<PathBuf> {
    let path = pem_file(entry, files)?;
    match files.is_private(&path) {
        Ok(()) => Some(path),
        Err(problem) => {
            entry.fault(FaultKind::File { path, problem });
            None
        }
    }
}

/// The password in the file that a setting names; a fault shows neither the file's name nor its text.
pub(crate) fn password(entry: &Entry<'_>, files: &dyn FilesBeside) -> Option<String> {
    let place = files.place_of_secret(entry.text()?);
    place
        .and_then(|path| files.secret(&path))
        .map_err(|problem| entry.fault(FaultKind::SecretFile(problem)))
        .ok()
}

fn cameras(root: &mut Table<'_>, around: Around<'_>) -> Option<Vec<CameraSettings>> {
    let example = "[[camera]] with id, source, picture and a [[camera.line]]";
    let Some(written) = root.get("camera") else {
        root.fault("camera", FaultKind::None { what: "camera", example });
        return None;
    };
    let mut names = camera::Names::of("camera");
    let mut any = false;
    let cameras = written.tables(MAX_CAMERAS, |table| {
        any = true;
        camera::camera(table, &mut names, around)
    })?;
    if !any {
        written.fault(FaultKind::None { what: "camera", example });
    }
    Some(cameras)
}
