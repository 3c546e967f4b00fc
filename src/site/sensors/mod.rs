//! What other sensors of the store count: sensors at doors, receivers of beacons. They check the camera, and the camera checks them.
//!
//! A sensor tells of intervals of its own length, and nothing here makes minutes of them: an interval goes on as it came,
//! with its begin, its length and how much of it the sensor was at work. What is not obvious: a sensor that is switched off and one
//! past which nobody went look alike, so silence is told of, and an interval without a message is never zero.

mod read;

pub use read::{Aside, MAX_COUNTS, MAX_SENSOR_BYTES, read};

use crate::calendar::TimeSpan;
use crate::ids::{CameraId, LineId, SensorId, ZoneId};
use crate::time::FrameTime;
use std::collections::BTreeMap;
use std::time::Duration;

/// Intervals of a sensor by which a repeat is known: two days of minutes. An older repeat is known at head office.
const MOST_REMEMBERED: usize = 2 * 24 * 60;

/// What a sensor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SensorKind {
    /// Counts who goes through a door: a light barrier, a radar, a mat, a turnstile.
    Door,
    /// Counts devices that are near: phones, tags.
    Beacon,
}

impl SensorKind {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Door, Self::Beacon];

    /// As config files and records have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Door => "door",
            Self::Beacon => "beacon",
        }
    }
}

/// What of a camera a sensor counts too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// Who crosses a line.
    Line(CameraId, LineId),
    /// Who comes into a zone.
    Zone(CameraId, ZoneId),
}

/// A sensor of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SensorSettings {
    /// Its name on this box.
    pub id: SensorId,
    /// What it is.
    pub kind: SensorKind,
    /// What it is compared with; none: with nothing.
    pub compares: Option<Compared>,
    /// It is silent when it told nothing for so long.
    pub quiet: Duration,
}

/// What a sensor counted in one interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Which sensor.
    pub sensor: SensorId,
    /// Tells parts of one interval apart, such as two beams of one door; they add up. Empty where there is one.
    pub part: String,
    /// From when to when, as the sensor says.
    pub span: TimeSpan,
    /// How much of it the sensor was at work.
    pub seen: Duration,
    /// How many.
    pub counts: Counts,
}

/// How many, as the sensor can tell them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// People by direction; a turnstile knows only who comes in.
    Ways {
        /// Into the store.
        entries: u32,
        /// Out of it.
        exits: Option<u32>,
    },
    /// People who went through in either direction, or devices.
    Total(u32),
}

/// What becomes of an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// It is new.
    New,
    /// It was told before, and changes nothing.
    Repeated,
    /// It is put aside, for this reason.
    Aside(String),
}

/// The sensors of a box, what they told of late and when.
#[derive(Debug)]
pub struct Sensors(BTreeMap<SensorId, Known>);

#[derive(Debug)]
struct Known {
    settings: SensorSettings,
    /// By begin and part; the oldest go.
    told: BTreeMap<(i64, String), Counted>,
    /// When it told something new, or when the service began.
    heard: FrameTime,
}

impl Sensors {
    /// Sensors that have told nothing yet.
    #[must_use]
    pub fn new(settings: &[SensorSettings], now: FrameTime) -> Self {
        let known = |settings: &SensorSettings| {
            let known = Known { settings: settings.clone(), told: BTreeMap::new(), heard: now };
            (settings.id.clone(), known)
        };
        Self(settings.iter().map(known).collect())
    }

    /// Judges an interval, and remembers it where it is new.
    pub fn take(&mut self, counted: &Counted, now: FrameTime) -> Judged {
        let Some(known) = self.0.get_mut(&counted.sensor) else {
            let why =
                format!("there is no [[sensor]] with id = \"{}\" in the config file; add it", counted.sensor);
            return Judged::Aside(why);
        };
        if known.settings.kind == SensorKind::Beacon && matches!(counted.counts, Counts::Ways { .. }) {
            return Judged::Aside("a beacon gives \"count\", not \"in\" and \"out\"".to_owned());
        }
        known.take(counted, now)
    }

    /// How a sensor is set up.
    #[must_use]
    pub fn settings(&self, id: &SensorId) -> Option<&SensorSettings> {
        self.0.get(id).map(|known| &known.settings)
    }

    /// Every sensor, and since when it is silent where it is.
    pub fn silent(&self, now: FrameTime) -> impl Iterator<Item = (&SensorSettings, Option<FrameTime>)> {
        self.0.values().map(move |known| {
            let is_silent = now.since(known.heard) >= known.settings.quiet;
            (&known.settings, is_silent.then_some(known.heard))
        })
    }
}

impl Known {
    fn take(&mut self, counted: &Counted, now: FrameTime) -> Judged {
        let start = counted.span.start.unix_ms();
        let key = (start, counted.part.clone());
        if let Some(before) = self.told.get(&key) {
            if before == counted {
                return Judged::Repeated;
            }
            let why = "this interval was told before with other figures, and those stay; \
                       give what adds to it an \"id\" of its own";
            return Judged::Aside(why.to_owned());
        }
        if let Some(other) = self.overlapping(counted) {
            let why = format!("it overlaps the interval from {} that was told before", other.span.start);
            return Judged::Aside(why);
        }
        self.told.insert(key, counted.clone());
        if self.told.len() > MOST_REMEMBERED {
            self.told.pop_first();
        }
        self.heard = now;
        Judged::New
    }

    fn overlapping(&self, counted: &Counted) -> Option<&Counted> {
        // None is longer, so an older one cannot reach into it.
        let reach = i64::try_from(read::LONGEST.as_millis()).unwrap_or(i64::MAX);
        let (start, end) = (counted.span.start.unix_ms(), counted.span.end.unix_ms());
        self.told
            .range((start.saturating_sub(reach), String::new())..(end, String::new()))
            .map(|(_, other)| other)
            .find(|other| other.part == counted.part && other.span.common(counted.span).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::WallTime;

    const START_MS: i64 = 1_760_000_040_000;

    fn at(s: u64) -> FrameTime {
        FrameTime::of_run(WallTime::from_unix_ms(START_MS), Duration::from_secs(s))
    }

    fn sensors() -> Sensors {
        let id = |name| SensorId::parse(name).unwrap();
        let quiet = Duration::from_secs(600);
        let of = |name, kind| SensorSettings { id: id(name), kind, compares: None, quiet };
        Sensors::new(&[of("door-1", SensorKind::Door), of("hall", SensorKind::Beacon)], at(0))
    }

    /// An interval of a sensor: when it begins and how long it is, s, its part, and how many.
    fn counted(sensor: &str, (start, length): (i64, i64), part: &str, count: u32) -> Counted {
        let ms = |s: i64| WallTime::from_unix_ms(START_MS + 1000 * s);
        let span = TimeSpan { start: ms(start), end: ms(start + length) };
        let sensor = SensorId::parse(sensor).unwrap();
        Counted { sensor, part: part.to_owned(), span, seen: span.length(), counts: Counts::Total(count) }
    }

    #[test]
    fn an_interval_that_comes_again_is_known_and_its_parts_add_up() {
        let mut sensors = sensors();
        let mut take = |interval, part, count| sensors.take(&counted("door-1", interval, part, count), at(0));
        assert_eq!(take((0, 60), "", 7), Judged::New);
        assert_eq!(take((0, 60), "", 7), Judged::Repeated);
        assert_eq!(take((0, 60), "left", 3), Judged::New);
        assert_eq!(take((60, 60), "", 7), Judged::New);
        assert!(matches!(take((0, 60), "", 8), Judged::Aside(why) if why.contains("other figures")));
    }

    #[test]
    fn an_interval_over_others_is_put_aside_so_that_nobody_counts_twice() {
        let mut sensors = sensors();
        let mut take = |interval| sensors.take(&counted("door-1", interval, "", 7), at(0));
        assert_eq!(take((600, 60)), Judged::New);
        for over in [(0, 900), (599, 60), (630, 10), (659, 900)] {
            assert!(matches!(take(over), Judged::Aside(why) if why.contains("overlaps")), "{over:?}");
        }
        assert_eq!(take((540, 60)), Judged::New);
        assert_eq!(take((660, 900)), Judged::New);
    }

    #[test]
    fn who_is_not_configured_or_tells_what_it_cannot_know_is_put_aside() {
        let mut sensors = sensors();
        let stranger = sensors.take(&counted("door-2", (0, 60), "", 7), at(0));
        assert!(matches!(stranger, Judged::Aside(why) if why.contains("[[sensor]]")));
        let ways = Counts::Ways { entries: 3, exits: None };
        let beacon = Counted { counts: ways, ..counted("hall", (0, 60), "", 0) };
        assert!(matches!(sensors.take(&beacon, at(0)), Judged::Aside(why) if why.contains("\"count\"")));
    }

    #[test]
    fn a_sensor_is_silent_when_it_told_nothing_for_so_long() {
        let mut sensors = sensors();
        let silent = |sensors: &Sensors, s| {
            let silent = sensors.silent(at(s)).filter_map(|(of, since)| Some((of.id.to_string(), since?)));
            silent.map(|(id, since)| format!("{id} {}", since.elapsed.as_secs())).collect::<Vec<_>>()
        };
        assert_eq!(silent(&sensors, 599), [""; 0]);
        assert_eq!(silent(&sensors, 600), ["door-1 0", "hall 0"]);
        assert_eq!(sensors.take(&counted("hall", (0, 60), "", 7), at(601)), Judged::New);
        // A repeat is no sign of life: a broker hands it out.
        assert_eq!(sensors.take(&counted("hall", (0, 60), "", 7), at(900)), Judged::Repeated);
        assert_eq!(silent(&sensors, 1200), ["door-1 0"]);
        assert_eq!(silent(&sensors, 1201), ["door-1 0", "hall 601"]);
    }

    #[test]
    fn a_sensor_that_runs_for_a_month_is_remembered_for_two_days() {
        let mut sensors = sensors();
        for minute in 0..30 * 24 * 60 {
            assert_eq!(sensors.take(&counted("door-1", (60 * minute, 60), "", 1), at(0)), Judged::New);
        }
        let (_, known) = sensors.0.first_key_value().unwrap();
        assert_eq!(known.told.len(), MOST_REMEMBERED);
    }
}
