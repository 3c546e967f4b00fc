//! The floor as one camera sees it: what stages after `calibration` are given.

use super::Method;
use crate::geom::{FloorFromImage, ImagePoint, PictureSize, Placed};

/// Lays points of one camera's picture on the floor.
#[derive(Debug, Clone, PartialEq)]
pub struct Floor {
    /// The picture that it holds for, px.
    pub picture: PictureSize,
    /// How it was made.
    pub method: Method,
    /// How far off it is, metres.
    pub residual_m: f64,
    floor_from_image: FloorFromImage,
}

impl Floor {
    /// A floor seen through a lens without distortion.
    #[must_use]
    pub fn new(
        picture: PictureSize,
        method: Method,
        residual_m: f64,
        floor_from_image: FloorFromImage,
    ) -> Self {
        Self { picture, method, residual_m, floor_from_image }
    }

    /// Where a foot point of the picture stands; none on or above the horizon.
    #[must_use]
    pub fn place(&self, foot_in_image: ImagePoint) -> Option<Placed> {
        self.floor_from_image.place(foot_in_image)
    }
}
