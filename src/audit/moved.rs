//! Where a picture differs from what the place looks like when nobody moves.
//!
//! It is a second opinion beside the detector's: somebody whom no network finds is still somewhere where the place looks
//! otherwise. What is not obvious: it errs towards too much. A shadow, a door and a change of light are told too, and whoever stands
//! still for minutes becomes part of the place; so it is only ever used to cover more, never to cover less.

use crate::capture::Picture;
use crate::geom::{ImageBox, PictureSize};
use crate::time::FrameTime;
use std::time::Duration;

/// Cells across and down: on a picture of a room, a cell is about a hand wide.
const COLUMNS: usize = 80;
const ROWS: usize = 60;
const CELLS: usize = COLUMNS * ROWS;

/// What moved is told in pieces of so many cells each way: two people at both ends of a room make no box of all that lies between. A
/// piece is large enough for a mosaic whose cells are no finer than a head.
const PIECE: usize = 8;

/// Pixels looked at along each side of a cell.
const SAMPLES: usize = 3;

/// The place is looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks after which it is known what the place looks like.
const LEAST_LOOKS: u32 = 20;

/// A look weighs at least this: what stays for a minute becomes part of the place.
const LEAST_WEIGHT: f32 = 1.0 / 60.0;

/// A cell that differs by this much has moved, 0-255. Noise of a dark camera averages out to less over nine pixels.
const MOVED_BY: f32 = 14.0;

/// What the place of one camera looks like.
#[derive(Debug)]
pub struct Stillness {
    size: Option<PictureSize>,
    looks: u32,
    looked_at: Option<FrameTime>,
    /// `(60, 80)` mean brightness, 0-255, row by row.
    place: Vec<f32>,
    /// The same of the picture at hand.
    now: Vec<f32>,
    /// Cells that moved.
    moved: Vec<bool>,
}

impl Default for Stillness {
    fn default() -> Self {
        Self {
            size: None,
            looks: 0,
            looked_at: None,
            place: vec![0.0; CELLS],
            now: vec![0.0; CELLS],
            moved: vec![false; CELLS],
        }
    }
}

impl Stillness {
    /// Takes a picture of the place; most are passed over. Another size begins anew.
    pub fn look(&mut self, at: FrameTime, picture: &Picture) {
        let is_new = self.size != Some(picture.size());
        let is_soon = self.looked_at.is_some_and(|before| at.since(before) < LOOK_EVERY);
        if (is_soon && !is_new) || !self.measure(picture) {
            return;
        }
        if is_new {
            (self.size, self.looks) = (Some(picture.size()), 0);
        }
        self.looked_at = Some(at);
        self.looks = self.looks.saturating_add(1);
        let weight = (1.0 / self.looks as f32).max(LEAST_WEIGHT);
        for (place, now) in self.place.iter_mut().zip(&self.now) {
            *place += weight * (now - *place);
        }
    }

    /// Adds a box, in px of the picture, for each part of it that moved. False where that cannot be said: it is not known yet
    /// what the place looks like, or in this size.
    pub fn moved(&mut self, picture: &Picture, out: &mut Vec<ImageBox>) -> bool {
        let is_known = self.looks >= LEAST_LOOKS && self.size == Some(picture.size());
        if !is_known || !self.measure(picture) {
            return false;
        }
        // A camera that opens its iris makes all of it brighter, and nobody has moved.
        let lighter = mean(&self.now) - mean(&self.place);
        for ((moved, now), place) in self.moved.iter_mut().zip(&self.now).zip(&self.place) {
            *moved = (now - lighter - place).abs() > MOVED_BY;
        }
        for row in (0..ROWS).step_by(PIECE) {
            for column in (0..COLUMNS).step_by(PIECE) {
                out.extend(self.moved_in_piece(column, row, picture.size()));
            }
        }
        true
    }

    /// The box around what moved in the piece that begins at this cell, and one cell more on each side; none where nothing did.
    fn moved_in_piece(&self, column: usize, row: usize, size: PictureSize) -> Option<ImageBox> {
        let (mut left, mut top, mut right, mut bottom) = (COLUMNS, ROWS, 0, 0);
        for row in row..(row + PIECE).min(ROWS) {
            for column in column..(column + PIECE).min(COLUMNS) {
                if self.moved[row * COLUMNS + column] {
                    (left, top) = (left.min(column), top.min(row));
                    (right, bottom) = (right.max(column), bottom.max(row));
                }
            }
        }
        if left == COLUMNS {
            return None;
        }
        let (width, height) = (size.width as f32 / COLUMNS as f32, size.height as f32 / ROWS as f32);
        let (first, after) = (|cell: usize| cell.saturating_sub(1) as f32, |cell: usize| (cell + 2) as f32);
        Some(ImageBox::new(
            first(left) * width,
            first(top) * height,
            after(right) * width,
            after(bottom) * height,
        ))
    }

    /// Mean brightnesses of a picture; false where it has no pixels.
    fn measure(&mut self, picture: &Picture) -> bool {
        let (width, height) = (picture.width as usize, picture.height as usize);
        if width == 0 || height == 0 || picture.bgr.len() != 3 * width * height {
            return false;
        }
        self.now.fill(0.0);
        for sample in 0..ROWS * SAMPLES {
            let y = (2 * sample + 1) * height / (2 * ROWS * SAMPLES);
            let line = &picture.bgr[3 * width * y..3 * width * (y + 1)];
            let cells = &mut self.now[sample / SAMPLES * COLUMNS..][..COLUMNS];
            for sample in 0..COLUMNS * SAMPLES {
                let x = 3 * ((2 * sample + 1) * width / (2 * COLUMNS * SAMPLES));
                let [blue, green, red] = [line[x], line[x + 1], line[x + 2]].map(f32::from);
                // Green counts twice, which is near enough to brightness and needs no weights.
                cells[sample / SAMPLES] += (blue + 2.0 * green + red) / 4.0;
            }
        }
        let samples = (SAMPLES * SAMPLES) as f32;
        self.now.iter_mut().for_each(|cell| *cell /= samples);
        true
    }
}

fn mean(cells: &[f32]) -> f32 {
    cells.iter().sum::<f32>() / cells.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::WallTime;

    const WIDTH: u32 = 320;
    const HEIGHT: u32 = 240;

    fn at(s: u64) -> FrameTime {
        FrameTime::of_run(WallTime::default(), Duration::from_secs(s))
    }

    /// A grey place of this brightness, with a rectangle (left, top, right, bottom) that is 60 brighter.
    fn picture(level: u8, thing: Option<[u32; 4]>) -> Picture {
        let is_thing = |x: u32, y: u32| {
            thing.is_some_and(|[left, top, right, bottom]| {
                (left..right).contains(&x) && (top..bottom).contains(&y)
            })
        };
        let pixel = |i: u32| level + 60 * u8::from(is_thing(i % WIDTH, i / WIDTH));
        let bgr = (0..WIDTH * HEIGHT).flat_map(|i| [pixel(i); 3]).collect();
        Picture { width: WIDTH, height: HEIGHT, bgr }
    }

    /// A place that was looked at for so long.
    fn known_for(seconds: u64) -> Stillness {
        let mut place = Stillness::default();
        (0..seconds).for_each(|s| place.look(at(s), &picture(80, None)));
        place
    }

    fn moved(place: &mut Stillness, picture: &Picture) -> Option<Vec<ImageBox>> {
        let mut found = Vec::new();
        place.moved(picture, &mut found).then_some(found)
    }

    /// Whether every pixel of a rectangle (left, top, right, bottom) lies in some box.
    fn is_covered([left, top, right, bottom]: [u32; 4], by: &[ImageBox]) -> bool {
        let holds = |part: &ImageBox, x: f32, y: f32| {
            part.left <= x && x <= part.right && part.top <= y && y <= part.bottom
        };
        (top..bottom)
            .flat_map(|y| (left..right).map(move |x| (x as f32 + 0.5, y as f32 + 0.5)))
            .all(|(x, y)| by.iter().any(|part| holds(part, x, y)))
    }

    #[test]
    fn whoever_was_not_there_before_is_covered_and_little_beside() {
        let person = [100, 60, 140, 200];
        let found = moved(&mut known_for(30), &picture(80, Some(person))).unwrap();
        assert!(is_covered(person, &found), "{found:?}");
        let around = ImageBox::new(90.0, 50.0, 150.0, 210.0);
        let is_around = |part: &ImageBox| {
            part.left >= around.left
                && part.right <= around.right
                && part.top >= around.top
                && part.bottom <= around.bottom
        };
        assert!(found.iter().all(is_around), "{found:?}");
    }

    #[test]
    fn an_empty_place_and_a_brighter_lamp_move_nothing() {
        assert_eq!(moved(&mut known_for(30), &picture(80, None)), Some(vec![]));
        assert_eq!(moved(&mut known_for(30), &picture(120, None)), Some(vec![]));
    }

    #[test]
    fn before_the_place_is_known_and_in_another_size_nothing_is_said() {
        assert_eq!(moved(&mut known_for(5), &picture(80, None)), None);
        let other = Picture { width: 2, height: 1, bgr: vec![0; 6] };
        assert_eq!(moved(&mut known_for(30), &other), None);
        let mut place = known_for(30);
        place.look(at(31), &other);
        assert_eq!(moved(&mut place, &picture(80, None)), None, "it begins anew");
    }

    #[test]
    fn somebody_who_walks_through_does_not_become_part_of_the_place() {
        let mut place = Stillness::default();
        for s in 0..60 {
            let left = u32::try_from(s).unwrap() * 5 % 280;
            place.look(at(s), &picture(80, Some([left, 60, left + 40, 200])));
        }
        let person = [10, 60, 50, 200];
        let found = moved(&mut place, &picture(80, Some(person))).unwrap();
        assert!(is_covered(person, &found), "{found:?}");
    }

    #[test]
    fn a_picture_without_its_bytes_is_no_picture() {
        let broken = Picture { width: WIDTH, height: HEIGHT, bgr: vec![0; 5] };
        assert_eq!(moved(&mut known_for(30), &broken), None);
        known_for(30).look(at(40), &broken);
    }
}
