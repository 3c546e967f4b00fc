//! The config file as it may be shown: without comments, and with every value that may be a secret taken out.
//!
//! What may be shown is what the default file names; a key that it does not know may be a password with a name of its own.

use super::secrets::{REMOVED, Secrets};
use crate::config::DEFAULT_FILE;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use toml::{Table, Value};

/// Keys whose values are never shown. Names of secret files may be passwords that were put there by mistake.
const HIDDEN: [&str; 6] = ["user", "password_file", "token_file", "key_file", "secret_file", "password"];

/// Most bytes of a secret file that is read to be searched for.
const MOST_SECRET_BYTES: u64 = 64 * 1024;

/// What a config file says, and what of it is secret.
pub(super) struct Shown {
    /// The text to show.
    pub(super) text: String,
    /// What must not be in the bundle.
    pub(super) secrets: Secrets,
}

/// Reads a config file's text; `folder` is where it lies.
pub(super) fn shown(text: &str, folder: &Path) -> Shown {
    let mut secrets = Secrets::default();
    let Ok(mut table) = text.parse::<Table>() else {
        // What cannot be read cannot be cleaned either.
        let text = "The file is no TOML and is left out; check.txt says what is wrong with it.\n".to_owned();
        return Shown { text, secrets };
    };
    clean_table(&mut table, &known_keys(), folder, &mut secrets);
    let text = toml::to_string(&table).unwrap_or_else(|fault| format!("# cannot be shown: {fault}\n"));
    Shown { text: secrets.removed_from(&text), secrets }
}

/// Every key of the default file, also those that are switched off there.
fn known_keys() -> BTreeSet<&'static str> {
    let key = |line: &'static str| {
        let (key, _) = line.trim_start_matches('#').split_once(" = ")?;
        key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_').then_some(key)
    };
    DEFAULT_FILE.lines().filter_map(key).collect()
}

fn clean_table(table: &mut Table, known: &BTreeSet<&str>, folder: &Path, secrets: &mut Secrets) {
    for (key, value) in table.iter_mut() {
        match value {
            Value::Table(inner) => clean_table(inner, known, folder, secrets),
            Value::Array(values) if values.iter().all(Value::is_table) => {
                for inner in values.iter_mut().filter_map(Value::as_table_mut) {
                    clean_table(inner, known, folder, secrets);
                }
            }
            value => clean_value(key, value, known, folder, secrets),
        }
    }
}

fn clean_value(key: &str, value: &mut Value, known: &BTreeSet<&str>, folder: &Path, secrets: &mut Secrets) {
    let is_hidden = HIDDEN.contains(&key);
    if let Value::String(text) = value {
        if is_hidden {
            secrets.add(text);
        }
        if key.ends_with("_file") {
            note_file(&folder.join(text.as_str()), secrets);
        }
        secrets.address(text);
    }
    if is_hidden || !known.contains(key) {
        *value = Value::String(REMOVED.to_owned());
    }
}

/// Notes what stands in a file that may be a secret one. A certificate is none, and would be taken out of nothing.
fn note_file(path: &Path, secrets: &mut Secrets) {
    let mut bytes = Vec::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(MOST_SECRET_BYTES).read_to_end(&mut bytes));
    if read.is_err() {
        return;
    }
    let text = String::from_utf8_lossy(&bytes);
    let is_public = text.contains("-----BEGIN") && !text.contains("PRIVATE KEY");
    if !is_public {
        secrets.file(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_default_file_names_is_shown_and_secrets_and_unknown_keys_are_not() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pw"), "hunter22\n").unwrap();
        let text = "tenant = \"acme\" # the old password was geheim77\n[mqtt]\nbroker = \"b:1\"\nuser = \"robert\"\n\
                    password_file = \"pw\"\npasswort = \"geheim78\"\n[[camera]]\nid = \"door\"\nfps = 10\n\
                    source = \"rtsp://v1ewer:geheim79@cam/1?x=geheim80\"\n";
        let shown = shown(text, folder.path());
        for word in ["acme", "b:1", "door", "fps = 10", "cam/1"] {
            assert!(shown.text.contains(word), "{word} in\n{}", shown.text);
        }
        for word in ["geheim", "robert", "v1ewer", "hunter22"] {
            assert!(!shown.text.contains(word), "{word} in\n{}", shown.text);
        }
        let journal = shown.secrets.removed_from("hunter22 robert geheim79 geheim80 door");
        assert_eq!(journal, "[removed] [removed] [removed] [removed] door");
    }

    #[test]
    fn a_file_that_is_no_toml_is_not_shown_at_all() {
        let shown = shown("password = geheim77", Path::new("."));
        assert!(!shown.text.contains("geheim"), "{}", shown.text);
    }

    #[test]
    fn keys_that_are_switched_off_in_the_default_file_are_known() {
        let known = known_keys();
        assert!(
            known.contains("tenant") && known.contains("ca_file") && known.contains("time_zone"),
            "{known:?}"
        );
    }
}
