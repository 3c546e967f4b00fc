//! What a detector saw, kept as text: boxes and times, no picture.
//!
//! Whoever doubts a count replays the recording through the pipeline and gets the same records, byte for byte.
//! So every number comes back as it went in: boxes by their corners, because a width is already a difference that was
//! rounded, and times in whole nanoseconds. Two formats are read: ours ([`lines`], described in
//! `docs/ref/detections.md`), and the MOT text ([`mot`]) that trackers are compared with. Both come from
//! strangers, so each has limits, and a fault names its line.

pub mod lines;
pub mod mot;
mod text;

use crate::geom::PictureSize;
use crate::pipeline::SeenFrame;
use crate::time::FrameTime;

/// People in one frame; a picture of a full stadium shows some thousands.
pub const MOST_PEOPLE: usize = 10_000;

/// What a recording says of itself before its first frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// Name and version of the software that wrote it.
    pub software: String,
    /// What found the people.
    pub model: String,
    /// Size of the pictures.
    pub picture: PictureSize,
    /// When the run began.
    pub start: FrameTime,
}

/// What happened next in front of a camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Moment {
    /// A frame was looked at.
    Frame(SeenFrame),
    /// A frame came and could not be looked at: what follows does not join on to what was.
    Interrupted(FrameTime),
    /// It is over.
    End {
        /// Frames decoded, those that were not looked at included.
        frames: u64,
        /// Time of the last of them.
        at: FrameTime,
    },
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The file itself.
    #[error("line {line} cannot be read: {source}")]
    Read {
        /// 1-based.
        line: u64,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line that no writer of such files makes.
    #[error("line {line} has more than {most} bytes; is this a file of detections?")]
    TooLong {
        /// 1-based.
        line: u64,
        /// Bytes allowed.
        most: usize,
    },
    /// Bytes that are no text.
    #[error("line {line} is not UTF-8 text; is this a file of detections?")]
    NotText {
        /// 1-based.
        line: u64,
    },
    /// MOT text with too few columns.
    #[error(
        "line {line} has {got} columns, at least 6 are needed: frame,id,left,top,width,height[,score,...]"
    )]
    Columns {
        /// 1-based.
        line: u64,
        /// How many there are.
        got: usize,
    },
    /// MOT text with something else where a number is needed.
    #[error("line {line}: {column} is {text:?}; give {needed}")]
    Number {
        /// 1-based.
        line: u64,
        /// Which column.
        column: &'static str,
        /// What stands there, cut short.
        text: String,
        /// What may stand there.
        needed: &'static str,
    },
    /// More people than a picture holds.
    #[error("line {line}: frame {frame} has more than {MOST_PEOPLE} boxes")]
    Crowd {
        /// 1-based.
        line: u64,
        /// Which frame.
        frame: u64,
    },
    /// A line of ours that is not what the format says.
    #[error("line {line} is not a line of a recording: {cause}")]
    Shape {
        /// 1-based.
        line: u64,
        /// What the parser says.
        cause: String,
    },
    /// The first line is not that of a recording.
    #[error("line {line} is not the first line of a recording; make one with `footfall record`")]
    NoOpening {
        /// 1-based.
        line: u64,
    },
    /// Written by a later footfall.
    #[error("the recording has version {found}, only {} is known; use a newer footfall", lines::VERSION)]
    Version {
        /// What it says.
        found: u32,
    },
    /// A value that nothing could have recorded.
    #[error("line {line}: {what}")]
    Range {
        /// 1-based.
        line: u64,
        /// Which, and what may stand there.
        what: &'static str,
    },
    /// Frames that do not come one after the other.
    #[error("line {line}: frame {frame} comes after frame {before}; frames are numbered upwards")]
    Order {
        /// 1-based.
        line: u64,
        /// Its number.
        frame: u64,
        /// The number before.
        before: u64,
    },
}
