//! The box's figures for Prometheus, as text in the OpenMetrics format.
//!
//! The same figures that go out as `health`, in base units. Labels are the cameras of the config file and words that stand in
//! the code, so that there are never more lines than the box has cameras for; what is not known has no line.

use crate::health::Condition;
use crate::wire::v1::CameraStatus;
use crate::wire::v1::fleet::{CameraHealth, Health};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

/// What `content-type` says of [`text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const STATES: [(CameraStatus, &str); 3] =
    [(CameraStatus::Up, "up"), (CameraStatus::Down, "down"), (CameraStatus::Connecting, "connecting")];

/// What `health` does not say and somebody at the machine wants to know.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Beside {
    /// Whether the broker is reached; none: there is none.
    pub is_connected: Option<bool>,
    /// Records that were confirmed, since the start.
    pub delivered: u64,
    /// What a person should look at.
    pub problems: u64,
    /// Files and connections that are open.
    pub open_files: Option<u64>,
    /// Frames counted with since the start, in the order of the cameras.
    pub frames: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCamera {
    camera: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    camera: String,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InCondition {
    camera: String,
    condition: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Quantile {
    camera: String,
    quantile: &'static str,
}

type Figure = Gauge<f64, AtomicU64>;
type Count = Gauge<u64, AtomicU64>;
/// Counters whose sums are kept elsewhere.
type Total = prometheus_client::metrics::counter::Counter<u64, AtomicU64>;

/// All figures as text.
#[must_use]
pub fn text(health: &Health, beside: &Beside) -> String {
    let mut all = Registry::with_prefix("footfall");
    service(&mut all, health, beside);
    machine(&mut all, health);
    cameras(&mut all, health, beside);
    // Under the names that every process of a shop's machines has them.
    let mut process = Registry::with_prefix("process");
    let seconds = health.since_ms as f64 / 1000.0;
    process.register_with_unit("start_time", "When the service started", Unit::Seconds, figure(seconds));
    if let Some(bytes) = health.memory_used {
        process.register_with_unit("resident_memory", "Memory of the service", Unit::Bytes, whole(bytes));
    }
    if let Some(files) = beside.open_files {
        process.register("open_fds", "Files and connections that the service has open", whole(files));
    }
    let mut text = String::new();
    encode(&mut text, &process).expect("a string takes what is written");
    // Both parts make one text, which ends once.
    let end = text.trim_end_matches("# EOF\n").len();
    text.truncate(end);
    encode(&mut text, &all).expect("a string takes what is written");
    text
}

fn service(all: &mut Registry, health: &Health, beside: &Beside) {
    let about = vec![("software", health.software.clone()), ("arch", health.arch.clone())];
    all.register("build", "What runs here", Info::new(about));
    let clock = "1 where the clock is known to be right";
    all.register("clock_ok", clock, whole(u64::from(health.clock_ok)));
    all.register(
        "config_version",
        "Version of the settings from head office in force; 0: the box's own file",
        whole(health.config),
    );
    all.register("problems", "What a person should look at", whole(beside.problems));
    if let Some(is_connected) = beside.is_connected {
        all.register("broker_connected", "1 where the broker is reached", whole(u64::from(is_connected)));
    }
    all.register("records_waiting", "Records that nobody has confirmed", whole(health.waiting));
    if let Some(behind_s) = health.behind_s {
        all.register_with_unit(
            "records_behind",
            "Age of the oldest of them",
            Unit::Seconds,
            figure(behind_s),
        );
    }
    all.register("records_delivered", "Records that were confirmed", ConstCounter::new(beside.delivered));
    all.register("live_discarded", "Live messages that were discarded", ConstCounter::new(health.discarded));
    if let Some(until_ms) = health.certificate_until_ms {
        let help = "When the box's certificate runs out, since 1970";
        all.register_with_unit("certificate_expiry", help, Unit::Seconds, figure(until_ms as f64 / 1000.0));
    }
}

fn machine(all: &mut Registry, health: &Health) {
    if let Some(celsius) = health.temperature_c {
        all.register_with_unit("temperature", "The hottest sensor", Unit::Celsius, figure(celsius));
    }
    let bytes = [
        ("disk_free", "Free on the disk of the outbox", health.disk_free),
        ("disk_size", "Size of that disk", health.disk_size),
        ("memory_available", "Memory of the machine that is available", health.memory_free),
        ("memory_size", "Memory of the machine", health.memory_size),
    ];
    for (name, help, bytes) in bytes {
        if let Some(bytes) = bytes {
            all.register_with_unit(name, help, Unit::Bytes, whole(bytes));
        }
    }
    if let Some(load) = health.load {
        all.register("load_1m", "Processes that run or want to, over one minute", figure(load));
    }
}

fn cameras(all: &mut Registry, health: &Health, beside: &Beside) {
    let fps = Family::<OfCamera, Figure>::default();
    let (frames, dropped) = (Family::<OfCamera, Total>::default(), Family::<OfCamera, Total>::default());
    let inference = Family::<Quantile, Figure>::default();
    let states = Family::<InState, Count>::default();
    let conditions = Family::<InCondition, Count>::default();
    let counted = beside.frames.iter().copied().chain(std::iter::repeat(0));
    for (one, counted) in health.cameras.iter().zip(counted) {
        let camera = || one.camera.clone();
        fps.get_or_create(&OfCamera { camera: camera() }).set(one.fps);
        frames.get_or_create(&OfCamera { camera: camera() }).inc_by(counted);
        dropped.get_or_create(&OfCamera { camera: camera() }).inc_by(one.dropped);
        for (quantile, ms) in quantiles(one) {
            inference.get_or_create(&Quantile { camera: camera(), quantile }).set(ms / 1000.0);
        }
        for (state, name) in STATES {
            states
                .get_or_create(&InState { camera: camera(), state: name })
                .set(u64::from(one.state == state));
        }
        for condition in Condition::ALL {
            let is_so = one.conditions.iter().any(|told| told == condition.name());
            let label = InCondition { camera: camera(), condition: condition.name() };
            conditions.get_or_create(&label).set(u64::from(is_so));
        }
    }
    all.register("camera_frames_per_second", "Frames looked at a second, over the last minute", fps);
    all.register("camera_frames", "Frames that were counted with", frames);
    all.register("camera_frames_dropped", "Frames that arrived and were passed over", dropped);
    let help = "Time to find people in a frame, over the last minute";
    all.register_with_unit("camera_inference", help, Unit::Seconds, inference);
    all.register("camera_state", "1 for the state that the camera is in", states);
    all.register("camera_condition", "1 for what is wrong with the camera's pictures", conditions);
}

fn quantiles(camera: &CameraHealth) -> impl Iterator<Item = (&'static str, f64)> {
    let all = [("0.5", camera.inference_ms), ("0.95", camera.inference_p95_ms)];
    all.into_iter().filter_map(|(name, ms)| Some((name, ms?)))
}

fn figure(value: f64) -> ConstGauge<f64> {
    ConstGauge::new(value)
}

/// The format knows signed numbers; nothing that is counted here comes near their end.
fn whole(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::v1::V1;

    fn camera(name: &str) -> CameraHealth {
        CameraHealth {
            camera: name.to_owned(),
            state: CameraStatus::Up,
            fps: 9.75,
            inference_ms: Some(28.0),
            inference_p95_ms: Some(41.5),
            dropped: 3,
            conditions: vec!["moved".to_owned()],
        }
    }

    fn health() -> Health {
        Health {
            v: V1,
            at_ms: 1_795_348_860_000,
            since_ms: 1_795_348_800_000,
            software: "footfall 0.1.0".to_owned(),
            os: None,
            arch: "x86_64".to_owned(),
            clock_ok: true,
            temperature_c: Some(51.5),
            disk_free: Some(1_000_000),
            disk_size: Some(2_000_000),
            memory_free: Some(3_000_000),
            memory_size: Some(4_000_000),
            memory_used: Some(500_000),
            load: Some(0.5),
            cameras: vec![camera("door"), camera("till")],
            waiting: 12,
            behind_s: Some(61.5),
            discarded: 7,
            config: 3,
            certificate_until_ms: Some(1_800_000_000_000),
        }
    }

    /// The lines of a text that are no comment.
    fn samples(text: &str) -> Vec<&str> {
        text.lines().filter(|line| !line.starts_with('#')).collect()
    }

    #[test]
    fn figures_are_told_in_base_units_under_names_that_say_them() {
        let beside = Beside {
            is_connected: Some(true),
            delivered: 40,
            problems: 2,
            open_files: Some(31),
            frames: vec![585, 1],
        };
        let text = text(&health(), &beside);
        for line in [
            "footfall_build_info{software=\"footfall 0.1.0\",arch=\"x86_64\"} 1",
            "footfall_camera_frames_per_second{camera=\"door\"} 9.75",
            "footfall_camera_frames_total{camera=\"door\"} 585",
            "footfall_camera_frames_dropped_total{camera=\"till\"} 3",
            "footfall_camera_inference_seconds{camera=\"door\",quantile=\"0.5\"} 0.028",
            "footfall_camera_inference_seconds{camera=\"door\",quantile=\"0.95\"} 0.0415",
            "footfall_camera_state{camera=\"door\",state=\"up\"} 1",
            "footfall_camera_state{camera=\"door\",state=\"down\"} 0",
            "footfall_camera_condition{camera=\"door\",condition=\"moved\"} 1",
            "footfall_camera_condition{camera=\"door\",condition=\"dark\"} 0",
            "footfall_records_waiting 12",
            "footfall_records_behind_seconds 61.5",
            "footfall_records_delivered_total 40",
            "footfall_live_discarded_total 7",
            "footfall_temperature_celsius 51.5",
            "footfall_disk_free_bytes 1000000",
            "footfall_certificate_expiry_seconds 1800000000.0",
            "footfall_broker_connected 1",
            "process_resident_memory_bytes 500000",
            "process_start_time_seconds 1795348800.0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1);
    }

    #[test]
    fn what_is_not_known_has_no_line() {
        let bare = Health {
            temperature_c: None,
            disk_free: None,
            disk_size: None,
            memory_free: None,
            memory_size: None,
            memory_used: None,
            load: None,
            behind_s: None,
            certificate_until_ms: None,
            cameras: vec![CameraHealth { inference_ms: None, inference_p95_ms: None, ..camera("door") }],
            ..health()
        };
        let text = text(&bare, &Beside::default());
        let absent =
            ["temperature", "_bytes", "load", "behind", "certificate", "inference", "broker", "open_fds"];
        for name in absent {
            assert!(!samples(&text).iter().any(|line| line.contains(name)), "{name} in\n{text}");
        }
        assert!(samples(&text).len() < 25, "{text}");
    }
}
