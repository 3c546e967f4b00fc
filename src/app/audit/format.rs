//! What an audit keeps on disk, version 1. The formats are promises: a tally outlives its clip and the software.
//!
//! ```text
//! audit/clips/ID.json        one clip: what was counted, where its pictures begin      deleted after `keep`
//! audit/clips/ID.mjpeg       its pictures: JPEGs one after another                     deleted with it
//! audit/tallies.jsonl        one line a tally; the first of a clip and line counts, later ones are corrections
//! audit/minutes/CAMERA-DAY.json   minutes that could have been drawn, by stratum, of one UTC day
//! ```
//!
//! A clip is there when its `.json` is: it is written last. A tally holds all that the estimate needs, so it stays
//! when the clip is gone. Only numbers are kept for good.

use crate::audit::{Passages, Population, Stratum, TalliedMinute};
use crate::time::WallTime;
use serde::{Deserialize, Serialize};

/// What stands in `v` of every file.
pub const VERSION: u32 = 1;

/// The name of a clip: camera and minute, such as `door-20261122t1500z`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClipId(String);

impl ClipId {
    /// The clip of a camera that begins at `start`.
    #[must_use]
    pub fn of(camera: &str, start: WallTime) -> Self {
        let minute = jiff::Timestamp::from_millisecond(start.unix_ms()).unwrap_or_default();
        Self(format!("{camera}-{}", minute.strftime("%Y%m%dt%H%Mz")))
    }

    /// A name from outside: only what can be the name of a file in one folder is taken.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-');
        let fits = !text.is_empty() && text.len() <= 100 && text.chars().all(plain);
        fits.then(|| Self(text.to_owned()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the counts of a minute were made with, and how the minute was drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// Camera id.
    pub camera: String,
    /// Start of the minute, UTC ms.
    pub start_ms: i64,
    /// How busy the quarter of an hour before it was.
    pub stratum: String,
    /// The chance with which it was drawn.
    pub chance: f64,
    /// Version of the geometry.
    pub geometry: String,
    /// Name of the network.
    pub model: String,
}

/// One clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clip {
    /// Version.
    pub v: u32,
    /// Its name, which is that of its files.
    pub id: String,
    /// Where it comes from.
    pub drawn: Drawn,
    /// How much of the minute the camera saw, ms.
    pub seen_ms: u64,
    /// Pictures that were left out: the disk was too slow, or nobody looked whether people were on them.
    pub lost: u32,
    /// Width of its pictures, px.
    pub width: u32,
    /// Height of its pictures, px.
    pub height: u32,
    /// Its pictures, in order.
    pub pictures: Vec<ClipPicture>,
    /// The camera's lines, and what was counted there.
    pub lines: Vec<ClipLine>,
}

/// One picture of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipPicture {
    /// When, ms after the start of the minute.
    pub at_ms: u32,
    /// Bytes of its JPEG; it begins where the one before ends.
    pub bytes: u32,
}

/// One line in a clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipLine {
    /// Line id.
    pub line: String,
    /// Where it begins: x and y as parts of the picture's width and height.
    pub from: [f32; 2],
    /// Where it ends. Whoever walks from `from` to `to` has the store on the left.
    pub to: [f32; 2],
    /// Crossings into the store that were counted in this minute.
    #[serde(rename = "in")]
    pub entries: u32,
    /// Crossings out of it.
    #[serde(rename = "out")]
    pub exits: u32,
    /// When they were counted.
    pub crossings: Vec<ClipCrossing>,
}

/// One crossing that was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipCrossing {
    /// When, ms after the start of the minute.
    pub at_ms: u32,
    /// Whether into the store; otherwise out of it.
    #[serde(rename = "in")]
    pub is_in: bool,
}

/// What a person counted at one line of one clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Version.
    pub v: u32,
    /// The clip.
    pub clip: String,
    /// The line.
    pub line: String,
    /// Where the clip came from.
    pub drawn: Drawn,
    /// What the box had counted in.
    pub counted_in: u32,
    /// What the box had counted out.
    pub counted_out: u32,
    /// What the person counted in.
    #[serde(rename = "in")]
    pub entries: u32,
    /// What the person counted out.
    #[serde(rename = "out")]
    pub exits: u32,
    /// When the person did, UTC ms.
    pub tallied_ms: i64,
    /// Whether the line of this clip was tallied before: the person then knew what the box had counted, so it is kept
    /// for whoever looks into it and changes no figure.
    #[serde(rename = "correction", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_correction: bool,
}

impl Tally {
    /// For the estimate; none where a later version wrote a stratum or a chance that cannot be used.
    #[must_use]
    pub fn minute(&self) -> Option<TalliedMinute> {
        let chance = self.drawn.chance;
        Some(TalliedMinute {
            stratum: Stratum::parse(&self.drawn.stratum)?,
            chance: Some(chance).filter(|chance| *chance > 0.0 && *chance <= 1.0)?,
            counted: Passages { entries: self.counted_in, exits: self.counted_out },
            tallied: Passages { entries: self.entries, exits: self.exits },
        })
    }
}

/// The minutes of one camera and UTC day that could have been drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayOfMinutes {
    /// Version.
    pub v: u32,
    /// Camera id.
    pub camera: String,
    /// Start of the day, UTC ms.
    pub day_ms: i64,
    /// Sums, for each stratum, geometry and network; what came last stands last.
    pub sums: Vec<SumOfMinutes>,
}

/// Minutes of one stratum that were counted in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SumOfMinutes {
    /// Version of the geometry.
    pub geometry: String,
    /// Name of the network.
    pub model: String,
    /// How busy the time before them was.
    pub stratum: String,
    /// How many.
    pub minutes: u64,
    /// Crossings that the box counted in them, over all lines.
    pub crossings: u64,
    /// Start of the last one, UTC ms.
    pub last_ms: i64,
}

impl DayOfMinutes {
    /// A day of which nothing was seen.
    #[must_use]
    pub fn none_yet(camera: &str, day: WallTime) -> Self {
        Self { v: VERSION, camera: camera.to_owned(), day_ms: day.unix_ms(), sums: Vec::new() }
    }

    /// Adds a minute in which `crossings` were counted.
    pub fn add(&mut self, drawn: &Drawn, crossings: u64) {
        let is_same = |sum: &&mut SumOfMinutes| {
            (&sum.geometry, &sum.model, &sum.stratum) == (&drawn.geometry, &drawn.model, &drawn.stratum)
        };
        if let Some(sum) = self.sums.iter_mut().find(is_same) {
            sum.minutes += 1;
            sum.crossings += crossings;
            sum.last_ms = drawn.start_ms;
            return;
        }
        self.sums.push(SumOfMinutes {
            geometry: drawn.geometry.clone(),
            model: drawn.model.clone(),
            stratum: drawn.stratum.clone(),
            minutes: 1,
            crossings,
            last_ms: drawn.start_ms,
        });
    }
}

impl SumOfMinutes {
    /// Adds it to the population of its stratum; a stratum that is not known is passed over.
    pub fn add_to(&self, population: &mut [Population; Stratum::ALL.len()]) {
        if let Some(stratum) = Stratum::parse(&self.stratum) {
            let of = &mut population[stratum.index()];
            of.minutes = of.minutes.saturating_add(self.minutes);
            of.crossings = of.crossings.saturating_add(self.crossings);
        }
    }
}

#[cfg(test)]
impl Clip {
    /// A clip of a line on which the box counted 3 in and 1 out.
    pub(super) fn sample(drawn: Drawn, pictures: Vec<ClipPicture>) -> Self {
        let id = super::ClipId::of(&drawn.camera, crate::time::WallTime::from_unix_ms(drawn.start_ms));
        let (from, to, crossings) = ([0.5, 0.0], [0.5, 1.0], Vec::new());
        let line = ClipLine { line: "entrance".to_owned(), from, to, entries: 3, exits: 1, crossings };
        Self {
            v: VERSION,
            id: id.as_str().to_owned(),
            drawn,
            seen_ms: 60_000,
            lost: 0,
            width: 4,
            height: 3,
            pictures,
            lines: vec![line],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_is_named_after_its_camera_and_minute() {
        let id = ClipId::of("door", WallTime::from_unix_ms(1_760_000_040_000));
        assert_eq!(id.as_str(), "door-20251009t0854z");
        assert_eq!(ClipId::parse(id.as_str()), Some(id));
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_no_clip() {
        for text in ["", "..", "../door", "a/b", "a.json", "A", "a b", "a%2fb", "a\0", &"a".repeat(101)] {
            assert_eq!(ClipId::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn minutes_of_another_geometry_are_summed_apart() {
        let mut drawn = Drawn {
            camera: "door".to_owned(),
            start_ms: 60_000,
            stratum: "busy".to_owned(),
            chance: 0.1,
            geometry: "a".to_owned(),
            model: "m".to_owned(),
        };
        let mut day = DayOfMinutes::none_yet("door", WallTime::default());
        day.add(&drawn, 5);
        day.add(&drawn, 7);
        drawn.geometry = "b".to_owned();
        day.add(&drawn, 1);
        let sums: Vec<_> =
            day.sums.iter().map(|sum| (sum.geometry.as_str(), sum.minutes, sum.crossings)).collect();
        assert_eq!(sums, [("a", 2, 12), ("b", 1, 1)]);
        let mut population = [Population::default(); 5];
        day.sums.iter().for_each(|sum| sum.add_to(&mut population));
        assert_eq!(population[Stratum::Busy.index()], Population { minutes: 3, crossings: 13 });
    }
}
