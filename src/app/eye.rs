//! What looks at pictures: the network, opened for a command.

use crate::detect::{Detector, DetectorSettings, Provider};
use std::path::PathBuf;

/// The model that is used where none is named.
pub const DEFAULT_MODEL: &str = "models/nanodet-g-416-int8.toml";

/// The default model's manifest: here, or beside the program as it was built or installed.
#[must_use]
pub fn default_model() -> PathBuf {
    let beside = std::env::current_exe().unwrap_or_default();
    // target/release/footfall lies two folders below the project.
    let around = beside.ancestors().skip(1).take(3).map(|folder| folder.join(DEFAULT_MODEL));
    let installed = PathBuf::from("/usr/share/footfall").join(DEFAULT_MODEL);
    let mut places = std::iter::once(PathBuf::from(DEFAULT_MODEL)).chain(around).chain([installed]);
    // Where it is nowhere, the message names the first place.
    places.find(|place| place.exists()).unwrap_or_else(|| PathBuf::from(DEFAULT_MODEL))
}

/// The default model, run in the default way.
#[must_use]
pub fn default_settings() -> DetectorSettings {
    DetectorSettings { manifest: default_model(), library: None, provider: Provider::Cpu, threads: 1 }
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
