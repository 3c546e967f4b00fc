//! Lens distortion through OpenCV's `calib3d`: asked once for a table, never while counting.

use super::{Distortion, Lens, LensParameters};
use crate::geom::PictureSize;
use opencv::core::{Mat, Point2d, Point2f, Point3f, Size, TermCriteria, TermCriteria_Type, Vector};
use opencv::prelude::*;
use opencv::{calib3d, imgproc};

/// Fewest pictures of a board that say something about a lens.
pub const MIN_BOARDS: usize = 5;

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
    /// Too few pictures show the board.
    #[error(
        "the whole board was found in {seen} pictures, {MIN_BOARDS} are needed and 15 are better: hold it near the edges \
        of the picture too, and slanted"
    )]
    Boards {
        /// In how many it was found.
        seen: usize,
    },
    /// OpenCV gave other terms than it documents.
    #[error("OpenCV gave {got} terms of distortion")]
    Terms {
        /// How many.
        got: usize,
    },
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

/// A printed chessboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Board {
    /// Inner corners across: one less than squares.
    pub columns: u16,
    /// Inner corners down.
    pub rows: u16,
}

/// Which formulas describe the lens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LensModel {
    /// For lenses up to some 110 degrees.
    Radial,
    /// For wider ones.
    Fisheye,
}

/// The corners of one board in one picture, row by row, px.
pub type Corners = Vector<Point2f>;

/// Finds the board in a picture, `grey` being `(height, width)` u8 row by row; none where it is not whole in it.
///
/// # Errors
/// [`DistortError::OpenCv`] where the memory does not fit the size.
pub fn corners(grey: &[u8], picture: PictureSize, board: Board) -> Result<Option<Corners>, DistortError> {
    let (rows, columns) = (int(picture.height), int(picture.width));
    let picture = Mat::new_rows_cols_with_data(rows, columns, grey)?;
    let mut found = Corners::new();
    let size = Size::new(board.columns.into(), board.rows.into());
    if !calib3d::find_chessboard_corners_def(&picture, size, &mut found)? {
        return Ok(None);
    }
    // Eleven px around a corner, as OpenCV's own examples have it; less finds less than a tenth of a px.
    let (around, no_dead_zone) = (Size::new(5, 5), Size::new(-1, -1));
    imgproc::corner_sub_pix(&picture, &mut found, around, no_dead_zone, until(30, 0.001)?)?;
    Ok(Some(found))
}

/// Measures a lens by boards seen in several pictures; also gives how far corners are off, px (root mean square).
///
/// # Errors
/// [`DistortError`] where there are too few boards, or all lie alike.
pub fn measure(
    boards: &[Corners],
    board: Board,
    picture: PictureSize,
    model: LensModel,
) -> Result<(LensParameters, f64), DistortError> {
    if boards.len() < MIN_BOARDS {
        return Err(DistortError::Boards { seen: boards.len() });
    }
    let squares = (0..board.rows).flat_map(|row| (0..board.columns).map(move |column| (column, row)));
    // The size of a square does not matter: it only says how far away the boards were.
    let flat: Vector<Point3f> = squares.map(|(x, y)| Point3f::new(x.into(), y.into(), 0.0)).collect();
    let objects: Vector<Vector<Point3f>> = boards.iter().map(|_| flat.clone()).collect();
    let images: Vector<Corners> = boards.iter().cloned().collect();
    let size = Size::new(int(picture.width), int(picture.height));
    let (mut camera, mut terms) = (Mat::default(), Mat::default());
    let (mut turns, mut moves) = (Vector::<Mat>::new(), Vector::<Mat>::new());
    let rms_px = match model {
        LensModel::Radial => calib3d::calibrate_camera_def(
            &objects,
            &images,
            size,
            &mut camera,
            &mut terms,
            &mut turns,
            &mut moves,
        )?,
        LensModel::Fisheye => {
            let flags = calib3d::Fisheye_CALIB_RECOMPUTE_EXTRINSIC | calib3d::Fisheye_CALIB_FIX_SKEW;
            calib3d::calibrate(
                &objects,
                &images,
                size,
                &mut camera,
                &mut terms,
                &mut turns,
                &mut moves,
                flags,
                until(100, 1e-8)?,
            )?
        }
    };
    let number = |row, column| camera.at_2d::<f64>(row, column).copied();
    let terms: Vec<f64> = terms.data_typed::<f64>()?.to_vec();
    let wrong = || DistortError::Terms { got: terms.len() };
    let distortion = match model {
        LensModel::Radial => Distortion::Radial(terms.first_chunk().copied().ok_or_else(wrong)?),
        LensModel::Fisheye => Distortion::Fisheye(terms.first_chunk().copied().ok_or_else(wrong)?),
    };
    let focal_px = [number(0, 0)?, number(1, 1)?];
    Ok((LensParameters { focal_px, centre_px: [number(0, 2)?, number(1, 2)?], distortion }, rms_px))
}

fn until(turns: i32, change: f64) -> Result<TermCriteria, opencv::Error> {
    TermCriteria::new(TermCriteria_Type::COUNT as i32 + TermCriteria_Type::EPS as i32, turns, change)
}

/// A side of a picture that is in memory, which no i32 is too small for.
fn int(px: u32) -> i32 {
    i32::try_from(px).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
