//! Delivery against a broker that confirms in any order and drops the line at any time, and a head office that confirms what it
//! has, or what it had once.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

const LIMITS: DeliveryLimits = DeliveryLimits {
    most_in_flight: 3,
    most_records: 5,
    most_bytes: 100,
    batch_every: Duration::from_secs(60),
    new_within: Duration::from_secs(2),
    patience: Duration::from_secs(30),
    ack_patience: Duration::from_secs(120),
    most_ahead: 20,
    most_requests: 3,
};

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Connected, with an outbox that holds nothing.
fn connected() -> Delivery {
    with_backlog(ConfirmedBy::Broker, 0, 0)
}

fn with_backlog(confirmed_by: ConfirmedBy, watermark: u64, newest: u64) -> Delivery {
    let mut delivery = Delivery::new(LIMITS, confirmed_by);
    delivery.connected(Position { newest, watermark, waiting: newest - watermark });
    delivery
}

fn new_after(after: u64) -> Option<Wanted> {
    Some(Wanted { after, up_to: u64::MAX, lane: Lane::New })
}

fn late(lane: Lane, after: u64, up_to: u64) -> Option<Wanted> {
    Some(Wanted { after, up_to, lane })
}

/// Hands out rows of ten bytes each.
#[track_caller]
fn hand_out(delivery: &mut Delivery, rows: &[u64], now: Duration) -> usize {
    let wanted = delivery.wanted(now).expect("a place in flight");
    let taken = delivery.hand_out(wanted, rows.iter().map(|seq| (*seq, 10)), now);
    delivery.check_invariants().unwrap();
    taken
}

/// Everything goes on the wire with the next ids, and the broker takes it.
fn broker_takes(delivery: &mut Delivery, ids: std::ops::RangeInclusive<u16>, now: Duration) {
    ids.clone().for_each(|id| delivery.sent(id, now).unwrap());
    ids.for_each(|id| delivery.confirmed(id, now).unwrap());
    delivery.check_invariants().unwrap();
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
    delivery.confirmed(2, at(0)).unwrap();
    assert_eq!(delivery.watermark(), 2);
    delivery.confirmed(1, at(0)).unwrap();
    assert!(delivery.is_quiet() && delivery.is_delivered() && delivery.is_confirmed());
}

#[test]
fn a_client_that_contradicts_itself_is_found_out() {
    assert_eq!(connected().sent(1, at(0)), Err(DeliveryFault::NothingQueued(1)));
    assert_eq!(connected().confirmed(9, at(0)), Err(DeliveryFault::NotInFlight(9)));
    let mut delivery = connected();
    hand_out(&mut delivery, &[1], at(0));
    let message = Message::Batch { range: SeqRange { first: 1, last: 1 }, lane: Lane::New };
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
    let mut delivery = Delivery::new(LIMITS, ConfirmedBy::HeadOffice);
    assert_eq!(delivery.wanted(at(1000)), None);
    delivery.connected(Position::default());
    assert_eq!(delivery.wanted(at(1000)), new_after(0));
    delivery.disconnected();
    assert_eq!(delivery.wanted(at(1000)), None);
}

#[test]
fn a_round_takes_all_that_is_new_without_waiting_and_the_next_one_is_due_later() {
    let mut delivery = connected();
    assert_eq!(delivery.wanted(at(0)), new_after(0));
    assert_eq!(hand_out(&mut delivery, &[1, 2, 3, 4, 5], at(0)), 5);
    assert_eq!(delivery.wanted(at(0)), new_after(5), "a full batch says that more may wait");
    assert_eq!(hand_out(&mut delivery, &[6], at(0)), 1);
    assert_eq!(delivery.wanted(at(59)), None);
    assert_eq!(delivery.wake_at(), Some(at(60)));
    assert_eq!(delivery.wanted(at(60)), new_after(6));
    assert_eq!(hand_out(&mut delivery, &[], at(60)), 0);
    assert_eq!(delivery.wanted(at(61)), None);
    delivery.begin_round();
    assert_eq!(delivery.wanted(at(61)), new_after(6), "a stop does not wait");
}

#[test]
fn a_batch_holds_no_more_bytes_than_the_limit_unless_one_record_is_larger() {
    let mut delivery = connected();
    let rows = [(1, 60), (2, 40), (3, 1), (4, 500), (5, 1)];
    for (from, taken) in [(0, 2), (2, 1), (3, 1)] {
        let wanted = delivery.wanted(at(0)).expect("rows were left over");
        assert_eq!(wanted.after, from as u64);
        assert_eq!(delivery.hand_out(wanted, rows[from..].iter().copied(), at(0)), taken);
    }
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

#[test]
fn a_backlog_goes_in_order_with_new_records_between_and_leaves_them_a_place() {
    let mut delivery = with_backlog(ConfirmedBy::Broker, 2, 11);
    assert_eq!(delivery.wanted(at(0)), new_after(11));
    assert_eq!(hand_out(&mut delivery, &[], at(0)), 0);
    assert_eq!(delivery.wanted(at(0)), late(Lane::Backlog, 2, 11));
    assert_eq!(hand_out(&mut delivery, &[3, 4, 5, 6, 7], at(0)), 5);
    assert_eq!(delivery.wanted(at(0)), late(Lane::Backlog, 7, 11));
    assert_eq!(
        hand_out(&mut delivery, &[8, 9, 10, 11, 12], at(0)),
        4,
        "what came since goes in its own lane"
    );
    assert_eq!(delivery.wanted(at(1)), None);
    assert_eq!(delivery.wake_at(), Some(at(2)), "new ones do not wait for a minute while a backlog drains");
    assert_eq!(delivery.wanted(at(2)), new_after(11), "nor for a place in flight");
    assert_eq!(hand_out(&mut delivery, &[12], at(2)), 1);
    assert_eq!(delivery.wake_at(), Some(at(62)), "nothing drains any more");
    broker_takes(&mut delivery, 1..=3, at(2));
    assert!(delivery.is_delivered() && delivery.watermark() == 12);
}

#[test]
fn numbers_without_records_do_not_hold_up_the_watermark() {
    let mut delivery = with_backlog(ConfirmedBy::Broker, 0, 300);
    hand_out(&mut delivery, &[], at(0));
    assert_eq!(hand_out(&mut delivery, &[40, 50], at(0)), 2);
    broker_takes(&mut delivery, 1..=1, at(0));
    assert_eq!(delivery.watermark(), 300);
    let mut all_lost = with_backlog(ConfirmedBy::Broker, 0, 300);
    hand_out(&mut all_lost, &[], at(0));
    assert_eq!(hand_out(&mut all_lost, &[], at(0)), 0);
    assert_eq!(all_lost.watermark(), 300);
}

#[test]
fn the_brokers_word_does_not_confirm_where_head_office_does() {
    let mut delivery = with_backlog(ConfirmedBy::HeadOffice, 0, 0);
    hand_out(&mut delivery, &[1, 2, 3], at(0));
    broker_takes(&mut delivery, 1..=1, at(0));
    assert!(delivery.is_delivered() && !delivery.is_confirmed());
    assert_eq!(delivery.watermark(), 0);
    assert_eq!(delivery.heard(2, at(1)), Heard::More);
    assert_eq!(delivery.heard(2, at(1)), Heard::Nothing);
    assert_eq!(delivery.heard(4, at(1)), Heard::TooMuch);
    assert_eq!(delivery.watermark(), 2);
    delivery.connected(Position { newest: 3, watermark: 2, waiting: 1 });
    hand_out(&mut delivery, &[], at(1));
    assert_eq!(delivery.wanted(at(1)), late(Lane::Backlog, 2, 3), "what is not confirmed goes again");
}

#[test]
fn a_watermark_heard_while_a_backlog_drains_spares_what_it_covers() {
    let mut delivery = with_backlog(ConfirmedBy::HeadOffice, 0, 18);
    hand_out(&mut delivery, &[], at(0));
    delivery.heard(15, at(0));
    assert_eq!(delivery.wanted(at(0)), late(Lane::Backlog, 15, 18));
    delivery.heard(18, at(0));
    assert_eq!(delivery.wanted(at(0)), None);
}

#[test]
fn a_head_office_that_was_put_back_gets_everything_since_again() {
    let mut delivery = with_backlog(ConfirmedBy::HeadOffice, 0, 0);
    hand_out(&mut delivery, &[1, 2, 3], at(0));
    broker_takes(&mut delivery, 1..=1, at(0));
    delivery.heard(3, at(1));
    assert_eq!(delivery.heard(1, at(9)), Heard::Less);
    delivery.check_invariants().unwrap();
    assert_eq!(delivery.wanted(at(9)), late(Lane::Backlog, 1, 3));
}

#[test]
fn a_backlog_does_not_run_far_ahead_of_head_office() {
    let mut delivery = with_backlog(ConfirmedBy::HeadOffice, 0, 100);
    hand_out(&mut delivery, &[], at(0));
    let mut id = 0;
    while let Some(wanted) = delivery.wanted(at(0)) {
        let rows: Vec<u64> = (wanted.after + 1..=wanted.after + 5).collect();
        hand_out(&mut delivery, &rows, at(0));
        id += 1;
        broker_takes(&mut delivery, id..=id, at(0));
    }
    assert_eq!(id, 4, "20 numbers ahead, 5 in a batch");
    assert!(delivery.is_delivered(), "a stop does not wait for head office");
    delivery.heard(5, at(1));
    assert_eq!(delivery.wanted(at(1)), late(Lane::Backlog, 20, 100));
}

#[test]
fn one_batch_goes_again_where_the_watermark_stands_still_and_then_after_longer_and_longer_waits() {
    let mut delivery = with_backlog(ConfirmedBy::HeadOffice, 0, 0);
    hand_out(&mut delivery, &[1, 2, 3, 4, 5], at(0));
    hand_out(&mut delivery, &[6, 7], at(0));
    broker_takes(&mut delivery, 1..=2, at(0));
    hand_out(&mut delivery, &[], at(60));
    hand_out(&mut delivery, &[], at(120));
    assert!(delivery.is_unheard());
    assert_eq!(delivery.wanted(at(120)), late(Lane::Asked, 0, 5));
    hand_out(&mut delivery, &[1, 2, 3, 4, 5], at(120));
    broker_takes(&mut delivery, 3..=3, at(120));
    delivery.begin_round();
    hand_out(&mut delivery, &[], at(359));
    assert_eq!(delivery.wanted(at(359)), None, "twice as long");
    assert_eq!(delivery.wanted(at(360)), late(Lane::Asked, 0, 5));
    // The broker had lost everything: the first batch is there now, and the rest is missing still.
    assert_eq!(delivery.heard(5, at(361)), Heard::More);
    assert!(!delivery.is_unheard());
    hand_out(&mut delivery, &[1, 2, 3, 4, 5], at(361));
    assert_eq!(delivery.wanted(at(361)), late(Lane::Backlog, 5, 7));
}

#[test]
fn requests_are_answered_in_turn_within_what_there_is_and_only_so_many_wait() {
    let mut delivery = with_backlog(ConfirmedBy::HeadOffice, 50, 50);
    hand_out(&mut delivery, &[], at(0));
    let range = |first, last| SeqRange { first, last };
    assert!(delivery.asked(range(4, 2), at(0)) && delivery.asked(range(51, 60), at(0)));
    assert_eq!(delivery.wanted(at(0)), None, "there is nothing to answer");
    for request in [range(0, 7), range(48, u64::MAX), range(20, 21)] {
        assert!(delivery.asked(request, at(0)) && delivery.asked(request, at(0)));
    }
    assert!(!delivery.asked(range(30, 31), at(0)));
    for (after, up_to, rows) in [(0, 7, &[6_u64, 7, 8][..]), (47, 50, &[48, 49, 50]), (19, 21, &[22, 23])] {
        assert_eq!(delivery.wanted(at(0)), late(Lane::Asked, after, up_to));
        let expected = rows.iter().filter(|seq| **seq <= up_to).count();
        assert_eq!(hand_out(&mut delivery, rows, at(0)), expected);
        let batches = u16::from(expected > 0);
        broker_takes(&mut delivery, 1..=batches, at(0));
    }
    assert_eq!(delivery.watermark(), 50);
}

#[derive(Debug, Clone)]
enum Action {
    Record(u8),
    Pump,
    Send,
    Live,
    State,
    Confirm(u8),
    /// Head office takes what has arrived, and says so.
    Take,
    /// The broker loses what it took and head office has not taken.
    Lose,
    /// Head office is put back to a copy of itself that had that share of what it has.
    PutBack(u8),
    Ask(u8, u8),
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
        2 => Just(Action::Take),
        1 => Just(Action::Lose),
        1 => any::<u8>().prop_map(Action::PutBack),
        1 => (any::<u8>(), 0..20_u8).prop_map(|(from, more)| Action::Ask(from, more)),
        1 => Just(Action::Cut),
        1 => any::<u8>().prop_map(Action::Wait),
    ]
}

/// An outbox, a client, a broker and a head office, as far as delivery can tell.
struct World {
    delivery: Delivery,
    confirmed_by: ConfirmedBy,
    now: Duration,
    newest: u64,
    next_id: u16,
    /// What the client holds: records of a batch, or none for other messages with a promise.
    client: VecDeque<Option<Vec<u64>>>,
    /// What the broker has and has not confirmed.
    broker: Vec<(u16, Vec<u64>)>,
    /// What the broker has for head office.
    arrived: BTreeSet<u64>,
    office: BTreeSet<u64>,
}

impl World {
    fn new(confirmed_by: ConfirmedBy) -> Self {
        Self {
            delivery: with_backlog(confirmed_by, 0, 0),
            confirmed_by,
            now: at(0),
            newest: 0,
            next_id: 1,
            client: VecDeque::new(),
            broker: Vec::new(),
            arrived: BTreeSet::new(),
            office: BTreeSet::new(),
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Record(count) => self.newest += u64::from(count),
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
            Action::Take => self.take(),
            Action::Lose if self.confirmed_by == ConfirmedBy::HeadOffice => self.arrived.clear(),
            Action::PutBack(share) if self.confirmed_by == ConfirmedBy::HeadOffice => {
                let kept = self.office.len() * usize::from(share) / 255;
                self.office = self.office.iter().copied().take(kept).collect();
                self.say();
            }
            Action::Lose | Action::PutBack(_) => {}
            Action::Ask(first, more) => {
                let first = u64::from(first);
                self.delivery.asked(SeqRange { first, last: first + u64::from(more) }, self.now);
            }
            Action::Cut => self.cut(),
            Action::Wait(seconds) => self.now += at(u64::from(seconds)),
        }
        self.delivery.check_invariants().unwrap();
        assert!(
            self.watermark_is_true(),
            "{} is confirmed, {:?} is there",
            self.delivery.watermark(),
            self.office
        );
    }

    /// What is called confirmed is held by whoever confirms.
    fn watermark_is_true(&self) -> bool {
        let holder = match self.confirmed_by {
            ConfirmedBy::HeadOffice => &self.office,
            ConfirmedBy::Broker => &self.arrived,
        };
        (1..=self.delivery.watermark()).all(|seq| holder.contains(&seq))
    }

    fn pump(&mut self) {
        let Some(wanted) = self.delivery.wanted(self.now) else { return };
        let rows: Vec<u64> = (wanted.after + 1..=self.newest).take(LIMITS.most_records).collect();
        let taken = self.delivery.hand_out(wanted, rows.iter().map(|seq| (*seq, 10)), self.now);
        if taken > 0 {
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
        if !self.broker.is_empty() {
            let (id, _) = self.broker.remove(which % self.broker.len());
            self.delivery.confirmed(id, self.now).unwrap();
        }
    }

    fn take(&mut self) {
        if self.confirmed_by == ConfirmedBy::HeadOffice {
            self.office.append(&mut self.arrived);
            self.say();
        }
    }

    fn say(&mut self) {
        let watermark = (1..).take_while(|seq| self.office.contains(seq)).last().unwrap_or(0);
        let heard = self.delivery.heard(watermark, self.now);
        assert_ne!(heard, Heard::TooMuch, "only what was sent is there");
    }

    fn cut(&mut self) {
        let position = Position { newest: self.newest, watermark: self.delivery.watermark(), waiting: 0 };
        self.delivery.connected(position);
        (self.client, self.broker) = (VecDeque::new(), Vec::new());
        self.next_id = 1;
    }

    /// Lets everything go out, over a line that holds and to a head office that listens, until nothing is left to do.
    fn drain(&mut self) {
        let is_over = |world: &Self| {
            let delivery = &world.delivery;
            world.newest == delivery.watermark() && delivery.is_delivered() && delivery.is_quiet()
        };
        for _ in 0..100_000 {
            if is_over(self) {
                return;
            }
            let all =
                [Action::Pump, Action::Pump, Action::Send, Action::Confirm(0), Action::Take, Action::Wait(1)];
            all.into_iter().for_each(|action| self.act(action));
        }
        panic!("{:?} of {} is never confirmed", self.delivery, self.newest);
    }
}

/// Runs the actions, then good weather: every number has to be confirmed in the end.
fn check(confirmed_by: ConfirmedBy, actions: Vec<Action>) {
    let mut world = World::new(confirmed_by);
    actions.into_iter().for_each(|action| world.act(action));
    world.drain();
    assert!(world.watermark_is_true());
}

proptest! {
    #[test]
    fn what_the_broker_confirms_it_has_and_in_the_end_it_has_everything(
        actions in prop::collection::vec(any_action(), 0..200),
    ) {
        check(ConfirmedBy::Broker, actions);
    }

    #[test]
    fn what_head_office_confirms_it_has_and_in_the_end_it_has_everything(
        actions in prop::collection::vec(any_action(), 0..200),
    ) {
        check(ConfirmedBy::HeadOffice, actions);
    }
}
