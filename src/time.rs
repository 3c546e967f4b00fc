//! Time as the core sees it: always an argument, never read.
//!
//! A frame carries two times. `elapsed` runs evenly and never goes back: trackers and
//! bands use it. `wall` is what a clock on the shop's wall would say: records use it. They
//! are read together, once per frame, so a clock that is set while a camera runs
//! changes the label of a minute and never the speed of a person.

mod boot;
mod dating;

pub use boot::{BoxClock, ClockSettings};
pub use dating::{ClockNews, ClockWatch, Dating, Origin, STEP, Stand, is_step, nearest, nearest_minutes};

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// Milliseconds in a minute, the unit in which sums are sent.
pub const MINUTE_MS: i64 = 60_000;

/// A point of UTC time, in whole milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct WallTime(i64);

impl WallTime {
    /// From milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// The start of the minute that this time lies in.
    #[must_use]
    pub const fn minute(self) -> Self {
        Self(self.0 - self.0.rem_euclid(MINUTE_MS))
    }

    /// The time so many ms later, or earlier.
    #[must_use]
    pub const fn moved_by_ms(self, by_ms: i64) -> Self {
        Self(self.0.saturating_add(by_ms))
    }

    /// Time since `earlier`; zero where `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for WallTime {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(whole_ms(by)))
    }
}

impl Sub<Duration> for WallTime {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(whole_ms(by)))
    }
}

fn whole_ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// When a frame was taken: even time since the run began, and the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameTime {
    /// Since this camera's run began: container time for a file, monotonic time for a live camera.
    pub elapsed: Duration,
    /// UTC at that moment.
    pub wall: WallTime,
}

impl FrameTime {
    /// The time `elapsed` after a run that began at `run_start`.
    #[must_use]
    pub fn of_run(run_start: WallTime, elapsed: Duration) -> Self {
        Self { elapsed, wall: run_start + elapsed }
    }

    /// Even time since `earlier`; zero where `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.elapsed.saturating_sub(earlier.elapsed)
    }
}

/// Where times come from. The core never calls this: the edges do, and hand the answer in.
pub trait Clock: Send + Sync {
    /// Now, with `elapsed` counted from when the clock was made.
    fn now(&self) -> FrameTime;

    /// What its labels are worth; one that says nothing else knows the time.
    fn stand(&self) -> Stand {
        Stand::default()
    }

    /// Both at one moment.
    fn read(&self) -> (FrameTime, Stand) {
        (self.now(), self.stand())
    }

    /// Looks whether the time has become known, or was set.
    fn look(&self) -> ClockNews {
        ClockNews::default()
    }

    /// What undated labels of this run go by.
    fn origin(&self) -> Origin {
        Origin::default()
    }
}

/// The machine's clocks: monotonic for `elapsed`, system time for `wall`.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: std::time::Instant,
}

impl SystemClock {
    /// A clock whose `elapsed` starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
    pub fn start() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> FrameTime {
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        FrameTime { elapsed: self.started.elapsed(), wall: WallTime::from_unix_ms(whole_ms(wall)) }
    }
}

/// How often a thread has looked up: the thread counts, whoever watches it reads. One that stops counting hangs.
#[derive(Debug, Clone, Default)]
pub struct Pulse(std::sync::Arc<std::sync::atomic::AtomicU64>);

impl Pulse {
    /// Looked up once more.
    pub fn beat(&self) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    /// How often so far.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// A clock that tests move by hand.
#[derive(Debug, Default)]
pub struct SimClock {
    now: std::sync::Mutex<FrameTime>,
}

impl SimClock {
    /// A clock that says `now` until it is moved.
    #[must_use]
    pub fn at(now: FrameTime) -> Self {
        Self { now: std::sync::Mutex::new(now) }
    }

    /// Moves both times on.
    pub fn advance(&self, by: Duration) {
        let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = FrameTime { elapsed: now.elapsed + by, wall: now.wall + by };
    }

    /// Sets the wall clock, forward or back.
    pub fn set_by_ms(&self, by_ms: i64) {
        let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        now.wall = now.wall.moved_by_ms(by_ms);
    }
}

impl Clock for SimClock {
    fn now(&self) -> FrameTime {
        *self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_starts_at_or_before_its_times_also_before_1970() {
        assert_eq!(WallTime::from_unix_ms(119_999).minute(), WallTime::from_unix_ms(60_000));
        assert_eq!(WallTime::from_unix_ms(-1).minute(), WallTime::from_unix_ms(-60_000));
    }

    #[test]
    fn a_clock_that_runs_backwards_gives_no_negative_span() {
        let late = FrameTime::of_run(WallTime::default(), Duration::from_secs(2));
        let early = FrameTime::of_run(WallTime::default(), Duration::from_secs(1));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(early.wall.since(late.wall), Duration::ZERO);
    }
}
