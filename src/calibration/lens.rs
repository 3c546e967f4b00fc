//! A lens that bends straight lines, as a table to look up.
//!
//! The formulas of `calib3d` are iterative in the direction that counting needs. So they are run once, for a grid of points,
//! and a foot point is looked up between four of them: no allocation, no iteration, and a Jacobian for free.

use crate::geom::{ImagePoint, PictureSize};

/// Points across and down the table. With 1920x1080 px one lies every 15 px, and in between a fisheye lens of 180
/// degrees is off by less than a tenth of a px but near its rim.
const COLUMNS: usize = 129;
const ROWS: usize = 97;

/// What a lens does, in the formulas of OpenCV's `calib3d`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distortion {
    /// Brown and Conrady's radial and tangential terms: `[k1, k2, p1, p2, k3]`.
    Radial([f64; 5]),
    /// Kannala and Brandt's polynomial of the angle, for fisheye lenses: `[k1, k2, k3, k4]`.
    Fisheye([f64; 4]),
}

impl Distortion {
    /// Its terms, in the order of `calib3d`.
    #[must_use]
    pub fn terms(&self) -> &[f64] {
        match self {
            Self::Radial(terms) => terms,
            Self::Fisheye(terms) => terms,
        }
    }
}

/// What `calib3d` needs to know of a lens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LensParameters {
    /// Focal lengths across and down, px.
    pub focal_px: [f64; 2],
    /// Where the axis meets the picture, px.
    pub centre_px: [f64; 2],
    /// How it bends lines.
    pub distortion: Distortion,
}

impl LensParameters {
    /// The direction of length 1 of a point without distortion.
    fn ray(&self, [u, v]: [f64; 2]) -> [f64; 3] {
        let x = (u - self.centre_px[0]) / self.focal_px[0];
        let y = (v - self.centre_px[1]) / self.focal_px[1];
        let length = (x * x + y * y + 1.0).sqrt();
        [x / length, y / length, 1.0 / length]
    }
}

/// A direction, and how each part of it moves with the point in the picture, per px.
struct Ray {
    at: [f64; 3],
    slope: [[f64; 2]; 3],
}

/// A lens with its table.
#[derive(Debug, Clone, PartialEq)]
pub struct Lens {
    parameters: LensParameters,
    picture: PictureSize,
    /// [`ROWS`] rows of [`COLUMNS`] rays of length 1 in the camera's axes: towards 90 degrees from the axis, px without
    /// distortion run away, and rays do not. Not finite where the lens sees nothing.
    nodes: Vec<[f64; 3]>,
}

/// A point without distortion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Straight {
    /// Where it is, px.
    pub(super) at: [f64; 2],
    /// How it moves with the point in the picture: `[[du'/du, du'/dv], [dv'/du, dv'/dv]]`.
    pub(super) jacobian: [[f64; 2]; 2],
}

impl Lens {
    /// Where `straighten` is asked for the table, px of the picture, row by row.
    #[cfg(feature = "capture-opencv")]
    pub(super) fn grid(picture: PictureSize) -> impl Iterator<Item = [f64; 2]> {
        let [across, down] = steps(picture);
        (0..ROWS)
            .flat_map(move |row| (0..COLUMNS).map(move |column| [column as f64 * across, row as f64 * down]))
    }

    /// From the answers to [`Lens::grid`]: points without distortion, not finite where the lens sees nothing.
    #[cfg(feature = "capture-opencv")]
    pub(super) fn new(parameters: LensParameters, picture: PictureSize, straight: Vec<[f64; 2]>) -> Self {
        debug_assert_eq!(straight.len(), ROWS * COLUMNS, "one answer for each point of the grid");
        let nodes = straight.into_iter().map(|point| parameters.ray(point)).collect();
        Self { parameters, picture, nodes }
    }

    /// Whether the middle of the picture is mirrored or torn by it, which no lens does.
    #[cfg(feature = "capture-opencv")]
    pub(super) fn is_folded(&self) -> bool {
        let (width, height) = (self.picture.width as f32, self.picture.height as f32);
        let inner = [0.25, 0.5, 0.75];
        let places = inner.iter().flat_map(|x| inner.map(|y| ImagePoint::new(x * width, y * height)));
        places.into_iter().any(|place| {
            self.straighten(place)
                .is_none_or(|Straight { jacobian: [[a, b], [c, d]], .. }| a * d - b * c <= 1e-3)
        })
    }

    /// What it was made of.
    #[must_use]
    pub fn parameters(&self) -> &LensParameters {
        &self.parameters
    }

    pub(super) fn centre_px(&self) -> [f64; 2] {
        self.parameters.centre_px
    }

    /// The point of the picture that is nearest to a point.
    pub(super) fn nearest_in_picture(&self, point: ImagePoint) -> ImagePoint {
        let (width, height) = (self.picture.width as f32, self.picture.height as f32);
        ImagePoint::new(point.x.clamp(0.0, width), point.y.clamp(0.0, height))
    }

    /// Where a point would be without distortion; none outside the picture, and where the lens sees nothing.
    pub(super) fn straighten(&self, in_image: ImagePoint) -> Option<Straight> {
        if !self.picture.contains(in_image) {
            return None;
        }
        let ray = self.ray([f64::from(in_image.x), f64::from(in_image.y)])?;
        let px = |axis: usize| {
            let (focal, ratio) = (self.parameters.focal_px[axis], ray.at[axis] / ray.at[2]);
            let slope = |way: usize| focal * (ray.slope[axis][way] - ratio * ray.slope[2][way]) / ray.at[2];
            (self.parameters.centre_px[axis] + focal * ratio, [slope(0), slope(1)])
        };
        let ((u, to_u), (v, to_v)) = (px(0), px(1));
        (u.is_finite() && v.is_finite()).then_some(Straight { at: [u, v], jacobian: [to_u, to_v] })
    }

    /// The ray of a point of the picture, between four nodes of the table.
    fn ray(&self, [u, v]: [f64; 2]) -> Option<Ray> {
        let [across, down] = steps(self.picture);
        let (x, y) = (u / across, v / down);
        // The last column and row have no right and no lower neighbour.
        let (column, row) = ((x as usize).min(COLUMNS - 2), (y as usize).min(ROWS - 2));
        let (right, below) = (x - column as f64, y - row as f64);
        let first = row * COLUMNS + column;
        let corners =
            [first, first + 1, first + COLUMNS, first + COLUMNS + 1].map(|index| self.nodes.get(index));
        let [Some(a), Some(b), Some(c), Some(d)] = corners else { return None };
        let at = [0, 1, 2].map(|axis| {
            let upper = a[axis] + right * (b[axis] - a[axis]);
            let lower = c[axis] + right * (d[axis] - c[axis]);
            upper + below * (lower - upper)
        });
        let slope = [0, 1, 2].map(|axis| {
            let to_right = (1.0 - below) * (b[axis] - a[axis]) + below * (d[axis] - c[axis]);
            let to_below = (1.0 - right) * (c[axis] - a[axis]) + right * (d[axis] - b[axis]);
            [to_right / across, to_below / down]
        });
        (at[2] > 0.0).then_some(Ray { at, slope })
    }

    /// Where a point without distortion is in the picture, by Newton's method on the rays; none outside it.
    pub(super) fn bend(&self, straight: ImagePoint) -> Option<ImagePoint> {
        let (width, height) = (f64::from(self.picture.width), f64::from(self.picture.height));
        let target = self.parameters.ray([f64::from(straight.x), f64::from(straight.y)]);
        let mut guess = [0.5 * width, 0.5 * height];
        for _ in 0..30 {
            let here = self.ray(guess)?;
            let miss = [target[0] - here.at[0], target[1] - here.at[1]];
            let [[a, b], [c, d], _] = here.slope;
            let area = a * d - b * c;
            if area.abs() < f64::MIN_POSITIVE {
                return None;
            }
            let step = [(d * miss[0] - b * miss[1]) / area, (a * miss[1] - c * miss[0]) / area];
            let next = [(guess[0] + step[0]).clamp(0.0, width), (guess[1] + step[1]).clamp(0.0, height)];
            let moved = (next[0] - guess[0]).hypot(next[1] - guess[1]);
            guess = next;
            if moved < 1e-3 {
                // At the edge the nearest point of the picture may not be the one that is looked for.
                let is_there = step[0].hypot(step[1]) < 1.0;
                return is_there.then(|| ImagePoint::new(guess[0] as f32, guess[1] as f32));
            }
        }
        None
    }

    /// How much larger things look than without distortion.
    pub(super) fn magnification(&self, in_image: ImagePoint) -> Option<f64> {
        let [[a, b], [c, d]] = self.straighten(in_image)?.jacobian;
        let area = (a * d - b * c).abs();
        (area > 1e-12).then(|| 1.0 / area.sqrt())
    }
}

fn steps(picture: PictureSize) -> [f64; 2] {
    [f64::from(picture.width) / (COLUMNS - 1) as f64, f64::from(picture.height) / (ROWS - 1) as f64]
}
