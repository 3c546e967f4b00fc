//! `identity.toml`: who an enrolled box is, where it delivers, and with which certificate.
//!
//! `footfall enrol` writes it, and the box itself when it gets a new certificate. It is the one file of its folder that says which
//! of the others are in force, so that a change of several is one rename.

use super::broker::host_and_port;
use super::check::{FilesBeside, PathKind};
use super::document::{Entry, FaultSink, Table, read_document};
use crate::ids::{BoxId, StoreId, TenantId};
use crate::time::WallTime;
use std::path::{Component, Path, PathBuf};

/// Its name in the folder.
pub const IDENTITY_FILE: &str = "identity.toml";

/// Who an enrolled box is.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// Who owns the store.
    pub tenant: TenantId,
    /// The store.
    pub store: StoreId,
    /// This box.
    pub box_id: BoxId,
    /// The broker's host.
    pub host: String,
    /// The broker's port; the connection is TLS.
    pub port: u16,
    /// Head office, as `https://host[:port]`: the only place from which software is fetched.
    pub head_office: String,
    /// Name of the certificate's file in the folder.
    pub certificate: String,
    /// Name of the key's file in the folder.
    pub key: String,
    /// Name of the file with the authorities in the folder.
    pub ca: String,
    /// Since when the box has the certificate.
    pub since: WallTime,
    /// When the certificate runs out.
    pub until: WallTime,
}

impl Identity {
    /// The text of the file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        // Every value was checked to hold no quote when it was read or made.
        format!(
            "# Who this box is, as head office enrolled it. Written by footfall; `footfall enrol` makes it anew.\n\
             tenant = \"{}\"\nstore = \"{}\"\nbox = \"{}\"\nbroker = \"{host}:{}\"\nhead_office = \"{}\"\n\
             certificate_file = \"{}\"\nkey_file = \"{}\"\nca_file = \"{}\"\nsince_ms = {}\nuntil_ms = {}\n",
            self.tenant,
            self.store,
            self.box_id,
            self.port,
            self.head_office,
            self.certificate,
            self.key,
            self.ca,
            self.since.unix_ms(),
            self.until.unix_ms(),
        )
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let sink = FaultSink::of(text);
        let read = read_document(&sink, identity);
        let (faults, _) = sink.finish();
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        read.filter(|_| faults.is_empty()).ok_or_else(|| faults.join("; "))
    }
}

fn identity(root: &mut Table<'_>) -> Option<Identity> {
    let tenant = root.need("tenant", "tenant = \"acme\"").and_then(|e| e.parsed(TenantId::parse));
    let store = root.need("store", "store = \"taipei-01\"").and_then(|e| e.parsed(StoreId::parse));
    let box_id = root.need("box", "box = \"acme-taipei-01-a\"").and_then(|e| e.parsed(BoxId::parse));
    let broker =
        root.need("broker", "broker = \"mqtt.example.org:8883\"").and_then(|e| e.parsed(host_and_port));
    let head_office = root.need("head_office", "head_office = \"https://hq.example.org\"").and_then(|e| {
        let text = e.text()?;
        is_origin(text).then(|| text.to_owned()).or_else(|| {
            e.fault(super::FaultKind::OutOfRange {
                got: "this address".to_owned(),
                range: "https:// and a host, such as \"https://hq.example.org\"".to_owned(),
            });
            None
        })
    });
    let certificate = root.need("certificate_file", "certificate_file = \"box.pem\"").and_then(|e| name(&e));
    let key = root.need("key_file", "key_file = \"box.key\"").and_then(|e| name(&e));
    let ca = root.need("ca_file", "ca_file = \"ca.pem\"").and_then(|e| name(&e));
    let since = root.need("since_ms", "since_ms = 1790000000000").and_then(|e| time(&e));
    let until = root.need("until_ms", "until_ms = 1790000000000").and_then(|e| time(&e));
    let (host, port) = broker?;
    Some(Identity {
        tenant: tenant?,
        store: store?,
        box_id: box_id?,
        host,
        port: port.unwrap_or(8883),
        head_office: head_office?,
        certificate: certificate?,
        key: key?,
        ca: ca?,
        since: since?,
        until: until?,
    })
}

/// Whether this is a scheme and a host with perhaps a port, and nothing more.
#[must_use]
pub fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| host_and_port(host).is_ok())
}

/// The name of a file in the folder itself.
fn name(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    let mut parts = Path::new(text).components();
    let is_name = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if is_name && is_plain {
        return Some(text.to_owned());
    }
    entry.fault(super::FaultKind::OutOfRange {
        got: "this name".to_owned(),
        range: "the name of a file in the same folder, such as \"box.pem\"".to_owned(),
    });
    None
}

fn time(entry: &Entry<'_>) -> Option<WallTime> {
    // Whole numbers of milliseconds until far beyond the year 9999.
    let ms = entry.number_that(|ms| (0.0..=9e15).contains(&ms), "a time in ms since 1970")?;
    Some(WallTime::from_unix_ms(ms as i64))
}

/// The identity in a folder, whose files are there.
///
/// # Errors
/// What is wrong, and what to do.
pub(super) fn read(folder: &Path, files: &dyn FilesBeside) -> Result<Identity, String> {
    let path = folder.join(IDENTITY_FILE);
    if files.kind(&path) != PathKind::File {
        return Err(format!(
            "{} is not there: this box is not enrolled; run `footfall enrol LINK --out {}`",
            path.display(),
            folder.display()
        ));
    }
    let text = files.text(&path).map_err(|problem| format!("{}: {problem}", path.display()))?;
    let identity = Identity::parse(&text).map_err(|fault| format!("{}: {fault}", path.display()))?;
    let missing = [&identity.certificate, &identity.key, &identity.ca]
        .into_iter()
        .map(|name| folder.join(name))
        .find(|path| files.kind(path) != PathKind::File);
    match missing {
        None => Ok(identity),
        Some(path) => Err(format!("{} is not there; enrol the box again", path.display())),
    }
}

/// Where the files of an identity lie.
pub(super) fn files_of(folder: &Path, identity: &Identity) -> [PathBuf; 3] {
    [folder.join(&identity.ca), folder.join(&identity.certificate), folder.join(&identity.key)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Identity {
        Identity {
            tenant: TenantId::parse("acme").unwrap(),
            store: StoreId::parse("taipei-01").unwrap(),
            box_id: BoxId::parse("acme-taipei-01-a").unwrap(),
            host: "::1".to_owned(),
            port: 8883,
            head_office: "https://hq.example.org".to_owned(),
            certificate: "box-2.pem".to_owned(),
            key: "box-2.key".to_owned(),
            ca: "ca.pem".to_owned(),
            since: WallTime::from_unix_ms(1_790_000_000_123),
            until: WallTime::from_unix_ms(1_800_000_000_456),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(Identity::parse(&known().to_text()), Ok(known()));
    }

    #[test]
    fn an_identity_names_no_files_elsewhere_and_no_address_with_a_path() {
        for (was, is) in [
            ("box-2.key", "../box.key"),
            ("box-2.pem", "/etc/passwd"),
            ("ca.pem", "a/ca.pem"),
            ("https://hq.example.org", "https://hq.example.org/x"),
            ("https://hq.example.org", "ftp://hq.example.org"),
            ("https://hq.example.org", "https://me:secret@hq.example.org"),
        ] {
            let text = known().to_text().replace(was, is);
            assert!(Identity::parse(&text).is_err(), "{is}");
        }
    }
}
