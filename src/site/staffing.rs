//! Who is on duty and how long, by a feed: the hours that shoppers are divided by.
//!
//! A shift is a time and the hours worked in it, all people together: three people from 9 to 12 are nine hours. Where the
//! feed gives hours alone, they are taken to be spread evenly over the shift. A shift that comes again replaces itself.

use super::till::{Decimal, DecimalMark, Reason, RowFault, cut};
use crate::calendar::{TimeSpan, WrittenTime, Zone};
use crate::time::WallTime;
use ::csv::{ReaderBuilder, Trim};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;

/// Most shifts of a feed.
pub const MAX_SHIFTS: usize = 10_000;
/// Largest feed, bytes.
pub const MAX_STAFFING_BYTES: usize = 4 * 1024 * 1024;
/// Longest shift; a longer one is a mistake in a date.
const MAX_SHIFT: Duration = Duration::from_secs(48 * 3600);
/// More people are on duty at once in no store.
const MAX_HEADS: i64 = 10_000;

/// Hours that people work, from one time to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// Its id; where the feed has none, its begin and end.
    pub id: String,
    /// From when to when.
    pub span: TimeSpan,
    /// Time worked, summed over people.
    pub worked: Duration,
}

impl Shift {
    /// The part of its hours that falls into a span.
    #[must_use]
    pub fn worked_within(&self, span: TimeSpan) -> Duration {
        let Some(common) = self.span.common(span) else { return Duration::ZERO };
        let share = common.length().as_secs_f64() / self.span.length().as_secs_f64();
        self.worked.mul_f64(share)
    }
}

/// How a staffing feed is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaffingFormat {
    /// A list of objects.
    Json,
    /// Columns `from`, `to` and `heads` or `hours`, and perhaps `id`, separated by commas.
    Csv,
}

/// Shifts of a feed, and what was put aside: its row from 1 (0 is the feed as a whole) and why.
pub type ReadShifts = (Vec<Shift>, Vec<(u64, RowFault)>);

/// Reads a staffing feed.
#[must_use]
pub fn read(bytes: &[u8], format: StaffingFormat, zone: &Zone) -> ReadShifts {
    let of_all = |reason, words: &str| (Vec::new(), vec![(0, RowFault::new(reason, words))]);
    if bytes.len() > MAX_STAFFING_BYTES {
        return of_all(Reason::TooMuch, "it is larger than 4 MiB");
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return of_all(Reason::Encoding, "a staffing feed is UTF-8, and this is not");
    };
    let text = text.trim_start_matches('\u{feff}');
    match format {
        StaffingFormat::Json => read_json(text, zone),
        StaffingFormat::Csv => read_csv(text, zone),
    }
}

#[derive(Deserialize)]
struct Written<'a> {
    id: Option<String>,
    from: Option<String>,
    to: Option<String>,
    #[serde(borrow)]
    heads: Option<&'a RawValue>,
    #[serde(borrow)]
    hours: Option<&'a RawValue>,
}

fn read_json(text: &str, zone: &Zone) -> ReadShifts {
    let items = match serde_json::from_str::<Vec<&RawValue>>(text) {
        Ok(items) => items,
        Err(fault) => return (Vec::new(), vec![(0, RowFault::new(Reason::Shape, fault.to_string()))]),
    };
    let one = |item: &RawValue| {
        let written: Written<'_> = serde_json::from_str(item.get())
            .map_err(|fault| RowFault::new(Reason::Shape, fault.to_string()))?;
        let bare = |raw: Option<&RawValue>| raw.map(|raw| raw.get().trim_matches('"').to_owned());
        shift(written.id, [written.from, written.to, bare(written.heads), bare(written.hours)], zone)
    };
    collect(items.into_iter().map(one), 1)
}

fn read_csv(text: &str, zone: &Zone) -> ReadShifts {
    let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().cloned().unwrap_or_default();
    let place = |name: &str| header.iter().position(|column| column == name);
    let columns = ["from", "to", "heads", "hours"].map(place);
    let id = place("id");
    let one = |record: Result<::csv::StringRecord, ::csv::Error>| {
        let record = record.map_err(|fault| RowFault::new(Reason::Shape, fault.to_string()))?;
        if record.len() != header.len() {
            let words = format!("{} fields where the first row has {}", record.len(), header.len());
            return Err(RowFault::new(Reason::Columns, words));
        }
        let get = |place: Option<usize>| {
            place.and_then(|place| record.get(place)).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        shift(get(id), columns.map(get), zone)
    };
    collect(reader.records().map(one), 2)
}

fn collect(rows: impl Iterator<Item = Result<Shift, RowFault>>, first_row: u64) -> ReadShifts {
    let (mut shifts, mut aside) = (Vec::new(), Vec::new());
    for (row, read) in (first_row..).zip(rows) {
        if row >= first_row + MAX_SHIFTS as u64 {
            aside
                .push((row, RowFault::new(Reason::TooMuch, "more than 10000 shifts; the rest was not read")));
            break;
        }
        match read {
            Ok(shift) => match shifts.iter_mut().find(|known: &&mut Shift| known.id == shift.id) {
                // One row for each person: what has no id of its own adds up.
                Some(known) if is_unnamed(known) => known.worked += shift.worked,
                Some(known) => *known = shift,
                None => shifts.push(shift),
            },
            Err(fault) => aside.push((row, fault)),
        }
    }
    (shifts, aside)
}

/// What stands for the id of a shift without one.
fn unnamed(span: TimeSpan) -> String {
    format!("{}-{}", span.start, span.end)
}

fn is_unnamed(shift: &Shift) -> bool {
    shift.id == unnamed(shift.span)
}

/// From the texts of `from`, `to`, `heads` and `hours`.
fn shift(id: Option<String>, texts: [Option<String>; 4], zone: &Zone) -> Result<Shift, RowFault> {
    let [from, to, heads, hours] = texts;
    let time = |text: Option<String>| -> Result<WallTime, RowFault> {
        let text = text.ok_or_else(|| RowFault::new(Reason::Time, "give \"from\" and \"to\""))?;
        let read = zone.parse_time(&text, &WrittenTime::Iso);
        read.map_err(|fault| RowFault::new(Reason::Time, format!("{} {fault}", cut(&text))))
    };
    let span = TimeSpan { start: time(from)?, end: time(to)? };
    if span.length().is_zero() || span.length() > MAX_SHIFT {
        return Err(RowFault::new(Reason::Time, "a shift ends after it begins, and within 48 hours"));
    }
    let milli = |text: &str| {
        let read = Decimal { scale: 3, mark: DecimalMark::Point }.parse(text);
        let read = read.map_err(|fault| RowFault::new(Reason::Quantity, fault.to_string()))?;
        let fits = (0..=MAX_HEADS * 1000).contains(&read);
        let number = u64::try_from(read).ok().filter(|_| fits);
        number.ok_or_else(|| {
            RowFault::new(Reason::Quantity, format!("{} is no number of people or hours", cut(text)))
        })
    };
    let worked = match (heads, hours) {
        (Some(heads), None) => span.length().mul_f64(milli(&heads)? as f64 / 1000.0),
        (None, Some(hours)) => Duration::from_millis(milli(&hours)? * 3600),
        _ => return Err(RowFault::new(Reason::Quantity, "give one of \"heads\" and \"hours\"")),
    };
    let id = id.unwrap_or_else(|| unnamed(span));
    if id.len() > super::till::MAX_FIELD_BYTES {
        return Err(RowFault::new(Reason::Id, "the id is longer than 128 bytes"));
    }
    Ok(Shift { id, span, worked })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, format: StaffingFormat, expected: &str) {
        let (shifts, aside) = read(text.as_bytes(), format, &Zone::parse("Europe/Vienna").unwrap());
        let shift =
            |s: &Shift| format!("{} to {}: {} h", s.span.start, s.span.end, s.worked.as_secs_f64() / 3600.0);
        let put_aside = |(row, fault): &(u64, RowFault)| format!("{row}: {fault}");
        let shown: Vec<_> = shifts.iter().map(shift).chain(aside.iter().map(put_aside)).collect();
        assert_eq!(shown.join("\n"), expected);
    }

    #[test]
    fn heads_are_multiplied_and_hours_are_taken() {
        let expected = "2026-11-22T08:00:00Z to 2026-11-22T11:00:00Z: 9 h\n2026-11-22T11:00:00Z to 2026-11-22T15:00:00Z: 6.5 h";
        check(
            r#"[{"from":"2026-11-22T09:00:00","to":"2026-11-22T12:00:00","heads":3},
                {"from":"2026-11-22T12:00:00+01:00","to":"2026-11-22T16:00:00+01:00","hours":"6.5"}]"#,
            StaffingFormat::Json,
            expected,
        );
        check(
            "from,to,heads,hours\n2026-11-22 09:00:00,2026-11-22 12:00:00,3,\n2026-11-22 12:00:00,2026-11-22 16:00:00,,6.5\n",
            StaffingFormat::Csv,
            expected,
        );
    }

    #[test]
    fn a_shift_that_makes_no_sense_is_put_aside() {
        check(
            "from,to,heads\n2026-11-22 09:00,2026-11-22 08:00,1\n2026-11-22 09:00,2026-11-22 10:00,-1\n1,2\n",
            StaffingFormat::Csv,
            "2: time: a shift ends after it begins, and within 48 hours\n3: quantity: \"-1\" is no number of people or hours\n\
             4: columns: 2 fields where the first row has 3",
        );
        check(
            "{}",
            StaffingFormat::Json,
            "0: shape: invalid type: map, expected a sequence at line 1 column 0",
        );
        check("[{}]", StaffingFormat::Json, "1: time: give \"from\" and \"to\"");
    }

    #[test]
    fn a_span_takes_its_share_of_a_shift() {
        let at = |hour: i64| WallTime::from_unix_ms(hour * 3_600_000);
        let span = |from, to| TimeSpan { start: at(from), end: at(to) };
        let shift = Shift { id: String::new(), span: span(0, 4), worked: Duration::from_secs(8 * 3600) };
        let hours = |from, to| shift.worked_within(span(from, to)).as_secs() / 3600;
        assert_eq!((hours(0, 4), hours(3, 9), hours(4, 5), hours(-5, 9)), (8, 2, 0, 8));
    }
}
