//! What needs more than one camera: the till.

pub mod till;
