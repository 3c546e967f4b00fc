//! `[outbox]`: where records lie, how often they are written, and how long they stay.

use super::check::{FilesBeside, file_that_can_be_made};
use super::document::{SpanRule, Table};
use crate::outbox::{OutboxSettings, Retention};
use std::path::Path;

const DEFAULT_OUTBOX: &str = "outbox.sqlite";
const COMMIT_EVERY: SpanRule = SpanRule::of_ms(1_000, 10, 60_000);
/// Head office's copies of its database are rarely older than a month, and a shop is rarely offline for longer than a year.
const HISTORY: SpanRule = SpanRule::of_ms(30 * 86_400_000, 3_600_000, 400 * 86_400_000);
/// Below this a day of a busy box does not fit.
const MAX_MB: std::ops::RangeInclusive<u32> = 10..=1_000_000;
const DEFAULT_MAX_MB: u32 = 2_000;
const BYTES_PER_MB: u64 = 1_000_000;

pub(super) fn outbox(root: &mut Table<'_>, files: &dyn FilesBeside) -> OutboxSettings {
    let written = root.get("outbox").and_then(|e| e.table(|table| Some(settings(table, files))));
    written.unwrap_or_else(|| OutboxSettings {
        path: files.resolve(Path::new(DEFAULT_OUTBOX)),
        commit_every: COMMIT_EVERY.default_span(),
        retention: retention(HISTORY.default_span(), None),
    })
}

fn settings(table: &mut Table<'_>, files: &dyn FilesBeside) -> OutboxSettings {
    let path = table.get("path").and_then(|e| file_that_can_be_made(&e, files));
    let commit_every = table.span("commit_every", COMMIT_EVERY);
    let history = table.span("history", HISTORY);
    let max_mb = table.get("max_mb").and_then(|e| e.whole(MAX_MB));
    let path = path.unwrap_or_else(|| files.resolve(Path::new(DEFAULT_OUTBOX)));
    OutboxSettings { path, commit_every, retention: retention(history, max_mb) }
}

fn retention(history: std::time::Duration, max_mb: Option<u32>) -> Retention {
    Retention { history, max_bytes: u64::from(max_mb.unwrap_or(DEFAULT_MAX_MB)) * BYTES_PER_MB }
}
