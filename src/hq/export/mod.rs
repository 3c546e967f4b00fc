//! A business day as Parquet files, for people's own tools.
//!
//! ```text
//! FOLDER/minutes-2026-11-22.parquet   lines, a row a minute
//! FOLDER/hours-...  sales-...  events-...
//! ```
//!
//! What is not obvious: the same day of the same database gives the same bytes. Rows are in the order of their keys, and
//! nothing of when the file was written stands in it; so a copy can be compared, and a day that was exported before late data came can
//! be told from one after. Files are written beside their name and moved there, so nobody reads half of one.

use crate::calendar::Day;
use crate::hq::store::export::{Cells, Kind, Shape, Sheet};
use crate::hq::store::{Store, StoreError};
use parquet::basic::{Compression, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of a group: what a reader takes at once.
const ROWS: usize = 100_000;

/// Why a day cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file.
    #[error("{path} cannot be written ({source}); give a folder that the service may write")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The format.
    #[error("{path} cannot be written as Parquet: {source}")]
    Parquet {
        /// Which.
        path: PathBuf,
        /// What the library says.
        source: ParquetError,
    },
}

/// Whose day.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// One of its stores; none: all of them.
    pub store: Option<&'a str>,
}

/// Writes one business day into a folder; gives back the files with their numbers of rows.
///
/// # Errors
/// [`ExportError`].
pub fn export_day(
    store: &Store,
    whose: Whose<'_>,
    day: Day,
    folder: &Path,
) -> Result<Vec<(PathBuf, usize)>, ExportError> {
    fs::create_dir_all(folder).map_err(|source| ExportError::File { path: folder.to_owned(), source })?;
    let mut written = Vec::new();
    for kind in Kind::ALL {
        let path = folder.join(format!("{}-{day}.parquet", kind.name()));
        let beside = folder.join(format!("{}-{day}.parquet.part", kind.name()));
        let sheet = store.sheet(kind, (whose.tenant, whose.store), day.unix_days())?;
        write(&beside, &sheet)?;
        fs::rename(&beside, &path).map_err(|source| ExportError::File { path: path.clone(), source })?;
        written.push((path, sheet.rows()));
    }
    Ok(written)
}

fn write(path: &Path, sheet: &Sheet) -> Result<(), ExportError> {
    let failed = |source| ExportError::Parquet { path: path.to_owned(), source };
    let file = File::create(path).map_err(|source| ExportError::File { path: path.to_owned(), source })?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by("footfall-hq".to_owned())
        .build();
    let schema = schema(sheet).map_err(failed)?;
    let mut writer =
        SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
    for first in (0..sheet.rows()).step_by(ROWS) {
        let rows = first..(first + ROWS).min(sheet.rows());
        let mut group = writer.next_row_group().map_err(failed)?;
        for (_, _, cells) in &sheet.columns {
            column(&mut group, cells, rows.clone()).map_err(failed)?;
        }
        group.close().map_err(failed)?;
    }
    writer.close().map(drop).map_err(failed)
}

fn schema(sheet: &Sheet) -> Result<Type, ParquetError> {
    let field = |(name, shape, cells): &(&str, Shape, Cells)| {
        let physical = match cells {
            Cells::Numbers(_) => Physical::INT64,
            Cells::Texts(_) => Physical::BYTE_ARRAY,
            Cells::Flags(_) => Physical::BOOLEAN,
        };
        let logical = match shape {
            Shape::Plain => None,
            Shape::Text => Some(parquet::basic::LogicalType::String),
            Shape::TimeMs => {
                Some(parquet::basic::LogicalType::timestamp(true, parquet::basic::TimeUnit::MILLIS))
            }
        };
        let field = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()?;
        Ok(Arc::new(field))
    };
    let fields = sheet.columns.iter().map(field).collect::<Result<Vec<_>, ParquetError>>()?;
    Type::group_type_builder("footfall").with_fields(fields).build()
}

/// One column: a level of 1 where there is a value, and the values alone.
fn column(
    group: &mut SerializedRowGroupWriter<'_, File>,
    cells: &Cells,
    rows: std::ops::Range<usize>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    match cells {
        Cells::Numbers(values) => {
            let (levels, values) = split(&values[rows], |value| *value);
            column.typed::<Int64Type>().write_batch(&values, Some(&levels), None)?;
        }
        Cells::Texts(values) => {
            let (levels, values) = split(&values[rows], |text| ByteArray::from(text.as_str()));
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
        }
        Cells::Flags(values) => {
            let (levels, values) = split(&values[rows], |value| *value);
            column.typed::<BoolType>().write_batch(&values, Some(&levels), None)?;
        }
    }
    column.close()
}

fn split<T, U>(cells: &[Option<T>], of: impl Fn(&T) -> U) -> (Vec<i16>, Vec<U>) {
    let levels = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    (levels, cells.iter().flatten().map(of).collect())
}

#[cfg(test)]
mod tests;
