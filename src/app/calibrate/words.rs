//! How good a calibration is, in words that say what to do.

use crate::calibration::points::{MIN_PAIRS, PointsFit};
use crate::calibration::{Fit, Floor, Method};
use std::fmt::Write;

/// Half of the points within this: as good as tape and eye can be, metres.
const GOOD_M: f64 = 0.05;
/// Beyond this, measure again, metres.
const USABLE_M: f64 = 0.2;

/// What a fit to points says.
pub(super) fn of_points(fit: &PointsFit) -> String {
    let mut text = String::new();
    for (index, residual_m) in fit.residuals_m.iter().enumerate() {
        let note =
            if fit.left_out == Some(index) { "  <- does not agree with the others: left out" } else { "" };
        put(&mut text, format_args!("  pair {}: {} off{note}\n", index + 1, length(*residual_m)));
    }
    if let Some(index) = fit.left_out {
        let number = index + 1;
        put(
            &mut text,
            format_args!("pair {number} is wrong, most likely: look at its pixel and measure it again\n"),
        );
    }
    match fit.floor.fit().residual_m {
        None => put(
            &mut text,
            format_args!(
                "{MIN_PAIRS} pairs always agree with themselves, so this cannot be judged: measure a fifth\n"
            ),
        ),
        Some(residual_m) => put(&mut text, format_args!("{}\n", verdict(residual_m))),
    }
    text
}

fn verdict(residual_m: f64) -> String {
    let half = length(residual_m);
    if residual_m <= GOOD_M {
        format!("half of the pairs are within {half}: good")
    } else if residual_m <= USABLE_M {
        format!("half of the pairs are within {half}: usable; good is {} or less", length(GOOD_M))
    } else {
        format!("half of the pairs are only within {half}: measure again, {} is usable", length(USABLE_M))
    }
}

/// What a mounting says.
pub(super) fn of_mounting(floor: &Floor) -> String {
    let Fit { residual_m: Some(residual_m), distance_share: Some(share), .. } = floor.fit() else {
        return "how far off it is cannot be told\n".to_owned();
    };
    format!(
        "if the tilt is off by 1 degree, the height by 3 cm and the field of view by 3 %, then a third of the way down \
        from the floor's far end it is off by {} ({:.0} %)\n",
        length(residual_m),
        100.0 * share
    )
}

/// What a fit to people says; whether the field of view was given.
pub(super) fn of_people(floor: &Floor, lens: crate::calibration::LensPrior) -> String {
    let fit = floor.fit();
    let mut text = format!("fitted to {} boxes of people\n", fit.points.unwrap_or(0));
    if let Some((half, most)) = fit.residual_m.zip(fit.residual_p90_m) {
        let (half, most) = (length(half), length(most));
        put(
            &mut text,
            format_args!(
                "measured on this floor, half of them are within {half} of 1.70 m, and nine of ten within {most}; \
                people themselves differ by 6 cm and 15 cm\n"
            ),
        );
    }
    if let Some(share) = fit.distance_share {
        put(&mut text, format_args!("distances are good to some {:.0} %", (100.0 * share).hypot(5.0)));
        let unknown = " across the picture; those away from the camera depend on the lens, which was guessed: \
            give --fov from the camera's data sheet if you have it";
        let known = matches!(lens, crate::calibration::LensPrior::FieldOfView(_));
        put(&mut text, format_args!("{}\n", if known { "" } else { unknown }));
    }
    text
}

/// Where the camera must be, for somebody who sees it hang.
pub(super) fn of_camera(floor: &Floor) -> String {
    let Some(pose) = floor.pose() else {
        return "where the camera is cannot be told from this floor, so sizes of boxes are not checked\n"
            .to_owned();
    };
    let doubt = match floor.method() {
        Some(Method::Points) => "; if it does not, look at the pairs again",
        _ => "",
    };
    format!(
        "so the camera hangs {:.1} m high, looks {:.0} degrees down, is turned {:.0} degrees, and sees {:.0} degrees \
        across{doubt}\n",
        pose.height_m,
        pose.tilt_deg(),
        pose.roll_deg() + 0.0,
        pose.field_of_view_deg()
    )
}

fn length(metres: f64) -> String {
    if metres < 1.0 { format!("{:.0} cm", 100.0 * metres) } else { format!("{metres:.1} m") }
}

fn put(text: &mut String, words: std::fmt::Arguments<'_>) {
    text.write_fmt(words).expect("a String takes all text");
}
