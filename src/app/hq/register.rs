//! `footfall-hq register`, and the register of a running service, which is read again when its file changes.

use super::cli::RegisterArgs;
use crate::app::exit::Failure;
use crate::hq::config;
use crate::hq::register;
use crate::hq::store::Store;
use crate::time::{Clock, SystemClock, WallTime};
use anyhow::Context;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Takes over the register, and says what was done.
///
/// # Errors
/// The register's faults, all of them.
pub(super) fn register(args: &RegisterArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let settings = config::load(&args.file.config)?;
    let path = args.register.clone().or(settings.register).ok_or_else(|| {
        Failure::Config("the config file names no register; give one: footfall-hq register FILE".to_owned())
    })?;
    let store = Store::open(&settings.database)?;
    let applied = apply(&path, &store, SystemClock::start().now().wall)?;
    writeln!(out, "{applied}")?;
    Ok(())
}

/// Reads a register without taking it over: what is wrong in it.
///
/// # Errors
/// All faults.
pub(super) fn check(path: &Path) -> anyhow::Result<register::Register> {
    register::read(&text(path)?)
        .map_err(|fault| Failure::Config(format!("{}: {fault}", path.display())).into())
}

fn apply(path: &Path, store: &Store, now: WallTime) -> anyhow::Result<register::Applied> {
    register::apply(&text(path)?, store, now)
        .map_err(|fault| Failure::Config(format!("{}: {fault}", path.display())).into())
}

/// The text of a register, not more of it than a register may have, and a byte.
fn text(path: &Path) -> anyhow::Result<String> {
    let unreadable = || Failure::Config(format!("cannot read the register {}", path.display()));
    let mut text = String::new();
    let most = register::MAX_FILE_BYTES as u64 + 1;
    std::fs::File::open(path)
        .and_then(|file| file.take(most).read_to_string(&mut text))
        .with_context(unreadable)?;
    Ok(text)
}

/// The register that a running service keeps up with.
pub(super) struct RegisterFile {
    path: Option<PathBuf>,
    /// How the file was when it was read last: seconds and nanoseconds of its last change, and its inode.
    seen: Option<[i64; 3]>,
}

impl RegisterFile {
    pub(super) const fn of(path: Option<PathBuf>) -> Self {
        Self { path, seen: None }
    }

    /// Takes the register over if its file is another one than before.
    ///
    /// # Errors
    /// The register's faults; the database then stays as it was, and the same file is not tried again.
    pub(super) fn apply_if_changed(&mut self, store: &Store, now: WallTime) -> anyhow::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let found = std::fs::metadata(path)
            .map(|found| [found.mtime(), found.mtime_nsec(), found.ino() as i64])
            .with_context(|| Failure::Config(format!("cannot read the register {}", path.display())))?;
        if self.seen == Some(found) {
            return Ok(());
        }
        self.seen = Some(found);
        let applied = apply(path, store, now)?;
        for change in &applied.changes {
            tracing::info!("register: {change}");
        }
        Ok(())
    }
}
