//! Stores beside each other, by day or by week of each store's own calendar.

use super::ReportError;
use super::days::{Range, shown, week_begins, weeks_of};
use super::figures::{Figures, Tally};
use super::stores::Found;
use crate::hq::api::names::StoreName;
use crate::hq::store::Store;
use crate::hq::store::report::sums;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Stores that are compared at once at most: more lines than that nobody tells apart.
pub const MOST_STORES: usize = 20;

/// How days are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Each is a point.
    Day,
    /// A week of the store's calendar is one.
    Week,
}

/// Stores beside each other.
#[derive(Debug, Serialize, ToSchema)]
pub struct Compare {
    /// First business day.
    pub from: String,
    /// Last one.
    pub to: String,
    /// In the order in which they were asked for.
    pub stores: Vec<ComparedStore>,
}

/// One of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComparedStore {
    /// Which.
    pub store: StoreName,
    /// All days together.
    pub total: Figures,
    /// Days or weeks that are known.
    pub points: Vec<Point>,
}

/// A day or a week.
#[derive(Debug, Serialize, ToSchema)]
pub struct Point {
    /// Its first day, `YYYY-MM-DD`.
    pub start: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Compares.
///
/// # Errors
/// [`ReportError`].
pub fn compare(store: &Store, stores: Vec<Found>, range: Range, by: Step) -> Result<Compare, ReportError> {
    let mut compared = Vec::with_capacity(stores.len());
    for of in stores {
        let days = store.read(|ask| sums::days(ask, of.row.store_id, range.pair()))?;
        let (least, weeks) = (of.facts.least_coverage, weeks_of(&of.facts));
        let (mut total, mut points) = (Tally::new(), BTreeMap::new());
        for (day, row) in &days {
            let start = match by {
                Step::Day => *day,
                Step::Week => week_begins(*day, weeks),
            };
            total.add(row, least);
            points.entry(start).or_insert_with(Tally::new).add(row, least);
        }
        let point = |(start, tally): (i64, Tally)| Point { start: shown(start), figures: tally.figures() };
        compared.push(ComparedStore {
            store: of.row.into(),
            total: total.figures(),
            points: points.into_iter().map(point).collect(),
        });
    }
    let [from, to] = [range.from, range.to].map(shown);
    Ok(Compare { from, to, stores: compared })
}
