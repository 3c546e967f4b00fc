use super::*;
use crate::wire::v1::{MAX_BATCH_BYTES, V1};

const NOW: WallTime = WallTime::from_unix_ms(1_795_334_400_000);
const TOPIC: &str = "footfall/v1/acme/berlin-1/a/records";

fn packed(records: &[&str]) -> Vec<u8> {
    let records = records.iter().map(|text| RawValue::from_string((*text).to_owned()).unwrap()).collect();
    let batch: Batch<Box<RawValue>> = Batch {
        v: V1,
        tenant: "acme".to_owned(),
        store: "berlin-1".to_owned(),
        box_id: "a".to_owned(),
        sent_ms: 7,
        kept_from: None,
        late: true,
        records,
    };
    batch.to_gzip().unwrap()
}

#[track_caller]
fn refused(topic: &str, payload: &[u8], begin: &str) {
    let words = message(topic, payload, NOW).unwrap_err().to_string();
    assert!(words.starts_with(begin), "{words}");
}

/// The records that were taken and the reasons of those that were not.
#[track_caller]
fn check(record: &str, expected: &str) {
    let Message::Records(batch) = message(TOPIC, &packed(&[record]), NOW).unwrap() else {
        panic!("records were sent")
    };
    let shown = match (&batch.records[..], &batch.bad[..]) {
        ([taken], []) => format!("{} taken", taken.seq),
        ([], [bad]) => format!("{:?} {}", bad.seq, bad.reason),
        other => panic!("{other:?}"),
    };
    assert!(shown.starts_with(expected), "{shown}");
}

fn minute(changes: &str) -> String {
    let mut minute: serde_json::Value = serde_json::from_str(
        r#"{"seq":3,"kind":"minute","camera":"door","line":"in","start_ms":1795334340000,"in":3,"out":1,"seen_s":60.0,
        "frames":1,"dropped":0,"part":false,"valid":true,"model":"m","geometry":"g","plane":"image","run":7}"#,
    )
    .unwrap();
    let changes: serde_json::Value = serde_json::from_str(changes).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        minute[name] = value.clone();
    }
    minute.to_string()
}

#[test]
fn a_topic_that_is_no_boxs_is_refused() {
    for topic in ["footfall/v2/acme/berlin-1/a/records", "footfall/v1/acme/a/records", "x", "footfall/v1/A/b/c/records"] {
        refused(topic, &packed(&[]), "the topic is not");
    }
    refused("footfall/v1/acme/berlin-1/a/till", b"", "the topic is not");
}

#[test]
fn what_unpacks_to_more_than_a_batch_is_not_unpacked_to_its_end() {
    // 64 MiB of spaces in 64 kB.
    let mut records = "[".to_owned();
    records.push_str(&" ".repeat(4 * MAX_BATCH_BYTES as usize));
    records.push(']');
    let bomb = packed(&[&records]);
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    refused(TOPIC, &bomb, "batch of ");
    refused(TOPIC, b"{}", "batch of 2 bytes cannot be unpacked");
}

#[test]
fn a_batch_of_too_many_records_is_refused() {
    let many = vec!["1"; MOST_RECORDS + 1];
    refused(TOPIC, &packed(&many), "it has 50001 records, at most 50000 are taken");
}

#[test]
fn a_topic_and_a_payload_that_name_different_boxes_are_refused() {
    let of_b = packed(&[]);
    refused("footfall/v1/acme/berlin-1/b/records", &of_b, "it names acme/berlin-1/a, its topic names acme/berlin-1/b");
}

#[test]
fn a_minute_that_can_be_true_is_taken_and_one_that_cannot_is_not() {
    check(&minute("{}"), "3 taken");
    check(&minute(r#"{"start_ms":1795334340001}"#), "Some(3) start_ms 1795334340001 is no multiple");
    check(&minute(r#"{"start_ms":1795420860000}"#), "Some(3) 2026-11-23T08:01:00Z is more than a day after");
    check(&minute(r#"{"start_ms":60000}"#), "Some(3) 1970-01-01T00:01:00Z is before");
    check(&minute(r#"{"seen_s":60.1}"#), "Some(3) 60.1s of a minute cannot be seen");
    check(&minute(r#"{"in":100001}"#), "Some(3) 100001 people in a minute");
    check(&minute(r#"{"line":"a/b"}"#), "Some(3) line: id \"a/b\" holds '/'");
    check(&minute(r#"{"camera":""}"#), "Some(3) camera: an id cannot be empty");
    check(&minute(r#"{"in":-1}"#), "Some(3) invalid value");
    check(&minute(r#"{"seq":0}"#), "None it has no number");
    check(&minute(r#"{"seq":18446744073709551615}"#), "None it has no number");
    check(&minute(r#"{"kind":7}"#), "Some(3) invalid type");
}

#[test]
fn a_kind_of_tomorrow_is_kept_and_a_kind_of_today_must_be_right() {
    check(r#"{"seq":1,"kind":"hologram","deep":[[[]]]}"#, "1 taken");
    check(r#"{"seq":1,"kind":"visit"}"#, "Some(1) missing field");
    check(r#"{"seq":1}"#, "Some(1) it has no kind");
    check(r#"{"seq":5,"kind":"gap","from_seq":3,"to_seq":9,"reason":"unreadable"}"#, "Some(5) gap 3-9 does not lie");
    check(r#"{"seq":5,"kind":"gap","from_seq":3,"to_seq":4,"reason":"unreadable"}"#, "5 taken");
}

#[test]
fn a_state_of_another_shape_is_refused() {
    refused("footfall/v1/acme/berlin-1/a/state", br#"{"v":1}"#, "message is not of version 1");
    refused("footfall/v1/acme/berlin-1/a/state", &vec![b' '; 300_000], "it has 300000 bytes");
}
