//! The fleet over a real database: what boxes are told, what becomes of what they say, and roll-outs from begin to end.

use super::authority::Authority;
use super::packages::PackageFolder;
use super::rollout::Ring;
use super::rollouts::{self, Act, Change, Plan, Whom};
use super::say::{self, Kept};
use super::{Fleet, commands, enrol};
use crate::hq::access::Origin;
use crate::hq::ingest::read;
use crate::hq::store::Store;
use crate::hq::store::intake::{Arrival, Taken};
use crate::time::WallTime;
use crate::wire::v1::fleet::{BrokerAddress, EnrolRequest};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

const NOW: WallTime = WallTime::from_unix_ms(1_795_334_400_000);
/// What every box counts with of its own.
const OWN: &str = "[detector]\nthreads = 1\n\n[[camera]]\nid = \"door\"\n";
const MINUTE: Duration = Duration::from_secs(60);
/// Head office has heard boxes for long.
const HEARS: Option<WallTime> = Some(WallTime::from_unix_ms(0));

/// A head office with store `acme/s` and its boxes `b1` to `b30`.
struct Office {
    store: Store,
    fleet: Fleet,
    _folder: tempfile::TempDir,
}

impl Office {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("hq.sqlite")).unwrap();
        let sqlite = rusqlite::Connection::open(store.path()).unwrap();
        let register = "INSERT INTO tenant VALUES (1, 'acme', 'Acme');
            INSERT INTO store VALUES (1, 1, NULL, 's', 'S', 'EUR', 2, '{}', '{}', 0.9, 0, NULL);
            INSERT INTO store_clock VALUES (1, 0, 'UTC', '00:00');
            INSERT INTO account VALUES (1, 'ada', NULL, NULL, NULL, NULL, 0, 0);";
        sqlite.execute_batch(register).unwrap();
        for number in 1..=30 {
            let insert = "INSERT INTO box (box_id, store_id, name) VALUES (?1, 1, 'b' || ?1)";
            sqlite.execute(insert, [number]).unwrap();
        }
        let fleet = Fleet {
            authority: Authority::of(folder.path().join("authority"), MINUTE * 60 * 24 * 90),
            broker: Some(BrokerAddress { host: "mqtt.example.com".to_owned(), port: 8883 }),
            broker_ca: None,
            public_url: "https://hq.example.com".to_owned(),
            link_life: MINUTE * 60,
            packages: PackageFolder(folder.path().join("packages")),
        };
        Self { store, fleet, _folder: folder }
    }

    fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.store.path()).unwrap()
    }

    /// What a box says, as the broker brings it.
    fn hear(&self, topic: &str, message: &Value, at: WallTime) -> Taken {
        let (topic, payload) = (format!("footfall/v1/acme/s/{topic}"), serde_json::to_vec(message).unwrap());
        let read = read::message(&topic, &payload, at);
        self.store.take(&[Arrival { topic, payload, received_at: at, read }]).unwrap()
    }

    /// What is published now, once: topic below the store, and message.
    fn said(&self, now: WallTime) -> Vec<(String, Value)> {
        let waiting = say::waiting(&self.fleet, &self.store, now).unwrap();
        say::said(&self.store, &waiting).unwrap();
        let said = waiting.into_iter().filter(|saying| !saying.topic.is_empty());
        let said = said.map(|saying| {
            let topic = saying.topic.strip_prefix("footfall/v1/acme/s/").unwrap().to_owned();
            assert_eq!(saying.kept == Kept::No, topic.ends_with("/command"), "{topic}");
            (topic, serde_json::from_slice(&saying.payload).unwrap_or(Value::Null))
        });
        said.collect()
    }

    /// It is there, and says what it counts with.
    fn online(&self, name: &str, at: WallTime) {
        let mut own = json!({"v": 1, "version": 0, "status": "local", "in_force": 0, "hash": "", "at_ms": at.unix_ms()});
        own["text"] = json!(OWN);
        self.hear(&format!("{name}/config/reported"), &own, at);
        let state = json!({"v": 1, "state": "online", "since_ms": at.unix_ms(), "software": "f", "cameras": [], "problems": []});
        self.hear(&format!("{name}/state"), &state, at);
    }

    /// What each box is to count with: what it was given last, or what it has of its own.
    fn texts(&self) -> Vec<String> {
        let sqlite = self.sqlite();
        let sql = "SELECT (SELECT text FROM config_version c WHERE c.box_id = box.box_id ORDER BY version DESC LIMIT 1)
            FROM box ORDER BY box_id";
        let given = |row: &rusqlite::Row<'_>| row.get::<_, Option<String>>(0);
        let mut select = sqlite.prepare(sql).unwrap();
        select
            .query_map([], given)
            .unwrap()
            .map(|given| given.unwrap().unwrap_or_else(|| OWN.to_owned()))
            .collect()
    }

    fn state_of(&self, rollout: i64) -> (String, Option<String>) {
        let sql = "SELECT state, reason FROM rollout WHERE rollout_id = ?1";
        self.sqlite().query_row(sql, [rollout], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }
}

fn here(at: WallTime) -> Origin<'static> {
    Origin { at, address: "test" }
}

fn plan(change: &str, rings: Vec<Ring>) -> Plan {
    Plan {
        change: Change::Config(change.to_owned()),
        whom: Whom::default(),
        rings,
        soak: MINUTE,
        title: "threads".to_owned(),
        why: "they are slow".to_owned(),
    }
}

fn applied(version: u64) -> Value {
    json!({"v": 1, "version": version, "status": "applied", "in_force": version, "hash": "", "at_ms": NOW.unix_ms()})
}

fn refused(version: u64) -> Value {
    json!({"v": 1, "version": version, "status": "refused", "in_force": 0, "hash": "", "faults": ["1:1  no"], "at_ms": NOW.unix_ms()})
}

fn request() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    rcgen::CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap()
}

fn enrolled(office: &Office, at: WallTime) -> String {
    let link = enrol::make_link(&office.fleet, &office.store, (1, None), at).unwrap();
    let token = link.link.reveal().split_once('#').unwrap().1.to_owned();
    let asked = EnrolRequest { token, csr: request(), software: "f".to_owned(), arch: "arm64".to_owned() };
    enrol::enrol(&office.fleet, &office.store, &asked, at).unwrap().0.certificate
}

#[test]
fn a_box_renews_over_the_broker_and_gets_nothing_once_it_is_revoked() {
    let office = Office::open();
    let first = enrolled(&office, NOW);
    let later = NOW + MINUTE * 60 * 24 * 60;
    let ask = json!({"v": 1, "csr": request()});
    office.hear("b1/certificate/request", &ask, later);
    assert_eq!(enrol::renew(&office.fleet, &office.store, later).unwrap(), 1);
    let said = office.said(later);
    let (topic, message) = said.last().unwrap();
    assert_eq!(topic, "b1/certificate/issued");
    assert_ne!(message["certificate"], first.as_str());
    // The same key once more: the same answer, and no other certificate.
    office.hear("b1/certificate/request", &ask, later);
    assert_eq!(enrol::renew(&office.fleet, &office.store, later).unwrap(), 0);
    assert_eq!(office.said(later).last().unwrap().1["certificate"], message["certificate"]);
    enrol::revoke(&office.store, 1, later).unwrap();
    office.hear("b1/certificate/request", &json!({"v": 1, "csr": request()}), later + MINUTE * 60);
    assert_eq!(enrol::renew(&office.fleet, &office.store, later + MINUTE * 60).unwrap(), 0);
}

#[test]
fn a_box_that_never_enrolled_and_one_that_is_unknown_get_no_certificate() {
    let office = Office::open();
    let ask = json!({"v": 1, "csr": request()});
    office.hear("b2/certificate/request", &ask, NOW);
    assert_eq!(office.hear("stranger/certificate/request", &ask, NOW).strangers, 1);
    assert_eq!(enrol::renew(&office.fleet, &office.store, NOW).unwrap(), 0);
    assert_eq!(office.said(NOW), []);
    let noted: String =
        office.sqlite().query_row("SELECT topic FROM stranger", [], |row| row.get(0)).unwrap();
    assert_eq!(noted, "footfall/v1/acme/s/stranger");
}

#[test]
fn everything_is_said_again_after_a_connect_and_a_command_only_while_it_is_good() {
    let office = Office::open();
    enrolled(&office, NOW);
    office.online("b1", NOW);
    rollouts::begin(
        &office.store,
        1,
        &plan("[detector]\nthreads = 2", vec![Ring::Boxes(1)]),
        (Some(1), here(NOW)),
    )
    .unwrap();
    rollouts::look(&office.store, NOW, HEARS).unwrap();
    let asked =
        commands::Asked { what: "reread".to_owned(), camera: None, why: "it hangs".to_owned(), life: MINUTE };
    commands::ask(&office.store, (1, "b1"), &asked, (1, here(NOW))).unwrap();
    let topics =
        |at: WallTime| -> Vec<String> { office.said(at).into_iter().map(|(topic, _)| topic).collect() };
    let all = ["b1/command", "b1/certificate/issued", "b1/config/desired"];
    assert_eq!(topics(NOW), all);
    assert_eq!(topics(NOW), [""; 0]);
    say::everything_again(&office.store, NOW).unwrap();
    let mut again = topics(NOW);
    again.sort_unstable();
    assert_eq!(again, ["b1/certificate/issued", "b1/command", "b1/config/desired"]);
    say::everything_again(&office.store, NOW + MINUTE).unwrap();
    assert!(!topics(NOW + MINUTE).contains(&"b1/command".to_owned()));
}

#[test]
fn a_box_answers_the_commands_that_it_was_given_and_each_once() {
    let office = Office::open();
    let asked =
        commands::Asked { what: "reread".to_owned(), camera: None, why: "it hangs".to_owned(), life: MINUTE };
    commands::ask(&office.store, (1, "b1"), &asked, (1, here(NOW))).unwrap();
    let id = office.said(NOW)[0].1["id"].clone();
    let answer = |outcome: &str| json!({"v": 1, "id": id, "outcome": outcome, "at_ms": NOW.unix_ms()});
    assert_eq!(office.hear("b2/command/result", &answer("done"), NOW).aside, 1, "another box's");
    assert_eq!(office.hear("b1/command/result", &answer("done"), NOW).aside, 0);
    assert_eq!(office.hear("b1/command/result", &answer("done"), NOW).aside, 0, "the same again");
    assert_eq!(office.hear("b1/command/result", &answer("failed"), NOW).aside, 1, "it was answered");
    let kept: i64 = office
        .sqlite()
        .query_row("SELECT coalesce(sum(length(payload)), 0) FROM aside", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 0, "there may be a picture in it");
    let outcome: String =
        office.sqlite().query_row("SELECT outcome FROM command", [], |row| row.get(0)).unwrap();
    assert_eq!(outcome, "done");
}

#[test]
fn a_roll_out_that_a_first_box_refuses_stops_and_is_taken_back() {
    let office = Office::open();
    for number in 1..=30 {
        office.online(&format!("b{number}"), NOW);
    }
    let before = office.texts();
    let rollout = rollouts::begin(
        &office.store,
        1,
        &plan("[detector]\nthreads = 2", Ring::usual()),
        (Some(1), here(NOW)),
    )
    .unwrap()
    .rollout_id;
    rollouts::look(&office.store, NOW, HEARS).unwrap();
    let said = office.said(NOW);
    assert_eq!(said.len(), 1, "one box is asked: {said:?}");
    let name = said[0].0.split('/').next().unwrap().to_owned();
    office.hear(&format!("{name}/config/reported"), &refused(1), NOW);
    rollouts::look(&office.store, NOW + MINUTE, HEARS).unwrap();
    let (state, reason) = office.state_of(rollout);
    assert_eq!(state, "stopped");
    assert!(reason.unwrap().contains("it refused: 1:1  no"));
    assert_eq!(office.said(NOW + MINUTE), []);
    let ask = (Act::TakeBack, "it does not do");
    rollouts::act(&office.store, (1, rollout), ask, (1, here(NOW + MINUTE))).unwrap();
    assert_eq!(office.texts(), before);
    assert_eq!(office.said(NOW + MINUTE)[0].1["version"], 2, "the box is told");
}

#[test]
fn a_box_of_which_nobody_knows_what_it_counts_with_is_left_out_and_not_asked_by_name() {
    let office = Office::open();
    office.online("b1", NOW);
    let all = plan("[detector]\nthreads = 2", Ring::usual());
    let by_name = Plan { whom: Whom { boxes: vec!["s/b2".to_owned()], ..Whom::default() }, ..all.clone() };
    let refused = rollouts::begin(&office.store, 1, &by_name, (Some(1), here(NOW)));
    assert!(matches!(refused, Err(rollouts::RolloutError::NeverSaid { .. })), "{refused:?}");
    let begun = rollouts::begin(&office.store, 1, &all, (Some(1), here(NOW))).unwrap();
    assert_eq!(begun.left_out.len(), 29);
    rollouts::look(&office.store, NOW, HEARS).unwrap();
    let text = office.said(NOW)[0].1["text"].as_str().unwrap().to_owned();
    assert!(text.contains("threads = 2") && text.contains("[[camera]]"), "{text}");
}

#[test]
fn a_box_is_in_one_roll_out_at_a_time_and_what_somebody_gave_it_since_stays() {
    let office = Office::open();
    office.online("b1", NOW);
    let whom = Whom { boxes: vec!["s/b1".to_owned()], ..Whom::default() };
    let of_one = Plan { whom, ..plan("[detector]\nthreads = 2", Ring::usual()) };
    let rollout = rollouts::begin(&office.store, 1, &of_one, (Some(1), here(NOW))).unwrap().rollout_id;
    let again = rollouts::begin(&office.store, 1, &of_one, (Some(1), here(NOW)));
    assert!(matches!(again, Err(rollouts::RolloutError::Taken { .. })), "{again:?}");
    rollouts::look(&office.store, NOW, HEARS).unwrap();
    let key =
        office.store.read(|ask| crate::hq::store::fleet::find(ask, ("acme", "s", "b1"))).unwrap().unwrap();
    super::boxes::give(&office.store, &key, ("[site]\n", "by hand"), (1, here(NOW))).unwrap();
    rollouts::act(&office.store, (1, rollout), (Act::TakeBack, "it does not do"), (1, here(NOW))).unwrap();
    assert_eq!(office.texts()[0], "[site]\n");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn taken_back_at_any_moment_every_box_has_what_it_had(
        given in proptest::collection::vec(any::<bool>(), 30),
        answers in proptest::collection::vec(any::<Option<bool>>(), 30),
        looks in 1_u32..6,
    ) {
        let office = Office::open();
        for (number, is_given) in given.iter().enumerate() {
            office.online(&format!("b{}", number + 1), NOW);
            if *is_given {
                let name = format!("b{}", number + 1);
                let key = office.store.read(|ask| crate::hq::store::fleet::find(ask, ("acme", "s", &name))).unwrap().unwrap();
                super::boxes::give(&office.store, &key, ("[detector]\nthreads = 1\n", "by hand"), (1, here(NOW))).unwrap();
            }
        }
        let before = office.texts();
        let rings = vec![Ring::Boxes(2), Ring::Percent(30.0)];
        let rollout = rollouts::begin(&office.store, 1, &plan("[detector]\nthreads = 2", rings), (Some(1), here(NOW))).unwrap().rollout_id;
        for look in 0..looks {
            let now = NOW + MINUTE * look;
            rollouts::look(&office.store, now, HEARS).unwrap();
            for (topic, desired) in office.said(now) {
                let (name, _) = topic.split_once('/').unwrap();
                let number: usize = name[1..].parse().unwrap();
                let version = desired["version"].as_u64().unwrap();
                match answers[number - 1] {
                    Some(true) => drop(office.hear(&format!("{name}/config/reported"), &applied(version), now)),
                    Some(false) => drop(office.hear(&format!("{name}/config/reported"), &refused(version), now)),
                    None => {}
                }
            }
        }
        rollouts::act(&office.store, (1, rollout), (Act::TakeBack, "it does not do"), (1, here(NOW + MINUTE * looks))).unwrap();
        prop_assert_eq!(office.texts(), before);
    }
}

fn health() -> Value {
    json!({
        "v": 1, "at_ms": NOW.unix_ms(), "since_ms": 0, "software": "f", "arch": "arm64", "clock_ok": false, "temperature_c": 50.0,
        "cameras": [{"camera": "door", "state": "up", "fps": 10.0, "dropped": 0}], "waiting": 3, "discarded": 0, "config": 0,
    })
}

#[test]
fn health_is_kept_as_the_newest_and_as_the_extremes_of_its_hour() {
    let office = Office::open();
    for (minute, celsius, fps) in [(0, 50.0, 10.0), (1, 70.0, 4.0), (2, 60.0, 9.0), (60, 40.0, 10.0)] {
        let mut message = health();
        message["temperature_c"] = json!(celsius);
        message["cameras"][0]["fps"] = json!(fps);
        office.hear("b1/health", &message, NOW + MINUTE * minute);
    }
    let hours = office.store.read(|ask| crate::hq::store::fleet::told::hours(ask, 1, NOW)).unwrap();
    let of: Vec<_> =
        hours.iter().map(|of| (of.messages, of.temperature_max, of.fps_min, of.clock_wrong)).collect();
    assert_eq!(of, [(3, Some(70.0), Some(4.0), 3), (1, Some(40.0), Some(10.0), 1)]);
}

#[test]
fn what_cannot_be_is_put_aside() {
    let office = Office::open();
    for (path, value) in [
        ("/temperature_c", json!(9000.0)),
        ("/cameras/0/fps", json!(-1.0)),
        ("/waiting", json!(u64::MAX)),
        ("/at_ms", json!(i64::MIN)),
        ("/software", json!("x".repeat(300))),
        ("/cameras", json!(vec![health()["cameras"][0].clone(); 65])),
        ("/cameras/0/camera", json!("x".repeat(300))),
        ("/v", json!(2)),
    ] {
        let mut message = health();
        *message.pointer_mut(path).unwrap() = value;
        assert_eq!(office.hear("b1/health", &message, NOW).aside, 1, "{path}");
    }
    assert_eq!(office.hear("b1/health", &health(), NOW).aside, 0);
    for (topic, message) in [
        (
            "b1/config/reported",
            json!({"v": 1, "version": 1, "status": "applied", "in_force": 1, "hash": "x", "at_ms": 0}),
        ),
        ("b1/certificate/request", json!({"v": 1, "csr": "x".repeat(9000)})),
        ("b1/config/desired", applied(1)),
        ("b1/config/reported/more", applied(1)),
        (
            "b1/command/result",
            json!({"v": 1, "id": "x", "outcome": "done", "at_ms": 0,
            "picture": {"camera": "door", "taken_ms": 0, "people": 0, "jpeg": "PGh0bWw+"}}),
        ),
    ] {
        assert_eq!(office.hear(topic, &message, NOW).aside, 1, "{topic}");
    }
}

#[test]
fn a_roll_out_is_neither_stopped_nor_goes_on_while_head_office_hears_nobody() {
    let office = Office::open();
    for number in 1..=2 {
        office.online(&format!("b{number}"), NOW);
    }
    let rings = plan("[detector]\nthreads = 2", Ring::usual());
    let rollout = rollouts::begin(&office.store, 1, &rings, (Some(1), here(NOW))).unwrap().rollout_id;
    rollouts::look(&office.store, NOW, None).unwrap();
    assert_eq!(office.said(NOW), [], "nobody is asked who cannot be heard");
    rollouts::look(&office.store, NOW, HEARS).unwrap();
    assert_eq!(office.said(NOW).len(), 1);
    let later = NOW + MINUTE * 60;
    for hears_since in [None, Some(later)] {
        rollouts::look(&office.store, later, hears_since).unwrap();
        assert_eq!(office.state_of(rollout).0, "running");
    }
    rollouts::look(&office.store, later, HEARS).unwrap();
    assert_eq!(office.state_of(rollout).0, "stopped", "it was silent for an hour in which others were heard");
}
