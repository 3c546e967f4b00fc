//! A real broker, a subscriber, and a line between box and broker that a test can cut.

use footfall::ids::{BoxId, StoreId, TenantId};
use footfall::outbox::{Outbox, OutboxWriter};
use footfall::publish::discovery::{Things, introduction};
use footfall::publish::{ConfirmedBy, Link, MqttSettings, Publisher, PublisherSettings};
use footfall::time::{SystemClock, WallTime};
use footfall::wire::topics::BoxNames;
use footfall::wire::v1::{AnyRecord, Batch, Crossing, Direction, Fact, State};
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// Long enough for any machine; a test that works does not wait for it.
pub(crate) const GUARD: Duration = Duration::from_secs(60);

/// Looks again and again until it is so; panics with what was waited for.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let pause = Duration::from_millis(10);
    for _ in 0..GUARD.as_millis() / pause.as_millis() {
        if so() {
            return;
        }
        std::thread::sleep(pause);
    }
    panic!("waited in vain: {what}");
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

/// Debian's mosquitto on a loopback port, without persistence. Dropping it is `kill -9`.
pub(crate) struct Broker {
    pub(crate) port: u16,
    config: PathBuf,
    dir: TempDir,
    process: Option<Child>,
}

impl Broker {
    /// Not started yet; `more` is added to its configuration, where DIR stands for [`Broker::dir`].
    pub(crate) fn configured(more: &str) -> Self {
        Self::with_config(|port, dir| {
            let more = more.replace("DIR", dir);
            format!("persistence false\nlistener {port} 127.0.0.1\n{more}\n")
        })
    }

    /// Not started yet; its configuration is made for a port and a directory.
    pub(crate) fn with_config(text: impl FnOnce(u16, &str) -> String) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (port, config) = (free_port(), dir.path().join("mosquitto.conf"));
        let text = text(port, dir.path().to_str().expect("a path in UTF-8"));
        // Started by root it would give that up, and could not read the test's directory.
        std::fs::write(&config, format!("user root\n{text}")).expect("a config file");
        Self { port, config, dir, process: None }
    }

    pub(crate) fn open_to_all() -> Self {
        let mut broker = Self::configured("allow_anonymous true");
        broker.start();
        broker
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn start(&mut self) {
        let log = std::fs::File::create(self.dir.path().join("log")).expect("a log file");
        let process = Command::new("mosquitto")
            .arg("-c")
            .arg(&self.config)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("mosquitto is installed");
        self.process = Some(process);
        let port = self.port;
        wait_until("mosquitto listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
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

/// Someone at head office who listens to everything.
pub(crate) struct Subscriber {
    heard: Arc<Mutex<Vec<Heard>>>,
    subscribed: Arc<Mutex<u32>>,
    client: Client,
}

#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) topic: String,
    pub(crate) retained: bool,
    pub(crate) payload: Vec<u8>,
}

impl Subscriber {
    /// Returns when the broker has confirmed the subscription.
    pub(crate) fn to_all(port: u16) -> Self {
        let mut options = MqttOptions::new(format!("listener-{}", free_port()), "127.0.0.1", port);
        options.set_max_packet_size(16 * 1024 * 1024, 1024);
        Self::with(options)
    }

    pub(crate) fn with(options: MqttOptions) -> Self {
        let (client, mut connection) = Client::new(options, 10);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let subscribed = Arc::new(Mutex::new(0));
        let ears = (heard.clone(), subscribed.clone(), client.clone());
        std::thread::Builder::new()
            .name("subscriber".to_owned())
            .spawn(move || {
                let (heard, subscribed, client) = ears;
                for event in connection.iter() {
                    match event {
                        Ok(Event::Incoming(Packet::ConnAck(_))) => {
                            client.subscribe("#", QoS::AtLeastOnce).expect("a queue with room");
                        }
                        Ok(Event::Incoming(Packet::SubAck(_))) => *subscribed.lock().expect("a lock") += 1,
                        Ok(Event::Incoming(Packet::Publish(message))) => {
                            heard.lock().expect("a lock").push(Heard {
                                topic: message.topic,
                                retained: message.retain,
                                payload: message.payload.to_vec(),
                            });
                        }
                        Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) => return,
                        Ok(_) => {}
                        Err(_) => std::thread::sleep(Duration::from_millis(20)),
                    }
                }
            })
            .expect("a thread");
        let new = Self { heard, subscribed, client };
        new.wait_for_subscription(1);
        new
    }

    /// Waits until it has subscribed for the `nth` time: after a broker's restart it does so again.
    pub(crate) fn wait_for_subscription(&self, nth: u32) {
        wait_until("the subscription is confirmed", || *self.subscribed.lock().expect("a lock") >= nth);
    }

    /// Publishes something, as head office.
    pub(crate) fn tell(&self, topic: &str, retained: bool, text: String) {
        self.client.publish(topic, QoS::AtLeastOnce, retained, text).expect("a queue with room");
    }

    pub(crate) fn heard(&self, topic_end: &str) -> Vec<Heard> {
        let all = self.heard.lock().expect("a lock").clone();
        all.into_iter().filter(|one| one.topic.ends_with(topic_end)).collect()
    }

    pub(crate) fn batches(&self) -> Vec<Batch<AnyRecord>> {
        let heard = self.heard("/records");
        heard.iter().map(|one| Batch::from_gzip(&one.payload).expect("a batch")).collect()
    }

    /// Batches that arrived after the first so many messages, and how many messages there are now.
    pub(crate) fn records_since(&self, messages: usize) -> (Vec<Batch<AnyRecord>>, usize) {
        let new = self.heard.lock().expect("a lock")[messages..].to_vec();
        let batches = new.iter().filter(|one| one.topic.ends_with("/records"));
        (batches.map(|one| Batch::from_gzip(&one.payload).expect("a batch")).collect(), messages + new.len())
    }

    /// Every crossing that arrived, as (number, frame), once.
    pub(crate) fn crossings(&self) -> BTreeSet<(u64, u64)> {
        let records = self.batches().into_iter().flat_map(|batch| batch.records);
        records
            .filter_map(|record| match record {
                AnyRecord::Known(record) => match record.fact {
                    Fact::Crossing(crossing) => Some((record.seq, crossing.frame)),
                    _ => None,
                },
                AnyRecord::Unknown { .. } => None,
            })
            .collect()
    }

    pub(crate) fn states(&self) -> Vec<State> {
        let heard = self.heard("/state");
        heard.iter().map(|one| serde_json::from_slice(&one.payload).expect("a state")).collect()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        if let Err(fault) = self.client.try_disconnect() {
            println!("the subscriber ends with its thread: {fault}");
        }
    }
}

const OPEN: u8 = 0;
const CLOSED: u8 = 1;
const DEAF: u8 = 2;

/// The line between the box and the broker.
pub(crate) struct Line {
    pub(crate) port: u16,
    state: Arc<AtomicU8>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Line {
    pub(crate) fn to(broker: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (state, connections) = (Arc::new(AtomicU8::new(OPEN)), Arc::new(Mutex::new(Vec::new())));
        let (states, list) = (state.clone(), connections.clone());
        let accept = move || {
            for near in listener.incoming().map_while(Result::ok) {
                if states.load(Ordering::SeqCst) == CLOSED {
                    continue;
                }
                let Ok(far) = TcpStream::connect(("127.0.0.1", broker)) else { continue };
                let clone = |stream: &TcpStream| stream.try_clone().expect("a second handle");
                list.lock().expect("a lock").extend([clone(&near), clone(&far)]);
                carry(clone(&near), clone(&far), None);
                carry(far, near, Some(states.clone()));
            }
        };
        std::thread::Builder::new().name("line".to_owned()).spawn(accept).expect("a thread");
        Self { port, state, connections }
    }

    /// Everything that is connected is cut; new connections are too, until [`Line::open`].
    pub(crate) fn close(&self) {
        self.state.store(CLOSED, Ordering::SeqCst);
        self.cut();
    }

    /// What the broker says does not arrive any more: confirmations are lost.
    pub(crate) fn deafen(&self) {
        self.state.store(DEAF, Ordering::SeqCst);
    }

    pub(crate) fn open(&self) {
        self.state.store(OPEN, Ordering::SeqCst);
    }

    pub(crate) fn cut(&self) {
        for stream in self.connections.lock().expect("a lock").drain(..) {
            if let Err(fault) = stream.shutdown(Shutdown::Both) {
                println!("already cut: {fault}");
            }
        }
    }
}

/// Carries bytes one way until either end closes.
fn carry(mut from: TcpStream, mut to: TcpStream, state: Option<Arc<AtomicU8>>) {
    let carry = move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            let deaf = state.as_ref().is_some_and(|state| state.load(Ordering::SeqCst) == DEAF);
            if !deaf && to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _closed = to.shutdown(Shutdown::Both);
    };
    std::thread::Builder::new().name("carry".to_owned()).spawn(carry).expect("a thread");
}

/// A box: an outbox in a directory, and a publisher while it runs.
pub(crate) struct TestBox {
    pub(crate) dir: Arc<TempDir>,
    pub(crate) mqtt: MqttSettings,
    /// What it counts, where it introduces itself.
    pub(crate) things: Things,
}

/// A box that runs.
pub(crate) struct RunningBox {
    pub(crate) writer: OutboxWriter,
    pub(crate) publisher: Publisher,
    _dir: Arc<TempDir>,
}

impl TestBox {
    pub(crate) fn at(port: u16) -> Self {
        let mqtt = MqttSettings {
            host: "127.0.0.1".to_owned(),
            port,
            tls: None,
            login: None,
            batch_every: Duration::from_millis(50),
            live: true,
            retry_max: Duration::from_millis(50),
            confirmed_by: ConfirmedBy::Broker,
            ack_patience: Duration::from_secs(120),
            home_assistant: None,
        };
        Self { dir: Arc::new(tempfile::tempdir().expect("a directory")), mqtt, things: Things::default() }
    }

    pub(crate) fn open_outbox(&self) -> Outbox {
        let box_id = BoxId::parse("acme-b1-door").expect("a valid id");
        let path = self.dir.path().join("outbox.sqlite");
        Outbox::open(&path, &box_id, WallTime::from_unix_ms(1)).expect("a good file").0
    }

    pub(crate) fn run(&self) -> RunningBox {
        let clock = Arc::new(SystemClock::start());
        let news = |news| println!("outbox: {news:?}");
        let writer = OutboxWriter::start(self.open_outbox(), Duration::from_millis(10), clock.clone(), news)
            .expect("a thread");
        let names = BoxNames {
            tenant: TenantId::parse("acme").expect("a valid id"),
            store: StoreId::parse("berlin-1").expect("a valid id"),
            box_id: BoxId::parse("acme-b1-door").expect("a valid id"),
        };
        let software = "footfall test".to_owned();
        let home_assistant = self.mqtt.home_assistant.as_ref();
        let introduction =
            home_assistant.map(|known| introduction(&known.prefix, &names, &software, &self.things));
        let settings = PublisherSettings { names, mqtt: self.mqtt.clone(), software, introduction };
        let publisher = Publisher::start(settings, writer.reader(), clock).expect("a publisher");
        RunningBox { writer, publisher, _dir: self.dir.clone() }
    }
}

impl RunningBox {
    pub(crate) fn count(&self, frames: std::ops::RangeInclusive<u64>) {
        let records = self.writer.records();
        frames.for_each(|frame| records.submit(Fact::Crossing(crossing(frame))).expect("it runs"));
    }

    pub(crate) fn wait_until_up(&self) {
        wait_until("the box is connected", || self.publisher.status().link == Link::Up);
    }

    /// The problem with the broker, once there is one.
    pub(crate) fn problem(&self) -> String {
        let mut found = String::new();
        wait_until("a problem is reported", || match self.publisher.status().link {
            Link::Down { problem } => {
                found = problem;
                true
            }
            Link::Up | Link::Connecting => false,
        });
        println!("problem: {found}");
        found
    }

    pub(crate) fn waiting(&self) -> u64 {
        self.writer.reader().counts().expect("it runs").waiting
    }
}

pub(crate) fn crossing(frame: u64) -> Crossing {
    Crossing {
        camera: "door".to_owned(),
        line: "entrance".to_owned(),
        direction: Direction::In,
        frame,
        at_ms: 1_760_000_000_000,
        track: frame,
        run: 1_760_000_000_000,
        geometry: "ab12cd34ef56".to_owned(),
        plane: "image".to_owned(),
        model: "nanodet-g-416-int8".to_owned(),
    }
}

/// Crossings 1 to `last`, as (number, frame), where nothing else was stored before them.
pub(crate) fn all_up_to(last: u64) -> BTreeSet<(u64, u64)> {
    (1..=last).map(|number| (number, number)).collect()
}
