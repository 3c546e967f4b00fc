//! Cameras for the tests: a real RTSP server, an MJPEG server, and listeners that misbehave.

use footfall::capture::camera::{Camera, CameraState, StopSignal};
use footfall::capture::latest::{LatestReceiver, Taken, slot};
use footfall::capture::reconnect::Backoff;
use footfall::capture::sampling::RateGate;
use footfall::capture::still::StillWatch;
use footfall::capture::{self, CaptureError, Frame, FrameSource, Playback, SourceAddress, SourceSettings};
use footfall::random::SplitMix64;
use footfall::time::{Clock, SystemClock, WallTime};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Long enough that only a bug, or a machine at its end, reaches it.
pub(crate) const HANG: Duration = Duration::from_secs(60);

/// How long a picture may stay the same in these tests.
pub(crate) const STILL: Duration = Duration::from_secs(4);

/// Settings with patience, so that a busy machine is not taken for a broken camera.
pub(crate) fn settings(source: &str) -> SourceSettings {
    SourceSettings {
        address: SourceAddress::parse(source).expect("a test names a source that can be understood"),
        playback: Playback::AsFastAsItGoes,
        open_timeout: Duration::from_secs(30),
        read_timeout: Duration::from_secs(20),
        retry_max: Duration::from_millis(500),
    }
}

/// Opens a source with the system's clock and, for clips, 1970 as their start.
pub(crate) fn open(settings: &SourceSettings) -> Result<Box<dyn FrameSource>, CaptureError> {
    capture::open(settings, Arc::new(SystemClock::start()), WallTime::default(), None)
}

/// The fault of a source that must not open.
pub(crate) fn fault_of(settings: &SourceSettings) -> CaptureError {
    open(settings).err().expect("this source cannot be opened")
}

/// The sample clip that `make test` fetches.
pub(crate) fn vtest() -> PathBuf {
    let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("build/clips/vtest.avi");
    assert!(clip.exists(), "{} is missing; `make test` fetches it", clip.display());
    clip
}

/// A part of the sample clip: `frames` long and `width` px wide, in the format that its name's ending says.
pub(crate) fn part_of_vtest(made: &Path, frames: u32, width: u32) {
    let status = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-i"])
        .arg(vtest())
        .args(["-frames:v", &frames.to_string(), "-vf", &format!("scale={width}:-2")])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "10", "-pix_fmt", "yuv420p"])
        .arg(made)
        .stdin(Stdio::null())
        .status()
        .expect("`make test` installs ffmpeg");
    assert!(status.success(), "ffmpeg could not encode the sample clip");
}

/// H.264 for the RTSP server that shows `parts` of so many frames and such a width one after another.
pub(crate) fn h264(folder: &Path, name: &str, parts: &[(u32, u32)]) -> PathBuf {
    let whole = folder.join(name);
    let mut bytes = Vec::new();
    for (frames, width) in parts {
        let part = folder.join("part.h264");
        part_of_vtest(&part, *frames, *width);
        bytes.extend(std::fs::read(&part).expect("ffmpeg wrote it"));
    }
    std::fs::write(&whole, bytes).expect("the test's folder can be written");
    whole
}

/// H.264 of `moving` frames of the sample clip and then `frozen` times the last of them, as an encoder sends that hangs.
pub(crate) fn h264_that_freezes(folder: &Path, moving: u32, frozen: u32) -> PathBuf {
    let made = folder.join("freezes.h264");
    let repeat = format!("scale=384:-2,loop=loop={frozen}:size=1:start={}", moving - 1);
    let status = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-i"])
        .arg(vtest())
        .args(["-vf", &repeat, "-frames:v", &(moving + frozen).to_string()])
        // One key frame: each further one would be encoded a little differently, which no frozen picture is.
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "100000", "-pix_fmt", "yuv420p"])
        .arg(&made)
        .stdin(Stdio::null())
        .status()
        .expect("`make test` installs ffmpeg");
    assert!(status.success(), "ffmpeg could not encode the sample clip");
    made
}

/// An MPEG transport stream of `frames` for each of the offsets, whose time stamps begin there: a camera whose clock is set.
pub(crate) fn stream_whose_clock_jumps(folder: &Path, frames: u32, offsets_s: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for offset_s in offsets_s {
        let part = folder.join("part.ts");
        let status = Command::new("ffmpeg")
            .args(["-loglevel", "error", "-y", "-i"])
            .arg(vtest())
            .args(["-frames:v", &frames.to_string(), "-vf", "scale=384:-2", "-g", "10", "-bf", "0"])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"])
            .args(["-output_ts_offset", &offset_s.to_string(), "-f", "mpegts"])
            .arg(&part)
            .stdin(Stdio::null())
            .status()
            .expect("`make test` installs ffmpeg");
        assert!(status.success(), "ffmpeg could not encode the sample clip");
        bytes.extend(std::fs::read(&part).expect("ffmpeg wrote it"));
    }
    bytes
}

/// A port of the loopback interface that nobody listens at now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface has free ports");
    listener.local_addr().expect("a bound listener has an address").port()
}

/// The RTSP server of `rtsp_server.py`; killed when it is dropped.
pub(crate) struct RtspServer {
    child: Child,
}

impl RtspServer {
    /// Starts it and waits until it listens.
    pub(crate) fn start(port: u16, clip: &Path, extra: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rtsp_server.py");
        // Debian's own Python: the GStreamer bindings are packages of the system.
        let mut child = Command::new("/usr/bin/python3")
            .arg(script)
            .args(["--port", &port.to_string(), "--clip"])
            .arg(clip)
            .args(extra)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the system has /usr/bin/python3");
        let stdout = child.stdout.take().expect("its output is a pipe");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("the server can be read");
        assert_eq!(line.trim(), "ready", "the RTSP server did not start");
        Self { child }
    }

    /// Makes it a camera that hangs: connections stay, new ones are taken by the kernel, and nothing is sent.
    pub(crate) fn freeze(&self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.expect("a child has a process id");
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).expect("the server runs");
    }
}

impl Drop for RtspServer {
    fn drop(&mut self) {
        // A kill ends a frozen one too; if it is gone already, that is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A capture thread with what comes out of it. Dropping it stops the thread, which has to end.
pub(crate) struct RunningCamera {
    pub(crate) frames: LatestReceiver,
    states: Receiver<CameraState>,
    stop: StopSignal,
    thread: Option<JoinHandle<()>>,
}

impl RunningCamera {
    /// Starts one with the real adapter.
    pub(crate) fn start(settings: SourceSettings) -> Self {
        let (sender, frames) = slot();
        // More changes than a test makes; one that flaps blocks here and fails by its hang guard.
        let (report, states) = sync_channel(64);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let stop = StopSignal::default();
        let camera = Camera {
            address: settings.address.clone(),
            backoff: Backoff::new(settings.retry_max, SplitMix64::new(1)),
            clock: Arc::clone(&clock),
            gate: RateGate::new(None),
            still: StillWatch::new(STILL),
            report: move |state| report.send(state).expect("the test listens"),
            open: move || capture::open(&settings, Arc::clone(&clock), WallTime::default(), None),
        };
        let stop_inside = stop.clone();
        let run = move || camera.run(&stop_inside, &sender);
        let thread = std::thread::Builder::new().name("capture".into()).spawn(run).expect("a thread starts");
        Self { frames, states, stop, thread: Some(thread) }
    }

    /// The next change.
    pub(crate) fn next_state(&self) -> CameraState {
        self.states.recv_timeout(HANG).expect("the camera reports a change")
    }

    /// Changes so far that nobody has asked for.
    pub(crate) fn pending_states(&self) -> Vec<CameraState> {
        self.states.try_iter().collect()
    }

    /// The next frame's number.
    pub(crate) fn next_number(&self, frame: &mut Frame) -> u64 {
        assert!(matches!(self.frames.take(frame, HANG), Taken::Frame { .. }), "a frame arrives");
        frame.number
    }
}

impl Drop for RunningCamera {
    fn drop(&mut self) {
        self.stop.stop();
        let thread = self.thread.take().expect("joined once");
        let pause = Duration::from_millis(5);
        let mut looks = (0..HANG.as_millis() / pause.as_millis()).map(|_| {
            std::thread::sleep(pause);
            thread.is_finished()
        });
        let has_ended = looks.any(|ended| ended);
        if !std::thread::panicking() {
            assert!(has_ended, "the capture thread did not end within {HANG:?} of being stopped");
            thread.join().expect("the capture thread does not panic");
        }
    }
}

/// Serves each connection of a loopback port with `answer`, in a thread of its own, until the test ends.
pub(crate) fn serve(answer: impl Fn(TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface has free ports");
    let port = listener.local_addr().expect("a bound listener has an address").port();
    let answer = Arc::new(answer);
    let accept = move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            let talk = move || match answer(stream) {
                // The client went away: that is how each of these talks ends.
                Ok(()) | Err(_) => (),
            };
            std::thread::Builder::new().name("talk".into()).spawn(talk).expect("a thread starts");
        }
    };
    std::thread::Builder::new().name("serve".into()).spawn(accept).expect("a thread starts");
    port
}

/// Reads a request up to its empty line.
pub(crate) fn request(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        text.push(byte[0]);
    }
    String::from_utf8(text).map_err(|fault| std::io::Error::new(ErrorKind::InvalidData, fault))
}

/// Answers with something that is neither RTSP nor HTTP nor a picture, for as long as somebody reads.
pub(crate) fn garbage(mut stream: TcpStream) -> std::io::Result<()> {
    let mut jitter = SplitMix64::new(7);
    loop {
        let junk: Vec<u8> = (0..4096).map(|_| (jitter.next_share() * 256.0) as u8).collect();
        stream.write_all(&junk)?;
    }
}
