//! The fleet's thread: hands what head office says to the part that it is about, and lets every part look at the time.
//!
//! A part does its work on this thread and is to be quick; what takes long it does on a thread of its own. It lives as long as the
//! process, over all the services that settings from afar bring about.

use super::control::Control;
use crate::capture::camera::StopSignal;
use crate::config::EdgeSettings;
use crate::fleet::mqtt::{self, FleetConnection, FleetLink, FleetSender, Heard, Inbound};
use crate::time::{Clock, FrameTime};
use crate::wire::topics::BoxNames;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often parts look at the time.
const LOOK_UP_EVERY: Duration = Duration::from_millis(200);
/// What is said last may take this long.
const FAREWELL: Duration = Duration::from_secs(1);
/// What the board calls it when head office cannot be heard.
const ABOUT: &str = "fleet";

/// Something that the fleet wants of a box.
pub(super) trait Part: Send {
    /// What of head office's messages it takes.
    fn takes(&self, about: Inbound) -> bool;

    /// Takes a message. It confirms it when it cannot be lost any more.
    fn heard(&mut self, heard: Heard, now: FrameTime);

    /// Looks at the time; several times a second.
    fn tick(&mut self, now: FrameTime);
}

/// What parts are made with.
pub(super) struct PartSetup<'a> {
    /// What the service counts with.
    pub(super) settings: &'a EdgeSettings,
    /// Sends to head office.
    pub(super) sender: FleetSender,
    /// Asks the service.
    pub(super) control: Control,
    /// The clock.
    pub(super) clock: Arc<dyn Clock>,
}

/// The running thread.
pub(super) struct Agent {
    connection: FleetConnection,
    stop: StopSignal,
    thread: JoinHandle<()>,
}

impl Agent {
    /// Starts connection and thread, where the settings ask for it.
    ///
    /// # Errors
    /// Where a certificate cannot be used, a part cannot start, or the system gives no thread.
    pub(super) fn start(
        settings: &EdgeSettings,
        control: &Control,
        clock: &Arc<dyn Clock>,
        parts: impl FnOnce(&PartSetup<'_>) -> anyhow::Result<Vec<Box<dyn Part>>>,
    ) -> anyhow::Result<Option<Self>> {
        let (Some(_), Some(broker)) = (&settings.fleet, &settings.mqtt) else { return Ok(None) };
        let names = BoxNames {
            tenant: settings.tenant.clone(),
            store: settings.store.clone(),
            box_id: settings.box_id.clone(),
        };
        let tell = teller(control.clone());
        let (connection, heard) = mqtt::start(broker, &names, tell)?;
        let sender = connection.sender();
        let setup = PartSetup { settings, sender, control: control.clone(), clock: Arc::clone(clock) };
        let parts = parts(&setup)?;
        let stop = StopSignal::default();
        let (stopped, clock) = (stop.clone(), Arc::clone(clock));
        let thread = std::thread::Builder::new()
            .name("fleet".to_owned())
            .spawn(move || run(parts, &heard, &stopped, clock.as_ref()))?;
        Ok(Some(Self { connection, stop, thread }))
    }

    /// Whether the thread is gone though nobody stopped it.
    pub(super) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Sends what waits, and ends. A part that is still at work is not waited for: what it had not confirmed comes again.
    pub(super) fn stop(self) {
        self.stop.stop();
        self.connection.stop(FAREWELL);
    }
}

fn run(mut parts: Vec<Box<dyn Part>>, heard: &Receiver<Heard>, stop: &StopSignal, clock: &dyn Clock) {
    while !stop.is_stopped() {
        match heard.recv_timeout(LOOK_UP_EVERY) {
            Ok(heard) => match parts.iter_mut().find(|part| part.takes(heard.about)) {
                Some(part) => part.heard(heard, clock.now()),
                // What is switched off on this box: nobody will ever take it.
                None => heard.confirm(),
            },
            Err(RecvTimeoutError::Timeout) => {}
            // The connection's thread never ends before this one, but for a panic.
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = clock.now();
        parts.iter_mut().for_each(|part| part.tick(now));
    }
}

/// Tells the board that is in use how the connection is.
fn teller(control: Control) -> impl Fn(FleetLink) + Send {
    move |link| {
        let Some(present) = control.present() else { return };
        match link {
            FleetLink::Up => drop(present.board.solved(ABOUT)),
            FleetLink::Down(text) => {
                if present.board.problem(ABOUT, &text, present.clock.now().wall) {
                    tracing::warn!("fleet: {text}");
                }
            }
        }
    }
}
