//! Every query of every Grafana dashboard against the real API, and every example of the guide through the doors it tells of.
//!
//! What a dashboard asks for is resolved as Grafana would: variables from their own queries, days from the range of time.
#![cfg(feature = "hq")]

use footfall::hq::access::{
    Actor, NewAccount, NewGrant, NewToken, Origin, PlaceName, Role, TokenScope, create_account, make_token,
};
use footfall::hq::api::serve::serve;
use footfall::hq::api::{PublicAddress, Service, Settings};
use footfall::hq::metrics::{Metrics, Standing};
use footfall::hq::sales::{Anything, Feed, Format, Sent, Way, take};
use footfall::hq::store::Store;
use footfall::hq::{access::SessionSpan, register};
use footfall::time::{Clock, FrameTime, SimClock, WallTime};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const REGISTER: &str = include_str!("../deploy/hq/register.example.toml");
const GUIDE: &str = include_str!("../docs/guide/headoffice-data.md");

/// 2026-11-23 12:00 UTC.
const NOW: WallTime = WallTime::from_unix_ms(1_795_435_200_000);

/// A head office on a socket, with the register's stores and one account that may read and send.
struct HeadOffice {
    _folder: tempfile::TempDir,
    store: Arc<Store>,
    address: String,
    read_token: String,
    feed_token: String,
    client: reqwest::Client,
}

impl HeadOffice {
    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Store::open(&folder.path().join("hq.sqlite")).expect("a database"));
        register::apply(REGISTER, &store, NOW).expect("the example is a register");
        let from = Origin { at: NOW, address: "127.0.0.1" };
        let grants = vec![NewGrant { role: Role::Manager, tenant: "acme".into(), place: PlaceName::Chain }];
        let account = NewAccount { name: "grafana".into(), email: None, password: None, grants };
        create_account(&store, &account, Actor::Operator, from).expect("an account");
        let token = |scope| {
            let new = NewToken { name: "dashboards".into(), scope, days: 30 };
            make_token(&store, 1, &new, from).expect("a token").0.reveal().to_owned()
        };
        let (read_token, feed_token) = (token(TokenScope::Read), token(TokenScope::Feed));
        let clock: Arc<dyn Clock> = Arc::new(SimClock::at(FrameTime::of_run(NOW, Duration::ZERO)));
        let settings = Settings {
            public: PublicAddress::Loopback,
            sessions: SessionSpan::default(),
            limits: footfall::hq::api::limits::Limits::default(),
            webhooks: footfall::hq::webhooks::Private::default(),
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let address = format!("http://{}", listener.local_addr().expect("its address"));
        let service = Arc::new(Service::new(Arc::clone(&store), clock, settings));
        let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime");
        tokio::spawn(serve(service, listener, std::future::pending()));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { _folder: folder, store, address, read_token, feed_token, client }
    }

    async fn get(&self, path: &str) -> Result<String, String> {
        let request = self.client.get(format!("{}{path}", self.address)).bearer_auth(&self.read_token);
        let answer = request.send().await.map_err(|fault| fault.to_string())?;
        let status = answer.status();
        let text = answer.text().await.map_err(|fault| fault.to_string())?;
        if status.is_success() { Ok(text) } else { Err(format!("{path}: {status}: {text}")) }
    }

    async fn post(&self, path: &str, (kind, body): (&str, &str), token: &str) -> (u16, String) {
        let request = self.client.post(format!("{}{path}", self.address)).bearer_auth(token);
        let answer =
            request.header("content-type", kind).body(body.to_owned()).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a text"))
    }

    /// What is wrong with a dashboard, one line a fault, and how many queries were run.
    async fn faults(&self, dashboard: &Value) -> (Vec<String>, usize) {
        let (mut faults, mut queries) = (Vec::new(), 0);
        let mut values = BTreeMap::from([
            ("__from:date:YYYY-MM-DD".to_owned(), "2026-11-01".to_owned()),
            ("__to:date:YYYY-MM-DD".to_owned(), "2026-11-22".to_owned()),
        ]);
        for variable in dashboard["templating"]["list"].as_array().expect("a list of variables") {
            queries += 1;
            match self.variable(&variable["query"]["infinityQuery"]).await {
                Ok(value) => drop(values.insert(text(&variable["name"]), value)),
                Err(fault) => faults.push(fault),
            }
        }
        for panel in dashboard["panels"].as_array().expect("a list of panels") {
            for target in panel["targets"].as_array().expect("a list of queries") {
                queries += 1;
                let found = match target["datasource"]["type"].as_str() {
                    Some("prometheus") => self.prometheus(target),
                    Some("yesoreyeram-infinity-datasource") => self.table(target, &values).await,
                    other => Err(format!("{other:?} is no data source of ours")),
                };
                faults.extend(found.err().map(|fault| format!("{}: {fault}", text(&panel["title"]))));
            }
        }
        (faults, queries)
    }

    async fn variable(&self, query: &Value) -> Result<String, String> {
        let body: Value = serde_json::from_str(&self.get(&text(&query["url"])).await?).expect("JSON");
        let rows = &body[text(&query["root_selector"])];
        let column = text(&query["columns"][0]["selector"]);
        let first = rows[0][&column].as_str();
        first.map(str::to_owned).ok_or_else(|| format!("no {column:?} in {rows}"))
    }

    async fn table(&self, target: &Value, values: &BTreeMap<String, String>) -> Result<(), String> {
        let mut url = text(&target["url"]);
        for (name, value) in values {
            url = url.replace(&format!("${{{name}}}"), value);
        }
        if url.contains("${") {
            return Err(format!("{url}: a variable that nobody gives"));
        }
        let table = self.get(&url).await?;
        let header: Vec<&str> =
            table.trim_start_matches('\u{feff}').lines().next().unwrap_or_default().split(',').collect();
        let columns = target["columns"].as_array().expect("a list of columns").iter();
        let missing: Vec<String> = columns
            .map(|column| text(&column["selector"]))
            .filter(|column| !header.contains(&column.as_str()))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("{url}: no column {missing:?} in {header:?}")) }
    }

    fn prometheus(&self, target: &Value) -> Result<(), String> {
        let metrics = Metrics::default();
        metrics.records(footfall::hq::metrics::Fate::Taken, 1);
        metrics.request(200);
        let known = metrics.text(&Standing::of(&self.store, NOW).expect("figures"));
        let expression = text(&target["expr"]);
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let names = expression.split(|c| !is_part(c)).filter(|name| name.starts_with("footfall_"));
        let has = |name: &str| {
            known.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])))
        };
        let unknown: Vec<&str> = names.clone().filter(|name| !has(name)).collect();
        if unknown.is_empty() && names.count() > 0 {
            Ok(())
        } else {
            Err(format!("{expression}: no metric {unknown:?}"))
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

fn dashboards() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/grafana/dashboards");
    let files = std::fs::read_dir(folder).expect("the dashboards");
    let read = files.map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("its text"));
    read.map(|text| serde_json::from_str(&text).expect("a dashboard is JSON")).collect()
}

/// Code blocks of the guide below a mark such as `<!-- feed: sales -->`, as language and text.
fn examples(mark: &str) -> Vec<(&'static str, &'static str)> {
    let mark = format!("<!-- {mark} -->\n```");
    GUIDE
        .split(mark.as_str())
        .skip(1)
        .filter_map(|rest| rest.split("\n```").next()?.split_once('\n'))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_of_every_dashboard_is_answered_with_the_columns_that_it_names() {
    let head_office = HeadOffice::open().await;
    let (mut faults, mut queries) = (Vec::new(), 0);
    for dashboard in dashboards() {
        let (found, run) = head_office.faults(&dashboard).await;
        faults.extend(found);
        queries += run;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(queries >= 20, "only {queries} queries were run");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dashboard_that_asks_for_what_is_not_there_is_found_out() {
    let head_office = HeadOffice::open().await;
    for (was, is, expected) in [
        ("\"visitors\"", "\"visiters\"", "no column [\"visiters\"]"),
        ("/api/v1/overview.csv", "/api/v1/overvue.csv", "404"),
        ("footfall_hq_boxes_online", "footfall_hq_boxes_awake", "no metric [\"footfall_hq_boxes_awake\"]"),
        ("${tenant}", "${chain}", "a variable that nobody gives"),
    ] {
        let mut faults = Vec::new();
        for dashboard in dashboards() {
            let broken = serde_json::from_str(&dashboard.to_string().replace(was, is)).expect("still JSON");
            faults.extend(head_office.faults(&broken).await.0);
        }
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{expected}: {faults:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guides_feeds_are_taken_and_a_token_that_reads_sends_nothing() {
    let head_office = HeadOffice::open().await;
    let mut sent = 0;
    for feed in Feed::ALL {
        for (language, body) in examples(&format!("feed: {}", feed.name())) {
            sent += 1;
            let format = if language == "csv" { Format::Csv } else { Format::Json };
            let kind = if language == "csv" { "text/csv" } else { "application/json" };
            let path = format!("/api/v1/feeds/acme/{}", feed.name());
            let refused = head_office.post(&path, (kind, body), &head_office.read_token).await;
            assert_eq!(refused.0, 403, "{}", refused.1);
            // Shifts may lie ahead, sales may not: all of them lie before this test's now.
            let (status, answer) = head_office.post(&path, (kind, body), &head_office.feed_token).await;
            let answer: Value = serde_json::from_str(&answer).expect("JSON");
            assert_eq!((status, &answer["put_aside"]), (200, &Value::from(0)), "{feed:?}: {answer}");
            assert!(answer["accepted"].as_u64() > Some(0));
            let again = Sent { tenant: "acme", feed, format, bytes: body.as_bytes(), way: Way::File };
            let again = take(&again, &Anything, &head_office.store, NOW).expect("a receipt");
            assert_eq!(again.put.accepted + again.put.replaced, 0, "what comes again counts once");
        }
    }
    assert_eq!(sent, 4);
    let strange =
        head_office.post("/api/v1/feeds/other/sales", ("text/csv", ""), &head_office.feed_token).await;
    assert_eq!(strange.0, 404);
    let kind = head_office.post("/api/v1/feeds/acme/sales", ("text/html", ""), &head_office.feed_token).await;
    assert_eq!(kind.0, 415);
    let nothing = ("application/json", "[{}]");
    let nothing = head_office.post("/api/v1/feeds/acme/sales", nothing, &head_office.feed_token).await;
    assert_eq!(nothing.0, 422, "{}", nothing.1);
}

#[test]
fn the_guides_webhook_is_json_with_what_every_message_has() {
    let (_, body) = examples("webhook")[0];
    let body: Value = serde_json::from_str(body).expect("JSON");
    let names: Vec<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    let expected = ["about", "began_ms", "ended_ms", "event", "id", "rule", "store", "tenant", "text", "v"];
    assert_eq!(names, expected);
}
