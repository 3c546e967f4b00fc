//! `footfall watch` against a real broker: what it prints where the output is no terminal, and how it ends.

use footfall::ids::{BoxId, StoreId, TenantId};
use footfall::wire::topics::{BoxNames, Topics};
use footfall::wire::v1::{
    Batch, BoxStatus, Crossing, Direction, Fact, Live, LiveMessage, Minute, MinuteVisitors, Record, State, V1,
};
use rumqttc::{Client, Event, MqttOptions, Outgoing, Packet, QoS};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Pause between two looks at something that is about to happen.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How often a broker that was started is looked for: for longer than any machine takes.
const LOOKS_FOR_BROKER: u32 = 3000;

const PASSWORD: &str = "hunter2-of-the-shop";

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

/// A broker, a box's config file, and somebody who publishes in the box's name.
struct Shop {
    folder: TempDir,
    port: u16,
    broker: Option<Child>,
}

impl Shop {
    /// A broker that takes everybody.
    fn open() -> Self {
        let mut shop = Self::closed("");
        shop.start_broker("allow_anonymous true");
        shop
    }

    /// No broker; `mqtt` is added to `[mqtt]`.
    fn closed(mqtt: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        std::fs::write(folder.path().join("model.toml"), "").expect("a manifest");
        let password = folder.path().join("password");
        std::fs::write(&password, PASSWORD).expect("a password file");
        std::fs::set_permissions(&password, PermissionsExt::from_mode(0o600)).expect("only for its owner");
        let config = format!(
            "tenant = \"acme\"\nstore = \"berlin-1\"\nbox = \"door-box\"\n\
             [mqtt]\nbroker = \"127.0.0.1:{port}\"\n{mqtt}\n[detector]\nmodel = \"model.toml\"\n\
             [[camera]]\nid = \"door\"\nsource = \"rtsp://127.0.0.1/1\"\npicture = \"768x576\"\n\
             [[camera.line]]\nid = \"entrance\"\nfrom = [500, 140]\nto = [500, 480]\n"
        );
        std::fs::write(folder.path().join("footfall.toml"), config).expect("a config file");
        Self { folder, port, broker: None }
    }

    fn start_broker(&mut self, more: &str) {
        let config = self.folder.path().join("mosquitto.conf");
        // Started by root it would give that up, and could not read the test's folder.
        let text = format!("user root\npersistence false\nlistener {} 127.0.0.1\n{more}\n", self.port);
        std::fs::write(&config, text).expect("a config file");
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
        self.broker = Some(command.spawn().expect("mosquitto is installed"));
        let mut looks = (0..LOOKS_FOR_BROKER).map(|_| {
            std::thread::sleep(LOOK_EVERY);
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
        assert!(looks.any(|answers| answers), "no broker listens at port {}", self.port);
    }

    fn config(&self) -> std::path::PathBuf {
        self.folder.path().join("footfall.toml")
    }

    /// A watch whose first line, that it is connected, has been read.
    fn watch(&self, arguments: &[&str]) -> Watch {
        let mut watch = Watch::start(&self.config(), arguments);
        assert_eq!(watch.line(), format!("Broker 127.0.0.1:{}: connected", self.port));
        watch
    }

    /// Publishes, and returns when the broker has all of it.
    fn publish(&self, messages: &[(&str, QoS, Vec<u8>)]) {
        let (client, mut connection) = Client::new(MqttOptions::new("door-box", "127.0.0.1", self.port), 64);
        for (topic, qos, payload) in messages {
            client
                .publish(*topic, *qos, topic.ends_with("state"), payload.clone())
                .expect("a queue with room");
        }
        let confirmed = |event: &Event| matches!(event, Event::Incoming(Packet::PubAck(_)));
        let promised = messages.iter().filter(|(_, qos, _)| *qos == QoS::AtLeastOnce).count();
        let mut events = connection.iter().map(|event| event.expect("a connection"));
        assert_eq!(events.by_ref().filter(confirmed).take(promised).count(), promised);
        client.disconnect().expect("a queue with room");
        events.find(|event| matches!(event, Event::Outgoing(Outgoing::Disconnect))).expect("it is sent");
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if let Some(mut broker) = self.broker.take() {
            broker.kill().expect("it runs");
            broker.wait().expect("it ends");
        }
    }
}

/// A running `footfall watch`.
struct Watch {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Watch {
    fn start(config: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_footfall"));
        command
            .args(["watch", "--config"])
            .arg(config)
            .args(arguments)
            .env("TZ", "UTC")
            .env_remove("FOOTFALL_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("the binary starts");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        Self { process, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("text");
        line.trim_end().to_owned()
    }

    /// The rest of the output, and the end.
    fn rest(self) -> (Vec<String>, Output) {
        let lines = self.output.lines().map(|line| line.expect("text")).collect();
        (lines, self.process.wait_with_output().expect("it ends"))
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, signal).expect("it runs");
    }
}

/// Expects how a watch ends: the last line of its output, its exit code and its error.
#[track_caller]
fn check(watch: Watch, summary: &str, code: i32, error: &str) -> Vec<String> {
    let (mut lines, ended) = watch.rest();
    let errors = String::from_utf8(ended.stderr).expect("text");
    assert_eq!(ended.status.code(), Some(code), "{lines:#?}\n{errors}");
    assert_eq!(lines.pop().as_deref(), Some(summary), "{lines:#?}\n{errors}");
    assert!(errors.contains(error) && errors.is_empty() == error.is_empty(), "{errors}");
    assert!(!errors.contains(PASSWORD) && lines.iter().all(|line| !line.contains(PASSWORD)));
    assert!(lines.iter().all(|line| !line.contains('\u{1b}')), "escape codes in {lines:#?}");
    lines
}

fn topics() -> Topics {
    Topics::of(&BoxNames {
        tenant: TenantId::parse("acme").expect("an id"),
        store: StoreId::parse("berlin-1").expect("an id"),
        box_id: BoxId::parse("door-box").expect("an id"),
    })
}

fn crossing() -> Crossing {
    Crossing {
        camera: "door".to_owned(),
        line: "entrance".to_owned(),
        direction: Direction::In,
        frame: 312,
        at_ms: 1_760_000_031_200,
        track: 17,
        run: 1_760_000_000_000,
        geometry: "ab12cd34ef56".to_owned(),
        plane: "image".to_owned(),
        model: "nanodet-g-416-int8".to_owned(),
    }
}

fn minute() -> Minute {
    Minute {
        camera: "door".to_owned(),
        line: "entrance".to_owned(),
        start_ms: 1_760_000_040_000,
        entries: 1,
        exits: 0,
        visitors: MinuteVisitors::default(),
        seen: Duration::from_secs(60),
        frames: 600,
        dropped: 0,
        part: false,
        valid: true,
        model: "nanodet-g-416-int8".to_owned(),
        geometry: "ab12cd34ef56".to_owned(),
        plane: "image".to_owned(),
        run: 1_760_000_000_000,
    }
}

fn batch(facts: Vec<(u64, Fact)>) -> (String, QoS, Vec<u8>) {
    let records: Vec<Record> = facts.into_iter().map(|(seq, fact)| Record { seq, fact }).collect();
    let (tenant, store, box_id) = ("acme".to_owned(), "berlin-1".to_owned(), "door-box".to_owned());
    let batch = Batch { v: V1, tenant, store, box_id, sent_ms: 1, kept_from: None, late: false, records };
    (topics().records, QoS::AtLeastOnce, batch.to_gzip().expect("a batch"))
}

fn state(state: BoxStatus) -> (String, QoS, Vec<u8>) {
    let message = State {
        v: V1,
        state,
        since_ms: 1_760_000_000_000,
        software: "footfall test".to_owned(),
        cameras: Vec::new(),
        outbox: None,
        problems: Vec::new(),
        clock_ok: Some(true),
        audit: Vec::new(),
    };
    (topics().state, QoS::AtLeastOnce, serde_json::to_vec(&message).expect("a message"))
}

fn live() -> (String, QoS, Vec<u8>) {
    let message = LiveMessage { v: V1, live: Live::Crossing(crossing()) };
    (topics().live, QoS::AtMostOnce, serde_json::to_vec(&message).expect("a message"))
}

impl Shop {
    fn send(&self, messages: &[(String, QoS, Vec<u8>)]) {
        let borrowed: Vec<_> =
            messages.iter().map(|(to, qos, body)| (to.as_str(), *qos, body.clone())).collect();
        self.publish(&borrowed);
    }
}

const NOTHING: &str = "Arrived: 0 crossings, 0 minute records in 0 batches; no numbers";

#[test]
fn each_message_is_one_line_and_the_end_waits_for_the_box_to_stop() {
    let shop = Shop::open();
    let watch = shop.watch(&["--for", "1s", "--expect", "crossings,minutes"]);
    shop.send(&[live(), batch(vec![(41, Fact::Crossing(crossing())), (43, Fact::Minute(minute()))])]);
    shop.send(&[state(BoxStatus::Stopped)]);
    let summary = "Arrived: 1 crossing, 1 minute record in 1 batch; numbers 41-43; missing 42";
    let lines = check(watch, summary, 0, "");
    let without_time: Vec<&str> = lines.iter().map(|line| &line[10..]).collect();
    let [live, records, state] = without_time.as_slice() else { panic!("{lines:#?}") };
    assert!(live.starts_with("live     QoS 0  in over entrance  {\"v\":1,\"kind\":\"crossing\","), "{live}");
    assert_eq!(*records, "records  QoS 1  2 records (1 crossing, 1 minute) seq 41-43");
    assert!(state.starts_with("state    QoS 1  stopped  {\"v\":1,\"state\":\"stopped\","), "{state}");
}

#[test]
fn what_was_told_before_the_watch_began_is_shown_from_the_retained_state() {
    let shop = Shop::open();
    shop.send(&[state(BoxStatus::Online)]);
    let mut watch = shop.watch(&[]);
    assert!(watch.line().contains("state    QoS 1  online  {"));
    watch.signal(rustix::process::Signal::TERM);
    check(watch, NOTHING, 0, "");
}

#[test]
fn what_was_expected_and_did_not_arrive_is_named_with_exit_code_6() {
    let shop = Shop::open();
    let watch = shop.watch(&["--for", "1s", "--expect", "crossings,minutes"]);
    // A copy on `live` is no record: nobody may add it up.
    shop.send(&[live(), batch(vec![(1, Fact::Minute(minute()))]), state(BoxStatus::Stopped)]);
    let summary = "Arrived: 0 crossings, 1 minute record in 1 batch; numbers 1 without holes";
    check(watch, summary, 6, "footfall: no crossing arrived from box door-box over broker 127.0.0.1:");
}

/// Has a copy of a crossing arrive, and returns the second of the day that the watch shows for it.
fn second_of_next_live_line(shop: &Shop, watch: &mut Watch) -> i32 {
    shop.send(&[live()]);
    let line = watch.line();
    assert!(line.contains("live     QoS 0"), "the watch ended or shows something else: {line:?}");
    let parts = line[..8].split(':').map(|part| part.parse::<i32>().expect("HH:MM:SS"));
    parts.fold(0, |sum, part| sum * 60 + part)
}

#[test]
fn records_that_come_while_the_box_stops_are_waited_for() {
    let shop = Shop::open();
    shop.send(&[state(BoxStatus::Online)]);
    let mut watch = shop.watch(&["--for", "1s", "--expect", "minutes"]);
    assert!(watch.line().contains("state    QoS 1  online  {"));
    // By its own clock it listens later than its length: it would have ended by now if it did not wait.
    let first = second_of_next_live_line(&shop, &mut watch);
    while (second_of_next_live_line(&shop, &mut watch) - first).rem_euclid(24 * 3600) < 2 {
        std::thread::sleep(LOOK_EVERY);
    }
    shop.send(&[batch(vec![(1, Fact::Minute(minute()))]), state(BoxStatus::Stopped)]);
    check(watch, "Arrived: 0 crossings, 1 minute record in 1 batch; numbers 1 without holes", 0, "");
}

#[test]
fn messages_that_are_not_understood_are_shown_as_such() {
    let shop = Shop::open();
    let mut watch = shop.watch(&[]);
    shop.send(&[
        (topics().records, QoS::AtLeastOnce, b"\x1b[2J\xff".to_vec()),
        (topics().state, QoS::AtLeastOnce, b"{\"v\":9}".to_vec()),
    ]);
    for topic in ["records", "state"] {
        let line = watch.line();
        assert!(line.contains(topic) && line.contains("QoS 1  not understood: "), "{line}");
    }
    watch.signal(rustix::process::Signal::TERM);
    check(watch, &format!("{NOTHING}; 2 not understood"), 0, "");
}

#[test]
fn a_broker_that_comes_back_is_listened_to_again() {
    let mut shop = Shop::closed("");
    let mut watch = Watch::start(&shop.config(), &[]);
    let gone = watch.line();
    assert!(gone.starts_with("No broker: broker 127.0.0.1:") && gone.contains("cannot be reached"), "{gone}");
    shop.start_broker("allow_anonymous true");
    assert_eq!(watch.line(), format!("Broker 127.0.0.1:{}: connected", shop.port));
    watch.signal(rustix::process::Signal::INT);
    check(watch, NOTHING, 0, "");
}

#[test]
fn a_broker_that_is_never_reached_ends_with_6_and_says_why() {
    let shop = Shop::closed("");
    let watch = Watch::start(&shop.config(), &["--for", "1s"]);
    check(watch, NOTHING, 6, "footfall: nothing heard of box door-box: broker 127.0.0.1:");
}

#[test]
fn a_broker_that_refuses_the_login_is_named_and_the_password_is_not() {
    let mut shop = Shop::closed("user = \"door-box\"\npassword_file = \"password\"");
    std::fs::write(shop.folder.path().join("nobody"), "").expect("a file of passwords");
    let nobody =
        format!("allow_anonymous false\npassword_file {}", shop.folder.path().join("nobody").display());
    shop.start_broker(&nobody);
    let watch = Watch::start(&shop.config(), &["--for", "4s"]);
    check(watch, NOTHING, 6, "refused the user or password (user \"door-box\")");
}

/// A certificate of its own authority for a broker on this machine.
fn make_certificates(folder: &Path) {
    let script = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem && \
        openssl req -newkey rsa:2048 -nodes -subj /CN=broker -keyout broker.key -out broker.csr && \
        printf 'subjectAltName=IP:127.0.0.1' >ext && openssl x509 -req -in broker.csr -CA ca.pem -CAkey ca.key \
        -CAcreateserial -days 2 -extfile ext -out broker.pem";
    let made = Command::new("sh").arg("-c").arg(script).current_dir(folder).output().expect("a shell");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn a_broker_with_tls_is_listened_to_as_the_config_file_says() {
    let folder = tempfile::tempdir().expect("a folder");
    make_certificates(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let mut shop = Shop::closed(&format!("[mqtt.tls]\nca_file = \"{}\"", file("ca.pem")));
    shop.start_broker(&format!(
        "allow_anonymous true\ncafile {}\ncertfile {}\nkeyfile {}",
        file("ca.pem"),
        file("broker.pem"),
        file("broker.key")
    ));
    let watch = shop.watch(&[]);
    watch.signal(rustix::process::Signal::TERM);
    check(watch, NOTHING, 0, "");
}

#[test]
fn a_config_file_without_a_broker_ends_with_3() {
    let shop = Shop::closed("");
    let text = std::fs::read_to_string(shop.config()).expect("a config file");
    let without: Vec<&str> =
        text.lines().filter(|line| !line.starts_with("[mqtt]") && !line.starts_with("broker")).collect();
    std::fs::write(shop.config(), without.join("\n")).expect("a config file");
    let (lines, ended) = Watch::start(&shop.config(), &[]).rest();
    let errors = String::from_utf8(ended.stderr).expect("text");
    assert_eq!((ended.status.code(), lines.len()), (Some(3), 0), "{errors}");
    assert!(errors.contains("there is no [mqtt], so there is no broker to watch"), "{errors}");
}
