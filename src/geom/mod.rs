//! Points, boxes, segments and polygons, each in a named space.
//!
//! Image space is px in the source picture: x to the right, y **down**. The coordinates
//! from 0 to width and 0 to height, both included, are inside the picture.

pub mod bbox;
pub mod floor_polygon;
pub mod homography;
pub mod polygon;
pub mod segment;

pub use bbox::ImageBox;
pub use floor_polygon::FloorPolygon;
pub use homography::{FloorFromImage, FloorPoint, HomographyError, Placed};
pub use polygon::Polygon;
pub use segment::Segment;

/// A point in image space, in px.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ImagePoint {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

impl ImagePoint {
    /// A point at `x`, `y` px.
    #[must_use]
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }
}

/// Size of a picture in px.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PictureSize {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl PictureSize {
    /// Whether a point lies in the picture, its right and lower edges included.
    #[must_use]
    pub fn contains(self, point: ImagePoint) -> bool {
        // A picture side is far below 2^24, where f32 stops being exact.
        (0.0..=self.width as f32).contains(&point.x) && (0.0..=self.height as f32).contains(&point.y)
    }
}

impl std::fmt::Display for PictureSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}
