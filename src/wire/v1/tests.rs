//! Every kind of message against the schema, there and back, and the promises to readers.

use super::*;
use crate::analytics::VisitorCounts;
use crate::count::LineRole;
use crate::ids::{LineId, TrackId};
use crate::time::FrameTime;
use crate::track::PlaneName;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../../docs/ref/wire-v1.schema.json");
const TOPICS: &str = include_str!("../../../docs/ref/topics.md");

/// A validator for one of the schema's definitions.
fn definition(name: &str) -> jsonschema::Validator {
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let top = schema.as_object_mut().unwrap();
    top.remove("oneOf").unwrap();
    top.insert("$ref".to_owned(), json!(format!("#/$defs/{name}")));
    jsonschema::validator_for(&schema).unwrap()
}

#[track_caller]
fn check(schema: &str, message: &Value) {
    if let Err(fault) = definition(schema).validate(message) {
        panic!("{message} is not a {schema}: {fault}");
    }
    // What is a message is one of the messages, and no two of them at once.
    if schema != "record" {
        let whole = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
        assert!(whole.is_valid(message), "{message} is not exactly one of the messages");
    }
}

fn made_by() -> MadeBy {
    MadeBy {
        camera: CameraId::parse("door").unwrap(),
        run: WallTime::from_unix_ms(1_760_000_000_000),
        model: "nanodet-g-416-int8".to_owned(),
        geometry: "ab12cd34ef56".to_owned(),
        plane: PlaneName::Image,
    }
}

fn crossing_in_domain() -> count::Crossing {
    count::Crossing {
        line: LineId::parse("entrance").unwrap(),
        direction: count::Direction::In,
        track: TrackId(17),
        frame: 412,
        at: FrameTime::of_run(made_by().run, Duration::from_millis(41_200)),
    }
}

fn minute_in_domain() -> LineMinute {
    LineMinute {
        line: LineId::parse("entrance").unwrap(),
        start: WallTime::from_unix_ms(1_760_000_040_000),
        entries: 3,
        exits: 1,
        role: LineRole::Door,
        visitors: VisitorCounts {
            staff_in: 1,
            staff_out: 0,
            reentries: 1,
            groups: [1, 1, 0, 0, 0],
            passersby: 0,
        },
        seen: Duration::from_micros(59_967_400),
        frames: 599,
        dropped: 1,
        part: true,
        valid: true,
    }
}

fn state(of: BoxStatus) -> State {
    State {
        v: V1,
        state: of,
        since_ms: 1,
        software: "footfall 0.1.0".to_owned(),
        clock_ok: Some(true),
        cameras: vec![CameraState { camera: "door".to_owned(), state: CameraStatus::Up }],
        outbox: Some(OutboxState { waiting: 2, in_memory: 0 }),
        problems: vec![Problem { about: "camera door".into(), text: "refuses".into(), since_ms: 1 }],
        audit: vec![AuditFigure {
            camera: "door".to_owned(),
            line: "entrance".to_owned(),
            accuracy: 0.964,
            low: 0.93,
            high: 0.985,
            minutes: 46,
            people: 312,
            from_ms: 1_760_000_040_000,
            to_ms: 1_761_000_000_000,
            geometry: "ab12cd34ef56".to_owned(),
            model: "nanodet-g-416-int8".to_owned(),
        }],
    }
}

#[test]
fn a_crossing_keeps_every_fact_of_the_domain() {
    let record = Record { seq: 1, fact: Fact::crossing(&made_by(), &crossing_in_domain()) };
    let written = serde_json::to_value(&record).unwrap();
    assert_eq!(
        written,
        json!({"seq": 1, "kind": "crossing", "camera": "door", "line": "entrance", "direction": "in",
            "frame": 412, "at_ms": 1_760_000_041_200_i64, "track": 17, "run": 1_760_000_000_000_i64,
            "geometry": "ab12cd34ef56", "plane": "image", "model": "nanodet-g-416-int8"})
    );
    check("record", &written);
}

#[test]
fn a_minute_tells_seconds_really_seen_to_the_millisecond() {
    let fact = Fact::minute(&made_by(), &minute_in_domain());
    let written = serde_json::to_value(Record { seq: 2, fact }).unwrap();
    assert_eq!(written["seen_s"], json!(59.967));
    assert_eq!(written["part"], json!(true));
    assert_eq!((&written["in"], &written["out"]), (&json!(3), &json!(1)));
    check("record", &written);
}

fn quarter() -> crate::analytics::Quarter {
    let start = WallTime::from_unix_ms(1_760_000_400_000);
    crate::analytics::Quarter { start, seen: Duration::from_millis(899_900), part: false, valid: true }
}

fn flow_in_domain() -> FlowQuarter {
    use crate::analytics::{Place, PlaceNames};
    let lines = vec![LineId::parse("entrance").unwrap()];
    let zones = vec![crate::ids::ZoneId::parse("shoes").unwrap()];
    FlowQuarter {
        quarter: quarter(),
        names: std::sync::Arc::new(PlaceNames { lines, zones }),
        moves: vec![(Place::In(0), Place::Zone(0), 9), (Place::SeenFirst, Place::Staff, 1)],
        other_moves: 2,
        paths: vec![(vec![Place::In(0), Place::Zone(0), Place::Out(0)], 7)],
        other_paths: 1,
        still_inside: vec![(Place::Zone(0), 2)],
    }
}

fn heat_in_domain(cells: usize, seconds: u64) -> HeatQuarter {
    let grid = crate::analytics::Grid {
        space: crate::visitors::Space::FloorM,
        cell: 0.5,
        left: -12.5,
        top: 1.0,
        columns: 64,
        rows: 32,
    };
    let all: Vec<_> = (0..cells).map(|cell| (cell, Duration::from_secs(seconds))).collect();
    HeatQuarter { quarter: quarter(), grid, presence: all.clone(), dwell: all }
}

#[test]
fn a_flow_names_places_so_that_no_zone_can_be_taken_for_a_door() {
    let written =
        serde_json::to_value(Record { seq: 2, fact: Fact::flow(&made_by(), &flow_in_domain()) }).unwrap();
    check("record", &written);
    assert_eq!(written["moves"][0], json!({"from": "in:entrance", "to": "zone:shoes", "people": 9}));
    assert_eq!(written["paths"][0]["zones"], json!(["in:entrance", "zone:shoes", "out:entrance"]));
    assert_eq!(written["end_ms"], json!(1_760_001_300_000_i64));
}

#[test]
fn a_heat_map_in_which_a_hundred_people_stood_everywhere_fits_its_limit() {
    let full = heat_in_domain(crate::analytics::MOST_CELLS, 90_000);
    let written = serde_json::to_value(Record { seq: 2, fact: Fact::heat(&made_by(), &full) }).unwrap();
    check("record", &written);
    assert!(written.to_string().len() <= 60_000, "{} bytes", written.to_string().len());
}

#[test]
fn a_cell_in_which_nobody_was_for_half_a_tenth_of_a_second_is_left_out() {
    let mut heat = heat_in_domain(1, 12);
    heat.dwell[0].1 = Duration::from_millis(49);
    let written = serde_json::to_value(Record { seq: 2, fact: Fact::heat(&made_by(), &heat) }).unwrap();
    check("record", &written);
    assert_eq!((&written["presence"], &written["dwell"]), (&json!([[0, 120]]), &json!([])));
}

#[test]
fn a_track_of_staff_says_why_and_not_who() {
    let staff = crate::visitors::StaffTrack {
        track: TrackId(17),
        since: FrameTime::of_run(made_by().run, Duration::from_secs(3)),
        why: crate::visitors::StaffWhy::Counter,
    };
    let written = serde_json::to_value(Record { seq: 2, fact: Fact::staff(&made_by(), &staff) }).unwrap();
    check("record", &written);
    assert_eq!((&written["why"], &written["since_ms"]), (&json!("counter"), &json!(1_760_000_003_000_i64)));
}

#[test]
fn a_minute_from_before_there_were_visitors_is_one_of_a_door() {
    let mut written = serde_json::to_value(Fact::minute(&made_by(), &minute_in_domain())).unwrap();
    assert_eq!((&written["groups"], &written["staff_in"]), (&json!([1, 1, 0, 0, 0]), &json!(1)));
    for new in ["role", "staff_in", "staff_out", "reentries", "groups", "passersby"] {
        written.as_object_mut().unwrap().remove(new);
    }
    let Fact::Minute(minute) = serde_json::from_value(written).unwrap() else { panic!("a minute") };
    assert_eq!(minute.visitors, MinuteVisitors::default());
}

#[test]
fn a_gap_names_the_numbers_that_never_come() {
    let gap = Gap { from_seq: 1, to_seq: 10_000, reason: GapReason::OutboxCorrupt };
    let written = serde_json::to_value(Record { seq: 10_001, fact: Fact::Gap(gap) }).unwrap();
    assert_eq!(written["reason"], json!("outbox_corrupt"));
    check("record", &written);
}

#[test]
fn what_head_office_tells_a_box_fits_the_schema_and_comes_back() {
    let ack = Ack { v: V1, box_id: "b".to_owned(), watermark: 0, at_ms: 5 };
    check("ack", &serde_json::to_value(&ack).unwrap());
    assert_eq!(Ack::from_json(&serde_json::to_vec(&ack).unwrap()).unwrap(), ack);
    let ask = Backfill { v: V1, box_id: "b".to_owned(), from_seq: 3, to_seq: 9, at_ms: 5 };
    check("backfill", &serde_json::to_value(&ask).unwrap());
    assert_eq!(Backfill::from_json(&serde_json::to_vec(&ask).unwrap()).unwrap(), ask);
    for garbage in [&b"{}"[..], b"", b"[[[[", br#"{"v":2,"box":"b","watermark":1,"at_ms":1}"#] {
        assert!(Ack::from_json(garbage).is_err() && Backfill::from_json(garbage).is_err());
    }
}

#[test]
fn live_messages_carry_no_sequence_number() {
    let crossing = Live::Crossing(Crossing::of(&made_by(), &crossing_in_domain()));
    let written = serde_json::to_value(LiveMessage { v: V1, live: crossing }).unwrap();
    assert_eq!(written.get("seq"), None);
    check("live_crossing", &written);

    let camera = CameraNow {
        camera: "door".to_owned(),
        state: CameraStatus::Up,
        fps: 9.987_654,
        lines: vec![LineTotals { line: "entrance".to_owned(), entries: 14, exits: 18 }],
        zones: vec![ZoneNow { zone: "till".to_owned(), present: 3, visits: 9, queue: Some(2) }],
        conditions: vec!["dark".into()],
    };
    let now = Now { at_ms: 2, since_ms: 1, cameras: vec![camera], store: None };
    let written = serde_json::to_value(LiveMessage { v: V1, live: Live::Now(now) }).unwrap();
    assert_eq!(written["cameras"][0]["fps"], json!(9.99));
    check("live_now", &written);
}

#[test]
fn a_rate_that_is_no_number_is_written_as_zero() {
    let camera = CameraNow {
        camera: "c".into(),
        state: CameraStatus::Down,
        fps: f64::NAN,
        lines: vec![],
        zones: vec![],
        conditions: vec![],
    };
    assert_eq!(serde_json::to_value(camera).unwrap()["fps"], json!(0.0));
}

#[test]
fn every_state_of_a_box_fits_the_schema() {
    for status in [BoxStatus::Online, BoxStatus::Offline, BoxStatus::Stopped] {
        check("state", &serde_json::to_value(state(status)).unwrap());
    }
    let will = State { cameras: vec![], outbox: None, problems: vec![], ..state(BoxStatus::Offline) };
    let written = serde_json::to_value(will).unwrap();
    assert_eq!(written.get("outbox"), None);
    check("state", &written);
}

#[test]
fn the_schema_refuses_what_we_never_write() {
    let mut written = serde_json::to_value(state(BoxStatus::Online)).unwrap();
    written["surprise"] = json!(1);
    assert!(!definition("state").is_valid(&written));
    assert!(!definition("record").is_valid(&json!({"seq": 1, "kind": "crossing"})));
}

#[test]
fn an_old_reader_passes_over_new_fields_and_keeps_the_number_of_a_new_kind() {
    let text = r#"{"v":1,"tenant":"a","store":"b","box":"c","sent_ms":5,"mood":"fine","records":[
        {"seq":7,"kind":"gap","from_seq":1,"to_seq":6,"reason":"outbox_missing","more":[]},
        {"seq":8,"kind":"visit","zone":"shoes"}]}"#;
    let batch: Batch<AnyRecord> = serde_json::from_str(text).unwrap();
    assert!(matches!(&batch.records[0], AnyRecord::Known(record) if record.seq == 7));
    assert_eq!(batch.records[1], AnyRecord::Unknown { seq: 8, kind: "visit".to_owned() });
    assert_eq!(batch.records[1].seq(), 8);
}

#[test]
fn a_minute_from_before_moved_cameras_were_noticed_is_valid() {
    let mut written = serde_json::to_value(Fact::minute(&made_by(), &minute_in_domain())).unwrap();
    assert_eq!(written.as_object_mut().unwrap().remove("valid"), Some(json!(true)));
    match serde_json::from_value(written).unwrap() {
        Fact::Minute(minute) => assert!(minute.valid),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_of_another_version_is_refused() {
    let mut written = serde_json::to_value(state(BoxStatus::Online)).unwrap();
    written["v"] = json!(2);
    let fault = WireError::from(serde_json::from_value::<State>(written).unwrap_err());
    assert_eq!(fault.to_string(), "message is not of version 1: version 2 is not known, only 1");
}

#[test]
fn what_is_not_gzip_and_what_unpacks_without_end_is_refused() {
    assert!(matches!(Batch::from_gzip(b"no"), Err(WireError::Unpack { len: 2, .. })));
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..=MAX_BATCH_BYTES / 65_536 {
        bomb.write_all(&[b' '; 65_536]).unwrap();
    }
    assert!(matches!(Batch::from_gzip(&bomb.finish().unwrap()), Err(WireError::TooLarge { .. })));
}

#[test]
fn a_negative_span_is_no_span() {
    let mut written = serde_json::to_value(Fact::minute(&made_by(), &minute_in_domain())).unwrap();
    for wrong in [json!(-0.5), json!(1e300), json!("x")] {
        written["seen_s"] = wrong;
        assert!(serde_json::from_value::<Fact>(written.clone()).is_err());
    }
}

#[test]
fn lines_of_events_are_the_wires_own_records_numbered_from_one() {
    let mut lines = JsonLines::new(Vec::new());
    lines.write(Fact::crossing(&made_by(), &crossing_in_domain())).unwrap();
    lines.write(Fact::minute(&made_by(), &minute_in_domain())).unwrap();
    let text = String::from_utf8(lines.finish().unwrap()).unwrap();
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.iter().map(|r| r["seq"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    records.iter().for_each(|record| check("record", record));
}

#[test]
fn what_a_box_says_of_itself_fits_the_schema_and_comes_back() {
    let camera = fleet::CameraHealth {
        camera: "door".to_owned(),
        state: CameraStatus::Up,
        fps: 9.75,
        inference_ms: None,
        inference_p95_ms: None,
        dropped: 3,
        conditions: Vec::new(),
    };
    let health = fleet::Health {
        v: V1,
        at_ms: 1_760_000_060_000,
        since_ms: 1_760_000_000_000,
        software: "footfall 0.1.0".to_owned(),
        os: None,
        arch: "x86_64".to_owned(),
        clock_ok: true,
        temperature_c: None,
        disk_free: None,
        disk_size: None,
        memory_free: None,
        memory_size: None,
        memory_used: None,
        load: None,
        cameras: vec![camera],
        waiting: 0,
        behind_s: None,
        discarded: 0,
        config: 0,
        certificate_until_ms: None,
    };
    let told = serde_json::to_value(&health).unwrap();
    check("health", &told);
    assert_eq!(serde_json::from_value::<fleet::Health>(told).unwrap(), health);
    let picture =
        fleet::Picture { camera: "door".to_owned(), taken_ms: 1, people: 2, jpeg: "/9j/".to_owned() };
    for (outcome, picture) in [
        (fleet::CommandOutcome::Done, Some(picture)),
        (fleet::CommandOutcome::Refused, None),
        (fleet::CommandOutcome::Expired, None),
        (fleet::CommandOutcome::Failed, None),
    ] {
        let (id, detail) = ("c-1".to_owned(), String::new());
        let result = fleet::CommandResult { v: V1, id, outcome, detail, at_ms: 1, picture };
        let told = serde_json::to_value(&result).unwrap();
        check("command_result", &told);
        assert_eq!(serde_json::from_value::<fleet::CommandResult>(told).unwrap(), result);
    }
    for kind in [
        fleet::CommandKind::Snapshot { camera: "door".to_owned() },
        fleet::CommandKind::RestartCamera { camera: "door".to_owned() },
        fleet::CommandKind::Reread,
    ] {
        let (id, asked_by, why) = ("c-1".to_owned(), "eva".to_owned(), String::new());
        let command = fleet::Command { v: V1, id, kind, expires_ms: 1, asked_by, why };
        let told = serde_json::to_value(&command).unwrap();
        check("command", &told);
        assert_eq!(serde_json::from_value::<fleet::Command>(told).unwrap(), command);
    }
}

/// The examples in the page are the promise that people read; `<!-- schema: NAME -->` before a
/// block says what it is an example of.
#[test]
fn every_example_in_the_topics_page_fits_the_schema() {
    let mut seen = Vec::new();
    for part in TOPICS.split("<!-- schema: ").skip(1) {
        let (name, rest) = part.split_once(" -->").unwrap();
        let block = rest.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
        check(name, &serde_json::from_str(block).unwrap());
        seen.push(name);
    }
    // What the box is told is no message of ours; tests/asyncapi.rs has it read by those who take it.
    let told = TOPICS.matches("<!-- feed: ").count();
    assert_eq!(TOPICS.matches("```json").count(), seen.len() + told, "an example has no marker");
    for needed in ["batch", "record", "live_crossing", "live_now", "state"] {
        assert!(seen.contains(&needed), "no example of a {needed}");
    }
}

/// A field that the page does not explain is a field that nobody can use.
#[test]
fn every_field_of_the_schema_is_explained_in_the_topics_page() {
    fn fields(schema: &Value, found: &mut Vec<String>) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            found.extend(properties.keys().cloned());
        }
        match schema {
            Value::Object(map) => map.values().for_each(|inner| fields(inner, found)),
            Value::Array(list) => list.iter().for_each(|inner| fields(inner, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    fields(&serde_json::from_str(SCHEMA).unwrap(), &mut found);
    for field in found {
        assert!(TOPICS.contains(&format!("| `{field}` |")), "docs/ref/topics.md does not explain `{field}`");
    }
}

fn any_id() -> impl Strategy<Value = String> {
    "[a-z0-9_-]{1,64}"
}

fn any_crossing() -> impl Strategy<Value = Crossing> {
    let ids = (any_id(), any_id(), "[a-f0-9]{12}", any_id());
    (ids, any::<bool>(), any::<u64>(), any::<i64>(), any::<u64>(), any::<i64>()).prop_map(
        |((camera, line, geometry, model), inward, frame, at_ms, track, run)| Crossing {
            camera,
            line,
            direction: if inward { Direction::In } else { Direction::Out },
            frame,
            at_ms,
            track,
            run,
            geometry,
            plane: "image".to_owned(),
            model,
        },
    )
}

fn any_minute() -> impl Strategy<Value = Minute> {
    let ids = (any_id(), any_id(), "[a-f0-9]{12}", any_id());
    let counts = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>());
    (ids, counts, -9_000_000..30_000_000_i64, 0..=60_000_u64, any::<[bool; 2]>(), any::<i64>()).prop_map(
        |(
            (camera, line, geometry, model),
            (entries, exits, frames, dropped),
            minute,
            seen_ms,
            [part, valid],
            run,
        )| {
            Minute {
                camera,
                line,
                start_ms: minute * 60_000,
                entries,
                exits,
                visitors: MinuteVisitors::default(),
                seen: Duration::from_millis(seen_ms),
                frames,
                dropped,
                part,
                valid,
                model,
                geometry,
                plane: "image".to_owned(),
                run,
            }
        },
    )
}

fn any_fact() -> impl Strategy<Value = Fact> {
    let reason = prop_oneof![
        Just(GapReason::OutboxCorrupt),
        Just(GapReason::OutboxMissing),
        Just(GapReason::OutboxOutdated),
        Just(GapReason::Unreadable),
        Just(GapReason::GivenUp)
    ];
    prop_oneof![
        any_crossing().prop_map(Fact::Crossing),
        any_minute().prop_map(Fact::Minute),
        (1..u64::MAX, 1..u64::MAX, reason).prop_map(|(from_seq, to_seq, reason)| Fact::Gap(Gap {
            from_seq,
            to_seq,
            reason
        })),
    ]
}

proptest! {
    #[test]
    fn any_batch_comes_back_as_it_was_sent(
        facts in prop::collection::vec(any_fact(), 0..20),
        kept_from: Option<u64>,
        late: bool,
    ) {
        let records: Vec<Record> =
            facts.into_iter().zip(1..).map(|(fact, seq)| Record { seq, fact }).collect();
        let batch = Batch {
            v: V1,
            tenant: "t".to_owned(),
            store: "s".to_owned(),
            box_id: "b".to_owned(),
            sent_ms: 5,
            kept_from,
            late,
            records: records.clone(),
        };
        let back = Batch::from_gzip(&batch.to_gzip().unwrap()).unwrap();
        prop_assert_eq!((back.kept_from, back.late), (kept_from, late));
        prop_assert_eq!(back.records, records.into_iter().map(AnyRecord::Known).collect::<Vec<_>>());
    }

    #[test]
    fn a_fact_of_a_wrong_clock_keeps_its_sums_and_gets_the_right_time(fact in any_fact(), by_ms in -9_000_000_000_000_i64..9_000_000_000_000) {
        let moved = fact.clone().shifted(by_ms);
        match (fact, moved.clone()) {
            (Fact::Crossing(before), Fact::Crossing(after)) => {
                let (at_ms, run) = (before.at_ms.saturating_add(by_ms), before.run.saturating_add(by_ms));
                prop_assert_eq!(after, Crossing { at_ms, run, ..before });
            }
            (Fact::Minute(before), Fact::Minute(after)) => {
                prop_assert_eq!(after.start_ms.rem_euclid(60_000), 0);
                prop_assert!((before.start_ms + by_ms).abs_diff(after.start_ms) <= 30_000);
                prop_assert_eq!((after.entries, after.exits, after.seen), (before.entries, before.exits, before.seen));
                prop_assert!(after.part || by_ms == 0);
            }
            (before, after) => prop_assert_eq!(before, after),
        }
        let record = Record { seq: 1, fact: moved };
        check("record", &serde_json::to_value(UndatedRecord { record, undated: true }).unwrap());
    }

    #[test]
    fn any_record_fits_the_schema(fact in any_fact(), seq in 1..u64::MAX) {
        check("record", &serde_json::to_value(Record { seq, fact }).unwrap());
    }
}
