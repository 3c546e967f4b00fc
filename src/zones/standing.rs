//! Where a person stands, worked out once per sighting for everybody who asks.
//!
//! A box that reaches the picture's lower edge does not show the feet. Such feet are put where they can be: on the
//! picture just at the edge, so that only a zone which reaches the edge holds them; on the floor where head and height of a
//! usual person say. A box counts as cut a little before the edge already, because its lower side wobbles.

use crate::calibration::Floor;
use crate::calibration::people::PERSON_M;
use crate::geom::{FloorPoint, ImageBox, ImagePoint, PictureSize};
use crate::ids::TrackId;
use crate::time::FrameTime;
use crate::track::Sighting;

/// A box whose lower side comes this near to the picture's lower edge is cut by it, as a share of its height. Boxes of a
/// network are good to about that.
const CUT_WITHIN: f32 = 0.03;
/// A zone that comes this near to the picture's lower edge reaches it, as a share of the picture's height: nobody hits the
/// last row with a mouse.
const REACHES_EDGE: f32 = 0.01;
/// Of a cut box the width is known and the height is not: a person is about this many times as high.
const HEIGHT_OF_WIDTH: f32 = 2.2;
/// Feet are looked for up to so many heights of the picture below its edge.
const FARTHEST_BELOW: f32 = 2.0;
/// Halvings of that: to a px of a picture of 2000 rows.
const HALVINGS: u32 = 12;

/// One person in one frame, as zones and what is known of visitors see them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Whose track.
    pub track: TrackId,
    /// The frame (1-based decoded frame).
    pub frame: u64,
    /// When it was taken.
    pub at: FrameTime,
    /// Where the feet are, px, inside the picture; at its lower edge where they are hidden below it.
    pub foot_in_image: ImagePoint,
    /// Where that is on the floor; none without a calibration, and above its horizon.
    pub foot_in_floor: Option<FloorPoint>,
    /// How many px a metre is at this person, by the height of the box.
    pub metre_px: f32,
}

/// Lays sightings on the floor, where one is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Ground {
    floor: Option<Floor>,
    picture: Option<PictureSize>,
}

impl Ground {
    /// The ground of a camera. A learned floor has no fixed origin, so only one that was measured is given.
    #[must_use]
    pub fn new(floor: Option<Floor>) -> Self {
        Self { floor, picture: None }
    }

    /// Says how large the picture is; a floor of the same shape is scaled to it.
    pub fn picture_is(&mut self, picture: PictureSize) {
        if self.picture.replace(picture) == Some(picture) {
            return;
        }
        let fits = |floor: &Floor| floor.picture() == Some(picture);
        if let Some(floor) = self.floor.as_ref().filter(|floor| !fits(floor))
            && let Ok(fitted) = floor.clone().for_picture(picture)
        {
            self.floor = Some(fitted);
        }
    }

    /// The floor, fitted to the picture.
    #[must_use]
    pub fn floor(&self) -> Option<&Floor> {
        self.floor.as_ref()
    }

    /// Whether places on the floor are known.
    #[must_use]
    pub fn has_floor(&self) -> bool {
        self.floor.is_some()
    }

    /// Where somebody stands.
    #[must_use]
    pub fn stand(&self, sighting: &Sighting) -> Standing {
        let bbox = &sighting.bbox;
        let foot = bbox.foot();
        let is_cut =
            self.picture.is_some_and(|size| foot.y >= size.height as f32 - CUT_WITHIN * bbox.height());
        let hidden_foot =
            self.floor.as_ref().filter(|_| is_cut).and_then(|floor| self.hidden_foot(floor, bbox));
        let placed =
            self.floor.as_ref().and_then(|floor| floor.place(hidden_foot.unwrap_or(self.seen_foot(foot))));
        let height_px =
            if is_cut { bbox.height().max(HEIGHT_OF_WIDTH * bbox.width()) } else { bbox.height() };
        let at_edge = |size: PictureSize| (1.0 - REACHES_EDGE) * size.height as f32;
        let foot_in_image = self.seen_foot(foot);
        let foot_in_image = match self.picture {
            Some(size) if is_cut => ImagePoint::new(foot_in_image.x, at_edge(size)),
            _ => foot_in_image,
        };
        Standing {
            track: sighting.track,
            frame: sighting.frame,
            at: sighting.at,
            foot_in_image,
            foot_in_floor: placed.map(|placed| placed.at),
            metre_px: height_px / PERSON_M as f32,
        }
    }

    /// The foot, or the nearest point of the picture.
    fn seen_foot(&self, foot: ImagePoint) -> ImagePoint {
        let within = |value: f32, side: u32| value.clamp(0.0, side as f32);
        self.picture.map_or(foot, |picture| {
            ImagePoint::new(within(foot.x, picture.width), within(foot.y, picture.height))
        })
    }

    /// Where the feet of a box that the lower edge cuts would be, px, below the picture: there a usual person has the
    /// head where the box begins. None where the floor does not tell how high a person is.
    fn hidden_foot(&self, floor: &Floor, bbox: &ImageBox) -> Option<ImagePoint> {
        let height = self.picture?.height as f32;
        let x = bbox.foot().x;
        let head_at = |y: f32| floor.expected_head(ImagePoint::new(x, y)).map(|head| head.y);
        // The head comes down the picture as the feet do.
        let (mut nearest, mut farthest) = (height, height * (1.0 + FARTHEST_BELOW));
        if head_at(nearest)? >= bbox.top {
            return Some(ImagePoint::new(x, nearest));
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (nearest + farthest);
            match head_at(middle) {
                Some(head) if head < bbox.top => nearest = middle,
                _ => farthest = middle,
            }
        }
        Some(ImagePoint::new(x, nearest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::mounting::{self, Mounting};

    const PICTURE: PictureSize = PictureSize { width: 1280, height: 720 };

    fn ground(floor: Option<Floor>) -> Ground {
        let mut ground = Ground::new(floor);
        ground.picture_is(PICTURE);
        ground
    }

    fn standing(ground: &Ground, bbox: ImageBox) -> Standing {
        ground.stand(&Sighting { track: TrackId(1), bbox, frame: 1, at: FrameTime::default() })
    }

    fn floor() -> Floor {
        let mounting = Mounting { height_m: 3.0, tilt_deg: 30.0, field_of_view_deg: 75.0, roll_deg: 0.0 };
        mounting::fit(PICTURE, None, &mounting).unwrap()
    }

    #[test]
    fn a_foot_that_is_seen_stands_where_it_is() {
        let seen = standing(&ground(None), ImageBox::new(600.0, 300.0, 700.0, 600.0));
        assert_eq!(seen.foot_in_image, ImagePoint::new(650.0, 600.0));
    }

    #[test]
    fn a_box_that_wobbles_at_the_edge_keeps_its_feet_hidden() {
        for bottom in [712.0, 716.0, 720.0, 730.0] {
            let seen = standing(&ground(None), ImageBox::new(600.0, 400.0, 760.0, bottom));
            assert!((seen.foot_in_image.y - 0.99 * 720.0).abs() < 1e-3, "{bottom}");
        }
    }

    #[test]
    fn hidden_feet_are_where_head_and_height_of_a_person_say() {
        let floor = floor();
        // Somebody a step this side of what the picture shows: the feet are below its edge.
        let foot = floor.in_image(0.2, 1.9).unwrap();
        let head = floor.expected_head(foot).unwrap();
        assert!(foot.y > 740.0 && head.y < 700.0, "{foot:?} {head:?}");
        let cut = ImageBox::new(foot.x - 80.0, head.y, foot.x + 80.0, 720.0);
        let at = standing(&ground(Some(floor)), cut).foot_in_floor.unwrap();
        assert!((at.x_m - 0.2).hypot(at.y_m - 1.9) < 0.05, "{at:?}");
    }

    #[test]
    fn a_picture_of_twice_the_size_stands_on_the_same_floor() {
        let mut ground = Ground::new(Some(floor()));
        ground.picture_is(PictureSize { width: 2560, height: 1440 });
        let seen = standing(&ground, ImageBox::new(1200.0, 600.0, 1400.0, 1200.0)).foot_in_floor.unwrap();
        let half = self::ground(Some(floor()));
        let expected = standing(&half, ImageBox::new(600.0, 300.0, 700.0, 600.0)).foot_in_floor.unwrap();
        assert!((seen.x_m - expected.x_m).hypot(seen.y_m - expected.y_m) < 1e-6, "{seen:?} {expected:?}");
    }
}
