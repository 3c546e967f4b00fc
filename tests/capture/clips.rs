//! Files: the sample clip, and files that are none.

use crate::support::{fault_of, open, part_of_vtest, settings, vtest};
use footfall::capture::{self, CaptureError, Frame, FrameSource, Playback, ReadOutcome, SourceSettings};
use footfall::geom::PictureSize;
use footfall::time::{FrameTime, SimClock, SystemClock, WallTime};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Frames of the sample clip, as `ffprobe -count_frames` counts them.
const VTEST_FRAMES: u64 = 795;

fn of(path: &Path) -> SourceSettings {
    settings(path.to_str().expect("the test's paths are text"))
}

/// Number and time of every frame up to the end.
fn played(source: &mut dyn FrameSource) -> Vec<(u64, FrameTime)> {
    let mut frame = Frame::default();
    let mut all = Vec::new();
    while source.read(&mut frame).expect("the clip plays") == ReadOutcome::Frame {
        all.push((frame.number, frame.at));
    }
    all
}

/// The frame times must be `period` apart, from `start` on, to the last frame of the sample clip.
fn check(fps_override: Option<f64>, period: Duration) {
    let start = WallTime::from_unix_ms(1_700_000_000_000);
    let clock = Arc::new(SimClock::default());
    let mut source = capture::open(&of(&vtest()), clock, start, fps_override).expect("the sample clip opens");
    let all = played(source.as_mut());
    assert_eq!(all.len() as u64, VTEST_FRAMES);
    for (index, (number, at)) in all.iter().enumerate() {
        let expected = FrameTime::of_run(start, period * index as u32);
        assert_eq!((*number, at.wall), (index as u64 + 1, expected.wall));
        let off = at.elapsed.abs_diff(expected.elapsed);
        assert!(off < Duration::from_millis(1), "frame {number} is {off:?} off");
    }
}

#[test]
fn every_frame_of_a_clip_carries_the_containers_time() {
    check(None, Duration::from_millis(100));
}

#[test]
fn a_given_rate_replaces_the_containers_time() {
    check(Some(8.0), Duration::from_millis(125));
}

#[test]
fn a_clip_states_its_rate_and_its_length() {
    let facts = open(&of(&vtest())).expect("the sample clip opens").facts();
    assert_eq!((facts.fps, facts.frames), (Some(10.0), Some(VTEST_FRAMES)));
}

#[test]
fn frames_that_are_not_wanted_are_passed_over_and_counted() {
    let mut every = open(&of(&vtest())).expect("the sample clip opens");
    let mut third = open(&of(&vtest())).expect("the sample clip opens");
    let (mut all, mut some) = (Frame::default(), Frame::default());
    for _ in 0..5 {
        assert_eq!(third.read_wanted(&mut |number, _| number % 3 == 0, &mut some), Ok(ReadOutcome::Frame));
        while all.number < some.number {
            assert_eq!(every.read(&mut all), Ok(ReadOutcome::Frame));
        }
        assert_eq!((all.number, all.at), (some.number, some.at));
        assert!(all.picture.bgr == some.picture.bgr, "frame {} differs", some.number);
    }
    assert_eq!(some.number, 15);
}

#[test]
fn a_picture_is_blue_green_red_and_keeps_its_memory() {
    let mut source = open(&of(&vtest())).expect("the sample clip opens");
    let mut frame = Frame::default();
    assert_eq!(source.read(&mut frame), Ok(ReadOutcome::Frame));
    assert_eq!(frame.picture.size(), PictureSize { width: 768, height: 576 });
    assert_eq!(frame.picture.bgr.len(), 768 * 576 * 3);
    // The lawn in the lower left corner: green above red, and above blue.
    let lawn = 3 * (768 * 500 + 20);
    let [blue, green, red] = [0, 1, 2].map(|channel| frame.picture.bgr[lawn + channel]);
    assert!(green > red && green > blue && red > blue, "{blue} {green} {red}");
    let memory = frame.picture.bgr.as_ptr();
    for _ in 0..20 {
        assert_eq!(source.read(&mut frame), Ok(ReadOutcome::Frame));
        assert_eq!(frame.picture.bgr.as_ptr(), memory);
    }
}

#[test]
fn a_clip_played_as_a_camera_goes_on_after_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let short = dir.path().join("short.mp4");
    part_of_vtest(&short, 4, 192);
    let looped = SourceSettings { playback: Playback::LiveLoop, ..of(&short) };
    let clock = Arc::new(SystemClock::start());
    let mut source = capture::open(&looped, clock, WallTime::default(), None).unwrap();
    let mut frame = Frame::default();
    let mut last = FrameTime::default();
    for number in 1..=10 {
        assert_eq!(source.read(&mut frame), Ok(ReadOutcome::Frame));
        assert_eq!(frame.number, number);
        assert!(number == 1 || frame.at.elapsed > last.elapsed);
        last = frame.at;
    }
    // Ten frames at ten a second take nine periods; a machine that is slow makes it more, never less.
    assert!(last.elapsed >= Duration::from_millis(850), "{last:?}");
}

#[test]
fn a_folder_is_a_folder_with_and_without_a_slash() {
    let dir = tempfile::tempdir().unwrap();
    image::RgbImage::new(4, 2).save(dir.path().join("1.png")).unwrap();
    let path = dir.path().to_str().unwrap();
    for source in [path.to_owned(), format!("{path}/"), format!("pictures:{path}")] {
        assert_eq!(played(open(&settings(&source)).unwrap().as_mut()).len(), 1);
    }
}

#[test]
fn a_clip_that_was_cut_off_plays_as_far_as_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let cut = dir.path().join("cut.avi");
    let whole = std::fs::read(vtest()).unwrap();
    std::fs::write(&cut, &whole[..whole.len() / 4]).unwrap();
    let frames = played(open(&of(&cut)).unwrap().as_mut()).len() as u64;
    assert!((100..VTEST_FRAMES / 2).contains(&frames), "{frames} frames");
}

#[test]
fn files_that_are_no_clips_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let empty = file("empty.avi", b"");
    let text = file("text.avi", b"this is not a video");
    let junk = file("junk.mp4", &(0..=255).cycle().take(100_000).collect::<Vec<u8>>());
    assert!(matches!(fault_of(&of(&empty)), CaptureError::NoFrames { .. }));
    assert!(matches!(fault_of(&of(&text)), CaptureError::NotVideo { .. }));
    assert!(matches!(fault_of(&of(&junk)), CaptureError::NotVideo { .. }));
    assert!(matches!(fault_of(&of(&dir.path().join("gone.avi"))), CaptureError::Missing { .. }));
    // Root may read everything, so a path that leads through a file stands for what cannot be read.
    let fault = fault_of(&of(&text.join("inside.avi")));
    assert!(matches!(fault, CaptureError::Unreadable { .. }), "{fault}");
}

#[test]
fn a_rate_that_is_none_is_refused() {
    let clock = Arc::new(SimClock::default());
    let fault = capture::open(&of(&vtest()), clock, WallTime::default(), Some(0.0)).err().unwrap();
    assert!(fault.to_string().ends_with("0 frames a second is not a rate; give 0.001 to 1000"), "{fault}");
}
