//! Stores what boxes send: many messages in one transaction, each record once.
//!
//! What is not obvious: nothing is taken of a message whose box the register does not know at that store, not even
//! its numbers. And a watermark is written in the same transaction as the records that it speaks of, so that it cannot say more
//! than is on disk.

use super::aside::{self, Aside};
use super::clock::StoreClock;
use super::minutes::{LinePart, QueuePart, StoreMinutes, ZonePart};
use super::places::{Places, Span};
use super::quarters::Quarters;
use super::sales;
use super::sensors;
use super::{Store, StoreError, WriteError, fleet, ranges, rollup};
use crate::hq::fleet::read::Told as FleetTold;
use crate::hq::ingest::read::{BadRecord, CheckedBatch, Message, Refusal};
use crate::hq::ingest::record::{CheckedRecord, Event, Told};
use crate::hq::sales::Sale;
use crate::ids::{BoxId, StoreId, TenantId};
use crate::time::{MINUTE_MS, WallTime};
use crate::wire::topics::BoxNames;
use crate::wire::v1::{GapReason, Minute, Occupancy, QueueMinute, ZoneMinute};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use std::collections::{BTreeMap, BTreeSet};

/// A message as it arrived, and what was read of it.
#[derive(Debug)]
pub struct Arrival {
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Vec<u8>,
    /// When it arrived.
    pub received_at: WallTime,
    /// What it says.
    pub read: Result<Message, Refusal>,
}

/// How far a box's records are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxMark {
    /// Which box.
    pub names: BoxNames,
    /// Every record up to here is stored, or is known never to come.
    pub watermark: i64,
    /// The highest number that arrived.
    pub highest: i64,
}

/// What became of the messages of one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// Boxes that sent records, new or not, and how far theirs are stored now.
    pub marks: Vec<BoxMark>,
    /// Records that were new.
    pub new: u64,
    /// Records that were here before.
    pub duplicates: u64,
    /// Messages and records that were put aside.
    pub aside: u64,
    /// Messages of boxes that are not in the register.
    pub strangers: u64,
}

/// How far a box is stored, and the first ranges of numbers that are missing: first, last.
pub type Missing = (BoxMark, Vec<(i64, i64)>);

impl Store {
    /// Stores messages in one transaction.
    ///
    /// # Errors
    /// [`StoreError`]: then none of them is stored.
    pub fn take(&self, arrivals: &[Arrival]) -> Result<Taken, StoreError> {
        self.write::<_, StoreError>(|all| {
            let mut intake =
                Intake { all, gathered: BTreeMap::new(), marks: BTreeMap::new(), taken: Taken::default() };
            for arrival in arrivals {
                intake.message(arrival)?;
            }
            Ok::<_, WriteError<StoreError>>(intake.finish()?)
        })
    }

    /// Puts a message aside that cannot be stored.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_aside(&self, arrival: &Arrival, reason: &str) -> Result<(), StoreError> {
        self.write::<_, StoreError>(|all| {
            let Arrival { topic, payload, received_at, .. } = arrival;
            aside::put(all, Aside { at: *received_at, topic, box_id: None, reason, payload })?;
            Ok(())
        })
    }

    /// How far the records of every box are stored, as is said again after each connect.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn watermarks(&self) -> Result<Vec<BoxMark>, StoreError> {
        self.read(|ask| marks(ask, "AND box.first_seen_ms IS NOT NULL"))
    }

    /// Every box of the register.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn boxes(&self) -> Result<Vec<BoxNames>, StoreError> {
        Ok(self.read(|ask| marks(ask, ""))?.into_iter().map(|mark| mark.names).collect())
    }

    /// Boxes of which numbers are missing, and the first such ranges, at most `most` of each.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn missing(&self, most: usize) -> Result<Vec<Missing>, StoreError> {
        self.read(|ask| {
            let behind = marks(ask, "AND box.watermark < box.highest")?;
            behind
                .into_iter()
                .map(|mark| {
                    let sql = "SELECT box_id FROM box WHERE name = ?1";
                    let name = mark.names.box_id.as_str();
                    let box_id = ask.prepare_cached(sql)?.query_row([name], |row| row.get(0))?;
                    let missing = ranges::missing(ask, box_id, (mark.watermark, mark.highest), most)?;
                    Ok((mark, missing))
                })
                .collect()
        })
    }
}

fn marks(ask: &Connection, which: &str) -> rusqlite::Result<Vec<BoxMark>> {
    let sql = format!(
        "SELECT tenant.name, store.name, box.name, box.watermark, box.highest
        FROM box JOIN store USING (store_id) JOIN tenant USING (tenant_id)
        WHERE box.retired_ms IS NULL AND store.retired_ms IS NULL {which} ORDER BY box.box_id"
    );
    let mut select = ask.prepare_cached(&sql)?;
    let rows = select.query_map([], |row| {
        let text = |at: usize| -> rusqlite::Result<String> { row.get(at) };
        Ok(([text(0)?, text(1)?, text(2)?], row.get(3)?, row.get(4)?))
    })?;
    // The register checks names before it writes them, so that none is left out.
    let mark = |([tenant, store, name], watermark, highest): ([String; 3], i64, i64)| {
        let (tenant, store) = (TenantId::parse(&tenant).ok()?, StoreId::parse(&store).ok()?);
        let names = BoxNames { tenant, store, box_id: BoxId::parse(&name).ok()? };
        Some(BoxMark { names, watermark, highest })
    };
    let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    Ok(rows.into_iter().filter_map(mark).collect())
}

/// A box in the register.
#[derive(Debug, Clone, Copy)]
struct BoxRow {
    box_id: i64,
    store_id: i64,
    watermark: i64,
    highest: i64,
}

/// What one transaction brings to one store.
#[derive(Debug)]
struct Gathered {
    clock: StoreClock,
    minutes: StoreMinutes,
    quarters: Quarters,
    sales: Vec<Sale>,
    /// Of the store's sums; amounts in another one cannot be added to them.
    currency: String,
    places: Places,
    hours: BTreeSet<i64>,
}

struct Intake<'a, 'c> {
    all: &'a Transaction<'c>,
    gathered: BTreeMap<i64, Gathered>,
    marks: BTreeMap<i64, BoxMark>,
    taken: Taken,
}

/// Where a record came from.
#[derive(Clone, Copy)]
struct From<'a> {
    row: BoxRow,
    arrival: &'a Arrival,
    batch: &'a CheckedBatch,
}

impl Intake<'_, '_> {
    fn message(&mut self, arrival: &Arrival) -> rusqlite::Result<()> {
        match &arrival.read {
            Ok(Message::Records(batch)) => match self.known_box(arrival, &batch.names)? {
                Some(row) => self.batch(From { row, arrival, batch }),
                None => Ok(()),
            },
            Ok(Message::State { names, text }) => match self.known_box(arrival, names)? {
                Some(row) => self.state(row, arrival, text),
                None => Ok(()),
            },
            Ok(Message::Fleet { names, told, text }) => match self.known_box(arrival, names)? {
                Some(row) => self.told(row, arrival, (told, text)),
                None => Ok(()),
            },
            Ok(Message::Live(_) | Message::Copy) => Ok(()),
            Err(refusal) => self.aside(arrival, None, &refusal.to_string(), &arrival.payload),
        }
    }

    fn aside(
        &mut self,
        arrival: &Arrival,
        box_id: Option<i64>,
        reason: &str,
        payload: &[u8],
    ) -> rusqlite::Result<()> {
        self.taken.aside += 1;
        let Arrival { topic, received_at: at, .. } = arrival;
        aside::put(self.all, Aside { at: *at, topic, box_id, reason, payload })
    }

    /// A box that the register has there; any other is noted.
    fn known_box(&mut self, arrival: &Arrival, names: &BoxNames) -> rusqlite::Result<Option<BoxRow>> {
        let sql = "SELECT box_id, store_id, watermark, highest FROM box JOIN store USING (store_id) JOIN tenant USING (tenant_id)
            WHERE box.name = ?1 AND store.name = ?2 AND tenant.name = ?3
              AND box.retired_ms IS NULL AND store.retired_ms IS NULL";
        let values = (names.box_id.as_str(), names.store.as_str(), names.tenant.as_str());
        let row = self.all.prepare_cached(sql)?.query_row(values, |row| {
            let (watermark, highest) = (row.get(2)?, row.get(3)?);
            Ok(BoxRow { box_id: row.get(0)?, store_id: row.get(1)?, watermark, highest })
        });
        let row = row.optional()?;
        if row.is_none() {
            self.taken.strangers += 1;
            // As far as the box's name: the fleet's topics have two levels below it.
            let below = arrival.topic.match_indices('/').nth(4).map_or(arrival.topic.len(), |(at, _)| at);
            let below = &arrival.topic[..below];
            aside::stranger(self.all, below, names.box_id.as_str(), arrival.received_at)?;
        }
        Ok(row)
    }

    /// What the box says of itself.
    fn told(
        &mut self,
        row: BoxRow,
        arrival: &Arrival,
        (told, text): (&FleetTold, &str),
    ) -> rusqlite::Result<()> {
        let done = fleet::told::take(self.all, row.box_id, (told, text, arrival.received_at))?;
        match done {
            Ok(()) => Ok(()),
            Err(reason) => self.aside(arrival, Some(row.box_id), &reason, text.as_bytes()),
        }
    }

    /// The broker hands its retained copy out at every connect: that is no news, and says nothing of when.
    fn state(&mut self, row: BoxRow, arrival: &Arrival, text: &str) -> rusqlite::Result<()> {
        let sql = "UPDATE box SET state = ?2, state_ms = ?3 WHERE box_id = ?1 AND state IS NOT ?2";
        self.all.prepare_cached(sql)?.execute((row.box_id, text, arrival.received_at.unix_ms()))?;
        Ok(())
    }

    fn batch(&mut self, from: From<'_>) -> rusqlite::Result<()> {
        let From { row, arrival, batch } = from;
        let numbers = batch.records.iter().map(|record| record.seq);
        let numbers: Vec<i64> = numbers.chain(batch.bad.iter().filter_map(|bad| bad.seq)).collect();
        let new = ranges::receive(self.all, row.box_id, &numbers)?;
        self.taken.new += new.len() as u64;
        self.taken.duplicates += (numbers.len() - new.len()) as u64;
        // Each number once, also where a batch brings it twice.
        let mut new: BTreeSet<i64> = new.into_iter().collect();
        let newest = new.last().copied();
        for record in &batch.records {
            if new.remove(&record.seq)
                && let Err(reason) = self.record(from, record)?
            {
                self.bad(from, &reason, &format!("{:?}", record.told))?;
            }
        }
        for BadRecord { seq, reason, text } in &batch.bad {
            if seq.is_none_or(|seq| new.remove(&seq)) {
                self.bad(from, reason, text)?;
            }
        }
        let at_ms = arrival.received_at.unix_ms();
        if let Some(kept_from) = batch.kept_from {
            let why = ("the box no longer holds them", at_ms);
            ranges::lose(self.all, row.box_id, (row.watermark + 1, kept_from - 1), why)?;
        }
        self.mark(from, newest)
    }

    fn bad(&mut self, from: From<'_>, reason: &str, text: &str) -> rusqlite::Result<()> {
        self.aside(from.arrival, Some(from.row.box_id), reason, text.as_bytes())
    }

    /// Moves the watermark on, and says how old what came was.
    fn mark(&mut self, from: From<'_>, newest: Option<i64>) -> rusqlite::Result<()> {
        let From { row, arrival, batch } = from;
        let watermark = ranges::watermark(self.all, row.box_id, row.watermark)?;
        let highest = row.highest.max(newest.unwrap_or(0));
        let now_ms = arrival.received_at.unix_ms();
        let newest_ms = batch.records.iter().filter_map(|record| ended_ms(&record.told)).max();
        let lag_ms = newest_ms.filter(|_| highest > row.highest).map(|at| now_ms.saturating_sub(at).max(0));
        let sql = "UPDATE box SET watermark = ?2, highest = ?3, first_seen_ms = coalesce(first_seen_ms, ?4),
            last_record_ms = max(coalesce(last_record_ms, ?4), ?4), lag_ms = coalesce(?5, lag_ms) WHERE box_id = ?1";
        self.all.prepare_cached(sql)?.execute(params![row.box_id, watermark, highest, now_ms, lag_ms])?;
        let names = batch.names.clone();
        self.marks.insert(row.box_id, BoxMark { names, watermark, highest });
        Ok(())
    }

    /// Takes one record that is new; the reason where it is put aside.
    fn record(&mut self, from: From<'_>, record: &CheckedRecord) -> rusqlite::Result<Result<(), String>> {
        let (all, row) = (self.all, from.row);
        match &record.told {
            Told::Occupancy(minute) => occupancy(all, row, record.seq, minute)?,
            Told::Event(told) => event(all, from, record.seq, told)?,
            Told::Gap(gap, told) => {
                event(all, from, record.seq, told)?;
                // Both fit: they were checked against the record's own number.
                let first = i64::try_from(gap.from_seq).unwrap_or(i64::MAX).max(row.watermark + 1);
                let last = i64::try_from(gap.to_seq).unwrap_or(i64::MAX).min(record.seq - 1);
                let why = (why(gap.reason), from.arrival.received_at.unix_ms());
                ranges::lose(all, row.box_id, (first, last), why)?;
            }
            Told::Sensor(told) => {
                let gathered = self.gathered(row.store_id)?;
                return sensors::take(all, &mut gathered.clock, (row.box_id, row.store_id), told);
            }
            told => {
                let gathered = self.gathered(row.store_id)?;
                return gathered.take(all, row, told, &from.batch.names);
            }
        }
        Ok(Ok(()))
    }

    fn gathered(&mut self, store_id: i64) -> rusqlite::Result<&mut Gathered> {
        if !self.gathered.contains_key(&store_id) {
            let gathered = Gathered {
                clock: StoreClock::load(self.all, store_id)?,
                minutes: StoreMinutes::default(),
                quarters: Quarters::default(),
                sales: Vec::new(),
                currency: currency_of(self.all, store_id)?,
                places: Places::new(store_id),
                hours: BTreeSet::new(),
            };
            self.gathered.insert(store_id, gathered);
        }
        Ok(self.gathered.get_mut(&store_id).expect("it was put there"))
    }

    fn finish(mut self) -> rusqlite::Result<Taken> {
        for (store_id, mut gathered) in self.gathered {
            let mut hours = gathered.minutes.write(self.all, &mut gathered.clock)?;
            hours.append(&mut gathered.hours);
            hours.append(&mut gathered.places.write(self.all)?);
            gathered.quarters.write(self.all)?;
            if !hours.is_empty() {
                rollup::touch_hours_by(self.all, &mut gathered.clock, store_id, &hours)?;
            }
            if !gathered.sales.is_empty() {
                sales::put_sales(self.all, &mut gathered.clock, store_id, &gathered.sales)?;
            }
        }
        self.taken.marks = self.marks.into_values().collect();
        Ok(self.taken)
    }
}

impl Gathered {
    fn take(
        &mut self,
        all: &Transaction<'_>,
        row: BoxRow,
        told: &Told,
        names: &BoxNames,
    ) -> rusqlite::Result<Result<(), String>> {
        let camera = match told {
            Told::Minute(minute) => &minute.camera,
            Told::ZoneMinute(minute) => &minute.maker.camera,
            Told::QueueMinute(minute) => &minute.maker.camera,
            Told::Heat(heat) => &heat.camera,
            Told::Flow(flow) => &flow.camera,
            Told::Transaction(sold) if sold.currency != self.currency => {
                let Self { currency, .. } = self;
                return Ok(Err(format!(
                    "it is in {}, and the register has the store in {currency}; correct one of the two",
                    sold.currency
                )));
            }
            Told::Transaction(sold) => {
                let sale = Sale::of_box(sold, names.box_id.as_str());
                let unknown = || format!("{:?} is no kind of transaction", sold.what);
                return Ok(sale.map(|sale| self.sales.push(sale)).ok_or_else(unknown));
            }
            // These are no camera's, and are taken before.
            Told::Occupancy(_) | Told::Sensor(_) | Told::Event(_) | Told::Gap(..) => return Ok(Ok(())),
        };
        let camera_id = match self.places.camera(all, row.box_id, camera)? {
            Ok(camera_id) => camera_id,
            Err(reason) => return Ok(Err(reason)),
        };
        match told {
            Told::Minute(minute) => return self.line(all, camera_id, minute),
            Told::ZoneMinute(minute) => {
                let zone = self.places.zone(all, camera_id, &minute.zone, None)?;
                return Ok(zone.map(|zone| {
                    self.minutes.zones.add(zone, minute.start_ms / MINUTE_MS, zone_part(minute));
                }));
            }
            Told::QueueMinute(minute) => {
                let zone =
                    self.places.zone(all, camera_id, &minute.zone, Some(minute.start_ms / MINUTE_MS))?;
                return Ok(zone.map(|zone| {
                    self.minutes.queues.add(zone, minute.start_ms / MINUTE_MS, queue_part(minute));
                }));
            }
            Told::Heat(heat) => {
                let day = self.clock.business_day(WallTime::from_unix_ms(heat.start_ms));
                self.quarters.heat(camera_id, day, heat);
            }
            Told::Flow(flow) => {
                let day = self.clock.business_day(WallTime::from_unix_ms(flow.start_ms));
                self.quarters.flow(camera_id, day, flow);
            }
            Told::Transaction(_) | Told::Occupancy(_) | Told::Sensor(_) | Told::Event(_) | Told::Gap(..) => {}
        }
        Ok(Ok(()))
    }

    fn line(
        &mut self,
        all: &Transaction<'_>,
        camera_id: i64,
        minute: &Minute,
    ) -> rusqlite::Result<Result<(), String>> {
        let start = minute.start_ms / MINUTE_MS;
        let seen = Span { minute: start, role: minute.visitors.role };
        let line = match self.places.line(all, camera_id, &minute.line, seen)? {
            Ok(line) => line,
            Err(reason) => return Ok(Err(reason)),
        };
        self.minutes.lines.add(line, start, line_part(minute));
        if minute.visitors.groups != [0; 5] {
            let sums = self.minutes.groups.entry((line, start)).or_default();
            for (sum, count) in sums.iter_mut().zip(minute.visitors.groups) {
                *sum += i64::from(count);
            }
        }
        Ok(Ok(()))
    }
}

fn line_part(minute: &Minute) -> LinePart {
    let who = &minute.visitors;
    let counts = [minute.entries, minute.exits, who.staff_in, who.staff_out, who.reentries, who.passersby];
    let mut sums = [0; 7];
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum = i64::from(count);
    }
    sums[6] = span_ms(minute.seen);
    LinePart { sums, most: [], valid: minute.valid }
}

fn zone_part(minute: &ZoneMinute) -> ZonePart {
    let counts = [minute.visits, minute.engaged, minute.staff_visits].map(i64::from);
    let [visits, engaged, staff_visits] = counts;
    let (person, staff) = (whole(minute.person_ms), whole(minute.staff_person_ms));
    let most = [minute.present.map_or(-1, |present| i64::from(present.max))];
    let sums = [visits, engaged, staff_visits, person, staff, span_ms(minute.seen)];
    ZonePart { sums, most, valid: minute.valid }
}

fn queue_part(minute: &QueueMinute) -> QueuePart {
    let seen_ms = span_ms(minute.seen);
    let [joined, served, abandoned, waits] =
        [minute.joined, minute.served, minute.abandoned, minute.waits].map(i64::from);
    // The mean has three decimals.
    let people_ms = minute.length.map_or(0, |length| length.mean.0.max(0).saturating_mul(seen_ms) / 1000);
    let (wait_ms, service_ms) = (whole(minute.wait_ms), whole(minute.service_ms));
    let longest = minute.length.map_or(-1, |length| i64::from(length.max));
    QueuePart {
        sums: [joined, served, abandoned, waits, wait_ms, service_ms, people_ms, seen_ms],
        most: [whole(minute.longest_wait_ms), longest],
        valid: minute.valid,
    }
}

fn span_ms(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn occupancy(all: &Transaction<'_>, row: BoxRow, seq: i64, minute: &Occupancy) -> rusqlite::Result<()> {
    let sql = "INSERT INTO occupancy_minute VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT DO UPDATE SET people = ?3, most = ?4, box_id = ?5, seq = ?6 WHERE (?5, ?6) > (box_id, seq)";
    let start = minute.start_ms / MINUTE_MS;
    all.prepare_cached(sql)?.execute(params![
        row.store_id,
        start,
        minute.people,
        minute.max,
        row.box_id,
        seq
    ])?;
    Ok(())
}

fn event(all: &Transaction<'_>, from: From<'_>, seq: i64, event: &Event) -> rusqlite::Result<()> {
    let at_ms = event.at_ms.unwrap_or(from.batch.sent_at.unix_ms());
    let sql = "INSERT OR IGNORE INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    all.prepare_cached(sql)?.execute(params![
        from.row.box_id,
        seq,
        event.kind,
        at_ms,
        from.batch.late,
        event.body
    ])?;
    Ok(())
}

fn currency_of(ask: &Connection, store_id: i64) -> rusqlite::Result<String> {
    ask.prepare_cached("SELECT currency FROM store WHERE store_id = ?1")?
        .query_row([store_id], |row| row.get(0))
}

/// When what a record tells of was over; none where it does not say.
fn ended_ms(told: &Told) -> Option<i64> {
    match told {
        Told::Minute(minute) => Some(minute.start_ms + MINUTE_MS),
        Told::ZoneMinute(minute) => Some(minute.start_ms + MINUTE_MS),
        Told::QueueMinute(minute) => Some(minute.start_ms + MINUTE_MS),
        Told::Occupancy(minute) => Some(minute.start_ms + MINUTE_MS),
        Told::Heat(heat) => Some(heat.end_ms),
        Told::Flow(flow) => Some(flow.end_ms),
        Told::Sensor(told) => Some(told.start_ms.saturating_add(span_ms(told.length))),
        Told::Transaction(_) => None,
        Told::Gap(_, event) | Told::Event(event) => event.at_ms,
    }
}

const fn why(reason: GapReason) -> &'static str {
    match reason {
        GapReason::OutboxCorrupt => "the box's outbox was corrupt",
        GapReason::OutboxMissing => "the box's outbox was gone",
        GapReason::OutboxOutdated => "the box's outbox was an old copy",
        GapReason::Unreadable => "the box could not read them",
        GapReason::GivenUp => "the box's disk budget was used up",
    }
}

#[cfg(test)]
mod tests;
