//! CPU time of the foreground detector for one 640 x 480 picture, against OpenCV's MOG2 on the whole picture.
//!
//! Both see the same drawn people on the same noisy ground, with one thread.

use criterion::{Criterion, criterion_group, criterion_main};
use footfall::capture::Picture;
use footfall::detect::{Detector, ForegroundDetector};
use footfall::time::{FrameTime, WallTime};
use opencv::core::{self, Mat, Vec3b};
use opencv::prelude::*;
use opencv::video;
use std::hint::black_box;
use std::time::Duration;

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;
const FRAMES: u32 = 60;
const PEOPLE: u32 = 8;

/// A second or more of people who walk across.
fn clip() -> Vec<Picture> {
    (0..FRAMES)
        .map(|frame| {
            let px = |at: u32| {
                let (x, y) = (at % WIDTH, at / WIDTH);
                let noise = ((at ^ frame.wrapping_mul(0x9E37_79B1)).wrapping_mul(0x85EB_CA77) >> 28) as u8;
                let on = (0..PEOPLE).any(|person| {
                    let middle = (40 + 75 * person + 2 * frame, 60 + 50 * person);
                    let (dx, dy) = (x.abs_diff(middle.0) as f32 / 24.0, y.abs_diff(middle.1) as f32 / 48.0);
                    dx * dx + dy * dy < 1.0
                });
                [if on { 50 } else { 140 } + noise; 3]
            };
            Picture { width: WIDTH, height: HEIGHT, bgr: (0..WIDTH * HEIGHT).flat_map(px).collect() }
        })
        .collect()
}

fn at(frame: u32) -> FrameTime {
    FrameTime::of_run(WallTime::default(), Duration::from_millis(u64::from(frame) * 100))
}

fn foreground(c: &mut Criterion) {
    core::set_num_threads(1).expect("OpenCV takes one thread");
    let pictures = clip();
    let mut group = c.benchmark_group("foreground 640x480");
    group.bench_function("footfall", |b| {
        let (mut detector, mut found, mut frame) = (ForegroundDetector::new(), Vec::new(), 0);
        b.iter(|| {
            let picture = &pictures[(frame % FRAMES) as usize];
            detector.detect(picture, at(frame), &mut found).expect("a sound picture");
            frame += 1;
            black_box(found.len())
        });
    });
    group.bench_function("bare MOG2 of OpenCV, whole picture", |b| {
        let mut model = video::create_background_subtractor_mog2(500, 16.0, true).expect("OpenCV has MOG2");
        let (mut mask, mut frame) = (Mat::default(), 0);
        b.iter(|| {
            let picture = &pictures[(frame % FRAMES) as usize];
            let view = Mat::new_rows_cols_with_bytes::<Vec3b>(HEIGHT as i32, WIDTH as i32, &picture.bgr)
                .expect("a sound picture");
            BackgroundSubtractorMOG2Trait::apply(&mut model, &view, &mut mask, -1.0)
                .expect("MOG2 takes a picture");
            frame += 1;
            black_box(mask.rows())
        });
    });
    group.finish();
}

criterion_group!(benches, foreground);
criterion_main!(benches);
