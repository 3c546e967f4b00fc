//! The sign that the service hangs out: how many of its cameras deliver, in a file of its runtime folder.
//!
//! An update waits for it (`footfall update apply`). systemd makes the folder when the service starts and takes it away with all that
//! is in it when the service stops, so an old sign is not taken for a new one. Where there is no such folder (`RUNTIME_DIRECTORY`), as on a
//! terminal, there is no sign.

use crate::wire::v1;
use std::path::Path;

/// The file.
pub(in crate::app) const FILE: &str = "counting";

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::app) struct Sign {
    /// The process that says it.
    pub(in crate::app) pid: u32,
    /// Cameras that deliver pictures.
    pub(in crate::app) up: usize,
    /// Cameras that it is to count with.
    pub(in crate::app) cameras: usize,
}

/// Hangs it out, where there is a place for it.
pub(super) fn hang_out(cameras: &[v1::CameraState]) {
    let Some(folder) = std::env::var_os("RUNTIME_DIRECTORY") else { return };
    let up = cameras.iter().filter(|camera| camera.state == v1::CameraStatus::Up).count();
    let sign = Sign { pid: std::process::id(), up, cameras: cameras.len() };
    if let Err(fault) = write(Path::new(&folder), &sign) {
        tracing::warn!(
            "{}: {fault}; an update would not see that this box counts",
            Path::new(&folder).display()
        );
    }
}

fn write(folder: &Path, sign: &Sign) -> std::io::Result<()> {
    // Whoever reads it at this moment gets the whole old one or the whole new one.
    let part = folder.join("counting.part");
    std::fs::write(&part, format!("pid {}\nup {}\ncameras {}\n", sign.pid, sign.up, sign.cameras))?;
    std::fs::rename(part, folder.join(FILE))
}

/// Reads one; `None` where it is none.
#[must_use]
pub(in crate::app) fn read(text: &str) -> Option<Sign> {
    let number = |key: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(name, _)| *name == key).map(|(_, number)| number)
    };
    Some(Sign {
        pid: number("pid")?.parse().ok()?,
        up: number("up")?.parse().ok()?,
        cameras: number("cameras")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_is_read_as_it_was_hung_out() {
        let folder = tempfile::tempdir().unwrap();
        let sign = Sign { pid: 7, up: 2, cameras: 3 };
        write(folder.path(), &sign).unwrap();
        assert_eq!(read(&std::fs::read_to_string(folder.path().join(FILE)).unwrap()), Some(sign));
    }

    #[test]
    fn what_is_no_sign_is_none() {
        for text in ["", "pid 7\nup 1\n", "pid x\nup 1\ncameras 1\n", "pid 7\nup -1\ncameras 1\n"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
