//! Notices a camera whose picture is stuck.
//!
//! Two faults look alike from outside. A camera's encoder may hang and repeat one frame. And when a stream changes
//! its size in the middle, OpenCV's FFmpeg reader says nothing: a larger picture is never shown, so
//! the old one repeats; a smaller one is written over the upper part of the old one (measured with
//! OpenCV 4.6). Either way the lowest tenth of the picture is the same to the last bit for ever, which noise and
//! compression keep a living camera from. Opening the camera anew mends both.
//!
//! A camera may have a black bar down there. It is opened anew for nothing, so the patience doubles each time.

use super::Picture;
use crate::time::FrameTime;
use std::hash::{DefaultHasher, Hasher};
use std::time::Duration;

/// Where patience stops doubling: one needless connection an hour costs nothing.
const LONGEST_PATIENCE: Duration = Duration::from_secs(3600);

/// Part of the rows looked at: one size of video is at least a tenth lower than the next.
const LOWEST_PART: usize = 10;

/// Every eighth row is enough to see noise, and keeps this below a tenth of a millisecond for 1080p.
const ROW_STEP: usize = 8;

/// Watches the pictures of one camera over all its connections.
#[derive(Debug, Clone)]
pub struct StillWatch {
    first_patience: Duration,
    patience: Duration,
    digest: Option<u64>,
    since: Option<Duration>,
}

impl StillWatch {
    /// Calls a picture stuck when it stays the same for `patience`; [`Duration::MAX`] never does.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self { first_patience: patience, patience, digest: None, since: None }
    }

    /// A new connection begins: time starts anew, and what was learnt of the picture stays.
    pub fn connected(&mut self) {
        self.since = None;
    }

    /// Takes the next picture; tells for how long it has been stuck, once that is too long.
    pub fn stuck_for(&mut self, at: FrameTime, picture: &Picture) -> Option<Duration> {
        let digest = Some(digest_of_lowest_rows(picture));
        if digest != self.digest {
            (self.digest, self.since, self.patience) = (digest, Some(at.elapsed), self.first_patience);
            return None;
        }
        let span = at.elapsed.saturating_sub(*self.since.get_or_insert(at.elapsed));
        if span < self.patience {
            return None;
        }
        self.patience = self.patience.saturating_mul(2).min(LONGEST_PATIENCE.max(self.first_patience));
        self.since = None;
        Some(span)
    }
}

fn digest_of_lowest_rows(picture: &Picture) -> u64 {
    let row_bytes = (3 * picture.width as usize).max(1);
    let rows = picture.bgr.len() / row_bytes;
    let first = rows - rows.div_ceil(LOWEST_PART);
    let mut hasher = DefaultHasher::new();
    hasher.write_u32(picture.width);
    hasher.write_u32(picture.height);
    for row in picture.bgr.chunks_exact(row_bytes).skip(first).step_by(ROW_STEP) {
        hasher.write(row);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::WallTime;

    const WIDTH: usize = 16;
    const HEIGHT: usize = 100;

    /// A picture whose upper part and lowest tenth are filled so.
    fn picture(upper: u8, lowest: u8) -> Picture {
        let mut bgr = vec![upper; 3 * WIDTH * HEIGHT];
        bgr[3 * WIDTH * 90..].fill(lowest);
        Picture { width: WIDTH as u32, height: HEIGHT as u32, bgr }
    }

    fn at_s(s: u64) -> FrameTime {
        FrameTime::of_run(WallTime::default(), Duration::from_secs(s))
    }

    /// Gives one picture a second, filled in its lowest part by `lowest`, and tells when it was called stuck.
    fn check(patience_s: u64, lowest: impl Fn(u64) -> u8, seconds: u64, expected_s: &[u64]) {
        let mut watch = StillWatch::new(Duration::from_secs(patience_s));
        let mut stuck_s = Vec::new();
        for s in 0..seconds {
            // What moves above does not help: a smaller picture is written over the upper part.
            if watch.stuck_for(at_s(s), &picture(s as u8, lowest(s))).is_some() {
                stuck_s.push(s);
                watch.connected();
            }
        }
        assert_eq!(stuck_s, expected_s);
    }

    #[test]
    fn a_picture_that_stays_the_same_is_stuck_and_patience_doubles() {
        check(30, |_| 0, 400, &[30, 91, 212]);
    }

    #[test]
    fn a_picture_that_moves_is_not_stuck() {
        check(30, |s| (s / 29) as u8, 300, &[]);
    }

    #[test]
    fn a_picture_that_moved_in_between_gets_the_first_patience_again() {
        check(30, |s| u8::from(s > 50), 130, &[30, 81]);
    }

    #[test]
    fn patience_stops_growing_at_an_hour() {
        let mut watch = StillWatch::new(Duration::from_secs(3000));
        let spans: Vec<u64> = (0..40_000)
            .filter_map(|s| watch.stuck_for(at_s(s), &picture(0, 0)))
            .map(|span| span.as_secs())
            .collect();
        assert_eq!(spans[..3], [3000, 3600, 3600]);
    }

    #[test]
    fn an_outage_does_not_count_as_stillness() {
        let mut watch = StillWatch::new(Duration::from_secs(30));
        assert_eq!(watch.stuck_for(at_s(0), &picture(0, 0)), None);
        watch.connected();
        assert_eq!(watch.stuck_for(at_s(100), &picture(0, 0)), None);
    }

    #[test]
    fn an_endless_patience_never_ends() {
        check(u64::MAX, |_| 0, 10_000, &[]);
    }

    #[test]
    fn a_picture_without_pixels_does_no_harm() {
        let mut watch = StillWatch::new(Duration::from_secs(1));
        assert_eq!(watch.stuck_for(at_s(0), &Picture::default()), None);
    }
}
