//! Listens to the broker, on a thread of its own.
//!
//! A thread, because a wait for a message must not be cut short to redraw the screen: the MQTT client would lose a
//! connection that it is just making. It is never joined; it ends with the process, or when nobody listens to it.

use super::intake::{Arrival, Link};
use crate::ids::BoxId;
use crate::publish::MqttSettings;
use crate::publish::mqtt::{listener_options, why_lost, why_not_connected};
use crate::time::Clock;
use crate::wire::topics::BoxNames;
use anyhow::Context;
use rumqttc::{Client, Connection, ConnectionError, Event, Packet, QoS, SubscribeReasonCode};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// More messages than come between two looks at the queue; when it is full, the broker waits.
const QUEUE: usize = 256;
/// Requests inside the client; only subscriptions go there.
const CLIENT_QUEUE: usize = 8;
/// A person is watching, so the next attempt comes soon.
const RETRY: Duration = Duration::from_secs(1);

/// What the thread tells.
#[derive(Debug)]
pub(super) enum Heard {
    /// How the connection is.
    Link(Link),
    /// A message.
    Message(Arrival),
}

/// Starts to listen to all topics of a box.
///
/// # Errors
/// Where a certificate cannot be used, or no thread can be started.
pub(super) fn start(
    mqtt: &MqttSettings,
    names: &BoxNames,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Receiver<Heard>> {
    let options = listener_options(&client_id(&names.box_id), mqtt)?;
    let filter = format!("footfall/v1/{}/{}/{}/#", names.tenant, names.store, names.box_id);
    let (client, connection) = Client::new(options, CLIENT_QUEUE);
    let (to, heard) = sync_channel(QUEUE);
    let subscriber = Subscriber { client, filter, mqtt: mqtt.clone(), clock, to };
    std::thread::Builder::new()
        .name("subscriber".to_owned())
        .spawn(move || subscriber.run(connection))
        .context("cannot start the thread that listens to the broker")?;
    Ok(heard)
}

fn client_id(box_id: &BoxId) -> String {
    // The box's own id would throw the box off the broker, and two watches must not share one.
    format!("{box_id}-watch-{:016x}", RandomState::new().hash_one(std::process::id()))
}

struct Subscriber {
    client: Client,
    filter: String,
    mqtt: MqttSettings,
    clock: Arc<dyn Clock>,
    to: SyncSender<Heard>,
}

impl Subscriber {
    /// Until nobody listens any more.
    fn run(self, mut connection: Connection) {
        let mut is_connected = false;
        while let Ok(event) = connection.recv() {
            let told = match event {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    is_connected = true;
                    self.subscribe()
                }
                Ok(Event::Incoming(packet)) => self.packet(packet),
                Ok(Event::Outgoing(_)) => None,
                Err(fault) => Some(self.lost(&fault, std::mem::take(&mut is_connected))),
            };
            let lost = matches!(told, Some(Heard::Link(Link::Lost { .. })));
            if told.is_some_and(|told| self.to.send(told).is_err()) {
                return;
            }
            if lost {
                std::thread::sleep(RETRY);
            }
        }
    }
}

impl Subscriber {
    fn subscribe(&self) -> Option<Heard> {
        let fault = self.client.try_subscribe(self.filter.clone(), QoS::AtLeastOnce).err()?;
        Some(Heard::Link(Link::Lost { problem: format!("the subscription cannot be sent ({fault})") }))
    }

    fn packet(&self, packet: Packet) -> Option<Heard> {
        match packet {
            Packet::SubAck(answer) => {
                let refused = answer.return_codes.contains(&SubscribeReasonCode::Failure);
                Some(Heard::Link(if refused { Link::Refused } else { Link::Listening }))
            }
            Packet::Publish(message) => Some(Heard::Message(Arrival {
                qos: message.qos as u8,
                topic: message.topic,
                payload: message.payload.into(),
                at: self.clock.now().wall,
            })),
            _ => None,
        }
    }

    fn lost(&self, fault: &ConnectionError, was_connected: bool) -> Heard {
        let why = if was_connected { why_lost } else { why_not_connected };
        Heard::Link(Link::Lost { problem: why(fault, &self.mqtt) })
    }
}
