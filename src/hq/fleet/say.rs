//! What is to be published now: read from the database after the commit, by the thread that has the connection.

use super::Fleet;
use super::enrol::{self, EnrolError};
use crate::hq::store::fleet::{self as rows, BoxKey, What, commands, packages, twin};
use crate::hq::store::{Store, StoreError};
use crate::time::WallTime;
use crate::wire::topics::FleetTopics;
use crate::wire::v1::V1;
use crate::wire::v1::fleet::{Command, ConfigDesired, SoftwareDesired};
use serde::Serialize;

/// Messages of one look.
const MOST: usize = 200;

/// Whether the broker keeps a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// For whoever comes later.
    Retained,
    /// It is for now.
    No,
}

/// A message that is to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying {
    /// Where.
    pub topic: String,
    /// What; empty takes back what is retained there.
    pub payload: Vec<u8>,
    /// For how long.
    pub kept: Kept,
    row: Row,
}

/// What of the database a message speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    Due(i64),
    Command(i64),
}

/// What is to be published, commands first: they run out.
///
/// # Errors
/// [`EnrolError`]: the database, or the authority's certificate cannot be read.
pub fn waiting(fleet: &Fleet, store: &Store, now: WallTime) -> Result<Vec<Saying>, EnrolError> {
    let (asked, due) =
        store.read(|ask| Ok((commands::to_say(ask, (now, MOST))?, rows::to_say(ask, MOST)?)))?;
    let mut sayings: Vec<Saying> = asked.into_iter().filter_map(command).collect();
    for (due_id, key, what) in due {
        let said = match &key {
            Some(key) => due_of(fleet, store, (key, what), now)?,
            None => None,
        };
        // Nothing to say of it: the row is done with.
        let (topic, payload) = said.unwrap_or_default();
        sayings.push(Saying { topic, payload, kept: Kept::Retained, row: Row::Due(due_id) });
    }
    Ok(sayings)
}

/// Notes what was handed over.
///
/// # Errors
/// [`StoreError`].
pub fn said(store: &Store, sayings: &[Saying]) -> Result<(), StoreError> {
    let due: Vec<i64> =
        sayings.iter().filter_map(|of| if let Row::Due(id) = of.row { Some(id) } else { None }).collect();
    let asked: Vec<i64> =
        sayings.iter().filter_map(|of| if let Row::Command(id) = of.row { Some(id) } else { None }).collect();
    store.write(|all| {
        rows::said(all, &due)?;
        Ok(commands::said(all, &asked)?)
    })
}

/// Has everything said again: the broker may have lost what it retained, and with the connection what was on its way.
///
/// # Errors
/// [`StoreError`].
pub fn everything_again(store: &Store, now: WallTime) -> Result<(), StoreError> {
    store.write(|all| {
        rows::everything_due(all)?;
        Ok(commands::say_again(all, now)?)
    })
}

fn command((command_id, key, row): (i64, BoxKey, commands::CommandRow)) -> Option<Saying> {
    let message = Command {
        v: V1,
        id: row.name,
        kind: commands::kind(&row.what, row.camera.as_deref())?,
        expires_ms: row.expires.unix_ms(),
        asked_by: row.by,
        why: row.why,
    };
    let topic = FleetTopics::of(&key.names).command;
    Some(Saying { topic, payload: json(&message), kept: Kept::No, row: Row::Command(command_id) })
}

fn due_of(
    fleet: &Fleet,
    store: &Store,
    (key, what): (&BoxKey, What),
    now: WallTime,
) -> Result<Option<(String, Vec<u8>)>, EnrolError> {
    let topics = FleetTopics::of(&key.names);
    Ok(match what {
        What::Config => {
            let desired = store.read(|ask| twin::desired(ask, key.box_id))?;
            desired.map(|(version, hash, text)| {
                let version = version.unsigned_abs();
                (topics.config_desired, json(&ConfigDesired { v: V1, version, hash, text }))
            })
        }
        What::Software => {
            let package = store.read(|ask| {
                let sha256 = twin::software(ask, key.box_id)?;
                sha256.map(|sha256| packages::find(ask, &sha256)).transpose().map(Option::flatten)
            })?;
            let payload = package.map(|row| {
                let url = format!("{}/api/v1/packages/{}", fleet.public_url, row.of.sha256);
                json(&SoftwareDesired { v: V1, manifest: row.manifest, signature: row.signature, url })
            });
            Some((topics.software_desired, payload.unwrap_or_default()))
        }
        What::Certificate => {
            let issued = enrol::issued(fleet, store, key.box_id, now)?;
            Some((topics.certificate_issued, issued.map(|issued| json(&issued)).unwrap_or_default()))
        }
    })
}

fn json(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("a message holds only texts and numbers")
}
