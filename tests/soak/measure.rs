//! What the process holds, and what arrives.

use crate::broker::wait_until;
use footfall::wire::v1::Batch;
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What is held now, bytes and counts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Footprint {
    /// Memory of this process.
    pub(crate) rss: u64,
    /// Open file descriptors.
    pub(crate) files: usize,
    /// Outbox with its log.
    pub(crate) outbox: u64,
    /// Ledger with its log.
    pub(crate) ledger: u64,
}

fn size(path: &Path) -> u64 {
    let log = format!("{}-wal", path.display());
    [path, Path::new(&log)].iter().filter_map(|path| path.metadata().ok()).map(|about| about.len()).sum()
}

impl Footprint {
    pub(crate) fn of(outbox: &Path, ledger: &Path) -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kib: u64 = kib.trim().trim_end_matches(" kB").parse().unwrap();
        let files = std::fs::read_dir("/proc/self/fd").unwrap().count();
        Self { rss: kib * 1024, files, outbox: size(outbox), ledger: size(ledger) }
    }

    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            rss: self.rss.max(other.rss),
            files: self.files.max(other.files),
            outbox: self.outbox.max(other.outbox),
            ledger: self.ledger.max(other.ledger),
        }
    }
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
        write!(
            f,
            "memory {:.1} MiB, {} files, outbox {:.2} MiB, ledger {:.2} MiB",
            mib(self.rss),
            self.files,
            mib(self.outbox),
            mib(self.ledger)
        )
    }
}

/// More records than a day of this makes; taken at once, so that what is counted here does not count as growth.
const MOST_RECORDS: usize = 8_000_000;

/// Whoever the records are for: it notes each number, and keeps nothing else.
pub(crate) struct Receiver {
    times: Arc<Mutex<Vec<u8>>>,
}

impl Receiver {
    pub(crate) fn on(port: u16) -> Self {
        let mut options = MqttOptions::new("receiver", "127.0.0.1", port);
        options.set_max_packet_size(16 * 1024 * 1024, 1024);
        let (client, mut connection) = Client::new(options, 10);
        let times = Arc::new(Mutex::new(vec![1_u8; MOST_RECORDS]));
        times.lock().unwrap().fill(0);
        let (noted, subscribed) = (Arc::clone(&times), Arc::new(Mutex::new(false)));
        let is_subscribed = Arc::clone(&subscribed);
        let listen = move || {
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => {
                        client.subscribe("footfall/v1/+/+/+/records", QoS::AtLeastOnce).unwrap();
                    }
                    Ok(Event::Incoming(Packet::SubAck(_))) => *subscribed.lock().unwrap() = true,
                    Ok(Event::Incoming(Packet::Publish(message))) => {
                        let mut noted = noted.lock().unwrap();
                        for record in Batch::from_gzip(&message.payload).unwrap().records {
                            noted[usize::try_from(record.seq()).unwrap()] += 1;
                        }
                    }
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        };
        std::thread::Builder::new().name("receiver".to_owned()).spawn(listen).unwrap();
        wait_until("it is subscribed", || *is_subscribed.lock().unwrap());
        Self { times }
    }

    pub(crate) fn has_every_record_once(&self, newest: u64) {
        let newest = usize::try_from(newest).unwrap();
        wait_until("the last record arrives", || self.times.lock().unwrap()[newest] > 0);
        let times = self.times.lock().unwrap();
        let wrong: Vec<_> = (1..=newest).filter(|seq| times[*seq] != 1).take(5).collect();
        assert!(wrong.is_empty(), "of {newest} records these did not arrive once: {wrong:?}");
    }
}
