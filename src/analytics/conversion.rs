//! What share bought: the rates that join people counted at the doors with what the till tells.
//!
//! One function for the box and for head office, so that both say the same. A rate whose base is 0, or whose doors were
//! seen for too small a share of the time, is absent with a reason. It is never 0, because 0 would say that
//! nobody bought.

/// What is known of a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sums {
    /// Everybody who came in by a door.
    pub entries: u64,
    /// Those of them who are staff.
    pub staff_entries: u64,
    /// Those of them who were here a moment ago; none of them is staff.
    pub reentries: u64,
    /// People who walked by; none where no line counts them.
    pub passersby: Option<u64>,
    /// Purchases, and their sums; none where no till tells.
    pub sales: Option<Sales>,
    /// Hours that staff worked, added up over people; none where nothing tells.
    pub associate_hours: Option<f64>,
    /// Share of the opening hours for which the doors were really seen, 0 to 1; none where the store was closed.
    pub coverage: Option<f64>,
}

/// Purchases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sales {
    /// How many.
    pub transactions: u64,
    /// Their sum in the currency's smallest unit.
    pub amount_minor: i64,
    /// Pieces sold; none where the till does not tell lines.
    pub units: Option<u64>,
}

/// Why a figure is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Absent {
    /// Nobody came in.
    NoVisitors,
    /// Nobody came in or walked by.
    NoPassersby,
    /// Too small a share of the time was seen.
    Coverage,
    /// No till tells.
    NoTill,
    /// Nothing was sold, so there is no average of it.
    NoSales,
    /// The till does not tell how many pieces.
    NoUnits,
    /// Nothing tells how long staff worked.
    NoStaffing,
}

impl Absent {
    /// As records have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoVisitors => "no_visitors",
            Self::NoPassersby => "no_passersby",
            Self::Coverage => "coverage",
            Self::NoTill => "no_till",
            Self::NoSales => "no_sales",
            Self::NoUnits => "no_units",
            Self::NoStaffing => "no_staffing",
        }
    }
}

/// The rates. Money is in the currency's smallest unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Who came in, without staff and without those who were here a moment ago.
    pub visitors: u64,
    /// Visitors per visitor and passer-by (`entries / (entries + passers-by)` in the trade's words), 0 to 1.
    pub capture_rate: Result<f64, Absent>,
    /// Purchases per visitor.
    pub conversion: Result<f64, Absent>,
    /// Money per visitor.
    pub sales_per_visitor: Result<f64, Absent>,
    /// Money per purchase (ATV).
    pub average_transaction: Result<f64, Absent>,
    /// Pieces per purchase (UPT).
    pub units_per_transaction: Result<f64, Absent>,
    /// Visitors per hour of staff (STAR).
    pub shoppers_per_associate_hour: Result<f64, Absent>,
}

/// The rates of a stretch of time, where at least `least_coverage` (0 to 1) of it must have been seen for those that
/// count people. What the till alone knows needs no camera.
#[must_use]
pub fn rates(sums: &Sums, least_coverage: f64) -> Rates {
    let visitors = sums.entries.saturating_sub(sums.staff_entries).saturating_sub(sums.reentries);
    let seen = match sums.coverage {
        Some(coverage) if coverage >= least_coverage => Ok(()),
        _ => Err(Absent::Coverage),
    };
    let sales = sums.sales.ok_or(Absent::NoTill);
    let per_visitor = |amount: f64| ratio(amount, visitors as f64, Absent::NoVisitors);
    let per_sale = |sales: Sales, amount: f64| ratio(amount, sales.transactions as f64, Absent::NoSales);
    Rates {
        visitors,
        capture_rate: seen
            .and(sums.passersby.ok_or(Absent::NoPassersby))
            .and_then(|passersby| ratio(visitors as f64, (visitors + passersby) as f64, Absent::NoPassersby)),
        conversion: seen.and(sales).and_then(|sales| per_visitor(sales.transactions as f64)),
        sales_per_visitor: seen.and(sales).and_then(|sales| per_visitor(sales.amount_minor as f64)),
        average_transaction: sales.and_then(|sales| per_sale(sales, sales.amount_minor as f64)),
        units_per_transaction: sales
            .and_then(|sales| Ok((sales, sales.units.ok_or(Absent::NoUnits)?)))
            .and_then(|(sales, units)| per_sale(sales, units as f64)),
        shoppers_per_associate_hour: seen
            .and(sums.associate_hours.ok_or(Absent::NoStaffing))
            .and_then(|hours| ratio(visitors as f64, hours, Absent::NoStaffing)),
    }
}

fn ratio(of: f64, base: f64, absent: Absent) -> Result<f64, Absent> {
    if base > 0.0 { Ok(of / base) } else { Err(absent) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An hour in which all is known.
    fn hour() -> Sums {
        Sums {
            entries: 50,
            staff_entries: 8,
            reentries: 2,
            passersby: Some(160),
            sales: Some(Sales { transactions: 10, amount_minor: 20_000, units: Some(25) }),
            associate_hours: Some(4.0),
            coverage: Some(0.98),
        }
    }

    #[track_caller]
    fn check(rate: Result<f64, Absent>, expected: Result<f64, Absent>) {
        match (rate, expected) {
            (Ok(rate), Ok(expected)) => assert!((rate - expected).abs() < 1e-9, "{rate}, not {expected}"),
            _ => assert_eq!(rate, expected),
        }
    }

    #[test]
    fn staff_and_who_was_here_a_moment_ago_are_no_visitors() {
        assert_eq!(rates(&hour(), 0.8).visitors, 40);
    }

    #[test]
    fn each_rate_is_what_the_trade_means_by_it() {
        let rates = rates(&hour(), 0.8);
        check(rates.capture_rate, Ok(0.2));
        check(rates.conversion, Ok(0.25));
        check(rates.sales_per_visitor, Ok(500.0));
        check(rates.average_transaction, Ok(2000.0));
        check(rates.units_per_transaction, Ok(2.5));
        check(rates.shoppers_per_associate_hour, Ok(10.0));
    }

    #[test]
    fn an_hour_seen_too_little_has_no_rate_that_counts_people_and_keeps_what_the_till_knows() {
        let rates = rates(&Sums { coverage: Some(0.79), ..hour() }, 0.8);
        for rate in
            [rates.capture_rate, rates.conversion, rates.sales_per_visitor, rates.shoppers_per_associate_hour]
        {
            check(rate, Err(Absent::Coverage));
        }
        check(rates.average_transaction, Ok(2000.0));
        check(rates.units_per_transaction, Ok(2.5));
    }

    #[test]
    fn nobody_in_is_no_conversion_of_zero() {
        let none = Sums { entries: 8, staff_entries: 8, reentries: 0, ..hour() };
        check(rates(&none, 0.8).conversion, Err(Absent::NoVisitors));
        check(rates(&none, 0.8).capture_rate, Ok(0.0));
    }

    #[test]
    fn visitors_without_a_purchase_are_a_conversion_of_zero_and_have_no_average() {
        let sales = Sales { units: Some(0), ..Sales::default() };
        let rates = rates(&Sums { sales: Some(sales), ..hour() }, 0.8);
        check(rates.conversion, Ok(0.0));
        check(rates.average_transaction, Err(Absent::NoSales));
    }

    #[test]
    fn what_nobody_tells_is_named() {
        let unknown = Sums { sales: None, passersby: None, associate_hours: None, ..hour() };
        let rates = rates(&unknown, 0.8);
        check(rates.conversion, Err(Absent::NoTill));
        check(rates.capture_rate, Err(Absent::NoPassersby));
        check(rates.shoppers_per_associate_hour, Err(Absent::NoStaffing));
    }

    proptest! {
        #[test]
        fn a_rate_is_a_finite_number_or_absent(
            counts in prop::array::uniform6(0_u64..1_000_000), amount in any::<i32>(), hours in 0.0_f64..1e4,
            coverage in prop::option::of(0.0_f64..=1.0),
        ) {
            let [entries, staff_entries, reentries, passersby, transactions, units] = counts;
            let sales = Sales { transactions, amount_minor: amount.into(), units: Some(units) };
            let sums = Sums {
                entries, staff_entries, reentries, passersby: Some(passersby), sales: Some(sales),
                associate_hours: Some(hours), coverage,
            };
            let rates = rates(&sums, 0.5);
            for rate in [rates.capture_rate, rates.conversion, rates.sales_per_visitor, rates.average_transaction,
                rates.units_per_transaction, rates.shoppers_per_associate_hour] {
                prop_assert!(rate.is_err() || rate.is_ok_and(f64::is_finite));
            }
            prop_assert!(rates.capture_rate.is_err() || rates.capture_rate.is_ok_and(|rate| rate <= 1.0));
        }
    }
}
