//! `[audit]`: clips of random minutes for a person's tally. Off where the table is not there.

use super::check::{FilesBeside, folder_that_can_be_made};
use super::document::{SpanRule, Table};
use crate::audit::AuditSettings;
use std::path::Path;

/// More clips a day than anybody will ever tally, and less than a tenth of the day.
const CLIPS_PER_DAY: std::ops::RangeInclusive<u32> = 1..=100;
const DEFAULT_CLIPS_PER_DAY: u32 = 8;
/// Two weeks: somebody who tallies once a week may miss one. Longer than 90 days nobody can want.
const KEEP: SpanRule = SpanRule::of_ms(14 * 86_400_000, 3_600_000, 90 * 86_400_000);
const DEFAULT_FOLDER: &str = "audit";
/// Enough to see who crosses; above this a clip takes room and shows more of people than a tally needs.
const MOST_FPS: f64 = 10.0;
const DEFAULT_FPS: f64 = 5.0;
/// Below this nobody can be told from their shadow, above it faces near the camera begin to be faces.
const WIDTH_PX: std::ops::RangeInclusive<u32> = 80..=320;
const DEFAULT_WIDTH_PX: u32 = 240;
const MAX_MB: std::ops::RangeInclusive<u32> = 10..=100_000;
const DEFAULT_MAX_MB: u32 = 500;
const BYTES_PER_MB: u64 = 1_000_000;

pub(super) fn audit(table: &mut Table<'_>, files: &dyn FilesBeside) -> Option<AuditSettings> {
    let clips_per_day = table.get("clips_per_day").and_then(|e| e.whole(CLIPS_PER_DAY));
    let keep = table.span("keep", KEEP);
    let folder = match table.get("folder") {
        None => Some(files.resolve(Path::new(DEFAULT_FOLDER))),
        Some(e) => folder_that_can_be_made(&e, files),
    };
    let fits = |fps: f64| (1.0..=MOST_FPS).contains(&fps);
    let fps = table.get("fps").and_then(|e| e.number_that(fits, "1 to 10"));
    let width_px = table.get("width").and_then(|e| e.whole(WIDTH_PX));
    let max_mb = table.get("max_mb").and_then(|e| e.whole(MAX_MB));
    Some(AuditSettings {
        clips_per_day: clips_per_day.unwrap_or(DEFAULT_CLIPS_PER_DAY),
        keep,
        folder: folder?,
        fps: fps.unwrap_or(DEFAULT_FPS),
        width_px: width_px.unwrap_or(DEFAULT_WIDTH_PX),
        max_bytes: u64::from(max_mb.unwrap_or(DEFAULT_MAX_MB)) * BYTES_PER_MB,
    })
}
