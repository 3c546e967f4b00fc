//! A simple polygon on the floor, in metres.

use super::homography::FloorPoint;
use super::polygon::PolygonError;

/// Smallest area that somebody can stand on, m².
const LEAST_AREA_M2: f64 = 1e-4;

/// A closed polygon on the floor, metres.
#[derive(Debug, Clone, PartialEq)]
pub struct FloorPolygon {
    corners: Vec<FloorPoint>,
}

impl FloorPolygon {
    /// Checks the corners; the last is joined to the first.
    ///
    /// # Errors
    /// [`PolygonError`] where they enclose nothing.
    pub fn new(corners: Vec<FloorPoint>) -> Result<Self, PolygonError> {
        if corners.len() < 3 {
            return Err(PolygonError::TooFew(corners.len()));
        }
        if let Some(at) = corners.iter().position(|p| !p.x_m.is_finite() || !p.y_m.is_finite()) {
            return Err(PolygonError::NotFinite(at + 1));
        }
        let polygon = Self { corners };
        let twice: f64 = polygon.edges().map(|(p, q)| p.x_m * q.y_m - q.x_m * p.y_m).sum();
        if 0.5 * twice.abs() <= LEAST_AREA_M2 { Err(PolygonError::Flat) } else { Ok(polygon) }
    }

    /// The corners in order.
    #[must_use]
    pub fn corners(&self) -> &[FloorPoint] {
        &self.corners
    }

    /// Whether the point is inside (even-odd rule). Points exactly on an edge belong to one side or the other.
    #[must_use]
    pub fn contains(&self, p: FloorPoint) -> bool {
        let meets = |(a, b): &(FloorPoint, FloorPoint)| {
            (a.y_m > p.y_m) != (b.y_m > p.y_m)
                && p.x_m < a.x_m + (p.y_m - a.y_m) / (b.y_m - a.y_m) * (b.x_m - a.x_m)
        };
        self.edges().filter(meets).count() % 2 == 1
    }

    fn edges(&self) -> impl Iterator<Item = (FloorPoint, FloorPoint)> + '_ {
        let next = self.corners.iter().cycle().skip(1);
        self.corners.iter().copied().zip(next.copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polygon(corners: &[(f64, f64)]) -> Result<FloorPolygon, PolygonError> {
        FloorPolygon::new(corners.iter().map(|&(x_m, y_m)| FloorPoint { x_m, y_m }).collect())
    }

    #[test]
    fn a_corner_of_a_shop_holds_what_stands_in_it() {
        let corner =
            polygon(&[(0.0, 0.0), (4.0, 0.0), (4.0, 1.0), (1.0, 1.0), (1.0, 3.0), (0.0, 3.0)]).unwrap();
        let check =
            |x_m, y_m, inside| assert_eq!(corner.contains(FloorPoint { x_m, y_m }), inside, "{x_m} {y_m}");
        check(0.5, 2.5, true);
        check(3.5, 0.5, true);
        check(3.5, 2.5, false);
        check(-0.1, 0.5, false);
    }

    #[test]
    fn what_encloses_nothing_is_refused() {
        assert_eq!(polygon(&[(0.0, 0.0), (1.0, 1.0)]), Err(PolygonError::TooFew(2)));
        assert_eq!(polygon(&[(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)]), Err(PolygonError::Flat));
        assert_eq!(polygon(&[(0.0, 0.0), (1.0, f64::NAN), (2.0, 2.0)]), Err(PolygonError::NotFinite(2)));
    }
}
