//! Plays a clip as if it were a camera: in its own time, over and over.
//!
//! Frames carry the clock's time, as those of a camera do, and neither time nor numbers jump where the
//! clip starts again. A player that fell far behind does not race to catch up, because no camera does.

use super::{CaptureError, Frame, FrameSource, ReadOutcome, SourceFacts};
use crate::time::Clock;
use std::sync::Arc;
use std::time::Duration;

/// Later than this, the schedule starts anew from now: the box was asleep, or reading the clip stalled.
const LATE_IS_LOST: Duration = Duration::from_secs(1);

/// Between the last frame of the clip and its first, where the clip is too short to tell.
const FALLBACK_PERIOD: Duration = Duration::from_millis(40);

/// A clip that never ends.
pub struct LiveLoop<O, S> {
    reopen: O,
    clip: Box<dyn FrameSource>,
    clock: Arc<dyn Clock>,
    sleep: S,
    schedule: Schedule,
    number: u64,
}

/// When frames of the clip are due, on the clock.
#[derive(Debug, Default)]
struct Schedule {
    /// The clock when the clip's time was zero; none: the next frame starts it.
    zero: Option<Duration>,
    last_in_clip: Duration,
    period: Option<Duration>,
    frames_in_round: u64,
}

impl Schedule {
    /// When the frame at `in_clip` is due, given what the clock says now.
    fn due(&mut self, in_clip: Duration, now: Duration) -> Duration {
        if self.frames_in_round > 0 {
            self.period = Some(in_clip.saturating_sub(self.last_in_clip));
        }
        self.frames_in_round += 1;
        self.last_in_clip = in_clip;
        let zero = *self.zero.get_or_insert_with(|| now.saturating_sub(in_clip));
        let due = zero.saturating_add(in_clip);
        if now.saturating_sub(due) > LATE_IS_LOST {
            self.zero = Some(now.saturating_sub(in_clip));
            return now;
        }
        due
    }

    /// The clip starts again, one period after its last frame.
    fn start_again(&mut self) {
        let length = self.last_in_clip + self.period.unwrap_or(FALLBACK_PERIOD);
        self.zero = self.zero.map(|zero| zero + length);
        self.frames_in_round = 0;
    }
}

impl<O, S> LiveLoop<O, S>
where
    O: FnMut() -> Result<Box<dyn FrameSource>, CaptureError> + Send,
    S: FnMut(Duration) + Send,
{
    /// Opens the clip with `reopen`, as is done again at each of its ends; `sleep` waits for a frame's time.
    ///
    /// # Errors
    /// What `reopen` says.
    pub fn start(mut reopen: O, clock: Arc<dyn Clock>, sleep: S) -> Result<Self, CaptureError> {
        let clip = reopen()?;
        Ok(Self { reopen, clip, clock, sleep, schedule: Schedule::default(), number: 0 })
    }

    fn next_of_clip(&mut self, frame: &mut Frame) -> Result<ReadOutcome, CaptureError> {
        if self.clip.read(frame)? == ReadOutcome::Frame {
            return Ok(ReadOutcome::Frame);
        }
        // A clip without a frame says so by an error on its first read, so this cannot go round for ever.
        self.clip = (self.reopen)()?;
        self.schedule.start_again();
        self.clip.read(frame)
    }
}

impl<O, S> FrameSource for LiveLoop<O, S>
where
    O: FnMut() -> Result<Box<dyn FrameSource>, CaptureError> + Send,
    S: FnMut(Duration) + Send,
{
    fn read(&mut self, frame: &mut Frame) -> Result<ReadOutcome, CaptureError> {
        if self.next_of_clip(frame)? == ReadOutcome::End {
            return Ok(ReadOutcome::End);
        }
        let now = self.clock.now().elapsed;
        let early = self.schedule.due(frame.at.elapsed, now).saturating_sub(now);
        if !early.is_zero() {
            (self.sleep)(early);
        }
        self.number += 1;
        frame.number = self.number;
        frame.at = self.clock.now();
        Ok(ReadOutcome::Frame)
    }

    fn facts(&self) -> SourceFacts {
        // An endless clip has no number of frames.
        SourceFacts { frames: None, ..self.clip.facts() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::SourceAddress;
    use crate::time::{FrameTime, SimClock, WallTime};

    /// A clip with frames at these times.
    struct Clip {
        times_ms: Vec<u64>,
        next: usize,
    }

    impl FrameSource for Clip {
        fn read(&mut self, frame: &mut Frame) -> Result<ReadOutcome, CaptureError> {
            let Some(ms) = self.times_ms.get(self.next) else { return Ok(ReadOutcome::End) };
            self.next += 1;
            frame.number = self.next as u64;
            frame.at = FrameTime::of_run(WallTime::default(), Duration::from_millis(*ms));
            Ok(ReadOutcome::Frame)
        }

        fn facts(&self) -> SourceFacts {
            SourceFacts { fps: Some(10.0), frames: Some(self.times_ms.len() as u64) }
        }
    }

    fn clock_at_ms(ms: u64) -> Arc<SimClock> {
        let wall = WallTime::from_unix_ms(1_000_000 + i64::try_from(ms).unwrap());
        Arc::new(SimClock::at(FrameTime { elapsed: Duration::from_millis(ms), wall }))
    }

    /// Plays `work_ms.len()` frames, each followed by so much work, and gives the clock at each.
    fn played(times_ms: &[u64], started_ms: u64, work_ms: &[u64]) -> Vec<(u64, u128)> {
        let clock = clock_at_ms(started_ms);
        let times_ms = times_ms.to_vec();
        let reopen = move || -> Result<Box<dyn FrameSource>, CaptureError> {
            Ok(Box::new(Clip { times_ms: times_ms.clone(), next: 0 }))
        };
        let sleeper = Arc::clone(&clock);
        let mut live = LiveLoop::start(reopen, clock.clone(), move |span| sleeper.advance(span)).unwrap();
        let mut frame = Frame::default();
        let mut seen = Vec::new();
        for work in work_ms {
            assert_eq!(live.read(&mut frame), Ok(ReadOutcome::Frame));
            assert_eq!(frame.at.wall, WallTime::from_unix_ms(1_000_000) + frame.at.elapsed);
            seen.push((frame.number, frame.at.elapsed.as_millis()));
            clock.advance(Duration::from_millis(*work));
        }
        seen
    }

    #[test]
    fn a_clip_runs_in_its_own_time_and_goes_on_after_its_end() {
        let seen = played(&[0, 100, 300], 5000, &[10; 7]);
        let expected = [(1, 5000), (2, 5100), (3, 5300), (4, 5500), (5, 5600), (6, 5800), (7, 6000)];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_clip_whose_time_does_not_begin_at_zero_starts_at_once() {
        assert_eq!(played(&[7000, 7100], 50_000, &[0; 2]), [(1, 50_000), (2, 50_100)]);
    }

    #[test]
    fn late_frames_are_given_at_once_and_the_schedule_stays() {
        let seen = played(&[0, 100, 200, 300], 0, &[250, 0, 0, 0]);
        assert_eq!(seen, [(1, 0), (2, 250), (3, 250), (4, 300)]);
    }

    #[test]
    fn a_player_that_slept_does_not_race_to_catch_up() {
        let seen = played(&[0, 100, 200, 300], 0, &[60_000, 0, 0, 0]);
        assert_eq!(seen, [(1, 0), (2, 60_000), (3, 60_100), (4, 60_200)]);
    }

    #[test]
    fn a_clip_of_one_frame_does_not_spin() {
        assert_eq!(played(&[0], 0, &[0; 3]), [(1, 0), (2, 40), (3, 80)]);
    }

    #[test]
    fn a_clip_that_cannot_be_opened_again_is_an_error() {
        let mut opened = 0;
        let reopen = move || -> Result<Box<dyn FrameSource>, CaptureError> {
            opened += 1;
            match opened {
                1 => Ok(Box::new(Clip { times_ms: vec![0], next: 0 })),
                _ => Err(CaptureError::Missing { address: SourceAddress::File("gone.avi".into()) }),
            }
        };
        let mut live = LiveLoop::start(reopen, clock_at_ms(0), |_| {}).unwrap();
        let mut frame = Frame::default();
        assert_eq!(live.read(&mut frame), Ok(ReadOutcome::Frame));
        assert!(matches!(live.read(&mut frame), Err(CaptureError::Missing { .. })));
    }

    #[test]
    fn an_endless_clip_states_its_rate_and_no_length() {
        let reopen = || -> Result<Box<dyn FrameSource>, CaptureError> {
            Ok(Box::new(Clip { times_ms: vec![0, 1], next: 0 }))
        };
        let live = LiveLoop::start(reopen, clock_at_ms(0), |_| {}).unwrap();
        assert_eq!(live.facts(), SourceFacts { fps: Some(10.0), frames: None });
    }
}
