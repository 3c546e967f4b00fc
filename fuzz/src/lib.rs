//! What is fuzzed: each function takes any bytes, and none may panic.
//!
//! `fuzz_targets/` gives them to libFuzzer; `tests/fuzz_doors.rs` of the main package includes this file and feeds
//! the same functions without it, so that they are kept alive by every run of the tests.

use footfall::app::evaluate::truth;
use footfall::calendar::{WrittenTime, Zone};
use footfall::calibration::{Floor, Lens};
use footfall::config;
use footfall::config::check::{FilesBeside, PathKind};
use footfall::config::fault::FileProblem;
use footfall::config::identity::Identity;
use footfall::detect::Detection;
use footfall::detect::manifest::Manifest;
use footfall::feeds::Feed;
use footfall::fleet::commands::{ClockTrust, CommandDesk, Decision};
use footfall::fleet::release::PublicKey;
use footfall::fleet::update::Offer;
use footfall::geom::{ImageBox, PictureSize};
use footfall::outbox::{Position, SeqRange};
use footfall::publish::ConfirmedBy;
use footfall::publish::delivery::{Delivery, DeliveryLimits};
use footfall::recording::Moment;
use footfall::recording::lines::RecordingReader;
use footfall::recording::mot::MotDetections;
use footfall::site::staffing::StaffingFormat;
use footfall::site::till::{
    self, Column, CsvColumns, CsvMapping, CsvRows, DecimalMark, Encoding, FeedFormat, FeedSettings,
    KindWords, Token,
};
use footfall::time::{FrameTime, WallTime};
use footfall::track::{TrackSettings, TrackSteps, Tracker};
use footfall::wire::v1::{Ack, Backfill, Batch, fleet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::Runtime;

/// A way in for bytes from outside, with the name of its fuzz target.
pub type Door = (&'static str, fn(&[u8]));

/// Every function here, by the name of its fuzz target.
pub const DOORS: &[Door] = &[
    ("badges", badges),
    ("batch", batch),
    ("calibration", calibration),
    ("config", config),
    ("downlink", downlink),
    ("feed_http", feed_http),
    ("fleet_to_box", fleet_to_box),
    #[cfg(feature = "hq")]
    ("hq_config", hq::hq_config),
    #[cfg(feature = "hq")]
    ("hq_fleet", hq::hq_fleet),
    #[cfg(feature = "hq")]
    ("hq_ingest", hq::hq_ingest),
    #[cfg(feature = "hq")]
    ("hq_records", hq::hq_records),
    #[cfg(feature = "hq")]
    ("hq_register", hq::hq_register),
    #[cfg(feature = "hq")]
    ("hq_request", hq::hq_request),
    #[cfg(feature = "hq")]
    ("hq_sales", hq::hq_sales),
    #[cfg(feature = "hq")]
    ("hq_twin", hq::hq_twin),
    #[cfg(feature = "hq")]
    ("hq_webhook", hq::hq_webhook),
    ("identity", identity),
    ("manifest", manifest),
    ("mot", mot),
    ("recording", recording),
    ("release", release),
    ("sensors", sensors),
    ("staffing", staffing),
    ("till_csv", till_csv),
    ("till_json", till_json),
    ("tracker", tracker),
    ("truth", truth),
];

/// A floor to be tracked on.
const FLOOR: &str = include_str!("../../calibration/sample-clip.toml");

/// Bytes as a stream of frames, into a tracker that must not contradict itself after any of them.
///
/// The first byte chooses the plane. Then, over and over: one byte says what happens (a frame some ms later, a jump of time on
/// or back, another size of the picture) and how many boxes follow. A box is five bytes where people can be, or five
/// whole numbers as the machine holds them, NaN and infinity too.
pub fn tracker(bytes: &[u8]) {
    let mut bytes = bytes.iter().copied();
    let settings = TrackSettings::default();
    let mut tracker = match bytes.next().unwrap_or(0) % 3 {
        0 => Tracker::on_image(settings),
        1 => Tracker::learning(settings),
        _ => Tracker::on_floor(settings, Floor::parse(FLOOR).expect("the sample's calibration is sound")),
    };
    let (mut steps, mut seen) = (TrackSteps::default(), Vec::new());
    let (mut now, mut frame) = (Duration::ZERO, 0);
    while let Some(happening) = bytes.next() {
        match happening >> 5 {
            0 => now += Duration::from_secs(u64::from(happening) << (happening & 15)),
            1 => now = now.saturating_sub(Duration::from_millis(100 * u64::from(happening & 31))),
            2 => tracker.picture_is(PictureSize {
                width: 8 * (1 + u32::from(happening & 31)) + 512,
                height: 1 + 3 * u32::from(bytes.next().unwrap_or(0)),
            }),
            _ => now += Duration::from_millis(40),
        }
        seen.clear();
        seen.extend((0..happening & 7).map_while(|_| detection(&mut bytes)));
        frame += 1;
        tracker.step(frame, FrameTime::of_run(WallTime::default(), now), &seen, &mut steps);
        tracker.check_invariants(&steps);
    }
}

/// The next box, while there are bytes.
fn detection(bytes: &mut impl Iterator<Item = u8>) -> Option<Detection> {
    let kind = bytes.next()?;
    let mut number = |scale: f32| -> Option<f32> {
        if kind != u8::MAX {
            return Some(scale * f32::from(bytes.next()?));
        }
        Some(f32::from_le_bytes([bytes.next()?, bytes.next()?, bytes.next()?, bytes.next()?]))
    };
    let (left, top, width, height) = (number(3.0)?, number(2.0)?, number(0.5)?, number(1.0)?);
    let score = number(1.0 / 255.0)?;
    Some(Detection { bbox: ImageBox::from_left_top_size(left, top, width, height), score })
}

/// Boxes in the text format of the MOT challenge.
pub fn mot(bytes: &[u8]) {
    let Ok(read) = MotDetections::read(bytes) else { return };
    let mut people = Vec::new();
    // The last frame may be the ten-millionth.
    read.frames_looked_at().take(1_000).for_each(|frame| read.detections(frame, &mut people));
}

/// A recording of `footfall record`.
pub fn recording(bytes: &[u8]) {
    let Ok(mut reader) = RecordingReader::begin(bytes) else { return };
    let mut people = Vec::new();
    while !matches!(reader.next(&mut people), Ok(Moment::End { .. }) | Err(_)) {}
}

/// A calibration file, and a point laid on its floor and back.
pub fn calibration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _unread_lens = Lens::parse(text);
    let Ok(floor) = Floor::parse(text) else { return };
    let foot = ImageBox::new(300.0, 300.0, 340.0, 400.0).foot();
    if let Some(placed) = floor.place(foot) {
        let _seen_again = floor.in_image(placed.at.x_m, placed.at.y_m);
    }
    let _height = floor.expected_height_px(foot);
    let _text = floor.to_toml("what was read");
}

/// What a person saw, as `footfall evaluate` reads it.
pub fn truth(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _faults = truth::parse(text);
}

/// A disk on which everything is there, and every text is a calibration.
struct Disk;

impl FilesBeside for Disk {
    fn resolve(&self, written: &Path) -> PathBuf {
        written.to_owned()
    }

    fn kind(&self, _: &Path) -> PathKind {
        PathKind::File
    }

    fn text(&self, _: &Path) -> Result<String, FileProblem> {
        Ok(FLOOR.to_owned())
    }

    fn secret(&self, _: &Path) -> Result<String, FileProblem> {
        Ok("a secret that is long enough".to_owned())
    }
}

/// A box's config file.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err((faults, _)) = config::check(text, &Disk) {
        faults.iter().for_each(|fault| drop(fault.to_string()));
    }
}

/// The file that says who an enrolled box is; what is read is written and read again.
pub fn identity(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(identity) = Identity::parse(text) {
        assert_eq!(Identity::parse(&identity.to_text()).as_ref(), Ok(&identity));
    }
}

/// The manifest of a model.
pub fn manifest(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(manifest) = Manifest::parse(Path::new("models/m.toml"), text) {
        let _text = manifest.to_toml(Path::new("m.onnx"));
    }
}

/// The settings of the store's feeds; made once, because a zone is looked up.
static TILL: LazyLock<FeedSettings> = LazyLock::new(|| FeedSettings {
    zone: Zone::utc(),
    currency: "EUR".to_owned(),
    decimals: 2,
    oldest: Duration::from_secs(86_400),
});

/// Transactions as JSON.
pub fn till_json(bytes: &[u8]) {
    let _intake = till::read(bytes, "http", &FeedFormat::Json, &TILL, WallTime::default());
}

/// Transactions as CSV; the first byte chooses how they are written.
pub fn till_csv(bytes: &[u8]) {
    let Some((how, bytes)) = bytes.split_first() else { return };
    let named = how & 1 == 0;
    let column = |name: &str, number| match named {
        true => Column::Named(name.to_owned()),
        false => Column::Number(number),
    };
    let mapping = CsvMapping {
        rows: if how & 2 == 0 { CsvRows::Transactions } else { CsvRows::Lines },
        columns: CsvColumns {
            id: column("id", 1),
            at: column("at", 2),
            time: None,
            amount: column("amount", 3),
            what: Some(column("what", 4)),
            quantity: Some(column("quantity", 5)),
            item: None,
            category: None,
            channel: None,
            voids: None,
            currency: None,
        },
        delimiter: if how & 4 == 0 { b',' } else { b';' },
        decimal_mark: if how & 8 == 0 { DecimalMark::Point } else { DecimalMark::Comma },
        times: if how & 16 == 0 {
            WrittenTime::Iso
        } else {
            WrittenTime::Pattern("%d.%m.%Y %H:%M".to_owned())
        },
        encoding: [Encoding::Utf8, Encoding::Utf16, Encoding::Windows1252][usize::from(how >> 5) % 3],
        words: KindWords::default(),
    };
    let format = FeedFormat::Csv(Box::new(mapping));
    let _intake = till::read(bytes, "file", &format, &TILL, WallTime::default());
}

/// A staffing feed; the first byte chooses how it is written.
pub fn staffing(bytes: &[u8]) {
    let Some((how, bytes)) = bytes.split_first() else { return };
    let format = if how & 1 == 0 { StaffingFormat::Json } else { StaffingFormat::Csv };
    let _shifts = footfall::site::staffing::read(bytes, format, &TILL.zone);
}

/// What a receiver of badges tells.
pub fn badges(bytes: &[u8]) {
    let _readings = footfall::feeds::badges::read(bytes, WallTime::from_unix_ms(1_760_000_000_000));
}

/// A release key, an empty line, a signature, an empty line, and the manifest that was signed.
pub fn release(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut parts = text.splitn(3, "\n\n");
    let mut part = || parts.next().unwrap_or_default();
    let (key, signature, manifest) = (part(), part(), part());
    let Ok(key) = PublicKey::parse(key) else { return };
    assert_eq!(PublicKey::parse(&key.to_pem()).as_ref().ok(), Some(&key));
    let _offer = Offer::read(manifest, signature, &key);
}

/// A connection to the box's HTTP feed, from its first byte: what is not HTTP, and requests of anybody.
pub fn feed_http(bytes: &[u8]) {
    /// One connection, and then none any more.
    struct Once(Option<DuplexStream>);

    impl axum::serve::Listener for Once {
        type Io = DuplexStream;
        type Addr = ();

        async fn accept(&mut self) -> (DuplexStream, ()) {
            match self.0.take() {
                Some(stream) => (stream, ()),
                None => std::future::pending().await,
            }
        }

        fn local_addr(&self) -> std::io::Result<()> {
            Ok(())
        }
    }

    thread_local! {
        static RUNTIME: Runtime =
            tokio::runtime::Builder::new_current_thread().build().expect("a runtime without sockets and timers");
    }
    let (to, taken) = footfall::feeds::door();
    // Nobody takes what is handed over, so that an answer comes at once.
    drop(taken);
    let token = Token::new(FEED_TOKEN.to_owned()).expect("it is long enough");
    let routes = footfall::feeds::http::routes(token, &Feed::ALL, to);
    let (mut near, far) = tokio::io::duplex(64 * 1024);
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let ask = async {
                let mut answer = Vec::new();
                // The other end may hang up at any byte.
                if near.write_all(bytes).await.is_ok() && near.shutdown().await.is_ok() {
                    near.read_to_end(&mut answer).await.ok();
                }
            };
            tokio::select! {
                _ = axum::serve(Once(Some(far)), routes).into_future() => {}
                () = ask => {}
            }
        });
    });
}

/// What opens the feed of [`feed_http`].
const FEED_TOKEN: &str = "let-me-in-please-1";

/// What sensors count.
pub fn sensors(bytes: &[u8]) {
    let _counted = footfall::site::sensors::read(bytes, WallTime::from_unix_ms(1_760_000_200_000));
}

/// A message on the topic `records`.
pub fn batch(bytes: &[u8]) {
    let _faults = Batch::from_gzip(bytes);
}

/// What head office says of records, line by line: watermarks and requests, taken by a delivery that must stay sound.
pub fn downlink(bytes: &[u8]) {
    let limits = DeliveryLimits::every(Duration::from_secs(60), Duration::from_secs(120));
    let mut delivery = Delivery::new(limits, ConfirmedBy::HeadOffice);
    delivery.connected(Position { newest: 5_000, watermark: 1_000, waiting: 4_000 });
    let mut now = Duration::ZERO;
    for line in bytes.split(|byte| *byte == b'\n') {
        now += Duration::from_secs(1);
        if let Ok(ack) = Ack::from_json(line) {
            let _heard = delivery.heard(ack.watermark, now);
        }
        if let Ok(ask) = Backfill::from_json(line) {
            let _has_room = delivery.asked(SeqRange { first: ask.from_seq, last: ask.to_seq }, now);
        }
        let _wanted = delivery.wanted(now);
        delivery.check_invariants().expect("a delivery owes what it owes, whatever it is told");
    }
}

/// What head office tells a box of the fleet; the first byte chooses the message.
pub fn fleet_to_box(bytes: &[u8]) {
    let Some((which, bytes)) = bytes.split_first() else { return };
    match which % 5 {
        0 => drop(serde_json::from_slice::<fleet::ConfigDesired>(bytes)),
        1 => {
            let at = FrameTime::of_run(WallTime::from_unix_ms(1_795_348_800_000), Duration::ZERO);
            let mut desk = CommandDesk::new(&String::from_utf8_lossy(bytes));
            drop(desk.decide(bytes, at, ClockTrust::Right));
            assert!(!matches!(desk.decide(bytes, at, ClockTrust::Right), Decision::Do(_)), "done twice");
        }
        2 => {
            if let Ok(desired) = serde_json::from_slice::<fleet::SoftwareDesired>(bytes) {
                drop(serde_json::from_str::<fleet::PackageManifest>(&desired.manifest));
            }
        }
        3 => drop(serde_json::from_slice::<fleet::CertificateIssued>(bytes)),
        _ => drop(serde_json::from_slice::<fleet::Enrolled>(bytes)),
    }
}

/// Head office's parsers.
#[cfg(feature = "hq")]
pub mod hq {
    use super::Disk;
    use footfall::hq::fleet::{authority, packages, read as fleet_read, rollout, twin};
    use footfall::hq::{config, ingest::read, register, sales, webhooks};
    use footfall::time::WallTime;

    const NOW: WallTime = WallTime::from_unix_ms(1_760_000_000_000);

    /// Head office's config file.
    pub fn hq_config(bytes: &[u8]) {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if let Err((faults, _)) = config::check(text, &Disk) {
            faults.iter().for_each(|fault| drop(fault.to_string()));
        }
    }

    /// The register.
    pub fn hq_register(bytes: &[u8]) {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if let Err(fault) = register::read(text) {
            drop(fault.to_string());
        }
    }

    /// A message of a box: the first line is the end of its topic, or, for records, which are packed, all of it is their JSON.
    pub fn hq_ingest(bytes: &[u8]) {
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return };
        let (kind, payload) = (String::from_utf8_lossy(&bytes[..end]), &bytes[end + 1..]);
        let topic = format!("footfall/v1/acme/berlin-1/{kind}");
        let _message = read::message(&topic, payload, NOW);
    }

    /// The JSON of a batch, record by record.
    pub fn hq_records(bytes: &[u8]) {
        let topic = "footfall/v1/acme/berlin-1/box-1/records";
        let (names, _) = read::topic_of(topic).expect("a topic");
        let _batch = read::unpacked_batch(names, bytes, NOW);
    }

    /// A feed of many stores; the first byte chooses how it is written.
    pub fn hq_sales(bytes: &[u8]) {
        let Some((how, bytes)) = bytes.split_first() else { return };
        let format = if how & 1 == 0 { sales::Format::Json } else { sales::Format::Csv };
        let _parts = sales::split(bytes, format, &["currency", "store"]);
    }

    /// What a box says of itself: the first line is the end of its topic.
    pub fn hq_fleet(bytes: &[u8]) {
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return };
        let _told = fleet_read::told(&String::from_utf8_lossy(&bytes[..end]), &bytes[end + 1..]);
    }

    /// A signing request of somebody who wants to be a box.
    pub fn hq_request(bytes: &[u8]) {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if let Ok(request) = authority::Request::read(text) {
            let _hash = request.key_hash();
        }
    }

    /// What somebody at head office writes for boxes: settings, laid over others, a manifest, a ring.
    pub fn hq_twin(bytes: &[u8]) {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let _laid_over = twin::merged("[detector]\nthreads = 1\n[[camera]]\nid = \"door\"\n", text);
        let _manifest = packages::read_manifest(text);
        let _ring = rollout::Ring::parse(text);
    }

    /// The address of a webhook, that somebody typed.
    pub fn hq_webhook(bytes: &[u8]) {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let _target = webhooks::Target::parse(text, webhooks::Private::Refused);
    }
}
