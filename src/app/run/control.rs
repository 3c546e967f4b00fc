//! What other threads may ask of the running service, and see of it.
//!
//! The main thread does what is asked, so that cameras are started and stopped in one place only. Whoever asks waits for the
//! answer, and for no longer than [`PATIENCE`].

use super::board::Board;
use super::patrol::Patrol;
use crate::config::EdgeSettings;
use crate::ids::CameraId;
use crate::time::{Clock, WallTime};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Orders that wait; one who asks waits for the answer, so there are no more than those who ask.
const QUEUE: usize = 8;
/// A service that is built anew stops for up to 5 s, and opens its networks.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why what was asked was not done, in words.
pub(super) type NotDone = String;

/// Whom the answer goes to.
pub(super) type Done = SyncSender<Result<(), NotDone>>;

/// What is asked.
pub(super) enum Order {
    /// Close a camera and open it.
    RestartCamera(CameraId, Done),
    /// Read the settings again, and count with them.
    Reread(Done),
}

/// What the service is at the moment.
#[derive(Clone)]
pub(super) struct Present {
    /// What its cameras do.
    pub(super) board: Arc<Board>,
    /// Its clock.
    pub(super) clock: Arc<dyn Clock>,
    /// What it counts with.
    pub(super) settings: Arc<EdgeSettings>,
    /// Since when it runs.
    pub(super) since: WallTime,
    /// Where a picture of a camera is asked for.
    pub(super) patrol: Patrol,
}

/// A handle to the running service; one for each thread that asks.
#[derive(Clone)]
pub(super) struct Control {
    orders: SyncSender<Order>,
    present: Arc<Mutex<Option<Present>>>,
}

/// A handle, and where what is asked comes out.
pub(super) fn control() -> (Control, Receiver<Order>) {
    let (orders, asked) = sync_channel(QUEUE);
    (Control { orders, present: Arc::default() }, asked)
}

impl Control {
    /// Closes a camera and opens it; the others count on.
    ///
    /// # Errors
    /// Why that was not done.
    pub(super) fn restart_camera(&self, camera: &CameraId) -> Result<(), NotDone> {
        self.ask(|done| Order::RestartCamera(camera.clone(), done))
    }

    /// Reads the settings again and counts with them; an error leaves those in force that were.
    ///
    /// # Errors
    /// What is wrong with them, or why they cannot be counted with.
    pub(super) fn reread(&self) -> Result<(), NotDone> {
        self.ask(Order::Reread)
    }

    /// The service as it is; none while it is being built.
    pub(super) fn present(&self) -> Option<Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what the service is now.
    pub(super) fn is_now(&self, present: Option<Present>) {
        *self.present.lock().unwrap_or_else(PoisonError::into_inner) = present;
    }

    fn ask(&self, order: impl FnOnce(Done) -> Order) -> Result<(), NotDone> {
        let (done, answer) = sync_channel(1);
        let stopping = || "the service is being stopped".to_owned();
        self.orders.try_send(order(done)).map_err(|_gone_or_full| stopping())?;
        match answer.recv_timeout(PATIENCE) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err("the service does not answer".to_owned()),
            Err(RecvTimeoutError::Disconnected) => Err(stopping()),
        }
    }
}

/// Tells whoever asked; one that no longer waits has heard that it took too long.
pub(super) fn answer(done: &Done, result: Result<(), NotDone>) {
    if done.try_send(result).is_err() {
        tracing::debug!("nobody waits for the answer any more");
    }
}
