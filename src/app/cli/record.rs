//! Arguments of `footfall record`.

use super::{camera_id, detectors, frame_rate, wall_time, watch_length};
use crate::config::MAX_THREADS;
use crate::detect::DetectorKind;
use crate::ids::CameraId;
use crate::time::WallTime;
use clap::{ArgGroup, Args};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

pub(super) const EXAMPLE: &str = "Examples:\n  \
    footfall record door.mp4 --out seen.jsonl\n  \
    footfall record --config footfall.toml --camera door --for 10m --out seen.jsonl\n  \
    footfall count --detections seen.jsonl --line entrance:500,140,500,480 --events out.jsonl";

/// `footfall record`.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(group = ArgGroup::new("what").args(["clip", "config"]).required(true))]
pub struct RecordArgs {
    /// A video file, or a folder of PNG and JPEG pictures
    pub clip: Option<PathBuf>,
    /// Look at a camera of this config file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Which camera of the config file; may be left out where it has only one
    #[arg(long, value_name = "ID", conflicts_with = "clip", value_parser = camera_id)]
    pub camera: Option<CameraId>,
    /// End after this long, such as 10m [default: until Ctrl-C]
    #[arg(long = "for", value_name = "DUR", value_parser = watch_length, conflicts_with = "clip")]
    pub length: Option<Duration>,
    /// Manifest of the model [default: the config file's, or models/nanodet-g-416-int8.toml]
    #[arg(long, value_name = "MANIFEST")]
    pub model: Option<PathBuf>,
    /// What finds people [default: the config file's, or network]
    #[arg(long, value_name = "WHAT", value_parser = detectors())]
    pub detector: Option<DetectorKind>,
    /// Frames per second of the clip, instead of the times in its container
    #[arg(long, value_name = "F", value_parser = frame_rate, conflicts_with = "config")]
    pub fps: Option<f64>,
    /// Look at every Nth frame of the clip only
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "config")]
    pub every: NonZeroU32,
    /// Threads inside one run of the network [default: the config file's, or 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=i64::from(MAX_THREADS)))]
    pub threads: Option<u8>,
    /// When the clip's first frame was taken [default: 2026-01-01T00:00:00Z]
    #[arg(long, value_name = "RFC3339", value_parser = wall_time, conflicts_with = "config")]
    pub start: Option<WallTime>,
    /// The recording to write
    #[arg(long, value_name = "SEEN.jsonl")]
    pub out: PathBuf,
}
