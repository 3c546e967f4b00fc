//! A folder that somebody without rights may change at any moment, read and written by root.
//!
//! Nothing is opened by its path: the folder is opened once, without following a link, and everything below it by its name in that
//! folder, without following a link either. Only plain files are read, up to a limit. So no link, pipe or endless file leads root
//! elsewhere or holds it up, and what is looked at is a copy.

use anyhow::{Context, bail, ensure};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, openat, renameat, statat, unlinkat};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

/// What is read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// A folder of somebody else's.
#[derive(Debug)]
pub(super) struct ForeignFolder {
    folder: OwnedFd,
}

impl ForeignFolder {
    /// Opens the folder `name` in `state`; `None` where it is not there.
    pub(super) fn open(state: &Path, name: &str) -> anyhow::Result<Option<Self>> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = || state.join(name).display().to_string();
        let state = match openat(CWD, state, flags, Mode::empty()) {
            Ok(state) => state,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(fault) => return Err(fault).with_context(path),
        };
        match openat(&state, name, flags, Mode::empty()) {
            Ok(folder) => Ok(Some(Self { folder })),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(fault) => Err(fault).with_context(path),
        }
    }

    /// Whether there is something of that name, whatever it is.
    pub(super) fn has(&self, name: &str) -> bool {
        statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// A plain file, open to be read.
    fn file(&self, name: &str) -> anyhow::Result<File> {
        // Not waiting: a pipe would never open otherwise.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.folder, name, flags, Mode::empty())
            .with_context(|| format!("update/{name} is missing, or is no file"))?;
        let kind = FileType::from_raw_mode(fstat(&file)?.st_mode);
        ensure!(kind == FileType::RegularFile, "update/{name} is no file");
        Ok(File::from(file))
    }

    /// A short text of at most `most_bytes`.
    pub(super) fn read(&self, name: &str, most_bytes: usize) -> anyhow::Result<String> {
        let mut text = String::new();
        let read = self.file(name)?.take(most_bytes as u64 + 1).read_to_string(&mut text);
        read.with_context(|| format!("update/{name} is no text"))?;
        ensure!(text.len() <= most_bytes, "update/{name} has more than {most_bytes} bytes");
        Ok(text)
    }

    /// Copies a file of at most `most_bytes` to `to`; gives the copy's size in bytes and its SHA-256 in hex.
    pub(super) fn copy(&self, name: &str, to: &Path, most_bytes: u64) -> anyhow::Result<(u64, String)> {
        let mut from = self.file(name)?;
        let cannot = || format!("{} cannot be written", to.display());
        let mut copy = File::create(to).with_context(cannot)?;
        let (mut size, mut hash, mut chunk) = (0_u64, Sha256::new(), vec![0; CHUNK_BYTES]);
        loop {
            let read = from.read(&mut chunk).with_context(|| format!("update/{name} cannot be read"))?;
            if read == 0 {
                break;
            }
            size += read as u64;
            if size > most_bytes {
                bail!("update/{name} has more than {most_bytes} bytes");
            }
            hash.update(&chunk[..read]);
            copy.write_all(&chunk[..read]).with_context(cannot)?;
        }
        copy.sync_all().with_context(cannot)?;
        Ok((size, hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Writes a file whole; whatever had its name is replaced, and never written into.
    pub(super) fn write(&self, name: &str, text: &[u8]) -> anyhow::Result<()> {
        let part = format!("{name}.root");
        let cannot = || format!("update/{name} cannot be written");
        self.remove(&part)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.folder, &part, flags, Mode::from_raw_mode(0o644)).with_context(cannot)?;
        let mut file = File::from(file);
        file.write_all(text).and_then(|()| file.sync_all()).with_context(cannot)?;
        renameat(&self.folder, &part, &self.folder, name).with_context(cannot)
    }

    /// Takes a name away, if it is there. What a link leads to stays.
    pub(super) fn remove(&self, name: &str) -> anyhow::Result<()> {
        match unlinkat(&self.folder, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(fault) => Err(fault).with_context(|| format!("update/{name} cannot be taken away")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A state folder with `update/` in it.
    fn folder() -> (tempfile::TempDir, ForeignFolder) {
        let state = tempfile::tempdir().unwrap();
        std::fs::create_dir(state.path().join("update")).unwrap();
        let folder = ForeignFolder::open(state.path(), "update").unwrap().unwrap();
        (state, folder)
    }

    #[test]
    fn a_file_is_read_and_copied_with_its_size_and_hash() {
        let (state, folder) = folder();
        std::fs::write(state.path().join("update/a"), "abc").unwrap();
        assert_eq!(folder.read("a", 3).unwrap(), "abc");
        let (size, sha256) = folder.copy("a", &state.path().join("copy"), 3).unwrap();
        // From FIPS 180-2, appendix B.1.
        assert_eq!(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!((size, std::fs::read(state.path().join("copy")).unwrap()), (3, b"abc".to_vec()));
    }

    #[test]
    fn a_link_leads_root_nowhere() {
        let (state, folder) = folder();
        let secret = state.path().join("secret");
        std::fs::write(&secret, "s3cret").unwrap();
        symlink(&secret, state.path().join("update/manifest.json")).unwrap();
        assert!(folder.read("manifest.json", 100).is_err());
        assert!(folder.copy("manifest.json", &state.path().join("copy"), 100).is_err());
        // A result written where a link waits replaces the link, also where it waits at the name that is written first.
        symlink(&secret, state.path().join("update/result.json")).unwrap();
        symlink(&secret, state.path().join("update/result.json.root")).unwrap();
        folder.write("result.json", b"{}").unwrap();
        assert_eq!(std::fs::read_to_string(&secret).unwrap(), "s3cret");
        assert_eq!(folder.read("result.json", 2).unwrap(), "{}");
        symlink(&secret, state.path().join("update/ready")).unwrap();
        assert!(folder.has("ready"));
        folder.remove("ready").unwrap();
        assert!(!folder.has("ready") && secret.is_file());
    }

    #[test]
    fn a_folder_that_is_a_link_is_not_entered() {
        let state = tempfile::tempdir().unwrap();
        symlink("/etc", state.path().join("update")).unwrap();
        assert!(ForeignFolder::open(state.path(), "update").is_err());
        assert!(ForeignFolder::open(state.path(), "gone").unwrap().is_none());
        assert!(ForeignFolder::open(&state.path().join("gone"), "update").unwrap().is_none());
    }

    #[test]
    fn a_pipe_does_not_hold_root_up() {
        let (state, folder) = folder();
        let pipe = state.path().join("update/package.deb");
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let fault = folder.copy("package.deb", &state.path().join("copy"), 100).unwrap_err();
        assert_eq!(fault.to_string(), "update/package.deb is no file");
        std::fs::create_dir(state.path().join("update/manifest.sig")).unwrap();
        assert!(folder.read("manifest.sig", 100).is_err());
    }

    #[test]
    fn what_is_larger_than_it_may_be_is_left() {
        let (state, folder) = folder();
        std::fs::write(state.path().join("update/a"), "abcd").unwrap();
        assert!(folder.read("a", 3).unwrap_err().to_string().contains("more than 3 bytes"));
        assert!(folder.copy("a", &state.path().join("copy"), 3).is_err());
        // An endless file, as a sparse one of a terabyte: read no further than allowed.
        let sparse = File::create(state.path().join("update/b")).unwrap();
        sparse.set_len(1 << 40).unwrap();
        assert!(folder.copy("b", &state.path().join("copy"), 1 << 20).is_err());
    }
}
