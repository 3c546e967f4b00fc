//! What needs more than one camera: how many are in the store, and what share of them bought.

pub mod occupancy;
