//! The foreground detector on drawn pictures: people are discs that walk over textured ground.
//!
//! Everything goes through the real adapter, with OpenCV. What is drawn is known, so nothing here depends on a clip.
#![cfg(feature = "capture-opencv")]

use footfall::capture::Picture;
use footfall::detect::{Detection, Detector, ForegroundDetector};
use footfall::geom::{ImagePoint, PictureSize};
use footfall::time::{FrameTime, WallTime};
use std::time::Duration;

const SIZE: PictureSize = PictureSize { width: 320, height: 240 };
const FPS: f32 = 10.0;
/// Boxes from this score on start a track.
const STARTS: f32 = 0.45;
const RED: [u8; 3] = [40, 40, 190];
const BLUE: [u8; 3] = [180, 60, 30];

/// Someone drawn as an upright ellipse of the size that is expected at first, and their clothes.
struct Person {
    x: f32,
    y: f32,
    clothes: [u8; 3],
}

/// What one frame shows.
#[derive(Default)]
struct Shown {
    people: Vec<Person>,
    /// How much lighter everything is.
    light: i16,
    /// An upright panel: left, top, right, bottom.
    panel: Option<[u32; 4]>,
}

fn draw(shown: &Shown, frame: u32) -> Picture {
    let mut bgr = Vec::with_capacity((SIZE.width * SIZE.height * 3) as usize);
    for y in 0..SIZE.height {
        for x in 0..SIZE.width {
            let mut px = ground(x, y);
            if shown.panel.is_some_and(|[l, t, r, b]| (l..r).contains(&x) && (t..b).contains(&y)) {
                px = [60, 90, 40];
            }
            let inside =
                |p: &&Person| ((x as f32 - p.x) / 12.0).powi(2) + ((y as f32 - p.y) / 24.0).powi(2) < 1.0;
            // Who is lower in the picture stands in front.
            let front = shown.people.iter().filter(inside).max_by(|a, b| a.y.total_cmp(&b.y));
            if let Some(person) = front {
                // Folds go along with who wears them.
                let (across, down) =
                    ((x as f32 - person.x + 40.0) as u32, (y as f32 - person.y + 40.0) as u32);
                let fold = (self::noise(across / 4, down / 4, 0) % 50) as u8;
                px = person.clothes.map(|value| value.saturating_add(fold));
            }
            let noise = (self::noise(x, y, frame) % 9) as i16 - 4;
            bgr.extend(px.map(|value| (i16::from(value) + shown.light + noise).clamp(0, 255) as u8));
        }
    }
    Picture { width: SIZE.width, height: SIZE.height, bgr }
}

/// Tiles of slightly different grey.
fn ground(x: u32, y: u32) -> [u8; 3] {
    let tile = noise(x / 16, y / 16, 0) % 30;
    [110 + tile as u8; 3]
}

fn noise(x: u32, y: u32, frame: u32) -> u32 {
    let mixed = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77) ^ frame.wrapping_mul(0xC2B2_AE3D);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2C1B_3C6D);
    mixed ^ (mixed >> 13)
}

/// Shows `frames` pictures and gives what was found in each.
fn watch(frames: u32, shown: impl Fn(f32) -> Shown) -> Vec<Vec<Detection>> {
    let mut detector = ForegroundDetector::new();
    let mut found = Vec::new();
    (0..frames)
        .map(|frame| {
            let seconds = frame as f32 / FPS;
            let at = FrameTime::of_run(WallTime::default(), Duration::from_secs_f32(seconds));
            detector.detect(&draw(&shown(seconds), frame), at, &mut found).expect("a sound picture");
            found.clone()
        })
        .collect()
}

fn sure(found: &[Detection]) -> Vec<ImagePoint> {
    found.iter().filter(|d| d.score >= STARTS).map(|d| d.bbox.centre()).collect()
}

/// Whether exactly these people are surely seen, each within half a width.
fn check(found: &[Detection], people: &[(f32, f32)]) {
    let seen = sure(found);
    assert_eq!(seen.len(), people.len(), "{people:?} are seen as {seen:?}");
    for (x, y) in people {
        let near = seen.iter().any(|at| (at.x - x).abs() < 14.0 && (at.y - y).abs() < 16.0);
        assert!(near, "{x}, {y} is none of {seen:?}");
    }
}

fn walker(x: f32, y: f32, clothes: [u8; 3]) -> Shown {
    Shown { people: vec![Person { x, y, clothes }], ..Shown::default() }
}

#[test]
fn an_empty_place_with_noise_shows_nobody() {
    for found in watch(100, |_| Shown::default()) {
        assert_eq!(found, []);
    }
}

#[test]
fn somebody_who_walks_is_seen_where_they_are() {
    let x = |seconds: f32| 20.0 + 30.0 * (seconds - 1.0);
    let found = watch(90, |s| if s < 1.0 { Shown::default() } else { walker(x(s), 120.0, RED) });
    for frame in [50, 60, 70, 80] {
        check(&found[frame], &[(x(frame as f32 / FPS), 120.0)]);
    }
}

#[test]
fn somebody_who_stands_for_three_minutes_is_still_seen() {
    let x = |seconds: f32| 20.0 + 30.0 * (seconds - 1.0).clamp(0.0, 5.0);
    let found = watch(1_900, |s| if s < 1.0 { Shown::default() } else { walker(x(s), 120.0, RED) });
    for frame in [80, 500, 1_000, 1_890] {
        check(&found[frame], &[(170.0, 120.0)]);
    }
}

#[test]
fn two_who_meet_and_part_stay_two() {
    let places = |s: f32| {
        let walked = 25.0 * (s - 1.0);
        [(40.0 + walked, 112.0), (280.0 - walked, 134.0)]
    };
    let found = watch(100, |s| {
        if s < 1.0 {
            return Shown::default();
        }
        let [a, b] = places(s);
        let people = vec![Person { x: a.0, y: a.1, clothes: RED }, Person { x: b.0, y: b.1, clothes: BLUE }];
        Shown { people, ..Shown::default() }
    });
    for frame in [35, 45, 75, 85, 95] {
        check(&found[frame], &places(frame as f32 / FPS));
    }
    for (frame, found) in found.iter().enumerate().take(95).skip(45) {
        assert_eq!(sure(found).len(), 2, "frame {frame}");
    }
}

#[test]
fn a_couple_that_enters_as_one_blob_is_split() {
    let place = |s: f32| 20.0 + 30.0 * (s - 1.0);
    let found = watch(80, |s| {
        if s < 1.0 {
            return Shown::default();
        }
        let person = |x: f32, clothes| Person { x, y: place(s), clothes };
        Shown { people: vec![person(150.0, RED), person(172.0, BLUE)], ..Shown::default() }
    });
    check(&found[60], &[(150.0, place(6.0)), (172.0, place(6.0))]);
}

#[test]
fn the_light_switched_on_or_off_is_nobody() {
    for light in [60, -60] {
        let found = watch(120, |s| Shown { light: if s < 5.0 { 0 } else { light }, ..Shown::default() });
        for found in found {
            assert_eq!(found, []);
        }
    }
}

#[test]
fn a_door_that_slides_open_is_nobody() {
    let found = watch(300, |s| {
        let open = (40.0 * (s - 2.0)).clamp(0.0, 60.0) as u32;
        Shown { panel: Some([140, 0, 141 + open, 110]), ..Shown::default() }
    });
    assert!(found.iter().all(|found| sure(found).is_empty()), "nobody is sure while it slides");
    assert_eq!(found[299], []);
}

#[test]
fn somebody_there_from_the_start_leaves_no_ghost() {
    let x = |s: f32| 100.0 + 30.0 * (s - 3.0).max(0.0);
    let found = watch(90, |s| walker(x(s), 120.0, RED));
    check(&found[70], &[(x(7.0), 120.0)]);
    check(&found[85], &[(x(8.5), 120.0)]);
}

#[test]
fn a_moved_stand_is_ground_within_two_minutes() {
    let found = watch(1_300, |s| if s < 2.0 { Shown::default() } else { walker(200.0, 100.0, BLUE) });
    assert!(found.iter().all(|found| sure(found).is_empty()));
    assert_eq!(found[1_299], []);
}
