//! What group commit is worth: twenty records in twenty transactions, and in one; and what it costs to keep drafts with
//! them, and history behind them.
//!
//! The baseline is `one_by_one`; both run in the same process on the same disk, in the build
//! directory, because a temporary directory may lie in memory, where an fsync costs nothing.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use footfall::ids::BoxId;
use footfall::outbox::{Change, DraftChange, Drafts, Outbox, Retention};
use footfall::time::WallTime;
use footfall::wire::v1::{Crossing, Direction, Fact};
use std::hint::black_box;

const RECORDS: u64 = 20;
const NOW: WallTime = WallTime::from_unix_ms(1_760_000_000_000);

fn crossing(frame: u64) -> Fact {
    Fact::Crossing(Crossing {
        camera: "door".to_owned(),
        line: "entrance".to_owned(),
        direction: Direction::In,
        frame,
        at_ms: 1_760_000_000_000,
        track: frame,
        run: 1_760_000_000_000,
        geometry: "ab12cd34ef56".to_owned(),
        plane: "floor-people".to_owned(),
        model: "nanodet-g-416-int8".to_owned(),
    })
}

fn append(criterion: &mut Criterion) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory on disk");
    let box_id = BoxId::parse("bench").expect("a valid id");
    let path = dir.path().join("outbox.sqlite");
    let (mut outbox, _) = Outbox::open(&path, &box_id, WallTime::default()).expect("an outbox");
    let facts: Vec<Fact> = (0..RECORDS).map(crossing).collect();

    let mut group = criterion.benchmark_group("outbox_append_20");
    group.throughput(Throughput::Elements(RECORDS)).sample_size(20);
    group.bench_function("one_by_one", |bench| {
        bench.iter(|| {
            for fact in &facts {
                black_box(outbox.append(std::slice::from_ref(fact), NOW).expect("room on the disk"));
            }
        });
    });
    group.bench_function("group_commit", |bench| {
        bench.iter(|| black_box(outbox.append(&facts, NOW).expect("room on the disk")));
    });
    // Four cameras with four lines each and one zone, whose open minutes go along.
    let open: Vec<Fact> = (0..5).map(crossing).collect();
    let drafts: Drafts = (0..4).map(|camera| (format!("camera-{camera}"), open.clone())).collect();
    group.bench_function("group_commit_with_drafts", |bench| {
        let change = Change { facts: &facts, drafts: DraftChange::Replaced(&drafts), ..Change::default() };
        bench.iter(|| black_box(outbox.commit(&change, NOW).expect("room on the disk")));
    });
    outbox.confirm(u64::MAX, NOW).expect("room on the disk");
    outbox.keep(Retention { history: std::time::Duration::ZERO, max_bytes: u64::MAX });
    let later = NOW + std::time::Duration::from_secs(1);
    group.bench_function("group_commit_while_history_expires", |bench| {
        bench.iter(|| {
            let newest = outbox.position().newest;
            let change = Change { facts: &facts, watermark: Some(newest), ..Change::default() };
            black_box(outbox.commit(&change, later).expect("room on the disk"))
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("outbox_deliver_500");
    group.throughput(Throughput::Elements(500)).sample_size(20);
    let many: Vec<Fact> = (0..500).map(crossing).collect();
    group.bench_function("append_read_confirm", |bench| {
        bench.iter(|| {
            let range = outbox.append(&many, NOW).expect("room on the disk").expect("records");
            let rows = outbox.records(range.first - 1, 500).expect("a good file");
            assert_eq!(black_box(rows).len(), 500);
            outbox.confirm(range.last, NOW).expect("room on the disk");
        });
    });
    group.finish();
}

criterion_group!(benches, append);
criterion_main!(benches);
