//! `footfall-hq import`, `day`, `aside` and `simulate`: what is in the database, and what is put there by hand.

use super::cli::{AsideArgs, DayArgs, DayExpectation, FeedArg, ImportArgs};
use crate::app::exit::Failure;
use crate::hq::access;
use crate::hq::config;
use crate::hq::report::fleet::everything_aside;
use crate::hq::report::stores::{StoreDay, day_of};
use crate::hq::sales::{self, Anything, Feed, Format, Sent, Way};
use crate::hq::store::Store;
use crate::time::{Clock, SystemClock, WallTime};
use anyhow::{Context, bail};
use std::io::{Read, Write};
use std::time::Duration;

/// `day --expect` gives up after this.
const EXPECTED_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Files up to this are read; `take` says what it takes of them.
const MOST_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// Rows that are shown of those that cannot be taken.
const MOST_SHOWN: usize = 50;

/// Takes a file of sales, orders or shifts.
///
/// # Errors
/// What cannot be read; some rows that cannot be taken are no error, none that can is one.
pub(super) fn import(args: &ImportArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let store = Store::open(&config::load(&args.file.config)?.database)?;
    let mut bytes = Vec::new();
    std::fs::File::open(&args.path)
        .and_then(|file| file.take(MOST_FILE_BYTES).read_to_end(&mut bytes))
        .with_context(|| Failure::Input(format!("cannot read {}", args.path.display())))?;
    let feed = match args.feed {
        FeedArg::Sales => Feed::Sales,
        FeedArg::Orders => Feed::Orders,
        FeedArg::Staffing => Feed::Staffing,
    };
    let is_json = args.path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"));
    let format = if is_json { Format::Json } else { Format::Csv };
    let sent = Sent { tenant: args.tenant.as_str(), feed, format, bytes: &bytes, way: Way::File };
    let receipt = sales::take(&sent, &Anything, &store, SystemClock::start().now().wall)
        .map_err(|fault| Failure::Input(format!("{}: {fault}", args.path.display())))?;
    let put = receipt.put;
    writeln!(
        out,
        "{} new, {} replaced, {} were here before, {} put aside",
        put.accepted, put.replaced, put.duplicates, receipt.put_aside
    )?;
    for rejected in receipt.aside.iter().take(MOST_SHOWN) {
        writeln!(out, "  row {}: {}", rejected.row, rejected.fault)?;
    }
    if receipt.is_refused() {
        bail!(Failure::Input(format!("no row of {} can be taken", args.path.display())));
    }
    Ok(())
}

/// Shows a store's day, and waits for what is expected of it.
///
/// # Errors
/// No such store or day; or what was expected did not come.
pub(super) fn day(args: &DayArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let store = Store::open(&config::load(&args.file.config)?.database)?;
    let clock = SystemClock::start();
    let mut day = look(&store, args, clock.now().wall)?;
    while let Some(missing) = missing(&day, &args.expect) {
        if clock.now().elapsed > EXPECTED_WITHIN {
            let what = format!("no {missing} of {} on {} at head office", args.store, day.day);
            return Err(Failure::NotSeen(what).into());
        }
        std::thread::sleep(LOOK_EVERY);
        day = look(&store, args, clock.now().wall)?;
    }
    show(&day, out)?;
    Ok(())
}

fn look(store: &Store, args: &DayArgs, now: WallTime) -> anyhow::Result<StoreDay> {
    let scope = access::everywhere(store)?;
    let (tenant, name) = (args.store.tenant.as_str(), args.store.store.as_str());
    let day = args.day.map(|day| day.to_string());
    day_of(store, &scope, (tenant, name), day.as_deref(), now)
        .map_err(|fault| Failure::Input(format!("{}: {fault}", args.store)).into())
}

fn missing(day: &StoreDay, expected: &[DayExpectation]) -> Option<&'static str> {
    expected.iter().find_map(|wanted| match wanted {
        DayExpectation::Entries => (day.total.entries == 0).then_some("entry"),
        DayExpectation::Conversion => day.total.conversion.is_none().then_some("conversion rate"),
    })
}

fn show(day: &StoreDay, out: &mut impl Write) -> std::io::Result<()> {
    let share =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{:.1} %", value * 100.0));
    let count = |value: Option<i64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    writeln!(out, "{}/{}  {}", day.store.tenant, day.store.store, day.day)?;
    writeln!(
        out,
        "{:>5} {:>9} {:>9} {:>13} {:>11} {:>7}",
        "hour", "entries", "visitors", "transactions", "conversion", "seen"
    )?;
    let row = |name: &str, of: &crate::hq::report::figures::Figures| {
        format!(
            "{name:>5} {:>9} {:>9} {:>13} {:>11} {:>7}",
            of.entries,
            of.visitors,
            count(of.transactions),
            share(of.conversion),
            share(Some(of.coverage))
        )
    };
    for hour in day.hours.iter().filter(|hour| hour.open || hour.figures.entries > 0) {
        writeln!(out, "{}", row(&format!("{:02}", hour.hour), &hour.figures))?;
    }
    writeln!(out, "{}", row("day", &day.total))?;
    for absent in &day.total.absent {
        writeln!(out, "  {}: {}", absent.figure, absent.why)?;
    }
    Ok(())
}

/// Shows what could not be read.
///
/// # Errors
/// What the database says.
pub(super) fn aside(args: &AsideArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let store = Store::open(&config::load(&args.file.config)?.database)?;
    let (aside, strangers) = everything_aside(&store)?;
    if aside.is_empty() && strangers.is_empty() {
        writeln!(out, "everything that arrived was read")?;
    }
    for one in aside.iter().take(args.last as usize) {
        let at = jiff::Timestamp::from_millisecond(one.at_ms).unwrap_or_default();
        writeln!(out, "{at}  {}  {} bytes: {}", one.topic, one.bytes, one.reason)?;
    }
    for stranger in &strangers {
        writeln!(
            out,
            "box {} is not in the register: {} messages on {}; nothing of it is taken until it is",
            stranger.box_name, stranger.messages, stranger.topic
        )?;
    }
    Ok(())
}
