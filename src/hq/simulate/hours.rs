//! What happens in a simulated store in an hour.

use super::chain::{PlannedStore, Season};
use super::dice::{Dice, Drift};
use crate::hq::store::clock::Hour;

/// How an hour compares with the mean one, 0 to 23 on the clock.
const HOURS: [f64; 24] = [
    0.4, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.4, 0.5, 0.6, 0.9, 1.1, 1.0, 0.95, 1.1, 1.3, 1.5, 1.3, 0.8, 0.7,
    0.6, 0.5, 0.4,
];
/// Hours of a usual day.
const OPEN_HOURS: f64 = 10.0;
/// What is sold: category, chance in a basket, price in minor units.
pub(in crate::hq) const GOODS: [(&str, f64, f64); 4] =
    [("shoes", 0.25, 6_500.0), ("shirts", 0.35, 2_900.0), ("bags", 0.15, 4_900.0), ("socks", 0.25, 900.0)];
/// Zones, the share of visitors that stop there, and how long they stay, s. The first is where the displays stand.
pub(in crate::hq) const ZONES: [(&str, &str, f64, f64); 3] = [
    ("table", "Table by the door", 0.16, 14.0),
    ("shelf", "Shelf", 0.30, 22.0),
    ("window", "Window side", 0.12, 9.0),
];
const HOUR_MS: f64 = 3_600_000.0;

/// A purchase.
#[derive(Debug, Clone)]
pub(in crate::hq) struct Basket {
    /// ms after the hour's beginning.
    pub(in crate::hq) after_ms: i64,
    pub(in crate::hq) is_refund: bool,
    /// Good, quantity, amount.
    pub(in crate::hq) lines: Vec<(usize, i64, i64)>,
}

/// An hour of a zone: visits, engaged, person ms.
pub(in crate::hq) type ZoneSums = [i64; 3];

/// What an hour came to.
#[derive(Debug, Clone)]
pub(in crate::hq) struct SimulatedHour {
    pub(in crate::hq) entries: i64,
    pub(in crate::hq) staff: i64,
    pub(in crate::hq) reentries: i64,
    pub(in crate::hq) passersby: i64,
    /// Share of the hour that the cameras saw.
    pub(in crate::hq) seen: f64,
    pub(in crate::hq) zones: [ZoneSums; ZONES.len()],
    /// Joined, served, abandoned, sum of waits ms, longest ms, sum of lengths people x ms, longest.
    pub(in crate::hq) queue: [i64; 7],
    pub(in crate::hq) baskets: Vec<Basket>,
}

/// Walks through a store's hours in their order.
#[derive(Debug)]
pub(in crate::hq) struct Walker<'a> {
    of: &'a PlannedStore,
    season: &'a Season,
    dice: Dice,
    traffic: Drift,
    mood: Drift,
    /// Of the business day that is being walked: its number, and what is special about it.
    today: (i64, f64, f64),
}

impl<'a> Walker<'a> {
    pub(in crate::hq) fn new(of: &'a PlannedStore, season: &'a Season) -> Self {
        let mut dice = Dice::new(of.seed);
        let (traffic, mood) = (Drift::new(0.4, 0.10, &mut dice), Drift::new(0.4, 0.07, &mut dice));
        Self { of, season, dice, traffic, mood, today: (i64::MIN, 1.0, 1.0) }
    }

    /// What happens in an open hour; `open` is the share of it in which the store is open.
    pub(in crate::hq) fn hour(&mut self, hour: Hour, open: f64) -> SimulatedHour {
        let day = hour.business_day;
        if self.today.0 != day {
            let traffic =
                self.season.traffic(self.of.region.0, day) * self.traffic.next(&mut self.dice).exp();
            self.today = (day, traffic, self.mood.next(&mut self.dice).exp());
        }
        let (_, traffic, mood) = self.today;
        let shape = HOURS[usize::from(hour.local_hour) % 24];
        let came = self.dice.count(self.of.size * traffic * shape / OPEN_HOURS * open);
        let seen = if self.of.dark_days.contains(&day) { 0.35 } else { self.dice.between(0.985, 1.0) };
        // What a camera does not see it does not count; the till does.
        let visitors = self.dice.of(came, seen);
        let staff = i64::from(self.dice.count(0.3 * open));
        let reentries = i64::from(self.dice.of(visitors, 0.03));
        let passersby = self.dice.count(f64::from(visitors) * 2.6 + 3.0 * open);
        let zones = self.zones(visitors, day, mood);
        let bought = self.dice.of(came, 0.24 * mood.sqrt());
        let baskets = self.baskets(bought);
        SimulatedHour {
            entries: i64::from(visitors) + staff + reentries,
            staff,
            reentries,
            passersby: passersby.into(),
            seen,
            zones,
            queue: self.queue(bought, open),
            baskets,
        }
    }

    fn zones(&mut self, visitors: u32, day: i64, mood: f64) -> [ZoneSums; ZONES.len()] {
        let stands_new = self.of.is_test && day >= self.season.changed;
        let mut first = true;
        ZONES.map(|(_, _, share, dwell_s)| {
            let lift = if first && stands_new { self.season.stops } else { 1.0 };
            first = false;
            let visits = self.dice.of(visitors, (share * mood * lift).min(1.0));
            let engaged = self.dice.of(visits, 0.35);
            let each = (0..visits).map(|_| -dwell_s * (1.0 - self.dice.share()).ln() + 3.0).sum::<f64>();
            [visits.into(), engaged.into(), (each * 1000.0) as i64]
        })
    }

    fn queue(&mut self, bought: u32, open: f64) -> [i64; 7] {
        let abandoned = self.dice.of(bought, 0.03);
        let joined = bought + abandoned;
        if joined == 0 {
            return [0; 7];
        }
        let busy = f64::from(joined) / (12.0 * open.max(0.1));
        let mean_ms = 35_000.0 * (1.0 + busy * busy) * self.dice.between(0.8, 1.25);
        let wait_ms = mean_ms * f64::from(joined);
        let longest_ms = mean_ms * self.dice.between(2.0, 3.5);
        let length = wait_ms / HOUR_MS;
        let longest = 1.0 + (length * 4.0).min(12.0);
        [
            joined.into(),
            bought.into(),
            abandoned.into(),
            wait_ms as i64,
            longest_ms as i64,
            wait_ms as i64,
            longest as i64,
        ]
    }

    fn baskets(&mut self, bought: u32) -> Vec<Basket> {
        let mut baskets: Vec<Basket> = (0..bought).map(|_| self.basket()).collect();
        baskets.sort_by_key(|basket| basket.after_ms);
        baskets
    }

    fn basket(&mut self) -> Basket {
        let is_refund = self.dice.share() < 0.02;
        let count = if is_refund { 1 } else { 1 + self.dice.count(0.6).min(5) };
        let lines = (0..count).map(|_| {
            let mut left = self.dice.share();
            let good = GOODS.iter().position(|(_, chance, _)| {
                left -= chance;
                left < 0.0
            });
            let good = good.unwrap_or(0);
            let quantity = if GOODS[good].0 == "socks" { 1 + i64::from(self.dice.count(0.8)) } else { 1 };
            let price = GOODS[good].2 * self.dice.between(0.7, 1.4);
            (good, quantity, quantity * (price as i64 / 10 * 10))
        });
        let lines = lines.collect();
        Basket { after_ms: (self.dice.share() * HOUR_MS) as i64, is_refund, lines }
    }
}
