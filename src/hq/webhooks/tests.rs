use super::*;
use crate::hq::register;
use crate::hq::store::alerts::AlertRow;
use crate::time::{Clock, FrameTime, SimClock};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const START_MS: i64 = 1_795_370_400_000;

fn alert(about: &str) -> AlertRow {
    AlertRow {
        alert_id: 7,
        rule: "no_data".to_owned(),
        tenant_id: 1,
        tenant: "acme".to_owned(),
        store: "vienna".to_owned(),
        about: about.to_owned(),
        began_ms: START_MS,
        ended_ms: None,
        detail: r#"{"key":"no_data","values":{}}"#.to_owned(),
    }
}

/// A receiver on a real socket that answers as it is told, one answer a request; then with 200.
struct Receiver {
    url: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    /// `None` answers nothing at all.
    async fn answering(mut answers: Vec<Option<&'static str>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&heard);
        tokio::spawn(async move {
            let mut hung = Vec::new();
            while let Ok((mut socket, _)) = listener.accept().await {
                let request = request_of(&mut socket).await;
                into.lock().unwrap().push(request);
                let answer = if answers.is_empty() { Some("200 OK") } else { answers.remove(0) };
                match answer {
                    None => hung.push(socket),
                    Some(status) => {
                        let head = format!(
                            "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\nlocation: http://127.0.0.1:1/\r\n\r\n"
                        );
                        socket.write_all(head.as_bytes()).await.unwrap();
                    }
                }
            }
        });
        Self { url, heard }
    }

    fn bodies(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let about = |request: &String| {
            let body: serde_json::Value =
                serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
            body["about"].as_str().unwrap().to_owned()
        };
        heard.iter().map(about).collect()
    }
}

async fn request_of(socket: &mut tokio::net::TcpStream) -> String {
    let mut text = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = socket.read(&mut part).await.unwrap();
        text.extend_from_slice(&part[..read]);
        let whole = String::from_utf8_lossy(&text).into_owned();
        let length =
            whole.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if let (Some((_, body)), Some(length)) = (whole.split_once("\r\n\r\n"), length)
            && body.len() >= length
        {
            return whole;
        }
        assert!(read > 0, "the request ends early: {whole}");
    }
}

struct Chain {
    _folder: tempfile::TempDir,
    store: Arc<Store>,
    clock: Arc<SimClock>,
    sender: Sender,
}

impl Chain {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("hq.sqlite")).unwrap());
        let start = WallTime::from_unix_ms(START_MS);
        register::apply("[[tenant]]\nid = \"acme\"\ntitle = \"Acme\"\n", &store, start).unwrap();
        let clock = Arc::new(SimClock::at(FrameTime::of_run(start, Duration::ZERO)));
        let sender = Sender::new(Arc::clone(&store), Arc::clone(&clock) as Arc<dyn Clock>, Private::Allowed)
            .with_patience(Duration::from_millis(300));
        Self { _folder: folder, store, clock, sender }
    }

    fn hook(&self, url: &str) -> Secret {
        let now = self.clock.now().wall;
        add(&self.store, 1, (url, &[], Private::Allowed), now).unwrap().1
    }

    fn tell(&self, about: &str) {
        let now = self.clock.now().wall;
        let row = alert(about);
        self.store.write::<_, StoreError>(|all| Ok(rows::queue(all, &row, "alert_began", now)?)).unwrap();
    }

    /// What became of the only hook: delivered, given up, waiting, last answer.
    fn told(&self) -> (i64, i64, i64, String) {
        let hook = list(&self.store, 1).unwrap().remove(0);
        (hook.delivered, hook.given_up, hook.waiting, hook.last_answer.unwrap_or_default())
    }
}

#[tokio::test]
async fn a_message_is_signed_so_that_its_receiver_can_tell() {
    let (chain, receiver) = (Chain::new(), Receiver::answering(vec![]).await);
    let secret = chain.hook(&receiver.url);
    chain.tell("box-a");
    assert_eq!(chain.sender.step().await.unwrap(), 1);
    let request = receiver.heard.lock().unwrap()[0].clone();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let expected = signature(secret.reveal(), WallTime::from_unix_ms(START_MS), body);
    assert!(head.contains(&format!("footfall-signature: {expected}")), "{head}");
    assert_eq!(chain.told(), (1, 0, 0, "200".to_owned()));
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_later_and_its_order_is_kept() {
    let receiver = Receiver::answering(vec![Some("500 Oh"), Some("302 Found")]).await;
    let chain = Chain::new();
    chain.hook(&receiver.url);
    chain.tell("first");
    chain.tell("second");
    chain.sender.step().await.unwrap();
    assert_eq!(chain.sender.step().await.unwrap(), 0, "nothing is tried before its time");
    chain.clock.advance(Duration::from_secs(10));
    chain.sender.step().await.unwrap();
    assert_eq!(chain.told(), (0, 0, 2, "302: a redirect, which is not followed".to_owned()));
    for _ in 0..2 {
        chain.clock.advance(Duration::from_secs(20));
        chain.sender.step().await.unwrap();
    }
    assert_eq!(receiver.bodies(), ["first", "first", "first", "second"]);
    assert_eq!(chain.told(), (2, 0, 0, "200".to_owned()));
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_no_other() {
    let (slow, quick) = (Receiver::answering(vec![None]).await, Receiver::answering(vec![]).await);
    let chain = Chain::new();
    chain.hook(&slow.url);
    chain.hook(&quick.url);
    chain.tell("box-a");
    assert_eq!(chain.sender.step().await.unwrap(), 2);
    assert_eq!(chain.told(), (0, 0, 1, "no answer in time".to_owned()));
    assert_eq!(list(&chain.store, 1).unwrap()[1].delivered, 1);
}

#[tokio::test]
async fn a_message_is_given_up_after_a_day_and_at_once_where_it_is_not_wanted() {
    let gone = Receiver::answering(vec![Some("410 Gone")]).await;
    let chain = Chain::new();
    chain.hook(&gone.url);
    chain.tell("box-a");
    chain.sender.step().await.unwrap();
    assert_eq!(chain.told(), (0, 1, 0, "410".to_owned()));
    let mut now = WallTime::from_unix_ms(START_MS);
    let created = now;
    let mut tries = 0;
    while let Some(next) = again(created, tries, now) {
        assert!(next > now);
        (now, tries) = (next, tries + 1);
    }
    assert!((20..40).contains(&tries), "{tries} tries in a day");
}

#[tokio::test]
async fn more_than_a_thousand_messages_give_up_the_oldest() {
    let chain = Chain::new();
    chain.hook("https://example.org/hook");
    for number in 0..=rows::MOST_WAITING {
        chain.tell(&number.to_string());
    }
    assert_eq!(chain.told(), (0, 1, rows::MOST_WAITING, String::new()));
}

#[test]
fn a_name_that_leads_into_a_private_network_is_refused_at_every_try() {
    let target = Target::parse("https://hooks.example.org/x", Private::Refused).unwrap();
    let at = |ip: &str| SocketAddrOf(ip).at(443);
    assert_eq!(target.allowed(&[at("93.184.216.34")]), Ok(()));
    for ip in [
        "10.0.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "0.0.0.0",
        "::1",
        "fc00::1",
        "fe80::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "224.0.0.1",
        "255.255.255.255",
    ] {
        let both = [at("93.184.216.34"), at(ip)];
        assert!(matches!(target.allowed(&both), Err(TargetError::Private(_))), "{ip}");
        let allowed = Target::parse("https://hooks.example.org/x", Private::Allowed).unwrap();
        assert_eq!(allowed.allowed(&both), Ok(()));
    }
}

struct SocketAddrOf<'a>(&'a str);

impl SocketAddrOf<'_> {
    fn at(&self, port: u16) -> std::net::SocketAddr {
        std::net::SocketAddr::new(self.0.parse().unwrap(), port)
    }
}

#[test]
fn an_address_is_taken_only_over_https_without_a_user_and_not_in_a_private_network() {
    let check = |url: &str, expected: &str| {
        let got =
            Target::parse(url, Private::Refused).map_or_else(|fault| fault.to_string(), |_| String::new());
        assert!(got.contains(expected) && got.is_empty() == expected.is_empty(), "{url}: {got}");
    };
    check("https://example.org/hook", "");
    check("http://127.0.0.1:9000/hook", "goes over https");
    check("http://localhost/hook", "goes over https");
    check("https://127.0.0.1:9000/hook", "private network (127.0.0.1)");
    check("http://example.org/hook", "goes over https");
    check("https://user:pass@example.org/hook", "no user and no password");
    check("https://10.1.2.3/hook", "private network (10.1.2.3)");
    check("https://[fd00::1]/hook", "private network (fd00::1)");
    // Numbers are addresses in other clothes: this one is 10.1.2.3 too.
    check("https://167838211/hook", "private network (10.1.2.3)");
    for text in ["ftp://example.org", "file:///etc/passwd", "example.org", "", "https://"] {
        check(text, "not understood");
    }
}

#[test]
fn the_signature_is_that_of_the_documentation() {
    let at = WallTime::from_unix_ms(1_795_370_400_123);
    assert_eq!(
        signature("ffhook_example", at, r#"{"v":1}"#),
        include_str!("../../../docs/guide/headoffice-data.md")
            .lines()
            .find_map(|line| line.strip_prefix("footfall-signature: "))
            .unwrap()
    );
}

#[test]
fn hooks_are_few_and_hear_only_of_rules_that_there_are() {
    let chain = Chain::new();
    let now = chain.clock.now().wall;
    let add =
        |rules: &[String]| add(&chain.store, 1, ("https://example.org/h", rules, Private::Refused), now);
    assert!(add(&["rain".to_owned()]).unwrap_err().to_string().starts_with("there is no rule \"rain\""));
    for _ in 0..MOST_HOOKS {
        add(&["queue".to_owned()]).unwrap();
    }
    assert_eq!(add(&[]).unwrap_err().to_string(), "there are 20 webhooks already; take one away first");
    chain.tell("box-a");
    assert_eq!(list(&chain.store, 1).unwrap()[0].waiting, 0, "a hook for queues hears of no silent box");
    assert!(remove(&chain.store, 1, 1).unwrap() && !remove(&chain.store, 1, 1).unwrap());
}
