//! The commands.

pub mod count;
#[cfg(feature = "capture-opencv")]
pub mod draw;
#[cfg(feature = "detect-ort")]
pub mod model;
pub mod native_env;
pub mod usage;
