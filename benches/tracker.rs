//! What following people costs, from one person to a thousand, on the picture and on a floor.
//!
//! The input is made here: people walk on a 1920x1080 picture at 30 frames a second, boxes wobble by 2 % of
//! their height, 5 % are missed. Time for a hundred frames; the growth from one size to the next is what to look at.
//! The baseline does the least that a tracker can do, in the plain way: the overlap of every box with every box of the frame
//! before, and the dense assignment whose work grows with the cube of the people.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use footfall::calibration::Floor;
use footfall::calibration::mounting::{self, Mounting};
use footfall::detect::Detection;
use footfall::geom::{ImageBox, PictureSize};
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

/// A camera high up that sees the floor in its whole picture.
fn floor() -> Floor {
    let mounting = Mounting { height_m: 12.0, tilt_deg: 35.0, field_of_view_deg: 70.0, roll_deg: 0.0 };
    mounting::fit(PictureSize { width: 1920, height: 1080 }, None, &mounting).expect("a sound camera")
}

/// The box of a usual person wherever somebody of the crowd stands, so that no box is too small or too tall.
fn crowd_on(floor: &Floor, people: u32) -> Vec<Vec<Detection>> {
    let mut frames = crowd(people);
    for detection in frames.iter_mut().flatten() {
        let foot = detection.bbox.foot();
        let wobble = detection.bbox.height() / (180.0 / (people as f32 / 20.0).sqrt().clamp(1.0, 4.0));
        let height = wobble * floor.expected_height_px(foot).map_or(1.0, |px| px as f32);
        detection.bbox =
            ImageBox::from_left_top_size(foot.x - 0.2 * height, foot.y - height, 0.4 * height, height);
    }
    frames
}

/// Pairs the boxes of each frame with those of the frame before; gives how many overlap.
fn follow_densely(frames: &[Vec<Detection>]) -> usize {
    let (mut before, mut pairs): (&[Detection], _) = (&[], 0);
    for now in frames {
        let (rows, columns) = if before.len() <= now.len() { (before, &now[..]) } else { (&now[..], before) };
        let costs: Vec<Vec<f32>> = rows
            .iter()
            .map(|row| columns.iter().map(|column| 1.0 - row.bbox.iou(&column.bbox)).collect())
            .collect();
        let row_of = assign_densely(&costs, columns.len());
        pairs +=
            row_of.iter().enumerate().filter(|(c, row)| row.is_some_and(|row| costs[row][*c] < 0.7)).count();
        before = now;
    }
    pairs
}

/// The row of every column where the costs are least in all (Kuhn and Munkres, in the usual O(n³) form with potentials).
fn assign_densely(costs: &[Vec<f32>], columns: usize) -> Vec<Option<usize>> {
    // Column 0 stands for the row that is being placed; the others are shifted by one.
    let mut row_of = vec![None; columns + 1];
    let (mut row_price, mut column_price) = (vec![0.0_f32; costs.len()], vec![0.0_f32; columns + 1]);
    for start in 0..costs.len() {
        let (mut least, mut from) = (vec![f32::INFINITY; columns + 1], vec![0; columns + 1]);
        let (mut settled, mut at) = (vec![false; columns + 1], 0);
        row_of[0] = Some(start);
        while let Some(row) = row_of[at] {
            settled[at] = true;
            let (mut step, mut next) = (f32::INFINITY, 0);
            for column in (1..=columns).filter(|column| !settled[*column]) {
                let cost = costs[row][column - 1] - row_price[row] - column_price[column];
                if cost < least[column] {
                    (least[column], from[column]) = (cost, at);
                }
                if least[column] < step {
                    (step, next) = (least[column], column);
                }
            }
            for column in 0..=columns {
                match row_of[column].filter(|_| settled[column]) {
                    Some(row) => {
                        (row_price[row], column_price[column]) =
                            (row_price[row] + step, column_price[column] - step)
                    }
                    None => least[column] -= step,
                }
            }
            at = next;
        }
        while at != 0 {
            row_of[at] = row_of[from[at]];
            at = from[at];
        }
    }
    row_of.split_off(1)
}

fn tracker(c: &mut Criterion) {
    let mut group = c.benchmark_group("tracker, 100 frames");
    group.sample_size(10).throughput(Throughput::Elements(FRAMES));
    for people in [1, 20, 100, 500, 1_000] {
        let trackers = [
            ("image", crowd(people), Tracker::on_image(TrackSettings::default())),
            ("floor", crowd_on(&floor(), people), Tracker::on_floor(TrackSettings::default(), floor())),
        ];
        for (plane, frames, mut tracker) in trackers {
            let mut first = 1;
            group.bench_with_input(BenchmarkId::new(plane, people), &frames, |b, frames| {
                b.iter(|| {
                    first += FRAMES;
                    black_box(follow(&mut tracker, frames, first))
                });
            });
        }
        let frames = crowd(people);
        group.bench_with_input(BenchmarkId::new("all pairs, dense", people), &frames, |b, frames| {
            b.iter(|| black_box(follow_densely(frames)));
        });
    }
    group.finish();
}

criterion_group!(benches, tracker);
criterion_main!(benches);
