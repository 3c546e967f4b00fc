//! `footfall-hq simulate` and `footfall-hq export`: a chain into the database, and a day out of it.

use super::cli::{ExportArgs, SimulateArgs};
use crate::app::exit::Failure;
use crate::hq::config;
use crate::hq::export::{Whose, export_day};
use crate::hq::report::days::shown;
use crate::hq::simulate::{Settings, simulate};
use crate::hq::store::Store;
use crate::ids::StoreId;
use crate::time::{Clock, SystemClock};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;

/// Fills the database with a chain that does not exist.
///
/// # Errors
/// What is against it.
pub(super) fn chain(args: &SimulateArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let store = Store::open(&config::load(&args.file.config)?.database)?;
    let settings = Settings {
        seed: args.seed,
        tenant: args.tenant.clone(),
        stores: args.stores,
        weeks: args.weeks,
        until: SystemClock::start().now().wall,
    };
    let bar = ProgressBar::new(u64::from(args.stores));
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} simulated stores, {eta} left")?;
    bar.set_style(style);
    let truth = simulate(&store, &settings, |done, _| bar.set_position(u64::from(done)))
        .map_err(|fault| Failure::Input(fault.to_string()));
    bar.finish_and_clear();
    let truth = truth?;
    writeln!(
        out,
        "{} simulated stores with {} weeks each are in the database as {}. On {} {} displays were exchanged, so that {:.0} % more people stop; \
         the page Displays should find that.",
        args.stores,
        args.weeks,
        args.tenant,
        shown(truth.changed),
        truth.displays.len(),
        (truth.stop_rate - 1.0) * 100.0
    )?;
    Ok(())
}

/// Writes a business day as Parquet files.
///
/// # Errors
/// What cannot be read or written.
pub(super) fn export(args: &ExportArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let store = Store::open(&config::load(&args.file.config)?.database)?;
    let whose = Whose { tenant: args.tenant.as_str(), store: args.store.as_ref().map(StoreId::as_str) };
    let written = export_day(&store, whose, args.day, &args.out)?;
    for (path, rows) in written {
        writeln!(out, "{}  {rows} rows", path.display())?;
    }
    Ok(())
}
