//! MOT text: `frame,id,left,top,width,height,score[,...]`, one box a row, px, frames from 1.
//!
//! It is what the MOTChallenge data sets give and what trackers are compared with (motchallenge.net, "Submission
//! instructions"). Nothing there says what a score is: files hold shares, percentages, margins of
//! a classifier, or -1 for nothing at all. A tracker needs 0 to 1, so [`Scores`] says, once for a file, how they are
//! taken.

use super::text::NumberedLines;
use super::{MOST_PEOPLE, RecordingError};
use crate::detect::Detection;
use crate::geom::{ImageBox, PictureSize};
use crate::track::Sighting;
use std::io::{self, BufRead, Write};
use std::iter::StepBy;
use std::ops::RangeInclusive;

/// Frames of 11 days at 10 a second. Every frame up to the last is stepped, so one wild number must not take for ever.
const LAST_FRAME: u64 = 10_000_000;
/// As far as a box may lie from the picture's corner, px: see [`ImageBox::is_sound`].
const PX: RangeInclusive<f64> = -1e6..=1e6;
/// No detector scores beyond this.
const SCORES: RangeInclusive<f64> = -1e9..=1e9;
/// What stands where there is no score.
const NO_SCORE: f64 = -1.0;
/// Shares that were rounded up may lie this far above 1.
const ROUNDED_UP: f64 = 1.05;
/// From here on positive scores are parts of a hundred, below they are margins: those of DPM stay below 4.
const LEAST_PERCENT: f64 = 10.0;

/// One row, as it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MotRow {
    /// From 1.
    pub frame: u64,
    /// Px.
    pub left: f64,
    /// Px.
    pub top: f64,
    /// Px.
    pub width: f64,
    /// Px.
    pub height: f64,
    /// As written; none where the column is missing or says -1.
    pub score: Option<f64>,
}

impl MotRow {
    /// The box by its corners.
    #[must_use]
    pub fn bbox(&self) -> ImageBox {
        let (right, bottom) = (self.left + self.width, self.top + self.height);
        ImageBox::new(self.left as f32, self.top as f32, right as f32, bottom as f32)
    }
}

/// How the scores of a file become 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scores {
    /// There are none: every box is sure.
    Missing,
    /// From 0 to 1 already.
    Shares,
    /// From 0 to this, at least 100.
    PartsOf(f64),
    /// Distances from a classifier's border, below 0 too: through the logistic function.
    Margins,
}

impl Scores {
    fn of(rows: &[MotRow]) -> Self {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for score in rows.iter().filter_map(|row| row.score) {
            (least, most) = (least.min(score), most.max(score));
        }
        if least > most {
            Self::Missing
        } else if least < 0.0 || (ROUNDED_UP..LEAST_PERCENT).contains(&most) {
            Self::Margins
        } else if most < ROUNDED_UP {
            Self::Shares
        } else {
            Self::PartsOf(most.max(100.0))
        }
    }

    /// A row's score, 0 to 1; 1 where it has none.
    #[must_use]
    pub fn share(self, written: Option<f64>) -> f32 {
        let Some(score) = written else { return 1.0 };
        let share = match self {
            Self::Missing => 1.0,
            Self::Shares => score,
            Self::PartsOf(whole) => score / whole,
            Self::Margins => 1.0 / (1.0 + (-score).exp()),
        };
        share.clamp(0.0, 1.0) as f32
    }
}

impl std::fmt::Display for Scores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => f.write_str("there are no scores, every box is taken as sure"),
            Self::Shares => f.write_str("scores are taken as they are"),
            Self::PartsOf(whole) => write!(f, "scores are taken as parts of {whole}"),
            Self::Margins => f.write_str("scores are taken as margins, through the logistic function"),
        }
    }
}

/// The boxes of a whole file, by frame.
#[derive(Debug, Clone, PartialEq)]
pub struct MotDetections {
    /// By rising frame, within a frame as written.
    rows: Vec<MotRow>,
    scores: Scores,
    without_area: usize,
}

impl MotDetections {
    /// Reads MOT text. The id and what follows the score are not looked at; rows may come in any order; empty lines and
    /// lines that begin with `#` are passed over. Boxes without an area are left out and counted.
    ///
    /// # Errors
    /// [`RecordingError`] names the line and what may stand there.
    pub fn read(from: impl BufRead) -> Result<Self, RecordingError> {
        let mut lines = NumberedLines::new(from);
        let (mut rows, mut without_area) = (Vec::<(u64, MotRow)>::new(), 0);
        while let Some((line, text)) = lines.next()? {
            if text.starts_with('#') {
                continue;
            }
            let row = row(line, text)?;
            if row.bbox().is_sound() {
                rows.push((line, row));
            } else {
                without_area += 1;
            }
        }
        // A stable sort: within a frame the boxes stay as they were written.
        rows.sort_by_key(|(_, row)| row.frame);
        let crowd = rows.windows(MOST_PEOPLE + 1).find(|some| some[0].1.frame == some[MOST_PEOPLE].1.frame);
        if let Some(some) = crowd {
            let (line, row) = some[MOST_PEOPLE];
            return Err(RecordingError::Crowd { line, frame: row.frame });
        }
        let rows: Vec<MotRow> = rows.into_iter().map(|(_, row)| row).collect();
        Ok(Self { scores: Scores::of(&rows), rows, without_area })
    }

    /// The last frame in which there is a box; 0 where there is none at all.
    #[must_use]
    pub fn last_frame(&self) -> u64 {
        self.rows.last().map_or(0, |row| row.frame)
    }

    /// The frames that were looked at: all from the first to the last, or every so manieth where the file keeps such a
    /// step all through. Nobody was missed in a frame that nobody looked at.
    pub fn frames_looked_at(&self) -> StepBy<RangeInclusive<u64>> {
        let first = self.rows.first().map_or(1, |row| row.frame);
        let step = self.rows.iter().fold(0, |step, row| greatest_common(step, row.frame - first)).max(1);
        // Frames in which nobody was seen may come before the first box.
        let start = (first - 1) % step + 1;
        (start..=self.last_frame()).step_by(usize::try_from(step).unwrap_or(usize::MAX))
    }

    /// The smallest picture that holds every box, px: what is known of a picture that nobody has measured.
    #[must_use]
    pub fn reach(&self) -> PictureSize {
        let most = |side: fn(&ImageBox) -> f32| {
            self.rows.iter().map(|row| side(&row.bbox())).fold(1.0, f32::max).ceil() as u32
        };
        PictureSize { width: most(|bbox| bbox.right), height: most(|bbox| bbox.bottom) }
    }

    /// How many boxes there are.
    #[must_use]
    pub fn boxes(&self) -> usize {
        self.rows.len()
    }

    /// Boxes that were left out because they have no area.
    #[must_use]
    pub fn without_area(&self) -> usize {
        self.without_area
    }

    /// How scores are taken.
    #[must_use]
    pub fn scores(&self) -> Scores {
        self.scores
    }

    /// The rows of one frame, as written.
    #[must_use]
    pub fn frame(&self, frame: u64) -> &[MotRow] {
        let start = self.rows.partition_point(|row| row.frame < frame);
        let length = self.rows[start..].partition_point(|row| row.frame == frame);
        &self.rows[start..start + length]
    }

    /// Clears `out` and fills it with the people of one frame.
    pub fn detections(&self, frame: u64, out: &mut Vec<Detection>) {
        out.clear();
        let detection = |row: &MotRow| Detection { bbox: row.bbox(), score: self.scores.share(row.score) };
        out.extend(self.frame(frame).iter().map(detection));
    }
}

/// Writes what a tracker made of boxes, by frame and then by track, as `frame,track,left,top,width,height,1,-1,-1,-1`.
///
/// # Errors
/// What the writer says.
pub fn write_tracks(sightings: &mut [Sighting], to: &mut dyn Write) -> io::Result<()> {
    sightings.sort_by_key(|sighting| (sighting.frame, sighting.track));
    for Sighting { track, bbox, frame, .. } in sightings {
        let (left, top, width, height) = (bbox.left, bbox.top, bbox.width(), bbox.height());
        writeln!(to, "{frame},{track},{left:.2},{top:.2},{width:.2},{height:.2},1,-1,-1,-1")?;
    }
    Ok(())
}

fn greatest_common(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn row(line: u64, text: &str) -> Result<MotRow, RecordingError> {
    let mut columns = text.split(',');
    let mut next = || columns.next().map(str::trim);
    let (Some(frame), Some(_id), Some(left), Some(top), Some(width), Some(height)) =
        (next(), next(), next(), next(), next(), next())
    else {
        return Err(RecordingError::Columns { line, got: text.split(',').count() });
    };
    let px = |column, text| number(line, column, text, PX, "px from -1000000 to 1000000");
    let score = match next() {
        None | Some("") => NO_SCORE,
        Some(text) => number(line, "the score", text, SCORES, "a number, or -1 for none")?,
    };
    Ok(MotRow {
        frame: frame_number(line, frame)?,
        left: px("left", left)?,
        top: px("top", top)?,
        width: px("the width", width)?,
        height: px("the height", height)?,
        score: (score.to_bits() != NO_SCORE.to_bits()).then_some(score),
    })
}

fn number(
    line: u64,
    column: &'static str,
    text: &str,
    range: RangeInclusive<f64>,
    needed: &'static str,
) -> Result<f64, RecordingError> {
    let number = text.parse::<f64>().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| RecordingError::Number { line, column, text: shown(text), needed })
}

/// Some writers give frames as `1.000000`.
fn frame_number(line: u64, text: &str) -> Result<u64, RecordingError> {
    let whole = |number: &f64| (1.0..=LAST_FRAME as f64).contains(number) && number.fract().abs() <= 0.0;
    let needed = "a whole number from 1 to 10000000";
    let fault = || RecordingError::Number { line, column: "the frame", text: shown(text), needed };
    text.parse::<f64>().ok().filter(whole).map(|number| number as u64).ok_or_else(fault)
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TrackId;
    use crate::time::FrameTime;
    use proptest::prelude::*;

    /// Each frame with its people as `frame: left,top,right,bottom@score`, or the fault.
    fn told(text: &str) -> String {
        let read = match MotDetections::read(text.as_bytes()) {
            Ok(read) => read,
            Err(fault) => return fault.to_string(),
        };
        let mut people = Vec::new();
        let frames = (1..=read.last_frame()).map(|frame| {
            read.detections(frame, &mut people);
            let person = |d: &Detection| {
                let ImageBox { left, top, right, bottom } = d.bbox;
                format!("{left},{top},{right},{bottom}@{}", d.score)
            };
            format!("{frame}: {}", people.iter().map(person).collect::<Vec<_>>().join(" "))
        });
        frames.collect::<Vec<_>>().join("; ")
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(told(text), expected, "{text}");
    }

    #[test]
    fn rows_in_any_order_become_frames_and_those_between_are_empty() {
        check(
            "# frame,id,...\n3,-1,10,20,5,8,0.5,-1,-1,-1\r\n\n1,7,1.5,2,3,4,1\n3,-1,0,0,1,1,.25",
            "1: 1.5,2,4.5,6@1; 2: ; 3: 10,20,15,28@0.5 0,0,1,1@0.25",
        );
        check("", "");
    }

    #[test]
    fn frames_written_as_floats_and_boxes_beyond_the_picture_are_taken() {
        check("1.000000, -1, -5, -2.5, 10, 5, 1e-1", "1: -5,-2.5,5,2.5@0.1");
    }

    #[test]
    fn a_file_without_scores_is_sure_of_every_box() {
        check("1,-1,0,0,1,1", "1: 0,0,1,1@1");
        check("1,-1,0,0,1,1,-1,-1,-1,-1", "1: 0,0,1,1@1");
        check("1,-1,0,0,1,1,\n1,-1,0,0,2,2,-1.0", "1: 0,0,1,1@1 0,0,2,2@1");
    }

    #[test]
    fn a_row_without_a_score_among_others_is_sure() {
        check("1,-1,0,0,1,1,-1\n1,-1,0,0,2,2,0.5", "1: 0,0,1,1@1 0,0,2,2@0.5");
    }

    #[test]
    fn scores_of_every_kind_become_shares() {
        let scored = |scores: &str| {
            let rows = scores.split(' ').map(|score| format!("1,-1,0,0,1,1,{score}\n"));
            let read = MotDetections::read(rows.collect::<String>().as_bytes()).unwrap();
            let shares = read.frame(1).iter().map(|row| read.scores().share(row.score).to_string());
            format!("{}: {}", read.scores(), shares.collect::<Vec<_>>().join(" "))
        };
        assert_eq!(scored("0.25 1"), "scores are taken as they are: 0.25 1");
        assert_eq!(scored("0.5 1.01"), "scores are taken as they are: 0.5 1");
        assert_eq!(scored("25 80"), "scores are taken as parts of 100: 0.25 0.8");
        assert_eq!(scored("50 200"), "scores are taken as parts of 200: 0.25 1");
        let logistic = "scores are taken as margins, through the logistic function";
        assert_eq!(scored("-0.5 0 3"), format!("{logistic}: 0.37754068 0.5 0.95257413"));
        assert_eq!(scored("0 3"), format!("{logistic}: 0.5 0.95257413"));
    }

    #[test]
    fn a_box_without_an_area_is_left_out_and_counted() {
        let text = "1,-1,0,0,0,5,1\n1,-1,0,0,5,-5,1\n2,-1,0,0,5,5,1\n";
        check(text, "1: ; 2: 0,0,5,5@1");
        assert_eq!(MotDetections::read(text.as_bytes()).unwrap().without_area(), 2);
    }

    #[test]
    fn a_fault_names_its_line_and_what_may_stand_there() {
        let columns = "columns, at least 6 are needed: frame,id,left,top,width,height[,score,...]";
        check("1,-1,0,0,1,1\nhello", &format!("line 2 has 1 {columns}"));
        check("1,-1,0,0,1", &format!("line 1 has 5 {columns}"));
        let frame = "give a whole number from 1 to 10000000";
        for bad in ["0", "1.5", "nan", "-3", "1e300", "x", ""] {
            check(&format!("{bad},-1,0,0,1,1"), &format!("line 1: the frame is {bad:?}; {frame}"));
        }
        check("1,-1,0,inf,1,1", "line 1: top is \"inf\"; give px from -1000000 to 1000000");
        check("1,-1,0,0,1,2e6", "line 1: the height is \"2e6\"; give px from -1000000 to 1000000");
        check("1,-1,0,0,1,1,good", "line 1: the score is \"good\"; give a number, or -1 for none");
    }

    #[test]
    fn a_frame_with_more_people_than_fit_into_a_picture_is_refused() {
        let most = "7,-1,0,0,1,1\n".repeat(MOST_PEOPLE);
        assert!(MotDetections::read(most.as_bytes()).is_ok());
        check(&format!("{most}6,-1,0,0,1,1\n7,-1,0,0,1,1"), "line 10002: frame 7 has more than 10000 boxes");
    }

    #[test]
    fn tracks_are_written_by_frame_and_then_by_track() {
        let sighting = |frame, track, left| {
            let bbox = ImageBox::from_left_top_size(left, 2.0, 3.5, 4.0);
            Sighting { track: TrackId(track), bbox, frame, at: FrameTime::default() }
        };
        // Track 9 was confirmed in frame 2, and brings its earlier sighting then.
        let mut seen = [sighting(2, 9, 472.128), sighting(2, 3, 1.0), sighting(1, 9, 470.0)];
        let mut out = Vec::new();
        write_tracks(&mut seen, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "1,9,470.00,2.00,3.50,4.00,1,-1,-1,-1\n\
             2,3,1.00,2.00,3.50,4.00,1,-1,-1,-1\n\
             2,9,472.13,2.00,3.50,4.00,1,-1,-1,-1\n"
        );
    }

    #[test]
    fn a_file_of_every_third_frame_was_looked_at_every_third_frame() {
        let looked_at = |frames: &[u64]| {
            let text: String = frames.iter().map(|frame| format!("{frame},-1,0,0,9,9,1\n")).collect();
            MotDetections::read(text.as_bytes()).unwrap().frames_looked_at().collect::<Vec<_>>()
        };
        assert_eq!(looked_at(&[1, 4, 10]), [1, 4, 7, 10]);
        assert_eq!(looked_at(&[8, 11]), [2, 5, 8, 11]);
        assert_eq!(looked_at(&[2, 3, 5]), [1, 2, 3, 4, 5]);
        assert_eq!(looked_at(&[3]), [1, 2, 3]);
        assert_eq!(looked_at(&[]), [0; 0]);
    }

    #[test]
    fn the_picture_reaches_at_least_as_far_as_the_boxes() {
        let read = MotDetections::read("1,-1,10,20,30.5,40,1\n2,-1,5,100,3,7.2,1".as_bytes()).unwrap();
        assert_eq!(read.reach(), PictureSize { width: 41, height: 108 });
    }

    proptest! {
        #[test]
        fn whatever_bytes_come_nothing_panics_and_every_score_is_a_share(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400),
        ) {
            if let Ok(read) = MotDetections::read(bytes.as_slice()) {
                prop_assert!(read.last_frame() <= LAST_FRAME);
            }
        }

        #[test]
        fn whatever_numbers_come_every_person_is_sound_and_every_score_a_share(
            text in "([0-9]{1,2},-1(,(-?[0-9]{1,3}(\\.[0-9]{1,3})?|nan|1e9)){4,8}\n){0,12}",
        ) {
            if let Ok(read) = MotDetections::read(text.as_bytes()) {
                let (mut people, mut count) = (Vec::new(), 0);
                for frame in 1..=read.last_frame() {
                    read.detections(frame, &mut people);
                    count += people.len();
                    let is_fine = |d: &Detection| d.bbox.is_sound() && (0.0..=1.0).contains(&d.score);
                    prop_assert!(people.iter().all(is_fine), "{people:?}");
                }
                prop_assert_eq!(count, read.boxes());
                prop_assert_eq!(count + read.without_area(), text.lines().count());
            }
        }
    }
}
