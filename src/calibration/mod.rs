//! The calibration file: where the floor lies in a camera's picture.
//!
//! Nothing counts with it yet; the file and its checks are here so that a calibration which is measured today
//! is still good when the tracker on the floor uses it. The format is described in `calibration/README.md`.

mod floor;

pub use floor::Floor;

use crate::geom::{FloorFromImage, HomographyError};
use serde::Deserialize;

/// A calibration as written. Unknown keys are errors.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationFile {
    /// Size of the picture it holds for, as `[width, height]` px.
    pub picture: [u32; 2],
    /// How it was made.
    pub method: Method,
    /// 3x3, row by row: px (x right, y down) to metres (x right, y away, seen from above).
    pub floor_from_image: [[f64; 3]; 3],
    /// How far off it is, in metres.
    pub residual_m: f64,
}

/// How a calibration was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// From points that were measured on the floor.
    Points,
    /// From the camera's height, tilt and field of view.
    Mounting,
    /// From the heights of people who walked by.
    People,
}

/// Why a calibration cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// The text is not a calibration.
    #[error("not a calibration: {0}")]
    Format(String),
    /// The matrix is not a view of a floor.
    #[error(transparent)]
    Matrix(#[from] HomographyError),
    /// The stated residual is not a distance.
    #[error("residual_m is {0}; give the fit's error in metres, 0 or more")]
    Residual(f64),
}

impl CalibrationFile {
    /// Reads the text of a calibration file and checks its matrix.
    ///
    /// # Errors
    /// [`CalibrationError`] says what is wrong.
    pub fn parse(text: &str) -> Result<(Self, FloorFromImage), CalibrationError> {
        let file: Self = toml::from_str(text).map_err(|e| CalibrationError::Format(e.to_string()))?;
        if !(0.0..f64::INFINITY).contains(&file.residual_m) {
            return Err(CalibrationError::Residual(file.residual_m));
        }
        let [width, height] = file.picture;
        let floor_from_image = FloorFromImage::new(file.floor_from_image, width, height)?;
        Ok((file, floor_from_image))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::ImagePoint;

    const SAMPLE: &str = include_str!("../../calibration/sample-clip.toml");

    #[test]
    fn the_sample_puts_the_line_of_the_demo_28_metres_long_on_the_floor() {
        let (_, floor_from_image) = CalibrationFile::parse(SAMPLE).unwrap();
        let near = floor_from_image.apply(ImagePoint::new(500.0, 480.0)).unwrap();
        let far = floor_from_image.apply(ImagePoint::new(500.0, 140.0)).unwrap();
        assert!(far.y_m > near.y_m && far.x_m > near.x_m);
        assert!(((far.x_m - near.x_m).hypot(far.y_m - near.y_m) - 28.5).abs() < 0.1);
    }

    #[test]
    fn an_unknown_key_a_mirrored_floor_and_a_negative_residual_are_refused() {
        let check = |text: &str, part: &str| {
            let fault = CalibrationFile::parse(text).unwrap_err().to_string();
            assert!(fault.contains(part), "{fault}");
        };
        check(&SAMPLE.replace("residual_m", "residual"), "residual");
        check(&SAMPLE.replace("[0.134407358", "[-0.134407358"), "mirrored");
        check(&SAMPLE.replace("residual_m = ", "residual_m = -"), "residual_m is -");
    }
}
