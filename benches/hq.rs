//! Head office's database: how fast records are taken, how large it becomes, how fast every page is answered.
//!
//! A plain program: `cargo bench --no-default-features --features hq --bench hq -- [MILLION_ROWS] [FILE]`, 2 million rows unless told
//! otherwise, in a file that is deleted afterwards unless it is named. Every row goes the way of a box's record: gzipped
//! batches are read, checked, and stored with de-duplication and rollups, 64 batches to a commit. The batches are made beforehand
//! and are not timed. A store sends 660 minutes a day, open from 9 to 20.
//!
//! Then 20 stores tell of a zone, a queue, maps and sales too, displays and alerts are added, and every hour and day gets another one of a
//! year before. The pages are asked through the functions that the API asks, each once after the file was taken out of the system's
//! memory, once more with new connections, and five times again.

use footfall::hq::access::{Grant, Place, Role, Scope};
use footfall::hq::ingest::read::{self, Message};
use footfall::hq::report::days::{Range, shown};
use footfall::hq::report::displays::Question;
use footfall::hq::report::{compare, displays, fleet, maps, overview, queues, stores};
use footfall::hq::store::Store;
use footfall::hq::store::intake::{Arrival, Taken};
use footfall::time::{Clock, SystemClock, WallTime};
use footfall::wire::v1::{Batch, V1};
use serde_json::value::RawValue;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// 2026-10-01T09:00:00Z.
const FIRST: i64 = 1_790_845_200_000;
const MINUTES_OF_DAY: u64 = 660;
const DAYS: u64 = 30;
/// Records of a batch of a box that was away for an hour.
const RECORDS: u64 = 60;
const GROUP: usize = 64;
const DAY_MS: i64 = 86_400_000;

/// Stores that have a zone with a display, a queue and a till; the second half of them controls.
const FURNISHED: u64 = 20;
/// Days since 1970-01-01: the first one, and the one from which displays stand.
const FIRST_DAY: i64 = 20_727;
const CHANGED: i64 = FIRST_DAY + 15;

fn main() {
    // Cargo adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let million: f64 = words.first().and_then(|word| word.parse().ok()).unwrap_or(2.0);
    let folder = tempfile::tempdir().expect("a folder");
    let path = words.get(1).map_or_else(|| folder.path().join("hq.sqlite"), PathBuf::from);
    let stores = ((million * 1e6) as u64 / (MINUTES_OF_DAY * DAYS)).max(1);
    let store = Store::open(&path).expect("a database");
    register(&path, stores);
    fill(&store, stores);
    let rows = stores * MINUTES_OF_DAY * DAYS;
    let bytes = size(&path);
    println!(
        "{rows} rows in {:.0} MB: {:.1} MB a million rows",
        bytes as f64 / 1e6,
        bytes as f64 / rows as f64
    );
    drop(store);
    furnish(&path, stores.min(FURNISHED));
    answer(&path, stores);
}

fn register(path: &Path, stores: u64) {
    let sqlite = rusqlite::Connection::open(path).expect("the database");
    let week: Vec<_> = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        .iter()
        .map(|day| format!("\"{day}\":[\"09:00-20:00\"]"))
        .collect();
    let hours = format!("{{\"week\":{{{}}}}}", week.join(","));
    let mut sql = "BEGIN; INSERT INTO tenant VALUES (1, 'acme', 'Acme');".to_owned();
    for store in 1..=stores {
        write!(
            sql,
            "INSERT INTO store VALUES ({store}, 1, NULL, 's{store}', 'S', 'EUR', 2, 'iso', '{hours}', 0.9, 0, NULL);
            INSERT INTO store_clock VALUES ({store}, 0, 'UTC', '00:00');
            INSERT INTO box (box_id, store_id, name) VALUES ({store}, {store}, 'b{store}');
            INSERT INTO alert VALUES ({store}, 'queue', {store}, 'till', {FIRST}, NULL, '{{}}');"
        )
        .expect("a text takes everything");
    }
    sqlite.execute_batch(&format!("{sql} COMMIT;")).expect("a register");
}

/// A batch of records that are JSON but for their opening brace and number.
fn batch(store: u64, numbered: impl Iterator<Item = (u64, String)>) -> Arrival {
    let record =
        |(seq, rest): (u64, String)| RawValue::from_string(format!(r#"{{"seq":{seq},{rest}"#)).expect("JSON");
    let batch: Batch<Box<RawValue>> = Batch {
        v: V1,
        tenant: "acme".to_owned(),
        store: format!("s{store}"),
        box_id: format!("b{store}"),
        sent_ms: FIRST,
        kept_from: Some(1),
        late: true,
        records: numbered.map(record).collect(),
    };
    let topic = format!("footfall/v1/acme/s{store}/b{store}/records");
    let received_at = WallTime::from_unix_ms(FIRST + 40 * DAY_MS);
    let read = Ok(Message::Copy);
    Arrival { topic, payload: batch.to_gzip().expect("a batch"), received_at, read }
}

/// UTC ms of the so manieth open minute.
const fn start_of(minute: u64) -> i64 {
    FIRST
        + (minute / MINUTES_OF_DAY).cast_signed() * DAY_MS
        + (minute % MINUTES_OF_DAY).cast_signed() * 60_000
}

const MADE: &str =
    r#""model":"nanodet-g-416-int8","geometry":"ab12cd34ef56","plane":"floor-people","run":1790000000000}"#;

/// An hour of a line.
fn hour(store: u64, first_seq: u64) -> Arrival {
    let line = |seq: u64| {
        let (entries, exits) = ((seq * 7 + store) % 5, (seq * 3 + store) % 4);
        let start_ms = start_of(seq - 1);
        format!(
            r#""kind":"minute","camera":"door","line":"entrance","start_ms":{start_ms},"in":{entries},"out":{exits},"role":"door","staff_in":0,"staff_out":0,"reentries":0,"groups":[{entries},0,0,0,0],"passersby":0,"seen_s":59.967,"frames":599,"dropped":1,"part":false,"valid":true,{MADE}"#
        )
    };
    batch(store, (first_seq..first_seq + RECORDS).map(|seq| (seq, line(seq))))
}

/// An hour of everything else: a zone, a queue, four maps, four flows and twelve sales.
fn furnished_hour(store: u64, hour: u64) -> Arrival {
    let minutes = hour * RECORDS..(hour + 1) * RECORDS;
    let zone = |minute: u64| {
        let (start_ms, visits) = (start_of(minute), (minute * 5 + store) % 3);
        format!(
            r#""kind":"zone_minute","zone":"table","camera":"door","start_ms":{start_ms},"seen_s":59.967,"frames":599,"part":false,"valid":true,"visits":{visits},"engaged":{},"staff_visits":0,"present":{{"min":0,"max":2,"mean":0.413}},"person_ms":{},"staff_person_ms":0,"rule":{{"visit_after_ms":6000,"leave_after_ms":2000,"engaged_after_ms":10000}},{MADE}"#,
            visits / 2,
            visits * 12_000,
        )
    };
    let queue = |minute: u64| {
        format!(
            r#""kind":"queue_minute","zone":"till","camera":"door","start_ms":{},"seen_s":60.0,"part":false,"valid":true,"length":{{"min":1,"max":4,"mean":2.35}},"joined":3,"served":2,"abandoned":1,"waits":3,"wait_ms":185000,"longest_wait_ms":90000,"service_ms":61000,{MADE}"#,
            start_of(minute),
        )
    };
    let quarter = |minute: u64| {
        let cells: Vec<_> = (0..250).map(|cell| format!("[{cell},{}]", 100 + minute % 97 + cell)).collect();
        let (start_ms, cells) = (start_of(minute), cells.join(","));
        let end_ms = start_ms + 900_000;
        let when = format!(
            r#""camera":"door","start_ms":{start_ms},"end_ms":{end_ms},"seen_s":899.9,"part":false,"valid":true"#
        );
        [
            format!(
                r#""kind":"heat",{when},"space":"floor_m","cell":0.5,"left":-3.5,"top":1.0,"columns":14,"rows":18,"presence":[{cells}],"dwell":[{cells}],{MADE}"#
            ),
            format!(
                r#""kind":"flow",{when},"moves":[{{"from":"in:entrance","to":"zone:table","people":9}},{{"from":"zone:table","to":"out:entrance","people":7}}],"other_moves":1,"paths":[],"other_paths":0,"still_inside":[],{MADE}"#
            ),
        ]
    };
    let sale = |minute: u64| {
        let amount = 1000 + minute * 37 % 900;
        format!(
            r#""kind":"transaction","id":"{minute}","at_ms":{},"business_day":"{}","what":"sale","amount_minor":{amount},"currency":"EUR","units":1,"lines":[{{"item":"A-17","category":"shoes","quantity":1.0,"amount_minor":{amount}}}],"feed":"http"}}"#,
            start_of(minute),
            shown(FIRST_DAY + (minute / MINUTES_OF_DAY).cast_signed()),
        )
    };
    let records = minutes.clone().map(zone);
    let records = records.chain(minutes.clone().map(queue));
    let records = records.chain(minutes.clone().step_by(15).flat_map(quarter));
    let records = records.chain(minutes.step_by(5).map(sale));
    let records: Vec<String> = records.collect();
    let first_seq = MINUTES_OF_DAY * DAYS + 1 + hour * records.len() as u64;
    batch(store, (first_seq..).zip(records))
}

/// Seconds that this process had a processor.
fn worked() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Reads and stores; seconds of each.
fn take(store: &Store, mut arrivals: Vec<Arrival>) -> (Taken, [f64; 2]) {
    let clock = SystemClock::start();
    let begun = clock.now().elapsed;
    for arrival in &mut arrivals {
        arrival.read = read::message(&arrival.topic, &arrival.payload, arrival.received_at);
    }
    let read = clock.now().elapsed;
    let taken = store.take(&arrivals).expect("it is stored");
    assert_eq!((taken.aside, taken.strangers), (0, 0));
    (taken, [(read - begun).as_secs_f64(), (clock.now().elapsed - read).as_secs_f64()])
}

/// Stores send in turn, an hour at a time, as after an outage of the broker.
fn fill(store: &Store, stores: u64) {
    let (mut reading, mut storing, mut working, mut rows) = (0.0, 0.0, 0.0, 0_u64);
    let batches = (0..MINUTES_OF_DAY * DAYS / RECORDS)
        .flat_map(|at| (1..=stores).map(move |store| (store, at * RECORDS + 1)));
    let mut batches = batches.peekable();
    while batches.peek().is_some() {
        let sent = batches.by_ref().take(GROUP).map(|(store, first)| hour(store, first)).collect();
        let begun = worked();
        let (taken, [read, stored]) = take(store, sent);
        working += worked() - begun;
        rows += taken.new;
        reading += read;
        storing += stored;
    }
    println!(
        "{rows} rows taken in {:.1} s ({reading:.1} s to read, {storing:.1} s to store): {:.0} rows/s, {:.0} a second of the processor",
        reading + storing,
        rows as f64 / (reading + storing),
        rows as f64 / working
    );
    let (taken, [_, seconds]) = take(store, (1..=stores.min(64)).map(|store| hour(store, 1)).collect());
    assert_eq!(taken.new, 0);
    println!("{} duplicates found in {:.1} ms", taken.duplicates, seconds * 1000.0);
}

/// What some stores tell besides, and a year before.
fn furnish(path: &Path, stores: u64) {
    let store = Store::open(path).expect("a database");
    let (mut rows, mut seconds) = (0, 0.0);
    for hour in 0..MINUTES_OF_DAY * DAYS / RECORDS {
        let (taken, [read, stored]) =
            take(&store, (1..=stores).map(|store| furnished_hour(store, hour)).collect());
        rows += taken.new;
        seconds += read + stored;
    }
    println!(
        "{rows} records of zones, queues, maps and sales taken in {seconds:.1} s: {:.0} a second",
        rows as f64 / seconds
    );
    let sqlite = rusqlite::Connection::open(path).expect("the database");
    let year_before = |table: &str, hour: &str| {
        format!(
            "CREATE TEMP TABLE before AS SELECT * FROM {table};
            UPDATE before SET business_day = business_day - 364{hour};
            INSERT INTO {table} SELECT * FROM before; DROP TABLE before;"
        )
    };
    let sql = [
        "BEGIN;".to_owned(),
        year_before("store_day", ""),
        year_before("store_hour", ", hour = hour - 364 * 1440"),
        // A store's number is its display's.
        format!(
            "INSERT INTO display SELECT store_id, zone_id, store_id, 'new', 'New', 'shoes', '[]', {CHANGED}, NULL
            FROM zone WHERE is_queue = 0; COMMIT;"
        ),
    ];
    sqlite.execute_batch(&sql.concat()).expect("a year before");
}

fn size(path: &Path) -> u64 {
    let sqlite = rusqlite::Connection::open(path).expect("the database");
    sqlite.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("a checkpoint");
    std::fs::metadata(path).expect("the database").len()
}

/// A page: its name, and what makes it.
type Page<'a> = (&'a str, Box<dyn Fn(&Store) -> usize + 'a>);

/// Each page with nothing of the file in memory, with new connections, and the slowest of five times again.
fn answer(path: &Path, stores: u64) {
    let clock = SystemClock::start();
    let grant = Grant { role: Role::Viewer, tenant_id: 1, tenant: "acme".to_owned(), place: Place::Chain };
    let scope = Scope::new(vec![grant].into(), Role::Viewer);
    for (name, page) in pages(&scope, stores) {
        forget(path);
        let [first, opened] = [(); 2].map(|()| {
            let store = Store::open(path).expect("the database");
            timed(&clock, || page(&store))
        });
        let store = Store::open(path).expect("the database");
        page(&store);
        let again = (0..5).map(|_| timed(&clock, || page(&store))).fold(0.0, f64::max);
        println!(
            "{name}: {first:.1} ms from disk, {opened:.1} ms the first time, {again:.1} ms again, {} bytes",
            page(&store)
        );
    }
}

fn timed(clock: &SystemClock, ask: impl FnOnce() -> usize) -> f64 {
    let begun = clock.now().elapsed;
    assert!(ask() > 2, "an empty page");
    (clock.now().elapsed - begun).as_secs_f64() * 1000.0
}

/// Lets the system drop what it keeps of the file in memory.
fn forget(path: &Path) {
    size(path);
    let file = std::fs::File::open(path).expect("the database");
    file.sync_all().expect("it is on disk");
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("advice is taken");
}

fn json(page: &impl serde::Serialize) -> usize {
    serde_json::to_vec(page).expect("JSON").len()
}

fn pages(scope: &Scope, count: u64) -> Vec<Page<'_>> {
    let range = Range { from: FIRST_DAY + 2, to: FIRST_DAY + 29 };
    // 14:00 on the last day.
    let now = WallTime::from_unix_ms(FIRST + 29 * DAY_MS + 5 * 3_600_000);
    let later = WallTime::from_unix_ms(FIRST + 40 * DAY_MS);
    let found = move |store: &Store, number: u64| {
        let name = format!("s{number}");
        stores::find(store, scope, ("acme", &name), now).expect("the store")
    };
    let one = move |store: &Store| found(store, 5.min(count));
    let asked = move |store: &Store, question: &Question| {
        json(&displays::compare(store, scope, question, later).expect("a comparison"))
    };
    let half = count.min(FURNISHED).cast_signed() / 2;
    let tests = Question::TestControl {
        displays: (1..=half).collect(),
        controls: (half + 1..=2 * half).collect(),
        changed: CHANGED,
        days: 14,
    };
    let before_after = Question::BeforeAfter { display: 1, days: 14 };
    let against = Question::Against { display: 1, other: 2, range: (None, None) };
    let places = ("b5", "door");
    let overview = move |day: Option<&'static str>, at: WallTime| {
        move |store: &Store| json(&overview::overview(store, scope, day, at).expect("an overview"))
    };
    vec![
        ("overview, open day", Box::new(overview(None, now))),
        ("overview, a day that is over", Box::new(overview(Some("2026-10-28"), later))),
        ("store, 28 days", Box::new(move |of| json(&stores::page(of, one(of), range).expect("a page")))),
        (
            "store, a day by hour",
            Box::new(move |of| json(&stores::day(of, one(of), "2026-10-28").expect("a day"))),
        ),
        (
            "compare 20 stores, 28 days",
            Box::new(move |of| {
                let found = (1..=count.min(20)).map(|number| found(of, number)).collect();
                json(&compare::compare(of, found, range, compare::Step::Day).expect("a comparison"))
            }),
        ),
        ("displays, list", Box::new(move |of| json(&displays::displays(of, scope, None).expect("a list")))),
        ("displays, before and after", Box::new(move |of| asked(of, &before_after))),
        ("displays, against each other", Box::new(move |of| asked(of, &against))),
        ("displays, 10 stores against 10", Box::new(move |of| asked(of, &tests))),
        ("queues, 28 days", Box::new(move |of| json(&queues::queues(of, one(of), range).expect("queues")))),
        ("heat, 28 days", Box::new(move |of| json(&maps::heat(of, &one(of), places, range).expect("a map")))),
        (
            "flow, 28 days",
            Box::new(move |of| json(&maps::flow(of, &one(of), places, range).expect("a flow"))),
        ),
        ("fleet", Box::new(move |of| json(&fleet::fleet(of, scope, now).expect("a fleet")))),
        ("alerts", Box::new(move |of| json(&fleet::alerts(of, scope, now).expect("alerts")))),
    ]
}
