//! Sums over intervals, how much of them was really seen, and how right they are against a person's tally.

pub mod conversion;
mod minutes;
pub mod score;

pub use minutes::MinuteLedger;

use crate::count::{Crossing, Direction};
use crate::ids::LineId;
use crate::time::WallTime;
use std::time::Duration;

/// What one line counted in one minute, or in a part of one. Parts of a minute add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineMinute {
    /// Which line.
    pub line: LineId,
    /// Start of the minute.
    pub start: WallTime,
    /// Crossings into the store.
    pub entries: u32,
    /// Crossings out of it.
    pub exits: u32,
    /// How much of the minute the camera really saw.
    pub seen: Duration,
    /// Frames that were looked at.
    pub frames: u32,
    /// Frames that arrived and were passed over because newer ones were there.
    pub dropped: u32,
    /// Whether this is only a part: the run began or ended within the minute, or something came late.
    pub part: bool,
}

/// What one line has counted since a run or a box began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineTotal {
    /// Which line.
    pub line: LineId,
    /// Crossings into the store.
    pub entries: u64,
    /// Crossings out of it.
    pub exits: u64,
}

impl LineTotal {
    /// A line that nobody has crossed.
    #[must_use]
    pub fn none_yet(line: LineId) -> Self {
        Self { line, entries: 0, exits: 0 }
    }

    /// Adds a crossing, where it is one of this line.
    pub fn add(&mut self, crossing: &Crossing) {
        if self.line == crossing.line {
            match crossing.direction {
                Direction::In => self.entries += 1,
                Direction::Out => self.exits += 1,
            }
        }
    }
}
