//! Nothing that is listened on can be reached from another machine, unless somebody wrote so.

#[path = "../delivery_support/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod broker;

use broker::{Broker, free_port, wait_until};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A program that runs; killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Running {
    fn start(program: &str, arguments: &[&str], config: &Path) -> Self {
        let mut command = Command::new(program);
        command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).arg("--config").arg(config);
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Where it listens, TCP over IPv4 and IPv6.
    fn listens(&self) -> BTreeSet<SocketAddr> {
        let process = Path::new("/proc").join(self.0.id().to_string());
        let Ok(handles) = std::fs::read_dir(process.join("fd")) else { return BTreeSet::new() };
        let links = handles.filter_map(|handle| std::fs::read_link(handle.ok()?.path()).ok());
        let sockets: BTreeSet<String> = links
            .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
            .collect();
        let tables =
            ["net/tcp", "net/tcp6"].map(|table| std::fs::read_to_string(process.join(table)).unwrap());
        tables
            .iter()
            .flat_map(|table| table.lines().skip(1))
            .filter_map(|line| listening(line, &sockets))
            .collect()
    }

    #[track_caller]
    fn assert_listens_at(&self, ports: &[u16]) {
        wait_until("it listens", || {
            ports.iter().all(|port| self.listens().iter().any(|at| at.port() == *port))
        });
        for at in self.listens() {
            assert!(at.ip().is_loopback(), "{at} can be reached from other machines");
            assert!(ports.contains(&at.port()), "{at} is listened on, and nobody asked for it");
        }
    }
}

/// The address in a line of `/proc/PID/net/tcp` where it is a listening socket of these.
fn listening(line: &str, sockets: &BTreeSet<String>) -> Option<SocketAddr> {
    const LISTEN: &str = "0A";
    let words: Vec<&str> = line.split_whitespace().collect();
    let (local, state, inode) = (words.get(1)?, words.get(3)?, words.get(9)?);
    if *state != LISTEN || !sockets.contains(*inode) {
        return None;
    }
    let (address, port) = local.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    // Words of four bytes in the machine's order.
    let bytes: Vec<u8> = (0..address.len() / 8)
        .flat_map(|word| u32::from_str_radix(&address[8 * word..8 * word + 8], 16).unwrap().to_ne_bytes())
        .collect();
    let ip = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?),
    };
    Some(SocketAddr::new(ip, port))
}

#[test]
fn the_kernels_table_is_read_as_it_is_written() {
    let sockets = BTreeSet::from(["77".to_owned()]);
    let line = |local: &str| {
        format!("0: {local} 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 77 1 x")
    };
    let found = |local: &str| listening(&line(local), &sockets).map(|at| at.ip());
    assert_eq!(found("0100007F:1F97"), Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    assert_eq!(found("00000000:1F97"), Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    assert_eq!(found("00000000000000000000000001000000:1F97"), Some(IpAddr::V6(Ipv6Addr::LOCALHOST)));
    assert_eq!(listening(&line("0100007F:1F97"), &BTreeSet::new()), None);
}

#[test]
fn every_address_that_the_printed_config_files_listen_on_is_this_machines_own() {
    for (name, text) in
        [("box", footfall::config::DEFAULT_FILE), ("head office", footfall::hq::config::DEFAULT_FILE)]
    {
        let values =
            text.lines().filter_map(|line| line.trim_start_matches('#').trim().strip_prefix("listen = "));
        let listens: Vec<SocketAddr> = values.map(|value| value.trim_matches('"').parse().unwrap()).collect();
        assert!(!listens.is_empty(), "{name} listens nowhere");
        for at in listens {
            assert!(at.ip().is_loopback(), "{name}: {at}");
        }
    }
}

/// A folder with a config file for a box that listens wherever it can, and one for head office.
struct Machine {
    folder: TempDir,
    ports: [u16; 2],
    _broker: Broker,
}

impl Machine {
    fn new() -> Self {
        let (folder, broker) = (tempfile::tempdir().unwrap(), Broker::open_to_all());
        let ports = [free_port(), free_port()];
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let clip = project.join("build/clips/vtest.avi");
        let model = project.join("models/nanodet-g-416-int8.toml");
        let of_box = format!(
            "tenant = \"acme\"\nstore = \"berlin-1\"\nbox = \"box-1\"\n[mqtt]\nbroker = \"127.0.0.1:{}\"\n[audit]\n\
             [detector]\nmodel = {model:?}\n[site]\ntime_zone = \"UTC\"\ncurrency = \"EUR\"\n[site.till]\nmqtt = true\n\
             [site.till.http]\nlisten = \"127.0.0.1:{}\"\ntoken_file = \"token\"\n[[camera]]\nid = \"door\"\nsource = {clip:?}\n\
             picture = \"768x576\"\nfps = 2\n[[camera.line]]\nid = \"entrance\"\nfrom = [500, 140]\nto = [500, 480]\n",
            broker.port, ports[0]
        );
        let of_office = format!(
            "[mqtt]\nbroker = \"127.0.0.1:{}\"\n[http]\nlisten = \"127.0.0.1:{}\"\n",
            broker.port, ports[1]
        );
        for (name, text) in
            [("box.toml", of_box.as_str()), ("hq.toml", &of_office), ("token", "a-token-that-is-long")]
        {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        }
        Self { folder, ports, _broker: broker }
    }

    fn config(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

#[test]
fn a_box_and_head_office_with_everything_switched_on_listen_on_this_machine_only() {
    let machine = Machine::new();
    let the_box = Running::start(env!("CARGO_BIN_EXE_footfall"), &["run"], &machine.config("box.toml"));
    let office = Running::start(env!("CARGO_BIN_EXE_footfall-hq"), &["serve"], &machine.config("hq.toml"));
    the_box.assert_listens_at(&machine.ports[..1]);
    office.assert_listens_at(&machine.ports[1..]);
}

#[test]
fn the_audits_page_is_for_this_machine_only() {
    let machine = Machine::new();
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let program = env!("CARGO_BIN_EXE_footfall");
    let page = Running::start(program, &["audit", "serve", "--listen", &listen], &machine.config("box.toml"));
    page.assert_listens_at(&[port]);
    let refused = Command::new(program)
        .args(["audit", "serve", "--listen", "0.0.0.0:0", "--config"])
        .arg(machine.config("box.toml"))
        .output()
        .unwrap();
    assert!(
        !refused.status.success()
            && String::from_utf8_lossy(&refused.stderr).contains("address of this machine")
    );
}

#[test]
fn neither_lets_anybody_else_in_without_tls_before_it() {
    let machine = Machine::new();
    let check = |program: &str, name: &str, from: &str, to: &str| {
        let config = machine.config(name);
        let text = std::fs::read_to_string(&config).unwrap();
        assert!(text.contains(from));
        std::fs::write(&config, text.replace(from, to)).unwrap();
        let output = Command::new(program).args(["check", "--config"]).arg(&config).output().unwrap();
        (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let [till, pages] = machine.ports.map(|port| format!("listen = \"127.0.0.1:{port}\""));
    let (passed, told) =
        check(env!("CARGO_BIN_EXE_footfall"), "box.toml", &till, "listen = \"0.0.0.0:8087\"");
    assert!(!passed && told.contains("through a proxy with TLS"), "{told}");
    let (passed, told) =
        check(env!("CARGO_BIN_EXE_footfall-hq"), "hq.toml", &pages, "listen = \"0.0.0.0:8088\"");
    assert!(!passed && told.contains("http.public_url"), "{told}");
}
