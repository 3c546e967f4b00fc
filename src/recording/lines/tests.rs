use super::*;
use proptest::prelude::*;

const SIZE: PictureSize = PictureSize { width: 768, height: 576 };

fn at(ms: u64) -> FrameTime {
    FrameTime::of_run(WallTime::from_unix_ms(1_767_225_600_000), Duration::from_millis(ms))
}

fn opening() -> Opening {
    Opening { software: "footfall 9.9".into(), model: "eyes".into(), picture: SIZE, start: at(0) }
}

fn frame(number: u64) -> SeenFrame {
    SeenFrame { number, at: at(100 * number), size: SIZE, dropped: 0 }
}

fn person(left: f32, score: f32) -> Detection {
    Detection { bbox: ImageBox::new(left, 0.1, left + 10.3, 50.7), score }
}

fn written(moments: &[(Moment, Vec<Detection>)]) -> String {
    let mut text = Vec::new();
    let mut writer = RecordingWriter::begin(&mut text, &opening()).unwrap();
    for (moment, people) in moments {
        writer.write(moment, people).unwrap();
    }
    String::from_utf8(text).unwrap()
}

type Story = Vec<(Moment, Vec<Detection>)>;

fn read(text: &[u8]) -> Result<(Opening, Story, bool), RecordingError> {
    let mut reader = RecordingReader::begin(text)?;
    let (mut moments, mut people) = (Vec::new(), Vec::new());
    loop {
        let moment = reader.next(&mut people)?;
        moments.push((moment, people.clone()));
        if matches!(moment, Moment::End { .. }) {
            return Ok((reader.opening().clone(), moments, reader.was_cut_short()));
        }
    }
}

fn story() -> Story {
    let small = PictureSize { width: 384, height: 288 };
    vec![
        (Moment::Frame(frame(1)), vec![person(0.3, 0.9), person(-0.0, 1e-9)]),
        (Moment::Interrupted(at(150)), vec![]),
        (Moment::Frame(SeenFrame { size: small, dropped: 3, ..frame(7) }), vec![]),
        (Moment::End { frames: 9, at: at(900) }, vec![]),
    ]
}

#[test]
fn the_text_is_a_promise() {
    assert_eq!(
        written(&story()),
        "{\"footfall_detections\":1,\"software\":\"footfall 9.9\",\"model\":\"eyes\",\"picture\":[768,576],\
         \"elapsed_ns\":0,\"wall_ms\":1767225600000}\n\
         {\"frame\":{\"n\":1,\"elapsed_ns\":100000000,\"wall_ms\":1767225600100,\
         \"people\":[[0.3,0.1,10.6,50.7,0.9],[-0.0,0.1,10.3,50.7,1e-9]]}}\n\
         {\"interrupted\":{\"elapsed_ns\":150000000,\"wall_ms\":1767225600150}}\n\
         {\"frame\":{\"n\":7,\"elapsed_ns\":700000000,\"wall_ms\":1767225600700,\"size\":[384,288],\
         \"dropped\":3,\"people\":[]}}\n\
         {\"end\":{\"frames\":9,\"elapsed_ns\":900000000,\"wall_ms\":1767225600900}}\n"
    );
}

#[test]
fn what_was_written_is_read_again() {
    let (first, moments, cut_short) = read(written(&story()).as_bytes()).unwrap();
    assert_eq!((first, moments, cut_short), (opening(), story(), false));
}

#[test]
fn boxes_that_are_no_numbers_are_left_out() {
    let odd = vec![person(f32::NAN, 0.9), person(1.0, f32::INFINITY), person(2.0, 0.5)];
    let (_, moments, _) = read(written(&[(Moment::Frame(frame(1)), odd)]).as_bytes()).unwrap();
    assert_eq!(moments[0].1, [person(2.0, 0.5)]);
}

#[test]
fn a_recording_without_its_end_is_read_to_its_last_frame() {
    let whole = written(&story());
    let cut = whole.lines().take(4).collect::<Vec<_>>().join("\n");
    let (_, moments, cut_short) = read(cut.as_bytes()).unwrap();
    assert_eq!(moments.last().unwrap().0, Moment::End { frames: 7, at: at(700) });
    assert!(cut_short);
}

#[test]
fn what_a_later_version_adds_is_passed_over() {
    let added = written(&story()).replace("\"n\":", "\"hue\":[1,{\"a\":2}],\"n\":");
    let added = added.replacen("\"software\"", "\"lens\":null,\"software\"", 1);
    assert_eq!(read(added.as_bytes()).unwrap().1, story());
}

/// The recording above with a text in it changed brings a fault that begins so.
#[track_caller]
fn check(from: &str, to: &str, expected: &str) {
    let text = written(&story());
    assert!(text.contains(from), "{from}");
    let fault = read(text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
    assert!(fault.starts_with(expected), "{fault}");
}

#[test]
fn a_fault_names_its_line_and_what_is_wrong() {
    check("_detections\":1", "_detections\":2", "the recording has version 2, only 1 is known");
    check("{\"footfall_detections\"", "{\"x\"", "line 1 is not the first line of a recording");
    check("[768,576]", "[0,576]", "line 1: sides of a picture go from 1 to 65535 px");
    check("{\"frame\"", "{\"film\"", "line 2 is not a line of a recording: unknown variant `film`");
    check("0.9]", "0.9,1]", "line 2 is not a line of a recording: trailing characters");
    check("0.9]", "null]", "line 2 is not a line of a recording: a box holds something else");
    check("0.9]", "1e99]", "line 2 is not a line of a recording: a box holds something else");
    check("0.9]", "\"nan\"]", "line 2 is not a line of a recording: a box holds something else");
    check("\"n\":7", "\"n\":1", "line 4: frame 1 comes after frame 1; frames are numbered upwards");
    check("\"n\":1", "\"n\":0", "line 2: frame 0 comes after frame 0");
    check("\"frames\":9", "\"frames\":6", "line 5: frame 6 comes after frame 7");
    check(
        "\"elapsed_ns\":700000000",
        "\"elapsed_ns\":99999999999999999",
        "line 4: elapsed_ns is more than a year",
    );
    check("1767225600700", "-5", "line 4: wall_ms lies outside the years 1970 to 2199");
    assert!(matches!(read(b"").unwrap_err(), RecordingError::NoOpening { line: 1 }));
}

#[test]
fn a_frame_with_more_people_than_fit_into_a_picture_is_refused() {
    let people = vec![person(1.0, 0.5); MOST_PEOPLE + 1];
    let text = written(&[(Moment::Frame(frame(1)), people)]);
    assert_eq!(read(text.as_bytes()).unwrap_err().to_string(), "line 2: frame 1 has more than 10000 boxes");
}

fn any_number() -> impl Strategy<Value = f32> {
    use proptest::num::f32;
    f32::NORMAL | f32::SUBNORMAL | f32::ZERO | f32::NEGATIVE | f32::POSITIVE
}

proptest! {
    #[test]
    fn every_number_comes_back_to_the_last_bit(numbers in proptest::array::uniform5(any_number())) {
        prop_assume!(numbers.iter().all(|number| number.is_finite()));
        let [left, top, right, bottom, score] = numbers;
        let person = Detection { bbox: ImageBox::new(left, top, right, bottom), score };
        let (_, moments, _) = read(written(&[(Moment::Frame(frame(1)), vec![person])]).as_bytes()).unwrap();
        let back = moments[0].1[0];
        let bits = |d: &Detection| [d.bbox.left, d.bbox.top, d.bbox.right, d.bbox.bottom, d.score].map(f32::to_bits);
        prop_assert_eq!(bits(&back), bits(&person));
    }

    #[test]
    fn times_come_back_to_the_nanosecond(elapsed_ns in 0..LONGEST_RUN.as_nanos() as u64, wall_ms in WALL_MS) {
        let at = FrameTime { elapsed: Duration::from_nanos(elapsed_ns), wall: WallTime::from_unix_ms(wall_ms) };
        let moment = Moment::Frame(SeenFrame { at, ..frame(1) });
        let (_, moments, _) = read(written(&[(moment, vec![])]).as_bytes()).unwrap();
        prop_assert_eq!(moments[0].0, moment);
    }

    #[test]
    fn whatever_bytes_come_nothing_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        if let Ok((_, moments, _)) = read(&bytes) {
            prop_assert!(!moments.is_empty());
        }
    }

    #[test]
    fn a_recording_with_a_part_overwritten_is_read_or_refused_and_frames_still_rise(
        place in 0_usize..600,
        junk in "[0-9eE.,:\\[\\]{}\"nul-]{1,12}",
    ) {
        let mut text = written(&story());
        let place = place.min(text.len());
        let end = (place + junk.len()).min(text.len());
        text.replace_range(place..end, &junk);
        if let Ok((_, moments, _)) = read(text.as_bytes()) {
            let numbers: Vec<u64> = moments.iter().filter_map(|(moment, _)| match moment {
                Moment::Frame(frame) => Some(frame.number),
                _ => None,
            }).collect();
            prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
