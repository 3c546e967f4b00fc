//! What is fuzzed: each function takes any bytes, and none may panic.
//!
//! `fuzz_targets/` gives them to libFuzzer; `tests/fuzz_doors.rs` of the main package includes this file and feeds
//! the same functions without it, so that they are kept alive by every run of the tests.

use footfall::app::evaluate::truth;
use footfall::calendar::{WrittenTime, Zone};
use footfall::calibration::{Floor, Lens};
use footfall::config;
use footfall::config::check::{FilesBeside, PathKind};
use footfall::config::fault::FileProblem;
use footfall::detect::Detection;
use footfall::geom::{ImageBox, PictureSize};
use footfall::recording::Moment;
use footfall::recording::lines::RecordingReader;
use footfall::recording::mot::MotDetections;
use footfall::site::staffing::StaffingFormat;
use footfall::site::till::{
    self, Column, CsvColumns, CsvMapping, CsvRows, DecimalMark, Encoding, FeedFormat, FeedSettings, KindWords,
};
use footfall::time::{FrameTime, WallTime};
use footfall::track::{TrackSettings, TrackSteps, Tracker};
use footfall::wire::v1::Batch;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A floor to be tracked on.
const FLOOR: &str = include_str!("../../calibration/sample-clip.toml");

/// Bytes as a stream of frames, into a tracker that must not contradict itself after any of them.
///
/// The first byte chooses the plane. Then, over and over: one byte says what happens (a frame some ms later, a jump of time on
/// or back, another size of the picture) and how many boxes follow. A box is five bytes where people can be, or five
/// whole numbers as the machine holds them, NaN and infinity too.
pub fn tracker(bytes: &[u8]) {
    let mut bytes = bytes.iter().copied();
    let settings = TrackSettings::default();
    let mut tracker = match bytes.next().unwrap_or(0) % 3 {
        0 => Tracker::on_image(settings),
        1 => Tracker::learning(settings),
        _ => Tracker::on_floor(settings, Floor::parse(FLOOR).expect("the sample's calibration is sound")),
    };
    let (mut steps, mut seen) = (TrackSteps::default(), Vec::new());
    let (mut now, mut frame) = (Duration::ZERO, 0);
    while let Some(happening) = bytes.next() {
        match happening >> 5 {
            0 => now += Duration::from_secs(u64::from(happening) << (happening & 15)),
            1 => now = now.saturating_sub(Duration::from_millis(100 * u64::from(happening & 31))),
            2 => tracker.picture_is(PictureSize {
                width: 8 * (1 + u32::from(happening & 31)) + 512,
                height: 1 + 3 * u32::from(bytes.next().unwrap_or(0)),
            }),
            _ => now += Duration::from_millis(40),
        }
        seen.clear();
        seen.extend((0..happening & 7).map_while(|_| detection(&mut bytes)));
        frame += 1;
        tracker.step(frame, FrameTime::of_run(WallTime::default(), now), &seen, &mut steps);
        tracker.check_invariants(&steps);
    }
}

/// The next box, while there are bytes.
fn detection(bytes: &mut impl Iterator<Item = u8>) -> Option<Detection> {
    let kind = bytes.next()?;
    let mut number = |scale: f32| -> Option<f32> {
        if kind != u8::MAX {
            return Some(scale * f32::from(bytes.next()?));
        }
        Some(f32::from_le_bytes([bytes.next()?, bytes.next()?, bytes.next()?, bytes.next()?]))
    };
    let (left, top, width, height) = (number(3.0)?, number(2.0)?, number(0.5)?, number(1.0)?);
    let score = number(1.0 / 255.0)?;
    Some(Detection { bbox: ImageBox::from_left_top_size(left, top, width, height), score })
}

/// Boxes in the text format of the MOT challenge.
pub fn mot(bytes: &[u8]) {
    let Ok(read) = MotDetections::read(bytes) else { return };
    let mut people = Vec::new();
    // The last frame may be the ten-millionth.
    read.frames_looked_at().take(1_000).for_each(|frame| read.detections(frame, &mut people));
}

/// A recording of `footfall record`.
pub fn recording(bytes: &[u8]) {
    let Ok(mut reader) = RecordingReader::begin(bytes) else { return };
    let mut people = Vec::new();
    while !matches!(reader.next(&mut people), Ok(Moment::End { .. }) | Err(_)) {}
}

/// A calibration file, and a point laid on its floor and back.
pub fn calibration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _unread_lens = Lens::parse(text);
    let Ok(floor) = Floor::parse(text) else { return };
    let foot = ImageBox::new(300.0, 300.0, 340.0, 400.0).foot();
    if let Some(placed) = floor.place(foot) {
        let _seen_again = floor.in_image(placed.at.x_m, placed.at.y_m);
    }
    let _height = floor.expected_height_px(foot);
    let _text = floor.to_toml("what was read");
}

/// What a person saw, as `footfall evaluate` reads it.
pub fn truth(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _faults = truth::parse(text);
}

/// A config file, where every file that it names is a calibration.
pub fn config(bytes: &[u8]) {
    struct Disk;
    impl FilesBeside for Disk {
        fn resolve(&self, written: &Path) -> PathBuf {
            written.to_owned()
        }
        fn kind(&self, _: &Path) -> PathKind {
            PathKind::File
        }
        fn text(&self, _: &Path) -> Result<String, FileProblem> {
            Ok(FLOOR.to_owned())
        }
        fn secret(&self, _: &Path) -> Result<String, FileProblem> {
            Ok("a secret that is long enough".to_owned())
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err((faults, _)) = config::check(text, &Disk) {
        faults.iter().for_each(|fault| drop(fault.to_string()));
    }
}

fn till_feed() -> FeedSettings {
    FeedSettings {
        zone: Zone::utc(),
        currency: "EUR".to_owned(),
        decimals: 2,
        oldest: Duration::from_secs(86_400),
    }
}

/// Transactions as JSON.
pub fn till_json(bytes: &[u8]) {
    let _intake = till::read(bytes, "http", &FeedFormat::Json, &till_feed(), WallTime::default());
}

/// Transactions as CSV; the first byte chooses how they are written.
pub fn till_csv(bytes: &[u8]) {
    let Some((how, bytes)) = bytes.split_first() else { return };
    let named = how & 1 == 0;
    let column = |name: &str, number| match named {
        true => Column::Named(name.to_owned()),
        false => Column::Number(number),
    };
    let mapping = CsvMapping {
        rows: if how & 2 == 0 { CsvRows::Transactions } else { CsvRows::Lines },
        columns: CsvColumns {
            id: column("id", 1),
            at: column("at", 2),
            time: None,
            amount: column("amount", 3),
            what: Some(column("what", 4)),
            quantity: Some(column("quantity", 5)),
            item: None,
            category: None,
            channel: None,
            voids: None,
            currency: None,
        },
        delimiter: if how & 4 == 0 { b',' } else { b';' },
        decimal_mark: if how & 8 == 0 { DecimalMark::Point } else { DecimalMark::Comma },
        times: if how & 16 == 0 {
            WrittenTime::Iso
        } else {
            WrittenTime::Pattern("%d.%m.%Y %H:%M".to_owned())
        },
        encoding: [Encoding::Utf8, Encoding::Utf16, Encoding::Windows1252][usize::from(how >> 5) % 3],
        words: KindWords::default(),
    };
    let format = FeedFormat::Csv(Box::new(mapping));
    let _intake = till::read(bytes, "file", &format, &till_feed(), WallTime::default());
}

/// A staffing feed, in both forms.
pub fn staffing(bytes: &[u8]) {
    for format in [StaffingFormat::Json, StaffingFormat::Csv] {
        let _shifts = footfall::site::staffing::read(bytes, format, &Zone::utc());
    }
}

/// A message on the topic `records`.
pub fn batch(bytes: &[u8]) {
    let _faults = Batch::from_gzip(bytes);
}
