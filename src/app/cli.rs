//! The arguments of every command: read once, checked, and typed from here on.
//!
//! The doc comments of the fields are the text of `--help`, so they speak to the person at the terminal.

mod audit;
pub mod calibrate;
mod confirm;
mod enrol;
mod evaluate;
mod record;
mod support;
mod till;
mod track;
mod update;
mod zone;

pub use audit::{AuditArgs, AuditCommand, AuditResultArgs, AuditServeArgs, AuditTallyArgs};
pub use confirm::ConfirmArgs;
pub use enrol::EnrolArgs;
pub use evaluate::EvaluateArgs;
pub use record::RecordArgs;
pub use support::SupportArgs;
pub use till::TillArgs;
pub use track::TrackArgs;
pub use update::{ReleaseCommand, ReleaseKeyArgs, ReleaseSignArgs, UpdateApplyArgs, UpdateCommand};
pub use zone::{ZoneArgs, ZoneSpec, ZoneSpecError};

use super::exit::Ending;
use crate::config::{MAX_FPS, MAX_THREADS, MAX_U_TURN, MIN_LINE_PX, parse_span};
use crate::count::{Anchor, Band, LineRole, LineSettings};
use crate::detect::DetectorKind;
use crate::geom::{ImagePoint, PictureSize, Segment};
use crate::ids::{CameraId, IdError, LineId};
use crate::time::WallTime;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{ArgGroup, Args, CommandFactory, Parser, Subcommand};
use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

/// Counts people with the cameras a store already has, and says how much it saw.
#[derive(Debug, Clone, PartialEq, Parser)]
#[command(name = "footfall", version, max_term_width = 100, after_help = Ending::help("footfall"))]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Command {
    /// Count with the cameras of a config file until told to stop (the service)
    ///
    /// Reads the cameras, counts who crosses their lines, keeps every record on disk until the broker has it.
    /// SIGTERM or Ctrl-C stops it within 5 s with all that was counted on disk.
    #[command(after_help = "Example:\n  footfall run --config /etc/footfall/footfall.toml")]
    Run(RunArgs),
    /// Get this box its name, its broker and its certificate from head office, with a link that is used once
    ///
    /// Makes a key that never leaves the box. Run it as the user that the service runs as.
    #[command(after_help = enrol::EXAMPLE)]
    Enrol(EnrolArgs),
    /// Count in a video clip or in a recording, as fast as it goes
    #[command(after_help = "Examples:\n  footfall count door.mp4 --line entrance:500,140,500,480\n  \
        footfall count door.mp4 --line in:500,140,500,480 --every 2 --events crossings.jsonl --json\n  \
        footfall count table.mp4 --zone \"table:300,280 580,280 580,400 300,400\" --visit-after 4s\n  \
        footfall count door.mp4 --config footfall.toml --camera door --video drawn.mp4\n  \
        footfall count --detections seen.jsonl --line entrance:500,140,500,480 --events crossings.jsonl\n\n\
        Whoever walks along a line from X1,Y1 to X2,Y2 on the picture has the store on the left.")]
    Count(CountArgs),
    /// Write down what the network sees in a clip or at a camera: boxes and times, no picture
    ///
    /// `footfall count --detections` counts with it again, without picture or network, and comes to the same records.
    #[command(after_help = record::EXAMPLE)]
    Record(RecordArgs),
    /// Compare a count with what a person saw, event by event
    #[command(after_help = evaluate::EXAMPLE)]
    Evaluate(EvaluateArgs),
    /// Follow people through a file of detections: MOT text in, MOT text out
    #[command(after_help = track::EXAMPLE)]
    Track(TrackArgs),
    /// Look for faults in a config file and show all of them
    #[command(after_help = "Example:\n  footfall check --config footfall.toml")]
    Check(CheckArgs),
    /// The config file itself
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The networks that find people
    #[command(subcommand)]
    Model(ModelCommand),
    /// Draw lines, zones and people on one picture of a camera
    #[command(
        after_help = "Examples:\n  footfall look --config footfall.toml --camera door --out door.png\n  \
        footfall look door.mp4 --line entrance:500,140,500,480 --out door.png"
    )]
    Look(LookArgs),
    /// Say that lines and zones fit the picture again, after a camera was moved
    ///
    /// Look first: `footfall look` draws them. A running box notices within seconds; what it counts is then valid again.
    #[command(after_help = confirm::EXAMPLE)]
    Confirm(ConfirmArgs),
    /// Show what came from the till and could not be taken, and why
    #[command(after_help = till::EXAMPLE)]
    Till(TillArgs),
    /// Find where the floor lies in a camera's picture, so that distances are metres
    #[command(subcommand)]
    Calibrate(calibrate::CalibrateCommand),
    /// Show on the terminal what arrives at the broker from this box
    #[command(after_help = "Examples:\n  footfall watch --config footfall.toml\n  \
        footfall watch --config footfall.toml --for 40s --expect crossings,minutes")]
    Watch(WatchArgs),
    /// Pack what somebody needs who is to help with this box, without secrets and without pictures
    #[command(after_help = support::EXAMPLE)]
    Support(SupportArgs),
    /// How right are the counts? Clips of random minutes, counted again by a person
    #[command(subcommand)]
    Audit(AuditCommand),
    /// The software of this box, replaced from afar
    #[command(subcommand)]
    Update(UpdateCommand),
    /// Sign packages, so that boxes take them
    #[command(subcommand)]
    Release(ReleaseCommand),
}

/// The config file itself.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Print the commented default file: every setting with its unit and default
    #[command(after_help = "Example:\n  footfall config default > footfall.toml")]
    Default,
}

/// The networks that find people.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ModelCommand {
    /// Show the models of a folder, and whether they can be used
    #[command(after_help = "Example:\n  footfall model list --folder models")]
    List(ModelListArgs),
    /// Look into a network of your own and write its manifest
    ///
    /// Recognises the head by the network's outputs and asks for what cannot be seen, such as the licence.
    #[command(
        after_help = "Example:\n  footfall model add people.onnx --licence MIT --source \"our own, 2026\" \
        --picture shop.jpg"
    )]
    Add(ModelAddArgs),
}

/// `footfall run`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RunArgs {
    /// The config file
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// `footfall check`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CheckArgs {
    /// The config file
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Which lines, from the arguments or from a camera of a config file.
#[derive(Debug, Clone, PartialEq, Default, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("lines").args(["line", "zone", "config"]).required(true).multiple(true))]
pub struct LineArgs {
    /// A line in px of the picture, x to the right and y down; may be given several times
    ///
    /// With --config too, these lines take the place of the camera's own.
    #[arg(long, value_name = "NAME:X1,Y1,X2,Y2", value_parser = LineSpec::parse)]
    pub line: Vec<LineSpec>,
    /// Which point of a person counts [default: foot, or what the config file says]
    #[arg(long, value_name = "POINT", value_parser = anchors())]
    pub anchor: Option<Anchor>,
    /// Full width in px of the band around a line in which nothing is decided
    #[arg(long, value_name = "W", value_parser = band_width, conflicts_with = "band_heights")]
    pub band_px: Option<f32>,
    /// The same as a share of the person's height in the picture [default: 0.2]
    #[arg(long, value_name = "SHARE", value_parser = band_width)]
    pub band_heights: Option<f32>,
    /// Whoever comes back within this time, such as 5s, counts neither in nor out [default: 0s, which is off]
    #[arg(long, value_name = "DUR", value_parser = u_turn)]
    pub u_turn: Option<Duration>,
    /// Where the floor lies in the picture, as `footfall calibrate` wrote it [default: learned from the people seen]
    #[arg(long, value_name = "FILE.toml")]
    pub calibration: Option<PathBuf>,
    /// Take lines, zones and model from a camera of this config file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Which camera of the config file; may be left out where it has only one
    #[arg(long, value_name = "ID", requires = "config", value_parser = camera_id)]
    pub camera: Option<CameraId>,
    /// Which zones.
    #[command(flatten)]
    pub zones: ZoneArgs,
}

/// `footfall count`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct CountArgs {
    /// A video file, or a folder of PNG and JPEG pictures
    #[arg(required_unless_present = "detections")]
    pub clip: Option<PathBuf>,
    /// Count with what was seen before, in place of a clip: a recording, or MOT text with --fps and --picture
    #[arg(long, value_name = "FILE", conflicts_with_all = ["clip", "model", "threads", "video"])]
    pub detections: Option<PathBuf>,
    /// Size of the picture that the boxes of MOT text were found in
    #[arg(long, value_name = "WxH", conflicts_with = "clip", value_parser = picture_size)]
    pub picture: Option<PictureSize>,
    /// Which lines.
    #[command(flatten)]
    pub lines: LineArgs,
    /// What finds people [default: network, or what the config file says]
    ///
    /// The foreground, what differs from the empty place, is for cameras that look down.
    #[arg(long, value_name = "WHAT", value_parser = detectors())]
    pub detector: Option<DetectorKind>,
    /// Manifest of the model [default: the config file's, or models/nanodet-g-416-int8.toml]
    #[arg(long, value_name = "MANIFEST")]
    pub model: Option<PathBuf>,
    /// Frames per second of the clip, instead of the times in its container
    #[arg(long, value_name = "F", value_parser = frame_rate)]
    pub fps: Option<f64>,
    /// Look at every Nth frame only
    #[arg(long, value_name = "N", default_value = "1")]
    pub every: NonZeroU32,
    /// Threads inside one run of the network [default: the config file's, or 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=i64::from(MAX_THREADS)))]
    pub threads: Option<u8>,
    /// Write the records, one JSON object a line, as they would go over the wire
    #[arg(long, value_name = "OUT.jsonl")]
    pub events: Option<PathBuf>,
    /// Print one summary object on standard output
    #[arg(long)]
    pub json: bool,
    /// When the clip's first frame was taken [default: 2026-01-01T00:00:00Z]
    #[arg(long, value_name = "RFC3339", value_parser = wall_time)]
    pub start: Option<WallTime>,
    /// Write the clip with boxes, tracks and lines drawn
    #[arg(long, value_name = "OUT.mp4")]
    pub video: Option<PathBuf>,
}

/// `footfall look`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct LookArgs {
    /// A video file or a folder of pictures; left out: the camera of the config file
    #[arg(required_unless_present = "config")]
    pub clip: Option<PathBuf>,
    /// Which lines.
    #[command(flatten)]
    pub lines: LineArgs,
    /// Manifest of the model [default: the config file's, or models/nanodet-g-416-int8.toml]
    #[arg(long, value_name = "MANIFEST")]
    pub model: Option<PathBuf>,
    /// The picture to write, PNG or JPEG
    #[arg(long, value_name = "P.png")]
    pub out: PathBuf,
}

/// `footfall watch`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct WatchArgs {
    /// The config file of the box
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// End after this long, such as 40s [default: until Ctrl-C]
    #[arg(long = "for", value_name = "DUR", value_parser = watch_length)]
    pub length: Option<Duration>,
    /// Fail unless these have arrived by the end
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = expectations(), requires = "length")]
    pub expect: Vec<Expectation>,
}

/// What `footfall watch` can wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Expectation {
    /// At least one crossing.
    Crossings,
    /// At least one minute record.
    Minutes,
    /// A store's day with a sale and the share of visitors that bought.
    Conversion,
}

/// `footfall model list`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ModelListArgs {
    /// The folder that holds the manifests
    #[arg(long, value_name = "FOLDER", default_value = "models")]
    pub folder: PathBuf,
}

/// `footfall model add`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ModelAddArgs {
    /// The network; its manifest is written beside it
    #[arg(value_name = "FILE.onnx")]
    pub file: PathBuf,
    /// Its head: nanodet, yolox, yolov8, ssd or detr [default: recognised by its outputs]
    #[arg(long, value_name = "HEAD")]
    pub head: Option<String>,
    /// Licence of its weights, such as Apache-2.0 [default: asked]
    #[arg(long, value_name = "LICENCE")]
    pub licence: Option<String>,
    /// Where it comes from [default: asked]
    #[arg(long, value_name = "TEXT")]
    pub source: Option<String>,
    /// The model's name in every record [default: the file's]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// A picture to try it on; shows the people it sees
    #[arg(long, value_name = "PICTURE")]
    pub picture: Option<PathBuf>,
    /// Write the tried picture with the people drawn
    #[arg(long, value_name = "P.png", requires = "picture")]
    pub out: Option<PathBuf>,
    /// The ONNX Runtime library [default: FOOTFALL_ONNXRUNTIME, then the usual places]
    #[arg(long, value_name = "LIBRARY")]
    pub library: Option<PathBuf>,
}

impl Cli {
    /// Reads the arguments, the program's name first.
    ///
    /// # Errors
    /// What is wrong with them, or the help that was asked for; `exit()` shows both.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let cli = Self::try_parse_from(arguments)?;
        let lines = match &cli.command {
            Command::Count(args) => &args.lines,
            Command::Look(args) => &args.lines,
            _ => return Ok(cli),
        };
        if let Some(name) = lines.zones.name_given_twice() {
            return Err(Self::command().error(
                ErrorKind::ValueValidation,
                format!("two zones are named {name}; give every --zone a name of its own"),
            ));
        }
        match lines.name_given_twice() {
            Some(name) => Err(Self::command().error(
                ErrorKind::ValueValidation,
                format!("two lines are named {name}; give every --line a name of its own"),
            )),
            None => Ok(cli),
        }
    }
}

impl LineArgs {
    /// The lines to count at: those of the arguments, or else the configured ones, with what the arguments say
    /// about all lines.
    #[must_use]
    pub fn over(&self, configured: &[LineSettings]) -> Vec<LineSettings> {
        let mut lines: Vec<LineSettings> = match self.line.as_slice() {
            [] => configured.to_vec(),
            given => given.iter().map(LineSpec::settings).collect(),
        };
        let band = self.band_px.map(Band::Px).or(self.band_heights.map(Band::Heights));
        for line in &mut lines {
            line.anchor = self.anchor.unwrap_or(line.anchor);
            line.band = band.unwrap_or(line.band);
            line.u_turn = self.u_turn.unwrap_or(line.u_turn);
        }
        lines
    }

    fn name_given_twice(&self) -> Option<&LineId> {
        let earlier = |index: usize, id: &LineId| self.line[..index].iter().any(|line| line.id == *id);
        let mut names = self.line.iter().map(|line| &line.id).enumerate();
        names.find(|(index, id)| earlier(*index, id)).map(|(_, id)| id)
    }
}

/// A line as given on the command line.
#[derive(Debug, Clone, PartialEq)]
pub struct LineSpec {
    /// Its name; capitals are allowed here.
    pub id: LineId,
    /// Where it lies, in px of the picture.
    pub segment: Segment,
}

/// Why a text is not a line.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LineSpecError {
    /// There is no name.
    #[error("a line is NAME:X1,Y1,X2,Y2, such as entrance:500,140,500,480; the name is missing")]
    NoName,
    /// The name is none.
    #[error("the line's name: {0}")]
    Name(#[from] IdError),
    /// There are not four numbers.
    #[error("line {name}: {got} numbers were given, 4 are needed: {name}:X1,Y1,X2,Y2")]
    Count {
        /// The line.
        name: LineId,
        /// How many there are.
        got: usize,
    },
    /// One of the numbers is none, or lies outside every picture.
    #[error("line {name}: {text:?} is not a coordinate; give px from 0 on")]
    Coordinate {
        /// The line.
        name: LineId,
        /// What was given.
        text: String,
    },
    /// Nobody can cross it.
    #[error("line {name}: it is {length} px long, at least {MIN_LINE_PX} px are needed")]
    TooShort {
        /// The line.
        name: LineId,
        /// Its length, px.
        length: f32,
    },
}

impl LineSpec {
    /// Reads `NAME:X1,Y1,X2,Y2`. Whether it lies in the picture is seen when there is one.
    ///
    /// # Errors
    /// [`LineSpecError`] says what is not understood.
    pub fn parse(text: &str) -> Result<Self, LineSpecError> {
        let (name, numbers) = text.split_once(':').ok_or(LineSpecError::NoName)?;
        let name = LineId::parse_any_case(name)?;
        let numbers: Vec<&str> = numbers.split(',').collect();
        let [x1, y1, x2, y2] = numbers.as_slice() else {
            return Err(LineSpecError::Count { name, got: numbers.len() });
        };
        let coordinate = |text: &str| {
            let px = text.trim().parse::<f32>().ok().filter(|px| (0.0..f32::INFINITY).contains(px));
            px.ok_or_else(|| LineSpecError::Coordinate { name: name.clone(), text: text.to_owned() })
        };
        let from = ImagePoint::new(coordinate(x1)?, coordinate(y1)?);
        let to = ImagePoint::new(coordinate(x2)?, coordinate(y2)?);
        let segment = Segment::new(from, to);
        let length = segment.length();
        if length < MIN_LINE_PX {
            return Err(LineSpecError::TooShort { name, length });
        }
        Ok(Self { id: name, segment })
    }

    /// The line with every default.
    #[must_use]
    pub fn settings(&self) -> LineSettings {
        LineSettings {
            id: self.id.clone(),
            segment: self.segment,
            band: Band::default(),
            anchor: Anchor::default(),
            u_turn: Duration::ZERO,
            activation: Vec::new(),
            role: LineRole::default(),
        }
    }
}

fn anchors() -> impl TypedValueParser<Value = Anchor> {
    PossibleValuesParser::new(Anchor::ALL.map(Anchor::name))
        .map(|word| Anchor::parse(&word).expect("the parser before lets only names of anchors through"))
}

fn detectors() -> impl TypedValueParser<Value = DetectorKind> {
    PossibleValuesParser::new(DetectorKind::ALL.map(DetectorKind::name))
        .map(|word| DetectorKind::parse(&word).expect("the parser before lets only names of kinds through"))
}

fn expectations() -> impl TypedValueParser<Value = Expectation> {
    PossibleValuesParser::new(["crossings", "minutes", "conversion"]).map(|word| match word.as_str() {
        "minutes" => Expectation::Minutes,
        "conversion" => Expectation::Conversion,
        _ => Expectation::Crossings,
    })
}

fn camera_id(text: &str) -> Result<CameraId, IdError> {
    CameraId::parse(text)
}

fn band_width(text: &str) -> Result<f32, String> {
    let width = text.parse::<f32>().ok().filter(|width| (0.0..f32::INFINITY).contains(width));
    width.ok_or_else(|| "give a width of 0 or more".to_owned())
}

fn frame_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| *rate > 0.0 && *rate <= MAX_FPS);
    rate.ok_or_else(|| format!("give more than 0 and at most {MAX_FPS} frames per second"))
}

fn u_turn(text: &str) -> Result<Duration, String> {
    let span = parse_span(text).map_err(|fault| fault.to_string())?;
    if span > MAX_U_TURN { Err("give at most 10m".to_owned()) } else { Ok(span) }
}

fn watch_length(text: &str) -> Result<Duration, String> {
    let span = parse_span(text).map_err(|fault| fault.to_string())?;
    if span.is_zero() { Err("give at least 1s".to_owned()) } else { Ok(span) }
}

fn span(text: &str) -> Result<Duration, String> {
    parse_span(text).map_err(|fault| fault.to_string())
}

fn picture_size(text: &str) -> Result<PictureSize, String> {
    let side = |text: &str| text.parse::<u32>().ok().filter(|side| (1..=65_535).contains(side));
    let sides = text.split_once('x').and_then(|(width, height)| side(width).zip(side(height)));
    let size = sides.map(|(width, height)| PictureSize { width, height });
    size.ok_or_else(|| "give the width and the height in px, such as 768x576".to_owned())
}

fn wall_time(text: &str) -> Result<WallTime, String> {
    let at = text.parse::<jiff::Timestamp>();
    at.map(|at| WallTime::from_unix_ms(at.as_millisecond()))
        .map_err(|_fault| "give a time with its zone, such as 2026-05-01T09:00:00+08:00".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Cli, clap::Error> {
        Cli::read(line.split_whitespace().map(OsString::from))
    }

    fn check(line: &str) -> Command {
        read(line).unwrap_or_else(|fault| panic!("{line}\n{fault}")).command
    }

    #[track_caller]
    fn check_refused(line: &str, why: &str) {
        let fault = read(line).expect_err(line);
        assert_eq!(fault.exit_code(), i32::from(Ending::Usage.code()), "{fault}");
        let text = fault.to_string();
        assert!(text.contains(why), "{line}: {why:?} is not in\n{text}");
    }

    fn count(line: &str) -> CountArgs {
        match check(line) {
            Command::Count(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_detector_is_chosen_by_its_name_and_no_other_is_there() {
        for kind in DetectorKind::ALL {
            let line = format!("footfall count a.mp4 --line a:0,0,0,90 --detector {kind}");
            assert_eq!(count(&line).detector, Some(kind));
        }
        assert_eq!(count("footfall count a.mp4 --line a:0,0,0,90").detector, None);
        check_refused("footfall count a.mp4 --line a:0,0,0,90 --detector mog2", "foreground");
    }

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example_in_its_help() {
        let mut open = vec![Cli::command()];
        let mut leaves = 0;
        while let Some(mut command) = open.pop() {
            open.extend(command.get_subcommands().filter(|sub| sub.get_name() != "help").cloned());
            if command.get_subcommands().next().is_none() {
                let help = command.render_long_help().to_string();
                assert!(help.contains("Example"), "{help}");
                leaves += 1;
            }
        }
        assert_eq!(leaves, 26);
    }

    #[test]
    fn the_help_lists_every_exit_code() {
        let help = Cli::command().render_help().to_string();
        for ending in Ending::ALL {
            assert!(help.contains(&format!("  {}  {}", ending.code(), ending.meaning())), "{help}");
        }
    }

    #[test]
    fn a_count_takes_its_lines_from_the_arguments() {
        let args = count(
            "footfall count a.avi --line V500:500,140,500,480 --line b:0,0,9.5,0 --every 2 --fps 7 \
             --anchor centre --band-px 6 --u-turn 3s --threads 2 --events o.jsonl --json --video o.mp4",
        );
        let lines = args.lines.over(&[]);
        assert_eq!(lines.iter().map(|line| line.id.as_str()).collect::<Vec<_>>(), ["V500", "b"]);
        assert_eq!(lines[1].segment.b, ImagePoint::new(9.5, 0.0));
        let all_alike = |line: &LineSettings| {
            (line.anchor, line.band, line.u_turn) == (Anchor::Centre, Band::Px(6.0), Duration::from_secs(3))
        };
        assert!(lines.iter().all(all_alike), "{lines:?}");
        assert_eq!((args.every.get(), args.fps, args.threads, args.json), (2, Some(7.0), Some(2), true));
    }

    #[test]
    fn lines_of_the_arguments_take_the_place_of_configured_ones() {
        let configured = LineSpec::parse("door:1,1,9,9").unwrap().settings();
        let given = count("footfall count a.avi --config f.toml --camera door --line b:0,0,9,0");
        assert_eq!(given.lines.over(std::slice::from_ref(&configured))[0].id.as_str(), "b");
        let plain = count("footfall count a.avi --config f.toml");
        assert_eq!(plain.lines.over(std::slice::from_ref(&configured))[0], configured);
        let turned = count("footfall count a.avi --config f.toml --anchor head");
        assert_eq!(turned.lines.over(std::slice::from_ref(&configured))[0].anchor, Anchor::Head);
    }

    #[test]
    fn a_count_begins_at_a_fixed_time_where_none_is_given() {
        let args = count("footfall count a.avi --line a:0,0,9,9");
        assert_eq!(args.start, None);
        assert_eq!(crate::app::clip::DEFAULT_START.to_string(), "2026-01-01T00:00:00Z");
        let args = count("footfall count a.avi --line a:0,0,9,9 --start 2026-05-01T09:00:00+08:00");
        assert_eq!(args.start.unwrap().to_string(), "2026-05-01T01:00:00Z");
    }

    #[test]
    fn a_line_that_is_not_understood_says_why() {
        let refused =
            |line: &str, why: &str| check_refused(&format!("footfall count a.avi --line {line}"), why);
        refused("500,140,500,480", "the name is missing");
        refused(":1,2,3,4", "an id cannot be empty");
        refused("a.b:1,2,3,4", "holds '.'");
        refused("a:1,2,3", "3 numbers were given, 4 are needed");
        refused("a:1,2,3,4,5", "5 numbers were given");
        refused("a:1,2,x,4", "\"x\" is not a coordinate");
        refused("a:1,2,nan,4", "\"nan\" is not a coordinate");
        refused("a:1,2,inf,4", "\"inf\" is not a coordinate");
        refused("a:-1,2,3,4", "\"-1\" is not a coordinate");
        refused("a:5,5,5,5", "it is 0 px long");
    }

    #[test]
    fn two_lines_of_one_name_are_refused() {
        check_refused(
            "footfall count a.avi --line a:0,0,9,9 --line b:0,0,9,9 --line a:1,1,9,9",
            "two lines are named a",
        );
        check_refused(
            "footfall look a.avi --out p.png --line a:0,0,9,9 --line a:1,1,9,9",
            "two lines are named a",
        );
    }

    #[test]
    fn arguments_that_need_each_other_say_so() {
        for rest in ["", " --anchor head", " --band-px 3"] {
            check_refused(
                &format!("footfall count a.avi{rest}"),
                "<--line <NAME:X1,Y1,X2,Y2>|--zone <NAME:X,Y X,Y X,Y ...>|--config <FILE>>",
            );
        }
        check_refused("footfall count a.avi --line a:0,0,9,9 --camera door", "--config <FILE>");
        check_refused("footfall look --out p.png --line a:0,0,9,9", "<CLIP>");
        check_refused("footfall look a.avi --out p.png", "--line <NAME:X1,Y1,X2,Y2>");
        check_refused("footfall watch --config f.toml --expect crossings", "--for <DUR>");
        check_refused(
            "footfall count a.avi --line a:0,0,9,9 --band-px 3 --band-heights 1",
            "cannot be used with",
        );
        assert!(matches!(check("footfall look --config f.toml --out p.png"), Command::Look(_)));
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let refused = |rest: &str, why: &str| {
            check_refused(&format!("footfall count a.avi --line a:0,0,9,9 {rest}"), why);
        };
        refused("--every 0", "--every");
        refused("--fps 0", "more than 0");
        refused("--fps nan", "more than 0");
        refused("--threads 0", "1..=64");
        refused("--band-px=-1", "0 or more");
        refused("--band-px inf", "0 or more");
        refused("--u-turn 5", "no unit");
        refused("--u-turn 11m", "at most 10m");
        refused("--anchor feet", "foot, centre, head");
        refused("--start yesterday", "with its zone");
    }

    #[test]
    fn a_count_takes_a_clip_or_detections_and_not_both() {
        let args = count("footfall count --detections d.txt --fps 7 --picture 768x576 --line a:0,0,9,9");
        assert_eq!(args.picture, Some(PictureSize { width: 768, height: 576 }));
        let refused =
            |rest: &str, why: &str| check_refused(&format!("footfall count --line a:0,0,9,9 {rest}"), why);
        refused("", "<CLIP>");
        refused("a.avi --detections d.txt", "cannot be used with");
        refused("--detections d.txt --model m.toml", "cannot be used with");
        refused("--detections d.txt --video v.mp4", "cannot be used with");
        refused("a.avi --picture 768x576", "cannot be used with");
        refused("--detections d.txt --picture 768", "such as 768x576");
        refused("--detections d.txt --picture 0x576", "such as 768x576");
    }

    #[test]
    fn a_recording_is_of_a_clip_or_of_a_camera() {
        let Command::Record(args) = check("footfall record --config f.toml --for 10m --out s.jsonl") else {
            panic!("expected record")
        };
        assert_eq!(args.length, Some(Duration::from_secs(600)));
        check_refused("footfall record --out s.jsonl", "<CLIP|--config <FILE>>");
        check_refused("footfall record a.avi --config f.toml --out s.jsonl", "cannot be used with");
        check_refused("footfall record a.avi --for 10m --out s.jsonl", "cannot be used with");
        check_refused("footfall record --config f.toml --fps 5 --out s.jsonl", "cannot be used with");
        check_refused("footfall record a.avi", "--out <SEEN.jsonl>");
    }

    #[test]
    fn a_watch_can_end_and_expect_several_things() {
        let Command::Watch(args) =
            check("footfall watch --config f.toml --for 40s --expect crossings,minutes")
        else {
            panic!("expected watch")
        };
        assert_eq!(args.length, Some(Duration::from_secs(40)));
        assert_eq!(args.expect, [Expectation::Crossings, Expectation::Minutes]);
    }
}
