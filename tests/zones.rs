//! Zones through the program itself: the clip of a table where people were counted by hand, and the same with boxes
//! that need no clip.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// What a person counted in the clip's first 702 frames: dwell in seconds, and how far off a count may be.
const TRUE_DWELL_S: [f64; 3] = [10.9, 19.7, 16.8];
const MOST_OFF_S: f64 = 1.5;
/// The end of what was counted by hand, ms after the clip's start.
const COUNTED_UNTIL_MS: i64 = 70_200;
const START_MS: i64 = 1_767_225_600_000;

/// Counts visits of the zone with the built program; `(enter, dwell)` in ms, `enter` since the start.
fn visits(arguments: &[&str]) -> Vec<(i64, i64)> {
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events.jsonl");
    let output = Command::new(env!("CARGO_BIN_EXE_footfall"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["count", "--zone", "table:300,280 580,280 580,400 300,400", "--json", "--events"])
        .arg(&events)
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let records: Vec<serde_json::Value> = std::fs::read_to_string(events)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let visit = |record: &serde_json::Value| {
        let ms = |key: &str| record[key].as_i64().unwrap();
        (record["kind"] == "visit").then(|| (ms("enter_ms") - START_MS, ms("dwell_ms")))
    };
    let visits: Vec<_> = records.iter().filter_map(visit).collect();
    assert_eq!(summary["zones"]["table"]["visits"], visits.len(), "{summary}");
    visits
}

#[test]
fn the_first_three_visits_to_the_table_are_found_once_each() {
    let clip = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data/table-visits/one-by-one-person-detection.mp4");
    if !clip.exists() || !cfg!(all(feature = "capture-opencv", feature = "detect-ort")) {
        println!("skipped: no ../shared");
        return;
    }
    let all = visits(&[clip.to_str().unwrap()]);
    let dwell_s: Vec<f64> = all
        .iter()
        .filter(|(enter, _)| *enter < COUNTED_UNTIL_MS)
        .map(|(_, dwell)| *dwell as f64 / 1e3)
        .collect();
    assert_eq!(dwell_s.len(), TRUE_DWELL_S.len(), "{dwell_s:?}");
    for (counted, known) in dwell_s.iter().zip(TRUE_DWELL_S) {
        assert!((counted - known).abs() <= MOST_OFF_S, "{dwell_s:?}");
    }
}

/// A recording of one person who comes up from below the picture's edge, stands at the table and goes.
fn recording() -> String {
    let mut text = format!(
        "{{\"footfall_detections\":1,\"software\":\"test\",\"model\":\"hand\",\"picture\":[768,432],\"elapsed_ns\":0,\"wall_ms\":{START_MS}}}\n"
    );
    for frame in 1..=300_i64 {
        let ms = 100 * (frame - 1);
        let person = match frame {
            // The feet are below the edge; the head comes up the picture.
            20..=40 => Some((400.0, 300.0 - 14.0 * (frame - 20) as f64, 432.0)),
            41..=60 => Some((410.0, 20.0, 432.0 - 2.5 * (frame - 40) as f64)),
            61..=180 => Some((410.0, 20.0, 382.0)),
            181..=210 => Some((410.0 + 10.0 * (frame - 180) as f64, 20.0, 382.0)),
            _ => None,
        };
        let people = person.map_or(String::new(), |(x, top, bottom)| {
            format!("[{},{top},{},{bottom},0.8]", x - 70.0, x + 70.0)
        });
        let (ns, wall) = (1_000_000 * ms, START_MS + ms);
        writeln!(
            text,
            "{{\"frame\":{{\"n\":{frame},\"elapsed_ns\":{ns},\"wall_ms\":{wall},\"people\":[{people}]}}}}"
        )
        .unwrap();
    }
    text
}

#[test]
fn feet_below_the_edge_enter_a_zone_only_when_they_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen.jsonl");
    std::fs::write(&seen, recording()).unwrap();
    let visits = visits(&["--detections", seen.to_str().unwrap()]);
    let [(enter, dwell)] = visits.as_slice() else { panic!("{visits:?}") };
    // The feet pass row 400 in frame 53, and x = 580 in frame 197.
    assert!((enter - 5_200).abs() <= 500 && (dwell - 14_400).abs() <= 700, "{visits:?}");
}
