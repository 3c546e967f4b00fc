//! Transactions as CSV, with columns that the config names.
//!
//! A row is a whole transaction, or one line of one; then the rows of one transaction stand in the same file, and if one of
//! them is put aside all are: half a basket is no basket. Every row must have as many fields as the first one, which is
//! what shows a comma in a number.

use super::text::is_broken;
use super::{
    DecimalMark, Encoding, Intake, MAX_ROWS, Reason, Rejected, RowFault, Rules, Transaction, TransactionLine,
    What, cut,
};
use crate::calendar::WrittenTime;
use ::csv::{ReaderBuilder, StringRecord, Trim};
use std::collections::BTreeMap;

/// Where a value stands in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// By the name in the first row.
    Named(String),
    /// By its place, from 1; then the first row is no header.
    Number(usize),
}

/// What one row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CsvRows {
    /// A transaction.
    #[default]
    Transactions,
    /// A line of a transaction; `amount` is the line's.
    Lines,
}

/// Which column says what; all are named, or all have numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvColumns {
    /// The transaction's id.
    pub id: Column,
    /// When, or the date where `time` says the time of day.
    pub at: Column,
    /// The time of day, joined to `at` with a space.
    pub time: Option<Column>,
    /// What was paid: of the transaction, or of the line.
    pub amount: Column,
    /// The kind; without it every row is a sale.
    pub what: Option<Column>,
    /// How many; units of the transaction, or quantity of the line.
    pub quantity: Option<Column>,
    /// The line's item.
    pub item: Option<Column>,
    /// The line's category.
    pub category: Option<Column>,
    /// Which till or way of selling.
    pub channel: Option<Column>,
    /// The transaction that a void takes back.
    pub voids: Option<Column>,
    /// The currency, to be held against the store's.
    pub currency: Option<Column>,
}

impl CsvColumns {
    /// Whether all are named or all have numbers.
    #[must_use]
    pub fn are_alike(&self) -> bool {
        let Self { id, at, time, amount, what, quantity, item, category, channel, voids, currency } = self;
        let optional = [time, what, quantity, item, category, channel, voids, currency];
        let mut all = [at, amount].into_iter().chain(optional.into_iter().flatten());
        all.all(|column| std::mem::discriminant(column) == std::mem::discriminant(id))
    }
}

/// Words of the till for the kinds; a word is compared to the last letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindWords(pub BTreeMap<String, What>);

impl Default for KindWords {
    fn default() -> Self {
        Self(What::ALL.into_iter().map(|what| (what.name().to_owned(), what)).collect())
    }
}

/// How the rows are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvMapping {
    /// What a row is.
    pub rows: CsvRows,
    /// Which column says what.
    pub columns: CsvColumns,
    /// What stands between fields: `,`, `;`, tab or `|`.
    pub delimiter: u8,
    /// The mark in sums and quantities.
    pub decimal_mark: DecimalMark,
    /// How times are written.
    pub times: WrittenTime,
    /// How text is encoded.
    pub encoding: Encoding,
    /// Words for the kinds.
    pub words: KindWords,
}

impl CsvMapping {
    fn has_header(&self) -> bool {
        matches!(self.columns.id, Column::Named(_))
    }
}

/// Columns as places in a row, from 0.
struct Places {
    id: usize,
    at: usize,
    time: Option<usize>,
    amount: usize,
    what: Option<usize>,
    quantity: Option<usize>,
    item: Option<usize>,
    category: Option<usize>,
    channel: Option<usize>,
    voids: Option<usize>,
    currency: Option<usize>,
}

impl Places {
    fn of(columns: &CsvColumns, first: &StringRecord) -> Result<Self, RowFault> {
        let place = |column: &Column| place(column, first);
        let perhaps = |column: &Option<Column>| column.as_ref().map(place).transpose();
        Ok(Self {
            id: place(&columns.id)?,
            at: place(&columns.at)?,
            time: perhaps(&columns.time)?,
            amount: place(&columns.amount)?,
            what: perhaps(&columns.what)?,
            quantity: perhaps(&columns.quantity)?,
            item: perhaps(&columns.item)?,
            category: perhaps(&columns.category)?,
            channel: perhaps(&columns.channel)?,
            voids: perhaps(&columns.voids)?,
            currency: perhaps(&columns.currency)?,
        })
    }
}

fn place(column: &Column, first: &StringRecord) -> Result<usize, RowFault> {
    let missing = |words| RowFault::new(Reason::Columns, words);
    match column {
        Column::Named(name) => {
            let mut found = first.iter().enumerate().filter(|(_, header)| header.trim() == name);
            match (found.next(), found.next()) {
                (Some((place, _)), None) => Ok(place),
                (Some(_), Some(_)) => Err(missing(format!("there are two columns {}", cut(name)))),
                (None, _) => Err(missing(format!("there is no column {} in the first row", cut(name)))),
            }
        }
        Column::Number(number) if (1..=first.len()).contains(number) => Ok(number - 1),
        Column::Number(number) => {
            Err(missing(format!("there is no column {number}, the first row has {}", first.len())))
        }
    }
}

pub(super) fn read(bytes: &[u8], mapping: &CsvMapping, rules: Rules<'_>, intake: &mut Intake) {
    let text = mapping.encoding.decode(bytes);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(mapping.delimiter)
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    // With rows of any length and text that is UTF-8 by now, the reader has nothing to complain of.
    let mut rows = reader.records().map_while(Result::ok).peekable();
    let Some(first) = rows.peek().cloned() else { return };
    let places = match Places::of(&mapping.columns, &first) {
        Ok(places) => places,
        Err(fault) => return intake.reject(Rejected::new(0, fault, &shown(&first, mapping))),
    };
    let reader = RowReader { mapping, rules, places, fields: first.len() };
    let mut baskets = Baskets::default();
    for (row, record) in (1_u64..).zip(rows).skip(usize::from(mapping.has_header())) {
        if row > MAX_ROWS as u64 {
            let words = format!("more than {MAX_ROWS} rows at once; the rest was not read");
            intake.reject(Rejected::new(row, RowFault::new(Reason::TooMuch, words), ""));
            break;
        }
        let id = record.get(reader.places.id).unwrap_or_default();
        let read = reader.row(&record);
        match mapping.rows {
            CsvRows::Lines if !id.is_empty() => baskets.add(id, row, read, shown(&record, mapping)),
            _ => keep(row, read, &shown(&record, mapping), intake),
        }
    }
    baskets.finish(intake);
}

fn keep(row: u64, read: Result<Transaction, RowFault>, text: &str, intake: &mut Intake) {
    match read.and_then(Rules::whole) {
        Ok(transaction) => intake.transactions.push((row, transaction)),
        Err(fault) => intake.reject(Rejected::new(row, fault, text)),
    }
}

fn shown(record: &StringRecord, mapping: &CsvMapping) -> String {
    record.iter().collect::<Vec<_>>().join(&char::from(mapping.delimiter).to_string())
}

struct RowReader<'a> {
    mapping: &'a CsvMapping,
    rules: Rules<'a>,
    places: Places,
    fields: usize,
}

impl RowReader<'_> {
    fn row(&self, record: &StringRecord) -> Result<Transaction, RowFault> {
        if record.len() != self.fields {
            let words = format!("{} fields where the first row has {}", record.len(), self.fields);
            return Err(RowFault::new(Reason::Columns, words));
        }
        let Places { id, at, time, amount, what, quantity, item, category, channel, voids, currency } =
            self.places;
        if record.iter().any(is_broken) {
            return Err(RowFault::new(Reason::Encoding, "it is not in the encoding that was set"));
        }
        // Every place lies within the first row, and this one is as long.
        let get = |place: usize| record.get(place).unwrap_or_default();
        let perhaps = |place: Option<usize>| place.map(get).filter(|text| !text.is_empty());
        currency.map(|place| self.rules.currency(get(place))).transpose()?;
        let (id, at) = (Rules::id(get(id))?, self.at(get(at), time.map(get))?);
        let what = what.map_or(Ok(What::Sale), |place| self.what(get(place)))?;
        let amount_minor = self.rules.amount(get(amount), self.mapping.decimal_mark)?;
        let (mut lines, mut units) = (Vec::new(), None);
        match self.mapping.rows {
            CsvRows::Transactions => units = perhaps(quantity).map(Rules::units).transpose()?,
            CsvRows::Lines => lines.push(TransactionLine {
                item: Rules::optional(perhaps(item))?,
                category: Rules::optional(perhaps(category))?,
                quantity_milli: perhaps(quantity)
                    .map_or(Ok(1000), |text| Rules::quantity(text, self.mapping.decimal_mark))?,
                amount_minor,
            }),
        }
        let channel = Rules::optional(perhaps(channel))?;
        let voids = perhaps(voids).map(Rules::id).transpose()?;
        Ok(Transaction { id, at, what, amount_minor, lines, units, channel, voids })
    }

    fn at(&self, date: &str, time: Option<&str>) -> Result<crate::time::WallTime, RowFault> {
        let text = time.map_or_else(|| date.to_owned(), |time| format!("{date} {time}"));
        let read = self.rules.settings.zone.parse_time(&text, &self.mapping.times);
        let at = read.map_err(|fault| RowFault::new(Reason::Time, format!("{} {fault}", cut(&text))))?;
        self.rules.time(at)
    }

    fn what(&self, word: &str) -> Result<What, RowFault> {
        let known = self.mapping.words.0.get(word).copied();
        known.ok_or_else(|| RowFault::new(Reason::Kind, format!("{} is no kind of transaction", cut(word))))
    }
}

/// Transactions that are put together from rows.
#[derive(Default)]
struct Baskets {
    /// Ids in the order in which they were seen first.
    order: Vec<String>,
    of_id: BTreeMap<String, Vec<Row>>,
}

struct Row {
    number: u64,
    read: Result<Transaction, RowFault>,
    text: String,
}

impl Baskets {
    fn add(&mut self, id: &str, number: u64, read: Result<Transaction, RowFault>, text: String) {
        let rows = self.of_id.entry(id.to_owned()).or_insert_with(|| {
            self.order.push(id.to_owned());
            Vec::new()
        });
        rows.push(Row { number, read, text });
    }

    fn finish(mut self, intake: &mut Intake) {
        for id in &self.order {
            let rows = self.of_id.remove(id).unwrap_or_default();
            let Some(first) = rows.first().map(|row| row.number) else { continue };
            match put_together(&rows) {
                Some(Ok(transaction)) => intake.transactions.push((first, transaction)),
                whole => put_aside(rows, whole.and_then(Result::err).as_ref(), intake),
            }
        }
    }
}

/// The whole of its rows; none where one of them is bad, a fault where they do not fit together.
fn put_together(rows: &[Row]) -> Option<Result<Transaction, RowFault>> {
    let mut parts = rows.iter().map(|row| row.read.as_ref());
    let mut whole = parts.next()?.ok()?.clone();
    for part in parts {
        let part = part.ok()?;
        let head = |t: &Transaction| (t.at, t.what, t.channel.clone(), t.voids.clone());
        if head(part) != head(&whole) {
            let words = "rows of this id differ in time, kind, channel or what they void";
            return Some(Err(RowFault::new(Reason::Contradiction, words)));
        }
        let Some(sum) = whole.amount_minor.checked_add(part.amount_minor) else {
            return Some(Err(RowFault::new(Reason::Amount, "the sum of its lines is too large")));
        };
        whole.amount_minor = sum;
        whole.lines.extend(part.lines.iter().cloned());
    }
    Some(Rules::whole(whole))
}

fn put_aside(rows: Vec<Row>, of_all: Option<&RowFault>, intake: &mut Intake) {
    for Row { number, read, text } in rows {
        let partner = || RowFault::new(Reason::Partner, "another row of this id was put aside");
        let fault = read.err().unwrap_or_else(|| of_all.cloned().unwrap_or_else(partner));
        intake.reject(Rejected::new(number, fault, &text));
    }
}
