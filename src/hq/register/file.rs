//! Reads the register's TOML: every fault with its place, all of them at once.

use super::{
    Clock, Display, MAX_FILE_BYTES, MAX_ITEMS, MAX_TITLE_CHARS, Region, Register, RegisterError,
    RegisteredBox, RegisteredCamera, RegisteredStore, Tenant, ZonePlace,
};
use crate::calendar::{Day, DayHours, TimeOfDay, WeekCalendar, WeekHours, Zone};
use crate::config::FaultKind;
use crate::config::document::{Entry, FaultSink, Table, read_document};
use crate::config::store::{currency, day_hours, full_hour, usual_decimals, week_hours};
use crate::hq::store::clock::{WEEKDAYS, WrittenHoliday, WrittenHours};
use crate::ids::{BoxId, CameraId, DisplayId, IdError, LineId, RegionId, StoreId, TenantId, ZoneId};
use crate::site::till::MAX_FIELD_BYTES;
use crate::time::WallTime;
use std::collections::BTreeMap;

const MAX_TENANTS: usize = 50;
const MAX_REGIONS: usize = 1_000;
const MAX_STORES: usize = 5_000;
const MAX_CLOCKS: usize = 20;
const MAX_HOLIDAYS: usize = 400;
const MAX_BOXES: usize = 32;
const MAX_CAMERAS: usize = 32;
const MAX_SHAPES: usize = 64;
const MAX_DISPLAYS: usize = 2_000;
/// ISO 4217 has currencies with up to 4 digits after the point.
const DECIMALS: std::ops::RangeInclusive<u32> = 0..=4;
const DEFAULT_LEAST_COVERAGE: f64 = 0.9;

/// Reads a register.
///
/// # Errors
/// [`RegisterError::TooLarge`], or [`RegisterError::Faults`] with all of them.
pub fn read(text: &str) -> Result<Register, RegisterError> {
    if text.len() > MAX_FILE_BYTES {
        return Err(RegisterError::TooLarge { bytes: text.len() });
    }
    let sink = FaultSink::of(text);
    let register = read_document(&sink, register);
    let (faults, more) = sink.finish();
    if !faults.is_empty() {
        return Err(RegisterError::Faults { faults, more });
    }
    Ok(register.expect("a part is missing only where a fault says why"))
}

/// Names that were given, with the byte at which each stands.
struct Names {
    what: &'static str,
    given: BTreeMap<String, usize>,
}

impl Names {
    fn of(what: &'static str) -> Self {
        Self { what, given: BTreeMap::new() }
    }

    /// The id of a table, noted under its owner's name.
    fn id<T: std::fmt::Display>(
        &mut self,
        table: &mut Table<'_>,
        example: &'static str,
        parse: impl FnOnce(&str) -> Result<T, IdError>,
        under: &str,
    ) -> Option<T> {
        let entry = table.need("id", example)?;
        let id = entry.parsed(parse)?;
        self.note(&entry, format!("{under}/{id}")).then_some(id)
    }

    fn note(&mut self, entry: &Entry<'_>, name: String) -> bool {
        if let Some(first) = self.given.get(&name) {
            entry.taken(self.what, name.trim_start_matches('/'), *first);
            return false;
        }
        self.given.insert(name, entry.at_byte());
        true
    }
}

/// What stores may name, and what their owners and regions give them.
#[derive(Default)]
struct Owners {
    tenants: Vec<Tenant>,
    regions: Vec<Region>,
    /// Holidays by owner, and by owner and region.
    holidays: BTreeMap<(String, String), Vec<WrittenHoliday>>,
}

fn register(root: &mut Table<'_>) -> Option<Register> {
    let mut owners = Owners::default();
    let mut names = Names::of("tenant");
    let example = "[[tenant]] with id and title";
    let tenants = root
        .need("tenant", example)
        .and_then(|e| e.tables(MAX_TENANTS, |table| tenant(table, &mut names, &mut owners.holidays)));
    owners.tenants = tenants.unwrap_or_default();
    let mut names = Names::of("region");
    if let Some(entry) = root.get("region") {
        let regions = entry.tables(MAX_REGIONS, |table| region(table, &mut names, &mut owners));
        owners.regions = regions.unwrap_or_default();
    }
    let mut around = Around { owners, stores: Names::of("store"), boxes: Names::of("box") };
    let stores = match root.get("store") {
        Some(entry) => entry.tables(MAX_STORES, |table| store(table, &mut around)),
        None => Some(Vec::new()),
    };
    Some(Register { tenants: around.owners.tenants, regions: around.owners.regions, stores: stores? })
}

type Holidays = BTreeMap<(String, String), Vec<WrittenHoliday>>;

fn tenant(table: &mut Table<'_>, names: &mut Names, all: &mut Holidays) -> Option<Tenant> {
    let id = names.id(table, "id = \"acme\"", TenantId::parse, "");
    let title = title(table);
    let holidays = holidays(table);
    let tenant = Tenant { id: id?, title: title? };
    all.insert((tenant.id.to_string(), String::new()), holidays?);
    Some(tenant)
}

fn region(table: &mut Table<'_>, names: &mut Names, owners: &mut Owners) -> Option<Region> {
    let tenant = owner(table, &owners.tenants);
    let under = tenant.as_ref().map_or("", TenantId::as_str);
    let id = names.id(table, "id = \"north\"", RegionId::parse, under);
    let title = title(table);
    let holidays = holidays(table);
    let region = Region { tenant: tenant?, id: id?, title: title? };
    owners.holidays.insert((region.tenant.to_string(), region.id.to_string()), holidays?);
    Some(region)
}

/// Whose it is: named, or the only one there is.
fn owner(table: &mut Table<'_>, tenants: &[Tenant]) -> Option<TenantId> {
    if let Some(entry) = table.get("tenant") {
        let id = entry.parsed(TenantId::parse)?;
        let known = tenants.iter().map(|tenant| tenant.id.as_str());
        return named(&entry, "tenant", id.as_str(), known).then_some(id);
    }
    match tenants {
        [only] => Some(only.id.clone()),
        // With no owner at all there is a fault already, and one is enough.
        [] => None,
        _ => {
            table.fault("tenant", FaultKind::Missing { example: "tenant = \"acme\"" });
            None
        }
    }
}

/// Whether a name is among those that are known; a fault otherwise.
fn named<'k>(
    entry: &Entry<'_>,
    what: &'static str,
    got: &str,
    known: impl Iterator<Item = &'k str> + Clone,
) -> bool {
    if known.clone().any(|name| name == got) {
        return true;
    }
    let near = crate::config::document::nearest_of(got, known).map(str::to_owned);
    entry.fault(FaultKind::NotNamed { what, got: got.to_owned(), near });
    false
}

fn title(table: &mut Table<'_>) -> Option<String> {
    table.need("title", "title = \"Taipei Zhongxiao\"")?.parsed(checked_title)
}

pub(super) fn checked_title(text: &str) -> Result<String, FaultKind> {
    let fits = !text.trim().is_empty() && text.chars().count() <= MAX_TITLE_CHARS;
    if fits && !text.chars().any(char::is_control) {
        return Ok(text.trim().to_owned());
    }
    let got = format!("{:?}", text.chars().take(40).collect::<String>());
    Err(FaultKind::OutOfRange { got, range: format!("1 to {MAX_TITLE_CHARS} characters in one line") })
}

/// `[[holiday]]` with date, title and hours; the dates in their order, each once.
fn holidays(table: &mut Table<'_>) -> Option<Vec<WrittenHoliday>> {
    let Some(entry) = table.get("holiday") else { return Some(Vec::new()) };
    let mut names = Names::of("holiday");
    let mut found = entry.tables(MAX_HOLIDAYS, |table| {
        let date = table.need("date", "date = \"2026-12-25\"").and_then(|e| {
            let day = e.parsed(Day::parse)?;
            names.note(&e, day.to_string()).then_some(day)
        });
        let title = table.get("title").map_or(Some(None), |e| e.parsed(checked_title).map(Some));
        let hours = table.get("hours").map_or(Some(Vec::new()), |e| Some(written(&day_hours(&e)?)));
        Some(WrittenHoliday { date: date?.to_string(), title: title?, hours: hours? })
    })?;
    found.sort_by(|one, other| one.date.cmp(&other.date));
    Some(found)
}

/// What is known when a store is read.
struct Around {
    owners: Owners,
    stores: Names,
    boxes: Names,
}

fn store(table: &mut Table<'_>, around: &mut Around) -> Option<RegisteredStore> {
    let tenant = owner(table, &around.owners.tenants);
    let under = tenant.as_ref().map_or("", TenantId::as_str);
    let id = around.stores.id(table, "id = \"taipei-01\"", StoreId::parse, under);
    let title = title(table);
    let region = region_of(table, tenant.as_ref(), &around.owners.regions);
    let currency = table.need("currency", "currency = \"EUR\"").and_then(|e| e.parsed(currency));
    let decimals = table.get("decimals").and_then(|e| e.whole(DECIMALS));
    let decimals = decimals.unwrap_or_else(|| usual_decimals(currency.as_deref().unwrap_or_default()).into());
    let weeks = [WeekCalendar::Iso, WeekCalendar::FourFiveFour].map(|weeks| (weeks.name(), weeks));
    let weeks = table.get("calendar").and_then(|e| e.choice(&weeks)).unwrap_or_default();
    let is_share = |share: f64| (0.0..=1.0).contains(&share);
    let least = table.get("least_coverage").and_then(|e| e.number_that(is_share, "0 to 1"));
    let simulated = table.get("simulated").and_then(|e| e.flag()).unwrap_or(false);
    let clocks = clocks(table);
    let hours = hours(table, tenant.as_ref(), region.as_ref().and_then(Option::as_ref), &around.owners);
    let boxes = boxes(table, &mut around.boxes);
    let displays = displays(table, boxes.as_deref().unwrap_or_default());
    Some(RegisteredStore {
        tenant: tenant?,
        id: id?,
        region: region?,
        title: title?,
        currency: currency?,
        decimals: u8::try_from(decimals).unwrap_or(u8::MAX),
        weeks,
        least_coverage: least.unwrap_or(DEFAULT_LEAST_COVERAGE),
        simulated,
        clocks: clocks?,
        hours: hours?,
        boxes: boxes?,
        displays: displays?,
    })
}

fn region_of(
    table: &mut Table<'_>,
    tenant: Option<&TenantId>,
    regions: &[Region],
) -> Option<Option<RegionId>> {
    let Some(entry) = table.get("region") else { return Some(None) };
    let id = entry.parsed(RegionId::parse)?;
    let of_owner = regions.iter().filter(|region| tenant == Some(&region.tenant));
    named(&entry, "region", id.as_str(), of_owner.map(|region| region.id.as_str())).then_some(Some(id))
}

/// The clock of the store's beginning, and those that followed.
fn clocks(table: &mut Table<'_>) -> Option<Vec<Clock>> {
    let first = clock(table).map(|(zone, day_begins_hour)| Clock {
        from: WallTime::from_unix_ms(0),
        zone,
        day_begins_hour,
    });
    let Some(entry) = table.get("clock") else { return Some(vec![first?]) };
    let mut last = first.as_ref().map(|clock| clock.from);
    let later = entry.tables(MAX_CLOCKS, |table| {
        let day = table.need("from", "from = \"2026-06-01\"").and_then(|e| Some((e.parsed(Day::parse)?, e)));
        let (zone, day_begins_hour) = clock(table)?;
        let (day, entry) = day?;
        let begins = TimeOfDay::parse(&format!("{day_begins_hour:02}:00")).expect("an hour of the day");
        let from = zone.at(day, begins);
        if last.is_some_and(|last| from <= last) {
            entry.fault(FaultKind::NotAfter { other: "the clock before" });
            return None;
        }
        last = Some(from);
        Some(Clock { from, zone, day_begins_hour })
    });
    let mut clocks = vec![first?];
    clocks.extend(later?);
    Some(clocks)
}

fn clock(table: &mut Table<'_>) -> Option<(Zone, u8)> {
    let zone = table.need("time_zone", "time_zone = \"Asia/Taipei\"").and_then(|e| e.parsed(Zone::parse));
    let begins = table.get("day_begins").map_or(Some(0), |e| e.parsed(full_hour));
    Some((zone?, begins?))
}

fn hours(
    table: &mut Table<'_>,
    tenant: Option<&TenantId>,
    region: Option<&RegionId>,
    owners: &Owners,
) -> Option<WrittenHours> {
    let week = table.get("hours").map_or(Some(None), |e| e.table(week_hours).map(Some));
    let own = holidays(table);
    let tenant = tenant.map(ToString::to_string).unwrap_or_default();
    let region = region.map(ToString::to_string);
    let of_all = owners.holidays.get(&(tenant.clone(), String::new()));
    let of_region = region.and_then(|region| owners.holidays.get(&(tenant, region)));
    // The nearer one counts: a store's day before its region's, that before its owner's.
    let mut by_date: BTreeMap<String, WrittenHoliday> = BTreeMap::new();
    for holiday in of_all.into_iter().chain(of_region).flatten().cloned().chain(own?) {
        by_date.insert(holiday.date.clone(), holiday);
    }
    Some(WrittenHours { week: week?.as_ref().map(by_weekday), holidays: by_date.into_values().collect() })
}

/// Days that are closed are left out.
fn by_weekday(week: &WeekHours) -> BTreeMap<String, Vec<String>> {
    let open = WEEKDAYS.iter().zip(&week.0).filter(|(_, hours)| !hours.openings().is_empty());
    open.map(|(day, hours)| ((*day).to_owned(), written(hours))).collect()
}

fn written(hours: &DayHours) -> Vec<String> {
    hours.openings().iter().map(ToString::to_string).collect()
}

fn boxes(table: &mut Table<'_>, names: &mut Names) -> Option<Vec<RegisteredBox>> {
    let Some(entry) = table.get("box") else { return Some(Vec::new()) };
    entry.tables(MAX_BOXES, |table| {
        // A box id is unique in the world, not only in its store.
        let id = names.id(table, "id = \"acme-taipei-01-a\"", BoxId::parse, "");
        let mut cameras = Names::of("camera");
        let cameras = match table.get("camera") {
            Some(entry) => entry.tables(MAX_CAMERAS, |table| camera(table, &mut cameras)),
            None => Some(Vec::new()),
        };
        Some(RegisteredBox { id: id?, cameras: cameras? })
    })
}

fn camera(table: &mut Table<'_>, names: &mut Names) -> Option<RegisteredCamera> {
    let id = names.id(table, "id = \"door\"", CameraId::parse, "");
    let title = title_or_id(table, id.as_ref().map(CameraId::as_str));
    let lines = shapes(table, "line", LineId::parse);
    let zones = shapes(table, "zone", ZoneId::parse);
    Some(RegisteredCamera { id: id?, title: title?, lines: lines?, zones: zones? })
}

fn shapes<T: std::fmt::Display>(
    table: &mut Table<'_>,
    what: &'static str,
    parse: impl Fn(&str) -> Result<T, IdError>,
) -> Option<Vec<(T, String)>> {
    let Some(entry) = table.get(what) else { return Some(Vec::new()) };
    let mut names = Names::of(what);
    entry.tables(MAX_SHAPES, |table| {
        let id = names.id(table, "id = \"entrance\"", &parse, "");
        let title = title_or_id(table, id.as_ref().map(ToString::to_string).as_deref());
        Some((id?, title?))
    })
}

fn title_or_id(table: &mut Table<'_>, id: Option<&str>) -> Option<String> {
    match table.get("title") {
        Some(entry) => entry.parsed(checked_title),
        None => Some(id?.to_owned()),
    }
}

fn displays(table: &mut Table<'_>, boxes: &[RegisteredBox]) -> Option<Vec<Display>> {
    let Some(entry) = table.get("display") else { return Some(Vec::new()) };
    let mut standing: Vec<(Display, usize)> = Vec::new();
    entry.tables(MAX_DISPLAYS, |table| {
        let id =
            table.need("id", "id = \"spring-wall\"").and_then(|e| Some((e.parsed(DisplayId::parse)?, e)));
        let title = title_or_id(table, id.as_ref().map(|(id, _)| id.as_str()));
        let place = place(table, boxes);
        let category = table.get("category").map_or(Some(None), |e| e.parsed(checked_field).map(Some));
        let items = items(table);
        let (from, to) = days(table)?;
        let (id, entry) = id?;
        let display =
            Display { id, title: title?, place: place?, category: category?, items: items?, from, to };
        if let Some((_, first)) = standing.iter().find(|(other, _)| overlap(other, &display)) {
            entry.overlaps(display.id.as_str(), *first);
            return None;
        }
        standing.push((display, entry.at_byte()));
        Some(())
    })?;
    Some(standing.into_iter().map(|(display, _)| display).collect())
}

fn overlap(one: &Display, other: &Display) -> bool {
    let ends_before = |a: &Display, b: &Display| a.to.is_some_and(|to| to < b.from);
    one.id == other.id && !ends_before(one, other) && !ends_before(other, one)
}

fn days(table: &mut Table<'_>) -> Option<(Day, Option<Day>)> {
    let from = table.need("from", "from = \"2026-03-01\"").and_then(|e| e.parsed(Day::parse));
    let Some(entry) = table.get("to") else { return Some((from?, None)) };
    let to = entry.parsed(Day::parse)?;
    if from? > to {
        entry.fault(FaultKind::NotAfter { other: "from" });
        return None;
    }
    Some((from?, Some(to)))
}

fn items(table: &mut Table<'_>) -> Option<Vec<String>> {
    let Some(entry) = table.get("items") else { return Some(Vec::new()) };
    let items = entry.list(MAX_ITEMS, "a list of items such as [\"A-17\"]")?;
    // Every item is looked at, so that all their faults come at once.
    let read: Vec<Option<String>> = items.iter().map(|item| item.parsed(checked_field)).collect();
    read.into_iter().collect()
}

/// A text that a till may send: the limits are the till's.
pub(super) fn checked_field(text: &str) -> Result<String, FaultKind> {
    if !text.is_empty() && text.len() <= MAX_FIELD_BYTES && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    let got = format!("{:?}", text.chars().take(40).collect::<String>());
    Err(FaultKind::OutOfRange { got, range: format!("1 to {MAX_FIELD_BYTES} bytes in one line") })
}

/// The zone of this name; `camera` and `box` tell several of one name apart.
fn place(table: &mut Table<'_>, boxes: &[RegisteredBox]) -> Option<ZonePlace> {
    let camera = table.get("camera").map_or(Some(None), |e| e.parsed(CameraId::parse).map(Some));
    let box_id = table.get("box").map_or(Some(None), |e| e.parsed(BoxId::parse).map(Some));
    let entry = table.need("zone", "zone = \"window\"")?;
    let (zone, camera, box_id) = (entry.parsed(ZoneId::parse)?, camera?, box_id?);
    let mut places = Vec::new();
    for of in boxes.iter().filter(|of| box_id.as_ref().is_none_or(|id| *id == of.id)) {
        let cameras = of.cameras.iter().filter(|of| camera.as_ref().is_none_or(|id| *id == of.id));
        for at in cameras {
            let zones = at.zones.iter().map(|(zone, _)| zone.clone());
            places.extend(zones.map(|zone| ZonePlace { box_id: of.id.clone(), camera: at.id.clone(), zone }));
        }
    }
    let known = places.iter().map(|place| place.zone.as_str());
    if !named(&entry, "zone", zone.as_str(), known) {
        return None;
    }
    places.retain(|place| place.zone == zone);
    if places.len() > 1 {
        entry.fault(FaultKind::Several { what: "zone", got: zone.to_string(), by: "camera and box" });
        return None;
    }
    places.pop()
}
