//! The outbox against what happens to files: full disks, garbage, copies, strangers.

use super::*;
use crate::wire::v1::{Crossing, Direction};
use tempfile::TempDir;

const NOW: WallTime = WallTime::from_unix_ms(1_760_000_000_000);

fn box_id() -> BoxId {
    BoxId::parse("door-7").unwrap()
}

fn crossing(frame: u64) -> Fact {
    Fact::Crossing(Crossing {
        camera: "door".to_owned(),
        line: "entrance".to_owned(),
        direction: Direction::In,
        frame,
        at_ms: NOW.unix_ms(),
        track: frame,
        run: NOW.unix_ms(),
        geometry: "ab12cd34ef56".to_owned(),
        plane: "image".to_owned(),
        model: "m".to_owned(),
    })
}

/// A directory with an outbox in it, and the door that every test goes through.
struct Box1 {
    dir: TempDir,
}

impl Box1 {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("outbox.sqlite")
    }

    #[track_caller]
    fn open(&self) -> (Outbox, Opening) {
        let (outbox, opening) = Outbox::open(&self.path(), &box_id(), NOW).unwrap();
        outbox.check_invariants().unwrap();
        (outbox, opening)
    }

    /// A closed outbox that holds the given number of records.
    fn with_records(records: u64) -> Self {
        let made = Self::new();
        let facts: Vec<Fact> = (1..=records).map(crossing).collect();
        made.open().0.append(&facts, NOW).unwrap();
        made
    }

    fn set_aside(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.dir.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains(".corrupt-")).collect()
    }
}

fn seqs(outbox: &Outbox) -> Vec<u64> {
    outbox.records(0, usize::MAX).unwrap().iter().map(|row| row.seq).collect()
}

fn gap_of(row: &Row) -> Gap {
    match serde_json::from_str::<Record>(row.body.get()).unwrap().fact {
        Fact::Gap(gap) => gap,
        other => panic!("{other:?} is no gap"),
    }
}

/// Opens an outbox whose file a test has damaged: numbers must go on above `used`, told by a gap.
#[track_caller]
fn check_recovery(damaged: &Box1, reason: GapReason, used: u64) -> (Outbox, Recovery) {
    let (mut outbox, opening) = damaged.open();
    let Opening::Recovered(recovery) = opening else { panic!("{opening:?} is no recovery") };
    assert_eq!(recovery.reason, reason);
    assert!(recovery.gap.last >= used, "{recovery:?} may use {used} again");
    let rows = outbox.records(0, usize::MAX).unwrap();
    let announced = rows.last().unwrap();
    assert_eq!(announced.seq, recovery.gap.last + 1);
    let SeqRange { first, last } = recovery.gap;
    assert_eq!(gap_of(announced), Gap { from_seq: first, to_seq: last, reason });
    let next = outbox.append(&[crossing(1)], NOW).unwrap().unwrap();
    assert_eq!(next.first, announced.seq + 1);
    outbox.check_invariants().unwrap();
    drop(outbox);
    let (outbox, opening) = damaged.open();
    assert_eq!(opening, Opening::Found, "a recovery is done once");
    (outbox, recovery)
}

#[test]
fn numbers_start_at_one_and_go_on_after_a_restart_also_when_all_are_gone() {
    let made = Box1::new();
    let (mut outbox, opening) = made.open();
    assert_eq!(opening, Opening::New);
    let stored = outbox.append(&[crossing(1), crossing(2)], NOW).unwrap();
    assert_eq!(stored, Some(SeqRange { first: 1, last: 2 }));
    outbox.confirm(2, NOW).unwrap();
    drop(outbox);
    let (mut outbox, opening) = made.open();
    let position = Position { newest: 2, watermark: 2, waiting: 0 };
    assert_eq!((opening, outbox.position()), (Opening::Found, position));
    assert_eq!(outbox.append(&[crossing(3)], NOW).unwrap(), Some(SeqRange { first: 3, last: 3 }));
}

#[test]
fn nothing_to_store_uses_no_number() {
    let (mut outbox, _) = Box1::new().open();
    assert_eq!(outbox.append(&[], NOW).unwrap(), None);
    assert_eq!(outbox.position(), Position::default());
}

#[test]
fn numbers_are_reserved_on_disk_before_a_block_ends() {
    let made = Box1::new();
    let (mut outbox, _) = made.open();
    let many: Vec<Fact> = (0..numbers::BLOCK + 5).map(crossing).collect();
    outbox.append(&many, NOW).unwrap();
    outbox.append(&many, NOW).unwrap();
    outbox.check_invariants().unwrap();
}

#[test]
fn the_directory_is_made_where_it_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("var/lib/outbox.sqlite");
    Outbox::open(&path, &box_id(), NOW).unwrap();
    assert!(path.exists());
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let fault = Outbox::open(&file.join("outbox.sqlite"), &box_id(), NOW).unwrap_err().to_string();
    assert!(fault.contains("file") && fault.contains("directory that it may write"), "{fault}");
}

#[test]
fn a_second_owner_is_refused() {
    let made = Box1::new();
    let (_first, _) = made.open();
    let fault = Outbox::open(&made.path(), &box_id(), NOW).unwrap_err();
    assert!(matches!(fault, OutboxError::InUse { .. }), "{fault}");
}

#[test]
fn another_boxs_file_is_refused_and_left_alone() {
    let made = Box1::with_records(3);
    let stranger = BoxId::parse("till-2").unwrap();
    let check = || {
        let fault = Outbox::open(&made.path(), &stranger, NOW).unwrap_err().to_string();
        assert!(fault.contains("belongs to box \"door-7\", this is box till-2"), "{fault}");
    };
    check();
    std::fs::remove_file(numbers_path(&made.path())).unwrap();
    check();
    assert_eq!(seqs(&made.open().0), [1, 2, 3]);
}

#[test]
fn a_newer_file_is_refused_and_left_alone() {
    let made = Box1::with_records(1);
    Connection::open(made.path()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let fault = Outbox::open(&made.path(), &box_id(), NOW).unwrap_err().to_string();
    assert!(fault.contains("version 99, this footfall knows 3"), "{fault}");
    assert!(made.set_aside().is_empty());
}

#[test]
fn garbage_is_set_aside_and_numbers_go_on_above_all_that_were_used() {
    let made = Box1::with_records(3);
    std::fs::write(made.path(), vec![0x5a; 20_000]).unwrap();
    let (_, recovery) = check_recovery(&made, GapReason::OutboxCorrupt, 3);
    assert_eq!(recovery.salvaged, 0);
    assert_eq!(made.set_aside(), ["outbox.sqlite.corrupt-1760000000000"]);
}

#[test]
fn a_file_cut_short_keeps_the_records_that_can_be_read() {
    let made = Box1::with_records(500);
    let whole = std::fs::metadata(made.path()).unwrap().len();
    File::options().write(true).open(made.path()).unwrap().set_len(whole * 2 / 3).unwrap();
    let (outbox, recovery) = check_recovery(&made, GapReason::OutboxCorrupt, 500);
    assert!(recovery.salvaged > 100, "{recovery:?}");
    let kept = seqs(&outbox);
    assert_eq!(kept.len() as u64, recovery.salvaged + 2, "saved, the gap, and one new");
    assert!(recovery.to_string().contains("records were saved"), "{recovery}");
}

#[test]
fn a_bad_page_in_the_middle_costs_only_its_own_records() {
    let made = Box1::with_records(500);
    let mut bytes = std::fs::read(made.path()).unwrap();
    let middle = bytes.len() / 4096 / 2 * 4096;
    bytes[middle..middle + 4096].fill(0xff);
    std::fs::write(made.path(), bytes).unwrap();
    let (outbox, recovery) = check_recovery(&made, GapReason::OutboxCorrupt, 500);
    let kept = seqs(&outbox);
    assert!(recovery.salvaged > 400, "{recovery:?}");
    assert!(kept.contains(&1) && kept.contains(&500), "both sides of the bad page are saved");
}

#[test]
fn records_that_were_only_in_the_log_are_saved_too() {
    let made = Box1::with_records(1);
    let (mut outbox, _) = made.open();
    outbox.append(&[crossing(2), crossing(3)], NOW).unwrap();
    // A crash leaves the log behind; copying the files while they are open does the same.
    let crashed = Box1::new();
    for ending in ["", "-wal", ".seq"] {
        let (from, to) = (numbers::beside(&made.path(), ending), numbers::beside(&crashed.path(), ending));
        std::fs::copy(from, to).unwrap();
    }
    // The table of numbers is damaged, not the records.
    Connection::open(crashed.path())
        .and_then(|sqlite| {
            sqlite.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            sqlite.execute_batch("DROP TABLE meta")
        })
        .unwrap();
    assert!(numbers::beside(&crashed.path(), "-wal").metadata().unwrap().len() > 0);
    let (outbox, recovery) = check_recovery(&crashed, GapReason::OutboxCorrupt, 3);
    assert_eq!(recovery.salvaged, 3);
    assert_eq!(seqs(&outbox)[..3], [1, 2, 3]);
}

#[test]
fn another_programs_database_is_set_aside_and_not_read() {
    let made = Box1::new();
    Connection::open(made.path()).unwrap().execute_batch("CREATE TABLE record (seq, body)").unwrap();
    let (_, recovery) = check_recovery(&made, GapReason::OutboxCorrupt, 1);
    assert_eq!(recovery.salvaged, 0);
}

#[test]
fn without_the_file_of_numbers_a_corrupt_outbox_goes_on_from_the_clock() {
    let made = Box1::with_records(3);
    std::fs::write(made.path(), "garbage, and nothing else at all").unwrap();
    std::fs::remove_file(numbers_path(&made.path())).unwrap();
    check_recovery(&made, GapReason::OutboxCorrupt, u64::try_from(NOW.unix_ms()).unwrap());
}

#[test]
fn a_file_that_is_gone_or_empty_does_not_start_numbers_anew() {
    for damage in [|path: &Path| std::fs::remove_file(path), |path: &Path| std::fs::write(path, "")] {
        let made = Box1::with_records(3);
        damage(&made.path()).unwrap();
        let (_, recovery) = check_recovery(&made, GapReason::OutboxMissing, 3);
        assert_eq!(recovery.set_aside, None);
    }
}

#[test]
fn an_old_copy_that_is_put_back_does_not_use_numbers_again() {
    let made = Box1::with_records(3);
    let copy = std::fs::read(made.path()).unwrap();
    let many: Vec<Fact> = (0..numbers::BLOCK + 5).map(crossing).collect();
    made.open().0.append(&many, NOW).unwrap();
    std::fs::write(made.path(), copy).unwrap();
    let (outbox, recovery) = check_recovery(&made, GapReason::OutboxOutdated, numbers::BLOCK + 8);
    assert_eq!((recovery.gap.first, recovery.salvaged), (4, 3));
    assert_eq!(seqs(&outbox)[..3], [1, 2, 3]);
}

#[test]
fn a_lost_file_of_numbers_is_written_again() {
    let made = Box1::with_records(3);
    std::fs::remove_file(numbers_path(&made.path())).unwrap();
    assert_eq!(made.open().1, Opening::Found);
    assert!(numbers_path(&made.path()).exists());
}

#[test]
fn a_rebuild_that_was_interrupted_is_finished_or_thrown_away() {
    // Complete, and the power went before it was put in place.
    let made = Box1::with_records(3);
    let complete = numbers::beside(&made.path(), ".new");
    std::fs::rename(made.path(), &complete).unwrap();
    std::fs::write(made.path(), vec![0x5a; 20_000]).unwrap();
    let (outbox, opening) = made.open();
    assert_eq!((opening, seqs(&outbox)), (Opening::Found, vec![1, 2, 3]));
    assert!(!complete.exists());
    assert_eq!(made.set_aside().len(), 1);

    // Begun only.
    let made = Box1::with_records(3);
    std::fs::write(numbers::beside(&made.path(), ".new"), vec![0x5a; 5000]).unwrap();
    let (outbox, opening) = made.open();
    assert_eq!((opening, seqs(&outbox)), (Opening::Found, vec![1, 2, 3]));
}

#[test]
fn a_row_that_cannot_be_read_goes_out_as_a_gap_and_holds_up_nobody() {
    let made = Box1::with_records(4);
    Connection::open(made.path())
        .unwrap()
        .execute_batch(
            "UPDATE record SET body = 'no json' WHERE seq = 2;
             UPDATE record SET body = (SELECT body FROM record WHERE seq = 1) WHERE seq = 3;",
        )
        .unwrap();
    // Not through the door: the invariants do not hold for this file.
    let (outbox, _) = Outbox::open(&made.path(), &box_id(), NOW).unwrap();
    let fault = outbox.check_invariants();
    assert_eq!(fault, Ok(()), "what is handed out is numbered, whatever the row holds");
    let rows = outbox.records(0, 10).unwrap();
    for (row, seq) in [(&rows[1], 2), (&rows[2], 3)] {
        assert_eq!(gap_of(row), Gap { from_seq: seq, to_seq: seq, reason: GapReason::Unreadable });
    }
    assert_eq!(rows.len(), 4);
}

#[test]
fn a_record_of_a_kind_that_a_newer_footfall_wrote_goes_out_as_it_is() {
    let made = Box1::with_records(1);
    let body = r#"{"seq":1,"kind":"visit","zone":"shoes"}"#;
    Connection::open(made.path()).unwrap().execute("UPDATE record SET body = ?1", [body]).unwrap();
    assert_eq!(made.open().0.records(0, 10).unwrap()[0].body.get(), body);
}

#[test]
fn a_full_disk_is_named_uses_no_number_and_leaves_no_gap() {
    let made = Box1::new();
    let (mut outbox, _) = made.open();
    let pages = |outbox: &Outbox, most: i64| {
        let sqlite = outbox.sqlite.as_ref().unwrap();
        sqlite.pragma_update_and_check(None, "max_page_count", most, |_| Ok(())).unwrap();
    };
    pages(&outbox, 4);
    let many: Vec<Fact> = (0..500).map(crossing).collect();
    let fault = outbox.append(&many, NOW).unwrap_err();
    assert!(matches!(fault, OutboxError::Full { .. }) && fault.is_transient(), "{fault}");
    assert!(fault.to_string().ends_with("the disk is full; free some space"), "{fault}");
    drop(outbox);
    let (mut outbox, opening) = made.open();
    assert_eq!(opening, Opening::Found);
    assert_eq!(outbox.append(&many, NOW).unwrap(), Some(SeqRange { first: 1, last: 500 }));
    outbox.check_invariants().unwrap();
}

const DAY: Duration = Duration::from_secs(86_400);

/// An outbox of so many records that keeps `history` and so many pages of 4096 bytes.
fn keeping(records: u64, history: Duration, pages: u64) -> (Box1, Outbox) {
    let made = Box1::with_records(records);
    let (mut outbox, _) = made.open();
    outbox.keep(Retention { history, max_bytes: pages * 4096 });
    (made, outbox)
}

#[test]
fn confirmed_records_stay_until_they_are_old_and_waiting_ones_stay_for_ever() {
    let (_made, mut outbox) = keeping(10, DAY, 1000);
    outbox.confirm(4, NOW).unwrap();
    assert_eq!(seqs(&outbox), (1..=10).collect::<Vec<_>>());
    assert_eq!(outbox.position(), Position { newest: 10, watermark: 4, waiting: 6 });
    outbox.append(&[crossing(11)], NOW + DAY).unwrap();
    assert_eq!(seqs(&outbox).len(), 11, "a day old is not older than a day");
    outbox.append(&[crossing(12)], NOW + DAY + Duration::from_secs(1)).unwrap();
    assert_eq!(seqs(&outbox), (5..=12).collect::<Vec<_>>());
    assert_eq!(outbox.kept_from().unwrap(), Some(5));
    outbox.check_invariants().unwrap();
}

#[test]
fn a_watermark_that_goes_down_makes_records_wait_again_and_one_too_high_is_cut() {
    let (_made, mut outbox) = keeping(10, DAY, 1000);
    for (told, watermark) in [(7, 7), (3, 3), (99, 10), (0, 0)] {
        outbox.confirm(told, NOW).unwrap();
        assert_eq!(outbox.position(), Position { newest: 10, watermark, waiting: 10 - watermark });
        outbox.check_invariants().unwrap();
    }
}

#[test]
fn a_month_that_expires_at_once_goes_piece_by_piece() {
    let (_made, mut outbox) = keeping(1200, DAY, 1000);
    outbox.confirm(1200, NOW).unwrap();
    let mut left = Vec::new();
    for _ in 0..4 {
        outbox.commit(&Change::default(), NOW + 2 * DAY).unwrap();
        left.push(seqs(&outbox).len());
    }
    assert_eq!(left, [700, 200, 0, 0]);
}

#[test]
fn a_clock_that_is_set_back_keeps_history_and_never_makes_a_hole_in_it() {
    let (_made, mut outbox) = keeping(3, DAY, 1000);
    outbox.append(&[crossing(4)], NOW - 10 * DAY).unwrap();
    outbox.append(&[crossing(5)], NOW).unwrap();
    outbox.confirm(5, NOW).unwrap();
    assert_eq!(seqs(&outbox), [1, 2, 3, 4, 5], "the fourth looks old and is younger than the first");
    outbox.confirm(5, NOW + 2 * DAY).unwrap();
    assert_eq!(seqs(&outbox), Vec::<u64>::new());
}

#[test]
fn when_the_budget_is_used_up_confirmed_records_go_first_and_none_that_wait() {
    let (_made, mut outbox) = keeping(2000, DAY, 100);
    outbox.confirm(1500, NOW).unwrap();
    let more: Vec<Fact> = (2001..=2300).map(crossing).collect();
    let committed = outbox.commit(&Change { facts: &more, ..Change::default() }, NOW).unwrap();
    assert!(committed.given_up.iter().all(|piece| piece.lot == Lot::History), "{committed:?}");
    let kept_from = outbox.kept_from().unwrap().unwrap();
    assert!((2..=1501).contains(&kept_from), "{kept_from}");
    assert_eq!(seqs(&outbox), (kept_from..=2300).collect::<Vec<_>>());
    outbox.check_invariants().unwrap();
}

#[test]
fn without_history_the_oldest_that_wait_are_given_up_and_a_gap_record_names_them() {
    let (made, mut outbox) = keeping(2000, DAY, 60);
    let committed = outbox.commit(&Change { facts: &[crossing(9)], ..Change::default() }, NOW).unwrap();
    let last = committed.given_up.last().unwrap();
    assert!(committed.given_up.iter().all(|piece| piece.lot == Lot::Unconfirmed));
    assert!(last.to_string().contains("that nobody has confirmed were given up and are lost"), "{last}");
    let rows = outbox.records(0, usize::MAX).unwrap();
    assert_eq!(rows[0].seq, last.range.last + 1);
    let gap = rows.iter().find(|row| row.seq == 2001).unwrap();
    let expected = Gap { from_seq: 1, to_seq: last.range.last, reason: GapReason::GivenUp };
    assert_eq!(gap_of(gap), expected);
    assert_eq!(committed.stored, Some(SeqRange { first: 2002, last: 2002 }));
    outbox.check_invariants().unwrap();
    drop(outbox);
    assert_eq!(made.open().1, Opening::Found);
}

#[test]
fn on_a_full_disk_history_makes_room() {
    let (_made, mut outbox) = keeping(1000, DAY, 1000);
    outbox.confirm(600, NOW).unwrap();
    let given_up = outbox.give_up_history().unwrap().unwrap();
    assert_eq!(given_up.range, SeqRange { first: 1, last: 500 });
    assert_eq!(outbox.give_up_history().unwrap().unwrap().records, 100);
    assert_eq!(outbox.give_up_history().unwrap(), None, "what waits does not go for that");
    outbox.check_invariants().unwrap();
}

fn minute(entries: u32) -> Fact {
    serde_json::from_value(serde_json::json!({
        "kind": "minute", "camera": "door", "line": "entrance", "start_ms": 0, "in": entries, "out": 0, "seen_s": 60,
        "frames": 600, "dropped": 0, "part": false, "model": "m", "geometry": "g", "run": 0,
    }))
    .unwrap()
}

fn replaced(source: &str, facts: &[Fact]) -> Drafts {
    Drafts::from([(source.to_owned(), facts.to_vec())])
}

/// What minutes say, as (number, people, whether it is a part).
fn minutes(outbox: &Outbox) -> Vec<(u64, u32, bool)> {
    let rows = outbox.records(0, usize::MAX).unwrap();
    let record = |row: &Row| serde_json::from_str::<Record>(row.body.get()).unwrap();
    rows.iter()
        .filter_map(|row| match record(row).fact {
            Fact::Minute(minute) => Some((row.seq, minute.entries, minute.part)),
            _ => None,
        })
        .collect()
}

#[test]
fn drafts_of_a_run_that_died_become_parts_before_anything_new_and_only_once() {
    let made = Box1::new();
    let (mut outbox, _) = made.open();
    for entries in [1, 2] {
        let drafts = replaced("door", &[minute(entries), minute(7)]);
        let drafts = DraftChange::Replaced(&drafts);
        outbox.commit(&Change { facts: &[crossing(1)], drafts, ..Change::default() }, NOW).unwrap();
    }
    assert_eq!(minutes(&outbox), [], "a draft is no record");
    for _ in 0..2 {
        drop(outbox);
        outbox = made.open().0;
        assert_eq!(minutes(&outbox), [(3, 2, true), (4, 7, true)]);
    }
}

#[test]
fn a_draft_that_its_source_takes_back_is_gone_and_others_stay() {
    let made = Box1::new();
    let (mut outbox, _) = made.open();
    for drafts in [replaced("a", &[minute(1)]), replaced("b", &[minute(2)]), replaced("a", &[])] {
        let drafts = DraftChange::Replaced(&drafts);
        outbox.commit(&Change { drafts, ..Change::default() }, NOW).unwrap();
    }
    drop(outbox);
    assert_eq!(minutes(&made.open().0), [(1, 2, true)]);
}

#[test]
fn a_draft_of_a_kind_that_is_not_known_does_not_hold_up_the_others() {
    let made = Box1::with_records(1);
    let known = serde_json::to_string(&minute(3)).unwrap();
    Connection::open(made.path())
        .unwrap()
        .execute(
            "INSERT INTO draft (source, body) VALUES ('door', ?1), ('x', 'no json')",
            [format!(r#"[{{"kind":"new"}},{known}]"#)],
        )
        .unwrap();
    assert_eq!(minutes(&made.open().0), [(2, 3, true)]);
}

#[test]
fn a_file_of_version_1_is_taken_over_with_its_records() {
    let made = Box1::with_records(3);
    Connection::open(made.path())
        .unwrap()
        .execute_batch(
            "DROP TABLE draft; DROP TABLE undated_run; DROP INDEX record_undated; ALTER TABLE record DROP COLUMN undated;
             ALTER TABLE meta DROP COLUMN watermark; ALTER TABLE record DROP COLUMN stored_ms;
             PRAGMA user_version = 1;",
        )
        .unwrap();
    let (mut outbox, opening) = made.open();
    assert_eq!(
        (opening, outbox.position()),
        (Opening::Found, Position { newest: 3, watermark: 0, waiting: 3 })
    );
    outbox.append(&[crossing(4)], NOW).unwrap();
    outbox.confirm(4, NOW).unwrap();
    assert_eq!(seqs(&outbox), [4], "they do not say how old they are, and go when they are confirmed");
}
