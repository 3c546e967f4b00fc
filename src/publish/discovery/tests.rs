//! Templates are rendered by an engine of the same language that Home Assistant uses.

use super::*;
use crate::ids::{BoxId, StoreId, TenantId};
use crate::wire::v1::{
    CameraNow, CameraStatus, Crossing, Direction, LineTotals, Live, LiveMessage, Now, StoreNow, V1, ZoneNow,
};
use minijinja::{Environment, UndefinedBehavior};
use std::collections::BTreeSet;

fn names() -> BoxNames {
    BoxNames {
        tenant: TenantId::parse("acme").unwrap(),
        store: StoreId::parse("berlin-1").unwrap(),
        box_id: BoxId::parse("acme-b1-door").unwrap(),
    }
}

fn things() -> Things {
    let zone = |id: &str, is_queue| ZoneThings { zone: ZoneId::parse(id).unwrap(), is_queue };
    let line = |id: &str| LineId::parse(id).unwrap();
    let camera = |id: &str, lines, zones| CameraThings { camera: CameraId::parse(id).unwrap(), lines, zones };
    Things {
        cameras: vec![
            camera("door", vec![line("entrance"), line("side")], vec![]),
            camera("hall", vec![line("entrance")], vec![zone("shelf", false), zone("till", true)]),
        ],
        has_store: true,
    }
}

fn read(things: &Things) -> Value {
    let introduction = introduction("homeassistant", &names(), "footfall 0.2.0", things);
    assert_eq!(introduction.topic, "homeassistant/device/acme-b1-door/config");
    serde_json::from_slice(&introduction.payload).unwrap()
}

fn now() -> Now {
    let line = |line: &str, entries, exits| LineTotals { line: line.to_owned(), entries, exits };
    let zone = |zone: &str, present, visits, queue| ZoneNow { zone: zone.to_owned(), present, visits, queue };
    let camera = |camera: &str, state, lines, zones| CameraNow {
        camera: camera.to_owned(),
        state,
        fps: 9.98,
        lines,
        zones,
        conditions: Vec::new(),
    };
    let door = camera("door", CameraStatus::Up, vec![line("entrance", 14, 18), line("side", 1, 2)], vec![]);
    let zones = vec![zone("shelf", 1, 9, None), zone("till", 4, 31, Some(3))];
    let hall = camera("hall", CameraStatus::Down, vec![line("entrance", 7, 8)], zones);
    let store = StoreNow {
        business_day: "2026-11-22".to_owned(),
        people: Some(4),
        entries: 31,
        visitors: 28,
        transactions: Some(7),
        amount_minor: Some(123_405),
        currency: Some("EUR".to_owned()),
        decimals: 2,
        conversion: Some(0.2537),
        absent: None,
        aside: 0,
    };
    Now { at_ms: 1, since_ms: 0, cameras: vec![door, hall], store: Some(store) }
}

/// What an entity shows once this message has come; empty: what it showed before.
#[track_caller]
fn shown(entity: &str, live: Live) -> String {
    let template = read(&things())["components"][entity]["value_template"].clone();
    let template = template.as_str().unwrap_or_else(|| panic!("there is no {entity}")).to_owned();
    let mut engine = Environment::empty();
    engine.add_filter("round", minijinja::filters::round);
    // Home Assistant writes a warning for everything that is named and not there.
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    let message = serde_json::to_value(LiveMessage { v: V1, live }).unwrap();
    let context = json!({ "value_json": message });
    engine.render_str(&template, context).unwrap_or_else(|fault| panic!("{template}: {fault}"))
}

#[track_caller]
fn check(entity: &str, expected: &str) {
    assert_eq!(shown(entity, Live::Now(now())), expected, "{entity}");
}

fn crossing() -> Live {
    Live::Crossing(Crossing {
        camera: "door".to_owned(),
        line: "entrance".to_owned(),
        direction: Direction::In,
        frame: 1,
        at_ms: 1,
        track: 1,
        run: 1,
        geometry: String::new(),
        plane: "image".to_owned(),
        model: String::new(),
    })
}

fn entities() -> Vec<String> {
    read(&things())["components"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn each_line_has_its_own_entries_and_exits() {
    check("door.line.entrance.in", "14");
    check("door.line.entrance.out", "18");
    check("door.line.side.in", "1");
    check("hall.line.entrance.in", "7");
}

#[test]
fn each_zone_has_people_and_visits_and_a_queue_those_who_wait() {
    check("hall.zone.shelf.present", "1");
    check("hall.zone.shelf.visits", "9");
    check("hall.zone.till.queue", "3");
    assert!(!entities().contains(&"hall.zone.shelf.queue".to_owned()));
}

#[test]
fn the_store_has_people_visitors_and_conversion_in_percent() {
    check("store.people", "4");
    check("store.visitors", "28");
    check("store.conversion", "25.4");
}

#[test]
fn a_camera_that_is_down_or_looks_elsewhere_is_a_problem() {
    check("door.problem", "OFF");
    check("hall.problem", "ON");
    let mut now = now();
    now.cameras[0].conditions = vec!["moved".to_owned()];
    assert_eq!(shown("door.problem", Live::Now(now)), "ON");
}

#[test]
fn a_crossing_leaves_every_value_as_it_was() {
    let entities = entities();
    assert!(entities.len() >= 16, "{entities:?}");
    for entity in entities {
        assert_eq!(shown(&entity, crossing()), "", "{entity}");
    }
}

#[test]
fn what_is_not_known_is_none_and_not_nought() {
    let mut now = now();
    for (people, expected) in [(Some(0), "0"), (None, "None")] {
        let store = now.store.as_mut().unwrap();
        (store.people, store.conversion) = (people, None);
        assert_eq!(shown("store.people", Live::Now(now.clone())).to_lowercase(), expected.to_lowercase());
        assert_eq!(shown("store.conversion", Live::Now(now.clone())).to_lowercase(), "none");
    }
}

#[test]
fn before_the_first_picture_nothing_is_shown_and_nothing_is_wrong() {
    let mut now = now();
    now.cameras[1].zones.clear();
    now.store = None;
    assert_eq!(shown("hall.zone.till.queue", Live::Now(now.clone())), "");
    now.cameras.clear();
    for entity in entities().into_iter().filter(|entity| !entity.starts_with("store.")) {
        assert_eq!(shown(&entity, Live::Now(now.clone())), "", "{entity}");
    }
}

#[test]
fn every_entity_has_an_id_of_its_own_and_what_home_assistant_needs() {
    let device = read(&things());
    for key in ["device", "origin", "availability", "state_topic", "components"] {
        assert!(!device[key].is_null(), "{key}");
    }
    let components = device["components"].as_object().unwrap();
    let ids: BTreeSet<&str> = components.values().filter_map(|one| one["unique_id"].as_str()).collect();
    assert_eq!(ids.len(), components.len(), "{ids:?}");
    assert!(ids.iter().all(|id| id.starts_with("footfall.acme-b1-door.")), "{ids:?}");
    let known = |one: &Value| matches!(one["platform"].as_str(), Some("sensor" | "binary_sensor"));
    assert!(components.values().all(|one| known(one) && one["name"].is_string()));
}

#[test]
fn a_box_that_is_gone_or_stopped_is_not_available() {
    let template = read(&things())["availability"][0]["value_template"].as_str().unwrap().to_owned();
    for (state, expected) in [("online", "online"), ("offline", "offline"), ("stopped", "offline")] {
        let told = Environment::empty().render_str(&template, json!({ "value_json": { "state": state } }));
        assert_eq!(told.unwrap(), expected);
    }
}

#[test]
fn a_box_without_a_store_shows_none() {
    let components = read(&Things { has_store: false, ..things() })["components"].clone();
    assert!(components.as_object().unwrap().keys().all(|key| !key.starts_with("store.")));
}
