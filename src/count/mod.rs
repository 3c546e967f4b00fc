//! Counts tracks that cross a line.

mod passerby;
mod tripwire;

pub use passerby::Passersby;
pub use tripwire::{Tripwire, TripwireError};

use crate::geom::{Polygon, Segment};
use crate::ids::{LineId, TrackId};
use crate::time::FrameTime;
use std::time::Duration;

/// Which way a line was crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Into the store, which lies on the line's left.
    In,
    /// Out of the store.
    Out,
}

/// Which point of a box counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Anchor {
    /// Bottom centre: where the person stands.
    #[default]
    Foot,
    /// The middle, for a camera that looks down.
    Centre,
    /// Top centre, for a camera that looks down at an angle.
    Head,
}

impl Anchor {
    /// Every anchor, for messages and help.
    pub const ALL: [Self; 3] = [Self::Foot, Self::Centre, Self::Head];

    /// As written in the config and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Foot => "foot",
            Self::Centre => "centre",
            Self::Head => "head",
        }
    }

    /// By its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|anchor| anchor.name() == name)
    }
}

/// One track passing clear of a line's band from one side to the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Crossing {
    /// Which line.
    pub line: LineId,
    /// Which way.
    pub direction: Direction,
    /// By whom.
    pub track: TrackId,
    /// First frame beyond the band (1-based decoded frame).
    pub frame: u64,
    /// When that frame was taken.
    pub at: FrameTime,
}

/// One line as configured, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct LineSettings {
    /// Its name.
    pub id: LineId,
    /// Where it lies, in px of the configured picture.
    pub segment: Segment,
    /// The strip around it in which nothing is decided.
    pub band: Band,
    /// Which point of a box counts.
    pub anchor: Anchor,
    /// A return within this time cancels both crossings; zero switches that off.
    pub u_turn: Duration,
    /// A track counts here only if it was seen in one of these; none: anywhere.
    pub activation: Vec<Polygon>,
    /// What its crossings stand for.
    pub role: LineRole,
}

/// What the crossings of a line stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum LineRole {
    /// Customers come in and go out here.
    #[default]
    Door,
    /// A door for goods: it counts like any other, and whoever uses it is no customer.
    Goods,
    /// Outside, along the front: who crosses it may come in, or pass by.
    Passersby,
    /// Between two parts of the store: crossings are counted and make nobody a visitor.
    Inner,
}

impl LineRole {
    /// Every role, for messages and help.
    pub const ALL: [Self; 4] = [Self::Door, Self::Goods, Self::Passersby, Self::Inner];

    /// As written in the config and in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Door => "door",
            Self::Goods => "goods",
            Self::Passersby => "passersby",
            Self::Inner => "inner",
        }
    }
}

/// The strip around a line in which nothing is decided, by its full width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Band {
    /// The same everywhere, px.
    Px(f32),
    /// A share of the height of the person's box, so that it is as wide on the floor far away as near.
    Heights(f32),
}

impl Default for Band {
    /// A fifth of a person's height, some 35 cm: feet of a detected box wobble by a twentieth of its height.
    fn default() -> Self {
        Self::Heights(0.2)
    }
}

impl Band {
    /// Half its width for a person whose box is `height_px` high, px.
    #[must_use]
    pub fn half_px(self, height_px: f32) -> f32 {
        0.5 * match self {
            Self::Px(width_px) => width_px,
            Self::Heights(share) => share * height_px,
        }
    }

    /// The number, whatever its unit.
    #[must_use]
    pub fn width(self) -> f32 {
        match self {
            Self::Px(width) | Self::Heights(width) => width,
        }
    }
}
