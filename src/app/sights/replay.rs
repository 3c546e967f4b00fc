//! What somebody saw before: a recording of ours, or MOT text.
//!
//! Which of the two a file is shows at its first sign: ours are lines of JSON.

use super::Sights;
use crate::app::exit::Failure;
use crate::detect::Detection;
use crate::geom::PictureSize;
use crate::pipeline::SeenFrame;
use crate::recording::Moment;
use crate::recording::lines::{LONGEST_RUN, RecordingReader};
use crate::recording::mot::MotDetections;
use crate::time::{FrameTime, WallTime};
use anyhow::Context;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::iter::StepBy;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What goes for "the model" in records that were made of MOT text, which does not say.
const MOT_MODEL: &str = "mot-text";

/// What MOT text does not say of itself. A recording says all of it, and takes none of it from outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MotFacts {
    /// Frames a second.
    pub fps: Option<f64>,
    /// Size of the picture that the boxes were found in.
    pub picture: Option<PictureSize>,
    /// When the first frame was taken.
    pub start: Option<WallTime>,
}

/// The text of a file of detections, of either kind.
enum Text {
    Recording(RecordingReader<BufReader<File>>),
    Mot { detections: MotDetections, fps: f64, picture: PictureSize, frames: StepBy<RangeInclusive<u64>> },
}

/// A file of detections, played once.
pub struct Replay {
    path: PathBuf,
    text: Text,
    start: FrameTime,
    model: String,
    every: NonZeroU32,
    /// Dropped before frames that were passed over.
    untold: u32,
    has_any: bool,
}

impl Replay {
    /// Opens a file of detections.
    ///
    /// # Errors
    /// What cannot be read, with its line; or which argument is missing or is too many.
    pub fn open(
        path: &Path,
        every: NonZeroU32,
        facts: MotFacts,
        default_start: WallTime,
    ) -> anyhow::Result<Self> {
        let mut file = open(path)?;
        let named = || path.display().to_string();
        let begin = file.fill_buf().map_err(|fault| unreadable(path, &fault))?;
        let is_ours = begin.trim_ascii_start().starts_with(b"{");
        let (text, start, model) = if is_ours {
            if facts != (MotFacts { fps: None, picture: None, start: None }) {
                let why = format!(
                    "{}: a recording says its times and its picture itself; leave out --fps, --picture and --start",
                    path.display()
                );
                return Err(Failure::Input(why).into());
            }
            let reader = RecordingReader::begin(file).with_context(named)?;
            let (start, model) = (reader.opening().start, reader.opening().model.clone());
            (Text::Recording(reader), start, model)
        } else {
            let (Some(fps), Some(picture)) = (facts.fps, facts.picture) else {
                let why = format!(
                    "{}: MOT text says neither times nor the size of the picture; give --fps and --picture, such as --fps 10 --picture 768x576",
                    path.display()
                );
                return Err(Failure::Input(why).into());
            };
            let detections = MotDetections::read(file).with_context(named)?;
            check_length(path, &detections, fps)?;
            let start = FrameTime::of_run(facts.start.unwrap_or(default_start), Duration::ZERO);
            let frames = detections.frames_looked_at();
            (Text::Mot { detections, fps, picture, frames }, start, MOT_MODEL.to_owned())
        };
        Ok(Self { path: path.to_owned(), text, start, model, every, untold: 0, has_any: false })
    }

    /// The next moment, whether its frame is wanted or not.
    fn any(&mut self, people: &mut Vec<Detection>) -> anyhow::Result<Moment> {
        match &mut self.text {
            Text::Recording(reader) => {
                let moment = reader.next(people).with_context(|| self.path.display().to_string())?;
                if reader.was_cut_short() {
                    tracing::warn!("{} was cut short: its last line is missing", self.path.display());
                }
                Ok(moment)
            }
            Text::Mot { detections, fps, picture, frames } => {
                let Some(number) = frames.next() else {
                    let frames = detections.last_frame();
                    return Ok(Moment::End { frames, at: time_of(frames.max(1), *fps, self.start.wall) });
                };
                detections.detections(number, people);
                let at = time_of(number, *fps, self.start.wall);
                Ok(Moment::Frame(SeenFrame { number, at, size: *picture, dropped: 0 }))
            }
        }
    }
}

/// Every minute of a run is a record, so one wild frame number or rate must not make millions of them.
fn check_length(path: &Path, detections: &MotDetections, fps: f64) -> Result<(), Failure> {
    let last = detections.last_frame();
    if time_of(last.max(1), fps, WallTime::default()).elapsed <= LONGEST_RUN {
        return Ok(());
    }
    Err(Failure::Input(format!(
        "{}: at {fps} frames a second its {last} frames last more than a year; look at --fps and at the last frame",
        path.display()
    )))
}

/// Opens a file of detections for reading.
///
/// # Errors
/// A fault of the input that names the file.
pub fn open(path: &Path) -> Result<BufReader<File>, Failure> {
    Ok(BufReader::new(File::open(path).map_err(|fault| unreadable(path, &fault))?))
}

fn unreadable(path: &Path, fault: &std::io::Error) -> Failure {
    Failure::Input(format!("{} cannot be read: {fault}", path.display()))
}

/// When frame `number`, from 1, was taken.
#[must_use]
pub fn time_of(number: u64, fps: f64, start: WallTime) -> FrameTime {
    let elapsed = Duration::try_from_secs_f64((number - 1) as f64 / fps).unwrap_or(Duration::MAX);
    FrameTime::of_run(start, elapsed)
}

impl Sights for Replay {
    fn next(&mut self, people: &mut Vec<Detection>) -> anyhow::Result<Moment> {
        loop {
            let mut moment = self.any(people)?;
            match &mut moment {
                Moment::Frame(frame) if !(frame.number - 1).is_multiple_of(u64::from(self.every.get())) => {
                    self.untold = self.untold.saturating_add(frame.dropped);
                    continue;
                }
                Moment::Frame(frame) => {
                    frame.dropped = frame.dropped.saturating_add(std::mem::take(&mut self.untold));
                    self.has_any = true;
                }
                Moment::End { .. } if !self.has_any => {
                    return Err(Failure::Input(format!("{} holds no frame", self.path.display())).into());
                }
                Moment::Interrupted(_) | Moment::End { .. } => {}
            }
            return Ok(moment);
        }
    }

    fn start(&self) -> FrameTime {
        self.start
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}
