//! The fleet's routes: who may what, and that a link, a picture and a package are what they claim to be.

use crate::support::{As, Hq, answer};
use crate::{BERLIN, hq};
use footfall::hq::access::TokenScope;
use reqwest::Method;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

const BOX: &str = "/api/v1/fleet/acme/berlin/box-berlin";

fn key_and_request(name: &str) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new([format!("{name}.example.com")]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.serialize_request(&key).unwrap().pem().unwrap()
}

async fn link(hq: &Hq, who: &As) -> (u16, Value) {
    let made = hq.send(who, Method::POST, (&format!("{BOX}/enrolment"), json!({}))).await;
    (made.status, made.json())
}

fn token_of(link: &Value) -> String {
    link["link"].as_str().unwrap().split_once('#').unwrap().1.to_owned()
}

async fn enrol(hq: &Hq, token: &str, csr: &str) -> crate::support::Answer {
    let body = json!({"token": token, "csr": csr, "software": "footfall 1", "arch": "arm64"});
    hq.send(&As::Nobody, Method::POST, ("/api/v1/enrol", body)).await
}

fn audited(hq: &Hq, action: &str) -> Vec<String> {
    let sqlite = hq.sqlite();
    let mut select = sqlite.prepare("SELECT detail FROM audit WHERE action = ? ORDER BY audit_id").unwrap();
    select.query_map([action], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_link_enrols_its_box_once_and_nobody_is_told_why_another_does_not() {
    let hq = hq().await;
    let (status, made) = link(&hq, &hq.cookie("owner")).await;
    assert_eq!(status, 201, "{made}");
    assert!(made["qr_svg"].as_str().unwrap().contains("<svg"), "{made}");
    let (token, csr) = (token_of(&made), key_and_request("some-other-box"));
    let found = enrol(&hq, &token, &csr).await;
    assert_eq!(found.status, 200, "{}", found.text);
    let enrolled = found.json();
    let names = (&enrolled["tenant"], &enrolled["store"], &enrolled["box"]);
    assert_eq!(names, (&json!(BERLIN.0), &json!(BERLIN.1), &json!("box-berlin")));
    let never = enrol(&hq, &format!("ffen_{}", "0".repeat(64)), &csr).await;
    let again = enrol(&hq, &token, &csr).await;
    let (_, late) = link(&hq, &hq.cookie("owner")).await;
    hq.clock.advance(Duration::from_secs(86_400));
    let late = enrol(&hq, &token_of(&late), &csr).await;
    for refused in [&again, &late] {
        assert_eq!((refused.status, &refused.text), (403, &never.text));
    }
    assert_eq!(audited(&hq, "box_enrolled"), ["acme/berlin/box-berlin"]);
    assert_eq!(audited(&hq, "enrolment_failed"), [""; 0], "what strangers try fills no database");
    let stored: Vec<u8> =
        hq.sqlite().query_row("SELECT CAST(pem AS BLOB) FROM certificate", [], |row| row.get(0)).unwrap();
    assert_eq!(stored, enrolled["certificate"].as_str().unwrap().as_bytes());
}

#[tokio::test]
async fn a_certificate_names_the_box_alone_and_is_for_clients() {
    let hq = hq().await;
    let (_, made) = link(&hq, &hq.cookie("owner")).await;
    let enrolled = enrol(&hq, &token_of(&made), &key_and_request("footfall-hq")).await.json();
    let folder = tempfile::tempdir().unwrap();
    for (name, of) in [("ca.pem", "ca"), ("box.pem", "certificate")] {
        std::fs::write(folder.path().join(name), enrolled[of].as_str().unwrap()).unwrap();
    }
    let openssl = |arguments: &[&str]| {
        let run = Command::new("openssl").args(arguments).current_dir(folder.path()).output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr))
    };
    let at = (hq.now().unix_ms() / 1000).to_string();
    let verified = |purpose: &str| {
        openssl(&["verify", "-attime", &at, "-CAfile", "ca.pem", "-purpose", purpose, "box.pem"])
    };
    assert!(verified("sslclient").contains("box.pem: OK"), "{}", verified("sslclient"));
    assert!(!verified("sslserver").contains("box.pem: OK"), "{}", verified("sslserver"));
    let text = openssl(&["x509", "-in", "box.pem", "-noout", "-text"]);
    assert!(text.contains("Subject: CN = box-berlin") || text.contains("Subject: CN=box-berlin"), "{text}");
    assert!(text.contains("CA:FALSE") && !text.contains("example.com"), "{text}");
    let until = enrolled["until_ms"].as_i64().unwrap();
    assert_eq!(until - hq.now().unix_ms(), 90 * 86_400_000);
}

#[tokio::test]
async fn what_is_no_signing_request_uses_no_link_up() {
    let hq = hq().await;
    let (_, made) = link(&hq, &hq.cookie("owner")).await;
    let token = token_of(&made);
    let csr = key_and_request("box-berlin");
    let mut other = csr.clone();
    // Within the signature, which is the last of it.
    let at = csr.len() - 60;
    other.replace_range(at..=at, if &csr[at..=at] == "A" { "B" } else { "A" });
    for bad in ["", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----", &other] {
        assert_eq!(enrol(&hq, &token, bad).await.key(), "csr", "{bad}");
    }
    assert_eq!(enrol(&hq, &token, &"A".repeat(20_000)).await.status, 413);
    assert_eq!(enrol(&hq, &token, &csr).await.status, 200);
}

#[tokio::test]
async fn a_revoked_box_is_in_the_list_and_its_link_is_worth_nothing() {
    let hq = hq().await;
    let owner = hq.cookie("owner");
    let (_, made) = link(&hq, &owner).await;
    enrol(&hq, &token_of(&made), &key_and_request("box-berlin")).await;
    let (_, open) = link(&hq, &owner).await;
    let revoked =
        hq.send(&owner, Method::POST, (&format!("{BOX}/revocation"), json!({"why": "stolen"}))).await;
    assert_eq!(revoked.json(), json!({"revoked": 1}));
    assert_eq!(enrol(&hq, &token_of(&open), &key_and_request("box-berlin")).await.status, 403);
    let list = hq.get(&As::Nobody, "/api/v1/authority/revoked").await;
    assert!(list.text.starts_with("-----BEGIN X509 CRL-----"), "{}", list.text);
    let serial: String =
        hq.sqlite().query_row("SELECT serial FROM certificate", [], |row| row.get(0)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("list.pem"), &list.text).unwrap();
    let mut read = Command::new("openssl");
    read.args(["crl", "-noout", "-text", "-in", "list.pem"]).current_dir(folder.path());
    let text = String::from_utf8(read.output().unwrap().stdout).unwrap();
    assert!(text.to_lowercase().contains(&serial), "{serial} is not in {text}");
}

#[tokio::test]
async fn each_role_may_do_what_is_its_own() {
    let hq = hq().await;
    let command = json!({"what": "reread", "why": "it hangs"});
    let config = json!({"text": "[detector]\nthreads = 2\n", "why": "it is slow"});
    let rollout =
        json!({"kind": "config", "change": "[detector]\nthreads = 2", "title": "x", "why": "it is slow"});
    for (path, method, body, least) in [
        (format!("{BOX}/enrolment"), Method::POST, json!({}), "owner"),
        (format!("{BOX}/revocation"), Method::POST, json!({"why": "stolen"}), "owner"),
        (format!("{BOX}/config"), Method::PUT, config, "owner"),
        (format!("{BOX}/commands"), Method::POST, command, "manager"),
        ("/api/v1/rollouts/acme".to_owned(), Method::POST, rollout, "owner"),
    ] {
        for who in ["viewer", "manager", "owner"] {
            let may = who == "owner" || who == least;
            let found = hq.send(&hq.cookie(who), method.clone(), (&path, body.clone())).await;
            assert_eq!(found.status < 300, may, "{method} {path} as {who}: {}", found.text);
        }
        let token = hq.token("owner", TokenScope::Read);
        assert_eq!(
            hq.send(&token, method.clone(), (&path, body.clone())).await.key(),
            "token_reads",
            "{path}"
        );
    }
    for (path, least) in [("config", "manager"), ("commands", "manager"), ("health", "viewer")] {
        for (who, may) in [("viewer", least == "viewer"), ("manager", true)] {
            let found = hq.get(&hq.cookie(who), &format!("{BOX}/{path}")).await;
            assert_eq!(found.status == 200, may, "{path} as {who}: {}", found.text);
        }
    }
    let seen = hq.get(&hq.cookie("viewer"), BOX).await.json();
    assert_eq!((&seen["config"]["desired"], &seen["config"]["desired_text"]), (&json!(1), &Value::Null));
    let seen = hq.get(&hq.cookie("manager"), BOX).await.json();
    assert_eq!(seen["config"]["desired_text"], "[detector]\nthreads = 2\n");
}

#[tokio::test]
async fn a_command_needs_a_reason_and_an_end_and_is_in_the_audit_log() {
    let hq = hq().await;
    let manager = hq.cookie("manager");
    let path = format!("{BOX}/commands");
    for (body, key) in [
        (json!({"what": "snapshot", "camera": "door", "why": ""}), "why"),
        (json!({"what": "snapshot", "why": "to look"}), "command"),
        (json!({"what": "reread", "camera": "door", "why": "to look"}), "command"),
        (json!({"what": "format_disk", "why": "to look"}), "command"),
        (json!({"what": "reread", "why": "to look", "expires_s": 4000}), "command"),
    ] {
        assert_eq!(hq.send(&manager, Method::POST, (&path, body.clone())).await.key(), key, "{body}");
    }
    let good = json!({"what": "snapshot", "camera": "door", "why": "is it clean?"});
    let asked = hq.send(&manager, Method::POST, (&path, good)).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    assert_eq!(
        audited(&hq, "command_asked"),
        ["acme/berlin/box-berlin: snapshot door, because: is it clean?"]
    );
    let list = hq.get(&manager, &path).await.json();
    let (first, until) = (&list["commands"][0], hq.now().unix_ms() + 60_000);
    assert_eq!((&first["outcome"], &first["expires_ms"]), (&json!("waiting"), &json!(until)));
    hq.clock.advance(Duration::from_secs(61));
    assert_eq!(hq.get(&manager, &path).await.json()["commands"][0]["outcome"], "no_answer");
}

#[tokio::test]
async fn a_picture_is_seen_by_a_person_who_may_and_each_look_is_noted() {
    let hq = hq().await;
    let ask = json!({"what": "snapshot", "camera": "door", "why": "is it clean?"});
    hq.send(&hq.cookie("manager"), Method::POST, (&format!("{BOX}/commands"), ask)).await;
    let put = "UPDATE command SET outcome = 'done', picture = x'ffd8ffe0', answered_ms = asked_ms";
    hq.sqlite().execute(put, []).unwrap();
    let path = format!("{BOX}/commands/1/picture");
    assert_eq!(hq.get(&hq.cookie("viewer"), &path).await.key(), "role");
    assert_eq!(hq.get(&hq.token("manager", TokenScope::Read), &path).await.key(), "token_reads");
    assert_eq!(audited(&hq, "picture_seen"), [""; 0]);
    let found = hq.get(&hq.cookie("manager"), &path).await;
    assert_eq!((found.status, found.header("content-type")), (200, "image/jpeg"));
    assert_eq!(found.header("cache-control"), "no-store");
    assert_eq!(audited(&hq, "picture_seen"), ["acme/berlin/box-berlin: picture of command 1"]);
    let keep = footfall::hq::store::retention::Retention::default();
    hq.store.forget_piece(&keep, hq.now() + Duration::from_secs(86_401)).unwrap();
    assert_eq!(hq.get(&hq.cookie("manager"), &path).await.status, 404);
}

#[tokio::test]
async fn a_credential_is_not_sent_to_a_box() {
    let hq = hq().await;
    let text = "[[camera]]\nid = \"door\"\nsource = \"rtsp://me:hunter2@cam/1\"\n";
    let body = json!({"text": text, "why": "another camera"});
    let found = hq.send(&hq.cookie("owner"), Method::PUT, (&format!("{BOX}/config"), body)).await;
    assert_eq!(found.key(), "config", "{}", found.text);
    assert!(!found.text.contains("hunter2"), "{}", found.text);
}

#[tokio::test]
async fn a_package_is_what_its_manifest_says_or_is_not_taken() {
    let hq = hq().await;
    let owner = hq.cookie("owner");
    let file = b"!<arch>\nnot much of a package".to_vec();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p"), &file).unwrap();
    let sum = Command::new("sha256sum").arg("p").current_dir(folder.path()).output().unwrap();
    let sha256 = String::from_utf8(sum.stdout).unwrap().split(' ').next().unwrap().to_owned();
    let manifest = json!({"package": "footfall", "version": "1.2.0", "architecture": "arm64", "sha256": sha256, "size": file.len()});
    let signature = "A".repeat(86) + "==";
    let announced = json!({"manifest": manifest.to_string(), "signature": signature});
    let path = format!("/api/v1/packages/{sha256}");
    let put = |body: Vec<u8>| answer(hq.ask(&owner, Method::PUT, &path).body(body));
    assert_eq!(put(file.clone()).await.status, 404, "nothing was announced");
    let refused = hq.send(&hq.cookie("manager"), Method::POST, ("/api/v1/packages", announced.clone())).await;
    assert_eq!(refused.key(), "admin");
    assert_eq!(hq.send(&owner, Method::POST, ("/api/v1/packages", announced)).await.status, 204);
    let changed = json!({"manifest": manifest.to_string(), "signature": "B".repeat(85) + "A=="});
    assert_eq!(hq.send(&owner, Method::POST, ("/api/v1/packages", changed)).await.status, 409);
    let mut other = file.clone();
    other[10] ^= 1;
    for bad in [other, file[1..].to_vec(), [file.clone(), vec![0]].concat()] {
        assert_eq!(put(bad).await.key(), "package");
        assert_eq!(hq.get(&As::Nobody, &path).await.status, 404);
    }
    assert_eq!(put(file.clone()).await.status, 204);
    let found = hq.get(&As::Nobody, &path).await;
    assert_eq!((found.status, found.text.as_bytes()), (200, file.as_slice()));
    let left = std::fs::read_dir(hq.store.path().parent().unwrap().join("packages")).unwrap().count();
    assert_eq!(left, 1, "nothing of what was refused is left");
}
