//! Files that hold secrets: who else may read them, and where systemd lays them.
//!
//! What is not obvious: the mode is asked of the file that was opened, not of its name, so that nobody puts another
//! file in its place between the question and the reading.
//!
//! What belongs to the service's group may be read by it, as a file of root's that the service reads has to be. Nobody else may.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What a setting begins with that names one of systemd's credentials in place of a file.
pub const CREDENTIAL: &str = "credential:";

/// Longest name of a credential, bytes: that of a file.
const MAX_NAME_BYTES: usize = 255;
/// Where systemd tells a service that its credentials lie.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";
/// Writable by the group, or anything at all by everybody.
const TOO_OPEN: u32 = 0o027;
/// The bits of a mode that say who may do what.
const PERMISSIONS: u32 = 0o777;
/// A file of ours that nobody else is to see.
const OWN_ONLY: u32 = 0o600;

/// Why a secret is not taken. Neither the file's name nor its text is shown: either may be the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Others may read or write it.
    #[error(
        "may be read or changed by others on this machine (its mode is {mode:03o}); run `chmod 640` on it, or 600"
    )]
    Open {
        /// Its permissions.
        mode: u32,
    },
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// More than is taken.
    #[error("holds more than {0} bytes")]
    TooLong(u64),
    /// A credential, and systemd gave none.
    #[error(
        "is a credential of systemd's, and this program was started without any; add LoadCredential= to the unit, or name a file"
    )]
    NoCredentials,
    /// A credential with an impossible name.
    #[error("is no name of a credential; give credential: and letters, digits, - . or _")]
    CredentialName,
}

/// Reads a file that nobody else may read or change.
///
/// # Errors
/// [`SecretError`]; the file is not read where others may.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, SecretError> {
    let mut file = open(path)?;
    let mut bytes = Vec::new();
    file.by_ref().take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        return Err(SecretError::TooLong(most));
    }
    Ok(bytes)
}

/// Whether a file is kept from others.
///
/// # Errors
/// [`SecretError`] says why it is not, or that it cannot be opened.
pub fn check(path: &Path) -> Result<(), SecretError> {
    open(path).map(drop)
}

/// Whether an opened file is kept from others.
///
/// # Errors
/// [`SecretError`] says why it is not.
pub fn check_open(file: &File) -> Result<(), SecretError> {
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & PERMISSIONS;
    if mode & TOO_OPEN == 0 { Ok(()) } else { Err(SecretError::Open { mode }) }
}

/// Where the credential of this name lies, which systemd gave this service.
///
/// # Errors
/// [`SecretError`]: no name, or no credentials.
pub fn credential(name: &str) -> Result<PathBuf, SecretError> {
    let folder = std::env::var_os(CREDENTIALS_DIRECTORY).filter(|folder| !folder.is_empty());
    credential_in(folder.map(PathBuf::from).as_deref(), name)
}

fn credential_in(folder: Option<&Path>, name: &str) -> Result<PathBuf, SecretError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name =
        (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.starts_with('.') && name.chars().all(plain);
    if !is_name {
        return Err(SecretError::CredentialName);
    }
    Ok(folder.ok_or(SecretError::NoCredentials)?.join(name))
}

/// Makes an empty file that only its owner may read, where nothing is there yet. For databases, before SQLite makes one that
/// everybody may read; what SQLite lays beside a database has the mode of the database.
///
/// # Errors
/// What the system says.
pub fn make_private(path: &Path) -> io::Result<()> {
    match OpenOptions::new().create_new(true).write(true).mode(OWN_ONLY).open(path) {
        Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// Takes from others what they may do with a database, and with what SQLite has laid beside it. Nothing is opened: closing a
/// database's file takes the locks away that SQLite holds on it.
///
/// # Errors
/// What the system says.
pub fn close_to_others(path: &Path) -> io::Result<()> {
    close(path)?;
    for ending in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(ending);
        match close(Path::new(&beside)) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => {}
            closed => closed?,
        }
    }
    Ok(())
}

fn close(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode() & PERMISSIONS;
    if mode & TOO_OPEN == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode & !TOO_OPEN))
}

fn open(path: &Path) -> Result<File, SecretError> {
    let file = File::open(path).map_err(unreadable)?;
    check_open(&file)?;
    Ok(file)
}

fn unreadable(fault: io::Error) -> SecretError {
    // System messages begin with a capital; ours stand in the middle of a line.
    let text = fault.to_string();
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    SecretError::Unreadable(first.chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_mode(mode: u32) -> Result<Vec<u8>, SecretError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "hunter2").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert_eq!(check(&path).err(), read(&path, 100).err());
        read(&path, 100)
    }

    #[test]
    fn a_secret_that_others_may_read_or_change_is_not_read() {
        for mode in [0o644, 0o604, 0o601, 0o602, 0o660, 0o666, 0o777, 0o620] {
            let refused = with_mode(mode).unwrap_err();
            assert_eq!(refused, SecretError::Open { mode });
            assert!(
                refused.to_string().contains(&format!("{mode:03o}"))
                    && refused.to_string().contains("chmod 640")
            );
        }
    }

    #[test]
    fn its_owner_and_the_services_group_may_read_it() {
        for mode in [0o400, 0o440, 0o600, 0o640] {
            assert_eq!(with_mode(mode).as_deref(), Ok(b"hunter2".as_slice()), "{mode:o}");
        }
    }

    #[test]
    fn a_link_to_an_open_file_is_an_open_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("secret"), folder.path().join("link"));
        std::fs::write(&path, "hunter2").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(check(&link), Err(SecretError::Open { mode: 0o644 }));
    }

    #[test]
    fn an_endless_secret_is_not_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, [b'a'; 11]).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(&path, 10), Err(SecretError::TooLong(10)));
        assert_eq!(read(&path, 11).unwrap().len(), 11);
    }

    #[test]
    fn a_credential_is_a_file_in_systemds_folder_and_nowhere_else() {
        let folder = Path::new("/run/credentials/footfall.service");
        assert_eq!(credential_in(Some(folder), "mqtt"), Ok(folder.join("mqtt")));
        assert_eq!(credential_in(None, "mqtt"), Err(SecretError::NoCredentials));
        for name in ["", ".", "..", "../shadow", "a/b", "/etc/shadow", "a b", "a\0", &"a".repeat(256)] {
            assert_eq!(credential_in(Some(folder), name), Err(SecretError::CredentialName), "{name:?}");
        }
    }

    #[test]
    fn a_database_is_made_for_its_owner_alone_and_one_that_is_open_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & PERMISSIONS;
        let (new, old) = (folder.path().join("new"), folder.path().join("old"));
        std::fs::write(&old, "kept").unwrap();
        std::fs::set_permissions(&old, Permissions::from_mode(0o664)).unwrap();
        for path in [&new, &old] {
            make_private(path).unwrap();
            close_to_others(path).unwrap();
        }
        assert_eq!((mode(&new), mode(&old)), (0o600, 0o640));
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "kept");
    }
}
