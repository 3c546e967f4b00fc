//! An upright box in image space.

use super::ImagePoint;

/// No picture is larger; beyond it, products of four lengths leave what f32 can hold.
const FARTHEST_PX: f32 = 1e6;

/// A box by its corners, px, with `left <= right` and `top <= bottom`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ImageBox {
    /// Smallest x.
    pub left: f32,
    /// Smallest y.
    pub top: f32,
    /// Largest x.
    pub right: f32,
    /// Largest y.
    pub bottom: f32,
}

impl ImageBox {
    /// From two corners; nothing is checked, see [`ImageBox::is_sound`].
    #[must_use]
    pub const fn new(left: f32, top: f32, right: f32, bottom: f32) -> Self {
        Self { left, top, right, bottom }
    }

    /// From the left upper corner and the size.
    #[must_use]
    pub fn from_left_top_size(left: f32, top: f32, width: f32, height: f32) -> Self {
        Self::new(left, top, left + width, top + height)
    }

    /// Whether the box has an area and lies where a picture can be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        // NaN fails this too.
        [self.left, self.top, self.right, self.bottom].iter().all(|v| v.abs() <= FARTHEST_PX)
            && self.right > self.left
            && self.bottom > self.top
    }

    /// Width in px.
    #[must_use]
    pub fn width(&self) -> f32 {
        self.right - self.left
    }

    /// Height in px.
    #[must_use]
    pub fn height(&self) -> f32 {
        self.bottom - self.top
    }

    /// The box that lies `share` of the way to another, corner by corner.
    #[must_use]
    pub fn drawn_to(&self, other: &Self, share: f32) -> Self {
        let between = |from: f32, to: f32| from + share * (to - from);
        Self::new(
            between(self.left, other.left),
            between(self.top, other.top),
            between(self.right, other.right),
            between(self.bottom, other.bottom),
        )
    }

    /// Area in px².
    #[must_use]
    pub fn area(&self) -> f32 {
        self.width() * self.height()
    }

    /// Bottom centre: where the person stands.
    #[must_use]
    pub fn foot(&self) -> ImagePoint {
        ImagePoint::new(0.5 * (self.left + self.right), self.bottom)
    }

    /// The middle of the box.
    #[must_use]
    pub fn centre(&self) -> ImagePoint {
        ImagePoint::new(0.5 * (self.left + self.right), 0.5 * (self.top + self.bottom))
    }

    /// Top centre.
    #[must_use]
    pub fn head(&self) -> ImagePoint {
        ImagePoint::new(0.5 * (self.left + self.right), self.top)
    }

    /// The part that lies in another box, px²; zero where they do not touch.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> f32 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        if width > 0.0 && height > 0.0 { width * height } else { 0.0 }
    }

    /// Intersection over union, 0 to 1.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f32 {
        let both = self.intersection(other);
        let either = self.area() + other.area() - both;
        if either > 0.0 { both / either } else { 0.0 }
    }

    /// The box grown by `share` of its width and height on every side.
    #[must_use]
    pub fn grown(&self, share: f32) -> Self {
        let (dx, dy) = (share * self.width(), share * self.height());
        Self::new(self.left - dx, self.top - dy, self.right + dx, self.bottom + dy)
    }

    /// The box in a picture whose sides are `x` and `y` times as long.
    #[must_use]
    pub fn scaled(&self, x: f32, y: f32) -> Self {
        Self::new(self.left * x, self.top * y, self.right * x, self.bottom * y)
    }
}
