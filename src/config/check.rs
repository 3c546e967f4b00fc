//! From the text of a config file to checked settings.
//!
//! Pure: what the disk has to say comes through [`FilesBeside`], so that random texts can be thrown at
//! this without touching a file. Every fault is found in one go; settings come out only where there is none.

use super::document::{Entry, FaultSink, Table, read_document};
use super::fault::{Fault, FaultKind, FileProblem};
use super::{CameraSettings, DEFAULT_MODEL, EdgeSettings, MAX_THREADS, audit, broker, camera, outbox, store};
use crate::detect::{DetectorSettings, Provider};
use crate::ids::{BoxId, StoreId, TenantId};
use std::path::{Path, PathBuf};

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

    /// What lies at a resolved path.
    fn kind(&self, path: &Path) -> PathKind;

    /// The text of a small file.
    ///
    /// # Errors
    /// [`FileProblem`] says why there is none.
    fn text(&self, path: &Path) -> Result<String, FileProblem>;

    /// The first line of a small text file.
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
    let tenant = root.need("tenant", "tenant = \"acme\"").and_then(|e| e.parsed(TenantId::parse));
    let store = root.need("store", "store = \"taipei-01\"").and_then(|e| e.parsed(StoreId::parse));
    let box_id = root.need("box", "box = \"acme-taipei-01-a\"").and_then(|e| e.parsed(BoxId::parse));
    let mqtt = root.get("mqtt");
    let has_broker = mqtt.is_some();
    let mqtt = mqtt.and_then(|e| e.table(|table| broker::mqtt(table, files)));
    let outbox = outbox::outbox(root, files);
    let audit = root.get("audit").and_then(|e| e.table(|table| audit::audit(table, files)));
    let site = root.get("site");
    let around = Around { files, has_broker, has_site: site.is_some() };
    let site = site.map(|e| e.table(|table| store::site(table, around)));
    let detector = detector(root, files);
    let cameras = cameras(root, around);
    let site = wanted(site)?;
    Some(EdgeSettings {
        tenant: tenant?,
        store: store?,
        box_id: box_id?,
        mqtt,
        outbox,
        audit,
        site,
        detector: detector?,
        cameras: cameras?,
    })
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
    if files.kind(&path) == PathKind::File {
        return Some(path);
    }
    let problem = problem_at(&path, files);
    entry.fault(FaultKind::File { path, problem });
    None
}

/// A file that is there or can be made.
pub(crate) fn file_that_can_be_made(entry: &Entry<'_>, files: &dyn FilesBeside) -> Option<PathBuf> {
    let path = files.resolve(Path::new(entry.text()?));
    let folder_is_there = path.parent().is_none_or(|folder| files.kind(folder) == PathKind::Folder);
    let problem = match files.kind(&path) {
        PathKind::Folder => FileProblem::NotAFile,
        PathKind::Nothing if !folder_is_there => FileProblem::NoFolder,
        PathKind::File | PathKind::Nothing => return Some(path),
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

/// The password in the file that a setting names; a fault shows neither the file's name nor its text.
pub(crate) fn password(entry: &Entry<'_>, files: &dyn FilesBeside) -> Option<String> {
    let path = files.resolve(Path::new(entry.text()?));
    files.secret(&path).map_err(|problem| entry.fault(FaultKind::SecretFile(problem))).ok()
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
