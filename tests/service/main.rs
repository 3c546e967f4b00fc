//! The service as it hangs in a shop: the real program, a real camera stream, a real broker, and what happens to them.
#![cfg(all(feature = "capture-opencv", feature = "detect-ort"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../delivery_support/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod broker;
#[path = "../capture/support.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod cameras;
mod clock;
mod fleet;
mod faults;
mod sensors;
mod till;
mod watchdog;
mod twin;

use broker::{Broker, Subscriber, wait_until};
use cameras::{RtspServer, h264, vtest};
use footfall::ids::BoxId;
use footfall::outbox::Outbox;
use footfall::time::{Clock, SystemClock, WallTime};
use footfall::wire::v1::{AnyRecord, BoxStatus, CameraStatus, Fact, Minute};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The longest that a stop may take: what systemd, and whoever pulls the plug next, is told.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// A shop with one box: a folder with its config file and its outbox.
struct Shop {
    folder: tempfile::TempDir,
    source: String,
    broker: Option<u16>,
    /// What stands at the end of its config file.
    more: String,
    /// What its service finds in the environment.
    environment: Vec<(&'static str, std::ffi::OsString)>,
}

/// A running `footfall run`; killed when it is dropped.
struct Running {
    process: Child,
    log: Arc<Mutex<String>>,
}

impl Shop {
    fn with(source: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, source: source.to_owned(), broker: None, more: String::new(), environment: Vec::new() }
    }

    /// The sample clip as a camera that is always there.
    fn with_clip() -> Self {
        Self::with(vtest().to_str().unwrap())
    }

    fn on(self, broker: u16) -> Self {
        Self { broker: Some(broker), ..self }
    }

    fn outbox(&self) -> PathBuf {
        self.folder.path().join("outbox.sqlite")
    }

    fn config(&self) -> PathBuf {
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/nanodet-g-416-int8.toml");
        let mqtt = self.broker.map_or_else(String::new, |port| {
            format!("[mqtt]\nbroker = \"127.0.0.1:{port}\"\nconfirmed_by = \"broker\"\nbatch_every = \"1s\"\nretry_max = \"1s\"\n")
        });
        let text = format!(
            "tenant = \"acme\"\nstore = \"berlin-1\"\nbox = \"box-1\"\n{mqtt}[outbox]\ncommit_every = \"100ms\"\n\
             [detector]\nmodel = {model:?}\n[[camera]]\nid = \"door\"\nsource = {:?}\npicture = \"768x576\"\n\
             open_timeout = \"5s\"\nread_timeout = \"1s\"\nretry_max = \"1s\"\n\
             [[camera.line]]\nid = \"entrance\"\nfrom = [500, 140]\nto = [500, 480]\n{}",
            self.source, self.more
        );
        let path = self.folder.path().join("footfall.toml");
        std::fs::write(&path, text).unwrap();
        // A source may hold a password.
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path
    }

    fn start(&self) -> Running {
        self.config();
        self.start_as_configured()
    }

    /// With the config file that is there already.
    fn start_as_configured(&self) -> Running {
        self.spawn(&mut Command::new(env!("CARGO_BIN_EXE_footfall")))
    }

    /// Within a group of processes of the kernel's, from its first moment on.
    fn start_in(&self, group: &Path) -> Running {
        self.config();
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]).arg(group.join("cgroup.procs"));
        self.spawn(shell.arg(env!("CARGO_BIN_EXE_footfall")))
    }

    fn spawn(&self, program: &mut Command) -> Running {
        let mut process = program
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["run", "--config"])
            .arg(self.folder.path().join("footfall.toml"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (lines, log) =
            (BufReader::new(process.stderr.take().unwrap()), Arc::new(Mutex::new(String::new())));
        let told = Arc::clone(&log);
        let read = move || {
            for line in lines.lines().map_while(Result::ok) {
                told.lock().unwrap().push_str(&(line + "\n"));
            }
        };
        std::thread::Builder::new().name("log".to_owned()).spawn(read).unwrap();
        Running { process, log }
    }

    /// Crossings that are on disk now, read beside the running service.
    fn crossings_on_disk(&self) -> i64 {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let count = |sqlite: rusqlite::Connection| {
            let question = "SELECT count(*) FROM record WHERE body LIKE '%\"kind\":\"crossing\"%'";
            sqlite.query_row(question, [], |row| row.get::<_, i64>(0))
        };
        rusqlite::Connection::open_with_flags(self.outbox(), flags).and_then(count).unwrap_or(0)
    }

    /// What waits in the outbox after a stop: the numbers and what they say.
    fn records_on_disk(&self) -> Vec<(u64, serde_json::Value)> {
        let box_id = BoxId::parse("box-1").unwrap();
        let (outbox, _) = Outbox::open(&self.outbox(), &box_id, WallTime::default()).unwrap();
        let rows = outbox.records(outbox.position().watermark, 100_000).unwrap();
        rows.into_iter().map(|row| (row.seq, serde_json::from_str(row.body.get()).unwrap())).collect()
    }
}

impl Running {
    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    fn terminate(&self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.process.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// `kill -9`.
    fn kill(self) {
        drop(self);
    }

    /// SIGTERM, and how it ended.
    fn stop(mut self) -> ExitStatus {
        self.terminate();
        let clock = SystemClock::start();
        let mut ended = None;
        wait_until("the service ends", || {
            ended = self.process.try_wait().unwrap();
            ended.is_some()
        });
        assert!(clock.now().elapsed < STOP_WITHIN, "{}", self.log());
        ended.unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn minutes(subscriber: &Subscriber) -> Vec<Minute> {
    let records = subscriber.batches().into_iter().flat_map(|batch| batch.records);
    let minute = |record| match record {
        AnyRecord::Known(record) => match record.fact {
            Fact::Minute(minute) => Some(minute),
            _ => None,
        },
        AnyRecord::Unknown { .. } => None,
    };
    records.filter_map(minute).collect()
}

fn camera_is(subscriber: &Subscriber, status: CameraStatus) -> bool {
    let states = subscriber.states();
    states.last().is_some_and(|state| state.cameras.iter().any(|camera| camera.state == status))
}

#[test]
fn a_camera_that_dies_and_comes_back_is_counted_on_and_its_absence_is_a_gap_in_coverage() {
    let folder = tempfile::tempdir().unwrap();
    let stream = h264(folder.path(), "clip.h264", &[(300, 768)]);
    let (port, broker) = (cameras::free_port(), Broker::open_to_all());
    let subscriber = Subscriber::to_all(broker.port);
    let camera = RtspServer::start(port, &stream, &[]);
    let clock = SystemClock::start();
    let shop = Shop::with(&format!("rtsp://127.0.0.1:{port}/cam")).on(broker.port);
    let service = shop.start();
    wait_until("somebody is counted", || !subscriber.crossings().is_empty());

    drop(camera);
    wait_until("the camera is down", || camera_is(&subscriber, CameraStatus::Down));
    let (down_at, before) = (clock.now(), subscriber.crossings().len());
    wait_until("the gap is long enough to be one", || clock.now().since(down_at) > Duration::from_secs(3));
    let camera = RtspServer::start(port, &stream, &[]);
    wait_until("the camera is up again", || camera_is(&subscriber, CameraStatus::Up));
    let gap = clock.now().since(down_at);
    wait_until("somebody else is counted", || subscriber.crossings().len() > before);

    let log = service.log();
    assert!(service.stop().success());
    let ran = clock.now().elapsed;
    drop(camera);
    wait_until("the box says that it stopped", || {
        subscriber.states().last().is_some_and(|state| state.state == BoxStatus::Stopped)
    });
    let seen: Duration = minutes(&subscriber).iter().map(|minute| minute.seen).sum();
    assert!(!seen.is_zero() && seen + gap < ran, "seen {seen:?} of {ran:?} with a gap of {gap:?}");
    let counted: u32 = minutes(&subscriber).iter().map(|minute| minute.entries + minute.exits).sum();
    assert_eq!(counted as usize, subscriber.crossings().len(), "minutes add up to the crossings");
    assert_eq!(log.matches(": down:").count(), 1, "one line for one loss, not one for each attempt:\n{log}");
}

#[test]
fn a_stop_leaves_everything_counted_on_disk_and_the_next_start_numbers_on() {
    let shop = Shop::with_clip();
    for round in 1..=2 {
        let service = shop.start();
        wait_until("somebody new is on disk", || shop.crossings_on_disk() >= round);
        assert!(service.stop().success());
    }
    let records = shop.records_on_disk();
    let numbers: Vec<u64> = records.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "no number is missing or used twice");
    let of_kind = |kind: &str| records.iter().filter(|(_, r)| r["kind"] == kind).collect::<Vec<_>>();
    let sum = |key: &str| of_kind("minute").iter().map(|(_, r)| r[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!(
        sum("in") + sum("out"),
        of_kind("crossing").len() as u64,
        "the open minute went out as a part"
    );
    assert!(of_kind("minute").iter().any(|(_, r)| r["part"] == true));
}

#[test]
fn a_broker_that_comes_late_gets_everything() {
    let mut broker = Broker::configured("allow_anonymous true");
    let shop = Shop::with_clip().on(broker.port);
    let service = shop.start();
    wait_until("somebody is counted without a broker", || shop.crossings_on_disk() >= 1);
    assert!(service.log().contains("records wait in the outbox"), "{}", service.log());
    broker.start();
    let subscriber = Subscriber::to_all(broker.port);
    wait_until("the first record arrives", || subscriber.crossings().iter().any(|(seq, _)| *seq == 1));
    assert!(service.stop().success());
    wait_until("the last minute arrives", || minutes(&subscriber).iter().any(|minute| minute.part));
}

#[test]
fn a_password_in_a_cameras_address_is_in_no_log_and_no_message() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let nobody = cameras::free_port();
    let shop = Shop::with(&format!("rtsp://viewer:geheim42@127.0.0.1:{nobody}/door?token=geheim42"));
    let shop = shop.on(broker.port);
    let service = shop.start();
    wait_until("the camera's problem is told", || {
        subscriber.states().iter().any(|state| state.problems.iter().any(|p| p.about == "camera door"))
    });
    let log = service.log();
    assert!(service.stop().success());
    assert!(log.contains("camera door: down"), "{log}");
    assert!(!log.contains("geheim42") && !log.contains("viewer"), "{log}");
    for heard in subscriber.heard("") {
        assert!(!String::from_utf8_lossy(&heard.payload).contains("geheim42"));
    }
}

#[test]
fn an_outbox_that_is_garbage_is_set_aside_and_counting_goes_on() {
    let shop = Shop::with_clip();
    std::fs::write(shop.outbox(), "this is not a database, it only lies where one should be".repeat(100))
        .unwrap();
    let service = shop.start();
    wait_until("somebody is counted", || shop.crossings_on_disk() >= 1);
    let log = service.log();
    assert!(service.stop().success());
    assert!(log.contains("the outbox was corrupt"), "{log}");
    assert_eq!(shop.records_on_disk()[0].1["kind"], "gap");
}

#[test]
fn a_model_that_is_missing_ends_the_start_with_one_clear_line() {
    let shop = Shop::with_clip();
    let config = shop.config();
    let text = std::fs::read_to_string(&config).unwrap();
    let model = shop.folder.path().join("mine.toml");
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/nanodet-g-416-int8.toml");
    std::fs::copy(&manifest, &model).unwrap();
    std::fs::write(&config, text.replace(manifest.to_str().unwrap(), model.to_str().unwrap())).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_footfall"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["run", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4));
    let told = String::from_utf8(output.stderr).unwrap();
    let last = told.lines().last().unwrap();
    assert!(last.starts_with("footfall: ") && last.contains("nanodet-g-416-int8.onnx"), "{told}");
    assert!(!shop.outbox().exists(), "nothing counts before all that is needed is there");
}

#[test]
fn a_certificate_that_cannot_be_used_ends_the_start_as_a_fault_of_the_config() {
    let shop = Shop::with_clip().on(1);
    let config = shop.config();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(shop.folder.path().join("ca.pem"), "no certificate").unwrap();
    std::fs::write(&config, text.replace("[mqtt]\n", "[mqtt]\ntls.ca_file = \"ca.pem\"\n")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_footfall"));
    let output = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["run", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("ca.pem"), "{told}");
}

#[test]
fn a_clip_with_nothing_said_about_how_it_is_played_is_a_camera_that_stays_up() {
    let shop = Shop::with_clip();
    let service = shop.start();
    wait_until("somebody is counted", || shop.crossings_on_disk() >= 1);
    let log = service.log();
    assert!(service.stop().success());
    assert!(!log.contains("camera door: down"), "{log}");
    let now = SystemClock::start().now().wall.unix_ms();
    for (_, record) in shop.records_on_disk().iter().filter(|(_, record)| record["kind"] == "crossing") {
        let at = record["at_ms"].as_i64().unwrap();
        assert!((0..60_000).contains(&(now - at)), "{at} is not of the last minute before {now}");
    }
}
