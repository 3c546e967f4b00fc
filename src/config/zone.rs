//! `[[camera.zone]]`: zones in which visits are counted, people queue, or nobody may be.

use super::MAX_ZONE_SPAN;
use super::camera::{Names, polygon};
use super::document::{Entry, SpanRule, Table};
use super::fault::FaultKind;
use crate::calibration::Floor;
use crate::geom::{FloorPoint, FloorPolygon, PictureSize};
use crate::ids::ZoneId;
use crate::zones::{
    AlertSettings, Allowed, AllowedHours, Area, DEFAULT_ENGAGED_AFTER, DEFAULT_LEAVE_AFTER,
    DEFAULT_VISIT_AFTER, QueueSettings, RestrictionSettings, VisitRule, ZoneSettings,
};
use std::time::Duration;

/// Zones of one camera.
const MAX_ZONES: usize = 32;
/// Corners of one zone; a person draws a dozen.
const MAX_CORNERS: usize = 100;
/// People in a zone, as a limit: more do not fit into a picture.
const MAX_PEOPLE: u32 = 1_000;
/// No floor is larger, metres.
const FARTHEST_M: f64 = 10_000.0;

const fn up_to_ten_minutes(default: Duration, least_ms: u64) -> SpanRule {
    SpanRule::of_ms(default.as_millis() as u64, least_ms, MAX_ZONE_SPAN.as_millis() as u64)
}

const VISIT_AFTER: SpanRule = up_to_ten_minutes(DEFAULT_VISIT_AFTER, 0);
const LEAVE_AFTER: SpanRule = up_to_ten_minutes(DEFAULT_LEAVE_AFTER, 100);
const ENGAGED_AFTER: SpanRule = up_to_ten_minutes(DEFAULT_ENGAGED_AFTER, 0);
const SERVED_AFTER: SpanRule = SpanRule::of_ms(2_000, 0, MAX_ZONE_SPAN.as_millis() as u64);
const ALERT_AFTER: SpanRule = SpanRule::of_ms(30_000, 0, MAX_ZONE_SPAN.as_millis() as u64);
const ALARM_AFTER: SpanRule = SpanRule::of_ms(5_000, 0, MAX_ZONE_SPAN.as_millis() as u64);
/// Longest wait that an alert may ask for.
const MOST_WAIT: Duration = Duration::from_secs(7_200);

/// What a zone may lie on, and go by.
#[derive(Clone, Copy)]
pub(super) struct Grounds<'a> {
    /// The configured picture, where it is understood.
    pub(super) picture: Option<PictureSize>,
    /// The floor, where one was measured.
    pub(super) floor: Option<&'a Floor>,
    /// Whether something says when the store is open.
    pub(super) has_hours: bool,
}

/// What a zone's corners are given in; its service point's are in the same.
#[derive(Clone, Copy)]
enum Space {
    Image,
    Floor,
}

/// Every zone of a camera; none where it has none.
pub(super) fn zones(table: &mut Table<'_>, grounds: Grounds<'_>) -> Option<Vec<ZoneSettings>> {
    let Some(written) = table.get("zone") else { return Some(Vec::new()) };
    let mut names = Names::of("zone");
    written.tables(MAX_ZONES, |table| zone(table, grounds, &mut names))
}

fn zone(table: &mut Table<'_>, grounds: Grounds<'_>, names: &mut Names) -> Option<ZoneSettings> {
    let id = table.need("id", "id = \"shelf\"").and_then(|e| {
        let id = e.parsed(ZoneId::parse)?;
        names.take(&e, id.as_str());
        Some(id)
    });
    let area = area(table, grounds);
    let space = if matches!(area, Some(Area::Floor(_))) { Space::Floor } else { Space::Image };
    let rule = VisitRule {
        visit_after: table.span("visit_after", VISIT_AFTER),
        leave_after: table.span("leave_after", LEAVE_AFTER),
        engaged_after: table.span("engaged_after", ENGAGED_AFTER),
    };
    let queue = table.get("queue").map(|e| e.table(|table| queue(table, grounds, space)));
    let restriction = table.get("restricted").map(|e| e.table(|table| restriction(table, grounds)));
    Some(ZoneSettings {
        id: id?,
        area: area?,
        rule,
        queue: queue.map_or(Some(None), |queue| queue.map(Some))?,
        restriction: restriction.map_or(Some(None), |restriction| restriction.map(Some))?,
    })
}

/// `image` in px or `floor` in metres: one of the two.
fn area(table: &mut Table<'_>, grounds: Grounds<'_>) -> Option<Area> {
    let (image, floor) = (table.get("image"), table.get("floor"));
    match (image, floor) {
        (Some(image), Some(floor)) => {
            floor.fault(FaultKind::Both { other: "image" });
            polygon(&image, grounds.picture).map(Area::Image)
        }
        (Some(image), None) => polygon(&image, grounds.picture).map(Area::Image),
        (None, Some(floor)) => floor_polygon(&floor, grounds).map(Area::Floor),
        (None, None) => {
            let example = "image = [[300, 280], [580, 280], [580, 400], [300, 400]]";
            table.fault("image", FaultKind::Missing { example });
            None
        }
    }
}

fn floor_polygon(entry: &Entry<'_>, grounds: Grounds<'_>) -> Option<FloorPolygon> {
    if grounds.floor.is_none() {
        entry.fault(FaultKind::Alone { other: "the camera's calibration" });
    }
    let points = entry.list(MAX_CORNERS, "a zone: a list of points [x, y] in metres")?;
    let corners: Vec<Option<FloorPoint>> = points.iter().map(floor_point).collect();
    let corners = corners.into_iter().collect::<Option<Vec<_>>>()?;
    FloorPolygon::new(corners).map_err(|fault| entry.fault(fault)).ok()
}

fn floor_point(entry: &Entry<'_>) -> Option<FloorPoint> {
    let numbers = entry.list(2, "a point [x, y] in metres")?;
    let [x, y] = numbers.as_slice() else {
        entry.fault(FaultKind::NotAPoint { got: numbers.len() });
        return None;
    };
    let range = "-10000 to 10000 m";
    let metres = |e: &Entry<'_>| e.number_that(|metres| metres.abs() <= FARTHEST_M, range);
    let (x, y) = (metres(x), metres(y));
    Some(FloorPoint { x_m: x?, y_m: y? })
}

fn queue(table: &mut Table<'_>, grounds: Grounds<'_>, space: Space) -> Option<QueueSettings> {
    let service = table.need("service", "service = [[580, 280], [640, 280], [640, 400]]");
    let service = service.and_then(|e| match space {
        Space::Image => polygon(&e, grounds.picture).map(Area::Image),
        Space::Floor => floor_polygon(&e, grounds).map(Area::Floor),
    });
    let served_after = table.span("served_after", SERVED_AFTER);
    let during = table.span("alert_after", ALERT_AFTER);
    let mut people = |key| table.get(key).and_then(|e| e.whole(0..=MAX_PEOPLE)).map(|people| people as usize);
    let (above, clear_at) = (people("alert_length"), people("clear_length"));
    let length = above.map(|above| AlertSettings {
        above,
        clear_at: clear_at.unwrap_or(above / 2).min(above),
        during,
    });
    let mut wait = |key| table.get(key).and_then(|e| e.span(Duration::ZERO..=MOST_WAIT));
    let (above, clear_at) = (wait("alert_wait"), wait("clear_wait"));
    let wait = above.map(|above| AlertSettings {
        above,
        clear_at: clear_at.unwrap_or(above / 2).min(above),
        during,
    });
    Some(QueueSettings { service: service?, served_after, length, wait })
}

/// A word for when people may be in a zone.
#[derive(Clone, Copy)]
enum When {
    Always,
    Never,
    Open,
}

fn restriction(table: &mut Table<'_>, grounds: Grounds<'_>) -> Option<RestrictionSettings> {
    let words = [("always", When::Always), ("never", When::Never), ("open", When::Open)];
    let allowed = table.get("allowed").map_or(Some(When::Never), |e| {
        let when = e.choice(&words);
        if matches!(when, Some(When::Open)) && !grounds.has_hours {
            e.fault(FaultKind::NoHours);
        }
        when
    });
    let min_people = table.get("min_people").map_or(Some(1), |e| e.whole(1..=MAX_PEOPLE));
    let after = table.span("after", ALARM_AFTER);
    let allowed = match allowed? {
        When::Always => Allowed::Always,
        When::Never => Allowed::Never,
        When::Open => Allowed::Hours(AllowedHours::default()),
    };
    Some(RestrictionSettings { allowed, min_people: min_people? as usize, after })
}
