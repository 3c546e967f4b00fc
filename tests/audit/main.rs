//! The audit from end to end: real pictures become a clip, and a person's tally through the page becomes a figure.
#![cfg(all(feature = "capture-opencv", feature = "detect-ort"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod page;

use footfall::app::audit::folder::AuditFolder;
use footfall::app::audit::format::{Clip, ClipId};
use footfall::app::audit::recorder::Recorder;
use footfall::app::audit::writer::Desk;
use footfall::audit::draw::Verdict;
use footfall::audit::{AuditSettings, MinuteDraw, Stratum};
use footfall::capture::{self, Frame, Playback, ReadOutcome, SourceAddress, SourceSettings};
use footfall::count::{Anchor, Band, LineRole, LineSettings};
use footfall::detect::{Detection, Detector, DetectorSettings, OrtDetector, Provider};
use footfall::geom::{ImagePoint, PictureSize, Segment};
use footfall::ids::{CameraId, LineId};
use footfall::pipeline::{Pipeline, PipelineSettings, SeenFrame};
use footfall::time::{Clock, FrameTime, SimClock, SystemClock, WallTime};
use footfall::track::{PlaneName, ScoreLevels, TrackSettings};
use footfall::visitors::VisitorSettings;
use footfall::wire::v1::MadeBy;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

const SIZE: PictureSize = PictureSize { width: 768, height: 576 };
/// A minute begins here, with the clip; an hour ago, because every `footfall audit` command deletes what is too old.
static START: LazyLock<WallTime> =
    LazyLock::new(|| WallTime::from_unix_ms(SystemClock::start().now().wall.unix_ms() - 3_600_000).minute());

fn settings(folder: &Path) -> AuditSettings {
    AuditSettings {
        clips_per_day: 100,
        keep: Duration::from_secs(86_400),
        folder: folder.to_owned(),
        fps: 5.0,
        width_px: 240,
        max_bytes: 100_000_000,
    }
}

fn camera() -> PipelineSettings {
    let line = LineSettings {
        id: LineId::parse("entrance").unwrap(),
        segment: Segment::new(ImagePoint::new(500.0, 140.0), ImagePoint::new(500.0, 480.0)),
        band: Band::default(),
        anchor: Anchor::default(),
        u_turn: Duration::ZERO,
        activation: Vec::new(),
        role: LineRole::default(),
    };
    PipelineSettings {
        picture: Some(SIZE),
        rate: Some(5.0),
        lines: vec![line],
        exclusion: Vec::new(),
        zones: Vec::new(),
        visitors: VisitorSettings::default(),
        quarters: footfall::analytics::QuarterSettings::default(),
        longest_gap: Duration::from_secs(2),
        tracking: TrackSettings { scores: ScoreLevels::MODEST, ..TrackSettings::default() },
        floor: None,
        learns_floor: true,
    }
}

/// The sample clip, which `make test` fetches, ten frames a second.
fn sample() -> Box<dyn capture::FrameSource> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("build/clips/vtest.avi");
    assert!(path.exists(), "{} is missing; `make test` fetches it", path.display());
    let settings = SourceSettings {
        address: SourceAddress::File(path),
        playback: Playback::AsFastAsItGoes,
        open_timeout: Duration::from_secs(30),
        read_timeout: Duration::from_secs(20),
        retry_max: Duration::from_secs(1),
    };
    let clock = Arc::new(SimClock::at(FrameTime::default()));
    capture::open(&settings, clock, *START, Some(10.0)).unwrap()
}

fn network() -> OrtDetector {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/nanodet-g-416-int8.toml");
    let settings = DetectorSettings { manifest, library: None, provider: Provider::Cpu, threads: 1 };
    OrtDetector::open(&settings).unwrap()
}

/// Counts the first 76 s of the sample clip and audits them; gives the clip of its first minute.
fn recorded(folder: &Path) -> Clip {
    let (mut source, mut network) = (sample(), network());
    let start = FrameTime { elapsed: Duration::ZERO, wall: *START };
    let mut pipeline = Pipeline::new(camera(), start).unwrap();
    let made_by = MadeBy {
        camera: CameraId::parse("door").unwrap(),
        run: *START,
        model: network.model().to_owned(),
        geometry: "ab12cd34ef56".to_owned(),
        plane: PlaneName::Image,
    };
    let is_kept = |seed: &u64| MinuteDraw::new(100, *seed).draw(Stratum::Empty).1 == Verdict::Keep;
    let seed = (0..).find(is_kept).unwrap();
    let (sender, jobs) = sync_channel(1000);
    let of = (made_by, camera().lines, Some(SIZE));
    let mut recorder = Recorder::new(&settings(folder), of, seed, sender);
    let mut desk = Desk::new(&settings(folder)).unwrap();

    let (mut frame, mut people, mut events) = (Frame::default(), Vec::<Detection>::new(), Vec::new());
    let mut every_second = |number: u64, _: FrameTime| number % 2 == 1;
    while source.read_wanted(&mut every_second, &mut frame).unwrap() == ReadOutcome::Frame
        && frame.at.elapsed < Duration::from_secs(76)
    {
        network.detect(&frame.picture, frame.at, &mut people).unwrap();
        let seen = SeenFrame { number: frame.number, at: frame.at, size: SIZE, dropped: 0 };
        pipeline.step(seen, &people, &mut events).unwrap();
        recorder.frame(&frame, &people);
        events.drain(..).for_each(|event| recorder.event(&event));
        jobs.try_iter().for_each(|job| assert!(desk.take(job).is_ok()));
    }
    AuditFolder::at(folder).clips().remove(0)
}

#[test]
fn a_minute_of_the_sample_clip_is_kept_with_what_was_counted_and_its_page_takes_a_tally() {
    let shop = page::shop();
    let folder = shop.path().join("audit");
    let clip = recorded(&folder);
    assert_eq!(clip.id, ClipId::of("door", *START).as_str());
    assert!((295..=300).contains(&clip.pictures.len()), "{}", clip.pictures.len());
    assert_eq!((clip.width, clip.height), (240, 180));

    let line = &clip.lines[0];
    let ways = |is_in: bool| line.crossings.iter().filter(|one| one.is_in == is_in).count();
    assert_eq!((line.entries as usize, line.exits as usize), (ways(true), ways(false)));
    assert!(line.entries + line.exits >= 15, "the minute has some 25 crossings, {line:?}");

    let bytes = AuditFolder::at(&folder).pictures(&ClipId::parse(&clip.id).unwrap()).unwrap();
    assert_eq!(bytes.len() as u64, clip.pictures.iter().map(|one| u64::from(one.bytes)).sum::<u64>());
    assert!(bytes.len() < 4_000_000, "{} bytes for a minute", bytes.len());
    let last = &bytes[bytes.len() - clip.pictures.last().unwrap().bytes as usize..];
    assert_eq!(last[..2], [0xff, 0xd8], "each picture is a JPEG of its own");

    page::takes_a_tally(&shop, &clip);
}
