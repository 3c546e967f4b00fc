//! `footfall count`, from its arguments to a [`super::count::CountJob`].

use super::cli::CountArgs;

/// Counts in a clip.
///
/// # Errors
/// What went wrong.
pub fn count(_args: &CountArgs) -> anyhow::Result<()> {
    anyhow::bail!("this branch has no `footfall count`")
}
