//! Runs the default model on ONNX Runtime: on a real frame, and on everything that can be wrong.
//!
//! A process can load one ONNX Runtime library only, so tests that load another one, or none, need a
//! process each: run this with `cargo nextest run`, which gives every test its own. Under `cargo test`
//! the tests share one, and those that load a bad library would fail or pass by chance.

#![cfg(all(feature = "detect-ort", feature = "capture-opencv"))]

use footfall::app::model::{self, AddArgs};
use footfall::capture::Picture;
use footfall::detect::{DetectError, Detection, Detector, DetectorSettings, OrtDetector, Provider};
use footfall::geom::ImageBox;
use footfall::time::FrameTime;
use opencv::prelude::{MatTraitConst, MatTraitConstManual, VideoCaptureTrait};
use opencv::videoio::{CAP_ANY, VideoCapture};
use std::path::{Path, PathBuf};
use std::process::Command;

const DEFAULT_MODEL: &str = "models/nanodet-g-416-int8.toml";

/// A file of the project that `make setup` fetches or builds.
fn fetched(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    assert!(path.exists(), "{} is missing: run `make setup`", path.display());
    path
}

fn library() -> PathBuf {
    fetched("build/onnxruntime/libonnxruntime.so")
}

fn settings(manifest: PathBuf) -> DetectorSettings {
    DetectorSettings { manifest, library: Some(library()), provider: Provider::Cpu, threads: 1 }
}

/// The default model's manifest with `from` replaced by `to`, beside nothing: its network is named in full.
fn changed(dir: &Path, from: &str, to: &str) -> PathBuf {
    fetched("models/nanodet-g-416-int8.onnx");
    let text = std::fs::read_to_string(fetched(DEFAULT_MODEL)).expect("the manifest can be read");
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let text = text.replace("file = \"", &format!("file = \"{}/", models.display()));
    assert!(text.contains(from), "{from} is not in {DEFAULT_MODEL}");
    let path = dir.join("changed.toml");
    std::fs::write(&path, text.replace(from, to)).expect("a temporary folder can be written");
    path
}

/// What opening says where `from` is replaced by `to` in the default manifest.
fn check(from: &str, to: &str) -> String {
    let dir = tempfile::tempdir().expect("a temporary folder");
    match OrtDetector::open(&settings(changed(dir.path(), from, to))) {
        Ok(_) => "opened".to_owned(),
        Err(fault) => {
            assert!(!fault.is_transient(), "{fault}");
            fault.to_string()
        }
    }
}

/// A frame of the sample clip, counted from 0.
fn clip_frame(number: usize) -> Picture {
    let clip = fetched("build/clips/vtest.avi");
    let mut video =
        VideoCapture::from_file(clip.to_str().expect("a path in UTF-8"), CAP_ANY).expect("OpenCV opens");
    let mut frame = opencv::core::Mat::default();
    for _ in 0..=number {
        assert!(video.read(&mut frame).expect("OpenCV reads"), "the clip is shorter than {number} frames");
    }
    let size = frame.size().expect("a frame has a size");
    let side = |side: i32| u32::try_from(side).expect("a side is not negative");
    Picture {
        width: side(size.width),
        height: side(size.height),
        bgr: frame.data_bytes().expect("a decoded frame is in one piece").to_vec(),
    }
}

fn people_on(picture: &Picture, detector: &mut OrtDetector) -> Vec<Detection> {
    let mut people = Vec::new();
    detector.detect(picture, FrameTime::default(), &mut people).expect("a sound picture is looked at");
    people
}

/// What ONNX Runtime 1.32 in Python, `cv2.resize` and `cv2.dnn.NMSBoxes` give for frame 100, stretched to the network's
/// square, scores above 0.5.
const PEOPLE_AT_100: [([f32; 4], f32); 6] = [
    ([344.4, 198.2, 384.4, 273.7], 0.793),
    ([588.7, 157.9, 620.6, 235.7], 0.762),
    ([375.7, 178.6, 411.2, 256.1], 0.762),
    ([492.2, 148.3, 518.3, 220.6], 0.710),
    ([512.5, 150.5, 542.0, 219.3], 0.652),
    ([222.2, 61.6, 238.0, 95.3], 0.631),
];

#[test]
fn the_people_of_a_real_frame_are_those_that_python_finds() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let stretched = changed(dir.path(), "fit = \"letterbox\"", "fit = \"stretch\"");
    let mut detector = OrtDetector::open(&settings(stretched)).expect("the default model opens");
    let people = people_on(&clip_frame(100), &mut detector);
    let sure: Vec<&Detection> = people.iter().filter(|found| found.score > 0.5).collect();
    assert_eq!(sure.len(), PEOPLE_AT_100.len(), "{people:#?}");
    for ([left, top, right, bottom], score) in PEOPLE_AT_100 {
        let expected = ImageBox::new(left, top, right, bottom);
        // Eight bits magnify what differs between two versions of OpenCV: a level here and there.
        let near =
            |found: &&&Detection| found.bbox.iou(&expected) > 0.8 && (found.score - score).abs() < 0.06;
        assert!(sure.iter().any(|found| near(&found)), "{expected:?} {score} is not in {sure:#?}");
    }
    assert!(people.windows(2).all(|pair| pair[0].score >= pair[1].score));
}

#[test]
fn the_same_picture_gives_the_same_people_and_each_run_its_cpu_time() {
    let mut detector = OrtDetector::open(&settings(fetched(DEFAULT_MODEL))).expect("the default model opens");
    assert_eq!((detector.model(), detector.inference_cpu().as_nanos()), ("nanodet-g-416-int8", 0));
    let picture = clip_frame(100);
    let first = people_on(&picture, &mut detector);
    let once = detector.inference_cpu();
    assert!(!once.is_zero());
    people_on(&clip_frame(0), &mut detector);
    assert_eq!(people_on(&picture, &mut detector), first);
    assert!(detector.inference_cpu() > once);
}

#[test]
fn two_cameras_share_one_library() {
    let open = || OrtDetector::open(&settings(fetched(DEFAULT_MODEL))).expect("the default model opens");
    let (mut one, mut other) = (open(), open());
    let picture = clip_frame(0);
    assert_eq!(people_on(&picture, &mut one), people_on(&picture, &mut other));
}

#[test]
fn a_picture_that_is_none_is_an_error_and_the_next_one_is_seen() {
    let mut detector = OrtDetector::open(&settings(fetched(DEFAULT_MODEL))).expect("the default model opens");
    let mut people = Vec::new();
    for (width, height, bytes) in [(0, 0, 0), (768, 576, 3), (0, 576, 0)] {
        let picture = Picture { width, height, bgr: vec![0; bytes] };
        let fault = detector
            .detect(&picture, FrameTime::default(), &mut people)
            .expect_err("there is nothing to see");
        assert!(
            fault.is_transient() && fault.to_string().starts_with("model nanodet-g-416-int8: "),
            "{fault}"
        );
    }
    assert!(!people_on(&clip_frame(0), &mut detector).is_empty());
}

#[test]
fn a_network_of_another_size_is_told_with_both_sizes() {
    assert_eq!(
        check("width = 416\nheight = 416", "width = 320\nheight = 320"),
        "model nanodet-g-416-int8: input `input` is f32 [1, 3, 416, 416], the manifest says f32 [1, 3, 320, 320]"
    );
}

#[test]
fn a_network_of_another_type_is_told_with_both_types() {
    let comment = "# People in a wide picture that is stretched to a square are too thin to be seen.\n";
    let plain = "element = \"u8\"\nfit = \"letterbox\"\nmean = [0, 0, 0]\nstd = [1, 1, 1]";
    let normalised = format!(
        "element = \"f32\"\n{comment}fit = \"letterbox\"\nmean = [103.53, 116.28, 123.675]\nstd = [57.375, 57.12, 58.395]"
    );
    assert_eq!(
        check(&normalised, plain),
        "model nanodet-g-416-int8: input `input` is f32 [1, 3, 416, 416], the manifest says u8 [1, 3, 416, 416]"
    );
}

#[test]
fn an_input_or_output_of_another_name_is_told_with_the_names_there_are() {
    assert_eq!(
        check("name = \"input\"", "name = \"images\""),
        "model nanodet-g-416-int8: there is no input `images`; the network has input"
    );
    let said = check("strides = [8, 16, 32]", "strides = [8, 16, 64]");
    assert!(
        said.starts_with("model nanodet-g-416-int8: there is no output `cls64`; the network has "),
        "{said}"
    );
}

#[test]
fn an_output_of_another_shape_is_told_with_both_shapes() {
    assert_eq!(
        check("bins = 11", "bins = 8"),
        "model nanodet-g-416-int8: output `reg8` is [1, 2704, 44], the manifest says [1, 2704, 32]"
    );
}

#[test]
fn a_network_file_that_is_no_network_is_refused_even_with_the_right_checksum() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("x.onnx");
    std::fs::write(&file, "not a network").expect("a temporary folder can be written");
    let path = changed(dir.path(), "name = \"nanodet-g-416-int8\"", "name = \"x\"");
    let text = std::fs::read_to_string(&path).expect("just written");
    let sha256 = footfall::detect::manifest::sha256_of(&file).expect("just written");
    let swap = |line: &str| match line.split_once(" = ") {
        Some(("file", _)) => "file = \"x.onnx\"".to_owned(),
        Some(("sha256", _)) => format!("sha256 = \"{sha256}\""),
        _ => line.to_owned(),
    };
    let text: Vec<String> = text.lines().map(swap).collect();
    std::fs::write(&path, text.join("\n")).expect("a temporary folder can be written");
    let said = OrtDetector::open(&settings(path)).expect_err("it is no network").to_string();
    assert!(said.starts_with("model x: ONNX Runtime cannot open ") && said.contains("x.onnx: "), "{said}");
}

#[test]
fn a_missing_network_is_told_before_any_library_is_loaded() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = changed(dir.path(), "nanodet-g-416-int8.onnx", "nothing.onnx");
    let said = OrtDetector::open(&settings(path)).expect_err("there is no network").to_string();
    assert!(said.ends_with("nothing.onnx is missing; fetch it with `make models`"), "{said}");
}

#[test]
fn no_threads_are_too_few() {
    let settings = DetectorSettings { threads: 0, ..settings(fetched(DEFAULT_MODEL)) };
    assert_eq!(OrtDetector::open(&settings).expect_err("nothing can run"), DetectError::Threads);
}

#[test]
fn a_provider_that_the_library_lacks_is_told_with_those_it_has() {
    for provider in [Provider::OpenVino, Provider::Cuda, Provider::TensorRt, Provider::CoreMl] {
        let settings = DetectorSettings { provider, ..settings(fetched(DEFAULT_MODEL)) };
        assert_eq!(
            OrtDetector::open(&settings).expect_err("the library is for CPUs").to_string(),
            format!(
                "execution provider {provider} is not available: the library was built without it; \
                 this ONNX Runtime library has cpu"
            )
        );
    }
}

fn open_with(library: PathBuf) -> String {
    let settings = DetectorSettings { library: Some(library), ..settings(fetched(DEFAULT_MODEL)) };
    OrtDetector::open(&settings).expect_err("the library is no good").to_string()
}

#[test]
fn a_missing_library_is_told_with_what_to_do() {
    let said = open_with("/nowhere/libonnxruntime.so".into());
    assert_eq!(
        said,
        "the ONNX Runtime library is missing (looked for /nowhere/libonnxruntime.so); run `make setup`, \
         or set FOOTFALL_ONNXRUNTIME to libonnxruntime.so"
    );
}

#[test]
fn a_library_that_is_none_is_told_with_what_the_loader_says_and_the_right_one_then_loads() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("libonnxruntime.so");
    std::fs::write(&file, "not a library").expect("a temporary folder can be written");
    let said = open_with(file.clone());
    assert!(
        said.starts_with(&format!("cannot load the ONNX Runtime library {}: ", file.display())),
        "{said}"
    );
    OrtDetector::open(&settings(fetched(DEFAULT_MODEL))).expect("a good library loads after a bad one");
}

/// Builds a shared library from C: an ONNX Runtime of another age cannot be fetched for a test.
fn compiled(dir: &Path, source: &str) -> PathBuf {
    let (code, library) = (dir.join("stub.c"), dir.join("libonnxruntime.so"));
    std::fs::write(&code, source).expect("a temporary folder can be written");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&code).status();
    assert!(built.expect("a C compiler is there").success());
    library
}

#[test]
fn a_library_that_is_too_old_is_told_with_both_versions() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let old = compiled(
        dir.path(),
        "static const void *api(unsigned version) { (void)version; return 0; }
         static const char *version(void) { return \"1.20.1\"; }
         static const struct { const void *(*api)(unsigned); const char *(*version)(void); } base = {api, version};
         const void *OrtGetApiBase(void) { return &base; }",
    );
    let said = open_with(old.clone());
    let expected = format!(
        "the ONNX Runtime library {} is version 1.20.1, footfall needs 1.23 or newer; run `make setup`, \
         or set FOOTFALL_ONNXRUNTIME",
        old.display()
    );
    assert_eq!(said, expected);
}

#[test]
fn a_library_of_something_else_is_told() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let said = open_with(compiled(dir.path(), "int answer(void) { return 42; }"));
    assert!(said.contains(": it is not ONNX Runtime; run `make setup`"), "{said}");
}

#[test]
fn a_second_library_needs_a_process_of_its_own() {
    OrtDetector::open(&settings(fetched(DEFAULT_MODEL))).expect("the default model opens");
    let said = open_with("/opt/other.so".into());
    assert!(said.ends_with("is loaded already; /opt/other.so needs a process of its own"), "{said}");
}

/// Copies the default network into `dir` under another name and adds it, with every default taken.
fn added(dir: &Path, args: AddArgs) -> Result<(model::Added, String), String> {
    let file = dir.join("mine.onnx");
    std::fs::copy(fetched("models/nanodet-g-416-int8.onnx"), &file)
        .expect("a temporary folder can be written");
    let mut out = Vec::new();
    let mut ask = |question: &footfall::detect::inspect::Question| {
        Ok(question.default.clone().unwrap_or_else(|| "said".to_owned()))
    };
    let args = AddArgs { file, library: Some(library()), ..args };
    let added = model::add(&args, &mut ask, &mut out).map_err(|e| format!("{e:#}"))?;
    Ok((added, String::from_utf8(out).expect("text is UTF-8")))
}

#[test]
fn somebodys_own_network_is_recognised_written_down_and_tried() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let frame = clip_frame(100);
    let mut rgb = frame.bgr.clone();
    rgb.chunks_exact_mut(3).for_each(<[u8]>::reverse);
    let picture = dir.path().join("frame.png");
    image::save_buffer(&picture, &rgb, frame.width, frame.height, image::ColorType::Rgb8)
        .expect("PNG is written");
    let args = AddArgs { licence: Some("Apache-2.0".into()), picture: Some(picture), ..AddArgs::default() };
    let (added, said) = added(dir.path(), args).expect("NanoDet is known");
    let (tried, people) = added.tried.expect("a picture was given");
    assert_eq!(tried.bgr, frame.bgr);
    let mut detector = OrtDetector::open(&settings(fetched(DEFAULT_MODEL))).expect("the default model opens");
    assert_eq!(people, people_on(&frame, &mut detector));
    assert!(
        said.contains("a nanodet head") && said.contains(&format!("{} people\n", people.len())),
        "{said}"
    );
    let mut listed = Vec::new();
    model::list(dir.path(), &mut listed).expect("the folder can be read");
    let listed = String::from_utf8(listed).expect("text is UTF-8");
    assert_eq!(listed, format!("{:<26} nanodet  416x416    Apache-2.0   ready\n", "mine"));
}

#[test]
fn a_manifest_that_is_there_already_is_not_written_over() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("mine.toml"), "mine").expect("a temporary folder can be written");
    let said = added(dir.path(), AddArgs::default()).expect_err("there is one");
    assert!(said.ends_with("mine.toml is there already; move it away to add the model anew"), "{said}");
}

#[test]
fn a_picture_that_is_none_leaves_no_manifest_behind() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let args = AddArgs { picture: Some(dir.path().join("no.png")), ..AddArgs::default() };
    let said = added(dir.path(), args).expect_err("there is no picture");
    assert!(said.starts_with("cannot read the picture "), "{said}");
    assert!(!dir.path().join("mine.toml").exists());
}
