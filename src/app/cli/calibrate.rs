//! The arguments of `footfall calibrate`.

use crate::calibration::points::PointPair;
use crate::geom::{FloorPoint, ImagePoint, PictureSize};
use clap::{Args, Subcommand, ValueEnum};
use std::num::NonZeroU32;
use std::path::PathBuf;

/// Where the floor lies in a camera's picture.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum CalibrateCommand {
    /// From points that you measured on the floor with a tape: the most exact way
    ///
    /// Floor coordinates are metres from any corner you like: X to the right and Y away, as the camera sees it.
    /// With six points or more, a wrong one is found and named.
    #[command(after_help = "Example:\n  footfall calibrate points --picture door.png \\\n    \
        --pair 120,400=0,2 --pair 560,410=3,2 --pair 470,180=3,6.5 --pair 190,175=0,6.5 --pair 330,300=1.5,3.6 \\\n    \
        --out calibration/door.toml --grid door-grid.png")]
    Points(PointsArgs),
    /// From the camera's height, tilt and field of view: needs nothing but a tape and a protractor
    #[command(
        after_help = "Example:\n  footfall calibrate mounting --height 2.8 --tilt 35 --fov 78 --picture door.png \\\n    \
        --out calibration/door.toml --grid door-grid.png"
    )]
    Mounting(MountingArgs),
    /// From the people who walk by: needs nothing but a clip with people near and far
    ///
    /// People are about 1.70 m tall and stand on one floor, so their heights in the picture tell where it lies. How far
    /// away things are depends on the lens: give --fov when you know it.
    #[command(
        after_help = "Examples:\n  footfall calibrate people door.mp4 --out calibration/door.toml --grid door-grid.png\n  \
        footfall calibrate people --detections det.txt --size 1920x1080 --fov 78 --out calibration/door.toml"
    )]
    People(PeopleArgs),
    /// Measure a lens that bends lines, by pictures of a printed chessboard
    ///
    /// Writes the lens for `calibrate points --lens` and `calibrate mounting --lens`. Hold the board near the edges of the
    /// picture too, and slanted; 15 pictures are good.
    #[command(
        after_help = "Example:\n  footfall calibrate lens --board 9x6 --model fisheye --out lens.toml board/*.png"
    )]
    Lens(LensArgs),
}

/// What all ways write and draw.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct OutArgs {
    /// The calibration file to write [default: print it]
    #[arg(long, value_name = "FILE.toml")]
    pub out: Option<PathBuf>,
    /// Draw a one-metre grid over the picture, to look at
    #[arg(long, value_name = "P.png")]
    pub grid: Option<PathBuf>,
}

/// Which picture it is for.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct PictureArgs {
    /// A picture, or a clip of which the first frame is taken
    #[arg(long, value_name = "PICTURE", required_unless_present = "size")]
    pub picture: Option<PathBuf>,
    /// Its size in px, where there is no picture at hand
    #[arg(long, value_name = "WxH", value_parser = size, conflicts_with_all = ["picture", "grid"])]
    pub size: Option<PictureSize>,
    /// The lens, as written by `calibrate lens`
    #[arg(long, value_name = "LENS.toml")]
    pub lens: Option<PathBuf>,
}

/// `footfall calibrate points`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct PointsArgs {
    /// A pixel of the picture and its place on the floor in metres; at least four times
    #[arg(long, value_name = "U,V=X,Y", value_parser = pair, required = true, allow_hyphen_values = true)]
    pub pair: Vec<PointPair>,
    /// Which picture.
    #[command(flatten)]
    pub picture: PictureArgs,
    /// Where it goes.
    #[command(flatten)]
    pub out: OutArgs,
}

/// `footfall calibrate mounting`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct MountingArgs {
    /// From the floor to the lens, in metres
    #[arg(long, value_name = "M")]
    pub height: f64,
    /// How far below the horizontal it looks, in degrees; 90 is straight down
    #[arg(long, value_name = "DEG")]
    pub tilt: f64,
    /// Horizontal field of view in degrees, from the data sheet [default: the lens's]
    #[arg(long, value_name = "DEG", required_unless_present = "lens")]
    pub fov: Option<f64>,
    /// How far it is turned clockwise, seen from behind it, in degrees
    #[arg(long, value_name = "DEG", default_value = "0", allow_negative_numbers = true)]
    pub roll: f64,
    /// Which picture.
    #[command(flatten)]
    pub picture: PictureArgs,
    /// Where it goes.
    #[command(flatten)]
    pub out: OutArgs,
}

/// `footfall calibrate people`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct PeopleArgs {
    /// A video file or a folder of pictures in which people walk near and far
    #[arg(required_unless_present = "detections", conflicts_with = "detections")]
    pub clip: Option<PathBuf>,
    /// Boxes that were detected before, as MOT text: frame,id,left,top,width,height,score
    #[arg(long, value_name = "DET.txt", requires = "drawn_on")]
    pub detections: Option<PathBuf>,
    /// Size of the picture that the detections are for
    #[arg(long, value_name = "WxH", value_parser = size, group = "drawn_on")]
    pub size: Option<PictureSize>,
    /// A picture, or a clip of which the first frame is taken, that the detections are for
    #[arg(long, value_name = "PICTURE", group = "drawn_on", requires = "detections")]
    pub picture: Option<PathBuf>,
    /// Lowest score of a box that is taken for a whole person, 0 to 1 [default: the score that starts a track]
    #[arg(long, value_name = "S")]
    pub score: Option<f32>,
    /// Horizontal field of view in degrees, when it is known: distances away from the camera depend on it
    #[arg(long, value_name = "DEG", value_parser = field_of_view)]
    pub fov: Option<f64>,
    /// Look at every Nth frame of the clip
    #[arg(long, value_name = "N", default_value = "5")]
    pub every: NonZeroU32,
    /// Manifest of the model [default: models/nanodet-g-416-int8.toml]
    #[arg(long, value_name = "MANIFEST")]
    pub model: Option<PathBuf>,
    /// Where it goes.
    #[command(flatten)]
    pub out: OutArgs,
}

/// `footfall calibrate lens`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct LensArgs {
    /// Pictures of the board, all of one size
    #[arg(required = true, value_name = "PICTURE")]
    pub pictures: Vec<PathBuf>,
    /// Inner corners of the board, across and down: one less than squares
    #[arg(long, value_name = "CxR", value_parser = board)]
    pub board: [u16; 2],
    /// The formulas that describe it: radial up to a field of view of some 110 degrees, fisheye beyond
    #[arg(long, value_name = "MODEL", default_value = "radial")]
    pub model: LensKind,
    /// The file to write [default: print it]
    #[arg(long, value_name = "LENS.toml")]
    pub out: Option<PathBuf>,
}

/// Which formulas describe a lens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LensKind {
    /// Brown's.
    Radial,
    /// Kannala's.
    Fisheye,
}

fn two<T: std::str::FromStr>(text: &str, between: char) -> Option<[T; 2]> {
    let (one, other) = text.split_once(between)?;
    Some([one.trim().parse().ok()?, other.trim().parse().ok()?])
}

fn pair(text: &str) -> Result<PointPair, String> {
    let parts =
        text.split_once('=').and_then(|(px, metres)| two::<f32>(px, ',').zip(two::<f64>(metres, ',')));
    let ([u, v], [x_m, y_m]) = parts.ok_or(
        "a pair is U,V=X,Y: a pixel of the picture and metres on the floor, such as 120,400=0,2.5".to_owned(),
    )?;
    if ![f64::from(u), f64::from(v), x_m, y_m].iter().all(|number| number.is_finite()) {
        return Err("its numbers must be finite".to_owned());
    }
    Ok(PointPair { in_image: ImagePoint::new(u, v), on_floor: FloorPoint { x_m, y_m } })
}

fn size(text: &str) -> Result<PictureSize, String> {
    let sides =
        two(text, 'x').filter(|sides: &[u32; 2]| sides.iter().all(|side| (16..=32_768).contains(side)));
    let [width, height] = sides.ok_or("give width and height in px, such as 1920x1080")?;
    Ok(PictureSize { width, height })
}

fn board(text: &str) -> Result<[u16; 2], String> {
    let sides = two(text, 'x').filter(|sides: &[u16; 2]| sides.iter().all(|side| (3..=50).contains(side)));
    sides.ok_or_else(|| "give the inner corners across and down, 3 to 50 each, such as 9x6".to_owned())
}

fn field_of_view(text: &str) -> Result<f64, String> {
    let degrees = text.parse().ok().filter(|degrees| (5.0..=170.0).contains(degrees));
    degrees.ok_or_else(|| "give degrees, 5 to 170, such as 78".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_a_pixel_and_metres() {
        let read = pair("120,400.5=-1.5,2").unwrap();
        assert_eq!(read.in_image, ImagePoint::new(120.0, 400.5));
        assert_eq!(read.on_floor, FloorPoint { x_m: -1.5, y_m: 2.0 });
        for wrong in ["", "1,2", "1,2=3", "1=2,3", "a,b=1,2", "1,2=inf,3"] {
            assert!(pair(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_and_angles_that_cannot_be_are_refused() {
        assert_eq!(size("640x480"), Ok(PictureSize { width: 640, height: 480 }));
        assert_eq!(board("9x6"), Ok([9, 6]));
        assert!(size("640").is_err() && size("0x480").is_err() && size("640x99999999999").is_err());
        assert!(board("9x2").is_err() && field_of_view("180").is_err() && field_of_view("nan").is_err());
    }
}
