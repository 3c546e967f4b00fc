//! The commands.
#[cfg(feature = "detect-ort")]
pub mod model;
