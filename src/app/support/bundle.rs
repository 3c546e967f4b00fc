//! A packed folder of small texts.

use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The folder that everything in a bundle lies in.
const FOLDER: &str = "footfall-support";

/// Most bytes of one text.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// A bundle that is being written.
pub(super) struct Bundle {
    tar: tar::Builder<GzEncoder<File>>,
    at_s: u64,
}

impl Bundle {
    /// Makes the file, for this user only.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub(super) fn create(path: &Path, at_s: u64) -> anyhow::Result<Self> {
        let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
        let file = made.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { tar: tar::Builder::new(GzEncoder::new(file, Compression::default())), at_s })
    }

    /// Adds a text; of a longer one its end, which is the newer part of a log.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn add(&mut self, name: &str, text: &str) -> anyhow::Result<()> {
        let mut from = text.len().saturating_sub(MOST_BYTES);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        let bytes = &text.as_bytes()[from..];
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(self.at_s);
        self.tar
            .append_data(&mut header, format!("{FOLDER}/{name}"), bytes)
            .context("cannot write the bundle")
    }

    /// Ends it and puts it on disk.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let file = self.tar.into_inner().and_then(GzEncoder::finish).context("cannot write the bundle")?;
        file.sync_all().context("cannot write the bundle")
    }
}
