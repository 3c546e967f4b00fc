use super::*;
use crate::geom::ImagePoint;
use proptest::prelude::*;

const SAMPLE: &str = include_str!("../../../calibration/sample-clip.toml");
/// A camera 3 m up that looks 45 degrees down, in a picture of 640x480.
const BARE: &str =
    "floor_from_image = [[3.0, 0.0, -960.0], [0.0, -2.1213, 1569.8], [0.0, 0.70711, 183.8478]]";

fn check(text: &str, part: &str) {
    let fault = Floor::parse(text).unwrap_err().to_string();
    assert!(fault.contains(part), "{fault}");
}

#[test]
fn a_file_with_nothing_but_the_matrix_is_enough() {
    let floor = Floor::parse(BARE).unwrap();
    let at = floor.place(ImagePoint::new(320.0, 240.0)).unwrap().at;
    assert!(at.x_m.abs() < 1e-3 && (at.y_m - 3.0).abs() < 1e-3, "{at:?}");
    assert_eq!((floor.picture(), floor.method(), floor.fit()), (None, None, Fit::default()));
}

#[test]
fn nine_numbers_whole_ones_and_any_factor_are_the_same_matrix() {
    let bare = Floor::parse(BARE).unwrap();
    let flat = BARE.replace("[[", "[").replace("]]", "]").replace("], [", ", ").replace("3.0", "3");
    assert_eq!(Floor::parse(&flat).unwrap(), bare);
    let turned = "floor_from_image = [-3, 0, 960, 0, 2.1213, -1569.8, 0, -0.70711, -183.8478]";
    let (one, other) = (Floor::parse(turned).unwrap(), bare);
    let point = ImagePoint::new(100.0, 400.0);
    let (one, other) = (one.place(point).unwrap().at, other.place(point).unwrap().at);
    assert!((one.x_m - other.x_m).hypot(one.y_m - other.y_m) < 1e-9);
}

#[test]
fn what_cannot_be_a_calibration_is_refused_with_the_reason() {
    check("", "floor_from_image");
    check("floor_from_image = 3", "three rows of three numbers");
    check("floor_from_image = [1, 2, 3]", "three rows of three numbers");
    check("floor_from_image = [[1, 2], [3, 4]]", "three rows of three numbers");
    check(&BARE.replace("3.0", "nan"), "not finite");
    check(&BARE.replace("[3.0, 0.0, -960.0]", "[0.0, -2.1213, 1569.8]"), "cannot be inverted");
    check(&BARE.replace("[3.0, 0.0, -960.0]", "[-3.0, 0.0, 960.0]"), "mirrored");
    check(&format!("{BARE}\npicture = [640, 0]"), "640x0");
    check(&format!("{BARE}\nresidual_m = -0.1"), "residual_m is -0.1");
    check(&format!("{BARE}\nresidual_p90_m = inf"), "residual_p90_m is inf");
    check(
        &format!("{BARE}\n[lens]\nmodel = \"radial\"\nfx = 1\nfy = 1\ncx = 0\ncy = 0\nk1 = 0"),
        "needs `picture`",
    );
}

#[test]
fn an_unknown_key_is_named_together_with_those_that_are_known() {
    check(&format!("{BARE}\nresidual = 0.1"), "residual`, expected one of `floor_from_image`, `picture`");
    check(&format!("{BARE}\nmethod = \"guess\""), "`points`, `mounting`, `people`");
}

#[test]
fn without_a_size_a_mirrored_floor_is_still_seen_wherever_the_horizon_lies() {
    for tilt in [-260.0, 5.0, 400.0, 1e5] {
        let depth = format!("[0.0, 0.70711, {tilt}]");
        let text = BARE.replace("[0.0, 0.70711, 183.8478]", &depth);
        let mirrored = text.replace("[3.0, 0.0, -960.0]", "[-3.0, 0.0, 960.0]");
        assert_ne!(Floor::parse(&text).is_ok(), Floor::parse(&mirrored).is_ok(), "{text}");
    }
}

#[test]
fn the_sample_is_written_and_read_again_as_it_was() {
    let floor = Floor::parse(SAMPLE).unwrap();
    let again = Floor::parse(&floor.to_toml("The sample.\n\nTwice.")).unwrap();
    assert_eq!(again.floor_from_image(), floor.floor_from_image());
    assert_eq!((again.picture(), again.method()), (floor.picture(), floor.method()));
    assert!((again.fit().residual_m.unwrap() - floor.fit().residual_m.unwrap()).abs() < 1e-4);
}

proptest! {
    #[test]
    fn no_text_can_hurt(text in "\\PC{0,200}") {
        // Whatever it says, it is an answer and no panic.
        prop_assert!(Floor::parse(&text).is_err() || text.contains("floor_from_image"));
    }

    #[test]
    fn no_numbers_can_hurt(
        numbers in prop::collection::vec(prop::num::f64::ANY, 9), picture in any::<Option<[u32; 2]>>(),
        foot in any::<[f32; 2]>(),
    ) {
        let numbers: Vec<String> = numbers.iter().map(|number| format!("{number:?}").to_lowercase()).collect();
        let picture = picture.map(|picture| format!("picture = {picture:?}")).unwrap_or_default();
        let text = format!("floor_from_image = [{}]\n{picture}", numbers.join(", "));
        if let Ok(floor) = Floor::parse(&text) {
            let foot = ImagePoint::new(foot[0], foot[1]);
            prop_assert!(floor.expected_height_px(foot).is_none_or(|px| !px.is_nan()));
        }
    }
}
