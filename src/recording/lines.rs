//! Our own format, version 1: one JSON object a line. Described for readers in `docs/ref/detections.md`.
//!
//! ```text
//! {"footfall_detections":1,"software":..,"model":..,"picture":[768,576],"elapsed_ns":0,"wall_ms":..}
//! {"frame":{"n":1,"elapsed_ns":0,"wall_ms":..,"people":[[left,top,right,bottom,score],..]}}
//! {"interrupted":{"elapsed_ns":..,"wall_ms":..}}
//! {"end":{"frames":795,"elapsed_ns":..,"wall_ms":..}}
//! ```
//!
//! The numbers of a box are the shortest text that gives the same f32 again. They are parsed as f32 from
//! that text and not by way of f64, which would round twice.
//!
//! | change | old reader, new data | new reader, old data |
//! |---|---|---|
//! | a key is added | passes over it | takes a default |
//! | a kind of line is added, or a key changes its meaning | refuses: version 2 | nothing to do |

use super::text::NumberedLines;
use super::{MOST_PEOPLE, Moment, Opening, RecordingError};
use crate::detect::Detection;
use crate::geom::{ImageBox, PictureSize};
use crate::pipeline::SeenFrame;
use crate::time::{FrameTime, WallTime};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::io::{self, BufRead, Write};
use std::time::Duration;

/// The version that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// A run longer than a year is none: a recording that says so is broken.
pub const LONGEST_RUN: Duration = Duration::from_secs(366 * 24 * 3600);
/// 1970 to 2200.
const WALL_MS: std::ops::Range<i64> = 0..7_258_118_400_000;
/// No camera has larger pictures.
const LARGEST_SIDE: u32 = 65_535;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct FirstLine {
    footfall_detections: u32,
    software: String,
    model: String,
    picture: [u32; 2],
    elapsed_ns: u64,
    wall_ms: i64,
}

/// Only the version, which must be readable whatever else has changed.
#[derive(Debug, Deserialize)]
struct VersionOnly {
    footfall_detections: u32,
}

/// Every line after the first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Frame(FrameLine),
    Interrupted(TimeLine),
    End(EndLine),
}

#[derive(Debug, Serialize, Deserialize)]
struct FrameLine {
    n: u64,
    elapsed_ns: u64,
    wall_ms: i64,
    /// Where it is another than that of the first line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<[u32; 2]>,
    /// Left out where it is 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    dropped: u32,
    people: Vec<[Exact; 5]>,
}

#[derive(Debug, Serialize, Deserialize)]
struct TimeLine {
    elapsed_ns: u64,
    wall_ms: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct EndLine {
    frames: u64,
    elapsed_ns: u64,
    wall_ms: i64,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A number that comes back as it was.
#[derive(Debug, Clone, Copy)]
struct Exact(f32);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f32(self.0)
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&'de RawValue>::deserialize(deserializer)?.get();
        let number = text.parse::<f32>().ok().filter(|number| number.is_finite());
        number.map(Self).ok_or_else(|| D::Error::custom("a box holds something else than five numbers"))
    }
}

/// Writes a recording.
#[derive(Debug)]
pub struct RecordingWriter<W: Write> {
    to: W,
    picture: PictureSize,
}

impl<W: Write> RecordingWriter<W> {
    /// Begins a recording.
    ///
    /// # Errors
    /// What the writer says.
    pub fn begin(to: W, opening: &Opening) -> io::Result<Self> {
        let mut writer = Self { to, picture: opening.picture };
        writer.line(&FirstLine {
            footfall_detections: VERSION,
            software: opening.software.clone(),
            model: opening.model.clone(),
            picture: [opening.picture.width, opening.picture.height],
            elapsed_ns: nanos(opening.start),
            wall_ms: opening.start.wall.unix_ms(),
        })?;
        Ok(writer)
    }

    /// Adds what happened, with the people of a frame. Boxes that are no numbers are left out, as no tracker takes them.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(&mut self, moment: &Moment, people: &[Detection]) -> io::Result<()> {
        let line = match moment {
            Moment::Frame(frame) => Line::Frame(FrameLine {
                n: frame.number,
                elapsed_ns: nanos(frame.at),
                wall_ms: frame.at.wall.unix_ms(),
                size: (frame.size != self.picture).then_some([frame.size.width, frame.size.height]),
                dropped: frame.dropped,
                people: people.iter().map(numbers).filter(are_finite).collect(),
            }),
            Moment::Interrupted(at) => {
                Line::Interrupted(TimeLine { elapsed_ns: nanos(*at), wall_ms: at.wall.unix_ms() })
            }
            Moment::End { frames, at } => {
                Line::End(EndLine { frames: *frames, elapsed_ns: nanos(*at), wall_ms: at.wall.unix_ms() })
            }
        };
        self.line(&line)
    }

    /// Hands everything on that is still held back.
    ///
    /// # Errors
    /// What the writer says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.to.write_all(&text)
    }
}

fn numbers(person: &Detection) -> [Exact; 5] {
    let ImageBox { left, top, right, bottom } = person.bbox;
    [left, top, right, bottom, person.score].map(Exact)
}

fn are_finite(numbers: &[Exact; 5]) -> bool {
    numbers.iter().all(|number| number.0.is_finite())
}

fn nanos(at: FrameTime) -> u64 {
    u64::try_from(at.elapsed.as_nanos()).unwrap_or(u64::MAX)
}

/// Reads a recording, one line after another.
#[derive(Debug)]
pub struct RecordingReader<R> {
    lines: NumberedLines<R>,
    opening: Opening,
    /// Number and time of the last frame; the start before the first.
    last: (u64, FrameTime),
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Ended,
    CutShort,
}

impl<R: BufRead> RecordingReader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// [`RecordingError`] where it is not that of a recording which can be read here.
    pub fn begin(from: R) -> Result<Self, RecordingError> {
        let mut lines = NumberedLines::new(from);
        let Some((line, text)) = lines.next()? else { return Err(RecordingError::NoOpening { line: 1 }) };
        match serde_json::from_str::<VersionOnly>(text) {
            Ok(VersionOnly { footfall_detections: VERSION }) => {}
            Ok(VersionOnly { footfall_detections: found }) => return Err(RecordingError::Version { found }),
            Err(_) => return Err(RecordingError::NoOpening { line }),
        }
        let first: FirstLine = parsed(line, text)?;
        let start = time(line, first.elapsed_ns, first.wall_ms)?;
        let picture = picture(line, first.picture)?;
        let opening = Opening { software: first.software, model: first.model, picture, start };
        Ok(Self { lines, opening, last: (0, start), state: State::Running })
    }

    /// What the recording says of itself.
    #[must_use]
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Whether the recording stopped without its last line, as when the power went.
    #[must_use]
    pub fn was_cut_short(&self) -> bool {
        self.state == State::CutShort
    }

    /// What happened next; clears `people` and fills it with those of a frame. After the end it says the end again.
    ///
    /// # Errors
    /// [`RecordingError`] names the line.
    pub fn next(&mut self, people: &mut Vec<Detection>) -> Result<Moment, RecordingError> {
        people.clear();
        let next = if self.state == State::Running { self.lines.next()? } else { None };
        let Some((line, text)) = next else {
            if self.state == State::Running {
                self.state = State::CutShort;
            }
            return Ok(Moment::End { frames: self.last.0, at: self.last.1 });
        };
        match parsed(line, text)? {
            Line::Frame(frame) => {
                let seen = seen(line, &frame, &self.opening, self.last.0)?;
                people.extend(frame.people.iter().map(|[left, top, right, bottom, score]| Detection {
                    bbox: ImageBox::new(left.0, top.0, right.0, bottom.0),
                    score: score.0,
                }));
                self.last = (seen.number, seen.at);
                Ok(Moment::Frame(seen))
            }
            Line::Interrupted(at) => Ok(Moment::Interrupted(time(line, at.elapsed_ns, at.wall_ms)?)),
            Line::End(end) => {
                let (frame, before) = (end.frames, self.last.0);
                if frame < before {
                    return Err(RecordingError::Order { line, frame, before });
                }
                self.last = (frame, time(line, end.elapsed_ns, end.wall_ms)?);
                self.state = State::Ended;
                Ok(Moment::End { frames: frame, at: self.last.1 })
            }
        }
    }
}

fn parsed<'a, T: Deserialize<'a>>(line: u64, text: &'a str) -> Result<T, RecordingError> {
    serde_json::from_str(text).map_err(|fault| RecordingError::Shape { line, cause: fault.to_string() })
}

fn seen(line: u64, frame: &FrameLine, opening: &Opening, before: u64) -> Result<SeenFrame, RecordingError> {
    if frame.n <= before {
        return Err(RecordingError::Order { line, frame: frame.n, before });
    }
    if frame.people.len() > MOST_PEOPLE {
        return Err(RecordingError::Crowd { line, frame: frame.n });
    }
    Ok(SeenFrame {
        number: frame.n,
        at: time(line, frame.elapsed_ns, frame.wall_ms)?,
        size: frame.size.map_or(Ok(opening.picture), |size| picture(line, size))?,
        dropped: frame.dropped,
    })
}

fn time(line: u64, elapsed_ns: u64, wall_ms: i64) -> Result<FrameTime, RecordingError> {
    let elapsed = Duration::from_nanos(elapsed_ns);
    if elapsed > LONGEST_RUN {
        return Err(RecordingError::Range { line, what: "elapsed_ns is more than a year" });
    }
    if !WALL_MS.contains(&wall_ms) {
        return Err(RecordingError::Range { line, what: "wall_ms lies outside the years 1970 to 2199" });
    }
    Ok(FrameTime { elapsed, wall: WallTime::from_unix_ms(wall_ms) })
}

fn picture(line: u64, [width, height]: [u32; 2]) -> Result<PictureSize, RecordingError> {
    if [width, height].iter().all(|side| (1..=LARGEST_SIDE).contains(side)) {
        Ok(PictureSize { width, height })
    } else {
        Err(RecordingError::Range { line, what: "sides of a picture go from 1 to 65535 px" })
    }
}

#[cfg(test)]
mod tests;
