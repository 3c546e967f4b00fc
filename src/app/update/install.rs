//! An installation on trial, and the way back.

use super::packages;
use super::watch::{self, Expected};
use super::{INSTALLED, Outcome, PREVIOUS, PROGRAM, TAKEN, TRIAL, Update};
use crate::fleet::update::{PACKAGE, Resume, Trial};
use anyhow::Context;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where a trial begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Nothing is installed yet.
    Forward,
    /// The new version is installed, and was not seen to count yet.
    Watch,
    /// dpkg was interrupted.
    Back,
}

impl Update<'_> {
    /// Goes on where a power cut interrupted an update.
    pub(super) fn resume(&self, trial: Trial) -> anyhow::Result<Outcome> {
        // What it says does not matter here: what is installed in the end does.
        packages::configure_all().ok();
        match trial.resume(packages::installed(PACKAGE)?.as_ref()) {
            Resume::Watch => self.install(&trial, Way::Watch),
            Resume::GoBack => self.install(&trial, Way::Back),
            Resume::Forget => {
                self.forget_trial()?;
                Ok(Outcome::rolled_back(trial.to, "the power was cut before it was installed".to_owned()))
            }
        }
    }

    /// Tries the version, from where it stands, and goes back where it does not count.
    pub(super) fn install(&self, trial: &Trial, from: Way) -> anyhow::Result<Outcome> {
        let before = watch::look(&self.args.runtime);
        // After a power cut nobody knows what counted before: whatever comes up is believed.
        let expected = Expected::from(before.as_ref());
        let tried = match from {
            Way::Forward => self.step_forward(trial, &expected),
            Way::Watch => self.counts(&expected),
            Way::Back => Err(anyhow::anyhow!("the power was cut while it was installed")),
        };
        match tried {
            Ok(()) => {
                self.keep_taken().context("the package cannot be kept")?;
                self.forget_trial()?;
                Ok(Outcome::current(trial.to.clone(), "it counts"))
            }
            Err(why) => self.go_back(trial, &why, &expected),
        }
    }

    fn step_forward(&self, trial: &Trial, expected: &Expected) -> anyhow::Result<()> {
        self.keep_way_back(trial).context("there is no way back, so it was not installed")?;
        self.write_trial(trial)?;
        packages::install(&self.own(TAKEN))?;
        self.counts(expected)
    }

    /// Keeps the package that is installed now; already done where the power was cut right after it.
    fn keep_taken(&self) -> std::io::Result<()> {
        match std::fs::rename(self.own(TAKEN), self.own(INSTALLED)) {
            Err(fault) if fault.kind() == ErrorKind::NotFound && self.own(INSTALLED).exists() => Ok(()),
            done => done,
        }
    }

    /// Restarts the service, and waits until it counts.
    fn counts(&self, expected: &Expected) -> anyhow::Result<()> {
        watch::restart(&self.args.restart)?;
        watch::wait(&self.args.runtime, expected, (self.args.patience, self.args.settle), self.clock)
    }

    /// Makes sure that the package of the version that runs is at hand, and on the disk before anything says so.
    fn keep_way_back(&self, trial: &Trial) -> anyhow::Result<()> {
        self.lay_way_back(trial)?;
        for name in [PROGRAM, PREVIOUS] {
            File::open(self.own(name))?.sync_all()?;
        }
        Ok(())
    }

    fn lay_way_back(&self, trial: &Trial) -> anyhow::Result<()> {
        // Whoever goes on after a power cut must not depend on the new program.
        std::fs::copy(std::env::current_exe()?, self.own(PROGRAM))?;
        let kept = self.own(INSTALLED);
        let is_it = |path: &Path| {
            let name = packages::name_of(path).ok();
            name.is_some_and(|name| name.split(' ').nth(1) == Some(trial.from.as_str()))
        };
        if is_it(&kept) {
            return Ok(std::fs::rename(kept, self.own(PREVIOUS))?);
        }
        // It came by hand, with apt: what is installed is packed again.
        packages::repack(&self.args.repack, PACKAGE, &self.own(PREVIOUS))
    }

    fn go_back(&self, trial: &Trial, why: &anyhow::Error, expected: &Expected) -> anyhow::Result<Outcome> {
        let why = format!("{why:#}");
        if self.unwritten() {
            return Ok(Outcome::rolled_back(trial.to.clone(), format!("{why}; nothing was changed")));
        }
        tracing::warn!("version {} does not do ({why}); going back to {}", trial.to, trial.from);
        let previous = self.own(PREVIOUS);
        packages::install(&previous).with_context(|| {
            format!("version {} does not do ({why}), and the way back failed; somebody has to look", trial.to)
        })?;
        let again =
            Expected { pid_before: watch::look(&self.args.runtime).map(|sign| sign.pid), ..expected.clone() };
        let detail = match self.counts(&again) {
            Ok(()) => format!("{why}; {} runs again", trial.from),
            Err(fault) => format!("{why}; {} is installed again, and {fault:#}", trial.from),
        };
        std::fs::rename(previous, self.own(INSTALLED)).context("the package cannot be kept")?;
        self.forget_trial()?;
        Ok(Outcome::rolled_back(trial.to.clone(), detail))
    }

    /// Whether nothing was begun.
    fn unwritten(&self) -> bool {
        !self.own(TRIAL).exists()
    }

    fn write_trial(&self, trial: &Trial) -> anyhow::Result<()> {
        let (path, part): (PathBuf, PathBuf) = (self.own(TRIAL), self.own("trial.json.part"));
        std::fs::write(&part, serde_json::to_vec(trial)?)?;
        File::open(&part)?.sync_all()?;
        std::fs::rename(part, path)?;
        File::open(&self.args.keep)?.sync_all().context("the folder cannot be brought to disk")
    }

    fn forget_trial(&self) -> anyhow::Result<()> {
        std::fs::remove_file(self.own(TRIAL)).context("the trial's file cannot be taken away")
    }
}
