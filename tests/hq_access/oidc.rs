//! Signing in elsewhere, from end to end: a browser's way through a real OpenID provider (npm's `oidc-provider`) and back.

use crate::support::{Answer, As, Hq, answer, free};
use footfall::hq::access::{Oidc, OidcSettings, PlaceName, Role};
use reqwest::{Client, Method};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

/// The provider; ends with its input.
struct Provider {
    child: Child,
    issuer: String,
    /// Kept open: it ends where it cannot say something.
    _says: BufReader<ChildStdout>,
}

impl Provider {
    fn start(back: &str) -> Self {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let modules = project.join("build/oidc/node_modules");
        assert!(modules.is_dir(), "run tests/oidc/install first; `make setup` does");
        let mut child = Command::new("node")
            .arg(project.join("tests/oidc/provider.mjs"))
            .args([modules.as_os_str(), back.as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("node is there; `make setup` installs it");
        let mut issuer = String::new();
        let mut says = BufReader::new(child.stdout.take().expect("a pipe"));
        says.read_line(&mut issuer).expect("its address");
        assert!(issuer.starts_with("http://127.0.0.1:"), "the provider says {issuer:?}");
        Self { child, issuer: issuer.trim().to_owned(), _says: says }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().expect("it ends");
    }
}

/// A browser that keeps the provider's cookies and follows its redirects.
#[derive(Default)]
struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Signs in at `from`, at the provider, until it is sent away from there; gives where to.
    async fn through(&mut self, issuer: &str, from: &str) -> String {
        let redirects = reqwest::redirect::Policy::none();
        let http = Client::builder().redirect(redirects).build().expect("a client");
        let mut address = from.to_owned();
        for _ in 0..10 {
            if !address.starts_with(issuer) {
                return address;
            }
            let cookies: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let response =
                http.get(&address).header("cookie", cookies.join("; ")).send().await.expect("an answer");
            for set in response.headers().get_all("set-cookie") {
                let pair = set.to_str().expect("text").split(';').next().unwrap_or_default();
                let (name, value) = pair.split_once('=').expect("a cookie");
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            let to = response.headers().get("location").expect("it leads on").to_str().expect("text");
            address = if to.starts_with('/') { format!("{issuer}{to}") } else { to.to_owned() };
        }
        panic!("the provider leads in circles: {address}");
    }
}

/// Head office and its provider, with one account that is invited as `ann@example.com`.
async fn start() -> (Hq, Provider) {
    // The provider has to know where head office is, and head office where the provider is: head office's port is taken first.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let provider = Provider::start(&format!("http://{address}/api/v1/login/oidc/back"));
    let settings = OidcSettings {
        title: "The chain's sign-in".to_owned(),
        issuer: provider.issuer.clone(),
        client_id: "head-office".to_owned(),
        client_secret: Some("a secret of the test".to_owned()),
    };
    let oidc = Arc::new(Oidc::new(settings).expect("TLS"));
    let hq = Hq::on(taken, free(), |service| service.with_oidc(oidc)).await;
    hq.account("ann", Role::Viewer, ("acme", PlaceName::Chain));
    // Asked at the start, and known as soon as it has answered.
    for _ in 0..200 {
        if hq.get(&As::Nobody, "/api/v1/login/oidc").await.status == 303 {
            return (hq, provider);
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the provider was not found");
}

/// Signs in as one of the provider's people; gives head office's answer to their coming back.
async fn sign_in(hq: &Hq, provider: &Provider, who: &str) -> Answer {
    Client::new().get(format!("{}/as?who={who}", provider.issuer)).send().await.expect("an answer");
    let begun = hq.get(&As::Nobody, "/api/v1/login/oidc").await;
    let pending = begun.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let back = Browser::default().through(&provider.issuer, begun.header("location")).await;
    come_back(hq, &back, &pending).await
}

async fn come_back(hq: &Hq, back: &str, pending: &str) -> Answer {
    let ours = format!("http://{}", hq.address);
    let path = back.strip_prefix(&ours).unwrap_or_else(|| panic!("led to {back}, not to {ours}"));
    answer(hq.ask(&As::Nobody, Method::GET, path).header("cookie", pending)).await
}

fn session(came: &Answer) -> As {
    let all = came.headers.get_all("set-cookie").iter().map(|set| set.to_str().expect("text"));
    let ours = all.filter_map(|set| set.split(';').next()?.strip_prefix("footfall=")).next();
    ours.map_or(As::Nobody, |cookie| As::Cookie(cookie.to_owned()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_invited_signs_in_and_is_bound_and_nobody_else_does() {
    let (hq, provider) = start().await;
    let ways = hq.get(&As::Nobody, "/api/v1/login").await.json();
    assert_eq!(ways["oidc"]["title"], "The chain's sign-in");

    let unverified = sign_in(&hq, &provider, "unverified").await;
    assert_eq!(
        unverified.header("location"),
        "/?fault=oidc_unknown",
        "the address is Ann's, and not verified"
    );
    let stranger = sign_in(&hq, &provider, "stranger").await;
    assert_eq!((stranger.status, stranger.header("location")), (303, "/?fault=oidc_unknown"));
    assert!(matches!(session(&stranger), As::Nobody));

    let came = sign_in(&hq, &provider, "ann").await;
    assert_eq!((came.status, came.header("location")), (303, "/"));
    assert_eq!(hq.get(&session(&came), "/api/v1/me").await.json()["account"], "ann");

    // Bound to the subject: the address no longer matters.
    hq.sqlite().execute("UPDATE account SET email = 'stranger@example.com' WHERE name = 'ann'", []).unwrap();
    let stranger = sign_in(&hq, &provider, "stranger").await;
    assert_eq!(stranger.header("location"), "/?fault=oidc_unknown");
    let again = sign_in(&hq, &provider, "ann").await;
    assert_eq!(hq.get(&session(&again), "/api/v1/me").await.json()["account"], "ann");

    hq.sqlite().execute("UPDATE account SET disabled = 1 WHERE name = 'ann'", []).unwrap();
    assert_eq!(sign_in(&hq, &provider, "ann").await.header("location"), "/?fault=oidc_unknown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_counts_for_the_browser_that_asked_and_once() {
    let (hq, provider) = start().await;
    let begun = hq.get(&As::Nobody, "/api/v1/login/oidc").await;
    let other = hq.get(&As::Nobody, "/api/v1/login/oidc").await;
    let cookie = |of: &Answer| of.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let back = Browser::default().through(&provider.issuer, begun.header("location")).await;
    for pending in [String::new(), cookie(&other)] {
        let came = come_back(&hq, &back, &pending).await;
        assert_eq!((came.status, came.header("location")), (303, "/?fault=oidc_failed"), "with {pending:?}");
        assert!(matches!(session(&came), As::Nobody));
    }
    let came = come_back(&hq, &back, &cookie(&begun)).await;
    assert_eq!(came.header("location"), "/");
    let again = come_back(&hq, &back, &cookie(&begun)).await;
    assert_eq!(again.header("location"), "/?fault=oidc_failed", "a code is good for once");
}
