//! What other systems of the store tell the box: sales from the till, who works when, badges seen, counts of other sensors.
//!
//! Three ways in (the broker, HTTP, a watched folder) and one door: [`FeedSender::hand`], which returns only when
//! what was handed over is on the box's disk. So whoever hands it over confirms to its own sender (PUBACK, HTTP
//! 200, a file moved away) exactly what cannot be lost any more.

use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

pub mod badges;
pub mod folder;
pub mod http;
pub mod mqtt;

/// Most bytes in one message, request or file: what is read at once.
pub const MOST_FEED_BYTES: usize = crate::site::till::MAX_FEED_BYTES;

/// What waits for the one who takes it; a sender blocks while there is more.
const QUEUE: usize = 8;

/// A disk that has not answered for so long will not.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ends a way in, so that it can be opened anew in the same process. What is never called leaves it open.
pub type Close = Box<dyn FnOnce() + Send>;

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feed {
    /// Transactions.
    Till,
    /// Who works from when to when.
    Staffing,
    /// Badges that a beacon receiver has seen.
    Badges,
    /// Counts of other sensors.
    Sensors,
}

impl Feed {
    /// Every feed.
    pub const ALL: [Self; 4] = [Self::Till, Self::Staffing, Self::Badges, Self::Sensors];

    /// As topics, addresses and messages have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Till => "till",
            Self::Staffing => "staffing",
            Self::Badges => "badges",
            Self::Sensors => "sensors",
        }
    }
}

impl fmt::Display for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A message from the broker.
    Mqtt,
    /// A request.
    Http,
    /// A file in the watched folder.
    Folder,
}

impl Way {
    /// As records and messages have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Http => "http",
            Self::Folder => "folder",
        }
    }
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An object, a list of them, or one a line.
    Json,
    /// With the columns that the config file names.
    Csv,
}

/// What became of what was handed over. All of it is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// Entries that are new.
    pub accepted: u32,
    /// Entries that were there already and changed nothing.
    pub duplicates: u32,
    /// Entries that were put aside, each with its row (from 1; 0 where it is all of it) and why.
    pub aside: Vec<(u32, String)>,
}

/// Why nothing was taken. It is to be handed over again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// The disk does not take it.
    #[error("the box cannot store it now ({0}); send it again later")]
    NotStored(String),
    /// Nobody has set the box's clock yet, so it cannot say of which day this is.
    #[error("the box does not know the time yet; send it again later")]
    NoTime,
    /// The disk is slow.
    #[error("the box does not answer in time; send it again later")]
    NoAnswer,
    /// The service is being stopped.
    #[error("the box is being stopped; send it again later")]
    Stopped,
}

/// Something that was handed over, and where the answer goes.
#[derive(Debug)]
pub struct Handed {
    /// What is told.
    pub feed: Feed,
    /// How it came.
    pub way: Way,
    /// How it is written.
    pub format: Format,
    /// As it came.
    pub bytes: Vec<u8>,
    reply: SyncSender<Result<Receipt, NotTaken>>,
}

impl Handed {
    /// Answers whoever handed it over; one that no longer waits will hand it over again.
    pub fn answer(self, receipt: Result<Receipt, NotTaken>) {
        if self.reply.try_send(receipt).is_err() {
            tracing::debug!("{} over {}: nobody waits for the answer any more", self.feed, self.way.name());
        }
    }
}

/// The door; one for each way in.
#[derive(Debug, Clone)]
pub struct FeedSender(SyncSender<Handed>);

/// The door, and where what is handed in comes out.
#[must_use]
pub fn door() -> (FeedSender, Receiver<Handed>) {
    let (sender, receiver) = sync_channel(QUEUE);
    (FeedSender(sender), receiver)
}

impl FeedSender {
    /// Hands something over, and waits until it is on disk.
    ///
    /// # Errors
    /// [`NotTaken`] says why it is to be handed over again.
    pub fn hand(&self, feed: Feed, way: Way, format: Format, bytes: Vec<u8>) -> Result<Receipt, NotTaken> {
        let (reply, answer) = sync_channel(1);
        self.0.send(Handed { feed, way, format, bytes, reply }).map_err(gone)?;
        match answer.recv_timeout(PATIENCE) {
            Ok(receipt) => receipt,
            Err(RecvTimeoutError::Timeout) => Err(NotTaken::NoAnswer),
            Err(RecvTimeoutError::Disconnected) => Err(NotTaken::Stopped),
        }
    }
}

fn gone<T>(_handed: std::sync::mpsc::SendError<T>) -> NotTaken {
    NotTaken::Stopped
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::{Builder, JoinHandle};

    /// A thread of a test.
    pub(in crate::feeds) fn named<T: Send + 'static>(
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        Builder::new().name("test".to_owned()).spawn(work).unwrap()
    }

    #[test]
    fn whoever_hands_something_over_gets_the_answer_to_just_that() {
        let (sender, taken) = door();
        let asking = named(move || sender.hand(Feed::Till, Way::Http, Format::Json, b"{}".to_vec()));
        let handed = taken.recv().unwrap();
        assert_eq!((handed.feed, handed.bytes.as_slice()), (Feed::Till, b"{}".as_slice()));
        handed.answer(Ok(Receipt { accepted: 2, ..Receipt::default() }));
        assert_eq!(asking.join().unwrap().unwrap().accepted, 2);
    }

    #[test]
    fn nothing_is_taken_when_the_service_is_gone() {
        let (sender, taken) = door();
        drop(taken);
        assert_eq!(sender.hand(Feed::Till, Way::Mqtt, Format::Json, Vec::new()), Err(NotTaken::Stopped));
    }

    #[test]
    fn nothing_is_taken_when_what_was_handed_over_is_dropped() {
        let (sender, taken) = door();
        let asking = named(move || sender.hand(Feed::Till, Way::Folder, Format::Csv, Vec::new()));
        drop(taken.recv());
        assert_eq!(asking.join().unwrap(), Err(NotTaken::Stopped));
    }
}
