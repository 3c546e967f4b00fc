//! `[clock]`: when the time is known, and how long records wait for that.

use super::check::FilesBeside;
use super::document::{SpanRule, Table};
use crate::time::ClockSettings;
use std::path::Path;
use std::time::Duration;

/// A router that starts with the box takes some minutes; a shop that opens wants its figures on the same day.
const PATIENCE: SpanRule = SpanRule::of_ms(600_000, 1_000, 86_400_000);

pub(super) fn clock(root: &mut Table<'_>, files: &dyn FilesBeside) -> ClockSettings {
    let written = root.get("clock").and_then(|e| e.table(|table| Some(settings(table, files))));
    written.unwrap_or(ClockSettings { set_file: None, patience: PATIENCE.default_span() })
}

fn settings(table: &mut Table<'_>, files: &dyn FilesBeside) -> ClockSettings {
    // It need not be there yet: that is what is waited for.
    let set_file = table.get("set_file").and_then(|e| e.text().map(|text| files.resolve(Path::new(text))));
    let patience: Duration = table.span("patience", PATIENCE);
    ClockSettings { set_file, patience }
}
