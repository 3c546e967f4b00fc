//! The commands of `footfall-hq`: what reads the arguments, builds the parts of head office and runs them.

use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Head office: receives what the boxes count, keeps it, works it out, and shows it.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(name = "footfall-hq", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Receive and show until told to stop (the service)
    #[command(after_help = "Example:\n  footfall-hq serve --config /etc/footfall/hq.toml")]
    Serve(ServeArgs),
}

/// `footfall-hq serve`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ServeArgs {
    /// The config file
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

impl Cli {
    /// Reads the arguments, the program's name first.
    ///
    /// # Errors
    /// What is wrong with them, or the help that was asked for; `exit()` shows both.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::try_parse_from(arguments)
    }
}

/// Runs one command to its end.
///
/// # Errors
/// What went wrong.
pub fn run(cli: &Cli) -> anyhow::Result<()> {
    match &cli.command {
        Command::Serve(args) => {
            crate::hq::store::Store::open(&args.config.with_extension("sqlite"))?;
            Ok(())
        }
    }
}
