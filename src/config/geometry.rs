//! Names the geometry that a count was made with.
//!
//! A count from before a line was moved must not be compared with one from after it, so every record
//! carries the first 12 hex digits of a SHA-256 over this text, lines and zones sorted, numbers in their
//! shortest form:
//!
//! ```text
//! geometry 1
//! picture 768x576
//! line entrance 500,140 500,480 band 8px anchor foot
//! line yard 20,140 20,480 band 0.2heights anchor head
//! line yard activation 0,0 100,0 100,100
//! exclude 10,10 20,10 20,20
//! zone shelf image 300,280 580,280 580,400
//! zone till floor 1,2 3,2 3,4 service image 10,10 20,10 20,20
//! floor 0.1 0 -51 0 -0.03 165 0 0.01 1 lens radial 800 800 384 288 -0.2 0 0 0 0
//! staff_only 600,0 768,0 768,200
//! counter 0,300 90,300 90,400
//! ```
//!
//! Only what says *where* is in it. Ids of boxes, frame rates, time-outs and `u_turn` are not: they may
//! change without the picture meaning something else. The order in which lines, zones and keys are
//! written does not matter.

use crate::calibration::{Distortion, Floor, LensParameters};
use crate::count::{Band, LineRole, LineSettings};
use crate::geom::{FloorPoint, ImagePoint, Polygon};
use crate::pipeline::PipelineSettings;
use crate::zones::{Area, ZoneSettings};
use sha2::{Digest, Sha256};

/// Hex digits of a geometry's name: 48 bits, so that two of the geometries that one store ever has do not meet.
const NAME_DIGITS: usize = 12;

/// The name of this geometry: 12 digits of `0-9a-f`.
#[must_use]
pub fn geometry_name(settings: &PipelineSettings) -> String {
    let digest = Sha256::digest(canonical_text(settings).as_bytes());
    let digits = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    digits.chars().take(NAME_DIGITS).collect()
}

fn canonical_text(settings: &PipelineSettings) -> String {
    let picture = settings.picture.map_or_else(|| "any".to_owned(), |size| size.to_string());
    let mut lines: Vec<String> = settings.lines.iter().map(line_text).collect();
    lines.sort();
    let floor = settings.floor.as_ref().map(floor_text).unwrap_or_default();
    let exclusion = zones_text("exclude", &settings.exclusion);
    let staff_only = zones_text("staff_only", &settings.visitors.staff.staff_only);
    let counter = zones_text("counter", &settings.visitors.staff.counter);
    let mut zones: Vec<String> = settings.zones.iter().map(zone_text).collect();
    zones.sort();
    let (lines, zones) = (lines.concat(), zones.concat());
    format!("geometry 1\npicture {picture}\n{lines}{exclusion}{zones}{floor}{staff_only}{counter}")
}

fn floor_text(floor: &Floor) -> String {
    // How good the fit is says nothing about where the floor is.
    let rows = floor.floor_from_image().rows();
    let numbers: Vec<String> = rows.iter().flatten().map(|number| format!("{}", number + 0.0)).collect();
    let lens = floor.lens().map(|lens| format!(" lens {}", lens_text(lens.parameters()))).unwrap_or_default();
    format!("floor {}{lens}\n", numbers.join(" "))
}

fn lens_text(lens: &LensParameters) -> String {
    let model = match lens.distortion {
        Distortion::Radial(_) => "radial",
        Distortion::Fisheye(_) => "fisheye",
    };
    let numbers = lens.focal_px.iter().chain(&lens.centre_px).chain(lens.distortion.terms());
    let numbers: Vec<String> = numbers.map(|number| format!("{}", number + 0.0)).collect();
    format!("{model} {}", numbers.join(" "))
}

fn line_text(line: &LineSettings) -> String {
    let anchor = line.anchor.name();
    let band = match line.band {
        Band::Px(width) => format!("{width}px"),
        Band::Heights(share) => format!("{share}heights"),
    };
    let (a, b) = (point_text(&line.segment.a), point_text(&line.segment.b));
    let zones = zones_text(&format!("line {} activation", line.id), &line.activation);
    // A door, which every line was before there were others, has no word: its geometry keeps its name.
    let role =
        if line.role == LineRole::Door { String::new() } else { format!(" counts {}", line.role.name()) };
    format!("line {} {a} {b} band {band} anchor {anchor}{role}\n{zones}", line.id)
}

fn zone_text(zone: &ZoneSettings) -> String {
    let service = zone.queue.as_ref().map(|queue| format!(" service {}", area_text(&queue.service)));
    format!("zone {} {}{}\n", zone.id, area_text(&zone.area), service.unwrap_or_default())
}

fn area_text(area: &Area) -> String {
    let (space, corners): (&str, Vec<String>) = match area {
        Area::Image(polygon) => ("image", polygon.corners().iter().map(point_text).collect()),
        Area::Floor(polygon) => {
            let corner = |p: &FloorPoint| format!("{},{}", p.x_m + 0.0, p.y_m + 0.0);
            ("floor", polygon.corners().iter().map(corner).collect())
        }
    };
    format!("{space} {}", corners.join(" "))
}

fn zones_text(kind: &str, zones: &[Polygon]) -> String {
    let corners = |zone: &Polygon| zone.corners().iter().map(point_text).collect::<Vec<_>>().join(" ");
    let mut texts: Vec<String> = zones.iter().map(|zone| format!("{kind} {}\n", corners(zone))).collect();
    texts.sort();
    texts.concat()
}

fn point_text(point: &ImagePoint) -> String {
    // Adding zero makes 0 of -0, which is the same place and has another text.
    format!("{},{}", point.x + 0.0, point.y + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::Anchor;
    use crate::geom::{PictureSize, Segment};
    use crate::ids::{LineId, ZoneId};
    use crate::track::TrackSettings;
    use crate::visitors::VisitorSettings;
    use std::time::Duration;

    fn line(id: &str, x: f32) -> LineSettings {
        LineSettings {
            id: LineId::parse(id).unwrap(),
            segment: Segment::new(ImagePoint::new(x, 140.0), ImagePoint::new(x, 480.0)),
            band: Band::Px(8.0),
            anchor: Anchor::Foot,
            u_turn: Duration::ZERO,
            activation: Vec::new(),
            role: LineRole::default(),
        }
    }

    fn zone(x: f32) -> Polygon {
        let corner = |dx: f32, y: f32| ImagePoint::new(x + dx, y);
        Polygon::new(vec![corner(0.0, 0.0), corner(9.0, 0.0), corner(9.0, 9.5)]).unwrap()
    }

    fn settings() -> PipelineSettings {
        PipelineSettings {
            picture: Some(PictureSize { width: 768, height: 576 }),
            rate: None,
            lines: vec![line("a", 500.0), line("b", 20.0)],
            exclusion: vec![zone(100.0), zone(5.0)],
            zones: Vec::new(),
            visitors: VisitorSettings::default(),
            quarters: crate::analytics::QuarterSettings::default(),
            longest_gap: Duration::from_secs(2),
            tracking: TrackSettings::default(),
            floor: None,
            learns_floor: true,
        }
    }

    fn check(change: impl FnOnce(&mut PipelineSettings), same_name: bool) {
        let mut changed = settings();
        change(&mut changed);
        let same = geometry_name(&changed) == geometry_name(&settings());
        assert_eq!(same, same_name, "{}", canonical_text(&changed));
    }

    #[test]
    fn the_text_under_the_name_is_a_promise() {
        assert_eq!(
            canonical_text(&settings()),
            "geometry 1\npicture 768x576\n\
             line a 500,140 500,480 band 8px anchor foot\nline b 20,140 20,480 band 8px anchor foot\n\
             exclude 100,0 109,0 109,9.5\nexclude 5,0 14,0 14,9.5\n"
        );
        assert_eq!(geometry_name(&settings()).len(), NAME_DIGITS);
    }

    #[test]
    fn what_says_where_changes_the_name() {
        check(|s| s.picture = None, false);
        check(|s| s.lines[0].segment.a.x = 501.0, false);
        check(|s| s.lines[0].band = Band::Heights(8.0), false);
        check(|s| s.lines[0].anchor = Anchor::Head, false);
        check(|s| s.lines[0].id = LineId::parse("c").unwrap(), false);
        check(|s| s.lines[0].activation.push(zone(1.0)), false);
        check(|s| s.exclusion.truncate(1), false);
        let visited = |x| ZoneSettings::new(ZoneId::parse("shelf").unwrap(), Area::Image(zone(x)));
        check(|s| s.zones.push(visited(1.0)), false);
        let named = |x| {
            let mut settings = settings();
            settings.zones.push(visited(x));
            geometry_name(&settings)
        };
        assert_ne!(named(1.0), named(2.0));
        check(|s| s.lines[0].role = LineRole::Goods, false);
        check(|s| s.visitors.staff.staff_only.push(zone(1.0)), false);
        check(|s| s.visitors.staff.counter.push(zone(1.0)), false);
    }

    #[test]
    fn a_line_walked_the_other_way_is_another_geometry() {
        check(|s| s.lines[0].segment = Segment::new(s.lines[0].segment.b, s.lines[0].segment.a), false);
    }

    #[test]
    fn order_rates_and_patience_do_not_change_the_name() {
        check(|s| s.lines.reverse(), true);
        check(|s| s.exclusion.reverse(), true);
        check(|s| s.rate = Some(5.0), true);
        check(|s| s.lines[0].u_turn = Duration::from_secs(3), true);
        check(|s| s.longest_gap = Duration::from_secs(9), true);
    }

    #[test]
    fn minus_zero_is_zero() {
        assert_eq!(point_text(&ImagePoint::new(-0.0, 0.0)), "0,0");
    }
}
