//! How tall a person can look at a place: what is far off is a cone, a poster or a box around two people.

use super::Floor;
use crate::geom::ImageBox;

/// Limits of a box's height as a share of what a usual person would have there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SizeLimits {
    least: f64,
    most: f64,
}

impl Default for SizeLimits {
    /// From a small child, or an adult cut in half by a counter, to one with a child on the shoulders.
    fn default() -> Self {
        Self { least: 0.4, most: 1.8 }
    }
}

impl SizeLimits {
    /// Whether a box can be a person; always where the floor does not tell how tall one would be.
    #[must_use]
    pub fn allow(&self, floor: &Floor, bbox: &ImageBox) -> bool {
        let ratio = floor.expected_height_px(bbox.foot()).map(|expected| f64::from(bbox.height()) / expected);
        ratio.is_none_or(|ratio| (self.least..=self.most).contains(&ratio))
    }
}
