//! Sees to it that the native libraries find their settings in the environment.
//!
//! OpenCV takes some from there only, and changing the environment of a process that may have threads is not
//! safe. So where one is missing the program replaces itself, before it does anything else, by
//! itself with the setting; its process id stays. What the user has set is never changed.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The settings that are not there, by what `is_set` says.
fn missing<'a>(
    wanted: &'a [(&'a str, &'a str)],
    is_set: impl Fn(&str) -> bool,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    wanted.iter().copied().filter(move |(name, _)| !is_set(name))
}

/// Returns at once where nothing of `wanted` is missing (such as `capture::opencv::ENVIRONMENT`), otherwise starts
/// the program again in place. To be called first.
///
/// # Errors
/// Where the program cannot start itself again. It can go on then, without the settings.
pub fn ensure(wanted: &[(&str, &str)]) -> io::Result<()> {
    let mut missing = missing(wanted, |name| std::env::var_os(name).is_some()).peekable();
    if missing.peek().is_none() {
        return Ok(());
    }
    let mut arguments = std::env::args_os();
    let mut again = Command::new(std::env::current_exe()?);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    // This returns only when it failed, so the program cannot start itself over and over.
    Err(again.args(arguments).envs(missing).exec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_user_has_not_set_is_added() {
        let wanted = [("A", "1"), ("B", "2")];
        let added: Vec<_> = missing(&wanted, |name| name == "A").collect();
        assert_eq!(added, [("B", "2")]);
    }
}
