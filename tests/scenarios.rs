//! What a shop may ask, as walks in metres and the records that must come of them: `tests/scenarios/*.txt`.
//!
//! A scenario has four parts. `# ...` says in words what it is about. `[config]` is a piece of the real config file, read by the
//! real reader, for one camera that hangs 3 m high, looks 30 degrees down and sees 78 degrees. `[walks]` says who is where, in metres to the right of
//! the camera and away from it: `anna: 0s at 0.0,4.0; 4s at 3.0,4.0; 14s there; 18s at 7.0,4.0`. `[badges]`, where there is one, says
//! what a receiver of beacons heard: `00:10 b-17 at till`. `[records]` are the lines that must come out, in the order in which they
//! do; `flow` and `heat`, which every camera tells, only where the scenario has a line of them. Walks become boxes at 10 frames a second and take the whole way: floor, tracker, rules, wire.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use footfall::calibration::Floor;
use footfall::calibration::mounting::{self, Mounting};
use footfall::config::check::{FilesBeside, PathKind};
use footfall::config::fault::FileProblem;
use footfall::config::{CameraSettings, check as check_config};
use footfall::detect::Detection;
use footfall::geom::{ImageBox, ImagePoint, PictureSize};
use footfall::ids::{CameraId, ZoneId};
use footfall::pipeline::{CameraEvent, Pipeline, SeenFrame};
use footfall::time::{FrameTime, WallTime};
use footfall::track::PlaneName;
use footfall::visitors::{BadgeId, BadgeReading};
use footfall::wire::v1::{Fact, Flow, Heat, MadeBy, Minute};
use std::fmt::Write as _;
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

/// The camera that a piece of a config file makes of the usual one.
fn camera(piece: &str) -> CameraSettings {
    let text = format!(
        "tenant = \"acme\"\nstore = \"shop\"\nbox = \"box-1\"\n[[camera]]\nid = \"ceiling\"\n\
         source = \"clips/none.mp4\"\npicture = \"768x576\"\ncalibration = \"floor.toml\"\n{piece}"
    );
    let settings = check_config(&text, &Disk).unwrap_or_else(|(faults, _)| panic!("{faults:#?}"));
    let mut camera = settings.cameras.into_iter().next().unwrap();
    // The calibration was only there to be read: these walks are on the floor of another camera.
    (camera.pipeline.picture, camera.pipeline.floor) = (Some(PICTURE), Some(floor()));
    camera
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

fn play(camera: &CameraSettings, walks: &[Walk], badges: &[BadgeReading]) -> Vec<Fact> {
    let floor = floor();
    let at = |ms: u64| FrameTime::of_run(START, Duration::from_millis(ms));
    let mut pipeline = Pipeline::new(camera.pipeline.clone(), at(0)).unwrap();
    let mut told: Vec<CameraEvent> = Vec::new();
    let end = walks.iter().map(Walk::end).max().unwrap_or(0) + AFTERWARDS_MS;
    for frame in 0..=end / FRAME_MS {
        let now = frame * FRAME_MS;
        let people: Vec<Detection> =
            walks.iter().filter_map(|walk| person_at(&floor, walk.at(now)?)).collect();
        let seen = SeenFrame { number: frame + 1, at: at(now), size: PICTURE, dropped: 0 };
        badges.iter().filter(|heard| heard.at == at(now).wall).for_each(|heard| pipeline.badge(heard));
        pipeline.step(seen, &people, &mut told).unwrap();
    }
    pipeline.finish(at(end), &mut told);
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

/// The parts of a scenario: config, walks, expected records.
fn parts(text: &str) -> [String; 3] {
    let (head, rest) = text.split_once("[config]\n").expect("a scenario has a [config]");
    assert!(head.starts_with("# "), "a scenario begins with what it is about");
    let (config, rest) = rest.split_once("[walks]\n").expect("a scenario has [walks]");
    let (walks, records) = rest.split_once("[records]\n").expect("a scenario has [records]");
    [config, walks, records].map(str::to_owned)
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// One door: what is wrong with a scenario, none where it comes out as it says.
fn check(path: &Path) -> Option<String> {
    let [config, walks, records] = parts(&std::fs::read_to_string(path).unwrap());
    let camera = camera(&config);
    let (walks, badges) = walks.split_once("[badges]\n").unwrap_or((&walks, ""));
    let walks: Vec<Walk> = lines(walks).map(Walk::parse).collect();
    let badges: Vec<BadgeReading> = lines(badges).map(badge).collect();
    let facts = play(&camera, &walks, &badges);
    // Sums of minutes equal sums of events, in every scenario.
    let dwell: u64 = facts.iter().map(|fact| if let Fact::Visit(v) = fact { v.dwell_ms } else { 0 }).sum();
    let person: u64 =
        facts.iter().map(|fact| if let Fact::ZoneMinute(m) = fact { m.person_ms } else { 0 }).sum();
    assert_eq!(dwell, person, "{}: the visits' dwell is the minutes' presence", path.display());
    let expected: Vec<&str> = lines(&records).collect();
    let is_asked = |line: &String| {
        ["flow ", "heat "]
            .iter()
            .all(|kind| !line.starts_with(kind) || expected.iter().any(|line| line.starts_with(kind)))
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
