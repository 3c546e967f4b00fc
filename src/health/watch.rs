//! Watches the pictures of one camera.
//!
//! What is decided is decided by time: a sign must stay for the patience of its condition, whatever the frame rate. Two
//! looks a second are enough. While it is dark, blocked or frozen nothing can be said about where the camera looks,
//! and nothing is learned.

use super::background::Background;
use super::edges::{self, Motion, SIGNS, SlowSigns};
use super::hysteresis::Hysteresis;
use super::thumbnail::Thumbnail;
use super::{Condition, ConditionChange, Turn};
use crate::capture::Picture;
use crate::time::FrameTime;
use std::time::Duration;

/// Looks are at least this far apart, so that a watch costs the same at any frame rate.
const LOOK_EVERY: Duration = Duration::from_millis(490);
/// After a pause as long as this the camera may be another one: what was followed over seconds is begun anew.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Long enough that a group of people who stand and talk has moved.
const LEARN_FOR: Duration = Duration::from_secs(20);
/// Fewer looks than that tell nothing steady, however long they took.
const LEAST_LOOKS: u32 = 12;
/// A place with fewer steps (a white wall) has nothing to tell a shift by: a fiftieth of all signs.
const LEAST_STEPS: usize = SIGNS / 50;

/// Levels of 255. Below it in the brightest tenth of a picture even a white shirt is lost in noise.
const DARK_BELOW: f32 = 32.0;
/// A lens that is covered or out of focus loses more than this of the steps between cells ...
const BLOCKED_STEPS: f32 = 0.3;
/// ... or of the fine ones. Measured on five clips: a blur by a hundredth of the width leaves under 0.1, people and lamps
/// leave more than 0.4.
const BLOCKED_DETAIL: f32 = 0.2;

/// At this agreement nobody need ask whether another place fits better. Measured: unmoved clips keep 0.85 and more.
const IN_PLACE: f32 = 0.75;
/// A motion must fit so well at least, and so much better than none. Measured: shifts by 2 %, turns by 2 degrees and
/// zooms by 1.05 fit at 0.7 and more, and 0.15 better than none.
const FITS: f32 = 0.5;
const FITS_BETTER: f32 = 0.12;
/// Below this what is seen has nothing to do with what was.
const ELSEWHERE: f32 = 0.12;
/// Such a place must have steps of its own, this share of those that were: else people or a shutter stand before it.
const ELSEWHERE_STEPS: f32 = 0.4;
/// Trying every motion takes some 20 ms, so it is not done at every look.
const SEARCH_EVERY: Duration = Duration::from_secs(4);
/// Steady signs follow a change by about this.
const SLOWNESS: Duration = Duration::from_secs(8);

/// How patient a watch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthSettings {
    /// All pictures are the same for this long.
    pub frozen_after: Duration,
    /// The edges are gone for this long.
    pub blocked_after: Duration,
    /// It is dark for this long.
    pub dark_after: Duration,
    /// Another place fits better for this long; where none fits, three times as long.
    pub moved_after: Duration,
}

impl HealthSettings {
    /// Ten seconds for what is certain at once; twenty for what somebody who stands near the lens does too.
    pub const DEFAULT: Self = Self {
        frozen_after: Duration::from_secs(10),
        blocked_after: Duration::from_secs(20),
        dark_after: Duration::from_secs(10),
        moved_after: Duration::from_secs(20),
    };
}

/// Watches the pictures of one camera over all its connections.
#[derive(Debug, Clone)]
pub struct PictureWatch {
    frozen: Hysteresis,
    blocked: Hysteresis,
    dark: Hysteresis,
    moved: Hysteresis,
    elsewhere: Hysteresis,
    thumbnail: Thumbnail,
    signs: Vec<i8>,
    slow: SlowSigns,
    background: Option<Background>,
    learning: Learning,
    last_look: Option<FrameTime>,
    search: Search,
    /// Goes up whenever the background or whether it fits changes.
    version: u64,
}

/// What was added up while the background is learned.
#[derive(Debug, Clone, Copy, Default)]
struct Learning {
    since: Option<FrameTime>,
    looks: u32,
    steps: f32,
    detail: f32,
}

/// The last search for a motion.
#[derive(Debug, Clone, Copy)]
struct Search {
    at: Option<FrameTime>,
    found: Option<Motion>,
}

impl PictureWatch {
    /// A watch that does not know the place yet.
    #[must_use]
    pub fn new(settings: HealthSettings) -> Self {
        let HealthSettings { frozen_after, blocked_after, dark_after, moved_after } = settings;
        let relief = Duration::from_secs(3);
        Self {
            frozen: Hysteresis::new(frozen_after, Duration::ZERO),
            blocked: Hysteresis::new(blocked_after, relief),
            dark: Hysteresis::new(dark_after, relief),
            moved: Hysteresis::new(moved_after, Duration::MAX),
            elsewhere: Hysteresis::new(moved_after.saturating_mul(3), Duration::MAX),
            thumbnail: Thumbnail::new(),
            signs: vec![0; SIGNS],
            slow: SlowSigns::new(),
            background: None,
            learning: Learning::default(),
            last_look: None,
            search: Search { at: None, found: None },
            version: 0,
        }
    }

    /// Goes on from what an earlier run knew; a camera that was moved then and not confirmed is moved still.
    pub fn remember(&mut self, background: Background, at: FrameTime, out: &mut Vec<ConditionChange>) {
        if let Some(since) = background.moved_since {
            self.moved.set(Turn::Began);
            let detail = format!("moved since {since}, and nobody has confirmed it");
            out.push(change(Condition::Moved, Turn::Began, at, at, detail));
        }
        self.background = Some(background);
    }

    /// What the place looks like when nothing is wrong, once that is known.
    #[must_use]
    pub const fn background(&self) -> Option<&Background> {
        self.background.as_ref()
    }

    /// Goes up whenever [`PictureWatch::background`] changes.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Whether somebody who walked by now would be seen.
    #[must_use]
    pub const fn sees(&self) -> bool {
        !(self.frozen.holds() || self.blocked.holds() || self.dark.holds())
    }

    /// Somebody has seen that lines and zones lie right: what the camera sees now is what it is to see.
    pub fn confirm(&mut self, at: FrameTime, out: &mut Vec<ConditionChange>) {
        if self.moved.holds() {
            let detail = "somebody confirmed that lines and zones lie right".to_owned();
            out.push(change(Condition::Moved, Turn::Ended, at, at, detail));
        }
        self.moved.set(Turn::Ended);
        self.elsewhere.set(Turn::Ended);
        self.background = None;
        self.learning = Learning::default();
        self.search = Search { at: None, found: None };
        self.slow.forget();
        self.version += 1;
    }

    /// Takes the next picture; conditions that begin or end with it are added to `out`.
    pub fn look(&mut self, at: FrameTime, picture: &Picture, out: &mut Vec<ConditionChange>) {
        let pause = self.last_look.map(|last| at.since(last));
        if pause.is_some_and(|pause| pause < LOOK_EVERY) {
            return;
        }
        let before = self.thumbnail.digest;
        if !self.thumbnail.take(picture) {
            return;
        }
        self.last_look = Some(at);
        if pause.is_some_and(|pause| pause > LONGEST_PAUSE) {
            self.begin_anew();
        }
        let same = sign(pause.is_some() && before == self.thumbnail.digest);
        if let Some((turn, since)) = self.frozen.see(at, same) {
            out.push(change(
                Condition::Frozen,
                turn,
                at,
                since,
                "pictures the same to the last bit".to_owned(),
            ));
        }
        if same == Turn::Began {
            // The same look again says nothing new.
            return;
        }
        let bright = self.thumbnail.bright_tenth();
        let is_dark = bright < DARK_BELOW;
        if let Some((turn, since)) = self.dark.see(at, sign(is_dark)) {
            let detail = format!("the brightest tenth of the picture is at {bright:.0} of 255");
            out.push(change(Condition::Dark, turn, at, since, detail));
        }
        if is_dark {
            self.cannot_compare();
            return self.blocked.cannot_tell();
        }
        self.compare(at, out);
    }

    /// Holds a picture with light in it against the background, or learns that.
    fn compare(&mut self, at: FrameTime, out: &mut Vec<ConditionChange>) {
        edges::signs_of(&self.thumbnail, &mut self.signs);
        let steps = edges::count(&self.signs) as f32;
        let Some(background) = &self.background else {
            self.slow.take(&self.signs);
            return self.learn(at, steps);
        };
        let left = (steps / background.steps, self.thumbnail.detail / background.detail.max(1e-4));
        let is_blocked = left.0 < BLOCKED_STEPS || left.1 < BLOCKED_DETAIL;
        if let Some((turn, since)) = self.blocked.see(at, sign(is_blocked)) {
            let (steps, detail) = (100.0 * left.0, 100.0 * left.1);
            let detail = format!("{steps:.0} % of the edges and {detail:.0} % of the fine detail are left");
            out.push(change(Condition::Blocked, turn, at, since, detail));
        }
        if is_blocked {
            return self.cannot_compare();
        }
        self.slow.take(&self.signs);
        if !self.moved.holds() && self.slow.is_steady() {
            self.find_motion(at, out);
        }
    }

    fn learn(&mut self, at: FrameTime, steps: f32) {
        let learning = &mut self.learning;
        let since = *learning.since.get_or_insert(at);
        learning.looks += 1;
        learning.steps += steps;
        learning.detail += self.thumbnail.detail;
        if at.since(since) < LEARN_FOR || learning.looks < LEAST_LOOKS {
            return;
        }
        let Learning { looks, steps, detail, .. } = std::mem::take(learning);
        if edges::count(&self.slow.steady) >= LEAST_STEPS {
            self.background = Some(Background {
                signs: self.slow.steady.clone(),
                steps: steps / looks as f32,
                detail: detail / looks as f32,
                learned: at.wall,
                moved_since: None,
            });
            self.version += 1;
        }
    }

    /// Whether what was seen for seconds fits the background, and where it fits if not.
    fn find_motion(&mut self, at: FrameTime, out: &mut Vec<ConditionChange>) {
        let Some(background) = &mut self.background else { return };
        let (was, is, shape) = (&background.signs, &self.slow.steady, self.thumbnail.cell_shape);
        let here = edges::agreement(was, is, Motion::NONE, shape).unwrap_or(1.0);
        if here >= IN_PLACE {
            self.search = Search { at: None, found: None };
        } else if self.search.at.is_none_or(|last| at.since(last) >= SEARCH_EVERY) {
            let (best, motion) = edges::best_motion(was, is, shape);
            let found = (best >= FITS.max(here + FITS_BETTER) && motion != Motion::NONE).then_some(motion);
            self.search = Search { at: Some(at), found };
        }
        let own_steps = edges::count(is) as f32 >= ELSEWHERE_STEPS * edges::count(was) as f32;
        let shifted = self.moved.see(at, sign(self.search.found.is_some()));
        let elsewhere = self.elsewhere.see(at, sign(here < ELSEWHERE && own_steps));
        let Some((_, since)) = shifted.or(elsewhere) else { return };
        let since =
            FrameTime { elapsed: since.elapsed.saturating_sub(SLOWNESS), wall: since.wall - SLOWNESS };
        let how = self.search.found.map_or_else(|| "nothing fits any more".to_owned(), words);
        let detail = format!("{:.0} % of the edges agree; {how}", 100.0 * here.max(0.0));
        background.moved_since = Some(since.wall);
        self.moved.set(Turn::Began);
        self.version += 1;
        out.push(change(Condition::Moved, Turn::Began, at, since, detail));
    }

    fn begin_anew(&mut self) {
        self.cannot_compare();
        self.slow.forget();
        self.learning = Learning::default();
        for state in [&mut self.frozen, &mut self.blocked, &mut self.dark] {
            state.cannot_tell();
        }
    }

    fn cannot_compare(&mut self) {
        self.moved.cannot_tell();
        self.elsewhere.cannot_tell();
        self.search = Search { at: None, found: None };
    }
}

const fn sign(is_there: bool) -> Turn {
    if is_there { Turn::Began } else { Turn::Ended }
}

fn change(
    condition: Condition,
    turn: Turn,
    at: FrameTime,
    since: FrameTime,
    detail: String,
) -> ConditionChange {
    ConditionChange { condition, turn, at, since, detail }
}

/// A motion for people.
fn words(motion: Motion) -> String {
    let share = |cells: i32, of: usize| 100.0 * cells as f32 / of as f32;
    let right = share(motion.right, super::thumbnail::COLUMNS);
    let down = share(motion.down, super::thumbnail::ROWS);
    format!(
        "they fit if the picture moved {right:+.0} % to the right and {down:+.0} % down, turned {:+.1} degrees, zoom {:.2}",
        motion.turned_deg, motion.zoom
    )
}

#[cfg(test)]
mod tests;
