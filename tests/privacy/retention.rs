//! How long what is kept: the table in `docs/guide/privacy.md`, the defaults of the programs, and what is really deleted, in step.

use std::path::Path;

const GUIDE: &str = include_str!("../../docs/guide/privacy.md");
const GUIDE_ZH: &str = include_str!("../../docs/guide/privacy.zh-TW.md");

/// A row of the table: what, where, setting, default, and (in English) who holds it.
fn rows(guide: &'static str, heading: &str) -> Vec<Vec<&'static str>> {
    let (_, table) = guide.split_once(heading).unwrap();
    let lines =
        table.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    lines.skip(2).map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

fn english() -> Vec<Vec<&'static str>> {
    rows(GUIDE, "## How long what is kept")
}

/// The value that a setting has in a printed config file, switched on there or not.
fn default_of(file: &str, table: &str, key: &str) -> Option<String> {
    let mut within = String::new();
    for line in file.lines() {
        let line = line.trim_start_matches('#');
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            within = name.trim_matches(['[', ']']).to_owned();
        }
        if within == table
            && let Some(value) = line.strip_prefix(key).and_then(|rest| rest.strip_prefix(" = "))
        {
            return Some(value.trim_matches('"').to_owned());
        }
    }
    None
}

/// Table and key of `[table] key`.
fn setting(written: &str) -> (&str, &str) {
    written.trim_matches('`').trim_start_matches('[').split_once("] ").unwrap()
}

#[test]
fn the_stated_times_are_the_defaults() {
    let mut checked = 0;
    for row in english() {
        let (table, key) = setting(row[2]);
        let value = default_of(footfall::config::DEFAULT_FILE, table, key);
        #[cfg(feature = "hq")]
        let value = value.or_else(|| default_of(footfall::hq::config::DEFAULT_FILE, table, key));
        match value {
            // What is bounded by room and not by time says so.
            Some(value) if value.ends_with(['d', 'h', 'm', 's']) => {
                assert_eq!(value, row[3], "{row:?}");
                checked += 1;
            }
            Some(_) => assert!(row[3].starts_with("until"), "{row:?}"),
            // Without head office its settings are not known here.
            None if cfg!(not(feature = "hq")) => {}
            None => panic!("{row:?} names no setting"),
        }
    }
    assert!(checked >= 3, "{checked}");
}

#[cfg(feature = "hq")]
#[test]
fn nothing_that_head_office_lets_go_of_after_a_time_is_left_out() {
    let file = footfall::hq::config::DEFAULT_FILE;
    let (_, keep) = file.split_once("\n[keep]\n").unwrap();
    let keys =
        keep.lines().take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(" = "));
    let keys: Vec<&str> = keys.map(|(key, _)| key).filter(|key| !key.starts_with('#')).collect();
    assert!(keys.len() >= 4, "{keys:?}");
    for key in keys {
        assert!(
            english().iter().any(|row| setting(row[2]) == ("keep", key)),
            "[keep] {key} is not in the table"
        );
    }
}

#[test]
fn every_row_names_the_test_that_holds_it() {
    for row in english() {
        let [file, test] =
            row[4].split_whitespace().map(|word| word.trim_matches('`')).collect::<Vec<_>>()[..]
        else {
            panic!("{row:?} names no file and test")
        };
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        assert!(text.contains(&format!("fn {test}(")), "{file} has no test {test}");
    }
}

#[test]
fn both_languages_state_the_same_times() {
    let same = |rows: Vec<Vec<&'static str>>| -> Vec<(&str, &str)> {
        let timed = rows.into_iter().filter(|row| row[3].starts_with(|c: char| c.is_ascii_digit()));
        timed.map(|row| (row[2], row[3])).collect()
    };
    let (english, chinese) = (same(english()), same(rows(GUIDE_ZH, "## 保存多久")));
    assert!(english.len() >= 7);
    assert_eq!(english, chinese);
}

#[cfg(feature = "hq")]
#[test]
fn at_head_office_every_kind_goes_after_its_own_time_and_not_before() {
    use footfall::hq::store::Store;
    use footfall::hq::store::retention::Retention;
    use footfall::time::WallTime;
    use std::time::Duration;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hq.sqlite");
    let store = Store::open(&path).unwrap();
    let sqlite = rusqlite::Connection::open(&path).unwrap();
    let day_ms = 86_400_000_i64;
    let now = WallTime::from_unix_ms(20_000 * day_ms);
    let keep = Retention::default();
    // Kept for how long, and a row of that age: `AT` is when it was made, `MINUTE` the same in minutes.
    let kinds: [(Duration, &str, &str); 13] = [
        (keep.minutes, "line_minute", "(line_id, minute) VALUES (1, MINUTE)"),
        (keep.minutes, "zone_minute", "(zone_id, minute) VALUES (1, MINUTE)"),
        (keep.minutes, "queue_minute", "(zone_id, minute) VALUES (1, MINUTE)"),
        (keep.minutes, "occupancy_minute", "(store_id, minute) VALUES (1, MINUTE)"),
        (keep.events, "event", "(box_id, seq, kind, at_ms) VALUES (1, SEQ, 'crossing', AT)"),
        (keep.aside, "aside", "(at_ms) VALUES (AT)"),
        (keep.health, "health_hour", "(box_id, hour) VALUES (1, MINUTE)"),
        (keep.audit, "audit", "(at_ms) VALUES (AT)"),
        (keep.audit, "alert", "(ended_ms) VALUES (AT)"),
        (keep.audit, "webhook_delivery", "(created_ms) VALUES (AT)"),
        (keep.aside, "enrolment", "(box_id, token_hash, expires_ms) VALUES (SEQ, x'0SEQ', AT)"),
        // The newest roll-out stays, and so do the newest 20 versions of a box: the old row is before them.
        (keep.audit, "rollout", "(rollout_id, state, state_ms) VALUES (3 - SEQ, 'done', AT)"),
        (keep.audit, "config_version", "(box_id, version, at_ms) VALUES (1, 41 - 20 * SEQ, AT)"),
    ];
    // Only times matter here; everything else that a row needs is made up by the test.
    sqlite.execute_batch("PRAGMA foreign_keys = off; PRAGMA ignore_check_constraints = on;").unwrap();
    place(&sqlite);
    for (span, table, values) in kinds {
        for (seq, age_ms) in [(1, -day_ms), (2, day_ms)] {
            let at = now.unix_ms() - i64::try_from(span.as_millis()).unwrap() - age_ms;
            let values =
                values.replace("AT", &at.to_string()).replace("MINUTE", &at.div_euclid(60_000).to_string());
            insert(&sqlite, table, &values.replace("SEQ", &seq.to_string()));
        }
    }
    let asked = |age_ms: i64| now.unix_ms() - i64::try_from(keep.pictures.as_millis()).unwrap() - age_ms;
    for (id, at) in [("old", asked(day_ms)), ("new", asked(-day_ms / 2))] {
        let values = format!("(name, asked_ms, answered_ms, picture) VALUES ('{id}', {at}, {at}, x'ffd8')");
        insert(&sqlite, "command", &values);
    }
    drop(sqlite);
    while store.forget_piece(&keep, now).unwrap() > 0 {}
    let sqlite = rusqlite::Connection::open(&path).unwrap();
    for (_, table, _) in kinds {
        let left: i64 =
            sqlite.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert_eq!(left, 1, "{table}: the old row goes and the younger one stays");
    }
    let with_picture = "SELECT group_concat(name) FROM command WHERE picture IS NOT NULL";
    let left: String = sqlite.query_row(with_picture, [], |row| row.get(0)).unwrap();
    assert_eq!(left, "new", "who asked stays, the picture goes");
}

/// A box, a camera, a line and a zone for rows to belong to.
#[cfg(feature = "hq")]
fn place(sqlite: &rusqlite::Connection) {
    for (table, values) in [
        ("store", "(store_id, name) VALUES (1, 'a')"),
        ("box", "(box_id, name) VALUES (1, 'a')"),
        ("camera", "(camera_id, name) VALUES (1, 'a')"),
        ("line", "(line_id, name) VALUES (1, 'a')"),
        ("zone", "(zone_id, name) VALUES (1, 'a')"),
    ] {
        insert(sqlite, table, values);
    }
}

/// Adds a row; columns that must have something and are not named get 0, or an empty text.
#[cfg(feature = "hq")]
fn insert(sqlite: &rusqlite::Connection, table: &str, columns_and_values: &str) {
    let (columns, values) = columns_and_values.split_once(" VALUES ").unwrap();
    let (mut columns, mut values) =
        (columns.trim_end_matches(')').to_owned(), values.trim_end_matches(')').to_owned());
    let mut about = sqlite.prepare(&format!("PRAGMA table_info({table})")).unwrap();
    let needed: Vec<(String, String, bool, bool)> = about
        .query_map([], |row| {
            Ok((row.get(1)?, row.get(2)?, row.get(3)?, row.get::<_, Option<String>>(4)?.is_some()))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let named: Vec<String> = columns.trim_start_matches('(').split(", ").map(str::to_owned).collect();
    for (name, kind, is_needed, has_default) in needed {
        if is_needed && !has_default && !named.contains(&name) {
            columns.push_str(&format!(", {name}"));
            values.push_str(if kind == "TEXT" {
                ", ''"
            } else if kind == "BLOB" {
                ", x''"
            } else {
                ", 0"
            });
        }
    }
    sqlite.execute_batch(&format!("INSERT INTO {table} {columns}) VALUES {values})")).unwrap();
}
