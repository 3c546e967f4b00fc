//! What `docs/design/security.md` claims, held against the real programs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod claims;
mod depth;
#[cfg(all(feature = "capture-opencv", feature = "detect-ort", feature = "hq"))]
mod listeners;
mod secrets;
