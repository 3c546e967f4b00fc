//! What others tell the box over the broker: confirmed when it is stored, and not before.

use crate::delivery_support::{Broker, TestBox, wait_until};
use footfall::feeds::mqtt::{FeedsLink, start};
use footfall::feeds::{Feed, Handed, NotTaken, Receipt, door};
use footfall::ids::{BoxId, StoreId, TenantId};
use footfall::wire::topics::BoxNames;
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

const TILL: &str = "footfall/v1/acme/berlin-1/acme-b1-door/till";
const LONG: Duration = Duration::from_secs(60);

/// A box that listens to its till; dropping `taken` ends it, as a stop does.
struct Listening {
    taken: Receiver<Handed>,
    links: Receiver<FeedsLink>,
}

fn listening(port: u16) -> Listening {
    let names = BoxNames {
        tenant: TenantId::parse("acme").expect("a valid id"),
        store: StoreId::parse("berlin-1").expect("a valid id"),
        box_id: BoxId::parse("acme-b1-door").expect("a valid id"),
    };
    let (sender, taken) = door();
    let (tell, links) = sync_channel(64);
    let mqtt = TestBox::at(port).mqtt;
    let told = move |link| drop(tell.send(link));
    drop(start(&mqtt, &names, &[(Feed::Till, sender)], told).expect("a thread"));
    Listening { taken, links }
}

impl Listening {
    fn wait_until_up(&self) {
        wait_until("the box listens", || matches!(self.links.try_recv(), Ok(FeedsLink::Up)));
    }

    #[track_caller]
    fn next(&self) -> Handed {
        self.taken.recv_timeout(LONG).expect("something is handed over")
    }
}

/// A till that sends a message and waits until the broker has it.
fn sell(port: u16, payload: &str) {
    let (client, mut connection) =
        Client::new(MqttOptions::new(format!("till-{payload}"), "127.0.0.1", port), 4);
    client.publish(TILL, QoS::AtLeastOnce, false, payload).expect("a queue with room");
    for event in connection.iter() {
        if let Event::Incoming(Packet::PubAck(_)) = event.expect("the broker answers") {
            break;
        }
    }
}

#[test]
fn a_sale_that_could_not_be_stored_comes_again_until_it_is() {
    let broker = Broker::open_to_all();
    let listening = listening(broker.port);
    listening.wait_until_up();
    sell(broker.port, "a1");
    listening.next().answer(Err(NotTaken::NotStored("disk full".to_owned())));
    let again = listening.next();
    assert_eq!((again.feed, again.bytes.as_slice()), (Feed::Till, b"a1".as_slice()));
    again.answer(Ok(Receipt::default()));
    sell(broker.port, "a2");
    assert_eq!(listening.next().bytes, b"a2", "what was stored does not come again");
}

#[test]
fn a_sale_made_while_the_box_was_away_is_delivered_when_it_is_back() {
    let broker = Broker::open_to_all();
    let first = listening(broker.port);
    first.wait_until_up();
    sell(broker.port, "a1");
    // Stopped with the sale in its hands.
    drop(first.next());
    drop(first);
    sell(broker.port, "a2");
    let second = listening(broker.port);
    for expected in ["a1", "a2"] {
        let handed = second.next();
        assert_eq!(handed.bytes, expected.as_bytes());
        handed.answer(Ok(Receipt::default()));
    }
}
