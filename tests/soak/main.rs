//! A day of a box with four cameras in some minutes: nothing of it may grow but what is stated to be kept.
//!
//! What a real network saw in the sample clip is played again and again to four cameras of the real config, through their
//! pipelines, with their drafts, into the real outbox and ledger and over a real broker, in the order in which the service does it. Only
//! pictures, network and waiting are left out: time is simulated, and goes as fast as the rest does. `SOAK_HOURS` says how much of it
//! (`make soak`: 24); the short form runs with the other tests.
#![cfg(all(feature = "capture-opencv", feature = "detect-ort"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../delivery_support/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod broker;
mod measure;
mod shop;

use measure::{Footprint, Receiver};
use shop::Shop;
use std::time::Duration;

/// How much must be alike at the end to what it was when everything was warm.
const RSS_TOLERANCE: f64 = 0.05;

/// A page cache of SQLite's and a heat map's grid come and go; below this nothing is a leak that a day would show.
const RSS_SLACK: u64 = 1024 * 1024;

#[test]
fn a_box_with_four_cameras_holds_no_more_at_the_end_of_a_day_than_when_it_was_warm() {
    let hours: f64 = std::env::var("SOAK_HOURS").map_or(1.0, |text| text.parse().unwrap());
    let span = Duration::from_secs_f64(hours * 3600.0);
    // By the half of the time history is full twice over, and whatever fills once is full.
    let (history, warm, look_every) = (span / 4, span / 2, span / 48);
    let mut broker = broker::Broker::configured("allow_anonymous true");
    broker.start();
    let receiver = Receiver::on(broker.port);
    let mut shop = Shop::open(broker.port, history);
    let (mut warm_footprint, mut most, mut looked_at) =
        (None::<Footprint>, Footprint::default(), Duration::ZERO);
    while shop.elapsed() < span {
        shop.second();
        if shop.elapsed() >= looked_at {
            looked_at += look_every;
            shop.settle();
            let now = shop.footprint();
            println!("{:6.2} h: {now}", shop.elapsed().as_secs_f64() / 3600.0);
            match &warm_footprint {
                None if shop.elapsed() >= warm => warm_footprint = Some(now),
                None => {}
                Some(_) => most = most.max(now),
            }
        }
    }
    let newest = shop.close();
    let warm = warm_footprint.expect("half of the time is looked at");
    println!("{hours} h, {newest} records; warm: {warm}; most after: {most}");
    assert!(newest > 100, "too little was counted to say anything");
    receiver.has_every_record_once(newest);
    let bound = warm.rss + RSS_SLACK.max((warm.rss as f64 * RSS_TOLERANCE) as u64);
    assert!(most.rss <= bound, "memory grows: {warm} became {most}");
    assert!(most.files <= warm.files, "file descriptors grow: {warm} became {most}");
    // Pages are used again; an hour busier than another may need some more of them.
    assert!(
        most.outbox as f64 <= warm.outbox as f64 * 1.1,
        "the outbox outgrows its history: {warm} became {most}"
    );
}
