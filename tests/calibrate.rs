//! `footfall calibrate`, as somebody at a terminal uses it.

use std::path::Path;
use std::process::{Command, Output};

fn footfall(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_footfall"));
    command.current_dir(folder).args(arguments).output().expect("the binary of this package runs")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Runs it in a folder of its own; its words must hold all of `parts`.
fn check(arguments: &[&str], code: i32, parts: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let output = footfall(folder.path(), arguments);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(code), "{told}");
    for part in parts {
        assert!(told.contains(part), "{part:?} is missing in: {told}");
    }
    told
}

/// Tile corners as a camera 3 m up sees them that looks 45 degrees down, focal length 500 px.
const TILES: [&str; 6] = [
    "320,240=5,3",
    "440.2,240=6.02,3",
    "320,375.4=5,1.721",
    "160,140=3.3029,4.5",
    "500,420=6.1231,1.4118",
    "100,400=3.5858,1.5455",
];

fn points<'a>(pairs: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["calibrate", "points", "--size", "640x480"];
    arguments.extend(pairs.iter().flat_map(|pair| ["--pair", pair]));
    arguments.extend(more);
    arguments
}

#[test]
fn five_points_are_judged_and_say_where_the_camera_hangs() {
    check(
        &points(&TILES[..5], &[]),
        0,
        &["floor_from_image = [", "good", "hangs 3.0 m high, looks 45 degrees down"],
    );
}

#[test]
fn four_points_cannot_be_judged() {
    check(&points(&TILES[..4], &[]), 0, &["cannot be judged: measure a fifth"]);
}

#[test]
fn a_wrong_point_of_six_is_named() {
    let mut pairs = TILES;
    pairs[4] = "500,420=8.1231,1.4118";
    check(&points(&pairs, &[]), 0, &["pair 5: 2.0 m off", "pair 5 is wrong, most likely"]);
}

#[test]
fn what_was_written_is_read_again() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let output = footfall(folder.path(), &points(&TILES, &["--out", "door.toml"]));
    assert!(output.status.success(), "{}", told(&output));
    let text = std::fs::read_to_string(folder.path().join("door.toml")).expect("it was written");
    let floor = footfall::calibration::Floor::parse(&text).expect("what it writes it reads");
    assert_eq!(floor.method(), Some(footfall::calibration::Method::Points));
}

#[test]
fn slips_are_answered_with_what_to_do() {
    check(&points(&TILES[..3], &[]), 4, &["3 pairs were given, 4 are needed"]);
    check(&points(&["1,2=3"], &[]), 2, &["a pair is U,V=X,Y"]);
    let mounting = |height| {
        ["calibrate", "mounting", "--size", "640x480", "--tilt", "30", "--fov", "70", "--height", height]
    };
    check(&mounting("280"), 4, &["the height in metres is 280; give 0.3 to 50"]);
    check(
        &mounting("2.8"),
        0,
        &["if the tilt is off by 1 degree", "hangs 2.8 m high, looks 30 degrees down"],
    );
    check(&["calibrate", "people"], 2, &["<CLIP>"]);
    check(
        &["calibrate", "people", "--detections", "no.txt", "--size", "640x480"],
        4,
        &["no.txt cannot be read"],
    );
}

#[test]
fn people_are_read_from_detections_and_too_few_are_not_enough() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let write =
        |text: &str| std::fs::write(folder.path().join("det.txt"), text).expect("the folder can be written");
    let run = || {
        let arguments =
            ["calibrate", "people", "--detections", "det.txt", "--size", "640x480", "--fov", "65.2"];
        told(&footfall(folder.path(), &arguments))
    };
    write("1,-1,100,100,40,100,0.9\n");
    assert!(run().contains("1 boxes of people were seen, 100 are needed"), "{}", run());
    write("1,-1,100,100\n");
    assert!(run().contains("det.txt: line 1 has 4 columns, at least 6 are needed"), "{}", run());
    // A level camera 2.5 m up, focal length 500 px: a person of 1.70 m is 1.70 / 2.5 of the way from horizon to foot.
    let person = |turn: u32| {
        let (u, v) = (60.0 + f64::from(turn * 37 % 520), 280.0 + f64::from(turn * 53 % 180));
        let height = 1.70 / 2.5 * (v - 240.0);
        format!("1,-1,{},{},{},{height},0.9\n", u - 0.2 * height, v - height, 0.4 * height)
    };
    write(&(0..300).map(person).collect::<String>());
    assert!(run().contains("hangs 2.5 m high, looks 0 degrees down"), "{}", run());
}

#[cfg(feature = "capture-opencv")]
#[test]
fn the_grid_is_drawn_over_the_picture() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let grey = image::RgbImage::from_pixel(640, 480, image::Rgb([120, 120, 120]));
    grey.save(folder.path().join("door.png")).expect("the folder can be written");
    let mut arguments = vec!["calibrate", "mounting", "--height", "2.8", "--tilt", "20", "--fov", "78"];
    arguments.extend(["--picture", "door.png", "--out", "door.toml", "--grid", "grid.png"]);
    let output = footfall(folder.path(), &arguments);
    assert!(told(&output).contains("do the lines lie on the floor"), "{}", told(&output));
    let drawn = image::open(folder.path().join("grid.png")).expect("it was drawn").to_rgb8();
    assert!(drawn.pixels().filter(|px| px.0 != [120; 3]).count() > 5_000);
}

#[cfg(feature = "capture-opencv")]
#[test]
fn a_lens_needs_boards() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    image::GrayImage::new(64, 48).save(folder.path().join("a.png")).expect("the folder can be written");
    let output = footfall(folder.path(), &["calibrate", "lens", "--board", "9x6", "a.png"]);
    let told = told(&output);
    assert!(told.contains("a.png: no whole board of 9x6") && told.contains("found in 0 pictures"), "{told}");
}
