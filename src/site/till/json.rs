//! Transactions as JSON: one object, a list of them, or one a line. The shape is described in docs/guide/conversion.md.
//!
//! Sums may be numbers or strings; a number is taken as its digits stand in the text. What is not known is passed
//! over, as tills say much that nobody asked for.

use super::{
    DecimalMark, Intake, MAX_LINES, MAX_ROWS, Reason, Rejected, RowFault, Rules, Transaction,
    TransactionLine, What, cut,
};
use crate::calendar::WrittenTime;
use crate::time::WallTime;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A transaction as it is written.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    at: Option<Cow<'a, str>>,
    at_ms: Option<i64>,
    #[serde(borrow)]
    what: Option<Cow<'a, str>>,
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
    #[serde(borrow)]
    currency: Option<Cow<'a, str>>,
    units: Option<u64>,
    #[serde(default, borrow)]
    lines: Vec<WrittenLine<'a>>,
    #[serde(borrow)]
    channel: Option<Cow<'a, str>>,
    #[serde(borrow)]
    voids: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WrittenLine<'a> {
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    category: Option<Cow<'a, str>>,
    #[serde(borrow)]
    quantity: Option<&'a RawValue>,
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
}

pub(super) fn read(bytes: &[u8], rules: Rules<'_>, intake: &mut Intake) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let words = "JSON is UTF-8, and this is not";
        return intake.reject(Rejected::new(0, RowFault::new(Reason::Encoding, words), ""));
    };
    let text = text.trim_start_matches('\u{feff}').trim();
    if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(text) {
        intake.is_sign_of_life = list.is_empty();
        return read_each(list.iter().map(|item| item.get()), rules, intake);
    }
    // A whole object may be spread over lines; otherwise each line is one.
    match serde_json::from_str::<&RawValue>(text) {
        Ok(_) => read_each(std::iter::once(text), rules, intake),
        Err(_) => read_each(text.lines(), rules, intake),
    }
}

fn read_each<'a>(items: impl Iterator<Item = &'a str>, rules: Rules<'_>, intake: &mut Intake) {
    for (row, item) in (1_u64..).zip(items) {
        if row > MAX_ROWS as u64 {
            let words = format!("more than {MAX_ROWS} transactions at once");
            return intake.reject(Rejected::new(row, RowFault::new(Reason::TooMuch, words), item));
        }
        if item.trim().is_empty() {
            continue;
        }
        match transaction(item, rules) {
            Ok(transaction) => intake.transactions.push((row, transaction)),
            Err(fault) => intake.reject(Rejected::new(row, fault, item)),
        }
    }
}

fn transaction(text: &str, rules: Rules<'_>) -> Result<Transaction, RowFault> {
    let written: Written<'_> =
        serde_json::from_str(text).map_err(|fault| RowFault::new(Reason::Shape, fault.to_string()))?;
    if written.lines.len() > MAX_LINES {
        let words = format!("{} lines, at most {MAX_LINES} are taken", written.lines.len());
        return Err(RowFault::new(Reason::TooMuch, words));
    }
    let missing = |what: &str| RowFault::new(Reason::Shape, format!("there is no {what}"));
    if let Some(currency) = &written.currency {
        rules.currency(currency)?;
    }
    let what = written.what.as_deref().ok_or_else(|| missing("\"what\""))?;
    let what = What::named(what)
        .ok_or_else(|| RowFault::new(Reason::Kind, format!("{} is no kind of transaction", cut(what))))?;
    let amount = scalar(written.amount.ok_or_else(|| missing("\"amount\""))?, Reason::Amount)?;
    let lines = written.lines.iter().map(|line| line_of(line, rules)).collect::<Result<Vec<_>, _>>()?;
    Rules::whole(Transaction {
        id: Rules::id(&scalar(written.id.ok_or_else(|| missing("\"id\""))?, Reason::Id)?)?,
        at: rules.time(time(&written, rules)?)?,
        what,
        amount_minor: rules.amount(&amount, DecimalMark::Point)?,
        lines,
        units: written.units,
        channel: Rules::optional(written.channel.as_deref())?,
        voids: written.voids.map(|id| Rules::id(&scalar(id, Reason::Id)?)).transpose()?,
    })
}

fn time(written: &Written<'_>, rules: Rules<'_>) -> Result<WallTime, RowFault> {
    match (&written.at, written.at_ms) {
        (Some(text), None) => rules
            .settings
            .zone
            .parse_time(text, &WrittenTime::Iso)
            .map_err(|fault| RowFault::new(Reason::Time, format!("{} {fault}", cut(text)))),
        (None, Some(ms)) => Ok(WallTime::from_unix_ms(ms)),
        _ => Err(RowFault::new(Reason::Time, "give one of \"at\" and \"at_ms\"")),
    }
}

fn line_of(line: &WrittenLine<'_>, rules: Rules<'_>) -> Result<TransactionLine, RowFault> {
    let item = line.item.map(|item| scalar(item, Reason::Text)).transpose()?;
    let quantity = line.quantity.map(|quantity| scalar(quantity, Reason::Quantity)).transpose()?;
    let missing = || RowFault::new(Reason::Shape, "a line has no \"amount\"");
    let amount = scalar(line.amount.ok_or_else(missing)?, Reason::Amount)?;
    Ok(TransactionLine {
        item: Rules::optional(item.as_deref())?,
        category: Rules::optional(line.category.as_deref())?,
        quantity_milli: Rules::quantity(quantity.as_deref().unwrap_or("1"), DecimalMark::Point)?,
        amount_minor: rules.amount(&amount, DecimalMark::Point)?,
    })
}

/// A string's text, or a number's digits as they stand there.
fn scalar(raw: &RawValue, reason: Reason) -> Result<Cow<'_, str>, RowFault> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<String>(text)
            .map(Cow::Owned)
            .map_err(|fault| RowFault::new(reason, fault.to_string())),
        Some(b'-' | b'0'..=b'9') => Ok(Cow::Borrowed(text)),
        _ => Err(RowFault::new(reason, format!("{} is neither a text nor a number", cut(text)))),
    }
}
