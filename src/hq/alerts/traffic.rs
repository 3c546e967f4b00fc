//! Traffic far from normal for its hour and weekday.
//!
//! The last complete hour is held against the same hour of the last 8 weeks, by their median and the median of the distances
//! from it (MAD): one holiday or one broken camera among them moves neither, as it would move a mean. The distance is measured in
//! robust standard deviations, 1.4826 x MAD, and above 3.5 of them it is far (B. Iglewicz and D. Hoaglin, "How to Detect and Handle
//! Outliers", 1993, which gives that limit for the modified z-score).
//!
//! What is not obvious: eight equal hours have a MAD of 0, and then every person would be an alert. Counts scatter by themselves,
//! by about the square root of what is usual (Poisson), so the deviation is never taken below that; and a difference of fewer than
//! 10 people is never far. Hours that were not seen whole are left out on both sides.

use super::{Rule, Subject, Verdict, Verdicts};
use crate::time::{MINUTE_MS, WallTime};
use serde_json::json;
use std::time::Duration;

/// Robust standard deviations from which on it is far.
pub const FAR: f64 = 3.5;
/// People below which no difference is far.
pub const LEAST_DIFFERENCE: f64 = 10.0;
/// From the MAD to the standard deviation of a normal distribution.
const MAD_TO_DEVIATION: f64 = 1.4826;
/// Weeks that are looked back.
const WEEKS: i64 = 8;
/// Fewer hours than this say nothing of what is usual.
const LEAST_HOURS: usize = 4;
/// An hour is judged when it has been over for so long, so that its last minutes have arrived.
const SETTLES: Duration = Duration::from_secs(10 * 60);
/// An hour that is older is no news.
const NEWS: Duration = Duration::from_secs(6 * 3600);

/// A complete, open hour of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourSeen {
    /// The minute in which it begins.
    pub start_minute: i64,
    /// Its business day, days since 1970-01-01.
    pub business_day: i64,
    /// 0 to 23 on the store's clock.
    pub local_hour: u8,
    /// Entries without staff and without people who came back.
    pub visitors: i64,
}

/// What is usual of an hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// The median, people.
    pub median: f64,
    /// The robust standard deviation, never below what chance alone makes, people.
    pub deviation: f64,
}

impl Usual {
    /// Whether so many people are far from it.
    #[must_use]
    pub fn is_far(&self, visitors: f64) -> bool {
        let difference = (visitors - self.median).abs();
        difference >= LEAST_DIFFERENCE && difference > FAR * self.deviation
    }

    /// The least and the most that are not far, people.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        let reach = (FAR * self.deviation).max(LEAST_DIFFERENCE);
        ((self.median - reach).max(0.0), self.median + reach)
    }
}

/// What is usual, from the same hour of earlier weeks; none from fewer than four.
#[must_use]
pub fn usual(visitors: &[i64]) -> Option<Usual> {
    if visitors.len() < LEAST_HOURS {
        return None;
    }
    let median_of = |values: Vec<f64>| median(values).unwrap_or(0.0);
    let median = median_of(visitors.iter().map(|v| *v as f64).collect());
    let mad = median_of(visitors.iter().map(|v| (*v as f64 - median).abs()).collect());
    let by_chance = median.max(0.0).sqrt().max(1.0);
    Some(Usual { median, deviation: (MAD_TO_DEVIATION * mad).max(by_chance) })
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    let lower = *values.get(middle.checked_sub(1).unwrap_or(middle))?;
    Some(if values.len() % 2 == 1 { upper } else { f64::midpoint(lower, upper) })
}

/// Judges the newest hour of a store; `hours` are complete hours of it, in any order.
#[must_use]
pub fn about_traffic(store_id: i64, hours: &[HourSeen], now: WallTime) -> Verdicts {
    let mut verdicts = Verdicts::new();
    let ends = |hour: &HourSeen| WallTime::from_unix_ms((hour.start_minute + 60) * MINUTE_MS);
    let is_news = |hour: &&HourSeen| ends(hour) + SETTLES <= now && now <= ends(hour) + NEWS;
    let Some(newest) = hours.iter().filter(is_news).max_by_key(|hour| hour.start_minute) else {
        return verdicts;
    };
    let is_like = |hour: &&HourSeen| {
        let days = newest.business_day - hour.business_day;
        days > 0 && days % 7 == 0 && days <= WEEKS * 7 && hour.local_hour == newest.local_hour
    };
    let before: Vec<i64> = hours.iter().filter(is_like).map(|hour| hour.visitors).collect();
    let Some(usual) = usual(&before) else { return verdicts };
    let (least, most) = usual.range();
    let subject = Subject { rule: Rule::Traffic, store_id, about: "store".to_owned() };
    let began = WallTime::from_unix_ms(newest.start_minute * MINUTE_MS);
    let verdict = if usual.is_far(newest.visitors as f64) {
        let kind = if (newest.visitors as f64) < usual.median { "low" } else { "high" };
        Verdict::wrong(
            began,
            json!({
                "kind": kind, "visitors": newest.visitors, "usual": usual.median.round(),
                "least": least.ceil(), "most": most.floor(), "hour": newest.local_hour,
            }),
        )
    } else {
        Verdict::Fine { since: ends(newest) }
    };
    verdicts.insert(subject, verdict);
    verdicts
}
