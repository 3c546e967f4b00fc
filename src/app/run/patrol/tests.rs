use super::*;
use crate::capture::Picture as Pixels;
use crate::time::WallTime;
use std::sync::mpsc::Receiver;

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
/// Where somebody stands.
const BODY: [u32; 4] = [120, 60, 160, 180];

fn at(ms: u64) -> FrameTime {
    FrameTime::of_run(WallTime::from_unix_ms(1_795_348_800_000), Duration::from_millis(ms))
}

/// A place with a pattern, and somebody in it who has another one.
fn picture(body: Option<[u32; 4]>) -> Pixels {
    let byte = |x: u32, y: u32, c: u32| {
        let noise = ((x + WIDTH * y).wrapping_mul(2_654_435_761) >> (13 + c)) as u8;
        let is_body = body.is_some_and(|[l, t, r, b]| (l..r).contains(&x) && (t..b).contains(&y));
        if is_body { 200 | (noise & 63) >> 1 } else { 40 + noise / 4 }
    };
    let pixel = |i: u32| [0, 1, 2].map(|c| byte(i % WIDTH, i / WIDTH, c));
    Pixels { width: WIDTH, height: HEIGHT, bgr: (0..WIDTH * HEIGHT).flat_map(pixel).collect() }
}

fn frame(ms: u64, picture: &Pixels) -> Frame {
    Frame { number: ms, at: at(ms), picture: picture.clone() }
}

fn found() -> Vec<Detection> {
    let [left, top, right, bottom] = BODY.map(|px| px as f32);
    vec![Detection { bbox: ImageBox::new(left, top, right, bottom), score: 0.12 }]
}

/// A watchman who has known the place for half a minute, and where a picture is asked for.
fn watchman() -> (Watchman, Patrol, CameraId) {
    let (patrol, camera) = (Patrol::default(), CameraId::parse("door").unwrap());
    let mut watchman = Watchman::new(patrol.clone(), camera.clone());
    let empty = picture(None);
    (0..30).for_each(|s| watchman.frame(&frame(1000 * s, &empty), &[]));
    (watchman, patrol, camera)
}

fn ask(patrol: &Patrol, camera: &CameraId) -> Receiver<Answer> {
    let (reply, answer) = sync_channel(1);
    patrol.lock().insert(camera.clone(), reply);
    answer
}

/// Different colours in a part of a veiled picture.
fn colours(picture: &VeiledPicture, [left, top, right, bottom]: [u32; 4]) -> usize {
    let pixel = |x: u32, y: u32| picture.rgb()[3 * (y * picture.size().width + x) as usize..][..3].to_vec();
    let all = (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y)));
    all.map(|(x, y)| pixel(x, y)).collect::<std::collections::BTreeSet<_>>().len()
}

/// Frames every 100 ms for three seconds, with somebody there whom the network finds or not; what came of it.
fn taken(mut step: impl FnMut(&mut Watchman, u64, &Pixels)) -> Answer {
    let (mut watchman, patrol, camera) = watchman();
    let answer = ask(&patrol, &camera);
    let there = picture(Some(BODY));
    (0..30).for_each(|n| step(&mut watchman, 30_000 + 100 * n, &there));
    answer.try_recv().expect("there is an answer")
}

#[test]
fn whoever_is_found_is_under_a_mosaic_also_at_a_low_score() {
    let taken = taken(|watchman, ms, there| watchman.frame(&frame(ms, there), &found())).unwrap();
    assert_eq!(taken.people, 1);
    // 40 x 120 px make cells of 16 px: at most this many touch the body.
    assert!(colours(&taken.picture, BODY) <= 4 * 9, "{}", colours(&taken.picture, BODY));
    assert!(colours(&taken.picture, [0, 0, 40, 40]) > 100, "the place itself is shown");
}

#[test]
fn whoever_the_network_misses_is_covered_because_the_place_looks_otherwise() {
    let taken = taken(|watchman, ms, there| watchman.frame(&frame(ms, there), &[])).unwrap();
    assert_eq!(taken.people, 0);
    assert!(colours(&taken.picture, BODY) <= 4 * 9, "{}", colours(&taken.picture, BODY));
}

#[test]
fn a_network_that_fails_meanwhile_ends_it_without_a_picture() {
    let answer = taken(|watchman, ms, there| {
        if ms == 31_500 {
            watchman.not_seen("out of memory")
        } else {
            watchman.frame(&frame(ms, there), &found())
        }
    });
    let why = answer.err().unwrap();
    assert!(why.contains("out of memory") && why.contains("none is made"), "{why}");
}

#[test]
fn frames_that_come_too_seldom_end_it_without_a_picture() {
    let answer = taken(|watchman, ms, there| {
        if ms % 600 == 0 {
            watchman.frame(&frame(ms, there), &found());
        }
    });
    assert!(answer.err().unwrap().contains("too seldom"));
}

#[test]
fn a_place_that_is_not_known_yet_is_not_shown() {
    let (patrol, camera) = (Patrol::default(), CameraId::parse("door").unwrap());
    let mut watchman = Watchman::new(patrol.clone(), camera.clone());
    let answer = ask(&patrol, &camera);
    watchman.frame(&frame(0, &picture(None)), &[]);
    assert!(answer.try_recv().unwrap().err().unwrap().contains("ask again"));
}

#[test]
fn what_is_packed_is_the_veiled_picture_and_small_enough() {
    let taken = taken(|watchman, ms, there| watchman.frame(&frame(ms, there), &found())).unwrap();
    let packed = packed(&CameraId::parse("door").unwrap(), &taken).unwrap();
    let jpeg = STANDARD.decode(&packed.jpeg).unwrap();
    assert!(jpeg.len() < MAX_PICTURE_BYTES);
    let read = image::load_from_memory(&jpeg).unwrap().to_rgb8();
    assert_eq!((read.width(), read.height()), (WIDTH, HEIGHT));
    assert_eq!((packed.people, packed.taken_ms), (1, 1_795_348_800_000 + 31_000));
}

/// What a box with these lines in its file says of a picture of `camera`.
#[track_caller]
fn check_allowed(lines: &str, camera: &str, expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let model = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models/nanodet-g-416-int8.toml");
    let text = format!(
        "tenant = \"acme\"\nstore = \"berlin-1\"\nbox = \"box-1\"\n[mqtt]\nbroker = \"127.0.0.1\"\n{lines}\n[detector]\nmodel = {model:?}\n\
         [[camera]]\nid = \"door\"\nsource = \"rtsp://10.0.0.7/a\"\npicture = \"768x576\"\n[[camera.line]]\nid = \"in\"\nfrom = [1, 1]\nto = [1, 99]\n\
         [[camera]]\nid = \"top\"\nsource = \"rtsp://10.0.0.8/a\"\npicture = \"768x576\"\ndetector = \"foreground\"\n[[camera.line]]\nid = \"in\"\nfrom = [1, 1]\nto = [1, 99]\n"
    );
    let path = folder.path().join("footfall.toml");
    std::fs::write(&path, text).unwrap();
    let settings = crate::config::load(&path, std::path::Path::new("")).unwrap();
    let told = permit(&settings, &CameraId::parse(camera).unwrap());
    assert!(told.as_ref().err().map_or("", String::as_str).contains(expected), "{told:?}");
    assert_eq!(told.is_ok(), expected.is_empty(), "{told:?}");
}

#[test]
fn no_picture_is_made_unless_the_boxs_own_file_allows_it_and_a_network_watches() {
    check_allowed("", "door", "gives no pictures");
    check_allowed("[fleet]", "door", "gives no pictures");
    check_allowed("[fleet]\npictures = \"never\"", "door", "gives no pictures");
    check_allowed("[fleet]\npictures = \"veiled\"", "door", "");
    check_allowed("[fleet]\npictures = \"veiled\"", "till", "there is no camera");
    check_allowed("[fleet]\npictures = \"veiled\"", "top", "looks down");
}

#[cfg(all(feature = "capture-opencv", feature = "detect-ort"))]
mod clip {
    use super::*;
    use crate::capture::{self, Playback, SourceAddress, SourceSettings};
    use crate::detect::Detector;
    use crate::detect::{DetectorSettings, OrtDetector, Provider};
    use crate::time::SystemClock;
    use std::path::Path;

    /// The sample clip is at this time when the picture is asked for: several people are in it.
    const ASKED_MS: u64 = 24_000;

    /// Frames of the sample clip up to a picture: what was made, the frame it was made of, and who was found on that.
    fn watched() -> (Taken, Frame, Vec<Detection>) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let clip = root.join("build/clips/vtest.avi");
        let second = Duration::from_secs(5);
        let source = SourceSettings {
            address: SourceAddress::parse(clip.to_str().unwrap()).unwrap(),
            playback: Playback::AsFastAsItGoes,
            open_timeout: second,
            read_timeout: second,
            retry_max: second,
        };
        let mut frames =
            capture::open(&source, Arc::new(SystemClock::start()), WallTime::default(), None).unwrap();
        let manifest = root.join("models/nanodet-g-416-int8.toml");
        let settings = DetectorSettings { manifest, library: None, provider: Provider::Cpu, threads: 1 };
        let mut detector = OrtDetector::open(&settings).unwrap();
        let (patrol, camera) = (Patrol::default(), CameraId::parse("door").unwrap());
        let mut watchman = Watchman::new(patrol.clone(), camera.clone());
        let (mut frame, mut people, mut answer) = (Frame::default(), Vec::new(), None);
        let mut around: Vec<(Frame, Vec<Detection>)> = Vec::new();
        while frames.read(&mut frame).unwrap() == capture::ReadOutcome::Frame {
            let ms = u64::try_from(frame.at.elapsed.as_millis()).unwrap();
            // The network is slow, and before that it is only learned what the place looks like.
            if ms >= ASKED_MS {
                answer.get_or_insert_with(|| ask(&patrol, &camera));
                detector.detect(&frame.picture, frame.at, &mut people).unwrap();
                around.push((frame.clone(), people.clone()));
            }
            watchman.frame(&frame, &people);
            if let Some(Ok(answer)) = answer.as_ref().map(Receiver::try_recv) {
                let taken = answer.unwrap_or_else(|why| panic!("{why}"));
                let of_it = around.into_iter().find(|(frame, _)| frame.at == taken.picture.at()).unwrap();
                return (taken, of_it.0, of_it.1);
            }
        }
        panic!("the clip ended before there was a picture")
    }

    /// How much brightness steps from a pixel to the next one to the right and below, on the average, in a part of a picture.
    fn detail(picture: &image::RgbImage, part: &ImageBox) -> f32 {
        let luma = |x: u32, y: u32| f32::from(picture.get_pixel(x, y).0[1]);
        let (mut steps, mut count) = (0.0, 0.0);
        for y in part.top.max(0.0) as u32..(part.bottom as u32).min(picture.height() - 1) {
            for x in part.left.max(0.0) as u32..(part.right as u32).min(picture.width() - 1) {
                steps += (luma(x, y) - luma(x + 1, y)).abs() + (luma(x, y) - luma(x, y + 1)).abs();
                count += 2.0;
            }
        }
        steps / f32::max(count, 1.0)
    }

    /// The frame as it was, as wide as the one that was made.
    fn true_picture(frame: &Frame, width: u32, height: u32) -> image::RgbImage {
        let rgb = frame.picture.bgr.chunks_exact(3).flat_map(|bgr| [bgr[2], bgr[1], bgr[0]]).collect();
        let whole = image::RgbImage::from_raw(frame.picture.width, frame.picture.height, rgb).unwrap();
        image::imageops::resize(&whole, width, height, image::imageops::FilterType::Triangle)
    }

    #[test]
    fn nobody_on_the_sample_clip_keeps_any_detail_in_the_picture_that_is_sent() {
        let (taken, frame, people) = watched();
        let packed = packed(&CameraId::parse("door").unwrap(), &taken).unwrap();
        let sent = image::load_from_memory(&STANDARD.decode(&packed.jpeg).unwrap()).unwrap().to_rgb8();
        assert_eq!(sent.width(), WIDTH_PX);
        let before = true_picture(&frame, sent.width(), sent.height());
        let share = WIDTH_PX as f32 / frame.picture.width as f32;
        let sure: Vec<ImageBox> = people
            .iter()
            .filter(|person| person.score >= 0.4)
            .map(|person| person.bbox.scaled(share, share))
            .collect();
        assert!(sure.len() >= 3, "{people:?}");
        for person in &sure {
            let (was, is) = (detail(&before, person), detail(&sent, person));
            // What is left are the edges of the cells, and what JPEG makes of them.
            assert!(is < 0.5 * was, "{person:?} had {was} and has {is}");
        }
        let beside = ImageBox::new(0.0, 0.0, sent.width() as f32, sent.height() as f32);
        assert!(detail(&sent, &beside) > 0.3 * detail(&before, &beside), "the place itself is shown");
    }
}
