//! What `make` deletes, leaves and skips, on a copy of its files.

use std::path::Path;
use std::process::Command;

fn copy(from: &str, to: &Path) {
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(from), to.join(from)).expect(from);
}

#[test]
fn make_clean_leaves_a_users_own_networks_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    for made in ["scripts", "models", "build", "src"] {
        std::fs::create_dir(root.join(made)).expect("a folder");
    }
    copy("Makefile", root);
    copy("scripts/pins", root);
    std::fs::write(root.join("Cargo.toml"), "[package]\nname = \"x\"\n").expect("a manifest");
    std::fs::write(root.join("src/lib.rs"), "").expect("a source file");
    let built = ["nanodet-g-416-int8.onnx", "nanodet-g-416.onnx", "ssd-mobilenetv2-300.onnx", "half.part"];
    let brought = ["people.onnx", "people.toml", "yolox_nano.onnx", "nanodet-g-416-int8.toml"];
    for name in built.iter().chain(&brought) {
        std::fs::write(root.join("models").join(name), name).expect("a file");
    }
    let made = Command::new("make")
        .arg("clean")
        .current_dir(root)
        // Not what the make around this test says, and by no means its folder of things built.
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .env("CARGO_TARGET_DIR", root.join("target"))
        .output()
        .expect("make is there");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for (names, stays) in [(&built, false), (&brought, true)] {
        for name in names {
            assert_eq!(root.join("models").join(name).exists(), stays, "{name}");
        }
    }
    assert!(!root.join("build").exists());
}

#[test]
fn tracks_are_not_scored_where_the_data_set_is_not_there_and_that_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("checkout");
    std::fs::create_dir_all(root.join("scripts")).expect("a folder");
    copy("scripts/mot15", &root);
    copy("scripts/pins", &root);
    let made = Command::new("bash").arg(root.join("scripts/mot15")).output().expect("bash is there");
    let told = String::from_utf8_lossy(&made.stdout);
    assert_eq!((made.status.code(), &*told), (Some(0), "skipped: no ../shared\n"));
}
