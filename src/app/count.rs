//! `footfall count`: the pipeline of the service over a clip, as fast as it goes.
//!
//! It writes the records that the box would send, with a clock that starts where it is told to, so two
//! runs over one clip give the same bytes and any count can be argued about with a file in hand.

use crate::analytics::LineTotal;
use crate::app::exit::Failure;
use crate::app::usage::{peak_rss_mb, process_cpu};
use crate::capture::{self, CaptureError, Frame, FrameSource, ReadOutcome, SourceSettings};
use crate::detect::{Detection, Detector};
use crate::pipeline::{CameraEvent, Pipeline, PipelineSettings, SeenFrame};
use crate::time::{Clock, FrameTime, SystemClock, WallTime};
use crate::track::{ImagePlaneSettings, ImagePlaneTracker, Sighting};
use crate::wire::v1::{Fact, JsonLines, MadeBy};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

/// What to count, and how.
#[derive(Debug, Clone)]
pub struct CountJob {
    /// The clip or the folder of pictures.
    pub source: SourceSettings,
    /// Frames a second, where the container's own times are not to be used.
    pub fps: Option<f64>,
    /// Use every so manieth frame; 1 uses all.
    pub every: u64,
    /// Wall time of the first frame.
    pub start: WallTime,
    /// The lines and how they count.
    pub pipeline: PipelineSettings,
    /// What goes into the records; the model's name is taken from the detector.
    pub made_by: MadeBy,
}

/// Draws what was seen; gets every frame that was used.
pub trait Watcher {
    /// Takes one frame with what was found and followed in it, and the totals so far.
    ///
    /// # Errors
    /// Where the drawing cannot be kept.
    fn watch(&mut self, seen: &Seen<'_>) -> anyhow::Result<()>;
}

/// One frame that was used, as a [`Watcher`] sees it.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// What the network found, px of this frame.
    pub detections: &'a [Detection],
    /// Confirmed tracks seen now, px of the configured picture.
    pub sightings: &'a [Sighting],
    /// Totals of each line so far.
    pub totals: &'a [LineTotal],
}

/// What a count came to.
#[derive(Debug, Clone, PartialEq)]
pub struct CountSummary {
    /// Frames decoded.
    pub frames: u64,
    /// Frames looked at.
    pub frames_used: u64,
    /// Totals of each line.
    pub lines: Vec<LineTotal>,
    /// CPU time of the process, start-up included.
    pub cpu: Duration,
    /// Time that passed, from opening the clip on.
    pub wall: Duration,
    /// CPU time inside the network's `run`.
    pub inference_cpu: Duration,
    /// Most memory in use, MB; none where the system does not say.
    pub peak_rss_mb: Option<f64>,
    /// The network.
    pub model: String,
}

impl CountSummary {
    /// The object that `--json` prints.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let line =
            |l: &LineTotal| (l.line.to_string(), serde_json::json!({ "in": l.entries, "out": l.exits }));
        serde_json::json!({
            "frames": self.frames,
            "frames_used": self.frames_used,
            "lines": self.lines.iter().map(line).collect::<serde_json::Map<_, _>>(),
            "cpu_seconds": rounded(self.cpu.as_secs_f64()),
            "wall_seconds": rounded(self.wall.as_secs_f64()),
            "inference_cpu_seconds": rounded(self.inference_cpu.as_secs_f64()),
            "peak_rss_mb": self.peak_rss_mb.map(rounded),
            "model": self.model,
        })
    }

    /// The same for people.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for total in &self.lines {
            text += &format!("{:<20} in {:>5}   out {:>5}\n", total.line, total.entries, total.exits);
        }
        let per_frame = |span: Duration| 1e3 * span.as_secs_f64() / self.frames_used.max(1) as f64;
        text += &format!(
            "{} of {} frames looked at with {}; CPU {:.1} ms a frame, {:.1} of it in the network; memory {:.0} MB",
            self.frames_used,
            self.frames,
            self.model,
            per_frame(self.cpu),
            per_frame(self.inference_cpu),
            self.peak_rss_mb.unwrap_or(f64::NAN),
        );
        text
    }
}

fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

/// One count under way.
struct Count<'a, 'w> {
    job: &'a CountJob,
    detector: &'a mut dyn Detector,
    events: JsonLines<&'a mut dyn Write>,
    watcher: Option<&'a mut (dyn Watcher + 'w)>,
    progress: ProgressBar,
    made_by: MadeBy,
    totals: Vec<LineTotal>,
    detections: Vec<Detection>,
    told: Vec<CameraEvent>,
    frames_used: u64,
}

/// Counts a clip; every record goes to `events` as one line of JSON.
///
/// # Errors
/// Where the clip cannot be read, a line lies outside its picture, the network fails or a file cannot be written.
pub fn count_clip<'a>(
    job: &'a CountJob,
    detector: &'a mut dyn Detector,
    events: &'a mut dyn Write,
    watcher: Option<&'a mut (dyn Watcher + '_)>,
) -> anyhow::Result<CountSummary> {
    let clock = Arc::new(SystemClock::start());
    let mut source = capture::open(&job.source, clock.clone(), job.start, job.fps)?;
    let made_by = MadeBy { model: detector.model().to_owned(), ..job.made_by.clone() };
    let totals = job.pipeline.lines.iter().map(|line| LineTotal::none_yet(line.id.clone()));
    let mut count = Count {
        totals: totals.collect(),
        progress: progress_bar(source.facts().frames),
        events: JsonLines::new(events),
        job,
        detector,
        watcher,
        made_by,
        detections: Vec::new(),
        told: Vec::new(),
        frames_used: 0,
    };
    let frames = count.play(source.as_mut())?;
    Ok(CountSummary {
        frames,
        frames_used: count.frames_used,
        lines: count.totals,
        cpu: process_cpu(),
        wall: clock.now().elapsed,
        inference_cpu: count.detector.inference_cpu(),
        peak_rss_mb: peak_rss_mb(),
        model: count.made_by.model,
    })
}

impl Count<'_, '_> {
    /// Plays the whole clip; gives the number of frames decoded.
    fn play(&mut self, source: &mut dyn FrameSource) -> anyhow::Result<u64> {
        let every = self.job.every.max(1);
        let start = FrameTime::of_run(self.job.start, Duration::ZERO);
        let tracker = Box::new(ImagePlaneTracker::new(ImagePlaneSettings::default()));
        let mut pipeline = Pipeline::new(self.job.pipeline.clone(), tracker, start)?;
        let (mut frame, mut decoded, mut last) = (Frame::default(), 0, start);
        loop {
            let mut wanted = |number: u64, at: FrameTime| {
                (decoded, last) = (number, at);
                (number - 1).is_multiple_of(every)
            };
            match source.read_wanted(&mut wanted, &mut frame)? {
                ReadOutcome::Frame => self.look(&mut pipeline, &frame)?,
                ReadOutcome::End => break,
            }
            self.progress.set_position(decoded);
        }
        if self.frames_used == 0 {
            return Err(CaptureError::NoFrames { address: self.job.source.address.clone() }.into());
        }
        pipeline.finish(last, &mut self.told);
        self.tell()?;
        self.progress.finish_and_clear();
        Ok(decoded)
    }

    fn look(&mut self, pipeline: &mut Pipeline, frame: &Frame) -> anyhow::Result<()> {
        if self.frames_used == 0 {
            self.check_lines(frame)?;
        }
        self.frames_used += 1;
        self.detector.detect(&frame.picture, frame.at, &mut self.detections)?;
        let seen = SeenFrame { number: frame.number, at: frame.at, size: frame.picture.size(), dropped: 0 };
        let stepped = pipeline.step(seen, &self.detections, &mut self.told);
        stepped.with_context(|| format!("{}: frame {}", self.job.source.address, frame.number))?;
        self.tell()?;
        let Some(watcher) = self.watcher.as_deref_mut() else { return Ok(()) };
        watcher.watch(&Seen {
            frame,
            detections: &self.detections,
            sightings: pipeline.sightings(),
            totals: &self.totals,
        })
    }

    /// A clip given without a configuration says only now how large its picture is.
    fn check_lines(&self, frame: &Frame) -> Result<(), Failure> {
        let size = self.job.pipeline.picture.unwrap_or(frame.picture.size());
        for line in &self.job.pipeline.lines {
            for end in [line.segment.a, line.segment.b] {
                if !size.contains(end) {
                    return Err(Failure::Input(format!(
                        "line {}: [{}, {}] lies outside the picture of {size}; give coordinates from 0 to {} and 0 to {}",
                        line.id, end.x, end.y, size.width, size.height
                    )));
                }
            }
        }
        Ok(())
    }

    /// Writes what the pipeline said, and adds it up.
    fn tell(&mut self) -> anyhow::Result<()> {
        for event in self.told.drain(..) {
            let fact = match &event {
                CameraEvent::Crossing(crossing) => {
                    self.totals.iter_mut().for_each(|total| total.add(crossing));
                    Fact::crossing(&self.made_by, crossing)
                }
                CameraEvent::Minute(minute) => Fact::minute(&self.made_by, minute),
            };
            self.events.write(fact).context("cannot write the events")?;
        }
        Ok(())
    }
}

fn progress_bar(frames: Option<u64>) -> ProgressBar {
    // indicatif draws on stderr, and only where that is a terminal.
    let bar = frames.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let shape = "{wide_bar} {pos}/{len} frames, {per_sec}, {eta} left";
    bar.with_style(ProgressStyle::with_template(shape).unwrap_or_else(|_| ProgressStyle::default_bar()))
}
