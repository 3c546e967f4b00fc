//! The stores as they are now, out of what their boxes say about once a second.
//!
//! What is not obvious: a store may have several boxes, and each says only what it sees. Doors are put together; people, visitors and
//! what the till sold come from the box that keeps the store as a whole.

use crate::hq::ingest::LiveNow;
use crate::wire::v1::Now;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A box that has said nothing for so long is left out.
const FORGOTTEN_AFTER_MS: i64 = 60_000;
/// Stores that are kept in mind; more send only their doors as each box says them.
const MOST_STORES: usize = 10_000;

/// A store as it is now: no promise.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LiveStore {
    /// The chain.
    pub tenant: String,
    /// The store.
    pub store: String,
    /// The newest of what is in it, UTC ms.
    pub at_ms: i64,
    /// In the store.
    pub people: Option<u32>,
    /// Since the business day began.
    pub visitors: Option<u64>,
    /// Since then.
    pub transactions: Option<u64>,
    /// Since then.
    pub conversion: Option<f64>,
    /// Who went through which door since the box started.
    pub doors: Vec<LiveDoor>,
}

/// A line, since its box started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LiveDoor {
    /// The box.
    #[serde(rename = "box")]
    pub box_name: String,
    /// Its camera.
    pub camera: String,
    /// The camera's line.
    pub line: String,
    /// Into the store.
    #[serde(rename = "in")]
    pub entries: u64,
    /// Out of it.
    #[serde(rename = "out")]
    pub exits: u64,
}

/// What the boxes said last.
#[derive(Debug, Default)]
pub struct LiveStores {
    by_store: BTreeMap<(String, String), BTreeMap<String, Now>>,
}

impl LiveStores {
    /// Takes what a box says, and gives its store.
    pub fn take(&mut self, said: LiveNow) -> LiveStore {
        let LiveNow { tenant, store, box_name, now } = said;
        let at_ms = now.at_ms;
        let key = (tenant, store);
        if self.by_store.len() >= MOST_STORES && !self.by_store.contains_key(&key) {
            self.by_store.clear();
        }
        let (tenant, store) = key.clone();
        let boxes = self.by_store.entry(key).or_default();
        boxes.insert(box_name, now);
        boxes.retain(|_, now| now.at_ms.abs_diff(at_ms) <= FORGOTTEN_AFTER_MS as u64);
        let whole = boxes.values().filter_map(|now| now.store.as_ref()).next();
        let doors = boxes.iter().flat_map(|(name, now)| doors(name, now)).collect();
        LiveStore {
            tenant,
            store,
            at_ms,
            people: whole.and_then(|whole| whole.people),
            visitors: whole.map(|whole| whole.visitors),
            transactions: whole.and_then(|whole| whole.transactions),
            conversion: whole.and_then(|whole| whole.conversion),
            doors,
        }
    }
}

fn doors(box_name: &str, now: &Now) -> Vec<LiveDoor> {
    let of_camera = now.cameras.iter().flat_map(|camera| {
        camera.lines.iter().map(|line| LiveDoor {
            box_name: box_name.to_owned(),
            camera: camera.camera.clone(),
            line: line.line.clone(),
            entries: line.entries,
            exits: line.exits,
        })
    });
    of_camera.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(box_name: &str, at_ms: i64, more: &str) -> LiveNow {
        let json = format!(
            r#"{{"at_ms":{at_ms},"since_ms":0,"cameras":[{{"camera":"door","state":"up","fps":10.0,
               "lines":[{{"line":"entrance","in":3,"out":1}}]}}]{more}}}"#
        );
        LiveNow {
            tenant: "acme".to_owned(),
            store: "berlin-1".to_owned(),
            box_name: box_name.to_owned(),
            now: serde_json::from_str(&json).unwrap(),
        }
    }

    #[test]
    fn two_boxes_of_a_store_are_one_store_with_the_doors_of_both() {
        let mut stores = LiveStores::default();
        let whole = r#","store":{"business_day":"2026-11-20","people":4,"entries":9,"visitors":8,"decimals":2,"aside":0}"#;
        stores.take(said("a", 1_000, whole));
        let now = stores.take(said("b", 2_000, ""));
        assert_eq!((now.at_ms, now.people, now.visitors), (2_000, Some(4), Some(8)));
        assert_eq!(now.doors.len(), 2);
    }

    #[test]
    fn a_box_that_has_gone_silent_is_left_out() {
        let mut stores = LiveStores::default();
        stores.take(said("a", 1_000, ""));
        let now = stores.take(said("b", 100_000, ""));
        assert_eq!(now.doors.iter().map(|door| door.box_name.as_str()).collect::<Vec<_>>(), ["b"]);
    }
}
