//! What everything after the tracker costs: lines, zones, a queue, a restricted place, minutes, staff, groups, re-entry, passers-by, flow and heat map.
//!
//! Fifty people walk about a 1920x1080 picture, as in the tracker's bench. The baseline is the tracker's own step over the same
//! boxes, in the same run; what the whole pipeline takes more than that is the analytics. The limit is what a box may
//! spend on it: 0.2 ms of CPU a frame. It is printed as a ratio too, because ms depend on the machine and the ratio hardly does.

use footfall::analytics::QuarterSettings;
use footfall::app::usage::process_cpu;
use footfall::calibration::Floor;
use footfall::calibration::mounting::{self, Mounting};
use footfall::count::{Anchor, Band, LineRole, LineSettings};
use footfall::detect::Detection;
use footfall::geom::{ImageBox, ImagePoint, PictureSize, Polygon, Segment};
use footfall::ids::{LineId, ZoneId};
use footfall::pipeline::{Pipeline, PipelineSettings, SeenFrame};
use footfall::random::SplitMix64;
use footfall::time::{FrameTime, WallTime};
use footfall::track::{TrackSettings, TrackSteps, Tracker};
use footfall::visitors::VisitorSettings;
use footfall::zones::{AlertSettings, Allowed, Area, QueueSettings, RestrictionSettings, ZoneSettings};
use std::hint::black_box;
use std::time::Duration;

const PEOPLE: usize = 50;
const FPS: f64 = 10.0;
/// Three minutes, so that minutes and group windows come and go.
const FRAMES: u64 = 1_800;
const ROUNDS: usize = 5;
const LIMIT_MS: f64 = 0.2;
const PICTURE: PictureSize = PictureSize { width: 1920, height: 1080 };

/// A camera high up that sees the floor in its whole picture.
fn floor() -> Floor {
    let mounting = Mounting { height_m: 12.0, tilt_deg: 35.0, field_of_view_deg: 70.0, roll_deg: 0.0 };
    mounting::fit(PICTURE, None, &mounting).expect("a sound camera")
}

/// Detections of every frame: people who walk straight on at their own pace and come back in on the other side.
fn crowd(floor: &Floor) -> Vec<Vec<Detection>> {
    let mut random = SplitMix64::new(50);
    let mut share = || random.next_share() as f32;
    let mut walkers: Vec<[f32; 4]> = (0..PEOPLE)
        .map(|_| [1920.0 * share(), 1080.0 * share(), 12.0 * share() - 6.0, 6.0 * share() - 3.0])
        .collect();
    let mut frame = || {
        let mut seen = Vec::with_capacity(PEOPLE);
        for [x, y, dx, dy] in &mut walkers {
            (*x, *y) = ((*x + *dx).rem_euclid(1920.0), (*y + *dy).rem_euclid(1080.0));
            let height = floor.expected_height_px(ImagePoint::new(*x, *y)).map_or(1.0, |px| px as f32);
            let wobble = 1.0 + 0.04 * (share() - 0.5);
            let bbox =
                ImageBox::from_left_top_size(*x - 0.2 * height, *y - height, 0.4 * height, wobble * height);
            seen.push(Detection { bbox, score: 0.6 + 0.3 * share() });
        }
        seen
    };
    (0..FRAMES).map(|_| frame()).collect()
}

fn line(id: &str, x: f32, role: LineRole) -> LineSettings {
    LineSettings {
        id: LineId::parse(id).expect("an id"),
        segment: Segment::new(ImagePoint::new(x, 0.0), ImagePoint::new(x, 1080.0)),
        band: Band::default(),
        anchor: Anchor::Foot,
        u_turn: Duration::from_secs(2),
        activation: Vec::new(),
        role,
    }
}

/// Eight zones side by side over the whole picture; one is a queue, and in one nobody may be.
fn zones() -> Vec<ZoneSettings> {
    let area = |left: f32, right: f32| {
        let corners = [(left, 200.0), (right, 200.0), (right, 1000.0), (left, 1000.0)];
        let corners = corners.map(|(x, y)| ImagePoint::new(x, y)).to_vec();
        Area::Image(Polygon::new(corners).expect("a rectangle"))
    };
    let zone = |number: u8| {
        let left = 240.0 * f32::from(number);
        let id = ZoneId::parse(&format!("zone-{number}")).expect("an id");
        ZoneSettings::new(id, area(left, left + 240.0))
    };
    let mut zones: Vec<_> = (0..8).map(zone).collect();
    zones[2].queue = Some(QueueSettings {
        service: area(700.0, 720.0),
        served_after: Duration::from_secs(2),
        length: Some(AlertSettings { above: 4, clear_at: 2, during: Duration::from_secs(30) }),
        wait: None,
    });
    zones[5].restriction =
        Some(RestrictionSettings { allowed: Allowed::Never, min_people: 1, after: Duration::from_secs(5) });
    zones
}

fn settings(floor: Option<Floor>) -> PipelineSettings {
    let corner = |x: f32, y: f32| ImagePoint::new(x, y);
    let place = |x: f32| {
        let corners = vec![corner(x, 0.0), corner(x + 40.0, 0.0), corner(x + 40.0, 200.0), corner(x, 200.0)];
        Polygon::new(corners).expect("a square")
    };
    let mut visitors = VisitorSettings::default();
    visitors.staff.staff_only = vec![place(0.0), place(900.0)];
    visitors.staff.counter = vec![place(1800.0)];
    visitors.staff.stay = Some(Duration::from_secs(3_600));
    PipelineSettings {
        picture: Some(PICTURE),
        rate: None,
        lines: vec![
            line("door-a", 480.0, LineRole::Door),
            line("door-b", 1440.0, LineRole::Door),
            line("front", 240.0, LineRole::Passersby),
            line("dock", 1680.0, LineRole::Goods),
        ],
        exclusion: Vec::new(),
        zones: zones(),
        visitors,
        quarters: QuarterSettings::default(),
        longest_gap: Duration::from_secs(2),
        tracking: TrackSettings::default(),
        floor,
        learns_floor: false,
    }
}

fn at(number: u64) -> FrameTime {
    FrameTime::of_run(WallTime::default(), Duration::from_secs_f64(number as f64 / FPS))
}

/// CPU of one run, ms a frame.
fn timed(mut step: impl FnMut(u64, &[Detection]), frames: &[Vec<Detection>]) -> f64 {
    let before = process_cpu();
    (1..).zip(frames).for_each(|(number, detections)| step(number, detections));
    1e3 * (process_cpu() - before).as_secs_f64() / frames.len() as f64
}

/// CPU ms a frame, and how many people are followed in one on the average.
fn track(floor: Option<Floor>, frames: &[Vec<Detection>]) -> (f64, f64) {
    let mut tracker = match floor {
        Some(floor) => Tracker::on_floor(TrackSettings::default(), floor),
        None => Tracker::on_image(TrackSettings::default()),
    };
    let mut steps = TrackSteps::default();
    tracker.picture_is(PICTURE);
    let mut sightings = 0;
    let step = |number, detections: &[Detection]| {
        tracker.step(number, at(number), black_box(detections), &mut steps);
        sightings += steps.sightings.len();
    };
    let spent = timed(step, frames);
    (spent, sightings as f64 / frames.len() as f64)
}

fn whole(floor: Option<Floor>, frames: &[Vec<Detection>]) -> (f64, usize) {
    let mut pipeline = Pipeline::new(settings(floor), at(0)).expect("sound lines");
    let (mut told, mut events) = (Vec::new(), 0);
    let step = |number, detections: &[Detection]| {
        told.clear();
        let frame = SeenFrame { number, at: at(number), size: PICTURE, dropped: 0 };
        pipeline.step(frame, black_box(detections), &mut told).expect("one size");
        events += told.len();
    };
    (timed(step, frames), events)
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn main() {
    let frames = crowd(&floor());
    for (name, floor) in [("picture", None), ("floor", Some(floor()))] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let (tracker, followed) = track(floor.clone(), &frames);
            let (pipeline, events) = whole(floor.clone(), &frames);
            rounds.push((tracker, (pipeline - tracker).max(0.0), events, followed));
        }
        let tracker = median(rounds.iter().map(|round| round.0).collect());
        let analytics = median(rounds.iter().map(|round| round.1).collect());
        println!(
            "{name}: {PEOPLE} people, {:.1} of them followed, {} events: tracker (baseline) {tracker:.4} ms a frame, analytics {analytics:.4} ms, \
             {:.2} of the baseline; limit {LIMIT_MS} ms: {}",
            rounds[0].3,
            rounds[0].2,
            analytics / tracker,
            if analytics < LIMIT_MS { "kept" } else { "MISSED" }
        );
    }
}
