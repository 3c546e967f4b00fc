//! A folder of PNG and JPEG pictures as a clip (crate `image`, no OpenCV).
//!
//! A folder has no time of its own, so its rate is given. Pictures come in the natural order of their
//! names: `frame-9` before `frame-10`.

use super::clip_time::{ClipTime, sane_fps};
use super::{CaptureError, Frame, FrameSource, Picture, ReadOutcome, SourceAddress, SourceFacts};
use crate::geom::PictureSize;
use crate::time::{FrameTime, WallTime};
use image::{ColorType, DynamicImage, ImageDecoder, ImageReader};
use std::cmp::Ordering;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Pictures a second where nobody says otherwise: what counting needs at most.
pub const DEFAULT_FPS: f64 = 10.0;

/// Twice an 8K camera. A damaged header must not ask for all memory.
const MOST_PIXELS: u64 = 64 << 20;

/// The pictures of one folder, one after another.
#[derive(Debug)]
pub struct PictureFolder {
    pictures: std::vec::IntoIter<PathBuf>,
    count: u64,
    fps: f64,
    time: ClipTime,
    run_start: WallTime,
    number: u64,
    size: Option<PictureSize>,
}

impl PictureFolder {
    /// Lists the pictures; `fps` is their rate and `run_start` the wall time of the first.
    ///
    /// # Errors
    /// [`CaptureError`] where there is no folder, no picture in it, or `fps` is not a rate.
    pub fn open(folder: &Path, fps: f64, run_start: WallTime) -> Result<Self, CaptureError> {
        let address = SourceAddress::Pictures(folder.to_owned());
        if sane_fps(fps).is_none() {
            return Err(CaptureError::Rate { address, fps: fps.to_string() });
        }
        let pictures = listed(folder).map_err(|fault| fault_of_path(&fault, &address))?;
        if pictures.is_empty() {
            return Err(CaptureError::NoFrames { address });
        }
        Ok(Self {
            count: pictures.len() as u64,
            pictures: pictures.into_iter(),
            fps,
            time: ClipTime::new(None, Some(fps)),
            run_start,
            number: 0,
            size: None,
        })
    }
}

impl FrameSource for PictureFolder {
    fn read(&mut self, frame: &mut Frame) -> Result<ReadOutcome, CaptureError> {
        let Some(path) = self.pictures.next() else { return Ok(ReadOutcome::End) };
        if let Err(fault) = decode(&path, &mut frame.picture) {
            return Err(CaptureError::Picture { path, cause: fault.to_string() });
        }
        let got = frame.picture.size();
        let before = *self.size.get_or_insert(got);
        if got != before {
            return Err(CaptureError::PictureSize { path, got, before });
        }
        self.number += 1;
        frame.number = self.number;
        frame.at = FrameTime::of_run(self.run_start, self.time.next(0.0));
        Ok(ReadOutcome::Frame)
    }

    fn facts(&self) -> SourceFacts {
        SourceFacts { fps: Some(self.fps), frames: Some(self.count) }
    }
}

/// Says of a file or folder that cannot be opened why.
pub(super) fn fault_of_path(fault: &std::io::Error, address: &SourceAddress) -> CaptureError {
    let address = address.clone();
    match fault.kind() {
        std::io::ErrorKind::NotFound => CaptureError::Missing { address },
        _ => CaptureError::Unreadable { address, cause: fault.to_string() },
    }
}

fn listed(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut pictures = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if is_picture(&path) {
            pictures.push(path);
        }
    }
    pictures.sort_by(|a, b| natural_order(&name_of(a), &name_of(b)));
    Ok(pictures)
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    ["png", "jpg", "jpeg"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Compares names with runs of digits taken as numbers, however long they are.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while !left.is_empty() && !right.is_empty() {
        let (left_run, left_rest) = first_run(left);
        let (right_run, right_rest) = first_run(right);
        let order = if is_number(left_run) && is_number(right_run) {
            let (left_digits, right_digits) =
                (left_run.trim_start_matches('0'), right_run.trim_start_matches('0'));
            left_digits.len().cmp(&right_digits.len()).then_with(|| left_digits.cmp(right_digits))
        } else {
            left_run.cmp(right_run)
        };
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    // What is left of either decides; then `01` and `1`, which are equal so far, by their bytes.
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// Splits off the digits, or the text up to the next digit, that a non-empty name begins with.
fn first_run(name: &str) -> (&str, &str) {
    let digits = name.starts_with(|c: char| c.is_ascii_digit());
    let end = name.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(name.len());
    name.split_at(end)
}

fn is_number(run: &str) -> bool {
    run.starts_with(|c: char| c.is_ascii_digit())
}

/// Decodes one picture into the caller's memory.
fn decode(path: &Path, picture: &mut Picture) -> Result<(), image::ImageError> {
    let decoder = ImageReader::open(path)?.with_guessed_format()?.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        let reason = image::error::LimitErrorKind::DimensionError;
        return Err(image::ImageError::Limits(image::error::LimitError::from_kind(reason)));
    }
    (picture.width, picture.height) = (width, height);
    if decoder.color_type() == ColorType::Rgb8 {
        // `MOST_PIXELS` keeps this far below what a `usize` holds, on 32 bits too.
        picture.bgr.resize(3 * width as usize * height as usize, 0);
        decoder.read_image(&mut picture.bgr)?;
    } else {
        picture.bgr.clear();
        picture.bgr.extend_from_slice(&DynamicImage::from_decoder(decoder)?.into_rgb8());
    }
    for pixel in picture.bgr.chunks_exact_mut(3) {
        pixel.swap(0, 2);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Luma, Rgb, RgbImage};
    use proptest::prelude::*;
    use std::time::Duration;

    fn solid(folder: &Path, name: &str, size: (u32, u32), rgb: [u8; 3]) {
        RgbImage::from_pixel(size.0, size.1, Rgb(rgb)).save(folder.join(name)).unwrap();
    }

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn opened(folder: &Path) -> PictureFolder {
        PictureFolder::open(folder, 4.0, WallTime::from_unix_ms(1000)).unwrap()
    }

    /// Reads to the end, or to the first fault.
    fn frames(source: &mut dyn FrameSource) -> Result<Vec<Frame>, CaptureError> {
        let mut all = Vec::new();
        let mut frame = Frame::default();
        while source.read(&mut frame)? == ReadOutcome::Frame {
            all.push(frame.clone());
        }
        Ok(all)
    }

    #[test]
    fn pictures_come_in_the_natural_order_of_their_names_with_the_time_of_their_rate() {
        let dir = folder();
        solid(dir.path(), "f10.png", (4, 2), [10, 0, 0]);
        solid(dir.path(), "f9.PNG", (4, 2), [9, 0, 0]);
        solid(dir.path(), "f1.png", (4, 2), [1, 2, 3]);
        std::fs::write(dir.path().join("notes.txt"), "not a picture").unwrap();
        let mut source = opened(dir.path());
        assert_eq!(source.facts(), SourceFacts { fps: Some(4.0), frames: Some(3) });
        let seen = frames(&mut source).unwrap();
        assert_eq!(seen.iter().map(|f| f.picture.bgr[2]).collect::<Vec<_>>(), [1, 9, 10]);
        assert_eq!(seen[0].picture.bgr[..3], [3, 2, 1]);
        assert_eq!(seen[0].picture.size(), PictureSize { width: 4, height: 2 });
        let last = FrameTime::of_run(WallTime::from_unix_ms(1000), Duration::from_millis(500));
        assert_eq!((seen[2].number, seen[2].at), (3, last));
    }

    #[test]
    fn grey_pictures_and_jpegs_become_blue_green_red() {
        let dir = folder();
        image::GrayImage::from_pixel(2, 2, Luma([77])).save(dir.path().join("a.png")).unwrap();
        solid(dir.path(), "b.jpeg", (2, 2), [200, 200, 200]);
        let seen = frames(&mut opened(dir.path())).unwrap();
        assert_eq!(seen[0].picture.bgr, [77; 12]);
        assert!(seen[1].picture.bgr.iter().all(|v| v.abs_diff(200) < 4), "{:?}", seen[1].picture.bgr);
    }

    #[test]
    fn another_size_in_the_middle_names_the_picture_and_both_sizes() {
        let dir = folder();
        solid(dir.path(), "1.png", (4, 2), [0; 3]);
        solid(dir.path(), "2.png", (4, 4), [0; 3]);
        let fault = frames(&mut opened(dir.path())).unwrap_err();
        let path = dir.path().join("2.png");
        let expected = format!(
            "picture {} is 4x4 px, those before it are 4x2 px; a folder holds one size",
            path.display()
        );
        assert_eq!(fault.to_string(), expected);
    }

    #[test]
    fn a_picture_that_is_none_is_named() {
        let dir = folder();
        std::fs::write(dir.path().join("1.jpg"), "this is not a JPEG").unwrap();
        let fault = frames(&mut opened(dir.path())).unwrap_err();
        assert!(matches!(&fault, CaptureError::Picture { path, .. } if path.ends_with("1.jpg")), "{fault}");
    }

    #[test]
    fn a_picture_that_was_cut_off_is_named() {
        let dir = folder();
        solid(dir.path(), "1.png", (64, 64), [1, 2, 3]);
        let path = dir.path().join("1.png");
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let fault = frames(&mut opened(dir.path())).unwrap_err();
        assert!(matches!(fault, CaptureError::Picture { .. }), "{fault}");
    }

    #[test]
    fn folders_that_are_empty_or_missing_and_rates_that_are_none_are_refused() {
        let dir = folder();
        let open = |path: &Path, fps| PictureFolder::open(path, fps, WallTime::default()).unwrap_err();
        assert!(matches!(open(dir.path(), 10.0), CaptureError::NoFrames { .. }));
        assert!(matches!(open(&dir.path().join("gone"), 10.0), CaptureError::Missing { .. }));
        assert!(matches!(open(dir.path(), 0.0), CaptureError::Rate { .. }));
    }

    #[test]
    fn memory_is_reused_from_picture_to_picture() {
        let dir = folder();
        for number in 1..=3 {
            solid(dir.path(), &format!("{number}.png"), (32, 32), [number; 3]);
        }
        let mut source = opened(dir.path());
        let mut frame = Frame::default();
        source.read(&mut frame).unwrap();
        let memory = frame.picture.bgr.as_ptr();
        while source.read(&mut frame).unwrap() == ReadOutcome::Frame {
            assert_eq!(frame.picture.bgr.as_ptr(), memory);
        }
    }

    #[test]
    fn numbers_in_names_are_compared_as_numbers() {
        let mut names = ["b2", "b10", "b1", "a", "b", "b01", "b2a", "10", "9", "b99999999999999999999"];
        names.sort_by(|a, b| natural_order(a, b));
        assert_eq!(names, ["9", "10", "a", "b", "b01", "b1", "b2", "b2a", "b10", "b99999999999999999999"]);
    }

    proptest! {
        #[test]
        fn the_order_of_names_is_an_order(names in proptest::collection::vec("[a0-2é]{0,6}", 3)) {
            let order = |a: usize, b: usize| natural_order(&names[a], &names[b]);
            prop_assert_eq!(order(0, 1), order(1, 0).reverse());
            prop_assert_eq!(order(0, 1) == Ordering::Equal, names[0] == names[1]);
            if order(0, 1) != Ordering::Greater && order(1, 2) != Ordering::Greater {
                prop_assert_ne!(order(0, 2), Ordering::Greater);
            }
        }
    }
}
