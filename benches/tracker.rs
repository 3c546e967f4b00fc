//! What following people costs, from an empty shop to a crowd.
//!
//! The input is made here: people walk on a 1920x1080 picture at 30 frames a second, boxes wobble by 2 % of
//! their height, 5 % are missed. Time for a hundred frames; the growth from one size to the next is what to look at.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use footfall::detect::Detection;
use footfall::geom::ImageBox;
use footfall::time::{FrameTime, WallTime};
use footfall::track::{TrackSettings, TrackSteps, Tracker};
use std::hint::black_box;
use std::time::Duration;

const FRAMES: u64 = 100;
const FPS: f64 = 30.0;

/// A small generator, so that every run sees the same crowd (xorshift64*, Vigna 2016).
struct Dice(u64);

impl Dice {
    /// Between 0 and 1.
    fn share(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f32 / (1u64 << 24) as f32
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.share()
    }
}

/// Detections of every frame: `people` who walk straight on and come back in on the other side.
fn crowd(people: u32) -> Vec<Vec<Detection>> {
    let mut dice = Dice(u64::from(people) + 1);
    let height = 180.0 / (people as f32 / 20.0).sqrt().clamp(1.0, 4.0);
    let mut walkers: Vec<[f32; 4]> = (0..people)
        .map(|_| {
            let speed = height * dice.between(0.25, 0.9) / FPS as f32;
            let angle = dice.between(0.0, std::f32::consts::TAU);
            [dice.between(0.0, 1920.0), dice.between(0.0, 1080.0), speed * angle.cos(), speed * angle.sin()]
        })
        .collect();
    (0..FRAMES)
        .map(|_| {
            let mut seen = Vec::new();
            for [x, y, dx, dy] in &mut walkers {
                (*x, *y) = ((*x + *dx).rem_euclid(1920.0), (*y + *dy).rem_euclid(1080.0));
                if dice.share() < 0.05 {
                    continue;
                }
                let mut wobble = || dice.between(-0.03, 0.03) * height;
                let (left, top) = (*x - 0.2 * height + wobble(), *y - height + wobble());
                let (width, tall) = (0.4 * height + wobble(), height + wobble());
                let bbox = ImageBox::from_left_top_size(left, top, width, tall);
                seen.push(Detection { bbox, score: dice.between(0.2, 0.95) });
            }
            seen
        })
        .collect()
}

fn follow(tracker: &mut Tracker, frames: &[Vec<Detection>], first: u64) -> usize {
    let (mut steps, mut sightings) = (TrackSteps::default(), 0);
    for (number, detections) in (first..).zip(frames) {
        let at = FrameTime::of_run(WallTime::default(), Duration::from_secs_f64(number as f64 / FPS));
        tracker.step(number, at, detections, &mut steps);
        sightings += steps.sightings.len();
    }
    sightings
}

fn tracker(c: &mut Criterion) {
    let mut group = c.benchmark_group("image-plane tracker, 100 frames");
    group.sample_size(10);
    for people in [1, 20, 100, 500] {
        let frames = crowd(people);
        group.throughput(Throughput::Elements(FRAMES));
        group.bench_with_input(BenchmarkId::from_parameter(people), &frames, |b, frames| {
            let mut tracker = Tracker::on_image(TrackSettings::default());
            let mut first = 1;
            b.iter(|| {
                first += FRAMES;
                black_box(follow(&mut tracker, frames, first))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, tracker);
criterion_main!(benches);
