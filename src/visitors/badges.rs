//! Who carries a badge: a stay that begins and ends when a badge comes and goes is that of staff.
//!
//! A receiver hears that some badge is near, and not whose body carries it. So nothing is decided while a badge is there: when it has
//! gone, the stay whose beginning and end fit best is taken, if any fits well. A badge's own id serves to tell two
//! badges apart; only a number made from it is kept, and no record ever carries that.

use super::BadgeSettings;
use crate::ids::{TrackId, ZoneId};
use crate::time::WallTime;
use std::collections::VecDeque;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::time::Duration;

/// Badges that are near at one time, each in each zone; a shop has a few dozen. Beyond it the oldest is forgotten.
const MOST_SPANS: usize = 256;
/// Stays that wait for a badge to go; beyond it the oldest is forgotten, and is a visitor's.
const MOST_STAYS: usize = 1024;

/// Tells badges apart. What is written on the badge cannot be had back from it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BadgeId(u64);

impl BadgeId {
    /// Of the id that the badge sends.
    #[must_use]
    pub fn of(sent: &str) -> Self {
        // Another key in every run of the program, so that a short id cannot be found by trying them all.
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Self(KEY.hash_one(sent))
    }
}

impl fmt::Debug for BadgeId {
    /// Nothing that could be looked up: a log must not say whose badge it was.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BadgeId(..)")
    }
}

/// What a receiver heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadgeReading {
    /// Which badge.
    pub badge: BadgeId,
    /// The zone that the receiver stands for; none: what this camera sees as a whole.
    pub zone: Option<ZoneId>,
    /// When.
    pub at: WallTime,
}

/// A stay that is over: of a track in a zone, or (without one) in view of the camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// Who.
    pub track: TrackId,
    /// Where.
    pub zone: Option<ZoneId>,
    /// From when.
    pub from: WallTime,
    /// Until when.
    pub to: WallTime,
}

/// A badge that was near without a break.
#[derive(Debug, Clone)]
struct Span {
    badge: BadgeId,
    zone: Option<ZoneId>,
    from: WallTime,
    to: WallTime,
}

impl Span {
    /// How far off a stay's beginning and end are, together; none where it is another place or time.
    fn misfit(&self, stay: &Stay) -> Option<Duration> {
        let overlaps = stay.from <= self.to && self.from <= stay.to;
        let apart = |a: WallTime, b: WallTime| a.since(b).max(b.since(a));
        (overlaps && stay.zone == self.zone).then(|| apart(stay.from, self.from) + apart(stay.to, self.to))
    }
}

/// Badges that are near, and stays that may be theirs.
#[derive(Debug, Clone)]
pub(super) struct Badges {
    settings: BadgeSettings,
    lateness: Duration,
    spans: VecDeque<Span>,
    stays: VecDeque<Stay>,
    is_closed: bool,
}

impl Badges {
    /// Stays may be told up to `lateness` after they end.
    pub(super) fn new(settings: BadgeSettings, lateness: Duration) -> Self {
        Self { settings, lateness, spans: VecDeque::new(), stays: VecDeque::new(), is_closed: false }
    }

    /// How long after its end a stay may still be matched; zero while no badge is near.
    pub(super) fn patience(&self) -> Duration {
        if self.spans.is_empty() { Duration::ZERO } else { self.wait() + self.settings.slack }
    }

    /// How long after the last reading a badge has gone, and the stays that could be its own have been told.
    fn wait(&self) -> Duration {
        self.settings.gap.max(self.settings.slack + self.lateness)
    }

    pub(super) fn read(&mut self, reading: &BadgeReading) {
        let same = |span: &&mut Span| {
            span.badge == reading.badge
                && span.zone == reading.zone
                && reading.at.since(span.to) <= self.settings.gap
                && span.from.since(reading.at) <= self.settings.gap
        };
        if let Some(span) = self.spans.iter_mut().find(same) {
            (span.from, span.to) = (span.from.min(reading.at), span.to.max(reading.at));
            return;
        }
        if self.spans.len() >= MOST_SPANS {
            self.spans.pop_front();
        }
        let BadgeReading { badge, zone, at } = reading.clone();
        self.spans.push_back(Span { badge, zone, from: at, to: at });
    }

    /// Notes a stay, where a badge is near that could be its own.
    pub(super) fn stay(&mut self, stay: Stay) {
        if self.spans.is_empty() {
            return;
        }
        if self.stays.len() >= MOST_STAYS {
            self.stays.pop_front();
        }
        self.stays.push_back(stay);
    }

    /// No reading will come any more: every badge has gone.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// The track that a badge which has gone belongs to; ask until there is none.
    pub(super) fn matched(&mut self, now: WallTime) -> Option<TrackId> {
        let wait = self.wait();
        while let Some(gone) = self.spans.iter().position(|span| self.is_closed || now.since(span.to) > wait)
        {
            let span = self.spans.remove(gone)?;
            let misfits =
                self.stays.iter().enumerate().filter_map(|(at, stay)| Some((at, span.misfit(stay)?)));
            let best = misfits.filter(|(_, off)| *off <= self.settings.slack).min_by_key(|(_, off)| *off);
            if let Some((place, _)) = best {
                return self.stays.remove(place).map(|stay| stay.track);
            }
        }
        let keep = wait + self.settings.slack;
        self.stays.retain(|stay| now.since(stay.to) <= keep);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> WallTime {
        WallTime::from_unix_ms(1000 * second)
    }

    fn stay(track: u64, zone: Option<&str>, from: i64, to: i64) -> Stay {
        let zone = zone.map(|zone| ZoneId::parse(zone).unwrap());
        Stay { track: TrackId(track), zone, from: at(from), to: at(to) }
    }

    /// A badge that is read every five seconds `from` to `to` in a zone, and stays: whose it is, once it has gone.
    #[track_caller]
    fn check((zone, from, to): (Option<&str>, i64, i64), stays: &[Stay], expected: Option<u64>) {
        let mut badges = Badges::new(BadgeSettings::default(), Duration::from_secs(4));
        let zone = zone.map(|zone| ZoneId::parse(zone).unwrap());
        let mut found = Vec::new();
        for second in 0..to + 100 {
            if (from..=to).contains(&second) && (second - from) % 5 == 0 {
                badges.read(&BadgeReading { badge: BadgeId::of("7"), zone: zone.clone(), at: at(second) });
            }
            // A stay is told two seconds late.
            stays.iter().filter(|s| s.to == at(second - 2)).for_each(|s| badges.stay(s.clone()));
            found.extend(std::iter::from_fn(|| badges.matched(at(second))).map(|track| track.0));
        }
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        assert_eq!((badges.spans.len(), badges.stays.len()), (0, 0), "nothing is kept");
    }

    #[test]
    fn the_stay_that_comes_and_goes_with_the_badge_is_staff() {
        check((None, 100, 400), &[stay(1, None, 98, 406)], Some(1));
    }

    #[test]
    fn of_several_the_best_fit_is_taken_and_only_that() {
        let stays = [stay(1, None, 92, 400), stay(2, None, 101, 402), stay(3, None, 90, 395)];
        check((None, 100, 400), &stays, Some(2));
    }

    #[test]
    fn a_customer_who_is_served_for_a_while_is_not_the_one_with_the_badge() {
        check((None, 100, 400), &[stay(1, None, 200, 400), stay(2, None, 100, 150)], None);
    }

    #[test]
    fn a_badge_in_the_stockroom_makes_nobody_staff_at_the_till() {
        let stays = [stay(1, Some("till"), 100, 200), stay(2, None, 100, 200)];
        check((Some("stockroom"), 100, 200), &stays, None);
        check((Some("till"), 100, 200), &stays, Some(1));
    }

    #[test]
    fn a_stay_is_not_decided_while_its_badge_is_near() {
        let mut badges = Badges::new(BadgeSettings::default(), Duration::ZERO);
        let reading = |second| BadgeReading { badge: BadgeId::of("7"), zone: None, at: at(second) };
        badges.read(&reading(0));
        badges.stay(stay(1, None, 0, 5));
        assert_eq!(badges.matched(at(20)), None);
        badges.read(&reading(20));
        badges.read(&reading(40));
        assert_eq!(badges.matched(at(200)), None, "the badge stayed, the person went");
    }

    #[test]
    fn readings_and_stays_without_end_are_bounded() {
        let mut badges = Badges::new(BadgeSettings::default(), Duration::ZERO);
        for number in 0..5_000 {
            let badge = BadgeId::of(&number.to_string());
            badges.read(&BadgeReading { badge, zone: None, at: at(number) });
            badges.stay(stay(1, None, number, number));
        }
        assert_eq!((badges.spans.len(), badges.stays.len()), (MOST_SPANS, MOST_STAYS));
    }

    #[test]
    fn what_is_written_on_a_badge_is_not_kept() {
        let reading = BadgeReading { badge: BadgeId::of("anna-7"), zone: None, at: at(0) };
        assert!(!format!("{reading:?}").contains("anna"));
        assert_ne!(BadgeId::of("anna-7"), BadgeId::of("anna-8"));
    }
}
