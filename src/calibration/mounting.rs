//! Placeholder while the fit lands.
