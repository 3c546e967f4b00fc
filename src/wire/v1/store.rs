//! What is known of the store as a whole: occupancy, periods, transactions and what was put aside.
//!
//! These records name no camera. A reader keeps the highest `revision` of each period, one transaction for each id, and the last
//! record of each minute of occupancy: after a crash a box may send one of them again under a new number.

use crate::analytics::conversion::Absent;
use crate::calendar::SpanKind;
use crate::site::{self, StoreFact};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::time::Duration;

/// A number with four decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rounded(i64);

impl Rounded {
    const STEPS: f64 = 10_000.0;

    /// The nearest one; as large as can be for what is larger.
    #[must_use]
    pub fn of(value: f64) -> Self {
        Self((value * Self::STEPS).round() as i64)
    }

    /// Its value.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0 as f64 / Self::STEPS
    }
}

impl Serialize for Rounded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.value())
    }
}

impl<'de> Deserialize<'de> for Rounded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::of)
    }
}

/// What was added or taken away to put occupancy right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OccupancyCorrections {
    /// People left over from the business day before.
    pub opening: i64,
    /// People who would have stayed longer than anybody does.
    pub max_stay: i64,
    /// People who were seen in zones and had not been counted.
    pub zones: i64,
    /// People who left an empty store.
    pub below_zero: i64,
}

/// How many people were inside in one minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occupancy {
    /// Start of the minute, UTC ms.
    pub start_ms: i64,
    /// People inside at its end.
    pub people: u32,
    /// The lower of begin and end.
    pub min: u32,
    /// The higher of begin and end.
    pub max: u32,
    /// The mean of begin and end.
    pub mean: Rounded,
    /// People inside at its end, without staff.
    pub without_staff: u32,
    /// How much of it the worst door really saw.
    #[serde(rename = "seen_s", with = "super::seconds")]
    pub seen: Duration,
    /// Whether every door's line lies where it was drawn.
    pub valid: bool,
    /// Whether a door's minute was missing or not whole.
    pub part: bool,
    /// What was put right: people = people before + entries - exits + corrections.
    pub corrections: OccupancyCorrections,
}

/// One line of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionLine {
    /// What the till calls the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// What it calls the item's kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// How many.
    pub quantity: Rounded,
    /// What it cost, in the currency's smallest unit.
    pub amount_minor: i64,
}

/// A transaction of the till.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The till's id.
    pub id: String,
    /// When it was rung up, UTC ms.
    pub at_ms: i64,
    /// The business day that it lies in.
    pub business_day: String,
    /// `sale`, `refund`, `void`, `training` or `pickup`.
    pub what: String,
    /// What was paid or given back, in the currency's smallest unit; never below zero.
    pub amount_minor: i64,
    /// The currency.
    pub currency: String,
    /// Units, where the till says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<u64>,
    /// Its lines, where the till gives them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<TransactionLine>,
    /// Which till or way of selling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The transaction that this void takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voids: Option<String>,
    /// Where it came from.
    pub feed: String,
}

/// Rows of a feed that were put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TillRejected {
    /// Where they came from.
    pub feed: String,
    /// When, UTC ms.
    pub at_ms: i64,
    /// How many, by reason.
    pub reasons: BTreeMap<String, u64>,
}

/// A figure that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsentFigure {
    /// Its name.
    pub figure: String,
    /// Why.
    pub why: String,
}

/// The week of a business day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekOf {
    /// `iso` or `4-5-4`.
    pub calendar: String,
    /// The year that the week belongs to.
    pub year: i16,
    /// 1 to 53.
    pub week: u8,
}

/// A period of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// `quarter`, `hour` or `day`.
    pub span: String,
    /// Its start, UTC ms.
    pub start_ms: i64,
    /// Its end, UTC ms; not part of it.
    pub end_ms: i64,
    /// The business day that it lies in.
    pub business_day: String,
    /// The week of that day.
    pub week: WeekOf,
    /// Counts up from 1; the highest is right.
    pub revision: u32,
    /// Everybody who came in by a door.
    pub entries: u64,
    /// Of them, staff.
    pub staff_entries: u64,
    /// Of them, people who had been here a moment ago.
    pub reentries: u64,
    /// Entries without those two.
    pub visitors: u64,
    /// Who passed by; absent where no line counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passersby: Option<u64>,
    /// Sales that were not voided; this and the next three are absent where there is no till.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactions: Option<u64>,
    /// Sales minus refunds, in the currency's smallest unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
    /// Refunds, as a positive sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunds_minor: Option<i64>,
    /// Units of the transactions for which the till gives them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<u64>,
    /// Hours of staff; absent where nothing is known of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub associate_hours: Option<Rounded>,
    /// Transactions per visitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<Rounded>,
    /// In the currency's smallest unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sales_per_visitor: Option<Rounded>,
    /// In the currency's smallest unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_transaction: Option<Rounded>,
    /// Units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units_per_transaction: Option<Rounded>,
    /// entries / (entries + passersby).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_rate: Option<Rounded>,
    /// People.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shoppers_per_associate_hour: Option<Rounded>,
    /// Share of the opening time that the worst door really saw.
    pub coverage: Rounded,
    /// The figures that are not there, and why.
    pub absent: Vec<AbsentFigure>,
}

impl super::Fact {
    /// A fact about the store.
    #[must_use]
    pub fn store(fact: &StoreFact) -> Self {
        match fact {
            StoreFact::Occupancy(minute) => Self::Occupancy(minute.into()),
            StoreFact::Period(period) => Self::Period(Box::new(period.as_ref().into())),
            StoreFact::Transaction { transaction, business_day, currency, feed } => {
                Self::Transaction(Transaction {
                    business_day: business_day.to_string(),
                    currency: currency.clone(),
                    feed: feed.clone(),
                    ..Transaction::of(transaction)
                })
            }
            StoreFact::TillRejected { feed, at, reasons } => Self::TillRejected(TillRejected {
                feed: feed.clone(),
                at_ms: at.unix_ms(),
                reasons: reasons.iter().map(|(reason, rows)| (reason.name().to_owned(), *rows)).collect(),
            }),
        }
    }
}

impl From<&site::OccupancyMinute> for Occupancy {
    fn from(minute: &site::OccupancyMinute) -> Self {
        let site::Corrections { opening, max_stay, zones, below_zero } = minute.corrections;
        Self {
            start_ms: minute.start.unix_ms(),
            people: minute.people,
            min: minute.min,
            max: minute.max,
            mean: Rounded::of(minute.mean),
            without_staff: minute.without_staff,
            seen: minute.seen,
            valid: minute.valid,
            part: minute.part,
            corrections: OccupancyCorrections { opening, max_stay, zones, below_zero },
        }
    }
}

impl Transaction {
    fn of(transaction: &site::till::Transaction) -> Self {
        let line = |line: &site::till::TransactionLine| TransactionLine {
            item: line.item.clone(),
            category: line.category.clone(),
            quantity: Rounded::of(line.quantity_milli as f64 / 1000.0),
            amount_minor: line.amount_minor,
        };
        Self {
            id: transaction.id.clone(),
            at_ms: transaction.at.unix_ms(),
            business_day: String::new(),
            what: transaction.what.name().to_owned(),
            amount_minor: transaction.amount_minor,
            currency: String::new(),
            units: transaction.units(),
            lines: transaction.lines.iter().map(line).collect(),
            channel: transaction.channel.clone(),
            voids: transaction.voids.clone(),
            feed: String::new(),
        }
    }
}

impl From<&site::Period> for Period {
    fn from(period: &site::Period) -> Self {
        let (sums, till, of) = (&period.sums, period.till_so_far, &period.figures);
        let mut absent = Vec::new();
        let mut figure = |name: &str, figure: Result<f64, Absent>| match figure {
            Ok(value) => Some(Rounded::of(value)),
            Err(why) => {
                absent.push(AbsentFigure { figure: name.to_owned(), why: why.name().to_owned() });
                None
            }
        };
        Self {
            span: span_name(period.kind).to_owned(),
            start_ms: period.span.start.unix_ms(),
            end_ms: period.span.end.unix_ms(),
            business_day: period.business_day.to_string(),
            week: WeekOf {
                calendar: period.week.calendar.name().to_owned(),
                year: period.week.year,
                week: period.week.week,
            },
            revision: period.revision,
            entries: sums.entries,
            staff_entries: sums.staff_entries,
            reentries: sums.reentries,
            visitors: sums.visitors(),
            passersby: sums.passersby,
            transactions: till.map(|till| till.transactions),
            amount_minor: till.map(|till| till.sales_minor - till.refunds_minor),
            refunds_minor: till.map(|till| till.refunds_minor),
            units: till.map(|till| till.units),
            associate_hours: sums.on_duty.map(|on_duty| Rounded::of(on_duty.as_secs_f64() / 3600.0)),
            conversion: figure("conversion", of.conversion),
            sales_per_visitor: figure("sales_per_visitor", of.sales_per_visitor_minor),
            average_transaction: figure("average_transaction", of.average_transaction_minor),
            units_per_transaction: figure("units_per_transaction", of.units_per_transaction),
            capture_rate: figure("capture_rate", of.capture_rate),
            shoppers_per_associate_hour: figure(
                "shoppers_per_associate_hour",
                of.shoppers_per_associate_hour,
            ),
            coverage: Rounded::of(sums.coverage),
            absent,
        }
    }
}

/// The kind of a period as it stands in `span`.
#[must_use]
pub const fn span_name(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Quarter => "quarter",
        SpanKind::Hour => "hour",
        SpanKind::Day => "day",
    }
}
