//! Brings an older outbox file to the newest version, step by step.
//!
//! Step `n` makes version `n + 1` of version `n`. A change of `schema.sql` adds one here and puts the schema that it
//! replaces into the tests, which compare what the steps leave of every earlier version with `schema.sql`.

use rusqlite::Connection;

/// The version that this software writes.
pub(super) const VERSION: i64 = 3;

/// `STEPS[n]` leads from version `n + 1` to `n + 2`.
pub(super) const STEPS: &[&str] = &[
    // Version 1 held nothing that was confirmed, so 0 is a true watermark. Its records do not say when they were stored:
    // they are history of no age, which goes once it is confirmed.
    "ALTER TABLE meta ADD COLUMN watermark INTEGER NOT NULL DEFAULT 0 CHECK (watermark >= 0);
     ALTER TABLE record ADD COLUMN stored_ms INTEGER NOT NULL DEFAULT 0;
     CREATE TABLE draft (source TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;",
    // Version 2 took every clock for right, and so is what it stored.
    "ALTER TABLE record ADD COLUMN undated INTEGER;
     ALTER TABLE draft ADD COLUMN undated INTEGER;
     CREATE INDEX record_undated ON record (seq) WHERE undated IS NOT NULL;
     CREATE TABLE undated_run (run INTEGER PRIMARY KEY, boot TEXT NOT NULL, offset_ms INTEGER NOT NULL,
       UNIQUE (boot, offset_ms)) STRICT;",
];

/// Runs the steps that `version` still needs, all in one transaction.
pub(super) fn upgrade(sqlite: &mut Connection, version: i64, steps: &[&str]) -> rusqlite::Result<()> {
    let done = usize::try_from(version - 1).unwrap_or(0);
    let missing = steps.get(done..).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    let all = sqlite.transaction()?;
    for step in missing {
        all.execute_batch(step)?;
    }
    let reached = i64::try_from(steps.len()).unwrap_or(i64::MAX) + 1;
    all.pragma_update(None, "user_version", reached)?;
    all.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version_after(start: i64, steps: &[&str]) -> (i64, i64) {
        let mut sqlite = Connection::open_in_memory().unwrap();
        sqlite.execute_batch("CREATE TABLE t (a INTEGER)").unwrap();
        sqlite.pragma_update(None, "user_version", start).unwrap();
        upgrade(&mut sqlite, start, steps).unwrap();
        let version = sqlite.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        let rows = sqlite.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        (version, rows)
    }

    #[test]
    fn only_the_steps_that_are_missing_run() {
        let steps = ["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)"];
        assert_eq!(version_after(1, &steps), (3, 2));
        assert_eq!(version_after(2, &steps), (3, 1));
        assert_eq!(version_after(3, &steps), (3, 0));
    }

    #[test]
    fn a_step_that_fails_leaves_everything_as_it_was() {
        let mut sqlite = Connection::open_in_memory().unwrap();
        sqlite.execute_batch("CREATE TABLE t (a INTEGER); PRAGMA user_version = 1").unwrap();
        upgrade(&mut sqlite, 1, &["INSERT INTO t VALUES (1)", "nonsense"]).unwrap_err();
        let rows: i64 = sqlite.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0);
    }

    /// The schemas that released versions made, the first one first.
    const EARLIER: &[&str] = &[
        "CREATE TABLE meta (
           only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
           box TEXT NOT NULL,
           next_seq INTEGER NOT NULL CHECK (next_seq >= 1),
           reserved INTEGER NOT NULL CHECK (reserved >= next_seq - 1)
         ) STRICT;
         CREATE TABLE record (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;",
        "CREATE TABLE meta (
           only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
           box TEXT NOT NULL,
           next_seq INTEGER NOT NULL CHECK (next_seq >= 1),
           reserved INTEGER NOT NULL CHECK (reserved >= next_seq - 1),
           watermark INTEGER NOT NULL DEFAULT 0 CHECK (watermark >= 0)
         ) STRICT;
         CREATE TABLE record (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, stored_ms INTEGER NOT NULL DEFAULT 0) STRICT;
         CREATE TABLE draft (source TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;"];

    /// Every table and index as SQLite knows it, without comments and layout.
    fn schema(sqlite: &Connection) -> Vec<String> {
        let mut select =
            sqlite.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
        let bare = |sql: String| {
            let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default().to_owned());
            let words = lines
                .collect::<Vec<_>>()
                .join(" ")
                .replace(',', " , ")
                .replace('(', " ( ")
                .replace(')', " ) ");
            words.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        select.query_map([], |row| row.get(0)).unwrap().map(|sql| bare(sql.unwrap())).collect()
    }

    #[test]
    fn every_earlier_version_becomes_what_a_new_file_is() {
        let fresh = Connection::open_in_memory().unwrap();
        fresh.execute_batch(include_str!("schema.sql")).unwrap();
        assert_eq!(EARLIER.len(), STEPS.len(), "a step needs the schema that it starts from");
        for (version, earlier) in (1..).zip(EARLIER) {
            let mut old = Connection::open_in_memory().unwrap();
            old.execute_batch(earlier).unwrap();
            old.execute_batch(
                "INSERT INTO meta (only_row, box, next_seq, reserved) VALUES (1, 'door-7', 8, 10007);
                 INSERT INTO record (seq, body) VALUES (7, '{}')",
            )
            .unwrap();
            upgrade(&mut old, version, STEPS).unwrap();
            assert_eq!(schema(&old), schema(&fresh), "from version {version}");
            let kept = old.query_row("SELECT next_seq, watermark, stored_ms FROM meta, record", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            });
            assert_eq!(kept.unwrap(), (8, 0, 0));
        }
    }

    #[test]
    fn the_newest_version_is_what_all_steps_lead_to() {
        assert_eq!(VERSION, i64::try_from(STEPS.len()).unwrap() + 1);
    }
}
