//! Takes what boxes send: reads it, checks it, stores it, and only then says how far it is stored.
//!
//! ```text
//! mqtt --bounded queue--> intake: read (pure) -> store, one transaction for many messages -> confirm, ack, backfill
//! ```
//!
//! What is not obvious: three different things confirm. The PUBACK to the broker follows the commit, so a broker that keeps
//! the session sends again what was not stored. The watermark on `ack` follows the commit too and is what the box
//! goes by, because a broker may be lost with all it had. And what cannot be read is confirmed like everything else, once
//! it lies aside with its reason: it would come again for ever otherwise.

pub mod gaps;
pub mod intake;
pub mod read;
pub mod record;

use crate::wire::v1::Now;

/// Values of a box as they are now, from `live`: no promise.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveNow {
    /// Who owns the store.
    pub tenant: String,
    /// The store.
    pub store: String,
    /// The box.
    pub box_name: String,
    /// What it says.
    pub now: Now,
}
