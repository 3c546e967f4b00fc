//! What looks at pictures: the network, the foreground or both, opened for a camera or a command.

#[cfg(not(all(feature = "detect-ort", feature = "capture-opencv")))]
use super::exit::Failure;
use crate::config;
use crate::detect::{Detector, DetectorKind, DetectorSettings, FusedDetector, Provider};
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

/// Opens what looks at one camera; `settings` are those of the network, which is opened only where it is wanted.
///
/// # Errors
/// What is missing or wrong, and what to do.
pub fn open(settings: &DetectorSettings, kind: DetectorKind) -> anyhow::Result<Box<dyn Detector>> {
    Ok(match kind {
        DetectorKind::Network => network(settings)?,
        DetectorKind::Foreground => foreground()?,
        DetectorKind::Both => Box::new(FusedDetector::new(network(settings)?, foreground()?)),
    })
}

#[cfg(feature = "detect-ort")]
fn network(settings: &DetectorSettings) -> anyhow::Result<Box<dyn Detector>> {
    Ok(Box::new(crate::detect::OrtDetector::open(settings)?))
}

#[cfg(not(feature = "detect-ort"))]
fn network(_settings: &DetectorSettings) -> anyhow::Result<Box<dyn Detector>> {
    let why = "this footfall was built without detect-ort, so it runs no network";
    Err(Failure::Input(why.to_owned()).into())
}

#[cfg(feature = "capture-opencv")]
#[expect(clippy::unnecessary_wraps, reason = "a build without OpenCV cannot open it")]
fn foreground() -> anyhow::Result<Box<dyn Detector>> {
    Ok(Box::new(crate::detect::ForegroundDetector::new()))
}

#[cfg(not(feature = "capture-opencv"))]
fn foreground() -> anyhow::Result<Box<dyn Detector>> {
    let why = "this footfall was built without capture-opencv, so it has no detector foreground";
    Err(Failure::Input(why.to_owned()).into())
}
