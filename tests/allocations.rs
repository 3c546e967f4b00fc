//! Proves that pre-processing, decoding, tracking and counting ask for no memory once they have run.
//!
//! The counting allocator serves a whole process, so this is a test binary of its own; run it with nextest,
//! which gives each of its tests a process.

use footfall::calibration::Floor;
use footfall::capture::Picture;
use footfall::count::{Anchor, Band, LineSettings};
use footfall::detect::decode::{Output, Values};
use footfall::detect::letterbox::TensorMut;
use footfall::detect::{Detection, Head, Letterbox, Manifest, nms};
use footfall::geom::{ImageBox, ImagePoint, PictureSize, Segment};
use footfall::ids::LineId;
use footfall::pipeline::{Pipeline, PipelineSettings, SeenFrame};
use footfall::time::{FrameTime, WallTime};
use footfall::track::TrackSettings;
use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Counts every request and passes it on.
struct Counting;

static REQUESTS: AtomicUsize = AtomicUsize::new(0);

#[expect(unsafe_code, reason = "a global allocator cannot be written without")]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        REQUESTS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        REQUESTS.fetch_add(1, Ordering::Relaxed);
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
        let before = REQUESTS.load(Ordering::Relaxed);
        frame();
        frame();
        assert_eq!(REQUESTS.load(Ordering::Relaxed) - before, 0, "{fit} {layout}");
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
    let before = REQUESTS.load(Ordering::Relaxed);
    detector.detect(&picture, FrameTime::default(), &mut people).expect("a sound picture");
    let requests = REQUESTS.load(Ordering::Relaxed) - before;
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

#[test]
fn tracking_and_counting_people_who_stay_in_view_asks_for_no_memory() {
    let line = LineSettings {
        id: LineId::parse("door").expect("an id"),
        segment: Segment::new(ImagePoint::new(300.0, 0.0), ImagePoint::new(300.0, 576.0)),
        band: Band::default(),
        anchor: Anchor::Foot,
        u_turn: Duration::ZERO,
        activation: Vec::new(),
    };
    let settings = PipelineSettings {
        picture: None,
        rate: None,
        lines: vec![line],
        exclusion: Vec::new(),
        longest_gap: Duration::from_secs(2),
        tracking: TrackSettings::default(),
        floor: Some(
            Floor::parse(include_str!("../calibration/sample-clip.toml")).expect("a sound calibration"),
        ),
    };
    let mut pipeline = Pipeline::new(settings, FrameTime::default()).expect("a sound line");
    let (mut people, mut told, mut crossings) = (Vec::new(), Vec::new(), 0);
    let mut frame = |number: u64| {
        people.clear();
        people.extend(walkers(number));
        told.clear();
        let at = FrameTime::of_run(WallTime::default(), Duration::from_millis(100 * number));
        let size = PictureSize { width: 768, height: 576 };
        pipeline.step(SeenFrame { number, at, size, dropped: 0 }, &people, &mut told).expect("one size");
        crossings += told.len();
    };
    // Within the first minute, so that no minute begins; long enough for every list to find its length.
    (1..400).for_each(&mut frame);
    let before = REQUESTS.load(Ordering::Relaxed);
    (400..590).for_each(&mut frame);
    assert_eq!(REQUESTS.load(Ordering::Relaxed) - before, 0);
    assert!(crossings > 12, "people were counted: {crossings}");
}
