//! The plane on which people are followed: the floor where one is known, else the picture itself.
//!
//! Both are used in the same way, in metres: on the picture a metre is taken to be as many px as the person's own box
//! says, whose height stands for [`PERSON_M`]. So one set of settings serves both, and somebody far away and
//! somebody near are treated alike.

use super::filter::{Matrix, Measured, Symmetric, Vector, inverted};
use crate::calibration::people::PERSON_M;
use crate::calibration::{Floor, Method, SizeLimits};
use crate::geom::{ImageBox, ImagePoint, PictureSize};
use std::fmt;

/// Where people are followed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plane {
    /// On the picture, px.
    Image,
    /// On the floor, metres.
    Floor(Box<Floor>),
}

/// Which plane a number was made on; goes into every record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlaneName {
    /// The picture: nobody has said where the floor is, and too few people were seen to tell.
    #[default]
    Image,
    /// A floor whose file does not say how it was made.
    Floor,
    /// A floor that was made in this way.
    FloorBy(Method),
}

impl PlaneName {
    /// As records have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Floor => "floor",
            Self::FloorBy(Method::Points) => "floor-points",
            Self::FloorBy(Method::Mounting) => "floor-mounting",
            Self::FloorBy(Method::People) => "floor-people",
        }
    }
}

impl fmt::Display for PlaneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How unsure the foot of a box is, as a share of its height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FootNoise {
    pub(super) across: f32,
    pub(super) down: f32,
}

/// A box, laid on the plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Laid {
    pub(super) foot: Measured,
    /// How many units of the plane a metre is there.
    pub(super) metre: f64,
}

/// A px further off than this says nothing about where somebody stands: next to the horizon, metres.
const COARSEST_PX_M: f64 = 2.0;
/// Least and most that a foot is taken to be off on a calibrated picture, px. A small box is not better than the px it is
/// made of, and a large one not worse than the detector's grid (UCMCTrack's bounds, rounded).
const FOOT_NOISE_PX: (f32, f32) = (2.0, 13.0);

impl Plane {
    pub(super) fn name(&self) -> PlaneName {
        match self {
            Self::Image => PlaneName::Image,
            Self::Floor(floor) => floor.method().map_or(PlaneName::Floor, PlaneName::FloorBy),
        }
    }

    /// Says how large the picture is. A floor of the same shape and another size is scaled to it; one of another shape
    /// stays as it is, and whoever began the run has refused it.
    pub(super) fn picture_is(&mut self, picture: PictureSize) {
        let Self::Floor(floor) = self else { return };
        if floor.picture() != Some(picture)
            && let Ok(fitted) = floor.as_ref().clone().for_picture(picture)
        {
            **floor = fitted;
        }
    }

    /// How many units a metre is for somebody whose box is `height_px` high.
    pub(super) fn metre_of(&self, height_px: f32) -> f64 {
        match self {
            Self::Image => f64::from(height_px) / PERSON_M,
            Self::Floor(_) => 1.0,
        }
    }

    /// Whether a person who stands there can be as tall as this box; on the picture everybody can.
    pub(super) fn allows(&self, bbox: &ImageBox, sizes: SizeLimits) -> bool {
        match self {
            Self::Image => true,
            Self::Floor(floor) => sizes.allow(floor, bbox),
        }
    }

    /// A box on the plane; none where there is no floor below it.
    pub(super) fn lay(&self, bbox: &ImageBox, noise: FootNoise) -> Option<Laid> {
        let (across, down) = (noise.across * bbox.height(), noise.down * bbox.height());
        let foot = bbox.foot();
        match self {
            Self::Image => {
                let spread =
                    Symmetric { xx: f64::from(across * across), xy: 0.0, yy: f64::from(down * down) };
                let at = [f64::from(foot.x), f64::from(foot.y)];
                Some(Laid { foot: Measured { at, spread }, metre: self.metre_of(bbox.height()) })
            }
            Self::Floor(_) => {
                let (at, step) = self.place(foot)?;
                let (least, most) = FOOT_NOISE_PX;
                let (across, down) = (across.clamp(least, most), down.clamp(least, most));
                let spread = Symmetric::mapped(&step, f64::from(across * across), f64::from(down * down));
                Some(Laid { foot: Measured { at, spread }, metre: 1.0 })
            }
        }
    }

    /// A point of the picture on the plane, and how it moves there with the point.
    pub(super) fn place(&self, point: ImagePoint) -> Option<(Vector, Matrix)> {
        match self {
            Self::Image => Some(([f64::from(point.x), f64::from(point.y)], [[1.0, 0.0], [0.0, 1.0]])),
            Self::Floor(floor) => {
                let placed = floor.place(point)?;
                let step = placed.jacobian;
                let coarsest = step.iter().flatten().fold(0.0_f64, |most, number| most.max(number.abs()));
                let is_near = coarsest <= COARSEST_PX_M && inverted(&step).is_some();
                is_near.then_some(([placed.at.x_m, placed.at.y_m], step))
            }
        }
    }

    /// Where a point of the plane is in the picture; none where it cannot be seen.
    pub(super) fn in_image(&self, at: Vector) -> Option<ImagePoint> {
        match self {
            Self::Image => Some(ImagePoint::new(at[0] as f32, at[1] as f32)),
            Self::Floor(floor) => floor.in_image(at[0], at[1]),
        }
    }
}
