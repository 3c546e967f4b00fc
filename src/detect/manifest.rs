//! What is known about a network: its file, what it takes, what it gives (`models/*.toml`).
//!
//! Everything is checked when the manifest is read, the network's own bytes included: a box that
//! is switched on after half a download must say so at once, not count nobody for a week. After
//! [`Manifest::load`] nothing here is checked again.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Longest side of a network's picture, px. 4096 f32 squared in three channels is 200 MB already.
const MAX_SIDE_PX: u32 = 4096;
/// More strides than any known head has; it also bounds the outputs that are looked up per frame.
const MAX_STRIDES: usize = 5;

/// Most bytes of a manifest; ours have some 600.
const MOST_BYTES: u64 = 64 * 1024;

/// A checked manifest whose network file is present and whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Goes into every record.
    pub name: String,
    /// The ONNX file.
    pub file: PathBuf,
    /// Its SHA-256, 64 lower-case hex digits.
    pub sha256: String,
    /// Licence of the weights (SPDX where there is one).
    pub licence: String,
    /// Where the weights come from.
    pub source: String,
    /// What the network takes.
    pub input: InputSpec,
    /// What it gives.
    pub head: HeadSpec,
    /// Which of its classes is a person.
    pub classes: ClassSpec,
    /// What is kept.
    pub thresholds: Thresholds,
}

/// The picture that a network takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// The input's name in the ONNX file.
    pub name: String,
    /// Columns, px.
    pub width: u32,
    /// Rows, px.
    pub height: u32,
    /// Order of the axes.
    pub layout: Layout,
    /// Order of the channels.
    pub channels: Channels,
    /// Type of one value.
    pub element: Element,
    /// How a picture of another shape is made to fit.
    pub fit: Fit,
    /// Level (0-255) beside a letterboxed picture.
    #[serde(default = "default_pad")]
    pub pad: u8,
    /// Subtracted from levels 0-255, in the order of `channels`.
    pub mean: [f32; 3],
    /// Divides what is left, in the order of `channels`.
    pub std: [f32; 3],
}

fn default_pad() -> u8 {
    // The grey that YOLOX and Ultralytics train with.
    114
}

/// Order of the axes of the input tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// `(1, 3, height, width)`.
    Nchw,
    /// `(1, height, width, 3)`.
    Nhwc,
}

/// Order of the colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// Blue, green, red: as OpenCV decodes.
    Bgr,
    /// Red, green, blue.
    Rgb,
}

/// Type of one value of the input tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Element {
    /// 32-bit float, normalised.
    F32,
    /// A level 0-255; the network normalises by itself.
    U8,
}

/// How a picture is made to fit the network's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Both sides scaled on their own.
    Stretch,
    /// Scaled alike, in the left upper corner (YOLOX).
    Letterbox,
    /// Scaled alike, in the middle (Ultralytics).
    LetterboxCentred,
}

/// What a network gives, and so how its outputs become boxes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum HeadSpec {
    /// Distances to the four sides as distributions over bins.
    NanoDet {
        /// px per cell, one per level.
        strides: Vec<u32>,
        /// Bins of each distribution.
        bins: usize,
        /// One output `(1, N, count + 4 bins)` (NanoDet-Plus); none: outputs `cls{stride}` and `reg{stride}`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
        /// Where in its cell a point lies, in cells: 0.5 (NanoDet) or 0 (NanoDet-Plus).
        #[serde(default = "default_cell_centre")]
        cell_centre: f32,
    },
    /// Boxes relative to grid cells; objectness times class.
    Yolox {
        /// px per cell, one per level.
        strides: Vec<u32>,
        /// `(1, N, 5 + count)`; none: the network's only output.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
    },
    /// Decoded boxes, one column each (Ultralytics YOLOv8, YOLO11 and alike, without NMS).
    Yolov8 {
        /// `(1, 4 + count, N)`; none: the network's only output.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
    },
    /// Decoded, normalised `ymin xmin ymax xmax` and class scores (TensorFlow SSD).
    Ssd {
        /// `(1, N, 4)`.
        boxes: String,
        /// `(1, N, count)`.
        scores: String,
    },
    /// A set of queries (D-FINE, RT-DETR, RF-DETR).
    Detr {
        /// `(1, N, 4)`.
        boxes: String,
        /// `(1, N, count)`, or `(1, N)` where `labels` is given.
        #[serde(alias = "scores")]
        logits: String,
        /// What `logits` holds.
        scores_are: ScoreKind,
        /// What `boxes` holds.
        boxes_are: BoxKind,
        /// `(1, N)` class of each query, where post-processing is inside the network.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        labels: Option<String>,
        /// A second input `(1, 2)` i64 that wants the picture's width and height.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sizes: Option<String>,
    },
}

fn default_cell_centre() -> f32 {
    0.5
}

impl HeadSpec {
    /// Its name, as in `kind`.
    #[must_use]
    pub fn kind(&self) -> HeadKind {
        match self {
            Self::NanoDet { .. } => HeadKind::NanoDet,
            Self::Yolox { .. } => HeadKind::Yolox,
            Self::Yolov8 { .. } => HeadKind::Yolov8,
            Self::Ssd { .. } => HeadKind::Ssd,
            Self::Detr { .. } => HeadKind::Detr,
        }
    }
}

/// The heads that are known, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadKind {
    /// NanoDet and NanoDet-Plus.
    NanoDet,
    /// YOLOX.
    Yolox,
    /// YOLOv8, YOLO11 and alike.
    Yolov8,
    /// TensorFlow SSD.
    Ssd,
    /// D-FINE, RT-DETR, RF-DETR.
    Detr,
}

impl HeadKind {
    /// Every head, for messages and help.
    pub const ALL: [Self; 5] = [Self::NanoDet, Self::Yolox, Self::Yolov8, Self::Ssd, Self::Detr];

    /// As written in a manifest.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NanoDet => "nanodet",
            Self::Yolox => "yolox",
            Self::Yolov8 => "yolov8",
            Self::Ssd => "ssd",
            Self::Detr => "detr",
        }
    }

    /// By its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// All names, for a message.
    #[must_use]
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

/// What a score output holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScoreKind {
    /// Before the sigmoid.
    Logits,
    /// 0 to 1.
    Probabilities,
}

/// What a box output holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoxKind {
    /// Centre x, centre y, width, height, 0 to 1 of the network's picture.
    CxcywhNormalised,
    /// Left, top, right, bottom in model px.
    XyxyPx,
}

/// Which class is a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassSpec {
    /// Its column, from 0.
    pub person: usize,
    /// Columns in all.
    pub count: usize,
}

/// What is kept of what a network says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Lowest score that leaves the detector. Low on purpose: the tracker has its own, higher ones.
    pub score: f32,
    /// Of two boxes that overlap by more, the better stays; none: the network gives each person once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nms_iou: Option<f32>,
}

/// A manifest as written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    file: PathBuf,
    sha256: String,
    licence: String,
    source: String,
    input: InputSpec,
    head: HeadSpec,
    classes: ClassSpec,
    thresholds: Thresholds,
}

/// Why a model cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The manifest's own file.
    #[error("cannot read the model manifest {path}: {reason}; `footfall model list` shows what is there")]
    Unreadable {
        /// The manifest.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Not TOML, an unknown key, a missing one.
    #[error("model manifest {path}: {reason}")]
    Syntax {
        /// The manifest.
        path: PathBuf,
        /// What the parser said, with its line.
        reason: String,
    },
    /// Values that cannot be; all of them.
    #[error("model manifest {path}: {faults}")]
    Values {
        /// The manifest.
        path: PathBuf,
        /// All faults, separated by semicolons.
        faults: String,
    },
    /// The network is not there.
    #[error("model {model}: its file {file} is missing; fetch it with `make models`")]
    FileMissing {
        /// The model's name.
        model: String,
        /// The ONNX file.
        file: PathBuf,
    },
    /// The network is there and cannot be read.
    #[error("model {model}: cannot read {file}: {reason}")]
    FileUnreadable {
        /// The model's name.
        model: String,
        /// The ONNX file.
        file: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The network is another one, or half of one.
    #[error(
        "model {model} does not match its manifest: sha256 of {file} is {found}, manifest says {expected}; \
         fetch it again with `make models`"
    )]
    Sha256 {
        /// The model's name.
        model: String,
        /// The ONNX file.
        file: PathBuf,
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
}

impl Manifest {
    /// Reads a manifest, checks every value and the network's SHA-256.
    ///
    /// # Errors
    /// [`ManifestError`] names the manifest or the network and what to do.
    pub fn load(path: &Path) -> Result<Self, ManifestError> {
        let manifest = Self::read(path)?;
        manifest.verify()?;
        Ok(manifest)
    }

    /// Reads a manifest and checks its values, but not that the network is there: for `model list`.
    ///
    /// # Errors
    /// [`ManifestError`] names the manifest and every fault.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let unreadable =
            |e: std::io::Error| ManifestError::Unreadable { path: path.into(), reason: e.to_string() };
        let mut text = String::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > MOST_BYTES {
            let reason = format!("it holds more than {MOST_BYTES} bytes, which no manifest does");
            return Err(ManifestError::Unreadable { path: path.into(), reason });
        }
        Self::parse(path, &text)
    }

    /// The checked manifest in `text`, whose network lies beside `path`. Reads no file.
    ///
    /// # Errors
    /// [`ManifestError::Syntax`] or [`ManifestError::Values`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ManifestError> {
        let syntax = |e: toml::de::Error| ManifestError::Syntax {
            path: path.into(),
            reason: e.to_string().trim_end().to_owned(),
        };
        let written: Written = toml::from_str(text).map_err(syntax)?;
        let faults = written.faults();
        if !faults.is_empty() {
            return Err(ManifestError::Values { path: path.into(), faults: faults.join("; ") });
        }
        let beside = path.parent().unwrap_or_else(|| Path::new(""));
        Ok(Self {
            file: beside.join(&written.file),
            name: written.name,
            sha256: written.sha256,
            licence: written.licence,
            source: written.source,
            input: written.input,
            head: written.head,
            classes: written.classes,
            thresholds: written.thresholds,
        })
    }

    /// Compares the network's bytes with the manifest.
    ///
    /// # Errors
    /// [`ManifestError::FileMissing`], [`ManifestError::FileUnreadable`] or [`ManifestError::Sha256`].
    pub fn verify(&self) -> Result<(), ManifestError> {
        let (model, file) = (self.name.clone(), self.file.clone());
        let found = match sha256_of(&self.file) {
            Ok(found) => found,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(ManifestError::FileMissing { model, file });
            }
            Err(e) => return Err(ManifestError::FileUnreadable { model, file, reason: e.to_string() }),
        };
        if found == self.sha256 {
            return Ok(());
        }
        Err(ManifestError::Sha256 { model, file, found, expected: self.sha256.clone() })
    }

    /// The manifest as TOML, without comments, with `file` as given (beside the manifest).
    #[must_use]
    pub fn to_toml(&self, file: &Path) -> String {
        let written = Written {
            name: self.name.clone(),
            file: file.to_path_buf(),
            sha256: self.sha256.clone(),
            licence: self.licence.clone(),
            source: self.source.clone(),
            input: self.input.clone(),
            head: self.head.clone(),
            classes: self.classes,
            thresholds: self.thresholds,
        };
        toml::to_string(&written).expect("a manifest holds only what TOML can say")
    }
}

/// SHA-256 of a file in lower-case hex, read in pieces: networks may be larger than the memory we want to use.
///
/// # Errors
/// Whatever the system says.
pub fn sha256_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    // A device may never end.
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    let mut hash = Sha256::new();
    let mut piece = vec![0_u8; 64 * 1024];
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => hash.update(&piece[..read]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes every text");
        hex
    }))
}

impl Written {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        self.check_names(&mut faults);
        self.input.check(&mut faults);
        self.head.check(&mut faults);
        let ClassSpec { person, count } = self.classes;
        if person >= count {
            faults.push(format!("classes.person is {person}, but there are {count} classes, from 0"));
        }
        self.check_thresholds(&mut faults);
        faults
    }

    fn check_names(&self, faults: &mut Vec<String>) {
        let sound = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.name.is_empty() || !self.name.chars().all(sound) {
            faults.push(format!("name is {:?}; use letters, digits, - _ .", self.name));
        }
        if self.sha256.len() != 64 || !self.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            faults.push("sha256 is not 64 lower-case hex digits".to_owned());
        }
        for (key, text) in [("licence", &self.licence), ("source", &self.source)] {
            if text.trim().is_empty() {
                faults.push(format!("{key} is empty"));
            }
        }
        if self.file.as_os_str().is_empty() {
            faults.push("file is empty".to_owned());
        }
    }

    fn check_thresholds(&self, faults: &mut Vec<String>) {
        let Thresholds { score, nms_iou } = self.thresholds;
        if !(0.0..=1.0).contains(&score) {
            faults.push(format!("thresholds.score is {score}, not 0 to 1"));
        }
        match nms_iou {
            Some(iou) if !(0.0..=1.0).contains(&iou) => {
                faults.push(format!("thresholds.nms_iou is {iou}, not 0 to 1"));
            }
            None if self.head.kind() != HeadKind::Detr => {
                let kind = self.head.kind().name();
                faults
                    .push(format!("thresholds.nms_iou is missing; a {kind} head gives a person many times"));
            }
            _ => {}
        }
    }
}

impl InputSpec {
    fn check(&self, faults: &mut Vec<String>) {
        if self.name.is_empty() {
            faults.push("input.name is empty".to_owned());
        }
        for (key, side) in [("width", self.width), ("height", self.height)] {
            if !(1..=MAX_SIDE_PX).contains(&side) {
                faults.push(format!("input.{key} is {side}, not 1 to {MAX_SIDE_PX} px"));
            }
        }
        if self.mean.iter().any(|v| !v.is_finite()) {
            faults.push("input.mean is not three numbers".to_owned());
        }
        if self.std.iter().any(|v| !v.is_finite() || *v <= 0.0) {
            faults.push("input.std is not three numbers above 0".to_owned());
        }
        let plain = self.mean.iter().all(|v| v.abs() < f32::EPSILON)
            && self.std.iter().all(|v| (v - 1.0).abs() < f32::EPSILON);
        if self.element == Element::U8 && !plain {
            faults.push("input.element is u8, so mean must be [0, 0, 0] and std [1, 1, 1]".to_owned());
        }
    }
}

impl HeadSpec {
    fn check(&self, faults: &mut Vec<String>) {
        if let Self::NanoDet { strides, .. } | Self::Yolox { strides, .. } = self
            && (strides.is_empty()
                || strides.len() > MAX_STRIDES
                || strides.iter().any(|s| !(1..=256).contains(s)))
        {
            faults.push(format!("head.strides is {strides:?}; give 1 to {MAX_STRIDES} of 1 to 256 px"));
        }
        if let Self::NanoDet { bins, cell_centre, .. } = self {
            if !(2..=64).contains(bins) {
                faults.push(format!("head.bins is {bins}, not 2 to 64"));
            }
            if !(0.0..=1.0).contains(cell_centre) {
                faults.push(format!("head.cell_centre is {cell_centre}, not 0 to 1"));
            }
        }
        let names: Vec<&String> = match self {
            Self::NanoDet { output, .. } | Self::Yolox { output, .. } | Self::Yolov8 { output } => {
                output.iter().collect()
            }
            Self::Ssd { boxes, scores } => vec![boxes, scores],
            Self::Detr { boxes, logits, labels, sizes, .. } => {
                [boxes, logits].into_iter().chain(labels).chain(sizes).collect()
            }
        };
        if names.iter().any(|name| name.is_empty()) {
            faults.push("an output in head has an empty name".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sound manifest with the empty file's SHA-256.
    const SOUND: &str = r#"
name = "m"
file = "m.onnx"
sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
licence = "Apache-2.0"
source = "here"
[input]
name = "input"
width = 416
height = 416
layout = "nchw"
channels = "bgr"
element = "f32"
fit = "stretch"
mean = [103.53, 116.28, 123.675]
std = [57.375, 57.12, 58.395]
[head]
kind = "nanodet"
strides = [8, 16, 32]
bins = 11
[classes]
person = 0
count = 80
[thresholds]
score = 0.1
nms_iou = 0.5
"#;

    /// What a manifest says after `from` was replaced by `to`; empty where it is sound.
    fn check(from: &str, to: &str) -> String {
        assert!(SOUND.contains(from), "{from} is not in the sample");
        match Manifest::parse(Path::new("models/m.toml"), &SOUND.replacen(from, to, 1)) {
            Ok(_) => String::new(),
            Err(e) => e.to_string(),
        }
    }

    #[test]
    fn an_endless_file_is_no_manifest() {
        let fault = Manifest::read(Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(fault.contains("which no manifest does"), "{fault}");
    }

    fn load(text: &str, network: Option<&[u8]>) -> Result<Manifest, ManifestError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.toml");
        std::fs::write(&path, text).unwrap();
        if let Some(bytes) = network {
            std::fs::write(dir.path().join("m.onnx"), bytes).unwrap();
        }
        Manifest::load(&path)
    }

    #[test]
    fn a_sound_manifest_with_its_network_beside_it_is_loaded() {
        let manifest = load(SOUND, Some(b"")).unwrap();
        assert_eq!((manifest.name.as_str(), manifest.head.kind()), ("m", HeadKind::NanoDet));
        assert!(manifest.file.ends_with("m.onnx"));
    }

    #[test]
    fn a_missing_network_is_named_with_what_to_do() {
        let text = load(SOUND, None).unwrap_err().to_string();
        assert!(
            text.starts_with("model m: its file ") && text.ends_with("fetch it with `make models`"),
            "{text}"
        );
    }

    #[test]
    fn a_network_that_was_cut_short_is_told_from_the_whole_one() {
        let text = load(SOUND, Some(b"half")).unwrap_err().to_string();
        assert!(text.starts_with("model m does not match its manifest: sha256 of "), "{text}");
        assert!(text.contains("manifest says e3b0c442") && text.ends_with("`make models`"), "{text}");
    }

    #[test]
    fn a_manifest_that_is_not_there_is_named() {
        let text = Manifest::load(Path::new("nowhere/m.toml")).unwrap_err().to_string();
        assert!(text.starts_with("cannot read the model manifest nowhere/m.toml: "), "{text}");
    }

    #[test]
    fn unknown_keys_are_errors_with_their_line() {
        let text = check("bins = 11", "bins = 11\nbin = 3");
        assert!(
            text.contains("models/m.toml: TOML parse error at line ") && text.contains("`bin`"),
            "{text}"
        );
        let text = check("fit = ", "pad_level = 3\nfit = ");
        assert!(text.contains("pad_level") && text.contains("line "), "{text}");
    }

    #[test]
    fn every_value_is_checked() {
        for (from, to, said) in [
            ("width = 416", "width = 0", "input.width is 0, not 1 to 4096 px"),
            ("height = 416", "height = 5000", "input.height is 5000"),
            ("57.375", "0.0", "input.std is not three numbers above 0"),
            ("103.53", "nan", "input.mean is not three numbers"),
            ("element = \"f32\"", "element = \"u8\"", "input.element is u8"),
            ("person = 0", "person = 80", "classes.person is 80, but there are 80"),
            ("score = 0.1", "score = 1.5", "thresholds.score is 1.5"),
            ("nms_iou = 0.5", "nms_iou = -1", "thresholds.nms_iou is -1"),
            ("nms_iou = 0.5", "", "thresholds.nms_iou is missing"),
            ("[8, 16, 32]", "[]", "head.strides is []"),
            ("[8, 16, 32]", "[8, 0]", "head.strides is [8, 0]"),
            ("bins = 11", "bins = 1", "head.bins is 1"),
            ("\"e3b0", "\"E3B0", "sha256 is not 64 lower-case hex digits"),
            ("\"Apache-2.0\"", "\" \"", "licence is empty"),
            ("name = \"m\"", "name = \"a b\"", "name is \"a b\""),
        ] {
            let text = check(from, to);
            assert!(text.contains(said), "{to}: {text}");
        }
    }

    #[test]
    fn all_faults_are_said_at_once() {
        let text = check("width = 416\nheight = 416", "width = 0\nheight = 0");
        assert!(text.contains("input.width") && text.contains("input.height"), "{text}");
    }

    #[test]
    fn a_network_that_is_a_device_is_refused_and_not_read_for_ever() {
        let fault = sha256_of(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(fault.to_string(), "it is not a regular file");
    }

    #[test]
    fn every_head_is_read_and_written_back_alike() {
        let plain = "kind = \"nanodet\"\nstrides = [8, 16, 32]\nbins = 11";
        for head in [
            plain,
            "kind = \"yolox\"\nstrides = [8, 16, 32]",
            "kind = \"yolov8\"\noutput = \"output0\"",
            "kind = \"ssd\"\nboxes = \"b\"\nscores = \"s\"",
            "kind = \"detr\"\nboxes = \"pred_boxes\"\nlogits = \"logits\"\nscores_are = \"logits\"\nboxes_are = \"cxcywh_normalised\"",
            "kind = \"detr\"\nboxes = \"boxes\"\nscores = \"scores\"\nlabels = \"labels\"\nsizes = \"orig_target_sizes\"\nscores_are = \"probabilities\"\nboxes_are = \"xyxy_px\"",
        ] {
            let path = Path::new("models/m.toml");
            let read = Manifest::parse(path, &SOUND.replacen(plain, head, 1)).unwrap();
            assert_eq!(Manifest::parse(path, &read.to_toml(Path::new("m.onnx"))).unwrap(), read);
        }
    }
}
