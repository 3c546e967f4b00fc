//! The floor under the counts: the real program on the real clip against its truth.
//!
//! Events are matched one to one, in the same direction, within one second. The floor stands a little below what was
//! measured (README.md), so that a change which miscounts does not land.
#![cfg(all(feature = "capture-opencv", feature = "detect-ort"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use footfall::analytics::score::{Passage, Score};
use footfall::count::Direction;
use footfall::time::WallTime;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const TRUTH: &str = include_str!("data/vtest-v500.csv");
/// Missed and false events together, of 32. Measured: 0 at every frame, 0 at every second.
const MOST_WRONG: usize = 1;
/// The same at every fourth frame, 2.5 a second. Measured: 1.
const MOST_WRONG_AT_EVERY_FOURTH: usize = 3;
/// The clip shows ten frames a second.
const MS_PER_FRAME: i64 = 100;

fn clip() -> PathBuf {
    let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("build/clips/vtest.avi");
    assert!(clip.exists(), "{} is missing; `make test` fetches it", clip.display());
    clip
}

/// Counts the clip with the built program; gives the bytes of its events and its summary.
fn count(every: u32) -> (Vec<u8>, serde_json::Value) {
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events.jsonl");
    let output = Command::new(env!("CARGO_BIN_EXE_footfall"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "count",
            "--line",
            "v500:500,140,500,480",
            "--json",
            "--every",
            &every.to_string(),
            "--events",
        ])
        .arg(&events)
        .arg(clip())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (std::fs::read(events).unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

fn records(events: &[u8]) -> Vec<serde_json::Value> {
    std::str::from_utf8(events).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn passage(frame: u64, direction: &str) -> Passage {
    let direction = if direction == "in" { Direction::In } else { Direction::Out };
    let at = WallTime::from_unix_ms(MS_PER_FRAME * i64::try_from(frame).unwrap());
    Passage { at, direction, frame: Some(frame) }
}

fn crossings(events: &[u8]) -> Vec<Passage> {
    records(events)
        .iter()
        .filter(|record| record["kind"] == "crossing")
        .map(|record| passage(record["frame"].as_u64().unwrap(), record["direction"].as_str().unwrap()))
        .collect()
}

fn truth() -> Vec<Passage> {
    let rows = TRUTH.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    rows.map(|row| row.split_once(',').unwrap())
        .map(|(frame, direction)| passage(frame.parse().unwrap(), direction))
        .collect()
}

/// Missed and false events together.
fn wrong(events: &[u8]) -> usize {
    let score = Score::of(&crossings(events), &truth(), Duration::from_secs(1));
    assert_eq!(score.all.truth(), 32);
    score.missed.len() + score.wrong.len()
}

#[test]
fn every_frame_of_the_sample_clip_is_counted_right() {
    let (events, summary) = count(1);
    let wrong = wrong(&events);
    assert!(wrong <= MOST_WRONG, "{wrong} of 32 events are missed or false");
    assert_eq!(summary["frames"], 795);
    let lines = &summary["lines"]["v500"];
    let entries = crossings(&events).iter().filter(|event| event.direction == Direction::In).count();
    assert_eq!(lines["in"], entries);

    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../docs/ref/wire-v1.schema.json")).unwrap();
    let mut record_schema = schema.clone();
    record_schema["$ref"] = "#/$defs/record".into();
    record_schema.as_object_mut().unwrap().remove("oneOf");
    let validator = jsonschema::validator_for(&record_schema).unwrap();
    for record in records(&events) {
        assert!(validator.is_valid(&record), "{record}");
    }
    let minutes: Vec<_> = records(&events).into_iter().filter(|record| record["kind"] == "minute").collect();
    let sum = |key: &str| minutes.iter().map(|minute| minute[key].as_f64().unwrap()).sum::<f64>();
    assert!((sum("in") - entries as f64).abs() < 0.5, "minutes add up to the crossings");
    assert!((sum("seen_s") - 79.4).abs() < 0.01, "794 steps of 100 ms were seen, got {}", sum("seen_s"));
}

#[test]
fn every_second_frame_is_enough_and_two_runs_give_the_same_bytes() {
    let (first, _) = count(2);
    let wrong = wrong(&first);
    assert!(wrong <= MOST_WRONG, "{wrong} of 32 events are missed or false");
    let (second, _) = count(2);
    assert_eq!(first, second);
}

#[test]
fn every_fourth_frame_is_nearly_enough() {
    let (events, _) = count(4);
    let wrong = wrong(&events);
    assert!(wrong <= MOST_WRONG_AT_EVERY_FOURTH, "{wrong} of 32 events are missed or false");
}
