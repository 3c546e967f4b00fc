use super::*;
use crate::hq::store::Store;

const EXAMPLE: &str = include_str!("../../../deploy/hq/register.example.toml");
const SMALL: &str = r#"
[[tenant]]
id = "acme"
title = "Acme"
[[store]]
id = "a"
title = "A"
currency = "EUR"
time_zone = "UTC"
[[store.box]]
id = "box-a"
camera = [{ id = "door", zone = [{ id = "window" }], line = [{ id = "in", title = "Way in" }] }]
"#;

fn now() -> WallTime {
    WallTime::from_unix_ms(1_790_000_000_000)
}

fn database() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("hq.sqlite")).unwrap();
    (folder, store)
}

/// Applies registers one after the other and shows what the last one did.
#[track_caller]
fn check(registers: &[&str], expected: &str) {
    let (_folder, store) = database();
    let mut last = String::new();
    for register in registers {
        last = match apply(register, &store, now()) {
            Ok(applied) => applied.to_string(),
            Err(fault) => fault.to_string(),
        };
    }
    assert_eq!(last, expected.trim());
}

#[test]
fn the_example_is_applied_and_applied_again_does_nothing() {
    let (_folder, store) = database();
    let first = apply(EXAMPLE, &store, now()).unwrap();
    assert!(first.changes.iter().all(|change| change.happened == Happened::Added), "{first}");
    assert_eq!(first.changes.len(), 13, "{first}");
    assert_eq!(apply(EXAMPLE, &store, now()).unwrap(), Applied::default());
}

#[test]
fn what_is_new_is_added_with_all_that_lies_in_it() {
    check(
        &[SMALL],
        "added tenant acme\nadded store acme/a\nadded box acme/a/box-a\nadded camera acme/a/box-a/door\n\
         added line acme/a/box-a/door/in\nadded zone acme/a/box-a/door/window",
    );
}

#[test]
fn what_differs_is_changed_and_says_in_what() {
    let other = SMALL.replace("\"A\"", "\"Another\"").replace("UTC", "Europe/Vienna").replace("Way in", "In");
    check(&[SMALL, &other], "changed store acme/a (title, clock)\nchanged line acme/a/box-a/door/in (title)");
}

#[test]
fn what_is_no_longer_named_is_retired_and_comes_back_when_it_is_named_again() {
    let without_box = &SMALL[..SMALL.find("[[store.box]]").unwrap()];
    let without_store = &SMALL[..SMALL.find("[[store]]").unwrap()];
    check(&[SMALL, without_box], "retired box acme/a/box-a");
    check(&[SMALL, without_store], "retired box acme/a/box-a\nretired store acme/a");
    check(&[SMALL, without_store, SMALL], "added store acme/a\nadded box acme/a/box-a");
}

#[test]
fn a_simulated_store_is_not_retired_by_a_register_that_does_not_name_it() {
    let simulated = SMALL.replace("currency", "simulated = true\ncurrency");
    let without_store = &SMALL[..SMALL.find("[[store]]").unwrap()];
    check(&[&simulated, without_store], "nothing to do: the database says what the register says");
}

#[test]
fn adding_leaves_alone_what_is_not_named() {
    let (_folder, store) = database();
    apply(SMALL, &store, now()).unwrap();
    let other = SMALL.replace("id = \"a\"", "id = \"b\"").replace("box-a", "box-b");
    let added = add(&other, &store).unwrap();
    assert!(added.changes.iter().all(|change| change.happened == Happened::Added), "{added}");
    assert!(added.changes.iter().any(|change| change.name == "acme/b"));
}

#[test]
fn a_box_that_has_sent_nothing_may_move_and_one_that_has_may_not() {
    let (_folder, store) = database();
    apply(SMALL, &store, now()).unwrap();
    let moved = SMALL.replace("id = \"a\"\n", "id = \"b\"\n");
    let applied = apply(&moved, &store, now()).unwrap().to_string();
    assert!(applied.contains("changed box acme/b/box-a (store)"), "{applied}");
    store
        .write::<_, crate::hq::store::StoreError>(|all| {
            all.execute("UPDATE box SET highest = 7, first_seen_ms = 1", [])?;
            Ok(())
        })
        .unwrap();
    let refused = apply(SMALL, &store, now()).unwrap_err().to_string();
    assert!(
        refused.starts_with("box \"box-a\" belongs to store \"acme/b\" and has sent records"),
        "{refused}"
    );
}

#[test]
fn all_faults_come_at_once_with_their_line_and_what_was_probably_meant() {
    check(
        &[r#"
[[tenant]]
id = "acme"
title = "Acme"
[[region]]
id = "north"
title = "North"
[[store]]
id = "A b"
titel = "A"
region = "nort"
currency = "euro"
time_zone = "Europe/Wien"
[[store.box]]
id = "box-a"
[[store.box]]
id = "box-a"
[[store.display]]
id = "wall"
zone = "window"
from = "2026-03-01"
to = "2026-02-01"
"#],
        r#"
the register has 9 faults
8:1  store[1].title  is missing; give for example title = "Taipei Zhongxiao"
9:6  store[1].id  id "A b" holds 'A'; use only a-z, 0-9, _ and -
10:1  store[1].titel  there is no such setting; did you mean "title"?
11:10  store[1].region  there is no region "nort" in this file; did you mean "north"?
12:12  store[1].currency  "euro" is out of range; give three capitals such as "EUR" (ISO 4217)
13:13  store[1].time_zone  "Europe/Wien" is no time zone; give a name of the IANA list, such as "Europe/Vienna" or "UTC"
17:6  store[1].box.box-a.id  "box-a" is taken by the box at 15:6; give every box a name of its own
20:8  store[1].display.wall.zone  there is no zone "window" in this file; add the zone, or name one that is there
22:6  store[1].display.wall.to  does not come after from; give a later day"#,
    );
}

#[test]
fn a_display_stands_once_at_a_time_under_its_name() {
    let display = |from: &str, to: &str| {
        format!("[[store.display]]\nid = \"wall\"\nzone = \"window\"\nfrom = \"{from}\"\n{to}\n")
    };
    let first = display("2026-03-01", "to = \"2026-03-31\"");
    check(
        &[SMALL, &format!("{SMALL}{first}{}", display("2026-04-01", ""))],
        "added display acme/a/wall from 2026-03-01\nadded display acme/a/wall from 2026-04-01",
    );
    check(
        &[&format!("{SMALL}{first}{}", display("2026-03-31", ""))],
        "the register has 1 fault\n19:6  store.a.display.wall.id  overlaps \"wall\" at 14:6; end that one first",
    );
}

#[test]
fn clocks_rise_and_the_first_one_begins_at_1970() {
    let clock =
        "[[store.clock]]\nfrom = \"2026-06-01\"\ntime_zone = \"Asia/Taipei\"\nday_begins = \"04:00\"\n";
    let register = read(&format!("{SMALL}{clock}")).unwrap();
    let begins: Vec<i64> = register.stores[0].clocks.iter().map(|clock| clock.from.unix_ms()).collect();
    // 04:00 in Taipei is 20:00 UTC of the day before.
    assert_eq!(begins, [0, 1_780_257_600_000]);
    check(
        &[&format!("{SMALL}{clock}{clock}")],
        "the register has 1 fault\n18:8  store.a.clock[2].from  does not come after the clock before; give a later day",
    );
}

#[test]
fn a_holiday_of_the_store_goes_before_one_of_its_owner() {
    let register = read(
        r#"
[[tenant]]
id = "acme"
title = "Acme"
holiday = [{ date = "2026-12-24", title = "Eve" }, { date = "2026-12-25", title = "Christmas" }]
[[store]]
id = "a"
title = "A"
currency = "EUR"
time_zone = "UTC"
holiday = [{ date = "2026-12-24", title = "Eve", hours = ["09:00-12:00"] }]
"#,
    )
    .unwrap();
    let holidays = register.stores[0].hours.holidays.iter();
    let shown: Vec<_> = holidays.map(|day| (day.title.as_deref().unwrap(), day.hours.len())).collect();
    assert_eq!(shown, [("Eve", 1), ("Christmas", 0)]);
}

#[test]
fn a_register_that_is_refused_changes_nothing() {
    let (_folder, store) = database();
    apply(SMALL, &store, now()).unwrap();
    let broken = SMALL.replace("currency = \"EUR\"", "currency = 7").replace("\"A\"", "\"B\"");
    apply(&broken, &store, now()).unwrap_err();
    assert_eq!(apply(SMALL, &store, now()).unwrap(), Applied::default());
}

#[test]
fn displays_are_put_and_ended_one_by_one() {
    let (_folder, store) = database();
    apply(SMALL, &store, now()).unwrap();
    let wall = NewDisplay {
        name: "wall".into(),
        title: "Wall".into(),
        box_id: "box-a".into(),
        camera: "door".into(),
        zone: "window".into(),
        from: "2026-03-01".into(),
        ..NewDisplay::default()
    };
    put_display(&store, 1, &wall).unwrap();
    let again = put_display(&store, 1, &NewDisplay { from: "2026-04-01".into(), ..wall.clone() });
    assert_eq!(
        again.unwrap_err().to_string(),
        "display \"wall\" stands already in that time; end it first, or give another name"
    );
    let other_zone = put_display(&store, 1, &NewDisplay { zone: "attic".into(), ..wall.clone() });
    assert_eq!(other_zone.unwrap_err().to_string(), "the store has no zone \"attic\"");
    end_display(&store, 1, 1, Day::parse("2026-03-31").unwrap()).unwrap();
    put_display(&store, 1, &NewDisplay { from: "2026-04-01".into(), ..wall }).unwrap();
    end_display(&store, 2, 1, Day::parse("2026-03-31").unwrap()).unwrap_err();
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}") {
            drop(read(&text));
        }

        #[test]
        fn no_change_of_the_example_makes_it_panic(at in 0_usize..EXAMPLE.len(), with in "\\PC{0,8}", len in 0_usize..20) {
            let cut = |byte: usize| (0..=byte.min(EXAMPLE.len())).rev().find(|b| EXAMPLE.is_char_boundary(*b)).unwrap_or(0);
            let (from, to) = (cut(at), cut(at + len));
            drop(read(&format!("{}{with}{}", &EXAMPLE[..from], &EXAMPLE[to..])));
        }
    }
}

#[test]
fn sales_follow_a_clock_that_was_put_right() {
    let (_folder, store) = database();
    apply(SMALL, &store, now()).unwrap();
    let sent = crate::hq::sales::Sent {
        tenant: "acme",
        feed: crate::hq::sales::Feed::Sales,
        format: crate::hq::sales::Format::Csv,
        bytes: b"store,id,at,amount,item,category\na,1,2026-09-20T23:30:00Z,5.00,A,shoes\n",
        way: crate::hq::sales::Way::File,
    };
    crate::hq::sales::take(&sent, &crate::hq::sales::Anything, &store, now()).unwrap();
    let days = || -> Vec<i64> {
        let sql = "SELECT business_day FROM sale UNION ALL SELECT business_day FROM item_day";
        let day = |row: &rusqlite::Row<'_>| row.get(0);
        store.read(|ask| ask.prepare(sql)?.query_map([], day)?.collect()).unwrap()
    };
    let day = Day::parse("2026-09-20").unwrap().unix_days();
    assert_eq!(days(), [day, day]);
    apply(&SMALL.replace("UTC", "Asia/Taipei"), &store, now()).unwrap();
    assert_eq!(days(), [day + 1, day + 1]);
}
