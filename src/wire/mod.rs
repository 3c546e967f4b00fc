//! Messages as they go over the wire.
//!
//! The only serde types that MQTT sees live in [`v1`], and domain types have twins here:
//! a field that is renamed in the core never renames a field on the wire. The promise is written
//! down in `docs/ref/topics.md` and in `docs/ref/wire-v1.schema.json`, and the tests hold every
//! message against both.

pub mod topics;
pub mod v1;
