//! What this process has used of the machine, for the summaries that people compare.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// CPU time of the whole process so far, all threads, user and system.
#[must_use]
pub fn process_cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanos) = (u64::try_from(spent.tv_sec), u32::try_from(spent.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

/// The most memory this process has had in use at once, in MB of 10⁶ bytes; none where the system does not say.
#[must_use]
pub fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_used_some_memory_and_time() {
        assert!(peak_rss_mb().unwrap() > 1.0);
        assert!(process_cpu() > Duration::ZERO);
    }
}
