//! Settings from head office: takes what is desired, tries it, and says what came of it.

use super::agent::{Part, PartSetup};
use super::control::Control;
use super::source::Source;
use crate::config::{EdgeSettings, FleetSettings};
use crate::fleet::mqtt::{FleetSender, Heard, Inbound, Outbound};
use crate::fleet::store;
use crate::fleet::twin::{Memory, Step};
use crate::time::FrameTime;
use crate::wire::v1::fleet::{ConfigDesired, ConfigReported};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Seconds that a look at a camera speaks for, at most: a thread that was away for long has not seen them.
const LONGEST_LOOK: Duration = Duration::from_secs(5);

/// The part of the fleet that keeps settings.
pub(super) struct TwinPart {
    source: Source,
    folder: PathBuf,
    trial: Duration,
    memory: Memory,
    sender: FleetSender,
    control: Control,
    /// How long the box has counted with what is on trial, and when that was looked at last.
    counted: Duration,
    looked_at: Option<Duration>,
    /// The settings of which was told.
    told: Option<Arc<EdgeSettings>>,
}

impl TwinPart {
    /// Goes on with what is remembered.
    ///
    /// # Errors
    /// Where that cannot be read.
    pub(super) fn start(
        setup: &PartSetup<'_>,
        fleet: &FleetSettings,
        source: Source,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            source,
            memory: store::twin(&fleet.state)?,
            folder: fleet.state.clone(),
            trial: fleet.trial,
            sender: setup.sender.clone(),
            control: setup.control.clone(),
            counted: Duration::ZERO,
            looked_at: None,
            told: None,
        })
    }

    fn take(&mut self, desired: ConfigDesired, now: FrameTime) -> anyhow::Result<()> {
        let version = desired.version;
        let check = |text: &str| match self.source.local() {
            Ok(local) => local.managed(text).err().map(|fault| fault.lines()).unwrap_or_default(),
            Err(fault) => vec![fault.to_string()],
        };
        let mut next = self.memory.clone();
        let step = next.desired(desired, check, now.wall);
        match step {
            Step::Nothing => return Ok(()),
            Step::Refused => {
                tracing::warn!("version {version} of head office's settings has faults and changes nothing")
            }
            Step::Try => tracing::info!("version {version} of head office's settings is tried"),
        }
        // On disk before anything is done: whatever ends the process now, the next start knows.
        store::keep_twin(&self.folder, &next)?;
        self.memory = next;
        self.told = None;
        if step == Step::Try {
            self.counted = Duration::ZERO;
            self.report();
            if let Err(why) = self.control.reread() {
                self.give_up(&why, now)?;
            }
        }
        Ok(())
    }

    fn give_up(&mut self, why: &str, now: FrameTime) -> anyhow::Result<()> {
        tracing::error!("head office's settings do not do and are given up: {why}");
        self.memory.failed(why.lines().map(str::to_owned).collect(), now.wall);
        self.told = None;
        store::keep_twin(&self.folder, &self.memory)?;
        // Where the service went on with the settings of before, nothing differs.
        self.control
            .reread()
            .map_err(|fault| anyhow::anyhow!("the settings of before cannot be read: {fault}"))
    }

    /// Notes how long the box counts with what is on trial: the time in which a camera is looked at.
    fn count(&mut self, now: FrameTime) -> anyhow::Result<()> {
        let since = self.looked_at.replace(now.elapsed).unwrap_or(now.elapsed);
        if self.memory.trial.is_none() {
            return Ok(());
        }
        let Some(present) = self.control.present() else { return Ok(()) };
        if present.board.now(now).cameras.iter().any(|camera| camera.fps > 0.0) {
            self.counted += now.elapsed.saturating_sub(since).min(LONGEST_LOOK);
        }
        if self.counted >= self.trial {
            let mut next = self.memory.clone();
            next.counted(now.wall);
            store::keep_twin(&self.folder, &next)?;
            self.memory = next;
            self.told = None;
            tracing::info!("head office's settings have counted for long enough and are kept");
        }
        Ok(())
    }

    /// Says what is in force, where that is news.
    fn report(&mut self) {
        let Some(present) = self.control.present() else { return };
        if self.told.as_ref().is_some_and(|told| Arc::ptr_eq(told, &present.settings)) {
            return;
        }
        let own = self.source.local().ok().and_then(|local| local.managed_text());
        let report: ConfigReported = self.memory.report(own);
        let payload = serde_json::to_vec(&report).expect("texts and numbers can be written");
        self.sender.say(Outbound::ConfigReported, payload);
        self.told = Some(present.settings);
    }
}

impl Part for TwinPart {
    fn takes(&self, about: Inbound) -> bool {
        about == Inbound::ConfigDesired
    }

    fn heard(&mut self, heard: Heard, now: FrameTime) {
        // An empty message is how a retained one is taken back.
        if heard.payload.is_empty() {
            return heard.confirm();
        }
        let taken = match serde_json::from_slice::<ConfigDesired>(&heard.payload) {
            Ok(desired) => self.take(desired, now),
            Err(fault) => {
                tracing::warn!("head office sent settings that cannot be read: {fault}");
                Ok(())
            }
        };
        match taken {
            Ok(()) => heard.confirm(),
            // Not confirmed: the broker brings it again at the next connect.
            Err(fault) => tracing::error!("head office's settings cannot be taken: {fault:#}"),
        }
    }

    fn tick(&mut self, now: FrameTime) {
        if let Err(fault) = self.count(now) {
            tracing::error!("head office's settings cannot be kept: {fault:#}");
        }
        self.report();
    }
}
