//! A chain's boxes enrol, take a configuration and report it: with the real `footfall-hq`, over HTTP, and with the real mosquitto, over TLS with
//! the certificates that were just signed. `BOXES` says how many; `make fleet` has 1,000.
#![cfg(feature = "hq")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use footfall::ids::{BoxId, StoreId, TenantId};
use footfall::time::{Clock, SystemClock};
use footfall::wire::topics::{BoxNames, FleetTopics, Topics};
use footfall::wire::v1::fleet::{ConfigDesired, ConfigReported, ConfigStatus};
use footfall::wire::v1::{BoxStatus, State, V1};
use reqwest::header::HeaderMap;
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS, Transport};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

const PASSWORD: &str = "correct horse battery";
/// Within which it has to be done, however many boxes there are.
const LIMIT: Duration = Duration::from_secs(300);
/// Boxes that enrol at the same time.
const AT_ONCE: usize = 16;
/// So that no store of 1,000 boxes has more than a register takes.
const STORES: usize = 40;

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn wait_for_port(port: u16, what: &str) {
    let is_open = |_| {
        std::thread::sleep(Duration::from_millis(20));
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    };
    assert!((0..3000).any(is_open), "{what} does not listen");
}

/// Ended when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Mosquitto with a port for head office, and one for boxes: TLS, a certificate of the authority needed, and its name is the box's.
struct Broker {
    plain: u16,
    tls: u16,
    _process: Process,
}

impl Broker {
    fn start(folder: &Path, boxes_ca: &str) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let (plain, tls) = (free_port(), free_port());
        let conf = format!(
            "user root\nper_listener_settings true\nmax_queued_messages 0\n\
             listener {plain} 127.0.0.1\nallow_anonymous true\n\
             listener {tls} 127.0.0.1\ncafile {0}/boxes-ca.pem\ncertfile {0}/broker.pem\nkeyfile {0}/broker.key\n\
             require_certificate true\nuse_identity_as_username true\nacl_file {0}/acl\n",
            folder.display()
        );
        for (name, text) in [
            ("boxes-ca.pem", boxes_ca),
            ("broker.pem", &certificate.pem()),
            ("broker.key", &key.serialize_pem()),
            // Each box below its own name and nowhere else.
            ("acl", "pattern readwrite footfall/v1/+/+/%u/#\n"),
            ("mosquitto.conf", &conf),
        ] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let mut mosquitto = Command::new("mosquitto");
        mosquitto.arg("-c").arg(folder.join("mosquitto.conf")).stdout(Stdio::null()).stderr(Stdio::null());
        let process = Process(mosquitto.spawn().expect("mosquitto is installed"));
        wait_for_port(tls, "mosquitto");
        Self { plain, tls, _process: process }
    }
}

/// `footfall-hq serve`, and an administrator at its pages.
struct Office<'a> {
    folder: &'a Path,
    address: String,
    port: u16,
    process: Option<Process>,
    http: reqwest::Client,
    signed_in: HeaderMap,
}

fn footfall_hq(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_footfall-hq"));
    command.args(arguments).arg("--config").arg(folder.join("hq.toml"));
    command
}

impl<'a> Office<'a> {
    fn new(folder: &'a Path, port: u16) -> Self {
        let address = format!("http://127.0.0.1:{port}");
        let http = reqwest::Client::new();
        let mut office = Self { folder, address, port, process: None, http, signed_in: HeaderMap::new() };
        office.start();
        office
    }

    fn start(&mut self) {
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log")).unwrap();
        let serve = footfall_hq(self.folder, &["serve"]).stderr(log).spawn().unwrap();
        self.process = Some(Process(serve));
        wait_for_port(self.port, "footfall-hq");
    }

    /// `kill -9`, and it starts again.
    fn restart(&mut self) {
        self.process = None;
        self.start();
    }

    async fn sign_in(&mut self) {
        let body = json!({"name": "ada", "password": PASSWORD});
        let answer =
            self.http.post(format!("{}/api/v1/session", self.address)).json(&body).send().await.unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let me = self.http.get(format!("{}/api/v1/me", self.address)).header("cookie", &cookie);
        let me: Value = me.send().await.unwrap().json().await.unwrap();
        self.signed_in.insert("cookie", cookie.parse().unwrap());
        self.signed_in.insert("x-csrf-token", me["csrf"].as_str().unwrap().parse().unwrap());
        self.signed_in.insert("origin", self.address.parse().unwrap());
    }

    /// Asks, and again where it was too often: an administrator's program does no other.
    async fn ask(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        loop {
            let mut request = self.http.request(method.clone(), format!("{}/api/v1/{path}", self.address));
            request = request.headers(self.signed_in.clone());
            if let Some(body) = &body {
                request = request.json(body);
            }
            let answer = request.send().await.unwrap();
            if answer.status() == 429 {
                tokio::time::sleep(Duration::from_millis(300)).await;
                continue;
            }
            let status = answer.status();
            let text = answer.text().await.unwrap();
            assert!(status.is_success(), "{path}: {status} {text}");
            return serde_json::from_str(&text).unwrap();
        }
    }
}

/// A box, as much of it as enrols, takes a configuration and reports it.
struct SimulatedBox {
    names: BoxNames,
    link: String,
    broker: u16,
    reported: Arc<AtomicUsize>,
}

impl SimulatedBox {
    /// Its identity: certificate and key, and who signed the broker's.
    async fn enrol(&self, http: &reqwest::Client) -> (String, String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let csr = rcgen::CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
        let (hq, token) = self.link.split_once("/enrol#").unwrap();
        let body = json!({"token": token, "csr": csr, "software": "simulated", "arch": "amd64"});
        loop {
            let answer = http.post(format!("{hq}/api/v1/enrol")).json(&body).send().await.unwrap();
            if answer.status() == 429 {
                tokio::time::sleep(Duration::from_millis(500)).await;
                continue;
            }
            let enrolled: Value = answer.error_for_status().unwrap().json().await.unwrap();
            assert_eq!(enrolled["box"], self.names.box_id.as_str());
            let text = |of: &str| enrolled[of].as_str().unwrap().to_owned();
            return (text("certificate"), text("ca"), key.serialize_pem());
        }
    }

    /// Connects with what it was given, and takes what is desired until it is stopped.
    async fn live(self, (certificate, ca, key): (String, String, String)) {
        let mut options = MqttOptions::new(format!("{}-fleet", self.names.box_id), "127.0.0.1", self.broker);
        options.set_transport(Transport::tls(
            ca.into_bytes(),
            Some((certificate.into_bytes(), key.into_bytes())),
            None,
        ));
        options.set_keep_alive(Duration::from_secs(60));
        let (client, mut events) = AsyncClient::new(options, 10);
        let topics = FleetTopics::of(&self.names);
        let mut version = 0;
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    client.subscribe(&topics.config_desired, QoS::AtLeastOnce).await.unwrap();
                    let state = serde_json::to_vec(&online()).unwrap();
                    let topic = Topics::of(&self.names).state;
                    client.publish(topic, QoS::AtLeastOnce, true, state).await.unwrap();
                    if version == 0 {
                        let own = serde_json::to_vec(&own()).unwrap();
                        client.publish(&topics.config_reported, QoS::AtLeastOnce, true, own).await.unwrap();
                    }
                }
                Ok(Event::Incoming(Packet::Publish(message))) => {
                    let desired: ConfigDesired = serde_json::from_slice(&message.payload).unwrap();
                    let report = serde_json::to_vec(&report(&desired)).unwrap();
                    client.publish(&topics.config_reported, QoS::AtLeastOnce, true, report).await.unwrap();
                    if desired.version > version {
                        version = desired.version;
                        self.reported.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Ok(_) => {}
                Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
            }
        }
    }
}

fn online() -> State {
    State {
        v: V1,
        state: BoxStatus::Online,
        since_ms: 1_795_334_400_000,
        software: "simulated".to_owned(),
        cameras: Vec::new(),
        outbox: None,
        problems: Vec::new(),
        audit: Vec::new(),
        clock_ok: Some(true),
    }
}

/// What a box says before anything was desired of it.
fn own() -> ConfigReported {
    ConfigReported {
        v: V1,
        version: 0,
        status: ConfigStatus::Local,
        in_force: 0,
        hash: String::new(),
        faults: Vec::new(),
        text: Some(
            "[detector]\nthreads = 1\n\n[[camera]]\nid = \"door\"\nsource = \"rtsp://door\"\n".to_owned(),
        ),
        at_ms: 1_795_334_400_000,
    }
}

fn report(desired: &ConfigDesired) -> ConfigReported {
    let hash: String =
        Sha256::digest(desired.text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, desired.hash, "what arrives is what was sent");
    assert!(desired.text.contains("threads = 3"), "{}", desired.text);
    ConfigReported {
        v: V1,
        version: desired.version,
        status: ConfigStatus::Applied,
        in_force: desired.version,
        hash,
        faults: Vec::new(),
        text: None,
        at_ms: 1_795_334_400_000,
    }
}

fn names(boxes: usize) -> Vec<BoxNames> {
    let name = |number: usize| BoxNames {
        tenant: TenantId::parse("acme").unwrap(),
        store: StoreId::parse(&format!("s{}", number % STORES)).unwrap(),
        box_id: BoxId::parse(&format!("acme-b{number}")).unwrap(),
    };
    (0..boxes).map(name).collect()
}

fn register(names: &[BoxNames]) -> String {
    let mut text = "[[tenant]]\nid = \"acme\"\ntitle = \"Acme\"\n".to_owned();
    for store in 0..STORES {
        text += &format!(
            "[[store]]\nid = \"s{store}\"\ntitle = \"S\"\ncurrency = \"EUR\"\ntime_zone = \"UTC\"\n"
        );
        for of in names.iter().filter(|of| of.store.as_str() == format!("s{store}")) {
            text += &format!("[[store.box]]\nid = \"{}\"\n", of.box_id);
        }
    }
    text
}

/// Each box is two files for the test, and as many for the broker.
fn allow_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_enrols_takes_a_configuration_and_reports_it() {
    let boxes: usize = std::env::var("BOXES").map_or(30, |boxes| boxes.parse().unwrap());
    allow_files();
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let names = names(boxes);
    std::fs::write(folder.path().join("register.toml"), register(&names)).unwrap();
    // The authority has to be there before the broker, which is told of it.
    let minimal = "database = \"hq.sqlite\"\nregister = \"register.toml\"\n";
    std::fs::write(folder.path().join("hq.toml"), minimal).unwrap();
    let shown = footfall_hq(folder.path(), &["authority", "show"]).output().unwrap();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let broker = Broker::start(folder.path(), &String::from_utf8(shown.stdout).unwrap());
    let config = format!(
        "{minimal}[mqtt]\nbroker = \"127.0.0.1:{}\"\n[http]\nlisten = \"127.0.0.1:{port}\"\n\
         [fleet]\nbroker = \"127.0.0.1:{}\"\nbroker_ca_file = \"broker.pem\"\n",
        broker.plain, broker.tls
    );
    std::fs::write(folder.path().join("hq.toml"), config).unwrap();
    let registered = footfall_hq(folder.path(), &["register"]).output().unwrap();
    assert!(registered.status.success(), "{}", String::from_utf8_lossy(&registered.stderr));
    add_account(folder.path());
    let mut office = Office::new(folder.path(), port);
    office.sign_in().await;

    // Two crypto libraries are linked, and this client of the broker leaves the choice to the process.
    let crypto = rumqttc::tokio_rustls::rustls::crypto::aws_lc_rs::default_provider();
    crypto.install_default().expect("nobody has chosen before");
    let begun = SystemClock::start();
    let reported = Arc::new(AtomicUsize::new(0));
    let mut lives = JoinSet::new();
    enrol_all(&office, names, (&broker, &reported), &mut lives).await;
    wait_until_heard(&office, boxes, begun).await;
    let enrolled = begun.now().elapsed;
    let change = json!({
        "kind": "config", "change": "[detector]\nthreads = 3\n", "title": "three threads", "why": "the number",
        "rings": ["1", "10%", "100%"], "soak_s": 1,
    });
    let rollout =
        office.ask(reqwest::Method::POST, "rollouts/acme", Some(change)).await["id"].as_i64().unwrap();
    let first = wait_for(&office, rollout, |of| of["counts"]["answered"].as_i64() >= Some(1), begun).await;
    // It goes on where it was.
    office.restart();
    let done = wait_for(&office, rollout, |of| of["state"] != "running", begun).await;
    let counts = &done["counts"];
    assert_eq!((&done["state"], &counts["worse"]), (&json!("done"), &json!(0)), "{}", done["reason"]);
    assert_eq!(
        (counts["answered"].as_u64(), first["counts"]["boxes"].as_u64()),
        (Some(boxes as u64), Some(boxes as u64))
    );
    assert_eq!(reported.load(Ordering::Relaxed), boxes);
    let current = office.ask(reqwest::Method::GET, "fleet", None).await;
    let current =
        current["boxes"].as_array().unwrap().iter().filter(|of| of["config"]["in_force"] == 1).count();
    assert_eq!(current, boxes, "boxes that are known to count with what was desired");
    let took = begun.now().elapsed;
    println!("{boxes} boxes: enrolled and connected in {enrolled:.1?}, all reported after {took:.1?}");
    assert!(took < LIMIT, "{boxes} boxes took {took:.1?}");
}

fn add_account(folder: &Path) {
    use std::io::Write as _;
    let account = ["account", "add", "ada", "--role", "admin", "--tenant", "acme", "--password-stdin"];
    let mut add = footfall_hq(folder, &account).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    add.stdin.take().unwrap().write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
    assert!(add.wait().unwrap().success());
}

/// Makes a link for each box, with which it enrols and connects.
async fn enrol_all(
    office: &Office<'_>,
    names: Vec<BoxNames>,
    (broker, reported): (&Broker, &Arc<AtomicUsize>),
    lives: &mut JoinSet<()>,
) {
    let mut enrolling: JoinSet<(SimulatedBox, (String, String, String))> = JoinSet::new();
    for names in names {
        let path = format!("fleet/{}/{}/{}/enrolment", names.tenant, names.store, names.box_id);
        let link = office.ask(reqwest::Method::POST, &path, Some(json!({}))).await;
        let link = link["link"].as_str().unwrap().to_owned();
        let one = SimulatedBox { names, link, broker: broker.tls, reported: Arc::clone(reported) };
        if enrolling.len() >= AT_ONCE
            && let Some(enrolled) = enrolling.join_next().await
        {
            let (one, identity) = enrolled.unwrap();
            lives.spawn(one.live(identity));
        }
        let http = office.http.clone();
        enrolling.spawn(async move {
            let identity = one.enrol(&http).await;
            (one, identity)
        });
    }
    while let Some(enrolled) = enrolling.join_next().await {
        let (one, identity) = enrolled.unwrap();
        lives.spawn(one.live(identity));
    }
}

/// Waits until every box is known to be there, and to count with its own settings.
async fn wait_until_heard(office: &Office<'_>, boxes: usize, begun: SystemClock) {
    loop {
        let fleet = office.ask(reqwest::Method::GET, "fleet", None).await;
        let is_heard = |of: &&Value| of["state"] == "online" && of["config"]["status"] == "local";
        let heard = fleet["boxes"].as_array().unwrap().iter().filter(is_heard).count();
        if heard == boxes {
            return;
        }
        assert!(begun.now().elapsed < LIMIT, "of {boxes} boxes {heard} were heard");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn wait_for(
    office: &Office<'_>,
    rollout: i64,
    is_so: impl Fn(&Value) -> bool,
    begun: SystemClock,
) -> Value {
    loop {
        let found = office.ask(reqwest::Method::GET, &format!("rollouts/acme/{rollout}"), None).await;
        if is_so(&found) {
            return found;
        }
        assert!(begun.now().elapsed < LIMIT, "it took too long: {} {}", found["state"], found["counts"]);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
