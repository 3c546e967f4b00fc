//! `footfall release`: the key that speaks for packages, and its signatures.

use super::cli::{ReleaseCommand, ReleaseKeyArgs, ReleaseSignArgs};
use super::exit::Failure;
use super::update::name_of;
use crate::fleet::release::SigningKey;
use crate::fleet::update::MAX_PACKAGE_BYTES;
use crate::wire::v1::fleet::PackageManifest;
use anyhow::Context;
use sha2::{Digest, Sha256};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Runs one of them.
///
/// # Errors
/// A file that cannot be read or written, or is not what it should be.
pub(super) fn run(command: &ReleaseCommand, out: &mut dyn Write) -> anyhow::Result<()> {
    match command {
        ReleaseCommand::Key(args) => key(args, out),
        ReleaseCommand::Sign(args) => sign(args, out),
    }
}

fn key(args: &ReleaseKeyArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let key = SigningKey::generate()?;
    let (private, public) = (args.out.join("release.key"), args.out.join("release.pub"));
    std::fs::create_dir_all(&args.out).with_context(|| args.out.display().to_string())?;
    write_new(&private, 0o600, &key.to_pem()?)?;
    write_new(&public, 0o644, &key.public().to_pem())?;
    writeln!(out, "{}: keep it where packages are built, and nowhere else", private.display())?;
    writeln!(out, "{}: goes to every box, as /etc/footfall/release.pub", public.display())?;
    Ok(())
}

/// A key that is there already is never written over: no box would take a package any more.
fn write_new(path: &Path, mode: u32, text: &str) -> anyhow::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|fault| Failure::Input(format!("{}: {fault}", path.display())).into())
}

fn sign(args: &ReleaseSignArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let no_key = |fault: &dyn std::fmt::Display| Failure::Input(format!("{}: {fault}", args.key.display()));
    let text = std::fs::read_to_string(&args.key).map_err(|fault| no_key(&fault))?;
    let key = SigningKey::parse(&text).map_err(|fault| no_key(&fault))?;
    let manifest = serde_json::to_string(&manifest(args)?)?;
    let signature = key.sign(manifest.as_bytes());
    for (ending, text) in [("manifest.json", manifest), ("manifest.sig", signature)] {
        let path = args.package.with_extension(ending);
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}

fn manifest(args: &ReleaseSignArgs) -> anyhow::Result<PackageManifest> {
    let shown = args.package.display();
    let bytes = std::fs::read(&args.package).map_err(|fault| Failure::Input(format!("{shown}: {fault}")))?;
    if bytes.len() as u64 > MAX_PACKAGE_BYTES {
        let text = format!("{shown}: it has {} bytes; boxes take at most {MAX_PACKAGE_BYTES}", bytes.len());
        return Err(Failure::Input(text).into());
    }
    let name = name_of(&args.package)?;
    let words: Vec<&str> = name.split(' ').collect();
    let [package, version, architecture] = words.as_slice() else {
        return Err(Failure::Input(format!("{shown}: it does not say what it is")).into());
    };
    Ok(PackageManifest {
        package: (*package).to_owned(),
        version: (*version).to_owned(),
        architecture: (*architecture).to_owned(),
        sha256: Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
        size: bytes.len() as u64,
        instead_of: args.instead_of.clone(),
    })
}
