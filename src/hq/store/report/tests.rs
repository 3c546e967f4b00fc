use super::*;
use crate::hq::store::{Store, StoreError};

/// How SQLite finds the rows of a statement, one line a table.
#[track_caller]
fn check(sql: &str, expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("hq.sqlite")).unwrap();
    let plan: Result<Vec<String>, StoreError> = store.read(|ask| {
        let mut explain = ask.prepare(&["EXPLAIN QUERY PLAN ", sql].concat())?;
        let count = explain.parameter_count();
        let rows = explain.query_map(rusqlite::params_from_iter(vec![1; count]), |row| row.get(3))?;
        rows.collect()
    });
    let plan: Vec<String> = plan.unwrap();
    for part in expected {
        assert!(plan.iter().any(|line| line.starts_with(part)), "{part}\nnot in {plan:#?}");
    }
    let scans: Vec<&String> = plan.iter().filter(|line| line.starts_with("SCAN ")).collect();
    assert!(scans.is_empty() || scans.iter().all(|line| line.contains("json_each")), "{plan:#?}");
}

#[test]
fn every_report_finds_its_rows_by_a_key() {
    check(
        sums::DAYS,
        &["SEARCH store_day USING PRIMARY KEY (store_id=? AND business_day>? AND business_day<?)"],
    );
    check(sums::HOURS, &["SEARCH store_hour USING INDEX store_hour_by_day (store_id=?"]);
    check(sums::NEWEST, &["SEARCH store_day USING PRIMARY KEY (store_id=? AND business_day<?)"]);
    check(sums::FACTS, &["SEARCH store USING INTEGER PRIMARY KEY", "SEARCH store_clock USING PRIMARY KEY"]);
    check(displays::ZONE_DAYS, &["SEARCH zone_day USING PRIMARY KEY (zone_id=? AND business_day>?"]);
    check(displays::SOLD, &["SEARCH item_day USING PRIMARY KEY (store_id=? AND business_day>?"]);
    check(displays::ONE, &["SEARCH display USING INTEGER PRIMARY KEY"]);
    check(zones::QUEUE, &["SEARCH queue_hour USING PRIMARY KEY (zone_id=? AND hour>?"]);
    check(zones::HEAT, &["SEARCH heat_day USING PRIMARY KEY (camera_id=? AND business_day>?"]);
    check(zones::FLOW, &["SEARCH flow_day USING PRIMARY KEY (camera_id=? AND business_day>?"]);
    check(sensors::OF_STORE, &["SEARCH sensor USING INDEX sensor_of_store (store_id=?)"]);
    check(sensors::HOURS, &["SEARCH sensor_hour USING PRIMARY KEY (sensor_id=? AND hour>?"]);
    check(sensors::LINE, &["SEARCH line_hour USING PRIMARY KEY (line_id=? AND hour>?"]);
    check(sensors::ZONE, &["SEARCH zone_hour USING PRIMARY KEY (zone_id=? AND hour>?"]);
    check(displays::OF_STORE, &["SEARCH display USING INDEX"]);
}
