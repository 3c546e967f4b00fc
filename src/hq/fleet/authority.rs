//! Head office's own authority: a key and a certificate in a folder, by which the boxes' certificates are signed.
//!
//! What is not obvious: of a signing request only the public key is used. Whatever else stands in it (names, extensions, that it wants to be an
//! authority) is read by nobody: the name is that of the box which the token, or the topic, stands for. Certificates begin some minutes ago,
//! because a box that was just switched on may have a clock that is behind.

use crate::time::WallTime;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertificateSigningRequestParams,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData as _,
    RevocationReason, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca.key";
/// Largest signing request. One with a P-256 key has some 500 bytes, one with RSA 4096 1,700.
pub const MAX_CSR_BYTES: usize = 8 * 1024;
/// Certificates begin so long before they are made.
const BACK_DATED: Duration = Duration::from_secs(15 * 60);
/// How long the authority lives: 20 years, longer than any box. Its end is the end of every certificate.
const AUTHORITY_LIFE: Duration = Duration::from_secs(20 * 365 * 86_400);
/// A list of the revoked is to be fetched again after so long.
const LIST_LIFE: Duration = Duration::from_secs(7 * 86_400);
/// Random bytes of a serial number: RFC 5280, 4.1.2.2 takes up to 20.
const SERIAL_BYTES: usize = 20;

/// Why nothing can be signed.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The folder or a file cannot be made or read.
    #[error("authority {path}: {reason}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// Others than the service may read the key.
    #[error("authority {path}: others may read this key (mode {mode:03o}); run `chmod 600` on it")]
    Mode {
        /// The key.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Only one of the two files is there: making another would make all boxes strangers.
    #[error("authority {path} is missing and the other file of the pair is there; put it back, from a copy")]
    Half {
        /// The one that is missing.
        path: PathBuf,
    },
    /// What is there is no authority, or its key is another's.
    #[error("authority {path} is no certificate and key of an authority; put them back, from a copy")]
    Unusable {
        /// The folder.
        path: PathBuf,
    },
    /// What was sent is no signing request, or it is not signed with its own key.
    #[error(
        "that is no signing request with a valid signature of a key that is taken (P-256, P-384, Ed25519, RSA)"
    )]
    Request,
}

/// The authority. Reads its files when it is first used, and makes them where neither is there.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    life: Duration,
    loaded: OnceLock<Loaded>,
    /// Held while the files are looked at: two that come first at once would make two.
    reading: Mutex<()>,
}

struct Loaded {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded").finish_non_exhaustive()
    }
}

/// A signing request whose signature is that of the key in it.
#[derive(Debug)]
pub struct Request {
    parsed: CertificateSigningRequestParams,
}

/// A certificate that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// PEM.
    pub pem: String,
    /// Hex.
    pub serial: String,
    /// SHA-256 of the public key.
    pub key_hash: [u8; 32],
    /// When it runs out.
    pub until: WallTime,
}

/// A certificate that is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Hex.
    pub serial: String,
    /// Since when.
    pub at: WallTime,
}

impl Request {
    /// Reads a signing request, PEM, and checks its signature.
    ///
    /// # Errors
    /// [`AuthorityError::Request`], whatever is wrong.
    pub fn read(pem: &str) -> Result<Self, AuthorityError> {
        if pem.len() > MAX_CSR_BYTES {
            return Err(AuthorityError::Request);
        }
        let parsed =
            CertificateSigningRequestParams::from_pem(pem).map_err(|_fault| AuthorityError::Request)?;
        Ok(Self { parsed })
    }

    /// SHA-256 of the public key.
    #[must_use]
    pub fn key_hash(&self) -> [u8; 32] {
        Sha256::digest(self.parsed.public_key.der_bytes()).into()
    }
}

impl Authority {
    /// The authority of this folder, whose certificates live so long.
    #[must_use]
    pub const fn of(folder: PathBuf, life: Duration) -> Self {
        Self { folder, life, loaded: OnceLock::new(), reading: Mutex::new(()) }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its certificate, PEM.
    ///
    /// # Errors
    /// [`AuthorityError`]: it is not usable, or cannot be made.
    pub fn certificate(&self, now: WallTime) -> Result<&str, AuthorityError> {
        Ok(&self.load(now)?.pem)
    }

    /// Signs the public key of a request for a box.
    ///
    /// # Errors
    /// [`AuthorityError`]: the authority is not usable.
    pub fn sign(&self, request: &Request, box_name: &str, now: WallTime) -> Result<Issued, AuthorityError> {
        let loaded = self.load(now)?;
        let serial = random_serial();
        let until = now + self.life;
        let mut params = named(box_name);
        params.not_before = date_time_ymd(1970, 1, 1) + since_1970(now - BACK_DATED);
        params.not_after = date_time_ymd(1970, 1, 1) + since_1970(until);
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let signed = params
            .signed_by(&request.parsed.public_key, &loaded.issuer)
            .map_err(|_fault| AuthorityError::Unusable { path: self.folder.clone() })?;
        Ok(Issued { pem: signed.pem(), serial: hex(&serial), key_hash: request.key_hash(), until })
    }

    /// The list of the revoked, PEM, for the broker: made anew each time, and good for a week.
    ///
    /// # Errors
    /// [`AuthorityError`]: the authority is not usable.
    pub fn revoked(&self, revoked: &[Revoked], now: WallTime) -> Result<String, AuthorityError> {
        let loaded = self.load(now)?;
        let number = now.unix_ms().max(0).unsigned_abs().to_be_bytes();
        let entry = |of: &Revoked| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&bytes_of(&of.serial)),
            revocation_time: date_time_ymd(1970, 1, 1) + since_1970(of.at),
            reason_code: Some(RevocationReason::CessationOfOperation),
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(1970, 1, 1) + since_1970(now - BACK_DATED),
            next_update: date_time_ymd(1970, 1, 1) + since_1970(now + LIST_LIFE),
            crl_number: SerialNumber::from_slice(&number),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let unusable = |_fault| AuthorityError::Unusable { path: self.folder.clone() };
        list.signed_by(&loaded.issuer).map_err(unusable)?.pem().map_err(unusable)
    }

    fn load(&self, now: WallTime) -> Result<&Loaded, AuthorityError> {
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let _alone = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let (certificate, key) = (self.folder.join(CERTIFICATE), self.folder.join(KEY));
        match (is_there(&certificate)?, is_there(&key)?) {
            (false, false) => self.make(now)?,
            (true, false) => return Err(AuthorityError::Half { path: key }),
            (false, true) => return Err(AuthorityError::Half { path: certificate }),
            (true, true) => {}
        }
        let loaded = self.read(&certificate, &key)?;
        Ok(self.loaded.get_or_init(|| loaded))
    }

    fn read(&self, certificate: &Path, key: &Path) -> Result<Loaded, AuthorityError> {
        let unusable = || AuthorityError::Unusable { path: self.folder.clone() };
        let mode = fs::metadata(key).map_err(of_file(key))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(AuthorityError::Mode { path: key.to_owned(), mode });
        }
        let pem = fs::read_to_string(certificate).map_err(of_file(certificate))?;
        let key_pem = fs::read_to_string(key).map_err(of_file(key))?;
        let pair = KeyPair::from_pem(&key_pem).map_err(|_fault| unusable())?;
        let issuer = Issuer::from_ca_cert_pem(&pem, pair).map_err(|_fault| unusable())?;
        Ok(Loaded { issuer, pem })
    }

    /// Makes both files: the key first and whole, so that a certificate never stands alone for longer than a crash.
    fn make(&self, now: WallTime) -> Result<(), AuthorityError> {
        let unusable = |_fault| AuthorityError::Unusable { path: self.folder.clone() };
        fs::create_dir_all(&self.folder).map_err(of_file(&self.folder))?;
        let pair = KeyPair::generate().map_err(unusable)?;
        let mut params = named("footfall head office");
        params.not_before = date_time_ymd(1970, 1, 1) + since_1970(now - BACK_DATED);
        params.not_after = date_time_ymd(1970, 1, 1) + since_1970(now + AUTHORITY_LIFE);
        params.serial_number = Some(SerialNumber::from_slice(&random_serial()));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&pair).map_err(unusable)?;
        write_new(&self.folder.join(KEY), &pair.serialize_pem(), 0o600)?;
        write_new(&self.folder.join(CERTIFICATE), &certificate.pem(), 0o644)?;
        tracing::info!(
            "an authority for the boxes' certificates was made in {}; keep a copy of it",
            self.folder.display()
        );
        Ok(())
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// From 1970 on, in whole seconds: how the certificate library is told a time.
fn since_1970(at: WallTime) -> Duration {
    Duration::from_secs(at.unix_ms().max(0).unsigned_abs() / 1000)
}

/// Random and positive, so that its encoding has no more than 20 bytes; the first bit after the sign is set, so that it never gets shorter.
fn random_serial() -> [u8; SERIAL_BYTES] {
    let mut bytes = [0; SERIAL_BYTES];
    let filled = getrandom(&mut bytes, GetRandomFlags::empty())
        .expect("the system gives up to 256 random bytes at once");
    assert_eq!(filled, SERIAL_BYTES, "the system gives up to 256 random bytes at once");
    bytes[0] = bytes[0] & 0x7f | 0x40;
    bytes
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), AuthorityError> {
    let written =
        fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
    written.map_err(of_file(path))
}

fn is_there(path: &Path) -> Result<bool, AuthorityError> {
    fs::exists(path).map_err(of_file(path))
}

fn of_file(path: &Path) -> impl Fn(std::io::Error) -> AuthorityError {
    let path = path.to_owned();
    move |reason| AuthorityError::File { path: path.clone(), reason }
}

/// Bytes as small hexadecimal letters.
pub(in crate::hq) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes what is written");
        text
    })
}

/// What [`hex`] wrote.
fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|sign| sign.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: WallTime = WallTime::from_unix_ms(1_795_334_400_000);

    fn authority(folder: &Path) -> Authority {
        Authority::of(folder.join("authority"), Duration::from_secs(86_400))
    }

    #[test]
    fn the_authority_that_was_made_is_read_again_and_is_for_the_service_alone() {
        let folder = tempfile::tempdir().unwrap();
        let made = authority(folder.path()).certificate(NOW).unwrap().to_owned();
        assert_eq!(authority(folder.path()).certificate(NOW).unwrap(), made);
        let key = folder.path().join("authority/ca.key");
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
        let fault = authority(folder.path()).certificate(NOW).unwrap_err();
        assert!(matches!(fault, AuthorityError::Mode { mode: 0o640, .. }), "{fault}");
    }

    #[test]
    fn half_an_authority_is_not_made_whole_with_another_key() {
        for lost in ["ca.key", "ca.pem"] {
            let folder = tempfile::tempdir().unwrap();
            authority(folder.path()).certificate(NOW).unwrap();
            fs::remove_file(folder.path().join("authority").join(lost)).unwrap();
            let fault = authority(folder.path()).certificate(NOW).unwrap_err();
            assert!(matches!(fault, AuthorityError::Half { .. }), "{fault}");
        }
    }

    #[test]
    fn what_was_written_as_hexadecimal_is_read_back() {
        let serial = random_serial();
        assert_eq!(bytes_of(&hex(&serial)), serial);
        assert_ne!(random_serial(), serial);
    }
}
