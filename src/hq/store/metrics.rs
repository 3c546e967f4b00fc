//! What the service's own figures are looked up from.

use crate::hq::metrics::Standing;
use crate::time::WallTime;
use rusqlite::Connection;

/// The figures; a box is online of which something came since then.
pub(in crate::hq) fn standing(ask: &Connection, since: WallTime) -> rusqlite::Result<Standing> {
    let number = |sql: &str| -> rusqlite::Result<u64> {
        let number: i64 = ask.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(u64::try_from(number).unwrap_or(0))
    };
    let sql = "SELECT count(*), count(*) FILTER (WHERE last_record_ms >= ?1), coalesce(max(lag_ms) FILTER (WHERE last_record_ms >= ?1), 0)
               FROM box WHERE retired_ms IS NULL";
    let boxes: [i64; 3] = ask
        .prepare_cached(sql)?
        .query_row([since.unix_ms()], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
    let [boxes, online, lag_ms] = boxes.map(|number| u64::try_from(number).unwrap_or(0));
    // Whatever lies up to the highest and is neither here nor lost.
    let missing = "SELECT coalesce(sum(max(0, highest
          - (SELECT coalesce(sum(min(last_seq, highest) - first_seq + 1), 0) FROM received r
             WHERE r.box_id = box.box_id AND first_seq <= highest)
          - (SELECT coalesce(sum(min(last_seq, highest) - first_seq + 1), 0) FROM lost l
             WHERE l.box_id = box.box_id AND first_seq <= highest))), 0)
        FROM box WHERE retired_ms IS NULL";
    Ok(Standing {
        boxes,
        online,
        lag_ms,
        missing: number(missing)?,
        lost: number("SELECT coalesce(sum(last_seq - first_seq + 1), 0) FROM lost")?,
        aside: number("SELECT count(*) FROM aside")?,
        alerts: number("SELECT count(*) FROM alert WHERE ended_ms IS NULL")?,
        webhooks_waiting: number("SELECT count(*) FROM webhook_delivery")?,
        database_bytes: number("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")?,
    })
}
