//! What leaves the picture: numbers, and nothing by which somebody could be seen or known again.
//!
//! The real programs in their default settings: a box with the sample clip, a broker, head office with its database and its API. Words that
//! must stay where they were put are planted, and everything that was said, written or shown is searched for them and for pictures.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../delivery_support/mod.rs"]
#[cfg(all(feature = "capture-opencv", feature = "detect-ort", feature = "hq"))]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod broker;
#[cfg(all(feature = "capture-opencv", feature = "detect-ort", feature = "hq"))]
mod everywhere;
mod look;
mod retention;
