//! Reads one message: whom its topic names, and what its payload says. Pure.
//!
//! What is not obvious: a batch is read in two steps. The envelope must be right, or nothing is taken: a batch whose names are not
//! those of its topic says something about nobody. But one bad record must not hold up the good ones beside it, nor be asked for
//! again for ever. So records are read one by one, and a bad one gives up its number and goes aside.

use super::LiveNow;
use super::record::{self, CheckedRecord};
use crate::hq::fleet::read::{self as fleet, Told, Untold};
use crate::ids::{BoxId, StoreId, TenantId};
use crate::time::WallTime;
use crate::wire::topics::BoxNames;
use crate::wire::v1::{Batch, Live, LiveMessage, State, WireError, unpack};
use serde_json::value::RawValue;

/// Most records of a batch. A box sends at most 500.
pub const MOST_RECORDS: usize = 50_000;

/// Largest message on `state`: a few hundred cameras with problems and audits.
const MOST_STATE_BYTES: usize = 256 * 1024;

/// Largest message on `live`.
const MOST_LIVE_BYTES: usize = 256 * 1024;

/// Why nothing of a message is taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Not one of our topics.
    #[error("the topic is not footfall/v1/TENANT/STORE/BOX and one of those on which boxes speak")]
    Topic,
    /// Gzip, size, or shape.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// More than a message of its kind can be.
    #[error("it has {got} {what}, at most {most} are taken")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How much.
        got: usize,
        /// How much is taken.
        most: usize,
    },
    /// What a box says of itself cannot be.
    #[error(transparent)]
    Fleet(#[from] Untold),
    /// Topic and payload name different boxes.
    #[error("it names {got}, its topic names {expected}")]
    Names {
        /// What the payload says.
        got: String,
        /// What the topic says.
        expected: String,
    },
}

/// A batch whose envelope is right.
#[derive(Debug)]
pub struct CheckedBatch {
    /// Who sent it.
    pub names: BoxNames,
    /// When.
    pub sent_at: WallTime,
    /// It was held back by an outage, or asked for again.
    pub late: bool,
    /// Everything below never comes again. Never above the lowest number of the batch: the box holds what it sends.
    pub kept_from: Option<i64>,
    /// What was understood, and what a newer box calls by names that are not known here.
    pub records: Vec<CheckedRecord>,
    /// What was not.
    pub bad: Vec<BadRecord>,
}

/// A record that is put aside.
#[derive(Debug)]
pub struct BadRecord {
    /// Its number; none where not even that can be read: then the number stays missing, and is asked for again.
    pub seq: Option<i64>,
    /// What is wrong with it.
    pub reason: String,
    /// As it came.
    pub text: String,
}

/// A message that was understood.
#[derive(Debug)]
pub enum Message {
    /// Records.
    Records(CheckedBatch),
    /// How the box is: the text as it came, which is a `state` of this version.
    State {
        /// Who says so.
        names: BoxNames,
        /// The payload.
        text: String,
    },
    /// Values of now.
    Live(Box<LiveNow>),
    /// What the box says of itself.
    Fleet {
        /// Who says so.
        names: BoxNames,
        /// What.
        told: Told,
        /// The payload.
        text: String,
    },
    /// A copy of an event, which comes again as a record.
    Copy,
}

/// Names of a box's topic, and what follows them.
///
/// # Errors
/// [`Refusal::Topic`].
pub fn topic_of(topic: &str) -> Result<(BoxNames, &str), Refusal> {
    let mut parts = topic.splitn(6, '/');
    let mut next = || parts.next().ok_or(Refusal::Topic);
    let (root, version) = (next()?, next()?);
    let (tenant, store, box_id, kind) = (next()?, next()?, next()?, next()?);
    if (root, version) != ("footfall", "v1") {
        return Err(Refusal::Topic);
    }
    let (Ok(tenant), Ok(store), Ok(box_id)) =
        (TenantId::parse(tenant), StoreId::parse(store), BoxId::parse(box_id))
    else {
        return Err(Refusal::Topic);
    };
    Ok((BoxNames { tenant, store, box_id }, kind))
}

/// Reads a message that arrived at `received_at`.
///
/// # Errors
/// [`Refusal`]: nothing of it can be taken.
pub fn message(topic: &str, payload: &[u8], received_at: WallTime) -> Result<Message, Refusal> {
    let (names, kind) = topic_of(topic)?;
    match kind {
        "records" => batch(names, payload, received_at).map(Message::Records),
        "state" => {
            limit("bytes", payload.len(), MOST_STATE_BYTES)?;
            let _checked: State = serde_json::from_slice(payload).map_err(WireError::from)?;
            Ok(Message::State { names, text: String::from_utf8_lossy(payload).into_owned() })
        }
        "live" => {
            limit("bytes", payload.len(), MOST_LIVE_BYTES)?;
            let message: LiveMessage = serde_json::from_slice(payload).map_err(WireError::from)?;
            let Live::Now(now) = message.live else { return Ok(Message::Copy) };
            Ok(Message::Live(Box::new(LiveNow {
                tenant: names.tenant.to_string(),
                store: names.store.to_string(),
                box_name: names.box_id.to_string(),
                now,
            })))
        }
        told if fleet::is_told(told) => {
            let told = fleet::told(told, payload)?;
            Ok(Message::Fleet { names, told, text: String::from_utf8_lossy(payload).into_owned() })
        }
        _ => Err(Refusal::Topic),
    }
}

fn limit(what: &'static str, got: usize, most: usize) -> Result<(), Refusal> {
    if got > most { Err(Refusal::TooMuch { what, got, most }) } else { Ok(()) }
}

fn batch(names: BoxNames, payload: &[u8], received_at: WallTime) -> Result<CheckedBatch, Refusal> {
    unpacked_batch(names, &unpack(payload)?, received_at)
}

/// Reads the JSON of a message on `records`, when it is unpacked.
///
/// # Errors
/// [`Refusal`]: nothing of it can be taken.
pub fn unpacked_batch(names: BoxNames, json: &[u8], received_at: WallTime) -> Result<CheckedBatch, Refusal> {
    let batch: Batch<&RawValue> = serde_json::from_slice(json).map_err(WireError::from)?;
    limit("records", batch.records.len(), MOST_RECORDS)?;
    let shown = |tenant: &str, store: &str, name: &str| {
        let cut = |text: &str| text.chars().take(80).collect::<String>();
        format!("{}/{}/{}", cut(tenant), cut(store), cut(name))
    };
    let expected = shown(names.tenant.as_str(), names.store.as_str(), names.box_id.as_str());
    let got = shown(&batch.tenant, &batch.store, &batch.box_id);
    if got != expected {
        return Err(Refusal::Names { got, expected });
    }
    let (mut records, mut bad) = (Vec::with_capacity(batch.records.len()), Vec::new());
    for raw in &batch.records {
        match record::check(raw.get(), received_at) {
            Ok(record) => records.push(record),
            Err(fault) => bad.push(fault),
        }
    }
    let lowest = records.iter().map(|record| record.seq).chain(bad.iter().filter_map(|bad| bad.seq)).min();
    let kept_from = batch.kept_from.and_then(|from| i64::try_from(from).ok());
    Ok(CheckedBatch {
        names,
        sent_at: WallTime::from_unix_ms(batch.sent_ms),
        late: batch.late,
        kept_from: kept_from.filter(|from| lowest.is_some_and(|lowest| *from <= lowest)),
        records,
        bad,
    })
}

#[cfg(test)]
mod tests;
