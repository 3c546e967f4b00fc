//! Goldens: the whole view as a person sees it.

use super::*;
use crate::app::watch::intake::Arrival;
use crate::ids::{BoxId, StoreId, TenantId};
use crate::wire::topics::{BoxNames, Topics};
use crate::wire::v1::{Batch, V1};
use serde_json::{Value, json};

/// 2025-10-09 08:53:20 UTC, 16:53:20 in Taipei.
const START_MS: i64 = 1_760_000_000_000;

const WIDE: Size = Size { columns: 100, rows: 30 };

fn topics() -> Topics {
    Topics::of(&BoxNames {
        tenant: TenantId::parse("acme").unwrap(),
        store: StoreId::parse("taipei-01").unwrap(),
        box_id: BoxId::parse("door-box").unwrap(),
    })
}

/// Hears messages that come a second apart.
fn heard(messages: &[(&str, Vec<u8>)]) -> WatchState {
    let mut state = WatchState::new(topics());
    state.link = Link::Listening;
    let Topics { records, live, state: state_topic, .. } = topics();
    for (second, (topic, payload)) in (1..).zip(messages) {
        let (topic, qos) = match *topic {
            "records" => (records.clone(), 1),
            "state" => (state_topic.clone(), 1),
            _ => (live.clone(), 0),
        };
        let at = WallTime::from_unix_ms(START_MS + 1000 * second);
        state.take(&Arrival { topic, payload: payload.clone(), qos, at });
    }
    state
}

/// The view `after_s` after the start, in Taipei's time, against text with a margin.
#[track_caller]
fn check(heard: &WatchState, after_s: i64, size: Size, expected: &str) {
    let about = About {
        box_id: "door-box".to_owned(),
        store: "taipei-01".to_owned(),
        tenant: "acme".to_owned(),
        broker: "127.0.0.1:1883".to_owned(),
    };
    let zone = TimeZone::fixed(jiff::tz::offset(8));
    let view =
        View { about: &about, heard, at: WallTime::from_unix_ms(START_MS + 1000 * after_s), zone: &zone };
    let lines: Vec<String> = view.render(size).into_iter().map(|line| line.text).collect();
    let expected: Vec<&str> =
        expected.lines().skip(1).map(|line| line.trim().trim_start_matches('|')).collect();
    assert_eq!(lines.join("\n"), expected[..expected.len() - 1].join("\n"));
    assert!(lines.len() < size.rows && lines.iter().all(|line| measure_text_width(line) <= size.columns));
}

fn state(word: &str, problems: Value) -> (&'static str, Vec<u8>) {
    let message = json!({"v": 1, "state": word, "since_ms": START_MS, "software": "footfall 0.1.0",
        "cameras": [{"camera": "door", "state": "up"}], "outbox": {"waiting": 1, "in_memory": 0}, "problems": problems});
    ("state", message.to_string().into_bytes())
}

fn now(cameras: Value) -> (&'static str, Vec<u8>) {
    let message = json!({"v": 1, "kind": "now", "at_ms": START_MS, "since_ms": START_MS - 86_400_000, "cameras": cameras});
    ("live", message.to_string().into_bytes())
}

fn door_and_back() -> Value {
    json!([
        {"camera": "door", "state": "up", "fps": 9.98, "lines": [{"line": "entrance", "in": 14, "out": 18},
            {"line": "side-entrance", "in": 0, "out": 2}]},
        {"camera": "back", "state": "down", "fps": 0, "lines": [{"line": "yard", "in": 0, "out": 0}]}])
}

fn batch(from: u64, to: u64) -> (&'static str, Vec<u8>) {
    let record = |seq: u64| {
        json!({"seq": seq, "kind": "crossing", "camera": "door", "line": "entrance",
        "direction": if seq.is_multiple_of(3) { "out" } else { "in" }, "frame": 1, "at_ms": 5, "track": 1, "run": 1,
        "geometry": "ab", "model": "m"})
    };
    let records = (from..=to).map(record).collect();
    let (tenant, store, box_id) = ("acme".to_owned(), "taipei-01".to_owned(), "door-box".to_owned());
    (
        "records",
        Batch { v: V1, tenant, store, box_id, sent_ms: 7, kept_from: None, late: false, records }
            .to_gzip()
            .unwrap(),
    )
}

#[test]
fn before_anything_is_heard_it_says_what_it_waits_for() {
    let mut heard = heard(&[]);
    heard.link = Link::Connecting;
    check(
        &heard,
        0,
        WIDE,
        "
        |Box door-box   store taipei-01   acme   16:53:20 +08
        |Broker 127.0.0.1:1883: connecting
        |Nothing heard from this box yet; is `footfall run` running on it?
        |
        |No camera heard of yet
        |
        |Arrived: 0 crossings, 0 minute records in 0 batches; no numbers
        |Last messages
        ",
    );
}

#[test]
fn a_box_that_is_well_shows_its_counts_and_what_arrived() {
    let heard = heard(&[
        state("online", json!([])),
        now(door_and_back()),
        batch(41, 52),
        now(json!([])),
        now(door_and_back()),
    ]);
    check(
        &heard,
        6,
        WIDE,
        r#"
        |Box door-box   store taipei-01   acme   16:53:26 +08
        |Broker 127.0.0.1:1883: connected
        |Online since 16:53:20, no problems, 1 undelivered record on the box; footfall 0.1.0
        |
        |Camera door           up, looks at 10.0 pictures a second
        |  entrance           14 in      18 out
        |  side-entrance       0 in       2 out
        |Camera back           down; it is tried again
        |  yard                0 in       0 out
        |In and out since 2025-10-08 16:53
        |
        |Arrived: 12 crossings, 0 minute records in 1 batch; numbers 41-52 without holes
        |Last messages
        |16:53:21  state    QoS 1  online  {"cameras":[{"camera":"door","state":"up"}],"outbox":{"in_memor...
        |16:53:22  live     QoS 0  now  {"at_ms":1760000000000,"cameras":[{"camera":"door","fps":9.98,"lin...
        |16:53:23  records  QoS 1  12 records (12 crossings) seq 41-52
        |16:53:25  live     QoS 0  newest of 2: now  {"at_ms":1760000000000,"cameras":[{"camera":"door","f...
        "#,
    );
}

#[test]
fn without_current_values_it_sums_the_records_that_arrived() {
    let heard = heard(&[state("online", json!([])), batch(1, 3), batch(2, 6)]);
    check(
        &heard,
        4,
        WIDE,
        r#"
        |Box door-box   store taipei-01   acme   16:53:24 +08
        |Broker 127.0.0.1:1883: connected
        |Online since 16:53:20, no problems, 1 undelivered record on the box; footfall 0.1.0
        |
        |Camera door      up
        |  entrance       4 in       2 out
        |In and out as summed from the records that arrived here
        |
        |Arrived: 6 crossings, 0 minute records in 2 batches; numbers 1-6 without holes; 2 came twice
        |Last messages
        |16:53:21  state    QoS 1  online  {"cameras":[{"camera":"door","state":"up"}],"outbox":{"in_memor...
        |16:53:22  records  QoS 1  3 records (3 crossings) seq 1-3
        |16:53:23  records  QoS 1  5 records (5 crossings) seq 2-6
        "#,
    );
}

#[test]
fn problems_are_told_in_full_also_on_a_phone() {
    let problems = json!([{"about": "camera door", "text": "camera door refuses the connection; check its address",
        "since_ms": START_MS - 3_600_000}]);
    let heard = heard(&[state("online", problems), now(door_and_back())]);
    check(
        &heard,
        2,
        Size { columns: 40, rows: 30 },
        r#"
        |Box door-box   store taipei-01   acme
        |    16:53:22 +08
        |Broker 127.0.0.1:1883: connected
        |Online since 16:53:20, 1 problem, 1
        |    undelivered record on the box;
        |    footfall 0.1.0
        |  ! camera door: camera door refuses the
        |    connection; check its address (since
        |    15:53:20)
        |
        |Camera door           up, looks at 10...
        |  entrance           14 in      18 out
        |  side-entrance       0 in       2 out
        |Camera back           down; it is tri...
        |  yard                0 in       0 out
        |In and out since 2025-10-08 16:53
        |
        |Arrived: 0 crossings, 0 minute records
        |    in 0 batches; no numbers
        |Last messages
        |16:53:21  state    QoS 1  online  {"c...
        |16:53:22  live     QoS 0  now  {"at_m...
        "#,
    );
}

#[test]
fn in_a_low_window_the_cameras_give_way_and_it_never_scrolls() {
    let heard =
        heard(&[state("online", json!([])), batch(1, 1), batch(2, 2), batch(3, 3), now(door_and_back())]);
    check(
        &heard,
        5,
        Size { columns: 80, rows: 14 },
        r#"
        |Box door-box   store taipei-01   acme   16:53:25 +08
        |Broker 127.0.0.1:1883: connected
        |Online since 16:53:20, no problems, 1 undelivered record on the box; footfall
        |    0.1.0
        |
        |Camera door           up, looks at 10.0 pictures a second
        |  ... more than fits this window
        |
        |Arrived: 3 crossings, 0 minute records in 3 batches; numbers 1-3 without holes
        |Last messages
        |16:53:23  records  QoS 1  1 record (1 crossing) seq 2
        |16:53:24  records  QoS 1  1 record (1 crossing) seq 3
        |16:53:25  live     QoS 0  now  {"at_ms":1760000000000,"cameras":[{"camera":"d...
        "#,
    );
    for rows in 1..14 {
        for columns in [1, 3, 4, 17, 80] {
            let lines = heard_in(&heard, Size { columns, rows });
            assert!(lines < rows, "{lines} lines in {rows} rows");
        }
    }
}

fn heard_in(heard: &WatchState, size: Size) -> usize {
    let text = String::new;
    let about = About { box_id: text(), store: text(), tenant: text(), broker: text() };
    View { about: &about, heard, at: WallTime::default(), zone: &TimeZone::UTC }.render(size).len()
}

#[test]
fn a_box_that_was_stopped_or_lost_shows_its_last_counts_as_such() {
    let stopped = heard(&[now(door_and_back()), state("stopped", json!([]))]);
    check(
        &stopped,
        2,
        WIDE,
        r#"
        |Box door-box   store taipei-01   acme   16:53:22 +08
        |Broker 127.0.0.1:1883: connected
        |Stopped on purpose since 16:53:20; it does not count, 1 undelivered record on the box
        |
        |Camera door
        |  entrance           14 in      18 out
        |  side-entrance       0 in       2 out
        |Camera back
        |  yard                0 in       0 out
        |In and out since 2025-10-08 16:53, as last told at 16:53:21
        |
        |Arrived: 0 crossings, 0 minute records in 0 batches; no numbers
        |Last messages
        |16:53:21  live     QoS 0  now  {"at_ms":1760000000000,"cameras":[{"camera":"door","fps":9.98,"lin...
        |16:53:22  state    QoS 1  stopped  {"cameras":[{"camera":"door","state":"up"}],"outbox":{"in_memo...
        "#,
    );
    let lost = heard(&[state("offline", json!([]))]);
    let text = "Offline: the connection made at 16:53:20 was lost; the box may be counting and sends later";
    check(
        &lost,
        2,
        Size { columns: 100, rows: 4 },
        &format!(
            "
        |Box door-box   store taipei-01   acme   16:53:22 +08
        |Broker 127.0.0.1:1883: connected
        |{text}
        "
        ),
    );
}

#[test]
fn current_values_that_stopped_coming_are_not_shown_as_current() {
    let heard = heard(&[now(json!([{"camera": "door", "state": "up", "fps": 10.0, "lines": []}]))]);
    check(
        &heard,
        12,
        Size { columns: 70, rows: 12 },
        r#"
        |Box door-box   store taipei-01   acme   16:53:32 +08
        |Broker 127.0.0.1:1883: connected
        |The box has not told how it is yet
        |
        |Camera door
        |In and out since 2025-10-08 16:53, as last told at 16:53:21
        |
        |Arrived: 0 crossings, 0 minute records in 0 batches; no numbers
        |Last messages
        |16:53:21  live     QoS 0  now  {"at_ms":1760000000000,"cameras":[{"...
        "#,
    );
}

#[test]
fn a_broker_that_is_not_reached_says_why() {
    let mut heard = heard(&[]);
    let problem = "broker 127.0.0.1:1883 cannot be reached (refused); check that it runs".to_owned();
    heard.link = Link::Lost { problem };
    check(
        &heard,
        0,
        Size { columns: 80, rows: 4 },
        "
        |Box door-box   store taipei-01   acme   16:53:20 +08
        |No broker: broker 127.0.0.1:1883 cannot be reached (refused); check that it
        |    runs; it is tried again
        ",
    );
}

#[test]
fn times_and_rates_that_are_nonsense_are_shown_and_harmless() {
    let cameras = json!([{"camera": "door", "state": "up", "fps": 1e308, "lines": []}]);
    let message = json!({"v": 1, "kind": "now", "at_ms": 0, "since_ms": i64::MAX, "cameras": cameras});
    let heard = heard(&[("live", message.to_string().into_bytes())]);
    check(
        &heard,
        1,
        Size { columns: 60, rows: 12 },
        r#"
        |Box door-box   store taipei-01   acme   16:53:21 +08
        |Broker 127.0.0.1:1883: connected
        |The box has not told how it is yet
        |
        |Camera door  up, looks at 9999.0 pictures a second
        |In and out since 9223372036854775807 ms
        |
        |Arrived: 0 crossings, 0 minute records in 0 batches; no
        |    numbers
        |Last messages
        |16:53:21  live     QoS 0  now  {"at_ms":0,"cameras":[{"ca...
        "#,
    );
}

/// The store's part of the view: its lines, without what surrounds them.
#[track_caller]
fn check_store(store: Value, expected: &[&str]) {
    let mut message: Value = serde_json::from_slice(&now(door_and_back()).1).unwrap();
    message["store"] = store;
    let heard = heard(&[("live", message.to_string().into_bytes())]);
    let about = About { box_id: "b".into(), store: "s".into(), tenant: "t".into(), broker: "h:1".into() };
    let zone = TimeZone::UTC;
    let view = View { about: &about, heard: &heard, at: WallTime::from_unix_ms(START_MS), zone: &zone };
    let lines = view.render(WIDE).into_iter().map(|line| line.text);
    let lines: Vec<String> = lines.skip_while(|line| !line.starts_with("Store ")).collect();
    assert_eq!(lines[..expected.len()], *expected);
    assert_eq!(lines[expected.len()], "", "nothing more is told of the store");
}

#[test]
fn the_store_shows_visitors_sales_and_the_share_that_bought() {
    check_store(
        json!({"business_day": "2025-10-09", "people": 4, "entries": 31, "visitors": 28, "transactions": 7,
            "amount_minor": 123_405, "currency": "EUR", "decimals": 2, "conversion": 0.25, "aside": 1}),
        &[
            "Store 2025-10-09",
            "  28 visitors of 31 who came in, 4 inside now",
            "  7 sales, EUR 1234.05; conversion 25.0 %",
            "  ! 1 till entry put aside today; `footfall till` shows why",
        ],
    );
}

#[test]
fn a_conversion_that_would_say_nothing_is_absent_and_says_why() {
    check_store(
        json!({"business_day": "2025-10-09", "entries": 0, "visitors": 0, "transactions": 1, "amount_minor": 5,
            "currency": "TWD", "decimals": 0, "absent": "no_visitors", "aside": 0}),
        &[
            "Store 2025-10-09",
            "  0 visitors of 0 who came in",
            "  1 sale, TWD 5; conversion absent: nobody came in yet",
        ],
    );
}

#[test]
fn a_store_without_a_till_shows_its_visitors_only() {
    check_store(
        json!({"business_day": "2025-10-09", "entries": 1, "visitors": 1, "aside": 0}),
        &["Store 2025-10-09", "  1 visitor of 1 who came in"],
    );
}
