//! A secret lies in a file that nobody else may read, or with systemd; anything else is a fault that says what to run.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const BOX: &str =
    "tenant = \"acme\"\nstore = \"berlin-1\"\nbox = \"box-1\"\n[detector]\nmodel = \"model.toml\"\n";
const CAMERA: &str = "[[camera]]\nid = \"door\"\npicture = \"768x576\"\ndetector = \"foreground\"\n\
    [[camera.line]]\nid = \"entrance\"\nfrom = [500, 140]\nto = [500, 480]\n";

/// A folder with a config file and the files that it names.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("model.toml", "", 0o644);
        folder
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    }

    /// What `check` of a program says of a config file; the credentials lie in a folder of systemd's where one is given.
    fn check(&self, program: &str, config: &str, credentials: Option<&Path>) -> (bool, String) {
        let path = self.0.path().join(config);
        let mut command = Command::new(program);
        command.args(["check", "--config"]).arg(path).env_remove("CREDENTIALS_DIRECTORY");
        if let Some(folder) = credentials {
            command.env("CREDENTIALS_DIRECTORY", folder);
        }
        let Output { status, stdout, stderr } = command.output().unwrap();
        (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
    }

    fn check_box(&self, mqtt: &str, source: &str, mode: u32, credentials: Option<&Path>) -> (bool, String) {
        let camera = CAMERA.replacen("id", &format!("source = {source:?}\nid"), 1);
        self.write("footfall.toml", &format!("{BOX}{mqtt}{camera}"), mode);
        self.check(env!("CARGO_BIN_EXE_footfall"), "footfall.toml", credentials)
    }
}

const LOGIN: &str = "[mqtt]\nbroker = \"localhost\"\nuser = \"me\"\npassword_file = \"mqtt.secret\"\n";
const CAMERA_AT: &str = "rtsp://10.0.0.7/main";

#[track_caller]
fn assert_refused((passed, told): (bool, String), what: &str, mode: &str) {
    assert!(!passed, "{told}");
    assert!(told.contains(what) && told.contains(&format!("its mode is {mode}")), "{told}");
    assert!(told.contains("run `chmod 640` on it"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn a_password_that_others_may_read_is_a_fault_that_says_what_to_run() {
    let folder = Folder::new();
    for (mode, shown) in [(0o644, "644"), (0o604, "604"), (0o660, "660")] {
        folder.write("mqtt.secret", "hunter2", mode);
        assert_refused(folder.check_box(LOGIN, CAMERA_AT, 0o644, None), "mqtt.password_file", shown);
    }
    for mode in [0o600, 0o640, 0o400] {
        folder.write("mqtt.secret", "hunter2", mode);
        let (passed, told) = folder.check_box(LOGIN, CAMERA_AT, 0o644, None);
        assert!(passed, "{told}");
    }
}

#[test]
fn a_private_key_that_others_may_read_is_a_fault_and_its_certificate_is_not() {
    let folder = Folder::new();
    let mqtt = "[mqtt]\nbroker = \"mqtt.example.org\"\n[mqtt.tls]\nca_file = \"ca.pem\"\ncertificate_file = \"box.pem\"\n\
                key_file = \"box.key\"\n";
    folder.write("ca.pem", "", 0o644);
    folder.write("box.pem", "", 0o644);
    folder.write("box.key", "hunter2", 0o644);
    assert_refused(folder.check_box(mqtt, CAMERA_AT, 0o644, None), "mqtt.tls.key_file", "644");
    folder.write("box.key", "hunter2", 0o640);
    let (passed, told) = folder.check_box(mqtt, CAMERA_AT, 0o644, None);
    assert!(passed, "{told}");
}

#[test]
fn a_password_in_a_cameras_address_makes_a_secret_of_the_config_file() {
    let folder = Folder::new();
    let source = "rtsp://viewer:hunter2@10.0.0.7/main";
    assert_refused(folder.check_box("", source, 0o644, None), "camera.door.source", "644");
    let (passed, told) = folder.check_box("", source, 0o640, None);
    assert!(passed, "{told}");
    let (passed, told) = folder.check_box("", CAMERA_AT, 0o644, None);
    assert!(passed, "{told}");
}

#[test]
fn systemd_may_give_a_password_and_a_key_in_place_of_a_file() {
    let (folder, credentials) = (Folder::new(), Folder::new());
    credentials.write("mqtt", "hunter2", 0o400);
    credentials.write("box.key", "hunter2", 0o440);
    folder.write("ca.pem", "", 0o644);
    folder.write("box.pem", "", 0o644);
    let mqtt = "[mqtt]\nbroker = \"mqtt.example.org\"\nuser = \"me\"\npassword_file = \"credential:mqtt\"\n[mqtt.tls]\n\
                ca_file = \"ca.pem\"\ncertificate_file = \"box.pem\"\nkey_file = \"credential:box.key\"\n";
    let (passed, told) = folder.check_box(mqtt, CAMERA_AT, 0o644, Some(credentials.0.path()));
    assert!(passed, "{told}");
    let (passed, told) = folder.check_box(mqtt, CAMERA_AT, 0o644, None);
    assert!(!passed && told.contains("add LoadCredential= to the unit"), "{told}");
    let outside = mqtt.replace("credential:mqtt", "credential:../mqtt");
    let (passed, told) = folder.check_box(&outside, CAMERA_AT, 0o644, Some(credentials.0.path()));
    assert!(!passed && told.contains("is no name of a credential"), "{told}");
}

#[cfg(feature = "hq")]
#[test]
fn head_office_takes_no_secret_that_others_may_read_either() {
    let folder = Folder::new();
    let program = env!("CARGO_BIN_EXE_footfall-hq");
    let config = "[mqtt]\nbroker = \"localhost\"\nuser = \"me\"\npassword_file = \"mqtt.secret\"\n[oidc]\n\
        issuer = \"https://login.example.com\"\nclient_id = \"footfall\"\nclient_secret_file = \"oidc.secret\"\n";
    folder.write("hq.toml", config, 0o644);
    folder.write("mqtt.secret", "hunter2", 0o604);
    folder.write("oidc.secret", "hunter2", 0o644);
    let (passed, told) = folder.check(program, "hq.toml", None);
    assert_refused((passed, told.clone()), "mqtt.password_file", "604");
    assert_refused((passed, told), "oidc.client_secret_file", "644");
    let credentials = Folder::new();
    credentials.write("mqtt", "hunter2", 0o400);
    folder.write("hq.toml", &config.replace("mqtt.secret", "credential:mqtt"), 0o644);
    folder.write("oidc.secret", "hunter2", 0o640);
    let (passed, told) = folder.check(program, "hq.toml", Some(credentials.0.path()));
    assert!(passed, "{told}");
}

#[test]
fn databases_are_for_the_service_alone() {
    use footfall::ids::BoxId;
    use footfall::time::WallTime;
    let folder = tempfile::tempdir().unwrap();
    let (outbox, ledger) = (folder.path().join("outbox.sqlite"), folder.path().join("ledger.sqlite"));
    let box_id = BoxId::parse("box-1").unwrap();
    let open = || {
        let now = WallTime::default();
        let held = (
            footfall::outbox::Outbox::open(&outbox, &box_id, now).unwrap(),
            footfall::ledger::Ledger::open(&ledger, &box_id, now).unwrap(),
        );
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            let (name, mode) = (entry.file_name(), entry.metadata().unwrap().permissions().mode());
            let is_data =
                name.to_string_lossy().contains(".sqlite") && !name.to_string_lossy().ends_with(".lock");
            assert!(!is_data || mode & 0o007 == 0, "{name:?} has mode {mode:o}");
        }
        drop(held);
    };
    open();
    // A file of a version that did not see to it.
    for path in [&outbox, &ledger] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
    }
    open();
}

#[cfg(feature = "hq")]
#[test]
fn head_offices_database_is_for_the_service_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hq.sqlite");
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    drop(footfall::hq::store::Store::open(&path).unwrap());
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
    drop(footfall::hq::store::Store::open(&path).unwrap());
    assert_eq!(mode(), 0o640);
}
