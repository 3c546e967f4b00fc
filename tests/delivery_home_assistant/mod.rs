//! What a Home Assistant on the same broker finds there.

use crate::delivery_support::{Broker, GUARD, Heard, RunningBox, Subscriber, TestBox, wait_until};
use footfall::ids::{CameraId, LineId, ZoneId};
use footfall::publish::discovery::{CameraThings, Things, ZoneThings};
use footfall::publish::{HomeAssistantSettings, Stopped};
use serde_json::Value;

fn known_to_home_assistant(port: u16) -> TestBox {
    let mut test_box = TestBox::at(port);
    test_box.mqtt.home_assistant = Some(HomeAssistantSettings { prefix: "home".to_owned() });
    let camera = CameraThings {
        camera: CameraId::parse("door").expect("a valid id"),
        lines: vec![LineId::parse("entrance").expect("a valid id")],
        zones: vec![ZoneThings { zone: ZoneId::parse("till").expect("a valid id"), is_queue: true }],
    };
    test_box.things = Things { cameras: vec![camera], has_store: true };
    test_box
}

/// What somebody who comes later finds, once it is there.
fn found_later(broker: &Broker) -> Heard {
    let late = Subscriber::to_all(broker.port);
    wait_until("a message for Home Assistant", || !late.heard("/config").is_empty());
    late.heard("/config").remove(0)
}

fn wait_until_delivered(running: &RunningBox) {
    wait_until("all are forgotten", || running.waiting() == 0);
}

#[test]
fn home_assistant_finds_the_box_also_when_it_comes_later() {
    let broker = Broker::open_to_all();
    let running = known_to_home_assistant(broker.port).run();
    running.count(1..=20);
    wait_until_delivered(&running);
    let found = found_later(&broker);
    assert!(found.retained);
    assert_eq!(found.topic, "home/device/acme-b1-door/config");
    let device: Value = serde_json::from_slice(&found.payload).expect("JSON");
    assert_eq!(device["state_topic"], "footfall/v1/acme/berlin-1/acme-b1-door/live");
    assert_eq!(device["availability"][0]["topic"], "footfall/v1/acme/berlin-1/acme-b1-door/state");
    assert_eq!(device["components"].as_object().map(|all| all.len()), Some(1 + 2 + 3 + 3));
    assert_eq!(running.publisher.stop(GUARD), Stopped::Delivered, "no confirmation was taken for another's");
}

#[test]
fn home_assistant_is_told_again_by_a_broker_that_forgot() {
    let mut broker = Broker::open_to_all();
    let running = known_to_home_assistant(broker.port).run();
    running.wait_until_up();
    let before = found_later(&broker);
    broker.kill();
    running.problem();
    running.count(1..=5);
    broker.start();
    wait_until_delivered(&running);
    assert_eq!(found_later(&broker).payload, before.payload);
}

#[test]
fn where_it_is_not_set_up_nothing_but_the_topics_of_the_box_is_used() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let running = TestBox::at(broker.port).run();
    running.count(1..=20);
    wait_until_delivered(&running);
    assert_eq!(running.publisher.stop(GUARD), Stopped::Delivered);
    wait_until("the farewell", || subscriber.states().len() >= 2);
    let strange: Vec<String> = subscriber.heard("").into_iter().map(|heard| heard.topic).collect();
    assert!(strange.iter().all(|topic| topic.starts_with("footfall/v1/")), "{strange:?}");
}
