//! The fleet's own connection to the broker.
//!
//! The session is kept (`clean_session` off) and every message is confirmed by hand, by whoever took it: what was asked while
//! the box was away comes when it is back, and what was not finished comes again. Out goes one message at a time, the next when
//! the broker has confirmed the one before, so that nothing is lost with a connection. What must hold (retained) is said again at
//! each connect, for a broker without a memory.

use crate::publish::backoff::{Backoff, Why};
use crate::publish::mqtt::{fleet_options, why_lost, why_not_connected};
use crate::publish::{MqttSettings, PublishError};
use crate::wire::topics::{BoxNames, FleetTopics};
use crate::wire::v1::fleet::MAX_FLEET_MESSAGE_BYTES;
use rumqttc::{
    Client, Connection, Event, Outgoing, Packet, Publish, QoS, SubscribeFilter, SubscribeReasonCode,
};
use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Requests inside the client: one subscription, one message, and confirmations of what is worked through.
const CLIENT_QUEUE: usize = 64;
/// Messages that were heard and are not taken yet. With more the connection is given up, and the broker keeps the rest.
const MOST_HEARD: usize = 32;
/// Messages that wait to be sent; the oldest goes when there are more.
const MOST_WAITING: usize = 64;
/// Two identities may be tried after one another, so a wait never is as long as a publisher's.
const RETRY_MAX: Duration = Duration::from_secs(60);

/// What head office tells the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Inbound {
    /// What it is to count with.
    ConfigDesired,
    /// A thing to do.
    Command,
    /// The package that is to run.
    SoftwareDesired,
    /// A certificate.
    CertificateIssued,
}

/// What the box tells head office.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outbound {
    /// What it counts with.
    ConfigReported,
    /// What came of a command.
    CommandResult,
    /// How it is.
    Health,
    /// What software runs.
    SoftwareReported,
    /// A signing request.
    CertificateRequest,
}

impl Outbound {
    /// Whether the broker keeps the last one for whoever comes later.
    const fn is_retained(self) -> bool {
        matches!(self, Self::ConfigReported | Self::SoftwareReported)
    }

    /// Whether a newer one makes an older one void. Only what came of a command is said each time.
    const fn only_newest(self) -> bool {
        !matches!(self, Self::CommandResult)
    }
}

/// How the connection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FleetLink {
    /// The broker delivers.
    Up,
    /// What is wrong, and what to do; it is tried again.
    Down(String),
}

/// A message of head office. The broker brings it again, also after a restart, until it is confirmed.
pub struct Heard {
    /// What it is about.
    pub about: Inbound,
    /// As it came; at most [`MAX_FLEET_MESSAGE_BYTES`].
    pub payload: Vec<u8>,
    confirm: Option<(Client, Publish)>,
}

impl Heard {
    /// A message that no broker waits for.
    #[must_use]
    pub fn unconfirmed(about: Inbound, payload: Vec<u8>) -> Self {
        Self { about, payload, confirm: None }
    }

    /// Tells the broker that it need not bring this again.
    pub fn confirm(self) {
        let Some((client, message)) = self.confirm else { return };
        if let Err(fault) = client.try_ack(&message) {
            // A connection that is gone: it comes again, and whoever takes it knows it.
            tracing::debug!("a message of the fleet cannot be confirmed: {fault}");
        }
    }
}

/// A handle to the connection.
#[derive(Clone)]
pub struct FleetSender {
    shared: Arc<Shared>,
}

/// The connection's thread. Without it, and after [`Connection::stop`](FleetConnection::stop), nothing is sent.
pub struct FleetConnection {
    sender: FleetSender,
    thread: JoinHandle<()>,
}

/// Starts the connection, which goes on trying for ever; gives where messages come out.
///
/// # Errors
/// [`PublishError`] where a certificate cannot be used, or the system gives no thread. An absent broker is no error.
pub fn start(
    mqtt: &MqttSettings,
    names: &BoxNames,
    tell: impl Fn(FleetLink) + Send + 'static,
) -> Result<(FleetConnection, Receiver<Heard>), PublishError> {
    let client_id = format!("{}-fleet", names.box_id);
    // What cannot be used is noticed at the start.
    fleet_options(&client_id, mqtt)?;
    let (to, heard) = sync_channel(MOST_HEARD);
    let state = State::new(mqtt.clone());
    let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
    let listener = Listener {
        client_id,
        topics: FleetTopics::of(names),
        shared: Arc::clone(&shared),
        backoff: Backoff::new(mqtt.retry_max.min(RETRY_MAX)),
        to,
        tell,
    };
    let thread = std::thread::Builder::new().name("fleet link".to_owned()).spawn(move || listener.run())?;
    Ok((FleetConnection { sender: FleetSender { shared }, thread }, heard))
}

impl FleetConnection {
    /// A handle to send with.
    #[must_use]
    pub fn sender(&self) -> FleetSender {
        self.sender.clone()
    }

    /// Sends what waits, at most for `limit`, and ends the connection.
    pub fn stop(self, limit: Duration) {
        let shared = &self.sender.shared;
        let state = shared.lock();
        let unsent = |state: &mut State| state.client.is_some() && !state.waiting.is_empty();
        let waited = shared.changed.wait_timeout_while(state, limit, unsent);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.stopping = true;
        state.hang_up();
        drop(state);
        shared.changed.notify_all();
        // A connection attempt lasts a few seconds, for which nobody need wait.
        if self.thread.is_finished() && self.thread.join().is_err() {
            tracing::error!("the fleet's connection panicked; please report this");
        }
    }
}

impl FleetSender {
    /// Sends a message when that can be done. One that must hold, or that a newer one makes void, replaces what waits.
    pub fn say(&self, what: Outbound, payload: Vec<u8>) {
        if payload.len() > MAX_FLEET_MESSAGE_BYTES {
            tracing::error!("{what:?} has {} bytes, more than is sent; it is left out", payload.len());
            return;
        }
        let mut state = self.shared.lock();
        if what.is_retained() {
            state.holds.insert(what, payload.clone());
        }
        state.queue(what, payload);
        state.send_next();
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Whether the broker is reached, with the settings that were given last.
    #[must_use]
    pub fn is_up(&self) -> bool {
        let state = self.shared.lock();
        state.client.is_some() && state.connected_with == state.generation
    }

    /// Connects anew with other settings, for example another certificate.
    pub fn reconnect(&self, mqtt: MqttSettings) {
        let mut state = self.shared.lock();
        state.mqtt = mqtt;
        state.generation += 1;
        state.hang_up();
        drop(state);
        self.shared.changed.notify_all();
    }
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is whole before the lock goes.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct State {
    mqtt: MqttSettings,
    /// Goes up with every order to connect anew ...
    generation: u64,
    /// ... and this one the connection was made for.
    connected_with: u64,
    /// Of the connection that lives.
    client: Option<Client>,
    topics: Option<FleetTopics>,
    waiting: VecDeque<(Outbound, Vec<u8>)>,
    /// Whether the first of them was handed to the client.
    is_in_flight: bool,
    holds: BTreeMap<Outbound, Vec<u8>>,
    stopping: bool,
}

impl State {
    fn new(mqtt: MqttSettings) -> Self {
        Self {
            mqtt,
            generation: 0,
            connected_with: 0,
            client: None,
            topics: None,
            waiting: VecDeque::new(),
            is_in_flight: false,
            holds: BTreeMap::new(),
            stopping: false,
        }
    }

    fn queue(&mut self, what: Outbound, payload: Vec<u8>) {
        let first_free = usize::from(self.is_in_flight);
        if what.only_newest()
            && let Some((_, old)) = self.waiting.iter_mut().skip(first_free).find(|(kind, _)| *kind == what)
        {
            *old = payload;
            return;
        }
        if self.waiting.len() >= MOST_WAITING {
            tracing::warn!("more waits for the broker than is kept; the oldest answer is left out");
            self.waiting.remove(first_free);
        }
        self.waiting.push_back((what, payload));
    }

    fn send_next(&mut self) {
        let (Some(client), Some(topics), false) = (&self.client, &self.topics, self.is_in_flight) else {
            return;
        };
        let Some((what, payload)) = self.waiting.front() else { return };
        let topic = topic(topics, *what);
        match client.try_publish(topic, QoS::AtLeastOnce, what.is_retained(), payload.clone()) {
            Ok(()) => self.is_in_flight = true,
            Err(fault) => tracing::debug!("{what:?} cannot be sent now: {fault}"),
        }
    }

    fn confirmed(&mut self) {
        if std::mem::take(&mut self.is_in_flight) {
            self.waiting.pop_front();
        }
        self.send_next();
    }

    fn connected(&mut self, client: Client, topics: FleetTopics, generation: u64) {
        self.client = Some(client);
        self.topics = Some(topics);
        self.connected_with = generation;
        self.is_in_flight = false;
        for (what, payload) in std::mem::take(&mut self.holds) {
            self.queue(what, payload.clone());
            self.holds.insert(what, payload);
        }
        self.send_next();
    }

    fn disconnected(&mut self) {
        self.client = None;
        self.is_in_flight = false;
    }

    fn hang_up(&mut self) {
        if let Some(Err(fault)) = self.client.as_ref().map(Client::try_disconnect) {
            tracing::debug!("the fleet's connection cannot be ended in good order: {fault}");
        }
    }
}

fn topic(topics: &FleetTopics, what: Outbound) -> &str {
    match what {
        Outbound::ConfigReported => &topics.config_reported,
        Outbound::CommandResult => &topics.command_result,
        Outbound::Health => &topics.health,
        Outbound::SoftwareReported => &topics.software_reported,
        Outbound::CertificateRequest => &topics.certificate_request,
    }
}

fn subscribed(topics: &FleetTopics) -> [(&str, Inbound); 4] {
    [
        (&topics.config_desired, Inbound::ConfigDesired),
        (&topics.command, Inbound::Command),
        (&topics.software_desired, Inbound::SoftwareDesired),
        (&topics.certificate_issued, Inbound::CertificateIssued),
    ]
}

struct Listener<T> {
    client_id: String,
    topics: FleetTopics,
    shared: Arc<Shared>,
    backoff: Backoff,
    to: SyncSender<Heard>,
    tell: T,
}

/// Why a connection ended.
enum Ended {
    Trouble(Why, String),
    /// To connect anew, or to stop.
    Ordered,
    /// Nobody takes anything any more.
    Gone,
}

impl<T: Fn(FleetLink)> Listener<T> {
    fn run(mut self) {
        loop {
            let (mqtt, generation) = {
                let state = self.shared.lock();
                if state.stopping {
                    return;
                }
                (state.mqtt.clone(), state.generation)
            };
            let ended = match fleet_options(&self.client_id, &mqtt) {
                Ok(options) => {
                    let (client, connection) = Client::new(options, CLIENT_QUEUE);
                    self.serve(&client, connection, &mqtt, generation)
                }
                Err(fault) => Ended::Trouble(Why::Refused, fault.to_string()),
            };
            self.shared.lock().disconnected();
            self.shared.changed.notify_all();
            match ended {
                Ended::Gone => return,
                Ended::Ordered => {}
                Ended::Trouble(why, text) => self.wait(why, text, generation),
            }
        }
    }

    /// Waits until it is to be tried again, at most until somebody orders it.
    fn wait(&mut self, why: Why, text: String, generation: u64) {
        let unordered = |state: &mut State| !state.stopping && state.generation == generation;
        if !unordered(&mut self.shared.lock()) {
            return;
        }
        (self.tell)(FleetLink::Down(text));
        let wait = self.backoff.wait(why, RandomState::new().hash_one(0_u8));
        let state = self.shared.lock();
        drop(self.shared.changed.wait_timeout_while(state, wait, unordered));
    }

    /// Serves one connection to its end. The client is thrown away with it: what it had not confirmed comes again.
    fn serve(
        &mut self,
        client: &Client,
        mut connection: Connection,
        mqtt: &MqttSettings,
        generation: u64,
    ) -> Ended {
        let mut is_connected = false;
        loop {
            let event = match connection.recv() {
                Ok(Ok(event)) => event,
                Ok(Err(fault)) => {
                    let (why, words): (_, fn(&_, &_) -> _) =
                        if is_connected { (Why::Lost, why_lost) } else { (Why::Failed, why_not_connected) };
                    return Ended::Trouble(why, words(&fault, mqtt));
                }
                Err(_) => return Ended::Trouble(Why::Lost, "the MQTT client ended by itself".to_owned()),
            };
            let ended = match event {
                Event::Incoming(Packet::ConnAck(_)) => {
                    is_connected = true;
                    self.backoff.connected();
                    self.connected(client, generation)
                }
                Event::Incoming(Packet::SubAck(answer)) => self.subscribed(&answer.return_codes),
                Event::Incoming(Packet::PubAck(_)) => {
                    self.shared.lock().confirmed();
                    self.shared.changed.notify_all();
                    None
                }
                Event::Incoming(Packet::Publish(message)) => self.take(client, message),
                Event::Outgoing(Outgoing::Disconnect) => Some(Ended::Ordered),
                _ => None,
            };
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    fn connected(&self, client: &Client, generation: u64) -> Option<Ended> {
        let filter =
            |(topic, _): &(&str, Inbound)| SubscribeFilter::new((*topic).to_owned(), QoS::AtLeastOnce);
        if let Err(fault) = client.try_subscribe_many(subscribed(&self.topics).iter().map(filter)) {
            return Some(Ended::Trouble(Why::Lost, format!("the subscription cannot be sent ({fault})")));
        }
        let mut state = self.shared.lock();
        if state.stopping || state.generation != generation {
            return Some(Ended::Ordered);
        }
        state.connected(client.clone(), self.topics.clone(), generation);
        None
    }

    fn subscribed(&self, codes: &[SubscribeReasonCode]) -> Option<Ended> {
        if codes.contains(&SubscribeReasonCode::Failure) {
            let topic = &self.topics.config_desired;
            let text =
                format!("the broker does not let the box subscribe to {topic} and the like; allow it there");
            return Some(Ended::Trouble(Why::Refused, text));
        }
        (self.tell)(FleetLink::Up);
        None
    }

    fn take(&self, client: &Client, message: Publish) -> Option<Ended> {
        let about = subscribed(&self.topics).into_iter().find(|(topic, _)| *topic == message.topic);
        let confirm = Some((client.clone(), message.clone()));
        let Some((_, about)) = about.filter(|_| message.payload.len() <= MAX_FLEET_MESSAGE_BYTES) else {
            // Nobody waits for it, or nobody may send it; the broker need not keep it.
            tracing::warn!("a message of {} bytes on {:?} is left out", message.payload.len(), message.topic);
            Heard { about: Inbound::Command, payload: Vec::new(), confirm }.confirm();
            return None;
        };
        match self.to.try_send(Heard { about, payload: message.payload.to_vec(), confirm }) {
            Ok(()) => None,
            Err(TrySendError::Disconnected(_)) => Some(Ended::Gone),
            Err(TrySendError::Full(_)) => {
                let text = "head office tells more at once than the box takes; the broker keeps the rest";
                Some(Ended::Trouble(Why::Failed, text.to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::ConfirmedBy;

    fn state() -> State {
        State::new(MqttSettings {
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
        })
    }

    fn waiting(state: &State) -> Vec<(Outbound, &[u8])> {
        state.waiting.iter().map(|(what, payload)| (*what, payload.as_slice())).collect()
    }

    #[test]
    fn a_newer_message_replaces_the_one_that_waits_but_not_the_one_on_its_way() {
        let mut state = state();
        state.queue(Outbound::Health, vec![1]);
        state.queue(Outbound::Health, vec![2]);
        assert_eq!(waiting(&state), [(Outbound::Health, [2].as_slice())]);
        state.is_in_flight = true;
        state.queue(Outbound::Health, vec![3]);
        assert_eq!(waiting(&state), [(Outbound::Health, [2].as_slice()), (Outbound::Health, &[3])]);
        state.confirmed();
        assert_eq!(waiting(&state), [(Outbound::Health, [3].as_slice())]);
    }

    #[test]
    fn every_answer_to_a_command_is_kept_until_there_are_too_many() {
        let mut state = state();
        for answer in 0..=MOST_WAITING {
            state.queue(Outbound::CommandResult, vec![u8::try_from(answer).unwrap()]);
        }
        assert_eq!(state.waiting.len(), MOST_WAITING);
        assert_eq!(state.waiting[0].1, [1], "the oldest went");
    }

    #[test]
    fn what_was_on_its_way_when_the_connection_was_lost_waits_again() {
        let mut state = state();
        state.queue(Outbound::CommandResult, vec![1]);
        state.is_in_flight = true;
        state.disconnected();
        state.confirmed();
        assert_eq!(waiting(&state), [(Outbound::CommandResult, [1].as_slice())]);
    }
}
