//! The calibration file, read and written.
//!
//! Only `floor_from_image` is needed: a matrix that somebody else measured is as good as ours. All else says how good it
//! is and lets checks be sharper. What is not known is refused by name, so that a slip of the pen does not
//! silently leave something out.

use super::{Distortion, Fit, Floor, Lens, LensParameters, Method};
use crate::geom::{FloorFromImage, HomographyError, PictureSize};
use serde::Deserialize;
use std::fmt::Write;

/// Pictures with longer sides do not exist; a slip is likelier.
const LONGEST_SIDE_PX: u32 = 32_768;

/// A calibration as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    floor_from_image: toml::Value,
    picture: Option<[u32; 2]>,
    method: Option<Method>,
    residual_m: Option<f64>,
    residual_p90_m: Option<f64>,
    points: Option<u32>,
    distance_share: Option<f64>,
    lens: Option<WrittenLens>,
}

/// The table `[lens]`. Names are those of OpenCV's `calib3d`.
#[derive(Debug, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case", deny_unknown_fields)]
enum WrittenLens {
    Radial {
        fx: f64,
        fy: f64,
        cx: f64,
        cy: f64,
        k1: f64,
        #[serde(default)]
        k2: f64,
        #[serde(default)]
        p1: f64,
        #[serde(default)]
        p2: f64,
        #[serde(default)]
        k3: f64,
    },
    Fisheye {
        fx: f64,
        fy: f64,
        cx: f64,
        cy: f64,
        k1: f64,
        #[serde(default)]
        k2: f64,
        #[serde(default)]
        k3: f64,
        #[serde(default)]
        k4: f64,
    },
}

/// Why a calibration cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// The text is not a calibration.
    #[error("not a calibration: {0}")]
    Format(String),
    /// The matrix is not one.
    #[error(
        "floor_from_image must be three rows of three numbers, or nine numbers row by row, such as \
        [[0.01, 0.0, -3.2], [0.0, -0.02, 9.6], [0.0, 0.004, 0.2]]"
    )]
    Shape,
    /// The matrix is not a view of a floor.
    #[error(transparent)]
    Matrix(#[from] HomographyError),
    /// The picture has no size.
    #[error("picture is {width}x{height} px; give its width and height, 1 to {LONGEST_SIDE_PX} px each")]
    Picture {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// A residual is not a distance.
    #[error("{key} is {value}; give the fit's error, 0 or more")]
    Residual {
        /// Its key.
        key: &'static str,
        /// What was given.
        value: f64,
    },
    /// A lens, and no size of the picture to make its table for.
    #[error("[lens] needs `picture`: add the line picture = [width, height]")]
    LensWithoutPicture,
    /// The lens is none.
    #[error("[lens] {0}")]
    Lens(String),
}

/// Says what is wrong and where, without the line itself: whoever names the wrong file may have named one with a password.
fn not_a_calibration(text: &str, fault: &toml::de::Error) -> CalibrationError {
    let line = fault.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
    CalibrationError::Format(format!("line {line}: {}", fault.message()))
}

impl Floor {
    /// Reads the text of a calibration file and checks all of it.
    ///
    /// # Errors
    /// [`CalibrationError`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, CalibrationError> {
        let written: Written = toml::from_str(text).map_err(|fault| not_a_calibration(text, &fault))?;
        let rows = rows(&written.floor_from_image).ok_or(CalibrationError::Shape)?;
        let fit = written.fit()?;
        let Some([width, height]) = written.picture else {
            if written.lens.is_some() {
                return Err(CalibrationError::LensWithoutPicture);
            }
            let floor = Self::new(FloorFromImage::of_unknown_picture(rows)?);
            return Ok(floor.with_making(written.method, fit));
        };
        let picture = sound(width, height)?;
        let floor = Self::new(FloorFromImage::new(rows, width, height)?)
            .of_picture(picture)
            .with_making(written.method, fit);
        match written.lens {
            None => Ok(floor),
            Some(lens) => Ok(floor.through(bend(lens.parameters()?, picture)?)),
        }
    }

    /// The text of its file, under a heading that says in whole lines where it comes from.
    #[must_use]
    pub fn to_toml(&self, heading: &str) -> String {
        let mut text: String =
            heading.lines().map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect();
        let fit = self.fit();
        let picture = self.picture().map(|picture| format!("[{}, {}]", picture.width, picture.height));
        let metres = |metres: Option<f64>| metres.map(|metres| format!("{metres:.4}"));
        let keys = [
            ("picture", picture),
            ("method", self.method().map(|method| format!("{:?}", method.name()))),
            ("residual_m", metres(fit.residual_m)),
            ("residual_p90_m", metres(fit.residual_p90_m)),
            ("points", fit.points.map(|points| points.to_string())),
            ("distance_share", metres(fit.distance_share)),
        ];
        for (key, value) in keys {
            if let Some(value) = value {
                text += &format!("{key} = {value}\n");
            }
        }
        text += "\n# px -> metres, row by row: [x*d, y*d, d] = floor_from_image * [u, v, 1]; divide by d.\n";
        text += "# X runs to the right and Y away from the camera, seen from above.\n";
        let row = |[a, b, c]: [f64; 3]| format!("  [{a:?}, {b:?}, {c:?}],\n");
        let rows: String = self.floor_from_image().rows().map(row).concat();
        text += &format!("floor_from_image = [\n{rows}]\n");
        if let Some(lens) = self.lens() {
            write!(text, "\n{}", lens.parameters().to_toml()).expect("a String takes all text");
        }
        text
    }

    fn with_making(self, method: Option<Method>, fit: Fit) -> Self {
        match method {
            Some(method) => self.made(method, fit),
            None => self.fitted(fit),
        }
    }
}

impl Written {
    fn fit(&self) -> Result<Fit, CalibrationError> {
        let keys = [
            ("residual_m", self.residual_m),
            ("residual_p90_m", self.residual_p90_m),
            ("distance_share", self.distance_share),
        ];
        for (key, value) in keys {
            if let Some(value) = value.filter(|value| !(0.0..f64::INFINITY).contains(value)) {
                return Err(CalibrationError::Residual { key, value });
            }
        }
        Ok(Fit {
            residual_m: self.residual_m,
            residual_p90_m: self.residual_p90_m,
            points: self.points,
            distance_share: self.distance_share,
        })
    }
}

/// Three rows of three numbers, or nine numbers.
fn rows(written: &toml::Value) -> Option<[[f64; 3]; 3]> {
    let outer = written.as_array()?;
    let mut numbers = Vec::with_capacity(9);
    for row in outer {
        match row.as_array() {
            Some(row) if row.len() == 3 && outer.len() == 3 => numbers.extend(row.iter().map(number)),
            Some(_) => return None,
            None => numbers.push(number(row)),
        }
    }
    let numbers: Vec<f64> = numbers.into_iter().collect::<Option<_>>()?;
    let [a, b, c, d, e, f, g, h, i] = <[f64; 9]>::try_from(numbers).ok()?;
    Some([[a, b, c], [d, e, f], [g, h, i]])
}

fn number(value: &toml::Value) -> Option<f64> {
    // A whole number in a file has no more digits than f64 holds.
    value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
}

impl Lens {
    /// Reads the lens out of a calibration file, or out of one that holds nothing but `picture` and `[lens]`.
    ///
    /// # Errors
    /// [`CalibrationError`] says what is wrong.
    pub fn parse(text: &str) -> Result<(Self, PictureSize), CalibrationError> {
        /// Other keys are of no interest here.
        #[derive(Deserialize)]
        struct WithLens {
            picture: Option<[u32; 2]>,
            lens: WrittenLens,
        }
        let written: WithLens = toml::from_str(text).map_err(|fault| not_a_calibration(text, &fault))?;
        let [width, height] = written.picture.ok_or(CalibrationError::LensWithoutPicture)?;
        let picture = sound(width, height)?;
        Ok((bend(written.lens.parameters()?, picture)?, picture))
    }
}

fn sound(width: u32, height: u32) -> Result<PictureSize, CalibrationError> {
    let sides = 1..=LONGEST_SIDE_PX;
    if !sides.contains(&width) || !sides.contains(&height) {
        return Err(CalibrationError::Picture { width, height });
    }
    Ok(PictureSize { width, height })
}

impl WrittenLens {
    fn parameters(&self) -> Result<LensParameters, CalibrationError> {
        let parameters = match *self {
            Self::Radial { fx, fy, cx, cy, k1, k2, p1, p2, k3 } => LensParameters {
                focal_px: [fx, fy],
                centre_px: [cx, cy],
                distortion: Distortion::Radial([k1, k2, p1, p2, k3]),
            },
            Self::Fisheye { fx, fy, cx, cy, k1, k2, k3, k4 } => LensParameters {
                focal_px: [fx, fy],
                centre_px: [cx, cy],
                distortion: Distortion::Fisheye([k1, k2, k3, k4]),
            },
        };
        let numbers = parameters.focal_px.iter().chain(&parameters.centre_px);
        if !numbers.chain(parameters.distortion.terms()).all(|number| number.is_finite()) {
            return Err(CalibrationError::Lens("holds a number that is not finite".to_owned()));
        }
        if parameters.focal_px.iter().any(|px| *px <= 0.0) {
            return Err(CalibrationError::Lens("fx and fy are focal lengths in px, more than 0".to_owned()));
        }
        Ok(parameters)
    }
}

impl LensParameters {
    /// The `[lens]` table of a file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let ([fx, fy], [cx, cy]) = (self.focal_px, self.centre_px);
        let (model, names): (&str, &[&str]) = match self.distortion {
            Distortion::Radial(_) => ("radial", &["k1", "k2", "p1", "p2", "k3"]),
            Distortion::Fisheye(_) => ("fisheye", &["k1", "k2", "k3", "k4"]),
        };
        let mut text =
            format!("[lens]\nmodel = {model:?}\nfx = {fx:?}\nfy = {fy:?}\ncx = {cx:?}\ncy = {cy:?}\n");
        for (name, term) in names.iter().zip(self.distortion.terms()) {
            text += &format!("{name} = {term:?}\n");
        }
        text
    }
}

#[cfg(feature = "capture-opencv")]
fn bend(parameters: LensParameters, picture: PictureSize) -> Result<Lens, CalibrationError> {
    super::distort::lens(parameters, picture).map_err(|fault| CalibrationError::Lens(fault.to_string()))
}

#[cfg(not(feature = "capture-opencv"))]
fn bend(_parameters: LensParameters, _picture: PictureSize) -> Result<Lens, CalibrationError> {
    let why = "needs OpenCV, and this footfall was built without capture-opencv";
    Err(CalibrationError::Lens(why.to_owned()))
}

#[cfg(test)]
mod tests;
