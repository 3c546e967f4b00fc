//! A bounded memory of boxes, spread over the picture.
//!
//! The picture is divided into places, and each keeps a fair sample of all boxes that it saw. Somebody who
//! stands at the till all day fills one place, not the memory.

use crate::geom::{ImageBox, PictureSize};
use crate::random::scattered;

/// Places across and down. More rows than columns, since it is down the picture that heights change.
const COLUMNS: usize = 8;
const ROWS: usize = 32;
/// Boxes that one place keeps.
const PER_PLACE: usize = 24;
/// A box that comes this near to the picture's edge is perhaps cut by it, px.
const EDGE_PX: f32 = 3.0;
/// Width over height of a standing or walking person, seen from any side but above.
const SHAPE: std::ops::RangeInclusive<f32> = 0.18..=0.7;
/// Lower boxes are too coarse to measure, px.
const LOWEST_PX: f32 = 12.0;

/// A box, as far as a fit needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Person {
    /// Bottom centre, px.
    pub(super) foot: [f64; 2],
    /// Its height, px.
    pub(super) height_px: f64,
}

/// The boxes that are remembered.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    picture: PictureSize,
    places: Vec<Place>,
    seen: u64,
}

/// What one place remembers.
#[derive(Debug, Clone)]
struct Place {
    seen: u64,
    people: Vec<Person>,
}

impl Sample {
    pub(super) fn new(picture: PictureSize) -> Self {
        let place = || Place { seen: 0, people: Vec::with_capacity(PER_PLACE) };
        Self { picture, places: std::iter::repeat_with(place).take(COLUMNS * ROWS).collect(), seen: 0 }
    }

    pub(super) fn add(&mut self, bbox: &ImageBox) {
        let (width, height) = (self.picture.width as f32, self.picture.height as f32);
        let whole = bbox.left >= EDGE_PX
            && bbox.top >= EDGE_PX
            && bbox.right <= width - EDGE_PX
            && bbox.bottom <= height - EDGE_PX;
        let stands = bbox.is_sound() && SHAPE.contains(&(bbox.width() / bbox.height()));
        if !whole || !stands || bbox.height() < LOWEST_PX {
            return;
        }
        let foot = bbox.foot();
        let column = (foot.x / width * COLUMNS as f32) as usize;
        let row = (foot.y / height * ROWS as f32) as usize;
        let Some(place) = self.places.get_mut(row * COLUMNS + column) else { return };
        self.seen += 1;
        place.seen += 1;
        let foot = [f64::from(foot.x), f64::from(foot.y)];
        let person = Person { foot, height_px: f64::from(bbox.height()) };
        if place.people.len() < PER_PLACE {
            place.people.push(person);
            return;
        }
        // Every box of the place has the same chance to be kept (Vitter's algorithm R). The draw depends on how many
        // came before only, so that a recording always gives the same floor.
        let drawn = scattered(place.seen) % place.seen;
        if let Some(kept) = usize::try_from(drawn).ok().and_then(|index| place.people.get_mut(index)) {
            *kept = person;
        }
    }

    /// How many were taken note of, those included that are no longer kept.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    pub(super) fn people(&self) -> impl Iterator<Item = &Person> {
        self.places.iter().flat_map(|place| &place.people)
    }

    /// How many places have seen at least `least` boxes.
    pub(super) fn places_with(&self, least: usize) -> usize {
        self.places.iter().filter(|place| place.people.len() >= least).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: PictureSize = PictureSize { width: 640, height: 480 };

    fn check(left: f32, top: f32, width: f32, height: f32, counts: u64) {
        let mut sample = Sample::new(PICTURE);
        sample.add(&ImageBox::from_left_top_size(left, top, width, height));
        assert_eq!(sample.seen(), counts);
    }

    #[test]
    fn only_whole_boxes_in_the_shape_of_a_standing_person_count() {
        check(100.0, 100.0, 40.0, 100.0, 1);
        check(0.0, 100.0, 40.0, 100.0, 0);
        check(100.0, 380.0, 40.0, 100.0, 0);
        check(100.0, 100.0, 100.0, 100.0, 0);
        check(100.0, 100.0, 4.0, 10.0, 0);
        check(f32::NAN, 100.0, 40.0, 100.0, 0);
        check(1e30, 100.0, 40.0, 100.0, 0);
    }

    #[test]
    fn memory_is_bounded_and_a_place_keeps_old_and_new_boxes() {
        let mut sample = Sample::new(PICTURE);
        for turn in 0..100_000 {
            let height = if turn < 50_000 { 90.0 } else { 100.0 };
            sample.add(&ImageBox::from_left_top_size(100.0, 300.0 - height, 30.0, height));
        }
        assert_eq!((sample.seen(), sample.people().count()), (100_000, PER_PLACE));
        let old = sample.people().filter(|person| person.height_px < 95.0).count();
        assert!((4..=20).contains(&old), "{old}");
        assert_eq!(sample.places_with(5), 1);
    }
}
