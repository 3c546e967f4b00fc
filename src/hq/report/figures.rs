//! The figures of a store and a time, and of several of them together.
//!
//! The formula is [`figures`](crate::analytics::conversion::figures), the same as on a box. What is added here is which hours and days
//! enter into it. Counts are sums of everything that was counted. A share or a mean is taken over those rows only in which both of its
//! sides are known: conversion over complete rows with a till, the average transaction over rows with a till, capture rate
//! over rows in which the lines outside were seen too. So a morning without a camera lowers the count of that day, which is
//! marked, and no rate.

use crate::analytics::conversion::{Absent, PeriodFigures, PeriodSums, TillSums, figures};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// What is known of an hour or a day of a store, as the rollups have it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// How long it was open.
    pub open_ms: i64,
    /// Everybody who came in by a door.
    pub entries: i64,
    /// Of them, staff.
    pub staff_entries: i64,
    /// Of them, people who had been here a moment ago.
    pub reentries: i64,
    /// None where no line counts them.
    pub passersby: Option<i64>,
    /// Visits to zones without staff's; none where there is no zone.
    pub zone_visits: Option<i64>,
    /// Of them, those that lasted.
    pub engaged: Option<i64>,
    /// People who joined a queue; none where there is no queue.
    pub queued: Option<i64>,
    /// None where nothing is known of the till.
    pub till: Option<Till>,
    /// Time of staff; none where nothing is known of them.
    pub on_duty_ms: Option<i64>,
    /// Open time that the worst door saw.
    pub seen_ms: i64,
    /// The same of the lines that count who passes by.
    pub passersby_seen_ms: i64,
    /// Whether enough was seen for figures of people.
    pub complete: bool,
}

/// What the till sold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Till {
    /// Sales that were not voided.
    pub transactions: i64,
    /// What they came to.
    pub sales_minor: i64,
    /// What was given back, as a positive sum.
    pub refunds_minor: i64,
    /// Units, where the till gives them.
    pub units: i64,
    /// Transactions for which it does.
    pub with_units: i64,
}

/// A figure that is not there, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AbsentFigure {
    /// The figure's name.
    pub figure: &'static str,
    /// `coverage`, `no_visitors`, `no_till`, `no_transactions`, `no_units`, `no_passersby` or `no_staffing`.
    pub why: &'static str,
}

/// The figures of a store and a time, or of several stores together. What is not known is null, never 0.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Figures {
    /// Everybody who came in by a door.
    pub entries: i64,
    /// Of them, staff.
    pub staff_entries: i64,
    /// Of them, people who had been here a moment ago.
    pub reentries: i64,
    /// Entries without those two.
    pub visitors: i64,
    /// Who passed by and did not come in.
    pub passersby: Option<i64>,
    /// Visits to zones that are no queues, without staff's.
    pub zone_visits: Option<i64>,
    /// Of them, those that lasted.
    pub engaged: Option<i64>,
    /// People who joined a queue.
    pub queued: Option<i64>,
    /// Sales that were not voided.
    pub transactions: Option<i64>,
    /// Sales less what was given back, in the currency's smallest unit.
    pub sales_minor: Option<i64>,
    /// Units, where the till gives them.
    pub units: Option<i64>,
    /// Hours of staff.
    pub associate_hours: Option<f64>,
    /// Transactions per visitor.
    pub conversion: Option<f64>,
    /// Entries per person who came by.
    pub capture_rate: Option<f64>,
    /// Money per visitor, in the currency's smallest unit.
    pub sales_per_visitor_minor: Option<f64>,
    /// Money per transaction, in the currency's smallest unit.
    pub average_transaction_minor: Option<f64>,
    /// Units per transaction.
    pub units_per_transaction: Option<f64>,
    /// Visitors per hour of staff.
    pub shoppers_per_associate_hour: Option<f64>,
    /// Share of the opening time that the worst door saw.
    pub coverage: f64,
    /// Whether that is enough to be counted on.
    pub complete: bool,
    /// Figures that are not there.
    pub absent: Vec<AbsentFigure>,
}

/// Rows that are added up.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    all: PeriodSums,
    zone_visits: Option<i64>,
    engaged: Option<i64>,
    queued: Option<i64>,
    open_ms: i64,
    seen_ms: i64,
    rows: u32,
    complete_rows: u32,
    least_coverage: f64,
    /// Of those rows alone in which what a figure needs is known.
    bought: PeriodSums,
    till: PeriodSums,
    captured: PeriodSums,
    served: PeriodSums,
    has_one_currency: bool,
}

impl Tally {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { has_one_currency: true, ..Self::default() }
    }

    /// Of one row, with the coverage that its store asks for.
    #[must_use]
    pub fn of(row: &Sums, least_coverage: f64) -> Self {
        let mut tally = Self::new();
        tally.add(row, least_coverage);
        tally
    }

    /// Adds an hour or a day.
    pub fn add(&mut self, row: &Sums, least_coverage: f64) {
        let sums = row.period();
        self.rows += 1;
        self.complete_rows += u32::from(row.complete);
        self.least_coverage = self.least_coverage.max(least_coverage);
        self.open_ms += row.open_ms;
        self.seen_ms += row.seen_ms.min(row.open_ms);
        for (sum, more) in [
            (&mut self.zone_visits, row.zone_visits),
            (&mut self.engaged, row.engaged),
            (&mut self.queued, row.queued),
        ] {
            *sum = both(*sum, more, |a, b| a + b);
        }
        add(&mut self.all, &sums);
        if row.till.is_some() {
            add(&mut self.till, &sums);
        }
        if row.complete && row.till.is_some() {
            add(&mut self.bought, &sums);
        }
        if row.complete && row.passersby.is_some() && sums.passersby_coverage >= least_coverage {
            add(&mut self.captured, &sums);
        }
        if row.complete && row.on_duty_ms.is_some() {
            add(&mut self.served, &sums);
        }
    }

    /// Says that stores of several currencies are in it, whose money has no sum.
    pub fn mix_currencies(&mut self) {
        self.has_one_currency = false;
    }

    /// Whether nothing was added.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Transactions per visitor, over the rows in which both are known.
    #[must_use]
    pub fn conversion(&self) -> Option<f64> {
        self.rates().conversion.ok()
    }

    /// What it comes to.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let rates = self.rates();
        let money = self.has_one_currency;
        let mut absent = Vec::new();
        let mut told = |figure, value: Result<f64, Absent>| {
            value.map_err(|why| absent.push(AbsentFigure { figure, why: why.name() })).ok()
        };
        let [conversion, per_visitor, average, units, capture, served] = [
            told("conversion", rates.conversion),
            told("sales_per_visitor", rates.sales_per_visitor_minor).filter(|_| money),
            told("average_transaction", rates.average_transaction_minor).filter(|_| money),
            told("units_per_transaction", rates.units_per_transaction),
            told("capture_rate", rates.capture_rate),
            told("shoppers_per_associate_hour", rates.shoppers_per_associate_hour),
        ];
        let till = self.all.till;
        Figures {
            entries: signed(self.all.entries),
            staff_entries: signed(self.all.staff_entries),
            reentries: signed(self.all.reentries),
            visitors: self.visitors(),
            passersby: self.all.passersby.map(signed),
            zone_visits: self.zone_visits,
            engaged: self.engaged,
            queued: self.queued,
            transactions: till.map(|till| signed(till.transactions)),
            sales_minor: till.map(|till| till.net_minor()).filter(|_| money),
            units: till.filter(|till| till.with_units > 0).map(|till| signed(till.units)),
            associate_hours: self.all.on_duty.map(|time| time.as_secs_f64() / 3600.0),
            conversion,
            capture_rate: capture,
            sales_per_visitor_minor: per_visitor,
            average_transaction_minor: average,
            units_per_transaction: units,
            shoppers_per_associate_hour: served,
            coverage: self.coverage(),
            complete: self.open_ms > 0 && self.coverage() >= self.least_coverage,
            absent,
        }
    }

    /// Entries without staff and without people who came back.
    #[must_use]
    pub fn visitors(&self) -> i64 {
        signed(self.all.visitors())
    }

    fn coverage(&self) -> f64 {
        if self.open_ms > 0 { self.seen_ms as f64 / self.open_ms as f64 } else { 0.0 }
    }

    /// Each from the rows in which it can be known; where there is none, what all rows together say is why.
    fn rates(&self) -> PeriodFigures {
        let whole = PeriodSums {
            coverage: if self.complete_rows > 0 { 1.0 } else { 0.0 },
            passersby_coverage: 0.0,
            ..self.all
        };
        let why = figures(&whole, 0.5);
        let seen = |sums: PeriodSums| PeriodSums { coverage: 1.0, passersby_coverage: 1.0, ..sums };
        let of = |sums: &PeriodSums| figures(&seen(*sums), 0.5);
        let (bought, till, captured, served) =
            (of(&self.bought), of(&self.till), of(&self.captured), of(&self.served));
        PeriodFigures {
            conversion: if self.bought.till.is_some() { bought.conversion } else { why.conversion },
            sales_per_visitor_minor: if self.bought.till.is_some() {
                bought.sales_per_visitor_minor
            } else {
                why.sales_per_visitor_minor
            },
            average_transaction_minor: till.average_transaction_minor,
            units_per_transaction: till.units_per_transaction,
            capture_rate: if self.captured.passersby.is_some() {
                captured.capture_rate
            } else {
                why.capture_rate
            },
            shoppers_per_associate_hour: if self.served.on_duty.is_some() {
                served.shoppers_per_associate_hour
            } else {
                why.shoppers_per_associate_hour
            },
        }
    }
}

impl Sums {
    /// Entries without staff and without people who came back.
    #[must_use]
    pub fn visitors(&self) -> i64 {
        signed(self.period().visitors())
    }

    fn period(&self) -> PeriodSums {
        let share = |seen_ms: i64| if self.open_ms > 0 { seen_ms as f64 / self.open_ms as f64 } else { 0.0 };
        PeriodSums {
            entries: unsigned(self.entries),
            staff_entries: unsigned(self.staff_entries),
            reentries: unsigned(self.reentries),
            passersby: self.passersby.map(unsigned),
            till: self.till.map(|till| TillSums {
                transactions: unsigned(till.transactions),
                sales_minor: till.sales_minor,
                refunds_minor: till.refunds_minor,
                units: unsigned(till.units),
                with_units: unsigned(till.with_units),
            }),
            on_duty: self.on_duty_ms.map(|ms| Duration::from_millis(unsigned(ms))),
            coverage: share(self.seen_ms),
            passersby_coverage: share(self.passersby_seen_ms),
        }
    }
}

fn add(to: &mut PeriodSums, more: &PeriodSums) {
    to.entries += more.entries;
    to.staff_entries += more.staff_entries;
    to.reentries += more.reentries;
    to.passersby = both(to.passersby, more.passersby, |a, b| a + b);
    to.on_duty = both(to.on_duty, more.on_duty, |a, b| a + b);
    to.till = both(to.till, more.till, |a, b| TillSums {
        transactions: a.transactions + b.transactions,
        sales_minor: a.sales_minor.saturating_add(b.sales_minor),
        refunds_minor: a.refunds_minor.saturating_add(b.refunds_minor),
        units: a.units + b.units,
        with_units: a.with_units + b.with_units,
    });
}

/// What is not known adds nothing, and a sum of nothing known is not known.
fn both<T>(one: Option<T>, other: Option<T>, sum: impl Fn(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(sum(one, other)),
        (one, other) => one.or(other),
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(entries: i64, transactions: Option<i64>, complete: bool) -> Sums {
        Sums {
            open_ms: 3_600_000,
            seen_ms: if complete { 3_600_000 } else { 1_200_000 },
            passersby_seen_ms: 3_600_000,
            entries,
            passersby: Some(3 * entries),
            till: transactions.map(|transactions| Till {
                transactions,
                sales_minor: 1_000 * transactions,
                units: 2 * transactions,
                with_units: transactions,
                ..Till::default()
            }),
            complete,
            ..Sums::default()
        }
    }

    /// Visitors, conversion, average, capture, coverage; what is absent with its reason.
    #[track_caller]
    fn check(rows: &[Sums], expected: &str) {
        let mut tally = Tally::new();
        rows.iter().for_each(|row| tally.add(row, 0.9));
        let f = tally.figures();
        let why = |figure: &str| {
            f.absent.iter().find(|absent| absent.figure == figure).map_or("?", |absent| absent.why)
        };
        let shown = |name: &str, value: Option<f64>| value.map_or(why(name).to_owned(), |v| v.to_string());
        let found = format!(
            "{} {} {} {} {:.2} {}",
            f.visitors,
            shown("conversion", f.conversion),
            shown("average_transaction", f.average_transaction_minor),
            shown("capture_rate", f.capture_rate),
            f.coverage,
            if f.complete { "complete" } else { "incomplete" },
        );
        assert_eq!(found, expected);
    }

    #[test]
    fn an_hour_that_was_hardly_seen_counts_and_lowers_no_rate() {
        let (whole, dark) = (hour(40, Some(10), true), hour(5, Some(9), false));
        check(&[whole], "40 0.25 1000 0.25 1.00 complete");
        check(&[whole, dark], "45 0.25 1000 0.25 0.67 incomplete");
        check(&[dark], "5 coverage 1000 coverage 0.33 incomplete");
    }

    #[test]
    fn an_hour_whose_till_is_not_known_takes_no_part_in_conversion() {
        let (sold, silent) = (hour(40, Some(10), true), hour(60, None, true));
        check(&[sold, silent], "100 0.25 1000 0.25 1.00 complete");
        check(&[silent], "60 no_till no_till 0.25 1.00 complete");
        check(&[hour(40, Some(0), true)], "40 0 no_transactions 0.25 1.00 complete");
    }

    #[test]
    fn nothing_at_all_says_nothing() {
        check(&[], "0 no_till no_till no_passersby 0.00 incomplete");
    }

    #[test]
    fn money_of_several_currencies_has_no_sum() {
        let mut tally = Tally::of(&hour(40, Some(10), true), 0.9);
        assert_eq!(tally.figures().sales_minor, Some(10_000));
        tally.mix_currencies();
        let figures = tally.figures();
        assert_eq!((figures.sales_minor, figures.conversion), (None, Some(0.25)));
    }
}
