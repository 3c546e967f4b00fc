//! The figures of a store and a time, and of several of them together.
//!
//! The formula is [`figures`](crate::analytics::conversion::figures), the same as on a box. What is added here is which hours enter
//! into it. Counts are sums of everything that was counted. A share or a mean is taken over those hours only in which both of its
//! sides are known: conversion over complete hours with a till, the average transaction over hours with a till, capture rate
//! over hours in which the lines outside were seen too. So a morning without a camera lowers the count of that day, which is
//! marked, and no rate. A day keeps what its rates need of its hours ([`Rated`]), so it says what its hours together say.

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
    /// Of a day, what its rates are worked out from. None: it is one hour, which takes part in them or does not.
    pub rated: Option<Rated>,
}

/// What rates are worked out from: sums over complete hours, each over those alone in which both sides of the rate are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rated {
    /// How many hours were seen enough.
    pub complete_hours: i64,
    /// Hours with a till.
    pub bought: Option<Bought>,
    /// Hours in which the lines outside were seen too.
    pub captured: Option<Captured>,
    /// Hours with staffing.
    pub served: Option<Served>,
}

/// Conversion, and sales per visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bought {
    /// Entries without staff and without people who came back.
    pub visitors: i64,
    /// Sales that were not voided.
    pub transactions: i64,
    /// What they came to.
    pub sales_minor: i64,
    /// What was given back, as a positive sum.
    pub refunds_minor: i64,
}

/// Capture rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Captured {
    /// Everybody who came in by a door.
    pub entries: i64,
    /// Who passed by and did not come in.
    pub passersby: i64,
}

/// Shoppers per associate hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Entries without staff and without people who came back.
    pub visitors: i64,
    /// Time of staff.
    pub on_duty_ms: i64,
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
    least_coverage: f64,
    rated: Rated,
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
        self.rows += 1;
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
        add(&mut self.all, &row.period());
        self.rated.add(&row.rated.unwrap_or_else(|| row.rated_hour(least_coverage)));
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

    /// Each from the hours in which it can be known; where there is none, what all hours together say is why.
    fn rates(&self) -> PeriodFigures {
        let whole = PeriodSums {
            coverage: if self.rated.complete_hours > 0 { 1.0 } else { 0.0 },
            passersby_coverage: 0.0,
            ..self.all
        };
        let why = figures(&whole, 0.5);
        // Hours in which only one side of a rate is known give none, though all together have both.
        let no = |figure: Result<f64, Absent>| figure.and(Err(Absent::Coverage));
        let none = PeriodFigures {
            conversion: no(why.conversion),
            sales_per_visitor_minor: no(why.sales_per_visitor_minor),
            capture_rate: no(why.capture_rate),
            shoppers_per_associate_hour: no(why.shoppers_per_associate_hour),
            ..why
        };
        let of = |sums: Option<PeriodSums>| {
            let seen = |sums| PeriodSums { coverage: 1.0, passersby_coverage: 1.0, ..sums };
            sums.map_or(none, |sums| figures(&seen(sums), 0.5))
        };
        let bought = of(self.rated.bought.map(|bought| bought.period()));
        let captured = of(self.rated.captured.map(|captured| captured.period()));
        let served = of(self.rated.served.map(|served| served.period()));
        PeriodFigures {
            conversion: bought.conversion,
            sales_per_visitor_minor: bought.sales_per_visitor_minor,
            capture_rate: captured.capture_rate,
            shoppers_per_associate_hour: served.shoppers_per_associate_hour,
            ..why
        }
    }
}

impl Rated {
    fn add(&mut self, more: &Self) {
        self.complete_hours += more.complete_hours;
        self.bought = both(self.bought, more.bought, |a, b| Bought {
            visitors: a.visitors + b.visitors,
            transactions: a.transactions + b.transactions,
            sales_minor: a.sales_minor.saturating_add(b.sales_minor),
            refunds_minor: a.refunds_minor.saturating_add(b.refunds_minor),
        });
        self.captured = both(self.captured, more.captured, |a, b| Captured {
            entries: a.entries + b.entries,
            passersby: a.passersby + b.passersby,
        });
        self.served = both(self.served, more.served, |a, b| Served {
            visitors: a.visitors + b.visitors,
            on_duty_ms: a.on_duty_ms + b.on_duty_ms,
        });
    }
}

impl Bought {
    fn period(&self) -> PeriodSums {
        let till = TillSums {
            transactions: unsigned(self.transactions),
            sales_minor: self.sales_minor,
            refunds_minor: self.refunds_minor,
            ..TillSums::default()
        };
        PeriodSums { entries: unsigned(self.visitors), till: Some(till), ..PeriodSums::default() }
    }
}

impl Captured {
    fn period(&self) -> PeriodSums {
        let passersby = Some(unsigned(self.passersby));
        PeriodSums { entries: unsigned(self.entries), passersby, ..PeriodSums::default() }
    }
}

impl Served {
    fn period(&self) -> PeriodSums {
        let on_duty = Some(Duration::from_millis(unsigned(self.on_duty_ms)));
        PeriodSums { entries: unsigned(self.visitors), on_duty, ..PeriodSums::default() }
    }
}

impl Sums {
    /// Entries without staff and without people who came back.
    #[must_use]
    pub fn visitors(&self) -> i64 {
        signed(self.period().visitors())
    }

    /// Of one hour; `store_day` is made of its hours in the same way.
    fn rated_hour(&self, least_coverage: f64) -> Rated {
        if !self.complete {
            return Rated::default();
        }
        let visitors = self.entries - self.staff_entries - self.reentries;
        let outside = self.passersby.filter(|_| self.period().passersby_coverage >= least_coverage);
        Rated {
            complete_hours: 1,
            bought: self.till.map(|till| Bought {
                visitors,
                transactions: till.transactions,
                sales_minor: till.sales_minor,
                refunds_minor: till.refunds_minor,
            }),
            captured: outside.map(|passersby| Captured { entries: self.entries, passersby }),
            served: self.on_duty_ms.map(|on_duty_ms| Served { visitors, on_duty_ms }),
        }
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
        // A till is known in the dark hour alone.
        check(&[silent, hour(5, Some(9), false)], "65 coverage 1000 0.25 0.67 incomplete");
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
