//! The little of linear algebra that the intervals need: columns of some dozens of numbers.

use std::iter;

/// Smallest part of a column's length that counts as a direction of its own.
const DEPENDENT: f64 = 1e-9;

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    iter::zip(a, b).map(|(a, b)| a * b).sum()
}

/// Columns of length 1 that stand at right angles and span what `columns` span (modified Gram-Schmidt); what depends on earlier ones
/// is left out.
pub(super) fn orthonormal(columns: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(columns.len());
    for mut column in columns {
        let before = dot(&column, &column).sqrt();
        remove(&basis, &mut column);
        let left = dot(&column, &column).sqrt();
        if left > before * DEPENDENT {
            column.iter_mut().for_each(|value| *value /= left);
            basis.push(column);
        }
    }
    basis
}

/// Takes the part out of `column` that `basis` spans.
pub(super) fn remove(basis: &[Vec<f64>], column: &mut [f64]) {
    for direction in basis {
        let along = dot(direction, column);
        for (value, part) in iter::zip(column.iter_mut(), direction) {
            *value -= along * part;
        }
    }
}

/// Rows of the lower triangle whose product with its own transpose is a covariance.
#[derive(Debug)]
pub(super) struct Triangle(Vec<Vec<f64>>);

impl Triangle {
    /// The Cholesky factor of a matrix of `size` rows that is positive definite.
    pub(super) fn of(size: usize, covariance: impl Fn(usize, usize) -> f64) -> Self {
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(size);
        for row in 0..size {
            let mut of_row = vec![0.0; row + 1];
            for column in 0..row {
                let above = dot(&of_row[..column], &rows[column][..column]);
                of_row[column] = (covariance(row, column) - above) / rows[column][column];
            }
            let above = dot(&of_row[..row], &of_row[..row]);
            // Rounding may take the last crumb away.
            of_row[row] = (covariance(row, row) - above).max(f64::EPSILON).sqrt();
            rows.push(of_row);
        }
        Self(rows)
    }

    /// Makes independent values correlated.
    pub(super) fn times(&self, values: &[f64]) -> Vec<f64> {
        self.0.iter().map(|row| dot(row, values)).collect()
    }

    /// Makes correlated values independent.
    pub(super) fn solve(&self, values: &[f64]) -> Vec<f64> {
        let mut solved: Vec<f64> = Vec::with_capacity(values.len());
        for (row, value) in iter::zip(&self.0, values) {
            let done = solved.len();
            solved.push((value - dot(&row[..done], &solved)) / row[done]);
        }
        solved
    }
}
