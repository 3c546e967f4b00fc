//! How right the counts are, found out in the store itself: which minutes are looked at again, and what follows from it.
//!
//! A few random minutes are kept as coarse clips on which people are under a mosaic; a person counts them again, and from the two
//! numbers of each minute follows the accuracy of all minutes. The one thing that is not obvious: a busy minute is
//! drawn more often than a quiet one, on purpose, so a plain mean over the clips would be wrong. Every minute carries the
//! chance that it had, and [`estimate`] weighs with it.
//!
//! [`strata`] says how busy a minute is before it begins, [`draw`] decides whether it is kept, [`veil`] makes
//! pictures coarse, [`moved`] says where they differ from the empty place, [`estimate`] weighs the tallies. All of it is pure: files, threads and pages are in `app`.

pub mod draw;
pub mod estimate;
pub mod moved;
pub mod strata;
pub mod veil;

pub use draw::MinuteDraw;
pub use estimate::{Accuracy, Estimate, Passages, Population, Shortage, TalliedMinute, estimate};
pub use moved::Stillness;
pub use strata::{Stratum, Traffic};
pub use veil::{Veil, VeiledPicture};

use std::path::PathBuf;
use std::time::Duration;

/// What the box keeps for an audit; only made where the config file asks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditSettings {
    /// Clips of one minute to keep per camera and day, on the average.
    pub clips_per_day: u32,
    /// How long a clip is kept.
    pub keep: Duration,
    /// Where clips, tallies and sums lie.
    pub folder: PathBuf,
    /// Pictures a second in a clip.
    pub fps: f64,
    /// Widest picture in a clip, px; wider ones are made coarser.
    pub width_px: u32,
    /// Most bytes that clips may take together; the oldest go first.
    pub max_bytes: u64,
}
