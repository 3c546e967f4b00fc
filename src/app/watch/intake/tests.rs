//! Messages in, as the box sends them and as it never would.

use super::*;
use crate::ids::{BoxId, StoreId, TenantId};
use crate::wire::topics::BoxNames;
use proptest::prelude::*;
use serde_json::{Value, json};

fn topics() -> Topics {
    Topics::of(&BoxNames {
        tenant: TenantId::parse("acme").unwrap(),
        store: StoreId::parse("berlin-1").unwrap(),
        box_id: BoxId::parse("door-box").unwrap(),
    })
}

fn heard(messages: &[(&str, &[u8])]) -> WatchState {
    let mut state = WatchState::new(topics());
    for (number, (topic, payload)) in messages.iter().enumerate() {
        let topic = match *topic {
            "records" => topics().records,
            "live" => topics().live,
            "state" => topics().state,
            "ack" => topics().ack,
            "backfill" => topics().backfill,
            other => other.to_owned(),
        };
        let at = WallTime::from_unix_ms(1000 * i64::try_from(number).unwrap());
        state.take(&Arrival { topic, payload: payload.to_vec(), qos: 1, at });
    }
    state
}

/// What is shown for messages, one line each.
#[track_caller]
fn check(messages: &[(&str, &[u8])], expected: &[&str]) -> WatchState {
    let state = heard(messages);
    let shown: Vec<String> = state
        .messages()
        .map(|shown| match shown.times {
            1 => format!("{} {}", shown.topic, shown.text),
            times => format!("{} {} x{times}", shown.topic, shown.text),
        })
        .collect();
    assert_eq!(shown, expected);
    state
}

#[test]
fn what_head_office_says_to_the_box_is_shown_in_words() {
    check(
        &[
            ("ack", br#"{"v":1,"box":"door-box","watermark":33,"at_ms":5}"#),
            ("backfill", br#"{"v":1,"box":"door-box","from_seq":4,"to_seq":9,"at_ms":5}"#),
        ],
        &[
            "ack head office has stored everything up to seq 33",
            "backfill head office asks for seq 4-9 again",
        ],
    );
}

fn crossing(seq: u64, direction: &str) -> Value {
    json!({"seq": seq, "kind": "crossing", "camera": "door", "line": "entrance", "direction": direction, "frame": 1,
        "at_ms": 5, "track": 1, "run": 1, "geometry": "ab", "model": "m"})
}

fn minute(seq: u64) -> Value {
    json!({"seq": seq, "kind": "minute", "camera": "door", "line": "back", "start_ms": 0, "in": 0, "out": 0,
        "seen_s": 60.0, "frames": 600, "dropped": 0, "part": false, "model": "m", "geometry": "ab", "run": 1})
}

fn batch(records: Vec<Value>) -> Vec<u8> {
    let (tenant, store, box_id) = ("acme".to_owned(), "berlin-1".to_owned(), "door-box".to_owned());
    let batch = Batch {
        v: crate::wire::v1::V1,
        tenant,
        store,
        box_id,
        sent_ms: 7,
        kept_from: None,
        late: false,
        records,
    };
    batch.to_gzip().unwrap()
}

fn totals(state: &WatchState) -> Vec<(&str, u64, u64)> {
    state.sums.iter().map(|((_, line), sum)| (line.as_str(), sum.entries, sum.exits)).collect()
}

const NOW: &[u8] = br#"{"v":1,"kind":"now","at_ms":1,"since_ms":0,"cameras":[]}"#;

#[test]
fn a_batch_is_unpacked_and_told_in_words() {
    let records = batch(vec![crossing(41, "in"), crossing(42, "out"), crossing(43, "in"), minute(44)]);
    let state = check(&[("records", &records)], &["records 4 records (3 crossings, 1 minute) seq 41-44"]);
    assert_eq!((state.received.crossings, state.received.minutes, state.received.batches), (3, 1, 1));
    assert_eq!(totals(&state), [("back", 0, 0), ("entrance", 2, 1)]);
}

#[test]
fn a_batch_that_comes_again_counts_once() {
    let first = batch(vec![crossing(1, "in"), crossing(2, "in")]);
    let again = batch(vec![crossing(1, "in"), crossing(2, "in"), crossing(4, "out")]);
    let state = heard(&[("records", &first), ("records", &again)]);
    assert_eq!((state.received.crossings, state.received.again), (3, 2));
    assert_eq!(state.received.numbers.words(), "numbers 1-4; missing 3");
    assert_eq!(totals(&state), [("entrance", 2, 1)]);
}

#[test]
fn a_gap_record_explains_a_hole() {
    let gap = json!({"seq": 10, "kind": "gap", "from_seq": 2, "to_seq": 9, "reason": "outbox_corrupt"});
    let records = batch(vec![crossing(1, "in"), gap]);
    let state = check(&[("records", &records)], &["records 2 records (1 crossing, 1 gap) seq 1-10"]);
    assert_eq!(
        (state.received.lost, state.received.numbers.words()),
        (8, "numbers 1-10 without holes".to_owned())
    );
}

#[test]
fn a_record_of_a_newer_kind_keeps_its_number() {
    let records = batch(vec![crossing(1, "in"), json!({"seq": 2, "kind": "visit", "dwell_s": 4.0})]);
    let state =
        check(&[("records", &records)], &["records 2 records (1 crossing, 1 unknown record) seq 1-2"]);
    assert_eq!(state.received.numbers.words(), "numbers 1-2 without holes");
}

#[test]
fn current_values_take_the_place_of_the_ones_before_them() {
    let state = check(
        &[("live", NOW), ("live", NOW), ("state", b"{}"), ("live", NOW)],
        &[
            "live now  {\"v\":1,\"kind\":\"now\",\"at_ms\":1,\"since_ms\":0,\"cameras\":[]} x2",
            "state not understood: missing field `v` at line 1 column 2",
            "live now  {\"v\":1,\"kind\":\"now\",\"at_ms\":1,\"since_ms\":0,\"cameras\":[]}",
        ],
    );
    assert_eq!(state.now.map(|(_, arrived)| arrived), Some(WallTime::from_unix_ms(3000)));
}

#[test]
fn a_state_of_stopped_is_noticed_and_one_that_is_online_again_too() {
    let state = |word: &str| {
        format!(r#"{{"v":1,"state":"{word}","since_ms":1,"software":"f","cameras":[],"problems":[]}}"#)
    };
    let (stopped, online) = (state("stopped"), state("online"));
    assert!(heard(&[("state", stopped.as_bytes())]).is_stopped());
    assert!(!heard(&[("state", stopped.as_bytes()), ("state", online.as_bytes())]).is_stopped());
    assert!(!heard(&[("state", b"stopped")]).is_stopped());
}

#[test]
fn a_crossing_says_its_direction_before_the_terminal_cuts_it() {
    let mut copy = crossing(0, "out");
    let fields = copy.as_object_mut().unwrap();
    fields.remove("seq");
    fields.insert("v".to_owned(), json!(1));
    let payload = copy.to_string();
    let state = check(&[("live", payload.as_bytes())], &[&format!("live out over entrance  {payload}")]);
    assert_eq!((state.received.crossings, state.sums.len()), (0, 0), "a copy is not added up");
}

#[test]
fn what_is_not_understood_says_why() {
    let state = check(
        &[
            ("records", b"{\"this\": \"is not gzip\"}"),
            ("live", b"\xff\xfe"),
            ("live", br#"{"v":2,"kind":"now"}"#),
            ("footfall/v1/acme/berlin-1/door-box/else", b"1"),
        ],
        &[
            "records not understood: batch of 23 bytes cannot be unpacked: invalid gzip header",
            "live not understood: expected value at line 1 column 1",
            "live not understood: version 2 is not known, only 1 at line 1 column 6",
            "footfall/v1/acme/berlin-1/door-box/else not understood: this topic is none of the box's",
        ],
    );
    assert_eq!((state.received.not_understood, state.received.messages), (4, 4));
}

#[test]
fn text_from_outside_cannot_steer_the_terminal() {
    let payload = r#"{"v":1,"state":"online","since_ms":1,"software":"\u001b[2Jf","cameras":[],
        "problems":[{"about":"a\u0007","text":"b\nc\u202e","since_ms":1}]}"#;
    let raw = "{\u{1b}[2J\r\n\u{9b}31m\u{202e}".as_bytes();
    let state = check(
        &[("live", raw), ("x\u{1b}]0;t\u{7}", b"")],
        &[
            "live not understood: key must be a string at line 1 column 2",
            "x ]0;t not understood: this topic is none of the box's",
        ],
    );
    drop(state);
    let told = heard(&[("state", payload.as_bytes())]).state.unwrap();
    assert_eq!((told.software.as_str(), told.problems[0].about.as_str()), ("[2Jf", "a"));
    assert_eq!(told.problems[0].text, "b c");
}

#[test]
fn only_the_last_messages_and_a_bounded_text_of_each_are_kept() {
    let long = format!("{:>9000}", "é".repeat(8000));
    let messages: Vec<(&str, &[u8])> = (0..100).map(|_| ("elsewhere", long.as_bytes())).collect();
    assert_eq!(heard(&messages).messages().len(), MESSAGES_KEPT);
    assert_eq!(one_line("é".repeat(8000).as_bytes()).chars().count(), TEXT_KEPT);
}

#[test]
fn a_sender_of_nonsense_cannot_name_lines_without_end() {
    let mut record = crossing(0, "in");
    let records = (0..2000_u64)
        .map(|seq| {
            record["seq"] = json!(seq);
            record["line"] = json!(format!("line-{seq}"));
            record.clone()
        })
        .collect();
    let state = heard(&[("records", &batch(records))]);
    assert_eq!((state.sums.len(), state.received.crossings), (LINES_SUMMED, 2000));
}

proptest! {
    #[test]
    fn no_payload_makes_it_panic_or_leaves_a_control_character(
        topic in prop_oneof![Just("records"), Just("live"), Just("state"), Just("\u{1b}")],
        payload in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let state = heard(&[(topic, &payload)]);
        let clean = |text: &str| !text.chars().any(char::is_control);
        prop_assert!(state.messages().all(|shown| clean(&shown.text) && clean(&shown.topic)));
    }

    #[test]
    fn no_damage_to_a_real_message_makes_it_panic(at in 0_usize..400, with in any::<u8>()) {
        let mut packed = batch(vec![crossing(1, "in"), minute(2)]);
        let mut plain = serde_json::to_vec(&json!({"v": 1, "kind": "now", "at_ms": 1, "since_ms": 0,
            "cameras": [{"camera": "door", "state": "up", "fps": 1.0, "lines": [{"line": "a", "in": 1, "out": 2}]}]}))
            .unwrap();
        let (packed_at, plain_at) = (at % packed.len(), at % plain.len());
        packed[packed_at] = with;
        plain[plain_at] = with;
        let state = heard(&[("records", &packed), ("live", &plain), ("state", &plain)]);
        prop_assert_eq!(state.received.messages, 3);
    }
}
