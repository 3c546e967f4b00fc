//! How large one person is, and how it is learned.
//!
//! A calibration knows best. Without one the first guess is a share of the picture, and each single walker, alone in
//! their blob, corrects it: for the place where they walk, and less for the whole picture. The median is followed by
//! small steps, so that a couple taken for one person, or a leg, moves it hardly.

/// Height of a person as a share of the picture's, before anybody was seen: between that of a high hall (0.18) and
/// that of a camera over a door (0.3).
const FIRST_HEIGHT_SHARE: f32 = 0.2;
/// Width of a person as a share of the height, before anybody was seen: seen from above and from the side together.
const FIRST_WIDTH_SHARE: f32 = 0.5;
/// The picture is learned in that many columns and rows.
const CELLS: usize = 3;
/// One walker seen for a second moves the logarithm of the size by this, so that it takes minutes and many walkers.
const STEP_PER_S: f32 = 0.01;
/// The ellipse is meant to cover this share of a walker's px: arms, bags and what remains of shadows are not the body,
/// and ellipses that are too large cannot be told apart in a crowd (measured at a train door).
const BODY_SHARE: f32 = 0.7;
/// Learned sizes stay within this factor of the first guess, so that a crowd or a swarm of specks cannot run away with it.
const FARTHEST_FACTOR: f32 = 1.3;

/// Width and height of one person in px.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PersonSize {
    /// Of the box around the body.
    pub width: f32,
    /// Of the box around the body.
    pub height: f32,
}

/// What is known of the size of people in a small picture.
#[derive(Debug, Clone)]
pub(super) struct SizeModel {
    picture: (f32, f32),
    /// Logarithm of the factor to the first guess, for the whole picture ...
    everywhere: f32,
    /// ... and beyond that in each cell, row by row.
    cells: [f32; CELLS * CELLS],
}

impl SizeModel {
    pub(super) fn new(width: usize, height: usize) -> Self {
        // Sides are far below 2^24, where f32 stops being exact.
        Self { picture: (width as f32, height as f32), everywhere: 0.0, cells: [0.0; CELLS * CELLS] }
    }

    /// The size expected with the middle of the body at `x`, `y`.
    pub(super) fn at(&self, x: f32, y: f32) -> PersonSize {
        let limit = FARTHEST_FACTOR.ln();
        let factor = (self.everywhere + self.cells[self.cell(x, y)]).clamp(-limit, limit).exp();
        let height = FIRST_HEIGHT_SHARE * self.picture.1 * factor;
        PersonSize { width: FIRST_WIDTH_SHARE * height, height }
    }

    /// Learns from `area` px of a single walker, seen for `seconds`.
    pub(super) fn learn(&mut self, x: f32, y: f32, area: f32, seconds: f32) {
        let limit = FARTHEST_FACTOR.ln();
        let expected = self.at(x, y);
        let full = std::f32::consts::FRAC_PI_4 * expected.width * expected.height;
        let step = seconds * if BODY_SHARE * area > full { STEP_PER_S } else { -STEP_PER_S };
        let cell = self.cell(x, y);
        self.everywhere = (self.everywhere + step).clamp(-limit, limit);
        self.cells[cell] = (self.cells[cell] + step).clamp(-limit, limit);
    }

    fn cell(&self, x: f32, y: f32) -> usize {
        let of = |at: f32, side: f32| ((at / side * CELLS as f32).max(0.0) as usize).min(CELLS - 1);
        of(y, self.picture.1) * CELLS + of(x, self.picture.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn height_after(area: f32, walkers: usize) -> f32 {
        let mut sizes = SizeModel::new(200, 150);
        (0..walkers).for_each(|_| sizes.learn(100.0, 75.0, area, 0.1));
        sizes.at(100.0, 75.0).height
    }

    #[test]
    fn walkers_larger_than_expected_raise_what_is_expected_until_it_is_theirs() {
        let first = height_after(0.0, 0);
        let theirs = std::f32::consts::FRAC_PI_4 * 0.5 * (first * 1.25).powi(2) / BODY_SHARE;
        let learned = height_after(theirs, 3_000);
        assert!((learned / first - 1.25).abs() < 0.03, "{first} {learned}");
    }

    #[test]
    fn one_speck_changes_next_to_nothing() {
        assert!((height_after(1.0, 1) / height_after(0.0, 0) - 1.0).abs() < 0.02);
    }

    proptest! {
        #[test]
        fn no_crowd_runs_away_with_the_size(seen in proptest::collection::vec(
            (-50.0_f32..300.0, -50.0_f32..300.0, 0.0_f32..1e5), 0..2_000,
        )) {
            let mut sizes = SizeModel::new(200, 150);
            seen.iter().for_each(|(x, y, area)| sizes.learn(*x, *y, *area, 0.1));
            let first = SizeModel::new(200, 150).at(0.0, 0.0).height;
            for (x, y, _) in seen {
                let factor = sizes.at(x, y).height / first;
                prop_assert!((1.0 / FARTHEST_FACTOR - 0.01..=FARTHEST_FACTOR + 0.01).contains(&factor));
            }
        }
    }
}
