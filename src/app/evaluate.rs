//! `footfall evaluate`: how right a count is, against what a person saw.
//!
//! It also lists every missed and every false event with its frame and time, because a score that nobody can look
//! into convinces nobody.

mod events;
pub mod truth;

use super::cli::EvaluateArgs;
use super::exit::Failure;
use super::sights::replay::open;
use crate::analytics::score::{Passage, Score, Tally};
use crate::count::Direction;
use crate::time::WallTime;
use anyhow::Context;
use events::Events;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::Path;

/// Compares and tells.
///
/// # Errors
/// What cannot be read, with its line; or that the events do not say when a frame was.
pub fn evaluate(args: &EvaluateArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let named = |path: &Path, fault: String| Failure::Input(format!("{}: {fault}", path.display()));
    let events = Events::parse(&text_of(&args.events)?, &args.line);
    let events = events.map_err(|fault| named(&args.events, fault.to_string()))?;
    let rows = truth::parse(&text_of(&args.truth)?);
    let rows = rows.map_err(|fault| named(&args.truth, fault.to_string()))?;
    let (clock, times) =
        events.frame_clock(args.fps, &rows).map_err(|fault| named(&args.events, fault.to_string()))?;
    let truth: Vec<Passage> = rows.iter().map(|row| row.passage(&clock)).collect();
    let counted = events.passages(&clock);
    let report = Report {
        line: args.line.as_str(),
        window_s: args.window.as_secs_f64(),
        times,
        run: events.run(),
        score: Score::of(&counted, &truth, args.window),
    };
    let told = if args.json { format!("{}\n", report.to_json()) } else { report.to_text() };
    out.write_all(told.as_bytes()).context("cannot write the score")?;
    Ok(())
}

fn text_of(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = open(path)?.read_to_string(&mut text);
    read.map_err(|fault| Failure::Input(format!("{} cannot be read: {fault}", path.display())))?;
    Ok(text)
}

/// What there is to tell.
struct Report<'a> {
    line: &'a str,
    window_s: f64,
    /// Where the times of frames come from.
    times: &'static str,
    /// From when on times are told.
    run: WallTime,
    score: Score,
}

impl Report<'_> {
    fn to_json(&self) -> Value {
        let tally = |tally: &Tally| {
            json!({
                "true": tally.truth(), "counted": tally.counted(),
                "right": tally.right, "missed": tally.missed, "false": tally.wrong,
                "precision": tally.precision().map(rounded), "recall": tally.recall().map(rounded),
                "f1": tally.f1().map(rounded), "net_error": tally.net_error(),
            })
        };
        let list = |events: &[Passage]| {
            let event = |event: &Passage| {
                json!({
                    "frame": event.frame, "at_ms": event.at.unix_ms(),
                    "seconds": self.seconds(event), "direction": word(event.direction),
                })
            };
            events.iter().map(event).collect::<Value>()
        };
        let score = &self.score;
        json!({
            "line": self.line,
            "window_s": self.window_s,
            "times": self.times,
            "events": score.all.truth(),
            "all": tally(&score.all), "in": tally(&score.entries), "out": tally(&score.exits),
            "f1_interval_95": score.f1_interval.map(|(low, high)| [rounded(low), rounded(high)]),
            "wape_15_min": score.wape.map(rounded),
            "missed": list(&score.missed), "false": list(&score.wrong),
        })
    }

    fn to_text(&self) -> String {
        let score = &self.score;
        let mut text = format!(
            "line {}: {} true crossings, {} counted; matched within {} s, times {}\n\n\
             \x20       true  counted  right  missed  false  precision  recall     F1  net error\n",
            self.line,
            score.all.truth(),
            score.all.counted(),
            self.window_s,
            self.times
        );
        for (name, tally) in [("in", &score.entries), ("out", &score.exits), ("both", &score.all)] {
            text += &format!(
                "{name:<5}{:>7}{:>9}{:>7}{:>8}{:>7}{:>11}{:>8}{:>7}{:>+11}\n",
                tally.truth(),
                tally.counted(),
                tally.right,
                tally.missed,
                tally.wrong,
                shown(tally.precision()),
                shown(tally.recall()),
                shown(tally.f1()),
                tally.net_error(),
            );
        }
        if let Some((low, high)) = score.f1_interval {
            text += &format!("\nF1 lies between {low:.3} and {high:.3} (95 %, bootstrap over events)\n");
        }
        text += &format!("WAPE over 15-minute bins {}\n", shown(score.wape));
        let both = score.missed.iter().map(|event| ("missed", event));
        let mut wrong: Vec<_> = both.chain(score.wrong.iter().map(|event| ("false", event))).collect();
        wrong.sort_by_key(|(_, event)| event.at);
        if wrong.is_empty() {
            text += "no event is missed or false\n";
        }
        for (what, event) in wrong {
            text += &format!("{what:<7}{:<4}{}\n", word(event.direction), self.place(event));
        }
        text
    }

    /// Where to look: the frame and the time since the run began.
    fn place(&self, event: &Passage) -> String {
        let seconds = self.seconds(event);
        let (minutes, rest) = ((seconds / 60.0).trunc(), seconds % 60.0);
        let frame = event.frame.map_or_else(String::new, |frame| format!("frame {frame}, "));
        format!("{frame}{minutes:.0} min {rest:.1} s after the start")
    }

    fn seconds(&self, event: &Passage) -> f64 {
        event.at.unix_ms().saturating_sub(self.run.unix_ms()) as f64 / 1e3
    }
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
    }
}

fn shown(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{share:.3}"))
}

fn rounded(share: f64) -> f64 {
    (share * 1e4).round() / 1e4
}
