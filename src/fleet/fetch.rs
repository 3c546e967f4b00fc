//! Fetches a package that head office announced, and lays it down for whoever installs it. An adapter to disk and network.
//!
//! Where what lies, and in which order it is written, says [`super::update`].

use super::https::{Https, HttpsError};
use super::store::{self, StoreError};
use super::update::{
    FOLDER, MANIFEST_FILE, Offer, PACKAGE_FILE, READY_FILE, RESULT_FILE, Refusal, SIGNATURE_FILE,
};
use crate::wire::v1::fleet::{SoftwareDesired, SoftwareReported};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// The package, while it is fetched.
const PART_FILE: &str = "package.part";
/// What came of an update, in JSON: some 300 bytes.
const MOST_RESULT_BYTES: u64 = 64 * 1024;

/// Why a package does not lie there.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It is not the announced one, and will not become it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Head office is not reached; it is tried again.
    #[error(transparent)]
    Https(#[from] HttpsError),
    /// Head office does not have it now; it is tried again.
    #[error("head office answers with status {0} for the package")]
    Status(u16),
    /// The disk does not take it; it is tried again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether a package lies there and waits to be installed.
#[must_use]
pub fn is_ready(state: &Path) -> bool {
    state.join(FOLDER).join(READY_FILE).exists()
}

/// What came of the last update; none where there was none, or where it cannot be read.
#[must_use]
pub fn result(state: &Path) -> Option<SoftwareReported> {
    let path = state.join(FOLDER).join(RESULT_FILE);
    let bytes = store::read_small(&path, MOST_RESULT_BYTES).ok().flatten()?;
    serde_json::from_slice(&bytes).ok()
}

/// Fetches the package, and lays it down where it is the one that was signed; `ready` comes last.
///
/// # Errors
/// [`FetchError`]; nothing is ready then.
pub fn lay_down(
    state: &Path,
    offer: &Offer,
    desired: &SoftwareDesired,
    https: &Https,
) -> Result<(), FetchError> {
    let folder = state.join(FOLDER);
    store::make_folder(&folder)?;
    let part = folder.join(PART_FILE);
    let fetched = fetch(&part, offer, &desired.url, https);
    if fetched.is_err() {
        store::remove(&part);
    }
    fetched?;
    let package = folder.join(PACKAGE_FILE);
    let unwritten = |cause| StoreError::Write { path: package.clone(), cause };
    fs::rename(&part, &package).map_err(unwritten)?;
    store::write_whole(&folder.join(MANIFEST_FILE), desired.manifest.as_bytes())?;
    store::write_whole(&folder.join(SIGNATURE_FILE), desired.signature.as_bytes())?;
    store::remove(&folder.join(RESULT_FILE));
    Ok(store::write_whole(&folder.join(READY_FILE), b"")?)
}

fn fetch(part: &Path, offer: &Offer, address: &str, https: &Https) -> Result<(), FetchError> {
    let unwritten = |cause: io::Error| StoreError::Write { path: part.to_owned(), cause };
    let mut file = File::create(part).map_err(unwritten)?;
    let (mut hash, mut size) = (Sha256::new(), 0_u64);
    let status = https.fetch(address, offer.manifest().size, |bytes| {
        hash.update(bytes);
        size += bytes.len() as u64;
        file.write_all(bytes)
    })?;
    if status != 200 {
        return Err(FetchError::Status(status));
    }
    file.sync_all().map_err(unwritten)?;
    let sha256: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(offer.is_file(size, &sha256)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::release::SigningKey;
    use crate::wire::v1::V1;
    use crate::wire::v1::fleet::PackageManifest;
    use std::io::Read;
    use std::net::TcpListener;

    /// A head office that answers once, with these bytes.
    fn office(answer: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serve = move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 1024];
            assert!(stream.read(&mut asked).unwrap() > 0);
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
            stream.write_all(head.as_bytes()).unwrap();
            // Whoever is told too much hangs up.
            drop(stream.write_all(&answer));
        };
        std::thread::Builder::new().name("office".to_owned()).spawn(serve).unwrap();
        format!("http://{address}")
    }

    /// Lays down what a head office answers that announced `announced`.
    fn laid_down(announced: &[u8], answer: &[u8]) -> (tempfile::TempDir, Result<(), FetchError>) {
        let manifest = PackageManifest {
            package: "footfall".to_owned(),
            version: "0.3.0".to_owned(),
            architecture: "amd64".to_owned(),
            sha256: Sha256::digest(announced).iter().map(|byte| format!("{byte:02x}")).collect(),
            size: announced.len() as u64,
            instead_of: None,
        };
        let key = SigningKey::generate().unwrap();
        let manifest = serde_json::to_string(&manifest).unwrap();
        let signature = key.sign(manifest.as_bytes());
        let offer = Offer::read(&manifest, &signature, &key.public()).unwrap();
        let url = format!("{}/api/v1/packages/x", office(answer.to_vec()));
        let desired = SoftwareDesired { v: V1, manifest, signature, url };
        let state = tempfile::tempdir().unwrap();
        let laid = lay_down(state.path(), &offer, &desired, &Https::new(None).unwrap());
        (state, laid)
    }

    #[test]
    fn a_package_that_is_the_signed_one_is_laid_down_and_ready() {
        let (state, laid) = laid_down(b"a package", b"a package");
        laid.unwrap();
        assert!(is_ready(state.path()));
        assert_eq!(fs::read(state.path().join("update/package.deb")).unwrap(), b"a package");
        assert!(state.path().join("update/manifest.sig").exists());
    }

    #[test]
    fn a_package_that_is_another_longer_or_shorter_one_is_not() {
        for answer in [b"A package".as_slice(), b"a package and more", b"a pack"] {
            let (state, laid) = laid_down(b"a package", answer);
            assert!(laid.is_err() && !is_ready(state.path()));
            assert!(!state.path().join("update/package.deb").exists());
            assert!(!state.path().join("update/package.part").exists());
        }
    }
}
