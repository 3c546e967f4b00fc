//! Counts tracks that cross one line.
//!
//! A person who stands on the line must not be counted once per wobble of the detector. So
//! the line carries a band in which nothing is decided: a crossing is complete only when
//! the track is clear of the band on the other side. What decides whether the line was
//! crossed or walked around is the step that changed sides last: it has to pass
//! between the two ends of the segment.

use super::{Anchor, Crossing, Direction, LineSettings};
use crate::geom::ImagePoint;
use crate::ids::TrackId;
use crate::time::FrameTime;
use crate::track::Sighting;

/// Counts the crossings of one line.
#[derive(Debug, Clone)]
pub struct Tripwire {
    settings: LineSettings,
    /// By track id. A list, because its memory stays while tracks come and go.
    walks: Vec<(TrackId, Walk)>,
    /// Crossings that a return can still cancel, oldest first.
    held: Vec<Crossing>,
}

/// What is remembered of one track while it lasts.
#[derive(Debug, Clone, Copy)]
struct Walk {
    last: ImagePoint,
    /// The side on which the track was last clear of the band.
    clear_side: Option<Direction>,
    /// Whether the last step over the endless line passed between the segment's ends.
    stepped_through: bool,
    /// Whether the track was seen where it has to be seen to count.
    activated: bool,
}

/// Why a line cannot count.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TripwireError {
    /// The ends are too close together, or not numbers.
    #[error("line {line}: its ends are {length_px} px apart; give two points at least 1 px apart")]
    NoLength {
        /// Which line.
        line: crate::ids::LineId,
        /// Distance between its ends, px.
        length_px: f32,
    },
    /// The band is negative or not a number.
    #[error("line {line}: a band of {width} is not a width; give 0 or more")]
    Band {
        /// Which line.
        line: crate::ids::LineId,
        /// What was given.
        width: f32,
    },
}

impl Tripwire {
    /// A line that has seen nobody yet.
    ///
    /// # Errors
    /// [`TripwireError`] where the line has no length or the band is not a width.
    pub fn new(settings: LineSettings) -> Result<Self, TripwireError> {
        let (line, length_px) = (settings.id.clone(), settings.segment.length());
        if !(1.0..f32::INFINITY).contains(&length_px) {
            return Err(TripwireError::NoLength { line, length_px });
        }
        let width = settings.band.width();
        if !(0.0..f32::INFINITY).contains(&width) {
            return Err(TripwireError::Band { line, width });
        }
        Ok(Self { settings, walks: Vec::new(), held: Vec::new() })
    }

    /// Takes one sighting; sightings of one track come in the order of their time.
    ///
    /// A crossing that nothing can cancel any more is added to `out`.
    pub fn see(&mut self, sighting: &Sighting, out: &mut Vec<Crossing>) {
        let point = self.settings.anchor.of(&sighting.bbox);
        let activated = self.settings.activation.is_empty()
            || self.settings.activation.iter().any(|zone| zone.contains(point));
        let at = self.walk_of(sighting.track, point);
        let walk = &mut self.walks[at].1;
        walk.activated |= activated;
        if let Some(direction) = walk.step(&self.settings, point, sighting.bbox.height())
            && walk.activated
        {
            let line = self.settings.id.clone();
            let crossing =
                Crossing { line, direction, track: sighting.track, frame: sighting.frame, at: sighting.at };
            self.complete(crossing, out);
        }
    }

    /// The place of a track in the list, where it is put if it is new.
    fn walk_of(&mut self, track: TrackId, point: ImagePoint) -> usize {
        self.walks.binary_search_by_key(&track, |(id, _)| *id).unwrap_or_else(|at| {
            let unseen = Walk { last: point, clear_side: None, stepped_through: false, activated: false };
            self.walks.insert(at, (track, unseen));
            at
        })
    }

    fn complete(&mut self, crossing: Crossing, out: &mut Vec<Crossing>) {
        if self.settings.u_turn.is_zero() {
            out.push(crossing);
            return;
        }
        let cancelled = self.held.iter().rposition(|earlier| {
            earlier.track == crossing.track
                && earlier.direction != crossing.direction
                && crossing.at.since(earlier.at) <= self.settings.u_turn
        });
        match cancelled {
            Some(at) => drop(self.held.remove(at)),
            None => self.held.push(crossing),
        }
    }

    /// Gives out the crossings that a return can no longer cancel.
    pub fn settle(&mut self, now: FrameTime, out: &mut Vec<Crossing>) {
        let u_turn = self.settings.u_turn;
        out.extend(self.held.extract_if(.., |crossing| now.since(crossing.at) > u_turn));
    }

    /// Gives out everything that is held back: nobody will come back after the end.
    pub fn finish(&mut self, out: &mut Vec<Crossing>) {
        out.append(&mut self.held);
    }

    /// Forgets a track that has ended. Without this a camera that runs for a month remembers every shopper.
    pub fn forget(&mut self, track: TrackId) {
        self.walks.retain(|(id, _)| *id != track);
    }

    /// How many tracks are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.walks.len()
    }
}

impl Walk {
    /// Moves on to `point`; says which way the line was crossed, where that is now complete.
    fn step(&mut self, line: &LineSettings, point: ImagePoint, height_px: f32) -> Option<Direction> {
        let (before, now) = (line.segment.left_distance(self.last), line.segment.left_distance(point));
        if (before < 0.0) != (now < 0.0) {
            // Where the step meets the endless line; `before` and `now` differ in sign, so they differ.
            let share = before / (before - now);
            let met = ImagePoint::new(
                self.last.x + share * (point.x - self.last.x),
                self.last.y + share * (point.y - self.last.y),
            );
            self.stepped_through = (0.0..=1.0).contains(&line.segment.along(met));
        }
        self.last = point;
        let half_band_px = line.band.half_px(height_px);
        let clear = if now > half_band_px {
            Direction::In
        } else if now < -half_band_px {
            Direction::Out
        } else {
            return None;
        };
        let crossed = self.clear_side.is_some_and(|side| side != clear) && self.stepped_through;
        self.clear_side = Some(clear);
        crossed.then_some(clear)
    }
}

impl Anchor {
    /// The point of a box that counts.
    #[must_use]
    pub fn of(self, bbox: &crate::geom::ImageBox) -> ImagePoint {
        match self {
            Self::Foot => bbox.foot(),
            Self::Centre => bbox.centre(),
            Self::Head => bbox.head(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::{Band, LineRole};
    use crate::geom::{ImageBox, Polygon, Segment};
    use crate::ids::LineId;
    use crate::time::WallTime;
    use proptest::prelude::*;
    use std::time::Duration;

    /// A line down the picture at x = 100, from y = 0 to 100: its left, the store, is x > 100.
    fn line() -> LineSettings {
        LineSettings {
            id: LineId::parse("door").unwrap(),
            segment: Segment::new(ImagePoint::new(100.0, 0.0), ImagePoint::new(100.0, 100.0)),
            band: Band::Px(20.0),
            anchor: Anchor::Foot,
            u_turn: Duration::ZERO,
            activation: Vec::new(),
            role: LineRole::default(),
        }
    }

    fn sighting(frame: u64, x: f32, y: f32) -> Sighting {
        Sighting {
            track: TrackId(1),
            bbox: ImageBox::new(x - 5.0, y - 40.0, x + 5.0, y),
            frame,
            at: FrameTime::of_run(WallTime::default(), Duration::from_millis(100 * frame)),
        }
    }

    fn walk(settings: LineSettings, path: &[(f32, f32)]) -> String {
        let mut wire = Tripwire::new(settings).unwrap();
        let mut crossings = Vec::new();
        for (frame, (x, y)) in (1..).zip(path) {
            let seen = sighting(frame, *x, *y);
            wire.see(&seen, &mut crossings);
            wire.settle(seen.at, &mut crossings);
        }
        wire.finish(&mut crossings);
        let word = |d| if d == Direction::In { "in" } else { "out" };
        let words: Vec<_> = crossings.iter().map(|c| format!("{}@{}", word(c.direction), c.frame)).collect();
        words.join(" ")
    }

    /// One door for the tests: a walk of foot points, and the crossings it makes as `direction@frame`.
    fn check(path: &[(f32, f32)], expected: &str) {
        assert_eq!(walk(line(), path), expected);
    }

    #[test]
    fn a_walk_to_the_left_of_the_line_is_an_entry_timed_at_the_first_sighting_beyond_the_band() {
        check(&[(80.0, 50.0), (95.0, 50.0), (105.0, 50.0), (111.0, 50.0), (140.0, 50.0)], "in@4");
    }

    #[test]
    fn a_walk_the_other_way_is_an_exit() {
        check(&[(120.0, 50.0), (89.0, 50.0)], "out@2");
    }

    #[test]
    fn a_wobble_on_the_line_counts_nothing() {
        check(&[(80.0, 50.0), (98.0, 50.0), (103.0, 50.0), (97.0, 50.0), (109.0, 50.0), (80.0, 50.0)], "");
    }

    #[test]
    fn a_wobble_on_the_way_through_counts_once() {
        check(&[(80.0, 50.0), (103.0, 50.0), (97.0, 50.0), (108.0, 50.0), (120.0, 50.0)], "in@5");
    }

    #[test]
    fn somebody_who_passes_beside_the_end_is_not_counted() {
        check(&[(80.0, 110.0), (120.0, 110.0)], "");
    }

    #[test]
    fn somebody_who_walks_around_the_end_and_back_through_the_line_is_counted_once() {
        check(&[(80.0, 50.0), (80.0, 150.0), (120.0, 150.0), (120.0, 50.0), (80.0, 50.0)], "out@5");
    }

    #[test]
    fn the_step_that_changed_sides_decides_and_not_where_the_walk_began() {
        // A long oblique step whose ends lie beyond the segment's end but which meets it inside.
        check(&[(80.0, 120.0), (120.0, 70.0)], "in@2");
    }

    #[test]
    fn a_track_that_begins_inside_the_band_has_come_from_nowhere() {
        check(&[(95.0, 50.0), (130.0, 50.0)], "");
    }

    #[test]
    fn one_track_may_cross_several_times() {
        check(&[(80.0, 50.0), (120.0, 50.0), (80.0, 50.0), (120.0, 50.0)], "in@2 out@3 in@4");
    }

    #[test]
    fn a_return_within_the_u_turn_time_cancels_both() {
        let settings = LineSettings { u_turn: Duration::from_millis(250), ..line() };
        assert_eq!(walk(settings.clone(), &[(80.0, 50.0), (120.0, 50.0), (120.0, 50.0), (80.0, 50.0)]), "");
        let slow = [(80.0, 50.0), (120.0, 50.0), (120.0, 50.0), (120.0, 50.0), (120.0, 50.0), (80.0, 50.0)];
        assert_eq!(walk(settings, &slow), "in@2 out@6");
    }

    #[test]
    fn a_track_counts_only_where_it_was_seen_in_the_activation_zone() {
        let zone = [(0.0, 0.0), (60.0, 0.0), (60.0, 100.0), (0.0, 100.0)];
        let zone = Polygon::new(zone.map(|(x, y)| ImagePoint::new(x, y)).to_vec()).unwrap();
        let settings = LineSettings { activation: vec![zone], ..line() };
        assert_eq!(walk(settings.clone(), &[(80.0, 50.0), (120.0, 50.0)]), "");
        assert_eq!(walk(settings, &[(50.0, 50.0), (80.0, 50.0), (120.0, 50.0)]), "in@3");
    }

    #[test]
    fn head_and_centre_anchors_count_their_own_point() {
        let level = Segment::new(ImagePoint::new(0.0, 50.0), ImagePoint::new(200.0, 50.0));
        let settings = |anchor| LineSettings { segment: level, anchor, band: Band::Px(2.0), ..line() };
        // The foot goes from 60 to 80, the centre from 40 to 60 and the head from 20 to 40.
        let path = [(100.0, 60.0), (100.0, 80.0)];
        assert_eq!(walk(settings(Anchor::Foot), &path), "");
        assert_eq!(walk(settings(Anchor::Centre), &path), "out@2");
        assert_eq!(walk(settings(Anchor::Head), &path), "");
    }

    #[test]
    fn a_line_of_no_length_and_a_negative_band_are_refused() {
        let point = ImagePoint::new(3.0, 3.0);
        let dot = LineSettings { segment: Segment::new(point, point), ..line() };
        assert!(matches!(Tripwire::new(dot), Err(TripwireError::NoLength { .. })));
        let band = LineSettings { band: Band::Px(f32::NAN), ..line() };
        assert!(matches!(Tripwire::new(band), Err(TripwireError::Band { .. })));
    }

    #[test]
    fn a_forgotten_track_leaves_nothing_behind() {
        let mut wire = Tripwire::new(line()).unwrap();
        wire.see(&sighting(1, 80.0, 50.0), &mut Vec::new());
        assert_eq!(wire.remembered(), 1);
        wire.forget(TrackId(1));
        assert_eq!(wire.remembered(), 0);
    }

    fn any_path() -> impl Strategy<Value = Vec<(f32, f32)>> {
        prop::collection::vec((0.0f32..200.0, -50.0f32..150.0), 0..60)
    }

    proptest! {
        #[test]
        fn the_crossings_of_one_track_that_never_leaves_the_ends_alternate(
            xs in prop::collection::vec(0.0f32..200.0, 0..60)
        ) {
            let path: Vec<_> = xs.into_iter().map(|x| (x, 50.0)).collect();
            let crossings = walk(line(), &path);
            let words: Vec<_> = crossings.split_whitespace().map(|w| &w[..2]).collect();
            prop_assert!(words.windows(2).all(|pair| pair[0] != pair[1]), "{}", crossings);
        }

        #[test]
        fn a_mirrored_scene_gives_mirrored_counts(path in any_path()) {
            let mirrored: Vec<_> = path.iter().map(|(x, y)| (200.0 - x, *y)).collect();
            let swapped = walk(line(), &mirrored).replace("in@", "IN@").replace("out@", "in@").replace("IN@", "out@");
            prop_assert_eq!(walk(line(), &path), swapped);
        }

        #[test]
        fn turning_the_line_round_turns_the_directions_round(path in any_path()) {
            let forward = line();
            let turned = LineSettings { segment: Segment::new(forward.segment.b, forward.segment.a), ..line() };
            let swapped = walk(turned, &path).replace("in@", "IN@").replace("out@", "in@").replace("IN@", "out@");
            prop_assert_eq!(walk(forward, &path), swapped);
        }

        #[test]
        fn with_a_u_turn_time_no_more_is_counted_than_without(path in any_path()) {
            let patient = LineSettings { u_turn: Duration::from_millis(350), ..line() };
            let (with, without) = (walk(patient, &path), walk(line(), &path));
            prop_assert!(with.split_whitespace().count() <= without.split_whitespace().count());
        }
    }
}
