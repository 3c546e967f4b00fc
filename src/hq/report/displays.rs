//! Displays, and whether one stops more people than another, or than before.
//!
//! Four measures, each a sum over a sum of store-days:
//!
//! | measure | formula |
//! |---|---|
//! | stop rate | visits to the zone without staff's / visitors of the store |
//! | dwell | time of visitors in the zone / their visits |
//! | engaged share | visits that lasted / visits |
//! | sales per visitor | money for the display's category and items / visitors of the store |
//!
//! A store-day takes part where its doors, for what is divided by visitors, and the zone were seen enough, and, for sales, where the till is
//! known. Days with other opening hours than usual (holidays) take no part at all: they are never alike on both sides. What is left
//! out is counted and told.

use super::ReportError;
use super::days::{Clocks, MOST_DAYS, Range, holidays, shown};
use crate::hq::access::{Scope, StoreRow};
use crate::hq::stats::{self, Change, Difference, LEAST_DAYS, LEAST_STORES, StoreDay, Unknown};
use crate::hq::store::Store;
use crate::hq::store::access as names;
use crate::hq::store::report::displays::{self as rows, DisplayRow, ZoneDay};
use crate::hq::store::report::sums::{self, Facts};
use crate::hq::store::report::{Ask, Asked};
use crate::time::WallTime;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Displays that a side of a comparison has at most.
pub const MOST_DISPLAYS: usize = 200;

/// Displays of the stores that may be read.
#[derive(Debug, Serialize, ToSchema)]
pub struct Displays {
    /// Also former ones.
    pub displays: Vec<Display>,
}

/// What stands in a zone, and when.
#[derive(Debug, Serialize, ToSchema)]
pub struct Display {
    /// Its number.
    pub id: i64,
    /// The chain.
    pub tenant: String,
    /// The store.
    pub store: String,
    /// Its name.
    pub name: String,
    /// For people.
    pub title: String,
    /// Where it stands.
    pub zone: String,
    /// Product category whose sales belong to it.
    pub category: Option<String>,
    /// Items whose sales belong to it.
    pub items: Vec<String>,
    /// Its first business day.
    pub from: String,
    /// Its last one; null while it stands.
    pub to: Option<String>,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A zone so many days before its display came, and as many after.
    BeforeAfter {
        /// The display.
        display: i64,
        /// Days on each side.
        days: i64,
    },
    /// Two displays on the same days.
    Against {
        /// The one.
        display: i64,
        /// The other; what is told is how much more the one has.
        other: i64,
        /// Which days; none: the 28 newest.
        range: (Option<String>, Option<String>),
    },
    /// Displays that were changed on a day, and displays that were not.
    TestControl {
        /// Changed.
        displays: Vec<i64>,
        /// Not changed.
        controls: Vec<i64>,
        /// First day after the change, days since 1970-01-01.
        changed: i64,
        /// Days on each side.
        days: i64,
    },
}

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisplayComparison {
    /// `before_after`, `against` or `test_control`.
    pub kind: &'static str,
    /// Stores that took part.
    pub stores: usize,
    /// Weeks of each side, rounded.
    pub weeks: i64,
    /// Store-days that took part.
    pub store_days: usize,
    /// Store-days that were left out.
    pub left_out_days: usize,
    /// What was measured.
    pub measures: Vec<Measure>,
    /// One plain sentence, for the catalogue.
    pub sentence: Said,
    /// What to bear in mind.
    pub warnings: Vec<Said>,
}

/// A measure of a display.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Measure {
    /// `stop_rate`, `dwell_s`, `engaged_share` or `sales_per_visitor_minor`.
    pub measure: &'static str,
    /// Before; of the other display where two are compared; of the test stores where there are controls.
    pub before: Option<f64>,
    /// After; of the one display.
    pub after: Option<f64>,
    /// How much more, as a share; null where the data cannot say.
    pub difference: Option<Interval>,
    /// Whether the interval leaves zero out.
    pub clear: bool,
}

/// A relative difference with its 95 % interval: 0.12 is 12 % more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Interval {
    /// The estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A key of the pages' catalogue, and the values that belong into it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Said {
    /// Which sentence.
    pub key: &'static str,
    /// Its values.
    pub values: BTreeMap<&'static str, f64>,
}

/// What is measured: numerator and denominator of a store-day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    StopRate,
    Dwell,
    EngagedShare,
    Sales,
}

const KINDS: [(Kind, &str); 4] = [
    (Kind::StopRate, "stop_rate"),
    (Kind::Dwell, "dwell_s"),
    (Kind::EngagedShare, "engaged_share"),
    (Kind::Sales, "sales_per_visitor_minor"),
];

/// What is known of a display's day.
#[derive(Debug, Clone, Copy)]
struct Seen {
    day: i64,
    zone: Option<ZoneDay>,
    zone_is_seen: bool,
    /// None where the doors were not seen enough.
    visitors: Option<i64>,
    /// None where the till is not known, or nothing of what the display shows is named.
    sold_minor: Option<i64>,
}

impl Seen {
    fn of(&self, kind: Kind) -> Option<StoreDay> {
        let zone = self.zone.filter(|_| self.zone_is_seen);
        let (numerator, denominator) = match kind {
            Kind::StopRate => (zone?.visits, self.visitors?),
            Kind::Dwell => (zone?.person_ms / 1000, zone?.visits),
            Kind::EngagedShare => (zone?.engaged, zone?.visits),
            Kind::Sales => (self.sold_minor?, self.visitors?),
        };
        Some(StoreDay { day: self.day, numerator: numerator as f64, denominator: denominator as f64 })
    }
}

/// A display's days of one side of a comparison.
#[derive(Debug, Default)]
struct Side {
    seen: Vec<Seen>,
    asked: usize,
    holidays: usize,
}

impl Side {
    fn days(&self, kind: Kind) -> Vec<StoreDay> {
        self.seen.iter().filter_map(|seen| seen.of(kind)).collect()
    }

    fn complete(&self) -> usize {
        self.seen.iter().filter(|seen| seen.of(Kind::StopRate).is_some()).count()
    }
}

/// A display's days before and after, or of one side alone.
struct OfDisplay {
    store_id: i64,
    sides: [Side; 2],
}

/// What the sides of a comparison are.
struct Sides {
    tests: Vec<OfDisplay>,
    controls: Vec<OfDisplay>,
}

/// What the answer on the stop rate rests on.
#[derive(Default)]
struct TookPart {
    stores: BTreeSet<i64>,
    /// Business days before and after, or of the one display and of the other.
    days: [BTreeSet<i64>; 2],
    /// Stores of the side that has fewer; 1 where there are no controls.
    fewest_stores: usize,
}

impl TookPart {
    fn of(sides: &Sides) -> Self {
        let [tests, controls] =
            [&sides.tests, &sides.controls].map(|displays| by_store(displays, Kind::StopRate));
        let fewest_stores = if sides.controls.is_empty() { 1 } else { tests.len().min(controls.len()) };
        let mut took_part = Self { fewest_stores, ..Self::default() };
        for (store_id, change) in tests.iter().chain(&controls) {
            took_part.stores.insert(*store_id);
            for (to, days) in took_part.days.iter_mut().zip([&change.before, &change.after]) {
                to.extend(days.iter().map(|day| day.day));
            }
        }
        took_part
    }

    /// Of two displays: the days that both have.
    fn of_pair([one, other]: [&OfDisplay; 2]) -> Self {
        let [days, others] = [one, other]
            .map(|of| of.sides[0].days(Kind::StopRate).iter().map(|day| day.day).collect::<BTreeSet<i64>>());
        let days = &days & &others;
        let is_enough = days.len() >= LEAST_DAYS;
        let stores = [one, other].map(|of| of.store_id).into_iter().filter(|_| is_enough).collect();
        Self { stores, days: [days.clone(), days], fewest_stores: 1 }
    }

    /// Whole weeks of the side that has fewer days; at least 1.
    fn weeks(&self) -> i64 {
        let [before, after] = self.days.each_ref().map(BTreeSet::len);
        i64::try_from(before.min(after) / 7).unwrap_or(i64::MAX).max(1)
    }
}

/// The displays of a chain, or of all that may be read.
///
/// # Errors
/// [`ReportError`].
pub fn displays(store: &Store, scope: &Scope, tenant: Option<&str>) -> Result<Displays, ReportError> {
    Ok(store.read(|ask| {
        let mut displays = Vec::new();
        for of in names::stores(ask, scope)?.iter().filter(|of| tenant.is_none_or(|name| of.tenant == name)) {
            displays.extend(rows::of_store(ask, of.store_id)?.into_iter().map(|row| display(of, row)));
        }
        Ok(Displays { displays })
    })?)
}

fn display(of: &StoreRow, row: DisplayRow) -> Display {
    Display {
        id: row.display_id,
        tenant: of.tenant.clone(),
        store: of.name.clone(),
        name: row.name,
        title: row.title,
        zone: row.zone,
        category: row.category,
        // The register wrote the list.
        items: serde_json::from_str(&row.items).unwrap_or_default(),
        from: shown(row.from_day),
        to: row.to_day.map(shown),
    }
}

/// Compares displays of stores that may be read.
///
/// # Errors
/// [`ReportError`]; a display in another store is not there.
pub fn compare(
    store: &Store,
    scope: &Scope,
    question: &Question,
    now: WallTime,
) -> Result<DisplayComparison, ReportError> {
    check(question)?;
    let readable = store.read(|ask| names::stores(ask, scope))?;
    let find = |id: i64| -> Result<(DisplayRow, Facts), ReportError> {
        let found = store.read(|ask| match rows::one(ask, id)? {
            Some(row) => Ok(Some((sums::facts(ask, row.store_id)?, row))),
            None => Ok(None),
        })?;
        let (facts, row) = found.ok_or(ReportError::NotThere)?;
        let may = readable.iter().any(|of| of.store_id == row.store_id);
        if may { Ok((row, facts)) } else { Err(ReportError::NotThere) }
    };
    let today = |facts: &Facts| Clocks::at(now).of(facts).today;
    match question {
        Question::BeforeAfter { display, days } => {
            let of = find(*display)?;
            let spans = around(of.0.from_day, *days, (of.0.to_day, today(&of.1)));
            before_after(store, &of, spans)
        }
        Question::Against { display, other, range } => {
            let (one, other) = (find(*display)?, find(*other)?);
            let newest = today(&one.1).min(today(&other.1)) - 1;
            let range = Range::parse(range.0.as_deref(), range.1.as_deref(), newest)?;
            against(store, &one, &other, range)
        }
        Question::TestControl { displays, controls, changed, days } => {
            let all = |ids: &[i64]| ids.iter().map(|id| find(*id)).collect::<Result<Vec<_>, _>>();
            let (tests, controls) = (all(displays)?, all(controls)?);
            let today = tests.iter().chain(&controls).map(|of| today(&of.1)).min().unwrap_or(*changed);
            let spans = around(*changed, *days, (None, today));
            test_control(store, (&tests, &controls), spans)
        }
    }
}

fn check(question: &Question) -> Result<(), ReportError> {
    let days = match question {
        Question::BeforeAfter { days, .. } | Question::TestControl { days, .. } => *days,
        Question::Against { .. } => 7,
    };
    if !(7..=MOST_DAYS / 2).contains(&days) {
        return Err(ReportError::value(
            "days",
            format!("give 7 to {} days; whole weeks are best", MOST_DAYS / 2),
        ));
    }
    match question {
        Question::Against { display, other, .. } if display == other => {
            Err(ReportError::value("other", "is the same display; give another one"))
        }
        Question::TestControl { displays, controls, .. } => {
            for (name, ids) in [("displays", displays), ("controls", controls)] {
                if ids.is_empty() || ids.len() > MOST_DISPLAYS {
                    return Err(ReportError::value(name, format!("give 1 to {MOST_DISPLAYS} displays")));
                }
            }
            let unlike: BTreeSet<&i64> = displays.iter().chain(controls).collect();
            if unlike.len() < displays.len() + controls.len() {
                return Err(ReportError::value("controls", "a display is named twice; give each once"));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Days before a change and from it on; days that are not over yet, and those after the display's end, are none.
fn around(changed: i64, days: i64, (last, today): (Option<i64>, i64)) -> [Range; 2] {
    let end = (changed + days - 1).min(last.unwrap_or(i64::MAX)).min(today - 1);
    [Range { from: changed - days, to: changed - 1 }, Range { from: changed, to: end }]
}

type Of = (DisplayRow, Facts);

fn before_after(store: &Store, of: &Of, spans: [Range; 2]) -> Result<DisplayComparison, ReportError> {
    let sides = Sides { tests: vec![sides_of(store, of, spans)?], controls: Vec::new() };
    let seed = seed_of(&[of.0.display_id]);
    let measures = KINDS.map(|(kind, name)| {
        let change = change(&sides.tests[0].sides, kind);
        measure(name, (&change.before, &change.after), stats::before_after(&change, seed))
    });
    let other = store.read(|ask| changes(ask, std::slice::from_ref(of), spans))?;
    Ok(told("before_after", measures, &sides, (&TookPart::of(&sides), other)))
}

fn against(store: &Store, one: &Of, other: &Of, range: Range) -> Result<DisplayComparison, ReportError> {
    let standing = |of: &Of| Range {
        from: range.from.max(of.0.from_day),
        to: range.to.min(of.0.to_day.unwrap_or(i64::MAX)),
    };
    let (a, b) = (standing(one), standing(other));
    let both = Range { from: a.from.max(b.from), to: a.to.min(b.to) };
    let none = Range { from: both.from, to: both.from - 1 };
    let sides = Sides {
        tests: vec![sides_of(store, one, [both, none])?, sides_of(store, other, [both, none])?],
        controls: Vec::new(),
    };
    let seed = seed_of(&[one.0.display_id, other.0.display_id]);
    let measures = KINDS.map(|(kind, name)| {
        let [one, other] = [0, 1].map(|at: usize| sides.tests[at].sides[0].days(kind));
        let difference = stats::against(&one, &other, seed);
        measure(name, (&other, &one), difference)
    });
    let pair = [one.clone(), other.clone()];
    let changes = store.read(|ask| changes(ask, &pair, [both, none]))?;
    let took_part = TookPart::of_pair([&sides.tests[0], &sides.tests[1]]);
    Ok(told("against", measures, &sides, (&took_part, changes)))
}

fn test_control(
    store: &Store,
    (tests, controls): (&[Of], &[Of]),
    spans: [Range; 2],
) -> Result<DisplayComparison, ReportError> {
    let read = |of: &[Of]| of.iter().map(|of| sides_of(store, of, spans)).collect::<Result<Vec<_>, _>>();
    let sides = Sides { tests: read(tests)?, controls: read(controls)? };
    let all: Vec<Of> = tests.iter().chain(controls).cloned().collect();
    let seed = seed_of(&all.iter().map(|of| of.0.display_id).collect::<Vec<_>>());
    let measures = KINDS.map(|(kind, name)| {
        let [tests, controls] = [&sides.tests, &sides.controls]
            .map(|displays| -> Vec<Change> { by_store(displays, kind).into_values().collect() });
        let (before, after): (Vec<_>, Vec<_>) =
            tests.iter().map(|change| (change.before.as_slice(), change.after.as_slice())).unzip();
        let difference = stats::test_control(&tests, &controls, seed);
        measure(name, (&before.concat(), &after.concat()), difference)
    });
    let other = store.read(|ask| changes(ask, &all, spans))?;
    Ok(told("test_control", measures, &sides, (&TookPart::of(&sides), other)))
}

/// What each store has of a measure: displays of one store share its street, its staff and its weather, so they are one
/// observation. Its displays are added up on the days that all of them have.
fn by_store(displays: &[OfDisplay], kind: Kind) -> BTreeMap<i64, Change> {
    let mut stores: BTreeMap<i64, Vec<Change>> = BTreeMap::new();
    for of in displays {
        let change = change(&of.sides, kind);
        if is_enough(&change) {
            stores.entry(of.store_id).or_default().push(change);
        }
    }
    let together = stores.into_iter().map(|(store_id, changes)| (store_id, stats::together(&changes)));
    together.filter(|(_, change)| is_enough(change)).collect()
}

/// One store whose camera was dark must not silence all others.
fn is_enough(change: &Change) -> bool {
    change.before.len().min(change.after.len()) >= LEAST_DAYS
}

fn change([before, after]: &[Side; 2], kind: Kind) -> Change {
    Change { before: before.days(kind), after: after.days(kind) }
}

fn measure(
    name: &'static str,
    (before, after): (&[StoreDay], &[StoreDay]),
    difference: Result<Difference, Unknown>,
) -> Measure {
    let ratio = |days: &[StoreDay]| {
        let of = |part: fn(&StoreDay) -> f64| days.iter().map(part).sum::<f64>();
        let denominator = of(|day| day.denominator);
        (denominator > 0.0).then(|| of(|day| day.numerator) / denominator)
    };
    let difference = difference.ok();
    Measure {
        measure: name,
        before: ratio(before),
        after: ratio(after),
        clear: difference.is_some_and(|difference| difference.is_clear()),
        difference: difference.map(|d| Interval { value: d.value, low: d.low, high: d.high }),
    }
}

/// The same question has the same interval on every day.
fn seed_of(displays: &[i64]) -> u64 {
    let mixed =
        displays.iter().fold(0_u64, |seed, id| seed.wrapping_mul(31).wrapping_add(id.cast_unsigned()));
    crate::random::scattered(mixed)
}

fn sides_of(store: &Store, of: &Of, spans: [Range; 2]) -> Result<OfDisplay, ReportError> {
    let [before, after] = spans;
    let sides = store.read(|ask| Ok([side(ask, of, before)?, side(ask, of, after)?]))?;
    Ok(OfDisplay { store_id: of.0.store_id, sides })
}

fn side(ask: &Ask, (of, facts): &Of, range: Range) -> Asked<Side> {
    if range.to < range.from {
        return Ok(Side::default());
    }
    let holidays = holidays(&sums::written_hours(ask, of.store_id)?);
    let days: BTreeMap<i64, _> = sums::days(ask, of.store_id, range.pair())?.into_iter().collect();
    let zones = rows::zone_days(ask, of.zone_id, range.pair())?;
    let zones: BTreeMap<i64, ZoneDay> = zones.into_iter().map(|zone| (zone.business_day, zone)).collect();
    let sold: BTreeMap<i64, i64> = rows::sold(ask, of, range.pair())?.into_iter().collect();
    let names_goods = of.category.is_some() || of.items.len() > "[]".len();
    let mut side = Side { asked: days.values().filter(|day| day.open_ms > 0).count(), ..Side::default() };
    for (day, sums) in days {
        if holidays.contains_key(&day) {
            side.holidays += 1;
            continue;
        }
        let zone = zones.get(&day).copied();
        let enough = |zone: &ZoneDay| zone.seen_ms as f64 >= facts.least_coverage * zone.open_ms as f64;
        side.seen.push(Seen {
            day,
            zone,
            zone_is_seen: zone.is_some_and(|zone| zone.open_ms > 0 && enough(&zone)),
            visitors: sums.complete.then(|| sums.visitors()),
            sold_minor: sums.till.filter(|_| names_goods).map(|_| sold.get(&day).copied().unwrap_or(0)),
        });
    }
    Ok(side)
}

/// Other displays of the same zones that came or went meanwhile, but for the change itself.
fn changes(ask: &Ask, of: &[Of], [before, after]: [Range; 2]) -> Asked<usize> {
    let mut found = 0;
    let within = |day: i64| day > before.from && day <= after.to.max(before.to) && day != after.from;
    for (display, _) in of {
        for other in rows::of_store(ask, display.store_id)?.iter().filter(|o| o.zone_id == display.zone_id) {
            let begins = within(other.from_day);
            let ends = other.to_day.is_some_and(|last| within(last + 1));
            found += usize::from(begins || ends);
        }
    }
    Ok(found)
}

fn told(
    kind: &'static str,
    measures: [Measure; 4],
    sides: &Sides,
    (took_part, other_changes): (&TookPart, usize),
) -> DisplayComparison {
    let all = || sides.tests.iter().chain(&sides.controls).flat_map(|of| &of.sides);
    let (asked, used) = (all().map(|side| side.asked).sum::<usize>(), all().map(Side::complete).sum());
    let holidays: usize = all().map(|side| side.holidays).sum();
    let (stores, weeks) = (took_part.stores.len(), took_part.weeks());
    let mut warnings = Vec::new();
    let mut warn = |key, values: &[(&'static str, usize)]| {
        let values = values.iter().map(|(name, value)| (*name, *value as f64)).collect();
        warnings.push(Said { key, values });
    };
    let left_out = asked.saturating_sub(used);
    let dark = left_out.saturating_sub(holidays);
    if measures[0].difference.is_none() {
        warn("too_few_days", &[("least", LEAST_DAYS), ("days", used)]);
    }
    if dark > 0 {
        warn("low_coverage", &[("days", dark)]);
    }
    if holidays > 0 {
        warn("holiday_inside", &[("days", holidays)]);
    }
    let fewest = took_part.fewest_stores;
    if fewest < LEAST_STORES && kind != "against" {
        warn("one_store", &[("stores", fewest), ("least", LEAST_STORES)]);
    }
    if other_changes > 0 {
        warn("other_change", &[("displays", other_changes)]);
    }
    DisplayComparison {
        kind,
        stores,
        weeks,
        store_days: used,
        left_out_days: left_out,
        sentence: sentence(&measures[0], (weeks, stores)),
        measures: measures.into(),
        warnings,
    }
}

/// "Stopped 12 % (5-19 %) more people; 3 weeks, 8 stores", by parts.
fn sentence(stopped: &Measure, (weeks, stores): (i64, usize)) -> Said {
    let mut values = BTreeMap::from([("weeks", weeks as f64), ("stores", stores as f64)]);
    let Some(of) = stopped.difference else { return Said { key: "stopped_unknown", values } };
    let percent = |share: f64| (100.0 * share).round();
    let key = match (stopped.clear, of.value > 0.0) {
        (false, _) => "stopped_unclear",
        (true, true) => "stopped_more",
        (true, false) => "stopped_fewer",
    };
    // "12 % fewer" is said without a sign, and its interval the other way round.
    let [value, low, high] = match key {
        "stopped_fewer" => [-of.value, -of.high, -of.low],
        _ => [of.value, of.low, of.high],
    };
    values.extend([("percent", percent(value)), ("low", percent(low)), ("high", percent(high))]);
    Said { key, values }
}
