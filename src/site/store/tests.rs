//! The store through its ledger on disk, so that what is remembered is what is tested.

use super::*;
use crate::calendar::{DayHours, Schedule, WeekHours, WrittenTime, Zone};
use crate::ids::{BoxId, CameraId, LineId};
use crate::ledger::Ledger;
use crate::site::till::{FeedFormat, FeedSettings, read};
use crate::wire::v1::Fact;
use proptest::prelude::*;
use tempfile::TempDir;

fn at(text: &str) -> WallTime {
    let full = if text.len() == 5 { format!("2026-11-23T{text}:00Z") } else { text.to_owned() };
    Zone::utc().parse_time(&full, &WrittenTime::Iso).unwrap()
}

fn door(line: &str, role: LineRole) -> Door {
    Door { camera: CameraId::parse("cam").unwrap(), line: LineId::parse(line).unwrap(), role }
}

fn settings() -> StoreSettings {
    let week = WeekHours(std::array::from_fn(|_| DayHours::parse(&["09:00-18:00"]).unwrap()));
    StoreSettings {
        calendar: Calendar::new(Schedule::new(Zone::utc(), week, BTreeMap::new()), 4),
        weeks: WeekCalendar::Iso,
        currency: "EUR".to_owned(),
        decimals: 2,
        doors: vec![door("front", LineRole::Door), door("back", LineRole::Door)],
        sees_every_door: true,
        least_coverage: 0.9,
        max_stay: Duration::from_secs(6 * 3600),
        patience: Duration::from_secs(120),
        has_till: true,
        till_quiet: Duration::from_secs(1800),
        staff: StaffSource::Feed,
        keep: Duration::from_secs(40 * 86_400),
    }
}

/// A box with one store, which can be switched off and on again.
struct Shop {
    folder: TempDir,
    settings: StoreSettings,
    running: Option<(Ledger, Store)>,
    read_up_to: i64,
    said: Vec<String>,
}

impl Shop {
    fn with(settings: StoreSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, settings, running: None, read_up_to: 0, said: Vec::new() }
    }

    fn open() -> Self {
        Self::with(settings())
    }

    fn step(&mut self, inputs: &[StoreInput], now: WallTime) -> Vec<Receipt> {
        let (path, settings) = (self.folder.path().join("ledger.sqlite"), self.settings.clone());
        let (ledger, store) = self.running.get_or_insert_with(|| {
            let (mut ledger, _) = Ledger::open(&path, &BoxId::parse("b").unwrap(), now).unwrap();
            let store = ledger.store(settings).unwrap();
            (ledger, store)
        });
        let receipts = ledger.step(store, inputs, now).unwrap();
        for (id, fact) in ledger.outgoing(self.read_up_to, usize::MAX).unwrap() {
            self.read_up_to = id;
            self.said.push(shown(&fact.unwrap()));
        }
        receipts
    }

    fn restart(&mut self) {
        self.running = None;
    }

    /// Whole minutes of both doors from one time to another, nobody in them, and time passing.
    fn quiet(&mut self, from: &str, to: &str) {
        let (mut minute, end) = (at(from), at(to));
        let mut inputs = Vec::new();
        while minute < end {
            inputs.extend(["front", "back"].map(|line| counted(line, minute, 0, 0)));
            minute = minute + MINUTE;
        }
        self.step(&inputs, end);
    }

    fn till(&mut self, rows: &[&str], now: &str) -> Receipt {
        let feed = FeedSettings {
            zone: Zone::utc(),
            currency: "EUR".to_owned(),
            decimals: 2,
            oldest: self.settings.keep,
        };
        let intake =
            read(format!("[{}]", rows.join(",")).as_bytes(), "http", &FeedFormat::Json, &feed, at(now));
        self.step(&[StoreInput::Till(intake)], at(now))[0]
    }

    /// What was said of one kind since it was asked last.
    #[track_caller]
    fn check(&mut self, kind: &str, expected: &[&str]) {
        let said: Vec<_> = self.said.drain(..).filter(|line| line.starts_with(kind)).collect();
        assert_eq!(said, expected);
    }
}

fn counted(line: &str, start: WallTime, entries: u32, exits: u32) -> StoreInput {
    StoreInput::Minute(DoorMinute {
        door: door(line, LineRole::Door),
        start,
        entries,
        exits,
        staff_in: 0,
        staff_out: 0,
        reentries: 0,
        passersby: 0,
        seen: MINUTE,
        valid: true,
        part: false,
    })
}

fn sale(id: &str, time: &str, amount: &str) -> String {
    format!(r#"{{"id":"{id}","at":"2026-11-23T{time}:00Z","what":"sale","amount":"{amount}","units":2}}"#)
}

fn clock(ms: i64) -> String {
    WallTime::from_unix_ms(ms).to_string()[11..16].to_owned()
}

fn shown(fact: &Fact) -> String {
    match fact {
        Fact::Occupancy(o) => {
            let fix = o.corrections.opening
                + o.corrections.max_stay
                + o.corrections.zones
                + o.corrections.below_zero;
            format!(
                "occupancy {} {} fix {fix} seen {}{}",
                clock(o.start_ms),
                o.people,
                o.seen.as_secs(),
                if o.part { " part" } else { "" }
            )
        }
        Fact::Period(p) => {
            let conversion = p.conversion.map_or_else(
                || p.absent.iter().find(|one| one.figure == "conversion").unwrap().why.clone(),
                |rate| rate.value().to_string(),
            );
            format!(
                "{} {} r{} visitors {} sold {} for {} conversion {conversion} coverage {}",
                p.span,
                clock(p.start_ms),
                p.revision,
                p.visitors,
                p.transactions.unwrap(),
                p.amount_minor.unwrap(),
                p.coverage.value()
            )
        }
        Fact::Transaction(t) => format!("transaction {} {} {}", t.id, t.what, t.business_day),
        Fact::TillRejected(r) => format!("rejected {:?}", r.reasons),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_quarter_is_given_out_when_every_door_has_told_of_it() {
    let mut shop = Shop::open();
    shop.quiet("09:00", "09:14");
    shop.till(&[&sale("a", "09:10", "10.00")], "09:14");
    shop.step(&[counted("front", at("09:14"), 4, 0)], at("09:15"));
    shop.check("quarter", &[]);
    shop.step(&[counted("back", at("09:14"), 0, 0)], at("09:15"));
    shop.check("quarter", &["quarter 09:00 r1 visitors 4 sold 1 for 1000 conversion 0.25 coverage 1"]);
}

#[test]
fn a_door_that_says_nothing_is_waited_for_and_then_missing_not_zero() {
    let mut shop = Shop::open();
    shop.till(&[&sale("a", "09:10", "10.00")], "09:14");
    let minutes = (0..15).map(|n| counted("front", at("09:00") + MINUTE * n, 1, 0));
    shop.step(&minutes.collect::<Vec<_>>(), at("09:16"));
    shop.check("quarter", &[]);
    shop.step(&[], at("09:17"));
    shop.check("quarter", &["quarter 09:00 r1 visitors 15 sold 1 for 1000 conversion coverage coverage 0"]);
}

#[test]
fn a_late_transaction_a_refund_and_a_void_give_new_revisions() {
    let mut shop = Shop::open();
    shop.quiet("09:00", "09:15");
    shop.step(&[counted("front", at("09:03"), 2, 0)], at("09:15"));
    shop.said.clear();
    shop.till(&[&sale("a", "09:05", "10.00")], "09:20");
    shop.check("quarter", &["quarter 09:00 r3 visitors 2 sold 1 for 1000 conversion 0.5 coverage 1"]);
    shop.till(&[&sale("r", "09:06", "4.00").replace("sale", "refund")], "09:20");
    shop.check("quarter", &["quarter 09:00 r4 visitors 2 sold 1 for 600 conversion 0.5 coverage 1"]);
    shop.till(&[&sale("v", "09:30", "10.00").replace("\"sale\"", "\"void\",\"voids\":\"a\"")], "09:30");
    shop.check("quarter", &["quarter 09:00 r5 visitors 2 sold 0 for -400 conversion 0 coverage 1"]);
}

#[test]
fn only_sales_are_purchases() {
    let mut shop = Shop::open();
    shop.quiet("09:00", "09:14");
    let rows = ["refund", "void", "training", "pickup"]
        .map(|what| sale(what, "09:10", "5.00").replace("sale", what));
    let receipt = shop.till(&rows.each_ref().map(String::as_str), "09:14");
    assert_eq!(receipt.accepted, 4);
    shop.quiet("09:14", "09:15");
    shop.step(&[counted("front", at("09:14"), 5, 0)], at("09:15"));
    shop.check(
        "quarter",
        &[
            "quarter 09:00 r1 visitors 0 sold 0 for -500 conversion no_visitors coverage 1",
            "quarter 09:00 r2 visitors 5 sold 0 for -500 conversion 0 coverage 1",
        ],
    );
}

#[test]
fn a_till_that_is_silent_is_not_a_till_that_sells_nothing() {
    let mut shop = Shop::open();
    shop.quiet("09:00", "09:15");
    shop.step(&[counted("front", at("09:03"), 2, 0)], at("09:15"));
    shop.check(
        "quarter",
        &[
            "quarter 09:00 r1 visitors 0 sold 0 for 0 conversion no_till coverage 1",
            "quarter 09:00 r2 visitors 2 sold 0 for 0 conversion no_till coverage 1",
        ],
    );
    // An empty list says that the till is there, and has sold nothing.
    shop.till(&[], "09:16");
    shop.check("quarter", &["quarter 09:00 r3 visitors 2 sold 0 for 0 conversion 0 coverage 1"]);
}

#[test]
fn a_transaction_counts_once_and_an_id_used_again_is_put_aside() {
    let mut shop = Shop::open();
    let receipt = |shop: &mut Shop, amount| {
        let Receipt { accepted, duplicate, rejected } = shop.till(&[&sale("a", "09:05", amount)], "09:10");
        (accepted, duplicate, rejected)
    };
    assert_eq!(receipt(&mut shop, "10.00"), (1, 0, 0));
    shop.restart();
    assert_eq!(receipt(&mut shop, "10.0"), (0, 1, 0));
    assert_eq!(receipt(&mut shop, "11.00"), (0, 0, 1));
    let aside = shop.running.as_ref().unwrap().0.aside(10).unwrap();
    assert_eq!((aside.len(), aside[0].reason.as_str(), aside[0].feed.as_str()), (1, "id_reused", "http"));
    shop.check("", &["transaction a sale 2026-11-23", r#"rejected {"id_reused": 1}"#]);
}

#[test]
fn occupancy_waits_for_every_door_and_survives_a_restart() {
    let mut shop = Shop::open();
    shop.step(&[counted("front", at("10:00"), 3, 0)], at("10:01"));
    shop.restart();
    shop.check("occupancy", &[]);
    shop.step(&[counted("back", at("10:00"), 2, 1)], at("10:01"));
    shop.check("occupancy", &["occupancy 10:00 4 fix 0 seen 60"]);
    shop.restart();
    shop.step(&[counted("front", at("10:01"), 0, 6), counted("back", at("10:01"), 0, 0)], at("10:02"));
    shop.check("occupancy", &["occupancy 10:01 0 fix 2 seen 60"]);
}

#[test]
fn people_who_were_seen_in_zones_are_inside_and_a_late_part_counts_later() {
    let mut shop = Shop::open();
    let seen = StoreInput::SeenAtOnce { start: at("10:00"), people: 3 };
    shop.step(&[seen, counted("front", at("10:00"), 1, 0), counted("back", at("10:00"), 0, 0)], at("10:01"));
    let late = counted("front", at("10:00"), 2, 0);
    let nobody_seen = StoreInput::SeenAtOnce { start: at("10:01"), people: 0 };
    shop.step(
        &[late, nobody_seen, counted("front", at("10:01"), 0, 0), counted("back", at("10:01"), 0, 0)],
        at("10:02"),
    );
    shop.check("occupancy", &["occupancy 10:00 3 fix 2 seen 60", "occupancy 10:01 5 fix 0 seen 60"]);
}

#[test]
fn zones_tell_later_than_doors_and_are_waited_for() {
    let mut shop = Shop::open();
    let seen = |time: &str, people| StoreInput::SeenAtOnce { start: at(time), people };
    let doors = |time: &str, exits| [counted("front", at(time), 0, exits), counted("back", at(time), 0, 0)];
    shop.step(&doors("10:00", 0), at("10:01"));
    shop.step(&[seen("10:00", 0)], at("10:01"));
    shop.step(&doors("10:01", 2), at("10:02"));
    shop.check("occupancy", &["occupancy 10:00 0 fix 0 seen 60"]);
    // Both were there, and have left: they are no leftovers.
    shop.step(&[seen("10:01", 2)], at("10:02"));
    shop.check("occupancy", &["occupancy 10:01 0 fix 2 seen 60"]);
    // A camera that was taken away is waited for as long as a door is.
    shop.step(&doors("10:02", 0), at("10:03"));
    shop.check("occupancy", &[]);
    shop.step(&[], at("10:05"));
    shop.check("occupancy", &["occupancy 10:02 0 fix 0 seen 60"]);
}

#[test]
fn a_line_that_moved_counts_as_not_seen() {
    let mut shop = Shop::open();
    shop.till(&[&sale("a", "09:10", "10.00")], "09:14");
    shop.quiet("09:00", "09:14");
    let StoreInput::Minute(minute) = counted("front", at("09:14"), 9, 0) else { unreachable!() };
    let moved = StoreInput::Minute(DoorMinute { valid: false, ..minute });
    shop.step(&[moved, counted("back", at("09:14"), 1, 0)], at("09:15"));
    shop.check("quarter", &["quarter 09:00 r1 visitors 1 sold 1 for 1000 conversion 1 coverage 0.9333"]);
}

#[test]
fn a_day_is_judged_by_its_opening_hours() {
    let mut shop = Shop::open();
    shop.quiet("09:00", "17:59");
    shop.step(&[counted("front", at("17:59"), 8, 0), counted("back", at("17:59"), 0, 0)], at("18:00"));
    shop.till(&[&sale("a", "17:40", "10.00"), &sale("b", "17:45", "10.00")], "18:01");
    shop.said.clear();
    shop.step(&[], at("2026-11-24T04:02:00Z"));
    shop.check("day", &["day 04:00 r1 visitors 8 sold 2 for 2000 conversion 0.25 coverage 1"]);
}

#[test]
fn a_box_that_does_not_see_every_door_tells_no_periods_and_no_occupancy() {
    let mut shop = Shop::with(StoreSettings { sees_every_door: false, ..settings() });
    shop.quiet("09:00", "10:00");
    shop.till(&[&sale("a", "09:10", "10.00")], "10:00");
    shop.check("", &["transaction a sale 2026-11-23"]);
}

#[test]
fn what_was_not_confirmed_is_there_again_after_a_restart() {
    let mut shop = Shop::open();
    shop.till(&[&sale("a", "09:10", "10.00")], "09:14");
    shop.restart();
    shop.read_up_to = 0;
    shop.step(&[], at("09:14"));
    shop.check("transaction", &["transaction a sale 2026-11-23", "transaction a sale 2026-11-23"]);
    let up_to = shop.read_up_to;
    shop.running.as_mut().unwrap().0.sent(up_to).unwrap();
    shop.restart();
    shop.read_up_to = 0;
    shop.step(&[], at("09:14"));
    shop.check("transaction", &[]);
}

#[test]
fn shifts_give_shoppers_per_associate_hour() {
    let mut shop = Shop::open();
    shop.quiet("09:00", "09:14");
    let span = TimeSpan { start: at("09:00"), end: at("10:00") };
    let shift = Shift { id: "s".to_owned(), span, worked: Duration::from_secs(2 * 3600) };
    shop.step(&[StoreInput::Staffing(vec![shift]), counted("front", at("09:14"), 4, 0)], at("09:14"));
    shop.step(&[counted("back", at("09:14"), 0, 0)], at("09:15"));
    let (ledger, _) = shop.running.as_ref().unwrap();
    let rate = ledger.outgoing(0, 1_000).unwrap().into_iter().find_map(|(_, fact)| match fact.unwrap() {
        Fact::Period(period) => period.shoppers_per_associate_hour,
        _ => None,
    });
    // A quarter of two hours of work, and four shoppers.
    assert_eq!(rate.map(|rate| rate.value()), Some(8.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sums_are_the_same_however_minutes_are_cut_ordered_and_restarted(
        minutes in prop::collection::vec((0_u32..5, 0_u32..5, any::<bool>(), any::<bool>()), 15),
        backwards in any::<bool>()
    ) {
        let mut shop = Shop::open();
        let mut parts = Vec::new();
        for (n, (entries, exits, in_two, restart)) in (0_u32..).zip(&minutes) {
            let start = at("09:00") + MINUTE * n;
            if *in_two {
                parts.push((counted("front", start, *entries, 0), *restart));
                parts.push((counted("front", start, 0, *exits), false));
            } else {
                parts.push((counted("front", start, *entries, *exits), *restart));
            }
            parts.push((counted("back", start, 0, 0), false));
        }
        if backwards { parts.reverse(); }
        for (part, restart) in parts {
            if restart { shop.restart(); }
            shop.step(&[part], at("09:15"));
        }
        shop.step(&[], at("09:30"));
        let entries: u32 = minutes.iter().map(|(entries, ..)| entries).sum();
        let last = shop.said.iter().rfind(|line| line.starts_with("quarter 09:00")).unwrap();
        let expected = format!(" visitors {entries} ");
        prop_assert!(last.contains(&expected) && last.ends_with("coverage 1"), "{last}");
    }

    #[test]
    fn a_restart_anywhere_changes_no_period_and_nobody_inside(
        minutes in prop::collection::vec((0_u32..5, 0_u32..5, 0_u32..3, prop::option::of(0_u32..3)), 20),
        restarts in prop::collection::vec(any::<bool>(), 20)
    ) {
        let all = |restarts: &[bool]| {
            let mut shop = Shop::open();
            for (n, ((entries, exits, back, sold), restart)) in (0_u32..).zip(minutes.iter().zip(restarts)) {
                let start = at("09:00") + MINUTE * n;
                let end = start + MINUTE;
                shop.step(&[counted("front", start, *entries, *exits)], end);
                if *restart { shop.restart(); }
                if let Some(sold) = sold {
                    // Some ids come again, the same or with another time: what was known before has to be known.
                    shop.till(&[&sale(&format!("s{sold}"), &clock(start.unix_ms()), "10.00")], &clock(end.unix_ms()));
                }
                shop.step(&[counted("back", start, *back, 0)], end);
            }
            // Beyond patience, so that a door that nobody remembers to wait for is not what differs.
            shop.step(&[], at("09:40"));
            let revision = |line: &String| line.split(' ').filter(|word| !is_revision(word)).collect::<Vec<_>>().join(" ");
            let last = |start: &str| shop.said.iter().rfind(|line| line.starts_with(start)).map(revision);
            let others: Vec<String> = shop.said.iter().filter(|line| !line.starts_with("quarter")).cloned().collect();
            (["quarter 09:00", "quarter 09:15"].map(last), sorted(others))
        };
        prop_assert_eq!(all(&restarts), all(&[false; 20]));
    }
}

fn is_revision(word: &str) -> bool {
    word.strip_prefix('r').is_some_and(|number| number.parse::<u32>().is_ok())
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}
