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
/// When a floor is tried first. A fit takes some tens of milliseconds, which a frame can spare once in a while; after
/// each that comes to nothing the wait is twice as long, up to the longest.
const FIRST_TRY: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What a try came to.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Here it is.
    Floor(Box<Floor>),
    /// People do not stand on any floor: the camera moves, was moved, or looks straight down.
    NoFloor,
}

/// What was seen of the floor so far.
#[derive(Debug, Clone)]
pub(super) struct Learning {
    people: Option<PeopleFit>,
    tried_at: Option<FrameTime>,
    wait: Duration,
}

impl Default for Learning {
    fn default() -> Self {
        Self { people: None, tried_at: None, wait: FIRST_TRY }
    }
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

    /// What the people seen since the last try say of the floor; none where it is too early, or too few were seen.
    pub(super) fn verdict(&mut self, at: FrameTime) -> Option<Verdict> {
        let people = self.people.as_mut()?;
        let tried_at = *self.tried_at.get_or_insert(at);
        if at.since(tried_at) < self.wait {
            return None;
        }
        self.tried_at = Some(at);
        self.wait = (2 * self.wait).min(LONGEST_WAIT);
        let floor = people.fit().ok()?;
        // From here on others teach: whoever passes after the camera was moved must not be outvoted by those before.
        *people = PeopleFit::new(people.picture());
        let fits = floor.fit().residual_m.is_some_and(|off_m| off_m <= COARSEST_FIT_M);
        Some(if fits { Verdict::Floor(Box::new(floor)) } else { Verdict::NoFloor })
    }
}
