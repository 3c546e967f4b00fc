//! What the disk and the memory of a box can do to it: full, read-only, garbage, too little. It goes on counting, says so, and when the fault
//! is over everything that was counted is delivered, once.
//!
//! The disks are real file systems of a few megabytes, so these tests need root. Without it they say that they were left out; the same
//! code is then held by the tests of `outbox` and `ledger` alone.

use super::broker::{Broker, Subscriber, wait_until};
use super::{Running, Shop};
use footfall::wire::v1::{AnyRecord, Crossing, Fact, Live, LiveMessage};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const SITE: &str = "[site]\ntime_zone = \"Europe/Berlin\"\ncurrency = \"EUR\"\nledger = \"ledger.sqlite\"\n";

/// Who was counted: run, track, frame.
type Somebody = (i64, u64, u64);

fn somebody(crossing: &Crossing) -> Somebody {
    (crossing.run, crossing.track, crossing.frame)
}

fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("LEFT OUT: only root can mount a disk for this test");
    }
    is_root
}

/// A small file system over a folder; it goes when it is dropped.
struct Disk(PathBuf);

impl Disk {
    /// None where not even root may mount one, as in a container.
    fn over(folder: &Path, size: &str) -> Option<Self> {
        let made = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder)
            .status();
        if !made.unwrap().success() {
            println!("LEFT OUT: no disk can be mounted here");
            return None;
        }
        Some(Self(folder.to_owned()))
    }

    fn remount(&self, how: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(&self.0).status();
        assert!(done.unwrap().success(), "it can be made {how}");
    }

    /// Takes all the room that is left.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = std::fs::File::create(&path).unwrap();
        // Down to the last page.
        for size in [65_536, 4_096] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: the service may still hold files there.
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

/// Who was seen to be counted, live.
fn live(subscriber: &Subscriber) -> BTreeSet<Somebody> {
    let heard = subscriber.heard("/live");
    let messages = heard.iter().map(|one| serde_json::from_slice::<LiveMessage>(&one.payload).unwrap().live);
    let crossing = |live| match live {
        Live::Crossing(crossing) => Some(somebody(&crossing)),
        _ => None,
    };
    messages.filter_map(crossing).collect()
}

/// Under which numbers everybody was delivered.
fn delivered(subscriber: &Subscriber) -> BTreeMap<Somebody, BTreeSet<u64>> {
    let mut all = BTreeMap::<_, BTreeSet<u64>>::new();
    for record in subscriber.batches().into_iter().flat_map(|batch| batch.records) {
        if let AnyRecord::Known(record) = record
            && let Fact::Crossing(crossing) = &record.fact
        {
            all.entry(somebody(crossing)).or_default().insert(record.seq);
        }
    }
    all
}

fn problems(subscriber: &Subscriber) -> Vec<(String, String)> {
    let states = subscriber.states();
    let last = states.last().map(|state| state.problems.clone()).unwrap_or_default();
    last.into_iter().map(|problem| (problem.about, problem.text)).collect()
}

fn says(subscriber: &Subscriber, about: &str, part: &str) -> bool {
    problems(subscriber).iter().any(|(of, text)| of == about && text.contains(part))
}

fn counts_on(subscriber: &Subscriber, service: &Running) {
    let before = live(subscriber).len();
    wait_until("somebody else is counted", || live(subscriber).len() > before);
    assert!(!service.log().contains("panicked"), "{}", service.log());
}

/// Ends the service; whoever was counted, live, arrived under one number.
#[track_caller]
fn everybody_is_delivered_once(service: Running, subscriber: &Subscriber) {
    let log = service.log();
    assert!(service.stop().success(), "{log}");
    let counted = live(subscriber);
    wait_until("everybody is delivered", || {
        counted.iter().all(|one| delivered(subscriber).contains_key(one))
    });
    let twice: Vec<_> = delivered(subscriber).into_iter().filter(|(_, numbers)| numbers.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

fn shop_on(broker: &Broker) -> Shop {
    let mut shop = Shop::with_clip().on(broker.port);
    shop.more = SITE.to_owned();
    shop
}

#[test]
fn on_a_disk_that_fills_up_counting_goes_on_and_is_stored_when_there_is_room() {
    if !is_root() {
        return;
    }
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let shop = shop_on(&broker);
    let Some(disk) = Disk::over(shop.folder.path(), "16m") else { return };
    let service = shop.start();
    wait_until("somebody is delivered", || !delivered(&subscriber).is_empty());
    let filler = disk.fill();
    wait_until("the box says so", || says(&subscriber, "outbox", "full"));
    counts_on(&subscriber, &service);
    std::fs::remove_file(filler).unwrap();
    wait_until("all is well again", || !says(&subscriber, "outbox", "") && !says(&subscriber, "ledger", ""));
    counts_on(&subscriber, &service);
    assert!(service.log().contains("records are stored again"), "{}", service.log());
    everybody_is_delivered_once(service, &subscriber);
}

#[test]
fn on_a_disk_that_is_read_only_at_the_start_counting_begins_and_is_stored_when_it_can_be() {
    if !is_root() {
        return;
    }
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let shop = shop_on(&broker);
    let Some(disk) = Disk::over(shop.folder.path(), "8m") else { return };
    // A first life, so that there is something whose numbers must not be used twice.
    let service = shop.start();
    wait_until("somebody is delivered", || !delivered(&subscriber).is_empty());
    let first = service.stop();
    assert!(first.success());
    shop.config();
    disk.remount("ro");
    let service = shop.start_as_configured();
    wait_until("the box says so", || says(&subscriber, "outbox", "") && says(&subscriber, "ledger", ""));
    counts_on(&subscriber, &service);
    disk.remount("rw");
    wait_until("all is well again", || !says(&subscriber, "outbox", "") && !says(&subscriber, "ledger", ""));
    counts_on(&subscriber, &service);
    everybody_is_delivered_once(service, &subscriber);
    let records = subscriber.batches().into_iter().flat_map(|batch| batch.records);
    let of_the_first_life = records.filter(|record| record.seq() == 1).count();
    assert_eq!(of_the_first_life, 1, "what was confirmed before does not go again");
}

#[test]
fn files_that_turn_to_garbage_while_they_are_in_use_are_set_aside_and_counting_goes_on() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let shop = shop_on(&broker);
    let service = shop.start();
    wait_until("somebody is delivered", || !delivered(&subscriber).is_empty());
    for (name, table) in [("outbox.sqlite", "record"), ("ledger.sqlite", "outgoing")] {
        // The table now lies on a page that is not there. (What SQLite holds in its cache it would not read again, so mere garbage in
        // the file shows at the next start.)
        let file = rusqlite::Connection::open(shop.folder.path().join(name)).unwrap();
        let spoil = format!(
            "PRAGMA writable_schema = ON; PRAGMA schema_version = 77; UPDATE sqlite_schema SET rootpage = 9999 WHERE name = '{table}';"
        );
        file.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        file.execute_batch(&spoil).unwrap();
    }
    wait_until("the outbox is replaced", || says(&subscriber, "outbox recovery", "was corrupt"));
    wait_until("the ledger is replaced", || says(&subscriber, "ledger recovery", "was corrupt"));
    let at_the_time = delivered(&subscriber).len();
    wait_until("somebody new is delivered", || delivered(&subscriber).len() > at_the_time);
    let standing = problems(&subscriber);
    assert!(!standing.iter().any(|(about, _)| about == "outbox" || about == "ledger"), "{standing:?}");
    let log = service.log();
    assert!(service.stop().success(), "{log}");
    let twice: Vec<_> = delivered(&subscriber).into_iter().filter(|(_, numbers)| numbers.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// A group of processes with a bound on their memory, in either version of the kernel's interface.
struct Group {
    folder: PathBuf,
    bound: &'static str,
    used: &'static str,
}

impl Group {
    /// None where nobody may make one.
    fn new() -> Option<Self> {
        let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
        let first = own.lines().find_map(|line| line.split_once(":memory:"));
        let (base, bound, used) = match first {
            Some((_, path)) => {
                let base = Path::new("/sys/fs/cgroup/memory").join(path.trim_start_matches('/'));
                (base, "memory.limit_in_bytes", "memory.usage_in_bytes")
            }
            None => (PathBuf::from("/sys/fs/cgroup"), "memory.max", "memory.current"),
        };
        let group = Self { folder: base.join(format!("footfall-test-{}", std::process::id())), bound, used };
        std::fs::create_dir(&group.folder).ok()?;
        group.folder.join(bound).exists().then_some(group)
    }

    fn limit(&self, bytes: u64) {
        // What is swapped out would not count. Only version 2 has a bound of its own for that, where there is swap at all.
        let swap = self.folder.join("memory.swap.max");
        if swap.exists() {
            std::fs::write(swap, "0").unwrap();
        }
        std::fs::write(self.folder.join(self.bound), bytes.to_string()).unwrap();
    }

    fn used(&self) -> u64 {
        std::fs::read_to_string(self.folder.join(self.used)).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It can go when the last of it has.
        for _ in 0..100 {
            if std::fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

#[test]
fn with_no_memory_to_spare_counting_goes_on_and_one_that_is_killed_for_it_loses_nothing_confirmed() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let shop = shop_on(&broker);
    let Some(group) = Group::new() else {
        println!("LEFT OUT: no cgroup with a bound on memory can be made here");
        return;
    };
    let mut service = shop.start_in(&group.folder);
    wait_until("somebody is delivered", || !delivered(&subscriber).is_empty());
    // All that it needs and hardly more: what it touches anew has to come out of what it gives back.
    group.limit(group.used() + 8 * 1024 * 1024);
    counts_on(&subscriber, &service);
    counts_on(&subscriber, &service);
    assert!(service.process.try_wait().unwrap().is_none(), "it lives: {}", service.log());
    let confirmed: BTreeSet<_> = delivered(&subscriber).into_keys().collect();
    service.kill();
    // The network alone does not fit into this.
    group.limit(24 * 1024 * 1024);
    let mut service = shop.start_in(&group.folder);
    wait_until("the kernel kills it", || service.process.try_wait().unwrap().is_some());
    assert!(!service.process.try_wait().unwrap().unwrap().success(), "{}", service.log());
    drop((service, group));
    let service = shop.start();
    let before = delivered(&subscriber).len();
    wait_until("somebody else is delivered", || delivered(&subscriber).len() > before);
    assert!(service.stop().success());
    let (records, delivered) = (shop.crossings_ever(), delivered(&subscriber));
    assert!(confirmed.iter().all(|one| delivered.contains_key(one)));
    assert!(records.iter().all(|one| delivered.contains_key(one)), "what is on the disk was delivered");
    assert!(delivered.values().all(|numbers| numbers.len() == 1), "{delivered:?}");
}

impl Shop {
    /// Everybody in the outbox, history included.
    fn crossings_ever(&self) -> BTreeSet<Somebody> {
        let box_id = footfall::ids::BoxId::parse("box-1").unwrap();
        let (outbox, _) =
            footfall::outbox::Outbox::open(&self.outbox(), &box_id, footfall::time::WallTime::default())
                .unwrap();
        let rows = outbox.records(0, 100_000).unwrap();
        let crossing =
            |row: footfall::outbox::Row| match serde_json::from_str::<AnyRecord>(row.body.get()).unwrap() {
                AnyRecord::Known(record) => match record.fact {
                    Fact::Crossing(crossing) => Some(somebody(&crossing)),
                    _ => None,
                },
                AnyRecord::Unknown { .. } => None,
            };
        rows.into_iter().filter_map(crossing).collect()
    }
}
