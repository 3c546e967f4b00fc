//! The default file is template, reference and test in one: it is fine as it is, names every setting, and
//! states the defaults that the code has.

use footfall::config::check::{FilesBeside, PathKind};
use footfall::config::fault::FileProblem;
use footfall::config::{DEFAULT_FILE, EdgeSettings, Fault, FaultKind, check as check_text};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// A disk on which every file and its folder are there.
struct FullDisk;

impl FilesBeside for FullDisk {
    fn resolve(&self, written: &Path) -> PathBuf {
        written.to_owned()
    }

    fn kind(&self, path: &Path) -> PathKind {
        if path.extension().is_some() { PathKind::File } else { PathKind::Folder }
    }

    fn text(&self, path: &Path) -> Result<String, FileProblem> {
        if path.ends_with("identity.toml") {
            return Ok("tenant = \"acme\"\nstore = \"taipei-01\"\nbox = \"acme-taipei-01-a\"\nbroker = \"mqtt.example.org:8883\"\n\
                       head_office = \"https://hq.example.org\"\ncertificate_file = \"box.pem\"\nkey_file = \"box.key\"\n\
                       ca_file = \"ca.pem\"\nsince_ms = 1790000000000\nuntil_ms = 1800000000000\n"
                .to_owned());
        }
        Ok(include_str!("../calibration/sample-clip.toml").to_owned())
    }

    fn secret(&self, _path: &Path) -> Result<String, FileProblem> {
        Ok("a secret that is long enough".to_owned())
    }
}

fn read(text: &str) -> Result<EdgeSettings, Vec<Fault>> {
    check_text(text, &FullDisk).map_err(|(faults, _)| faults)
}

/// A setting that is switched off, without its `#`; explanation begins with `# ` and is none.
fn switched_off(line: &str) -> Option<&str> {
    line.strip_prefix('#').filter(|rest| !rest.is_empty() && !rest.starts_with(' '))
}

/// The default file with everything switched on.
fn everything() -> String {
    DEFAULT_FILE.lines().map(|line| switched_off(line).unwrap_or(line).to_owned() + "\n").collect()
}

/// Every `key = value` line that is switched on, but for what must be there.
fn without_what_may_be_left_out() -> String {
    let needed = ["[", "tenant", "store", "box", "broker", "id =", "source", "picture =", "from", "to ="];
    let kept = |line: &&str| needed.iter().any(|start| line.starts_with(start));
    DEFAULT_FILE.lines().filter(kept).map(|line| line.to_owned() + "\n").collect()
}

#[test]
fn the_default_file_is_fine_as_it_is() {
    assert_eq!(read(DEFAULT_FILE).err(), None);
}

#[test]
fn the_default_file_is_fine_with_everything_switched_on() {
    let all = read(&everything()).unwrap_or_else(|faults| panic!("{faults:#?}"));
    assert!(all.mqtt.is_some_and(|mqtt| mqtt.tls.is_some_and(|tls| tls.client.is_some())));
    assert_eq!(all.cameras.len(), 2);
    let site = all.site.expect("the table is switched on");
    assert!(
        site.store.sees_every_door
            && site.store.has_till
            && site.store.calendar.zone().name() == "Asia/Taipei"
    );
    let till = site.till.expect("so is the till");
    assert!(
        till.mqtt
            && till.http.is_some()
            && till.folder.is_some_and(|folder| folder.mapping.words.0.len() == 5)
    );
}

#[test]
fn what_the_default_file_sets_are_the_defaults() {
    let least = without_what_may_be_left_out();
    assert!(!least.contains("retry_max") && !least.contains("[mqtt.tls]"), "{least}");
    assert_eq!(read(&least), read(DEFAULT_FILE));
}

#[test]
fn a_default_that_is_spelled_out_in_a_comment_is_the_one_that_is_set() {
    // A comment ends in `Default: X.` and the setting below it, where it is switched on, says X too.
    let mut stated: Option<String> = None;
    let mut compared = 0;
    for line in DEFAULT_FILE.lines() {
        if line.starts_with("# ") {
            let found = line.split_once("Default: ").map(|(_, rest)| rest.trim_end_matches('.').to_owned());
            stated = found.or(stated);
        } else if let Some((_, value)) = line.split_once(" = ")
            && let Some(stated) = stated.take()
            && switched_off(line).is_none()
            && !stated.contains("port")
        {
            assert_eq!(value, stated, "{line}");
            compared += 1;
        } else {
            stated = None;
        }
    }
    assert!(compared >= 12, "only {compared} defaults were compared");
}

/// Every key that the code reads, found by asking for one that it does not.
fn known_keys(text: &str) -> Vec<&'static str> {
    let mut probed = String::from("no_such_key = 1\n");
    for line in text.lines() {
        probed.push_str(line);
        probed.push_str(if line.starts_with('[') { "\nno_such_key = 1\n" } else { "\n" });
    }
    let faults = read(&probed).expect_err("a key that is not known is a fault");
    let mut keys: Vec<&'static str> = Vec::new();
    for fault in faults {
        match fault.kind {
            FaultKind::UnknownKey { known, .. } => keys.extend(known),
            other => panic!("only unknown keys were added, got {other}"),
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[test]
fn every_setting_that_the_code_reads_stands_in_the_default_file() {
    let all = everything();
    let keys = known_keys(&all);
    assert!(keys.len() > 30 && keys.contains(&"activation"), "{keys:?}");
    for key in keys {
        let as_setting = format!("{key} = ");
        let stands = |line: &str| {
            line.starts_with(&as_setting)
                || line.trim_matches(['[', ']']).rsplit('.').next().is_some_and(|name| name == key)
        };
        assert!(all.lines().any(stands), "{key} is read and not in the default file");
    }
}

/// Writes what a fuzzer would: bytes put in the place of bytes.
fn mutated(cuts: &[(usize, usize, Vec<u8>)]) -> String {
    let mut bytes = everything().into_bytes();
    for (at, len, new) in cuts {
        let at = at % bytes.len().max(1);
        let end = (at + len).min(bytes.len());
        bytes.splice(at..end, new.iter().copied());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_text_is_refused_and_never_panics(text in "\\PC{0,200}") {
        let faults = read(&text).expect_err("random text is no configuration");
        prop_assert!(!faults.is_empty());
    }

    #[test]
    fn text_made_of_toml_parts_never_panics(
        parts in prop::collection::vec(prop::sample::select(vec![
            "[", "]", "[[", "]]", "camera", ".", "line", "\n", "=", "id", "\"a\"", "from", "1", "nan", "-0.0",
            "{", "}", ",", "'", "\"", "mqtt", "broker", "0x", "_", "1979-05-27", "true", "exclude", "#", "\\",
        ]), 0..60)
    ) {
        prop_assert!(read(&parts.concat()).is_err());
    }

    #[test]
    fn a_damaged_default_file_never_panics(
        cuts in prop::collection::vec(
            (any::<usize>(), 0_usize..40, prop::collection::vec(any::<u8>(), 0..6)), 1..6)
    ) {
        let text = mutated(&cuts);
        if let Err(faults) = read(&text) {
            let lines = text.matches('\n').count() + 1;
            prop_assert!(!faults.is_empty());
            prop_assert!(faults.iter().all(|fault| (1..=lines).contains(&fault.at.line)));
            prop_assert!(faults.is_sorted_by_key(|fault| fault.at));
        }
    }
}
