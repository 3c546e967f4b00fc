//! The binary from outside: what it prints, where, and the number it ends with.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn footfall(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_footfall"));
    command.args(arguments).current_dir(folder).env_remove("FOOTFALL_LOG").stdin(Stdio::null());
    command.output().expect("the binary starts")
}

/// Runs a command in a folder and expects its exit code and texts in its two outputs.
#[track_caller]
fn check(folder: &Path, arguments: &[&str], code: i32, out: &str, err: &str) -> Output {
    let output = footfall(folder, arguments);
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (got_out, got_err) = (shown(&output.stdout), shown(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{got_out}\n{got_err}");
    assert!(got_out.contains(out), "{out:?} is not in the output of {arguments:?}:\n{got_out}");
    assert!(got_err.contains(err), "{err:?} is not in the errors of {arguments:?}:\n{got_err}");
    output
}

/// A folder with a config file made of the default one, and all that it names.
fn shop(change: impl FnOnce(String) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let models = folder.path().join("models");
    std::fs::create_dir(&models).expect("a folder for the models");
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    for file in ["nanodet-g-416-int8.toml", "nanodet-g-416-int8.onnx"] {
        std::fs::copy(ours.join(file), models.join(file)).expect("the default model; `make setup` builds it");
    }
    let text = change(footfall::config::DEFAULT_FILE.to_owned());
    std::fs::write(folder.path().join("footfall.toml"), text).expect("a config file");
    folder
}

#[test]
fn a_config_file_without_faults_is_fine_and_says_what_it_sets_up() {
    let shop = shop(|text| text);
    let fine = "footfall.toml: fine - 1 camera, 1 line, broker 127.0.0.1 port 1883\n";
    check(shop.path(), &["check", "--config", "footfall.toml"], 0, fine, "");
}

#[cfg(feature = "detect-ort")]
#[test]
fn a_network_that_is_not_whole_is_seen_before_the_service_starts() {
    let shop = shop(|text| text);
    let network = shop.path().join("models/nanodet-g-416-int8.onnx");
    std::fs::write(&network, "half of it").expect("the network is writable");
    let arguments = ["check", "--config", "footfall.toml"];
    check(shop.path(), &arguments, 4, "", "does not match its manifest");
}

#[test]
fn a_config_file_shows_every_fault_and_ends_with_3() {
    let shop = shop(|text| text.replace("threads = 1", "threads = 0").replace("[500, 140]", "[900, 140]"));
    let arguments = ["check", "--config", "footfall.toml"];
    let output = check(shop.path(), &arguments, 3, "", "footfall: footfall.toml has 2 faults\n");
    let errors = String::from_utf8(output.stderr).expect("text");
    let places: Vec<&str> =
        errors.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(places, ["detector.threads", "camera.door.line.entrance.from"], "{errors}");
    assert!(errors.lines().skip(1).all(|line| line.starts_with("footfall.toml:")), "{errors}");
}

#[test]
fn a_config_file_that_is_not_there_names_the_command_that_prints_one() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let arguments = ["check", "--config", "footfall.toml"];
    check(folder.path(), &arguments, 3, "", "`footfall config default` prints one to start from");
}

#[test]
fn the_default_file_is_printed_as_it_is() {
    let output = check(Path::new("."), &["config", "default"], 0, "[[camera.line]]", "");
    assert_eq!(String::from_utf8(output.stdout).expect("text"), footfall::config::DEFAULT_FILE);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_footfall"))
        .args(["config", "default"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the binary ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn wrong_arguments_end_with_2_and_the_usage() {
    check(Path::new("."), &["count", "a.avi"], 2, "", "Usage: footfall count");
    check(Path::new("."), &["cuont"], 2, "", "some similar subcommands exist: 'config', 'count'");
}

#[test]
fn the_help_goes_to_the_output_and_names_the_exit_codes() {
    check(Path::new("."), &["--help"], 0, "Exit codes:\n  0  all went well\n  1  ", "");
    check(Path::new("."), &["count", "--help"], 0, "has the store on the left", "");
}

#[test]
fn a_password_in_the_config_file_is_not_shown_by_any_command() {
    let shop = shop(|text| {
        let text = text.replace("rtsp://10.0.0.7:554/main", "rtsp://me:hunter2@10.0.0.7:99999999/main");
        text.replace("broker = \"127.0.0.1:1883\"", "broker = \"me:hunter2@127.0.0.1:1883\"")
    });
    for command in ["check", "run"] {
        let output = check(shop.path(), &[command, "--config", "footfall.toml"], 3, "", "mqtt.broker");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("hunter2"));
    }
}

#[test]
fn a_confirmation_takes_away_what_is_remembered_of_a_place_and_says_so() {
    let shop = shop(|text| text);
    let kept = shop.path().join("outbox.background-door.txt");
    std::fs::write(&kept, "footfall background 1\n").expect("the folder is writable");
    let confirm = ["confirm", "--config", "footfall.toml", "--camera", "door"];
    check(shop.path(), &confirm, 0, "camera door: confirmed; it is learned anew", "");
    assert!(!kept.exists());
    check(shop.path(), &confirm[..3], 0, "camera door: nothing to confirm", "");
    let nobody = ["confirm", "--config", "footfall.toml", "--camera", "yard"];
    check(shop.path(), &nobody, 3, "", "yard");
    check(shop.path(), &["confirm"], 2, "", "--config <FILE>");
    std::fs::create_dir(&kept).expect("the folder is writable");
    check(shop.path(), &confirm, 5, "", "run this as the user that the box runs as");
}
