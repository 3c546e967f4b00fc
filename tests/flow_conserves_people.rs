//! Nobody is lost or doubled between boxes and flow: whoever arrives in a zone has left it or is still there, however people
//! walk, hide behind each other and appear anew.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use footfall::analytics::{FlowQuarter, Place, QuarterSettings};
use footfall::count::{Anchor, Band, LineRole, LineSettings};
use footfall::detect::Detection;
use footfall::geom::{ImageBox, ImagePoint, PictureSize, Polygon, Segment};
use footfall::ids::{LineId, ZoneId};
use footfall::pipeline::{CameraEvent, Pipeline, PipelineSettings, SeenFrame};
use footfall::time::{FrameTime, WallTime};
use footfall::track::TrackSettings;
use footfall::visitors::VisitorSettings;
use footfall::zones::{Area, ZoneSettings};
use proptest::prelude::*;
use std::time::Duration;

const PICTURE: PictureSize = PictureSize { width: 1000, height: 600 };
const FRAME_MS: u64 = 100;
const FRAMES: u64 = 700;
/// A quarter of an hour ends 30 s later.
const START: WallTime = WallTime::from_unix_ms(870_000);
/// A person in px; a metre is 61 px.
const WIDTH: f32 = 40.0;
const HEIGHT: f32 = 104.0;

/// Somebody's way: in which frame, and where the feet are, px. Between two stops they walk straight.
type Walk = Vec<(u64, f32, f32)>;

/// A zone over all rows of the picture.
fn zone(id: &str, left: f32, right: f32) -> ZoneSettings {
    let corners = [(left, 0.0), (right, 0.0), (right, 600.0), (left, 600.0)];
    let polygon = Polygon::new(corners.map(|(x, y)| ImagePoint::new(x, y)).to_vec()).unwrap();
    let mut zone = ZoneSettings::new(ZoneId::parse(id).unwrap(), Area::Image(polygon));
    zone.rule.visit_after = Duration::from_secs(1);
    zone
}

/// Two zones, and the door between the left edge and the first.
fn pipeline(at: FrameTime) -> Pipeline {
    let door = LineSettings {
        id: LineId::parse("door").unwrap(),
        segment: Segment::new(ImagePoint::new(150.0, 0.0), ImagePoint::new(150.0, 600.0)),
        band: Band::default(),
        anchor: Anchor::Foot,
        u_turn: Duration::from_secs(1),
        activation: Vec::new(),
        role: LineRole::Door,
    };
    let settings = PipelineSettings {
        picture: Some(PICTURE),
        rate: None,
        lines: vec![door],
        exclusion: Vec::new(),
        zones: vec![zone("shoes", 250.0, 500.0), zone("till", 600.0, 900.0)],
        visitors: VisitorSettings::default(),
        quarters: QuarterSettings::default(),
        longest_gap: Duration::from_secs(2),
        tracking: TrackSettings::default(),
        floor: None,
        learns_floor: false,
    };
    Pipeline::new(settings, at).unwrap()
}

fn person_at(walk: &Walk, frame: u64) -> Option<Detection> {
    let step = walk.windows(2).find(|step| (step[0].0..=step[1].0).contains(&frame))?;
    let [(begun, x, y), (ended, to_x, to_y)] = [step[0], step[1]];
    let share = (frame - begun) as f32 / (ended - begun).max(1) as f32;
    let (x, y) = (x + share * (to_x - x), y + share * (to_y - y));
    let bbox = ImageBox::from_left_top_size(x - 0.5 * WIDTH, y - HEIGHT, WIDTH, HEIGHT);
    Some(Detection { bbox, score: 0.9 })
}

/// What flow tells of these walks.
fn flow(walks: &[Walk]) -> Vec<FlowQuarter> {
    let at = |frame: u64| FrameTime::of_run(START, Duration::from_millis(FRAME_MS * frame));
    let (mut pipeline, mut told) = (pipeline(at(0)), Vec::new());
    for frame in 0..FRAMES {
        let people: Vec<Detection> = walks.iter().filter_map(|walk| person_at(walk, frame)).collect();
        let seen = SeenFrame { number: frame + 1, at: at(frame), size: PICTURE, dropped: 0 };
        pipeline.step(seen, &people, &mut told).unwrap();
    }
    pipeline.finish(at(FRAMES), &mut told);
    told.into_iter()
        .filter_map(|event| if let CameraEvent::Flow(flow) = event { Some(flow) } else { None })
        .collect()
}

/// People who came to a place and who left it, by the quarter.
fn moved(quarter: &FlowQuarter, place: Place) -> (u32, u32) {
    let sum = |is: &dyn Fn(&(Place, Place, u32)) -> bool| {
        quarter.moves.iter().filter(|step| is(step)).map(|step| step.2).sum()
    };
    (sum(&|step| step.1 == place), sum(&|step| step.0 == place))
}

/// Comes in below all others, stands in both zones, and stays in the second.
fn anna() -> Walk {
    vec![
        (0, 60.0, 590.0),
        (50, 370.0, 590.0),
        (150, 370.0, 590.0),
        (220, 750.0, 590.0),
        (FRAMES, 750.0, 590.0),
    ]
}

fn any_walk() -> impl Strategy<Value = Walk> {
    let stop = (1u64..90, 20.0f32..980.0, 110.0f32..450.0, 0u64..90);
    (0u64..500, prop::collection::vec(stop, 1..6)).prop_map(|(begin, stops)| {
        let mut frame = begin;
        stops
            .into_iter()
            .flat_map(|(walks, x, y, stands)| {
                let arrives = frame + walks;
                frame = arrives + stands;
                [(arrives, x, y), (frame, x, y)]
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whoever_arrives_in_a_zone_leaves_it_or_is_still_there(
        others in prop::collection::vec(any_walk(), 0..8)
    ) {
        let walks: Vec<Walk> = std::iter::once(anna()).chain(others).collect();
        let told = flow(&walks);
        prop_assert_eq!(told.len(), 2, "two quarters are told");
        for zone in [Place::Zone(0), Place::Zone(1)] {
            let (mut inside, mut came) = (0, 0);
            for quarter in &told {
                let (arrived, left) = moved(quarter, zone);
                let still = quarter.still_inside.iter().find(|at| at.0 == zone).map_or(0, |at| at.1);
                prop_assert_eq!(inside + arrived, left + still, "{:?} of {:?}", zone, quarter);
                (inside, came) = (still, came + arrived);
            }
            prop_assert!(came > 0, "anna was in {:?}", zone);
        }
    }
}
