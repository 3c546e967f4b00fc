//! Where a person stands, worked out once per sighting for everybody who asks.

use crate::calibration::Floor;
use crate::calibration::people::PERSON_M;
use crate::geom::{FloorPoint, ImagePoint, PictureSize};
use crate::ids::TrackId;
use crate::time::FrameTime;
use crate::track::Sighting;

/// One person in one frame, as zones and what is known of visitors see them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Whose track.
    pub track: TrackId,
    /// The frame (1-based decoded frame).
    pub frame: u64,
    /// When it was taken.
    pub at: FrameTime,
    /// Where the feet are, px, inside the picture.
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
        let foot = sighting.bbox.foot();
        let within = |value: f32, side: u32| value.clamp(0.0, side as f32);
        let foot_in_image = self.picture.map_or(foot, |picture| {
            ImagePoint::new(within(foot.x, picture.width), within(foot.y, picture.height))
        });
        let placed = self.floor.as_ref().and_then(|floor| floor.place(foot_in_image));
        Standing {
            track: sighting.track,
            frame: sighting.frame,
            at: sighting.at,
            foot_in_image,
            foot_in_floor: placed.map(|placed| placed.at),
            metre_px: sighting.bbox.height() / PERSON_M as f32,
        }
    }
}
