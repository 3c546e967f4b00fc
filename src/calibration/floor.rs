//! The floor as one camera sees it: what stages after `calibration` are given.

use super::lens::Lens;
use super::people::PERSON_M;
use super::pose::CameraPose;
use super::{Fit, Method};
use crate::geom::{FloorFromImage, HomographyError, ImagePoint, PictureSize, Placed};

/// Pictures count as of the same shape when their sides agree this well: 1920x1080 and 640x360, also 704x396.
const SAME_SHAPE: f64 = 0.01;

/// Lays points of one camera's picture on the floor.
#[derive(Debug, Clone, PartialEq)]
pub struct Floor {
    /// From px of a picture without distortion.
    floor_from_image: FloorFromImage,
    picture: Option<PictureSize>,
    method: Option<Method>,
    fit: Fit,
    lens: Option<Lens>,
    /// None where the matrix does not tell.
    pose: Option<CameraPose>,
}

/// Why a floor cannot be used for something.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FloorError {
    /// A line or a zone reaches to where there is no floor.
    #[error(
        "{what}: its point ({}, {}) lies on or above the horizon of the calibration; draw it lower in the picture, or \
        calibrate anew", point.x, point.y
    )]
    AboveHorizon {
        /// The line or zone, as messages call it.
        what: String,
        /// The first such point, px.
        point: ImagePoint,
    },
    /// The camera's picture has another shape.
    #[error("the calibration is for a picture of {expected} px and the camera's is {got} px; calibrate anew")]
    OtherPicture {
        /// The camera's.
        got: PictureSize,
        /// The calibration's.
        expected: PictureSize,
    },
    /// In the camera's picture the matrix does not make sense.
    #[error(transparent)]
    Matrix(#[from] HomographyError),
}

impl Floor {
    /// A floor seen through a lens without distortion, in a picture of unknown size.
    #[must_use]
    pub fn new(floor_from_image: FloorFromImage) -> Self {
        Self { floor_from_image, picture: None, method: None, fit: Fit::default(), lens: None, pose: None }
    }

    /// The same with the size of the picture, which also tells where the camera is.
    #[must_use]
    pub fn of_picture(mut self, picture: PictureSize) -> Self {
        self.picture = Some(picture);
        self.find_pose();
        self
    }

    /// The same with how it was made and how good it is.
    #[must_use]
    pub fn made(mut self, method: Method, fit: Fit) -> Self {
        (self.method, self.fit) = (Some(method), fit);
        self
    }

    /// The same with how good it is.
    #[must_use]
    pub fn fitted(mut self, fit: Fit) -> Self {
        self.fit = fit;
        self
    }

    /// The same seen through a lens that bends lines.
    #[must_use]
    pub fn through(mut self, lens: Lens) -> Self {
        self.lens = Some(lens);
        self.find_pose();
        self
    }

    fn find_pose(&mut self) {
        let middle = |picture: PictureSize| [0.5 * f64::from(picture.width), 0.5 * f64::from(picture.height)];
        let centre = self.lens.as_ref().map(Lens::centre_px).or(self.picture.map(middle));
        self.pose = centre.and_then(|centre| CameraPose::of_floor(&self.floor_from_image, centre));
    }

    /// The floor for a camera whose picture has this size: the same shape is scaled, and another one refused.
    ///
    /// # Errors
    /// [`FloorError`] says what does not fit.
    pub fn for_picture(self, picture: PictureSize) -> Result<Self, FloorError> {
        let Some(expected) = self.picture else {
            let PictureSize { width, height } = picture;
            let floor_from_image = FloorFromImage::new(self.floor_from_image.rows(), width, height)?;
            return Ok(Self { floor_from_image, ..self }.of_picture(picture));
        };
        if expected == picture {
            return Ok(self);
        }
        let across = f64::from(expected.width) / f64::from(picture.width);
        let down = f64::from(expected.height) / f64::from(picture.height);
        if (across / down - 1.0).abs() > SAME_SHAPE || self.lens.is_some() {
            return Err(FloorError::OtherPicture { got: picture, expected });
        }
        let rows = self.floor_from_image.rows().map(|[u, v, one]| [u * across, v * down, one]);
        let floor_from_image = FloorFromImage::new(rows, picture.width, picture.height)?;
        Ok(Self { floor_from_image, ..self }.of_picture(picture))
    }

    /// Where a foot point of the picture stands; none on or above the horizon. Allocates nothing.
    #[must_use]
    pub fn place(&self, foot_in_image: ImagePoint) -> Option<Placed> {
        let Some(lens) = &self.lens else { return self.floor_from_image.place(foot_in_image) };
        // A foot below the picture's edge stands, as far as the lens can say, on it.
        let straight = lens.straighten(lens.nearest_in_picture(foot_in_image))?;
        let placed = self.floor_from_image.place_at(straight.at)?;
        let [[a, b], [c, d]] = placed.jacobian;
        let [[e, f], [g, h]] = straight.jacobian;
        Some(Placed {
            at: placed.at,
            jacobian: [[a * e + b * g, a * f + b * h], [c * e + d * g, c * f + d * h]],
        })
    }

    /// Height in px of a usual person whose feet are at `foot_in_image`; none above the horizon, and none where the
    /// calibration does not tell where the camera is.
    #[must_use]
    pub fn expected_height_px(&self, foot_in_image: ImagePoint) -> Option<f64> {
        let pose = self.pose.as_ref()?;
        let Some(lens) = &self.lens else { return pose.expected_height_px(foot_in_image, PERSON_M) };
        let [u, v] = lens.straighten(foot_in_image)?.at;
        let straight_foot = ImagePoint::new(u as f32, v as f32);
        let straight_px = pose.expected_height_px(straight_foot, PERSON_M)?;
        // The lens makes what is there smaller or larger; the middle of the person says by how much.
        let head = lens.bend(pose.head(straight_foot, PERSON_M)?)?;
        let upright = f64::from(foot_in_image.y - head.y).abs();
        let widest = straight_px * lens.magnification(foot_in_image)?;
        let is_upright = pose.upright_px([u, v], PERSON_M).is_some_and(|px| px.abs() + 1e-6 >= straight_px);
        Some(if is_upright { upright } else { widest })
    }

    /// Where the head of a usual person is whose feet are at `foot_in_image`.
    #[must_use]
    pub fn expected_head(&self, foot_in_image: ImagePoint) -> Option<ImagePoint> {
        let pose = self.pose.as_ref()?;
        let Some(lens) = &self.lens else { return pose.head(foot_in_image, PERSON_M) };
        let [u, v] = lens.straighten(foot_in_image)?.at;
        lens.bend(pose.head(ImagePoint::new(u as f32, v as f32), PERSON_M)?)
    }

    /// Where a point of the floor is in the picture; none behind the camera.
    #[must_use]
    pub fn in_image(&self, x_m: f64, y_m: f64) -> Option<ImagePoint> {
        let straight = self.floor_from_image.in_image(x_m, y_m)?;
        match &self.lens {
            None => Some(straight),
            Some(lens) => lens.bend(straight),
        }
    }

    /// That all points of a line or zone, which messages call `what`, lie on the floor.
    ///
    /// # Errors
    /// [`FloorError::AboveHorizon`] with the first that does not.
    pub fn holds(&self, what: &str, points: &[ImagePoint]) -> Result<(), FloorError> {
        let stray = points.iter().find(|point| self.place(**point).is_none());
        stray.map_or(Ok(()), |point| Err(FloorError::AboveHorizon { what: what.to_owned(), point: *point }))
    }

    /// The matrix, from px of a picture without distortion.
    #[must_use]
    pub fn floor_from_image(&self) -> &FloorFromImage {
        &self.floor_from_image
    }

    /// The picture that it holds for; none where the file does not say.
    #[must_use]
    pub fn picture(&self) -> Option<PictureSize> {
        self.picture
    }

    /// How it was made; none where the file does not say.
    #[must_use]
    pub fn method(&self) -> Option<Method> {
        self.method
    }

    /// How good it is, as far as is known.
    #[must_use]
    pub fn fit(&self) -> Fit {
        self.fit
    }

    /// The lens; none for one without distortion.
    #[must_use]
    pub fn lens(&self) -> Option<&Lens> {
        self.lens.as_ref()
    }

    /// Where the camera is; none where the matrix does not tell.
    #[must_use]
    pub fn pose(&self) -> Option<&CameraPose> {
        self.pose.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::mounting::{self, Mounting};
    use proptest::prelude::*;

    const PICTURE: PictureSize = PictureSize { width: 1280, height: 720 };

    /// It sees its horizon at row 238.
    fn shop() -> Floor {
        let mounting = Mounting { height_m: 3.0, tilt_deg: 8.0, field_of_view_deg: 75.0, roll_deg: 0.0 };
        mounting::fit(PICTURE, None, &mounting).unwrap()
    }

    #[test]
    fn a_line_that_reaches_above_the_horizon_is_refused_with_its_point() {
        let (low, high) = (ImagePoint::new(300.0, 600.0), ImagePoint::new(400.0, 200.0));
        assert_eq!(shop().holds("line door", &[low, low]), Ok(()));
        let fault = shop().holds("line door", &[low, high]).unwrap_err();
        assert_eq!(fault, FloorError::AboveHorizon { what: "line door".to_owned(), point: high });
        assert!(fault.to_string().contains("line door: its point (400, 200) lies on or above the horizon"));
    }

    #[test]
    fn a_smaller_picture_of_the_same_shape_shows_the_same_floor() {
        let half = shop().for_picture(PictureSize { width: 640, height: 360 }).unwrap();
        let (whole, half) =
            (shop().place(ImagePoint::new(900.0, 500.0)), half.place(ImagePoint::new(450.0, 250.0)));
        let (whole, half) = (whole.unwrap().at, half.unwrap().at);
        assert!((whole.x_m - half.x_m).hypot(whole.y_m - half.y_m) < 1e-6, "{whole:?} {half:?}");
    }

    #[test]
    fn a_picture_of_another_shape_is_refused_with_both_sizes() {
        let fault = shop().for_picture(PictureSize { width: 640, height: 480 }).unwrap_err().to_string();
        assert!(fault.contains("1280x720") && fault.contains("640x480"), "{fault}");
    }

    #[test]
    fn a_bare_matrix_tells_sizes_of_people_once_the_picture_is_known() {
        let foot = ImagePoint::new(700.0, 600.0);
        let bare = Floor::new(*shop().floor_from_image());
        assert_eq!(bare.expected_height_px(foot), None);
        let known = bare.for_picture(PICTURE).unwrap();
        let (one, other) =
            (known.expected_height_px(foot).unwrap(), shop().expected_height_px(foot).unwrap());
        assert!((one - other).abs() < 1e-6, "{one} {other}");
    }

    proptest! {
        #[test]
        fn a_point_of_the_floor_is_found_again_in_the_picture(u in 0f32..1280.0, v in 300f32..720.0) {
            let at = shop().place(ImagePoint::new(u, v)).unwrap().at;
            let back = shop().in_image(at.x_m, at.y_m).unwrap();
            prop_assert!((back.x - u).hypot(back.y - v) < 0.01, "{back:?}");
        }
    }
}
