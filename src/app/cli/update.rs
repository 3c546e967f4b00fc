//! Arguments of `footfall update` and `footfall release`.

use super::span;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// The software of this box.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum UpdateCommand {
    /// Install the package that lies ready, and take it back if the service does not count with it
    ///
    /// Started as root by footfall-update.path. A package is taken only with a manifest that the release key signed.
    #[command(after_help = "Example:\n  sudo footfall update apply")]
    Apply(UpdateApplyArgs),
}

/// `footfall update apply`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UpdateApplyArgs {
    /// The service's state folder, in which update/ lies
    #[arg(long, value_name = "FOLDER", default_value = "/var/lib/footfall")]
    pub state: PathBuf,
    /// Root's own folder, for the packages to go back to
    #[arg(long, value_name = "FOLDER", default_value = "/var/lib/footfall-update")]
    pub keep: PathBuf,
    /// The public half of the release key
    #[arg(long, value_name = "FILE", default_value = "/etc/footfall/release.pub")]
    pub key: PathBuf,
    /// The folder in which the running service says that it counts
    #[arg(long, value_name = "FOLDER", default_value = "/run/footfall")]
    pub runtime: PathBuf,
    /// How the service is restarted, as a line for the shell
    #[arg(long, value_name = "COMMAND", default_value = "systemctl restart --no-block footfall.service")]
    pub restart: String,
    /// How an installed package is packed again
    #[arg(long, value_name = "COMMAND", default_value = "/usr/lib/footfall/repack")]
    pub repack: PathBuf,
    /// The longest that the service may take until it counts with as many cameras as before
    #[arg(long, value_name = "DUR", default_value = "5m", value_parser = span)]
    pub patience: Duration,
    /// How long it has to go on counting to be believed
    #[arg(long, value_name = "DUR", default_value = "1m", value_parser = span)]
    pub settle: Duration,
}

/// What packages a box may take.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ReleaseCommand {
    /// Make a release key: release.key signs packages, release.pub goes to boxes
    ///
    /// Keep release.key where packages are built, and nowhere else: who has it decides what every box runs.
    #[command(after_help = "Example:\n  footfall release key --out keys/")]
    Key(ReleaseKeyArgs),
    /// Sign a package: writes its manifest and the manifest's signature beside it
    #[command(
        after_help = "Examples:\n  footfall release sign footfall_0.2.0_amd64.deb --key keys/release.key\n  \
        footfall release sign footfall_0.1.0_amd64.deb --key keys/release.key --instead-of 0.2.0"
    )]
    Sign(ReleaseSignArgs),
}

/// `footfall release key`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ReleaseKeyArgs {
    /// The folder for both files; it is made
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
}

/// `footfall release sign`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ReleaseSignArgs {
    /// The package
    #[arg(value_name = "PACKAGE.deb")]
    pub package: PathBuf,
    /// The half of the release key that signs
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// A newer version that this one may take the place of, to bring boxes back from it
    #[arg(long, value_name = "VERSION")]
    pub instead_of: Option<String>,
}
