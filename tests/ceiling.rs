//! A camera that looks down: the foreground against a count by hand. The clip may not be passed on, so it is looked for
//! beside the project; `tests/foreground.rs` holds the same code to drawn pictures.
#![cfg(feature = "capture-opencv")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::process::Command;

fn run(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_footfall"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn everybody_on_the_plaza_is_counted_and_nobody_twice() {
    let (clip, truth) = ("../shared/data/ceiling/plaza.avi", "../shared/data/ceiling/plaza_y200.csv");
    if !Path::new(env!("CARGO_MANIFEST_DIR")).join(clip).exists() {
        println!("skipped: no ../shared");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events.jsonl");
    let events = events.to_str().unwrap();
    let line = ["--line", "plaza:60,200,640,200", "--anchor", "centre", "--detector", "foreground"];
    run(&[&["count", clip, "--events", events], &line[..]].concat());
    let score = run(&["evaluate", "--events", events, "--truth", truth, "--line", "plaza", "--json"]);
    let score: serde_json::Value = serde_json::from_str(&score).unwrap();
    assert_eq!(
        (score["all"]["true"].as_u64(), score["all"]["counted"].as_u64()),
        (Some(8), Some(8)),
        "{score}"
    );
    assert_eq!(score["all"]["right"].as_u64(), Some(8), "{score}");
}
