//! `footfall count`, from its arguments to what it sees, its files and its summary.

use super::cli::{CountArgs, LineArgs};
use super::count::{CountJob, Watcher, count_sights};
use super::eye;
use super::run::source::Source;
use super::sights::replay::{MotFacts, Replay};
use super::sights::{ClipSettings, ClipSights, Sights};
use crate::calendar::Schedule;
use crate::capture::{Playback, SourceAddress, SourceSettings};
use crate::config::{self, geometry_name};
use crate::detect::{DetectorKind, DetectorSettings};
use crate::health::HealthSettings;
use crate::ids::CameraId;
use crate::pipeline::PipelineSettings;
use crate::time::{Clock, SystemClock, WallTime};
use crate::track::{ScoreLevels, TrackSettings};
use crate::visitors::VisitorSettings;
use anyhow::Context;
use std::fs::File;
use std::io::{BufWriter, Write, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A clip on disk that takes longer than this to open or read is on a disk that is gone.
const DISK_TIMEOUT: Duration = Duration::from_secs(30);
/// As the config file's default.
const CAMERA_TIMEOUT: Duration = Duration::from_secs(5);
/// When a clip began of which nobody says it: 2026-01-01T00:00:00Z.
pub(super) const DEFAULT_START: WallTime = WallTime::from_unix_ms(1_767_225_600_000);

/// How a clip is to be looked at: by a camera of a config file, by the arguments, or both.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) camera: CameraId,
    /// How its pictures are watched; none: not at all.
    pub(super) health: Option<HealthSettings>,
    /// When the store is open; none: nobody says.
    pub(super) hours: Option<Schedule>,
    pub(super) pipeline: PipelineSettings,
    /// What finds people.
    pub(super) kind: DetectorKind,
    /// The network, where it does.
    pub(super) detector: DetectorSettings,
    /// The camera's own source, where there is a config file.
    #[cfg_attr(
        not(feature = "capture-opencv"),
        expect(dead_code, reason = "only `look` takes it, which draws")
    )]
    pub(super) source: Option<SourceSettings>,
}

impl View {
    /// Brings config file and arguments together; what an argument says goes before the file.
    pub(super) fn of(lines: &LineArgs, model: Option<&PathBuf>) -> anyhow::Result<Self> {
        let mut view = match &lines.config {
            Some(path) => {
                let settings = Source::of(path).load()?;
                let camera = settings.camera(lines.camera.as_ref())?.clone();
                Self {
                    camera: camera.id,
                    health: camera.health,
                    hours: settings.site.map(|site| site.store.calendar.schedule().clone()),
                    pipeline: camera.pipeline,
                    kind: camera.detector,
                    detector: settings.detector,
                    source: Some(camera.source),
                }
            }
            None => Self::without_config()?,
        };
        view.pipeline.lines = lines.over(&view.pipeline.lines);
        view.pipeline.zones = lines.zones.over(&view.pipeline.zones);
        if let Some(path) = &lines.calibration {
            view.pipeline.floor = Some(super::track::floor_in(path)?);
        }
        if let Some(model) = model {
            view.detector.manifest.clone_from(model);
        }
        Ok(view)
    }

    fn without_config() -> anyhow::Result<Self> {
        let pipeline = PipelineSettings {
            picture: None,
            rate: None,
            lines: Vec::new(),
            exclusion: Vec::new(),
            zones: Vec::new(),
            visitors: VisitorSettings::default(),
            quarters: crate::analytics::QuarterSettings::default(),
            longest_gap: config::LONGEST_GAP,
            tracking: TrackSettings { scores: ScoreLevels::MODEST, ..TrackSettings::default() },
            floor: None,
            learns_floor: true,
        };
        let camera = CameraId::parse("clip").context("the name for clips is an id")?;
        Ok(Self {
            camera,
            health: Some(HealthSettings::DEFAULT),
            hours: None,
            pipeline,
            kind: DetectorKind::default(),
            detector: eye::default_settings(),
            source: None,
        })
    }
}

/// A clip on disk, played once. A stream is refused, without repeating an address that may hold a password.
pub(super) fn from_disk(clip: &Path) -> anyhow::Result<SourceSettings> {
    let source = to_look_at(clip)?;
    if source.address.is_live() {
        let why = "this takes a clip or a folder of pictures; a camera is for `footfall run`, or for `footfall record \
                   --config FILE --camera ID`";
        return Err(super::exit::Failure::Input(why.to_owned()).into());
    }
    Ok(source)
}

/// What a text on the command line names: a file or folder where it is there, else what its form says.
pub(super) fn to_look_at(clip: &Path) -> anyhow::Result<SourceSettings> {
    let address = match clip.to_str() {
        Some(text) if !clip.exists() => {
            SourceAddress::parse(text).map_err(|fault| super::exit::Failure::Input(fault.to_string()))?
        }
        _ => SourceAddress::File(clip.to_owned()),
    };
    let timeout = if address.is_live() { CAMERA_TIMEOUT } else { DISK_TIMEOUT };
    Ok(SourceSettings {
        address,
        playback: Playback::AsFastAsItGoes,
        open_timeout: timeout,
        read_timeout: timeout,
        retry_max: timeout,
    })
}

/// Counts in a clip or in a file of detections.
///
/// # Errors
/// What cannot be read, run or written, and what to do.
pub fn count(args: &CountArgs) -> anyhow::Result<()> {
    let view = View::of(&args.lines, args.model.as_ref())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let mut sights = sights(args, &view, &clock)?;
    let learns_floor = args.detector.unwrap_or(view.kind).sizes_people();
    let pipeline = PipelineSettings { learns_floor, ..view.pipeline };
    let (health, geometry) = (view.health, geometry_name(&pipeline));
    let job = CountJob { health, hours: view.hours, camera: view.camera, geometry, pipeline };
    let mut events = open_events(args.events.as_deref())?;
    let mut drawing = args.video.as_deref().map(|path| drawing(path, &job, args)).transpose()?;
    let watcher = drawing.as_deref_mut().map(|drawing| drawing as &mut dyn Watcher);
    let summary = count_sights(&job, sights.as_mut(), clock.as_ref(), &mut events, watcher)?;
    events.flush().with_context(|| written_to(args.events.as_deref()))?;
    if let Some(drawing) = drawing {
        drawing.finish()?;
    }
    let told = if args.json { summary.to_json().to_string() } else { summary.to_text() };
    writeln!(stdout(), "{told}")?;
    Ok(())
}

/// What there is to count: a clip with a network, or what was seen before.
fn sights(args: &CountArgs, view: &View, clock: &Arc<dyn Clock>) -> anyhow::Result<Box<dyn Sights>> {
    if let Some(path) = &args.detections {
        let facts = MotFacts { fps: args.fps, picture: args.picture, start: args.start };
        return Ok(Box::new(Replay::open(path, args.every, facts, DEFAULT_START)?));
    }
    let clip = args.clip.as_deref().context("the arguments hold a clip where they hold no detections")?;
    let settings = ClipSettings {
        source: from_disk(clip)?,
        fps: args.fps,
        every: args.every,
        start: args.start.unwrap_or(DEFAULT_START),
    };
    let threads = args.threads.map_or(view.detector.threads, usize::from);
    let kind = args.detector.unwrap_or(view.kind);
    let detector = eye::open(&DetectorSettings { threads, ..view.detector.clone() }, kind)?;
    Ok(Box::new(ClipSights::open(settings, detector, Arc::clone(clock))?))
}

fn open_events(path: Option<&Path>) -> anyhow::Result<Box<dyn Write>> {
    let Some(path) = path else { return Ok(Box::new(std::io::sink())) };
    let file = File::create(path).with_context(|| written_to(Some(path)))?;
    Ok(Box::new(BufWriter::new(file)))
}

fn written_to(path: Option<&Path>) -> String {
    format!("{} cannot be written", path.unwrap_or(Path::new("the events")).display())
}

/// A watcher that has an end.
trait Drawing: Watcher {
    fn finish(self: Box<Self>) -> anyhow::Result<()>;
}

#[cfg(feature = "capture-opencv")]
fn drawing(path: &Path, job: &CountJob, args: &CountArgs) -> anyhow::Result<Box<dyn Drawing>> {
    let fps = args.fps.map(|fps| fps / f64::from(args.every.get()));
    Ok(Box::new(super::film::Film::new(path, &job.pipeline, fps)))
}

#[cfg(feature = "capture-opencv")]
impl Drawing for super::film::Film {
    fn finish(self: Box<Self>) -> anyhow::Result<()> {
        Self::finish(*self)
    }
}

#[cfg(not(feature = "capture-opencv"))]
fn drawing(_path: &Path, _job: &CountJob, _args: &CountArgs) -> anyhow::Result<Box<dyn Drawing>> {
    let why = "this footfall was built without capture-opencv, so it writes no clip";
    Err(super::exit::Failure::Input(why.to_owned()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let told =
            from_disk(Path::new(text)).map_or_else(|fault| fault.to_string(), |s| s.address.to_string());
        assert!(told.contains(expected), "{told}");
        assert!(!told.contains("geheim"), "{told}");
    }

    #[test]
    fn a_stream_is_no_clip_and_its_password_is_not_repeated() {
        check("rtsp://viewer:geheim@cam/1", "a camera is for `footfall run`");
        check("ftp://viewer:geheim@cam/1", "scheme");
        check("clips/door.mp4", "clips/door.mp4");
    }
}
