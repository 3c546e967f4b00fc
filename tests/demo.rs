//! `make demo` in short: the clip, the box, a real broker, head office and a subscriber, by the script that the demo runs. The
//! simulated chain is left out; `hq_pages` has one.

#![cfg(all(feature = "capture-opencv", feature = "detect-ort", feature = "hq"))]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

fn demo() -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/demo"));
    command.env("FOOTFALL_BIN", env!("CARGO_BIN_EXE_footfall")).stdin(Stdio::null());
    command.env("FOOTFALL_HQ_BIN", env!("CARGO_BIN_EXE_footfall-hq")).env("DEMO_STORES", "0");
    for name in ["DEMO_SECONDS", "DEMO_LINE", "DEMO_PORT", "FOOTFALL_LOG"] {
        command.env_remove(name);
    }
    command
}

/// Runs the demo for so many seconds, expects its exit code and texts in its two outputs, and returns the first.
#[track_caller]
fn check(seconds: u32, line: Option<&str>, code: i32, out: &[&str], err: &[&str]) -> String {
    let mut command = demo();
    command.env("DEMO_SECONDS", seconds.to_string());
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
    got_out
}

/// How many crossings and minute records it says have arrived in the end:
/// `Arrived: 3 crossings, 1 minute record in 2 batches; ...`.
#[track_caller]
fn arrived(shown: &str) -> (u64, u64) {
    let last = shown.lines().rfind(|line| line.starts_with("Arrived: ")).expect("what arrived");
    let numbers = last.strip_prefix("Arrived: ").and_then(|counts| {
        let (crossings, rest) = counts.split_once(" crossing")?;
        let (minutes, _) = rest.split_once(", ")?.1.split_once(" minute record")?;
        Some((crossings.parse().ok()?, minutes.parse().ok()?))
    });
    numbers.unwrap_or_else(|| panic!("not what arrived: {last}"))
}

#[test]
fn people_in_the_clip_arrive_at_a_subscriber_as_crossings_and_minutes() {
    let said = [
        "QoS 1  online  {",
        "QoS 0  out over entrance  {",
        ") seq 1-",
        "QoS 1  stopped  {",
        " without holes",
        "head office has stored everything up to seq",
        "demo/sample  ",
    ];
    let (crossings, minutes) = arrived(&check(30, None, 0, &said, &[]));
    // How many is not known here, for a busy machine drops frames.
    assert!(crossings > 0 && minutes > 0, "{crossings} crossings and {minutes} minute records arrived");
}

#[test]
fn a_demo_in_which_nobody_crosses_the_line_fails_and_shows_the_logs() {
    let nobody = [
        "footfall: no crossing and no sale with a conversion rate arrived from box demo-sample",
        "what the box said",
        "exit code 6",
    ];
    let (crossings, minutes) = arrived(&check(3, Some("1,1,1,20"), 6, &[], &nobody));
    assert_eq!(crossings, 0);
    assert!(minutes > 0, "a minute in which nobody came is a record too");
}

#[test]
fn a_demo_of_no_length_is_refused() {
    check(0, None, 1, &[], &["DEMO_SECONDS is a whole number of seconds"]);
}

#[test]
fn a_demo_with_a_line_outside_the_picture_says_which_fault() {
    check(3, Some("1,1,900,20"), 1, &[], &["camera.walkway.line.entrance.to", "its config file has faults"]);
}

#[test]
fn ctrl_c_ends_the_demo_and_all_that_it_started() {
    let mut demo = demo().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("bash is there");
    let output = BufReader::new(demo.stdout.take().expect("it is piped"));
    let mut lines = output.lines().map(|line| line.expect("text"));
    let broker = lines.find_map(|line| {
        let (_, port) = line.split_once("127.0.0.1:")?;
        port.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u16>().ok()
    });
    let broker = ("127.0.0.1", broker.expect("it says where the broker listens"));
    lines.find(|line| line.contains("QoS 0  now  {")).expect("current values arrive");
    TcpStream::connect(broker).expect("the broker runs");
    let pid = rustix::process::Pid::from_child(&demo);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
    let last = lines.last().expect("what arrived");
    assert!(last.starts_with("Arrived: "), "{last}");
    let ended = demo.wait_with_output().expect("it ends");
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
    TcpStream::connect(broker).expect_err("the broker is gone");
}
