//! Finds and loads the ONNX Runtime library, once per process.
//!
//! A setting or `FOOTFALL_ONNXRUNTIME` that names a library is taken at its word: when that file is
//! not there, falling back to another one would run a network on something that nobody chose.

use crate::detect::DetectError;
use ::ort::LoadDynamicError;
use ::ort::environment::Environment;
use ::ort::logging::LogLevel;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Where `make setup` puts the library, from the project's folder.
pub const PROJECT_LIBRARY: &str = "build/onnxruntime/libonnxruntime.so";
/// Where the Debian package puts it.
const PACKAGED_LIBRARY: &str = "/usr/lib/footfall/libonnxruntime.so";
/// What the system's loader is asked for last.
const SYSTEM_LIBRARY: &str = "libonnxruntime.so";
/// Overrides every usual place.
const VARIABLE: &str = "FOOTFALL_ONNXRUNTIME";

/// What the library takes from the environment of the process, before it starts.
///
/// Builds of it from 1.31 on come with a sender of usage data. Before anybody can switch it off through the API it writes an
/// identity of the machine and a file of events into the user's `.cache`. With this it does neither, and sends nothing.
pub const ENVIRONMENT: [(&str, &str); 1] = [("ORT_DISABLE_TELEMETRY", "1")];

/// The library in use. ONNX Runtime allows one environment per process and never unloads.
static LOADED: Mutex<Option<Loaded>> = Mutex::new(None);

struct Loaded {
    path: PathBuf,
    environment: Environment,
}

/// The environment of this process; loads the library at the first call.
///
/// # Errors
/// [`DetectError`] where there is no library, or it is too old, or another one is loaded already.
pub(super) fn environment(named: Option<&Path>) -> Result<Environment, DetectError> {
    let variable = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let named = named.map(Path::to_path_buf).or(variable);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = &*loaded {
        return match named.map(|named| absolute(&named)) {
            Some(asked) if asked != loaded.path => {
                Err(DetectError::LibraryInUse { loaded: loaded.path.clone(), asked })
            }
            _ => Ok(loaded.environment.clone()),
        };
    }
    let path = find_library(named.as_deref(), &Path::exists)?;
    let environment = load(&path)?;
    *loaded = Some(Loaded { path, environment: environment.clone() });
    Ok(environment)
}

/// The library to load: the named one, or the first of the usual places that `exists`, or what the
/// system's loader knows.
///
/// # Errors
/// [`DetectError::LibraryMissing`] where the named one does not exist.
pub fn find_library(named: Option<&Path>, exists: &dyn Fn(&Path) -> bool) -> Result<PathBuf, DetectError> {
    if let Some(named) = named {
        let named = absolute(named);
        return if exists(&named) {
            Ok(named)
        } else {
            Err(DetectError::LibraryMissing { looked_for: named.display().to_string() })
        };
    }
    // A program built here is found from elsewhere too: target/release lies two folders below the project.
    let program = std::env::current_exe().unwrap_or_default();
    let around = program.ancestors().skip(1).take(3).map(|folder| folder.join(PROJECT_LIBRARY));
    let usual = [PROJECT_LIBRARY, PACKAGED_LIBRARY].map(|place| absolute(Path::new(place)));
    Ok(usual
        .into_iter()
        .chain(around)
        .find(|place| exists(place))
        .unwrap_or_else(|| PathBuf::from(SYSTEM_LIBRARY)))
}

/// From the working directory; the loader would take a relative path from the program's own folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

fn load(path: &Path) -> Result<Environment, DetectError> {
    let unsound = |reason: String| DetectError::LibraryUnsound { path: path.to_path_buf(), reason };
    let builder = ::ort::init_from(path).map_err(|e| match e {
        LoadDynamicError::BadVersion { version_str, path } => {
            DetectError::LibraryTooOld { path, found: version_str, needed: ::ort::MINOR_VERSION }
        }
        LoadDynamicError::Dlopen { .. } if path == Path::new(SYSTEM_LIBRARY) => DetectError::LibraryMissing {
            looked_for: [VARIABLE, PROJECT_LIBRARY, PACKAGED_LIBRARY, SYSTEM_LIBRARY].join(", "),
        },
        LoadDynamicError::Dlopen { error, .. } => unsound(error.to_string()),
        LoadDynamicError::MissingApi { .. } => unsound("it is not ONNX Runtime".to_owned()),
        LoadDynamicError::InvalidVersionString => unsound("it does not say its version".to_owned()),
    })?;
    let environment =
        builder.with_name("footfall").with_telemetry(false).build().map_err(|e| unsound(e.to_string()))?;
    // Without this every run builds verbose messages that nobody reads.
    environment.set_log_level(LogLevel::Warning);
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The library that is taken where only these files exist.
    fn check(named: Option<&str>, existing: &[&str]) -> Result<PathBuf, String> {
        let existing: Vec<PathBuf> = existing.iter().map(|path| absolute(Path::new(path))).collect();
        find_library(named.map(Path::new), &|path| existing.iter().any(|known| known == path))
            .map_err(|e| e.to_string())
    }

    #[test]
    fn a_named_library_goes_before_the_usual_places() {
        assert_eq!(check(Some("/opt/ort.so"), &["/opt/ort.so", PROJECT_LIBRARY]), Ok("/opt/ort.so".into()));
    }

    #[test]
    fn a_named_library_that_is_not_there_is_not_replaced() {
        let said = check(Some("/opt/ort.so"), &[PROJECT_LIBRARY]).unwrap_err();
        assert!(
            said.contains("(looked for /opt/ort.so); run `make setup`, or set FOOTFALL_ONNXRUNTIME"),
            "{said}"
        );
    }

    #[test]
    fn the_usual_places_are_tried_in_order() {
        let project = absolute(Path::new(PROJECT_LIBRARY));
        assert_eq!(check(None, &[PACKAGED_LIBRARY, PROJECT_LIBRARY]), Ok(project));
        assert_eq!(check(None, &[PACKAGED_LIBRARY]), Ok(PACKAGED_LIBRARY.into()));
        assert_eq!(check(None, &[]), Ok(SYSTEM_LIBRARY.into()));
    }
}
