//! A simple polygon in image space.

use super::ImagePoint;

/// A closed polygon, px. Its edges belong to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon {
    corners: Vec<ImagePoint>,
}

/// Why points do not make a polygon.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PolygonError {
    /// Fewer than three corners.
    #[error("a polygon needs at least 3 corners, got {0}")]
    TooFew(usize),
    /// A corner is not a number.
    #[error("corner {0} of the polygon is not a finite point")]
    NotFinite(usize),
    /// The corners lie on one line.
    #[error("the polygon has no area")]
    Flat,
}

impl Polygon {
    /// Checks the corners; the last is joined to the first.
    ///
    /// # Errors
    /// [`PolygonError`] where they enclose nothing.
    pub fn new(corners: Vec<ImagePoint>) -> Result<Self, PolygonError> {
        if corners.len() < 3 {
            return Err(PolygonError::TooFew(corners.len()));
        }
        if let Some(at) = corners.iter().position(|p| !p.x.is_finite() || !p.y.is_finite()) {
            return Err(PolygonError::NotFinite(at + 1));
        }
        let polygon = Self { corners };
        if polygon.area() <= f32::EPSILON { Err(PolygonError::Flat) } else { Ok(polygon) }
    }

    /// The corners in order.
    #[must_use]
    pub fn corners(&self) -> &[ImagePoint] {
        &self.corners
    }

    /// Area in px² (shoelace formula).
    #[must_use]
    pub fn area(&self) -> f32 {
        let twice: f32 = self.edges().map(|(p, q)| p.x * q.y - q.x * p.y).sum();
        0.5 * twice.abs()
    }

    /// Whether the point is inside or on an edge (even-odd rule).
    #[must_use]
    pub fn contains(&self, p: ImagePoint) -> bool {
        let mut inside = false;
        for (a, b) in self.edges() {
            if on_edge(a, b, p) {
                return true;
            }
            if (a.y > p.y) != (b.y > p.y) && p.x < a.x + (p.y - a.y) / (b.y - a.y) * (b.x - a.x) {
                inside = !inside;
            }
        }
        inside
    }

    fn edges(&self) -> impl Iterator<Item = (ImagePoint, ImagePoint)> + '_ {
        let next = self.corners.iter().cycle().skip(1);
        self.corners.iter().copied().zip(next.copied())
    }
}

fn on_edge(a: ImagePoint, b: ImagePoint, p: ImagePoint) -> bool {
    let cross = (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
    let within = |lo: f32, hi: f32, v: f32| (lo.min(hi)..=lo.max(hi)).contains(&v);
    cross.abs() <= f32::EPSILON && within(a.x, b.x, p.x) && within(a.y, b.y, p.y)
}
