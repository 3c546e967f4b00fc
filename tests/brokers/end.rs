//! One connection to a broker, as anybody could make it who holds a certificate.

use crate::support::wait_until;
use footfall::publish::TlsSettings;
use rumqttc::tokio_rustls::rustls::crypto::aws_lc_rs;
use rumqttc::tokio_rustls::rustls::pki_types::pem::PemObject;
use rumqttc::tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rumqttc::tokio_rustls::rustls::{ClientConfig, RootCertStore};
use rumqttc::{Client, Event, LastWill, MqttOptions, Packet, QoS, SubscribeReasonCode, Transport};
use std::sync::{Arc, Mutex};

/// How to connect.
#[derive(Clone)]
pub(crate) struct Who {
    pub(crate) port: u16,
    pub(crate) client_id: String,
    /// None: plain TCP.
    pub(crate) tls: Option<TlsSettings>,
    pub(crate) login: Option<(String, String)>,
    pub(crate) will: Option<String>,
    pub(crate) keeps_session: bool,
}

#[derive(Default)]
struct Seen {
    connected: bool,
    closed: Option<String>,
    heard: Vec<(String, String)>,
    confirmed: usize,
    subscribed: Vec<bool>,
}

/// A connection that came about.
pub(crate) struct End {
    client: Client,
    seen: Arc<Mutex<Seen>>,
}

fn client_config(files: &TlsSettings) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&files.ca_file).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    match &files.client {
        None => config.with_no_client_auth(),
        Some(client) => {
            let chain = vec![CertificateDer::from_pem_file(&client.certificate_file).unwrap()];
            config
                .with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(&client.key_file).unwrap())
                .unwrap()
        }
    }
}

impl End {
    /// Connects once; why not, where it is refused.
    pub(crate) fn connect(who: &Who) -> Result<Self, String> {
        let mut options = MqttOptions::new(&who.client_id, "127.0.0.1", who.port);
        options.set_clean_session(!who.keeps_session).set_max_packet_size(1 << 20, 1 << 20);
        if let Some(tls) = &who.tls {
            options.set_transport(Transport::tls_with_config(client_config(tls).into()));
        }
        if let Some((user, password)) = &who.login {
            options.set_credentials(user, password);
        }
        if let Some(topic) = &who.will {
            options.set_last_will(LastWill::new(topic, "forged", QoS::AtLeastOnce, true));
        }
        let (client, mut connection) = Client::new(options, 100);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let to = Arc::clone(&seen);
        let listen = move || {
            for event in connection.iter() {
                let mut seen = to.lock().unwrap();
                match event {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => seen.connected = true,
                    Ok(Event::Incoming(Packet::PubAck(_))) => seen.confirmed += 1,
                    Ok(Event::Incoming(Packet::SubAck(answer))) => {
                        let refused = answer.return_codes.contains(&SubscribeReasonCode::Failure);
                        seen.subscribed.push(!refused);
                    }
                    Ok(Event::Incoming(Packet::Publish(message))) => {
                        let text = String::from_utf8_lossy(&message.payload).into_owned();
                        seen.heard.push((message.topic, text));
                    }
                    Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) => {
                        seen.closed = Some("disconnected".to_owned());
                    }
                    Ok(_) => {}
                    Err(fault) => seen.closed = Some(format!("{fault:?}")),
                }
                // Left alone it would connect again, and that is not asked here.
                if seen.closed.is_some() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("end".to_owned()).spawn(listen).unwrap();
        let end = Self { client, seen };
        wait_until("the broker answers or refuses", || {
            let seen = end.seen.lock().unwrap();
            seen.connected || seen.closed.is_some()
        });
        match end.why_closed() {
            Some(why) => Err(why),
            None => Ok(end),
        }
    }

    fn why_closed(&self) -> Option<String> {
        self.seen.lock().unwrap().closed.clone()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.why_closed().is_some()
    }

    /// Publishes, retained, and waits until the broker has confirmed it or has closed the connection.
    pub(crate) fn publish(&self, topic: &str, text: &str) {
        let before = self.seen.lock().unwrap().confirmed;
        if self.client.publish(topic, QoS::AtLeastOnce, true, text).is_err() {
            return;
        }
        wait_until("the broker takes it or closes", || {
            self.is_closed() || self.seen.lock().unwrap().confirmed > before
        });
    }

    /// Subscribes; whether that was allowed.
    pub(crate) fn subscribe(&self, filter: &str) -> bool {
        let before = self.seen.lock().unwrap().subscribed.len();
        if self.client.subscribe(filter, QoS::AtLeastOnce).is_err() {
            return false;
        }
        wait_until("the broker answers the subscription or closes", || {
            self.is_closed() || self.seen.lock().unwrap().subscribed.len() > before
        });
        self.seen.lock().unwrap().subscribed.get(before).copied().unwrap_or(false)
    }

    /// What came, as (topic, text).
    pub(crate) fn heard(&self) -> Vec<(String, String)> {
        self.seen.lock().unwrap().heard.clone()
    }

    pub(crate) fn has_heard(&self, text: &str) -> bool {
        self.heard().iter().any(|(_, heard)| heard == text)
    }

    /// Ends the connection in order; the last will is not sent.
    pub(crate) fn leave(self) {
        drop(self.client.disconnect());
        wait_until("it is disconnected", || self.is_closed());
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // Its thread would keep it open.
        drop(self.client.try_disconnect());
    }
}
