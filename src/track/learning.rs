//! Learns where the floor is from the people who walk over it, for a camera that nobody has calibrated.
//!
//! Only people who walk teach: whoever stands behind a counter is cut by it, and a poster stands for ever.

use super::filter::Vector;
use crate::calibration::{Floor, PeopleFit};
use crate::geom::{ImageBox, PictureSize};
use crate::time::FrameTime;
use std::time::Duration;

/// Slower than this somebody stands, m/s.
const WALKING_M_S: f64 = 0.3;
/// A learned floor that is off by more is none, metres: people differ by 6 cm (median), a wrong model or a camera that
/// moves by 11 cm and more.
const COARSEST_FIT_M: f64 = 0.10;
/// How often a floor is tried; a fit takes some tens of milliseconds, which a frame can spare once in a while.
const TRY_EVERY: Duration = Duration::from_secs(10);

/// What was seen of the floor so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Learning {
    people: Option<PeopleFit>,
    tried_at: Option<FrameTime>,
    /// Boxes known at the last try: without new ones it would end the same.
    tried_with: u64,
}

impl Learning {
    /// Says how large the picture is; what was learned on one of another size is forgotten.
    pub(super) fn picture_is(&mut self, picture: PictureSize) {
        if self.people.as_ref().is_none_or(|people| people.picture() != picture) {
            *self = Self { people: Some(PeopleFit::new(picture)), ..Self::default() };
        }
    }

    /// Takes note of somebody, if they walk.
    pub(super) fn see(&mut self, bbox: &ImageBox, velocity: Vector, metre: f64) {
        let is_walking = velocity[0].hypot(velocity[1]) >= WALKING_M_S * metre;
        if let Some(people) = self.people.as_mut().filter(|_| is_walking) {
            people.add(bbox);
        }
    }

    /// The floor, once it can be told.
    pub(super) fn floor(&mut self, at: FrameTime) -> Option<Floor> {
        let people = self.people.as_ref()?;
        let tried_at = *self.tried_at.get_or_insert(at);
        if at.since(tried_at) < TRY_EVERY {
            return None;
        }
        self.tried_at = Some(at);
        let known = std::mem::replace(&mut self.tried_with, people.boxes());
        if people.boxes() == known {
            return None;
        }
        people.fit().ok().filter(|floor| floor.fit().residual_m.is_some_and(|off_m| off_m <= COARSEST_FIT_M))
    }
}
