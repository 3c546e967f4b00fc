//! Whether the service counts: what it says of itself in a file of its runtime folder.

use super::foreign::ForeignFolder;
use crate::app::run::sign::{self, Sign};
use crate::time::Clock;
use anyhow::{Context, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Most bytes of the sign.
const MAX_SIGN_BYTES: usize = 1024;

/// What the service said last, if it still runs.
pub(super) fn look(runtime: &Path) -> Option<Sign> {
    let (above, name) = (runtime.parent()?, runtime.file_name()?.to_str()?);
    let folder = ForeignFolder::open(above, name).ok().flatten()?;
    let sign = sign::read(&folder.read(sign::FILE, MAX_SIGN_BYTES).ok()?)?;
    is_running(sign.pid).then_some(sign)
}

fn is_running(pid: u32) -> bool {
    PathBuf::from(format!("/proc/{pid}")).exists()
}

/// What a service must do to be believed.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    /// Cameras that delivered before: as many must deliver again.
    pub(super) cameras_up: usize,
    /// The process before, which may still be ending.
    pub(super) pid_before: Option<u32>,
}

impl Expected {
    /// What the service that runs now does.
    pub(super) fn from(before: Option<&Sign>) -> Self {
        Self { cameras_up: before.map_or(0, |sign| sign.up), pid_before: before.map(|sign| sign.pid) }
    }

    /// A camera that was taken out of the settings meanwhile is not waited for.
    fn is_met(&self, sign: &Sign) -> bool {
        Some(sign.pid) != self.pid_before && sign.up >= self.cameras_up.min(sign.cameras)
    }
}

/// Restarts the service by `restart`, a line for the shell.
pub(super) fn restart(restart: &str) -> anyhow::Result<()> {
    let started = Command::new("/bin/sh").args(["-c", restart]).stdin(Stdio::null()).status();
    let status = started.context("the shell cannot be started")?;
    ensure!(status.success(), "the service cannot be restarted with {restart:?}");
    Ok(())
}

/// Waits until the service counts as `expected`, and goes on for `settle`.
///
/// # Errors
/// What it did instead, after `patience`.
pub(super) fn wait(
    runtime: &Path,
    expected: &Expected,
    (patience, settle): (Duration, Duration),
    clock: &dyn Clock,
) -> anyhow::Result<()> {
    let began = clock.now().elapsed;
    // Which process counts, and since when.
    let mut counting: Option<(u32, Duration)> = None;
    loop {
        let (sign, now) = (look(runtime), clock.now().elapsed);
        let met = sign.as_ref().filter(|sign| expected.is_met(sign));
        counting = met.map(|sign| counting.filter(|(pid, _)| *pid == sign.pid).unwrap_or((sign.pid, now)));
        if counting.is_some_and(|(_, since)| now.saturating_sub(since) >= settle) {
            return Ok(());
        }
        if now.saturating_sub(began) >= patience + settle {
            let wanted = expected.cameras_up;
            match sign.filter(|sign| Some(sign.pid) != expected.pid_before) {
                Some(sign) => bail!(
                    "{} of its {} cameras delivered after {patience:.0?}; {wanted} did before",
                    sign.up,
                    sign.cameras
                ),
                None => bail!("the service did not come up, or did not stay up, within {patience:.0?}"),
            }
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
