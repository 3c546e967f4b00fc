//! The release key: who may say what software a box runs.
//!
//! Ed25519. The half that signs stays where packages are built; boxes have the other half in a file. Both files are PEM as OpenSSL
//! writes them, so a signature can be checked without this program. This is the only file that knows the library that computes it.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

/// What stands before the 32 bytes of an Ed25519 key in its file (RFC 8410, section 4, in DER).
const PUBLIC_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// Bytes of a public key.
const PUBLIC_BYTES: usize = 32;
/// The lines around a public key.
const PUBLIC_LABEL: &str = "PUBLIC KEY";
/// The lines around a signing key.
const PRIVATE_LABEL: &str = "PRIVATE KEY";

/// Why a file is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no such key in it.
    #[error("no Ed25519 {0} in PEM was found in it")]
    NotFound(&'static str),
    /// The system gives no random numbers, or the library does not start.
    #[error("a key could not be made: the system gives no random numbers")]
    NotMade,
}

/// The half of the release key that boxes have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey([u8; PUBLIC_BYTES]);

impl PublicKey {
    /// Reads a file of `footfall release key` or of OpenSSL.
    ///
    /// # Errors
    /// [`KeyError::NotFound`] where it holds no Ed25519 public key.
    pub fn parse(pem: &str) -> Result<Self, KeyError> {
        let der = from_pem(pem, PUBLIC_LABEL).ok_or(KeyError::NotFound("public key"))?;
        let bytes = der.strip_prefix(&PUBLIC_PREFIX).and_then(|rest| rest.try_into().ok());
        bytes.map(Self).ok_or(KeyError::NotFound("public key"))
    }

    /// The file for boxes.
    #[must_use]
    pub fn to_pem(&self) -> String {
        to_pem(PUBLIC_LABEL, &[PUBLIC_PREFIX.as_slice(), &self.0].concat())
    }

    /// Whether the other half signed `text`; `signature` is base64, and white space around it does not matter.
    #[must_use]
    pub fn has_signed(&self, text: &[u8], signature: &str) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        BASE64.decode(signature.trim()).is_ok_and(|signature| key.verify(text, &signature).is_ok())
    }
}

/// The half that signs. It is not shown by `Debug`.
pub struct SigningKey {
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// [`KeyError::NotMade`].
    pub fn generate() -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_unspecified| KeyError::NotMade)?;
        Ok(Self { pair })
    }

    /// Reads a file of `footfall release key` or of OpenSSL.
    ///
    /// # Errors
    /// [`KeyError::NotFound`] where it holds no Ed25519 key.
    pub fn parse(pem: &str) -> Result<Self, KeyError> {
        const MISSING: KeyError = KeyError::NotFound("signing key");
        let der = from_pem(pem, PRIVATE_LABEL).ok_or(MISSING)?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_rejected| MISSING)?;
        Ok(Self { pair })
    }

    /// The file to keep, and to keep to oneself.
    ///
    /// # Errors
    /// [`KeyError::NotMade`] where the library cannot write it.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().map_err(|_unspecified| KeyError::NotMade)?;
        Ok(to_pem(PRIVATE_LABEL, der.as_ref()))
    }

    /// The half for boxes.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let bytes = self.pair.public_key().as_ref().try_into();
        PublicKey(bytes.expect("an Ed25519 public key has 32 bytes"))
    }

    /// Signs a text; base64.
    #[must_use]
    pub fn sign(&self, text: &[u8]) -> String {
        BASE64.encode(self.pair.sign(text))
    }
}

fn to_pem(label: &str, der: &[u8]) -> String {
    // Both kinds of key fit one line of 64 letters, which is where PEM breaks lines, so nothing is broken here.
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64.encode(der))
}

fn from_pem(pem: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let letters: String = body.split_ascii_whitespace().collect();
    BASE64.decode(letters).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made with `openssl genpkey -algorithm ed25519`, and signed with `openssl pkeyutl -sign -rawin`.
    const OPENSSL_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEILb2v4VFmVjCcOEzEz3pPLROvPWqU6cm+XcSJtLGS3n9\n-----END PRIVATE KEY-----\n";
    const OPENSSL_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA+0UkQsYxkLJ32Gl1MghaOZug5mzZFjcYM8csIcF23eA=\n-----END PUBLIC KEY-----\n";
    const OPENSSL_SIGNATURE: &str =
        "1s7gHxFppHiRcsOZpApUWwWful8b3RswIR+BQpQWROOSgH9LehWGKAwwTNDE6QfRZRWzJJ/uISiVdBUUxM6EDg==";

    #[test]
    fn keys_and_signatures_are_those_of_openssl() {
        let key = SigningKey::parse(OPENSSL_KEY).unwrap();
        let public = PublicKey::parse(OPENSSL_PUBLIC).unwrap();
        assert_eq!(key.public(), public);
        assert_eq!(key.sign(b"footfall"), OPENSSL_SIGNATURE);
        assert!(public.has_signed(b"footfall", OPENSSL_SIGNATURE));
        assert!(!public.has_signed(b"footfalls", OPENSSL_SIGNATURE));
        assert_eq!(key.to_pem().unwrap(), OPENSSL_KEY);
        assert_eq!(public.to_pem(), OPENSSL_PUBLIC);
    }

    #[test]
    fn a_new_key_comes_back_from_its_files() {
        let key = SigningKey::generate().unwrap();
        let read = SigningKey::parse(&key.to_pem().unwrap()).unwrap();
        let public = PublicKey::parse(&key.public().to_pem()).unwrap();
        assert!(public.has_signed(b"text", &read.sign(b"text")));
    }

    #[test]
    fn what_is_no_key_is_said_to_be_none() {
        for text in
            ["", "-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"]
        {
            assert_eq!(PublicKey::parse(text), Err(KeyError::NotFound("public key")), "{text}");
        }
        assert_eq!(PublicKey::parse(OPENSSL_KEY), Err(KeyError::NotFound("public key")));
        let fault = SigningKey::parse(OPENSSL_PUBLIC).unwrap_err();
        assert_eq!(fault, KeyError::NotFound("signing key"));
    }

    #[test]
    fn the_signing_key_is_not_shown() {
        let shown = format!("{:?}", SigningKey::generate().unwrap());
        assert_eq!(shown, "SigningKey { .. }");
    }
}
