//! `[camera.visitors]`: who is staff, who came together, who was here before; and what is told by the quarter of an hour.

use super::camera::zones;
use super::document::{SpanRule, Table};
use crate::analytics::{HeatSettings, QuarterSettings};
use crate::geom::PictureSize;
use crate::visitors::{BadgeSettings, GroupSettings, ReentrySettings, StaffSettings, VisitorSettings};

const STAFF_ONLY_FOR: SpanRule = SpanRule::of_ms(2_000, 0, 600_000);
/// Shorter than a quarter of an hour customers stay in one view too.
const STAFF_STAY: SpanRule = SpanRule::of_ms(0, 0, 86_400_000);
const BADGE_GAP: SpanRule = SpanRule::of_ms(30_000, 1_000, 600_000);
const BADGE_SLACK: SpanRule = SpanRule::of_ms(20_000, 1_000, 600_000);
const TOGETHER_FOR: SpanRule = SpanRule::of_ms(2_000, 200, 60_000);
/// A minute is sent only after this time, so it stays short.
const DOOR_WITHIN: SpanRule = SpanRule::of_ms(5_000, 0, 30_000);
const REENTRY: SpanRule = SpanRule::of_ms(300_000, 0, 3_600_000);
const UNSEEN: SpanRule = SpanRule::of_ms(4_000, 0, 60_000);
const PASSBY: SpanRule = SpanRule::of_ms(30_000, 1_000, 600_000);
const MOST_METRES: f64 = 10.0;
/// Least side of a cell: smaller than this nobody's place is known.
const CELL_M: std::ops::RangeInclusive<f64> = 0.1..=MOST_METRES;
const CELL_PX: std::ops::RangeInclusive<f64> = 4.0..=1_000.0;

/// What is to be known of visitors; the defaults where the table is not there.
pub(super) fn visitors(
    table: &mut Table<'_>,
    picture: Option<PictureSize>,
) -> Option<(VisitorSettings, QuarterSettings)> {
    let defaults = VisitorSettings::default();
    let visitors = VisitorSettings {
        staff: staff(table, picture),
        groups: groups(table),
        reentry: reentry(table),
        passby_within: table.span("passby_within", PASSBY),
        standing_m_s: metres(table, "standing_below", f64::from(defaults.standing_m_s)) as f32,
    };
    Some((visitors, quarters(table)))
}

fn staff(table: &mut Table<'_>, picture: Option<PictureSize>) -> StaffSettings {
    let stay = table.span("staff_stay", STAFF_STAY);
    StaffSettings {
        staff_only: zones(table, "staff_only", picture),
        staff_only_for: table.span("staff_only_for", STAFF_ONLY_FOR),
        counter: zones(table, "counter", picture),
        stay: (!stay.is_zero()).then_some(stay),
        badges: BadgeSettings {
            gap: table.span("badge_gap", BADGE_GAP),
            slack: table.span("badge_slack", BADGE_SLACK),
        },
    }
}

fn groups(table: &mut Table<'_>) -> GroupSettings {
    let defaults = GroupSettings::default();
    GroupSettings {
        near_m: metres(table, "group_near", defaults.near_m),
        alike_m_s: metres(table, "group_alike", f64::from(defaults.alike_m_s)) as f32,
        together_for: table.span("group_for", TOGETHER_FOR),
        door_within: table.span("group_within", DOOR_WITHIN),
        ..defaults
    }
}

fn reentry(table: &mut Table<'_>) -> ReentrySettings {
    let defaults = ReentrySettings::default();
    ReentrySettings {
        window: table.span("reentry", REENTRY),
        unseen: table.span("reentry_unseen", UNSEEN),
        reach_m: metres(table, "reentry_reach", defaults.reach_m),
        ..defaults
    }
}

fn quarters(table: &mut Table<'_>) -> QuarterSettings {
    let (defaults, cells) = (QuarterSettings::default(), HeatSettings::default());
    let flow = table.get("flow").and_then(|e| e.flag()).unwrap_or(defaults.flow);
    let heat = table.get("heat").and_then(|e| e.flag()).unwrap_or(defaults.heat.is_some());
    let metres =
        table.get("heat_cell").and_then(|e| e.number_that(|m| CELL_M.contains(&m), "0.1 to 10 metres"));
    let px =
        table.get("heat_cell_px").and_then(|e| e.number_that(|px| CELL_PX.contains(&px), "4 to 1000 px"));
    let cells = HeatSettings { cell_m: metres.unwrap_or(cells.cell_m), cell_px: px.unwrap_or(cells.cell_px) };
    QuarterSettings { flow, heat: heat.then_some(cells) }
}

/// A length in metres, or a speed in metres a second.
fn metres(table: &mut Table<'_>, key: &'static str, default: f64) -> f64 {
    let fits = |metres: f64| (0.0..=MOST_METRES).contains(&metres);
    table.get(key).and_then(|e| e.number_that(fits, "0 to 10")).unwrap_or(default)
}
