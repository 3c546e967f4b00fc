//! Enrolment: how a box that has nothing but a link comes to a name, a broker and a certificate.

use super::https::{Https, HttpsError};
use super::keys::{BoxKey, KeyError, check_authorities};
use super::store::{self, StoreError};
use crate::config::Identity;
use crate::config::identity::{IDENTITY_FILE, is_origin};
use crate::ids::{BoxId, IdError, StoreId, TenantId};
use crate::time::WallTime;
use crate::wire::v1::fleet::{EnrolRequest, Enrolled};
use std::path::Path;

/// Most bytes of an answer: two dozen certificates.
const MOST_ANSWER_BYTES: u64 = 64 * 1024;
/// How every token begins.
const TOKEN_PREFIX: &str = "ffen_";
/// Most letters of a token.
const MOST_TOKEN: usize = 200;
/// Certificates that one box ever has: far more than its years.
const MOST_GENERATIONS: u32 = 10_000;

/// Why a box is not enrolled. Nothing has changed on it then.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Not a link.
    #[error("this is not a link to enrol with; it looks like https://hq.example.org/enrol#ffen_...")]
    Link,
    /// A link that would send the token in the clear.
    #[error("the link begins with http://, which is taken for this machine only; ask for one with https://")]
    Plain,
    /// Head office did not answer.
    #[error(transparent)]
    Https(#[from] HttpsError),
    /// Head office does not know the token.
    #[error(
        "head office does not take this link: it was used, has run out, or was replaced by a newer one; ask for a new link there"
    )]
    Token,
    /// Too many attempts.
    #[error("head office takes no more attempts for now; wait a minute, and try again")]
    TooMany,
    /// Another answer.
    #[error(
        "head office answers with status {status}{words}; see that the address is right and that it is set up to enrol boxes"
    )]
    Status {
        /// The status.
        status: u16,
        /// What it says, where it does.
        words: String,
    },
    /// An answer that is none.
    #[error(
        "the answer of head office is not understood ({0}); it may be of another version, ask for a new link"
    )]
    Answer(String),
    /// What it answered is not for this box.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<IdError> for EnrolError {
    fn from(fault: IdError) -> Self {
        Self::Answer(fault.to_string())
    }
}

/// A link as head office gives it. `Debug` does not show the token.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    origin: String,
    token: String,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Link {
    /// Reads `https://HQ/enrol#TOKEN`.
    ///
    /// # Errors
    /// [`EnrolError::Link`] or [`EnrolError::Plain`].
    pub fn parse(text: &str) -> Result<Self, EnrolError> {
        let (origin, token) = text.trim().split_once("/enrol#").ok_or(EnrolError::Link)?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let is_token =
            token.starts_with(TOKEN_PREFIX) && token.len() <= MOST_TOKEN && token.chars().all(is_plain);
        if !is_origin(origin) || !is_token {
            return Err(EnrolError::Link);
        }
        if !is_safe(origin) {
            return Err(EnrolError::Plain);
        }
        Ok(Self { origin: origin.to_owned(), token: token.to_owned() })
    }
}

/// Whether nobody on the way can read what is sent there: TLS, or this machine itself.
#[must_use]
pub fn is_safe(origin: &str) -> bool {
    let Some(host) = origin.strip_prefix("http://") else { return origin.starts_with("https://") };
    let name = host.strip_prefix('[').map_or_else(
        || host.split(':').next().unwrap_or_default(),
        |rest| rest.split(']').next().unwrap_or_default(),
    );
    matches!(name, "localhost" | "::1") || name.parse::<std::net::Ipv4Addr>().is_ok_and(|v4| v4.is_loopback())
}

/// Asks to be enrolled, and writes what was answered into a folder, `identity.toml` last. Gives who the box is.
///
/// # Errors
/// [`EnrolError`] says what to do.
pub fn enrol(
    link: &Link,
    authorities: Option<&[u8]>,
    (software, arch): (&str, &str),
    folder: &Path,
    now: WallTime,
) -> Result<Identity, EnrolError> {
    store::make_private_folder(folder)?;
    let key = BoxKey::generate()?;
    let stem = free_stem(folder)?;
    // The link is good for one answer: better to notice before it that the disk does not take anything.
    store::write_whole(&folder.join(format!("{stem}.key")), key.to_pem().as_bytes())?;
    let written = ask(link, &key, authorities, (software, arch))
        .and_then(|enrolled| keep(&enrolled, link, &key, (folder, &stem), now));
    if written.is_err() {
        store::remove(&folder.join(format!("{stem}.key")));
    }
    written
}

fn ask(
    link: &Link,
    key: &BoxKey,
    authorities: Option<&[u8]>,
    (software, arch): (&str, &str),
) -> Result<Enrolled, EnrolError> {
    let request = EnrolRequest {
        token: link.token.clone(),
        csr: key.request("footfall box")?,
        software: software.to_owned(),
        arch: arch.to_owned(),
    };
    let json = serde_json::to_string(&request).expect("texts can be written");
    let address = format!("{}/api/v1/enrol", link.origin);
    match Https::new(authorities)?.post(&address, json, MOST_ANSWER_BYTES)? {
        (200, body) => serde_json::from_slice(&body).map_err(|fault| EnrolError::Answer(fault.to_string())),
        (401 | 403, _) => Err(EnrolError::Token),
        (429, _) => Err(EnrolError::TooMany),
        (status, body) => Err(EnrolError::Status { status, words: said(&body) }),
    }
}

/// What an answer says in its own words, as far as they can be shown.
fn said(body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(200).collect();
    if text.is_empty() { text } else { format!(" ({text})") }
}

fn keep(
    enrolled: &Enrolled,
    link: &Link,
    key: &BoxKey,
    (folder, stem): (&Path, &str),
    now: WallTime,
) -> Result<Identity, EnrolError> {
    let box_id = BoxId::parse(&enrolled.box_id)?;
    let until = key.certified(&enrolled.certificate, &box_id, now)?;
    check_authorities(&enrolled.ca)?;
    let broker = host_of(&enrolled.broker.host).filter(|_| enrolled.broker.port > 0);
    let identity = Identity {
        tenant: TenantId::parse(&enrolled.tenant)?,
        store: StoreId::parse(&enrolled.store)?,
        box_id,
        host: broker.ok_or_else(|| EnrolError::Answer("the broker has no address".to_owned()))?,
        port: enrolled.broker.port,
        head_office: link.origin.clone(),
        certificate: format!("{stem}.pem"),
        key: format!("{stem}.key"),
        ca: format!("{stem}.ca.pem"),
        since: now,
        until,
    };
    write(folder, &identity, &enrolled.certificate, &enrolled.ca)?;
    Ok(identity)
}

/// Writes certificate and authorities, and then what puts them in force.
///
/// # Errors
/// [`StoreError`].
pub fn write(folder: &Path, identity: &Identity, certificate: &str, ca: &str) -> Result<(), StoreError> {
    store::write_whole(&folder.join(&identity.certificate), certificate.as_bytes())?;
    store::write_whole(&folder.join(&identity.ca), ca.as_bytes())?;
    put_in_force(folder, identity)
}

/// Says which key and certificate are in force.
///
/// # Errors
/// [`StoreError`].
pub fn put_in_force(folder: &Path, identity: &Identity) -> Result<(), StoreError> {
    store::write_whole(&folder.join(IDENTITY_FILE), identity.to_text().as_bytes())
}

/// A host name or an address, as a broker has it.
fn host_of(text: &str) -> Option<String> {
    let is_v6 = text.parse::<std::net::Ipv6Addr>().is_ok();
    let is_name = !text.is_empty()
        && text.len() <= 253
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    (is_v6 || is_name).then(|| text.to_owned())
}

/// How files of the next key begin: `box`, `box-2`, `box-3`.
///
/// # Errors
/// [`StoreError`] where the folder holds more of them than a box ever has.
pub fn free_stem(folder: &Path) -> Result<String, StoreError> {
    let named = |number: u32| if number == 1 { "box".to_owned() } else { format!("box-{number}") };
    let is_free = |stem: &String| !store::is_there(&folder.join(format!("{stem}.key")));
    (1..MOST_GENERATIONS).map(named).find(is_free).ok_or_else(|| store::full(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::keys::tests::{Authority, within};
    use crate::wire::v1::fleet::BrokerAddress;

    fn link() -> Link {
        Link::parse("https://hq.example.org/enrol#ffen_abc").unwrap()
    }

    /// Keeps an answer that was changed, as that of a head office that means no good.
    fn kept(change: impl FnOnce(&mut Enrolled)) -> Result<Identity, EnrolError> {
        let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
        let key = BoxKey::generate().unwrap();
        let mut answer = Enrolled {
            tenant: "acme".to_owned(),
            store: "taipei-01".to_owned(),
            box_id: "box-1".to_owned(),
            broker: BrokerAddress { host: "mqtt.example.org".to_owned(), port: 8883 },
            certificate: authority.sign(&key.request("x").unwrap(), "box-1"),
            ca: authority.pem,
            until_ms: 0,
        };
        change(&mut answer);
        let kept = keep(&answer, &link(), &key, (folder.path(), "box"), within());
        assert_eq!(kept.is_ok(), folder.path().join(IDENTITY_FILE).exists());
        if let Ok(identity) = &kept {
            let text = std::fs::read_to_string(folder.path().join(IDENTITY_FILE)).unwrap();
            assert_eq!(Identity::parse(&text).as_ref(), Ok(identity));
        }
        kept
    }

    #[test]
    fn an_answer_becomes_an_identity() {
        let identity = kept(|_| {}).unwrap();
        assert_eq!(
            (identity.host.as_str(), identity.head_office.as_str()),
            ("mqtt.example.org", "https://hq.example.org")
        );
    }

    #[test]
    fn an_answer_that_means_no_good_changes_nothing() {
        for host in ["", "a b", "h\"\nx = 1", "me:secret@h", "-/"] {
            assert!(kept(|answer| answer.broker.host = host.to_owned()).is_err(), "{host}");
        }
        assert!(kept(|answer| answer.broker.port = 0).is_err());
        assert!(kept(|answer| answer.tenant = "a\"b".to_owned()).is_err());
        assert!(kept(|answer| answer.store = "../x".to_owned()).is_err());
        assert!(matches!(
            kept(|answer| answer.box_id = "box-2".to_owned()),
            Err(EnrolError::Key(KeyError::OtherName { .. }))
        ));
        assert!(kept(|answer| answer.ca = String::new()).is_err());
        assert!(kept(|answer| answer.certificate = answer.ca.clone()).is_err());
    }

    #[test]
    fn a_link_has_an_address_and_a_token_and_goes_over_tls() {
        for text in [
            "https://hq/enrol#ffen_a",
            "http://127.0.0.1:8080/enrol#ffen_a-B",
            "http://[::1]:1/enrol#ffen_a",
            "http://localhost/enrol#ffen_a",
        ] {
            assert!(Link::parse(text).is_ok(), "{text}");
        }
        for text in ["http://hq/enrol#ffen_a", "http://127.0.0.1.example.org/enrol#ffen_a"] {
            assert!(matches!(Link::parse(text), Err(EnrolError::Plain)), "{text}");
        }
        for text in [
            "",
            "https://hq",
            "https://hq/enrol#abc",
            "https://hq/enrol#ffen_a b",
            "ftp://hq/enrol#ffen_a",
            "https://me:x@hq/enrol#ffen_a",
            "https://hq/x/enrol#ffen_a",
        ] {
            assert!(matches!(Link::parse(text), Err(EnrolError::Link)), "{text}");
        }
        assert!(!format!("{:?}", link()).contains("ffen"));
    }

    #[test]
    fn a_new_key_takes_the_place_of_no_other() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(free_stem(folder.path()).unwrap(), "box");
        for name in ["box.key", "box-2.key"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(free_stem(folder.path()).unwrap(), "box-3");
    }
}
