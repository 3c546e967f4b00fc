//! What a place looks like with nobody in it, learned while people are in it.
//!
//! Per px a running mean that is *selective*: where somebody is known to be, nothing is learned, however long they
//! stand; where the picture differs for another reason it is learned within seconds. A mixture of Gaussians (Zivkovic,
//! ICPR 2004; OpenCV's MOG2) cannot be told where people are, and takes in those who wait.
//!
//! A shadow is darker and keeps its colour (Horprasert, Harwood and Davis, ICCV 1999 FRAME-RATE workshop).

use super::mask::Mask;
use super::walker::share_within;

/// A px differs by this much of 255 in one channel at least. Noise and JPEG or H.264 blocks of shop cameras stay below 15.
const LEAST_CHANGE: f32 = 22.0;
/// A shadow keeps at least this share of the light ...
const DARKEST_SHADOW: f32 = 0.7;
/// ... and its shares of blue, green and red change by at most this in sum ...
const SHADOW_COLOUR_SHIFT: f32 = 0.03;
/// ... and the ground has at least this much light, summed over the channels: on black ground, a colour is noise.
const LEAST_LIGHT_FOR_SHADOW: f32 = 90.0;
/// Empty ground follows the light of the day within this time, seconds.
const EMPTY_LEARNS_IN_S: f32 = 2.0;
/// What differs and is nobody (a moved stand, a parked cart) becomes ground within this time, seconds.
const CHANGED_LEARNS_IN_S: f32 = 20.0;
/// A background that is younger than that learns within this share of its age, ...
const YOUNG_SHARE: f32 = 0.7;
/// ... and never faster than this, seconds.
const FASTEST_LEARNING_S: f32 = 0.5;

/// The empty place, px by px of the small picture.
#[derive(Debug, Clone, Default)]
pub(super) struct Background {
    /// `(height, width, 3)`: blue, green, red, 0-255.
    mean: Vec<f32>,
    age_s: f32,
}

impl Background {
    /// Takes the whole picture for ground.
    pub(super) fn relearn(&mut self, bgr: &[u8]) {
        self.mean.clear();
        self.mean.extend(bgr.iter().map(|value| f32::from(*value)));
        self.age_s = 0.0;
    }

    /// Takes the picture for ground at one px.
    pub(super) fn relearn_px(&mut self, bgr: &[u8], px: usize) {
        let place = 3 * px..3 * px + 3;
        for (mean, seen) in self.mean[place.clone()].iter_mut().zip(&bgr[place]) {
            *mean = f32::from(*seen);
        }
    }

    /// Says in `differs` where the picture is not ground, and learns from the rest. `held` is where people are.
    pub(super) fn step(&mut self, bgr: &[u8], seconds: f32, held: &Mask, differs: &mut Mask) {
        self.age_s += seconds;
        let patience = (self.age_s * YOUNG_SHARE).clamp(FASTEST_LEARNING_S, CHANGED_LEARNS_IN_S);
        let (empty_rate, changed_rate) =
            (share_within(seconds, EMPTY_LEARNS_IN_S), share_within(seconds, patience));
        let pixels = self.mean.as_chunks_mut::<3>().0.iter_mut().zip(bgr.as_chunks::<3>().0);
        for ((mean, now), (held, differs)) in pixels.zip(held.px.iter().zip(&mut differs.px)) {
            let now = now.map(f32::from);
            let change = [now[0] - mean[0], now[1] - mean[1], now[2] - mean[2]];
            let largest = change.iter().fold(0.0_f32, |most, by| most.max(by.abs()));
            *differs = u8::from(largest > LEAST_CHANGE && !is_shadow(&now, mean));
            if *held != 0 {
                continue;
            }
            let rate = if *differs != 0 { changed_rate } else { empty_rate };
            for (mean, by) in mean.iter_mut().zip(change) {
                *mean += rate * by;
            }
        }
    }

    /// How steeply the ground changes at an inner px, as [`steepness`].
    pub(super) fn steepness(&self, px: usize, width: usize) -> f32 {
        let light = |px: usize| self.mean[3 * px..3 * px + 3].iter().sum::<f32>();
        steepness(light, px, width)
    }
}

/// Sum of the absolute differences of light to the right and down, over two px each.
pub(super) fn steepness(light: impl Fn(usize) -> f32, px: usize, width: usize) -> f32 {
    (light(px + 1) - light(px - 1)).abs() + (light(px + width) - light(px - width)).abs()
}

fn is_shadow(now: &[f32; 3], ground: &[f32; 3]) -> bool {
    let light = |bgr: &[f32; 3]| bgr.iter().sum::<f32>() + 1.0;
    let (now_light, ground_light) = (light(now), light(ground));
    let kept = now_light / ground_light;
    if ground_light < LEAST_LIGHT_FOR_SHADOW || !(DARKEST_SHADOW..1.0).contains(&kept) {
        return false;
    }
    let shift = now.iter().zip(ground).map(|(now, ground)| (now / now_light - ground / ground_light).abs());
    shift.sum::<f32>() < SHADOW_COLOUR_SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a px of this colour is seen as something on grey ground.
    fn check(bgr: [u8; 3], expected: bool) {
        let (mut ground, mut differs) = (Background::default(), Mask::new(1, 1));
        ground.relearn(&[150, 150, 150]);
        ground.step(&bgr, 0.1, &Mask::new(1, 1), &mut differs);
        assert_eq!(differs.px[0] != 0, expected, "{bgr:?}");
    }

    /// Seconds until a px that changed to this colour is ground; none: not within an hour.
    fn seconds_until_ground(bgr: [u8; 3], held: u8) -> Option<u32> {
        let (mut ground, mut differs, mut people) = (Background::default(), Mask::new(1, 1), Mask::new(1, 1));
        ground.relearn(&[150, 150, 150]);
        for _ in 0..1_000 {
            ground.step(&[150, 150, 150], 0.1, &people, &mut differs);
        }
        people.px[0] = held;
        (1..36_000)
            .find(|_| {
                ground.step(&bgr, 0.1, &people, &mut differs);
                differs.px[0] == 0
            })
            .map(|tenths: u32| tenths / 10)
    }

    #[test]
    fn noise_and_shadows_are_nobody_and_clothes_are_somebody() {
        check([150, 150, 150], false);
        check([140, 155, 160], false);
        check([115, 115, 115], false);
        check([60, 60, 60], true);
        check([220, 220, 220], true);
        check([120, 120, 160], true);
    }

    #[test]
    fn a_moved_stand_becomes_ground_within_the_minute_and_a_held_person_never() {
        let stand = seconds_until_ground([40, 40, 40], 0).expect("it is learned");
        assert!((10..60).contains(&stand), "{stand} s");
        assert_eq!(seconds_until_ground([40, 40, 40], 1), None);
    }

    #[test]
    fn what_was_relearned_is_ground_at_once() {
        let (mut ground, mut differs, held) = (Background::default(), Mask::new(1, 1), Mask::new(1, 1));
        ground.relearn(&[150, 150, 150]);
        ground.relearn_px(&[40, 40, 40], 0);
        ground.step(&[40, 40, 40], 0.1, &held, &mut differs);
        assert_eq!(differs.px[0], 0);
    }
}
