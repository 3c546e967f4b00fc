//! The thread that stores: takes messages from a bounded queue, many to a transaction, and confirms after the commit.
//!
//! What is not obvious: the more there is to do, the larger transactions become. With nothing to do a message is stored within
//! milliseconds; under load a commit holds up to 64 of them, and one write to disk pays for all. A message that makes its
//! transaction fail is found by storing each alone, and is put aside: it must not hold up the others for ever. A disk that is
//! full is waited for, as nothing is confirmed meanwhile.

use super::LiveNow;
use super::gaps::Gaps;
use super::read::{self, Message};
use crate::hq::fleet::Fleet;
use crate::hq::fleet::enrol::EnrolError;
use crate::hq::fleet::say::{self, Kept};
use crate::hq::store::intake::{Arrival, BoxMark, Taken};
use crate::hq::store::{Store, StoreError};
use crate::time::{Clock, WallTime};
use crate::wire::topics::Topics;
use crate::wire::v1::{Ack, Backfill, V1};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;

/// Messages of one transaction, and how long it is added to while more keep coming.
const MOST_MESSAGES: usize = 64;
const LONGEST_COLLECTION: Duration = Duration::from_millis(200);
/// Nothing for so long: what is there is stored.
const PAUSE: Duration = Duration::from_millis(5);
/// How long the thread sleeps at most before it looks after everything else.
const IDLE: Duration = Duration::from_millis(100);
/// How often gaps are looked for, and boxes that may send live values.
const GAPS_EVERY: Duration = Duration::from_secs(5);
const BOXES_EVERY: Duration = Duration::from_secs(10);
/// How often it is looked what boxes are to be told, and how long after the authority could not be read.
const FLEET_EVERY: Duration = Duration::from_millis(250);
const FLEET_PATIENCE: Duration = Duration::from_secs(30);
/// How long a disk that is full is waited for before it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What came of handing something to the broker's client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It is on its way.
    Done,
    /// There is no room now.
    Later,
    /// The connection is gone; it means nothing any more.
    Gone,
}

/// Whether the broker keeps a message for those who come later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It does.
    Retained,
    /// It does not.
    No,
}

/// The way to the broker.
pub trait Link {
    /// What confirms one message.
    type Confirmation;
    /// A connection that has come about.
    type Connection;
    /// From now on it is this connection.
    fn connected(&mut self, connection: Self::Connection);
    /// Confirms a message.
    fn confirm(&mut self, confirmation: &Self::Confirmation) -> Said;
    /// Publishes with QoS 1.
    fn publish(&mut self, topic: &str, payload: Vec<u8>, keep: Keep) -> Said;
    /// Ends the connection.
    fn close(&mut self);
}

/// What the broker's thread hands over.
#[derive(Debug)]
pub enum FromBroker<L: Link> {
    /// A connection has come about; every watermark is said again.
    Connected(L::Connection),
    /// A message.
    Message {
        /// Its topic.
        topic: String,
        /// Its payload.
        payload: Vec<u8>,
        /// What confirms it; none for one that asks for no confirmation.
        confirmation: Option<L::Confirmation>,
    },
}

/// A message on `footfall/v1/{tenant}/hq/{feed}`.
#[derive(Debug, Clone, Copy)]
pub struct FeedMessage<'a> {
    /// Whose it is.
    pub tenant: &'a str,
    /// `sales`, `staffing` or `orders`.
    pub feed: &'a str,
    /// What it says.
    pub payload: &'a [u8],
    /// When it arrived.
    pub received_at: WallTime,
}

/// What became of a feed's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// It is stored.
    Taken,
    /// It cannot be read, for this reason: it is put aside.
    Aside(String),
    /// It cannot be stored now and is to be handed over again.
    Later,
}

/// Takes feeds that do not come from a box.
pub type OnFeed = Box<dyn Fn(FeedMessage<'_>) -> Receipt + Send>;

/// How intake goes; counts are since the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IntakeStatus {
    /// What is wrong with the broker; none: connected.
    pub broker_problem: Option<String>,
    /// What is wrong with the database; none: it takes everything.
    pub store_problem: Option<String>,
    /// Messages that were stored, put aside or passed on.
    pub messages: u64,
    /// Records that were new.
    pub records: u64,
    /// Records that were here before.
    pub duplicates: u64,
    /// Messages and records that were put aside.
    pub aside: u64,
    /// Messages of boxes that are not in the register.
    pub strangers: u64,
    /// Ranges that boxes were asked to send again.
    pub backfills: u64,
}

/// The status, shared by both threads.
#[derive(Debug, Clone, Default)]
pub struct SharedStatus(Arc<Mutex<IntakeStatus>>);

impl SharedStatus {
    /// As it is now.
    #[must_use]
    pub fn get(&self) -> IntakeStatus {
        self.lock().clone()
    }

    /// Says how the broker is.
    pub fn broker(&self, problem: Option<String>) {
        self.lock().broker_problem = problem;
    }

    fn lock(&self) -> MutexGuard<'_, IntakeStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What intake works with.
pub struct Surroundings {
    /// The database.
    pub store: Arc<Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where values of now go; the newest win.
    pub live: broadcast::Sender<Arc<LiveNow>>,
    /// Who takes feeds.
    pub on_feed: OnFeed,
    /// What looks after the boxes: says what they are told.
    pub fleet: Arc<Fleet>,
    /// Set to stop.
    pub stop: Arc<AtomicBool>,
    /// How it goes.
    pub status: SharedStatus,
}

/// The thread's work.
pub struct Intake<L: Link> {
    around: Surroundings,
    link: L,
    gaps: Gaps,
    /// Confirmations that found no room yet, in order.
    confirmations: VecDeque<L::Confirmation>,
    /// Watermarks that are to be said, by box; the newest wins.
    marks: BTreeMap<String, BoxMark>,
    /// Boxes of the register: only their live values are passed on.
    known: BTreeSet<String>,
    gaps_at: Duration,
    boxes_at: Duration,
    fleet_at: Duration,
}

/// A message that is to be stored.
struct Waiting<C> {
    arrival: Arrival,
    confirmation: Option<C>,
}

impl<L: Link> Intake<L> {
    /// Nothing is connected yet.
    pub fn new(around: Surroundings, link: L) -> Self {
        Self {
            around,
            link,
            gaps: Gaps::default(),
            confirmations: VecDeque::new(),
            marks: BTreeMap::new(),
            known: BTreeSet::new(),
            gaps_at: Duration::ZERO,
            boxes_at: Duration::ZERO,
            fleet_at: Duration::ZERO,
        }
    }

    /// Works until it is stopped, or nobody hands anything over any more. What was handed over and not stored by then is not
    /// confirmed, and comes again.
    pub fn run(mut self, inbox: &Receiver<FromBroker<L>>) {
        while !self.is_stopped() {
            let mut waiting = Vec::new();
            if !self.collect(inbox, &mut waiting) {
                break;
            }
            if !waiting.is_empty() {
                self.store(waiting);
            }
            self.look_for_gaps();
            self.flush();
            self.tell_boxes();
        }
        self.flush();
        self.link.close();
    }

    fn is_stopped(&self) -> bool {
        self.around.stop.load(Ordering::Relaxed)
    }

    /// Collects what is there; false where nobody hands over any more.
    fn collect(&mut self, inbox: &Receiver<FromBroker<L>>, to: &mut Vec<Waiting<L::Confirmation>>) -> bool {
        let begun = self.around.clock.now().elapsed;
        let mut patience = if self.confirmations.is_empty() { IDLE } else { PAUSE };
        loop {
            match inbox.recv_timeout(patience) {
                Ok(FromBroker::Connected(connection)) => self.connected(connection),
                Ok(FromBroker::Message { topic, payload, confirmation }) => {
                    to.extend(self.message(topic, payload, confirmation));
                }
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return !to.is_empty(),
            }
            patience = PAUSE;
            let collected_for = self.around.clock.now().elapsed.saturating_sub(begun);
            if to.len() >= MOST_MESSAGES || collected_for >= LONGEST_COLLECTION {
                return true;
            }
        }
    }

    fn connected(&mut self, connection: L::Connection) {
        self.link.connected(connection);
        // What the former connection had not confirmed comes again, under other packet numbers.
        self.confirmations.clear();
        self.gaps.connected();
        match self.around.store.watermarks() {
            Ok(marks) => self.say_soon(marks),
            Err(fault) => self.trouble(&fault),
        }
        if let Err(fault) = say::everything_again(&self.around.store, self.around.clock.now().wall) {
            self.trouble(&fault);
        }
    }

    /// Says what boxes are to be told, as far as there is room; the rest is there for the next time.
    fn tell_boxes(&mut self) {
        let now = self.around.clock.now();
        if now.elapsed < self.fleet_at {
            return;
        }
        self.fleet_at = now.elapsed + FLEET_EVERY;
        let waiting = match say::waiting(&self.around.fleet, &self.around.store, now.wall) {
            Ok(waiting) => waiting,
            Err(EnrolError::Store(fault)) => return self.trouble(&fault),
            Err(fault) => {
                tracing::error!("boxes are not told anything: {fault}");
                self.fleet_at = now.elapsed + FLEET_PATIENCE;
                return;
            }
        };
        let mut said = Vec::new();
        for saying in waiting {
            let keep = if saying.kept == Kept::Retained { Keep::Retained } else { Keep::No };
            // A row of which there is nothing to say has no topic.
            if !saying.topic.is_empty()
                && self.link.publish(&saying.topic, saying.payload.clone(), keep) != Said::Done
            {
                break;
            }
            said.push(saying);
        }
        if said.is_empty() {
            return;
        }
        // Said twice where this fails, which changes nothing.
        if let Err(fault) = say::said(&self.around.store, &said) {
            self.trouble(&fault);
        }
    }

    fn say_soon(&mut self, marks: Vec<BoxMark>) {
        self.marks.extend(marks.into_iter().map(|mark| (mark.names.box_id.to_string(), mark)));
    }

    /// Passes on what is not stored here; the rest waits.
    fn message(
        &mut self,
        topic: String,
        payload: Vec<u8>,
        confirmation: Option<L::Confirmation>,
    ) -> Option<Waiting<L::Confirmation>> {
        let received_at = self.around.clock.now().wall;
        if let Some((tenant, feed)) = feed_of(&topic) {
            let reason = self.feed(FeedMessage { tenant, feed, payload: &payload, received_at })?;
            if let Some(reason) = reason {
                let read = Err(read::Refusal::Topic);
                let arrival = Arrival { topic, payload, received_at, read };
                self.aside(&arrival, &reason);
            }
            self.around.status.lock().messages += 1;
            self.confirmations.extend(confirmation);
            return None;
        }
        let read = read::message(&topic, &payload, received_at);
        if let Ok(Message::Live(now)) = read {
            self.live(*now);
            self.confirmations.extend(confirmation);
            return None;
        }
        if matches!(read, Ok(Message::Copy)) {
            self.confirmations.extend(confirmation);
            return None;
        }
        Some(Waiting { arrival: Arrival { topic, payload, received_at, read }, confirmation })
    }

    fn live(&mut self, now: LiveNow) {
        let elapsed = self.around.clock.now().elapsed;
        if self.known.is_empty() || elapsed >= self.boxes_at {
            self.boxes_at = elapsed + BOXES_EVERY;
            match self.around.store.boxes() {
                Ok(boxes) => self.known = boxes.iter().map(|names| Topics::of(names).live).collect(),
                Err(fault) => self.trouble(&fault),
            }
        }
        let topic = format!("footfall/v1/{}/{}/{}/live", now.tenant, now.store, now.box_name);
        if self.known.contains(&topic) && self.around.live.send(Arc::new(now)).is_err() {
            tracing::trace!("nobody looks at live values");
        }
    }

    /// The reason where it is put aside; nothing at all where it was given up because of a stop.
    fn feed(&self, message: FeedMessage<'_>) -> Option<Option<String>> {
        while !self.is_stopped() {
            match (self.around.on_feed)(message) {
                Receipt::Taken => return Some(None),
                Receipt::Aside(reason) => return Some(Some(reason)),
                Receipt::Later => std::thread::sleep(RETRY),
            }
        }
        None
    }

    /// Stores messages; all together, or each alone where that fails.
    fn store(&mut self, waiting: Vec<Waiting<L::Confirmation>>) {
        let (arrivals, confirmations): (Vec<_>, Vec<_>) =
            waiting.into_iter().map(|waiting| (waiting.arrival, waiting.confirmation)).unzip();
        while !self.is_stopped() {
            match self.around.store.take(&arrivals) {
                Ok(taken) => {
                    self.taken(taken, arrivals.len() as u64);
                    self.confirmations.extend(confirmations.into_iter().flatten());
                    return;
                }
                Err(fault) if fault.is_transient() => {
                    self.trouble(&fault);
                    std::thread::sleep(RETRY);
                }
                Err(fault) => {
                    tracing::error!("{fault}; each of {} messages is stored alone", arrivals.len());
                    break;
                }
            }
        }
        for (arrival, confirmation) in arrivals.into_iter().zip(confirmations) {
            self.alone(arrival, confirmation);
        }
    }

    fn alone(&mut self, arrival: Arrival, confirmation: Option<L::Confirmation>) {
        let one = [arrival];
        while !self.is_stopped() {
            match self.around.store.take(&one) {
                Ok(taken) => {
                    self.taken(taken, 1);
                    break;
                }
                Err(fault) if fault.is_transient() => {
                    self.trouble(&fault);
                    std::thread::sleep(RETRY);
                }
                Err(fault) => {
                    self.aside(&one[0], &fault.to_string());
                    break;
                }
            }
        }
        if !self.is_stopped() {
            self.confirmations.extend(confirmation);
        }
    }

    fn aside(&self, arrival: &Arrival, reason: &str) {
        tracing::warn!(topic = arrival.topic, "a message is put aside: {reason}");
        self.around.status.lock().aside += 1;
        if let Err(fault) = self.around.store.put_aside(arrival, reason) {
            self.trouble(&fault);
        }
    }

    fn taken(&mut self, taken: Taken, messages: u64) {
        let Taken { marks, new, duplicates, aside, strangers } = taken;
        {
            let mut status = self.around.status.lock();
            status.messages += messages;
            status.records += new;
            status.duplicates += duplicates;
            status.aside += aside;
            status.strangers += strangers;
            status.store_problem = None;
        }
        if aside > 0 {
            tracing::warn!("{aside} messages or records were put aside; the fleet page shows why");
        }
        self.say_soon(marks);
    }

    /// Says once what is wrong, until that changes.
    fn trouble(&self, fault: &StoreError) {
        let text = fault.to_string();
        let mut status = self.around.status.lock();
        if status.store_problem.as_ref() != Some(&text) {
            tracing::error!("{text}; nothing is confirmed until it is mended");
            status.store_problem = Some(text);
        }
    }

    fn look_for_gaps(&mut self) {
        let now = self.around.clock.now();
        if now.elapsed < self.gaps_at {
            return;
        }
        self.gaps_at = now.elapsed + GAPS_EVERY;
        let missing = match self.around.store.missing(1) {
            Ok(missing) => missing,
            Err(fault) => return self.trouble(&fault),
        };
        let first = |(mark, ranges): &(BoxMark, Vec<(i64, i64)>)| {
            Some((Topics::of(&mark.names).backfill, *ranges.first()?))
        };
        let boxes: BTreeMap<_, _> = missing
            .iter()
            .map(|(mark, _)| (Topics::of(&mark.names).backfill, mark.names.box_id.to_string()))
            .collect();
        let ranges: Vec<_> = missing.iter().filter_map(first).collect();
        for (topic, (first, last)) in self.gaps.due(&ranges, now.elapsed) {
            let request = Backfill {
                v: V1,
                box_id: boxes[&topic].clone(),
                from_seq: first.unsigned_abs(),
                to_seq: last.unsigned_abs(),
                at_ms: now.wall.unix_ms(),
            };
            // Where there is no room it is asked for again after its wait.
            if self.link.publish(&topic, json(&request), Keep::No) == Said::Done {
                self.around.status.lock().backfills += 1;
            }
        }
    }

    /// Hands over what has to be said, as far as there is room: confirmations first, in order.
    fn flush(&mut self) {
        while let Some(confirmation) = self.confirmations.front() {
            match self.link.confirm(confirmation) {
                Said::Later => return,
                Said::Done | Said::Gone => drop(self.confirmations.pop_front()),
            }
        }
        let at_ms = self.around.clock.now().wall.unix_ms();
        while let Some((name, mark)) = self.marks.pop_first() {
            let ack = Ack { v: V1, box_id: name.clone(), watermark: mark.watermark.unsigned_abs(), at_ms };
            match self.link.publish(&Topics::of(&mark.names).ack, json(&ack), Keep::Retained) {
                Said::Done => {}
                Said::Later => {
                    self.marks.insert(name, mark);
                    return;
                }
                // The next connection says all of them again.
                Said::Gone => self.marks.clear(),
            }
        }
    }
}

fn json(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("a message holds only texts and numbers")
}

/// Tenant and feed of a topic `footfall/v1/{tenant}/hq/{feed}`.
fn feed_of(topic: &str) -> Option<(&str, &str)> {
    let mut parts = topic.strip_prefix("footfall/v1/")?.split('/');
    let (tenant, hq, feed) = (parts.next()?, parts.next()?, parts.next()?);
    (hq == "hq" && parts.next().is_none()).then_some((tenant, feed))
}
