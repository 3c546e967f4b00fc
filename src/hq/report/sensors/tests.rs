use super::*;

/// A sensor's hours: hour, part, who came in or `-`, who went out, in total, and the minutes that it was at work.
fn told(hours: &[(i64, &str, Counts, i64)]) -> Vec<PartHour> {
    let part_hour = |(hour, part, counts, minutes): &(i64, &str, Counts, i64)| {
        let (entries, exits, total) = match counts {
            Counts::Ways(entries, exits) => (Some(*entries), Some(*exits), None),
            Counts::Total(total) => (None, None, Some(*total)),
        };
        let (part, seen_ms) = ((*part).to_owned(), minutes * 60_000);
        PartHour { hour: hour * 60, part, entries, exits, total, seen_ms, whole: true }
    };
    hours.iter().map(part_hour).collect()
}

enum Counts {
    Ways(i64, i64),
    Total(i64),
}
use Counts::{Total, Ways};

/// The camera's hours: in, out, and minutes seen, from hour 0 on.
fn seen(hours: &[(i64, i64, i64)]) -> Vec<CameraHour> {
    let hour = |(hour, (entries, exits, minutes)): (usize, &(i64, i64, i64))| CameraHour {
        hour: hour as i64 * 60,
        entries: *entries,
        exits: *exits,
        open_seen_ms: minutes * 60_000,
    };
    hours.iter().enumerate().map(hour).collect()
}

/// A store that was open so many minutes of each hour; a day has three hours here.
fn open(minutes: &[i64]) -> Vec<HourRow> {
    let hour = |(hour, minutes): (usize, &i64)| HourRow {
        sums: crate::hq::report::figures::Sums { open_ms: minutes * 60_000, ..Default::default() },
        business_day: 20_000 + hour as i64 / 3,
        local_hour: 10 + hour as u8 % 3,
        start_minute: hour as i64 * 60,
    };
    minutes.iter().enumerate().map(hour).collect()
}

fn row(kind: &str) -> SensorRow {
    let text = |text: &str| Some(text.to_owned());
    SensorRow {
        sensor_id: 1,
        box_name: "b".to_owned(),
        name: "s".to_owned(),
        kind: kind.to_owned(),
        camera: text("door"),
        line: text("in"),
        zone: None,
    }
}

fn words(of: &SideBySide) -> String {
    let difference = of.difference.map_or("-".to_owned(), |share| format!("{:+.0} %", 100.0 * share));
    format!("{} to {}, {difference}, {} of {} h", of.sensor, of.camera, of.hours, of.open_hours)
}

#[test]
fn only_hours_in_which_both_saw_enough_of_an_open_hour_are_compared() {
    let told = told(&[
        (0, "", Ways(104, 90), 60),
        (1, "", Ways(500, 500), 50), // The sensor was off for ten minutes.
        (2, "", Ways(500, 500), 60), // The camera was.
        (3, "", Ways(500, 500), 60), // The store opened at half past.
        (5, "", Ways(52, 50), 57),   // Of hour 4 the sensor says nothing.
    ]);
    let seen = seen(&[(100, 90, 60), (1, 1, 60), (1, 1, 50), (1, 1, 30), (70, 1, 60), (50, 50, 54)]);
    let made = sensor(row("door"), &told, Some(&seen), (&open(&[60, 60, 60, 30, 60, 60]), 0.9));
    assert_eq!(made.what, "entries");
    assert_eq!(words(&made.total), "156 to 150, +4 %, 2 of 5 h");
    assert_eq!(made.exits.as_ref().map(words).unwrap(), "140 to 140, +0 %, 2 of 5 h");
    assert!(!made.apart);
    let days: Vec<_> = made.days.iter().map(|day| format!("{} {}", day.day, words(&day.both))).collect();
    assert_eq!(days, ["2024-10-04 104 to 100, +4 %, 1 of 3 h", "2024-10-05 52 to 50, +4 %, 1 of 2 h"]);
    let hours: Vec<_> =
        made.hours.iter().map(|hour| format!("{} {}", hour.hour, words(&hour.both))).collect();
    assert_eq!(
        hours,
        ["10 104 to 100, +4 %, 1 of 1 h", "11 0 to 0, -, 0 of 2 h", "12 52 to 50, +4 %, 1 of 2 h"]
    );
}

#[test]
fn a_sensor_without_directions_is_compared_with_both() {
    let told = told(&[(0, "", Total(30), 60)]);
    let made = sensor(row("door"), &told, Some(&seen(&[(16, 14, 60)])), (&open(&[60]), 0.9));
    assert_eq!((made.what, words(&made.total).as_str()), ("passages", "30 to 30, +0 %, 1 of 1 h"));
    assert!(made.exits.is_none());
}

#[test]
fn parts_of_a_sensor_add_up_and_an_hour_that_lacks_one_is_not_compared() {
    let told =
        told(&[(0, "left", Ways(7, 0), 60), (0, "right", Ways(5, 0), 60), (1, "left", Ways(9, 0), 60)]);
    let made = sensor(row("door"), &told, Some(&seen(&[(12, 0, 60), (9, 0, 60)])), (&open(&[60, 60]), 0.9));
    assert_eq!(words(&made.total), "12 to 12, +0 %, 1 of 2 h");
}

#[test]
fn an_hour_into_which_an_interval_of_another_reaches_is_not_compared() {
    let mut told = told(&[(0, "", Ways(60, 0), 60)]);
    told[0].whole = false;
    let made = sensor(row("door"), &told, Some(&seen(&[(10, 0, 60)])), (&open(&[60]), 0.9));
    assert_eq!(words(&made.total), "0 to 0, -, 0 of 1 h");
}

#[test]
fn a_door_that_counts_more_than_a_tenth_less_is_apart_where_enough_people_came() {
    let apart = |sensor_count, camera_count| {
        let told = told(&[(0, "", Ways(sensor_count, 0), 60)]);
        let seen = seen(&[(camera_count, 0, 60)]);
        sensor(row("door"), &told, Some(&seen), (&open(&[60]), 0.9)).apart
    };
    assert!(!apart(90, 100) && apart(89, 100) && apart(111, 100));
    assert!(!apart(20, 49), "below 50 people chance makes more");
    assert!(apart(50, 0) && !apart(49, 0));
}

#[test]
fn a_beacon_is_apart_when_its_ratio_changes_and_not_because_it_hears_fewer_devices_than_people() {
    let of = |last: i64| {
        let told: Vec<_> =
            (0..9).map(|hour| (hour, "", Total(if hour < 6 { 30 } else { last }), 60)).collect();
        let seen = seen(&[(100, 0, 60); 9]);
        sensor(row("beacon"), &self::told(&told), Some(&seen), (&open(&[60; 9]), 0.9))
    };
    assert!(!of(30).apart && of(30).what == "visits");
    assert!(of(10).apart);
    let apart: Vec<bool> = of(10).days.iter().map(|day| day.apart).collect();
    assert_eq!(apart, [true, true, true], "the usual lies between what was and what is");
}

#[test]
fn a_sensor_that_is_compared_with_nothing_that_is_known_names_no_camera() {
    let told = told(&[(0, "", Ways(7, 0), 60)]);
    let made = sensor(row("door"), &told, None, (&open(&[60]), 0.9));
    assert_eq!((made.camera, made.total.hours), (None, 0));
}
