//! `[[camera]]` and its `[[camera.line]]`; its zones are in `zone`.

use super::broker::login;
use super::check::{Around, FilesBeside, PathKind, existing_file};
use super::document::{Entry, SpanRule, Table};
use super::fault::{FaultKind, FileProblem, Place};
use super::geometry::geometry_name;
use super::health::health;
use super::visitors::visitors;
use super::zone::{self, Grounds};
use super::{CameraSettings, LONGEST_GAP, MAX_FPS, MAX_U_TURN, MIN_LINE_PX};
use crate::calibration::Floor;
use crate::capture::{AddressError, Playback, SourceAddress, SourceSettings};
use crate::count::{Anchor, Band, LineRole, LineSettings};
use crate::detect::DetectorKind;
use crate::geom::{ImagePoint, PictureSize, Polygon, Segment};
use crate::ids::{CameraId, LineId};
use crate::pipeline::PipelineSettings;
use crate::publish::Login;
use crate::track::{ScoreLevels, TrackSettings};
use std::collections::BTreeMap;

/// Lines of one camera; a door needs one or two.
const MAX_LINES: usize = 32;
/// Zones of one kind in one place.
const MAX_ZONES: usize = 32;
/// Corners of one zone; a person draws a dozen.
const MAX_CORNERS: usize = 100;
/// Below this a picture shows nobody, above it no camera that is sold for shops goes.
const PICTURE_SIDES: std::ops::RangeInclusive<u32> = 16..=16_384;
/// A band as wide as a person is high, on either side of the line, leaves nobody clear of it.
const MAX_BAND_HEIGHTS: f64 = 2.0;

const OPEN_TIMEOUT: SpanRule = SpanRule::of_ms(5_000, 500, 300_000);
const READ_TIMEOUT: SpanRule = SpanRule::of_ms(5_000, 500, 300_000);
const RETRY_MAX: SpanRule = SpanRule::of_ms(30_000, 1_000, 3_600_000);
const GAP: SpanRule = SpanRule::of_ms(LONGEST_GAP.as_millis() as u64, 100, 60_000);
const U_TURN: SpanRule = SpanRule::of_ms(0, 0, MAX_U_TURN.as_millis() as u64);

/// Names of one kind that are taken, each with where.
pub(super) struct Names {
    what: &'static str,
    taken: BTreeMap<String, Place>,
}

impl Names {
    pub(super) fn of(what: &'static str) -> Self {
        Self { what, taken: BTreeMap::new() }
    }

    pub(super) fn take(&mut self, entry: &Entry<'_>, id: &str) {
        if let Some(first) = self.taken.get(id) {
            entry.fault(FaultKind::Duplicate { what: self.what, id: id.to_owned(), first: *first });
        } else {
            self.taken.insert(id.to_owned(), entry.place());
        }
    }
}

/// One `[[camera]]`.
pub(super) fn camera(table: &mut Table<'_>, names: &mut Names, around: Around<'_>) -> Option<CameraSettings> {
    let id = table.need("id", "id = \"door\"").and_then(|e| {
        let id = e.parsed(CameraId::parse)?;
        names.take(&e, id.as_str());
        Some(id)
    });
    let source = source(table, around);
    let kinds = DetectorKind::ALL.map(|kind| (kind.name(), kind));
    let detector = table.get("detector").and_then(|e| e.choice(&kinds)).unwrap_or_default();
    let pipeline = pipeline(table, around);
    let health = health(table);
    let (id, source) = (id?, source?);
    let pipeline = PipelineSettings { learns_floor: detector.sizes_people(), ..pipeline? };
    let geometry = geometry_name(&pipeline);
    Some(CameraSettings { id, source, detector, health, pipeline, geometry })
}

fn source(table: &mut Table<'_>, around: Around<'_>) -> Option<SourceSettings> {
    let files = around.files;
    table.refuse("password", FaultKind::PasswordInFile);
    let written = table.need("source", "source = \"rtsp://10.0.0.7/main\"");
    let user = table.get("user");
    let login = login(user.as_ref(), table, files);
    let open_timeout = table.span("open_timeout", OPEN_TIMEOUT);
    let read_timeout = table.span("read_timeout", READ_TIMEOUT);
    let retry_max = table.span("retry_max", RETRY_MAX);
    let written = written?;
    if around.is_from_afar && written.text().is_some_and(|text| text.contains("://") && text.contains('@')) {
        written.fault(FaultKind::CredentialFromAfar);
        return None;
    }
    let address = address(&written, login.as_ref())?;
    let is_network = address.secret_url().is_some();
    match (&user, is_network) {
        (Some(user), false) => user.fault(FaultKind::LoginOfFile),
        (Some(user), true) if holds_login(&written) => user.fault(FaultKind::TwoLogins),
        (None, true) if holds_login(&written) => {
            if let Err(problem) = files.config_is_private() {
                written.fault(FaultKind::SourceInOpenFile(problem));
            }
        }
        _ => {}
    }
    let address = beside_config(address, &written, files)?;
    // Whoever opens a clip knows what for.
    let playback = Playback::default();
    Some(SourceSettings { address, playback, open_timeout, read_timeout, retry_max })
}

/// Whether there may be a password in a network source; an `@` in its path does no harm.
fn holds_login(written: &Entry<'_>) -> bool {
    written.text().is_some_and(|text| text.contains('@'))
}

fn address(written: &Entry<'_>, login: Option<&Login>) -> Option<SourceAddress> {
    let text = written.text()?;
    let whole = match (login, text.split_once("://")) {
        (Some(login), Some((scheme, rest))) => {
            format!("{scheme}://{}:{}@{rest}", percent_encoded(&login.user), percent_encoded(&login.password))
        }
        _ => text.to_owned(),
    };
    let shown = |error: AddressError| {
        // What is not understood may have its password where a scheme or a number was expected.
        if text.contains('@') { FaultKind::AddressHidden } else { FaultKind::Address(error) }
    };
    SourceAddress::parse(&whole).map_err(|error| written.fault(shown(error))).ok()
}

/// User and password may hold what ends them in a URL, such as `@` and `/`.
fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The address with its path taken from the config file, where it is a path and something is there.
fn beside_config(
    address: SourceAddress,
    written: &Entry<'_>,
    files: &dyn FilesBeside,
) -> Option<SourceAddress> {
    let (resolved, is_folder) = match &address {
        SourceAddress::File(path) => (SourceAddress::File(files.resolve(path)), false),
        SourceAddress::Pictures(path) => (SourceAddress::Pictures(files.resolve(path)), true),
        SourceAddress::Network(_) | SourceAddress::Usb(_) => return Some(address),
    };
    if let Some(problem) = resolved.path().and_then(|path| files.refused(path)) {
        written.fault(FaultKind::SourceFile(problem));
        return None;
    }
    // A folder of pictures is one with and without the slash at its end.
    let problem = match resolved.path().map(|path| files.kind(path)) {
        Some(PathKind::Folder) => return Some(resolved),
        Some(PathKind::File) if !is_folder => return Some(resolved),
        Some(PathKind::File) => FileProblem::FileForFolder,
        Some(PathKind::Nothing) | None => FileProblem::NotThere,
    };
    written.fault(FaultKind::SourceFile(problem));
    None
}

fn pipeline(table: &mut Table<'_>, around: Around<'_>) -> Option<PipelineSettings> {
    let picture = table.need("picture", "picture = \"1280x720\"").and_then(|e| e.parsed(picture_size));
    let fps = |e: Entry<'_>| e.number_that(|fps| fps > 0.0 && fps <= MAX_FPS, "more than 0 and at most 240");
    let rate = table.get("fps").and_then(fps);
    let anchor = table
        .get("anchor")
        .and_then(|e| e.choice(&Anchor::ALL.map(|anchor| (anchor.name(), anchor))))
        .unwrap_or_default();
    let longest_gap = table.span("longest_gap", GAP);
    let exclusion = zones(table, "exclude", picture);
    let lines = lines(table, anchor, picture);
    let floor = table.get("calibration").and_then(|e| floor(&e, picture, lines.as_deref(), around.files));
    let zones = zone::zones(table, Grounds { picture, floor: floor.as_ref(), has_hours: around.has_site });
    if lines.as_ref().is_some_and(Vec::is_empty) && zones.as_ref().is_some_and(Vec::is_empty) {
        let example =
            "[[camera.line]] with id = \"entrance\", from = [x, y] and to = [x, y], or a [[camera.zone]]";
        table.fault("line", FaultKind::None { what: "line", example });
    }
    let told = table.get("visitors").and_then(|e| e.table(|table| visitors(table, picture)));
    let (visitors, quarters) = told.unwrap_or_default();
    let tracking = TrackSettings { scores: ScoreLevels::MODEST, ..TrackSettings::default() };
    let (picture, lines) = (Some(picture?), lines?);
    Some(PipelineSettings {
        picture,
        rate,
        lines,
        exclusion,
        zones: zones?,
        visitors,
        quarters,
        longest_gap,
        tracking,
        floor,
        learns_floor: true,
    })
}

/// The floor in the calibration file that a setting names, where every line lies on it.
fn floor(
    entry: &Entry<'_>,
    picture: Option<PictureSize>,
    lines: Option<&[LineSettings]>,
    files: &dyn FilesBeside,
) -> Option<Floor> {
    let path = existing_file(entry, files)?;
    let text = match files.text(&path) {
        Ok(text) => text,
        Err(problem) => {
            entry.fault(FaultKind::File { path, problem });
            return None;
        }
    };
    let floor = Floor::parse(&text)
        .map_err(|reason| entry.fault(FaultKind::Calibration { path, reason }))
        .ok()?
        .for_picture(picture?)
        .map_err(|fault| entry.fault(fault))
        .ok()?;
    for line in lines? {
        let what = format!("line {}", line.id);
        floor.holds(&what, &[line.segment.a, line.segment.b]).map_err(|fault| entry.fault(fault)).ok()?;
    }
    Some(floor)
}

/// Reads `"768x576"`.
fn picture_size(text: &str) -> Result<PictureSize, FaultKind> {
    let side = |text: &str| text.parse::<u32>().ok().filter(|side| PICTURE_SIDES.contains(side));
    let sides = text.split_once('x').and_then(|(width, height)| Some((side(width)?, side(height)?)));
    sides.map(|(width, height)| PictureSize { width, height }).ok_or_else(|| FaultKind::PictureSize {
        got: text.chars().take(40).collect(),
        least: *PICTURE_SIDES.start(),
        most: *PICTURE_SIDES.end(),
    })
}

fn lines(table: &mut Table<'_>, anchor: Anchor, picture: Option<PictureSize>) -> Option<Vec<LineSettings>> {
    let Some(written) = table.get("line") else { return Some(Vec::new()) };
    let mut names = Names::of("line");
    let mut is_sound = true;
    let lines = written.tables(MAX_LINES, |table| {
        let line = line(table, anchor, picture, &mut names);
        is_sound &= line.is_some();
        line
    })?;
    is_sound.then_some(lines)
}

fn line(
    table: &mut Table<'_>,
    camera_anchor: Anchor,
    picture: Option<PictureSize>,
    names: &mut Names,
) -> Option<LineSettings> {
    let id = table.need("id", "id = \"entrance\"").and_then(|e| {
        let id = e.parsed(LineId::parse)?;
        names.take(&e, id.as_str());
        Some(id)
    });
    let from = table.need("from", "from = [500, 140]");
    let to = table.need("to", "to = [500, 480]");
    let a = from.and_then(|e| point(&e, picture));
    let b = to.as_ref().and_then(|e| point(e, picture));
    let segment = a.zip(b).map(|(a, b)| Segment::new(a, b));
    if let (Some(to), Some(segment)) = (&to, segment)
        && segment.length() < MIN_LINE_PX
    {
        to.fault(FaultKind::LineTooShort { length: segment.length(), least: MIN_LINE_PX });
    }
    let band = band(table, picture);
    let anchor = table
        .get("anchor")
        .and_then(|e| e.choice(&Anchor::ALL.map(|anchor| (anchor.name(), anchor))))
        .unwrap_or(camera_anchor);
    let u_turn = table.span("u_turn", U_TURN);
    let activation = zones(table, "activation", picture);
    let roles = LineRole::ALL.map(|role| (role.name(), role));
    let role = table.get("counts").and_then(|e| e.choice(&roles)).unwrap_or_default();
    Some(LineSettings { id: id?, segment: segment?, band, anchor, u_turn, activation, role })
}

/// `band_px` or `band_heights`, not both. A band wider than half the picture leaves nowhere to cross it.
fn band(table: &mut Table<'_>, picture: Option<PictureSize>) -> Band {
    let (in_px, in_heights) = (table.get("band_px"), table.get("band_heights"));
    if let (Some(in_px), Some(_)) = (&in_px, &in_heights) {
        in_px.fault(FaultKind::Both { other: "band_heights" });
    }
    let most_px = picture.map_or(f64::MAX, |size| 0.5 * f64::from(size.width.min(size.height)));
    let px_range = format!("0 to {most_px} px, half the shorter side of the picture");
    let px = in_px.and_then(|e| e.number_that(|px| (0.0..=most_px).contains(&px), &px_range));
    let share_range = format!("0 to {MAX_BAND_HEIGHTS} heights of a person");
    let share = in_heights
        .and_then(|e| e.number_that(|share| (0.0..=MAX_BAND_HEIGHTS).contains(&share), &share_range));
    match (px, share) {
        (Some(px), _) => Band::Px(px as f32),
        (None, Some(share)) => Band::Heights(share as f32),
        (None, None) => Band::default(),
    }
}

/// A list of polygons; none where the key is left out.
pub(super) fn zones(table: &mut Table<'_>, key: &'static str, picture: Option<PictureSize>) -> Vec<Polygon> {
    let wanted = "a list of zones, each a list of points [x, y]";
    let zones = table.get(key).and_then(|e| e.list(MAX_ZONES, wanted)).unwrap_or_default();
    zones.iter().filter_map(|zone| polygon(zone, picture)).collect()
}

pub(super) fn polygon(entry: &Entry<'_>, picture: Option<PictureSize>) -> Option<Polygon> {
    let points = entry.list(MAX_CORNERS, "a zone: a list of points [x, y]")?;
    // All points are read before any is missed, so that every fault is found.
    let corners: Vec<Option<ImagePoint>> = points.iter().map(|e| point(e, picture)).collect();
    let corners = corners.into_iter().collect::<Option<Vec<_>>>()?;
    Polygon::new(corners).map_err(|fault| entry.fault(fault)).ok()
}

/// `[x, y]` in px, inside the picture where its size is known.
fn point(entry: &Entry<'_>, picture: Option<PictureSize>) -> Option<ImagePoint> {
    let numbers = entry.list(2, "a point [x, y] in px")?;
    let [x, y] = numbers.as_slice() else {
        entry.fault(FaultKind::NotAPoint { got: numbers.len() });
        return None;
    };
    let (x, y) = (x.number(), y.number());
    let (x, y) = (x?, y?);
    let point = ImagePoint::new(x as f32, y as f32);
    match picture {
        Some(picture) if !picture.contains(point) => {
            entry.fault(FaultKind::OutsidePicture { x, y, picture });
            None
        }
        _ => Some(point),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_size_is_two_sides_in_px() {
        assert_eq!(picture_size("768x576"), Ok(PictureSize { width: 768, height: 576 }));
        for text in ["", "768", "768*576", "768x", "x576", "15x576", "768x20000", "-1x5", "768x576x3"] {
            assert!(matches!(picture_size(text), Err(FaultKind::PictureSize { .. })), "{text:?}");
        }
    }

    #[test]
    fn what_would_end_a_password_in_a_url_is_encoded() {
        assert_eq!(percent_encoded("p@ss/w:rd%1~é"), "p%40ss%2Fw%3Ard%251~%C3%A9");
    }
}
