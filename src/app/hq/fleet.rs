//! `footfall-hq enrol`, `authority` and `package`: the fleet at the machine itself; and what a running service looks after boxes with.

use super::cli::{AuthorityCommand, EnrolArgs, FileArgs, PackageAddArgs, PackageCommand};
use crate::app::exit::Failure;
use crate::hq::access::{self, Origin};
use crate::hq::config;
use crate::hq::fleet::authority::Authority;
use crate::hq::fleet::packages::{self, MAX_MANIFEST_BYTES, PackageFolder};
use crate::hq::fleet::{Fleet, boxes, enrol};
use crate::hq::settings::HqSettings;
use crate::hq::store::Store;
use crate::time::{Clock, SystemClock, WallTime};
use anyhow::Context;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

/// Where changes come from that are made at the machine, in the audit log.
const ADDRESS: &str = "this machine";
/// Longest file of certificates of a broker's authorities.
const MOST_CA_BYTES: u64 = 256 * 1024;

/// What looks after boxes, of the settings.
///
/// # Errors
/// The broker's authorities cannot be read.
pub(super) fn of(settings: &HqSettings) -> anyhow::Result<Fleet> {
    let broker_ca = match &settings.fleet.broker_ca {
        None => None,
        Some(path) => Some(short_text(path, MOST_CA_BYTES)?),
    };
    Ok(Fleet {
        authority: Authority::of(settings.authority.folder.clone(), settings.authority.certificates),
        broker: settings.fleet.broker.clone(),
        broker_ca,
        public_url: settings.http.public_url.clone(),
        link_life: settings.fleet.links,
        packages: PackageFolder(settings.fleet.packages.clone()),
    })
}

fn short_text(path: &Path, most: u64) -> anyhow::Result<String> {
    let unreadable = || Failure::Input(format!("cannot read {}", path.display()));
    let mut text = String::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(most + 1).read_to_string(&mut text))
        .with_context(unreadable)?;
    if read as u64 > most {
        return Err(Failure::Input(format!("{} has more than {most} bytes", path.display())).into());
    }
    Ok(text)
}

/// The parts that every command here needs.
struct Here {
    fleet: Fleet,
    store: Store,
    now: WallTime,
}

impl Here {
    fn open(file: &FileArgs) -> anyhow::Result<Self> {
        let settings = config::load(&file.config)?;
        let (fleet, store) = (of(&settings)?, Store::open(&settings.database)?);
        Ok(Self { fleet, store, now: SystemClock::start().now().wall })
    }

    fn note(&self, action: &str, detail: &str) -> anyhow::Result<()> {
        Ok(access::note(&self.store, Origin { at: self.now, address: ADDRESS }, (None, action, detail))?)
    }
}

/// What is in the way is for whoever typed the command to mend.
fn refused(fault: impl std::fmt::Display) -> anyhow::Error {
    Failure::Input(fault.to_string()).into()
}

/// Makes a link for a box and shows it, once.
///
/// # Errors
/// There is no such box, or boxes cannot enrol here.
pub(super) fn link(args: &EnrolArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let here = Here::open(&args.file)?;
    let names = (args.of.tenant.as_str(), args.of.store.as_str(), args.of.box_id.as_str());
    let life = args.days.map(|days| Duration::from_secs(u64::from(days) * 86_400));
    let made = boxes::link((&here.fleet, &here.store), names, life, here.now).map_err(refused)?;
    let made = made.ok_or_else(|| refused(format!("{} is no box of the register", args.of)))?;
    here.note("enrolment_link_made", &args.of.to_string())?;
    if let Some(code) = enrol::qr_text(made.link.reveal()) {
        writeln!(out, "{code}")?;
    }
    writeln!(out, "On the box, once: footfall enrol '{}'", made.link.reveal())?;
    Ok(())
}

/// Makes or shows the authority.
///
/// # Errors
/// It is not usable.
pub(super) fn authority(command: &AuthorityCommand, out: &mut impl Write) -> anyhow::Result<()> {
    match command {
        AuthorityCommand::Init(file) => {
            let here = Here::open(file)?;
            here.fleet.authority.certificate(here.now).map_err(refused)?;
            writeln!(
                out,
                "the authority lies in {}; keep a copy of it",
                here.fleet.authority.folder().display()
            )?;
        }
        AuthorityCommand::Show(file) => {
            let here = Here::open(file)?;
            write!(out, "{}", here.fleet.authority.certificate(here.now).map_err(refused)?)?;
        }
        AuthorityCommand::Revoked(file) => {
            let here = Here::open(file)?;
            write!(out, "{}", enrol::revoked_list(&here.fleet, &here.store, here.now).map_err(refused)?)?;
        }
    }
    Ok(())
}

/// Adds a package.
///
/// # Errors
/// It is not what its manifest says.
pub(super) fn package(command: &PackageCommand, out: &mut impl Write) -> anyhow::Result<()> {
    let PackageCommand::Add(args) = command;
    let PackageAddArgs { path, manifest, signature, file } = args;
    let here = Here::open(file)?;
    let manifest = short_text(manifest, MAX_MANIFEST_BYTES as u64)?;
    let signature = short_text(signature, 1024)?;
    let of = packages::announce(&here.store, (&manifest, &signature), (None, here.now)).map_err(refused)?;
    packages::add_file(&here.fleet.packages, &here.store, (path, &of), here.now).map_err(refused)?;
    here.note("package_brought", &of.sha256)?;
    writeln!(out, "{} {} {} is here: {}", of.package, of.version, of.architecture, of.sha256)?;
    Ok(())
}
