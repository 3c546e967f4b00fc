//! How a box says that it is, and what it does for head office: the real program, a real broker, the sample clip.

use super::broker::{Broker, Subscriber, wait_until};
use super::{Running, Shop, cameras};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use footfall::time::{Clock, SystemClock};
use footfall::wire::v1::fleet::{CommandOutcome, CommandResult, Health};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;

const COMMAND: &str = "footfall/v1/acme/berlin-1/box-1/command";

/// A shop whose box is looked after, and the port of its figures.
fn shop(broker: &Broker, fleet: &str) -> (Shop, u16) {
    let port = cameras::free_port();
    let more = format!("[fleet]\n{fleet}\n[metrics]\nlisten = \"127.0.0.1:{port}\"\n");
    (Shop { more, ..Shop::with_clip().on(broker.port) }, port)
}

/// What `GET /metrics` answers; none while nobody answers.
fn scraped(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

/// Every sample of a text that keeps to the OpenMetrics format; panics where it does not.
#[track_caller]
fn samples(text: &str) -> BTreeMap<&str, f64> {
    let (mut types, mut units, mut family) = (BTreeMap::new(), BTreeMap::new(), "");
    let (mut done, mut found) = (BTreeSet::new(), BTreeMap::new());
    let body = text.strip_suffix("# EOF\n").expect("the text ends with # EOF");
    for line in body.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (what, name) = (words.next().unwrap(), words.next().unwrap());
            let rest = words.next().unwrap();
            assert!(!rest.is_empty(), "{line}");
            if name != family {
                assert!(done.insert(name), "{name} comes twice");
                family = name;
            }
            match what {
                "TYPE" => drop(types.insert(name, rest)),
                "UNIT" => drop(units.insert(name, rest)),
                other => assert_eq!(other, "HELP", "{line}"),
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{line}");
        let suffix = name.strip_prefix(family).unwrap_or_else(|| panic!("{line} is not of {family}"));
        let expected = match types[family] {
            "counter" => "_total",
            "info" => "_info",
            "gauge" => "",
            other => panic!("{family} is a {other}"),
        };
        assert_eq!(suffix, expected, "{line}");
        if let Some(labels) = series.strip_prefix(name).filter(|labels| !labels.is_empty()) {
            let inner = labels.strip_prefix('{').and_then(|labels| labels.strip_suffix('}')).unwrap();
            assert!(inner.split("\",").all(|label| label.contains("=\"")), "{line}");
        }
        assert!(found.insert(series, value.parse::<f64>().unwrap()).is_none(), "{series} comes twice");
    }
    for (name, unit) in units {
        assert!(name.ends_with(&format!("_{unit}")), "{name} does not end with its unit {unit}");
    }
    found
}

fn health(subscriber: &Subscriber) -> Option<Health> {
    subscriber.heard("/health").last().map(|heard| serde_json::from_slice(&heard.payload).unwrap())
}

fn results(subscriber: &Subscriber) -> Vec<CommandResult> {
    let heard = subscriber.heard("/command/result");
    heard.iter().map(|heard| serde_json::from_slice(&heard.payload).unwrap()).collect()
}

/// Asks for something that may be done for a minute.
fn ask(subscriber: &Subscriber, id: &str, what: &str) {
    let expires_ms = SystemClock::start().now().wall.unix_ms() + 60_000;
    let text = format!(
        "{{\"v\":1,\"id\":\"{id}\",{what},\"expires_ms\":{expires_ms},\"asked_by\":\"eva@acme\",\"why\":\"a test\"}}"
    );
    subscriber.tell(COMMAND, false, text);
}

/// The answer to this command.
#[track_caller]
fn answer(subscriber: &Subscriber, running: &Running, id: &str) -> CommandResult {
    let mut found = None;
    wait_until("the command is answered", || {
        found = results(subscriber).into_iter().find(|result| result.id == id);
        found.is_some()
    });
    found.unwrap_or_else(|| panic!("{}", running.log()))
}

#[test]
fn a_box_tells_how_it_is_to_head_office_and_to_a_prometheus_beside_it() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let (shop, port) = shop(&broker, "");
    let service = shop.start();
    wait_until("head office hears how the box is", || health(&subscriber).is_some());
    let told = health(&subscriber).unwrap();
    let [camera] = told.cameras.as_slice() else { panic!("{told:?}") };
    assert!(camera.fps > 0.0 && camera.inference_ms > Some(0.0), "{told:?}");
    assert!(camera.inference_p95_ms >= camera.inference_ms && told.clock_ok, "{told:?}");
    assert!(told.memory_used > Some(1_000_000) && told.disk_free > Some(0), "{told:?}");
    let text = scraped(port).unwrap();
    let found = samples(&text);
    let value = |series: &str| *found.get(series).unwrap_or_else(|| panic!("no {series} in\n{text}"));
    assert!(value("footfall_camera_frames_per_second{camera=\"door\"}") > 0.0);
    assert!(value("footfall_camera_inference_seconds{camera=\"door\",quantile=\"0.5\"}") > 0.0);
    assert!(value("footfall_camera_state{camera=\"door\",state=\"up\"}") > 0.5);
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert!(value("footfall_broker_connected") > 0.5);
    assert!(service.stop().success());
}

#[test]
fn a_picture_is_asked_for_once_made_once_and_sent_with_nobody_in_it() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let (shop, port) = shop(&broker, "pictures = \"veiled\"");
    let service = shop.start();
    let has_looked = |text: &str| {
        samples(text)
            .get("footfall_camera_frames_total{camera=\"door\"}")
            .is_some_and(|frames| *frames >= 1.0)
    };
    wait_until("the camera is looked at", || scraped(port).is_some_and(|text| has_looked(&text)));
    let clock = SystemClock::start();
    wait_until("the place is known", || clock.now().elapsed.as_secs() >= 30);
    // A machine that is busy with other tests may look at frames too seldom to know who is on one.
    let attempt = |n: u32| {
        let id = format!("p-{n}");
        ask(&subscriber, &id, "\"what\":\"snapshot\",\"camera\":\"door\"");
        answer(&subscriber, &service, &id)
    };
    let told = (1..8).map(attempt).find(|told| !told.detail.contains("too seldom")).unwrap();
    assert_eq!(told.outcome, CommandOutcome::Done, "{told:?}\n{}", service.log());
    let picture = told.picture.unwrap();
    let jpeg = image::load_from_memory(&STANDARD.decode(&picture.jpeg).unwrap()).unwrap();
    assert_eq!((jpeg.width(), jpeg.height(), picture.camera.as_str()), (480, 360, "door"));
    ask(&subscriber, &told.id, "\"what\":\"snapshot\",\"camera\":\"door\"");
    ask(&subscriber, "c-2", "\"what\":\"snapshot\",\"camera\":\"cellar\"");
    assert_eq!(answer(&subscriber, &service, "c-2").outcome, CommandOutcome::Refused);
    let of_first = results(&subscriber).into_iter().filter(|result| result.id == told.id).count();
    assert_eq!(of_first, 1, "one id, one answer");
    assert!(service.log().contains("eva@acme") && service.log().contains("a test"), "{}", service.log());
    assert!(service.stop().success());
}

#[test]
fn a_box_whose_file_does_not_allow_pictures_sends_none_and_thousands_of_commands_change_nothing() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let (shop, _) = shop(&broker, "");
    let service = shop.start();
    wait_until("the box listens", || health(&subscriber).is_some());
    ask(&subscriber, "c-1", "\"what\":\"snapshot\",\"camera\":\"door\"");
    let told = answer(&subscriber, &service, "c-1");
    assert_eq!((told.outcome, told.picture), (CommandOutcome::Refused, None));
    assert!(told.detail.contains("pictures"), "{}", told.detail);
    let before = shop.crossings_on_disk();
    (0..3000).for_each(|n| ask(&subscriber, &format!("flood-{n}"), "\"what\":\"sing\""));
    wait_until("it is counted on", || shop.crossings_on_disk() > before);
    assert!(results(&subscriber).len() < 60, "{}", results(&subscriber).len());
    assert!(service.stop().success());
}
