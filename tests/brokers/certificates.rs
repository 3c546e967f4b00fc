//! An authority, certificates of it that are good and bad, and a second authority that nobody trusts.

use footfall::publish::{ClientCertificate, TlsSettings};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Certificates and keys in a folder: `ca.pem`, `broker.pem` with `broker.key`, and a pair for each name.
pub(crate) struct Certificates {
    folder: PathBuf,
    authority: CertifiedIssuer<'static, KeyPair>,
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

impl Certificates {
    /// Makes the authority and the broker's own certificate.
    pub(crate) fn make(folder: &Path) -> Self {
        let all = Self { folder: folder.to_owned(), authority: authority("footfall test authority") };
        std::fs::write(folder.join("ca.pem"), all.authority.pem()).unwrap();
        let mut broker = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        broker.distinguished_name.push(DnType::CommonName, "broker");
        all.issue(broker, &all.authority, "broker");
        all
    }

    fn issue(&self, params: CertificateParams, by: &CertifiedIssuer<'static, KeyPair>, file: &str) {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, by).unwrap();
        std::fs::write(self.folder.join(format!("{file}.pem")), certificate.pem()).unwrap();
        let path = self.folder.join(format!("{file}.key"));
        std::fs::write(&path, key.serialize_pem()).unwrap();
        // The brokers read theirs as a user of their own; box and head office refuse one that others may read.
        let mode = if file == "broker" { 0o644 } else { 0o600 };
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }

    fn of(&self, file: &str) -> TlsSettings {
        TlsSettings {
            ca_file: self.folder.join("ca.pem"),
            client: Some(ClientCertificate {
                certificate_file: self.folder.join(format!("{file}.pem")),
                key_file: self.folder.join(format!("{file}.key")),
            }),
        }
    }

    /// A certificate that holds.
    pub(crate) fn good(&self, name: &str) -> TlsSettings {
        self.issue(named(name), &self.authority, name);
        self.of(name)
    }

    /// One that ran out years ago.
    pub(crate) fn expired(&self, name: &str) -> TlsSettings {
        let mut params = named(name);
        (params.not_before, params.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1));
        self.issue(params, &self.authority, "expired");
        self.of("expired")
    }

    /// The same name, of an authority that the broker does not know.
    pub(crate) fn of_another_authority(&self, name: &str) -> TlsSettings {
        self.issue(named(name), &authority("somebody else"), "foreign");
        self.of("foreign")
    }

    /// No certificate at all.
    pub(crate) fn none(&self) -> TlsSettings {
        TlsSettings { client: None, ..self.of("nobody") }
    }
}
