//! The watch over pictures, on real clips: nothing is wrong with one as it is, and what is done to it is found.
//!
//! Run with `--nocapture` it prints what was found, and after how long.
#![cfg(feature = "capture-opencv")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use footfall::capture::{self, Frame, Picture, Playback, ReadOutcome, SourceAddress, SourceSettings};
use footfall::health::{Condition, HealthSettings, PictureWatch, Turn};
use footfall::time::{FrameTime, SystemClock, WallTime};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Seconds between two pictures that are looked at.
const STEP: Duration = Duration::from_millis(500);
/// When something is done to the pictures; by then the place is learned.
const DONE_AT: Duration = Duration::from_secs(40);
const END: Duration = Duration::from_secs(90);

/// What is done to the pictures.
#[derive(Debug, Clone, Copy)]
enum Done {
    Nothing,
    /// Pushed to the right, share of the width.
    Pushed(f32),
    /// Turned, degrees.
    Turned(f32),
    Zoomed(f32),
    /// As auto exposure does.
    Brightness(f32),
    Covered,
    Defocused,
    Frozen,
}

/// Two pictures a second of a clip.
fn pictures(clip: &Path) -> Vec<Picture> {
    let address = SourceAddress::File(clip.to_owned());
    let timeout = Duration::from_secs(30);
    let (open_timeout, read_timeout, retry_max) = (timeout, timeout, timeout);
    let playback = Playback::AsFastAsItGoes;
    let settings = SourceSettings { address, playback, open_timeout, read_timeout, retry_max };
    let mut source =
        capture::open(&settings, Arc::new(SystemClock::start()), WallTime::default(), None).unwrap();
    let (mut frame, mut next, mut found) = (Frame::default(), Duration::ZERO, Vec::new());
    let mut wanted = |_: u64, at: FrameTime| {
        let is_due = at.elapsed >= next;
        next = if is_due { at.elapsed + STEP } else { next };
        is_due
    };
    while source.read_wanted(&mut wanted, &mut frame).unwrap() == ReadOutcome::Frame {
        found.push(frame.picture.clone());
    }
    found
}

/// The picture with each pixel taken from where `from` says, the nearest one at the border.
fn warped(picture: &Picture, from: impl Fn(f32, f32) -> (f32, f32)) -> Picture {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let mut bgr = Vec::with_capacity(picture.bgr.len());
    for y in 0..height {
        for x in 0..width {
            let (x, y) = from(x as f32, y as f32);
            let x = (x.round().max(0.0) as usize).min(width - 1);
            let y = (y.round().max(0.0) as usize).min(height - 1);
            bgr.extend_from_slice(&picture.bgr[3 * (width * y + x)..][..3]);
        }
    }
    Picture { bgr, ..*picture }
}

/// Each row blurred by a running mean over a twentieth of the width, and then each column.
fn blurred(picture: &Picture) -> Picture {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let reach = width / 40;
    let mut bgr = picture.bgr.clone();
    let lines = [(height, 3 * width, width, 3), (width, 3, height, 3 * width)];
    for (lines, line_step, length, step) in lines {
        for line in 0..lines {
            for channel in 0..3 {
                let place = |at: usize| line * line_step + channel + at * step;
                let whole: Vec<u32> = (0..length).map(|at| u32::from(bgr[place(at)])).collect();
                for at in 0..length {
                    let window = &whole[at.saturating_sub(reach)..(at + reach + 1).min(length)];
                    bgr[place(at)] = (window.iter().sum::<u32>() / window.len() as u32) as u8;
                }
            }
        }
    }
    Picture { bgr, ..*picture }
}

fn after(done: Done, picture: &Picture, look: usize) -> Picture {
    let (mid_x, mid_y) = (picture.width as f32 / 2.0, picture.height as f32 / 2.0);
    let each = |change: &dyn Fn(u8) -> u8| Picture {
        bgr: picture.bgr.iter().map(|value| change(*value)).collect(),
        ..*picture
    };
    match done {
        Done::Nothing | Done::Frozen => picture.clone(),
        Done::Pushed(share) => warped(picture, |x, y| (x - share * picture.width as f32, y)),
        Done::Turned(degrees) => {
            let (sin, cos) = degrees.to_radians().sin_cos();
            warped(picture, |x, y| {
                let (x, y) = (x - mid_x, y - mid_y);
                (cos * x - sin * y + mid_x, sin * x + cos * y + mid_y)
            })
        }
        Done::Zoomed(zoom) => {
            warped(picture, |x, y| ((x - mid_x) / zoom + mid_x, (y - mid_y) / zoom + mid_y))
        }
        Done::Brightness(factor) => each(&|value| (f32::from(value) * factor).min(255.0) as u8),
        // What shows through a bag is its own cloth.
        Done::Covered => each(&|value| 110 + value / 64 + (look % 3) as u8),
        Done::Defocused => blurred(picture),
    }
}

/// What is told of a clip, played over and over, to which this is done after 40 s; with the seconds that took.
fn told(clip: &[Picture], done: Done) -> Vec<(Condition, u64)> {
    let (mut watch, mut changes) = (PictureWatch::new(HealthSettings::DEFAULT), Vec::new());
    let mut last = 0;
    for look in 0..(END.as_millis() / STEP.as_millis()) as usize {
        let at = FrameTime::of_run(WallTime::default(), STEP * look as u32);
        let is_done = at.elapsed >= DONE_AT;
        last = if is_done && matches!(done, Done::Frozen) { last } else { look % clip.len() };
        let picture = if is_done { after(done, &clip[last], look) } else { clip[last].clone() };
        watch.look(at, &picture, &mut changes);
    }
    let began = changes.into_iter().filter(|change| change.turn == Turn::Began);
    began.map(|change| (change.condition, change.at.elapsed.saturating_sub(DONE_AT).as_secs())).collect()
}

/// Does all of it to one clip.
fn check(name: &str, clip: &Path) {
    let clip = pictures(clip);
    let moved = Some(Condition::Moved);
    let table = [
        (Done::Nothing, None),
        (Done::Brightness(0.5), None),
        (Done::Brightness(1.5), None),
        (Done::Pushed(0.02), moved),
        (Done::Pushed(0.05), moved),
        (Done::Pushed(-0.1), moved),
        (Done::Turned(2.0), moved),
        (Done::Turned(-5.0), moved),
        (Done::Zoomed(1.05), moved),
        (Done::Covered, Some(Condition::Blocked)),
        (Done::Defocused, Some(Condition::Blocked)),
        (Done::Brightness(0.06), Some(Condition::Dark)),
        (Done::Frozen, Some(Condition::Frozen)),
    ];
    let mut wrong = Vec::new();
    for (done, expected) in table {
        let told = told(&clip, done);
        println!("{name:<12} {:<18} {told:?}", format!("{done:?}"));
        let conditions: Vec<_> = told.iter().map(|(condition, _)| *condition).collect();
        if conditions != expected.into_iter().collect::<Vec<_>>() {
            wrong.push(format!("{done:?}: {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{name}: {wrong:#?}");
}

/// A clip that lies beside the checkout where its authors keep theirs.
fn check_shared(name: &str, path: &str) {
    let clip: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(path);
    if clip.exists() { check(name, &clip) } else { println!("skipped: no ../shared") }
}

#[test]
fn the_sample_clip_is_fine_as_it_is_and_what_is_done_to_it_is_found() {
    let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("build/clips/vtest.avi");
    assert!(clip.exists(), "{} is missing; `make test` fetches it", clip.display());
    check("vtest", &clip);
}

#[test]
fn a_plaza_from_above_is_watched() {
    check_shared("plaza", "ceiling/plaza.avi");
}

#[test]
fn a_crowded_train_door_is_watched() {
    check_shared("train_door", "ceiling/train_door.mp4");
}

#[test]
fn a_table_that_people_visit_is_watched() {
    check_shared("table", "table-visits/one-by-one-person-detection.mp4");
}

#[test]
fn a_street_with_a_clip_of_three_seconds_is_watched() {
    check_shared("street", "tud-campus/TUD-Campus.mp4");
}
