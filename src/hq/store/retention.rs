//! Lets go of what is older than it is to be kept, in small pieces so that nobody who writes waits for long.
//!
//! What is not obvious: hours and days stay. They do not need their minutes, as intake adds to an hour what a minute changed;
//! a minute that comes after its hour's were deleted still counts there, and is deleted in the next round.

use super::{Store, StoreError};
use crate::time::{MINUTE_MS, WallTime};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// Rows of one piece: some 20 ms.
const MOST_ROWS: i64 = 5000;

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Minutes of lines, zones, queues and of people inside, and intervals of other sensors.
    pub minutes: Duration,
    /// Events.
    pub events: Duration,
    /// What could not be read, strangers, and links to enrol by that ran out.
    pub aside: Duration,
    /// Who did what, ended alerts, what webhooks were told, roll-outs that are over, and versions of a box's configuration before its newest 20.
    pub audit: Duration,
    /// How boxes were, by hour.
    pub health: Duration,
    /// Pictures that somebody asked a box for.
    pub pictures: Duration,
}

impl Default for Retention {
    /// Minutes 400 days, so that last year's same day is there; events 90 days; aside 30; audit and health 400; pictures one.
    fn default() -> Self {
        Self {
            minutes: DAY * 400,
            events: DAY * 90,
            aside: DAY * 30,
            audit: DAY * 400,
            health: DAY * 400,
            pictures: DAY,
        }
    }
}

/// Deletes at most `?2` rows older than `?1`, by the table's own key.
const MINUTES: [&str; 5] = [
    "DELETE FROM line_minute WHERE (line_id, minute) IN (SELECT line_id, minute FROM line CROSS JOIN line_minute
        USING (line_id) WHERE minute < ?1 LIMIT ?2)",
    "DELETE FROM zone_minute WHERE (zone_id, minute) IN (SELECT zone_id, minute FROM zone CROSS JOIN zone_minute
        USING (zone_id) WHERE minute < ?1 LIMIT ?2)",
    "DELETE FROM queue_minute WHERE (zone_id, minute) IN (SELECT zone_id, minute FROM zone CROSS JOIN queue_minute
        USING (zone_id) WHERE minute < ?1 LIMIT ?2)",
    "DELETE FROM occupancy_minute WHERE (store_id, minute) IN (SELECT store_id, minute FROM store CROSS JOIN occupancy_minute
        USING (store_id) WHERE minute < ?1 LIMIT ?2)",
    "DELETE FROM sensor_count WHERE (sensor_id, start_ms, part) IN (SELECT sensor_id, start_ms, part FROM sensor CROSS JOIN
        sensor_count USING (sensor_id) WHERE start_ms < ?1 * 60000 LIMIT ?2)",
];
/// The kinds are found one after another by the index: DISTINCT would read all of it.
const EVENTS: &str = "DELETE FROM event WHERE (box_id, seq) IN (
    WITH RECURSIVE known (kind) AS (SELECT min(kind) FROM event
      UNION ALL SELECT (SELECT min(event.kind) FROM event WHERE event.kind > known.kind) FROM known WHERE known.kind IS NOT NULL)
    SELECT box_id, seq FROM known CROSS JOIN event INDEXED BY event_by_time ON event.kind = known.kind WHERE at_ms < ?1 LIMIT ?2)";
const ASIDE: [&str; 3] = [
    "DELETE FROM aside WHERE aside_id IN (SELECT aside_id FROM aside WHERE at_ms < ?1 LIMIT ?2)",
    "DELETE FROM stranger WHERE topic IN (SELECT topic FROM stranger WHERE last_ms < ?1 LIMIT ?2)",
    "DELETE FROM enrolment WHERE box_id IN (SELECT box_id FROM enrolment WHERE expires_ms < ?1 LIMIT ?2)",
];
const HEALTH: &str =
    "DELETE FROM health_hour WHERE (box_id, hour) IN (SELECT box_id, hour FROM box CROSS JOIN health_hour
    USING (box_id) WHERE hour < ?1 LIMIT ?2)";
const PICTURES: &str = "UPDATE command SET picture = NULL WHERE command_id IN (
    SELECT command_id FROM command WHERE picture IS NOT NULL AND answered_ms < ?1 LIMIT ?2)";
/// Of roll-outs the newest stays: its number would be given again, and versions of configurations name it.
const AUDIT: [&str; 7] = [
    "DELETE FROM command WHERE command_id IN (SELECT command_id FROM command WHERE asked_ms < ?1 LIMIT ?2)",
    "DELETE FROM audit WHERE audit_id IN (SELECT audit_id FROM audit WHERE at_ms < ?1 LIMIT ?2)",
    "DELETE FROM alert WHERE alert_id IN (SELECT alert_id FROM alert WHERE ended_ms < ?1 LIMIT ?2)",
    "DELETE FROM webhook_delivery WHERE delivery_id IN (SELECT delivery_id FROM webhook_delivery WHERE created_ms < ?1 LIMIT ?2)",
    "DELETE FROM rollout_box WHERE (rollout_id, box_id) IN (SELECT rollout_id, box_id FROM rollout CROSS JOIN rollout_box
        USING (rollout_id) WHERE state IN ('done', 'taken_back') AND state_ms < ?1
        AND rollout_id < (SELECT max(rollout_id) FROM rollout) LIMIT ?2)",
    "DELETE FROM rollout WHERE rollout_id IN (SELECT rollout_id FROM rollout WHERE state IN ('done', 'taken_back')
        AND state_ms < ?1 AND rollout_id < (SELECT max(rollout_id) FROM rollout) LIMIT ?2)",
    "DELETE FROM config_version WHERE (box_id, version) IN (SELECT box_id, version FROM config_version AS old WHERE at_ms < ?1
        AND version <= (SELECT max(version) - 20 FROM config_version AS new WHERE new.box_id = old.box_id) LIMIT ?2)",
];

impl Store {
    /// Deletes one piece of what is too old at `now`; the number of rows, 0 where nothing is left to delete. Between two
    /// pieces others write: call it again after a pause until it says 0.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_piece(&self, keep: &Retention, now: WallTime) -> Result<usize, StoreError> {
        let before = |span: Duration| (now - span).unix_ms();
        let minutes = MINUTES.iter().map(|sql| (*sql, before(keep.minutes).div_euclid(MINUTE_MS)));
        let events = [(EVENTS, before(keep.events))];
        let aside = ASIDE.iter().map(|sql| (*sql, before(keep.aside)));
        let audit = AUDIT.iter().map(|sql| (*sql, before(keep.audit)));
        // Pictures first: they show a shop.
        let boxes = [(PICTURES, before(keep.pictures)), (HEALTH, before(keep.health).div_euclid(MINUTE_MS))];
        for (sql, limit) in boxes.into_iter().chain(minutes).chain(events).chain(aside).chain(audit) {
            let deleted = self
                .write::<_, StoreError>(|all| Ok(all.prepare_cached(sql)?.execute((limit, MOST_ROWS))?))?;
            if deleted > 0 {
                return Ok(deleted);
            }
        }
        Ok(0)
    }
}
