//! A box that starts without knowing the time: it counts, holds its records back, and sends them when the time service has spoken.

use super::broker::{Broker, Subscriber, wait_until};
use super::{Shop, minutes};
use footfall::wire::v1::BoxStatus;

/// A shop whose clock is trusted once a file is there, which is not there yet.
fn unset(broker: &Broker, patience: &str) -> (Shop, std::path::PathBuf) {
    let mut shop = Shop::with_clip().on(broker.port);
    let file = shop.folder.path().join("synchronized");
    shop.more = format!("[clock]\nset_file = {file:?}\npatience = {patience:?}\n");
    (shop, file)
}

fn clock_ok(subscriber: &Subscriber) -> Option<bool> {
    subscriber
        .states()
        .last()
        .filter(|state| state.state == BoxStatus::Online)
        .and_then(|state| state.clock_ok)
}

#[test]
fn records_wait_for_the_time_over_a_kill_and_each_comes_once() {
    let broker = Broker::open_to_all();
    let subscriber = Subscriber::to_all(broker.port);
    let (shop, file) = unset(&broker, "1h");
    let service = shop.start();
    wait_until("somebody is counted", || shop.crossings_on_disk() >= 1);
    wait_until("the box says that it does not know the time", || clock_ok(&subscriber) == Some(false));
    let about =
        |state: &footfall::wire::v1::State| state.problems.iter().any(|problem| problem.about == "clock");
    assert!(subscriber.states().iter().any(about));
    service.kill();

    let before = shop.crossings_on_disk();
    let service = shop.start();
    wait_until("somebody else is counted", || shop.crossings_on_disk() > before);
    assert_eq!(subscriber.batches().len(), 0, "nothing goes out before the time is known");
    std::fs::write(&file, "").unwrap();
    wait_until("the box knows the time", || clock_ok(&subscriber) == Some(true));
    wait_until("the records arrive", || subscriber.crossings().len() as i64 > before);
    assert!(service.stop().success());
    wait_until("the last minute arrives", || !minutes(&subscriber).is_empty());
    let crossed = subscriber.crossings().len();

    let counted: u32 = minutes(&subscriber).iter().map(|minute| minute.entries + minute.exits).sum();
    assert_eq!(counted as usize, crossed, "minutes add up to the crossings: each came once");
}
