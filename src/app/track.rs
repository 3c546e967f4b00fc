//! `footfall track`: the tracker alone, from MOT text to MOT text, so that anybody can compare it with others.
//!
//! The tracker works as it does behind a camera: it sees one frame after another, those without a box too, and never
//! what comes later, but for two things that are read off the whole file where they are not known: what its scores mean,
//! and how large its picture is. Only the file is written late: a track that is confirmed brings its earlier sightings, and they
//! belong to the frames before.

use super::cli::TrackArgs;
use super::exit::Failure;
use super::sights::replay::{open, time_of};
use super::usage::process_cpu;
use crate::calibration::Floor;
use crate::geom::PictureSize;
use crate::recording::mot::{MotDetections, write_tracks};
use crate::time::WallTime;
use crate::track::{Sighting, TrackSettings, TrackSteps, Tracker};
use anyhow::Context;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

/// Follows people through a file of detections; a summary goes to `out`.
///
/// # Errors
/// What cannot be read, with its line, or written.
pub fn track(args: &TrackArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let named = || args.detections.display().to_string();
    let detections = MotDetections::read(open(&args.detections)?).with_context(named)?;
    let floor = args.calibration.as_deref().map(floor_in).transpose()?;
    let own = floor.as_ref().and_then(Floor::picture);
    let picture = args.picture.or(own).unwrap_or_else(|| detections.reach());
    let tracker = tracker(floor, picture)?;
    let before = process_cpu();
    let mut sightings = followed(&detections, args.fps, tracker);
    let cpu = process_cpu().saturating_sub(before);
    write(&args.out, &mut sightings).with_context(|| format!("{} cannot be written", args.out.display()))?;
    writeln!(out, "{}", summary(&detections, &sightings, cpu))?;
    Ok(())
}

/// A tracker for detections whose scores mean what those of large networks do.
fn tracker(floor: Option<Floor>, picture: PictureSize) -> anyhow::Result<Tracker> {
    let floor = floor
        .map(|floor| floor.for_picture(picture))
        .transpose()
        .map_err(|fault| Failure::Input(format!("calibration: {fault}")))?;
    let mut tracker = Tracker::new(TrackSettings::default(), floor);
    tracker.picture_is(picture);
    Ok(tracker)
}

/// Every sighting of a confirmed track.
fn followed(detections: &MotDetections, fps: f64, mut tracker: Tracker) -> Vec<Sighting> {
    let (mut people, mut steps, mut sightings) = (Vec::new(), TrackSteps::default(), Vec::new());
    for frame in detections.frames_looked_at() {
        detections.detections(frame, &mut people);
        tracker.step(frame, time_of(frame, fps, WallTime::default()), &people, &mut steps);
        sightings.extend_from_slice(&steps.sightings);
    }
    sightings
}

/// The floor in a calibration file.
pub(super) fn floor_in(path: &Path) -> anyhow::Result<Floor> {
    let named = || format!("calibration {}", path.display());
    let text = std::fs::read_to_string(path).with_context(named);
    let text = text.map_err(|fault| Failure::Input(format!("{fault:#}")))?;
    Floor::parse(&text).map_err(|fault| Failure::Input(format!("{}: {fault}", named())).into())
}

fn write(path: &Path, sightings: &mut [Sighting]) -> std::io::Result<()> {
    let mut to = BufWriter::new(File::create(path)?);
    write_tracks(sightings, &mut to)?;
    to.flush()
}

fn summary(detections: &MotDetections, sightings: &[Sighting], cpu: Duration) -> String {
    let tracks = sightings.iter().map(|sighting| sighting.track).collect::<BTreeSet<_>>().len();
    let frames = detections.last_frame();
    let mut text = format!(
        "{frames} frames, {} boxes: {tracks} tracks with {} boxes; {}",
        detections.boxes(),
        sightings.len(),
        detections.scores(),
    );
    if detections.without_area() > 0 {
        text += &format!("\n{} boxes without an area were left out", detections.without_area());
    }
    if !cpu.is_zero() {
        text += &format!(
            "\n{:.0} frames a CPU-second, without reading and writing",
            frames as f64 / cpu.as_secs_f64()
        );
    }
    text
}
