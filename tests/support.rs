//! A bundle for whoever helps with a box: what is in it, and that no secret is, wherever one was.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use flate2::read::GzDecoder;
use footfall::ids::BoxId;
use footfall::outbox::Outbox;
use footfall::time::WallTime;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Every secret of the box, where it stands, and how else it may be written.
const SECRETS: [&str; 12] = [
    "url-geheim-1",
    "url-nutzer-2",
    "url%2Dabfrage%2D3",
    "url-abfrage-3",
    "mqtt-geheim-4",
    "mqtt-nutzer-5",
    "till-token-of-sixteen-6",
    "kamera-geheim-7",
    "MC4CAQAwBQYDK2VwBCIEIKEYKEYKEY8",
    "ffen_0123456789abcdefghij9",
    "kommentar-geheim-10",
    "unbekannt-geheim-11",
];

fn write(path: &Path, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A box with a secret in every place that can hold one; `more` stands at the end of its config file.
fn box_with_secrets(folder: &Path, more: &str) {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/nanodet-g-416-int8.toml");
    let own = env!("CARGO_MANIFEST_DIR").to_owned() + "/src/fleet/certificate/test.pem";
    let certificate = fs::read_to_string(own).unwrap();
    write(&folder.join("secrets/mqtt"), "mqtt-geheim-4\n", 0o600);
    write(&folder.join("secrets/till"), "till-token-of-sixteen-6\n", 0o600);
    write(&folder.join("secrets/door"), "kamera-geheim-7\n", 0o600);
    let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIKEYKEYKEY8\n-----END PRIVATE KEY-----\n";
    write(&folder.join("secrets/box.key"), key, 0o600);
    write(&folder.join("secrets/box.pem"), &certificate, 0o644);
    let desired = "[[camera]]\nid = \"till\"\nsource = \"rtsp://url-nutzer-2:url-geheim-1@10.0.0.9/b\"\n";
    write(&folder.join("fleet/desired.toml"), desired, 0o600);
    let text = format!(
        "# The old one was kommentar-geheim-10.\ntenant = \"acme\"\nstore = \"berlin-1\"\nbox = \"box-1\"\n\
         [mqtt]\nbroker = \"127.0.0.1:1\"\nuser = \"mqtt-nutzer-5\"\npassword_file = \"secrets/mqtt\"\n\
         tls.ca_file = \"secrets/box.pem\"\ntls.certificate_file = \"secrets/box.pem\"\ntls.key_file = \"secrets/box.key\"\n\
         [fleet]\n[outbox]\n[metrics]\nlisten = \"127.0.0.1:1\"\n\
         [site]\ntime_zone = \"Europe/Berlin\"\ncurrency = \"EUR\"\n[site.till.http]\ntoken_file = \"secrets/till\"\n\
         [detector]\nmodel = {model:?}\n\
         [[camera]]\nid = \"door\"\nsource = \"rtsp://url-nutzer-2:url-geheim-1@10.0.0.7/a?key=url%2Dabfrage%2D3\"\npicture = \"768x576\"\n\
         [[camera.line]]\nid = \"in\"\nfrom = [1, 1]\nto = [1, 99]\n\
         [[camera]]\nid = \"back\"\nsource = \"rtsp://10.0.0.8/a\"\nuser = \"url-nutzer-2\"\npassword_file = \"secrets/door\"\npicture = \"768x576\"\n\
         [[camera.line]]\nid = \"in\"\nfrom = [1, 1]\nto = [1, 99]\n{more}"
    );
    write(&folder.join("footfall.toml"), &text, 0o600);
    let (outbox, _) =
        Outbox::open(&folder.join("outbox.sqlite"), &BoxId::parse("box-1").unwrap(), WallTime::default())
            .unwrap();
    drop(outbox);
}

/// A journal whose lines hold every secret that the service is given, as no line of ours does.
fn journal(folder: &Path) {
    let given = SECRETS.iter().filter(|secret| !secret.ends_with("-10") && !secret.ends_with("-11"));
    let lines: String =
        given.map(|secret| format!("echo 'door: down: {secret} at rtsp://10.0.0.7/a'\n")).collect();
    write(&folder.join("bin/journalctl"), &format!("#!/bin/sh\n{lines}"), 0o755);
}

/// Makes a bundle and unpacks it: every file by its name.
fn bundle(folder: &Path) -> BTreeMap<String, String> {
    let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap());
    let out = folder.join("bundle.tar.gz");
    let ran = Command::new(env!("CARGO_BIN_EXE_footfall"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("PATH", path)
        .args(["support", "--config"])
        .arg(folder.join("footfall.toml"))
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    let mut packed = tar::Archive::new(GzDecoder::new(fs::File::open(&out).unwrap()));
    let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (name.trim_start_matches("footfall-support/").to_owned(), String::from_utf8(bytes).unwrap())
    };
    packed.entries().unwrap().map(read).collect()
}

#[track_caller]
fn check_no_secret(files: &BTreeMap<String, String>) {
    for (name, text) in files {
        for secret in SECRETS {
            assert!(!text.contains(secret) && !name.contains(secret), "{secret} in {name}:\n{text}");
        }
    }
}

#[test]
fn a_bundle_holds_what_helps_and_no_secret_wherever_one_was() {
    let folder = tempfile::tempdir().unwrap();
    box_with_secrets(folder.path(), "");
    journal(folder.path());
    let files = bundle(folder.path());
    check_no_secret(&files);
    for (name, said) in [
        ("README.txt", "desired.txt"),
        ("versions.txt", concat!("footfall ", env!("CARGO_PKG_VERSION"))),
        ("config.toml", "id = \"door\""),
        ("config.toml", "10.0.0.7/a"),
        ("check.txt", "fine"),
        ("desired.txt", "10.0.0.9/b"),
        ("outbox.txt", "waiting            0"),
        ("ledger.txt", "not known"),
        ("machine.txt", "size of memory, bytes"),
        ("metrics.txt", "does not answer on 127.0.0.1:1"),
        ("certificates.txt", "until 2027-11-30"),
        ("journal.txt", "door: down: [removed] at rtsp://10.0.0.7/a"),
    ] {
        let text = files.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", files.keys()));
        assert!(text.contains(said), "{said:?} is not in {name}:\n{text}");
    }
    for name in files.keys().filter(|name| *name != "README.txt") {
        assert!(files["README.txt"].contains(name.as_str()), "README.txt does not say what {name} is");
    }
}

#[test]
fn a_config_file_with_faults_still_makes_a_bundle_and_it_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    box_with_secrets(folder.path(), "passwort = \"unbekannt-geheim-11\"\n");
    journal(folder.path());
    let files = bundle(folder.path());
    check_no_secret(&files);
    assert!(files["check.txt"].contains("passwort"), "{}", files["check.txt"]);
    assert!(files["outbox.txt"].contains("faults"), "{}", files["outbox.txt"]);
}

#[test]
fn a_config_file_that_is_no_toml_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("footfall.toml"), "password = unbekannt-geheim-11\n", 0o600);
    let files = bundle(folder.path());
    check_no_secret(&files);
    assert!(files["config.toml"].contains("left out"), "{}", files["config.toml"]);
}
