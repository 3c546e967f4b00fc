//! Constant-velocity filtering of a box, in real time.
//!
//! Horizontal place, vertical place, width and height are filtered one by one: their noise is
//! taken as independent, so four filters of two states each say the same as one of eight, at a
//! fraction of the work. All noise is a share of the person's height on the picture, so that somebody near and
//! somebody far are treated alike, and all of it is per second, so that a change of the frame rate changes
//! nothing (ByteTrack's constants, from which these start, are per frame at 30 frames a second).

use crate::geom::ImageBox;

/// One coordinate: place and speed with their covariance.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Axis {
    at: f32,
    /// px per second.
    speed: f32,
    var_at: f32,
    cov: f32,
    var_speed: f32,
}

/// How unsure each thing is, as a share of the person's height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoxNoise {
    /// Of a detected edge.
    pub measured: f32,
    /// Random push on the speed of the place, in heights per second, over one second.
    pub push: f32,
    /// Random push on the speed of width and height.
    pub push_size: f32,
    /// Of a new track's speed, in heights per second. People walk at about 0.8 heights a second.
    pub first_speed: f32,
}

impl Default for BoxNoise {
    fn default() -> Self {
        Self { measured: 0.05, push: 0.5, push_size: 0.15, first_speed: 0.8 }
    }
}

/// A filtered box: where a person is and how they move, in image space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct BoxFilter {
    /// Centre x, foot y, width, height.
    axes: [Axis; 4],
    noise: BoxNoise,
}

impl Axis {
    fn predict(&mut self, seconds: f32, push: f32) {
        let power = push * push;
        self.at += self.speed * seconds;
        self.var_at += seconds * (2.0 * self.cov + seconds * self.var_speed) + power * seconds.powi(3) / 3.0;
        self.cov += seconds * self.var_speed + power * seconds.powi(2) / 2.0;
        self.var_speed += power * seconds;
    }

    fn update(&mut self, measured: f32, var: f32) {
        let total = self.var_at + var;
        let (gain, gain_speed) = (self.var_at / total, self.cov / total);
        let surprise = measured - self.at;
        self.at += gain * surprise;
        self.speed += gain_speed * surprise;
        self.var_speed -= gain_speed * self.cov;
        self.cov *= 1.0 - gain;
        self.var_at *= 1.0 - gain;
    }
}

impl BoxFilter {
    /// A box seen for the first time, standing still for all we know.
    #[must_use]
    pub(super) fn new(bbox: &ImageBox, noise: BoxNoise) -> Self {
        let height = bbox.height();
        let axis = |at: f32, first_speed: f32| Axis {
            at,
            speed: 0.0,
            var_at: (noise.measured * height).powi(2),
            cov: 0.0,
            var_speed: (first_speed * height).powi(2),
        };
        let [x, y, w, h] = parts(bbox);
        let (place, size) = (noise.first_speed, noise.push_size);
        Self { axes: [axis(x, place), axis(y, place), axis(w, size), axis(h, size)], noise }
    }

    /// Moves on by real `seconds`.
    pub(super) fn predict(&mut self, seconds: f32) {
        let height = self.height();
        for (axis, push) in self.axes.iter_mut().zip([
            self.noise.push,
            self.noise.push,
            self.noise.push_size,
            self.noise.push_size,
        ]) {
            axis.predict(seconds, push * height);
        }
        // A size that shrinks on and on while nobody sees it would become no box at all.
        self.axes[2].at = self.axes[2].at.max(1.0);
        self.axes[3].at = self.axes[3].at.max(1.0);
    }

    /// Takes a detected box.
    pub(super) fn update(&mut self, bbox: &ImageBox) {
        let var = (self.noise.measured * bbox.height()).powi(2);
        for (axis, measured) in self.axes.iter_mut().zip(parts(bbox)) {
            axis.update(measured, var);
        }
    }

    /// The box as believed now, px.
    #[must_use]
    pub(super) fn bbox(&self) -> ImageBox {
        let [x, foot, width, height] = self.axes.map(|axis| axis.at);
        ImageBox::new(x - 0.5 * width, foot - height, x + 0.5 * width, foot)
    }

    /// Velocity of the foot point, px per second.
    #[cfg(test)]
    fn foot_velocity(&self) -> (f32, f32) {
        (self.axes[0].speed, self.axes[1].speed)
    }

    fn height(&self) -> f32 {
        self.axes[3].at.max(1.0)
    }

    /// Panics where the state is not numbers or a variance is negative: called after every step by tests.
    #[cfg(test)]
    pub(crate) fn check_invariants(&self) {
        for axis in &self.axes {
            assert!(axis.at.is_finite() && axis.speed.is_finite(), "{axis:?}");
            assert!(axis.var_at >= 0.0 && axis.var_speed >= 0.0, "{axis:?}");
        }
    }
}

fn parts(bbox: &ImageBox) -> [f32; 4] {
    let foot = bbox.foot();
    [foot.x, foot.y, bbox.width(), bbox.height()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walker(seconds: f32) -> ImageBox {
        ImageBox::from_left_top_size(100.0 + 80.0 * seconds, 50.0, 40.0, 100.0)
    }

    #[test]
    fn the_speed_of_a_steady_walk_is_learned() {
        let mut filter = BoxFilter::new(&walker(0.0), BoxNoise::default());
        for frame in 1..=20 {
            filter.predict(0.1);
            filter.update(&walker(0.1 * frame as f32));
            filter.check_invariants();
        }
        assert!((filter.foot_velocity().0 - 80.0).abs() < 4.0, "{:?}", filter.foot_velocity());
    }

    #[test]
    fn one_long_step_predicts_what_many_short_ones_do() {
        let mut long = BoxFilter::new(&walker(0.0), BoxNoise::default());
        long.predict(0.1);
        long.update(&walker(0.1));
        let mut short = long;
        long.predict(0.8);
        (0..8).for_each(|_| short.predict(0.1));
        assert!((long.axes[0].at - short.axes[0].at).abs() < 0.01);
        assert!((long.axes[0].var_at / short.axes[0].var_at - 1.0).abs() < 0.01);
    }

    #[test]
    fn no_time_changes_nothing() {
        let mut filter = BoxFilter::new(&walker(0.0), BoxNoise::default());
        let before = filter;
        filter.predict(0.0);
        assert_eq!(filter, before);
    }
}
