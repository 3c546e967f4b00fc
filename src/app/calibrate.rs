//! `footfall calibrate`: where the floor lies in a camera's picture, made, judged in words, and drawn to be looked at.

#[cfg(feature = "capture-opencv")]
mod grid;
mod words;

use super::cli::calibrate::{
    CalibrateCommand, LensArgs, MountingArgs, OutArgs, PeopleArgs, PictureArgs, PointsArgs,
};
use super::clip::to_look_at;
use super::exit::Failure;
use super::eye;
use crate::calibration::mounting::{self, Mounting};
use crate::calibration::{Floor, Lens, LensPrior, PeopleFit, points};
use crate::capture::{self, CaptureError, Frame, FrameSource, Picture, ReadOutcome};
use crate::detect::DetectorKind;
use crate::geom::PictureSize;
use crate::recording::mot::MotDetections;
use crate::time::{Clock, SystemClock};
use crate::track::ScoreLevels;
use std::fs::{self, File};
use std::io::{BufReader, Write, stdout};
use std::path::Path;
use std::sync::Arc;

/// Makes a calibration.
///
/// # Errors
/// What cannot be read, fitted or written, and what to do.
pub fn calibrate(command: &CalibrateCommand) -> anyhow::Result<()> {
    match command {
        CalibrateCommand::Points(args) => by_points(args),
        CalibrateCommand::Mounting(args) => by_mounting(args),
        CalibrateCommand::People(args) => by_people(args),
        CalibrateCommand::Lens(args) => measure_lens(args),
    }
}

/// The picture that a calibration is for.
struct Sight {
    size: PictureSize,
    /// None where only a size was given.
    picture: Option<Picture>,
    lens: Option<Lens>,
}

impl Sight {
    fn of(args: &PictureArgs) -> anyhow::Result<Self> {
        let picture = args.picture.as_deref().map(first_picture).transpose()?;
        let size = picture.as_ref().map(Picture::size).or(args.size);
        // The argument parser asks for one of them.
        let size = size.ok_or_else(|| input("give --picture or --size"))?;
        let lens = args.lens.as_deref().map(|path| lens_of(path, size)).transpose()?;
        Ok(Self { size, picture, lens })
    }
}

fn by_points(args: &PointsArgs) -> anyhow::Result<()> {
    let sight = Sight::of(&args.picture)?;
    let fit = points::fit(sight.size, sight.lens.as_ref(), &args.pair).map_err(input)?;
    let pair = |pair: &points::PointPair| {
        let (px, metres) = (pair.in_image, pair.on_floor);
        format!("\n  {},{} = {},{}", px.x, px.y, metres.x_m, metres.y_m)
    };
    let pairs: String = args.pair.iter().map(pair).collect();
    let heading = format!("Made by `footfall calibrate points` from px = metres:{pairs}");
    finish(&fit.floor, &heading, &words::of_points(&fit), sight.picture, &args.out)
}

fn by_mounting(args: &MountingArgs) -> anyhow::Result<()> {
    let sight = Sight::of(&args.picture)?;
    let of_lens = |lens: &Lens| {
        let half = 0.5 * f64::from(sight.size.width) / lens.parameters().focal_px[0];
        2.0 * half.atan().to_degrees()
    };
    let field_of_view_deg = args.fov.or(sight.lens.as_ref().map(of_lens));
    let field_of_view_deg = field_of_view_deg.ok_or_else(|| input("give --fov or --lens"))?;
    let mounting =
        Mounting { height_m: args.height, tilt_deg: args.tilt, field_of_view_deg, roll_deg: args.roll };
    let floor = mounting::fit(sight.size, sight.lens.as_ref(), &mounting).map_err(input)?;
    let heading = format!(
        "Made by `footfall calibrate mounting`: {} m high, {} degrees down, {field_of_view_deg:.1} degrees across, \
        turned {} degrees.",
        args.height, args.tilt, args.roll
    );
    finish(&floor, &heading, &words::of_mounting(&floor), sight.picture, &args.out)
}

fn by_people(args: &PeopleArgs) -> anyhow::Result<()> {
    let lens = args.fov.map_or(LensPrior::Typical, LensPrior::FieldOfView);
    let least = args.score.unwrap_or(ScoreLevels::MODEST.start);
    let (fit, picture) = match (&args.clip, &args.detections) {
        (Some(clip), _) => watched(args, clip, lens, least)?,
        (None, Some(detections)) => detected(args, detections, lens, least)?,
        (None, None) => return Err(input("give a clip or --detections")),
    };
    let boxes = fit.boxes();
    let floor = fit.fit().map_err(input)?;
    let heading = format!("Made by `footfall calibrate people` from {boxes} boxes of people.");
    finish(&floor, &heading, &words::of_people(&floor, lens), picture, &args.out)
}

/// People of a clip, seen by the network; the picture is the last one.
fn watched(
    args: &PeopleArgs,
    clip: &Path,
    lens: LensPrior,
    least: f32,
) -> anyhow::Result<(PeopleFit, Option<Picture>)> {
    let mut settings = eye::default_settings();
    if let Some(model) = &args.model {
        settings.manifest.clone_from(model);
    }
    let (mut detector, mut people) = (eye::open(&settings, DetectorKind::Network)?, Vec::new());
    let (mut camera, mut frame) = opened(clip)?;
    let mut fit = PeopleFit::new(frame.picture.size()).with_lens(lens);
    let every = u64::from(args.every.get());
    loop {
        people.clear();
        detector.detect(&frame.picture, frame.at, &mut people)?;
        people.iter().filter(|person| person.score >= least).for_each(|person| fit.add(&person.bbox));
        if camera.read_wanted(&mut |number, _| number % every == 1 % every, &mut frame)? == ReadOutcome::End {
            return Ok((fit, Some(frame.picture)));
        }
    }
}

/// People of a file of detections.
fn detected(
    args: &PeopleArgs,
    detections: &Path,
    lens: LensPrior,
    least: f32,
) -> anyhow::Result<(PeopleFit, Option<Picture>)> {
    let picture = args.picture.as_deref().map(first_picture).transpose()?;
    let size = picture.as_ref().map(Picture::size).or(args.size);
    let size = size.ok_or_else(|| input("give --size or --picture"))?;
    let file = File::open(detections).map_err(|fault| input(unread(detections, &fault)))?;
    let read = MotDetections::read(BufReader::new(file));
    let read = read.map_err(|fault| input(format!("{}: {fault}", detections.display())))?;
    let (mut fit, mut people) = (PeopleFit::new(size).with_lens(lens), Vec::new());
    for frame in read.frames_looked_at() {
        read.detections(frame, &mut people);
        people.iter().filter(|person| person.score >= least).for_each(|person| fit.add(&person.bbox));
    }
    Ok((fit, picture))
}

/// Writes, draws and tells.
fn finish(
    floor: &Floor,
    heading: &str,
    words: &str,
    picture: Option<Picture>,
    out: &OutArgs,
) -> anyhow::Result<()> {
    let text = floor.to_toml(heading);
    let mut told = stdout();
    match &out.out {
        Some(path) => {
            fs::write(path, &text).map_err(|fault| input(unwritten(path, &fault)))?;
            writeln!(told, "{words}{}written to {}", words::of_camera(floor), path.display())?;
        }
        None => writeln!(told, "{text}\n{words}{}", words::of_camera(floor).trim_end())?,
    }
    let Some(path) = &out.grid else { return Ok(()) };
    let picture = picture.ok_or_else(|| input("--grid needs a picture to draw on: give --picture"))?;
    draw(floor, picture, path)?;
    writeln!(
        told,
        "drawn in {}: do the lines lie on the floor, and are people as tall as the outlines (1.70 m)?",
        path.display()
    )?;
    Ok(())
}

#[cfg(feature = "capture-opencv")]
fn draw(floor: &Floor, mut picture: Picture, path: &Path) -> anyhow::Result<()> {
    use super::draw;
    let overlay = draw::Overlay {
        floor: grid::marks(floor, picture.size()),
        caption: "1 m a line, 5 m a strong one; people of 1.70 m".to_owned(),
        ..draw::Overlay::default()
    };
    draw::draw(&overlay, &mut picture)?;
    Ok(draw::save_png(&picture, path)?)
}

#[cfg(not(feature = "capture-opencv"))]
fn draw(_floor: &Floor, _picture: Picture, _path: &Path) -> anyhow::Result<()> {
    Err(input("this footfall was built without capture-opencv, so it draws nothing: leave out --grid"))
}

#[cfg(feature = "capture-opencv")]
fn measure_lens(args: &LensArgs) -> anyhow::Result<()> {
    use super::cli::calibrate::LensKind;
    use crate::calibration::distort::{self, Board, LensModel};
    use anyhow::Context;
    let [columns, rows] = args.board;
    let (board, mut size, mut boards) = (Board { columns, rows }, None, Vec::new());
    let mut told = stdout();
    for path in &args.pictures {
        let grey = image::open(path)
            .with_context(|| path.display().to_string())
            .map_err(|e| input(format!("{e:#}")))?;
        let grey = grey.to_luma8();
        let got = PictureSize { width: grey.width(), height: grey.height() };
        let expected = *size.get_or_insert(got);
        if got != expected {
            return Err(input(format!("{} is {got} px, the first picture is {expected} px", path.display())));
        }
        match distort::corners(grey.as_raw(), got, board).map_err(input)? {
            Some(corners) => boards.push(corners),
            None => writeln!(told, "{}: no whole board of {columns}x{rows} inner corners", path.display())?,
        }
    }
    let size = size.ok_or_else(|| input("give pictures of the board"))?;
    let model = match args.model {
        LensKind::Radial => LensModel::Radial,
        LensKind::Fisheye => LensModel::Fisheye,
    };
    let (parameters, rms_px) = distort::measure(&boards, board, size, model).map_err(input)?;
    let text = format!(
        "# Made by `footfall calibrate lens` from {} boards; corners are off by {rms_px:.2} px.\n\npicture = [{}, {}]\n\n{}",
        boards.len(),
        size.width,
        size.height,
        parameters.to_toml()
    );
    let verdict =
        if rms_px < 1.0 { "good" } else { "more than 1 px: use sharper pictures and a flatter board" };
    match &args.out {
        Some(path) => {
            fs::write(path, &text).map_err(|fault| input(unwritten(path, &fault)))?;
            writeln!(told, "corners of {} boards are off by {rms_px:.2} px: {verdict}", boards.len())?;
            writeln!(told, "written to {}", path.display())?;
        }
        None => write!(told, "{text}")?,
    }
    Ok(())
}

#[cfg(not(feature = "capture-opencv"))]
fn measure_lens(_args: &LensArgs) -> anyhow::Result<()> {
    Err(input("this footfall was built without capture-opencv, so it measures no lens"))
}

fn lens_of(path: &Path, picture: PictureSize) -> anyhow::Result<Lens> {
    let text = fs::read_to_string(path).map_err(|fault| input(unread(path, &fault)))?;
    let (lens, expected) =
        Lens::parse(&text).map_err(|fault| input(format!("{}: {fault}", path.display())))?;
    if expected != picture {
        return Err(input(format!(
            "{} is for pictures of {expected} px, this one is {picture} px",
            path.display()
        )));
    }
    Ok(lens)
}

/// A picture of its own, or the first one of a clip.
fn first_picture(path: &Path) -> anyhow::Result<Picture> {
    if let Ok(decoded) = image::open(path) {
        let (width, height) = (decoded.width(), decoded.height());
        let mut bgr = decoded.into_rgb8().into_raw();
        bgr.chunks_exact_mut(3).for_each(|px| px.swap(0, 2));
        return Ok(Picture { width, height, bgr });
    }
    opened(path).map(|(_, frame)| frame.picture)
}

/// A source with its first frame.
fn opened(path: &Path) -> anyhow::Result<(Box<dyn FrameSource>, Frame)> {
    let source = to_look_at(path)?;
    let clock = Arc::new(SystemClock::start());
    let start = clock.now().wall;
    let mut camera = capture::open(&source, clock, start, None)?;
    let mut frame = Frame::default();
    if camera.read(&mut frame)? == ReadOutcome::End {
        return Err(CaptureError::NoFrames { address: source.address }.into());
    }
    Ok((camera, frame))
}

fn unread(path: &Path, fault: &std::io::Error) -> String {
    format!("{} cannot be read: {fault}", path.display())
}

fn unwritten(path: &Path, fault: &std::io::Error) -> String {
    format!("{} cannot be written: {fault}; check the folder and who may write there", path.display())
}

fn input(fault: impl ToString) -> anyhow::Error {
    Failure::Input(fault.to_string()).into()
}
