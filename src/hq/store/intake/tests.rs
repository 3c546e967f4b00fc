use super::*;
use crate::hq::ingest::read;
use crate::hq::store::retention::Retention;
use crate::wire::v1::Transaction as TillTransaction;
use crate::wire::v1::{AnyRecord, Batch, Decimal, Fact, Gap, Maker, MinuteVisitors, Range, Record, Rule, V1};
use proptest::prelude::*;
use serde_json::value::RawValue;
use std::time::Duration;

/// 2026-11-22T08:00:00Z, a Sunday.
const EIGHT: i64 = 1_795_334_400_000;

struct World {
    store: Store,
    _folder: tempfile::TempDir,
}

impl World {
    /// One tenant, `pieces` of the clock of its only store, boxes `a` and `b`; always open.
    fn new(pieces: &[(i64, &str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("hq.sqlite")).unwrap();
        store
            .write::<_, StoreError>(|all| {
                all.execute_batch(
                    "INSERT INTO tenant VALUES (1, 'acme', 'Acme');
                    INSERT INTO store VALUES (1, 1, NULL, 'berlin-1', 'Berlin', 'EUR', 2, '{}', '{}', 0.9, 0, NULL);
                    INSERT INTO box (box_id, store_id, name) VALUES (1, 1, 'a'), (2, 1, 'b');",
                )?;
                for (from_ms, zone, begins) in pieces {
                    all.execute("INSERT INTO store_clock VALUES (1, ?1, ?2, ?3)", (from_ms, zone, begins))?;
                }
                Ok(())
            })
            .unwrap();
        Self { store, _folder: folder }
    }

    fn utc() -> Self {
        Self::new(&[(0, "UTC", "00:00")])
    }

    fn take(&self, arrivals: &[Arrival]) -> Taken {
        self.store.take(arrivals).unwrap()
    }

    fn send(&self, name: &str, facts: &[(u64, Fact)]) -> Taken {
        self.take(&[batch(name, None, facts)])
    }

    /// Rows of a query, their columns with a space between, one a line.
    fn rows(&self, sql: &str) -> String {
        self.store
            .read(|ask| {
                let mut select = ask.prepare(sql)?;
                let columns = select.column_count();
                let text = |row: &rusqlite::Row<'_>| -> rusqlite::Result<String> {
                    let value = |at: usize| -> rusqlite::Result<String> {
                        Ok(match row.get::<_, rusqlite::types::Value>(at)? {
                            rusqlite::types::Value::Null => "-".to_owned(),
                            rusqlite::types::Value::Integer(number) => number.to_string(),
                            rusqlite::types::Value::Real(number) => number.to_string(),
                            rusqlite::types::Value::Text(text) => text,
                            rusqlite::types::Value::Blob(_) => "blob".to_owned(),
                        })
                    };
                    let all: rusqlite::Result<Vec<_>> = (0..columns).map(value).collect();
                    Ok(all?.join(" "))
                };
                let rows: rusqlite::Result<Vec<_>> = select.query_map([], text)?.collect();
                Ok(rows?.join("\n"))
            })
            .unwrap()
    }

    #[track_caller]
    fn check(&self, sql: &str, expected: &str) {
        assert_eq!(self.rows(sql), expected, "{sql}");
    }
}

fn arrival(topic: &str, payload: Vec<u8>) -> Arrival {
    let received_at = WallTime::from_unix_ms(EIGHT + 30 * 86_400_000);
    let read = read::message(topic, &payload, received_at);
    Arrival { topic: topic.to_owned(), payload, received_at, read }
}

fn batch(name: &str, kept_from: Option<u64>, facts: &[(u64, Fact)]) -> Arrival {
    let text = |(seq, fact): &(u64, Fact)| {
        serde_json::value::to_raw_value(&Record { seq: *seq, fact: fact.clone() }).unwrap()
    };
    texts(name, kept_from, facts.iter().map(text).collect())
}

fn texts(name: &str, kept_from: Option<u64>, records: Vec<Box<RawValue>>) -> Arrival {
    let batch = Batch {
        v: V1,
        tenant: "acme".to_owned(),
        store: "berlin-1".to_owned(),
        box_id: name.to_owned(),
        sent_ms: EIGHT,
        kept_from,
        late: false,
        records,
    };
    arrival(&format!("footfall/v1/acme/berlin-1/{name}/records"), batch.to_gzip().unwrap())
}

fn minute_of(line: &str, start_ms: i64, entries: u32) -> Minute {
    Minute {
        camera: "door".to_owned(),
        line: line.to_owned(),
        start_ms,
        entries,
        exits: 1,
        visitors: MinuteVisitors { groups: [entries, 0, 0, 0, 0], ..MinuteVisitors::default() },
        seen: Duration::from_secs(60),
        frames: 600,
        dropped: 0,
        part: false,
        valid: true,
        model: "m".to_owned(),
        geometry: "g".to_owned(),
        plane: "image".to_owned(),
        run: 7,
    }
}

fn minute(start_ms: i64, entries: u32) -> Fact {
    Fact::Minute(minute_of("in", start_ms, entries))
}

fn maker() -> Maker {
    let text = |text: &str| text.to_owned();
    Maker { camera: text("door"), model: text("m"), geometry: text("g"), plane: text("image"), run: 7 }
}

fn zone_minute(start_ms: i64, visits: u32, most: u32, valid: bool) -> Fact {
    Fact::ZoneMinute(ZoneMinute {
        zone: "shelf".to_owned(),
        start_ms,
        seen: Duration::from_secs(30),
        frames: 300,
        part: true,
        valid,
        visits,
        engaged: visits / 2,
        staff_visits: 0,
        present: Some(Range { min: 0, max: most, mean: Decimal::of(0.5) }),
        person_ms: 1000,
        staff_person_ms: 0,
        rule: Rule { visit_after_ms: 1, leave_after_ms: 1, engaged_after_ms: 1 },
        maker: maker(),
    })
}

const HOURS: &str =
    "SELECT strftime('%dT%H:%M', hour * 60, 'unixepoch'), entries, seen_ms / 60000, complete FROM store_hour";
const DAYS: &str =
    "SELECT date(business_day * 86400, 'unixepoch'), entries, hours, incomplete_hours FROM store_day";

#[test]
fn a_record_counts_once_however_often_it_comes() {
    let world = World::utc();
    let facts = [(1, minute(EIGHT, 3)), (2, minute(EIGHT + 60_000, 4))];
    assert_eq!((world.send("a", &facts).new, world.send("a", &facts).new), (2, 0));
    let again = world.take(&[batch("a", None, &facts), batch("a", None, &facts)]);
    assert_eq!((again.duplicates, again.marks[0].watermark), (4, 2));
    world.check(HOURS, "22T08:00 7 2 0");
    world.check("SELECT first_seq, last_seq FROM received", "1 2");
    world.check(
        "SELECT sum(entries), groups FROM line_minute GROUP BY groups ORDER BY 1",
        "3 [3,0,0,0,0]\n4 [4,0,0,0,0]",
    );
}

#[test]
fn parts_of_a_minute_add_up_and_nothing_sees_more_than_all_of_it() {
    let world = World::utc();
    let part = |entries, seconds, valid| {
        let seen = Duration::from_secs(seconds);
        Fact::Minute(Minute { seen, valid, ..minute_of("in", EIGHT, entries) })
    };
    world.send("a", &[(1, part(1, 40, true)), (2, part(2, 30, true))]);
    world.check("SELECT entries, exits, seen_ms, valid FROM line_minute", "3 2 60000 1");
    world.check("SELECT entries, open_seen_ms FROM line_hour", "3 60000");
    // A part that says later that the camera was moved takes the minute out of the hour.
    world.send("a", &[(3, part(0, 0, false))]);
    world.check("SELECT entries, valid FROM line_minute", "3 0");
    world.check("SELECT entries, open_seen_ms FROM line_hour", "0 0");
}

#[test]
fn a_minute_that_turns_out_not_valid_takes_its_highest_value_with_it() {
    let world = World::utc();
    let facts = [(1, zone_minute(EIGHT, 2, 9, true)), (2, zone_minute(EIGHT + 60_000, 1, 4, true))];
    world.send("a", &facts);
    world.check("SELECT visits, most_present FROM zone_hour", "3 9");
    world.send("a", &[(3, zone_minute(EIGHT, 0, 0, false))]);
    world.check("SELECT visits, most_present FROM zone_hour", "1 4");
    world.check("SELECT visits, open_ms / 3600000 FROM zone_day", "1 1");
}

#[test]
fn a_hole_holds_the_watermark_until_it_is_filled_or_said_to_be_lost() {
    let world = World::utc();
    assert_eq!(world.send("a", &[(1, minute(EIGHT, 1)), (4, minute(EIGHT, 1))]).marks[0].watermark, 1);
    assert_eq!(world.store.missing(9).unwrap()[0].1, [(2, 3)]);
    let gap = Gap { from_seq: 2, to_seq: 4, reason: GapReason::OutboxCorrupt };
    assert_eq!(world.send("a", &[(5, Fact::Gap(gap))]).marks[0].watermark, 5);
    world.check("SELECT first_seq, last_seq, why FROM lost", "2 3 the box's outbox was corrupt");
    assert!(world.store.missing(9).unwrap().is_empty());
    // One that comes all the same is taken, and is lost no more.
    world.send("a", &[(3, minute(EIGHT, 5))]);
    world.check("SELECT first_seq, last_seq FROM lost", "2 2");
    world.check("SELECT entries FROM line_minute", "7");
}

#[test]
fn what_a_box_holds_no_longer_never_comes() {
    let world = World::utc();
    let taken = world.take(&[batch("a", Some(10), &[(10, minute(EIGHT, 1)), (12, minute(EIGHT, 1))])]);
    assert_eq!(taken.marks[0].watermark, 10);
    world.check("SELECT first_seq, last_seq, why FROM lost", "1 9 the box no longer holds them");
    // More than it sends itself is not believed.
    let taken = world.take(&[batch("a", Some(1000), &[(13, minute(EIGHT, 1))])]);
    assert_eq!(taken.marks[0].watermark, 10);
}

#[test]
fn a_bad_record_goes_aside_gives_up_its_number_and_does_not_hold_up_the_others() {
    let world = World::utc();
    let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
    let good = serde_json::value::to_raw_value(&Record { seq: 1, fact: minute(EIGHT, 1) }).unwrap();
    let deep = format!("{{\"seq\":3,\"kind\":\"visit\",\"zone\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    let records = vec![
        good,
        raw(r#"{"seq":2,"kind":"minute","camera":"door"}"#),
        raw(&deep),
        raw(r#"{"seq":4,"kind":"of_tomorrow","at_ms":1795334400000,"x":1}"#),
        raw(r#"{"kind":"minute"}"#),
        raw("7"),
    ];
    let taken = world.take(&[texts("a", None, records.clone())]);
    assert_eq!((taken.new, taken.aside, taken.marks[0].watermark), (4, 4, 4));
    world.check("SELECT seq, kind FROM event", "4 of_tomorrow");
    world.check("SELECT box_id, bytes > 0 FROM aside LIMIT 1", "1 1");
    // Again: only what has no number is put aside again.
    assert_eq!(world.take(&[texts("a", None, records)]).aside, 2);
}

#[test]
fn nothing_is_taken_of_a_box_that_the_register_does_not_know_there() {
    let world = World::utc();
    let taken = world.send("c", &[(1, minute(EIGHT, 1))]);
    assert_eq!((taken.strangers, taken.new, taken.marks.len()), (1, 0, 0));
    world.check("SELECT topic, box, messages FROM stranger", "footfall/v1/acme/berlin-1/c c 1");
    // A wrong box under a right name: topic and payload differ.
    let payload = batch("b", None, &[(1, minute(EIGHT, 1))]).payload;
    let taken = world.take(&[arrival("footfall/v1/acme/berlin-1/a/records", payload)]);
    assert_eq!((taken.aside, taken.new), (1, 0));
    world.check("SELECT reason FROM aside", "it names acme/berlin-1/b, its topic names acme/berlin-1/a");
    world.check("SELECT count(*) FROM received", "0");
}

#[test]
fn an_hour_in_which_nothing_came_is_there_and_saw_nothing() {
    let world = World::utc();
    world.send("a", &[(1, minute(EIGHT, 1)), (2, minute(EIGHT + 3 * 3_600_000, 2))]);
    world.check(HOURS, "22T08:00 1 1 0\n22T09:00 0 0 0\n22T10:00 0 0 0\n22T11:00 2 1 0");
    world.check(DAYS, "2026-11-22 3 4 4");
    // Late data corrects the hour that it belongs to.
    let late: Vec<_> =
        (0..60).map(|at| (3 + at, minute(EIGHT + 3_600_000 + 60_000 * at as i64, 1))).collect();
    world.send("a", &late);
    world.check(DAYS, "2026-11-22 63 4 3");
}

#[test]
fn the_worst_door_says_how_much_was_seen_and_one_that_was_taken_away_says_nothing() {
    let world = World::utc();
    let line = |line: &str, at: i64| Fact::Minute(minute_of(line, EIGHT + at * 60_000, 1));
    world.send("a", &[(1, line("in", 0)), (2, line("in", 1)), (3, line("side", 0))]);
    world.check(HOURS, "22T08:00 3 1 0");
    // Box b has a door too, of which only a minute came.
    world.send("b", &[(1, Fact::Minute(minute_of("back", EIGHT + 3_600_000, 1)))]);
    world.check(HOURS, "22T08:00 3 1 0\n22T09:00 1 0 0");
    // The camera of `side` tells of `in` alone: the line is gone. The other box saw a minute of it.
    world.send("a", &[(4, line("in", 60)), (5, line("in", 61))]);
    world.check(HOURS, "22T08:00 3 1 0\n22T09:00 3 1 0");
}

#[test]
fn a_day_has_25_hours_in_autumn_and_23_in_spring_and_may_end_after_midnight() {
    // From 2026-10-24T22:00Z on, which is midnight in Vienna, an hour at a time.
    let hours = |first: i64, count: i64| -> Vec<(u64, Fact)> {
        (0..count).map(|at| (at.unsigned_abs() + 1, minute(first + at * 3_600_000, 1))).collect()
    };
    let autumn = World::new(&[(0, "Europe/Vienna", "00:00")]);
    autumn.send("a", &hours(1_792_879_200_000, 26));
    autumn.check(DAYS, "2026-10-25 25 25 25\n2026-10-26 1 1 1");
    // From 2026-03-28T23:00Z on.
    let spring = World::new(&[(0, "Europe/Vienna", "00:00")]);
    spring.send("a", &hours(1_774_738_800_000, 24));
    spring.check(DAYS, "2026-03-29 23 23 23\n2026-03-30 1 1 1");
    let late = World::new(&[(0, "Europe/Vienna", "04:00")]);
    late.send("a", &hours(EIGHT, 20));
    // 03:00 in Vienna is 02:00Z: 19 hours belong to Sunday.
    late.check(DAYS, "2026-11-22 19 19 19\n2026-11-23 1 1 1");
}

#[test]
fn a_store_that_changes_its_time_zone_keeps_its_past_also_where_it_is_said_late() {
    let change = EIGHT + 90 * 60_000;
    let facts: Vec<_> = (0..180).map(|at| (at + 1, minute(EIGHT + at as i64 * 60_000, 1))).collect();
    let known = World::new(&[(0, "Europe/Vienna", "00:00"), (change, "Asia/Kathmandu", "00:00")]);
    known.send("a", &facts);
    known.check(HOURS, "22T08:00 60 60 1\n22T09:00 30 30 1\n22T09:30 45 45 1\n22T10:15 45 45 0");
    let late = World::new(&[(0, "Europe/Vienna", "00:00")]);
    late.send("a", &facts);
    late.check(HOURS, "22T08:00 60 60 1\n22T09:00 60 60 1\n22T10:00 60 60 1");
    late.store
        .write::<_, StoreError>(|all| {
            all.execute("INSERT INTO store_clock VALUES (1, ?1, 'Asia/Kathmandu', '00:00')", [change])?;
            Ok(())
        })
        .unwrap();
    late.store.remake_hours(1, WallTime::from_unix_ms(change)).unwrap();
    assert_eq!(late.rows(EVERYTHING[0]), known.rows(EVERYTHING[0]));
    assert_eq!(late.rows("SELECT * FROM store_hour"), known.rows("SELECT * FROM store_hour"));
    assert_eq!(late.rows("SELECT * FROM store_day"), known.rows("SELECT * FROM store_day"));
}

#[test]
fn an_hour_without_sales_is_known_once_the_till_has_told_of_something_later() {
    let world = World::utc();
    let sale = |id: &str, at_ms: i64| {
        Fact::Transaction(TillTransaction {
            id: id.to_owned(),
            at_ms,
            business_day: String::new(),
            what: "sale".to_owned(),
            amount_minor: 500,
            currency: "EUR".to_owned(),
            units: Some(2),
            lines: Vec::new(),
            channel: None,
            voids: None,
            feed: "http".to_owned(),
        })
    };
    let till = "SELECT transactions, sales_minor, units FROM store_hour";
    let facts = [(1, minute(EIGHT, 1)), (2, minute(EIGHT + 7_200_000, 1)), (3, sale("1", EIGHT))];
    world.send("a", &facts);
    world.check(till, "1 500 2\n- - -\n- - -");
    world.send("a", &[(4, sale("2", EIGHT + 7_200_000)), (5, sale("1", EIGHT))]);
    world.check(till, "1 500 2\n0 0 0\n1 500 2");
    world.check("SELECT transactions, sales_minor FROM store_day", "2 1000");
}

#[test]
fn hours_stay_when_their_minutes_are_let_go_and_late_minutes_still_count() {
    let world = World::utc();
    world.send("a", &[(1, minute(EIGHT, 3)), (2, zone_minute(EIGHT, 1, 1, true))]);
    let keep = Retention::default();
    let forget = |days: u64| {
        let now = WallTime::from_unix_ms(EIGHT) + Duration::from_secs(days * 86_400);
        let mut rows = 0;
        loop {
            match world.store.forget_piece(&keep, now).unwrap() {
                0 => return rows,
                some => rows += some,
            }
        }
    };
    assert_eq!((forget(399), forget(401), forget(401)), (0, 2, 0));
    world.check(HOURS, "22T08:00 3 1 0");
    world.send("a", &[(3, minute(EIGHT, 2))]);
    world.check(HOURS, "22T08:00 5 2 0");
}

/// Every table that boxes fill, by names instead of ids.
const EVERYTHING: [&str; 10] = [
    "SELECT box.name, line.name, minute, entries, exits, seen_ms, valid, groups FROM line_minute JOIN line USING (line_id)
        JOIN camera USING (camera_id) JOIN box USING (box_id) ORDER BY 1, 2, 3",
    "SELECT box.name, line.name, hour, h.business_day, h.entries, h.exits, h.open_seen_ms FROM line_hour AS h JOIN line USING (line_id)
        JOIN camera USING (camera_id) JOIN box USING (box_id) ORDER BY 1, 2, 3",
    "SELECT box.name, zone.name, m.* FROM zone_hour AS m JOIN zone USING (zone_id) JOIN camera USING (camera_id)
        JOIN box USING (box_id) WHERE m.zone_id = 0 ORDER BY 1, 2",
    "SELECT box.name, hour, visits, most_present, open_seen_ms FROM zone_hour JOIN zone USING (zone_id) JOIN camera USING (camera_id)
        JOIN box USING (box_id) ORDER BY 1, 2",
    "SELECT box.name, minute, visits, most_present, valid FROM zone_minute JOIN zone USING (zone_id)
        JOIN camera USING (camera_id) JOIN box USING (box_id) ORDER BY 1, 2",
    "SELECT * FROM store_hour ORDER BY 1, 2",
    "SELECT * FROM store_day ORDER BY 1, 2",
    "SELECT box.name, business_day, visits, person_ms, open_ms FROM zone_day JOIN zone USING (zone_id)
        JOIN camera USING (camera_id) JOIN box USING (box_id) ORDER BY 1, 2",
    "SELECT * FROM occupancy_minute ORDER BY 1, 2",
    "SELECT received.*, watermark, highest FROM received JOIN box USING (box_id) ORDER BY 1, 2",
];

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let at = (0..200_i64).prop_map(|at| EIGHT + at * 17 * 60_000);
    let line = (at.clone(), prop::sample::select(vec!["in", "side"]), 0..9_u32, prop::bool::weighted(0.8))
        .prop_map(|(at, line, entries, valid)| {
            let seen = Duration::from_secs(u64::from(entries) * 5);
            Fact::Minute(Minute { seen, valid, ..minute_of(line, at, entries) })
        });
    let zone = (at.clone(), 0..9_u32, prop::bool::weighted(0.8))
        .prop_map(|(at, visits, valid)| zone_minute(at - at.rem_euclid(3_600_000), visits, visits, valid));
    let inside = (at, 0..50_u32).prop_map(|(at, people)| {
        let text = format!(
            r#"{{"seq":1,"kind":"occupancy","start_ms":{at},"people":{people},"min":0,"max":{people},"mean":1.0,
            "without_staff":0,"seen_s":60.0,"valid":true,"part":false,"corrections":{{}}}}"#
        );
        let AnyRecord::Known(record) = serde_json::from_str(&text).unwrap() else { panic!("a known kind") };
        record.fact
    });
    prop::collection::vec(prop_oneof![5 => line, 2 => zone, 1 => inside], 1..40)
}

/// Batches of both boxes, some of them twice, in an order that `shuffle` gives.
fn batches(facts: &[Fact], sizes: &[usize], shuffle: &[usize]) -> Vec<Arrival> {
    let mut cut = Vec::new();
    for (name, at) in [("a", 0), ("b", 1)] {
        let own: Vec<_> = facts.iter().skip(at).step_by(2).cloned().collect();
        let own: Vec<_> = (1..).zip(own).collect();
        let (mut rest, mut sizes) = (&own[..], sizes.iter().cycle());
        while !rest.is_empty() {
            let (now, then) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            cut.push((name, now.to_vec()));
            rest = then;
        }
    }
    let mut order: Vec<usize> = (0..cut.len()).collect();
    for (at, other) in shuffle.iter().enumerate() {
        let (at, other) = (at % order.len(), other % order.len());
        order.swap(at, other);
    }
    let twice = order.iter().copied().filter(|at| shuffle.get(*at).is_some_and(|number| number % 3 == 0));
    let order: Vec<usize> = order.iter().copied().chain(twice).collect();
    order.into_iter().map(|at| batch(cut[at].0, None, &cut[at].1)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_order_and_any_repetition_of_batches_gives_the_same_tables(
        facts in facts(), sizes in prop::collection::vec(1..9_usize, 1..5),
        shuffle in prop::collection::vec(0..100_usize, 0..40), groups in 1..6_usize,
    ) {
        let (ordered, shuffled) = (World::utc(), World::utc());
        for one in batches(&facts, &sizes, &[]) {
            ordered.take(&[one]);
        }
        let arrivals = batches(&facts, &sizes, &shuffle);
        for group in arrivals.chunks(groups) {
            shuffled.take(group);
        }
        for sql in EVERYTHING {
            prop_assert_eq!(ordered.rows(sql), shuffled.rows(sql), "{}", sql);
        }
        let hours = "SELECT sum(entries), sum(exits), sum(open_seen_ms) FROM line_hour";
        let minutes = "SELECT sum(entries * valid), sum(exits * valid), sum(seen_ms * valid) FROM line_minute";
        prop_assert_eq!(shuffled.rows(hours), shuffled.rows(minutes));
        let days = "SELECT sum(entries), sum(exits), sum(seen_ms), sum(open_ms) FROM ";
        prop_assert_eq!(shuffled.rows(&format!("{days} store_hour")), shuffled.rows(&format!("{days} store_day")));
    }
}

fn sensor(id: Option<&str>, (start_ms, length_s): (i64, u64), entries: u32) -> Fact {
    Fact::SensorCount(crate::wire::v1::SensorCount {
        sensor: "door-1".to_owned(),
        sensor_kind: crate::wire::v1::SensorKind::Door,
        camera: Some("door".to_owned()),
        line: Some("in".to_owned()),
        zone: None,
        id: id.map(str::to_owned),
        start_ms,
        length: Duration::from_secs(length_s),
        seen: Duration::from_secs(length_s),
        entries: Some(entries),
        exits: Some(1),
        count: None,
    })
}

const SENSOR_HOURS: &str =
    "SELECT part, hour * 60000 - 1795334400000, entries, exits, seen_ms, whole FROM sensor_hour";

#[test]
fn intervals_of_a_sensor_are_summed_by_hour_and_one_that_comes_again_counts_once() {
    let world = World::utc();
    let taken = world.send(
        "a",
        &[
            (1, sensor(None, (EIGHT, 900), 7)),
            (2, sensor(None, (EIGHT + 900_000, 900), 5)),
            // The same under another number: its box was started anew in between.
            (3, sensor(None, (EIGHT, 900), 7)),
            (4, sensor(Some("left"), (EIGHT, 900), 2)),
        ],
    );
    assert_eq!((taken.new, taken.aside), (4, 0));
    world.check(SENSOR_HOURS, " 0 12 2 1800000 1\nleft 0 2 1 900000 1");
    world.check("SELECT name, kind, camera, line, zone FROM sensor", "door-1 door door in -");
}

#[test]
fn an_interval_that_overlaps_another_is_put_aside_and_counts_for_nothing() {
    let world = World::utc();
    let facts = [
        (1, sensor(None, (EIGHT, 60), 7)),
        (2, sensor(None, (EIGHT, 900), 31)),
        (3, sensor(None, (EIGHT, 60), 8)),
    ];
    assert_eq!(world.send("a", &facts).aside, 2);
    world.check(SENSOR_HOURS, " 0 7 1 60000 1");
    world.check("SELECT DISTINCT reason LIKE '%overlaps%' FROM aside", "1");
    world.check("SELECT watermark FROM box WHERE name = 'a'", "3");
}

#[test]
fn an_hour_whose_last_interval_reaches_into_the_next_is_not_whole() {
    // An hour of this store begins at a quarter past: the zone is at +05:45.
    let world = World::new(&[(0, "Asia/Kathmandu", "00:00")]);
    world.send("a", &[(1, sensor(None, (EIGHT, 3600), 7)), (2, sensor(None, (EIGHT + 3_600_000, 900), 5))]);
    world.check(SENSOR_HOURS, " -2700000 7 1 3600000 0\n 900000 5 1 900000 1");
}

#[test]
fn a_sensor_interval_that_cannot_be_is_put_aside() {
    let world = World::utc();
    let too_long = sensor(None, (EIGHT, 3601), 7);
    let Fact::SensorCount(sound) = sensor(None, (EIGHT, 60), 7) else { unreachable!() };
    let both = crate::wire::v1::SensorCount { count: Some(7), ..sound.clone() };
    let seen_more = crate::wire::v1::SensorCount { seen: Duration::from_secs(61), ..sound };
    let facts = [(1, too_long), (2, Fact::SensorCount(both)), (3, Fact::SensorCount(seen_more))];
    assert_eq!(world.send("a", &facts).aside, 3);
    world.check("SELECT count(*) FROM sensor", "0");
}

#[test]
fn a_store_that_moves_its_clock_keeps_its_sensors_counts() {
    let world = World::utc();
    world.send("a", &[(1, minute(EIGHT, 3)), (2, sensor(None, (EIGHT, 900), 7))]);
    world
        .store
        .write::<_, StoreError>(|all| {
            Ok(all.execute("UPDATE store_clock SET time_zone = 'Asia/Kathmandu'", [])?)
        })
        .unwrap();
    world.store.remake_hours(1, WallTime::from_unix_ms(EIGHT - 86_400_000)).unwrap();
    world.check(SENSOR_HOURS, " -2700000 7 1 900000 1");
}
