//! `[mqtt]`: where records go.

use super::check::{FilesBeside, key_file, password, pem_file, wanted};
use super::document::{Entry, SpanRule, Table};
use super::fault::FaultKind;
use super::identity::{Identity, files_of};
use crate::publish::{
    ClientCertificate, ConfirmedBy, HomeAssistantSettings, Login, MqttSettings, TlsSettings, is_this_machine,
};
use std::path::{Path, PathBuf};

const BATCH_EVERY: SpanRule = SpanRule::of_ms(60_000, 1_000, 3_600_000);
const RETRY_MAX: SpanRule = SpanRule::of_ms(120_000, 1_000, 3_600_000);
/// Two rounds of batches, and a commit at head office.
const ACK_PATIENCE: SpanRule = SpanRule::of_ms(120_000, 10_000, 3_600_000);
const CONFIRMED_BY: &[(&str, ConfirmedBy)] =
    &[("head_office", ConfirmedBy::HeadOffice), ("broker", ConfirmedBy::Broker)];
/// Registered with IANA for MQTT over TCP and over TLS.
const PORT_PLAIN: u16 = 1883;
const PORT_TLS: u16 = 8883;
const MAX_PREFIX_BYTES: usize = 128;

/// `[mqtt]`; who is enrolled need not say where the broker is.
pub(super) fn mqtt(
    table: &mut Table<'_>,
    known: Option<&(PathBuf, Identity)>,
    files: &dyn FilesBeside,
) -> Option<MqttSettings> {
    table.refuse("password", FaultKind::PasswordInFile);
    if table.get("broker").is_none()
        && let Some((folder, identity)) = known
    {
        let rest = rest(table, Some(tls_of(folder, identity)), None)?;
        return Some(MqttSettings { host: identity.host.clone(), port: identity.port, ..rest });
    }
    let tls_entry = table.get("tls");
    let has_tls = tls_entry.is_some();
    let broker = broker(table, has_tls);
    let tls = tls_entry.and_then(|e| e.table(|tls| tls_settings(tls, files)));
    let user = table.get("user");
    let login = login(user.as_ref(), table, files);
    let rest = rest(table, tls, login);
    let (host, port) = broker?;
    let port = port.unwrap_or(if has_tls { PORT_TLS } else { PORT_PLAIN });
    Some(MqttSettings { host, port, ..rest? })
}

/// The broker of an enrolled box whose file says nothing of it.
pub(super) fn of_identity(folder: &Path, identity: &Identity) -> MqttSettings {
    MqttSettings {
        host: identity.host.clone(),
        port: identity.port,
        tls: Some(tls_of(folder, identity)),
        login: None,
        batch_every: BATCH_EVERY.default_span(),
        live: true,
        retry_max: RETRY_MAX.default_span(),
        confirmed_by: ConfirmedBy::default(),
        ack_patience: ACK_PATIENCE.default_span(),
        home_assistant: None,
    }
}

fn tls_of(folder: &Path, identity: &Identity) -> TlsSettings {
    let [ca_file, certificate_file, key_file] = files_of(folder, identity);
    TlsSettings { ca_file, client: Some(ClientCertificate { certificate_file, key_file }) }
}

/// What does not say where the broker is.
fn rest(table: &mut Table<'_>, tls: Option<TlsSettings>, login: Option<Login>) -> Option<MqttSettings> {
    let live = table.get("live").and_then(|e| e.flag()).unwrap_or(true);
    let batch_every = table.span("batch_every", BATCH_EVERY);
    let retry_max = table.span("retry_max", RETRY_MAX);
    let confirmed_by = table.get("confirmed_by").and_then(|e| e.choice(CONFIRMED_BY)).unwrap_or_default();
    let ack_patience = table.span("ack_patience", ACK_PATIENCE);
    let home_assistant = table.get("home_assistant").map(|e| {
        if !live {
            e.fault(FaultKind::Alone { other: "live = true" });
        }
        e.table(home_assistant)
    });
    let home_assistant = wanted(home_assistant)?;
    Some(MqttSettings {
        host: String::new(),
        port: 0,
        tls,
        login,
        batch_every,
        live,
        retry_max,
        confirmed_by,
        ack_patience,
        home_assistant,
    })
}

/// `broker`, and `unencrypted` where it is on another machine and there is no TLS.
pub(crate) fn broker(table: &mut Table<'_>, has_tls: bool) -> Option<(String, Option<u16>)> {
    let entry = table.need("broker", "broker = \"127.0.0.1:1883\"");
    let is_accepted = table.get("unencrypted").and_then(|e| e.flag()).unwrap_or(false);
    let entry = entry?;
    let (host, port) = entry.parsed(host_and_port)?;
    if !has_tls && !is_accepted && !is_this_machine(&host) {
        entry.fault(FaultKind::Unencrypted);
    }
    Some((host, port))
}

fn home_assistant(table: &mut Table<'_>) -> Option<HomeAssistantSettings> {
    let prefix = match table.get("prefix") {
        None => "homeassistant".to_owned(),
        Some(e) => e.parsed(topic_prefix)?,
    };
    Some(HomeAssistantSettings { prefix })
}

/// The start of a topic: levels of signs that no broker takes for a wildcard.
fn topic_prefix(text: &str) -> Result<String, FaultKind> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let is_level = |level: &str| !level.is_empty() && level.chars().all(is_plain);
    if text.len() <= MAX_PREFIX_BYTES && text.split('/').all(is_level) {
        return Ok(text.to_owned());
    }
    let got = format!("{:?}", text.chars().take(60).collect::<String>());
    let range = "the start of a topic such as \"homeassistant\": a-z, A-Z, 0-9, _ and -, and / between";
    Err(FaultKind::OutOfRange { got, range: range.to_owned() })
}

pub(crate) fn tls_settings(table: &mut Table<'_>, files: &dyn FilesBeside) -> Option<TlsSettings> {
    let ca_file = table.need("ca_file", "ca_file = \"ca.pem\"").and_then(|e| pem_file(&e, files));
    let (certificate, key) = (table.get("certificate_file"), table.get("key_file"));
    match (&certificate, &key) {
        (Some(alone), None) => alone.fault(FaultKind::Alone { other: "key_file" }),
        (None, Some(alone)) => alone.fault(FaultKind::Alone { other: "certificate_file" }),
        _ => {}
    }
    let certificate_file = certificate.and_then(|e| pem_file(&e, files));
    let key_file = key.and_then(|e| key_file(&e, files));
    let client = certificate_file
        .zip(key_file)
        .map(|(certificate_file, key_file)| ClientCertificate { certificate_file, key_file });
    Some(TlsSettings { ca_file: ca_file?, client })
}

/// `user` and `password_file`, both or neither.
pub(crate) fn login(
    user: Option<&Entry<'_>>,
    table: &mut Table<'_>,
    files: &dyn FilesBeside,
) -> Option<Login> {
    let file = table.get("password_file");
    match (user, &file) {
        (Some(alone), None) => alone.fault(FaultKind::Alone { other: "password_file" }),
        (None, Some(alone)) => alone.fault(FaultKind::Alone { other: "user" }),
        _ => {}
    }
    let user = user.and_then(Entry::text);
    let password = file.and_then(|e| password(&e, files));
    Some(Login { user: user?.to_owned(), password: password? })
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
pub(crate) fn host_and_port(text: &str) -> Result<(String, Option<u16>), FaultKind> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((v6, "")) => (v6, None),
        Some((v6, port)) => (v6, Some(port.strip_prefix(':').ok_or(FaultKind::Broker)?)),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let v6 = text.starts_with('[');
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') || (v6 && c == ':');
    if host.is_empty() || !host.chars().all(fits) {
        return Err(FaultKind::Broker);
    }
    let port = port.map(|port| port.parse::<u16>().ok().filter(|port| *port > 0).ok_or(FaultKind::Broker));
    Ok((host.to_owned(), port.transpose()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, Option<u16>)>) {
        let got = host_and_port(text).ok();
        assert_eq!(got, expected.map(|(host, port)| (host.to_owned(), port)), "{text:?}");
    }

    #[test]
    fn a_broker_is_a_host_and_perhaps_a_port() {
        check("127.0.0.1:1883", Some(("127.0.0.1", Some(1883))));
        check("mqtt.example.org", Some(("mqtt.example.org", None)));
        check("[::1]:8883", Some(("::1", Some(8883))));
        check("[::1]", Some(("::1", None)));
    }

    #[test]
    fn schemes_users_paths_and_impossible_ports_are_refused() {
        for text in
            ["", ":1", "mqtt://h:1", "u:p@h:1", "h:0", "h:65536", "h:", "h:x", "h/x", "::1", "[::1]x", "[]:1"]
        {
            check(text, None);
        }
    }

    #[test]
    fn home_assistant_has_a_prefix_without_wildcards() {
        for text in ["homeassistant", "ha", "home/assistant-2_a"] {
            assert_eq!(topic_prefix(text).ok().as_deref(), Some(text));
        }
        for text in ["", "/ha", "ha/", "ha//b", "ha/#", "+", "$SYS", "h a", &"h".repeat(129)] {
            assert!(topic_prefix(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_fault_does_not_repeat_the_text() {
        let fault = host_and_port("me:hunter2@broker").unwrap_err();
        assert!(!fault.to_string().contains("hunter2"));
    }
}
