//! Checks one record: is it of the schema, and can it be true? Pure.
//!
//! What is not obvious: a record of a kind that is not known here is good. A newer box sent it; it is kept as it came under
//! the name that it gives itself. A record of a known kind that breaks its shape is bad. So the kind is read first, and only
//! then the rest. Limits are far above what a store can do and far below what would make sums run over.

use super::read::BadRecord;
use crate::ids::{CameraId, LineId, SensorId, ZoneId};
use crate::time::{MINUTE_MS, WallTime};
use crate::wire::v1::{
    Flow, Gap, Heat, Minute, Move, Occupancy, QueueMinute, Record, SensorCount, Transaction, ZoneMinute,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// 2020-01-01: no box of this software ran before, so an older time is a clock that was never set.
const EARLIEST: WallTime = WallTime::from_unix_ms(1_577_836_800_000);
/// How far a box's clock may be ahead of ours.
const AHEAD: Duration = Duration::from_secs(24 * 3600);
const MINUTE: Duration = Duration::from_secs(60);
/// Intervals of other sensors (`site::sensors`).
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
const LONGEST_INTERVAL: Duration = Duration::from_secs(3600);
/// More people do not cross a line, wait or stand anywhere in a minute.
const MOST_PEOPLE: u32 = 100_000;
/// Sum of times of that many people, each for a day, ms.
const MOST_TIME_MS: u64 = 86_400_000 * MOST_PEOPLE as u64;
/// A number above is none that a box comes to: a million a second for 100,000 years.
const MOST_SEQ: u64 = 1 << 61;
/// Cells of a heat map, as sent and as a grid.
const MOST_CELLS: usize = 4096;
const MOST_GRID: u64 = 1 << 22;
const MOST_MOVES: usize = 1024;
/// Largest record that is kept as it came; the box keeps to 60 kB.
const MOST_BYTES: usize = 256 * 1024;
/// The same of what a till writes (`site::till`).
const MOST_TEXT: usize = 128;
const MOST_SALE_LINES: usize = 1000;
const MOST_MINOR: i64 = 1_000_000_000_000;
const SALE_KINDS: [&str; 5] = ["sale", "refund", "void", "training", "pickup"];

/// Kinds that are kept as they came, and must be of their shape.
const EVENTS: [&str; 9] =
    ["crossing", "staff", "camera_condition", "visit", "queue", "alert", "alarm", "period", "till_rejected"];

/// A record that can be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedRecord {
    /// Its number, from 1.
    pub seq: i64,
    /// What it says.
    pub told: Told,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// A line's minute, or a part of one.
    Minute(Minute),
    /// A zone's.
    ZoneMinute(ZoneMinute),
    /// A queue's.
    QueueMinute(QueueMinute),
    /// People inside.
    Occupancy(Occupancy),
    /// Where people were.
    Heat(Heat),
    /// How they moved.
    Flow(Flow),
    /// What the till sold.
    Transaction(Transaction),
    /// What another sensor counted.
    Sensor(SensorCount),
    /// Numbers that never come.
    Gap(Gap, Event),
    /// Everything else.
    Event(Event),
}

/// A record that is kept as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What it calls itself.
    pub kind: String,
    /// When it was; none where it does not say: then it is when its batch was sent.
    pub at_ms: Option<i64>,
    /// Its JSON.
    pub body: String,
}

#[derive(Deserialize)]
struct Head {
    seq: Option<u64>,
    kind: Option<String>,
    at_ms: Option<i64>,
    start_ms: Option<i64>,
    enter_ms: Option<i64>,
    joined_ms: Option<i64>,
    since_ms: Option<i64>,
}

impl Head {
    fn event(&self, kind: &str, text: &str) -> Event {
        let at_ms = self.at_ms.or(self.start_ms).or(self.enter_ms).or(self.joined_ms).or(self.since_ms);
        Event { kind: kind.to_owned(), at_ms, body: text.to_owned() }
    }
}

/// The number alone, where the rest is garbage.
#[derive(Deserialize)]
struct Number {
    seq: u64,
}

/// Checks a record's JSON.
///
/// # Errors
/// What is put aside.
pub fn check(text: &str, received_at: WallTime) -> Result<CheckedRecord, BadRecord> {
    let number = |seq: u64| i64::try_from(seq).ok().filter(|seq| *seq >= 1 && seq.unsigned_abs() <= MOST_SEQ);
    let bad = |seq: Option<i64>, reason: String| {
        let text = text.chars().take(MOST_BYTES).collect();
        BadRecord { seq, reason: reason.chars().take(500).collect(), text }
    };
    let head: Head = match serde_json::from_str(text) {
        Ok(head) => head,
        Err(fault) => {
            let seq = serde_json::from_str::<Number>(text).ok().and_then(|found| number(found.seq));
            return Err(bad(seq, fault.to_string()));
        }
    };
    let Some(seq) = head.seq.and_then(number) else {
        return Err(bad(None, "it has no number from 1 on".to_owned()));
    };
    let told = told(&head, text, received_at).map_err(|reason| bad(Some(seq), reason))?;
    if let Told::Gap(gap, _) = &told
        && (gap.from_seq < 1 || gap.from_seq > gap.to_seq || gap.to_seq > seq.unsigned_abs())
    {
        let reason = format!("gap {}-{} does not lie before its own number {seq}", gap.from_seq, gap.to_seq);
        return Err(bad(Some(seq), reason));
    }
    Ok(CheckedRecord { seq, told })
}

fn told(head: &Head, text: &str, received_at: WallTime) -> Result<Told, String> {
    let kind = head.kind.as_deref().ok_or("it has no kind")?;
    if text.len() > MOST_BYTES {
        return Err(format!("it has {} bytes, at most {MOST_BYTES} are taken", text.len()));
    }
    let told = match kind {
        "minute" => Told::Minute(minute(read(text)?)?),
        "zone_minute" => Told::ZoneMinute(zone_minute(read(text)?)?),
        "queue_minute" => Told::QueueMinute(queue_minute(read(text)?)?),
        "occupancy" => Told::Occupancy(occupancy(read(text)?)?),
        "heat" => Told::Heat(heat(read(text)?)?),
        "flow" => Told::Flow(flow(read(text)?)?),
        "sensor_count" => Told::Sensor(sensor_count(read(text)?)?),
        "transaction" => Told::Transaction(transaction(read(text)?)?),
        "gap" => Told::Gap(read(text)?, head.event(kind, text)),
        known => {
            if EVENTS.contains(&known) {
                let _of_its_shape: Record = read(text)?;
            } else if known.is_empty() || known.len() > 64 {
                return Err("its kind has no or more than 64 letters".to_owned());
            }
            Told::Event(head.event(kind, text))
        }
    };
    for at_ms in [head.at_ms, head.start_ms, head.enter_ms, head.joined_ms].into_iter().flatten() {
        time(at_ms, received_at)?;
    }
    Ok(told)
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|fault| fault.to_string())
}

fn time(at_ms: i64, received_at: WallTime) -> Result<(), String> {
    let at = WallTime::from_unix_ms(at_ms);
    if at < EARLIEST {
        return Err(format!("{at} is before {EARLIEST}; is the box's clock set?"));
    }
    if at > received_at + AHEAD {
        return Err(format!("{at} is more than a day after it arrived; is the box's clock right?"));
    }
    Ok(())
}

fn whole_minute(start_ms: i64, seen: Duration) -> Result<(), String> {
    if start_ms.rem_euclid(MINUTE_MS) != 0 {
        return Err(format!("start_ms {start_ms} is no multiple of {MINUTE_MS}"));
    }
    if seen > MINUTE {
        return Err(format!("{seen:?} of a minute cannot be seen"));
    }
    Ok(())
}

fn people(counts: &[u32]) -> Result<(), String> {
    match counts.iter().find(|count| **count > MOST_PEOPLE) {
        Some(count) => Err(format!("{count} people in a minute, at most {MOST_PEOPLE} are believed")),
        None => Ok(()),
    }
}

fn times(spans_ms: &[u64]) -> Result<(), String> {
    match spans_ms.iter().find(|span| **span > MOST_TIME_MS) {
        Some(span) => Err(format!("{span} ms in a minute, at most {MOST_TIME_MS} are believed")),
        None => Ok(()),
    }
}

fn camera(name: &str) -> Result<(), String> {
    CameraId::parse(name).map(drop).map_err(|fault| format!("camera: {fault}"))
}

fn zone(name: &str) -> Result<(), String> {
    ZoneId::parse(name).map(drop).map_err(|fault| format!("zone: {fault}"))
}

fn minute(minute: Minute) -> Result<Minute, String> {
    camera(&minute.camera)?;
    LineId::parse(&minute.line).map_err(|fault| format!("line: {fault}"))?;
    whole_minute(minute.start_ms, minute.seen)?;
    let who = &minute.visitors;
    people(&[minute.entries, minute.exits, who.staff_in, who.staff_out, who.reentries, who.passersby])?;
    people(&who.groups)?;
    Ok(minute)
}

fn zone_minute(minute: ZoneMinute) -> Result<ZoneMinute, String> {
    camera(&minute.maker.camera)?;
    zone(&minute.zone)?;
    whole_minute(minute.start_ms, minute.seen)?;
    people(&[minute.visits, minute.engaged, minute.staff_visits])?;
    people(&[minute.present.map_or(0, |present| present.max)])?;
    times(&[minute.person_ms, minute.staff_person_ms])?;
    Ok(minute)
}

fn queue_minute(minute: QueueMinute) -> Result<QueueMinute, String> {
    camera(&minute.maker.camera)?;
    zone(&minute.zone)?;
    whole_minute(minute.start_ms, minute.seen)?;
    people(&[minute.joined, minute.served, minute.abandoned, minute.waits])?;
    let length = minute.length.map_or((0, 0), |length| (length.max, length.mean.0));
    people(&[length.0, u32::try_from(length.1 / 1000).unwrap_or(u32::MAX)])?;
    times(&[minute.wait_ms, minute.longest_wait_ms, minute.service_ms])?;
    Ok(minute)
}

fn occupancy(minute: Occupancy) -> Result<Occupancy, String> {
    whole_minute(minute.start_ms, minute.seen)?;
    people(&[minute.people, minute.max])?;
    Ok(minute)
}

fn heat(heat: Heat) -> Result<Heat, String> {
    camera(&heat.camera)?;
    text("geometry", &heat.geometry)?;
    let grid = u64::from(heat.columns) * u64::from(heat.rows);
    if grid > MOST_GRID || heat.presence.len().max(heat.dwell.len()) > MOST_CELLS {
        return Err(format!("a heat map of {grid} cells is too large"));
    }
    for (cell, tenths) in heat.presence.iter().chain(&heat.dwell) {
        if u64::from(*cell) >= grid || *tenths > MOST_TIME_MS {
            return Err(format!("cell {cell} with {tenths} tenths of a second is not on its grid of {grid}"));
        }
    }
    Ok(heat)
}

fn flow(flow: Flow) -> Result<Flow, String> {
    camera(&flow.camera)?;
    if flow.moves.len() > MOST_MOVES {
        return Err(format!("{} moves, at most {MOST_MOVES} are taken", flow.moves.len()));
    }
    for Move { from, to, people: count } in &flow.moves {
        text("from", from)?;
        text("to", to)?;
        people(&[*count])?;
    }
    people(&[flow.other_moves])?;
    Ok(flow)
}

fn sensor_count(told: SensorCount) -> Result<SensorCount, String> {
    SensorId::parse(&told.sensor).map_err(|fault| format!("sensor: {fault}"))?;
    told.camera.as_deref().map_or(Ok(()), camera)?;
    told.zone.as_deref().map_or(Ok(()), zone)?;
    told.line
        .as_deref()
        .map_or(Ok(()), |line| LineId::parse(line).map(drop).map_err(|fault| format!("line: {fault}")))?;
    text("id", told.id.as_deref().unwrap_or_default())?;
    if told.length < SHORTEST_INTERVAL || told.length > LONGEST_INTERVAL || told.seen > told.length {
        return Err(format!("{:?} seen of an interval of {:?} is not believed", told.seen, told.length));
    }
    if told.entries.is_some() == told.count.is_some() || told.exits.is_some() && told.entries.is_none() {
        return Err("it gives neither or both of \"in\" and \"count\"".to_owned());
    }
    people(&[told.entries.unwrap_or(0), told.exits.unwrap_or(0), told.count.unwrap_or(0)])?;
    Ok(told)
}

fn transaction(sold: Transaction) -> Result<Transaction, String> {
    if sold.id.is_empty() {
        return Err("a transaction has no id".to_owned());
    }
    let lines = sold.lines.iter().flat_map(|line| [&line.item, &line.category]).flatten();
    for written in [&sold.id].into_iter().chain(&sold.channel).chain(&sold.voids).chain(lines) {
        text("a text of the till", written)?;
    }
    if !SALE_KINDS.contains(&sold.what.as_str()) {
        return Err(format!(
            "{:?} is no kind of transaction",
            sold.what.chars().take(20).collect::<String>()
        ));
    }
    if sold.currency.len() != 3 || !sold.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err("its currency is no three capitals".to_owned());
    }
    if !(0..=MOST_MINOR).contains(&sold.amount_minor) || sold.units.is_some_and(|units| units > 1_000_000) {
        return Err(format!("{} with {:?} units is not believed", sold.amount_minor, sold.units));
    }
    let believed = |line: &&crate::wire::v1::TransactionLine| {
        line.amount_minor.abs() <= MOST_MINOR && line.quantity.value().abs() <= 1_000_000.0
    };
    if sold.lines.len() > MOST_SALE_LINES || sold.lines.iter().any(|line| !believed(&line)) {
        return Err("it has more than 1000 lines, or one that is not believed".to_owned());
    }
    Ok(sold)
}

fn text(what: &str, written: &str) -> Result<(), String> {
    if written.len() > MOST_TEXT {
        return Err(format!("{what} has {} bytes, at most {MOST_TEXT} are taken", written.len()));
    }
    Ok(())
}
