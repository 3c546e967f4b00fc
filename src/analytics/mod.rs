//! Sums over intervals, how much of them was really seen, and how right they are against a person's tally.

mod book;
pub mod conversion;
mod flow;
mod heat;
mod minutes;
mod quarters;
pub mod score;
mod zone_minutes;

pub use flow::{Flow, FlowQuarter, FlowStep, Place, PlaceNames};
pub use heat::{Grid, Heat, HeatQuarter, HeatSettings, MOST_CELLS, Manner};
pub use minutes::MinuteLedger;
pub use quarters::{QUARTER, Quarter};
pub use zone_minutes::{Present, QueueMinute, ZoneLedger, ZoneMinute, ZoneTotal};

use crate::count::{Crossing, Direction, LineRole};
use crate::ids::LineId;
use crate::time::WallTime;
use crate::visitors::Found;
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
    /// What its crossings stand for.
    pub role: LineRole,
    /// What kinds of visitors they were.
    pub visitors: VisitorCounts,
    /// How much of the minute the camera really saw.
    pub seen: Duration,
    /// Frames that were looked at.
    pub frames: u32,
    /// Frames that arrived and were passed over because newer ones were there.
    pub dropped: u32,
    /// Whether this is only a part: the run began or ended within the minute, or something came late.
    pub part: bool,
    /// Whether the line lay where it was drawn all the while: false where the camera was found to have been moved
    /// at some time of the minute. A minute is valid where all its parts are.
    pub valid: bool,
}

/// What is told by the quarter of an hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuarterSettings {
    /// Whether it is told how people move from place to place.
    pub flow: bool,
    /// How finely it is told where people are; none: not at all.
    pub heat: Option<HeatSettings>,
}

impl Default for QuarterSettings {
    fn default() -> Self {
        Self { flow: true, heat: Some(HeatSettings::default()) }
    }
}

/// What is known of those who crossed a line in one minute, or in a part of one. Part of it is found out late and
/// comes as a further part; nothing is ever taken back, so that parts add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VisitorCounts {
    /// Of the crossings into the store, those by staff.
    pub staff_in: u32,
    /// Of the crossings out of it, those by staff.
    pub staff_out: u32,
    /// Of the crossings into the store, those by people who had gone out a short while before.
    pub reentries: u32,
    /// Groups whose first member came in in this minute, by size: 1, 2, 3, 4, and 5 or more.
    pub groups: [u32; 5],
    /// People who crossed this line and used no door.
    pub passersby: u32,
}

impl VisitorCounts {
    /// Adds one thing that was found out.
    pub fn add(&mut self, found: Found) {
        match found {
            Found::Staff(Direction::In) => self.staff_in += 1,
            Found::Staff(Direction::Out) => self.staff_out += 1,
            Found::Reentry => self.reentries += 1,
            Found::Group { size } => self.groups[size.clamp(1, self.groups.len()) - 1] += 1,
            Found::Passerby => self.passersby += 1,
        }
    }
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
