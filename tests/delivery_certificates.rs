//! Certificate and key files that cannot be used are named before anything is counted.

use footfall::ids::{BoxId, StoreId, TenantId};
use footfall::outbox::{Outbox, OutboxWriter};
use footfall::publish::{
    ClientCertificate, ConfirmedBy, MqttSettings, Publisher, PublisherSettings, TlsSettings,
};
use footfall::time::{SystemClock, WallTime};
use footfall::wire::topics::BoxNames;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Starts a publisher with these files; it must refuse, and say all of `expected`.
#[track_caller]
fn check(dir: &Path, tls: TlsSettings, expected: &[&str]) {
    let names = BoxNames {
        tenant: TenantId::parse("acme").expect("a valid id"),
        store: StoreId::parse("berlin-1").expect("a valid id"),
        box_id: BoxId::parse("door").expect("a valid id"),
    };
    let outbox = Outbox::open(&dir.join("o.sqlite"), &names.box_id, WallTime::default()).expect("a file").0;
    let clock = Arc::new(SystemClock::start());
    let writer =
        OutboxWriter::start(outbox, Duration::from_secs(1), clock.clone(), |_| {}).expect("a thread");
    let mqtt = MqttSettings {
        host: "127.0.0.1".to_owned(),
        port: 1,
        tls: Some(tls),
        login: None,
        batch_every: Duration::from_secs(1),
        live: false,
        retry_max: Duration::from_secs(1),
        confirmed_by: ConfirmedBy::Broker,
        ack_patience: Duration::from_secs(120),
        home_assistant: None,
    };
    let settings = PublisherSettings { names, mqtt, software: "footfall".to_owned(), introduction: None };
    let Err(fault) = Publisher::start(settings, writer.reader(), clock) else { panic!("it starts") };
    writer.stop(Duration::from_secs(60)).expect("room on the disk");
    for part in expected {
        assert!(fault.to_string().contains(part), "{fault} does not say {part:?}");
    }
}

fn file(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).expect("room on the disk");
    path
}

fn openssl(dir: &Path) {
    let script = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=a -keyout a.key -out a.pem && \
                  openssl genrsa -out b.key 2048";
    let made = std::process::Command::new("sh").arg("-c").arg(script).current_dir(dir).output();
    assert!(made.expect("a shell").status.success());
}

#[test]
fn a_ca_file_that_is_missing_empty_or_garbage_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let missing = dir.path().join("nowhere.pem");
    let tls = |ca_file| TlsSettings { ca_file, client: None };
    check(dir.path(), tls(missing), &["ca certificate", "nowhere.pem", "give a PEM file"]);
    let empty = file(dir.path(), "empty.pem", "");
    check(dir.path(), tls(empty), &["ca certificate", "empty.pem", "no certificate"]);
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let garbage = file(dir.path(), "garbage.pem", garbage);
    check(dir.path(), tls(garbage), &["ca certificate", "garbage.pem"]);
}

#[test]
fn a_client_key_that_is_no_key_or_belongs_to_another_certificate_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    openssl(dir.path());
    let tls = |key: &str| TlsSettings {
        ca_file: dir.path().join("a.pem"),
        client: Some(ClientCertificate {
            certificate_file: dir.path().join("a.pem"),
            key_file: dir.path().join(key),
        }),
    };
    check(dir.path(), tls("a.pem"), &["client key", "a.pem"]);
    check(dir.path(), tls("b.key"), &["client certificate", "a.pem", "the key belongs to it"]);
}
