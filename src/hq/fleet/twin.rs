//! What a box is to count with: its text, what a change makes of it, and what may not stand in it. Pure.
//!
//! What is not obvious: head office does not know what a detector takes, and does not want to: the box checks the text like its own file and says
//! why it refuses. Here it is checked for what no box should ever see: text that is no TOML, tables that could cut a box off, and
//! credentials.

use super::authority::hex;
use crate::wire::v1::fleet::MAX_CONFIG_BYTES;
use sha2::{Digest, Sha256};
use toml::{Table, Value};

/// The tables that may be changed from afar.
pub const TABLES: [&str; 5] = ["detector", "site", "audit", "camera", "sensor"];
/// Keys under which somebody may have put a credential. `password_file` names a file on the box.
const SECRETS: [&str; 5] = ["password", "passwd", "secret", "token", "api_key"];
/// Deepest nesting of tables and lists.
const MOST_LEVELS: usize = 16;

/// Why a text is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TwinError {
    /// Too long.
    #[error("the configuration has {got} bytes, at most {MAX_CONFIG_BYTES} are sent to a box")]
    TooLarge {
        /// How long it is.
        got: usize,
    },
    /// No TOML. The parser's words, without the line itself, which may hold a password.
    #[error("line {line}: {reason}")]
    Syntax {
        /// Where, from 1.
        line: usize,
        /// What.
        reason: String,
    },
    /// A table that is not changed from afar.
    #[error(
        "[{table}] is not changed from afar: it stays in the file on the box. From here: detector, site, audit, camera, sensor"
    )]
    Table {
        /// Which.
        table: String,
    },
    /// A credential.
    #[error("{key} holds a credential; put it into a file on the box and name that in `password_file`")]
    Credential {
        /// Where.
        key: String,
    },
    /// Tables in tables in tables.
    #[error("it is nested deeper than {MOST_LEVELS} levels")]
    TooDeep,
    /// What the box was given before is not understood any more.
    #[error("what the box was given before is no TOML any more; give it a whole text")]
    Before,
}

/// A text that may be sent to a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedText {
    /// TOML.
    pub text: String,
    /// Its SHA-256, hex.
    pub hash: String,
}

impl CheckedText {
    /// Checks a whole text.
    ///
    /// # Errors
    /// [`TwinError`] for the first thing that is wrong.
    pub fn new(text: &str) -> Result<Self, TwinError> {
        if text.len() > MAX_CONFIG_BYTES {
            return Err(TwinError::TooLarge { got: text.len() });
        }
        let table = parsed(text)?;
        checked(&table)?;
        Ok(Self { text: text.to_owned(), hash: hex(&Sha256::digest(text.as_bytes())) })
    }
}

/// Makes a change to what a box has: tables key by key, everything else (lists too) as a whole. Comments of the text before are not kept.
///
/// # Errors
/// [`TwinError`]: the change or the outcome is against a rule.
pub fn merged(before: &str, change: &str) -> Result<CheckedText, TwinError> {
    let change = parsed(CheckedText::new(change)?.text.as_str())?;
    let mut table = parsed(before).map_err(|_fault| TwinError::Before)?;
    merge(&mut table, change);
    let text = toml::to_string_pretty(&table).map_err(|_fault| TwinError::Before)?;
    CheckedText::new(&text)
}

fn parsed(text: &str) -> Result<Table, TwinError> {
    text.parse::<Table>().map_err(|fault| {
        let at = fault.span().map_or(0, |span| span.start);
        let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
        TwinError::Syntax { line, reason: fault.message().to_owned() }
    })
}

fn merge(into: &mut Table, change: Table) {
    for (key, value) in change {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(before)), Value::Table(change)) => merge(before, change),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn checked(table: &Table) -> Result<(), TwinError> {
    if let Some(table) = table.keys().find(|key| !TABLES.contains(&key.as_str())) {
        // A name that somebody made up may be anything; it is shown short.
        return Err(TwinError::Table { table: table.chars().take(60).collect() });
    }
    table.iter().try_for_each(|(key, value)| without_credentials(key, value, 1))
}

fn without_credentials(path: &str, value: &Value, level: usize) -> Result<(), TwinError> {
    if level > MOST_LEVELS {
        return Err(TwinError::TooDeep);
    }
    match value {
        Value::Table(table) => table.iter().try_for_each(|(key, value)| {
            let path = format!("{path}.{key}");
            if SECRETS.contains(&key.to_ascii_lowercase().as_str()) {
                return Err(TwinError::Credential { key: path });
            }
            without_credentials(&path, value, level + 1)
        }),
        Value::Array(list) => list.iter().try_for_each(|value| without_credentials(path, value, level + 1)),
        Value::String(text) if names_user(text) => Err(TwinError::Credential { key: path.to_owned() }),
        _ => Ok(()),
    }
}

/// Whether an address has a user, and so most likely a password, before its host.
fn names_user(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    rest.split(['/', '?', '#']).next().unwrap_or_default().contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_merged(before: &str, change: &str, expected: &str) {
        let got = merged(before, change).unwrap();
        assert_eq!(parsed(&got.text).unwrap(), parsed(expected).unwrap(), "{}", got.text);
        assert_eq!(got.hash, hex(&Sha256::digest(got.text.as_bytes())));
    }

    #[test]
    fn a_change_goes_into_tables_key_by_key_and_replaces_lists() {
        check_merged("", "[detector]\nthreads = 2", "[detector]\nthreads = 2");
        check_merged(
            "[detector]\nthreads = 2\nmodel = \"a\"",
            "[detector]\nthreads = 4",
            "[detector]\nthreads = 4\nmodel = \"a\"",
        );
        check_merged(
            "[[camera]]\nid = \"door\"\n[[camera]]\nid = \"till\"",
            "[[camera]]\nid = \"door2\"",
            "[[camera]]\nid = \"door2\"",
        );
        check_merged("[site]\nhours = [1, 2]", "[site]\nhours = [3]", "[site]\nhours = [3]");
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &TwinError) {
        assert_eq!(CheckedText::new(text).as_ref(), Err(expected), "{text}");
        assert!(merged("", text).is_err(), "{text}");
    }

    #[test]
    fn what_could_cut_a_box_off_is_not_sent() {
        for table in ["mqtt", "outbox", "fleet", "box"] {
            check_refused(&format!("[{table}]\nid = 1"), &TwinError::Table { table: table.to_owned() });
        }
    }

    #[test]
    fn a_credential_is_not_sent_wherever_it_stands_and_is_not_shown() {
        let credential = |key: &str| TwinError::Credential { key: key.to_owned() };
        check_refused("[[camera]]\nsource = \"rtsp://me:hunter2@cam/1\"", &credential("camera.source"));
        check_refused("[[camera]]\npassword = \"hunter2\"", &credential("camera.password"));
        check_refused("[site.till]\nToken = \"hunter2\"", &credential("site.till.Token"));
        CheckedText::new("[[camera]]\nsource = \"rtsp://cam/1?a=b@c\"\npassword_file = \"door\"").unwrap();
        for fault in ["[[camera]]\npassword = \"hunter2\"", "[camera]\npassword = hunter2"] {
            assert!(!CheckedText::new(fault).unwrap_err().to_string().contains("hunter2"));
        }
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_line() {
        let fault = CheckedText::new("[site]\n\nhours = [").unwrap_err();
        assert!(matches!(fault, TwinError::Syntax { line: 3, .. }), "{fault:?}");
        let large = "#".repeat(MAX_CONFIG_BYTES + 1);
        check_refused(&large, &TwinError::TooLarge { got: MAX_CONFIG_BYTES + 1 });
    }
}
