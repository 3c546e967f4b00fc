//! Every page in a real browser, served by the real head office out of a real database with a simulated chain.
//!
//! The pages' own tests (`ui/tests`, Playwright and axe) do the looking; here they get somebody to look at. Needs the pages (`make pages`) and Chromium;
//! they run once, in the build without native libraries.
#![cfg(all(feature = "hq", not(feature = "capture-opencv")))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PASSWORD: &str = "nobody guesses this one";
/// Few stores and weeks make the same pages; the demo has more.
const CHAIN: [&str; 6] = ["--tenant", "demo", "--stores", "6", "--weeks", "10"];

/// A head office with a chain, and somebody who may see it. Ended when it is dropped.
struct Office {
    folder: tempfile::TempDir,
    port: u16,
    process: Option<Child>,
}

impl Office {
    fn open() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let config = format!("database = \"hq.sqlite\"\n[http]\nlisten = \"127.0.0.1:{port}\"\n");
        std::fs::write(folder.path().join("hq.toml"), config).unwrap();
        let mut office = Self { folder, port, process: None };
        office.run(&[&["simulate"], &CHAIN[..]].concat(), "");
        let account = ["account", "add", "demo", "--role", "admin", "--tenant", "demo", "--password-stdin"];
        office.run(&account, &format!("{PASSWORD}\n"));
        let log = std::fs::File::create(office.folder.path().join("log")).unwrap();
        office.process = Some(office.command(&["serve"]).stderr(log).spawn().unwrap());
        let is_open = |_| {
            std::thread::sleep(Duration::from_millis(50));
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        };
        assert!((0..600).any(is_open), "{}", office.log());
        office
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_footfall-hq"));
        command.args(arguments).arg("--config").arg(self.folder.path().join("hq.toml"));
        command
    }

    fn run(&self, arguments: &[&str], input: &str) {
        let mut child = self.command(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{arguments:?}");
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }
}

#[test]
fn every_page_does_what_its_readers_need_in_both_languages_and_sizes() {
    let office = Office::open();
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui");
    let looked = Command::new("npm")
        .args(["run", "--silent", "test"])
        .current_dir(ui)
        .env("HQ_URL", format!("http://127.0.0.1:{}", office.port))
        .env("HQ_USER", "demo")
        .env("HQ_PASSWORD", PASSWORD)
        .output()
        .expect("npm is there");
    let told = [looked.stdout, looked.stderr].concat();
    assert!(looked.status.success(), "{}\n{}", String::from_utf8_lossy(&told), office.log());
}
