//! From the picture to the floor: one plane seen through a lens without distortion.

use super::ImagePoint;

/// A point on the floor, in metres: x to the right and y away from the camera, seen from above.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FloorPoint {
    /// To the right.
    pub x_m: f64,
    /// Away from the camera.
    pub y_m: f64,
}

/// A point of the picture laid on the floor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed {
    /// Where it lies, metres.
    pub at: FloorPoint,
    /// How the floor point moves with the picture point: `[[dx/du, dx/dv], [dy/du, dy/dv]]`, metres per px.
    pub jacobian: [[f64; 2]; 2],
}

/// No picture is this high: a horizon that far off is none in the picture, px.
const NO_PICTURE_REACHES_PX: f64 = 20_000.0;

/// Maps foot points in image space (px, y down) to the floor (metres).
///
/// Built only from a matrix that does so: invertible, and with the floor seen from above rather than in a mirror.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FloorFromImage {
    /// Row by row; the third row gives the depth, positive below the horizon.
    rows: [[f64; 3]; 3],
}

/// Why a matrix is not a view of a floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HomographyError {
    /// A number is infinite or not a number.
    #[error("floor_from_image holds a number that is not finite")]
    NotFinite,
    /// Different points of the picture would fall on one point of the floor.
    #[error(
        "floor_from_image cannot be inverted: its points lie on one line; measure points that spread over the floor"
    )]
    Singular,
    /// Left and right are exchanged.
    #[error(
        "floor_from_image is mirrored: floor x must grow to the right and y away from the camera, seen from above"
    )]
    Mirrored,
    /// The point where depth is judged lies on or above the horizon.
    #[error("floor_from_image puts the middle of the picture's lower edge on or above the horizon")]
    NoFloorBelow,
}

impl FloorFromImage {
    /// Checks a 3x3 matrix, row by row, for a picture of `width` x `height` px.
    ///
    /// # Errors
    /// [`HomographyError`] says why it is no view of a floor.
    pub fn new(rows: [[f64; 3]; 3], width: u32, height: u32) -> Result<Self, HomographyError> {
        // A homography is known up to a factor; depth is made positive where people stand.
        Self::judged_at(rows, 0.5 * f64::from(width), f64::from(height))
    }

    /// The same for a picture of unknown size. Depth is judged a little below the horizon then, or where the camera
    /// looks so far down that no picture would show the horizon, at the picture's left upper corner.
    ///
    /// # Errors
    /// [`HomographyError`] says why it is no view of a floor.
    pub fn of_unknown_picture(rows: [[f64; 3]; 3]) -> Result<Self, HomographyError> {
        let [_, down, at_corner] = rows[2];
        let horizon_v = -at_corner / down;
        let v = if horizon_v.abs() < NO_PICTURE_REACHES_PX { horizon_v + 500.0 } else { 0.0 };
        Self::judged_at(rows, 0.0, v)
    }

    fn judged_at(rows: [[f64; 3]; 3], u: f64, v: f64) -> Result<Self, HomographyError> {
        if !rows.iter().flatten().all(|number| number.is_finite()) {
            return Err(HomographyError::NotFinite);
        }
        let depth = rows[2][0] * u + rows[2][1] * v + rows[2][2];
        if depth.abs() < f64::EPSILON {
            return Err(HomographyError::NoFloorBelow);
        }
        let rows = rows.map(|row| row.map(|number| number / depth));
        let determinant = determinant(&rows);
        if determinant.abs() < 1e-12 {
            return Err(HomographyError::Singular);
        }
        // The picture's y runs down and the floor's away, so an unmirrored view turns the hand round.
        if determinant > 0.0 {
            return Err(HomographyError::Mirrored);
        }
        Ok(Self { rows })
    }

    /// Where a foot point stands on the floor; none on or above the horizon.
    #[must_use]
    pub fn apply(&self, foot_in_image: ImagePoint) -> Option<FloorPoint> {
        let (u, v) = (f64::from(foot_in_image.x), f64::from(foot_in_image.y));
        let [x, y, depth] = self.rows.map(|row| row[0] * u + row[1] * v + row[2]);
        (depth > 0.0).then(|| FloorPoint { x_m: x / depth, y_m: y / depth })
    }

    /// The same, with how far a px reaches there; none on or above the horizon.
    #[must_use]
    pub fn place(&self, foot_in_image: ImagePoint) -> Option<Placed> {
        self.place_at([f64::from(foot_in_image.x), f64::from(foot_in_image.y)])
    }

    /// The same for a point that is known more finely than f32 holds, `[u, v]` px.
    #[must_use]
    pub fn place_at(&self, [u, v]: [f64; 2]) -> Option<Placed> {
        let [x, y, depth] = self.rows.map(|row| row[0] * u + row[1] * v + row[2]);
        if depth <= 0.0 {
            return None;
        }
        let at = FloorPoint { x_m: x / depth, y_m: y / depth };
        let [to_x, to_y, to_depth] = self.rows;
        let slope = |row: [f64; 3], value: f64, axis: usize| (row[axis] - value * to_depth[axis]) / depth;
        let jacobian = [
            [slope(to_x, at.x_m, 0), slope(to_x, at.x_m, 1)],
            [slope(to_y, at.y_m, 0), slope(to_y, at.y_m, 1)],
        ];
        Some(Placed { at, jacobian })
    }

    /// Where a point of the floor is in the picture; none behind the camera.
    #[must_use]
    pub fn in_image(&self, x_m: f64, y_m: f64) -> Option<ImagePoint> {
        let [a, b, c] = self.rows;
        // The inverse is the adjugate over the determinant; the factor falls out, its sign does not.
        let cross = |p: [f64; 3], q: [f64; 3]| {
            [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]]
        };
        let (to_x, to_y, to_one) = (cross(b, c), cross(c, a), cross(a, b));
        let [u, v, depth] = [0, 1, 2]
            .map(|axis| (x_m * to_x[axis] + y_m * to_y[axis] + to_one[axis]) / determinant(&self.rows));
        (depth > 0.0).then(|| ImagePoint::new((u / depth) as f32, (v / depth) as f32))
    }

    /// The matrix, row by row, with depth 1 in the middle of the picture's lower edge.
    #[must_use]
    pub fn rows(&self) -> [[f64; 3]; 3] {
        self.rows
    }
}

fn determinant(m: &[[f64; 3]; 3]) -> f64 {
    m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
        + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A camera 3 m up that looks 45 degrees down: focal length 500 px, centre (320, 240).
    fn view() -> [[f64; 3]; 3] {
        let s = std::f64::consts::FRAC_1_SQRT_2;
        [
            [3.0, 0.0, -3.0 * 320.0],
            [0.0, -3.0 * s, 3.0 * (500.0 * s + s * 240.0)],
            [0.0, s, 500.0 * s - s * 240.0],
        ]
    }

    #[test]
    fn the_middle_of_the_picture_falls_where_the_camera_looks() {
        let floor_from_image = FloorFromImage::new(view(), 640, 480).unwrap();
        let at = floor_from_image.apply(ImagePoint::new(320.0, 240.0)).unwrap();
        assert!(at.x_m.abs() < 1e-9 && (at.y_m - 3.0).abs() < 1e-9, "{at:?}");
    }

    #[test]
    fn there_is_no_floor_above_the_horizon() {
        let floor_from_image = FloorFromImage::new(view(), 640, 480).unwrap();
        assert_eq!(floor_from_image.apply(ImagePoint::new(320.0, -300.0)), None);
    }

    #[test]
    fn the_sign_of_the_whole_matrix_means_nothing() {
        let turned = view().map(|row| row.map(|number| -number));
        assert_eq!(FloorFromImage::new(turned, 640, 480), FloorFromImage::new(view(), 640, 480));
    }

    #[test]
    fn a_mirrored_a_singular_and_an_infinite_matrix_are_refused() {
        let check = |rows, expected| assert_eq!(FloorFromImage::new(rows, 640, 480), Err(expected));
        let mut mirrored = view();
        mirrored[0] = mirrored[0].map(|number| -number);
        check(mirrored, HomographyError::Mirrored);
        let mut flat = view();
        flat[0] = flat[1];
        check(flat, HomographyError::Singular);
        let mut infinite = view();
        infinite[1][1] = f64::NAN;
        check(infinite, HomographyError::NotFinite);
    }
}
