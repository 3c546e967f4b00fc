//! Minutes of zones against the visits that they were made of.

use super::*;
use crate::geom::{ImagePoint, Polygon};
use crate::ids::TrackId;
use crate::time::MINUTE_MS;
use crate::zones::{Area, Standing, Zones};
use proptest::prelude::*;

fn shelf() -> ZoneSettings {
    let corners = [(100.0, 0.0), (200.0, 0.0), (200.0, 100.0), (100.0, 100.0)];
    let polygon = Polygon::new(corners.map(|(x, y)| ImagePoint::new(x, y)).to_vec()).unwrap();
    ZoneSettings::new(ZoneId::parse("shelf").unwrap(), Area::Image(polygon))
}

/// What a run came to: its visits' dwell and number, and its minutes.
struct Came {
    dwell: Duration,
    visits: u32,
    engaged: u32,
    minutes: Vec<ZoneMinute>,
}

/// Plays people, `(from ms, to ms)` inside, with the wall clock set by `step_ms` at `step_at`.
fn play(start_ms: i64, people: &[(u64, u64)], step: (u64, i64)) -> Came {
    let time = |ms: u64| {
        let set = if ms >= step.0 { step.1 } else { 0 };
        let wall = start_ms + set + i64::try_from(ms).unwrap();
        FrameTime { elapsed: Duration::from_millis(ms), wall: WallTime::from_unix_ms(wall) }
    };
    let settings = [shelf()];
    let second = Duration::from_secs(1);
    let (mut zones, mut ledger) =
        (Zones::new(settings.to_vec()), ZoneLedger::new(&settings, time(0), 2 * second, 4 * second));
    let (mut steps, mut minutes, mut queues) = (Vec::new(), Vec::new(), Vec::new());
    let (mut dwell, mut visits, mut engaged) = (Duration::ZERO, 0, 0);
    let end = people.iter().map(|(_, to)| *to).max().unwrap_or(0) + 10_000;
    let mut take = |steps: &mut Vec<(usize, ZoneStep)>, ledger: &mut ZoneLedger| {
        for (zone, step) in steps.drain(..) {
            ledger.step(zone, &step);
            if let ZoneStep::Ended { visit, .. } = step {
                (dwell, visits, engaged) =
                    (dwell + visit.dwell(), visits + 1, engaged + u32::from(visit.engaged));
            }
        }
    };
    for ms in (0..=end).step_by(100) {
        ledger.frame(time(ms), 0);
        for (track, (from, to)) in (1..).zip(people) {
            let x = 110.0 + 7.0 * track as f32;
            if (*from..*to).contains(&ms) {
                let foot_in_image = ImagePoint::new(x, 50.0);
                let (track, at) = (TrackId(track), time(ms));
                zones.see(&Standing {
                    track,
                    frame: 1,
                    at,
                    foot_in_image,
                    foot_in_floor: None,
                    metre_px: 50.0,
                });
            }
        }
        zones.settle(time(ms), &mut steps);
        take(&mut steps, &mut ledger);
        ledger.close(time(ms), &mut minutes, &mut queues);
    }
    zones.finish(time(end), &mut steps);
    take(&mut steps, &mut ledger);
    ledger.finish(time(end), &mut minutes, &mut queues);
    Came { dwell, visits, engaged, minutes }
}

fn shown(came: &Came) -> String {
    let minute = |m: &ZoneMinute| {
        let present =
            m.present.map_or("unseen".to_owned(), |p| format!("{}-{} mean {:.2}", p.min, p.max, p.mean));
        let part = if m.part { " (part)" } else { "" };
        format!(
            "{}: {} visits, {present}, {} s{part}",
            m.start.unix_ms() / MINUTE_MS,
            m.visits,
            m.person.as_secs_f64()
        )
    };
    came.minutes.iter().map(minute).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_visit_over_the_end_of_a_minute_is_cut_there_and_begins_once() {
    let came = play(30_000, &[(20_000, 50_100)], (u64::MAX, 0));
    assert_eq!(
        shown(&came),
        "0: 1 visits, 0-1 mean 0.33, 10 s (part); 1: 0 visits, 0-1 mean 0.66, 20 s (part)"
    );
}

#[test]
fn two_at_a_time_are_the_most() {
    let came = play(0, &[(0, 30_100), (10_000, 30_100)], (u64::MAX, 0));
    assert_eq!(shown(&came), "0: 2 visits, 0-2 mean 1.25, 50 s (part)");
}

#[test]
fn whoever_walks_through_is_in_no_sum() {
    let came = play(0, &[(0, 3_000)], (u64::MAX, 0));
    assert_eq!(shown(&came), "0: 0 visits, 0-0 mean 0.00, 0 s (part)");
}

#[test]
fn where_nothing_was_seen_nobody_is_said_to_have_been_there() {
    let start = FrameTime::default();
    let mut ledger = ZoneLedger::new(&[shelf()], start, Duration::from_secs(2), Duration::ZERO);
    let (mut minutes, mut queues) = (Vec::new(), Vec::new());
    ledger.finish(FrameTime::of_run(WallTime::default(), Duration::from_secs(50)), &mut minutes, &mut queues);
    assert_eq!(minutes.iter().map(|m| m.present).collect::<Vec<_>>(), [None]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn minutes_add_up_to_the_visits_whatever_the_start_and_the_clock(
        start_ms in 0i64..60_000,
        people in prop::collection::vec((0u64..100_000, 0u64..90_000), 0..8),
        step_at in 0u64..200_000,
        step_ms in -200_000i64..200_000,
    ) {
        let people: Vec<_> = people.into_iter().map(|(from, length)| (from, from + length)).collect();
        let came = play(start_ms, &people, (step_at, step_ms));
        let person: Duration = came.minutes.iter().map(|m| m.person).sum();
        let (visits, engaged): (u32, u32) =
            came.minutes.iter().fold((0, 0), |(visits, engaged), m| (visits + m.visits, engaged + m.engaged));
        prop_assert_eq!((person, visits, engaged), (came.dwell, came.visits, came.engaged));
    }
}
