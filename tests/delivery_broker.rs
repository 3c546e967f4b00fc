//! Records from the outbox to a subscriber, through Debian's mosquitto and everything that happens to it.

mod delivery_feeds;
mod delivery_head_office;
mod delivery_home_assistant;
mod delivery_support;

use delivery_support::{
    Broker, GUARD, Line, Subscriber, TestBox, all_up_to, crossing, free_port, wait_until,
};
use footfall::publish::{ClientCertificate, Link, Login, Report, Stopped, TlsSettings};
use footfall::time::WallTime;
use footfall::wire::v1::{BoxStatus, CameraState, CameraStatus, Live, Problem};
use rumqttc::{MqttOptions, TlsConfiguration, Transport};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Everything a subscriber heard must be what the schema and the topics page promise.
#[track_caller]
fn check_promises(subscriber: &Subscriber) {
    let schema = serde_json::from_str(include_str!("../docs/ref/wire-v1.schema.json")).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    for heard in subscriber.heard("") {
        let mut json = Vec::new();
        if heard.topic.ends_with("/records") {
            let mut unpacked = flate2::read::GzDecoder::new(&heard.payload[..]);
            unpacked.read_to_end(&mut json).expect("gzip");
        } else {
            json = heard.payload;
        }
        let message = serde_json::from_slice(&json).expect("JSON");
        assert!(schema.is_valid(&message), "{} carries {message}", heard.topic);
        assert!(heard.topic.starts_with("footfall/v1/acme/berlin-1/acme-b1-door/"));
    }
}

fn last_state(subscriber: &Subscriber) -> Option<BoxStatus> {
    subscriber.states().last().map(|state| state.state)
}

#[test]
fn records_arrive_packed_numbered_and_as_the_schema_says() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let running = TestBox::at(broker.port).run();
    running.count(1..=20);
    wait_until("all arrive", || subscriber.crossings() == all_up_to(20));
    wait_until("all are forgotten", || running.waiting() == 0);
    assert_eq!(running.publisher.status().delivered, 20);
    running.publisher.live().send(Live::Crossing(crossing(21)));
    wait_until("a live copy arrives", || !subscriber.heard("/live").is_empty());
    check_promises(&subscriber);
}

#[test]
fn live_messages_between_batches_do_not_confuse_which_records_are_confirmed() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let running = TestBox::at(broker.port).run();
    running.wait_until_up();
    let live = running.publisher.live();
    for frame in 1..=500 {
        running.count(frame..=frame);
        live.send(Live::Crossing(crossing(frame)));
    }
    wait_until("all arrive", || subscriber.crossings() == all_up_to(500));
    wait_until("all are forgotten", || running.waiting() == 0);
    wait_until("every copy arrived or was counted as discarded", || {
        subscriber.heard("/live").len() as u64 + running.publisher.status().discarded == 500
    });
}

#[test]
fn where_live_is_switched_off_no_copy_goes_out() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let mut test_box = TestBox::at(broker.port);
    test_box.mqtt.live = false;
    let running = test_box.run();
    running.publisher.live().send(Live::Crossing(crossing(1)));
    running.count(1..=1);
    wait_until("the record arrives", || subscriber.crossings() == all_up_to(1));
    assert_eq!(running.publisher.stop(GUARD), Stopped::Delivered);
    assert!(subscriber.heard("/live").is_empty());
}

#[test]
fn a_broker_killed_and_started_without_its_memory_gets_everything_unconfirmed_again() {
    let mut broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let line = Line::to(broker.port);
    let running = TestBox::at(line.port).run();
    running.count(1..=10);
    wait_until("the first arrive", || subscriber.crossings() == all_up_to(10));
    wait_until("and are confirmed", || running.waiting() == 0);

    // These reach the broker, whose confirmations are lost with it.
    line.deafen();
    running.count(11..=30);
    wait_until("they arrive", || subscriber.crossings() == all_up_to(30));
    assert_eq!(running.waiting(), 20, "arrived is not confirmed");
    line.close();
    broker.kill();
    running.problem();
    running.count(31..=1500);

    broker.start();
    subscriber.wait_for_subscription(2);
    line.open();
    wait_until("all arrive", || subscriber.crossings() == all_up_to(1500));
    wait_until("all are forgotten", || running.waiting() == 0);
    let twice =
        subscriber.batches().iter().flat_map(|batch| &batch.records).filter(|r| r.seq() == 11).count();
    assert!(twice >= 2, "what was not confirmed went again");
    check_promises(&subscriber);
}

#[test]
fn a_line_that_breaks_again_and_again_loses_nothing() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let line = Line::to(broker.port);
    let running = TestBox::at(line.port).run();
    for round in 0..10 {
        running.count(round * 100 + 1..=round * 100 + 100);
        running.wait_until_up();
        line.cut();
    }
    wait_until("all arrive", || subscriber.crossings() == all_up_to(1000));
    wait_until("all are forgotten", || running.waiting() == 0);
}

#[test]
fn a_backlog_larger_than_a_batch_goes_out_in_order() {
    let broker = Broker::open_to_all();
    let test_box = TestBox::at(broker.port);
    let facts: Vec<_> = (1..=5000).map(|frame| footfall::wire::v1::Fact::Crossing(crossing(frame))).collect();
    test_box.open_outbox().append(&facts, WallTime::from_unix_ms(1)).expect("room");
    let subscriber = Subscriber::to_all(broker.port);
    let running = test_box.run();
    wait_until("all arrive", || subscriber.crossings() == all_up_to(5000));
    let seqs: Vec<u64> =
        subscriber.batches().iter().flat_map(|batch| &batch.records).map(|r| r.seq()).collect();
    assert_eq!(seqs, (1..=5000).collect::<Vec<_>>(), "over one connection numbers rise");
    assert!(subscriber.batches().iter().all(|batch| batch.records.len() <= 500));
    wait_until("all are forgotten", || running.waiting() == 0);
}

#[test]
fn a_broker_that_is_absent_at_the_start_is_reported_and_found_later() {
    let mut broker = Broker::configured("allow_anonymous true");
    let line = Line::to(broker.port);
    let running = TestBox::at(line.port).run();
    running.count(1..=5);
    let problem = running.problem();
    assert!(problem.starts_with(&format!("broker 127.0.0.1:{} ", line.port)), "{problem}");
    line.close();
    broker.start();
    let subscriber = Subscriber::to_all(broker.port);
    line.open();
    wait_until("all arrive", || subscriber.crossings() == all_up_to(5));
}

#[test]
fn nobody_at_the_port_is_told_with_what_to_check() {
    let port = free_port();
    let problem = TestBox::at(port).run().problem();
    assert!(problem.starts_with(&format!("broker 127.0.0.1:{port} cannot be reached (")), "{problem}");
    assert!(problem.ends_with("check that it runs, its address and the network"), "{problem}");
}

#[test]
fn a_wrong_password_is_told_without_the_password_and_counting_goes_on() {
    let mut broker = Broker::configured("allow_anonymous false\npassword_file DIR/passwords");
    let passwords = broker.dir().join("passwords");
    let mut make = Command::new("mosquitto_passwd");
    let made = make.arg("-b").arg("-c").arg(&passwords).args(["door", "s3cret"]).status();
    assert!(made.expect("mosquitto_passwd comes with mosquitto").success());
    broker.start();
    let mut test_box = TestBox::at(broker.port);
    let login = |password: &str| Some(Login { user: "door".to_owned(), password: password.to_owned() });
    test_box.mqtt.login = login("hunter2");
    assert!(!format!("{:?}", test_box.mqtt).contains("hunter2"));
    let running = test_box.run();
    running.count(1..=3);
    let problem = running.problem();
    assert_eq!(
        problem,
        format!(
            "broker 127.0.0.1:{} refused the user or password (user \"door\"); check both, \
             and that the broker knows them",
            broker.port
        )
    );
    assert_eq!(running.publisher.stop(GUARD), Stopped::Unconfirmed);
    running.writer.stop(GUARD).expect("room on the disk");

    test_box.mqtt.login = None;
    let anonymous = test_box.run();
    assert!(anonymous.problem().contains("wants a user and password"));
    anonymous.writer.stop(GUARD).expect("room on the disk");

    test_box.mqtt.login = login("s3cret");
    let running = test_box.run();
    wait_until("all are delivered", || running.publisher.status().delivered == 3);
}

#[test]
fn what_does_not_speak_mqtt_is_told_and_harms_nothing() {
    let answers: [&[u8]; 5] = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"",
        b"\x20\x00",
        // A greeting, and then a confirmation of what was never sent.
        b"\x20\x02\x00\x00\x40\x02\x00\x07",
        b"\x20\x02\x00\x00\xff\xff\xff\xff\xff\xff",
    ];
    for answer in answers {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let serve = move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut greeting = [0; 512];
                let _ignored = (stream.read(&mut greeting), stream.write_all(answer));
            }
        };
        std::thread::Builder::new().name("stranger".to_owned()).spawn(serve).expect("a thread");
        let running = TestBox::at(port).run();
        running.count(1..=3);
        let problem = running.problem();
        assert!(problem.starts_with(&format!("broker 127.0.0.1:{port} ")), "{answer:?}: {problem}");
        assert_eq!(running.waiting(), 3);
    }
}

#[test]
fn a_box_that_vanishes_is_called_offline_by_its_last_will() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let running = TestBox::at(broker.port).run();
    running.wait_until_up();
    wait_until("it is online", || last_state(&subscriber) == Some(BoxStatus::Online));
    drop(running.publisher);
    wait_until("it is offline", || last_state(&subscriber) == Some(BoxStatus::Offline));
    let late = Subscriber::to_all(broker.port);
    wait_until("somebody who comes later hears it too", || last_state(&late) == Some(BoxStatus::Offline));
    assert!(late.heard("/state")[0].retained);
    check_promises(&subscriber);
}

#[test]
fn a_cut_line_gives_offline_and_then_online_again() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let line = Line::to(broker.port);
    let running = TestBox::at(line.port).run();
    wait_until("it is online", || last_state(&subscriber) == Some(BoxStatus::Online));
    line.cut();
    let states = || subscriber.states().iter().map(|state| state.state).collect::<Vec<_>>();
    let online = BoxStatus::Online;
    wait_until("offline, online", || states().ends_with(&[online, BoxStatus::Offline, online]));
    drop(running);
}

#[test]
fn a_change_of_a_camera_or_a_problem_is_told_once() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let running = TestBox::at(broker.port).run();
    running.wait_until_up();
    let report = Report {
        cameras: vec![CameraState { camera: "door".to_owned(), state: CameraStatus::Down }],
        problems: vec![Problem { about: "camera door".into(), text: "refuses".into(), since_ms: 5 }],
        clock_ok: Some(true),
        audit: Vec::new(),
    };
    for _ in 0..3 {
        running.publisher.report(report.clone());
    }
    wait_until("it is told", || {
        subscriber.states().last().is_some_and(|state| state.problems == report.problems)
    });
    assert_eq!(running.publisher.stop(GUARD), Stopped::Delivered);
    wait_until("it has stopped", || last_state(&subscriber) == Some(BoxStatus::Stopped));
    let told = subscriber.states().iter().filter(|state| state.problems == report.problems).count();
    assert_eq!(told, 2, "once online and once stopped");
    check_promises(&subscriber);
}

#[test]
fn a_stop_delivers_what_was_counted_last_and_says_stopped() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let mut test_box = TestBox::at(broker.port);
    // Nothing would go out by itself before the stop.
    test_box.mqtt.batch_every = GUARD * 10;
    let running = test_box.run();
    running.wait_until_up();
    running.count(1..=700);
    assert_eq!(running.publisher.stop(GUARD), Stopped::Delivered);
    running.writer.stop(GUARD).expect("room on the disk");
    wait_until("all arrive", || subscriber.crossings() == all_up_to(700));
    wait_until("it has stopped", || last_state(&subscriber) == Some(BoxStatus::Stopped));
    assert_eq!(test_box.open_outbox().position().waiting, 0);
    let stopped = subscriber.heard("/state").len();
    drop(broker);
    assert_eq!(subscriber.heard("/state").len(), stopped, "no last will after a goodbye");
}

#[test]
fn a_stop_without_a_broker_keeps_everything() {
    let test_box = TestBox::at(free_port());
    let running = test_box.run();
    running.count(1..=7);
    assert_eq!(running.publisher.stop(GUARD), Stopped::Unconfirmed);
    running.writer.stop(GUARD).expect("room on the disk");
    assert_eq!(test_box.open_outbox().position().waiting, 7);
}

#[test]
fn a_stop_does_not_wait_longer_than_allowed_for_a_broker_that_does_not_confirm() {
    let broker = Broker::open_to_all();
    let line = Line::to(broker.port);
    let test_box = TestBox::at(line.port);
    let running = test_box.run();
    running.wait_until_up();
    line.deafen();
    running.count(1..=7);
    assert_eq!(running.publisher.stop(Duration::from_millis(400)), Stopped::Unconfirmed);
    running.writer.stop(GUARD).expect("room on the disk");
    assert_eq!(test_box.open_outbox().position().waiting, 7);
}

/// Certificates of a test's own authority: for the broker, for a box, and of another authority.
fn make_certificates(dir: &Path) {
    let script = r#"
        set -e
        for ca in ca other; do
            openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$ca" -keyout $ca.key -out $ca.pem \
                -addext basicConstraints=critical,CA:TRUE
        done
        for name in broker acme-b1-door; do
            openssl req -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout $name.key -out $name.csr
            printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' > ext
            openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out $name.pem
        done
    "#;
    let made = Command::new("sh").arg("-c").arg(script).current_dir(dir).output().expect("a shell");
    assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn over_tls_a_box_shows_its_certificate_and_a_stranger_is_told_why_not() {
    let mut broker = Broker::configured(
        "cafile DIR/ca.pem\ncertfile DIR/broker.pem\nkeyfile DIR/broker.key\n\
         require_certificate true\nuse_identity_as_username true",
    );
    make_certificates(broker.dir());
    broker.start();
    let file = |name: &str| broker.dir().join(name);
    let read = |name: &str| std::fs::read(file(name)).expect("a file");
    let mut options = MqttOptions::new("listener", "127.0.0.1", broker.port);
    name_crypto_library();
    options.set_transport(Transport::tls_with_config(TlsConfiguration::Simple {
        ca: read("ca.pem"),
        alpn: None,
        client_auth: Some((read("acme-b1-door.pem"), read("acme-b1-door.key"))),
    }));
    let subscriber = Subscriber::with(options);

    let mut test_box = TestBox::at(broker.port);
    let own =
        ClientCertificate { certificate_file: file("acme-b1-door.pem"), key_file: file("acme-b1-door.key") };
    test_box.mqtt.tls = Some(TlsSettings { ca_file: file("ca.pem"), client: Some(own) });
    let running = test_box.run();
    running.count(1..=3);
    wait_until("all arrive", || subscriber.crossings() == all_up_to(3));
    assert_eq!(running.publisher.stop(GUARD), Stopped::Delivered);
    running.writer.stop(GUARD).expect("room on the disk");

    let mut check = |tls: Option<TlsSettings>, expected: &str| {
        test_box.mqtt.tls = tls;
        let running = test_box.run();
        let problem = running.problem();
        assert!(problem.contains(expected), "{problem}");
        assert!(running.publisher.status().link != Link::Up);
        drop(running.publisher);
        running.writer.stop(GUARD).expect("room on the disk");
    };
    check(Some(TlsSettings { ca_file: file("ca.pem"), client: None }), "with TLS, and the certificates");
    check(Some(TlsSettings { ca_file: file("other.pem"), client: None }), "TLS failed");
    check(None, "without TLS");
}

#[test]
fn the_brokers_of_the_demo_and_of_a_store_do_what_their_files_say() {
    let demo = include_str!("../deploy/mosquitto/demo.conf");
    let mut broker = Broker::with_config(|port, _| demo.replace("1883", &port.to_string()));
    broker.start();
    let subscriber = Subscriber::to_all(broker.port);
    let running = TestBox::at(broker.port).run();
    running.count(1..=3);
    wait_until("all arrive", || subscriber.crossings() == all_up_to(3));

    let store = include_str!("../deploy/mosquitto/store.conf");
    let mut broker = Broker::with_config(|port, dir| {
        let kept = store.replace("/etc/mosquitto/footfall", dir).replace("/var/lib/mosquitto", dir);
        let here = kept.replace("listener 8883", &format!("listener {port} 127.0.0.1"));
        here.replace("log_dest syslog", "log_dest stderr")
    });
    let acl = include_str!("../deploy/mosquitto/store.acl").replace("head-office", "broker");
    std::fs::write(broker.dir().join("store.acl"), acl).expect("room on the disk");
    make_certificates(broker.dir());
    broker.start();
    let file = |name: &str| broker.dir().join(name);
    let read = |name: &str| std::fs::read(file(name)).expect("a file");
    let client_auth = Some((read("broker.pem"), read("broker.key")));
    let mut options = MqttOptions::new("head-office", "127.0.0.1", broker.port);
    name_crypto_library();
    let tls = TlsConfiguration::Simple { ca: read("ca.pem"), alpn: None, client_auth };
    options.set_transport(Transport::tls_with_config(tls));
    let subscriber = Subscriber::with(options);
    let mut test_box = TestBox::at(broker.port);
    let own =
        ClientCertificate { certificate_file: file("acme-b1-door.pem"), key_file: file("acme-b1-door.key") };
    test_box.mqtt.tls = Some(TlsSettings { ca_file: file("ca.pem"), client: Some(own) });
    let running = test_box.run();
    running.count(1..=3);
    wait_until("all arrive", || subscriber.crossings() == all_up_to(3));
}

/// The subscriber's own client takes whichever is the process's; head office links a second one.
fn name_crypto_library() {
    // Somebody else has done it in this process, which is as good.
    rumqttc::tokio_rustls::rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
}
