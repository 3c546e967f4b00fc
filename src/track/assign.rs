//! Who is who: the pairing of tracks and boxes that gains most in all.
//!
//! Most tracks of a frame have one box near them and nothing else. So the pairs that
//! passed the gate are solved by shortest augmenting paths over just those pairs: the work
//! grows with the crowding, not with the cube of the number of people, which is what
//! makes a dense solver collapse at 500 boxes. Each track may stay alone at no cost, so a pair is made only
//! where it gains.
//!
//! Source: R. Jonker and A. Volgenant, "A shortest augmenting path algorithm for dense and
//! sparse linear assignment problems", Computing 38 (1987), without their start heuristics.

/// A track and a box that may belong together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    /// Index of the track.
    pub(super) row: usize,
    /// Index of the box.
    pub(super) column: usize,
    /// What pairing them gains; only positive, finite gains are looked at.
    pub(super) gain: f32,
}

const NONE: usize = usize::MAX;

/// Solves one assignment after another in memory that is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Assigner {
    pairs: Vec<Pair>,
    /// Pairs of row `r` are `pairs[first[r]..first[r + 1]]`.
    first: Vec<usize>,
    row_price: Vec<f32>,
    column_price: Vec<f32>,
    column_of: Vec<usize>,
    row_of: Vec<usize>,
    distance: Vec<f32>,
    reached_from: Vec<usize>,
    settled: Vec<bool>,
    /// Columns reached by the search under way, whether settled or not.
    reached: Vec<usize>,
}

/// Where a search for a better pairing ended.
enum Sink {
    /// At a box that nobody has.
    Column(usize),
    /// At a track that is better left alone.
    Alone(usize),
}

impl Assigner {
    /// Takes `pairs` of `rows` tracks with `columns` boxes; afterwards [`Assigner::column_of`] answers.
    ///
    /// Pairs out of range or without a positive, finite gain are passed over. The answer does not depend on
    /// the order of the pairs, but for ties.
    pub(super) fn solve(&mut self, rows: usize, columns: usize, pairs: &[Pair]) {
        self.pairs.clear();
        let sound = |p: &&Pair| p.row < rows && p.column < columns && p.gain > 0.0 && p.gain.is_finite();
        self.pairs.extend(pairs.iter().filter(sound));
        self.pairs.sort_unstable_by_key(|p| (p.row, p.column));
        reset(&mut self.first, rows + 1, 0);
        for pair in &self.pairs {
            self.first[pair.row + 1] += 1;
        }
        for row in 0..rows {
            self.first[row + 1] += self.first[row];
        }
        reset(&mut self.row_price, rows, 0.0);
        reset(&mut self.column_price, columns, 0.0);
        reset(&mut self.column_of, rows, NONE);
        reset(&mut self.row_of, columns, NONE);
        reset(&mut self.distance, columns, f32::INFINITY);
        reset(&mut self.reached_from, columns, NONE);
        reset(&mut self.settled, columns, false);
        for row in 0..rows {
            self.row_price[row] = self.of_row(row).map(|p| -p.gain).fold(0.0, f32::min);
        }
        for row in 0..rows {
            if self.first[row] < self.first[row + 1] {
                self.place(row);
            }
        }
    }

    /// The box of a track, if it got one.
    #[must_use]
    pub(super) fn column_of(&self, row: usize) -> Option<usize> {
        self.column_of.get(row).copied().filter(|c| *c != NONE)
    }

    /// The track of a box, if it got one.
    #[cfg(test)]
    fn row_of(&self, column: usize) -> Option<usize> {
        self.row_of.get(column).copied().filter(|r| *r != NONE)
    }

    fn of_row(&self, row: usize) -> impl Iterator<Item = &Pair> {
        self.pairs[self.first[row]..self.first[row + 1]].iter()
    }

    /// Finds a place for `row`, moving others where that gains in all.
    fn place(&mut self, row: usize) {
        let (sink, length) = self.search(row);
        self.reprice(row, length);
        self.augment(row, &sink);
        for column in self.reached.drain(..) {
            self.distance[column] = f32::INFINITY;
            self.settled[column] = false;
        }
    }

    /// Dijkstra over reduced costs from `start` to the nearest free box or to the track best left alone.
    fn search(&mut self, start: usize) -> (Sink, f32) {
        let (mut row, mut so_far) = (start, 0.0_f32);
        let (mut alone, mut alone_length) = (start, f32::INFINITY);
        loop {
            if so_far - self.row_price[row] < alone_length {
                (alone, alone_length) = (row, so_far - self.row_price[row]);
            }
            for at in self.first[row]..self.first[row + 1] {
                let Pair { column, gain, .. } = self.pairs[at];
                // Rounding must not make a reduced cost negative: Dijkstra relies on that.
                let step = (-gain - self.row_price[row] - self.column_price[column]).max(0.0);
                if !self.settled[column] && so_far + step < self.distance[column] {
                    if self.distance[column].is_infinite() {
                        self.reached.push(column);
                    }
                    self.distance[column] = so_far + step;
                    self.reached_from[column] = row;
                }
            }
            let open = self.reached.iter().copied().filter(|c| !self.settled[*c]);
            let nearest = open.min_by(|a, b| self.distance[*a].total_cmp(&self.distance[*b]).then(a.cmp(b)));
            match nearest {
                Some(column) if self.distance[column] < alone_length => {
                    self.settled[column] = true;
                    so_far = self.distance[column];
                    if self.row_of[column] == NONE {
                        return (Sink::Column(column), so_far);
                    }
                    row = self.row_of[column];
                }
                _ => return (Sink::Alone(alone), alone_length),
            }
        }
    }

    /// Keeps every reduced cost at zero or more after a search of `length`.
    fn reprice(&mut self, start: usize, length: f32) {
        self.row_price[start] += length;
        for at in 0..self.reached.len() {
            let column = self.reached[at];
            if self.settled[column] {
                let saved = length - self.distance[column];
                self.column_price[column] -= saved;
                if self.row_of[column] != NONE {
                    self.row_price[self.row_of[column]] += saved;
                }
            }
        }
    }

    /// Hands the boxes along the path on.
    fn augment(&mut self, start: usize, sink: &Sink) {
        let mut column = match *sink {
            Sink::Column(column) => column,
            Sink::Alone(row) => std::mem::replace(&mut self.column_of[row], NONE),
        };
        // `start` had no box, so where it is the one left alone there is nothing to hand on.
        while column != NONE {
            let row = self.reached_from[column];
            self.row_of[column] = row;
            column = std::mem::replace(&mut self.column_of[row], column);
            if row == start {
                break;
            }
        }
    }
}

fn reset<T: Clone>(list: &mut Vec<T>, len: usize, value: T) {
    list.clear();
    list.resize(len, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn solve(rows: usize, columns: usize, pairs: &[Pair]) -> (Assigner, f32) {
        let mut assigner = Assigner::default();
        assigner.solve(rows, columns, pairs);
        let total = (0..rows)
            .filter_map(|row| assigner.column_of(row).map(|column| (row, column)))
            .map(|(row, column)| pairs.iter().find(|p| p.row == row && p.column == column).unwrap().gain)
            .sum();
        (assigner, total)
    }

    /// The best total by trying everything.
    fn best(rows: usize, pairs: &[Pair], row: usize, taken: &mut Vec<bool>) -> f32 {
        if row == rows {
            return 0.0;
        }
        let mut most = best(rows, pairs, row + 1, taken);
        for pair in pairs.iter().filter(|p| p.row == row && p.gain > 0.0) {
            if !taken[pair.column] {
                taken[pair.column] = true;
                most = most.max(pair.gain + best(rows, pairs, row + 1, taken));
                taken[pair.column] = false;
            }
        }
        most
    }

    fn pair(row: usize, column: usize, gain: f32) -> Pair {
        Pair { row, column, gain }
    }

    #[test]
    fn the_greedy_choice_gives_way_where_that_gains_in_all() {
        let (assigner, total) = solve(2, 2, &[pair(0, 0, 0.9), pair(0, 1, 0.8), pair(1, 0, 0.7)]);
        assert_eq!((assigner.column_of(0), assigner.column_of(1)), (Some(1), Some(0)));
        assert!((total - 1.5).abs() < 1e-6);
    }

    #[test]
    fn a_track_is_left_alone_where_another_gains_more_from_the_only_box() {
        let (assigner, _) = solve(2, 1, &[pair(0, 0, 0.3), pair(1, 0, 0.4)]);
        assert_eq!((assigner.column_of(0), assigner.row_of(0)), (None, Some(1)));
    }

    #[test]
    fn pairs_that_gain_nothing_or_are_not_numbers_are_passed_over() {
        let (assigner, _) =
            solve(2, 2, &[pair(0, 0, 0.0), pair(0, 1, f32::NAN), pair(1, 1, -1.0), pair(9, 0, 1.0)]);
        assert_eq!((assigner.column_of(0), assigner.column_of(1)), (None, None));
    }

    proptest! {
        #[test]
        fn nothing_gains_more_than_the_answer(
            gains in prop::collection::vec(prop::option::weighted(0.6, 0.01f32..1.0), 25)
        ) {
            let pairs: Vec<_> = gains
                .iter()
                .enumerate()
                .filter_map(|(at, gain)| gain.map(|gain| pair(at / 5, at % 5, gain)))
                .collect();
            let (assigner, total) = solve(5, 5, &pairs);
            let most = best(5, &pairs, 0, &mut vec![false; 5]);
            prop_assert!((total - most).abs() < 1e-4, "{total} of {most}");
            for row in 0..5 {
                if let Some(column) = assigner.column_of(row) {
                    prop_assert_eq!(assigner.row_of(column), Some(row));
                }
            }
        }
    }
}
