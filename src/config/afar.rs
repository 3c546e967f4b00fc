//! A configuration from head office: the tables that may be changed from afar, checked against the rest of the file on the box.
//!
//! It may name no file but those beside the config file and the outbox, no password file but those in the folder for them, and
//! nothing that the box itself needs to stay reachable: its own file, its outbox, its identity, and what it remembers of the fleet.

use super::check::{Base, FilesBeside, PathKind, base, managed};
use super::document::{FaultSink, read_document};
use super::fault::{Fault, FaultKind, FileProblem};
use super::{DEFAULT_MODEL, EdgeSettings};
use std::path::{Component, Path, PathBuf};

/// Tables that head office may change; whoever adds one reads it in `check::managed`.
pub(super) const MANAGED: [&str; 5] = ["detector", "site", "audit", "camera", "sensor"];
/// Keys that stay in the file on the box: whoever changes them could cut it off.
pub(super) const OWN: [&str; 8] =
    ["tenant", "store", "box", "mqtt", "outbox", "fleet", "watchdog", "metrics"];

/// What the fleet keeps in the box's state folder; other names there only go on behind these.
const STATE_NAMES: [&str; 3] = ["twin.json", "commands", "update"];

/// Why a configuration from head office cannot be used.
#[derive(Debug, Clone, PartialEq)]
pub enum AfarFault {
    /// It has faults: all of them, and how many more than are kept.
    Desired(Vec<Fault>, usize),
    /// The file on the box has faults in what it has to say itself.
    Local(Vec<Fault>, usize),
}

impl AfarFault {
    /// One line for each fault.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let (faults, more, before) = match self {
            Self::Desired(faults, more) => (faults, *more, ""),
            Self::Local(faults, more) => (faults, *more, "in the box's own file: "),
        };
        let mut lines: Vec<String> = faults.iter().map(|fault| format!("{before}{fault}")).collect();
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        lines
    }
}

/// Checks a configuration from head office with the rest of the box's own file. `own` is where that file lies.
///
/// # Errors
/// [`AfarFault`] holds every fault with its place.
pub fn check_managed(
    desired: &str,
    local: &str,
    own: &Path,
    files: &dyn FilesBeside,
) -> Result<EdgeSettings, AfarFault> {
    let base = check_base(local, files).map_err(|(faults, more)| AfarFault::Local(faults, more))?;
    let sink = FaultSink::of(desired);
    let afar = AfarFiles::new(files, &base, own);
    let settings = read_document(&sink, |root| {
        for key in OWN {
            root.refuse(key, FaultKind::NotFromAfar);
        }
        managed(root, base, &afar, true)
    });
    let (faults, more) = sink.finish();
    if !faults.is_empty() {
        return Err(AfarFault::Desired(faults, more));
    }
    Ok(settings.expect("a part is missing only where a fault says why"))
}

/// What the file on the box itself has to say, without the tables that may come from afar.
///
/// # Errors
/// All faults in it, and how many more.
pub(super) fn check_base(local: &str, files: &dyn FilesBeside) -> Result<Base, (Vec<Fault>, usize)> {
    let sink = FaultSink::of(local);
    let base = read_document(&sink, |root| {
        for key in MANAGED {
            root.get(key);
        }
        base(root, files)
    });
    let (faults, more) = sink.finish();
    if !faults.is_empty() {
        return Err((faults, more));
    }
    Ok(base.expect("a part is missing only where a fault says why"))
}

/// The disk, as far as a configuration from afar may name it.
struct AfarFiles<'a> {
    files: &'a dyn FilesBeside,
    /// Below these files may be named ...
    roots: Vec<PathBuf>,
    /// ... but not these, nor what lies below them.
    kept: Vec<PathBuf>,
    /// ... nor these, nor anything beside them whose name begins as theirs does.
    kept_names: Vec<PathBuf>,
    secrets: Option<PathBuf>,
}

impl<'a> AfarFiles<'a> {
    fn new(files: &'a dyn FilesBeside, base: &Base, own: &Path) -> Self {
        let above = |path: &Path| path.parent().map(Path::to_owned).unwrap_or_default();
        let outbox = &base.outbox.path;
        let mut kept = vec![own.to_owned()];
        // What SQLite and the box itself lay beside it has names that go on behind its own.
        let mut kept_names = vec![outbox.clone()];
        let fleet = base.fleet.as_ref();
        match fleet.map(|fleet| &fleet.state) {
            // The service's one folder, with all that it writes.
            Some(state) if is_below(outbox, state) => {
                kept_names.extend(STATE_NAMES.map(|name| state.join(name)));
            }
            state => kept.extend(state.cloned()),
        }
        kept.extend(fleet.and_then(|fleet| fleet.identity.as_ref()).map(|(folder, _)| folder.clone()));
        let secrets = fleet.map(|fleet| fleet.secrets.clone());
        kept.extend(secrets.clone());
        Self { files, roots: vec![files.resolve(Path::new("")), above(outbox)], kept, kept_names, secrets }
    }

    fn is_free(&self, path: &Path) -> bool {
        let comes_with_the_program =
            || self.files.elsewhere(Path::new(DEFAULT_MODEL)).iter().any(|place| place == path);
        let is_below_a_root = self.roots.iter().any(|root| is_below(path, root));
        // What the box needs may lie deeper than a folder that is named, too.
        let is_kept = self.kept.iter().any(|kept| is_below(path, kept) || is_below(kept, path))
            || self.kept_names.iter().any(|kept| begins_as(path, kept) || is_below(kept, path));
        (is_below_a_root && !is_kept) || comes_with_the_program()
    }
}

/// Whether a path is a file, or lies beside it or below what lies there under a name that begins as the file's does.
fn begins_as(path: &Path, file: &Path) -> bool {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else { return false };
    let Ok(rest) = path.strip_prefix(folder) else { return false };
    let first = rest.components().next().map(|part| part.as_os_str().as_encoded_bytes());
    first.is_some_and(|first| first.starts_with(name.as_encoded_bytes()))
}

/// Whether a path lies in a folder, or is it, without a way out.
fn is_below(path: &Path, folder: &Path) -> bool {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    path.strip_prefix(folder).is_ok_and(|rest| rest.components().all(plain))
}

impl FilesBeside for AfarFiles<'_> {
    fn resolve(&self, written: &Path) -> PathBuf {
        self.files.resolve(written)
    }

    fn elsewhere(&self, written: &Path) -> Vec<PathBuf> {
        self.files.elsewhere(written)
    }

    fn refused(&self, path: &Path) -> Option<FileProblem> {
        (!self.is_free(path)).then_some(FileProblem::NotFromAfar)
    }

    fn kind(&self, path: &Path) -> PathKind {
        self.files.kind(path)
    }

    fn text(&self, path: &Path) -> Result<String, FileProblem> {
        self.refused(path).map_or_else(|| self.files.text(path), Err)
    }

    fn secret(&self, path: &Path) -> Result<String, FileProblem> {
        let is_secret = self.secrets.as_ref().is_some_and(|folder| is_below(path, folder));
        if is_secret { self.files.secret(path) } else { Err(FileProblem::NotInSecrets) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk on which everything is there; names without a dot are folders.
    struct Disk;

    impl FilesBeside for Disk {
        fn resolve(&self, written: &Path) -> PathBuf {
            Path::new("/etc/footfall").join(written)
        }

        fn kind(&self, path: &Path) -> PathKind {
            if path.extension().is_some() { PathKind::File } else { PathKind::Folder }
        }

        fn text(&self, _: &Path) -> Result<String, FileProblem> {
            Err(FileProblem::NotThere)
        }

        fn secret(&self, _: &Path) -> Result<String, FileProblem> {
            Ok("hunter2".to_owned())
        }
    }

    const OWN_FILE: &str = "/etc/footfall/footfall.toml";
    const LOCAL: &str = r#"tenant = "acme"
store = "taipei-01"
box = "acme-taipei-01-a"
[mqtt]
broker = "127.0.0.1:1883"
[outbox]
path = "/var/lib/footfall/outbox.sqlite"
[fleet]
state = "/var/lib/footfall/fleet"
[[camera]]
id = 7
"#;
    const DESIRED: &str = r#"[[camera]]
id = "door"
source = "rtsp://10.0.0.7/main"
picture = "768x576"
[[camera.line]]
id = "entrance"
from = [500, 140]
to = [500, 480]
"#;

    fn read(desired: &str) -> Result<EdgeSettings, AfarFault> {
        check_managed(desired, LOCAL, Path::new(OWN_FILE), &Disk)
    }

    #[track_caller]
    fn check(was: &str, is: &str, expected: &str) {
        let lines = read(&DESIRED.replacen(was, is, 1)).map(drop).unwrap_err().lines();
        assert!(lines.len() == 1 && lines[0].contains(expected), "{is}: {lines:?}");
    }

    #[test]
    fn what_comes_from_afar_takes_the_place_of_what_the_own_file_says() {
        let settings = read(DESIRED).unwrap();
        // Its own camera has a fault, which nobody asks for any more.
        assert_eq!(settings.cameras[0].id.as_str(), "door");
        assert_eq!(settings.box_id.as_str(), "acme-taipei-01-a");
        assert_eq!(settings.outbox.path, Path::new("/var/lib/footfall/outbox.sqlite"));
    }

    #[test]
    fn nothing_that_could_cut_the_box_off_is_changed_from_afar() {
        for key in ["tenant", "store", "box"] {
            check("[[camera]]", &format!("{key} = \"x\"\n[[camera]]"), "stays in the box's own file");
        }
        for table in ["mqtt", "outbox", "fleet"] {
            check("[[camera]]", &format!("[{table}]\n[[camera]]"), "stays in the box's own file");
        }
    }

    #[test]
    fn no_credential_comes_from_afar() {
        check("rtsp://", "rtsp://me:hunter2@", "holds a user");
    }

    #[test]
    fn a_password_file_lies_in_the_folder_for_them() {
        let with = |file: &str| {
            DESIRED.replacen("picture", &format!("user = \"me\"\npassword_file = \"{file}\"\npicture"), 1)
        };
        assert!(read(&with("secrets/door")).is_ok());
        for file in
            ["/etc/shadow", "secrets/../footfall.toml", "door", "../secrets/x", "/etc/footfall/secrets/../x"]
        {
            let lines = read(&with(file)).map(drop).unwrap_err().lines();
            assert!(lines.len() == 1 && lines[0].contains("secrets"), "{file}: {lines:?}");
        }
    }

    #[test]
    fn where_all_lies_in_one_folder_only_what_the_fleet_keeps_there_stays_its_own() {
        let local = LOCAL.replacen("/var/lib/footfall/fleet", "/var/lib/footfall", 1);
        let audit = |name: &str| {
            let desired = format!("[audit]\nfolder = \"/var/lib/footfall/{name}\"\n{DESIRED}");
            check_managed(&desired, &local, Path::new(OWN_FILE), &Disk)
        };
        assert!(audit("audit").is_ok(), "{:?}", audit("audit").err());
        for name in ["", "update", "update/x", "twin.json", "twin.json.bad", "commands", "commands.new"] {
            let lines = audit(name).map(drop).unwrap_err().lines();
            assert!(lines.len() == 1 && lines[0].contains("from afar"), "{name}: {lines:?}");
        }
    }

    #[test]
    fn files_lie_beside_the_own_file_or_the_outbox_and_are_none_that_the_box_needs() {
        let audit = |folder: &str| read(&format!("[audit]\nfolder = \"{folder}\"\n{DESIRED}"));
        for folder in ["audit", "/var/lib/footfall/audit", "a/b"] {
            assert!(audit(folder).is_ok(), "{folder}: {:?}", audit(folder).err());
        }
        for folder in [
            "/etc/cron",
            "../audit",
            "audit/../../x",
            "secrets",
            "secrets/x",
            "/var/lib/footfall/fleet",
            "/var/lib/footfall/fleet/x",
            "/var/lib/footfall",
            "",
        ] {
            let lines = audit(folder).map(drop).unwrap_err().lines();
            assert!(lines.len() == 1 && lines[0].contains("from afar"), "{folder}: {lines:?}");
        }
        let ledger = |file: &str| {
            read(&format!("[site]\ntime_zone = \"UTC\"\ncurrency = \"EUR\"\nledger = \"{file}\"\n{DESIRED}"))
        };
        assert!(ledger("ledger.sqlite").is_ok(), "{:?}", ledger("ledger.sqlite").err());
        assert!(ledger("footfall.toml").is_err());
        for end in ["", "-wal", ".seq", ".lock", ".new", ".seq.new"] {
            let file = format!("/var/lib/footfall/outbox.sqlite{end}");
            assert!(ledger(&file).is_err(), "{file}");
        }
        check("rtsp://10.0.0.7/main", "/etc/passwd.avi", "from afar");
        check("[[camera]]", "detector = { library = \"/tmp/x.so\" }\n[[camera]]", "from afar");
    }
}
