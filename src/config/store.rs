//! `[site]`: the store as a whole, its clock and its till. Off where the table is not there.
//!
//! It is not called `[store]`, because `store` is the store's id.

use super::check::{Around, FilesBeside, file_that_can_be_made};
use super::document::{Entry, SpanRule, Table};
use super::fault::FaultKind;
use super::till;
use crate::calendar::{Calendar, Day, DayHours, Opening, Schedule, TimeOfDay, WeekCalendar, WeekHours, Zone};
use crate::site::till::{FeedSettings, TillWays};
use crate::site::{StaffSource, StoreSettings};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

const DEFAULT_LEDGER: &str = "ledger.sqlite";
/// Ten years of holidays.
const MAX_HOLIDAYS: usize = 400;
const MAX_OPENINGS: usize = 8;
/// ISO 4217 has currencies with up to 4 digits after the point.
const DECIMALS: std::ops::RangeInclusive<u32> = 0..=4;
const DEFAULT_LEAST_COVERAGE: f64 = 0.9;
const MAX_STAY: SpanRule = SpanRule::of_ms(6 * 3_600_000, 600_000, 86_400_000);
const PATIENCE: SpanRule = SpanRule::of_ms(120_000, 10_000, 3_600_000);
const KEEP: SpanRule = SpanRule::of_ms(40 * 86_400_000, 86_400_000, 400 * 86_400_000);
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The store as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteSettings {
    /// How it is. Its doors are empty here: they are the lines of the cameras.
    pub store: StoreSettings,
    /// How feeds of its till are read.
    pub feed: FeedSettings,
    /// How its till reaches the box; none: it does not.
    pub till: Option<TillWays>,
    /// Where it is remembered.
    pub ledger: PathBuf,
}

pub(super) fn site(table: &mut Table<'_>, around: Around<'_>) -> Option<SiteSettings> {
    let calendar = calendar(table);
    let weeks = [WeekCalendar::Iso, WeekCalendar::FourFiveFour].map(|weeks| (weeks.name(), weeks));
    let weeks = table.get("weeks").and_then(|e| e.choice(&weeks)).unwrap_or_default();
    let currency = table.need("currency", "currency = \"EUR\"").and_then(|e| e.parsed(currency));
    let decimals = table.get("decimals").and_then(|e| e.whole(DECIMALS));
    let decimals = decimals.unwrap_or_else(|| usual_decimals(currency.as_deref().unwrap_or_default()).into());
    let sees_every_door = table.get("sees_every_door").and_then(|e| e.flag()).unwrap_or(false);
    let is_share = |share: f64| (0.0..=1.0).contains(&share);
    let least = table.get("least_coverage").and_then(|e| e.number_that(is_share, "0 to 1"));
    let sources = [("none", StaffSource::None), ("feed", StaffSource::Feed), ("count", StaffSource::Count)];
    let staff = table.get("staff_hours").and_then(|e| e.choice(&sources)).unwrap_or_default();
    let max_stay = table.span("max_stay", MAX_STAY);
    let patience = table.span("patience", PATIENCE);
    let keep = table.span("keep", KEEP);
    let ledger = ledger(table, around.files);
    let till = table.get("till").map(|e| e.table(|till| till::till(till, around)));
    let (calendar, currency) = (calendar?, currency?);
    let (till, till_quiet) = match till {
        None => (None, Duration::ZERO),
        Some(read) => read.map(|(ways, quiet)| (Some(ways), quiet))?,
    };
    let decimals = u8::try_from(decimals).unwrap_or(u8::MAX);
    let feed =
        FeedSettings { zone: calendar.zone().clone(), currency: currency.clone(), decimals, oldest: keep };
    let store = StoreSettings {
        calendar,
        weeks,
        currency,
        decimals,
        doors: Vec::new(),
        sees_every_door,
        least_coverage: least.unwrap_or(DEFAULT_LEAST_COVERAGE),
        max_stay,
        patience,
        has_till: till.is_some(),
        till_quiet,
        staff,
        keep,
    };
    Some(SiteSettings { store, feed, till, ledger: ledger? })
}

/// Digits after the point of a currency's sums, as ISO 4217 has it.
pub(crate) fn usual_decimals(currency: &str) -> u8 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

fn calendar(table: &mut Table<'_>) -> Option<Calendar> {
    let example = "time_zone = \"Europe/Vienna\"";
    let zone = table.need("time_zone", example).and_then(|e| e.parsed(Zone::parse));
    let starts = match table.get("business_day_starts") {
        Some(e) => e.parsed(full_hour),
        None => Some(0),
    };
    let week = match table.get("hours") {
        Some(e) => e.table(week_hours),
        None => Some(WeekHours::always()),
    };
    let holidays = match table.get("holiday") {
        Some(e) => e.tables(MAX_HOLIDAYS, holiday),
        None => Some(Vec::new()),
    };
    let other_days: BTreeMap<Day, DayHours> = holidays?.into_iter().collect();
    Some(Calendar::new(Schedule::new(zone?, week?, other_days), starts?))
}

pub(crate) fn full_hour(text: &str) -> Result<u8, FaultKind> {
    let time = TimeOfDay::parse(text).map(TimeOfDay::minutes);
    let hour = time.filter(|minutes| minutes % 60 == 0 && *minutes < 24 * 60);
    let hour = hour.and_then(|minutes| u8::try_from(minutes / 60).ok());
    hour.ok_or_else(|| FaultKind::OutOfRange {
        got: format!("{:?}", text.chars().take(20).collect::<String>()),
        range: "a full hour from \"00:00\" to \"23:00\"".to_owned(),
    })
}

/// A day that is not there is closed.
pub(crate) fn week_hours(table: &mut Table<'_>) -> Option<WeekHours> {
    let days = WEEKDAYS.map(|day| match table.get(day) {
        Some(e) => day_hours(&e),
        None => Some(DayHours::closed()),
    });
    let mut week = WeekHours::default();
    for (day, hours) in week.0.iter_mut().zip(days) {
        *day = hours?;
    }
    Some(week)
}

pub(crate) fn day_hours(entry: &Entry<'_>) -> Option<DayHours> {
    let openings = entry.list(MAX_OPENINGS, "a list of hours such as [\"09:00-18:30\"]")?;
    let openings: Option<Vec<Opening>> = openings.iter().map(|e| e.parsed(Opening::parse)).collect();
    DayHours::new(openings?).map_err(|fault| entry.fault(fault)).ok()
}

pub(crate) fn holiday(table: &mut Table<'_>) -> Option<(Day, DayHours)> {
    let day = table.need("date", "date = \"2026-12-25\"").and_then(|e| e.parsed(Day::parse));
    let hours = match table.get("hours") {
        Some(e) => day_hours(&e),
        None => Some(DayHours::closed()),
    };
    Some((day?, hours?))
}

pub(crate) fn currency(text: &str) -> Result<String, FaultKind> {
    if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(text.to_owned());
    }
    let got = format!("{:?}", text.chars().take(20).collect::<String>());
    Err(FaultKind::OutOfRange { got, range: "three capitals such as \"EUR\" (ISO 4217)".to_owned() })
}

fn ledger(table: &mut Table<'_>, files: &dyn FilesBeside) -> Option<PathBuf> {
    let Some(entry) = table.get("ledger") else { return Some(files.resolve(Path::new(DEFAULT_LEDGER))) };
    file_that_can_be_made(&entry, files)
}
