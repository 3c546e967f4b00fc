//! Lens distortion through OpenCV's `calib3d`: asked once for a table, never while counting.

use super::{Distortion, Lens, LensParameters};
use crate::geom::PictureSize;
use opencv::calib3d;
use opencv::core::{Mat, Point2d, TermCriteria, TermCriteria_Type, Vector};

/// Why a lens cannot be used or measured.
#[derive(Debug, thiserror::Error)]
pub enum DistortError {
    /// OpenCV refuses.
    #[error("OpenCV cannot work with this lens: {0}")]
    OpenCv(#[from] opencv::Error),
    /// The table makes no sense.
    #[error(
        "bends the middle of the picture over itself; its numbers belong to another lens or another size of picture"
    )]
    Folded,
}

/// A lens for pictures of one size.
///
/// # Errors
/// [`DistortError`] where the numbers are not those of a lens.
pub fn lens(parameters: LensParameters, picture: PictureSize) -> Result<Lens, DistortError> {
    let bent: Vec<[f64; 2]> = Lens::grid(picture).collect();
    let nodes = straightened(&parameters, &bent)?;
    let lens = Lens::new(parameters, picture, nodes);
    if lens.is_folded() { Err(DistortError::Folded) } else { Ok(lens) }
}

/// Where points would be without distortion, px of the same focal lengths and centre.
fn straightened(parameters: &LensParameters, bent: &[[f64; 2]]) -> Result<Vec<[f64; 2]>, DistortError> {
    let points: Vector<Point2d> = bent.iter().map(|[u, v]| Point2d::new(*u, *v)).collect();
    let camera = camera_matrix(parameters)?;
    let none = Mat::default();
    let mut out = Vector::<Point2d>::new();
    let criteria =
        TermCriteria::new(TermCriteria_Type::COUNT as i32 + TermCriteria_Type::EPS as i32, 40, 1e-10)?;
    match parameters.distortion {
        Distortion::Radial(terms) => {
            let terms = Mat::from_slice(&terms)?;
            calib3d::undistort_points_iter(&points, &mut out, &camera, &terms, &none, &camera, criteria)?;
        }
        Distortion::Fisheye(terms) => {
            let terms = Mat::from_slice(&terms)?;
            calib3d::fisheye_undistort_points(&points, &mut out, &camera, &terms, &none, &camera, criteria)?;
        }
    }
    // OpenCV marks a point that no ray reaches with a million.
    let point = |at: Point2d| if at.x.abs() < 9e5 && at.y.abs() < 9e5 { [at.x, at.y] } else { [f64::NAN; 2] };
    Ok(out.iter().map(point).collect())
}

fn camera_matrix(parameters: &LensParameters) -> Result<Mat, opencv::Error> {
    let ([fx, fy], [cx, cy]) = (parameters.focal_px, parameters.centre_px);
    Mat::from_slice_2d(&[[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
}
