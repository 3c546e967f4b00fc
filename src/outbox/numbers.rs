//! The file `NAME.seq`: how far record numbers may have been used.
//!
//! The SQLite file knows the next number, but it can be lost, and a number that is used twice is a
//! record that the receiver throws away as a copy. So before any number of a block is used, the end of
//! the block is written here, to a second file that changes once in ten thousand records.
//!
//! ```text
//! footfall outbox numbers 1
//! box acme-b1-door
//! reserved 20000
//! ```

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Numbers that are reserved at once.
///
/// A box makes a few thousand records a day: one small write in days, and a gap record that
/// names at most this many numbers too many.
pub(super) const BLOCK: u64 = 10_000;

const TITLE: &str = "footfall outbox numbers 1";

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reserved {
    /// Whose numbers.
    pub(super) box_id: String,
    /// Numbers up to here may have been used.
    pub(super) up_to: u64,
}

/// A path beside `path`, with `ending` added to its name.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Reads the file; none where it is missing or cannot be understood.
///
/// Both are treated alike: the caller then leaves a gap that is wide enough for either.
pub(super) fn read(path: &Path) -> io::Result<Option<Reserved>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(std::str::from_utf8(&bytes).ok().and_then(parse)),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(fault),
    }
}

fn parse(text: &str) -> Option<Reserved> {
    let mut lines = text.lines();
    if lines.next()? != TITLE {
        return None;
    }
    let box_id = lines.next()?.strip_prefix("box ")?.to_owned();
    let up_to = lines.next()?.strip_prefix("reserved ")?.parse().ok()?;
    Some(Reserved { box_id, up_to })
}

/// Writes the file so that after a power cut either the old or the new text is there.
pub(super) fn write(path: &Path, reserved: &Reserved) -> io::Result<()> {
    let new = beside(path, ".new");
    let mut file = File::create(&new)?;
    write!(file, "{TITLE}\nbox {}\nreserved {}\n", reserved.box_id, reserved.up_to)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    sync_directory(path)
}

/// Makes renames in a file's directory last.
pub(super) fn sync_directory(of: &Path) -> io::Result<()> {
    match of.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_the_latest_wins() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("o.sqlite.seq");
        assert_eq!(read(&path).unwrap(), None);
        for up_to in [BLOCK, 2 * BLOCK] {
            let reserved = Reserved { box_id: "door-7".to_owned(), up_to };
            write(&path, &reserved).unwrap();
            assert_eq!(read(&path).unwrap(), Some(reserved));
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn garbage_is_no_reservation() {
        for text in ["", "footfall outbox numbers 1\nbox a\nreserved many\n", "hello", TITLE] {
            assert_eq!(parse(text), None, "{text:?}");
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("n");
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(read(&path).unwrap(), None);
    }
}
