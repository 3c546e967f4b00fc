//! A simple polygon in image space.

use super::ImagePoint;

/// A point this near to an edge lies on it, px: coordinates of a picture are exact to a few thousandths in f32.
const ON_EDGE_PX: f64 = 0.01;

/// A closed polygon, px. Its edges belong to it, with [`Polygon::contains`]' tolerance of a hundredth of a px.
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

    /// Whether the point is inside (even-odd rule), or on an edge: at most 0.01 px away from it.
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
    // In f64, where products of two coordinates of a picture are exact enough.
    let between = |from: f32, to: f32| f64::from(to) - f64::from(from);
    let (ab, ap) = ((between(a.x, b.x), between(a.y, b.y)), (between(a.x, p.x), between(a.y, p.y)));
    let squared = ab.0 * ab.0 + ab.1 * ab.1;
    let share = if squared > 0.0 { ((ap.0 * ab.0 + ap.1 * ab.1) / squared).clamp(0.0, 1.0) } else { 0.0 };
    (ap.0 - share * ab.0).hypot(ap.1 - share * ab.1) <= ON_EDGE_PX
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn corner() -> impl Strategy<Value = ImagePoint> {
        (0.0f32..4096.0, 0.0f32..4096.0).prop_map(|(x, y)| ImagePoint::new(x, y))
    }

    #[test]
    fn a_point_beside_an_edge_is_outside() {
        let corners = [(0.0, 0.0), (90.0, 30.0), (0.0, 60.0)].map(|(x, y)| ImagePoint::new(x, y));
        let triangle = Polygon::new(corners.to_vec()).unwrap();
        assert!(triangle.contains(ImagePoint::new(30.0, 10.0)));
        assert!(triangle.contains(ImagePoint::new(30.0, 10.1)));
        assert!(!triangle.contains(ImagePoint::new(30.0, 9.9)));
        assert!(!triangle.contains(ImagePoint::new(90.1, 30.0)));
    }

    proptest! {
        #[test]
        fn edges_belong_to_the_polygon_however_they_slope(
            corners in prop::collection::vec(corner(), 3..8), edge in 0_usize..8, share in 0.0f32..=1.0,
        ) {
            let Ok(polygon) = Polygon::new(corners.clone()) else { return Ok(()) };
            let (a, b) = (corners[edge % corners.len()], corners[(edge + 1) % corners.len()]);
            let on = ImagePoint::new(a.x + share * (b.x - a.x), a.y + share * (b.y - a.y));
            prop_assert!(polygon.contains(on), "{on:?} between {a:?} and {b:?}");
        }
    }
}
