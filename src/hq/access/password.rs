//! Passwords: which are taken, how they are kept, and whether one is right.
//!
//! What is not obvious: a name that does not exist costs as much time as a wrong password. Otherwise the answer's time would
//! tell which names exist.

use argon2::password_hash::{self, PasswordHash, SaltString};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use rustix::rand::{GetRandomFlags, getrandom};

/// Shortest password, characters. NIST SP 800-63B-4 asks for 15 where a password is all, and 8 where it is one of two factors; 12 with a
/// limit on the rate of guesses is what OWASP's verification standard (ASVS 4.0, 2.1.1) asks for.
pub(crate) const LEAST_CHARACTERS: usize = 12;
/// Longest password, bytes: enough for any sentence, and little enough to hash.
pub(crate) const MOST_BYTES: usize = 256;

// OWASP, "Password Storage Cheat Sheet" (read in 2026): Argon2id with 19 MiB, two passes and one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// RFC 9106 advises 128 bits of salt.
const SALT_BYTES: usize = 16;

/// Why a password is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short.
    #[error("the password has {characters} characters; take at least {LEAST_CHARACTERS}")]
    Short {
        /// How many it has.
        characters: usize,
    },
    /// Too long.
    #[error("the password has {bytes} bytes; take at most {MOST_BYTES}")]
    Long {
        /// How many it has.
        bytes: usize,
    },
    /// The name, or one character again and again.
    #[error("the password is the name or repeats one character; take another")]
    Plain,
}

/// A password as it is kept: Argon2id in PHC form, with its parameters and salt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordHashText(String);

impl PasswordHashText {
    /// Hashes a password that may be taken for `name`. Takes 19 MiB and some tens of milliseconds.
    ///
    /// # Errors
    /// [`PasswordError`] where the rules are against it.
    pub fn of(password: &str, name: &str) -> Result<Self, PasswordError> {
        check(password, name)?;
        Ok(Self(hashed(password)))
    }

    /// As it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `given` is the password whose hash is stored. Without one the answer is no, after the same time.
#[must_use]
pub fn is_right(given: &str, stored: Option<&str>) -> bool {
    // Not hashed, so that a long one costs no more; nobody has such a password.
    let given = if given.len() <= MOST_BYTES { given } else { "" };
    let parsed = stored.and_then(|text| PasswordHash::new(text).ok());
    match parsed {
        Some(hash) => argon2().verify_password(given.as_bytes(), &hash).is_ok() && !given.is_empty(),
        None => {
            // What comes out is not the point: the time is.
            std::hint::black_box(hashed(given));
            false
        }
    }
}

fn check(password: &str, name: &str) -> Result<(), PasswordError> {
    let characters = password.chars().count();
    if characters < LEAST_CHARACTERS {
        return Err(PasswordError::Short { characters });
    }
    if password.len() > MOST_BYTES {
        return Err(PasswordError::Long { bytes: password.len() });
    }
    let mut rest = password.chars();
    let first = rest.next();
    if rest.all(|character| Some(character) == first) || password.to_lowercase() == name.to_lowercase() {
        return Err(PasswordError::Plain);
    }
    Ok(())
}

fn hashed(password: &str) -> String {
    let hash = || -> Result<String, password_hash::Error> {
        let mut salt = [0; SALT_BYTES];
        getrandom(&mut salt, GetRandomFlags::empty()).map_err(|_no_random| password_hash::Error::Crypto)?;
        let salt = SaltString::encode_b64(&salt)?;
        Ok(argon2().hash_password(password.as_bytes(), &salt)?.to_string())
    };
    hash().expect("the parameters and lengths are within Argon2's limits, and the system gives random bytes")
}

fn argon2() -> Argon2<'static> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are within Argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(password: &str, because: &PasswordError) {
        assert_eq!(PasswordHashText::of(password, "Manager.Berlin").unwrap_err(), *because);
    }

    #[test]
    fn a_password_that_is_easy_to_guess_is_not_taken() {
        refused("", &PasswordError::Short { characters: 0 });
        refused("elevenchars", &PasswordError::Short { characters: 11 });
        refused("manager.berlin", &PasswordError::Plain);
        refused("aaaaaaaaaaaaaaaa", &PasswordError::Plain);
        refused(&"ab".repeat(129), &PasswordError::Long { bytes: 258 });
    }

    #[test]
    fn a_password_is_right_for_its_hash_only_and_the_hash_says_how_it_was_made() {
        let one = PasswordHashText::of("correct horse battery", "ann").unwrap();
        let again = PasswordHashText::of("correct horse battery", "ann").unwrap();
        assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.as_str());
        assert_ne!(one, again, "each has a salt of its own");
        assert!(is_right("correct horse battery", Some(one.as_str())));
        assert!(!is_right("correct horse batterz", Some(one.as_str())));
        assert!(!is_right("", Some(one.as_str())));
        assert!(!is_right(&"x".repeat(10_000), Some(one.as_str())));
    }

    #[test]
    fn nothing_is_right_where_no_password_is_stored() {
        assert!(!is_right("correct horse battery", None));
        assert!(!is_right("", None));
        assert!(!is_right("correct horse battery", Some("no hash")));
    }
}
