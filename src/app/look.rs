//! `footfall look`: one frame with what is configured drawn on it.

use super::cli::LookArgs;

/// One frame with what is configured drawn on it.
///
/// # Errors
/// What went wrong.
pub fn look(_args: &LookArgs) -> anyhow::Result<()> {
    anyhow::bail!("this branch has no `footfall look`")
}
