//! The commands with which anybody checks a count: `track`, `evaluate`, `record`, and `count --detections`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a command in a folder; gives the number it ends with and both outputs.
fn footfall(folder: &Path, arguments: &str) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_footfall"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env("FOOTFALL_LOG", "warn")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Expects a command to go well; gives its output.
#[track_caller]
fn check(folder: &Path, arguments: &str) -> String {
    let (code, out, err) = footfall(folder, arguments);
    assert_eq!(code, Some(0), "{arguments}\n{out}\n{err}");
    out
}

/// Expects a command to end with a number and exactly this message.
#[track_caller]
fn check_refused(files: &[(&str, &str)], arguments: &str, (code, message): (i32, &str)) {
    let (got, _, err) = footfall(folder(files).path(), arguments);
    assert_eq!((got, err.trim_end()), (Some(code), message), "{arguments}");
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// Two people who pass each other at 10 frames a second, one of them hidden in frames 6 and 7, and a box that is seen once.
const TWO_PEOPLE: &str = "\
1,-1,100,50,40,100,0.9,-1,-1,-1
1,-1,400,52,40,100,0.8,-1,-1,-1
2,-1,108,50,40,100,0.9,-1,-1,-1
2,-1,392,52,40,100,0.8,-1,-1,-1
3,-1,116,50,40,100,0.9,-1,-1,-1
3,-1,384,52,40,100,0.8,-1,-1,-1
4,-1,124,50,40,100,0.9,-1,-1,-1
4,-1,376,52,40,100,0.8,-1,-1,-1
5,-1,132,50,40,100,0.9,-1,-1,-1
5,-1,368,52,40,100,0.8,-1,-1,-1
7,-1,148,50,40,100,0.9,-1,-1,-1
8,-1,156,50,40,100,0.9,-1,-1,-1
8,-1,344,52,40,100,0.8,-1,-1,-1
9,-1,164.5,50.25,40,100,0.9,-1,-1,-1
9,-1,336,52,40,100,0.8,-1,-1,-1
9,-1,600,300,40,100,0.5,-1,-1,-1
";

const TRACKED: &str = "\
1,1,100.00,50.00,40.00,100.00,1,-1,-1,-1
1,2,400.00,52.00,40.00,100.00,1,-1,-1,-1
2,1,105.42,50.00,40.00,100.00,1,-1,-1,-1
2,2,394.58,52.00,40.00,100.00,1,-1,-1,-1
3,1,113.63,50.00,40.00,100.00,1,-1,-1,-1
3,2,386.37,52.00,40.00,100.00,1,-1,-1,-1
4,1,122.45,50.00,40.00,100.00,1,-1,-1,-1
4,2,377.55,52.00,40.00,100.00,1,-1,-1,-1
5,1,131.12,50.00,40.00,100.00,1,-1,-1,-1
5,2,368.88,52.00,40.00,100.00,1,-1,-1,-1
7,1,147.70,50.00,40.00,100.00,1,-1,-1,-1
8,1,155.94,50.00,40.00,100.00,1,-1,-1,-1
8,2,344.20,52.00,40.00,100.00,1,-1,-1,-1
9,1,164.34,50.14,40.00,100.00,1,-1,-1,-1
9,2,336.01,52.00,40.00,100.00,1,-1,-1,-1
";

#[test]
fn people_are_tracked_from_text_to_text_with_the_sightings_before_they_were_sure() {
    let folder = folder(&[("det.txt", TWO_PEOPLE)]);
    let out = check(folder.path(), "track --detections det.txt --fps 10 --out result.txt");
    let summary = "9 frames, 16 boxes: 2 tracks with 15 boxes; scores are taken as they are\n";
    assert!(out.starts_with(summary), "{out}");
    assert_eq!(read(folder.path(), "result.txt"), TRACKED);
}

#[test]
fn rows_in_another_order_and_scores_in_percent_give_the_same_tracks() {
    let mut rows: Vec<&str> = TWO_PEOPLE.lines().collect();
    rows.reverse();
    // Within a frame the order of the boxes decides who is 1 and who is 2.
    rows.sort_by_key(|row| !row.contains("0.9"));
    let percent = rows.join("\n").replace("0.9,", "90,").replace("0.8,", "80,").replace("0.5,", "50,");
    let folder = folder(&[("det.txt", &percent)]);
    let out = check(folder.path(), "track --detections det.txt --fps 10 --out result.txt");
    assert!(out.contains("scores are taken as parts of 100"), "{out}");
    assert_eq!(read(folder.path(), "result.txt"), TRACKED);
}

#[test]
fn a_file_of_detections_that_is_wrong_is_named_with_its_line() {
    let track = "track --detections det.txt --fps 10 --out result.txt";
    let bad = "1,-1,100,50,40,100,0.9\n2,-1,108,fifty,40,100,0.9\n";
    let message = "footfall: det.txt: line 2: top is \"fifty\"; give px from -1000000 to 1000000";
    check_refused(&[("det.txt", bad)], track, (4, message));
    check_refused(
        &[],
        track,
        (4, "footfall: det.txt cannot be read: No such file or directory (os error 2)"),
    );
    let with_floor = "track --detections det.txt --fps 10 --calibration c.toml --out result.txt";
    let missing = "footfall: calibration c.toml: No such file or directory (os error 2)";
    check_refused(&[("det.txt", TWO_PEOPLE)], with_floor, (4, missing));
}

#[test]
fn a_calibration_of_a_larger_picture_of_the_same_camera_gives_the_same_tracks() {
    // A level camera 2.5 m up; its horizon is 3 px below the picture's upper edge, so a foot at 150 px has a person of 100 px above it.
    let own = "picture = [768, 576]\nfloor_from_image = [[2.5, 0, -960], [0, 0, 1250], [0, 1, -3]]\n";
    let twice = "picture = [1536, 1152]\nfloor_from_image = [[1.25, 0, -960], [0, 0, 1250], [0, 0.5, -3]]\n";
    let folder = folder(&[("det.txt", TWO_PEOPLE), ("own.toml", own), ("twice.toml", twice)]);
    let track = |file: &str| {
        let command =
            format!("track --detections det.txt --fps 10 --picture 768x576 --calibration {file} --out r.txt");
        let out = check(folder.path(), &command);
        assert!(out.contains("2 tracks with 15 boxes"), "{file}: {out}");
        read(folder.path(), "r.txt")
    };
    assert_eq!(track("twice.toml"), track("own.toml"));
}

/// Crossings as `frame direction`, at ten frames a second, of a run that began at 2026-01-01T00:00:00Z.
fn events(crossings: &str) -> String {
    let event = |(seq, words): (usize, &str)| {
        let (frame, direction) = words.trim().split_once(' ').unwrap();
        let at_ms = 1_767_225_600_000 + 100 * (frame.parse::<i64>().unwrap() - 1);
        format!(
            "{{\"seq\":{seq},\"kind\":\"crossing\",\"camera\":\"clip\",\"line\":\"door\",\"direction\":\"{direction}\",\
             \"frame\":{frame},\"at_ms\":{at_ms},\"track\":{seq},\"run\":1767225600000,\"geometry\":\"g\",\"model\":\"m\"}}\n"
        )
    };
    (1..).zip(crossings.split(',')).map(event).collect()
}

const COUNTED: &str = "12 in, 57 out, 101 in, 640 in";
const TRUTH: &str = "# by hand\nframe,direction\n15,in\n57,out\n300,out\n98,in\n";

#[test]
fn a_score_says_what_is_wrong_and_where_to_look() {
    let folder = folder(&[("out.jsonl", &events(COUNTED)), ("truth.csv", TRUTH)]);
    let out = check(folder.path(), "evaluate --events out.jsonl --truth truth.csv --line door");
    let expected = "\
line door: 4 true crossings, 4 counted; matched within 1 s, times from the events, which hold frames and times

        true  counted  right  missed  false  precision  recall     F1  net error
in         2        3      2       0      1      0.667   1.000  0.800         +1
out        2        1      1       1      0      1.000   0.500  0.667         -1
both       4        4      3       1      1      0.750   0.750  0.750         +0

F1 lies between 0.333 and 1.000 (95 %, bootstrap over events)
WAPE over 15-minute bins 0.500
missed out frame 300, 0 min 29.9 s after the start
false  in  frame 640, 1 min 3.9 s after the start
";
    assert_eq!(out, expected);
}

#[test]
fn a_score_for_programs_holds_the_same() {
    let folder = folder(&[("out.jsonl", &events(COUNTED)), ("truth.csv", TRUTH)]);
    let arguments =
        "evaluate --events out.jsonl --truth truth.csv --line door --fps 10 --window 250ms --json";
    let score: serde_json::Value = serde_json::from_str(&check(folder.path(), arguments)).unwrap();
    // Three frames are 300 ms: both of those that go in are now too far away.
    assert_eq!(score["all"]["right"], 1);
    assert_eq!((&score["events"], &score["times"]), (&4.into(), &"by --fps".into()));
    assert_eq!(score["in"]["net_error"], 1);
    assert_eq!(score["missed"][0]["frame"], 15);
    assert_eq!(score["missed"][0]["seconds"], 1.4);
    assert_eq!(score["false"].as_array().unwrap().len(), 3);
}

#[test]
fn what_cannot_be_compared_says_why() {
    let evaluate = "evaluate --events out.jsonl --truth truth.csv --line door";
    let counted = events(COUNTED);
    let wrong_truth = [("out.jsonl", counted.as_str()), ("truth.csv", "9,in\n12,left\n")];
    let message = "footfall: truth.csv: line 2: \"left\" is no direction; give in or out";
    check_refused(&wrong_truth, evaluate, (4, message));
    let other_line = [("out.jsonl", &*counted.replace("door", "yard")), ("truth.csv", "9,in\n")];
    check_refused(&other_line, evaluate, (4, "footfall: out.jsonl: it has no line door; it has yard"));
    let one = events("12 in");
    let message = "footfall: out.jsonl: it holds fewer than two crossings in different frames, so it does not say when a \
                   frame was; give --fps";
    check_refused(&[("out.jsonl", &one), ("truth.csv", "9,in\n")], evaluate, (4, message));
}

#[test]
fn mot_text_is_counted_without_a_clip_or_a_network() {
    let folder = folder(&[("det.txt", TWO_PEOPLE)]);
    let count = "count --detections det.txt --fps 10 --picture 768x576 --line door:140,0,140,300 --line far:370,0,370,300 \
                 --band-px 4 --events out.jsonl";
    let out = check(folder.path(), count);
    let expected = "\
door                 in     1   out     0
far                  in     0   out     1
9 of 9 frames looked at with mot-text;";
    assert!(out.starts_with(expected), "{out}");
    let events = read(folder.path(), "out.jsonl");
    assert!(events.contains("\"model\":\"mot-text\""), "{events}");
    let again = count.replace("out.jsonl", "again.jsonl");
    check(folder.path(), &again);
    assert_eq!(read(folder.path(), "again.jsonl"), events);
}

#[test]
fn a_recording_is_played_again_and_one_that_is_wrong_is_named_with_its_line() {
    let first = "{\"footfall_detections\":1,\"software\":\"s\",\"model\":\"eyes\",\"picture\":[768,576],\"elapsed_ns\":0,\
                 \"wall_ms\":1767225600000}\n";
    let frame =
        "{\"frame\":{\"n\":1,\"elapsed_ns\":0,\"wall_ms\":1767225600000,\"people\":[[1,2,30,90,0.9]]}}\n";
    let count = "count --detections seen.jsonl --line door:140,0,140,300";
    let end = "{\"end\":{\"frames\":1,\"elapsed_ns\":0,\"wall_ms\":1767225600000}}\n";
    let whole = folder(&[("seen.jsonl", &[first, frame, end].concat())]);
    let out = check(whole.path(), count);
    assert!(out.contains("1 of 1 frames looked at with eyes"), "{out}");

    let end_of_none = end.replace("\"frames\":1", "\"frames\":0");
    let twice = [first, frame, frame].concat();
    let message = "footfall: seen.jsonl: line 3: frame 1 comes after frame 1; frames are numbered upwards";
    check_refused(&[("seen.jsonl", &twice)], count, (4, message));
    check_refused(
        &[("seen.jsonl", &[first, &end_of_none].concat())],
        count,
        (4, "footfall: seen.jsonl holds no frame"),
    );
    let with_fps = format!("{count} --fps 10");
    let message = "footfall: seen.jsonl: a recording says its times and its picture itself; leave out --fps, --picture \
                   and --start";
    check_refused(&[("seen.jsonl", &twice)], &with_fps, (4, message));
    let message = "footfall: det.txt: MOT text says neither times nor the size of the picture; give --fps and --picture, \
                   such as --fps 10 --picture 768x576";
    let count_mot = "count --detections det.txt --line door:140,0,140,300";
    check_refused(&[("det.txt", TWO_PEOPLE)], count_mot, (4, message));
}

#[test]
fn what_was_dropped_and_interrupted_is_in_the_minutes_of_a_replay() {
    let mut lines = vec![
        "{\"footfall_detections\":1,\"software\":\"s\",\"model\":\"eyes\",\"picture\":[768,576],\"elapsed_ns\":0,\
         \"wall_ms\":1767225600000}"
            .to_owned(),
    ];
    for n in 1..=7_u64 {
        let at =
            |ms: u64| format!("\"elapsed_ns\":{},\"wall_ms\":{}", 1_000_000 * ms, 1_767_225_600_000 + ms);
        lines.push(format!("{{\"frame\":{{\"n\":{n},{},\"dropped\":{n},\"people\":[]}}}}", at(100 * n)));
        if n == 3 {
            lines.push(format!("{{\"interrupted\":{{{}}}}}", at(350)));
        }
    }
    let folder = folder(&[("seen.jsonl", &lines.join("\n"))]);
    let count = "count --detections seen.jsonl --line door:140,0,140,300 --every 2 --events out.jsonl";
    let (code, _, err) = footfall(folder.path(), count);
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("seen.jsonl was cut short: its last line is missing"), "{err}");
    let minute = read(folder.path(), "out.jsonl");
    // Frames 1, 3, 5 and 7, in two stretches of 200 ms; what was dropped before the others is told with the next.
    assert!(minute.contains("\"seen_s\":0.4,\"frames\":4,\"dropped\":28,"), "{minute}");
}

#[test]
fn a_wild_frame_number_does_not_make_a_count_of_years() {
    let count = "count --detections det.txt --fps 0.01 --picture 768x576 --line door:140,0,140,300";
    let message = "footfall: det.txt: at 0.01 frames a second its 10000000 frames last more than a year; look at --fps and \
                   at the last frame";
    check_refused(&[("det.txt", "10000000,-1,1,1,9,9,1")], count, (4, message));
}

#[cfg(all(feature = "capture-opencv", feature = "detect-ort"))]
mod with_a_network {
    use super::*;
    use std::path::PathBuf;

    fn project(path: &str) -> PathBuf {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        assert!(path.exists(), "{} is missing; `make test` fetches it", path.display());
        path
    }

    #[test]
    fn a_recording_of_the_sample_clip_counts_to_the_same_bytes_as_the_clip() {
        let folder = folder(&[]);
        let clip = project("build/clips/vtest.avi").display().to_string();
        let model = project("models/nanodet-g-416-int8.toml").display().to_string();
        let lines = "--line v500:500,140,500,480 --u-turn 2s";
        check(folder.path(), &format!("count {clip} --model {model} --every 4 {lines} --events a.jsonl"));
        check(folder.path(), &format!("record {clip} --model {model} --every 4 --out seen.jsonl"));
        check(folder.path(), &format!("count --detections seen.jsonl {lines} --events b.jsonl"));
        let of_clip = read(folder.path(), "a.jsonl");
        assert!(of_clip.lines().filter(|line| line.contains("crossing")).count() > 20, "{of_clip}");
        assert_eq!(read(folder.path(), "b.jsonl"), of_clip);
    }

    #[test]
    fn a_camera_is_recorded_for_a_while_and_counted_afterwards() {
        let text = format!(
            "tenant = \"t\"\nstore = \"s\"\nbox = \"b-1\"\n[detector]\nmodel = {:?}\n[[camera]]\nid = \"door\"\n\
             source = {:?}\npicture = \"768x576\"\n[[camera.line]]\nid = \"entrance\"\nfrom = [500, 140]\nto = [500, 480]\n",
            project("models/nanodet-g-416-int8.toml"),
            project("build/clips/vtest.avi"),
        );
        let folder = folder(&[("footfall.toml", &text)]);
        let out =
            check(folder.path(), "record --config footfall.toml --camera door --for 3s --out seen.jsonl");
        assert!(out.contains("frames looked at with nanodet-g-416-int8"), "{out}");
        let seen = read(folder.path(), "seen.jsonl");
        assert!(seen.lines().last().unwrap().starts_with("{\"end\":"), "{seen}");
        let count = "count --detections seen.jsonl --config footfall.toml --camera door --events out.jsonl";
        check(folder.path(), count);
        assert!(read(folder.path(), "out.jsonl").contains("\"camera\":\"door\",\"line\":\"entrance\""));
    }
}
