//! `[watchdog]`: when a part of the box hangs.

use super::document::{SpanRule, Table};
use std::time::Duration;

/// An inference takes seconds on the slowest box, a write to worn-out flash tens of seconds.
const PATIENCE: SpanRule = SpanRule::of_ms(60_000, 1_000, 3_600_000);

/// A part that has not looked up for this long hangs.
pub(super) fn hangs_after(root: &mut Table<'_>) -> Duration {
    let written = root.get("watchdog").and_then(|e| e.table(|table| Some(table.span("patience", PATIENCE))));
    written.unwrap_or(PATIENCE.default_span())
}
