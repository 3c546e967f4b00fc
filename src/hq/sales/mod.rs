//! Sales, web orders and staffing of a whole chain: one door for CSV, HTTP and MQTT, [`take`].
//!
//! Rows are read by the same code as on the box ([`crate::site::till`], [`crate::site::staffing`]), so a refund, a void and a training
//! ticket mean the same on both sides. What is different here: a feed is of many stores, so each row names its own in `store`. The feed
//! is cut by that first, and each store's part is read with the store's currency and clock. A row that is not understood is put
//! aside with its number and its reason; the others are taken.
//!
//! Web orders are a channel of their own: they are read like sales, but no store's figures know of them. Who picks one up in a store is
//! a visitor there and no purchase.

mod split;

use crate::calendar::Zone;
use crate::config::store::usual_decimals;
use crate::hq::store::clock::StoreClock;
use crate::hq::store::sales::{self as rows, FeedStore};
use crate::hq::store::{Store, StoreError, WriteError};
use crate::site::staffing::{self, StaffingFormat};
use crate::site::till::{
    self, Column, CsvColumns, CsvMapping, CsvRows, DecimalMark, Encoding, FeedFormat, FeedSettings,
    KindWords, MAX_FEED_BYTES, MAX_KEPT_ASIDE, Reason, Rejected, RowFault, Transaction, TransactionLine,
    What,
};
use crate::time::WallTime;
use crate::wire::v1;
use split::Part;
pub use split::split;
use std::collections::BTreeMap;
use std::time::Duration;

/// Sales and orders are taken from so far back: ten years of a till's history.
const OLDEST: Duration = Duration::from_secs(3_660 * 86_400);
/// Rows put aside of one feed that head office keeps to show; the answer has more of them.
const MAX_SHOWN_ASIDE: usize = 50;

/// What a feed is about; the last word of its address and topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feed {
    /// What the stores' tills sold.
    Sales,
    /// What the web shop sold.
    Orders,
    /// Who works when.
    Staffing,
}

impl Feed {
    /// Every feed.
    pub const ALL: [Self; 3] = [Self::Sales, Self::Orders, Self::Staffing];

    /// Its name in addresses and topics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sales => "sales",
            Self::Orders => "orders",
            Self::Staffing => "staffing",
        }
    }

    /// The feed of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feed| feed.name() == name)
    }
}

/// How a feed is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One object, a list of them, or one a line.
    Json,
    /// Rows below a row of names, separated by commas; UTF-8; sums with a point.
    Csv,
}

/// Which way a feed came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A file on the command line.
    File,
    /// HTTP.
    Http,
    /// MQTT.
    Mqtt,
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Self::File => "csv",
            Self::Http => "http",
            Self::Mqtt => "mqtt",
        }
    }
}

/// One feed as it came.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// Whose stores it is about.
    pub tenant: &'a str,
    /// What it is about.
    pub feed: Feed,
    /// How it is written.
    pub format: Format,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Which way it came.
    pub way: Way,
}

/// Into which stores somebody may send.
pub trait MaySend {
    /// Whether the owner's feed as a whole is allowed: orders of the web shop belong to no store.
    fn whole(&self, tenant_id: i64) -> bool;
    /// Whether this store's is.
    fn store(&self, tenant_id: i64, region_id: Option<i64>, store_id: i64) -> bool;
}

/// Whoever came past the broker's own access list, or sits at the machine, may send everything.
#[derive(Debug, Clone, Copy)]
pub struct Anything;

impl MaySend for Anything {
    fn whole(&self, _: i64) -> bool {
        true
    }

    fn store(&self, _: i64, _: Option<i64>, _: i64) -> bool {
        true
    }
}

/// A transaction of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sale {
    /// The transaction.
    pub transaction: Transaction,
    /// Currency of its sums.
    pub currency: String,
    /// `box:NAME`, `csv`, `http` or `mqtt`.
    pub source: String,
}

impl Sale {
    /// A transaction as a box sent it; none where its kind is not known here.
    #[must_use]
    pub fn of_box(sent: &v1::Transaction, box_name: &str) -> Option<Self> {
        let line = |line: &v1::TransactionLine| TransactionLine {
            item: line.item.clone(),
            category: line.category.clone(),
            quantity_milli: (line.quantity.value() * 1000.0).round() as i64,
            amount_minor: line.amount_minor,
        };
        let transaction = Transaction {
            id: sent.id.clone(),
            at: WallTime::from_unix_ms(sent.at_ms),
            what: What::named(&sent.what)?,
            amount_minor: sent.amount_minor,
            lines: sent.lines.iter().map(line).collect(),
            units: sent.units,
            channel: sent.channel.clone(),
            voids: sent.voids.clone(),
        };
        let source = format!("box:{box_name}");
        Some(Self { transaction, currency: sent.currency.clone(), source })
    }
}

/// An order of the web shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOrder {
    /// What was ordered.
    pub transaction: Transaction,
    /// Currency of its sums.
    pub currency: String,
    /// The row of the store in which it is picked up, where it is.
    pub store_id: Option<i64>,
}

/// What became of things that were handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Put {
    /// They are new.
    pub accepted: u64,
    /// They were here before, the same.
    pub duplicates: u64,
    /// They were here before and differ; the new ones count.
    pub replaced: u64,
}

impl Put {
    fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.duplicates += other.duplicates;
        self.replaced += other.replaced;
    }
}

/// What became of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// What was taken.
    pub put: Put,
    /// Rows that were put aside, by their number, at most 1,000 of them.
    pub aside: Vec<Rejected>,
    /// How many rows were put aside, also those that are not listed.
    pub put_aside: u64,
}

impl Receipt {
    fn reject(&mut self, rejected: Rejected) {
        self.put_aside += 1;
        if self.aside.len() < MAX_KEPT_ASIDE {
            self.aside.push(rejected);
        }
    }

    /// Whether nothing of it was understood.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.put == Put::default() && self.put_aside > 0
    }
}

/// Why a feed is not taken at all.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// There is no such owner of stores, or none into whose stores this sender may send.
    #[error("there is no tenant {tenant:?} in the register")]
    Tenant {
        /// What was given.
        tenant: String,
    },
    /// Larger than is read at once.
    #[error("{bytes} bytes, at most {MAX_FEED_BYTES} are read at once; send it in parts")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The database fails; send it again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes a feed: what is understood is on disk when this returns, with every figure that follows from it.
///
/// # Errors
/// [`FeedError`]; then nothing has changed.
pub fn take(sent: &Sent<'_>, may: &dyn MaySend, store: &Store, now: WallTime) -> Result<Receipt, FeedError> {
    if sent.bytes.len() > MAX_FEED_BYTES {
        return Err(FeedError::TooLarge { bytes: sent.bytes.len() });
    }
    let no_tenant = || FeedError::Tenant { tenant: sent.tenant.chars().take(64).collect() };
    let tenant_id = store.read(|ask| rows::tenant(ask, sent.tenant))?.ok_or_else(no_tenant)?;
    let mut receipt = Receipt::default();
    let keys: &[&str] = if sent.feed == Feed::Orders { &["currency", "store"] } else { &["store"] };
    let (parts, rejected) = split(sent.bytes, sent.format, keys);
    rejected.into_iter().for_each(|rejected| receipt.reject(rejected));
    let read = parts.iter().map(|part| read_part(sent, (tenant_id, may), part, store, now));
    let mut parts = Vec::new();
    for part in read {
        let (part, rejected) = part?;
        rejected.into_iter().for_each(|rejected| receipt.reject(rejected));
        parts.extend(part);
    }
    // Whichever way it came: under the tenant's name, so that its people see it.
    let topic = format!("footfall/v1/{}/hq/{}", sent.tenant, sent.feed.name());
    receipt.aside.sort_by_key(|rejected| rejected.row);
    store.write::<_, FeedError>(|all| {
        for part in &parts {
            let put = match part {
                ReadPart::Sales(store_id, sales) => {
                    let mut clock = StoreClock::load(all, *store_id)?;
                    rows::put_sales(all, &mut clock, *store_id, sales)?
                }
                ReadPart::Orders(orders) => rows::put_web_orders(all, tenant_id, orders)?,
                ReadPart::Shifts(store_id, shifts) => {
                    let mut clock = StoreClock::load(all, *store_id)?;
                    rows::put_shifts(all, &mut clock, *store_id, (shifts, sent.way.name()))?
                }
            };
            receipt.put.add(put);
        }
        for rejected in receipt.aside.iter().take(MAX_SHOWN_ASIDE) {
            rows::put_row_aside(all, &topic, rejected, now).map_err(WriteError::Sqlite)?;
        }
        Ok(())
    })?;
    Ok(receipt)
}

/// One part of a feed, read.
enum ReadPart {
    Sales(i64, Vec<Sale>),
    Orders(Vec<WebOrder>),
    Shifts(i64, Vec<staffing::Shift>),
}

type Read = (Option<ReadPart>, Vec<Rejected>);

fn read_part(
    sent: &Sent<'_>,
    (tenant_id, may): (i64, &dyn MaySend),
    part: &Part,
    store: &Store,
    now: WallTime,
) -> Result<Read, FeedError> {
    let name = part.key("store");
    let found = match name {
        Some(name) => store.read(|ask| rows::feed_store(ask, tenant_id, name))?,
        None => None,
    };
    let found = found.filter(|found| {
        // Who picks up where is not a store's sale: the order as a whole must be allowed.
        sent.feed == Feed::Orders || may.store(tenant_id, found.region_id, found.store_id)
    });
    let nothing = |words: String| (None, part.reject(&RowFault::new(Reason::Shape, words)));
    let unknown = |name: &str| format!("there is no store {name:?} in the register, or not for this sender");
    match (sent.feed, name, found) {
        (_, Some(name), None) => Ok(nothing(unknown(name))),
        (Feed::Orders, _, found) if may.whole(tenant_id) => Ok(orders(sent, part, found, now)),
        (Feed::Orders, _, _) => Ok(nothing("this sender may not send orders of the whole chain".to_owned())),
        (_, None, _) => Ok(nothing("there is no \"store\"; say which store it is of".to_owned())),
        (Feed::Sales, Some(_), Some(found)) => Ok(sales(sent, part, &found, now)),
        (Feed::Staffing, Some(_), Some(found)) => Ok(shifts(sent, part, &found)),
    }
}

fn zone_of(found: &FeedStore) -> Zone {
    Zone::parse(&found.time_zone).unwrap_or_else(|_| Zone::utc())
}

fn sales(sent: &Sent<'_>, part: &Part, found: &FeedStore, now: WallTime) -> Read {
    let settings = FeedSettings {
        zone: zone_of(found),
        currency: found.currency.clone(),
        decimals: found.decimals,
        oldest: OLDEST,
    };
    let (transactions, rejected) = transactions(sent, part, &settings, now);
    let source = sent.way.name();
    let sale =
        |transaction| Sale { transaction, currency: found.currency.clone(), source: source.to_owned() };
    (Some(ReadPart::Sales(found.store_id, transactions.into_iter().map(sale).collect())), rejected)
}

fn orders(sent: &Sent<'_>, part: &Part, found: Option<FeedStore>, now: WallTime) -> Read {
    let currency = part.key("currency").unwrap_or_default().to_owned();
    let is_currency = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_currency {
        let words = format!("{currency:?} is no currency; write three capitals such as \"EUR\" (ISO 4217)");
        return (None, part.reject(&RowFault::new(Reason::Currency, words)));
    }
    let settings = FeedSettings {
        // An order of the web shop is of no place: a time without an offset is UTC.
        zone: Zone::utc(),
        decimals: usual_decimals(&currency),
        currency: currency.clone(),
        oldest: OLDEST,
    };
    let (transactions, rejected) = transactions(sent, part, &settings, now);
    let store_id = found.map(|found| found.store_id);
    let order = |transaction| WebOrder { transaction, currency: currency.clone(), store_id };
    (Some(ReadPart::Orders(transactions.into_iter().map(order).collect())), rejected)
}

fn transactions(
    sent: &Sent<'_>,
    part: &Part,
    settings: &FeedSettings,
    now: WallTime,
) -> (Vec<Transaction>, Vec<Rejected>) {
    let format = match sent.format {
        Format::Json => FeedFormat::Json,
        Format::Csv => FeedFormat::Csv(Box::new(mapping(&part.header))),
    };
    let read = till::read(&part.bytes, sent.way.name(), &format, settings, now);
    let placed = |rejected: Rejected| Rejected { row: part.row(rejected.row, sent.format), ..rejected };
    let rejected = read.rejected.into_iter().map(placed).collect();
    (read.transactions.into_iter().map(|(_, transaction)| transaction).collect(), rejected)
}

/// The columns that are there, by their own names. Where one is a line's, every row is a line.
fn mapping(header: &[String]) -> CsvMapping {
    let named = |name: &str| Column::Named(name.to_owned());
    let perhaps = |name: &str| header.iter().any(|column| column == name).then(|| named(name));
    let (item, category) = (perhaps("item"), perhaps("category"));
    let is_of_lines = item.is_some() || category.is_some();
    let columns = CsvColumns {
        id: named("id"),
        at: named("at"),
        time: None,
        amount: named("amount"),
        what: perhaps("what"),
        quantity: if is_of_lines { perhaps("quantity") } else { perhaps("units") },
        item,
        category,
        channel: perhaps("channel"),
        voids: perhaps("voids"),
        currency: perhaps("currency"),
    };
    CsvMapping {
        rows: if is_of_lines { CsvRows::Lines } else { CsvRows::Transactions },
        columns,
        delimiter: b',',
        decimal_mark: DecimalMark::Point,
        times: crate::calendar::WrittenTime::Iso,
        encoding: Encoding::Utf8,
        words: KindWords::default(),
    }
}

fn shifts(sent: &Sent<'_>, part: &Part, found: &FeedStore) -> Read {
    let format = match sent.format {
        Format::Json => StaffingFormat::Json,
        Format::Csv => StaffingFormat::Csv,
    };
    let (shifts, aside) = staffing::read(&part.bytes, format, &zone_of(found));
    let placed = |(row, fault)| Rejected { row: part.row(row, sent.format), fault, excerpt: String::new() };
    (Some(ReadPart::Shifts(found.store_id, shifts)), aside.into_iter().map(placed).collect())
}

/// What an MQTT message says that came on `footfall/v1/{tenant}/hq/{feed}`: the owner and the feed; none for any other topic.
#[must_use]
pub fn of_topic(topic: &str) -> Option<(&str, Feed)> {
    let (tenant, feed) = topic.strip_prefix("footfall/v1/")?.split_once("/hq/")?;
    (!tenant.contains('/')).then_some(())?;
    Some((tenant, Feed::named(feed)?))
}

/// Takes a message that came on a feed's topic: JSON, or CSV where it does not begin like JSON.
///
/// # Errors
/// [`FeedError`]; one of the database means that the message must not be confirmed.
pub fn take_message(
    (tenant, feed): (&str, Feed),
    payload: &[u8],
    store: &Store,
    now: WallTime,
) -> Result<Receipt, FeedError> {
    let begins = payload.iter().find(|byte| !byte.is_ascii_whitespace());
    let format = if matches!(begins, Some(b'[' | b'{')) { Format::Json } else { Format::Csv };
    take(&Sent { tenant, feed, format, bytes: payload, way: Way::Mqtt }, &Anything, store, now)
}

/// How many rows there are by reason.
#[must_use]
pub fn reasons(aside: &[Rejected]) -> BTreeMap<&'static str, u64> {
    let mut reasons = BTreeMap::new();
    for rejected in aside {
        *reasons.entry(rejected.fault.reason.name()).or_default() += 1;
    }
    reasons
}

#[cfg(test)]
mod tests;
