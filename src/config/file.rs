//! Reads the config file and what it names from the disk: the one adapter of this module.

use super::afar::{AfarFault, check_base, check_managed};
use super::check::{FilesBeside, PathKind, check};
use super::document::{managed_text, place_of};
use super::fault::{ConfigError, FileProblem};
use super::{DEFAULT_MODEL, EdgeSettings, FleetSettings};
use crate::secrets::{self, SecretError};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A file with 32 cameras of 32 lines and all their zones stays below this.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// MQTT takes passwords up to 64 KiB, people and their tools write far shorter ones.
const MAX_SECRET_BYTES: u64 = 4096;
/// Where a package puts the files that come with the program.
const INSTALLED: &str = "/usr/share/footfall";

/// Reads and checks a config file. `program` is where the running program lies; near it may lie the default model.
///
/// # Errors
/// [`ConfigError`] says why the file cannot be read, or lists every fault in it.
pub fn load(path: &Path, program: &Path) -> Result<EdgeSettings, ConfigError> {
    let (text, own) = read_text(path)?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let files = DiskFiles { folder, program: program.to_owned(), own };
    check(&text, &files).map_err(|(faults, more)| ConfigError::Faults { path: path.to_owned(), faults, more })
}

/// A config file as it lies there, for what head office may change in it.
pub struct LocalFile {
    path: PathBuf,
    text: String,
    files: DiskFiles,
}

impl LocalFile {
    /// Reads a config file; `program` as for [`load`].
    ///
    /// # Errors
    /// [`ConfigError`] says why it cannot be read.
    pub fn read(path: &Path, program: &Path) -> Result<Self, ConfigError> {
        let (text, own) = read_text(path)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let files = DiskFiles { folder, program: program.to_owned(), own };
        Ok(Self { path: path.to_owned(), text, files })
    }

    /// What it says of the fleet.
    ///
    /// # Errors
    /// [`ConfigError`] lists what is wrong in those parts that stay in the file.
    pub fn fleet(&self) -> Result<Option<FleetSettings>, ConfigError> {
        let told = |(faults, more)| ConfigError::Faults { path: self.path.clone(), faults, more };
        check_base(&self.text, &self.files).map(|base| base.fleet).map_err(told)
    }

    /// Its own settings.
    ///
    /// # Errors
    /// [`ConfigError`] lists every fault.
    pub fn settings(&self) -> Result<EdgeSettings, ConfigError> {
        let told = |(faults, more)| ConfigError::Faults { path: self.path.clone(), faults, more };
        check(&self.text, &self.files).map_err(told)
    }

    /// The settings with what head office says in place of its own tables.
    ///
    /// # Errors
    /// [`AfarFault`] holds every fault.
    pub fn managed(&self, desired: &str) -> Result<EdgeSettings, AfarFault> {
        check_managed(desired, &self.text, &self.path, &self.files)
    }

    /// The part of its text that head office may change; none where that cannot be told apart, or holds a credential.
    #[must_use]
    pub fn managed_text(&self) -> Option<String> {
        managed_text(&self.text)
    }
}

/// Reads a file of settings, and hands its text to `check` with the disk that lies around it.
///
/// # Errors
/// [`ConfigError`] says why the file cannot be read, or lists every fault in it.
#[cfg(feature = "hq")]
pub(crate) fn load_with<T>(
    path: &Path,
    check: impl FnOnce(&str, &dyn FilesBeside) -> Result<T, (Vec<super::Fault>, usize)>,
) -> Result<T, ConfigError> {
    let (text, own) = read_text(path)?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let files = DiskFiles { folder, program: PathBuf::new(), own };
    check(&text, &files).map_err(|(faults, more)| ConfigError::Faults { path: path.to_owned(), faults, more })
}

/// Where a file may lie that comes with the program: in the working directory, around the program as it was
/// built, and where it is installed.
fn places_of(name: &Path, program: &Path) -> Vec<PathBuf> {
    // target/release/footfall lies two folders below the project.
    let around = program.ancestors().skip(1).take(3).map(|folder| folder.join(name));
    std::iter::once(name.to_owned()).chain(around).chain([Path::new(INSTALLED).join(name)]).collect()
}

/// The default model's manifest for a command that runs without a config file; `program` as for [`load`].
#[must_use]
pub fn default_model(program: &Path) -> PathBuf {
    let name = Path::new(DEFAULT_MODEL);
    // Where it is nowhere, the message names the first place.
    places_of(name, program).into_iter().find(|place| place.is_file()).unwrap_or_else(|| name.to_owned())
}

/// The text of the config file, and whether it is kept from others.
fn read_text(path: &Path) -> Result<(String, Result<(), SecretError>), ConfigError> {
    let unreadable = |error: std::io::Error| ConfigError::Unreadable {
        path: path.to_owned(),
        reason: in_small(&error.to_string()),
    };
    let file = File::open(path).map_err(unreadable)?;
    let own = secrets::check_open(&file);
    let bytes = read_at_most(file, MAX_FILE_BYTES).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ConfigError::TooLarge { path: path.to_owned(), most: MAX_FILE_BYTES });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
        ConfigError::NotText { path: path.to_owned(), at: place_of(&text, good) }
    })?;
    Ok((text, own))
}

/// The bytes of a file, one more than `most` where it is larger.
fn read_at_most(file: File, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn small_text(path: &Path, most: u64) -> Result<String, FileProblem> {
    let unreadable = |error: std::io::Error| FileProblem::Unreadable(in_small(&error.to_string()));
    let file = File::open(path).map_err(unreadable)?;
    let bytes = read_at_most(file, most).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        return Err(FileProblem::TooLong(most));
    }
    String::from_utf8(bytes).map_err(|_not_text| FileProblem::NotText)
}

/// System messages begin with a capital; ours stand in the middle of a line.
fn in_small(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// The disk, seen from the folder in which the config file lies, and from the running program.
struct DiskFiles {
    folder: PathBuf,
    program: PathBuf,
    /// Whether the config file itself is kept from others.
    own: Result<(), SecretError>,
}

impl FilesBeside for DiskFiles {
    fn resolve(&self, written: &Path) -> PathBuf {
        self.folder.join(written)
    }

    fn elsewhere(&self, written: &Path) -> Vec<PathBuf> {
        places_of(written, &self.program)
    }

    fn kind(&self, path: &Path) -> PathKind {
        // The folder of a bare file name is the empty path, which means here.
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => PathKind::Folder,
            Ok(_) => PathKind::File,
            Err(_) => PathKind::Nothing,
        }
    }

    fn text(&self, path: &Path) -> Result<String, FileProblem> {
        small_text(path, MAX_FILE_BYTES)
    }

    fn place_of_secret(&self, written: &str) -> Result<PathBuf, FileProblem> {
        match written.strip_prefix(secrets::CREDENTIAL) {
            Some(name) => secrets::credential(name).map_err(FileProblem::Secret),
            None => Ok(self.resolve(Path::new(written))),
        }
    }

    fn is_private(&self, path: &Path) -> Result<(), FileProblem> {
        secrets::check(path).map_err(FileProblem::Secret)
    }

    fn config_is_private(&self) -> Result<(), FileProblem> {
        self.own.clone().map_err(FileProblem::Secret)
    }

    fn secret(&self, path: &Path) -> Result<String, FileProblem> {
        match self.kind(path) {
            PathKind::File => {}
            PathKind::Folder => return Err(FileProblem::NotAFile),
            PathKind::Nothing => return Err(FileProblem::NotThere),
        }
        let bytes = secrets::read(path, MAX_SECRET_BYTES).map_err(|fault| match fault {
            SecretError::TooLong(most) => FileProblem::TooLong(most),
            other => FileProblem::Secret(other),
        })?;
        let text = String::from_utf8(bytes).map_err(|_not_text| FileProblem::NotText)?;
        match text.lines().next() {
            Some(line) if !line.is_empty() => Ok(line.to_owned()),
            _ => Err(FileProblem::Empty),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_secret(bytes: &[u8], expected: Result<&str, FileProblem>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let files = DiskFiles { folder: folder.path().to_owned(), program: PathBuf::new(), own: Ok(()) };
        assert_eq!(files.secret(&files.resolve(Path::new("secret"))), expected.map(str::to_owned));
    }

    #[test]
    fn a_password_is_the_first_line_of_its_file() {
        check_secret(b"hunter2", Ok("hunter2"));
        check_secret(b"hunter 2 \r\nmade in May\n", Ok("hunter 2 "));
    }

    #[test]
    fn an_empty_an_endless_and_a_binary_file_hold_no_password() {
        check_secret(b"", Err(FileProblem::Empty));
        check_secret(b"\nhunter2", Err(FileProblem::Empty));
        check_secret(&[b'a'; 5000], Err(FileProblem::TooLong(MAX_SECRET_BYTES)));
        check_secret(&[0xff, 0xfe], Err(FileProblem::NotText));
    }

    #[test]
    fn the_default_model_is_looked_for_in_the_same_places_with_and_without_a_config_file() {
        let folder = tempfile::tempdir().unwrap();
        let files = DiskFiles { folder: folder.path().to_owned(), program: PathBuf::new(), own: Ok(()) };
        let name = Path::new(DEFAULT_MODEL);
        let places = files.elsewhere(name);
        assert_eq!(places.first().map(PathBuf::as_path), Some(name));
        assert_eq!(places.last(), Some(&Path::new(INSTALLED).join(name)));
        assert!(places.contains(&default_model(&files.program)));
    }

    #[test]
    fn a_model_beside_the_config_file_goes_before_one_elsewhere_and_either_will_do() {
        let text = crate::config::DEFAULT_FILE;
        let folder = tempfile::tempdir().unwrap();
        let files = DiskFiles { folder: folder.path().to_owned(), program: PathBuf::new(), own: Ok(()) };
        let found = |files: &DiskFiles| check(text, files).map(|settings| settings.detector.manifest);
        // The tests run in the project's folder, where the manifest lies.
        assert_eq!(found(&files), Ok(PathBuf::from(DEFAULT_MODEL)));
        let beside = folder.path().join(DEFAULT_MODEL);
        std::fs::create_dir(beside.parent().unwrap()).unwrap();
        std::fs::write(&beside, "").unwrap();
        assert_eq!(found(&files), Ok(beside));
    }

    #[test]
    fn a_folder_is_no_config_file_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let fault = load(folder.path(), Path::new("")).unwrap_err();
        assert!(matches!(&fault, ConfigError::Unreadable { .. }), "{fault}");
    }

    #[test]
    fn a_file_that_is_not_there_names_the_command_that_makes_one() {
        let fault = load(Path::new("nowhere/footfall.toml"), Path::new("")).unwrap_err().to_string();
        assert!(
            fault.starts_with("cannot read the config file nowhere/footfall.toml: no such file"),
            "{fault}"
        );
        assert!(fault.ends_with("`footfall config default` prints one to start from"), "{fault}");
    }

    #[test]
    fn bytes_that_are_no_text_are_placed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, b"a = 1\nb = \xff").unwrap();
        let ConfigError::NotText { at, .. } = load(&path, Path::new("")).unwrap_err() else {
            panic!("expected NotText")
        };
        assert_eq!((at.line, at.column), (2, 5));
    }

    #[test]
    fn an_endless_file_is_not_read_to_its_end() {
        let fault = load(Path::new("/dev/zero"), Path::new("")).unwrap_err();
        assert!(matches!(fault, ConfigError::TooLarge { .. }), "{fault}");
    }
}
