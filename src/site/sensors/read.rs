//! Reads what sensors tell: `{"sensor": "door-1", "start_ms": 1760000040000, "length_s": 60, "in": 12, "out": 9}`.
//!
//! Objects come one by one, in a list, or one a line. `count` stands where the sensor does not tell directions apart, `seen_s` where it
//! was at work for a part of the interval only, `id` where several messages tell parts of one interval.

use super::{Counted, Counts};
use crate::calendar::TimeSpan;
use crate::ids::SensorId;
use crate::time::WallTime;
use serde_json::Value;
use std::time::Duration;

/// Largest message, bytes: a day of minutes.
pub const MAX_SENSOR_BYTES: usize = 256 * 1024;
/// Most intervals of one message: a day of minutes.
pub const MAX_COUNTS: usize = 1440;
/// More people go through no door in an hour.
const MOST_PEOPLE: u64 = 100_000;
/// Longest part id, bytes.
const MOST_ID_BYTES: usize = 64;
/// Longest interval. Hours are compared, and nothing says how many of a longer one belong to which.
pub(super) const LONGEST: Duration = Duration::from_secs(3600);
/// What a sensor may hand in late, after an outage.
const OLDEST: Duration = Duration::from_secs(7 * 86_400);
/// How far a sensor's clock may be ahead of the box's.
const AHEAD: Duration = Duration::from_secs(120);

/// What was put aside: its place (0: all of the message), and why.
pub type Aside = Vec<(u32, String)>;

/// Reads a message; gives what was counted, each with its place from 1, and what was put aside with its place (0: all of it) and why.
#[must_use]
pub fn read(bytes: &[u8], now: WallTime) -> (Vec<(u32, Counted)>, Aside) {
    let (mut told, mut aside) = (Vec::new(), Vec::new());
    if bytes.len() > MAX_SENSOR_BYTES {
        let why = format!("the message has {} bytes, at most {MAX_SENSOR_BYTES} are taken", bytes.len());
        return (told, vec![(0, why)]);
    }
    let mut place = 0;
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>() {
        let entries = match value {
            Ok(Value::Array(list)) => list,
            Ok(one) => vec![one],
            Err(fault) => {
                aside.push((place + 1, format!("it is not JSON ({fault})")));
                break;
            }
        };
        for entry in entries {
            place += 1;
            if place as usize > MAX_COUNTS {
                aside.push((
                    place,
                    format!("a message holds at most {MAX_COUNTS} intervals; the rest was not read"),
                ));
                return (told, aside);
            }
            match counted(&entry, now) {
                Ok(counted) => told.push((place, counted)),
                Err(why) => aside.push((place, why)),
            }
        }
    }
    if place == 0 && aside.is_empty() {
        aside.push((0, "the message is empty".to_owned()));
    }
    (told, aside)
}

fn counted(entry: &Value, now: WallTime) -> Result<Counted, String> {
    let sensor = text(entry, "sensor")?.ok_or("give \"sensor\", its id in the config file")?;
    let sensor = SensorId::parse(sensor).map_err(|fault| format!("sensor: {fault}"))?;
    let part = text(entry, "id")?.unwrap_or_default();
    if part.len() > MOST_ID_BYTES {
        return Err(format!("\"id\" has {} bytes, at most {MOST_ID_BYTES} are taken", part.len()));
    }
    let span = span(entry, now)?;
    let seen = match entry.get("seen_s") {
        None | Some(Value::Null) => span.length(),
        Some(_) => seconds(entry, "seen_s")?,
    };
    if seen > span.length() {
        return Err(format!("seen_s says {} s of {} s", seen.as_secs_f64(), span.length().as_secs_f64()));
    }
    Ok(Counted { sensor, part: part.to_owned(), span, seen, counts: counts(entry)? })
}

fn text<'a>(entry: &'a Value, key: &str) -> Result<Option<&'a str>, String> {
    match entry.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{key:?} is no text")),
    }
}

fn span(entry: &Value, now: WallTime) -> Result<TimeSpan, String> {
    let start = entry.get("start_ms").and_then(Value::as_i64);
    let start = start.ok_or("give \"start_ms\", the begin of the interval: UTC milliseconds since 1970")?;
    let length = seconds(entry, "length_s")?;
    if length < Duration::from_secs(1) || length > LONGEST {
        return Err(format!(
            "an interval is 1 to {} s long, and this one {} s; let the sensor tell more often",
            LONGEST.as_secs(),
            length.as_secs_f64()
        ));
    }
    let start = WallTime::from_unix_ms(start);
    let span = TimeSpan { start, end: start + length };
    if span.end > now + AHEAD {
        return Err(format!(
            "the interval ends at {}, and here it is {now}; set the sensor's clock",
            span.end
        ));
    }
    if span.start < now - OLDEST {
        return Err(format!(
            "the interval begins at {}, more than {} days ago",
            span.start,
            OLDEST.as_secs() / 86_400
        ));
    }
    Ok(span)
}

/// To the millisecond.
fn seconds(entry: &Value, key: &str) -> Result<Duration, String> {
    let given = entry.get(key).and_then(Value::as_f64);
    let span = given.and_then(|given| Duration::try_from_secs_f64(given).ok());
    let span = span.ok_or_else(|| format!("give {key:?} in seconds, 0 or more"))?;
    Ok(Duration::from_millis(
        u64::try_from((span + Duration::from_micros(500)).as_millis()).unwrap_or(u64::MAX),
    ))
}

fn counts(entry: &Value) -> Result<Counts, String> {
    let people = |key: &str| match entry.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().filter(|count| *count <= MOST_PEOPLE) {
            Some(count) => Ok(Some(u32::try_from(count).unwrap_or(u32::MAX))),
            None => Err(format!("{key:?} is no whole number from 0 to {MOST_PEOPLE}")),
        },
    };
    match (people("in")?, people("out")?, people("count")?) {
        (Some(entries), exits, None) => Ok(Counts::Ways { entries, exits }),
        (None, None, Some(count)) => Ok(Counts::Total(count)),
        _ => Err("give \"in\" (and \"out\"), or \"count\" where directions are not told apart".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: WallTime = WallTime::from_unix_ms(1_760_000_400_000);
    const SOUND: &str = r#""sensor":"door-1","start_ms":1760000040000,"length_s":60"#;

    #[track_caller]
    fn check(text: &str, told: usize, aside: &[(u32, &str)]) {
        let (read, why) = read(text.as_bytes(), NOW);
        assert_eq!((read.len(), why.len()), (told, aside.len()), "{read:?} {why:?}");
        for ((row, why), (expected, part)) in why.iter().zip(aside) {
            assert!(row == expected && why.contains(part), "{row}: {why}");
        }
    }

    #[test]
    fn intervals_come_one_by_one_in_a_list_or_one_a_line() {
        let one = format!("{{{SOUND},\"count\":4}}");
        check(&one, 1, &[]);
        check(&format!("[{one},{one}]"), 2, &[]);
        check(&format!("{one}\n{one}\n"), 2, &[]);
    }

    #[test]
    fn an_interval_keeps_its_own_begin_and_length() {
        let text = r#"{"sensor":"door-1","id":"left","start_ms":1759999500000,"length_s":900,"seen_s":871.25,"in":31,"out":28}"#;
        let (told, aside) = read(text.as_bytes(), NOW);
        assert_eq!(aside, []);
        let (place, counted) = &told[0];
        assert_eq!((*place, counted.part.as_str()), (1, "left"));
        assert_eq!((counted.span.start.unix_ms(), counted.span.length().as_secs()), (1_759_999_500_000, 900));
        assert_eq!(counted.seen, Duration::from_millis(871_250));
        assert_eq!(counted.counts, Counts::Ways { entries: 31, exits: Some(28) });
    }

    #[test]
    fn a_sensor_that_says_nothing_else_was_at_work_all_the_while() {
        let (told, _) = read(format!("{{{SOUND},\"in\":4}}").as_bytes(), NOW);
        assert_eq!(told[0].1.seen, Duration::from_secs(60));
        assert_eq!(told[0].1.counts, Counts::Ways { entries: 4, exits: None });
    }

    #[test]
    fn what_cannot_be_counted_is_put_aside_with_its_place_and_the_rest_is_taken() {
        let list = format!(
            r#"[{{{SOUND}}},{{{SOUND},"count":4}},{{{SOUND},"out":4}},{{{SOUND},"in":1,"count":1}}]"#
        );
        check(&list, 1, &[(1, "\"in\""), (3, "\"in\""), (4, "\"in\"")]);
        for (count, part) in
            [("-1", "whole number"), ("1.5", "whole number"), ("100001", "100000"), ("\"4\"", "whole")]
        {
            check(&format!("{{{SOUND},\"count\":{count}}}"), 0, &[(1, part)]);
        }
        check(&format!("{{{SOUND},\"count\":4,\"seen_s\":61}}"), 0, &[(1, "61 s of 60 s")]);
        check(&format!("{{{SOUND},\"count\":4,\"id\":\"{}\"}}", "x".repeat(65)), 0, &[(1, "65 bytes")]);
        check(r#"{"sensor":"Door 1"}"#, 0, &[(1, "holds")]);
        check("7", 0, &[(1, "\"sensor\"")]);
        check("", 0, &[(0, "empty")]);
        check("{\"sensor\":", 0, &[(1, "JSON")]);
    }

    #[test]
    fn an_interval_too_long_too_old_or_not_over_is_put_aside() {
        let of = |start_s: i64, length_s: &str| {
            let start_ms = NOW.unix_ms() + 1000 * start_s;
            format!(r#"{{"sensor":"door-1","start_ms":{start_ms},"length_s":{length_s},"count":1}}"#)
        };
        check(&of(-60, "60"), 1, &[]);
        check(&of(60, "60"), 1, &[]);
        check(&of(61, "60"), 0, &[(1, "clock")]);
        check(&of(-3600, "3600"), 1, &[]);
        check(&of(-3601, "3601"), 0, &[(1, "more often")]);
        check(&of(-60, "0"), 0, &[(1, "more often")]);
        check(&of(-60, "-1"), 0, &[(1, "length_s")]);
        check(&of(-60, "1e300"), 0, &[(1, "length_s")]);
        check(&of(-7 * 86_400, "60"), 1, &[]);
        check(&of(-7 * 86_400 - 1, "60"), 0, &[(1, "7 days")]);
    }

    #[test]
    fn a_message_has_its_limits() {
        let one = format!("{{{SOUND},\"count\":4}}\n");
        check(&one.repeat(MAX_COUNTS + 3), MAX_COUNTS, &[(1441, "1440")]);
        check(&" ".repeat(MAX_SENSOR_BYTES + 1), 0, &[(0, "bytes")]);
        check(&"[".repeat(10_000), 0, &[(1, "JSON")]);
    }

    proptest! {
        #[test]
        fn no_message_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let (told, _) = read(&bytes, NOW);
            prop_assert!(told.len() <= MAX_COUNTS);
        }
    }
}
