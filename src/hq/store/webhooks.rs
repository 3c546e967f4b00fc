//! Webhooks, and what they still have to be told, in order.

use super::alerts::AlertRow;
use crate::hq::webhooks::{Due, Hook, Outcome};
use crate::time::WallTime;
use rusqlite::{Connection, Transaction, params};

/// Most messages that wait for one hook. Beyond that the oldest are given up: whoever was away for so long reads the list.
pub(in crate::hq) const MOST_WAITING: i64 = 1_000;

/// Adds a hook; its row.
pub(in crate::hq) fn add(
    all: &Transaction<'_>,
    tenant_id: i64,
    (url, rules, secret): (&str, &str, &str),
    now: WallTime,
) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO webhook (tenant_id, url, secret, rules, disabled, created_ms) VALUES (?1, ?2, ?3, ?4, 0, ?5)";
    all.prepare_cached(sql)?.execute(params![tenant_id, url, secret, rules, now.unix_ms()])?;
    Ok(all.last_insert_rowid())
}

/// How many hooks an owner has.
pub(in crate::hq) fn count(ask: &Connection, tenant_id: i64) -> rusqlite::Result<u32> {
    let sql = "SELECT count(*) FROM webhook WHERE tenant_id = ?1";
    ask.prepare_cached(sql)?.query_row([tenant_id], |row| row.get(0))
}

/// An owner's hooks, without their secrets.
pub(in crate::hq) fn list(ask: &Connection, tenant_id: i64) -> rusqlite::Result<Vec<Hook>> {
    let sql = "SELECT webhook_id, url, rules, created_ms, delivered, given_up, last_answer, last_ms,
                 (SELECT count(*) FROM webhook_delivery d WHERE d.webhook_id = webhook.webhook_id)
               FROM webhook WHERE tenant_id = ?1 ORDER BY webhook_id";
    let mut select = ask.prepare_cached(sql)?;
    let hook = |row: &rusqlite::Row<'_>| {
        Ok(Hook {
            webhook_id: row.get(0)?,
            url: row.get(1)?,
            rules: serde_json::from_str(row.get_ref(2)?.as_str()?).unwrap_or_default(),
            created_ms: row.get(3)?,
            delivered: row.get(4)?,
            given_up: row.get(5)?,
            last_answer: row.get(6)?,
            last_ms: row.get(7)?,
            waiting: row.get(8)?,
        })
    };
    select.query_map([tenant_id], hook)?.collect()
}

/// Takes a hook of an owner away, with what it was still to be told; false where there is none.
pub(in crate::hq) fn remove(
    all: &Transaction<'_>,
    tenant_id: i64,
    webhook_id: i64,
) -> rusqlite::Result<bool> {
    all.prepare_cached(
        "DELETE FROM webhook_delivery WHERE webhook_id IN
         (SELECT webhook_id FROM webhook WHERE tenant_id = ?1 AND webhook_id = ?2)",
    )?
    .execute((tenant_id, webhook_id))?;
    let sql = "DELETE FROM webhook WHERE tenant_id = ?1 AND webhook_id = ?2";
    Ok(all.prepare_cached(sql)?.execute((tenant_id, webhook_id))? == 1)
}

/// Queues what an alert has to tell for every hook that hears of its rule.
pub(in crate::hq) fn queue(
    all: &Transaction<'_>,
    alert: &AlertRow,
    event: &str,
    now: WallTime,
) -> rusqlite::Result<()> {
    let sql = "SELECT webhook_id FROM webhook WHERE tenant_id = ?1 AND disabled = 0
                 AND (rules = '[]' OR EXISTS (SELECT 1 FROM json_each(rules) WHERE value = ?2))";
    let hooks: Vec<i64> = all
        .prepare_cached(sql)?
        .query_map(params![alert.tenant_id, alert.rule], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let text: serde_json::Value = serde_json::from_str(&alert.detail).unwrap_or_default();
    let body = serde_json::json!({
        "v": 1, "event": event, "id": alert.alert_id, "rule": alert.rule, "tenant": alert.tenant,
        "store": alert.store, "about": alert.about, "began_ms": alert.began_ms, "ended_ms": alert.ended_ms,
        "text": text,
    });
    let body = body.to_string();
    for webhook_id in hooks {
        let sql = "INSERT INTO webhook_delivery (webhook_id, body, created_ms, tries, next_ms) VALUES (?1, ?2, ?3, 0, ?3)";
        all.prepare_cached(sql)?.execute(params![webhook_id, body, now.unix_ms()])?;
        let oldest = "DELETE FROM webhook_delivery WHERE webhook_id = ?1 AND delivery_id NOT IN
            (SELECT delivery_id FROM webhook_delivery WHERE webhook_id = ?1 ORDER BY delivery_id DESC LIMIT ?2)";
        let lost = all.prepare_cached(oldest)?.execute((webhook_id, MOST_WAITING))?;
        let sql = "UPDATE webhook SET given_up = given_up + ?2 WHERE webhook_id = ?1";
        all.prepare_cached(sql)?.execute(params![webhook_id, i64::try_from(lost).unwrap_or(i64::MAX)])?;
    }
    Ok(())
}

/// What is due: of each hook its oldest message, where the time of its next try has come. The order of a hook is kept by this.
pub(in crate::hq) fn due(ask: &Connection, now: WallTime) -> rusqlite::Result<Vec<Due>> {
    let sql = "SELECT d.delivery_id, d.webhook_id, url, secret, body, tries, d.created_ms
               FROM webhook JOIN webhook_delivery d ON d.delivery_id =
                 (SELECT min(delivery_id) FROM webhook_delivery w WHERE w.webhook_id = webhook.webhook_id)
               WHERE disabled = 0 AND next_ms <= ?1 ORDER BY d.delivery_id";
    let mut select = ask.prepare_cached(sql)?;
    let due = |row: &rusqlite::Row<'_>| {
        Ok(Due {
            delivery_id: row.get(0)?,
            webhook_id: row.get(1)?,
            url: row.get(2)?,
            secret: row.get(3)?,
            body: row.get(4)?,
            tries: row.get(5)?,
            created: WallTime::from_unix_ms(row.get(6)?),
        })
    };
    select.query_map([now.unix_ms()], due)?.collect()
}

/// Notes what came of a try.
pub(in crate::hq) fn settle(
    all: &Transaction<'_>,
    due: &Due,
    (outcome, answer): (Outcome, &str),
    now: WallTime,
) -> rusqlite::Result<()> {
    let (delivered, given_up) = match outcome {
        Outcome::Delivered => (1, 0),
        Outcome::GivenUp => (0, 1),
        Outcome::Again(_) => (0, 0),
    };
    match outcome {
        Outcome::Again(at) => {
            let sql = "UPDATE webhook_delivery SET tries = tries + 1, next_ms = ?2 WHERE delivery_id = ?1";
            all.prepare_cached(sql)?.execute((due.delivery_id, at.unix_ms()))?;
        }
        Outcome::Delivered | Outcome::GivenUp => {
            let sql = "DELETE FROM webhook_delivery WHERE delivery_id = ?1";
            all.prepare_cached(sql)?.execute([due.delivery_id])?;
        }
    }
    let sql = "UPDATE webhook SET delivered = delivered + ?2, given_up = given_up + ?3, last_answer = ?4, last_ms = ?5
               WHERE webhook_id = ?1";
    let values = params![due.webhook_id, delivered, given_up, answer, now.unix_ms()];
    all.prepare_cached(sql)?.execute(values)?;
    Ok(())
}
