//! `footfall update apply`: what root does about a package that the service fetched.
//!
//! What is decided stands in [`fleet::update`](crate::fleet::update); here are the files, dpkg and the clock. Every way out of an update ends
//! with a result for the agent, and with a version that was seen to count, or with somebody being asked to look.

mod foreign;
mod install;
mod packages;
mod watch;

use super::cli::UpdateApplyArgs;
use crate::fleet::release::PublicKey;
use crate::fleet::update::{
    FOLDER, Installed, MANIFEST_FILE, MAX_MANIFEST_BYTES, MAX_PACKAGE_BYTES, MAX_SIGNATURE_BYTES, Offer,
    PACKAGE, PACKAGE_FILE, READY_FILE, RESULT_FILE, SIGNATURE_FILE, Trial, Verdict, report,
};
use crate::time::{Clock, SystemClock};
use crate::wire::v1::fleet::SoftwareStatus;
use anyhow::Context;
use foreign::ForeignFolder;
use install::Way;
pub(super) use packages::name_of;
use std::fs::{File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The copy that is looked at.
const TAKEN: &str = "taken.deb";
/// The package that runs.
const INSTALLED: &str = "installed.deb";
/// The package before.
const PREVIOUS: &str = "previous.deb";
/// The program that began the trial, to go on with it (footfall-update.service).
const PROGRAM: &str = "footfall";
/// A trial that has not come to its end.
const TRIAL: &str = "trial.json";
/// Held while an update is at work.
const LOCK: &str = "lock";

/// Root's own folder, and what belongs to an update.
struct Update<'a> {
    args: &'a UpdateApplyArgs,
    clock: &'a dyn Clock,
    /// Keeps a second one out until this one ends.
    _lock: File,
}

/// How an update ended.
struct Outcome {
    status: SoftwareStatus,
    detail: String,
    desired: Option<String>,
}

/// Installs the package that lies ready, or goes on with an update that a power cut interrupted.
///
/// # Errors
/// What root itself needs and does not have. What is wrong with the package is no error but a result.
pub(super) fn apply(args: &UpdateApplyArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let clock = SystemClock::start();
    let update = Update { args, clock: &clock, _lock: own_folder(&args.keep)? };
    let folder = ForeignFolder::open(&args.state, FOLDER)?;
    let outcome = match update.unfinished()? {
        Some(trial) => update.resume(trial)?,
        None => {
            let Some(folder) = folder.as_ref().filter(|folder| folder.has(READY_FILE)) else {
                writeln!(
                    out,
                    "nothing to do: there is no {}",
                    args.state.join(FOLDER).join(READY_FILE).display()
                )?;
                return Ok(());
            };
            let taken = update.take(folder);
            // Whatever came of it: the path unit would start us again for as long as it is there.
            folder.remove(READY_FILE)?;
            taken?
        }
    };
    let running =
        packages::installed(PACKAGE)?.context("after the update no version is installed rightly")?;
    let told = format!("{}: {}", running.version, outcome.detail);
    let at_ms = update.clock.now().wall.unix_ms();
    let report = report(&running, outcome.desired.as_deref(), outcome.status, outcome.detail, at_ms);
    if let Some(folder) = folder {
        folder.write(RESULT_FILE, &serde_json::to_vec(&report)?)?;
    }
    writeln!(out, "{told}")?;
    Ok(())
}

/// Makes root's folder, closed to everybody else, and keeps a second update out.
fn own_folder(keep: &Path) -> anyhow::Result<File> {
    let cannot = || format!("{} cannot be used; run this as root", keep.display());
    std::fs::create_dir_all(keep).with_context(cannot)?;
    std::fs::set_permissions(keep, Permissions::from_mode(0o700)).with_context(cannot)?;
    let lock = File::create(keep.join(LOCK)).with_context(cannot)?;
    let taken = || "another update is at work; wait until it has ended".to_owned();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).with_context(taken)?;
    Ok(lock)
}

impl Update<'_> {
    fn own(&self, name: &str) -> PathBuf {
        self.args.keep.join(name)
    }

    /// An update that did not come to its end.
    fn unfinished(&self) -> anyhow::Result<Option<Trial>> {
        let path = self.own(TRIAL);
        match std::fs::read(&path) {
            // It is renamed into its place whole, so it reads, or the disk is broken.
            Ok(text) => {
                let trial = serde_json::from_slice(&text);
                Ok(Some(trial.with_context(|| format!("{} cannot be read", path.display()))?))
            }
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(fault).with_context(|| path.display().to_string()),
        }
    }

    /// Looks at what lies ready, and installs it where that is right.
    fn take(&self, folder: &ForeignFolder) -> anyhow::Result<Outcome> {
        let here = packages::installed(PACKAGE)?.with_context(|| {
            format!("the package {PACKAGE} is not installed rightly; see `dpkg -s {PACKAGE}`")
        })?;
        let offer = match self.key().and_then(|key| offered(folder, &key)) {
            Ok(offer) => offer,
            Err(fault) => return Ok(Outcome::refused(&fault, None)),
        };
        let version = offer.manifest().version.clone();
        match self.judge(folder, &offer, &here) {
            Ok(Verdict::Install) => self.install(&Trial { to: version, from: here.version }, Way::Forward),
            Ok(Verdict::Nothing) => Ok(Outcome::current(version, "it was installed already")),
            Err(fault) => Ok(Outcome::refused(&fault, Some(version))),
        }
    }

    fn key(&self) -> anyhow::Result<PublicKey> {
        let path = &self.args.key;
        let text = std::fs::read_to_string(path).with_context(|| {
            format!(
                "{}: without the release key nothing is installed; see docs/guide/update.md",
                path.display()
            )
        })?;
        PublicKey::parse(&text).with_context(|| path.display().to_string())
    }

    /// Whether the package may be installed. Copies it first, and looks at the copy only.
    fn judge(&self, folder: &ForeignFolder, offer: &Offer, here: &Installed) -> anyhow::Result<Verdict> {
        let order = packages::compare(&offer.manifest().version, &here.version)?;
        if offer.judge(here, order)? == Verdict::Nothing {
            return Ok(Verdict::Nothing);
        }
        let taken = self.own(TAKEN);
        let (size, sha256) = folder.copy(PACKAGE_FILE, &taken, MAX_PACKAGE_BYTES)?;
        offer.is_file(size, &sha256)?;
        offer.is_named(&packages::name_of(&taken)?)?;
        Ok(Verdict::Install)
    }
}

/// The manifest, if the release key speaks for it.
fn offered(folder: &ForeignFolder, key: &PublicKey) -> anyhow::Result<Offer> {
    let manifest = folder.read(MANIFEST_FILE, MAX_MANIFEST_BYTES)?;
    let signature = folder.read(SIGNATURE_FILE, MAX_SIGNATURE_BYTES)?;
    Ok(Offer::read(&manifest, &signature, key)?)
}

impl Outcome {
    fn refused(fault: &anyhow::Error, desired: Option<String>) -> Self {
        Self { status: SoftwareStatus::Refused, detail: format!("{fault:#}; nothing was changed"), desired }
    }

    fn current(version: String, detail: &str) -> Self {
        Self { status: SoftwareStatus::Current, detail: detail.to_owned(), desired: Some(version) }
    }

    fn rolled_back(version: String, detail: String) -> Self {
        Self { status: SoftwareStatus::RolledBack, detail, desired: Some(version) }
    }
}
