//! The queues of a store: by hour of the week, and by day.

use super::ReportError;
use super::days::{Range, shown, weekday};
use super::stores::Found;
use crate::hq::api::names::StoreName;
use crate::hq::store::Store;
use crate::hq::store::report::zones::{self, QueueHour};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The queues of a store.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queues {
    /// Which store.
    pub store: StoreName,
    /// First business day.
    pub from: String,
    /// Last one.
    pub to: String,
    /// Each queue.
    pub zones: Vec<Queue>,
}

/// A queue.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queue {
    /// Its name.
    pub zone: String,
    /// For people.
    pub title: String,
    /// People who joined.
    pub joined: i64,
    /// People whose service began.
    pub served: i64,
    /// People who left without being served.
    pub abandoned: i64,
    /// Mean of the waits that ended, one way or the other; null where none did.
    pub mean_wait_s: Option<f64>,
    /// The longest of them.
    pub longest_wait_s: Option<f64>,
    /// The usual week.
    pub hours: Vec<QueueWeekHour>,
    /// Each day.
    pub days: Vec<QueueDay>,
}

/// An hour of the usual week.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueWeekHour {
    /// 0 is Monday.
    pub weekday: usize,
    /// 0 to 23 on the store's clock.
    pub hour: u8,
    /// People who waited at a time, over the time that was seen; null where none was.
    pub mean_length: Option<f64>,
    /// Most at a time.
    pub max_length: Option<i64>,
    /// Mean wait.
    pub mean_wait_s: Option<f64>,
}

/// A day of a queue.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueDay {
    /// `YYYY-MM-DD`.
    pub day: String,
    /// People who joined.
    pub joined: i64,
    /// People who left without being served.
    pub abandoned: i64,
    /// Mean wait.
    pub mean_wait_s: Option<f64>,
    /// Longest wait.
    pub longest_wait_s: Option<f64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    joined: i64,
    served: i64,
    abandoned: i64,
    waits: i64,
    wait_ms: i64,
    longest_wait_ms: i64,
    length_ms: i64,
    longest: Option<i64>,
    seen_ms: i64,
}

impl Sum {
    fn add(&mut self, hour: &QueueHour) {
        self.joined += hour.joined;
        self.served += hour.served;
        self.abandoned += hour.abandoned;
        self.waits += hour.waits;
        self.wait_ms += hour.wait_ms;
        self.longest_wait_ms = self.longest_wait_ms.max(hour.longest_wait_ms);
        self.length_ms += hour.length_ms;
        self.longest = self.longest.max(hour.longest);
        self.seen_ms += hour.seen_ms;
    }

    fn mean_wait_s(&self) -> Option<f64> {
        (self.waits > 0).then(|| self.wait_ms as f64 / self.waits as f64 / 1000.0)
    }

    fn longest_wait_s(&self) -> Option<f64> {
        (self.waits > 0).then(|| self.longest_wait_ms as f64 / 1000.0)
    }
}

/// The queues of a store.
///
/// # Errors
/// [`ReportError`].
pub fn queues(store: &Store, of: Found, range: Range) -> Result<Queues, ReportError> {
    let read = store.read(|ask| {
        let mut read = Vec::new();
        for (zone_id, zone, title) in zones::queues(ask, of.row.store_id)? {
            read.push((zone, title, zones::queue_hours(ask, zone_id, range.pair())?));
        }
        Ok(read)
    })?;
    let [from, to] = [range.from, range.to].map(shown);
    let zones = read.into_iter().map(|(zone, title, hours)| queue(zone, title, &hours)).collect();
    Ok(Queues { store: of.row.into(), from, to, zones })
}

fn queue(zone: String, title: String, hours: &[QueueHour]) -> Queue {
    let mut all = Sum::default();
    let (mut by_hour, mut by_day) = (BTreeMap::<(usize, u8), Sum>::new(), BTreeMap::<i64, Sum>::new());
    for hour in hours {
        all.add(hour);
        by_hour.entry((weekday(hour.business_day), hour.local_hour)).or_default().add(hour);
        by_day.entry(hour.business_day).or_default().add(hour);
    }
    let week = by_hour.into_iter().map(|((weekday, hour), sum)| QueueWeekHour {
        weekday,
        hour,
        mean_length: (sum.seen_ms > 0).then(|| sum.length_ms as f64 / sum.seen_ms as f64),
        max_length: sum.longest,
        mean_wait_s: sum.mean_wait_s(),
    });
    let days = by_day.into_iter().map(|(day, sum)| QueueDay {
        day: shown(day),
        joined: sum.joined,
        abandoned: sum.abandoned,
        mean_wait_s: sum.mean_wait_s(),
        longest_wait_s: sum.longest_wait_s(),
    });
    Queue {
        zone,
        title,
        joined: all.joined,
        served: all.served,
        abandoned: all.abandoned,
        mean_wait_s: all.mean_wait_s(),
        longest_wait_s: all.longest_wait_s(),
        hours: week.collect(),
        days: days.collect(),
    }
}
