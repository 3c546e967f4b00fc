//! Pictures of yes and no: opening, closing, and the blobs in them.
//!
//! Every px is a byte that is 0 or 1, so that "and" and "or" over neighbours are vector instructions. What
//! lies beyond the edge counts as the edge itself: people who enter are not eaten away there.

/// A px that is yes or no, row by row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mask {
    pub(super) width: usize,
    pub(super) height: usize,
    /// `(height, width)`, each 0 or 1.
    pub(super) px: Vec<u8>,
}

impl Mask {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, height, px: vec![0; width * height] }
    }

    /// Share of px that are yes, 0 to 1.
    pub(super) fn share(&self) -> f32 {
        let set = self.px.iter().map(|px| usize::from(*px)).sum::<usize>();
        set as f32 / self.px.len().max(1) as f32
    }

    /// Takes away what is thinner than `2 * radius + 1` px.
    pub(super) fn open(&mut self, radius: usize, spare: &mut Vec<u8>) {
        (0..radius).for_each(|_| self.spread(|one, other| one & other, spare));
        (0..radius).for_each(|_| self.spread(|one, other| one | other, spare));
    }

    /// Fills gaps that are thinner than `2 * radius + 1` px.
    pub(super) fn close(&mut self, radius: usize, spare: &mut Vec<u8>) {
        (0..radius).for_each(|_| self.spread(|one, other| one | other, spare));
        (0..radius).for_each(|_| self.spread(|one, other| one & other, spare));
    }

    /// Each px becomes the `pick` of the 3 x 3 around it.
    fn spread(&mut self, pick: impl Fn(u8, u8) -> u8, spare: &mut Vec<u8>) {
        let (width, height) = (self.width, self.height);
        spare.clear();
        spare.extend_from_slice(&self.px);
        for (row, out) in spare.chunks_exact(width).zip(self.px.chunks_exact_mut(width)) {
            for (out, left) in out[1..].iter_mut().zip(row) {
                *out = pick(*out, *left);
            }
            for (out, right) in out.iter_mut().zip(&row[1..]) {
                *out = pick(*out, *right);
            }
        }
        spare.copy_from_slice(&self.px);
        for y in 0..height {
            let row = |y: usize| &spare[y * width..(y + 1) * width];
            let (above, below) = (row(y.saturating_sub(1)), row((y + 1).min(height - 1)));
            let out = &mut self.px[y * width..(y + 1) * width];
            for (out, (above, below)) in out.iter_mut().zip(above.iter().zip(below)) {
                *out = pick(*out, pick(*above, *below));
            }
        }
    }
}

/// Px that hang together, over sides and corners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blob {
    /// Its px are `Blobs::px[from..to]`.
    from: usize,
    to: usize,
    /// Smallest and largest column and row, both included.
    pub(super) left: usize,
    pub(super) right: usize,
    pub(super) top: usize,
    pub(super) bottom: usize,
}

impl Blob {
    /// Number of px.
    pub(super) fn area(&self) -> usize {
        self.to - self.from
    }

    /// Columns and rows that it reaches over.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.right - self.left + 1, self.bottom - self.top + 1)
    }
}

/// The blobs of one mask, reused from frame to frame.
#[derive(Debug, Clone, Default)]
pub(super) struct Blobs {
    pub(super) all: Vec<Blob>,
    px: Vec<u32>,
    left_to_visit: Vec<u8>,
}

impl Blobs {
    /// Finds the blobs of a mask that have at least `least_area` px.
    pub(super) fn find(&mut self, mask: &Mask, least_area: usize) {
        self.all.clear();
        self.px.clear();
        self.left_to_visit.clone_from(&mask.px);
        for start in 0..mask.px.len() {
            if self.left_to_visit[start] == 0 {
                continue;
            }
            let blob = self.fill(start, mask);
            if blob.area() >= least_area {
                self.all.push(blob);
            } else {
                self.px.truncate(blob.from);
            }
        }
    }

    /// Places of a blob's px in the mask.
    pub(super) fn px(&self, blob: &Blob) -> &[u32] {
        &self.px[blob.from..blob.to]
    }

    fn fill(&mut self, start: usize, mask: &Mask) -> Blob {
        let (width, height) = (mask.width, mask.height);
        let from = self.px.len();
        let (x, y) = (start % width, start / width);
        let mut blob = Blob { from, to: from, left: x, right: x, top: y, bottom: y };
        self.left_to_visit[start] = 0;
        // A mask has far fewer than 2^32 px.
        self.px.push(start as u32);
        // The list of what was found is the queue of what is to be looked around.
        while blob.to < self.px.len() {
            let at = self.px[blob.to] as usize;
            blob.to += 1;
            let (x, y) = (at % width, at / width);
            (blob.left, blob.right) = (blob.left.min(x), blob.right.max(x));
            (blob.top, blob.bottom) = (blob.top.min(y), blob.bottom.max(y));
            for near_y in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                for near_x in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                    let near = near_y * width + near_x;
                    if std::mem::take(&mut self.left_to_visit[near]) != 0 {
                        self.px.push(near as u32);
                    }
                }
            }
        }
        blob
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mask(rows: &[&str]) -> Mask {
        let px = rows.iter().flat_map(|row| row.bytes().map(|byte| u8::from(byte == b'#'))).collect();
        Mask { width: rows[0].len(), height: rows.len(), px }
    }

    fn check(rows: &[&str], change: fn(&mut Mask, &mut Vec<u8>), expected: &[&str]) {
        let mut changed = mask(rows);
        change(&mut changed, &mut Vec::new());
        assert_eq!(changed, mask(expected));
    }

    #[test]
    fn opening_takes_specks_away_and_leaves_bodies() {
        check(
            &["#......", "...###.", "...###.", "...###.", ".#....."],
            |m, spare| m.open(1, spare),
            &[".......", "...###.", "...###.", "...###.", "......."],
        );
    }

    #[test]
    fn closing_fills_a_gap_between_legs() {
        check(
            &[
                "...........",
                "...........",
                "...##.##...",
                "...##.##...",
                "...##.##...",
                "...........",
                "...........",
            ],
            |m, spare| m.close(1, spare),
            &[
                "...........",
                "...........",
                "...#####...",
                "...#####...",
                "...#####...",
                "...........",
                "...........",
            ],
        );
    }

    fn masks() -> impl Strategy<Value = Mask> {
        (1_usize..12, 1_usize..12).prop_flat_map(|(width, height)| {
            proptest::collection::vec(0_u8..=1, width * height).prop_map(move |px| Mask { width, height, px })
        })
    }

    proptest! {
        #[test]
        fn every_px_is_in_one_blob_and_blobs_do_not_touch(mask in masks()) {
            let mut blobs = Blobs::default();
            blobs.find(&mask, 1);
            let mut owner = vec![usize::MAX; mask.px.len()];
            for (name, blob) in blobs.all.iter().enumerate() {
                for px in blobs.px(blob) {
                    prop_assert_eq!(owner[*px as usize], usize::MAX);
                    owner[*px as usize] = name;
                }
            }
            for (at, name) in owner.iter().enumerate() {
                prop_assert_eq!(mask.px[at] != 0, *name != usize::MAX);
                let (x, y) = (at % mask.width, at / mask.width);
                let near = [(x + 1, y), (x, y + 1), (x + 1, y + 1), (x.wrapping_sub(1), y + 1)];
                for (x, y) in near.into_iter().filter(|(x, y)| *x < mask.width && *y < mask.height) {
                    let other = owner[y * mask.width + x];
                    prop_assert!(*name == usize::MAX || other == usize::MAX || other == *name);
                }
            }
        }

        #[test]
        fn opening_only_takes_and_closing_only_gives(mask in masks(), radius in 1_usize..3) {
            let (mut opened, mut closed, mut spare) = (mask.clone(), mask.clone(), Vec::new());
            opened.open(radius, &mut spare);
            closed.close(radius, &mut spare);
            for at in 0..mask.px.len() {
                prop_assert!(opened.px[at] <= mask.px[at] && mask.px[at] <= closed.px[at]);
            }
        }
    }
}
