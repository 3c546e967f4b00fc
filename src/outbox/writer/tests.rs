//! The thread that owns the outbox, with a disk that fails.

use super::*;
use crate::ids::BoxId;
use crate::time::{BoxClock, ClockSettings, Dating, FrameTime, SimClock, SystemClock, WallTime};
use crate::wire::v1::{Crossing, Direction};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;

/// Long enough for any machine; no test waits for it to pass.
const GUARD: Duration = Duration::from_secs(60);

fn crossing(frame: u64) -> Fact {
    Fact::Crossing(Crossing {
        camera: "door".to_owned(),
        line: "entrance".to_owned(),
        direction: Direction::Out,
        frame,
        at_ms: 0,
        track: 1,
        run: 0,
        geometry: "g".to_owned(),
        plane: "image".to_owned(),
        model: "m".to_owned(),
    })
}

fn open(path: &Path) -> Outbox {
    Outbox::open(path, &BoxId::parse("door-7").unwrap(), WallTime::from_unix_ms(5)).unwrap().0
}

fn limit_pages(outbox: &Outbox, most: i64) {
    let sqlite = outbox.sqlite.as_ref().unwrap();
    sqlite.pragma_update_and_check(None, "max_page_count", most, |_| Ok(())).unwrap();
}

struct Running {
    writer: OutboxWriter,
    news: Receiver<OutboxNews>,
    path: PathBuf,
    _dir: tempfile::TempDir,
}

fn start(commit_every: Duration, prepare: impl FnOnce(&mut Outbox)) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outbox.sqlite");
    let mut outbox = open(&path);
    prepare(&mut outbox);
    let (tell, news) = mpsc::sync_channel(100);
    let writer = OutboxWriter::start(outbox, commit_every, Arc::new(SystemClock::start()), move |one| {
        tell.send(one).unwrap();
    })
    .unwrap();
    Running { writer, news, path, _dir: dir }
}

/// Submits that many crossings, frame 1 first.
fn submit(running: &Running, crossings: u64) {
    let records = running.writer.records();
    for frame in 1..=crossings {
        records.submit(crossing(frame)).unwrap();
    }
}

/// What the file holds after everything stopped: all crossings once, in order.
#[track_caller]
fn check_stored(path: &Path, crossings: u64) {
    let outbox = open(path);
    outbox.check_invariants().unwrap();
    let rows = outbox.records(0, usize::MAX).unwrap();
    let frames: Vec<u64> = rows
        .iter()
        .filter_map(|row| match serde_json::from_str::<super::super::Record>(row.body.get()).unwrap().fact {
            Fact::Crossing(crossing) => Some(crossing.frame),
            _ => None,
        })
        .collect();
    assert_eq!(frames, (1..=crossings).collect::<Vec<_>>());
}

#[test]
fn everything_submitted_is_on_disk_after_a_stop_though_no_commit_was_due() {
    let running = start(GUARD, |_| {});
    submit(&running, 2500);
    running.writer.stop(GUARD).unwrap();
    check_stored(&running.path, 2500);
}

#[test]
fn records_are_stored_when_a_commit_is_due_though_nobody_asks() {
    let running = start(Duration::ZERO, |_| {});
    submit(&running, 3);
    // A second reader of the file sees what is committed, and nothing else.
    let looking = rusqlite::Connection::open(&running.path).unwrap();
    let stored = || looking.query_row("SELECT count(*) FROM record", [], |row| row.get::<_, i64>(0)).unwrap();
    let pause = Duration::from_millis(5);
    let looks = GUARD.as_millis() / pause.as_millis();
    let mut all_stored = (0..looks).map(|_| {
        stored() == 3 || {
            std::thread::sleep(pause);
            false
        }
    });
    assert!(all_stored.any(|so| so), "nothing was stored within {GUARD:?}");
    running.writer.stop(GUARD).unwrap();
}

#[test]
fn what_is_confirmed_or_stored_at_the_next_commit_is_not_counted_as_trouble() {
    let running = start(GUARD, |_| {});
    submit(&running, 3);
    let reader = running.writer.reader();
    assert_eq!(reader.counts().unwrap(), Counts { waiting: 3, in_memory: 0 });
    reader.confirm(3).unwrap();
    assert_eq!(reader.counts().unwrap(), Counts { waiting: 0, in_memory: 0 });
    running.writer.stop(GUARD).unwrap();
}

#[test]
fn a_question_is_answered_with_all_that_was_submitted_before_it() {
    let running = start(GUARD, |_| {});
    submit(&running, 3);
    let reader = running.writer.reader();
    let found = reader.records(1, 10).unwrap();
    assert_eq!(found.rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(found.kept_from, Some(1));
    reader.confirm(2).unwrap();
    assert_eq!(reader.records(0, 10).unwrap().rows.len(), 3, "what is confirmed is history");
    assert_eq!(reader.position().unwrap(), Position { newest: 3, watermark: 2, waiting: 1 });
    assert_eq!(reader.counts().unwrap(), Counts { waiting: 1, in_memory: 0 });
    running.writer.stop(GUARD).unwrap();
}

#[test]
fn after_a_stop_handles_say_so() {
    let running = start(GUARD, |_| {});
    let (records, reader) = (running.writer.records(), running.writer.reader());
    running.writer.stop(GUARD).unwrap();
    assert_eq!(records.submit(crossing(1)), Err(WriterGone));
    assert_eq!(reader.records(0, 1).unwrap_err(), ReadError::Stopped);
    assert_eq!(reader.confirm(1), Err(WriterGone));
    assert_eq!(reader.position(), Err(WriterGone));
}

#[test]
fn dropping_every_handle_stores_what_is_queued() {
    let Running { writer, path, _dir, news } = start(GUARD, |_| {});
    writer.records().submit(crossing(1)).unwrap();
    let OutboxWriter { orders, thread, .. } = writer;
    drop(orders);
    thread.join().unwrap();
    drop(news);
    check_stored(&path, 1);
}

#[test]
fn a_full_disk_is_reported_once_and_loses_nothing_when_room_comes_back() {
    let running = start(Duration::from_millis(1), |outbox| limit_pages(outbox, 8));
    submit(&running, 3000);
    let first = running.news.recv_timeout(GUARD).unwrap();
    let OutboxNews::Failing { cause } = first else { panic!("{first:?}") };
    assert!(cause.ends_with("the disk is full; free some space"), "{cause}");
    let reader = running.writer.reader();
    // Some fit, all others wait in memory, over many attempts.
    for _ in 0..5 {
        let stored = reader.records(0, usize::MAX).unwrap().rows.len() as u64;
        let counts = reader.counts().unwrap();
        assert_eq!((counts.waiting, counts.in_memory + stored), (stored, 3000));
        assert!(counts.in_memory > 0);
    }
    // Delivering makes room, piece by piece: what is confirmed is given up as history. Whatever is delivered is what was counted.
    let mut delivered = 0;
    loop {
        let rows = reader.records(delivered, usize::MAX).unwrap().rows;
        let Some(last) = rows.last() else { break };
        assert_eq!(rows[0].seq, delivered + 1);
        reader.confirm(last.seq).unwrap();
        delivered = last.seq;
    }
    assert_eq!(delivered, 3000);
    running.writer.stop(GUARD).unwrap();
    let told: Vec<OutboxNews> = running.news.iter().collect();
    let [OutboxNews::GaveUp(given_up), OutboxNews::Stored] = &told[..] else { panic!("{told:?}") };
    assert_eq!(
        (given_up.lot, given_up.range.first),
        (Lot::History, 1),
        "told once, as the outage and its end are"
    );
}

#[test]
fn stopping_with_a_full_disk_names_how_many_records_are_lost() {
    let running = start(Duration::from_millis(1), |outbox| limit_pages(outbox, 4));
    submit(&running, 3000);
    let fault = running.writer.stop(GUARD).unwrap_err();
    let StopError::NotStored { records, cause } = &fault else { panic!("{fault}") };
    assert!(cause.contains("the disk is full"), "{cause}");
    let stored = open(&running.path).position().waiting;
    assert_eq!(stored + records, 3000);
    assert!(stored > 0, "what fits is stored, though a whole commit does not fit");
    assert!(fault.to_string().starts_with(&format!("{records} records could not be stored")), "{fault}");
}

#[test]
fn memory_that_is_full_too_is_reported_and_counted() {
    let running = start(Duration::from_millis(1), |outbox| limit_pages(outbox, 4));
    let more = 50;
    submit(&running, MOST_IN_MEMORY as u64 + more);
    let mut news = Vec::new();
    while news.last() != Some(&OutboxNews::Losing) {
        news.push(running.news.recv_timeout(GUARD).unwrap());
    }
    assert_eq!(news.len(), 2, "{news:?}");
    let fault = running.writer.stop(GUARD).unwrap_err();
    let StopError::NotStored { records, .. } = fault else { panic!("{fault}") };
    assert_eq!(open(&running.path).position().waiting + records, MOST_IN_MEMORY as u64 + more);
}

#[test]
fn a_file_that_turns_corrupt_while_in_use_is_replaced_and_no_new_record_is_lost() {
    let running = start(GUARD, |_| {});
    let reader = running.writer.reader();
    submit(&running, 5);
    assert_eq!(reader.records(0, usize::MAX).unwrap().rows.len(), 5);
    reader.confirm(5).unwrap();
    assert_eq!(reader.counts().unwrap().waiting, 0);
    // The table of records now lies on a page that is not there.
    rusqlite::Connection::open(&running.path)
        .and_then(|sqlite| {
            sqlite.execute_batch(
                "PRAGMA writable_schema = ON; PRAGMA schema_version = 77;
                 UPDATE sqlite_schema SET rootpage = 9999 WHERE name = 'record';",
            )
        })
        .unwrap();

    let records = running.writer.records();
    records.submit(crossing(1)).unwrap();
    // A question is an attempt to store, and one of the first has to do.
    assert!((0..10).any(|_| reader.records(0, 1).is_ok()), "the outbox stays unreadable");
    let news: Vec<OutboxNews> = running.news.try_iter().collect();
    assert!(
        matches!(&news[..], [OutboxNews::Failing { .. }, OutboxNews::Replaced(_), OutboxNews::Stored]),
        "{news:?}"
    );
    running.writer.stop(GUARD).unwrap();
    check_stored(&running.path, 1);
    assert!(open(&running.path).position().newest > 5, "no number is used twice");
}

#[test]
fn records_lost_in_an_outage_that_is_over_are_told_at_the_stop_with_what_it_came_from() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outbox.sqlite");
    let mut writer = Writer {
        pulse: Pulse::default(),
        outbox: open(&path),
        commit_every: GUARD,
        clock: Arc::new(SystemClock::start()),
        tell: Box::new(|_| {}),
        facts: VecDeque::new(),
        drafts: Drafts::new(),
        dating: Dating::Known,
        is_dated: false,
        watermark: None,
        commit_at: None,
        outage: None,
        lost: Lost::default(),
        gave_up: BTreeMap::new(),
    };
    limit_pages(&writer.outbox, 4);
    let all = MOST_IN_MEMORY as u64 + 2000;
    (1..=all).for_each(|frame| writer.keep([crossing(frame)], Drafts::new(), Dating::Known));
    limit_pages(&writer.outbox, 1_000_000);
    writer.commit();
    assert!(writer.outage.is_none() && writer.facts.is_empty());
    let (reply, stopped) = mpsc::sync_channel(1);
    writer.stop(&reply);
    let fault = stopped.recv().unwrap().unwrap_err();
    let StopError::NotStored { records, cause } = &fault else { panic!("{fault}") };
    assert!(cause.contains("the disk is full"), "{cause}");
    assert_eq!(open(&path).position().waiting + records, all);
}

#[test]
fn a_thread_that_panicked_is_told_as_ended_and_not_as_a_slow_disk() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(&dir.path().join("outbox.sqlite"));
    limit_pages(&outbox, 4);
    let clock = Arc::new(SystemClock::start());
    let writer = OutboxWriter::start(outbox, GUARD, clock, |news| panic!("{news:?}")).unwrap();
    assert!(!writer.is_finished());
    let records = writer.records();
    // It panics at its first word of trouble, after which nobody takes records.
    while records.submit(crossing(1)).is_ok() {}
    while !writer.is_finished() {
        std::thread::yield_now();
    }
    assert_eq!(writer.stop(GUARD), Err(StopError::Ended));
}

/// A box whose clock says 1000 s after 1970 at its start, and the file that says that it was set.
fn unset_clock(dir: &tempfile::TempDir) -> (Arc<SimClock>, Arc<BoxClock>, PathBuf) {
    let wrong = FrameTime { elapsed: Duration::ZERO, wall: WallTime::from_unix_ms(1_000_000) };
    let (system, file) = (Arc::new(SimClock::at(wrong)), dir.path().join("synchronized"));
    let settings = ClockSettings { set_file: Some(file.clone()), patience: GUARD };
    let clock = Arc::new(BoxClock::on(system.clone(), settings));
    (system, clock, file)
}

/// The times of crossings that may be sent, by their frames.
fn sendable(reader: &OutboxReader) -> Vec<(u64, i64)> {
    let rows = reader.records(0, 100).unwrap().rows;
    let of_row = |row: &Row| match serde_json::from_str::<super::super::Record>(row.body.get()).unwrap().fact
    {
        Fact::Crossing(crossing) => Some((crossing.frame, crossing.at_ms)),
        _ => None,
    };
    rows.iter().filter_map(of_row).collect()
}

#[test]
fn what_is_undated_waits_until_the_time_is_known_also_what_is_handed_over_after_that() {
    let dir = tempfile::tempdir().unwrap();
    let (system, clock, file) = unset_clock(&dir);
    let path = dir.path().join("outbox.sqlite");
    let writer = OutboxWriter::start(open(&path), Duration::ZERO, clock.clone(), |_| {}).unwrap();
    let (records, reader) = (writer.records(), writer.reader());
    let undated =
        |frame| records.submit_dated(vec![crossing(frame)], Drafts::new(), Dating::Undated).unwrap();
    undated(1);
    assert_eq!(sendable(&reader), []);
    assert_eq!(reader.counts().unwrap().waiting, 1, "it is on disk");
    assert_eq!(reader.position().unwrap().newest, 0, "and nothing for whoever delivers");
    system.set_by_ms(5_000_000);
    std::fs::write(&file, "").unwrap();
    assert_eq!(clock.look().became.map(|stand| stand.by_ms), Some(5_000_000));
    // A camera's thread that has not noticed it yet.
    undated(2);
    records.submit_dated(vec![crossing(3)], Drafts::new(), Dating::Known).unwrap();
    assert_eq!(sendable(&reader), [(1, 5_000_000), (2, 5_000_000), (3, 0)]);
    assert_eq!(reader.position().unwrap().newest, 3);
    writer.stop(GUARD).unwrap();
    check_stored(&path, 3);
}

#[test]
fn after_enough_patience_what_is_undated_goes_out_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (system, clock, _) = unset_clock(&dir);
    let path = dir.path().join("outbox.sqlite");
    let (tell, news) = mpsc::sync_channel(10);
    let writer =
        OutboxWriter::start(open(&path), Duration::ZERO, clock.clone(), move |one| tell.send(one).unwrap());
    let (writer, undated) = (writer.unwrap(), vec![crossing(1)]);
    writer.records().submit_dated(undated, Drafts::new(), Dating::Undated).unwrap();
    assert_eq!(sendable(&writer.reader()), []);
    system.advance(GUARD);
    assert_eq!(clock.look().became.map(|stand| stand.dating), Some(Dating::Doubtful));
    writer.records().submit_dated(vec![crossing(2)], Drafts::new(), Dating::Doubtful).unwrap();
    let rows = writer.reader().records(0, 10).unwrap().rows;
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.body.get().contains("\"undated\":true")), "{rows:?}");
    assert_eq!(news.try_recv(), Ok(OutboxNews::Dated(Dated { dated: 0, doubtful: 1 })));
    writer.stop(GUARD).unwrap();
}

#[test]
fn an_outbox_that_cannot_be_opened_keeps_records_in_memory_and_numbers_them_on_when_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("disk");
    let path = folder.join("outbox.sqlite");
    std::fs::create_dir(&folder).unwrap();
    let confirmed = [1, 2, 3].map(crossing);
    let mut outbox = open(&path);
    let now = SystemClock::start().now().wall;
    outbox.append(&confirmed, now).unwrap();
    outbox.confirm(3, now).unwrap();
    drop(outbox);
    // A file in the folder's place: no disk for the outbox, for whoever runs this test.
    let away = dir.path().join("away");
    std::fs::rename(&folder, &away).unwrap();
    std::fs::write(&folder, "").unwrap();
    let outbox = Outbox::not_open_yet(&path, &BoxId::parse("door-7").unwrap());
    let (tell, news) = mpsc::sync_channel(100);
    let tell = move |one| tell.send(one).unwrap();
    let clock = Arc::new(SystemClock::start());
    let writer = OutboxWriter::start(outbox, Duration::from_millis(5), clock, tell).unwrap();
    let told = |news: &Receiver<OutboxNews>| news.recv_timeout(GUARD).unwrap();
    assert!(matches!(told(&news), OutboxNews::Failing { .. }));
    assert_eq!(writer.reader().is_open(), Ok(false));
    assert_eq!(writer.reader().records(0, 9).map(|_| ()), Err(ReadError::Unreadable));
    writer.records().submit(crossing(4)).unwrap();
    assert_eq!(writer.reader().counts().unwrap().in_memory, 1);
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    assert_eq!(told(&news), OutboxNews::Stored);
    let position = Position { newest: 4, watermark: 3, waiting: 1 };
    assert_eq!((writer.reader().is_open(), writer.reader().position()), (Ok(true), Ok(position)));
    writer.stop(GUARD).unwrap();
    check_stored(&path, 4);
}
