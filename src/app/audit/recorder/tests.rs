use super::*;
use crate::analytics::VisitorCounts;
use crate::app::audit::folder::AuditFolder;
use crate::app::audit::writer::Desk;
use crate::audit::Stratum;
use crate::capture::Picture;
use crate::count::{Anchor, Band, LineRole};
use crate::geom::{ImageBox, Segment};
use crate::ids::{CameraId, LineId, TrackId};
use crate::time::{Clock, FrameTime, SimClock};
use std::sync::mpsc::{Receiver, sync_channel};

const SIZE: PictureSize = PictureSize { width: 128, height: 96 };
/// A minute begins here.
const START: i64 = 1_760_000_040_000;

fn settings(folder: &std::path::Path) -> AuditSettings {
    AuditSettings {
        clips_per_day: 100,
        keep: Duration::from_secs(3600),
        folder: folder.to_owned(),
        fps: 5.0,
        width_px: 240,
        max_bytes: 1_000_000_000,
    }
}

fn line() -> LineSettings {
    LineSettings {
        id: LineId::parse("entrance").unwrap(),
        segment: Segment::new(ImagePoint::new(64.0, 0.0), ImagePoint::new(64.0, 96.0)),
        band: Band::default(),
        anchor: Anchor::default(),
        u_turn: Duration::ZERO,
        activation: Vec::new(),
        role: LineRole::default(),
    }
}

/// A seed with which the first minute of an empty morning is kept, or is not.
fn seed(wanted: Verdict) -> u64 {
    let verdict = |seed: &u64| MinuteDraw::new(100, *seed).draw(Stratum::Empty).1;
    (0..).find(|seed| verdict(seed) == wanted).unwrap()
}

/// A camera, its clock, and what it sends. Every pixel of its picture differs from its neighbours.
struct Scene {
    recorder: Recorder,
    clock: SimClock,
    jobs: Receiver<Job>,
    picture: Picture,
    number: u64,
}

impl Scene {
    fn new(seed: u64, starts_ms: i64, queue: usize) -> Self {
        let (sender, jobs) = sync_channel(queue);
        let made_by = MadeBy {
            camera: CameraId::parse("door").unwrap(),
            run: WallTime::default(),
            model: "m".to_owned(),
            geometry: "g".to_owned(),
            plane: crate::track::PlaneName::Image,
        };
        let byte = |i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8;
        let bgr = (0..3 * SIZE.width * SIZE.height).map(byte).collect();
        let of = (made_by, vec![line()], Some(SIZE));
        Self {
            recorder: Recorder::new(&settings(std::path::Path::new("")), of, seed, sender),
            clock: SimClock::at(FrameTime {
                elapsed: Duration::ZERO,
                wall: WallTime::from_unix_ms(starts_ms),
            }),
            jobs,
            picture: Picture { width: SIZE.width, height: SIZE.height, bgr },
            number: 0,
        }
    }

    /// Ten frames a second for a while, with somebody 64 px high who does not move.
    fn watch(&mut self, seconds: u64) {
        let person = Detection { bbox: ImageBox::new(40.0, 16.0, 60.0, 80.0), score: 0.9 };
        for _ in 0..10 * seconds {
            self.number += 1;
            let frame = Frame { number: self.number, at: self.clock.now(), picture: self.picture.clone() };
            self.recorder.frame(&frame, &[person]);
            self.clock.advance(Duration::from_millis(100));
        }
    }

    fn crossing(&mut self, direction: Direction, after_ms: u64) {
        let wall = WallTime::from_unix_ms(START) + Duration::from_millis(after_ms);
        let at = FrameTime { elapsed: Duration::ZERO, wall };
        let crossing = Crossing { line: line().id, direction, track: TrackId(1), frame: 1, at };
        self.recorder.event(&CameraEvent::Crossing(crossing));
    }

    /// The pipeline gives the first minute out, with 2 in and 1 out.
    fn give_out(&mut self, seen_s: u64, part: bool) {
        let minute = LineMinute {
            line: line().id,
            start: WallTime::from_unix_ms(START),
            entries: 2,
            exits: 1,
            role: LineRole::default(),
            visitors: VisitorCounts::default(),
            seen: Duration::from_secs(seen_s),
            frames: 600,
            dropped: 0,
            part,
            valid: true,
        };
        self.recorder.event(&CameraEvent::Minute(minute));
    }

    /// What was sent: pictures, clips, clips that were thrown away, minutes.
    fn sent(&self) -> (usize, usize, usize, usize) {
        let mut sent = (0, 0, 0, 0);
        for job in self.jobs.try_iter() {
            match job {
                Job::Picture { .. } => sent.0 += 1,
                Job::Finish(_) => sent.1 += 1,
                Job::Discard(_) => sent.2 += 1,
                Job::Minute { .. } => sent.3 += 1,
            }
        }
        sent
    }
}

/// A camera that starts with a minute, which is then given out so: seconds seen, and whether as a part.
#[track_caller]
fn check(verdict: Verdict, given_out: (u64, bool), expected: (usize, usize, usize, usize)) {
    let mut scene = Scene::new(seed(verdict), START, 10_000);
    scene.watch(64);
    scene.give_out(given_out.0, given_out.1);
    assert_eq!(scene.sent(), expected);
}

#[test]
fn a_minute_that_is_drawn_becomes_a_clip_of_five_pictures_a_second() {
    check(Verdict::Keep, (60, false), (300, 1, 0, 1));
}

#[test]
fn a_minute_that_is_not_drawn_is_one_of_those_that_are_weighed() {
    check(Verdict::Pass, (60, false), (0, 0, 0, 1));
}

#[test]
fn a_minute_with_a_gap_is_thrown_away_and_not_weighed() {
    check(Verdict::Keep, (50, false), (300, 0, 1, 0));
    check(Verdict::Keep, (60, true), (300, 0, 1, 0));
    check(Verdict::Pass, (50, false), (0, 0, 0, 0));
}

#[test]
fn a_minute_that_has_begun_before_the_camera_is_not_drawn() {
    let mut scene = Scene::new(seed(Verdict::Keep), START + 3000, 10_000);
    scene.watch(56);
    scene.give_out(60, false);
    assert_eq!(scene.sent(), (0, 0, 0, 0));
}

#[test]
fn a_disk_that_is_too_slow_makes_no_clip_and_never_holds_up_the_counting() {
    let mut scene = Scene::new(seed(Verdict::Keep), START, 3);
    scene.watch(64);
    assert_eq!(scene.sent(), (3, 0, 0, 0));
    scene.give_out(60, false);
    assert_eq!(scene.sent(), (0, 0, 1, 1));
}

#[test]
fn pictures_before_a_frame_that_nobody_looked_at_are_left_out_and_counted_as_lost() {
    let lost_after = |away: fn(&mut Scene)| {
        let mut scene = Scene::new(seed(Verdict::Keep), START, 10_000);
        scene.watch(30);
        away(&mut scene);
        scene.watch(34);
        scene.give_out(60, false);
        let jobs: Vec<Job> = scene.jobs.try_iter().collect();
        let pictures = jobs.iter().filter(|job| matches!(job, Job::Picture { .. })).count();
        let lost =
            jobs.iter().find_map(|job| if let Job::Finish(clip) = job { Some(clip.lost) } else { None });
        (pictures, lost.unwrap())
    };
    // Five pictures a second are held back for a second: those of the last one.
    assert_eq!(lost_after(|scene| scene.recorder.not_seen()), (295, 5));
    // The camera was away for longer than half a second; some pictures are not there at all.
    let (pictures, lost) = lost_after(|scene| scene.clock.advance(Duration::from_millis(600)));
    assert_eq!((pictures, lost), (292, 5));
}

/// A whole clip in a folder, as the writer makes it.
fn recorded() -> (tempfile::TempDir, AuditFolder, Clip) {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(seed(Verdict::Keep), START, 10_000);
    scene.watch(64);
    scene.crossing(Direction::In, 12_345);
    scene.crossing(Direction::Out, 45_000);
    scene.crossing(Direction::In, 61_000);
    scene.give_out(60, false);
    let mut desk = Desk::new(&settings(dir.path())).unwrap();
    scene.jobs.try_iter().for_each(|job| assert!(desk.take(job).is_ok()));
    let folder = AuditFolder::at(dir.path());
    let clip = folder.clips().remove(0);
    (dir, folder, clip)
}

#[test]
fn a_clip_says_what_was_counted_when_and_where_the_line_is() {
    let (_dir, folder, clip) = recorded();
    assert_eq!((clip.id.as_str(), clip.drawn.stratum.as_str()), ("door-20251009t0854z", "empty"));
    assert_eq!((clip.width, clip.height, clip.pictures.len(), clip.lost), (128, 96, 300, 0));
    assert!(clip.pictures.iter().is_sorted_by_key(|picture| picture.at_ms));
    let line = &clip.lines[0];
    assert_eq!((line.from, line.to, line.entries, line.exits), ([0.5, 0.0], [0.5, 1.0], 2, 1));
    let crossings: Vec<(u32, bool)> = line.crossings.iter().map(|one| (one.at_ms, one.is_in)).collect();
    assert_eq!(crossings, [(12_345, true), (45_000, false)]);
    let sums = &folder.days()[0].sums;
    assert_eq!((sums[0].minutes, sums[0].crossings, sums[0].geometry.as_str()), (1, 3, "g"));
}

/// What the JPEG on disk shows of a person is cells of one colour each, and nothing between.
#[test]
fn nothing_finer_than_a_head_is_left_of_a_person_in_the_file() {
    let (_dir, folder, clip) = recorded();
    let bytes = folder.pictures(&ClipId::parse(&clip.id).unwrap()).unwrap();
    let first = &bytes[..clip.pictures[0].bytes as usize];
    let picture = image::load_from_memory_with_format(first, image::ImageFormat::Jpeg).unwrap().to_rgb8();
    let spread = |left: u32, top: u32| {
        let pixels = (0..64).map(|i| picture.get_pixel(left + i % 8, top + i / 8).0[1]);
        pixels.clone().max().unwrap() - pixels.min().unwrap()
    };
    // The person is 64 px high, so the cells are of 8 px; these two lie within the box.
    assert!(spread(40, 24) <= 8 && spread(48, 64) <= 8, "{} {}", spread(40, 24), spread(48, 64));
    // Beside the person the same noise is all there.
    assert!(spread(104, 24) > 60, "{}", spread(104, 24));
}
