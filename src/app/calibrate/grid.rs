//! A floor as lines over a picture: does the grid lie on the ground, and are people as tall as the outlines?

use crate::app::draw::FloorMark;
use crate::calibration::Floor;
use crate::geom::{ImagePoint, PictureSize};

/// Further away nothing is drawn, metres: no counting happens there.
const FARTHEST_M: f64 = 40.0;
/// Where a metre is smaller than this, only every fifth line is drawn, px.
const METRE_LEAST_PX: f64 = 7.0;
/// And where it is smaller than this, labels would cover each other, px.
const LABEL_LEAST_PX: f64 = 4.0;
/// Length of the pieces that lines are drawn in, metres: a lens bends them.
const PIECE_M: f64 = 0.25;

/// The outline of a standing person, from the foot up the left side: across and up, as shares of the height.
const OUTLINE: [[f32; 2]; 11] = [
    [-0.06, 0.0],
    [-0.09, 0.45],
    [-0.14, 0.5],
    [-0.14, 0.78],
    [-0.1, 0.83],
    [-0.04, 0.85],
    [-0.065, 0.92],
    [-0.05, 0.98],
    [0.0, 1.0],
    [0.05, 0.98],
    [0.065, 0.92],
];

/// What is drawn of a floor.
pub(super) fn marks(floor: &Floor, picture: PictureSize) -> FloorMark {
    let mut mark = FloorMark::default();
    let Some([left, right, near, far]) = extent(floor, picture) else { return mark };
    let whole = |from: f64, to: f64| (from.ceil() as i32)..=(to.floor() as i32);
    for x in whole(left, right) {
        let at = |along: f64| [f64::from(x), along];
        add(&mut mark, floor, picture, x % 5 == 0, pieces(near, far).map(at));
    }
    for y in whole(near, far) {
        let at = |along: f64| [along, f64::from(y)];
        add(&mut mark, floor, picture, y % 5 == 0, pieces(left, right).map(at));
    }
    for x in whole(left, right).filter(|x| x % 5 == 0) {
        for y in whole(near, far).filter(|y| y % 5 == 0) {
            let at = floor.in_image(x.into(), y.into());
            let wide_enough =
                |at: &ImagePoint| picture.contains(*at) && metre_px(floor, *at) > LABEL_LEAST_PX;
            if let Some(at) = at.filter(wide_enough) {
                mark.labels.push((at, format!("{x},{y}")));
            }
        }
    }
    mark.horizon = horizon(floor, picture);
    for across in [0.2, 0.5, 0.8] {
        for down in [0.3, 0.5, 0.7, 0.95] {
            let foot = ImagePoint::new(across * picture.width as f32, down * picture.height as f32);
            mark.people.extend(outline(floor, foot));
        }
    }
    mark
}

fn pieces(from: f64, to: f64) -> impl Iterator<Item = f64> {
    let count = ((to - from) / PIECE_M).ceil().max(1.0) as u32;
    (0..=count).map(move |piece| from + (to - from) * f64::from(piece) / f64::from(count))
}

/// The floor that the picture shows within [`FARTHEST_M`] of its nearest point: left, right, near and far.
fn extent(floor: &Floor, picture: PictureSize) -> Option<[f64; 4]> {
    let (width, height) = (picture.width as f32, picture.height as f32);
    let steps = || (0..=40u8).map(|step| f32::from(step) / 40.0);
    let lattice = steps().flat_map(|y| steps().map(move |x| ImagePoint::new(x * width, y * height)));
    let seen: Vec<[f64; 2]> =
        lattice.filter_map(|point| floor.place(point)).map(|placed| [placed.at.x_m, placed.at.y_m]).collect();
    let middle = floor.place(ImagePoint::new(0.5 * width, height)).map(|placed| placed.at);
    let from = middle.map_or_else(|| seen.first().copied(), |at| Some([at.x_m, at.y_m]))?;
    let near = seen.into_iter().filter(|at| (at[0] - from[0]).hypot(at[1] - from[1]) < FARTHEST_M);
    Some(near.fold([from[0], from[0], from[1], from[1]], |[left, right, near, far], [x, y]| {
        [left.min(x), right.max(x), near.min(y), far.max(y)]
    }))
}

/// Adds what of a line lies in the picture and is not too fine.
fn add(
    mark: &mut FloorMark,
    floor: &Floor,
    picture: PictureSize,
    is_fifth: bool,
    line: impl Iterator<Item = [f64; 2]>,
) {
    let mut piece = Vec::new();
    let into = if is_fifth { &mut mark.fifths } else { &mut mark.metres };
    for [x, y] in line {
        let at = floor.in_image(x, y).filter(|at| picture.contains(*at));
        let least = if is_fifth { METRE_LEAST_PX / 5.0 } else { METRE_LEAST_PX };
        match at.filter(|at| metre_px(floor, *at) > least) {
            Some(at) => piece.push(at),
            None => into.extend(Some(std::mem::take(&mut piece)).filter(|piece| piece.len() > 1)),
        }
    }
    into.extend(Some(piece).filter(|piece| piece.len() > 1));
}

/// How many px the shorter picture of a metre is.
fn metre_px(floor: &Floor, at: ImagePoint) -> f64 {
    let Some(placed) = floor.place(at) else { return 0.0 };
    let [[a, b], [c, d]] = placed.jacobian;
    // The longest way that one px makes on the floor, from above: the matrix's largest singular value.
    1.0 / (a * a + b * b + c * c + d * d).sqrt().max(f64::MIN_POSITIVE)
}

/// The upper edge of the floor in the picture; empty where it lies outside.
fn horizon(floor: &Floor, picture: PictureSize) -> Vec<ImagePoint> {
    let highest = |step: u16| {
        let u = f32::from(step) / 32.0 * picture.width as f32;
        let rows = 0..=picture.height;
        let first =
            rows.map(|row| ImagePoint::new(u, row as f32)).find(|point| floor.place(*point).is_some())?;
        (first.y > 0.0).then_some(first)
    };
    (0..=32).filter_map(highest).collect()
}

fn outline(floor: &Floor, foot: ImagePoint) -> Option<Vec<ImagePoint>> {
    floor.place(foot)?;
    let head = floor.expected_head(foot)?;
    let (up_x, up_y) = (head.x - foot.x, head.y - foot.y);
    // Further away than this an outline is a smudge.
    if up_x.hypot(up_y) < 12.0 {
        return None;
    }
    let mirrored = OUTLINE.iter().rev().map(|[across, up]| [-across, *up]);
    let corners = OUTLINE.into_iter().chain(mirrored);
    Some(
        corners
            .map(|[across, up]| {
                ImagePoint::new(foot.x + up * up_x - across * up_y, foot.y + up * up_y + across * up_x)
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str =
        "floor_from_image = [[3.0, 0.0, -960.0], [0.0, -2.1213, 1569.8], [0.0, 0.70711, 183.8478]]
        picture = [640, 480]";

    #[test]
    fn all_lines_lie_in_the_picture_and_labels_are_where_they_say() {
        let floor = Floor::parse(BARE).unwrap();
        let picture = floor.picture().unwrap();
        let mark = marks(&floor, picture);
        assert!(mark.metres.len() > 4 && mark.people.len() > 5, "{mark:?}");
        assert!(mark.metres.iter().chain(&mark.fifths).flatten().all(|point| picture.contains(*point)));
        for (at, label) in &mark.labels {
            let on_floor = floor.place(*at).unwrap().at;
            assert_eq!(*label, format!("{:.0},{:.0}", on_floor.x_m + 0.0, on_floor.y_m + 0.0));
        }
        assert_eq!(mark.horizon, [], "it looks too far down to see the horizon");
    }

    #[test]
    fn a_floor_without_an_end_is_drawn_as_far_as_it_matters() {
        let level = BARE.replace("183.8478", "-160.0");
        let mark = marks(&Floor::parse(&level).unwrap(), PictureSize { width: 640, height: 480 });
        assert!(mark.horizon.len() > 30 && mark.metres.len() < 300, "{}", mark.metres.len());
    }
}
