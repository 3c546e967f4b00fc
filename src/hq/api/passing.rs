//! Hands on what boxes say now to those who read `/api/v1/live`.

use super::{LiveNow, Service};
use crate::hq::ingest;
use crate::hq::report::live::LiveStores;
use crate::hq::store::access as rows;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// A store that was not in the register is looked for again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Passes on until there is nobody left who says anything; what comes while the database is slow is skipped, the newest counts.
pub async fn pass_on(service: Arc<Service>, mut said: Receiver<Arc<ingest::LiveNow>>) {
    let mut stores = LiveStores::default();
    let mut known: HashMap<(String, String), i64> = HashMap::new();
    let mut looked = service.clock.now().elapsed;
    loop {
        let now = match said.recv().await {
            Ok(now) => now,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let key = (now.tenant.clone(), now.store.clone());
        let elapsed = service.clock.now().elapsed;
        if !known.contains_key(&key) && (known.is_empty() || elapsed.saturating_sub(looked) > LOOK_AGAIN) {
            looked = elapsed;
            match service.ask(|store| store.read(rows::store_numbers)).await {
                Ok(found) => known = found.into_iter().collect(),
                Err(_) => continue,
            }
        }
        let live = stores.take(ingest::LiveNow::clone(&now));
        let Some(store_id) = known.get(&key) else { continue };
        let json = serde_json::to_string(&live).expect("numbers and texts are JSON");
        // Nobody reads at the moment: that is no fault.
        service.live.send(LiveNow { store_id: *store_id, json: json.into() }).ok();
    }
}
