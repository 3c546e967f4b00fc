//! Makes a camera's picture into the tensor that a network takes.
//!
//! Levels must come out as `cv2.resize(.., INTER_LINEAR)` gives them (half-pixel centres, two
//! neighbours a side, no low-pass, whole levels), because that is what networks are trained and
//! quantised behind; a "better" filter gives other boxes. Rows are blended first, for whole rows
//! of the source at once: that loop is straight and the compiler makes SIMD of it. Columns are then
//! picked by a table made once per source size, so a frame costs no allocation after the first.

use super::manifest::{Channels, Fit, InputSpec, Layout};
use crate::capture::Picture;
use crate::geom::{ImageBox, PictureSize};
use std::ops::Range;

/// Where a box of the network's picture lies in the camera's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SourceFromModel {
    /// Model px left of the picture.
    pub left_in_model: f32,
    /// Model px above the picture.
    pub top_in_model: f32,
    /// Source px per model px, to the right.
    pub scale_x: f32,
    /// Source px per model px, down.
    pub scale_y: f32,
    /// Size of the source picture.
    pub source: PictureSize,
}

impl SourceFromModel {
    /// The box in source px, cut at the edges of the picture: a foot below the picture cannot stand on any line in it.
    #[must_use]
    pub fn apply(&self, in_model: &ImageBox) -> ImageBox {
        // A picture side is far below 2^24, where f32 stops being exact.
        let (width, height) = (self.source.width as f32, self.source.height as f32);
        let x = |v: f32| ((v - self.left_in_model) * self.scale_x).clamp(0.0, width);
        let y = |v: f32| ((v - self.top_in_model) * self.scale_y).clamp(0.0, height);
        ImageBox::new(x(in_model.left), y(in_model.top), x(in_model.right), y(in_model.bottom))
    }
}

/// Why a picture cannot be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// No pixels.
    #[error("the picture is {0} px")]
    Empty(PictureSize),
    /// The buffer is not that of a picture of this size.
    #[error("a picture of {size} px has {expected} bytes, got {got}")]
    Length {
        /// The size it claims.
        size: PictureSize,
        /// Bytes of such a picture.
        expected: u64,
        /// Bytes that are there.
        got: usize,
    },
    /// The tensor is not the network's.
    #[error("the input tensor has {got} values, the model takes {expected}")]
    Tensor {
        /// Values that the manifest asks for.
        expected: usize,
        /// Values that are there.
        got: usize,
    },
}

/// The tensor to fill.
#[derive(Debug)]
pub enum TensorMut<'a> {
    /// Normalised levels.
    F32(&'a mut [f32]),
    /// Levels 0-255.
    U8(&'a mut [u8]),
}

/// Fills a network's input tensor from pictures; owns and reuses its buffers.
#[derive(Debug, Clone)]
pub struct Letterbox {
    input: InputSpec,
    /// Per channel, blue first: level x `gain` + `bias`.
    gain: [f32; 3],
    bias: [f32; 3],
    plan: Option<Plan>,
    rows: RowBuffers,
}

/// What one row goes through; made with the plan.
#[derive(Debug, Clone, Default)]
struct RowBuffers {
    /// A source row between two, `(width, 3)` BGR, and [`OVERHANG`] zeros.
    blended: Vec<f32>,
    /// The columns picked out of it: blue, green, red and a fourth lane that nobody reads.
    picked: Vec<[f32; 4]>,
}

/// What one source size needs.
#[derive(Debug, Clone)]
struct Plan {
    source: PictureSize,
    /// The picture's place in the tensor, px.
    left: usize,
    top: usize,
    columns: Vec<Tap>,
    rows: Vec<Tap>,
}

/// Two neighbours and how much the second one counts.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tap {
    /// The first neighbour: a value's index for columns (3 a pixel), a row's number for rows.
    first: usize,
    /// Weight of the second, 0 to 1; 0 where there is none.
    weight: f32,
}

/// A pixel and its right neighbour are read as two groups of four values, which at the last pixel
/// of a row reaches this far beyond it.
const OVERHANG: usize = 4;

impl Letterbox {
    /// For a network's input.
    #[must_use]
    pub fn new(input: &InputSpec) -> Self {
        let mut gain = input.std.map(f32::recip);
        let mut bias = std::array::from_fn(|channel| -input.mean[channel] / input.std[channel]);
        if input.channels == Channels::Rgb {
            gain.reverse();
            bias.reverse();
        }
        Self { input: input.clone(), gain, bias, plan: None, rows: RowBuffers::default() }
    }

    /// Values in the tensor.
    #[must_use]
    pub fn tensor_len(&self) -> usize {
        3 * self.input.width as usize * self.input.height as usize
    }

    /// Fills all of `tensor` and says where its px lie in `picture`.
    ///
    /// # Errors
    /// [`PictureError`] where the picture or the tensor is not what it says.
    pub fn fill(
        &mut self,
        picture: &Picture,
        tensor: TensorMut<'_>,
    ) -> Result<SourceFromModel, PictureError> {
        check_picture(picture)?;
        let got = match &tensor {
            TensorMut::F32(values) => values.len(),
            TensorMut::U8(values) => values.len(),
        };
        if got != self.tensor_len() {
            return Err(PictureError::Tensor { expected: self.tensor_len(), got });
        }
        if self.plan.as_ref().is_none_or(|plan| plan.source != picture.size()) {
            let plan = Plan::new(&self.input, picture.size());
            self.rows.blended = vec![0.0; picture.width as usize * 3 + OVERHANG];
            self.rows.picked = vec![[0.0; 4]; plan.columns.len()];
            self.plan = Some(plan);
        }
        let plan = self.plan.as_ref().expect("made just above");
        let painter = Painter { input: &self.input, gain: self.gain, bias: self.bias, plan };
        match tensor {
            TensorMut::F32(values) => painter.paint(picture, &mut self.rows, values, |level| level),
            // Whole levels between 0 and 255 already.
            TensorMut::U8(values) => painter.paint(picture, &mut self.rows, values, |level| level as u8),
        }
        Ok(plan.source_from_model())
    }
}

/// Checks that a picture holds what its size says.
///
/// # Errors
/// [`PictureError::Empty`] or [`PictureError::Length`].
pub fn check_picture(picture: &Picture) -> Result<(), PictureError> {
    let size = picture.size();
    if size.width == 0 || size.height == 0 {
        return Err(PictureError::Empty(size));
    }
    let expected = u64::from(size.width).saturating_mul(u64::from(size.height)).saturating_mul(3);
    if picture.bgr.len() as u64 == expected {
        Ok(())
    } else {
        Err(PictureError::Length { size, expected, got: picture.bgr.len() })
    }
}

impl Plan {
    fn new(input: &InputSpec, source: PictureSize) -> Self {
        let (width, height) = (input.width, input.height);
        let ratio =
            (f64::from(width) / f64::from(source.width)).min(f64::from(height) / f64::from(source.height));
        let side = |length: u32, limit: u32, round: fn(f64) -> f64| {
            // At least 1 and at most the network's side, so the cast is exact.
            round(f64::from(length) * ratio).clamp(1.0, f64::from(limit)) as u32
        };
        let (inner_width, inner_height) = match input.fit {
            Fit::Stretch => (width, height),
            // YOLOX cuts (`yolox/data/data_augment.py`, preproc), Ultralytics rounds (`data/augment.py`, LetterBox).
            Fit::Letterbox => {
                (side(source.width, width, f64::floor), side(source.height, height, f64::floor))
            }
            Fit::LetterboxCentred => {
                (side(source.width, width, f64::round), side(source.height, height, f64::round))
            }
        };
        // An odd px goes to the right and to the bottom, as with Ultralytics.
        let before = |outer: u32, inner: u32| match input.fit {
            Fit::LetterboxCentred => (outer - inner) as usize / 2,
            Fit::Stretch | Fit::Letterbox => 0,
        };
        Self {
            source,
            left: before(width, inner_width),
            top: before(height, inner_height),
            columns: taps(source.width, inner_width, 3),
            rows: taps(source.height, inner_height, 1),
        }
    }

    fn source_from_model(&self) -> SourceFromModel {
        // Sides are far below 2^24, where f32 stops being exact.
        SourceFromModel {
            left_in_model: self.left as f32,
            top_in_model: self.top as f32,
            scale_x: self.source.width as f32 / self.columns.len() as f32,
            scale_y: self.source.height as f32 / self.rows.len() as f32,
            source: self.source,
        }
    }
}

/// The neighbours of every output place: centres lie at half px, places beyond the edge take the edge.
fn taps(source: u32, output: u32, step: usize) -> Vec<Tap> {
    let scale = f64::from(source) / f64::from(output);
    let place = |index: u32| {
        let at = (f64::from(index) + 0.5) * scale - 0.5;
        let first = at.floor();
        if first < 0.0 {
            return Tap { first: 0, weight: 0.0 };
        }
        let last = f64::from(source - 1);
        if first >= last {
            return Tap { first: last as usize * step, weight: 0.0 };
        }
        Tap { first: first as usize * step, weight: (at - first) as f32 }
    };
    (0..output).map(place).collect()
}

/// Everything that painting one picture needs, borrowed.
struct Painter<'a> {
    input: &'a InputSpec,
    gain: [f32; 3],
    bias: [f32; 3],
    plan: &'a Plan,
}

impl Painter<'_> {
    fn paint<T: Copy>(
        &self,
        picture: &Picture,
        rows: &mut RowBuffers,
        tensor: &mut [T],
        cast: impl Fn(f32) -> T,
    ) {
        let stride = 3 * picture.width as usize;
        let (width, height) = (self.input.width as usize, self.input.height as usize);
        let inner = self.plan.left..self.plan.left + self.plan.columns.len();
        let value = |channel: usize, level: f32| cast(level * self.gain[channel] + self.bias[channel]);
        let pad = std::array::from_fn(|channel| value(channel, f32::from(self.input.pad)));
        for y in 0..height {
            let mut row = OutputRow::of(tensor, self.input, y);
            let Some(tap) = y.checked_sub(self.plan.top).and_then(|y| self.plan.rows.get(y)) else {
                row.fill(0..width, pad);
                continue;
            };
            row.fill(0..inner.start, pad);
            row.fill(inner.end..width, pad);
            blend_rows(&picture.bgr, stride, *tap, &mut rows.blended[..stride]);
            pick_columns(&rows.blended, &self.plan.columns, &mut rows.picked);
            row.paint(inner.start, &rows.picked, |channel, level| value(channel, whole(level)));
        }
    }
}

/// One row of source levels between two, `out` being as long as a row.
fn blend_rows(bgr: &[u8], stride: usize, tap: Tap, out: &mut [f32]) {
    let from = tap.first * stride;
    let upper = &bgr[from..from + stride];
    // Without weight there may be no row below.
    let lower = bgr.get(from + stride..from + 2 * stride).unwrap_or(upper);
    for ((out, upper), lower) in out.iter_mut().zip(upper).zip(lower) {
        let (upper, lower) = (f32::from(*upper), f32::from(*lower));
        *out = upper + (lower - upper) * tap.weight;
    }
}

/// Each output column between two px of a row. Whole px of four lanes are worked on, and ordered into
/// planes afterwards: one loop for both would leave the vector unit idle.
fn pick_columns(blended: &[f32], columns: &[Tap], picked: &mut [[f32; 4]]) {
    for (tap, picked) in columns.iter().zip(picked) {
        let seven = blended[tap.first..].first_chunk::<7>().expect("the row is longer by its overhang");
        let here: &[f32; 4] = seven.first_chunk().expect("seven hold four");
        let next: &[f32; 4] = seven.last_chunk().expect("seven hold four");
        *picked = std::array::from_fn(|lane| here[lane] + (next[lane] - here[lane]) * tap.weight);
    }
}

/// The nearest whole number of a level 0-255. Adding 1.5 x 2^23 leaves no bits behind the point;
/// it is the fast way that every vector unit has, `round` is a call on the oldest ones.
fn whole(level: f32) -> f32 {
    const NO_FRACTION: f32 = 12_582_912.0;
    (level + NO_FRACTION) - NO_FRACTION
}

/// One row of the tensor, in either layout, taking levels as blue, green, red.
enum OutputRow<'a, T> {
    /// The planes of blue, green and red.
    Planes([&'a mut [T]; 3]),
    /// Pixels of three values, and where in each blue, green and red lie.
    Pixels(&'a mut [T], [usize; 3]),
}

impl<'a, T: Copy> OutputRow<'a, T> {
    fn of(tensor: &'a mut [T], input: &InputSpec, y: usize) -> Self {
        let (width, height) = (input.width as usize, input.height as usize);
        let is_rgb = input.channels == Channels::Rgb;
        match input.layout {
            Layout::Nhwc => {
                let places = if is_rgb { [2, 1, 0] } else { [0, 1, 2] };
                Self::Pixels(&mut tensor[3 * y * width..3 * (y + 1) * width], places)
            }
            Layout::Nchw => {
                let (first, rest) = tensor.split_at_mut(width * height);
                let (second, third) = rest.split_at_mut(width * height);
                let mut planes = [first, second, third].map(|plane| &mut plane[y * width..(y + 1) * width]);
                if is_rgb {
                    planes.reverse();
                }
                Self::Planes(planes)
            }
        }
    }

    /// Gives every px of `columns` the same values.
    fn fill(&mut self, columns: Range<usize>, bgr: [T; 3]) {
        match self {
            Self::Planes(planes) => {
                for (plane, value) in planes.iter_mut().zip(bgr) {
                    plane[columns.clone()].fill(value);
                }
            }
            Self::Pixels(row, places) => {
                for pixel in row[3 * columns.start..3 * columns.end].chunks_exact_mut(3) {
                    for (place, value) in places.iter().zip(bgr) {
                        pixel[*place] = value;
                    }
                }
            }
        }
    }

    /// Gives the px from `left` on the values that `value` makes of a channel (blue 0) and its level.
    fn paint(&mut self, left: usize, levels: &[[f32; 4]], value: impl Fn(usize, f32) -> T) {
        match self {
            Self::Planes([blue, green, red]) => {
                let places = blue[left..].iter_mut().zip(&mut green[left..]).zip(&mut red[left..]);
                for (((blue, green), red), level) in places.zip(levels) {
                    *blue = value(0, level[0]);
                    *green = value(1, level[1]);
                    *red = value(2, level[2]);
                }
            }
            Self::Pixels(row, places) => {
                for (pixel, level) in row[3 * left..].chunks_exact_mut(3).zip(levels) {
                    for (channel, place) in places.iter().enumerate() {
                        pixel[*place] = value(channel, level[channel]);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::manifest::Element;
    use proptest::prelude::*;

    fn input(width: u32, height: u32, fit: Fit) -> InputSpec {
        InputSpec {
            name: "input".into(),
            width,
            height,
            layout: Layout::Nhwc,
            channels: Channels::Bgr,
            element: Element::F32,
            fit,
            pad: 114,
            mean: [0.0; 3],
            std: [1.0; 3],
        }
    }

    fn picture(width: u32, height: u32, level: impl Fn(u32, u32, u32) -> u8) -> Picture {
        let mut bgr = Vec::new();
        for y in 0..height {
            for x in 0..width {
                bgr.extend((0..3).map(|channel| level(x, y, channel)));
            }
        }
        Picture { width, height, bgr }
    }

    fn filled(spec: &InputSpec, picture: &Picture) -> (Vec<f32>, SourceFromModel) {
        let mut letterbox = Letterbox::new(spec);
        let mut tensor = vec![f32::NAN; letterbox.tensor_len()];
        let mapping = letterbox.fill(picture, TensorMut::F32(&mut tensor)).unwrap();
        (tensor, mapping)
    }

    /// The blue levels of a stretched row, which only depends on x.
    fn check(levels: &[u8], width: u32, expected: &[f32]) {
        let source = picture(u32::try_from(levels.len()).unwrap(), 2, |x, _, _| levels[x as usize]);
        let (tensor, _) = filled(&input(width, 1, Fit::Stretch), &source);
        let blue: Vec<f32> = tensor.iter().step_by(3).copied().collect();
        assert_eq!(blue, expected);
    }

    #[test]
    fn levels_are_those_of_opencv() {
        // cv2.resize([[0, 100, 200, 40]], (2, 1)) and the like, INTER_LINEAR.
        check(&[0, 100, 200, 40], 2, &[50.0, 120.0]);
        check(&[0, 100, 200, 40], 4, &[0.0, 100.0, 200.0, 40.0]);
        check(&[0, 100], 4, &[0.0, 25.0, 75.0, 100.0]);
        check(&[10, 20, 30, 40, 50, 60], 2, &[20.0, 50.0]);
        check(&[77], 3, &[77.0, 77.0, 77.0]);
    }

    #[test]
    fn rgb_planes_are_normalised_in_their_own_order() {
        let spec = InputSpec {
            layout: Layout::Nchw,
            channels: Channels::Rgb,
            mean: [10.0, 20.0, 30.0],
            std: [1.0, 2.0, 4.0],
            ..input(2, 2, Fit::Stretch)
        };
        let (tensor, _) = filled(&spec, &picture(2, 2, |_, _, channel| [50, 60, 70][channel as usize]));
        assert_eq!(tensor, [60.0, 60.0, 60.0, 60.0, 20.0, 20.0, 20.0, 20.0, 5.0, 5.0, 5.0, 5.0]);
    }

    #[test]
    fn a_u8_tensor_holds_whole_levels() {
        let spec = InputSpec { element: Element::U8, ..input(3, 1, Fit::Stretch) };
        let mut letterbox = Letterbox::new(&spec);
        let mut tensor = vec![9; 9];
        let source = picture(2, 1, |x, _, _| [0, 255][x as usize]);
        letterbox.fill(&source, TensorMut::U8(&mut tensor)).unwrap();
        assert_eq!(tensor, [0, 0, 0, 128, 128, 128, 255, 255, 255]);
    }

    #[test]
    fn a_wide_picture_lies_at_the_top_or_in_the_middle_with_grey_around_it() {
        let source = picture(8, 4, |_, _, _| 200);
        let blue = |fit| filled(&input(4, 4, fit), &source).0.iter().step_by(12).copied().collect::<Vec<_>>();
        assert_eq!(blue(Fit::Letterbox), [200.0, 200.0, 114.0, 114.0]);
        assert_eq!(blue(Fit::LetterboxCentred), [114.0, 200.0, 200.0, 114.0]);
        assert_eq!(blue(Fit::Stretch), [200.0; 4]);
    }

    #[test]
    fn another_picture_size_is_followed() {
        let mut letterbox = Letterbox::new(&input(4, 4, Fit::Stretch));
        let mut tensor = vec![0.0; 48];
        for side in [2, 9, 1] {
            let source = picture(side, side, |_, _, _| 7);
            let mapping = letterbox.fill(&source, TensorMut::F32(&mut tensor)).unwrap();
            assert_eq!((mapping.source, &tensor), (source.size(), &vec![7.0; 48]));
        }
    }

    #[test]
    fn a_picture_that_is_not_what_it_says_is_an_error() {
        let mut letterbox = Letterbox::new(&input(4, 4, Fit::Stretch));
        let mut fill = |width, height, bytes| {
            let source = Picture { width, height, bgr: vec![0; bytes] };
            letterbox.fill(&source, TensorMut::F32(&mut [0.0; 48])).unwrap_err().to_string()
        };
        assert_eq!(fill(0, 0, 0), "the picture is 0x0 px");
        assert_eq!(fill(2, 2, 11), "a picture of 2x2 px has 12 bytes, got 11");
        assert!(fill(u32::MAX, u32::MAX, 3).ends_with(" bytes, got 3"));
    }

    proptest! {
        #[test]
        fn a_box_goes_to_the_model_and_back(
            width in 1_u32..900, height in 1_u32..900, fit in prop_oneof![
                Just(Fit::Stretch), Just(Fit::Letterbox), Just(Fit::LetterboxCentred)],
            x in 0.0_f32..1.0, y in 0.0_f32..1.0,
        ) {
            let source = PictureSize { width, height };
            let mapping = Plan::new(&input(416, 320, fit), source).source_from_model();
            let (x, y) = (x * width as f32, y * height as f32);
            let model_x = x / mapping.scale_x + mapping.left_in_model;
            let model_y = y / mapping.scale_y + mapping.top_in_model;
            prop_assert!((0.0..=416.01).contains(&model_x) && (0.0..=320.01).contains(&model_y));
            let back = mapping.apply(&ImageBox::new(model_x, model_y, 1e9, f32::INFINITY));
            prop_assert!((back.left - x).abs() < 0.01 && (back.top - y).abs() < 0.01);
            prop_assert!(back.right <= width as f32 && back.bottom <= height as f32);
        }

        #[test]
        fn no_level_leaves_the_range_of_the_picture(
            width in 1_u32..40, height in 1_u32..40, seed in any::<u32>(), low in 0_u8..100, span in 0_u8..150,
        ) {
            let level = |x: u32, y: u32, channel: u32| {
                let hash = (x * 31 + y * 17 + channel * 7).wrapping_add(seed).wrapping_mul(2_654_435_761);
                low + u8::try_from(hash % (u32::from(span) + 1)).unwrap()
            };
            let (tensor, _) = filled(&input(13, 17, Fit::Stretch), &picture(width, height, level));
            prop_assert!(tensor.iter().all(|v| (f32::from(low)..=f32::from(low + span)).contains(v)));
        }
    }
}
