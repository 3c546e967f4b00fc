//! dpkg: what is installed, what a file is, and installing it.

use crate::fleet::update::Installed;
use anyhow::{Context, bail, ensure};
use std::cmp::Ordering;
use std::path::Path;
use std::process::{Command, Stdio};

/// What is told of a command that failed: its last lines, for they say why.
const TOLD_LINES: usize = 4;
/// Says to the package's own scripts that the service is restarted and watched by the update.
const UPDATING: &str = "FOOTFALL_UPDATE";

/// The version that dpkg says is installed rightly; `None` where it was interrupted, or nothing is.
pub(super) fn installed(package: &str) -> anyhow::Result<Option<Installed>> {
    let asked = Command::new("dpkg-query")
        .args(["-W", "-f", "${db:Status-Abbrev} ${Version} ${Architecture}", package])
        .stderr(Stdio::null())
        .output()
        .context("dpkg-query cannot be started")?;
    let told = String::from_utf8_lossy(&asked.stdout).into_owned();
    let mut words = told.split_ascii_whitespace();
    let found = (words.next(), words.next(), words.next());
    Ok(match found {
        (Some("ii"), Some(version), Some(architecture)) => {
            Some(Installed { version: version.to_owned(), architecture: architecture.to_owned() })
        }
        _ => None,
    })
}

/// How two versions compare by Debian's rules.
pub(super) fn compare(version: &str, against: &str) -> anyhow::Result<Ordering> {
    let is = |relation: &str| -> anyhow::Result<bool> {
        let status = Command::new("dpkg").args(["--compare-versions", version, relation, against]).status();
        Ok(status.context("dpkg cannot be started")?.success())
    };
    Ok(if is("eq")? {
        Ordering::Equal
    } else if is("gt")? {
        Ordering::Greater
    } else {
        Ordering::Less
    })
}

/// Name, version and architecture of a package file, with a space between.
pub(in crate::app) fn name_of(package: &Path) -> anyhow::Result<String> {
    let mut ask = Command::new("dpkg-deb");
    ask.args(["--showformat=${Package} ${Version} ${Architecture}", "--show"]).arg(package);
    let asked = ask.output().context("dpkg-deb cannot be started")?;
    ensure!(asked.status.success(), "{} is no Debian package", package.display());
    Ok(String::from_utf8(asked.stdout)?)
}

/// Installs a package file over whatever version is there. A settings file that somebody changed stays as it is.
pub(super) fn install(package: &Path) -> anyhow::Result<()> {
    let mut dpkg = Command::new("dpkg");
    dpkg.args(["--force-confold", "--force-confdef", "--install"]).arg(package);
    done(&mut dpkg)
}

/// Lets dpkg bring to its end what a power cut interrupted.
pub(super) fn configure_all() -> anyhow::Result<()> {
    done(Command::new("dpkg").args(["--force-confold", "--force-confdef", "--configure", "--pending"]))
}

/// Makes the package of what is installed, with the script that the package brings.
pub(super) fn repack(script: &Path, package: &str, to: &Path) -> anyhow::Result<()> {
    done(Command::new(script).arg(package).arg(to))
}

fn done(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.env("DEBIAN_FRONTEND", "noninteractive").env(UPDATING, "1").stdin(Stdio::null());
    let ended = command.output().with_context(|| format!("{program} cannot be started"))?;
    if !ended.status.success() {
        let told = String::from_utf8_lossy(&ended.stderr);
        let lines: Vec<&str> = told.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        bail!("{program}: {}", lines[lines.len().saturating_sub(TOLD_LINES)..].join("; "));
    }
    Ok(())
}
