//! The minutes of one camera that are not given out yet, whatever is counted in them.
//!
//! A minute in which the camera gave nothing is there too, with nothing seen: missing is never
//! zero. A minute is given out once, a while after its end, so that what is still being
//! decided finds it open. What comes later still becomes a further part of that minute: parts add up. So a
//! camera that is found to have been moved a minute ago gives a further part without counts that says so.

use crate::time::{FrameTime, MINUTE_MS, WallTime};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a minute is.
pub(super) const MINUTE: Duration = Duration::from_millis(MINUTE_MS.unsigned_abs());

/// How far back minutes can still be called not valid: far longer than it takes to notice that a camera was moved.
const LONGEST_TAKEN_BACK: Duration = Duration::from_secs(600);

/// A minute, or a part of one, that nothing changes any more; `counts` holds one `T` for each line or zone.
#[derive(Debug, Clone)]
pub(super) struct Closed<T> {
    pub(super) start: WallTime,
    pub(super) seen: Duration,
    /// From when to when the camera saw, since `start`; none where it saw nothing.
    pub(super) window: Option<(Duration, Duration)>,
    pub(super) frames: u32,
    pub(super) dropped: u32,
    pub(super) part: bool,
    /// Whether lines and zones lay where they were drawn.
    pub(super) valid: bool,
    pub(super) counts: Vec<T>,
}

/// The minutes of one camera; `T` is what is counted of each of its lines or zones.
#[derive(Debug, Clone)]
pub(super) struct MinuteBook<T> {
    /// How many lines or zones there are.
    places: usize,
    open: BTreeMap<WallTime, Open<T>>,
    start: WallTime,
    /// Minutes before this one have been opened.
    next: WallTime,
    /// Minutes before this one have been given out.
    given_out: WallTime,
    last_frame: Option<FrameTime>,
    last_close: FrameTime,
    /// Since when the camera does not look at what its lines and zones were drawn on.
    moved_since: Option<FrameTime>,
    longest_gap: Duration,
    hold: Duration,
}

#[derive(Debug, Clone)]
struct Open<T> {
    seen: Duration,
    window: Option<(Duration, Duration)>,
    frames: u32,
    dropped: u32,
    valid: bool,
    counts: Vec<T>,
}

impl<T: Default> MinuteBook<T> {
    /// A book of a run that begins at `start`, for so many lines or zones.
    ///
    /// Two frames further apart than `longest_gap` leave a gap in what was seen; a minute is given out `hold`
    /// after its end.
    pub(super) fn new(places: usize, start: FrameTime, longest_gap: Duration, hold: Duration) -> Self {
        let mut book = Self {
            places,
            open: BTreeMap::new(),
            start: start.wall,
            next: start.wall.minute(),
            given_out: start.wall.minute(),
            last_frame: None,
            last_close: start,
            moved_since: None,
            longest_gap,
            hold,
        };
        book.minute_of(start.wall);
        book
    }

    /// Notes a frame that was looked at, and how many were dropped since the one before.
    pub(super) fn frame(&mut self, at: FrameTime, dropped: u32) {
        let gap = self.last_frame.map_or(Duration::ZERO, |last| at.since(last));
        if gap <= self.longest_gap {
            self.saw(at.wall - gap, gap);
        }
        let minute = self.minute_of(at.wall);
        minute.frames = minute.frames.saturating_add(1);
        minute.dropped = minute.dropped.saturating_add(dropped);
        self.last_frame = Some(at);
    }

    /// What follows does not join on to the last frame: the camera was away, or its picture could not be used.
    pub(super) fn interrupted(&mut self) {
        self.last_frame = None;
    }

    /// The camera has been looking elsewhere since `since`: every minute from then on is not valid. Minutes that were
    /// given out already get a further part that says so.
    pub(super) fn moved(&mut self, since: FrameTime, now: FrameTime) {
        self.moved_since = Some(since);
        // By the even clock, so that a wall clock that was set does not open years of minutes.
        let ago = now.since(since).min(LONGEST_TAKEN_BACK);
        let mut start = (now.wall - ago).minute();
        while start <= now.wall {
            self.minute_of(start).valid = false;
            start = start + MINUTE;
        }
    }

    /// Somebody has seen that lines and zones lie right: minutes that begin from now on are valid.
    pub(super) fn in_place(&mut self, now: FrameTime) {
        if self.moved_since.take().is_some() {
            self.minute_of(now.wall).valid = false;
        }
    }

    fn saw(&mut self, from: WallTime, span: Duration) {
        for (minute, begun, ended) in pieces(from, span) {
            let open = self.minute_of(minute);
            open.seen += ended - begun;
            let (first, last) = open.window.get_or_insert((begun, ended));
            (*first, *last) = ((*first).min(begun), (*last).max(ended));
        }
    }

    /// What is counted of a line or zone in the minute of `wall`; none where there is no such place.
    pub(super) fn counts(&mut self, place: usize, wall: WallTime) -> Option<&mut T> {
        self.minute_of(wall).counts.get_mut(place)
    }

    fn minute_of(&mut self, wall: WallTime) -> &mut Open<T> {
        let (places, valid) = (self.places, self.moved_since.is_none());
        self.open.entry(wall.minute()).or_insert_with(|| Open {
            seen: Duration::ZERO,
            window: None,
            frames: 0,
            dropped: 0,
            valid,
            // Not cloned: what a `T` has reserved would not come along.
            counts: std::iter::repeat_with(T::default).take(places).collect(),
        })
    }

    /// Gives out the minutes that ended at least `hold` ago, also those in which nothing was seen.
    pub(super) fn close(&mut self, now: FrameTime, give: impl FnMut(Closed<T>)) {
        self.open_unseen(now, (now.wall - self.hold).minute());
        self.give_out_before((now.wall - self.hold).minute(), now.wall, give);
    }

    /// Gives out everything, the open minute as a part of one.
    pub(super) fn finish(&mut self, now: FrameTime, give: impl FnMut(Closed<T>)) {
        self.open_unseen(now, now.wall.minute());
        self.give_out_before(WallTime::from_unix_ms(i64::MAX), now.wall, give);
    }

    /// Opens the minutes before `end` that went by without a frame.
    ///
    /// A wall clock that moved much further than time did was set: what it skipped never was.
    fn open_unseen(&mut self, now: FrameTime, end: WallTime) {
        let passed = now.since(self.last_close);
        let clock_was_set = now.wall.since(self.last_close.wall) > passed + MINUTE;
        if self.last_close.wall.since(now.wall) > MINUTE {
            // Set back: minutes that were given out come again, as parts, and go on from here.
            (self.start, self.next) = (now.wall, now.wall.minute());
        }
        self.last_close = now;
        while !clock_was_set && self.next < end {
            self.minute_of(self.next);
            self.next = self.next + MINUTE;
        }
        self.next = self.next.max(end);
    }

    fn give_out_before(&mut self, end: WallTime, now: WallTime, mut give: impl FnMut(Closed<T>)) {
        while let Some(first) = self.open.first_entry().filter(|first| *first.key() < end) {
            let (start, minute) = first.remove_entry();
            let whole = self.start <= start && start + MINUTE <= now && start >= self.given_out;
            self.given_out = self.given_out.max(start + MINUTE);
            let Open { seen, window, frames, dropped, valid, counts } = minute;
            let (seen, part) = (seen.min(MINUTE), !whole);
            give(Closed { start, seen, window, frames, dropped, part, valid, counts });
        }
    }
}

/// A span of time, cut at the minutes: each minute, and from when to when in it.
pub(super) fn pieces(
    mut from: WallTime,
    mut span: Duration,
) -> impl Iterator<Item = (WallTime, Duration, Duration)> {
    std::iter::from_fn(move || {
        if span.is_zero() {
            return None;
        }
        let (minute, begun) = (from.minute(), from.since(from.minute()));
        let here = span.min(MINUTE - begun);
        (from, span) = (from + here, span - here);
        Some((minute, begun, begun + here))
    })
}
