//! `make demo` in short: the clip, the box, a real broker and a subscriber, by the script that the demo runs.

#![cfg(all(feature = "capture-opencv", feature = "detect-ort"))]

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the demo for so many seconds, and expects its exit code and texts in its two outputs.
#[track_caller]
fn check(seconds: u32, line: Option<&str>, code: i32, out: &[&str], err: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join("scripts/demo"));
    command.env("FOOTFALL_BIN", env!("CARGO_BIN_EXE_footfall")).env("DEMO_SECONDS", seconds.to_string());
    command.env_remove("DEMO_LINE").env_remove("FOOTFALL_LOG").stdin(Stdio::null());
    if let Some(line) = line {
        command.env("DEMO_LINE", line);
    }
    let ended = command.output().expect("bash is there");
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (got_out, got_err) = (shown(&ended.stdout), shown(&ended.stderr));
    assert_eq!(ended.status.code(), Some(code), "{got_out}\n{got_err}");
    for (wanted, got) in
        out.iter().map(|text| (text, &got_out)).chain(err.iter().map(|text| (text, &got_err)))
    {
        assert!(got.contains(wanted), "{wanted:?} is not in\n{got_out}\n{got_err}");
    }
    assert!(!got_out.contains('\u{1b}'), "escape codes in a pipe:\n{got_out}");
}

#[test]
fn people_in_the_clip_arrive_at_a_subscriber_as_crossings_and_minutes() {
    // The last line of the subscriber; its numbers are not known here, for a busy machine drops frames.
    let arrived = [
        "QoS 1  online  {",
        "QoS 0  out over entrance  {",
        " minute",
        ") seq 1-",
        "QoS 1  stopped  {",
        " without holes",
    ];
    check(14, None, 0, &arrived, &[]);
}

#[test]
fn a_demo_in_which_nobody_crosses_the_line_fails_and_shows_the_logs() {
    let nobody = ["footfall: no crossing arrived from box demo-sample", "what the box said", "exit code 6"];
    check(3, Some("1,1,1,20"), 6, &[" minute"], &nobody);
}

#[test]
fn a_demo_of_no_length_is_refused() {
    check(0, None, 1, &[], &["DEMO_SECONDS is a whole number of seconds"]);
}

#[test]
fn a_demo_with_a_line_outside_the_picture_says_which_fault() {
    check(3, Some("1,1,900,20"), 1, &[], &["camera.walkway.line.entrance.to", "its config file has faults"]);
}
