//! Hands frames from the thread that captures to the one that counts: one slot, the newest wins.
//!
//! A queue between a camera and a slower counter only makes every count late. Here the
//! counter always gets what is new, and what it was too slow for is counted as dropped. Frames are
//! swapped, not copied: three pictures go round for ever, one on each side and one in the slot.

use super::Frame;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A slot and its two ends.
#[must_use]
pub fn slot() -> (LatestSender, LatestReceiver) {
    let shared = Arc::new(Shared { slot: Mutex::default(), changed: Condvar::new() });
    (LatestSender { shared: Arc::clone(&shared) }, LatestReceiver { shared })
}

/// The capturing side. Dropping it closes the slot.
#[derive(Debug)]
pub struct LatestSender {
    shared: Arc<Shared>,
}

/// The counting side. Dropping it closes the slot too.
#[derive(Debug)]
pub struct LatestReceiver {
    shared: Arc<Shared>,
}

/// What became of a frame that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It waits in a slot that was empty.
    Waits,
    /// It took the place of one that nobody had taken, which is dropped.
    Replaced,
    /// Nobody takes frames any more.
    Closed,
}

/// What a wait for a frame brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The newest frame.
    Frame {
        /// Frames that were dropped between the one taken before and this one.
        dropped: u64,
    },
    /// Nothing came in time.
    TimedOut,
    /// Nothing will come any more.
    Closed,
}

#[derive(Debug)]
struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Slot {
    frame: Frame,
    fresh: bool,
    dropped: u64,
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        // Nothing in here panics half way, so a poisoned slot is still whole.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

impl LatestSender {
    /// Puts a frame and leaves in its place one whose memory can be filled anew.
    pub fn put(&self, frame: &mut Frame) -> Put {
        let mut slot = self.shared.lock();
        if slot.closed {
            return Put::Closed;
        }
        std::mem::swap(&mut slot.frame, frame);
        let replaced = std::mem::replace(&mut slot.fresh, true);
        slot.dropped += u64::from(replaced);
        drop(slot);
        self.shared.changed.notify_one();
        if replaced { Put::Replaced } else { Put::Waits }
    }
}

impl LatestReceiver {
    /// Waits for a frame, at most `timeout`, and takes it by swapping memory with `frame`.
    ///
    /// A frame that was put before the slot was closed is still given.
    pub fn take(&self, frame: &mut Frame, timeout: Duration) -> Taken {
        let empty = |slot: &mut Slot| !slot.fresh && !slot.closed;
        let waited = self.shared.changed.wait_timeout_while(self.shared.lock(), timeout, empty);
        let (mut slot, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if !slot.fresh {
            return if slot.closed { Taken::Closed } else { Taken::TimedOut };
        }
        std::mem::swap(&mut slot.frame, frame);
        slot.fresh = false;
        Taken::Frame { dropped: std::mem::take(&mut slot.dropped) }
    }
}

impl Drop for LatestSender {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Drop for LatestReceiver {
    fn drop(&mut self) {
        self.shared.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Picture;
    use proptest::prelude::*;

    /// Long enough that only a bug reaches it.
    const HANG: Duration = Duration::from_secs(60);

    fn numbered(number: u64) -> Frame {
        Frame { number, ..Frame::default() }
    }

    #[test]
    fn the_newest_frame_wins_and_the_others_are_counted() {
        let (sender, receiver) = slot();
        let outcomes: Vec<Put> = (1..=3).map(|n| sender.put(&mut numbered(n))).collect();
        assert_eq!(outcomes, [Put::Waits, Put::Replaced, Put::Replaced]);
        let mut frame = Frame::default();
        assert_eq!(receiver.take(&mut frame, HANG), Taken::Frame { dropped: 2 });
        assert_eq!(frame.number, 3);
        assert_eq!(receiver.take(&mut frame, Duration::ZERO), Taken::TimedOut);
    }

    #[test]
    fn pictures_are_swapped_and_their_memory_goes_round() {
        let (sender, receiver) = slot();
        let picture = |fill| Picture { width: 1, height: 1, bgr: vec![fill; 3] };
        let mut captured = Frame { number: 1, picture: picture(1), ..Frame::default() };
        let memory = captured.picture.bgr.as_ptr();
        sender.put(&mut captured);
        let mut counted = Frame { picture: picture(2), ..Frame::default() };
        let other_memory = counted.picture.bgr.as_ptr();
        receiver.take(&mut counted, HANG);
        assert_eq!(
            (counted.picture.bgr.as_ptr(), counted.picture.bgr.as_slice()),
            (memory, [1; 3].as_slice())
        );
        sender.put(&mut captured);
        assert_eq!(captured.picture.bgr.as_ptr(), other_memory);
    }

    #[test]
    fn a_taker_that_waits_is_woken_by_the_end_of_the_camera() {
        let (sender, receiver) = slot();
        std::thread::scope(|scope| {
            let taker = scope.spawn(|| receiver.take(&mut Frame::default(), HANG));
            drop(sender);
            assert_eq!(taker.join().unwrap(), Taken::Closed);
        });
    }

    #[test]
    fn the_last_frame_of_a_camera_that_ended_is_still_taken() {
        let (sender, receiver) = slot();
        sender.put(&mut numbered(9));
        drop(sender);
        let mut frame = Frame::default();
        assert_eq!(receiver.take(&mut frame, HANG), Taken::Frame { dropped: 0 });
        assert_eq!(frame.number, 9);
        assert_eq!(receiver.take(&mut frame, HANG), Taken::Closed);
    }

    #[test]
    fn a_camera_learns_that_nobody_counts_any_more() {
        let (sender, receiver) = slot();
        drop(receiver);
        assert_eq!(sender.put(&mut numbered(1)), Put::Closed);
    }

    #[test]
    fn between_two_threads_every_frame_is_taken_or_dropped_and_numbers_rise() {
        const PUT: u64 = 20_000;
        let (sender, receiver) = slot();
        let (mut numbers, mut dropped_in_all) = (Vec::new(), 0);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut frame = Frame::default();
                for number in 1..=PUT {
                    frame.number = number;
                    sender.put(&mut frame);
                }
            });
            let mut frame = Frame::default();
            while let Taken::Frame { dropped } = receiver.take(&mut frame, HANG) {
                numbers.push(frame.number);
                dropped_in_all += dropped;
            }
        });
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(numbers.last(), Some(&PUT));
        assert_eq!(numbers.len() as u64 + dropped_in_all, PUT);
    }

    proptest! {
        #[test]
        fn it_behaves_like_an_option_with_a_counter(actions in proptest::collection::vec(any::<bool>(), 0..100)) {
            let (sender, receiver) = slot();
            let (mut model, mut model_dropped) = (None, 0_u64);
            let mut frame = Frame::default();
            for (step, put) in actions.into_iter().enumerate() {
                if put {
                    sender.put(&mut numbered(step as u64));
                    model_dropped += u64::from(model.replace(step as u64).is_some());
                } else {
                    let expected = match model {
                        Some(_) => Taken::Frame { dropped: std::mem::take(&mut model_dropped) },
                        None => Taken::TimedOut,
                    };
                    prop_assert_eq!(receiver.take(&mut frame, Duration::ZERO), expected);
                    if let Some(number) = model.take() {
                        prop_assert_eq!(frame.number, number);
                    }
                }
            }
        }
    }
}
