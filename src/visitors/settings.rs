//! How visitors are told apart: durations, lengths and speeds, so that a frame rate changes nothing.

use crate::geom::Polygon;
use std::time::Duration;

/// How visitors are told apart.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitorSettings {
    /// Who is staff.
    pub staff: StaffSettings,
    /// Who came together.
    pub groups: GroupSettings,
    /// Who was here a moment ago.
    pub reentry: ReentrySettings,
    /// Whoever uses a door at most this long before or after crossing a line along the front does not pass by.
    pub passby_within: Duration,
    /// Whoever is slower stands, m/s.
    pub standing_m_s: f32,
}

/// Who is staff. Without places and without a stay nobody is, but for those who carry a badge.
#[derive(Debug, Clone, PartialEq)]
pub struct StaffSettings {
    /// Where only staff go, px of the picture.
    pub staff_only: Vec<Polygon>,
    /// Whoever has been in such a place for this long in all is staff.
    pub staff_only_for: Duration,
    /// Behind the counter, px of the picture: whoever is seen for the first time here is staff.
    pub counter: Vec<Polygon>,
    /// Whoever is in view for this long is staff; none: however long somebody stays.
    pub stay: Option<Duration>,
    /// How badges are matched with people.
    pub badges: BadgeSettings,
}

/// How badges are matched with people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadgeSettings {
    /// A badge that is not read for this long has gone.
    pub gap: Duration,
    /// A stay fits a badge's where beginning and end together are at most this far off.
    pub slack: Duration,
}

/// Who came together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupSettings {
    /// Two people are near each other up to this far apart, metres.
    pub near_m: f64,
    /// They move alike where their velocities differ by at most this much, m/s.
    pub alike_m_s: f32,
    /// Only walking counts: of people slower than this nothing is learned, m/s. A queue is no group.
    pub walking_m_s: f32,
    /// They belong together after so long near each other and moving alike.
    pub together_for: Duration,
    /// Whoever belongs together and comes in within this time is one group.
    pub door_within: Duration,
}

/// Who was here a moment ago.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReentrySettings {
    /// Whoever comes in again within this time of going out was here before; zero: nobody.
    pub window: Duration,
    /// Somebody who is lost for at most this long may be found again as a new track; zero: never.
    pub unseen: Duration,
    /// Whoever was at least this fast when lost has walked on, m/s; whoever was slower is still there.
    pub walking_m_s: f32,
    /// Where somebody may be found again: this far from where they would be by then, metres ...
    pub reach_m: f64,
    /// ... and this much further for each second that passed.
    pub reach_m_s: f64,
}

impl Default for VisitorSettings {
    fn default() -> Self {
        Self {
            staff: StaffSettings::default(),
            groups: GroupSettings::default(),
            reentry: ReentrySettings::default(),
            passby_within: Duration::from_secs(30),
            standing_m_s: 0.3,
        }
    }
}

impl Default for StaffSettings {
    /// What makes somebody staff has to be said by somebody who knows the store.
    fn default() -> Self {
        Self {
            staff_only: Vec::new(),
            staff_only_for: Duration::from_secs(2),
            counter: Vec::new(),
            stay: None,
            badges: BadgeSettings::default(),
        }
    }
}

impl Default for BadgeSettings {
    /// Beacons send every few seconds, and receivers miss some of that.
    fn default() -> Self {
        Self { gap: Duration::from_secs(30), slack: Duration::from_secs(20) }
    }
}

impl Default for GroupSettings {
    /// People who walk together are rarely more than 1.5 m apart: two walk side by side, three and four bend into a V or U so
    /// that they can talk (Moussaid and others, PLoS ONE 5(4), 2010, e10047).
    fn default() -> Self {
        Self {
            near_m: 1.5,
            alike_m_s: 0.5,
            walking_m_s: 0.3,
            together_for: Duration::from_secs(2),
            door_within: Duration::from_secs(5),
        }
    }
}

impl Default for ReentrySettings {
    /// Somebody who steps out to look at the window is back within minutes. What is taken for one person over a gap
    /// is kept short: at a busy door a stranger soon stands where somebody was lost.
    fn default() -> Self {
        Self {
            window: Duration::from_secs(300),
            unseen: Duration::from_secs(4),
            walking_m_s: 0.3,
            reach_m: 1.0,
            reach_m_s: 0.5,
        }
    }
}
