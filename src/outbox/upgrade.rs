//! Brings an older outbox file to the newest version, step by step.
//!
//! Step `n` makes version `n + 1` of version `n`. There is one version so far, hence no step; a
//! change of `schema.sql` adds one here, and a test compares what the steps leave with `schema.sql`.

use rusqlite::Connection;

/// The version that this software writes.
pub(super) const VERSION: i64 = 1;

/// `STEPS[n]` leads from version `n + 1` to `n + 2`.
pub(super) const STEPS: &[&str] = &[];

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

    #[test]
    fn the_newest_version_is_what_all_steps_lead_to() {
        assert_eq!(VERSION, i64::try_from(STEPS.len()).unwrap() + 1);
    }
}
