//! Takes a blob of several people apart, by how large one person is.
//!
//! Centres are placed as far from each other as the blob allows (Gonzalez, 1985) and then moved to the middle of
//! what is nearest to them (Lloyd, 1982). It is only the first guess: from the next frame on, motion and
//! colour move the centres.

/// People that one blob is split into at most; a blob of more is the light or a vehicle.
pub(super) const MOST_IN_BLOB: usize = 12;
/// A blob below this many people's areas is one person, whatever it carries.
const ONE_UP_TO: f32 = 1.6;
/// What two who merge cover more than the expected ellipses: shadows that remain, bags, the space between.
const AREA_IN_MERGE: f32 = 1.15;
/// Centres do not move any more after that many rounds, or hardly.
const ROUNDS: usize = 6;

/// How many people a blob of `area` px shows where one has `one` px; 0 for what is too large for any.
pub(super) fn people_in(area: f32, one: f32) -> usize {
    let people = area / one;
    if people <= ONE_UP_TO {
        return 1;
    }
    let people = (people / AREA_IN_MERGE).round() as usize;
    if people > MOST_IN_BLOB { 0 } else { people.max(1) }
}

/// Fills `centres` with the middles of `count` people who stand on `points`. `stretch` is height by width of one.
pub(super) fn split(points: &[(f32, f32)], count: usize, stretch: f32, centres: &mut Vec<(f32, f32)>) {
    centres.clear();
    let Some(middle) = mean(points.iter().copied()) else { return };
    let apart = |a: (f32, f32), b: (f32, f32)| ((a.0 - b.0) * stretch).powi(2) + (a.1 - b.1).powi(2);
    if count <= 1 {
        centres.push(middle);
        return;
    }
    let farthest = |from: &dyn Fn((f32, f32)) -> f32| {
        points.iter().copied().max_by(|a, b| from(*a).total_cmp(&from(*b))).unwrap_or(middle)
    };
    centres.push(farthest(&|point| apart(point, middle)));
    for _ in 1..count.min(MOST_IN_BLOB) {
        let nearest = |point| centres.iter().map(|c| apart(point, *c)).fold(f32::MAX, f32::min);
        let next = farthest(&nearest);
        centres.push(next);
    }
    for _ in 0..ROUNDS {
        let mut sums = [(0.0_f32, 0.0_f32, 0.0_f32); MOST_IN_BLOB];
        for point in points {
            let nearest = (0..centres.len())
                .min_by(|a, b| apart(*point, centres[*a]).total_cmp(&apart(*point, centres[*b])));
            let sum = &mut sums[nearest.unwrap_or(0)];
            *sum = (sum.0 + point.0, sum.1 + point.1, sum.2 + 1.0);
        }
        for (centre, sum) in centres.iter_mut().zip(sums).filter(|(_, sum)| sum.2 > 0.0) {
            *centre = (sum.0 / sum.2, sum.1 / sum.2);
        }
    }
}

fn mean(points: impl ExactSizeIterator<Item = (f32, f32)>) -> Option<(f32, f32)> {
    let count = points.len() as f32;
    let sum = points.fold((0.0, 0.0), |sum: (f32, f32), point| (sum.0 + point.0, sum.1 + point.1));
    (count > 0.0).then(|| (sum.0 / count, sum.1 / count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn disc(x: f32, y: f32, radius: i16) -> Vec<(f32, f32)> {
        let side = -radius..=radius;
        side.clone()
            .flat_map(|dy| side.clone().map(move |dx| (f32::from(dx), f32::from(dy))))
            .filter(|(dx, dy)| dx * dx + dy * dy <= f32::from(radius * radius))
            .map(|(dx, dy)| (x + dx, y + dy))
            .collect()
    }

    fn check(people: &[(f32, f32)]) {
        let points: Vec<_> = people.iter().flat_map(|(x, y)| disc(*x, *y, 10)).collect();
        let mut centres = Vec::new();
        split(&points, people.len(), 1.0, &mut centres);
        assert_eq!(centres.len(), people.len());
        for person in people {
            let near = centres.iter().any(|c| (c.0 - person.0).hypot(c.1 - person.1) < 4.0);
            assert!(near, "{person:?} is none of {centres:?}");
        }
    }

    #[test]
    fn people_who_touch_are_taken_apart() {
        check(&[(20.0, 20.0)]);
        check(&[(20.0, 20.0), (38.0, 22.0)]);
        check(&[(20.0, 20.0), (38.0, 22.0), (30.0, 40.0)]);
    }

    #[test]
    fn a_blob_counts_as_many_people_as_its_area_says() {
        for (area, expected) in [(60.0, 1), (155.0, 1), (230.0, 2), (345.0, 3), (9_000.0, 0)] {
            assert_eq!(people_in(area, 100.0), expected, "{area}");
        }
    }

    proptest! {
        #[test]
        fn centres_lie_in_the_blobs_box_and_are_as_many_as_asked(
            points in proptest::collection::vec((0.0_f32..200.0, 0.0_f32..200.0), 1..60),
            count in 1_usize..=MOST_IN_BLOB,
        ) {
            let mut centres = Vec::new();
            split(&points, count, 0.5, &mut centres);
            prop_assert_eq!(centres.len(), count);
            for centre in centres {
                prop_assert!((-0.01..200.0).contains(&centre.0) && (-0.01..200.0).contains(&centre.1));
            }
        }
    }
}
