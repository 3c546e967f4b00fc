//! One camera: frames and detections in, crossings and minutes out. The only place where its stages meet.

use crate::count::LineSettings;
use crate::geom::{PictureSize, Polygon};
use std::time::Duration;

/// How one camera counts.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineSettings {
    /// Size of the picture that the lines were drawn on. A picture of the same shape and another
    /// size is scaled to it; one of another shape is not counted.
    pub picture: Option<PictureSize>,
    /// Frames a second to look at, by their times; none: every frame.
    pub rate: Option<f64>,
    /// The lines.
    pub lines: Vec<LineSettings>,
    /// Detections whose foot lies in one of these are not people (posters, mirrors, mannequins).
    pub exclusion: Vec<Polygon>,
    /// Two frames further apart than this leave a gap in coverage.
    pub longest_gap: Duration,
}
