//! What needs more than one camera: the till, the staffing plan, occupancy, and the store's periods.
//!
//! [`Store`] is a pure state machine. Minutes of lines, transactions and the time go in; facts about the store come out.
//! What it has to remember over a restart goes through [`Memory`], which the ledger implements in one
//! SQLite transaction for each step, facts included: after a crash either all of a step has happened or nothing.

pub mod memory;
pub mod occupancy;
pub mod sensors;
pub mod staffing;
mod store;
mod told;
pub mod till;

pub use memory::{DoorSums, DuePeriod, Kept, Memory};
pub use occupancy::{Corrections, MinuteFlow, Occupancy, OccupancyMinute};
pub use staffing::Shift;
pub use store::{Period, Receipt, StaffSource, Store, StoreFact, StoreInput, StoreSettings};

use crate::count::LineRole;
use crate::ids::{CameraId, LineId};
use crate::time::WallTime;
use std::time::Duration;

/// A line of one of the box's cameras.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Door {
    /// The camera.
    pub camera: CameraId,
    /// The line.
    pub line: LineId,
    /// What it is for.
    pub role: LineRole,
}

/// What a line counted in one minute, or in a part of one. Parts add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoorMinute {
    /// Which line.
    pub door: Door,
    /// Start of the minute.
    pub start: WallTime,
    /// Who came in, everybody.
    pub entries: u32,
    /// Who went out, everybody.
    pub exits: u32,
    /// Of the entries, staff. Below zero in a part that corrects an earlier one.
    pub staff_in: i32,
    /// Of the exits, staff.
    pub staff_out: i32,
    /// Of the entries, people who had been here a moment ago and are no staff.
    pub reentries: u32,
    /// Who passed by and did not come in.
    pub passersby: u32,
    /// How much was really seen.
    pub seen: Duration,
    /// Whether the line still lies where it was drawn. An invalid minute counts as not seen.
    pub valid: bool,
    /// Whether other parts of this minute may exist.
    pub part: bool,
}
