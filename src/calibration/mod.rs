//! Where the floor lies in a camera's picture: measured points, the camera's mounting, or the people who walk by.
//!
//! All three ways end in one [`Floor`], and one file (`calibration/README.md` describes it). A floor is approximate and
//! says how much: every fit carries its residual in metres, so that a figure that rests on it can say so too.

#[cfg(feature = "capture-opencv")]
pub mod distort;
mod file;
mod floor;
mod lens;
pub mod mounting;
pub mod people;
pub mod points;
mod pose;
mod sizes;

pub use file::CalibrationError;
pub use floor::{Floor, FloorError};
pub use lens::{Distortion, Lens, LensParameters};
pub use people::{LensPrior, NotYet, PeopleFit};
pub use pose::{CameraPose, focal_px};
pub use sizes::SizeLimits;

use serde::{Deserialize, Serialize};

/// How a calibration was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// From points that were measured on the floor.
    Points,
    /// From the camera's height, tilt and field of view.
    Mounting,
    /// From the heights of people who walked by.
    People,
}

impl Method {
    /// Its name, as files and records have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Mounting => "mounting",
            Self::People => "people",
        }
    }
}

/// How good a calibration is. What the metres are of depends on the [`Method`]: see `calibration/README.md`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Fit {
    /// Half of the points are off by less, metres.
    pub residual_m: Option<f64>,
    /// Nine of ten are off by less, metres.
    pub residual_p90_m: Option<f64>,
    /// How many points, or people's boxes, it was fitted to.
    pub points: Option<u32>,
    /// One standard deviation of a distance on the floor, as a share of it.
    pub distance_share: Option<f64>,
}

impl Fit {
    /// From how far off each point is, metres, in any order.
    #[must_use]
    pub fn of_distances(mut metres: Vec<f64>) -> Self {
        metres.sort_by(f64::total_cmp);
        let last = metres.len().saturating_sub(1) as f64;
        let at = |share: f64| metres.get((share * last).round() as usize).copied();
        Self {
            residual_m: at(0.5),
            residual_p90_m: at(0.9),
            points: u32::try_from(metres.len()).ok(),
            distance_share: None,
        }
    }
}
