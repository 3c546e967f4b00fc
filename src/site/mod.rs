//! What needs more than one camera: how many are in the store, what the till says, and what share of them bought.

pub mod till;
