//! Presence of people in zones.

mod standing;

pub use standing::{Ground, Standing};

/// One zone as configured, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneSettings {
    /// Its name.
    pub id: crate::ids::ZoneId,
}
