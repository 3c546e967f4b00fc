//! Secrets that this side makes: cookies, tokens, what proves that a request is meant.
//!
//! What is not obvious: only the SHA-256 of a secret is stored, and without salt. That is right for 256 random bits, which nobody can
//! guess from their hash, and wrong for a password, which is in [`password`](super::password).

use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest, Sha256};
use std::fmt;
use std::fmt::Write;

/// What every API token begins with, so that a scanner finds one that lies about in public.
pub const TOKEN_PREFIX: &str = "ffhq_";
/// Random bytes in a secret.
const BYTES: usize = 32;

/// The SHA-256 of a secret: what is stored of it.
pub type SecretHash = [u8; 32];

/// A secret as text. It is shown once, and never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// 256 bits from the system, in hexadecimal, behind `prefix`.
    #[must_use]
    pub fn random(prefix: &str) -> Self {
        let mut bytes = [0; BYTES];
        let filled = getrandom(&mut bytes, GetRandomFlags::empty())
            .expect("the system gives random bytes, and never fewer than asked for up to 256");
        assert_eq!(filled, BYTES, "the system gives up to 256 random bytes at once");
        Self(prefix.to_owned() + &hexadecimal(&bytes))
    }

    /// The secret as the end of a longer text, which is as secret.
    #[must_use]
    pub fn behind(&self, text: &str) -> Self {
        Self(text.to_owned() + &self.0)
    }

    /// The text, to be handed out.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What is stored of a secret that somebody gave.
#[must_use]
pub fn hash(secret: &str) -> SecretHash {
    Sha256::digest(secret.as_bytes()).into()
}

/// What a page sends back with everything that changes something. Made from the cookie, which another site's page cannot read, so it
/// needs no place in the database; and from it nobody finds the cookie.
#[must_use]
pub fn csrf_of(cookie: &str) -> String {
    hexadecimal(&Sha256::digest(format!("csrf of {cookie}")))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes what is written");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_secrets_are_alike_and_each_has_256_bits() {
        let (one, other) = (Secret::random(TOKEN_PREFIX), Secret::random(TOKEN_PREFIX));
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(one.reveal().len(), TOKEN_PREFIX.len() + 64);
        assert!(one.reveal().starts_with("ffhq_"));
    }

    #[test]
    fn a_secret_that_is_printed_by_mistake_tells_nothing() {
        let secret = Secret::random("");
        assert!(!format!("{secret:?}").contains(secret.reveal()));
    }

    #[test]
    fn what_is_stored_and_what_is_sent_back_differ_from_the_cookie_and_from_each_other() {
        let csrf = csrf_of("abc");
        assert_eq!(
            hexadecimal(&hash("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_ne!(csrf, hexadecimal(&hash("abc")));
        assert_ne!(csrf, csrf_of("abd"));
    }
}
