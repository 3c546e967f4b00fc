//! What the pages show, worked out from the rollups.
//!
//! Everything here is asked of one connection at one moment and answered from hours and days; no page reads a minute. What is not
//! obvious: business days are the stores' own. "Today", the same weekday of last week and the same day of last year are found
//! for each store by its clock and its calendar, so a chain over several time zones compares like with like.

pub mod figures;
