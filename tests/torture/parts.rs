//! The three parts, how they are started and killed, and who is next.

use crate::broker::{Broker, Subscriber, free_port};
use footfall::random::SplitMix64;
use footfall::time::{Clock, SystemClock};
use footfall::wire::v1::{Live, LiveMessage};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(crate) const BOX: &str = "acme-berlin-1-a";

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Broker,
    Office,
    Box,
}

impl Part {
    /// In the order in which they start.
    pub(crate) const ALL: [Self; 3] = [Self::Broker, Self::Office, Self::Box];
}

/// One kill.
pub(crate) struct Blow {
    pub(crate) part: Part,
    /// How long it lives before.
    pub(crate) after: Duration,
    /// How long it is away.
    pub(crate) down: Duration,
}

/// Who is killed when: the same for the same seed.
pub(crate) struct Victims {
    random: SplitMix64,
    /// What is left of this round: within three blows every part dies once.
    left: Vec<Part>,
}

impl Victims {
    pub(crate) fn of(seed: u64) -> Self {
        Self { random: SplitMix64::new(seed), left: Vec::new() }
    }

    pub(crate) fn next(&mut self) -> Blow {
        if self.left.is_empty() {
            self.left = Part::ALL.to_vec();
        }
        let which = (self.random.next_share() * self.left.len() as f64) as usize;
        let part = self.left.swap_remove(which);
        let mut ms = |least: f64, most: f64| {
            Duration::from_secs_f64((least + self.random.next_share() * (most - least)) / 1000.0)
        };
        Blow { part, after: ms(300.0, 3_000.0), down: ms(0.0, 1_500.0) }
    }
}

/// A life of the box, UTC ms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

/// Box, broker and head office on one machine.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
    broker: Broker,
    office: Option<Child>,
    the_box: Option<Child>,
    listener: Option<Subscriber>,
    clock: SystemClock,
    born_ms: i64,
    lives: Vec<Life>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let broker = Broker::configured("allow_anonymous true");
        let machine = Self {
            folder,
            broker,
            office: None,
            the_box: None,
            listener: None,
            clock: SystemClock::start(),
            born_ms: 0,
            lives: Vec::new(),
        };
        machine.write_configs();
        machine
    }

    fn write_configs(&self) {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (model, clip) =
            (project.join("models/nanodet-g-416-int8.toml"), project.join("build/clips/vtest.avi"));
        let port = self.broker.port;
        let of_box = format!(
            "tenant = \"acme\"\nstore = \"berlin-1\"\nbox = \"{BOX}\"\n\
             [mqtt]\nbroker = \"127.0.0.1:{port}\"\nbatch_every = \"1s\"\nretry_max = \"1s\"\nack_patience = \"10s\"\n\
             [outbox]\ncommit_every = \"200ms\"\n[detector]\nmodel = {model:?}\n\
             [[camera]]\nid = \"door\"\nsource = {clip:?}\npicture = \"768x576\"\nretry_max = \"1s\"\n\
             [[camera.line]]\nid = \"entrance\"\nfrom = [500, 140]\nto = [500, 480]\n\
             [[camera.zone]]\nid = \"display\"\nimage = [[380, 200], [560, 200], [560, 330], [380, 330]]\n"
        );
        let of_office = format!(
            "database = \"hq.sqlite\"\nregister = \"register.toml\"\n\
             [mqtt]\nbroker = \"127.0.0.1:{port}\"\nretry_max = \"1s\"\n[http]\nlisten = \"127.0.0.1:{}\"\n",
            free_port()
        );
        let register = format!(
            "[[tenant]]\nid = \"acme\"\ntitle = \"Acme\"\n[[store]]\nid = \"berlin-1\"\ntitle = \"Berlin\"\ntime_zone = \"Europe/Berlin\"\ncurrency = \"EUR\"\n\
             [[store.box]]\nid = \"{BOX}\"\n"
        );
        for (name, text) in [("box.toml", of_box), ("hq.toml", of_office), ("register.toml", register)] {
            std::fs::write(self.folder.path().join(name), text).unwrap();
        }
    }

    pub(crate) fn outbox(&self) -> PathBuf {
        self.folder.path().join("outbox.sqlite")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("hq.sqlite")
    }

    fn run(&self, program: &str, command: &str, config: &str, log: &str) -> Child {
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join(log)).unwrap();
        Command::new(program)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args([command, "--config"])
            .arg(self.folder.path().join(config))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    pub(crate) fn start(&mut self, part: Part) {
        match part {
            Part::Broker => {
                self.broker.start();
                if self.listener.is_none() {
                    self.listener = Some(Subscriber::to_all(self.broker.port));
                }
            }
            Part::Office => {
                self.office = Some(self.run(env!("CARGO_BIN_EXE_footfall-hq"), "serve", "hq.toml", "hq.log"));
            }
            Part::Box => {
                self.born_ms = self.now_ms();
                self.the_box = Some(self.run(env!("CARGO_BIN_EXE_footfall"), "run", "box.toml", "box.log"));
            }
        }
    }

    pub(crate) fn kill(&mut self, part: Part) {
        match part {
            Part::Broker => self.broker.kill(),
            Part::Office => kill(self.office.take()),
            Part::Box => {
                kill(self.the_box.take());
                self.box_ended();
            }
        }
    }

    fn box_ended(&mut self) {
        let life = Life { from_ms: self.born_ms, to_ms: self.now_ms() };
        self.lives.push(life);
    }

    fn now_ms(&self) -> i64 {
        self.clock.now().wall.unix_ms()
    }

    /// Everything down, the box first.
    pub(crate) fn stop_all(&mut self) {
        for part in [Part::Box, Part::Office, Part::Broker] {
            self.kill(part);
        }
    }

    pub(crate) fn lives(&self) -> &[Life] {
        &self.lives
    }

    /// The highest number on the box's disk.
    pub(crate) fn highest(&self) -> u64 {
        asked(&self.outbox(), "SELECT next_seq - 1 FROM meta").unwrap_or(0)
    }

    pub(crate) fn wait_for_records(&self, least: u64) {
        for _ in 0..3_000 {
            if self.highest() >= least {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!(
            "fewer than {least} records are on the box's disk
{}",
            self.logs()
        );
    }

    /// Head office says that it has everything up to this number.
    pub(crate) fn wait_for_watermark(&self, mark: u64) {
        let so_far = || asked(&self.database(), "SELECT watermark FROM box").unwrap_or(0);
        for _ in 0..6 {
            if (0..500).any(|_| {
                std::thread::sleep(Duration::from_millis(20));
                so_far() >= mark
            }) {
                return;
            }
        }
        panic!("head office has everything up to {} and not up to {mark}\n{}", so_far(), self.logs());
    }

    /// What was seen live, in the order in which it came.
    pub(crate) fn live(&self) -> Vec<Live> {
        let heard = self.listener.as_ref().map(|listener| listener.heard("/live")).unwrap_or_default();
        let message = |payload: &[u8]| serde_json::from_slice::<LiveMessage>(payload).unwrap().live;
        heard.iter().map(|one| message(&one.payload)).collect()
    }

    fn logs(&self) -> String {
        let tail = |name: &str| {
            let text = std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            format!("--- {name}\n{}\n", lines[lines.len().saturating_sub(30)..].join("\n"))
        };
        tail("box.log") + &tail("hq.log")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        kill(self.the_box.take());
        kill(self.office.take());
    }
}

/// `kill -9`.
fn kill(process: Option<Child>) {
    if let Some(mut process) = process {
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

/// One number out of a database beside its owner; none while there is none.
fn asked(path: &Path, question: &str) -> Option<u64> {
    let sqlite =
        rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    sqlite.busy_timeout(Duration::from_secs(5)).ok()?;
    sqlite
        .query_row(question, [], |row| row.get::<_, i64>(0))
        .ok()
        .and_then(|number| u64::try_from(number).ok())
}
