//! What a shop may ask, as walks in metres and the records that must come of them: `tests/scenarios/*.txt`.
//!
//! A scenario has these parts. `# ...` says in words what it is about. `[config]` is a piece of the real config file, read by the
//! real reader, for one camera that hangs 3 m high, looks 30 degrees down and sees 78 degrees. `[walks]` says who is where, in metres to the right of
//! the camera and away from it: `anna: 0s at 0.0,4.0; 4s at 3.0,4.0; 14s there; 18s at 7.0,4.0`; `until: 930s` lets the camera look on for so
//! long, and `dark: 300s to 540s` leaves it without pictures.
//! `[badges]`, where there is one, says what a receiver of beacons heard: `00:10 b-17 at till`. `[records]` are the lines that must come out, in the order in which they do;
//! `flow` and `heat`, which every camera tells, only where the scenario
//! has a line of them; `[records of period]` names the kinds that it is about. Walks become boxes at 10 frames a second and take the whole way: floor, tracker, rules, wire.
//!
//! Where `[config]` has a `[site]`, what the camera tells goes on to the store and its ledger on disk, as in the service. `[till]`
//! says what the till tells: `00:20 sale a1 12.50 2 units`, and after it perhaps `voids a0` and `told at 16:00`. All times are minutes and seconds
//! after Monday, 2026-01-05T09:00Z.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use footfall::calibration::Floor;
use footfall::calibration::mounting::{self, Mounting};
use footfall::config::check::{FilesBeside, PathKind};
use footfall::config::fault::FileProblem;
use footfall::config::{CameraSettings, EdgeSettings, check as check_config};
use footfall::detect::Detection;
use footfall::geom::{ImageBox, ImagePoint, PictureSize};
use footfall::ids::{CameraId, ZoneId};
use footfall::ledger::Ledger;
use footfall::pipeline::{CameraEvent, Pipeline, SeenFrame};
use footfall::site::till::{self, FeedFormat, FeedSettings};
use footfall::site::{Store, StoreInput, StoreSettings};
use footfall::time::{FrameTime, WallTime};
use footfall::track::PlaneName;
use footfall::visitors::{BadgeId, BadgeReading};
use footfall::wire::v1::{Fact, Flow, Heat, MadeBy, Minute, Occupancy, OccupancyCorrections, Period};
use footfall::zones::AllowedHours;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

const PICTURE: PictureSize = PictureSize { width: 1280, height: 720 };
const FRAME_MS: u64 = 100;
/// Monday, 2026-01-05T09:00:00Z.
const START: WallTime = WallTime::from_unix_ms(1_767_603_600_000);
/// A usual person is about this many times as high as wide.
const HEIGHT_OF_WIDTH: f32 = 2.6;
/// The run goes on for this long after the last walk, so that what has to be waited for is decided.
const AFTERWARDS_MS: u64 = 30_000;
/// The store looks at least this often whether something is due.
const STORE_STEP_MS: u64 = 5_000;

fn floor() -> Floor {
    let mounting = Mounting { height_m: 3.0, tilt_deg: 30.0, field_of_view_deg: 78.0, roll_deg: 0.0 };
    mounting::fit(PICTURE, None, &mounting).unwrap()
}

/// A disk on which everything is there.
struct Disk;

impl FilesBeside for Disk {
    fn resolve(&self, written: &Path) -> PathBuf {
        written.to_owned()
    }

    fn kind(&self, path: &Path) -> PathKind {
        if path.extension().is_some() { PathKind::File } else { PathKind::Folder }
    }

    fn text(&self, _path: &Path) -> Result<String, FileProblem> {
        let file = include_str!("../calibration/sample-clip.toml");
        Ok(file.to_owned())
    }

    fn secret(&self, _path: &Path) -> Result<String, FileProblem> {
        Err(FileProblem::NotThere)
    }
}

/// The box that a piece of a config file makes of the usual one.
fn settings(piece: &str) -> EdgeSettings {
    let text = format!(
        "tenant = \"acme\"\nstore = \"shop\"\nbox = \"box-1\"\n[mqtt]\nbroker = \"127.0.0.1\"\n[[camera]]\nid = \"ceiling\"\n\
         source = \"clips/none.mp4\"\npicture = \"768x576\"\ncalibration = \"floor.toml\"\n{piece}"
    );
    let mut settings = check_config(&text, &Disk).unwrap_or_else(|(faults, _)| panic!("{faults:#?}"));
    // The calibration was only there to be read: these walks are on the floor of another camera.
    let pipeline = &mut settings.cameras[0].pipeline;
    (pipeline.picture, pipeline.floor) = (Some(PICTURE), Some(floor()));
    settings
}

/// What the store has to say, from the camera's events and the till's messages to the facts that go out.
struct Shop {
    ledger: Ledger,
    store: Store,
    feed: FeedSettings,
    sales: VecDeque<Told>,
    stepped_ms: Option<u64>,
    /// Facts up to this one were read.
    read_up_to: i64,
    _folder: tempfile::TempDir,
}

impl Shop {
    /// None where the config file has no store.
    fn open(settings: &EdgeSettings, till: &str) -> Option<Self> {
        let site = settings.site.as_ref()?;
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, _) =
            Ledger::open(&folder.path().join("ledger.sqlite"), &settings.box_id, START).unwrap();
        let store = StoreSettings { doors: settings.doors(), ..site.store.clone() };
        let store = ledger.store(store).unwrap();
        let mut sales: Vec<Told> = lines(till).map(Told::parse).collect();
        sales.sort_by_key(|told| told.told_ms);
        let (feed, sales) = (site.feed.clone(), sales.into());
        Some(Self { ledger, store, feed, sales, stepped_ms: None, read_up_to: 0, _folder: folder })
    }

    /// Takes what the camera told up to `now_ms`, and what the till did; gives the facts that follow.
    fn step(&mut self, events: &[CameraEvent], now_ms: u64) -> Vec<Fact> {
        let camera = CameraId::parse("ceiling").unwrap();
        let now = at(now_ms).wall;
        let mut inputs: Vec<StoreInput> =
            events.iter().filter_map(|event| StoreInput::of_camera(&camera, event)).collect();
        while self.sales.front().is_some_and(|told| told.told_ms <= now_ms) {
            let Some(told) = self.sales.pop_front() else { break };
            let intake = till::read(told.json.as_bytes(), "mqtt", &FeedFormat::Json, &self.feed, now);
            inputs.push(StoreInput::Till(intake));
        }
        let is_time = self.stepped_ms.is_none_or(|last| now_ms >= last + STORE_STEP_MS);
        if inputs.is_empty() && !is_time {
            return Vec::new();
        }
        self.stepped_ms = Some(now_ms);
        self.ledger.step(&mut self.store, &inputs, now).unwrap();
        let facts = self.ledger.outgoing(self.read_up_to, usize::MAX).unwrap();
        self.read_up_to = facts.last().map_or(self.read_up_to, |(id, _)| *id);
        facts.into_iter().filter_map(|(_, fact)| fact).collect()
    }
}

/// Something that the till says: when, ms, and what.
struct Told {
    told_ms: u64,
    json: String,
}

impl Told {
    /// From `00:20 sale a1 12.50 2 units, voids a0, told at 16:00`.
    fn parse(line: &str) -> Self {
        let mut parts = line.split(',').map(str::trim);
        let sale = parts.next().unwrap_or_default();
        let words: Vec<&str> = sale.split_whitespace().collect();
        let [time, what, id, amount, units @ ..] = words.as_slice() else {
            panic!("{line}: TIME KIND ID AMOUNT [N units]")
        };
        let at_ms = ms_of(time);
        let mut json = format!(
            r#"{{"id":"{id}","at_ms":{},"what":"{what}","amount":"{amount}""#,
            START.unix_ms() + at_ms.cast_signed()
        );
        if let [number, "unit" | "units"] = units {
            write!(json, r#","units":{number}"#).unwrap();
        } else {
            assert!(units.is_empty(), "{line}: N units");
        }
        let mut told_ms = at_ms;
        for part in parts {
            match (part.strip_prefix("told at "), part.strip_prefix("voids ")) {
                (Some(time), _) => told_ms = ms_of(time),
                (_, Some(id)) => write!(json, r#","voids":"{id}""#).unwrap(),
                _ => panic!("{line}: told at TIME, or voids ID"),
            }
        }
        Self { told_ms, json: json + "}" }
    }
}

/// `mm:ss` in ms.
fn ms_of(time: &str) -> u64 {
    let (minutes, seconds) = time.split_once(':').unwrap_or_else(|| panic!("{time}: minutes:seconds"));
    1000 * (60 * minutes.parse::<u64>().unwrap() + seconds.parse::<u64>().unwrap())
}

/// Somebody's way: when (ms), and where in metres. Between two points they walk straight.
struct Walk(Vec<(u64, f64, f64)>);

impl Walk {
    fn parse(line: &str) -> Self {
        let (_, way) = line.split_once(':').unwrap_or_else(|| panic!("{line}: NAME: TIME at X,Y; ..."));
        let mut points: Vec<(u64, f64, f64)> = Vec::new();
        for stop in way.split(';').map(str::trim) {
            let (time, place) = stop.split_once("s ").unwrap_or_else(|| panic!("{stop}: TIMEs at X,Y"));
            let seconds: f64 = time.trim().parse().unwrap_or_else(|_| panic!("{stop}: no time"));
            let (x, y) = match place.trim() {
                "there" => points.last().map(|(_, x, y)| (*x, *y)).unwrap(),
                place => {
                    let (x, y) = place.strip_prefix("at ").and_then(|at| at.split_once(',')).unwrap();
                    (x.trim().parse().unwrap(), y.trim().parse().unwrap())
                }
            };
            points.push(((1000.0 * seconds) as u64, x, y));
        }
        Self(points)
    }

    fn at(&self, ms: u64) -> Option<(f64, f64)> {
        self.0.windows(2).find(|step| (step[0].0..=step[1].0).contains(&ms)).map(|step| {
            let [(begun, x, y), (ended, to_x, to_y)] = [step[0], step[1]];
            let share = (ms - begun) as f64 / (ended - begun).max(1) as f64;
            (x + share * (to_x - x), y + share * (to_y - y))
        })
    }

    fn end(&self) -> u64 {
        self.0.last().map_or(0, |(ms, _, _)| *ms)
    }
}

/// The box of a usual person who stands there, cut at the picture's edges; none where nothing of them is seen.
fn person_at(floor: &Floor, (x_m, y_m): (f64, f64)) -> Option<Detection> {
    let foot: ImagePoint = floor.in_image(x_m, y_m)?;
    let head = floor.expected_head(foot)?;
    let half = 0.5 * (foot.y - head.y) / HEIGHT_OF_WIDTH;
    let (width, height) = (PICTURE.width as f32, PICTURE.height as f32);
    let bbox = ImageBox::new(
        (foot.x - half).clamp(0.0, width),
        head.y.clamp(0.0, height),
        (foot.x + half).clamp(0.0, width),
        foot.y.clamp(0.0, height),
    );
    bbox.is_sound().then_some(Detection { bbox, score: 0.9 })
}

/// What a receiver heard: `00:10 b-17 at till`; without a zone it stands for all that the camera sees.
fn badge(line: &str) -> BadgeReading {
    let (time, rest) = line.split_once(' ').unwrap_or_else(|| panic!("{line}: MM:SS BADGE at ZONE"));
    let (minutes, seconds) = time.split_once(':').unwrap_or_else(|| panic!("{line}: no time"));
    let (badge, zone) = rest.split_once(" at ").map_or((rest, None), |(badge, zone)| (badge, Some(zone)));
    let seconds = 60 * minutes.parse::<u64>().unwrap() + seconds.parse::<u64>().unwrap();
    BadgeReading {
        badge: BadgeId::of(badge),
        zone: zone.map(|zone| ZoneId::parse(zone).unwrap()),
        at: START + Duration::from_secs(seconds),
    }
}

/// Who walks where, how long the camera looks, and when it does not.
struct Scene {
    walks: Vec<Walk>,
    end_ms: u64,
    dark_ms: Option<RangeInclusive<u64>>,
    badges: Vec<BadgeReading>,
}

impl Scene {
    fn parse(text: &str) -> Self {
        let ms = |text: &str| 1000 * text.trim().strip_suffix('s').unwrap().parse::<u64>().unwrap();
        let (walks, badges) = text.split_once("[badges]\n").unwrap_or((text, ""));
        let badges = lines(badges).map(badge).collect();
        let mut scene = Self { walks: Vec::new(), end_ms: 0, dark_ms: None, badges };
        for line in lines(walks) {
            match line.split_once(':') {
                Some(("until", end)) => scene.end_ms = ms(end),
                Some(("dark", span)) => {
                    let (from, to) = span.split_once(" to ").unwrap();
                    scene.dark_ms = Some(ms(from)..=ms(to));
                }
                _ => scene.walks.push(Walk::parse(line)),
            }
        }
        let last = scene.walks.iter().map(Walk::end).max().unwrap_or(0);
        scene.end_ms = scene.end_ms.max(last + AFTERWARDS_MS);
        scene
    }

    fn is_dark(&self, ms: u64) -> bool {
        self.dark_ms.as_ref().is_some_and(|dark| dark.contains(&ms))
    }
}

fn at(ms: u64) -> FrameTime {
    FrameTime::of_run(START, Duration::from_millis(ms))
}

/// Plays a scene, in the order of the service: the camera's facts first, then what the store makes of them.
fn play(settings: &EdgeSettings, scene: &Scene, till: &str) -> Vec<Fact> {
    let (floor, camera) = (floor(), &settings.cameras[0]);
    let mut pipeline = Pipeline::new(camera.pipeline.clone(), at(0)).unwrap();
    if let Some(site) = &settings.site {
        let hours = site.store.calendar.schedule();
        pipeline.allowed_hours(&AllowedHours::open_around(hours, START, Duration::from_secs(86_400)));
    }
    let mut shop = Shop::open(settings, till);
    let (mut told, mut facts) = (Vec::new(), Vec::new());
    for frame in 0..=scene.end_ms / FRAME_MS {
        let now = frame * FRAME_MS;
        if scene.is_dark(now) {
            pipeline.tick(at(now), &mut told);
        } else {
            let people: Vec<Detection> =
                scene.walks.iter().filter_map(|walk| person_at(&floor, walk.at(now)?)).collect();
            let seen = SeenFrame { number: frame + 1, at: at(now), size: PICTURE, dropped: 0 };
            let heard = scene.badges.iter().filter(|heard| heard.at == at(now).wall);
            heard.for_each(|heard| pipeline.badge(heard));
            pipeline.step(seen, &people, &mut told).unwrap();
        }
        if now + FRAME_MS > scene.end_ms {
            pipeline.finish(at(scene.end_ms), &mut told);
        }
        facts.extend(said(camera, &told));
        if let Some(shop) = &mut shop {
            facts.extend(shop.step(&told, now));
        }
        told.clear();
    }
    facts
}

fn said(camera: &CameraSettings, told: &[CameraEvent]) -> Vec<Fact> {
    let made_by = MadeBy {
        camera: CameraId::parse("ceiling").unwrap(),
        run: START,
        model: "walks".to_owned(),
        geometry: camera.geometry.clone(),
        plane: PlaneName::Image,
    };
    told.iter().map(|event| Fact::of(&made_by, event)).collect()
}

/// A time of the scenario as `mm:ss.s`.
fn clock(utc_ms: i64) -> String {
    let tenths = (utc_ms - START.unix_ms() + 50).div_euclid(100);
    format!("{:02}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

fn seconds(ms: u64) -> String {
    format!("{:.1} s", ms as f64 / 1e3)
}

/// A minute of a line; none where nothing is counted in it.
fn shown_minute(m: &Minute) -> Option<String> {
    let v = &m.visitors;
    let groups: u32 = v.groups.iter().sum();
    let counts = [
        (m.entries, "in"),
        (m.exits, "out"),
        (v.staff_in, "in are staff"),
        (v.staff_out, "out are staff"),
        (v.reentries, "came back"),
        (v.passersby, "passed by"),
    ];
    let mut line = format!("minute {} ({:?}) {}", m.line, v.role, clock(m.start_ms)).to_lowercase();
    let nothing = groups == 0 && counts.iter().all(|(people, _)| *people == 0);
    for (people, what) in counts.into_iter().filter(|(people, _)| *people > 0) {
        write!(line, ", {people} {what}").unwrap();
    }
    for (people, size) in v.groups.iter().zip(1..).filter(|(people, _)| **people > 0) {
        write!(line, ", {people} group of {size}").unwrap();
    }
    (!nothing).then_some(line)
}

fn shown_flow(flow: &Flow) -> String {
    let moves = flow.moves.iter().map(|m| format!("{} {} > {}", m.people, m.from, m.to));
    let ways = flow.paths.iter().map(|path| format!("whole way {} {}", path.people, path.zones.join(" > ")));
    let inside = flow.still_inside.iter().map(|at| format!("still {} {}", at.people, at.zone));
    format!("flow {}", moves.chain(ways).chain(inside).collect::<Vec<_>>().join("; "))
}

/// How long people were on the map and stood there, and where they stood longest: the corner of that cell.
fn shown_heat(heat: &Heat) -> String {
    let total = |cells: &[(u32, u64)]| cells.iter().map(|(_, tenths)| tenths).sum::<u64>();
    let (cell, tenths) = *heat.dwell.iter().max_by_key(|(_, tenths)| *tenths).unwrap();
    let x = heat.left + heat.cell * f64::from(cell % heat.columns);
    let y = heat.top + heat.cell * f64::from(cell / heat.columns);
    format!(
        "heat {} there, {} stood, {} of it in the {} m from {x:.1},{y:.1}",
        seconds(100 * total(&heat.presence)),
        seconds(100 * total(&heat.dwell)),
        seconds(100 * tenths),
        heat.cell
    )
}

/// A record as a person reads it; none for those that a scenario leaves out. Every kind has one line here.
fn shown(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::Crossing(c) => {
            format!("crossing {} {:?} {}", c.line, c.direction, clock(c.at_ms)).to_lowercase()
        }
        Fact::Occupancy(o) => occupancy(o),
        Fact::Period(p) => period(p),
        Fact::Transaction(t) => format!("transaction {} {} {}", t.what, t.id, money(t.amount_minor)),
        Fact::TillRejected(r) => {
            let reasons: Vec<_> = r.reasons.iter().map(|(reason, rows)| format!("{rows} {reason}")).collect();
            format!("till_rejected {} at {}", reasons.join(", "), clock(r.at_ms))
        }
        Fact::Visit(v) => {
            let engaged = if v.engaged { ", engaged" } else { "" };
            let (from, to) = (clock(v.enter_ms), clock(v.leave_ms));
            format!("visit {} {from} - {to} ({}{engaged})", v.zone, seconds(v.dwell_ms))
        }
        Fact::Queue(q) => {
            let mut line =
                format!("queue {} joined {} waited {}", q.zone, clock(q.joined_ms), seconds(q.wait_ms));
            if let Some(service) = q.service_ms {
                write!(line, ", served for {}", seconds(service)).unwrap();
            }
            line + if q.abandoned { ", gave up" } else { "" }
        }
        Fact::Alert(a) => {
            let word = if a.raised { "raised" } else { "cleared" };
            format!("alert {} {:?} {word} {} at {}", a.zone, a.what, clock(a.at_ms), a.value)
        }
        Fact::Alarm(a) => {
            let word = if a.raised { "raised" } else { "cleared" };
            let (space, points) = (a.space, a.path.len());
            assert!(points <= 64 && (points > 0 || !a.raised), "{a:?}");
            format!(
                "alarm {} {:?} {word} {} with {} people, path in {space:?}",
                a.zone,
                a.reason,
                clock(a.at_ms),
                a.people
            )
        }
        Fact::Minute(m) => return shown_minute(m),
        Fact::Staff(s) => format!("staff by {:?}, seen since {}", s.why, clock(s.since_ms)).to_lowercase(),
        Fact::Flow(flow) => shown_flow(flow),
        Fact::Heat(heat) if !heat.dwell.is_empty() => shown_heat(heat),
        _ => return None,
    })
}

/// Hundredths as a person writes them.
fn money(minor: i64) -> String {
    format!("{}{}.{:02}", if minor < 0 { "-" } else { "" }, minor.abs() / 100, minor.abs() % 100)
}

fn occupancy(o: &Occupancy) -> String {
    let OccupancyCorrections { opening, max_stay, zones, below_zero } = o.corrections;
    let mut line = format!("occupancy {} {} people", clock(o.start_ms), o.people);
    let all = [("opening", opening), ("max_stay", max_stay), ("zones", zones), ("below_zero", below_zero)];
    for (name, people) in all.iter().filter(|(_, people)| *people != 0) {
        write!(line, ", {people:+} by {name}").unwrap();
    }
    line + if o.part { ", part" } else { "" }
}

fn period(p: &Period) -> String {
    let why = p.absent.iter().find(|absent| absent.figure == "conversion");
    let conversion = p.conversion.map_or_else(
        || format!("absent ({})", why.map_or("no reason", |absent| &absent.why)),
        |rate| rate.value().to_string(),
    );
    format!(
        "period {} {} r{}: {} visitors, {} sales, {} units, {} taken, conversion {conversion}, coverage {}",
        p.span,
        clock(p.start_ms),
        p.revision,
        p.visitors,
        p.transactions.unwrap_or(0),
        p.units.unwrap_or(0),
        money(p.amount_minor.unwrap_or(0)),
        p.coverage.value()
    )
}

/// The parts of a scenario.
struct Parts<'a> {
    config: &'a str,
    walks: &'a str,
    till: &'a str,
    /// Kinds that the records are about; empty where it is all of them.
    kinds: Vec<&'a str>,
    records: &'a str,
}

fn parts(text: &str) -> Parts<'_> {
    let (head, rest) = text.split_once("[config]\n").expect("a scenario has a [config]");
    assert!(head.starts_with("# "), "a scenario begins with what it is about");
    let (config, rest) = rest.split_once("[walks]\n").expect("a scenario has [walks]");
    let (walks, rest) = rest.split_once("[records").expect("a scenario has [records]");
    let (walks, till) = walks.split_once("[till]\n").unwrap_or((walks, ""));
    let (kinds, records) = rest.split_once("]\n").expect("a scenario has [records]");
    let kinds = kinds.strip_prefix(" of ").map(|kinds| kinds.split(", ").collect()).unwrap_or_default();
    Parts { config, walks, till, kinds, records }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// One door: what is wrong with a scenario, none where it comes out as it says.
fn check(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let Parts { config, walks, till, kinds, records } = parts(&text);
    let facts = play(&settings(config), &Scene::parse(walks), till);
    // Sums of minutes equal sums of events, in every scenario.
    let dwell: u64 = facts.iter().map(|fact| if let Fact::Visit(v) = fact { v.dwell_ms } else { 0 }).sum();
    let person: u64 =
        facts.iter().map(|fact| if let Fact::ZoneMinute(m) = fact { m.person_ms } else { 0 }).sum();
    assert_eq!(dwell, person, "{}: the visits' dwell is the minutes' presence", path.display());
    let expected: Vec<&str> = lines(records).collect();
    let is_asked = |line: &String| {
        let is_told =
            |kind: &str| !line.starts_with(kind) || expected.iter().any(|line| line.starts_with(kind));
        let is_about = kinds.is_empty() || kinds.iter().any(|kind| line.starts_with(*kind));
        is_about && ["flow ", "heat "].into_iter().all(is_told)
    };
    let came: Vec<String> = facts.iter().filter_map(shown).filter(is_asked).collect();
    (came != expected).then(|| format!("{}\ncame:\n{}\n", path.display(), came.join("\n")))
}

#[test]
fn every_scenario_comes_out_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 15, "{files:?}");
    let wrong: Vec<String> = files.iter().filter_map(|file| check(file)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
