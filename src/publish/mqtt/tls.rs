//! Certificates and keys from files, checked when the service starts.
//!
//! The crypto library is named, not left to a process-wide default: with two of them
//! linked, `rustls` would panic at the first connection.

use crate::publish::{PublishError, TlsSettings};
use crate::secrets;
use rumqttc::tokio_rustls::rustls::crypto::aws_lc_rs;
use rumqttc::tokio_rustls::rustls::pki_types::pem::PemObject;
use rumqttc::tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rumqttc::tokio_rustls::rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;

/// The longest RSA key that anybody uses, 16,384 bits, has some 12 kB.
const MAX_KEY_BYTES: u64 = 65_536;

/// What the TLS library needs to reach the broker.
///
/// # Errors
/// [`PublishError`] names the file that cannot be used.
pub(super) fn client_config(files: &TlsSettings) -> Result<ClientConfig, PublishError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca certificate", &files.ca_file)? {
        roots.add(certificate).map_err(|fault| pem("ca certificate", &files.ca_file, &fault))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows TLS 1.2 and 1.3")
        .with_root_certificates(roots);
    let Some(client) = &files.client else {
        return Ok(config.with_no_client_auth());
    };
    let chain = certificates("client certificate", &client.certificate_file)?;
    let bytes = secrets::read(&client.key_file, MAX_KEY_BYTES)
        .map_err(|fault| pem("client key", &client.key_file, &fault))?;
    let key =
        PrivateKeyDer::from_pem_slice(&bytes).map_err(|fault| pem("client key", &client.key_file, &fault))?;
    config.with_client_auth_cert(chain, key).map_err(|fault| PublishError::ClientCertificate {
        path: client.certificate_file.clone(),
        cause: fault.to_string(),
    })
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, PublishError> {
    let bytes = read(what, path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match all {
        Ok(all) if all.is_empty() => Err(pem(what, path, &"it holds no certificate")),
        Ok(all) => Ok(all),
        Err(fault) => Err(pem(what, path, &fault)),
    }
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, PublishError> {
    std::fs::read(path).map_err(|fault| pem(what, path, &fault))
}

fn pem(what: &'static str, path: &Path, cause: &impl ToString) -> PublishError {
    PublishError::Pem { what, path: path.to_owned(), cause: cause.to_string() }
}
