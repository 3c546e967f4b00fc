//! Head office's database: how fast records are taken, how large it becomes, how fast it answers.
//!
//! A plain program: `cargo bench --no-default-features --features hq --bench hq -- [MILLION_ROWS] [FILE]`, 2 million rows unless told
//! otherwise, in a file that is deleted afterwards unless it is named. Every row goes the way of a box's record: gzipped
//! batches are read, checked, and stored with de-duplication and rollups, 64 batches to a commit. The batches are made beforehand
//! and are not timed. A store sends 660 minutes a day, open from 9 to 20.

use footfall::hq::ingest::read;
use footfall::hq::store::Store;
use footfall::hq::store::intake::Arrival;
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

/// What pages ask, as statements: name, and SQL for a middle store and the last four weeks. Their own functions stand in
/// `hq::store::report`; these are the tables that they read, in the amount that they read.
const QUERIES: [(&str, &str); 5] = [
    (
        "overview: a day, a week ago, a year ago",
        "SELECT count(*), sum(entries) FROM store_day WHERE business_day IN (20750, 20743, 20386)",
    ),
    (
        "overview: 28 days of all stores",
        "SELECT business_day, sum(entries), sum(seen_ms) FROM store_day WHERE business_day BETWEEN 20727 AND 20755 GROUP BY 1",
    ),
    (
        "store: 28 days by hour",
        "SELECT business_day, local_hour, sum(entries) FROM store_hour WHERE store_id = 5 AND business_day BETWEEN 20727 AND 20755
         GROUP BY 1, 2",
    ),
    (
        "compare: 20 stores, 28 days",
        "SELECT store_id, business_day, entries FROM store_day WHERE store_id < 20 AND business_day BETWEEN 20727 AND 20755",
    ),
    (
        "store: a day's minutes",
        "SELECT minute, sum(entries) FROM line JOIN line_minute USING (line_id) WHERE store_id = 5
         AND minute BETWEEN 29863620 AND 29864280 GROUP BY 1",
    ),
];

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
    answer(&path);
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
            "INSERT INTO store VALUES ({store}, 1, NULL, 's{store}', 'S', 'EUR', 2, '{{}}', '{hours}', 0.9, 0);
            INSERT INTO store_clock VALUES ({store}, 0, 'UTC', '00:00');
            INSERT INTO box (box_id, store_id, name) VALUES ({store}, {store}, 'b{store}');"
        )
        .expect("a text takes everything");
    }
    sqlite.execute_batch(&format!("{sql} COMMIT;")).expect("a register");
}

fn batch(store: u64, first_seq: u64) -> (String, Vec<u8>) {
    let record = |at: u64| {
        let seq = first_seq + at;
        let (day, minute) = ((seq - 1) / MINUTES_OF_DAY, (seq - 1) % MINUTES_OF_DAY);
        let start_ms = FIRST + ((day * 1440 + minute) * 60_000).cast_signed();
        let (entries, exits) = ((seq * 7 + store) % 5, (seq * 3 + store) % 4);
        RawValue::from_string(format!(
            r#"{{"seq":{seq},"kind":"minute","camera":"door","line":"entrance","start_ms":{start_ms},"in":{entries},"out":{exits},"role":"door","staff_in":0,"staff_out":0,"reentries":0,"groups":[{entries},0,0,0,0],"passersby":0,"seen_s":59.967,"frames":599,"dropped":1,"part":false,"valid":true,"model":"nanodet-g-416-int8","geometry":"ab12cd34ef56","plane":"floor-people","run":1790000000000}}"#
        ))
        .expect("JSON")
    };
    let batch: Batch<Box<RawValue>> = Batch {
        v: V1,
        tenant: "acme".to_owned(),
        store: format!("s{store}"),
        box_id: format!("b{store}"),
        sent_ms: FIRST,
        kept_from: Some(1),
        late: true,
        records: (0..RECORDS).map(record).collect(),
    };
    (format!("footfall/v1/acme/s{store}/b{store}/records"), batch.to_gzip().expect("a batch"))
}

/// Stores send in turn, an hour at a time, as after an outage of the broker.
fn fill(store: &Store, stores: u64) {
    let clock = SystemClock::start();
    let (mut reading, mut storing, mut rows) = (0.0, 0.0, 0_u64);
    let batches = (0..MINUTES_OF_DAY * DAYS / RECORDS)
        .flat_map(|hour| (1..=stores).map(move |store| (store, hour * RECORDS + 1)));
    let mut batches = batches.peekable();
    while batches.peek().is_some() {
        let sent: Vec<_> = batches.by_ref().take(GROUP).map(|(store, first)| batch(store, first)).collect();
        let begun = clock.now().elapsed;
        let received_at = WallTime::from_unix_ms(FIRST + 40 * 86_400_000);
        let arrivals: Vec<Arrival> = sent
            .into_iter()
            .map(|(topic, payload)| {
                let read = read::message(&topic, &payload, received_at);
                Arrival { topic, payload, received_at, read }
            })
            .collect();
        let read = clock.now().elapsed;
        let taken = store.take(&arrivals).expect("it is stored");
        rows += taken.new;
        assert_eq!((taken.aside, taken.strangers), (0, 0));
        reading += (read - begun).as_secs_f64();
        storing += (clock.now().elapsed - read).as_secs_f64();
    }
    println!(
        "{rows} rows taken in {:.1} s ({reading:.1} s to read, {storing:.1} s to store): {:.0} rows/s",
        reading + storing,
        rows as f64 / (reading + storing)
    );
    let again: Vec<Arrival> = (1..=stores.min(64))
        .map(|store| {
            let (topic, payload) = batch(store, 1);
            let received_at = WallTime::from_unix_ms(FIRST + 40 * 86_400_000);
            let read = read::message(&topic, &payload, received_at);
            Arrival { topic, payload, received_at, read }
        })
        .collect();
    let begun = clock.now().elapsed;
    let taken = store.take(&again).expect("it is stored");
    let seconds = (clock.now().elapsed - begun).as_secs_f64();
    assert_eq!(taken.new, 0);
    println!("{} duplicates found in {:.1} ms", taken.duplicates, seconds * 1000.0);
}

fn size(path: &Path) -> u64 {
    let sqlite = rusqlite::Connection::open(path).expect("the database");
    sqlite.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("a checkpoint");
    std::fs::metadata(path).expect("the database").len()
}

/// Each query cold (a new connection) and warm, the slowest of five.
fn answer(path: &Path) {
    let clock = SystemClock::start();
    for (name, sql) in QUERIES {
        let sqlite = rusqlite::Connection::open(path).expect("the database");
        let mut times = [0.0; 6];
        for time in &mut times {
            let begun = clock.now().elapsed;
            let mut select = sqlite.prepare_cached(sql).expect("a statement");
            let mut rows = select.query([]).expect("rows");
            while rows.next().expect("a row").is_some() {}
            *time = (clock.now().elapsed - begun).as_secs_f64() * 1000.0;
        }
        let warm = times[1..].iter().copied().fold(0.0, f64::max);
        println!("{name}: {:.1} ms the first time, {warm:.1} ms again", times[0]);
    }
}
