//! The certificate of an enrolled box, renewed in time.
//!
//! What is asked for has a key of its own from the first attempt on, which lies beside the others as `pending.key`. The pair in force
//! stays so until the connection of the fleet has come up with the new one; then `identity.toml` names the new pair, and the rest of the
//! service begins anew with it.

use super::agent::{Part, PartSetup};
use super::control::Control;
use crate::config::Identity;
use crate::fleet::enrol::{free_stem, put_in_force};
use crate::fleet::keys::{BoxKey, check_authorities};
use crate::fleet::mqtt::{FleetSender, Heard, Inbound, Outbound};
use crate::fleet::renewal::{Renewal, Wish};
use crate::fleet::store;
use crate::publish::{ClientCertificate, MqttSettings, TlsSettings};
use crate::time::FrameTime;
use crate::wire::v1::V1;
use crate::wire::v1::fleet::{CertificateIssued, CertificateRequest};
use anyhow::Context;
use std::path::{Path, PathBuf};

const PENDING: &str = "pending.key";
/// A key in PEM has some 240 bytes.
const MOST_KEY_BYTES: u64 = 4096;

/// The part of the fleet that renews the certificate.
pub(super) struct RenewalPart {
    folder: PathBuf,
    /// What is in force.
    identity: Identity,
    renewal: Renewal,
    /// The one that is tried.
    next: Option<Identity>,
    sender: FleetSender,
    control: Control,
    mqtt: Option<MqttSettings>,
}

impl RenewalPart {
    pub(super) fn start(setup: &PartSetup<'_>, folder: &Path, identity: &Identity) -> Self {
        Self {
            folder: folder.to_owned(),
            renewal: Renewal::new(identity.since, identity.until),
            identity: identity.clone(),
            next: None,
            sender: setup.sender.clone(),
            control: setup.control.clone(),
            mqtt: setup.settings.mqtt.clone(),
        }
    }

    /// The key for which a certificate is asked: the same until there is one.
    fn pending(&self) -> anyhow::Result<BoxKey> {
        let path = self.folder.join(PENDING);
        if let Some(bytes) = store::read_small(&path, MOST_KEY_BYTES)?
            && let Ok(key) = BoxKey::parse(&String::from_utf8_lossy(&bytes))
        {
            return Ok(key);
        }
        let key = BoxKey::generate()?;
        store::write_whole(&path, key.to_pem().as_bytes())?;
        Ok(key)
    }

    fn ask(&self) -> anyhow::Result<()> {
        let csr = self.pending()?.request(self.identity.box_id.as_str())?;
        let request = CertificateRequest { v: V1, csr };
        tracing::info!("asking head office for a new certificate");
        self.sender.say(Outbound::CertificateRequest, serde_json::to_vec(&request)?);
        Ok(())
    }

    /// Looks at a certificate and lays it beside the one in force; none where it is not for the key that waits for one.
    fn lay_down(&self, issued: &CertificateIssued, now: FrameTime) -> anyhow::Result<Option<Identity>> {
        let path = self.folder.join(PENDING);
        let Some(bytes) = store::read_small(&path, MOST_KEY_BYTES)? else { return Ok(None) };
        let key = BoxKey::parse(&String::from_utf8_lossy(&bytes))?;
        let until = match key.certified(&issued.certificate, &self.identity.box_id, now.wall) {
            Ok(until) => until,
            // The last answer is retained, and so comes again at each connect.
            Err(crate::fleet::keys::KeyError::OtherKey) => return Ok(None),
            Err(fault) => return Err(fault.into()),
        };
        check_authorities(&issued.ca)?;
        let stem = free_stem(&self.folder)?;
        let next = Identity {
            certificate: format!("{stem}.pem"),
            key: format!("{stem}.key"),
            ca: format!("{stem}.ca.pem"),
            since: now.wall,
            until,
            ..self.identity.clone()
        };
        store::write_whole(&self.folder.join(&next.key), key.to_pem().as_bytes())?;
        store::write_whole(&self.folder.join(&next.certificate), issued.certificate.as_bytes())?;
        store::write_whole(&self.folder.join(&next.ca), issued.ca.as_bytes())?;
        Ok(Some(next))
    }

    fn take(&mut self, heard: Heard, now: FrameTime) -> anyhow::Result<()> {
        let issued: CertificateIssued = match serde_json::from_slice(&heard.payload) {
            Ok(issued) => issued,
            Err(fault) => {
                heard.confirm();
                return Err(fault).context("it cannot be read");
            }
        };
        if self.next.is_some() {
            heard.confirm();
            return Ok(());
        }
        let next = self.lay_down(&issued, now);
        // Retained, so it comes again at the next connect, whatever becomes of this attempt.
        heard.confirm();
        let (Some(next), Some(mqtt)) = (next?, &self.mqtt) else { return Ok(()) };
        self.sender.reconnect(self.with(mqtt, &next));
        self.renewal.trying(now);
        self.next = Some(next);
        Ok(())
    }

    fn with(&self, mqtt: &MqttSettings, identity: &Identity) -> MqttSettings {
        let file = |name: &str| self.folder.join(name);
        let client = ClientCertificate {
            certificate_file: file(&identity.certificate),
            key_file: file(&identity.key),
        };
        MqttSettings {
            tls: Some(TlsSettings { ca_file: file(&identity.ca), client: Some(client) }),
            ..mqtt.clone()
        }
    }

    /// The new pair has connected: it is in force from now on.
    fn keep(&mut self) -> anyhow::Result<()> {
        let Some(next) = self.next.take() else { return Ok(()) };
        put_in_force(&self.folder, &next)?;
        store::remove(&self.folder.join(PENDING));
        let old = std::mem::replace(&mut self.identity, next);
        self.renewal = Renewal::new(self.identity.since, self.identity.until);
        self.mqtt = self.mqtt.as_ref().map(|mqtt| self.with(mqtt, &self.identity));
        tracing::info!("a new certificate is in force until {}", self.identity.until);
        self.control.reread().map_err(|fault| {
            anyhow::anyhow!("the service does not begin anew with it, and does so at its next start: {fault}")
        })?;
        // The publisher and the feeds have it too by now.
        for name in [&old.key, &old.certificate, &old.ca] {
            store::remove(&self.folder.join(name));
        }
        Ok(())
    }

    /// The new pair does not connect: back to the one in force.
    fn give_up(&mut self) {
        let Some(next) = self.next.take() else { return };
        tracing::error!(
            "the broker is not reached with the new certificate; the box goes on with the one it has"
        );
        if let Some(mqtt) = &self.mqtt {
            self.sender.reconnect(mqtt.clone());
        }
        // Another key next time: the retained answer would be for this one, and be tried again at each connect.
        store::remove(&self.folder.join(PENDING));
        for name in [&next.key, &next.certificate, &next.ca] {
            store::remove(&self.folder.join(name));
        }
    }
}

impl Part for RenewalPart {
    fn takes(&self, about: Inbound) -> bool {
        about == Inbound::CertificateIssued
    }

    fn heard(&mut self, heard: Heard, now: FrameTime) {
        if heard.payload.is_empty() {
            return heard.confirm();
        }
        if let Err(fault) = self.take(heard, now) {
            tracing::error!("the certificate of head office is not taken: {fault:#}");
        }
    }

    fn tick(&mut self, now: FrameTime) {
        let done = match self.renewal.look(now, self.sender.is_up()) {
            Wish::Nothing => Ok(()),
            Wish::Ask => self.ask(),
            Wish::Keep => self.keep(),
            Wish::GiveUp => {
                self.give_up();
                Ok(())
            }
        };
        if let Err(fault) = done {
            tracing::error!("the certificate cannot be renewed now: {fault:#}");
        }
    }
}
