//! The thread that owns the outbox: one thread, one connection, one transaction for many records.
//!
//! Everybody else sends it orders through a bounded queue. Records are committed together, at most
//! `commit_every` after the first of them came, because an fsync for each would wear out a box's flash
//! disk; a question (what waits?) commits first, so an answer always includes what was
//! submitted before it. While the disk is full history is given up, piece by piece; where that does not help the records stay
//! here, in memory, and are tried again; the first failure and the recovery are reported, and nothing in between.
//!
//! What one source submits together with its drafts stands in one transaction with them. Only what piled up in memory is
//! stored piece by piece, and while it is there are no drafts on disk: they would say again what the pieces said.

use super::{
    Change, Dated, DraftChange, Drafts, Fact, GivenUp, Lot, Opening, Outbox, OutboxError, Position, Recovery,
    Row,
};
use crate::time::{Clock, Dating, Pulse};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Orders that wait for the thread; a sender blocks while there are more.
const QUEUE: usize = 4096;

/// Most records kept in memory while they cannot be stored.
///
/// At a busy door's ten records a minute a week's worth; some 40 MB.
pub const MOST_IN_MEMORY: usize = 100_000;

/// Most records in one transaction, so that a long queue is stored piece by piece.
const MOST_IN_COMMIT: usize = 1000;

/// What has to go for want of room is told at most this often: it goes every second while there is none.
const TELL_LOSS_EVERY: Duration = Duration::from_secs(3600);

/// How long the thread waits for something to do before it looks up all the same.
const LOOK_UP_EVERY: Duration = Duration::from_secs(1);

/// Pause between two attempts to stop a thread whose queue is full.
const STOP_PAUSE: Duration = Duration::from_millis(5);

/// What the owner of the box should hear. The thread itself logs it, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutboxNews {
    /// Records cannot be stored; they are kept in memory. Said once per outage.
    Failing {
        /// What is wrong and what to do.
        cause: String,
    },
    /// Everything is stored again.
    Stored,
    /// The file was found corrupt while it was in use, and was replaced.
    Replaced(Recovery),
    /// Memory is full as well, and records are lost from now on. Said once per outage.
    Losing,
    /// The time has become known, and with it when what had waited for that was made, or that nobody can say.
    Dated(Dated),
    /// Records had to go because there is no room: all that went since the start. Said at most once an hour.
    GaveUp(GivenUp),
}

/// The outbox's thread is gone: it was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the outbox was stopped and takes no more records")]
pub struct WriterGone;

/// Why waiting records cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read now; the thread has reported why.
    #[error("the outbox cannot be read now")]
    Unreadable,
    /// The thread was stopped.
    #[error("the outbox was stopped")]
    Stopped,
}

/// Why an outbox did not stop well.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StopError {
    /// Records could not be stored.
    #[error("{records} records could not be stored and are lost: {cause}")]
    NotStored {
        /// How many.
        records: u64,
        /// Why.
        cause: String,
    },
    /// The disk did not answer.
    #[error("the outbox did not finish within {limit:?}; records of the last moments may be lost")]
    TooSlow {
        /// How long was waited.
        limit: Duration,
    },
    /// The thread is gone without having been asked to stop.
    #[error(
        "the outbox thread ended on its own; records of the last moments may be lost, please report this"
    )]
    Ended,
}

/// How much waits, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Records on disk that are not confirmed.
    pub waiting: u64,
    /// Records that are only in memory.
    pub in_memory: u64,
}

enum Order {
    /// Boxed: most orders are a few words.
    Store(Box<Fact>),
    StoreTogether(Box<(Vec<Fact>, Drafts, Dating)>),
    Confirm(u64),
    Read {
        after: u64,
        limit: usize,
        reply: SyncSender<Option<Rows>>,
    },
    Count(SyncSender<Counts>),
    Position(SyncSender<Position>),
    IsOpen(SyncSender<bool>),
    Stop(SyncSender<Result<(), StopError>>),
}

/// Takes records; one for every camera.
#[derive(Debug, Clone)]
pub struct RecordSender(SyncSender<Order>);

impl RecordSender {
    /// Hands a fact over; it is on disk at most `commit_every` later. Blocks while the queue is full.
    ///
    /// # Errors
    /// [`WriterGone`] after the outbox was stopped.
    pub fn submit(&self, fact: Fact) -> Result<(), WriterGone> {
        self.0.send(Order::Store(Box::new(fact))).map_err(gone)
    }

    /// Hands over facts and what their source would still have to say after them. Both reach the disk together, at most
    /// `commit_every` later. Blocks while the queue is full.
    ///
    /// # Errors
    /// [`WriterGone`] after the outbox was stopped.
    pub fn submit_together(&self, facts: Vec<Fact>, drafts: Drafts) -> Result<(), WriterGone> {
        self.submit_dated(facts, drafts, Dating::Known)
    }

    /// The same of times that are worth so much. What is undated waits on disk until the time is known.
    ///
    /// # Errors
    /// [`WriterGone`] after the outbox was stopped.
    pub fn submit_dated(&self, facts: Vec<Fact>, drafts: Drafts, dating: Dating) -> Result<(), WriterGone> {
        self.0.send(Order::StoreTogether(Box::new((facts, drafts, dating)))).map_err(gone)
    }
}

fn gone<T>(_order: mpsc::SendError<T>) -> WriterGone {
    WriterGone
}

/// Records, and from where on there are any.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// The records, by rising number.
    pub rows: Vec<Row>,
    /// The lowest number that is held; none where nothing is.
    pub kept_from: Option<u64>,
}

/// Asks for records and confirms them; for whoever delivers.
#[derive(Debug, Clone)]
pub struct OutboxReader(SyncSender<Order>);

impl OutboxReader {
    /// Records with numbers above `after`, at most `limit`, including all submitted before this call; history too.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn records(&self, after: u64, limit: usize) -> Result<Rows, ReadError> {
        self.ask(|reply| Order::Read { after, limit, reply })?.ok_or(ReadError::Unreadable)
    }

    /// How much waits.
    ///
    /// # Errors
    /// [`ReadError::Stopped`].
    pub fn counts(&self) -> Result<Counts, ReadError> {
        self.ask(Order::Count)
    }

    /// How far the outbox has come; what waits for the next commit is not in it.
    ///
    /// # Errors
    /// [`WriterGone`] after the outbox was stopped.
    pub fn position(&self) -> Result<Position, WriterGone> {
        self.ask(Order::Position).map_err(|_stopped| WriterGone)
    }

    /// Whether the file is open. Where it is not, nothing is known of what waits in it.
    ///
    /// # Errors
    /// [`WriterGone`] after the outbox was stopped.
    pub fn is_open(&self) -> Result<bool, WriterGone> {
        self.ask(Order::IsOpen).map_err(|_stopped| WriterGone)
    }

    /// Says up to which number records are confirmed, with the next commit. The last word counts.
    ///
    /// # Errors
    /// [`WriterGone`] after the outbox was stopped.
    pub fn confirm(&self, watermark: u64) -> Result<(), WriterGone> {
        self.0.send(Order::Confirm(watermark)).map_err(gone)
    }

    fn ask<T>(&self, order: impl FnOnce(SyncSender<T>) -> Order) -> Result<T, ReadError> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.0.send(order(reply)).map_err(|_order| ReadError::Stopped)?;
        answer.recv().map_err(|_gone| ReadError::Stopped)
    }
}

/// A running outbox. Dropping it and every handle stores what is queued, without a word about failure.
#[derive(Debug)]
pub struct OutboxWriter {
    orders: SyncSender<Order>,
    thread: JoinHandle<()>,
    pulse: Pulse,
}

impl OutboxWriter {
    /// Starts the thread; `tell` is called on it.
    ///
    /// # Errors
    /// The system's, where it makes no thread.
    pub fn start(
        mut outbox: Outbox,
        commit_every: Duration,
        clock: Arc<dyn Clock>,
        tell: impl FnMut(OutboxNews) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (orders, queue) = mpsc::sync_channel(QUEUE);
        let pulse = Pulse::default();
        outbox.runs_since(clock.origin());
        let writer = Writer {
            outbox,
            pulse: pulse.clone(),
            commit_every,
            clock,
            tell: Box::new(tell),
            facts: VecDeque::new(),
            drafts: Drafts::new(),
            dating: Dating::Known,
            is_dated: false,
            watermark: None,
            commit_at: None,
            outage: None,
            lost: Lost::default(),
            gave_up: BTreeMap::new(),
        };
        let thread =
            std::thread::Builder::new().name("outbox".to_owned()).spawn(move || writer.run(&queue))?;
        Ok(Self { orders, thread, pulse })
    }

    /// How often the thread has looked up: it does so at least once a second, but while the disk keeps it waiting.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.pulse.turns()
    }

    /// Whether the thread is gone though nobody stopped it: nothing is stored any more.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// A handle to submit records.
    #[must_use]
    pub fn records(&self) -> RecordSender {
        RecordSender(self.orders.clone())
    }

    /// A handle to deliver records.
    #[must_use]
    pub fn reader(&self) -> OutboxReader {
        OutboxReader(self.orders.clone())
    }

    /// Stores everything that was submitted, closes the file, and ends the thread, within `limit`.
    ///
    /// # Errors
    /// [`StopError`] says how many records could not be stored since the start, or that there was no answer.
    pub fn stop(self, limit: Duration) -> Result<(), StopError> {
        let (reply, answer) = mpsc::sync_channel(1);
        let mut left = limit;
        let mut order = Order::Stop(reply);
        loop {
            match self.orders.try_send(order) {
                Ok(()) => break,
                Err(TrySendError::Full(unsent)) if left > STOP_PAUSE => order = unsent,
                Err(TrySendError::Full(_)) => return Err(StopError::TooSlow { limit }),
                Err(TrySendError::Disconnected(_)) => return Err(StopError::Ended),
            }
            std::thread::sleep(STOP_PAUSE);
            left -= STOP_PAUSE;
        }
        let stored = match answer.recv_timeout(left) {
            Ok(stored) => stored,
            Err(RecvTimeoutError::Timeout) => return Err(StopError::TooSlow { limit }),
            Err(RecvTimeoutError::Disconnected) => return Err(StopError::Ended),
        };
        // It has answered, and has nothing left to do.
        if self.thread.join().is_err() {
            tracing::error!("the outbox thread panicked after it had stopped");
        }
        stored
    }
}

/// What the thread knows while records cannot be stored.
struct Outage {
    cause: String,
    losing: bool,
}

/// Records lost because memory was full too. It is told at the stop, also when all is well again by then.
#[derive(Default)]
struct Lost {
    records: u64,
    /// What the outage came from in which the last of them was lost.
    cause: String,
}

struct Writer {
    outbox: Outbox,
    pulse: Pulse,
    commit_every: Duration,
    clock: Arc<dyn Clock>,
    tell: Box<dyn FnMut(OutboxNews) + Send>,
    /// Submitted and not stored.
    facts: VecDeque<Fact>,
    /// Those that are newer than what is on disk; they go with the last of `facts`.
    drafts: Drafts,
    /// What the times of both are worth.
    dating: Dating,
    /// Whether what undated runs left on disk was put right.
    is_dated: bool,
    /// Confirmed and not noted on disk.
    watermark: Option<u64>,
    /// When the next commit is due, by the clock's `elapsed`.
    commit_at: Option<Duration>,
    outage: Option<Outage>,
    lost: Lost,
    /// What had to go for want of room, and when that was told last.
    gave_up: BTreeMap<Lot, (GivenUp, Option<Duration>)>,
}

impl Writer {
    fn run(mut self, queue: &Receiver<Order>) {
        if !self.outbox.is_open() {
            // Says at once that nothing can be stored, and goes on trying.
            self.commit();
        }
        loop {
            self.pulse.beat();
            self.date();
            let wait = self.commit_at.map(|at| at.saturating_sub(self.clock.now().elapsed));
            match queue.recv_timeout(wait.unwrap_or(LOOK_UP_EVERY).min(LOOK_UP_EVERY)) {
                Ok(Order::Stop(reply)) => return self.stop(&reply),
                Ok(order) => self.take(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.commit(),
            }
            if self.commit_at.is_some_and(|at| at <= self.clock.now().elapsed) {
                self.commit();
            }
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Store(fact) => {
                let dating = self.clock.stand().dating;
                self.keep([*fact], Drafts::new(), dating);
            }
            Order::StoreTogether(both) => {
                let (facts, drafts, dating) = *both;
                self.keep(facts, drafts, dating);
            }
            Order::Confirm(watermark) => {
                self.watermark = Some(watermark);
                self.due();
            }
            Order::Read { after, limit, reply } => {
                self.commit();
                let rows = self.outbox.sendable(after, limit);
                let rows = rows.and_then(|rows| Ok(Rows { rows, kept_from: self.outbox.kept_from()? }));
                let rows = self.readable(rows);
                answer(&reply, rows);
            }
            Order::Count(reply) => {
                // Otherwise records that are confirmed, or only wait for the next commit, are told as trouble.
                self.commit();
                let in_memory = self.facts.len() as u64;
                answer(&reply, Counts { waiting: self.outbox.position().waiting, in_memory });
            }
            Order::Position(reply) => {
                // A file that cannot be read says so when records are asked for.
                let position = self.outbox.sendable_position();
                answer(&reply, position.unwrap_or(self.outbox.position()));
            }
            Order::IsOpen(reply) => answer(&reply, self.outbox.is_open()),
            Order::Stop(_) => unreachable!("run answers it"),
        }
    }

    /// Puts right what was stored or handed over before the time was known, once it is.
    fn date(&mut self) {
        let stand = self.clock.stand();
        if stand.dating == Dating::Undated {
            return;
        }
        if self.dating == Dating::Undated {
            self.dating = stand.dating;
            self.facts =
                std::mem::take(&mut self.facts).into_iter().map(|fact| fact.shifted(stand.by_ms)).collect();
            self.drafts = shifted(std::mem::take(&mut self.drafts), stand.by_ms);
        }
        if self.is_dated || self.outage.is_some() {
            return;
        }
        match self.outbox.date(&self.clock.origin(), stand) {
            Ok(dated) => {
                self.is_dated = true;
                if dated != Dated::default() {
                    tracing::info!(
                        dated.dated,
                        dated.doubtful,
                        "the time is known, and with it that of earlier records"
                    );
                    (self.tell)(OutboxNews::Dated(dated));
                }
            }
            Err(fault) => {
                self.failing(&fault);
                self.due();
            }
        }
    }

    fn keep(&mut self, facts: impl IntoIterator<Item = Fact>, drafts: Drafts, dating: Dating) {
        self.date();
        let stand = self.clock.stand();
        // Labelled before the time was known, and here after that.
        let by_ms = if dating == Dating::Undated { stand.by_ms } else { 0 };
        let dating = if dating == Dating::Undated { stand.dating } else { dating };
        let is_first = self.facts.is_empty() && self.drafts.is_empty();
        self.dating = if is_first { dating } else { self.dating.max(dating) };
        for fact in facts {
            let fact = fact.shifted(by_ms);
            if self.facts.len() < MOST_IN_MEMORY {
                self.facts.push_back(fact);
            } else {
                self.lose();
            }
        }
        self.drafts.extend(shifted(drafts, by_ms));
        self.due();
        if self.facts.len() >= MOST_IN_COMMIT && self.outage.is_none() {
            self.commit();
        }
    }

    fn lose(&mut self) {
        self.lost.records += 1;
        if let Some(outage) = self.outage.as_mut().filter(|outage| !outage.losing) {
            outage.losing = true;
            self.lost.cause.clone_from(&outage.cause);
            tracing::error!(
                cause = outage.cause,
                "memory is full of records that cannot be stored: losing more"
            );
            (self.tell)(OutboxNews::Losing);
        }
    }

    fn due(&mut self) {
        if self.commit_at.is_none() {
            self.commit_at = Some(self.clock.now().elapsed + self.commit_every);
        }
    }

    /// Stores all that is due; on failure everything stays for the next attempt.
    fn commit(&mut self) {
        self.commit_at = None;
        let is_idle = self.facts.is_empty() && self.drafts.is_empty() && self.watermark.is_none();
        if is_idle && self.outage.is_none() && self.outbox.is_open() {
            return;
        }
        match self.try_commit() {
            Ok(()) => self.recovered(),
            Err(fault) => {
                self.failing(&fault);
                match fault.is_corrupt().then(|| self.replace().and_then(|()| self.try_commit())) {
                    Some(Ok(())) => self.recovered(),
                    _ => self.due(),
                }
            }
        }
    }

    fn try_commit(&mut self) -> Result<(), OutboxError> {
        if !self.outbox.is_open() {
            self.replace()?;
        }
        let (mut most, mut has_made_room) = (MOST_IN_COMMIT, false);
        loop {
            // A heap of records takes many transactions, and each of them is a sign of life.
            self.pulse.beat();
            let some = self.facts.len().min(most);
            let drafts = match (some == self.facts.len(), self.drafts.is_empty()) {
                (false, _) => DraftChange::Dropped,
                (true, true) => DraftChange::Kept,
                (true, false) => DraftChange::Replaced(&self.drafts),
            };
            let facts = &self.facts.make_contiguous()[..some];
            let change = Change { watermark: self.watermark, facts, drafts, dating: self.dating };
            match self.outbox.commit(&change, self.clock.now().wall) {
                Ok(committed) => {
                    self.watermark = None;
                    self.facts.drain(..some);
                    committed.given_up.into_iter().for_each(|piece| self.gave_up(piece));
                    if self.facts.is_empty() {
                        self.drafts.clear();
                        return Ok(());
                    }
                }
                Err(OutboxError::Full { .. }) if !has_made_room => {
                    has_made_room = true;
                    self.make_room();
                }
                // Fewer may fit, down to the last one that does.
                Err(OutboxError::Full { .. }) if some > 1 => most = some / 2,
                Err(fault) => return Err(fault),
            }
        }
    }

    /// On a disk that is full the oldest history goes, one piece for each attempt.
    fn make_room(&mut self) {
        // The watermark first: what it confirms may be what can go.
        let change = Change { watermark: self.watermark, ..Change::default() };
        if self.outbox.commit(&change, self.clock.now().wall).is_ok() {
            self.watermark = None;
        }
        match self.outbox.give_up_history() {
            Ok(piece) => piece.into_iter().for_each(|piece| self.gave_up(piece)),
            Err(fault) => tracing::debug!(%fault, "no room can be made"),
        }
    }

    /// Tells what had to go: the first time, and then once an hour.
    fn gave_up(&mut self, piece: GivenUp) {
        let now = self.clock.now().elapsed;
        let (all, told_at) = self.gave_up.entry(piece.lot).or_insert((GivenUp { records: 0, ..piece }, None));
        all.range.last = piece.range.last;
        all.records += piece.records;
        if told_at.is_some_and(|told| now.saturating_sub(told) < TELL_LOSS_EVERY) {
            return;
        }
        *told_at = Some(now);
        let all = *all;
        match piece.lot {
            Lot::History => tracing::warn!("{all}"),
            Lot::Unconfirmed => tracing::error!("{all}"),
        }
        (self.tell)(OutboxNews::GaveUp(all));
    }

    fn failing(&mut self, fault: &OutboxError) {
        if self.outage.is_none() {
            let cause = fault.to_string();
            tracing::warn!(%cause, in_memory = self.facts.len(), "records cannot be stored and stay in memory");
            self.outage = Some(Outage { cause: cause.clone(), losing: false });
            (self.tell)(OutboxNews::Failing { cause });
        }
    }

    fn recovered(&mut self) {
        if self.outage.take().is_some() {
            tracing::info!(lost = self.lost.records, "records are stored again");
            (self.tell)(OutboxNews::Stored);
        }
    }

    /// Puts a new file in place of one that turned out corrupt, or opens one that could not be opened before.
    fn replace(&mut self) -> Result<(), OutboxError> {
        if let Opening::Recovered(recovery) = self.outbox.reopen(self.clock.now().wall)? {
            tracing::error!(%recovery, "the outbox was replaced");
            (self.tell)(OutboxNews::Replaced(recovery));
        }
        Ok(())
    }

    fn readable<T>(&mut self, read: Result<T, OutboxError>) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(fault) => {
                self.failing(&fault);
                if fault.is_corrupt() && self.replace().is_ok() {
                    self.commit();
                } else {
                    self.due();
                }
                None
            }
        }
    }

    fn stop(mut self, reply: &SyncSender<Result<(), StopError>>) {
        self.commit();
        if self.outage.is_some() {
            // The first attempt may have made the room that it needed.
            self.commit();
        }
        let records = self.facts.len() as u64 + self.lost.records;
        let cause = self.outage.take().map_or(self.lost.cause, |outage| outage.cause);
        if records > 0 {
            tracing::error!(records, cause, "records could not be stored and are lost");
        }
        // Closed before the answer, so that whoever waits can open the file at once.
        drop(self.outbox);
        answer(reply, if records > 0 { Err(StopError::NotStored { records, cause }) } else { Ok(()) });
    }
}

fn shifted(drafts: Drafts, by_ms: i64) -> Drafts {
    let moved = |facts: Vec<Fact>| facts.into_iter().map(|fact| fact.shifted(by_ms)).collect();
    drafts.into_iter().map(|(source, facts)| (source, moved(facts))).collect()
}

/// Whoever asked may have gone; then nobody misses the answer.
fn answer<T>(reply: &SyncSender<T>, with: T) {
    if reply.try_send(with).is_err() {
        tracing::debug!("nobody waits for the outbox's answer any more");
    }
}

#[cfg(test)]
mod tests;
