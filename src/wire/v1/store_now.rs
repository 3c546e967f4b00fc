//! The store today, as it is told live.

use serde::{Deserialize, Serialize, Serializer};

/// The business day so far, over all cameras of the box. In [`super::Now`], without a promise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoreNow {
    /// The business day, `2026-11-22`.
    pub business_day: String,
    /// People inside now: entries minus exits, corrected; absent where no door is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<u32>,
    /// Everybody who came in by a door.
    pub entries: u64,
    /// Those of them who are no staff and were not here a moment ago.
    pub visitors: u64,
    /// Purchases; absent where no till tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactions: Option<u64>,
    /// Sum of them, in the smallest unit of the currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
    /// The currency, ISO 4217.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// How many decimals the currency has.
    #[serde(default)]
    pub decimals: u8,
    /// Purchases per visitor, with up to four decimals; absent where that would say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "rate")]
    pub conversion: Option<f64>,
    /// Why it is absent: `no_visitors`, `coverage`, `no_till` or `not_every_door`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<String>,
    /// Entries of the till's feeds that were put aside today, to be looked at.
    pub aside: u64,
}

fn rate<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(|rate| super::rounded(rate, 10_000.0)).serialize(serializer)
}
