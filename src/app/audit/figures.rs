//! The figures of an audit: what the folder holds, weighed.
//!
//! Only minutes that were counted as the camera counts now are weighed, with the same geometry and the same network: after a
//! line is moved the figure begins anew, because it says nothing about the new line.

use super::folder::AuditFolder;
use super::format::{DayOfMinutes, SumOfMinutes, Tally};
use crate::audit::{Accuracy, Estimate, Population, Stratum, TalliedMinute, estimate};
use crate::time::{MINUTE_MS, WallTime};
use crate::wire::v1;

/// Tallies of minutes that are longer ago than this before the last one no longer count: a shop changes.
const WINDOW_MS: i64 = 90 * 86_400_000;
const DAY_MS: i64 = 86_400_000;

/// How right the counts of one line are.
#[derive(Debug, Clone, PartialEq)]
pub struct LineFigure {
    /// Camera id.
    pub camera: String,
    /// Line id.
    pub line: String,
    /// Version of the geometry that was audited.
    pub geometry: String,
    /// Name of the network that was.
    pub model: String,
    /// Start of the first tallied minute.
    pub from: WallTime,
    /// End of the last one.
    pub to: WallTime,
    /// What follows from them.
    pub estimate: Estimate,
}

/// The figures of every line that has a tally, by camera and line.
#[must_use]
pub fn figures(folder: &AuditFolder) -> Vec<LineFigure> {
    let (tallies, days) = (folder.tallies(), folder.days());
    let mut lines: Vec<(&str, &str)> =
        tallies.iter().map(|tally| (tally.drawn.camera.as_str(), tally.line.as_str())).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.into_iter().filter_map(|(camera, line)| of_line(camera, line, &tallies, &days)).collect()
}

fn of_line(camera: &str, line: &str, tallies: &[Tally], days: &[DayOfMinutes]) -> Option<LineFigure> {
    let mut own: Vec<&Tally> =
        tallies.iter().filter(|tally| tally.drawn.camera == camera && tally.line == line).collect();
    own.sort_by_key(|tally| tally.drawn.start_ms);
    let days = || days.iter().filter(|day| day.camera == camera);
    // Where the sums were lost the last tallied minute says how it is counted now.
    let newest = days().flat_map(|day| &day.sums).max_by_key(|sum| sum.last_ms);
    let newest = newest.map(|sum| (sum.geometry.clone(), sum.model.clone()));
    let (geometry, model) = newest
        .or_else(|| own.last().map(|tally| (tally.drawn.geometry.clone(), tally.drawn.model.clone())))?;
    own.retain(|tally| tally.drawn.geometry == geometry && tally.drawn.model == model);
    let last_ms = own.last()?.drawn.start_ms;
    own.retain(|tally| tally.drawn.start_ms >= last_ms.saturating_sub(WINDOW_MS));
    let first_ms = own.first()?.drawn.start_ms;

    let is_same = |sum: &&SumOfMinutes| sum.geometry == geometry && sum.model == model;
    let first_day_ms = first_ms - first_ms.rem_euclid(DAY_MS);
    let mut population = [Population::default(); Stratum::ALL.len()];
    let within = days().filter(|day| (first_day_ms..=last_ms).contains(&day.day_ms));
    within.flat_map(|day| &day.sums).filter(is_same).for_each(|sum| sum.add_to(&mut population));
    let minutes: Vec<TalliedMinute> = own.iter().filter_map(|tally| tally.minute()).collect();
    Some(LineFigure {
        camera: camera.to_owned(),
        line: line.to_owned(),
        estimate: estimate(&population, &minutes),
        from: WallTime::from_unix_ms(first_ms),
        to: WallTime::from_unix_ms(last_ms.saturating_add(MINUTE_MS)),
        geometry,
        model,
    })
}

impl LineFigure {
    /// For the box's state; none where it is not enough for a figure.
    #[must_use]
    pub fn on_wire(&self) -> Option<v1::AuditFigure> {
        let accuracy = self.estimate.both.ok()?;
        Some(v1::AuditFigure {
            camera: self.camera.clone(),
            line: self.line.clone(),
            accuracy: accuracy.accuracy,
            low: accuracy.low,
            high: accuracy.high,
            minutes: accuracy.minutes,
            people: accuracy.people,
            from_ms: self.from.unix_ms(),
            to_ms: self.to.unix_ms(),
            geometry: self.geometry.clone(),
            model: self.model.clone(),
        })
    }

    /// What it means, in plain words, one line.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self.estimate.both {
            Err(shortage) => shortage.to_string(),
            Ok(accuracy) => accuracy_in_words(&accuracy),
        }
    }

    /// Further lines: each direction, and false counts.
    #[must_use]
    pub fn details(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (direction, of) in [("in", self.estimate.entries), ("out", self.estimate.exits)] {
            if let Ok(of) = of {
                let lean = lean(of.counted_over_true);
                lines.push(format!("{direction}: {}; {lean}", range_in_words(&of)));
            }
        }
        if self.estimate.empty_minutes > 0 {
            let (minutes, counts) = (self.estimate.empty_minutes, self.estimate.false_counts);
            lines
                .push(format!("minutes in which nobody passed: {minutes}; the box counted {counts} in them"));
        }
        lines
    }
}

fn range_in_words(of: &Accuracy) -> String {
    format!("{:.1} % right (between {:.1} and {:.1})", 100.0 * of.accuracy, 100.0 * of.low, 100.0 * of.high)
}

fn accuracy_in_words(of: &Accuracy) -> String {
    let (minutes, people) = (of.minutes, of.people);
    format!(
        "{}, from {minutes} minutes with {people} people; {}",
        range_in_words(of),
        lean(of.counted_over_true)
    )
}

/// Which way the sums lean.
fn lean(counted_over_true: f64) -> String {
    let percent = 100.0 * (counted_over_true - 1.0);
    match percent {
        percent if percent >= 0.5 => format!("sums are {percent:.0} % too high"),
        percent if percent <= -0.5 => format!("sums are {:.0} % too low", -percent),
        _ => "sums lean neither way".to_owned(),
    }
}

#[cfg(test)]
mod tests;
