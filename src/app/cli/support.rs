//! Arguments of `footfall support`.

use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLE: &str = "Example:\n  footfall support --config /etc/footfall/footfall.toml --out bundle.tar.gz\n\n\
    README.txt in it says what it holds. Passwords, keys, tokens and pictures are not in it; look into it yourself before you \
    give it away.";

/// `footfall support`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SupportArgs {
    /// The config file that the box runs with; it may have faults
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The file to write
    #[arg(long, value_name = "OUT.tar.gz", default_value = "footfall-support.tar.gz")]
    pub out: PathBuf,
}
