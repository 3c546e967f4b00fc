//! Feeds over the broker that the box publishes to.
//!
//! A client of its own beside the publisher's, because their needs are opposite: the publisher throws its session away
//! with every connection, since the outbox remembers; here the broker has to remember, so the session is kept
//! (`clean_session` off) and what came while the box was away is delivered when it is back. A message is confirmed only
//! when it is on disk.

use super::{Close, Feed, FeedSender, Format, NotTaken, Way};
use crate::publish::backoff::{Backoff, Why};
use crate::publish::mqtt::{feed_options, why_lost, why_not_connected};
use crate::publish::{MqttSettings, PublishError};
use crate::wire::topics::{BoxNames, Topics};
use rumqttc::{
    Client, Connection, Event, MqttOptions, Outgoing, Packet, Publish, QoS, SubscribeFilter,
    SubscribeReasonCode,
};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

/// Requests inside the client: one subscription, and confirmations of what is worked through one by one.
const CLIENT_QUEUE: usize = 64;

/// How the feeds' connection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedsLink {
    /// The broker delivers them.
    Up,
    /// Something is wrong, and what to do; it is tried again.
    Down(String),
}

/// Starts to listen to the topics of some feeds, each with whom it is for; gives what ends it.
///
/// # Errors
/// [`PublishError`] where a certificate cannot be used, or the system gives no thread.
pub fn start(
    mqtt: &MqttSettings,
    names: &BoxNames,
    feeds: &[(Feed, FeedSender)],
    tell: impl Fn(FeedsLink) + Send + 'static,
) -> Result<Close, PublishError> {
    let line = Arc::new(Mutex::new(Line::default()));
    let listener = Listener {
        line: Arc::clone(&line),
        // The box's own id is the publisher's.
        options: feed_options(&format!("{}-feeds", names.box_id), mqtt)?,
        topics: feeds
            .iter()
            .map(|(feed, to)| (Topics::feed(names, feed.name()), *feed, to.clone()))
            .collect(),
        backoff: Backoff::new(mqtt.retry_max),
        mqtt: mqtt.clone(),
        tell,
    };
    std::thread::Builder::new().name("feeds".to_owned()).spawn(move || listener.run())?;
    Ok(Box::new(move || close(&line)))
}

fn close(line: &Mutex<Line>) {
    let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
    line.is_closed = true;
    if let Some(Err(fault)) = line.client.as_ref().map(Client::try_disconnect) {
        tracing::debug!("the feeds' connection cannot be ended in good order: {fault}");
    }
}

/// The connection that lives, for whoever ends it.
#[derive(Default)]
struct Line {
    client: Option<Client>,
    is_closed: bool,
}

struct Listener<T> {
    line: Arc<Mutex<Line>>,
    options: MqttOptions,
    topics: Vec<(String, Feed, FeedSender)>,
    backoff: Backoff,
    mqtt: MqttSettings,
    tell: T,
}

/// Why a connection ended.
enum Ended {
    Trouble(Why, String),
    /// Nobody takes anything any more.
    Gone,
}

impl<T: Fn(FeedsLink)> Listener<T> {
    fn run(mut self) {
        loop {
            let (client, connection) = Client::new(self.options.clone(), CLIENT_QUEUE);
            if self.is_closed(Some(client.clone())) {
                return;
            }
            let (why, text) = match self.serve(&client, connection) {
                Ended::Trouble(why, text) => (why, text),
                Ended::Gone => return,
            };
            if self.is_closed(None) {
                return;
            }
            (self.tell)(FeedsLink::Down(text));
            std::thread::sleep(self.backoff.wait(why, RandomState::new().hash_one(0_u8)));
        }
    }

    /// Whether nobody wants the feeds any more; notes whom to tell when that changes.
    fn is_closed(&self, client: Option<Client>) -> bool {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.client = client;
        line.is_closed
    }

    /// Serves one connection to its end. The client is thrown away with it: what it had not confirmed comes again.
    fn serve(&mut self, client: &Client, mut connection: Connection) -> Ended {
        let mut is_connected = false;
        loop {
            let event = match connection.recv() {
                Ok(Ok(event)) => event,
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
                    self.subscribe(client)
                }
                Event::Incoming(Packet::SubAck(answer)) => self.subscribed(&answer.return_codes),
                Event::Incoming(Packet::Publish(message)) => self.take(client, &message),
                Event::Outgoing(Outgoing::Disconnect) => Some(Ended::Gone),
                _ => None,
            };
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    fn subscribe(&self, client: &Client) -> Option<Ended> {
        // Badges come a dozen a second and mean nothing later: they must not push sales out of the broker's queue.
        let qos = |feed: Feed| if feed == Feed::Badges { QoS::AtMostOnce } else { QoS::AtLeastOnce };
        let filter =
            |(topic, feed, _): &(String, Feed, FeedSender)| SubscribeFilter::new(topic.clone(), qos(*feed));
        let fault = client.try_subscribe_many(self.topics.iter().map(filter)).err()?;
        Some(Ended::Trouble(Why::Lost, format!("the subscription cannot be sent ({fault})")))
    }

    fn subscribed(&self, codes: &[SubscribeReasonCode]) -> Option<Ended> {
        if codes.contains(&SubscribeReasonCode::Failure) {
            let topics: Vec<&str> = self.topics.iter().map(|(topic, ..)| topic.as_str()).collect();
            let text =
                format!("the broker does not let the box subscribe to {}; allow it there", topics.join(", "));
            return Some(Ended::Trouble(Why::Refused, text));
        }
        (self.tell)(FeedsLink::Up);
        None
    }

    fn take(&self, client: &Client, message: &Publish) -> Option<Ended> {
        // The broker may still keep something of a feed that was switched off: nobody waits for it.
        if let Some((_, feed, to)) = self.topics.iter().find(|(topic, ..)| *topic == message.topic) {
            match to.hand(*feed, Way::Mqtt, Format::Json, message.payload.to_vec()) {
                Ok(_) => {}
                Err(NotTaken::Stopped) => return Some(Ended::Gone),
                Err(fault) => return Some(Ended::Trouble(Why::Failed, format!("{feed}: {fault}"))),
            }
        }
        let fault = client.try_ack(message).err()?;
        Some(Ended::Trouble(Why::Lost, format!("a message cannot be confirmed ({fault})")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::door;
    use crate::publish::ConfirmedBy;
    use std::time::Duration;

    #[test]
    fn a_broker_that_does_not_let_the_box_listen_is_named_as_the_fault() {
        // Debian's broker lets everybody subscribe, and then delivers nothing.
        let mqtt = MqttSettings {
            host: "127.0.0.1".to_owned(),
            port: 1883,
            tls: None,
            login: None,
            batch_every: Duration::from_secs(1),
            live: false,
            retry_max: Duration::from_secs(1),
            confirmed_by: ConfirmedBy::HeadOffice,
            ack_patience: Duration::from_secs(120),
            home_assistant: None,
        };
        let listener = Listener {
            line: Arc::default(),
            options: feed_options("box-feeds", &mqtt).unwrap(),
            topics: vec![("footfall/v1/a/b/c/till".to_owned(), Feed::Till, door().0)],
            backoff: Backoff::new(mqtt.retry_max),
            tell: |link| panic!("{link:?} was told"),
            mqtt,
        };
        let Some(Ended::Trouble(Why::Refused, text)) = listener.subscribed(&[SubscribeReasonCode::Failure])
        else {
            panic!("a refusal is no success")
        };
        assert_eq!(
            text,
            "the broker does not let the box subscribe to footfall/v1/a/b/c/till; allow it there"
        );
    }
}
