//! The capture thread of a live camera: open, read, hand over, and begin again when it is lost.
//!
//! It never gives up and it never floods the log: what it reports are changes of [`CameraState`], so a
//! camera that is away for a night is one line when it goes and one when it comes back.

use super::latest::{LatestSender, Put};
use super::reconnect::Backoff;
use super::sampling::RateGate;
use super::still::StillWatch;
use super::{CaptureError, Frame, FrameSource, ReadOutcome, SourceAddress};
use crate::geom::PictureSize;
use crate::time::{Clock, FrameTime};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How a camera is. Reported when it changes, never twice in a row.
#[derive(Debug, Clone, PartialEq)]
pub enum CameraState {
    /// The first attempt to reach it is under way.
    Connecting,
    /// Its frames arrive.
    Up {
        /// Size of its pictures.
        size: PictureSize,
        /// Size before it was lost, where that was another: do its lines still fit?
        before: Option<PictureSize>,
    },
    /// It gives no frames. It stays in this state, with the first reason, until frames arrive again.
    Down {
        /// When it was noticed.
        since: FrameTime,
        /// Why.
        reason: CaptureError,
    },
}

/// Tells a capture thread to end, and wakes it when it waits.
#[derive(Debug, Clone, Default)]
pub struct StopSignal {
    shared: Arc<(Mutex<bool>, Condvar)>,
}

impl StopSignal {
    /// Asks for the end; may be called more than once.
    pub fn stop(&self) {
        let (stopped, changed) = &*self.shared;
        *stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for so long, or until the end is asked for; tells whether it was.
    #[must_use]
    pub fn wait(&self, span: Duration) -> bool {
        let (stopped, changed) = &*self.shared;
        let guard = stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(guard, span, |stopped| !*stopped);
        let (stopped, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *stopped
    }
}

/// What a capture thread works with.
pub struct Camera<O, S> {
    /// Named in the state of a camera that ends its stream.
    pub address: SourceAddress,
    /// Opens the camera; called again after each loss.
    pub open: O,
    /// Is told of every change of state.
    pub report: S,
    /// Gives the time of changes.
    pub clock: Arc<dyn Clock>,
    /// The waits between attempts.
    pub backoff: Backoff,
    /// Which frames are handed over.
    pub gate: RateGate,
    /// Notices a picture that is stuck.
    pub still: StillWatch,
}

/// One run of a camera, over all its connections.
struct Run<'a> {
    stop: &'a StopSignal,
    frames: &'a LatestSender,
    frame: Frame,
    /// Frames decoded so far.
    decoded: u64,
    /// When the connection that is open gave its first frame.
    up_since: Option<FrameTime>,
    /// Size of the last frame.
    size: Option<PictureSize>,
}

/// Why a connection is not read any further.
enum Over {
    Lost(CaptureError),
    Unwanted,
}

impl<O, S> Camera<O, S>
where
    O: FnMut() -> Result<Box<dyn FrameSource>, CaptureError>,
    S: FnMut(CameraState),
{
    /// Runs until `stop` is given or nobody takes frames any more. It ends at once where it waits, else
    /// after the read or the opening that is under way, which their time-outs limit.
    ///
    /// Frames are numbered on over all connections of the run.
    pub fn run(mut self, stop: &StopSignal, frames: &LatestSender) {
        let mut run = Run { stop, frames, frame: Frame::default(), decoded: 0, up_since: None, size: None };
        let mut is_down = false;
        (self.report)(CameraState::Connecting);
        while !stop.is_stopped() {
            let Over::Lost(reason) = self.connect(&mut run) else { return };
            let since = self.clock.now();
            if let Some(up_since) = run.up_since.take() {
                is_down = false;
                self.backoff.streamed_for(since.since(up_since));
            }
            let wait = wait_after(&reason, &mut self.backoff);
            if !std::mem::replace(&mut is_down, true) {
                (self.report)(CameraState::Down { since, reason });
            }
            if stop.wait(wait) {
                return;
            }
        }
    }

    /// Opens one connection and reads it until it is over.
    fn connect(&mut self, run: &mut Run<'_>) -> Over {
        let mut source = match (self.open)() {
            Ok(source) => source,
            Err(fault) => return Over::Lost(fault),
        };
        let before = run.decoded;
        self.still.connected();
        loop {
            let (gate, stop, decoded) = (&mut self.gate, run.stop, &mut run.decoded);
            let mut wanted = |number, at| {
                *decoded = before + number;
                // A camera of which few frames are used must not keep a stop waiting for the next of them.
                stop.is_stopped() || gate.admits(at)
            };
            match source.read_wanted(&mut wanted, &mut run.frame) {
                Ok(ReadOutcome::Frame) => run.frame.number = run.decoded,
                // A camera has no end; what ends is lost.
                Ok(ReadOutcome::End) => {
                    return Over::Lost(CaptureError::at_end_of(self.address.clone()));
                }
                Err(fault) => return Over::Lost(fault),
            }
            if let Some(after) = self.still.stuck_for(run.frame.at, &run.frame.picture) {
                return Over::Lost(CaptureError::Still { address: self.address.clone(), after });
            }
            if self.hand_over(run) == Put::Closed {
                return Over::Unwanted;
            }
        }
    }

    fn hand_over(&mut self, run: &mut Run<'_>) -> Put {
        if run.stop.is_stopped() {
            return Put::Closed;
        }
        if run.up_since.is_none() {
            run.up_since = Some(run.frame.at);
            let size = run.frame.picture.size();
            let before = run.size.replace(size).filter(|before| *before != size);
            (self.report)(CameraState::Up { size, before });
        }
        run.frames.put(&mut run.frame)
    }
}

/// How long to wait before the next attempt. What does not mend by itself, such as a file that is no video, is
/// tried again too, because somebody may replace it; but not in haste.
fn wait_after(reason: &CaptureError, backoff: &mut Backoff) -> Duration {
    if reason.is_transient() { backoff.next_wait() } else { backoff.longest() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::SourceFacts;
    use crate::capture::latest::{Taken, slot};
    use crate::random::SplitMix64;
    use crate::time::{SimClock, WallTime};
    use std::collections::VecDeque;

    /// What a scripted camera does, one after another.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Refuse,
        Open,
        Frame,
        Bigger,
        End,
        Break,
        Stop,
    }
    use Step::{Bigger, Break, End, Open, Refuse, Stop};

    const STILL: Duration = Duration::from_secs(1);

    fn address() -> SourceAddress {
        SourceAddress::parse("rtsp://user:secret@cam/1").unwrap()
    }

    /// Follows the script that it shares with its opener.
    struct Scripted {
        script: Arc<Mutex<VecDeque<Step>>>,
        stop: StopSignal,
        clock: Arc<SimClock>,
        frames: u64,
    }

    impl FrameSource for Scripted {
        fn read(&mut self, frame: &mut Frame) -> Result<ReadOutcome, CaptureError> {
            self.clock.advance(Duration::from_millis(40));
            self.frames += 1;
            (frame.number, frame.at) = (self.frames, self.clock.now());
            (frame.picture.width, frame.picture.height) = (4, 2);
            match self.script.lock().unwrap().pop_front() {
                Some(Step::Frame) => {}
                Some(Bigger) => frame.picture.width = 8,
                Some(End) => return Ok(ReadOutcome::End),
                Some(Break) => {
                    return Err(CaptureError::Froze { address: address(), after: Duration::from_secs(3) });
                }
                _ => self.stop.stop(),
            }
            Ok(ReadOutcome::Frame)
        }

        fn facts(&self) -> SourceFacts {
            SourceFacts::default()
        }
    }

    /// Plays a script and gives the states that were reported and the numbers that were handed over.
    fn played(script: &[Step], rate: Option<f64>) -> (Vec<CameraState>, Vec<u64>) {
        let script = Arc::new(Mutex::new(script.iter().copied().collect::<VecDeque<_>>()));
        let (stop, clock) = (StopSignal::default(), Arc::new(SimClock::default()));
        let (sender, receiver) = slot();
        let (numbers, mut states) = (Mutex::new(Vec::new()), Vec::new());
        let taker = Mutex::new(Frame::default());
        let take = || {
            let mut frame = taker.lock().unwrap();
            if let Taken::Frame { .. } = receiver.take(&mut frame, Duration::ZERO) {
                numbers.lock().unwrap().push(frame.number);
            }
        };
        let open = || -> Result<Box<dyn FrameSource>, CaptureError> {
            take();
            match script.lock().unwrap().pop_front() {
                Some(Open) => Ok(Box::new(Scripted {
                    script: Arc::clone(&script),
                    stop: stop.clone(),
                    clock: Arc::clone(&clock),
                    frames: 0,
                })),
                Some(Refuse) => Err(CaptureError::NoStream { address: address() }),
                _ => {
                    stop.stop();
                    Err(CaptureError::NoStream { address: address() })
                }
            }
        };
        let camera = Camera {
            address: address(),
            open,
            report: |state| states.push(state),
            clock: clock.clone(),
            backoff: Backoff::new(Duration::from_millis(1), SplitMix64::new(1)),
            gate: RateGate::new(rate),
            still: StillWatch::new(STILL),
        };
        camera.run(&stop, &sender);
        take();
        (states, numbers.into_inner().unwrap())
    }

    /// The states in one word each.
    fn check(script: &[Step], expected: &[&str]) {
        let (states, _) = played(script, None);
        let words: Vec<String> = states
            .iter()
            .map(|state| match state {
                CameraState::Connecting => "connecting".to_owned(),
                CameraState::Up { size, before: None } => format!("up {size}"),
                CameraState::Up { size, before: Some(before) } => format!("up {size}, was {before}"),
                CameraState::Down { reason, .. } => format!("down: {reason}"),
            })
            .collect();
        assert_eq!(words, expected);
    }

    #[test]
    fn what_does_not_mend_by_itself_is_tried_again_after_the_longest_wait() {
        let longest = Duration::from_secs(30);
        let mut backoff = Backoff::new(longest, SplitMix64::new(1));
        let clip = || SourceAddress::File("door.mp4".into());
        for fault in [
            CaptureError::NotVideo { address: clip() },
            CaptureError::Missing { address: clip() },
            CaptureError::NotBuilt { address: clip() },
            CaptureError::Broken { address: clip(), frame: 1 },
        ] {
            assert_eq!(wait_after(&fault, &mut backoff), longest, "{fault}");
        }
        // A camera that is lost afterwards is still tried again at once.
        let lost = CaptureError::at_end_of(address());
        assert!(wait_after(&lost, &mut backoff) <= Duration::from_millis(500));
    }

    #[test]
    fn a_clip_that_is_over_is_not_told_as_a_camera_that_restarted() {
        let over = CaptureError::at_end_of(SourceAddress::File("door.mp4".into())).to_string();
        assert_eq!(over, "door.mp4 is played to its end; set play to live-loop to play it over and over");
    }

    const NO_STREAM: &str = "down: rtsp://cam/1 answers but gives no stream; check user, password and path, and that a camera is there";

    #[test]
    fn a_camera_that_is_lost_for_long_is_reported_once() {
        let script = [Open, Step::Frame, Break, Refuse, Refuse, Refuse, Open, Step::Frame, Stop];
        let froze = "down: rtsp://cam/1 gave no frame for 3s; it is taken as lost";
        check(&script, &["connecting", "up 4x2", froze, "up 4x2"]);
    }

    #[test]
    fn a_camera_that_is_not_there_at_first_is_reported_once() {
        check(&[Refuse, Refuse, Refuse, Open, Step::Frame, Stop], &["connecting", NO_STREAM, "up 4x2"]);
    }

    #[test]
    fn a_connection_without_a_frame_is_not_up() {
        check(&[Refuse, Open, Break, Open, End, Refuse], &["connecting", NO_STREAM]);
    }

    #[test]
    fn a_stream_that_ends_is_lost_and_a_new_size_is_told() {
        let ended = "down: rtsp://cam/1 ended its stream; the camera restarted or the connection broke";
        check(
            &[Open, Step::Frame, End, Open, Bigger, Stop],
            &["connecting", "up 4x2", ended, "up 8x2, was 4x2"],
        );
    }

    #[test]
    fn a_picture_that_is_stuck_makes_the_camera_lost() {
        // The scripted camera gives one picture each 40 ms, and all of them are alike.
        let mut script = vec![Open];
        script.extend([Step::Frame; 26]);
        script.extend([Open, Bigger]);
        let stuck = "down: rtsp://cam/1 gave the same picture for 1s; it hangs, or changed its size";
        check(&script, &["connecting", "up 4x2", stuck, "up 8x2, was 4x2"]);
    }

    #[test]
    fn frames_are_numbered_on_over_connections() {
        let (_, numbers) =
            played(&[Open, Step::Frame, Step::Frame, Break, Open, Step::Frame, End, Refuse], None);
        // The slot keeps the newest of each connection; the read that broke decoded nothing.
        assert_eq!(numbers, [2, 3]);
    }

    #[test]
    fn frames_that_the_gate_keeps_back_are_numbered_but_not_handed_over() {
        let script = [Open, Step::Frame, Step::Frame, Step::Frame, Step::Frame, Break, Refuse];
        // One frame each 40 ms, of which 10 a second are wanted: the first, third and fourth.
        let (_, numbers) = played(&script, Some(10.0));
        assert_eq!(numbers, [3]);
    }

    #[test]
    fn the_end_comes_at_once_although_the_next_attempt_is_far_away() {
        let (sender, _receiver) = slot();
        let stop = StopSignal::default();
        let refused = Arc::new((Mutex::new(false), Condvar::new()));
        std::thread::scope(|scope| {
            let (stop_inside, refused_inside) = (stop.clone(), Arc::clone(&refused));
            let thread = scope.spawn(move || {
                let report = |state| {
                    if matches!(state, CameraState::Down { .. }) {
                        *refused_inside.0.lock().unwrap() = true;
                        refused_inside.1.notify_all();
                    }
                };
                let week = Duration::from_secs(7 * 24 * 3600);
                let mut backoff = Backoff::new(week, SplitMix64::new(3));
                // Far up the ladder, so that the wait would be days.
                let waits = (0..40).map(|_| backoff.next_wait());
                assert!(waits.max() > Some(Duration::from_secs(3600)));
                let camera = Camera {
                    address: address(),
                    open: || Err(CaptureError::NoStream { address: address() }),
                    report,
                    clock: Arc::new(SimClock::at(FrameTime::of_run(WallTime::default(), Duration::ZERO))),
                    backoff,
                    gate: RateGate::new(None),
                    still: StillWatch::new(STILL),
                };
                camera.run(&stop_inside, &sender);
            });
            let seen = refused.1.wait_while(refused.0.lock().unwrap(), |seen| !*seen).unwrap();
            drop(seen);
            stop.stop();
            thread.join().unwrap();
        });
    }

    #[test]
    fn it_ends_when_nobody_takes_frames_any_more() {
        let (sender, receiver) = slot();
        drop(receiver);
        let clock = Arc::new(SimClock::default());
        let script = Arc::new(Mutex::new(VecDeque::from([Step::Frame; 3])));
        let source = Scripted { script, stop: StopSignal::default(), clock: Arc::clone(&clock), frames: 0 };
        let mut source = Some(source);
        let camera = Camera {
            address: address(),
            open: || -> Result<Box<dyn FrameSource>, CaptureError> { Ok(Box::new(source.take().unwrap())) },
            report: |_| {},
            clock,
            backoff: Backoff::new(Duration::ZERO, SplitMix64::new(0)),
            gate: RateGate::new(None),
            still: StillWatch::new(STILL),
        };
        camera.run(&StopSignal::default(), &sender);
    }
}
