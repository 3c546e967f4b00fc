//! Proves that pre-processing, decoding, tracking and counting ask for no memory once they have run, and that a tracker
//! holds no more after millions of boxes than after the first.
//!
//! The counting allocator serves a whole process, so this is a test binary of its own; run it with nextest,
//! which gives each of its tests a process.

use footfall::calibration::Floor;
use footfall::capture::Picture;
use footfall::count::{Anchor, Band, LineRole, LineSettings};
use footfall::detect::decode::{Output, Values};
use footfall::detect::letterbox::TensorMut;
use footfall::detect::{Detection, Head, Letterbox, Manifest, nms};
use footfall::geom::{ImageBox, ImagePoint, PictureSize, Polygon, Segment};
use footfall::ids::{LineId, ZoneId};
use footfall::pipeline::{CameraEvent, Pipeline, PipelineSettings, SeenFrame};
use footfall::time::{FrameTime, WallTime};
use footfall::track::TrackSettings;
use footfall::visitors::VisitorSettings;
use footfall::zones::{Area, ZoneSettings};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Counts every request, and the bytes in use, and passes it on.
struct Counting;

thread_local! {
    /// Of this thread: the test runner's own thread asks for memory when it likes. Nothing is dropped with it, so it asks for none itself.
    static REQUESTS: Cell<usize> = const { Cell::new(0) };
}

/// How often this thread has asked for memory.
fn requests() -> usize {
    REQUESTS.with(Cell::get)
}

fn note_request() {
    // A thread that is ending has none any more.
    REQUESTS.try_with(|requests| requests.set(requests.get() + 1)).ok();
}

/// Bytes in use.
static LIVE: AtomicUsize = AtomicUsize::new(0);

#[expect(unsafe_code, reason = "a global allocator cannot be written without")]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note_request();
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note_request();
        LIVE.fetch_add(size, Ordering::Relaxed);
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn manifest(fit: &str, layout: &str) -> Manifest {
    let text = format!(
        r#"
name = "m"
file = "m.onnx"
sha256 = "{}"
licence = "MIT"
source = "test"
[input]
name = "input"
width = 416
height = 416
layout = "{layout}"
channels = "rgb"
element = "f32"
fit = "{fit}"
mean = [103.53, 116.28, 123.675]
std = [57.375, 57.12, 58.395]
[head]
kind = "nanodet"
strides = [32]
bins = 11
[classes]
person = 0
count = 80
[thresholds]
score = 0.1
nms_iou = 0.5
"#,
        "0".repeat(64)
    );
    Manifest::parse(Path::new("models/m.toml"), &text).expect("the manifest is sound")
}

#[test]
fn the_frames_after_the_first_ask_for_no_memory() {
    for (fit, layout) in [("stretch", "nchw"), ("letterbox", "nhwc"), ("letterbox_centred", "nchw")] {
        let manifest = manifest(fit, layout);
        let mut letterbox = Letterbox::new(&manifest.input);
        let mut tensor = vec![0.0; letterbox.tensor_len()];
        let bgr = (0..768 * 576 * 3).map(|at: u32| (at % 251) as u8).collect();
        let picture = Picture { width: 768, height: 576, bgr };
        // Every cell sees a person.
        let (scores, sides) = (vec![0.5; 13 * 13 * 80], vec![1.0; 13 * 13 * 44]);
        let outputs = [
            Output { name: "cls32", shape: &[1, 169, 80], values: Values::F32(&scores) },
            Output { name: "reg32", shape: &[1, 169, 44], values: Values::F32(&sides) },
        ];
        let head = Head::new(&manifest, &["cls32", "reg32"]);
        let mut people: Vec<Detection> = Vec::new();
        let mut frame = || {
            people.clear();
            let mapping = letterbox.fill(&picture, TensorMut::F32(&mut tensor)).expect("a sound picture");
            head.decode(&outputs[..], 0.1, &mut people).expect("sound outputs");
            nms::suppress(&mut people, 0.5);
            people.iter_mut().for_each(|found| found.bbox = mapping.apply(&found.bbox));
        };
        frame();
        let before = requests();
        frame();
        frame();
        assert_eq!(requests() - before, 0, "{fit} {layout}");
        assert!(!people.is_empty());
    }
}

/// ONNX Runtime's own memory is not asked for through Rust. What is left is the `ort` crate's: it keeps the
/// lists of four outputs on the stack, NanoDet has six.
#[cfg(feature = "detect-ort")]
#[test]
fn a_whole_detection_asks_for_no_more_than_the_lists_of_its_outputs() {
    use footfall::detect::{Detector, DetectorSettings, OrtDetector, Provider};
    const LISTS: usize = 8;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = root.join("models/nanodet-g-416-int8.toml");
    let library = root.join("build/onnxruntime/libonnxruntime.so");
    assert!(library.exists() && manifest.with_extension("onnx").exists(), "run `make setup`");
    let settings = DetectorSettings { manifest, library: Some(library), provider: Provider::Cpu, threads: 1 };
    let mut detector = OrtDetector::open(&settings).expect("the default model opens");
    let picture = Picture { width: 768, height: 576, bgr: vec![100; 768 * 576 * 3] };
    let mut people = Vec::with_capacity(100);
    detector.detect(&picture, FrameTime::default(), &mut people).expect("a sound picture");
    let before = requests();
    detector.detect(&picture, FrameTime::default(), &mut people).expect("a sound picture");
    let requests = requests() - before;
    assert!(requests <= LISTS, "{requests} requests");
}

/// Twelve people who walk over a line and back, at ten frames a second.
fn walkers(frame: u64) -> impl Iterator<Item = Detection> {
    (0..12).map(move |person| {
        let way = ((frame * 4 + person * 37) % 1200) as f32;
        let x = if way < 600.0 { way } else { 1200.0 - way };
        let bbox = ImageBox::from_left_top_size(x, 40.0 * person as f32, 14.0, 36.0);
        Detection { bbox, score: 0.8 }
    })
}

/// A zone over the right half of the picture.
fn zone() -> ZoneSettings {
    let corners = [(384.0, 0.0), (768.0, 0.0), (768.0, 576.0), (384.0, 576.0)];
    let polygon = Polygon::new(corners.map(|(x, y)| ImagePoint::new(x, y)).to_vec()).expect("a sound zone");
    ZoneSettings::new(ZoneId::parse("shelf").expect("an id"), Area::Image(polygon))
}

/// A pipeline with one line and one zone, on the floor of the sample clip or on a picture of which nothing is known.
fn pipeline(floor: Option<Floor>) -> Pipeline {
    let line = LineSettings {
        id: LineId::parse("door").expect("an id"),
        segment: Segment::new(ImagePoint::new(300.0, 0.0), ImagePoint::new(300.0, 576.0)),
        band: Band::default(),
        anchor: Anchor::Foot,
        u_turn: Duration::ZERO,
        activation: Vec::new(),
        role: LineRole::default(),
    };
    let settings = PipelineSettings {
        picture: None,
        rate: None,
        lines: vec![line],
        exclusion: Vec::new(),
        zones: vec![zone()],
        visitors: VisitorSettings::default(),
        quarters: footfall::analytics::QuarterSettings::default(),
        longest_gap: Duration::from_secs(2),
        tracking: TrackSettings::default(),
        floor,
        learns_floor: true,
    };
    Pipeline::new(settings, FrameTime::default()).expect("a sound line")
}

fn sample_floor() -> Option<Floor> {
    Some(Floor::parse(include_str!("../calibration/sample-clip.toml")).expect("a sound calibration"))
}

/// One frame at ten a second; gives how many things were told.
fn step(pipeline: &mut Pipeline, number: u64, people: &[Detection], told: &mut Vec<CameraEvent>) -> usize {
    told.clear();
    let at = FrameTime::of_run(WallTime::default(), Duration::from_millis(100 * number));
    let size = PictureSize { width: 768, height: 576 };
    pipeline.step(SeenFrame { number, at, size, dropped: 0 }, people, told).expect("one size");
    told.len()
}

#[test]
fn tracking_and_counting_people_who_stay_in_view_asks_for_no_memory() {
    for floor in [None, sample_floor()] {
        let on = if floor.is_some() { "the floor" } else { "the picture" };
        let mut pipeline = pipeline(floor);
        let (mut people, mut told, mut crossings) = (Vec::new(), Vec::new(), 0);
        let mut frame = |number: u64| {
            people.clear();
            people.extend(walkers(number));
            crossings += step(&mut pipeline, number, &people, &mut told);
        };
        // Within the first minute, so that no minute begins; long enough for every list to find its length. Learning
        // a floor asks for memory, but only after 10 s, 30 s and 70 s.
        (1..400).for_each(&mut frame);
        let before = requests();
        (400..590).for_each(&mut frame);
        assert_eq!(requests() - before, 0, "on {on}");
        assert!(crossings > 12, "people were counted on {on}: {crossings}");
    }
}

/// Up to twenty people who come, cross the picture in 25 s and go; some boxes are missed and some are nobody. It
/// begins anew after 100 s, so what it needs most of it needs early.
fn come_and_go(frame: u64, people: &mut Vec<Detection>) {
    people.clear();
    let scattered =
        |number: u64| (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f32 / (1u64 << 24) as f32;
    let frame = frame % 1_000;
    for person in 0..20 {
        let (walk, step) = ((frame + 37 * person) / 250, (frame + 37 * person) % 250);
        let luck = scattered(1_000 * person + frame);
        let (x, y) = (3.5 * step as f32 - 50.0, 150.0 + 400.0 * scattered(100 * person + walk % 4));
        let (height, stray) = (0.28 * y, if luck < 0.02 { 300.0 } else { 0.0 });
        if !(0.02..=0.06).contains(&luck) {
            let bbox = ImageBox::from_left_top_size(x + stray, y - height, 0.4 * height, height);
            people.push(Detection { bbox, score: 0.4 + 0.6 * scattered(1_000 * person + frame + 7) });
        }
    }
}

/// That a camera holds as much after `boxes` boxes as it did after a fifth of them.
fn check_memory_is_flat(floor: Option<Floor>, boxes: u64) {
    let mut pipeline = pipeline(floor);
    let (mut people, mut told, mut events) = (Vec::with_capacity(20), Vec::with_capacity(100), 0);
    let (mut seen, mut frame, mut early) = (0, 0, None);
    while seen < boxes {
        frame += 1;
        come_and_go(frame, &mut people);
        seen += people.len() as u64;
        events += step(&mut pipeline, frame, &people, &mut told);
        if early.is_none() && seen >= boxes / 5 {
            told.clear();
            early = Some(LIVE.load(Ordering::Relaxed));
        }
    }
    told.clear();
    let (early, late) = (early.expect("a fifth was seen"), LIVE.load(Ordering::Relaxed));
    println!("{boxes} boxes, {events} events: {early} bytes in use after a fifth, {late} at the end");
    assert!(late <= early, "{early} bytes grew to {late}");
    assert!(events > 100, "people were counted: {events}");
}

#[test]
fn a_camera_holds_no_more_after_many_boxes_than_after_the_first() {
    check_memory_is_flat(sample_floor(), 200_000);
    check_memory_is_flat(None, 200_000);
}

#[test]
#[ignore = "takes a while; `make memory` runs it"]
fn a_camera_holds_no_more_after_ten_million_boxes_than_after_two_million() {
    check_memory_is_flat(sample_floor(), 10_000_000);
    check_memory_is_flat(None, 10_000_000);
}
