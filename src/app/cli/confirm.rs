//! Arguments of `footfall confirm`.

use super::camera_id;
use crate::ids::CameraId;
use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLE: &str = "Examples:\n  \
    footfall look --config footfall.toml --camera door --out door.png\n  \
    footfall confirm --config footfall.toml --camera door\n\n\
    Where the lines do not fit: set the camera back, or draw them anew in the config file and start the box again, which \
    confirms by itself.";

/// `footfall confirm`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ConfirmArgs {
    /// The config file that the box runs with
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Which camera [default: all of them]
    #[arg(long, value_name = "ID", value_parser = camera_id)]
    pub camera: Option<CameraId>,
}
