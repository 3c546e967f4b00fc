//! Arguments of `footfall till`.

use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLE: &str = "Example:\n  footfall till --config footfall.toml --last 20\n\n\
    Mend the rows at the till, or the settings of its feed, and let it send them again: what the box has already is \
    not counted twice.";

/// `footfall till`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TillArgs {
    /// The config file that the box runs with
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// How many rows to show, the newest first
    #[arg(long, value_name = "ROWS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub last: u32,
}
