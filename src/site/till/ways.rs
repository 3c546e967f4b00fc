//! How the till reaches the box: settings of the three ways in. Who opens sockets and files stands in `feeds`.

use super::CsvMapping;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The ways in that are switched on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TillWays {
    /// Whether JSON is taken from the box's MQTT topic for the till.
    pub mqtt: bool,
    /// HTTP POST; none: nothing listens.
    pub http: Option<TillHttpSettings>,
    /// A watched folder; none: nothing is watched.
    pub folder: Option<TillFolderSettings>,
}

/// A word that opens a door; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Shortest token, bytes: 128 bits in hexadecimal have 32, a good pass phrase has more than 16.
    pub const MIN_BYTES: usize = 16;

    /// A token that is long enough; none otherwise.
    #[must_use]
    pub fn new(text: String) -> Option<Self> {
        (text.len() >= Self::MIN_BYTES).then_some(Self(text))
    }

    /// Whether somebody gave the same one, in a time that does not tell how much of it is right.
    #[must_use]
    pub fn is(&self, given: &[u8]) -> bool {
        same_secret(given, self.0.as_bytes())
    }
}

/// Compares in a time that does not tell how much is right.
#[must_use]
pub fn same_secret(given: &[u8], secret: &[u8]) -> bool {
    given.len() == secret.len() && given.iter().zip(secret).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// HTTP POST with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TillHttpSettings {
    /// Where it is listened.
    pub listen: SocketAddr,
    /// What must stand in `Authorization: Bearer`.
    pub token: Token,
}

/// A folder into which the till puts CSV files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TillFolderSettings {
    /// The folder.
    pub path: PathBuf,
    /// How often it is looked into.
    pub poll_every: Duration,
    /// A file that did not grow for this long is complete.
    pub settle: Duration,
    /// How its files are written.
    pub mapping: CsvMapping,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_short_not_shown_and_only_itself() {
        assert_eq!(Token::new("short".to_owned()), None);
        let token = Token::new("correct horse battery".to_owned()).unwrap();
        assert_eq!(format!("{token:?}"), "Token(..)");
        assert!(token.is(b"correct horse battery"));
        assert!(!token.is(b"") && !token.is(b"correct horse batterz") && !token.is(b"correct horse"));
    }
}
