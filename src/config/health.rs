//! `watch_picture` and `moved_after` of a `[[camera]]`: whether a picture that cannot be counted on is noticed, and when.

use super::document::{SpanRule, Table};
use crate::health::HealthSettings;

/// Whoever cleans a camera holds it for some seconds; after ten minutes nobody would call it noticing.
const MOVED_AFTER: SpanRule =
    SpanRule::of_ms(HealthSettings::DEFAULT.moved_after.as_millis() as u64, 10_000, 600_000);

/// How the pictures are watched; none where that is switched off.
pub(super) fn health(table: &mut Table<'_>) -> Option<HealthSettings> {
    let is_on = table.get("watch_picture").and_then(|e| e.flag()).unwrap_or(true);
    let moved_after = table.span("moved_after", MOVED_AFTER);
    is_on.then_some(HealthSettings { moved_after, ..HealthSettings::DEFAULT })
}
