//! What Home Assistant has to know to show a box by itself: one retained message per box (MQTT device discovery).
//!
//! What is not obvious: `live` carries more than one kind of message, and everything of a box arrives in one of them. So
//! each value has a template that picks its own out of the kind `now`, and that renders *nothing* for any other kind: of
//! an empty text Home Assistant keeps the last value. `None` says that a value is not known, which is never 0.
//!
//! The format is that of Home Assistant 2024.11 and later: `PREFIX/device/ID/config` with `device`, `origin` and `components`
//! (its documentation of the MQTT integration, "device discovery payload").

use crate::ids::{CameraId, LineId, ZoneId};
use crate::wire::topics::{BoxNames, Topics};
use serde_json::{Map, Value, json};

/// What a box counts, as far as Home Assistant shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Things {
    /// Every camera.
    pub cameras: Vec<CameraThings>,
    /// Whether the box knows of its store as a whole.
    pub has_store: bool,
}

/// What one camera counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraThings {
    /// The camera.
    pub camera: CameraId,
    /// Its lines.
    pub lines: Vec<LineId>,
    /// Its zones.
    pub zones: Vec<ZoneThings>,
}

/// A zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneThings {
    /// The zone.
    pub zone: ZoneId,
    /// Whether people wait there.
    pub is_queue: bool,
}

/// A message for Home Assistant, to be published retained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduction {
    /// Where it goes.
    pub topic: String,
    /// JSON.
    pub payload: Vec<u8>,
}

/// The message that introduces a box. `prefix` is the one that Home Assistant listens to, without a slash at its end.
#[must_use]
pub fn introduction(prefix: &str, names: &BoxNames, software: &str, things: &Things) -> Introduction {
    let topics = Topics::of(names);
    let (program, version) = software.split_once(' ').unwrap_or((software, ""));
    let payload = json!({
        "device": {
            "identifiers": [unique(names, &[])],
            "name": names.box_id.as_str(),
            "manufacturer": program,
            "model": "People counter",
            "sw_version": version,
        },
        "origin": { "name": program, "sw_version": version },
        "availability": [{
            "topic": topics.state,
            // A box that was stopped counts as little as one that is gone.
            "value_template": "{{ 'online' if value_json.state == 'online' else 'offline' }}",
        }],
        "state_topic": topics.live,
        "components": components(names, things),
    });
    Introduction {
        topic: format!("{prefix}/device/{}/config", names.box_id),
        payload: payload.to_string().into_bytes(),
    }
}

/// An id that no other entity in the world has; ids of ours hold no dot, so the parts stay apart.
fn unique(names: &BoxNames, parts: &[&str]) -> String {
    let all = ["footfall", names.box_id.as_str()].into_iter().chain(parts.iter().copied());
    all.collect::<Vec<_>>().join(".")
}

/// How a value goes on, which decides what Home Assistant makes of its history.
#[derive(Clone, Copy)]
enum Course {
    /// It only rises, and begins anew with the service.
    Rises,
    /// It goes up and down. Visitors and visits too: whoever is found to be staff is taken back.
    Varies,
}

impl Course {
    const fn state_class(self) -> &'static str {
        match self {
            Self::Rises => "total_increasing",
            Self::Varies => "measurement",
        }
    }
}

fn components(names: &BoxNames, things: &Things) -> Map<String, Value> {
    let mut found = Map::new();
    let mut add = |parts: &[&str], mut component: Value| {
        component["unique_id"] = Value::String(unique(names, parts));
        found.insert(parts.join("."), component);
    };
    for camera in &things.cameras {
        let id = camera.camera.as_str();
        add(&[id, "problem"], problem(id));
        for line in &camera.lines {
            for (field, words) in [("in", "entries"), ("out", "exits")] {
                let template = of_camera(id, ("lines", "line", line.as_str()), field);
                let name = format!("{id} {line} {words}");
                add(&[id, "line", line.as_str(), field], sensor(&name, &template, Course::Rises, "people"));
            }
        }
        for zone in &camera.zones {
            let queue = zone.is_queue.then_some(("queue", "waiting", "people"));
            let fields = [("present", "people", "people"), ("visits", "visits", "visits")];
            for (field, words, unit) in fields.into_iter().chain(queue) {
                let zone = zone.zone.as_str();
                let template = of_camera(id, ("zones", "zone", zone), field);
                let name = format!("{id} {zone} {words}");
                add(&[id, "zone", zone, field], sensor(&name, &template, Course::Varies, unit));
            }
        }
    }
    if things.has_store {
        for (field, name, value, unit) in [
            ("people", "people in the store", "s.people", "people"),
            ("visitors", "visitors today", "s.visitors", "people"),
            ("conversion", "conversion today", "(s.conversion * 100) | round(1)", "%"),
        ] {
            add(&["store", field], sensor(name, &of_store(value, field), Course::Varies, unit));
        }
    }
    found
}

fn sensor(name: &str, template: &str, course: Course, unit: &str) -> Value {
    json!({
        "platform": "sensor",
        "name": name,
        "value_template": template,
        "state_class": course.state_class(),
        "unit_of_measurement": unit,
    })
}

/// Whether no pictures arrive, or such as cannot be counted on.
fn problem(camera: &str) -> Value {
    let ill = "'ON' if c.state != 'up' or 'conditions' in c else 'OFF'";
    json!({
        "platform": "binary_sensor",
        "name": format!("{camera} problem"),
        "device_class": "problem",
        "entity_category": "diagnostic",
        "value_template": each_camera(camera, &format!("{{{{ {ill} }}}}")),
    })
}

/// Renders `inner` for the camera `c` of that id in a message of the kind `now`.
fn each_camera(camera: &str, inner: &str) -> String {
    format!(
        "{{% if value_json.kind == 'now' %}}{{% for c in value_json.cameras if c.camera == '{camera}' %}}{inner}\
         {{% endfor %}}{{% endif %}}"
    )
}

/// A field of a thing in a list of a camera: the list, the key that names a thing, and the thing's name.
/// The fields are had by subscript, because `in` is a word of the template language.
fn of_camera(camera: &str, (list, key, name): (&str, &str, &str), field: &str) -> String {
    // A camera says nothing of zones while it has none, and what is not there must not be named: Home Assistant would
    // write a warning into its log every second.
    let found = format!(
        "{{% for t in (c.{list} if '{list}' in c else []) if t.{key} == '{name}' and '{field}' in t %}}\
         {{{{ t['{field}'] }}}}{{% endfor %}}"
    );
    each_camera(camera, &found)
}

/// A field of the store, where it is there; `None` where it is not.
fn of_store(value: &str, field: &str) -> String {
    format!(
        "{{% if value_json.kind == 'now' %}}{{% set s = value_json.store if 'store' in value_json else {{}} %}}\
         {{{{ {value} if '{field}' in s else None }}}}{{% endif %}}"
    )
}

#[cfg(test)]
mod tests;
