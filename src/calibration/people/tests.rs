use super::*;
use crate::calibration::CameraPose;
use crate::geom::ImagePoint;

const PICTURE: PictureSize = PictureSize { width: 1280, height: 720 };

/// Numbers in [0, 1) that look random and are always the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Mean 0 and standard deviation 1, near enough to a bell.
    fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.roll()).sum::<f64>() - 6.0
    }
}

/// A shop: a camera, how many people its boxes come from, and which share of the boxes is wrong.
struct Scene {
    focal_px: f64,
    height_m: f64,
    tilt_deg: f64,
    roll_deg: f64,
    people: usize,
    wrong: f64,
}

const DOOR: Scene =
    Scene { focal_px: 900.0, height_m: 3.0, tilt_deg: 25.0, roll_deg: 0.0, people: 200, wrong: 0.15 };

impl Scene {
    fn pose(&self) -> CameraPose {
        let (tilt, roll) = (self.tilt_deg.to_radians(), self.roll_deg.to_radians());
        CameraPose::from_angles(PICTURE, self.focal_px, self.height_m, tilt, roll)
    }

    /// Ten boxes of each person, who stand anywhere in the picture.
    fn watched(&self, lens: LensPrior) -> PeopleFit {
        let (pose, mut dice) = (self.pose(), Dice(7));
        let mut fit = PeopleFit::new(PICTURE).with_lens(lens);
        for _ in 0..self.people {
            let person_m = PERSON_M + PERSON_SPREAD_M * dice.bell();
            for _ in 0..10 {
                let foot = [1280.0 * dice.roll(), 720.0 * dice.roll()];
                let Some(upright) = pose.upright_px(foot, person_m) else { continue };
                let mut height = upright * (1.0 + 0.04 * dice.bell());
                let mut bottom = foot[1] + 0.02 * upright * dice.bell();
                // Half of the wrong ones hide their feet behind something, the others are anything.
                if dice.roll() < self.wrong {
                    let hidden = upright * (0.2 + 0.4 * dice.roll());
                    (bottom, height) = if dice.roll() < 0.5 {
                        (bottom - hidden, height - hidden)
                    } else {
                        (bottom, 30.0 + 300.0 * dice.roll())
                    };
                }
                let width = 0.4 * height;
                fit.add(&ImageBox::from_left_top_size(
                    (foot[0] - 0.5 * width) as f32,
                    (bottom - height) as f32,
                    width as f32,
                    height as f32,
                ));
            }
        }
        fit
    }

    /// How far off distances between points of the floor are, as a share, in the middle of many.
    fn error_of(&self, floor: &Floor) -> f64 {
        let truth = self.pose().floor_from_image(PICTURE).unwrap();
        let mut dice = Dice(3);
        let mut errors = Vec::new();
        while errors.len() < 400 {
            let [one, other] = [(); 2].map(|()| {
                ImagePoint::new((1280.0 * dice.roll()) as f32, (250.0 + 470.0 * dice.roll()) as f32)
            });
            let (Some(a), Some(b)) = (truth.apply(one), truth.apply(other)) else { continue };
            let (Some(c), Some(d)) = (floor.place(one), floor.place(other)) else { continue };
            if a.y_m.max(b.y_m) > 15.0 || (a.x_m - b.x_m).hypot(a.y_m - b.y_m) < 0.5 {
                continue;
            }
            let ratio =
                (c.at.x_m - d.at.x_m).hypot(c.at.y_m - d.at.y_m) / (a.x_m - b.x_m).hypot(a.y_m - b.y_m);
            errors.push(ratio.ln().abs());
        }
        errors.sort_by(f64::total_cmp);
        errors[200]
    }
}

fn check(scene: &Scene, lens: LensPrior, at_most: f64) {
    let floor = scene.watched(lens).fit().unwrap_or_else(|fault| panic!("{fault}"));
    let error = scene.error_of(&floor);
    println!("{error:.3} {:?} {:?}", floor.pose(), floor.fit());
    assert!(error < at_most, "{error}: {:?}", floor.pose());
}

/// The truth, as a data sheet would have it.
fn known(scene: &Scene) -> LensPrior {
    LensPrior::FieldOfView(scene.pose().field_of_view_deg())
}

#[test]
fn with_a_known_lens_distances_are_right_within_some_percent() {
    check(&DOOR, known(&DOOR), 0.04);
    let high = Scene { height_m: 6.0, tilt_deg: 15.0, ..DOOR };
    check(&high, known(&high), 0.04);
    let low = Scene { height_m: 1.6, tilt_deg: 2.0, focal_px: 720.0, ..DOOR };
    check(&low, known(&low), 0.04);
    let steep = Scene { tilt_deg: 40.0, ..DOOR };
    check(&steep, known(&steep), 0.06);
    let rolled = Scene { roll_deg: 5.0, ..DOOR };
    check(&rolled, known(&rolled), 0.04);
}

#[test]
fn without_a_known_lens_they_are_approximate() {
    check(&DOOR, LensPrior::Typical, 0.2);
    check(&Scene { tilt_deg: 40.0, ..DOOR }, LensPrior::Typical, 0.2);
    check(&Scene { height_m: 6.0, tilt_deg: 15.0, ..DOOR }, LensPrior::Typical, 0.2);
}

#[test]
fn a_third_of_wrong_boxes_changes_little() {
    check(&Scene { wrong: 0.35, ..DOOR }, known(&DOOR), 0.08);
}

#[test]
fn forty_people_are_enough() {
    check(&Scene { people: 40, ..DOOR }, known(&DOOR), 0.08);
}
