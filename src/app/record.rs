//! `footfall record`: what the network sees, kept as boxes and times.
//!
//! No picture is kept, so a recording can be sent to somebody who doubts a count. It holds all that counting
//! takes: the same pipeline makes the same records of it.

use super::cli::{LineArgs, RecordArgs};
use super::clip::{DEFAULT_START, View, from_disk};
use super::exit::Failure;
use super::eye;
use super::run::source::Source;
use super::sights::live::{LiveSights, Until};
use super::sights::{ClipSettings, ClipSights, Sights};
use crate::detect::{Detection, Detector, DetectorKind, DetectorSettings};
use crate::geom::PictureSize;
use crate::recording::lines::RecordingWriter;
use crate::recording::{Moment, Opening};
use crate::time::{Clock, SystemClock};
use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Records a clip or a camera; a summary goes to `out`.
///
/// # Errors
/// What cannot be read, run or written, and what to do.
pub fn record(args: &RecordArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let mut sights: Box<dyn Sights> = match &args.clip {
        Some(clip) => Box::new(of_clip(args, clip, clock)?),
        None => Box::new(of_camera(args, clock)?),
    };
    let told = write_down(sights.as_mut(), &args.out)?;
    writeln!(out, "{}: {told}; no picture is in it", args.out.display())?;
    Ok(())
}

fn of_clip(args: &RecordArgs, clip: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<ClipSights> {
    let view = View::of(&LineArgs::default(), args.model.as_ref())?;
    let settings = ClipSettings {
        source: from_disk(clip)?,
        fps: args.fps,
        every: args.every,
        start: args.start.unwrap_or(DEFAULT_START),
    };
    Ok(ClipSights::open(settings, detector(args, view.detector, view.kind)?, clock)?)
}

fn of_camera(args: &RecordArgs, clock: Arc<dyn Clock>) -> anyhow::Result<LiveSights> {
    let path = args.config.as_deref().context("the arguments hold a config file where they hold no clip")?;
    let settings = Source::of(path).load()?;
    let camera = settings.camera(args.camera.as_ref())?.clone();
    let stopped = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stopped)).context("cannot listen for signals")?;
    }
    let until = Until { length: args.length, stopped };
    let detector = detector(args, settings.detector, camera.detector)?;
    LiveSights::start(camera, detector, clock, until)
}

fn detector(
    args: &RecordArgs,
    settings: DetectorSettings,
    kind: DetectorKind,
) -> anyhow::Result<Box<dyn Detector>> {
    let threads = args.threads.map_or(settings.threads, usize::from);
    let manifest = args.model.clone().unwrap_or(settings.manifest);
    eye::open(&DetectorSettings { threads, manifest, ..settings }, args.detector.unwrap_or(kind))
}

/// Writes all there is to see into a file, and says what that was.
fn write_down(sights: &mut dyn Sights, path: &Path) -> anyhow::Result<String> {
    let unwritable = || format!("{} cannot be written", path.display());
    // Before the first frame: whoever recorded for an hour must not learn only then that the disk is read-only.
    let mut to = Some(BufWriter::new(File::create(path).with_context(unwritable)?));
    let (mut writer, mut people) = (None::<RecordingWriter<_>>, Vec::<Detection>::new());
    let (mut used, mut seen) = (0_u64, 0_u64);
    loop {
        let moment = sights.next(&mut people)?;
        if let Some(to) = to.take() {
            writer = Some(RecordingWriter::begin(to, &opening(sights, &moment)?).with_context(unwritable)?);
        }
        let writer = writer.as_mut().context("the first moment begins the recording")?;
        writer.write(&moment, &people).with_context(unwritable)?;
        match moment {
            Moment::Frame(_) => (used, seen) = (used + 1, seen + people.len() as u64),
            Moment::Interrupted(_) => {}
            Moment::End { frames, .. } => {
                writer.flush().with_context(unwritable)?;
                let model = sights.model();
                return Ok(format!("{used} of {frames} frames looked at with {model}, {seen} boxes"));
            }
        }
    }
}

/// The first line can be written when there is a picture whose size it tells.
fn opening(sights: &dyn Sights, first: &Moment) -> Result<Opening, Failure> {
    let picture: Option<PictureSize> = match first {
        Moment::Frame(frame) => Some(frame.size),
        Moment::Interrupted(_) | Moment::End { .. } => sights.frame().map(|frame| frame.picture.size()),
    };
    let picture = picture.ok_or_else(|| Failure::Input(format!("{} gave no frame", sights.name())))?;
    Ok(Opening {
        software: concat!("footfall ", env!("CARGO_PKG_VERSION")).to_owned(),
        model: sights.model().to_owned(),
        picture,
        start: sights.start(),
    })
}
