//! What share of visitors bought, and the figures beside it: one pure function, for the box and for head office.
//!
//! A figure that cannot be known is absent and says why; it is never 0 because something was missing. Zero sales among
//! visitors who were seen is a conversion of 0, and zero visitors is none at all. The figures that rest on counted people ask
//! for coverage; the average transaction does not, as the till is not a camera.
//!
//! | figure | formula |
//! |---|---|
//! | conversion | transactions / visitors |
//! | sales per visitor | (sales - refunds) / visitors |
//! | average transaction | sales / transactions |
//! | units per transaction | units / transactions, of those transactions for which the till gives units |
//! | capture rate | entries / (entries + passers-by) |
//! | shoppers per associate hour | visitors / hours of staff |
//!
//! A transaction is a sale that was not voided. Visitors are entries without staff and without people who came
//! back within the configured time.

use std::time::Duration;

/// Why a figure is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Absent {
    /// Too little was seen.
    Coverage,
    /// Nobody came in.
    NoVisitors,
    /// Nothing is known of the till for the whole time.
    NoTill,
    /// Nothing was bought.
    NoTransactions,
    /// The till gives no units.
    NoUnits,
    /// No line counts who passes by, or nobody passed and nobody came in.
    NoPassersby,
    /// Nothing is known of the staff, or nobody was on duty.
    NoStaffing,
}

impl Absent {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Coverage => "coverage",
            Self::NoVisitors => "no_visitors",
            Self::NoTill => "no_till",
            Self::NoTransactions => "no_transactions",
            Self::NoUnits => "no_units",
            Self::NoPassersby => "no_passersby",
            Self::NoStaffing => "no_staffing",
        }
    }
}

/// What the till sold in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TillSums {
    /// Sales that were not voided.
    pub transactions: u64,
    /// What they came to, in the currency's smallest unit.
    pub sales_minor: i64,
    /// What was given back, as a positive sum.
    pub refunds_minor: i64,
    /// Units of those transactions for which the till gives them.
    pub units: u64,
    /// How many transactions those are.
    pub with_units: u64,
}

impl TillSums {
    /// Sales less what was given back, in the currency's smallest unit.
    #[must_use]
    pub const fn net_minor(&self) -> i64 {
        self.sales_minor.saturating_sub(self.refunds_minor)
    }
}

/// What is known of a period.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PeriodSums {
    /// Everybody who came in by a door.
    pub entries: u64,
    /// Of them, staff.
    pub staff_entries: u64,
    /// Of them, people who had been here a moment ago and are no staff.
    pub reentries: u64,
    /// Who passed by and did not come in; none where no line counts them.
    pub passersby: Option<u64>,
    /// None where nothing is known of the till for the whole period.
    pub till: Option<TillSums>,
    /// Hours of staff, summed over people; none where nothing is known of them.
    pub on_duty: Option<Duration>,
    /// Share of the opening time that the worst door really saw, 0 to 1.
    pub coverage: f64,
    /// The same of the lines that count who passes by.
    pub passersby_coverage: f64,
}

impl PeriodSums {
    /// Entries that are visits.
    #[must_use]
    pub const fn visitors(&self) -> u64 {
        self.entries.saturating_sub(self.staff_entries).saturating_sub(self.reentries)
    }
}

/// The figures of a period, each there or absent for a reason.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PeriodFigures {
    /// Transactions per visitor. Above 1 where people were missed, or bought twice.
    pub conversion: Result<f64, Absent>,
    /// In the currency's smallest unit.
    pub sales_per_visitor_minor: Result<f64, Absent>,
    /// In the currency's smallest unit.
    pub average_transaction_minor: Result<f64, Absent>,
    /// Units.
    pub units_per_transaction: Result<f64, Absent>,
    /// 0 to 1.
    pub capture_rate: Result<f64, Absent>,
    /// People.
    pub shoppers_per_associate_hour: Result<f64, Absent>,
}

/// Computes the figures; `least_coverage` is the share below which nothing is said of people.
#[must_use]
pub fn figures(sums: &PeriodSums, least_coverage: f64) -> PeriodFigures {
    let seen = |coverage: f64| if coverage >= least_coverage { Ok(()) } else { Err(Absent::Coverage) };
    let visitors = seen(sums.coverage).and_then(|()| above_zero(sums.visitors(), Absent::NoVisitors));
    let till = sums.till.ok_or(Absent::NoTill);
    let transactions = till.and_then(|till| above_zero(till.transactions, Absent::NoTransactions));
    let of_visitors = |value: Result<f64, Absent>| Ok(value? / visitors?);
    let units = till.and_then(|till| {
        let base = above_zero(till.with_units, Absent::NoUnits);
        Ok(till.units as f64 / transactions.and(base)?)
    });
    let capture = sums.passersby.ok_or(Absent::NoPassersby).and_then(|passersby| {
        seen(sums.coverage.min(sums.passersby_coverage))?;
        let all = above_zero(passersby.saturating_add(sums.entries), Absent::NoPassersby)?;
        Ok(sums.entries as f64 / all)
    });
    let hours = sums.on_duty.map(|on_duty| on_duty.as_secs_f64() / 3600.0).filter(|hours| *hours > 0.0);
    PeriodFigures {
        conversion: of_visitors(till.map(|till| till.transactions as f64)),
        sales_per_visitor_minor: of_visitors(till.map(|till| (till.sales_minor - till.refunds_minor) as f64)),
        average_transaction_minor: till.and_then(|till| Ok(till.sales_minor as f64 / transactions?)),
        units_per_transaction: units,
        capture_rate: capture,
        shoppers_per_associate_hour: visitors
            .and_then(|visitors| hours.map(|hours| visitors / hours).ok_or(Absent::NoStaffing)),
    }
}

fn above_zero(base: u64, why: Absent) -> Result<f64, Absent> {
    if base > 0 { Ok(base as f64) } else { Err(why) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sums() -> PeriodSums {
        PeriodSums {
            entries: 50,
            staff_entries: 6,
            reentries: 4,
            passersby: Some(150),
            till: Some(TillSums {
                transactions: 10,
                sales_minor: 50_000,
                refunds_minor: 10_000,
                units: 24,
                with_units: 8,
            }),
            on_duty: Some(Duration::from_secs(5 * 3600)),
            coverage: 0.95,
            passersby_coverage: 0.95,
        }
    }

    /// Conversion, per visitor, average, units, capture, per hour; a figure that is absent as its reason.
    #[track_caller]
    fn check(sums: PeriodSums, expected: &str) {
        let f = figures(&sums, 0.9);
        let all = [
            f.conversion,
            f.sales_per_visitor_minor,
            f.average_transaction_minor,
            f.units_per_transaction,
            f.capture_rate,
            f.shoppers_per_associate_hour,
        ];
        let shown = all.map(|f| f.map_or_else(|why| why.name().to_owned(), |value| value.to_string()));
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn the_figures_are_what_their_formulas_say() {
        check(sums(), "0.25 1000 5000 3 0.25 8");
    }

    #[test]
    fn nothing_bought_by_visitors_who_were_seen_is_a_conversion_of_zero() {
        let till = Some(TillSums::default());
        check(PeriodSums { till, ..sums() }, "0 0 no_transactions no_transactions 0.25 8");
    }

    #[test]
    fn without_visitors_there_is_nothing_to_divide_by() {
        let nobody = PeriodSums { entries: 10, ..sums() };
        check(nobody, "no_visitors no_visitors 5000 3 0.0625 no_visitors");
    }

    #[test]
    fn what_was_hardly_seen_says_nothing_of_people_but_the_till_still_speaks() {
        check(PeriodSums { coverage: 0.89, ..sums() }, "coverage coverage 5000 3 coverage coverage");
        check(PeriodSums { passersby_coverage: 0.1, ..sums() }, "0.25 1000 5000 3 coverage 8");
    }

    #[test]
    fn without_a_till_staff_or_a_line_outside_those_figures_are_absent() {
        check(PeriodSums { till: None, ..sums() }, "no_till no_till no_till no_till 0.25 8");
        check(PeriodSums { passersby: None, ..sums() }, "0.25 1000 5000 3 no_passersby 8");
        for on_duty in [None, Some(Duration::ZERO)] {
            check(PeriodSums { on_duty, ..sums() }, "0.25 1000 5000 3 0.25 no_staffing");
        }
    }

    #[test]
    fn a_till_that_gives_no_units_has_no_units_per_transaction() {
        let till = sums().till.map(|till| TillSums { units: 0, with_units: 0, ..till });
        check(PeriodSums { till, ..sums() }, "0.25 1000 5000 no_units 0.25 8");
    }

    proptest! {
        #[test]
        fn a_figure_is_finite_or_absent(
            counts in prop::array::uniform4(0_u64..1_000), sold in prop::array::uniform3(0_u64..1_000),
            money in -1_000_000_000_i64..1_000_000_000, coverage in 0.0..1.0_f64, seconds in 0_u64..100_000
        ) {
            let [entries, staff_entries, reentries, passersby] = counts;
            let [transactions, units, with_units] = sold;
            let till = TillSums { transactions, sales_minor: money, refunds_minor: 7, units, with_units };
            let f = figures(&PeriodSums {
                entries, staff_entries, reentries, passersby: Some(passersby), till: Some(till),
                on_duty: Some(Duration::from_secs(seconds)), coverage, passersby_coverage: coverage,
            }, 0.5);
            for figure in [f.conversion, f.sales_per_visitor_minor, f.average_transaction_minor,
                f.units_per_transaction, f.capture_rate, f.shoppers_per_associate_hour] {
                prop_assert!(figure.is_err() || figure.is_ok_and(f64::is_finite), "{f:?}");
            }
            prop_assert_eq!(f.conversion.is_err(), coverage < 0.5 || entries <= staff_entries + reentries);
        }
    }
}
