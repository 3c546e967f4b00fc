//! The fleet: enrols boxes, tells them what to count with and which software to run, and asks them to do things.
//!
//! ```text
//! api, footfall-hq -> store (desired, due) -> say -> broker -> boxes
//! boxes -> broker -> ingest -> store (told) -> rounds: roll-outs, certificates -> store (desired, due)
//! ```
//!
//! What is not obvious: nothing is published from here. What a box is to be told is written to the database together with the reason,
//! and a row in `fleet_due` says so; the thread that has the connection to the broker ([`say`]) reads it after the commit. So a command at the machine,
//! a page and a roll-out all work the same way, and a broker that lost what it retained is told all of it again at the next connect.

pub mod authority;
pub mod boxes;
pub mod commands;
pub mod enrol;
pub mod packages;
pub mod read;
pub mod rollout;
pub mod rollouts;
pub mod say;
pub mod twin;

use crate::wire::v1::fleet::BrokerAddress;
use authority::Authority;
use packages::PackageFolder;
use std::time::Duration;

/// What head office needs to look after boxes, as its config file has it.
#[derive(Debug)]
pub struct Fleet {
    /// Signs the boxes' certificates.
    pub authority: Authority,
    /// Where boxes are told to deliver; none: nobody can enrol.
    pub broker: Option<BrokerAddress>,
    /// The authorities that the broker's certificate may be of, PEM; none: the one here.
    pub broker_ca: Option<String>,
    /// Under which address head office is reached, without a slash at its end.
    pub public_url: String,
    /// How long a link to enrol is good for, unless somebody says otherwise.
    pub link_life: Duration,
    /// Where packages lie.
    pub packages: PackageFolder,
}

#[cfg(test)]
mod tests;
