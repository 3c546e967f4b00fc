//! The commands.
#[cfg(feature = "detect-ort")]
pub mod model;

#[cfg(feature = "capture-opencv")]
pub mod draw;
pub mod native_env;
