//! YOLOv8, YOLO11 and alike: decoded boxes and class scores, one column a box.
//!
//! The table lies on its side: a row holds one number of every box, so the person's scores are one
//! straight row, and nothing else is read where it is low.

use super::{DecodeError, Output, People, from_centre};
use ndarray::ArrayView2;

/// The output as `(4 + classes, N)`.
///
/// # Errors
/// [`DecodeError`] where it is not of that shape.
pub fn table<'a>(output: &Output<'a>, classes: usize) -> Result<ArrayView2<'a, f32>, DecodeError> {
    let wrong = || DecodeError::Shape {
        output: output.name.to_owned(),
        got: output.shape.to_vec(),
        expected: format!("[1, {}, N]", 4 + classes),
    };
    let &[1, rows, columns] = output.shape else { return Err(wrong()) };
    match (usize::try_from(rows), usize::try_from(columns)) {
        (Ok(rows), Ok(columns)) if rows == 4 + classes && columns > 0 => output.table(Some(rows), columns),
        _ => Err(wrong()),
    }
}

/// Adds people in model px. `table`: `(4 + classes, N)` f32: centre x, centre y, width, height in model px,
/// class scores 0 to 1.
pub fn decode(table: ArrayView2<'_, f32>, person: usize, people: &mut People<'_>) {
    for (at, &score) in table.row(4 + person).iter().enumerate() {
        if people.wants(score) {
            let column = table.column(at);
            people.add(from_centre(column[0], column[1], column[2], column[3]), score);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Values;
    use super::*;
    use crate::detect::Detection;
    use crate::geom::ImageBox;

    fn check(shape: &[i64], values: &[f32]) -> Result<Vec<Detection>, String> {
        let output = Output { name: "output0", shape, values: Values::F32(values) };
        let table = table(&output, 2).map_err(|e| e.to_string())?;
        let mut out = Vec::new();
        decode(table, 0, &mut People { min_score: 0.25, out: &mut out });
        Ok(out)
    }

    #[test]
    fn each_column_is_a_box() {
        let columns = [10.0, 30.0, 10.0, 30.0, 4.0, 8.0, 6.0, 8.0, 0.2, 0.9, 0.9, 0.1];
        let found = check(&[1, 6, 2], &columns).unwrap();
        assert_eq!(found, [Detection { bbox: ImageBox::new(26.0, 26.0, 34.0, 34.0), score: 0.9 }]);
    }

    #[test]
    fn a_table_that_stands_upright_is_another_networks() {
        let said = check(&[1, 2, 6], &[0.0; 12]).unwrap_err();
        assert_eq!(said, "output `output0` is [1, 2, 6], the manifest says [1, 6, N]");
    }
}
