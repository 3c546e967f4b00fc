//! The arguments of `footfall audit`.

use crate::ids::{CameraId, IdError, LineId};
use clap::{Args, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// How right are the counts? Clips of random minutes, counted again by a person
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum AuditCommand {
    /// Show the clips on a page for this machine only, and take the tallies
    ///
    /// From another machine, such as a phone or a laptop, reach it through ssh: ssh -L 8123:127.0.0.1:8123 BOX
    #[command(after_help = "Examples:\n  footfall audit serve --config footfall.toml\n  \
        footfall audit serve --config footfall.toml --listen 127.0.0.1:8123")]
    Serve(AuditServeArgs),
    /// List the clips, and which of them wait for a tally
    #[command(after_help = "Example:\n  footfall audit list --config footfall.toml")]
    List(AuditArgs),
    /// Note what a person counted on a clip
    #[command(
        after_help = "Example:\n  footfall audit tally door-20261122t1500z --config footfall.toml --line entrance \
        --in 3 --out 1"
    )]
    Tally(AuditTallyArgs),
    /// Say how right the counts are, with the sample size and the 95 % interval
    #[command(after_help = "Examples:\n  footfall audit result --config footfall.toml\n  \
        footfall audit result --config footfall.toml --json")]
    Result(AuditResultArgs),
}

/// The config file of the box.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AuditArgs {
    /// The config file of the box, with an [audit] table
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// `footfall audit serve`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AuditServeArgs {
    /// Which box.
    #[command(flatten)]
    pub of: AuditArgs,
    /// Where the page listens; only addresses of this machine itself are taken. Port 0 takes one that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8123", value_parser = own_address)]
    pub listen: SocketAddr,
}

/// `footfall audit tally`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AuditTallyArgs {
    /// The clip, as `footfall audit list` names it
    pub clip: String,
    /// Which box.
    #[command(flatten)]
    pub of: AuditArgs,
    /// The line
    #[arg(long, value_name = "LINE", value_parser = line_id)]
    pub line: LineId,
    /// How many people you saw go in
    #[arg(long = "in", value_name = "N")]
    pub entries: u32,
    /// How many you saw go out
    #[arg(long = "out", value_name = "N")]
    pub exits: u32,
}

/// `footfall audit result`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AuditResultArgs {
    /// Which box.
    #[command(flatten)]
    pub of: AuditArgs,
    /// Only this camera
    #[arg(long, value_name = "ID", value_parser = camera_id)]
    pub camera: Option<CameraId>,
    /// Print one JSON object a line on standard output
    #[arg(long)]
    pub json: bool,
}

fn own_address(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse::<SocketAddr>().ok().filter(|address| address.ip().is_loopback());
    address.ok_or_else(|| {
        "give an address of this machine itself, such as 127.0.0.1:8123; from elsewhere come through ssh"
            .to_owned()
    })
}

fn camera_id(text: &str) -> Result<CameraId, IdError> {
    CameraId::parse(text)
}

fn line_id(text: &str) -> Result<LineId, IdError> {
    LineId::parse(text)
}
