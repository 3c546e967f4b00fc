//! `footfall check` and `footfall config default`.

use super::cli::CheckArgs;
use super::run::source::{self, Source};
use crate::config::{self, EdgeSettings, LocalFile};
use crate::detect::DetectorKind;
use anyhow::Context;
use std::io::Write;

/// Shows that a config file is fine, with what it sets up in one line.
///
/// # Errors
/// [`config::ConfigError`] with every fault of the file, or why the network that it names cannot run.
pub fn check(args: &CheckArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let source = Source::of(&args.config);
    let local = source.local()?;
    let settings = local.settings()?;
    let cannot = || format!("{}: its settings are fine, and its network cannot run", args.config.display());
    try_network(&settings).with_context(cannot)?;
    writeln!(out, "{}: fine - {}", args.config.display(), summary(&settings))?;
    in_force(&local, out)
}

/// Says which configuration the service counts with, where head office may say it.
fn in_force(local: &LocalFile, out: &mut dyn Write) -> anyhow::Result<()> {
    let Some((_, memory)) = source::memory(local)? else { return Ok(()) };
    let trial = if memory.trial.is_some() { ", on trial" } else { "" };
    match memory.in_force() {
        None => writeln!(out, "in force: this file")?,
        Some(desired) => {
            local.managed(&desired.text).map_err(|fault| anyhow::anyhow!("{}", fault.lines().join("\n")))?;
            writeln!(out, "in force: version {} of head office{trial}", desired.version)?;
        }
    }
    if let Some(other) = &memory.not_taken {
        let was = if other.was_tried { "was given up" } else { "was refused" };
        writeln!(out, "version {} of head office {was}: {}", other.version, other.faults.join("; "))?;
    }
    Ok(())
}

/// Prints the commented default file.
///
/// # Errors
/// Where `out` cannot be written.
pub fn print_default(out: &mut dyn Write) -> anyhow::Result<()> {
    out.write_all(config::DEFAULT_FILE.as_bytes())?;
    Ok(())
}

/// A model, a library or a provider that does not fit shows only when it is opened; better now than on the ladder.
fn try_network(settings: &EdgeSettings) -> anyhow::Result<()> {
    let wanted = settings.cameras.iter().any(|camera| camera.detector.has_network());
    if cfg!(feature = "detect-ort") && wanted {
        super::eye::open(&settings.detector, DetectorKind::Network)?;
    }
    Ok(())
}

fn summary(settings: &EdgeSettings) -> String {
    let lines = settings.cameras.iter().map(|camera| camera.pipeline.lines.len()).sum();
    let zones: usize = settings.cameras.iter().map(|camera| camera.pipeline.zones.len()).sum();
    let zones = if zones == 0 { String::new() } else { format!(", {}", counted(zones, "zone")) };
    let broker = settings.mqtt.as_ref().map_or_else(
        || "no broker, records stay on the box".to_owned(),
        |mqtt| {
            let how = if mqtt.tls.is_some() { " with TLS" } else { "" };
            format!("broker {} port {}{how}", mqtt.host, mqtt.port)
        },
    );
    format!("{}, {}{zones}, {broker}", counted(settings.cameras.len(), "camera"), counted(lines, "line"))
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
