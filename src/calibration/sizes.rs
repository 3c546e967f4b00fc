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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::mounting::{self, Mounting};
    use crate::geom::PictureSize;

    fn door() -> Floor {
        let mounting = Mounting { height_m: 3.0, tilt_deg: 30.0, field_of_view_deg: 75.0, roll_deg: 0.0 };
        mounting::fit(PictureSize { width: 1280, height: 720 }, None, &mounting).unwrap()
    }

    /// A box of so many times the height of a usual person, with its foot at 640, 500.
    fn check(times: f64, expected: bool) {
        let floor = door();
        let foot = crate::geom::ImagePoint::new(640.0, 500.0);
        let height = (times * floor.expected_height_px(foot).unwrap()) as f32;
        let bbox = ImageBox::from_left_top_size(600.0, 500.0 - height, 80.0, height);
        assert_eq!(SizeLimits::default().allow(&floor, &bbox), expected, "{times}");
    }

    #[test]
    fn a_cone_and_a_box_around_a_group_are_not_people_and_a_child_is() {
        check(1.0, true);
        check(0.45, true);
        check(0.35, false);
        check(1.7, true);
        check(1.9, false);
    }

    #[test]
    fn where_the_floor_does_not_tell_every_size_is_allowed() {
        let floor = Floor::new(*door().floor_from_image());
        assert!(SizeLimits::default().allow(&floor, &ImageBox::new(600.0, 498.0, 620.0, 500.0)));
        let above_the_horizon = ImageBox::new(600.0, -900.0, 620.0, -800.0);
        assert!(SizeLimits::default().allow(&door(), &above_the_horizon));
    }
}
