//! How a camera hangs over the floor: a pinhole with square pixels whose axis meets the middle of the picture.
//!
//! Everything follows from one vector: which way is *down* in the camera's own axes (x right, y down, z
//! forward). The horizon, the floor's axes and the heights of people are all products with it, so that no case for
//! a rolled camera is needed.

use crate::geom::{FloorFromImage, HomographyError, ImagePoint, PictureSize};
use nalgebra::{Matrix3, Vector3};

/// Sine of the steepest tilt at which a matrix still tells the lens: 60 degrees below the horizontal.
const STEEPEST: f64 = 0.87;

/// How wide a standing person is from any side, metres: what is left of a box when one looks straight down.
const PERSON_WIDTH_M: f64 = 0.45;

/// Where a camera is, as far as the floor can tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CameraPose {
    /// Focal length, px.
    pub focal_px: f64,
    /// Height over the floor, metres.
    pub height_m: f64,
    /// The middle of the picture, px.
    centre_px: [f64; 2],
    /// Unit vector towards the floor, in the camera's axes: x right, y down, z forward.
    down: Vector3<f64>,
}

impl CameraPose {
    /// From angles in radians: `tilt_rad` below the horizontal, and `roll_rad` by which the camera is turned
    /// clockwise, as seen from behind it.
    #[must_use]
    pub fn from_angles(
        picture: PictureSize,
        focal_px: f64,
        height_m: f64,
        tilt_rad: f64,
        roll_rad: f64,
    ) -> Self {
        let (sin_tilt, cos_tilt) = tilt_rad.sin_cos();
        let (sin_roll, cos_roll) = roll_rad.sin_cos();
        let down = Vector3::new(sin_roll * cos_tilt, cos_roll * cos_tilt, sin_tilt);
        Self { focal_px, height_m, centre_px: centre(picture), down }
    }

    /// The same through a lens whose axis meets the picture elsewhere.
    pub(super) fn centred(self, centre_px: [f64; 2]) -> Self {
        Self { centre_px, ..self }
    }

    /// What a matrix from the picture to the floor says about the camera whose axis meets the picture at `cx`, `cy`. None where
    /// it fits no camera with square pixels, or where it cannot be told: one that looks straight down shows no
    /// horizon to measure the lens by.
    ///
    /// The columns of the inverse are the pictures of the floor's axes; they are at right angles and equally long in
    /// the camera, which gives the focal length (Hartley and Zisserman, "Multiple View Geometry", 2nd edition, 8.8).
    #[must_use]
    pub fn of_floor(floor_from_image: &FloorFromImage, [cx, cy]: [f64; 2]) -> Option<Self> {
        let from_centre = Matrix3::new(1.0, 0.0, cx, 0.0, 1.0, cy, 0.0, 0.0, 1.0);
        let image_from_floor = (matrix(&floor_from_image.rows()) * from_centre).try_inverse()?;
        let (x, y) = (image_from_floor.column(0), image_from_floor.column(1));
        let across = [x[0] * y[0] + x[1] * y[1], x[0] * x[0] + x[1] * x[1] - y[0] * y[0] - y[1] * y[1]];
        let along = [x[2] * y[2], x[2] * x[2] - y[2] * y[2]];
        let inverse_square =
            -(across[0] * along[0] + across[1] * along[1]) / (across[0] * across[0] + across[1] * across[1]);
        let focal_px = (1.0 / inverse_square).sqrt();
        let sides = 2.0 * cx.max(cy);
        // A lens of 3 degrees and one of 170: outside, the numbers are noise.
        if !(0.04 * sides..20.0 * sides).contains(&focal_px) {
            return None;
        }
        let unscaled = Matrix3::from_diagonal(&Vector3::new(1.0 / focal_px, 1.0 / focal_px, 1.0));
        let axes = unscaled * image_from_floor;
        let scale = (axes.column(0).norm() * axes.column(1).norm()).sqrt();
        let down = axes.column(1).cross(&axes.column(0)).try_normalize(f64::MIN_POSITIVE)?;
        // So steeply down, the lens is hardly in the matrix: an error of 2 px makes any lens of it.
        if down.z > STEEPEST {
            return None;
        }
        let height_m = down.dot(&axes.column(2)) / scale;
        // A matrix is known up to its sign, and so is the height in it.
        let height_m = height_m.abs();
        let sound = height_m.is_finite() && height_m > 1e-3;
        sound.then_some(Self { focal_px, height_m, centre_px: [cx, cy], down })
    }

    /// The matrix from the picture to the floor: X to the right and Y away, from the point below the camera.
    ///
    /// # Errors
    /// [`HomographyError`] where the picture shows no floor at its lower edge.
    pub fn floor_from_image(&self, picture: PictureSize) -> Result<FloorFromImage, HomographyError> {
        let forward = Vector3::z() - self.down * self.down.z;
        // Straight down there is no forward; the picture's upper edge is away then.
        let upwards = -Vector3::y() + self.down * self.down.y;
        let away = if forward.norm() > 0.1 { forward } else { upwards }.normalize();
        let right = self.down.cross(&away);
        let [cx, cy] = self.centre_px;
        let focal = self.focal_px;
        let row = |axis: Vector3<f64>, scale: f64| {
            let (a, b) = (scale * axis.x / focal, scale * axis.y / focal);
            [a, b, scale * axis.z - a * cx - b * cy]
        };
        let rows = [row(right, self.height_m), row(away, self.height_m), row(self.down, 1.0)];
        FloorFromImage::new(rows, picture.width, picture.height)
    }

    /// Height in px of a person `person_m` tall whose feet are at `foot_in_image`; none above the horizon, and none
    /// where the head is behind the camera.
    #[must_use]
    pub fn expected_height_px(&self, foot_in_image: ImagePoint, person_m: f64) -> Option<f64> {
        let foot = [f64::from(foot_in_image.x), f64::from(foot_in_image.y)];
        let head = self.above(foot, person_m)?;
        Some((foot[1] - head.v_px).abs().max(PERSON_WIDTH_M * self.focal_px / head.depth_m))
    }

    /// How far down the picture it is from head to foot, px: below 0 where people stand on their heads in it.
    pub(super) fn upright_px(&self, foot: [f64; 2], person_m: f64) -> Option<f64> {
        self.above(foot, person_m).map(|head| foot[1] - head.v_px)
    }

    /// Where the top of a head is in the picture whose feet are at `foot_in_image`.
    #[must_use]
    pub fn head(&self, foot_in_image: ImagePoint, person_m: f64) -> Option<ImagePoint> {
        let foot = [f64::from(foot_in_image.x), f64::from(foot_in_image.y)];
        self.above(foot, person_m).map(|head| ImagePoint::new(head.u_px as f32, head.v_px as f32))
    }

    fn above(&self, foot: [f64; 2], person_m: f64) -> Option<Above> {
        let [cx, cy] = self.centre_px;
        let ray = Vector3::new((foot[0] - cx) / self.focal_px, (foot[1] - cy) / self.focal_px, 1.0);
        let towards_floor = self.down.dot(&ray);
        if towards_floor <= 0.0 {
            return None;
        }
        let head = ray * (self.height_m / towards_floor) - self.down * person_m;
        (head.z > 1e-3 * self.height_m).then(|| Above {
            u_px: cx + self.focal_px * head.x / head.z,
            v_px: cy + self.focal_px * head.y / head.z,
            depth_m: head.z,
        })
    }

    /// How far below the horizontal it looks, degrees.
    #[must_use]
    pub fn tilt_deg(&self) -> f64 {
        self.down.z.clamp(-1.0, 1.0).asin().to_degrees()
    }

    /// How far it is turned clockwise, degrees.
    #[must_use]
    pub fn roll_deg(&self) -> f64 {
        self.down.x.atan2(self.down.y).to_degrees()
    }

    /// Horizontal field of view, degrees.
    #[must_use]
    pub fn field_of_view_deg(&self) -> f64 {
        2.0 * (self.centre_px[0] / self.focal_px).atan().to_degrees()
    }
}

/// The focal length in px of a lens that sees `field_of_view_deg` degrees across `picture`.
#[must_use]
pub fn focal_px(picture: PictureSize, field_of_view_deg: f64) -> f64 {
    0.5 * f64::from(picture.width) / (0.5 * field_of_view_deg).to_radians().tan()
}

/// A head in the picture.
struct Above {
    u_px: f64,
    v_px: f64,
    /// Along the camera's axis.
    depth_m: f64,
}

fn centre(picture: PictureSize) -> [f64; 2] {
    [0.5 * f64::from(picture.width), 0.5 * f64::from(picture.height)]
}

pub(super) fn matrix(rows: &[[f64; 3]; 3]) -> Matrix3<f64> {
    Matrix3::from_fn(|row, column| rows[row][column])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PICTURE: PictureSize = PictureSize { width: 1280, height: 720 };

    #[test]
    fn a_camera_at_45_degrees_sees_the_floor_below_its_middle_as_far_away_as_it_hangs_high() {
        let pose = CameraPose::from_angles(PICTURE, 900.0, 3.0, 45f64.to_radians(), 0.0);
        let at = pose.floor_from_image(PICTURE).unwrap().apply(ImagePoint::new(640.0, 360.0)).unwrap();
        assert!(at.x_m.abs() < 1e-9 && (at.y_m - 3.0).abs() < 1e-9, "{at:?}");
    }

    #[test]
    fn a_level_camera_at_eye_height_sees_every_head_of_that_height_on_the_horizon() {
        let pose = CameraPose::from_angles(PICTURE, 900.0, 1.7, 0.0, 0.0);
        for v in [400.0, 500.0, 700.0] {
            let head = pose.head(ImagePoint::new(300.0, v), 1.7).unwrap();
            assert!((head.y - 360.0).abs() < 1e-3, "{head:?}");
        }
    }

    #[test]
    fn a_camera_that_looks_steeply_down_does_not_tell_its_lens() {
        let pose = CameraPose::from_angles(PICTURE, 900.0, 4.0, 75f64.to_radians(), 0.0);
        let floor = pose.floor_from_image(PICTURE).unwrap();
        assert_eq!(CameraPose::of_floor(&floor, [640.0, 360.0]), None);
    }

    #[test]
    fn a_person_right_below_is_as_tall_as_wide() {
        let pose = CameraPose::from_angles(PICTURE, 900.0, 4.0, 90f64.to_radians(), 0.0);
        let seen = pose.expected_height_px(ImagePoint::new(640.0, 360.0), 1.7).unwrap();
        assert!((seen - 0.45 * 900.0 / 2.3).abs() < 1.0, "{seen}");
    }

    proptest! {
        #[test]
        fn the_matrix_gives_the_camera_back(
            focal in 400.0..1800.0, height in 1.5..9.0, tilt in 5.0..60.0f64, roll in -8.0..8.0f64,
        ) {
            let (tilt_rad, roll_rad) = (tilt.to_radians(), roll.to_radians());
            let pose = CameraPose::from_angles(PICTURE, focal, height, tilt_rad, roll_rad);
            let Ok(floor) = pose.floor_from_image(PICTURE) else { return Ok(()) };
            let back = CameraPose::of_floor(&floor, [640.0, 360.0]).unwrap();
            prop_assert!((back.focal_px / focal - 1.0).abs() < 1e-5, "{back:?}");
            prop_assert!((back.height_m / height - 1.0).abs() < 1e-5, "{back:?}");
            prop_assert!((back.tilt_deg() - tilt).abs() < 1e-4 && (back.roll_deg() - roll).abs() < 1e-4, "{back:?}");
        }
    }
}
