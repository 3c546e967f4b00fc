//! Who is staff, by where somebody is and for how long; and what was counted of them before that was known.

use super::people::Person;
use super::{Finding, Found, StaffSettings};
use crate::count::Crossing;
use crate::geom::Polygon;
use crate::ids::TrackId;
use crate::time::FrameTime;
use crate::zones::Standing;
use std::collections::VecDeque;
use std::time::Duration;

/// Crossings of people in view that are remembered, so that they can be corrected. A track crosses a handful of times; this
/// is room for a thousand people who all turn out to be staff late.
const MOST_PASSAGES: usize = 4096;

/// Room that is there from the start, so that a usual day asks for no more.
const USUAL_PASSAGES: usize = 256;

/// How much time in a place one sighting may stand for: somebody who was hidden may have been anywhere.
const LONGEST_STEP: Duration = Duration::from_secs(2);

/// Why somebody is taken for staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaffWhy {
    /// Was where only staff go.
    Zone,
    /// Came into view behind the counter.
    Counter,
    /// Stayed longer than customers do.
    Stay,
    /// Came and went with a badge.
    Badge,
}

impl StaffWhy {
    /// As records have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zone => "zone",
            Self::Counter => "counter",
            Self::Stay => "stay",
            Self::Badge => "badge",
        }
    }
}

/// A track that was found to be staff.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StaffTrack {
    /// Which.
    pub track: TrackId,
    /// When it was seen first: everything told of it since then is of staff.
    pub since: FrameTime,
    /// Why.
    pub why: StaffWhy,
}

/// Why the person who was just seen standing there is staff, if so; notes the time spent where only staff go.
pub(super) fn reason(person: &mut Person, standing: &Standing, settings: &StaffSettings) -> Option<StaffWhy> {
    let inside = |places: &[Polygon]| places.iter().any(|place| place.contains(standing.foot_in_image));
    if person.first == standing.at && inside(&settings.counter) {
        return Some(StaffWhy::Counter);
    }
    if inside(&settings.staff_only) {
        person.in_staff_only += person.passed.min(LONGEST_STEP);
        if person.in_staff_only >= settings.staff_only_for {
            return Some(StaffWhy::Zone);
        }
    }
    settings.stay.filter(|stay| person.stay() >= *stay).map(|_| StaffWhy::Stay)
}

/// Crossings by people who are not known to be staff, as long as they are remembered.
#[derive(Debug, Clone)]
pub(super) struct Passages(VecDeque<Crossing>);

impl Default for Passages {
    fn default() -> Self {
        Self(VecDeque::with_capacity(USUAL_PASSAGES))
    }
}

impl Passages {
    /// Beyond the limit the oldest is forgotten: it stays a visitor's.
    pub(super) fn remember(&mut self, crossing: &Crossing) {
        if self.0.len() >= MOST_PASSAGES {
            self.0.pop_front();
        }
        self.0.push_back(crossing.clone());
    }

    /// Finds every crossing of a track to be one of staff.
    pub(super) fn take(&mut self, track: TrackId, found: &mut Vec<Finding>) {
        for crossing in self.0.iter().filter(|crossing| crossing.track == track) {
            let is_staff = Found::Staff(crossing.direction);
            found.push(Finding { line: crossing.line.clone(), at: crossing.at, found: is_staff });
        }
        self.forget(track);
    }

    pub(super) fn forget(&mut self, track: TrackId) {
        self.0.retain(|crossing| crossing.track != track);
    }
}
