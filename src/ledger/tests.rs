use super::*;
use crate::calendar::{Calendar, Schedule, WeekCalendar, WeekHours, Zone};
use crate::site::till::{FeedFormat, FeedSettings, read};
use crate::site::{StaffSource, StoreSettings};
use std::time::Duration;
use tempfile::TempDir;

fn id(name: &str) -> BoxId {
    BoxId::parse(name).unwrap()
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deeper/ledger.sqlite");
    (folder, path)
}

fn open(path: &Path) -> Result<(Ledger, LedgerOpening), LedgerError> {
    Ledger::open(path, &id("b"), WallTime::from_unix_ms(7))
}

fn settings() -> StoreSettings {
    StoreSettings {
        calendar: Calendar::new(Schedule::new(Zone::utc(), WeekHours::always(), Default::default()), 0),
        weeks: WeekCalendar::Iso,
        currency: "EUR".to_owned(),
        decimals: 2,
        doors: Vec::new(),
        sees_every_door: false,
        least_coverage: 0.9,
        max_stay: Duration::from_secs(3600),
        patience: Duration::from_secs(60),
        has_till: true,
        till_quiet: Duration::from_secs(60),
        staff: StaffSource::None,
        keep: Duration::from_secs(86_400),
    }
}

/// Hands in a feed of JSON, and says how many of it were new.
fn hand_in(ledger: &mut Ledger, text: &str, now_ms: i64) -> u64 {
    let feed = FeedSettings {
        zone: Zone::utc(),
        currency: "EUR".to_owned(),
        decimals: 2,
        oldest: Duration::from_secs(86_400),
    };
    let now = WallTime::from_unix_ms(now_ms);
    let intake = read(text.as_bytes(), "mqtt", &FeedFormat::Json, &feed, now);
    let mut store = ledger.store(settings()).unwrap();
    ledger.step(&mut store, &[StoreInput::Till(intake)], now).unwrap()[0].accepted
}

const SALE: &str = r#"{"id":"1","at_ms":1000,"what":"sale","amount":5}"#;

#[test]
fn a_ledger_is_made_with_its_folder_and_found_again() {
    let (_folder, path) = place();
    assert_eq!(open(&path).unwrap().1, LedgerOpening::New);
    let (mut ledger, opening) = open(&path).unwrap();
    assert_eq!((opening, hand_in(&mut ledger, SALE, 2_000)), (LedgerOpening::Found, 1));
    drop(ledger);
    assert_eq!(hand_in(&mut open(&path).unwrap().0, SALE, 2_000), 0);
}

#[test]
fn a_second_one_another_boxs_and_a_newer_one_are_refused() {
    let (_folder, path) = place();
    let (ledger, _) = open(&path).unwrap();
    assert!(matches!(open(&path), Err(LedgerError::InUse { .. })));
    ledger.sqlite.pragma_update(None, "user_version", 9).unwrap();
    drop(ledger);
    assert!(matches!(open(&path), Err(LedgerError::Newer { found: 9, known: 1, .. })));
    let (_folder, path) = place();
    drop(open(&path).unwrap());
    let other = Ledger::open(&path, &id("c"), WallTime::default());
    assert!(matches!(other, Err(LedgerError::OtherBox { .. })));
}

#[test]
fn a_file_that_cannot_be_trusted_is_set_aside_and_kept() {
    #[track_caller]
    fn check(spoil: impl Fn(&Path)) {
        let (_folder, path) = place();
        hand_in(&mut open(&path).unwrap().0, SALE, 2_000);
        spoil(&path);
        let spoilt = std::fs::read(&path).unwrap();
        let (mut ledger, opening) = open(&path).unwrap();
        let LedgerOpening::SetAside { to, .. } = opening else { panic!("{opening:?}") };
        assert_eq!(std::fs::read(to).unwrap(), spoilt);
        assert_eq!(hand_in(&mut ledger, SALE, 2_000), 1);
    }
    check(|path| std::fs::write(path, "hello, this is no database at all").unwrap());
    check(|path| {
        let whole = std::fs::read(path).unwrap();
        std::fs::write(path, &whole[..whole.len() / 2]).unwrap();
    });
    check(|path| {
        let other = rusqlite::Connection::open(path).unwrap();
        other.execute_batch("DROP TABLE meta").unwrap();
    });
}

#[test]
fn another_programs_database_is_refused_and_not_touched() {
    let (_folder, path) = place();
    drop(open(&path).unwrap());
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "application_id", 1).unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = open(&path).unwrap_err().to_string();
    assert!(refused.contains("another program's file"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn rows_put_aside_are_shown_newest_first_and_bounded() {
    let (_folder, path) = place();
    let (mut ledger, _) = open(&path).unwrap();
    for _ in 0..12 {
        hand_in(&mut ledger, &"x\n".repeat(1_000), 2_000);
    }
    hand_in(&mut ledger, r#"{"id":"last"}"#, 3_000);
    assert_eq!(i64::try_from(ledger.aside(usize::MAX).unwrap().len()), Ok(MAX_ASIDE));
    // Also while the ledger is open.
    let newest = &look_aside(&path, 1).unwrap()[0];
    assert_eq!(
        (newest.reason.as_str(), newest.row, newest.excerpt.as_str()),
        ("shape", 1, r#"{"id":"last"}"#)
    );
}

#[test]
fn what_is_old_is_forgotten_but_not_what_is_still_to_be_sent() {
    let (_folder, path) = place();
    let (mut ledger, _) = open(&path).unwrap();
    hand_in(&mut ledger, SALE, 2_000);
    hand_in(&mut ledger, "[]", 30 * 86_400_000);
    let kept: i64 = ledger.sqlite.query_row("SELECT count(*) FROM till", [], |row| row.get(0)).unwrap();
    assert_eq!((kept, ledger.outgoing(0, 9).unwrap().len()), (0, 1));
}

#[test]
fn a_ledger_that_is_not_open_yet_takes_nothing_until_it_is() {
    let (_folder, path) = place();
    assert_eq!(hand_in(&mut open(&path).unwrap().0, SALE, 2_000), 1);
    let mut ledger = Ledger::not_open_yet(&path, &id("b")).unwrap();
    let mut store = ledger.store(settings()).unwrap();
    let refused = ledger.step(&mut store, &[], WallTime::default()).unwrap_err();
    assert!(refused.needs_reopening() && refused.is_of_the_disk(), "{refused}");
    assert_eq!(ledger.reopen(WallTime::from_unix_ms(7)).unwrap(), LedgerOpening::Found);
    // It knows the sale from before.
    assert_eq!(hand_in(&mut ledger, SALE, 2_000), 0);
}

#[test]
fn a_ledger_that_turns_to_garbage_while_it_is_open_asks_to_be_opened_anew_and_is_set_aside_then() {
    let (_folder, path) = place();
    let (mut ledger, _) = open(&path).unwrap();
    hand_in(&mut ledger, SALE, 2_000);
    // The table of what is to be sent now lies on a page that is not there.
    let other = Connection::open(&path).unwrap();
    let spoil = "PRAGMA writable_schema = ON; PRAGMA schema_version = 77; UPDATE sqlite_schema SET rootpage = 9999 WHERE name = 'outgoing';";
    other.execute_batch(spoil).unwrap();
    drop(other);
    let fault = ledger.outgoing(0, 9);
    assert!(fault.as_ref().is_err_and(LedgerError::needs_reopening), "{fault:?}");
    assert!(matches!(ledger.reopen(WallTime::from_unix_ms(9)).unwrap(), LedgerOpening::SetAside { .. }));
    assert_eq!(hand_in(&mut ledger, SALE, 2_000), 1);
}
