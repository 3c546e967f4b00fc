//! Outbox and delivery against a model of them: lists in memory, under random actions, bad weather and crashes.
//!
//! The real outbox lies on disk and the real delivery decides what goes; client, broker and head office are played here. A crash is
//! a copy of the files as they lie there, opened anew. After every action nothing may be missing, and after enough good
//! weather head office has to have everything, or know what never comes.

use footfall::ids::BoxId;
use footfall::outbox::{Change, DraftChange, Drafts, Lot, Outbox, Position, Retention};
use footfall::publish::ConfirmedBy;
use footfall::publish::delivery::{Delivery, DeliveryLimits, Heard, Lane};
use footfall::time::WallTime;
use footfall::wire::v1::{Fact, Gap, GapReason, Record};
use proptest::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

const LIMITS: DeliveryLimits = DeliveryLimits {
    most_in_flight: 3,
    most_records: 7,
    most_bytes: 100_000,
    batch_every: Duration::from_secs(60),
    new_within: Duration::from_secs(2),
    patience: Duration::from_secs(1_000_000_000),
    ack_patience: Duration::from_secs(120),
    most_ahead: 100,
    most_requests: 3,
};

#[derive(Debug, Clone)]
enum Action {
    /// People cross a line; the minute that they cross in stays open.
    Append(u8),
    /// So many that any budget is used up.
    Flood,
    /// The open minute is told.
    CloseMinute,
    /// A batch is handed to the client.
    Publish,
    /// The client puts a message on the wire.
    Send,
    /// The broker confirms one of those.
    PubAck(u8),
    /// Head office stores what the broker has, and says how far it has come.
    Watermark,
    /// The broker forgets what it confirmed.
    BrokerForgets,
    /// Head office is put back to a copy of itself with that share of what it has.
    PutBack(u8),
    Backfill(u8, u8),
    Reconnect,
    Crash,
    /// The disk takes nothing from now on, or takes everything again.
    Disk {
        works: bool,
    },
    /// Room for so many pages.
    Budget(u8),
    ClockStepsBack(u8),
    DaysPass(u8),
    SecondsPass(u8),
}

fn any_action() -> impl Strategy<Value = Action> {
    use Action as A;
    prop_oneof![
        6 => (0..30_u8).prop_map(A::Append),
        1 => Just(A::Flood),
        2 => Just(A::CloseMinute),
        8 => Just(A::Publish),
        8 => Just(A::Send),
        6 => any::<u8>().prop_map(A::PubAck),
        4 => Just(A::Watermark),
        1 => Just(A::BrokerForgets),
        1 => any::<u8>().prop_map(A::PutBack),
        1 => (any::<u8>(), 0..30_u8).prop_map(|(from, more)| A::Backfill(from, more)),
        1 => Just(A::Reconnect),
        2 => Just(A::Crash),
        1 => any::<bool>().prop_map(|works| A::Disk { works }),
        1 => (10..60_u8).prop_map(A::Budget),
        1 => (1..50_u8).prop_map(A::ClockStepsBack),
        1 => (1..50_u8).prop_map(A::DaysPass),
        3 => any::<u8>().prop_map(A::SecondsPass),
    ]
}

fn crossing(frame: u64) -> Fact {
    serde_json::from_value(json!({
        "kind": "crossing", "camera": "door", "line": "entrance", "direction": "in", "frame": frame, "at_ms": 0,
        "track": frame, "run": 0, "geometry": "g", "plane": "image", "model": "m",
    }))
    .expect("a crossing")
}

fn minute(entries: u64) -> Fact {
    serde_json::from_value(json!({
        "kind": "minute", "camera": "door", "line": "entrance", "start_ms": 0, "in": entries, "out": 0, "seen_s": 60,
        "frames": 600, "dropped": 0, "part": false, "model": "m", "geometry": "g", "run": 0,
    }))
    .expect("a minute")
}

/// A message that the client holds or the broker has not confirmed.
#[derive(Debug, Clone)]
struct Sent {
    records: Vec<Record>,
    kept_from: Option<u64>,
}

/// What head office has.
#[derive(Debug, Clone, Default)]
struct Office {
    received: BTreeMap<u64, Fact>,
    lost: BTreeSet<u64>,
}

impl Office {
    fn take(&mut self, sent: &Sent) {
        for record in &sent.records {
            self.received.insert(record.seq, record.fact.clone());
            if let Fact::Gap(Gap { from_seq, to_seq, .. }) = &record.fact {
                self.lost.extend(*from_seq..=*to_seq);
            }
        }
        self.lost.extend(1..sent.kept_from.unwrap_or(1));
        self.lost.retain(|seq| !self.received.contains_key(seq));
    }

    fn watermark(&self) -> u64 {
        let is_known = |seq: &u64| self.received.contains_key(seq) || self.lost.contains(seq);
        (1..).take_while(is_known).last().unwrap_or(0)
    }
}

struct World {
    dir: tempfile::TempDir,
    outbox: Outbox,
    delivery: Delivery,
    retention: Retention,
    now: Duration,
    wall: WallTime,
    disk_works: bool,
    /// Every record that was ever stored.
    said: BTreeMap<u64, Fact>,
    /// What the outbox held after the last action, and where it stood.
    held: BTreeSet<u64>,
    stood: (Position, Option<u64>),
    /// Records that were given up aloud.
    given_up: BTreeSet<u64>,
    /// People in the minute that is open.
    open: u64,
    frames: u64,
    client: VecDeque<Sent>,
    broker: Vec<(u16, Sent)>,
    next_id: u16,
    /// Taken by the broker, for head office.
    on_the_way: Vec<Sent>,
    office: Office,
    /// Whether head office was ever put back: then it may lack what is no longer kept.
    was_put_back: bool,
    /// Numbers of the backlog's batches over this connection.
    backlog: Vec<u64>,
}

fn open(dir: &tempfile::TempDir, wall: WallTime) -> Outbox {
    let box_id = BoxId::parse("door-7").expect("a valid id");
    Outbox::open(&dir.path().join("outbox.sqlite"), &box_id, wall).expect("a good file").0
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let wall = WallTime::from_unix_ms(1_760_000_000_000);
        let outbox = open(&dir, wall);
        let mut delivery = Delivery::new(LIMITS, ConfirmedBy::HeadOffice);
        delivery.connected(outbox.position());
        Self {
            dir,
            outbox,
            delivery,
            retention: Retention { history: DAY * 30, max_bytes: 1_000_000_000 },
            now: Duration::ZERO,
            wall,
            disk_works: true,
            said: BTreeMap::new(),
            held: BTreeSet::new(),
            stood: (Position::default(), None),
            given_up: BTreeSet::new(),
            open: 0,
            frames: 0,
            client: VecDeque::new(),
            broker: Vec::new(),
            next_id: 1,
            on_the_way: Vec::new(),
            office: Office::default(),
            was_put_back: false,
            backlog: Vec::new(),
        }
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Append(count) => self.count(u64::from(count)),
            Action::Flood => self.count(400),
            Action::CloseMinute => self.commit(&[minute(self.open)], 0),
            Action::Publish => self.publish(),
            Action::Send => self.send(),
            Action::PubAck(which) => self.puback(usize::from(which)),
            Action::Watermark => self.watermark(),
            Action::BrokerForgets => self.on_the_way.clear(),
            Action::PutBack(share) => self.put_back(usize::from(share)),
            Action::Backfill(first, more) => {
                let first = u64::from(first);
                let range = footfall::outbox::SeqRange { first, last: first + u64::from(more) };
                self.delivery.asked(range, self.now);
            }
            Action::Reconnect => self.reconnect(),
            Action::Crash => self.crash(),
            Action::Disk { works } => self.disk(works),
            Action::Budget(pages) => self.keep(u64::from(pages) * 4096),
            Action::ClockStepsBack(hours) => self.wall = self.wall - DAY / 24 * u32::from(hours),
            Action::DaysPass(days) => self.pass(DAY * u32::from(days)),
            Action::SecondsPass(seconds) => self.pass(Duration::from_secs(u64::from(seconds))),
        }
        self.check_after(action);
    }

    fn count(&mut self, people: u64) {
        let facts: Vec<Fact> = (1..=people).map(|more| crossing(self.frames + more)).collect();
        let before = self.said.len();
        self.commit(&facts, self.open + people);
        if self.said.len() > before {
            self.frames += people;
        }
    }

    /// What a camera says, and how many people its open minute has after that. Where the disk takes nothing it was not said.
    fn commit(&mut self, facts: &[Fact], open: u64) {
        let left = if open > 0 { vec![minute(open)] } else { Vec::new() };
        let drafts = Drafts::from([("door".to_owned(), left)]);
        let change = Change { facts, drafts: DraftChange::Replaced(&drafts), ..Change::default() };
        let newest = self.outbox.position().newest;
        match self.outbox.commit(&change, self.wall) {
            Ok(committed) => {
                let unconfirmed = committed.given_up.iter().filter(|piece| piece.lot == Lot::Unconfirmed);
                unconfirmed.for_each(|piece| self.given_up.extend(piece.range.first..=piece.range.last));
                self.open = open;
                self.learn_after(newest);
                let last: Vec<&Fact> = self.said.values().rev().take(facts.len()).collect();
                assert!(last.into_iter().rev().eq(facts), "records are stored in their order");
            }
            Err(fault) => assert!(!self.disk_works && fault.is_transient(), "{fault}"),
        }
    }

    /// Takes what was stored above that number into the model.
    fn learn_after(&mut self, newest: u64) {
        for row in self.outbox.records(newest, usize::MAX).expect("a good file") {
            let record: Record = serde_json::from_str(row.body.get()).expect("a record");
            assert_eq!(record.seq, self.said.len() as u64 + 1, "numbers have no holes and come once");
            self.said.insert(record.seq, record.fact);
        }
    }

    fn publish(&mut self) {
        let Some(wanted) = self.delivery.wanted(self.now) else { return };
        let rows = self.outbox.records(wanted.after, LIMITS.most_records).expect("a good file");
        let sizes = rows.iter().map(|row| (row.seq, row.body.get().len()));
        let taken = self.delivery.hand_out(wanted, sizes, self.now);
        if taken == 0 {
            return;
        }
        let read = |row: &footfall::outbox::Row| serde_json::from_str(row.body.get()).expect("a record");
        if wanted.lane == Lane::Backlog {
            self.backlog.extend(rows[..taken].iter().map(|row| row.seq));
        }
        let kept_from = self.outbox.kept_from().expect("a good file");
        self.client.push_back(Sent { records: rows[..taken].iter().map(read).collect(), kept_from });
    }

    fn send(&mut self) {
        let Some(sent) = self.client.pop_front() else { return };
        self.delivery.sent(self.next_id, self.now).expect("an id that is free");
        self.on_the_way.push(sent.clone());
        self.broker.push((self.next_id, sent));
        self.next_id += 1;
    }

    fn puback(&mut self, which: usize) {
        if !self.broker.is_empty() {
            let (id, _) = self.broker.remove(which % self.broker.len());
            self.delivery.confirmed(id, self.now).expect("it is on its way");
        }
    }

    fn watermark(&mut self) {
        let office = &mut self.office;
        self.on_the_way.drain(..).for_each(|sent| office.take(&sent));
        self.hear();
    }

    fn put_back(&mut self, share: usize) {
        let kept = self.office.received.len() * share / 255;
        let last = self.office.received.keys().nth(kept).copied().unwrap_or(u64::MAX);
        self.office.received.retain(|seq, _| *seq < last);
        self.office.lost.retain(|seq| *seq < last);
        self.was_put_back = true;
        self.hear();
    }

    fn hear(&mut self) {
        let watermark = self.office.watermark();
        let heard = self.delivery.heard(watermark, self.now);
        assert_ne!(heard, Heard::TooMuch, "head office has only what this box said");
        if matches!(heard, Heard::Less) {
            self.backlog.clear();
        }
        let newest = self.outbox.position().newest;
        match self.outbox.confirm(watermark, self.wall) {
            Ok(committed) => {
                let unconfirmed = committed.given_up.iter().filter(|piece| piece.lot == Lot::Unconfirmed);
                unconfirmed.for_each(|piece| self.given_up.extend(piece.range.first..=piece.range.last));
                self.learn_after(newest);
            }
            Err(fault) => assert!(!self.disk_works && fault.is_transient(), "{fault}"),
        }
    }

    fn reconnect(&mut self) {
        self.delivery.connected(self.outbox.position());
        (self.client, self.broker) = (VecDeque::new(), Vec::new());
        self.backlog.clear();
        // Head office says it again, as its last word is retained.
        self.hear();
    }

    /// The box dies, and another process opens what it left.
    fn crash(&mut self) {
        if !self.disk_works {
            self.disk(true);
        }
        let left = tempfile::tempdir().expect("a directory");
        for ending in ["", "-wal", ".seq"] {
            let name = format!("outbox.sqlite{ending}");
            let (from, to) = (self.dir.path().join(&name), left.path().join(&name));
            if from.exists() {
                std::fs::copy(from, to).expect("a copy");
            }
        }
        let newest = self.outbox.position().newest;
        (self.outbox, self.dir) = (open(&left, self.wall), left);
        self.outbox.keep(self.retention);
        self.learn_after(newest);
        self.open = 0;
        self.delivery = Delivery::new(LIMITS, ConfirmedBy::HeadOffice);
        self.reconnect();
        let (crossings, in_minutes) = self.sums();
        assert_eq!(
            in_minutes, crossings,
            "minutes and what was left of the open one hold every crossing once"
        );
    }

    /// People who crossed, and people in minutes.
    fn sums(&self) -> (u64, u64) {
        self.said.values().fold((0, 0), |(crossings, in_minutes), fact| match fact {
            Fact::Crossing(_) => (crossings + 1, in_minutes),
            Fact::Minute(minute) => (crossings, in_minutes + u64::from(minute.entries)),
            _ => (crossings, in_minutes),
        })
    }

    /// A trigger refuses what a full disk would: both leave the file as it was.
    fn disk(&mut self, works: bool) {
        if works == self.disk_works {
            return;
        }
        let text = match works {
            true => "DROP TRIGGER full".to_owned(),
            false => "CREATE TRIGGER full BEFORE INSERT ON record BEGIN SELECT RAISE(ABORT, 'full'); END"
                .to_owned(),
        };
        let other = rusqlite::Connection::open(self.dir.path().join("outbox.sqlite"));
        other.and_then(|sqlite| sqlite.execute_batch(&text)).expect("a good file");
        self.disk_works = works;
    }

    fn keep(&mut self, max_bytes: u64) {
        self.retention.max_bytes = max_bytes;
        self.outbox.keep(self.retention);
    }

    fn pass(&mut self, span: Duration) {
        self.now += span;
        self.wall = self.wall + span;
    }

    fn check_after(&mut self, action: &Action) {
        self.delivery.check_invariants().expect("invariants of delivery");
        assert!(self.backlog.is_sorted(), "the backlog goes in order: {:?}", self.backlog);
        let now = (self.outbox.position(), self.outbox.kept_from().expect("a good file"));
        if std::mem::replace(&mut self.stood, now) == now {
            return;
        }
        self.outbox.check_invariants().expect("invariants of the outbox");
        let rows = self.outbox.records(0, usize::MAX).expect("a good file");
        let held: BTreeSet<u64> = rows.iter().map(|row| row.seq).collect();
        let watermark = self.outbox.position().watermark;
        for gone in self.held.difference(&held).filter(|seq| **seq > watermark) {
            assert!(
                self.given_up.contains(gone),
                "{action:?} dropped {gone}, which nobody confirmed or gave up"
            );
        }
        // Given up aloud is also given up in writing, for whoever reads.
        if let Some(last) = self.given_up.last() {
            let says_so = |fact: &Fact| matches!(fact, Fact::Gap(gap) if gap.reason == GapReason::GivenUp && gap.to_seq >= *last);
            assert!(self.said.values().any(says_so));
        }
        self.held = held;
    }

    /// Good weather until nothing is left to do.
    fn drain(&mut self) {
        let fine = [Action::Publish, Action::Publish, Action::Send, Action::PubAck(0), Action::Watermark];
        for round in 0..20_000 {
            if self.delivery.watermark() == self.outbox.position().newest {
                return;
            }
            fine.iter().for_each(|action| self.act(action));
            self.pass(Duration::from_secs(round % 7));
        }
        panic!("{:?} of {:?} is never confirmed", self.delivery, self.outbox.position());
    }
}

/// Runs the actions on both, compares after every one, and lets the sun shine in the end.
fn check(actions: &[Action]) {
    let mut world = World::new();
    actions.iter().for_each(|action| world.act(action));
    world.disk(true);
    world.keep(1_000_000_000);
    world.act(&Action::Crash);
    world.drain();
    let kept_from = world.outbox.kept_from().expect("a good file").unwrap_or(u64::MAX);
    for (seq, fact) in &world.said {
        let is_excused = world.given_up.contains(seq) || (world.was_put_back && *seq < kept_from);
        match world.office.received.get(seq) {
            Some(received) => assert_eq!(received, fact, "{seq} arrives as it was said"),
            None => assert!(is_excused && world.office.lost.contains(seq), "{seq} is missing"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_but_what_is_given_up_aloud_and_nothing_comes_under_two_numbers(
        actions in prop::collection::vec(any_action(), 1..100),
    ) {
        check(&actions);
    }
}

#[test]
fn a_head_office_that_was_put_back_far_gets_what_history_still_holds() {
    use Action as A;
    let mut actions = vec![A::Append(20)];
    for _ in 0..6 {
        actions.extend([A::Publish, A::Send, A::PubAck(0), A::SecondsPass(60), A::Watermark]);
    }
    actions.extend([A::PutBack(10), A::Append(3), A::Crash]);
    check(&actions);
}

#[test]
fn a_flood_on_a_small_disk_gives_up_the_oldest_and_delivers_the_rest() {
    use Action as A;
    let actions = [
        A::Append(5),
        A::Publish,
        A::Send,
        A::Budget(20),
        A::Flood,
        A::Flood,
        A::Crash,
        A::Flood,
        A::Append(1),
    ];
    check(&actions);
}
