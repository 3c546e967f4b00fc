//! A box with four cameras, as `footfall run` puts it together, with simulated time and what a network saw before.

use crate::broker::wait_until;
use crate::measure::Footprint;
use footfall::config::{CameraSettings, EdgeSettings};
use footfall::detect::Detection;
use footfall::ledger::Ledger;
use footfall::outbox::{Drafts, Outbox, OutboxWriter};
use footfall::pipeline::{CameraEvent, Draft, Pipeline, SeenFrame};
use footfall::publish::{Publisher, PublisherSettings, Stopped};
use footfall::recording::Moment;
use footfall::recording::lines::RecordingReader;
use footfall::site::till::{self, FeedFormat};
use footfall::site::{Store, StoreInput, StoreSettings};
use footfall::time::{Clock, FrameTime, SimClock, SystemClock, WallTime};
use footfall::track::PlaneName;
use footfall::wire::topics::BoxNames;
use footfall::wire::v1::{self, Fact, Live, MadeBy};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// Frames a second that a camera looks at.
const RATE: u32 = 5;
/// A box that waits longer than this for the disk or the broker does not hang by chance.
const STOP_WITHIN: Duration = Duration::from_secs(120);
/// Monday, 2026-01-05T09:00:00Z.
const START: WallTime = WallTime::from_unix_ms(1_767_603_600_000);

/// One camera: what it sees, and how far it has come.
struct Eye {
    pipeline: Pipeline,
    made_by: MadeBy,
    /// Its place in the recording; the four do not see the same at a time.
    next: usize,
    frames: u64,
    told: Vec<CameraEvent>,
}

pub(crate) struct Shop {
    folder: tempfile::TempDir,
    clock: Arc<SimClock>,
    /// People in each frame of the recording.
    seen: Vec<Vec<Detection>>,
    size: footfall::geom::PictureSize,
    eyes: Vec<Eye>,
    outbox: OutboxWriter,
    publisher: Publisher,
    ledger: Ledger,
    store: Store,
    settings: EdgeSettings,
    inputs: Vec<StoreInput>,
    submitted: i64,
    seconds: u64,
}

fn config(folder: &Path, port: u16) -> PathBuf {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (model, clip) =
        (project.join("models/nanodet-g-416-int8.toml"), project.join("build/clips/vtest.avi"));
    let mut text = format!(
        "tenant = \"acme\"\nstore = \"berlin-1\"\nbox = \"acme-berlin-1-a\"\n\
         [mqtt]\nbroker = \"127.0.0.1:{port}\"\nconfirmed_by = \"broker\"\nbatch_every = \"1s\"\n\
         [detector]\nmodel = {model:?}\n[site]\ntime_zone = \"Europe/Berlin\"\ncurrency = \"EUR\"\nsees_every_door = true\nkeep = \"1d\"\n\
         [site.till]\nmqtt = true\n"
    );
    for camera in ["a", "b", "c", "d"] {
        text += &format!(
            "[[camera]]\nid = \"{camera}\"\nsource = {clip:?}\npicture = \"768x576\"\n\
             [[camera.line]]\nid = \"entrance\"\nfrom = [500, 140]\nto = [500, 480]\n\
             [[camera.zone]]\nid = \"display\"\nimage = [[380, 200], [560, 200], [560, 330], [380, 330]]\n"
        );
    }
    let path = folder.join("footfall.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// What the network sees in the sample clip, five frames a second.
fn recording(folder: &Path) -> (Vec<Vec<Detection>>, footfall::geom::PictureSize) {
    let out = folder.join("seen.jsonl");
    let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("build/clips/vtest.avi");
    let made = Command::new(env!("CARGO_BIN_EXE_footfall"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["record", "--every", "2", "--out"])
        .args([&out, &clip])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let mut reader = RecordingReader::begin(BufReader::new(std::fs::File::open(&out).unwrap())).unwrap();
    let (mut all, mut people) = (Vec::new(), Vec::new());
    while let Moment::Frame(_) = reader.next(&mut people).unwrap() {
        all.push(people.clone());
    }
    assert!(all.len() > 300, "{} frames", all.len());
    (all, reader.opening().picture)
}

impl Eye {
    fn new(settings: &CameraSettings, next: usize, start: FrameTime) -> Self {
        let made_by = MadeBy {
            camera: settings.id.clone(),
            run: start.wall,
            model: "recorded".to_owned(),
            geometry: settings.geometry.clone(),
            plane: PlaneName::Image,
        };
        let pipeline = Pipeline::new(settings.pipeline.clone(), start).unwrap();
        Self { pipeline, made_by, next, frames: 0, told: Vec::new() }
    }

    fn draft(&self, what: Draft, now: FrameTime) -> Vec<Fact> {
        let mut open = Vec::new();
        self.pipeline.draft(what, now, &mut open);
        open.iter().map(|event| Fact::of(&self.made_by, event)).collect()
    }
}

impl Shop {
    pub(crate) fn open(port: u16, history: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (seen, size) = recording(folder.path());
        let mut settings =
            footfall::config::load(&config(folder.path(), port), Path::new("footfall")).unwrap();
        settings.outbox.retention.history = history;
        let start = FrameTime { elapsed: Duration::ZERO, wall: START };
        let clock = Arc::new(SimClock::at(start));
        let (mut outbox, _) = Outbox::open(&settings.outbox.path, &settings.box_id, START).unwrap();
        outbox.keep(settings.outbox.retention);
        let news = |news| panic!("the outbox says: {news:?}");
        let outbox = OutboxWriter::start(outbox, settings.outbox.commit_every, clock.clone(), news).unwrap();
        let names = BoxNames {
            tenant: settings.tenant.clone(),
            store: settings.store.clone(),
            box_id: settings.box_id.clone(),
        };
        let mut mqtt = settings.mqtt.clone().unwrap();
        // The broker lives in real time, in which a simulated minute is less than a second.
        mqtt.batch_every = Duration::from_millis(50);
        let publisher = PublisherSettings { names, mqtt, software: "soak".to_owned(), introduction: None };
        let publisher = Publisher::start(publisher, outbox.reader(), Arc::new(SystemClock::start())).unwrap();
        let site = settings.site.clone().unwrap();
        let (mut ledger, _) = Ledger::open(&site.ledger, &settings.box_id, START).unwrap();
        let store = ledger.store(StoreSettings { doors: settings.doors(), ..site.store }).unwrap();
        let eyes = settings.cameras.iter().enumerate();
        let eyes = eyes.map(|(at, camera)| Eye::new(camera, at * seen.len() / 4, start)).collect();
        Self {
            folder,
            clock,
            seen,
            size,
            eyes,
            outbox,
            publisher,
            ledger,
            store,
            settings,
            inputs: Vec::new(),
            submitted: 0,
            seconds: 0,
        }
    }

    /// Simulated time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.now().elapsed
    }

    /// One second of it: frames of every camera, what they tell, and now and then the till and the ledger.
    pub(crate) fn second(&mut self) {
        for _ in 0..RATE {
            self.clock.advance(Duration::from_secs(1) / RATE);
            self.frame();
        }
        self.seconds += 1;
        let now = self.clock.now();
        if self.seconds.is_multiple_of(60) {
            self.sell(now.wall);
        }
        if self.seconds.is_multiple_of(2) {
            self.ledger.step(&mut self.store, &self.inputs, now.wall).unwrap();
            self.inputs.clear();
            self.submit();
            self.ledger.day_so_far(&self.store, now.wall).unwrap();
        }
    }

    fn frame(&mut self) {
        let now = self.clock.now();
        let has_second = self.elapsed().subsec_nanos() == 0;
        let is_quarter = |event: &CameraEvent| matches!(event, CameraEvent::Flow(_) | CameraEvent::Heat(_));
        for eye in &mut self.eyes {
            eye.frames += 1;
            let seen = SeenFrame { number: eye.frames, at: now, size: self.size, dropped: 0 };
            eye.pipeline.step(seen, &self.seen[eye.next], &mut eye.told).unwrap();
            eye.next = (eye.next + 1) % self.seen.len();
            eye.made_by.plane = eye.pipeline.plane();
            let mut drafts = Drafts::new();
            if has_second || !eye.told.is_empty() {
                drafts.insert(eye.made_by.camera.to_string(), eye.draft(Draft::Open, now));
            }
            let quarter_due = has_second && now.elapsed.as_secs().is_multiple_of(15);
            if quarter_due || eye.told.iter().any(is_quarter) {
                drafts.insert(format!("{}/quarters", eye.made_by.camera), eye.draft(Draft::Quarters, now));
            }
            let mut facts = Vec::new();
            for event in eye.told.drain(..) {
                if let CameraEvent::Crossing(crossing) = &event {
                    self.publisher.live().send(Live::Crossing(v1::Crossing::of(&eye.made_by, crossing)));
                }
                self.inputs.extend(StoreInput::of_camera(&eye.made_by.camera, &event));
                facts.push(Fact::of(&eye.made_by, &event));
            }
            if !facts.is_empty() || !drafts.is_empty() {
                self.outbox.records().submit_together(facts, drafts).unwrap();
            }
        }
    }

    fn sell(&mut self, now: WallTime) {
        let site = self.settings.site.as_ref().unwrap();
        let at = now.unix_ms();
        let sale = format!(r#"{{"id":"{at}","at_ms":{at},"what":"sale","amount":12.5}}"#);
        let intake = till::read(sale.as_bytes(), "mqtt", &FeedFormat::Json, &site.feed, now);
        self.inputs.push(StoreInput::Till(intake));
    }

    /// What the store has to say goes to the outbox, and is forgotten when it is on disk there.
    fn submit(&mut self) {
        let facts = self.ledger.outgoing(self.submitted, 500).unwrap();
        let Some((last, _)) = facts.last() else { return };
        self.submitted = *last;
        for (_, fact) in facts {
            self.outbox.records().submit(fact.unwrap()).unwrap();
        }
        assert_eq!(self.outbox.reader().counts().unwrap().in_memory, 0);
        self.ledger.sent(self.submitted).unwrap();
    }

    /// Waits until the broker, which has no simulated time, has all that was counted.
    pub(crate) fn settle(&self) {
        wait_until("the broker has everything", || self.outbox.reader().counts().unwrap().waiting == 0);
    }

    pub(crate) fn footprint(&self) -> Footprint {
        let site = self.settings.site.as_ref().unwrap();
        Footprint::of(&self.settings.outbox.path, &site.ledger)
    }

    /// Ends as the service does; the number of the last record.
    pub(crate) fn close(mut self) -> u64 {
        let now = self.clock.now();
        for eye in &mut self.eyes {
            eye.pipeline.finish(now, &mut eye.told);
            let facts = eye.told.drain(..).map(|event| Fact::of(&eye.made_by, &event)).collect();
            self.outbox.records().submit_together(facts, Drafts::new()).unwrap();
        }
        self.settle();
        let newest = self.outbox.reader().position().unwrap().newest;
        assert_eq!(self.publisher.stop(STOP_WITHIN), Stopped::Delivered);
        self.outbox.stop(STOP_WITHIN).unwrap();
        drop(self.folder);
        newest
    }
}
