//! The floor from how the camera is mounted: its height, its tilt and its field of view.
//!
//! Nothing in the picture is looked at, so nothing in it can contradict. What can be said is how far the floor moves when
//! the angles are read as people read them, and that is the residual: a degree of tilt is nothing below
//! the camera and metres at the far end.

use super::{CameraPose, Fit, Floor, Lens, Method, focal_px};
use crate::geom::{HomographyError, ImagePoint, PictureSize};

/// How well a phone's level or a protractor reads a tilt, degrees.
const TILT_UNSURE_DEG: f64 = 1.0;
/// How well a tape reads the height of a lens, metres.
const HEIGHT_UNSURE_M: f64 = 0.03;
/// How far a data sheet's field of view is from that of the stream, as a share.
const FIELD_OF_VIEW_UNSURE: f64 = 0.03;

/// How a camera is mounted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mounting {
    /// From the floor to the lens, metres.
    pub height_m: f64,
    /// Below the horizontal, degrees; 90 looks straight down.
    pub tilt_deg: f64,
    /// Horizontal field of view, degrees.
    pub field_of_view_deg: f64,
    /// Turned clockwise as seen from behind the camera, degrees.
    pub roll_deg: f64,
}

/// Why a mounting gives no floor.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MountingError {
    /// A number that no camera has.
    #[error("{what} is {value}; give {from} to {to}")]
    Range {
        /// Which number.
        what: &'static str,
        /// What was given.
        value: f64,
        /// The least.
        from: f64,
        /// The most.
        to: f64,
    },
    /// It sees no floor.
    #[error("mounted like this it sees no floor at the picture's lower edge; tilt it further down")]
    NoFloor(#[from] HomographyError),
}

/// The floor that a camera sees which is mounted like this, through `lens` or through one without distortion.
///
/// # Errors
/// [`MountingError`] names the number that cannot be.
pub fn fit(picture: PictureSize, lens: Option<&Lens>, mounting: &Mounting) -> Result<Floor, MountingError> {
    let limits = [
        ("the height in metres", mounting.height_m, 0.3, 50.0),
        ("the tilt in degrees", mounting.tilt_deg, 0.0, 90.0),
        ("the field of view in degrees", mounting.field_of_view_deg, 5.0, 170.0),
        ("the roll in degrees", mounting.roll_deg, -45.0, 45.0),
    ];
    for (what, value, from, to) in limits {
        if !(from..=to).contains(&value) {
            return Err(MountingError::Range { what, value, from, to });
        }
    }
    let floor = mounting.floor(picture, lens)?;
    let probe = far_third(picture, &floor);
    let Some(at) = floor.place(probe).map(|placed| placed.at) else { return Ok(floor) };
    let moved = mounting.misread().into_iter().filter_map(|misread| {
        let other = misread.floor(picture, lens).ok()?.place(probe)?.at;
        Some((other.x_m - at.x_m).powi(2) + (other.y_m - at.y_m).powi(2))
    });
    let residual_m = moved.sum::<f64>().sqrt();
    let distance_m = at.x_m.hypot(at.y_m).max(mounting.height_m);
    let fit =
        Fit { residual_m: Some(residual_m), distance_share: Some(residual_m / distance_m), ..Fit::default() };
    Ok(floor.made(Method::Mounting, fit))
}

/// A third of the way down from the horizon, or from the picture's upper edge where the horizon is above it, to the
/// lower edge.
fn far_third(picture: PictureSize, floor: &Floor) -> ImagePoint {
    let (middle, height) = (0.5 * picture.width as f32, picture.height);
    let first_row = (0..height).find(|row| floor.place(ImagePoint::new(middle, *row as f32)).is_some());
    let first = first_row.unwrap_or(height) as f32;
    ImagePoint::new(middle, first + (height as f32 - first) / 3.0)
}

impl Mounting {
    fn floor(&self, picture: PictureSize, lens: Option<&Lens>) -> Result<Floor, HomographyError> {
        let focal_px = focal_px(picture, self.field_of_view_deg);
        let (tilt_rad, roll_rad) = (self.tilt_deg.to_radians(), self.roll_deg.to_radians());
        let pose = CameraPose::from_angles(picture, focal_px, self.height_m, tilt_rad, roll_rad);
        let Some(lens) = lens else {
            return Ok(Floor::new(pose.floor_from_image(picture)?).of_picture(picture));
        };
        let floor_from_image = pose.centred(lens.parameters().centre_px).floor_from_image(picture)?;
        Ok(Floor::new(floor_from_image).of_picture(picture).through(lens.clone()))
    }

    /// The same read wrongly in one number each.
    fn misread(&self) -> [Self; 3] {
        [
            Self { tilt_deg: self.tilt_deg + TILT_UNSURE_DEG, ..*self },
            Self { height_m: self.height_m + HEIGHT_UNSURE_M, ..*self },
            Self { field_of_view_deg: self.field_of_view_deg * (1.0 + FIELD_OF_VIEW_UNSURE), ..*self },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: PictureSize = PictureSize { width: 1280, height: 720 };
    const DOOR: Mounting = Mounting { height_m: 2.8, tilt_deg: 35.0, field_of_view_deg: 78.0, roll_deg: 0.0 };

    fn check(mounting: &Mounting, part: &str) {
        let fault = fit(PICTURE, None, mounting).unwrap_err().to_string();
        assert!(fault.contains(part), "{fault}");
    }

    #[test]
    fn the_middle_of_the_picture_is_where_the_tilt_says() {
        let floor = fit(PICTURE, None, &DOOR).unwrap();
        let at = floor.place(ImagePoint::new(640.0, 360.0)).unwrap().at;
        assert!((at.y_m - 2.8 / 35f64.to_radians().tan()).abs() < 1e-6 && at.x_m.abs() < 1e-6, "{at:?}");
        assert_eq!(floor.method(), Some(Method::Mounting));
    }

    #[test]
    fn a_flatter_view_is_less_certain() {
        let residual =
            |tilt_deg| fit(PICTURE, None, &Mounting { tilt_deg, ..DOOR }).unwrap().fit().residual_m.unwrap();
        assert!(residual(15.0) > 2.0 * residual(35.0), "{} {}", residual(15.0), residual(35.0));
        assert!(residual(35.0) > residual(90.0) && residual(90.0) > 0.03, "{}", residual(90.0));
    }

    #[test]
    fn numbers_that_no_camera_has_are_refused_by_name() {
        check(&Mounting { height_m: 280.0, ..DOOR }, "height in metres is 280; give 0.3 to 50");
        check(&Mounting { tilt_deg: -5.0, ..DOOR }, "tilt in degrees is -5");
        check(&Mounting { tilt_deg: f64::NAN, ..DOOR }, "tilt in degrees is NaN");
        check(&Mounting { field_of_view_deg: 180.0, ..DOOR }, "field of view in degrees is 180");
        check(&Mounting { roll_deg: 90.0, ..DOOR }, "roll in degrees is 90");
    }
}
