//! Cuts a feed of many stores into one for each, and remembers from which rows each part came.
//!
//! Nothing else of a row is looked at here: the rows go on as they were written, so that whoever reads them sees what was sent.

use super::Format;
use crate::site::till::{MAX_ROWS, Reason, Rejected, RowFault};
use ::csv::{ReaderBuilder, StringRecord, Trim, Writer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Most stores (and currencies) in one feed.
const MAX_PARTS: usize = 5_000;
/// Longest name that parts are told apart by.
const MAX_KEY_BYTES: usize = 128;

/// The rows of one store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    keys: Vec<(String, Option<String>)>,
    /// Names of the columns, where it is CSV.
    pub(super) header: Vec<String>,
    /// What was sent, these rows only.
    pub(super) bytes: Vec<u8>,
    /// The number of each row in what was sent.
    rows: Vec<u64>,
}

impl Part {
    /// What all its rows have in this column.
    pub(super) fn key(&self, name: &str) -> Option<&str> {
        self.keys.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_deref())
    }

    /// The row of what was sent, from that of this part; 0 stays 0.
    pub(super) fn row(&self, of_part: u64, format: Format) -> u64 {
        // The first row of CSV is the header, which every part has.
        let before = if format == Format::Csv { 2 } else { 1 };
        let index = of_part.checked_sub(before).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.rows.get(index).copied()).unwrap_or(0)
    }

    /// Puts all its rows aside.
    pub(super) fn reject(&self, fault: &RowFault) -> Vec<Rejected> {
        self.rows
            .iter()
            .map(|row| Rejected { row: *row, fault: fault.clone(), excerpt: String::new() })
            .collect()
    }
}

/// Cuts a feed by what stands in some columns; rows that cannot be told apart are put aside.
#[must_use]
pub fn split(bytes: &[u8], format: Format, keys: &[&str]) -> (Vec<Part>, Vec<Rejected>) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let fault = RowFault::new(Reason::Encoding, "a feed is UTF-8, and this is not");
        return (Vec::new(), vec![Rejected { row: 0, fault, excerpt: String::new() }]);
    };
    let text = text.trim_start_matches('\u{feff}');
    match format {
        Format::Json => split_json(text, keys),
        Format::Csv => split_csv(text, keys),
    }
}

fn put_aside(row: u64, reason: Reason, words: impl Into<String>, text: &str) -> Rejected {
    let excerpt = text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect();
    Rejected { row, fault: RowFault { reason, words: words.into() }, excerpt }
}

type Key = Vec<Option<String>>;

fn split_json(text: &str, keys: &[&str]) -> (Vec<Part>, Vec<Rejected>) {
    let (mut groups, mut rejected) = (BTreeMap::<Key, (Vec<u64>, Vec<&str>)>::new(), Vec::new());
    let items: Vec<&str> = match serde_json::from_str::<Vec<&RawValue>>(text) {
        Ok(list) => list.into_iter().map(RawValue::get).collect(),
        // A whole object may be spread over lines; otherwise each line is one.
        Err(_) => match serde_json::from_str::<&RawValue>(text) {
            Ok(one) => vec![one.get()],
            Err(_) => text.lines().collect(),
        },
    };
    for (row, item) in (1_u64..).zip(items) {
        if row > MAX_ROWS as u64 {
            rejected.push(put_aside(row, Reason::TooMuch, "more rows than are read at once", ""));
            break;
        }
        if item.trim().is_empty() {
            continue;
        }
        match json_key(item, keys) {
            Ok(key) if groups.len() < MAX_PARTS || groups.contains_key(&key) => {
                let (rows, items) = groups.entry(key).or_default();
                rows.push(row);
                items.push(item);
            }
            Ok(_) => rejected.push(put_aside(row, Reason::TooMuch, "more stores than a feed may have", item)),
            Err(words) => rejected.push(put_aside(row, Reason::Shape, words, item)),
        }
    }
    let part = |(key, (rows, items)): (Key, (Vec<u64>, Vec<&str>))| {
        let bytes = format!("[{}]", items.join(",")).into_bytes();
        Part { keys: named(keys, key), header: Vec::new(), bytes, rows }
    };
    (groups.into_iter().map(part).collect(), rejected)
}

fn named(names: &[&str], key: Key) -> Vec<(String, Option<String>)> {
    names.iter().map(|name| (*name).to_owned()).zip(key).collect()
}

fn json_key(item: &str, keys: &[&str]) -> Result<Key, String> {
    let fields: BTreeMap<String, &RawValue> =
        serde_json::from_str(item).map_err(|fault| fault.to_string())?;
    let value = |name: &&str| match fields.get(*name).map(|raw| raw.get()) {
        None | Some("null") => Ok(None),
        Some(raw) => {
            let text: String =
                serde_json::from_str(raw).map_err(|_not_a_text| format!("\"{name}\" is no text"))?;
            short(&text).map(|()| Some(text))
        }
    };
    keys.iter().map(value).collect()
}

fn short(text: &str) -> Result<(), String> {
    if text.len() <= MAX_KEY_BYTES { Ok(()) } else { Err("a name that is too long".to_owned()) }
}

fn split_csv(text: &str, keys: &[&str]) -> (Vec<Part>, Vec<Rejected>) {
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(text.as_bytes());
    // With rows of any length and text that is UTF-8, the reader has nothing to complain of.
    let mut records = reader.records().map_while(Result::ok);
    let Some(header) = records.next() else { return (Vec::new(), Vec::new()) };
    let places: Vec<Option<usize>> =
        keys.iter().map(|key| header.iter().position(|column| column == *key)).collect();
    let (mut groups, mut rejected) = (BTreeMap::<Key, (Vec<u64>, Vec<StringRecord>)>::new(), Vec::new());
    for (row, record) in (2_u64..).zip(records) {
        let text = || record.iter().collect::<Vec<_>>().join(",");
        if row > MAX_ROWS as u64 {
            rejected.push(put_aside(row, Reason::TooMuch, "more rows than are read at once", ""));
            break;
        }
        if record.len() != header.len() {
            let words = format!("{} fields where the first row has {}", record.len(), header.len());
            rejected.push(put_aside(row, Reason::Columns, words, &text()));
            continue;
        }
        let value = |place: &Option<usize>| {
            place.and_then(|place| record.get(place)).filter(|value| !value.is_empty()).map(str::to_owned)
        };
        let key: Key = places.iter().map(value).collect();
        if key.iter().flatten().any(|text| short(text).is_err()) {
            rejected.push(put_aside(row, Reason::Text, "a name that is too long", &text()));
        } else if groups.len() < MAX_PARTS || groups.contains_key(&key) {
            let (rows, records) = groups.entry(key).or_default();
            rows.push(row);
            records.push(record);
        } else {
            rejected.push(put_aside(row, Reason::TooMuch, "more stores than a feed may have", &text()));
        }
    }
    let columns: Vec<String> = header.iter().map(str::to_owned).collect();
    let part = |(key, (rows, records)): (Key, (Vec<u64>, Vec<StringRecord>))| Part {
        keys: named(keys, key),
        header: columns.clone(),
        bytes: written(&header, &records),
        rows,
    };
    (groups.into_iter().map(part).collect(), rejected)
}

fn written(header: &StringRecord, records: &[StringRecord]) -> Vec<u8> {
    let mut writer = Writer::from_writer(Vec::new());
    for record in std::iter::once(header).chain(records) {
        writer.write_record(record).expect("rows of equal length go into memory");
    }
    writer.into_inner().expect("memory takes what is written")
}
