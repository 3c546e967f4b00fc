//! The part that names OpenCV: a small picture, and the flow between two.
//!
//! Flow is dense inverse search (Kroeger, Timofte, Dai and Van Gool, ECCV 2016) at its fastest setting. It is taken
//! where people merge: there motion is what tells them apart.

use super::scene::{Scene, SmallView};
use super::size::{PersonSize, SizeModel};
use super::{MODEL, UNMOVED_SCORE, WALKED_SCORE};
use crate::capture::Picture;
use crate::detect::letterbox::check_picture;
use crate::detect::{DetectError, Detection, Detector, nms};
use crate::geom::{ImagePoint, PictureSize};
use crate::time::FrameTime;
use opencv::core::{self, Mat, Ptr, Size, Vec2f, Vec3b};
use opencv::prelude::*;
use opencv::{imgproc, video};
use std::time::Duration;

/// Px of the small picture, about: people in it are some 15 x 30 px, which is enough.
const SMALL_PX: f32 = 34_000.0;

/// How large somebody is whose middle is at a place, px of the picture; none where that is not known.
pub type ExpectedSize = Box<dyn Fn(ImagePoint) -> Option<PersonSize> + Send>;

/// Finds people by what differs from the empty place.
pub struct ForegroundDetector {
    expected: Option<ExpectedSize>,
    eye: Option<Eye>,
    last_at: Option<FrameTime>,
}

/// All that depends on the picture's size.
struct Eye {
    source: PictureSize,
    /// Px of the picture to a px of the small one, both ways.
    shrink: u32,
    scene: Scene,
    small: Mat,
    grey: Mat,
    grey_before: Mat,
    flow_mat: Mat,
    flow: Vec<[f32; 2]>,
    dis: Ptr<video::DISOpticalFlow>,
}

impl ForegroundDetector {
    /// One that has seen nothing yet and learns the size of people.
    #[must_use]
    pub fn new() -> Self {
        Self { expected: None, eye: None, last_at: None }
    }

    /// The same, told by a calibration how large people are.
    #[must_use]
    pub fn sized_by(self, expected: ExpectedSize) -> Self {
        Self { expected: Some(expected), ..self }
    }

    fn look(&mut self, picture: &Picture, at: FrameTime) -> opencv::Result<()> {
        let size = picture.size();
        if self.eye.as_ref().is_none_or(|eye| eye.source != size) {
            self.eye = Some(Eye::new(size)?);
            self.last_at = None;
        }
        let eye = self.eye.as_mut().expect("it was made above");
        let seconds = self.last_at.map_or(0.0, |last| at.since(last).as_secs_f32());
        self.last_at = Some(at);
        eye.look(picture)?;
        eye.step(seconds, self.expected.as_ref())
    }
}

impl Default for ForegroundDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl Eye {
    fn new(source: PictureSize) -> opencv::Result<Self> {
        let px = source.width as f32 * source.height as f32;
        let least_side = source.width.min(source.height);
        let shrink = ((px / SMALL_PX).sqrt().round() as u32).clamp(1, least_side.max(1));
        let (width, height) = (source.width / shrink, source.height / shrink);
        Ok(Self {
            source,
            shrink,
            scene: Scene::new(width as usize, height as usize),
            small: Mat::default(),
            grey: Mat::default(),
            grey_before: Mat::default(),
            flow_mat: Mat::default(),
            flow: Vec::new(),
            dis: video::DISOpticalFlow::create(video::DISOpticalFlow_PRESET_ULTRAFAST)?,
        })
    }

    /// Makes the small picture, and the flow since the one before.
    fn look(&mut self, picture: &Picture) -> opencv::Result<()> {
        let side = |px: u32| i32::try_from(px).unwrap_or(i32::MAX);
        let whole =
            Mat::new_rows_cols_with_bytes::<Vec3b>(side(picture.height), side(picture.width), &picture.bgr)?;
        let (width, height) = (side(self.source.width / self.shrink), side(self.source.height / self.shrink));
        // What does not fill a small px is left out at the right and at the bottom: a whole shrink is fast.
        let used = core::Rect::new(0, 0, width * side(self.shrink), height * side(self.shrink));
        let used = Mat::roi(&whole, used)?;
        imgproc::resize(&used, &mut self.small, Size::new(width, height), 0.0, 0.0, imgproc::INTER_AREA)?;
        std::mem::swap(&mut self.grey, &mut self.grey_before);
        imgproc::cvt_color_def(&self.small, &mut self.grey, imgproc::COLOR_BGR2GRAY)?;
        self.flow.clear();
        if self.grey_before.empty() {
            self.flow.resize((width * height) as usize, [0.0; 2]);
            return Ok(());
        }
        self.dis.calc(&self.grey_before, &self.grey, &mut self.flow_mat)?;
        self.flow.extend(self.flow_mat.data_typed::<Vec2f>()?.iter().map(|flow| flow.0));
        Ok(())
    }

    fn step(&mut self, seconds: f32, expected: Option<&ExpectedSize>) -> opencv::Result<()> {
        let shrink = self.shrink as f32;
        let size_at = |learned: &SizeModel, x: f32, y: f32| {
            let told = expected.and_then(|expected| expected(ImagePoint::new(x * shrink, y * shrink)));
            told.map_or_else(
                || learned.at(x, y),
                |size| PersonSize { width: size.width / shrink, height: size.height / shrink },
            )
        };
        let view = SmallView { bgr: self.small.data_bytes()?, flow: &self.flow };
        self.scene.step(view, seconds, &size_at);
        Ok(())
    }
}

impl Detector for ForegroundDetector {
    fn detect(
        &mut self,
        picture: &Picture,
        at: FrameTime,
        out: &mut Vec<Detection>,
    ) -> Result<(), DetectError> {
        out.clear();
        check_picture(picture).map_err(|reason| DetectError::Picture { model: MODEL.to_owned(), reason })?;
        self.look(picture, at)
            .map_err(|fault| DetectError::Run { model: MODEL.to_owned(), reason: fault.to_string() })?;
        let Some(eye) = &self.eye else { return Ok(()) };
        let shrink = eye.shrink as f32;
        out.extend(eye.scene.walkers.iter().map(|walker| Detection {
            bbox: walker.bbox().scaled(shrink, shrink),
            score: if walker.has_walked { WALKED_SCORE } else { UNMOVED_SCORE },
        }));
        nms::sort_best_first(out);
        Ok(())
    }

    fn model(&self) -> &str {
        MODEL
    }

    fn inference_cpu(&self) -> Duration {
        Duration::ZERO
    }
}
