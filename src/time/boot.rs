//! The clock of a box: the machine's, with labels that [`ClockWatch`] vouches for.
//!
//! Whether the time is known is told by a file that the time service makes (`systemd-timesyncd` makes
//! `/run/systemd/timesync/synchronized`). The kernel knows it too, but no well-kept library asks it without unsafe code of ours.

use super::{Clock, ClockNews, ClockWatch, FrameTime, Origin, Stand, SystemClock};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Whose word says that the time is known, and how long that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockSettings {
    /// A file that is there once the clock was set by the network; none: the clock is always right.
    pub set_file: Option<PathBuf>,
    /// How long records wait for that.
    pub patience: Duration,
}

/// A clock that may not have been set yet.
pub struct BoxClock {
    system: Arc<dyn Clock>,
    settings: ClockSettings,
    origin: Origin,
    watch: Mutex<ClockWatch>,
}

impl BoxClock {
    /// The machine's clocks, with `elapsed` counted from now.
    #[must_use]
    pub fn start(settings: ClockSettings) -> Self {
        Self::on(Arc::new(SystemClock::start()), settings)
    }

    /// The same on other clocks; for tests.
    #[must_use]
    pub fn on(system: Arc<dyn Clock>, settings: ClockSettings) -> Self {
        let now = system.now();
        let origin = origin(now);
        let watch = ClockWatch::start(now, is_set(&settings), settings.patience);
        Self { system, settings, origin, watch: Mutex::new(watch) }
    }

    fn watch(&self) -> MutexGuard<'_, ClockWatch> {
        // Each change is a few assignments that do not panic, so a poisoned watch is still whole.
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for BoxClock {
    fn now(&self) -> FrameTime {
        self.read().0
    }

    fn read(&self) -> (FrameTime, Stand) {
        let watch = self.watch();
        // Under the lock: what is read after the time became known is later than that, and labelled so.
        (watch.label(self.system.now()), watch.stand())
    }

    fn stand(&self) -> Stand {
        self.watch().stand()
    }

    fn look(&self) -> ClockNews {
        let is_set = is_set(&self.settings);
        let mut watch = self.watch();
        watch.look(self.system.now(), is_set)
    }

    fn origin(&self) -> Origin {
        self.origin.clone()
    }
}

fn is_set(settings: &ClockSettings) -> bool {
    settings.set_file.as_ref().is_none_or(|file| file.exists())
}

/// What labels of a run go by that says `now`; nameless where the system tells neither its start nor how long that is ago.
fn origin(now: FrameTime) -> Origin {
    let line = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
    let boot = line("/proc/sys/kernel/random/boot_id").trim().to_owned();
    let uptime_s = line("/proc/uptime").split(' ').next().and_then(|first| first.parse::<f64>().ok());
    match uptime_s {
        Some(uptime_s) if !boot.is_empty() => {
            Origin { boot, offset_ms: now.wall.unix_ms().saturating_sub((1000.0 * uptime_s) as i64) }
        }
        _ => Origin { boot: String::new(), offset_ms: now.wall.unix_ms() },
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Dating, SimClock, WallTime};
    use super::*;

    #[test]
    fn a_box_whose_time_service_has_said_nothing_yet_goes_by_itself_until_it_does() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("synchronized");
        let wrong = FrameTime { elapsed: Duration::ZERO, wall: WallTime::from_unix_ms(1000) };
        let system = Arc::new(SimClock::at(wrong));
        let settings = ClockSettings { set_file: Some(file.clone()), patience: Duration::from_secs(600) };
        let clock = BoxClock::on(system.clone(), settings);
        assert_eq!(clock.read().1.dating, Dating::Undated);
        system.set_by_ms(3_600_000);
        system.advance(Duration::from_secs(1));
        assert_eq!(clock.look().became, None);
        assert_eq!(clock.now().wall, WallTime::from_unix_ms(2000));
        std::fs::write(&file, "").unwrap();
        let stand = Stand { dating: Dating::Known, by_ms: 3_600_000 };
        assert_eq!(clock.look().became, Some(stand));
        assert_eq!(clock.read(), (system.now(), stand));
    }

    #[test]
    fn a_clock_that_is_always_right_is_known_at_once() {
        let settings = ClockSettings { set_file: None, patience: Duration::from_secs(600) };
        assert_eq!(BoxClock::start(settings).read().1, Stand::default());
    }

    #[test]
    fn two_runs_since_one_start_of_the_machine_go_by_the_same_time() {
        let settings = || ClockSettings { set_file: None, patience: Duration::from_secs(600) };
        let (first, second) = (BoxClock::start(settings()).origin(), BoxClock::start(settings()).origin());
        assert_eq!(first.boot, second.boot);
        assert!(first.offset_ms.abs_diff(second.offset_ms) < 1000, "{first:?} {second:?}");
    }
}
