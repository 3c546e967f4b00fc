//! The page of `footfall audit serve` as a browser speaks with it, through a real socket.

use footfall::app::audit::format::Clip;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use tempfile::TempDir;

/// A box with `[audit]` in its config file.
pub(crate) fn shop() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/nanodet-g-416-int8.toml");
    let text = format!(
        "tenant = \"acme\"\nstore = \"berlin-1\"\nbox = \"box-1\"\n[audit]\n[detector]\nmodel = {model:?}\n\
         [[camera]]\nid = \"door\"\nsource = \"rtsp://127.0.0.1/cam\"\npicture = \"768x576\"\n\
         [[camera.line]]\nid = \"entrance\"\nfrom = [500, 140]\nto = [500, 480]\n"
    );
    std::fs::write(folder.path().join("footfall.toml"), text).unwrap();
    folder
}

/// A running `footfall audit serve`; killed when it is dropped.
struct Served {
    process: Child,
    /// Its standard output stays open: one that is closed ends the command.
    _said: BufReader<ChildStdout>,
    address: String,
    key: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// One request as a browser makes it; what is left out is left out.
#[derive(Clone, Copy, Default)]
struct Asked<'a> {
    path: &'a str,
    key: Option<&'a str>,
    host: Option<&'a str>,
    origin: Option<&'a str>,
    body: Option<&'a str>,
}

impl Served {
    fn start(shop: &TempDir) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_footfall"))
            .args(["audit", "serve", "--config", "footfall.toml", "--listen", "127.0.0.1:0"])
            .current_dir(shop.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut line, mut said) = (String::new(), BufReader::new(process.stdout.take().unwrap()));
        said.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("Open http://").unwrap_or_else(|| panic!("{line}"));
        let (address, key) = url.split_once("/#").unwrap();
        Self { process, _said: said, address: address.to_owned(), key: key.to_owned() }
    }

    /// Status, headers and body of the answer.
    fn ask(&self, asked: Asked<'_>) -> (u16, String, Vec<u8>) {
        let method = if asked.body.is_some() { "POST" } else { "GET" };
        let host = asked.host.unwrap_or(&self.address);
        let mut request =
            format!("{method} {} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n", asked.path);
        for (name, value) in [("x-audit-key", asked.key), ("origin", asked.origin)] {
            if let Some(value) = value {
                request.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        if let Some(body) = asked.body {
            request
                .push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        request.push_str(asked.body.unwrap_or_default());
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap().to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head, answer[end + 4..].to_vec())
    }

    fn json(&self, path: &str, body: Option<&str>) -> Value {
        let (status, _, answer) = self.ask(Asked { path, key: Some(&self.key), body, ..Asked::default() });
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&answer));
        serde_json::from_slice(&answer).unwrap()
    }

    #[track_caller]
    fn check(&self, asked: Asked<'_>, expected: u16) {
        let (status, _, answer) = self.ask(asked);
        assert_eq!(status, expected, "{}: {}", asked.path, String::from_utf8_lossy(&answer));
    }
}

/// Somebody opens the page, counts, and sees the figure; others are not let in.
pub(crate) fn takes_a_tally(shop: &TempDir, clip: &Clip) {
    let served = Served::start(shop);
    let (status, head, page) = served.ask(Asked { path: "/", ..Asked::default() });
    assert_eq!(status, 200);
    assert!(head.contains("content-security-policy: default-src 'none'"), "{head}");
    assert!(!String::from_utf8(page).unwrap().contains("://"), "the page needs nothing from elsewhere");
    refuses_strangers(&served, clip);

    // Blind: before the tally nothing says what was counted.
    let listed = served.json("/api/clips", None);
    assert_eq!(listed[0]["id"], json!(clip.id));
    let text = listed.to_string();
    assert!(!text.contains("counted") && !text.contains("crossings") && !text.contains("stratum"), "{text}");
    let path = format!("/api/clips/{}/pictures", clip.id);
    let (_, _, pictures) = served.ask(Asked { path: &path, key: Some(&served.key), ..Asked::default() });
    assert_eq!(pictures[..2], [0xff, 0xd8]);

    let line = &clip.lines[0];
    let path = format!("/api/clips/{}/lines/entrance", clip.id);
    let tally = json!({"in": line.entries + 1, "out": line.exits}).to_string();
    let answer = served.json(&path, Some(&tally));
    assert_eq!(answer["counted"]["in"], json!(line.entries));
    let needed = "not enough yet: 1 of at least 20 minutes are tallied";
    assert_eq!(answer["result"][0]["both"]["not_enough"], json!(needed));
    let listed = served.json("/api/clips", None);
    assert_eq!(listed[0]["lines"][0]["tallied"]["in"], json!(line.entries + 1));
    assert_eq!(served.json("/api/result", None), answer["result"]);
}

fn refuses_strangers(served: &Served, clip: &Clip) {
    let key = Some(served.key.as_str());
    let path = format!("/api/clips/{}/lines/entrance", clip.id);
    let pictures = format!("/api/clips/{}/pictures", clip.id);
    let body = Some("{\"in\":1,\"out\":1}");
    let list = Asked { path: "/api/clips", ..Asked::default() };
    let post = Asked { path: &path, key, body, ..Asked::default() };
    // Without the key, or with another: neither to read nor to write.
    served.check(list, 401);
    served.check(Asked { path: &pictures, ..list }, 401);
    served.check(Asked { key: Some("00000000000000000000000000000000"), ..post }, 401);
    served.check(Asked { key: None, ..post }, 401);
    // A name that was made to lead here, and another site's page.
    served.check(Asked { key, host: Some("evil.example"), ..list }, 403);
    served.check(Asked { path: "/", host: Some("evil.example:80"), ..list }, 403);
    served.check(Asked { origin: Some("http://evil.example"), ..post }, 403);
    // What is no tally, and what is no clip.
    served.check(Asked { body: Some("{\"in\":-1,\"out\":1}"), ..post }, 400);
    served.check(Asked { body: Some("{\"in\":5000,\"out\":1}"), ..post }, 400);
    served.check(Asked { body: Some("{\"in\":1}"), ..post }, 400);
    served.check(Asked { path: "/api/clips/..%2f..%2fetc/pictures", key, ..list }, 404);
    served.check(Asked { path: "/api/clips/door-20990101t0000z/lines/entrance", ..post }, 409);
    assert!(served.json("/api/result", None).as_array().unwrap().is_empty(), "nothing of that was kept");
}
