//! `--zone` and what belongs to it: zones given on the command line.

use crate::config::{MAX_ZONE_SPAN, parse_span};
use crate::geom::polygon::PolygonError;
use crate::geom::{ImagePoint, Polygon};
use crate::ids::{IdError, ZoneId};
use crate::zones::{Area, ZoneSettings};
use clap::Args;
use std::time::Duration;

/// Which zones, from the arguments or from a camera of a config file.
#[derive(Debug, Clone, PartialEq, Default, Args)]
pub struct ZoneArgs {
    /// A zone by its corners in px of the picture; may be given several times
    ///
    /// With --config too, these zones take the place of the camera's own.
    #[arg(long, value_name = "NAME:X,Y X,Y X,Y ...", value_parser = ZoneSpec::parse)]
    pub zone: Vec<ZoneSpec>,
    /// A stay in a zone is a visit when it lasted this long [default: 6s, or what the config file says]
    #[arg(long, value_name = "DUR", value_parser = zone_span)]
    pub visit_after: Option<Duration>,
    /// A stay is over when the person was not seen inside for this long [default: 2s, or what the config file says]
    #[arg(long, value_name = "DUR", value_parser = zone_span)]
    pub leave_after: Option<Duration>,
    /// A visit is an engaged one when it lasted this long [default: 10s, or what the config file says]
    #[arg(long, value_name = "DUR", value_parser = zone_span)]
    pub engaged_after: Option<Duration>,
}

impl ZoneArgs {
    /// The zones: those of the arguments, or else the configured ones, with what the arguments say about all zones.
    #[must_use]
    pub fn over(&self, configured: &[ZoneSettings]) -> Vec<ZoneSettings> {
        let mut zones: Vec<ZoneSettings> = match self.zone.as_slice() {
            [] => configured.to_vec(),
            given => given.iter().map(ZoneSpec::settings).collect(),
        };
        for zone in &mut zones {
            zone.rule.visit_after = self.visit_after.unwrap_or(zone.rule.visit_after);
            zone.rule.leave_after = self.leave_after.unwrap_or(zone.rule.leave_after);
            zone.rule.engaged_after = self.engaged_after.unwrap_or(zone.rule.engaged_after);
        }
        zones
    }

    pub(super) fn name_given_twice(&self) -> Option<&ZoneId> {
        let earlier = |index: usize, id: &ZoneId| self.zone[..index].iter().any(|zone| zone.id == *id);
        let mut names = self.zone.iter().map(|zone| &zone.id).enumerate();
        names.find(|(index, id)| earlier(*index, id)).map(|(_, id)| id)
    }
}

/// A zone as given on the command line.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneSpec {
    /// Its name; capitals are allowed here.
    pub id: ZoneId,
    /// Its outline, px of the picture.
    pub polygon: Polygon,
}

/// Why a text is not a zone.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ZoneSpecError {
    /// There is no name.
    #[error(
        "a zone is \"NAME:X,Y X,Y X,Y ...\", such as \"shelf:300,280 580,280 580,400 300,400\"; the name is missing"
    )]
    NoName,
    /// The name is none.
    #[error("the zone's name: {0}")]
    Name(#[from] IdError),
    /// One of the corners is none, or lies outside every picture.
    #[error("zone {name}: {text:?} is not a corner; give X,Y in px from 0 on, with a space between corners")]
    Corner {
        /// The zone.
        name: ZoneId,
        /// What was given.
        text: String,
    },
    /// The corners enclose nothing.
    #[error("zone {name}: {reason}")]
    Outline {
        /// The zone.
        name: ZoneId,
        /// What is wrong.
        reason: PolygonError,
    },
}

impl ZoneSpec {
    /// Reads `NAME:X,Y X,Y X,Y ...`. Whether it lies in the picture is seen when there is one.
    ///
    /// # Errors
    /// [`ZoneSpecError`] says what is not understood.
    pub fn parse(text: &str) -> Result<Self, ZoneSpecError> {
        let (name, corners) = text.split_once(':').ok_or(ZoneSpecError::NoName)?;
        let name = ZoneId::parse_any_case(name)?;
        let px = |text: &str| text.parse::<f32>().ok().filter(|px| (0.0..f32::INFINITY).contains(px));
        let corner = |text: &str| {
            let sides = text.split_once(',').and_then(|(x, y)| Some(ImagePoint::new(px(x)?, px(y)?)));
            sides.ok_or_else(|| ZoneSpecError::Corner { name: name.clone(), text: text.to_owned() })
        };
        let corners = corners.split_whitespace().map(corner).collect::<Result<Vec<_>, _>>()?;
        let polygon =
            Polygon::new(corners).map_err(|reason| ZoneSpecError::Outline { name: name.clone(), reason })?;
        Ok(Self { id: name, polygon })
    }

    /// The zone with every default.
    #[must_use]
    pub fn settings(&self) -> ZoneSettings {
        ZoneSettings::new(self.id.clone(), Area::Image(self.polygon.clone()))
    }
}

fn zone_span(text: &str) -> Result<Duration, String> {
    let span = parse_span(text).map_err(|fault| fault.to_string())?;
    if span > MAX_ZONE_SPAN { Err("give at most 10m".to_owned()) } else { Ok(span) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let told = match ZoneSpec::parse(text) {
            Ok(zone) => format!("{} with {} corners", zone.id, zone.polygon.corners().len()),
            Err(fault) => fault.to_string(),
        };
        assert!(told.contains(expected), "{text:?}: {told}");
    }

    #[test]
    fn a_zone_is_a_name_and_its_corners() {
        check("Shelf:300,280 580,280 580,400", "Shelf with 3 corners");
        check("shelf: 300,280  580,280\t580,400 300.5,400 ", "shelf with 4 corners");
    }

    #[test]
    fn what_is_no_zone_says_what_to_give() {
        check("300,280 580,280 580,400", "the name is missing");
        check("a b:1,1 2,2 3,1", "the zone's name");
        check("shelf:300,280 580 580,400", "\"580\" is not a corner");
        check("shelf:300,280 -580,2 580,400", "\"-580,2\" is not a corner");
        check("shelf:300,280 580,400", "at least 3 corners");
        check("shelf:1,1 2,2 3,3", "no area");
    }
}
