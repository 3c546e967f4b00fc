//! Head office: takes what the boxes send, keeps it, works it out, and shows it.
//!
//! ```text
//! broker -> ingest -> store <- sales, register
//!                       |
//!              report, alerts, export -> api -> pages
//! ```
//!
//! What is not obvious: only head office can make delivery safe. A broker's confirmation says that a broker had a
//! message, not that anybody keeps it; so [`ingest`](store) commits first and only then publishes how far a box's records are stored,
//! and a box forgets nothing before it reads that. All SQL stands in [`store`].

pub mod access;
pub mod alerts;
pub mod api;
pub mod config;
pub mod export;
pub mod fleet;
pub mod ingest;
pub mod metrics;
pub mod mqtt;
pub mod register;
pub mod report;
pub mod sales;
pub mod settings;
pub mod simulate;
pub mod stats;
pub mod store;
pub mod webhooks;
