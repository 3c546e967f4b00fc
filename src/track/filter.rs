//! Where a foot is and how fast it goes, on one plane, in real time.
//!
//! A constant-velocity Kalman filter over two axes that are *not* taken as independent: seen from a camera, a wobble
//! of the box by a px moves the foot far along the line of sight and little across it, so the noise of a
//! measurement is an ellipse, and the full 2x2 matrix is what keeps people apart who stand behind each other
//! (UCMCTrack, arXiv 2312.08952, section 3.2). All noise is per second, so a change of the frame rate changes nothing.

/// A symmetric 2x2 matrix.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Symmetric {
    pub(super) xx: f64,
    pub(super) xy: f64,
    pub(super) yy: f64,
}

/// A 2x2 matrix, row by row.
pub(super) type Matrix = [[f64; 2]; 2];

/// A point or a velocity on the plane.
pub(super) type Vector = [f64; 2];

impl Symmetric {
    /// The same along both axes.
    pub(super) fn round(variance: f64) -> Self {
        Self { xx: variance, xy: 0.0, yy: variance }
    }

    /// `map * diag(along_u, along_v) * map^T`: an error in image space, seen on the plane.
    pub(super) fn mapped(map: &Matrix, along_u: f64, along_v: f64) -> Self {
        let [[a, b], [c, d]] = *map;
        Self {
            xx: a * a * along_u + b * b * along_v,
            xy: a * c * along_u + b * d * along_v,
            yy: c * c * along_u + d * d * along_v,
        }
    }

    fn sandwiched(&self, map: &Matrix) -> Self {
        let by = product(map, &self.full());
        let [[a, b], [c, d]] = *map;
        Self {
            xx: by[0][0] * a + by[0][1] * b,
            xy: by[0][0] * c + by[0][1] * d,
            yy: by[1][0] * c + by[1][1] * d,
        }
    }

    fn full(&self) -> Matrix {
        [[self.xx, self.xy], [self.xy, self.yy]]
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        Self { xx: self.xx + other.xx, xy: self.xy + other.xy, yy: self.yy + other.yy }
    }

    pub(super) fn determinant(&self) -> f64 {
        self.xx * self.yy - self.xy * self.xy
    }

    fn inverse(&self) -> Self {
        let scale = 1.0 / self.determinant();
        Self { xx: scale * self.yy, xy: -scale * self.xy, yy: scale * self.xx }
    }

    /// `v^T * inverse * v`: how far `v` is, in units of this spread.
    pub(super) fn distance2(&self, v: Vector) -> f64 {
        let [x, y] = v;
        (x * x * self.yy - 2.0 * x * y * self.xy + y * y * self.xx) / self.determinant()
    }
}

/// A foot point as measured in one frame, on the plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured {
    pub(super) at: Vector,
    pub(super) spread: Symmetric,
}

/// Place and velocity of a foot with their covariance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FootFilter {
    /// In units of the plane.
    pub(super) at: Vector,
    /// In units a second.
    pub(super) velocity: Vector,
    pub(super) spread: Symmetric,
    /// Covariance of place (rows) with velocity (columns).
    joint: Matrix,
    velocity_spread: Symmetric,
}

impl FootFilter {
    /// Somebody seen for the first time, standing still for all we know; `speed` is how fast one may go (one standard
    /// deviation along each axis).
    pub(super) fn new(first: &Measured, speed: f64) -> Self {
        Self {
            at: first.at,
            velocity: [0.0; 2],
            spread: first.spread,
            joint: [[0.0; 2]; 2],
            velocity_spread: Symmetric::round(speed * speed),
        }
    }

    /// Moves on by `seconds`; `push` is the random change of the velocity over one second.
    pub(super) fn predict(&mut self, seconds: f64, push: f64) {
        if seconds <= 0.0 {
            return;
        }
        let power = push * push;
        let (t, t2, t3) = (seconds, seconds * seconds, seconds * seconds * seconds);
        let [[a, b], [c, d]] = self.joint;
        let v = self.velocity_spread;
        self.at[0] += t * self.velocity[0];
        self.at[1] += t * self.velocity[1];
        self.spread.xx += 2.0 * t * a + t2 * v.xx + power * t3 / 3.0;
        self.spread.xy += t * (b + c) + t2 * v.xy;
        self.spread.yy += 2.0 * t * d + t2 * v.yy + power * t3 / 3.0;
        let own = power * t2 / 2.0;
        self.joint = [[a + t * v.xx + own, b + t * v.xy], [c + t * v.xy, d + t * v.yy + own]];
        self.velocity_spread.xx += power * t;
        self.velocity_spread.yy += power * t;
    }

    /// Takes a measurement.
    pub(super) fn update(&mut self, measured: &Measured) {
        let inverse = self.spread.plus(&measured.spread).inverse().full();
        let surprise = [measured.at[0] - self.at[0], measured.at[1] - self.at[1]];
        let gain = product(&self.spread.full(), &inverse);
        let velocity_gain = product(&transposed(&self.joint), &inverse);
        for axis in 0..2 {
            self.at[axis] += gain[axis][0] * surprise[0] + gain[axis][1] * surprise[1];
            self.velocity[axis] +=
                velocity_gain[axis][0] * surprise[0] + velocity_gain[axis][1] * surprise[1];
        }
        let known = product(&velocity_gain, &self.joint);
        self.velocity_spread.xx -= known[0][0];
        self.velocity_spread.xy -= 0.5 * (known[0][1] + known[1][0]);
        self.velocity_spread.yy -= known[1][1];
        let known = product(&gain, &self.joint);
        let spread = product(&gain, &self.spread.full());
        for (kept, known) in self.joint.iter_mut().flatten().zip(known.iter().flatten()) {
            *kept -= known;
        }
        self.spread.xx -= spread[0][0];
        self.spread.xy -= 0.5 * (spread[0][1] + spread[1][0]);
        self.spread.yy -= spread[1][1];
    }

    /// The same foot on another plane, where it is at `at`; `map` turns small steps on this plane into steps there.
    pub(super) fn moved_to(&self, at: Vector, map: &Matrix) -> Self {
        let [[a, b], [c, d]] = *map;
        let [x, y] = self.velocity;
        Self {
            at,
            velocity: [a * x + b * y, c * x + d * y],
            spread: self.spread.sandwiched(map),
            joint: product(&product(map, &self.joint), &transposed(map)),
            velocity_spread: self.velocity_spread.sandwiched(map),
        }
    }

    /// Panics where the state is no numbers or a spread is none.
    pub(super) fn check_invariants(&self) {
        assert!(self.at.iter().chain(&self.velocity).all(|number| number.is_finite()), "{self:?}");
        for spread in [self.spread, self.velocity_spread] {
            let scale = spread.xx * spread.yy;
            assert!(spread.xx >= 0.0 && spread.yy >= 0.0, "{self:?}");
            assert!(spread.determinant() >= -1e-6 * scale, "{self:?}");
        }
    }
}

pub(super) fn product(left: &Matrix, right: &Matrix) -> Matrix {
    let cell = |row: usize, column: usize| left[row][0] * right[0][column] + left[row][1] * right[1][column];
    [[cell(0, 0), cell(0, 1)], [cell(1, 0), cell(1, 1)]]
}

/// None for a matrix that squeezes the plane to a line.
pub(super) fn inverted(m: &Matrix) -> Option<Matrix> {
    let [[a, b], [c, d]] = *m;
    let determinant = a * d - b * c;
    let scale = 1.0 / determinant;
    scale.is_finite().then(|| [[scale * d, -scale * b], [-scale * c, scale * a]])
}

fn transposed(m: &Matrix) -> Matrix {
    [[m[0][0], m[1][0]], [m[0][1], m[1][1]]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn walker(seconds: f64) -> Measured {
        Measured {
            at: [1.2 * seconds, 5.0 - 0.4 * seconds],
            spread: Symmetric { xx: 0.01, xy: 0.01, yy: 0.04 },
        }
    }

    #[test]
    fn the_velocity_of_a_steady_walk_is_learned() {
        let mut filter = FootFilter::new(&walker(0.0), 1.5);
        for frame in 1..=20 {
            filter.predict(0.1, 0.5);
            filter.update(&walker(0.1 * f64::from(frame)));
            filter.check_invariants();
        }
        assert!(
            (filter.velocity[0] - 1.2).abs() < 0.03 && (filter.velocity[1] + 0.4).abs() < 0.03,
            "{filter:?}"
        );
    }

    #[test]
    fn one_long_step_predicts_what_many_short_ones_do() {
        let mut long = FootFilter::new(&walker(0.0), 1.5);
        long.predict(0.1, 0.5);
        long.update(&walker(0.1));
        let mut short = long;
        long.predict(0.8, 0.5);
        (0..8).for_each(|_| short.predict(0.1, 0.5));
        assert!((long.at[0] - short.at[0]).abs() < 1e-9);
        assert!((long.spread.xx / short.spread.xx - 1.0).abs() < 1e-9);
        assert!((long.joint[1][1] / short.joint[1][1] - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_was_measured_well_across_the_view_is_believed_across_and_not_along_it() {
        let mut filter = FootFilter::new(&walker(0.0), 0.0);
        filter.update(&Measured { at: [0.1, 6.0], spread: Symmetric { xx: 0.0001, xy: 0.0, yy: 100.0 } });
        assert!((filter.at[0] - 0.1).abs() < 0.01 && (filter.at[1] - 5.0).abs() < 0.3, "{filter:?}");
    }

    #[test]
    fn a_foot_seen_on_a_plane_ten_times_as_fine_is_the_same_foot() {
        let mut filter = FootFilter::new(&walker(0.0), 1.5);
        filter.predict(0.1, 0.5);
        filter.update(&walker(0.1));
        let mut fine =
            filter.moved_to([10.0 * filter.at[0], 10.0 * filter.at[1]], &[[10.0, 0.0], [0.0, 10.0]]);
        filter.predict(0.3, 0.5);
        fine.predict(0.3, 5.0);
        assert!((fine.at[0] - 10.0 * filter.at[0]).abs() < 1e-9);
        assert!((fine.spread.xy - 100.0 * filter.spread.xy).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn no_walk_breaks_the_filter(
            steps in prop::collection::vec((0.0f64..2.0, -50.0f64..50.0, -50.0f64..50.0, 1e-4f64..10.0), 1..60)
        ) {
            let mut filter = FootFilter::new(&walker(0.0), 1.5);
            for (seconds, x, y, spread) in steps {
                filter.predict(seconds, 1.0);
                filter.update(&Measured { at: [x, y], spread: Symmetric { xx: spread, xy: 0.9 * spread, yy: spread } });
                filter.check_invariants();
            }
        }
    }
}
