//! `footfall till`: what came from the till and could not be taken, and why.

use super::cli::TillArgs;
use super::exit::Failure;
use super::run::source::Source;
use crate::ledger::{AsideRow, look_aside};
use std::io::Write;

/// Shows the rows put aside last, the newest first. The box may be running.
///
/// # Errors
/// A config file with faults or without a store, or a ledger that cannot be read.
pub fn till(args: &TillArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let settings = Source::of(&args.config).load()?;
    let Some(site) = settings.site else {
        let why =
            format!("{}: there is no [site], so no till tells this box anything", args.config.display());
        return Err(Failure::Input(why).into());
    };
    if !site.ledger.exists() {
        writeln!(out, "Nothing was put aside: the box has not run with this [site] yet.")?;
        return Ok(());
    }
    let most = usize::try_from(args.last).unwrap_or(usize::MAX);
    let rows = look_aside(&site.ledger, most).map_err(|fault| Failure::Storage(fault.to_string()))?;
    if rows.is_empty() {
        writeln!(out, "Nothing was put aside.")?;
    }
    for row in &rows {
        writeln!(out, "{}", shown(row))?;
    }
    Ok(())
}

fn shown(row: &AsideRow) -> String {
    let AsideRow { at, feed, row: place, reason, words, excerpt } = row;
    let place = if *place == 0 { "all of it".to_owned() } else { format!("row {place}") };
    let excerpt = if excerpt.is_empty() { String::new() } else { format!("\n    {excerpt}") };
    format!("{at}  {feed}, {place}: {words} ({reason}){excerpt}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::WallTime;

    #[test]
    fn a_row_is_shown_with_its_place_its_fault_and_its_beginning() {
        let row = AsideRow {
            at: WallTime::from_unix_ms(1_760_000_000_000),
            feed: "http".to_owned(),
            row: 3,
            reason: "amount".to_owned(),
            words: "\"12,5o\" is no sum".to_owned(),
            excerpt: "a1;12,5o".to_owned(),
        };
        let whole = AsideRow { row: 0, excerpt: String::new(), ..row.clone() };
        assert_eq!(
            shown(&row),
            "2025-10-09T08:53:20Z  http, row 3: \"12,5o\" is no sum (amount)\n    a1;12,5o"
        );
        assert_eq!(shown(&whole), "2025-10-09T08:53:20Z  http, all of it: \"12,5o\" is no sum (amount)");
    }
}
