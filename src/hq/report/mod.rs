//! What the pages show, worked out from the rollups.
//!
//! Everything here is asked of one connection at one moment and answered from hours and days; no page reads a minute. What is not
//! obvious: business days are the stores' own. "Today", the same weekday of last week and the same day of last year are found
//! for each store by its clock and its calendar, so a chain over several time zones compares like with like.

pub mod compare;
pub mod days;
pub mod displays;
pub mod figures;
pub mod fleet;
pub mod live;
pub mod maps;
pub mod overview;
pub mod queues;
pub mod sensors;
pub mod stores;

use crate::hq::store::StoreError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// Not a day.
    #[error(transparent)]
    Day(#[from] crate::calendar::CalendarError),
    /// A value that is none.
    #[error("{name}: {why}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// What is wrong with it, and what to give.
        why: String,
    },
    /// The store, the display or the camera is not there, or not for whoever asks.
    #[error("there is no such thing, or not for this account")]
    NotThere,
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReportError {
    fn value(name: &'static str, why: impl Into<String>) -> Self {
        Self::Value { name, why: why.into() }
    }
}

#[cfg(test)]
mod tests;
