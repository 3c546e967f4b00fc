//! `footfall audit`: what the service recorded is shown to a person, and their tally becomes a figure.
//!
//! The service writes clips and sums of minutes (`recorder`, `writer`); this command writes tallies. Each file has one writer, so
//! both may run at once. [`format`] says what lies in the folder.

pub mod figures;
pub mod folder;
pub mod format;
pub mod recorder;
pub mod serve;
pub mod writer;

use super::cli::{AuditArgs, AuditCommand, AuditResultArgs, AuditTallyArgs};
use super::exit::Failure;
use super::run::source::Source;
use crate::time::{Clock, SystemClock, WallTime};
use anyhow::Context;
use figures::{LineFigure, figures};
use folder::{AuditFolder, Swept};
use format::{Clip, ClipId, ClipLine, Tally, VERSION};
use std::io::{Write, stdout};

/// More people than this cross no line within a minute.
pub const MOST_PEOPLE: u32 = 1000;

/// Runs one of the commands.
///
/// # Errors
/// What is missing or cannot be read or written.
pub fn run(command: &AuditCommand) -> anyhow::Result<()> {
    match command {
        AuditCommand::Serve(args) => serve::serve(folder_of(&args.of)?, args.listen),
        AuditCommand::List(args) => list(&folder_of(args)?, &mut stdout().lock()),
        AuditCommand::Tally(args) => tally(&folder_of(&args.of)?, args, &mut stdout().lock()),
        AuditCommand::Result(args) => result(&folder_of(&args.of)?, args, &mut stdout().lock()),
    }
}

fn folder_of(args: &AuditArgs) -> anyhow::Result<AuditFolder> {
    let settings = Source::of(&args.config).load()?;
    let audit = settings.audit.ok_or_else(|| {
        let text = format!(
            "{} has no [audit] table, so nothing is recorded; `footfall config default` shows it",
            args.config.display()
        );
        Failure::Config(text)
    })?;
    let folder = AuditFolder::at(&audit.folder);
    // Also where the service does not run: `keep` is a promise to those on the clips.
    let swept = folder.sweep(SystemClock::start().now().wall, audit.keep, audit.max_bytes);
    if swept != Swept::default() {
        tracing::info!(
            "{} clip(s) were kept long enough or had no room, and are deleted",
            swept.too_old + swept.no_room
        );
    }
    Ok(folder)
}

/// Whether a line of a clip is tallied.
fn is_tallied(tallies: &[Tally], clip: &Clip, line: &ClipLine) -> bool {
    tallies.iter().any(|tally| tally.clip == clip.id && tally.line == line.line)
}

fn list(folder: &AuditFolder, out: &mut dyn Write) -> anyhow::Result<()> {
    let tallies = folder.tallies();
    let mut waiting = 0;
    for clip in folder.clips() {
        for line in &clip.lines {
            let is_done = is_tallied(&tallies, &clip, line);
            waiting += usize::from(!is_done);
            let start = WallTime::from_unix_ms(clip.drawn.start_ms);
            let state = if is_done { "tallied" } else { "waits" };
            writeln!(out, "{}  {start}  line {}  {state}", clip.id, line.line)?;
        }
    }
    match waiting {
        0 => writeln!(out, "nothing waits for a tally")?,
        1 => writeln!(out, "1 waits for a tally: `footfall audit serve` shows it")?,
        _ => writeln!(out, "{waiting} wait for a tally: `footfall audit serve` shows them")?,
    }
    Ok(())
}

/// What was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The line of the clip, with what the box counted.
    pub line: ClipLine,
    /// The tally of that line that counts, where it is an earlier one; then what was kept is a correction of it.
    pub first: Option<Tally>,
}

/// Keeps what a person counted. Only the first tally of a line was made without knowing the box's count: later ones are kept
/// as corrections, and change no figure.
///
/// # Errors
/// Where there is no such clip or line, the numbers are no tally, or the disk takes nothing.
pub fn keep_tally(
    folder: &AuditFolder,
    (clip, line): (&str, &str),
    (entries, exits): (u32, u32),
    now: WallTime,
) -> anyhow::Result<Kept> {
    if entries.max(exits) > MOST_PEOPLE {
        return Err(
            Failure::Input(format!("a tally is of one minute: at most {MOST_PEOPLE} each way")).into()
        );
    }
    let found = ClipId::parse(clip).and_then(|id| folder.clip(&id));
    let found = found.ok_or_else(|| {
        Failure::Input(format!("there is no clip {clip}; `footfall audit list` shows them"))
    })?;
    let names = || found.lines.iter().map(|line| line.line.as_str()).collect::<Vec<_>>().join(", ");
    let on_clip = found.lines.iter().find(|known| known.line == line);
    let on_clip = on_clip.ok_or_else(|| {
        Failure::Input(format!("there is no line {line} on clip {clip}; there is {}", names()))
    })?;
    let mut tallies = folder.tallies();
    tallies.retain(|tally| tally.clip == found.id && tally.line == on_clip.line);
    let first = tallies.pop();
    let tally = Tally {
        v: VERSION,
        clip: found.id.clone(),
        line: on_clip.line.clone(),
        drawn: found.drawn.clone(),
        counted_in: on_clip.entries,
        counted_out: on_clip.exits,
        entries,
        exits,
        tallied_ms: now.unix_ms(),
        is_correction: first.is_some(),
    };
    folder.add_tally(&tally).map_err(|fault| Failure::Storage(format!("{fault:#}")))?;
    Ok(Kept { line: on_clip.clone(), first })
}

fn tally(folder: &AuditFolder, args: &AuditTallyArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let now = SystemClock::start().now().wall;
    let counts = (args.entries, args.exits);
    let Kept { line, first } = keep_tally(folder, (&args.clip, args.line.as_str()), counts, now)?;
    writeln!(
        out,
        "kept: you saw {} in and {} out, the box counted {} in and {} out",
        args.entries, args.exits, line.entries, line.exits
    )?;
    if let Some(first) = first {
        let (entries, exits) = (first.entries, first.exits);
        writeln!(
            out,
            "this is a correction; the figure goes by the first tally, {entries} in and {exits} out"
        )?;
    }
    Ok(())
}

fn result(folder: &AuditFolder, args: &AuditResultArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut found = figures(folder);
    found.retain(|figure| args.camera.as_ref().is_none_or(|camera| camera.as_str() == figure.camera));
    if args.json {
        for figure in &found {
            serde_json::to_writer(&mut *out, &as_json(figure)).context("cannot write the result")?;
            writeln!(out)?;
        }
        return Ok(());
    }
    if found.is_empty() {
        writeln!(out, "nothing is tallied yet: `footfall audit serve` shows the clips")?;
    }
    for figure in &found {
        writeln!(out, "camera {}, line {}: {}", figure.camera, figure.line, figure.in_words())?;
        figure.details().iter().try_for_each(|detail| writeln!(out, "  {detail}"))?;
    }
    Ok(())
}

/// A figure as the page and `--json` have it.
fn as_json(figure: &LineFigure) -> serde_json::Value {
    let of = |one: Result<crate::audit::Accuracy, crate::audit::Shortage>| match one {
        Ok(one) => serde_json::json!({
            "accuracy": one.accuracy, "low": one.low, "high": one.high,
            "counted_over_true": one.counted_over_true, "minutes": one.minutes, "people": one.people,
        }),
        Err(shortage) => serde_json::json!({"not_enough": shortage.to_string()}),
    };
    serde_json::json!({
        "camera": figure.camera, "line": figure.line, "geometry": figure.geometry, "model": figure.model,
        "from_ms": figure.from.unix_ms(), "to_ms": figure.to.unix_ms(),
        "both": of(figure.estimate.both), "in": of(figure.estimate.entries), "out": of(figure.estimate.exits),
        "empty_minutes": figure.estimate.empty_minutes, "false_counts": figure.estimate.false_counts,
        "words": figure.in_words(), "details": figure.details(),
    })
}

#[cfg(test)]
mod tests;
