//! How busy a minute is, judged before it begins.
//!
//! The limits are fixed numbers, four-fold from one to the next, and not relative to the store's own days. Traffic is so
//! skewed that a geometric ladder is close to the best possible one (Gunning and Horgan 2004, "A new algorithm for
//! the construction of stratum boundaries in skewed populations"), and a ladder that stays put keeps a stratum the same thing
//! all year: with limits that followed the day before, minutes of one name could not be added up.
//! The draw takes care that the busiest stratum a store really has gets most clips.

use crate::time::WallTime;
use std::collections::VecDeque;
use std::time::Duration;

/// What came by in this long before a minute says how busy it is.
pub const TRAFFIC_WINDOW: Duration = Duration::from_secs(15 * 60);

/// More crossings than this within [`TRAFFIC_WINDOW`] change no stratum any more, so older ones may be forgotten.
const MOST_KEPT: usize = 1024;

/// How busy the quarter of an hour before a minute was, by the crossings of all lines of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stratum {
    /// Nobody came by: here false counts show.
    Empty,
    /// 1 to 4 crossings.
    Quiet,
    /// 5 to 19.
    Normal,
    /// 20 to 79.
    Busy,
    /// 80 or more, which is above five a minute.
    Crowded,
}

impl Stratum {
    /// Every stratum, the emptiest first.
    pub const ALL: [Self; 5] = [Self::Empty, Self::Quiet, Self::Normal, Self::Busy, Self::Crowded];

    /// The stratum of a minute before which `crossings` were counted within [`TRAFFIC_WINDOW`].
    #[must_use]
    pub const fn of(crossings: usize) -> Self {
        match crossings {
            0 => Self::Empty,
            1..=4 => Self::Quiet,
            5..=19 => Self::Normal,
            20..=79 => Self::Busy,
            _ => Self::Crowded,
        }
    }

    /// Its place in [`Stratum::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// As written in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Quiet => "quiet",
            Self::Normal => "normal",
            Self::Busy => "busy",
            Self::Crowded => "crowded",
        }
    }

    /// By its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stratum| stratum.name() == name)
    }

    /// Crossings in a quarter of an hour that stand for the stratum: about the geometric mean of its limits.
    #[must_use]
    pub const fn typical_crossings(self) -> f64 {
        match self {
            Self::Empty => 0.0,
            Self::Quiet => 2.0,
            Self::Normal => 10.0,
            Self::Busy => 40.0,
            Self::Crowded => 160.0,
        }
    }
}

/// The crossings of one camera in the last quarter of an hour.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    recent: VecDeque<WallTime>,
}

impl Traffic {
    /// Notes a crossing.
    pub fn crossing(&mut self, at: WallTime) {
        if self.recent.len() == MOST_KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(at);
    }

    /// How busy the minute is that begins at `start`. Crossings that are too old for any later minute are forgotten, and those
    /// of a later time, which a clock that was set back leaves behind, too.
    pub fn before(&mut self, start: WallTime) -> Stratum {
        self.recent.retain(|at| *at + TRAFFIC_WINDOW >= start && *at <= start + TRAFFIC_WINDOW);
        Stratum::of(self.recent.iter().filter(|at| **at < start).count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_s(s: i64) -> WallTime {
        WallTime::from_unix_ms(1000 * s)
    }

    #[track_caller]
    fn check(crossings_s: &[i64], start_s: i64, expected: Stratum) {
        let mut traffic = Traffic::default();
        crossings_s.iter().for_each(|s| traffic.crossing(at_s(*s)));
        assert_eq!(traffic.before(at_s(start_s)), expected);
    }

    #[test]
    fn the_limits_go_up_four_fold() {
        let limits = [(0, 1), (4, 2), (19, 3), (79, 4)];
        for (most, next) in limits {
            assert_eq!(Stratum::of(most).index() + 1, next);
            assert_eq!(Stratum::of(most + 1).index(), next);
        }
        assert_eq!(Stratum::of(usize::MAX), Stratum::Crowded);
    }

    #[test]
    fn only_the_quarter_of_an_hour_before_the_minute_counts() {
        check(&[], 3600, Stratum::Empty);
        check(&[3600 - 901], 3600, Stratum::Empty);
        check(&[3600 - 900], 3600, Stratum::Quiet);
        check(&[3599], 3600, Stratum::Quiet);
        check(&[3600], 3600, Stratum::Empty);
    }

    #[test]
    fn a_clock_that_was_set_back_leaves_no_crossings_of_the_future() {
        let mut traffic = Traffic::default();
        traffic.crossing(at_s(100_000));
        assert_eq!(traffic.before(at_s(3600)), Stratum::Empty);
        assert!(traffic.recent.is_empty());
    }

    #[test]
    fn a_camera_that_sees_a_stadium_empty_keeps_no_more_than_it_needs() {
        let mut traffic = Traffic::default();
        (0..10_000).for_each(|ms| traffic.crossing(WallTime::from_unix_ms(ms)));
        assert_eq!(traffic.recent.len(), MOST_KEPT);
        assert_eq!(traffic.before(at_s(60)), Stratum::Crowded);
    }

    #[test]
    fn names_are_read_back() {
        assert!(Stratum::ALL.into_iter().all(|stratum| Stratum::parse(stratum.name()) == Some(stratum)));
        assert_eq!(Stratum::parse("rush"), None);
    }
}
