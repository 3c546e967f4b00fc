//! The rules for visitors, each by what people do: walks in metres past one door, and what is found out.

use super::*;
use crate::geom::{FloorPoint, ImagePoint, Polygon};
use crate::ids::ZoneId;
use crate::time::WallTime;
use crate::zones::Standing;
use proptest::prelude::*;

/// The door lies at x = 0 and the store at x > 0; a line along the front at y = -5. Pictures come five times a second.
const STEP_MS: u64 = 200;

/// A straight walk of one track, tenths of a metre: from there to there, and when, ms.
#[derive(Debug, Clone, Copy)]
struct Leg {
    track: u64,
    from: (i32, i32),
    to: (i32, i32),
    ms: (u64, u64),
}

fn leg(track: u64, from: (i32, i32), to: (i32, i32), ms: (u64, u64)) -> Leg {
    Leg { track, from, to, ms }
}

fn at(ms: u64) -> FrameTime {
    FrameTime::of_run(WallTime::from_unix_ms(0), Duration::from_millis(ms))
}

fn lines() -> Vec<(LineId, LineRole)> {
    [("door", LineRole::Door), ("front", LineRole::Passersby)]
        .map(|(id, role)| (LineId::parse(id).unwrap(), role))
        .to_vec()
}

/// A square of 2 m around the point, in px of a picture on which a metre is 100 px.
fn place(x_m: f32, y_m: f32) -> Vec<Polygon> {
    let corner = |dx: f32, dy: f32| ImagePoint::new(100.0 * (x_m + dx), 100.0 * (y_m + dy));
    vec![
        Polygon::new(vec![corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)])
            .unwrap(),
    ]
}

fn standing(track: u64, (x_m, y_m): (f64, f64), ms: u64) -> Standing {
    Standing {
        track: TrackId(track),
        frame: ms / STEP_MS,
        at: at(ms),
        foot_in_image: ImagePoint::new(100.0 * x_m as f32, 100.0 * y_m as f32),
        foot_in_floor: Some(FloorPoint { x_m, y_m }),
        metre_px: 100.0,
    }
}

/// One walk through the camera's view; crossings are those of the point that walks.
struct Scene {
    visitors: Visitors,
    last: Vec<(u64, (f64, f64), u64)>,
    findings: Vec<Finding>,
    staff: Vec<StaffTrack>,
    entries: usize,
}

impl Scene {
    fn new(settings: VisitorSettings, space: Space) -> Self {
        let visitors = Visitors::new(settings, lines(), space, Duration::from_secs(4));
        Self { visitors, last: Vec::new(), findings: Vec::new(), staff: Vec::new(), entries: 0 }
    }

    fn frame(&mut self, legs: &[Leg], ms: u64) {
        for leg in legs.iter().filter(|leg| (leg.ms.0..=leg.ms.1).contains(&ms)) {
            let share = (ms - leg.ms.0) as f64 / (leg.ms.1 - leg.ms.0).max(1) as f64;
            let between = |from: i32, to: i32| 0.1 * (f64::from(from) + share * f64::from(to - from)) + 0.01;
            let here = (between(leg.from.0, leg.to.0), between(leg.from.1, leg.to.1));
            self.visitors.see(&standing(leg.track, here, ms));
            self.cross(leg.track, here, ms);
        }
        self.visitors.frame_is_over(at(ms));
        let gone: Vec<u64> =
            self.last.extract_if(.., |seen| seen.2 + 2_000 < ms).map(|seen| seen.0).collect();
        gone.into_iter().for_each(|track| self.visitors.ended(TrackId(track)));
        self.visitors.settle(at(ms), &mut self.findings);
        self.visitors.take_staff(&mut self.staff);
    }

    fn cross(&mut self, track: u64, here: (f64, f64), ms: u64) {
        let Some(seen) = self.last.iter_mut().find(|seen| seen.0 == track) else {
            self.last.push((track, here, ms));
            return;
        };
        let before = std::mem::replace(seen, (track, here, ms)).1;
        let crossed = [
            ("door", before.0 < 0.0, here.0 < 0.0, here.1.abs() < 2.0),
            ("front", before.1 < -5.0, here.1 < -5.0, true),
        ];
        for (line, was_out, is_out, between_the_ends) in crossed {
            if was_out != is_out && between_the_ends {
                let direction = if is_out { Direction::Out } else { Direction::In };
                let line = LineId::parse(line).unwrap();
                self.entries += usize::from(line.as_str() == "door" && direction == Direction::In);
                let crossing =
                    Crossing { line, direction, track: TrackId(track), frame: ms / STEP_MS, at: at(ms) };
                self.visitors.crossing(&crossing);
            }
        }
    }

    fn play(settings: VisitorSettings, space: Space, legs: &[Leg], badges: &[u64]) -> Self {
        let mut scene = Self::new(settings, space);
        let end = legs.iter().map(|leg| leg.ms.1).max().unwrap_or(0) + 80_000;
        for ms in (0..=end).step_by(STEP_MS as usize) {
            if badges.contains(&ms) {
                let reading = BadgeReading { badge: BadgeId::of("anna"), zone: None, at: at(ms).wall };
                scene.visitors.badge(&reading);
            }
            scene.frame(legs, ms);
        }
        scene.visitors.finish(at(end), &mut scene.findings);
        scene.visitors.take_staff(&mut scene.staff);
        scene
    }

    /// What was found out, in the order of the crossings.
    fn shown(&self) -> String {
        let mut words: Vec<(u64, String)> = self
            .findings
            .iter()
            .map(|finding| {
                let what = match finding.found {
                    Found::Staff(Direction::In) => "staff in".to_owned(),
                    Found::Staff(Direction::Out) => "staff out".to_owned(),
                    Found::Reentry => "back".to_owned(),
                    Found::Group { size } => format!("group of {size}"),
                    Found::Passerby => "passed by".to_owned(),
                };
                let second = finding.at.elapsed.as_secs();
                (second, format!("{what}@{second}"))
            })
            .collect();
        words.sort();
        words.into_iter().map(|(_, word)| word).collect::<Vec<_>>().join(", ")
    }
}

#[track_caller]
fn check(settings: VisitorSettings, legs: &[Leg], expected: &str) {
    let scene = Scene::play(settings.clone(), Space::FloorM, legs, &[]);
    assert_eq!(scene.shown(), expected, "on the floor");
}

/// In from two metres before the door to four behind it, at 1 m/s from `ms` on, `y` tenths of a metre along it.
fn comes_in(track: u64, y: i32, ms: u64) -> Leg {
    leg(track, (-20, y), (40, y), (ms, ms + 6_000))
}

#[test]
fn two_who_walk_in_side_by_side_are_one_group() {
    let pair = [comes_in(1, -3, 0), comes_in(2, 3, 0)];
    check(VisitorSettings::default(), &pair, "group of 2@2");
    let scene = Scene::play(VisitorSettings::default(), Space::ImagePx, &pair, &[]);
    assert_eq!(scene.shown(), "group of 2@2", "on the picture");
}

#[test]
fn three_of_whom_two_are_far_apart_are_one_group_by_the_one_between_them() {
    let three = [comes_in(1, -12, 0), comes_in(2, 0, 0), comes_in(3, 12, 0)];
    check(VisitorSettings::default(), &three, "group of 3@2");
}

#[test]
fn who_comes_in_after_somebody_else_is_alone() {
    check(
        VisitorSettings::default(),
        &[comes_in(1, 0, 0), comes_in(2, 0, 3_000)],
        "group of 1@2, group of 1@5",
    );
}

#[test]
fn who_meets_somebody_coming_out_is_alone() {
    let legs = [comes_in(1, 0, 0), leg(2, (40, 5), (-20, 5), (0, 6_000))];
    check(VisitorSettings::default(), &legs, "group of 1@2");
}

#[test]
fn a_queue_outside_is_no_group() {
    let waits = |track, x| leg(track, (x, 0), (x, 0), (0, 20_000));
    let enters = |track, x, ms| leg(track, (x, 0), (40, 0), (ms, ms + 4_000));
    let legs = [waits(1, -5), waits(2, -13), enters(1, -5, 20_200), enters(2, -13, 26_000)];
    check(VisitorSettings::default(), &legs, "group of 1@20, group of 1@27");
}

#[test]
fn who_steps_out_and_comes_back_was_here_before() {
    let legs = [leg(1, (40, 0), (-20, 0), (0, 6_000)), comes_in(1, 0, 6_200)];
    check(VisitorSettings::default(), &legs, "back@8, group of 1@8");
}

#[test]
fn who_stands_outside_is_lost_there_and_appears_again_was_here_before() {
    let out = [leg(1, (40, 0), (-20, 0), (0, 6_000)), leg(1, (-20, 0), (-20, 0), (6_200, 9_000))];
    let back = |x, y| [out[0], out[1], leg(2, (x, y), (40, 0), (12_000, 18_000))];
    check(VisitorSettings::default(), &back(-20, 3), "back@14, group of 1@14");
    check(VisitorSettings::default(), &back(-60, 30), "group of 1@15");
}

#[test]
fn who_comes_where_somebody_else_has_just_walked_out_of_view_is_not_that_person() {
    let legs = [leg(1, (40, 0), (-20, 0), (0, 6_000)), comes_in(2, 3, 9_000)];
    check(VisitorSettings::default(), &legs, "group of 1@11");
}

#[test]
fn who_comes_in_long_after_somebody_went_out_is_somebody_else() {
    let legs = [leg(1, (40, 0), (-20, 0), (0, 6_000)), comes_in(2, 0, 12_000)];
    check(VisitorSettings::default(), &legs, "group of 1@14");
}

#[test]
fn re_entry_can_be_switched_off() {
    let reentry = ReentrySettings { window: Duration::ZERO, ..ReentrySettings::default() };
    let legs = [leg(1, (40, 0), (-20, 0), (0, 6_000)), comes_in(1, 0, 6_200)];
    check(VisitorSettings { reentry, ..VisitorSettings::default() }, &legs, "group of 1@8");
}

fn staff(change: impl FnOnce(&mut StaffSettings)) -> VisitorSettings {
    let mut settings = VisitorSettings::default();
    change(&mut settings.staff);
    settings
}

#[test]
fn who_goes_into_the_stockroom_is_staff_and_what_was_counted_before_is_corrected() {
    let settings = staff(|staff| staff.staff_only = place(4.0, 0.0));
    let legs = [
        comes_in(1, 0, 0),
        leg(1, (40, 0), (40, 2), (6_200, 9_000)),
        leg(1, (40, 2), (-20, 2), (9_200, 15_200)),
    ];
    check(settings.clone(), &legs, "group of 1@2, staff in@2, staff out@13");
    check(settings, &[comes_in(1, 0, 0), leg(1, (40, 0), (90, 0), (6_200, 8_000))], "group of 1@2");
}

#[test]
fn who_comes_into_view_behind_the_counter_is_staff() {
    let settings = staff(|staff| staff.counter = place(4.0, 0.0));
    check(settings.clone(), &[leg(1, (40, 0), (-20, 0), (0, 6_000))], "staff out@4");
    check(settings, &[comes_in(1, 0, 0)], "group of 1@2");
}

#[test]
fn who_stays_longer_than_customers_do_is_staff_also_over_a_moment_in_which_they_are_lost() {
    let settings = staff(|staff| staff.stay = Some(Duration::from_secs(60)));
    let stays = |track, from, to| leg(track, (40, 0), (41, 0), (from, to));
    check(settings.clone(), &[comes_in(1, 0, 0), stays(1, 6_200, 70_000)], "group of 1@2, staff in@2");
    check(settings.clone(), &[comes_in(1, 0, 0), stays(1, 6_200, 50_000)], "group of 1@2");
    let lost = [
        comes_in(1, 0, 0),
        stays(1, 6_200, 40_000),
        stays(2, 43_000, 70_000),
        leg(2, (41, 0), (-20, 0), (70_200, 77_000)),
    ];
    check(settings, &lost, "group of 1@2, staff out@74");
}

#[test]
fn who_comes_and_goes_with_a_badge_is_staff_and_nobody_else() {
    let settings = VisitorSettings::default();
    let stays = |track, y| leg(track, (40, y), (41, y), (0, 60_000));
    let legs =
        [stays(1, 0), leg(1, (40, 0), (-20, 0), (60_200, 66_200)), leg(2, (40, 30), (41, 30), (0, 140_000))];
    let badges: Vec<u64> = (0..66_000).step_by(4_000).collect();
    let scene = Scene::play(settings, Space::FloorM, &legs, &badges);
    assert_eq!(scene.shown(), "staff out@64");
    assert_eq!(scene.staff.iter().map(|s| (s.track.0, s.why)).collect::<Vec<_>>(), [(1, StaffWhy::Badge)]);
}

#[test]
fn who_walks_along_the_front_passes_by_and_who_turns_in_does_not() {
    let along = leg(1, (-50, -80), (-50, -20), (0, 6_000));
    check(VisitorSettings::default(), &[along], "passed by@3");
    let turns_in = leg(1, (-50, -20), (40, 0), (6_200, 15_200));
    check(VisitorSettings::default(), &[along, turns_in], "group of 1@11");
}

#[test]
fn everybody_is_forgotten_some_time_after_they_have_gone() {
    let legs = [comes_in(1, 0, 0), comes_in(2, 5, 0), leg(3, (-50, -80), (-50, -20), (0, 6_000))];
    assert_eq!(Scene::play(VisitorSettings::default(), Space::FloorM, &legs, &[]).visitors.remembered(), 0);
}

#[test]
fn a_zone_id_in_a_badge_reading_keeps_it_out_of_the_rest_of_the_view() {
    let zone = Some(ZoneId::parse("stockroom").unwrap());
    let mut scene = Scene::new(VisitorSettings::default(), Space::FloorM);
    let legs = [leg(1, (40, 0), (41, 0), (0, 10_000))];
    for ms in (0..100_000).step_by(STEP_MS as usize) {
        if ms <= 10_000 {
            let reading = BadgeReading { badge: BadgeId::of("anna"), zone: zone.clone(), at: at(ms).wall };
            scene.visitors.badge(&reading);
        }
        scene.frame(&legs, ms);
    }
    assert_eq!(scene.staff, []);
}

fn any_legs() -> impl Strategy<Value = Vec<Leg>> {
    let point = || (-40i32..60, -70i32..30);
    let one = (1u64..8, point(), point(), 0u64..40, 1u64..10);
    prop::collection::vec(one, 0..16).prop_map(|legs| {
        legs.into_iter()
            .map(|(track, from, to, start, s)| leg(track, from, to, (1000 * start, 1000 * (start + s))))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn everybody_who_comes_in_is_in_one_group(legs in any_legs()) {
        let scene = Scene::play(VisitorSettings::default(), Space::FloorM, &legs, &[]);
        let size = |finding: &Finding| if let Found::Group { size } = finding.found { size } else { 0 };
        prop_assert_eq!(scene.findings.iter().map(size).sum::<usize>(), scene.entries);
        let back = scene.findings.iter().filter(|finding| finding.found == Found::Reentry).count();
        prop_assert!(back <= scene.entries);
    }

    #[test]
    fn staff_never_cross_more_often_than_all(legs in any_legs()) {
        let settings = staff(|staff| { staff.counter = place(2.0, 0.0); staff.stay = Some(Duration::from_secs(9)); });
        let scene = Scene::play(settings, Space::FloorM, &legs, &[]);
        let staff_in = scene.findings.iter().filter(|f| f.line.as_str() == "door" && f.found == Found::Staff(Direction::In));
        prop_assert!(staff_in.count() <= scene.entries);
    }
}
