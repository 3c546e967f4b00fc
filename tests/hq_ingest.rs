//! Head office's ingest over Debian's mosquitto and a real database, and what happens to all three.
#![cfg(feature = "hq")]

use footfall::hq::fleet::Fleet;
use footfall::hq::fleet::authority::Authority;
use footfall::hq::fleet::packages::PackageFolder;
use footfall::hq::ingest::LiveNow;
use footfall::hq::ingest::intake::Receipt;
use footfall::hq::mqtt::{HqIngest, HqMqtt, RunningIngest, start};
use footfall::hq::store::Store;
use footfall::publish::MqttSettings;
use footfall::time::{FrameTime, SimClock, WallTime};
use footfall::wire::v1::fleet::BrokerAddress;
use footfall::wire::v1::{Ack, Backfill, Batch, V1};
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use serde_json::value::RawValue;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::broadcast;

/// 2026-11-22T08:00:00Z.
const EIGHT: i64 = 1_795_334_400_000;
/// Long enough for any machine; a test that works does not wait for it.
const GUARD: Duration = Duration::from_secs(60);

#[track_caller]
fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let pause = Duration::from_millis(10);
    for _ in 0..GUARD.as_millis() / pause.as_millis() {
        if so() {
            return;
        }
        std::thread::sleep(pause);
    }
    panic!("waited in vain: {what}");
}

/// Debian's mosquitto on a loopback port, without persistence. Dropping it is `kill -9`.
struct Broker {
    port: u16,
    folder: TempDir,
    process: Option<Child>,
}

impl Broker {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let mut broker = Self { port, folder: tempfile::tempdir().expect("a folder"), process: None };
        broker.run();
        broker
    }

    fn run(&mut self) {
        let config = self.folder.path().join("mosquitto.conf");
        let text =
            format!("user root\npersistence false\nlistener {} 127.0.0.1\nallow_anonymous true\n", self.port);
        std::fs::write(&config, text).expect("a config file");
        let mut broker = Command::new("mosquitto");
        broker.arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(broker.spawn().expect("mosquitto is installed"));
        wait_until("mosquitto listens", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }

    /// `kill -9`: its session and what it retained are gone.
    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it runs");
            process.wait().expect("it ends");
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Head office with a store `acme/berlin-1` and its boxes `a` and `b`.
struct Office {
    folder: TempDir,
    clock: Arc<SimClock>,
    live: broadcast::Sender<Arc<LiveNow>>,
    fed: Arc<Mutex<Vec<String>>>,
    running: Option<RunningIngest>,
    port: u16,
}

impl Office {
    fn start(broker: &Broker) -> Self {
        let now = FrameTime { elapsed: Duration::ZERO, wall: WallTime::from_unix_ms(EIGHT + 600_000) };
        let mut office = Self {
            folder: tempfile::tempdir().expect("a folder"),
            clock: Arc::new(SimClock::at(now)),
            live: broadcast::channel(16).0,
            fed: Arc::default(),
            running: None,
            port: broker.port,
        };
        drop(Store::open(&office.path()).expect("a database"));
        let register = "INSERT INTO tenant VALUES (1, 'acme', 'Acme');
            INSERT INTO store VALUES (1, 1, NULL, 'berlin-1', 'Berlin', 'EUR', 2, '{}', '{}', 0.9, 0, NULL);
            INSERT INTO store_clock VALUES (1, 0, 'Europe/Berlin', '00:00');
            INSERT INTO box (box_id, store_id, name) VALUES (1, 1, 'a'), (2, 1, 'b');";
        office.sqlite().execute_batch(register).expect("a register");
        office.run();
        office
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("hq.sqlite")
    }

    fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).expect("the database")
    }

    fn run(&mut self) {
        let mqtt = MqttSettings {
            confirmed_by: footfall::publish::ConfirmedBy::default(),
            ack_patience: Duration::from_secs(5),
            host: "127.0.0.1".to_owned(),
            port: self.port,
            tls: None,
            login: None,
            batch_every: Duration::from_secs(1),
            live: true,
            retry_max: Duration::from_millis(200),
            home_assistant: None,
        };
        let fed = self.fed.clone();
        let day = Duration::from_secs(86_400);
        let fleet = Arc::new(Fleet {
            authority: Authority::of(self.folder.path().join("authority"), day * 90),
            broker: Some(BrokerAddress { host: "127.0.0.1".to_owned(), port: self.port }),
            broker_ca: None,
            public_url: "https://hq.example.com".to_owned(),
            link_life: day,
            packages: PackageFolder(self.folder.path().join("packages")),
        });
        let with = HqIngest {
            fleet,
            store: Arc::new(Store::open(&self.path()).expect("a database")),
            clock: self.clock.clone(),
            live: self.live.clone(),
            on_feed: Box::new(move |message| {
                let text = String::from_utf8_lossy(message.payload).into_owned();
                fed.lock().expect("a lock").push(format!("{} {} {text}", message.tenant, message.feed));
                if text == "bad" { Receipt::Aside("it is bad".to_owned()) } else { Receipt::Taken }
            }),
        };
        let settings = HqMqtt { mqtt, client_id: "footfall-hq-test".to_owned() };
        self.running = Some(start(&settings, with).expect("two threads"));
        wait_until("head office is connected", || {
            self.running.as_ref().is_some_and(|running| running.status().broker_problem.is_none())
        });
    }

    fn stop(&mut self) {
        self.running.take().expect("it runs").stop();
    }

    /// First column of all rows.
    fn text(&self, sql: &str) -> String {
        let sqlite = self.sqlite();
        let mut select = sqlite.prepare(sql).expect("a statement");
        let rows = select.query_map([], |row| {
            Ok(match row.get::<_, rusqlite::types::Value>(0)? {
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => format!("{other:?}"),
            })
        });
        let rows: Result<Vec<_>, _> = rows.expect("rows").collect();
        rows.expect("rows").join(",")
    }

    #[track_caller]
    fn check(&self, sql: &str, expected: &str) {
        wait_until(&format!("{sql} gives {expected}, not {}", self.text(sql)), || self.text(sql) == expected);
    }
}

/// What was heard: topic and payload.
type Ears = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// What is sent in the name of a box, and what it hears.
struct TestBox {
    name: &'static str,
    client: Client,
    heard: Ears,
}

impl TestBox {
    fn connect(name: &'static str, broker: &Broker) -> Self {
        let mut options = MqttOptions::new(format!("box-{name}"), "127.0.0.1", broker.port);
        options.set_max_packet_size(1 << 20, 1 << 20);
        let (client, mut connection) = Client::new(options, 100);
        let heard: Ears = Arc::default();
        let (ears, again) = (heard.clone(), client.clone());
        let listen = move || {
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => {
                        let topic = format!("footfall/v1/acme/berlin-1/{name}/+");
                        again.subscribe(topic, QoS::AtLeastOnce).expect("a queue with room");
                    }
                    Ok(Event::Incoming(Packet::Publish(message))) => {
                        ears.lock().expect("a lock").push((message.topic, message.payload.to_vec()));
                    }
                    Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) => return,
                    Ok(_) => {}
                    Err(_) => std::thread::sleep(Duration::from_millis(20)),
                }
            }
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(listen).expect("a thread");
        Self { name, client, heard }
    }

    fn publish(&self, kind: &str, payload: Vec<u8>) {
        let topic = format!("footfall/v1/acme/berlin-1/{}/{kind}", self.name);
        self.client.publish(topic, QoS::AtLeastOnce, false, payload).expect("a queue with room");
    }

    /// Sends a minute for each number; minute `n` is the `n`th from eight on, with one entry.
    fn send(&self, numbers: impl IntoIterator<Item = u64>) {
        self.publish("records", batch(self.name, numbers));
    }

    fn heard<T>(&self, kind: &str, read: impl Fn(&[u8]) -> T) -> Vec<T> {
        let heard = self.heard.lock().expect("a lock");
        heard.iter().filter(|(topic, _)| topic.ends_with(kind)).map(|(_, payload)| read(payload)).collect()
    }

    #[track_caller]
    fn wait_for_ack(&self, watermark: u64) {
        let is_there = || {
            let acks = self.heard("/ack", |payload| Ack::from_json(payload).expect("an ack"));
            acks.last().is_some_and(|ack| ack.watermark == watermark && ack.box_id == self.name)
        };
        wait_until(&format!("box {} is told {watermark}", self.name), is_there);
    }
}

impl Drop for TestBox {
    fn drop(&mut self) {
        if let Err(fault) = self.client.try_disconnect() {
            println!("the box ends with its thread: {fault}");
        }
    }
}

fn batch(name: &str, numbers: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let record = |seq: u64| {
        let start_ms = EIGHT + i64::try_from(seq).expect("a small number") * 60_000 - 60_000;
        RawValue::from_string(format!(
            r#"{{"seq":{seq},"kind":"minute","camera":"door","line":"in","start_ms":{start_ms},"in":1,"out":0,"seen_s":60.0,
            "frames":1,"dropped":0,"part":false,"model":"m","geometry":"g","run":7}}"#
        ))
        .expect("JSON")
    };
    let batch: Batch<Box<RawValue>> = Batch {
        v: V1,
        tenant: "acme".to_owned(),
        store: "berlin-1".to_owned(),
        box_id: name.to_owned(),
        sent_ms: EIGHT,
        kept_from: None,
        late: false,
        records: numbers.into_iter().map(record).collect(),
    };
    batch.to_gzip().expect("a batch")
}

const ENTRIES: &str = "SELECT coalesce(sum(entries), 0) FROM store_day";

#[test]
fn records_are_stored_once_and_the_box_is_told_how_far() {
    let broker = Broker::start();
    let office = Office::start(&broker);
    let (a, b) = (TestBox::connect("a", &broker), TestBox::connect("b", &broker));
    a.send(1..=5);
    a.send(3..=8);
    b.send(1..=2);
    a.wait_for_ack(8);
    b.wait_for_ack(2);
    office.check(ENTRIES, "10");
    office.check("SELECT last_seq FROM received ORDER BY box_id", "8,2");
    // What is retained is there for a box that comes later.
    let late = TestBox::connect("a", &broker);
    late.wait_for_ack(8);
}

#[test]
fn a_hole_is_asked_for_until_it_closes() {
    let broker = Broker::start();
    let office = Office::start(&broker);
    let a = TestBox::connect("a", &broker);
    a.send([1, 2, 6]);
    a.wait_for_ack(2);
    let asked = || {
        let read = |payload: &[u8]| Backfill::from_json(payload).expect("a backfill");
        a.heard("/backfill", read).iter().map(|ask| (ask.from_seq, ask.to_seq)).collect::<Vec<_>>()
    };
    wait_until("the hole is asked for", || {
        office.clock.advance(Duration::from_secs(6));
        asked().first() == Some(&(3, 5))
    });
    a.send(3..=5);
    a.wait_for_ack(6);
    office.check(ENTRIES, "6");
}

#[test]
fn a_broker_that_forgets_everything_costs_nothing_that_the_box_still_holds() {
    let mut broker = Broker::start();
    let office = Office::start(&broker);
    let a = TestBox::connect("a", &broker);
    a.send(1..=3);
    a.wait_for_ack(3);
    broker.kill();
    a.heard.lock().expect("a lock").clear();
    broker.run();
    // Nobody sent anything: head office says the watermark again by itself.
    a.wait_for_ack(3);
    a.send(2..=6);
    a.wait_for_ack(6);
    office.check(ENTRIES, "6");
}

#[test]
fn what_comes_while_head_office_is_away_is_delivered_when_it_is_back() {
    let broker = Broker::start();
    let mut office = Office::start(&broker);
    let a = TestBox::connect("a", &broker);
    a.send([1]);
    a.wait_for_ack(1);
    office.stop();
    a.send([2, 3]);
    office.run();
    a.wait_for_ack(3);
    office.check(ENTRIES, "3");
}

#[test]
fn what_is_hostile_goes_aside_and_holds_up_nobody() {
    let broker = Broker::start();
    let office = Office::start(&broker);
    let a = TestBox::connect("a", &broker);
    let mut spaces = "[".to_owned();
    spaces.push_str(&" ".repeat(40 << 20));
    spaces.push(']');
    let bomb: Batch<Box<RawValue>> = Batch {
        v: V1,
        tenant: "acme".to_owned(),
        store: "berlin-1".to_owned(),
        box_id: "a".to_owned(),
        sent_ms: 1,
        kept_from: None,
        late: false,
        records: vec![RawValue::from_string(spaces).expect("JSON")],
    };
    a.publish("records", bomb.to_gzip().expect("a bomb"));
    a.publish("records", b"no gzip at all".to_vec());
    // A wrong box under a right name.
    a.publish("records", batch("b", 1..=3));
    a.publish("state", format!("{{\"v\":1,\"state\":{}", "[".repeat(100_000)).into_bytes());
    let stranger = TestBox::connect("x", &broker);
    stranger.send(1..=3);
    a.send(1..=2);
    a.wait_for_ack(2);
    office.check("SELECT count(*) FROM aside", "4");
    office.check("SELECT box || ' ' || messages FROM stranger", "x 1");
    office.check(ENTRIES, "2");
}

#[test]
fn state_is_kept_live_is_passed_on_and_feeds_go_to_who_takes_them() {
    let broker = Broker::start();
    let office = Office::start(&broker);
    let mut live = office.live.subscribe();
    let a = TestBox::connect("a", &broker);
    let state = r#"{"v":1,"state":"online","since_ms":1,"software":"footfall 0","cameras":[],"problems":[]}"#;
    a.publish("state", state.as_bytes().to_vec());
    office.check("SELECT state FROM box WHERE name = 'a'", state);
    let now = r#"{"v":1,"kind":"now","at_ms":1795334400000,"since_ms":1,"cameras":[]}"#;
    let stranger = TestBox::connect("x", &broker);
    stranger.publish("live", now.as_bytes().to_vec());
    a.publish("live", now.as_bytes().to_vec());
    wait_until("a value of now is passed on", || live.try_recv().is_ok_and(|now| now.box_name == "a"));
    for text in ["good", "bad"] {
        a.client
            .publish("footfall/v1/acme/hq/sales", QoS::AtLeastOnce, false, text)
            .expect("a queue with room");
    }
    wait_until("feeds are handed over", || {
        *office.fed.lock().expect("a lock") == ["acme sales good", "acme sales bad"]
    });
    office.check("SELECT reason FROM aside", "it is bad");
}
