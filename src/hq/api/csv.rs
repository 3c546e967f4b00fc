//! Tables for spreadsheets: the same address as the JSON, with `.csv` at its end.
//!
//! RFC 4180, UTF-8 with its mark (without it Excel reads another encoding), a row of names first, what is not known left empty. What is not
//! obvious: a spreadsheet takes a text that begins like a formula for one, and names come from registers and boxes. Such a text gets
//! an apostrophe before it, which spreadsheets take for "this is text"; numbers are left as they are.

use super::faults::Fault;
use crate::hq::report::figures::Figures;
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// What a formula begins with, in one spreadsheet or another.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A value of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// Not known.
    Empty,
    /// A name, a day.
    Text(String),
    /// A count.
    Count(i64),
    /// A share, a mean.
    Number(f64),
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    /// What the file is called, without its ending.
    pub(super) name: &'static str,
    /// Names of the columns.
    pub(super) columns: Vec<&'static str>,
    /// Rows, each with a cell for each column.
    pub(super) rows: Vec<Vec<Cell>>,
}

/// What can be shown as a table.
pub(super) trait Tabular {
    /// The table.
    fn table(&self) -> Table;
}

/// Columns of [`figures`], in its order.
pub(super) const FIGURES: [&str; 20] = [
    "entries",
    "staff_entries",
    "reentries",
    "visitors",
    "passersby",
    "zone_visits",
    "engaged",
    "queued",
    "transactions",
    "sales_minor",
    "units",
    "associate_hours",
    "conversion",
    "capture_rate",
    "sales_per_visitor_minor",
    "average_transaction_minor",
    "units_per_transaction",
    "shoppers_per_associate_hour",
    "coverage",
    "complete",
];

/// Figures as cells.
pub(super) fn figures(of: &Figures) -> Vec<Cell> {
    vec![
        of.entries.into(),
        of.staff_entries.into(),
        of.reentries.into(),
        of.visitors.into(),
        of.passersby.into(),
        of.zone_visits.into(),
        of.engaged.into(),
        of.queued.into(),
        of.transactions.into(),
        of.sales_minor.into(),
        of.units.into(),
        of.associate_hours.into(),
        of.conversion.into(),
        of.capture_rate.into(),
        of.sales_per_visitor_minor.into(),
        of.average_transaction_minor.into(),
        of.units_per_transaction.into(),
        of.shoppers_per_associate_hour.into(),
        of.coverage.into(),
        of.complete.into(),
    ]
}

/// Columns of figures after others.
pub(super) fn columns(first: &[&'static str]) -> Vec<&'static str> {
    first.iter().chain(&FIGURES).copied().collect()
}

impl Table {
    /// The text of the file.
    fn text(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer("\u{feff}".as_bytes().to_vec());
        writer.write_record(&self.columns)?;
        for row in &self.rows {
            writer.write_record(row.iter().map(Cell::text))?;
        }
        writer.into_inner().map_err(|fault| fault.into_error().into())
    }
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) if text.starts_with(FORMULA) => format!("'{text}"),
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl IntoResponse for Table {
    fn into_response(self) -> Response {
        let named = format!("attachment; filename=\"{}.csv\"", self.name);
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
            (header::CONTENT_DISPOSITION, named),
        ];
        match self.text() {
            Ok(text) => (headers, text).into_response(),
            Err(fault) => Fault::inside(&fault).into_response(),
        }
    }
}

impl From<i64> for Cell {
    fn from(count: i64) -> Self {
        Self::Count(count)
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Cell {
    fn from(holds: bool) -> Self {
        Self::Count(holds.into())
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cells: &[Cell], expected: &str) {
        let columns = vec!["c"; cells.len()];
        let table = Table { name: "t", columns: columns.clone(), rows: vec![cells.to_vec()] };
        let text = String::from_utf8(table.text().unwrap()).unwrap();
        assert_eq!(text, format!("\u{feff}{}\r\n{expected}\r\n", columns.join(",")));
    }

    #[test]
    fn text_is_quoted_where_it_must_be() {
        check(&["Graz, \"Süd\"".into(), 7_i64.into(), Cell::Empty], "\"Graz, \"\"Süd\"\"\",7,");
        check(&["two\nlines".into(), 0.25.into()], "\"two\nlines\",0.25");
    }

    #[test]
    fn a_name_that_looks_like_a_formula_is_text_and_a_number_below_zero_is_a_number() {
        for start in FORMULA {
            let text = format!("{start}1+1");
            assert_eq!(Cell::from(&text).text(), format!("'{text}"));
        }
        check(&["=HYPERLINK(\"x\")".into(), (-5_i64).into()], "\"'=HYPERLINK(\"\"x\"\")\",-5");
    }
}
