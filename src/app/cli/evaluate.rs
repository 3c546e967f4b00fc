//! Arguments of `footfall evaluate`.

use super::{frame_rate, span};
use crate::ids::{IdError, LineId};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

pub(super) const EXAMPLE: &str = "Example:\n  \
    footfall count door.mp4 --line entrance:500,140,500,480 --events out.jsonl\n  \
    footfall evaluate --events out.jsonl --truth truth.csv --line entrance\n\n\
    truth.csv is what a person saw, a row for each crossing:\n  \
    frame,direction\n  12,in\n  57,out";

/// `footfall evaluate`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct EvaluateArgs {
    /// What was counted, as `footfall count --events` writes it
    #[arg(long, value_name = "OUT.jsonl")]
    pub events: PathBuf,
    /// What a person saw: CSV with frame,direction, or with a header that names at_ms in place of frame
    #[arg(long, value_name = "TRUTH.csv")]
    pub truth: PathBuf,
    /// Which line of the events
    #[arg(long, value_name = "NAME", value_parser = line_id)]
    pub line: LineId,
    /// Frames per second [default: told by the events, which hold frames and times]
    #[arg(long, value_name = "F", value_parser = frame_rate)]
    pub fps: Option<f64>,
    /// How far a counted crossing may be from the true one
    #[arg(long, value_name = "DUR", value_parser = span, default_value = "1s")]
    pub window: Duration,
    /// Print one object on standard output
    #[arg(long)]
    pub json: bool,
}

fn line_id(text: &str) -> Result<LineId, IdError> {
    LineId::parse_any_case(text)
}
