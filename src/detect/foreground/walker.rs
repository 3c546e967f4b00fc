//! One person as remembered from frame to frame, so that people who merge stay apart.
//!
//! An ellipse of the expected size. The flow of the picture inside it carries it along; the px that it owns pull it
//! into place: their middle onto the middle of that part of the ellipse that nobody else hides. In a crowd they pull
//! less: whose they are is then uncertain, and the flow is not.

use super::size::PersonSize;
use crate::geom::ImageBox;

/// A walker alone is pulled onto their px within this time, seconds ...
const PULL_ALONE_S: f32 = 0.1;
/// ... and one who touches another within this.
const PULL_IN_CROWD_S: f32 = 0.4;
/// Colour follows what is seen within this time, seconds: slowly, so that the colour of a neighbour is not taken over.
const COLOUR_FOLLOWS_S: f32 = 0.4;
/// The size follows the expected one within this time, seconds.
const SIZE_FOLLOWS_S: f32 = 0.4;
/// The velocity follows the last step within this time, seconds.
const VELOCITY_FOLLOWS_S: f32 = 0.12;
/// The flow carries somebody by this many of their widths before they count as having walked: what leaks
/// into a stand from those who pass is less.
const WALKED_WIDTHS: f32 = 0.6;

/// Who is slower than this many of their widths a second passes nobody.
const PASSING_WIDTHS_PER_S: f32 = 0.5;
/// Of fewer px nothing is concluded.
const LEAST_PX: f32 = 4.0;

/// Somebody, or something, that is not ground. All lengths in px of the small picture.
#[derive(Debug, Clone)]
pub(super) struct Walker {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) half_width: f32,
    pub(super) half_height: f32,
    /// Where it was first seen, ...
    pub(super) start: (f32, f32),
    /// ... and how far the flow has carried it since.
    carried: (f32, f32),
    /// Velocity in px per second.
    velocity: (f32, f32),
    /// How far the flow of this frame was believed, 0 to 1.
    belief: f32,
    /// For how much longer somebody else passes it, seconds.
    pub(super) passing_s: f32,
    /// Mean blue, green and red.
    pub(super) colour: [f32; 3],
    /// Whether it has walked: a stand, a door or a hole in the ground has not.
    pub(super) has_walked: bool,
    /// Where it was when it was last clearly somewhere else, ...
    rest: (f32, f32),
    /// ... and for how long it has been there, seconds.
    pub(super) rests_s: f32,
    /// For how long it has been there, seconds.
    pub(super) age_s: f32,
    /// For how long too little of it has been seen, seconds.
    pub(super) hidden_s: f32,
    /// For how long the edges of it were edges of the ground rather than of the picture, seconds.
    pub(super) ghost_s: f32,
    /// Px that it owns in this frame: how many, and sums of x, y, blue, green, red.
    pub(super) owned: Owned,
}

/// Sums over the px that a walker owns.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Owned {
    pub(super) px: f32,
    /// Of those, how many lie inside the ellipse.
    pub(super) inside: f32,
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) colour: [f32; 3],
    /// Px of the ellipse that nobody else owns: how many, and sums of x and y.
    pub(super) free: [f32; 3],
    /// Px at the edge of what differs, ...
    pub(super) edge: f32,
    /// ... how steep the picture is there in sum, and the ground.
    pub(super) edge_in_picture: f32,
    pub(super) edge_in_ground: f32,
}

impl Walker {
    pub(super) fn new(x: f32, y: f32, size: PersonSize, colour: [f32; 3]) -> Self {
        Self {
            x,
            y,
            half_width: 0.5 * size.width,
            half_height: 0.5 * size.height,
            start: (x, y),
            carried: (0.0, 0.0),
            velocity: (0.0, 0.0),
            belief: 0.0,
            passing_s: 0.0,
            colour,
            has_walked: false,
            rest: (x, y),
            rests_s: 0.0,
            age_s: 0.0,
            hidden_s: 0.0,
            ghost_s: 0.0,
            owned: Owned::default(),
        }
    }

    /// Squared distance from the middle, 1 on the ellipse.
    pub(super) fn reach(&self, x: f32, y: f32) -> f32 {
        ((x - self.x) / self.half_width).powi(2) + ((y - self.y) / self.half_height).powi(2)
    }

    /// Columns and rows, as half-open ranges within the picture, that `reach <= scale^2` can hold in.
    pub(super) fn window(&self, scale: f32, width: usize, height: usize) -> [std::ops::Range<usize>; 2] {
        let range = |middle: f32, half: f32, side: usize| {
            let from = (middle - half * scale).max(0.0) as usize;
            let to = ((middle + half * scale).max(0.0) as usize + 1).min(side);
            from.min(to)..to
        };
        [range(self.x, self.half_width, width), range(self.y, self.half_height, height)]
    }

    /// Goes where the flow carries it: `flow` in px, none where too little of it is seen, and then half as far as before.
    /// `belief` in the flow is 0 to 1; the rest is how they walked before.
    pub(super) fn carry(&mut self, flow: Option<(f32, f32)>, belief: f32, seconds: f32) {
        let as_before = (self.velocity.0 * seconds, self.velocity.1 * seconds);
        let mixed = |flow: f32, before: f32| before + belief * (flow - before);
        let by = flow.map_or((0.5 * as_before.0, 0.5 * as_before.1), |flow| {
            (mixed(flow.0, as_before.0), mixed(flow.1, as_before.1))
        });
        (self.x, self.y) = (self.x + by.0, self.y + by.1);
        if flow.is_some() {
            self.carried = (self.carried.0 + by.0, self.carried.1 + by.1);
        }
        self.belief = belief;
        self.age_s += seconds;
    }

    /// Takes in what it owns. `moved_from` is where it was a frame ago.
    pub(super) fn settle(
        &mut self,
        moved_from: (f32, f32),
        in_crowd: bool,
        expected: PersonSize,
        seconds: f32,
    ) {
        let owned = self.owned;
        let [free, free_x, free_y] = owned.free;
        if owned.px > LEAST_PX && free > LEAST_PX {
            let pull = share_within(seconds, if in_crowd { PULL_IN_CROWD_S } else { PULL_ALONE_S });
            self.x += pull * (owned.x / owned.px - free_x / free);
            self.y += pull * (owned.y / owned.px - free_y / free);
            let follow = share_within(seconds, COLOUR_FOLLOWS_S);
            for (colour, sum) in self.colour.iter_mut().zip(owned.colour) {
                *colour += follow * (sum / owned.px - *colour);
            }
        }
        if seconds > 0.0 {
            let follow = self.belief * share_within(seconds, VELOCITY_FOLLOWS_S);
            self.velocity.0 += follow * ((self.x - moved_from.0) / seconds - self.velocity.0);
            self.velocity.1 += follow * ((self.y - moved_from.1) / seconds - self.velocity.1);
        }
        let follow = share_within(seconds, SIZE_FOLLOWS_S);
        self.half_width += follow * (0.5 * expected.width - self.half_width);
        self.half_height += follow * (0.5 * expected.height - self.half_height);
        let away = (self.x - self.rest.0).hypot(self.y - self.rest.1);
        if away > 0.5 * self.half_height {
            (self.rest, self.rests_s) = ((self.x, self.y), 0.0);
        } else {
            self.rests_s += seconds;
        }
    }

    /// Whether it has come so far that it has walked, if it left its place empty: a door that opens does not.
    pub(super) fn has_come_far(&self) -> bool {
        self.carried.0.hypot(self.carried.1) > WALKED_WIDTHS * 2.0 * self.half_width
    }

    /// Share of the ellipse that is not ground.
    pub(super) fn seen_share(&self) -> f32 {
        self.owned.inside / (std::f32::consts::PI * self.half_width * self.half_height)
    }

    /// Whether two are so near each other that they share px.
    pub(super) fn touches(&self, other: &Self) -> bool {
        (self.x - other.x).abs() < 1.1 * (self.half_width + other.half_width)
            && (self.y - other.y).abs() < 1.1 * (self.half_height + other.half_height)
    }

    /// Whether somebody near goes the other way, so that the flow at the rim is theirs.
    pub(super) fn is_passed_by(&self, other: &Self) -> bool {
        let along = self.velocity.0 * other.velocity.0 + self.velocity.1 * other.velocity.1;
        let walks =
            |who: &Self| who.velocity.0.hypot(who.velocity.1) > PASSING_WIDTHS_PER_S * 2.0 * who.half_width;
        along < 0.0 && walks(self) && walks(other) && self.touches(other)
    }

    /// The box around the ellipse.
    pub(super) fn bbox(&self) -> ImageBox {
        ImageBox::new(
            self.x - self.half_width,
            self.y - self.half_height,
            self.x + self.half_width,
            self.y + self.half_height,
        )
    }
}

/// Share of the way that something goes in this time which follows within `patience_s`.
pub(super) fn share_within(seconds: f32, patience_s: f32) -> f32 {
    1.0 - (-seconds / patience_s).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: PersonSize = PersonSize { width: 10.0, height: 20.0 };

    fn carried(step: (f32, f32), frames: usize) -> Walker {
        let mut walker = Walker::new(50.0, 50.0, SIZE, [0.0; 3]);
        for _ in 0..frames {
            let from = (walker.x, walker.y);
            walker.carry(Some(step), 1.0, 0.1);
            walker.settle(from, false, SIZE, 0.1);
        }
        walker
    }

    #[test]
    fn who_is_carried_by_a_body_width_has_walked_and_who_sways_has_not() {
        assert!(carried((1.0, 0.0), 7).has_come_far());
        assert!(!carried((1.0, 0.0), 5).has_come_far());
        assert!(!carried((0.0, 0.0), 1_000).has_come_far());
    }

    #[test]
    fn who_is_hidden_goes_on_more_and_more_slowly() {
        let mut walker = carried((1.0, 0.0), 50);
        let x = walker.x;
        walker.carry(None, 0.0, 0.1);
        assert!((walker.x - x - 0.5).abs() < 0.1, "{}", walker.x - x);
    }

    #[test]
    fn rest_is_told_from_walking() {
        assert!(carried((1.0, 0.0), 100).rests_s < 1.0);
        assert!(carried((0.0, 0.0), 100).rests_s > 9.0);
    }
}
