//! What the box has on its disk against what head office has in its database.

use crate::parts::Life;
use footfall::wire::v1::{Crossing, Live};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What was told this shortly before the box died may not have been on its disk.
const LAST_SECOND_MS: i64 = 1_000;
/// Between two messages by which its age is known, and a little.
const NOW_EVERY_MS: i64 = 1_200;

/// Everything that the box ever recorded.
pub(crate) struct BoxDisk {
    records: BTreeMap<i64, Value>,
}

impl BoxDisk {
    pub(crate) fn read(outbox: &Path) -> Self {
        let sqlite = Connection::open_with_flags(outbox, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut all = sqlite.prepare("SELECT seq, body FROM record").unwrap();
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
        let records = all.query_map([], row).unwrap().map(|row| {
            let (seq, body) = row.unwrap();
            (seq, serde_json::from_str(&body).unwrap())
        });
        Self { records: records.collect() }
    }

    pub(crate) fn records(&self) -> u64 {
        self.records.len() as u64
    }

    pub(crate) fn numbers_have_no_holes(&self) {
        for (expected, seq) in (1..).zip(self.records.keys()) {
            assert_eq!(*seq, expected, "a number is missing on the box's own disk");
        }
    }
}

/// What head office holds.
pub(crate) struct Office {
    received: BTreeSet<i64>,
    events: BTreeMap<i64, Value>,
    /// Entries, exits and seen ms by minute.
    minutes: BTreeMap<i64, [i64; 3]>,
    lost: i64,
}

impl Office {
    pub(crate) fn read(database: &Path) -> Self {
        let sqlite = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut ranges = sqlite.prepare("SELECT first_seq, last_seq FROM received").unwrap();
        let ranges = ranges.query_map([], |row| Ok(row.get::<_, i64>(0)?..=row.get::<_, i64>(1)?)).unwrap();
        let received = ranges.flat_map(|range| range.unwrap()).collect();
        let mut events = sqlite.prepare("SELECT seq, body FROM event").unwrap();
        let events = events
            .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
            .unwrap()
            .map(|row| {
                let (seq, body) = row.unwrap();
                (seq, serde_json::from_str(&body).unwrap())
            });
        let mut minutes = sqlite.prepare("SELECT minute, entries, exits, seen_ms FROM line_minute").unwrap();
        let minutes = minutes
            .query_map([], |row| Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?])))
            .unwrap()
            .map(Result::unwrap);
        let lost = sqlite.query_row("SELECT count(*) FROM lost", [], |row| row.get(0)).unwrap();
        Self { received, events: events.collect(), minutes: minutes.collect(), lost }
    }

    pub(crate) fn holds_once_what_the_box_has(&self, disk: &BoxDisk, mark: i64) {
        assert_eq!(self.lost, 0, "head office was told that numbers never come");
        for (seq, record) in &disk.records {
            if *seq <= mark {
                assert!(
                    self.received.contains(seq),
                    "{seq} was stored by the box and is not at head office: {record}"
                );
            }
        }
        for (seq, event) in &self.events {
            assert_eq!(Some(event), disk.records.get(seq), "{seq} is something else at head office");
        }
    }

    pub(crate) fn minutes_are_those_of(&self, disk: &BoxDisk) {
        let mut expected: BTreeMap<i64, [i64; 3]> = BTreeMap::new();
        let here = disk.records.iter().filter(|(seq, _)| self.received.contains(seq));
        for (_, record) in here.filter(|(_, record)| record["kind"] == "minute") {
            let sums = expected.entry(record["start_ms"].as_i64().unwrap() / 60_000).or_default();
            let seen_ms = (record["seen_s"].as_f64().unwrap() * 1000.0).round() as i64;
            for (sum, more) in
                sums.iter_mut().zip([record["in"].as_i64(), record["out"].as_i64(), Some(seen_ms)])
            {
                *sum += more.unwrap();
            }
        }
        assert_eq!(self.minutes, expected, "a record was counted twice, or not at all");
    }

    /// Time of a line that was seen lies within the lives of the box.
    pub(crate) fn claims_no_time_in_which_the_box_was_dead(&self, lives: &[Life]) {
        for (minute, [_, _, seen_ms]) in &self.minutes {
            let (from, to) = (minute * 60_000, (minute + 1) * 60_000);
            let alive: i64 =
                lives.iter().map(|life| (life.to_ms.min(to) - life.from_ms.max(from)).max(0)).sum();
            assert!(
                *seen_ms <= alive,
                "minute {minute}: {seen_ms} ms seen, and the box lived {alive} ms of it"
            );
        }
    }

    /// What a listener saw at once is stored, but for the last second before a death.
    ///
    /// How long a box lived on after it told of a crossing is read off its own `now` messages, one a second: the last before the
    /// crossing, and the last of that life.
    pub(crate) fn has_what_was_live(&self, live: &[Live]) {
        let stored: BTreeSet<_> = self
            .events
            .values()
            .filter(|event| event["kind"] == "crossing")
            .map(|event| key(&serde_json::from_value(event.clone()).unwrap()))
            .collect();
        let mut told: Vec<(&Crossing, i64)> = Vec::new();
        let (mut life, mut now_ms) = (0, 0);
        for message in live {
            match message {
                Live::Crossing(crossing) => told.push((crossing, now_ms)),
                Live::Now(now) => {
                    if now.since_ms != life {
                        life = now.since_ms;
                        told.clear();
                    }
                    now_ms = now.at_ms;
                    for (crossing, before_ms) in &told {
                        let lived_on_ms = now_ms - before_ms.max(&life);
                        let is_old = lived_on_ms > LAST_SECOND_MS + NOW_EVERY_MS;
                        assert!(
                            !is_old || stored.contains(&key(crossing)),
                            "{crossing:?} was told, the box lived on for {lived_on_ms} ms, and it is not stored"
                        );
                    }
                }
            }
        }
    }
}

fn key(crossing: &Crossing) -> (i64, u64, u64, String) {
    (crossing.run, crossing.frame, crossing.track, crossing.line.clone())
}
