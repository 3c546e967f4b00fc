//! Delivery to a head office that confirms by its watermark, asks for what it lacks, forgets, and falls silent.

use crate::delivery_support::{
    Broker, GUARD, RunningBox, Subscriber, TestBox, all_up_to, crossing, wait_until,
};
use footfall::publish::{ConfirmedBy, Stopped};
use footfall::time::{Clock, SystemClock, WallTime};
use footfall::wire::v1::Fact;
use serde_json::json;
use std::time::Duration;

const BASE: &str = "footfall/v1/acme/berlin-1/acme-b1-door";

fn box_at(port: u16, patience: Duration) -> TestBox {
    let mut test_box = TestBox::at(port);
    (test_box.mqtt.confirmed_by, test_box.mqtt.ack_patience) = (ConfirmedBy::HeadOffice, patience);
    test_box
}

fn ack(office: &Subscriber, watermark: u64) {
    let message = json!({"v": 1, "box": "acme-b1-door", "watermark": watermark, "at_ms": 1});
    office.tell(&format!("{BASE}/ack"), true, message.to_string());
}

/// How often a record has arrived.
fn times(office: &Subscriber, seq: u64) -> usize {
    office.batches().iter().flat_map(|batch| &batch.records).filter(|record| record.seq() == seq).count()
}

fn watermark(running: &RunningBox) -> u64 {
    running.writer.reader().position().expect("it runs").watermark
}

#[test]
fn a_record_waits_until_head_office_has_it_whatever_the_broker_says() {
    let broker = Broker::open_to_all();
    let office = Subscriber::to_all(broker.port);
    let test_box = box_at(broker.port, GUARD);
    let running = test_box.run();
    running.count(1..=20);
    wait_until("all arrive", || office.crossings() == all_up_to(20));
    assert_eq!(running.waiting(), 20);
    ack(&office, 15);
    wait_until("they are confirmed", || running.waiting() == 5);
    assert_eq!(running.publisher.status().delivered, 15);
    assert_eq!(running.publisher.stop(GUARD), Stopped::WithBroker);
    running.writer.stop(GUARD).expect("room");

    // The next run goes on from there, and its batch says that it is late and what is still held.
    let running = test_box.run();
    wait_until("what is not confirmed comes again", || times(&office, 16) == 2);
    assert_eq!(times(&office, 15), 1);
    let last = office.batches().pop().expect("a batch");
    assert_eq!((last.late, last.kept_from), (true, Some(1)));
    ack(&office, 20);
    wait_until("all is confirmed", || running.waiting() == 0);
    assert_eq!(running.publisher.stop(GUARD), Stopped::Delivered);
}

#[test]
fn a_retained_watermark_is_heard_at_the_next_connect() {
    let broker = Broker::open_to_all();
    let office = Subscriber::to_all(broker.port);
    let test_box = box_at(broker.port, GUARD);
    let facts: Vec<_> = (1..=10).map(|frame| Fact::Crossing(crossing(frame))).collect();
    test_box.open_outbox().append(&facts, WallTime::from_unix_ms(1)).expect("room");
    ack(&office, 10);
    let running = test_box.run();
    wait_until("it is heard", || running.waiting() == 0);
}

#[test]
fn a_head_office_that_was_put_back_gets_everything_since_from_history() {
    let broker = Broker::open_to_all();
    let office = Subscriber::to_all(broker.port);
    let running = box_at(broker.port, GUARD).run();
    running.count(1..=700);
    wait_until("all arrive", || office.crossings() == all_up_to(700));
    ack(&office, 700);
    wait_until("all is confirmed", || running.waiting() == 0);
    ack(&office, 100);
    wait_until("the last comes again", || times(&office, 700) == 2);
    assert_eq!((times(&office, 101), times(&office, 100)), (2, 1));
    wait_until("it waits again", || running.waiting() == 600);
}

#[test]
fn what_is_asked_for_comes_again_as_late_and_nothing_else_does() {
    let broker = Broker::open_to_all();
    let office = Subscriber::to_all(broker.port);
    let running = box_at(broker.port, GUARD).run();
    running.count(1..=50);
    wait_until("all arrive", || office.crossings() == all_up_to(50));
    ack(&office, 50);
    wait_until("all is confirmed", || running.waiting() == 0);
    for (from, to) in [(10, 12), (30, 30), (51, 99), (9, 3)] {
        let message = json!({"v": 1, "box": "acme-b1-door", "from_seq": from, "to_seq": to, "at_ms": 1});
        office.tell(&format!("{BASE}/backfill"), false, message.to_string());
    }
    wait_until("they come", || times(&office, 30) == 2);
    let twice: Vec<u64> = (1..=50).filter(|seq| times(&office, *seq) == 2).collect();
    assert_eq!(twice, [10, 11, 12, 30]);
    assert!(office.batches().iter().rev().take(2).all(|batch| batch.late));
}

#[test]
fn a_word_about_another_box_or_about_records_that_never_were_confirms_nothing() {
    let broker = Broker::open_to_all();
    let office = Subscriber::to_all(broker.port);
    let running = box_at(broker.port, GUARD).run();
    running.count(1..=5);
    wait_until("all arrive", || office.crossings() == all_up_to(5));
    for nonsense in ["", "{}", "[[[[[[", r#"{"v":1,"box":"another","watermark":5,"at_ms":1}"#] {
        office.tell(&format!("{BASE}/ack"), false, nonsense.to_owned());
    }
    ack(&office, 6_000);
    wait_until("it is told", || {
        running
            .publisher
            .status()
            .unconfirmed
            .is_some_and(|problem| problem.contains("which this box never sent"))
    });
    assert_eq!((watermark(&running), running.waiting()), (0, 5));
    ack(&office, 5);
    wait_until("the right word is taken", || running.waiting() == 0);
    assert_eq!(running.publisher.status().unconfirmed, None);
}

#[test]
fn a_batch_that_nobody_confirms_goes_again_and_the_box_says_so() {
    let broker = Broker::open_to_all();
    let office = Subscriber::to_all(broker.port);
    let running = box_at(broker.port, Duration::from_millis(300)).run();
    running.count(1..=3);
    wait_until("it comes twice", || times(&office, 1) >= 2);
    let problem = running.publisher.status().unconfirmed.expect("a problem");
    assert!(problem.contains("head office confirms none"), "{problem}");
    ack(&office, 3);
    wait_until("all is well", || running.publisher.status().unconfirmed.is_none());
}

#[test]
fn new_records_pass_a_backlog_that_drains() {
    let broker = Broker::open_to_all();
    let mut test_box = TestBox::at(broker.port);
    test_box.mqtt.batch_every = Duration::from_secs(3600);
    let facts: Vec<_> = (1..=40_000).map(|frame| Fact::Crossing(crossing(frame))).collect();
    test_box.open_outbox().append(&facts, WallTime::from_unix_ms(1)).expect("room");
    let office = Subscriber::to_all(broker.port);
    let running = test_box.run();
    running.wait_until_up();
    running.count(40_001..=40_001);
    wait_until("all arrive", || office.crossings().len() >= 40_001);
    let batches = office.batches();
    let new = batches.iter().position(|batch| batch.records.last().is_some_and(|last| last.seq() == 40_001));
    let new = new.expect("it arrived");
    assert!(!batches[new].late && batches[..new].iter().all(|batch| batch.late));
    let seqs: Vec<u64> =
        batches.iter().filter(|b| b.late).flat_map(|b| &b.records).map(|r| r.seq()).collect();
    assert!(seqs.is_sorted(), "the backlog goes in order");
}

/// Lets so many records wait without a broker, and then has head office take them, batch by batch; says how many a second.
fn drained_a_second(records: u64) -> f64 {
    let broker = Broker::open_to_all();
    let office = Subscriber::to_all(broker.port);
    let test_box = box_at(broker.port, GUARD);
    let mut outbox = test_box.open_outbox();
    for first in (1..=records).step_by(1000) {
        let facts = (first..=records.min(first + 999)).map(|frame| Fact::Crossing(crossing(frame)));
        outbox.append(&facts.collect::<Vec<_>>(), WallTime::from_unix_ms(1)).expect("room");
    }
    drop(outbox);
    let clock = SystemClock::start();
    let running = test_box.run();
    let (mut heard, mut confirmed) = (0, 0);
    while confirmed < records {
        let (new, all) = office.records_since(heard);
        heard = all;
        let seqs = new.iter().flat_map(|batch| &batch.records).map(|record| record.seq());
        let before = confirmed;
        seqs.for_each(|seq| {
            assert_eq!(seq, confirmed + 1, "in order, and each once");
            confirmed = seq;
        });
        if confirmed > before {
            ack(&office, confirmed);
        } else {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    wait_until("all is confirmed", || running.waiting() == 0);
    records as f64 / clock.now().elapsed.as_secs_f64()
}

#[test]
fn a_long_backlog_arrives_in_order_and_each_record_once() {
    // More than may be ahead of the watermark.
    let a_second = drained_a_second(30_000);
    println!("{a_second:.0} records a second");
}

#[test]
#[ignore = "takes minutes: 72 hours of five records a second"]
fn seventy_two_hours_without_a_broker_are_delivered_afterwards() {
    let a_second = drained_a_second(72 * 3600 * 5);
    println!("{a_second:.0} records a second");
    assert!(a_second > 2_000.0, "{a_second:.0}");
}
