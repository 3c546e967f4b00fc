//! Whether a camera's picture can be counted on: not frozen, blocked or too dark, and not moved.
//!
//! A camera that hangs, is covered or was pushed aside goes on delivering pictures, and a count of them looks like a
//! quiet hour. So a few looks a second, reduced to a thumbnail, are held against what the place looks like when
//! nothing is wrong. People, crowds and lamps change a picture too: what tells a moved camera from them is that the
//! same edges lie elsewhere. What is compared are the directions of edges that stay for seconds, never brightness.
//!
//! A stuck stream (`capture::still`) is another matter: there a connection is opened anew because a part of the
//! picture repeats. *Frozen* is said here, of a whole picture, and takes its time out of what was seen.

mod background;
mod edges;
mod hysteresis;
mod thumbnail;
mod watch;

pub use background::{Background, BackgroundError};
pub use watch::{HealthSettings, PictureWatch};

use crate::time::FrameTime;
use std::fmt;

/// What can be wrong with a picture that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Condition {
    /// Every picture is the same to the last bit.
    Frozen,
    /// There is light, and the edges of the place are gone: covered, sprayed or out of focus.
    Blocked,
    /// The camera does not look at what its lines and zones were drawn on. Ends when somebody confirms.
    Moved,
    /// Too dark to see anybody; a lens under a black cloth looks the same.
    Dark,
}

impl Condition {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Frozen, Self::Blocked, Self::Moved, Self::Dark];

    /// Its name on the wire and in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::Blocked => "blocked",
            Self::Moved => "moved",
            Self::Dark => "dark",
        }
    }

    /// What is the matter and what to do, for whoever is in the shop.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Frozen => {
                "every picture is the same, so nobody is counted; switch the camera off and on again"
            }
            Self::Blocked => {
                "something covers the lens, or it is dirty or out of focus; look at the camera and wipe its lens"
            }
            Self::Moved => {
                "it looks elsewhere than before, so its lines and zones do not fit; set it back or draw them anew, \
                 look with `footfall look`, then say `footfall confirm`"
            }
            Self::Dark => {
                "the picture is too dark to see anybody; switch a light on, or see whether something covers the lens"
            }
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a condition began or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It holds from now on.
    Began,
    /// It holds no longer.
    Ended,
}

/// A condition of a camera's picture that began or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionChange {
    /// Which one.
    pub condition: Condition,
    /// Which way.
    pub turn: Turn,
    /// When it was decided.
    pub at: FrameTime,
    /// Since when the picture has looked so: earlier than `at` by the patience that the condition asks for.
    pub since: FrameTime,
    /// What was measured, in words.
    pub detail: String,
}
