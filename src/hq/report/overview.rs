//! The chain at a glance: a day against the same weekday of last week and the same day of last year.
//!
//! While a store's day is open, all three are compared up to the hour that its clock shows: hours that are over, by their name on the
//! clock, so that a day with 23 hours is compared rightly too.

use super::ReportError;
use super::days::{Clocks, StoreNow, a_year_before, parse_day, shown, weeks_of};
use super::figures::{Figures, Sums, Tally};
use crate::hq::access::{Scope, StoreRow};
use crate::hq::api::names::StoreName;
use crate::hq::store::Store;
use crate::hq::store::access as names;
use crate::hq::store::report::sums::{self, Facts};
use crate::hq::store::report::{Ask, Asked};
use crate::time::WallTime;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Days of the line that is drawn.
const DAYS: i64 = 28;

/// The chain at a glance.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overview {
    /// The business day, `YYYY-MM-DD`.
    pub day: String,
    /// Whether any store's day is still open.
    pub open: bool,
    /// All stores together.
    pub totals: Comparison,
    /// Each store, most visitors first.
    pub stores: Vec<RankedStore>,
    /// The last 28 days of all stores together.
    pub days: Vec<ChainDay>,
}

/// A day and what it is compared with.
#[derive(Debug, Serialize, ToSchema)]
pub struct Comparison {
    /// The day.
    pub now: Figures,
    /// The same weekday of last week; null where nothing is known of it.
    pub last_week: Option<Figures>,
    /// The same weekday of the same week of last year, by the store's calendar.
    pub last_year: Option<Figures>,
}

/// A store in the ranking.
#[derive(Debug, Serialize, ToSchema)]
pub struct RankedStore {
    /// Which.
    #[serde(flatten)]
    pub store: StoreName,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Comparison,
    /// From 1, by visitors.
    pub rank: u32,
}

/// A day of all stores together; null where no store's day is complete.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChainDay {
    /// `YYYY-MM-DD`.
    pub day: String,
    /// Visitors, counted.
    pub visitors: Option<i64>,
    /// Transactions per visitor.
    pub conversion: Option<f64>,
    /// In the currency's smallest unit; null where stores have several currencies.
    pub sales_minor: Option<i64>,
}

/// A store's figures of the day, of last week's and of last year's.
struct OfStore {
    row: StoreRow,
    facts: Facts,
    is_open: bool,
    compared: [Option<Rows>; 3],
    days: Vec<(i64, Sums)>,
}

/// The rows of one of the days: one, or an hour each while the day is open.
type Rows = Vec<Sums>;

/// Makes it; `day` none: the newest business day that any store has.
///
/// # Errors
/// [`ReportError`].
pub fn overview(
    store: &Store,
    scope: &Scope,
    day: Option<&str>,
    now: WallTime,
) -> Result<Overview, ReportError> {
    let day = day.map(parse_day).transpose()?;
    Ok(store.read(|ask| {
        let mut clocks = Clocks::at(now);
        let mut stores = Vec::new();
        for row in names::stores(ask, scope)? {
            let facts = sums::facts(ask, row.store_id)?;
            stores.push((clocks.of(&facts), row, facts));
        }
        let day = match day {
            Some(day) => day,
            None => newest(ask, &stores)?,
        };
        let read = stores.into_iter().map(|(now, row, facts)| of_store(ask, row, facts, (day, now)));
        Ok(together(day, read.collect::<Asked<_>>()?))
    })?)
}

/// The newest day of any store; today where there is none.
fn newest(ask: &Ask, stores: &[(StoreNow, StoreRow, Facts)]) -> Asked<i64> {
    let mut newest = None;
    for (now, row, _) in stores {
        newest = newest.max(sums::newest_day(ask, row.store_id, now.today)?);
    }
    let today = stores.iter().map(|(now, ..)| now.today).max();
    Ok(newest.or(today).unwrap_or(0))
}

fn of_store(ask: &Ask, row: StoreRow, facts: Facts, (day, now): (i64, StoreNow)) -> Asked<OfStore> {
    let is_open = day == now.today;
    let (week, year) = (day - 7, a_year_before(day, weeks_of(&facts)));
    let days = sums::days(ask, row.store_id, (day - DAYS + 1, day))?;
    let compared = if is_open {
        let over = |day: i64| -> Asked<Option<Rows>> {
            let hours = sums::hours(ask, row.store_id, (day, day))?;
            let known = !hours.is_empty();
            let over = hours.into_iter().filter(|hour| now.is_over(hour.local_hour));
            Ok(known.then(|| over.map(|hour| hour.sums).collect()))
        };
        [over(day)?, over(week)?, over(year)?]
    } else {
        let of = |wanted: i64| days.iter().find(|(day, _)| *day == wanted).map(|(_, sums)| vec![*sums]);
        let year = sums::days(ask, row.store_id, (year, year))?.first().map(|(_, sums)| vec![*sums]);
        [of(day), of(week), year]
    };
    Ok(OfStore { row, facts, is_open, compared, days })
}

fn together(day: i64, stores: Vec<OfStore>) -> Overview {
    let mixed = stores.windows(2).any(|two| two[0].row.currency != two[1].row.currency);
    let tally = || {
        let mut tally = Tally::new();
        if mixed {
            tally.mix_currencies();
        }
        tally
    };
    let mut totals = [tally(), tally(), tally()];
    let mut by_day: BTreeMap<i64, Tally> = BTreeMap::new();
    for store in &stores {
        let least = store.facts.least_coverage;
        // A store that is not known on one of the days takes no part in that comparison's sum, and its own shows why.
        for (total, rows) in totals.iter_mut().zip(&store.compared) {
            rows.iter().flatten().for_each(|row| total.add(row, least));
        }
        for (day, row) in store.days.iter().filter(|(_, row)| row.complete || store.is_open) {
            by_day.entry(*day).or_insert_with(tally).add(row, least);
        }
    }
    let [now, week, year] = totals;
    let some = |tally: &Tally| (!tally.is_empty()).then(|| tally.figures());
    let chain_day = |day: i64| {
        let figures = by_day.get(&day).map(Tally::figures);
        ChainDay {
            day: shown(day),
            visitors: figures.as_ref().map(|figures| figures.visitors),
            conversion: figures.as_ref().and_then(|figures| figures.conversion),
            sales_minor: figures.as_ref().and_then(|figures| figures.sales_minor),
        }
    };
    Overview {
        day: shown(day),
        open: stores.iter().any(|store| store.is_open),
        totals: Comparison { now: now.figures(), last_week: some(&week), last_year: some(&year) },
        days: (day - DAYS + 1..=day).map(chain_day).collect(),
        stores: ranked(stores),
    }
}

fn ranked(stores: Vec<OfStore>) -> Vec<RankedStore> {
    let compared = stores.into_iter().map(|store| {
        let least = store.facts.least_coverage;
        let of = |rows: &Option<Rows>| {
            rows.as_ref().map(|rows| {
                let mut tally = Tally::new();
                rows.iter().for_each(|row| tally.add(row, least));
                tally.figures()
            })
        };
        let [now, week, year] = &store.compared;
        let now = of(now).unwrap_or_else(|| Tally::new().figures());
        let figures = Comparison { now, last_week: of(week), last_year: of(year) };
        RankedStore { store: store.row.into(), figures, rank: 0 }
    });
    let mut stores: Vec<RankedStore> = compared.collect();
    stores.sort_by_key(|store| std::cmp::Reverse(store.figures.now.visitors));
    for (rank, store) in (1..).zip(&mut stores) {
        store.rank = rank;
    }
    stores
}
