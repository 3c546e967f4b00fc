//! The folder in which a box keeps what it was told. The adapter of this module to the disk.
//!
//! Every file is written whole under another name, brought to the disk, and renamed; so after a power cut there is the old one or the
//! new one, and never a part.

use super::twin::Memory;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const TWIN_FILE: &str = "twin.json";
/// Two texts of 256 KiB each, escaped, and some faults.
const MOST_BYTES: u64 = 4 << 20;
/// For this user only, as a key is.
const MODE: u32 = 0o600;

/// Why something cannot be kept or found again.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk does not take it.
    #[error("{} cannot be written ({cause}); see that the folder is there, is this user's, and has room", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The disk does not give it.
    #[error("{} cannot be read ({cause}); see who may read it", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}

/// Writes a file for this user only, all of it or nothing.
///
/// # Errors
/// [`StoreError::Write`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    try_write(path, bytes).map_err(|cause| StoreError::Write { path: path.to_owned(), cause })
}

fn try_write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(path);
    // What was left there by a power cut is no use to anybody.
    match fs::remove_file(&beside) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    // The name itself is in the folder.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// Reads a small file; none where it is not there.
///
/// # Errors
/// [`StoreError::Read`].
pub fn read_small(path: &Path, most: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(StoreError::Read { path: path.to_owned(), cause }),
    }
}

/// Makes the folder where it is not there.
///
/// # Errors
/// [`StoreError::Write`].
pub fn make_folder(folder: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(folder).map_err(|cause| StoreError::Write { path: folder.to_owned(), cause })
}

/// Makes a folder that this user alone may look into, where it is not there.
///
/// # Errors
/// [`StoreError::Write`].
pub fn make_private_folder(folder: &Path) -> Result<(), StoreError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|cause| StoreError::Write { path: folder.to_owned(), cause })
}

/// Whether something lies there.
#[must_use]
pub fn is_there(path: &Path) -> bool {
    path.exists()
}

/// Removes a file that nobody needs any more; one that cannot be removed does no harm.
pub fn remove(path: &Path) {
    if let Err(fault) = fs::remove_file(path)
        && fault.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!("{} cannot be removed: {fault}", path.display());
    }
}

/// A folder in which nothing more can be named.
#[must_use]
pub fn full(folder: &Path) -> StoreError {
    let cause = io::Error::other("there are too many old keys in it; remove some");
    StoreError::Write { path: folder.to_owned(), cause }
}

/// What the box remembers of its settings. A file that cannot be understood is set aside, and the box's own file is in force.
///
/// # Errors
/// [`StoreError::Read`].
pub fn twin(folder: &Path) -> Result<Memory, StoreError> {
    let path = folder.join(TWIN_FILE);
    let Some(bytes) = read_small(&path, MOST_BYTES)? else { return Ok(Memory::default()) };
    serde_json::from_slice(&bytes).or_else(|fault| {
        let aside = folder.join(format!("{TWIN_FILE}.bad"));
        tracing::error!(
            "{} cannot be understood ({fault}) and is set aside; the box's own file is in force",
            path.display()
        );
        if let Err(fault) = fs::rename(&path, &aside) {
            tracing::error!("{} cannot be written: {fault}", aside.display());
        }
        Ok(Memory::default())
    })
}

/// Remembers it.
///
/// # Errors
/// [`StoreError::Write`].
pub fn keep_twin(folder: &Path, memory: &Memory) -> Result<(), StoreError> {
    make_folder(folder)?;
    let text = serde_json::to_vec(memory).expect("texts and numbers can be written");
    write_whole(&folder.join(TWIN_FILE), &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::twin::{Desired, Trial};
    use proptest::prelude::*;
    use std::os::unix::fs::PermissionsExt;

    fn memory(version: u64) -> Memory {
        let desired = Desired { version, text: format!("a = {version}\n") };
        Memory { trial: Some(Trial { desired, starts: 1 }), at_ms: 7, ..Memory::default() }
    }

    /// What a box leaves behind that dies at a step of writing a second memory: the bytes that were written, and whether they
    /// were renamed.
    fn died_at(folder: &Path, second: &Memory, written: usize, is_renamed: bool) {
        let bytes = serde_json::to_vec(second).unwrap();
        let beside = beside(&folder.join(TWIN_FILE));
        if is_renamed {
            fs::write(&beside, &bytes).unwrap();
            fs::rename(&beside, folder.join(TWIN_FILE)).unwrap();
        } else {
            fs::write(&beside, &bytes[..written.min(bytes.len())]).unwrap();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_box_that_dies_at_any_step_finds_the_old_or_the_new_and_can_write_again(written in 0_usize..400, is_renamed: bool) {
            let folder = tempfile::tempdir().unwrap();
            keep_twin(folder.path(), &memory(1)).unwrap();
            died_at(folder.path(), &memory(2), written, is_renamed);
            let found = twin(folder.path()).unwrap();
            prop_assert_eq!(found, memory(if is_renamed { 2 } else { 1 }));
            keep_twin(folder.path(), &memory(3)).unwrap();
            prop_assert_eq!(twin(folder.path()).unwrap(), memory(3));
        }
    }

    #[test]
    fn what_is_kept_is_for_this_user_only() {
        let folder = tempfile::tempdir().unwrap();
        keep_twin(folder.path(), &memory(1)).unwrap();
        let mode = fs::metadata(folder.path().join(TWIN_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(TWIN_FILE), "{\"good\": ").unwrap();
        assert_eq!(twin(folder.path()).unwrap(), Memory::default());
        assert!(folder.path().join("twin.json.bad").exists());
    }
}
