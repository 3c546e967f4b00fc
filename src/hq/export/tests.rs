use super::*;
use crate::hq::store::StoreError;
use parquet::file::reader::{FileReader, SerializedFileReader};

/// A store with two minutes, an hour, a sale and an event on 2026-11-22, and one minute on the day after.
fn filled(folder: &Path) -> Store {
    let store = Store::open(&folder.join("hq.sqlite")).unwrap();
    store
        .write::<_, StoreError>(|all| {
            all.execute_batch(
                r#"INSERT INTO tenant VALUES (1, 'acme', 'Acme');
                INSERT INTO store (store_id, tenant_id, region_id, name, title, currency, decimals, calendar, hours, least_coverage, simulated)
                  VALUES (1, 1, NULL, 'berlin-1', 'B', 'EUR', 2, '{}', '{}', 0.9, 0);
                INSERT INTO box (box_id, store_id, name) VALUES (1, 1, 'a');
                INSERT INTO camera VALUES (1, 1, 'door', 'Door');
                INSERT INTO line VALUES (1, 1, 1, 'in', 'In', 'door', 29922240, 29923680);
                INSERT INTO line_minute VALUES (1, 29922240, 3, 1, 0, 0, 0, 0, NULL, 60000, 1),
                  (1, 29922241, 2, 0, 0, 0, 0, 0, NULL, 60000, 0), (1, 29923680, 9, 0, 0, 0, 0, 0, NULL, 60000, 1);
                INSERT INTO line_hour VALUES (1, 29922240, 20779, 8, 5, 1, 0, 0, 0, 0, 120000),
                  (1, 29923680, 20780, 8, 9, 0, 0, 0, 0, 0, 60000);
                INSERT INTO store_hour VALUES (1, 29922240, 20779, 8, 3600000, 5, 1, 0, 0, NULL, NULL, NULL, NULL,
                  1, 500, 0, NULL, 0, NULL, 120000, 0, 0);
                INSERT INTO sale VALUES (1, '4711', 1795334400000, 29922240, 20779, 'sale', 500, 'EUR', NULL, NULL, 'csv');
                INSERT INTO event VALUES (1, 7, 'alarm', 1795334400000, 0, '{"seq":7}');"#,
            )?;
            Ok(())
        })
        .unwrap();
    store
}

fn export(store: &Store, folder: &Path) -> Vec<(PathBuf, usize)> {
    let day = Day::parse("2026-11-22").unwrap();
    export_day(store, Whose { tenant: "acme", store: None }, day, folder).unwrap()
}

#[test]
fn what_was_written_is_read_back_with_what_is_not_known_as_null() {
    let folder = tempfile::tempdir().unwrap();
    let files = export(&filled(folder.path()), &folder.path().join("out"));
    let mut shown = Vec::new();
    for (path, rows) in &files {
        let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
        let all: Vec<String> =
            reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
        assert_eq!(all.len(), *rows);
        shown.push(all.join("\n"));
    }
    let time = "2026-11-22 08:00:00.000 +00:00";
    assert!(shown[0].contains("entries: 3") && shown[0].contains("entries: 2"), "{}", shown[0]);
    assert!(!shown[0].contains("entries: 9") && shown[0].contains("valid: false"), "{}", shown[0]);
    assert!(shown[1].contains("sales_minor: 500") && shown[1].contains("passersby: null"), "{}", shown[1]);
    assert!(shown[2].contains("4711") && shown[2].contains(time), "{}", shown[2]);
    assert!(shown[3].contains("alarm"), "{}", shown[3]);
}

#[test]
fn the_same_day_gives_the_same_bytes_and_another_tenant_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path());
    let (one, two) = (export(&store, &folder.path().join("1")), export(&store, &folder.path().join("2")));
    for ((one, _), (two, _)) in one.iter().zip(&two) {
        assert_eq!(fs::read(one).unwrap(), fs::read(two).unwrap());
    }
    let day = Day::parse("2026-11-22").unwrap();
    let other = export_day(&store, Whose { tenant: "other", store: None }, day, &folder.path().join("3"));
    assert!(other.unwrap().iter().all(|(_, rows)| *rows == 0));
}
