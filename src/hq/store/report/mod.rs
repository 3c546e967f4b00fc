//! What the reports read: rows of the rollups, by keys only.
//!
//! Every statement here finds its rows by the beginning of a primary key or of an index, one store after the other; a test asks SQLite for its
//! plan of each of them.

pub(in crate::hq) mod displays;
pub(in crate::hq) mod fleet;
pub(in crate::hq) mod sensors;
pub(in crate::hq) mod sums;
pub(in crate::hq) mod zones;

/// A connection that is asked, and its answer, for those who ask several things at one moment.
pub(in crate::hq) use rusqlite::{Connection as Ask, Result as Asked};

#[cfg(test)]
mod tests;
