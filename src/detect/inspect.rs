//! Recognises the head of somebody's own network and drafts its manifest.
//!
//! A network shows the names, shapes and types of what it takes and gives, and no more. Those
//! tell the head; its licence, and whether it was trained on BGR or on normalised RGB, they do
//! not. What cannot be seen is asked, with the head's usual answer as a default, and never guessed
//! in silence: wrong channels cost a third of the people and no error anywhere.

use super::manifest::{BoxKind, Channels, Fit, HeadKind, HeadSpec, Layout, ScoreKind};
use std::fmt::Write as _;

/// What a network takes and gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkFacts {
    /// In the network's order.
    pub inputs: Vec<Port>,
    /// In the network's order.
    pub outputs: Vec<Port>,
}

/// One input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its sides; -1 where one is only known at the run.
    pub shape: Vec<i64>,
    /// `f32`, `u8`, `i64`, or what else the library calls it.
    pub element: String,
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` {} {:?}", self.name, self.element, self.shape)
    }
}

/// Something about a network that cannot be seen in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Which line of the manifest it answers.
    pub key: QuestionKey,
    /// For the person who adds the network.
    pub text: String,
    /// Taken where the answer is empty; none: an answer is needed.
    pub default: Option<String>,
}

/// Which line of the manifest a question answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuestionKey {
    /// `licence`.
    Licence,
    /// `source`.
    Source,
    /// `input.width` and `input.height`, as `640x640`.
    InputSize,
    /// `input.channels`.
    Channels,
    /// `input.mean` and `input.std`, as one of [`Normalisation`].
    Normalisation,
    /// `input.fit`.
    Fit,
    /// `classes.person`.
    Person,
}

/// The normalisations in use, by name, each with its mean and standard deviation in the order of RGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalisation {
    /// Levels as they are.
    None,
    /// 0 to 1.
    Unit,
    /// -1 to 1.
    Symmetric,
    /// ImageNet's mean and deviation.
    Imagenet,
}

impl Normalisation {
    const ALL: [(&'static str, Self); 4] = [
        ("none", Self::None),
        ("unit", Self::Unit),
        ("symmetric", Self::Symmetric),
        ("imagenet", Self::Imagenet),
    ];

    fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, known)| *known == self).map_or("none", |(name, _)| name)
    }

    /// Mean and standard deviation of levels 0-255, red first.
    fn mean_and_std(self) -> ([f32; 3], [f32; 3]) {
        match self {
            Self::None => ([0.0; 3], [1.0; 3]),
            Self::Unit => ([0.0; 3], [255.0; 3]),
            Self::Symmetric => ([127.5; 3], [127.5; 3]),
            // torchvision's, times 255.
            Self::Imagenet => ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),
        }
    }
}

/// A manifest in the making.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Name of the picture input.
    input: String,
    layout: Layout,
    element: String,
    /// px; none: not fixed in the network.
    size: Option<(u32, u32)>,
    channels: Channels,
    normalisation: Normalisation,
    fit: Fit,
    /// The recognised head.
    pub head: HeadSpec,
    person: usize,
    count: usize,
    licence: String,
    source: String,
    /// What is still to be asked.
    pub missing: Vec<Question>,
}

/// Why a network's head is not known, or an answer is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// No input looks like a picture.
    #[error(
        "no input takes a picture ([1, 3, height, width] or [1, height, width, 3], f32 or u8); the network has {seen}"
    )]
    NoPicture {
        /// Every input and output.
        seen: String,
    },
    /// The outputs are of no head that is known, or not of the one that was named.
    #[error("the outputs are not those of {asked}; the network has {seen}; known heads: {known}")]
    Unknown {
        /// `a known head` or the named one.
        asked: String,
        /// Every input and output.
        seen: String,
        /// The heads that are known.
        known: String,
    },
    /// An answer that does not fit its question.
    #[error("{answer:?} is no answer to: {question}")]
    Answer {
        /// What was asked.
        question: String,
        /// What was said.
        answer: String,
    },
}

impl NetworkFacts {
    /// Everything, for a message.
    #[must_use]
    pub fn seen(&self) -> String {
        let list = |ports: &[Port]| ports.iter().map(Port::to_string).collect::<Vec<_>>().join(", ");
        format!("inputs {}; outputs {}", list(&self.inputs), list(&self.outputs))
    }
}

/// Recognises the head, or checks that the network may have the one that is `named`.
///
/// # Errors
/// [`InspectError`] lists what was seen and what is known.
pub fn recognise(facts: &NetworkFacts, named: Option<HeadKind>) -> Result<Draft, InspectError> {
    let no_picture = || InspectError::NoPicture { seen: facts.seen() };
    let PictureInput { port: input, layout, size } =
        facts.inputs.iter().find_map(picture_input).ok_or_else(no_picture)?;
    let tries: [fn(&Sight<'_>) -> Option<Seen>; 5] = [see_nanodet, see_yolox, see_yolov8, see_detr, see_ssd];
    let sight = Sight { facts, size, named };
    let wanted = |seen: &Seen| named.is_none_or(|named| seen.head.kind() == named);
    let seen =
        tries.iter().filter_map(|see| see(&sight)).find(wanted).ok_or_else(|| InspectError::Unknown {
            asked: named
                .map_or_else(|| "a known head".to_owned(), |named| format!("a {} head", named.name())),
            seen: facts.seen(),
            known: HeadKind::names(),
        })?;
    let mut draft = Draft {
        input: input.name.clone(),
        layout,
        element: input.element.clone(),
        size,
        channels: seen.habits.0,
        // A network that takes levels as bytes does the rest by itself.
        normalisation: if input.element == "u8" { Normalisation::None } else { seen.habits.1 },
        fit: seen.habits.2,
        head: seen.head,
        // COCO's 91 numbers begin with a background, its 80 with a person.
        person: usize::from(seen.count == 91),
        count: seen.count,
        licence: String::new(),
        source: String::new(),
        missing: Vec::new(),
    };
    draft.missing = draft.questions();
    Ok(draft)
}

/// What the recognisers look at.
struct Sight<'a> {
    facts: &'a NetworkFacts,
    size: Option<(u32, u32)>,
    named: Option<HeadKind>,
}

/// What one of them saw: the head, its classes, and how pictures are usually made for it.
struct Seen {
    head: HeadSpec,
    count: usize,
    habits: (Channels, Normalisation, Fit),
}

/// Strides of the heads on a grid, in the order in which they are tried.
const STRIDES: [&[u32]; 2] = [&[8, 16, 32], &[8, 16, 32, 64]];

impl Sight<'_> {
    /// Cells of all levels together; none where the picture's size is not fixed.
    fn cells(&self, strides: &[u32]) -> Option<i64> {
        let (width, height) = self.size?;
        Some(strides.iter().map(|stride| level_cells(*stride, width, height)).sum())
    }

    fn only_output(&self) -> Option<(&Port, i64, i64)> {
        match &self.facts.outputs[..] {
            [only] if only.element == "f32" && only.shape.len() == 3 => {
                Some((only, only.shape[1], only.shape[2]))
            }
            _ => None,
        }
    }

    fn output_ending_in(&self, last: i64) -> Option<&Port> {
        self.facts.outputs.iter().find(|port| port.shape.len() >= 2 && port.shape.last() == Some(&last))
    }
}

fn level_cells(stride: u32, width: u32, height: u32) -> i64 {
    i64::from(width.div_ceil(stride)) * i64::from(height.div_ceil(stride))
}

/// The input that takes the picture, with its layout and, where it is fixed, its width and height in px.
struct PictureInput<'a> {
    port: &'a Port,
    layout: Layout,
    size: Option<(u32, u32)>,
}

fn picture_input(port: &Port) -> Option<PictureInput<'_>> {
    if !matches!(port.element.as_str(), "f32" | "u8") {
        return None;
    }
    let side = |side: i64| u32::try_from(side).ok().filter(|side| *side > 0);
    let size = |width, height| side(width).zip(side(height));
    match port.shape[..] {
        [1 | -1, 3, height, width] => {
            Some(PictureInput { port, layout: Layout::Nchw, size: size(width, height) })
        }
        [1 | -1, height, width, 3] => {
            Some(PictureInput { port, layout: Layout::Nhwc, size: size(width, height) })
        }
        _ => None,
    }
}

fn see_nanodet(sight: &Sight<'_>) -> Option<Seen> {
    // It is trained on squares, and finds hardly anybody in a wide picture that is squeezed to one.
    let habits = (Channels::Bgr, Normalisation::Imagenet, Fit::Letterbox);
    see_nanodet_levels(sight).or_else(|| see_nanodet_plus(sight)).map(|(head, count)| Seen {
        head,
        count,
        habits,
    })
}

/// `cls{stride}` and `reg{stride}` for every stride.
fn see_nanodet_levels(sight: &Sight<'_>) -> Option<(HeadSpec, usize)> {
    let output = |kind: &str, stride: u32| {
        let name = format!("{kind}{stride}");
        sight.facts.outputs.iter().find(|port| port.name == name && port.element == "f32")
    };
    let strides: Vec<u32> =
        [8, 16, 32, 64].into_iter().filter(|stride| output("cls", *stride).is_some()).collect();
    let first = *strides.first()?;
    let last_side = |port: &Port| port.shape.last().and_then(|side| usize::try_from(*side).ok());
    let (count, sides) = (last_side(output("cls", first)?)?, last_side(output("reg", first)?)?);
    let head = HeadSpec::NanoDet { strides, bins: whole_bins(sides)?, output: None, cell_centre: 0.5 };
    Some((head, count))
}

fn whole_bins(sides: usize) -> Option<usize> {
    (sides >= 8 && sides.is_multiple_of(4)).then_some(sides / 4)
}

/// One output with class scores and distributions side by side, on four strides.
fn see_nanodet_plus(sight: &Sight<'_>) -> Option<(HeadSpec, usize)> {
    let (port, rows, columns) = sight.only_output()?;
    let strides = STRIDES[1];
    if sight.cells(strides) != Some(rows) {
        return None;
    }
    // reg_max is 7 in every NanoDet-Plus config, so 8 bins a side.
    let bins = 8;
    let count = usize::try_from(columns).ok()?.checked_sub(4 * bins).filter(|count| *count > 0)?;
    let output = Some(port.name.clone());
    Some((HeadSpec::NanoDet { strides: strides.to_vec(), bins, output, cell_centre: 0.0 }, count))
}

fn see_yolox(sight: &Sight<'_>) -> Option<Seen> {
    let (port, rows, columns) = sight.only_output()?;
    let named = sight.named == Some(HeadKind::Yolox);
    let strides = STRIDES.into_iter().find(|strides| sight.cells(strides) == Some(rows));
    // Without a fixed size only a person can tell it from other tables of this width.
    let strides =
        strides.or_else(|| (named && (sight.size.is_none() || rows == -1)).then_some(STRIDES[0]))?;
    let count = usize::try_from(columns).ok()?.checked_sub(5).filter(|count| *count > 0)?;
    let head = HeadSpec::Yolox { strides: strides.to_vec(), output: Some(port.name.clone()) };
    Some(Seen { head, count, habits: (Channels::Bgr, Normalisation::None, Fit::Letterbox) })
}

fn see_yolov8(sight: &Sight<'_>) -> Option<Seen> {
    let (port, rows, columns) = sight.only_output()?;
    let grid = STRIDES.into_iter().any(|strides| sight.cells(strides) == Some(columns));
    let named = sight.named == Some(HeadKind::Yolov8) && columns == -1;
    let count = usize::try_from(rows).ok()?.checked_sub(4).filter(|count| *count > 0)?;
    let head = HeadSpec::Yolov8 { output: Some(port.name.clone()) };
    let habits = (Channels::Rgb, Normalisation::Unit, Fit::LetterboxCentred);
    (grid || named).then_some(Seen { head, count, habits })
}

/// Queries are a few hundred, the anchors of an SSD a few thousand.
const MOST_QUERIES: i64 = 1000;

fn see_detr(sight: &Sight<'_>) -> Option<Seen> {
    let facts = sight.facts;
    let boxes = sight.output_ending_in(4).filter(|port| port.element == "f32")?;
    let rows = boxes.shape.iter().copied().max()?;
    if rows > MOST_QUERIES && sight.named != Some(HeadKind::Detr) {
        return None;
    }
    let labels = facts.outputs.iter().find(|port| matches!(port.element.as_str(), "i64" | "i32"));
    let scores = facts
        .outputs
        .iter()
        .find(|port| port.name != boxes.name && port.element == "f32" && port.shape.len() >= 2)?;
    if let Some(labels) = labels {
        let sizes = facts.inputs.iter().find(|port| port.element == "i64").map(|port| port.name.clone());
        let head = HeadSpec::Detr {
            boxes: boxes.name.clone(),
            logits: scores.name.clone(),
            scores_are: ScoreKind::Probabilities,
            boxes_are: BoxKind::XyxyPx,
            labels: Some(labels.name.clone()),
            sizes,
        };
        return Some(Seen { head, count: 80, habits: (Channels::Rgb, Normalisation::Unit, Fit::Stretch) });
    }
    let count =
        scores.shape.last().and_then(|side| usize::try_from(*side).ok()).filter(|count| *count > 0)?;
    // RF-DETR calls its outputs `dets` and `labels` and trains behind ImageNet's numbers.
    let normalisation = if boxes.name == "dets" { Normalisation::Imagenet } else { Normalisation::Unit };
    let head = HeadSpec::Detr {
        boxes: boxes.name.clone(),
        logits: scores.name.clone(),
        scores_are: ScoreKind::Logits,
        boxes_are: BoxKind::CxcywhNormalised,
        labels: None,
        sizes: None,
    };
    Some(Seen { head, count, habits: (Channels::Rgb, normalisation, Fit::Stretch) })
}

fn see_ssd(sight: &Sight<'_>) -> Option<Seen> {
    let boxes = sight.output_ending_in(4)?;
    let rows = boxes.shape.iter().copied().max()?;
    let is_scores = |port: &&Port| {
        port.name != boxes.name
            && port.shape.len() >= 2
            && port.shape.contains(&rows)
            && port.element == "f32"
    };
    let scores = sight.facts.outputs.iter().find(is_scores)?;
    let count =
        scores.shape.last().and_then(|side| usize::try_from(*side).ok()).filter(|count| *count > 0)?;
    let head = HeadSpec::Ssd { boxes: boxes.name.clone(), scores: scores.name.clone() };
    Some(Seen { head, count, habits: (Channels::Rgb, Normalisation::Symmetric, Fit::Stretch) })
}

impl Draft {
    fn questions(&self) -> Vec<Question> {
        let ask = |key, text: &str, default: Option<&str>| Question {
            key,
            text: text.to_owned(),
            default: default.map(str::to_owned),
        };
        let mut questions = vec![
            ask(
                QuestionKey::Licence,
                "licence of the weights (SPDX; Ultralytics weights are AGPL-3.0)",
                None,
            ),
            ask(QuestionKey::Source, "where the weights come from", None),
        ];
        if self.size.is_none() {
            questions.push(ask(QuestionKey::InputSize, "size of the network's picture, as 640x640", None));
        }
        let channels = channels_name(self.channels);
        questions.push(ask(QuestionKey::Channels, "order of the colours: bgr or rgb", Some(channels)));
        if self.element != "u8" {
            let text = "normalisation: none (0-255), unit (0-1), symmetric (-1 to 1) or imagenet";
            questions.push(ask(QuestionKey::Normalisation, text, Some(self.normalisation.name())));
        }
        let text =
            "how pictures are made to fit: stretch, letterbox (left upper corner) or letterbox_centred";
        questions.push(ask(QuestionKey::Fit, text, Some(fit_name(self.fit))));
        let text = format!("which of the {} classes is a person, from 0", self.count);
        questions.push(ask(QuestionKey::Person, &text, Some(&self.person.to_string())));
        questions
    }

    /// Takes the answer to a question; an empty one is the default.
    ///
    /// # Errors
    /// [`InspectError::Answer`] where it does not fit.
    pub fn answer(&mut self, question: &Question, answer: &str) -> Result<(), InspectError> {
        let given = Some(answer.trim()).filter(|answer| !answer.is_empty());
        let said = given.or(question.default.as_deref());
        let taken = said.is_some_and(|said| self.take(question.key, said));
        if !taken {
            let (question, answer) = (question.text.clone(), answer.to_owned());
            return Err(InspectError::Answer { question, answer });
        }
        self.missing.retain(|open| open.key != question.key);
        Ok(())
    }

    /// Whether the answer was taken.
    fn take(&mut self, key: QuestionKey, said: &str) -> bool {
        match key {
            QuestionKey::Licence => said.clone_into(&mut self.licence),
            QuestionKey::Source => said.clone_into(&mut self.source),
            QuestionKey::InputSize => {
                let sides =
                    said.split_once('x').map(|(width, height)| (width.trim().parse(), height.trim().parse()));
                let Some((Ok(width), Ok(height))) = sides else { return false };
                self.size = Some((width, height));
            }
            QuestionKey::Channels => {
                let Some(channels) =
                    [Channels::Bgr, Channels::Rgb].into_iter().find(|c| channels_name(*c) == said)
                else {
                    return false;
                };
                self.channels = channels;
            }
            QuestionKey::Normalisation => {
                let Some((_, known)) = Normalisation::ALL.into_iter().find(|(name, _)| *name == said) else {
                    return false;
                };
                self.normalisation = known;
            }
            QuestionKey::Fit => {
                let fits = [Fit::Stretch, Fit::Letterbox, Fit::LetterboxCentred];
                let Some(fit) = fits.into_iter().find(|fit| fit_name(*fit) == said) else { return false };
                self.fit = fit;
            }
            QuestionKey::Person => match said.parse() {
                Ok(person) if person < self.count => self.person = person,
                _ => return false,
            },
        }
        true
    }

    /// The manifest as commented TOML, for [`super::Manifest::parse`] to check.
    #[must_use]
    pub fn to_toml(&self, name: &str, file: &str, sha256: &str) -> String {
        let text = |value: &str| toml::Value::from(value).to_string();
        let mut out = String::new();
        line(&mut out, "# Written by `footfall model add`. What the network itself shows was read from it;");
        line(
            &mut out,
            "# the lines marked \"said\" were answered by a person, or are the usual ones where nobody was asked.",
        );
        line(&mut out, &format!("name = {}", text(name)));
        line(&mut out, &format!("file = {}  # beside this manifest", text(file)));
        line(&mut out, &format!("sha256 = {}", text(sha256)));
        line(&mut out, &format!("licence = {}  # said", text(&self.licence)));
        line(&mut out, &format!("source = {}  # said", text(&self.source)));
        self.write_input(&mut out);
        line(&mut out, "\n[head]");
        out.push_str(&toml::to_string(&self.head).expect("a head holds only what TOML can say"));
        line(&mut out, "\n[classes]");
        line(&mut out, &format!("person = {}  # said", self.person));
        line(&mut out, &format!("count = {}", self.count));
        line(&mut out, "\n[thresholds]");
        line(
            &mut out,
            "score = 0.1  # lowest score that leaves the detector; the tracker has its own, higher ones",
        );
        if self.head.kind() != HeadKind::Detr {
            line(&mut out, "nms_iou = 0.5  # of two boxes that overlap by more, the better stays");
        }
        out
    }

    fn write_input(&self, out: &mut String) {
        let (width, height) = self.size.unwrap_or((0, 0));
        let (mut mean, mut std) = self.normalisation.mean_and_std();
        if self.channels == Channels::Bgr {
            mean.reverse();
            std.reverse();
        }
        let layout = match self.layout {
            Layout::Nchw => "nchw",
            Layout::Nhwc => "nhwc",
        };
        line(out, "\n[input]");
        line(out, &format!("name = {}", toml::Value::from(self.input.as_str())));
        line(out, &format!("width = {width}"));
        line(out, &format!("height = {height}"));
        line(out, &format!("layout = \"{layout}\""));
        line(out, &format!("channels = \"{}\"  # said", channels_name(self.channels)));
        line(out, &format!("element = \"{}\"", self.element));
        line(out, &format!("fit = \"{}\"  # said", fit_name(self.fit)));
        line(out, "pad = 114  # level beside a letterboxed picture");
        line(out, &format!("mean = {mean:?}  # said: normalisation {}", self.normalisation.name()));
        line(out, &format!("std = {std:?}"));
    }
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a String takes every text");
}

fn channels_name(channels: Channels) -> &'static str {
    match channels {
        Channels::Bgr => "bgr",
        Channels::Rgb => "rgb",
    }
}

fn fit_name(fit: Fit) -> &'static str {
    match fit {
        Fit::Stretch => "stretch",
        Fit::Letterbox => "letterbox",
        Fit::LetterboxCentred => "letterbox_centred",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Manifest;
    use super::*;
    use std::path::Path;

    fn ports(list: &[(&str, &[i64], &str)]) -> Vec<Port> {
        list.iter()
            .map(|(name, shape, element)| Port {
                name: (*name).into(),
                shape: shape.to_vec(),
                element: (*element).into(),
            })
            .collect()
    }

    fn facts(inputs: &[(&str, &[i64], &str)], outputs: &[(&str, &[i64], &str)]) -> NetworkFacts {
        NetworkFacts { inputs: ports(inputs), outputs: ports(outputs) }
    }

    fn at(side: i64, outputs: &[(&str, &[i64], &str)]) -> NetworkFacts {
        facts(&[("images", &[1, 3, side, side], "f32")], outputs)
    }

    /// Kind, person and classes of the manifest that comes of a network when every default is taken.
    fn check(facts: &NetworkFacts, named: Option<HeadKind>) -> Result<(HeadKind, usize, usize), String> {
        let mut draft = recognise(facts, named).map_err(|e| e.to_string())?;
        for question in draft.missing.clone() {
            let answer = match question.key {
                QuestionKey::Licence => "MIT",
                QuestionKey::Source => "the \"shelf\"",
                QuestionKey::InputSize => "640x480",
                _ => "",
            };
            draft.answer(&question, answer).map_err(|e| e.to_string())?;
        }
        assert_eq!(draft.missing, []);
        let toml = draft.to_toml("mine", "mine.onnx", &"0".repeat(64));
        let manifest =
            Manifest::parse(Path::new("models/mine.toml"), &toml).map_err(|e| format!("{e}\n{toml}"))?;
        assert_eq!(manifest.head, draft.head);
        Ok((manifest.head.kind(), manifest.classes.person, manifest.classes.count))
    }

    #[test]
    fn nanodet_is_known_by_a_pair_of_outputs_per_stride() {
        let nanodet = at(
            416,
            &[
                ("cls8", &[1, 2704, 80], "f32"),
                ("reg8", &[1, 2704, 44], "f32"),
                ("cls16", &[1, 676, 80], "f32"),
                ("reg16", &[1, 676, 44], "f32"),
            ],
        );
        assert_eq!(check(&nanodet, None), Ok((HeadKind::NanoDet, 0, 80)));
    }

    #[test]
    fn one_table_is_told_by_the_cells_of_its_picture() {
        let check = |side, shape: &[i64]| check(&at(side, &[("output", shape, "f32")]), None);
        assert_eq!(check(416, &[1, 3598, 112]), Ok((HeadKind::NanoDet, 0, 80)));
        assert_eq!(check(416, &[1, 3549, 85]), Ok((HeadKind::Yolox, 0, 80)));
        assert_eq!(check(640, &[1, 8400, 6]), Ok((HeadKind::Yolox, 0, 1)));
        assert_eq!(check(640, &[1, 84, 8400]), Ok((HeadKind::Yolov8, 0, 80)));
        assert_eq!(check(640, &[1, 5, 8400]), Ok((HeadKind::Yolov8, 0, 1)));
    }

    #[test]
    fn sets_are_told_from_anchors_by_their_number() {
        let pair = |rows, count| {
            at(640, &[("pred_boxes", &[1, rows, 4], "f32"), ("logits", &[1, rows, count], "f32")])
        };
        assert_eq!(check(&pair(300, 80), None), Ok((HeadKind::Detr, 0, 80)));
        assert_eq!(check(&pair(300, 91), None), Ok((HeadKind::Detr, 1, 91)));
        assert_eq!(check(&pair(1917, 90), None), Ok((HeadKind::Ssd, 0, 90)));
        assert_eq!(check(&pair(1917, 90), Some(HeadKind::Detr)), Ok((HeadKind::Detr, 0, 90)));
    }

    #[test]
    fn post_processing_inside_the_network_is_seen() {
        let deployed = facts(
            &[("images", &[-1, 3, 640, 640], "f32"), ("orig_target_sizes", &[-1, 2], "i64")],
            &[("labels", &[-1, 300], "i64"), ("boxes", &[-1, 300, 4], "f32"), ("scores", &[-1, 300], "f32")],
        );
        assert_eq!(check(&deployed, None), Ok((HeadKind::Detr, 0, 80)));
    }

    #[test]
    fn a_byte_input_with_the_channels_last_is_a_picture_too() {
        let bytes = facts(
            &[("image", &[1, 300, 300, 3], "u8")],
            &[("boxes", &[1, 1917, 1, 4], "f32"), ("scores", &[1, 1917, 90], "f32")],
        );
        assert_eq!(check(&bytes, None), Ok((HeadKind::Ssd, 0, 90)));
    }

    #[test]
    fn a_size_that_is_not_fixed_is_asked_for() {
        let free = facts(&[("images", &[-1, 3, -1, -1], "f32")], &[("output0", &[-1, 84, -1], "f32")]);
        assert!(check(&free, None).unwrap_err().contains("not those of a known head"));
        assert_eq!(check(&free, Some(HeadKind::Yolov8)), Ok((HeadKind::Yolov8, 0, 80)));
    }

    #[test]
    fn an_unknown_head_is_refused_with_what_was_seen_and_what_is_known() {
        let said = check(&at(640, &[("out", &[1, 25200, 85], "f32")]), None).unwrap_err();
        assert_eq!(
            said,
            "the outputs are not those of a known head; the network has inputs `images` f32 [1, 3, 640, 640]; \
             outputs `out` f32 [1, 25200, 85]; known heads: nanodet, yolox, yolov8, ssd, detr"
        );
        let named = check(&at(640, &[("out", &[1, 25200, 85], "f32")]), Some(HeadKind::Yolox)).unwrap_err();
        assert!(named.starts_with("the outputs are not those of a yolox head; "), "{named}");
    }

    #[test]
    fn a_network_without_a_picture_is_refused() {
        let said = check(&facts(&[("x", &[1, 16], "f32")], &[("y", &[1, 2], "f32")]), None).unwrap_err();
        assert!(said.starts_with("no input takes a picture ") && said.contains("`x` f32 [1, 16]"), "{said}");
    }

    #[test]
    fn an_answer_that_does_not_fit_is_refused_and_asked_again() {
        let yolox = at(416, &[("output", &[1, 3549, 85], "f32")]);
        let mut draft = recognise(&yolox, None).unwrap();
        for question in draft.missing.clone() {
            let wrong = match question.key {
                QuestionKey::Licence | QuestionKey::Source => " ",
                QuestionKey::Person => "80",
                _ => "grey",
            };
            let said = draft.answer(&question, wrong).unwrap_err().to_string();
            assert_eq!(said, format!("{wrong:?} is no answer to: {}", question.text));
            assert!(draft.missing.contains(&question));
        }
    }
}
