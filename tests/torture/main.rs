//! Box, broker and head office are killed with -9 again and again while a clip plays, and afterwards every record is
//! at head office, once.
//!
//! What is compared: the box's own disk, which keeps its history, against head office's database. The broker keeps nothing over its
//! death, so all that was on its way then is gone with it. `TORTURE_KILLS` says how often (`make torture`), `TORTURE_SEED`
//! which way; the short form runs with the other tests.
#![cfg(all(feature = "capture-opencv", feature = "detect-ort", feature = "hq"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../delivery_support/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod broker;
mod compare;
mod parts;

use compare::{BoxDisk, Office};
use parts::{Machine, Part, Victims};
use std::time::Duration;

/// Short enough for every run of the tests; every part dies at least twice.
const KILLS_IN_SHORT: usize = 9;

/// What the environment asks for, or `usual`.
fn asked(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} is a whole number, not {text:?}"))
    })
}

#[test]
fn every_record_is_at_head_office_once_whoever_was_killed_and_when() {
    let kills = usize::try_from(asked("TORTURE_KILLS", KILLS_IN_SHORT as u64)).unwrap();
    let seed = asked("TORTURE_SEED", 1);
    let mut machine = Machine::new();
    let mut victims = Victims::of(seed);
    for part in Part::ALL {
        machine.start(part);
    }
    machine.wait_for_records(1);
    for number in 1..=kills {
        let blow = victims.next();
        std::thread::sleep(blow.after);
        machine.kill(blow.part);
        std::thread::sleep(blow.down);
        machine.start(blow.part);
        if number % 10 == 0 || number == kills {
            println!("{number} of {kills} kills, {} records on the box's disk", machine.highest());
        }
    }
    // A last while in peace, so that what the last blow broke is mended too.
    std::thread::sleep(Duration::from_secs(2));
    let mark = machine.highest();
    machine.wait_for_watermark(mark);
    machine.stop_all();

    let disk = BoxDisk::read(&machine.outbox());
    let office = Office::read(&machine.database());
    assert!(
        disk.records() > kills as u64,
        "too little was counted to say anything: {} records",
        disk.records()
    );
    disk.numbers_have_no_holes();
    office.holds_once_what_the_box_has(&disk, i64::try_from(mark).unwrap());
    office.minutes_are_those_of(&disk);
    office.claims_no_time_in_which_the_box_was_dead(machine.lives());
    office.has_what_was_live(&machine.live());
    println!("{kills} kills, seed {seed}: {} records, none lost, none twice", disk.records());
}
