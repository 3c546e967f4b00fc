//! A zone as configured, checked: where it lies, and what counts there.

use super::Standing;
use crate::calendar::{Schedule, TimeSpan};
use crate::geom::{FloorPolygon, Polygon};
use crate::ids::ZoneId;
use crate::time::WallTime;
use std::sync::Arc;
use std::time::Duration;

/// A stay becomes a visit after this, where nothing else is said. Whoever walks through four metres is out again after 2 to 4 s, who
/// strolls and talks after up to some 6 s; the slowest of them are taken for visitors all the same (the sample clip: one stays 7.1 s).
pub const DEFAULT_VISIT_AFTER: Duration = Duration::from_secs(6);
/// Somebody has left when they were not seen inside for this long: longer than a detector's usual miss, shorter than a
/// step aside and back.
pub const DEFAULT_LEAVE_AFTER: Duration = Duration::from_secs(2);
/// A visit that lasted this long is an engaged one.
pub const DEFAULT_ENGAGED_AFTER: Duration = Duration::from_secs(10);

/// Where a zone lies.
#[derive(Debug, Clone, PartialEq)]
pub enum Area {
    /// On the picture, px of the configured picture.
    Image(Polygon),
    /// On a floor that was measured, metres.
    Floor(FloorPolygon),
}

impl Area {
    /// Whether somebody stands in it. Where no floor says so, nobody stands in a zone on the floor.
    #[must_use]
    pub fn contains(&self, standing: &Standing) -> bool {
        match self {
            Self::Image(polygon) => polygon.contains(standing.foot_in_image),
            Self::Floor(polygon) => standing.foot_in_floor.is_some_and(|foot| polygon.contains(foot)),
        }
    }
}

/// What a stay has to be to count; goes out with every number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisitRule {
    /// A stay that lasted this long is a visit.
    pub visit_after: Duration,
    /// It is over when the person was not seen inside for this long.
    pub leave_after: Duration,
    /// A visit that lasted this long is an engaged one.
    pub engaged_after: Duration,
}

impl Default for VisitRule {
    fn default() -> Self {
        Self {
            visit_after: DEFAULT_VISIT_AFTER,
            leave_after: DEFAULT_LEAVE_AFTER,
            engaged_after: DEFAULT_ENGAGED_AFTER,
        }
    }
}

/// One zone as configured, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneSettings {
    /// Its name.
    pub id: ZoneId,
    /// Where it lies.
    pub area: Area,
    /// What counts there.
    pub rule: VisitRule,
    /// How people wait there; none where it is no queue.
    pub queue: Option<QueueSettings>,
    /// When nobody, or nobody alone, may be there; none where anybody may.
    pub restriction: Option<RestrictionSettings>,
}

impl ZoneSettings {
    /// A zone with every default.
    #[must_use]
    pub fn new(id: ZoneId, area: Area) -> Self {
        Self { id, area, rule: VisitRule::default(), queue: None, restriction: None }
    }

    /// How long after it happened something in this zone may still be decided.
    #[must_use]
    pub fn lateness(&self) -> Duration {
        let served_after = self.queue.as_ref().map_or(Duration::ZERO, |queue| queue.served_after);
        let decided = self.rule.visit_after.max(self.rule.engaged_after).max(served_after);
        decided + super::presence::LOST_AFTER + self.rule.leave_after
    }
}

/// A zone in which people wait to be served.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueSettings {
    /// Where whoever is served stands. It belongs to the zone, also where it lies outside.
    pub service: Area,
    /// Whoever stood there for this long is being served, from the first moment.
    pub served_after: Duration,
    /// When the queue is too long, in people.
    pub length: Option<AlertSettings<usize>>,
    /// When somebody waits too long.
    pub wait: Option<AlertSettings<Duration>>,
}

/// When a value calls for a person, and when no more. Between the two limits nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertSettings<T> {
    /// Above this ...
    pub above: T,
    /// ... or, once raised, not yet at or below this ...
    pub clear_at: T,
    /// ... for this long.
    pub during: Duration,
}

/// When presence in a zone is not allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct RestrictionSettings {
    /// When anybody may be there.
    pub allowed: Allowed,
    /// Whoever is there must be so many at least; 1 where one may be there alone.
    pub min_people: usize,
    /// What is not allowed is told once it lasted this long.
    pub after: Duration,
}

/// When presence is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// At any time.
    Always,
    /// Never.
    Never,
    /// In the store's hours, which are given from outside; until they are, never.
    Hours(AllowedHours),
}

impl Allowed {
    /// Whether presence is allowed at a time.
    #[must_use]
    pub fn at(&self, at: WallTime) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Hours(hours) => hours.hold(at),
        }
    }
}

/// Spans of UTC time in which presence is allowed. Whoever knows the calendar works them out for some days ahead.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllowedHours(Arc<[(WallTime, WallTime)]>);

impl AllowedHours {
    /// From spans, each from its beginning up to and without its end.
    #[must_use]
    pub fn new(spans: Vec<(WallTime, WallTime)>) -> Self {
        Self(spans.into())
    }

    /// The hours in which a store is open, from `reach` before a time to `reach` after it.
    #[must_use]
    pub fn open_around(hours: &Schedule, at: WallTime, reach: Duration) -> Self {
        let span = TimeSpan { start: at - reach, end: at + reach };
        Self::new(hours.open_within(span).into_iter().map(|open| (open.start, open.end)).collect())
    }

    /// Whether a time lies in one of them.
    #[must_use]
    pub fn hold(&self, at: WallTime) -> bool {
        self.0.iter().any(|(from, to)| (*from..*to).contains(&at))
    }
}
