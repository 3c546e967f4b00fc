//! Delivery against a broker that confirms in any order and drops the line at any time.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

const LIMITS: DeliveryLimits = DeliveryLimits {
    most_in_flight: 3,
    most_records: 5,
    most_bytes: 100,
    batch_every: Duration::from_secs(60),
    patience: Duration::from_secs(30),
};

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn connected() -> Delivery {
    let mut delivery = Delivery::new(LIMITS);
    delivery.connected();
    delivery
}

/// Hands out rows of ten bytes each.
fn hand_out(delivery: &mut Delivery, rows: &[u64], now: Duration) -> usize {
    let taken = delivery.hand_out(rows.iter().map(|seq| (*seq, 10)), now);
    delivery.check_invariants().unwrap();
    taken
}

#[test]
fn a_confirmation_finds_its_records_past_messages_of_other_kinds() {
    let mut delivery = connected();
    delivery.handed_over(Promise::Confirmed);
    delivery.handed_over(Promise::None);
    hand_out(&mut delivery, &[1, 2], at(0));
    delivery.handed_over(Promise::None);
    for id in [1, 0, 2, 0] {
        delivery.sent(id, at(0)).unwrap();
    }
    assert_eq!(delivery.confirmed(2), Ok(Some(SeqRange { first: 1, last: 2 })));
    assert_eq!(delivery.confirmed(1), Ok(None));
    assert!(delivery.is_quiet() && delivery.is_delivered());
}

#[test]
fn a_client_that_contradicts_itself_is_found_out() {
    assert_eq!(connected().sent(1, at(0)), Err(DeliveryFault::NothingQueued(1)));
    assert_eq!(connected().confirmed(9), Err(DeliveryFault::NotInFlight(9)));
    let mut delivery = connected();
    hand_out(&mut delivery, &[1], at(0));
    let message = Message::Batch(SeqRange { first: 1, last: 1 });
    assert_eq!(delivery.sent(0, at(0)), Err(DeliveryFault::WrongId { id: 0, message }));
    let mut delivery = connected();
    delivery.handed_over(Promise::None);
    let message = Message::Unpromised;
    assert_eq!(delivery.sent(7, at(0)), Err(DeliveryFault::WrongId { id: 7, message }));
    let mut delivery = connected();
    hand_out(&mut delivery, &[1], at(0));
    delivery.handed_over(Promise::Confirmed);
    delivery.sent(1, at(0)).unwrap();
    let message = Message::Promised;
    assert_eq!(delivery.sent(1, at(0)), Err(DeliveryFault::WrongId { id: 1, message }));
}

#[test]
fn without_a_connection_nothing_is_wanted() {
    let mut delivery = Delivery::new(LIMITS);
    assert_eq!(delivery.wanted(at(1000)), None);
    delivery.connected();
    assert_eq!(delivery.wanted(at(1000)), Some(0));
    delivery.disconnected();
    assert_eq!(delivery.wanted(at(1000)), None);
}

#[test]
fn a_round_takes_a_backlog_without_waiting_and_the_next_one_is_due_later() {
    let mut delivery = connected();
    assert_eq!(delivery.wanted(at(0)), Some(0));
    assert_eq!(hand_out(&mut delivery, &[1, 2, 3, 4, 5], at(0)), 5);
    assert_eq!(delivery.wanted(at(0)), Some(5), "a full batch says that more may wait");
    assert_eq!(hand_out(&mut delivery, &[6], at(0)), 1);
    assert_eq!(delivery.wanted(at(59)), None);
    assert_eq!(delivery.wake_at(), Some(at(60)));
    assert_eq!(delivery.wanted(at(60)), Some(6));
    assert_eq!(hand_out(&mut delivery, &[], at(60)), 0);
    assert_eq!(delivery.wanted(at(61)), None);
    delivery.begin_round();
    assert_eq!(delivery.wanted(at(61)), Some(6), "a stop does not wait");
}

#[test]
fn a_batch_holds_no_more_bytes_than_the_limit_unless_one_record_is_larger() {
    let mut delivery = connected();
    let rows = [(1, 60), (2, 40), (3, 1), (4, 500), (5, 1)];
    assert_eq!(delivery.hand_out(rows.into_iter(), at(0)), 2);
    assert_eq!(delivery.wanted(at(0)), Some(2), "rows were left over");
    assert_eq!(delivery.hand_out(rows[2..].iter().copied(), at(0)), 1);
    assert_eq!(delivery.hand_out(rows[3..].iter().copied(), at(0)), 1);
    assert_eq!(delivery.wanted(at(0)), None, "three batches are on their way");
}

#[test]
fn a_broker_that_does_not_confirm_is_given_up() {
    let mut delivery = connected();
    hand_out(&mut delivery, &[1], at(0));
    delivery.sent(1, at(10)).unwrap();
    assert_eq!(delivery.wake_at(), Some(at(40)));
    assert!(!delivery.is_overdue(at(39)));
    assert!(delivery.is_overdue(at(40)));
}

#[derive(Debug, Clone)]
enum Action {
    Record(u8),
    Pump,
    Send,
    Live,
    State,
    Confirm(u8),
    Cut,
    Wait(u8),
}

fn any_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        2 => (1..12_u8).prop_map(Action::Record),
        4 => Just(Action::Pump),
        4 => Just(Action::Send),
        1 => Just(Action::Live),
        1 => Just(Action::State),
        3 => any::<u8>().prop_map(Action::Confirm),
        1 => Just(Action::Cut),
        1 => any::<u8>().prop_map(Action::Wait),
    ]
}

/// An outbox, a client and a broker, as far as delivery can tell.
struct World {
    delivery: Delivery,
    now: Duration,
    stored: BTreeSet<u64>,
    next_seq: u64,
    next_id: u16,
    /// What the client holds: records of a batch, or none for other messages with a promise.
    client: VecDeque<Option<Vec<u64>>>,
    /// What the broker has and has not confirmed.
    broker: Vec<(u16, Vec<u64>)>,
    arrived: BTreeSet<u64>,
    /// Handed out over the connection that is up.
    handed_out: BTreeSet<u64>,
}

impl World {
    fn new() -> Self {
        Self {
            delivery: connected(),
            now: at(0),
            stored: BTreeSet::new(),
            next_seq: 1,
            next_id: 1,
            client: VecDeque::new(),
            broker: Vec::new(),
            arrived: BTreeSet::new(),
            handed_out: BTreeSet::new(),
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Record(count) => {
                self.stored.extend(self.next_seq..self.next_seq + u64::from(count));
                self.next_seq += u64::from(count);
            }
            Action::Pump => self.pump(),
            Action::Send => self.send(),
            Action::Live => {
                self.delivery.handed_over(Promise::None);
                self.client.push_back(None);
            }
            Action::State => {
                self.delivery.handed_over(Promise::Confirmed);
                self.client.push_back(Some(Vec::new()));
            }
            Action::Confirm(which) => self.confirm(usize::from(which)),
            Action::Cut => {
                self.delivery.disconnected();
                (self.client, self.broker) = (VecDeque::new(), Vec::new());
                self.handed_out.clear();
                self.next_id = 1;
                self.delivery.connected();
            }
            Action::Wait(seconds) => self.now += at(u64::from(seconds)),
        }
        self.delivery.check_invariants().unwrap();
    }

    fn pump(&mut self) {
        let Some(after) = self.delivery.wanted(self.now) else { return };
        let rows: Vec<u64> = self.stored.range(after + 1..).take(LIMITS.most_records).copied().collect();
        let taken = hand_out(&mut self.delivery, &rows, self.now);
        if taken > 0 {
            assert!(rows[..taken].iter().all(|seq| self.handed_out.insert(*seq)), "sent twice over one line");
            self.client.push_back(Some(rows[..taken].to_vec()));
        }
    }

    fn send(&mut self) {
        // As a client does that has only so many ids.
        if self.broker.len() > 15 {
            return;
        }
        let Some(message) = self.client.pop_front() else { return };
        let Some(records) = message else { return self.delivery.sent(0, self.now).unwrap() };
        // As rumqttc does: ids go round, and one that is in use is never given.
        while self.broker.iter().any(|(id, _)| *id == self.next_id) {
            self.next_id = self.next_id % 20 + 1;
        }
        self.delivery.sent(self.next_id, self.now).unwrap();
        self.arrived.extend(&records);
        self.broker.push((self.next_id, records));
        self.next_id = self.next_id % 20 + 1;
    }

    fn confirm(&mut self, which: usize) {
        if self.broker.is_empty() {
            return;
        }
        let (id, records) = self.broker.remove(which % self.broker.len());
        let confirmed = self.delivery.confirmed(id).unwrap();
        let range: Option<Vec<u64>> = confirmed.map(|range| {
            let gone: Vec<u64> = self.stored.range(range.first..=range.last).copied().collect();
            gone.iter().for_each(|seq| assert!(self.stored.remove(seq)));
            gone
        });
        assert_eq!(range.unwrap_or_default(), records, "exactly the records of the packet are forgotten");
    }

    /// Lets everything that waits go out, over a line that holds.
    fn drain(&mut self) {
        self.delivery.begin_round();
        while !(self.delivery.is_delivered() && self.delivery.is_quiet()) {
            for action in [Action::Pump, Action::Send, Action::Confirm(0)] {
                self.act(action);
            }
        }
    }
}

proptest! {
    #[test]
    fn no_record_is_forgotten_before_it_was_confirmed_and_all_arrive_in_the_end(
        actions in prop::collection::vec(any_action(), 0..200),
    ) {
        let mut world = World::new();
        for action in actions {
            world.act(action);
            for seq in 1..world.next_seq {
                prop_assert!(world.stored.contains(&seq) || world.arrived.contains(&seq), "{} is lost", seq);
            }
        }
        world.drain();
        prop_assert!(world.stored.is_empty());
        prop_assert_eq!(world.arrived, (1..world.next_seq).collect::<BTreeSet<_>>());
    }

    #[test]
    fn after_a_cut_everything_that_was_not_confirmed_goes_again(
        actions in prop::collection::vec(any_action(), 0..100),
    ) {
        let mut world = World::new();
        for action in actions {
            world.act(action);
        }
        let unconfirmed = world.stored.clone();
        world.act(Action::Cut);
        world.arrived.clear();
        world.drain();
        prop_assert_eq!(world.arrived, unconfirmed);
    }
}
