//! What can be wrong with an outbox, in words that an installer can act on.

use crate::ids::BoxId;
use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};

/// What is wrong with an outbox.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// Its directory cannot be made, or a file beside it cannot be read or written.
    #[error("outbox {path}: cannot {doing} ({source}); give the service a directory that it may write")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("outbox {path} is in use by another footfall; stop that one or give this one its own file")]
    InUse {
        /// The outbox.
        path: PathBuf,
    },
    /// It holds another box's records.
    #[error("outbox {path} belongs to box {found:?}, this is box {expected}; correct the box id or the path")]
    OtherBox {
        /// The outbox.
        path: PathBuf,
        /// The box that it names.
        found: String,
        /// The box that opens it.
        expected: BoxId,
    },
    /// A newer footfall wrote it.
    #[error("outbox {path} has version {found}, this footfall knows {known}; update footfall")]
    Newer {
        /// The outbox.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The disk is full.
    #[error("outbox {path}: the disk is full; free some space")]
    Full {
        /// The outbox.
        path: PathBuf,
    },
    /// The file gives back garbage, or is closed after it did.
    #[error("outbox {path} is corrupt ({cause})")]
    Corrupt {
        /// The outbox.
        path: PathBuf,
        /// What SQLite says.
        cause: String,
    },
    /// It is not open, because the disk did not let it be opened.
    #[error("outbox {path} is not open yet")]
    NotOpen {
        /// The outbox.
        path: PathBuf,
    },
    /// SQLite fails otherwise.
    #[error("outbox {path}: cannot {doing} ({source})")]
    Sqlite {
        /// The outbox.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

impl OutboxError {
    /// Whether waiting may help, as with a full disk.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Full { .. }
                | Self::Sqlite { .. }
                | Self::File { .. }
                | Self::InUse { .. }
                | Self::NotOpen { .. }
        )
    }

    /// Whether the disk is to blame, full, read-only or failing, and not what lies on it or who asks: a box counts on without it.
    #[must_use]
    pub fn is_of_the_disk(&self) -> bool {
        match self {
            Self::Full { .. } | Self::NotOpen { .. } => true,
            Self::File { source, .. } => is_file_fault_of_the_disk(source),
            Self::Sqlite { source, .. } => is_sqlite_fault_of_the_disk(source),
            _ => false,
        }
    }

    /// Whether the file has to be opened anew, so that it is set aside.
    #[must_use]
    pub const fn is_corrupt(&self) -> bool {
        matches!(self, Self::Corrupt { .. })
    }

    pub(super) fn sqlite(path: &Path, doing: &'static str, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { path, cause: source.to_string() }
            }
            _ => Self::Sqlite { path, doing, source },
        }
    }

    pub(super) fn file(path: &Path, doing: &'static str, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::StorageFull => Self::Full { path: path.to_owned() },
            _ => Self::File { path: path.to_owned(), doing, source },
        }
    }
}

/// Whether a file cannot be used because of the disk that it is on.
pub(crate) fn is_file_fault_of_the_disk(fault: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    // The system's number for a disk that gives errors (EIO) has no kind.
    matches!(fault.kind(), ErrorKind::StorageFull | ErrorKind::ReadOnlyFilesystem)
        || fault.raw_os_error() == Some(5)
}

/// The same of a database.
pub(crate) fn is_sqlite_fault_of_the_disk(fault: &rusqlite::Error) -> bool {
    let of_the_disk =
        [ErrorCode::DiskFull, ErrorCode::ReadOnly, ErrorCode::SystemIoFailure, ErrorCode::CannotOpen];
    fault.sqlite_error_code().is_some_and(|code| of_the_disk.contains(&code))
}
