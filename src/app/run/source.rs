//! Where the service gets its settings: the box's own file, and what head office desired in place of some of its tables.

use crate::app::eye;
use crate::config::{self, EdgeSettings, LocalFile};
use crate::fleet::store;
use crate::fleet::twin::Memory;
use crate::time::WallTime;
use std::path::{Path, PathBuf};

/// Reads the settings that are in force, whenever somebody asks.
#[derive(Debug, Clone)]
pub(in crate::app) struct Source {
    path: PathBuf,
}

impl Source {
    /// Of this config file.
    pub(in crate::app) fn of(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The box's own file.
    pub(in crate::app) fn local(&self) -> Result<LocalFile, config::ConfigError> {
        LocalFile::read(&self.path, &eye::program())
    }

    /// The settings that are in force.
    ///
    /// # Errors
    /// What is wrong with the file, or with what head office desired.
    pub(in crate::app) fn load(&self) -> anyhow::Result<EdgeSettings> {
        let local = self.local()?;
        let memory = memory(&local)?.map(|(_, memory)| memory).unwrap_or_default();
        with(&local, &memory)
    }

    /// A start of the service, counted where something is on trial: what ended the process too often is given up.
    pub(super) fn start(&self, now: WallTime) -> anyhow::Result<Start> {
        let local = self.local()?;
        let mut start = Start { memory: memory(&local)?, local, now };
        if let Some((folder, memory)) = &mut start.memory
            && memory.trial.is_some()
        {
            memory.started(now);
            keep(folder, memory);
        }
        Ok(start)
    }
}

/// A start of the service. It goes by what is remembered even where the disk does not take what changes in that.
pub(super) struct Start {
    local: LocalFile,
    memory: Option<(PathBuf, Memory)>,
    now: WallTime,
}

impl Start {
    /// The settings that the service begins with. Gives up what has faults by now.
    pub(super) fn settings(&mut self) -> anyhow::Result<EdgeSettings> {
        loop {
            let remembered = self.memory.as_ref().map(|(_, memory)| memory.clone()).unwrap_or_default();
            match with(&self.local, &remembered) {
                Err(fault) if self.give_up(&format!("{fault:#}")) => {}
                settings => return settings,
            }
        }
    }

    /// Gives up what is in force from afar, as the service does not start with it; false where that is the box's own file.
    pub(super) fn give_up(&mut self, why: &str) -> bool {
        let Some((folder, memory)) = &mut self.memory else { return false };
        if memory.in_force().is_none() {
            return false;
        }
        tracing::error!("the configuration of head office is given up for what held before: {why}");
        memory.failed(why.lines().map(str::to_owned).collect(), self.now);
        keep(folder, memory);
        true
    }
}

/// Counting does not wait for a disk that takes nothing; then the next start finds what was remembered before.
fn keep(folder: &Path, memory: &Memory) {
    if let Err(fault) = store::keep_twin(folder, memory) {
        tracing::error!(
            "what is in force from head office cannot be noted, and the service starts all the same: {fault}"
        );
    }
}

/// The folder of what is remembered, and what that is; none where head office does not say what this box counts with.
pub(in crate::app) fn memory(local: &LocalFile) -> anyhow::Result<Option<(PathBuf, Memory)>> {
    let Some(fleet) = local.fleet()?.filter(|fleet| fleet.twin) else { return Ok(None) };
    let memory = store::twin(&fleet.state)?;
    Ok(Some((fleet.state, memory)))
}

fn with(local: &LocalFile, memory: &Memory) -> anyhow::Result<EdgeSettings> {
    let Some(desired) = memory.in_force() else { return Ok(local.settings()?) };
    local.managed(&desired.text).map_err(|fault| {
        let lines = fault.lines().join("\n");
        anyhow::anyhow!("version {} of head office has faults:\n{lines}", desired.version)
    })
}
