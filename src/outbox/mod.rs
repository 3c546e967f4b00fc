//! Durable records on disk until somebody has them.

use std::path::PathBuf;
use std::time::Duration;

/// Where records are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxSettings {
    /// The SQLite file.
    pub path: PathBuf,
    /// Records are committed together at least this often.
    pub commit_every: Duration,
}
