//! The software of a box, replaced from afar: what lies where, and what is decided about it.
//!
//! Two programs meet in one folder and do not trust each other. The service, which has no rights, fetches a package and lays it down; a
//! root unit takes it from there. So root treats everything in the folder as if an enemy had written it, copies it first, and looks only
//! at the copy.
//!
//! In the state folder of the service (`/var/lib/footfall`), written by the service:
//!
//! | `update/` | |
//! |---|---|
//! | `package.deb` | the package; fetched under another name, and renamed when it is whole |
//! | `manifest.json` | the text that was signed, byte for byte (`SoftwareDesired::manifest`) |
//! | `manifest.sig` | its signature, base64 (`SoftwareDesired::signature`) |
//! | `ready` | made last, empty: starts `footfall-update.path`. Whoever finds it there leaves the others alone |
//!
//! Written there by root, when it is done:
//!
//! | `update/` | |
//! |---|---|
//! | `result.json` | what came of it: a [`SoftwareReported`], to be sent on as it is. `ready` is gone by then |
//!
//! In root's own folder (`/var/lib/footfall-update`, mode 0700): `taken.deb`, the copy that is looked at; `installed.deb`, the package that
//! runs; `previous.deb`, the one before; `footfall`, the program that began an update; `trial.json`, a [`Trial`] that has not come to its end. A box that loses power in the middle of an
//! update finds the trial and goes on with it.

use crate::fleet::release::PublicKey;
use crate::wire::v1::fleet::{PackageManifest, SoftwareReported, SoftwareStatus};
use std::cmp::Ordering;

/// Where the service lays down what it fetched, in its state folder.
pub const FOLDER: &str = "update";
/// The package.
pub const PACKAGE_FILE: &str = "package.deb";
/// The text that was signed.
pub const MANIFEST_FILE: &str = "manifest.json";
/// Its signature, base64.
pub const SIGNATURE_FILE: &str = "manifest.sig";
/// Says that the three are there.
pub const READY_FILE: &str = "ready";
/// What came of it.
pub const RESULT_FILE: &str = "result.json";

/// The only package that is taken.
pub const PACKAGE: &str = "footfall";
/// Most bytes of a package: ten times what one has, what head office takes, and little enough for a box's disk.
pub const MAX_PACKAGE_BYTES: u64 = 512 * 1024 * 1024;
/// Most bytes of a manifest, which has some 250.
pub const MAX_MANIFEST_BYTES: usize = 4096;
/// Most bytes of a signature in base64, which has 88, and an end of line.
pub const MAX_SIGNATURE_BYTES: usize = 128;
/// Most letters of a version.
const MAX_VERSION_LETTERS: usize = 64;

/// Why a package is not installed. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The signature is not one of the release key over this text.
    #[error("the manifest is not signed by the release key that this box trusts")]
    NotSigned,
    /// It is signed and is no manifest.
    #[error("the manifest cannot be read: {0}")]
    Unreadable(String),
    /// Another package.
    #[error("the package is {0:?}; only {PACKAGE:?} is taken")]
    OtherPackage(String),
    /// A version that dpkg would not understand.
    #[error(
        "the manifest's version is none: 1 to {MAX_VERSION_LETTERS} of letters, digits and . + ~ : -, a digit first"
    )]
    NoVersion,
    /// A package for other machines.
    #[error("the package is for {offered}, this machine is {here}")]
    OtherArchitecture {
        /// What it is for.
        offered: String,
        /// What this is.
        here: String,
    },
    /// A version that was replaced before.
    #[error(
        "version {offered} is older than {installed}, which is installed, and the manifest does not allow it in that one's place"
    )]
    Older {
        /// What was offered.
        offered: String,
        /// What is there.
        installed: String,
    },
    /// The file has another size than was signed.
    #[error("the package has {got} bytes, the manifest says {expected}")]
    OtherSize {
        /// Its size.
        got: u64,
        /// The signed one.
        expected: u64,
    },
    /// The file is not the one that was signed.
    #[error("the package has another sha256 than the manifest says")]
    OtherHash,
    /// The file says of itself that it is something else.
    #[error("the package calls itself {got}, the manifest says {expected}")]
    OtherSelf {
        /// Name, version and architecture, by its own word.
        got: String,
        /// The same, as signed.
        expected: String,
    },
}

/// What is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Version, as dpkg has it.
    pub version: String,
    /// Processor architecture, as dpkg has it.
    pub architecture: String,
}

/// What to do with an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Install it.
    Install,
    /// It is installed already.
    Nothing,
}

/// A package that the release key speaks for. Whether the file is that package is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    manifest: PackageManifest,
}

impl Offer {
    /// Reads a manifest, after its signature was found to be right: what nobody signed is not even parsed.
    ///
    /// # Errors
    /// [`Refusal`] says what is wrong with it.
    pub fn read(manifest: &str, signature: &str, key: &PublicKey) -> Result<Self, Refusal> {
        if manifest.len() > MAX_MANIFEST_BYTES || !key.has_signed(manifest.as_bytes(), signature) {
            return Err(Refusal::NotSigned);
        }
        let manifest: PackageManifest =
            serde_json::from_str(manifest).map_err(|fault| Refusal::Unreadable(fault.to_string()))?;
        if manifest.package != PACKAGE {
            return Err(Refusal::OtherPackage(manifest.package));
        }
        if !is_version(&manifest.version) || !manifest.instead_of.as_deref().is_none_or(is_version) {
            return Err(Refusal::NoVersion);
        }
        if manifest.size > MAX_PACKAGE_BYTES {
            return Err(Refusal::OtherSize { got: manifest.size, expected: MAX_PACKAGE_BYTES });
        }
        Ok(Self { manifest })
    }

    /// What was signed.
    #[must_use]
    pub fn manifest(&self) -> &PackageManifest {
        &self.manifest
    }

    /// Whether it may be installed here. `against_installed` is how its version compares with the one that is there, by dpkg's rules.
    ///
    /// An older version is taken only where the manifest names the version that it may replace: otherwise whoever kept an old, rightly
    /// signed package could bring back its faults.
    ///
    /// # Errors
    /// [`Refusal`] says why not.
    pub fn judge(&self, here: &Installed, against_installed: Ordering) -> Result<Verdict, Refusal> {
        let offered = &self.manifest;
        if offered.architecture != here.architecture {
            let (offered, here) = (offered.architecture.clone(), here.architecture.clone());
            return Err(Refusal::OtherArchitecture { offered, here });
        }
        match against_installed {
            Ordering::Equal => Ok(Verdict::Nothing),
            Ordering::Greater => Ok(Verdict::Install),
            Ordering::Less if offered.instead_of.as_ref() == Some(&here.version) => Ok(Verdict::Install),
            Ordering::Less => {
                Err(Refusal::Older { offered: offered.version.clone(), installed: here.version.clone() })
            }
        }
    }

    /// Whether a file is the one that was signed, by its size in bytes and its SHA-256 in hex.
    ///
    /// # Errors
    /// [`Refusal`] says what differs.
    pub fn is_file(&self, size: u64, sha256: &str) -> Result<(), Refusal> {
        if size != self.manifest.size {
            return Err(Refusal::OtherSize { got: size, expected: self.manifest.size });
        }
        if sha256 != self.manifest.sha256 {
            return Err(Refusal::OtherHash);
        }
        Ok(())
    }

    /// Whether the package says the same of itself: name, version and architecture, with a space between.
    ///
    /// # Errors
    /// [`Refusal::OtherSelf`].
    pub fn is_named(&self, got: &str) -> Result<(), Refusal> {
        let PackageManifest { package, version, architecture, .. } = &self.manifest;
        let expected = format!("{package} {version} {architecture}");
        if got == expected { Ok(()) } else { Err(Refusal::OtherSelf { got: got.to_owned(), expected }) }
    }
}

/// Letters that Debian allows in a version, so that none is taken for an option.
fn is_version(text: &str) -> bool {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || ".+~:-".contains(letter);
    (1..=MAX_VERSION_LETTERS).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_digit())
        && text.chars().all(allowed)
}

/// An installation that has not shown yet whether it does.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Trial {
    /// The version that is tried.
    pub to: String,
    /// The version to go back to.
    pub from: String,
}

/// What to do about a trial that was found, because the power was cut in the middle of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// The version before runs: the trial had not begun, or is over.
    Forget,
    /// The new one is installed: see whether it counts.
    Watch,
    /// dpkg was interrupted: back to the version before.
    GoBack,
}

impl Trial {
    /// What to do, by what dpkg says is installed; `None` where it says that nothing is installed rightly.
    #[must_use]
    pub fn resume(&self, installed: Option<&Installed>) -> Resume {
        match installed {
            Some(here) if here.version == self.to => Resume::Watch,
            Some(here) if here.version == self.from => Resume::Forget,
            _ => Resume::GoBack,
        }
    }
}

/// What is told of how an update ended, at `at_ms` (UTC ms).
#[must_use]
pub fn report(
    running: &Installed,
    desired: Option<&str>,
    status: SoftwareStatus,
    detail: String,
    at_ms: i64,
) -> SoftwareReported {
    SoftwareReported {
        v: crate::wire::v1::V1,
        running: running.version.clone(),
        architecture: running.architecture.clone(),
        desired: desired.map(str::to_owned),
        status,
        detail,
        at_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::release::SigningKey;

    fn here() -> Installed {
        Installed { version: "0.2.0".into(), architecture: "amd64".into() }
    }

    fn manifest() -> PackageManifest {
        PackageManifest {
            package: PACKAGE.into(),
            version: "0.3.0".into(),
            architecture: "amd64".into(),
            sha256: "aa".repeat(32),
            size: 7,
            instead_of: None,
        }
    }

    /// What comes of a rightly signed text.
    fn signed(text: &str) -> Result<Offer, Refusal> {
        let key = SigningKey::generate().unwrap();
        Offer::read(text, &key.sign(text.as_bytes()), &key.public())
    }

    fn offer(manifest: &PackageManifest) -> Offer {
        signed(&serde_json::to_string(manifest).unwrap()).unwrap()
    }

    #[track_caller]
    fn check_refused(manifest: &PackageManifest, why: &str) {
        let fault = signed(&serde_json::to_string(manifest).unwrap()).unwrap_err();
        assert!(fault.to_string().contains(why), "{fault}");
    }

    #[test]
    fn what_another_key_signed_is_refused() {
        let (ours, theirs) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let text = serde_json::to_string(&manifest()).unwrap();
        let signature = theirs.sign(text.as_bytes());
        assert_eq!(Offer::read(&text, &signature, &ours.public()), Err(Refusal::NotSigned));
        assert!(Offer::read(&text, &signature, &theirs.public()).is_ok());
    }

    #[test]
    fn a_text_that_was_changed_after_it_was_signed_is_refused() {
        let key = SigningKey::generate().unwrap();
        let text = serde_json::to_string(&manifest()).unwrap();
        let signature = key.sign(text.as_bytes());
        let changed = text.replace("0.3.0", "0.4.0");
        assert_eq!(Offer::read(&changed, &signature, &key.public()), Err(Refusal::NotSigned));
        for broken in ["", "?", "AAAA"] {
            assert_eq!(Offer::read(&text, broken, &key.public()), Err(Refusal::NotSigned));
        }
    }

    #[test]
    fn a_signed_text_that_is_no_manifest_is_refused() {
        assert!(matches!(signed("{}"), Err(Refusal::Unreadable(_))));
        check_refused(&PackageManifest { package: "bash".into(), ..manifest() }, "only \"footfall\"");
        for version in ["", "-i", "1 2", "1;reboot", &"1".repeat(65)] {
            check_refused(&PackageManifest { version: version.into(), ..manifest() }, "version is none");
        }
        check_refused(&PackageManifest { instead_of: Some("--x".into()), ..manifest() }, "version is none");
        check_refused(&PackageManifest { size: MAX_PACKAGE_BYTES + 1, ..manifest() }, "bytes");
    }

    #[test]
    fn a_newer_version_for_this_machine_is_installed_and_the_same_is_left() {
        let offer = offer(&manifest());
        assert_eq!(offer.judge(&here(), Ordering::Greater), Ok(Verdict::Install));
        assert_eq!(offer.judge(&here(), Ordering::Equal), Ok(Verdict::Nothing));
    }

    #[test]
    fn a_package_for_other_machines_is_refused() {
        let arm = offer(&PackageManifest { architecture: "arm64".into(), ..manifest() });
        let fault = arm.judge(&here(), Ordering::Greater).unwrap_err();
        assert_eq!(fault.to_string(), "the package is for arm64, this machine is amd64");
    }

    #[test]
    fn an_older_version_needs_the_word_of_the_manifest_for_exactly_what_is_installed() {
        let refused = |instead_of: Option<&str>| {
            let manifest = PackageManifest { instead_of: instead_of.map(str::to_owned), ..manifest() };
            offer(&manifest).judge(&here(), Ordering::Less).is_err()
        };
        assert!(refused(None));
        assert!(refused(Some("0.1.0")));
        assert!(!refused(Some("0.2.0")));
    }

    #[test]
    fn a_file_of_another_size_hash_or_name_is_refused() {
        let offer = offer(&manifest());
        let hash = "aa".repeat(32);
        assert_eq!(offer.is_file(7, &hash), Ok(()));
        assert_eq!(offer.is_file(8, &hash), Err(Refusal::OtherSize { got: 8, expected: 7 }));
        assert_eq!(offer.is_file(7, &"ab".repeat(32)), Err(Refusal::OtherHash));
        assert_eq!(offer.is_named("footfall 0.3.0 amd64"), Ok(()));
        assert!(offer.is_named("footfall 0.1.0 amd64").is_err());
    }

    #[test]
    fn a_trial_goes_on_where_the_power_was_cut() {
        let trial = Trial { to: "0.3.0".into(), from: "0.2.0".into() };
        let at = |version: &str| Some(Installed { version: version.into(), architecture: "amd64".into() });
        assert_eq!(trial.resume(at("0.3.0").as_ref()), Resume::Watch);
        assert_eq!(trial.resume(at("0.2.0").as_ref()), Resume::Forget);
        assert_eq!(trial.resume(at("0.1.0").as_ref()), Resume::GoBack);
        assert_eq!(trial.resume(None), Resume::GoBack);
    }
}
