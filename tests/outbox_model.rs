//! The outbox against a model of it: a list in memory, under random actions and restarts.

use footfall::ids::BoxId;
use footfall::outbox::{Outbox, Row, SeqRange};
use footfall::time::WallTime;
use footfall::wire::v1::{Crossing, Direction, Fact, Record};
use proptest::prelude::*;
use std::path::Path;

#[derive(Debug, Clone)]
enum Action {
    Append(u8),
    Confirm { from: u8, count: u8 },
    Commit { from: u8, count: u8, facts: u8 },
    Waiting { after: u8, limit: u8 },
    Reopen,
}

fn any_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => (0..30_u8).prop_map(Action::Append),
        2 => (any::<u8>(), 0..40_u8).prop_map(|(from, count)| Action::Confirm { from, count }),
        1 => (any::<u8>(), 0..40_u8, 0..30_u8)
            .prop_map(|(from, count, facts)| Action::Commit { from, count, facts }),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(after, limit)| Action::Waiting { after, limit }),
        1 => Just(Action::Reopen),
    ]
}

/// What the outbox is, without a disk.
#[derive(Default)]
struct Model {
    waiting: Vec<(u64, u64)>,
    used: u64,
    frames: u64,
}

impl Model {
    fn facts(&mut self, count: u8) -> Vec<Fact> {
        (0..count)
            .map(|_| {
                self.frames += 1;
                self.used += 1;
                self.waiting.push((self.used, self.frames));
                crossing(self.frames)
            })
            .collect()
    }

    fn confirm(&mut self, range: SeqRange) {
        self.waiting.retain(|(seq, _)| *seq < range.first || *seq > range.last);
    }
}

fn crossing(frame: u64) -> Fact {
    Fact::Crossing(Crossing {
        camera: "door".to_owned(),
        line: "entrance".to_owned(),
        direction: Direction::In,
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
    let box_id = BoxId::parse("door-7").expect("a valid id");
    Outbox::open(path, &box_id, WallTime::from_unix_ms(7)).expect("a good file").0
}

fn held(rows: &[Row]) -> Vec<(u64, u64)> {
    rows.iter()
        .map(|row| {
            let record: Record = serde_json::from_str(row.body.get()).expect("a record");
            assert_eq!(record.seq, row.seq);
            match record.fact {
                Fact::Crossing(crossing) => (row.seq, crossing.frame),
                other => panic!("{other:?} was never stored"),
            }
        })
        .collect()
}

/// Runs the actions on both, and compares after every one.
fn check(actions: Vec<Action>) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("outbox.sqlite");
    let (mut outbox, mut model) = (open(&path), Model::default());
    for action in actions {
        let range = |from: u8, count: u8| {
            let first = u64::from(from) + 1;
            SeqRange { first, last: first + u64::from(count) }
        };
        match action {
            Action::Append(count) => {
                let first = model.used + 1;
                let stored = outbox.append(&model.facts(count)).expect("room on the disk");
                let expected = (count > 0).then_some(SeqRange { first, last: model.used });
                assert_eq!(stored, expected);
            }
            Action::Confirm { from, count } => {
                outbox.confirm(range(from, count)).expect("room on the disk");
                model.confirm(range(from, count));
            }
            Action::Commit { from, count, facts } => {
                model.confirm(range(from, count));
                let facts = model.facts(facts);
                // New numbers are never among the confirmed ones, whatever the range says.
                outbox.commit(&[range(from, count)], &facts).expect("room on the disk");
            }
            Action::Waiting { after, limit } => {
                let rows = outbox.waiting(u64::from(after), usize::from(limit)).expect("a good file");
                let expected = model.waiting.iter().filter(|(seq, _)| *seq > u64::from(after));
                assert_eq!(held(&rows), expected.take(usize::from(limit)).copied().collect::<Vec<_>>());
            }
            Action::Reopen => {
                drop(outbox);
                outbox = open(&path);
            }
        }
        outbox.check_invariants().expect("invariants");
        assert_eq!(outbox.next_seq().expect("a good file"), model.used + 1);
        assert_eq!(outbox.count().expect("a good file"), model.waiting.len() as u64);
    }
    assert_eq!(held(&outbox.waiting(0, usize::MAX).expect("a good file")), model.waiting);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn an_outbox_holds_what_its_model_holds_whatever_happens(
        actions in prop::collection::vec(any_action(), 1..40),
    ) {
        check(actions);
    }
}

#[test]
fn confirming_numbers_that_do_not_exist_yet_does_not_touch_those_that_follow() {
    check(vec![Action::Confirm { from: 0, count: 39 }, Action::Append(5), Action::Reopen, Action::Append(2)]);
}
