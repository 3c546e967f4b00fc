//! The thread that takes what other sensors of the store count, and says when one is silent.
//!
//! It needs no store ([site]): an interval becomes a record as it came. What is not obvious: a sensor's message is confirmed only when its records
//! are on disk, so one that could not be stored comes again, and is known by then. Nothing is handed to the outbox twice in one run.

use super::board::Board;
use crate::capture::camera::StopSignal;
use crate::config::{EdgeSettings, Span};
use crate::feeds::{Feed, FeedSender, Handed, NotTaken, Receipt, door};
use crate::outbox::{OutboxReader, RecordSender};
use crate::site::sensors::{self, Judged, Sensors};
use crate::time::{Clock, Dating, FrameTime};
use crate::wire::v1::Fact;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is looked for silent sensors, and whether the service stops.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a stop waits for the last message: three seconds.
const STOP_LOOKS: u32 = 300;
const STOP_LOOK_EVERY: Duration = Duration::from_millis(10);

/// The running thread.
pub(super) struct Sensing {
    door: FeedSender,
    thread: JoinHandle<()>,
    stop: StopSignal,
}

/// What the thread works with.
pub(super) struct SensingParts {
    pub(super) board: Arc<Board>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) records: RecordSender,
    pub(super) outbox: OutboxReader,
}

impl Sensing {
    /// Starts the thread; none where there is no sensor.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(super) fn start(settings: &EdgeSettings, parts: SensingParts) -> std::io::Result<Option<Self>> {
        if settings.sensors.is_empty() {
            return Ok(None);
        }
        let (door, handed) = door();
        let stop = StopSignal::default();
        let sensors = Sensors::new(&settings.sensors, parts.clock.now());
        let mut listening = Listening { sensors, parts };
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name("sensors".to_owned())
            .spawn(move || listening.run(&handed, &stopped))?;
        Ok(Some(Self { door, thread, stop }))
    }

    /// Where their messages are handed in.
    pub(super) fn way_in(&self) -> (Feed, FeedSender) {
        (Feed::Sensors, self.door.clone())
    }

    /// Whether the thread is gone though nobody stopped it.
    pub(super) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends the thread. What it has taken is in the outbox by then.
    pub(super) fn stop(self) {
        self.stop.stop();
        for _ in 0..STOP_LOOKS {
            if self.thread.is_finished() {
                if self.thread.join().is_err() {
                    tracing::error!("the thread that takes sensors' counts panicked; please report this");
                }
                return;
            }
            std::thread::sleep(STOP_LOOK_EVERY);
        }
        tracing::error!("the thread that takes sensors' counts does not end; what it holds comes again");
    }
}

struct Listening {
    sensors: Sensors,
    parts: SensingParts,
}

impl Listening {
    fn run(&mut self, handed: &Receiver<Handed>, stop: &StopSignal) {
        while !stop.is_stopped() {
            match handed.recv_timeout(LOOK_EVERY) {
                Ok(handed) => {
                    let taken = self.take(&handed.bytes);
                    handed.answer(taken);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.look_for_silence(self.parts.clock.now());
        }
    }

    /// Takes a message; what comes back is true of the disk.
    fn take(&mut self, bytes: &[u8]) -> Result<Receipt, NotTaken> {
        let (now, stand) = self.parts.clock.read();
        if stand.dating == Dating::Undated {
            return Err(NotTaken::NoTime);
        }
        let (told, aside) = sensors::read(bytes, now.wall);
        let mut receipt = Receipt { aside, ..Receipt::default() };
        for (place, counted) in told {
            match self.sensors.take(&counted, now) {
                Judged::New => {
                    let settings = self.sensors.settings(&counted.sensor).expect("only known ones are new");
                    let fact = Fact::sensor(settings, &counted);
                    self.parts.records.submit(fact).map_err(|_gone| NotTaken::Stopped)?;
                    receipt.accepted += 1;
                }
                Judged::Repeated => receipt.duplicates += 1,
                Judged::Aside(why) => receipt.aside.push((place, why)),
            }
        }
        self.tell_of_aside(&receipt, now);
        self.wait_for_disk()?;
        Ok(receipt)
    }

    /// An answer of the outbox says that all that was submitted before is on disk, or how much is not. Also for a repeat: it is
    /// sent again where it was not stored the first time.
    fn wait_for_disk(&self) -> Result<(), NotTaken> {
        match self.parts.outbox.counts() {
            Ok(counts) if counts.in_memory == 0 => Ok(()),
            Ok(counts) => {
                Err(NotTaken::NotStored(format!("{} records are not on its disk", counts.in_memory)))
            }
            Err(_) => Err(NotTaken::Stopped),
        }
    }

    /// What is put aside is confirmed all the same, as it would come again for ever: so somebody has to hear of it.
    fn tell_of_aside(&self, receipt: &Receipt, now: FrameTime) {
        let Some((place, why)) = receipt.aside.first() else {
            if receipt.accepted > 0 && self.parts.board.solved("sensors put aside") {
                tracing::info!("sensors: messages are understood again");
            }
            return;
        };
        let others = receipt.aside.len() - 1;
        let others = if others > 0 { format!(" (and {others} more)") } else { String::new() };
        let text = format!("a sensor's message was put aside: entry {place}: {why}{others}");
        if self.parts.board.problem("sensors put aside", &text, now.wall) {
            tracing::warn!("{text}");
        }
    }

    fn look_for_silence(&self, now: FrameTime) {
        for (sensor, silent) in self.sensors.silent(now) {
            let about = format!("sensor {}", sensor.id);
            let Some(since) = silent else {
                if self.parts.board.solved(&about) {
                    tracing::info!("{about} tells its counts again");
                }
                continue;
            };
            let text = format!(
                "{about} has told nothing new for more than {}; look at its power, its network and its clock",
                Span(sensor.quiet)
            );
            if self.parts.board.problem(&about, &text, since.wall) {
                tracing::warn!("{text}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{BoxId, SensorId};
    use crate::outbox::{Outbox, OutboxWriter};
    use crate::site::sensors::{SensorKind, SensorSettings};
    use crate::time::WallTime;

    const NOW_MS: i64 = 1_760_000_400_000;

    /// A clock that stands where a test puts it.
    struct SetClock(std::sync::Mutex<Duration>);

    impl Clock for SetClock {
        fn now(&self) -> FrameTime {
            FrameTime::of_run(WallTime::from_unix_ms(NOW_MS), *self.0.lock().unwrap())
        }
    }

    struct Bench {
        listening: Listening,
        clock: Arc<SetClock>,
        writer: OutboxWriter,
        _folder: tempfile::TempDir,
    }

    fn bench() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SetClock(std::sync::Mutex::default()));
        let box_id = BoxId::parse("box-1").unwrap();
        let (outbox, _) =
            Outbox::open(&folder.path().join("o.sqlite"), &box_id, WallTime::default()).unwrap();
        let writer =
            OutboxWriter::start(outbox, Duration::from_secs(60), Arc::<SetClock>::clone(&clock), |_| {});
        let writer = writer.unwrap();
        let id = SensorId::parse("door-1").unwrap();
        let quiet = Duration::from_secs(600);
        let sensor = SensorSettings { id, kind: SensorKind::Door, compares: None, quiet };
        let parts = SensingParts {
            board: Arc::new(Board::new(WallTime::default(), &[])),
            clock: Arc::<SetClock>::clone(&clock),
            records: writer.records(),
            outbox: writer.reader(),
        };
        let sensors = Sensors::new(&[sensor], clock.now());
        Bench { listening: Listening { sensors, parts }, clock, writer, _folder: folder }
    }

    fn problems(bench: &Bench) -> Vec<String> {
        bench.listening.parts.board.problems().into_iter().map(|problem| problem.text).collect()
    }

    const MINUTE: &[u8] = br#"{"sensor":"door-1","start_ms":1760000040000,"length_s":60,"in":3,"out":2}"#;

    #[test]
    fn a_count_is_a_record_on_disk_when_its_sender_hears_that_it_was_taken_and_comes_once() {
        let mut bench = bench();
        let taken = bench.listening.take(MINUTE).unwrap();
        assert_eq!((taken.accepted, taken.duplicates), (1, 0));
        // The outbox would commit by itself after a minute only.
        assert_eq!(bench.writer.reader().position().unwrap().newest, 1);
        let again = bench.listening.take(MINUTE).unwrap();
        assert_eq!((again.accepted, again.duplicates), (0, 1));
        let rows = bench.writer.reader().records(0, 10).unwrap().rows;
        let bodies: Vec<&str> = rows.iter().map(|row| row.body.get()).collect();
        let expected = r#"{"seq":1,"kind":"sensor_count","sensor":"door-1","sensor_kind":"door","start_ms":1760000040000,"length_s":60.0,"seen_s":60.0,"in":3,"out":2}"#;
        assert_eq!(bodies, [expected]);
    }

    #[test]
    fn what_is_put_aside_is_a_problem_until_something_is_understood_again() {
        let mut bench = bench();
        bench
            .listening
            .take(br#"{"sensor":"door-7","start_ms":1760000040000,"length_s":60,"in":3}"#)
            .unwrap();
        assert!(problems(&bench)[0].contains("[[sensor]]"), "{:?}", problems(&bench));
        bench.listening.take(MINUTE).unwrap();
        assert_eq!(problems(&bench), [""; 0]);
    }

    #[test]
    fn a_sensor_that_tells_nothing_is_a_problem_until_it_does() {
        let mut bench = bench();
        let look = |bench: &Bench, s| {
            *bench.clock.0.lock().unwrap() = Duration::from_secs(s);
            bench.listening.look_for_silence(bench.clock.now());
        };
        look(&bench, 599);
        assert_eq!(problems(&bench), [""; 0]);
        look(&bench, 600);
        assert!(problems(&bench)[0].contains("sensor door-1 has told nothing new for more than 10m"));
        bench.listening.take(MINUTE).unwrap();
        look(&bench, 601);
        assert_eq!(problems(&bench), [""; 0]);
    }

    #[test]
    fn a_count_that_cannot_be_stored_is_not_confirmed() {
        let Bench { mut listening, writer, .. } = bench();
        writer.stop(Duration::from_secs(10)).unwrap();
        assert_eq!(listening.take(MINUTE), Err(NotTaken::Stopped));
    }
}
