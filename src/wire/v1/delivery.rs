//! What goes between a box and whoever stores its records: batches one way, `ack` and `backfill` the other.
//!
//! A watermark is not a receipt for a message but a statement about numbers: everything up to it is stored, or is known
//! never to come. So it may be said again at any time, the latest one is enough, and a lower one than before is true
//! as well, where the store was put back to an earlier copy of itself.

use super::{AnyRecord, MAX_BATCH_BYTES, V1, WireError};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use std::io::Read;

/// The message on `records`, before gzip. `R` is what stands for one record: stored JSON text
/// where it is written, [`AnyRecord`] where it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch<R> {
    /// Version.
    pub v: V1,
    /// Who owns the store.
    pub tenant: String,
    /// The store.
    pub store: String,
    /// The box.
    #[serde(rename = "box")]
    pub box_id: String,
    /// When the box sent it, UTC ms.
    pub sent_ms: i64,
    /// Lowest `seq` that the box still holds, when it sent this: nothing below it ever comes again. Absent from boxes
    /// before 0.3, which hold nothing that was confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_from: Option<u64>,
    /// Whether an outage held the batch back, or it was asked for again; absent where it is not.
    #[serde(default, skip_serializing_if = "is_false")]
    pub late: bool,
    /// The records, by rising `seq`.
    pub records: Vec<R>,
}

impl<R: Serialize> Batch<R> {
    /// The payload: gzipped JSON. The same batch gives the same bytes.
    ///
    /// # Errors
    /// [`WireError`] where a record cannot be written as JSON.
    pub fn to_gzip(&self) -> Result<Vec<u8>, WireError> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        serde_json::to_writer(&mut packed, self)?;
        Ok(packed.finish().expect("a Vec takes every byte"))
    }
}

impl Batch<AnyRecord> {
    /// Reads a payload from `records`.
    ///
    /// # Errors
    /// [`WireError`] says whether it is not gzip, too large, or not a batch.
    pub fn from_gzip(payload: &[u8]) -> Result<Self, WireError> {
        Ok(serde_json::from_slice(&unpack(payload)?)?)
    }
}

/// The JSON of a payload from `records`, for whoever reads record by record.
///
/// # Errors
/// [`WireError`] says whether it is not gzip, or too large.
pub fn unpack(payload: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut json = Vec::new();
    GzDecoder::new(payload)
        .take(MAX_BATCH_BYTES + 1)
        .read_to_end(&mut json)
        .map_err(|source| WireError::Unpack { len: payload.len(), source })?;
    if json.len() as u64 > MAX_BATCH_BYTES {
        return Err(WireError::TooLarge { len: payload.len() });
    }
    Ok(json)
}

/// The message on `ack`, from whoever stores the records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Version.
    pub v: V1,
    /// The box that it is about.
    #[serde(rename = "box")]
    pub box_id: String,
    /// Every record up to this number is stored, or is known never to come; 0 where none is.
    pub watermark: u64,
    /// When this was so, UTC ms.
    pub at_ms: i64,
}

/// The message on `backfill`: records that are to be sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backfill {
    /// Version.
    pub v: V1,
    /// The box that it is for.
    #[serde(rename = "box")]
    pub box_id: String,
    /// First number that is wanted.
    pub from_seq: u64,
    /// Last number that is wanted, included.
    pub to_seq: u64,
    /// When it was asked for, UTC ms.
    pub at_ms: i64,
}

impl Ack {
    /// Reads a payload from `ack`.
    ///
    /// # Errors
    /// [`WireError::Shape`].
    pub fn from_json(payload: &[u8]) -> Result<Self, WireError> {
        Ok(serde_json::from_slice(payload)?)
    }
}

impl Backfill {
    /// Reads a payload from `backfill`.
    ///
    /// # Errors
    /// [`WireError::Shape`].
    pub fn from_json(payload: &[u8]) -> Result<Self, WireError> {
        Ok(serde_json::from_slice(payload)?)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn is_false(value: &bool) -> bool {
    !value
}
