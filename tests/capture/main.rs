//! Capture against real clips, a real RTSP server, and cameras that misbehave.
//!
//! Nothing here depends on how fast the machine is: waits end when something happens, and their limits
//! are only there so that a bug does not hang the run.

#![cfg(feature = "capture-opencv")]

mod clips;
mod http;
mod rtsp;
mod support;
