//! Sends what is due: one message of each hook at a time, so that a hook's order holds and a slow one holds up no other.

use super::{Due, Outcome, Private, SIGNATURE_HEADER, Target, again, rows, signature};
use crate::hq::store::{Store, StoreError};
use crate::time::{Clock, WallTime};
use reqwest::redirect::Policy;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long a receiver may take for everything.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked for what is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Whatever sends webhooks.
#[derive(Clone)]
pub struct Sender {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    private: Private,
    patience: Duration,
}

impl Sender {
    /// Over this database.
    #[must_use]
    pub fn new(store: Arc<Store>, clock: Arc<dyn Clock>, private: Private) -> Self {
        Self { store, clock, private, patience: PATIENCE }
    }

    /// The same with another patience, for receivers that are known.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Sends until `stop` says true, or its other end is gone.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            if let Err(fault) = self.step().await {
                tracing::warn!("webhooks wait: {fault}");
            }
            tokio::select! {
                changed = stop.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Tries what is due once, each hook beside the others; how many were tried.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read what is due. What was tried and could not be noted is tried again.
    pub async fn step(&self) -> Result<usize, StoreError> {
        let now = self.clock.now().wall;
        let due = self.at_store(move |store| store.read(|ask| rows::due(ask, now))).await?;
        let tried = due.len();
        let mut sending = JoinSet::new();
        for due in due {
            let sender = self.clone();
            sending.spawn(async move {
                let answer = sender.send(&due).await;
                sender.settle(due, answer).await
            });
        }
        while let Some(settled) = sending.join_next().await {
            // A task that panicked has noted nothing, so its message is tried again.
            if let Ok(Err(fault)) = settled {
                tracing::warn!("what a webhook answered cannot be noted: {fault}");
            }
        }
        Ok(tried)
    }

    async fn at_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.store);
        let worked = tokio::task::spawn_blocking(move || work(&store)).await;
        worked.expect("reading and writing the database panics nowhere")
    }

    async fn settle(&self, due: Due, answer: Result<u16, String>) -> Result<(), StoreError> {
        let now = self.clock.now().wall;
        let (outcome, words) = judged(&due, answer, now);
        if outcome == Outcome::GivenUp {
            tracing::warn!("webhook {}: a message is given up after a day: {words}", due.webhook_id);
        }
        self.at_store(move |store| store.write(|all| Ok(rows::settle(all, &due, (outcome, &words), now)?)))
            .await
    }

    /// One POST; the status, or why there is none, without the address.
    async fn send(&self, due: &Due) -> Result<u16, String> {
        let target = Target::parse(&due.url, self.private).map_err(|fault| fault.to_string())?;
        let resolved = tokio::time::timeout(self.patience, resolve(&target)).await;
        let addresses = resolved.unwrap_or_else(|_late| Err("its host is not found in time".to_owned()))?;
        target.allowed(&addresses).map_err(|fault| fault.to_string())?;
        let at = self.clock.now().wall;
        let client = self.client(&target, &addresses).map_err(|fault| bare(fault).to_string())?;
        let request = client
            .post(target.url.clone())
            .header("content-type", "application/json")
            .header(SIGNATURE_HEADER, signature(&due.secret, at, &due.body))
            .body(due.body.clone());
        // What it answers beside the status is not read, so that nobody can make it large.
        let answer = request.send().await.map_err(|fault| words_of(&fault))?;
        Ok(answer.status().as_u16())
    }

    /// A client that goes to the addresses that were checked, through no proxy, and nowhere else.
    fn client(&self, target: &Target, addresses: &[SocketAddr]) -> Result<reqwest::Client, reqwest::Error> {
        reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(self.patience)
            .user_agent(concat!("footfall-hq/", env!("CARGO_PKG_VERSION")))
            .resolve_to_addrs(&target.host, addresses)
            .build()
    }
}

async fn resolve(target: &Target) -> Result<Vec<SocketAddr>, String> {
    let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await;
    found.map(Iterator::collect).map_err(|fault| format!("its host is not found: {fault}"))
}

fn judged(due: &Due, answer: Result<u16, String>, now: WallTime) -> (Outcome, String) {
    let again = || again(due.created, due.tries, now).map_or(Outcome::GivenUp, Outcome::Again);
    match answer {
        Ok(status @ 200..300) => (Outcome::Delivered, status.to_string()),
        // 410 Gone: the receiver says that it wants this no more.
        Ok(410) => (Outcome::GivenUp, "410".to_owned()),
        Ok(status @ 300..400) => (again(), format!("{status}: a redirect, which is not followed")),
        Ok(status) => (again(), status.to_string()),
        Err(words) => (again(), words.chars().take(200).collect()),
    }
}

fn words_of(fault: &reqwest::Error) -> String {
    if fault.is_timeout() {
        return "no answer in time".to_owned();
    }
    if fault.is_connect() { "cannot connect".to_owned() } else { "no answer that is understood".to_owned() }
}

/// Without the address, which may hold a token.
fn bare(fault: reqwest::Error) -> reqwest::Error {
    fault.without_url()
}
