//! `footfall confirm`: a person has looked, and lines and zones fit the picture.

use super::cli::ConfirmArgs;
use super::exit::Failure;
use super::health::background_path;
use super::run::source::Source;
use crate::config::CameraSettings;
use std::io::{ErrorKind, Write};

/// Takes away what is remembered of the places, so that they are learned as they are now.
///
/// # Errors
/// A config file with faults, a camera that is not there, or a file that cannot be taken away.
pub fn confirm(args: &ConfirmArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let settings = Source::of(&args.config).load()?;
    let cameras: Vec<&CameraSettings> = match &args.camera {
        Some(id) => vec![settings.camera(Some(id))?],
        None => settings.cameras.iter().collect(),
    };
    for camera in cameras {
        let path = background_path(&settings.outbox.path, &camera.id);
        match std::fs::remove_file(&path) {
            Ok(()) => writeln!(
                out,
                "camera {}: confirmed; it is learned anew within half a minute, and its counts are valid again",
                camera.id
            )?,
            Err(fault) if fault.kind() == ErrorKind::NotFound => writeln!(
                out,
                "camera {}: nothing to confirm; the box has not learned yet what this camera sees",
                camera.id
            )?,
            Err(fault) => {
                let text = format!("{}: {fault}; run this as the user that the box runs as", path.display());
                return Err(Failure::Storage(text).into());
            }
        }
    }
    Ok(())
}
