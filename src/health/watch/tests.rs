use super::*;
use crate::time::WallTime;

const WIDTH: usize = 384;
const HEIGHT: usize = 216;

/// A shop of shelves and posters, seen by a camera, at one moment.
#[derive(Clone)]
struct Shown {
    /// How bright it is, 1 as usual.
    light: f32,
    /// How far the camera has been pushed to the right, px.
    pushed: i32,
    /// Blocks of clothes that walk by.
    people: usize,
    /// A shelf stands where another stood.
    refitted: bool,
    /// As an infrared lamp shows it: other brightness for each thing, and brighter in the middle.
    infrared: bool,
    /// A bag over the lens.
    covered: bool,
    /// The encoder repeats the picture of this look.
    stuck_at: Option<u32>,
    /// Another room.
    elsewhere: bool,
}

const USUAL: Shown = Shown {
    light: 1.0,
    pushed: 0,
    people: 3,
    refitted: false,
    infrared: false,
    covered: false,
    stuck_at: None,
    elsewhere: false,
};

fn mixed(a: u32, b: u32, c: u32) -> u32 {
    let mut x = a.wrapping_mul(0x9E37_79B1) ^ b.wrapping_mul(0x85EB_CA77) ^ c.wrapping_mul(0xC2B2_AE3D);
    x ^= x >> 15;
    x = x.wrapping_mul(0x2C1B_3C6D);
    x ^ (x >> 12)
}

/// Brightness of the place: patches of 28 by 20 px, each with one of its own.
fn place(x: i32, y: i32, shown: &Shown) -> f32 {
    let (column, row) = (x.div_euclid(28).cast_unsigned(), y.div_euclid(20).cast_unsigned());
    let room = if shown.elsewhere { 77 } else { u32::from(shown.refitted && (40..120).contains(&x)) };
    let level = 40.0 + (mixed(column, row, room) % 160) as f32;
    if !shown.infrared {
        return level;
    }
    // Some dyes turn bright under infrared; edges keep their places, and most of them their way.
    let dye = if mixed(column, row, 9).is_multiple_of(4) { 60.0 } else { 0.0 };
    let from_middle = ((x - 192).abs() + (y - 108).abs()) as f32 / 300.0;
    (0.6 * level + dye) * (1.2 - 0.6 * from_middle)
}

fn picture(shown: &Shown, look: u32) -> Picture {
    let look = shown.stuck_at.unwrap_or(look);
    let mut bgr = Vec::with_capacity(3 * WIDTH * HEIGHT);
    for y in 0..HEIGHT as i32 {
        for x in 0..WIDTH as i32 {
            let someone = (0..shown.people as u32).find(|person| {
                let walked = (look * 23 + mixed(*person, 1, 0)) % (WIDTH as u32 + 60);
                let (left, top) = (walked as i32 - 30, (mixed(*person, 2, 0) % 140) as i32);
                (left..left + 26).contains(&x) && (top..top + 76).contains(&y)
            });
            let level = match someone {
                _ if shown.covered => 120.0,
                Some(person) => (mixed(person, 3, (y / 25).cast_unsigned()) % 200) as f32,
                None => place(x - shown.pushed, y, shown),
            };
            let noise = (mixed(x.cast_unsigned(), y.cast_unsigned(), look) % 5) as f32 - 2.0;
            bgr.extend([(shown.light * level + noise).clamp(0.0, 255.0) as u8; 3]);
        }
    }
    Picture { width: WIDTH as u32, height: HEIGHT as u32, bgr }
}

fn at_look(look: u32) -> FrameTime {
    FrameTime::of_run(WallTime::default(), Duration::from_millis(500 * u64::from(look)))
}

/// Two looks a second at what is shown from each of these seconds on, up to `end_s`; what is told, each with the
/// second in which it is.
fn told(scenes: &[(u32, Shown)], end_s: u32) -> (PictureWatch, Vec<String>) {
    let (mut watch, mut changes, mut told) =
        (PictureWatch::new(HealthSettings::DEFAULT), Vec::new(), Vec::new());
    for look in 0..2 * end_s {
        let (_, shown) = scenes.iter().rfind(|(from_s, _)| *from_s <= look / 2).unwrap();
        watch.look(at_look(look), &picture(shown, look), &mut changes);
        told.extend(changes.drain(..).map(|c| format!("{} {:?} {}", c.condition, c.turn, look / 2)));
    }
    (watch, told)
}

#[track_caller]
fn check(scenes: &[(u32, Shown)], end_s: u32, expected: &[&str]) {
    let (watch, told) = told(scenes, end_s);
    assert_eq!(told, expected);
    assert!(watch.background().is_some(), "nothing was learned");
}

/// As usual for 30 s, then so for `for_s`, then as usual again.
fn meanwhile(shown: Shown, for_s: u32) -> [(u32, Shown); 3] {
    [(0, USUAL), (30, shown), (30 + for_s, USUAL)]
}

#[test]
fn a_quiet_shop_and_a_crowd_raise_nothing() {
    check(&[(0, USUAL)], 90, &[]);
    check(&meanwhile(Shown { people: 40, ..USUAL }, 80), 120, &[]);
}

#[test]
fn lamps_a_refitted_shelf_and_infrared_at_night_raise_nothing() {
    check(&meanwhile(Shown { light: 0.4, ..USUAL }, 60), 110, &[]);
    check(&meanwhile(Shown { light: 1.4, ..USUAL }, 60), 110, &[]);
    check(&[(0, USUAL), (30, Shown { refitted: true, ..USUAL })], 130, &[]);
    check(&meanwhile(Shown { infrared: true, people: 0, ..USUAL }, 80), 130, &[]);
}

#[test]
fn a_camera_that_is_pushed_aside_is_moved_until_somebody_confirms() {
    let pushed = Shown { pushed: 8, ..USUAL };
    let (mut watch, told) = told(&meanwhile(pushed.clone(), 60), 120);
    assert_eq!(told, ["moved Began 53"], "it does not end when it is pushed back, for nobody has looked");
    let mut changes = Vec::new();
    watch.confirm(at_look(240), &mut changes);
    assert_eq!(
        changes.iter().map(|c| (c.condition, c.turn)).collect::<Vec<_>>(),
        [(Condition::Moved, Turn::Ended)]
    );
    changes.clear();
    for look in 241..400 {
        watch.look(at_look(look), &picture(&pushed, look), &mut changes);
    }
    assert_eq!(changes, [], "what was confirmed is the place now");
    assert!(watch.background().is_some_and(|background| background.moved_since.is_none()));
}

#[test]
fn a_camera_that_is_turned_to_another_room_is_moved() {
    check(&[(0, USUAL), (30, Shown { elsewhere: true, ..USUAL })], 130, &["moved Began 98"]);
}

#[test]
fn a_camera_that_is_pushed_and_put_back_at_once_is_not_moved() {
    check(&meanwhile(Shown { pushed: 20, ..USUAL }, 10), 100, &[]);
}

#[test]
fn a_bag_over_the_lens_blocks_until_it_is_taken_off() {
    check(&meanwhile(Shown { covered: true, ..USUAL }, 40), 110, &["blocked Began 50", "blocked Ended 73"]);
}

#[test]
fn a_shop_without_light_is_dark_and_neither_blocked_nor_moved() {
    check(&meanwhile(Shown { light: 0.05, ..USUAL }, 120), 170, &["dark Began 40", "dark Ended 153"]);
}

#[test]
fn a_picture_that_repeats_is_frozen_until_the_first_that_does_not() {
    check(
        &meanwhile(Shown { stuck_at: Some(60), ..USUAL }, 40),
        100,
        &["frozen Began 40", "frozen Ended 70"],
    );
}

#[test]
fn a_camera_moved_while_the_box_was_off_is_found_and_stays_moved_over_a_restart() {
    let (watch, _) = told(&[(0, USUAL)], 30);
    let (_, known) = Background::parse(&watch.background().unwrap().to_text("g")).unwrap();
    let (mut later, mut changes) = (PictureWatch::new(HealthSettings::DEFAULT), Vec::new());
    later.remember(known, at_look(0), &mut changes);
    for look in 0..100 {
        later.look(at_look(look), &picture(&Shown { pushed: -12, ..USUAL }, look), &mut changes);
    }
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0].condition, Condition::Moved);
    let (mut again, mut told) = (PictureWatch::new(HealthSettings::DEFAULT), Vec::new());
    again.remember(later.background().unwrap().clone(), at_look(0), &mut told);
    assert_eq!(
        told.iter().map(|c| (c.condition, c.turn)).collect::<Vec<_>>(),
        [(Condition::Moved, Turn::Began)]
    );
}

#[test]
fn a_picture_that_is_empty_tiny_or_cut_short_does_no_harm() {
    let (mut watch, mut changes) = (PictureWatch::new(HealthSettings::DEFAULT), Vec::new());
    let cut = Picture { width: 4000, height: 4000, bgr: vec![0; 9] };
    let tiny = Picture { width: 3, height: 2, bgr: vec![0; 18] };
    for (look, picture) in (0..).zip([Picture::default(), cut, tiny]) {
        watch.look(at_look(look), &picture, &mut changes);
    }
    assert_eq!(changes, []);
    assert!(watch.sees());
}
