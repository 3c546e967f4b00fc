//! Commands of head office: takes them, has them done one after another on a thread of their own, and says what came of each.
//!
//! A message is confirmed when its answer is on its way, so a box that dies in the middle gets it again, and knows it: what was
//! begun stands on disk before it is.

use super::agent::{Part, PartSetup};
use super::control::Control;
use super::patrol;
use super::reporting::clock_trust;
use crate::config::EdgeSettings;
use crate::fleet::commands::{CommandDesk, Decision, Silence, answer};
use crate::fleet::mqtt::{FleetSender, Heard, Inbound, Outbound};
use crate::ids::CameraId;
use crate::time::{Clock, FrameTime, WallTime};
use crate::wire::v1::fleet::{Command, CommandKind, CommandOutcome, CommandResult, Picture};
use anyhow::Context;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// The name of the file in which ids are remembered.
const FILE: &str = "commands";
/// Commands that wait for the one that is being done.
const QUEUE: usize = 16;
/// Words of whoever asks, as far as they go into the log.
const MOST_WORDS: usize = 200;
/// Too many commands are told of this often.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// The part of the fleet that is about commands.
pub(super) struct Commands {
    desk: CommandDesk,
    file: PathBuf,
    sender: FleetSender,
    work: SyncSender<Command>,
    done: Receiver<CommandResult>,
    /// Messages that are confirmed when they are answered, by the command's id.
    open: BTreeMap<String, Heard>,
    told_at: Option<Duration>,
    clock: Arc<dyn Clock>,
}

impl Commands {
    /// Reads what is remembered, and starts the thread that does what is asked.
    ///
    /// # Errors
    /// Where what is remembered cannot be read, or the system gives no thread.
    pub(super) fn start(setup: &PartSetup<'_>, state: &Path) -> anyhow::Result<Self> {
        // Counting does not wait for it; each command tries again.
        if let Err(fault) = std::fs::create_dir_all(state) {
            tracing::error!(
                "cannot make the folder {}, and without it no command is done: {fault}",
                state.display()
            );
        }
        let file = state.join(FILE);
        let memory = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => String::new(),
            // Without it a command could be done twice.
            Err(fault) => return Err(fault).with_context(|| format!("cannot read {}", file.display())),
        };
        let (work, todo) = sync_channel(QUEUE);
        let (tell, done) = sync_channel(QUEUE);
        let worker = Worker { control: setup.control.clone(), clock: Arc::clone(&setup.clock) };
        std::thread::Builder::new().name("commands".to_owned()).spawn(move || worker.run(&todo, &tell))?;
        Ok(Self {
            desk: CommandDesk::new(&memory),
            file,
            sender: setup.sender.clone(),
            work,
            done,
            open: BTreeMap::new(),
            told_at: None,
            clock: Arc::clone(&setup.clock),
        })
    }

    /// Has it done, if it can be noted that it was begun.
    fn begin(&mut self, command: Command, heard: Heard, now: WallTime) {
        let Command { id, kind, asked_by, why, .. } = &command;
        tracing::info!("command {id}: {kind:?}, asked by {:?}: {:?}", shortened(asked_by), shortened(why));
        let id = id.clone();
        let refused = match self.remember() {
            Err(fault) => Some(format!("{fault:#}; so it is not done")),
            Ok(()) => {
                let full = self.work.try_send(command).is_err();
                full.then(|| "others are still being done; ask again".to_owned())
            }
        };
        match refused {
            None => drop(self.open.insert(id, heard)),
            Some(why) => {
                self.tell(&answer(&id, CommandOutcome::Failed, &why, now));
                heard.confirm();
            }
        }
    }

    fn tell(&mut self, result: &CommandResult) {
        let CommandResult { id, outcome, detail, .. } = result;
        tracing::info!("command {id}: {outcome:?} {detail}");
        self.desk.answered(id);
        if let Err(fault) = self.remember() {
            tracing::warn!("{fault:#}; a command may be answered again as failed after a restart");
        }
        match serde_json::to_vec(result) {
            Ok(payload) => self.sender.say(Outbound::CommandResult, payload),
            Err(fault) => tracing::error!("command {id}: its answer cannot be written: {fault}"),
        }
    }

    fn leave_out(&mut self, why: Silence, now: Duration) {
        let is_new = self.told_at.is_none_or(|told| now.saturating_sub(told) >= TELL_EVERY);
        match why {
            Silence::Known => tracing::info!("a command came again, and is not done again"),
            Silence::NoId | Silence::TooMany if !is_new => {}
            Silence::NoId => {
                self.told_at = Some(now);
                tracing::warn!("a message that is no command is left out");
            }
            Silence::TooMany => {
                self.told_at = Some(now);
                tracing::warn!("more commands come than a person sends; they are left out and not answered");
            }
        }
    }

    /// Puts on disk which commands were taken.
    fn remember(&self) -> anyhow::Result<()> {
        let beside = self.file.with_extension("new");
        let write = || {
            self.file.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            let mut file = std::fs::File::create(&beside)?;
            file.write_all(self.desk.memory().as_bytes())?;
            file.sync_data()?;
            std::fs::rename(&beside, &self.file)
        };
        write().with_context(|| format!("commands cannot be noted in {}", self.file.display()))
    }
}

impl Part for Commands {
    fn takes(&self, about: Inbound) -> bool {
        about == Inbound::Command
    }

    fn heard(&mut self, heard: Heard, now: FrameTime) {
        match self.desk.decide(&heard.payload, now, clock_trust(self.clock.as_ref())) {
            Decision::Do(command) => self.begin(command, heard, now.wall),
            Decision::Answer(result) => {
                self.tell(&result);
                heard.confirm();
            }
            Decision::Nothing(why) => {
                self.leave_out(why, now.elapsed);
                heard.confirm();
            }
        }
    }

    fn tick(&mut self, _now: FrameTime) {
        while let Ok(result) = self.done.try_recv() {
            self.tell(&result);
            if let Some(heard) = self.open.remove(&result.id) {
                heard.confirm();
            }
        }
    }
}

fn shortened(words: &str) -> String {
    words.chars().take(MOST_WORDS).collect()
}

/// Does one thing after another.
struct Worker {
    control: Control,
    clock: Arc<dyn Clock>,
}

impl Worker {
    fn run(&self, todo: &Receiver<Command>, tell: &SyncSender<CommandResult>) {
        while let Ok(command) = todo.recv() {
            let did = self.act(&command);
            let now = self.clock.now().wall;
            let result = match did {
                Ok(picture) => {
                    CommandResult { picture, ..answer(&command.id, CommandOutcome::Done, "", now) }
                }
                Err(NotDone { outcome, why }) => answer(&command.id, outcome, &why, now),
            };
            if tell.send(result).is_err() {
                return;
            }
        }
    }

    fn act(&self, command: &Command) -> Result<Option<Picture>, NotDone> {
        // It may have waited behind others.
        if self.clock.now().wall >= WallTime::from_unix_ms(command.expires_ms) {
            return Err(NotDone {
                outcome: CommandOutcome::Expired,
                why: "its end came before its turn".to_owned(),
            });
        }
        match &command.kind {
            CommandKind::Snapshot { camera } => self.picture(camera).map(Some),
            CommandKind::RestartCamera { camera } => {
                let camera = self.camera(camera)?;
                self.control.restart_camera(&camera).map_err(failed)?;
                Ok(None)
            }
            CommandKind::Reread => {
                self.control.reread().map_err(failed)?;
                Ok(None)
            }
        }
    }

    fn picture(&self, camera: &str) -> Result<Picture, NotDone> {
        let Some(present) = self.control.present() else { return Err(being_built()) };
        let camera = CameraId::parse(camera).map_err(|fault| refused(fault.to_string()))?;
        let permit = patrol::permit(&present.settings, &camera).map_err(refused)?;
        present.patrol.picture(&permit).map_err(failed)
    }

    /// The camera of this name, where the box has it.
    fn camera(&self, name: &str) -> Result<CameraId, NotDone> {
        let Some(present) = self.control.present() else { return Err(being_built()) };
        let is_it = |camera: &&CameraId| camera.as_str() == name;
        let settings: &EdgeSettings = &present.settings;
        let found = settings.cameras.iter().map(|camera| &camera.id).find(is_it);
        found.cloned().ok_or_else(|| refused(format!("there is no camera {:?} on this box", shortened(name))))
    }
}

/// Why something was not done.
struct NotDone {
    outcome: CommandOutcome,
    why: String,
}

fn failed(why: String) -> NotDone {
    NotDone { outcome: CommandOutcome::Failed, why }
}

fn refused(why: String) -> NotDone {
    NotDone { outcome: CommandOutcome::Refused, why }
}

fn being_built() -> NotDone {
    failed("the service is being started; ask again".to_owned())
}
