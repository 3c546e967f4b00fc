//! What `docs/design/security.md` claims, held against the real programs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod secrets;
