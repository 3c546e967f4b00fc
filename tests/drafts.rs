//! A box that dies at any moment: what it had stored says everything once, also of the minute that was open.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use footfall::analytics::QuarterSettings;
use footfall::count::{Anchor, Band, LineRole, LineSettings};
use footfall::detect::Detection;
use footfall::geom::{ImageBox, ImagePoint, PictureSize, Polygon, Segment};
use footfall::ids::{BoxId, CameraId, LineId, ZoneId};
use footfall::outbox::{Change, DraftChange, Drafts, Outbox};
use footfall::pipeline::{CameraEvent, Draft, Pipeline, PipelineSettings, SeenFrame};
use footfall::time::{FrameTime, WallTime};
use footfall::track::{PlaneName, TrackSettings};
use footfall::visitors::VisitorSettings;
use footfall::wire::v1::{Direction, Fact, MadeBy, Record};
use footfall::zones::{Area, ZoneSettings};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

const PICTURE: PictureSize = PictureSize { width: 1000, height: 600 };
const FRAME_MS: u64 = 100;
/// A minute and a quarter of one, so that minutes end while people walk.
const FRAMES: u64 = 900;
/// A quarter of an hour ends 30 s later.
const START: WallTime = WallTime::from_unix_ms(870_000);
/// As the service does it, in frames: drafts at least every second, those of quarters every 15.
const DRAFT_EVERY: u64 = 10;
const DRAFT_QUARTERS_EVERY: u64 = 150;

fn pipeline(start: FrameTime) -> Pipeline {
    let door = LineSettings {
        id: LineId::parse("door").unwrap(),
        segment: Segment::new(ImagePoint::new(300.0, 0.0), ImagePoint::new(300.0, 600.0)),
        band: Band::default(),
        anchor: Anchor::Foot,
        u_turn: Duration::from_secs(2),
        activation: Vec::new(),
        role: LineRole::Door,
    };
    let corners = [(400.0, 0.0), (900.0, 0.0), (900.0, 600.0), (400.0, 600.0)];
    let polygon = Polygon::new(corners.map(|(x, y)| ImagePoint::new(x, y)).to_vec()).unwrap();
    let mut zone = ZoneSettings::new(ZoneId::parse("shoes").unwrap(), Area::Image(polygon));
    zone.rule.visit_after = Duration::from_secs(1);
    let settings = PipelineSettings {
        picture: Some(PICTURE),
        rate: None,
        lines: vec![door],
        exclusion: Vec::new(),
        zones: vec![zone],
        visitors: VisitorSettings::default(),
        quarters: QuarterSettings::default(),
        longest_gap: Duration::from_secs(2),
        tracking: TrackSettings::default(),
        floor: None,
        learns_floor: false,
    };
    Pipeline::new(settings, start).unwrap()
}

/// Somebody who walks to and fro over the door and through the zone: from which frame on, how fast, in which row.
type Walker = (u64, f32, f32);

fn person_at((from, px_a_frame, y): Walker, frame: u64) -> Option<Detection> {
    let way = (frame.checked_sub(from)? as f32) * px_a_frame;
    let x = 100.0 + 700.0 * (1.0 - (way / 700.0 % 2.0 - 1.0).abs());
    let bbox = ImageBox::from_left_top_size(x - 20.0, y - 104.0, 40.0, 104.0);
    Some(Detection { bbox, score: 0.9 })
}

/// A camera's thread, and the outbox that it tells.
struct Run {
    outbox: Outbox,
    pipeline: Pipeline,
    made_by: MadeBy,
    told: Vec<CameraEvent>,
}

impl Run {
    fn start(dir: &Path, frame: u64) -> Self {
        let at = at(frame);
        let outbox = Outbox::open(&dir.join("o.sqlite"), &BoxId::parse("b").unwrap(), at.wall).unwrap().0;
        let camera = CameraId::parse("door").unwrap();
        let (model, geometry) = ("m".to_owned(), "g".to_owned());
        let made_by = MadeBy { camera, run: at.wall, model, geometry, plane: PlaneName::Image };
        Self { outbox, pipeline: pipeline(at), made_by, told: Vec::new() }
    }

    fn facts(&self, events: &[CameraEvent]) -> Vec<Fact> {
        events.iter().map(|event| Fact::of(&self.made_by, event)).collect()
    }

    /// What is told goes to the disk in one transaction with what would still have to be told.
    fn look(&mut self, frame: u64, people: &[Detection]) {
        let seen = SeenFrame { number: frame + 1, at: at(frame), size: PICTURE, dropped: 0 };
        self.pipeline.step(seen, people, &mut self.told).unwrap();
        let told = std::mem::take(&mut self.told);
        let mut drafts = Drafts::new();
        let is_quarter = |event: &CameraEvent| matches!(event, CameraEvent::Flow(_) | CameraEvent::Heat(_));
        for (what, name, is_time) in [
            (Draft::Open, "door", !told.is_empty() || frame.is_multiple_of(DRAFT_EVERY)),
            (
                Draft::Quarters,
                "door/quarters",
                told.iter().any(is_quarter) || frame.is_multiple_of(DRAFT_QUARTERS_EVERY),
            ),
        ] {
            if is_time {
                let mut open = Vec::new();
                self.pipeline.draft(what, at(frame), &mut open);
                drafts.insert(name.to_owned(), self.facts(&open));
            }
        }
        let facts = self.facts(&told);
        let change = Change { facts: &facts, drafts: DraftChange::Replaced(&drafts), ..Change::default() };
        self.outbox.commit(&change, at(frame).wall).unwrap();
    }
}

fn at(frame: u64) -> FrameTime {
    FrameTime::of_run(START, Duration::from_millis(FRAME_MS * frame))
}

/// Everything that is on disk after the box died at each of these frames, and once more at the end.
fn records(walkers: &[Walker], deaths: &BTreeSet<u64>) -> Vec<Fact> {
    let dir = tempfile::tempdir().unwrap();
    let mut run = Run::start(dir.path(), 0);
    for frame in 0..FRAMES {
        if deaths.contains(&frame) {
            drop(run);
            run = Run::start(dir.path(), frame);
        }
        let people: Vec<Detection> = walkers.iter().filter_map(|walker| person_at(*walker, frame)).collect();
        run.look(frame, &people);
    }
    drop(run);
    let outbox = Run::start(dir.path(), FRAMES).outbox;
    let rows = outbox.records(0, usize::MAX).unwrap();
    rows.iter().map(|row| serde_json::from_str::<Record>(row.body.get()).unwrap().fact).collect()
}

/// Crossings in and out, visits; told one by one, and as sums of minutes; and what was seen of the door, ms.
fn sums(facts: &[Fact]) -> ([u64; 3], [u64; 3], u64) {
    let (mut single, mut summed, mut seen_ms) = ([0; 3], [0; 3], 0);
    for fact in facts {
        match fact {
            Fact::Crossing(crossing) => single[usize::from(crossing.direction == Direction::Out)] += 1,
            Fact::Visit(_) => single[2] += 1,
            Fact::Minute(minute) => {
                summed[0] += u64::from(minute.entries);
                summed[1] += u64::from(minute.exits);
                seen_ms += u64::try_from(minute.seen.as_millis()).unwrap();
            }
            Fact::ZoneMinute(minute) => summed[2] += u64::from(minute.visits),
            _ => {}
        }
    }
    (single, summed, seen_ms)
}

fn check(walkers: &[Walker], deaths: &BTreeSet<u64>) {
    let facts = records(walkers, deaths);
    let (single, summed, seen_ms) = sums(&facts);
    assert_eq!(single, summed, "each crossing and visit stands in one minute, and nothing twice");
    let whole_ms = (FRAMES - 1) * FRAME_MS;
    // A run knows what it saw from its first frame on, and loses at most a second of it.
    let least_ms = whole_ms - (deaths.len() as u64 + 1) * (1000 + FRAME_MS);
    assert!((least_ms..=whole_ms).contains(&seen_ms), "{seen_ms} ms of {whole_ms} are called seen");
    let quarters = facts.iter().filter(|fact| matches!(fact, Fact::Flow(_))).count();
    assert!(quarters >= 2, "both quarters of an hour are told, also the one that was open");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn whenever_the_box_dies_its_minutes_hold_every_crossing_and_every_visit_once(
        walkers in prop::collection::vec((0..500_u64, 4.0..12.0_f32, 150.0..590.0_f32), 1..4),
        deaths in prop::collection::btree_set(1..FRAMES, 0..5),
    ) {
        check(&walkers, &deaths);
    }
}

#[test]
fn a_box_that_dies_while_somebody_is_within_the_u_turn_time_has_the_crossing() {
    // 200 px to the door at 10 px a frame, and beyond its band a moment later.
    let facts = records(&[(0, 10.0, 400.0)], &BTreeSet::from([27]));
    let (single, summed, _) = sums(&facts);
    assert!(single[0] >= 1 && single == summed, "{single:?} and {summed:?}");
}
