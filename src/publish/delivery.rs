//! Which records are on their way, and which packet id stands for which. No I/O, and time is an argument.
//!
//! A packet id exists only once the client puts a message on the wire, which is later than it was
//! handed over. So messages handed over stand in a queue, in order, until the client says
//! "sent, with this id": first in, first sent. Every message takes part in that, also those
//! without a promise (id 0), or the order would slip by one and a confirmation would stand for the
//! wrong records.
//!
//! Records go in two lanes. What was there when the connection was made is the *backlog*; it goes in order and without a
//! pause. What came since is *new*; it goes in rounds, one every `batch_every`, and while a backlog drains one every
//! `new_within`, in a place in flight that the backlog never takes. So today is never far behind, however long the
//! line was down. A third lane holds what the receiver *asked* for.
//!
//! The broker's PUBACK frees a place in flight. Whether it also confirms is [`ConfirmedBy`]: where head office confirms, its
//! watermark does, and nothing else. A watermark that stands still below what the broker took means that a broker lost
//! it or that head office is away, which cannot be told apart from here. So one batch is sent again, after longer and
//! longer waits; where that moves the watermark, the rest follows.
//!
//! # Invariants ([`Delivery::check_invariants`])
//!
//! 1. *Bounded*: at most `most_in_flight` batches are handed over and not confirmed, and all of them but one are late.
//! 2. *Behind*: everything handed out, and the watermark, is at or below the cursor.
//! 3. *Still owed*: every number above the watermark and up to the cursor is in the backlog, on its way, or was taken by the
//!    broker over this connection.

use super::ConfirmedBy;
use crate::outbox::{Position, SeqRange};
use ranges::Ranges;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

mod ranges;

/// How much goes out at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryLimits {
    /// Batches handed over and not confirmed by the broker.
    pub most_in_flight: usize,
    /// Records in a batch.
    pub most_records: usize,
    /// Bytes of JSON in a batch, unless a single record is larger.
    pub most_bytes: usize,
    /// Time between two rounds of new records.
    pub batch_every: Duration,
    /// The same while a backlog drains, where it is shorter.
    pub new_within: Duration,
    /// A broker that does not confirm for this long is given up.
    pub patience: Duration,
    /// A watermark that stands still for this long has a batch sent again.
    pub ack_patience: Duration,
    /// The backlog goes at most so many numbers ahead of the watermark.
    pub most_ahead: u64,
    /// Requests of the receiver that wait.
    pub most_requests: usize,
}

impl DeliveryLimits {
    /// Limits for a round every `batch_every`.
    ///
    /// Four batches keep a line busy while the first is being confirmed; 500 records are half an hour of a
    /// busy door and 256 KiB stay, packed, far below any broker's message limit. Patience covers a
    /// broker that writes to a slow disk. Two seconds between rounds leave three of the promised five for the way. Forty
    /// batches ahead of the watermark are far below the 1,000 messages that brokers queue for a slow receiver before
    /// they throw away; sixteen requests are more than a receiver has open, and it asks again.
    #[must_use]
    pub const fn every(batch_every: Duration, ack_patience: Duration) -> Self {
        Self {
            most_in_flight: 4,
            most_records: 500,
            most_bytes: 256 * 1024,
            batch_every,
            new_within: Duration::from_secs(2),
            patience: Duration::from_secs(60),
            ack_patience,
            most_ahead: 20_000,
            most_requests: 16,
        }
    }
}

/// The longest wait before a batch is sent again to a receiver that does not confirm.
const LONGEST_ACK_PATIENCE: Duration = Duration::from_secs(3600);

/// Most numbers that one request is answered with; for more the receiver asks again.
const MOST_ASKED: u64 = 100_000;

/// What was handed to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// Records, QoS 1: all that were stored in this range of numbers.
    Batch {
        /// The range.
        range: SeqRange,
        /// Which lane they came from.
        lane: Lane,
    },
    /// Something else that is confirmed, QoS 1.
    Promised,
    /// Something that is never confirmed, QoS 0.
    Unpromised,
}

/// Which records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// What came since the connection was made.
    New,
    /// What was there when it was made.
    Backlog,
    /// What is sent again, for the receiver.
    Asked,
}

impl Lane {
    /// Whether an outage held its records back, or they were there before.
    #[must_use]
    pub const fn is_late(self) -> bool {
        !matches!(self, Self::New)
    }
}

/// Records that are to be handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Those with numbers above this ...
    pub after: u64,
    /// ... and up to this.
    pub up_to: u64,
    /// Which lane they are for.
    pub lane: Lane,
}

/// What a watermark that was heard means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// What is known already.
    Nothing,
    /// More is confirmed.
    More,
    /// Less is confirmed than before: the receiver was put back to an earlier copy, and gets everything since again.
    Less,
    /// It confirms what was never sent: it is not about this box, and is passed over.
    TooMuch,
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
    confirmed_by: ConfirmedBy,
    connected: bool,
    /// Handed over, not sent yet.
    queued: VecDeque<Message>,
    /// Sent with this id at that time, not confirmed yet.
    in_flight: BTreeMap<u16, (Message, Duration)>,
    /// Records up to here are confirmed.
    watermark: u64,
    /// Highest number of which it was decided that it goes over this connection.
    cursor: u64,
    backlog: Option<SeqRange>,
    asked: VecDeque<SeqRange>,
    /// Above the watermark, and the broker took it over this connection.
    taken: Ranges,
    standing: Standing,
    round: Round,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    Open,
    DueAt(Duration),
}

/// How long the watermark has stood still below something that the broker took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    /// None: nothing is taken and not confirmed.
    since: Option<Duration>,
    patience: Duration,
    /// Whether a batch was sent again since the watermark moved last.
    has_tried: bool,
}

impl Delivery {
    /// Nothing on its way, and no connection.
    #[must_use]
    pub fn new(limits: DeliveryLimits, confirmed_by: ConfirmedBy) -> Self {
        Self {
            limits,
            confirmed_by,
            connected: false,
            queued: VecDeque::new(),
            in_flight: BTreeMap::new(),
            watermark: 0,
            cursor: 0,
            backlog: None,
            asked: VecDeque::new(),
            taken: Ranges::default(),
            standing: Standing { since: None, patience: limits.ack_patience, has_tried: false },
            round: Round::Open,
        }
    }

    /// The limits that it keeps.
    #[must_use]
    pub const fn limits(&self) -> &DeliveryLimits {
        &self.limits
    }

    /// Records up to here are confirmed.
    #[must_use]
    pub const fn watermark(&self) -> u64 {
        self.watermark
    }

    /// A new connection, with an outbox that stands there: everything that is not confirmed goes again, at once.
    pub fn connected(&mut self, outbox: Position) {
        self.disconnected();
        self.connected = true;
        (self.watermark, self.cursor) = (outbox.watermark, outbox.newest);
        self.backlog = above(self.watermark, self.cursor);
        self.round = Round::Open;
    }

    /// The connection is gone, and with it whatever was on its way. What was asked for is asked for again.
    pub fn disconnected(&mut self) {
        self.connected = false;
        self.queued.clear();
        self.in_flight.clear();
        self.asked.clear();
        self.taken = Ranges::default();
        self.standing.since = None;
    }

    /// Begins a round now, as at a stop.
    pub const fn begin_round(&mut self) {
        self.round = Round::Open;
    }

    /// The records that are wanted now, if any are.
    pub fn wanted(&mut self, now: Duration) -> Option<Wanted> {
        if let Round::DueAt(at) = self.round
            && at <= now
        {
            self.round = Round::Open;
        }
        self.try_again(now);
        let batches = self.batches();
        if !self.connected || batches >= self.limits.most_in_flight {
            return None;
        }
        if self.round == Round::Open {
            return Some(Wanted { after: self.cursor, up_to: u64::MAX, lane: Lane::New });
        }
        // One place stays free for new ones.
        if batches + 1 >= self.limits.most_in_flight {
            return None;
        }
        let (lane, range) = match self.asked.front() {
            Some(range) => (Lane::Asked, *range),
            None => (Lane::Backlog, self.backlog_that_may_go()?),
        };
        Some(Wanted { after: range.first - 1, up_to: range.last, lane })
    }

    fn backlog_that_may_go(&self) -> Option<SeqRange> {
        let most = self.watermark.saturating_add(self.limits.most_ahead);
        self.backlog.filter(|range| range.first <= most)
    }

    /// Takes the first rows for a batch, given as (number, bytes) by rising number: all that are held above
    /// `wanted.after`, or the first `most_records` of them. Says how many make the batch;
    /// the caller then hands exactly these over. Zero: there are none.
    pub fn hand_out(
        &mut self,
        wanted: Wanted,
        rows: impl Iterator<Item = (u64, usize)>,
        now: Duration,
    ) -> usize {
        let (mut taken, mut bytes, mut last, mut left_over) = (0, 0, wanted.after, false);
        for (seq, len) in rows.take(self.limits.most_records) {
            if seq > wanted.up_to {
                break;
            }
            if taken > 0 && bytes + len > self.limits.most_bytes {
                left_over = true;
                break;
            }
            (taken, bytes, last) = (taken + 1, bytes + len, seq);
        }
        let is_over = last == wanted.up_to || (taken < self.limits.most_records && !left_over);
        let end = if is_over && wanted.lane.is_late() { wanted.up_to } else { last };
        self.advance(wanted, (end, is_over), now);
        if let Some(range) = above(wanted.after, end) {
            match taken {
                // Numbers without records: nobody will ever confirm them one by one.
                0 => self.taken_by_broker(range, wanted.lane, now),
                _ => self.queued.push_back(Message::Batch { range, lane: wanted.lane }),
            }
        }
        taken
    }

    /// Notes that a lane has come to `end`, and whether that is all of it for now.
    fn advance(&mut self, wanted: Wanted, (end, is_over): (u64, bool), now: Duration) {
        let rest = above(end, wanted.up_to).filter(|_| !is_over);
        match wanted.lane {
            Lane::New => {
                self.cursor = end;
                if is_over {
                    self.end_round(now);
                }
            }
            Lane::Backlog => self.backlog = rest,
            Lane::Asked => {
                self.asked.pop_front();
                rest.into_iter().for_each(|rest| self.asked.push_front(rest));
            }
        }
    }

    /// Ends the round without more rows, as when the outbox cannot be read now.
    pub fn end_round(&mut self, now: Duration) {
        self.round = Round::DueAt(now + self.limits.batch_every);
        self.hurry(now);
    }

    /// While a backlog drains, the next round is not far.
    fn hurry(&mut self, now: Duration) {
        if let Round::DueAt(at) = self.round
            && self.is_draining()
        {
            self.round = Round::DueAt(at.min(now + self.limits.new_within));
        }
    }

    fn is_draining(&self) -> bool {
        !self.asked.is_empty() || self.backlog_that_may_go().is_some()
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

    /// The broker confirmed this packet id; what that means for the watermark is seen there.
    ///
    /// # Errors
    /// [`DeliveryFault`]: the client has to be thrown away.
    pub fn confirmed(&mut self, id: u16, now: Duration) -> Result<(), DeliveryFault> {
        match self.in_flight.remove(&id) {
            Some((Message::Batch { range, lane }, _)) => self.taken_by_broker(range, lane, now),
            Some(_) => {}
            None => return Err(DeliveryFault::NotInFlight(id)),
        }
        Ok(())
    }

    fn taken_by_broker(&mut self, range: SeqRange, lane: Lane, now: Duration) {
        // What was asked for may lie anywhere, and says nothing of what is owed.
        if lane == Lane::Asked {
            return;
        }
        self.taken.add(range);
        match self.confirmed_by {
            ConfirmedBy::Broker => self.watermark = self.taken.end_of_run_after(self.watermark),
            ConfirmedBy::HeadOffice => {}
        }
        self.taken.forget_up_to(self.watermark);
        if !self.taken.is_empty() {
            self.standing.since.get_or_insert(now);
        }
    }

    /// Head office has everything up to this number.
    pub fn heard(&mut self, watermark: u64, now: Duration) -> Heard {
        if watermark > self.cursor {
            return Heard::TooMuch;
        }
        if watermark == self.watermark {
            return Heard::Nothing;
        }
        let before = std::mem::replace(&mut self.watermark, watermark);
        let was_tried = std::mem::take(&mut self.standing.has_tried);
        self.standing.patience = self.limits.ack_patience;
        self.taken.forget_up_to(watermark);
        if watermark < before || (was_tried && !self.taken.is_empty()) {
            // What the broker took above it did not arrive, or will come twice.
            self.taken = Ranges::default();
            self.backlog = above(watermark, self.cursor);
        } else {
            self.backlog = self.backlog.and_then(|left| above(watermark.max(left.first - 1), left.last));
        }
        self.standing.since = (!self.taken.is_empty()).then_some(now);
        self.hurry(now);
        if watermark < before { Heard::Less } else { Heard::More }
    }

    /// Head office wants these again; tells whether there is room for the request. It is cut to what there can be.
    pub fn asked(&mut self, range: SeqRange, now: Duration) -> bool {
        let last = range.last.min(self.cursor).min(range.first.saturating_add(MOST_ASKED - 1));
        let Some(range) = above(range.first.max(1) - 1, last) else { return true };
        if self.asked.contains(&range) {
            return true;
        }
        if self.asked.len() >= self.limits.most_requests {
            return false;
        }
        self.asked.push_back(range);
        self.hurry(now);
        true
    }

    /// Sends a batch again where the watermark has stood still for too long.
    fn try_again(&mut self, now: Duration) {
        let (Some(at), Some(last)) = (self.try_again_at(), self.taken.last()) else { return };
        if at > now {
            return;
        }
        let size = u64::try_from(self.limits.most_records).unwrap_or(u64::MAX);
        let first = above(self.watermark, last.min(self.watermark.saturating_add(size)));
        first.into_iter().for_each(|range| self.asked.push_front(range));
        let longer = (self.standing.patience * 2).min(LONGEST_ACK_PATIENCE.max(self.limits.ack_patience));
        self.standing = Standing { since: Some(now), patience: longer, has_tried: true };
    }

    fn try_again_at(&self) -> Option<Duration> {
        let is_owed = self.connected && self.confirmed_by == ConfirmedBy::HeadOffice;
        self.standing.since.filter(|_| is_owed).map(|since| since + self.standing.patience)
    }

    /// Whether the receiver has left the broker's word unconfirmed for longer than patience lasts.
    #[must_use]
    pub const fn is_unheard(&self) -> bool {
        self.standing.has_tried
    }

    /// When something is to be done though nothing happens: rows to read, a batch to send again, or a broker to give up.
    #[must_use]
    pub fn wake_at(&self) -> Option<Duration> {
        let round = match self.round {
            Round::DueAt(at) if self.connected => Some(at),
            _ => None,
        };
        let given_up = self.in_flight.values().map(|(_, since)| *since + self.limits.patience).min();
        round.into_iter().chain(given_up).chain(self.try_again_at()).min()
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

    /// Whether the round is over and the broker has confirmed every batch that may go.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.round != Round::Open && self.batches() == 0 && !self.is_draining()
    }

    /// Whether everything that was handed out is confirmed by whoever confirms.
    #[must_use]
    pub const fn is_confirmed(&self) -> bool {
        self.watermark >= self.cursor
    }

    /// Whether nothing at all is on its way.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.queued.is_empty() && self.in_flight.is_empty()
    }

    fn outstanding(&self) -> impl Iterator<Item = (SeqRange, Lane)> {
        let sent = self.in_flight.values().map(|(message, _)| *message);
        sent.chain(self.queued.iter().copied()).filter_map(|message| match message {
            Message::Batch { range, lane } => Some((range, lane)),
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
        let all: Vec<(SeqRange, Lane)> = self.outstanding().collect();
        let late = all.iter().filter(|(_, lane)| lane.is_late()).count();
        if all.len() > self.limits.most_in_flight || late + 1 > self.limits.most_in_flight {
            return Err(format!("bounded: {} batches, {late} of them late", all.len()));
        }
        let highest = all.iter().map(|(range, _)| range.last).max().unwrap_or(0).max(self.watermark);
        if self.connected && highest > self.cursor {
            return Err(format!("behind: {highest} is above {}", self.cursor));
        }
        let mut owed = self.taken.clone();
        all.iter().filter(|(_, lane)| *lane != Lane::Asked).for_each(|(range, _)| owed.add(*range));
        self.backlog.into_iter().for_each(|range| owed.add(range));
        let end = owed.end_of_run_after(self.watermark);
        if self.connected && end < self.cursor {
            return Err(format!("still owed: {} is not in {owed:?}", end + 1));
        }
        Ok(())
    }
}

/// The numbers above `after`, up to `last`; none where there are none.
const fn above(after: u64, last: u64) -> Option<SeqRange> {
    if after < last { Some(SeqRange { first: after + 1, last }) } else { None }
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
