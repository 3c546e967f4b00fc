use super::*;
use crate::app::audit::format::{Drawn, VERSION};

const START: i64 = 1_760_000_040_000;

fn drawn(minute: i64, geometry: &str) -> Drawn {
    Drawn {
        camera: "door".to_owned(),
        start_ms: START + 60_000 * minute,
        stratum: "busy".to_owned(),
        chance: 0.1,
        geometry: geometry.to_owned(),
        model: "nanodet".to_owned(),
    }
}

/// A minute of ten in and ten out, of which the box counted `counted` each.
fn tally(minute: i64, geometry: &str, counted: u32) -> Tally {
    Tally {
        v: VERSION,
        clip: format!("door-{minute}"),
        line: "entrance".to_owned(),
        drawn: drawn(minute, geometry),
        counted_in: counted,
        counted_out: counted,
        entries: 10,
        exits: 10,
        tallied_ms: START,
        is_correction: false,
    }
}

/// A folder with these tallies, and a day of busy minutes of each geometry in this order.
fn folder(tallies: &[Tally], geometries: &[&str]) -> (tempfile::TempDir, AuditFolder) {
    let dir = tempfile::tempdir().unwrap();
    let folder = AuditFolder::at(dir.path());
    folder.make().unwrap();
    let day = WallTime::from_unix_ms(START - START.rem_euclid(DAY_MS));
    let mut sums = folder.day("door", day);
    for (minute, geometry) in (0..).zip(geometries) {
        (0..100).for_each(|_| sums.add(&drawn(minute, geometry), 20));
    }
    folder.keep_day(&sums).unwrap();
    tallies.iter().for_each(|tally| folder.add_tally(tally).unwrap());
    (dir, folder)
}

#[track_caller]
fn check(tallies: &[Tally], geometries: &[&str], expected: &[&str]) {
    let (_dir, folder) = folder(tallies, geometries);
    let found: Vec<String> = figures(&folder).iter().map(LineFigure::in_words).collect();
    let starts_alike = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected));
    assert!(starts_alike, "{found:#?}");
}

fn minutes(of: std::ops::Range<i64>, geometry: &str, counted: u32) -> Vec<Tally> {
    of.map(|minute| tally(minute, geometry, counted)).collect()
}

#[test]
fn nothing_tallied_gives_no_figure() {
    check(&[], &["a"], &[]);
}

#[test]
fn a_figure_is_told_in_words_with_its_interval_and_its_sample() {
    let (_dir, folder) = folder(&minutes(0..40, "a", 9), &["a"]);
    let words = figures(&folder).remove(0).in_words();
    assert!(words.starts_with("90.0 % right (between 8"), "{words}");
    assert!(words.ends_with("from 40 minutes with 800 people; sums are 10 % too low"), "{words}");
}

#[test]
fn too_few_minutes_say_so() {
    check(&minutes(0..5, "a", 9), &["a"], &["not enough yet: 5 of at least 20 minutes"]);
}

#[test]
fn after_a_line_is_moved_the_figure_begins_anew() {
    let both = [minutes(0..30, "a", 5), minutes(30..55, "b", 10)].concat();
    check(&both, &["a", "b"], &["100.0 % right"]);
    // Nothing of the new geometry is tallied yet: what is known is about a line that is gone.
    check(&minutes(0..30, "a", 5), &["a", "b"], &[]);
}

#[test]
fn where_the_sums_are_lost_the_last_tally_says_how_it_is_counted_now() {
    let both = [minutes(0..30, "a", 5), minutes(30..55, "b", 10)].concat();
    check(&both, &[], &["100.0 % right"]);
}

#[test]
fn what_was_tallied_a_season_ago_no_longer_counts() {
    let old = minutes(-120 * 24 * 60..-120 * 24 * 60 + 30, "a", 0);
    check(&[old, minutes(0..25, "a", 10)].concat(), &["a"], &["100.0 % right"]);
}

#[test]
fn only_what_is_enough_goes_into_the_state() {
    let on_wire = |tallies: &[Tally]| {
        let (_dir, folder) = folder(tallies, &["a"]);
        figures(&folder).remove(0).on_wire()
    };
    assert_eq!(on_wire(&minutes(0..5, "a", 9)), None);
    let figure = on_wire(&minutes(0..40, "a", 9)).unwrap();
    assert!((figure.accuracy - 0.9).abs() < 1e-9 && figure.low < 0.9 && figure.high > 0.9, "{figure:?}");
    assert_eq!((figure.minutes, figure.people), (40, 800));
    assert_eq!((figure.from_ms, figure.to_ms), (START, START + 40 * 60_000));
}
