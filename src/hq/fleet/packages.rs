//! Packages for the boxes: their signed manifests in the database, their files in a folder, each named by its SHA-256.
//!
//! What is not obvious: head office is not trusted with what a box installs. A manifest is signed with the release key, which is not here; the box
//! checks that signature, and size and hash of the file. Here both are compared with the manifest too, so that what is broken is found by whoever brings it
//! and not by a thousand boxes.

use super::authority::hex;
use crate::hq::store::fleet::packages as rows;
use crate::hq::store::{Store, StoreError, WriteError};
use crate::time::WallTime;
use crate::wire::v1::fleet::PackageManifest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

/// Largest package: ONNX Runtime and the default model in it.
pub const MAX_PACKAGE_BYTES: u64 = 512 * 1024 * 1024;
/// Longest manifest.
pub const MAX_MANIFEST_BYTES: usize = 4 * 1024;
/// Packages that are kept.
const MOST_PACKAGES: usize = 100;
/// Bytes of an Ed25519 signature.
const SIGNATURE_BYTES: usize = 64;

/// Why a package is not taken.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The manifest is no manifest.
    #[error("the manifest is not understood: {reason}")]
    Manifest {
        /// Why.
        reason: String,
    },
    /// The signature cannot be one.
    #[error("the signature is no Ed25519 signature in base64 (64 bytes)")]
    Signature,
    /// Nothing was announced under this hash.
    #[error("no package with this hash was announced; send its manifest first")]
    NotAnnounced,
    /// What came is not what the manifest says.
    #[error("the file is not what its manifest says: {what} differs")]
    Differs {
        /// `size` or `sha256`.
        what: &'static str,
    },
    /// It was announced with other words.
    #[error("this package was announced already, with another manifest or signature; that one stays")]
    Announced,
    /// There are enough.
    #[error("{MOST_PACKAGES} packages are here already")]
    TooMany,
    /// The folder.
    #[error("packages {path}: {reason}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where packages lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFolder(pub PathBuf);

/// A file that is being taken in. Dropped before it is whole, it is removed.
#[derive(Debug)]
pub struct Incoming {
    file: Option<fs::File>,
    path: PathBuf,
    goes_to: PathBuf,
    hash: Sha256,
    bytes: u64,
    expected: PackageManifest,
}

impl PackageFolder {
    /// The file of a package that is here.
    ///
    /// # Errors
    /// [`PackageError::File`].
    pub fn open(&self, sha256: &str) -> Result<Option<(fs::File, u64)>, PackageError> {
        if !is_hash(sha256) {
            return Ok(None);
        }
        let path = self.0.join(format!("{sha256}.deb"));
        match fs::File::open(&path) {
            Ok(file) => {
                let size = file.metadata().map_err(of_file(&path))?.len();
                Ok(Some((file, size)))
            }
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(of_file(&path)(fault)),
        }
    }

    /// Removes what was left of files that were never whole, as after a power cut; how many. For a service that starts and takes none in yet.
    ///
    /// # Errors
    /// [`PackageError::File`].
    pub fn sweep(&self) -> Result<usize, PackageError> {
        let entries = match fs::read_dir(&self.0) {
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            entries => entries.map_err(of_file(&self.0))?,
        };
        let mut removed = 0;
        for entry in entries {
            let path = entry.map_err(of_file(&self.0))?.path();
            if path.extension().is_some_and(|extension| extension == "part") {
                fs::remove_file(&path).map_err(of_file(&path))?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Begins to take in the file of a package that was announced.
    ///
    /// # Errors
    /// [`PackageError`]: it was not announced, or the folder cannot be written.
    pub fn begin(&self, store: &Store, sha256: &str, now: WallTime) -> Result<Incoming, PackageError> {
        let row = store.read(|ask| rows::find(ask, sha256))?.ok_or(PackageError::NotAnnounced)?;
        fs::create_dir_all(&self.0).map_err(of_file(&self.0))?;
        // A name of its own: two that bring the same package do not write into one file.
        let path = self.0.join(format!("{sha256}.{}.part", now.unix_ms()));
        let file = fs::OpenOptions::new().write(true).create_new(true).open(&path).map_err(of_file(&path))?;
        let goes_to = self.0.join(format!("{sha256}.deb"));
        Ok(Incoming { file: Some(file), path, goes_to, hash: Sha256::new(), bytes: 0, expected: row.of })
    }
}

impl Incoming {
    /// Takes a piece.
    ///
    /// # Errors
    /// [`PackageError`]: it is more than the manifest says, or the disk does not take it.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), PackageError> {
        self.bytes += piece.len() as u64;
        if self.bytes > self.expected.size {
            return Err(PackageError::Differs { what: "size" });
        }
        self.hash.update(piece);
        let file = self.file.as_mut().expect("it is open until it is finished");
        file.write_all(piece).map_err(of_file(&self.path))
    }

    /// Ends it: the file is there from now on, or it is not what the manifest says.
    ///
    /// # Errors
    /// [`PackageError`].
    pub fn finish(mut self, store: &Store) -> Result<(), PackageError> {
        if self.bytes != self.expected.size {
            return Err(PackageError::Differs { what: "size" });
        }
        if hex(&self.hash.clone().finalize()) != self.expected.sha256 {
            return Err(PackageError::Differs { what: "sha256" });
        }
        let file = self.file.take().expect("it is finished once");
        file.sync_all().map_err(of_file(&self.path))?;
        drop(file);
        fs::rename(&self.path, &self.goes_to).map_err(of_file(&self.goes_to))?;
        store.write(|all| Ok(rows::arrived(all, &self.expected.sha256)?))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // After it was finished there is nothing under this name any more.
        if let Err(fault) = fs::remove_file(&self.path)
            && fault.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!("{} is left behind: {fault}", self.path.display());
        }
    }
}

/// Reads a manifest.
///
/// # Errors
/// [`PackageError::Manifest`].
pub fn read_manifest(text: &str) -> Result<PackageManifest, PackageError> {
    let fault = |reason: String| PackageError::Manifest { reason };
    if text.len() > MAX_MANIFEST_BYTES {
        return Err(fault(format!("it has more than {MAX_MANIFEST_BYTES} bytes")));
    }
    let manifest: PackageManifest = serde_json::from_str(text).map_err(|reason| fault(reason.to_string()))?;
    // Policy manual of Debian, 5.6.1 and 5.6.12.
    let is_name = |text: &str, others: &str| {
        !text.is_empty()
            && text.len() <= 100
            && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    if !is_name(&manifest.package, "+-.")
        || !is_name(&manifest.version, "+-.~:")
        || !is_name(&manifest.architecture, "-")
    {
        return Err(fault("package, version or architecture is none".to_owned()));
    }
    if !is_hash(&manifest.sha256) {
        return Err(fault("sha256 is not 64 small hexadecimal digits".to_owned()));
    }
    if manifest.size == 0 || manifest.size > MAX_PACKAGE_BYTES {
        return Err(fault(format!("size is {}, at most {MAX_PACKAGE_BYTES} are taken", manifest.size)));
    }
    Ok(manifest)
}

/// Announces a package; its manifest.
///
/// # Errors
/// [`PackageError`].
pub fn announce(
    store: &Store,
    (manifest, signature): (&str, &str),
    (account_id, now): (Option<i64>, WallTime),
) -> Result<PackageManifest, PackageError> {
    let read = read_manifest(manifest)?;
    let signature = signature.trim();
    if STANDARD.decode(signature).map_or(0, |bytes| bytes.len()) != SIGNATURE_BYTES {
        return Err(PackageError::Signature);
    }
    store.write(|all| {
        let known = rows::list(all)?;
        if known.len() >= MOST_PACKAGES && known.iter().all(|row| row.of.sha256 != read.sha256) {
            return Err(WriteError::Refused(PackageError::TooMany));
        }
        // Packages are every chain's: what one announced is not another's to change.
        let is_other = |row: &rows::PackageRow| {
            row.of.sha256 == read.sha256 && (row.manifest != manifest || row.signature != signature)
        };
        if known.iter().any(is_other) {
            return Err(WriteError::Refused(PackageError::Announced));
        }
        Ok(rows::put(all, &read, (manifest, signature), (account_id, now))?)
    })?;
    Ok(read)
}

/// Takes in a whole file, as at the machine.
///
/// # Errors
/// [`PackageError`].
pub fn add_file(
    folder: &PackageFolder,
    store: &Store,
    (path, manifest): (&Path, &PackageManifest),
    now: WallTime,
) -> Result<(), PackageError> {
    let mut from = fs::File::open(path).map_err(of_file(path))?;
    let mut incoming = folder.begin(store, &manifest.sha256, now)?;
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut piece).map_err(of_file(path))?;
        if read == 0 {
            return incoming.finish(store);
        }
        incoming.take(&piece[..read])?;
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn of_file(path: &Path) -> impl Fn(std::io::Error) -> PackageError {
    let path = path.to_owned();
    move |reason| PackageError::File { path: path.clone(), reason }
}
