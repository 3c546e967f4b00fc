use super::*;
use crate::calibration::Floor;
use crate::calibration::mounting::{self, Mounting};
use crate::geom::ImagePoint;

const PICTURE: PictureSize = PictureSize { width: 640, height: 480 };
const BOARD: Board = Board { columns: 9, rows: 6 };
const RADIAL: LensParameters = LensParameters {
    focal_px: [420.0, 420.0],
    centre_px: [325.0, 236.0],
    distortion: Distortion::Radial([-0.28, 0.07, 0.001, -0.0005, 0.0]),
};
const FISHEYE: LensParameters = LensParameters {
    focal_px: [250.0, 250.0],
    centre_px: [322.0, 238.0],
    distortion: Distortion::Fisheye([0.02, -0.01, 0.003, 0.0]),
};

/// A board as the lens shows it, turned by `turn` (radians about x, y and z) and moved by `by` (squares).
fn drawn(lens: &LensParameters, turn: [f64; 3], by: [f64; 3]) -> Vec<u8> {
    let straight = straightened(lens, &every_px()).unwrap();
    let turn = Mat::from_slice(&turn).unwrap();
    let mut axes = Mat::default();
    calib3d::rodrigues_def(&turn, &mut axes).unwrap();
    let axis = |column: i32| [0, 1, 2].map(|row| *axes.at_2d::<f64>(row, column).unwrap());
    let (right, down, normal) = (axis(0), axis(1), axis(2));
    let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let shade = |[u, v]: [f64; 2]| -> f32 {
        let ([fx, fy], [cx, cy]) = (lens.focal_px, lens.centre_px);
        let ray = [(u - cx) / fx, (v - cy) / fy, 1.0];
        let along = dot(by, normal) / dot(ray, normal);
        let at = [0, 1, 2].map(|axis| ray[axis] * along - by[axis]);
        let (x, y) = (dot(at, right) + 5.0, dot(at, down) + 3.5);
        let on_board = (0.0..10.0).contains(&x) && (0.0..7.0).contains(&y);
        let black = on_board && (x.floor() as i32 + y.floor() as i32) % 2 == 0;
        if black { 20.0 } else { 235.0 }
    };
    let shades: Vec<f32> = straight.into_iter().map(shade).collect();
    smoothed(&shades)
}

/// Four samples a px, so that edges are not ragged.
fn every_px() -> Vec<[f64; 2]> {
    let at = |index: u32| 0.5 * f64::from(index) - 0.25;
    (0..2 * PICTURE.height)
        .flat_map(|row| (0..2 * PICTURE.width).map(move |column| [at(column), at(row)]))
        .collect()
}

fn smoothed(shades: &[f32]) -> Vec<u8> {
    let wide = 2 * PICTURE.width as usize;
    let four = |column: usize, row: usize| {
        let first = 2 * row * wide + 2 * column;
        shades[first] + shades[first + 1] + shades[first + wide] + shades[first + wide + 1]
    };
    let rows = 0..PICTURE.height as usize;
    rows.flat_map(|row| (0..PICTURE.width as usize).map(move |column| (0.25 * four(column, row)) as u8))
        .collect()
}

/// Boards near the edges and slanted, as the guide asks for.
const POSES: [([f64; 3], [f64; 3]); 8] = [
    ([0.0, 0.0, 0.0], [0.0, 0.0, 11.0]),
    ([0.4, 0.0, 0.1], [-2.0, 1.0, 11.0]),
    ([-0.4, 0.1, 0.0], [2.0, -1.0, 12.0]),
    ([0.0, 0.5, 0.0], [2.5, 1.5, 12.0]),
    ([0.1, -0.5, 0.05], [-2.5, -1.5, 12.0]),
    ([0.3, 0.3, -0.1], [1.0, 2.0, 10.0]),
    ([-0.3, 0.3, 0.2], [-1.0, -2.0, 10.0]),
    ([0.2, -0.3, -0.2], [0.5, 0.5, 14.0]),
];

/// With boards `nearness` times as near as [`POSES`] has them, so that they reach the edges of a wide picture.
fn check_measured(truth: &LensParameters, model: LensModel, nearness: f64) {
    let seen = |(turn, [x, y, z]): &([f64; 3], [f64; 3])| {
        corners(&drawn(truth, *turn, [*x, *y, z / nearness]), PICTURE, BOARD).unwrap()
    };
    let boards: Vec<Corners> = POSES.iter().filter_map(seen).collect();
    let (found, rms_px) = measure(&boards, BOARD, PICTURE, model).unwrap();
    assert!(rms_px < 0.2, "{rms_px}");
    // What counts is where points end up, not the terms, of which several sets do the same.
    let inner: Vec<[f64; 2]> =
        [[120.0, 90.0], [500.0, 100.0], [320.0, 240.0], [130.0, 380.0], [520.0, 390.0]].into();
    let rays = |lens: &LensParameters| -> Vec<[f64; 2]> {
        let straight = straightened(lens, &inner).unwrap();
        let ray = |at: [f64; 2]| [0, 1].map(|axis| (at[axis] - lens.centre_px[axis]) / lens.focal_px[axis]);
        straight.into_iter().map(ray).collect()
    };
    for (is, was) in rays(&found).into_iter().zip(rays(truth)) {
        assert!((is[0] - was[0]).hypot(is[1] - was[1]) < 0.012, "{is:?} {was:?}");
    }
}

#[test]
fn a_radial_lens_is_measured_by_pictures_of_a_board() {
    check_measured(&RADIAL, LensModel::Radial, 1.0);
}

#[test]
fn a_fisheye_lens_is_measured_by_pictures_of_a_board() {
    check_measured(&FISHEYE, LensModel::Fisheye, 1.9);
}

#[test]
fn a_picture_without_a_board_and_too_few_boards_are_refused() {
    assert!(corners(&vec![128; 640 * 480], PICTURE, BOARD).unwrap().is_none());
    let fault = measure(&[], BOARD, PICTURE, LensModel::Radial).unwrap_err().to_string();
    assert!(fault.contains("found in 0 pictures, 5 are needed"), "{fault}");
}

#[test]
fn the_table_agrees_with_opencv_between_its_points() {
    for parameters in [RADIAL, FISHEYE] {
        let lens = lens(parameters, PICTURE).unwrap();
        let points: Vec<[f64; 2]> = (0..40)
            .flat_map(|x| (0..30).map(move |y| [f64::from(x) * 15.7 + 13.3, f64::from(y) * 15.1 + 17.7]))
            .collect();
        for (point, exact) in points.iter().zip(straightened(&parameters, &points).unwrap()) {
            let in_image = ImagePoint::new(point[0] as f32, point[1] as f32);
            let looked_up = lens.straighten(in_image).filter(|at| at.at[0].hypot(at.at[1]) < 3000.0);
            let Some(looked_up) = looked_up else { continue };
            let [[a, b], [c, d]] = looked_up.jacobian;
            // Where a px of the picture is many without distortion, so is an error.
            let stretch = (a * a + b * b + c * c + d * d).sqrt().max(1.0);
            let off = (looked_up.at[0] - exact[0]).hypot(looked_up.at[1] - exact[1]);
            assert!(off / stretch < 0.15, "{point:?}: {off} px of {stretch}");
            let back = lens.bend(ImagePoint::new(looked_up.at[0] as f32, looked_up.at[1] as f32)).unwrap();
            assert!((back.x - in_image.x).hypot(back.y - in_image.y) < 0.3, "{back:?} {in_image:?}");
        }
    }
}

#[test]
fn a_floor_seen_through_a_fisheye_is_written_read_and_placed_as_it_is() {
    let lens = lens(FISHEYE, PICTURE).unwrap();
    let mounting = Mounting { height_m: 3.0, tilt_deg: 90.0, field_of_view_deg: 104.0, roll_deg: 0.0 };
    let floor = mounting::fit(PICTURE, Some(&lens), &mounting).unwrap();
    let floor = Floor::parse(&floor.to_toml("A fisheye on the ceiling.")).unwrap();
    // One metre on the floor, 45 degrees off the axis at 3 m: by the formula of the lens itself.
    let at_angle = |angle: f64| {
        let [k1, k2, k3, _] = [0.02, -0.01, 0.003, 0.0];
        let bent = angle * (1.0 + k1 * angle.powi(2) + k2 * angle.powi(4) + k3 * angle.powi(6));
        ImagePoint::new((322.0 + 250.0 * bent) as f32, 238.0)
    };
    for metres in [0.5, 1.0, 2.0, 3.0] {
        let at = floor.place(at_angle((metres / 3.0f64).atan())).unwrap().at;
        assert!((at.x_m - at_centre(&floor) - metres).abs() < 0.01, "{metres}: {at:?}");
    }
}

fn at_centre(floor: &Floor) -> f64 {
    floor.place(ImagePoint::new(322.0, 238.0)).unwrap().at.x_m
}

#[test]
fn the_jacobian_through_a_lens_is_that_of_the_whole_way() {
    let lens = lens(RADIAL, PICTURE).unwrap();
    let mounting = Mounting { height_m: 3.0, tilt_deg: 40.0, field_of_view_deg: 75.0, roll_deg: 3.0 };
    let floor = mounting::fit(PICTURE, Some(&lens), &mounting).unwrap();
    let place = |u: f32, v: f32| floor.place(ImagePoint::new(u, v)).unwrap();
    for (u, v) in [(201.3, 301.7), (420.4, 251.9), (550.2, 430.6)] {
        let (here, beside) = (place(u, v), place(u + 0.25, v));
        let slope = (beside.at.x_m - here.at.x_m) / 0.25;
        assert!((slope / here.jacobian[0][0] - 1.0).abs() < 0.02, "{slope} {:?}", here.jacobian);
    }
}

#[test]
fn numbers_of_no_lens_are_refused() {
    let folded = LensParameters { distortion: Distortion::Radial([-9.0, 40.0, 0.0, 0.0, 0.0]), ..RADIAL };
    assert!(lens(folded, PICTURE).is_err());
}
