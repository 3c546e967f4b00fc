//! What was counted, out of the lines that `footfall count --events` writes.
//!
//! A person notes frames, and records hold frames and times: so the records say when any frame was, where there are
//! two of them.

use super::truth::{TruthRow, When};
use crate::analytics::score::Passage;
use crate::app::sights::replay::time_of;
use crate::count::Direction;
use crate::ids::LineId;
use crate::time::WallTime;
use crate::wire::v1::{self, AnyRecord, Fact, Record};
use std::collections::{BTreeMap, BTreeSet};

/// Why events cannot be compared with a truth.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum EventsError {
    #[error("line {line} is not a record: {cause}")]
    Record { line: usize, cause: String },
    #[error("line {line} has no sound frame or time")]
    Range { line: usize },
    #[error("it holds {runs} runs, and each begins to number its frames anew; give one run at a time")]
    Runs { runs: usize },
    #[error("it has no line {line}; it has {there}")]
    Line { line: LineId, there: String },
    #[error(
        "it holds fewer than two crossings in different frames, so it does not say when a frame was; give --fps"
    )]
    Times,
}

/// When a frame was taken.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FrameClock {
    /// So many frames a second since the run began.
    Rate { fps: f64, run: WallTime },
    /// At least two frames with their times, by rising frame; between them and beyond them time runs evenly.
    Points(Vec<(u64, WallTime)>),
    /// Nobody asks.
    NotNeeded,
}

impl FrameClock {
    pub(super) fn at(&self, frame: u64) -> WallTime {
        match self {
            Self::Rate { fps, run } => time_of(frame.max(1), *fps, *run).wall,
            Self::Points(points) => between(points, frame),
            Self::NotNeeded => WallTime::default(),
        }
    }
}

fn between(points: &[(u64, WallTime)], frame: u64) -> WallTime {
    let after = points.partition_point(|(known, _)| *known < frame);
    let (from, to) = match after {
        // Beyond what is known the whole is the best guide: one pair may lie only a frame apart.
        0 => (0, points.len() - 1),
        after if after == points.len() => (0, after - 1),
        after => (after - 1, after),
    };
    let ((frame_0, at_0), (frame_1, at_1)) = (points[from], points[to]);
    let ms_a_frame = (at_1.unix_ms() - at_0.unix_ms()) as f64 / (frame_1 - frame_0) as f64;
    // Measured from the nearer end, so that what is known is met exactly.
    let (known, at) = if after == points.len() { (frame_1, at_1) } else { (frame_0, at_0) };
    let by_ms = ((frame as f64 - known as f64) * ms_a_frame).round() as i64;
    WallTime::from_unix_ms(at.unix_ms().saturating_add(by_ms))
}

/// The crossings of a file of events.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Events {
    run: WallTime,
    /// Those of the line that was asked for.
    passages: Vec<Passage>,
    /// Frames and times of all lines' crossings.
    points: BTreeMap<u64, WallTime>,
}

impl Events {
    /// Reads the records and keeps those of one line.
    pub(super) fn parse(text: &str, line: &LineId) -> Result<Self, EventsError> {
        let (mut runs, mut lines) = (BTreeSet::new(), BTreeSet::new());
        let (mut passages, mut points) = (Vec::new(), BTreeMap::new());
        for (number, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            let record = serde_json::from_str(text)
                .map_err(|fault| EventsError::Record { line: number, cause: fault.to_string() })?;
            match record {
                AnyRecord::Known(Record { fact: Fact::Crossing(crossing), .. }) => {
                    let passage = passage(&crossing).ok_or(EventsError::Range { line: number })?;
                    points.insert(crossing.frame, passage.at);
                    if crossing.line == line.as_str() {
                        passages.push(passage);
                    }
                    runs.insert(crossing.run);
                    lines.insert(crossing.line);
                }
                AnyRecord::Known(Record { fact: Fact::Minute(minute), .. }) => {
                    runs.insert(minute.run);
                    lines.insert(minute.line);
                }
                AnyRecord::Known(_) | AnyRecord::Unknown { .. } => {}
            }
        }
        if runs.len() > 1 {
            return Err(EventsError::Runs { runs: runs.len() });
        }
        if !lines.contains(line.as_str()) {
            let there = lines.into_iter().collect::<Vec<_>>().join(", ");
            let there = if there.is_empty() { "no line at all".to_owned() } else { there };
            return Err(EventsError::Line { line: line.clone(), there });
        }
        let run = WallTime::from_unix_ms(runs.first().copied().unwrap_or_default());
        Ok(Self { run, passages, points })
    }

    /// When the run began.
    pub(super) fn run(&self) -> WallTime {
        self.run
    }

    /// When frames were, and in words where that is known from.
    pub(super) fn frame_clock(
        &self,
        fps: Option<f64>,
        truth: &[TruthRow],
    ) -> Result<(FrameClock, &'static str), EventsError> {
        if let Some(fps) = fps {
            return Ok((FrameClock::Rate { fps, run: self.run }, "by --fps"));
        }
        if !truth.iter().any(|row| matches!(row.when, When::Frame(_))) {
            return Ok((FrameClock::NotNeeded, "as they stand in both files"));
        }
        if self.points.len() < 2 {
            return Err(EventsError::Times);
        }
        let points = self.points.iter().map(|(frame, at)| (*frame, *at)).collect();
        Ok((FrameClock::Points(points), "from the events, which hold frames and times"))
    }

    /// The line's crossings. Where a rate is given it says their times too, so that both sides go by one clock.
    pub(super) fn passages(&self, clock: &FrameClock) -> Vec<Passage> {
        let timed = |passage: &Passage| match (clock, passage.frame) {
            (FrameClock::Rate { .. }, Some(frame)) => Passage { at: clock.at(frame), ..*passage },
            _ => *passage,
        };
        self.passages.iter().map(timed).collect()
    }
}

/// None where a number is none that a camera gives.
fn passage(crossing: &v1::Crossing) -> Option<Passage> {
    // Up to 2200: sums and differences of such times stay in range.
    let is_sound = crossing.frame > 0 && (0..7_258_118_400_000).contains(&crossing.at_ms);
    let direction = match crossing.direction {
        v1::Direction::In => Direction::In,
        v1::Direction::Out => Direction::Out,
    };
    let at = WallTime::from_unix_ms(crossing.at_ms);
    is_sound.then_some(Passage { at, direction, frame: Some(crossing.frame) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn crossing(frame: u64, at_ms: i64, line: &str, run: i64) -> String {
        format!(
            "{{\"seq\":1,\"kind\":\"crossing\",\"camera\":\"c\",\"line\":\"{line}\",\"direction\":\"in\",\"frame\":{frame},\
             \"at_ms\":{at_ms},\"track\":1,\"run\":{run},\"geometry\":\"g\",\"model\":\"m\"}}\n"
        )
    }

    fn parsed(text: &str) -> Result<Events, EventsError> {
        Events::parse(text, &LineId::parse("door").unwrap())
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let fault = parsed(text).unwrap_err().to_string();
        assert!(fault.starts_with(expected), "{fault}");
    }

    /// When frames are, as the crossings (frame, ms) tell it.
    #[track_caller]
    fn check_times(points: &[(u64, i64)], asked: &[(u64, i64)]) {
        let text: String = points.iter().map(|(frame, ms)| crossing(*frame, *ms, "door", 0)).collect();
        let rows = [TruthRow { when: When::Frame(1), direction: Direction::In }];
        let (clock, _) = parsed(&text).unwrap().frame_clock(None, &rows).unwrap();
        let got: Vec<(u64, i64)> =
            asked.iter().map(|(frame, _)| (*frame, clock.at(*frame).unix_ms())).collect();
        assert_eq!(got, asked);
    }

    #[test]
    fn frames_between_and_beyond_those_that_are_known_have_times() {
        check_times(&[(11, 1000), (21, 2000)], &[(1, 0), (11, 1000), (16, 1500), (21, 2000), (31, 3000)]);
        // A camera that dropped to half its rate: each part by its own, beyond them by the whole.
        check_times(&[(10, 1000), (20, 2000), (30, 4000)], &[(15, 1500), (25, 3000), (40, 5500), (4, 100)]);
    }

    #[test]
    fn a_rate_says_the_times_of_both_sides() {
        let events = parsed(&crossing(11, 5, "door", 7_000)).unwrap();
        let (clock, told) = events.frame_clock(Some(10.0), &[]).unwrap();
        assert_eq!((events.passages(&clock)[0].at, told), (WallTime::from_unix_ms(8_000), "by --fps"));
    }

    #[test]
    fn one_crossing_does_not_say_when_a_frame_was() {
        let rows = [TruthRow { when: When::Frame(1), direction: Direction::In }];
        let twice = crossing(11, 5, "door", 0).repeat(2);
        assert_eq!(parsed(&twice).unwrap().frame_clock(None, &rows).unwrap_err(), EventsError::Times);
        assert_eq!(parsed(&twice).unwrap().frame_clock(None, &[]).unwrap().0, FrameClock::NotNeeded);
    }

    #[test]
    fn a_line_that_nobody_counted_at_is_told_with_those_that_there_are() {
        let text = crossing(1, 0, "yard", 0) + &crossing(2, 9, "gate", 0);
        check_refused(&text, "it has no line door; it has gate, yard");
        check_refused("", "it has no line door; it has no line at all");
    }

    #[test]
    fn what_is_no_record_or_of_two_runs_is_refused_and_a_kind_of_tomorrow_is_not() {
        check_refused(&(crossing(1, 0, "door", 0) + "{}"), "line 2 is not a record");
        check_refused(&crossing(0, 0, "door", 0), "line 1 has no sound frame or time");
        check_refused(&crossing(1, i64::MAX, "door", 0), "line 1 has no sound frame or time");
        check_refused(&(crossing(1, 0, "door", 0) + &crossing(1, 0, "door", 5)), "it holds 2 runs");
        let later = crossing(1, 0, "door", 0) + "{\"seq\":2,\"kind\":\"dance\"}\n\n";
        assert_eq!(parsed(&later).unwrap().passages.len(), 1);
    }

    proptest! {
        #[test]
        fn whatever_stands_in_the_records_times_are_given_or_the_file_is_refused(
            points in proptest::collection::vec((any::<u64>(), any::<i64>()), 0..5),
            asked in 1_u64..10_000_000,
            run in any::<i64>(),
            junk in "\\PC{0,30}",
        ) {
            let near = |(frame, ms): &(u64, i64)| crossing(frame % 1000, ms.rem_euclid(10_000_000), "door", run);
            let text: String = points.iter().map(near).collect();
            let wild: String = points.iter().map(|(frame, ms)| crossing(*frame, *ms, "door", run)).collect();
            let rows = [TruthRow { when: When::Frame(asked), direction: Direction::In }];
            for text in [&text, &wild, &(text.clone() + &junk)] {
                let Ok(events) = parsed(text) else { continue };
                for fps in [None, Some(1e-3), Some(1e3)] {
                    let Ok((clock, _)) = events.frame_clock(fps, &rows) else { continue };
                    prop_assert_eq!(events.passages(&clock).len(), events.passages.len());
                    clock.at(asked);
                }
            }
        }
    }
}
