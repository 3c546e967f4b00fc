//! Head office's connection to the broker: `rumqttc`'s event loop on a thread of its own, and the intake's beside it.
//!
//! What is not obvious: the broker keeps the session (`clean_session` off) and confirmations go out by hand after the commit, so what
//! was not stored comes again. A client serves one connection and is thrown away with it: a confirmation of a message of
//! the former connection would confirm another one in the next.

use super::fleet::Fleet;
use super::ingest::LiveNow;
use super::ingest::intake::{
    FromBroker, Intake, IntakeStatus, Keep, Link, OnFeed, Said, SharedStatus, Surroundings,
};
use super::store::Store;
use crate::publish::backoff::{Backoff, Why};
use crate::publish::mqtt::{feed_options, why_lost, why_not_connected};
use crate::publish::{MqttSettings, PublishError};
use crate::time::Clock;
use crate::wire::v1::fleet::MAX_FLEET_MESSAGE_BYTES;
use rumqttc::{
    Client, ClientError, Connection, Event, MqttOptions, Packet, Publish, QoS, SubscribeFilter,
    SubscribeReasonCode,
};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::broadcast;

/// Requests inside the client: confirmations, watermarks and requests for records.
const CLIENT_QUEUE: usize = 1024;

/// Messages between the two threads. The broker has at most its own limit of unconfirmed ones under way.
const INBOX: usize = 256;

/// What is listened to, and with what promise.
const FILTERS: [(&str, QoS); 11] = [
    ("footfall/v1/+/+/+/records", QoS::AtLeastOnce),
    ("footfall/v1/+/+/+/state", QoS::AtLeastOnce),
    ("footfall/v1/+/+/+/live", QoS::AtMostOnce),
    ("footfall/v1/+/+/+/config/reported", QoS::AtLeastOnce),
    ("footfall/v1/+/+/+/software/reported", QoS::AtLeastOnce),
    ("footfall/v1/+/+/+/health", QoS::AtLeastOnce),
    ("footfall/v1/+/+/+/command/result", QoS::AtLeastOnce),
    ("footfall/v1/+/+/+/certificate/request", QoS::AtLeastOnce),
    ("footfall/v1/+/hq/sales", QoS::AtLeastOnce),
    ("footfall/v1/+/hq/staffing", QoS::AtLeastOnce),
    ("footfall/v1/+/hq/orders", QoS::AtLeastOnce),
];

/// How head office reaches the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HqMqtt {
    /// The broker. What concerns boxes only (`batch_every`, `live`, Home Assistant) is not looked at.
    pub mqtt: MqttSettings,
    /// Under which id; the broker keeps the session for it, so it stays the same.
    pub client_id: String,
}

/// What ingest works with.
pub struct HqIngest {
    /// The database.
    pub store: Arc<Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where values of now go.
    pub live: broadcast::Sender<Arc<LiveNow>>,
    /// Who takes `footfall/v1/{tenant}/hq/{feed}`.
    pub on_feed: OnFeed,
    /// What looks after the boxes.
    pub fleet: Arc<Fleet>,
}

/// Both threads. Dropping it leaves them running to the end of the process.
#[derive(Debug)]
pub struct RunningIngest {
    stop: Arc<AtomicBool>,
    status: SharedStatus,
    intake: JoinHandle<()>,
    broker: JoinHandle<()>,
}

impl RunningIngest {
    /// How it goes.
    #[must_use]
    pub fn status(&self) -> IntakeStatus {
        self.status.get()
    }

    /// Whether a thread is gone though nobody stopped it: nothing is stored any more.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.intake.is_finished() || self.broker.is_finished()
    }

    /// Ends both; what is being stored is stored, the rest is not confirmed and comes again.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        if self.intake.join().is_err() {
            tracing::error!("the intake thread had panicked");
        }
        // The other one waits for the network at times; it holds nothing that would be lost.
    }
}

/// Starts both threads; they connect and go on trying for ever.
///
/// # Errors
/// [`PublishError`] where a certificate or key cannot be used, or the system gives no thread.
pub fn start(settings: &HqMqtt, with: HqIngest) -> Result<RunningIngest, PublishError> {
    let mut options = feed_options(&settings.client_id, &settings.mqtt)?;
    // A configuration in JSON has at most two bytes for each of its own, and a batch is larger than any message of the fleet.
    options.set_max_packet_size(options.max_packet_size(), MAX_FLEET_MESSAGE_BYTES);
    let (stop, status) = (Arc::new(AtomicBool::new(false)), SharedStatus::default());
    status.broker(Some("the first connection to the broker is being made".to_owned()));
    let (to_intake, inbox) = sync_channel(INBOX);
    let HqIngest { store, clock, live, on_feed, fleet } = with;
    let (seen, shown) = (stop.clone(), status.clone());
    let around = Surroundings { store, clock, live, on_feed, fleet, stop: seen, status: shown };
    let listener = Listener {
        options,
        mqtt: settings.mqtt.clone(),
        backoff: Backoff::new(settings.mqtt.retry_max),
        to_intake,
        stop: stop.clone(),
        status: status.clone(),
        connection: 0,
    };
    let intake = std::thread::Builder::new()
        .name("hq-intake".to_owned())
        .spawn(move || Intake::new(around, BrokerClient::default()).run(&inbox))?;
    let broker = std::thread::Builder::new().name("hq-mqtt".to_owned()).spawn(move || listener.run())?;
    Ok(RunningIngest { stop, status, intake, broker })
}

/// The client of the connection that is there, as the intake uses it.
#[derive(Default)]
struct BrokerClient {
    connection: u64,
    client: Option<Client>,
}

/// A message that waits to be confirmed, and over which connection it came.
#[derive(Debug)]
struct Unconfirmed {
    connection: u64,
    /// Without its payload.
    message: Publish,
}

impl Link for BrokerClient {
    type Confirmation = Unconfirmed;
    type Connection = (u64, Client);

    fn connected(&mut self, (number, client): (u64, Client)) {
        (self.connection, self.client) = (number, Some(client));
    }

    fn confirm(&mut self, confirmation: &Unconfirmed) -> Said {
        match &self.client {
            Some(client) if confirmation.connection == self.connection => {
                said(client.try_ack(&confirmation.message))
            }
            _ => Said::Gone,
        }
    }

    fn publish(&mut self, topic: &str, payload: Vec<u8>, keep: Keep) -> Said {
        let Some(client) = &self.client else { return Said::Gone };
        said(client.try_publish(topic, QoS::AtLeastOnce, keep == Keep::Retained, payload))
    }

    fn close(&mut self) {
        if let Some(client) = &self.client
            && let Err(fault) = client.try_disconnect()
        {
            tracing::debug!("the broker is left without a word: {fault}");
        }
    }
}

fn said(result: Result<(), ClientError>) -> Said {
    // The client says the same of a full queue and of a closed one; a closed one is replaced by the next connection.
    if result.is_ok() { Said::Done } else { Said::Later }
}

struct Listener {
    options: MqttOptions,
    mqtt: MqttSettings,
    backoff: Backoff,
    to_intake: SyncSender<FromBroker<BrokerClient>>,
    stop: Arc<AtomicBool>,
    status: SharedStatus,
    connection: u64,
}

/// Why a connection ended.
enum Ended {
    Trouble(Why, String),
    /// It was stopped.
    Stopped,
}

impl Listener {
    fn run(mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            let (client, connection) = Client::new(self.options.clone(), CLIENT_QUEUE);
            self.connection += 1;
            let (why, text) = match self.serve(&client, connection) {
                Ended::Trouble(why, text) => (why, text),
                Ended::Stopped => return,
            };
            if self.status.get().broker_problem.as_ref() != Some(&text) {
                tracing::warn!("{text}");
            }
            self.status.broker(Some(text));
            let pause = self.backoff.wait(why, RandomState::new().hash_one(0_u8));
            self.wait(pause);
        }
    }

    /// In steps, so that a stop is not waited for.
    fn wait(&self, until: Duration) {
        const STEP: Duration = Duration::from_millis(100);
        let mut left = until;
        while !left.is_zero() && !self.stop.load(Ordering::Relaxed) {
            std::thread::sleep(left.min(STEP));
            left = left.saturating_sub(STEP);
        }
    }

    fn serve(&mut self, client: &Client, mut connection: Connection) -> Ended {
        let mut is_connected = false;
        loop {
            let event = match connection.recv() {
                Ok(Ok(event)) => event,
                Ok(Err(_)) if self.stop.load(Ordering::Relaxed) => return Ended::Stopped,
                Ok(Err(fault)) => {
                    let (why, words): (_, fn(&_, &_) -> _) =
                        if is_connected { (Why::Lost, why_lost) } else { (Why::Failed, why_not_connected) };
                    return Ended::Trouble(why, words(&fault, &self.mqtt));
                }
                Err(_) => return Ended::Trouble(Why::Lost, "the MQTT client ended by itself".to_owned()),
            };
            let ended = match event {
                Event::Incoming(Packet::ConnAck(_)) => {
                    is_connected = true;
                    self.backoff.connected();
                    // First, as the session's messages may come before the subscription is answered.
                    self.send(FromBroker::Connected((self.connection, client.clone())))
                        .or_else(|| subscribe(client))
                }
                Event::Incoming(Packet::SubAck(answer)) => self.subscribed(&answer.return_codes),
                Event::Incoming(Packet::Publish(message)) => self.hand_over(message),
                _ => None,
            };
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    fn subscribed(&self, codes: &[SubscribeReasonCode]) -> Option<Ended> {
        if codes.contains(&SubscribeReasonCode::Failure) {
            let text = "the broker does not let head office subscribe to footfall/v1/#; allow it there";
            return Some(Ended::Trouble(Why::Refused, text.to_owned()));
        }
        self.status.broker(None);
        tracing::info!(host = self.mqtt.host, port = self.mqtt.port, "connected to the broker");
        None
    }

    fn hand_over(&self, mut message: Publish) -> Option<Ended> {
        let (topic, payload) = (message.topic.clone(), message.payload.to_vec());
        message.payload.clear();
        let connection = self.connection;
        let confirmation = (message.qos != QoS::AtMostOnce).then_some(Unconfirmed { connection, message });
        self.send(FromBroker::Message { topic, payload, confirmation })
    }

    /// Waits where the intake is behind: the broker then keeps what it has.
    fn send(&self, message: FromBroker<BrokerClient>) -> Option<Ended> {
        self.to_intake.send(message).is_err().then_some(Ended::Stopped)
    }
}

fn subscribe(client: &Client) -> Option<Ended> {
    let filters = FILTERS.map(|(topic, qos)| SubscribeFilter::new(topic.to_owned(), qos));
    let fault = client.try_subscribe_many(filters).err()?;
    Some(Ended::Trouble(Why::Lost, format!("the subscription cannot be sent ({fault})")))
}
