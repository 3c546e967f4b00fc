//! The stores as they are now, by server-sent events.
//!
//! What is not obvious: rights may be taken away while somebody reads. Which stores are sent is looked up when a reader comes, and a stream ends
//! after some minutes; browsers then come again by themselves, and are asked anew who they are.

use super::caller::Caller;
use super::faults::{Fault, Faults};
use super::{LiveNow, Service};
use crate::hq::store::access as rows;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::{Stream, StreamExt as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How long a stream lasts.
const LASTS: Duration = Duration::from_secs(600);

/// A line goes out so often where nothing else does, so that proxies keep the connection.
const QUIET: Duration = Duration::from_secs(15);

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(live))
}

/// The stores as they are now: events `now`, each with a store as `LiveStore`; a slow reader misses some
#[utoipa::path(get, path = "/api/v1/live", tag = "live", responses((status = 200, body = String, content_type = "text/event-stream"), Faults))]
async fn live(
    State(service): State<Arc<Service>>,
    caller: Caller,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Fault> {
    let reader = Arc::clone(&service.live_readers).try_acquire_owned().map_err(|_full| Fault::busy())?;
    // Before the look-up, so that nothing falls between.
    let heard = BroadcastStream::new(service.live.subscribe());
    let scope = caller.readable();
    let stores = service.ask(move |store| store.read(|all| rows::stores(all, &scope))).await?;
    let readable: HashSet<i64> = stores.iter().map(|of| of.store_id).collect();
    let ends = service.now() + LASTS;
    let events = heard
        .take_while(move |_| {
            // Held for as long as somebody reads.
            let _reader = &reader;
            service.now() < ends
        })
        .filter_map(move |heard| event(heard.ok()?, &readable));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(QUIET)))
}

fn event(now: LiveNow, readable: &HashSet<i64>) -> Option<Result<Event, Infallible>> {
    // A line break would end the event's data early; JSON in one line has none.
    let is_one_line = !now.json.contains(['\n', '\r']);
    (readable.contains(&now.store_id) && is_one_line)
        .then(|| Ok(Event::default().event("now").data(&*now.json)))
}
