//! The commands.

#[cfg(feature = "capture-opencv")]
pub mod draw;
pub mod native_env;
