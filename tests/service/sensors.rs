//! A sensor at the door that tells the running service its counts, without a [site], and through a `kill -9`.

use super::broker::{Broker, Subscriber, wait_until};
use super::{Shop, cameras};
use footfall::time::{Clock, SystemClock};
use footfall::wire::v1::{AnyRecord, Fact, SensorCount};
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use std::collections::BTreeMap;
use std::time::Duration;

const TOPIC: &str = "footfall/v1/acme/berlin-1/box-1/sensors";
const SENSOR: &str = "[[sensor]]\nid = \"barrier\"\nkind = \"door\"\ncompares = \"door/entrance\"\n";
const MINUTE_MS: i64 = 60_000;

/// Publishes a message, and waits until the broker has it.
fn publish(port: u16, payload: &str) {
    let options = MqttOptions::new(format!("barrier-{}", cameras::free_port()), "127.0.0.1", port);
    let (client, mut connection) = Client::new(options, 4);
    client.publish(TOPIC, QoS::AtLeastOnce, false, payload).unwrap();
    let is_taken = |event: &Result<Event, _>| matches!(event, Ok(Event::Incoming(Packet::PubAck(_))));
    connection.iter().find(is_taken).unwrap().unwrap();
}

fn interval(start_ms: i64, entries: u32) -> String {
    format!(r#"{{"sensor":"barrier","start_ms":{start_ms},"length_s":60,"in":{entries},"out":1}}"#)
}

/// Each count that arrived, by its number in the outbox.
fn told(subscriber: &Subscriber) -> BTreeMap<u64, SensorCount> {
    let records = subscriber.batches().into_iter().flat_map(|batch| batch.records);
    let counts = records.filter_map(|record| match record {
        AnyRecord::Known(record) => match record.fact {
            Fact::SensorCount(count) => Some((record.seq, count)),
            _ => None,
        },
        AnyRecord::Unknown { .. } => None,
    });
    counts.collect()
}

fn entries(subscriber: &Subscriber) -> Vec<Option<u32>> {
    told(subscriber).into_values().map(|count| count.entries).collect()
}

#[test]
fn what_a_door_sensor_counts_goes_out_once_and_survives_that_the_box_is_killed() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let mut shop = Shop::with_clip().on(broker.port);
    shop.more = SENSOR.to_owned();
    let now = SystemClock::start().now().wall.minute().unix_ms();
    let service = shop.start();
    // Nobody tells a sensor when the box has subscribed, so it sends until somebody has it: one interval, many times.
    let clock = SystemClock::start();
    let mut sent_at = None;
    wait_until("the first count arrives", || {
        let now_s = clock.now().elapsed;
        if sent_at.is_none_or(|at| now_s > at + Duration::from_secs(1)) {
            publish(broker.port, &interval(now - 3 * MINUTE_MS, 7));
            sent_at = Some(now_s);
        }
        !told(&subscriber).is_empty()
    });
    publish(broker.port, &format!("[{},{{\"sensor\":\"other\"}}]", interval(now - 2 * MINUTE_MS, 8)));
    wait_until("what is not understood is told", || service.log().contains("put aside"));
    wait_until("the second count arrives", || entries(&subscriber) == [Some(7), Some(8)]);
    service.kill();
    publish(broker.port, &interval(now - MINUTE_MS, 9));
    let service = shop.start();
    wait_until("what was counted meanwhile arrives", || entries(&subscriber) == [Some(7), Some(8), Some(9)]);
    assert!(service.stop().success());

    let counts = told(&subscriber);
    let first = counts.values().next().unwrap();
    assert_eq!((first.camera.as_deref(), first.line.as_deref()), (Some("door"), Some("entrance")));
    assert_eq!((first.start_ms, first.length.as_secs()), (now - 3 * MINUTE_MS, 60));
    assert_eq!(counts.len(), 3, "{counts:?}");
}
