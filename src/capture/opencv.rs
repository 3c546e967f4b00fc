//! Video files, network cameras and USB cameras, through OpenCV.
//!
//! Not obvious: OpenCV says only *that* something failed, never why. So [`OpenCvSource::open`] looks
//! at the file before, and at the port after, and tells from the time that passed whether a camera froze.
//!
//! Files and network streams are read by FFmpeg inside OpenCV. Some of its settings are taken from
//! the environment only; see [`ENVIRONMENT`]. OpenCV 4.6 decodes with as many threads as there are processors and
//! offers no setting for that. It does not say when a stream changes its size; see [`super::still`].
//!
//! USB cameras are read by V4L2. No USB camera was at hand to test this, and V4L2 in OpenCV waits
//! 10 s for a frame whatever the read time-out says (`OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT` in the environment
//! changes that).

use super::clip_time::{ClipTime, sane_fps};
use super::pictures::fault_of_path;
use super::{
    CaptureError, Frame, FrameSource, Picture, ReadOutcome, SourceAddress, SourceFacts, SourceSettings,
};
use crate::geom::PictureSize;
use crate::time::{Clock, FrameTime, WallTime};
use opencv::core::{self, Mat, Vec3b, Vector};
use opencv::prelude::*;
use opencv::videoio::{self, VideoCapture};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::{Arc, Once};
use std::time::Duration;

/// What OpenCV takes from the environment only, so it must be there before the process starts.
///
/// Without them all works, but a camera opens in 5.3 s instead of 0.8 s (measured), and FFmpeg writes its own
/// errors to standard error. `rtsp_transport;tcp`: over UDP a busy network loses parts of pictures.
/// `fpsprobesize;0`: do not watch the stream for 5 s to find its rate; while it is watched, its frames wait,
/// and then come all at once. `-8`: FFmpeg's "quiet".
pub const ENVIRONMENT: [(&str, &str); 2] = [
    ("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp|fpsprobesize;0"),
    ("OPENCV_FFMPEG_LOGLEVEL", "-8"),
];

/// Longest wait when we look whether anybody listens at a camera's port.
const PORT_CHECK: Duration = Duration::from_secs(1);

/// A read or an opening that failed after this share of its time-out failed because of it. OpenCV gives up
/// a little after its time-out, never before; the rest is for rounding.
const TIMED_OUT_SHARE: f64 = 0.95;

/// More than a year at 30 frames a second: what OpenCV makes up where a stream has no length.
const MOST_FRAMES: f64 = 1e9;

/// A clip that ends with less than this share of its stated frames was cut off. The number is an estimate.
const WHOLE_CLIP_SHARE: f64 = 0.9;

/// A clip, a network camera or a USB camera.
pub struct OpenCvSource {
    capture: VideoCapture,
    address: SourceAddress,
    timing: Timing,
    facts: SourceFacts,
    size: Option<PictureSize>,
    number: u64,
    read_timeout: Duration,
    /// Whether a read took so long that FFmpeg has given the stream up.
    timed_out: bool,
    clock: Arc<dyn Clock>,
}

enum Timing {
    Clip { time: ClipTime, run_start: WallTime },
    Live,
}

impl OpenCvSource {
    /// Opens a file, a network stream or a USB camera. A folder of pictures is not for this adapter.
    ///
    /// Clips take their times from the container, or from `fps_override`, and begin at `run_start`. Cameras
    /// take theirs from `clock`, right after each frame arrived.
    ///
    /// # Errors
    /// [`CaptureError`] says what is wrong with the source, without a credential.
    pub fn open(
        settings: &SourceSettings,
        clock: Arc<dyn Clock>,
        run_start: WallTime,
        fps_override: Option<f64>,
    ) -> Result<Self, CaptureError> {
        quieten();
        let address = settings.address.clone();
        let capture = match &address {
            SourceAddress::File(path) | SourceAddress::Pictures(path) => open_file(path, &address)?,
            SourceAddress::Network(_) => open_network(settings, clock.as_ref())?,
            SourceAddress::Usb(number) => open_usb(*number, &address)?,
        };
        let stated = |property| capture.get(property).unwrap_or(0.0);
        let live = address.is_live();
        let frames = Some(stated(videoio::CAP_PROP_FRAME_COUNT)).filter(|n| (1.0..MOST_FRAMES).contains(n));
        let facts = SourceFacts {
            fps: fps_override.or_else(|| sane_fps(stated(videoio::CAP_PROP_FPS))),
            frames: frames.filter(|_| !live).map(|n| n as u64),
        };
        let timing = if live {
            Timing::Live
        } else {
            Timing::Clip { time: ClipTime::new(facts.fps, fps_override), run_start }
        };
        let read_timeout = settings.read_timeout;
        Ok(Self {
            capture,
            address,
            timing,
            facts,
            size: None,
            number: 0,
            read_timeout,
            timed_out: false,
            clock,
        })
    }

    /// Decodes the next frame and tells its number and time; `None` at the end of a clip.
    fn grab(&mut self) -> Result<Option<(u64, FrameTime)>, CaptureError> {
        let asked_at = self.clock.now();
        let grabbed = self.capture.grab().map_err(|fault| library_fault(&fault, &self.address))?;
        let now = self.clock.now();
        // After a time-out FFmpeg still gives the frames that its decoder held back, and fails only then.
        self.timed_out |= timed_out(now.since(asked_at), self.read_timeout);
        if !grabbed {
            return self.at_end();
        }
        self.number += 1;
        let at = match &mut self.timing {
            Timing::Live => now,
            Timing::Clip { time, run_start } => {
                let container_ms = self.capture.get(videoio::CAP_PROP_POS_MSEC).unwrap_or(f64::NAN);
                FrameTime::of_run(*run_start, time.next(container_ms))
            }
        };
        Ok(Some((self.number, at)))
    }

    /// There was no frame: is that the end of a clip or a fault?
    fn at_end<T>(&self) -> Result<Option<T>, CaptureError> {
        let address = self.address.clone();
        if address.is_live() && self.timed_out {
            return Err(CaptureError::Froze { address, after: self.read_timeout });
        }
        if address.is_live() {
            return Err(CaptureError::Ended { address });
        }
        if self.number == 0 {
            return Err(CaptureError::NoFrames { address });
        }
        if let Some(stated) =
            self.facts.frames.filter(|n| (self.number as f64) < *n as f64 * WHOLE_CLIP_SHARE)
        {
            tracing::warn!(
                "{address} ends after {} of about {stated} frames; it may be cut off",
                self.number
            );
        }
        Ok(None)
    }

    /// Converts the frame that was grabbed into the caller's memory.
    fn retrieve(&mut self, picture: &mut Picture) -> Result<(), CaptureError> {
        let expected = self.size.unwrap_or_else(|| stated_size(&self.capture));
        let retrieved = retrieve_into(&mut self.capture, expected, picture);
        let kind = retrieved.map_err(|fault| library_fault(&fault, &self.address))?;
        let (got, address) = (picture.size(), &self.address);
        match kind {
            Retrieved::Pixels => {}
            Retrieved::Nothing => return Err(nothing_decoded(address, self.number)),
            Retrieved::Unknown(kind) => {
                return Err(CaptureError::PixelKind { address: address.clone(), kind });
            }
        }
        let before = *self.size.get_or_insert(got);
        if got != before {
            return Err(CaptureError::SizeChanged { address: address.clone(), got, before });
        }
        Ok(())
    }
}

impl FrameSource for OpenCvSource {
    fn read(&mut self, frame: &mut Frame) -> Result<ReadOutcome, CaptureError> {
        self.read_wanted(&mut |_, _| true, frame)
    }

    fn read_wanted(
        &mut self,
        wanted: &mut dyn FnMut(u64, FrameTime) -> bool,
        frame: &mut Frame,
    ) -> Result<ReadOutcome, CaptureError> {
        loop {
            let Some((number, at)) = self.grab()? else { return Ok(ReadOutcome::End) };
            if wanted(number, at) {
                self.retrieve(&mut frame.picture)?;
                (frame.number, frame.at) = (number, at);
                return Ok(ReadOutcome::Frame);
            }
        }
    }

    fn facts(&self) -> SourceFacts {
        self.facts
    }
}

/// Keeps OpenCV from writing to standard error, where it would name the URL with its password, and
/// from starting a pool of threads of its own. FFmpeg below it writes errors only, without the URL.
pub(crate) fn quieten() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let silent = core::set_log_level(core::LogLevel::LOG_LEVEL_SILENT).map(|_| ());
        if let Err(fault) = silent.and_then(|()| core::set_num_threads(1)) {
            tracing::warn!("OpenCV does not take its settings (error {})", fault.code);
        }
    });
}

fn open_file(path: &Path, address: &SourceAddress) -> Result<VideoCapture, CaptureError> {
    let file = std::fs::File::open(path).and_then(|file| file.metadata());
    let file = file.map_err(|fault| fault_of_path(&fault, address))?;
    if file.len() == 0 {
        return Err(CaptureError::NoFrames { address: address.clone() });
    }
    let capture = VideoCapture::from_file(path.as_os_str(), videoio::CAP_FFMPEG)
        .map_err(|fault| library_fault(&fault, address))?;
    opened(capture, address)?.ok_or_else(|| CaptureError::NotVideo { address: address.clone() })
}

fn open_usb(number: u32, address: &SourceAddress) -> Result<VideoCapture, CaptureError> {
    let no_device = || CaptureError::NoDevice { address: address.clone(), number };
    let index = i32::try_from(number).map_err(|_too_large| no_device())?;
    let capture =
        VideoCapture::new(index, videoio::CAP_V4L2).map_err(|fault| library_fault(&fault, address))?;
    opened(capture, address)?.ok_or_else(no_device)
}

fn open_network(settings: &SourceSettings, clock: &dyn Clock) -> Result<VideoCapture, CaptureError> {
    let address = &settings.address;
    let url = address.secret_url().expect("only a network source is opened as one");
    let params = Vector::from_slice(&[
        videoio::CAP_PROP_OPEN_TIMEOUT_MSEC,
        timeout_ms(settings.open_timeout),
        videoio::CAP_PROP_READ_TIMEOUT_MSEC,
        timeout_ms(settings.read_timeout),
    ]);
    let asked_at = clock.now();
    let capture = VideoCapture::from_file_with_params(url, videoio::CAP_FFMPEG, &params)
        .map_err(|fault| library_fault(&fault, address))?;
    if let Some(capture) = opened(capture, address)? {
        return Ok(capture);
    }
    Err(why_not_open(settings, clock.now().since(asked_at)))
}

/// A frame that was there and gave no picture.
fn nothing_decoded(address: &SourceAddress, frame: u64) -> CaptureError {
    let address = address.clone();
    if address.is_live() { CaptureError::Ended { address } } else { CaptureError::Broken { address, frame } }
}

fn opened(capture: VideoCapture, address: &SourceAddress) -> Result<Option<VideoCapture>, CaptureError> {
    let is_open = capture.is_opened().map_err(|fault| library_fault(&fault, address))?;
    Ok(is_open.then_some(capture))
}

/// Finds out why a stream did not open, after OpenCV tried for so long.
fn why_not_open(settings: &SourceSettings, waited: Duration) -> CaptureError {
    let address = settings.address.clone();
    if timed_out(waited, settings.open_timeout) {
        return CaptureError::OpenTimedOut { address, after: settings.open_timeout };
    }
    match port_answers(&address) {
        Ok(()) => CaptureError::NoStream { address },
        Err(fault) => CaptureError::Unreachable { address, cause: fault.to_string() },
    }
}

fn port_answers(address: &SourceAddress) -> std::io::Result<()> {
    let Some((host, port)) = address.host_and_port() else { return Ok(()) };
    let mut last = std::io::Error::other("the name has no address");
    for socket in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&socket, PORT_CHECK) {
            Ok(_) => return Ok(()),
            Err(fault) => last = fault,
        }
    }
    Err(last)
}

fn timed_out(waited: Duration, timeout: Duration) -> bool {
    waited >= timeout.mul_f64(TIMED_OUT_SHARE)
}

/// OpenCV takes 0 for no time-out, which we never want.
fn timeout_ms(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX).max(1)
}

/// OpenCV's texts name the URL, so only its number is repeated for a network source.
fn library_fault(fault: &opencv::Error, address: &SourceAddress) -> CaptureError {
    let cause = match address {
        SourceAddress::Network(_) => format!("error {}", fault.code),
        _ => fault.message.trim().to_owned(),
    };
    CaptureError::Library { address: address.clone(), cause }
}

fn stated_size(capture: &VideoCapture) -> PictureSize {
    let side = |property| {
        let px = capture.get(property).unwrap_or(0.0);
        // A side that is no size at all becomes 0; the picture then brings its own.
        if (0.0..=f64::from(i16::MAX)).contains(&px) { px as u32 } else { 0 }
    };
    PictureSize { width: side(videoio::CAP_PROP_FRAME_WIDTH), height: side(videoio::CAP_PROP_FRAME_HEIGHT) }
}

/// What came out of the library.
enum Retrieved {
    Pixels,
    Nothing,
    /// OpenCV's number of a pixel type that we do not take.
    Unknown(i32),
}

/// Lets OpenCV write into `picture` itself where the size is as expected, which saves a copy.
fn retrieve_into(
    capture: &mut VideoCapture,
    expected: PictureSize,
    picture: &mut Picture,
) -> opencv::Result<Retrieved> {
    let (rows, cols) = (i32::try_from(expected.height)?, i32::try_from(expected.width)?);
    picture.bgr.resize(3 * expected.width as usize * expected.height as usize, 0);
    let ours = picture.bgr.as_ptr();
    let mut view = Mat::new_rows_cols_with_bytes_mut::<Vec3b>(rows, cols, &mut picture.bgr)?;
    if !capture.retrieve(&mut view, 0)? || view.empty() {
        return Ok(Retrieved::Nothing);
    }
    let (height, width) = (u32::try_from(view.rows())?, u32::try_from(view.cols())?);
    if view.data() == ours {
        (picture.width, picture.height) = (width, height);
        return Ok(Retrieved::Pixels);
    }
    // Another size or kind than expected: the view now holds memory of its own.
    let theirs = view.try_clone()?;
    drop(view);
    if !to_bgr(theirs.typ(), theirs.data_bytes()?, &mut picture.bgr) {
        return Ok(Retrieved::Unknown(theirs.typ()));
    }
    (picture.width, picture.height) = (width, height);
    Ok(Retrieved::Pixels)
}

/// Turns 8-bit grey, colour or colour with alpha into blue, green, red; false for any other kind.
fn to_bgr(kind: i32, pixels: &[u8], bgr: &mut Vec<u8>) -> bool {
    bgr.clear();
    match kind {
        core::CV_8UC1 => bgr.extend(pixels.iter().flat_map(|grey| [*grey; 3])),
        core::CV_8UC3 => bgr.extend_from_slice(pixels),
        core::CV_8UC4 => bgr.extend(pixels.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_and_alpha_become_blue_green_red_and_other_kinds_are_refused() {
        let mut bgr = vec![9; 99];
        assert!(to_bgr(core::CV_8UC1, &[7, 8], &mut bgr));
        assert_eq!(bgr, [7, 7, 7, 8, 8, 8]);
        assert!(to_bgr(core::CV_8UC4, &[1, 2, 3, 255, 4, 5, 6, 0], &mut bgr));
        assert_eq!(bgr, [1, 2, 3, 4, 5, 6]);
        assert!(!to_bgr(core::CV_16UC1, &[0, 0], &mut bgr));
    }

    #[test]
    fn what_the_library_says_of_a_network_source_is_not_repeated() {
        let address = SourceAddress::parse("rtsp://user:secret@cam/1").unwrap();
        let fault = opencv::Error::new(-2, "cannot open rtsp://user:secret@cam/1");
        let text = library_fault(&fault, &address).to_string();
        assert_eq!(text, "rtsp://cam/1: OpenCV failed: error -2");
    }

    #[test]
    fn a_clip_with_a_broken_frame_is_not_told_as_a_camera_that_restarted() {
        let clip = nothing_decoded(&SourceAddress::File("door.mp4".into()), 7);
        let expected = "door.mp4: frame 7 cannot be decoded; the file is damaged, check it with ffprobe";
        assert_eq!(clip.to_string(), expected);
        let camera = nothing_decoded(&SourceAddress::Usb(0), 7);
        assert_eq!(camera, CaptureError::Ended { address: SourceAddress::Usb(0) });
    }

    #[test]
    fn a_time_out_of_zero_does_not_mean_for_ever() {
        assert_eq!(timeout_ms(Duration::ZERO), 1);
        assert_eq!(timeout_ms(Duration::MAX), i32::MAX);
    }

    #[test]
    fn a_usb_camera_that_is_not_there_says_where_it_would_be() {
        let settings = SourceSettings {
            address: SourceAddress::Usb(97),
            playback: super::super::Playback::default(),
            open_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(1),
            retry_max: Duration::from_secs(1),
        };
        let clock = Arc::new(crate::time::SimClock::default());
        let fault = OpenCvSource::open(&settings, clock, WallTime::default(), None).err().unwrap();
        let expected =
            "usb:97 cannot be opened; check that /dev/video97 is there, not in use, and ours to read";
        assert_eq!(fault.to_string(), expected);
    }
}
