//! How a camera does over the last minute: frames a second, and how long it takes to find people in one.
//!
//! What is not obvious: a minute of times would be thousands of numbers, and frames must cost no memory. So times fall into
//! bins that grow by an eighth each, kept for twelve spans of 5 s, and what is read from them is right to an eighth.

use crate::time::FrameTime;
use std::time::Duration;

/// Spans that make up the minute.
const SLOTS: usize = 12;
/// Length of one.
const SLOT: Duration = Duration::from_secs(5);

/// Upper edge of the first bin, s. No network of any size is faster.
const FIRST_BIN_S: f64 = 0.000_1;
/// Each bin is wider than the one before by this.
const GROWTH: f64 = 1.125;
/// The last bin begins at 19 s: whatever takes longer hangs.
const BINS: usize = 104;

/// One camera's last minute.
#[derive(Debug, Clone)]
pub struct Pulse {
    slots: [Slot; SLOTS],
    /// Frames counted with, since the start.
    frames: u64,
    /// Frames that arrived and were passed over, since the start.
    dropped: u64,
}

/// What happened in one span of 5 s.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Which span since the start; none: nothing was noted here.
    number: Option<u64>,
    frames: u32,
    /// Looks by how long they took.
    bins: [u16; BINS],
}

impl Slot {
    const EMPTY: Self = Self { number: None, frames: 0, bins: [0; BINS] };
}

impl Default for Pulse {
    fn default() -> Self {
        Self { slots: [Slot::EMPTY; SLOTS], frames: 0, dropped: 0 }
    }
}

/// What a pulse says.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PulseReading {
    /// Frames looked at a second.
    pub fps: f64,
    /// The time that half of the looks took at most; none where there was none.
    pub median: Option<Duration>,
    /// The time that 19 of 20 looks took at most.
    pub p95: Option<Duration>,
    /// Frames counted with, since the start.
    pub frames: u64,
    /// Frames that arrived and were passed over, since the start.
    pub dropped: u64,
}

impl Pulse {
    /// Notes a look at a frame, however it went, that ended now, and how many frames were passed over before it.
    pub fn looked(&mut self, now: FrameTime, took: Duration, dropped: u64) {
        self.dropped = self.dropped.saturating_add(dropped);
        let count = &mut self.slot(now).bins[bin_of(took)];
        *count = count.saturating_add(1);
    }

    /// Notes a frame that was counted with.
    pub fn frame(&mut self, now: FrameTime) {
        self.frames += 1;
        self.slot(now).frames += 1;
    }

    /// The last minute, as of now.
    #[must_use]
    pub fn reading(&self, now: FrameTime) -> PulseReading {
        let current = slot_number(now);
        let oldest = (current + 1).saturating_sub(SLOTS as u64);
        let recent = |slot: &&Slot| slot.number.is_some_and(|number| (oldest..=current).contains(&number));
        let (mut frames, mut bins) = (0_u64, [0_u64; BINS]);
        for slot in self.slots.iter().filter(recent) {
            frames += u64::from(slot.frames);
            bins.iter_mut().zip(slot.bins).for_each(|(sum, count)| *sum += u64::from(count));
        }
        let span = now.elapsed.saturating_sub(SLOT * u32::try_from(oldest).unwrap_or(u32::MAX));
        let fps = if span.is_zero() { 0.0 } else { frames as f64 / span.as_secs_f64() };
        let (median, p95) = (quantile(&bins, 0.5), quantile(&bins, 0.95));
        PulseReading { fps, median, p95, frames: self.frames, dropped: self.dropped }
    }

    /// The span of now, emptied where it held an older one.
    fn slot(&mut self, now: FrameTime) -> &mut Slot {
        let number = slot_number(now);
        let slot = &mut self.slots[(number % SLOTS as u64) as usize];
        if slot.number != Some(number) {
            *slot = Slot { number: Some(number), ..Slot::EMPTY };
        }
        slot
    }
}

fn slot_number(at: FrameTime) -> u64 {
    at.elapsed.as_secs() / SLOT.as_secs()
}

fn bin_of(took: Duration) -> usize {
    let steps = (took.as_secs_f64() / FIRST_BIN_S).max(1.0).log(GROWTH).ceil();
    // Whatever is longer than the last edge falls into the last bin.
    (steps as usize).min(BINS - 1)
}

/// The upper edge of the bin in which this part of all lies; none where there are none.
fn quantile(bins: &[u64; BINS], part: f64) -> Option<Duration> {
    let all: u64 = bins.iter().sum();
    let wanted = ((all as f64 * part).ceil() as u64).max(1);
    let mut below = 0;
    let reaches = |count: &u64| {
        below += count;
        below >= wanted
    };
    let bin = bins.iter().position(reaches)?;
    // The middle of a bin is off by a sixteenth at most.
    let middle = GROWTH.powf(bin as f64 - 0.5) * FIRST_BIN_S;
    Some(Duration::from_secs_f64(middle))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::WallTime;
    use proptest::prelude::*;

    fn at(ms: u64) -> FrameTime {
        FrameTime::of_run(WallTime::default(), Duration::from_millis(ms))
    }

    /// Whether a time is that many ms, to a sixteenth.
    #[track_caller]
    fn check(told: Option<Duration>, expected_ms: f64) {
        let told_ms = told.unwrap().as_secs_f64() * 1000.0;
        assert!((told_ms / expected_ms - 1.0).abs() <= 1.0 / 15.0, "{told_ms} for {expected_ms}");
    }

    #[test]
    fn the_median_is_that_of_most_looks_and_the_slow_ones_show_in_the_tail() {
        let mut pulse = Pulse::default();
        for look in 0..100 {
            let took = if look % 10 == 0 { 200 } else { 28 };
            pulse.looked(at(100 * look), Duration::from_millis(took), 0);
        }
        let reading = pulse.reading(at(10_000));
        check(reading.median, 28.0);
        check(reading.p95, 200.0);
    }

    #[test]
    fn only_the_last_minute_is_told_and_what_was_dropped_is_of_all_time() {
        let mut pulse = Pulse::default();
        for second in 0..120 {
            let took = if second < 60 { 500 } else { 20 };
            pulse.looked(at(1000 * second), Duration::from_millis(took), 2);
            pulse.frame(at(1000 * second));
        }
        let reading = pulse.reading(at(119_900));
        check(reading.p95, 20.0);
        assert!((reading.fps - 1.0).abs() < 0.02 && reading.dropped == 240, "{reading:?}");
    }

    #[test]
    fn a_camera_that_gives_nothing_any_more_has_no_frames_and_no_times() {
        let mut pulse = Pulse::default();
        (0..50).for_each(|frame| pulse.frame(at(100 * frame)));
        pulse.looked(at(4900), Duration::from_millis(20), 0);
        let reading = pulse.reading(at(70_000));
        assert_eq!((reading.median, reading.p95), (None, None));
        assert!(reading.fps.abs() < f64::EPSILON, "{reading:?}");
    }

    #[test]
    fn the_first_seconds_are_not_divided_by_a_whole_minute() {
        let mut pulse = Pulse::default();
        (0..20).for_each(|frame| pulse.frame(at(100 * frame)));
        let reading = pulse.reading(at(2000));
        assert!((reading.fps - 10.0).abs() < 0.01, "{reading:?}");
    }

    #[test]
    fn a_look_that_takes_no_time_or_an_age_has_its_place() {
        let mut pulse = Pulse::default();
        pulse.looked(at(0), Duration::ZERO, u64::MAX);
        pulse.looked(at(0), Duration::MAX, u64::MAX);
        assert!(pulse.reading(at(0)).p95.unwrap() > Duration::from_secs(10));
    }

    proptest! {
        #[test]
        fn a_time_is_told_to_a_sixteenth(us in 150_u64..15_000_000) {
            let mut pulse = Pulse::default();
            let took = Duration::from_micros(us);
            pulse.looked(at(0), took, 0);
            let told = pulse.reading(at(0)).median.unwrap().as_secs_f64();
            prop_assert!((told / took.as_secs_f64() - 1.0).abs() <= 1.0 / 15.0);
        }
    }
}
