//! Self-calibration: the floor from the boxes of people who walk by.
//!
//! Feet stand on one plane, and people are about equally tall, so how tall boxes look at different places of the
//! picture says where the horizon is and how high the camera hangs ("auto-calibration from pedestrians": Lv, Zhao
//! and Nevatia, IEEE PAMI 28(9), 2006; here without tracks, and with a robust fit instead of vanishing points).
//! What boxes hardly say is the focal length: a longer lens that looks less far down predicts nearly the
//! same heights, and only distances *away* from the camera differ. So the field of view is taken as a typical one,
//! with its uncertainty, unless it is given.
//!
//! Boxes that are wrong are the normal case: cut by a counter, sitting, children, a lamp post. They lie to one side
//! of the truth, so no mean would do: the fit has a loss under which a far-off box pulls with no force at all.

mod fit;
mod sample;

pub use fit::{LensPrior, NotYet};

use super::Floor;
use crate::geom::{ImageBox, PictureSize};
use sample::Sample;

/// Mean height of a standing adult in shoes, metres, women and men alike.
///
/// Barefoot means are 1.59 m (women) and 1.71 m (men) over the world, and 1.64 m and 1.78 m in Europe (NCD Risk Factor
/// Collaboration, "A century of trends in adult human height", eLife 2016;5:e13410); a shoe adds 2 to 3 cm.
pub const PERSON_M: f64 = 1.70;

/// How far one person is from [`PERSON_M`], metres (one standard deviation): 7 cm among women or men, and the
/// difference between them.
pub const PERSON_SPREAD_M: f64 = 0.09;

/// Collects boxes of people, and makes a floor of them. It holds at most 24 boxes for each of 256 places, 100 kB,
/// however long it is fed.
#[derive(Debug, Clone)]
pub struct PeopleFit {
    picture: PictureSize,
    lens: LensPrior,
    sample: Sample,
}

impl PeopleFit {
    /// For pictures of one size, through a lens of which nothing is known.
    #[must_use]
    pub fn new(picture: PictureSize) -> Self {
        Self { picture, lens: LensPrior::Typical, sample: Sample::new(picture) }
    }

    /// For a lens that is known better.
    #[must_use]
    pub fn with_lens(mut self, lens: LensPrior) -> Self {
        self.lens = lens;
        self
    }

    /// Takes note of a box. Give those that the detector is sure of; one that touches the picture's edge, or does not
    /// have the shape of a standing person, is passed over. Allocates nothing.
    pub fn add(&mut self, person_in_image: &ImageBox) {
        self.sample.add(person_in_image);
    }

    /// The size of the pictures.
    #[must_use]
    pub fn picture(&self) -> PictureSize {
        self.picture
    }

    /// How many boxes were taken note of.
    #[must_use]
    pub fn boxes(&self) -> u64 {
        self.sample.seen()
    }

    /// The floor that the boxes so far stand on. Takes some milliseconds, tens of them where it comes to
    /// something: once a minute is plenty.
    ///
    /// # Errors
    /// [`NotYet`] says what is missing.
    pub fn fit(&self) -> Result<Floor, NotYet> {
        fit::fit(self.picture, self.lens, &self.sample)
    }
}

#[cfg(test)]
mod tests;
