//! MJPEG over HTTP, as cheap cameras and old ones stream.

use crate::support::{RunningCamera, fault_of, garbage, open, request, serve, settings};
use footfall::capture::camera::CameraState;
use footfall::capture::{CaptureError, Frame, ReadOutcome, SourceSettings};
use footfall::geom::PictureSize;
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

/// `me:open-sesame`, as HTTP writes it.
const CREDENTIAL: &str = "Basic bWU6b3Blbi1zZXNhbWU=";

fn jpeg(size: (u32, u32), step: u32) -> Vec<u8> {
    let picture = RgbImage::from_fn(size.0, size.1, |x, y| {
        let shade = ((x + y + 8 * step) % 256) as u8;
        Rgb([200, shade, 30])
    });
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new(&mut bytes)).expect("a picture can be encoded");
    bytes
}

/// A camera that streams pictures of the size that `size_of(number)` says to whoever knows the password.
fn camera(size_of: impl Fn(u32) -> (u32, u32) + Send + Sync + 'static) -> u16 {
    serve(move |mut stream: TcpStream| {
        let asked = request(&mut stream)?;
        if !asked.contains(CREDENTIAL) {
            let refusal = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"camera\"\r\n\
                           Content-Length: 0\r\nConnection: close\r\n\r\n";
            return stream.write_all(refusal.as_bytes());
        }
        stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n",
        )?;
        for number in 0.. {
            let picture = jpeg(size_of(number), number);
            write!(
                stream,
                "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n",
                picture.len()
            )?;
            stream.write_all(&picture)?;
            stream.write_all(b"\r\n")?;
            // A camera of 25 frames a second.
            std::thread::sleep(Duration::from_millis(40));
        }
        Ok(())
    })
}

#[test]
fn frames_arrive() {
    let port = camera(|_| (320, 240));
    let mut source = open(&settings(&format!("http://me:open-sesame@127.0.0.1:{port}/video"))).unwrap();
    let mut frame = Frame::default();
    for number in 1..=10 {
        assert_eq!(source.read(&mut frame), Ok(ReadOutcome::Frame));
        assert_eq!(frame.number, number);
    }
    assert_eq!(frame.picture.size(), PictureSize { width: 320, height: 240 });
    let [blue, _, red] = [0, 1, 2].map(|channel| frame.picture.bgr[channel]);
    assert!(blue.abs_diff(30) < 20 && red.abs_diff(200) < 20, "{blue} {red}");
}

#[test]
fn a_wrong_password_gives_no_stream_and_is_not_repeated() {
    let port = camera(|_| (320, 240));
    let fault = fault_of(&settings(&format!("http://me:wrong-sesame@127.0.0.1:{port}/video")));
    let expected = format!(
        "http://127.0.0.1:{port}/video answers but gives no stream; \
         check user, password and path, and that a camera is there"
    );
    assert_eq!(fault.to_string(), expected);
}

#[test]
fn a_camera_that_changes_its_size_is_lost_and_opened_anew() {
    let port = camera(|number| if number < 30 { (320, 240) } else { (640, 480) });
    let camera = RunningCamera::start(settings(&format!("http://me:open-sesame@127.0.0.1:{port}/video")));
    assert_eq!(camera.next_state(), CameraState::Connecting);
    let size = PictureSize { width: 320, height: 240 };
    assert_eq!(camera.next_state(), CameraState::Up { size, before: None });
    let lost = camera.next_state();
    let CameraState::Down { reason, .. } = &lost else { panic!("{lost:?}") };
    assert!(matches!(reason, CaptureError::Still { .. } | CaptureError::SizeChanged { .. }), "{reason}");
}

#[test]
fn a_port_that_answers_garbage_is_no_camera() {
    let port = serve(garbage);
    let impatient = SourceSettings {
        open_timeout: Duration::from_secs(3),
        ..settings(&format!("http://127.0.0.1:{port}/video"))
    };
    let fault = fault_of(&impatient);
    assert!(matches!(fault, CaptureError::NoStream { .. } | CaptureError::OpenTimedOut { .. }), "{fault}");
}
