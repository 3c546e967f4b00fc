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

    /// The settings that the service begins with. Gives up what ended the process too often, and what has faults by now.
    pub(super) fn begin(&self, now: WallTime) -> anyhow::Result<EdgeSettings> {
        let local = self.local()?;
        let Some((folder, mut memory)) = memory(&local)? else { return Ok(local.settings()?) };
        if memory.trial.is_some() {
            memory.started(now);
            store::keep_twin(&folder, &memory)?;
        }
        loop {
            match with(&local, &memory) {
                Err(fault) if memory.in_force().is_some() => {
                    self.gives_up(&folder, &mut memory, &format!("{fault:#}"), now)?;
                }
                settings => return settings,
            }
        }
    }

    /// Gives up what is in force from afar, as the service does not start with it; false where that is the box's own file.
    pub(super) fn give_up(&self, why: &str, now: WallTime) -> anyhow::Result<bool> {
        let Some((folder, mut memory)) = memory(&self.local()?)? else { return Ok(false) };
        if memory.in_force().is_none() {
            return Ok(false);
        }
        self.gives_up(&folder, &mut memory, why, now)?;
        Ok(true)
    }

    fn gives_up(&self, folder: &Path, memory: &mut Memory, why: &str, now: WallTime) -> anyhow::Result<()> {
        tracing::error!("the configuration of head office is given up for what held before: {why}");
        memory.failed(why.lines().map(str::to_owned).collect(), now);
        Ok(store::keep_twin(folder, memory)?)
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
