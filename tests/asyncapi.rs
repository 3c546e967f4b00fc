//! The AsyncAPI document: checked as `make test` checks it, and held against the code that it describes.

use footfall::calendar::Zone;
use footfall::feeds::{Feed, badges};
use footfall::ids::{BoxId, StoreId, TenantId};
use footfall::site::sensors;
use footfall::site::staffing::{self, StaffingFormat};
use footfall::site::till::{self, FeedFormat, FeedSettings};
use footfall::time::WallTime;
use footfall::wire::topics::{BoxNames, FleetTopics, Topics};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

const TOPICS: &str = include_str!("../docs/ref/topics.md");
const WIRE: &str = include_str!("../docs/ref/wire-v1.schema.json");

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What the check says of a document; with `--print` also what it has read.
fn run_check(document: &Path) -> Output {
    let script = project().join("scripts/asyncapi/check.mjs");
    let output = Command::new("node").arg(script).arg("--print").arg(document).output();
    let output = output.expect("node is there; `make setup` installs it");
    assert_ne!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The document, with every reference resolved.
fn document() -> Value {
    let output = run_check(&project().join("docs/ref/asyncapi.yaml"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// A copy of a file of docs/ref in which the first `old` is `new`, or as it is where `old` is empty.
fn copy_broken(name: &str, (old, new): (&str, &str), to: &Path) -> PathBuf {
    let text = std::fs::read_to_string(project().join("docs/ref").join(name)).expect("a document");
    assert!(text.contains(old), "{name} does not say {old:?}, so nothing would be broken");
    let path = to.join(name);
    std::fs::write(&path, text.replacen(old, new, 1)).expect("a copy");
    path
}

const AS_IT_IS: (&str, &str) = ("", "");

/// A document, and a schema beside it, that are changed so: the check fails and says this.
#[track_caller]
fn check_broken(document: (&str, &str), schema: (&str, &str), told: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    copy_broken("wire-v1.schema.json", schema, folder.path());
    let path = copy_broken("asyncapi.yaml", document, folder.path());
    let output = run_check(&path);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{document:?} {schema:?} passed: {text}");
    assert!(text.contains(told), "{text}");
}

#[test]
fn a_document_that_is_not_asyncapi_fails_the_check() {
    check_broken(("action: send", "action: shout"), AS_IT_IS, "operations.sendRecords.action");
    check_broken(("  title: footfall", "  titel: footfall"), AS_IT_IS, "title");
}

#[test]
fn a_reference_that_leads_nowhere_fails_the_check() {
    check_broken(("$defs/batch", "$defs/bunch"), AS_IT_IS, "bunch");
    check_broken(("'#/channels/live'", "'#/channels/love'"), AS_IT_IS, "love");
}

#[test]
fn a_topic_whose_parts_nobody_describes_fails_the_check() {
    check_broken(("{box}/till", "{door}/till"), AS_IT_IS, "Missed: door");
}

#[test]
fn a_message_that_is_no_schema_fails_the_check() {
    check_broken(AS_IT_IS, ("\"type\": \"integer\"", "\"type\": \"intger\""), "the payload is no schema");
    check_broken(("version=2020-12", "version=1999"), AS_IT_IS, "the payload has the format");
}

#[test]
fn an_example_that_breaks_its_own_schema_fails_the_check() {
    check_broken(("what: sale\n", "what: lend\n"), AS_IT_IS, "the example sale is none");
}

fn names() -> BoxNames {
    BoxNames {
        tenant: TenantId::parse("acme").expect("a valid id"),
        store: StoreId::parse("berlin-1").expect("a valid id"),
        box_id: BoxId::parse("acme-b1-door").expect("a valid id"),
    }
}

#[test]
fn the_document_has_the_topics_that_the_code_has_and_their_directions() {
    let document = document();
    let mut described = BTreeSet::new();
    for operation in document["operations"].as_object().expect("operations").values() {
        let address = operation["channel"]["address"].as_str().expect("an address");
        let values = [("{tenant}", "acme"), ("{store}", "berlin-1"), ("{box}", "acme-b1-door")];
        let topic = values.iter().fold(address.to_owned(), |topic, (name, value)| topic.replace(name, value));
        let action = operation["action"].as_str().expect("an action").to_owned();
        let binding = &operation["bindings"]["mqtt"];
        described.insert((action, topic, binding["qos"].as_u64(), binding["retain"].as_bool()));
    }
    let Topics { records, live, state, ack, backfill } = Topics::of(&names());
    let sent = [(records, 1, false), (live, 0, false), (state, 1, true)];
    let sent = sent.map(|(topic, qos, retain)| ("send".to_owned(), topic, Some(qos), Some(retain)));
    let feed = |feed: Feed| Topics::feed(&names(), feed.name());
    let received = Feed::ALL.map(|name| ("receive".to_owned(), feed(name), Some(1), Some(false)));
    let told = [(ack, true), (backfill, false)];
    let told = told.map(|(topic, retain)| ("receive".to_owned(), topic, Some(1), Some(retain)));
    let fleet = FleetTopics::of(&names());
    let of_fleet = [
        ("receive", fleet.config_desired, true),
        ("send", fleet.config_reported, true),
        ("receive", fleet.software_desired, true),
        ("send", fleet.software_reported, true),
        ("send", fleet.certificate_request, false),
        ("receive", fleet.certificate_issued, true),
        ("send", fleet.health, false),
        ("receive", fleet.command, false),
        ("send", fleet.command_result, false),
    ];
    let of_fleet = of_fleet.map(|(action, topic, retain)| (action.to_owned(), topic, Some(1), Some(retain)));
    let all = sent.into_iter().chain(told).chain(received).chain(of_fleet);
    assert_eq!(described, all.collect());
    let channels = document["channels"].as_object().expect("channels").len();
    assert_eq!(channels, described.len(), "every channel has its operation");
}

/// Every `kind` that a message can have by this schema.
fn kinds(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            if let Some(kind) = fields.get("kind").and_then(|kind| kind["const"].as_str()) {
                found.insert(kind.to_owned());
            }
            fields.values().for_each(|part| kinds(part, found));
        }
        Value::Array(parts) => parts.iter().for_each(|part| kinds(part, found)),
        _ => {}
    }
}

#[test]
fn every_kind_of_message_is_reached_from_the_document() {
    let (mut reached, mut there) = (BTreeSet::new(), BTreeSet::new());
    kinds(&document()["channels"], &mut reached);
    kinds(&serde_json::from_str(WIRE).expect("JSON"), &mut there);
    assert!(there.len() >= 18, "{there:?}");
    assert_eq!(reached, there);
}

/// The examples of topics.md for a feed.
fn examples(feed: Feed) -> Vec<&'static str> {
    let label = format!("<!-- feed: {feed} -->\n```json\n");
    let all = TOPICS.split(&label).skip(1).map(|rest| rest.split("```").next().expect("an end"));
    let all: Vec<&str> = all.collect();
    assert!(!all.is_empty(), "docs/ref/topics.md has no example for {feed}");
    all
}

#[test]
fn the_examples_for_what_the_box_listens_to_are_as_the_document_says() {
    let document = document();
    for feed in Feed::ALL {
        let messages = document["channels"][feed.name()]["messages"].as_object().expect("messages");
        let schema = &messages.values().next().expect("a message")["payload"]["schema"];
        let schema = jsonschema::validator_for(schema).expect("a schema");
        for example in examples(feed) {
            let message: Value = serde_json::from_str(example).expect("JSON");
            let faults: Vec<String> = schema.iter_errors(&message).map(|fault| fault.to_string()).collect();
            assert!(faults.is_empty(), "{example}: {faults:?}");
        }
    }
}

/// Examples of the page and of the document, as they would come over the broker.
fn messages(feed: Feed) -> Vec<String> {
    let document = document();
    let messages = document["channels"][feed.name()]["messages"].as_object().expect("messages").clone();
    let of_document = messages.values().flat_map(|message| message["examples"].as_array().expect("examples"));
    let of_page = examples(feed).into_iter().map(str::to_owned);
    of_document.map(|example| example["payload"].to_string()).chain(of_page).collect()
}

#[test]
fn the_till_reads_its_examples() {
    let settings = FeedSettings {
        zone: Zone::parse("Europe/Vienna").expect("a zone"),
        currency: "EUR".to_owned(),
        decimals: 2,
        oldest: Duration::from_secs(30 * 86_400),
    };
    let now = WallTime::from_unix_ms(1_795_360_000_000);
    for message in messages(Feed::Till) {
        let intake = till::read(message.as_bytes(), "mqtt", &FeedFormat::Json, &settings, now);
        assert!(intake.rejected.is_empty(), "{message}: {:?}", intake.rejected);
        assert!(!intake.transactions.is_empty(), "{message}");
    }
}

#[test]
fn the_badge_feed_reads_its_examples() {
    let now = WallTime::from_unix_ms(1_795_352_701_000);
    for message in messages(Feed::Badges) {
        let (heard, aside) = badges::read(message.as_bytes(), now);
        assert!(aside.is_empty() && !heard.is_empty(), "{message}: {aside:?}");
    }
}

#[test]
fn the_sensors_feed_reads_its_examples() {
    let now = WallTime::from_unix_ms(1_795_353_300_000);
    for message in messages(Feed::Sensors) {
        let (told, aside) = sensors::read(message.as_bytes(), now);
        assert!(aside.is_empty() && !told.is_empty(), "{message}: {aside:?}");
    }
}

#[test]
fn the_staffing_feed_reads_its_examples() {
    let zone = Zone::parse("Europe/Vienna").expect("a zone");
    for message in messages(Feed::Staffing) {
        let (shifts, aside) = staffing::read(message.as_bytes(), StaffingFormat::Json, &zone);
        assert!(aside.is_empty() && !shifts.is_empty(), "{message}: {aside:?}");
    }
}
