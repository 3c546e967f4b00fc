//! Which records are on their way, and which packet id stands for which. No I/O, and time is an argument.
//!
//! A packet id exists only once the client puts a message on the wire, which is later than it was
//! handed over. So messages handed over stand in a queue, in order, until the client says
//! "sent, with this id": first in, first sent. Every message takes part in that, also those
//! without a promise (id 0), or the order would slip by one and a confirmation would delete the
//! wrong records.
//!
//! Records go out in rounds. A round begins when a batch is due (or at once after a connect, or at a stop)
//! and ends when everything that waits has been handed out, so a backlog never waits for the clock.
//!
//! # Invariants ([`Delivery::check_invariants`])
//!
//! 1. *Bounded*: at most `most_in_flight` batches are handed over and not confirmed.
//! 2. *Apart*: no record is in two batches of one connection.
//! 3. *Behind*: everything handed out has a number at or below the cursor.

use crate::outbox::SeqRange;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How much goes out at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryLimits {
    /// Batches handed over and not confirmed.
    pub most_in_flight: usize,
    /// Records in a batch.
    pub most_records: usize,
    /// Bytes of JSON in a batch, unless a single record is larger.
    pub most_bytes: usize,
    /// Time between two rounds.
    pub batch_every: Duration,
    /// A broker that does not confirm for this long is given up.
    pub patience: Duration,
}

impl DeliveryLimits {
    /// Limits for a round every `batch_every`.
    ///
    /// Four batches keep a line busy while the first is being confirmed; 500 records are half an hour of a
    /// busy door and 256 KiB stay, packed, far below any broker's message limit. Patience covers a
    /// broker that writes to a slow disk.
    #[must_use]
    pub const fn every(batch_every: Duration) -> Self {
        Self {
            most_in_flight: 4,
            most_records: 500,
            most_bytes: 256 * 1024,
            batch_every,
            patience: Duration::from_secs(60),
        }
    }
}

/// What was handed to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// Records, QoS 1.
    Batch(SeqRange),
    /// Something else that is confirmed, QoS 1.
    Promised,
    /// Something that is never confirmed, QoS 0.
    Unpromised,
}

/// The client reports something that cannot be: its queue and ours disagree, so it has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryFault {
    /// More was sent than handed over.
    #[error("packet {0} was sent, but nothing was handed over")]
    NothingQueued(u16),
    /// An id where none belongs, or none where one belongs, or one that is in use.
    #[error("packet id {id} does not fit {message:?}")]
    WrongId {
        /// The id.
        id: u16,
        /// What was handed over.
        message: Message,
    },
    /// A confirmation of what is not on its way.
    #[error("packet {0} was confirmed, but is not on its way")]
    NotInFlight(u16),
}

/// What is on its way over one connection after another.
#[derive(Debug, Clone)]
pub struct Delivery {
    limits: DeliveryLimits,
    connected: bool,
    /// Handed over, not sent yet.
    queued: VecDeque<Message>,
    /// Sent with this id at that time, not confirmed yet.
    in_flight: BTreeMap<u16, (Message, Duration)>,
    /// Highest number handed out over this connection.
    cursor: u64,
    round: Round,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    Open,
    DueAt(Duration),
}

impl Delivery {
    /// Nothing on its way, and no connection.
    #[must_use]
    pub const fn new(limits: DeliveryLimits) -> Self {
        Self {
            limits,
            connected: false,
            queued: VecDeque::new(),
            in_flight: BTreeMap::new(),
            cursor: 0,
            round: Round::Open,
        }
    }

    /// The limits that it keeps.
    #[must_use]
    pub const fn limits(&self) -> &DeliveryLimits {
        &self.limits
    }

    /// A new connection: everything that is not confirmed goes again, at once.
    pub fn connected(&mut self) {
        self.disconnected();
        self.connected = true;
        self.round = Round::Open;
    }

    /// The connection is gone, and with it whatever was on its way.
    pub fn disconnected(&mut self) {
        self.connected = false;
        self.queued.clear();
        self.in_flight.clear();
        self.cursor = 0;
    }

    /// Begins a round now, as at a stop.
    pub const fn begin_round(&mut self) {
        self.round = Round::Open;
    }

    /// The number above which records are wanted now, if any are.
    pub fn wanted(&mut self, now: Duration) -> Option<u64> {
        if let Round::DueAt(at) = self.round
            && at <= now
        {
            self.round = Round::Open;
        }
        let room = self.batches() < self.limits.most_in_flight;
        (self.connected && self.round == Round::Open && room).then_some(self.cursor)
    }

    /// Takes the first rows for a batch, given as (number, bytes) by rising number: all that wait above
    /// [`Delivery::wanted`], or the first `most_records` of them. Says how many make the batch;
    /// the caller then hands exactly these over. Zero: nothing waits, the round is over.
    pub fn hand_out(&mut self, rows: impl ExactSizeIterator<Item = (u64, usize)>, now: Duration) -> usize {
        let available = rows.len();
        let mut batch: Option<SeqRange> = None;
        let (mut taken, mut bytes) = (0, 0);
        for (seq, len) in rows.take(self.limits.most_records) {
            if taken > 0 && bytes + len > self.limits.most_bytes {
                break;
            }
            bytes += len;
            taken += 1;
            batch = Some(SeqRange { first: batch.map_or(seq, |range| range.first), last: seq });
        }
        if let Some(range) = batch {
            self.cursor = range.last;
            self.queued.push_back(Message::Batch(range));
        }
        if taken == available && available < self.limits.most_records {
            self.end_round(now);
        }
        taken
    }

    /// Ends the round without more rows, as when the outbox cannot be read now.
    pub fn end_round(&mut self, now: Duration) {
        self.round = Round::DueAt(now + self.limits.batch_every);
    }

    /// Something other than records was handed over.
    pub fn handed_over(&mut self, promise: Promise) {
        self.queued.push_back(match promise {
            Promise::Confirmed => Message::Promised,
            Promise::None => Message::Unpromised,
        });
    }

    /// The client put its next message on the wire, with this packet id.
    ///
    /// # Errors
    /// [`DeliveryFault`]: the client has to be thrown away.
    pub fn sent(&mut self, id: u16, now: Duration) -> Result<(), DeliveryFault> {
        let message = self.queued.pop_front().ok_or(DeliveryFault::NothingQueued(id))?;
        let without_id = message == Message::Unpromised;
        if without_id != (id == 0) || self.in_flight.contains_key(&id) {
            return Err(DeliveryFault::WrongId { id, message });
        }
        if !without_id {
            self.in_flight.insert(id, (message, now));
        }
        Ok(())
    }

    /// The broker confirmed this packet id. Records that it stood for can be forgotten.
    ///
    /// # Errors
    /// [`DeliveryFault`]: the client has to be thrown away.
    pub fn confirmed(&mut self, id: u16) -> Result<Option<SeqRange>, DeliveryFault> {
        match self.in_flight.remove(&id) {
            Some((Message::Batch(range), _)) => Ok(Some(range)),
            Some(_) => Ok(None),
            None => Err(DeliveryFault::NotInFlight(id)),
        }
    }

    /// When something is to be done though nothing happens: rows to read, or a broker to give up.
    #[must_use]
    pub fn wake_at(&self) -> Option<Duration> {
        let round = match self.round {
            Round::DueAt(at) if self.connected => Some(at),
            _ => None,
        };
        let given_up = self.in_flight.values().map(|(_, since)| *since + self.limits.patience).min();
        round.into_iter().chain(given_up).min()
    }

    /// Whether the broker has not confirmed something for longer than patience lasts.
    #[must_use]
    pub fn is_overdue(&self, now: Duration) -> bool {
        self.in_flight.values().any(|(_, since)| *since + self.limits.patience <= now)
    }

    /// Messages handed over and not sent.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queued.len()
    }

    /// Whether the round is over and every batch is confirmed.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.round != Round::Open && self.batches() == 0
    }

    /// Whether nothing at all is on its way.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.queued.is_empty() && self.in_flight.is_empty()
    }

    fn outstanding(&self) -> impl Iterator<Item = SeqRange> {
        let sent = self.in_flight.values().map(|(message, _)| *message);
        sent.chain(self.queued.iter().copied()).filter_map(|message| match message {
            Message::Batch(range) => Some(range),
            Message::Promised | Message::Unpromised => None,
        })
    }

    fn batches(&self) -> usize {
        self.outstanding().count()
    }

    /// Checks what the module promises; for tests.
    ///
    /// # Errors
    /// The name of the invariant that does not hold, and the numbers.
    pub fn check_invariants(&self) -> Result<(), String> {
        let mut ranges: Vec<SeqRange> = self.outstanding().collect();
        if ranges.len() > self.limits.most_in_flight {
            return Err(format!("bounded: {} batches", ranges.len()));
        }
        ranges.sort_by_key(|range| range.first);
        if let Some(pair) = ranges.windows(2).find(|pair| pair[0].last >= pair[1].first) {
            return Err(format!("apart: {pair:?}"));
        }
        match ranges.last() {
            Some(range) if range.last > self.cursor => Err(format!("behind: {range:?}, {}", self.cursor)),
            _ => Ok(()),
        }
    }
}

/// Whether a message is confirmed by the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// QoS 1.
    Confirmed,
    /// QoS 0.
    None,
}

#[cfg(test)]
mod tests;
