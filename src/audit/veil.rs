//! Makes pictures coarse, and lays a mosaic over everybody who was found on them.
//!
//! Three things happen to a picture before anything else may see it. It is brought down to a few hundred columns, all of it:
//! a detector misses people, and whoever it missed must not be recognisable either. Everybody who was found is
//! laid under a mosaic of cells about as large as a head, with few colours. And because somebody who is found now was there
//! a moment ago too, the mosaic covers every place where a person was found within a second *before or after*: a
//! picture is held back for that second.
//!
//! That rests on the detector having looked: where frames are missing within that second, or more boxes came than are remembered,
//! the pictures in question are dropped and never come out.
//!
//! [`VeiledPicture`] has no other maker than this file, and nothing else goes on to be encoded. Its limit: somebody whom
//! the detector misses for two seconds is only coarse and not under a mosaic, and near the camera a coarse face may be enough
//! for whoever knows it. Build, clothes and gait show in any case. It is personal data, and kept for a set time only.

use crate::capture::Picture;
use crate::detect::Detection;
use crate::geom::{ImageBox, PictureSize};
use crate::time::FrameTime;
use std::collections::VecDeque;
use std::time::Duration;

/// Boxes found this long before and after a picture are covered on it: detectors lose people for some frames, and find
/// somebody who enters a few frames late.
pub const COVER: Duration = Duration::from_secs(1);

/// A box is covered with this part of its width and height more on every side: boxes are tight, hair and hands stand out.
const GROWN_BY: f32 = 0.25;

/// Cells to the height of a person: a head is an eighth of it, so it takes about one cell.
const CELLS_PER_PERSON: f32 = 8.0;

/// Cells to the width of a person: a box that is cut off, or that of a head alone, is wider than its height lets expect.
const CELLS_PER_WIDTH: f32 = 3.0;

/// Longest time between two frames that were looked at; somebody may pass unseen in a longer one.
pub const LONGEST_GAP: Duration = Duration::from_millis(500);

/// Smallest cell, px of the coarse picture.
const SMALLEST_CELL: u32 = 4;

/// Only these bits of a colour stay under the mosaic. Cells of several frames added up show more than one does; few
/// colours leave them less to add.
const COLOUR_BITS: u8 = 0b1111_0000;

/// In place of the bits that went: the middle of what they could have been.
const COLOUR_MIDDLE: u8 = 0b0000_1000;

/// More boxes than this within two seconds are no people; no picture comes out of such seconds.
const MOST_BOXES: usize = 4096;

/// A coarse picture on which everybody found is under a mosaic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VeiledPicture {
    size: PictureSize,
    at: FrameTime,
    rgb: Vec<u8>,
}

impl VeiledPicture {
    /// Its size in px.
    #[must_use]
    pub const fn size(&self) -> PictureSize {
        self.size
    }

    /// When it was taken.
    #[must_use]
    pub const fn at(&self) -> FrameTime {
        self.at
    }

    /// `(height, width, 3)` u8, row by row without padding, red green blue, 0-255.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }
}

/// Veils the pictures of one camera. It has to be told of every frame, also of those that are not kept.
#[derive(Debug)]
pub struct Veil {
    width_px: u32,
    /// Where people were found of late, as parts of the picture's width and height.
    boxes: VecDeque<(FrameTime, ImageBox)>,
    /// Coarse and not veiled yet, the oldest first.
    held: VecDeque<VeiledPicture>,
    /// When pictures were taken that will not come out, as far as that was not asked for.
    dropped: VecDeque<FrameTime>,
    /// The last frame that was looked at.
    found_at: Option<FrameTime>,
    /// When boxes were last forgotten that pictures of the second after it would need.
    forgot_at: Option<FrameTime>,
    /// Sums of colours while a row is made coarse.
    sums: Vec<[u32; 3]>,
}

impl Veil {
    /// Makes pictures at most `width_px` wide.
    #[must_use]
    pub fn new(width_px: u32) -> Self {
        Self {
            width_px: width_px.max(1),
            boxes: VecDeque::new(),
            held: VecDeque::new(),
            dropped: VecDeque::new(),
            found_at: None,
            forgot_at: None,
            sums: Vec::new(),
        }
    }

    /// Notes where people were found in a frame of this size, and forgets what is too old to matter. What is held back is
    /// dropped where the frame before this one lies more than half a second back, or where there are too many boxes.
    pub fn found(&mut self, at: FrameTime, size: PictureSize, people: &[Detection]) {
        if self.found_at.replace(at).is_some_and(|before| at.since(before) > LONGEST_GAP) {
            self.drop_held();
        }
        let oldest = self.held.front().map_or(at, |held| held.at);
        while self.boxes.front().is_some_and(|(then, _)| oldest.since(*then) > COVER) {
            self.boxes.pop_front();
        }
        let (width, height) = (size.width.max(1) as f32, size.height.max(1) as f32);
        for person in people {
            if self.boxes.len() == MOST_BOXES {
                self.boxes.clear();
                self.forgot_at = Some(at);
                self.drop_held();
            }
            self.boxes.push_back((at, person.bbox.scaled(width.recip(), height.recip())));
        }
    }

    /// Takes a picture to be veiled. It comes out of [`Veil::next`] once a second more is known, or of [`Veil::next_dropped`].
    pub fn hold(&mut self, at: FrameTime, picture: &Picture) {
        if self.forgot_at.is_some_and(|forgot| at.since(forgot) <= COVER) {
            self.dropped.push_back(at);
        } else if let Some(coarse) = self.coarse(at, picture) {
            self.held.push_back(coarse);
        }
    }

    /// The next picture for which everything up to a second after it is known, veiled.
    pub fn next(&mut self, now: FrameTime) -> Option<VeiledPicture> {
        let is_due = self.held.front().is_some_and(|held| now.since(held.at) >= COVER);
        let mut picture = if is_due { self.held.pop_front()? } else { return None };
        for (then, person) in &self.boxes {
            if picture.at.since(*then).max(then.since(picture.at)) <= COVER {
                cover(&mut picture, person);
            }
        }
        Some(picture)
    }

    /// Drops what is held back: nobody looked at what came after it.
    pub fn drop_held(&mut self) {
        self.dropped.extend(self.held.drain(..).map(|held| held.at));
    }

    /// When the next picture was taken that was held back and dropped; each is told once.
    pub fn next_dropped(&mut self) -> Option<FrameTime> {
        self.dropped.pop_front()
    }

    /// The mean colour of each part of the picture; none where there are no pixels.
    fn coarse(&mut self, at: FrameTime, picture: &Picture) -> Option<VeiledPicture> {
        let (from_width, from_height) = (picture.width as usize, picture.height as usize);
        let is_whole = picture.bgr.len() == 3 * from_width * from_height && !picture.bgr.is_empty();
        if !is_whole {
            return None;
        }
        let width = from_width.min(self.width_px as usize);
        let height = (from_height * width / from_width).clamp(1, from_height);
        let mut rgb = Vec::with_capacity(3 * width * height);
        for row in 0..height {
            let rows = row * from_height / height..(row + 1) * from_height / height;
            self.sums.clear();
            self.sums.resize(width, [0; 3]);
            for from_row in rows.clone() {
                let pixels = &picture.bgr[3 * from_width * from_row..][..3 * from_width];
                for (column, sum) in self.sums.iter_mut().enumerate() {
                    let part = 3 * (column * from_width / width)..3 * ((column + 1) * from_width / width);
                    for bgr in pixels[part].chunks_exact(3) {
                        (0..3).for_each(|c| sum[c] += u32::from(bgr[2 - c]));
                    }
                }
            }
            for (column, sum) in self.sums.iter().enumerate() {
                let columns = (column + 1) * from_width / width - column * from_width / width;
                let pixels = (columns * rows.len()) as u32;
                rgb.extend(sum.map(|sum| (sum / pixels) as u8));
            }
        }
        let size = PictureSize { width: width as u32, height: height as u32 };
        Some(VeiledPicture { size, at, rgb })
    }
}

/// Lays a mosaic over one person, who stands at `person` in parts of the picture. The cells lie on a grid that is that of the
/// picture, so that they do not wander with the person.
fn cover(picture: &mut VeiledPicture, person: &ImageBox) {
    let (width, height) = (picture.size.width, picture.size.height);
    let on_coarse = person.scaled(width as f32, height as f32);
    if !on_coarse.is_sound() {
        return;
    }
    let cell = cell_px(on_coarse.width(), on_coarse.height());
    let grown = on_coarse.grown(GROWN_BY);
    let down = |px: f32| px.max(0.0) as u32 / cell;
    let up = |px: f32, most: u32| (px.clamp(0.0, most as f32).ceil() as u32).div_ceil(cell);
    for cell_y in down(grown.top)..up(grown.bottom, height) {
        for cell_x in down(grown.left)..up(grown.right, width) {
            let columns = cell_x * cell..((cell_x + 1) * cell).min(width);
            let rows = cell_y * cell..((cell_y + 1) * cell).min(height);
            one_colour(picture, columns, rows);
        }
    }
}

/// Side of a cell for a person of this width and height, in steps of 2 px.
fn cell_px(width_px: f32, height_px: f32) -> u32 {
    let head_px = (height_px / CELLS_PER_PERSON).max(width_px / CELLS_PER_WIDTH);
    ((head_px / 2.0).ceil() as u32).saturating_mul(2).max(SMALLEST_CELL)
}

fn one_colour(picture: &mut VeiledPicture, columns: std::ops::Range<u32>, rows: std::ops::Range<u32>) {
    let pixels = (columns.len() * rows.len()) as u32;
    if pixels == 0 {
        return;
    }
    let width = picture.size.width as usize;
    let part = |row: u32| {
        let start = row as usize * width;
        3 * (start + columns.start as usize)..3 * (start + columns.end as usize)
    };
    let mut sum = [0_u32; 3];
    for row in rows.clone() {
        for rgb in picture.rgb[part(row)].chunks_exact(3) {
            (0..3).for_each(|c| sum[c] += u32::from(rgb[c]));
        }
    }
    let colour = sum.map(|sum| ((sum / pixels) as u8 & COLOUR_BITS) | COLOUR_MIDDLE);
    for row in rows {
        picture.rgb[part(row)].chunks_exact_mut(3).for_each(|rgb| rgb.copy_from_slice(&colour));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::WallTime;
    use proptest::prelude::*;

    fn at(ms: u64) -> FrameTime {
        FrameTime::of_run(WallTime::default(), Duration::from_millis(ms))
    }

    /// A picture in which every pixel differs from its neighbours.
    fn noise(width: u32, height: u32) -> Picture {
        let byte = |i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8;
        Picture { width, height, bgr: (0..3 * width * height).map(byte).collect() }
    }

    fn person(left: f32, top: f32, right: f32, bottom: f32) -> Detection {
        Detection { bbox: ImageBox::new(left, top, right, bottom), score: 0.9 }
    }

    /// Colours in a part of a picture.
    fn colours(picture: &VeiledPicture, x: std::ops::Range<u32>, y: std::ops::Range<u32>) -> usize {
        let pixel = |x: u32, y: u32| {
            let from = 3 * (y * picture.size.width + x) as usize;
            picture.rgb[from..from + 3].to_vec()
        };
        let all = y.flat_map(|y| x.clone().map(move |x| (x, y)));
        all.map(|(x, y)| pixel(x, y)).collect::<std::collections::BTreeSet<_>>().len()
    }

    /// A person found at `found_ms` in a picture of 0.9 s: whether the place is under a mosaic.
    #[track_caller]
    fn check(found_ms: u64, is_covered: bool) {
        let mut veil = Veil::new(100);
        let picture = noise(100, 100);
        let people = [person(40.0, 20.0, 60.0, 84.0)];
        let mut veiled = None;
        for ms in (0..4000).step_by(100) {
            veil.found(at(ms), picture.size(), if ms == found_ms { &people } else { &[] });
            if ms == 900 {
                veil.hold(at(ms), &picture);
            }
            veiled = veil.next(at(ms)).or(veiled);
        }
        // The person is 64 px high, so cells are of 8 px, from multiples of 8.
        let found = colours(&veiled.unwrap(), 48..56, 48..56);
        assert_eq!(found == 1, is_covered, "{found} colours");
    }

    #[test]
    fn a_person_is_under_a_mosaic_a_second_before_and_after_having_been_found() {
        check(900, true);
        check(0, true);
        check(1900, true);
    }

    #[test]
    fn a_place_where_nobody_was_found_for_longer_is_only_coarse() {
        check(2000, false);
        check(3999, false);
    }

    #[test]
    fn nothing_beside_the_cells_of_a_person_is_covered() {
        let mut veil = Veil::new(100);
        veil.found(at(0), PictureSize { width: 100, height: 100 }, &[person(48.0, 48.0, 56.0, 56.0)]);
        veil.hold(at(0), &noise(100, 100));
        let veiled = veil.next(at(1000)).unwrap();
        assert_eq!(colours(&veiled, 48..52, 48..52), 1);
        assert!(colours(&veiled, 0..8, 0..8) > 60);
    }

    #[test]
    fn the_whole_picture_is_coarse_also_where_nobody_was_found() {
        let mut veil = Veil::new(160);
        veil.hold(at(0), &noise(640, 480));
        let veiled = veil.next(at(1000)).unwrap();
        assert_eq!(veiled.size(), PictureSize { width: 160, height: 120 });
        // Means of 16 pixels: the extremes of single ones are gone.
        assert!(veiled.rgb().iter().all(|value| (10..=245).contains(value)));
    }

    #[test]
    fn a_mean_of_a_part_of_the_picture_is_its_colour() {
        let bgr = [[10, 20, 30], [20, 30, 40], [50, 0, 0], [150, 0, 0]].concat();
        let mut veil = Veil::new(2);
        veil.hold(at(0), &Picture { width: 4, height: 1, bgr });
        assert_eq!(veil.next(at(1000)).unwrap().rgb(), [35, 25, 15, 0, 0, 100]);
    }

    #[test]
    fn nothing_comes_out_before_the_second_after_it_is_known() {
        let mut veil = Veil::new(10);
        veil.hold(at(500), &noise(20, 20));
        assert_eq!(veil.next(at(1499)), None);
        assert!(veil.next(at(1500)).is_some());
        veil.hold(at(2000), &noise(20, 20));
        veil.drop_held();
        assert_eq!(veil.next(at(9000)), None);
    }

    #[test]
    fn a_cell_is_about_a_head_however_near_the_person_is() {
        let cell = |height_px| cell_px(height_px / 3.0, height_px);
        assert_eq!([10.0, 32.0, 33.0, 80.0, 160.0].map(cell), [4, 4, 6, 10, 20]);
    }

    #[test]
    fn a_box_that_shows_no_more_than_a_head_is_not_cut_into_finer_cells() {
        assert_eq!([cell_px(60.0, 60.0), cell_px(60.0, 160.0)], [20, 20]);
    }

    /// A picture is held back at 900 ms, and frames are looked at at these times, with so many people in each: no picture
    /// comes out, and it is told as dropped.
    #[track_caller]
    fn check_dropped(looks: impl Iterator<Item = (u64, usize)>) {
        let (mut veil, picture) = (Veil::new(100), noise(100, 100));
        for (ms, people) in looks {
            veil.found(at(ms), picture.size(), &vec![person(40.0, 20.0, 60.0, 84.0); people]);
            if ms == 900 {
                veil.hold(at(ms), &picture);
            }
            assert_eq!(veil.next(at(ms)), None);
        }
        assert_eq!((veil.next_dropped(), veil.next_dropped()), (Some(at(900)), None));
    }

    #[test]
    fn no_picture_comes_out_whose_boxes_were_too_many_to_be_remembered() {
        let crowd = |when: u64| (0..4000).step_by(100).map(move |ms| (ms, if ms == when { 5000 } else { 1 }));
        [100, 900, 1000, 1800].into_iter().for_each(|when| check_dropped(crowd(when)));
        check_dropped((0..4000).step_by(100).map(|ms| (ms, 500)));
    }

    #[test]
    fn no_picture_comes_out_after_which_nobody_looked_for_a_while() {
        check_dropped([500, 900, 1401, 1800, 2000, 2400].map(|ms| (ms, 1)).into_iter());
        check_dropped([900, 1300, 1700, 2300].map(|ms| (ms, 0)).into_iter());
    }

    #[test]
    fn boxes_are_forgotten_and_never_pile_up() {
        let mut veil = Veil::new(10);
        let crowd = vec![person(0.0, 0.0, 5.0, 5.0); 500];
        for ms in (0..100_000).step_by(100) {
            veil.found(at(ms), PictureSize { width: 20, height: 20 }, &crowd);
        }
        assert!((1..=MOST_BOXES).contains(&veil.boxes.len()));
        veil.found(at(200_000), PictureSize { width: 20, height: 20 }, &[]);
        assert!(veil.boxes.is_empty());
    }

    proptest! {
        #[test]
        fn no_box_and_no_picture_makes_it_panic(
            (width, height) in (0_u32..70, 0_u32..70),
            width_px in 0_u32..90,
            numbers in prop::collection::vec(
                prop::sample::select(vec![f32::NAN, f32::INFINITY, -1e30, 1e30, -5.0, 0.0, 3.0, 20.0, 69.9]), 4..40),
        ) {
            let mut veil = Veil::new(width_px);
            let people: Vec<Detection> = numbers.chunks_exact(4).map(|n| person(n[0], n[1], n[2], n[3])).collect();
            let picture = noise(width, height);
            veil.found(at(0), picture.size(), &people);
            veil.hold(at(0), &picture);
            if let Some(veiled) = veil.next(at(1000)) {
                prop_assert!(veiled.size().width <= width_px.max(1));
                prop_assert_eq!(veiled.rgb().len() as u32, 3 * veiled.size().width * veiled.size().height);
            }
        }
    }
}
