//! The connection to the broker: `rumqttc`'s event loop, on a thread of its own.
//!
//! Two things are not obvious. The event loop's `poll` is never dropped while a connection lives, because a
//! message that it had begun to write would be lost there and wait for its confirmation for ever. And
//! a client serves one connection only: after any error it is thrown away, with everything in it,
//! and the outbox sends again what was not confirmed.

use super::backoff::Backoff;
use super::delivery::{Delivery, DeliveryLimits, Heard, Lane, Promise};
use super::discovery::Introduction;
use super::{ConfirmedBy, MqttSettings, PublishError};
use crate::outbox::{OutboxReader, SeqRange, WriterGone};
use crate::time::{Clock, Pulse, WallTime};
use crate::wire::topics::{BoxNames, Topics};
use crate::wire::v1::{
    Ack, AuditFigure, Backfill, Batch, BoxStatus, CameraState, Live, LiveMessage, MAX_BATCH_BYTES,
    OutboxState, Problem, State, V1,
};
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Outgoing, Packet, Publish, QoS,
    SubscribeReasonCode, Transport,
};
use serde::Serialize;
use serde_json::value::RawValue;
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::sync::mpsc as thread_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use trouble::Trouble;

mod tls;
mod trouble;

/// Requests that wait inside the client. Delivery keeps far fewer there; live messages fill at most half.
const CLIENT_QUEUE: usize = 64;

/// Live messages that wait for the thread; more are discarded.
const LIVE_QUEUE: usize = 256;

/// How often the thread says that it is not held up.
const BEAT_EVERY: Duration = Duration::from_secs(1);

/// A connection that says nothing for this long is asked, and given up after as long again.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Larger than any packed batch: `rumqttc` refuses above 10 KiB by default.
const MOST_BYTES_OUT: usize = 4 * 1024 * 1024;

/// Nobody has more to tell a box than a few numbers.
const MOST_BYTES_IN: usize = 64 * 1024;

/// Who publishes, and where.
#[derive(Debug, Clone)]
pub struct PublisherSettings {
    /// The box's names.
    pub names: BoxNames,
    /// The broker.
    pub mqtt: MqttSettings,
    /// Name and version of the software, as told on `state`.
    pub software: String,
    /// What is told to Home Assistant at each connect; none: nothing is.
    pub introduction: Option<Introduction>,
}

/// What the box says of itself on `state`, beside the publisher's own part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Whether the box's clock was set; none: not looked at yet.
    pub clock_ok: Option<bool>,
    /// Every camera.
    pub cameras: Vec<CameraState>,
    /// What a person should look at.
    pub problems: Vec<Problem>,
    /// Accuracy of the lines that were audited.
    pub audit: Vec<AuditFigure>,
}

/// Whether the broker is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The first attempt is under way.
    Connecting,
    /// Connected.
    Up,
    /// Not connected; it is tried again.
    Down {
        /// What is wrong and what to do.
        problem: String,
    },
}

/// How delivery goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublisherStatus {
    /// Whether the broker is reached.
    pub link: Link,
    /// Numbers by which the watermark has gone up since the start. That may be more than records: numbers in between that
    /// were lost count too, and what is confirmed a second time, after the watermark went down, counts twice.
    pub delivered: u64,
    /// What is wrong with whoever confirms, though the broker is there; none: nothing is.
    pub unconfirmed: Option<String>,
    /// Live messages that could not be sent at once and were discarded.
    pub discarded: u64,
}

/// How a publisher stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Every record is confirmed, and `state` says `stopped`.
    Delivered,
    /// The broker has every record, and head office is yet to confirm the last; they wait in the outbox.
    WithBroker,
    /// The broker was not reached, or did not confirm in time; what waits is in the outbox.
    Unconfirmed,
}

/// Takes live messages; one for every camera.
#[derive(Debug, Clone)]
pub struct LiveSender {
    queue: mpsc::Sender<Live>,
    status: Arc<Mutex<PublisherStatus>>,
    wanted: bool,
}

impl LiveSender {
    /// Sends at once or discards; never blocks. Does nothing where live messages are switched off.
    pub fn send(&self, live: Live) {
        if self.wanted && self.queue.try_send(live).is_err() {
            locked(&self.status).discarded += 1;
        }
    }
}

/// A running publisher. Dropping it cuts the connection, as a crash would: the last will goes out.
pub struct Publisher {
    orders: watch::Sender<Orders>,
    live: LiveSender,
    stopped: thread_channel::Receiver<Stopped>,
    thread: JoinHandle<()>,
    pulse: Pulse,
}

/// What the owner wants, for the thread to look at.
#[derive(Debug, Clone, Default)]
struct Orders {
    report: Report,
    /// Time left to stop in, from when the thread sees it.
    stop_within: Option<Duration>,
}

impl Publisher {
    /// Starts the thread, which connects and goes on trying for ever.
    ///
    /// # Errors
    /// [`PublishError`] where a certificate or key cannot be used, or the system gives no thread. A broker
    /// that is absent is no error.
    pub fn start(
        settings: PublisherSettings,
        outbox: OutboxReader,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PublishError> {
        let transport = transport(&settings.mqtt)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let status =
            PublisherStatus { link: Link::Connecting, delivered: 0, unconfirmed: None, discarded: 0 };
        let status = Arc::new(Mutex::new(status));
        let (orders, orders_seen) = watch::channel(Orders::default());
        let (live, live_queue) = mpsc::channel(LIVE_QUEUE);
        let (tell_stopped, stopped) = thread_channel::sync_channel(1);
        let live = LiveSender { queue: live, status: status.clone(), wanted: settings.mqtt.live };
        let world = World {
            topics: Topics::of(&settings.names),
            delivery: Delivery::new(
                DeliveryLimits::every(settings.mqtt.batch_every, settings.mqtt.ack_patience),
                settings.mqtt.confirmed_by,
            ),
            confirmed: 0,
            backoff: Backoff::new(settings.mqtt.retry_max),
            settings,
            transport,
            outbox,
            clock,
            orders: orders_seen,
            live: live_queue,
            status,
            told: None,
            online_since: WallTime::default(),
            has_outbox: false,
            farewell: Farewell::NotYet,
        };
        let pulse = Pulse::default();
        let beats = pulse.clone();
        let thread = std::thread::Builder::new().name("publisher".to_owned()).spawn(move || {
            let stopped = runtime.block_on(world.run_with(&beats));
            if tell_stopped.try_send(stopped).is_err() {
                tracing::debug!("nobody waits for the publisher any more");
            }
        })?;
        Ok(Self { orders, live, stopped, thread, pulse })
    }

    /// A handle to send live messages.
    #[must_use]
    pub fn live(&self) -> LiveSender {
        self.live.clone()
    }

    /// Says how cameras are and what is wrong; `state` is published when that changes.
    pub fn report(&self, report: Report) {
        self.orders.send_if_modified(|orders| {
            let news = orders.report != report;
            orders.report = report;
            news
        });
    }

    /// Whether the thread is gone though nobody stopped it: nothing is delivered any more.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// How often the thread has looked up: it does so once a second, also while the broker is away.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.pulse.turns()
    }

    /// How delivery goes.
    #[must_use]
    pub fn status(&self) -> PublisherStatus {
        locked(&self.live.status).clone()
    }

    /// Sends what waits and then `stopped`, waits for the confirmations, and disconnects, all within `limit`.
    /// The outbox must still be running. Without a connection it ends at once.
    #[must_use]
    pub fn stop(self, limit: Duration) -> Stopped {
        self.orders.send_modify(|orders| orders.stop_within = Some(limit));
        self.stopped.recv_timeout(limit).unwrap_or(Stopped::Unconfirmed)
    }
}

/// Whoever answers with garbage is described by other numbers at every attempt; that is no news.
fn is_same_but_for_numbers(known: &str, text: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    letters(known) == letters(text)
}

fn locked(status: &Mutex<PublisherStatus>) -> std::sync::MutexGuard<'_, PublisherStatus> {
    status.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far a stop has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Farewell {
    NotYet,
    /// The last records are on their way, at most until then.
    Records {
        until: Duration,
        end: Duration,
    },
    /// `stopped` is on its way, at most until then.
    State {
        end: Duration,
    },
    /// The disconnect is on its way.
    Bye,
}

/// Why a connection ended.
enum Ended {
    /// As ordered.
    Stopped,
    /// The handle was dropped: gone without a word.
    Abandoned,
    Lost(Trouble),
}

struct World {
    settings: PublisherSettings,
    transport: Transport,
    topics: Topics,
    outbox: OutboxReader,
    clock: Arc<dyn Clock>,
    orders: watch::Receiver<Orders>,
    live: mpsc::Receiver<Live>,
    status: Arc<Mutex<PublisherStatus>>,
    delivery: Delivery,
    /// The watermark that the outbox knows.
    confirmed: u64,
    backoff: Backoff,
    /// The state last published over this connection.
    told: Option<State>,
    online_since: WallTime,
    /// Whether the outbox could be read when this connection was made; without, nothing is known of what waits.
    has_outbox: bool,
    farewell: Farewell,
}

impl World {
    /// Runs to the end; while the thread is not held up, it beats.
    async fn run_with(self, pulse: &Pulse) -> Stopped {
        let beating = async {
            loop {
                pulse.beat();
                tokio::time::sleep(BEAT_EVERY).await;
            }
        };
        tokio::select! {
            stopped = self.run() => stopped,
            () = beating => unreachable!("it never ends"),
        }
    }

    async fn run(mut self) -> Stopped {
        loop {
            let trouble = match self.connection().await {
                Ended::Lost(trouble) if self.farewell == Farewell::NotYet => trouble,
                Ended::Stopped if !self.has_outbox || !self.delivery.is_delivered() => {
                    return Stopped::Unconfirmed;
                }
                Ended::Stopped if self.delivery.is_confirmed() => return Stopped::Delivered,
                Ended::Stopped => return Stopped::WithBroker,
                Ended::Lost(_) | Ended::Abandoned => return Stopped::Unconfirmed,
            };
            self.delivery.disconnected();
            let wait = self.backoff.wait(trouble.why, RandomState::new().hash_one(0_u8));
            self.report_trouble(trouble, wait);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop_ordered(&mut self.orders) => return Stopped::Unconfirmed,
            }
        }
    }

    /// Makes one connection and serves it to its end.
    async fn connection(&mut self) -> Ended {
        let (client, mut events) = AsyncClient::new(self.options(), CLIENT_QUEUE);
        let first = tokio::select! {
            first = events.poll() => first,
            () = stop_ordered(&mut self.orders) => return Ended::Abandoned,
        };
        // The first event of a connection is the broker's greeting, or why there is none.
        if let Err(fault) = first {
            return Ended::Lost(Trouble::connecting(&fault, &self.settings.mqtt));
        }
        if let Err(gone) = self.up() {
            return Ended::Lost(gone.into());
        }
        match self.serve(&client, &mut events).await {
            Ok(ended) => ended,
            Err(trouble) => Ended::Lost(trouble),
        }
    }

    fn up(&mut self) -> Result<(), WriterGone> {
        let now = self.clock.now();
        self.has_outbox = self.outbox.is_open()?;
        let position = self.outbox.position()?;
        tracing::info!(
            host = self.settings.mqtt.host,
            port = self.settings.mqtt.port,
            "connected to the broker"
        );
        locked(&self.status).link = Link::Up;
        self.backoff.connected();
        if self.has_outbox {
            self.delivery.connected(position);
            self.confirmed = position.watermark;
        }
        self.told = None;
        self.online_since = now.wall;
        // What happened before is no longer live.
        while self.live.try_recv().is_ok() {
            locked(&self.status).discarded += 1;
        }
        Ok(())
    }

    async fn serve(&mut self, client: &AsyncClient, events: &mut EventLoop) -> Result<Ended, Trouble> {
        self.listen(client)?;
        self.introduce(client)?;
        // Also what was ordered while the connection was being made.
        self.heed_orders(client)?;
        loop {
            self.pump(client)?;
            let mut poll = pin!(events.poll());
            let event = loop {
                let until_wake = self.until_wake();
                tokio::select! {
                    biased;
                    event = &mut poll => break event,
                    order = self.orders.changed() => match order {
                        Ok(()) => self.heed_orders(client)?,
                        Err(_) => return Ok(Ended::Abandoned),
                    },
                    Some(live) = self.live.recv() => self.send_live(client, live)?,
                    () = tokio::time::sleep(until_wake) => self.pump(client)?,
                }
            };
            let event = event.map_err(|fault| Trouble::connected(&fault, &self.settings.mqtt))?;
            if self.heed(client, &event)? {
                return Ok(Ended::Stopped);
            }
        }
    }

    /// Subscribes to what head office has to say. Before any record goes, so that no answer is missed.
    fn listen(&self, client: &AsyncClient) -> Result<(), Trouble> {
        if self.settings.mqtt.confirmed_by == ConfirmedBy::Broker {
            return Ok(());
        }
        for topic in [&self.topics.ack, &self.topics.backfill] {
            client.try_subscribe(topic, QoS::AtLeastOnce).map_err(|fault| Trouble::ours(&fault))?;
        }
        Ok(())
    }

    /// Tells Home Assistant what the box shows. At each connect, as a broker without a memory has forgotten it.
    fn introduce(&mut self, client: &AsyncClient) -> Result<(), Trouble> {
        let Some(Introduction { topic, payload }) = &self.settings.introduction else { return Ok(()) };
        self.delivery.handed_over(Promise::Confirmed);
        let sent = client.try_publish(topic, QoS::AtLeastOnce, true, payload.clone());
        sent.map_err(|fault| Trouble::ours(&fault))
    }

    /// Takes one event; true when the connection has ended as ordered.
    fn heed(&mut self, client: &AsyncClient, event: &Event) -> Result<bool, Trouble> {
        match event {
            Event::Outgoing(Outgoing::Publish(id)) => self.delivery.sent(*id, self.clock.now().elapsed)?,
            Event::Incoming(Packet::PubAck(confirmed)) => {
                self.delivery.confirmed(confirmed.pkid, self.clock.now().elapsed)?;
                self.note_watermark(client)?;
            }
            Event::Incoming(Packet::Publish(message)) => self.hear(client, message)?,
            Event::Incoming(Packet::SubAck(answer))
                if answer.return_codes.contains(&SubscribeReasonCode::Failure) =>
            {
                self.receiver_is(Some(format!(
                    "the broker does not let this box listen to {}; allow that, or nothing can be confirmed",
                    self.topics.ack
                )));
            }
            Event::Outgoing(Outgoing::Disconnect) => return Ok(true),
            _ => {}
        }
        Ok(false)
    }

    /// Takes what head office says. What cannot be read, or is about another box, changes nothing.
    fn hear(&mut self, client: &AsyncClient, message: &Publish) -> Result<(), Trouble> {
        if !self.has_outbox {
            return Ok(());
        }
        let now = self.clock.now().elapsed;
        let own = self.settings.names.box_id.as_str();
        if message.topic == self.topics.ack {
            match Ack::from_json(&message.payload) {
                Ok(ack) if ack.box_id == own => return self.hear_watermark(client, ack.watermark, now),
                Ok(ack) => tracing::warn!("{}: names box {:?} and is passed over", message.topic, ack.box_id),
                Err(fault) => tracing::warn!("{}: {fault}; it is passed over", message.topic),
            }
        } else if message.topic == self.topics.backfill {
            match Backfill::from_json(&message.payload) {
                Ok(ask) if ask.box_id == own => {
                    let range = SeqRange { first: ask.from_seq, last: ask.to_seq };
                    if !self.delivery.asked(range, now) {
                        tracing::warn!(
                            "too many requests for records wait; {range:?} has to be asked for again"
                        );
                    }
                }
                Ok(ask) => tracing::warn!("{}: names box {:?} and is passed over", message.topic, ask.box_id),
                Err(fault) => tracing::warn!("{}: {fault}; it is passed over", message.topic),
            }
        }
        Ok(())
    }

    fn hear_watermark(&mut self, client: &AsyncClient, watermark: u64, now: Duration) -> Result<(), Trouble> {
        let before = self.delivery.watermark();
        match self.delivery.heard(watermark, now) {
            Heard::TooMuch => {
                self.receiver_is(Some(format!(
                    "head office confirms record {watermark}, which this box never sent; was its outbox lost, or does \
                     another box use its id?"
                )));
                return Ok(());
            }
            Heard::Less => tracing::warn!(
                "head office has less than before ({watermark}, it had {before}): what is still held is sent again"
            ),
            Heard::More | Heard::Nothing => {}
        }
        self.receiver_is(None);
        self.note_watermark(client)
    }

    fn receiver_is(&self, problem: Option<String>) {
        let mut status = locked(&self.status);
        if status.unconfirmed != problem {
            if let Some(problem) = &problem {
                tracing::warn!("{problem}");
            }
            status.unconfirmed = problem;
        }
    }

    /// Has the outbox know what is confirmed, and others that all is.
    fn note_watermark(&mut self, client: &AsyncClient) -> Result<(), Trouble> {
        let watermark = self.delivery.watermark();
        if watermark == self.confirmed {
            return Ok(());
        }
        locked(&self.status).delivered += watermark.saturating_sub(self.confirmed);
        self.outbox.confirm(watermark)?;
        self.confirmed = watermark;
        let is_all = self.delivery.is_delivered() && self.delivery.is_confirmed();
        if is_all && self.farewell == Farewell::NotYet {
            self.tell_state(client, BoxStatus::Online)?;
        }
        Ok(())
    }

    fn heed_orders(&mut self, client: &AsyncClient) -> Result<(), Trouble> {
        let stop_within = self.orders.borrow_and_update().stop_within;
        match stop_within {
            Some(within) if self.farewell == Farewell::NotYet => {
                let now = self.clock.now().elapsed;
                self.farewell = Farewell::Records { until: now + within / 4 * 3, end: now + within / 8 * 7 };
                self.delivery.begin_round();
                self.pump(client)
            }
            Some(_) => Ok(()),
            None => self.tell_state(client, BoxStatus::Online),
        }
    }

    /// Hands over all that may go now, and goes on with a stop.
    fn pump(&mut self, client: &AsyncClient) -> Result<(), Trouble> {
        let now = self.clock.now();
        if !self.has_outbox && self.outbox.is_open()? {
            return Err(Trouble::with_outbox(&self.settings.mqtt));
        }
        if self.delivery.is_overdue(now.elapsed) {
            return Err(Trouble::silent(&self.settings.mqtt));
        }
        while let Some(wanted) = self.delivery.wanted(now.elapsed) {
            let Ok(found) = self.outbox.records(wanted.after, self.delivery.limits().most_records) else {
                // The outbox's thread has said why.
                self.delivery.end_round(now.elapsed);
                break;
            };
            let sizes = found.rows.iter().map(|row| (row.seq, row.body.get().len()));
            let count = self.delivery.hand_out(wanted, sizes, now.elapsed);
            if count == 0 {
                continue;
            }
            let records = found.rows[..count].iter().map(|row| &*row.body).collect();
            let batch = Batch { kept_from: found.kept_from, ..self.batch(records, wanted.lane, now.wall) };
            let payload = batch.to_gzip().map_err(|fault| Trouble::ours(&fault))?;
            publish(client, &self.topics.records, Promise::Confirmed, payload)?;
        }
        if self.delivery.is_unheard() && locked(&self.status).unconfirmed.is_none() {
            self.receiver_is(Some(
                "the broker takes every record and head office confirms none; see that it runs and knows this box, or set \
                 confirmed_by = \"broker\" where there is none"
                    .to_owned(),
            ));
        }
        self.note_watermark(client)?;
        self.go_on_stopping(client, now.elapsed)
    }

    fn go_on_stopping(&mut self, client: &AsyncClient, now: Duration) -> Result<(), Trouble> {
        if let Farewell::Records { until, end } = self.farewell
            && (self.delivery.is_delivered() || until <= now)
        {
            self.online_since = self.clock.now().wall;
            self.tell_state(client, BoxStatus::Stopped)?;
            self.farewell = Farewell::State { end };
        }
        if let Farewell::State { end } = self.farewell
            && (self.delivery.is_quiet() || end <= now)
        {
            client.try_disconnect().map_err(|fault| Trouble::ours(&fault))?;
            self.farewell = Farewell::Bye;
        }
        Ok(())
    }

    fn batch<'a>(&self, records: Vec<&'a RawValue>, lane: Lane, now: WallTime) -> Batch<&'a RawValue> {
        let names = &self.settings.names;
        Batch {
            v: V1,
            tenant: names.tenant.to_string(),
            store: names.store.to_string(),
            box_id: names.box_id.to_string(),
            sent_ms: now.unix_ms(),
            kept_from: None,
            late: lane.is_late(),
            records,
        }
    }

    /// Publishes the box's state where it differs from what was told.
    fn tell_state(&mut self, client: &AsyncClient, status: BoxStatus) -> Result<(), Trouble> {
        let report = self.orders.borrow().report.clone();
        let outbox = self.outbox.counts().ok();
        let outbox =
            outbox.map(|counts| OutboxState { waiting: counts.waiting, in_memory: counts.in_memory });
        let state = State {
            v: V1,
            state: status,
            since_ms: self.online_since.unix_ms(),
            software: self.settings.software.clone(),
            clock_ok: report.clock_ok,
            cameras: report.cameras,
            outbox,
            problems: report.problems,
            audit: report.audit,
        };
        if self.told.as_ref() == Some(&state) {
            return Ok(());
        }
        self.delivery.handed_over(Promise::Confirmed);
        let payload = json(&state);
        self.told = Some(state);
        let sent = client.try_publish(&self.topics.state, QoS::AtLeastOnce, true, payload);
        sent.map_err(|fault| Trouble::ours(&fault))
    }

    fn send_live(&mut self, client: &AsyncClient, live: Live) -> Result<(), Trouble> {
        if self.delivery.queued() >= CLIENT_QUEUE / 2 {
            locked(&self.status).discarded += 1;
            return Ok(());
        }
        self.delivery.handed_over(Promise::None);
        publish(client, &self.topics.live, Promise::None, json(&LiveMessage { v: V1, live }))
    }

    /// Time until something is to be done though nothing happens.
    fn until_wake(&self) -> Duration {
        let farewell = match self.farewell {
            Farewell::Records { until, .. } => Some(until),
            Farewell::State { end } => Some(end),
            Farewell::NotYet | Farewell::Bye => None,
        };
        let at = self.delivery.wake_at().into_iter().chain(farewell).min();
        at.map_or(KEEP_ALIVE, |at| at.saturating_sub(self.clock.now().elapsed))
    }

    /// Says once what is wrong, until that changes.
    fn report_trouble(&self, trouble: Trouble, wait: Duration) {
        let mut status = locked(&self.status);
        if let Link::Down { problem } = &status.link
            && is_same_but_for_numbers(problem, &trouble.text)
        {
            return;
        }
        tracing::warn!("{}; records wait in the outbox, the next attempt is in {wait:.0?}", trouble.text);
        status.link = Link::Down { problem: trouble.text };
    }

    fn options(&self) -> MqttOptions {
        let box_id = self.settings.names.box_id.as_str();
        let mut options = client_options(box_id, &self.settings.mqtt, self.transport.clone());
        let will = State {
            v: V1,
            state: BoxStatus::Offline,
            since_ms: self.clock.now().wall.unix_ms(),
            software: self.settings.software.clone(),
            clock_ok: None,
            cameras: Vec::new(),
            outbox: None,
            problems: Vec::new(),
            audit: Vec::new(),
        };
        options.set_max_packet_size(MOST_BYTES_IN, MOST_BYTES_OUT).set_last_will(LastWill::new(
            &self.topics.state,
            json(&will),
            QoS::AtLeastOnce,
            true,
        ));
        options
    }
}

/// Options for a client that only listens to the broker that the box publishes to, under an id of its own.
///
/// # Errors
/// [`PublishError`] names the certificate or key that cannot be used.
pub(crate) fn listener_options(client_id: &str, mqtt: &MqttSettings) -> Result<MqttOptions, PublishError> {
    let mut options = client_options(client_id, mqtt, transport(mqtt)?);
    // A batch that another version of the box sends may be larger than ours.
    let largest = usize::try_from(MAX_BATCH_BYTES).unwrap_or(usize::MAX);
    options.set_max_packet_size(largest, MOST_BYTES_IN);
    Ok(options)
}

/// Options for a client that takes what others tell the box: the broker keeps its session, and each message until it
/// is confirmed by hand.
///
/// # Errors
/// [`PublishError`] names the certificate or key that cannot be used.
pub(crate) fn feed_options(client_id: &str, mqtt: &MqttSettings) -> Result<MqttOptions, PublishError> {
    let mut options = listener_options(client_id, mqtt)?;
    options.set_clean_session(false).set_manual_acks(true);
    Ok(options)
}

/// Options for the fleet's client: as for a feed, and larger messages out.
///
/// # Errors
/// [`PublishError`] names the certificate or key that cannot be used.
pub(crate) fn fleet_options(client_id: &str, mqtt: &MqttSettings) -> Result<MqttOptions, PublishError> {
    let mut options = feed_options(client_id, mqtt)?;
    // A larger message comes in and is left out, as a connection that breaks off would get it again and again.
    let largest = usize::try_from(MAX_BATCH_BYTES).unwrap_or(usize::MAX);
    options.set_max_packet_size(largest, MOST_BYTES_OUT);
    Ok(options)
}

/// Why no connection came about, in words that an installer can act on; never with the password.
pub(crate) fn why_not_connected(fault: &ConnectionError, mqtt: &MqttSettings) -> String {
    Trouble::connecting(fault, mqtt).text
}

/// Why a connection ended.
pub(crate) fn why_lost(fault: &ConnectionError, mqtt: &MqttSettings) -> String {
    Trouble::connected(fault, mqtt).text
}

fn transport(mqtt: &MqttSettings) -> Result<Transport, PublishError> {
    Ok(match &mqtt.tls {
        Some(files) => Transport::tls_with_config(tls::client_config(files)?.into()),
        None => Transport::tcp(),
    })
}

/// What every client of the broker needs: where it is, and who asks.
fn client_options(client_id: &str, mqtt: &MqttSettings, transport: Transport) -> MqttOptions {
    let mut options = MqttOptions::new(client_id, address(&mqtt.host), mqtt.port);
    options.set_transport(transport).set_keep_alive(KEEP_ALIVE).set_clean_session(true);
    if let Some(login) = &mqtt.login {
        options.set_credentials(&login.user, &login.password);
    }
    options
}

/// `rumqttc` puts host and port together with a colon, which an IPv6 address needs brackets for.
fn address(host: &str) -> String {
    match host.parse::<std::net::Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => host.to_owned(),
    }
}

fn json(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("a message holds only texts, finite numbers and lists of them")
}

fn publish(client: &AsyncClient, topic: &str, promise: Promise, payload: Vec<u8>) -> Result<(), Trouble> {
    let qos = match promise {
        Promise::Confirmed => QoS::AtLeastOnce,
        Promise::None => QoS::AtMostOnce,
    };
    client.try_publish(topic, qos, false, payload).map_err(|fault| Trouble::ours(&fault))
}

/// Returns when a stop is ordered or the handle is gone.
async fn stop_ordered(orders: &mut watch::Receiver<Orders>) {
    // An error says that the handle is gone.
    if orders.wait_for(|orders| orders.stop_within.is_some()).await.is_err() {
        tracing::debug!("the publisher's handle was dropped");
    }
}
