//! Draws what is counted over a picture, and writes pictures and clips.
//!
//! An [`Overlay`] only describes what is to be seen, in px of the picture, so whoever makes one needs no drawing
//! library. Everything is drawn twice, first wider and dark: a light line on a light floor
//! would not be seen without that.

use crate::capture::Picture;
use crate::geom::{ImageBox, ImagePoint, PictureSize, Polygon, Segment};
use opencv::core::{Mat, Point, Point2f, Scalar, Size, Vec3b, Vector};
use opencv::prelude::*;
use opencv::{boxed_ref::BoxedRef, boxed_ref::BoxedRefMut, imgcodecs, imgproc, videoio};
use std::path::{Path, PathBuf};

/// What is drawn, from the lowest layer to the highest. All places are px of the picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overlay {
    /// The floor of a calibration.
    pub floor: FloorMark,
    /// Zones with their names.
    pub zones: Vec<ZoneMark>,
    /// Lines with their names, and what was counted there.
    pub lines: Vec<LineMark>,
    /// Where each track has been, oldest first.
    pub trails: Vec<Trail>,
    /// People.
    pub boxes: Vec<BoxMark>,
    /// The points that count.
    pub feet: Vec<ImagePoint>,
    /// Text in the left upper corner; empty for none.
    pub caption: String,
}

/// A floor: lines a metre apart, and people on it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FloorMark {
    /// Lines a metre apart.
    pub metres: Vec<Vec<ImagePoint>>,
    /// Every fifth of them.
    pub fifths: Vec<Vec<ImagePoint>>,
    /// Where lines cross, as `x,y` in metres.
    pub labels: Vec<(ImagePoint, String)>,
    /// Where the floor ends, from left to right.
    pub horizon: Vec<ImagePoint>,
    /// Outlines of people.
    pub people: Vec<Vec<ImagePoint>>,
}

/// A zone.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneMark {
    /// Its outline.
    pub polygon: Polygon,
    /// Its name.
    pub label: String,
    /// What it is for, which gives it its colour.
    pub kind: ZoneKind,
}

/// What a zone is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZoneKind {
    /// A track counts only if it was seen in it.
    Activation,
    /// What stands in it is not a person.
    Exclusion,
    /// Visits are counted in it.
    Visits,
}

/// A line. An arrow from its middle shows which way is in.
#[derive(Debug, Clone, PartialEq)]
pub struct LineMark {
    /// Where it lies.
    pub segment: Segment,
    /// Full width of the band around it.
    pub band_px: f32,
    /// Its name and totals, such as `door  in 3  out 5`.
    pub label: String,
}

/// The way of one track.
#[derive(Debug, Clone, PartialEq)]
pub struct Trail {
    /// The track's number, which gives it its colour.
    pub track: u64,
    /// Where it has been, oldest first.
    pub points: Vec<ImagePoint>,
}

/// A person.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoxMark {
    /// Where.
    pub bbox: ImageBox,
    /// How sure the detector is, 0 to 1, where it is to be shown.
    pub score: Option<f32>,
    /// Its track; a detection without one is grey.
    pub track: Option<u64>,
}

/// Why something could not be drawn or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// The library failed.
    #[error("drawing failed: {0}")]
    Library(String),
    /// The file could not be written.
    #[error("{} cannot be written: {cause}; check the folder, its space, and who may write there", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What is known about it.
        cause: String,
    },
    /// The clip was begun with another size.
    #[error("a picture of {got} px does not fit a clip of {expected} px")]
    Size {
        /// Size of the picture.
        got: PictureSize,
        /// Size of the clip.
        expected: PictureSize,
    },
}

impl From<opencv::Error> for DrawError {
    fn from(fault: opencv::Error) -> Self {
        Self::Library(fault.message.trim().to_owned())
    }
}

/// Blue, green, red.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Colour(u8, u8, u8);

const DARK: Colour = Colour(20, 20, 20);
const WHITE: Colour = Colour(255, 255, 255);
const GREY: Colour = Colour(190, 190, 190);
const LINE: Colour = Colour(0, 230, 255);
const METRE: Colour = Colour(255, 220, 120);
const ACTIVATION: Colour = Colour(120, 220, 80);
const EXCLUSION: Colour = Colour(80, 80, 240);
const VISITS: Colour = Colour(240, 200, 60);

/// Colours of tracks that the colour-blind tell apart too: those of Okabe and Ito, "Color universal design", without black.
const TRACKS: [Colour; 7] = [
    Colour(0, 159, 230),
    Colour(233, 180, 86),
    Colour(115, 158, 0),
    Colour(66, 228, 240),
    Colour(178, 114, 0),
    Colour(0, 94, 213),
    Colour(167, 121, 204),
];

/// Height of the picture that widths below are for, px.
const REFERENCE_HEIGHT: f32 = 576.0;

/// Bits of a pixel's fraction that OpenCV is given.
const FRACTION_BITS: i32 = 4;

/// Points further out than this are drawn here: OpenCV's fixed-point numbers end not far beyond.
const FARTHEST_PX: f32 = 30_000.0;

/// Draws the overlay into the picture.
///
/// # Errors
/// [`DrawError::Library`] where the picture's memory does not fit its size.
pub fn draw(overlay: &Overlay, picture: &mut Picture) -> Result<(), DrawError> {
    if picture.width == 0 || picture.height == 0 {
        return Ok(());
    }
    let mut canvas = Canvas::over(picture)?;
    canvas.floor(&overlay.floor)?;
    for zone in &overlay.zones {
        canvas.zone(zone)?;
    }
    for line in &overlay.lines {
        canvas.line(line)?;
    }
    for trail in &overlay.trails {
        canvas.path(&trail.points, Ends::Open, 1.5, colour_of(trail.track))?;
    }
    for person in &overlay.boxes {
        canvas.person(person)?;
    }
    for foot in &overlay.feet {
        canvas.dot(*foot, 3.0, WHITE)?;
    }
    // Labels come last, so that no box hides a total.
    for line in &overlay.lines {
        canvas.line_label(line)?;
    }
    canvas.text(&overlay.caption, ImagePoint::new(8.0, 8.0), 0.7, WHITE)
}

fn colour_of(track: u64) -> Colour {
    TRACKS[(track % TRACKS.len() as u64) as usize]
}

/// Whether the last point of a path is joined to the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Open,
    Joined,
}

/// A picture that is drawn on.
struct Canvas<'a> {
    mat: BoxedRefMut<'a, Mat>,
    size: PictureSize,
    /// Size of what is drawn: 1 for a picture of the reference height.
    unit: f32,
}

impl<'a> Canvas<'a> {
    fn over(picture: &'a mut Picture) -> Result<Self, DrawError> {
        let size = picture.size();
        let (rows, cols) = rows_and_cols(size)?;
        let unit = (size.height as f32 / REFERENCE_HEIGHT).clamp(0.6, 4.0);
        let mat = Mat::new_rows_cols_with_bytes_mut::<Vec3b>(rows, cols, &mut picture.bgr)?;
        Ok(Self { mat, size, unit })
    }

    fn width(&self, width: f32) -> i32 {
        ((width * self.unit).round() as i32).max(1)
    }

    /// A path with its halo; points that are no numbers are left out.
    fn path(
        &mut self,
        points: &[ImagePoint],
        ends: Ends,
        width: f32,
        colour: Colour,
    ) -> Result<(), DrawError> {
        let corners: Vector<Point> = points.iter().filter_map(|point| fixed(*point)).collect();
        if corners.is_empty() {
            return Ok(());
        }
        for (width, colour) in [(self.width(width) + self.width(1.5), DARK), (self.width(width), colour)] {
            let joined = ends == Ends::Joined;
            imgproc::polylines(
                &mut self.mat,
                &corners,
                joined,
                scalar(colour),
                width,
                imgproc::LINE_AA,
                FRACTION_BITS,
            )?;
        }
        Ok(())
    }

    /// A thin path without a halo, of which there are many.
    fn thin_path(&mut self, points: &[ImagePoint], colour: Colour) -> Result<(), DrawError> {
        let corners: Vector<Point> = points.iter().filter_map(|point| fixed(*point)).collect();
        if corners.is_empty() {
            return Ok(());
        }
        let (paint, width) = (scalar(colour), self.width(0.6));
        let smooth = imgproc::LINE_AA;
        Ok(imgproc::polylines(&mut self.mat, &corners, false, paint, width, smooth, FRACTION_BITS)?)
    }

    fn floor(&mut self, floor: &FloorMark) -> Result<(), DrawError> {
        for line in &floor.metres {
            self.thin_path(line, METRE)?;
        }
        for line in &floor.fifths {
            self.path(line, Ends::Open, 1.2, METRE)?;
        }
        self.path(&floor.horizon, Ends::Open, 2.0, EXCLUSION)?;
        for person in &floor.people {
            self.path(person, Ends::Joined, 1.2, LINE)?;
        }
        for (at, label) in &floor.labels {
            self.text(label, ImagePoint::new(at.x + 3.0, at.y - 16.0 * self.unit), 0.42, WHITE)?;
        }
        Ok(())
    }

    fn dot(&mut self, at: ImagePoint, radius: f32, colour: Colour) -> Result<(), DrawError> {
        let Some(centre) = fixed(at) else { return Ok(()) };
        for (radius, colour) in [(radius + 1.5, DARK), (radius, colour)] {
            let radius = self.width(radius) << FRACTION_BITS;
            let filled = imgproc::FILLED;
            imgproc::circle(
                &mut self.mat,
                centre,
                radius,
                scalar(colour),
                filled,
                imgproc::LINE_AA,
                FRACTION_BITS,
            )?;
        }
        Ok(())
    }

    /// Text whose left upper corner is at `at`, moved so that it lies in the picture.
    fn text(&mut self, text: &str, at: ImagePoint, scale: f32, colour: Colour) -> Result<(), DrawError> {
        if text.is_empty() || !at.x.is_finite() || !at.y.is_finite() {
            return Ok(());
        }
        let (face, scale) = (imgproc::FONT_HERSHEY_SIMPLEX, f64::from(scale * self.unit));
        let (thin, halo) = (self.width(1.2), self.width(3.5));
        let mut below_px = 0;
        let extent = imgproc::get_text_size(text, face, scale, thin, &mut below_px)?;
        let inside = |at: f32, length: i32, side: u32| {
            let most = (side as f32 - length as f32 - halo as f32).max(0.0);
            at.clamp(0.0, most) as i32
        };
        let left = inside(at.x, extent.width, self.size.width) + halo / 2;
        let top = inside(at.y, extent.height + below_px, self.size.height) + halo / 2;
        let origin = Point::new(left, top + extent.height);
        for (width, colour) in [(halo, DARK), (thin, colour)] {
            let paint = scalar(colour);
            imgproc::put_text(
                &mut self.mat,
                text,
                origin,
                face,
                scale,
                paint,
                width,
                imgproc::LINE_AA,
                false,
            )?;
        }
        Ok(())
    }

    fn zone(&mut self, zone: &ZoneMark) -> Result<(), DrawError> {
        let colour = match zone.kind {
            ZoneKind::Activation => ACTIVATION,
            ZoneKind::Exclusion => EXCLUSION,
            ZoneKind::Visits => VISITS,
        };
        let corners = zone.polygon.corners();
        self.path(corners, Ends::Joined, 1.5, colour)?;
        let Some(first) = corners.first() else { return Ok(()) };
        self.text(&zone.label, ImagePoint::new(first.x + 4.0, first.y + 4.0), 0.5, colour)
    }

    fn line(&mut self, line: &LineMark) -> Result<(), DrawError> {
        let Segment { a, b } = line.segment;
        let inwards = towards_in(line.segment);
        if line.band_px > 1.0 {
            for side in [0.5 * line.band_px, -0.5 * line.band_px] {
                self.path(&[moved(a, inwards, side), moved(b, inwards, side)], Ends::Open, 0.5, GREY)?;
            }
        }
        self.path(&[a, b], Ends::Open, 2.5, LINE)?;
        self.dot(a, 4.0, LINE)?;
        self.dot(b, 4.0, LINE)?;
        // The arrow: from the middle towards the store.
        let length = 0.5 * line.band_px.max(0.0) + 40.0 * self.unit;
        let middle = middle(line.segment);
        let tip = moved(middle, inwards, length);
        let along = ImagePoint::new(-inwards.y, inwards.x);
        let unit = self.unit;
        let barb = |side: f32| moved(moved(tip, inwards, -11.0 * unit), along, side * unit);
        self.path(&[middle, tip], Ends::Open, 2.5, LINE)?;
        self.path(&[barb(8.0), tip, barb(-8.0)], Ends::Open, 2.5, LINE)
    }

    fn line_label(&mut self, line: &LineMark) -> Result<(), DrawError> {
        // Beside the line's upper end, where it hides neither the arrow nor those who cross.
        let Segment { a, b } = line.segment;
        let upper = if a.y <= b.y { a } else { b };
        self.text(&line.label, ImagePoint::new(upper.x + 8.0 * self.unit, upper.y), 0.6, LINE)
    }

    fn person(&mut self, person: &BoxMark) -> Result<(), DrawError> {
        let ImageBox { left, top, right, bottom } = person.bbox;
        let colour = person.track.map_or(GREY, colour_of);
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
        let corners = corners.map(|(x, y)| ImagePoint::new(x, y));
        self.path(&corners, Ends::Joined, 1.5, colour)?;
        let label = match (person.track, person.score) {
            (Some(track), Some(score)) => format!("{track} {score:.2}"),
            (Some(track), None) => track.to_string(),
            (None, Some(score)) => format!("{score:.2}"),
            (None, None) => String::new(),
        };
        self.text(&label, ImagePoint::new(left, top - 18.0 * self.unit), 0.45, colour)
    }
}

/// The direction of length 1 in which the store lies: left of a walker from a to b on the picture.
fn towards_in(segment: Segment) -> ImagePoint {
    let (dx, dy) = (segment.b.x - segment.a.x, segment.b.y - segment.a.y);
    let length = segment.length().max(f32::MIN_POSITIVE);
    ImagePoint::new(dy / length, -dx / length)
}

fn middle(segment: Segment) -> ImagePoint {
    ImagePoint::new(0.5 * (segment.a.x + segment.b.x), 0.5 * (segment.a.y + segment.b.y))
}

fn moved(from: ImagePoint, direction: ImagePoint, by_px: f32) -> ImagePoint {
    ImagePoint::new(from.x + by_px * direction.x, from.y + by_px * direction.y)
}

/// OpenCV's fixed-point number of a point; none where it is no number.
fn fixed(point: ImagePoint) -> Option<Point> {
    if point.x.is_nan() || point.y.is_nan() {
        return None;
    }
    let near = |v: f32| v.clamp(-FARTHEST_PX, FARTHEST_PX) * (1 << FRACTION_BITS) as f32;
    Point2f::new(near(point.x).round(), near(point.y).round()).to::<i32>()
}

fn scalar(colour: Colour) -> Scalar {
    Scalar::new(f64::from(colour.0), f64::from(colour.1), f64::from(colour.2), 0.0)
}

fn rows_and_cols(size: PictureSize) -> Result<(i32, i32), DrawError> {
    let side =
        |px: u32| i32::try_from(px).map_err(|_too_large| DrawError::Library(format!("{px} px is too large")));
    Ok((side(size.height)?, side(size.width)?))
}

fn view(picture: &Picture) -> Result<BoxedRef<'_, Mat>, DrawError> {
    let (rows, cols) = rows_and_cols(picture.size())?;
    Ok(Mat::new_rows_cols_with_bytes::<Vec3b>(rows, cols, &picture.bgr)?)
}

/// Writes the picture as a PNG file; `path` must end in `.png`.
///
/// # Errors
/// [`DrawError::Write`] names the file.
pub fn save_png(picture: &Picture, path: &Path) -> Result<(), DrawError> {
    crate::capture::opencv::quieten();
    let cannot = |cause: String| DrawError::Write { path: path.to_owned(), cause };
    let written = imgcodecs::imwrite(path.as_os_str(), &view(picture)?, &Vector::new());
    match written {
        Ok(true) => Ok(()),
        // OpenCV does not say why; the system does when it is asked to open the file.
        Ok(false) => Err(cannot(
            std::fs::File::create(path)
                .map_or_else(|fault| fault.to_string(), |_| "the encoder failed".to_owned()),
        )),
        Err(fault) => Err(cannot(fault.message.trim().to_owned())),
    }
}

/// Writes pictures as an MP4 clip.
pub struct ClipWriter {
    writer: videoio::VideoWriter,
    path: PathBuf,
    size: PictureSize,
}

impl ClipWriter {
    /// Begins a clip; `path` should end in `.mp4`. H.264 where OpenCV has it, which browsers play, else MPEG-4.
    ///
    /// # Errors
    /// [`DrawError::Write`] names the file.
    pub fn create(path: &Path, size: PictureSize, fps: f64) -> Result<Self, DrawError> {
        crate::capture::opencv::quieten();
        let cannot = |cause: String| DrawError::Write { path: path.to_owned(), cause };
        // This also finds out why it cannot be written, which OpenCV does not say.
        std::fs::File::create(path).map_err(|fault| cannot(fault.to_string()))?;
        let (rows, cols) = rows_and_cols(size)?;
        for [a, b, c, d] in [['a', 'v', 'c', '1'], ['m', 'p', '4', 'v']] {
            let codec = videoio::VideoWriter::fourcc(a, b, c, d)?;
            let writer = videoio::VideoWriter::new_with_backend(
                path.as_os_str(),
                videoio::CAP_FFMPEG,
                codec,
                fps,
                Size::new(cols, rows),
                true,
            )?;
            if writer.is_opened()? {
                return Ok(Self { writer, path: path.to_owned(), size });
            }
        }
        Err(cannot(format!("there is no encoder for {size} px at {fps} frames a second")))
    }

    /// Adds a picture.
    ///
    /// # Errors
    /// [`DrawError::Size`] for one of another size.
    pub fn write(&mut self, picture: &Picture) -> Result<(), DrawError> {
        let (got, expected) = (picture.size(), self.size);
        if got != expected {
            return Err(DrawError::Size { got, expected });
        }
        Ok(self.writer.write(&view(picture)?)?)
    }

    /// Ends the clip; one that is only dropped may lack its last frames.
    ///
    /// # Errors
    /// [`DrawError::Write`] where nothing was written, as on a full disk.
    pub fn finish(mut self) -> Result<(), DrawError> {
        self.writer.release()?;
        let cannot = |cause: String| DrawError::Write { path: self.path.clone(), cause };
        let written = std::fs::metadata(&self.path).map_err(|fault| cannot(fault.to_string()))?;
        if written.len() == 0 { Err(cannot("nothing was written".to_owned())) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Frame, Playback, ReadOutcome, SourceAddress, SourceSettings};
    use crate::time::{SimClock, WallTime};
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::time::Duration;

    fn grey(width: u32, height: u32, shade: u8) -> Picture {
        Picture { width, height, bgr: vec![shade; 3 * width as usize * height as usize] }
    }

    fn pixel(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
        let at = 3 * (y as usize * picture.width as usize + x as usize);
        [picture.bgr[at], picture.bgr[at + 1], picture.bgr[at + 2]]
    }

    fn door(a: (f32, f32), b: (f32, f32)) -> LineMark {
        let segment = Segment::new(ImagePoint::new(a.0, a.1), ImagePoint::new(b.0, b.1));
        LineMark { segment, band_px: 16.0, label: "door  in 3  out 5".to_owned() }
    }

    /// Draws one line over the middle of a picture of 576 x 576 px, and tells on which sides its arrow is.
    fn check_arrow(a: (f32, f32), b: (f32, f32), expected: (i32, i32)) {
        let overlay =
            Overlay { lines: vec![LineMark { label: String::new(), ..door(a, b) }], ..Overlay::default() };
        let mut picture = grey(576, 576, 128);
        draw(&overlay, &mut picture).unwrap();
        // Between the band and the arrow's tip, on both sides of the line's middle.
        let sides = [(30, 0), (-30, 0), (0, 30), (0, -30)];
        let yellow = |(x, y): &(i32, i32)| {
            pixel(&picture, (288 + x) as u32, (288 + y) as u32) == [LINE.0, LINE.1, LINE.2]
        };
        let across = |(x, _): &(i32, i32)| if expected.0 != 0 { *x != 0 } else { *x == 0 };
        let found: Vec<_> = sides.iter().copied().filter(|side| across(side) && yellow(side)).collect();
        assert_eq!(found, [(30 * expected.0, 30 * expected.1)]);
    }

    #[test]
    fn the_arrow_points_to_the_left_of_a_walker_from_a_to_b() {
        check_arrow((288.0, 88.0), (288.0, 488.0), (1, 0));
        check_arrow((288.0, 488.0), (288.0, 88.0), (-1, 0));
        check_arrow((88.0, 288.0), (488.0, 288.0), (0, -1));
        check_arrow((488.0, 288.0), (88.0, 288.0), (0, 1));
    }

    #[test]
    fn lines_are_seen_on_light_and_dark_floors() {
        for shade in [0, 128, 255] {
            let mut picture = grey(200, 200, shade);
            let overlay = Overlay {
                lines: vec![door((20.0, 100.0), (180.0, 100.0))],
                caption: "12:00".to_owned(),
                ..Overlay::default()
            };
            draw(&overlay, &mut picture).unwrap();
            let count = |is: fn(&[u8]) -> bool| picture.bgr.chunks_exact(3).filter(|p| is(p)).count();
            let line = count(|pixel| pixel == [LINE.0, LINE.1, LINE.2]);
            let halo = count(|pixel| pixel.iter().all(|v| (10..60).contains(v)));
            assert!(line > 200 && halo > 200, "{line} {halo}");
        }
    }

    #[test]
    fn a_picture_whose_memory_does_not_fit_is_refused() {
        let mut picture = Picture { width: 10, height: 10, bgr: vec![0; 7] };
        assert!(matches!(draw(&Overlay::default(), &mut picture), Err(DrawError::Library(_))));
        let overlay = Overlay { caption: "nothing to draw on".to_owned(), ..Overlay::default() };
        assert_eq!(draw(&overlay, &mut Picture::default()), Ok(()));
    }

    #[test]
    fn a_picture_is_written_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("look.png");
        let mut picture = grey(8, 4, 0);
        picture.bgr[..3].copy_from_slice(&[1, 2, 3]);
        save_png(&picture, &path).unwrap();
        let read = image::open(&path).unwrap().into_rgb8();
        assert_eq!((read.dimensions(), read.get_pixel(0, 0).0), ((8, 4), [3, 2, 1]));
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("gone");
        for fault in [
            save_png(&grey(8, 4, 0), &inside.join("look.png")).unwrap_err(),
            ClipWriter::create(&inside.join("clip.mp4"), grey(8, 8, 0).size(), 10.0).err().unwrap(),
        ] {
            let text = fault.to_string();
            assert!(text.contains("gone/") && text.contains("No such file"), "{text}");
        }
    }

    #[test]
    fn a_clip_plays_with_all_its_frames() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clip.mp4");
        let mut clip = ClipWriter::create(&path, PictureSize { width: 64, height: 48 }, 10.0).unwrap();
        for shade in 0..20 {
            clip.write(&grey(64, 48, 10 * shade)).unwrap();
        }
        let odd = clip.write(&grey(32, 48, 0)).unwrap_err();
        assert_eq!(odd.to_string(), "a picture of 32x48 px does not fit a clip of 64x48 px");
        clip.finish().unwrap();
        let settings = SourceSettings {
            address: SourceAddress::File(path),
            playback: Playback::AsFastAsItGoes,
            open_timeout: Duration::from_secs(9),
            read_timeout: Duration::from_secs(9),
            retry_max: Duration::from_secs(9),
        };
        let clock = Arc::new(SimClock::default());
        let mut source = crate::capture::open(&settings, clock, WallTime::default(), None).unwrap();
        assert_eq!(source.facts().fps, Some(10.0));
        let mut frame = Frame::default();
        let mut shades = Vec::new();
        while source.read(&mut frame).unwrap() == ReadOutcome::Frame {
            shades.push(frame.picture.bgr[3 * (24 * 64 + 32)]);
        }
        assert_eq!(shades.len(), 20);
        assert!(shades.iter().zip(0..).all(|(got, n)| got.abs_diff(10 * n) < 8), "{shades:?}");
    }

    proptest! {
        #[test]
        fn nothing_that_is_drawn_can_hurt(
            numbers in proptest::collection::vec(proptest::num::f32::ANY, 12),
            text in "\\PC{0,30}",
            width in 1_u32..80,
            height in 1_u32..80,
        ) {
            let point = |n: usize| ImagePoint::new(numbers[n], numbers[n + 1]);
            let overlay = Overlay {
                floor: FloorMark::default(),
                zones: Polygon::new(vec![point(0), point(2), point(4)])
                    .map(|polygon| ZoneMark { polygon, label: text.clone(), kind: ZoneKind::Exclusion })
                    .into_iter()
                    .collect(),
                lines: vec![LineMark { segment: Segment::new(point(0), point(6)), band_px: numbers[8], label: text.clone() }],
                trails: vec![Trail { track: 3, points: vec![point(2), point(8), point(10)] }],
                boxes: vec![BoxMark {
                    bbox: ImageBox::new(numbers[0], numbers[1], numbers[2], numbers[3]),
                    score: Some(numbers[4]),
                    track: Some(u64::MAX),
                }],
                feet: vec![point(10)],
                caption: text,
            };
            let mut picture = grey(width, height, 7);
            prop_assert_eq!(draw(&overlay, &mut picture), Ok(()));
            prop_assert_eq!(picture.bgr.len(), 3 * (width * height) as usize);
        }
    }
}
