//! `footfall-hq serve`: the service.
//!
//! Threads are made here and nowhere else: two that take what the broker brings (`hq::mqtt`), those that answer requests and send
//! webhooks, and the main thread, which waits for a signal and meanwhile sees to what comes with time: the register, alerts, retention.
//! They are stopped in the order in which data flows.

use super::cli::FileArgs;
use super::register::RegisterFile;
use crate::app::exit::Failure;
use crate::hq::access::{self, Oidc, SessionSpan};
use crate::hq::alerts::Watch;
use crate::hq::api::limits::Limits;
use crate::hq::api::{self, PublicAddress, Service, passing};
use crate::hq::config;
use crate::hq::fleet::{Fleet, enrol, rollouts};
use crate::hq::ingest;
use crate::hq::ingest::intake::{FeedMessage, IntakeStatus, Receipt};
use crate::hq::metrics::Fate;
use crate::hq::mqtt::{self, HqIngest, RunningIngest};
use crate::hq::sales::{self, Feed, FeedError};
use crate::hq::settings::HqSettings;
use crate::hq::store::Store;
use crate::hq::store::retention::Retention;
use crate::hq::webhooks::{Private, Sender};
use crate::time::{Clock, SystemClock, WallTime};
use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{broadcast, watch};

/// How often the main thread looks whether there is something to do.
const LOOK_UP_EVERY: Duration = Duration::from_millis(100);
/// The register's file is looked at, and the figures of intake are noted, so often.
const REGISTER_EVERY: Duration = Duration::from_secs(5);
/// Certificates are signed and roll-outs go on so often.
const FLEET_EVERY: Duration = Duration::from_secs(1);
/// Alerts are worked out so often.
const ALERTS_EVERY: Duration = Duration::from_secs(60);
/// What is too old is looked for so often, and between two pieces of it others write.
const RETENTION_EVERY: Duration = Duration::from_secs(3600);
const BETWEEN_PIECES: Duration = Duration::from_millis(500);
/// Values of now that a slow reader may be behind before it misses some.
const LIVE_BEHIND: usize = 1024;
/// Threads that answer. What waits for the disk is not done by them.
const ANSWERING: usize = 2;

/// Receives and shows until told to stop.
///
/// # Errors
/// What is missing at the start, or a part that ended by itself.
pub(super) fn serve(args: &FileArgs) -> anyhow::Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("cannot listen for signals")?;
    }
    let settings = config::load(&args.config)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let store = Arc::new(Store::open(&settings.database)?);
    let mut register = RegisterFile::of(settings.register.clone());
    register.apply_if_changed(&store, clock.now().wall)?;
    let fleet = Arc::new(super::fleet::of(&settings)?);
    match fleet.packages.sweep() {
        Ok(0) => {}
        Ok(removed) => tracing::info!("{removed} packages that never came whole were removed"),
        Err(fault) => tracing::warn!(%fault, "what is left of packages stays"),
    }
    let service = Arc::new(service(&settings, &store, &clock)?.with_fleet(Arc::clone(&fleet)));
    let (said, hears) = broadcast::channel(LIVE_BEHIND);
    let answers = Answers::start(&settings, Arc::clone(&service), hears)?;
    let intake = start_intake(&settings, (&store, &fleet), &clock, said)?;
    tracing::info!("head office is open at {}", settings.http.public_url);
    let mut keeper = Keeper::new((service, fleet), register, settings.keep);
    let mut failed = Ok(());
    while !stop.load(Ordering::Relaxed) && failed.is_ok() {
        std::thread::sleep(LOOK_UP_EVERY);
        keeper.look(intake.as_ref().map(RunningIngest::status));
        failed = still_there(intake.as_ref(), &answers);
    }
    tracing::info!("head office stops");
    if let Some(intake) = intake {
        intake.stop();
    }
    answers.stop();
    failed
}

/// A service without one of its parts would look well and take nothing.
fn still_there(intake: Option<&RunningIngest>, answers: &Answers) -> anyhow::Result<()> {
    if intake.is_some_and(RunningIngest::is_finished) {
        return Err(Failure::Storage(
            "what boxes send is not stored any more: its thread has ended".to_owned(),
        )
        .into());
    }
    anyhow::ensure!(
        !answers.thread.is_finished(),
        "requests are not answered any more: their thread has ended"
    );
    Ok(())
}

fn service(settings: &HqSettings, store: &Arc<Store>, clock: &Arc<dyn Clock>) -> anyhow::Result<Service> {
    let public = match settings.http.public_url.strip_prefix("https://") {
        Some(_) => PublicAddress::Https(settings.http.public_url.clone()),
        None => PublicAddress::Loopback,
    };
    let limits = Limits { proxies: settings.http.trusted_proxies.clone(), ..Limits::default() };
    let of_api =
        api::Settings { public, sessions: SessionSpan::default(), limits, webhooks: settings.webhooks };
    let service = Service::new(Arc::clone(store), Arc::clone(clock), of_api);
    Ok(match &settings.oidc {
        None => service,
        Some(oidc) => {
            service.with_oidc(Arc::new(Oidc::new(oidc.clone()).context("there is no TLS on this machine")?))
        }
    })
}

fn start_intake(
    settings: &HqSettings,
    (store, fleet): (&Arc<Store>, &Arc<Fleet>),
    clock: &Arc<dyn Clock>,
    live: broadcast::Sender<Arc<ingest::LiveNow>>,
) -> anyhow::Result<Option<RunningIngest>> {
    let Some(broker) = &settings.broker else {
        tracing::info!("no broker is configured: only what comes over HTTP arrives");
        return Ok(None);
    };
    if let Some(problem) = broker.mqtt.unencrypted() {
        tracing::warn!("{problem}");
    }
    let of_feeds = Arc::clone(store);
    let on_feed = Box::new(move |message: FeedMessage<'_>| take_feed(&of_feeds, message));
    let (store, clock, fleet) = (Arc::clone(store), Arc::clone(clock), Arc::clone(fleet));
    let with = HqIngest { store, clock, live, on_feed, fleet };
    Ok(Some(mqtt::start(broker, with)?))
}

/// Sales, web orders and shifts that come over the broker.
fn take_feed(store: &Store, message: FeedMessage<'_>) -> Receipt {
    let Some(feed) = Feed::named(message.feed) else {
        return Receipt::Aside(format!("{:?} is no feed", message.feed));
    };
    match sales::take_message((message.tenant, feed), message.payload, store, message.received_at) {
        Ok(_) => Receipt::Taken,
        Err(FeedError::Store(fault)) if fault.is_transient() => {
            tracing::warn!(%fault, "a feed waits");
            Receipt::Later
        }
        Err(fault) => Receipt::Aside(fault.to_string()),
    }
}

/// What answers requests, passes on what is live, and sends webhooks.
struct Answers {
    thread: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Answers {
    fn start(
        settings: &HqSettings,
        service: Arc<Service>,
        hears: broadcast::Receiver<Arc<ingest::LiveNow>>,
    ) -> anyhow::Result<Self> {
        let listen = settings.http.listen;
        let listener = TcpListener::bind(listen).map_err(|fault| {
            Failure::Config(format!(
                "cannot listen on {listen} ({fault}); is another footfall-hq running, or another http.listen needed?"
            ))
        })?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(ANSWERING)
            .thread_name("answers")
            .enable_all()
            .build()
            .context("cannot start the threads that answer")?;
        let (stop, stopped) = watch::channel(false);
        let private = settings.webhooks;
        let serve = move || runtime.block_on(answer(listener, service, (hears, private), stopped));
        let thread = std::thread::Builder::new().name("pages".to_owned()).spawn(serve)?;
        Ok(Self { thread, stop })
    }

    fn stop(self) {
        // Where nobody listens any more it has stopped already.
        self.stop.send(true).ok();
        if self.thread.join().is_err() {
            tracing::error!("the thread that answers has failed");
        }
    }
}

async fn answer(
    listener: TcpListener,
    service: Arc<Service>,
    (hears, private): (broadcast::Receiver<Arc<ingest::LiveNow>>, Private),
    stopped: watch::Receiver<bool>,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(fault) => {
            tracing::error!(%fault, "requests cannot be answered");
            return;
        }
    };
    let hooks = Sender::new(Arc::clone(&service.store), Arc::clone(&service.clock), private);
    let sending = tokio::spawn(hooks.run(stopped.clone()));
    let passing = tokio::spawn(passing::pass_on(Arc::clone(&service), hears));
    let mut stopped = stopped;
    api::serve::serve(service, listener, async move {
        // Told to stop, or there is nobody left who could tell.
        stopped.wait_for(|stop| *stop).await.ok();
    })
    .await;
    passing.abort();
    sending.abort();
}

/// What comes with time.
struct Keeper {
    service: Arc<Service>,
    fleet: Arc<Fleet>,
    register: RegisterFile,
    keep: Retention,
    watch: Watch,
    noted: IntakeStatus,
    /// Since when the broker brings what boxes say; none: it does not.
    hears_since: Option<WallTime>,
    next_register: Duration,
    next_fleet: Duration,
    next_alerts: Duration,
    next_retention: Duration,
}

impl Keeper {
    fn new((service, fleet): (Arc<Service>, Arc<Fleet>), register: RegisterFile, keep: Retention) -> Self {
        Self {
            service,
            fleet,
            register,
            keep,
            watch: Watch::default(),
            noted: IntakeStatus::default(),
            hears_since: None,
            next_register: REGISTER_EVERY,
            next_fleet: Duration::ZERO,
            next_alerts: Duration::ZERO,
            // At once: one that is started again and again would let go of nothing.
            next_retention: Duration::ZERO,
        }
    }

    fn look(&mut self, status: Option<IntakeStatus>) {
        let now = self.service.clock.now();
        let store = &Arc::clone(&self.service.store);
        let is_heard = status.as_ref().is_none_or(|status| status.broker_problem.is_none());
        self.hears_since = is_heard.then(|| self.hears_since.unwrap_or(now.wall));
        if now.elapsed >= self.next_register {
            self.next_register = now.elapsed + REGISTER_EVERY;
            if let Err(fault) = self.register.apply_if_changed(store, now.wall) {
                tracing::error!("the register stays as it was: {fault:#}");
            }
            if let Some(status) = status {
                self.note(status);
            }
        }
        if now.elapsed >= self.next_fleet {
            self.next_fleet = now.elapsed + FLEET_EVERY;
            self.look_after_boxes(store, now.wall);
        }
        if now.elapsed >= self.next_alerts {
            self.next_alerts = now.elapsed + ALERTS_EVERY;
            match self.watch.step(store, now.wall) {
                Ok(looked) if looked.raised + looked.ended > 0 => {
                    tracing::info!("alerts: {} raised, {} ended", looked.raised, looked.ended);
                }
                Ok(_) => {}
                Err(fault) => tracing::error!(%fault, "alerts cannot be worked out"),
            }
        }
        if now.elapsed >= self.next_retention {
            self.next_retention = now.elapsed
                + match access::tidy(store, now.wall).and_then(|()| store.forget_piece(&self.keep, now.wall))
                {
                    Ok(0) => RETENTION_EVERY,
                    Ok(_) => BETWEEN_PIECES,
                    Err(fault) => {
                        tracing::error!(%fault, "what is too old cannot be let go of");
                        RETENTION_EVERY
                    }
                };
        }
    }

    /// Signs certificates that boxes asked for, and goes on with roll-outs.
    fn look_after_boxes(&self, store: &Store, now: WallTime) {
        match enrol::renew(&self.fleet, store, now) {
            Ok(0) => {}
            Ok(signed) => tracing::info!("{signed} certificates were renewed"),
            Err(fault) => tracing::error!(%fault, "certificates cannot be renewed"),
        }
        if let Err(fault) = rollouts::look(store, now, self.hears_since) {
            tracing::error!(%fault, "roll-outs stay where they are");
        }
    }

    /// Counts what came since the last look, and tells of trouble when it begins and ends.
    fn note(&mut self, status: IntakeStatus) {
        let metrics = &self.service.metrics;
        for (fate, before, now) in [
            (Fate::Taken, self.noted.records, status.records),
            (Fate::Duplicate, self.noted.duplicates, status.duplicates),
            (Fate::Aside, self.noted.aside, status.aside),
        ] {
            metrics.records(fate, now.saturating_sub(before));
        }
        self.noted = status;
    }
}
