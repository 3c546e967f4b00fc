//! A small chain that never was, for the demo and for tests whose truth is known.

pub mod dice;
