//! Two stores that were made by hand, so that every figure can be worked out by a person.

use super::displays::{Question, compare};
use super::overview::overview;
use super::*;
use crate::hq::access::{Grant, Place, Role, Scope};
use crate::hq::simulate::{Settings, Truth, simulate};
use crate::hq::store::{Store, StoreError, rollup};
use crate::ids::TenantId;
use crate::time::WallTime;
use days::{Range, parse_day};
use figures::Figures;
use std::collections::BTreeSet;

fn at(text: &str) -> WallTime {
    WallTime::from_unix_ms(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn scope(place: Place) -> Scope {
    let grant = Grant { role: Role::Viewer, tenant_id: 1, tenant: "acme".to_owned(), place };
    Scope::new(vec![grant].into(), Role::Viewer)
}

/// A tenant with a bar that is open till two in the morning, and an empty kiosk beside it.
fn chain() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("hq.sqlite")).unwrap();
    let rows = r#"INSERT INTO tenant VALUES (1, 'acme', 'Acme');
        INSERT INTO store (store_id, tenant_id, name, title, currency, decimals, calendar, hours, least_coverage, simulated)
          VALUES (1, 1, 'bar', 'Bar', 'EUR', 2, 'iso', '{"week":{"saturday":["22:00-04:00"],"sunday":["22:00-24:00"]}}', 0.9, 0),
                 (2, 1, 'kiosk', 'Kiosk', 'EUR', 2, 'iso', '{}', 0.9, 0);
        INSERT INTO store_clock VALUES (1, 0, 'Europe/Vienna', '05:00'), (2, 0, 'Europe/Vienna', '00:00');
        INSERT INTO box (box_id, store_id, name) VALUES (1, 1, 'acme-bar');
        INSERT INTO camera VALUES (1, 1, 'door', 'Door');
        INSERT INTO line VALUES (1, 1, 1, 'entrance', 'Entrance', 'door', 29617000, 29630000)"#;
    store
        .write::<_, StoreError>(|all| {
            for row in rows.split(';') {
                all.execute(row, [])?;
            }
            Ok(())
        })
        .unwrap();
    (folder, store)
}

/// Hours of the bar: when they begin, entries, share that was seen, and what was sold in them.
fn told(store: &Store, hours: &[(&str, i64, f64, &[i64])]) {
    store
        .write::<_, StoreError>(|all| {
            let mut clock = crate::hq::store::clock::StoreClock::load(all, 1)?;
            let mut touched = BTreeSet::new();
            for (start, entries, seen, sold) in hours {
                let hour = clock.hour_of(at(start));
                let seen_ms = (3_600_000.0 * seen) as i64;
                let (minute, day, local) = (hour.start_minute, hour.business_day, hour.local_hour);
                let sql = "INSERT INTO line_hour VALUES (1, ?1, ?2, ?3, ?4, 0, 1, 0, 0, 0, ?5)";
                all.execute(sql, (minute, day, local, entries, seen_ms))?;
                for (number, amount) in sold.iter().enumerate() {
                    let sql =
                        "INSERT INTO sale VALUES (1, ?1, ?2, ?3, ?4, 'sale', ?5, 'EUR', 2, NULL, 'csv')";
                    let id = format!("{minute}-{number}");
                    all.execute(sql, (id, minute * 60_000, minute, day, amount))?;
                }
                touched.insert(minute);
            }
            rollup::touch_hours(all, 1, &touched)?;
            Ok(())
        })
        .unwrap();
}

fn shown(of: &Figures) -> String {
    let rate = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2}"));
    format!(
        "{} visitors, {} bought, conversion {}, average {}, seen {:.2}{}",
        of.visitors,
        of.transactions.map_or("-".to_owned(), |count| count.to_string()),
        rate(of.conversion),
        rate(of.average_transaction_minor),
        of.coverage,
        if of.complete { "" } else { ", incomplete" },
    )
}

#[test]
fn a_night_in_which_the_clock_goes_back_has_its_hour_twice_and_belongs_to_the_evening_before() {
    let (_folder, store) = chain();
    // Saturday 24 October 2026, 22:00 in Vienna, to Sunday 04:00: seven hours.
    told(
        &store,
        &[
            ("2026-10-24T20:00:00Z", 11, 1.0, &[1000, 2000]),
            ("2026-10-24T21:00:00Z", 21, 1.0, &[1500]),
            ("2026-10-24T22:00:00Z", 9, 0.5, &[900]),
            ("2026-10-24T23:00:00Z", 6, 1.0, &[]),
            ("2026-10-25T00:00:00Z", 5, 1.0, &[500]),
            ("2026-10-25T01:00:00Z", 4, 1.0, &[]),
            ("2026-10-25T02:00:00Z", 3, 1.0, &[400]),
        ],
    );
    let scope = scope(Place::Chain);
    let found = stores::find(&store, &scope, ("acme", "bar"), at("2026-10-25T12:00:00Z")).unwrap();
    let day = stores::day(&store, found, "2026-10-24").unwrap();
    let mut text = format!("{}\n", shown(&day.total));
    for hour in &day.hours {
        text += &format!("{:02}h {}\n", hour.hour, shown(&hour.figures));
    }
    // Staff is one in each hour. The half-seen hour counts and lowers no rate.
    let expected = "\
52 visitors, 6 bought, conversion 0.11, average 1050.00, seen 0.93
22h 10 visitors, 2 bought, conversion 0.20, average 1500.00, seen 1.00
23h 20 visitors, 1 bought, conversion 0.05, average 1500.00, seen 1.00
00h 8 visitors, 1 bought, conversion -, average 900.00, seen 0.50, incomplete
01h 5 visitors, 0 bought, conversion 0.00, average -, seen 1.00
02h 4 visitors, 1 bought, conversion 0.25, average 500.00, seen 1.00
02h 3 visitors, 0 bought, conversion 0.00, average -, seen 1.00
03h 2 visitors, 1 bought, conversion 0.50, average 400.00, seen 1.00
";
    assert_eq!(text, expected);
}

#[test]
fn a_store_without_a_till_has_no_conversion_and_no_zero() {
    let (_folder, store) = chain();
    told(&store, &[("2026-10-24T20:00:00Z", 11, 1.0, &[]), ("2026-10-24T21:00:00Z", 21, 0.2, &[])]);
    let found =
        stores::find(&store, &scope(Place::Chain), ("acme", "bar"), at("2026-10-25T12:00:00Z")).unwrap();
    let range = Range::parse(None, None, found.newest).unwrap();
    let page = stores::page(&store, found, range).unwrap();
    assert_eq!(shown(&page.total), "30 visitors, - bought, conversion -, average -, seen 0.60, incomplete");
    let why: Vec<&str> = page.total.absent.iter().map(|absent| absent.why).collect();
    assert_eq!(why[..2], ["no_till", "no_till"]);
    let hours: Vec<String> = page
        .hours
        .iter()
        .map(|hour| {
            format!(
                "{}/{:02} {:?} {}+{}",
                hour.weekday, hour.hour, hour.visitors, hour.hours, hour.incomplete
            )
        })
        .collect();
    // The hour that was hardly seen has no mean.
    assert_eq!(hours, ["5/22 Some(10.0) 1+0", "5/23 None 0+1"]);
}

#[test]
fn while_a_day_is_open_it_is_compared_up_to_the_same_hour() {
    let (_folder, store) = chain();
    told(
        &store,
        &[
            ("2026-10-17T20:00:00Z", 5, 1.0, &[100]),
            ("2026-10-17T21:00:00Z", 50, 1.0, &[100]),
            ("2026-10-24T20:00:00Z", 9, 1.0, &[100]),
            ("2026-10-24T21:00:00Z", 2, 1.0, &[100]),
        ],
    );
    let visitors = |now: &str| {
        let made = overview(&store, &scope(Place::Chain), Some("2026-10-24"), at(now)).unwrap();
        (made.open, made.totals.now.visitors, made.totals.last_week.map(|before| before.visitors))
    };
    // 23:30 in Vienna: the hour from 22:00 is over, the next one is not.
    assert_eq!(visitors("2026-10-24T21:30:00Z"), (true, 8, Some(4)));
    assert_eq!(visitors("2026-10-25T12:00:00Z"), (false, 9, Some(53)));
}

#[test]
fn who_may_read_one_store_sees_nothing_of_another() {
    let (_folder, store) = chain();
    told(&store, &[("2026-10-24T20:00:00Z", 11, 1.0, &[100])]);
    let now = at("2026-10-25T12:00:00Z");
    let kiosk = scope(Place::Store { store_id: 2, name: "kiosk".to_owned() });
    let made = overview(&store, &kiosk, Some("2026-10-24"), now).unwrap();
    let names: Vec<&str> = made.stores.iter().map(|of| of.store.store.as_str()).collect();
    assert_eq!((names, made.totals.now.entries), (vec!["kiosk"], 0));
    assert!(matches!(stores::find(&store, &kiosk, ("acme", "bar"), now), Err(ReportError::NotThere)));
    assert!(fleet::fleet(&store, &kiosk, now).unwrap().boxes.is_empty());
    assert_eq!(fleet::fleet(&store, &scope(Place::Chain), now).unwrap().boxes.len(), 1);
    store
        .write::<_, StoreError>(|all| {
            let zone = "INSERT INTO zone VALUES (1, 1, 1, 'wall', 'Wall', 0)";
            let display = "INSERT INTO display VALUES (1, 1, 1, 'd', 'D', NULL, '[]', 20000, NULL)";
            all.execute(zone, []).and_then(|_| all.execute(display, []))?;
            Ok(())
        })
        .unwrap();
    let question = Question::BeforeAfter { display: 1, days: 21 };
    assert!(matches!(compare(&store, &kiosk, &question, now), Err(ReportError::NotThere)));
    assert!(displays::displays(&store, &kiosk, None).unwrap().displays.is_empty());
    let too_little = compare(&store, &scope(Place::Chain), &question, now).unwrap();
    let warned: Vec<&str> = too_little.warnings.iter().map(|said| said.key).collect();
    assert_eq!((too_little.sentence.key, warned), ("stopped_unknown", vec!["too_few_days", "one_store"]));
}

fn simulated(seed: u64) -> (tempfile::TempDir, Store, Truth) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("hq.sqlite")).unwrap();
    let settings = Settings {
        tenant: TenantId::parse("acme").unwrap(),
        seed,
        stores: 9,
        weeks: 8,
        until: at("2026-11-22T17:20:00Z"),
    };
    let mut done = Vec::new();
    let truth = simulate(&store, &settings, |made, of| done.push((made, of))).unwrap();
    assert_eq!(done.last(), Some(&(9, 9)));
    simulate(&store, &settings, |_, _| ()).unwrap_err();
    (folder, store, truth)
}

#[test]
fn the_display_page_finds_what_the_simulation_put_there_and_nothing_else() {
    let (_folder, store, truth) = simulated(7);
    let (scope, now) = (scope(Place::Chain), at("2026-11-22T17:20:00Z"));
    let question = Question::TestControl {
        displays: truth.displays.clone(),
        controls: truth.controls.clone(),
        changed: truth.changed,
        days: 21,
    };
    let found = compare(&store, &scope, &question, now).unwrap();
    let of = |at: usize| found.measures[at].difference.unwrap();
    let (stops, dwell) = (of(0), of(1));
    assert!(stops.low <= truth.stop_rate - 1.0 && truth.stop_rate - 1.0 <= stops.high, "{stops:?}");
    assert!(found.measures[0].clear && found.sentence.key == "stopped_more", "{found:?}");
    assert!(dwell.low <= truth.dwell - 1.0 && truth.dwell - 1.0 <= dwell.high, "{dwell:?}");
    assert_eq!((found.stores, found.weeks), (9, 3));
    // One store had a dark day in that time.
    assert!(found.warnings.iter().any(|said| said.key == "low_coverage"), "{:?}", found.warnings);
    // Two displays that nothing was done to differ by nothing that is clear, of the same questions asked the same way.
    let none = Question::TestControl {
        displays: truth.controls[..3].to_vec(),
        controls: truth.controls[3..].to_vec(),
        changed: truth.changed,
        days: 21,
    };
    let found = compare(&store, &scope, &none, now).unwrap();
    assert!(!found.measures[0].clear, "{found:?}");
}

#[test]
fn the_same_seed_makes_the_same_chain_and_says_that_it_is_simulated() {
    let now = at("2026-11-22T17:20:00Z");
    let text = |seed: u64| {
        let (_folder, store, _) = simulated(seed);
        let made = overview(&store, &scope(Place::Chain), None, now).unwrap();
        assert!(made.stores.iter().all(|of| of.store.simulated && of.store.title.ends_with("(simulated)")));
        assert!(made.open && made.totals.now.visitors > 0 && made.totals.last_week.is_some());
        // The outage is a gap of its store, and a day that no store has is one of the chain.
        let last = stores::find(&store, &scope(Place::Chain), ("acme", "sim-09"), now).unwrap();
        let gap = Range::parse(Some("2026-10-06"), Some("2026-10-08"), last.newest).unwrap();
        let page = stores::page(&store, last, gap).unwrap();
        assert_eq!((page.days.len(), page.total.entries, page.total.complete), (3, 0, false));
        assert!(page.total.transactions.is_some_and(|sold| sold > 0), "the till went on");
        serde_json::to_string(&made).unwrap()
    };
    let third = text(3);
    assert_eq!(third, text(3));
    assert_ne!(third, text(4));
}

#[test]
fn a_question_that_makes_no_sense_is_refused_with_what_to_give() {
    let (_folder, store) = chain();
    let asked = |question: &Question| {
        compare(&store, &scope(Place::Chain), question, at("2026-10-25T12:00:00Z")).unwrap_err().to_string()
    };
    let same = Question::Against { display: 1, other: 1, range: (None, None) };
    assert_eq!(asked(&same), "other: is the same display; give another one");
    let short = Question::BeforeAfter { display: 1, days: 3 };
    assert_eq!(asked(&short), "days: give 7 to 186 days; whole weeks are best");
    let changed = parse_day("2026-10-01").unwrap();
    let twice = Question::TestControl { displays: vec![1], controls: vec![1], changed, days: 21 };
    assert_eq!(asked(&twice), "controls: a display is named twice; give each once");
}
