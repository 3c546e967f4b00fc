//! Brings an older database to the newest version, step by step, all in one transaction.
//!
//! Step `n` makes version `n + 1` of version `n`. A change of `schema.sql` after a release adds one here, and a test compares what the
//! steps leave of the first version, which is kept as it was, with what `schema.sql` makes.

use rusqlite::{Connection, TransactionBehavior};

/// The version that this software writes.
pub(super) const VERSION: i64 = 2;

/// `STEPS[n]` leads from version `n + 1` to `n + 2`.
pub(super) const STEPS: &[&str] =
    &[concat!(include_str!("schema/2-fleet.sql"), include_str!("schema/2-sensors.sql"))];

/// Runs the steps that `version` still needs.
pub(super) fn upgrade(sqlite: &mut Connection, version: i64, steps: &[&str]) -> rusqlite::Result<()> {
    let done = usize::try_from(version - 1).unwrap_or(0);
    let missing = steps.get(done..).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    let all = sqlite.transaction_with_behavior(TransactionBehavior::Exclusive)?;
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

    /// What version 1 was when it was released: never to be changed.
    const FIRST: &str = include_str!("schema/version-1.sql");

    /// Tables and indexes without comments and spaces.
    fn shape(sqlite: &Connection) -> Vec<String> {
        let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
        let mut select = sqlite.prepare(sql).unwrap();
        let plain = |sql: String| {
            let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default().to_owned());
            lines.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        select.query_map([], |row| row.get(0)).unwrap().map(|sql| plain(sql.unwrap())).collect()
    }

    fn check(version: i64, steps: &[&str], expected: (i64, i64)) {
        let mut sqlite = Connection::open_in_memory().unwrap();
        sqlite.execute_batch("CREATE TABLE t (a INTEGER)").unwrap();
        sqlite.pragma_update(None, "user_version", version).unwrap();
        let done = upgrade(&mut sqlite, version, steps);
        let version: i64 = sqlite.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        let rows: i64 = sqlite.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!((version, rows), expected, "{done:?}");
    }

    #[test]
    fn only_the_steps_that_are_missing_run_and_one_that_fails_leaves_everything_as_it_was() {
        let steps = ["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)"];
        check(1, &steps, (3, 2));
        check(2, &steps, (3, 1));
        check(3, &steps, (3, 0));
        check(1, &["INSERT INTO t VALUES (1)", "nonsense"], (1, 0));
    }

    #[test]
    fn what_the_steps_leave_is_what_a_fresh_file_has() {
        let mut upgraded = Connection::open_in_memory().unwrap();
        upgraded.execute_batch(FIRST).unwrap();
        upgrade(&mut upgraded, 1, STEPS).unwrap();
        let fresh = Connection::open_in_memory().unwrap();
        fresh.execute_batch(include_str!("schema.sql")).unwrap();
        assert_eq!(shape(&upgraded), shape(&fresh));
        assert_eq!(VERSION, i64::try_from(STEPS.len()).unwrap() + 1);
    }
}
