//! What the till says: transactions, and what could not be taken for one.
//!
//! There are three ways in (MQTT, HTTP, a folder of CSV files) and one door, [`read`]. A row that is not
//! understood is put aside with its reason and a piece of its text; it is never mended, and never dropped without
//! being counted. Only a sale is a purchase: refunds lower the sum that was sold and are no purchase, and what was voided, rung
//! up in training mode or picked up (paid for elsewhere) counts for nothing.

mod csv;
mod decimal;
mod json;
mod text;
mod ways;

pub use csv::{Column, CsvColumns, CsvMapping, CsvRows, KindWords};
pub use decimal::{Decimal, DecimalMark};
pub use text::Encoding;
pub use ways::{TillFolderSettings, TillHttpSettings, TillWays, Token, same_secret};

use crate::calendar::Zone;
use crate::time::WallTime;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Largest feed that is read at once, bytes. A day of a large store (10,000 transactions of 20 lines) has about 10 MB.
pub const MAX_FEED_BYTES: usize = 16 * 1024 * 1024;
/// Most rows (or JSON objects) of a feed.
pub const MAX_ROWS: usize = 250_000;
/// Most lines of a transaction.
pub const MAX_LINES: usize = 1_000;
/// Longest id, item, category or channel, bytes.
pub const MAX_FIELD_BYTES: usize = 128;
/// Most rows put aside of one feed with their text; more are only counted. A feed of the wrong kind needs no more.
pub const MAX_KEPT_ASIDE: usize = 1_000;
/// Longest piece of a row that is kept to look at, characters.
const MAX_EXCERPT_CHARS: usize = 200;
/// Largest sum of a transaction or a line, in the smallest unit: so large that sums of all that is kept stay whole numbers.
const MAX_AMOUNT_MINOR: u64 = 1_000_000_000_000;
/// Most pieces of a transaction.
const MAX_UNITS: u64 = 1_000_000;
/// How far a till's clock may be ahead of this box's.
pub const MAX_AHEAD: Duration = Duration::from_secs(300);

/// What happened at the till.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// Something was bought: the only kind that is a purchase.
    Sale,
    /// Money was given back.
    Refund,
    /// A sale was taken back, or a basket was cancelled.
    Void,
    /// The till was in training mode.
    Training,
    /// Something that was paid for elsewhere was picked up.
    Pickup,
}

impl What {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Sale, Self::Refund, Self::Void, Self::Training, Self::Pickup];

    /// Its name in feeds, in the ledger and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Refund => "refund",
            Self::Void => "void",
            Self::Training => "training",
            Self::Pickup => "pickup",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.name() == name)
    }
}

/// What was rung up in one line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransactionLine {
    /// What the till calls the item.
    pub item: Option<String>,
    /// What it calls the item's kind.
    pub category: Option<String>,
    /// How many, in thousandths; below zero for something handed back.
    pub quantity_milli: i64,
    /// What it cost, in the currency's smallest unit; below zero for a discount.
    pub amount_minor: i64,
}

impl TransactionLine {
    /// How many units it counts for: something weighed is one, something handed back is none.
    #[must_use]
    pub const fn units(&self) -> u64 {
        let milli = self.quantity_milli.unsigned_abs();
        match (self.quantity_milli > 0, milli % 1000) {
            (false, _) => 0,
            (true, 0) => milli / 1000,
            (true, _) => 1,
        }
    }
}

/// One transaction of the till.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The till's own id, which it never uses twice.
    pub id: String,
    /// When it was rung up.
    pub at: WallTime,
    /// What it was.
    pub what: What,
    /// What was paid (sale) or given back (refund), in the currency's smallest unit; never below zero.
    pub amount_minor: i64,
    /// Its lines, where the till gives them.
    pub lines: Vec<TransactionLine>,
    /// Units where the till gives a number of them and no lines.
    pub units: Option<u64>,
    /// Which till or way of selling.
    pub channel: Option<String>,
    /// The transaction that this void takes back.
    pub voids: Option<String>,
}

impl Transaction {
    /// How many units were bought; none where the till does not say.
    #[must_use]
    pub fn units(&self) -> Option<u64> {
        if self.lines.is_empty() {
            self.units
        } else {
            Some(self.lines.iter().map(TransactionLine::units).fold(0, u64::saturating_add))
        }
    }
}

/// Why a row was put aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The feed is larger than is read, or has more rows or lines.
    TooMuch,
    /// A column is missing, or a row has another number of fields.
    Columns,
    /// The text is in another encoding than was said.
    Encoding,
    /// It is not JSON of a transaction, or not CSV.
    Shape,
    /// The id is missing or too long.
    Id,
    /// The time is not understood.
    Time,
    /// The time has not come yet.
    Future,
    /// It is older than what is kept, so that nobody could tell whether it was here before.
    TooOld,
    /// The kind is not known.
    Kind,
    /// A sum is not understood.
    Amount,
    /// The sum of a sale is below zero.
    Negative,
    /// The sum is in another currency than the store's.
    Currency,
    /// A quantity is not understood.
    Quantity,
    /// A text is too long or holds control characters.
    Text,
    /// Rows of one transaction contradict each other, or its lines its sum.
    Contradiction,
    /// Another row of the same transaction was put aside.
    Partner,
    /// The id was used before for something else.
    IdReused,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 17] = [
        Self::TooMuch,
        Self::Columns,
        Self::Encoding,
        Self::Shape,
        Self::Id,
        Self::Time,
        Self::Future,
        Self::TooOld,
        Self::Kind,
        Self::Amount,
        Self::Negative,
        Self::Currency,
        Self::Quantity,
        Self::Text,
        Self::Contradiction,
        Self::Partner,
        Self::IdReused,
    ];

    /// Its name in files, in the ledger and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooMuch => "too_much",
            Self::Columns => "columns",
            Self::Encoding => "encoding",
            Self::Shape => "shape",
            Self::Id => "id",
            Self::Time => "time",
            Self::Future => "future",
            Self::TooOld => "too_old",
            Self::Kind => "kind",
            Self::Amount => "amount",
            Self::Negative => "negative",
            Self::Currency => "currency",
            Self::Quantity => "quantity",
            Self::Text => "text",
            Self::Contradiction => "contradiction",
            Self::Partner => "partner",
            Self::IdReused => "id_reused",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a row is no transaction: the kind of fault, and words for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {words}")]
pub struct RowFault {
    /// The kind.
    pub reason: Reason,
    /// What was found and what was expected.
    pub words: String,
}

impl RowFault {
    pub(crate) fn new(reason: Reason, words: impl Into<String>) -> Self {
        Self { reason, words: words.into() }
    }
}

/// A row that was put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its place in the feed, from 1; 0 is the feed as a whole.
    pub row: u64,
    /// Why.
    pub fault: RowFault,
    /// The beginning of its text.
    pub excerpt: String,
}

impl Rejected {
    pub(crate) fn new(row: u64, fault: RowFault, text: &str) -> Self {
        let shown = |c: char| if c.is_control() { ' ' } else { c };
        Self { row, fault, excerpt: text.chars().take(MAX_EXCERPT_CHARS).map(shown).collect() }
    }
}

/// What came out of one feed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Intake {
    /// Where it came from: `mqtt`, `http`, or the name of a file.
    pub feed: String,
    /// Transactions in the order of the feed, with their rows.
    pub transactions: Vec<(u64, Transaction)>,
    /// What was put aside, at most [`MAX_KEPT_ASIDE`] rows.
    pub rejected: Vec<Rejected>,
    /// How many rows were put aside, by reason; also those that are not kept.
    pub rejected_by_reason: BTreeMap<Reason, u64>,
    /// Whether the feed says that there was nothing to tell: an empty JSON list.
    pub is_sign_of_life: bool,
}

impl Intake {
    pub(crate) fn reject(&mut self, rejected: Rejected) {
        *self.rejected_by_reason.entry(rejected.fault.reason).or_default() += 1;
        if self.rejected.len() < MAX_KEPT_ASIDE {
            self.rejected.push(rejected);
        }
    }

    /// How many rows were put aside.
    #[must_use]
    pub fn rejected_rows(&self) -> u64 {
        self.rejected_by_reason.values().sum()
    }
}

/// How a feed is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedFormat {
    /// One object, a list of them, or one a line.
    Json,
    /// Rows with columns.
    Csv(Box<CsvMapping>),
}

/// What must be known to read a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedSettings {
    /// Zone of times that are written without one.
    pub zone: Zone,
    /// Currency of all sums, three capitals (ISO 4217).
    pub currency: String,
    /// Digits after the point of its sums (ISO 4217): 2 for EUR, 0 for JPY.
    pub decimals: u8,
    /// What is older is put aside.
    pub oldest: Duration,
}

/// Reads a feed: the one door for all ways in.
#[must_use]
pub fn read(bytes: &[u8], feed: &str, format: &FeedFormat, settings: &FeedSettings, now: WallTime) -> Intake {
    let mut intake = Intake { feed: feed.chars().take(MAX_FIELD_BYTES).collect(), ..Intake::default() };
    if bytes.len() > MAX_FEED_BYTES {
        let words = format!("{} bytes, at most {MAX_FEED_BYTES} are read at once", bytes.len());
        intake.reject(Rejected::new(0, RowFault::new(Reason::TooMuch, words), ""));
        return intake;
    }
    let rules = Rules { settings, now };
    match format {
        FeedFormat::Json => json::read(bytes, rules, &mut intake),
        FeedFormat::Csv(mapping) => csv::read(bytes, mapping, rules, &mut intake),
    }
    intake
}

/// What a row is held against, in whichever format it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    settings: &'a FeedSettings,
    now: WallTime,
}

impl Rules<'_> {
    fn amount(&self, text: &str, mark: DecimalMark) -> Result<i64, RowFault> {
        let scale = self.settings.decimals;
        Decimal { scale, mark }.parse(text).map_err(|fault| RowFault::new(Reason::Amount, fault.to_string()))
    }

    fn quantity(text: &str, mark: DecimalMark) -> Result<i64, RowFault> {
        let milli = Decimal { scale: 3, mark };
        milli.parse(text).map_err(|fault| RowFault::new(Reason::Quantity, fault.to_string()))
    }

    fn units(text: &str) -> Result<u64, RowFault> {
        text.parse()
            .ok()
            .ok_or_else(|| RowFault::new(Reason::Quantity, format!("{} is no number of units", cut(text))))
    }

    fn currency(&self, text: &str) -> Result<(), RowFault> {
        let own = &self.settings.currency;
        let words = || format!("{} where the store sells in {own}", cut(text));
        if text == own { Ok(()) } else { Err(RowFault::new(Reason::Currency, words())) }
    }

    fn id(text: &str) -> Result<String, RowFault> {
        if text.is_empty() {
            return Err(RowFault::new(Reason::Id, "there is no id"));
        }
        Self::field(text).map_err(|fault| RowFault { reason: Reason::Id, ..fault })
    }

    fn field(text: &str) -> Result<String, RowFault> {
        if text.len() > MAX_FIELD_BYTES {
            let words = format!("{} bytes, at most {MAX_FIELD_BYTES} are taken: {}", text.len(), cut(text));
            return Err(RowFault::new(Reason::Text, words));
        }
        if text.chars().any(char::is_control) {
            return Err(RowFault::new(Reason::Text, format!("control characters in {}", cut(text))));
        }
        Ok(text.to_owned())
    }

    fn optional(text: Option<&str>) -> Result<Option<String>, RowFault> {
        text.filter(|text| !text.is_empty()).map(Self::field).transpose()
    }

    fn time(&self, at: WallTime) -> Result<WallTime, RowFault> {
        if at > self.now + MAX_AHEAD {
            let words = format!("{at} has not come yet, it is {}", self.now);
            return Err(RowFault::new(Reason::Future, words));
        }
        if at < self.now - self.settings.oldest {
            return Err(RowFault::new(Reason::TooOld, format!("{at} is older than what is kept")));
        }
        Ok(at)
    }

    /// The last look at a transaction, after its parts were understood.
    fn whole(transaction: Transaction) -> Result<Transaction, RowFault> {
        let Transaction { what, amount_minor, lines, voids, .. } = &transaction;
        if lines.len() > MAX_LINES {
            let words = format!("{} lines, at most {MAX_LINES} are taken", lines.len());
            return Err(RowFault::new(Reason::TooMuch, words));
        }
        if *what == What::Sale && *amount_minor < 0 {
            return Err(RowFault::new(Reason::Negative, "a sale below zero; is it a refund?"));
        }
        if voids.is_some() && *what != What::Void {
            let words = format!("a {} names a transaction that it voids", what.name());
            return Err(RowFault::new(Reason::Contradiction, words));
        }
        let is_too_large = |amount: i64| amount.unsigned_abs() > MAX_AMOUNT_MINOR;
        if is_too_large(*amount_minor) || lines.iter().any(|line| is_too_large(line.amount_minor)) {
            let words = "a sum above a million millions: no till sells that";
            return Err(RowFault::new(Reason::Amount, words));
        }
        if transaction.units().is_some_and(|units| units > MAX_UNITS) {
            return Err(RowFault::new(
                Reason::Quantity,
                format!("more than {MAX_UNITS} pieces in one basket"),
            ));
        }
        // Tills write what is given back with either sign; the kind says which it is.
        let amount_minor = amount_minor.checked_abs();
        let amount_minor =
            amount_minor.ok_or_else(|| RowFault::new(Reason::Amount, "a sum that is too large"))?;
        Ok(Transaction { amount_minor, ..transaction })
    }
}

/// The beginning of a text, in quotes, for a message.
pub(crate) fn cut(text: &str) -> String {
    format!("{:?}", text.chars().take(40).collect::<String>())
}

#[cfg(test)]
mod tests;
