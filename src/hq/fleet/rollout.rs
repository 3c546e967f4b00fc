//! When a roll-out goes on, and when it stops by itself. Pure: what is known of its boxes comes in, what is to be done comes out.
//!
//! What is not obvious: a box that was offline before it was asked is nobody's fault. It is not waited for, and it is not worse for being
//! offline still; it takes what is desired when it comes back, and counts from then on. So rings begin with boxes that are there.

use crate::time::WallTime;
use std::collections::BTreeMap;
use std::time::Duration;

/// A box that was there has to answer within this: a trial takes two minutes, an update some more.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(30 * 60);
/// A box may be away for so long, as while it restarts with another software.
pub const AWAY_PATIENCE: Duration = Duration::from_secs(5 * 60);
/// A box is worse that looks at less than this of the frames a second of before.
pub const LEAST_SHARE: f64 = 0.8;
/// Fewer frames a second than this before are too few to be compared: one frame more or less would decide.
const LEAST_FPS: f64 = 1.0;
/// So many of those that were asked may be worse, in %, after the first ring.
pub const MOST_WORSE_PERCENT: usize = 5;

/// How many of all boxes belong to a ring and those before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ring {
    /// So many.
    Boxes(u32),
    /// So many of a hundred.
    Percent(f64),
}

/// Why text is no ring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no ring; give a number of boxes such as \"1\", or a share such as \"10%\"")]
pub struct RingError {
    text: String,
}

impl Ring {
    /// One box, a tenth, all.
    #[must_use]
    pub fn usual() -> Vec<Self> {
        vec![Self::Boxes(1), Self::Percent(10.0), Self::Percent(100.0)]
    }

    /// Reads `1` or `10%`.
    ///
    /// # Errors
    /// [`RingError`]: it is neither, or not above 0 and up to 100 %.
    pub fn parse(text: &str) -> Result<Self, RingError> {
        let fault = || RingError { text: text.chars().take(20).collect() };
        match text.strip_suffix('%') {
            Some(percent) => {
                let percent: f64 = percent.trim().parse().map_err(|_no_number| fault())?;
                if percent > 0.0 && percent <= 100.0 { Ok(Self::Percent(percent)) } else { Err(fault()) }
            }
            None => match text.trim().parse() {
                Ok(boxes) if boxes > 0 => Ok(Self::Boxes(boxes)),
                _ => Err(fault()),
            },
        }
    }

    fn up_to(self, all: usize) -> usize {
        let wanted = match self {
            Self::Boxes(boxes) => boxes as usize,
            // Of 15 boxes a tenth is two: a ring that is too small says too little.
            Self::Percent(percent) => (all as f64 * percent / 100.0).ceil() as usize,
        };
        wanted.clamp(1, all.max(1))
    }
}

/// The ring of each of `all` boxes, in their order. The last ring takes all that are left.
#[must_use]
pub fn rings_of(all: usize, rings: &[Ring]) -> Vec<usize> {
    let mut ends: Vec<usize> = Vec::new();
    for ring in rings {
        // A ring that adds nobody is left out.
        let end = ring.up_to(all);
        if ends.last().is_none_or(|last| end > *last) {
            ends.push(end);
        }
    }
    if ends.last().is_none_or(|last| *last < all) {
        ends.push(all);
    }
    (0..all).map(|place| ends.iter().take_while(|end| **end <= place).count()).collect()
}

/// Cameras that were up, and their frames a second.
pub type Cameras = BTreeMap<String, f64>;

/// How a box is now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    /// For how long it has been away; none: it is there.
    pub away: Option<Duration>,
    /// What it said of the change: taken, or refused and why. None: nothing yet.
    pub answer: Option<Result<(), String>>,
    /// Its cameras that are up; none: it said nothing of them since it answered.
    pub cameras: Option<Cameras>,
}

/// A box of a roll-out.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its row.
    pub box_id: i64,
    /// Which ring it belongs to, from 0.
    pub ring: usize,
    /// When it was asked.
    pub asked: Option<WallTime>,
    /// How its cameras were then; none: it was offline.
    pub before: Option<Cameras>,
    /// When it was first seen to have answered.
    pub answered: Option<WallTime>,
    /// Why it was found worse.
    pub worse: Option<String>,
    /// Somebody went on although it is worse.
    pub is_forgiven: bool,
    /// How it is now.
    pub seen: Seen,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Step {
    /// Boxes to be asked now.
    pub ask: Vec<i64>,
    /// Boxes that have answered since the last step.
    pub answered: Vec<i64>,
    /// Boxes that are worse, and why.
    pub worse: Vec<(i64, String)>,
    /// What becomes of the roll-out.
    pub ends: Option<End>,
}

/// How a running roll-out ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Every box was asked, has answered and was watched.
    Done,
    /// Too many are worse.
    Stopped(String),
}

/// One look at a running roll-out.
#[must_use]
pub fn step(members: &[Member], soak: Duration, now: WallTime) -> Step {
    let mut step = Step::default();
    let mut worse = Vec::new();
    for member in members.iter().filter(|member| member.asked.is_some()) {
        if member.answered.is_none() && member.seen.answer.is_some() {
            step.answered.push(member.box_id);
        }
        let found = member.worse.clone().or_else(|| worse_now(member, now));
        if let Some(why) = found {
            if member.worse.is_none() {
                step.worse.push((member.box_id, why.clone()));
            }
            if !member.is_forgiven {
                worse.push(why);
            }
        }
    }
    let asked: Vec<usize> =
        members.iter().filter(|member| member.asked.is_some()).map(|member| member.ring).collect();
    if let Some(why) = too_many(&worse, &asked) {
        step.ends = Some(End::Stopped(why));
        return step;
    }
    let is_settled =
        members.iter().filter(|member| member.asked.is_some()).all(|member| settled(member, soak, now));
    if !is_settled {
        return step;
    }
    let next = members.iter().filter(|member| member.asked.is_none()).map(|member| member.ring).min();
    match next {
        Some(next) if was_tried(members, next) => {
            // A ring is asked as a whole; what was left of one that was cut short comes first.
            let of_ring = members.iter().filter(|member| member.asked.is_none() && member.ring == next);
            step.ask = of_ring.map(|member| member.box_id).collect();
        }
        Some(_) => {}
        None => step.ends = Some(End::Done),
    }
    step
}

/// Whether the ring before `next` says anything of the change: one in which everybody was away says nothing.
fn was_tried(members: &[Member], next: usize) -> bool {
    let is_asked = |member: &&Member| member.asked.is_some() && member.ring < next;
    let Some(present) = members.iter().filter(is_asked).map(|member| member.ring).max() else { return true };
    let mut of_ring = members.iter().filter(is_asked).filter(|member| member.ring == present);
    of_ring.any(|member| member.answered.is_some() || member.worse.is_some() || member.is_forgiven)
}

/// Why so many worse ones are too many; `asked` holds the rings of those that were asked.
fn too_many(worse: &[String], asked: &[usize]) -> Option<String> {
    let first = worse.first()?;
    if asked.iter().all(|ring| *ring == 0) {
        return Some(format!("a box of the first ring is worse: {first}"));
    }
    let is_too_many = worse.len() * 100 > asked.len() * MOST_WORSE_PERCENT;
    is_too_many.then(|| format!("{} of {} boxes are worse, the first: {first}", worse.len(), asked.len()))
}

/// Whether a box has been watched for long enough, or is not waited for.
fn settled(member: &Member, soak: Duration, now: WallTime) -> bool {
    if member.is_forgiven || member.worse.is_some() {
        return true;
    }
    match (member.answered, member.asked) {
        (Some(answered), _) => now.since(answered) >= soak,
        // It was offline before it was asked.
        (None, Some(asked)) => {
            let waited = now.since(asked);
            let is_away = member.seen.away.is_some();
            member.before.is_none() && waited >= soak && (is_away || waited > ANSWER_PATIENCE)
        }
        (None, None) => true,
    }
}

/// Why a box that was asked is worse than before.
fn worse_now(member: &Member, now: WallTime) -> Option<String> {
    let asked = member.asked?;
    if let Some(Err(why)) = &member.seen.answer {
        return Some(why.clone());
    }
    let before = member.before.as_ref();
    if before.is_some() && member.seen.away.is_some_and(|away| away >= AWAY_PATIENCE) {
        return Some("it is offline".to_owned());
    }
    if member.seen.answer.is_none() {
        let is_late = before.is_some() && member.answered.is_none() && now.since(asked) > ANSWER_PATIENCE;
        return is_late
            .then(|| format!("it has not answered for {} minutes", ANSWER_PATIENCE.as_secs() / 60));
    }
    let (before, cameras) = before.zip(member.seen.cameras.as_ref())?;
    before.iter().find_map(|(camera, fps)| match cameras.get(camera) {
        None => Some(format!("camera {camera} is down and was up")),
        Some(now) if *fps >= LEAST_FPS && *now < LEAST_SHARE * fps => {
            Some(format!("camera {camera} looks at {now:.1} frames a second, before at {fps:.1}"))
        }
        Some(_) => None,
    })
}

#[cfg(test)]
mod tests;
