//! `footfall run`: the service.

use super::cli::RunArgs;
use crate::config;

/// Counts with the cameras of a config file until told to stop.
///
/// # Errors
/// What went wrong.
pub fn run(args: &RunArgs) -> anyhow::Result<()> {
    let settings = config::load(&args.config)?;
    anyhow::bail!("this branch has no service for box {}", settings.box_id)
}
