//! The brokers that `deploy/` has configurations for, each as itself: mosquitto, nats-server and RabbitMQ, with the files as they
//! are shipped, certificates made here, and one box that tries to be another.
//!
//! One test a broker: RabbitMQ takes ten seconds to start.
#![cfg(feature = "hq")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod certificates;
mod checks;
mod end;
#[path = "../delivery_support/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;

use certificates::Certificates;
use checks::{DOOR, SIDE, Secured, deployed};
use std::fs::File;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use support::{Broker, free_port, wait_until};

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What a script of `deploy/` writes for the boxes of the tests.
fn written_by(script: &str) -> String {
    let output = Command::new(project("deploy").join(script)).args([DOOR, SIDE]).output().unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn wait_for_port(port: u16) {
    wait_until("it listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
}

#[test]
fn mosquitto_keeps_every_box_to_its_own_name() {
    let mut broker = Broker::with_config(|port, dir| {
        let replaced = [
            ("listener 8883", format!("listener {port} 127.0.0.1")),
            ("/etc/mosquitto/footfall", dir.to_owned()),
            ("/var/lib/mosquitto/", format!("{dir}/")),
            ("log_dest syslog", "log_dest stderr".to_owned()),
        ];
        deployed("mosquitto/store.conf", &replaced.each_ref().map(|(what, with)| (*what, with.as_str())))
    });
    let certificates = Certificates::make(broker.dir());
    std::fs::write(broker.dir().join("store.acl"), deployed("mosquitto/store.acl", &[])).unwrap();
    broker.start();
    checks::all(&Secured { port: broker.port, certificates });
}

#[test]
fn nats_keeps_every_box_to_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let (port, inner) = (free_port(), free_port());
    let dir = folder.path().to_str().unwrap();
    let text = deployed(
        "nats/store.conf",
        &[
            ("0.0.0.0:8883", &format!("127.0.0.1:{port}")),
            ("127.0.0.1:4222", &format!("127.0.0.1:{inner}")),
            ("/etc/nats/footfall", dir),
            ("/var/lib/nats", &format!("{dir}/data")),
        ],
    );
    let certificates = Certificates::make(folder.path());
    std::fs::write(folder.path().join("store.conf"), text).unwrap();
    std::fs::write(folder.path().join("users.conf"), written_by("nats/users")).unwrap();
    let log = File::create(folder.path().join("log")).unwrap();
    let server = Command::new(project("build/nats/nats-server"))
        .arg("--config")
        .arg(folder.path().join("store.conf"))
        .stderr(log)
        .spawn()
        .expect("scripts/setup test fetches nats-server");
    let _server = Process(server);
    wait_for_port(port);
    checks::all(&Secured { port, certificates });
    nobody_may_speak_nats(inner);
}

/// A user of the MQTT side has no password: over the other port its name alone would do.
fn nobody_may_speak_nats(port: u16) {
    use std::io::{BufRead, BufReader, Write};
    for user in ["CN=head-office", "CN=acme-b1-door", ""] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(support::GUARD)).unwrap();
        let hello = format!("CONNECT {{\"verbose\":true,\"user\":\"{user}\",\"pass\":\"\"}}\r\nPING\r\n");
        stream.write_all(hello.as_bytes()).unwrap();
        let answers: Vec<_> = BufReader::new(stream).lines().map_while(Result::ok).collect();
        assert!(answers.iter().any(|line| line.contains("Authorization Violation")), "{user}: {answers:?}");
        assert!(!answers.iter().any(|line| line.starts_with("PONG")), "{user}: {answers:?}");
    }
}

#[test]
fn rabbitmq_keeps_every_box_to_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let dir = folder.path().to_str().unwrap();
    let text = deployed(
        "rabbitmq/rabbitmq.conf",
        &[
            ("mqtt.listeners.ssl.default = 8883", &format!("mqtt.listeners.ssl.default = 127.0.0.1:{port}")),
            ("/etc/rabbitmq/footfall", dir),
        ],
    );
    let certificates = Certificates::make(folder.path());
    std::fs::write(folder.path().join("rabbitmq.conf"), text).unwrap();
    std::fs::write(folder.path().join("definitions.json"), written_by("rabbitmq/definitions")).unwrap();
    std::fs::write(folder.path().join("enabled_plugins"), deployed("rabbitmq/enabled_plugins", &[])).unwrap();
    let (_names, _server) = rabbitmq(folder.path());
    wait_for_port(port);
    checks::all(&Secured { port, certificates });
}

/// Debian's RabbitMQ as `scripts/setup` unpacks it: a node of its own, on the loopback interface, with its files in this folder. The
/// first process is the one that nodes find each other by; started here, it ends here.
fn rabbitmq(folder: &Path) -> (Process, Process) {
    let (erlang, rabbit) =
        (project("build/rabbitmq/usr/lib/erlang"), project("build/rabbitmq/usr/lib/rabbitmq"));
    let names_port = free_port();
    let log = || File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let names = Command::new(erlang.join("bin/epmd"))
        .args(["-address", "127.0.0.1", "-port", &names_port.to_string()])
        .stderr(log())
        .spawn()
        .expect("scripts/setup test fetches RabbitMQ");
    let names = Process(names);
    wait_for_port(names_port);
    let path = format!("{}:{}", erlang.join("bin").display(), std::env::var("PATH").unwrap());
    let server = Command::new(rabbit.join("bin/rabbitmq-server"))
        .env("PATH", path)
        .env("HOME", folder)
        // Then the script becomes the server, and its pid is the server's.
        .env("RUNNING_UNDER_SYSTEMD", "1")
        .env("ERL_EPMD_PORT", names_port.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODENAME", "footfall-test@localhost")
        .env("RABBITMQ_DIST_PORT", free_port().to_string())
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}")
        .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("enabled_plugins"))
        .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
        .env("RABBITMQ_LOG_BASE", folder.join("logs"))
        .env("RABBITMQ_PID_FILE", folder.join("pid"))
        .stdin(Stdio::null())
        .stdout(log())
        .stderr(log())
        .spawn()
        .expect("scripts/setup test fetches RabbitMQ");
    (names, Process(server))
}
