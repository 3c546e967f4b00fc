//! What a store remembers, as the state machine asks for it; the ledger keeps it on disk.

use super::occupancy::Occupancy;
use super::till::{Rejected, Transaction};
use super::{Door, DoorMinute, Shift, StoreFact};
use crate::analytics::conversion::TillSums;
use crate::calendar::{SpanKind, TimeSpan};
use crate::time::WallTime;
use std::time::Duration;

/// Sums of one line over a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoorSums {
    /// Which line.
    pub door: Door,
    /// Who came in, everybody.
    pub entries: u64,
    /// Of them, staff.
    pub staff_in: u64,
    /// Of them, people who had been here a moment ago and are no staff.
    pub reentries: u64,
    /// Who passed by and did not come in.
    pub passersby: u64,
    /// How much was really seen, at most a minute of each minute.
    pub seen: Duration,
}

/// What became of a transaction that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is new.
    New,
    /// It was here before, the same.
    Duplicate,
    /// Its id was used before for something else.
    Reused,
}

/// A period that changed since it was given out, or never was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuePeriod {
    /// Its kind.
    pub kind: SpanKind,
    /// From when to when.
    pub span: TimeSpan,
    /// The revision that was given out last; 0: none was.
    pub revision: u32,
    /// What was given out last, as [`Memory::period_given_out`] was told.
    pub fingerprint: String,
}

/// The store's memory. One step of the state machine is one transaction of whoever implements this.
pub trait Memory {
    /// What can go wrong with it.
    type Error;

    /// Adds a line's minute, or a part of one, to what is there.
    ///
    /// # Errors
    /// Where it cannot be kept.
    fn add_minute(&mut self, minute: &DoorMinute) -> Result<(), Self::Error>;

    /// Every line's minutes that start after `after`, by their start, parts put together.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn minutes_after(&self, after: WallTime) -> Result<Vec<DoorMinute>, Self::Error>;

    /// Sums of every line that has minutes in a span.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn door_sums(&self, span: TimeSpan) -> Result<Vec<DoorSums>, Self::Error>;

    /// Keeps a transaction, once.
    ///
    /// # Errors
    /// Where it cannot be kept.
    fn add_transaction(&mut self, transaction: &Transaction, feed: &str) -> Result<Kept, Self::Error>;

    /// When a transaction was rung up; none where it is not known (yet).
    ///
    /// # Errors
    /// Where it cannot be read.
    fn transaction_at(&self, id: &str) -> Result<Option<WallTime>, Self::Error>;

    /// What was sold in a span, without what was voided.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn till_sums(&self, span: TimeSpan) -> Result<TillSums, Self::Error>;

    /// Keeps a row that was put aside; the oldest go where there are too many.
    ///
    /// # Errors
    /// Where it cannot be kept.
    fn add_rejected(&mut self, rejected: &Rejected, feed: &str, at: WallTime) -> Result<(), Self::Error>;

    /// Until when something is known of the till.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn till_heard_until(&self) -> Result<Option<WallTime>, Self::Error>;

    /// Remembers until when something is known of the till.
    ///
    /// # Errors
    /// Where it cannot be kept.
    fn set_till_heard_until(&mut self, at: WallTime) -> Result<(), Self::Error>;

    /// Keeps a shift; one of the same id is replaced.
    ///
    /// # Errors
    /// Where it cannot be kept.
    fn add_shift(&mut self, shift: &Shift) -> Result<(), Self::Error>;

    /// Shifts that have some time in common with a span.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn shifts(&self, span: TimeSpan) -> Result<Vec<Shift>, Self::Error>;

    /// Hours of staff by the count in a span; none where no minute is known.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn counted_staff(&self, span: TimeSpan) -> Result<Option<Duration>, Self::Error>;

    /// Notes that something of a period changed.
    ///
    /// # Errors
    /// Where it cannot be kept.
    fn touch(&mut self, kind: SpanKind, span: TimeSpan) -> Result<(), Self::Error>;

    /// Notes that something changed in every known period that ends in a span, its end included.
    ///
    /// # Errors
    /// Where it cannot be kept.
    fn touch_ending_in(&mut self, span: TimeSpan) -> Result<(), Self::Error>;

    /// Periods that changed and ended by `ended_by`, the oldest first, at most `most`.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn due_periods(&self, ended_by: WallTime, most: usize) -> Result<Vec<DuePeriod>, Self::Error>;

    /// Notes what was given out of a period; nothing of it has changed since.
    ///
    /// # Errors
    /// Where it cannot be kept.
    fn period_given_out(&mut self, given_out: &DuePeriod) -> Result<(), Self::Error>;

    /// Who is inside, and up to which minute that was worked out.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn occupancy(&self) -> Result<(Occupancy, Option<WallTime>), Self::Error>;

    /// Remembers who is inside after the minute that starts at `minute`, and how many of them are staff.
    ///
    /// # Errors
    /// Where it cannot be kept.
    fn set_occupancy(&mut self, occupancy: &Occupancy, minute: WallTime) -> Result<(), Self::Error>;

    /// Puts a fact among those that are to be sent.
    ///
    /// # Errors
    /// Where it cannot be kept.
    fn give_out(&mut self, fact: &StoreFact) -> Result<(), Self::Error>;

    /// Forgets what is older, but for what is still to be sent.
    ///
    /// # Errors
    /// Where it cannot be deleted.
    fn forget_before(&mut self, at: WallTime) -> Result<(), Self::Error>;
}
