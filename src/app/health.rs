//! The watch over a camera's pictures, joined to its pipeline, and the file in which the place is remembered.
//!
//! The file lies beside the outbox, one for each camera. Whoever confirms that lines and zones fit takes it away
//! (`footfall confirm`); that it is gone tells the running box, which then learns the place anew. So nobody needs to
//! reach a running process, and a box that is off learns of it at its next start.

use crate::capture::Frame;
use crate::health::{Background, Condition, ConditionChange, HealthSettings, PictureWatch, Turn};
use crate::ids::CameraId;
use crate::pipeline::{CameraEvent, Pipeline};
use crate::time::FrameTime;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whoever confirms wants to see that it helped.
const CONFIRMED_CHECK_EVERY: Duration = Duration::from_secs(2);

/// Where the background of a camera is kept, for a box with this outbox.
#[must_use]
pub(super) fn background_path(outbox: &Path, camera: &CameraId) -> PathBuf {
    let stem = outbox.file_stem().unwrap_or_default().to_string_lossy();
    outbox.with_file_name(format!("{stem}.background-{camera}.txt"))
}

/// The watch of one camera.
pub(super) struct Health {
    watch: PictureWatch,
    kept: Option<Kept>,
    changes: Vec<ConditionChange>,
}

/// A background on disk.
struct Kept {
    path: PathBuf,
    geometry: String,
    /// Version of the watch's background that the file holds.
    version: u64,
    /// Whether the file is there, as far as we know: then its absence means that somebody has confirmed.
    is_there: bool,
    checked: Duration,
    has_failed: bool,
}

impl Health {
    /// A watch that forgets the place at its end: for clips.
    pub(super) fn of_clip(settings: HealthSettings) -> Self {
        Self { watch: PictureWatch::new(settings), kept: None, changes: Vec::new() }
    }

    /// A watch that goes on from what an earlier run of this camera and geometry knew.
    pub(super) fn of_camera(settings: HealthSettings, path: PathBuf, geometry: &str, at: FrameTime) -> Self {
        let mut health = Self::of_clip(settings);
        let known = read(&path).filter(|(drawn_for, _)| {
            // Other lines and zones: somebody has looked, and has drawn anew.
            drawn_for == geometry
        });
        let is_there = known.is_some();
        if let Some((_, background)) = known {
            health.watch.remember(background, at, &mut health.changes);
        }
        let geometry = geometry.to_owned();
        let checked = at.elapsed;
        health.kept = Some(Kept { path, geometry, version: 0, is_there, checked, has_failed: false });
        health
    }

    /// Looks at a frame before it is counted; what changed goes to `told`.
    ///
    /// What is counted in a picture that cannot be counted on is counted all the same; its time is not covered.
    pub(super) fn look(&mut self, frame: &Frame, pipeline: &mut Pipeline, told: &mut Vec<CameraEvent>) {
        if self.kept.as_mut().is_some_and(|kept| kept.is_confirmed(frame.at)) {
            self.watch.confirm(frame.at, &mut self.changes);
        }
        self.watch.look(frame.at, &frame.picture, &mut self.changes);
        for change in self.changes.drain(..) {
            match (change.condition, change.turn) {
                (Condition::Moved, Turn::Began) => pipeline.moved(change.since, frame.at),
                (Condition::Moved, Turn::Ended) => pipeline.in_place(frame.at),
                _ => {}
            }
            told.push(CameraEvent::Condition(change));
        }
        if !self.watch.sees() {
            pipeline.interrupted();
        }
        if let (Some(kept), Some(background)) = (&mut self.kept, self.watch.background()) {
            kept.keep(background, self.watch.version());
        }
    }
}

impl Kept {
    fn is_confirmed(&mut self, at: FrameTime) -> bool {
        if !self.is_there || at.elapsed.saturating_sub(self.checked) < CONFIRMED_CHECK_EVERY {
            return false;
        }
        self.checked = at.elapsed;
        self.is_there = self.path.exists();
        !self.is_there
    }

    fn keep(&mut self, background: &Background, version: u64) {
        if version == self.version {
            return;
        }
        self.version = version;
        // Renamed into place, so that a power cut leaves the old text or the new one.
        let draft = self.path.with_extension("new");
        let written = fs::write(&draft, background.to_text(&self.geometry));
        match written.and_then(|()| fs::rename(&draft, &self.path)) {
            Ok(()) => (self.is_there, self.has_failed) = (true, false),
            Err(fault) if !std::mem::replace(&mut self.has_failed, true) => {
                let path = self.path.display();
                tracing::warn!("{path}: {fault}; a camera that is moved while the box is off goes unnoticed");
            }
            Err(_) => {}
        }
    }
}

/// What the file holds; none where it is not there or is of no use, which is told.
fn read(path: &Path) -> Option<(String, Background)> {
    let mut text = String::new();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(fault) if fault.kind() == ErrorKind::NotFound => return None,
        Err(fault) => {
            tracing::warn!("{}: {fault}; the place is learned anew", path.display());
            return None;
        }
    };
    let read =
        file.take(Background::MAX_TEXT_BYTES).read_to_string(&mut text).map_err(|fault| fault.to_string());
    match read.and_then(|_| Background::parse(&text).map_err(|fault| fault.to_string())) {
        Ok(known) => Some(known),
        Err(fault) => {
            tracing::warn!("{}: {fault}; the place is learned anew", path.display());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::QuarterSettings;
    use crate::capture::Picture;
    use crate::pipeline::PipelineSettings;
    use crate::time::WallTime;
    use crate::track::TrackSettings;
    use crate::visitors::VisitorSettings;

    const SIZE: u32 = 200;

    /// Tiles of different brightness, pushed to the right, with one pixel that tells each second's picture apart.
    fn frame(second: u64, pushed: u32) -> Frame {
        let tile = |x: u32, y: u32| ((x + SIZE - pushed) / 17 * 7 + y / 19 * 11) % 13 * 15 + 40;
        let level = |at: u32| tile(at % SIZE, at / SIZE) as u8;
        let mut bgr: Vec<u8> = (0..SIZE * SIZE).flat_map(|at| [level(at); 3]).collect();
        bgr[..600].fill(60 + (second % 50) as u8);
        let at = FrameTime::of_run(WallTime::default(), Duration::from_secs(second));
        Frame { number: second + 1, at, picture: Picture { width: SIZE, height: SIZE, bgr } }
    }

    fn pipeline() -> Pipeline {
        let settings = PipelineSettings {
            picture: None,
            rate: None,
            lines: Vec::new(),
            exclusion: Vec::new(),
            zones: Vec::new(),
            visitors: VisitorSettings::default(),
            quarters: QuarterSettings::default(),
            longest_gap: Duration::from_secs(2),
            tracking: TrackSettings::default(),
            floor: None,
            learns_floor: false,
        };
        Pipeline::new(settings, FrameTime::default()).unwrap()
    }

    /// A run of a camera with this geometry over `seconds`, pushed so far: what it tells.
    fn run(path: &Path, geometry: &str, seconds: std::ops::Range<u64>, pushed: u32) -> (Health, Vec<String>) {
        let start = frame(seconds.start, 0).at;
        let mut health = Health::of_camera(HealthSettings::DEFAULT, path.to_owned(), geometry, start);
        let told = go_on(&mut health, seconds, pushed);
        (health, told)
    }

    fn go_on(health: &mut Health, seconds: std::ops::Range<u64>, pushed: u32) -> Vec<String> {
        let (mut pipeline, mut told) = (pipeline(), Vec::new());
        seconds.for_each(|second| health.look(&frame(second, pushed), &mut pipeline, &mut told));
        let words = |event: &CameraEvent| match event {
            CameraEvent::Condition(change) => Some(format!("{} {:?}", change.condition, change.turn)),
            _ => None,
        };
        told.iter().filter_map(words).collect()
    }

    #[test]
    fn a_camera_moved_while_the_box_was_off_is_moved_until_its_file_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = background_path(&folder.path().join("outbox.sqlite"), &CameraId::parse("door").unwrap());
        assert_eq!(path, folder.path().join("outbox.background-door.txt"));
        assert_eq!(run(&path, "g", 0..40, 0).1, [""; 0]);
        assert!(path.exists());
        assert_eq!(run(&path, "g", 100..150, 6).1, ["moved Began"]);
        let (mut health, told) = run(&path, "g", 200..210, 6);
        assert_eq!(told, ["moved Began"], "a restart confirms nothing");
        fs::remove_file(&path).unwrap();
        assert_eq!(go_on(&mut health, 210..250, 6), ["moved Ended"]);
        assert!(path.exists(), "the place was learned as it is now");
        assert_eq!(run(&path, "g", 300..350, 6).1, [""; 0]);
    }

    #[test]
    fn lines_that_were_drawn_anew_need_no_confirmation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("background.txt");
        run(&path, "old", 0..40, 0);
        assert_eq!(run(&path, "new", 100..160, 6).1, [""; 0]);
    }

    #[test]
    fn a_file_that_cannot_be_read_or_written_costs_nothing_but_the_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("background.txt");
        fs::write(&path, [0xff; 20_000]).unwrap();
        assert_eq!(run(&path, "g", 0..40, 0).1, [""; 0]);
        assert!(read(&path).is_some(), "it was replaced");
        assert_eq!(run(&folder.path().join("no folder/background.txt"), "g", 0..60, 0).1, [""; 0]);
    }
}
