//! `footfall-hq serve`: the service.
//!
//! Threads are made here and nowhere else: one that listens to the broker, one that stores what it brings, those that answer requests, and the
//! main thread, which waits for a signal and meanwhile sees to what comes with time. They are stopped in the order in which data flows.

use super::cli::FileArgs;
use super::register::RegisterFile;
use crate::hq::access::SessionSpan;
use crate::hq::api::{self, PublicAddress, Service};
use crate::hq::config;
use crate::hq::settings::HqSettings;
use crate::hq::store::Store;
use crate::time::{Clock, SystemClock};
use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// How often the main thread looks whether there is something to do.
const LOOK_UP_EVERY: Duration = Duration::from_millis(100);
/// Answers that are on their way at a stop are waited for so long.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// Threads that answer. What waits for the disk is not done by them.
const ANSWERING: usize = 2;

/// Receives and shows until told to stop.
///
/// # Errors
/// What is missing at the start.
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
    let service = Arc::new(Service::new(Arc::clone(&store), Arc::clone(&clock), api_settings(&settings)));
    let pages = Pages::start(settings.http.listen, Arc::clone(&service))?;
    tracing::info!("head office is open at {}", settings.http.public_url);
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(LOOK_UP_EVERY);
    }
    tracing::info!("head office stops");
    pages.stop();
    Ok(())
}

fn api_settings(settings: &HqSettings) -> api::Settings {
    let public = match settings.http.public_url.strip_prefix("https://") {
        Some(_) => PublicAddress::Https(settings.http.public_url.clone()),
        None => PublicAddress::Loopback,
    };
    api::Settings { public, sessions: SessionSpan::default(), limits: Default::default() }
}

/// What answers requests.
struct Pages {
    thread: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Pages {
    fn start(listen: SocketAddr, service: Arc<Service>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen).with_context(|| {
            format!(
                "cannot listen on {listen}; is another footfall-hq running, or another http.listen needed?"
            )
        })?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(ANSWERING)
            .thread_name("answers")
            .enable_all()
            .build()
            .context("cannot start the threads that answer")?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = move || {
            let answering = runtime.block_on(api::serve(listener, service, async {
                // Told to stop, or there is nobody left who could tell.
                stopped.await.ok();
            }));
            if let Err(fault) = answering {
                tracing::error!(%fault, "requests are not answered any more");
            }
            runtime.shutdown_timeout(LAST_ANSWERS);
        };
        let thread = std::thread::Builder::new().name("pages".to_owned()).spawn(serve)?;
        Ok(Self { thread, stop })
    }

    fn stop(self) {
        // Where nobody listens any more it has stopped already.
        self.stop.send(()).ok();
        if self.thread.join().is_err() {
            tracing::error!("the thread that answers has failed");
        }
    }
}
