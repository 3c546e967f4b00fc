//! `footfall support`: what somebody needs who is to help with a box, in one file, and no secret in it.
//!
//! Every part is optional: a bundle is asked for where something is wrong, so what cannot be had is said in its place. All
//! texts go through one door, [`Secrets`](secrets::Secrets), on their way into the bundle.

mod bundle;
mod secrets;
mod settings;

use super::cli::SupportArgs;
use super::eye;
use crate::config::{self, EdgeSettings};
use crate::fleet::vitals::{Machine, Vitals};
use crate::fleet::{certificate, store};
use crate::time::{Clock, SystemClock, WallTime};
use crate::{ledger, outbox};
use bundle::Bundle;
use std::fmt::Display;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long a service that does not answer is waited for.
const METRICS_PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of what it answers, and of a file that is put into the bundle.
const MOST_BYTES: u64 = 1024 * 1024;
/// Lines of the journal: some days of a box that is well, and hours of one that is not.
const JOURNAL_LINES: &str = "5000";

const README: &str = "\
What footfall packed for whoever helps with this box.

versions.txt      versions of the software, of the system and of the model
config.toml       the config file without comments; passwords, users and files with secrets are taken out
check.txt         what `footfall check` says of it
desired.txt       the settings that head office sent, as far as the box keeps them, without secrets
outbox.txt        how many records wait, and since when; no record
ledger.txt        how many rows the store's memory has; none of them
machine.txt       temperature, disk, memory and load
metrics.txt       the figures of the running service, with the state of every camera, where [metrics] is switched on
certificates.txt  from when to when certificates are valid; neither certificates nor keys
journal.txt       the service's last lines in the journal, without secrets

Not in it: passwords, keys, tokens, pictures, clips of the audit, records. What was taken out says [removed].
Addresses of cameras and of the broker are in it. Look into it before you give it away.
";

/// Writes the bundle.
///
/// # Errors
/// Only where the bundle itself cannot be written.
pub fn support(args: &SupportArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let now = SystemClock::start().now().wall;
    let folder = args.config.parent().unwrap_or(Path::new("")).to_owned();
    let written = small_text(&args.config);
    let shown = settings::shown(written.as_deref().unwrap_or_default(), &folder);
    let checked = config::load(&args.config, &eye::program());
    let settings = checked.as_ref().ok();
    let mut secrets = shown.secrets;
    let desired =
        settings.map_or_else(|| unknown("the config file has faults"), |known| desired(known, &mut secrets));
    let parts = [
        ("README.txt", README.to_owned()),
        ("versions.txt", versions(settings, now)),
        ("config.toml", written.map_or_else(unknown, |_| shown.text)),
        (
            "check.txt",
            checked
                .as_ref()
                .map_or_else(|fault| fault.to_string(), |_| "The config file is fine.\n".to_owned()),
        ),
        ("desired.txt", desired),
        (
            "outbox.txt",
            settings.map_or_else(|| unknown("the config file has faults"), |known| outbox_text(known, now)),
        ),
        ("ledger.txt", settings.map_or_else(|| unknown("the config file has faults"), ledger_text)),
        ("machine.txt", machine(settings, &folder)),
        ("metrics.txt", metrics(settings).unwrap_or_else(unknown)),
        ("certificates.txt", certificates(settings)),
        ("journal.txt", journal().unwrap_or_else(unknown)),
    ];
    let mut bundle = Bundle::create(&args.out, u64::try_from(now.unix_ms() / 1000).unwrap_or(0))?;
    for (name, text) in parts {
        bundle.add(name, &secrets.removed_from(&text))?;
    }
    bundle.finish()?;
    writeln!(
        out,
        "{}: README.txt in it says what it holds; look into it before you give it away",
        args.out.display()
    )?;
    Ok(())
}

/// Stands in place of what cannot be had.
fn unknown(why: impl Display) -> String {
    format!("not known: {why}\n")
}

fn versions(settings: Option<&EdgeSettings>, now: WallTime) -> String {
    let read = |path: &str| small_text(Path::new(path)).unwrap_or_else(unknown);
    let model = settings.map_or("not known".into(), |known| known.detector.manifest.display().to_string());
    format!(
        "made     {now}\nsoftware footfall {}\narch     {}\nmodel    {model}\nkernel   {}\n{}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        read("/proc/sys/kernel/osrelease").trim(),
        read("/etc/os-release"),
    )
}

/// What head office sent, cleaned like the config file.
fn desired(settings: &EdgeSettings, secrets: &mut secrets::Secrets) -> String {
    let Some(fleet) = &settings.fleet else { return "[fleet] is not switched on.\n".to_owned() };
    let mut told = String::new();
    let memory = store::twin(&fleet.state).unwrap_or_default();
    if let Some(desired) = memory.in_force() {
        let shown = settings::shown(&desired.text, &fleet.secrets);
        secrets.join(shown.secrets);
        told.push_str(&format!("# version {}\n{}\n", desired.version, shown.text));
    }
    for path in
        files_in(&fleet.state).into_iter().filter(|path| path.extension().is_some_and(|end| end == "toml"))
    {
        let shown = settings::shown(&small_text(&path).unwrap_or_default(), &fleet.secrets);
        secrets.join(shown.secrets);
        told.push_str(&format!("# {}\n{}\n", path.display(), shown.text));
    }
    if told.is_empty() { "Head office sent nothing that is kept.\n".to_owned() } else { told }
}

/// The files of a folder, by name.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn outbox_text(settings: &EdgeSettings, now: WallTime) -> String {
    let path = &settings.outbox.path;
    let look = match outbox::look(path) {
        Ok(look) => look,
        Err(fault) => return unknown(fault),
    };
    let mut text = format!(
        "newest record      {}\nconfirmed up to    {}\nwaiting            {}\nheld from          {}\n",
        look.position.newest,
        look.position.watermark,
        look.position.waiting,
        look.kept_from.map_or("none".to_owned(), |number| number.to_string()),
    );
    if let Some(oldest) = look.oldest_waiting {
        text.push_str(&format!("oldest that waits  {oldest}, {} s ago\n", now.since(oldest).as_secs()));
    }
    for ending in ["", "-wal", ".seq"] {
        let file = PathBuf::from(format!("{}{ending}", path.display()));
        let bytes =
            std::fs::metadata(&file).map_or("not there".to_owned(), |found| format!("{} bytes", found.len()));
        text.push_str(&format!("{}: {bytes}\n", file.display()));
    }
    text
}

fn ledger_text(settings: &EdgeSettings) -> String {
    let Some(site) = &settings.site else { return "[site] is not switched on.\n".to_owned() };
    match ledger::look_counts(&site.ledger) {
        Ok(counts) => counts.iter().map(|(table, rows)| format!("{table} {rows}\n")).collect(),
        Err(fault) => unknown(fault),
    }
}

fn machine(settings: Option<&EdgeSettings>, folder: &Path) -> String {
    let disk = settings.and_then(|known| known.outbox.path.parent()).unwrap_or(folder);
    let disk = if disk.as_os_str().is_empty() { Path::new(".") } else { disk };
    let Vitals { os, temperature_c, disk_free, disk_size, memory_free, memory_size, load, .. } =
        Machine::this(disk).vitals();
    fn line(name: &str, value: Option<impl Display>) -> String {
        format!("{name} {}\n", value.map_or("not known".to_owned(), |value| value.to_string()))
    }
    [
        line("system", os),
        line("hottest sensor, °C", temperature_c),
        line("free on the disk, bytes", disk_free),
        line("size of the disk, bytes", disk_size),
        line("free memory, bytes", memory_free),
        line("size of memory, bytes", memory_size),
        line("load over one minute", load),
    ]
    .concat()
}

/// What the running service answers.
fn metrics(settings: Option<&EdgeSettings>) -> Result<String, String> {
    let metrics = settings.and_then(|known| known.metrics).ok_or("[metrics] is not switched on")?;
    ask(metrics.listen).map_err(|fault| format!("the service does not answer on {}: {fault}", metrics.listen))
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, METRICS_PATIENCE)?;
    stream.set_read_timeout(Some(METRICS_PATIENCE))?;
    stream.set_write_timeout(Some(METRICS_PATIENCE))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(MOST_BYTES).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned()))
}

fn certificates(settings: Option<&EdgeSettings>) -> String {
    let Some(tls) = settings.and_then(|known| known.mqtt.as_ref()?.tls.as_ref()) else {
        return "No TLS to the broker.\n".to_owned();
    };
    let own = tls.client.as_ref().map(|client| &client.certificate_file);
    let line = |path: &PathBuf| {
        let dates = match small_text(path).map(|text| certificate::validity(text.as_bytes())) {
            Ok(Some(validity)) => format!("valid from {} until {}", validity.from, validity.until),
            Ok(None) => "holds no certificate that can be read".to_owned(),
            Err(fault) => format!("cannot be read: {fault}"),
        };
        format!("{}: {dates}\n", path.display())
    };
    own.into_iter().chain([&tls.ca_file]).map(line).collect()
}

/// The last lines of the service.
fn journal() -> Result<String, String> {
    let arguments =
        ["--unit=footfall", "--lines", JOURNAL_LINES, "--no-pager", "--output=short-iso", "--utc"];
    let mut command = Command::new("journalctl");
    let ran = command
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|fault| format!("journalctl: {fault}"))?;
    if !ran.status.success() {
        return Err(format!("journalctl: {}", String::from_utf8_lossy(&ran.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
}

fn small_text(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
