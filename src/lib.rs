//! `footfall`: the cameras a store already has, turned into numbers it can trust.
//!
//! Data flows one way, and the modules below stand in that order. A module may use
//! the ones above it and none below it; `tests/architecture.rs` checks that.
//!
//! ```text
//! capture -> detect -> track -> count -> analytics -> publish
//!  frame    detection  sighting crossing   minute     record
//!                    `------ pipeline: one camera ------'
//! ```
//!
//! Everything from `ids` to `recording` is a pure core: time is an argument, and
//! nothing there reads a clock, a socket or a file, except the adapters that
//! ARCHITECTURE.md names.

pub mod ids;
pub mod time;
pub mod calendar;
pub mod random;
pub mod secrets;
pub mod geom;
pub mod calibration;
pub mod capture;
pub mod health;
pub mod detect;
pub mod track;
pub mod count;
pub mod zones;
pub mod visitors;
pub mod analytics;
pub mod pipeline;
pub mod recording;
pub mod site;
pub mod audit;
pub mod wire;
pub mod outbox;
pub mod ledger;
pub mod publish;
pub mod feeds;
pub mod config;
pub mod fleet;
#[cfg(feature = "hq")]
pub mod hq;
pub mod app;
