//! What looks at pictures: the network, opened for a command.

use crate::config;
use crate::detect::{Detector, DetectorSettings, Provider};
use std::path::PathBuf;

/// Where the running program lies, around which its model may lie too; empty where the system does not say.
#[must_use]
pub fn program() -> PathBuf {
    std::env::current_exe().unwrap_or_default()
}

/// The default model, run in the default way.
#[must_use]
pub fn default_settings() -> DetectorSettings {
    DetectorSettings {
        manifest: config::default_model(&program()),
        library: None,
        provider: Provider::Cpu,
        threads: 1,
    }
}

/// Opens the network.
///
/// # Errors
/// What is missing or wrong, and what to do.
#[cfg(feature = "detect-ort")]
pub fn open(settings: &DetectorSettings) -> anyhow::Result<Box<dyn Detector>> {
    Ok(Box::new(crate::detect::OrtDetector::open(settings)?))
}

/// Says that this build cannot look.
///
/// # Errors
/// Always: there is no network in this build.
#[cfg(not(feature = "detect-ort"))]
pub fn open(_settings: &DetectorSettings) -> anyhow::Result<Box<dyn Detector>> {
    let why = "this footfall was built without detect-ort, so it runs no network";
    Err(super::exit::Failure::Input(why.to_owned()).into())
}
