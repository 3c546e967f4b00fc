//! Turns what a network says into boxes, in px of the network's own picture.
//!
//! Every head is a pure function over borrowed outputs, and only the person column is looked at:
//! the 79 other classes of COCO cost nothing. Rows below the threshold are left before their box
//! is worked out, and a box that is not finite or has no area is dropped here, because exponents of
//! a broken network do overflow.

pub mod detr;
pub mod nanodet;
pub mod ssd;
pub mod yolov8;
pub mod yolox;

use super::Detection;
use super::manifest::{ClassSpec, HeadSpec, InputSpec, Manifest};
use crate::geom::ImageBox;
use ndarray::ArrayView2;

/// One output of a network, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Output<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its shape.
    pub shape: &'a [i64],
    /// Its values, the last axis running fastest.
    pub values: Values<'a>,
}

/// The types that heads are made of.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    /// Boxes, scores.
    F32(&'a [f32]),
    /// Labels.
    I64(&'a [i64]),
    /// Labels.
    I32(&'a [i32]),
}

/// Something that holds the outputs of one run.
pub trait Outputs {
    /// The output of this name.
    ///
    /// # Errors
    /// [`DecodeError::Missing`] or [`DecodeError::Type`].
    fn get<'a>(&'a self, name: &'a str) -> Result<Output<'a>, DecodeError>;
}

impl Outputs for [Output<'_>] {
    fn get<'a>(&'a self, name: &'a str) -> Result<Output<'a>, DecodeError> {
        let found = self.iter().find(|output| output.name == name);
        found.copied().ok_or_else(|| DecodeError::Missing { output: name.to_owned() })
    }
}

/// Why outputs are not those of the head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// An output is not there.
    #[error("the network has no output `{output}`")]
    Missing {
        /// Its name.
        output: String,
    },
    /// An output is of another type.
    #[error("output `{output}` holds {got}, the head needs {expected}")]
    Type {
        /// Its name.
        output: String,
        /// What it holds.
        got: String,
        /// What the head reads.
        expected: &'static str,
    },
    /// An output is of another shape.
    #[error("output `{output}` is {got:?}, the manifest says {expected}")]
    Shape {
        /// Its name.
        output: String,
        /// Its shape.
        got: Vec<i64>,
        /// The shape that the head reads.
        expected: String,
    },
}

impl<'a> Output<'a> {
    /// A batch of one as `(rows, columns)`; axes of length 1 before the last are passed over.
    ///
    /// # Errors
    /// [`DecodeError`] where the type or the columns are others, or `rows` are given and differ.
    pub fn table(&self, rows: Option<usize>, columns: usize) -> Result<ArrayView2<'a, f32>, DecodeError> {
        let Values::F32(values) = self.values else {
            return Err(self.wrong_type("f32"));
        };
        let wrong = || self.wrong_shape(rows, columns);
        let last = self.shape.last().copied().and_then(|last| usize::try_from(last).ok());
        if last != Some(columns) || columns == 0 || values.len() % columns != 0 || !self.is_one_picture() {
            return Err(wrong());
        }
        let found = values.len() / columns;
        if rows.is_some_and(|rows| rows != found) {
            return Err(wrong());
        }
        ArrayView2::from_shape((found, columns), values).map_err(|_shape| wrong())
    }

    /// A batch of one as a list, f32.
    ///
    /// # Errors
    /// [`DecodeError`] where the type is another or there are more axes than one.
    pub fn list(&self) -> Result<&'a [f32], DecodeError> {
        match self.values {
            Values::F32(values) if self.shape.iter().filter(|side| **side != 1).count() <= 1 => Ok(values),
            Values::F32(_) => Err(self.wrong_shape(None, 1)),
            _ => Err(self.wrong_type("f32")),
        }
    }

    fn is_one_picture(&self) -> bool {
        self.shape.len() < 3 || self.shape[0] == 1
    }

    fn wrong_type(&self, expected: &'static str) -> DecodeError {
        let got = match self.values {
            Values::F32(_) => "f32",
            Values::I64(_) => "i64",
            Values::I32(_) => "i32",
        };
        DecodeError::Type { output: self.name.to_owned(), got: got.to_owned(), expected }
    }

    fn wrong_shape(&self, rows: Option<usize>, columns: usize) -> DecodeError {
        let rows = rows.map_or_else(|| "N".to_owned(), |rows| rows.to_string());
        DecodeError::Shape {
            output: self.name.to_owned(),
            got: self.shape.to_vec(),
            expected: format!("[1, {rows}, {columns}]"),
        }
    }
}

/// The cells of one level of a network that looks at a grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// px of the network's picture per cell.
    pub stride: u32,
    /// Cells across.
    pub columns: usize,
    /// Cells down.
    pub rows: usize,
}

impl Level {
    /// The level of this stride for a network's picture. A side that is no multiple has a last, cut cell.
    #[must_use]
    pub fn new(stride: u32, input: &InputSpec) -> Self {
        Self {
            stride,
            columns: input.width.div_ceil(stride) as usize,
            rows: input.height.div_ceil(stride) as usize,
        }
    }

    /// How many cells there are.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.columns * self.rows
    }

    /// Column and row of a cell; cells run row by row.
    #[must_use]
    pub fn place(&self, cell: usize) -> (f32, f32) {
        // Cells are a few thousand, f32 is exact far beyond.
        ((cell % self.columns) as f32, (cell / self.columns) as f32)
    }
}

/// A head made ready for one network.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    spec: HeadSpec,
    levels: Vec<Level>,
    /// Name of the score output and of the box output (the same where there is one) of each level.
    names: Vec<(String, String)>,
    classes: ClassSpec,
    width: f32,
    height: f32,
}

impl Head {
    /// The head of a manifest. `outputs` are the network's own names, in its order: a head with one
    /// unnamed output takes the first.
    #[must_use]
    pub fn new(manifest: &Manifest, outputs: &[&str]) -> Self {
        let input = &manifest.input;
        let strides: &[u32] = match &manifest.head {
            HeadSpec::NanoDet { strides, .. } | HeadSpec::Yolox { strides, .. } => strides,
            HeadSpec::Yolov8 { .. } | HeadSpec::Ssd { .. } | HeadSpec::Detr { .. } => &[],
        };
        let only = |name: &Option<String>| {
            let name = name.clone().or_else(|| outputs.first().map(|first| (*first).to_owned()));
            let name = name.unwrap_or_default();
            vec![(name.clone(), name)]
        };
        let names = match &manifest.head {
            HeadSpec::NanoDet { output: None, .. } => {
                strides.iter().map(|stride| (format!("cls{stride}"), format!("reg{stride}"))).collect()
            }
            HeadSpec::NanoDet { output, .. }
            | HeadSpec::Yolox { output, .. }
            | HeadSpec::Yolov8 { output } => only(output),
            HeadSpec::Ssd { boxes, scores } => vec![(scores.clone(), boxes.clone())],
            HeadSpec::Detr { boxes, logits, .. } => vec![(logits.clone(), boxes.clone())],
        };
        Self {
            levels: strides.iter().map(|stride| Level::new(*stride, input)).collect(),
            names,
            spec: manifest.head.clone(),
            classes: manifest.classes,
            // A network's sides are at most 4096 px.
            width: input.width as f32,
            height: input.height as f32,
        }
    }

    /// Every output that [`Head::decode`] reads with its shape; none: that axis may have any length.
    #[must_use]
    pub fn reads(&self) -> Vec<(String, Vec<Option<usize>>)> {
        let cells = self.levels.iter().map(Level::cells).sum();
        let (count, one) = (self.classes.count, Some(1));
        let (scores, boxes) = &self.names[0];
        match &self.spec {
            HeadSpec::NanoDet { output: None, bins, .. } => {
                let both = |(level, (scores, boxes)): (&Level, &(String, String))| {
                    let rows = Some(level.cells());
                    [
                        (scores.clone(), vec![one, rows, Some(count)]),
                        (boxes.clone(), vec![one, rows, Some(4 * bins)]),
                    ]
                };
                self.levels.iter().zip(&self.names).flat_map(both).collect()
            }
            HeadSpec::NanoDet { bins, .. } => {
                vec![(boxes.clone(), vec![one, Some(cells), Some(count + 4 * bins)])]
            }
            HeadSpec::Yolox { .. } => vec![(boxes.clone(), vec![one, Some(cells), Some(5 + count)])],
            HeadSpec::Yolov8 { .. } => vec![(boxes.clone(), vec![one, Some(4 + count), None])],
            HeadSpec::Ssd { .. } | HeadSpec::Detr { labels: None, .. } => vec![
                (scores.clone(), vec![one, None, Some(count)]),
                (boxes.clone(), vec![one, None, Some(4)]),
            ],
            HeadSpec::Detr { labels: Some(labels), .. } => vec![
                (scores.clone(), vec![one, None]),
                (labels.clone(), vec![one, None]),
                (boxes.clone(), vec![one, None, Some(4)]),
            ],
        }
    }

    /// Adds the people of one run, in model px, in the order of the network, with a score of at least `min_score`.
    ///
    /// # Errors
    /// [`DecodeError`] names the output that is not the head's.
    pub fn decode(
        &self,
        outputs: &(impl Outputs + ?Sized),
        min_score: f32,
        out: &mut Vec<Detection>,
    ) -> Result<(), DecodeError> {
        let mut people = People { min_score, out };
        let (scores, boxes) = &self.names[0];
        let ClassSpec { person, count } = self.classes;
        match &self.spec {
            HeadSpec::NanoDet { bins, cell_centre, output, .. } => {
                let head = nanodet::NanoDet { bins: *bins, cell_centre: *cell_centre, person };
                self.decode_nanodet(&head, output.is_some(), outputs, &mut people)?;
            }
            HeadSpec::Yolox { .. } => {
                let cells = self.levels.iter().map(Level::cells).sum();
                let table = outputs.get(boxes)?.table(Some(cells), 5 + count)?;
                yolox::decode(&self.levels, table, person, &mut people);
            }
            HeadSpec::Yolov8 { .. } => {
                let output = outputs.get(boxes)?;
                yolov8::decode(yolov8::table(&output, count)?, person, &mut people);
            }
            HeadSpec::Ssd { .. } => {
                let scores = outputs.get(scores)?.table(None, count)?;
                let boxes = outputs.get(boxes)?.table(Some(scores.nrows()), 4)?;
                ssd::decode(boxes, scores, person, (self.width, self.height), &mut people);
            }
            HeadSpec::Detr { scores_are, boxes_are, labels, .. } => {
                let head = detr::Detr {
                    scores_are: *scores_are,
                    boxes_are: *boxes_are,
                    person,
                    width: self.width,
                    height: self.height,
                };
                let scores = outputs.get(scores)?;
                if let Some(labels) = labels {
                    let scores = scores.list()?;
                    let boxes = outputs.get(boxes)?.table(Some(scores.len()), 4)?;
                    detr::decode_labelled(&head, boxes, scores, &outputs.get(labels)?, &mut people)?;
                } else {
                    let scores = scores.table(None, count)?;
                    let boxes = outputs.get(boxes)?.table(Some(scores.nrows()), 4)?;
                    detr::decode(&head, boxes, scores, &mut people);
                }
            }
        }
        Ok(())
    }

    fn decode_nanodet(
        &self,
        head: &nanodet::NanoDet,
        joined: bool,
        outputs: &(impl Outputs + ?Sized),
        people: &mut People<'_>,
    ) -> Result<(), DecodeError> {
        let (count, distances) = (self.classes.count, 4 * head.bins);
        if !joined {
            for (level, (scores, boxes)) in self.levels.iter().zip(&self.names) {
                let scores = outputs.get(scores)?.table(Some(level.cells()), count)?;
                let boxes = outputs.get(boxes)?.table(Some(level.cells()), distances)?;
                nanodet::decode_level(head, level, scores, boxes, people);
            }
            return Ok(());
        }
        let cells = self.levels.iter().map(Level::cells).sum();
        let mut rest = outputs.get(&self.names[0].1)?.table(Some(cells), count + distances)?;
        for level in &self.levels {
            let (here, after) = rest.split_at(ndarray::Axis(0), level.cells());
            let (scores, boxes) = here.split_at(ndarray::Axis(1), count);
            nanodet::decode_level(head, level, scores, boxes, people);
            rest = after;
        }
        Ok(())
    }
}

/// Where a head puts what it finds: keeps sound boxes of a sufficient score.
#[derive(Debug)]
pub struct People<'a> {
    /// Lowest score that is kept.
    pub min_score: f32,
    /// What was found.
    pub out: &'a mut Vec<Detection>,
}

impl People<'_> {
    /// Whether a row is worth working out; a score that is not a number is not.
    #[must_use]
    pub fn wants(&self, score: f32) -> bool {
        score >= self.min_score
    }

    /// Keeps a box in model px where it is sound.
    pub fn add(&mut self, bbox: ImageBox, score: f32) {
        if bbox.is_sound() {
            self.out.push(Detection { bbox, score: score.min(1.0) });
        }
    }
}

/// A box by its centre and size.
fn from_centre(x: f32, y: f32, width: f32, height: f32) -> ImageBox {
    ImageBox::from_left_top_size(x - 0.5 * width, y - 0.5 * height, width, height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shape: &[i64], values: usize, rows: Option<usize>, columns: usize) -> String {
        let values = vec![0.0; values];
        let output = Output { name: "o", shape, values: Values::F32(&values) };
        output.table(rows, columns).map_or_else(|e| e.to_string(), |table| format!("{:?}", table.shape()))
    }

    #[test]
    fn a_batch_of_one_is_read_as_a_table() {
        assert_eq!(check(&[1, 3, 4], 12, None, 4), "[3, 4]");
        assert_eq!(check(&[1, 3, 1, 4], 12, Some(3), 4), "[3, 4]");
        assert_eq!(check(&[3, 4], 12, None, 4), "[3, 4]");
    }

    #[test]
    fn another_shape_is_named_with_the_one_that_is_needed() {
        assert_eq!(check(&[1, 3, 5], 15, None, 4), "output `o` is [1, 3, 5], the manifest says [1, N, 4]");
        assert_eq!(check(&[1, 3, 4], 12, Some(9), 4), "output `o` is [1, 3, 4], the manifest says [1, 9, 4]");
        assert_eq!(check(&[2, 3, 4], 24, None, 4), "output `o` is [2, 3, 4], the manifest says [1, N, 4]");
        assert_eq!(check(&[], 1, None, 1), "output `o` is [], the manifest says [1, N, 1]");
    }

    #[test]
    fn labels_are_not_read_as_scores() {
        let output = Output { name: "labels", shape: &[1, 2], values: Values::I64(&[0, 1]) };
        assert_eq!(output.list().unwrap_err().to_string(), "output `labels` holds i64, the head needs f32");
    }

    #[test]
    fn boxes_that_are_not_boxes_and_scores_that_are_not_numbers_are_dropped() {
        let mut out = Vec::new();
        let mut people = People { min_score: 0.1, out: &mut out };
        assert!(!people.wants(f32::NAN) && !people.wants(0.09) && people.wants(0.1));
        people.add(from_centre(1.0, 1.0, f32::INFINITY, 1.0), 0.5);
        people.add(from_centre(1.0, 1.0, f32::NAN, 1.0), 0.5);
        people.add(from_centre(1.0, 1.0, 0.0, 1.0), 0.5);
        people.add(from_centre(1.0, 1.0, 2.0, 2.0), 0.5);
        assert_eq!(out, [Detection { bbox: ImageBox::new(0.0, 0.0, 2.0, 2.0), score: 0.5 }]);
    }
}
