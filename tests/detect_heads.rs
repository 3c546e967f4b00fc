//! Decodes what real networks gave, and compares with what the networks' own projects make of it.
//!
//! The expected people of `tests/fixtures/heads/*.json` come from upstream's post-processing (each file
//! says whose), never from a second copy of ours; `models/reference/make_reference.py` writes them.

use footfall::detect::decode::{Output, Values};
use footfall::detect::{Detection, Head, HeadKind, Manifest, nms};
use footfall::geom::ImageBox;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Upstream works in f32 too, but not in the same order; boxes are some hundred px large.
const BOX_TOLERANCE_PX: f32 = 0.05;
const SCORE_TOLERANCE: f32 = 0.0005;

/// One network's outputs and the people that upstream finds in them.
struct Reference {
    path: PathBuf,
    manifest: Manifest,
    outputs: Vec<(String, Vec<i64>, Vec<f32>)>,
    people: Vec<Detection>,
}

fn references() -> Vec<Reference> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/heads");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the fixtures are part of the project")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    paths.into_iter().map(Reference::read).collect()
}

impl Reference {
    fn read(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(&path).expect("the fixture can be read");
        let fixture: Value = serde_json::from_str(&text).expect("the fixture is JSON");
        let mut manifest = json!({
            "name": "reference", "file": "reference.onnx", "sha256": "0".repeat(64),
            "licence": "none", "source": fixture["made_by"],
        });
        for (part, value) in fixture["manifest"].as_object().expect("a table") {
            manifest[part] = value.clone();
        }
        let toml = toml::to_string(&manifest).expect("a manifest has no null");
        Self {
            manifest: Manifest::parse(&path, &toml).expect("the fixture's manifest is sound"),
            outputs: fixture["outputs"].as_object().expect("a table").iter().map(output).collect(),
            people: fixture["people"].as_array().expect("a list").iter().map(person).collect(),
            path,
        }
    }

    fn decoded(&self) -> Vec<Detection> {
        let outputs: Vec<Output<'_>> = self
            .outputs
            .iter()
            .map(|(name, shape, values)| Output { name, shape, values: Values::F32(values) })
            .collect();
        let names: Vec<&str> = outputs.iter().map(|output| output.name).collect();
        let head = Head::new(&self.manifest, &names);
        let mut people = Vec::new();
        let thresholds = self.manifest.thresholds;
        head.decode(&outputs[..], thresholds.score, &mut people).expect("the outputs are the head's");
        match thresholds.nms_iou {
            Some(max_iou) => nms::suppress(&mut people, max_iou),
            None => nms::sort_best_first(&mut people),
        }
        people
    }
}

/// A tensor of which the file holds some rows of axis 1; all others are 0.
fn output((name, written): (&String, &Value)) -> (String, Vec<i64>, Vec<f32>) {
    let shape: Vec<i64> = written["shape"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|side| side.as_i64().expect("a side"))
        .collect();
    let sides: Vec<usize> = shape.iter().map(|side| usize::try_from(*side).expect("a side")).collect();
    let row_length: usize = sides[2..].iter().product();
    let mut values = vec![0.0; sides[1] * row_length];
    for (row, numbers) in written["rows"].as_object().expect("a table") {
        let row: usize = row.parse().expect("a row's number");
        for (at, number) in numbers.as_array().expect("a list").iter().enumerate() {
            values[row * row_length + at] = number.as_f64().expect("a number") as f32;
        }
    }
    (name.clone(), shape, values)
}

fn person(written: &Value) -> Detection {
    let number = |at: usize| written[at].as_f64().expect("a number") as f32;
    Detection { bbox: ImageBox::new(number(0), number(1), number(2), number(3)), score: number(4) }
}

fn same(one: &Detection, other: &Detection) -> bool {
    let sides = |d: &Detection| [d.bbox.left, d.bbox.top, d.bbox.right, d.bbox.bottom];
    let near = sides(one).into_iter().zip(sides(other)).all(|(a, b)| (a - b).abs() <= BOX_TOLERANCE_PX);
    near && (one.score - other.score).abs() <= SCORE_TOLERANCE
}

/// Every person of upstream is found once, and nobody else.
fn check(kind: HeadKind) {
    let mut tested = 0;
    for reference in references().iter().filter(|reference| reference.manifest.head.kind() == kind) {
        let (mut found, path) = (reference.decoded(), reference.path.display());
        for expected in &reference.people {
            let at = found.iter().position(|one| same(one, expected));
            let at = at.unwrap_or_else(|| panic!("{path}: {expected:?} is not in {found:#?}"));
            found.remove(at);
        }
        assert_eq!(found, [], "{path}: upstream does not find these");
        assert!(!reference.people.is_empty(), "{path} tests nothing");
        tested += 1;
    }
    assert!(tested > 0, "no fixture for {}", kind.name());
}

#[test]
fn nanodet_finds_whom_upstream_finds() {
    check(HeadKind::NanoDet);
}

#[test]
fn yolox_finds_whom_upstream_finds() {
    check(HeadKind::Yolox);
}

#[test]
fn yolov8_finds_whom_upstream_finds() {
    check(HeadKind::Yolov8);
}

#[test]
fn ssd_finds_whom_upstream_finds() {
    check(HeadKind::Ssd);
}

#[test]
fn detr_finds_whom_upstream_finds() {
    check(HeadKind::Detr);
}
