//! The box's side of the fleet: what head office tells a box of itself, and what the box answers.
//!
//! [`mqtt`] is a connection of its own beside the publisher's, so that nothing of the fleet can hold up records. What a message
//! means is decided by the parts beside it, which are pure where they can be; `app::run` owns the thread that they run on.
//!
//! [`commands`] decides what is done once and in time, [`vitals`] reads what the machine says of itself, [`metrics`] and
//! [`scrape`] tell it to a Prometheus on the same machine, [`certificate`] says when one runs out.

pub mod certificate;
pub mod commands;
pub mod enrol;
pub mod fetch;
pub mod https;
pub mod keys;
pub mod metrics;
pub mod mqtt;
pub mod release;
pub mod renewal;
pub mod scrape;
pub mod store;
pub mod twin;
pub mod update;
pub mod vitals;
