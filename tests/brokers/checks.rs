//! What every broker for boxes in stores has to hold, whatever it is: each check is a sentence of deploy/README.md.

use crate::certificates::Certificates;
use crate::end::{End, Who};
use crate::support::{GUARD, TestBox, free_port, wait_until};
use footfall::publish::{ConfirmedBy, Stopped, TlsSettings};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The box that is attacked; the name that [`TestBox`] has.
pub(crate) const DOOR: &str = "acme-b1-door";
/// The box next to it, whose certificate somebody took out of its wall.
pub(crate) const SIDE: &str = "acme-b1-side";

const STORE: &str = "footfall/v1/acme/berlin-1";
/// What a box says.
const FROM_BOX: [&str; 8] = [
    "records",
    "live",
    "state",
    "config/reported",
    "command/result",
    "health",
    "software/reported",
    "certificate/request",
];
/// What head office tells a box.
const FROM_OFFICE: [&str; 6] =
    ["ack", "backfill", "config/desired", "command", "software/desired", "certificate/issued"];
/// What other systems of the store tell it.
const FROM_STORE: [&str; 4] = ["till", "staffing", "badges", "sensors"];

/// A broker that is up, and the certificates that it goes by.
pub(crate) struct Secured {
    pub(crate) port: u16,
    pub(crate) certificates: Certificates,
}

impl Secured {
    fn who(&self, client_id: &str, tls: TlsSettings) -> Who {
        Who {
            port: self.port,
            client_id: client_id.to_owned(),
            tls: Some(tls),
            login: None,
            will: None,
            keeps_session: false,
        }
    }

    fn connect(&self, name: &str, client_id: &str) -> End {
        in_time(&self.who(client_id, self.certificates.good(name)))
    }

    /// Head office's certificate, for somebody who listens and speaks beside the service.
    fn office(&self) -> End {
        let office = self.connect("head-office", "footfall-hq-test");
        for topic in FROM_BOX {
            assert!(office.subscribe(&format!("footfall/v1/+/+/+/{topic}")), "head office may read {topic}");
        }
        assert!(office.subscribe("footfall/v1/+/hq/sales"));
        office
    }
}

/// Connects with a good certificate. nats-server makes an id wait that comes again within a second.
fn in_time(who: &Who) -> End {
    let mut end = None;
    wait_until("a good certificate is taken", || {
        end = End::connect(who).ok();
        end.is_some()
    });
    end.expect("it was waited for")
}

/// Everything, one after the other, because a broker takes its time to start.
pub(crate) fn all(broker: &Secured) {
    a_box_delivers_to_the_real_head_office_and_hears_its_word(broker);
    a_box_says_and_hears_all_that_is_its_own(broker);
    nothing_arrives_that_a_box_writes_under_anothers_name(broker);
    a_box_reads_nothing_that_is_not_meant_for_it(broker);
    what_waits_for_a_box_that_is_away_is_not_given_to_another(broker);
    whoever_has_no_good_certificate_is_refused(broker);
}

/// `footfall-hq serve` on a folder of its own; killed when it is dropped.
struct Office {
    process: Child,
    _folder: tempfile::TempDir,
}

impl Office {
    fn start(port: u16, tls: &TlsSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let client = tls.client.as_ref().unwrap();
        let config = format!(
            "database = \"hq.sqlite\"\nregister = \"register.toml\"\n[mqtt]\nbroker = \"127.0.0.1:{port}\"\nretry_max = \"1s\"\n\
             [mqtt.tls]\nca_file = {:?}\ncertificate_file = {:?}\nkey_file = {:?}\n[http]\nlisten = \"127.0.0.1:{}\"\n",
            tls.ca_file,
            client.certificate_file,
            client.key_file,
            free_port()
        );
        let register = format!(
            "[[tenant]]\nid = \"acme\"\ntitle = \"Acme\"\n[[store]]\nid = \"berlin-1\"\ntitle = \"Berlin\"\n\
             time_zone = \"Europe/Berlin\"\ncurrency = \"EUR\"\n[[store.box]]\nid = \"{DOOR}\"\n"
        );
        std::fs::write(folder.path().join("hq.toml"), config).unwrap();
        std::fs::write(folder.path().join("register.toml"), register).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_footfall-hq"))
            .args(["serve", "--config"])
            .arg(folder.path().join("hq.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, _folder: folder }
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn a_box_delivers_to_the_real_head_office_and_hears_its_word(broker: &Secured) {
    let _office = Office::start(broker.port, &broker.certificates.good("head-office"));
    let mut the_box = TestBox::at(broker.port);
    the_box.mqtt.tls = Some(broker.certificates.good(DOOR));
    the_box.mqtt.confirmed_by = ConfirmedBy::HeadOffice;
    // Where head office comes after it, what the broker took for nobody goes again.
    the_box.mqtt.ack_patience = Duration::from_secs(2);
    let running = the_box.run();
    running.count(1..=500);
    running.wait_until_up();
    wait_until("head office has confirmed all of it", || running.waiting() == 0);
    assert_eq!(running.publisher.stop(GUARD), Stopped::Delivered);
}

fn a_box_says_and_hears_all_that_is_its_own(broker: &Secured) {
    let (office, door) = (broker.office(), broker.connect(DOOR, &format!("{DOOR}-fleet")));
    for topic in FROM_BOX {
        door.publish(&format!("{STORE}/{DOOR}/{topic}"), &format!("said on {topic}"));
        wait_until("head office hears it", || office.has_heard(&format!("said on {topic}")));
    }
    for topic in FROM_OFFICE {
        assert!(door.subscribe(&format!("{STORE}/{DOOR}/{topic}")), "a box may read its own {topic}");
        office.publish(&format!("{STORE}/{DOOR}/{topic}"), &format!("told on {topic}"));
        wait_until("the box hears it", || door.has_heard(&format!("told on {topic}")));
    }
    for topic in FROM_STORE {
        assert!(door.subscribe(&format!("{STORE}/{DOOR}/{topic}")), "a box may read its own {topic}");
    }
    door.leave();
}

fn nothing_arrives_that_a_box_writes_under_anothers_name(broker: &Secured) {
    let office = broker.office();
    let victim = broker.connect(DOOR, &format!("{DOOR}-fleet"));
    for topic in FROM_OFFICE.iter().chain(&FROM_STORE) {
        assert!(victim.subscribe(&format!("{STORE}/{DOOR}/{topic}")));
    }
    let below = FROM_BOX.iter().chain(&FROM_OFFICE).chain(&FROM_STORE);
    let mut topics: Vec<_> = below.map(|topic| format!("{STORE}/{DOOR}/{topic}")).collect();
    topics.extend(["footfall/v1/acme/hq/sales", "footfall/v1/acme/hq/staffing"].map(str::to_owned));
    let thief = broker.who(SIDE, broker.certificates.good(SIDE));
    for topic in &topics {
        // A connection for each, as some brokers close one that writes where it may not.
        in_time(&thief).publish(topic, "forged");
    }
    let as_the_other = ("acme-b1-door".to_owned(), "anything".to_owned());
    let with_its_name = Who { login: Some(as_the_other), ..thief.clone() };
    if let Ok(end) = End::connect(&with_its_name) {
        end.publish(&topics[0], "forged");
    }
    let with_its_id = broker.who(DOOR, broker.certificates.good(SIDE));
    if let Ok(end) = End::connect(&with_its_id) {
        end.publish(&topics[0], "forged");
    }
    // The last will: dropped without a word, the broker says it for the box.
    let with_will = Who { will: Some(format!("{STORE}/{DOOR}/state")), ..thief.clone() };
    if let Ok(end) = End::connect(&with_will) {
        // The broker closes a second connection's predecessor of the same id as if its line were cut.
        drop(End::connect(&thief));
        wait_until("the first is cut off", || end.is_closed());
    }
    let honest = in_time(&thief);
    honest.publish(&format!("{STORE}/{SIDE}/state"), "honest");
    wait_until("its own word arrives", || office.has_heard("honest"));
    office.publish(&format!("{STORE}/{DOOR}/command"), "true");
    wait_until("head office's word arrives", || victim.has_heard("true"));
    assert!(!office.has_heard("forged"), "{:?}", office.heard());
    assert!(!victim.has_heard("forged"), "{:?}", victim.heard());
    victim.leave();
    // Nor is anything of it kept for whoever comes later.
    let later = broker.connect(DOOR, &format!("{DOOR}-fleet"));
    for topic in FROM_OFFICE.iter().chain(&FROM_STORE) {
        assert!(later.subscribe(&format!("{STORE}/{DOOR}/{topic}")));
    }
    wait_until("what is kept arrives", || later.has_heard("true"));
    assert!(!later.has_heard("forged"), "{:?}", later.heard());
}

fn a_box_reads_nothing_that_is_not_meant_for_it(broker: &Secured) {
    let (office, door) = (broker.office(), broker.connect(DOOR, &format!("{DOOR}-fleet")));
    let below = FROM_BOX.iter().chain(&FROM_OFFICE).chain(&FROM_STORE);
    let mut filters: Vec<_> = below.map(|topic| format!("{STORE}/{DOOR}/{topic}")).collect();
    let wide = [
        "#",
        "footfall/#",
        "footfall/v1/+/+/+/records",
        "footfall/v1/acme/berlin-1/#",
        "footfall/v1/+/+/+/ack",
    ];
    let inner =
        ["$MQTT/#", "$MQTT/sub/#", "$JS/#", "$SYS/#", "+/+/+/+/+/command", "footfall/v1/acme/hq/sales"];
    filters.extend(wide.into_iter().chain(inner).map(str::to_owned));
    for filter in &filters {
        let thief = broker.connect(SIDE, SIDE);
        assert!(thief.subscribe(&format!("{STORE}/{SIDE}/command")));
        thief.subscribe(filter);
        for topic in FROM_BOX {
            door.publish(&format!("{STORE}/{DOOR}/{topic}"), "secret");
        }
        for topic in FROM_OFFICE {
            office.publish(&format!("{STORE}/{DOOR}/{topic}"), "secret");
        }
        office.publish(&format!("{STORE}/{SIDE}/command"), "for the side");
        wait_until("what is meant for it arrives", || thief.is_closed() || thief.has_heard("for the side"));
        assert!(!thief.has_heard("secret"), "{filter}: {:?}", thief.heard());
    }
}

fn what_waits_for_a_box_that_is_away_is_not_given_to_another(broker: &Secured) {
    let command = format!("{STORE}/{DOOR}/command");
    let id = format!("{DOOR}-fleet");
    let kept = Who { keeps_session: true, ..broker.who(&id, broker.certificates.good(DOOR)) };
    let door = in_time(&kept);
    assert!(door.subscribe(&command));
    door.leave();
    let office = broker.office();
    office.publish(&command, "while away");
    let thief = Who { keeps_session: true, ..broker.who(&id, broker.certificates.good(SIDE)) };
    if let Ok(thief) = End::connect(&thief) {
        thief.subscribe(&format!("{STORE}/{SIDE}/command"));
        office.publish(&format!("{STORE}/{SIDE}/command"), "for the side");
        wait_until("what is meant for it arrives", || thief.is_closed() || thief.has_heard("for the side"));
        assert!(!thief.has_heard("while away"), "{:?}", thief.heard());
    }
    // What is retained comes to the box whatever happened to its session.
    let door = in_time(&kept);
    assert!(door.subscribe(&command));
    wait_until("the box hears it", || door.has_heard("while away"));
}

fn whoever_has_no_good_certificate_is_refused(broker: &Secured) {
    let office = broker.office();
    let certificates = &broker.certificates;
    let mut refused = vec![
        ("none", broker.who(DOOR, certificates.none())),
        ("of another authority", broker.who(DOOR, certificates.of_another_authority(DOOR))),
        ("expired", broker.who(DOOR, certificates.expired(DOOR))),
        ("plain TCP", Who { tls: None, ..broker.who(DOOR, certificates.none()) }),
    ];
    for login in [("guest", "guest"), (DOOR, ""), ("head-office", "")] {
        let login = Some((login.0.to_owned(), login.1.to_owned()));
        refused.push(("a name instead", Who { login, ..broker.who(DOOR, certificates.none()) }));
    }
    for (what, who) in refused {
        match End::connect(&who) {
            Err(why) => println!("{what}: {why}"),
            Ok(_) => panic!("a connection came about: {what}"),
        }
    }
    let good = broker.connect(DOOR, DOOR);
    good.publish(&format!("{STORE}/{DOOR}/state"), "the real one");
    wait_until("a good one is heard", || office.has_heard("the real one"));
}

/// A file of `deploy/` with other places in it.
pub(crate) fn deployed(file: &str, replaced: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file);
    let mut text = std::fs::read_to_string(path).unwrap();
    for (what, with) in replaced {
        assert!(text.contains(what), "{file} does not say {what:?}");
        text = text.replace(what, with);
    }
    text
}
