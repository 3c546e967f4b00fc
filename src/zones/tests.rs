//! Stays, visits and who carries them on.

use super::*;
use crate::geom::{ImagePoint, Polygon};
use crate::time::WallTime;
use proptest::prelude::*;

const FRAME_MS: u64 = 100;

fn at(ms: u64) -> FrameTime {
    FrameTime::of_run(WallTime::from_unix_ms(1_000_000), Duration::from_millis(ms))
}

/// From x = 100 to 200; a metre is 50 px.
fn table() -> ZoneSettings {
    let corners = [(100.0, 0.0), (200.0, 0.0), (200.0, 100.0), (100.0, 100.0)];
    let polygon = Polygon::new(corners.map(|(x, y)| ImagePoint::new(x, y)).to_vec()).unwrap();
    ZoneSettings::new(ZoneId::parse("table").unwrap(), Area::Image(polygon))
}

fn standing(track: u64, ms: u64, x: f32) -> Standing {
    let foot_in_image = ImagePoint::new(x, 50.0);
    Standing {
        track: TrackId(track),
        frame: 1,
        at: at(ms),
        foot_in_image,
        foot_in_floor: None,
        metre_px: 50.0,
    }
}

/// Plays sightings, `(track, from ms, to ms, x)`, and gives every step.
fn play(settings: &[ZoneSettings], sightings: &[(u64, u64, u64, f32)]) -> Vec<ZoneStep> {
    let (mut zones, mut steps) = (Zones::new(settings.to_vec()), Vec::new());
    let end = sightings.iter().map(|(_, _, to, _)| *to).max().unwrap_or(0);
    for now in (0..=end).step_by(FRAME_MS as usize) {
        for (track, from, to, x) in sightings {
            if (*from..*to).contains(&now) {
                zones.see(&standing(*track, now, *x));
            }
        }
        zones.settle(at(now), &mut steps);
    }
    zones.finish(at(end), &mut steps);
    steps.into_iter().map(|(_, step)| step).collect()
}

fn visits(steps: &[ZoneStep]) -> String {
    let visit = |step: &ZoneStep| match step {
        ZoneStep::Ended { visit: v, .. } => {
            let s = |span: Duration| span.as_secs_f64();
            let end = format!("{:?}", v.end).to_lowercase();
            Some(format!("{} {} for {} {end}", v.track, s(v.enter.elapsed), s(v.dwell())))
        }
        _ => None,
    };
    steps.iter().filter_map(visit).collect::<Vec<_>>().join("; ")
}

/// One door for the walks of whole seconds: `(track, from s, to s, x)`, and the visits they make.
fn check(sightings: &[(u64, f64, f64, f32)], expected: &str) {
    let ms = |seconds: f64| (1e3 * seconds) as u64;
    let walks: Vec<_> =
        sightings.iter().map(|(track, from, to, x)| (*track, ms(*from), ms(*to), *x)).collect();
    assert_eq!(visits(&play(&[table()], &walks)), expected);
}

const IN: f32 = 150.0;
const OUT: f32 = 50.0;

#[test]
fn a_stay_counts_from_entering_to_the_last_time_inside() {
    check(&[(1, 0.0, 2.0, OUT), (1, 2.0, 12.0, IN), (1, 12.0, 20.0, OUT)], "1 2 for 9.9 left");
}

#[test]
fn somebody_who_walks_through_is_no_visitor() {
    check(&[(1, 0.0, 2.0, OUT), (1, 2.0, 5.0, IN), (1, 5.0, 20.0, OUT)], "");
}

#[test]
fn a_foot_that_flickers_in_from_outside_starts_nothing_and_ends_nothing() {
    let flicker: Vec<_> = (0..60).map(|n| (1, 0.2 * f64::from(n), 0.2 * f64::from(n) + 0.1, IN)).collect();
    let outside = (0..60).map(|n| (1, 0.2 * f64::from(n) + 0.1, 0.2 * f64::from(n + 1), OUT));
    let all: Vec<_> = flicker.iter().copied().chain(outside).collect();
    check(&all, "");
    check(
        &[(1, 0.0, 8.0, IN), (1, 8.0, 8.4, OUT), (1, 8.4, 14.0, IN), (1, 14.0, 20.0, OUT)],
        "1 0 for 13.9 left",
    );
}

#[test]
fn a_flicker_after_somebody_left_does_not_put_off_the_end() {
    check(
        &[(1, 0.0, 8.0, IN), (1, 8.0, 9.0, OUT), (1, 9.0, 9.1, IN), (1, 9.1, 20.0, OUT)],
        "1 0 for 7.9 left",
    );
}

#[test]
fn a_step_aside_and_back_is_one_visit_and_a_longer_one_two() {
    check(&[(1, 0.0, 8.0, IN), (1, 8.0, 9.5, OUT), (1, 9.5, 20.0, IN)], "1 0 for 19.9 stopped");
    check(
        &[(1, 0.0, 8.0, IN), (1, 8.0, 11.0, OUT), (1, 11.0, 20.0, IN)],
        "1 0 for 7.9 left; 1 11 for 8.9 stopped",
    );
}

#[test]
fn whoever_was_hidden_and_comes_back_as_another_track_makes_one_visit() {
    check(&[(1, 0.0, 5.0, IN), (2, 8.0, 12.0, 160.0), (2, 12.0, 16.0, OUT)], "1 0 for 11.9 left");
}

#[test]
fn a_new_track_too_far_or_too_late_is_somebody_else() {
    let mut wide = table();
    wide.area = Area::Image(
        Polygon::new(
            [(0.0, 0.0), (900.0, 0.0), (900.0, 100.0), (0.0, 100.0)]
                .map(|(x, y)| ImagePoint::new(x, y))
                .to_vec(),
        )
        .unwrap(),
    );
    let far = play(&[wide], &[(1, 0, 8_000, 100.0), (2, 9_000, 17_000, 400.0), (3, 0, 30_000, -50.0)]);
    assert_eq!(visits(&far), "1 0 for 7.9 lost; 2 9 for 7.9 lost");
    check(
        &[(1, 0.0, 8.0, IN), (2, 13.0, 21.0, IN), (3, 0.0, 30.0, OUT)],
        "1 0 for 7.9 lost; 2 13 for 7.9 lost",
    );
}

#[test]
fn a_track_that_is_still_seen_gives_its_stay_to_nobody() {
    check(&[(1, 0.0, 10.0, IN), (2, 3.0, 10.0, 155.0)], "2 3 for 6.9 stopped; 1 0 for 9.9 stopped");
}

#[test]
fn staff_is_marked_from_the_beginning_of_the_stay() {
    let (mut zones, mut steps) = (Zones::new(vec![table()]), Vec::new());
    for now in (0..10_000).step_by(100) {
        zones.see(&standing(1, now, IN));
        zones.settle(at(now), &mut steps);
        if now == 8_000 {
            zones.is_staff(TrackId(1));
        }
    }
    let found = ZoneStep::FoundToBeStaff { at: at(0), until: at(8_000) };
    assert!(steps.iter().any(|(_, step)| *step == found), "{steps:?}");
}

#[test]
fn what_is_over_is_forgotten() {
    let (mut zones, mut steps) = (Zones::new(vec![table()]), Vec::new());
    for track in 1..=50 {
        zones.see(&standing(track, 100 * track, IN));
        zones.forget(TrackId(track));
    }
    zones.settle(at(60_000), &mut steps);
    assert_eq!(zones.remembered(), 0);
}

proptest! {
    #[test]
    fn a_visit_is_told_once_whole_and_without_overlap(
        walks in prop::collection::vec((1u64..6, 0u64..30_000, 0u64..15_000, 0.0f32..300.0), 1..12)
    ) {
        let walks: Vec<_> = walks.into_iter().map(|(track, from, length, x)| (track, from, from + length, x)).collect();
        let steps = play(&[table()], &walks);
        let (mut dwell, mut told, mut begun, mut ended) = (Duration::ZERO, Duration::ZERO, 0, 0);
        for step in &steps {
            match step {
                ZoneStep::Began { .. } => begun += 1,
                ZoneStep::Stayed { from, until, .. } => told += until.since(*from),
                ZoneStep::Ended { visit, .. } => {
                    ended += 1;
                    dwell += visit.dwell();
                    prop_assert!(visit.dwell() >= visit.rule.visit_after);
                }
                _ => {}
            }
        }
        prop_assert_eq!((dwell, begun), (told, ended));
    }
}
