//! A directed segment and the side of it on which a point lies.

use super::ImagePoint;

/// From `a` to `b` in image space, px. The store is on the left of somebody who walks from a to b
/// **on the picture**: where `(b - a) x (p - a) < 0`, y running down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Where it starts.
    pub a: ImagePoint,
    /// Where it ends.
    pub b: ImagePoint,
}

impl Segment {
    /// From `a` to `b`.
    #[must_use]
    pub const fn new(a: ImagePoint, b: ImagePoint) -> Self {
        Self { a, b }
    }

    /// Length in px.
    #[must_use]
    pub fn length(&self) -> f32 {
        (self.b.x - self.a.x).hypot(self.b.y - self.a.y)
    }

    /// Distance of `p` from the endless line, px; positive on the left (the store's side).
    #[must_use]
    pub fn left_distance(&self, p: ImagePoint) -> f32 {
        let (dx, dy) = (self.b.x - self.a.x, self.b.y - self.a.y);
        -(dx * (p.y - self.a.y) - dy * (p.x - self.a.x)) / self.length()
    }

    /// Where `p` lies along the segment: 0 at `a`, 1 at `b`, below 0 and above 1 beyond them.
    #[must_use]
    pub fn along(&self, p: ImagePoint) -> f32 {
        let (dx, dy) = (self.b.x - self.a.x, self.b.y - self.a.y);
        (dx * (p.x - self.a.x) + dy * (p.y - self.a.y)) / (dx * dx + dy * dy)
    }
}
