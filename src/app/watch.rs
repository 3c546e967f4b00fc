//! `footfall watch`: what arrives at the broker, on the terminal.

use super::cli::WatchArgs;

/// What arrives at the broker, on the terminal.
///
/// # Errors
/// What went wrong.
pub fn watch(_args: &WatchArgs) -> anyhow::Result<()> {
    anyhow::bail!("this branch has no `footfall watch`")
}
