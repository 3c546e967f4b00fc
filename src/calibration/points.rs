//! The floor from points that somebody measured on it with a tape.
//!
//! The direct linear transformation with Hartley's normalisation ("In defense of the eight-point algorithm", IEEE PAMI 19(6),
//! 1997): points are centred and scaled before the equations are solved, since px and metres of different size would
//! drown each other. One slip of the pen spoils such a fit, so with six pairs or more it is looked
//! for: the pair without which the others suddenly agree.

use super::pose::matrix;
use super::{Fit, Floor, Lens, Method};
use crate::geom::{FloorFromImage, FloorPoint, HomographyError, ImagePoint, PictureSize};
use nalgebra::{DMatrix, Matrix3};

/// Fewest pairs that fix a floor.
pub const MIN_PAIRS: usize = 4;
/// From this many on, one wrong pair is found: leaving one out still leaves a spare to judge by.
pub const MIN_PAIRS_TO_FIND_A_WRONG_ONE: usize = 6;

/// Points count as on one line when they leave it by less than this share of its length.
const ON_ONE_LINE: f64 = 0.02;
/// A pair is wrong when it is this many times further off than the worst of the others without it.
const WRONG_RATIO: f64 = 5.0;
/// And at least this far: nobody clicks and measures better, metres.
const WRONG_LEAST_M: f64 = 0.15;

/// A point of the picture, and where it is on the floor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointPair {
    /// In the picture, px.
    pub in_image: ImagePoint,
    /// On the floor, metres from any corner: X to the right and Y away, as the camera sees it.
    pub on_floor: FloorPoint,
}

/// A floor, and how well each pair agrees with it.
#[derive(Debug, Clone, PartialEq)]
pub struct PointsFit {
    /// The floor.
    pub floor: Floor,
    /// How far each pair is from where the floor puts it, metres, in the order in which they were given.
    pub residuals_m: Vec<f64>,
    /// The pair that was left out because it does not agree with the others, counted from 0.
    pub left_out: Option<usize>,
}

/// Why points give no floor.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PointsError {
    /// Too few.
    #[error("{got} pairs were given, {MIN_PAIRS} are needed and 6 are better")]
    TooFew {
        /// How many there are.
        got: usize,
    },
    /// A number is none, or the point is seen by no ray of the lens.
    #[error("pair {pair} is not a point: it is not finite, or lies where the lens sees nothing")]
    NoPoint {
        /// Which, counted from 1.
        pair: usize,
    },
    /// They do not span a floor.
    #[error(
        "pairs {pairs} lie on one line {place}, and the rest does not fix a floor; measure a point that is \
        well off that line"
    )]
    OnOneLine {
        /// Which, counted from 1, as text.
        pairs: String,
        /// Where: in the picture or on the floor.
        place: &'static str,
    },
    /// The fit puts a point where there is no floor.
    #[error(
        "the pairs contradict each other: with them, pair {pair} would lie above the horizon; look whether two are \
        exchanged"
    )]
    Contradiction {
        /// Which, counted from 1.
        pair: usize,
    },
    /// What came out is no view of a floor.
    #[error(transparent)]
    Matrix(#[from] HomographyError),
}

/// Fits a floor to pairs of points, seen through `lens` or through one without distortion.
///
/// # Errors
/// [`PointsError`] says which points are wrong and why.
pub fn fit(picture: PictureSize, lens: Option<&Lens>, pairs: &[PointPair]) -> Result<PointsFit, PointsError> {
    let got = pairs.len();
    if got < MIN_PAIRS {
        return Err(PointsError::TooFew { got });
    }
    let pairs: Vec<Pair> = pairs
        .iter()
        .enumerate()
        .map(|(index, pair)| Pair::of(pair, lens).ok_or(PointsError::NoPoint { pair: index + 1 }))
        .collect::<Result<_, _>>()?;
    check_spread(&pairs)?;
    let left_out = if got < MIN_PAIRS_TO_FIND_A_WRONG_ONE { None } else { wrong_pair(picture, &pairs) };
    let kept: Vec<Pair> = pairs
        .iter()
        .enumerate()
        .filter(|(index, _)| Some(*index) != left_out)
        .map(|(_, pair)| *pair)
        .collect();
    let floor_from_image = solved(picture, &kept)?;
    let residuals: Vec<Option<f64>> = pairs.iter().map(|pair| pair.residual_m(&floor_from_image)).collect();
    let above = residuals.iter().enumerate().find(|(index, m)| m.is_none() && Some(*index) != left_out);
    if let Some((index, _)) = above {
        return Err(PointsError::Contradiction { pair: index + 1 });
    }
    let residuals_m: Vec<f64> = residuals.into_iter().map(|m| m.unwrap_or(f64::INFINITY)).collect();
    let judged = residuals_m.iter().enumerate().filter(|(index, _)| Some(*index) != left_out);
    let mut fit = Fit::of_distances(judged.map(|(_, m)| *m).collect());
    if kept.len() == MIN_PAIRS {
        // Four pairs always agree with themselves; that is no measure of anything.
        (fit.residual_m, fit.residual_p90_m) = (None, None);
    }
    let floor = Floor::new(floor_from_image).of_picture(picture).made(Method::Points, fit);
    let floor = match lens {
        Some(lens) => floor.through(lens.clone()),
        None => floor,
    };
    Ok(PointsFit { floor, residuals_m, left_out })
}

/// A pair without distortion.
#[derive(Debug, Clone, Copy)]
struct Pair {
    image: [f64; 2],
    floor: [f64; 2],
}

impl Pair {
    fn of(pair: &PointPair, lens: Option<&Lens>) -> Option<Self> {
        let plain = [f64::from(pair.in_image.x), f64::from(pair.in_image.y)];
        let image = match lens {
            Some(lens) => lens.straighten(pair.in_image)?.at,
            None => plain,
        };
        let floor = [pair.on_floor.x_m, pair.on_floor.y_m];
        image.iter().chain(&floor).all(|number| number.is_finite()).then_some(Self { image, floor })
    }

    fn residual_m(&self, floor_from_image: &FloorFromImage) -> Option<f64> {
        let at = floor_from_image.place_at(self.image)?.at;
        Some((at.x_m - self.floor[0]).hypot(at.y_m - self.floor[1]))
    }
}

/// The pair without which all others agree, if there is one.
fn wrong_pair(picture: PictureSize, pairs: &[Pair]) -> Option<usize> {
    let without = |index: usize| -> Option<(usize, f64, f64)> {
        let mut others = pairs.to_vec();
        let suspect = others.remove(index);
        check_spread(&others).ok()?;
        let floor = solved(picture, &others).ok()?;
        let residuals: Option<Vec<f64>> = others.iter().map(|pair| pair.residual_m(&floor)).collect();
        let worst = residuals?.into_iter().fold(0.0, f64::max);
        // A point that falls above the horizon is as far off as can be.
        Some((index, worst, suspect.residual_m(&floor).unwrap_or(f64::INFINITY)))
    };
    let best = (0..pairs.len()).filter_map(without).min_by(|one, other| one.1.total_cmp(&other.1));
    best.filter(|(_, worst, off)| *off > WRONG_LEAST_M && *off > WRONG_RATIO * worst).map(|(index, ..)| index)
}

/// Four points fix a floor when no three of them are on one line; with more, when not all but one are.
fn check_spread(pairs: &[Pair]) -> Result<(), PointsError> {
    let in_image: Vec<[f64; 2]> = pairs.iter().map(|pair| pair.image).collect();
    let on_floor: Vec<[f64; 2]> = pairs.iter().map(|pair| pair.floor).collect();
    for (points, place) in [(in_image, "in the picture"), (on_floor, "on the floor")] {
        let all: Vec<usize> = (0..points.len()).collect();
        let but_one =
            all.iter().map(|out| all.iter().copied().filter(|index| index != out).collect::<Vec<_>>());
        if let Some(line) = but_one.into_iter().find(|some| are_on_one_line(&points, some)) {
            let numbers: Vec<String> = line.iter().map(|index| (index + 1).to_string()).collect();
            return Err(PointsError::OnOneLine { pairs: numbers.join(", "), place });
        }
    }
    Ok(())
}

fn are_on_one_line(points: &[[f64; 2]], some: &[usize]) -> bool {
    let mut longest = (0.0, [0.0; 2], [0.0; 2]);
    for (turn, one) in some.iter().enumerate() {
        for other in &some[turn + 1..] {
            let (a, b) = (points[*one], points[*other]);
            let length = (b[0] - a[0]).hypot(b[1] - a[1]);
            if length > longest.0 {
                longest = (length, a, b);
            }
        }
    }
    let (length, a, b) = longest;
    // Points at one place are on any line.
    some.iter().all(|index| {
        let p = points[*index];
        let area = (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]);
        area.abs() <= ON_ONE_LINE * length * length
    })
}

fn solved(picture: PictureSize, pairs: &[Pair]) -> Result<FloorFromImage, HomographyError> {
    let to_image = normaliser(pairs.iter().map(|pair| pair.image));
    let to_floor = normaliser(pairs.iter().map(|pair| pair.floor));
    // Rows of zeros up to nine: with fewer, the decomposition would leave out the vector that is looked for.
    let mut equations = DMatrix::<f64>::zeros((2 * pairs.len()).max(9), 9);
    for (index, pair) in pairs.iter().enumerate() {
        let [u, v] = moved(&to_image, pair.image);
        let [x, y] = moved(&to_floor, pair.floor);
        let rows =
            [[u, v, 1.0, 0.0, 0.0, 0.0, -x * u, -x * v, -x], [0.0, 0.0, 0.0, u, v, 1.0, -y * u, -y * v, -y]];
        for (offset, row) in rows.iter().enumerate() {
            for (column, value) in row.iter().enumerate() {
                equations[(2 * index + offset, column)] = *value;
            }
        }
    }
    let decomposed = equations.svd(false, true);
    let least = decomposed.singular_values.imin();
    let Some(vectors) = decomposed.v_t else { return Err(HomographyError::Singular) };
    let normalised = Matrix3::from_fn(|row, column| vectors[(least, 3 * row + column)]);
    let back = to_floor.try_inverse().ok_or(HomographyError::Singular)?;
    let found = back * normalised * to_image;
    let rows = [0, 1, 2].map(|row| [0, 1, 2].map(|column| found[(row, column)]));
    FloorFromImage::new(rows, picture.width, picture.height)
}

/// Moves the points' middle to 0 and makes them 1.4 away from it in the mean.
fn normaliser(points: impl Iterator<Item = [f64; 2]> + Clone) -> Matrix3<f64> {
    let count = points.clone().count() as f64;
    let sum = points.clone().fold([0.0; 2], |sum, [x, y]| [sum[0] + x, sum[1] + y]);
    let [cx, cy] = sum.map(|sum| sum / count);
    let mean = points.map(|[x, y]| (x - cx).hypot(y - cy)).sum::<f64>() / count;
    let scale = std::f64::consts::SQRT_2 / mean.max(f64::MIN_POSITIVE);
    matrix(&[[scale, 0.0, -scale * cx], [0.0, scale, -scale * cy], [0.0, 0.0, 1.0]])
}

fn moved(by: &Matrix3<f64>, [x, y]: [f64; 2]) -> [f64; 2] {
    [by[(0, 0)] * x + by[(0, 2)], by[(1, 1)] * y + by[(1, 2)]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::CameraPose;
    use proptest::prelude::*;

    const PICTURE: PictureSize = PictureSize { width: 1280, height: 720 };
    const TILES: [[f32; 2]; 7] = [
        [200.0, 700.0],
        [1100.0, 690.0],
        [900.0, 300.0],
        [350.0, 320.0],
        [640.0, 500.0],
        [1200.0, 450.0],
        [100.0, 480.0],
    ];

    fn pose(tilt_deg: f64, roll_deg: f64) -> CameraPose {
        CameraPose::from_angles(PICTURE, 900.0, 3.0, tilt_deg.to_radians(), roll_deg.to_radians())
    }

    /// The tiles as somebody would measure them, from a corner that is not below the camera.
    fn measured(pose: &CameraPose, count: usize) -> Vec<PointPair> {
        let floor = pose.floor_from_image(PICTURE).unwrap();
        let pair = |[u, v]: &[f32; 2]| {
            let in_image = ImagePoint::new(*u, *v);
            let at = floor.apply(in_image).unwrap();
            PointPair { in_image, on_floor: FloorPoint { x_m: at.x_m + 4.0, y_m: at.y_m - 2.0 } }
        };
        TILES.iter().take(count).map(pair).collect()
    }

    fn check(pairs: &[PointPair], part: &str) {
        let fault = fit(PICTURE, None, pairs).unwrap_err().to_string();
        assert!(fault.contains(part), "{fault}");
    }

    proptest! {
        #[test]
        fn exact_points_of_any_camera_give_its_floor_back(
            tilt in 20.0..75.0f64, roll in -8.0..8.0f64, count in 4usize..=7,
        ) {
            let pairs = measured(&pose(tilt, roll), count);
            let found = fit(PICTURE, None, &pairs).unwrap();
            prop_assert!(found.residuals_m.iter().all(|m| *m < 1e-6), "{:?}", found.residuals_m);
            prop_assert_eq!(found.floor.fit().residual_m.is_some(), count > 4);
            let told = found.floor.pose().map(|pose| pose.tilt_deg());
            prop_assert!(told.is_some() || tilt > 60.0, "the lens is told up to 60 degrees");
            prop_assert!(told.is_none_or(|told| (told - tilt).abs() < 0.01));
        }

        #[test]
        fn the_floor_does_not_depend_on_its_unit(scale in 0.01..100.0f64) {
            let pairs = measured(&pose(30.0, 0.0), 6);
            let larger: Vec<PointPair> = pairs.iter().map(|pair| PointPair {
                on_floor: FloorPoint { x_m: scale * pair.on_floor.x_m, y_m: scale * pair.on_floor.y_m }, ..*pair
            }).collect();
            let point = ImagePoint::new(700.0, 600.0);
            let at = |pairs: &[PointPair]| fit(PICTURE, None, pairs).unwrap().floor.place(point).unwrap().at;
            let (small, large) = (at(&pairs), at(&larger));
            prop_assert!((large.x_m / small.x_m / scale - 1.0).abs() < 1e-6);
        }

        #[test]
        fn a_mirrored_floor_is_refused(tilt in 20.0..75.0f64) {
            let mut pairs = measured(&pose(tilt, 0.0), 5);
            for pair in &mut pairs {
                pair.on_floor.x_m = -pair.on_floor.x_m;
            }
            prop_assert_eq!(fit(PICTURE, None, &pairs).unwrap_err(), PointsError::Matrix(HomographyError::Mirrored));
        }
    }

    #[test]
    fn one_wrong_pair_of_six_is_named_and_left_out() {
        for wrong in 0..6 {
            let mut pairs = measured(&pose(30.0, 2.0), 6);
            pairs[wrong].on_floor.x_m += 1.0;
            let found = fit(PICTURE, None, &pairs).unwrap();
            assert_eq!(found.left_out, Some(wrong));
            assert!((found.residuals_m[wrong] - 1.0).abs() < 0.01, "{:?}", found.residuals_m);
            assert!(found.floor.fit().residual_m.unwrap() < 1e-6);
        }
    }

    #[test]
    fn small_errors_of_the_tape_do_not_make_a_pair_wrong() {
        let mut pairs = measured(&pose(30.0, 0.0), 7);
        for (index, pair) in pairs.iter_mut().enumerate() {
            pair.on_floor.y_m += if index % 2 == 0 { 0.03 } else { -0.03 };
        }
        let found = fit(PICTURE, None, &pairs).unwrap();
        assert_eq!(found.left_out, None);
        assert!((0.002..0.1).contains(&found.floor.fit().residual_m.unwrap()), "{:?}", found.floor.fit());
    }

    #[test]
    fn points_that_fix_no_floor_are_refused_by_number() {
        let pairs = measured(&pose(30.0, 0.0), 7);
        check(&pairs[..3], "3 pairs were given, 4 are needed");
        let mut line = pairs[..4].to_vec();
        line[2].on_floor = FloorPoint {
            x_m: 0.5 * (line[0].on_floor.x_m + line[1].on_floor.x_m),
            y_m: 0.5 * (line[0].on_floor.y_m + line[1].on_floor.y_m),
        };
        check(&line, "pairs 1, 2, 3 lie on one line on the floor");
        let mut twice = pairs[..4].to_vec();
        twice[3].in_image = twice[0].in_image;
        check(&twice, "lie on one line in the picture");
        let mut endless = pairs[..4].to_vec();
        endless[1].on_floor.x_m = f64::NAN;
        check(&endless, "pair 2 is not a point");
    }
}
