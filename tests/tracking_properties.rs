//! What holds of every walk, whoever walks and however they are seen.
//!
//! One door: boxes with their times go in, crossings of one line that no way leads around come out. Whatever the
//! tracker is told, it must not contradict itself after any frame.

use footfall::calibration::Floor;
use footfall::calibration::mounting::{self, Mounting};
use footfall::count::{Anchor, Band, Crossing, Direction, LineRole, LineSettings, Tripwire};
use footfall::detect::Detection;
use footfall::geom::{ImageBox, ImagePoint, PictureSize, Segment};
use footfall::ids::LineId;
use footfall::time::{FrameTime, WallTime};
use footfall::track::{TrackSettings, TrackSteps, Tracker};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const PICTURE: PictureSize = PictureSize { width: 1024, height: 768 };

/// Where people are followed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum View {
    Image,
    Floor,
    Learning,
}

const VIEWS: [View; 3] = [View::Image, View::Floor, View::Learning];

/// One frame: its time, and what was seen in it.
type Frame = (Duration, Vec<Detection>);

/// A camera 3.2 m up that looks along an aisle; the horizon is at row 153.
fn aisle() -> Floor {
    let mounting = Mounting { height_m: 3.2, tilt_deg: 17.0, field_of_view_deg: 67.0, roll_deg: 0.0 };
    mounting::fit(PICTURE, None, &mounting).expect("a sound camera")
}

/// What one camera sees: its tracker, and a line down the middle of its picture and far beyond.
struct Camera {
    tracker: Tracker,
    wire: Tripwire,
    steps: TrackSteps,
    crossings: Vec<Crossing>,
    frames: u64,
}

impl Camera {
    /// `scale` is how many px this camera has for each of the usual one.
    fn new(view: View, scale: u32) -> Self {
        let picture = PictureSize { width: PICTURE.width * scale, height: PICTURE.height * scale };
        let tracker = match view {
            View::Image => Tracker::on_image(TrackSettings::default()),
            View::Floor => {
                let floor = aisle().for_picture(picture).expect("a picture of the same shape");
                Tracker::on_floor(TrackSettings::default(), floor)
            }
            View::Learning => Tracker::learning(TrackSettings::default()),
        };
        let middle = (picture.width / 2) as f32;
        let segment = Segment::new(ImagePoint::new(middle, 1e6), ImagePoint::new(middle, -1e6));
        let id = LineId::parse("middle").expect("an id");
        let (band, activation) = (Band::default(), Vec::new());
        let role = LineRole::default();
        let settings = LineSettings {
            id,
            segment,
            band,
            anchor: Anchor::Foot,
            u_turn: Duration::ZERO,
            activation,
            role,
        };
        let wire = Tripwire::new(settings).expect("a sound line");
        let (steps, crossings) = (TrackSteps::default(), Vec::new());
        let mut camera = Self { tracker, wire, steps, crossings, frames: 0 };
        camera.tracker.picture_is(picture);
        camera
    }

    fn see(&mut self, at: Duration, detections: &[Detection]) {
        self.frames += 1;
        let at = FrameTime::of_run(WallTime::default(), at);
        self.tracker.step(self.frames, at, detections, &mut self.steps);
        self.tracker.check_invariants(&self.steps);
        self.steps.sightings.iter().for_each(|sighting| self.wire.see(sighting, &mut self.crossings));
        self.steps.ended.iter().for_each(|track| self.wire.forget(*track));
    }
}

/// The one door.
fn walk(view: View, scale: u32, frames: &[Frame]) -> Vec<Crossing> {
    let mut camera = Camera::new(view, scale);
    frames.iter().for_each(|(at, detections)| camera.see(*at, detections));
    camera.crossings
}

/// How many came in and went out.
fn counts(crossings: &[Crossing]) -> (usize, usize) {
    let of = |direction| crossings.iter().filter(|crossing| crossing.direction == direction).count();
    (of(Direction::In), of(Direction::Out))
}

/// The box of a usual person who stands at a place of the floor, metres; none where the camera does not see it.
fn person_at(floor: &Floor, x_m: f64, y_m: f64, score: f32) -> Option<Detection> {
    let foot = floor.in_image(x_m, y_m)?;
    let height = floor.expected_height_px(foot)? as f32;
    let bbox = ImageBox::from_left_top_size(foot.x - 0.2 * height, foot.y - height, 0.4 * height, height);
    Some(Detection { bbox, score })
}

/// Somebody who crosses the aisle, each in a lane of their own.
#[derive(Debug, Clone, Copy)]
struct Passer {
    to_the_right: bool,
    starts_s: f64,
    speed_m_s: f64,
    /// How far they drift along the aisle meanwhile, m/s.
    drift_m_s: f64,
}

/// Half of the way that a passer is seen for, metres.
const HALF_WAY_M: f64 = 2.2;

impl Passer {
    fn at(&self, lane: usize, seconds: f64) -> Option<(f64, f64)> {
        let walked = self.speed_m_s * (seconds - self.starts_s) - HALF_WAY_M;
        let x_m = if self.to_the_right { walked } else { -walked };
        let y_m = 6.0 + 2.0 * lane as f64 + self.drift_m_s * (seconds - self.starts_s);
        (walked.abs() <= HALF_WAY_M).then_some((x_m, y_m))
    }
}

fn passers() -> impl Strategy<Value = Vec<Passer>> {
    let passer = (any::<bool>(), 0.0..4.0, 0.5..1.7, -0.1..0.1).prop_map(
        |(to_the_right, starts_s, speed_m_s, drift_m_s)| Passer {
            to_the_right,
            starts_s,
            speed_m_s,
            drift_m_s,
        },
    );
    prop::collection::vec(passer, 1..4)
}

/// Passers as a camera of `fps` frames a second sees them for 14 s.
fn passing(passers: &[Passer], fps: u32) -> Vec<Frame> {
    let floor = aisle();
    let at = |frame: u32| f64::from(frame) / f64::from(fps);
    let seen = |seconds: f64| {
        let places = passers.iter().enumerate().filter_map(|(lane, passer)| passer.at(lane, seconds));
        places.filter_map(|(x_m, y_m)| person_at(&floor, x_m, y_m, 0.9)).collect()
    };
    (0..14 * fps).map(|frame| (Duration::from_secs_f64(at(frame)), seen(at(frame)))).collect()
}

fn mirrored(frames: &[Frame]) -> Vec<Frame> {
    let width = PICTURE.width as f32;
    let turned =
        |bbox: &ImageBox| ImageBox::new(width - bbox.right, bbox.top, width - bbox.left, bbox.bottom);
    frames
        .iter()
        .map(|(at, seen)| (*at, seen.iter().map(|d| Detection { bbox: turned(&d.bbox), ..*d }).collect()))
        .collect()
}

fn enlarged(frames: &[Frame], scale: f32) -> Vec<Frame> {
    let larger = |d: &Detection| Detection { bbox: d.bbox.scaled(scale, scale), ..*d };
    frames.iter().map(|(at, seen)| (*at, seen.iter().map(larger).collect())).collect()
}

/// People who wander about the aisle at ten frames a second: each has a new aim every second, some boxes are
/// missed, some are weak.
fn wanderers() -> impl Strategy<Value = Vec<Frame>> {
    let aims = prop::collection::vec((-2.5f64..2.5, 5.0f64..12.0), 12);
    let people = prop::collection::vec(aims, 1..6);
    let luck = prop::collection::vec(0.0f32..1.0, 110 * 6);
    (people, luck).prop_map(|(people, luck)| {
        let floor = aisle();
        let seen = |frame: usize| {
            let (second, share) = (frame / 10, (frame % 10) as f64 / 10.0);
            let place = |aims: &Vec<(f64, f64)>| {
                let ((x, y), (next_x, next_y)) = (aims[second], aims[second + 1]);
                (x + share * (next_x - x), y + share * (next_y - y))
            };
            let boxes = people.iter().enumerate().filter_map(|(person, aims)| {
                let (luck, (x_m, y_m)) = (luck[6 * frame + person], place(aims));
                let score = if luck < 0.2 { 0.52 } else { 0.9 };
                person_at(&floor, x_m, y_m, score).filter(|_| luck > 0.05)
            });
            boxes.collect()
        };
        (0..110).map(|frame| (Duration::from_millis(100 * frame as u64), seen(frame))).collect()
    })
}

/// A number as a broken decoder, or nobody, would give it.
fn any_number() -> impl Strategy<Value = f32> {
    let odd =
        vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, 1e-30, 0.0, 999_999.0, -999_999.0];
    prop_oneof![12 => -200.0f32..1_300.0, 1 => prop::sample::select(odd)]
}

fn any_detection() -> impl Strategy<Value = Detection> {
    let sides = (any_number(), any_number(), any_number(), any_number(), any_number());
    prop_oneof![
        sides.prop_map(|(left, top, width, height, score)| {
            Detection { bbox: ImageBox::from_left_top_size(left, top, width, height), score: score / 1_000.0 }
        }),
        // Somebody who can be followed, so that it is not only nonsense that is refused.
        (-2.0f64..2.0, 5.0f64..9.0, 0.4f32..1.0).prop_map(|(x_m, y_m, score)| {
            person_at(&aisle(), x_m, y_m, score).expect("the camera sees all of the aisle")
        }),
    ]
}

/// What may happen to a camera.
#[derive(Debug, Clone)]
enum Happening {
    /// A frame so many ms after the one before, or before it.
    Frame(i64, Vec<Detection>),
    Picture(PictureSize),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let step_ms = prop_oneof![8 => 30i64..400, 1 => Just(0i64), 1 => -5_000i64..0, 1 => 0i64..100_000_000];
    let frame = (step_ms, prop::collection::vec(any_detection(), 0..8));
    let size = (1u32..4_000, 1u32..3_000).prop_map(|(width, height)| PictureSize { width, height });
    let happening = prop_oneof![
        30 => frame.prop_map(|(step_ms, seen)| Happening::Frame(step_ms, seen)),
        1 => size.prop_map(Happening::Picture),
    ];
    prop::collection::vec(happening, 0..60)
}

/// Plays them to a camera that must bear them all.
fn bear(view: View, happenings: &[Happening]) {
    let mut camera = Camera::new(view, 1);
    let mut now_ms = 0_i64;
    for happening in happenings {
        match happening {
            Happening::Frame(step_ms, seen) => {
                now_ms = (now_ms + step_ms).max(0);
                camera.see(Duration::from_millis(now_ms.unsigned_abs()), seen);
            }
            Happening::Picture(size) => camera.tracker.picture_is(*size),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn entries_and_exits_of_one_track_alternate(frames in wanderers()) {
        for view in VIEWS {
            let mut last = BTreeMap::new();
            for Crossing { track, direction, .. } in walk(view, 1, &frames) {
                prop_assert_ne!(last.insert(track, direction), Some(direction), "{:?} {}", view, track);
            }
        }
    }

    #[test]
    fn a_mirrored_scene_gives_mirrored_counts(frames in wanderers()) {
        for view in VIEWS {
            let (came, went) = counts(&walk(view, 1, &frames));
            prop_assert_eq!(counts(&walk(view, 1, &mirrored(&frames))), (went, came), "{:?}", view);
        }
    }

    #[test]
    fn the_frame_rate_of_a_smooth_walk_does_not_change_its_counts(passers in passers()) {
        let left = passers.iter().filter(|passer| !passer.to_the_right).count();
        let expected = (left, passers.len() - left);
        for view in VIEWS {
            for fps in [30, 15, 10, 5] {
                let found = counts(&walk(view, 1, &passing(&passers, fps)));
                prop_assert_eq!(found, expected, "{:?} at {} frames a second", view, fps);
            }
        }
    }

    #[test]
    fn a_camera_with_twice_the_pixels_counts_the_same(frames in wanderers()) {
        let larger = enlarged(&frames, 2.0);
        prop_assert_eq!(walk(View::Image, 1, &frames), walk(View::Image, 2, &larger));
    }

    #[test]
    fn a_floor_in_twice_the_pixels_counts_the_same(passers in passers()) {
        let frames = passing(&passers, 10);
        let larger = enlarged(&frames, 2.0);
        prop_assert_eq!(counts(&walk(View::Floor, 1, &frames)), counts(&walk(View::Floor, 2, &larger)));
    }

    #[test]
    fn no_stream_of_boxes_times_and_picture_sizes_breaks_the_tracker(happenings in happenings()) {
        VIEWS.into_iter().for_each(|view| bear(view, &happenings));
    }
}

#[test]
fn wanderers_do_cross_so_that_the_properties_speak_of_something() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let frames = wanderers().new_tree(&mut TestRunner::deterministic()).expect("a walk").current();
    for view in VIEWS {
        let (came, went) = counts(&walk(view, 1, &frames));
        assert!(came + went >= 3, "{view:?}: {came} in, {went} out");
    }
}
