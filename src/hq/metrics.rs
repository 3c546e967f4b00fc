//! What the service says of itself to Prometheus, as text in the OpenMetrics format.
//!
//! Two kinds of figures: those that parts of the service count as they work ([`Metrics`]), and those that are looked up when somebody
//! asks ([`Standing`]), so that a restart forgets none of them. Store, box and account never become labels: a chain has hundreds of
//! them, and what they did is asked of the API, by whoever may read it.

use super::store::{Store, StoreError, metrics as rows};
use crate::time::WallTime;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// What `content-type` says of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// A box that sent nothing for longer is not online, whatever its last state says.
const ONLINE: Duration = Duration::from_secs(5 * 60);

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Fate {
    /// It is stored.
    Taken,
    /// It was here before.
    Duplicate,
    /// It cannot be read, and was put aside.
    Aside,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRecord {
    fate: Fate,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRequest {
    /// `2xx` to `5xx`.
    status: &'static str,
}

/// What the parts of the service count. Shared; counting waits for nobody.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    records: Family<OfRecord, Counter>,
    requests: Family<OfRequest, Counter>,
}

/// What is looked up when somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Standing {
    /// Boxes in the register.
    pub boxes: u64,
    /// Of them, those of which something came within the last five minutes.
    pub online: u64,
    /// The largest age that the last record of an online box had when it arrived, ms.
    pub lag_ms: u64,
    /// Records that are missing and may still come.
    pub missing: u64,
    /// Records that never come.
    pub lost: u64,
    /// Messages and rows that were put aside and are still kept.
    pub aside: u64,
    /// Alerts that are open.
    pub alerts: u64,
    /// Messages that wait for webhooks.
    pub webhooks_waiting: u64,
    /// Bytes of the database, without its write-ahead log.
    pub database_bytes: u64,
}

impl Metrics {
    /// Counts records.
    pub fn records(&self, fate: Fate, count: u64) {
        self.records.get_or_create(&OfRecord { fate }).inc_by(count);
    }

    /// Counts a request by the status of its answer.
    pub fn request(&self, status: u16) {
        let status = match status {
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            500..600 => "5xx",
            _ => "other",
        };
        self.requests.get_or_create(&OfRequest { status }).inc();
    }

    /// All figures as text.
    #[must_use]
    pub fn text(&self, standing: &Standing) -> String {
        let mut registry = Registry::with_prefix("footfall_hq");
        registry.register("records", "Records of boxes, by what became of them", self.records.clone());
        registry.register("http_requests", "Requests, by the status of their answer", self.requests.clone());
        let gauge = |value: u64| {
            let gauge = Gauge::<u64, AtomicU64>::default();
            gauge.set(value);
            gauge
        };
        let Standing { boxes, online, missing, lost, aside, alerts, webhooks_waiting, .. } = *standing;
        registry.register("boxes", "Boxes in the register", gauge(boxes));
        registry.register("boxes_online", "Boxes of which something came within 5 minutes", gauge(online));
        registry.register("records_missing", "Records that may still come", gauge(missing));
        registry.register("records_lost", "Records that never come", gauge(lost));
        registry.register("aside", "Messages and rows put aside and kept", gauge(aside));
        registry.register("alerts_open", "Alerts that are open", gauge(alerts));
        registry.register("webhooks_waiting", "Messages that wait for webhooks", gauge(webhooks_waiting));
        let lag = Gauge::<f64, AtomicU64>::default();
        lag.set(standing.lag_ms as f64 / 1000.0);
        let help = "Largest age that the last record of an online box had when it arrived";
        registry.register_with_unit("lag", help, Unit::Seconds, lag);
        let size = gauge(standing.database_bytes);
        registry.register_with_unit("database", "Size of the database", Unit::Bytes, size);
        let mut text = String::new();
        encode(&mut text, &registry).expect("a string takes what is written");
        text
    }
}

impl Standing {
    /// Looks everything up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn of(store: &Store, now: WallTime) -> Result<Self, StoreError> {
        store.read(|ask| rows::standing(ask, now - ONLINE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_and_what_is_there_are_told_with_their_units() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("hq.sqlite")).unwrap();
        let now = WallTime::from_unix_ms(1_795_348_800_000);
        let register = "[[tenant]]\nid = \"acme\"\ntitle = \"A\"\n[[store]]\nid = \"a\"\ntitle = \"A\"\ncurrency = \"EUR\"\n\
                        time_zone = \"UTC\"\nbox = [{ id = \"one\" }, { id = \"two\" }]\n";
        super::super::register::apply(register, &store, now).unwrap();
        store
            .write::<_, StoreError>(|all| {
                Ok(all.execute_batch(
                    "UPDATE box SET last_record_ms = 1795348790000, lag_ms = 1500, watermark = 7, highest = 12 WHERE name = 'one';
                     INSERT INTO received VALUES (1, 1, 7), (1, 10, 12);
                     INSERT INTO lost VALUES (1, 20, 24, 'gap', 1);",
                )?)
            })
            .unwrap();
        let metrics = Metrics::default();
        metrics.records(Fate::Taken, 10);
        metrics.records(Fate::Duplicate, 2);
        metrics.request(204);
        metrics.request(503);
        let text = metrics.text(&Standing::of(&store, now).unwrap());
        for line in [
            "footfall_hq_records_total{fate=\"Taken\"} 10",
            "footfall_hq_records_total{fate=\"Duplicate\"} 2",
            "footfall_hq_http_requests_total{status=\"5xx\"} 1",
            "footfall_hq_boxes 2",
            "footfall_hq_boxes_online 1",
            "footfall_hq_lag_seconds 1.5",
            "footfall_hq_records_missing 2",
            "footfall_hq_records_lost 5",
            "# UNIT footfall_hq_database_bytes bytes",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
