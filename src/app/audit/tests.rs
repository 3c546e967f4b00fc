use super::*;
use crate::app::cli::{Cli, Command};

/// A folder with one clip of the camera `door`, on whose line the box counted 3 in and 1 out.
fn folder() -> (tempfile::TempDir, AuditFolder) {
    let dir = tempfile::tempdir().unwrap();
    let folder = AuditFolder::at(dir.path());
    fill(&folder);
    (dir, folder)
}

fn fill(folder: &AuditFolder) {
    folder.make().unwrap();
    let start = WallTime::from_unix_ms(1_760_000_040_000);
    let id = ClipId::of("door", start);
    let drawn = format::Drawn {
        camera: "door".to_owned(),
        start_ms: start.unix_ms(),
        stratum: "busy".to_owned(),
        chance: 0.2,
        geometry: "g".to_owned(),
        model: "m".to_owned(),
    };
    let clip = Clip::sample(drawn, Vec::new());
    drop(folder.begin(&id).unwrap());
    folder.finish(&id, &clip).unwrap();
}

/// Runs `footfall audit ...` on the folder and gives what it prints, or says.
fn said(folder: &AuditFolder, arguments: &str) -> String {
    let line = format!("footfall audit {arguments} --config f.toml");
    let cli = Cli::read(line.split_whitespace().map(Into::into)).unwrap();
    let mut out = Vec::new();
    let done = match &cli.command {
        Command::Audit(AuditCommand::List(_)) => list(folder, &mut out),
        Command::Audit(AuditCommand::Tally(args)) => tally(folder, args, &mut out),
        Command::Audit(AuditCommand::Result(args)) => result(folder, args, &mut out),
        other => panic!("{other:?}"),
    };
    done.map_or_else(|fault| format!("{fault:#}"), |()| String::from_utf8(out).unwrap())
}

#[track_caller]
fn check(folder: &AuditFolder, arguments: &str, expected: &str) {
    let said = said(folder, arguments);
    assert!(said.contains(expected), "{arguments}: {expected:?} is not in\n{said}");
}

#[test]
fn a_clip_waits_until_it_is_tallied() {
    let (_dir, folder) = folder();
    check(&folder, "list", "door-20251009t0854z  2025-10-09T08:54:00Z  line entrance  waits\n1 waits");
    let kept = "kept: you saw 4 in and 1 out, the box counted 3 in and 1 out";
    check(&folder, "tally door-20251009t0854z --line entrance --in 4 --out 1", kept);
    check(&folder, "list", "tallied\nnothing waits");
}

#[test]
fn a_second_tally_is_kept_as_a_correction_and_the_first_one_stays_the_one_that_counts() {
    let (_dir, folder) = folder();
    said(&folder, "tally door-20251009t0854z --line entrance --in 4 --out 1");
    let expected = "this is a correction; the figure goes by the first tally, 4 in and 1 out";
    check(&folder, "tally door-20251009t0854z --line entrance --in 3 --out 1", expected);
    let counts: Vec<u32> = folder.tallies().iter().map(|tally| tally.entries).collect();
    assert_eq!(counts, [4]);
}

#[test]
fn a_tally_of_more_people_than_pass_in_a_minute_is_refused() {
    let (_dir, folder) = folder();
    let arguments = "tally door-20251009t0854z --line entrance --in 4000000000 --out 1";
    check(&folder, arguments, "a tally is of one minute: at most 1000 each way");
    assert!(folder.tallies().is_empty());
}

#[test]
fn every_command_deletes_what_was_kept_long_enough() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("footfall.toml");
    let model = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models/nanodet-g-416-int8.toml");
    let text = format!(
        "tenant = \"acme\"\nstore = \"berlin-1\"\nbox = \"box-1\"\n[audit]\nfolder = \"audit\"\n\
         [detector]\nmodel = {model:?}\n[[camera]]\nid = \"door\"\nsource = \"rtsp://127.0.0.1/cam\"\n\
         picture = \"768x576\"\n[[camera.line]]\nid = \"entrance\"\nfrom = [500, 140]\nto = [500, 480]\n"
    );
    std::fs::write(&config, text).unwrap();
    let folder = AuditFolder::at(&dir.path().join("audit"));
    fill(&folder);
    assert_eq!(folder.clips().len(), 1);
    folder_of(&AuditArgs { config }).unwrap();
    assert!(folder.clips().is_empty(), "it is of 2025, and two weeks are kept");
}

#[test]
fn the_list_says_nothing_of_what_was_counted() {
    let (_dir, folder) = folder();
    let listed = said(&folder, "list");
    assert!(!listed.contains("busy") && !listed.contains(" 3"), "{listed}");
}

#[test]
fn a_clip_or_line_that_is_not_there_is_refused_and_what_is_there_named() {
    let (_dir, folder) = folder();
    check(
        &folder,
        "tally ../x --line entrance --in 1 --out 1",
        "there is no clip ../x; `footfall audit list`",
    );
    let other = "tally door-20251009t0854z --line exit --in 1 --out 1";
    check(&folder, other, "there is no line exit on clip door-20251009t0854z; there is entrance");
    assert!(folder.tallies().is_empty());
}

#[test]
fn the_result_says_what_is_missing_in_words_and_as_json() {
    let (_dir, folder) = folder();
    check(&folder, "result", "nothing is tallied yet");
    said(&folder, "tally door-20251009t0854z --line entrance --in 4 --out 1");
    let expected = "camera door, line entrance: not enough yet: 1 of at least 20 minutes are tallied";
    check(&folder, "result", expected);
    let json: serde_json::Value = serde_json::from_str(&said(&folder, "result --json")).unwrap();
    assert_eq!(json["line"], "entrance");
    assert_eq!(json["both"]["not_enough"], "not enough yet: 1 of at least 20 minutes are tallied");
    check(&folder, "result --camera other", "nothing is tallied yet");
}

#[test]
fn only_addresses_of_this_machine_are_listened_on() {
    let read = |listen: &str| {
        let line = format!("footfall audit serve --config f.toml --listen {listen}");
        Cli::read(line.split_whitespace().map(Into::into))
    };
    assert!(read("127.0.0.1:0").is_ok() && read("[::1]:8123").is_ok());
    for address in ["0.0.0.0:8123", "192.168.1.5:80", "localhost:1", "8123"] {
        assert!(read(address).unwrap_err().to_string().contains("this machine itself"), "{address}");
    }
}
