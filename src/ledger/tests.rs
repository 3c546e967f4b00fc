use super::*;
use crate::analytics::conversion::Sales;
use crate::site::till::What;

fn at(minute: i64) -> WallTime {
    WallTime::from_unix_ms(minute * MINUTE_MS)
}

fn span(from: i64, to: i64) -> TimeSpan {
    TimeSpan { start: at(from), end: at(to) }
}

struct Kept {
    folder: tempfile::TempDir,
}

impl Kept {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.sqlite")
    }

    fn open(&self) -> Ledger {
        let (ledger, recovered) = Ledger::open(&self.path(), "box-1", at(0)).unwrap();
        assert_eq!(recovered, None);
        ledger
    }
}

fn minute(start: i64, entries: u32) -> DoorMinute {
    DoorMinute {
        camera: "door".into(),
        line: "entrance".into(),
        role: "door",
        start: at(start),
        entries,
        exits: 0,
        staff_in: 0,
        staff_out: 0,
        reentries: 0,
        passersby: 0,
        seen: Duration::from_secs(60),
        valid: true,
    }
}

fn sale(id: &str, minute: i64, what: What, amount_minor: i64) -> Transaction {
    Transaction {
        id: id.to_owned(),
        at: at(minute),
        what,
        amount_minor,
        lines: Vec::new(),
        units: Some(2),
        channel: None,
        voids: None,
    }
}

fn intake(transactions: Vec<Transaction>) -> Intake {
    Intake { feed: "till".into(), transactions: (1..).zip(transactions).collect(), ..Intake::default() }
}

fn body(sale: &Transaction) -> String {
    format!("{} {} {} {:?}", sale.id, sale.at, sale.amount_minor, sale.voids)
}

#[test]
fn parts_of_a_minute_add_up_also_over_a_restart() {
    let kept = Kept::new();
    kept.open().add_minutes(&[DoorMinute { seen: Duration::from_secs(20), ..minute(0, 2) }], &[]).unwrap();
    let part =
        DoorMinute { seen: Duration::from_secs(30), staff_in: 1, reentries: 1, exits: 4, ..minute(0, 3) };
    let mut ledger = kept.open();
    ledger.add_minutes(&[part, minute(1, 7)], &[]).unwrap();
    let sums = ledger.door_sums(span(0, 1), &[span(0, 1)]).unwrap();
    let expected = DoorSums {
        entries: 5,
        exits: 4,
        staff_entries: 1,
        reentries: 1,
        passersby: 0,
        seen: Duration::from_secs(50),
    };
    assert_eq!(sums, expected);
}

#[test]
fn only_doors_count_visitors_and_only_a_passersby_line_those_who_walk_by() {
    let mut ledger = Kept::new().open();
    let of =
        |role: &'static str, line: &str| DoorMinute { role, line: line.into(), passersby: 9, ..minute(0, 5) };
    ledger
        .add_minutes(&[of("door", "a"), of("goods", "b"), of("inner", "c"), of("passersby", "d")], &[])
        .unwrap();
    let sums = ledger.door_sums(span(0, 1), &[span(0, 1)]).unwrap();
    assert_eq!((sums.entries, sums.passersby, sums.seen), (5, 9, Duration::from_secs(60)));
}

#[test]
fn what_a_moved_camera_saw_does_not_count_as_seen() {
    let mut ledger = Kept::new().open();
    let later = DoorMinute { valid: false, seen: Duration::ZERO, ..minute(0, 0) };
    ledger.add_minutes(&[minute(0, 5), minute(1, 5), later], &[]).unwrap();
    assert_eq!(ledger.door_sums(span(0, 2), &[span(0, 2)]).unwrap().seen, Duration::from_secs(60));
}

#[test]
fn a_minute_counts_as_seen_for_as_long_as_the_store_was_open() {
    let mut ledger = Kept::new().open();
    ledger.add_minutes(&[minute(0, 0), minute(1, 0)], &[]).unwrap();
    let open = TimeSpan { start: WallTime::from_unix_ms(45_000), end: WallTime::from_unix_ms(70_000) };
    assert_eq!(ledger.door_sums(span(0, 2), &[open]).unwrap().seen, Duration::from_secs(25));
}

#[test]
fn a_transaction_counts_once_however_often_it_comes() {
    let kept = Kept::new();
    let came = intake(vec![sale("a", 0, What::Sale, 500), sale("a", 0, What::Sale, 500)]);
    let first = kept.open().take(&came, at(1), body).unwrap();
    assert_eq!((first.accepted, first.duplicates), (vec![1], 1));
    let mut ledger = kept.open();
    assert_eq!(ledger.take(&came, at(2), body).unwrap().duplicates, 2);
    let sales = Sales { transactions: 1, amount_minor: 500, units: Some(2) };
    assert_eq!(ledger.till_sums(span(0, 1)).unwrap().sales, sales);
}

#[test]
fn an_id_that_stands_for_something_else_already_is_put_aside() {
    let mut ledger = Kept::new().open();
    ledger.take(&intake(vec![sale("a", 0, What::Sale, 500)]), at(1), body).unwrap();
    let taken = ledger.take(&intake(vec![sale("a", 0, What::Sale, 700)]), at(2), body).unwrap();
    assert_eq!((taken.accepted.len(), taken.reused.len()), (0, 1));
    let aside = ledger.aside(9).unwrap();
    assert_eq!((aside.len(), aside[0].reason.as_str(), aside[0].row), (1, "id_reused", 1));
    assert_eq!((ledger.aside_since(at(2)).unwrap(), ledger.aside_since(at(3)).unwrap()), (1, 0));
    assert_eq!(ledger.till_sums(span(0, 1)).unwrap().sales.amount_minor, 500);
}

#[test]
fn refunds_voids_training_and_pickups_are_no_purchases() {
    let mut ledger = Kept::new().open();
    let others = [What::Refund, What::Void, What::Training, What::Pickup];
    let mut all: Vec<_> = others.iter().map(|what| sale(what.name(), 0, *what, 300)).collect();
    all.push(sale("a", 0, What::Sale, 500));
    ledger.take(&intake(all), at(1), body).unwrap();
    let sums = ledger.till_sums(span(0, 1)).unwrap();
    assert_eq!(sums.sales, Sales { transactions: 1, amount_minor: 500, units: Some(2) });
    assert_eq!((sums.refunds, sums.refunded_minor), (1, 300));
}

#[test]
fn a_void_takes_back_the_sale_that_it_names_and_touches_its_time() {
    let mut ledger = Kept::new().open();
    ledger
        .take(&intake(vec![sale("a", 0, What::Sale, 500), sale("b", 0, What::Sale, 10)]), at(1), body)
        .unwrap();
    let void = Transaction { voids: Some("a".into()), ..sale("v", 90, What::Void, 0) };
    let taken = ledger.take(&intake(vec![void]), at(91), body).unwrap();
    assert_eq!(taken.touched, [at(90), at(0)]);
    assert_eq!(ledger.till_sums(span(0, 1)).unwrap().sales.amount_minor, 10);
}

#[test]
fn units_are_unknown_where_one_sale_does_not_tell_them() {
    let mut ledger = Kept::new().open();
    let without = Transaction { units: None, ..sale("b", 0, What::Sale, 10) };
    ledger.take(&intake(vec![sale("a", 0, What::Sale, 500), without]), at(1), body).unwrap();
    assert_eq!(ledger.till_sums(span(0, 1)).unwrap().sales.units, None);
}

#[test]
fn what_was_not_handed_to_the_outbox_is_handed_over_after_a_restart() {
    let kept = Kept::new();
    kept.open()
        .take(&intake(vec![sale("a", 0, What::Sale, 1), sale("b", 1, What::Sale, 1)]), at(2), body)
        .unwrap();
    let mut ledger = kept.open();
    ledger.mark_sent(["a"].into_iter()).unwrap();
    let ids: Vec<String> = kept.open().unsent(9).unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["b"]);
}

#[test]
fn a_period_is_due_once_for_each_time_that_something_new_is_known() {
    let mut ledger = Kept::new().open();
    let quarter = (SpanKind::Quarter, span(0, 15));
    ledger.add_minutes(&[minute(3, 1)], &[quarter]).unwrap();
    assert!(ledger.due(at(14), 9).unwrap().is_empty(), "it is not over");
    let due = ledger.due(at(15), 9).unwrap();
    assert_eq!((due.len(), due[0].revision, due[0].span), (1, 0, span(0, 15)));
    ledger.told(&due[0], Some("1 in")).unwrap();
    assert!(ledger.due(at(99), 9).unwrap().is_empty());
    ledger.touch(&[quarter]).unwrap();
    let again = ledger.due(at(99), 9).unwrap();
    assert_eq!((again[0].revision, again[0].told.as_deref()), (1, Some("1 in")));
    ledger.told(&again[0], None).unwrap();
    assert!(ledger.due(at(99), 9).unwrap().is_empty());
}

#[test]
fn who_is_inside_is_known_after_a_restart() {
    let kept = Kept::new();
    assert_eq!(kept.open().inside().unwrap(), None);
    let inside = Inside { since: vec![at(1), at(2), at(2)], staff: 1 };
    kept.open().keep_inside(at(3), &inside).unwrap();
    assert_eq!(kept.open().inside().unwrap(), Some((at(3), inside)));
    kept.open().keep_inside(at(4), &Inside::default()).unwrap();
    assert_eq!(kept.open().inside().unwrap(), Some((at(4), Inside::default())));
}

#[test]
fn hours_of_staff_are_cut_to_the_period_and_replaced_by_a_later_word() {
    let mut ledger = Kept::new().open();
    assert_eq!(ledger.associate_hours(span(0, 60)).unwrap(), None);
    ledger.set_shifts(&[("ann".into(), span(0, 480), 1000), ("bob".into(), span(30, 480), 1000)]).unwrap();
    assert_eq!(ledger.associate_hours(span(0, 60)).unwrap(), Some(1.5));
    ledger.set_shifts(&[("bob".into(), span(45, 480), 1000)]).unwrap();
    assert_eq!(ledger.associate_hours(span(0, 60)).unwrap(), Some(1.25));
}

#[test]
fn what_is_old_is_forgotten_but_for_sales_that_were_not_handed_over() {
    let mut ledger = Kept::new().open();
    ledger.add_minutes(&[minute(0, 1)], &[(SpanKind::Quarter, span(0, 15))]).unwrap();
    ledger
        .take(&intake(vec![sale("a", 0, What::Sale, 1), sale("b", 0, What::Sale, 1)]), at(0), body)
        .unwrap();
    ledger.mark_sent(["a"].into_iter()).unwrap();
    ledger.forget_old(at(60 * 24 * 41)).unwrap();
    assert_eq!(ledger.door_sums(span(0, 1), &[]).unwrap(), DoorSums::default());
    assert!(ledger.due(at(99), 9).unwrap().is_empty());
    assert_eq!(ledger.unsent(9).unwrap().len(), 1);
    assert_eq!(ledger.till_sums(span(0, 1)).unwrap().sales.transactions, 1);
}

#[test]
fn a_ledger_that_is_garbage_is_set_aside_and_an_empty_one_begun() {
    let kept = Kept::new();
    std::fs::write(kept.path(), b"this is no database, however long it may be").unwrap();
    let (ledger, recovered) = Ledger::open(&kept.path(), "box-1", at(5)).unwrap();
    let recovered = recovered.unwrap();
    assert!(recovered.set_aside.exists() && recovered.to_string().contains("corrupt-300000"), "{recovered}");
    assert!(!ledger.has_sales().unwrap());
}

#[test]
fn another_boxs_ledger_is_refused_and_not_touched() {
    let kept = Kept::new();
    drop(kept.open());
    let refused = Ledger::open(&kept.path(), "box-2", at(0)).unwrap_err();
    assert!(refused.to_string().contains("belongs to box \"box-1\""), "{refused}");
    drop(kept.open());
}
