//! Arguments of `footfall track`.

use super::{frame_rate, picture_size};
use crate::geom::PictureSize;
use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLE: &str = "Examples:\n  \
    footfall track --detections det.txt --fps 25 --out result.txt\n  \
    footfall track --detections det.txt --fps 30 --calibration door.toml --out result.txt";

/// `footfall track`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct TrackArgs {
    /// MOT text: frame,id,left,top,width,height,score[,...], px, frames from 1; the id is not looked at
    ///
    /// Scores may be shares, percentages, margins or -1 for none; the summary says how they were taken.
    #[arg(long, value_name = "DET.txt")]
    pub detections: PathBuf,
    /// Frames per second
    #[arg(long, value_name = "F", value_parser = frame_rate)]
    pub fps: f64,
    /// Where the floor lies in the picture; left out: it is learned from the people
    ///
    /// Until enough of them have walked by, they are followed on the picture.
    #[arg(long, value_name = "FILE.toml")]
    pub calibration: Option<PathBuf>,
    /// Size of the picture that the boxes were found in [default: as far as the boxes reach]
    #[arg(long, value_name = "WxH", value_parser = picture_size)]
    pub picture: Option<PictureSize>,
    /// MOT text to write: frame,track,left,top,width,height,score,-1,-1,-1
    #[arg(long, value_name = "RESULT.txt")]
    pub out: PathBuf,
}
