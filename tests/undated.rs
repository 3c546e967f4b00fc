//! A box that starts without knowing the time, is killed, loses its power and has its clock set at any moment: nothing that it counted
//! is lost, comes twice, or has a wrong time without saying so.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use footfall::ids::BoxId;
use footfall::outbox::{Change, DraftChange, Drafts, Outbox};
use footfall::time::{ClockWatch, Dating, FrameTime, MINUTE_MS, Origin, WallTime};
use footfall::wire::v1::{Crossing, Direction, Fact, Minute, MinuteVisitors, Record};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

/// When the first boot was, by a clock that is right.
const TRUE_BOOT_MS: i64 = 1_800_000_000_000;
/// Nobody waits that long in these tests.
const PATIENCE: Duration = Duration::from_secs(1_000_000);

#[derive(Debug, Clone)]
enum Action {
    /// So many seconds pass, and then somebody crosses.
    Count { after_s: u16 },
    /// What is open is kept as a draft.
    Draft,
    /// Somebody sets the clock, to a wrong time.
    Set { by_ms: i64 },
    /// The time service sets the clock.
    Synchronise,
    /// `kill -9`, and started anew.
    Kill,
    /// The power is cut; the clock then says what it likes.
    PowerCut { wrong_by_ms: i64 },
}

/// The machine and the box on it.
struct World {
    dir: tempfile::TempDir,
    outbox: Option<Outbox>,
    watch: ClockWatch,
    origin: Origin,
    /// The machine's start, how long ago that is, and how far its clock is off.
    boot: u32,
    uptime: Duration,
    true_boot_ms: i64,
    wrong_by_ms: i64,
    is_set: bool,
    /// When this run began, after the machine's start.
    began: Duration,
    /// True times of people who crossed, by their number.
    crossed: Vec<i64>,
    /// Those whose time nobody can know any more, unless they were dated before.
    orphans: BTreeSet<u64>,
    /// Undated ones of this start of the machine.
    undated: BTreeSet<u64>,
}

fn fact(person: u64, at: WallTime) -> Fact {
    Fact::Crossing(Crossing {
        camera: "door".to_owned(),
        line: "in".to_owned(),
        direction: Direction::In,
        frame: person,
        at_ms: at.unix_ms(),
        track: 1,
        run: 0,
        geometry: "g".to_owned(),
        plane: "image".to_owned(),
        model: "m".to_owned(),
    })
}

fn minute(people: u32, start: WallTime) -> Fact {
    Fact::Minute(Minute {
        camera: "door".to_owned(),
        line: "in".to_owned(),
        start_ms: start.minute().unix_ms(),
        entries: people,
        exits: 0,
        visitors: MinuteVisitors::default(),
        seen: Duration::from_secs(60),
        frames: 600,
        dropped: 0,
        part: false,
        valid: true,
        model: "m".to_owned(),
        geometry: "g".to_owned(),
        plane: "image".to_owned(),
        run: 0,
    })
}

impl World {
    fn new(wrong_by_ms: i64) -> Self {
        let zero = FrameTime::default();
        let mut world = Self {
            dir: tempfile::tempdir().unwrap(),
            outbox: None,
            watch: ClockWatch::start(zero, false, PATIENCE),
            origin: Origin::default(),
            boot: 0,
            uptime: Duration::from_secs(20),
            true_boot_ms: TRUE_BOOT_MS,
            wrong_by_ms,
            is_set: false,
            began: Duration::ZERO,
            crossed: Vec::new(),
            orphans: BTreeSet::new(),
            undated: BTreeSet::new(),
        };
        world.start();
        world
    }

    fn uptime_ms(&self) -> i64 {
        i64::try_from(self.uptime.as_millis()).unwrap()
    }

    fn true_ms(&self) -> i64 {
        self.true_boot_ms + self.uptime_ms()
    }

    /// What the machine's clocks say, with `elapsed` since the run began.
    fn system(&self) -> FrameTime {
        let wall = WallTime::from_unix_ms(self.true_ms() + self.wrong_by_ms);
        FrameTime { elapsed: self.uptime - self.began, wall }
    }

    /// Starts the program.
    fn start(&mut self) {
        self.outbox = None;
        self.began = self.uptime;
        let now = self.system();
        self.watch = ClockWatch::start(now, self.is_set, PATIENCE);
        self.origin =
            Origin { boot: format!("boot-{}", self.boot), offset_ms: now.wall.unix_ms() - self.uptime_ms() };
        let box_id = BoxId::parse("door-7").unwrap();
        let (mut outbox, _) = Outbox::open(&self.dir.path().join("o.sqlite"), &box_id, now.wall).unwrap();
        outbox.runs_since(self.origin.clone());
        self.outbox = Some(outbox);
        self.look();
    }

    fn outbox(&mut self) -> &mut Outbox {
        self.outbox.as_mut().unwrap()
    }

    /// As the main thread and the outbox's do it.
    fn look(&mut self) {
        let system = self.system();
        self.watch.look(system, self.is_set);
        let (stand, origin) = (self.watch.stand(), self.origin.clone());
        self.outbox().date(&origin, stand).unwrap();
        if stand.dating == Dating::Known {
            self.undated.clear();
        }
        self.outbox().check_invariants().unwrap();
    }

    fn commit(&mut self, facts: &[Fact], drafts: DraftChange<'_>) {
        let (dating, now) = (self.watch.stand().dating, self.system().wall);
        self.outbox().commit(&Change { facts, drafts, dating, ..Change::default() }, now).unwrap();
    }

    fn note_dating(&mut self, person: u64) {
        if self.watch.stand().dating == Dating::Undated {
            self.undated.insert(person);
        }
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Count { after_s } => {
                self.uptime += Duration::from_secs(u64::from(*after_s));
                let person = self.crossed.len() as u64;
                self.crossed.push(self.true_ms());
                let at = self.watch.label(self.system()).wall;
                self.note_dating(person);
                self.commit(&[fact(person, at), minute(1, at)], DraftChange::Kept);
            }
            Action::Draft => {
                let person = self.crossed.len() as u64;
                self.crossed.push(self.true_ms());
                let at = self.watch.label(self.system()).wall;
                self.note_dating(person);
                // Said by a draft alone, which the next start makes records of.
                let facts = vec![fact(person, at), minute(1, at)];
                let source = format!("draft-{person}");
                self.commit(&[], DraftChange::Replaced(&Drafts::from([(source, facts)])));
            }
            Action::Set { by_ms } => self.wrong_by_ms += by_ms,
            Action::Synchronise => (self.is_set, self.wrong_by_ms) = (true, 0),
            Action::Kill => self.start(),
            Action::PowerCut { wrong_by_ms } => {
                self.orphans.append(&mut self.undated);
                self.true_boot_ms = self.true_ms() + 100_000;
                self.boot += 1;
                (self.uptime, self.wrong_by_ms, self.is_set) = (Duration::from_secs(20), *wrong_by_ms, false);
                self.start();
            }
        }
        self.look();
    }

    /// Everything that may be sent, and whether it says that its time may be wrong.
    fn sent(&mut self) -> Vec<(Record, bool)> {
        let rows = self.outbox().sendable(0, usize::MAX).unwrap();
        let read = |text: &str| {
            let is_undated = text.contains("\"undated\":true");
            (serde_json::from_str(text).unwrap(), is_undated)
        };
        rows.iter().map(|row| read(row.body.get())).collect()
    }
}

fn any_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (0_u16..300).prop_map(|after_s| Action::Count { after_s }),
        2 => Just(Action::Draft),
        2 => (-100_000_000_i64..100_000_000).prop_map(|by_ms| Action::Set { by_ms }),
        1 => Just(Action::Synchronise),
        2 => Just(Action::Kill),
        1 => (-900_000_000_000_i64..9_000_000_000).prop_map(|wrong_by_ms| Action::PowerCut { wrong_by_ms }),
    ]
}

/// Plays it to the end, where the time is known and the box was started once more, and looks at what came out.
fn check(actions: &[Action], wrong_by_ms: i64) {
    let mut world = World::new(wrong_by_ms);
    for action in actions {
        world.act(action);
        if world.watch.stand().dating == Dating::Undated {
            // Nothing of a run that does not know the time is sent.
            let held = world.undated.clone();
            for (record, _) in world.sent() {
                let Fact::Crossing(crossing) = record.fact else { continue };
                assert!(!held.contains(&crossing.frame), "{crossing:?} was sent before its time was known");
            }
        }
        if world.is_set && world.wrong_by_ms != 0 {
            // Set to a wrong time while the time was known: that is believed, and put right again here.
            world.act(&Action::Synchronise);
        }
    }
    world.act(&Action::Synchronise);
    world.act(&Action::Kill);
    let (mut people, mut in_minutes) = (BTreeSet::new(), 0);
    for (record, is_undated) in world.sent() {
        match record.fact {
            Fact::Crossing(crossing) => {
                assert!(people.insert(crossing.frame), "{crossing:?} comes twice");
                let off_ms = crossing.at_ms.abs_diff(world.crossed[crossing.frame as usize]);
                assert_eq!(
                    is_undated,
                    world.orphans.contains(&crossing.frame),
                    "{crossing:?}, {off_ms} ms off"
                );
                assert!(is_undated || off_ms < 2000, "{crossing:?} is {off_ms} ms off and does not say so");
            }
            Fact::Minute(minute) => {
                assert_eq!(minute.start_ms.rem_euclid(MINUTE_MS), 0);
                in_minutes += minute.entries as usize;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((people.len(), in_minutes), (world.crossed.len(), world.crossed.len()), "all of them, once");
}

#[test]
fn what_was_counted_before_the_time_was_known_waits_and_is_then_dated() {
    let count = || Action::Count { after_s: 30 };
    let mut world = World::new(-86_400_000);
    (0..3).for_each(|_| world.act(&count()));
    assert!(world.sent().is_empty());
    assert_eq!(world.outbox().sendable_position().unwrap().newest, 0);
    world.act(&Action::Synchronise);
    assert_eq!(world.sent().len(), 6);
    check(&[count(), Action::Draft, Action::Kill, count(), Action::Synchronise, count()], -86_400_000);
}

#[test]
fn what_a_power_cut_leaves_undated_goes_out_and_says_so() {
    let count = || Action::Count { after_s: 30 };
    let cut = Action::PowerCut { wrong_by_ms: -40_000_000 };
    check(&[count(), Action::Draft, cut, count(), Action::Synchronise, count()], 7_000_000);
    let mut world = World::new(7_000_000);
    world.act(&count());
    world.act(&Action::PowerCut { wrong_by_ms: 0 });
    world.act(&Action::Synchronise);
    assert!(world.sent().iter().all(|(_, is_undated)| *is_undated));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_clock_and_power_everything_comes_once_and_is_dated_or_says_that_it_is_not(
        actions in prop::collection::vec(any_action(), 1..25),
        wrong_by_ms in -900_000_000_000_i64..9_000_000_000,
    ) {
        check(&actions, wrong_by_ms);
    }
}
